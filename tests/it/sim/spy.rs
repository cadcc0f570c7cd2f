//! Every byte that the server sends, held against the reference at the moment when it leaves: the right answer to a login,
//! and of the stream the right message, whole and in order, and none whose command is not durable.

use super::reference::Reference;
use dojima::domain::LoginId;
use dojima::domain::session::session_id;
use dojima::wire::soup::{self, LoginAccepted, LoginRejected, SessionId, kind};
use std::collections::BTreeMap;

/// What a client asked for when it logged in.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub login: LoginId,
    /// The first message wanted; 0: the next one.
    pub from: u64,
    /// Of which session; `None`: of the present one.
    pub session: Option<SessionId>,
    /// How the login is to be refused.
    pub refused: Option<LoginRejected>,
}

/// By login and session: the last message that was ever sent.
pub type Sent = BTreeMap<(LoginId, u32), u64>;

/// Looks at one connection.
pub struct Spy {
    asked: Asked,
    /// The name of session 0.
    first: SessionId,
    bytes: Vec<u8>,
    /// Session and number of the next message, once the login is accepted.
    position: Option<(u32, u64)>,
    /// The end of the session was told.
    ended: bool,
}

/// What passed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passed {
    pub messages: u64,
    /// Of those, messages that were sent before.
    pub again: u64,
    pub heartbeats: u64,
    pub ends_of_session: u64,
    /// Logins to a session that has ended: let in to read it, or refused.
    pub late_logins: u64,
    /// The last command that an acknowledgement was sent of.
    pub acknowledged: u64,
}

impl Spy {
    pub fn new(asked: Asked, first: SessionId) -> Self {
        Self { asked, first, bytes: Vec::new(), position: None, ended: false }
    }

    /// Takes what the server has written. `sent` is what was sent before, on whatever connection.
    ///
    /// # Errors
    /// What is wrong about it.
    pub fn see(&mut self, bytes: &[u8], sent: &mut Sent, reference: &Reference) -> Result<Passed, String> {
        self.bytes.extend_from_slice(bytes);
        let mut passed = Passed::default();
        let mut used = 0;
        while let Some((packet, len)) = soup::frame(&self.bytes[used..], usize::from(u16::MAX))
            .map_err(|error| format!("the server sent {error}"))?
        {
            let whole = &self.bytes[used..used + len];
            used += len;
            let login = self.asked.login;
            match (packet.kind, self.position) {
                _ if self.ended => return Err(format!("{} after the end", whole.escape_ascii())),
                (kind::LOGIN_ACCEPTED, None) => {
                    let position = self.accepted(packet.payload, sent, reference)?;
                    passed.late_logins += u64::from(position.0 < *self.possible(sent, reference).start());
                    self.position = Some(position);
                }
                (kind::LOGIN_REJECTED, None) => {
                    let reason = LoginRejected::decode(packet.payload).map_err(|error| error.to_string())?;
                    let is_late =
                        reason == LoginRejected::SessionNotAvailable && self.may_be_late(sent, reference);
                    if self.asked.refused != Some(reason) && !is_late {
                        return Err(format!("{:?} was refused: {reason}", self.asked));
                    }
                    passed.late_logins += u64::from(self.asked.refused.is_none());
                }
                (kind::SERVER_HEARTBEAT, Some(_)) => passed.heartbeats += 1,
                (kind::END_OF_SESSION, Some((session, position))) => {
                    let messages = reference.messages(login, session);
                    if reference.session_of(login) == session || position != messages + 1 {
                        return Err(format!(
                            "login {login} was told of the end of session {session} at message {position}; it has {messages}"
                        ));
                    }
                    self.ended = true;
                    passed.ends_of_session += 1;
                }
                (kind::SEQUENCED, Some((session, position))) => {
                    let Some((expected, sequence)) = reference.message(login, session, position) else {
                        return Err(format!(
                            "message {position} of session {session} was sent to login {login} before its command was \
                             durable: {}",
                            whole.escape_ascii()
                        ));
                    };
                    if whole != expected {
                        return Err(format!(
                            "message {position} of session {session} of login {login} is {}, but was to be {}",
                            whole.escape_ascii(),
                            expected.escape_ascii()
                        ));
                    }
                    let sent = sent.entry((login, session)).or_default();
                    passed.messages += 1;
                    passed.again += u64::from(position <= *sent);
                    *sent = position.max(*sent);
                    passed.acknowledged = passed.acknowledged.max(sequence);
                    self.position = Some((session, position + 1));
                }
                (kind, position) => {
                    return Err(format!("a packet of type {:?} at {position:?}", char::from(kind)));
                }
            }
        }
        self.bytes.drain(..used);
        Ok(passed)
    }

    fn is_named(&self, session: u32, name: SessionId) -> bool {
        session_id(*self.first.as_bytes(), session).is_some_and(|id| id == *name.as_bytes())
    }

    /// The sessions that the gateway may take for the present one: it has sent messages of the first, and may not yet have
    /// seen all that is durable.
    fn possible(&self, sent: &Sent, reference: &Reference) -> std::ops::RangeInclusive<u32> {
        let login = self.asked.login;
        let of_login = sent.range((login, 0)..=(login, u32::MAX)).filter(|(_, sent)| **sent > 0);
        of_login.map(|((_, session), _)| *session).next_back().unwrap_or(0)..=reference.session_of(login)
    }

    /// Whether the session that was asked for is perhaps not the present one.
    fn may_be_late(&self, sent: &Sent, reference: &Reference) -> bool {
        let is_other = |name| self.possible(sent, reference).any(|session| !self.is_named(session, name));
        self.asked.session.is_some_and(is_other)
    }

    /// Judges a Login Accepted and returns the session and the number that it names.
    fn accepted(&self, payload: &[u8], sent: &Sent, reference: &Reference) -> Result<(u32, u64), String> {
        let asked = &self.asked;
        let accepted = LoginAccepted::decode(payload).map_err(|error| error.to_string())?;
        // One that is named may have ended long ago: it can be read to its end.
        let possible = self.possible(sent, reference);
        let oldest = if asked.session.is_some() { 0 } else { *possible.start() };
        let mut candidates = oldest..=*possible.end();
        let found = candidates.find(|session| self.is_named(*session, accepted.session));
        let is_meant = asked.session.is_none_or(|name| name == accepted.session);
        let Some(session) = found.filter(|_| is_meant) else {
            return Err(format!("{asked:?} was answered with session {}", accepted.session));
        };
        let end = reference.messages(asked.login, session) + 1;
        let sent = sent.get(&(asked.login, session)).copied().unwrap_or(0);
        let first = accepted.sequence;
        // The gateway knows all that it has sent, and may not yet have numbered all that is durable.
        let right = match asked.from {
            0 => sent < first && first <= end,
            from if from <= sent + 1 => first == from,
            from => sent < first && first <= from.min(end),
        };
        if asked.refused.is_some() || !right {
            return Err(format!("{asked:?} was answered with {first}, the stream's end being {end}"));
        }
        Ok((session, first))
    }
}
