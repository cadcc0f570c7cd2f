//! The authenticator: decides who may log in, for the gateway and the feed, which accept the connections.
//!
//! A password is checked against its hash (argon2id), which takes tens of milliseconds by design. So the authenticator
//! has its own thread, and other threads compute the hashes (`authenticator/hasher.rs`). Requests come from
//! unauthenticated clients, so they wait in four lines, each with its share of time: names that have logged in from
//! this address before (`Class::Known`), names from a network in their configuration (`Class::Listed`), names from
//! elsewhere (`Class::Elsewhere`), and requests that no password can satisfy (`Class::Hopeless`), of which only a few
//! are hashed. A request whose connection is closed costs nothing.
//!
//! Refusals are delayed. The delay grows with the number of earlier failures from the same address or for the same
//! name. Apart from this delay all refusals look the same: an unknown name is answered like a wrong password, whether
//! or not it was hashed. Passwords and hashes are never logged.

mod delays;
mod hasher;
mod held;
mod line;
mod memory;
mod password;
mod standing;

pub use hasher::Hasher;
pub use memory::FILE as KNOWN_ADDRESSES_FILE;
pub use password::{Secret, hash};
pub use standing::User;

use crate::domain::LoginName;
use crate::net::auth::{
    Asked, AuthAnswer, AuthRequest, AuthServer, Claim, Grant, NAMED_QUEUE_LEN, QUEUE_LEN, Role,
};
use crate::net::origin;
use crate::runtime::log::Stranger;
use crate::runtime::{Agent, Budget, Clock, Counter, Counters, Doorbell, Fatal, Pace, Rate, WallClock};
use crate::wire::soup::LoginRejected;
use delays::Delays;
use dojima_journal::storage::Storage;
use held::{Held, HeldAnswers};
use line::{Line, Question};
use memory::Memory;
use password::{Hash, is_same};
use standing::{Class, Member};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

const MS: u64 = 1_000_000;

/// How often passwords of one name may be tried from one address. A successful login clears the earlier failures. A
/// request that would have to wait longer than the next constant, ns, is not checked; the login timeout closes its
/// connection.
const TRIES: Rate = Rate { burst: 8, spacing: 1_000 * MS };
const TRIES_WAIT_MAX_NS: u64 = 56_000 * MS;

/// How many wrong passwords are checked for names that have not logged in from the address of the request: one budget
/// for all listed names, and one for all from elsewhere. Right passwords are not counted.
const NEW_FAILURES: Rate = Rate { burst: 20, spacing: 100 * MS };

/// How many hashes are spent on requests that no password can satisfy.
const HOPELESS_HASHES: Rate = Rate { burst: 4, spacing: 500 * MS };

/// How many requests may come under names that have not logged in from that address. More than this counts as a flood.
/// A flood is detected before the hopeless requests use up their hashes, and it does not depend on which names exist:
/// if only hopeless requests counted, the delays would reveal which names those are.
const CROWD: Rate = HOPELESS_HASHES;

/// How long a flood lasts after the last request beyond the limit, ns. During a flood no refusal is sent before the
/// delay in the second constant has passed, ns. It is longer than a hash takes, so the time does not reveal which
/// requests were not hashed.
const FLOOD_NS: u64 = 10_000 * MS;
const FLOOD_DELAY_NS: u64 = 2_000 * MS;

/// The order in which the lines are served while none of them is empty.
const TURNS: [Class; 10] = {
    use Class::{Elsewhere, Hopeless, Known, Listed};
    [Known, Listed, Known, Elsewhere, Known, Hopeless, Known, Listed, Known, Elsewhere]
};

/// The most requests taken per duty cycle: the capacity of the ports' queues, so that a cycle ends.
const TAKEN_MAX: usize = NAMED_QUEUE_LEN + QUEUE_LEN;

/// One service that accepts logins.
pub struct AuthPort {
    /// Its requests, and the way for the answers.
    pub server: AuthServer,
    /// Which roles may log in there.
    pub roles: Vec<Role>,
    /// The service's name, for the log.
    pub service: &'static str,
    /// Rung after an answer.
    pub downstream: Vec<Doorbell>,
}

/// What failures are counted by, besides the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// The name, from addresses that are allowed but unknown.
    New(LoginName),
    /// The name, from an address that is not allowed: only a guesser asks from there.
    Outside(LoginName),
    /// The name and an address where it is known.
    Known(LoginName, IpAddr),
}

