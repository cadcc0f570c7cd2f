//! A disk without space: who says so, who is refused what, and what an orderly stop then comes to.

use dojima::domain::streams::StreamIndex;
use dojima::domain::{
    Cancel, Command, Echo, Enter, EventRecord, InstrumentId, LoginId, OrderCommand, OrderPrice, Quantity,
    Sequenced, Side, Stamp, TimeInForce, Timestamp, UserRef,
};
use dojima::engine::StartError;
use dojima::recovery::RecoveryError;
use dojima::ring::{Consumer, CursorReader, Producer, cursor, spsc};
use dojima::runtime::doorbell::Sleeper;
use dojima::runtime::{Agent, Counters, Fatal, ManualClock, StampClock, UnixNanos};
use dojima::stages::archiver::{Archiver, ArchiverPorts};
use dojima::stages::journaler::{Journaler, JournalerPorts, JournalerSettings};
use dojima::stages::resend::resend_queues;
use dojima::stages::sequencer::{Sequencer, SequencerPorts};
use dojima::stages::space::{SpaceLow, SpaceWatch, space_gauge};
use dojima_journal::{AppendError, Durability, JournalError, MemoryStorage, Options, Writer, scan_storage};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const PAGE: u64 = 4096;

/// A log of one-page segments on a disk that has room for `pages` of them; it needs no thread to make them.
fn log(disk: &Arc<MemoryStorage>, pages: u64) -> Writer {
    disk.set_capacity_bytes(pages * PAGE);
    let options = Options::default().with_segment_bytes(PAGE).with_spare_segments(0);
    let storage: Arc<MemoryStorage> = Arc::clone(disk);
    scan_storage(storage).expect("empty").into_writer(options).expect("a writer")
}

fn cancel(user_ref: u32) -> Command {
    Command::Order(OrderCommand::Cancel(Cancel {
        login: LoginId(0),
        session: 0,
        user_ref: UserRef(user_ref),
        quantity: Quantity(0),
    }))
}

fn enter() -> Command {
    Command::Order(OrderCommand::Enter(Enter {
        login: LoginId(0),
        session: 0,
        user_ref: UserRef(1),
        instrument: InstrumentId(0),
        side: Side::Buy,
        time_in_force: TimeInForce::GoodTillCancel,
        price: OrderPrice::Limit(100),
        quantity: Quantity(1),
        echo: Echo::default(),
        instructions: None,
    }))
}

struct JournalRig {
    disk: Arc<MemoryStorage>,
    commands: Producer<Sequenced>,
    journaler: Journaler,
    durable: CursorReader,
    space: SpaceWatch,
    sent: u64,
}

impl JournalRig {
    fn new() -> Self {
        let disk = Arc::new(MemoryStorage::new());
        let (commands, consumer) = spsc(1 << 10);
        let (durable_in, durable) = cursor();
        let (low, space) = space_gauge("journal");
        let (synced, _) = cursor();
        let ports = JournalerPorts {
            commands: consumer,
            durable: durable_in,
            synced,
            space: low,
            downstream: Vec::new(),
        };
        let settings =
            JournalerSettings { durability: Durability::Sync, sync_interval: Duration::from_millis(1) };
        let clock = Box::new(ManualClock::default());
        let journaler = Journaler::new(ports, log(&disk, 2), settings, clock, &Counters::new());
        Self { disk, commands, journaler, durable, space, sent: 0 }
    }

    fn send(&mut self, count: u64) {
        for _ in 0..count {
            self.sent += 1;
            let stamp = Stamp { sequence: self.sent, time: Timestamp(self.sent) };
            let command = cancel(self.sent as u32);
            self.commands.try_push(Sequenced { stamp, command }).expect("a large ring");
        }
    }
}

#[test]
fn a_full_journal_says_so_and_goes_on_when_there_is_space() {
    let mut rig = JournalRig::new();
    rig.send(500);
    rig.journaler.do_work().expect("no fatal error");
    let fitted = rig.durable.get();
    assert!((1..500).contains(&fitted), "{fitted} commands fit two pages");
    assert!(rig.space.is_low());

    rig.disk.set_capacity_bytes(64 * PAGE);
    rig.journaler.do_work().expect("no fatal error");
    assert_eq!(rig.durable.get(), 500);
    assert!(!rig.space.is_low());
    rig.journaler.on_close().expect("nothing is left over");
}

