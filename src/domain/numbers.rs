//! How the numbers of orders and trades are laid out. The exchange counts orders, and trades; what only the public sees as an order
//! or a trade of its own (a slice of an iceberg, the cross of an auction) has a number by the event that it comes of, which
//! anybody who reads events can tell without knowing what came before.
//!
//! | bits | |
//! |---:|---|
//! | 0–31 | the low half of the count |
//! | 32–34 | the shard; 0 in what an event gives |
//! | 35 | 0: counted by the exchange; 1: by an event |
//! | 36–62 | what the count has beyond 32 bits |
//! | 63 | 0, so that the number is positive for those who read it as signed |
//!
//! So the first 2^32 orders, or trades, are numbered 1 to 2^32 - 1 and then from 2^36 on, and nothing collides, however many there are.

use super::{OrderId, ShardId, TradeId};
use std::ops::RangeInclusive;

const SHARD_BIT: u32 = 32;
const SHARD_AND_KIND: u64 = 0xF << SHARD_BIT;
const SHARD: u64 = 0x7 << SHARD_BIT;
const BY_EVENT: u64 = 1 << 35;
/// Where the rest of the count begins.
const COUNT_BIT: u32 = 36;
const SIGN: u64 = 1 << 63;

/// The number after this one, of the same shard and kind.
const fn next(number: u64) -> u64 {
    let next = number + 1;
    // Where the low half is full the rest is counted on from bit 36.
    if begins_anew(next) { next + SHARD_AND_KIND } else { next }
}

/// Whether the low half of the number begins anew: it is not one more than the number before it.
const fn begins_anew(number: u64) -> bool {
    number as u32 == 0
}

/// How many numbers of its shard and kind there are up to this one.
const fn count_of(number: u64) -> u64 {
    (number >> 36 << 32) | number as u32 as u64
}

/// The number of the first shard that an event gives. Different for all counts below 2^59.
const fn by_event(count: u64) -> u64 {
    (count >> 32 << 36 & !SIGN) | BY_EVENT | count as u32 as u64
}

/// Whether a shard may have counted as far as this. What it has before its first has its shard alone.
const fn is_counted(number: u64) -> bool {
    number & (BY_EVENT | SIGN) == 0
}

/// The shard that counted the number.
const fn shard(number: u64) -> ShardId {
    ShardId(((number & SHARD) >> SHARD_BIT) as u8)
}

/// The number before the first of a shard.
const fn before_first(shard: ShardId) -> u64 {
    (shard.0 as u64) << SHARD_BIT
}

const _: () = assert!(ShardId::COUNT as u64 == (SHARD >> SHARD_BIT) + 1);

impl OrderId {
    /// The number of the order after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(next(self.0))
    }

    /// Whether numbers are skipped before this one, so that it is more than the number before it and 1.
    pub const fn begins_anew(self) -> bool {
        begins_anew(self.0)
    }

    /// Whether it is a number that a shard gives to an order, or the one before its first.
    pub const fn is_counted(self) -> bool {
        is_counted(self.0)
    }

    /// How many orders of its shard there were up to this one.
    pub const fn count(self) -> u64 {
        count_of(self.0)
    }

    /// The shard whose order it is.
    pub const fn shard(self) -> ShardId {
        shard(self.0)
    }

    /// The ranges in which the numbers of a shard's orders lie, and of its trades, the highest first, as far as `highest`.
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

    /// The number under which the public sees a slice of an iceberg that it showed by the event of this number (a
    /// [`super::Restated`] with [`super::RestateReason::Refreshed`]): to the market every slice is an order of its own.
    pub const fn of_slice(event_number: u64) -> Self {
        Self(by_event(event_number.wrapping_mul(2)))
    }

    /// The same for the second of two orders that show a new slice by one event: a trade in an auction.
    pub const fn of_second_slice(event_number: u64) -> Self {
        Self(by_event(event_number.wrapping_mul(2).wrapping_add(1)))
    }

    /// The event that showed the slice of this number; `None` for an order's.
    pub const fn slice_event(self) -> Option<u64> {
        if self.0 & BY_EVENT == 0 { None } else { Some(count_of(self.0) / 2) }
    }
}

impl TradeId {
    /// The number of the trade after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(next(self.0))
    }

    /// Whether numbers are skipped before this one, so that it is more than the number before it and 1.
    pub const fn begins_anew(self) -> bool {
        begins_anew(self.0)
    }

    /// Whether it is a number that a shard gives to a trade, or the one before its first.
    pub const fn is_counted(self) -> bool {
        is_counted(self.0)
    }

    /// The shard whose trade it is.
    pub const fn shard(self) -> ShardId {
        shard(self.0)
    }

    /// The number before a shard's first trade.
    pub const fn before_first(shard: ShardId) -> Self {
        Self(before_first(shard))
    }

    /// How many trades of its shard there were up to this one.
    pub const fn count(self) -> u64 {
        count_of(self.0)
    }

    /// The match number of the cross that begins with the event of this number.
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
        // In another shard, and of the other kind.
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
