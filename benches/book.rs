//! The book alone on one core: one message at a time with all its reports, no money and no client names.
//!
//! `cargo bench --bench book` prints the figures. Under `cargo test` short flows run, their digests are held against those
//! written here, and a naive book has to say the same.

mod markets;

use markets::flow::{Message, Tally, play};
use markets::generator::{Flow, Market, generate};
use markets::naive::Naive;
use markets::prices::{self, Ask};
use markets::structures::{Bitmap, Paged, PriceIndex, Sorted, Std, Tree};
use markets::venue::Dojima;
use markets::{replay, worst};
use std::time::{Duration, Instant};

const MESSAGES_FULL: usize = 1_000_000;
const ROUNDS_FULL: usize = 11;
const RESTING: usize = 10_000;
/// How many messages are timed together: for each such slice the best of all rounds counts, so that a machine with other
/// work to do still shows what the code costs.
const SLICE: usize = 10_000;

const MESSAGES_SMALL: usize = 20_000;
const RESTING_SMALL: usize = 500;
const DIGESTS_SMALL: [u64; 5] = [
    16_493_636_724_402_821_650,
    2_572_208_167_006_555_633,
    16_904_586_918_621_915_215,
    9_753_190_059_973_850_398,
    12_407_945_007_126_373_023,
];

fn main() {
    if std::env::args().any(|argument| argument == "--bench") {
        full();
    } else {
        small();
    }
}

/// Messages by name: those that fill the book and those that are measured.
struct Named {
    name: &'static str,
    fill: Vec<Message>,
    messages: Vec<Message>,
}

/// Sorted times and what came of the work, the same every time.
#[derive(Default)]
struct Measured {
    times: Vec<Duration>,
    /// For each slice the best of all rounds.
    slices: Vec<Duration>,
    tally: Tally,
    resting: usize,
    levels: usize,
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millions(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64() / 1e6
}

fn nanoseconds(count: usize, time: Duration) -> f64 {
    time.as_secs_f64() * 1e9 / count as f64
}

/// A book filled and ready for the measured messages.
fn ready(fill: &[Message]) -> Dojima {
    let mut venue = Dojima::new(1 << 20);
    venue.orders.warm(1 << 12);
    play(&mut venue, fill, &mut Vec::new(), &mut Tally::default());
    venue
}

fn measure(flows: &[Named], rounds: usize) -> Vec<Measured> {
    let mut reports = Vec::with_capacity(1 << 16);
    let mut all: Vec<Measured> = flows.iter().map(|_| Measured::default()).collect();
    for round in 0..rounds {
        for (flow, measured) in flows.iter().zip(&mut all) {
            let (mut venue, mut tally) = (ready(&flow.fill), Tally::default());
            measured.slices.resize(flow.messages.len().div_ceil(SLICE), Duration::MAX);
            let mut whole = Duration::ZERO;
            for (slice, best) in flow.messages.chunks(SLICE).zip(&mut measured.slices) {
                let start = Instant::now();
                play(&mut venue, slice, &mut reports, &mut tally);
                let time = start.elapsed();
                *best = time.min(*best);
                whole += time;
            }
            measured.times.push(whole);
            assert!(round == 0 || tally == measured.tally, "every round says the same");
            (measured.tally, measured.resting, measured.levels) = (tally, venue.orders.len(), venue.levels());
        }
    }
    all
}

fn print_markets(flows: &[Named], rounds: usize) {
    println!(
        "{:<16} {:>9} {:>9} {:>11} {:>6} {:>9} {:>9} {:>7} {:>8} {:>7}  digest",
        "market", "median", "best", "best slices", "ns", "messages", "reports", "trades", "resting", "levels"
    );
    for (flow, mut measured) in flows.iter().zip(measure(flows, rounds)) {
        let (count, time) = (flow.messages.len(), median(&mut measured.times));
        println!(
            "{:<16} {:>7.2} M {:>7.2} M {:>9.2} M {:>6.1} {:>9} {:>9} {:>7} {:>8} {:>7}  {:016x}",
            flow.name,
            millions(count, time),
            millions(count, measured.times[0]),
            millions(count, measured.slices.iter().sum()),
            nanoseconds(count, time),
            count,
            measured.tally.reports,
            measured.tally.executions / 2,
            measured.resting,
            measured.levels,
            measured.tally.digest,
        );
    }
}

/// Against the naive book on the first messages of the calm market, round by round.
fn print_naive(flow: &Named) {
    let messages = &flow.messages[..20_000];
    let (mut ours, mut naive) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let mut venue = ready(&flow.fill);
        let (mut tally, mut expected) = (Tally::default(), Tally::default());
        let start = Instant::now();
        play(&mut venue, messages, &mut Vec::new(), &mut tally);
        ours.push(start.elapsed());
        let mut venue = Naive::default();
        play(&mut venue, &flow.fill, &mut Vec::new(), &mut Tally::default());
        let start = Instant::now();
        play(&mut venue, messages, &mut Vec::new(), &mut expected);
        naive.push(start.elapsed());
        assert_eq!(tally, expected, "both books say the same");
    }
    let (ours, naive) = (median(&mut ours), median(&mut naive));
    println!(
        "\na plain sorted array of {RESTING} orders: {:.3} M messages/s; this book is {:.0} times as fast",
        millions(messages.len(), naive),
        naive.as_secs_f64() / ours.as_secs_f64(),
    );
}

