//! What all parts measure with.

use dojima::domain::{AccountId, AdminEvent, AssetId, Command, Event, InstrumentId, OrderEvent, Side, Stamp};
use dojima::exchange::Exchange;
use hdrhistogram::Histogram;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many commands are applied before their events are handed on, as the matcher does with a batch of its ring.
pub const BATCH: usize = 256;

/// Applies a list, batch by batch; how long it took and how many events came of it.
pub fn run(exchange: &mut Exchange, commands: &[Command], events: &mut Vec<Event>) -> (Duration, usize) {
    let mut count = 0;
    let start = Instant::now();
    for batch in commands.chunks(BATCH) {
        events.clear();
        for command in batch {
            exchange.apply(Stamp::default(), command, events);
        }
        debug_assert!(events.iter().all(is_good), "{events:?}");
        count += black_box(&*events).len();
    }
    (start.elapsed(), count)
}

/// How many commands are timed together, about a millisecond: for each such slice the best of all rounds counts, so that
/// a machine with other work to do still shows what the code costs.
const SLICE: usize = 40 * BATCH;

/// Applies the list and returns how long each slice took and how many events came of it all.
pub fn run_slices(
    exchange: &mut Exchange,
    commands: &[Command],
    events: &mut Vec<Event>,
) -> (Vec<Duration>, usize) {
    let slices = commands.chunks(SLICE).map(|slice| run(exchange, slice, events));
    let (times, counts): (Vec<_>, Vec<_>) = slices.unzip();
    (times, counts.iter().sum())
}

/// What is left when nothing is matched: the commands are read and events of the same number are written.
pub fn floor(commands: &[Command], recorded: &[(u32, Event)], events: &mut Vec<Event>) -> Vec<Duration> {
    let mut next = 0;
    let slice = |(slice_at, slice): (usize, &[Command])| {
        let start = Instant::now();
        for (at, command) in slice.iter().enumerate() {
            if at % BATCH == 0 {
                black_box(&*events);
                events.clear();
            }
            black_box(*command);
            let number = (slice_at * SLICE + at) as u32;
            while let Some((_, event)) = recorded.get(next).filter(|(by, _)| *by == number) {
                events.push(*event);
                next += 1;
            }
        }
        start.elapsed()
    };
    commands.chunks(SLICE).enumerate().map(slice).collect()
}

/// The events of the list, each with the place of its command.
pub fn record(mut exchange: Exchange, commands: &[Command]) -> Vec<(u32, Event)> {
    let (mut recorded, mut events) = (Vec::new(), Vec::new());
    for (number, command) in commands.iter().enumerate() {
        exchange.apply(Stamp::default(), command, &mut events);
        recorded.extend(events.drain(..).map(|event| (number as u32, event)));
    }
    recorded
}

/// Whether a command was taken: a list of refusals would be quick.
fn is_good(event: &Event) -> bool {
    let refused = matches!(
        event,
        Event::Admin(AdminEvent::Refused { .. })
            | Event::Order(OrderEvent::Rejected(_) | OrderEvent::ChangeRejected(_) | OrderEvent::Ignored(_))
    );
    !refused
}

/// The rounds of one measurement.
#[derive(Default)]
pub struct Rounds {
    totals: Vec<Duration>,
    /// For each slice the best of all rounds.
    best: Vec<Duration>,
}

impl Rounds {
    pub fn add(&mut self, slices: &[Duration]) {
        self.totals.push(slices.iter().sum());
        self.best.resize(slices.len(), Duration::MAX);
        self.best.iter_mut().zip(slices).for_each(|(best, slice)| *best = slice.min(best).to_owned());
    }

    /// The best slices of all rounds together.
    pub fn best_slices(&self) -> Duration {
        self.best.iter().sum()
    }

    pub fn median(&mut self) -> Duration {
        self.totals.sort_unstable();
        self.totals[self.totals.len() / 2]
    }

