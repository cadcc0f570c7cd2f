//! MoldUDP64, messages over multicast. A datagram has a header of 20 bytes (session, number of the first message,
//! count), followed by the messages, each preceded by its length. A request for retransmission is only a header.

use super::soup::SessionId;

/// Length of the header, bytes.
pub const HEADER_LEN: usize = 20;

/// The count that marks the end of the session.
pub const END_OF_SESSION: u16 = 0xFFFF;

/// The longest datagram sent, in bytes. It fits into an Ethernet frame with all headers, including those of tunnels.
pub const PACKET_LEN_MAX: usize = 1400;

/// A datagram that is not valid MoldUDP64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoldError {
    /// Shorter than a header, or a request that is longer than a header.
    #[error("a MoldUDP64 datagram of {length} bytes (a header has {HEADER_LEN})")]
    Length {
        /// The length of the datagram in bytes.
        length: usize,
    },
    /// A message goes beyond the end of the datagram.
    #[error("message {at} of a MoldUDP64 datagram goes beyond its end")]
    Cut {
        /// The index of the message in the datagram, from 0.
        at: u16,
    },
    /// There are bytes after the last message.
    #[error("{bytes} bytes behind the last message of a MoldUDP64 datagram")]
    Excess { bytes: usize },
}

/// The header of a datagram, or a whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub session: SessionId,
    /// The number of the first message in the datagram; without messages, of the next message; in a request, of the
    /// first missing message.
    pub sequence: u64,
    /// The number of messages in the datagram; 0 for a heartbeat; [`END_OF_SESSION`]; in a request, the number of
    /// requested messages.
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

    /// Decodes the header at the start of a datagram.
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

    /// Decodes a request, which is only a header.
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

/// Builds a datagram.
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
    /// Adds a message; `false`, with nothing added, if there is no room for it.
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

    /// The number of messages added.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// The datagram with its header. Call [`Self::clear`] before building the next one.
    pub fn finish(&mut self, session: SessionId, sequence: u64) -> &[u8] {
        let header = Header { session, sequence, count: self.count };
        self.bytes[..HEADER_LEN].copy_from_slice(&header.encode());
        &self.bytes[..self.len]
    }

    /// Removes all messages.
    pub fn clear(&mut self) {
        (self.len, self.count) = (HEADER_LEN, 0);
    }
}

/// Decodes a downstream datagram: returns its header, and calls `take` with each message and its number.
///
/// # Errors
/// [`MoldError`]; `take` has already been called with the messages before the invalid one.
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
