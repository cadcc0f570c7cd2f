//! Whom the doorman lets in, and from which message they go on.

use super::Gateway;
use super::connection::{Connection, Phase, Wish};
use super::ending::Ending;
use super::source::Source;
use crate::domain::LoginId;
use crate::domain::session::session_id;
use crate::net::{ConnectionId, INBOX_LEN, Inbox};
use crate::runtime::log::Stranger;
use crate::runtime::planted::{Bug, is_planted};
use crate::stages::auth::{AuthAnswer, AuthRequest, Role};
use crate::wire::soup::{self, LoginAccepted, LoginRejected, LoginRequest, SessionId, kind};

/// The longest packet before a login, type and payload, bytes. A login has 52; the rest could only be debug text.
pub const STRANGER_PACKET_LEN_MAX: usize = 1024;

/// Room for the input of a connection that has not logged in: it is small, because anybody can have one.
pub const STRANGER_INBOX_LEN: usize = 4096;

/// Answers of the doorman taken in one duty cycle.
const ANSWERS_MAX: usize = 64;

impl Gateway {
    /// Takes packets up to and including the login.
    pub(super) fn take_login(&mut self, place: usize) -> Result<usize, Ending> {
        loop {
            let Some(connection) = self.connections.at(place) else { return Ok(0) };
            connection.has_more = false;
            let Some((packet, used)) = soup::frame(connection.inbox.waiting(), STRANGER_PACKET_LEN_MAX)?
            else {
                return Ok(0);
            };
            match packet.kind {
                kind::DEBUG | kind::CLIENT_HEARTBEAT => connection.inbox.took(used),
                kind::LOGIN_REQUEST => {
                    let request = LoginRequest::decode(packet.payload)?;
                    let question = AuthRequest {
                        connection: connection.id,
                        username: request.username,
                        password: request.password,
                        peer: connection.peer.ip(),
                    };
                    if let Some(ticket) = self.ports.auth.ask(question) {
                        connection.inbox.took(used);
                        connection.ticket = Some(ticket);
                        connection.phase = Phase::Checking(Wish::of(&request));
                        self.doorman_due = true;
                    } else {
                        // Nobody wakes this agent when the queue has room.
                        connection.has_more = true;
                    }
                    return Ok(1);
                }
                kind::LOGOUT => return Err(Ending::Logout),
                kind => return Err(Ending::UnexpectedPacket { kind, when: "before the login" }),
            }
        }
    }

    /// Does as the doorman says.
    pub(super) fn take_answers(&mut self, now: u64) -> usize {
        for taken in 0..ANSWERS_MAX {
            let Ok(AuthAnswer { connection: id, verdict }) = self.ports.auth.answers.try_recv() else {
                return taken;
            };
            let Some(connection) = self.connections.get(id) else { continue };
            let Phase::Checking(wish) = connection.phase else { continue };
            let admitted = verdict.and_then(|grant| {
                let login = grant.login.ok_or(LoginRejected::NotAuthorised)?;
                self.session_for(login, wish.session).map(|session| (login, grant.role, session))
            });
            match admitted {
                Ok((login, role, session)) => self.admit(id.place(), login, role, session, &wish, now),
                Err(reason) => self.refuse(id.place(), &wish, reason, now),
            }
        }
        ANSWERS_MAX
    }

    /// The name of the login's present session, if that is the one that is asked for.
    fn session_for(&self, login: LoginId, wanted: Option<SessionId>) -> Result<SessionId, LoginRejected> {
        let present = self.streams.get(login).map_or(0, |stream| stream.session());
        let id = session_id(*self.settings.session.as_bytes(), present);
        let id = id.as_ref().and_then(|id| SessionId::new(std::str::from_utf8(id.trim_ascii()).ok()?));
        match (id, wanted) {
            (Some(id), Some(wanted)) if !wanted.as_bytes().eq_ignore_ascii_case(id.as_bytes()) => {
                Err(LoginRejected::SessionNotAvailable)
            }
            (Some(id), _) => Ok(id),
            (None, _) => Err(LoginRejected::SessionNotAvailable),
        }
    }

    fn admit(&mut self, place: usize, login: LoginId, role: Role, id: SessionId, wish: &Wish, now: u64) {
        let others = self.streams.get(login).and_then(|stream| stream.listener).map(ConnectionId::place);
        if let Some(other) = others {
            self.close(other, Ending::TakenOver, now);
        }
        let stream = self.streams.join(login);
        let Some(connection) = self.connections.at(place) else { return };
        stream.listener = Some(connection.id);
        let first = first_message(wish.sequence, stream.next());
        connection.put_control(&LoginAccepted { session: id, sequence: first }.packet());
        if let Some(ms @ 1..) = wish.heartbeat_timeout_ms {
            connection.silence_max = u64::from(ms) * 1_000_000;
        }
        let from = if is_planted(Bug::ResumeOffByOne) { stream.next().min(first + 1) } else { first };
        let source = Source::of(stream, from);
        let (username, session, next) = (wish.username, stream.session(), stream.next());
        connection.phase = Phase::LoggedIn { login, role, session, username, source };
        connection.greet(now);
        self.inputs.set(place, true);
        self.outputs.set(place, true);
        let peer = connection.peer;
        widen(connection, &mut self.spare_inboxes);
        self.gauges.logins.add(1);
        self.desks.arrive(login);
        tracing::info!(%peer, %username, %login, session = %id, first, next, "logged in");
    }

    fn refuse(&mut self, place: usize, wish: &Wish, reason: LoginRejected, now: u64) {
        let Some(connection) = self.connections.at(place) else { return };
        connection.refuse(&reason.packet(), now);
        self.inputs.set(place, true);
        self.outputs.set(place, true);
        self.gauges.logins_refused.add(1);
        let (peer, username) = (connection.peer, wish.username);
        if Stranger::LoginRefused.may_log() {
            tracing::warn!(%peer, %username, "login refused: {reason}");
        }
    }
}

/// Gives a connection the input buffer of those who are logged in.
fn widen(connection: &mut Connection, spares: &mut Vec<Inbox>) {
    let at = spares.iter().rposition(|inbox| inbox.capacity() == INBOX_LEN);
    let inbox = at.map_or_else(Inbox::new, |at| spares.swap_remove(at));
    let small = connection.widen(inbox);
    spares.push(small);
}

/// The number of the first message for a client that asks for `requested`, in a stream whose next message is `next`. A
/// request for 0 is one for the next; one beyond the end is answered with the next too.
fn first_message(requested: u64, next: u64) -> u64 {
    if requested == 0 { next } else { requested.min(next) }
}

#[cfg(test)]
mod tests {
    use super::first_message;

    #[test]
    fn a_client_goes_on_where_it_asks_or_at_the_next_message() {
        let cases = [(0, 1, 1), (0, 8, 8), (1, 8, 1), (7, 8, 7), (8, 8, 8), (9, 8, 8), (u64::MAX, 8, 8)];
        for (requested, next, first) in cases {
            assert_eq!(first_message(requested, next), first, "{requested} of a stream at {next}");
        }
    }
}
