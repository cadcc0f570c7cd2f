//! Converts the configuration to the settings of the stages.

use crate::config::{self, Config, JournalSection, JournalWrite, LoginConfig, OldSegments, UserRole};
use crate::domain::{
    AccountId, AddIndex, AssetCode, Command, IndexId, Listing, LoginId, ShardId, Symbol, VenueCommand,
    versions,
};
use crate::exchange::Exchange;
use crate::net::auth::Role;
use crate::operator::Names;
use crate::recovery::DataDir;
use crate::replica::is_snapshot_file;
use crate::runtime::{Counters, Fatal, ThreadingMode};
use crate::sql::{People, WAL_KEPT_BYTES};
use crate::stages::authenticator::{KNOWN_ADDRESSES_FILE, Secret, User};
use crate::stages::feed::{FeedSettings, MoldSettings, is_checkpoint_file};
use crate::stages::gateway::{GatewaySettings, LoginSettings, RateLimit};
use crate::stages::journaler::JournalerSettings;
use crate::stages::shadow::{
    Quota, QuotaCounts, QuotaFiles, QuotaFolder, Retention, Segments, ShadowSettings,
};
use crate::stages::space::SpaceLow;
use crate::stages::sql_writer::{SqlSettings, WriteBehind};
use crate::wire::soup::{self, SessionId};
use dojima_journal::storage::{Storage, Writing};
use dojima_journal::{Durability, Options, Retire, is_journal_file};
use std::sync::Arc;
use std::time::Duration;

/// Settings of the gateway. Logins that both configuration and journal know may log in; see
/// [`Config::logins_known_to`].
pub(super) fn gateway(
    config: &Config,
    opening: &[Command],
    indexes: &[AddIndex],
) -> Result<GatewaySettings, Fatal> {
    let gateway = &config.gateway;
    let logins = config.logins_known_to(opening).into_iter().map(|login| {
        let LoginConfig { cancel_on_disconnect_ms, messages_per_second: own, message_burst, .. } =
            login.config;
        let messages_per_second = if own > 0 { own } else { gateway.messages_per_second };
        let burst = if message_burst > 0 { message_burst } else { messages_per_second };
        LoginSettings {
            login: login.login,
            cancel_on_disconnect: cancel_on_disconnect_ms.map(Duration::from_millis),
            rate: (messages_per_second > 0).then_some(RateLimit { per_second: messages_per_second, burst }),
        }
    });
    Ok(GatewaySettings {
        session: first_session(config)?,
        logins: logins.collect(),
        index_senders: index_senders(config, opening, indexes),
        connections_max: gateway.connections_max,
        login_timeout: Duration::from_millis(gateway.login_timeout_ms),
        heartbeat_interval: Duration::from_millis(gateway.heartbeat_interval_ms),
        client_timeout: Duration::from_millis(gateway.client_timeout_ms),
        stall_timeout: Duration::from_millis(gateway.stall_timeout_ms),
        tail_bytes: gateway.tail_kib << 10,
        packet_len_max: gateway.packet_bytes_max,
        unanswered_max: gateway.unanswered_max,
    })
}

/// Which logins may send prices of which indexes: those that configuration and journal both know.
fn index_senders(config: &Config, opening: &[Command], indexes: &[AddIndex]) -> Vec<(LoginId, IndexId)> {
    let mut senders = Vec::new();
    for login in config.logins_known_to(opening) {
        let symbols = login.config.indexes.iter().map(|symbol| Symbol::new(symbol));
        let known = symbols.filter_map(|symbol| indexes.iter().find(|index| Some(index.symbol) == symbol));
        senders.extend(known.map(|index| (login.login, index.index)));
    }
    senders
}

/// The id of the venue's first session.
pub(super) fn first_session(config: &Config) -> Result<SessionId, Fatal> {
    SessionId::new(&config.gateway.session).ok_or_else(|| {
        Fatal::invariant(
            "gateway.session passed the configuration's checks but is no valid SoupBinTCP session name",
        )
    })
}

/// The users who may log in: the logins that both configuration and journal know, and the users without a login.
pub(super) fn users(config: &Config, opening: &[Command]) -> Result<Vec<User>, Fatal> {
    let logins = config.logins_known_to(opening).into_iter();
    let logins = logins.map(|login| (login.config, Some(login.login)));
    let others = config.users.iter().map(|user| (user.clone(), None));
    let all: Vec<(LoginConfig, Option<LoginId>)> = logins.chain(others).collect();
    let plain: Vec<&str> = all
        .iter()
        .filter(|(config, _)| config.password_hash.is_none())
        .map(|(config, _)| config.username.as_str())
        .collect();
    if !plain.is_empty() {
        tracing::warn!(
            "passwords in plain text in the configuration, of {}: replace them by password_hash, which `dojima hash-password` makes",
            plain.join(", ")
        );
    }
    all.iter().map(|(config, login)| user(config, *login)).collect()
}

