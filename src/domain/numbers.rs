//! The layout of order and trade numbers. The exchange counts orders and trades. Some orders and trades exist only in
//! market data: a slice of an iceberg, the cross of an auction. Their numbers derive from the event that caused them,
//! so any reader of events can compute them without earlier context.
//!
//! | bits | |
//! |---:|---|
//! | 0–31 | the low half of the count |
//! | 32–34 | the shard; 0 in a number derived from an event |
//! | 35 | 0: counted by the exchange; 1: derived from an event |
//! | 36–62 | the high bits of the count |
//! | 63 | 0, so that the number is positive as a signed integer |
//!
//! So the first 2^32 orders or trades of shard 0 are numbered 1 to 2^32 - 1, then from 2^36 on. No two numbers collide,
//! whatever the counts.

use super::{OrderId, ShardId, TradeId};
use std::ops::RangeInclusive;

const SHARD_BIT: u32 = 32;
const SHARD_AND_KIND: u64 = 0xF << SHARD_BIT;
const SHARD: u64 = 0x7 << SHARD_BIT;
const BY_EVENT: u64 = 1 << 35;
/// The first bit of the high part of the count.
const COUNT_BIT: u32 = 36;
const SIGN: u64 = 1 << 63;

/// The next number of the same shard and kind.
const fn next(number: u64) -> u64 {
    let next = number + 1;
    // If the low half overflows, the count continues at bit 36.
    if begins_anew(next) { next + SHARD_AND_KIND } else { next }
}

/// Whether the low half of the number is 0, so that numbers were skipped before it.
const fn begins_anew(number: u64) -> bool {
    number as u32 == 0
}

/// The count that the number encodes.
const fn count_of(number: u64) -> u64 {
    (number >> 36 << 32) | number as u32 as u64
}

/// The number in shard 0 derived from an event. Distinct for all counts below 2^59.
const fn by_event(count: u64) -> u64 {
    (count >> 32 << 36 & !SIGN) | BY_EVENT | count as u32 as u64
}

/// Whether the number can be one that a shard counted. The number before a shard's first has only the shard's bits.
const fn is_counted(number: u64) -> bool {
    number & (BY_EVENT | SIGN) == 0
}

/// The shard that counted the number.
const fn shard(number: u64) -> ShardId {
    ShardId(((number & SHARD) >> SHARD_BIT) as u8)
}

/// The number before a shard's first one.
const fn before_first(shard: ShardId) -> u64 {
    (shard.0 as u64) << SHARD_BIT
}

const _: () = assert!(ShardId::COUNT as u64 == (SHARD >> SHARD_BIT) + 1);

impl OrderId {
    /// The number of the next order of the same shard.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(next(self.0))
    }

    /// Whether numbers were skipped before this one, so that it is not the previous number plus 1.
    pub const fn begins_anew(self) -> bool {
        begins_anew(self.0)
    }

    /// Whether this is a number that a shard assigns to an order, or the one before its first.
    pub const fn is_counted(self) -> bool {
        is_counted(self.0)
    }

    /// The number of orders of its shard up to and including this one.
    pub const fn count(self) -> u64 {
        count_of(self.0)
    }

    /// The order's shard.
    pub const fn shard(self) -> ShardId {
        shard(self.0)
    }

    /// The ranges that contain the numbers of a shard's orders, and of its trades, up to `highest`, the highest range
    /// first.
    pub fn ranges(shard: ShardId, highest: u64) -> impl Iterator<Item = RangeInclusive<u64>> {
        let low = before_first(shard);
        (0..=highest >> COUNT_BIT).rev().map(move |part| {
            let from = (part << COUNT_BIT) | low;
            from..=from | u64::from(u32::MAX)
        })
    }

    /// The number before a shard's first order.
    pub const fn before_first(shard: ShardId) -> Self {
        Self(before_first(shard))
    }

    /// The public number of an iceberg slice that was displayed by the event of this number (a [`super::Restated`] with
    /// [`super::RestateReason::Refreshed`]). In market data every slice is an order of its own.
    pub const fn of_slice(event_number: u64) -> Self {
        Self(by_event(event_number.wrapping_mul(2)))
    }

    /// The same for the second of two orders that display a new slice by one event, a trade in an auction.
    pub const fn of_second_slice(event_number: u64) -> Self {
        Self(by_event(event_number.wrapping_mul(2).wrapping_add(1)))
    }

    /// The event that displayed the slice of this number; `None` for an order's number.
    pub const fn slice_event(self) -> Option<u64> {
        if self.0 & BY_EVENT == 0 { None } else { Some(count_of(self.0) / 2) }
    }
}

