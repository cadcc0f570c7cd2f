//! `dojima client` in its plain form, against an engine in this process.

use crate::entry::index_prices;
use crate::entry::secure::certificate;
use crate::support::engines::{small_config, small_venue};
use dojima::config::{Config, Durability, TlsSection};
use dojima::domain::{self, VenueCommand};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::runtime::ThreadingMode;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Terminal {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Terminal {
    fn open(user: &str, address: SocketAddr) -> Self {
        Self::open_with(user, address, &[])
    }

    fn open_with(user: &str, address: SocketAddr, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dojima"))
            .args(["client", "--plain", "--user", user, "--address", &address.to_string()])
            .args(more)
            .env("DOJIMA_PASSWORD", "demo")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let input = child.stdin.take().expect("is piped");
        let output = BufReader::new(child.stdout.take().expect("is piped"));
        Self { child, input, output }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it listens");
    }

    /// The next line that it prints.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).expect("UTF-8") > 0, "it ended");
        line.trim_end().to_owned()
    }

    fn expect(&mut self, said: &str, heard: &[&str]) {
        self.say(said);
        for line in heard {
            assert_eq!(self.hear(), *line, "after {said:?}");
        }
    }

    /// The next line that begins so; those before it are skipped.
    fn hear_of(&mut self, beginning: &str) -> String {
        loop {
            let line = self.hear();
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// The rows of the table of orders.
    fn orders(&mut self, count: usize) -> Vec<String> {
        self.say("orders");
        (0..count + 2).map(|_| self.hear()).skip(2).collect()
    }

    fn quit(mut self) {
        self.say("quit");
        assert!(self.child.wait().expect("it ends").success());
    }
}

fn engine(data: &tempfile::TempDir) -> Engine {
    launch(&small_config(ThreadingMode::Shared, Durability::Async), data.path())
}

fn launch(config: &Config, data: &Path) -> Engine {
    let launch = Launch {
        order_entry: OrderEntry::Listen,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    Engine::start(config, data, launch).expect("the engine starts")
}

#[test]
fn a_login_with_the_role_index_sends_prices() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let config = index_prices::config();
    let file = data.path().join("venue.toml");
    std::fs::write(&file, config.to_toml().expect("can be written")).expect("written");
    let file = file.display().to_string();
    let engine = launch(&config, &data.path().join("data"));
    let address = engine.order_entry.expect("it listens");
    let open = |user| Terminal::open_with(user, address, &["--config", &file]);
    let mut prices = open("prices");
    prices.expect("index btc 50000.5", &["#1: index BTC is 50000.5"]);
    prices.expect(
        "index BTC 60000",
        &["#2: 60000 is far from the last price of index BTC; it waits for a second one near it"],
    );
    prices.expect("index BTC 60001", &["#3: index BTC is 60001"]);
    prices.expect("index DOGE 1", &["not done: no index DOGE in the configuration"]);
    prices.expect(
        "index BTC 1.001",
        &["not done: 1.001 is no price of BTC: price 1.001 has more than 2 decimals"],
    );
    prices.expect("index BTC 0", &["not done: 0 is no price of BTC: it must be above 0"]);
    prices.say("index ETH 3000");
    let refusal = prices.hear();
    assert!(refusal.starts_with("#4 refused: "), "{refusal}");
    prices.quit();
    let mut alice = open("alice");
    alice.say("index BTC 60002");
    let refusal = alice.hear();
    assert!(refusal.starts_with("#1 refused: "), "{refusal}");
    alice.quit();
    engine.stop().expect("an orderly end");
}

#[test]
fn a_person_trades_and_is_told_in_words() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let engine = engine(&data);
    let address = engine.order_entry.expect("it listens");
    let (mut alice, mut bob) = (Terminal::open("alice", address), Terminal::open("bob", address));
    alice.expect("buy 0.5 btc-usdt at 65000", &["#1 accepted: buy 0.5 BTC-USDT at 65000"]);
    bob.expect(
        "sell 0.2 BTC-USDT at 65000 ioc",
        &["#1 accepted: sell 0.2 BTC-USDT at 65000", "#1 sold 0.2 at 65000 (removed liquidity)"],
    );
    assert_eq!(alice.hear(), "#1 bought 0.2 at 65000 (added liquidity)");
    alice.expect("replace 1 0.4 at 64000", &["#2 stands in place of #1: 0.2 open at 64000"]);
    alice.expect("reduce 2 0.3", &["#2 now has 0.1 open"]);
    alice.expect("buy 1 BTC-USDT at 65000.001", &["not done: price 65000.001 has more than 2 decimals"]);
    alice.expect("cancel 1", &["not done: order 1 is not open: replaced by #2"]);
    alice.say("buy 1 NONE at 1");
    let refusal = alice.hear();
    assert!(refusal.starts_with("not done: no instrument NONE"), "{refusal}");
    alice.say("buy 0.00001 BTC-USDT at 1");
    let refusal = alice.hear();
    assert!(refusal.starts_with("#3 refused: "), "{refusal}");
    alice.say("cancel all");
    let canceled = alice.hear();
    assert_eq!(canceled, "#2: remaining 0.1 cancelled (as requested)");
    assert_eq!(alice.hear(), "#4: all those orders are cancelled");
    alice.say("fills");
    assert!(alice.hear().contains("quantity"), "a heading");
    alice.hear();
    let fill = alice.hear();
    assert!(fill.contains("0.2") && fill.contains("65000") && fill.contains("BTC-USDT"), "{fill}");
    alice.quit();
    // Who comes back has all of it again, and is told nothing of it as news.
    let mut alice = Terminal::open("alice", address);
    alice.say("orders");
    let table: Vec<String> = (0..4).map(|_| alice.hear()).collect();
    assert!(table[0].contains("standing"), "{table:?}");
    assert!(table[2].contains("replaced by #2") && table[3].contains("64000"), "{table:?}");
    alice.quit();
    bob.expect(
        "sell 0.3 BTC-USDT at 65000 ioc",
        &["#2 accepted: sell 0.3 BTC-USDT at 65000", "#2: remaining 0.3 cancelled (nothing more to match)"],
    );
    bob.expect("foo", &["not done: unknown command \"foo\"; type help"]);
    bob.say("buy 1 BTC-USDT at 1 until 00:00:00");
    let refusal = bob.hear();
    assert!(refusal.starts_with("not done: until 00:00:00 is in the past: it is "), "{refusal}");
    bob.quit();
    engine.stop().expect("an orderly end");
}

#[test]
fn without_a_password_it_says_how_to_give_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_dojima"))
        .args(["client", "--plain", "--user", "ALICE"])
        .env_remove("DOJIMA_PASSWORD")
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("DOJIMA_PASSWORD") && said.contains("--password-file"), "{said}");
}