/// The names that operators use: the logins and shards that are in journal and configuration, the session ids, and what
/// the exchange knows.
pub(super) fn names(config: &Config, opening: &[Command], known: Known) -> Result<Names, Fatal> {
    let session = first_session(config)?;
    let logins = config.logins_known_to(opening).into_iter();
    let names = config.accounts.iter().map(|account| account.name.clone());
    Ok(Names {
        logins: logins.map(|login| (login.config.username, login.login)).collect(),
        session: *session.as_bytes(),
        accounts: names.zip((1..).map(AccountId)).collect(),
        assets: known.assets,
        instruments: known.listings,
        indexes: known.indexes,
        shards: shards(config, opening),
    })
}

/// What the exchange knows when the engine starts.
pub(super) struct Known {
    assets: Vec<(AssetCode, u8)>,
    listings: Vec<Listing>,
    pub(super) indexes: Vec<AddIndex>,
}

impl Known {
    /// By the first shard, which knows all of it.
    pub(super) fn by(exchange: &Exchange) -> Self {
        Self {
            assets: exchange.assets().iter().map(|asset| (asset.code, asset.scale)).collect(),
            listings: exchange.listings().copied().collect(),
            indexes: exchange.indexes().collect(),
        }
    }
}

/// The shards by name. The name of the first one is not journaled.
fn shards(config: &Config, opening: &[Command]) -> Vec<(String, ShardId)> {
    let first = config.shards.first().map(|first| (first.name.clone(), ShardId::FIRST));
    let others = opening.iter().filter_map(|command| {
        let Command::Venue(VenueCommand::OpenShard { shard, name }) = command else { return None };
        Some((name.text(), *shard))
    });
    first.into_iter().chain(others).collect()
}

/// The core of each shard's matcher, as the present file says, by shard.
pub(super) fn shard_cores(config: &Config, opening: &[Command]) -> Vec<(ShardId, usize)> {
    let core = |name: &str| config.shards.iter().find(|shard| shard.name == name)?.core;
    shards(config, opening).iter().filter_map(|(name, shard)| Some((*shard, core(name)?))).collect()
}

fn user(config: &LoginConfig, login: Option<LoginId>) -> Result<User, Fatal> {
    let name = &config.username;
    let unfit = |key: &str, why: &str| Fatal::invariant(format!("the {key} of login {name} {why}"));
    let secret = match (&config.password_hash, &config.password) {
        (Some(hash), _) => {
            Secret::from_hash(hash).map_err(|error| unfit("password_hash", &error.to_string()))?
        }
        (None, Some(password)) => {
            Secret::Plain(soup::password(password).ok_or_else(|| unfit("password", "does not fit the wire"))?)
        }
        (None, None) => return Err(unfit("password", "is missing")),
    };
    Ok(User {
        username: soup::username(name).ok_or_else(|| unfit("name", "does not fit the wire"))?,
        secret,
        role: match config.role {
            UserRole::Trade => Role::Trade,
            UserRole::DropCopy => Role::DropCopy,
            UserRole::MarketData => Role::MarketData,
            UserRole::Admin => Role::Admin,
            UserRole::Index => Role::Index,
        },
        login,
        allow_from: config.allow_from.iter().map(|network| network.0).collect(),
    })
}

pub(super) fn journaler(config: &Config) -> JournalerSettings {
    let sync_interval = Duration::from_millis(config.journal.async_sync_interval_ms);
    JournalerSettings { durability: durability(config.journal.durability), sync_interval }
}

pub(super) fn sql(config: &Config, data: &DataDir, opening: &[Command]) -> SqlSettings {
    SqlSettings {
        people: people(config, opening),
        path: data.path().join(&config.sql.path),
        batch_interval: Duration::from_millis(config.sql.batch_interval_ms),
        batch_events_max: config.sql.batch_events_max as usize,
        write_behind: match config.engine.mode {
            ThreadingMode::Shared | ThreadingMode::Dedicated => WriteBehind::OnAThread,
            ThreadingMode::Stepped => WriteBehind::Never,
        },
    }
}

/// The names of logins, from the journal, and of accounts, which only the configuration has.
fn people(config: &Config, opening: &[Command]) -> People {
    let named = |command: &Command| {
        let Command::Venue(VenueCommand::OpenLogin { login, name, .. }) = command else { return None };
        Some((*login, name.to_string()))
    };
    let accounts = (1..).map(AccountId).zip(config.accounts.iter().map(|account| account.name.clone()));
    People {
        accounts: accounts.chain([(AccountId::FEES, "fees".to_owned())]).collect(),
        logins: opening.iter().filter_map(named).collect(),
    }
}

