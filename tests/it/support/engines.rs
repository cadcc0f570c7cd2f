//! Engines in temporary directories, and what they leave behind there.

use dojima::config::{Config, Durability, ShardConfig, WalletConfig};
use dojima::domain::{Command, EventRecord, codec};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::pipeline::Local;
use dojima::recovery::DataDir;
use dojima::runtime::ThreadingMode;
use rust_decimal::Decimal;
use std::path::Path;
use std::time::{Duration, Instant};

/// The built-in venue with small files and small rings, on a free port.
pub fn small_config(mode: ThreadingMode, durability: Durability) -> Config {
    small(Config::spot(), mode, durability)
}

/// The whole built-in venue with small files.
pub fn small_venue(mode: ThreadingMode, durability: Durability) -> Config {
    small(Config::embedded_default(), mode, durability)
}

fn small(mut config: Config, mode: ThreadingMode, durability: Durability) -> Config {
    config.gateway.messages_per_second = 0;
    config.engine.mode = mode;
    config.gateway.listen = "127.0.0.1:0".parse().expect("an address");
    config.market_data.listen = config.gateway.listen;
    config.market_data.glimpse_listen = config.gateway.listen;
    config.market_data.segment_mib = 1;
    config.market_data.tail_messages = 1024;
    // So that what retention may take away is not held up by the feed.
    config.market_data.checkpoint_every_messages = 100;
    config.journal.durability = durability;
    config.journal.segment_mib = 1;
    config.journal.spare_segments = 1;
    config.event_log.segment_mib = 1;
    config.rings.inbound_slots = 64;
    config.rings.command_slots = 128;
    config.rings.event_slots = 256;
    config.exchange.orders_max = 10_000;
    config.sql.batch_interval_ms = 5;
    // The same commands must give the same events, however long they take.
    config.timers.tick_interval_ms = 0;
    config.rings.busy_percent = 0;
    config
}

/// The same venue with two shards: BTC-USDT trades in the first, ETH-USDT in the second, and every account has as much in either
/// wallet as it had in the one.
pub fn with_two_shards(mut config: Config) -> Config {
    // There is room for less money in each of several shards.
    for account in &mut config.accounts {
        account.deposits.insert("USDT".to_owned(), Decimal::from(1_000_000_000));
    }
    config.shards = ["ONE", "TWO"].map(|name| ShardConfig { name: name.to_owned(), core: None }).to_vec();
    config.instruments[1].shard = Some("TWO".to_owned());
    for account in &mut config.accounts {
        account.deposits_in.insert("TWO".to_owned(), WalletConfig(account.deposits.clone()));
    }
    config
}

/// Starts an engine without sockets that stops, rather than ending the test process, when it fails.
pub fn start(config: &Config, data: &Path) -> Engine {
    let launch = Launch {
        order_entry: OrderEntry::None,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    Engine::start(config, data, launch).expect("the engine starts")
}

/// Sends the commands through the local source, waiting whenever it is full.
pub fn send(local: &mut Local, commands: impl IntoIterator<Item = Command>) {
    let started = Instant::now();
    for command in commands {
        while local.commands.try_push(command).is_err() {
            local.doorbell.ring();
            std::thread::yield_now();
            assert!(started.elapsed() < Duration::from_secs(120), "the engine takes nothing more in");
        }
    }
    local.doorbell.ring();
}

/// Every event in the event log.
pub fn logged_events(data: &Path) -> Vec<EventRecord> {
    let dir = DataDir::new(data);
    let mut reader = dojima_journal::Reader::open(dir.event_log().dir(), 1).expect("the event log opens");
    let mut events = Vec::new();
    while let Some(record) = reader.next().expect("the event log reads") {
        events.push(codec::decode_event(record.payload).expect("an event"));
    }
    events
}

/// Events without what depends on when and how often things were sent: what a client or a back office could compare.
pub fn without_times(events: &[EventRecord]) -> Vec<dojima::domain::Event> {
    events.iter().map(|record| record.event).collect()
}
