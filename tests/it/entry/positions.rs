//! What clients are told of positions: two logins of one account, one that gets copies of it, and the other side.

use super::raw::{address, start};
use crate::support::engines::{send, small_config};
use crate::support::spot::SPOT_TOML;
use dojima::client::{
    Bookmark, Client, ClientEvent, ClientMessage, Credentials, NewOrder, PositionReport, Start,
};
use dojima::config::{Config, Durability, LoginConfig, UserRole};
use dojima::domain::{
    AccountId, AdminCommand, Command, ContractCommand, IndexId, InstrumentId, LoginId, Phase, PositionLeg,
    SetIndex, Symbol, Timestamp,
};
use dojima::engine::Engine;
use dojima::runtime::ThreadingMode;
use dojima::wire::soup;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
const PERPETUAL: Symbol = Symbol(*b"BTC-PERP");
const CONTRACT: &str = r#"
[[indexes]]
symbol = "BTC"
price_decimals = 2
shard = "FUTURES"
stale_after_ms = 600000

[[instruments]]
symbol = "BTC-PERP"
base = "BTC"
quote = "USDT"
price_decimals = 2
tick = "0.50"
lot = "0.001"
min_quantity = "0.001"
max_quantity = "1000"
min_notional = "0"
maker_fee_ppm = "200"
taker_fee_ppm = "500"
phase = "closed"
shard = "FUTURES"
product = "linear-perpetual"
[instruments.contract]
index = "BTC"
funding_interval_s = 28800
price_min = "100"
price_max = "1000000"
[instruments.risk]
interest_ppb = 100000
impact_lots = 1000
mark_band_ppm = 50000
first_band_ppm = 100000
premium_band_ppm = 20000
outer_band_ppm = 50000
liquidation_fee_ppm = 2000
collar_ppm = 30000
adl_after = 60
adl_mode = "pro-rata"
position_limit_lots = 100000
open_interest_limit_lots = 100000
[[instruments.margin_tiers]]
floor = "0"
initial_ppm = 20000
maintenance_ppm = 10000
[[instruments.margin_tiers]]
floor = "250000"
initial_ppm = 40000
maintenance_ppm = 20000
"#;

/// Alice has two logins, and Carol's gets copies of her account's messages.
fn config() -> Config {
    const SHARDS: &str = "[[shards]]\nname = \"SPOT\"\n[[shards]]\nname = \"FUTURES\"\n";
    let smaller = SPOT_TOML.replace(
        "USDT = \"1000000000\" }",
        "USDT = \"1000000\" }\ndeposits_in = { FUTURES = { USDT = \"1000000\" } }",
    );
    let file =
        Config::from_toml(&format!("{smaller}\n{CONTRACT}{SHARDS}"), "test.toml").expect("a valid file");
    let small = small_config(ThreadingMode::Shared, Durability::Sync);
    let mut config = Config {
        accounts: file.accounts,
        instruments: file.instruments,
        indexes: file.indexes,
        shards: file.shards,
        ..small
    };
    config.accounts[0].logins.push(LoginConfig::new("ALICE2", "DEMO"));
    let carol = &mut config.accounts[2].logins[0];
    (carol.role, carol.copies) = (UserRole::DropCopy, vec!["alice".to_owned()]);
    config
}

/// A running engine whose perpetual trades, with the index at 50,000.
fn trading(data: &Path) -> Engine {
    let mut engine = start(&config(), data);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let set = SetIndex { index: IndexId(0), price: 5_000_000, source_time: Timestamp(now) };
    let phase = AdminCommand::SetPhase { instrument: InstrumentId(2), phase: Phase::Continuous };
    send(engine.local(), [Command::Contract(ContractCommand::SetIndex(set)), Command::Admin(phase)]);
    engine
}

fn who(name: &str) -> Credentials {
    Credentials {
        username: soup::username(name).expect("a name"),
        password: soup::password("DEMO").expect("a password"),
        heartbeat_timeout_ms: Some(15_000),
    }
}

fn next(client: &mut Client) -> ClientMessage {
    client.next_event(PATIENCE).expect("connected").expect("in time")
}

