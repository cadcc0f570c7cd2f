//! Bytes ⇄ values, for both ends of the wire: SoupBinTCP ([`soup`]) carrying OUCH 5.0 ([`ouch`]) or ITCH 5.0 ([`itch`]), and
//! MoldUDP64 ([`mold`]) carrying ITCH 5.0.
//!
//! Nothing here does I/O, allocates or panics on foreign bytes: what cannot be read is a typed error, and whose
//! fault it is and what it costs is the caller's to decide. docs/PROTOCOL.md has the byte tables and what of the
//! protocol is served.

pub mod itch;
mod layout;
pub mod mold;
pub mod ouch;
pub mod soup;
