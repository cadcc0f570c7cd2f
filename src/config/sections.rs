//! The tables of the file that say how the process runs. `default.toml` explains each key; the defaults here are its
//! values, and a test holds the two together.

use super::settings::TimeOfDay;
use crate::domain::VenueLimits;
use crate::runtime::ThreadingMode;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::str::FromStr;

/// `[engine]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineSection {
    /// How the agents are spread over threads.
    pub mode: ThreadingMode,
    /// Core numbers for the threads, hot thread first. Empty: not pinned.
    pub pin_cores: Vec<usize>,
    /// How far SQL or the shadow may be behind before it counts as any other thread, MiB; 0: a quarter of what is free on the
    /// disk at the start, 8,192 at most.
    pub background_lag_mib: u64,
    /// Who syncs the journal while little waits.
    pub inline_sync: InlineSync,
}

/// Whether the hot thread syncs the journal itself while little waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InlineSync {
    /// In shared mode, while few commands wait and syncs are short.
    Auto,
    /// The disk thread does it always.
    Never,
}

impl Default for EngineSection {
    fn default() -> Self {
        Self {
            mode: ThreadingMode::Shared,
            pin_cores: Vec::new(),
            background_lag_mib: 0,
            inline_sync: InlineSync::Auto,
        }
    }
}

/// `[rings]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RingsSection {
    /// Slots from the gateway to the sequencer; a power of two.
    pub inbound_slots: usize,
    /// Slots from the sequencer to journaler and matcher; a power of two.
    pub command_slots: usize,
    /// Slots from the matcher to gateway and archiver; a power of two.
    pub event_slots: usize,
}

impl Default for RingsSection {
    fn default() -> Self {
        Self { inbound_slots: 16_384, command_slots: 65_536, event_slots: 131_072 }
    }
}

/// What an acknowledged command survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A loss of power.
    Sync,
    /// A crash of the process; after a loss of power the last milliseconds may be gone.
    Async,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sync => "sync",
            Self::Async => "async",
        })
    }
}

/// The text is not a durability mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown durability {0:?}: expected sync or async")]
pub struct UnknownDurability(String);

impl FromStr for Durability {
    type Err = UnknownDurability;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sync" => Ok(Self::Sync),
            "async" => Ok(Self::Async),
            other => Err(UnknownDurability(other.to_owned())),
        }
    }
}

/// How commands come to the journal's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalWrite {
    /// `pwrite` in `sync`, `mapped` in `async`.
    Auto,
    /// Into a memory map.
    Mapped,
    /// With `pwrite`, once for all that is synced together.
    Pwrite,
}

/// `[journal]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalSection {
    /// What an acknowledged command survives.
    pub durability: Durability,
    /// How commands come to the file.
    pub write: JournalWrite,
    /// In `async`, the longest time between two syncs, ms.
    pub async_sync_interval_ms: u64,
    /// Size of one file, MiB.
    pub segment_mib: u64,
    /// Files that are kept ready ahead of need.
    pub spare_segments: u32,
}

impl Default for JournalSection {
    fn default() -> Self {
        Self {
            durability: Durability::Sync,
            write: JournalWrite::Auto,
            async_sync_interval_ms: 10,
            segment_mib: 64,
            spare_segments: 2,
        }
    }
}

/// `[event_log]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventLogSection {
    /// Size of one file, MiB.
    pub segment_mib: u64,
    /// Files that are kept ready ahead of need.
    pub spare_segments: u32,
}

impl Default for EventLogSection {
    fn default() -> Self {
        Self { segment_mib: 64, spare_segments: 1 }
    }
}

