//! The stream of each login: its message count, its newest messages, and the connection that listens.
//!
//! A stream consists only of released events; a message gets its number only when it may be sent. Each session starts a
//! new stream. The end of the previous one is kept for a client that has not received all of it yet.

use super::protocol::OrderEntryProtocol;
use super::tail::Tail;
use crate::domain::audience::{Audience, StreamChange};
use crate::domain::{AccountId, EventRecord, Listings, LoginId};
use crate::net::{ConnectionId, ReadySet};
use crate::runtime::Fatal;

pub struct Stream<P> {
    session: u32,
    /// The number of its last message.
    messages: u64,
    tail: Option<Tail<P>>,
    /// Whether its messages are kept in the tail: from the first login on.
    kept: bool,
    /// The end of the previous session's stream.
    ended: Option<StreamEnd>,
    /// The connection that is logged in.
    pub listener: Option<ConnectionId>,
}

/// The end of a session's stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamEnd {
    session: u32,
    /// The number of its last message.
    pub messages: u64,
    /// The position in the tail after that message.
    pub position: u64,
}

/// The state of a session's stream.
#[derive(Clone, Copy, Debug)]
pub enum SessionStatus {
    /// It belongs to the present session.
    Open,
    /// It ended here.
    Ended(StreamEnd),
    /// It ended more than one session ago.
    Forgotten,
}

impl<P: OrderEntryProtocol> Stream<P> {
    fn new(session: u32, messages: u64) -> Self {
        Self { session, messages, tail: None, kept: false, ended: None, listener: None }
    }

    /// The number of the next message.
    pub fn next(&self) -> u64 {
        self.messages + 1
    }

    /// The session of the stream.
    pub fn session(&self) -> u32 {
        self.session
    }

    /// The newest messages; `None` before the first login.
    #[inline]
    pub fn tail(&self) -> Option<&Tail<P>> {
        self.tail.as_ref().filter(|_| self.kept)
    }

    /// Whether `session`'s stream is open, ended or unknown.
    #[inline]
    pub fn status(&self, session: u32) -> SessionStatus {
        match self.ended {
            _ if session == self.session => SessionStatus::Open,
            Some(end) if end.session == session => SessionStatus::Ended(end),
            _ => SessionStatus::Forgotten,
        }
    }

    fn restart(&mut self, session: u32) {
        let position = self.tail().map_or(0, Tail::end);
        self.ended = Some(StreamEnd { session: self.session, messages: self.messages, position });
        (self.session, self.messages) = (session, 0);
        if let Some(tail) = &mut self.tail {
            tail.restart(1);
        }
    }
}

/// All streams, and the tables for addressing and encoding their messages.
pub struct Streams<P> {
    listings: Listings,
    audience: Audience,
    session: u32,
    by_login: Vec<Stream<P>>,
    tail_bytes: usize,
}

/// The streams at the end of recovery.
#[derive(Clone, Debug, Default)]
pub struct StreamsStart {
    /// The listings after all events so far.
    pub listings: Listings,
    /// The recipients of events.
    pub audience: Audience,
    /// The venue's session; the first one is 0.
    pub session: u32,
    /// By login id: its session, and its number of messages in it so far; further logins have none.
    pub streams: Vec<(u32, u64)>,
}

impl<P: OrderEntryProtocol> Streams<P> {
    /// Continues from that point.
    pub fn new(start: StreamsStart, tail_bytes: usize) -> Self {
        let StreamsStart { listings, audience, session, streams } = start;
        let stream = |(session, messages)| Stream::new(session, messages);
        Self { listings, audience, session, by_login: streams.into_iter().map(stream).collect(), tail_bytes }
    }

    /// Adds a login and reserves the memory for its tail. The system provides the pages when they are first written.
    pub fn know(&mut self, login: LoginId) {
        let tail_bytes = self.tail_bytes;
        let stream = known(&mut self.by_login, login, self.session);
        let next = stream.next();
        stream.tail.get_or_insert_with(|| Tail::new(tail_bytes, next));
    }

    /// The listings after all released events.
    #[inline]
    pub fn listings(&self) -> &Listings {
        &self.listings
    }

    /// The account of a login; account 0, which nobody logs in for, while none is known.
    #[inline]
    pub fn account(&self, login: LoginId) -> AccountId {
        self.audience.accounts().get(login.0 as usize).copied().unwrap_or(AccountId::FEES)
    }

    /// A login's stream, if an event or setting has named the login.
    #[inline]
    pub fn get(&self, login: LoginId) -> Option<&Stream<P>> {
        self.by_login.get(login.0 as usize)
    }

    /// A login's stream with its tail: from now on its messages are kept.
    pub fn join(&mut self, login: LoginId) -> &mut Stream<P> {
        self.know(login);
        let stream = &mut self.by_login[login.0 as usize];
        let next = stream.next();
        if let Some(tail) = stream.tail.as_mut().filter(|_| !stream.kept) {
            tail.restart(next);
            stream.kept = true;
        }
        stream
    }

    /// Ends the listening of a connection, if it is still the one that listens.
    pub fn leave(&mut self, login: LoginId, connection: ConnectionId) {
        if let Some(stream) = self.by_login.get_mut(login.0 as usize)
            && stream.listener == Some(connection)
        {
            stream.listener = None;
        }
    }

