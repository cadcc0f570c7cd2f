//! A venue of two shards as its clients and operators have it: an engine that is started, stopped, killed and started from a snapshot,
//! and what is refused.

mod busy;
mod named;

use crate::cli::{Done, assert_says, dojima};
use crate::lost::TOOLS;
use crate::snapshot::file::Parts;
use crate::support::crash_site::{Remains, examine};
use crate::support::engines::{small_config, with_two_shards};
use crate::support::process::EngineProcess;
use crate::support::spot::SPOT_TOML;
use dojima::client::{
    Client, ClientEvent, ClientTransfer, Credentials, MarketSession, NewOrder, OrderTerms, Replacement,
    Resume, Start, market,
};
use dojima::config::{Config, ConfigError, Durability};
use dojima::domain::{Amount, AssetId, OrderId, Quantity, ShardId, Side, Symbol, TradeId, UserRef};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::recovery::DataDir;
use dojima::replica::Snapshots;
use dojima::replica::snapshot::layout::{SHARD_SECTIONS, SHARDS_AT};
use dojima::runtime::ThreadingMode;
use dojima::wire::soup;
use rusqlite::Connection;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
const BTC: Symbol = Symbol(*b"BTC-USDT");
const ETH: Symbol = Symbol(*b"ETH-USDT");
const TWO: ShardId = ShardId(1);

