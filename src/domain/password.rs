//! Passwords as clients send them.

use std::fmt;

/// A password as a protocol's codec has read it: up to 32 bytes, left-justified and padded with spaces. Whether case matters is
/// for the codec to say. Never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password(pub [u8; Self::LEN_MAX]);

impl Password {
    /// The longest, bytes.
    pub const LEN_MAX: usize = 32;

    /// From 1 to 32 bytes, which do not end with a space; else `None`.
    pub fn new(text: &[u8]) -> Option<Self> {
        if !(1..=Self::LEN_MAX).contains(&text.len()) || text.ends_with(b" ") {
            return None;
        }
        let mut bytes = [b' '; Self::LEN_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self(bytes))
    }

    /// Its bytes without the padding.
    pub fn text(&self) -> &[u8] {
        self.0.trim_ascii_end()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}