/// Ends the session, as `gateway.roll_at` does.
fn roll(engine: &mut Engine, session: u32) {
    let local = engine.local();
    local
        .commands
        .try_push(domain::Command::Venue(VenueCommand::RollSession { session }))
        .expect("there is room");
    local.doorbell.ring();
}

#[test]
fn orders_stay_through_a_roll_for_who_is_there_and_for_who_comes_after() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let mut engine = engine(&data);
    let address = engine.order_entry.expect("it listens");
    let mut alice = Terminal::open("alice", address);
    alice.expect("buy 0.5 btc-usdt at 65000", &["#1 accepted: buy 0.5 BTC-USDT at 65000"]);
    alice.expect("buy 0.4 btc-usdt at 64000", &["#2 accepted: buy 0.4 BTC-USDT at 64000"]);
    alice.expect("buy 0.3 btc-usdt at 63000", &["#3 accepted: buy 0.3 BTC-USDT at 63000"]);
    alice.expect("cancel 2", &["#2: remaining 0.4 cancelled (as requested)"]);
    roll(&mut engine, 1);
    assert_eq!(alice.hear(), "session DOJIMA0001 has ended; 2 orders stay open");
    assert_eq!(alice.hear(), "connected");
    assert_eq!(alice.hear(), "session DOJIMA0002 has begun");
    let rows = alice.orders(2);
    assert!(rows[0].contains("65000") && rows[1].contains("63000"), "{rows:?}");
    alice.expect("cancel 3", &["#3: remaining 0.3 cancelled (as requested)"]);
    // Number 1 is that of an order that is still open, and no other gets it.
    alice.expect("sell 0.2 btc-usdt at 66000", &["#2 accepted: sell 0.2 BTC-USDT at 66000"]);
    alice.quit();
    roll(&mut engine, 2);

    // Who was away finds both, of two sessions that have ended.
    let mut alice = Terminal::open("alice", address);
    let rows = alice.orders(2);
    assert!(rows[0].contains("65000") && rows[1].contains("66000"), "{rows:?}");
    alice.expect("cancel 1", &["#1: remaining 0.5 cancelled (as requested)"]);
    alice.expect("cancel 2", &["#2: remaining 0.2 cancelled (as requested)"]);
    alice.quit();
    engine.stop().expect("an orderly end");
}

