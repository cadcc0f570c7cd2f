//! Recorded and generated flows: what the loaders make of them, and what the driver makes of the engine's answers.

use crate::support::engines::small_config;
use dojima::config::{Config, Durability};
use dojima::domain::{InstrumentId, OrderPrice, Side, TimeInForce};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::flow::generator::{GeneratorOptions, generate};
use dojima::flow::{
    ActionKind, Driver, DriverError, DriverOptions, Fill, Flow, FlowAction, FlowError, LeftOut, OrderIndex,
    Ordering, Pace, Progress, SessionIndex, Trade, Turn, expected, keep_to_recording, trades,
};
use dojima::runtime::ThreadingMode;
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const AAPL: &str = "AAPL_20120621_0930_1030_input_flow.csv.xz";
const BITSTAMP: &str = "bitstamp_btcusd_20260502_0236_30min_orders.csv.xz";
const SHANGHAI: &str = "20230201_600519_input_flow.csv.xz";

/// A recording, which lies beside the project where it is there at all.
fn recording(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if !path.exists() {
        // Not by eprintln!, which the test runner swallows: a skip has to be seen.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no {}", path.display());
        return None;
    }
    Some(path)
}

fn load(name: &str, sessions: u16) -> Option<Flow> {
    Some(Flow::load(&recording(name)?, sessions).expect("the recording loads"))
}

/// How many new orders, immediate-or-cancel orders, reduces, cancels and replaces.
fn kinds(actions: &[FlowAction]) -> [usize; 5] {
    let mut counts = [0; 5];
    for action in actions {
        let kind = match action.kind {
            ActionKind::New { time_in_force: TimeInForce::GoodTillCancel, .. } => 0,
            ActionKind::New { .. } => 1,
            ActionKind::Reduce { .. } => 2,
            ActionKind::Cancel => 3,
            ActionKind::Replace { .. } => 4,
        };
        counts[kind] += 1;
    }
    counts
}

/// What every flow must be: in time, every order entered once and before anything else, always in one session.
fn check_flow(flow: &Flow) {
    flow.venue.config().validate().expect("its venue can be opened");
    let mut entered = vec![None; flow.order_names.len()];
    let mut last_ns = 0;
    for action in &flow.actions {
        assert!(action.at_ns >= last_ns);
        last_ns = action.at_ns;
        assert!((action.instrument.0 as usize) < flow.venue.instruments.len());
        assert!(usize::from(action.session.0) < flow.venue.credentials().len());
        let place = &mut entered[action.order.0 as usize];
        match action.kind {
            ActionKind::New { .. } => assert_eq!(place.replace(action.session), None, "{action:?}"),
            _ => assert_eq!(*place, Some(action.session), "{action:?}"),
        }
    }
    let left_out: u64 = flow.left_out.iter().map(|entry| entry.actions).sum();
    assert_eq!(flow.actions.len() as u64 + left_out, flow.rows, "every row is played or accounted for");
}

#[test]
fn an_hour_of_aapl_loads() {
    let Some(flow) = load(AAPL, 1) else { return };
    check_flow(&flow);
    assert_eq!((flow.rows, flow.actions.len()), (89_162, 89_162));
    assert_eq!(kinds(&flow.actions), [44_398, 3_290, 469, 41_005, 0]);
    assert_eq!(flow.order_names[0], 1_903_538);
    let first = ActionKind::New {
        side: Side::Sell,
        price: OrderPrice::Limit(5_870_000),
        quantity: 100,
        time_in_force: TimeInForce::GoodTillCancel,
    };
    assert_eq!((flow.actions[0].at_ns, flow.actions[0].kind), (34_200_000_000_000, first));
    assert_eq!(flow.venue.instruments[0].symbol, "AAPL");
}

#[test]
fn half_an_hour_of_bitstamp_loads() {
    let Some(flow) = load(BITSTAMP, 2) else { return };
    check_flow(&flow);
    assert_eq!(flow.rows - flow.rows_around, 301_027);
    assert_eq!(flow.rows, 314_057);
    let [new, immediate, reduced, cancelled, replaced] = kinds(&flow.actions);
    // 73 orders are larger than OUCH can say; all but two of the changes are trades.
    assert_eq!((new, immediate, reduced, replaced), (156_889 - 73, 0, 0, 2));
    assert_eq!(cancelled, 156_902 - 73 - 13);
    let left_out = |words: &str| {
        let entry = flow.left_out.iter().find(|entry| entry.reason.contains(words));
        entry.map_or(0, |entry: &LeftOut| entry.actions)
    };
    assert_eq!((left_out("OUCH"), left_out("does not have"), left_out("trades")), (146, 13, 264));
}

