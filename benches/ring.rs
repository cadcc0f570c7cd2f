//! How fast values cross from one thread to another: this ring, the `disruptor` crate and `rtrb`, in turns.
//!
//! `cargo bench --bench ring` measures; `cargo test --bench ring` runs the same code small, to see that it works.
//! Every contender passes the same messages and must arrive at the same digest of what was received. The rounds
//! of the contenders are interleaved, so that a noisy minute hurts all of them, and the median is shown.

use std::hint::{black_box, spin_loop};
use std::ops::ControlFlow::Continue;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{Cell, CellAlignment, Table, presets};
use crossbeam_utils::CachePadded;
use disruptor::{Polling, ProcessorSettings as _};
use dojima::ring::{Consumer, RingBuilder, spsc};
use dojima::runtime::affinity::{available_cores, pin_current_thread};

const SLOTS: usize = 1024;
const BATCH: usize = 64;

/// 64 bytes, one cache line, as large as a command.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Message([u64; 8]);

impl Message {
    #[inline(always)]
    fn new(number: u64) -> Self {
        Self([number, 1, 2, 3, 4, 5, 6, number ^ 7])
    }

    #[inline(always)]
    fn digest(&self) -> u64 {
        self.0[0].wrapping_mul(3).wrapping_add(self.0[7])
    }
}

struct Outcome {
    elapsed: Duration,
    digest: u64,
}

/// How long an end that finds the ring empty or full holds still before it looks again, in spin-loop hints.
///
/// This decides more than the rings differ: looking takes the cursor's cache line from the other end, so who looks too
/// eagerly slows the other down. Contenders are compared at equal pauses only; `disruptor` in the form that has a thread of
/// its own spins as its wait strategy does, without any.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pause(u32);

const EAGER: Pause = Pause(1);
const PATIENT: Pause = Pause(8);

impl Pause {
    #[inline(always)]
    fn wait(self) {
        (0..self.0).for_each(|_| spin_loop());
    }
}

struct Contender {
    name: &'static str,
    run: fn(u64, Pause) -> Outcome,
    pause: Pause,
    /// Ratios are to the fastest form of `disruptor` in the same group and with the same pauses.
    group: Group,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Single,
    Batched,
    Chain,
    Floor,
}

impl Contender {
    const fn new(name: &'static str, run: fn(u64, Pause) -> Outcome, pause: Pause, group: Group) -> Self {
        Self { name, run, pause, group }
    }
}

const CONTENDERS: [Contender; 19] = [
    Contender::new("dojima, single", ours_single, EAGER, Group::Single),
    Contender::new("disruptor, single, poller", disruptor_single, EAGER, Group::Single),
    Contender::new("disruptor, single, own thread", disruptor_own_thread_single, EAGER, Group::Single),
    Contender::new("rtrb, single", rtrb_single, EAGER, Group::Single),
    Contender::new("dojima, single", ours_single, PATIENT, Group::Single),
    Contender::new("disruptor, single, poller", disruptor_single, PATIENT, Group::Single),
    Contender::new("rtrb, single", rtrb_single, PATIENT, Group::Single),
    Contender::new("dojima, batches of 64", ours_batched, EAGER, Group::Batched),
    Contender::new("disruptor, batches of 64, poller", disruptor_batched, EAGER, Group::Batched),
    Contender::new(
        "disruptor, batches of 64, own thread",
        disruptor_own_thread_batched,
        EAGER,
        Group::Batched,
    ),
    Contender::new("rtrb, chunks of 64", rtrb_batched, EAGER, Group::Batched),
    Contender::new("dojima, batches of 64", ours_batched, PATIENT, Group::Batched),
    Contender::new("disruptor, batches of 64, poller", disruptor_batched, PATIENT, Group::Batched),
    Contender::new("rtrb, chunks of 64", rtrb_batched, PATIENT, Group::Batched),
    Contender::new("dojima, 1 to 2 in a chain", ours_chain, EAGER, Group::Chain),
    Contender::new("disruptor, 1 to 2 in a chain", disruptor_chain, EAGER, Group::Chain),
    Contender::new("dojima, 1 to 2 in a chain", ours_chain, PATIENT, Group::Chain),
    Contender::new("disruptor, 1 to 2 in a chain", disruptor_chain, PATIENT, Group::Chain),
    Contender::new("floor: memory only, one core", one_core, EAGER, Group::Floor),
];

