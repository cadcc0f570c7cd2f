//! Maps message numbers of each login's stream to events.
//!
//! A login's stream is the messages addressed to it in the present session, numbered from 1, copies included
//! ([`Audience`]). The numbers are not stored: they are counted from the events, so every replay gives the same
//! numbers. The index keeps marks: for some messages, the event that carries them. A message is fewer than
//! [`MARK_EVERY`] messages or fewer than [`MARK_EVERY_EVENTS`] events after its mark. This bounds how much a resend
//! must read, however few messages a login has among those of others. For the last [`ENDED_MAX`] sessions of a login
//! the index keeps where their messages ended and their marks; of the sessions before the last one it keeps only
//! [`ENDED_MARKS_MAX`] marks.

use super::audience::{Audience, StreamChange};
use super::{EventRecord, LoginId};
use bincode::{Decode, Encode};
use std::collections::VecDeque;

/// The most messages of one login between two marks, plus those of one event.
pub const MARK_EVERY: u64 = 1024;

/// A message that is this many events after the login's last mark gets a mark, however few messages are between them.
pub const MARK_EVERY_EVENTS: u64 = 1 << 20;

/// How many ended sessions of one login are kept. The messages of older ones can no longer be read.
pub const ENDED_MAX: usize = 100;

/// How many marks of an ended session are kept once the login's next session has ended too.
pub const ENDED_MARKS_MAX: usize = 16;

/// Message counts of every login, and sparse marks into the event log.
#[derive(Clone, Debug, Default)]
pub struct StreamIndex {
    audience: Audience,
    session: u32,
    logins: Vec<Stream>,
    /// Indexed by login: its ended streams, oldest first.
    ended: Vec<VecDeque<EndedStream>>,
}

/// A login's stream of an ended session. It has at least one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedStream {
    /// The login.
    pub login: LoginId,
    /// The session.
    pub session: u32,
    /// The event of its last message.
    pub last_event: u64,
    /// The number of its messages.
    pub messages: u64,
    /// Its marks; the first mark is that of message 1.
    pub marks: Vec<Mark>,
}

