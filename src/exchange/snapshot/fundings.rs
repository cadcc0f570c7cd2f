//! The funding of a contract as a record, and back.

use super::contract_records::FundingRecord;
use super::refused::{Refused, check};
use crate::domain::contracts::{Funding, FundingRate, Premium};
use crate::domain::{Listing, Price};
use crate::exchange::contract::{Charging, Fundings};

/// How many bits of the sum of premiums are in the lower field.
const LOW_BITS: u32 = 32;

impl FundingRecord {
    pub(super) fn of(fundings: &Fundings) -> Self {
        let Fundings { number, last, next, premium, charging } = *fundings;
        let Charging { charged, next: next_account, .. } = charging.unwrap_or_default();
        Self {
            number,
            rate_ppb: last.map_or(0, |last| last.rate.0 as i32),
            mark: last.map_or(0, |last| last.mark.0),
            next,
            premium_high: (premium.sum >> LOW_BITS) as i64,
            premium_low: premium.sum as u32,
            samples: premium.samples,
            open: charging.is_some(),
            charged,
            next_account,
        }
    }

    /// Checks what no other record has to be known for.
    pub(super) fn check(&self, is_perpetual: bool) -> Refused {
        let none = Self::default();
        check(is_perpetual || *self == none, "funding of a contract that has none")?;
        let was = self.number.0 > 0;
        let right = (was || (self.rate_ppb, self.mark, self.open) == (0, 0, false))
            && (self.open || (self.charged, self.next_account) == (none.charged, none.next_account))
            && (!was || (1..Listing::PRICE_END as i64).contains(&self.mark))
            && (!self.open || self.rate_ppb != 0);
        check(right, "funding contradicts itself")?;
        // A premium is less than the highest price divided by the lowest one.
        let most = i128::from(Listing::PRICE_END) * 1_000_000_000 * i128::from(self.samples);
        check(self.sum().abs() <= most, "more premium than its samples can have")
    }

    fn sum(&self) -> i128 {
        (i128::from(self.premium_high) << LOW_BITS) | i128::from(self.premium_low)
    }

    /// What is left to be charged is counted with the positions.
    pub(super) fn taken(&self) -> Fundings {
        let last = Funding { rate: FundingRate(self.rate_ppb.into()), mark: Price(self.mark) };
        let charging = Charging { left: 0, charged: self.charged, next: self.next_account };
        Fundings {
            number: self.number,
            last: (self.number.0 > 0).then_some(last),
            next: self.next,
            premium: Premium { sum: self.sum(), samples: self.samples },
            charging: self.open.then_some(charging),
        }
    }
}
