//! The one byte encoding of commands and events, in the journal and in the event log.
//!
//! bincode 2 with fixed-width little-endian integers: an enum is the number that its variant is given in the code, a u32,
//! followed by its fields in the order of declaration, an `Option` is a byte 0 or 1 followed by the value, byte
//! arrays are their bytes. docs/FORMATS.md has the byte tables, so the format does not depend on the crate.

use super::{Command, EventRecord};
use bincode::config::{Configuration, Fixint, LittleEndian};
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};

/// Enough bytes for any encoded command or event.
pub const ENCODED_LEN_MAX: usize = 192;

/// Of everything that bincode encodes here: little-endian, integers of their whole size.
pub(crate) const CONFIG: Configuration<LittleEndian, Fixint> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding();

/// Writes the command to the front of `out` and returns its length.
///
/// # Errors
/// When `out` is shorter than the command; [`ENCODED_LEN_MAX`] bytes always suffice.
pub fn encode_command(command: &Command, out: &mut [u8]) -> Result<usize, EncodeError> {
    bincode::encode_into_slice(command, out, CONFIG)
}

/// Reads a command that fills `bytes` exactly.
///
/// # Errors
/// When the bytes are no command of this version.
pub fn decode_command(bytes: &[u8]) -> Result<Command, DecodeError> {
    exactly(bincode::decode_from_slice(bytes, CONFIG)?, bytes)
}

/// Writes the event to the front of `out` and returns its length.
///
/// # Errors
/// When `out` is shorter than the event; [`ENCODED_LEN_MAX`] bytes always suffice.
pub fn encode_event(event: &EventRecord, out: &mut [u8]) -> Result<usize, EncodeError> {
    bincode::encode_into_slice(event, out, CONFIG)
}

/// Reads an event that fills `bytes` exactly.
///
/// # Errors
/// When the bytes are no event of this version.
pub fn decode_event(bytes: &[u8]) -> Result<EventRecord, DecodeError> {
    exactly(bincode::decode_from_slice(bytes, CONFIG)?, bytes)
}

/// Writes a part of a state to the front of `out` and returns its length, as commands and events are written.
///
/// # Errors
/// When `out` is shorter than that.
pub fn encode_record<T: Encode>(record: &T, out: &mut [u8]) -> Result<usize, EncodeError> {
    bincode::encode_into_slice(record, out, CONFIG)
}

/// Reads what [`encode_record`] has written to the front of `bytes`, and how many bytes it is.
///
/// # Errors
/// When the bytes are nothing of this kind.
pub fn decode_record<T: Decode<()>>(bytes: &[u8]) -> Result<(T, usize), DecodeError> {
    bincode::decode_from_slice(bytes, CONFIG)
}

fn exactly<T>((value, used): (T, usize), bytes: &[u8]) -> Result<T, DecodeError> {
    if used == bytes.len() { Ok(value) } else { Err(DecodeError::Other("bytes left over after the value")) }
}
