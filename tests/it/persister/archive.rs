//! The archiver: what it may log, and what it tells those who ask for old messages.

use super::market::{Market, Mix};
use super::{ALL_SORTS, Bench, small_market};
use dojima::domain::audience::Audience;
use dojima::domain::streams::{MARK_EVERY, StreamIndex};
use dojima::domain::{
    AccountId, CancelReason, Canceled, Event, EventRecord, Listings, LoginId, OrderEvent, OrderId, UserRef,
    VenueEvent, codec,
};
use dojima::ring::{CursorWriter, Producer, cursor, spsc};
use dojima::runtime::{Agent, Counters};
use dojima::stages::archiver::{Archiver, ArchiverPorts};
use dojima::stages::resend::{
    CHUNK_MESSAGES, QUEUE_LEN, Reading, ResendAnswer, ResendChunk, ResendClient, ResendQuery, ResendRequest,
    resend_queues,
};
use dojima::stages::resender::Resender;
use dojima::stages::space::space_gauge;
use dojima::wire::ouch::{SEQUENCED_LEN_MAX, encode_sequenced};
use dojima_journal::storage::{Storage, Writing};
use dojima_journal::{
    Action, Fault, MemoryStorage, Options, Reader, Retire, Step, Writer, retire_before, scan, scan_storage,
};
use std::ops::Range;
use std::sync::Arc;

/// An archiver with the ends of everything that it is joined to.
struct Rig {
    archiver: Archiver,
    resender: Resender,
    listings: Listings,
    events: Producer<EventRecord>,
    durable: CursorWriter,
    resend: ResendClient,
    counters: Counters,
}

/// A chunk.
#[derive(Debug, PartialEq)]
struct Told {
    login: LoginId,
    connection: u64,
    first: u64,
    messages: u64,
    bytes: Vec<u8>,
    gone: bool,
}

/// A request of somebody who waits.
fn request(waits: &Arc<()>, stream: (LoginId, u32), connection: u64, range: Range<u64>) -> ResendQuery {
    let ((login, session), wanted) = (stream, Arc::downgrade(waits));
    let (from, until) = (range.start, range.end);
    ResendQuery::Chunk(ResendRequest { login, session, connection, wanted, from, until })
}

impl Rig {
    /// Goes on after these events, which are in the log.
    fn new(bench: &Bench, log: Writer, logged: &[EventRecord]) -> Self {
        Self::of(bench.log(), log, logged)
    }

    fn of(files: Arc<dyn Storage>, log: Writer, logged: &[EventRecord]) -> Self {
        let (mut streams, mut listings) = (StreamIndex::default(), Listings::default());
        for record in logged {
            streams.note(record);
            listings.apply(&record.event);
        }
        let counters = Counters::new();
        let (events, consumer) = spsc(1 << 15);
        let (durable, durable_reader) = cursor();
        let (resend, locator, reader) = resend_queues();
        let resender = Resender::new(reader, Vec::new(), files, &counters);
        let (space, _) = space_gauge("event log");
        let ports = ArchiverPorts {
            events: consumer,
            durable: durable_reader,
            space,
            resend: locator,
            oldest: resender.oldest(),
            downstream: Vec::new(),
            upstream: Vec::new(),
            followers: Vec::new(),
            half_full: u64::MAX,
        };
        let last_event = logged.last().map_or(0, |record| record.number);
        let archiver = Archiver::new(ports, log, streams, last_event, &counters);
        Self { archiver, resender, listings, events, durable, resend, counters }
    }

    fn publish(&mut self, events: &[EventRecord]) {
        for record in events {
            self.listings.apply(&record.event);
            self.events.try_push(*record).expect("a large ring");
        }
    }

    fn work(&mut self) -> usize {
        self.archiver.do_work().expect("no fatal error") + self.resender.do_work().expect("no fatal error")
    }

    /// The next chunk that was told, as the gateway would send it.
    fn told(&self) -> Option<Told> {
        let ResendAnswer::Chunk(chunk) = self.resend.answers.try_take()? else {
            panic!("nobody asked for a session that has ended")
        };
        let ResendChunk { login, connection, first, messages, reading } = chunk;
        let packets = messages.iter().map(|(record, to)| {
            let mut packet = [0; SEQUENCED_LEN_MAX];
            let len = encode_sequenced(record, *to, &self.listings, &mut packet).expect("a message");
            packet[..len].to_vec()
        });
        let bytes = packets.collect::<Vec<_>>().concat();
        Some(Told {
            login,
            connection,
            first,
            messages: messages.len() as u64,
            bytes,
            gone: reading == Reading::Gone,
        })
    }