/// The failures. Those of unknown names have their own table, so that a flood of them does not evict the others.
#[derive(Default)]
struct Failures {
    addresses: Delays<IpAddr>,
    members: Delays<Key>,
    inventions: Delays<LoginName>,
}

struct Gauges {
    checked: Counter,
    refused: Counter,
    unread: Counter,
    unhashed: Counter,
    withdrawn: Counter,
    waiting: [Counter; Class::COUNT],
}

impl Gauges {
    fn new(counters: &Counters) -> Self {
        let of = |name| counters.register(name, "logins");
        Self {
            checked: of("authenticator.checked"),
            refused: of("authenticator.refused"),
            unread: of("authenticator.unread"),
            unhashed: of("authenticator.unhashed"),
            withdrawn: of("authenticator.withdrawn"),
            waiting: [
                "authenticator.waiting_known",
                "authenticator.waiting_listed",
                "authenticator.waiting_elsewhere",
                "authenticator.waiting_hopeless",
            ]
            .map(of),
        }
    }
}

/// What a password is hashed for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hashed {
    /// To compare it with the hash of the name.
    Own,
    /// To take as long as a real check.
    Dummy,
}

pub struct Authenticator {
    ports: Vec<AuthPort>,
    members: HashMap<LoginName, Member>,
    /// A hash for unknown names; `None` if no user has a hashed password, so that no check takes long.
    dummy: Option<Hash>,
    hasher: Hasher,
    /// The request whose password is being hashed, and the purpose.
    hashed: Option<(Question, Hashed)>,
    clock: Box<dyn Clock>,
    memory: Memory,
    /// Indexed by class.
    lines: [Line; Class::COUNT],
    /// The next position in [`TURNS`].
    turn: usize,
    held: HeldAnswers,
    failures: Failures,
    member_tries: Pace<(LoginName, IpAddr)>,
    invented_tries: Pace<(LoginName, IpAddr)>,
    /// By class: the budget of wrong passwords. Known names are limited by their tries alone, and hopeless requests
    /// before they enter their line.
    wrong: [Option<Budget>; Class::COUNT],
    hopeless_hashes: Budget,
    crowd: Budget,
    /// Until when refusals are delayed because of a flood, ns.
    flood_until: u64,
    gauges: Gauges,
}

impl Authenticator {
    /// Authenticates these users for these ports. If two users have one name, the later one counts. The addresses from
    /// which users have logged in are kept in a file among `files`, the data directory; without files, only in memory.
    pub fn new(
        ports: Vec<AuthPort>,
        users: Vec<User>,
        files: Option<Arc<dyn Storage>>,
        (clock, wall): (Box<dyn Clock>, Box<dyn WallClock>),
        hasher: Hasher,
        counters: &Counters,
    ) -> Self {
        let dummy = users.iter().find_map(|user| user.secret.as_hash()).cloned();
        let mut members = users.into_iter().map(|user| (user.username, Member::new(user))).collect();
        let mut memory = Memory::new(files, wall);
        memory.recall(&mut members);
        ports.iter().for_each(|port| port.server.introduce(members.keys().copied()));
        Self {
            ports,
            members,
            dummy,
            hasher,
            hashed: None,
            clock,
            memory,
            lines: Default::default(),
            turn: 0,
            held: HeldAnswers::default(),
            failures: Failures::default(),
            member_tries: Pace::new(TRIES, TRIES_WAIT_MAX_NS),
            invented_tries: Pace::new(TRIES, TRIES_WAIT_MAX_NS),
            wrong: [None, Some(Budget::new(NEW_FAILURES)), Some(Budget::new(NEW_FAILURES)), None],
            hopeless_hashes: Budget::new(HOPELESS_HASHES),
            crowd: Budget::new(CROWD),
            flood_until: 0,
            gauges: Gauges::new(counters),
        }
    }

    /// Takes all requests that have arrived.
    fn listen(&mut self, now: u64) -> usize {
        let mut taken = 0;
        for port in 0..self.ports.len() {
            for _ in 0..TAKEN_MAX {
                let Some(asked) = self.ports[port].server.next() else { break };
                taken += 1;
                self.take(port, asked, now);
            }
        }
        taken
    }