    /// Adds an event's messages to their streams, marks the listening connections, and returns the number of messages.
    ///
    /// # Errors
    /// [`Fatal::Invariant`] if an event names a recipient but has no message for it: all later numbers of that stream
    /// would be wrong.
    #[inline]
    pub fn release(&mut self, record: &EventRecord, told: &mut ReadySet) -> Result<u64, Fatal> {
        self.listings.note(record);
        self.audience.note(record);
        let session = self.session;
        match record.event.stream_change() {
            Some(StreamChange::Rolled { session }) => self.session = session,
            Some(StreamChange::Started { login, session }) => {
                known(&mut self.by_login, login, session).restart(session);
            }
            Some(StreamChange::LoginOpened { login, .. }) => {
                known(&mut self.by_login, login, session).session = session;
            }
            Some(StreamChange::AccountCopied { .. } | StreamChange::Ended { .. }) | None => {}
        }
        let Self { listings, audience, by_login, .. } = self;
        let (mut messages, mut failed) = (0, None);
        audience.each(record, |to| {
            let stream = known(by_login, to.login, session);
            if stream.kept
                && let Some(tail) = &mut stream.tail
                && tail.push(|out| P::encode(record, to, listings, out)).is_none()
            {
                failed = Some(to.login);
            }
            if let Some(listener) = stream.listener {
                told.set(listener.place(), true);
            }
            stream.messages += 1;
            messages += 1;
        });
        failed.map_or(Ok(messages), |login| Err(no_message(record, login)))
    }
}

#[inline]
fn known<P: OrderEntryProtocol>(
    by_login: &mut Vec<Stream<P>>,
    login: LoginId,
    session: u32,
) -> &mut Stream<P> {
    let index = login.0 as usize;
    if index >= by_login.len() {
        by_login.resize_with(index + 1, || Stream::new(session, 0));
    }
    &mut by_login[index]
}

#[cold]
fn no_message(record: &EventRecord, login: LoginId) -> Fatal {
    let EventRecord { number, event, .. } = record;
    Fatal::invariant(format_args!(
        "event {number} cannot be encoded as a message for login {login}: {event:?}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, AdminEvent, Event, Executed, Listing, OrderEvent, VenueEvent};
    use crate::net::session::Soup;

    fn opened(login: u32) -> EventRecord {
        let event = Event::Venue(VenueEvent::LoginOpened { login: LoginId(login), account: AccountId(1) });
        EventRecord { event, ..EventRecord::default() }
    }

    fn trade(maker: u32, taker: u32) -> EventRecord {
        let parties =
            Executed { maker_login: LoginId(maker), taker_login: LoginId(taker), ..Executed::default() };
        EventRecord { event: Event::Order(OrderEvent::Executed(parties)), ..EventRecord::default() }
    }

    fn streams(messages: Vec<u64>) -> Streams<Soup> {
        let streams = messages.into_iter().map(|messages| (0, messages)).collect();
        Streams::new(StreamsStart { streams, ..StreamsStart::default() }, 16 * 1024)
    }

    #[test]
    fn messages_are_counted_before_and_kept_after_the_first_login() {
        let (mut streams, mut told) = (streams(vec![0, 41]), ReadySet::new(8));
        let listed = EventRecord {
            event: Event::Admin(AdminEvent::InstrumentListed(Listing::default())),
            ..EventRecord::default()
        };
        assert_eq!(streams.release(&listed, &mut told), Ok(0));
        assert_eq!(streams.release(&opened(1), &mut told), Ok(1));
        assert_eq!(streams.join(LoginId(1)).next(), 43);
        assert_eq!(streams.release(&trade(1, 1), &mut told), Ok(2), "a trade of a login with itself");
        assert_eq!(streams.release(&trade(7, 1), &mut told), Ok(2), "a login that nobody has named before");
        let stream = streams.get(LoginId(1)).expect("known");
        assert_eq!(stream.next(), 46);
        let tail = stream.tail().expect("joined");
        assert_eq!((tail.oldest(), tail.locate(46)), (43, Some(tail.end())));
        assert_eq!(streams.get(LoginId(7)).map(Stream::next), Some(2));
    }

    #[test]
    fn a_message_that_cannot_be_written_is_fatal() {
        let mut streams = streams(Vec::new());
        streams.join(LoginId(1));
        let fatal = streams
            .release(&trade(1, 2), &mut ReadySet::new(8))
            .expect_err("its instrument was never listed");
        assert!(fatal.to_string().contains("cannot be encoded as a message for login 1"), "{fatal}");
    }

    #[test]
    fn only_the_present_listener_can_leave() {
        let mut streams = streams(Vec::new());
        streams.join(LoginId(0)).listener = Some(ConnectionId(2));
        streams.leave(LoginId(0), ConnectionId(1));
        assert_eq!(streams.join(LoginId(0)).listener, Some(ConnectionId(2)));
        streams.leave(LoginId(0), ConnectionId(2));
        assert_eq!(streams.join(LoginId(0)).listener, None);
    }
}