    /// What is told of messages `from` to `until` of this login, in one chunk.
    fn ask(&mut self, login: LoginId, from: u64, until: u64) -> Told {
        self.ask_in(0, login, from, until)
    }

    fn ask_in(&mut self, session: u32, login: LoginId, from: u64, until: u64) -> Told {
        let waits = Arc::new(());
        // One that finds that its place was retired says nothing, and is asked again.
        for _ in 0..2 {
            self.resend.queries.send(request(&waits, (login, session), 7, from..until)).expect("asked");
            for _ in 0..1_000 {
                self.work();
                match self.told() {
                    Some(told) if told.messages == 0 && !told.gone => break,
                    Some(told) => return told,
                    None => {}
                }
            }
        }
        Told { login, connection: 7, first: from, messages: 0, bytes: Vec::new(), gone: false }
    }

    fn count(&self, name: &str) -> u64 {
        self.counters.snapshot().iter().find(|reading| reading.name == name).expect("a counter").value
    }
}

/// The messages of a login, each as a packet: straight from the events.
fn packets(events: &[EventRecord], login: LoginId) -> Vec<Vec<u8>> {
    let (mut listings, mut audience) = (Listings::default(), Audience::default());
    let mut packets = Vec::new();
    for record in events {
        listings.apply(&record.event);
        audience.note(record);
        audience.each(record, |to| {
            if to.login == login {
                let mut packet = [0; SEQUENCED_LEN_MAX];
                let len = encode_sequenced(record, to, &listings, &mut packet).expect("a message");
                packets.push(packet[..len].to_vec());
            }
        });
    }
    packets
}

fn logged(bench: &Bench) -> Vec<EventRecord> {
    let mut reader = Reader::open(&bench.log_dir(), 1).expect("a log");
    let mut events = Vec::new();
    while let Some(record) = reader.next().expect("a record") {
        let event = codec::decode_event(record.payload).expect("an event");
        assert_eq!((record.sequence, record.time_ns), (event.number, event.time.0));
        events.push(event);
    }
    events
}

#[test]
fn nothing_is_logged_before_its_command_is_durable() {
    let (_, events) = small_market(50);
    let events = &events[..500];
    let bench = Bench::new();
    let mut rig = Rig::new(&bench, bench.log_writer(), &[]);
    rig.publish(events);
    let archived = rig.archiver.archived();
    for durable in [0, 1, 40, 41, 200, u64::MAX] {
        rig.durable.set(durable);
        rig.work();
        let released = events.iter().take_while(|record| record.sequence <= durable).count();
        assert_eq!(archived.get(), released as u64);
        assert_eq!(logged(&bench), events[..released]);
    }
    assert_eq!(rig.work(), 0);
}

#[test]
fn an_orderly_stop_logs_what_is_released_and_seals() {
    let (_, events) = small_market(51);
    let bench = Bench::new();
    let mut rig = Rig::new(&bench, bench.log_writer(), &[]);
    rig.publish(&events[..6_000]);
    rig.durable.set(u64::MAX);
    rig.archiver.on_close().expect("closed");
    assert_eq!(logged(&bench), events[..6_000]);
    assert!(dojima_journal::scan(&bench.log_dir()).expect("a log").sealed());
}

#[test]
fn without_space_the_ring_keeps_the_events() {
    let (_, events) = small_market(52);
    let storage = MemoryStorage::new();
    let open = || scan_storage(Arc::new(storage.clone())).expect("a log");
    let options = Options::default().with_segment_bytes(1 << 16).with_spare_segments(0);
    let writer = open().into_writer(options).expect("a writer");
    // The first segment is there; another one does not fit.
    storage.set_capacity_bytes((1 << 16) + 100);
    let bench = Bench::new();
    let mut rig = Rig::new(&bench, writer, &[]);
    rig.publish(&events[..2_000]);
    rig.durable.set(u64::MAX);
    rig.work();
    let archived = rig.archiver.archived();
    let (fitted, stopped) = (archived.get(), rig.count("archiver.no_space"));
    assert!(fitted > 100 && fitted < 2_000 && stopped == 1, "{fitted} events, stopped {stopped} times");
    assert_eq!(rig.work(), 0);
    storage.set_capacity_bytes(u64::MAX);
    while rig.work() > 0 {}
    assert_eq!(archived.get(), 2_000);
}

