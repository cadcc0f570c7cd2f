//! What a logged-in client sent, packet by packet.

use super::CloseReason;
use super::protocol::{Frame, Says, SessionProtocol, Soup};
use std::marker::PhantomData;

/// What is passed over at a time, in packets: heartbeats and debug text are short and can be many.
const CHATTER_MAX: u64 = 256;

/// So many bytes that are passed over count as one more packet.
const CHATTER_BYTES: usize = 64;

/// How much it counts that so many bytes are passed over.
pub(super) fn chatter_of(bytes: usize) -> u64 {
    1 + (bytes / CHATTER_BYTES) as u64
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A message. It comes again until [`Packets::took_message`].
    Message(&'a [u8]),
    /// No whole packet waits.
    Dry,
    /// Packets wait, and many before them said nothing: they wait for the next turn.
    Chatty,
    /// The client asks for the end.
    Logout,
}

/// The packets that wait in an inbox.
pub struct Packets<'a, P: SessionProtocol = Soup> {
    bytes: &'a [u8],
    packet_len_max: usize,
    used: usize,
    /// Bytes of the message that is next.
    message: usize,
    chatter: u64,
    chatter_max: u64,
    protocol: PhantomData<P>,
}

impl<'a, P: SessionProtocol> Packets<'a, P> {
    /// Those in `bytes`, none of them longer than this, type and payload. Of those that are passed over so many are
    /// taken up, as [`Packets::chatter`] counts them.
    pub(super) fn new(bytes: &'a [u8], packet_len_max: usize, chatter_max: u64) -> Self {
        let chatter_max = chatter_max.min(CHATTER_MAX);
        Self { bytes, packet_len_max, used: 0, message: 0, chatter: 0, chatter_max, protocol: PhantomData }
    }

    /// The next message.
    ///
    /// # Errors
    /// What costs the client its connection.
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

    /// The message that was next has been taken up.
    #[inline]
    pub fn took_message(&mut self) {
        self.used += std::mem::take(&mut self.message);
    }

    /// The message that was next means nothing any more. `false`: it waits for the next turn, as when what is next is
    /// [`Next::Chatty`].
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

    /// How many bytes have been taken up or passed over.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// How much was passed over: packets, and one more for every 64 bytes of each.
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
