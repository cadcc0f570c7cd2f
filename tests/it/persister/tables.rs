//! What the tables say.

use super::{Bench, small_market};
use dojima::domain::decimal::{show_amount, show_price, show_quantity};
use dojima::domain::{
    AccountId, AdminEvent, Amount, AssetId, Event, InstrumentId, LoginId, OrderEvent, Price, Side, TradeId,
};
use dojima::runtime::{Agent, Counters, ManualClock, UnixNanos};
use dojima::sql::OrderStatus;
use dojima::sql::People;
use dojima::sql::check::Difference;
use dojima::sql::reader::SqlReader;
use dojima::stages::sql_writer::{SqlSettings, SqlWriter};
use rusqlite::Connection;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

#[test]
fn the_tables_hold_what_the_exchange_holds() {
    let (market, events) = small_market(1);
    let bench = Bench::with(&events);
    bench.fill(1_000);
    let sql = SqlReader::open(&bench.database()).expect("a database");
    assert_eq!(sql.watermark().expect("a watermark").event, events.len() as u64);

    // Every balance, against the exchange's own ledger.
    let rows = sql.balances().expect("balances");
    let rows: BTreeMap<_, _> = rows.iter().map(|row| ((row.account, row.asset), row)).collect();
    for account in (0..market.exchange.accounts_count()).map(|id| AccountId(id as u32)) {
        for asset in (0..3).map(AssetId) {
            let held = market.exchange.balance(account, asset).expect("known");
            let (total, reserved) =
                rows.get(&(account, asset)).map_or((0, 0), |row| (row.total.0, row.reserved.0));
            assert_eq!(
                (total - reserved, reserved),
                (held.available.0, held.reserved.0),
                "{account} {asset}"
            );
        }
    }

    // Every open order, against the books.
    let connection = Connection::open(bench.database()).expect("a database");
    let mut open = connection
        .prepare("SELECT price, open, reserved, login FROM orders WHERE order_id = ?1")
        .expect("sql");
    let mut open_orders = 0;
    for instrument in [InstrumentId(0), InstrumentId(1)] {
        for side in [Side::Buy, Side::Sell] {
            for order in market.exchange.orders(instrument, side) {
                let units = order.price().0 * 10;
                let found: (i64, i64, i64, u32) = open
                    .query_row([order.id.0 as i64], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                    })
                    .expect("the order's row");
                assert_eq!(found, (units, order.open.0 as i64, order.reserved.0, order.login.0));
                open_orders += 1;
            }
        }
    }
    let counts = sql.order_counts().expect("counts");
    assert!(open_orders > 50, "the market is too thin to say anything");
    assert_eq!(counts.by_status[OrderStatus::Open as usize], open_orders);
    let of_plain_orders = &counts.by_status[..=OrderStatus::RefusedReplace as usize];
    assert!(of_plain_orders.iter().all(|count| *count > 0), "every status occurs: {counts:?}");

    // Every trade, against the events.
    let trades = sql.trades_after(TradeId(0), u32::MAX).expect("trades");
    let told: Vec<_> = events
        .iter()
        .filter_map(|record| match record.event {
            Event::Order(OrderEvent::Executed(e)) => Some((
                e.trade,
                record.number,
                e.price.0 as u64 * 10,
                e.quantity,
                e.maker_order,
                e.taker_order,
            )),
            _ => None,
        })
        .collect();
    let written: Vec<_> = trades
        .iter()
        .map(|t| (t.trade, t.event, t.price, t.quantity, t.maker.order, t.taker.order))
        .collect();
    assert!(told.len() > 500);
    assert_eq!(written, told);
    assert_eq!(market.exchange.last_trade(), TradeId(trades.len() as u64));

    let report = bench.check();
    assert_eq!(report.first_difference(), None);
    assert_eq!(report.events, events.len() as u64);
    for asset in &report.assets {
        assert_eq!(
            market.exchange.supply(asset.asset).map(|supply| i128::from(supply.0)),
            Some(asset.supply)
        );
    }
}