fn main() {
    // `cargo bench` passes --bench, `cargo test` does not.
    let (messages, rounds) =
        if std::env::args().any(|arg| arg == "--bench") { (10_000_000, 11) } else { (20_000, 1) };
    let mut times = vec![Vec::new(); CONTENDERS.len()];
    let expected = (0..messages).fold(0, |sum: u64, n| sum.wrapping_add(Message::new(n).digest()));
    for _ in 0..rounds {
        for (contender, times) in CONTENDERS.iter().zip(&mut times) {
            let outcome = (contender.run)(messages, contender.pause);
            assert_eq!(
                outcome.digest, expected,
                "{}: what was received is not what was sent",
                contender.name
            );
            times.push(outcome.elapsed);
        }
    }
    let medians: Vec<f64> = times.into_iter().map(|times| median(times).as_secs_f64()).collect();
    print(messages, rounds, &medians, expected);
    println!("core to core and back: {:.0} ns", round_trip_ns(messages / 20));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn print(messages: u64, rounds: u32, seconds: &[f64], digest: u64) {
    let base = |of: &Contender| {
        let alike = |c: &Contender| c.group == of.group && c.pause == of.pause;
        let of_group = CONTENDERS.iter().zip(seconds).filter(|(c, _)| alike(c));
        let others = of_group.filter(|(c, _)| c.name.starts_with("disruptor"));
        others.map(|(_, seconds)| *seconds).min_by(f64::total_cmp)
    };
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["64-byte messages", "pause", "M/s", "ns each", "ratio to disruptor", "digest"]);
    for (contender, &seconds) in CONTENDERS.iter().zip(seconds) {
        let ratio = base(contender).map_or(String::new(), |base| format!("{:.2}", base / seconds));
        let row = [
            contender.name.to_owned(),
            contender.pause.0.to_string(),
            format!("{:.1}", messages as f64 / seconds / 1e6),
            format!("{:.2}", seconds * 1e9 / messages as f64),
            ratio,
            format!("{digest:016x}"),
        ];
        table.add_row(row.into_iter().enumerate().map(|(i, text)| {
            let side = if i == 0 { CellAlignment::Left } else { CellAlignment::Right };
            Cell::new(text).set_alignment(side)
        }));
    }
    println!(
        "{messages} messages, {SLOTS} slots, two threads, median of {rounds} interleaved rounds\n{table}"
    );
}

/// Runs both ends on two cores, where there are two. The time is from both being ready to the last message received.
fn two_threads(send: impl FnOnce() + Send, receive: impl FnOnce() -> u64 + Send) -> Outcome {
    let ready = Barrier::new(2);
    thread::scope(|scope| {
        let receiving = scope.spawn(|| {
            pin_to(1);
            ready.wait();
            let digest = receive();
            (digest, Instant::now())
        });
        let sending = scope.spawn(|| {
            pin_to(0);
            ready.wait();
            let start = Instant::now();
            send();
            start
        });
        let start = sending.join().expect("the sender does not panic");
        let (digest, end) = receiving.join().expect("the receiver does not panic");
        Outcome { elapsed: end - start, digest }
    })
}

fn pin_to(nth: usize) {
    if let Some(&core) = available_cores().get(nth) {
        pin_current_thread(core).expect("a listed core can be used");
    }
}

/// The numbers of all messages, in runs of at most [`BATCH`].
fn batches(messages: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    (0..messages).step_by(BATCH).map(move |from| from..messages.min(from + BATCH as u64))
}

fn drain(consumer: &mut Consumer<Message>, messages: u64, pause: Pause) -> u64 {
    let (mut digest, mut left) = (0_u64, messages as usize);
    while left > 0 {
        let polled = consumer.poll(left, |message| {
            digest = digest.wrapping_add(message.digest());
            Continue(())
        });
        if polled == 0 {
            pause.wait();
        }
        left -= polled;
    }
    digest
}

fn ours_single(messages: u64, pause: Pause) -> Outcome {
    let (mut producer, mut consumer) = spsc(SLOTS);
    let send = move || {
        for number in 0..messages {
            while producer.try_push(Message::new(number)).is_err() {
                pause.wait();
            }
        }
    };
    two_threads(send, move || drain(&mut consumer, messages, pause))
}

fn ours_batched(messages: u64, pause: Pause) -> Outcome {
    let (mut producer, mut consumer) = spsc(SLOTS);
    let send = move || {
        for numbers in batches(messages) {
            let count = (numbers.end - numbers.start) as usize;
            loop {
                if let Ok(mut claim) = producer.try_claim(count) {
                    numbers.for_each(|number| claim.push(Message::new(number)));
                    break;
                }
                pause.wait();
            }
        }
    };
    two_threads(send, move || drain(&mut consumer, messages, pause))
}