#[test]
fn old_messages_are_told_again_to_the_byte() {
    let (_, events) = small_market(53);
    let bench = Bench::new();
    // Half of them from before a restart.
    let (before, after) = events.split_at(4_000);
    super::append(&mut bench.log_writer(), before);
    let mut rig = Rig::new(&bench, bench.log_writer(), before);
    rig.publish(after);
    rig.durable.set(u64::MAX);
    rig.archiver.do_work().expect("logged");
    while rig.work() > 0 {}
    for login in [LoginId(0), LoginId(5), LoginId(19)] {
        let packets = packets(&events, login);
        let count = packets.len() as u64;
        assert!(count > 200);
        for (from, until) in [(1, 2), (1, count + 1), (17, 18), (count / 2, count), (count, count + 1)] {
            let chunk = rig.ask(login, from, until);
            assert_eq!((chunk.login, chunk.connection, chunk.first), (login, 7, from));
            assert_eq!(chunk.messages, (until - from).min(CHUNK_MESSAGES as u64));
            assert!(
                chunk.bytes == packets[from as usize - 1..(from + chunk.messages) as usize - 1].concat(),
                "{from} to {until}"
            );
        }
        for from in 1..count {
            let chunk = rig.ask(login, from, from + 2);
            assert!(
                chunk.bytes == packets[from as usize - 1..(from as usize + 1).min(packets.len())].concat()
            );
        }
    }
}

#[test]
fn what_is_not_logged_yet_is_an_empty_chunk() {
    let (_, events) = small_market(54);
    let bench = Bench::new();
    let mut rig = Rig::new(&bench, bench.log_writer(), &[]);
    let login = LoginId(3);
    let packets = packets(&events[..2_000], login);
    let count = packets.len() as u64;
    assert_eq!(rig.ask(login, 1, 10).messages, 0);
    rig.publish(&events[..2_000]);
    rig.durable.set(u64::MAX);
    while rig.work() > 0 {}
    assert_eq!(
        rig.ask(login, count + 1, count + 5),
        Told { login, connection: 7, first: count + 1, messages: 0, bytes: Vec::new(), gone: false }
    );
    assert_eq!(rig.ask(login, count, count + 5).messages, 1, "as far as the log goes");
    assert_eq!(rig.ask(LoginId(4_000), 1, 2).messages, 0, "a login that does not exist");
}

/// More messages than one chunk and more than one mark, chunk by chunk, and two clients in turns.
#[test]
fn long_streams_come_in_chunks_without_gap_or_repeat() {
    let mut events = Vec::new();
    Market::new(55, 2, Mix { odd: 0, ..ALL_SORTS }, &mut events).run(15_000, &mut events);
    let bench = Bench::with(&events);
    let mut rig = Rig::new(&bench, bench.log_writer(), &events);
    let logins = [LoginId(0), LoginId(1)];
    let wanted = logins.map(|login| packets(&events, login));
    assert!(wanted.iter().all(|packets| packets.len() as u64 > 3 * MARK_EVERY));
    let mut told = [Vec::new(), Vec::new()];
    let mut next = [1, 1];
    let mut chunks = 0;
    let waits = Arc::new(());
    let ask = |rig: &Rig, at: usize, from: u64| {
        let range = from..wanted[at].len() as u64 + 1;
        let request = request(&waits, (logins[at], 0), at as u64, range);
        rig.resend.queries.send(request).expect("asked");
    };
    (0..2).for_each(|at| ask(&rig, at, 1));
    while told.iter().zip(&wanted).any(|(told, wanted): (&Vec<u8>, _)| told.len() < wanted.concat().len()) {
        rig.work();
        while let Some(chunk) = rig.told() {
            let at = chunk.connection as usize;
            assert_eq!(chunk.first, next[at]);
            assert!((1..=CHUNK_MESSAGES as u64 + 1).contains(&chunk.messages));
            next[at] += chunk.messages;
            told[at].extend(chunk.bytes);
            chunks += 1;
            if next[at] <= wanted[at].len() as u64 {
                ask(&rig, at, next[at]);
            }
        }
    }
    assert!(chunks > 4 && told[0] == wanted[0].concat() && told[1] == wanted[1].concat());
}

