//! Isolated margin: positions with money of their own.

use super::Naive;
use super::contracts::exact::{down, small, whole};
use super::contracts::leg::{Fill, Position};
use super::positions::Place;
use dojima::domain::{AccountId, AssetId, InstrumentId, MarginMode};
use std::collections::BTreeMap;

/// What isolated positions have of their own.
pub(super) type Pots = BTreeMap<Place, i128>;

/// One side of a trade in an isolated position.
pub(super) struct Side {
    pub place: Place,
    pub fill: Fill,
    pub after: Position,
    pub fee: i128,
    /// What the account's wallet has got, or less, by the other side of the trade before.
    pub before: i128,
}

/// What a trade does to the money of an isolated position.
pub(super) struct Moved {
    /// What the pot has then.
    pub pot: i128,
    /// What the wallet gets.
    pub wallet: i128,
    /// Whether it lacks what the position needs that it opens.
    pub lacks: bool,
}

impl Naive {
    pub(super) fn is_isolated(&self, account: AccountId, instrument: InstrumentId) -> bool {
        self.chosen.modes.get(&(account, instrument)) == Some(&MarginMode::Isolated)
    }

    /// What a position has of its own.
    pub(super) fn pot(&self, place: Place) -> i128 {
        self.pots.get(&place).copied().unwrap_or(0)
    }

    /// All pots of an asset.
    pub(super) fn money_in_pots(&self, asset: AssetId) -> i128 {
        let its = self.pots.iter().filter(|((_, instrument, _), _)| self.settled_in(*instrument) == asset);
        its.map(|(_, pot)| pot).sum()
    }

    /// `u` of a position.
    pub(super) fn profit_of(&self, instrument: InstrumentId, leg: Position) -> i128 {
        if leg.lots == 0 {
            return 0;
        }
        let worth = self.listed_as(instrument).value(leg.lots, self.mark_of(instrument));
        i128::from(small(&down(&(worth - whole(leg.cost)))))
    }

    /// What a wallet can put into a pot at a fill.
    pub(super) fn spare(&self, account: AccountId, asset: AssetId) -> i128 {
        let losses = self.unrealised(&self.legs, account, asset).min(0);
        self.wallet(account, asset) + losses - self.margin_of_legs(&self.legs, account, asset)
    }

    /// Whether the account has cross lots under a stale index.
    pub(super) fn has_stale_cross_lots(&self, account: AccountId, asset: AssetId) -> bool {
        self.with_lots(&self.legs, account, asset).any(|(instrument, _)| self.is_stale(instrument))
    }

    /// Whether a pot with so much in it has the initial margin.
    pub(super) fn would_do(&self, place: Place, pot: i128) -> bool {
        let (account, instrument, _) = place;
        let leg = self.leg(place);
        let loss = self.profit_of(instrument, leg).min(0);
        pot + loss >= self.initial_margin(account, instrument, leg.lots)
    }

    pub(super) fn move_pot(&self, side: &Side) -> Moved {
        let Side { place, fill, after, fee, before: wallet_before } = *side;
        let (account, instrument, _) = place;
        let before = self.leg(place);
        let pot = self.pot(place);
        let profit = self.profit_of(instrument, after);
        if fill.opened == 0 {
            let money = pot + fill.realised - fee;
            let all = before.lots.abs();
            let left = all - i128::from(fill.closed);
            let part = {
                let share = (pot + self.profit_of(instrument, before)).max(0) * left;
                // Rounded up.
                (share + all - 1) / all
            };
            let kept = if left == 0 { 0 } else { (part - profit).max(0) };
            let back = (money - kept).min(money).max(0);
            return Moved { pot: money - back, wallet: back, lacks: false };
        }
        let (stays, back) = if fill.closed > 0 { (0, pot + fill.realised) } else { (pot, 0) };
        let top_up = (self.initial_margin(account, instrument, after.lots) - stays - profit).max(0);
        let asset = self.settled_in(instrument);
        let lacks = back < 0
            || top_up + fee > self.spare(account, asset) + wallet_before + back
            || self.has_stale_cross_lots(account, asset);
        Moved { pot: stays + top_up, wallet: back - top_up - fee, lacks }
    }
}
