//! What the session layer asks of a protocol: where a packet ends, what it is, how a login reads, and what clients are told.
//! SoupBinTCP is the one that is served.
//!
//! The functions are called by type: nothing is looked up for a packet.

pub use crate::wire::soup::{LoginAccepted, LoginRejected, LoginRequest, SessionId};

use super::close_reason::CloseReason;
use crate::wire::soup::{self, END_OF_SESSION, SERVER_HEARTBEAT, SoupError, kind};

/// The longest packet that the session layer itself sends, bytes.
pub const CONTROL_PACKET_LEN_MAX: usize = 64;

/// What a packet is to the session layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says<'a> {
    /// A login: what [`SessionProtocol::login`] reads.
    Login(&'a [u8]),
    /// A message, which is the service's.
    Message(&'a [u8]),
    /// Nothing but that the client is there.
    Nothing,
    /// The client asks for the end.
    Logout,
    /// What clients do not send.
    Other,
}

/// One packet from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The protocol's own byte for what it is, for the log.
    pub kind: u8,
    pub says: Says<'a>,
}

/// A protocol of clients that log in to a numbered stream of messages and send messages of their own.
pub trait SessionProtocol: 'static {
    /// Sent when there was nothing else to send for a while.
    const HEARTBEAT: &'static [u8];
    /// Sent when a client has been sent all that there is for it.
    const END_OF_SESSION: &'static [u8];

    /// The packet at the start of `bytes` and its length, if it is whole. None may be longer than `len_max`, type and payload.
    ///
    /// # Errors
    /// What costs the client its connection.
    fn frame(bytes: &[u8], len_max: usize) -> Result<Option<(Frame<'_>, usize)>, CloseReason>;

    /// Reads a login.
    ///
    /// # Errors
    /// What costs the client its connection.
    fn login(payload: &[u8]) -> Result<LoginRequest, CloseReason>;

    /// Writes the packet that says that the client is let in, and returns its length: [`CONTROL_PACKET_LEN_MAX`] at most.
    fn accepted(accepted: &LoginAccepted, out: &mut [u8]) -> usize;

    /// Writes the packet that says that it is not, and returns its length.
    fn refused(reason: LoginRejected, out: &mut [u8]) -> usize;
}

/// SoupBinTCP, whatever its messages are.
#[derive(Clone, Copy, Debug)]
pub struct Soup;

impl SessionProtocol for Soup {
    const HEARTBEAT: &'static [u8] = &SERVER_HEARTBEAT;
    const END_OF_SESSION: &'static [u8] = &END_OF_SESSION;

    #[inline]
    fn frame(bytes: &[u8], len_max: usize) -> Result<Option<(Frame<'_>, usize)>, CloseReason> {
        let Some((packet, len)) = soup::frame(bytes, len_max).map_err(no_soup)? else { return Ok(None) };
        let says = match packet.kind {
            kind::UNSEQUENCED => Says::Message(packet.payload),
            kind::CLIENT_HEARTBEAT | kind::DEBUG => Says::Nothing,
            kind::LOGOUT => Says::Logout,
            kind::LOGIN_REQUEST => Says::Login(packet.payload),
            _ => Says::Other,
        };
        Ok(Some((Frame { kind: packet.kind, says }, len)))
    }

    fn login(payload: &[u8]) -> Result<LoginRequest, CloseReason> {
        LoginRequest::decode(payload).map_err(no_soup)
    }

    fn accepted(accepted: &LoginAccepted, out: &mut [u8]) -> usize {
        put(&accepted.packet(), out)
    }

    fn refused(reason: LoginRejected, out: &mut [u8]) -> usize {
        put(&reason.packet(), out)
    }
}

#[cold]
fn no_soup(why: SoupError) -> CloseReason {
    CloseReason::not_of("SoupBinTCP", why)
}

fn put(packet: &[u8], out: &mut [u8]) -> usize {
    out[..packet.len()].copy_from_slice(packet);
    packet.len()
}
