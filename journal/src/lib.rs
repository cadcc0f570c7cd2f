//! The memory-mapped journal.
