//! The book alone on one core: one message at a time with all its reports, no money and no names.
//!
//! `cargo bench --bench book` prints the figures. Under `cargo test` short flows run, their digests are held against those
//! written here, and a naive book has to say the same.

mod markets;

use markets::flow::{Message, Report, Tally, play};
use markets::generator::{Flow, Market, generate};
use markets::naive::Naive;
use markets::venue::Dojima;
use std::time::{Duration, Instant};

const MESSAGES_FULL: usize = 1_000_000;
const ROUNDS_FULL: usize = 11;
const RESTING: usize = 10_000;

fn main() {
    if std::env::args().any(|argument| argument == "--bench") {
        full();
    } else {
        small();
    }
}

/// A book filled and ready for the measured messages.
fn ready(flow: &Flow) -> Dojima {
    let mut venue = Dojima::new(1 << 20);
    play(&mut venue, &flow.fill, &mut Vec::new(), &mut Tally::default());
    venue
}

fn timed(venue: &mut Dojima, messages: &[Message], reports: &mut Vec<Report>) -> (Duration, Tally) {
    let mut tally = Tally::default();
    let start = Instant::now();
    play(venue, messages, reports, &mut tally);
    (start.elapsed(), tally)
}

/// Sorted times and what came of the work, the same every time.
struct Measured {
    times: Vec<Duration>,
    tally: Tally,
    resting: usize,
    levels: usize,
}

impl Measured {
    fn median(&self) -> Duration {
        self.times[self.times.len() / 2]
    }
}

fn million_a_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64() / 1e6
}

fn measure(flows: &[(Market, Flow)], rounds: usize) -> Vec<Measured> {
    let mut reports = Vec::with_capacity(1 << 12);
    let empty = || Measured { times: Vec::new(), tally: Tally::default(), resting: 0, levels: 0 };
    let mut all: Vec<Measured> = flows.iter().map(|_| empty()).collect();
    for round in 0..rounds {
        for ((_, flow), measured) in flows.iter().zip(&mut all) {
            let mut venue = ready(flow);
            let (time, tally) = timed(&mut venue, &flow.messages, &mut reports);
            assert!(round == 0 || tally == measured.tally, "every round says the same");
            (measured.tally, measured.resting, measured.levels) = (tally, venue.orders.len(), venue.levels());
            measured.times.push(time);
        }
    }
    all.iter_mut().for_each(|measured| measured.times.sort_unstable());
    all
}

fn full() {
    let flows: Vec<(Market, Flow)> =
        Market::ALL.iter().map(|market| (*market, generate(*market, RESTING, MESSAGES_FULL))).collect();
    let all = measure(&flows, ROUNDS_FULL);
    println!(
        "{:<16} {:>8} {:>8} {:>8} {:>10} {:>9} {:>8} {:>7}  {:>16}",
        "market", "median", "best", "ns", "messages", "trades", "resting", "levels", "digest"
    );
    for ((market, flow), measured) in flows.iter().zip(&all) {
        let count = flow.messages.len();
        println!(
            "{:<16} {:>6.2} M {:>6.2} M {:>8.1} {:>10} {:>9} {:>8} {:>7}  {:016x}",
            market.name(),
            million_a_second(count, measured.median()),
            million_a_second(count, measured.times[0]),
            measured.median().as_secs_f64() * 1e9 / count as f64,
            count,
            measured.tally.executions / 2,
            measured.resting,
            measured.levels,
            measured.tally.digest,
        );
        let mix = flow.mix;
        println!(
            "   {mix:?} reports {} cancelled {:.1} %",
            measured.tally.reports,
            100.0 * mix.taken_back as f64 / (mix.taken_back + mix.traded) as f64
        );
    }
}

fn small() {
    for market in Market::ALL {
        let flow = generate(market, 500, 20_000);
        let mut venue = ready(&flow);
        let (_, tally) = timed(&mut venue, &flow.messages, &mut Vec::new());
        let (mut naive, mut expected) = (Naive::default(), Tally::default());
        play(&mut naive, &flow.fill, &mut Vec::new(), &mut Tally::default());
        play(&mut naive, &flow.messages, &mut Vec::new(), &mut expected);
        println!("{:<16} {tally:?} {} resting {:?}", market.name(), venue.orders.len(), flow.mix);
        let digest = |tally: Tally| tally.executions;
        assert_eq!(digest(tally), digest(expected));
    }
}
