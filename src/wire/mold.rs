//! MoldUDP64, messages over multicast: a datagram has a header of 20 bytes (session, number of the first message, count),
//! then every message with its length before it. A request for messages that were missed is such a header alone.

use super::soup::SessionId;

/// Length of the header, bytes.
pub const HEADER_LEN: usize = 20;

/// The count that says that the session has ended.
pub const END_OF_SESSION: u16 = 0xFFFF;

/// The longest datagram that is sent, bytes: it fits an Ethernet frame with all headers, tunnels included.
pub const PACKET_LEN_MAX: usize = 1400;

/// A datagram that is no MoldUDP64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoldError {
    /// Shorter than a header, or a request that is longer.
    #[error("a MoldUDP64 datagram of {length} bytes (a header has {HEADER_LEN})")]
    Length {
        /// Bytes.
        length: usize,
    },
    /// A message goes beyond the end of the datagram.
    #[error("message {at} of a MoldUDP64 datagram goes beyond its end")]
    Cut {
        /// Which one of it, from 0.
        at: u16,
    },
    /// There are bytes behind the last message.
    #[error("{bytes} bytes behind the last message of a MoldUDP64 datagram")]
    Excess { bytes: usize },
}

/// A header: what a datagram begins with, or a whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub session: SessionId,
    /// The number of the first message in it; without messages, of the next one; in a request, of the first that is
    /// missing.
    pub sequence: u64,
    /// How many messages are in it; 0: a heartbeat; [`END_OF_SESSION`]; in a request, how many are wanted.
    pub count: u16,
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..10].copy_from_slice(self.session.as_bytes());
        bytes[10..18].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[18..].copy_from_slice(&self.count.to_be_bytes());
        bytes
    }

    /// Reads a header from the front of a datagram.
    ///
    /// # Errors
    /// [`MoldError::Length`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MoldError> {
        let head: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(MoldError::Length { length: bytes.len() })?;
        let mut sequence = [0; 8];
        sequence.copy_from_slice(&head[10..18]);
        Ok(Self {
            session: SessionId::read(&head[..10]),
            sequence: u64::from_be_bytes(sequence),
            count: u16::from_be_bytes([head[18], head[19]]),
        })
    }

    /// Reads a request, which is a header and nothing else.
    ///
    /// # Errors
    /// [`MoldError::Length`].
    pub fn decode_request(bytes: &[u8]) -> Result<Self, MoldError> {
        if bytes.len() != HEADER_LEN {
            return Err(MoldError::Length { length: bytes.len() });
        }
        Self::decode(bytes)
    }
}

/// A datagram in the making.
#[derive(Debug)]
pub struct PacketBuilder {
    bytes: [u8; PACKET_LEN_MAX],
    len: usize,
    count: u16,
}

impl Default for PacketBuilder {
    fn default() -> Self {
        Self { bytes: [0; PACKET_LEN_MAX], len: HEADER_LEN, count: 0 }
    }
}

impl PacketBuilder {
    /// Adds a message; `false`, with nothing added, when there is no room for it.
    pub fn push(&mut self, message: &[u8]) -> bool {
        let Ok(length) = u16::try_from(message.len()) else { return false };
        let end = self.len + 2 + message.len();
        let Some(room) = self.bytes.get_mut(self.len..end) else { return false };
        room[..2].copy_from_slice(&length.to_be_bytes());
        room[2..].copy_from_slice(message);
        self.len = end;
        self.count += 1;
        true
    }

    /// How many messages are in it.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// The datagram, with its header put in; the builder is empty again with the next [`Self::clear`].
    pub fn finish(&mut self, session: SessionId, sequence: u64) -> &[u8] {
        let header = Header { session, sequence, count: self.count };
        self.bytes[..HEADER_LEN].copy_from_slice(&header.encode());
        &self.bytes[..self.len]
    }

    /// Forgets the messages.
    pub fn clear(&mut self) {
        (self.len, self.count) = (HEADER_LEN, 0);
    }
}

/// Reads a downstream datagram: its header, and every message with its number handed to `take`.
///
/// # Errors
/// [`MoldError`]; the messages before the damage have been handed on.
pub fn decode(bytes: &[u8], mut take: impl FnMut(u64, &[u8])) -> Result<Header, MoldError> {
    let header = Header::decode(bytes)?;
    let mut rest = &bytes[HEADER_LEN..];
    let count = if header.count == END_OF_SESSION { 0 } else { header.count };
    for at in 0..count {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(MoldError::Cut { at })?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (message, after) = after.split_at_checked(length).ok_or(MoldError::Cut { at })?;
        take(header.sequence.wrapping_add(u64::from(at)), message);
        rest = after;
    }
    if rest.is_empty() { Ok(header) } else { Err(MoldError::Excess { bytes: rest.len() }) }
}