#[test]
fn a_day_of_shanghai_loads_without_its_auctions() {
    let Some(flow) = load(SHANGHAI, 1) else { return };
    check_flow(&flow);
    assert_eq!(flow.rows, 73_787);
    let hour = 3_600_000_000_000;
    let day = flow.actions.iter().map(|action| action.at_ns);
    assert!(day.clone().min() >= Some(9 * hour + hour / 2));
    assert!(day.max() <= Some(15 * hour));
    let auctions = flow.left_out.iter().find(|entry| entry.reason == "call auctions");
    assert_eq!(auctions.map(|entry| entry.actions), Some(2));
}

#[test]
fn recordings_that_are_none_are_refused_with_the_line() {
    let dir = TempDir::new().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let header = "ts_ns,action,order_id,side,price_1e-4,qty";
    let plain = file("XYZ_day.csv", &format!("{header}\n5,N,77,B,100,3\n6,C,77,B,100,3\n"));
    let flow = Flow::load(&plain, 1).expect("a good file");
    check_flow(&flow);
    assert_eq!((flow.venue.instruments[0].symbol.as_str(), flow.actions.len()), ("XYZ", 2));

    let load = |path: &Path| Flow::load(path, 1).expect_err("must be refused");
    assert!(
        matches!(load(&file("a.csv", "a,b\n")), FlowError::UnknownHeader { header, .. } if header == "a,b")
    );
    assert!(matches!(load(&dir.path().join("none.csv")), FlowError::Read { .. }));
    assert!(matches!(load(&file("b.csv.xz", "not xz")), FlowError::Read { .. }));
    for bad in [
        "5,N,77,B,100",
        "5,N,77,B,100,3,9",
        "5,N,77,Q,100,3",
        "5,Z,77,B,100,3",
        "5,N,77,B,100,-3",
        "x,C,7,B,1,1",
    ] {
        let error = load(&file("c.csv", &format!("{header}\n1,N,1,B,100,3\n{bad}\n")));
        assert!(matches!(error, FlowError::Row { line: 3, .. }), "{bad}: {error}");
    }
    let header = "id,timestamp,exchange_timestamp,price,volume,action,direction";
    for (bad, says) in [
        ("2,99999999999999999,1,1.0,1,created,bid", "later than nanoseconds can count"),
        ("2,6,6,1.001,1,created,bid", "price 1.001 has more than 2 decimals"),
        ("2,6,6,1.0,0.000000001,created,bid", "not a whole number of lots"),
        ("2,6,6,1.0,1,created,up", "neither bid nor ask"),
    ] {
        let error = load(&file("d.csv", &format!("{header}\n1,5,5,1.0,1,created,bid\n{bad}\n")));
        assert!(matches!(error, FlowError::Row { line: 3, .. }), "{bad}: {error}");
        assert!(error.to_string().contains(says), "{bad}: {error}");
    }
}

#[test]
fn a_seed_is_a_flow_and_looks_like_a_market() {
    let options = GeneratorOptions { seed: 7, actions: 100_000, sessions: 4 };
    let flow = generate(&options);
    check_flow(&flow);
    assert_eq!(flow.actions, generate(&options).actions);
    assert_ne!(flow.actions, generate(&GeneratorOptions { seed: 8, ..options }).actions);
    let shares = kinds(&flow.actions).map(|count| count * 100 / flow.actions.len());
    assert!((47..=51).contains(&shares[0]), "adds: {shares:?}");
    assert!((42..=46).contains(&shares[3]), "deletes: {shares:?}");
    assert!((3..=5).contains(&shares[1]), "takes: {shares:?}");
    // The same for ever, on every machine: a hash of the first actions, computed once.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for action in &flow.actions[..10_000] {
        for byte in format!("{action:?}").bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!(hash, GENERATED, "{hash:#x}");
}

const GENERATED: u64 = 0xb01b_8d78_b788_31fc;

