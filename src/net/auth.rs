//! The seam between whoever takes logins (gateway, feed) and the authenticator, which checks passwords on a thread of its own:
//! that takes tens of milliseconds by design, and may never happen on a hot thread.
//!
//! Anybody may ask, and most who do so in a flood give names that nobody has. So questions under names that somebody has go
//! through a queue of their own, which the others cannot fill; and a question is withdrawn when its connection is gone, before
//! anything is spent on it.

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

/// How many questions under other names, and how many answers, may wait.
pub const QUEUE_LEN: usize = 1024;
/// How many questions under names that somebody has may wait: those of connections that have given way meanwhile, too, and in a flood of
/// such names thousands come while one password is hashed.
pub const NAMED_QUEUE_LEN: usize = 16 * QUEUE_LEN;

/// Asks whether somebody may come in.
#[derive(Clone, Copy, Debug)]
pub struct AuthRequest {
    /// The connection that asks; comes back in the answer, so that an answer to a dead connection is dropped.
    pub connection: ConnectionId,
    pub username: LoginName,
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

impl fmt::Display for Role {
    /// As the configuration says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trade => "trade",
            Self::DropCopy => "drop-copy",
            Self::MarketData => "market-data",
            Self::Admin => "admin",
        })
    }
}

/// Somebody who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    /// The login whose stream it is; `None` for who has none (market data, admin).
    pub login: Option<LoginId>,
}

#[derive(Clone, Copy, Debug)]
pub struct AuthAnswer {
    pub connection: ConnectionId,
    /// What it may do, or what it is told.
    pub verdict: Result<Grant, LoginRejected>,
}

/// How much a connection that waits for the authenticator should be kept: where there is no place left, those with less give way
/// first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Claim {
    /// Nothing is known of it, or its password has been looked at already.
    #[default]
    None = 0,
    /// Somebody has its name, and its password has not been looked at yet.
    Named = 1,
    /// The name may come from this network, not from everywhere, and its password has not been looked at yet.
    Listed = 2,
    /// The name comes in from this address, and its password has not been looked at yet.
    Known = 3,
}

/// What a connection keeps while the authenticator has its question. Dropping it withdraws the question.
#[derive(Debug)]
pub struct Ticket(Arc<AtomicU8>);

impl Ticket {
    /// That of a question that nobody looks at.
    #[cfg(test)]
    pub(super) fn with(claim: Claim) -> Self {
        Self(Arc::new(AtomicU8::new(claim as u8)))
    }

    /// How much the connection should be kept.
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
    /// Whether whoever asked is gone.
    pub fn is_withdrawn(&self) -> bool {
        self.0.strong_count() == 0
    }

    /// Tells the connection how much it should be kept.
    pub fn set_claim(&self, claim: Claim) {
        if let Some(shared) = self.0.upgrade() {
            shared.store(claim as u8, Ordering::Relaxed);
        }
    }
}

/// A request as it reaches the authenticator.
#[derive(Clone, Debug)]
pub struct Asked {
    pub request: AuthRequest,
    /// Whether somebody still waits for the answer.
    pub inquiry: Inquiry,
}

/// The names that somebody has. The authenticator gives them once, before the first question.
type Names = Arc<OnceLock<HashSet<LoginName>>>;

/// The end of who takes logins. Every one has queues of its own.
#[derive(Debug)]
pub struct AuthClient {
    named: Sender<Asked>,
    nameless: Sender<Asked>,
    names: Names,
    pub answers: Taker<AuthAnswer>,
}

impl AuthClient {
    /// Asks. The connection keeps the ticket until it has its answer, or is closed. `None`: try again in a later duty cycle,
    /// which happens only to names that somebody has. Under any other name a question that finds no room is lost; whoever
    /// asked it is closed by the login timeout.
    pub fn ask(&self, request: AuthRequest) -> Option<Ticket> {
        let is_named = self.names.get().is_none_or(|names| names.contains(&request.username));
        let claim = if is_named { Claim::Named } else { Claim::None };
        let shared = Arc::new(AtomicU8::new(claim as u8));
        let asked = Asked { request, inquiry: Inquiry(Arc::downgrade(&shared)) };
        let queue = if is_named { &self.named } else { &self.nameless };
        (queue.try_send(asked).is_ok() || !is_named).then_some(Ticket(shared))
    }
}

/// The authenticator's end.
#[derive(Debug)]
pub struct AuthServer {
    named: Receiver<Asked>,
    nameless: Receiver<Asked>,
    names: Names,
    pub answers: Giver<AuthAnswer>,
}

impl AuthServer {
    /// Says which names somebody has. Only the first call counts.
    pub fn introduce(&self, names: impl IntoIterator<Item = LoginName>) {
        // A second authenticator on the same queues would be a mistake of the wiring, and harmless.
        let _ = self.names.set(names.into_iter().collect());
    }

    /// The next question, those under names that somebody has first.
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
