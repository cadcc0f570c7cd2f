//! What the tests hold the engine against.

pub mod commands;
pub mod compare;
pub mod crash_site;
pub mod engines;
pub mod instructions;
pub mod mounts;
pub mod naive;
pub mod outlets;
pub mod posted;
pub mod process;
pub mod sessions;
pub mod spot;
pub mod trader;
pub mod venue;
