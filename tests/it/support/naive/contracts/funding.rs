//! Premium, funding rate, payments.

use super::exact::{Exact, absolute, down, fits, fraction, half_even, ppb, small, up, whole};
use super::value::Listed;

const BILLION: i64 = 1_000_000_000;
const INTEREST_BAND: i64 = 500_000;
const EIGHT_HOURS: u32 = 28_800;

/// A premium sample, ppb.
pub fn sample(bid: i64, ask: i64, index: i64) -> i64 {
    let above = (whole(bid) - whole(index)).max(whole(0));
    let below = (whole(index) - whole(ask)).max(whole(0));
    small(&half_even(&((above - below) * whole(BILLION) / whole(index))))
}

/// `P`; 0 without samples.
pub fn mean(sum: i128, samples: u32) -> Exact {
    if samples == 0 { whole(0) } else { half_even(&fraction(sum, samples)) }
}

/// `F8`
pub fn of_eight_hours(premium: Exact, interest: i32) -> Exact {
    let apart = whole(interest) - &premium;
    premium + apart.max(whole(-INTEREST_BAND)).min(whole(INTEREST_BAND))
}

pub fn cap(maintenance: u32) -> Exact {
    down(&(whole(maintenance) * whole(750)))
}

/// `F`
pub fn rate(sum: i128, samples: u32, interval: u32, interest: i32, maintenance: u32) -> i64 {
    if samples == 0 {
        return 0;
    }
    let of_eight = of_eight_hours(mean(sum, samples), interest);
    let scaled = half_even(&(of_eight * fraction(samples.min(interval), EIGHT_HOURS)));
    let cap = cap(maintenance);
    small(&scaled.max(-cap.clone()).min(cap))
}

/// What a leg gets; below 0: what it pays.
pub fn payment(listed: &Listed, lots: i128, rate: i64, mark: i64) -> Option<i64> {
    let amount = absolute(listed.value(lots, mark)) * absolute(ppb(rate));
    let pays = lots > 0 && rate > 0 || lots < 0 && rate < 0;
    fits(&if pays { -up(&amount) } else { down(&amount) })
}
