//! The built-in venue as a user has it: served, traded in both of its shards, stopped, verified, replayed, and asked in SQL.

use super::Place;
use dojima::client::{Client, ClientEvent, Credentials, NewOrder, Start};
use dojima::config::DEFAULT_TOML;
use dojima::domain::Symbol;
use dojima::wire::soup;
use rusqlite::Connection;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn client(server: std::net::SocketAddr, name: &str) -> Client {
    let who = Credentials {
        username: soup::username(name).expect("a name"),
        password: soup::password("DEMO").expect("a password"),
        heartbeat_timeout_ms: None,
    };
    Client::connect(server, &who, Start::Now).expect("logs in")
}

/// Enters the order until the contract is open: it opens as soon as its index has a price, right after the start.
fn trade(maker: &mut Client, taker: &mut Client, symbol: &str, price: u64) {
    let symbol = Symbol::new(symbol).expect("a symbol");
    // What comes of orders; how the positions change is not looked at.
    let next = |client: &mut Client| {
        loop {
            let event = client.next_event(PATIENCE).expect("connected").expect("in time").event;
            if !matches!(event, ClientEvent::PositionChanged(_)) {
                return event;
            }
        }
    };
    loop {
        maker.enter(&NewOrder::buy(symbol, 100).limit(price)).expect("sent");
        match next(maker) {
            ClientEvent::Accepted(_) => break,
            ClientEvent::Rejected { reason, .. } if reason.0 == 0x02 => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => panic!("{other:?}"),
        }
    }
    taker.enter(&NewOrder::sell(symbol, 100).limit(price)).expect("sent");
    assert!(matches!(next(taker), ClientEvent::Accepted(_)), "{symbol:?}");
    assert!(matches!(next(taker), ClientEvent::Executed { .. }), "{symbol:?}");
    assert!(matches!(next(maker), ClientEvent::Executed { .. }), "{symbol:?}");
}

#[test]
fn the_built_in_venue_trades_in_both_shards_and_all_of_it_agrees() {
    let place = Place::new();
    place.configure(|_| {
        DEFAULT_TOML
            .replace("segment_mib = 64", "segment_mib = 1")
            .replace("orders_max = 1000000", "orders_max = 1000")
    });
    let server = place.serve();
    let (mut alice, mut bob) = (client(server.address, "ALICE"), client(server.address, "BOB"));
    for (symbol, price) in [
        ("BTC-USDT", 6_500_000),
        ("ETH-USDT", 300_000),
        ("BTC-PERP", 6_500_000),
        ("ETH-PERP", 300_000),
        ("BTC-INV", 6_500_000),
        ("BTC-Z99", 6_500_000),
    ] {
        trade(&mut alice, &mut bob, symbol, price);
    }
    let log = server.terminate().stderr;
    assert!(!log.contains("was refused"), "{log}");
    for command in ["verify", "replay"] {
        let done = place.run(command, &[]);
        assert_eq!(done.code, Some(0), "{command}: {}{}", done.stdout, done.stderr);
    }
    let database = Connection::open(place.data().join("dojima.sqlite")).expect("a database");
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
    assert_eq!(count("SELECT count(*) FROM trades"), 6);
    assert_eq!(count("SELECT count(*) FROM positions WHERE lots <> 0"), 8);
    assert_eq!(count("SELECT count(*) FROM positions WHERE lots > 0"), 4);
}
