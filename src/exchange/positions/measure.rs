//! A side of a trade, measured before it is made (docs/FUTURES.md, "Fills" and "Isolated pots").

use super::Positions;
use super::holding::{Holding, Position, profit};
use super::quoted::{NONE, Quoted};
use super::traded::{Measured, Refusal, Traded};
use crate::domain::MarginMode;
use crate::domain::contracts::Booked;

impl Positions {
    /// Measures one side of a trade, and changes nothing.
    ///
    /// # Errors
    /// If the margin of the side does not suffice.
    pub(in crate::exchange) fn measure(&mut self, traded: &Traded) -> Result<Measured, Refusal> {
        let Traded { at, side, .. } = *traded;
        let quoted = *self.quoted(at.contract);
        let holding = self.find(at).copied().unwrap_or_else(|| Holding::new(at, NONE, NONE));
        let which = self.changed_by(traded);
        let before = holding.positions[which];
        let mut after = before;
        let booked = after.leg.book(&quoted.value, side, traded.lots, traded.value);
        let increases = booked.opened > 0;
        let margin = *self.margin(at.account, quoted.asset);
        let (fee, pot, wallet) = match holding.mode {
            MarginMode::Cross => {
                let profits = margin.sums.profit - i128::from(profit(&quoted, &before));
                let equity_before = i128::from(traded.wallet) + margin.sums.profit;
                let equity = i128::from(traded.wallet)
                    + i128::from(booked.realised)
                    + profits
                    + i128::from(profit(&quoted, &after));
                let lots_before = holding.initial(&quoted, before.leg.lots.unsigned_abs());
                let lots_after = holding.initial(&quoted, after.leg.lots.unsigned_abs());
                let behind = margin.sums.behind_lots + i128::from(lots_after.0 - lots_before.0);
                let fee = if increases {
                    if equity - i128::from(traded.fee) < behind {
                        return Err(Refusal);
                    }
                    traded.fee
                } else {
                    reducing_fee(traded.fee, equity, equity_before)?
                };
                (fee, 0, booked.realised - fee)
            }
            MarginMode::Isolated => self.pot_after(traded, &quoted, &holding, &before, &after, &booked)?,
        };
        after.pot = pot;
        Ok(Measured { which, position: after, booked, fee, wallet })
    }

    /// Measures a trade of an account with itself that changes its long and its short position: both open, or both reduce.
    /// `sides`: the buyer's, the seller's.
    ///
    /// # Errors
    /// If its margin does not suffice.
    pub(in crate::exchange) fn measure_own(&mut self, sides: [Traded; 2]) -> Result<[Measured; 2], Refusal> {
        let [buyer, seller] = &sides;
        let at = buyer.at;
        if self.mode(at) == MarginMode::Isolated {
            let bought = self.measure(buyer)?;
            let sold = self.measure(&Traded { wallet: seller.wallet + bought.wallet, ..*seller })?;
            return Ok([bought, sold]);
        }
        let quoted = *self.quoted(at.contract);
        let holding = self.find(at).copied().unwrap_or_else(|| Holding::new(at, NONE, NONE));
        let which = sides.map(|side| self.changed_by(&side));
        let before = holding.positions;
        let mut after = before;
        let booked = [0, 1].map(|one| {
            let Traded { side, lots, value, .. } = sides[one];
            after[which[one]].leg.book(&quoted.value, side, lots, value)
        });
        let profits =
            |of: &[Position; 2]| of.iter().map(|one| i128::from(profit(&quoted, one))).sum::<i128>();
        let initial = |of: &[Position; 2]| {
            let of_lots = of.iter().map(|one| holding.initial(&quoted, one.leg.lots.unsigned_abs()).0);
            of_lots.map(i128::from).sum::<i128>()
        };
        let realised = booked.iter().map(|booked| i128::from(booked.realised)).sum::<i128>();
        let sums = *self.margin(at.account, quoted.asset).sums();
        let equity_before = i128::from(buyer.wallet) + sums.profit;
        let equity = equity_before + realised + profits(&after) - profits(&before);
        let fees = if booked.iter().any(|booked| booked.opened > 0) {
            let behind = sums.behind_lots + initial(&after) - initial(&before);
            if equity - i128::from(buyer.fee) - i128::from(seller.fee) < behind {
                return Err(Refusal);
            }
            [buyer.fee, seller.fee]
        } else {
            let first = reducing_fee(buyer.fee, equity, equity_before)?;
            let left = equity.max(0) - i128::from(first.max(0));
            [first, reducing_fee(seller.fee, left, left)?]
        };
        Ok([0, 1].map(|one| Measured {
            which: which[one],
            position: after[which[one]],
            booked: booked[one],
            fee: fees[one],
            wallet: booked[one].realised - fees[one],
        }))
    }

    /// The fee, the pot after the trade, and the change of the wallet, of an isolated position.
    #[allow(clippy::too_many_arguments, reason = "all of them are one trade")]
    fn pot_after(
        &mut self,
        traded: &Traded,
        quoted: &Quoted,
        holding: &Holding,
        before: &Position,
        after: &Position,
        booked: &Booked,
    ) -> Result<(i64, i64, i64), Refusal> {
        let held = before.leg.lots.unsigned_abs();
        let equity_before = i128::from(before.pot) + i128::from(profit(quoted, before));
        let profit_after = i128::from(profit(quoted, after));
        if booked.opened == 0 {
            let equity = i128::from(before.pot) + i128::from(booked.realised) + profit_after;
            let fee = reducing_fee(traded.fee, equity, equity_before)?;
            let pot = before.pot + booked.realised - fee;
            let left = held - booked.closed;
            let back = if left == 0 {
                pot.max(0)
            } else {
                let share = equity_before.max(0) * i128::from(left);
                let kept = -(-share).div_euclid(i128::from(held)) - profit_after;
                let back = (i128::from(pot) - kept.max(0)).clamp(0, i128::from(pot.max(0)));
                i64::try_from(back).expect("no more than the pot")
            };
            return Ok((fee, pot - back, back));
        }
        // A position that turns over closes first: its pot goes back, and must not be below 0.
        let (pot, back) = if booked.closed > 0 {
            let pot = before.pot + booked.realised;
            if pot < 0 {
                return Err(Refusal);
            }
            (0, pot)
        } else {
            (before.pot, 0)
        };
        let needs = i128::from(holding.initial(quoted, after.leg.lots.unsigned_abs()).0);
        let top_up = (needs - i128::from(pot) - profit_after).max(0);
        let account = traded.at.account;
        let spare = self.spare(account, quoted.asset, traded.wallet) + i128::from(back);
        if top_up + i128::from(traded.fee) > spare || self.has_stale(account, quoted.asset, traded.now) {
            return Err(Refusal);
        }
        let top_up = i64::try_from(top_up).map_err(|_| Refusal)?;
        Ok((traded.fee, pot + top_up, back - top_up - traded.fee))
    }
}

/// The fee of a trade that does not increase risk, as far as the equity after it pays it.
fn reducing_fee(fee: i64, equity: i128, before: i128) -> Result<i64, Refusal> {
    if equity < 0 && equity < before {
        return Err(Refusal);
    }
    let most = equity.clamp(0, i128::from(i64::MAX)) as i64;
    Ok(fee.min(most))
}
