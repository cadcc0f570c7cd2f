//! The journaler on the hot thread: when it syncs itself, when it leaves that to the disk thread, and whom it rings for what.

use dojima::domain::{ClockCommand, Command, Sequenced, Stamp, Timestamp};
use dojima::ring::{CursorReader, CursorWriter, Producer, cursor, spsc};
use dojima::runtime::doorbell::Sleeper;
use dojima::runtime::{Agent, Clock, Counters, Doorbell, MonotonicNanos, Mute, Soon};
use dojima::stages::journaler::{
    INLINE_MAX, InlineJournaler, InlinePorts, Journaler, JournalerPorts, JournalerSettings,
};
use dojima::stages::space::space_gauge;
use dojima_journal::{Durability, MemoryStorage, Options, scan_storage};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MS: u64 = 1_000_000;

/// A clock that goes on by `step` each time that somebody looks at it.
#[derive(Clone, Default)]
struct SteppingClock {
    now: Arc<AtomicU64>,
    step: Arc<AtomicU64>,
}

impl SteppingClock {
    fn advance(&self, nanos: u64) {
        self.now.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Clock for SteppingClock {
    fn now(&mut self) -> MonotonicNanos {
        let step = self.step.load(Ordering::Relaxed);
        MonotonicNanos(self.now.fetch_add(step, Ordering::Relaxed))
    }
}

struct Rig {
    commands: Producer<Sequenced>,
    events: CursorWriter,
    durable: CursorReader,
    synced: CursorReader,
    journaler: Journaler,
    inline: InlineJournaler,
    /// Where the disk thread sleeps.
    disk: Sleeper,
    bell: Doorbell,
    mute: Mute,
    soon: Soon,
    clock: SteppingClock,
    counters: Counters,
    sent: u64,
}

impl Rig {
    fn new(durability: Durability, segment_bytes: u64) -> Self {
        let (commands, consumer) = spsc::<Sequenced>(1 << 12);
        let (durable_in, durable) = cursor();
        let (synced_in, synced) = cursor();
        let (events, events_at) = cursor();
        let (space, _) = space_gauge("journal");
        let (disk, mute, soon) = (Sleeper::parking(), Mute::default(), Soon::default());
        let inline_ports = InlinePorts {
            commands: [commands.cursor(), consumer.cursor()],
            events: events_at,
            disk: vec![disk.doorbell()],
            archiver: vec![disk.doorbell()],
            mute: mute.clone(),
            soon: soon.clone(),
        };
        let ports = JournalerPorts {
            commands: consumer,
            durable: durable_in,
            synced: synced_in,
            space,
            downstream: Vec::new(),
        };
        let options = Options::default()
            .with_segment_bytes(segment_bytes)
            .with_spare_segments(0)
            .with_durability(durability);
        let storage = Arc::new(MemoryStorage::new());
        let writer = scan_storage(storage).expect("empty").into_writer(options).expect("a writer");
        let settings = JournalerSettings { durability, sync_interval: Duration::from_millis(1) };
        let (clock, counters) = (SteppingClock::default(), Counters::new());
        let journaler = Journaler::new(ports, writer, settings, Box::new(clock.clone()), &counters);
        let inline = journaler.inline(inline_ports, Box::new(clock.clone()), &counters);
        Self {
            commands,
            events,
            durable,
            synced,
            journaler,
            inline,
            bell: disk.doorbell(),
            disk,
            mute,
            soon,
            clock,
            counters,
            sent: 0,
        }
    }

    /// The sequencer and the matcher: each command has an event.
    fn send(&mut self, count: u64) {
        for _ in 0..count {
            self.sent += 1;
            let stamp = Stamp { sequence: self.sent, time: Timestamp(self.sent) };
            self.commands
                .try_push(Sequenced { stamp, command: Command::Clock(ClockCommand::Tick) })
                .expect("a large ring");
        }
        self.events.set(self.sent);
    }

    fn cycle(&mut self) -> usize {
        self.inline.do_work().expect("no fatal error")
    }

    /// Runs a cycle; whether it rang.
    fn rings(&mut self) -> bool {
        self.disk.arm();
        self.cycle();
        !self.bell.is_armed()
    }

    fn count(&self, name: &str) -> u64 {
        let all = self.counters.snapshot();
        all.iter().find(|reading| reading.name == name).expect("a counter").value
    }
}

#[test]
fn a_lone_command_is_synced_and_the_disk_thread_is_rung_after_the_answer() {
    let mut rig = Rig::new(Durability::Sync, 1 << 16);
    rig.clock.advance(MS);
    rig.send(1);
    assert!(!rig.rings(), "the answer leaves first");
    assert_eq!([rig.durable.get(), rig.synced.get()], [1, 1]);
    assert!(rig.soon.is_set() && rig.mute.is_set());
    assert!(rig.rings(), "an event waits for the archiver");
    assert!(!rig.soon.is_set());
    assert!(!rig.rings(), "nothing is new");
    assert_eq!([rig.count("journaler.inline_syncs"), rig.count("journaler.handed_over")], [1, 0]);
}

#[test]
fn the_archiver_is_rung_for_once_a_millisecond_or_for_many_events() {
    let mut rig = Rig::new(Durability::Sync, 1 << 16);
    for _ in 0..INLINE_MAX - 1 {
        rig.send(1);
        assert!(!rig.rings() && !rig.rings());
    }
    assert!(rig.soon.is_set(), "what is owed is not slept over");
    rig.send(1);
    assert!(rig.rings(), "many wait");
    assert!(!rig.rings() && rig.soon.is_set(), "what was synced then is owed");
    rig.clock.advance(MS - 1);
    assert!(!rig.rings());
    rig.clock.advance(1);
    assert!(rig.rings());
}

#[test]
fn many_commands_are_handed_over_until_a_millisecond_has_passed_with_few() {
    let mut rig = Rig::new(Durability::Sync, 1 << 20);
    rig.send(INLINE_MAX);
    assert_eq!(rig.cycle() as u64, INLINE_MAX);
    rig.send(INLINE_MAX + 1);
    assert!(rig.rings() && !rig.mute.is_set(), "from now on the others ring");
    assert_eq!(rig.durable.get(), INLINE_MAX);
    rig.journaler.do_work().expect("no fatal error");
    assert_eq!(rig.durable.get(), rig.sent);

    rig.clock.advance(MS - 1);
    rig.send(1);
    assert!(!rig.rings(), "the sequencer has rung");
    assert_eq!(rig.durable.get(), rig.sent - 1);
    rig.clock.advance(1);
    assert_eq!(rig.cycle(), 1);
    assert_eq!(rig.durable.get(), rig.sent);
    assert!(rig.mute.is_set());
    assert_eq!([rig.count("journaler.inline_syncs"), rig.count("journaler.handed_over")], [2, 1]);
}

#[test]
fn slow_syncs_are_left_to_the_disk_thread_for_ten_seconds_but_not_some_in_a_hundred() {
    let mut rig = Rig::new(Durability::Sync, 1 << 20);
    let lone = |rig: &mut Rig, took: u64| {
        rig.clock.step.store(took, Ordering::Relaxed);
        rig.send(1);
        assert_eq!(rig.cycle(), 1);
    };
    for order in 0..640 {
        lone(&mut rig, if order % 5 == 0 { MS } else { MS - 1 });
        assert!(rig.mute.is_set());
    }
    (0..64).for_each(|_| lone(&mut rig, MS - 1));
    (0..15).for_each(|_| lone(&mut rig, MS));
    assert!(rig.mute.is_set());
    lone(&mut rig, MS);
    assert!(!rig.mute.is_set());
    rig.clock.step.store(0, Ordering::Relaxed);
    rig.clock.advance(9_999 * MS - MS);
    rig.send(1);
    assert_eq!(rig.cycle(), 0);
    rig.journaler.do_work().expect("no fatal error");
    rig.clock.advance(2 * MS);
    rig.send(1);
    assert_eq!(rig.cycle(), 1);
    assert!(rig.mute.is_set());
}

#[test]
fn the_hot_thread_opens_no_segment() {
    let mut rig = Rig::new(Durability::Sync, 4096);
    let mut inline = 0;
    for _ in 0..200 {
        rig.send(1);
        if rig.cycle() == 0 {
            assert!(!rig.bell.is_armed() && rig.mute.is_set());
            rig.journaler.do_work().expect("no fatal error");
        } else {
            inline += 1;
        }
        assert_eq!(rig.durable.get(), rig.sent);
        rig.disk.arm();
    }
    let handed_over = rig.count("journaler.handed_over");
    assert!(handed_over >= 2 && inline > 3 * handed_over, "{inline} inline, {handed_over} handed over");
    rig.journaler.on_close().expect("nothing is left over");
}

#[test]
fn in_async_mode_the_hot_thread_appends_and_the_disk_thread_syncs() {
    let mut rig = Rig::new(Durability::Async, 1 << 16);
    rig.send(1);
    assert_eq!(rig.cycle(), 1);
    assert_eq!([rig.durable.get(), rig.synced.get()], [1, 0]);
    rig.clock.advance(MS);
    rig.journaler.do_work().expect("no fatal error");
    assert_eq!([rig.durable.get(), rig.synced.get()], [1, 1]);
}
