//! How fast events become market data, and what that adds to the latency of orders.
//!
//! `cargo bench --bench feed` measures; under `cargo test` the same code runs small, and the digest of the messages is held
//! against a known one. Latency is measured in one run with and without market data, by turns, from the client's send to
//! the answer it reads, one order at a time; both engines are idle when the other one is measured.

#[path = "../tests/it/persister/market.rs"]
mod market;

use dojima::client::session::{Credentials, Resume, Session};
use dojima::client::{MarketSession, Received};
use dojima::config::{Config, Durability};
use dojima::domain::{ClOrdId, EventRecord, Symbol, UserRef};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::market::{Books, Feed, Published};
use dojima::wire::itch::MESSAGE_LEN_MAX;
use dojima::wire::ouch::{Appendage, EnterOrder, Inbound, Outbound};
use dojima::wire::soup;
use hdrhistogram::Histogram;
use market::{Market, Mix};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Makers that follow the price: 82 % of all orders are moves.
const MOVES: Mix = Mix { replace: 820, cancel: 60, take: 30, odd: 0 };
/// Every second order trades.
const TRADES: Mix = Mix { replace: 50, cancel: 50, take: 450, odd: 0 };

const ACCOUNTS: u32 = 1_000;

/// How much is measured.
struct Size {
    commands: usize,
    rounds: usize,
    orders: u32,
}

/// Turns are short, so that the client whose turn it is not need not send heartbeats.
const FULL: Size = Size { commands: 1_000_000, rounds: 100, orders: 100 };
const SMALL: Size = Size { commands: 5_000, rounds: 1, orders: 20 };

/// The first 8 bytes of the SHA-256 over the messages of each small run.
const SMALL_DIGESTS: [(&str, u64); 2] = [("moves", 0x8e5d_8bd6_bfd8_e76b), ("trades", 0x6b88_9ad1_87dc_a8ff)];

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let size = if full { FULL } else { SMALL };
    let mut digests = Vec::new();
    for (name, mix) in [("moves", MOVES), ("trades", TRADES)] {
        let mut events = Vec::new();
        Market::new(7, ACCOUNTS, mix, &mut events).run(size.commands, &mut events);
        digests.push((name, publish(name, &events, size.rounds.min(3))));
    }
    for (name, digest) in &digests {
        println!("messages of {name}: {digest:016x}");
    }
    for durability in [Durability::Sync, Durability::Async] {
        latency(durability, &size);
    }
    if !full {
        assert_eq!(digests, SMALL_DIGESTS, "the messages are not what they were");
    }
}

fn per_second(count: usize, best: Duration) -> f64 {
    count as f64 / best.as_secs_f64() / 1e6
}

/// Events to messages, then to bytes, then to books; the digest of the bytes.
fn publish(name: &str, events: &[EventRecord], rounds: usize) -> u64 {
    let (mut best, mut said, mut digest) = ([Duration::MAX; 2], Vec::new(), 0);
    for _ in 0..rounds {
        let mut feed = Feed::default();
        said.clear();
        let started = Instant::now();
        for event in events {
            feed.apply(event, &mut said);
        }
        feed.complete(&mut said);
        best[0] = best[0].min(started.elapsed());
        digest = digest_of(&said);
        let mut books = Books::default();
        let started = Instant::now();
        said.iter().for_each(|said| books.apply(&said.message).expect("it makes sense"));
        best[1] = best[1].min(started.elapsed());
        black_box(&books);
    }
    println!(
        "{name:<8} {} events, {} messages: {:.1} M events/s to messages, {:.1} M messages/s to books",
        events.len(),
        said.len(),
        per_second(events.len(), best[0]),
        per_second(said.len(), best[1]),
    );
    digest
}

fn digest_of(said: &[Published]) -> u64 {
    let mut sha = Sha256::new();
    for said in said {
        let mut bytes = [0; MESSAGE_LEN_MAX];
        let len = said.message.encode(&mut bytes).expect("it fits");
        sha.update(&bytes[..len]);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&sha.finalize()[..8]);
    u64::from_be_bytes(first)
}

