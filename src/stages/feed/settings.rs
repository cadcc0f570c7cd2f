//! What the feed is told at start: its limits and files, what it is joined to, and where commands end.

use crate::net::auth::AuthClient;
use crate::ring::CursorReader;
use crate::runtime::{Doorbell, Fatal};
use crate::wire::soup::SessionId;
use dojima_journal::storage::Storage;
use dojima_journal::{Options, Retire};
use ipnet::IpNet;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

/// The feed's limits and times.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// The SoupBinTCP id of session 0.
    pub session: SessionId,
    /// Connections at one time, of subscribers and for snapshots each, at least 1. One more takes the place of one
    /// without a login, of the address that has most of them; when all are logged in, it is closed as soon as it is accepted.
    pub connections_max: usize,
    /// Those of one user, of subscribers and for snapshots each, at least 1. One more ends the user's oldest.
    pub connections_per_user: usize,
    /// How long a connection may take to log in.
    pub login_timeout: Duration,
    /// A heartbeat is sent after this long without anything else sent.
    pub heartbeat_interval: Duration,
    /// A client that is silent for this long is disconnected, unless its login asked for another time.
    pub client_timeout: Duration,
    /// A client with something to receive that takes no byte for this long is disconnected.
    pub stall_timeout: Duration,
    /// Messages kept in memory: a power of two, at least 1024. Older ones are read back from the log.
    pub tail_messages: usize,
    /// A subscriber that had caught up and then falls this many messages behind is disconnected. It can resume.
    pub behind_messages_max: u64,
    /// Messages from one checkpoint to the next, at least 1.
    pub checkpoint_every: u64,
    /// How the log of messages is written.
    pub log: Options,
    /// What becomes of segments of the log that hold no message of the present session; `None`: they stay.
    pub retire: Option<Retire>,
    /// Multicast; `None`: none.
    pub mold: Option<MoldSettings>,
}

/// MoldUDP64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoldSettings {
    /// Where messages are sent.
    pub group: SocketAddrV4,
    /// The address of the interface that they leave by.
    pub interface: Ipv4Addr,
    /// Over how many networks datagrams go; 1: they stay in this one.
    pub ttl: u8,
    /// Where requests for missed messages are answered; `None`: nowhere.
    pub requests: Option<SocketAddr>,
    /// Who may ask. An answer is far longer than a request, and who sends a datagram is easily forged.
    pub requests_allow_from: Vec<IpNet>,
    /// Requests of one address that are answered in a second, at least 1.
    pub requests_per_second: u32,
}

impl FeedSettings {
    /// # Errors
    /// [`Fatal::Invariant`] naming a setting that is out of its documented range.
    pub(super) fn check(&self) -> Result<(), Fatal> {
        let tail = self.tail_messages;
        if self.connections_max == 0 || self.connections_per_user == 0 || self.checkpoint_every == 0 {
            return Err(Fatal::invariant(
                "feed: connections_max, connections_per_user or checkpoint_every is 0",
            ));
        }
        if !tail.is_power_of_two() || tail < 1024 {
            return Err(Fatal::invariant(format_args!(
                "feed: a tail of {tail} messages must be a power of two of at least 1024"
            )));
        }
        Ok(())
    }
}

/// What the feed is joined to.
pub struct FeedPorts {
    /// The last command whose events are all in the event ring.
    pub applied: CursorReader,
    /// How many events were put into the event ring since the start.
    pub in_ring: CursorReader,
    /// The last event in the event log.
    pub archived: CursorReader,
    /// The last command that is on the disk.
    pub synced: CursorReader,
    /// Who says which subscribers may come in.
    pub subscribers: AuthClient,
    /// Who says who may have snapshots.
    pub snapshots: AuthClient,
    /// Whom to wake after asking.
    pub authenticator: Vec<Doorbell>,
}

/// Where the feed reads and writes.
#[derive(Clone, Debug)]
pub struct FeedFiles {
    pub event_log: Arc<dyn Storage>,
    /// The log of messages, and the checkpoints.
    pub market_data: Arc<dyn Storage>,
}

/// Where recovery left off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedStart {
    /// The last event.
    pub event: u64,
    /// The last command.
    pub sequence: u64,
    /// Whether the venue was opened just now: nobody has been told anything yet.
    pub is_first: bool,
}
