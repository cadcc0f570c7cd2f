//! Bytes that are not those that were written.
