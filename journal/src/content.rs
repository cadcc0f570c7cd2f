//! What a journal holds.

use std::fmt;

/// What the payloads of a journal are, as its owner numbers it. This crate only compares: a journal of one kind is never
/// continued with another, and versions never go back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Content {
    /// Which kind of payloads; 0 with version 0 = not said.
    pub kind: u16,
    /// Which version of their encoding.
    pub version: u16,
}

impl Content {
    /// A journal that does not say what it holds, as all of them before this field was there.
    pub const NOT_SAID: Self = Self { kind: 0, version: 0 };

    /// Whether a journal of this content may go on with `later`: the same kind, in this version or a newer one.
    #[must_use]
    pub fn is_continued_by(self, later: Self) -> bool {
        self.kind == later.kind && self.version <= later.version
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NOT_SAID => f.write_str("content that is not named"),
            Self { kind, version } => write!(f, "content of kind {kind}, version {version}"),
        }
    }
}
