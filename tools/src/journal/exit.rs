//! Exit codes.

/// Damage or a difference was found.
pub(super) const FOUND: u8 = 1;
/// It could not be done.
pub(super) const FAILED: u8 = 2;
