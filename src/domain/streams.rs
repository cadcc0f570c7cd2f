//! Where each login's messages stand among the events.
//!
//! A login's stream is the messages addressed to it in the present session, numbered from 1, copies included
//! ([`Audience`]). The numbers are not stored anywhere: they are counted from the events, so they come back the same after
//! every replay. The index remembers, for every [`MARK_EVERY`]th message, the event that carries it, so that a resend need
//! not read the log from its start. Of the session before the present one it remembers the same: whoever is still on its
//! way through it when it ends gets all of it.

use super::audience::{Audience, StreamChange};
use super::{EventRecord, LoginId};
use bincode::{Decode, Encode};

/// Messages of one login from one mark to the next.
pub const MARK_EVERY: u64 = 1024;

/// Message counts of every login, and sparse marks into the event log.
#[derive(Clone, Debug, Default)]
pub struct StreamIndex {
    audience: Audience,
    session: u32,
    logins: Vec<Stream>,
    /// By login: its stream of the session before.
    ended: Vec<Stream>,
}

#[derive(Clone, Debug, Default)]
struct Stream {
    session: u32,
    messages: u64,
    /// For message 1, 1 + MARK_EVERY, 1 + 2 × MARK_EVERY …: the event that carries it.
    marks: Vec<Mark>,
    /// The event of the last message, and the number of its first one. 0: no message was counted since a start.
    last_event: u64,
    first_of_last: u64,
}

/// A place in the event log from which a login's messages can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Mark {
    /// The event to start reading at.
    pub event: u64,
    /// The number of the first message of the login in that event.
    pub message: u64,
}

impl Stream {
    fn add(&mut self, event: u64) {
        let number = self.messages + 1;
        if self.last_event != event {
            (self.last_event, self.first_of_last) = (event, number);
        }
        self.messages = number;
        if number % MARK_EVERY == 1 {
            self.marks.push(Mark { event, message: self.first_of_last });
        }
    }
}

impl StreamIndex {
    /// Takes up one event. Events come in order, each once.
    pub fn note(&mut self, record: &EventRecord) {
        match record.event.stream_change() {
            Some(StreamChange::Rolled { session }) => self.session = session,
            Some(StreamChange::Started { login, session }) => self.restart(login, session),
            Some(StreamChange::LoginOpened { login, .. }) => self.restart(login, self.session),
            Some(StreamChange::AccountCopied { .. } | StreamChange::Ended { .. }) | None => {}
        }
        self.audience.note(record);
        let (logins, session) = (&mut self.logins, self.session);
        self.audience.each(record, |to| stream(logins, to.login, session).add(record.number));
    }

    /// A login's stream begins anew; the one before is kept.
    fn restart(&mut self, login: LoginId, session: u32) {
        let present = stream(&mut self.logins, login, session);
        let before = std::mem::replace(present, Stream { session, ..Stream::default() });
        if before.messages > 0 {
            *stream(&mut self.ended, login, session) = before;
        }
    }

    /// Who is sent what, after the events so far.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// The session that the events so far came to; the first one is 0.
    pub fn session(&self) -> u32 {
        self.session
    }

    /// An index that was written down, before [`StreamIndex::restore`]: who was sent what, and in which session.
    pub fn restored(audience: Audience, session: u32) -> Self {
        Self { audience, session, ..Self::default() }
    }

    /// Of every login that was told something, and of those with lower ids, how many messages it has and its marks.
    pub fn all(&self) -> impl Iterator<Item = (u64, &[Mark])> {
        self.logins.iter().map(|stream| (stream.messages, &stream.marks[..]))
    }

    /// Takes up the next login of an index that was written down, with its present session. `false`, and nothing done, when these cannot be the
    /// marks of so many messages.
    pub fn restore(&mut self, session: u32, messages: u64, marks: Vec<Mark>) -> bool {
        let fits = |(at, mark): (u64, &Mark)| {
            // A trade of a login with itself carries two messages: the one that is marked may be the second of them.
            let marked = at * MARK_EVERY + 1;
            (mark.message == marked || (at > 0 && mark.message == marked - 1)) && mark.event > 0
        };
        let rising = marks.is_sorted_by(|one, next| one.event < next.event);
        let whole = marks.len() as u64 == messages.div_ceil(MARK_EVERY);
        if !whole || !rising || !(0..).zip(&marks).all(fits) {
            return false;
        }
        self.logins.push(Stream { session, messages, marks, ..Stream::default() });
        true
    }

    /// How many messages the login's present stream has.
    pub fn messages(&self, login: LoginId) -> u64 {
        self.logins.get(login.0 as usize).map_or(0, |stream| stream.messages)
    }

