//! Exit codes.

/// Damage or a difference was found.
pub(super) const FOUND: u8 = 1;
/// The command failed.
pub(super) const FAILED: u8 = 2;