/// What the account has in the perpetual; `None`: the answer has no position.
fn asked(client: &mut Client, symbol: Symbol) -> Option<PositionReport> {
    client.query_position(symbol).expect("sent");
    let mut report = None;
    loop {
        match next(client).event {
            ClientEvent::PositionState(one) => assert_eq!(report.replace(one), None, "one-way mode has one"),
            ClientEvent::AccountState { balance: None, .. } => return report,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn positions_are_told_to_every_login_of_their_account() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = trading(data.path());
    let open = |name| Client::connect(address(&engine), &who(name), Start::Now).expect("it connects");
    let (mut alice, mut second, mut bob) = (open("ALICE"), open("ALICE2"), open("BOB"));
    let mut copies = Client::listen(address(&engine), &who("CAROL"), Start::Now).expect("it connects");

    let flat = asked(&mut second, PERPETUAL).expect("it is a contract");
    let leverage = 20;
    let nothing =
        PositionReport { symbol: PERPETUAL, leverage, mark: 5_000_000, ..PositionReport::default() };
    assert_eq!(flat, PositionReport { equity: 100_000_000_000_000, ..nothing });
    assert_eq!(asked(&mut second, Symbol(*b"BTC-USDT")), None, "spot");
    assert_eq!(asked(&mut second, Symbol(*b"NOTHING ")), None, "it does not exist");

    let lots = 40_000;
    bob.enter(&NewOrder::sell(PERPETUAL, lots).limit(5_000_000)).expect("sent");
    assert!(matches!(next(&mut bob).event, ClientEvent::Accepted(_)));
    alice.enter(&NewOrder::buy(PERPETUAL, lots).limit(5_000_000)).expect("sent");
    assert!(matches!(next(&mut alice).event, ClientEvent::Accepted(_)));
    let ClientEvent::Executed { trade, .. } = next(&mut alice).event else { panic!("it trades") };
    let own = next(&mut alice);
    let ClientEvent::PositionChanged(update) = own.event else { panic!("{own:?}") };
    assert_eq!((update.symbol, update.leg, update.trade), (PERPETUAL, PositionLeg::Net, Some(trade)));
    assert_eq!((update.lots, update.cost, update.entry), (40_000, 200_000_000_000_000, 5_000_000));
    // The fee is 0.05 % of 2,000,000.
    assert_eq!((update.realised, update.pot, update.wallet), (0, 0, 99_900_000_000_000));

    // The other login is told the same, and nothing of the order; the copies are one of each message.
    let other = next(&mut second);
    assert_eq!((other.event, other.copy_of), (own.event, None));
    let mut copied = || {
        let message = next(&mut copies);
        let of = message.copy_of.expect("it is a copy");
        assert_eq!(of.account, AccountId(1));
        (of.login, message.event)
    };
    // What the second login asked was copied as well.
    let told = std::iter::from_fn(|| Some(copied())).take(4 + 3).last().expect("seven");
    assert_eq!(told, (LoginId(0), own.event));
    assert!(matches!(next(&mut bob).event, ClientEvent::Executed { .. }));
    let ClientEvent::PositionChanged(update) = next(&mut bob).event else { panic!("he has a position") };
    assert_eq!((update.lots, update.wallet), (-40_000, 99_960_000_000_000));

    // 999,000 + 40 (p - 50,000) is less than 2 % of 40 p less 2,500 from 25,471.5 on.
    let long = PositionReport {
        lots: 40_000,
        cost: 200_000_000_000_000,
        entry: 5_000_000,
        equity: 99_900_000_000_000,
        maintenance: 3_750_000_000_000,
        liquidation: 2_547_150,
        ..nothing
    };
    assert_eq!(asked(&mut second, PERPETUAL), Some(long));
    assert_eq!(long.margin_ratio_ppm(), Some(37_537));
    assert_eq!(asked(&mut alice, PERPETUAL), Some(long));

    // After a restart the stream is the same.
    let read = |client: &mut Client| (0..3).map(|_| next(client)).collect::<Vec<_>>();
    let mark = Bookmark { sequence: other.sequence, next_user_ref: None, ..second.bookmark() };
    let again = |engine: &Engine| {
        read(&mut Client::listen(address(engine), &who("ALICE2"), Start::At(mark)).expect("it connects"))
    };
    second.log_out();
    let before = again(&engine);
    assert_eq!(before[0].event, own.event);
    assert!(matches!(before[1].event, ClientEvent::PositionState(_)), "{before:?}");
    engine.stop().expect("an orderly end");
    let engine = start(&config(), data.path());
    assert_eq!(again(&engine), before);
    engine.stop().expect("an orderly end");
}