/// `[gateway]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewaySection {
    /// Where clients connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The SoupBinTCP session id, 1 to 10 letters and digits.
    pub session: String,
    /// Connections at one time.
    pub connections_max: usize,
    /// Time for a connection to log in, ms.
    pub login_timeout_ms: u64,
    /// A heartbeat follows this long without other traffic, ms.
    pub heartbeat_interval_ms: u64,
    /// A client that is silent this long is disconnected, ms.
    pub client_timeout_ms: u64,
    /// Sent messages in memory per login, KiB; a power of two.
    pub tail_kib: usize,
    /// A client with something to receive that takes nothing this long is disconnected, ms.
    pub stall_timeout_ms: u64,
    /// Longest packet that is taken from a client, type and payload, bytes.
    pub packet_bytes_max: usize,
    /// Messages of one client that are taken in and not answered yet.
    pub unanswered_max: usize,
    /// Messages that a login may send in a second, and at once, unless it says otherwise; 0: as many as it likes.
    pub messages_per_second: u32,
    /// When the session ends and the next begins, every day, UTC; `None`: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roll_at: Option<TimeOfDay>,
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9010)),
            session: "DOJIMA0001".to_owned(),
            connections_max: 2_048,
            login_timeout_ms: 30_000,
            heartbeat_interval_ms: 1_000,
            client_timeout_ms: 15_000,
            tail_kib: 4_096,
            stall_timeout_ms: 30_000,
            packet_bytes_max: 4_096,
            unanswered_max: 1_024,
            messages_per_second: 20_000,
            roll_at: None,
        }
    }
}

/// `[market_data]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MarketDataSection {
    /// Whether market data is made and served.
    pub enabled: bool,
    /// Where subscribers connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where clients that join late get the book as it is; port 0 takes a free one.
    pub glimpse_listen: SocketAddr,
    /// Connections at one time, of either kind.
    pub connections_max: usize,
    /// Those of one user, of either kind. One more ends the user's oldest.
    pub connections_per_user: usize,
    /// Messages in memory; a power of two.
    pub tail_messages: usize,
    /// A subscriber that had caught up and falls so many messages behind is disconnected.
    pub behind_messages_max: u64,
    /// Messages from one checkpoint to the next.
    pub checkpoint_every_messages: u64,
    /// How far it may be behind the events before it counts as any other thread, MiB.
    pub lag_mib: u64,
    /// Size of one file of the log of messages, MiB.
    pub segment_mib: u64,
    /// Files that are kept ready ahead of need.
    pub spare_segments: u32,
    /// Multicast group and port of MoldUDP64; none: no multicast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mold_group: Option<SocketAddrV4>,
    /// The address of the interface that multicast leaves by.
    pub mold_interface: Ipv4Addr,
    /// Where requests for missed messages are answered; none: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mold_requests: Option<SocketAddr>,
    /// Over how many networks multicast goes; 1: it stays in this one.
    pub mold_ttl: u8,
    /// The networks that may ask for missed messages.
    pub mold_requests_allow_from: Vec<IpNet>,
    /// Requests of one address that are answered in a second.
    pub mold_requests_per_second: u32,
}

impl Default for MarketDataSection {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9011)),
            glimpse_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9012)),
            connections_max: 512,
            connections_per_user: 4,
            tail_messages: 65_536,
            behind_messages_max: 1_000_000,
            checkpoint_every_messages: 5_000_000,
            lag_mib: 128,
            segment_mib: 64,
            spare_segments: 1,
            mold_group: None,
            mold_interface: Ipv4Addr::LOCALHOST,
            mold_requests: None,
            mold_ttl: 1,
            mold_requests_allow_from: private_networks(),
            mold_requests_per_second: 10_000,
        }
    }
}

/// The networks that no packet from outside comes from, where routers do their work.
fn private_networks() -> Vec<IpNet> {
    let networks = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
    networks.iter().filter_map(|network| network.parse().ok()).collect()
}

/// `[tls]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// Where clients connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// PEM file of the certificate, followed by those that it is signed with.
    pub certificate: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
    /// Handshakes that are under way at one time. One more ends one of the address that has most.
    #[serde(default = "TlsSection::handshakes_max")]
    pub handshakes_max: usize,
    /// Those of one address. One more ends its oldest.
    #[serde(default = "TlsSection::handshakes_per_address")]
    pub handshakes_per_address: usize,
    /// Connections of one address at one time. One more is closed.
    #[serde(default = "TlsSection::connections_per_address")]
    pub connections_per_address: usize,
}

