//! The newest messages of one login's stream, framed and numbered, ready to send.

use super::protocol::{MESSAGE_PACKET_LEN_LIMIT, OrderEntryProtocol};
use std::marker::PhantomData;

/// The position of one in this many messages is kept.
pub const MARK_EVERY: u64 = 32;

/// A ring of bytes. Positions count all bytes ever written; those further back than the capacity are gone.
pub struct Tail<P> {
    bytes: Box<[u8]>,
    end: u64,
    /// The number of the first message since it was created or restarted.
    first: u64,
    /// The number of the next message.
    next: u64,
    /// The position of message `first + k × MARK_EVERY` is at index k modulo the length; positions never restart.
    marks: Box<[u64]>,
    /// The smallest k whose message is still held; one past the last if there is none.
    oldest_mark: u64,
    protocol: PhantomData<fn() -> P>,
}

impl<P: OrderEntryProtocol> Tail<P> {
    /// An empty tail that continues with message `next`. `capacity_bytes` is a power of two.
    pub fn new(capacity_bytes: usize, next: u64) -> Self {
        let marks = (capacity_bytes / P::PACKET_LEN_MIN / MARK_EVERY as usize + 2).next_power_of_two();
        Self {
            bytes: vec![0; capacity_bytes].into_boxed_slice(),
            end: 0,
            first: next,
            next,
            marks: vec![0; marks].into_boxed_slice(),
            oldest_mark: 0,
            protocol: PhantomData,
        }
    }

    /// Numbers the following messages from `next`. Clients may still read the earlier bytes by position, but no number
    /// refers to them any more.
    pub fn restart(&mut self, next: u64) {
        (self.first, self.next, self.oldest_mark) = (next, next, 0);
    }