impl EndedStream {
    /// Drops marks evenly until at most [`ENDED_MARKS_MAX`] are left.
    fn thin(&mut self) {
        let every = self.marks.len().div_ceil(ENDED_MARKS_MAX);
        if every > 1 {
            self.marks = self.marks.iter().copied().step_by(every).collect();
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Stream {
    session: u32,
    messages: u64,
    /// The first mark is that of message 1.
    marks: Vec<Mark>,
    /// The event of the last message. 0: no message was counted since the process started.
    last_event: u64,
}

/// A place in the event log from which a login's messages can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Mark {
    /// The event to start reading at.
    pub event: u64,
    /// The number of the first message of the login in that event.
    pub message: u64,
}

impl Mark {
    /// Whether `place` is so far after this mark that it needs a mark of its own.
    fn is_far_before(&self, place: &Self) -> bool {
        place.message >= self.message.saturating_add(MARK_EVERY)
            || place.event >= self.event.saturating_add(MARK_EVERY_EVENTS)
    }
}

impl Stream {
    fn add(&mut self, event: u64) {
        let number = self.messages + 1;
        self.messages = number;
        if self.last_event == event {
            return;
        }
        self.last_event = event;
        let place = Mark { event, message: number };
        if self.marks.last().is_none_or(|last| last.is_far_before(&place)) {
            self.marks.push(place);
        }
    }
}

impl StreamIndex {
    /// Counts one event. Events must come in order, each once.
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

    /// Starts a new stream for a login and keeps the ended one.
    fn restart(&mut self, login: LoginId, session: u32) {
        let present = stream(&mut self.logins, login, session);
        let before = std::mem::replace(present, Stream { session, ..Stream::default() });
        if before.messages > 0 {
            let Stream { session, messages, marks, last_event } = before;
            self.keep(EndedStream { login, session, last_event, messages, marks });
        }
    }

    fn keep(&mut self, ended: EndedStream) {
        let at = ended.login.0 as usize;
        if at >= self.ended.len() {
            self.ended.resize_with(at + 1, VecDeque::new);
        }
        let all = &mut self.ended[at];
        all.back_mut().into_iter().for_each(EndedStream::thin);
        if all.len() == ENDED_MAX {
            all.pop_front();
        }
        all.push_back(ended);
    }

    /// The recipients of events, after the events so far.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// The venue's session after the events so far; the first is 0.
    pub fn session(&self) -> u32 {
        self.session
    }

    /// Starts to rebuild a saved index: its audience and session. [`StreamIndex::restore`] adds the logins.
    pub fn restored(audience: Audience, session: u32) -> Self {
        Self { audience, session, ..Self::default() }
    }

    /// The number of messages and the marks of each login, up to the highest login that has messages.
    pub fn all(&self) -> impl Iterator<Item = (u64, &[Mark])> {
        self.logins.iter().map(|stream| (stream.messages, &stream.marks[..]))
    }

    /// Adds the next login of a saved index with its present session. Returns `false` and changes nothing if these
    /// cannot be the marks of that many messages.
    pub fn restore(&mut self, session: u32, messages: u64, marks: Vec<Mark>) -> bool {
        if !are_marks_of(messages, &marks) || !are_all_marks_of(messages, &marks) {
            return false;
        }
        self.logins.push(Stream { session, messages, marks, ..Stream::default() });
        true
    }

    /// All ended streams, by login, the oldest first.
    pub fn all_ended(&self) -> impl Iterator<Item = &EndedStream> {
        self.ended.iter().flatten()
    }

    /// Adds the next ended stream of a saved index. Returns `false` and changes nothing if it cannot follow the one
    /// before.
    pub fn restore_ended(&mut self, ended: EndedStream) -> bool {
        let EndedStream { login, session, last_event, messages, .. } = ended;
        let first_event = ended.marks.first().map_or(0, |first| first.event);
        let own = self.ended.get(login.0 as usize);
        let follows = own
            .and_then(VecDeque::back)
            .is_none_or(|one| one.session < session && one.last_event < first_event);
        let has_room = own.is_none_or(|own| own.len() < ENDED_MAX);
        let in_order = self.ended.len() <= login.0 as usize + 1;
        let has_ended = session < self.session_of(login);
        let reaches = ended.marks.last().is_some_and(|last| last.event <= last_event);
        let fits =
            follows && has_room && in_order && has_ended && reaches && are_marks_of(messages, &ended.marks);
        if fits {
            self.keep(ended);
        }
        fits
    }

    /// A login's stream of an ended session, if it is still kept.
    pub fn ended(&self, login: LoginId, session: u32) -> Option<&EndedStream> {
        self.ended.get(login.0 as usize)?.iter().rfind(|ended| ended.session == session)
    }

    /// The session of the login's present stream.
    pub fn session_of(&self, login: LoginId) -> u32 {
        self.logins.get(login.0 as usize).map_or(self.session, |stream| stream.session)
    }

    /// The number of messages in the login's present stream.
    pub fn messages(&self, login: LoginId) -> u64 {
        self.logins.get(login.0 as usize).map_or(0, |stream| stream.messages)
    }

    /// For logins 0 to `logins` - 1: the present session and its number of messages.
    pub fn by_login(&self, logins: usize) -> Vec<(u32, u64)> {
        let known = self.logins.iter().map(|stream| (stream.session, stream.messages));
        known.chain(std::iter::repeat((self.session, 0))).take(logins).collect()
    }

    /// The first event of each present stream for which it is known.
    pub fn beginnings(&self) -> impl Iterator<Item = u64> {
        self.logins.iter().filter_map(|stream| stream.marks.first()).map(|mark| mark.event)
    }

    /// The number of messages and the marks of the login's stream of a session.
    fn of(&self, login: LoginId, session: u32) -> Option<(u64, &[Mark])> {
        let present = self.logins.get(login.0 as usize).filter(|present| present.session == session);
        let ended = || self.ended(login, session).map(|ended| (ended.messages, &ended.marks[..]));
        present.map(|present| (present.messages, &present.marks[..])).or_else(ended)
    }

    /// Where to start reading to find this message (from 1) of the login's stream of this session; `None` if it does
    /// not exist.
    pub fn mark_before(&self, login: LoginId, session: u32, message: u64) -> Option<Mark> {
        let (messages, marks) = self.of(login, session)?;
        if message > messages {
            return None;
        }
        let after = marks.partition_point(|mark| mark.message <= message);
        marks.get(after.checked_sub(1)?).copied()
    }

    /// A place at or after this event, with the number of the login's next message there, in its stream of this
    /// session.
    pub fn known_from(&self, login: LoginId, session: u32, event: u64) -> Option<Mark> {
        let ended = self.ended(login, session);
        let ended = ended.map(|ended| Mark { event: ended.last_event + 1, message: ended.messages + 1 });
        let (_, marks) = self.of(login, session)?;
        let at = marks.partition_point(|mark| mark.event < event);
        marks.get(at).copied().or(ended)
    }
}

/// Whether these can be marks of a stream with that many messages.
fn are_marks_of(messages: u64, marks: &[Mark]) -> bool {
    let (Some(first), Some(last)) = (marks.first(), marks.last()) else { return messages == 0 };
    let rise = |one: &Mark, next: &Mark| {
        one.event < next.event && one.message < next.message && one.is_far_before(next)
    };
    first.message == 1 && first.event > 0 && last.message <= messages && marks.is_sorted_by(rise)
}

/// Whether no mark is missing. An event has at most two messages of a login, so the second of them may be the last one
/// before the next mark is due.
fn are_all_marks_of(messages: u64, marks: &[Mark]) -> bool {
    let is_near = |one: &Mark, next: &Mark| next.message - one.message <= MARK_EVERY + 1;
    marks.is_sorted_by(is_near) && marks.last().is_none_or(|last| messages - last.message <= MARK_EVERY)
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
    use crate::domain::{OrderEvent, VenueEvent};

    fn record(number: u64, event: Event) -> EventRecord {
        EventRecord { number, event, ..EventRecord::default() }
    }

    #[test]
    fn marks_of_no_stream_are_refused() {
        let mark = |event, message| Mark { event, message };
        let mut index = StreamIndex::default();
        let far = MARK_EVERY + 1;
        for good in [
            vec![mark(1, 1), mark(9, far)],
            vec![mark(1, 1), mark(9, far + 1)],
            vec![mark(1, 1), mark(1 + MARK_EVERY_EVENTS, 2), mark(1 + 2 * MARK_EVERY_EVENTS, 3)],
        ] {
            assert!(index.restore(0, far + 1, good.clone()), "{good:?}");
        }
        for wrong in [
            vec![],
            vec![mark(1, 2)],
            vec![mark(0, 1)],
            vec![mark(1, 1), mark(9, MARK_EVERY)],
            vec![mark(1, 1), mark(9, far + 2)],
            vec![mark(9, 1), mark(9, far)],
            vec![mark(1, 1), mark(1 + MARK_EVERY_EVENTS, 1)],
            vec![mark(1, 1), mark(MARK_EVERY_EVENTS, 2)],
        ] {
            assert!(!index.restore(0, far + 1, wrong.clone()), "{wrong:?}");
        }
        assert!(index.restore(0, 0, vec![]) && !index.restore(0, 0, vec![mark(1, 1)]));
        // A mark is missing, so counting could not continue.
        assert!(index.restore(0, far, vec![mark(1, 1)]) && !index.restore(0, far + 1, vec![mark(1, 1)]));
        assert!(!index.restore(0, far + 2, vec![mark(1, 1), mark(9, far + 2)]));
        let end = vec![mark(1, 1), mark(9, u64::MAX)];
        assert!(!index.restore(0, u64::MAX, end) && !index.restore(0, u64::MAX, vec![mark(1, 1)]));
    }

    #[test]
    fn sessions_that_have_ended_are_remembered_and_can_be_written_down() {
        let (one, two) = (LoginId(0), LoginId(1));
        let mut index = StreamIndex::default();
        let mut number = 0;
        let mut note = |index: &mut StreamIndex, event| {
            number += 1;
            index.note(&record(number, event));
        };
        for login in [one, two] {
            note(
                &mut index,
                Event::Venue(VenueEvent::LoginOpened { login, account: crate::domain::AccountId(1) }),
            );
        }
        // The second login starts a session of its own once; the others are the venue's.
        let rolls: [(u32, &[LoginId]); 3] = [(1, &[one, two]), (2, &[two]), (3, &[one, two])];
        for (session, logins) in rolls {
            for login in logins {
                note(&mut index, Event::Venue(VenueEvent::SessionEnded { login: *login }));
            }
            if logins.len() == 2 {
                note(&mut index, Event::Venue(VenueEvent::SessionRolled { session }));
            }
            for login in logins {
                note(&mut index, Event::Venue(VenueEvent::SessionStarted { login: *login, session }));
            }
        }
        let known =
            |login| (0..4).filter(|session| index.ended(login, *session).is_some()).collect::<Vec<_>>();
        assert_eq!((known(one), known(two)), (vec![0, 1], vec![0, 1, 2]));
        let first = index.ended(one, 0).expect("it ended");
        assert_eq!((first.last_event, first.messages), (3, 2));
        assert_eq!(first.marks, [Mark { event: 1, message: 1 }]);
        assert_eq!(index.mark_before(two, 0, 2), Some(Mark { event: 2, message: 1 }));
        assert_eq!(index.mark_before(two, 0, 3), None, "it had two messages");
        let restored = || {
            let mut restored = StreamIndex::restored(Audience::default(), 3);
            for (messages, marks) in index.all() {
                assert!(restored.restore(3, messages, marks.to_vec()));
            }
            restored
        };
        let mut again = restored();
        assert!(index.all_ended().all(|ended| again.restore_ended(ended.clone())));
        assert!(again.all_ended().eq(index.all_ended()));
        let last = index.all_ended().last().expect("some");
        for wrong in [
            EndedStream { session: 3, ..last.clone() },
            EndedStream { messages: 0, ..last.clone() },
            EndedStream { last_event: last.marks[0].event - 1, ..last.clone() },
            EndedStream { marks: Vec::new(), ..last.clone() },
        ] {
            assert!(!restored().restore_ended(wrong.clone()), "{wrong:?}");
        }
        let mut again = restored();
        assert!(again.restore_ended(last.clone()) && !again.restore_ended(first.clone()), "out of order");
    }

    /// However few messages a login has among those of others, and also in an ended session, no message is far after
    /// its mark.
    #[test]
    fn no_message_is_far_behind_its_mark() {
        let login = LoginId(0);
        let mut index = StreamIndex::default();
        let accepted = Event::Order(OrderEvent::Accepted(Accepted { login, ..Accepted::default() }));
        let mut carried_by = Vec::new();
        let mut note = |index: &mut StreamIndex, number: u64, event: Event| {
            index.note(&record(number, event));
            carried_by.push(number);
        };
        let mut number = 0;
        for step in
            [1, MARK_EVERY_EVENTS / 3, MARK_EVERY_EVENTS - 1, MARK_EVERY_EVENTS, 5 * MARK_EVERY_EVENTS]
        {
            for _ in 0..2 * MARK_EVERY {
                number += step;
                note(&mut index, number, accepted);
            }
        }
        note(&mut index, number + 1, Event::Venue(VenueEvent::SessionEnded { login }));
        let marks = |index: &StreamIndex| {
            let all = 1..=index.messages(login).max(index.ended(login, 0).map_or(0, |ended| ended.messages));
            all.map(|message| index.mark_before(login, 0, message).expect("marked")).collect::<Vec<_>>()
        };
        let distances = |marks: &[Mark]| {
            let far = (1..).zip(marks).zip(&carried_by).map(|((message, mark), event)| {
                assert_eq!(carried_by[mark.message as usize - 1], mark.event);
                assert!(mark.message <= message);
                (message - mark.message, event - mark.event)
            });
            far.collect::<Vec<_>>()
        };
        let present = marks(&index);
        for (messages, events) in distances(&present) {
            assert!(
                messages < MARK_EVERY && events < MARK_EVERY_EVENTS,
                "{messages} messages, {events} events"
            );
        }
        for session in 1..=2 {
            index.note(&record(
                number + 2 * u64::from(session),
                Event::Venue(VenueEvent::SessionStarted { login, session }),
            ));
            index.note(&record(
                number + 2 * u64::from(session) + 1,
                Event::Venue(VenueEvent::SessionEnded { login }),
            ));
            let ended = marks(&index);
            if session == 1 {
                assert_eq!(ended, present, "the last one keeps them all");
            }
            let kept: std::collections::BTreeSet<u64> = ended.iter().map(|mark| mark.event).collect();
            assert!(session == 1 || (8..=ENDED_MARKS_MAX).contains(&kept.len()), "{}", kept.len());
            drop(distances(&ended));
        }
    }

    #[test]
    fn marks_find_the_event_of_every_message() {
        let (one, two) = (LoginId(1), LoginId(2));
        let mut index = StreamIndex::default();
        // The reference: for each message of login 1, the event that carries it.
        let mut carried_by = Vec::new();
        for number in 1..=5_000 {
            let (maker, taker) = if number % 3 == 0 { (one, one) } else { (two, one) };
            let event = match number % 2 {
                0 => Event::Order(OrderEvent::Accepted(Accepted { login: one, ..Accepted::default() })),
                _ => Event::Order(OrderEvent::Executed(Executed {
                    maker_login: maker,
                    taker_login: taker,
                    ..Executed::default()
                })),
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
