//! The doorman: says who may come in, for whoever takes logins.
//!
//! A password is checked against its hash (argon2id), which takes tens of milliseconds by design, so he has a thread of his
//! own. What an unknown name costs is what a wrong password costs. Refusals come late, and the later the more there were
//! before them, from the same address or for the same name; meanwhile the questions of others are answered. What strangers
//! guess at a name holds up nobody who asks from where that name has come in before, nor, if strangers may not come in under
//! that name at all, who asks from where it may come from. Where many wait, addresses take turns. No password and no hash is
//! ever logged.

mod delays;
mod password;
mod standing;

pub use password::{HashError, Secret, hash};

use crate::domain::LoginId;
use crate::net::auth::{AuthAnswer, AuthRequest, AuthServer, Grant, Role};
use crate::runtime::log::Stranger;
use crate::runtime::{Agent, Clock, Counter, Counters, Doorbell, Fatal};
use crate::wire::soup::{LoginRejected, Username};
use delays::{Delays, Key};
use ipnet::IpNet;
use password::Dummy;
use standing::{Member, origin};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Questions that wait here at most; more wait where they come from.
const WAITING_MAX: usize = 4096;

/// Questions that may wait while their address or their name is being slowed down; more are not looked at.
const SLOWED_MAX: usize = 8;

/// Answers that are held back at most. More are given at once: then there is no end of addresses anyway.
const HELD_MAX: usize = 4096;

/// Somebody who may come in.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name on the wire.
    pub username: Username,
    /// What its password is checked against.
    pub secret: Secret,
    /// What it may do.
    pub role: Role,
    /// The login whose stream it is; `None` for market data and administration.
    pub login: Option<LoginId>,
    /// Where it may come from; empty: from everywhere.
    pub allow_from: Vec<IpNet>,
}

/// One place where logins are taken.
pub struct Door {
    /// The questions from there, and where the answers go.
    pub server: AuthServer,
    /// Who may come in there.
    pub roles: Vec<Role>,
    /// Whom to wake after an answer.
    pub downstream: Vec<Doorbell>,
}

/// A question, and at which door it was asked.
#[derive(Clone, Copy)]
struct Question {
    door: usize,
    request: AuthRequest,
}

/// An answer, and when it is given.
struct Held {
    at: u64,
    door: usize,
    answer: AuthAnswer,
}

/// The agent.
pub struct Doorman {
    doors: Vec<Door>,
    members: HashMap<Username, Member>,
    /// For names that nobody has; `None` when no password is hashed, so that none takes long.
    dummy: Option<Dummy>,
    clock: Box<dyn Clock>,
    waiting: VecDeque<Question>,
    /// In no order.
    held: Vec<Held>,
    delays: Delays,
    /// Where the question came from that was answered last.
    last: Option<IpAddr>,
    checked: Counter,
    refused: Counter,
    unread: Counter,
}

impl Doorman {
    /// Knows these users, and answers at these doors. Of two users of one name the later one counts.
    pub fn new(doors: Vec<Door>, users: Vec<User>, clock: Box<dyn Clock>, counters: &Counters) -> Self {
        let any_hashed = users.iter().find_map(|user| user.secret.as_hash());
        Self {
            doors,
            dummy: any_hashed.map(Dummy::like),
            members: users.into_iter().map(|user| (user.username, Member::new(user))).collect(),
            clock,
            waiting: VecDeque::new(),
            held: Vec::new(),
            delays: Delays::default(),
            last: None,
            checked: counters.register("doorman.checked", "logins"),
            refused: counters.register("doorman.refused", "logins"),
            unread: counters.register("doorman.unread", "logins"),
        }
    }

    /// Takes questions in; those of whoever is slowed down and has many waiting are not looked at.
    fn listen(&mut self, now: u64) -> usize {
        let mut taken = 0;
        for door in 0..self.doors.len() {
            while self.waiting.len() < WAITING_MAX
                && let Ok(request) = self.doors[door].server.requests.try_recv()
            {
                taken += 1;
                if self.is_slowed(&request, now) && self.waiting_like(&request) >= SLOWED_MAX {
                    // No answer: the login timeout closes the connection. A password that was not looked at is not
                    // said to be wrong.
                    self.unread.add(1);
                } else {
                    self.waiting.push_back(Question { door, request });
                }
            }
        }
        taken
    }

    /// What the failures of this question are counted by: the address that it comes from, and its name, together with those
    /// who ask for that name with as good a reason.
    fn keys(&self, request: &AuthRequest) -> [Key; 2] {
        let (name, from) = (request.username, origin(request.peer));
        let counted = match self.members.get(&name) {
            Some(member) if !member.may_come_from(request.peer) => Key::Outside(name),
            Some(member) if member.has_come_from(request.peer) => Key::Regular(name, from),
            _ => Key::Name(name),
        };
        [Key::Address(from), counted]
    }