pub(super) fn shadow(
    config: &Config,
    data: &DataDir,
    space: SpaceLow,
    counters: &Counters,
) -> ShadowSettings {
    let folder =
        |files: &Arc<dyn Storage>, is_own: fn(&str) -> bool| QuotaFolder { files: Arc::clone(files), is_own };
    let (snapshots, retention) = (&config.snapshots, &config.retention);
    let stop_bytes = retention.quota_mib << 20;
    ShadowSettings {
        snapshot_every: snapshots.every_commands,
        checkpoint_every: snapshots.checkpoint_every_commands,
        retention: Retention {
            snapshots_kept: snapshots.keep as usize,
            segments: match retention.segments {
                OldSegments::Keep => Segments::Keep,
                OldSegments::Archive => Segments::Archive,
                OldSegments::Delete => Segments::Delete,
            },
            resend_ns: retention.resend_hours.saturating_mul(3_600_000_000_000),
        },
        quota: Quota {
            files: QuotaFiles {
                folders: [
                    folder(data.journal(), is_journal_file),
                    folder(data.event_log(), is_journal_file),
                    folder(data.snapshots(), is_snapshot_file),
                    folder(data.market_data(), |name| is_journal_file(name) || is_checkpoint_file(name)),
                    folder(data.root(), |name| is_journal_file(name) || name == KNOWN_ADDRESSES_FILE),
                ],
                database: config.sql.enabled.then(|| data.path().join(&config.sql.path)),
                wal_kept_bytes: WAL_KEPT_BYTES,
            },
            stop_bytes,
            warn_bytes: stop_bytes / 100 * retention.quota_warn_percent,
            space,
            counts: QuotaCounts::new(counters),
            warned: [false; 2],
        },
    }
}

/// Approximate size of a command in the journal and of an event in its log, bytes; measured with the demo's flow.
pub(super) const COMMAND_RECORD_BYTES: u64 = 80;
pub(super) const EVENT_RECORD_BYTES: u64 = 136;

/// The largest lag of SQL or the shadow at background priority if the configuration has none, bytes.
const BACKGROUND_LAG_BYTES_MAX: u64 = 8 << 30;

/// The largest lag of SQL or the shadow at background priority, bytes.
pub(super) fn background_lag(config: &Config, data: &DataDir) -> u64 {
    match config.engine.background_lag_mib {
        0 => {
            // The directory was opened just before. If it cannot be queried, the default lag is used.
            let free = rustix::fs::statvfs(data.path()).map(|disk| disk.f_bavail * disk.f_frsize);
            free.map_or(BACKGROUND_LAG_BYTES_MAX, |free| (free / 4).min(BACKGROUND_LAG_BYTES_MAX))
        }
        mib => mib.saturating_mul(1 << 20),
    }
}

/// Settings of the feed. `log`: how the event log is written; tests make both logs small with it.
pub(super) fn feed(config: &Config, log: Option<Options>) -> Result<FeedSettings, Fatal> {
    let (market, gateway) = (&config.market_data, &config.gateway);
    let session = first_session(config)?;
    let written = Options {
        segment_bytes: market.segment_mib << 20,
        spare_segments: market.spare_segments,
        // The market-data log can be rebuilt from the events, so nothing waits for it.
        durability: Durability::Async,
        writing: Writing::PwriteReserved,
        ..Options::default()
    };
    Ok(FeedSettings {
        session,
        connections_max: market.connections_max,
        connections_per_user: market.connections_per_user,
        login_timeout: Duration::from_millis(gateway.login_timeout_ms),
        heartbeat_interval: Duration::from_millis(gateway.heartbeat_interval_ms),
        client_timeout: Duration::from_millis(gateway.client_timeout_ms),
        stall_timeout: Duration::from_millis(gateway.stall_timeout_ms),
        tail_messages: market.tail_messages,
        behind_messages_max: market.behind_messages_max,
        checkpoint_every: market.checkpoint_every_messages,
        log: log
            .unwrap_or(written)
            .with_content(DataDir::MESSAGES)
            .with_oldest_version(versions::MARKET_DATA_OLDEST),
        retire: match config.retention.segments {
            OldSegments::Keep => None,
            OldSegments::Archive => Some(Retire::Archive),
            OldSegments::Delete => Some(Retire::Delete),
        },
        mold: market.mold_group.map(|group| MoldSettings {
            group,
            interface: market.mold_interface,
            ttl: market.mold_ttl,
            requests: market.mold_requests,
            requests_allow_from: market.mold_requests_allow_from.clone(),
            requests_per_second: market.mold_requests_per_second,
        }),
    })
}

/// How the journal is written. Sync mode uses the way with the cheaper sync, async mode the one that appends without a
/// system call.
pub(crate) fn journal_writing(journal: &JournalSection) -> Writing {
    match (journal.write, journal.durability) {
        (JournalWrite::Mapped, _) | (JournalWrite::Auto, config::Durability::Async) => Writing::Mapped,
        (JournalWrite::Pwrite, _) | (JournalWrite::Auto, config::Durability::Sync) => Writing::Pwrite,
    }
}

/// The journal's type for the configured durability.
pub(crate) fn durability(configured: config::Durability) -> Durability {
    match configured {
        config::Durability::Sync => Durability::Sync,
        config::Durability::Async => Durability::Async,
    }
}
