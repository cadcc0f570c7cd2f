//! Errors of decoding.

/// Bytes that are not a valid ITCH 5.0 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItchError {
    /// There are no bytes.
    #[error("an empty ITCH message")]
    Empty,
    /// The type byte is not defined in ITCH 5.0.
    #[error("an ITCH message of the unknown type {:?}", char::from(*.kind))]
    UnknownKind { kind: u8 },
    /// The length is wrong for the message type.
    #[error("an ITCH message of type {:?} has {expected} bytes and not {length}", char::from(*.kind))]
    Length {
        kind: u8,
        /// The length in bytes.
        length: usize,
        /// The length of this message type in bytes.
        expected: usize,
    },
    /// The number of an End of Snapshot is not a decimal number.
    #[error("the sequence number of an End of Snapshot is not a decimal number")]
    NotANumber,
}
