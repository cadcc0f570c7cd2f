//! The gateway's settings and connections, and the starting point of the streams.

pub use super::streams::StreamsStart as GatewayStart;
use crate::domain::{Command, EventRecord, IndexId, LoginId};
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

/// The smallest tail, bytes. It holds enough messages that a resuming client can find its position in it.
pub const TAIL_BYTES_MIN: usize = 16 * 1024;

/// The settings of one login. The authenticator decides who may use it.
#[derive(Clone, Copy, Debug)]
pub struct LoginSettings {
    /// The login.
    pub login: LoginId,
    /// Its orders are cancelled when it had no connection for this long; `None`: they stay.
    pub cancel_on_disconnect: Option<Duration>,
    /// Its message rate; `None`: unlimited.
    pub rate: Option<RateLimit>,
}

/// A message rate. Excess messages are refused; exceeding the burst by as much again closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Sustained rate, messages per second; at least 1.
    pub per_second: u32,
    /// Burst size, messages; at least 1.
    pub burst: u32,
}

/// The gateway's limits and timeouts.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// The SoupBinTCP id of session 0; later ids follow from it ([`crate::domain::session::session_id`]).
    pub session: SessionId,
    /// The logins that have a user. Their memory is allocated at the start.
    pub logins: Vec<LoginSettings>,
    /// The logins with the role `index`, each with the indexes whose prices it may send.
    pub index_senders: Vec<(LoginId, IndexId)>,
    /// Most connections at one time, at least 1. A further one replaces a connection without a login, of the address
    /// that has the most of them. If all are logged in, the new one is closed at once.
    pub connections_max: usize,
    /// Timeout for the login of a connection.
    pub login_timeout: Duration,
    /// A heartbeat is sent if nothing else was sent for this long.
    pub heartbeat_interval: Duration,
    /// A client that is silent for this long is disconnected, unless its login asked for another timeout.
    pub client_timeout: Duration,
    /// A client with data to receive that accepts no byte for this long is disconnected.
    pub stall_timeout: Duration,
    /// Memory for the newest messages of each login, bytes: a power of two, at least [`TAIL_BYTES_MIN`]. A client that
    /// falls further behind is disconnected.
    pub tail_bytes: usize,
    /// The longest packet accepted from a client, type and payload, bytes: [`PACKET_LEN_MIN`] to [`PACKET_LEN_LIMIT`].
    pub packet_len_max: usize,
    /// The most unanswered messages of one client, at least 2. Further ones wait in its socket.
    pub unanswered_max: usize,
}

/// The longest order with all tags is far shorter; only debug text could need more.
pub const PACKET_LEN_MIN: usize = 512;

/// Two such packets fit an inbox.
pub const PACKET_LEN_LIMIT: usize = INBOX_LEN / 2 - 2;

impl GatewaySettings {
    /// # Errors
    /// [`Fatal::Invariant`] that names a setting outside its documented range.
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

/// Everything that the gateway is connected to.
pub struct GatewayPorts {
    pub inbound: Producer<Command>,
    pub events: Consumer<EventRecord>,
    /// The gate: an event is released when this cursor has reached its sequence.
    pub durable: CursorReader,
    /// The progress of commands.
    pub progress: Progress,
    /// Whether journal, event log or data directory are short of space.
    pub space: Vec<SpaceWatch>,
    /// The source of messages that are no longer in the tail.
    pub resend: ResendClient,
    /// Rung after publishing commands.
    pub downstream: Vec<Doorbell>,
    /// Rung after asking for old messages.
    pub archiver: Vec<Doorbell>,
    /// Authenticates logins.
    pub auth: AuthClient,
    /// Rung after sending a login request.
    pub authenticator: Vec<Doorbell>,
}

/// The progress of commands through the engine.
#[derive(Clone)]
pub struct Progress {
    /// The number of commands put into the command ring since the start.
    pub sequenced: CursorReader,
    /// The last sequence before this start.
    pub sequence_base: u64,
    /// The last command whose events are all in the event ring.
    pub applied: CursorReader,
    /// The number of events put into the event ring since the start.
    pub in_ring: CursorReader,
}

/// Asks the gateway to take no more input, as the first step of an orderly stop. Commands already taken are still
/// answered.
#[derive(Clone, Debug, Default)]
pub struct GatewayControl(Arc<AtomicBool>);

impl GatewayControl {
    /// From the next duty cycle on, no connection is accepted and no socket is read.
    pub fn stop_reading(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
