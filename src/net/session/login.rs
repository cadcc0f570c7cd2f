//! Processes the input of a connection before its login is accepted.

use super::close_reason::CloseReason;
use super::connection::{Connection, Phase};
use super::protocol::{Frame, Says, SessionProtocol};
use super::service::{PendingLogin, STRANGER_PACKET_LEN_MAX};
use crate::net::auth::{AuthClient, AuthRequest};

/// The most bytes of heartbeats and debug text before a login.
const CHATTER_BYTES_MAX: usize = 2048;

/// Processes packets up to and including the login, and sends it to the authenticator, which must then be woken.
pub(super) fn take_login<P: SessionProtocol, C>(
    connection: &mut Connection<C>,
    auth: &mut AuthClient,
    authenticator_due: &mut bool,
) -> Result<usize, CloseReason> {
    loop {
        connection.has_more = false;
        let Some((Frame { kind, says }, used)) =
            P::frame(connection.inbox.waiting(), STRANGER_PACKET_LEN_MAX)?
        else {
            return Ok(0);
        };
        match says {
            Says::Nothing => {
                connection.inbox.took(used);
                connection.chatter += used;
                if connection.chatter > CHATTER_BYTES_MAX {
                    return Err(CloseReason::Chatter(CHATTER_BYTES_MAX));
                }
            }
            Says::Login(payload) => {
                let request = P::login(payload)?;
                let question = AuthRequest {
                    connection: connection.id,
                    username: request.username,
                    password: request.password,
                    peer: connection.peer.ip(),
                };
                if let Some(ticket) = auth.ask(question) {
                    connection.inbox.took(used);
                    connection.ticket = Some(ticket);
                    connection.username = Some(request.username);
                    connection.phase = Phase::Checking(PendingLogin::of(&request));
                    *authenticator_due = true;
                } else {
                    // This agent is not woken when the queue has room, so it must try again.
                    connection.has_more = true;
                }
                return Ok(1);
            }
            Says::Logout => return Err(CloseReason::Logout),
            Says::Message(_) | Says::Other => {
                return Err(CloseReason::UnexpectedPacket { kind, when: "before the login" });
            }
        }
    }
}