impl TradeId {
    /// The number of the next trade of the same shard.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(next(self.0))
    }

    /// Whether numbers were skipped before this one, so that it is not the previous number plus 1.
    pub const fn begins_anew(self) -> bool {
        begins_anew(self.0)
    }

    /// Whether this is a number that a shard assigns to a trade, or the one before its first.
    pub const fn is_counted(self) -> bool {
        is_counted(self.0)
    }

    /// The trade's shard.
    pub const fn shard(self) -> ShardId {
        shard(self.0)
    }

    /// The number before a shard's first trade.
    pub const fn before_first(shard: ShardId) -> Self {
        Self(before_first(shard))
    }

    /// The number of trades of its shard up to and including this one.
    pub const fn count(self) -> u64 {
        count_of(self.0)
    }

    /// The match number of the auction cross that begins with the event of this number.
    pub const fn of_cross(event_number: u64) -> Self {
        Self(by_event(event_number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const WRAP: u64 = 1 << 32;

    #[test]
    fn numbers_are_dense_and_skip_shard_and_kind() {
        assert_eq!(OrderId(0).next(), OrderId(1));
        assert_eq!(OrderId(WRAP - 2).next(), OrderId(WRAP - 1));
        assert_eq!(OrderId(WRAP - 1).next(), OrderId(1 << 36));
        assert_eq!(TradeId((1 << 36) + WRAP - 1).next(), TradeId(2 << 36));
        // In another shard, and for the other kind.
        assert_eq!(next((5 << 32) | (WRAP - 1)), (1 << 36) | (5 << 32));
        assert_eq!(next((15 << 32) | (WRAP - 1)), (1 << 36) | (15 << 32));
        for count in [1, WRAP - 1, WRAP, WRAP + 1, 7 * WRAP - 1] {
            let number = TradeId((count >> 32 << 36) | (count & (WRAP - 1)));
            assert_eq!((number.count(), number.next().count()), (count, count + 1));
        }
    }

    #[test]
    fn numbers_are_small_positive_and_never_the_same() {
        let mut all = BTreeSet::new();
        let events = [1, 2, 3, WRAP / 2 - 1, WRAP / 2, WRAP - 1, WRAP, WRAP + 1, (1 << 57) - 1];
        for event in events {
            let slices = [OrderId::of_slice(event), OrderId::of_second_slice(event)];
            for slice in slices {
                assert_eq!(slice.slice_event(), Some(event));
                assert!(!slice.is_counted() && slice.0 <= i64::MAX as u64 && all.insert(slice.0), "{event}");
                assert_eq!(slice.0 < 1 << 36, event < WRAP / 2, "{event}");
            }
            let cross = TradeId::of_cross(event);
            assert!(cross.0 & BY_EVENT != 0 && cross.0 <= i64::MAX as u64, "{event}");
            assert_eq!(cross.0 < 1 << 36, event < WRAP, "{event}");
        }
        for order in [1, 2, WRAP - 2, WRAP - 1, 1 << 36, (1 << 36) + WRAP - 1] {
            let next = OrderId(order).next();
            assert!(next.is_counted() && next.slice_event().is_none() && !all.contains(&next.0), "{order}");
        }
        assert!(OrderId(0).is_counted() && !OrderId(1 << 35).is_counted() && !OrderId(1 << 63).is_counted());
    }

    #[test]
    fn shards_count_apart() {
        let mut all = BTreeSet::new();
        for shard in (0..ShardId::COUNT as u8).map(ShardId) {
            let mut order = OrderId::before_first(shard);
            let near_the_turn = OrderId(order.0 + WRAP - 2);
            for from in [order, near_the_turn] {
                order = from;
                for _ in 0..3 {
                    order = order.next();
                    assert!(order.is_counted() && order.shard() == shard && all.insert(order), "{order}");
                }
            }
            assert_eq!(TradeId::before_first(shard).next().count(), 1);
        }
    }
}
