//! The ring, the doorbell and the two owners of the journal under loom: every interleaving of small cases, with weak memory.
//!
//! ```text
//! RUSTFLAGS="--cfg dojima_loom" cargo test --release --test loom --target-dir target-loom
//! ```
//!
//! Each model says what must never be seen. Besides these, loom itself fails a model in which two accesses to a
//! slot, one of them a write, are not ordered by happens-before, or in which a thread sleeps for ever.
#![cfg(dojima_loom)]

use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use dojima::domain::{ClockCommand, Command, Sequenced, Stamp, Timestamp};
use dojima::ring::{Consumer, Producer, RingBuilder, cursor, spsc};
use dojima::runtime::doorbell::Sleeper;
use dojima::runtime::{Agent, Counters, Handover, ManualClock, Mute, Soon};
use dojima::stages::journaler::{InlinePorts, Journaler, JournalerPorts, JournalerSettings};
use dojima::stages::space::space_gauge;
use dojima_journal::{Durability, MemoryStorage, Options, scan_storage};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use std::sync::Arc;

/// Checks a model in every interleaving.
fn every_interleaving(model: impl Fn() + Sync + Send + 'static) {
    let mut loom = loom::model::Builder::new();
    loom.max_branches = 100_000;
    loom.check(model);
}

/// Reads what is there now.
fn poll(consumer: &mut Consumer<u64>, limit: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    consumer.poll(limit, |&value| {
        seen.push(value);
        Continue(())
    });
    seen
}

/// Pushes `values`, giving way whenever the ring is full.
fn push_all(producer: &mut Producer<u64>, values: std::ops::Range<u64>) {
    for value in values {
        while producer.try_push(value).is_err() {
            thread::yield_now();
        }
    }
}

/// Polls until `count` values have come.
fn take(consumer: &mut Consumer<u64>, count: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let got = poll(consumer, count - seen.len());
        if got.is_empty() {
            thread::yield_now();
        }
        seen.extend(got);
    }
    seen
}

/// Never: a value out of order, twice, or other than it was pushed.
#[test]
fn what_is_consumed_was_published() {
    every_interleaving(|| {
        let (mut producer, mut consumer) = spsc(4);
        let pushing = thread::spawn(move || push_all(&mut producer, 10..12));
        let mut seen = poll(&mut consumer, 8);
        seen.extend(poll(&mut consumer, 8));
        assert!([10, 11].starts_with(&seen), "{seen:?}");
        pushing.join().unwrap();
        seen.extend(poll(&mut consumer, 8));
        assert_eq!(seen, [10, 11]);
    });
}

/// Never: a slot overwritten while, or before, it is read, though the ring is full and wraps.
#[test]
fn a_full_ring_wraps_without_touching_unread_slots() {
    every_interleaving(|| {
        let (mut producer, mut consumer) = spsc(2);
        let pushing = thread::spawn(move || push_all(&mut producer, 10..13));
        assert_eq!(take(&mut consumer, 3), [10, 11, 12]);
        pushing.join().unwrap();
    });
}

/// Never: a value that is seen after `Break` refused it is another one, or a refused value's slot is reused.
#[test]
fn a_refused_value_stays() {
    every_interleaving(|| {
        let (mut producer, mut consumer) = spsc(1);
        let pushing = thread::spawn(move || push_all(&mut producer, 10..12));
        let mut refused = None;
        consumer.poll(1, |&value| {
            refused = Some(value);
            Break(())
        });
        let seen = take(&mut consumer, 2);
        assert_eq!(seen, [10, 11]);
        assert!(refused.is_none_or(|value| value == 10));
        pushing.join().unwrap();
    });
}

