//! Prices of indexes from logins: who may send them, and what is answered.

use super::raw::{address, start};
use crate::config::contracts::{CONTRACTS, with_defaults};
use crate::support::engines::{logged_events, small_config};
use dojima::client::{Client, ClientError, ClientEvent, Credentials, NewOrder, RejectCode, Start};
use dojima::config::{Config, Durability, LoginConfig, UserRole};
use dojima::domain::{
    ContractEvent, Event, IndexId, IndexOutcome, Price, ShardId, Symbol, Timestamp, UserRef,
};
use dojima::engine::Engine;
use dojima::runtime::ThreadingMode;
use dojima::wire::soup;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
const BTC: IndexId = IndexId(0);
const ETH: IndexId = IndexId(1);

/// A venue with the indexes BTC and ETH, and a login for prices of the first.
pub fn config() -> Config {
    let venue = Config::from_toml(&with_defaults(CONTRACTS), "contracts.toml").expect("a valid file");
    let small = small_config(ThreadingMode::Shared, Durability::Sync);
    let Config { shards, mut accounts, indexes, instruments, insurance_fund, .. } = venue;
    let prices = LoginConfig {
        role: UserRole::Index,
        indexes: vec!["BTC".to_owned()],
        ..LoginConfig::new("PRICES", "DEMO")
    };
    accounts[0].logins.push(prices);
    Config { shards, accounts, indexes, instruments, insurance_fund, ..small }
}

fn client(engine: &Engine, name: &str) -> Client {
    let who = Credentials {
        username: soup::username(name).expect("a name"),
        password: soup::password("DEMO").expect("a password"),
        heartbeat_timeout_ms: Some(15_000),
    };
    Client::connect(address(engine), &who, Start::Now).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn next(client: &mut Client) -> ClientEvent {
    client.next_event(PATIENCE).expect("connected").expect("in time").event
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64
}

fn refused(event: &ClientEvent) -> Option<(UserRef, RejectCode)> {
    if let ClientEvent::Rejected { user_ref, reason, .. } = event { Some((*user_ref, *reason)) } else { None }
}

#[test]
fn a_login_sends_prices_of_its_index_and_is_told_what_became_of_them() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    let mut prices = client(&engine, "PRICES");
    let first = now();
    for (price, after, outcome) in [
        (5_000_000, 0, IndexOutcome::Taken),
        // Farther than 10 %: the second one near it is taken.
        (6_000_000, 1, IndexOutcome::Held),
        (6_000_001, 2, IndexOutcome::Taken),
    ] {
        let source_time = Timestamp(first + after);
        let user_ref = prices.send_index(BTC, price, source_time).expect("sent");
        let expected = ClientEvent::IndexAnswered { user_ref, index: BTC, price, source_time, outcome };
        assert_eq!(next(&mut prices), expected);
    }
    for (index, price, source_time, code) in [
        (BTC, 6_000_002, first, 0x0F),
        (BTC, 0, first + 3, 0x1D),
        (BTC, u64::MAX, first + 3, 0x1D),
        (ETH, 300_000, first + 3, 0x0C),
        (IndexId(7), 300_000, first + 3, 0x0C),
    ] {
        let user_ref = prices.send_index(index, price, Timestamp(source_time)).expect("sent");
        let answer = next(&mut prices);
        assert_eq!(refused(&answer), Some((user_ref, RejectCode(code))), "{index} at {price}: {answer:?}");
    }
    let shards = engine.stop().expect("an orderly end").shards.expect("the exchange");
    assert_eq!(shards.get(ShardId(1)).expect("the shard").index_price(BTC), Some(Price(6_000_001)));
}

#[test]
fn others_send_no_prices_and_it_sends_nothing_else() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    let mut alice = client(&engine, "ALICE");
    let user_ref = alice.send_index(BTC, 5_000_000, Timestamp(now())).expect("sent");
    assert_eq!(refused(&next(&mut alice)), Some((user_ref, RejectCode(0x0C))));
    let symbol = Symbol::new("BTC-USDT").expect("a symbol");
    let order = NewOrder::buy(symbol, 1_000).limit(5_000_000);
    let user_ref = alice.enter(&order).expect("sent");
    assert!(matches!(next(&mut alice), ClientEvent::Accepted(order) if order.user_ref == user_ref));

    // It may ask for its next number. An order of it ends its connection, before it is one.
    let mut prices = client(&engine, "PRICES");
    prices.query_account().expect("sent");
    assert!(matches!(next(&mut prices), ClientEvent::AccountState { .. }));
    prices.cancel_all(None, None).expect("sent");
    let ended = prices.next_event(PATIENCE).expect_err("its connection has ended");
    assert!(matches!(ended, ClientError::Closed(_)), "{ended}");
    let mut prices = client(&engine, "PRICES");
    prices.enter(&order).expect("sent");
    assert!(prices.next_event(PATIENCE).is_err());
    engine.stop().expect("an orderly end");
    let events = logged_events(data.path());
    let is_price = |event: &Event| matches!(event, Event::Contract(ContractEvent::IndexSet(_)));
    assert!(!events.iter().any(|record| is_price(&record.event)), "nobody's price was taken");
}