    /// Adds the packet that `encode` writes to the front of its slice, and returns its length. If `encode` returns
    /// `None`, nothing is added and the result is `None`.
    #[inline]
    pub fn push(&mut self, encode: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<usize> {
        let at = self.offset(self.end);
        let len = if self.bytes.len() - at >= P::PACKET_LEN_MAX {
            encode(&mut self.bytes[at..at + P::PACKET_LEN_MAX])?
        } else {
            let mut packet = [0; MESSAGE_PACKET_LEN_LIMIT];
            let len = encode(&mut packet[..P::PACKET_LEN_MAX])?;
            let (before, after) = packet[..len].split_at(len.min(self.bytes.len() - at));
            self.bytes[at..at + before.len()].copy_from_slice(before);
            self.bytes[..after.len()].copy_from_slice(after);
            len
        };
        debug_assert!((P::PACKET_LEN_MIN..=P::PACKET_LEN_MAX).contains(&len));
        let count = self.next - self.first;
        if count.is_multiple_of(MARK_EVERY) {
            let slot = self.mark_slot(count / MARK_EVERY);
            self.marks[slot] = self.end;
        }
        self.next += 1;
        self.end += len as u64;
        self.forget_marks();
        Some(len)
    }

    fn forget_marks(&mut self) {
        let (held, marks) = (self.held_from(), (self.next - self.first).div_ceil(MARK_EVERY));
        while self.oldest_mark < marks && self.marks[self.mark_slot(self.oldest_mark)] < held {
            self.oldest_mark += 1;
        }
    }

    /// The capacity in bytes.
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// The position after the last byte.
    #[inline]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The number of the oldest message that [`Tail::locate`] finds; the next number if there is none.
    pub fn oldest(&self) -> u64 {
        (self.first + self.oldest_mark * MARK_EVERY).min(self.next)
    }

    /// The position of a message; for the next message this is the end. `None` if it is gone or not there yet.
    pub fn locate(&self, message: u64) -> Option<u64> {
        if message == self.next {
            return Some(self.end);
        }
        if !(self.oldest()..self.next).contains(&message) {
            return None;
        }
        let mark = (message - self.first) / MARK_EVERY;
        let mut position = self.marks[self.mark_slot(mark)];
        for _ in self.first + mark * MARK_EVERY..message {
            position += P::packet_len(|at| self.byte(position + at));
        }
        Some(position)
    }

    /// All bytes from a position to the end, as the parts before and after the end of the memory. `None` if some were
    /// overwritten.
    #[inline]
    pub fn since(&self, position: u64) -> Option<(&[u8], &[u8])> {
        if position < self.held_from() {
            return None;
        }
        let (at, len) = (self.offset(position), (self.end - position) as usize);
        let before = len.min(self.bytes.len() - at);
        Some((&self.bytes[at..at + before], &self.bytes[..len - before]))
    }

    /// One packet less than the capacity back from the end. The space of the next packet is never read, whatever
    /// `encode` writes beyond its packet.
    #[inline]
    fn held_from(&self) -> u64 {
        self.end.saturating_sub((self.bytes.len() - P::PACKET_LEN_MAX) as u64)
    }

    #[inline]
    fn offset(&self, position: u64) -> usize {
        position as usize & (self.bytes.len() - 1)
    }

    #[inline]
    fn byte(&self, position: u64) -> u8 {
        self.bytes[self.offset(position)]
    }

    #[inline]
    fn mark_slot(&self, mark: u64) -> usize {
        mark as usize & (self.marks.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::session::Soup;
    use crate::wire::ouch::SEQUENCED_LEN_MAX;

    const PACKET_LEN_MIN: usize = Soup::PACKET_LEN_MIN;

    const CAPACITY: usize = 16 * 1024;

    /// A packet of `PACKET_LEN_MIN` to `SEQUENCED_LEN_MAX` bytes that contains its message's number.
    fn packet(message: u64) -> Vec<u8> {
        let spread = (SEQUENCED_LEN_MAX - PACKET_LEN_MIN) as u64 + 1;
        let len = PACKET_LEN_MIN + (message * 7 % spread) as usize;
        let mut packet = vec![0xAB; len];
        packet[..2].copy_from_slice(&(len as u16 - 2).to_be_bytes());
        packet[2..10].copy_from_slice(&message.to_be_bytes());
        packet
    }

    fn put(tail: &mut Tail<Soup>, message: u64) {
        let packet = packet(message);
        let pushed = tail.push(|out| {
            out.fill(0xEE);
            out[..packet.len()].copy_from_slice(&packet);
            Some(packet.len())
        });
        assert_eq!(pushed, Some(packet.len()));
    }

    fn bytes_since(tail: &Tail<Soup>, position: u64) -> Vec<u8> {
        let (a, b) = tail.since(position).expect("still here");
        [a, b].concat()
    }

    #[test]
    fn every_message_that_is_held_is_found_with_all_that_follow() {
        let mut tail = Tail::<Soup>::new(CAPACITY, 1_001);
        assert_eq!((tail.oldest(), tail.locate(1_001)), (1_001, Some(0)));
        for message in 1_001..=3_000 {
            put(&mut tail, message);
            if message % 97 != 0 {
                continue;
            }
            let oldest = tail.oldest();
            assert!(
                message - oldest >= 2 * MARK_EVERY || oldest == 1_001,
                "it holds many: {oldest}..={message}"
            );
            assert_eq!(tail.locate(oldest.saturating_sub(1)), None);
            assert_eq!(tail.locate(message + 1), Some(tail.end()));
            assert_eq!(tail.locate(message + 2), None);
            for from in oldest..=message {
                let position = tail.locate(from).expect("held");
                let expected: Vec<u8> = (from..=message).flat_map(packet).collect();
                assert!(bytes_since(&tail, position) == expected, "from {from} to {message}");
            }
        }
        assert!(tail.oldest() > 1_001, "old messages have gone");
    }

    #[test]
    fn after_a_restart_numbers_begin_anew_and_old_positions_still_hold() {
        let mut tail = Tail::<Soup>::new(CAPACITY, 1);
        (1..=100).for_each(|message| put(&mut tail, message));
        let (old, end) = (tail.locate(90).expect("held"), tail.end());
        tail.restart(1);
        assert_eq!((tail.oldest(), tail.locate(1), tail.locate(90)), (1, Some(end), None));
        (1..=200).for_each(|message| put(&mut tail, message));
        let expected: Vec<u8> = (90..=100).chain(1..=200).flat_map(packet).collect();
        assert_eq!(bytes_since(&tail, old), expected);
        for from in 1..=200 {
            let position = tail.locate(from).expect("held");
            assert_eq!(bytes_since(&tail, position), (from..=200).flat_map(packet).collect::<Vec<_>>());
        }
    }

    #[test]
    fn overwritten_bytes_are_never_lent() {
        let mut tail = Tail::<Soup>::new(CAPACITY, 1);
        let mut written = Vec::new();
        for message in 1..=2_000 {
            put(&mut tail, message);
            written.extend(packet(message));
            let held = written.len().saturating_sub(CAPACITY - SEQUENCED_LEN_MAX);
            assert_eq!(bytes_since(&tail, held as u64), written[held..], "after message {message}");
            if held > 0 {
                assert!(tail.since(held as u64 - 1).is_none());
            }
        }
    }

    #[test]
    fn a_packet_that_is_not_written_takes_no_number() {
        let mut tail = Tail::<Soup>::new(CAPACITY, 5);
        assert_eq!(tail.push(|_| None), None);
        assert_eq!((tail.end(), tail.oldest()), (0, 5));
        put(&mut tail, 5);
        assert_eq!(tail.locate(5), Some(0));
    }
}
