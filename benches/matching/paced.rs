//! Latency at a fixed rate: every command has a time at which it should start, and counts from then on, whether the one
//! before it was done by then or not (no coordinated omission).

use crate::mix::Market;
use crate::setup::{Features, open_exchange, ready};
use crate::timing::{histogram, percentiles};
use dojima::domain::{Command, Stamp};
use hdrhistogram::Histogram;
use std::hint::black_box;
use std::time::Instant;

const COMMANDS_FULL: usize = 1_000_000;
const ROUNDS_FULL: usize = 7;
/// Commands that percentiles are also taken of by themselves, fewer than pass between two interruptions by other work.
const WINDOW: usize = 1_000;
/// Reported, not asserted.
const P99_TARGET_NS: u64 = 500;
/// Commands a second.
const RATES: [u64; 2] = [1_000_000, 5_000_000];

/// Does each thing not before its time, and says how long after that it was done, ns.
fn paced(count: usize, period_ns: u64, late: &mut Vec<u32>, mut work: impl FnMut(usize)) {
    late.clear();
    let start = Instant::now();
    let mut now = 0;
    for at in 0..count {
        let intended = at as u64 * period_ns;
        while now < intended {
            now = start.elapsed().as_nanos() as u64;
        }
        work(at);
        now = start.elapsed().as_nanos() as u64;
        late.push(u32::try_from(now - intended).unwrap_or(u32::MAX));
    }
}

/// The latencies of one kind of work, ns.
struct Latencies {
    all: Histogram<u64>,
    /// Those of [`WINDOW`] commands in a row each.
    windows: Vec<Histogram<u64>>,
}

impl Latencies {
    fn new() -> Self {
        Self { all: histogram(), windows: Vec::new() }
    }

    fn gather(&mut self, late: &[u32]) {
        for window in late.chunks(WINDOW) {
            let mut gathered = histogram();
            window.iter().for_each(|nanos| gathered.saturating_record(u64::from(*nanos)));
            self.all.add(&gathered).expect("the same bounds");
            self.windows.push(gathered);
        }
    }

    /// Of each percentile the value that a quarter of all windows keep to: what the code does while the machine leaves it
    /// alone.
    fn quiet(&self) -> String {
        let quiet = |quantile| {
            let mut of_windows: Vec<_> =
                self.windows.iter().map(|window| window.value_at_quantile(quantile)).collect();
            of_windows.sort_unstable();
            of_windows[of_windows.len() / 4]
        };
        let (p50, p90, p99, p999, max) = (quiet(0.5), quiet(0.9), quiet(0.99), quiet(0.999), quiet(1.0));
        let in_time = self.windows.iter().filter(|window| window.value_at_quantile(0.99) <= P99_TARGET_NS);
        let share = in_time.count() * 100 / self.windows.len();
        format!(
            "p50 {p50}  p90 {p90}  p99 {p99}  p99.9 {p999}  max {max}   {share} % with p99 <= {P99_TARGET_NS}"
        )
    }
}

/// The list applied at a rate, and only read at that rate: the share of the clock and of the machine.
fn measure(fill: &[Command], commands: &[Command], period_ns: u64, rounds: usize) -> [Latencies; 2] {
    let (mut matching, mut floor) = (Latencies::new(), Latencies::new());
    let mut events = Vec::with_capacity(1 << 14);
    let mut late = Vec::with_capacity(commands.len());
    for _ in 0..rounds {
        let mut exchange = ready(fill, Features::default());
        paced(commands.len(), period_ns, &mut late, |at| {
            events.clear();
            exchange.apply(Stamp::default(), &commands[at], &mut events);
            black_box(&events);
        });
        matching.gather(&late);
        paced(commands.len(), period_ns, &mut late, |at| {
            black_box(commands[at]);
        });
        floor.gather(&late);
    }
    [matching, floor]
}

pub fn full() {
    let (fill, commands, _) = Market::on(open_exchange(Features::default())).lists(COMMANDS_FULL);
    println!(
        "ns from the intended start to the end of a command; {ROUNDS_FULL} rounds of {COMMANDS_FULL} commands"
    );
    for rate in RATES {
        let [matching, floor] = measure(&fill, &commands, 1_000_000_000 / rate, ROUNDS_FULL);
        let rate = rate / 1_000_000;
        for (name, latencies) in [("matching", matching), ("floor (reads)", floor)] {
            println!("{rate} M/s  {name:<14} all           {}", percentiles(&latencies.all));
            println!("{rate} M/s  {name:<14} quiet windows {}", latencies.quiet());
        }
    }
}

pub fn small() {
    let (fill, commands, _) = Market::on(open_exchange(Features::default())).lists(2_000);
    let [matching, floor] = measure(&fill, &commands, 1_000, 2);
    assert_eq!((matching.all.len(), floor.all.len()), (4_000, 4_000));
    println!("paced: {}", matching.quiet());
}
