//! Fees: rates in parts per million of the notional, rounded up, against the payer, to the fee account.
//!
//! An order that trades in many small pieces must not pay a rounded-up minor unit for each. So every order carries
//! what its fees so far were rounded up by, in millionths of a minor unit, and the next fee takes it into account.
//! Whatever the pieces, an order's fees come to Σ notional × rate, rounded up once; and what was reserved for the
//! highest rate on the whole always suffices.

use crate::domain::{Amount, Ppm};

const ONE: u32 = Ppm::ONE;

/// The fee on a notional, and the new carry. `notional` is not negative; the carry is below 1,000,000.
pub(super) fn fee(notional: Amount, rate: Ppm, carry: u32) -> (Amount, u32) {
    let notional = notional.0.unsigned_abs();
    if notional < 1 << 43 {
        // The product fits 64 bits; the division by a constant is a multiplication.
        let owed = notional * u64::from(rate.0);
        let due = owed.saturating_sub(u64::from(carry));
        let fee = due.div_ceil(u64::from(ONE));
        let carry = (fee * u64::from(ONE) + u64::from(carry) - owed) as u32;
        return (Amount(fee as i64), carry);
    }
    let owed = u128::from(notional) * u128::from(rate.0);
    let due = owed.saturating_sub(u128::from(carry));
    let fee = due.div_ceil(u128::from(ONE));
    let carry = (fee * u128::from(ONE) + u128::from(carry) - owed) as u32;
    // At most the notional itself, since a rate is at most 100 %.
    (Amount(fee as i64), carry)
}

/// What a buy must hold for its open lots: their notional at the limit and the highest fee on it. `None` when it does
/// not fit an amount.
pub(super) fn with_fee(notional: Amount, highest_rate: Ppm, carry: u32) -> Option<Amount> {
    notional.0.checked_add(fee(notional, highest_rate, carry).0.0).map(Amount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounds_up_once_over_many_pieces() {
        let (mut carry, mut paid) = (0, 0);
        for _ in 0..1000 {
            let (amount, next) = fee(Amount(1), Ppm(1000), carry);
            (carry, paid) = (next, paid + amount.0);
        }
        assert_eq!((paid, carry), (1, 0));
        assert_eq!(fee(Amount(i64::MAX), Ppm(ONE), 0), (Amount(i64::MAX), 0));
        assert_eq!(fee(Amount(1), Ppm(1), 0), (Amount(1), 999_999));
    }

    proptest! {
        /// Both widths of arithmetic agree with the definition, and pieces cost what the whole would.
        #[test]
        fn pieces_cost_what_the_whole_costs(
            pieces in prop::collection::vec((0_i64..1 << 50, 0_u32..=ONE), 1..20),
        ) {
            let (mut carry, mut paid, mut owed) = (0, 0_i128, 0_i128);
            for (notional, rate) in pieces {
                let (amount, next) = fee(Amount(notional), Ppm(rate), carry);
                prop_assert!(amount.0 <= notional && next < ONE);
                owed += i128::from(notional) * i128::from(rate);
                paid += i128::from(amount.0);
                carry = next;
                prop_assert_eq!(paid * i128::from(ONE), owed + i128::from(carry));
            }
        }

        /// The reserve for what is left, plus what a fill cost, never passes the reserve before.
        #[test]
        fn the_reserve_suffices(
            limit in 1_i64..1 << 30, better in 0_i64..1 << 30, lots in 1_i64..1 << 20, filled in 1_i64..1 << 20,
            rate in 0_u32..=ONE, highest in 0_u32..=ONE, carry in 0_u32..ONE,
        ) {
            let (filled, highest) = (filled.min(lots), Ppm(highest.max(rate)));
            let price = limit.min(better);
            let before = with_fee(Amount(limit * lots), highest, carry).expect("fits");
            let (amount, next) = fee(Amount(price * filled), Ppm(rate), carry);
            let after = with_fee(Amount(limit * (lots - filled)), highest, next).expect("fits");
            prop_assert!(price * filled + amount.0 + after.0 <= before.0);
        }
    }
}