/// A million orders that only rest, entered into a book that is deep already.
fn print_inserts(flow: &Named, rounds: usize) {
    let only_rest = |message: &&Message| message.kind == markets::flow::Kind::New;
    let inserts: Vec<Message> = flow.fill.iter().filter(only_rest).copied().collect();
    let (fill, measured) = inserts.split_at(RESTING);
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let mut venue = ready(fill);
            venue.orders.set_capacity(1 << 21);
            venue.orders.warm(1 << 12);
            let mut reports = Vec::with_capacity(16);
            let start = Instant::now();
            play(&mut venue, measured, &mut reports, &mut Tally::default());
            start.elapsed()
        })
        .collect();
    let time = median(&mut times);
    println!(
        "inserts into a book of {RESTING} orders and more: {:.2} M/s, {:.1} ns",
        millions(measured.len(), time),
        nanoseconds(measured.len(), time),
    );
}

type Asked = fn(&[Ask], &[Ask]) -> (Duration, u64);

fn asked<I: PriceIndex>(fill: &[Ask], asks: &[Ask]) -> (Duration, u64) {
    let mut sides = [I::default(), I::default()];
    prices::ask(&mut sides, fill);
    let start = Instant::now();
    let digest = prices::ask(&mut sides, asks);
    (start.elapsed(), digest)
}

/// Each structure on what each flow asks of it, in turn; ns for each request.
fn print_structures(flows: &[Named], rounds: usize) {
    const CONTENDERS: [(&str, Asked); 5] = [
        (Paged::NAME, asked::<Paged>),
        (Bitmap::NAME, asked::<Bitmap>),
        (Tree::NAME, asked::<Tree>),
        (Sorted::NAME, asked::<Sorted>),
        (Std::NAME, asked::<Std>),
    ];
    print!("\n{:<24}", "ns a request");
    CONTENDERS.iter().for_each(|(name, _)| print!(" {name:>15}"));
    println!();
    for flow in flows {
        let (fill, asks) = prices::record(&flow.fill, &flow.messages);
        let mut times = CONTENDERS.map(|_| Vec::new());
        let mut expected = None;
        for _ in 0..rounds {
            for ((_, run), times) in CONTENDERS.iter().zip(&mut times) {
                let (time, digest) = run(&fill, &asks);
                assert_eq!(*expected.get_or_insert(digest), digest, "all structures say the same");
                times.push(time);
            }
        }
        print!("{:<16} {:>7}", flow.name, asks.len());
        times.iter_mut().for_each(|times| print!(" {:>15.1}", nanoseconds(asks.len(), median(times))));
        println!();
    }
}

