//! What the tests hold the engine against.

pub mod commands;
pub mod engines;
pub mod naive;
pub mod process;
pub mod venue;
