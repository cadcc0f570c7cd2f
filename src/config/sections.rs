//! The tables of the file that configure the process. `default.toml` explains each key. The defaults here are its values;
//! a test compares the two.

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
    /// How agents are assigned to threads.
    pub mode: ThreadingMode,
    /// Core numbers for the threads, the hot thread first; empty: threads are not pinned.
    pub pin_cores: Vec<usize>,
    /// The lag of SQL or the shadow above which it is scheduled like any other thread, MiB. 0: a quarter of the free disk
    /// space at the start, at most 8,192.
    pub background_lag_mib: u64,
    /// Which thread syncs the journal while few commands wait.
    pub inline_sync: InlineSync,
}

/// Whether the hot thread syncs the journal itself while few commands wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InlineSync {
    /// In shared mode the hot thread syncs while few commands wait and syncs are short.
    Auto,
    /// The disk thread always syncs.
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
    /// Slots of the ring from the gateway to the sequencer; a power of two.
    pub inbound_slots: usize,
    /// Slots of the ring from the sequencer to the journaler and the matcher; a power of two.
    pub command_slots: usize,
    /// Slots of the ring from the matcher to the gateway and the archiver; a power of two.
    pub event_slots: usize,
    /// Percentage of the command ring: with more commands before it, a shard of several gets no new orders; 10 to 70, or 0: it
    /// gets all.
    pub busy_percent: u8,
}

impl Default for RingsSection {
    fn default() -> Self {
        Self { inbound_slots: 16_384, command_slots: 65_536, event_slots: 131_072, busy_percent: 50 }
    }
}

/// The failures that an acknowledged command survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A power loss.
    Sync,
    /// A crash of the process. A power loss may lose the last milliseconds.
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

/// The text does not name a durability mode.
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

/// How commands are written to the journal file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalWrite {
    /// `pwrite` in `sync`, `mapped` in `async`.
    Auto,
    /// Into a memory map.
    Mapped,
    /// With one `pwrite` for all commands that are synced together.
    Pwrite,
}

/// `[journal]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalSection {
    /// The failures that an acknowledged command survives.
    pub durability: Durability,
    /// How commands are written to the file.
    pub write: JournalWrite,
    /// In `async`, the longest time between two syncs, ms.
    pub async_sync_interval_ms: u64,
    /// Size of a segment file, MiB.
    pub segment_mib: u64,
    /// Number of empty segment files that are kept ready.
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
    /// Size of a segment file, MiB.
    pub segment_mib: u64,
    /// Number of empty segment files that are kept ready.
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
    /// The address for client connections; port 0 selects a free port.
    pub listen: SocketAddr,
    /// The SoupBinTCP session id, 1 to 10 letters and digits.
    pub session: String,
    /// The most connections at one time.
    pub connections_max: usize,
    /// The time that a connection has to log in, ms.
    pub login_timeout_ms: u64,
    /// A heartbeat is sent after this long without other traffic, ms.
    pub heartbeat_interval_ms: u64,
    /// A client that sends nothing for this long is disconnected, ms.
    pub client_timeout_ms: u64,
    /// Sent messages kept in memory per login, KiB; a power of two.
    pub tail_kib: usize,
    /// A client that reads nothing for this long while messages wait for it is disconnected, ms.
    pub stall_timeout_ms: u64,
    /// The longest packet that is accepted from a client, type and payload, bytes.
    pub packet_bytes_max: usize,
    /// The most messages of one client that are accepted and not answered yet.
    pub unanswered_max: usize,
    /// The message rate per second and the burst of a login without limits of its own; 0: no limit.
    pub messages_per_second: u32,
    /// The daily time (UTC) at which the session ends and the next one begins; `None`: never.
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
    /// Whether market data is produced and served.
    pub enabled: bool,
    /// The address for subscribers; port 0 selects a free port.
    pub listen: SocketAddr,
    /// The address where clients that join late receive a snapshot of the book; port 0 selects a free port.
    pub glimpse_listen: SocketAddr,
    /// The most connections at one time on each of the two ports.
    pub connections_max: usize,
    /// The most connections of one user on each of the two ports. A further connection ends the user's oldest.
    pub connections_per_user: usize,
    /// Number of messages kept in memory; a power of two.
    pub tail_messages: usize,
    /// A subscriber that had caught up is disconnected when it is this many messages behind.
    pub behind_messages_max: u64,
    /// Number of messages between two checkpoints.
    pub checkpoint_every_messages: u64,
    /// The lag behind the events above which the feed is scheduled like any other thread, MiB.
    pub lag_mib: u64,
    /// Size of a segment file of the message log, MiB.
    pub segment_mib: u64,
    /// Number of empty segment files that are kept ready.
    pub spare_segments: u32,
    /// Multicast group and port of MoldUDP64; `None`: no multicast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mold_group: Option<SocketAddrV4>,
    /// The address of the interface that sends multicast.
    pub mold_interface: Ipv4Addr,
    /// The address that answers retransmission requests; `None`: requests are not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mold_requests: Option<SocketAddr>,
    /// The IP time to live of multicast packets; 1: they stay in the local network.
    pub mold_ttl: u8,
    /// The networks that may request missed messages.
    pub mold_requests_allow_from: Vec<IpNet>,
    /// The most requests of one address that are answered per second.
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