fn print_worst() {
    type Worst = (&'static str, fn(u32, u32) -> worst::Times, fn(u32, u32) -> worst::Times, u32);
    const CONTENDERS: [Worst; 5] = [
        (Paged::NAME, worst::far_end::<Paged>, worst::scattered::<Paged>, 50_000),
        (Bitmap::NAME, worst::far_end::<Bitmap>, worst::scattered::<Bitmap>, 50_000),
        (Tree::NAME, worst::far_end::<Tree>, worst::scattered::<Tree>, 50_000),
        (Sorted::NAME, worst::far_end::<Sorted>, worst::scattered::<Sorted>, 1_000),
        (Std::NAME, worst::far_end::<Std>, worst::scattered::<Std>, 50_000),
    ];
    println!("\nns of one step: median, 99.9 %, maximum");
    for levels in [100_000, 1_000_000] {
        for (name, far_end, _, steps) in CONTENDERS {
            println!("far end of {levels:>7} levels    {name:<16} {}", far_end(levels, steps).show());
        }
    }
    for (name, _, scattered, steps) in CONTENDERS {
        println!("100,000 over 2^31 ticks      {name:<16} {}", scattered(100_000, steps).show());
    }
    let books = [
        ("100,000 orders at one price", 100_000, 1),
        ("1,000,000 at 10,000 prices", 1_000_000, 10_000),
        ("1,000,000 at 1,000,000 prices", 1_000_000, 1_000_000),
    ];
    for (name, orders, levels) in books {
        println!("{name:<29} cancel + insert  {}", worst::churn(orders, levels, 200_000).show());
    }
}

fn named(market: Market) -> Named {
    let Flow { fill, messages, mix } = generate(market, RESTING, MESSAGES_FULL);
    println!("{:<16} {mix}", market.name());
    Named { name: market.name(), fill, messages }
}

fn full() {
    let mut flows: Vec<Named> = Market::ALL.map(named).into();
    for (name, file) in replay::RECORDINGS {
        let recording = replay::load(file);
        flows.extend(recording.map(|messages| Named { name, fill: Vec::new(), messages }));
    }
    println!();
    print_markets(&flows, ROUNDS_FULL);
    print_naive(&flows[0]);
    let Flow { fill, .. } = generate(Market::Static, MESSAGES_FULL + RESTING, 0);
    print_inserts(&Named { name: "inserts", fill, messages: Vec::new() }, ROUNDS_FULL);
    print_structures(&flows, ROUNDS_FULL);
    print_worst();
}

fn small() {
    for (market, digest) in Market::ALL.iter().zip(DIGESTS_SMALL) {
        let flow = generate(*market, RESTING_SMALL, MESSAGES_SMALL);
        let (mut venue, mut tally) = (ready(&flow.fill), Tally::default());
        play(&mut venue, &flow.messages, &mut Vec::new(), &mut tally);
        let (mut naive, mut expected) = (Naive::default(), Tally::default());
        play(&mut naive, &flow.fill, &mut Vec::new(), &mut Tally::default());
        play(&mut naive, &flow.messages, &mut Vec::new(), &mut expected);
        assert_eq!(tally, expected, "the naive book says the same");
        assert_eq!(tally.digest, digest, "{}", market.name());
        let (fill, asks) = prices::record(&flow.fill, &flow.messages);
        let expected = asked::<Sorted>(&fill, &asks).1;
        assert_eq!(asked::<Paged>(&fill, &asks).1, expected);
        assert_eq!(asked::<Tree>(&fill, &asks).1, expected);
        assert_eq!(asked::<Bitmap>(&fill, &asks).1, expected);
        assert_eq!(asked::<Std>(&fill, &asks).1, expected);
        println!("{:<16} {} reports, digest {:016x}", market.name(), tally.reports, tally.digest);
    }
}
