//! What the gateway asks of a protocol of order entry beyond its session layer, and OUCH 5.0 over SoupBinTCP, which is the one
//! that is served.

use super::close_reason::Cause;
use crate::domain::audience::Address;
use crate::domain::{Command, EventRecord, Listings, LoginId, NameOrder};
use crate::net::session::{CloseReason, SessionProtocol, Soup};
use crate::wire::ouch::{self, Inbound, SystemEvent};
use crate::wire::soup;

/// No protocol's packet with a message in it is longer, bytes.
pub const MESSAGE_PACKET_LEN_LIMIT: usize = 512;

/// Whose message it is, and in which session it was sent.
#[derive(Clone, Copy, Debug)]
pub struct LoggedIn {
    /// The login that the connection is logged in as.
    pub login: LoginId,
    /// To which session of that login; the first one is 0.
    pub session: u32,
}

/// What a client's message asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// A name for the order that the command enters, in a command of its own before it.
    pub name: Option<NameOrder>,
    pub command: Command,
}

/// A protocol in which clients enter orders and are told of events.
pub trait OrderEntryProtocol: SessionProtocol {
    /// The longest packet with a message in it, bytes: `MESSAGE_PACKET_LEN_LIMIT` at most.
    const PACKET_LEN_MAX: usize;
    /// The shortest.
    const PACKET_LEN_MIN: usize;

    /// What a message asks for. What can be read and not accepted is a command that refuses it.
    ///
    /// # Errors
    /// What costs the client its connection ([`CloseReason::not_of`]).
    fn command(from: LoggedIn, message: &[u8], listings: &Listings) -> Result<Asked, CloseReason>;

    /// The length of the packet that begins with these bytes: `byte` gives the one at a place in it.
    fn packet_len(byte: impl Fn(u64) -> u8) -> u64;

    /// Writes the packet that an address is sent about an event to the front of `out`, and returns its length. Every address of an
    /// event has one: the numbers of its stream count them. `None`: its instrument is not among the listings.
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
        let from = ouch::LoggedIn { login: from.login, session: from.session };
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
