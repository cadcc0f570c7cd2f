//! What is told of a position to its owner, and never computed with (docs/FUTURES.md, "Positions" and "Margin").

use super::Positions;
use super::holding::{Holding, profit};
use super::quoted::{At, NONE, Quoted};
use crate::domain::contracts::{Leg, PriceRange};
use crate::domain::{Amount, AssetId, MarginMode, Price};

/// The most ticks that are looked at beyond those of the bisection.
const STEPS_MAX: i64 = 64;

/// The margin account of a position, and the position in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Shown {
    /// Minor units.
    pub(in crate::exchange) equity: i128,
    /// Of all positions of the margin account, minor units.
    pub(in crate::exchange) maintenance: i128,
    /// The liquidation price; `None`: there is none in the price range.
    pub(in crate::exchange) liquidation: Option<Price>,
}

/// A margin account, as it is at other marks of one of its contracts.
struct Stand<'a> {
    quoted: &'a Quoted,
    /// Its positions in that contract.
    legs: &'a [Leg],
    /// Equity less maintenance margin of all the rest.
    fixed: i128,
}

impl Positions {
    /// What is told of one of an account's positions in a contract with marks in `range`. `wallet`: what the account has
    /// in the contract's settlement asset, minor units.
    pub(in crate::exchange) fn shown(
        &self,
        at: At,
        which: usize,
        wallet: i64,
        range: Option<&PriceRange>,
    ) -> Option<Shown> {
        let quoted = self.quoted_if(at.contract)?;
        let own = self.find(at).copied().unwrap_or_else(|| Holding::new(at, NONE));
        let (mut equity, mut maintenance) = match own.mode {
            MarginMode::Cross => self.others(at, quoted.asset, wallet),
            MarginMode::Isolated => (i128::from(own.positions[which].pot), 0),
        };
        let fixed = equity - maintenance;
        let mut legs = [Leg::default(); 2];
        let counted = own.positions.iter().enumerate();
        for (leg, (at, position)) in legs.iter_mut().zip(counted) {
            if own.mode == MarginMode::Cross || at == which {
                *leg = position.leg;
                equity += i128::from(profit(quoted, position));
                maintenance += i128::from(maintenance_of(quoted, leg, quoted.mark).0);
            }
        }
        let stand = Stand { quoted, legs: &legs, fixed };
        let is_long = own.positions[which].leg.lots > 0;
        let has_lots = own.positions[which].leg.lots != 0;
        let range = range.filter(|_| has_lots);
        let liquidation = range.and_then(|range| stand.liquidation(is_long, range));
        Some(Shown { equity, maintenance, liquidation })
    }

    /// Equity and maintenance margin of an account's cross positions in the other contracts of the asset, its wallet
    /// included.
    fn others(&self, at: At, asset: AssetId, wallet: i64) -> (i128, i128) {
        let mut sums = (i128::from(wallet), 0);
        let holdings = self.holdings_of(at.account, asset);
        for holding in holdings.filter(|other| other.at != at && other.mode == MarginMode::Cross) {
            let quoted = self.quoted(holding.at.contract);
            for position in &holding.positions {
                sums.0 += i128::from(profit(quoted, position));
                sums.1 += i128::from(maintenance_of(quoted, &position.leg, quoted.mark).0);
            }
        }
        sums
    }
}

fn maintenance_of(quoted: &Quoted, leg: &Leg, mark: Price) -> Amount {
    if leg.lots == 0 {
        return Amount(0);
    }
    let notional = quoted.value.notional(leg.lots.unsigned_abs(), mark).expect("lots have limits");
    quoted.tiers.maintenance(notional)
}

impl Stand<'_> {
    /// The first mark from the present one on, down or up, at which it is below maintenance.
    ///
    /// Let `f` be equity less maintenance margin as a function of the mark (of an inverse contract: of its reciprocal).
    /// Without rounding profits are linear in it, and the maintenance margin is a convex function: it rises with the
    /// notional, from tier to tier more steeply. So `f` is concave and the marks with `f ≥ 0` have no gap: once it is
    /// below 0 on the way from a mark at which it is not, it stays so. With one leg that also holds with the rounding of
    /// amounts, if the notional of an inverse contract counts as the next larger whole number also where it is whole:
    /// profit then falls by at least as many units as the margin may fall, since no rate is above one. This `f` is found
    /// by bisection. Where a notional is whole it may be one below the real one, so the real one is asked from there on:
    /// neighbouring ticks all divide lots × K only a few times. With two legs, which round separately, the result is
    /// right to within a unit of the asset.
    fn liquidation(&self, down: bool, range: &PriceRange) -> Option<Price> {
        let mark = self.quoted.mark;
        if self.surplus(mark, false) < 0 {
            return Some(mark);
        }
        let end = if down { range.lowest() } else { range.highest() };
        let steps = if down { mark.0 - end.0 } else { end.0 - mark.0 };
        let at = |steps: i64| Price(if down { mark.0 - steps } else { mark.0 + steps });
        // The fewest steps at which it is below.
        let (mut above, mut below) = (0, steps + 1);
        while below - above > 1 {
            let middle = above + (below - above) / 2;
            if self.surplus(at(middle), true) < 0 {
                below = middle;
            } else {
                above = middle;
            }
        }
        let mut first = below..=steps.min(below + STEPS_MAX);
        let first = first.find(|steps| self.surplus(at(*steps), false) < 0);
        first.or((below <= steps).then_some(below)).map(at)
    }

    /// Equity less maintenance margin at this mark; `careful`: whole notionals of inverse contracts are one larger.
    fn surplus(&self, mark: Price, careful: bool) -> i128 {
        let quoted = self.quoted;
        self.legs.iter().filter(|leg| leg.lots != 0).fold(self.fixed, |sum, leg| {
            let lots = leg.lots.unsigned_abs();
            let notional = match careful {
                true => quoted.value.notional_above(lots, mark),
                false => quoted.value.notional(lots, mark),
            };
            let profit = leg.profit(&quoted.value, mark).expect("lots have limits");
            let maintenance = quoted.tiers.maintenance(notional.expect("lots have limits"));
            sum + i128::from(profit.0) - i128::from(maintenance.0)
        })
    }
}

#[cfg(test)]
mod tests;
