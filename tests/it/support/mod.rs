//! What the tests hold the engine against.

pub mod commands;
pub mod compare;
pub mod engines;
pub mod naive;
pub mod process;
pub mod venue;
