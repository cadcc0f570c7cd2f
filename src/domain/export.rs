//! How values are written for other programs (`dojima-tools journal export`): by serde, one way only. The keys are the
//! names of the fields, the words those that people use; numbers stay integers in the units of their types. The engine
//! reads none of this back, and it has nothing to do with the bytes of the journal ([`super::codec`]).

use serde::Serializer;

/// Text without the spaces and zeros that fill its field; what is not printable ASCII as an escape such as `\xff`.
pub(super) fn ascii<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let used = bytes.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
    serializer.collect_str(&bytes[..used].escape_ascii())
}

/// Bytes that are no text, in hexadecimal.
pub(super) fn hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
