//! The newest messages, in memory, as the packets that subscribers receive.

use crate::wire::itch::MESSAGE_LEN_MAX;
use crate::wire::soup::{self, kind};

/// Size of a slot for one packet.
pub(super) const PACKET_LEN_MAX: usize = soup::HEADER_LEN + MESSAGE_LEN_MAX;

#[derive(Clone, Copy)]
struct Slot {
    len: u8,
    packet: [u8; PACKET_LEN_MAX],
}

/// Slots indexed by message number.
pub(super) struct Tail {
    slots: Box<[Slot]>,
    /// The oldest message held; the next number if there is none.
    oldest: u64,
    next: u64,
}

impl Tail {
    /// An empty tail with this many slots, a power of two, that continues with message `next`.
    pub(super) fn new(slots: usize, next: u64) -> Self {
        let empty = Slot { len: 0, packet: [0; PACKET_LEN_MAX] };
        Self { slots: vec![empty; slots].into_boxed_slice(), oldest: next, next }
    }

    /// Adds the next message.
    pub(super) fn push(&mut self, message: &[u8]) {
        let at = self.slot(self.next);
        let slot = &mut self.slots[at];
        slot.len = soup::write_packet(kind::SEQUENCED, message, &mut slot.packet).unwrap_or(0) as u8;
        self.next += 1;
        self.oldest = self.oldest.max(self.next.saturating_sub(self.slots.len() as u64));
    }

    /// The number of the next message.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The packet of a message; `None` if it is no longer held, or not there yet.
    pub(super) fn packet(&self, message: u64) -> Option<&[u8]> {
        if !(self.oldest..self.next).contains(&message) {
            return None;
        }
        let slot = &self.slots[self.slot(message)];
        Some(&slot.packet[..usize::from(slot.len)])
    }

    fn slot(&self, message: u64) -> usize {
        message as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_last_messages() {
        let mut tail = Tail::new(1024, 5);
        for message in 5..5_000_u64 {
            tail.push(&message.to_be_bytes()[..1 + message as usize % 8]);
            let oldest = 5.max((message + 1).saturating_sub(1024));
            assert!(tail.packet(oldest - 1).is_none() && tail.packet(message + 1).is_none());
            for held in [oldest, message] {
                let expected = &held.to_be_bytes()[..1 + held as usize % 8];
                let packet = tail.packet(held).expect("held");
                assert_eq!((&packet[3..], packet[2]), (expected, b'S'));
                assert_eq!(usize::from(packet[1]), expected.len() + 1);
            }
        }
    }
}
