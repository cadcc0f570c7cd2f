//! The interface between the stages that receive logins (gateway, feed) and the authenticator. The authenticator checks
//! passwords on its own thread, because a check takes tens of milliseconds by design and must not run on a hot thread.
//!
//! Anyone can send a login, and a flood of logins mostly uses names that do not exist. So requests with existing names
//! have their own queue, which other requests cannot fill. A request is withdrawn when its connection closes, before
//! any time is spent on it.

use super::ConnectionId;
use crate::domain::{LoginId, LoginName, Password};
use crate::runtime::handoff::{Giver, Taker, handoff};
use crate::wire::soup::LoginRejected;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// The most waiting requests with names that do not exist, and the most waiting answers.
pub const QUEUE_LEN: usize = 1024;
/// The most waiting requests with existing names. This includes requests of connections that were closed meanwhile; in
/// a flood of existing names, thousands arrive while one password is hashed.
pub const NAMED_QUEUE_LEN: usize = 16 * QUEUE_LEN;

/// A request to check a login.
#[derive(Clone, Copy, Debug)]
pub struct AuthRequest {
    /// The requesting connection. It is repeated in the answer, so that an answer to a closed connection is dropped.
    pub connection: ConnectionId,
    pub username: LoginName,
    pub password: Password,
    /// The client's address.
    pub peer: IpAddr,
}

/// The permissions of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Send orders and receive the login's messages.
    Trade,
    /// Receive the login's messages only.
    DropCopy,
    /// Receive market data.
    MarketData,
    /// Administration and market data.
    Admin,
    /// Send prices of indexes and receive the answers.
    Index,
}

impl fmt::Display for Role {
    /// The name used in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trade => "trade",
            Self::DropCopy => "drop-copy",
            Self::MarketData => "market-data",
            Self::Admin => "admin",
            Self::Index => "index",
        })
    }
}

/// The result of an accepted login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    /// The login whose stream the client receives; `None` for market data and administration.
    pub login: Option<LoginId>,
}

#[derive(Clone, Copy, Debug)]
pub struct AuthAnswer {
    pub connection: ConnectionId,
    /// The permissions, or the reason for the refusal.
    pub verdict: Result<Grant, LoginRejected>,
}

/// The priority of a waiting connection when places run out: connections with lower values are closed first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Claim {
    /// Its name is not known to exist, or its password was already checked.
    #[default]
    None = 0,
    /// Its name exists, and its password was not checked yet.
    Named = 1,
    /// The name may only be used from certain networks, including this one, and its password was not checked yet.
    Listed = 2,
    /// The name is known to log in from this address, and its password was not checked yet.
    Known = 3,
}

/// The connection's side of a request to the authenticator. Dropping it withdraws the request.
#[derive(Debug)]
pub struct Ticket(Arc<AtomicU8>);

impl Ticket {
    /// A ticket without a request, for tests.
    #[cfg(test)]
    pub(super) fn with(claim: Claim) -> Self {
        Self(Arc::new(AtomicU8::new(claim as u8)))
    }

    /// The claim of the connection.
    pub fn claim(&self) -> Claim {
        match self.0.load(Ordering::Relaxed) {
            3 => Claim::Known,
            2 => Claim::Listed,
            1 => Claim::Named,
            _ => Claim::None,
        }
    }
}

/// The authenticator's side of a [`Ticket`].
#[derive(Clone, Debug)]
pub struct Inquiry(Weak<AtomicU8>);

impl Inquiry {
    /// Whether the request was withdrawn.
    pub fn is_withdrawn(&self) -> bool {
        self.0.strong_count() == 0
    }

    /// Sets the claim of the connection.
    pub fn set_claim(&self, claim: Claim) {
        if let Some(shared) = self.0.upgrade() {
            shared.store(claim as u8, Ordering::Relaxed);
        }
    }
}

/// A request as received by the authenticator.
#[derive(Clone, Debug)]
pub struct Asked {
    pub request: AuthRequest,
    /// Tells whether the request is still wanted.
    pub inquiry: Inquiry,
}

/// The names that exist. The authenticator sets them once, before the first request.
type Names = Arc<OnceLock<HashSet<LoginName>>>;