/// Both consumers take turns on one thread, as agents of a composite do.
fn ours_chain(messages: u64, pause: Pause) -> Outcome {
    let mut ring = RingBuilder::new(SLOTS);
    let first = ring.consumer();
    ring.consumer_after(&[first]);
    let (mut producer, mut consumers) = ring.build();
    let send = move || {
        for number in 0..messages {
            while producer.try_push(Message::new(number)).is_err() {
                pause.wait();
            }
        }
    };
    let receive = move || {
        let [first, second] = consumers.as_mut_slice() else { unreachable!("two were added") };
        let (mut digests, mut left) = ([0_u64; 2], messages as usize);
        while left > 0 {
            let mut polled = 0;
            for (consumer, digest) in [&mut *first, &mut *second].into_iter().zip(&mut digests) {
                polled = consumer.poll(usize::MAX, |message| {
                    *digest = digest.wrapping_add(message.digest());
                    Continue(())
                });
                if polled == 0 {
                    pause.wait();
                }
            }
            left -= polled;
        }
        assert_eq!(digests[0], digests[1]);
        digests[1]
    };
    two_threads(send, receive)
}

macro_rules! drain_disruptor {
    ($poller:expr, $digest:ident, $left:ident, $pause:ident) => {
        match $poller.poll() {
            Ok(mut guard) => {
                for message in &mut guard {
                    $digest = $digest.wrapping_add(Message::digest(message));
                    $left -= 1;
                }
            }
            Err(Polling::NoEvents) => $pause.wait(),
            Err(Polling::Shutdown) => break,
        }
    };
}

fn publish_single(producer: &mut impl disruptor::Producer<Message>, messages: u64, pause: Pause) {
    for number in 0..messages {
        while producer.try_publish(|slot| *slot = Message::new(number)).is_err() {
            pause.wait();
        }
    }
}

fn publish_batched(producer: &mut impl disruptor::Producer<Message>, messages: u64, pause: Pause) {
    for numbers in batches(messages) {
        let count = (numbers.end - numbers.start) as usize;
        loop {
            let published = producer.try_batch_publish(count, |slots| {
                slots.zip(numbers.clone()).for_each(|(slot, number)| *slot = Message::new(number));
            });
            if published.is_ok() {
                break;
            }
            pause.wait();
        }
    }
}

fn disruptor_single(messages: u64, pause: Pause) -> Outcome {
    let builder = disruptor::build_single_producer(SLOTS, Message::default, disruptor::BusySpin);
    let (mut poller, builder) = builder.new_event_poller();
    let mut producer = builder.build();
    let receive = || {
        let (mut digest, mut left) = (0_u64, messages);
        while left > 0 {
            drain_disruptor!(poller, digest, left, pause);
        }
        digest
    };
    // The producer outlives the sending: dropping it waits for the poller.
    two_threads(|| publish_single(&mut producer, messages, pause), receive)
}

fn disruptor_batched(messages: u64, pause: Pause) -> Outcome {
    let builder = disruptor::build_single_producer(SLOTS, Message::default, disruptor::BusySpin);
    let (mut poller, builder) = builder.new_event_poller();
    let mut producer = builder.build();
    let receive = || {
        let (mut digest, mut left) = (0_u64, messages);
        while left > 0 {
            drain_disruptor!(poller, digest, left, pause);
        }
        digest
    };
    two_threads(|| publish_batched(&mut producer, messages, pause), receive)
}

fn disruptor_chain(messages: u64, pause: Pause) -> Outcome {
    let builder = disruptor::build_single_producer(SLOTS, Message::default, disruptor::BusySpin);
    let (mut first, builder) = builder.new_event_poller();
    let (mut second, builder) = builder.and_then().new_event_poller();
    let mut producer = builder.build();
    let receive = || {
        let (mut digests, mut left) = ((0_u64, 0_u64), (messages, messages));
        while left.1 > 0 {
            let (mut digest, mut remaining) = (digests.0, left.0);
            drain_disruptor!(first, digest, remaining, pause);
            (digests.0, left.0) = (digest, remaining);
            let (mut digest, mut remaining) = (digests.1, left.1);
            drain_disruptor!(second, digest, remaining, pause);
            (digests.1, left.1) = (digest, remaining);
        }
        assert_eq!(digests.0, digests.1);
        digests.1
    };
    two_threads(|| publish_single(&mut producer, messages, pause), receive)
}

