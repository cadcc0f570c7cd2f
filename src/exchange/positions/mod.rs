//! The positions of a shard's accounts, and what must stand behind them (docs/FUTURES.md, "Positions" and "Margin").
//!
//! It knows contracts only by their marks and tiers, and no orders, books or balances: callers pass what an account has in
//! its wallet. The sums of an account are kept and computed anew only after a mark has moved, so an order costs the same
//! however many positions its account has.

mod holding;
mod margin;
mod measure;
mod quoted;
mod shown;
mod sums;
#[cfg(test)]
mod tests;
mod traded;

pub(super) use holding::{Holding, Position};
pub(super) use margin::WithOrder;
pub(super) use quoted::{At, Ordinal, Quoted};
pub(super) use sums::Margin;
pub(super) use traded::{Measured, Traded};

use crate::domain::contracts::{Leg, Leverage};
use crate::domain::{AccountId, AssetId, MarginMode, Side, Timestamp};
use quoted::NONE;
use sums::Sums;

/// All positions of a shard.
#[derive(Clone, Debug, Default)]
pub(super) struct Positions {
    /// By ordinal; `None` until the contract has a mark and tiers.
    contracts: Vec<Option<Quoted>>,
    /// By ordinal and account: the slot of the holding, or [`NONE`].
    slots: Vec<Vec<u32>>,
    holdings: Vec<Holding>,
    /// By asset and account.
    margins: Vec<Vec<Margin>>,
    /// By account: whether it has hedge mode.
    hedges: Vec<bool>,
    /// Rises when a mark or a table of tiers changes.
    version: u64,
}

impl Positions {
    /// Sets what positions in a contract are valued by.
    pub(super) fn quote(&mut self, contract: Ordinal, quoted: Quoted) {
        let at = usize::from(contract.0);
        if at >= self.contracts.len() {
            self.contracts.resize(at + 1, None);
            self.slots.resize_with(at + 1, Vec::new);
        }
        self.contracts[at] = Some(quoted);
        self.version += 1;
    }

    pub(super) fn quoted(&self, contract: Ordinal) -> &Quoted {
        self.contracts[usize::from(contract.0)].as_ref().expect("it has a mark and tiers")
    }

    /// What positions in a contract are valued by; `None` until it has a mark and tiers.
    pub(super) fn quoted_if(&self, contract: Ordinal) -> Option<&Quoted> {
        self.contracts.get(usize::from(contract.0))?.as_ref()
    }

    /// What an account has in a contract, if it ever had anything there.
    pub(super) fn find(&self, at: At) -> Option<&Holding> {
        self.slot(at).map(|slot| &self.holdings[slot])
    }

    fn slot(&self, At { account, contract }: At) -> Option<usize> {
        let slot = *self.slots.get(usize::from(contract.0))?.get(account.0 as usize)?;
        (slot != NONE).then_some(slot as usize)
    }

    /// The slot of a holding, added if necessary.
    fn slot_of(&mut self, at: At) -> usize {
        if let Some(slot) = self.slot(at) {
            return slot;
        }
        let slots = &mut self.slots[usize::from(at.contract.0)];
        let account = at.account.0 as usize;
        if account >= slots.len() {
            slots.resize(account + 1, NONE);
        }
        let slot = self.holdings.len();
        slots[account] = u32::try_from(slot).expect("fewer than 2^32 holdings");
        let asset = self.quoted(at.contract).asset;
        let margin = self.margin_mut(at.account, asset);
        let next = std::mem::replace(&mut margin.first, slot as u32);
        self.holdings.push(Holding::new(at, next));
        slot
    }

    fn margin_mut(&mut self, account: AccountId, asset: AssetId) -> &mut Margin {
        let (asset, account) = (usize::from(asset.0), account.0 as usize);
        if asset >= self.margins.len() {
            self.margins.resize_with(asset + 1, Vec::new);
        }
        let of_asset = &mut self.margins[asset];
        if account >= of_asset.len() {
            of_asset.resize(account + 1, Margin::NEW);
        }
        &mut of_asset[account]
    }

