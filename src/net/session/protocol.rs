//! The interface between the session layer and a protocol: packet boundaries, packet types, logins, and the packets
//! that the server sends. SoupBinTCP is the implemented protocol.
//!
//! The functions are resolved statically by type; no packet needs a dynamic call.

pub use crate::wire::soup::{LoginAccepted, LoginRejected, LoginRequest, SessionId};

use super::close_reason::CloseReason;
use crate::wire::soup::{self, END_OF_SESSION, SERVER_HEARTBEAT, SoupError, kind};

/// The longest packet that the session layer itself sends, in bytes.
pub const CONTROL_PACKET_LEN_MAX: usize = 64;

/// The meaning of a packet to the session layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says<'a> {
    /// A login; [`SessionProtocol::login`] decodes it.
    Login(&'a [u8]),
    /// A message for the service.
    Message(&'a [u8]),
    /// A packet that only shows that the client is alive.
    Nothing,
    /// A logout.
    Logout,
    /// A packet that clients may not send.
    Other,
}

/// One packet from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The packet type byte of the protocol, for the log.
    pub kind: u8,
    pub says: Says<'a>,
}

/// A protocol in which clients log in to a numbered stream of messages and send messages of their own.
pub trait SessionProtocol: 'static {
    /// Sent after an interval without other output.
    const HEARTBEAT: &'static [u8];
    /// Sent when the session has ended and the client was sent everything.
    const END_OF_SESSION: &'static [u8];

    /// The packet at the start of `bytes` and its length, if it is complete. Type and payload may have at most
    /// `len_max` bytes.
    ///
    /// # Errors
    /// The error for which the client is disconnected.
    fn frame(bytes: &[u8], len_max: usize) -> Result<Option<(Frame<'_>, usize)>, CloseReason>;

    /// Decodes a login.
    ///
    /// # Errors
    /// The error for which the client is disconnected.
    fn login(payload: &[u8]) -> Result<LoginRequest, CloseReason>;

    /// Writes the packet that accepts a login; returns its length, at most [`CONTROL_PACKET_LEN_MAX`].
    fn accepted(accepted: &LoginAccepted, out: &mut [u8]) -> usize;

    /// Writes the packet that refuses a login; returns its length.
    fn refused(reason: LoginRejected, out: &mut [u8]) -> usize;
}

/// SoupBinTCP, independent of the messages that it carries.
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
