//! The integration tests: one binary, a module per subject.

mod architecture;
mod bad_input;
mod cli;
mod codec;
mod config;
mod crash;
mod exchange;
mod faults;
mod flow;
mod formats;
mod gateway;
mod kill;
mod layers;
mod modes;
mod persister;
mod power;
mod recovery;
mod shadow;
mod sim;
mod simulated;
mod snapshot;
mod space;
mod support;
mod terminal;
mod timer;
mod wire;
