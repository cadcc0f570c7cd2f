//! Operators set up an index and a contract in a running engine.

use super::raw::start;
use crate::cli::{Done, assert_says, dojima};
use crate::support::engines::{logged_events, small_config};
use dojima::config::{Config, Durability, InstrumentConfig, ShardConfig};
use dojima::domain::{
    AdminEvent, Amount, ContractEvent, Event, IndexId, InstrumentId, Phase, Price, Product, ShardId,
};
use dojima::operator::{ContractOrder, IndexPrice, Order, Reply, ask};
use dojima::runtime::ThreadingMode;
use rust_decimal::Decimal;
use std::path::Path;
use tempfile::TempDir;

/// The small venue, and a shard with a perpetual and an inverse contract that nobody has said anything of.
fn config() -> Config {
    let mut config = small_config(ThreadingMode::Shared, Durability::Sync);
    config.market_data.enabled = false;
    config.shards = ["SPOT", "FUTURES"].map(|name| ShardConfig { name: name.to_owned(), core: None }).into();
    let first = config.instruments[0].clone();
    let contract = |symbol: &str, product, lot| InstrumentConfig {
        symbol: symbol.to_owned(),
        lot,
        min_quantity: lot,
        max_quantity: lot * Decimal::from(1_000_000),
        min_notional: Decimal::ZERO,
        maker_fee_ppm: Decimal::ZERO,
        taker_fee_ppm: Decimal::from(500),
        phase: Phase::Closed,
        shard: Some("FUTURES".to_owned()),
        product,
        ..first.clone()
    };
    let (perpetual, dated) = (Product::LinearPerpetual, Product::InverseDated);
    config.instruments.push(contract("BTC-PERP", perpetual, Decimal::new(1, 3)));
    config.instruments.push(contract("BTC-MAR", dated, Decimal::from(10)));
    config
}

/// The command line, on this directory.
fn operator(data: &Path, line: &str) -> Done {
    let data = data.display().to_string();
    let arguments: Vec<&str> = ["operator", "--data", &data].into_iter().chain(line.split(' ')).collect();
    dojima(&arguments).output().expect("the program runs").into()
}

const RISK: &str = "set-contract-risk BTC-PERP --interest-ppb -100000 --impact-lots 1000 --mark-band-ppm 50000 \
                    --first-band-ppm 100000 --premium-band-ppm 20000 --outer-band-ppm 50000 \
                    --liquidation-fee-ppm 2000 --collar-ppm 30000 --adl-after 60 --position-limit-lots 1000 \
                    --open-interest-limit-lots 5000";

#[test]
fn an_operator_completes_a_contract() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    for (line, says) in [
        (
            "add-index BTC --price-decimals 2 --shard FUTURES --stale-after-ms 60000 --jump-ppm 100000",
            "index BTC has the number 0, and no price yet",
        ),
        (
            "set-index-terms 0 --stale-after-ms 600000 --grace-s 60 --jump-ppm 100000",
            "index BTC has these terms",
        ),
        (
            "set-contract BTC-PERP --index BTC --funding-interval-s 28800 --price-min 100 --price-max 1000000",
            "BTC-PERP follows index BTC",
        ),
        (
            "set-contract 3 --index 0 --expiry 2099-03-26T08:00:00Z --price-min 1000 --price-max 1000000",
            "BTC-MAR follows index BTC",
        ),
        (RISK, "BTC-PERP has these risk parameters"),
        (
            "set-margin-tier BTC-PERP --row 0 --of 2 --floor 0 --initial-ppm 20000 --maintenance-ppm 10000",
            "BTC-PERP has row 0 of the 2 of its next table",
        ),
        (
            "set-margin-tier BTC-PERP --row 1 --of 2 --floor 250000 --initial-ppm 40000 --maintenance-ppm 20000",
            "BTC-PERP has a new table of 2 margin tiers",
        ),
        ("set-index BTC 50000.5", "index BTC is 50000.5"),
        ("set-index BTC 90000", "index BTC stays as it is: 90000 is too far from it"),
        (
            "deposit-fund USDT 1000.5 --shard FUTURES --reference 1",
            "the insurance fund in shard 1 has 1000.5 USDT",
        ),
        ("deposit-fund BTC 0.5 --shard 1 --reference 7", "the insurance fund in shard 1 has 0.5 BTC"),
        ("settle-contract BTC-MAR 50000.5", "BTC-MAR is settled at 50000.5: 0 positions were closed"),
    ] {
        let done = operator(data.path(), line);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{line}: {}", done.stdout);
        assert_says(&done.stdout, says);
    }
    let shards = engine.stop().expect("an orderly end").shards.expect("the exchange");
    let futures = shards.get(ShardId(1)).expect("the shard");
    assert_eq!(futures.index_price(IndexId(0)), Some(Price(5_000_050)));
    let events = logged_events(data.path());
    let mark = |record: &&dojima::domain::EventRecord| {
        matches!(record.event, Event::Admin(AdminEvent::MarkSet { instrument: InstrumentId(2), .. }))
    };
    assert!(events.iter().any(|record| mark(&record)), "the contract is complete: it has a mark");
    let funds = events.iter().filter_map(|record| match record.event {
        Event::Contract(ContractEvent::FundChanged(change)) => Some((change.asset.0, change.fund)),
        _ => None,
    });
    assert!(funds.map(|(_, fund)| fund).any(|fund| fund == Amount(50_000_000)));

    // After a start the names of what came later are known too.
    let engine = start(&config(), data.path());
    let order = IndexPrice { index: "BTC".to_owned(), price: "50001".to_owned(), source_time_ns: None };
    let reply = ask(data.path(), Order::Contract(ContractOrder::SetIndex(order))).expect("an answer");
    assert!(matches!(&reply, Reply::Done { text, .. } if text == "index BTC is 50001"), "{reply:?}");
    engine.stop().expect("an orderly end");
}