/// One job a login, and none for who is gone: whatever one login asks for, on however many connections, another one is told as
/// soon as if it were alone with one other.
#[test]
fn a_login_has_one_job_and_who_is_gone_has_none() {
    let mut events = Vec::new();
    Market::new(56, 2, Mix { odd: 0, ..ALL_SORTS }, &mut events).run(15_000, &mut events);
    let bench = Bench::with(&events);
    let cycles = |greedy: u64, waits: &[Arc<()>]| {
        let mut rig = Rig::new(&bench, bench.log_writer(), &events);
        for connection in 0..greedy {
            let request = request(&waits[connection as usize], (LoginId(0), 0), connection, 1..u64::MAX);
            rig.resend.queries.send(request).expect("asked");
        }
        let last = packets(&events, LoginId(1)).len() as u64;
        let waiting = Arc::new(());
        let asked = request(&waiting, (LoginId(1), 0), 99, last..last + 1);
        rig.resend.queries.send(asked).expect("asked");
        let mut answers = Vec::new();
        for cycle in 1..10_000 {
            rig.work();
            answers.extend(std::iter::from_fn(|| rig.told()).map(|told| told.connection));
            if answers.contains(&99) {
                return (cycle, answers);
            }
        }
        panic!("no answer");
    };
    let alive: Vec<Arc<()>> = (0..16).map(|_| Arc::new(())).collect();
    let (alone, _) = cycles(0, &alive);
    let (beside_one, _) = cycles(1, &alive);
    let (beside_many, answers) = cycles(16, &alive);
    assert!(
        beside_one <= 2 * alone + 2 && beside_many <= beside_one + 1,
        "{alone}, {beside_one}, {beside_many}"
    );
    assert!(answers.iter().all(|connection| [15, 99].contains(connection)), "{answers:?}");
    let gone: Vec<Arc<()>> = (0..16).map(|_| Arc::new(())).collect();
    let weak: Vec<_> = gone.iter().map(Arc::downgrade).collect();
    drop(gone);
    assert!(weak.iter().all(|one| one.strong_count() == 0));
    let mut rig = Rig::new(&bench, bench.log_writer(), &events);
    let request = ResendRequest {
        login: LoginId(0),
        session: 0,
        connection: 1,
        wanted: weak[0].clone(),
        from: 1,
        until: u64::MAX,
    };
    rig.resend.queries.send(ResendQuery::Chunk(request)).expect("asked");
    (0..1_000).for_each(|_| _ = rig.work());
    assert!(rig.told().is_none());
    assert_eq!((rig.count("resender.dropped"), rig.count("resender.records")), (1, 0));
}

#[test]
fn a_gateway_that_is_slow_to_take_chunks_loses_none() {
    let (_, events) = small_market(56);
    let bench = Bench::with(&events);
    let mut rig = Rig::new(&bench, bench.log_writer(), &events);
    let login = LoginId(5);
    let packets = packets(&events, login);
    let (requests, answers) = (300, QUEUE_LEN);
    let waits = Arc::new(());
    for asked in 0..requests {
        while rig.resend.queries.try_send(request(&waits, (login, 0), asked, 5..6)).is_err() {
            rig.work();
        }
        (0..3).for_each(|_| _ = rig.work());
    }
    assert_eq!(rig.resend.answers.len(), answers, "the queue is full");
    let mut told = Vec::new();
    for _ in 0..1_000 {
        while let Some(chunk) = rig.told() {
            assert_eq!((chunk.first, chunk.messages), (5, 1));
            assert!(chunk.bytes == packets[4]);
            told.push(chunk.connection);
        }
        rig.work();
    }
    assert_eq!(told.len(), answers + 1, "those that found no room gave way to the last");
    assert_eq!(told.last(), Some(&(requests - 1)));
}

