//! The only message of a snapshot channel (GLIMPSE 5.0) that does not occur in the feed.

use super::ItchError;

/// `G`, End of Snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOfSnapshot {
    /// The number of the first message of the session that the snapshot does not contain.
    pub sequence: u64,
}

impl EndOfSnapshot {
    pub const KIND: u8 = b'G';
    /// Length in bytes including the type byte. The number has 20 ASCII digits.
    pub const LEN: usize = 21;

    /// The message's bytes. The number is padded on the left with zeros.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [b'0'; Self::LEN];
        bytes[0] = Self::KIND;
        let mut left = self.sequence;
        for digit in bytes[1..].iter_mut().rev() {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
        }
        bytes
    }

    /// Decodes a message. Padding with spaces on either side is accepted, because senders differ.
    ///
    /// # Errors
    /// [`ItchError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ItchError> {
        let [kind, field @ ..] = bytes else { return Err(ItchError::Empty) };
        if *kind != Self::KIND {
            return Err(ItchError::UnknownKind { kind: *kind });
        }
        if bytes.len() != Self::LEN {
            return Err(ItchError::Length { kind: *kind, length: bytes.len(), expected: Self::LEN });
        }
        let digits = field.trim_ascii();
        let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
        let sequence = text.and_then(|text| text.parse().ok()).ok_or(ItchError::NotANumber)?;
        Ok(Self { sequence })
    }
}