fn config() -> Config {
    with_two_shards(small_config(ThreadingMode::Shared, Durability::Sync))
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

fn who(name: &str) -> Credentials {
    Credentials {
        username: soup::username(name).expect("a name"),
        password: soup::password("DEMO").expect("a password"),
        heartbeat_timeout_ms: Some(15_000),
    }
}

fn client(address: SocketAddr, name: &str) -> Client {
    Client::connect(address, &who(name), Start::Now).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn next(client: &mut Client) -> ClientEvent {
    client.next_event(PATIENCE).expect("connected").expect("in time").event
}

fn accepted(client: &mut Client, order: &NewOrder) -> (UserRef, OrderId) {
    let user_ref = client.enter(order).expect("sent");
    match next(client) {
        ClientEvent::Accepted(OrderTerms { user_ref: own, order, .. }) if own == user_ref => {
            (user_ref, order)
        }
        other => panic!("{other:?}"),
    }
}

fn replaced(client: &mut Client, order: UserRef, lots: u64, price: u64) -> (UserRef, OrderId) {
    let user_ref = client.replace(order, &Replacement::total(lots).limit(price)).expect("sent");
    match next(client) {
        ClientEvent::Replaced { orig_user_ref, order: terms } if orig_user_ref == order => {
            assert_eq!((terms.user_ref, terms.quantity), (user_ref, Quantity(lots)));
            (user_ref, terms.order)
        }
        other => panic!("{other:?}"),
    }
}

fn cancelled(client: &mut Client, order: UserRef) {
    client.cancel(order).expect("sent");
    expect_cancel(client, order);
}

fn expect_cancel(client: &mut Client, order: UserRef) {
    let event = next(client);
    assert!(matches!(event, ClientEvent::Canceled { user_ref, .. } if user_ref == order), "{event:?}");
}

/// The next number, after which nothing else was told.
fn next_number(client: &mut Client) -> UserRef {
    client.query_account().expect("sent");
    match next(client) {
        ClientEvent::AccountState { next_user_ref, .. } => next_user_ref,
        other => panic!("{other:?}"),
    }
}

/// The number of a shard's order, counted from 1.
fn order_of(shard: ShardId, count: u64) -> OrderId {
    OrderId(OrderId::before_first(shard).0 + count)
}

#[test]
fn a_login_trades_in_both_shards() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    let address = engine.order_entry.expect("it listens");
    let mut alice = client(address, "alice");
    let (one, order) = accepted(&mut alice, &NewOrder::buy(BTC, 500).limit(5_000_000));
    assert_eq!(order, order_of(ShardId::FIRST, 1));
    let (two, order) = accepted(&mut alice, &NewOrder::buy(ETH, 500).limit(300_000));
    assert_eq!(order, order_of(TWO, 1));

    // The client's number alone says where the order is.
    let (three, order) = replaced(&mut alice, two, 400, 300_100);
    assert_eq!(order, order_of(TWO, 2));
    let (four, order) = replaced(&mut alice, one, 300, 5_000_100);
    assert_eq!(order, order_of(ShardId::FIRST, 2));
    alice.modify(three, Side::Buy, 300).expect("sent");
    let event = next(&mut alice);
    assert!(
        matches!(event, ClientEvent::Modified { user_ref, open: Quantity(300), .. } if user_ref == three),
        "{event:?}"
    );
    cancelled(&mut alice, three);
    assert_eq!(next_number(&mut alice), UserRef(5));

    // Nothing is told of an order that is not live, but a replace of it may have used up its number.
    alice.replace(three, &Replacement::total(10).limit(300_000)).expect("sent");
    assert_eq!(next_number(&mut alice), UserRef(6));
    // A number of an order is none of a message, however high it is.
    for stranger in [UserRef(77), UserRef(u32::MAX)] {
        alice.cancel(stranger).expect("sent");
        alice.modify(stranger, Side::Buy, 1).expect("sent");
    }
    assert_eq!(next_number(&mut alice), UserRef(6));
    alice.log_out();
    let mut alice = client(address, "alice");
    assert_eq!(alice.next_user_ref(), Some(UserRef(6)));
    let (six, _) = accepted(&mut alice, &NewOrder::sell(ETH, 20).limit(400_000));
    assert_eq!(six, UserRef(6));
    alice.query_balance(AssetId(1)).expect("sent");
    let ClientEvent::AccountState { balance: Some(balance), .. } = next(&mut alice) else {
        panic!("no balance");
    };
    assert_eq!(balance.reserved.0, 0, "it is that of the first shard, and the order is in the second");

    let all = alice.cancel_all(None, None).expect("sent");
    let answer = ClientEvent::MassCanceled { user_ref: all, symbol: None, side: None };
    expect_cancel(&mut alice, four);
    assert_eq!(next(&mut alice), answer, "of the first shard");
    expect_cancel(&mut alice, six);
    assert_eq!(next(&mut alice), answer, "of the second");
    let one_of_them = alice.cancel_all(Some(ETH), None).expect("sent");
    let event = next(&mut alice);
    assert!(
        matches!(event, ClientEvent::MassCanceled { user_ref, symbol: Some(ETH), .. } if user_ref == one_of_them),
        "{event:?}"
    );
    assert_eq!(next_number(&mut alice), UserRef(9), "one answer for one instrument");
    engine.stop().expect("an orderly end");
}

/// Of which shards the account has how much of USDT, and how much of it is reserved, according to SQL.
fn wallets(file: &Path, account: i64) -> Vec<[i64; 3]> {
    let database = Connection::open(file).expect("opens");
    let of_account = format!(
        "SELECT shard, total, reserved FROM balances WHERE account = {account} AND asset = 2 ORDER BY 1"
    );
    rows(&database, &of_account)
}

#[test]
fn money_goes_from_wallet_to_wallet() {
    let data = TempDir::new().expect("a temporary directory");
    let config = config();
    fs::write(data.path().join("engine.toml"), config.to_toml().expect("can be written")).expect("writes");
    let engine = start(&config, data.path());
    let mut alice = client(engine.order_entry.expect("it listens"), "alice");
    let transfer = ClientTransfer {
        asset: AssetId(2),
        amount: Amount(2_500_000_000),
        from: ShardId::FIRST,
        to: TWO,
        reference: 100,
    };
    let before = 1_000_000_000 * 100_000_000;
    let user_ref = alice.transfer(&transfer).expect("sent");
    let wallet = Amount(before - transfer.amount.0);
    assert_eq!(next(&mut alice), ClientEvent::TransferSent { user_ref, transfer, number: 1, wallet });
    // Neither the same again, nor one to where it comes from.
    for refused in [transfer, ClientTransfer { to: ShardId::FIRST, reference: 101, ..transfer }] {
        let number = alice.transfer(&refused).expect("sent");
        let event = next(&mut alice);
        assert!(matches!(event, ClientEvent::Rejected { user_ref, .. } if user_ref == number), "{event:?}");
    }
    assert_eq!(next_number(&mut alice), UserRef(4));

    let operator = |words: &[&str]| -> Done {
        let directory = data.path().display().to_string();
        let all: Vec<&str> =
            ["operator", "--data", &directory].into_iter().chain(words.iter().copied()).collect();
        dojima(&all).output().expect("the program runs").into()
    };
    let back = "transfer --account alice --asset USDT --amount 5 --from TWO --to ONE --reference 100";
    let back: Vec<&str> = back.split(' ').collect();
    let done = operator(&back);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
    let again = operator(&back);
    assert_ne!(again.code, Some(0), "{}", again.stdout);
    let left = before - 2_000_000_000;
    // What arrives is told to nobody. The second transfer arrives after the first one, at the first shard.
    let deadline = Instant::now() + PATIENCE;
    loop {
        alice.query_balance(transfer.asset).expect("sent");
        match next(&mut alice) {
            ClientEvent::AccountState { balance: Some(balance), .. } if balance.available.0 == left => break,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
    }
    engine.stop().expect("an orderly end");
    let file = data.path().join("dojima.sqlite");
    assert_eq!(wallets(&file, 1), [[0, left, 0], [1, before + 2_000_000_000, 0]]);
    let database = Connection::open(&file).expect("opens");
    let sent = "SELECT from_shard, to_shard, number, account, amount FROM shard_transfers ORDER BY 1";
    assert_eq!(rows(&database, sent), [[0, 1, 1, 1, 2_500_000_000], [1, 0, 1, 1, 500_000_000]]);
    let verified = run("verify", data.path());
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
}

/// Alice sells to Bob in both instruments, 100 lots each, at these prices; their trades.
fn trade(address: SocketAddr, btc: u64, eth: u64) -> [TradeId; 2] {
    let (mut alice, mut bob) = (client(address, "alice"), client(address, "bob"));
    [(BTC, btc), (ETH, eth)].map(|(symbol, price)| {
        accepted(&mut alice, &NewOrder::sell(symbol, 100).limit(price));
        accepted(&mut bob, &NewOrder::buy(symbol, 100).limit(price));
        let ClientEvent::Executed { trade, quantity, .. } = next(&mut bob) else { panic!("no trade") };
        let ClientEvent::Executed { trade: same, .. } = next(&mut alice) else { panic!("no trade") };
        assert_eq!((same, quantity), (trade, Quantity(100)));
        trade
    })
}

fn trades(count: u64) -> [TradeId; 2] {
    [ShardId::FIRST, TWO].map(|shard| TradeId(TradeId::before_first(shard).0 + count))
}

/// The program with a command on these files.
fn run(command: &str, data: &Path) -> Done {
    let mut program = dojima(&[command, "--data"]);
    program.arg(data);
    if command != "replay" {
        program.arg("--config").arg(data.join("engine.toml"));
    }
    program.output().expect("the program runs").into()
}

fn rows<const N: usize>(database: &Connection, sql: &str) -> Vec<[i64; N]> {
    let mut statement = database.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| {
        let mut cells = [0; N];
        for (at, cell) in cells.iter_mut().enumerate() {
            *cell = row.get(at)?;
        }
        Ok(cells)
    });
    rows.expect("runs").collect::<Result<_, _>>().expect("rows")
}

/// What SQL has of the two trades of [`trade`] with 5,000,000 and 300,000, three times, and of an open order of Carol in either shard.
fn check_sql(file: &Path) {
    let database = Connection::open(file).expect("opens");
    let second = i64::try_from(OrderId::before_first(TWO).0).expect("fits");
    assert_eq!(rows(&database, "SELECT shard, event FROM shards WHERE shard > 0"), [[1, 3]]);
    assert_eq!(rows(&database, "SELECT instrument, shard FROM instruments ORDER BY 1"), [[0, 0], [1, 1]]);
    for (table, number, count) in [("trades", "trade_id", 3), ("orders", "order_id", 7)] {
        let sql = format!(
            "SELECT instrument, min({number}), max({number}), count(*) FROM {table} GROUP BY 1 ORDER BY 1"
        );
        let expected = [[0, 1, count, count], [1, second + 1, second + count, count]];
        assert_eq!(rows(&database, &sql), expected, "{table}");
    }
    let conserved = rows::<3>(&database, "SELECT supply, held, supply = held FROM conservation");
    assert!(conserved.len() == 3 && conserved.iter().all(|[.., same]| *same == 1), "{conserved:?}");
    // Each shard by itself, too.
    let paid_in = "SELECT t.shard, t.asset, sum(t.amount) FROM transfers t GROUP BY 1, 2 ORDER BY 1, 2";
    let held = "SELECT shard, asset, sum(total) FROM balances GROUP BY 1, 2 ORDER BY 1, 2";
    assert_eq!(rows::<3>(&database, paid_in), rows::<3>(&database, held));
    assert_eq!(rows::<1>(&database, "SELECT count(*) FROM transfers WHERE shard = 1"), [[12]]);
    // 300 lots each: of BTC 0.00001, of ETH 0.0001.
    let alice = "SELECT shard, asset, sum(total) FROM balances WHERE account = 1 AND asset < 2 GROUP BY 1, 2 ORDER BY 1, 2";
    let (btc, eth) = (100_000 * 100_000_000, 1_000_000 * 100_000_000);
    let expected = [[0, 0, btc - 300 * 1_000], [0, 1, eth], [1, 0, btc], [1, 1, eth - 300 * 10_000]];
    assert_eq!(rows(&database, alice), expected);
    let carol = "SELECT shard, reserved > 0 FROM balances WHERE account = 3 AND asset = 2 ORDER BY shard";
    assert_eq!(rows(&database, carol), [[0, 1], [1, 1]], "reserved in either wallet");
}

#[test]
fn shards_survive_a_stop_and_a_kill() {
    let data = TempDir::new().expect("a temporary directory");
    let config = config();
    let engine = EngineProcess::start(&config, data.path());
    let mut carol = client(engine.address, "carol");
    let (one, _) = accepted(&mut carol, &NewOrder::buy(BTC, 50).limit(1_000_000));
    let (two, _) = accepted(&mut carol, &NewOrder::buy(ETH, 50).limit(100_000));
    assert_eq!(trade(engine.address, 5_000_000, 300_000), trades(1));
    engine.terminate();

    let engine = EngineProcess::start(&config, data.path());
    assert_eq!(trade(engine.address, 5_000_000, 300_000), trades(2));
    engine.kill();
    let killed = run("replay", data.path());
    assert_eq!(killed.code, Some(0), "{}", killed.stderr);
    assert_says(&killed.stdout, "killed");
    assert_eq!(run("verify", data.path()).code, Some(0));

    let engine = EngineProcess::start(&config, data.path());
    assert_eq!(trade(engine.address, 5_000_000, 300_000), trades(3));
    engine.terminate();
    check_sql(&data.path().join("dojima.sqlite"));

    let engine = EngineProcess::start(&config, data.path());
    // The orders from before are where they were, and go by their numbers.
    let mut carol = client(engine.address, "carol");
    assert_eq!(carol.next_user_ref(), Some(UserRef(3)));
    cancelled(&mut carol, two);
    cancelled(&mut carol, one);
    for (symbol, shard) in [(BTC, ShardId::FIRST), (ETH, TWO)] {
        let (_, order) = accepted(&mut carol, &NewOrder::buy(symbol, 50).limit(200_000));
        // One of Carol before, and two of each trade.
        assert_eq!(order, order_of(shard, 8));
    }
    engine.terminate();
    let Remains { last_event, in_sql, .. } = examine(&config, data.path());
    assert_eq!(in_sql, last_event);
    let verified = run("verify", data.path());
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
    for says in ["verified: all checks hold", "6 trades", "6 compared with the event log"] {
        assert_says(&verified.stdout, says);
    }
    let replayed = run("replay", data.path());
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    assert_says(&replayed.stdout, "all hold");
}

/// A venue that has traded in both shards, with an order open in either, in a directory with nobody on it.
fn traded() -> TempDir {
    let data = TempDir::new().expect("a temporary directory");
    let engine = EngineProcess::start(&config(), data.path());
    trade(engine.address, 5_000_000, 300_000);
    let mut carol = client(engine.address, "carol");
    accepted(&mut carol, &NewOrder::buy(BTC, 50).limit(1_000_000));
    accepted(&mut carol, &NewOrder::buy(ETH, 50).limit(100_000));
    engine.terminate();
    data
}

/// The one snapshot that there is: its position and its file.
fn snapshot_of(data: &Path) -> (u64, PathBuf) {
    let made = run("snapshot", data);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let dir = DataDir::new(data);
    let positions = Snapshots::new(Arc::clone(dir.snapshots())).positions().expect("can be listed");
    assert_eq!(positions.len(), 1);
    (positions[0], dir.snapshots().path(&Snapshots::file_name(positions[0])))
}

#[test]
fn a_snapshot_has_all_shards() {
    let data = traded();
    let before = examine(&config(), data.path());
    let (position, _) = snapshot_of(data.path());
    let engine = start(&config(), data.path());
    assert_eq!(engine.report.snapshot.as_ref().map(|info| info.position), Some(position));
    let address = engine.order_entry.expect("it listens");
    let mut carol = client(address, "carol");
    cancelled(&mut carol, UserRef(2));
    cancelled(&mut carol, UserRef(1));
    assert_eq!(trade(address, 5_000_000, 300_000), trades(2));
    let stopped = engine.stop().expect("an orderly end").shards.expect("its state");
    assert_eq!((stopped.count(), stopped.trades(), stopped.open_orders()), (2, 4, 0));
    let after = examine(&config(), data.path());
    assert_eq!(after.digest, stopped.digest(), "as the replay of all commands");
    assert_ne!(after.digest, before.digest);
    assert_eq!(run("verify", data.path()).code, Some(0));
}

/// The shard that a section of a snapshot is of; `None` for the sections after those of the shards.
fn shard_of(section: u32) -> Option<u32> {
    let (shard, part) = (section / SHARD_SECTIONS, section % SHARD_SECTIONS);
    ((1..=12).contains(&part) || (20..=23).contains(&part)).then_some(shard)
}

/// Every checksum fits; only the shards do not.
#[test]
fn a_snapshot_without_all_shards_in_their_places_is_passed_over() {
    let data = traded();
    let whole = examine(&config(), data.path());
    let (_, file) = snapshot_of(data.path());
    let good = Parts::of(&fs::read(&file).expect("readable"));
    let of = |shard: u32| good.chunks.iter().filter(move |(section, _)| shard_of(*section) == Some(shard));
    let as_shard = |shard: u32, chunks: &mut dyn Iterator<Item = &(u32, Vec<u8>)>| -> Vec<(u32, Vec<u8>)> {
        chunks
            .map(|(section, payload)| (section % SHARD_SECTIONS + shard * SHARD_SECTIONS, payload.clone()))
            .collect()
    };
    let rest: Vec<_> =
        good.chunks.iter().filter(|(section, _)| shard_of(*section).is_none()).cloned().collect();
    let (one, two) = (as_shard(0, &mut of(0)), as_shard(1, &mut of(1)));
    assert!(one.len() > 5 && two.len() > 5, "{} and {} chunks", one.len(), two.len());
    assert!([&one[..], &two, &rest].concat() == good.chunks, "it is taken apart rightly");
    let made = |shards: u32, chunks: Vec<(u32, Vec<u8>)>| {
        let mut parts = Parts { header: good.header, chunks };
        parts.header[SHARDS_AT..SHARDS_AT + 4].copy_from_slice(&shards.to_le_bytes());
        parts.file()
    };
    let join = |pieces: &[&[(u32, Vec<u8>)]]| pieces.concat();
    let wrong = [
        ("the second is missing", made(2, join(&[&one, &rest]))),
        ("the second is missing, and the header says so", made(1, join(&[&one, &rest]))),
        ("the first is missing", made(2, join(&[&two, &rest]))),
        ("only the second, in the place of the first", made(1, join(&[&as_shard(0, &mut of(1)), &rest]))),
        ("there is none", made(2, rest.clone())),
        ("the header has one less", made(1, good.chunks.clone())),
        ("the header has one more", made(3, good.chunks.clone())),
        ("the header has none", made(0, good.chunks.clone())),
        ("the header has very many", made(u32::MAX, good.chunks.clone())),
        ("the first twice", made(2, join(&[&one, &as_shard(1, &mut of(0)), &rest]))),
        ("the second twice", made(2, join(&[&as_shard(0, &mut of(1)), &two, &rest]))),
        ("a third that is the second", made(3, join(&[&one, &two, &as_shard(2, &mut of(1)), &rest]))),
        ("the second written twice", made(2, join(&[&one, &two, &two, &rest]))),
        ("the second before the first", made(2, join(&[&two, &one, &rest]))),
        (
            "each in the other's place",
            made(2, join(&[&as_shard(0, &mut of(1)), &as_shard(1, &mut of(0)), &rest])),
        ),
        ("a shard after all others", made(2, join(&[&one, &two, &as_shard(9, &mut of(1)), &rest]))),
        ("a shard that no number names", made(2, join(&[&one, &two, &as_shard(1 << 20, &mut of(1)), &rest]))),
    ];
    for (what, bytes) in wrong {
        fs::write(&file, bytes).expect("written");
        let engine = start(&config(), data.path());
        let report = engine.report.clone();
        let digest = engine.stop().expect("an orderly end").shards.expect("its state").digest();
        assert!(report.snapshot.is_none(), "{what}: it was taken");
        assert_eq!((report.skipped.len(), digest), (1, whole.digest), "{what}");
    }
    fs::write(&file, made(2, good.chunks.clone())).expect("written");
    let engine = start(&config(), data.path());
    assert!(engine.report.snapshot.is_some(), "and what was taken apart and put together is taken");
    engine.stop().expect("an orderly end");
}

#[test]
fn market_data_has_the_books_of_both_shards() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    let address = engine.order_entry.expect("it listens");
    let mut carol = client(address, "carol");
    accepted(&mut carol, &NewOrder::buy(BTC, 50).limit(1_000_000));
    accepted(&mut carol, &NewOrder::buy(ETH, 60).limit(100_000));
    accepted(&mut carol, &NewOrder::sell(ETH, 70).limit(900_000));
    let [btc, eth] = trade(address, 5_000_000, 300_000);
    let stream = engine.market_data.expect("it listens");
    let mut session = MarketSession::connect(stream, &who("alice"), Resume { session: None, sequence: 1 })
        .expect("logged in");
    let mut books = dojima::market::Books::default();
    let has_both = |books: &dojima::market::Books| {
        [BTC, ETH].iter().all(|symbol| books.find(*symbol).is_some_and(|(_, book)| book.volume == 100))
    };
    for _ in 0..2_000 {
        if has_both(&books) {
            break;
        }
        session.receive(|_, message| books.apply(&message).expect("it makes sense")).expect("a stream");
        session.wait(Duration::from_millis(10)).expect("a socket");
    }
    let late =
        market::snapshot(engine.glimpse.expect("it listens"), &who("alice")).expect("a snapshot").books;
    for books in [&books, &late] {
        let tops = [BTC, ETH].map(|symbol| {
            let (_, book) = books.find(symbol).expect("a book");
            let (bid, ask) = book.top();
            assert_eq!(book.state, b'T');
            [bid, ask].map(|level| level.map(|level| (level.price, level.shares)))
        });
        let expected = [[Some((1_000_000, 50)), None], [Some((100_000, 60)), Some((900_000, 70))]];
        assert_eq!(tops, expected);
    }
    let printed = [BTC, ETH].map(|symbol| {
        let (_, book) = books.find(symbol).expect("a book");
        book.prints().map(|print| print.match_number).collect::<Vec<_>>()
    });
    assert_eq!(printed, [vec![btc.0], vec![eth.0]]);
    engine.stop().expect("an orderly end");
}