/// The side of a stage that receives logins. Each stage has its own queues.
#[derive(Debug)]
pub struct AuthClient {
    named: Sender<Asked>,
    nameless: Sender<Asked>,
    names: Names,
    pub answers: Taker<AuthAnswer>,
}

impl AuthClient {
    /// Sends a request. The connection keeps the ticket until the answer arrives or the connection closes. `None`: the
    /// queue is full, try again in a later duty cycle; this happens only for existing names. For any other name, a
    /// request that finds no room is dropped, and the login timeout closes its connection.
    pub fn ask(&self, request: AuthRequest) -> Option<Ticket> {
        let is_named = self.names.get().is_none_or(|names| names.contains(&request.username));
        let claim = if is_named { Claim::Named } else { Claim::None };
        let shared = Arc::new(AtomicU8::new(claim as u8));
        let asked = Asked { request, inquiry: Inquiry(Arc::downgrade(&shared)) };
        let queue = if is_named { &self.named } else { &self.nameless };
        (queue.try_send(asked).is_ok() || !is_named).then_some(Ticket(shared))
    }
}

/// The authenticator's side.
#[derive(Debug)]
pub struct AuthServer {
    named: Receiver<Asked>,
    nameless: Receiver<Asked>,
    names: Names,
    pub answers: Giver<AuthAnswer>,
}

impl AuthServer {
    /// Sets the names that exist. Only the first call has an effect.
    pub fn introduce(&self, names: impl IntoIterator<Item = LoginName>) {
        // A second authenticator on the same queues would be a wiring mistake, but harmless.
        let _ = self.names.set(names.into_iter().collect());
    }

    /// The next request; those with existing names come first.
    pub fn next(&self) -> Option<Asked> {
        self.named.try_recv().or_else(|_| self.nameless.try_recv()).ok()
    }
}

pub fn auth_queues() -> (AuthClient, AuthServer) {
    let (named_in, named) = bounded(NAMED_QUEUE_LEN);
    let (nameless_in, nameless) = bounded(QUEUE_LEN);
    let (answers_in, answers) = handoff(QUEUE_LEN);
    let names = Names::default();
    let client = AuthClient { named: named_in, nameless: nameless_in, names: Arc::clone(&names), answers };
    (client, AuthServer { named, nameless, names, answers: answers_in })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::soup;
    use std::net::Ipv4Addr;

    fn request(name: &str) -> AuthRequest {
        AuthRequest {
            connection: ConnectionId(1),
            username: soup::username(name).expect("a name"),
            password: soup::password("X").expect("a password"),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }

    #[test]
    fn names_that_nobody_has_leave_room_for_those_that_somebody_has() {
        let (client, server) = auth_queues();
        server.introduce([soup::username("ALICE").expect("a name")]);
        let flood: Vec<Ticket> = (0..2 * QUEUE_LEN).filter_map(|_| client.ask(request("MALLET"))).collect();
        assert_eq!(flood.len(), 2 * QUEUE_LEN, "nobody of them is asked to come again");
        assert!(flood.iter().all(|ticket| ticket.claim() == Claim::None));
        let ticket = client.ask(request("alice")).expect("there is room");
        assert_eq!(ticket.claim(), Claim::Named);
        let first = server.next().expect("a question");
        assert_eq!(first.request.username, request("ALICE").username, "before all that came earlier");
        assert_eq!(std::iter::from_fn(|| server.next()).count(), QUEUE_LEN, "what found room");
        let owners: Vec<Option<Ticket>> =
            (0..=NAMED_QUEUE_LEN).map(|_| client.ask(request("alice"))).collect();
        assert!(owners[NAMED_QUEUE_LEN].is_none() && owners[..NAMED_QUEUE_LEN].iter().all(Option::is_some));
    }

    #[test]
    fn a_question_is_withdrawn_with_its_ticket() {
        let (client, server) = auth_queues();
        let ticket = client.ask(request("ALICE")).expect("there is room");
        let Asked { inquiry, .. } = server.next().expect("a question");
        inquiry.set_claim(Claim::Known);
        assert_eq!((ticket.claim(), inquiry.is_withdrawn()), (Claim::Known, false));
        drop(ticket);
        assert!(inquiry.is_withdrawn());
        inquiry.set_claim(Claim::None);
    }
}
