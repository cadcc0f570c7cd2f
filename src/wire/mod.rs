//! Encoding and decoding of the wire formats, for servers and clients: SoupBinTCP ([`soup`]) with OUCH 5.0 ([`ouch`])
//! or ITCH 5.0 ([`itch`]), and MoldUDP64 ([`mold`]) with ITCH 5.0.
//!
//! This module does no I/O, does not allocate, and never panics on received bytes. Invalid bytes give a typed error,
//! and the caller decides how to react. docs/PROTOCOL.md has the byte tables and lists the supported parts of the
//! protocols.

pub mod itch;
mod layout;
pub mod mold;
pub mod ouch;
pub mod soup;