// The driver, against an engine in this process.

fn config(flow: &Flow) -> Config {
    let small = small_config(ThreadingMode::Shared, Durability::Async);
    let venue = flow.venue.config();
    let mut config =
        Config { assets: venue.assets, instruments: venue.instruments, accounts: venue.accounts, ..small };
    config.exchange.orders_max = 100_000;
    config.journal.segment_mib = 8;
    config.event_log.segment_mib = 8;
    config.rings.inbound_slots = 1024;
    config.rings.command_slots = 4096;
    config.rings.event_slots = 8192;
    config
}

struct Running {
    engine: Engine,
    dir: TempDir,
    config: Config,
}

impl Running {
    fn start(flow: &Flow) -> Self {
        let dir = TempDir::new().expect("a directory");
        let config = config(flow);
        let engine = Self::engine(&config, dir.path());
        Self { engine, dir, config }
    }

    fn engine(config: &Config, dir: &Path) -> Engine {
        let launch = Launch {
            order_entry: OrderEntry::Listen,
            on_fatal: OnFatal::Stop,
            implausible_clock: ImplausibleClock::Refuse,
            on_progress: &mut |_| {},
        };
        Engine::start(config, dir, launch).expect("the engine starts")
    }

    fn restart(self) -> Self {
        let Self { engine, dir, config } = self;
        engine.stop().expect("stops in good order");
        let engine = Self::engine(&config, dir.path());
        Self { engine, dir, config }
    }

    fn address(&self) -> SocketAddr {
        self.engine.order_entry.expect("listens")
    }
}

fn finish(driver: &mut Driver<'_>) {
    while driver.turn(Duration::from_millis(100)).expect("no break") == Turn::Working {}
}

fn play_through(flow: &Flow, options: DriverOptions) -> (Progress, Vec<Fill>) {
    let running = Running::start(flow);
    let mut driver = Driver::new(flow, options).expect("a driver");
    driver.connect(running.address()).expect("connected");
    finish(&mut driver);
    let (progress, fills) = (driver.progress().clone(), driver.fills().to_vec());
    assert_eq!(
        (progress.sent, progress.settled, driver.unsettled()),
        (flow.actions.len() as u64, progress.sent, 0)
    );
    let answered = progress.settled - progress.unanswered;
    assert_eq!(driver.latency().len(), answered, "the time of every answer is taken, once");
    driver.log_out();
    running.engine.stop().expect("stops in good order");
    (progress, fills)
}

/// The trades without their numbers.
fn terms(trades: &[Trade]) -> Vec<(OrderIndex, OrderIndex, u64, u32)> {
    trades.iter().map(|trade| (trade.maker, trade.taker, trade.price, trade.quantity)).collect()
}

/// An independent price-time replay of the recording gives 3,219; the recorded orders that met hidden ones disturb those
/// after them.
#[test]
fn aapl_replays_as_price_and_time_have_it() {
    let (Some(flow), Some(expected)) = (load(AAPL, 1), aapl_trades()) else { return };
    let (progress, fills) = play_through(&flow, DriverOptions::default());
    assert_eq!(progress.accepted, 44_398 + 3_290);
    let (made, left) = trades(&fills);
    assert_eq!(left, 0, "every trade was told to both sides");
    let agreement = expected::Agreement::of(&expected, &expected::named(&made, &flow));
    let expected =
        expected::Agreement { aggressors: 3_290, same: 3_219, expected_trades: 4_067, trades: 4_104 };
    assert_eq!(agreement, expected);
}

#[test]
fn aapl_trades_as_it_did_where_the_book_is_kept_to_the_recording() {
    let (Some(mut flow), Some(expected)) = (load(AAPL, 1), aapl_trades()) else { return };
    let kept = keep_to_recording(&mut flow, &expected);
    assert_eq!(kept.mismatches, 18);
    assert_eq!(flow.actions.len(), 89_162 + kept.added);
    let (_, fills) = play_through(&flow, DriverOptions::default());
    let (made, _) = trades(&fills);
    let agreement = expected::Agreement::of(&expected, &expected::named(&made, &flow));
    assert_eq!((agreement.aggressors, agreement.same), (3_290, 3_272), "{agreement}");
}

