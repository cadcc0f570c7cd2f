//! What kind of run a seed gives: the configuration of the node, how fast its agents are, and how often what goes wrong.

use super::random::Random;
use super::venue::{Kind, Venue};
use dojima::config::{Config, Durability, InlineSync, JournalWrite, OldSegments, UserRole};
use dojima::domain::{IndexId, LoginId};
use dojima::runtime::ThreadingMode;
use dojima::wire::soup::SessionId;

const KIB: u64 = 1 << 10;
const SECOND_NS: u64 = 1_000_000_000;

/// A client's name and how the server knows it.
#[derive(Clone, Debug)]
pub struct Identity {
    pub login: LoginId,
    pub username: String,
    pub password: String,
    /// The name of session 0.
    pub session: SessionId,
    pub role: UserRole,
}

impl Identity {
    /// It sends no messages.
    pub fn listens(&self) -> bool {
        self.role == UserRole::DropCopy
    }
}

/// Chances are once in so many turns.
pub struct Plan {
    pub venue: Venue,
    pub config: Config,
    /// Of journal and event log.
    pub segment_bytes: [u64; 2],
    pub identities: Vec<Identity>,
    /// Who may send prices of which index.
    pub sources: Vec<(LoginId, IndexId)>,
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

impl Plan {
    pub fn new(random: &mut Random, commands: u64) -> Self {
        let venue = Venue::new(random);
        let config = config(venue, random);
        let is_long = venue.kind == Kind::ContractsForLong;
        let usernames = config.logins().into_iter().map(|login| Identity {
            login: login.login,
            username: login.config.username,
            password: login.config.password.expect("in plain text"),
            role: login.config.role,
            session: SessionId::new(&config.gateway.session).expect("a name"),
        });
        let identities = usernames.collect();
        let sources = sources(&config);
        let weights = [
            "gateway",
            "authenticator",
            "timer",
            "sequencer",
            "matcher",
            "matcher-1",
            "merge",
            "inline-journaler",
            "journaler",
            "archiver",
            "sql",
            "shadow",
            "feed",
            "courier",
        ];
        let weights = weights.map(|name| {
            let slow = if random.once_in(4) { 1 } else { 8 };
            (name, slow + random.below(8) as usize)
        });
        let weights = weights.map(|(name, weight)| {
            // Every second has its tick there.
            let is_of_time = is_long && ["timer", "sequencer", "matcher-1"].contains(&name);
            (name, if is_of_time { 80 } else { weight })
        });
        // A run has some lives, however long it is: a turn brings some three messages.
        let turns = (commands / 3).max(100);
        Self {
            venue,
            config,
            segment_bytes: [random.pick(&[16, 32, 64]) * KIB, random.pick(&[32, 64, 128]) * KIB],
            identities,
            sources,
            weights: weights.into(),
            cycles_max: if is_long { 40 } else { random.pick(&[4, 12, 30]) },
            turn_ns_max: match venue.kind {
                Kind::ContractsForLong => SECOND_NS * 7 / 10,
                // There are samples of prices every second.
                Kind::Contracts => random.pick(&[100_000, 2_000_000, 10_000_000, 30_000_000]),
                Kind::Spot | Kind::SpotInTwo => random.pick(&[100_000, 1_000_000, 5_000_000]),
            },
            crash: turns / (3 + random.below(15)),
            disk_full: turns / (1 + random.below(6)),
            failing_sync: turns * random.pick(&[1, 2, 10]) / 2,
            snapshot_fault: turns / (1 + random.below(6)),
            // Where a contract is to have its samples, nobody sets the clock.
            clock_step: if is_long { u64::MAX } else { turns / (1 + random.below(12)) },
            passing: turns / (1 + random.below(6)),
            operator: random.pick(&[25, 60, 150]),
            roll: turns / (1 + random.below(6)),
            kept: random.pick(&[0, 100, 500, 900, 1_000]),
        }
    }
}

fn sources(config: &Config) -> Vec<(LoginId, IndexId)> {
    let place = |symbol: &String| config.indexes.iter().position(|index| index.symbol == *symbol);
    let of_login = |(login, symbols): (LoginId, Vec<String>)| {
        let places: Vec<_> = symbols.iter().filter_map(place).collect();
        places.into_iter().map(move |at| (login, IndexId(at as u16)))
    };
    config.logins().into_iter().map(|it| (it.login, it.config.indexes)).flat_map(of_login).collect()
}

fn config(venue: Venue, random: &mut Random) -> Config {
    let mut config = venue.config(random);
    config.engine.mode = ThreadingMode::Stepped;
    config.journal.durability = if random.once_in(3) { Durability::Async } else { Durability::Sync };
    config.journal.write = random.pick(&[JournalWrite::Auto, JournalWrite::Mapped, JournalWrite::Pwrite]);
    config.engine.inline_sync = if random.once_in(8) { InlineSync::Never } else { InlineSync::Auto };
    config.journal.async_sync_interval_ms = random.pick(&[1, 10, 100]);
    config.rings.inbound_slots = random.pick(&[64, 128, 1024]);
    config.rings.command_slots = random.pick(&[64, 128, 1024]);
    config.rings.event_slots = random.pick(&[64, 256, 2048]);
    // One place is left for somebody who takes over from a dead connection.
    config.gateway.connections_max = random.pick(&[6 + usize::from(venue.has_contracts()), 8, 64]);
    // A login takes some turns of the authenticator, which may be slow.
    config.gateway.login_timeout_ms = random.pick(&[1_000, 30_000]);
    config.gateway.heartbeat_interval_ms = 1_000;
    config.gateway.client_timeout_ms = random.pick(&[2_500, 15_000]);
    config.gateway.stall_timeout_ms = random.pick(&[2_000, 30_000]);
    config.gateway.tail_kib = random.pick(&[16, 32, 256]);
    config.exchange.orders_max = random.pick(&[25, 60, 160]) as u32;
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
    config.market_data.tail_messages = 1024;
    config.market_data.behind_messages_max = random.pick(&[1_000, 1_000_000]);
    config.market_data.checkpoint_every_messages = random.pick(&[100, 500, 5_000]);
    config.market_data.connections_max = random.pick(&[2, 64]) as usize;
    config.market_data.connections_per_user = random.pick(&[2, 4]) as usize;
    // Tables that are soon full.
    config.exchange.account_orders_max = random.pick(&[6, 30, 1_000]) as u32;
    config.exchange.account_triggers_max = random.pick(&[1, 3, 1_000]) as u32;
    if venue.kind == Kind::ContractsForLong {
        // A turn takes half a second, and a client acts every few turns.
        config.gateway.login_timeout_ms = 30_000;
        config.gateway.client_timeout_ms = 30_000;
        config.gateway.stall_timeout_ms = 30_000;
        config.timers.tick_interval_ms = random.pick(&[200, 1_000]);
    }
    config
}