#[test]
fn a_connection_that_is_lost_is_made_again_where_it_was() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let first = engine(&data);
    let address = first.order_entry.expect("it listens");
    let mut config = small_config(ThreadingMode::Shared, Durability::Async);
    config.gateway.listen = address;
    let mut alice = Terminal::open("alice", address);
    alice.expect("buy 0.5 btc-usdt at 65000", &["#1 accepted: buy 0.5 BTC-USDT at 65000"]);
    first.stop().expect("an orderly end");
    let lost = alice.hear();
    assert_eq!(
        lost,
        "connection lost: the server closed the connection (ALICE may have logged in elsewhere); connecting again"
    );
    let second = launch(&config, data.path());
    assert_eq!(alice.hear(), "connected");
    alice.expect("cancel 1", &["#1: remaining 0.5 cancelled (as requested)"]);
    alice.expect("buy 0.1 btc-usdt at 65000", &["#2 accepted: buy 0.1 BTC-USDT at 65000"]);
    alice.quit();
    second.stop().expect("an orderly end");
}

/// Each connects again when the other takes its place, and one of them gives way.
#[test]
fn two_terminals_of_one_user_do_not_take_turns_for_ever() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let engine = engine(&data);
    let address = engine.order_entry.expect("it listens");
    let mut one = Terminal::open("alice", address);
    one.expect("next", &["the next number is 1"]);
    let mut two = Terminal::open("alice", address);
    assert!(one.hear().starts_with("connection lost: "));
    assert_eq!(one.hear(), "connected");
    assert!(two.hear_of("connection lost: ").ends_with("connecting again"));
    assert_eq!(two.hear_of("connected"), "connected");
    let given_up = one.hear_of("connection lost: ");
    assert!(given_up.ends_with("`connect` connects again"), "{given_up}");
    one.expect("buy 1 btc-usdt at 1", &["not done: there is no connection; `connect` connects at once"]);
    one.say("connect");
    assert_eq!(one.hear_of("connected"), "connected");
    drop(one.input);
    assert!(one.child.wait().expect("it ends").success());
    two.child.kill().expect("it runs");
    two.child.wait().expect("it ends");
    engine.stop().expect("an orderly end");
}

#[test]
fn stops_are_shown_with_their_trigger_and_links_with_their_order() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let engine = engine(&data);
    let address = engine.order_entry.expect("it listens");
    let (mut alice, mut bob) = (Terminal::open("alice", address), Terminal::open("bob", address));
    alice.expect(
        "sell 0.5 btc-usdt at 58000 stop 59000.5",
        &["#1 accepted: sell 0.5 BTC-USDT at 58000, waits: stop 59000.5"],
    );
    alice.expect("sell 0.5 btc-usdt at 70000 link 1", &["#2 accepted: sell 0.5 BTC-USDT at 70000"]);
    let refusal = "not done: order 1 is not of the same instrument and side, and cannot be linked";
    alice.expect("buy 0.5 btc-usdt at 1000 link 1", &[refusal]);
    alice.say("replace 1 0.5 at 57000");
    let refusal = alice.hear();
    assert!(refusal.starts_with("not done: order 1 waits for its trigger"), "{refusal}");
    let rows = alice.orders(2);
    assert!(rows[0].contains("waits: stop 59000.5, link #2"), "{rows:?}");
    assert!(rows[1].contains("open, link #1"), "{rows:?}");
    alice.quit();
    // Who comes back knows it from the order's text.
    let mut alice = Terminal::open("alice", address);
    let rows = alice.orders(2);
    assert!(rows[0].contains("waits: stop 59000.5"), "{rows:?}");
    // A trade at the trigger.
    bob.expect("buy 0.1 btc-usdt at 59000", &["#1 accepted: buy 0.1 BTC-USDT at 59000"]);
    bob.say("sell 0.1 btc-usdt at 59000 ioc");
    // Each of a pair goes when the other is triggered.
    assert_eq!(alice.hear(), "#2: remaining 0.5 cancelled (could not go on)");
    assert_eq!(alice.hear(), "#1 was triggered and is live");
    let rows = alice.orders(2);
    assert!(!rows[0].contains("waits"), "{rows:?}");
    alice.quit();
    bob.say("quit");
    engine.stop().expect("an orderly end");
}

