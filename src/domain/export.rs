//! Serialization of values for other programs (`dojima-tools journal export`): by serde, one way only. Keys are field
//! names, enum values are the words of the user interface, and numbers stay integers in the units of their types. The
//! engine never reads this output. The journal's bytes are a different encoding ([`super::codec`]).

use serde::Serializer;

/// Text without its padding of spaces and zeros; bytes that are not printable ASCII become escapes such as `\xff`.
pub(super) fn ascii<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let used = bytes.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
    serializer.collect_str(&bytes[..used].escape_ascii())
}

/// Binary bytes in hexadecimal.
pub(super) fn hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
