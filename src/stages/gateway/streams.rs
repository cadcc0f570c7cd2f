//! Every login's stream: how many messages it has, the last of them, and who listens.
//!
//! A stream is made of released events and of nothing else; nothing is numbered before it may be sent.

use super::tail::Tail;
use crate::domain::audience::Audience;
use crate::domain::{EventRecord, Listings, LoginId};
use crate::net::ConnectionId;
use crate::runtime::Fatal;
use crate::wire::ouch::encode_sequenced;

/// One login's stream.
#[derive(Default)]
pub struct Stream {
    /// The number of its last message.
    messages: u64,
    /// Its last messages; from the first login on.
    tail: Option<Tail>,
    /// The connection that is logged in.
    pub listener: Option<ConnectionId>,
}

impl Stream {
    /// The number of the next message.
    pub fn next(&self) -> u64 {
        self.messages + 1
    }

    /// The last messages; `None` before the first login.
    #[inline]
    pub fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }
}

/// All streams, and the listings that their messages are written with.
pub struct Streams {
    listings: Listings,
    by_login: Vec<Stream>,
    tail_bytes: usize,
}

impl Streams {
    /// Goes on after `messages` of each login.
    pub fn new(listings: Listings, messages: &[u64], tail_bytes: usize) -> Self {
        let stream = |messages: &u64| Stream { messages: *messages, ..Stream::default() };
        Self { listings, by_login: messages.iter().map(stream).collect(), tail_bytes }
    }

    /// Makes room for a login.
    pub fn know(&mut self, login: LoginId) {
        let index = login.0 as usize;
        if index >= self.by_login.len() {
            self.by_login.resize_with(index + 1, Stream::default);
        }
    }

    /// The instruments of all released events.
    #[inline]
    pub fn listings(&self) -> &Listings {
        &self.listings
    }

    /// A login's stream, if any event or credential has named it.
    #[inline]
    pub fn get(&self, login: LoginId) -> Option<&Stream> {
        self.by_login.get(login.0 as usize)
    }

    /// A login's stream, with its tail: from now on its messages are kept.
    pub fn join(&mut self, login: LoginId) -> &mut Stream {
        self.know(login);
        let stream = &mut self.by_login[login.0 as usize];
        let next = stream.next();
        stream.tail.get_or_insert_with(|| Tail::new(self.tail_bytes, next));
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

    /// Adds an event's messages to their streams and returns how many they are.
    ///
    /// # Errors
    /// [`Fatal::Invariant`] for an event that names a recipient but has no message for it: every number of its stream
    /// from there on would be wrong.
    #[inline]
    pub fn release(&mut self, record: &EventRecord) -> Result<u64, Fatal> {
        self.listings.note(record);
        let mut messages = 0;
        let mut told = Ok(());
        Audience::default().each(record, |to| {
            self.know(to.login);
            let stream = &mut self.by_login[to.login.0 as usize];
            if let Some(tail) = &mut stream.tail
                && tail.push(|out| encode_sequenced(record, to, &self.listings, out)).is_none()
            {
                told = Err(no_message(record, to.login));
            }
            stream.messages += 1;
            messages += 1;
        });
        told?;
        Ok(messages)
    }
}

#[cold]
fn no_message(record: &EventRecord, login: LoginId) -> Fatal {
    let EventRecord { number, event, .. } = record;
    Fatal::invariant(format_args!("event {number} has no message for login {login}: {event:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, Event, Executed, Listing};

    fn opened(login: u32) -> EventRecord {
        let event = Event::LoginOpened { login: LoginId(login), account: AccountId(1) };
        EventRecord { event, ..EventRecord::default() }
    }

    fn trade(maker: u32, taker: u32) -> EventRecord {
        let parties =
            Executed { maker_login: LoginId(maker), taker_login: LoginId(taker), ..Executed::default() };
        EventRecord { event: Event::Executed(parties), ..EventRecord::default() }
    }

    #[test]
    fn messages_are_counted_before_and_kept_after_the_first_login() {
        let mut streams = Streams::new(Listings::default(), &[0, 41], 16 * 1024);
        let listed =
            EventRecord { event: Event::InstrumentListed(Listing::default()), ..EventRecord::default() };
        assert_eq!(streams.release(&listed), Ok(0));
        assert_eq!(streams.release(&opened(1)), Ok(1));
        assert_eq!(streams.join(LoginId(1)).next(), 43);
        assert_eq!(streams.release(&trade(1, 1)), Ok(2), "a trade of a login with itself");
        assert_eq!(streams.release(&trade(7, 1)), Ok(2), "a login that nobody has named before");
        let stream = streams.get(LoginId(1)).expect("known");
        assert_eq!(stream.next(), 46);
        let tail = stream.tail().expect("joined");
        assert_eq!((tail.oldest(), tail.locate(46)), (43, Some(tail.end())));
        assert_eq!(streams.get(LoginId(7)).map(Stream::next), Some(2));
    }

    #[test]
    fn a_message_that_cannot_be_written_is_fatal() {
        let mut streams = Streams::new(Listings::default(), &[], 16 * 1024);
        streams.join(LoginId(1));
        let fatal = streams.release(&trade(1, 2)).expect_err("its instrument was never listed");
        assert!(fatal.to_string().contains("no message for login 1"), "{fatal}");
    }

    #[test]
    fn only_the_present_listener_can_leave() {
        let mut streams = Streams::new(Listings::default(), &[], 16 * 1024);
        streams.join(LoginId(0)).listener = Some(ConnectionId(2));
        streams.leave(LoginId(0), ConnectionId(1));
        assert_eq!(streams.join(LoginId(0)).listener, Some(ConnectionId(2)));
        streams.leave(LoginId(0), ConnectionId(2));
        assert_eq!(streams.join(LoginId(0)).listener, None);
    }
}