#[test]
fn tools_read_the_journal_of_a_venue_with_shards() {
    let data = traded();
    let tool = |arguments: &[&str]| -> String {
        let mut tool = Command::new(&*TOOLS);
        let done: Done =
            tool.arg("journal").args(arguments).arg(data.path()).output().expect("it runs").into();
        assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.stderr);
        done.stdout
    };
    assert_says(&tool(&["summary"]), "open-shard");
    assert_says(&tool(&["verify"]), "good");
    assert_says(&tool(&["records", "--kind", "open-shard"]), "shard=1 name=TWO");
    let opened = tool(&["records", "--events", "--kind", "shard-opened"]);
    assert_says(&opened, "shard=1 name=TWO");
    assert_eq!(opened.lines().count(), 1);
    let exported = tool(&["export", "--format", "jsonl", "--kind", "open-shard"]);
    assert_says(&exported, "\"name\":\"TWO\"");
    let of = ["--kind", "open-shard", "--columns", "fields.shard,fields.name"];
    let csv = tool(&[&["export", "--format", "csv"][..], &of].concat());
    assert_says(&csv, "\n1,TWO\n");
    // An order of the second shard by its whole number.
    let accepted = tool(&["records", "--events", "--kind", "accepted", "--instrument", "ETH-USDT"]);
    assert_says(&accepted, &order_of(TWO, 1).0.to_string());
}

