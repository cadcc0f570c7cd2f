//! The feed's settings, files and connections, and its starting point.

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

/// The feed's limits and timeouts.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// The SoupBinTCP id of session 0.
    pub session: SessionId,
    /// Most connections at one time, separately for subscribers and snapshots, at least 1. A further one replaces a
    /// connection without a login, of the address that has the most of them. If all are logged in, the new one is
    /// closed at once.
    pub connections_max: usize,
    /// Most connections of one user, separately for subscribers and snapshots, at least 1. A further one ends the
    /// user's oldest.
    pub connections_per_user: usize,
    /// Timeout for the login of a connection.
    pub login_timeout: Duration,
    /// A heartbeat is sent if nothing else was sent for this long.
    pub heartbeat_interval: Duration,
    /// A client that is silent for this long is disconnected, unless its login asked for another timeout.
    pub client_timeout: Duration,
    /// A client with data to receive that accepts no byte for this long is disconnected.
    pub stall_timeout: Duration,
    /// Messages kept in memory: a power of two, at least 1024. Older ones are read from the log.
    pub tail_messages: usize,
    /// A subscriber that had caught up and then falls this many messages behind is disconnected. It can resume.
    pub behind_messages_max: u64,
    /// Messages between two checkpoints, at least 1.
    pub checkpoint_every: u64,
    /// How the log of messages is written.
    pub log: Options,
    /// What happens to segments of the log without messages of the present session; `None`: they are kept.
    pub retire: Option<Retire>,
    /// Multicast; `None`: off.
    pub mold: Option<MoldSettings>,
}

/// Settings of MoldUDP64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoldSettings {
    /// The multicast group and port.
    pub group: SocketAddrV4,
    /// The address of the sending interface.
    pub interface: Ipv4Addr,
    /// The multicast TTL: how many networks datagrams may cross; 1: only this one.
    pub ttl: u8,
    /// The address for retransmission requests; `None`: no requests.
    pub requests: Option<SocketAddr>,
    /// The networks that may send requests. An answer is far longer than a request, and a datagram's sender is easily
    /// forged.
    pub requests_allow_from: Vec<IpNet>,
    /// The most requests per second that are answered for one address, at least 1.
    pub requests_per_second: u32,
}

impl FeedSettings {
    /// # Errors
    /// [`Fatal::Invariant`] that names a setting outside its documented range.
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

/// Everything that the feed is connected to.
pub struct FeedPorts {
    /// The last command whose events are all in the event ring.
    pub applied: CursorReader,
    /// The number of events put into the event ring since the start.
    pub in_ring: CursorReader,
    /// The last event in the event log.
    pub archived: CursorReader,
    /// The last command on disk.
    pub synced: CursorReader,
    /// Authenticates subscribers.
    pub subscribers: AuthClient,
    /// Authenticates clients of snapshots.
    pub snapshots: AuthClient,
    /// Rung after sending a login request.
    pub authenticator: Vec<Doorbell>,
}

/// The files that the feed reads and writes.
#[derive(Clone, Debug)]
pub struct FeedFiles {
    pub event_log: Arc<dyn Storage>,
    /// The log of messages, and the checkpoints.
    pub market_data: Arc<dyn Storage>,
}

/// The end of recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedStart {
    /// The last event.
    pub event: u64,
    /// The last command.
    pub sequence: u64,
    /// Whether the venue was just opened, so that nothing was published yet.
    pub is_first: bool,
}
