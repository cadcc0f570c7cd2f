//! The canonical form of the state, which is hashed.

use sha2::{Digest as _, Sha256};

/// Feeds numbers to the hash, each as 8 little-endian bytes, so that nothing depends on the width of a type.
pub(super) struct Canonical(pub(super) Sha256);

impl Canonical {
    pub(super) fn count(&mut self, len: usize) {
        self.unsigned(len as u64);
    }

    pub(super) fn unsigned(&mut self, value: impl Into<u64>) {
        self.0.update(value.into().to_le_bytes());
    }

    pub(super) fn signed(&mut self, value: i64) {
        self.0.update(value.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }
}
