//! The exchange alone on one core: matching, reserves and fees, fed from memory.
//!
//! `mix` makes the list before the clock starts; every run does the same work, and the digest of the state at its end is
//! fixed.
//!
//! `cargo bench --bench matching` prints the figures. Under `cargo test` a short list runs and its digest is held
//! against the one written here.

mod mix;

use dojima::domain::{
    AccountId, Amount, AssetCode, AssetId, Command, Event, FeeRate, ListInstrument, LoginId, LoginName,
    Phase, Quantity, Stamp, Symbol, Transfer,
};
use dojima::exchange::{Exchange, ExchangeLimits};
use hdrhistogram::Histogram;
use mix::{ACCOUNTS, INSTRUMENT, Market, RESTING};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many commands are applied before their events are handed on, as the matcher does with a batch of its ring.
const BATCH: usize = 256;
/// How many commands are timed together, about a millisecond: for each such slice the best of all rounds counts, so that
/// a machine with other work to do still shows what the code costs.
const SLICE: usize = 40 * BATCH;
/// How many commands one latency figure stands for.
const BLOCK: usize = 64;

const COMMANDS_FULL: usize = 1_000_000;
const ROUNDS_FULL: usize = 15;
const COMMANDS_SMALL: usize = 20_000;
const DIGEST_SMALL: &str = "5b0ab72df5dcb6c9b96de540e657ca2d";
const EVENTS_SMALL: usize = 21_171;

fn main() {
    if std::env::args().any(|argument| argument == "--bench") {
        full();
    } else {
        small();
    }
}

/// An exchange with its accounts, their money and one instrument, and nothing in the book.
fn open_exchange() -> Exchange {
    let mut exchange = Exchange::new(ExchangeLimits::default());
    let code = |text| AssetCode::new(text).expect("a code");
    let (base, quote) = (AssetId(0), AssetId(1));
    let mut setup = vec![
        Command::AddAsset { asset: base, code: code("BTC"), scale: 8 },
        Command::AddAsset { asset: quote, code: code("USDT"), scale: 6 },
        Command::OpenAccount { account: AccountId::FEES },
    ];
    for id in 0..ACCOUNTS {
        let account = AccountId(id + 1);
        setup.push(Command::OpenAccount { account });
        setup.push(Command::OpenLogin { login: LoginId(id), account, name: LoginName::default() });
        for (reference, asset, amount) in [(1, base, 1_000_000_000_000), (2, quote, 1_000_000_000_000_000)] {
            let amount = Amount(amount);
            setup.push(Command::Deposit(Transfer { account, asset, amount, reference }));
        }
    }
    setup.push(Command::ListInstrument(ListInstrument {
        instrument: INSTRUMENT,
        symbol: Symbol::new("BTC-USDT").expect("a symbol"),
        base,
        quote,
        price_decimals: 2,
        tick_units: 10,
        lot: Amount(1_000),
        min_quantity: Quantity(1),
        max_quantity: Quantity(1_000_000),
        min_notional: Amount(1),
        maker_fee: FeeRate(200),
        taker_fee: FeeRate(500),
        phase: Phase::Continuous,
        ..ListInstrument::default()
    }));
    setup.push(Command::Open { config_digest: 1 });
    let mut events = Vec::new();
    for command in &setup {
        exchange.apply(Stamp::default(), command, &mut events);
    }
    assert!(!events.iter().any(|event| matches!(event, Event::Refused { .. })), "the setup is accepted");
    exchange
}

/// A book that is filled and ready for the measured list.
fn ready(fill: &[Command]) -> Exchange {
    let mut exchange = open_exchange();
    let mut events = Vec::new();
    for command in fill {
        exchange.apply(Stamp::default(), command, &mut events);
    }
    exchange
}

/// Applies the list and returns how long each slice took and how many events came of it all.
fn run(exchange: &mut Exchange, commands: &[Command], events: &mut Vec<Event>) -> (Vec<Duration>, usize) {
    let mut count = 0;
    let slice = |slice: &[Command]| {
        let start = Instant::now();
        for batch in slice.chunks(BATCH) {
            events.clear();
            for command in batch {
                exchange.apply(Stamp::default(), command, events);
            }
            count += black_box(&*events).len();
        }
        start.elapsed()
    };
    let times = commands.chunks(SLICE).map(slice).collect();
    (times, count)
}

