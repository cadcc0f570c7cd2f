//! One client: it logs in, sends, receives, breaks off at any byte, comes back, resumes its stream from a number that it has,
//! and sends again what was never answered. It knows nothing but what arrives.

use super::coverage::Coverage;
use super::messages::{Message, Messages};
use super::network::{LinkId, Network, Taken};
use super::plan::Identity;
use super::random::Random;
use super::spy::Asked;
use super::venue::Venue;
use dojima::config::UserRole;
use dojima::domain::UserRef;
use dojima::domain::session::session_id;
use dojima::wire::ouch::{Outbound, tags};
use dojima::wire::soup::{
    self, CLIENT_HEARTBEAT, LOGOUT, LoginAccepted, LoginRejected, LoginRequest, SessionId, kind,
};
use std::collections::{BTreeMap, VecDeque};

const SECOND: u64 = 1_000_000_000;

/// Messages that a client sends ahead of their answers.
const OUTSTANDING_MAX: usize = 48;

/// After so many fruitless connections a client takes it that what it asks for is gone.
const FRUITLESS_MAX: u32 = 4;

pub struct Client {
    identity: Identity,
    random: Random,
    messages: Messages,
    /// The name of the session that it is in; what follows is of that one.
    session: SessionId,
    /// That session has ended.
    session_is_over: bool,
    /// By name of a session that it was in: the number of its last message. After a loss of power it may be in one again.
    last_refs: BTreeMap<SessionId, UserRef>,
    line: Option<Line>,
    /// The number of the first message of its stream that it does not have.
    next: u64,
    /// Sent, or to be sent, and not known to be taken up.
    outstanding: VecDeque<Message>,
    /// How many of those were sent on this connection.
    sent: usize,
    /// Stays away until then.
    away_until: u64,
    /// Of every message that it has had, a digest.
    received: Vec<u64>,
    /// The server has lost messages, and it is not known from which number on.
    suspects_loss: bool,
    /// Connections in a row that were let in and closed without a message.
    fruitless: u32,
}

/// A connection.
struct Line {
    link: LinkId,
    stage: Stage,
    /// The number that it asked for.
    asked: u64,
    /// Whether it asked for what there is.
    rightly: bool,
    input: Vec<u8>,
    opened: u64,
    last_sent: u64,
    /// Takes nothing before that.
    deaf_until: u64,
    /// Sends no heartbeats.
    mute: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The login is sent.
    LoggingIn,
    /// The number of the next message that comes.
    In { position: u64 },
    /// Nothing more is expected of it.
    Done,
}

/// What a client is to do.
pub struct Situation<'a> {
    pub now: u64,
    /// The time of the exchange, as far as anybody can know: that of the last durable command.
    pub time: u64,
    /// How many new messages may still be made.
    pub budget: &'a mut u64,
    /// Whether everybody behaves from now on.
    pub settling: bool,
    pub network: &'a Network,
    pub coverage: &'a mut Coverage,
}

impl Client {
    pub fn new(identity: Identity, venue: Venue, mut random: Random) -> Self {
        let messages = Messages::new(random.fork(), venue, identity.role);
        let identity_session = identity.session;
        Self {
            identity,
            random,
            messages,
            session: identity_session,
            session_is_over: false,
            last_refs: BTreeMap::new(),
            line: None,
            next: 1,
            outstanding: VecDeque::new(),
            sent: 0,
            away_until: 0,
            received: Vec::new(),
            suspects_loss: false,
            fruitless: 0,
        }
    }

    /// The number of the first message that it does not have.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Whether that is the session that it is in.
    pub fn is_in(&self, session: u32) -> bool {
        let id = session_id(*self.identity.session.as_bytes(), session);
        id.is_some_and(|id| id == *self.session.as_bytes())
    }

