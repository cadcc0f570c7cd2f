//! Dojima: a single-node exchange engine in the LMAX style.
//!
//! ```text
//!  clients ⇄ gateway ─ inbound ring ──▶ sequencer ─ command ring ─┬─▶ journaler ─▶ journal (group commit)
//!    timer, operator ── inbound rings ▶     ▲                      │        ├─▶ durable cursor: the gate of gateway and archiver
//!    shadow ─────────── inbound ring ─▶     └──── space is low ────┼────────┘
//!                                                                  └─▶ matcher ─ event ring ─┬─▶ gateway ─▶ clients
//!                                                                                            └─▶ archiver ─▶ event log
//!    several shards: a matcher for each ─ event rings ─▶ merge ─ event ring ─▶ the same
//!  event log ─▶ SQL writer ─▶ SQLite
//!  event log ─▶ feed ─▶ log of market data ─▶ subscribers, snapshots, multicast
//!  journal, event log ─▶ shadow ─▶ snapshots
//!  event log ─▶ courier ─ inbound ring ─▶ sequencer: transfers between several shards
//!  gateway, feed ⇄ authenticator: password checks
//!  gateway ─▶ archiver ─▶ resender ─▶ gateway: old messages
//! ```
//!
//! The modules in reading order:
//!
//! 1. values ([`domain`]) and the pure core that applies commands to them ([`exchange`]);
//! 2. connecting and running the stages: the ring ([`ring`]), agents and threads ([`runtime`]);
//! 3. bytes on the wire ([`wire`]), and projections of the events: market data ([`market`]) and tables ([`sql`]);
//! 4. sockets and sessions ([`net`]), the stages ([`stages`]), and their wiring ([`pipeline`]);
//! 5. the state of a journal ([`replica`]), the start after a stop or a crash ([`recovery`]), start and stop of the
//!    engine ([`engine`]);
//! 6. operation: requests of operators ([`operator`]), settings ([`config`]), the command line (`cli`);
//! 7. the client library ([`client`]) and the order flows that drive it (`flow`).
//!
//! `cli` and `flow` exist with the feature `cli`, which is on by default.
//! docs/ARCHITECTURE.md follows one order through all of it.

// What .clippy.toml bans is denied where it would break determinism or block: clocks and threads for everything that an
// agent runs, hash maps for the pure core.

#[cfg(feature = "cli")]
pub mod cli;
#[warn(missing_docs)]
pub mod client;
pub mod config;
#[warn(missing_docs)]
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
#[warn(missing_docs)]
#[deny(clippy::disallowed_methods)]
pub mod ring;
pub mod runtime;
#[deny(clippy::disallowed_methods)]
pub mod sql;
#[deny(clippy::disallowed_methods)]
pub mod stages;
#[deny(clippy::disallowed_methods, clippy::disallowed_types)]
pub mod wire;