    /// Puts a request into its line. A hopeless request is refused at once if no hashes are left for its class.
    fn take(&mut self, port: usize, Asked { request, inquiry }: Asked, now: u64) {
        if inquiry.is_withdrawn() {
            self.gauges.withdrawn.add(1);
            return;
        }
        let time = self.memory.time();
        let member = self.members.get(&request.username);
        let class = member.map_or(Class::Hopeless, |member| member.class(request.peer, time));
        let origin = origin(request.peer);
        let tries = if member.is_some() { &mut self.member_tries } else { &mut self.invented_tries };
        let Some(ready) = tries.book((request.username, origin), now) else {
            // No answer: a password that was not checked must not be called wrong.
            self.gauges.unread.add(1);
            inquiry.set_claim(Claim::None);
            return;
        };
        let is_hashed = class != Class::Hopeless || self.hopeless_hashes.is_left(now);
        match class {
            Class::Known => {}
            Class::Listed | Class::Elsewhere | Class::Hopeless if self.crowd.is_left(now) => {
                self.crowd.spend(now)
            }
            Class::Listed | Class::Elsewhere | Class::Hopeless => self.flood_until = now + FLOOD_NS,
        }
        let tell_from = if now < self.flood_until { now + FLOOD_DELAY_NS } else { now };
        let question = Question { port, request, inquiry, class, origin, ready, tell_from };
        match class {
            Class::Known => question.inquiry.set_claim(Claim::Known),
            Class::Listed => question.inquiry.set_claim(Claim::Listed),
            Class::Elsewhere => {}
            Class::Hopeless if is_hashed => self.hopeless_hashes.spend(now),
            Class::Hopeless => {
                self.gauges.unhashed.add(1);
                let why = if member.is_some() { OUTSIDE } else { UNKNOWN };
                return self.refuse(question, why, now);
            }
        }
        if let Some(unread) = self.lines[class as usize].push(question) {
            let is_gone = unread.inquiry.is_withdrawn();
            let gauge = if is_gone { &mut self.gauges.withdrawn } else { &mut self.gauges.unread };
            gauge.add(1);
            unread.inquiry.set_claim(Claim::None);
        }
    }

    /// The next request to check.
    fn next(&mut self, now: u64) -> Option<Question> {
        for line in &mut self.lines {
            let gone = line.prune();
            self.gauges.withdrawn.add(gone as u64);
        }
        for passed in 0..TURNS.len() {
            let at = (self.turn + passed) % TURNS.len();
            let class = TURNS[at];
            if self.wrong[class as usize].is_some_and(|wrong| !wrong.is_left(now)) {
                continue;
            }
            // The limit on a user's logins must not be observable with hopeless requests.
            let may = |question: &Question| {
                let member = self.members.get(&question.request.username);
                class == Class::Hopeless || member.is_none_or(|member| member.may_log_in(now))
            };
            if let Some(question) = self.lines[class as usize].next(now, may) {
                self.turn = at + 1;
                return Some(question);
            }
        }
        None
    }

    /// Checks one password: answers, delays the answer, or has the password hashed first.
    fn look(&mut self, question: Question, now: u64) {
        self.gauges.checked.add(1);
        let password = &question.request.password;
        let secret = self.members.get(&question.request.username).map(|member| &member.user.secret);
        let (hashed, hash) = match secret {
            Some(Secret::Hash(hash)) => (Hashed::Own, Some(hash)),
            Some(Secret::Plain(known)) if is_same(known, password) => {
                return self.answer(question, true, now);
            }
            // All refusals take the same time.
            Some(Secret::Plain(_)) | None => (Hashed::Dummy, self.dummy.as_ref()),
        };
        match hash {
            Some(hash) => {
                self.hasher.begin(password, hash, now);
                self.hashed = Some((question, hashed));
            }
            None => self.answer(question, false, now),
        }
    }

    /// Answers the request whose password was hashed, if the hash is done. Returns whether it is.
    fn answer_hashed(&mut self, now: u64) -> bool {
        let Some(matches) = self.hasher.verdict(now) else { return false };
        if let Some((question, hashed)) = self.hashed.take() {
            self.answer(question, matches && hashed == Hashed::Own, now);
        }
        true
    }

    /// Sends or delays the answer.
    fn answer(&mut self, question: Question, is_right: bool, now: u64) {
        let Question { request, class, .. } = question;
        match self.grant(&question, is_right) {
            Ok(grant) => {
                self.welcome(&question, now);
                let answer = AuthAnswer { connection: request.connection, verdict: Ok(grant) };
                self.say(Held { at: now, port: question.port, answer, inquiry: question.inquiry });
            }
            Err(why) => {
                if let Some(wrong) = &mut self.wrong[class as usize] {
                    wrong.spend(now);
                }
                self.refuse(question, &why, now);
            }
        }
    }

