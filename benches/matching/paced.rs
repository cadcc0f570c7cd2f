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

/// Every latency of one round with the list applied, and of one in which commands are only read: the share of the clock
/// and of the machine.
fn measure(fill: &[Command], commands: &[Command], period_ns: u64) -> [Histogram<u64>; 2] {
    let mut exchange = ready(fill, Features::default());
    let mut events = Vec::with_capacity(1 << 14);
    let mut late = Vec::with_capacity(commands.len());
    let gather = |late: &[u32]| {
        let mut gathered = histogram();
        late.iter().for_each(|nanos| gathered.saturating_record(u64::from(*nanos)));
        gathered
    };
    paced(commands.len(), period_ns, &mut late, |at| {
        events.clear();
        exchange.apply(Stamp::default(), &commands[at], &mut events);
        black_box(&events);
    });
    let matching = gather(&late);
    paced(commands.len(), period_ns, &mut late, |at| {
        black_box(commands[at]);
    });
    [matching, gather(&late)]
}

pub fn full() {
    let (fill, commands, _) = Market::on(open_exchange(Features::default())).lists(COMMANDS_FULL);
    println!("ns from the intended start to the end of a command; {COMMANDS_FULL} commands a round");
    for rate in RATES {
        let rounds: Vec<_> =
            (0..ROUNDS_FULL).map(|_| measure(&fill, &commands, 1_000_000_000 / rate)).collect();
        for (which, name) in [(0, "matching"), (1, "floor (reads)")] {
            let mut all = histogram();
            rounds.iter().for_each(|round| all.add(&round[which]).expect("the same bounds"));
            let best =
                rounds.iter().min_by_key(|round| round[which].value_at_quantile(0.99)).expect("rounds");
            let rate = rate / 1_000_000;
            println!("{rate} M/s  {name:<14} best of {ROUNDS_FULL}   {}", percentiles(&best[which]));
            println!("{rate} M/s  {name:<14} all together {}", percentiles(&all));
        }
    }
}

pub fn small() {
    let (fill, commands, _) = Market::on(open_exchange(Features::default())).lists(2_000);
    let [matching, floor] = measure(&fill, &commands, 1_000);
    assert_eq!((matching.len(), floor.len()), (2_000, 2_000));
    println!("paced: {}", percentiles(&matching));
}