/// Never: the follower at a position that its predecessor has not consumed, or without seeing what the predecessor did
/// with the values; the producer overwriting a slot that either still reads, though it looks at the follower only.
#[test]
fn a_follower_sees_what_its_predecessor_did() {
    every_interleaving(|| {
        let mut ring = RingBuilder::<u64>::new(1);
        let first = ring.consumer();
        ring.consumer_after(&[first]);
        let (mut producer, mut consumers) = ring.build();
        let (mut follower, mut first) = (consumers.pop().unwrap(), consumers.pop().unwrap());
        let done = Arc::new(AtomicU64::new(0));
        let doing = Arc::clone(&done);
        producer.try_push(10).unwrap();
        let pushing = thread::spawn(move || producer.try_push(11).is_ok());
        let leading = thread::spawn(move || {
            for _ in 0..2 {
                first.poll(1, |&value| {
                    // Relaxed on purpose: the ring's cursors alone must order it.
                    doing.store(value, Ordering::Relaxed);
                    Continue(())
                });
            }
            first
        });
        let mut seen = Vec::new();
        for _ in 0..2 {
            for value in poll(&mut follower, 2) {
                assert!(done.load(Ordering::Relaxed) >= value, "the follower was ahead");
                seen.push(value);
            }
        }
        let all = if pushing.join().unwrap() { &[10, 11][..] } else { &[10] };
        let mut first = leading.join().unwrap();
        poll(&mut first, 2);
        seen.extend(poll(&mut follower, 2));
        assert_eq!(seen, all);
    });
}

/// Never: the producer overwriting a slot that the slower of two independent consumers still needs.
#[test]
fn the_slower_of_two_consumers_holds_the_producer() {
    every_interleaving(|| {
        let mut ring = RingBuilder::<u64>::new(1);
        ring.consumer();
        ring.consumer();
        let (mut producer, mut consumers) = ring.build();
        let (mut second, mut first) = (consumers.pop().unwrap(), consumers.pop().unwrap());
        producer.try_push(10).unwrap();
        let other = thread::spawn(move || {
            let seen = poll(&mut second, 2);
            (second, seen)
        });
        let pushing = thread::spawn(move || producer.try_push(11).is_ok());
        let mut seen = poll(&mut first, 2);
        let (mut second, mut seen_by_second) = other.join().unwrap();
        let all = if pushing.join().unwrap() { &[10, 11][..] } else { &[10] };
        seen.extend(poll(&mut first, 2));
        seen_by_second.extend(poll(&mut second, 2));
        assert_eq!((seen.as_slice(), seen_by_second.as_slice()), (all, all));
    });
}

/// Never: a part of a claim, or a value of it that was not written yet.
#[test]
fn a_claim_is_seen_whole_or_not_at_all() {
    every_interleaving(|| {
        let (mut producer, mut consumer) = spsc(4);
        let pushing = thread::spawn(move || {
            let mut claim = producer.try_claim(3).unwrap();
            (10..13).for_each(|value| claim.push(value));
            claim.publish();
        });
        let batch = consumer.batch(4);
        let seen: Vec<u64> = batch.iter().copied().collect();
        assert!(seen.is_empty() || seen == [10, 11, 12], "{seen:?}");
        let len = batch.len();
        batch.release(len);
        pushing.join().unwrap();
        assert_eq!(len + poll(&mut consumer, 4).len(), 3);
    });
}

/// Never: an event released by a gate whose cause is not done: here, the durable cursor past a command whose
/// bytes are not yet written.
#[test]
fn a_cursor_is_a_gate() {
    every_interleaving(|| {
        let (mut durable, gate) = cursor();
        let disk = Arc::new(AtomicU64::new(0));
        let written = Arc::clone(&disk);
        let journaler = thread::spawn(move || {
            for sequence in 1..=2 {
                disk.store(sequence, Ordering::Relaxed);
                durable.set(sequence);
            }
        });
        let released = gate.get();
        assert!(written.load(Ordering::Relaxed) >= released, "released before it was durable");
        journaler.join().unwrap();
        assert_eq!(gate.get(), 2);
    });
}

/// Never: asleep with work published, the doorbell having been rung. Here sleep has no time limit, so that a lost
/// wake-up is a deadlock.
#[test]
fn no_ring_of_the_doorbell_is_lost() {
    every_interleaving(|| {
        let mut sleeper = Sleeper::parking();
        let doorbell = sleeper.doorbell();
        let work = Arc::new(AtomicU64::new(0));
        let inbox = Arc::clone(&work);
        let producing = thread::spawn(move || {
            for count in 1..=2 {
                work.store(count, Ordering::Relaxed);
                doorbell.ring();
            }
        });
        while inbox.load(Ordering::Relaxed) < 2 {
            sleeper.arm();
            if inbox.load(Ordering::Relaxed) < 2 {
                sleeper.park(Duration::MAX);
            } else {
                sleeper.disarm();
            }
        }
        producing.join().unwrap();
    });
}

