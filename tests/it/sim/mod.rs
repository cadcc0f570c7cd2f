//! The simulator: the whole node, its disk, its network and its clients in one thread, and every choice from one seed.
//!
//! The node is the real one: agents, codecs, exchange, journal and SQL writer, under the stepper. Simulated are the files
//! ([`disk`]), the sockets ([`network`]), the clock, and the world around: clients ([`client`]), operators ([`operator`]),
//! and what goes wrong ([`faults`]). What the node does is held against a reference ([`reference`], [`spy`]) at every moment.
//! Nothing here may read a real clock, start a thread, or draw a number from anywhere but the seed.

pub mod coverage;
pub mod random;
pub mod world;

mod client;
mod copies;
mod disk;
mod faults;
mod happened;
mod market;
mod messages;
mod money;
mod network;
mod onlooker;
mod operator;
mod operator_contracts;
mod plan;
mod private_messages;
mod reference;
mod spy;
mod stamps;
mod subscriber;
mod unsteady;
mod venue;
