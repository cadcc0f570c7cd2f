//! Fees: rates in parts per million, rounded up against the payer, paid to the fee account. A negative rate is a
//! rebate.
//!
//! An order that trades in many small pieces must not pay a rounded-up minor unit for each of them. So every order
//! carries the amount by which its fees so far were rounded up, in millionths of a minor unit, and the next fee takes
//! it into account. However many trades fill an order, its fees sum to Σ amount × rate, rounded up once, and the
//! reserve at the highest rate on the whole order always suffices.

use crate::domain::{Amount, FeeRate};

const ONE: i32 = FeeRate::ONE;

/// The fee on an amount, and the new carry. `amount` is not negative; the carry is below 1,000,000.
#[inline]
pub(super) fn fee(amount: Amount, rate: FeeRate, carry: u32) -> (Amount, u32) {
    if rate.0 < 0 {
        return (rebate(amount, rate), carry);
    }
    if amount.0 < 1 << 43 {
        // The product fits 64 bits; the division by a constant compiles to a multiplication.
        let due = amount.0 * i64::from(rate.0) - i64::from(carry);
        let fee = -(-due).div_euclid(i64::from(ONE));
        return (Amount(fee), (fee * i64::from(ONE) - due) as u32);
    }
    let due = i128::from(amount.0) * i128::from(rate.0) - i128::from(carry);
    let fee = -(-due).div_euclid(i128::from(ONE));
    // At most the amount itself, because a rate is at most 100 %.
    (Amount(fee as i64), (fee * i128::from(ONE) - due) as u32)
}

/// A rebate, rounded down per trade. ⌈x - carry⌉ is never below ⌊x⌋, so a fee of the other side at a rate that is no
/// lower covers it, and the fee account never pays more than it just received.
#[cold]
fn rebate(amount: Amount, rate: FeeRate) -> Amount {
    let whole = i128::from(amount.0) * i128::from(rate.0) / i128::from(ONE);
    // At most the amount itself, because a rate is at most 100 %.
    Amount(whole as i64)
}

/// The reserve of a buy for its open lots: their notional at the limit and the highest fee on it. `None` if it does not
/// fit an amount.
pub(super) fn with_fee(notional: Amount, highest_rate: FeeRate, carry: u32) -> Option<Amount> {
    notional.0.checked_add(fee(notional, highest_rate, carry).0.0).map(Amount)
}

/// How many units at this price (above 0) an amount pays for, including their fee at this rate (at least 0).
///
/// The amount is whole. So n units with their rounded-up fee cost no more than the amount exactly if they do so without
/// rounding: n × price × (1 + rate) − carry ≤ amount, in millionths.
pub(super) fn units_paid(amount: Amount, price: Amount, rate: FeeRate, carry: u32) -> u64 {
    let whole = i128::from(amount.0) * i128::from(ONE) + i128::from(carry);
    let one = i128::from(price.0) * i128::from(ONE + rate.0);
    // The carry alone, below one minor unit, pays for no unit.
    (whole / one) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounds_up_once_over_many_pieces() {
        let (mut carry, mut paid) = (0, 0);
        for _ in 0..1000 {
            let (amount, next) = fee(Amount(1), FeeRate(1000), carry);
            (carry, paid) = (next, paid + amount.0);
        }
        assert_eq!((paid, carry), (1, 0));
        assert_eq!(fee(Amount(i64::MAX), FeeRate(ONE), 0), (Amount(i64::MAX), 0));
        assert_eq!(fee(Amount(1), FeeRate(1), 0), (Amount(1), 999_999));
    }

    proptest! {
        /// Both widths of arithmetic agree with the definition, and the fees of pieces sum to the fee of the whole.
        #[test]
        fn pieces_cost_what_the_whole_costs(
            pieces in prop::collection::vec((0_i64..1 << 50, 0..=ONE), 1..20),
        ) {
            let (mut carry, mut paid, mut owed) = (0, 0_i128, 0_i128);
            for (notional, rate) in pieces {
                let (amount, next) = fee(Amount(notional), FeeRate(rate), carry);
                prop_assert!(amount.0.abs() <= notional && next < ONE as u32);
                owed += i128::from(notional) * i128::from(rate);
                paid += i128::from(amount.0);
                carry = next;
                prop_assert_eq!(paid * i128::from(ONE), owed + i128::from(carry));
            }
        }

        /// The reserve for the remainder plus the cost of a fill never exceeds the reserve before.
        #[test]
        fn the_reserve_suffices(
            limit in 1_i64..1 << 30, better in 0_i64..1 << 30, lots in 1_i64..1 << 20, filled in 1_i64..1 << 20,
            rate in -ONE..=ONE, highest in 0..=ONE, carry in 0..ONE as u32,
        ) {
            let (filled, highest) = (filled.min(lots), FeeRate(highest.max(rate)));
            let price = limit.min(better);
            let before = with_fee(Amount(limit * lots), highest, carry).expect("fits");
            let (amount, next) = fee(Amount(price * filled), FeeRate(rate), carry);
            let after = with_fee(Amount(limit * (lots - filled)), highest, next).expect("fits");
            prop_assert!(price * filled + amount.0 + after.0 <= before.0);
        }

        /// Whatever carry the paying side has, its fee covers the other side's rebate.
        #[test]
        fn a_rebate_is_covered(amount in 0_i64..=i64::MAX, rate in 0..=ONE, more in 0..=ONE, carry in 0..ONE as u32) {
            let paid = fee(Amount(amount), FeeRate((rate + more).min(ONE)), carry).0;
            let (rebate, kept) = fee(Amount(amount), FeeRate(-rate), carry);
            prop_assert!(rebate.0 <= 0 && paid.0 + rebate.0 >= 0);
            prop_assert_eq!(kept, carry);
        }
    }

    proptest! {
        /// The result is the most that the amount pays for, and not one unit more.
        #[test]
        fn units_are_paid_to_the_last(
            amount in prop_oneof![0_i64..2_000, 0..=i64::MAX],
            price in prop_oneof![1_i64..50, 1..=i64::MAX],
            rate in prop_oneof![Just(0), 0..ONE / 10, 0..=ONE],
            carry in 0_u32..1_000_000,
        ) {
            let rate = FeeRate(rate);
            let units = units_paid(Amount(amount), Amount(price), rate, carry);
            let costs = |units: u64| {
                let notional = i128::from(price) * i128::from(units);
                i64::try_from(notional).ok().and_then(|notional| with_fee(Amount(notional), rate, carry))
            };
            prop_assert!(costs(units).is_some_and(|cost| cost.0 <= amount));
            prop_assert!(costs(units + 1).is_none_or(|cost| cost.0 > amount));
        }
    }
}
