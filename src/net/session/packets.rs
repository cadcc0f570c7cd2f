//! Reads the packets of a logged-in client.

use super::CloseReason;
use super::protocol::{Frame, Says, SessionProtocol, Soup};
use std::marker::PhantomData;

/// The most packets skipped at a time. Heartbeats and debug text are short, so there can be many.
const CHATTER_MAX: u64 = 256;

/// This many skipped bytes count as one more packet.
const CHATTER_BYTES: usize = 64;

/// The cost of skipping this many bytes, in packets.
pub(super) fn chatter_of(bytes: usize) -> u64 {
    1 + (bytes / CHATTER_BYTES) as u64
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A message. It is returned again until [`Packets::took_message`].
    Message(&'a [u8]),
    /// There is no whole packet.
    Dry,
    /// There are more packets, but the budget of skipped packets is used up: they wait for the next turn.
    Chatty,
    /// The client sent a logout.
    Logout,
}

/// The packets in an inbox.
pub struct Packets<'a, P: SessionProtocol = Soup> {
    bytes: &'a [u8],
    packet_len_max: usize,
    used: usize,
    /// Length of the next message in bytes.
    message: usize,
    chatter: u64,
    chatter_max: u64,
    protocol: PhantomData<P>,
}

impl<'a, P: SessionProtocol> Packets<'a, P> {
    /// The packets in `bytes`, each at most `packet_len_max` bytes of type and payload. Skips packets without a message
    /// up to `chatter_max`, counted as in [`Packets::chatter`].
    pub(super) fn new(bytes: &'a [u8], packet_len_max: usize, chatter_max: u64) -> Self {
        let chatter_max = chatter_max.min(CHATTER_MAX);
        Self { bytes, packet_len_max, used: 0, message: 0, chatter: 0, chatter_max, protocol: PhantomData }
    }

    /// The next message.
    ///
    /// # Errors
    /// The error for which the client is disconnected.
    #[inline]
    pub fn next_message(&mut self) -> Result<Next<'a>, CloseReason> {
        loop {
            let Some((Frame { kind, says }, len)) = P::frame(&self.bytes[self.used..], self.packet_len_max)?
            else {
                return Ok(Next::Dry);
            };
            match says {
                Says::Message(message) => {
                    self.message = len;
                    return Ok(Next::Message(message));
                }
                Says::Nothing => {
                    if !self.pass_over(len) {
                        return Ok(Next::Chatty);
                    }
                }
                Says::Logout => return Ok(Next::Logout),
                Says::Login(_) => {
                    return Err(CloseReason::UnexpectedPacket { kind, when: "after the login" });
                }
                Says::Other => {
                    return Err(CloseReason::UnexpectedPacket { kind, when: "which clients do not send" });
                }
            }
        }
    }

    /// Marks the next message as processed.
    #[inline]
    pub fn took_message(&mut self) {
        self.used += std::mem::take(&mut self.message);
    }

    /// Skips the next message because it no longer has any effect. `false`: the budget is used up and the message waits
    /// for the next turn, as with [`Next::Chatty`].
    pub fn pass_message_over(&mut self) -> bool {
        let message = std::mem::take(&mut self.message);
        self.pass_over(message)
    }

    fn pass_over(&mut self, len: usize) -> bool {
        let may = self.chatter < self.chatter_max;
        if may {
            self.chatter += chatter_of(len);
            self.used += len;
        }
        may
    }

    /// The number of bytes processed or skipped.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// The cost of what was skipped: packets, plus one for every 64 bytes of each.
    pub(super) fn chatter(&self) -> u64 {
        self.chatter
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::soup::{CLIENT_HEARTBEAT, LOGOUT, kind, push_packet};

    #[test]
    fn messages_come_until_they_are_taken_and_chatter_is_passed_over() {
        let mut bytes = CLIENT_HEARTBEAT.repeat(3);
        push_packet(kind::UNSEQUENCED, b"one", &mut bytes).expect("fits");
        push_packet(kind::DEBUG, b"text", &mut bytes).expect("fits");
        push_packet(kind::UNSEQUENCED, b"two", &mut bytes).expect("fits");
        bytes.extend(LOGOUT);
        let mut packets = Packets::<Soup>::new(&bytes, 100, u64::MAX);
        for message in [&b"one"[..], b"one"] {
            assert_eq!(packets.next_message().expect("well formed"), Next::Message(message));
        }
        packets.took_message();
        assert_eq!(packets.next_message().expect("well formed"), Next::Message(b"two"));
        packets.took_message();
        assert_eq!(packets.next_message().expect("well formed"), Next::Logout);
        assert_eq!(packets.used(), bytes.len() - LOGOUT.len());
    }

    #[test]
    fn much_that_says_nothing_is_left_for_the_next_turn() {
        let bytes = CLIENT_HEARTBEAT.repeat(CHATTER_MAX as usize + 1);
        for (allowed, passed_over) in [(u64::MAX, CHATTER_MAX as usize), (3, 3), (0, 0)] {
            let mut packets = Packets::<Soup>::new(&bytes, 100, allowed);
            assert_eq!(packets.next_message().expect("well formed"), Next::Chatty);
            assert_eq!(packets.used(), CLIENT_HEARTBEAT.len() * passed_over);
        }
        let mut long = Vec::new();
        for _ in 0..9 {
            push_packet(kind::UNSEQUENCED, &[0; 200], &mut long).expect("fits");
        }
        let mut packets = Packets::<Soup>::new(&long, 300, 10);
        let mut passed_over = 0;
        while let Next::Message(_) = packets.next_message().expect("well formed")
            && packets.pass_message_over()
        {
            passed_over += 1;
        }
        assert_eq!((passed_over, packets.chatter()), (3, 12), "long ones count for more");
    }
}