impl TlsSection {
    /// With the limits that hold where the file names none.
    pub fn new(listen: SocketAddr, certificate: PathBuf, key: PathBuf) -> Self {
        Self {
            listen,
            certificate,
            key,
            handshakes_max: Self::handshakes_max(),
            handshakes_per_address: Self::handshakes_per_address(),
            connections_per_address: Self::connections_per_address(),
        }
    }

    fn handshakes_max() -> usize {
        256
    }

    fn handshakes_per_address() -> usize {
        32
    }

    fn connections_per_address() -> usize {
        256
    }
}

/// `[exchange]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangeSection {
    /// Open orders in all books together.
    pub orders_max: u32,
    /// What one order touches at most when it is matched, 2 or more for each order that it meets, and what one part of a
    /// command touches. An account may look in vain at ten times as much in a second.
    pub orders_touched_max: u32,
    /// Open orders of an account without a limit of its own.
    pub account_orders_max: u32,
    /// Orders that wait for a trigger, of an account without a limit of its own.
    pub account_triggers_max: u32,
}

impl ExchangeSection {
    /// The limits as the exchange is told of them.
    pub fn limits(&self) -> VenueLimits {
        let Self { orders_max, orders_touched_max, account_orders_max, account_triggers_max } = *self;
        VenueLimits { orders_max, orders_touched_max, account_orders_max, account_triggers_max }
    }
}

impl Default for ExchangeSection {
    fn default() -> Self {
        let VenueLimits { orders_touched_max, account_orders_max, account_triggers_max, .. } =
            VenueLimits::default();
        Self { orders_max: 1_000_000, orders_touched_max, account_orders_max, account_triggers_max }
    }
}

/// `[sql]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SqlSection {
    /// Whether the database is written at all.
    pub enabled: bool,
    /// The database file; relative to the data directory.
    pub path: PathBuf,
    /// How long a batch gathers while the database is not behind, ms.
    pub batch_interval_ms: u64,
    /// Most events in a batch: those of one while the database is behind.
    pub batch_events_max: u32,
}

impl Default for SqlSection {
    fn default() -> Self {
        Self {
            enabled: true,
            path: PathBuf::from("dojima.sqlite"),
            batch_interval_ms: 100,
            batch_events_max: 300_000,
        }
    }
}

/// `[snapshots]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotsSection {
    /// Whether a second exchange follows the journal, compares, and writes snapshots.
    pub enabled: bool,
    /// Commands from one snapshot to the next; 0: only on request and at a clean stop.
    pub every_commands: u64,
    /// Commands from one checkpoint to the next; 0: none.
    pub checkpoint_every_commands: u64,
    /// Snapshots that are kept.
    pub keep: u32,
}

impl Default for SnapshotsSection {
    fn default() -> Self {
        Self { enabled: true, every_commands: 10_000_000, checkpoint_every_commands: 5_000_000, keep: 2 }
    }
}

/// What becomes of old segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OldSegments {
    /// They stay.
    Keep,
    /// They are compressed.
    Archive,
    /// They are deleted.
    Delete,
}

/// `[retention]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSection {
    /// What becomes of segments of journal and event log that no snapshot that is kept, SQL or resuming client needs.
    pub segments: OldSegments,
    /// How long events stay for clients that resume, h.
    pub resend_hours: u64,
    /// Size of the data directory from which on new orders are refused, MiB; 0: no limit.
    pub quota_mib: u64,
    /// Part of the quota at which the operator is warned, percent.
    pub quota_warn_percent: u64,
}

impl Default for RetentionSection {
    fn default() -> Self {
        Self { segments: OldSegments::Keep, resend_hours: 168, quota_mib: 0, quota_warn_percent: 80 }
    }
}

/// `[timers]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimersSection {
    /// How often time passes for the exchange without other commands, ms; 0: only with them.
    pub tick_interval_ms: u64,
}

impl Default for TimersSection {
    fn default() -> Self {
        Self { tick_interval_ms: 1_000 }
    }
}