    /// Whether an account has a long and a short position in each contract.
    pub(super) fn hedges(&self, account: AccountId) -> bool {
        self.hedges.get(account.0 as usize).copied().unwrap_or_default()
    }

    /// The position that an order of this side opens.
    pub(super) fn opened_by(&self, account: AccountId, side: Side) -> usize {
        if self.hedges(account) { side as usize } else { 0 }
    }

    /// The position that a side of a trade changes.
    pub(super) fn leg_of(&self, traded: &Traded) -> Leg {
        let which = self.changed_by(traded);
        self.find(traded.at).map_or_else(Leg::default, |holding| holding.positions[which].leg)
    }

    /// Which position a side of a trade changes.
    pub(super) fn changed_by(&self, traded: &Traded) -> usize {
        match (self.hedges(traded.at.account), traded.closes) {
            (false, _) => 0,
            (true, false) => traded.side as usize,
            (true, true) => traded.side.opposite() as usize,
        }
    }

    /// The leverage of an account in a contract.
    pub(super) fn leverage(&self, at: At) -> Leverage {
        let quoted = self.quoted(at.contract);
        self.find(at).map_or_else(|| quoted.usual_leverage(), |holding| holding.leverage(quoted))
    }

    /// Sets when the index of a contract becomes stale, if positions are valued there.
    pub(super) fn set_stale_from(&mut self, contract: Ordinal, stale_from: u64) {
        if let Some(Some(quoted)) = self.contracts.get_mut(usize::from(contract.0)) {
            quoted.stale_from = stale_from;
        }
    }

    /// Whether the account has cross lots in a contract of the asset whose index is stale.
    pub(super) fn has_stale(&self, account: AccountId, asset: AssetId, now: Timestamp) -> bool {
        self.holdings_of(account, asset).any(|holding| {
            holding.mode == MarginMode::Cross
                && holding.has_lots()
                && now.0 >= self.quoted(holding.contract()).stale_from
        })
    }

    /// Whose money stands behind the positions of an account in a contract.
    pub(super) fn mode(&self, at: At) -> MarginMode {
        self.find(at).map_or(MarginMode::Cross, |holding| holding.mode)
    }

    /// What an account can put into a pot when an order of its trades, minor units: what its cross positions need is
    /// the wallet's; their profits do not count.
    pub(super) fn spare(&mut self, account: AccountId, asset: AssetId, wallet: i64) -> i128 {
        let sums = self.margin(account, asset).sums();
        i128::from(wallet) + sums.profit.min(0) - sums.behind_lots
    }

    /// Whether each position of an account in a contract has the initial margin in its pot, if it has one.
    /// `due`: what each is charged for a funding.
    pub(super) fn pots_suffice(&self, at: At, due: [i64; 2]) -> bool {
        let Some(holding) = self.find(at).filter(|holding| holding.mode == MarginMode::Isolated) else {
            return true;
        };
        let pot = |which: usize| i128::from(holding.positions[which].pot) + i128::from(due[which]);
        (0..2).all(|which| holding.suffices(self.quoted(at.contract), which, pot(which)))
    }

    /// Whether a position would have the initial margin with this money of its own.
    pub(super) fn suffices(&self, at: At, which: usize, pot: i128) -> bool {
        self.find(at).is_some_and(|holding| holding.suffices(self.quoted(at.contract), which, pot))
    }

    /// The highest leverage that the tiers of what an account has at risk in a contract allow.
    pub(super) fn leverage_max(&self, at: At) -> Leverage {
        let quoted = self.quoted(at.contract);
        let positions = self.find(at).map_or_else(Default::default, |holding| holding.positions);
        let most = positions.map(|position| {
            let lots = position.exposure().lots_at_risk();
            quoted.tiers.leverage_max(quoted.value.notional(lots, quoted.mark).expect("lots have limits"))
        });
        most[0].min(most[1])
    }