#[test]
fn a_stop_that_leaves_commands_behind_says_so() {
    let mut rig = JournalRig::new();
    rig.send(500);
    rig.journaler.do_work().expect("no fatal error");
    let left = 500 - rig.durable.get();
    match rig.journaler.on_close() {
        Err(fatal @ Fatal::JournalFull { .. }) => {
            assert!(fatal.to_string().contains(&format!("{left} commands")), "{fatal}");
        }
        other => panic!("{left} commands are gone, and the stop says {other:?}"),
    }
    let scanned = scan_storage(rig.disk).expect("whole");
    assert!(scanned.sealed(), "what is in the journal is ended in good order");
    assert_eq!(scanned.records(), rig.durable.get());
}

#[test]
fn a_full_event_log_says_so() {
    let disk = Arc::new(MemoryStorage::new());
    let (mut events, consumer) = spsc::<EventRecord>(1 << 10);
    let (mut durable, durable_reader) = cursor();
    durable.set(u64::MAX);
    let (_client, resend, _reader) = resend_queues();
    let (low, space) = space_gauge("event log");
    let mut sleeper = Sleeper::parking();
    let ports = ArchiverPorts {
        events: consumer,
        durable: durable_reader,
        space: low,
        resend,
        oldest: cursor().1,
        downstream: Vec::new(),
        upstream: vec![sleeper.doorbell()],
        followers: Vec::new(),
        half_full: 500,
    };
    let mut archiver = Archiver::new(ports, log(&disk, 2), StreamIndex::default(), 0, &Counters::new());
    let archived = archiver.archived();
    for number in 1..=500 {
        events
            .try_push(EventRecord { number, sequence: number, ..EventRecord::default() })
            .expect("a large ring");
    }
    sleeper.arm();
    archiver.do_work().expect("no fatal error");
    assert!((1..500).contains(&archived.get()), "{} events fit two pages", archived.get());
    assert!(space.is_low());
    assert!(!sleeper.doorbell().is_armed(), "who waits for room in the ring is woken");

    disk.set_capacity_bytes(64 * PAGE);
    sleeper.arm();
    archiver.do_work().expect("no fatal error");
    assert_eq!(archived.get(), 500);
    assert!(sleeper.doorbell().is_armed(), "nobody waits for room in a ring that is less than half full");
    assert!(!space.is_low());
}

/// What the sequencer makes of a new order and a cancel.
fn sequenced(set: impl FnOnce(&SpaceLow, &SpaceLow)) -> [Command; 2] {
    let (mut inbound, source) = spsc::<Command>(64);
    let (commands, mut out): (_, Consumer<Sequenced>) = spsc(64);
    let ((journal, journal_watch), (event_log, event_log_watch)) =
        (space_gauge("journal"), space_gauge("event log"));
    set(&journal, &event_log);
    let ports = SequencerPorts {
        operator: None,
        courier: None,
        sources: vec![source],
        commands,
        space: vec![journal_watch, event_log_watch],
        lags: None,
        downstream: Vec::new(),
    };
    let counters = Counters::new();
    let stamps = StampClock::new(&ManualClock::default(), UnixNanos(0), &counters);
    let mut sequencer = Sequencer::new(ports, stamps, Stamp::default(), &counters);
    inbound.try_push(enter()).expect("room");
    inbound.try_push(cancel(1)).expect("room");
    assert_eq!(sequencer.do_work(), Ok(2));
    let batch = out.batch(2);
    [0, 1].map(|index| batch.get(index).expect("two commands").command)
}

#[test]
fn either_log_without_space_refuses_new_orders_but_not_cancels() {
    let full = || Some("full".to_owned());
    assert_eq!(sequenced(|_, _| {}), [enter(), cancel(1)]);
    for refused in
        [sequenced(|journal, _| journal.set(true, full)), sequenced(|_, event_log| event_log.set(true, full))]
    {
        assert!(matches!(refused[0], Command::Order(OrderCommand::RefuseEnter(_))), "{:?}", refused[0]);
        assert_eq!(refused[1], cancel(1));
    }
    let again = sequenced(|journal, _| {
        journal.set(true, full);
        journal.set(false, full);
    });
    assert_eq!(again, [enter(), cancel(1)]);
}

#[test]
fn a_start_that_lacks_something_is_no_damage() {
    let (dir, path) = (PathBuf::from("journal"), PathBuf::from("journal/lock"));
    let source = io::ErrorKind::PermissionDenied.into();
    let cases = [
        (RecoveryError::Append { dir, source: AppendError::NoSpace, reason: None }, 13),
        (RecoveryError::Journal(JournalError::Io { action: "lock", path, source }), 18),
    ];
    for (error, code) in cases {
        let error = StartError::from(error);
        assert_eq!(error.exit_code(), code, "{error}");
    }
}
