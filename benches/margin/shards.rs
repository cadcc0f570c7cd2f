//! Two matchers that read one ring: each executes the commands of its shard and skips the others.
//!
//! The ring is filled before the clock starts, so that nothing but matching is measured. The same commands go through a venue
//! with one shard on one core.

use crate::mix::{ACCOUNTS, Market};
use crate::timing::BATCH;
use crate::venue::open_two;
use dojima::domain::{Command, InstrumentId, LoginId, OrderCommand, Stamp};
use dojima::exchange::Exchange;
use dojima::ring::{Consumer, RingBuilder};
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

const COMMANDS_FULL: usize = 1_000_000;
const ROUNDS: usize = 9;

/// The commands that fill both books, and those that are measured: of the two shards in turns.
struct Lists {
    fill: Vec<Command>,
    commands: Vec<Command>,
}

impl Lists {
    fn new(count: usize) -> Self {
        let [one] = &open_two(1)[..] else { panic!("one shard") };
        let of = |number: u32| {
            let first_login = LoginId(number * ACCOUNTS);
            Market::of(one.clone(), InstrumentId(number), first_login).lists(count / 2)
        };
        let ((fill, first, _), (fill_too, second, _)) = (of(0), of(1));
        let commands = first.into_iter().zip(second).flat_map(|(first, second)| [first, second]);
        Self { fill: [fill, fill_too].concat(), commands: commands.collect() }
    }

    /// A venue with both books filled.
    fn ready(&self, shards: u8) -> Vec<Exchange> {
        let mut all = open_two(shards);
        let mut events = Vec::new();
        for exchange in &mut all {
            for command in &self.fill {
                exchange.apply(Stamp::default(), command, &mut events);
                events.clear();
            }
        }
        all
    }
}

/// Reads the whole ring, and executes what is for the shard. Returns the events.
fn work_through(consumer: &mut Consumer<Command>, exchange: &mut Exchange, count: usize) -> usize {
    let (mut events, mut told, mut done) = (Vec::with_capacity(1 << 14), 0, 0);
    while done < count {
        let batch = consumer.batch(BATCH);
        let len = batch.len();
        for command in batch.iter() {
            exchange.apply(Stamp::default(), command, &mut events);
        }
        batch.release(len);
        done += len;
        told += black_box(&events).len();
        events.clear();
    }
    told
}

/// All shards at once, each on a thread of its own. Returns the time of the slowest, and all events.
fn run(lists: &Lists, shards: u8) -> (Duration, usize, Vec<Exchange>) {
    let mut all = lists.ready(shards);
    let count = lists.commands.len();
    let mut builder = RingBuilder::new(count.next_power_of_two());
    for _ in &all {
        builder.consumer();
    }
    let (mut producer, mut consumers) = builder.build();
    for command in &lists.commands {
        producer.try_push(*command).unwrap_or_else(|_| panic!("the ring holds all of them"));
    }
    let begin = Barrier::new(all.len());
    let results: Vec<(Duration, usize)> = std::thread::scope(|scope| {
        let begin = &begin;
        let threads = all.iter_mut().zip(&mut consumers).map(|(exchange, consumer)| {
            scope.spawn(move || {
                begin.wait();
                let started = Instant::now();
                let told = work_through(consumer, exchange, count);
                (started.elapsed(), told)
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    });
    let slowest = results.iter().map(|(time, _)| *time).max().expect("there is one");
    (slowest, results.iter().map(|(_, told)| told).sum(), all)
}

/// Whether a command names its shard: the others pass it over. One that names an order by its client number may be of
/// any shard, so each looks for the order.
fn names_its_shard(command: &Command) -> bool {
    matches!(command, Command::Order(OrderCommand::Enter(_)))
}

/// How long a shard takes for each command of the other one, of those that name their shard or the rest, ns.
fn skip(lists: &Lists, named: bool) -> f64 {
    let mut all = lists.ready(2);
    let of_other = lists.commands.iter().step_by(2);
    let others: Vec<Command> =
        of_other.filter(|command| names_its_shard(command) == named).copied().collect();
    let mut events = Vec::new();
    let started = Instant::now();
    for command in &others {
        all[1].apply(Stamp::default(), command, &mut events);
    }
    let elapsed = started.elapsed();
    assert!(events.is_empty(), "all of them are of the other shard");
    elapsed.as_secs_f64() * 1e9 / others.len() as f64
}

pub fn full() {
    let lists = Lists::new(COMMANDS_FULL);
    let (mut one, mut two, mut skipped) = (Duration::MAX, Duration::MAX, [f64::MAX; 2]);
    let mut told = [None; 2];
    for _ in 0..ROUNDS {
        for (shards, best) in [(1, &mut one), (2, &mut two)] {
            let (time, events, _) = run(&lists, shards);
            *best = time.min(*best);
            let told = told[usize::from(shards) - 1].get_or_insert(events);
            assert_eq!(*told, events, "every round says the same");
        }
        for (named, best) in [(true, 0), (false, 1)] {
            skipped[best] = skipped[best].min(skip(&lists, named));
        }
    }
    assert_eq!(told[0], told[1], "as many events in two shards as in one");
    let rate = |time: Duration| lists.commands.len() as f64 / time.as_secs_f64() / 1e6;
    println!("{} commands, half of them of each of two perpetuals", lists.commands.len());
    println!("one shard, one core      {:>6.2} M commands/s", rate(one));
    println!("two shards, two cores    {:>6.2} M commands/s  {:.2} x", rate(two), rate(two) / rate(one));
    println!(
        "a new order of the other shard takes {:.1} ns, a move or cancel {:.1} ns",
        skipped[0], skipped[1]
    );
}

pub fn small() {
    let lists = Lists::new(20_000);
    let (_, of_one, one) = run(&lists, 1);
    let (_, of_two, two) = run(&lists, 2);
    assert_eq!(of_one, of_two, "as many events in two shards as in one");
    let trades = |all: &[Exchange]| all.iter().map(|shard| shard.last_trade().count()).sum::<u64>();
    assert_eq!(trades(&one), trades(&two), "the same trades");
    assert!(trades(&two) > 500);
    for exchange in one.iter().chain(&two) {
        exchange.audit().expect("money and positions add up");
    }
    skip(&lists, true);
    skip(&lists, false);
    println!("shards: {of_two} events");
}
