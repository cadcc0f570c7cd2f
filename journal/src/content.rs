//! The kind and version of a journal's payloads.

use std::fmt;

/// The kind and version of a journal's payloads, numbered by the owner of the journal. This crate only compares them: a
/// journal of one kind is never continued with another kind, and the version never decreases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Content {
    /// The kind of payloads. Kind 0 with version 0 means "not specified".
    pub kind: u16,
    /// The version of the payload encoding.
    pub version: u16,
}

impl Content {
    /// A journal that does not specify its content. Journals older than this field are like that.
    pub const NOT_SAID: Self = Self { kind: 0, version: 0 };

    /// Whether a journal of this content may be continued with `later`: the same kind, and the same version or a newer
    /// one.
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