    /// The present sessions of logins 0 to `logins` - 1, and how many messages each has.
    pub fn by_login(&self, logins: usize) -> Vec<(u32, u64)> {
        let known = self.logins.iter().map(|stream| (stream.session, stream.messages));
        known.chain(std::iter::repeat((self.session, 0))).take(logins).collect()
    }

    /// The first events of all present streams that are known.
    pub fn beginnings(&self) -> impl Iterator<Item = u64> {
        self.logins.iter().filter_map(|stream| stream.marks.first()).map(|mark| mark.event)
    }

    /// The login's stream of a session: the present one or the one before.
    fn of(&self, login: LoginId, session: u32) -> Option<&Stream> {
        let at = login.0 as usize;
        [&self.logins, &self.ended].into_iter().filter_map(|all| all.get(at)).find(|s| s.session == session)
    }

    /// The first mark of the login's stream of this session at this event or after it; `None` also when it is not known.
    pub fn mark_from(&self, login: LoginId, session: u32, event: u64) -> Option<Mark> {
        let marks = &self.of(login, session)?.marks;
        marks.get(marks.partition_point(|mark| mark.event < event)).copied()
    }

    /// Where to start reading to find this message (from 1) of the login's stream of this session, if it has it.
    pub fn mark_before(&self, login: LoginId, session: u32, message: u64) -> Option<Mark> {
        let stream = self.of(login, session)?;
        if message == 0 || message > stream.messages {
            return None;
        }
        let slot = (message - 1) / MARK_EVERY;
        stream.marks.get(usize::try_from(slot).ok()?).copied()
    }

    /// The last message of a session's stream, and the event that ended it; `None` while it goes on, or when it is not known.
    pub fn end_of(&self, login: LoginId, session: u32) -> Option<Mark> {
        let ended = self.ended.get(login.0 as usize).filter(|stream| stream.session == session)?;
        Some(Mark { event: ended.last_event, message: ended.messages })
    }
}

fn stream(logins: &mut Vec<Stream>, login: LoginId, session: u32) -> &mut Stream {
    let at = login.0 as usize;
    if at >= logins.len() {
        logins.resize_with(at + 1, || Stream { session, ..Stream::default() });
    }
    &mut logins[at]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Accepted, Event, Executed};

    fn record(number: u64, event: Event) -> EventRecord {
        EventRecord { number, event, ..EventRecord::default() }
    }

    #[test]
    fn marks_of_no_stream_are_refused() {
        let mark = |event, message| Mark { event, message };
        let mut index = StreamIndex::default();
        assert!(index.restore(0, MARK_EVERY + 1, vec![mark(1, 1), mark(9, MARK_EVERY + 1)]));
        assert!(
            index.restore(0, MARK_EVERY + 1, vec![mark(1, 1), mark(9, MARK_EVERY)]),
            "the second of a trade"
        );
        for second in [0, MARK_EVERY - 1, MARK_EVERY + 2, u64::MAX] {
            assert!(!index.restore(0, MARK_EVERY + 1, vec![mark(1, 1), mark(9, second)]), "{second}");
        }
    }

    #[test]
    fn marks_find_the_event_of_every_message() {
        let (one, two) = (LoginId(1), LoginId(2));
        let mut index = StreamIndex::default();
        // What the index must agree with: for each message of login 1, the event that carries it.
        let mut carried_by = Vec::new();
        for number in 1..=5_000 {
            let (maker, taker) = if number % 3 == 0 { (one, one) } else { (two, one) };
            let event = match number % 2 {
                0 => Event::Accepted(Accepted { login: one, ..Accepted::default() }),
                _ => Event::Executed(Executed {
                    maker_login: maker,
                    taker_login: taker,
                    ..Executed::default()
                }),
            };
            let event = record(number, event);
            carried_by.extend(event.event.recipients().iter().filter(|r| **r == Some(one)).map(|_| number));
            index.note(&event);
        }
        assert_eq!(index.messages(one), carried_by.len() as u64);
        for message in 1..=carried_by.len() as u64 {
            let mark = index.mark_before(one, 0, message).expect("every message has a mark");
            assert!(mark.message <= message && message - mark.message <= MARK_EVERY);
            let first_of_event =
                carried_by.iter().position(|event| *event == mark.event).expect("carries one") + 1;
            assert_eq!(mark.message, first_of_event as u64, "a mark names the first message of its event");
        }
        assert_eq!(index.mark_before(one, 0, 0), None);
        assert_eq!(index.mark_before(one, 0, carried_by.len() as u64 + 1), None);
    }
}