/// Retention may remove segments while somebody is sent messages from them: that costs a client its place, and the
/// process nothing.
#[test]
fn who_is_sent_messages_that_are_retired_meanwhile_is_told_so() {
    let (_, events) = small_market(53);
    let bench = Bench::with(&events);
    let mut rig = Rig::new(&bench, bench.log_writer(), &events);
    let login = LoginId(0);
    let packets = packets(&events, login);
    let count = packets.len() as u64;
    let first = rig.ask(login, 1, 3);
    assert_eq!((first.messages, first.gone), (2, false));
    let mut segments: Vec<_> = std::fs::read_dir(bench.log_dir())
        .expect("a log")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "seg"))
        .collect();
    segments.sort();
    assert!(segments.len() > 3, "{segments:?}");
    for segment in &segments[..segments.len() - 1] {
        std::fs::remove_file(segment).expect("removed");
    }
    // What is left of the segment that is open is still told.
    let rest = rig.ask(login, 3, count);
    let told = 3 + rest.messages;
    assert!(!rest.gone && rest.messages > 0 && told < count, "{} of {count}", rest.messages);
    assert!(rest.bytes == packets[2..told as usize - 1].concat());
    let more = rig.ask(login, told, count);
    assert!(more.gone && more.messages == 0);
}

/// Marks are far apart: those of a quiet login may all lie in what was retired. Its messages that are kept are told all the
/// same.
#[test]
fn messages_that_are_kept_are_told_though_their_mark_is_retired() {
    let (_, events) = small_market(61);
    let bench = Bench::with(&events);
    let mut rig = Rig::new(&bench, bench.log_writer(), &events);
    let middle = events[events.len() / 2].number;
    assert_eq!(rig.ask(LoginId(0), 1, 2).messages, 1);
    let retired = retire_before(bench.log().as_ref(), middle, Retire::Delete).expect("retired");
    assert!(retired.segments > 0);
    let first = scan(&bench.log_dir()).expect("scanned").first_sequence();
    for login in [LoginId(0), LoginId(5), LoginId(19)] {
        let all = packets(&events, login);
        let gone = packets(&events[..first as usize - 1], login).len() as u64;
        let count = all.len() as u64;
        assert!(gone > 20 && count > gone + 20 && count < MARK_EVERY, "{gone} of {count}");
        for from in [gone + 1, gone + 2, count - 1, count] {
            let chunk = rig.ask(login, from, count + 1);
            assert_eq!((chunk.gone, chunk.first, chunk.messages), (false, from, count + 1 - from));
            assert!(chunk.bytes == all[from as usize - 1..].concat(), "from {from}");
        }
        for from in [1, gone] {
            let chunk = rig.ask(login, from, count + 1);
            assert_eq!((chunk.gone, chunk.messages), (true, 0), "from {from}");
        }
    }
}

/// Events that could be appended and not written out are in no log: who counts back from its end must not count their messages.
#[test]
fn messages_are_counted_back_from_what_is_in_the_log_though_it_cannot_be_written() {
    const ENOSPC: i32 = 28;
    let (_, events) = small_market(63);
    let storage = MemoryStorage::new();
    let files: Arc<dyn Storage> = Arc::new(storage.clone());
    let writer = || {
        let options = Options::default().with_segment_bytes(1 << 16).with_spare_segments(0);
        let options = options.with_writing(Writing::PwriteReserved);
        scan_storage(Arc::clone(&files)).expect("a log").into_writer(options).expect("a writer")
    };
    let (before, after) = events[..6_000].split_at(5_900);
    let mut log = writer();
    super::append(&mut log, before);
    log.seal().expect("written");
    let retired = retire_before(files.as_ref(), before[4_000].number, Retire::Delete).expect("retired");
    assert!(retired.segments > 0);
    let mut rig = Rig::of(Arc::clone(&files), writer(), before);
    let archived = rig.archiver.archived();
    let refuse = |step: &Step<'_>| (step.action == Action::Append).then_some(Fault::System(ENOSPC));
    rig.durable.set(u64::MAX);
    let (first, second) = after.split_at(after.len() / 2);
    for part in [first, second] {
        storage.set_faults(refuse);
        rig.publish(part);
        let (known, refused) = (archived.get(), rig.count("archiver.no_space"));
        for login in [LoginId(0), LoginId(5), LoginId(19)] {
            let logged = packets(&events[..known as usize], login);
            let all = packets(&events[..known as usize + part.len()], login);
            let count = logged.len() as u64;
            assert!(all.len() > logged.len() && count < MARK_EVERY, "{count} of {}", all.len());
            let told = rig.ask(login, count - 5, count + 1);
            assert_eq!((told.gone, told.first, told.messages), (false, count - 5, 6));
            assert!(told.bytes == logged[count as usize - 6..].concat(), "login {login}");
            assert_eq!(rig.ask(login, count + 1, count + 2).messages, 0, "it cannot be read there yet");
        }
        assert_eq!(archived.get(), known);
        assert!(rig.count("archiver.no_space") > refused);
        // The events are still in the ring.
        storage.clear_faults();
        assert_eq!(rig.archiver.do_work().expect("logged"), part.len());
        assert_eq!(archived.get(), known + part.len() as u64);
    }
    for login in [LoginId(0), LoginId(5), LoginId(19)] {
        let all = packets(&events[..6_000], login);
        let count = all.len() as u64;
        let told = rig.ask(login, count - 20, count + 1);
        assert!(told.bytes == all[count as usize - 21..].concat(), "login {login}");
    }
}

