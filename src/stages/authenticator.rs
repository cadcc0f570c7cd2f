//! The authenticator: decides who may log in, for gateway and feed, which take the logins.
//!
//! A password is checked against its hash (argon2id), which takes tens of milliseconds by design, so it has a thread of its
//! own, and others for the hashes (`authenticator/hasher.rs`). Anybody may ask, so those who ask wait in four lines, each with
//! its share of its time: names that come in from where they ask (`Class::Known`), names from a network that is theirs
//! (`Class::Listed`), names from elsewhere (`Class::Elsewhere`), and those whom no password lets in (`Class::Hopeless`), of
//! whom few are hashed. A question whose connection is gone costs nothing.
//!
//! What is refused is refused late, and the later the more was refused before, from the same address or for the same name. That
//! is all that tells a refusal from another: a name that nobody has is answered as a wrong password is, hashed or not. No
//! password and no hash is ever logged.

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

/// How often passwords of one name may be tried from one address. One that is right forgets those before it. Whoever would have
/// to wait for longer than so many ns is not looked at, and closed by the login timeout.
const TRIES: Rate = Rate { burst: 8, spacing: 1_000 * MS };
const TRIES_WAIT_MAX_NS: u64 = 56_000 * MS;

/// Wrong passwords that are looked at of names that have not come in from where they ask: of all that are listed together, and
/// of all from elsewhere. Right ones cost nothing.
const NEW_FAILURES: Rate = Rate { burst: 20, spacing: 100 * MS };

/// Hashes that are spent on those whom no password lets in.
const HOPELESS_HASHES: Rate = Rate { burst: 4, spacing: 500 * MS };

/// Questions under names that have not come in from where they ask. Beyond it there is a flood: before the hashes of the hopeless are
/// used up, and whoever has the names. If only the hopeless counted, what comes late would tell which those are.
const CROWD: Rate = HOPELESS_HASHES;

/// While there is a flood, and for so long after it, ns, no refusal is told sooner than so long after its question, ns:
/// longer than those take that are hashed, so that time does not tell which were not.
const FLOOD_NS: u64 = 10_000 * MS;
const FLOOD_DELAY_NS: u64 = 2_000 * MS;

/// Whose turn it is while all lines have somebody.
const TURNS: [Class; 10] = {
    use Class::{Elsewhere, Hopeless, Known, Listed};
    [Known, Listed, Known, Elsewhere, Known, Hopeless, Known, Listed, Known, Elsewhere]
};

/// Questions taken in in one duty cycle: all that the queues of the ports hold, and no more, so that it ends.
const TAKEN_MAX: usize = NAMED_QUEUE_LEN + QUEUE_LEN;

/// One service that takes logins.
pub struct AuthPort {
    /// The questions of the service, and where the answers go.
    pub server: AuthServer,
    /// Which roles may log in there.
    pub roles: Vec<Role>,
    /// What is served there, for the log.
    pub service: &'static str,
    /// Whom to wake after an answer.
    pub downstream: Vec<Doorbell>,
}

/// Whose failures are counted together, beside those from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Those for a name, from anywhere where it may come from and has not come in.
    New(LoginName),
    /// Those for a name from where it may not come from: they are nobody's but a guesser's.
    Outside(LoginName),
    /// Those for a name from an address where it is known.
    Known(LoginName, IpAddr),
}

/// The failures, those under names that nobody has in a table of their own, so that a flood of these makes nobody forget the
/// others.
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
    /// To see whether it is that of the name.
    Own,
    /// To take as long as another.
    Dummy,
}

pub struct Authenticator {
    ports: Vec<AuthPort>,
    members: HashMap<LoginName, Member>,
    /// A hash for names that nobody has; `None` when no password is hashed, so that none takes long.
    dummy: Option<Hash>,
    hasher: Hasher,
    /// Whose password is being hashed, and what for.
    hashed: Option<(Question, Hashed)>,
    clock: Box<dyn Clock>,
    memory: Memory,
    /// By class.
    lines: [Line; Class::COUNT],
    /// Whose turn it is, in [`TURNS`].
    turn: usize,
    held: HeldAnswers,
    failures: Failures,
    member_tries: Pace<(LoginName, IpAddr)>,
    invented_tries: Pace<(LoginName, IpAddr)>,
    /// By class: the wrong passwords that are looked at. Those of known names are limited by their tries alone, and hopeless
    /// ones before they wait.
    wrong: [Option<Budget>; Class::COUNT],
    hopeless_hashes: Budget,
    crowd: Budget,
    /// Until when refusals come later, because there is a flood, ns.
    flood_until: u64,
    gauges: Gauges,
}

impl Authenticator {
    /// Knows these users, and answers through these ports. Of two users of one name the later one counts. Where they have come in
    /// from is remembered in a file among `files`, the data directory; without files, until the process ends.
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

    /// Takes in all questions that have come.
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

    /// Lets a question wait in its line, or answers it if no password would let it in and enough of those were hashed.
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
            // No answer: a password that was not looked at is not said to be wrong.
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

    /// The question to look at next.
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
            // How often a user logs in is not for those to feel whom no password lets in.
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

    /// Looks at one password: says or keeps the answer, or has it hashed first.
    fn look(&mut self, question: Question, now: u64) {
        self.gauges.checked.add(1);
        let password = &question.request.password;
        let secret = self.members.get(&question.request.username).map(|member| &member.user.secret);
        let (hashed, hash) = match secret {
            Some(Secret::Hash(hash)) => (Hashed::Own, Some(hash)),
            Some(Secret::Plain(known)) if is_same(known, password) => {
                return self.answer(question, true, now);
            }
            // All that is refused takes the same time.
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

    /// Answers the question whose password was hashed, if the hash is done. Whether it is.
    fn answer_hashed(&mut self, now: u64) -> bool {
        let Some(matches) = self.hasher.verdict(now) else { return false };
        if let Some((question, hashed)) = self.hashed.take() {
            self.answer(question, matches && hashed == Hashed::Own, now);
        }
        true
    }

    /// Says or keeps the answer.
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

    /// Remembers that somebody has come in. The failures from the address stay: it may have other names to try.
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

    /// Counts a failure and holds the refusal back.
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
    /// Why not, for the log. The client learns nothing of it.
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

    /// Says an answer, or keeps it for as long as there is no room for it. Whether it was said.
    fn say(&mut self, held: Held) -> bool {
        if held.inquiry.is_withdrawn() {
            return true;
        }
        let port = &self.ports[held.port];
        let is_said = port.server.answers.try_give(held.answer).is_ok();
        if is_said {
            port.downstream.iter().for_each(Doorbell::ring);
        } else {
            // Where there is no room either, the login timeout closes the connection.
            self.held.push(held);
        }
        is_said
    }

    /// Gives the answers whose time has come.
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

/// What the failures under a name that somebody has are counted by.
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

    /// Begins with one password at most, when the one before is done.
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
