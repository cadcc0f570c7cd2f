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
//! are wired ([`pipeline`]), what operators ask ([`operator`]) and warmed up ([`recovery`], [`replica`]), and the human edge ([`config`], [`cli`], [`client`]).
//! docs/ARCHITECTURE.md follows one order through all of it.

// What .clippy.toml bans is denied where it would break determinism or block: clocks and threads for everything that an
// agent runs, hash maps for the pure core.

pub mod cli;
pub mod client;
pub mod config;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod domain;
pub mod engine;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod exchange;
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