fn canceled(login: LoginId, user_ref: u32) -> Event {
    Event::Order(OrderEvent::Canceled(Canceled {
        login,
        user_ref: UserRef(user_ref),
        order: OrderId(u64::from(user_ref)),
        decrement: Default::default(),
        open: Default::default(),
        reserved: Default::default(),
        reason: CancelReason::Operator,
    }))
}

/// Between the question and the reading somebody is given copies: the log then has messages for him of which the question knew
/// nothing, and those after them must not take their numbers.
#[test]
fn who_is_given_copies_while_he_asks_is_told_all_of_them() {
    let (trader, listener) = (LoginId(0), LoginId(1));
    let opened = [(trader, 1), (listener, 2)]
        .map(|(login, of)| Event::Venue(VenueEvent::LoginOpened { login, account: AccountId(of) }));
    let copied = Event::Venue(VenueEvent::AccountCopied { login: listener, account: AccountId(1) });
    let before = opened.into_iter().chain([canceled(trader, 1), canceled(listener, 1)]);
    let asked_after = 4;
    let after =
        [copied, canceled(trader, 2), canceled(listener, 2), canceled(trader, 3), canceled(listener, 3)];
    let events: Vec<_> = (1..)
        .zip(before.chain(after))
        .map(|(number, event)| EventRecord { number, sequence: number, event, ..EventRecord::default() })
        .collect();
    let all = packets(&events, listener);
    let own = packets(&events[..asked_after], listener);
    assert_eq!((own.len(), all.len()), (2, 6));
    let bench = Bench::new();
    let mut rig = Rig::new(&bench, bench.log_writer(), &[]);
    rig.durable.set(u64::MAX);
    rig.publish(&events[..asked_after]);
    rig.archiver.do_work().expect("logged");
    let waits = Arc::new(());
    rig.resend.queries.send(request(&waits, (listener, 0), 7, 1..7)).expect("asked");
    rig.archiver.do_work().expect("said where");
    rig.publish(&events[asked_after..]);
    rig.archiver.do_work().expect("logged");
    let mut told = Vec::new();
    let mut next = 1;
    for _ in 0..10 {
        rig.work();
        let Some(chunk) = rig.told() else { continue };
        assert_eq!(chunk.first, next);
        next += chunk.messages;
        told.extend(chunk.bytes);
        if next < 7 {
            rig.resend.queries.send(request(&waits, (listener, 0), 7, next..7)).expect("asked");
        }
    }
    assert_eq!(told.escape_ascii().to_string(), all.concat().escape_ascii().to_string());
}

/// A chunk that ended early, since what follows cannot be read, and that the gateway does not take at once, is the same when it
/// does.
#[test]
fn a_chunk_that_waits_is_not_read_again() {
    let (_, events) = small_market(64);
    let (readable, login) = (&events[..2_000], LoginId(5));
    let bench = Bench::with(readable);
    bench.log_writer().append(2_001, 0, &[0xFF; 9]).expect("no event");
    let mut rig = Rig::new(&bench, bench.log_writer(), &events[..2_001]);
    let (all, waits) = (packets(readable, login), Arc::new(()));
    let count = all.len() as u64;
    assert!(count > 20 && count < CHUNK_MESSAGES as u64 / 2);
    while rig.resend.answers.len() < QUEUE_LEN {
        let nobody = request(&waits, (LoginId(4_000), 0), 1, 1..2);
        rig.resend.queries.try_send(nobody).expect("asked");
        rig.work();
    }
    rig.resend.queries.send(request(&waits, (login, 0), 2, 1..count + 9)).expect("asked");
    (0..20).for_each(|_| _ = rig.work());
    (0..QUEUE_LEN).for_each(|_| assert_eq!(rig.told().expect("an answer").connection, 1));
    (0..20).for_each(|_| _ = rig.work());
    let told = rig.told().expect("an answer");
    assert_eq!((told.connection, told.first, told.messages), (2, 1, count));
    assert!(told.bytes == all.concat());
}

