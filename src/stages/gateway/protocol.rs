//! The gateway's interface to an order-entry protocol, beyond its session layer; and its implementation for OUCH 5.0
//! over SoupBinTCP.

use super::close_reason::Cause;
use crate::domain::audience::Address;
use crate::domain::{AccountId, Command, EventRecord, Listings, LoginId, NameOrder};
use crate::net::session::{CloseReason, SessionProtocol, Soup};
use crate::wire::ouch::{self, Inbound, SystemEvent};
use crate::wire::soup;

/// An upper bound for the message packets of all protocols, bytes.
pub const MESSAGE_PACKET_LEN_LIMIT: usize = 512;

/// The login and session of a message.
#[derive(Clone, Copy, Debug)]
pub struct LoggedIn {
    /// The login that the connection is logged in as.
    pub login: LoginId,
    /// The session of that login; the first is 0.
    pub session: u32,
    /// The account of that login.
    pub account: AccountId,
}

/// The commands that a client's message results in.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// A name for the order that the command enters, sent as a separate command before it.
    pub name: Option<NameOrder>,
    pub command: Command,
}

/// A protocol for entering orders and receiving events.
pub trait OrderEntryProtocol: SessionProtocol {
    /// The longest message packet, bytes; at most `MESSAGE_PACKET_LEN_LIMIT`.
    const PACKET_LEN_MAX: usize;
    /// The shortest message packet, bytes.
    const PACKET_LEN_MIN: usize;

    /// Decodes a message. A message that can be decoded but not accepted becomes a command that refuses it.
    ///
    /// # Errors
    /// The reason for closing the connection ([`CloseReason::not_of`]).
    fn command(from: LoggedIn, message: &[u8], listings: &Listings) -> Result<Asked, CloseReason>;

    /// The length of the packet that begins with these bytes; `byte` returns the one at an offset.
    fn packet_len(byte: impl Fn(u64) -> u8) -> u64;

    /// Writes the packet about an event for one address to the front of `out`, and returns its length. Every address of
    /// an event has a packet, because stream numbers count them. `None`: the instrument is not in the listings.
    fn encode(record: &EventRecord, to: Address, listings: &Listings, out: &mut [u8]) -> Option<usize>;
}

/// OUCH 5.0.
impl OrderEntryProtocol for Soup {
    const PACKET_LEN_MAX: usize = ouch::SEQUENCED_LEN_MAX;
    /// A System Event.
    const PACKET_LEN_MIN: usize = soup::HEADER_LEN + SystemEvent::LEN;

    #[inline]
    fn command(from: LoggedIn, message: &[u8], listings: &Listings) -> Result<Asked, CloseReason> {
        let message = Inbound::decode(message).map_err(|why| CloseReason::from(Cause::message(why)))?;
        let LoggedIn { login, session, account } = from;
        let from = ouch::LoggedIn { login, session, account };
        Ok(Asked { name: None, command: ouch::to_command(from, &message, listings) })
    }

    #[inline]
    fn packet_len(byte: impl Fn(u64) -> u8) -> u64 {
        2 + u64::from(u16::from_be_bytes([byte(0), byte(1)]))
    }

    #[inline]
    fn encode(record: &EventRecord, to: Address, listings: &Listings, out: &mut [u8]) -> Option<usize> {
        ouch::encode_sequenced(record, to, listings, out)
    }
}