/// The crate's other form: it runs a thread of its own, which calls a closure for each message.
fn disruptor_own_thread(messages: u64, pause: Pause, form: Group) -> Outcome {
    let (report, reported) = std::sync::mpsc::channel();
    let (mut digest, mut left) = (0_u64, messages);
    let handle = move |message: &Message, _sequence: i64, _end_of_batch: bool| {
        digest = digest.wrapping_add(message.digest());
        left -= 1;
        if left == 0 {
            report.send((digest, Instant::now())).expect("the bench waits for the report");
        }
    };
    let mut builder = disruptor::build_single_producer(SLOTS, Message::default, disruptor::BusySpin);
    if let Some(core) = available_cores().get(1) {
        builder = builder.pin_at_core(core.0);
    }
    let mut producer = builder.handle_events_with(handle).build();
    let sending = thread::spawn(move || {
        pin_to(0);
        let start = Instant::now();
        match form {
            Group::Batched => publish_batched(&mut producer, messages, pause),
            _ => publish_single(&mut producer, messages, pause),
        }
        start
    });
    let (digest, end) = reported.recv().expect("every message arrives");
    let start = sending.join().expect("the sender does not panic");
    Outcome { elapsed: end - start, digest }
}

fn disruptor_own_thread_single(messages: u64, pause: Pause) -> Outcome {
    disruptor_own_thread(messages, pause, Group::Single)
}

fn disruptor_own_thread_batched(messages: u64, pause: Pause) -> Outcome {
    disruptor_own_thread(messages, pause, Group::Batched)
}

fn rtrb_single(messages: u64, pause: Pause) -> Outcome {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(SLOTS);
    let send = move || {
        for number in 0..messages {
            while producer.push(Message::new(number)).is_err() {
                pause.wait();
            }
        }
    };
    let receive = move || {
        let (mut digest, mut left) = (0_u64, messages);
        while left > 0 {
            match consumer.pop() {
                Ok(message) => {
                    digest = digest.wrapping_add(message.digest());
                    left -= 1;
                }
                Err(_) => pause.wait(),
            }
        }
        digest
    };
    two_threads(send, receive)
}

fn rtrb_batched(messages: u64, pause: Pause) -> Outcome {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(SLOTS);
    let send = move || {
        for numbers in batches(messages) {
            let count = (numbers.end - numbers.start) as usize;
            loop {
                if let Ok(chunk) = producer.write_chunk_uninit(count) {
                    chunk.fill_from_iter(numbers.map(Message::new));
                    break;
                }
                pause.wait();
            }
        }
    };
    let receive = move || {
        let (mut digest, mut left) = (0_u64, messages as usize);
        while left > 0 {
            let waiting = consumer.slots();
            if waiting == 0 {
                pause.wait();
                continue;
            }
            let chunk = consumer.read_chunk(waiting).expect("these are waiting");
            let (first, second) = chunk.as_slices();
            for message in first.iter().chain(second) {
                digest = digest.wrapping_add(message.digest());
            }
            chunk.commit_all();
            left -= waiting;
        }
        digest
    };
    two_threads(send, receive)
}

/// What the messages cost without a second thread: written to and read from memory of the ring's size.
fn one_core(messages: u64, _pause: Pause) -> Outcome {
    let mut memory = vec![Message::default(); SLOTS];
    let (start, mut digest) = (Instant::now(), 0_u64);
    for numbers in batches(messages) {
        let at = (numbers.start as usize) % SLOTS;
        let count = (numbers.end - numbers.start) as usize;
        let slots = black_box(&mut memory[at..at + count]);
        slots.iter_mut().zip(numbers).for_each(|(slot, number)| *slot = Message::new(number));
        for message in black_box(&*slots) {
            digest = digest.wrapping_add(message.digest());
        }
    }
    Outcome { elapsed: start.elapsed(), digest }
}

/// A number there and back through two cache lines: the latency below every other figure here. Returns the time of one
/// round trip in nanoseconds.
fn round_trip_ns(trips: u64) -> f64 {
    let there = CachePadded::new(AtomicU64::new(0));
    let back = CachePadded::new(AtomicU64::new(0));
    let wait_for = |line: &AtomicU64, number: u64| {
        while line.load(Ordering::Acquire) != number {
            spin_loop();
        }
    };
    let send = || {
        for number in 1..=trips {
            there.store(number, Ordering::Release);
            wait_for(&back, number);
        }
    };
    let receive = || {
        for number in 1..=trips {
            wait_for(&there, number);
            back.store(number, Ordering::Release);
        }
        trips
    };
    two_threads(send, receive).elapsed.as_nanos() as f64 / trips as f64
}