    fn is_slowed(&self, request: &AuthRequest, now: u64) -> bool {
        self.delays.free_at(&self.keys(request)) > now
    }

    /// How many wait that are slowed down together with this one.
    fn waiting_like(&self, request: &AuthRequest) -> usize {
        let [address, name] = self.keys(request);
        let alike = |other: &&Question| {
            let [other_address, other_name] = self.keys(&other.request);
            other_address == address || other_name == name
        };
        self.waiting.iter().filter(alike).count()
    }

    /// The question to answer next: the first of an address other than the last one's, else the first; of those that are
    /// not slowed down.
    fn next(&mut self, now: u64) -> Option<Question> {
        let ready = |at: &usize| !self.is_slowed(&self.waiting[*at].request, now);
        let mut candidates = (0..self.waiting.len()).filter(ready);
        let first = candidates.next()?;
        let is_other = |at: &usize| Some(origin(self.waiting[*at].request.peer)) != self.last;
        let chosen = std::iter::once(first).chain(candidates).find(is_other).unwrap_or(first);
        self.waiting.remove(chosen)
    }

    /// Checks one password and says or keeps the answer.
    fn answer(&mut self, question: Question, now: u64) {
        let request = question.request;
        self.last = Some(origin(request.peer));
        self.checked.add(1);
        let keys = self.keys(&request);
        match self.check(&question) {
            Ok(grant) => {
                // Those of the address stay: it may have other names to try.
                self.delays.forget(&keys[1]);
                if let Some(member) = self.members.get_mut(&request.username) {
                    member.came_from(request.peer);
                }
                self.say(question.door, AuthAnswer { connection: request.connection, verdict: Ok(grant) });
            }
            Err(why) => {
                self.refused.add(1);
                let (peer, username) = (request.peer, request.username);
                let at = self.delays.failed(&keys, now);
                let delay_ms = (at - now) / 1_000_000;
                if Stranger::NotLetIn.may_log() {
                    tracing::warn!(%peer, %username, delay_ms, "not let in: {why}");
                }
                self.hold(question, Err(LoginRejected::NotAuthorised), at);
            }
        }
    }

    /// # Errors
    /// Why not, for the log. The client learns nothing of it, and all of it takes the same time.
    fn check(&self, question: &Question) -> Result<Grant, &'static str> {
        let AuthRequest { username, password, peer, .. } = &question.request;
        let member = self.members.get(username);
        let secret = member.map(|member| &member.user.secret);
        let is_right = secret.is_some_and(|secret| secret.is(password));
        if let Some(dummy) = &self.dummy
            && !is_right
            && secret.is_none_or(|secret| secret.as_hash().is_none())
        {
            dummy.spend(password);
        }
        let member = member.ok_or("no such user")?;
        if !member.may_come_from(*peer) {
            return Err("not from this address (allow_from)");
        }
        if !is_right {
            return Err("wrong password");
        }
        let user = &member.user;
        if !self.doors[question.door].roles.contains(&user.role) {
            return Err("its role has nothing to do at this port");
        }
        Ok(Grant { role: user.role, login: user.login })
    }

    fn hold(&mut self, question: Question, verdict: Result<Grant, LoginRejected>, at: u64) {
        let answer = AuthAnswer { connection: question.request.connection, verdict };
        if self.held.len() < HELD_MAX {
            self.held.push(Held { at, door: question.door, answer });
        } else {
            self.say(question.door, answer);
        }
    }

    /// An answer that finds no room is lost: whoever waits for it is closed by its login timeout.
    fn say(&self, door: usize, answer: AuthAnswer) {
        let door = &self.doors[door];
        if door.server.answers.try_send(answer).is_ok() {
            door.downstream.iter().for_each(Doorbell::ring);
        }
    }

    /// Gives the answers whose time has come.
    fn say_held(&mut self, now: u64) -> usize {
        let mut said = 0;
        let mut at = 0;
        while at < self.held.len() {
            if self.held[at].at > now {
                at += 1;
                continue;
            }
            let Held { door, answer, .. } = self.held.swap_remove(at);
            self.say(door, answer);
            said += 1;
        }
        said
    }
}

impl Agent for Doorman {
    fn name(&self) -> &str {
        "doorman"
    }

    /// Checks one password at most.
    fn do_work(&mut self) -> Result<usize, Fatal> {
        let now = self.clock.now().0;
        let mut work = self.listen(now) + self.say_held(now);
        if let Some(question) = self.next(now) {
            self.answer(question, now);
            work += 1;
        }
        Ok(work)
    }
}

#[cfg(test)]
mod tests;