/// Never: two owners at a time, or an owner that does not see what the one before it did.
#[test]
fn a_handover_has_one_owner() {
    every_interleaving(|| {
        let value = Handover::new((UnsafeCell::new(()), 0));
        let other = value.share();
        let try_once = |value: &Handover<(UnsafeCell<()>, u64)>| match value.try_own() {
            Some(mut owned) => {
                owned.0.with_mut(|_| ());
                owned.1 += 1;
                1
            }
            None => 0,
        };
        let owning = thread::spawn(move || try_once(&other) + try_once(&other));
        let mut done = try_once(&value) + try_once(&value);
        done += owning.join().unwrap();
        let owned = value.try_own().expect("everybody gave it back");
        assert_eq!(owned.1, done);
    });
}

/// Both agents of the journaler, each on a thread that sleeps when it has no work, here without a time limit. Never: both
/// asleep with a command that is not durable, which would be a deadlock; a journal that the one goes on with at another place
/// than where the other left it, or a race for what they share.
#[test]
fn no_command_is_left_between_the_two_journalers() {
    const COMMANDS: u64 = 2;
    let mut loom = loom::model::Builder::new();
    loom.max_branches = 100_000;
    // All that goes wrong with three switches of thread at any place, besides those where one sleeps.
    loom.preemption_bound = Some(3);
    loom.check(|| {
        let (mut sequencer, commands) = spsc::<Sequenced>(2);
        let (durable_in, durable) = cursor();
        let (synced, _) = cursor();
        let (_, no_events) = cursor();
        let (space, _) = space_gauge("journal");
        let [mut disk, mut hot] = [Sleeper::parking(), Sleeper::parking()];
        let ring_disk = disk.doorbell();
        let inline_ports = InlinePorts {
            commands: [sequencer.cursor(), commands.cursor()],
            events: no_events,
            disk: vec![disk.doorbell()],
            archiver: Vec::new(),
            mute: Mute::default(),
            soon: Soon::default(),
        };
        let ports =
            JournalerPorts { commands, durable: durable_in, synced, space, downstream: vec![hot.doorbell()] };
        let options = Options::default().with_segment_bytes(4096).with_spare_segments(0);
        let storage = Arc::new(MemoryStorage::new());
        let writer = scan_storage(storage).unwrap().into_writer(options).unwrap();
        let settings = JournalerSettings { durability: Durability::Sync, sync_interval: Duration::ZERO };
        let (clock, counters) = (ManualClock::default(), Counters::new());
        let mut journaler = Journaler::new(ports, writer, settings, Box::new(clock.clone()), &counters);
        let mut inline = journaler.inline(inline_ports, Box::new(clock), &counters);

        let done = Arc::new(AtomicU64::new(0));
        let is_done = Arc::clone(&done);
        let on_disk_thread = thread::spawn(move || {
            while is_done.load(Ordering::Relaxed) == 0 {
                disk.arm();
                let work = journaler.do_work().unwrap();
                if work == 0 && is_done.load(Ordering::Relaxed) == 0 {
                    disk.park(Duration::MAX);
                } else {
                    disk.disarm();
                }
            }
        });
        for sequence in 1..=COMMANDS {
            let stamp = Stamp { sequence, time: Timestamp(sequence) };
            sequencer.try_push(Sequenced { stamp, command: Command::Clock(ClockCommand::Tick) }).unwrap();
            inline.do_work().unwrap();
        }
        while durable.get() < COMMANDS {
            hot.arm();
            let work = inline.do_work().unwrap();
            if work == 0 && durable.get() < COMMANDS {
                hot.park(Duration::MAX);
            } else {
                hot.disarm();
            }
        }
        done.store(1, Ordering::Relaxed);
        ring_disk.ring();
        on_disk_thread.join().unwrap();
    });
}
