//! The examples of the client library against an engine in this process.

// Their `main`s are not run here.
#[allow(dead_code)]
#[path = "../examples/drop_copy.rs"]
mod drop_copy;
#[allow(dead_code)]
#[path = "../examples/market_data.rs"]
mod market_data;
#[allow(dead_code)]
#[path = "../examples/market_maker.rs"]
mod market_maker;

use crate::entry::raw::start;
use crate::support::engines::small_config;
use dojima::client::{Client, ClientEvent, Credentials, NewOrder, Start};
use dojima::config::{Durability, LoginConfig, UserRole};
use dojima::domain::Symbol;
use dojima::runtime::ThreadingMode;
use dojima::wire::soup;
use market_maker::{MarketMaker, Quotes};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SYMBOL: Symbol = Symbol(*b"BTC-USDT");
const PATIENCE: Duration = Duration::from_secs(20);

fn who(name: &str) -> Credentials {
    Credentials {
        username: soup::username(name).expect("a name"),
        password: soup::password("DEMO").expect("a password"),
        heartbeat_timeout_ms: None,
    }
}

/// Three programs of one venue: one makes a market, one reads the copies of what it is told, one the market data.
#[test]
fn a_market_is_made_copied_and_read() {
    let data = TempDir::new().expect("a temporary directory");
    let mut config = small_config(ThreadingMode::Shared, Durability::Async);
    let copy = LoginConfig {
        role: UserRole::DropCopy,
        copies: vec![config.accounts[0].name.clone()],
        ..LoginConfig::new("COPY", "DEMO")
    };
    config.accounts[3].logins.push(copy);
    let engine = start(&config, data.path());
    let address = engine.order_entry.expect("it listens");
    let (stream, glimpse) = (engine.market_data.expect("it listens"), engine.glimpse.expect("it listens"));

    let quotes = Quotes { symbol: SYMBOL, middle: 6_500_000, half_spread: 100, lots: 1_000 };
    let client = Client::connect(address, &who("alice"), Start::Now).expect("logs in");
    let mut maker = MarketMaker::begin(client, quotes).expect("it quotes");
    let mut reader = market_data::Reader::join(glimpse, stream, who("carol")).expect("it joins");
    let top = |reader: &mut market_data::Reader, maker: &mut MarketMaker, wanted: &str| {
        let started = Instant::now();
        loop {
            maker.turn(Duration::from_millis(1)).expect("connected");
            reader.turn(Duration::from_millis(1)).expect("connected");
            let (_, book) = reader.books().find(SYMBOL).expect("it is listed");
            let line = market_data::line(book);
            if line == wanted {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{line} is not {wanted}");
        }
    };
    top(&mut reader, &mut maker, "BTC-USDT: 6499900 × 1000 / 6500100 × 1000");

    // The offer is taken in two parts, and the quotes move up.
    let mut bob = Client::connect(address, &who("bob"), Start::Now).expect("logs in");
    bob.enter(&NewOrder::buy(SYMBOL, 400).limit(6_500_100).immediate_or_cancel()).expect("sent");
    top(&mut reader, &mut maker, "BTC-USDT: 6499900 × 1000 / 6500100 × 600");
    bob.enter(&NewOrder::buy(SYMBOL, 600).limit(6_500_100).immediate_or_cancel()).expect("sent");
    top(&mut reader, &mut maker, "BTC-USDT: 6500000 × 1000 / 6500200 × 1000");
    // Both go on with new connections where they were.
    maker.reconnect(|start| Client::connect(address, &who("alice"), start)).expect("logs in");
    let lost = dojima::client::ClientError::Closed(soup::username("CAROL").expect("a name"));
    reader.reconnect(&lost.into()).expect("logs in");
    bob.enter(&NewOrder::sell(SYMBOL, 1_000).limit(6_500_000).immediate_or_cancel()).expect("sent");
    top(&mut reader, &mut maker, "BTC-USDT: 6499900 × 1000 / 6500100 × 1000");
    maker.end().expect("an orderly end");

    // The copies, in two parts.
    let file = data.path().join("bookmark");
    let mut executed = Vec::new();
    for _ in 0..2 {
        let from = drop_copy::start(&file).expect("a place");
        let quiet = Duration::from_millis(500);
        let mark = drop_copy::read(address, &who("copy"), from, quiet, |message| {
            if let (ClientEvent::Executed { quantity, price, .. }, Some(_)) = (message.event, message.copy_of)
            {
                executed.push((quantity.0, price));
            }
        });
        std::fs::write(&file, drop_copy::written(&mark.expect("it reads"))).expect("written");
    }
    assert_eq!(executed, [(400, 6_500_100), (600, 6_500_100), (1_000, 6_500_000)], "each once");
    engine.stop().expect("an orderly end");
}
