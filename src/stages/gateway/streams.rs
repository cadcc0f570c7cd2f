//! Every login's stream: how many messages it has, the last of them, and who listens.
//!
//! A stream is made of released events and of nothing else; nothing is numbered before it may be sent. With every session
//! it begins anew; where the one before ended is remembered for a client that is still on its way there.

use super::protocol::OrderEntryProtocol;
use super::tail::Tail;
use crate::domain::audience::{Audience, StreamChange};
use crate::domain::{EventRecord, Listings, LoginId};
use crate::net::{ConnectionId, ReadySet};
use crate::runtime::Fatal;

pub struct Stream<P> {
    session: u32,
    /// The number of its last message.
    messages: u64,
    tail: Option<Tail<P>>,
    /// Its messages are kept in the tail: from the first login on.
    kept: bool,
    /// The end of the stream of the session before.
    ended: Option<StreamEnd>,
    /// The connection that is logged in.
    pub listener: Option<ConnectionId>,
}

/// Where a session's stream ended.
#[derive(Clone, Copy, Debug)]
pub struct StreamEnd {
    session: u32,
    /// The number of its last message.
    pub messages: u64,
    /// The position in the tail after that message.
    pub position: u64,
}

/// Whether a session's stream goes on.
#[derive(Clone, Copy, Debug)]
pub enum SessionStatus {
    /// It is that of the present session.
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

    /// The session that it is of.
    pub fn session(&self) -> u32 {
        self.session
    }

    /// The last messages; `None` before the first login.
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

/// All streams, and what their messages are addressed and written with.
pub struct Streams<P> {
    listings: Listings,
    audience: Audience,
    session: u32,
    by_login: Vec<Stream<P>>,
    tail_bytes: usize,
}

/// Where recovery left the streams off.
#[derive(Clone, Debug, Default)]
pub struct StreamsStart {
    /// The instruments of all events so far.
    pub listings: Listings,
    /// Who is sent what.
    pub audience: Audience,
    /// The venue's session; the first one is 0.
    pub session: u32,
    /// By login id: its session, and how many messages its stream has in it so far; logins beyond the end have none.
    pub streams: Vec<(u32, u64)>,
}

impl<P: OrderEntryProtocol> Streams<P> {
    /// Goes on from there.
    pub fn new(start: StreamsStart, tail_bytes: usize) -> Self {
        let StreamsStart { listings, audience, session, streams } = start;
        let stream = |(session, messages)| Stream::new(session, messages);
        Self { listings, audience, session, by_login: streams.into_iter().map(stream).collect(), tail_bytes }
    }

    /// Makes room for a login, and takes the memory for its tail. The system gives that page by page, when it is written.
    pub fn know(&mut self, login: LoginId) {
        let tail_bytes = self.tail_bytes;
        let stream = known(&mut self.by_login, login, self.session);
        let next = stream.next();
        stream.tail.get_or_insert_with(|| Tail::new(tail_bytes, next));
    }

    /// The instruments of all released events.
    #[inline]
    pub fn listings(&self) -> &Listings {
        &self.listings
    }

    /// A login's stream, if any event or setting has named it.
    #[inline]
    pub fn get(&self, login: LoginId) -> Option<&Stream<P>> {
        self.by_login.get(login.0 as usize)
    }

    /// A login's stream, with its tail: from now on its messages are kept.
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

    /// Ends the listening of a connection, if it still is the one that listens.
    pub fn leave(&mut self, login: LoginId, connection: ConnectionId) {
        if let Some(stream) = self.by_login.get_mut(login.0 as usize)
            && stream.listener == Some(connection)
        {
            stream.listener = None;
        }
    }

    /// Adds an event's messages to their streams, notes who listens to them, and returns how many they are.
    ///
    /// # Errors
    /// [`Fatal::Invariant`] for an event that names a recipient but has no message for it: every number of its stream
    /// from there on would be wrong.
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
