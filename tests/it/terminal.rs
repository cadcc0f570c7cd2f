//! `dojima client` in its plain form, against an engine in this process.

use crate::support::engines::small_config;
use dojima::config::Durability;
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::runtime::ThreadingMode;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Terminal {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Terminal {
    fn open(user: &str, address: SocketAddr) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dojima"))
            .args(["client", "--plain", "--user", user, "--address", &address.to_string()])
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

    fn quit(mut self) {
        self.say("quit");
        assert!(self.child.wait().expect("it ends").success());
    }
}

fn engine(data: &tempfile::TempDir) -> Engine {
    let config = small_config(ThreadingMode::Shared, Durability::Async);
    let launch = Launch {
        order_entry: OrderEntry::Listen,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    Engine::start(&config, data.path(), launch).expect("the engine starts")
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
