//! The five markets played to Dojima's book and to others, round by round, in one run on one core.

use dojima_peers::markets::generator::{Flow, Market, generate};
use dojima_peers::{Lobster, Matchcore, OrderbookRs, Ours, Peer};
use std::time::{Duration, Instant};

/// Name, whether it has to trade the same, and what plays a flow to it.
type Contender = (&'static str, bool, fn(&Flow) -> (Duration, u64));

const PEERS: [Contender; 4] = [
    (Ours::NAME, Ours::AGREES, run::<Ours>),
    (Lobster::NAME, Lobster::AGREES, run::<Lobster>),
    (Matchcore::NAME, Matchcore::AGREES, run::<Matchcore>),
    (OrderbookRs::NAME, OrderbookRs::AGREES, run::<OrderbookRs>),
];

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (resting, messages, rounds) = if full { (10_000, 300_000, 5) } else { (500, 10_000, 1) };
    println!("M messages/s, median of {rounds}, and how many times as fast dojima is; {resting} orders rest");
    print!("{:<16}", "market");
    PEERS.iter().for_each(|(name, ..)| print!(" {name:>22}"));
    println!(" {:>14}", "lots traded");
    for market in Market::ALL {
        compare(market, &generate(market, resting, messages), rounds);
    }
}

/// All peers in turn; those that agree must trade the same number of lots.
fn compare(market: Market, flow: &Flow, rounds: usize) {
    let mut times = PEERS.map(|_| Vec::new());
    let mut expected = None;
    for _ in 0..rounds {
        for ((name, agrees, run), times) in PEERS.iter().zip(&mut times) {
            let (time, lots) = run(flow);
            let lots = if *agrees { lots } else { expected.unwrap_or(lots) };
            assert_eq!(*expected.get_or_insert(lots), lots, "{name} in the {} market", market.name());
            times.push(time);
        }
    }
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    });
    print!("{:<16}", market.name());
    for median in medians {
        print!(" {:>12.2} ({:>6.1} x)", flow.messages.len() as f64 / median / 1e6, median / medians[0]);
    }
    println!(" {:>14}", expected.unwrap_or_default());
}

fn run<P: Peer>(flow: &Flow) -> (Duration, u64) {
    let mut peer = P::new();
    flow.fill.iter().for_each(|message| assert_eq!(peer.apply(message), 0, "the fill only rests"));
    let start = Instant::now();
    let lots = flow.messages.iter().map(|message| peer.apply(message)).sum();
    (start.elapsed(), lots)
}