fn aapl_trades() -> Option<Vec<expected::NamedTrade>> {
    let path = expected::beside(&recording(AAPL)?).expect("its trades lie beside it");
    let trades = expected::load(&path).expect("they load").expect("they name the aggressive order");
    assert_eq!(trades.len(), 4_067);
    Some(trades)
}

#[test]
fn several_sessions_trade_as_one_does_when_barriers_keep_the_order() {
    let flows = [1, 3].map(|sessions| generate(&GeneratorOptions { seed: 11, actions: 6_000, sessions }));
    let made = flows.each_ref().map(|flow| {
        let (progress, fills) = play_through(flow, DriverOptions { window: 64, ..DriverOptions::default() });
        let (made, left) = trades(&fills);
        assert_eq!(left, 0);
        (terms(&made), progress)
    });
    let trades = made[0].0.len();
    assert!(trades > 100, "{trades} trades are too few to tell anything");
    let [(one, one_progress), (three, three_progress)] = made;
    let differs = one.iter().zip(&three).position(|(a, b)| a != b);
    assert_eq!((differs, one.len()), (None, three.len()), "the first trade that differs");
    assert_eq!(one_progress, three_progress);
}

#[test]
fn unordered_sessions_all_come_to_their_ends() {
    let flow = generate(&GeneratorOptions { seed: 12, actions: 30_000, sessions: 4 });
    let options = DriverOptions { ordering: Ordering::PerSession, ..DriverOptions::default() };
    let (progress, fills) = play_through(&flow, options);
    let (made, left) = trades(&fills);
    assert_eq!((left, progress.executed), (0, fills.len() as u64));
    assert!(!made.is_empty());
    assert_eq!(progress.rejected.len(), 0, "{progress:?}");
    let answered = progress.accepted + progress.replaced;
    assert!(answered + progress.unanswered <= progress.sent);
}

#[test]
fn broken_connections_and_restarts_change_nothing_about_the_trades() {
    let flow = generate(&GeneratorOptions { seed: 13, actions: 20_000, sessions: 2 });
    // One instrument's orders each to its own session, so that sessions running freely have one outcome.
    let mut flow = flow;
    let mut session_of = HashMap::new();
    for action in &mut flow.actions {
        action.session = *session_of.entry(action.order).or_insert(SessionIndex(action.instrument.0 as u16));
    }
    let options = DriverOptions { ordering: Ordering::PerSession, window: 2_000, ..DriverOptions::default() };
    let (straight, fills) = play_through(&flow, options);
    let by_instrument = |fills: &[Fill]| {
        let (made, left) = trades(fills);
        assert_eq!(left, 0, "no message came twice, none is missing");
        let of = |instrument: InstrumentId| {
            let made = made.iter().filter(|trade| session_of[&trade.maker].0 == instrument.0 as u16);
            terms(&made.copied().collect::<Vec<_>>())
        };
        [of(InstrumentId(0)), of(InstrumentId(1))]
    };

    let mut running = Running::start(&flow);
    let mut driver = Driver::new(&flow, options).expect("a driver");
    driver.connect(running.address()).expect("connected");
    let mut breaks = 0;
    loop {
        if driver.turn(Duration::from_millis(100)).expect("no break") == Turn::Finished {
            break;
        }
        // Only with something in flight is a break a break.
        if driver.progress().settled >= 1_000 * (breaks + 1) && driver.unsettled() > 0 {
            breaks += 1;
            driver.disconnect();
            if breaks % 4 == 0 {
                running = running.restart();
            }
            driver.connect(running.address()).expect("connected again");
        }
    }
    assert!(breaks > 4, "{breaks}");
    let broken = driver.progress().clone();
    assert!(broken.resent > 0, "what was in flight at a break is sent again");
    assert!(by_instrument(driver.fills()) == by_instrument(&fills), "the trades differ");
    let told = |p: &Progress| (p.sent, p.accepted, p.replaced, p.canceled, p.rejected.clone(), p.executed);
    assert_eq!(told(&broken), told(&straight));
    running.engine.stop().expect("stops in good order");
}

