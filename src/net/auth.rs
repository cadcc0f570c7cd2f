//! The seam between whoever takes logins (gateway, feed) and the doorman, who checks passwords on a thread of his own:
//! that takes tens of milliseconds by design, and may never happen on a hot thread.

use super::ConnectionId;
use crate::domain::LoginId;
use crate::wire::soup::{LoginRejected, Password, Username};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::net::IpAddr;

/// How many questions and how many answers may wait on either side.
pub const QUEUE_LEN: usize = 1024;

/// Asks whether somebody may come in.
#[derive(Clone, Copy, Debug)]
pub struct AuthRequest {
    /// The connection that asks; comes back in the answer, so that an answer to a dead connection is dropped.
    pub connection: ConnectionId,
    /// Who it says it is.
    pub username: Username,
    /// Its password.
    pub password: Password,
    /// Where it comes from.
    pub peer: IpAddr,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Send orders, and receive the login's messages.
    Trade,
    /// Receive the login's messages, and send nothing.
    DropCopy,
    /// Receive market data.
    MarketData,
    /// Administration, and market data.
    Admin,
}

/// Somebody who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What for.
    pub role: Role,
    /// The login whose stream it is; `None` for who has none (market data, admin).
    pub login: Option<LoginId>,
}

/// The answer.
#[derive(Clone, Copy, Debug)]
pub struct AuthAnswer {
    /// The connection that asked.
    pub connection: ConnectionId,
    /// What it may do, or what it is told.
    pub verdict: Result<Grant, LoginRejected>,
}

/// The end of who takes logins. Every one has a pair of queues of its own.
#[derive(Clone, Debug)]
pub struct AuthClient {
    /// Where questions go. Full: try again in a later duty cycle.
    pub requests: Sender<AuthRequest>,
    /// Where answers come from.
    pub answers: Receiver<AuthAnswer>,
}

/// The doorman's end.
#[derive(Debug)]
pub struct AuthServer {
    /// Where questions come from.
    pub requests: Receiver<AuthRequest>,
    /// Where answers go.
    pub answers: Sender<AuthAnswer>,
}

/// Both ends.
pub fn auth_queues() -> (AuthClient, AuthServer) {
    let (requests_in, requests_out) = bounded(QUEUE_LEN);
    let (answers_in, answers_out) = bounded(QUEUE_LEN);
    let client = AuthClient { requests: requests_in, answers: answers_out };
    (client, AuthServer { requests: requests_out, answers: answers_in })
}
