//! Why bytes are no message.

/// Bytes that are no ITCH 5.0 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItchError {
    /// No bytes at all.
    #[error("an empty ITCH message")]
    Empty,
    /// The type byte is none of ITCH 5.0.
    #[error("an ITCH message of the unknown type {:?}", char::from(*.kind))]
    UnknownKind { kind: u8 },
    /// A message of another length than its type has.
    #[error("an ITCH message of type {:?} has {expected} bytes and not {length}", char::from(*.kind))]
    Length {
        kind: u8,
        /// What there is, bytes.
        length: usize,
        /// What its type has, bytes.
        expected: usize,
    },
    /// An End of Snapshot whose number is none.
    #[error("the sequence number of an End of Snapshot is not a decimal number")]
    NotANumber,
}
