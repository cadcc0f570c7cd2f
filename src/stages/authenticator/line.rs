//! The requests of one class that wait to be checked, and the order in which they are checked.
//!
//! Names take turns, and so do addresses: every other turn is by name, the others by address. So many addresses that
//! ask for one name do not delay other names, and one address that asks for many names does not delay other addresses.
//! A request for a name from an address with no earlier request for it goes before all that had a turn.

use super::standing::Class;
use crate::domain::LoginName;
use crate::net::auth::{AuthRequest, Inquiry};
use crate::runtime::Bounded;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// A request and how to treat it.
pub struct Question {
    pub port: usize,
    pub request: AuthRequest,
    pub inquiry: Inquiry,
    pub class: Class,
    /// The address or network that the request counts for.
    pub origin: IpAddr,
    /// When its password may be checked, ns.
    pub ready: u64,
    /// The earliest time of a refusal, whatever failed before, ns.
    pub tell_from: u64,
}

/// The most requests of one class that wait.
pub const WAITING_MAX: usize = 1024;

/// When related requests were last checked, in turns of the line; 0: never.
#[derive(Clone, Copy)]
struct Turns {
    name: u64,
    address: u64,
    both: u64,
}

struct Waiting {
    question: Question,
    turns: Turns,
}

/// The requests in the order of arrival. If there are too many names or addresses, those checked longest ago are
/// dropped; they would have been next anyway.
#[derive(Default)]
pub struct Line {
    waiting: VecDeque<Waiting>,
    /// The number of requests that were checked.
    turn: u64,
    names: Bounded<LoginName, u64>,
    addresses: Bounded<IpAddr, u64>,
    both: Bounded<(LoginName, IpAddr), u64>,
}

impl Line {
    /// Whether no request waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a request. If there are too many, returns one that will not be checked: preferably one whose connection is
    /// closed.
    pub fn push(&mut self, question: Question) -> Option<Question> {
        let (name, origin) = (question.request.username, question.origin);
        let turns = Turns {
            name: self.names.get(&name).copied().unwrap_or(0),
            address: self.addresses.get(&origin).copied().unwrap_or(0),
            both: self.both.get(&(name, origin)).copied().unwrap_or(0),
        };
        self.waiting.push_back(Waiting { question, turns });
        if self.waiting.len() <= WAITING_MAX {
            return None;
        }
        let is_gone = |waiting: &Waiting| waiting.question.inquiry.is_withdrawn();
        let at = self.waiting.iter().position(is_gone).or_else(|| self.least_deserving())?;
        self.waiting.remove(at).map(|waiting| waiting.question)
    }

    /// The position of the request with the most related requests: those of its name times those of its address. This
    /// product is equally high within a flood, however it is spread over names and addresses, and lower outside the
    /// flood. Among equals, the one that would be checked last.
    fn least_deserving(&self) -> Option<usize> {
        let mut names: HashMap<LoginName, usize> = HashMap::new();
        let mut origins: HashMap<IpAddr, usize> = HashMap::new();
        for Waiting { question, .. } in &self.waiting {
            *names.entry(question.request.username).or_default() += 1;
            *origins.entry(question.origin).or_default() += 1;
        }
        let rank = |Waiting { question, turns }: &Waiting| {
            let company = names[&question.request.username] * origins[&question.origin];
            (company, turns.both, turns.address)
        };
        let ranked = self.waiting.iter().enumerate().map(|(at, waiting)| (rank(waiting), at));
        ranked.max().map(|(_, at)| at)
    }

    /// Removes the requests whose connections are closed; returns how many.
    pub fn prune(&mut self) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| !waiting.question.inquiry.is_withdrawn());
        before - self.waiting.len()
    }

    /// The next request: of the name, or of the address, that was checked longest ago. Among those, the one whose name
    /// was checked from its address longest ago; among those, the first. Requests that are not ready yet, or that `may`
    /// rejects, are skipped.
    pub fn next(&mut self, now: u64, may: impl Fn(&Question) -> bool) -> Option<Question> {
        let goes_by_name = self.turn.is_multiple_of(2);
        let rank = |turns: Turns| (if goes_by_name { turns.name } else { turns.address }, turns.both);
        let waiting = self.waiting.iter().enumerate();
        let ready = waiting.filter(|(_, Waiting { question, .. })| question.ready <= now && may(question));
        let (_, at) = ready.map(|(at, waiting)| (rank(waiting.turns), at)).min()?;
        let Waiting { question, .. } = self.waiting.remove(at)?;
        self.had_turn(question.request.username, question.origin);
        Some(question)
    }

    fn had_turn(&mut self, name: LoginName, origin: IpAddr) {
        self.turn += 1;
        let turn = self.turn;
        *self.names.entry(name, turn, |turn| *turn) = turn;
        *self.addresses.entry(origin, turn, |turn| *turn) = turn;
        *self.both.entry((name, origin), turn, |turn| *turn) = turn;
        for Waiting { question, turns } in &mut self.waiting {
            let (is_of_name, is_of_address) = (question.request.username == name, question.origin == origin);
            if is_of_name {
                turns.name = turn;
            }
            if is_of_address {
                turns.address = turn;
            }
            if is_of_name && is_of_address {
                turns.both = turn;
            }
        }
    }

    /// Makes the requests for this name from this address ready at once if earlier failures delayed them.
    pub fn hurry(&mut self, name: LoginName, origin: IpAddr, now: u64) {
        for Waiting { question, .. } in &mut self.waiting {
            if question.request.username == name && question.origin == origin {
                question.ready = question.ready.min(now);
            }
        }
    }
}
