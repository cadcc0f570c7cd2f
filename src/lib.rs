//! Dojima: a single-node exchange engine in the LMAX style.
//!
//! ```text
//!  clients ⇄ gateway ─inbound ring─▶ sequencer ─command ring─┬─▶ journaler ─▶ journal (group commit)
//!                ▲                                           │                  │
//!                │                                           │            durable cursor ─────┐
//!                │                                           └─▶ matcher ─event ring─┬────────┤ gate
//!                └───────────────────────────────────────────────────────────────────┤◀───────┤
//!                                                 archiver: event log ─▶ SQL writer ◀┘◀───────┘
//! ```
//!
//! The modules in reading order: values ([`domain`]), the pure core ([`exchange`]), the ring that joins the
//! stages ([`ring`]) and what runs them ([`runtime`]), bytes ([`wire`]), tables ([`sql`]), sockets ([`net`]), the stages themselves ([`stages`]), how they
//! are wired ([`pipeline`]), what operators ask ([`operator`]) and warmed up ([`recovery`], [`replica`]), the human edge ([`config`], [`cli`]),
//! and the other side of the wire ([`client`], and [`flow`]: what it is made to send).
//! [`cli`] and [`flow`] are there with the feature `cli`, which is on by default.
//! docs/ARCHITECTURE.md follows one order through all of it.

// What .clippy.toml bans is denied where it would break determinism or block: clocks and threads for everything that an
// agent runs, hash maps for the pure core.

#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
pub mod config;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod domain;
pub mod engine;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod exchange;
#[cfg(feature = "cli")]
pub mod flow;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod market;
#[deny(clippy::disallowed_methods)]
pub mod net;
pub mod operator;
pub mod pipeline;
pub mod recovery;
pub mod replica;
#[deny(clippy::disallowed_methods)]
pub mod ring;
pub mod runtime;
#[deny(clippy::disallowed_methods)]
pub mod sql;
#[deny(clippy::disallowed_methods)]
pub mod stages;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod wire;
