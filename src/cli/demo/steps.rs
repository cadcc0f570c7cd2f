//! How the steps of a demo stand on the screen.

/// Columns of their names.
pub(super) const STEP_COLUMNS: usize = 9;
