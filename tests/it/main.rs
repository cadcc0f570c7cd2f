//! The integration tests: one binary, a module per subject.

mod config;
mod layers;
mod wire;