/// The built-in file with these shards; ETH-USDT trades in the one of this name, and Alice has money in that one.
fn text(names: &[&str], trades_in: &str, money_in: &str) -> String {
    let shards: String = names.iter().map(|name| format!("[[shards]]\nname = \"{name}\"\n")).collect();
    let symbol = "symbol = \"ETH-USDT\"";
    let name = "name = \"alice\"";
    let text = SPOT_TOML.replace(symbol, &format!("{symbol}\nshard = \"{trades_in}\""));
    text.replace(name, &format!("{name}\ndeposits_in = {{ {money_in} = {{ ETH = \"5\" }} }}")) + &shards
}

fn read(names: &[&str], trades_in: &str, money_in: &str) -> Result<Config, ConfigError> {
    Config::from_toml(&text(names, trades_in, money_in), "test.toml")
}

#[test]
fn shards_that_cannot_be_are_refused_by_the_key() {
    read(&["ONE", "TWO"], "TWO", "TWO").expect("this one is right");
    let nine: Vec<String> = (1..=9).map(|number| format!("S{number}")).collect();
    let nine: Vec<&str> = nine.iter().map(String::as_str).collect();
    read(&nine[..8], "S8", "S8").expect("eight are possible");
    let rows: [(&[&str], &str, &str, &[&str]); 9] = [
        (&["ONE", "TWO", "TWO"], "TWO", "TWO", &["shards[TWO].name = \"TWO\"", "stands here twice"]),
        (&nine, "S2", "S2", &["shards = 9", "at most 8"]),
        (&["ONE", "A NAME"], "ONE", "ONE", &["shards[A NAME].name", "1 to 8 ASCII characters"]),
        (&["ONE", "NINELONG9"], "ONE", "ONE", &["shards[NINELONG9].name", "1 to 8 ASCII characters"]),
        (&["ONE", ""], "ONE", "ONE", &["shards[].name", "1 to 8 ASCII characters"]),
        (
            &["ONE", "TWO"],
            "THREE",
            "TWO",
            &["instruments[ETH-USDT].shard = \"THREE\"", "no such shard; there are ONE, TWO"],
        ),
        (
            &["ONE", "TWO"],
            "TWO",
            "ONE",
            &["accounts[alice].deposits_in.ONE = ", "is the first shard", "in deposits"],
        ),
        (
            &["ONE", "TWO"],
            "TWO",
            "THREE",
            &["accounts[alice].deposits_in.THREE = ", "no such shard; there are ONE, TWO"],
        ),
        (
            &[],
            "TWO",
            "TWO",
            &["instruments[ETH-USDT].shard", "accounts[alice].deposits_in.TWO", "[[shards]]"],
        ),
    ];
    for (names, trades_in, money_in, says) in rows {
        let error = read(names, trades_in, money_in).expect_err("must be refused").to_string();
        for words in says {
            assert!(error.contains(words), "{names:?}, {trades_in}, {money_in}: no {words:?} in:\n{error}");
        }
    }
}

