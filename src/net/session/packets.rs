//! What a logged-in client sent, packet by packet.

use super::Ending;
use crate::wire::soup::{self, kind};

/// Packets without a message that are passed over at a time: heartbeats and debug text are short and can be many.
const CHATTER_MAX: usize = 256;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A message, from an Unsequenced Data packet. It comes again until [`Packets::took_message`].
    Message(&'a [u8]),
    /// No whole packet waits.
    Dry,
    /// Packets wait, and many before them said nothing: they wait for the next turn.
    Chatty,
    /// The client asks for the end.
    Logout,
}

/// The packets that wait in an inbox.
pub struct Packets<'a> {
    bytes: &'a [u8],
    packet_len_max: usize,
    used: usize,
    /// Bytes of the message that is next.
    message: usize,
    chatter: usize,
}

impl<'a> Packets<'a> {
    /// Those in `bytes`, none of them longer than this, type and payload.
    pub fn new(bytes: &'a [u8], packet_len_max: usize) -> Self {
        Self { bytes, packet_len_max, used: 0, message: 0, chatter: 0 }
    }

    /// The next message.
    ///
    /// # Errors
    /// What costs the client its connection.
    #[inline]
    pub fn next_message(&mut self) -> Result<Next<'a>, Ending> {
        loop {
            if self.chatter == CHATTER_MAX {
                return Ok(Next::Chatty);
            }
            let Some((packet, len)) = soup::frame(&self.bytes[self.used..], self.packet_len_max)? else {
                return Ok(Next::Dry);
            };
            match packet.kind {
                kind::UNSEQUENCED => {
                    self.message = len;
                    return Ok(Next::Message(packet.payload));
                }
                kind::CLIENT_HEARTBEAT | kind::DEBUG => {
                    self.chatter += 1;
                    self.used += len;
                }
                kind::LOGOUT => return Ok(Next::Logout),
                kind::LOGIN_REQUEST => {
                    return Err(Ending::UnexpectedPacket {
                        kind: kind::LOGIN_REQUEST,
                        when: "after the login",
                    });
                }
                kind => return Err(Ending::UnexpectedPacket { kind, when: "which clients do not send" }),
            }
        }
    }

    /// The message that was next has been taken up.
    #[inline]
    pub fn took_message(&mut self) {
        self.used += std::mem::take(&mut self.message);
    }

    /// How many bytes have been taken up or passed over.
    pub fn used(&self) -> usize {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::soup::{CLIENT_HEARTBEAT, LOGOUT, push_packet};

    #[test]
    fn messages_come_until_they_are_taken_and_chatter_is_passed_over() {
        let mut bytes = CLIENT_HEARTBEAT.repeat(3);
        push_packet(kind::UNSEQUENCED, b"one", &mut bytes).expect("fits");
        push_packet(kind::DEBUG, b"text", &mut bytes).expect("fits");
        push_packet(kind::UNSEQUENCED, b"two", &mut bytes).expect("fits");
        bytes.extend(LOGOUT);
        let mut packets = Packets::new(&bytes, 100);
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
        let bytes = CLIENT_HEARTBEAT.repeat(CHATTER_MAX + 1);
        let mut packets = Packets::new(&bytes, 100);
        assert_eq!(packets.next_message().expect("well formed"), Next::Chatty);
        assert_eq!(packets.used(), CLIENT_HEARTBEAT.len() * CHATTER_MAX);
    }
}