    /// Counts open lots of an account's orders that may open a position; fewer if negative.
    pub(super) fn count_orders(&mut self, at: At, side: Side, lots: i64) {
        let which = self.opened_by(at.account, side);
        let slot = self.slot_of(at);
        let quoted = self.contracts[usize::from(at.contract.0)].as_ref().expect("it has a mark and tiers");
        let holding = &mut self.holdings[slot];
        let position = &mut holding.positions[which];
        let before = position.exposure().lots_at_risk();
        let counted = if side == Side::Buy { &mut position.bids } else { &mut position.asks };
        *counted = counted.checked_add_signed(lots).expect("what goes was counted when it came");
        let after = position.exposure();
        let margin = &mut self.margins[usize::from(quoted.asset.0)][at.account.0 as usize];
        if margin.version != self.version || after.lots_at_risk() == before {
            // Its sums are computed anew when they are looked at, or are what they were.
            return;
        }
        let required = holding.required_at(quoted, which, after);
        let more = i128::from(required - std::mem::replace(&mut holding.required[which], required));
        holding.sums.required += more;
        margin.sums.required += more;
    }

    /// Changes a holding, and the sums of its account with it.
    pub(super) fn change<T>(&mut self, at: At, change: impl FnOnce(&mut Holding) -> T) -> T {
        let slot = self.slot_of(at);
        let quoted = self.contracts[usize::from(at.contract.0)].as_ref().expect("it has a mark and tiers");
        let margin = &mut self.margins[usize::from(quoted.asset.0)][at.account.0 as usize];
        let holding = &mut self.holdings[slot];
        let before = holding.sums;
        let changed = change(holding);
        if margin.version == self.version {
            holding.value(quoted);
            margin.sums.replace(&before, &holding.sums);
        }
        changed
    }

    /// The sums of an account in an asset, at the present marks.
    pub(super) fn margin(&mut self, account: AccountId, asset: AssetId) -> &Margin {
        let version = self.version;
        let margin = self.margin_mut(account, asset);
        if margin.version != version {
            self.value_again(account, asset);
        }
        self.margin_mut(account, asset)
    }

    /// All holdings, in the order in which they began.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Holding> + '_ {
        self.holdings.iter()
    }

    /// The holdings in a contract, by account.
    pub(super) fn of_contract(&self, contract: Ordinal) -> impl Iterator<Item = &Holding> + '_ {
        let slots = self.slots.get(usize::from(contract.0)).into_iter().flatten();
        slots.filter_map(|slot| self.holdings.get(*slot as usize))
    }

    /// Whether all sums that are of the present marks are those that are computed anew.
    pub(super) fn sums_are_right(&self) -> bool {
        let margins = self.margins.iter().flatten().filter(|margin| margin.version == self.version);
        margins.into_iter().all(|margin| {
            let mut sums = Sums::default();
            let mut next = margin.first;
            while let Some(holding) = self.holdings.get(next as usize) {
                let quoted = self.quoted(holding.at.contract);
                let parts = holding.parts_at(quoted);
                sums.replace(&Sums::default(), &Sums::of(&parts));
                if holding.required.map(i128::from) != parts.map(|part| part.required) {
                    return false;
                }
                next = holding.next;
            }
            sums == margin.sums
        })
    }

    /// The holdings of an account in an asset.
    pub(super) fn holdings_of(
        &self,
        account: AccountId,
        asset: AssetId,
    ) -> impl Iterator<Item = &Holding> + '_ {
        let margins = self.margins.get(usize::from(asset.0));
        let first = margins.and_then(|of| of.get(account.0 as usize)).map_or(NONE, |margin| margin.first);
        let at = |slot: u32| self.holdings.get(slot as usize);
        std::iter::successors(at(first), move |holding| at(holding.next))
    }

    #[cold]
    fn value_again(&mut self, account: AccountId, asset: AssetId) {
        let mut sums = Sums::default();
        let mut next = self.margin_mut(account, asset).first;
        while next != NONE {
            let holding = &mut self.holdings[next as usize];
            let quoted = self.contracts[usize::from(holding.at.contract.0)].as_ref();
            holding.value(quoted.expect("it has a mark and tiers"));
            sums.replace(&Sums::default(), &holding.sums);
            next = holding.next;
        }
        let version = self.version;
        let margin = self.margin_mut(account, asset);
        (margin.sums, margin.version) = (sums, version);
    }
}