/// What is left when nothing is matched: the commands are read and events of the same number are written.
fn floor(commands: &[Command], recorded: &[(u32, Event)], events: &mut Vec<Event>) -> Vec<Duration> {
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

/// The rounds of one measurement.
#[derive(Default)]
struct Rounds {
    totals: Vec<Duration>,
    /// For each slice the best of all rounds.
    best: Vec<Duration>,
}

impl Rounds {
    fn add(&mut self, slices: &[Duration]) {
        self.totals.push(slices.iter().sum());
        self.best.resize(slices.len(), Duration::MAX);
        self.best.iter_mut().zip(slices).for_each(|(best, slice)| *best = slice.min(best).to_owned());
    }

    fn print(mut self, name: &str, commands: usize, events: usize) {
        self.totals.sort_unstable();
        let best_slices = self.best.iter().sum();
        let times = [
            ("best slices", best_slices),
            ("best", self.totals[0]),
            ("median", self.totals[self.totals.len() / 2]),
        ];
        for (which, time) in times {
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

/// The events of the list, each with the place of its command.
fn record(fill: &[Command], commands: &[Command]) -> Vec<(u32, Event)> {
    let mut exchange = ready(fill);
    let (mut recorded, mut events) = (Vec::new(), Vec::new());
    for (number, command) in commands.iter().enumerate() {
        exchange.apply(Stamp::default(), command, &mut events);
        recorded.extend(events.drain(..).map(|event| (number as u32, event)));
    }
    recorded
}

/// Mean time of one command over blocks of [`BLOCK`] commands, ns, and the same of single commands, the clock's own
/// share not taken off.
fn latencies(fill: &[Command], commands: &[Command]) -> (Histogram<u64>, Histogram<u64>, Histogram<u64>) {
    let histogram = || Histogram::new_with_bounds(1, 1_000_000_000, 3).expect("good bounds");
    let (mut blocks, mut singles, mut clock) = (histogram(), histogram(), histogram());
    let mut events = Vec::with_capacity(1 << 14);
    let mut exchange = ready(fill);
    for block in commands.chunks_exact(BLOCK) {
        events.clear();
        let start = Instant::now();
        for command in block {
            exchange.apply(Stamp::default(), command, &mut events);
        }
        blocks.saturating_record(start.elapsed().as_nanos() as u64 / BLOCK as u64);
    }
    let mut exchange = ready(fill);
    for command in commands {
        events.clear();
        let start = Instant::now();
        exchange.apply(Stamp::default(), command, &mut events);
        singles.saturating_record(start.elapsed().as_nanos() as u64);
        let start = Instant::now();
        clock.saturating_record(start.elapsed().as_nanos() as u64);
    }
    (blocks, singles, clock)
}

fn percentiles(histogram: &Histogram<u64>) -> String {
    let at = |quantile| histogram.value_at_quantile(quantile);
    let (p50, p90, p99, p999) = (at(0.5), at(0.9), at(0.99), at(0.999));
    format!("p50 {p50}  p90 {p90}  p99 {p99}  p99.9 {p999}  max {}", histogram.max())
}

fn full() {
    let (fill, commands, mix) = Market::on(open_exchange()).lists(COMMANDS_FULL);
    let recorded = record(&fill, &commands);
    let share = |part: usize| 100.0 * part as f64 / commands.len() as f64;
    println!(
        "{} commands: {:.1} % moves, {:.1} % new, {:.1} % cancels, {:.1} % takers; {} events; {RESTING} resting, {ACCOUNTS} accounts",
        commands.len(),
        share(mix.moves),
        share(mix.enters),
        share(mix.cancels),
        share(mix.takes),
        recorded.len(),
    );
    let mut events = Vec::with_capacity(1 << 14);
    let (mut matching, mut floors, mut digest) = (Rounds::default(), Rounds::default(), None);
    for _ in 0..ROUNDS_FULL {
        let mut exchange = ready(&fill);
        let (times, count) = run(&mut exchange, &commands, &mut events);
        assert_eq!(count, recorded.len(), "every round says the same");
        let ended = exchange.digest();
        assert_eq!(*digest.get_or_insert(ended), ended, "every round ends in the same state");
        matching.add(&times);
        floors.add(&floor(&commands, &recorded, &mut events));
    }
    matching.print("matching", commands.len(), recorded.len());
    floors.print("floor (copies)", commands.len(), recorded.len());
    let (blocks, singles, clock) = latencies(&fill, &commands);
    println!("ns/command, blocks of {BLOCK}:    {}", percentiles(&blocks));
    println!("ns, one command + clock:    {}", percentiles(&singles));
    println!("ns, the clock alone:        {}", percentiles(&clock));
    println!("digest {}", digest.expect("there was a round"));
}

fn small() {
    let (fill, commands, _) = Market::on(open_exchange()).lists(COMMANDS_SMALL);
    let mut exchange = ready(&fill);
    let (_, count) = run(&mut exchange, &commands, &mut Vec::new());
    exchange.audit().expect("the books and the money are sound");
    assert_eq!((exchange.digest().to_string().as_str(), count), (DIGEST_SMALL, EVENTS_SMALL));
    println!("{} commands, {count} events, digest {}", commands.len(), exchange.digest());
}
