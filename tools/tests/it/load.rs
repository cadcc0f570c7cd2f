//! `load`.

use crate::recorded::{Said, said};
use dojima::config::Config;
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use std::process::Command;

/// `dojima-tools load ARGS`, with a small flow.
fn load(args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dojima-tools"));
    said(command.args(["load", "--orders", "200", "--sessions", "2"]).args(args))
}

#[test]
fn a_second_run_on_the_same_data_is_refused_before_it_sends() {
    let printed = load(&["--print-config"]);
    let mut config = Config::from_toml(&printed.out, "printed").expect("a configuration");
    let free = "127.0.0.1:0".parse().expect("an address");
    config.gateway.listen = free;
    (config.market_data.listen, config.market_data.glimpse_listen) = (free, free);
    (config.journal.segment_mib, config.event_log.segment_mib, config.market_data.segment_mib) = (1, 1, 1);
    let data = tempfile::tempdir().expect("a directory");
    let launch = Launch {
        order_entry: OrderEntry::Listen,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    let engine = Engine::start(&config, data.path(), launch).expect("the engine starts");
    let address = engine.order_entry.expect("it listens").to_string();
    let messages = || {
        let readings = engine.counters.snapshot();
        readings.iter().find(|reading| reading.name == "gateway.messages_in").map(|reading| reading.value)
    };
    let first = load(&["--address", &address]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.contains("messages   200 in "), "{first:?}");
    let sent = messages();
    assert!(sent >= Some(200), "{sent:?}");
    let second = load(&["--address", &address]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.err.contains("was used before") && second.err.contains("nothing was sent"), "{second:?}");
    assert_eq!(messages(), sent);
    engine.stop().expect("it stops");
}