#[test]
fn what_cannot_be_of_a_contract_is_refused_with_the_reason() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    let index = "add-index BTC --price-decimals 2 --shard FUTURES --stale-after-ms 60000";
    assert_eq!(operator(data.path(), index).code, Some(0));
    let contract = "set-contract BTC-PERP --index BTC --price-min 100 --price-max 1000000";
    let terms = format!("{contract} --funding-interval-s 28800");
    assert_eq!(operator(data.path(), &terms).code, Some(0));
    let tier = "set-margin-tier BTC-PERP --row 0 --of 1 --initial-ppm 20000 --maintenance-ppm 10000";
    for (line, says) in [
        (index.to_owned(), "the exchange says: "),
        (index.replace("BTC", "BTC-INDEX"), "must be 1 to 8 ASCII characters"),
        (index.replace("FUTURES", "OPTIONS"), "no shard is \"OPTIONS\"; there are SPOT, FUTURES"),
        (index.replace("60000", "999"), "stale_after_ms 999 must be from 1000 to 600000"),
        (index.replace("decimals 2", "decimals 12"), "price_decimals 12 must be from 0 to 9"),
        ("set-index DOGE 1".to_owned(), "no index is \"DOGE\"; there are BTC"),
        ("set-index BTC 1.005".to_owned(), "the price: price 1.005 has more than 2 decimals"),
        ("set-index BTC 0".to_owned(), "prices are above 0 and at most 21474836.46"),
        ("set-index BTC much".to_owned(), "the price \"much\" is no decimal number"),
        (
            "set-index BTC 50000 --source-time-ns 1".to_owned(),
            "the source time of the price is not above the last",
        ),
        (terms.replace("BTC-PERP", "BTC-USDT"), "BTC-USDT is spot, no contract"),
        (terms.replace("BTC-PERP", "ETH-PERP"), "no instrument is \"ETH-PERP\"; there are BTC-USDT"),
        (terms.replace("28800", "50000"), "must be from 3600 to 86400 and divide 86400"),
        (contract.to_owned(), "must be from 3600 to 86400"),
        (format!("{terms} --expiry 2099-03-26T08:00:00Z"), "BTC-PERP is linear-perpetual, which has no end"),
        (contract.replace("PERP", "MAR"), "BTC-MAR is inverse-dated: it needs an expiry at a whole minute"),
        (format!("{} --expiry soon", contract.replace("PERP", "MAR")), "the expiry \"soon\" is no time"),
        (
            terms.replace("price-min 100", "price-min 999999.999"),
            "the lowest price: price 999999.999 has more",
        ),
        (RISK.replace("mark-band-ppm 50000", "mark-band-ppm 1"), "a parameter is out of range"),
        (format!("{RISK} --adl-mode luck"), "expected one of by-rank, pro-rata"),
        (format!("{tier} --floor 5"), "the exchange says: "),
        (format!("{tier} --floor 0.000000000001"), "the floor: 0.000000000001 has more decimals"),
        ("deposit-fund DOGE 1 --shard FUTURES --reference 1".to_owned(), "no asset is \"DOGE\""),
        ("deposit-fund USDT 0 --shard FUTURES --reference 1".to_owned(), "the amount must be above 0"),
        ("deposit-fund USDT 1 --shard SPOT --reference 1".to_owned(), "the exchange says: "),
    ] {
        let done = operator(data.path(), &line);
        assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{line}: {}", done.stderr);
        assert_says(&done.stderr, "refused, and nothing was done");
        assert_says(&done.stderr, says);
    }
    assert_eq!(operator(data.path(), "set-margin-tier BTC-PERP").code, Some(2));
    assert_says(&operator(data.path(), "set-contract-risk --help").stdout, "1000 to 200000");
    engine.stop().expect("an orderly end");
}