#[test]
fn one_login_trades_in_all_shards_and_sees_all_wallets() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let engine = launch(&small_venue(ThreadingMode::Shared, Durability::Async), data.path());
    let address = engine.order_entry.expect("it listens");
    let mut alice = Terminal::open("alice", address);
    alice.expect("buy 0.5 btc-usdt at 60000", &["#1 accepted: buy 0.5 BTC-USDT at 60000"]);
    alice.expect("buy 0.5 btc-perp at 65000", &["#2 accepted: buy 0.5 BTC-PERP at 65000"]);
    let mut bob = Terminal::open("bob", address);
    bob.expect(
        "sell 0.5 btc-perp at 65000",
        &[
            "#1 accepted: sell 0.5 BTC-PERP at 65000",
            "#1 sold 0.5 at 65000 (removed liquidity)",
            "position BTC-PERP: short 0.5 at 65000",
        ],
    );
    assert_eq!(alice.hear(), "#2 bought 0.5 at 65000 (added liquidity)");
    assert_eq!(alice.hear(), "position BTC-PERP: long 0.5 at 65000");
    alice.expect(
        "balances",
        &[
            "spot (0), BTC: 100000 available, 0 in open orders",
            "spot (0), ETH: 1000000 available, 0 in open orders",
            // The fee of 0.1 % is held, too.
            "spot (0), USDT: 999969970 available, 30030 in open orders",
            "futures (1), BTC: 1000 available, 0 in open orders",
            "futures (1), ETH: 0 available, 0 in open orders",
            // A fee of 0.02 % was paid; the position needs the margin that twenty times as much is traded with.
            "futures (1), USDT: 99999993.5 available, 0 in open orders; 99998368.5 can be withdrawn",
        ],
    );
    alice.expect("sell 1 btc-z99 at 65000", &["#3 accepted: sell 1 BTC-Z99 at 65000"]);
    alice.quit();
    bob.quit();
    let shards = engine.stop().expect("an orderly end").shards.expect("the exchange");
    assert_eq!(shards.audit(), Ok(()));
}

#[test]
fn balances_are_what_is_available_and_what_orders_hold() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let config = small_config(ThreadingMode::Shared, Durability::Async);
    let file = data.path().join("venue.toml");
    std::fs::write(&file, config.to_toml().expect("can be written")).expect("written");
    let engine = launch(&config, &data.path().join("data"));
    let more = ["--config", &file.display().to_string()];
    let mut alice = Terminal::open_with("alice", engine.order_entry.expect("it listens"), &more);
    alice.expect("buy 0.5 btc-usdt at 60000", &["#1 accepted: buy 0.5 BTC-USDT at 60000"]);
    alice.expect(
        "balances",
        &[
            "BTC: 100000 available, 0 in open orders",
            "ETH: 1000000 available, 0 in open orders",
            // The fee of 0.1 % is held, too.
            "USDT: 999969970 available, 30030 in open orders",
        ],
    );
    alice.quit();
    engine.stop().expect("an orderly end");
}

#[test]
fn the_terminal_speaks_tls() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let mut config = small_config(ThreadingMode::Shared, Durability::Async);
    let (section, _) = certificate(data.path());
    let trusted = section.certificate.display().to_string();
    config.tls = Some(section);
    let engine = launch(&config, &data.path().join("data"));
    let secure = engine.order_entry_tls.expect("it listens");
    let tls = ["--tls", "--ca", &trusted, "--server-name", "localhost"];
    let mut alice = Terminal::open_with("alice", secure, &tls);
    alice.expect("buy 0.5 btc-usdt at 65000", &["#1 accepted: buy 0.5 BTC-USDT at 65000"]);
    alice.quit();
    // The certificate is not for the address.
    let address = secure.to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_dojima"))
        .args(["client", "--plain", "--user", "alice", "--address", &address, "--tls", "--ca", &trusted])
        .env("DOJIMA_PASSWORD", "demo")
        .output()
        .expect("the program runs");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("TLS failed: invalid peer certificate"), "{said}");
    engine.stop().expect("an orderly end");
}