#[test]
fn refusals_and_transfers_are_rows_of_their_own() {
    let (_, events) = small_market(2);
    let bench = Bench::with(&events);
    bench.fill(500);
    let count =
        |wanted: fn(&Event) -> bool| events.iter().filter(|record| wanted(&record.event)).count() as u64;
    let rows = SqlReader::open(&bench.database()).and_then(|sql| sql.row_counts()).expect("counts");
    assert_eq!(
        rows.transfers,
        count(|event| matches!(event, Event::Admin(AdminEvent::Deposited(_) | AdminEvent::Withdrawn(_))))
    );
    assert_eq!(
        rows.rejections,
        count(|event| matches!(
            event,
            Event::Order(OrderEvent::Rejected(_)) | Event::Admin(AdminEvent::Refused { .. })
        ))
    );
    assert_eq!(rows.ignored_messages, count(|event| matches!(event, Event::Order(OrderEvent::Ignored(_)))));
    assert!(rows.transfers > 20 && rows.rejections > 20 && rows.ignored_messages > 20, "{rows:?}");
}

#[test]
fn one_event_at_a_time_says_the_same_as_all_at_once() {
    let (_, events) = small_market(3);
    let events = &events[..3_000];
    let dumps = [1, 7, 1_000, usize::MAX].map(|batch_events_max| {
        let bench = Bench::with(events);
        bench.fill(batch_events_max);
        bench.dump()
    });
    assert!(dumps[0].lines().count() > 1_000);
    for other in &dumps[1..] {
        assert!(dumps[0] == *other, "the size of the batches shows in the tables");
    }
}

#[test]
fn the_views_show_exact_decimals() {
    let (market, events) = small_market(4);
    let bench = Bench::with(&events);
    bench.fill(10_000);
    let connection = Connection::open(bench.database()).expect("a database");
    let same = |shown: String, exact: Decimal| {
        assert_eq!(shown.parse::<Decimal>().expect("a decimal"), exact, "{shown}");
    };
    let scales = BTreeMap::from([("USDT", 6), ("BTC", 8), ("YEN", 0)]);

    let sql = "SELECT v.asset, v.total, v.reserved, v.available, b.total, b.reserved FROM balances_readable v \
               JOIN assets a ON a.code = v.asset JOIN balances b ON b.account = v.account AND b.asset = a.asset";
    let mut statement = connection.prepare(sql).expect("sql");
    let mut rows = statement.query([]).expect("rows");
    let mut shown = 0;
    while let Some(row) = rows.next().expect("a row") {
        let text = |column: usize| row.get::<_, String>(column).expect("text");
        let (total, reserved): (i64, i64) = (row.get(4).expect("total"), row.get(5).expect("reserved"));
        let scale = scales[text(0).as_str()];
        same(text(1), show_amount(Amount(total), scale));
        same(text(2), show_amount(Amount(reserved), scale));
        same(text(3), show_amount(Amount(total - reserved), scale));
        shown += 1;
    }
    assert!(shown > 60);

    let listings: BTreeMap<String, _> =
        market.exchange.listings().map(|listing| (listing.symbol.text(), *listing)).collect();
    let trades = SqlReader::open(&bench.database()).and_then(|sql| sql.trades_after(TradeId(0), u32::MAX));
    let sql = "SELECT trade_id, symbol, price, quantity, notional, maker_fee, taker_fee, taker_side FROM trades_readable \
               ORDER BY trade_id";
    let mut statement = connection.prepare(sql).expect("sql");
    let mut rows = statement.query([]).expect("rows");
    for trade in trades.expect("trades") {
        let row = rows.next().expect("a row").expect("as many rows as trades");
        let text = |column: usize| row.get::<_, String>(column).expect("text");
        let listing = &listings[&text(1)];
        let base_scale = if listing.base == AssetId(1) { 8 } else { 0 };
        same(text(2), show_price(listing, Price(trade.price as i64 / i64::from(listing.tick_units))));
        same(text(3), show_quantity(trade.quantity, listing.lot, base_scale));
        same(text(4), show_amount(trade.notional, 6));
        same(text(5), show_amount(trade.maker.fee, 6));
        same(text(6), show_amount(trade.taker.fee, 6));
        assert_eq!(text(7), if trade.taker_side == Side::Buy { "buy" } else { "sell" });
    }
    assert!(rows.next().expect("no error").is_none());

    let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).expect("one value");
    assert_eq!(one("SELECT tick FROM instruments_readable WHERE symbol = 'BTC-USDT'"), "0.10");
    assert_eq!(one("SELECT lot FROM instruments_readable WHERE symbol = 'BTC-USDT'"), "0.00001000");
    assert_eq!(one("SELECT lot FROM instruments_readable WHERE symbol = 'YEN-USDT'"), "1");
    assert_eq!(one("SELECT taker_fee_percent FROM instruments_readable WHERE instrument = 0"), "0.0500");
    let opened = one("SELECT time FROM transfers_readable ORDER BY event LIMIT 1");
    assert!(opened.starts_with("2026-11-18T11:06:40.0000") && opened.ends_with('Z'), "{opened}");
    let unlike = "SELECT count(*) FROM conservation WHERE supply <> held";
    assert_eq!(connection.query_row(unlike, [], |row| row.get::<_, i64>(0)).expect("a count"), 0);
    assert_eq!(
        connection
            .query_row("SELECT count(*) FROM orders_readable", [], |row| row.get::<_, i64>(0))
            .expect("a count"),
        connection.query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0)).expect("a count")
    );
}

