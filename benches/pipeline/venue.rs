//! The venue of the mix, and the exchange alone on it: the floor of everything around an exchange.

use crate::mix::ACCOUNTS;
use dojima::config::{AccountConfig, Config, LoginConfig};
use dojima::domain::{Command, EventRecord, Stamp};
use dojima::replica::State;
use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The built-in venue with the accounts of the mix.
pub fn config() -> Config {
    let mut config = Config::spot();
    config.gateway.messages_per_second = 0;
    let deposits = config.accounts[0].deposits.keys().map(|code| (code.clone(), 10_000.into())).collect();
    let account = |id: u32| AccountConfig {
        name: format!("maker {id}"),
        deposits: std::collections::BTreeMap::clone(&deposits),
        logins: vec![LoginConfig::new(format!("M{id}"), "BENCH")],
        ..AccountConfig::default()
    };
    config.accounts = (0..ACCOUNTS).map(account).collect();
    config.instruments[0].min_notional = 0.into();
    config.gateway.connections_max = ACCOUNTS as usize + 1;
    config.sql.enabled = false;
    config.market_data.enabled = false;
    // The same commands are to give the same digest, however long they take.
    config.timers.tick_interval_ms = 0;
    config
}

/// Opens the venue and applies the list on this thread; the time is that of the list alone.
pub fn directly(config: &Config, commands: &[Command]) -> (State, Duration) {
    let mut state = State::empty();
    let on_event = &mut |event: &EventRecord| {
        black_box(event);
        Ok::<(), Infallible>(())
    };
    let opening = config.opening_commands().expect("a valid venue");
    let mut started = Instant::now();
    for (at, command) in opening.iter().chain(commands).enumerate() {
        if at == opening.len() {
            started = Instant::now();
        }
        let stamp = Stamp { sequence: at as u64 + 1, ..Stamp::default() };
        let Ok(()) = state.apply(stamp, command, on_event);
    }
    (state, started.elapsed())
}
