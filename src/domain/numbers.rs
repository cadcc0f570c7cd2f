//! How the numbers of orders and trades are laid out. The exchange counts orders, and trades; what only the public sees as an order
//! or a trade of its own (a slice of an iceberg, the cross of an auction) has a number by the event that it comes of, which
//! anybody who reads events can tell without knowing what came before.
//!
//! | bits | |
//! |---:|---|
//! | 0–31 | the low half of the count |
//! | 32–34 | the shard: 0 while there is one |
//! | 35 | 0: counted by the exchange; 1: by an event |
//! | 36–62 | what the count has beyond 32 bits |
//! | 63 | 0, so that the number is positive for those who read it as signed |
//!
//! So the first 2^32 orders, or trades, are numbered 1 to 2^32 - 1 and then from 2^36 on, and nothing collides, however many there are.

use super::{OrderId, TradeId};

const SHARD_AND_KIND: u64 = 0xF << 32;
const BY_EVENT: u64 = 1 << 35;
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

/// Whether the exchange may have counted as far as this, in the first shard.
const fn is_counted(number: u64) -> bool {
    number & (SHARD_AND_KIND | SIGN) == 0
}

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

    /// Whether it is 0, or a number that the exchange gives to an order.
    pub const fn is_counted(self) -> bool {
        is_counted(self.0)
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

    /// Whether it is 0, or a number that the exchange gives to a trade.
    pub const fn is_counted(self) -> bool {
        is_counted(self.0)
    }

    /// How many trades there were up to this one.
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
        assert!(OrderId(0).is_counted() && !OrderId(WRAP).is_counted() && !OrderId(1 << 63).is_counted());
    }
}