#[test]
fn the_market_is_shown_in_units() {
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let engine = engine(&data);
    let address = engine.order_entry.expect("it listens");
    let mut alice = Terminal::open("alice", address);
    alice.expect("buy 0.5 btc-usdt at 65000", &["#1 accepted: buy 0.5 BTC-USDT at 65000"]);
    alice.expect("sell 0.25 btc-usdt at 66000.5", &["#2 accepted: sell 0.25 BTC-USDT at 66000.5"]);
    alice.quit();
    let market = |more: &[&str], password: Option<&str>| {
        let stream = engine.market_data.expect("it listens").to_string();
        let glimpse = engine.glimpse.expect("it listens").to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dojima"));
        command.args(["market", "--once", "--user", "alice", "--address", &stream, "--glimpse", &glimpse]);
        command.args(more).stdin(Stdio::null()).env_remove("DOJIMA_PASSWORD");
        command.envs(password.map(|password| ("DOJIMA_PASSWORD", password)));
        let output = command.output().expect("the program runs");
        (String::from_utf8(output.stdout).expect("UTF-8"), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (all, _) = market(&[], Some("demo"));
    let all = squeezed(&all);
    assert!(all.contains("BTC-USDT trading 0.50000 65000.00 66000.50 0.25000 0.00000"), "{all}");
    assert!(all.contains("; trades are counted from message ") && all.contains(" on instrument"), "{all}");
    let (one, _) = market(&["--symbol", "btc-usdt"], Some("demo"));
    let one = squeezed(&one);
    assert!(one.contains("BTC bid USDT ask USDT BTC 1 0.50000 65000.00 66000.50 0.25000"), "{one}");
    let (_, refused) = market(&[], None);
    assert!(refused.contains("DOJIMA_PASSWORD") && refused.contains("--password-file"), "{refused}");
    engine.stop().expect("an orderly end");
}

/// What a client says that cannot begin.
fn refused(address: SocketAddr, more: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dojima"));
    command.args(["client", "--plain", "--user", "alice", "--address", &address.to_string()]).args(more);
    let output =
        command.env("DOJIMA_PASSWORD", "demo").stdin(Stdio::null()).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn who_cannot_connect_is_told_what_to_look_at() {
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let said = refused(nobody, &[]);
    assert!(said.contains("is an engine running there? `dojima serve` prints its addresses"), "{said}");
    let data = tempfile::TempDir::new().expect("a temporary directory");
    let engine = engine(&data);
    let trusted = certificate(data.path()).0.certificate.display().to_string();
    let plain = engine.order_entry.expect("it listens");
    let said = refused(plain, &["--tls", "--ca", &trusted, "--server-name", "localhost"]);
    assert!(said.contains("with TLS (--tls) or without as this command is?"), "{said}");
    engine.stop().expect("an orderly end");
}

/// The commands of docs/OPERATIONS.md, "TLS", as they stand there, where there is an `openssl`; and the certificate that one makes who
/// leaves out what the page says.
#[test]
fn a_certificate_made_as_the_page_says_is_taken() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("not run: there is no openssl here");
        return;
    }
    let page = include_str!("../../docs/OPERATIONS.md").replace("\\\n", " ");
    let line = page.lines().find_map(|line| line.strip_prefix("$ openssl req ")).expect("the command");
    let plain = line.replace("-addext basicConstraints=critical,CA:FALSE", "");
    assert_ne!(line, plain);
    for (line, is_good) in [(line, true), (&plain, false)] {
        let data = tempfile::TempDir::new().expect("a temporary directory");
        let shell = |line: &str| {
            let mut sh = Command::new("sh");
            sh.args(["-c", line]).current_dir(data.path()).stdin(Stdio::null());
            let output = sh.output().expect("a shell runs");
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
        };
        shell(&format!("openssl req {line}"));
        let mut config = small_config(ThreadingMode::Shared, Durability::Async);
        let file = |name: &str| data.path().join(name);
        let listen = "127.0.0.1:0".parse().expect("an address");
        config.tls = Some(TlsSection::new(listen, file("tls.pem"), file("tls.key")));
        let engine = launch(&config, &data.path().join("data"));
        let secure = engine.order_entry_tls.expect("it listens");
        let trusted = file("tls.pem").display().to_string();
        if is_good {
            let seen =
                page.lines().find_map(|line| line.strip_prefix("$ openssl s_client ")).expect("the command");
            let seen =
                seen.split('#').next().unwrap_or_default().replace("127.0.0.1:9013", &secure.to_string());
            let said = shell(&format!("openssl s_client {seen} 2>&1"));
            assert!(said.contains("Verification: OK"), "{said}");
            // By the address that it has, as the page's `dojima client` does.
            let mut alice = Terminal::open_with("alice", secure, &["--tls", "--ca", &trusted]);
            alice.expect("buy 0.5 btc-usdt at 65000", &["#1 accepted: buy 0.5 BTC-USDT at 65000"]);
            alice.quit();
        } else {
            let said = refused(secure, &["--tls", "--ca", &trusted]);
            assert!(said.contains("is one that signs others (CA:TRUE)"), "{said}");
        }
        engine.stop().expect("an orderly end");
    }
}
