//! The byte encoding of commands and events, used in the journal and in the event log.
//!
//! bincode 2 with fixed-width little-endian integers. An enum is its variant's explicit number as a u32, followed by
//! the fields in the order of declaration. An `Option` is a byte 0 or 1 followed by the value. Byte arrays are stored
//! as they are. docs/FORMATS.md has the byte tables, so the format does not depend on the crate.

use super::{Command, EventRecord};
use bincode::config::{Configuration, Fixint, LittleEndian};
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};

/// An upper bound on the length of an encoded command or event, in bytes.
pub const ENCODED_LEN_MAX: usize = 192;

/// The configuration of all encodings here: little-endian, fixed-width integers.
pub(crate) const CONFIG: Configuration<LittleEndian, Fixint> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding();

/// Writes the command to the front of `out` and returns its length.
///
/// # Errors
/// If `out` is too short; [`ENCODED_LEN_MAX`] bytes always suffice.
pub fn encode_command(command: &Command, out: &mut [u8]) -> Result<usize, EncodeError> {
    bincode::encode_into_slice(command, out, CONFIG)
}

/// Reads a command that fills `bytes` exactly.
///
/// # Errors
/// If the bytes are not a command of this version.
pub fn decode_command(bytes: &[u8]) -> Result<Command, DecodeError> {
    exactly(bincode::decode_from_slice(bytes, CONFIG)?, bytes)
}

/// Writes the event to the front of `out` and returns its length.
///
/// # Errors
/// If `out` is too short; [`ENCODED_LEN_MAX`] bytes always suffice.
pub fn encode_event(event: &EventRecord, out: &mut [u8]) -> Result<usize, EncodeError> {
    bincode::encode_into_slice(event, out, CONFIG)
}

/// Reads an event that fills `bytes` exactly.
///
/// # Errors
/// If the bytes are not an event of this version.
pub fn decode_event(bytes: &[u8]) -> Result<EventRecord, DecodeError> {
    exactly(bincode::decode_from_slice(bytes, CONFIG)?, bytes)
}

/// Whether the bytes of an event are those of a [`TransferSent`](super::TransferSent). Does not decode them.
pub fn is_transfer_sent(event: &[u8]) -> bool {
    /// Number, sequence and time come before the number of the variant.
    const AT: usize = 24;
    const NUMBER: u32 = 46;
    event.get(AT..AT + 4).is_some_and(|number| number == NUMBER.to_le_bytes())
}

/// Writes a record of saved state to the front of `out` and returns its length. The encoding is that of commands and
/// events.
///
/// # Errors
/// If `out` is too short.
pub fn encode_record<T: Encode>(record: &T, out: &mut [u8]) -> Result<usize, EncodeError> {
    bincode::encode_into_slice(record, out, CONFIG)
}

/// Reads a record that [`encode_record`] wrote to the front of `bytes`, and returns it with its length in bytes.
///
/// # Errors
/// If the bytes are not such a record.
pub fn decode_record<T: Decode<()>>(bytes: &[u8]) -> Result<(T, usize), DecodeError> {
    bincode::decode_from_slice(bytes, CONFIG)
}

fn exactly<T>((value, used): (T, usize), bytes: &[u8]) -> Result<T, DecodeError> {
    if used == bytes.len() { Ok(value) } else { Err(DecodeError::Other("bytes left over after the value")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, OrderEvent, TransferSent};

    #[test]
    fn a_transfer_is_recognised_by_its_bytes() {
        let sent = Event::Order(OrderEvent::TransferSent(TransferSent::default()));
        for (event, is_sent) in [(sent, true), (Event::default(), false)] {
            let mut bytes = [0; ENCODED_LEN_MAX];
            let len =
                encode_event(&EventRecord { event, ..EventRecord::default() }, &mut bytes).expect("it fits");
            assert_eq!(is_transfer_sent(&bytes[..len]), is_sent, "{event:?}");
        }
        assert!(!is_transfer_sent(&[]));
    }
}
