//! What kind of run a seed gives: the configuration of the node, how fast its agents are, and how often what goes wrong.

use super::client::Identity;
use super::random::Random;
use super::subscriber::{PASSWORD, USERNAME};
use dojima::config::{
    Config, Durability, InlineSync, InstrumentLimitsConfig, JournalWrite, LoginConfig, OldSegments,
    ProtectionConfig, ShardConfig, UserRole, WalletConfig,
};
use dojima::runtime::ThreadingMode;
use dojima::wire::soup::SessionId;
use rust_decimal::Decimal;

const KIB: u64 = 1 << 10;

/// Chances are once in so many turns.
pub struct Plan {
    pub config: Config,
    /// Of journal and event log.
    pub segment_bytes: [u64; 2],
    pub identities: Vec<Identity>,
    /// By name of the agent: how often it runs.
    pub weights: Vec<(&'static str, usize)>,
    /// Duty cycles of a turn, at most.
    pub cycles_max: u64,
    /// Nanoseconds that a turn takes, at most.
    pub turn_ns_max: u64,
    pub crash: u64,
    pub disk_full: u64,
    pub failing_sync: u64,
    pub snapshot_fault: u64,
    pub passing: u64,
    pub clock_step: u64,
    pub operator: u64,
    pub roll: u64,
    /// Chance in 1,000 of an unsynced sector to be there after a loss of power.
    pub kept: u64,
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a number")
}

impl Plan {
    pub fn new(random: &mut Random, commands: u64) -> Self {
        let config = config(random);
        let usernames = config.logins().into_iter().map(|login| Identity {
            login: login.login,
            username: login.config.username,
            password: login.config.password.expect("in plain text"),
            listens: login.config.role == UserRole::DropCopy,
            session: SessionId::new(&config.gateway.session).expect("a name"),
        });
        let identities = usernames.collect();
        let weights = [
            "gateway",
            "authenticator",
            "timer",
            "sequencer",
            "matcher",
            "merge",
            "inline-journaler",
            "journaler",
            "archiver",
            "sql",
            "shadow",
            "feed",
        ];
        let weights = weights.map(|name| {
            let slow = if random.once_in(4) { 1 } else { 8 };
            (name, slow + random.below(8) as usize)
        });
        // A run has some lives, however long it is: a turn brings some three messages.
        let turns = (commands / 3).max(100);
        Self {
            config,
            segment_bytes: [random.pick(&[16, 32, 64]) * KIB, random.pick(&[32, 64, 128]) * KIB],
            identities,
            weights: weights.into(),
            cycles_max: random.pick(&[4, 12, 30]),
            turn_ns_max: random.pick(&[100_000, 1_000_000, 5_000_000]),
            crash: turns / (3 + random.below(15)),
            disk_full: turns / (1 + random.below(6)),
            failing_sync: turns * random.pick(&[1, 2, 10]) / 2,
            snapshot_fault: turns / (1 + random.below(6)),
            clock_step: turns / (1 + random.below(12)),
            passing: turns / (1 + random.below(6)),
            operator: random.pick(&[25, 60, 150]),
            roll: turns / (1 + random.below(6)),
            kept: random.pick(&[0, 100, 500, 900, 1_000]),
        }
    }
}

fn config(random: &mut Random) -> Config {
    let mut config = Config::spot();
    config.engine.mode = ThreadingMode::Stepped;
    config.journal.durability = if random.once_in(3) { Durability::Async } else { Durability::Sync };
    config.journal.write = random.pick(&[JournalWrite::Auto, JournalWrite::Mapped, JournalWrite::Pwrite]);
    config.engine.inline_sync = if random.once_in(8) { InlineSync::Never } else { InlineSync::Auto };
    config.journal.async_sync_interval_ms = random.pick(&[1, 10, 100]);
    config.rings.inbound_slots = random.pick(&[64, 128, 1024]);
    config.rings.command_slots = random.pick(&[64, 128, 1024]);
    config.rings.event_slots = random.pick(&[64, 256, 2048]);
    config.gateway.connections_max = random.pick(&[6, 8, 64]);
    // A login takes some turns of the authenticator, which may be slow.
    config.gateway.login_timeout_ms = random.pick(&[1_000, 30_000]);
    config.gateway.heartbeat_interval_ms = 1_000;
    config.gateway.client_timeout_ms = random.pick(&[2_500, 15_000]);
    config.gateway.stall_timeout_ms = random.pick(&[2_000, 30_000]);
    config.gateway.tail_kib = random.pick(&[16, 32, 256]);
    config.exchange.orders_max = random.pick(&[40, 100, 160]) as u32;
    config.sql.batch_interval_ms = random.pick(&[1, 20, 100]);
    config.sql.batch_events_max = random.pick(&[10, 200, 10_000]) as u32;
    config.snapshots.enabled = !random.once_in(10);
    config.snapshots.every_commands = random.pick(&[0, 150, 500, 1_500]);
    config.snapshots.checkpoint_every_commands = random.pick(&[0, 100, 700]);
    config.snapshots.keep = random.pick(&[1, 2, 3]) as u32;
    config.retention.segments =
        random.pick(&[OldSegments::Keep, OldSegments::Archive, OldSegments::Delete, OldSegments::Delete]);
    config.retention.resend_hours = random.pick(&[0, 1]);
    config.timers.tick_interval_ms = random.pick(&[0, 50, 200, 1_000]);
    let [btc, eth] = &mut config.instruments[..] else { unreachable!("two are built in") };
    btc.max_quantity = decimal("40");
    btc.min_quantity = decimal("0.00005");
    eth.tick = decimal("0.05");
    eth.protection = Some(ProtectionConfig {
        price_min: decimal("1000"),
        price_max: decimal("9000"),
        reference: decimal("3000"),
        static_band_ppm: 5_000,
        dynamic_band_ppm: random.pick(&[200, 1_500]) as u32,
        interruption_s: random.pick(&[0, 1, 3]) as u32,
        market_collar_ppm: 1_000,
    });
    eth.limits = Some(InstrumentLimitsConfig {
        open_orders_max: random.pick(&[8, 30]) as u32,
        orders_per_second_max: random.pick(&[20, 100, 400]) as u32,
        position_max: decimal("1200"),
        ..InstrumentLimitsConfig::default()
    });
    config.market_data.tail_messages = 1024;
    config.market_data.behind_messages_max = random.pick(&[1_000, 1_000_000]);
    config.market_data.checkpoint_every_messages = random.pick(&[100, 500, 5_000]);
    config.market_data.connections_max = random.pick(&[2, 64]) as usize;
    config.market_data.connections_per_user = random.pick(&[2, 4]) as usize;
    let watcher = LoginConfig { role: UserRole::MarketData, ..LoginConfig::new(USERNAME, PASSWORD) };
    config.users.push(watcher);
    // Tables that are soon full.
    config.exchange.account_orders_max = random.pick(&[6, 30, 1_000]) as u32;
    config.exchange.account_triggers_max = random.pick(&[1, 3, 1_000]) as u32;
    // Somebody who only listens, and somebody who trades and is told what others do.
    let names: Vec<String> = config.accounts.iter().map(|account| account.name.clone()).collect();
    let listener = LoginConfig {
        role: UserRole::DropCopy,
        copies: vec![names[0].clone(), names[3].clone()],
        ..LoginConfig::new("COPY", "DEMO")
    };
    config.accounts[3].logins.push(listener);
    config.accounts[1].logins[0].copies = vec![names[2].clone()];
    for (account, poor) in config.accounts.iter_mut().zip([false, false, true, true]) {
        let deposits = if poor { ["2", "30", "200000"] } else { ["100", "1000", "10000000"] };
        for (asset, amount) in ["BTC", "ETH", "USDT"].into_iter().zip(deposits) {
            account.deposits.insert(asset.to_owned(), decimal(amount));
        }
    }
    if random.once_in(3) {
        two_shards(&mut config);
    }
    config
}

/// The second instrument in a shard of its own, where everybody has as much as in the first.
fn two_shards(config: &mut Config) {
    config.shards = ["FIRST", "SECOND"].map(|name| ShardConfig { name: name.to_owned(), core: None }).into();
    config.instruments[1].shard = Some("SECOND".to_owned());
    for account in &mut config.accounts {
        account.deposits_in.insert("SECOND".to_owned(), WalletConfig(account.deposits.clone()));
    }
}
