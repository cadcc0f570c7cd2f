//! An index: a price from outside (docs/FUTURES.md, "Index").

use crate::domain::{
    ContractEvent, IndexSet, IndexTerms, Listing, Ppm, RejectReason, SetIndex, ShardId, Symbol, Timestamp,
};

/// How far the source time of a price may be ahead of the command, ns.
const AHEAD_MAX: u64 = Timestamp::SECOND;

/// A price of an index, and when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Quote {
    /// Price units.
    pub(in crate::exchange) price: u32,
    pub(in crate::exchange) source_time: Timestamp,
}

/// An index. In other shards than its own it never has a price.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Index {
    pub(in crate::exchange) symbol: Symbol,
    pub(in crate::exchange) price_decimals: u8,
    pub(in crate::exchange) shard: ShardId,
    pub(in crate::exchange) terms: IndexTerms,
    /// The last price that was taken.
    pub(in crate::exchange) last: Option<Quote>,
    /// A price that is too far from the last one and waits for a second one near it.
    pub(in crate::exchange) held: Option<Quote>,
    /// Until then no position of its contracts is closed out.
    pub(in crate::exchange) grace_until: Timestamp,
}

impl Index {
    /// Whether it has no price, or the last one is too old.
    pub(in crate::exchange) fn is_stale(&self, now: Timestamp) -> bool {
        self.last.is_none_or(|last| self.is_too_old(last.source_time, now))
    }

    /// When the last price becomes too old, ns; 0 without one.
    pub(in crate::exchange) fn stale_from(&self) -> u64 {
        let lasts = u64::from(self.terms.stale_after_ms) * 1_000_000;
        self.last.map_or(0, |last| last.source_time.0.saturating_add(lasts))
    }

    fn is_too_old(&self, source_time: Timestamp, now: Timestamp) -> bool {
        now.0.saturating_sub(source_time.0) >= u64::from(self.terms.stale_after_ms) * 1_000_000
    }

    /// Whether a price may follow a price. Without a limit of jumps all may.
    fn is_near(&self, from: u32, to: u32) -> bool {
        let distance = u64::from(from.abs_diff(to)) * u64::from(Ppm::ONE);
        self.terms.jump.0 == 0 || distance <= u64::from(self.terms.jump.0) * u64::from(from)
    }

    /// Checks a price, and takes or holds it.
    pub(in crate::exchange) fn take(
        &mut self,
        set: &SetIndex,
        now: Timestamp,
    ) -> Result<ContractEvent, RejectReason> {
        let SetIndex { index, price, source_time } = *set;
        if price == 0 || u64::from(price) >= Listing::PRICE_END {
            return Err(RejectReason::InvalidPrice);
        }
        let before = self.last.into_iter().chain(self.held).map(|quote| quote.source_time).max();
        if before.is_some_and(|before| source_time <= before)
            || source_time.0 > now.0.saturating_add(AHEAD_MAX)
            || self.is_too_old(source_time, now)
        {
            return Err(RejectReason::StaleIndex);
        }
        let follows = |quote: Option<Quote>| quote.is_some_and(|quote| self.is_near(quote.price, price));
        if self.last.is_some() && !follows(self.last) && !follows(self.held) {
            self.held = Some(Quote { price, source_time });
            return Ok(ContractEvent::IndexHeld { index, price, source_time });
        }
        if self.is_stale(now) {
            let grace = u64::from(self.terms.grace_s) * Timestamp::SECOND;
            self.grace_until = Timestamp(now.0.saturating_add(grace));
        }
        (self.last, self.held) = (Some(Quote { price, source_time }), None);
        let grace_until = self.grace_until;
        Ok(ContractEvent::IndexSet(IndexSet { index, price, source_time, grace_until }))
    }
}