/// Every kind of tampering is found and named.
#[test]
fn the_check_names_what_is_not_as_told() {
    let (_, events) = small_market(5);
    let bench = Bench::with(&events);
    bench.fill(10_000);
    type Names = fn(&Difference) -> bool;
    let cases: [(&str, Names); 9] = [
        (
            "UPDATE trades SET price = price + 1 WHERE trade_id = 77",
            |d| matches!(d, Difference::Trade { in_log: Some(_), in_sql: Some(trade) } if trade.trade == TradeId(77)),
        ),
        ("DELETE FROM trades WHERE trade_id = (SELECT max(trade_id) FROM trades)", |d| {
            matches!(d, Difference::Trade { in_sql: None, .. })
        }),
        (
            "INSERT INTO trades SELECT trade_id + 100000, event, time_ns, instrument, taker_side, kind, price, quantity, notional, \
          maker_order, maker_account, maker_fee, taker_order, taker_account, taker_fee FROM trades LIMIT 1",
            |d| matches!(d, Difference::Trade { in_log: None, .. }),
        ),
        (
            "UPDATE balances SET total = total + 1 WHERE account = 5 AND asset = 1",
            |d| matches!(d, Difference::Balance { in_sql: Some(row), .. } if row.account == AccountId(5) && row.asset == AssetId(1)),
        ),
        ("UPDATE balances SET reserved = reserved - 1 WHERE account = 7 AND asset = 0", |d| {
            matches!(d, Difference::Balance { .. })
        }),
        ("DELETE FROM balances WHERE account = 7 AND asset = 0", |d| {
            matches!(d, Difference::Balance { in_sql: None, .. })
        }),
        (
            "UPDATE orders SET status = 2 WHERE order_id = (SELECT max(order_id) FROM orders WHERE status = 1)",
            |d| matches!(d, Difference::Orders { .. }),
        ),
        ("DELETE FROM rejections WHERE event = (SELECT max(event) FROM rejections)", |d| {
            matches!(d, Difference::Rows { .. })
        }),
        ("UPDATE watermark SET sequence = sequence + 1", |d| matches!(d, Difference::Watermark { .. })),
    ];
    let clean = std::fs::read(bench.database()).expect("the file");
    for (tampering, is_named) in cases {
        std::fs::write(bench.database(), &clean).expect("restored");
        Connection::open(bench.database()).expect("open").execute_batch(tampering).expect(tampering);
        let report = bench.check();
        let difference = report.first_difference().unwrap_or_else(|| panic!("not found: {tampering}"));
        assert!(is_named(difference), "{tampering}: {difference}");
        assert!(!difference.to_string().is_empty());
    }
    // Money from nowhere shows in the sum too.
    std::fs::write(bench.database(), &clean).expect("restored");
    let made = "UPDATE balances SET total = total + 1 WHERE account = 5 AND asset = 1";
    Connection::open(bench.database()).expect("open").execute_batch(made).expect("made");
    let report = bench.check();
    let conserved =
        report.checks.iter().find(|check| check.name == "conservation of money").expect("the check");
    assert!(matches!(conserved.difference, Some(Difference::Supply { asset, .. }) if asset.text() == "BTC"));
}