    /// Records a successful login. Failures from the address stay: a guesser may try other names from there.
    fn welcome(&mut self, question: &Question, now: u64) {
        let Question { request, origin, class, .. } = question;
        let name = request.username;
        self.failures.members.forget(&key(name, *origin, *class));
        self.member_tries.forget(&(name, *origin));
        self.lines.iter_mut().for_each(|line| line.hurry(name, *origin, now));
        let time = self.memory.time();
        if let Some(member) = self.members.get_mut(&name) {
            member.logged_in(now);
            if member.came_from(request.peer, time) {
                self.memory.note(now);
            }
        }
    }

    /// Counts a failure and delays the refusal.
    fn refuse(&mut self, question: Question, why: &str, now: u64) {
        let Question { port, request, inquiry, class, origin, ready, tell_from } = question;
        let AuthRequest { username, peer, connection, .. } = request;
        self.gauges.refused.add(1);
        inquiry.set_claim(Claim::None);
        let of_name = match self.members.contains_key(&username) {
            true => self.failures.members.failed(key(username, origin, class), ready),
            false => self.failures.inventions.failed(username, ready),
        };
        let of_address = self.failures.addresses.failed(origin, ready);
        let at = tell_from.max(ready + of_name.max(of_address)).max(now);
        if Stranger::NotLetIn.may_log() {
            let delay_ms = (at - now) / MS;
            tracing::warn!(%peer, %username, delay_ms, "not let in: {why}");
        }
        let answer = AuthAnswer { connection, verdict: Err(LoginRejected::NotAuthorised) };
        if !self.held.push(Held { at, port, answer, inquiry }) {
            self.gauges.unread.add(1);
        }
    }

    /// # Errors
    /// The reason, for the log. It is not sent to the client.
    fn grant(&self, question: &Question, is_right: bool) -> Result<Grant, Cow<'static, str>> {
        let AuthRequest { username, peer, .. } = &question.request;
        let member = self.members.get(username);
        let member = member.ok_or(UNKNOWN)?;
        if !member.may_come_from(*peer) {
            return Err(OUTSIDE.into());
        }
        if !is_right {
            return Err("wrong password".into());
        }
        let user = &member.user;
        let AuthPort { roles, service, .. } = &self.ports[question.port];
        if !roles.contains(&user.role) {
            return Err(format!("role {} may not use {service}", user.role).into());
        }
        Ok(Grant { role: user.role, login: user.login })
    }

    /// Sends an answer, or keeps it until there is room for it. Returns whether it was sent.
    fn say(&mut self, held: Held) -> bool {
        if held.inquiry.is_withdrawn() {
            return true;
        }
        let port = &self.ports[held.port];
        let is_said = port.server.answers.try_give(held.answer).is_ok();
        if is_said {
            port.downstream.iter().for_each(Doorbell::ring);
        } else {
            // If there is no room here either, the login timeout closes the connection.
            self.held.push(held);
        }
        is_said
    }

    /// Sends the answers that are due.
    fn say_held(&mut self, now: u64) -> usize {
        let mut said = 0;
        while let Some(held) = self.held.due(now) {
            if !self.say(held) {
                break;
            }
            said += 1;
        }
        said
    }
}

const UNKNOWN: &str = "no such user";
const OUTSIDE: &str = "not from this address (allow_from)";

/// The key for failures of a name that exists.
fn key(name: LoginName, origin: IpAddr, class: Class) -> Key {
    match class {
        Class::Known => Key::Known(name, origin),
        Class::Listed | Class::Elsewhere => Key::New(name),
        Class::Hopeless => Key::Outside(name),
    }
}

impl Agent for Authenticator {
    fn name(&self) -> &str {
        "authenticator"
    }

    /// Starts at most one check, once the check before is done.
    fn do_work(&mut self) -> Result<usize, Fatal> {
        let now = self.clock.now().0;
        let mut work = self.listen(now) + self.say_held(now);
        if self.hashed.is_none()
            && let Some(question) = self.next(now)
        {
            self.look(question, now);
            work += 1;
        }
        work += usize::from(self.answer_hashed(now));
        for (line, gauge) in self.lines.iter().zip(&mut self.gauges.waiting) {
            gauge.set(line.len() as u64);
        }
        let is_busy = self.lines[..Class::Hopeless as usize].iter().any(|line| !line.is_empty());
        Ok(work + self.memory.write_if_due(&self.members, is_busy, now))
    }

    fn on_close(&mut self) -> Result<(), Fatal> {
        let now = self.clock.now().0;
        self.memory.finish(&self.members, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