/// What is asked for in a session that has ended is found by where it began, also after a restart from what a snapshot has of it.
#[test]
fn sessions_that_have_ended_are_read_from_the_log() {
    let (_, mut events) = small_market(62);
    let login = LoginId(5);
    let roll = |last: EventRecord, session: u32| -> Vec<EventRecord> {
        let logins = [LoginId(0), login];
        let ended = logins.into_iter().map(|login| Event::Venue(VenueEvent::SessionEnded { login }));
        let started =
            logins.into_iter().map(|login| Event::Venue(VenueEvent::SessionStarted { login, session }));
        let all = ended.chain([Event::Venue(VenueEvent::SessionRolled { session })]).chain(started);
        let (sequence, time) = (last.sequence + 1, last.time);
        let numbered = (last.number + 1..).zip(all);
        numbered.map(|(number, event)| EventRecord { number, sequence, time, event }).collect()
    };
    for session in 1..=3 {
        events.extend(roll(*events.last().expect("events"), session));
    }
    let bench = Bench::with(&events);
    let mut rig = Rig::new(&bench, bench.log_writer(), &events);
    let find = |rig: &mut Rig, session| {
        rig.resend.queries.send(ResendQuery::Find { login, session, connection: 3 }).expect("asked");
        rig.work();
        match rig.resend.answers.try_take() {
            Some(ResendAnswer::Found { connection: 3, login: of, session: in_it, messages }) => {
                assert_eq!((of, in_it), (login, session));
                messages
            }
            other => panic!("{other:?}"),
        }
    };
    let all = packets(&events, login);
    let first = all.len() as u64 - 5;
    let counts = [first, 2, 2];
    assert_eq!([0, 1, 2].map(|session| find(&mut rig, session)), counts.map(Some));
    let mut before = 0;
    for (session, count) in (0..).zip(counts) {
        let wanted = &all[before..before + count as usize];
        for from in [1, count / 2 + 1, count] {
            let told = rig.ask_in(session, login, from, count + 1);
            let messages = (count + 1 - from).min(CHUNK_MESSAGES as u64);
            assert_eq!((told.first, told.messages, told.gone), (from, messages, false));
            let wanted = &wanted[from as usize - 1..(from + messages) as usize - 1];
            assert!(told.bytes == wanted.concat(), "session {session} from {from}");
        }
        before += count as usize;
    }
    // One that has ended for others and not yet in the log is answered when it has.
    rig.resend.queries.send(ResendQuery::Find { login, session: 3, connection: 4 }).expect("asked");
    (0..10).for_each(|_| _ = rig.work());
    assert!(rig.resend.answers.is_empty());
    rig.publish(&roll(*events.last().expect("events"), 4));
    rig.durable.set(u64::MAX);
    (0..10).for_each(|_| _ = rig.work());
    let found = ResendAnswer::Found { connection: 4, login, session: 3, messages: Some(2) };
    assert_eq!(rig.resend.answers.try_take(), Some(found));
    // What is gone from the log is not found.
    let last = events.len() as u64 + 5;
    let event = Event::Venue(VenueEvent::SessionRolled { session: 4 });
    let more: Vec<_> = (last + 1..=last + 8_000)
        .map(|number| EventRecord { number, event, ..EventRecord::default() })
        .collect();
    rig.publish(&more);
    while rig.work() > 0 {}
    assert!(retire_before(bench.log().as_ref(), last + 8_000, Retire::Delete).expect("retired").segments > 0);
    let gone = rig.ask_in(0, login, 1, 2);
    assert!(gone.gone, "{gone:?}");
    assert_eq!([0, 1, 2, 3].map(|session| find(&mut rig, session)), [None; 4]);
}