/// docs/SQL.md names every column of every table and view, and its queries run. Those that must find nothing find nothing.
#[test]
fn the_page_for_readers_describes_these_tables() {
    let (_, events) = small_market(6);
    let bench = Bench::with(&events);
    fill_with_names(&bench, "alice");
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SQL.md")).expect("the page");
    let connection = Connection::open(bench.database()).expect("a database");
    let names = "SELECT s.type, s.name, c.name FROM sqlite_schema s, pragma_table_xinfo(s.name) c \
                 WHERE s.type IN ('table', 'view')";
    let mut statement = connection.prepare(names).expect("sql");
    let mut rows = statement.query([]).expect("rows");
    let mut columns = 0;
    while let Some(row) = rows.next().expect("a row") {
        let [kind, table, column] = [0, 1, 2].map(|at| row.get::<_, String>(at).expect("text"));
        assert!(page.contains(&format!("`{table}`")) || page.contains(&format!("### {table}")), "{table}");
        let timed = column == "time_ns" || column == "event";
        assert!(
            kind == "view" || timed || column == "id" || page.contains(&format!("`{column}`")),
            "{table}.{column}"
        );
        columns += 1;
    }
    assert!(columns > 100);

    let blocks: Vec<&str> =
        page.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let mut ran = 0;
    for query in blocks.iter().flat_map(|block| block.split(';')).filter(|query| !query.trim().is_empty()) {
        let mut statement = connection.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut rows = statement.query([]).expect("rows");
        let mut found = 0;
        while rows.next().unwrap_or_else(|error| panic!("{query}: {error}")).is_some() {
            found += 1;
        }
        // The market has no contracts.
        let of_contracts = query.contains("funding_payments");
        let must_be_empty = query.contains("<>") || query.contains("> 123456") || of_contracts;
        assert_eq!(found == 0, must_be_empty, "{found} rows of {query}");
        ran += 1;
    }
    assert!(ran >= 12, "{ran} queries");
}

/// Functions that SQLite 3.37 has. Debian 12 has 3.40, and this page asks for 3.37: what is not here may be newer.
const FUNCTIONS: [&str; 16] = [
    "abs",
    "coalesce",
    "count",
    "date",
    "datetime",
    "ifnull",
    "iif",
    "julianday",
    "max",
    "min",
    "printf",
    "strftime",
    "sum",
    "pragma_table_xinfo",
    "time",
    "total",
];

/// What is written before a bracket and is no function.
const KEYWORDS: [&str; 13] =
    ["as", "and", "by", "check", "in", "join", "key", "on", "or", "select", "using", "values", "where"];

/// What of this text SQLite 3.37 does not have.
fn newer_than_3_37(sql: &str) -> Vec<String> {
    let sql: String =
        sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    let text = sql.to_ascii_lowercase();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices('(') {
        let before = text[..at].trim_end();
        let word = &before[before.rfind(|c| !is_word(c)).map_or(0, |end| end + 1)..];
        // Names of tables stand before the lists of their columns.
        let rest = before[..before.len() - word.len()].trim_end();
        let is_table =
            ["table", "into", "references", "recursive", "on"].iter().any(|key| rest.ends_with(key));
        if !(word.is_empty() || is_table || FUNCTIONS.contains(&word) || KEYWORDS.contains(&word)) {
            found.push(format!("{word}("));
        }
    }
    let newer = [
        "subsec",
        "->",
        "full join",
        "right join",
        "full outer",
        "right outer",
        "distinct from",
        "returning",
    ];
    found.extend(newer.iter().filter(|what| text.contains(*what)).map(|what| (*what).to_owned()));
    found
}

