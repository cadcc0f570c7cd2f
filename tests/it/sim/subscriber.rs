//! Somebody who takes market data: comes, goes, breaks off, is slow, and comes back for what it does not have. In the end it
//! has every message of the session once and in order.

use super::coverage::Coverage;
use super::market::{Market, Place, Wanted};
use super::network::{LinkId, Network, Taken};
use super::random::Random;
use dojima::wire::soup::{self, CLIENT_HEARTBEAT, LoginAccepted, LoginRequest, kind};

const SECOND: u64 = 1_000_000_000;

pub struct Subscriber {
    random: Random,
    line: Option<Line>,
    /// The first message that it does not have.
    next: Place,
    /// Stays away until then.
    away_until: u64,
}

/// A connection.
struct Line {
    link: LinkId,
    stage: Stage,
    input: Vec<u8>,
    last_sent: u64,
    opened: u64,
    /// Takes nothing before that.
    deaf_until: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    LoggingIn,
    In(Place),
    Done,
}

/// What it is to do.
pub struct Surroundings<'a> {
    pub now: u64,
    /// Whether everybody behaves from now on.
    pub settling: bool,
    pub network: &'a Network,
    pub coverage: &'a mut Coverage,
    pub market: &'a Market,
    /// The name of the first session.
    pub session: &'a str,
}

/// Its name and password.
pub const USERNAME: &str = "WATCH";
pub const PASSWORD: &str = "TICKS";

impl Subscriber {
    pub fn new(random: Random) -> Self {
        Self { random, line: None, next: Place { session: 0, number: 1 }, away_until: 0 }
    }

    /// The first message that it does not have.
    pub fn next(&self) -> Place {
        self.next
    }

    /// The server has lost what it had said after that: a loss of power in `async` mode.
    pub fn forget_from(&mut self, end: Place) {
        self.next = self.next.min(end);
    }

    /// The server is gone.
    pub fn is_cut(&mut self, around: &mut Surroundings<'_>) -> Result<(), String> {
        while self.line.is_some() {
            self.receive(usize::MAX, around)?;
        }
        self.away_until = 0;
        Ok(())
    }

    /// A turn. Returns what a new connection asks for.
    pub fn act(&mut self, around: &mut Surroundings<'_>) -> Result<Option<(LinkId, Wanted)>, String> {
        if self.line.is_none() {
            return Ok(self.come(around));
        }
        if !around.settling && self.misbehave(around) {
            return Ok(None);
        }
        let bytes_max = match self.random.below(6) {
            _ if around.settling => usize::MAX,
            0 => 1,
            1 => 1 + self.random.below(100) as usize,
            _ => usize::MAX,
        };
        if around.settling || self.line.as_ref().is_some_and(|line| around.now >= line.deaf_until) {
            self.receive(bytes_max, around)?;
        }
        self.go_on(around);
        Ok(None)
    }

    fn come(&mut self, around: &mut Surroundings<'_>) -> Option<(LinkId, Wanted)> {
        if !around.settling && (around.now < self.away_until || !self.random.once_in(3)) {
            return None;
        }
        let room =
            if around.settling { 1 << 16 } else { self.random.pick(&[60, 300, 4096, 1 << 16, 1 << 16]) };
        let link = around.network.connect(room)?;
        let next = self.next.number;
        let drawn = if around.settling { 99 } else { self.random.below(40) };
        let (from, wrong) = match drawn {
            0 => (next, true),
            1 => (0, false),
            2 => (next + 1_000, false),
            3..6 => (next - self.random.below(next.min(500)), false),
            6 => (1, false),
            _ => (next, false),
        };
        around.coverage.subscriptions += 1;
        around.coverage.subscriptions_older += u64::from((1..next).contains(&from));
        let request = LoginRequest {
            username: soup::username(USERNAME).expect("a name"),
            password: soup::password(if wrong { "WRONG" } else { PASSWORD }).expect("a password"),
            session: None,
            sequence: from,
            heartbeat_timeout_ms: None,
        };
        let mut bytes = Vec::new();
        request.push(&mut bytes);
        around.network.send(link, &bytes);
        let now = around.now;
        self.line = Some(Line {
            link,
            stage: Stage::LoggingIn,
            input: Vec::new(),
            last_sent: now,
            opened: now,
            deaf_until: 0,
        });
        Some((link, Wanted { from, wrong }))
    }

    /// Whether something was done that nobody should do.
    fn misbehave(&mut self, around: &mut Surroundings<'_>) -> bool {
        let Some(line) = &mut self.line else { return false };
        match self.random.below(300) {
            0 => around.network.reset(line.link),
            1 => around.network.break_off(line.link),
            2 => around.network.finish(line.link),
            3 => {
                line.deaf_until = around.now + self.random.below(6 * SECOND);
                return true;
            }
            // Comes again while the old connection is still there.
            4 => {}
            _ => return false,
        }
        around.coverage.subscribers_gone += 1;
        self.away_until = around.now + self.random.below(SECOND / 4);
        self.line = None;
        true
    }

    fn receive(&mut self, bytes_max: usize, around: &mut Surroundings<'_>) -> Result<(), String> {
        let Some(line) = &mut self.line else { return Ok(()) };
        let taken = around.network.take(line.link, bytes_max, &mut line.input);
        let mut used = 0;
        while let Some((packet, len)) = soup::frame(&line.input[used..], usize::from(u16::MAX))
            .map_err(|error| format!("a subscriber was sent {error}"))?
        {
            used += len;
            match (packet.kind, line.stage) {
                (kind::LOGIN_ACCEPTED, _) => {
                    let accepted =
                        LoginAccepted::decode(packet.payload).map_err(|error| error.to_string())?;
                    let place = around.market.place(around.session, &accepted)?;
                    if place.session > self.next.session {
                        // What it lacked of the session before is not to be had any more.
                        self.next = Place { number: 1, ..place };
                    }
                    line.stage = Stage::In(place);
                }
                (kind::SEQUENCED, Stage::In(place)) => {
                    line.stage = Stage::In(Place { number: place.number + 1, ..place });
                    if place == self.next {
                        if around.market.message(place) != Some(packet.payload) {
                            return Err(format!("a subscriber has another {place:?} than was said"));
                        }
                        self.next.number += 1;
                        around.coverage.market_messages += 1;
                    }
                }
                (kind::END_OF_SESSION, Stage::In(place)) => {
                    if place.session == self.next.session {
                        self.next = Place { session: place.session + 1, number: 1 };
                    }
                    line.stage = Stage::Done;
                }
                (kind::LOGIN_REJECTED, _) => line.stage = Stage::Done,
                _ => {}
            }
        }
        line.input.drain(..used);
        if taken == Taken::Closed {
            self.line = None;
        }
        Ok(())
    }

    fn go_on(&mut self, around: &mut Surroundings<'_>) {
        let Some(line) = &mut self.line else { return };
        let leaves = match line.stage {
            Stage::LoggingIn => around.settling && around.now - line.opened > 2 * SECOND,
            Stage::Done => true,
            // It looked at the newest only, and goes back to what it lacks.
            Stage::In(place) => place > self.next && (around.settling || self.random.once_in(6)),
        };
        if leaves {
            around.network.finish(line.link);
            self.line = None;
        } else if around.now - line.last_sent >= SECOND {
            around.network.send(line.link, &CLIENT_HEARTBEAT);
            line.last_sent = around.now;
        }
    }
}
