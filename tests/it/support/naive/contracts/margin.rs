//! Tiers, maintenance margin, initial margin, leverage.

use super::exact::{Exact, ppm, small, up, whole};
use dojima::domain::Amount;
use dojima::domain::contracts::{Tier, TierFault};

const ROWS_MAX: usize = 10;
const LEVERAGE_MAX: i64 = 125;
const MILLION: u32 = 1_000_000;

/// `amount_n`, whole or not.
pub fn amounts(tiers: &[Tier]) -> Vec<Exact> {
    let mut amounts = vec![whole(0)];
    for (before, row) in tiers.iter().zip(tiers.iter().skip(1)) {
        let rise = i64::from(row.maintenance.0) - i64::from(before.maintenance.0);
        let last = amounts.last().expect("one at least");
        amounts.push(whole(row.floor.0) * ppm(rise) + last);
    }
    amounts.truncate(tiers.len());
    amounts
}

/// Everything that is wrong with a table. An empty list: it is taken.
pub fn faults(tiers: &[Tier], costs: u32) -> Vec<TierFault> {
    let mut faults = Vec::new();
    if tiers.is_empty() || tiers.len() > ROWS_MAX {
        faults.push(TierFault::Rows(tiers.len()));
    }
    for (row, (tier, amount)) in tiers.iter().zip(amounts(tiers)).enumerate() {
        let (initial, maintenance) = (tier.initial.0, tier.maintenance.0);
        if maintenance == 0 || maintenance >= initial || initial > MILLION {
            faults.push(TierFault::Rates(row));
        }
        if !amount.is_integer() {
            faults.push(TierFault::Amount(row));
        }
        let Some(before) = row.checked_sub(1).map(|before| tiers[before]) else {
            if tier.floor != Amount(0) {
                faults.push(TierFault::Floor(row));
            }
            if costs >= maintenance {
                faults.push(TierFault::Costs);
            }
            continue;
        };
        if tier.floor <= before.floor {
            faults.push(TierFault::Floor(row));
        }
        if initial <= before.initial.0 || maintenance <= before.maintenance.0 {
            faults.push(TierFault::NotRising(row));
        }
    }
    faults
}

/// The last row whose floor is not above the notional.
pub fn tier_of(tiers: &[Tier], notional: i64) -> usize {
    tiers.iter().rposition(|tier| tier.floor.0 <= notional).expect("the first floor is 0")
}

/// By the formula of one row, whatever the notional.
pub fn maintenance_of_row(tiers: &[Tier], row: usize, notional: i64) -> i64 {
    let share = up(&(whole(notional) * ppm(tiers[row].maintenance.0)));
    small(&(share - &amounts(tiers)[row]))
}

pub fn maintenance(tiers: &[Tier], notional: i64) -> i64 {
    maintenance_of_row(tiers, tier_of(tiers, notional), notional)
}

pub fn initial(tiers: &[Tier], notional: i64, leverage: u8) -> i64 {
    let of_tier = whole(tiers[tier_of(tiers, notional)].initial.0);
    let of_leverage = up(&(whole(MILLION) / whole(leverage)));
    let rate = of_tier.max(of_leverage);
    small(&up(&(whole(notional) * rate / whole(MILLION))))
}

/// The largest whole step that is allowed.
pub fn leverage_max(tiers: &[Tier], notional: i64) -> u8 {
    let limit = whole(MILLION) / whole(tiers[tier_of(tiers, notional)].initial.0);
    let highest = (1..=LEVERAGE_MAX).rev().find(|&leverage| whole(leverage) <= limit);
    u8::try_from(highest.expect("1 is always allowed")).expect("125 at most")
}
