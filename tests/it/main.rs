//! The integration tests: one binary, a module per subject.

mod architecture;
mod bad_input;
mod cli;
mod codec;
mod config;
mod exchange;
mod flow;
mod gateway;
mod layers;
mod wire;
mod crash;
mod modes;
mod persister;
mod support;
mod recovery;
mod kill;