    /// Whether it has an answer to everything that it ever sent.
    pub fn is_settled(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Where it stands, for whoever reads of a failure.
    pub fn standing(&self) -> String {
        let unanswered: Vec<_> = self.outstanding.iter().filter_map(|message| message.answered_as).collect();
        let line = self.line.as_ref().map(|line| (line.link, line.stage, line.asked));
        format!("awaits the answers to {unanswered:?}, has sent {} messages on {line:?}", self.sent)
    }

    /// Makes the message whose answer shows that everything before it was taken up.
    pub fn send_last(&mut self) {
        if self.identity.listens() {
            return;
        }
        let last = self.messages.last();
        self.outstanding.push_back(last);
    }

    /// The server is gone.
    pub fn is_cut(&mut self, situation: &mut Situation<'_>) -> Result<(), String> {
        // What had arrived by then is taken up as ever.
        while self.line.is_some() {
            self.receive(usize::MAX, situation)?;
        }
        self.away_until = 0;
        Ok(())
    }

    /// A turn. Returns what a new connection asks for.
    pub fn act(&mut self, situation: &mut Situation<'_>) -> Result<Option<(LinkId, Asked)>, String> {
        if self.line.is_none() {
            return Ok(self.come(situation));
        }
        if !situation.settling && self.misbehave(situation) {
            return Ok(None);
        }
        let is_deaf = self.line.as_ref().is_some_and(|line| situation.now < line.deaf_until);
        let bytes_max = match self.random.below(6) {
            _ if situation.settling => usize::MAX,
            0 => 1,
            1 => 1 + self.random.below(40) as usize,
            _ => usize::MAX,
        };
        if situation.settling || !is_deaf {
            self.receive(bytes_max, situation)?;
        }
        self.send(situation);
        Ok(None)
    }

    fn come(&mut self, situation: &mut Situation<'_>) -> Option<(LinkId, Asked)> {
        let Situation { now, settling, .. } = *situation;
        if !settling && (now < self.away_until || !self.random.once_in(3)) {
            return None;
        }
        let room = if settling { 1 << 16 } else { self.random.pick(&[90, 200, 700, 4096, 1 << 16, 1 << 16]) };
        let link = situation.network.connect(room)?;
        situation.coverage.connections += 1;
        let asked = self.ask(situation);
        let mut bytes = Vec::new();
        if !settling && self.random.once_in(40) {
            bytes.extend(self.messages.garbage());
            situation.coverage.garbage += 1;
        } else {
            asked.request(&self.identity).push(&mut bytes);
        }
        situation.network.send(link, &bytes);
        let deaf_until = 0;
        let mute = !settling && self.random.once_in(30);
        let input = Vec::new();
        self.line = Some(Line {
            link,
            stage: Stage::LoggingIn,
            asked: asked.from,
            rightly: asked.refused.is_none(),
            input,
            opened: now,
            last_sent: now,
            deaf_until,
            mute,
        });
        self.sent = 0;
        Some((link, asked))
    }

    /// What it asks for: its next message as a rule, an older one, the newest, one that is not there yet; or it has a name,
    /// a password or a session wrong.
    fn ask(&mut self, situation: &mut Situation<'_>) -> Asked {
        let situation_is_calm = situation.settling;
        let coverage = &mut *situation.coverage;
        let login = self.identity.login;
        let drawn = if situation.settling { 99 } else { self.random.below(60) };
        if self.session_is_over {
            return Asked { login, from: 1, session: None, refused: None };
        }
        let session = Some(self.session);
        if self.fruitless >= FRUITLESS_MAX {
            return Asked { login, from: 0, session, refused: None };
        }
        if self.suspects_loss {
            return Asked { login, from: 1, session, refused: None };
        }
        let (from, refused) = match drawn {
            0 => (self.next, Some(LoginRejected::NotAuthorised)),
            1 => (self.next, Some(LoginRejected::SessionNotAvailable)),
            2 => (0, None),
            3 => (self.next + 1_000, None),
            4..12 => (self.next - self.random.below(self.next.min(1_000)), None),
            12..15 => (1, None),
            _ => (self.next, None),
        };
        coverage.wrong_logins += u64::from(refused.is_some());
        coverage.resumed_older += u64::from(refused.is_none() && (1..self.next).contains(&from));
        let session = match refused {
            Some(LoginRejected::SessionNotAvailable) => SessionId::new("YESTERDAY"),
            _ if situation_is_calm || !self.random.once_in(12) => session,
            // Whichever it is.
            _ => None,
        };
        Asked { login, from, session, refused }
    }

    /// Whether something was done that nobody should do.
    fn misbehave(&mut self, situation: &mut Situation<'_>) -> bool {
        let Some(line) = &mut self.line else { return false };
        let (link, network) = (line.link, situation.network);
        let away = situation.now + self.random.below(SECOND / 4);
        match self.random.below(900) {
            0..3 => {
                let garbage = self.messages.garbage();
                network.send(link, &garbage);
                situation.coverage.garbage += 1;
                line.stage = Stage::Done;
                return true;
            }
            3..6 => {
                network.reset(link);
                situation.coverage.resets += 1;
            }
            6..9 => {
                network.break_off(link);
                situation.coverage.broken_off += 1;
            }
            9..12 => {
                network.send(link, &LOGOUT);
                network.finish(link);
                situation.coverage.logouts += 1;
            }
            12..15 => {
                line.deaf_until = situation.now + self.random.below(6 * SECOND);
                situation.coverage.deaf += 1;
                return true;
            }
            // Comes again while the old connection is still there, as after a broken cable.
            15..17 => situation.coverage.took_over += 1,
            _ => return false,
        }
        self.away_until = away;
        self.line = None;
        true
    }

    fn receive(&mut self, bytes_max: usize, situation: &mut Situation<'_>) -> Result<(), String> {
        let Some(line) = &mut self.line else { return Ok(()) };
        let taken = situation.network.take(line.link, bytes_max, &mut line.input);
        let mut used = 0;
        while let Some((packet, len)) = soup::frame(&line.input[used..], usize::from(u16::MAX))
            .map_err(|error| format!("login {}: {error}", self.identity.login))?
        {
            used += len;
            match (packet.kind, line.stage) {
                (kind::LOGIN_ACCEPTED, _) => {
                    let accepted =
                        LoginAccepted::decode(packet.payload).map_err(|error| error.to_string())?;
                    line.stage = Stage::In { position: accepted.sequence };
                    situation.coverage.logins += 1;
                    self.session_is_over = false;
                    if accepted.session != self.session {
                        // What was not answered was not done, and its numbers are those of another session.
                        self.last_refs.insert(self.session, self.messages.last_ref());
                        self.session = accepted.session;
                        let last = self.last_refs.get(&self.session).copied().unwrap_or_default();
                        self.messages.go_on_after(last);
                        self.received.clear();
                        self.outstanding.clear();
                        (self.next, self.sent, self.fruitless) = (1, 0, 0);
                        self.suspects_loss = false;
                        if situation.settling {
                            let last = self.messages.last();
                            self.outstanding.push_back(last);
                        }
                    }
                    if line.asked == 0 && self.fruitless >= FRUITLESS_MAX {
                        // What it lacks is not kept any more. It goes on with what comes, and cannot know what became of
                        // what it sent.
                        self.next = accepted.sequence;
                        self.outstanding.clear();
                        self.sent = 0;
                        self.fruitless = 0;
                        self.suspects_loss = false;
                        situation.coverage.given_up += 1;
                        if situation.settling && !self.identity.listens() {
                            let last = self.messages.last();
                            self.outstanding.push_back(last);
                        }
                    }
                    if accepted.sequence < line.asked.min(self.next) {
                        // The server has lost messages that it had sent: in `async` mode, with a loss of power.
                        self.next = accepted.sequence;
                        self.suspects_loss = true;
                        situation.coverage.losses_noticed += 1;
                    }
                }
                (kind::SEQUENCED, Stage::In { position }) => {
                    self.fruitless = 0;
                    line.stage = Stage::In { position: position + 1 };
                    let digest = digest(packet.payload);
                    let had = self.received.get(position as usize - 1);
                    if position < self.next && had.is_some_and(|had| ![0, digest].contains(had)) {
                        // Another message than before has this number: here begins what the server has lost.
                        self.next = position;
                    }
                    if position == self.next {
                        self.received.resize(position as usize - 1, 0);
                        self.received.push(digest);
                        self.next += 1;
                    }
                    self.suspects_loss &= position + 1 < self.next;
                    // An answer is one whatever its number: after a loss, numbers mean other messages than before.
                    let told = Outbound::decode(packet.payload).map_err(|error| error.to_string())?;
                    situation.coverage.copies_received +=
                        u64::from(self.identity.listens() && is_copy(packet.payload));
                    if let Some(user_ref) = answers(&told).filter(|_| !is_copy(packet.payload)) {
                        if user_ref > self.messages.last_ref() {
                            let (login, session) = (self.identity.login, self.session);
                            return Err(format!(
                                "login {login} has an answer to {user_ref}, which it never sent in session {session}"
                            ));
                        }
                        let found = self.outstanding.iter().position(|m| m.answered_as == Some(user_ref));
                        if let Some(at) = found {
                            self.outstanding.drain(..=at);
                            self.sent = self.sent.saturating_sub(at + 1);
                        }
                    }
                }
                (kind::LOGIN_REJECTED, _) => {
                    let reason = LoginRejected::decode(packet.payload).map_err(|error| error.to_string())?;
                    self.session_is_over |= line.rightly && reason == LoginRejected::SessionNotAvailable;
                    line.stage = Stage::Done;
                }
                (kind::END_OF_SESSION, _) => {
                    self.session_is_over = true;
                    line.stage = Stage::Done;
                }
                _ => {}
            }
        }
        line.input.drain(..used);
        if taken == Taken::Closed {
            let is_empty = line.stage == Stage::In { position: line.asked };
            if is_empty && (line.asked == self.next || self.suspects_loss) {
                self.fruitless += 1;
            }
            self.line = None;
            situation.coverage.closed_by_server += 1;
        }
        Ok(())
    }

    fn send(&mut self, situation: &mut Situation<'_>) {
        let Some(line) = &mut self.line else { return };
        let (link, network, now) = (line.link, situation.network, situation.now);
        let Stage::In { position } = line.stage else {
            // What it sent first may have been no login at all.
            let is_stuck = situation.settling && now - line.opened > 2 * SECOND;
            if is_stuck || line.stage == Stage::Done && (situation.settling || self.random.once_in(4)) {
                network.finish(link);
                self.line = None;
            }
            return;
        };
        if self.suspects_loss && line.asked != 1 {
            network.finish(link);
            self.line = None;
            return;
        }
        if position > self.next {
            // It looked at the newest only, and goes back to what it lacks.
            if situation.settling || self.random.once_in(6) {
                network.finish(link);
                self.line = None;
            }
            return;
        }
        if situation.settling && position < self.next && now - line.opened > 10 * SECOND {
            // It asked for an older message, and so did not see that the stream has become shorter.
            network.finish(link);
            self.line = None;
            return;
        }
        let burst = match self.random.below(8) {
            _ if self.identity.listens() => 0,
            // Prices come one at a time.
            _ if self.identity.role == UserRole::Index => u64::from(self.random.once_in(4)),
            0 => 12,
            1..4 => 1,
            _ => 0,
        };
        for _ in 0..burst.min(*situation.budget) {
            if self.outstanding.len() < OUTSTANDING_MAX && !situation.settling {
                *situation.budget -= 1;
                self.outstanding.push_back(self.messages.next(situation.time));
            }
        }
        while let Some(message) = self.outstanding.get(self.sent) {
            network.send(link, &message.bytes);
            self.sent += 1;
            line.last_sent = now;
            situation.coverage.messages += 1;
        }
        if now - line.last_sent >= SECOND && (situation.settling || !line.mute) {
            network.send(link, &CLIENT_HEARTBEAT);
            line.last_sent = now;
        }
    }
}

/// FNV-1a; never 0.
fn digest(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix).max(1)
}

