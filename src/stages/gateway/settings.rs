//! What the gateway is told at start: its limits, who may log in, what it is joined to, and where the streams stand.

pub use super::streams::StreamsStart as GatewayStart;
use crate::domain::{Command, EventRecord, LoginId};
use crate::net::INBOX_LEN;
use crate::net::auth::AuthClient;
use crate::net::session::SessionId;
use crate::ring::{Consumer, CursorReader, Producer};
use crate::runtime::{Doorbell, Fatal};
use crate::stages::resend::ResendClient;
use crate::stages::space::SpaceWatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The smallest tail: enough messages that a resuming client can always find its place in it.
pub const TAIL_BYTES_MIN: usize = 16 * 1024;

/// What holds for one login. Who may use it is the authenticator's to say.
#[derive(Clone, Copy, Debug)]
pub struct LoginSettings {
    /// The login whose orders and stream it is.
    pub login: LoginId,
    /// Its orders are cancelled when it has been without a connection for this long; `None`: they stay.
    pub cancel_on_disconnect: Option<Duration>,
    /// How much it may send.
    pub rate: Option<RateLimit>,
}

/// How many messages a login may send. More are refused, and as many again beyond that cost the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// In the long run; at least 1.
    pub per_second: u32,
    /// At once, after a pause; at least 1.
    pub burst: u32,
}

/// The gateway's limits and times.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// The SoupBinTCP id of session 0; those of later ones follow from it ([`crate::domain::session::session_id`]).
    pub session: SessionId,
    /// The logins that somebody may use. Memory for them is taken at the start.
    pub logins: Vec<LoginSettings>,
    /// Connections at one time, at least 1. One more takes the place of one without a login, of the address that has
    /// most of them; when all are logged in, it is closed as soon as it is accepted.
    pub connections_max: usize,
    /// How long a connection may take to log in.
    pub login_timeout: Duration,
    /// A heartbeat is sent after this long without anything else sent.
    pub heartbeat_interval: Duration,
    /// A client that is silent for this long is disconnected, unless its login asked for another time.
    pub client_timeout: Duration,
    /// A client with something to receive that takes no byte for this long is disconnected.
    pub stall_timeout: Duration,
    /// Messages kept in memory for each login, bytes: a power of two, at least [`TAIL_BYTES_MIN`]. A client that falls
    /// further behind is disconnected.
    pub tail_bytes: usize,
    /// The longest packet that is taken from a client, type and payload, bytes: [`PACKET_LEN_MIN`] to
    /// [`PACKET_LEN_LIMIT`].
    pub packet_len_max: usize,
    /// Messages of one client that are taken in and not answered yet, at least 2. More wait in its socket.
    pub unanswered_max: usize,
}

/// The longest order with every tag is far below it; only debug text could ask for more.
pub const PACKET_LEN_MIN: usize = 512;

/// Two of them fit an inbox.
pub const PACKET_LEN_LIMIT: usize = INBOX_LEN / 2 - 2;

impl GatewaySettings {
    /// # Errors
    /// [`Fatal::Invariant`] naming a setting that is out of its documented range.
    pub(super) fn check(&self) -> Result<(), Fatal> {
        if self.connections_max == 0 {
            return Err(Fatal::invariant("gateway: connections_max is 0"));
        }
        if !self.tail_bytes.is_power_of_two() || self.tail_bytes < TAIL_BYTES_MIN {
            let bytes = self.tail_bytes;
            return Err(Fatal::invariant(format_args!(
                "gateway: a tail of {bytes} bytes must be a power of two of at least {TAIL_BYTES_MIN}"
            )));
        }
        if self.unanswered_max < 2 {
            return Err(Fatal::invariant("gateway: unanswered_max is below 2"));
        }
        if !(PACKET_LEN_MIN..=PACKET_LEN_LIMIT).contains(&self.packet_len_max) {
            let bytes = self.packet_len_max;
            return Err(Fatal::invariant(format_args!(
                "gateway: packets of {bytes} bytes; the limit must be from {PACKET_LEN_MIN} to {PACKET_LEN_LIMIT}"
            )));
        }
        Ok(())
    }
}

/// What the gateway is joined to.
pub struct GatewayPorts {
    pub inbound: Producer<Command>,
    pub events: Consumer<EventRecord>,
    /// The gate: an event is released when this has reached its sequence.
    pub durable: CursorReader,
    /// How far commands have come.
    pub progress: Progress,
    /// Whether journal, event log or data directory are short of space.
    pub space: Vec<SpaceWatch>,
    /// Where messages that have left the tail come from.
    pub resend: ResendClient,
    /// Whom to wake after publishing commands.
    pub downstream: Vec<Doorbell>,
    /// Whom to wake after asking for old messages.
    pub archiver: Vec<Doorbell>,
    /// Who says who may come in.
    pub auth: AuthClient,
    /// Whom to wake after asking.
    pub authenticator: Vec<Doorbell>,
}

/// How far commands have come on their way through the engine.
#[derive(Clone)]
pub struct Progress {
    /// How many commands were put into the command ring since the start.
    pub sequenced: CursorReader,
    /// The last sequence before this start.
    pub sequence_base: u64,
    /// The last command whose events are all in the event ring.
    pub applied: CursorReader,
    /// How many events were put into the event ring since the start.
    pub in_ring: CursorReader,
}

/// Asks the gateway from outside to take nothing more in, as the first step of an orderly stop. What was taken in is
/// still answered.
#[derive(Clone, Debug, Default)]
pub struct GatewayControl(Arc<AtomicBool>);

impl GatewayControl {
    /// From the next duty cycle on no connection is accepted and no socket is read.
    pub fn stop_reading(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