#[test]
fn shards_are_not_added_to_a_venue_that_exists() {
    let data = TempDir::new().expect("a temporary directory");
    let one = small_config(ThreadingMode::Shared, Durability::Sync);
    let before = start(&one, data.path()).stop().expect("an orderly end").shards.expect("its state");
    let engine = start(&config(), data.path());
    let said: Vec<String> = engine.differences.iter().map(ToString::to_string).collect();
    for says in [
        "shards[TWO].position: config says 1, the journal does not have it; not added",
        "instruments[ETH-USDT].shard: config says TWO, the journal says the first; kept the first",
        "accounts[alice].deposits_in.TWO.ETH: config says 1000000, the journal does not have it; not added",
    ] {
        assert!(said.iter().any(|line| line == says), "no {says:?} in {said:#?}");
    }
    let shards = engine.stop().expect("an orderly end").shards.expect("its state");
    assert_eq!((shards.count(), shards.digest()), (1, before.digest()), "nothing was applied");
    examine(&config(), data.path());

    // Nor taken from one.
    let data = traded();
    let engine = start(&one, data.path());
    let said: Vec<String> = engine.differences.iter().map(ToString::to_string).collect();
    for says in [
        "shards[TWO].position: the journal says 1, config does not have it; kept 1",
        "instruments[ETH-USDT].shard: config says the first, the journal says TWO; kept TWO",
    ] {
        assert!(said.iter().any(|line| line == says), "no {says:?} in {said:#?}");
    }
    assert_eq!(engine.stop().expect("an orderly end").shards.expect("its state").count(), 2);
}