/// Loopback and the private address ranges. Routers that filter forged senders let no packet from outside claim one.
fn private_networks() -> Vec<IpNet> {
    let networks = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
    networks.iter().filter_map(|network| network.parse().ok()).collect()
}

/// `[tls]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// The address for client connections; port 0 selects a free port.
    pub listen: SocketAddr,
    /// PEM file with the certificate, followed by the certificates of its issuers.
    pub certificate: PathBuf,
    /// PEM file with the certificate's private key.
    pub key: PathBuf,
    /// The most handshakes in progress. A further one ends a handshake of the address that has the most.
    #[serde(default = "TlsSection::handshakes_max")]
    pub handshakes_max: usize,
    /// The most handshakes in progress of one address. A further one ends the oldest of that address.
    #[serde(default = "TlsSection::handshakes_per_address")]
    pub handshakes_per_address: usize,
    /// The most connections of one address at one time. A further connection is closed.
    #[serde(default = "TlsSection::connections_per_address")]
    pub connections_per_address: usize,
}

impl TlsSection {
    /// TLS settings with the default limits.
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
    /// The most open orders in all books together.
    pub orders_max: u32,
    /// The most orders that one order may touch in matching (each order that it meets counts 2 or more), and that one
    /// part of a command may touch. An account may do ten times as much work without effect per second.
    pub orders_touched_max: u32,
    /// The most open orders of an account without its own limit.
    pub account_orders_max: u32,
    /// The most orders waiting for a trigger, of an account without its own limit.
    pub account_triggers_max: u32,
}

impl ExchangeSection {
    /// The limits in the form that the exchange uses.
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
    /// Whether the database is written.
    pub enabled: bool,
    /// The database file; a relative path is inside the data directory.
    pub path: PathBuf,
    /// The time over which a batch collects events while the database is not behind, ms.
    pub batch_interval_ms: u64,
    /// The most events in a batch. While the database is behind, each batch has this many.
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
    /// Whether a second exchange follows the journal, compares its state, and writes snapshots.
    pub enabled: bool,
    /// Number of commands between two snapshots; 0: only on request and at a clean stop.
    pub every_commands: u64,
    /// Number of commands between two checkpoints; 0: no checkpoints.
    pub checkpoint_every_commands: u64,
    /// Number of snapshots that are kept.
    pub keep: u32,
}

impl Default for SnapshotsSection {
    fn default() -> Self {
        Self { enabled: true, every_commands: 10_000_000, checkpoint_every_commands: 5_000_000, keep: 2 }
    }
}

/// What happens to old segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OldSegments {
    /// They are kept.
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
    /// What happens to segments of the journal and the event log that no kept snapshot, SQL or resuming client needs.
    pub segments: OldSegments,
    /// How long events are kept for clients that resume, h.
    pub resend_hours: u64,
    /// Size of the data directory above which new orders are refused, MiB; 0: no limit.
    pub quota_mib: u64,
    /// Percentage of the quota at which the operator is warned.
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
    /// Interval of the time commands that the exchange receives when no other commands arrive, ms; 0: time
    /// advances only with other commands.
    pub tick_interval_ms: u64,
}

impl Default for TimersSection {
    fn default() -> Self {
        Self { tick_interval_ms: 1_000 }
    }
}