#[test]
fn the_sql_needs_no_sqlite_newer_than_3_37() {
    let read = |path: &str| {
        std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).expect("a file")
    };
    let page = read("docs/SQL.md");
    let blocks: String = page.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let report = read("src/cli/demo/report.rs");
    let demo: Vec<&str> = report.lines().filter(|line| line.contains("\"SELECT")).collect();
    assert!(demo.len() >= 4, "the demo's queries were not found");
    let demo: String = demo.iter().filter_map(|line| line.split('"').nth(1)).collect::<Vec<_>>().join(";");
    let schema = read("src/sql/schema.sql");
    for (name, sql) in [("docs/SQL.md", &blocks), ("the demo", &demo), ("src/sql/schema.sql", &schema)] {
        assert!(sql.contains("SELECT"), "{name}: the SQL was not found");
        assert_eq!(newer_than_3_37(sql), [""; 0], "{name}");
    }
    // The check itself.
    assert_eq!(newer_than_3_37("SELECT unixepoch('subsec'), x ->> 'a'"), ["unixepoch(", "subsec", "->"]);
    assert_eq!(newer_than_3_37("SELECT concat(a, b) -- format(x)"), ["concat("]);
}

/// Writes the whole log into a database in which account 1 has this name.
fn fill_with_names(bench: &Bench, first: &str) {
    let people = People {
        accounts: [(AccountId(0), "fees".to_owned()), (AccountId(1), first.to_owned())].into(),
        logins: [(LoginId(0), "ALICE".to_owned())].into(),
    };
    let settings = SqlSettings { people, ..bench.settings(10_000) };
    let clock = ManualClock::new(UnixNanos(1_800_000_000_000_000_000));
    let writer = SqlWriter::new(settings, bench.log(), &clock, &Counters::new());
    writer.expect("a writer").on_close().expect("written");
}

/// Names are those of the settings: at the first start, in a database that is there, and after a change.
#[test]
fn accounts_and_logins_have_names() {
    let (_, events) = small_market(8);
    let bench = Bench::with(&events);
    bench.fill(10_000);
    let names = |sql: &str| -> Vec<Option<String>> {
        let connection = Connection::open(bench.database()).expect("a database");
        let mut statement = connection.prepare(sql).expect("sql");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let accounts = "SELECT name FROM accounts WHERE account < 3 ORDER BY account";
    assert_eq!(names(accounts), [None, None, None]);
    let text = |name: &str| Some(name.to_owned());
    let fill = |first: &str| fill_with_names(&bench, first);
    fill("alice");
    assert_eq!(names(accounts), [text("fees"), text("alice"), None]);
    assert_eq!(names("SELECT username FROM logins WHERE login < 2 ORDER BY login"), [text("ALICE"), None]);
    fill("alice & sons");
    assert_eq!(names(accounts), [text("fees"), text("alice & sons"), None]);
    let owner = "SELECT DISTINCT username FROM orders_readable WHERE login = 0";
    assert_eq!(names(owner), [text("ALICE")]);
    let owner = "SELECT DISTINCT name FROM balances_readable WHERE account = 1";
    assert_eq!(names(owner), [text("alice & sons")]);
    // Built anew, the names come with the rows.
    std::fs::remove_file(bench.database()).expect("removed");
    fill("alice");
    assert_eq!(names(accounts), [text("fees"), text("alice"), None]);
    assert!(bench.check().first_difference().is_none());
}

#[test]
fn the_writer_finds_open_orders_by_the_index() {
    let (_, events) = small_market(7);
    let bench = Bench::with(&events);
    bench.fill(10_000);
    let plan = "EXPLAIN QUERY PLAN SELECT order_id, login FROM orders WHERE open > 0";
    let plan: String = Connection::open(bench.database())
        .and_then(|connection| connection.query_row(plan, [], |row| row.get(3)))
        .expect("a plan");
    assert!(plan.contains("orders_open"), "{plan}");
}
