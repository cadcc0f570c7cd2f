//! Market data as its subscribers get it: whole, gapless, from any message, across restarts; and that nobody can cost anybody
//! else anything.

mod clients;
mod mold;
mod restarts;

use crate::support::commands::Commands;
use crate::support::engines::{send, small_config};
use dojima::client::session::{Credentials, Resume};
use dojima::client::{ClientError, MarketError, MarketSession};
use dojima::config::{Config, Durability, LoginConfig};
use dojima::domain::{EventRecord, codec};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::exchange::Exchange;
use dojima::market::{Books, Feed, Published};
use dojima::recovery::DataDir;
use dojima::runtime::ThreadingMode;
use dojima::wire::itch::Message;
use dojima::wire::soup;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a test waits at most for something that must come. Nothing depends on how long it takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn config() -> Config {
    let mut config = small_config(ThreadingMode::Shared, Durability::Sync);
    config.market_data.connections_per_user = 64;
    config
}

fn start(config: &Config, data: &Path) -> Engine {
    let launch = Launch {
        order_entry: OrderEntry::Listen,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    Engine::start(config, data, launch).expect("the engine starts")
}

fn who(username: &str, password: &str) -> Credentials {
    Credentials {
        username: soup::username(username).expect("a name"),
        password: soup::password(password).expect("a password"),
        heartbeat_timeout_ms: None,
    }
}

fn alice() -> Credentials {
    who("ALICE", "DEMO")
}

fn connect(address: Option<SocketAddr>, from: u64) -> MarketSession {
    let resume = Resume { session: None, sequence: from };
    MarketSession::connect(address.expect("it listens"), &alice(), resume).expect("a login")
}

/// Sends the next commands, and waits until their market data is published.
fn trade(engine: &mut Engine, commands: &mut Commands, count: usize) {
    let before = engine.watch().sequenced();
    send(engine.local(), commands.take(count));
    let published = || {
        let watch = engine.watch();
        let done = watch.sequenced() >= before + count as u64 && watch.is_drained();
        done && watch.in_market_data.as_ref().is_some_and(|at| at.get() == watch.archived.get())
    };
    wait_for("market data", published);
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Receives so many messages.
fn receive(session: &mut MarketSession, count: usize) -> Vec<(u64, Message)> {
    let mut received = Vec::new();
    let started = Instant::now();
    while received.len() < count {
        assert!(started.elapsed() < PATIENCE, "{} of {count} messages came", received.len());
        if !session.receive(|number, message| received.push((number, message))).expect("a stream") {
            session.wait(Duration::from_millis(20)).expect("a socket");
        }
    }
    received
}

/// What the events of the event log give.
fn expected(data: &Path) -> Vec<Published> {
    let dir = DataDir::new(data);
    let mut reader = dojima_journal::Reader::open(dir.event_log().dir(), 1).expect("the event log opens");
    let (mut feed, mut said) = (Feed::default(), Vec::new());
    while let Some(record) = reader.next().expect("the event log reads") {
        let record: EventRecord = codec::decode_event(record.payload).expect("an event");
        feed.apply(&record, &mut said);
    }
    feed.complete(&mut said);
    said
}

/// What is in the log of messages.
fn logged(data: &Path) -> Vec<(u64, Message)> {
    let dir = DataDir::new(data);
    let mut reader = dojima_journal::Reader::open(dir.market_data().dir(), 1).expect("the log opens");
    let mut messages = Vec::new();
    while let Some(record) = reader.next().expect("the log reads") {
        let (sequence, message) = record.payload.split_at(8);
        let sequence = u64::from_le_bytes(sequence.try_into().expect("8 bytes"));
        messages.push((sequence, Message::decode(message).expect("a message")));
    }
    messages
}

fn assert_logged_as_expected(data: &Path) {
    let expected: Vec<_> = expected(data).into_iter().map(|said| (said.sequence, said.message)).collect();
    let logged = logged(data);
    assert_eq!(logged.len(), expected.len());
    if let Some(at) = (0..logged.len()).find(|at| logged[*at] != expected[*at]) {
        panic!("message {}: {:?} and not {:?}", at + 1, logged[at], expected[at]);
    }
}

fn assert_books_are(books: &Books, exchange: &Exchange) {
    for listing in exchange.listings() {
        let book = books.book(listing.instrument.0 as u16 + 1).expect("its book");
        let depth = book.depth(usize::MAX);
        for (side, levels) in
            [(dojima::domain::Side::Buy, depth.bids), (dojima::domain::Side::Sell, depth.asks)]
        {
            let ours: Vec<_> = exchange
                .levels(listing.instrument, side)
                .map(|level| (listing.price_units(level.price) as u32, level.quantity.0))
                .collect();
            let theirs: Vec<_> = levels.iter().map(|level| (level.price, level.shares)).collect();
            assert_eq!(theirs, ours, "{side:?} of {}", listing.symbol);
        }
    }
}

fn is_rejected(error: &MarketError) -> bool {
    matches!(error, MarketError::Client(ClientError::Rejected { .. }))
}

fn user(username: &str, role: &str) -> LoginConfig {
    let text = format!("username = {username:?}\npassword = \"DEMO\"\nrole = {role:?}");
    toml::from_str(&text).expect("a user")
}
