//! Where each login's messages stand among the events.
//!
//! A login's stream is the events addressed to it, numbered from 1. The numbers are not stored anywhere: they are
//! counted from the events, so they come back the same after every replay. The index remembers, for every
//! [`MARK_EVERY`]th message, the event that carries it, so that a resend need not read the log from its start.

use super::{EventRecord, LoginId};
use bincode::{Decode, Encode};

/// Messages of one login from one mark to the next.
pub const MARK_EVERY: u64 = 1024;

/// Message counts of every login, and sparse marks into the event log.
#[derive(Clone, Debug, Default)]
pub struct StreamIndex {
    logins: Vec<Stream>,
}

#[derive(Clone, Debug, Default)]
struct Stream {
    messages: u64,
    /// For message 1, 1 + MARK_EVERY, 1 + 2 × MARK_EVERY …: the event that carries it.
    marks: Vec<Mark>,
}

/// A place in the event log from which a login's messages can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Mark {
    /// The event to start reading at.
    pub event: u64,
    /// The number of the first message of the login in that event.
    pub message: u64,
}

impl StreamIndex {
    /// Takes up one event. Events come in order, each once.
    pub fn note(&mut self, record: &EventRecord) {
        match record.event.recipients() {
            // A trade of a login with itself carries two messages of its stream.
            [Some(first), Some(second)] if first == second => self.add(first, 2, record.number),
            recipients => {
                recipients.into_iter().flatten().for_each(|login| self.add(login, 1, record.number))
            }
        }
    }

    fn add(&mut self, login: LoginId, messages: u64, event: u64) {
        let at = login.0 as usize;
        if at >= self.logins.len() {
            self.logins.resize_with(at + 1, Stream::default);
        }
        let stream = &mut self.logins[at];
        let first = stream.messages + 1;
        stream.messages += messages;
        if stream.messages.div_ceil(MARK_EVERY) > stream.marks.len() as u64 {
            stream.marks.push(Mark { event, message: first });
        }
    }

    /// Of every login that was told something, and of those with lower ids, how many messages it has and its marks.
    pub fn all(&self) -> impl Iterator<Item = (u64, &[Mark])> {
        self.logins.iter().map(|stream| (stream.messages, &stream.marks[..]))
    }

    /// Takes up the next login of an index that was written down. `false`, and nothing done, when these cannot be the
    /// marks of so many messages.
    pub fn restore(&mut self, messages: u64, marks: Vec<Mark>) -> bool {
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
        self.logins.push(Stream { messages, marks });
        true
    }

    /// How many messages the login's stream has.
    pub fn messages(&self, login: LoginId) -> u64 {
        self.logins.get(login.0 as usize).map_or(0, |stream| stream.messages)
    }

    /// The counts of logins 0 to `logins` - 1.
    pub fn messages_by_login(&self, logins: usize) -> Vec<u64> {
        (0..logins).map(|login| self.messages(LoginId(login as u32))).collect()
    }

    /// The first mark of the login at this event or after it.
    pub fn mark_from(&self, login: LoginId, event: u64) -> Option<Mark> {
        let marks = &self.logins.get(login.0 as usize)?.marks;
        marks.get(marks.partition_point(|mark| mark.event < event)).copied()
    }

    /// Where to start reading to find this message (from 1), if the stream has it.
    pub fn mark_before(&self, login: LoginId, message: u64) -> Option<Mark> {
        let stream = self.logins.get(login.0 as usize)?;
        if message == 0 || message > stream.messages {
            return None;
        }
        let slot = (message - 1) / MARK_EVERY;
        stream.marks.get(usize::try_from(slot).ok()?).copied()
    }
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
        assert!(index.restore(MARK_EVERY + 1, vec![mark(1, 1), mark(9, MARK_EVERY + 1)]));
        assert!(
            index.restore(MARK_EVERY + 1, vec![mark(1, 1), mark(9, MARK_EVERY)]),
            "the second of a trade"
        );
        for second in [0, MARK_EVERY - 1, MARK_EVERY + 2, u64::MAX] {
            assert!(!index.restore(MARK_EVERY + 1, vec![mark(1, 1), mark(9, second)]), "{second}");
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
            let mark = index.mark_before(one, message).expect("every message has a mark");
            assert!(mark.message <= message && message - mark.message <= MARK_EVERY);
            let first_of_event =
                carried_by.iter().position(|event| *event == mark.event).expect("carries one") + 1;
            assert_eq!(mark.message, first_of_event as u64, "a mark names the first message of its event");
        }
        assert_eq!(index.mark_before(one, 0), None);
        assert_eq!(index.mark_before(one, carried_by.len() as u64 + 1), None);
    }
}
