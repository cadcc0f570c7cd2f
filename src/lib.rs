//! Dojima: a single-node exchange engine in the LMAX style.
//!
//! ```text
//!  clients ⇄ gateway ─inbound ring─▶ sequencer ─command ring─┬─▶ journaler ─▶ journal (mmap, msync)
//!                ▲                                           │                  │
//!                │                                           │            durable cursor ─────┐
//!                │                                           └─▶ matcher ─event ring─┬────────┤ gate
//!                └───────────────────────────────────────────────────────────────────┤◀───────┤
//!                                                 archiver: event log ─▶ SQL writer ◀┘◀───────┘
//! ```
//!
//! The modules in reading order: values ([`domain`]), the pure core ([`exchange`]), the ring that joins the
//! stages ([`ring`]) and what runs them ([`runtime`]), bytes ([`wire`]), the stages themselves ([`stages`]), how they
//! are wired ([`pipeline`]) and warmed up ([`recovery`]), and the human edge ([`config`], [`cli`], [`client`]).
//! docs/ARCHITECTURE.md follows one order through all of it.

pub mod cli;
pub mod client;
pub mod config;
pub mod domain;
pub mod engine;
pub mod pipeline;
pub mod exchange;
pub mod recovery;
pub mod ring;
pub mod runtime;
pub mod stages;
pub mod wire;