/// Whether it is a copy: of a message to somebody else, at whose end stand whose it is.
fn is_copy(payload: &[u8]) -> bool {
    // Two tags of one byte for the length, one for the tag and four for the value each.
    let Some(end) = payload.last_chunk::<12>() else { return false };
    (end[0], end[1], end[6], end[7]) == (5, tags::COPY_OF_LOGIN, 5, tags::COPY_OF_ACCOUNT)
}

/// The number of the message that this one answers.
fn answers(told: &Outbound<'_>) -> Option<UserRef> {
    match told {
        Outbound::Accepted(m, _) => Some(m.user_ref),
        Outbound::Rejected(m, _) => Some(m.user_ref),
        Outbound::MassCanceled(m, _) => Some(m.user_ref),
        Outbound::EntryDisabled(m, _) => Some(m.user_ref),
        Outbound::EntryEnabled(m, _) => Some(m.user_ref),
        Outbound::TransferSent(m, _) => Some(m.user_ref),
        Outbound::SettingMade(m, _) => Some(m.user_ref),
        Outbound::IndexAnswered(m, _) => Some(m.user_ref),
        _ => None,
    }
}

impl Asked {
    fn request(&self, identity: &Identity) -> LoginRequest {
        let is_wrong = self.refused == Some(LoginRejected::NotAuthorised);
        let password = if is_wrong { "WRONG" } else { &identity.password };
        LoginRequest {
            username: soup::username(&identity.username).expect("a name"),
            password: soup::password(password).expect("a password"),
            session: self.session,
            sequence: self.from,
            heartbeat_timeout_ms: None,
        }
    }
}