#[test]
fn a_paced_flow_takes_its_time_and_a_used_login_is_noticed() {
    let mut flow = generate(&GeneratorOptions { seed: 14, actions: 50, sessions: 1 });
    for (at, action) in flow.actions.iter_mut().enumerate() {
        action.at_ns = at as u64 * 10_000_000_000;
    }
    let running = Running::start(&flow);
    let options = DriverOptions { pace: Pace::Speed(5_000.0), ..DriverOptions::default() };
    let mut driver = Driver::new(&flow, options).expect("a driver");
    driver.connect(running.address()).expect("connected");
    let started = std::time::Instant::now();
    finish(&mut driver);
    // 490 s of the flow's clock, 5,000 times as fast; how much longer it takes depends on the machine.
    assert!(started.elapsed() >= Duration::from_millis(98));
    driver.log_out();

    let mut again = Driver::new(&flow, options).expect("a driver");
    again.connect(running.address()).expect("connected");
    let error = loop {
        match again.turn(Duration::from_millis(100)) {
            Ok(turn) => assert_eq!(turn, Turn::Working),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, DriverError::ForeignOrder { session: 0, .. }), "{error}");
    running.engine.stop().expect("stops in good order");
}

// The whole demo, as a person runs it.

#[test]
fn the_demo_loses_nothing_when_its_engine_is_killed() {
    let dir = TempDir::new().expect("a directory");
    let kept = dir.path().join("kept");
    let demo = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dojima"));
        command
            .args(["demo", "--orders", "20000", "--seed", "3", "--durability", "async", "--data"])
            .arg(&kept);
        command.output().expect("the program runs")
    };
    let done = demo();
    let said = String::from_utf8(done.stdout).expect("UTF-8");
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    for words in [
        "SIGKILL to process",
        "4 sessions went on from message",
        "verified: all checks hold",
        "trades = journal, exactly",
        "Executed messages = journal, exactly",
        "look further",
    ] {
        assert!(said.contains(words), "{words:?} is missing in\n{said}");
    }
    assert!(kept.join("data/dojima.sqlite").exists());
    let again = demo();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not empty"));
}

/// What README says of the demo, and where it is in what the demo prints. Slow enough that it prints a line while it runs.
#[test]
fn the_demo_prints_what_the_readme_says() {
    let readme = include_str!("../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let dir = TempDir::new().expect("a directory");
    let demo = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dojima"));
        command.args(["demo", "--durability", "async"]).args(more);
        let done = command.output().expect("the program runs");
        let said = String::from_utf8(done.stdout).expect("UTF-8");
        assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
        said
    };
    let said = demo(&["--orders", "6000", "--speed", "0.04"]);
    let line = said.lines().find(|line| line.contains(" % ") && line.contains("SQL"));
    let line = line.unwrap_or_else(|| panic!("no line while it runs in\n{said}"));
    for (readme_says, printed_in, words) in [
        ("starts an engine in a temporary directory", &said[..], &["dojima-demo-"][..]),
        ("kills it with `SIGKILL` half way", &said, &["SIGKILL to process"]),
        ("restarts it, resumes the sessions", &said, &["sessions went on from message"]),
        (
            "compares the clients' messages, the journal and the SQL tables",
            &said,
            &["SQL trades", "clients' trades", "= journal, exactly", "verified: all checks hold"],
        ),
        (
            "messages per second, latency from order to durable acknowledgement, journal size and SQL lag",
            line,
            &["/s, ", "p50 ", " p99 ", "journal ", "SQL ", " behind"],
        ),
        (
            "prints a summary with the recovery time",
            &said,
            &["summary", "recovery", "commands replayed; from starting the process"],
        ),
    ] {
        assert!(readme.contains(readme_says), "README does not say {readme_says:?}");
        for words in words {
            assert!(printed_in.contains(words), "{words:?} is missing in\n{printed_in}");
        }
    }
    assert!(readme.contains("`demo --data DIR` keeps the files and prints SQL queries to try"));
    let kept = dir.path().join("kept");
    let said = demo(&["--orders", "500", "--data", kept.to_str().expect("UTF-8")]);
    assert!(said.contains("look further") && said.contains("sqlite3 -header -column"), "{said}");
    let path = kept.display().to_string();
    let is_narrow = |line: &str| line.contains(&path) || line.chars().count() <= 80;
    assert!(said.lines().all(is_narrow), "{said}");
    let summary = said.split("  summary\n").nth(1).and_then(|rest| rest.split("look further").next());
    let summary = summary.expect("the summary");
    assert!(summary.contains("order → ack"), "{summary}");
}