    pub fn print(mut self, name: &str, commands: usize, events: usize) {
        let median = self.median();
        for (which, time) in
            [("best slices", self.best_slices()), ("best", self.totals[0]), ("median", median)]
        {
            let seconds = time.as_secs_f64();
            println!(
                "{name:<16} {which:<12} {:>6.2} M commands/s  {:>6.2} M events/s  {:>6.1} ns/command",
                commands as f64 / seconds / 1e6,
                events as f64 / seconds / 1e6,
                seconds * 1e9 / commands as f64,
            );
        }
    }
}

/// Up to a second, in nanoseconds, three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 1_000_000_000, 3).expect("good bounds")
}

pub fn percentiles(histogram: &Histogram<u64>) -> String {
    let at = |quantile| histogram.value_at_quantile(quantile);
    let (p50, p90, p99, p999, p9999) = (at(0.5), at(0.9), at(0.99), at(0.999), at(0.9999));
    format!("p50 {p50}  p90 {p90}  p99 {p99}  p99.9 {p999}  p99.99 {p9999}  max {}", histogram.max())
}

/// What a part did many times over, and the state it ended in.
pub struct Figure {
    pub name: String,
    /// What one of them is called.
    pub each: &'static str,
    pub count: usize,
    pub time: Duration,
    pub digest: u64,
}

impl Figure {
    pub fn new(
        name: impl Into<String>,
        each: &'static str,
        count: usize,
        time: Duration,
        state: &Exchange,
    ) -> Self {
        Self { name: name.into(), each, count, time, digest: digest(state) }
    }
}

/// FNV-1a of all that can be read of the first instrument and of everybody's money: independent of how the exchange
/// keeps it.
fn digest(exchange: &Exchange) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |word: u64| {
        for byte in word.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    let first = InstrumentId(0);
    for order in [Side::Buy, Side::Sell].iter().flat_map(|side| exchange.orders(first, *side)) {
        let words = [order.id.0, order.price().0 as u64, order.open.0, exchange.open_lots(&order).0];
        words.into_iter().for_each(&mut add);
    }
    exchange.dormant(first).for_each(|order| add(order.id.0));
    for account in 0..exchange.accounts_count() {
        for asset in 0..exchange.assets().len() {
            let balance = exchange.balance(AccountId(account as u32), AssetId(asset as u16)).expect("known");
            [balance.available.0 as u64, balance.reserved.0 as u64].into_iter().for_each(&mut add);
        }
    }
    add(exchange.last_trade().0);
    hash
}

/// Runs every case several times and prints the best time of each.
pub fn print_best(cases: &[fn(usize) -> Vec<Figure>], rounds: usize) {
    println!("{:<58} {:>9} {:>12} {:>12}  each", "", "count", "together", "");
    for case in cases {
        let mut best = case(1);
        for _ in 1..rounds {
            for (best, next) in best.iter_mut().zip(case(1)) {
                assert_eq!((&best.name, best.digest), (&next.name, next.digest), "every round ends the same");
                best.time = best.time.min(next.time);
            }
        }
        for Figure { name, each, count, time, .. } in best {
            let nanos = time.as_secs_f64() * 1e9 / count as f64;
            let (value, unit) = if nanos < 100_000.0 { (nanos, "ns") } else { (nanos / 1e6, "ms") };
            println!(
                "{name:<58} {count:>9} {:>9.2} ms {value:>9.1} {unit}  {each}",
                time.as_secs_f64() * 1e3
            );
        }
    }
}

/// Runs every case a hundredth of its size and holds all digests against the one written down.
pub fn check_small(part: &str, cases: &[fn(usize) -> Vec<Figure>], expected: u64) {
    let figures = cases.iter().flat_map(|case| case(100));
    let digest = figures.fold(0_u64, |all, figure| all.rotate_left(7) ^ figure.digest);
    assert_eq!(digest, expected, "{part}: {digest:#018x} and not {expected:#018x}");
    println!("{part}: digest {digest:#018x}");
}
