//! What a stage does for its clients, and within which limits.

use super::close_reason::CloseReason;
use super::packets::Packets;
use super::protocol::{LoginRejected, LoginRequest, SessionId, SessionProtocol};
use crate::domain::LoginName;
use crate::net::ConnectionId;
use crate::net::auth::Grant;
use crate::runtime::Rate;
use std::time::Duration;

/// The longest packet before a login, type and payload, bytes. A login has 52; the rest could only be debug text.
pub const STRANGER_PACKET_LEN_MAX: usize = 1024;

/// Room for the input of a connection that has not logged in: it is small, because anybody can have one.
pub const STRANGER_INBOX_LEN: usize = 4096;

/// What a client that is logged in may send that says nothing, as [`Packets`] counts it: heartbeats and debug text, and all that
/// it sends after it has asked for the end. One that sends more is read as slowly as that.
pub(super) const CHATTER: Rate = Rate { burst: 4096, spacing: 1_000_000 };

/// The limits and times of a server.
#[derive(Clone, Copy, Debug)]
pub struct SessionSettings {
    /// How its lines in the log begin.
    pub label: &'static str,
    /// How the names of its counters begin.
    pub counters: &'static str,
    /// Connections at one time, at least 1. One more takes the place of one without a login, of the address that has
    /// most of them; when all are logged in, it is closed as soon as it is accepted.
    pub connections_max: usize,
    /// Those of one user, at least 1. One more ends the user's oldest.
    pub connections_per_user: usize,
    /// Room for what a client that is logged in has sent, bytes, at least [`STRANGER_INBOX_LEN`]; memory for so many of them is
    /// taken at the start.
    pub inbox_len: usize,
    /// The longest packet after a login, type and payload, bytes.
    pub packet_len_max: usize,
    /// How many users the memory taken at the start is for.
    pub users: usize,
    /// How long a connection may take to log in.
    pub login_timeout: Duration,
    /// A heartbeat is sent after this long without anything else sent.
    pub heartbeat_interval: Duration,
    /// A client that is silent for this long is disconnected, unless its login asked for another time.
    pub client_timeout: Duration,
    /// A client with something to receive that takes no byte for this long is disconnected.
    pub stall_timeout: Duration,
}

/// A client that is let in.
#[derive(Debug)]
pub struct Admitted<C> {
    /// What the service keeps of it.
    pub client: C,
    /// The session that it is told.
    pub session: SessionId,
    /// The number of the first message that it will get.
    pub first: u64,
}

/// What becomes of a login that the authenticator has granted.
#[derive(Debug)]
pub enum Admission<C> {
    /// The client is let in.
    Now(Admitted<C>),
    /// It has to be found out first what it can have: the service says so with [`super::Server::decide`].
    Later,
}

/// What came of taking up a client's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// No whole packet waits.
    Dry,
    /// More waits, and comes in the next turn.
    More,
    /// More waits that must not be taken up yet.
    Held,
    /// More waits for which there is no room where it goes.
    Full {
        /// Nothing of it was taken up.
        starved: bool,
    },
    /// The client asks for the end. What it has sent before is taken up.
    Logout,
}

/// What there is to send to a client, now and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendStatus {
    /// There may be.
    Open,
    /// There is, and it is being looked for.
    Busy,
    /// It has been sent everything, and there will not be more.
    Ended,
    /// As to what it sent before it asked for the end, it has been sent all.
    Answered,
}

/// What a stage does for clients beyond the session layer.
pub trait Service {
    /// What it keeps of a client that was let in.
    type Client;

    /// What its clients speak.
    type Protocol: SessionProtocol;

    /// Says what a client gets that the authenticator lets in. Nothing may have changed for anybody when this says no.
    ///
    /// # Errors
    /// What the client is told if it gets nothing.
    fn admit(
        &mut self,
        id: ConnectionId,
        grant: Grant,
        login: &PendingLogin,
        now: u64,
    ) -> Result<Admission<Self::Client>, LoginRejected>;

    /// A client is let in. Other connections of its user that had to go have gone.
    fn arrived(&mut self, id: ConnectionId, client: &mut Self::Client, now: u64);

    /// A client is not connected any more, or has been sent everything.
    fn left(&mut self, id: ConnectionId, client: Self::Client, reason: &CloseReason, now: u64);

    /// Whether what the client sends may be read now. While it may not, its silence is not held against it.
    fn takes_input(&self, client: &Self::Client) -> bool;

    /// Takes up packets of a client, a bounded number. Returns how many messages they had, too.
    ///
    /// # Errors
    /// What costs the client its connection.
    fn take(
        &mut self,
        client: &mut Self::Client,
        packets: &mut Packets<'_, Self::Protocol>,
        now: u64,
    ) -> (usize, Result<Stopped, CloseReason>);

    /// Makes ready what is to be sent next, if what was ready before is sent.
    ///
    /// # Errors
    /// Why the client cannot be sent more.
    fn prepare(
        &mut self,
        id: ConnectionId,
        client: &mut Self::Client,
        now: u64,
    ) -> Result<SendStatus, CloseReason>;

    /// The bytes to send now, in two parts: whole packets, as soon as all of it is sent.
    ///
    /// # Errors
    /// Why the client cannot be sent more.
    fn unsent<'a>(&'a self, client: &'a Self::Client) -> Result<(&'a [u8], &'a [u8]), CloseReason>;

    /// The first `count` of the unsent bytes have been sent.
    fn sent(&self, client: &mut Self::Client, count: usize);

    /// Whether there may be more to make ready at once.
    fn has_more(&self, client: &Self::Client) -> bool;

    /// Looks at the client every few milliseconds.
    ///
    /// # Errors
    /// Why the client cannot stay.
    fn look(&mut self, client: &mut Self::Client, now: u64) -> Result<(), CloseReason>;
}

/// A login that waits for the authenticator's answer: what it asks for, without the password.
#[derive(Clone, Copy, Debug)]
pub struct PendingLogin {
    pub username: LoginName,
    /// The session; `None`: the present one.
    pub session: Option<SessionId>,
    /// The first message; 0: the next one that there will be.
    pub sequence: u64,
    pub heartbeat_timeout_ms: Option<u32>,
}

impl PendingLogin {
    /// The pending login of a request. The password is no part of it.
    pub(super) fn of(request: &LoginRequest) -> Self {
        let LoginRequest { username, session, sequence, heartbeat_timeout_ms, .. } = *request;
        Self { username, session, sequence, heartbeat_timeout_ms }
    }
}
