//! Those of one class who wait to be looked at, and whose turn it is among them.
//!
//! Names take turns, and so do addresses: every other turn goes by names, the others by addresses. So neither many addresses
//! that ask for one name hold up the other names, nor one address that asks for many names the other addresses; and whoever
//! asks for a name from where nobody has asked for it is looked at before all who have had a turn.

use super::standing::Class;
use crate::domain::LoginName;
use crate::net::auth::{AuthRequest, Inquiry};
use crate::runtime::Bounded;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// A question, and how it is dealt with.
pub struct Question {
    pub port: usize,
    pub request: AuthRequest,
    pub inquiry: Inquiry,
    pub class: Class,
    /// What counts as the address that it comes from.
    pub origin: IpAddr,
    /// When its password may be looked at, ns.
    pub ready: u64,
    /// When a refusal of it may be told, whatever failed before, ns.
    pub tell_from: u64,
}

/// Questions of one class that wait at most.
pub const WAITING_MAX: usize = 1024;

/// When those were last looked at who share something with a question, in turns of the line; 0: never.
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

/// The questions, in the order in which they came. Of too many names or addresses those are forgotten that were looked at
/// longest ago, who were next anyhow.
#[derive(Default)]
pub struct Line {
    waiting: VecDeque<Waiting>,
    /// Questions that were looked at.
    turn: u64,
    names: Bounded<LoginName, u64>,
    addresses: Bounded<IpAddr, u64>,
    both: Bounded<(LoginName, IpAddr), u64>,
}

impl Line {
    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Lets a question wait. When there are too many, gives back one that is not looked at: if there is one whose connection is
    /// gone, that.
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

    /// Where the question is that has most company: those of its name times those of its address. A crowd has the same by
    /// whatever number of names and addresses, and somebody beside it less. Of several the one that would come last.
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

    /// Forgets those whose connections are gone; how many.
    pub fn prune(&mut self) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| !waiting.question.inquiry.is_withdrawn());
        before - self.waiting.len()
    }

    /// The question to look at next: of the name, or of the address, that was looked at longest ago. Of one name, or of one
    /// address, it is the one whose name was looked at longest ago from its address, and of these the first. Those whose time has
    /// not come, and those that `may` says no to, are passed over.
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

    /// Lets those go ahead who waited for the failures under this name from this address.
    pub fn hurry(&mut self, name: LoginName, origin: IpAddr, now: u64) {
        for Waiting { question, .. } in &mut self.waiting {
            if question.request.username == name && question.origin == origin {
                question.ready = question.ready.min(now);
            }
        }
    }
}
