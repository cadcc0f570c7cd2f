//! The interface between the session layer and a stage that serves clients, with its settings.

use super::close_reason::CloseReason;
use super::packets::Packets;
use super::protocol::{LoginRejected, LoginRequest, SessionId, SessionProtocol};
use crate::domain::LoginName;
use crate::net::ConnectionId;
use crate::net::auth::Grant;
use crate::runtime::Rate;
use std::time::Duration;

/// The longest packet before a login in bytes of type and payload. A login has 52; anything longer can only be debug
/// text.
pub const STRANGER_PACKET_LEN_MAX: usize = 1024;

/// Inbox size in bytes before a login. It is small because anyone can open a connection.
pub const STRANGER_INBOX_LEN: usize = 4096;

/// The rate of skipped input of a logged-in client, counted as in [`Packets`]: heartbeats, debug text, and everything
/// sent after a logout. If a client exceeds the rate, the server slows its reads to it.
pub(super) const CHATTER: Rate = Rate { burst: 4096, spacing: 1_000_000 };

/// The limits and timeouts of a server.
#[derive(Clone, Copy, Debug)]
pub struct SessionSettings {
    /// Prefix of its log lines.
    pub label: &'static str,
    /// Prefix of the names of its counters.
    pub counters: &'static str,
    /// The most connections at one time, at least 1. When another client connects, a connection without a login is
    /// closed, preferably of the address that has most of them; if all are logged in, the new connection is closed
    /// immediately.
    pub connections_max: usize,
    /// The most connections of one user, at least 1. One more closes the user's oldest.
    pub connections_per_user: usize,
    /// Inbox size of a logged-in client in bytes, at least [`STRANGER_INBOX_LEN`]. The inboxes for `users` clients are
    /// allocated at the start.
    pub inbox_len: usize,
    /// The longest packet after a login in bytes of type and payload.
    pub packet_len_max: usize,
    /// The number of users for which memory is allocated at the start.
    pub users: usize,
    /// The longest time from connecting to a login.
    pub login_timeout: Duration,
    /// A heartbeat is sent after this long without anything else sent.
    pub heartbeat_interval: Duration,
    /// A client that sends nothing for this long is disconnected, unless its login requested another timeout.
    pub client_timeout: Duration,
    /// A client that takes no byte of pending output for this long is disconnected.
    pub stall_timeout: Duration,
}

/// A client whose login is accepted.
#[derive(Debug)]
pub struct Admitted<C> {
    /// The service's state of the client.
    pub client: C,
    /// The session reported to the client.
    pub session: SessionId,
    /// The number of the first message that it receives.
    pub first: u64,
}

/// The service's decision about a login that the authenticator has granted.
#[derive(Debug)]
pub enum Admission<C> {
    /// The login is accepted.
    Now(Admitted<C>),
    /// The service must first find out which messages it can send. It decides later with [`super::Server::decide`].
    Later,
}

/// The reason why processing a client's input stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// There is no whole packet.
    Dry,
    /// There is more input; it is processed in the next turn.
    More,
    /// There is more input that must not be processed yet.
    Held,
    /// There is more input but no room downstream.
    Full {
        /// Whether no input was processed.
        starved: bool,
    },
    /// The client sent a logout. Its input before the logout is processed.
    Logout,
}

/// The state of a client's outgoing stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendStatus {
    /// There may be more messages.
    Open,
    /// There are messages, and they are being read.
    Busy,
    /// Everything was sent, and there will be no more messages.
    Ended,
    /// The client sent a logout, and all answers to its earlier input were sent.
    Answered,
}

/// The part of serving clients that belongs to a stage.
pub trait Service {
    /// The service's state of a logged-in client.
    type Client;

    /// The protocol of its clients.
    type Protocol: SessionProtocol;

    /// Decides about a client that the authenticator has granted. If this refuses, it must not have changed any state.
    ///
    /// # Errors
    /// The reason sent to the client if it is refused.
    fn admit(
        &mut self,
        id: ConnectionId,
        grant: Grant,
        login: &PendingLogin,
        now: u64,
    ) -> Result<Admission<Self::Client>, LoginRejected>;

    /// Called when a login is accepted. Connections of the same user that had to be closed for it are closed by then.
    fn arrived(&mut self, id: ConnectionId, client: &mut Self::Client, now: u64);

    /// Called when a client is disconnected, or has been sent everything.
    fn left(&mut self, id: ConnectionId, client: Self::Client, reason: &CloseReason, now: u64);

    /// Whether the client's input may be read now. While it may not, the client does not time out.
    fn takes_input(&self, client: &Self::Client) -> bool;

    /// Processes a bounded number of the client's packets. Also returns the number of messages in them.
    ///
    /// # Errors
    /// The error for which the client is disconnected.
    fn take(
        &mut self,
        client: &mut Self::Client,
        packets: &mut Packets<'_, Self::Protocol>,
        now: u64,
    ) -> (usize, Result<Stopped, CloseReason>);

    /// Prepares the next bytes to send if the bytes prepared before are sent.
    ///
    /// # Errors
    /// The reason why nothing more can be sent to the client.
    fn prepare(
        &mut self,
        id: ConnectionId,
        client: &mut Self::Client,
        now: u64,
    ) -> Result<SendStatus, CloseReason>;

    /// The bytes to send now, in two parts. Together they end at a packet boundary.
    ///
    /// # Errors
    /// The reason why nothing more can be sent to the client.
    fn unsent<'a>(&'a self, client: &'a Self::Client) -> Result<(&'a [u8], &'a [u8]), CloseReason>;

    /// The first `count` of the unsent bytes have been sent.
    fn sent(&self, client: &mut Self::Client, count: usize);

    /// Whether more bytes may be prepared immediately.
    fn has_more(&self, client: &Self::Client) -> bool;

    /// Called for each client every few milliseconds.
    ///
    /// # Errors
    /// The reason to disconnect the client.
    fn look(&mut self, client: &mut Self::Client, now: u64) -> Result<(), CloseReason>;
}

/// A login that waits for the authenticator's answer: the request without the password.
#[derive(Clone, Copy, Debug)]
pub struct PendingLogin {
    pub username: LoginName,
    /// The requested session; `None`: the current one.
    pub session: Option<SessionId>,
    /// The number of the first requested message; 0: the next new message.
    pub sequence: u64,
    pub heartbeat_timeout_ms: Option<u32>,
}

impl PendingLogin {
    /// The pending login of a request, without the password.
    pub(super) fn of(request: &LoginRequest) -> Self {
        let LoginRequest { username, session, sequence, heartbeat_timeout_ms, .. } = *request;
        Self { username, session, sequence, heartbeat_timeout_ms }
    }
}