/// An engine and its one client.
struct Side {
    name: &'static str,
    engine: Engine,
    _folder: TempDir,
    client: Session,
    subscriber: Option<MarketSession>,
    next: u32,
    latencies: Histogram<u64>,
}

impl Side {
    fn new(name: &'static str, durability: Durability, market_data: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config::spot();
        config.gateway.messages_per_second = 0;
        let free = "127.0.0.1:0".parse().expect("an address");
        config.gateway.listen = free;
        (config.market_data.listen, config.market_data.glimpse_listen) = (free, free);
        config.market_data.enabled = market_data;
        config.journal.durability = durability;
        config.sql.enabled = false;
        config.snapshots.enabled = false;
        let on_progress = &mut |_| {};
        let launch = Launch {
            order_entry: OrderEntry::Listen,
            on_fatal: OnFatal::Stop,
            implausible_clock: ImplausibleClock::Refuse,
            on_progress,
        };
        let engine = Engine::start(&config, folder.path(), launch).expect("it starts");
        let who = Credentials {
            username: soup::username("ALICE").expect("a name"),
            password: soup::password("DEMO").expect("a password"),
            heartbeat_timeout_ms: None,
        };
        let address = engine.order_entry.expect("it listens");
        let client = Session::connect(address, &who, Resume::START).expect("a login");
        let subscriber = engine.market_data.map(|address| {
            MarketSession::connect(address, &who, Resume { session: None, sequence: 1 }).expect("a login")
        });
        let latencies = Histogram::new(3).expect("a histogram");
        Self { name, engine, _folder: folder, client, subscriber, next: 1, latencies }
    }

    /// Sends orders that rest, one at a time.
    fn run(&mut self, orders: u32, count_them: bool) {
        for _ in 0..orders {
            let order = EnterOrder {
                user_ref: UserRef(self.next),
                side: b'B',
                quantity: 1,
                symbol: Symbol::new("BTC-USDT").expect("a symbol"),
                price: 100_000 + u64::from(self.next % 1_000) * 100,
                time_in_force: b'0',
                display: b'Y',
                capacity: b'P',
                iso: b'N',
                cross_type: b'N',
                cl_ord_id: ClOrdId::default(),
            };
            self.next += 1;
            let started = Instant::now();
            self.client.send(&Inbound::Enter(order, Appendage::default()));
            self.client.flush().expect("sent");
            let mut answered = false;
            while !answered {
                let Received { messages, .. } = self
                    .client
                    .receive(|_, message| answered |= !matches!(message, Outbound::System(_)))
                    .expect("an answer");
                if messages == 0 {
                    self.client.wait(Duration::from_millis(100)).expect("a socket");
                }
            }
            if count_them {
                self.latencies.record(started.elapsed().as_nanos() as u64).expect("in range");
            }
        }
        // Not after every order: that would make the one client slower than the other.
        if let Some(subscriber) = &mut self.subscriber {
            subscriber
                .receive(|_, message| {
                    black_box(message);
                })
                .expect("market data");
        }
    }
}

fn latency(durability: Durability, size: &Size) {
    let mut sides = [
        Side::new("without market data", durability, false),
        Side::new("with market data", durability, true),
    ];
    sides.iter_mut().for_each(|side| side.run(size.orders, false));
    for _ in 0..size.rounds {
        sides.iter_mut().for_each(|side| side.run(size.orders, true));
    }
    for side in &sides {
        let at = |percentile| side.latencies.value_at_quantile(percentile) as f64 / 1e3;
        println!(
            "{durability}, {:<20} order to answer: p50 {:.1} µs, p90 {:.1} µs, p99 {:.1} µs, mean {:.1} µs",
            side.name,
            at(0.5),
            at(0.9),
            at(0.99),
            side.latencies.mean() / 1e3,
        );
    }
    let [without, with] = &sides;
    let p50 = |side: &Side| side.latencies.value_at_quantile(0.5) as f64;
    println!("{durability}, market data adds {:+.1} % at p50", (p50(with) / p50(without) - 1.0) * 100.0);
    for side in sides {
        drop((side.client, side.subscriber));
        side.engine.stop().expect("an orderly end");
    }
}
