//! The pure core: commands in, events out.
//!
//! [`Exchange::apply`] does no I/O, reads no clock, and uses no floating point, no hash-map order and no randomness. It
//! cannot fail: a refusal is an event. Two exchanges that were given the same commands have the same state and gave the
//! same events, on any machine. Everything here is single-threaded: the owner of an exchange owns all of its state.

mod absent;
mod accounts;
mod admin;
mod agenda;
mod assets;
mod auction;
mod audit;
mod book;
mod canonical;
mod chains;
mod changes;
mod checks;
mod chunks;
mod client_refs;
mod contract;
mod contracts;
mod digest;
mod due;
mod extras;
mod foresight;
mod in_vain;
mod instrument;
mod ledger;
mod login;
mod logins;
mod market;
mod mass;
mod match_end;
mod matching;
mod orders;
mod perform;
mod positions;
mod products;
mod queue;
mod rounds;
mod routing;
mod settings;
mod settlement;
mod shards;
mod shared;
mod sink;
pub mod snapshot;
mod spending;
mod standing;
mod state;
#[cfg(test)]
mod steps;
mod taker;
mod task;
mod timely;
mod tournament;
mod triggers;
mod usage;
mod venue;
mod wallet;

pub use agenda::Progress;
pub use audit::AuditError;
pub use book::{
    Blocks, Book, Cold, Handle, Hot, LevelView, Order, OrderSlab, Place, PricePages, Prices, Ranks,
};
pub use client_refs::NameKey;
pub use digest::Digest;
pub use foresight::FORESEEN;
pub use ledger::Balance;
pub use login::Login;
pub use shards::Shards;
pub use sink::EventSink;
pub use state::{Exchange, ExchangeLimits};
pub use triggers::TRIGGERS_MAX;
pub use venue::Asset;
