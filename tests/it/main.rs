//! The integration tests: one binary, a module per subject.

mod config;
mod layers;
mod wire;
mod crash;
mod modes;
mod support;
