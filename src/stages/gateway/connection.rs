//! One client's socket: what came in, what goes out, and how far the client is.
//!
//! The system reports readiness once per change, so what it said is remembered here until a read or write shows that
//! it no longer holds: a read that fills less than it could, a write that takes less than it was given.

use super::ending::Ending;
use super::settings::GatewaySettings;
use super::source::Source;
use super::streams::Streams;
use crate::domain::LoginId;
use crate::net::{ConnectionId, Inbox, Readiness, Socket};
use crate::runtime::planted::{Bug, is_planted};
use crate::stages::auth::Role;
use crate::wire::soup::{END_OF_SESSION, LoginAccepted, LoginRequest, SERVER_HEARTBEAT, SessionId, Username};
use dojima_journal::passing::is_passing;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;

/// Bytes of one write at most, so that one client's backlog does not hold up the others.
const WRITE_LEN_MAX: usize = 256 * 1024;

/// How long a client that was refused, or whose session has ended, has for taking that.
const FAREWELL_NS: u64 = 1_000_000_000;

/// How far a connection is.
pub enum Phase {
    /// Nothing but a login is taken from it.
    AwaitingLogin,
    /// The doorman has been asked about its login. What it sends waits in the inbox.
    Checking(Wish),
    /// It sends orders, if it may, and receives a stream.
    LoggedIn {
        /// Whose.
        login: LoginId,
        /// What it may do.
        role: Role,
        /// The session whose stream it receives.
        session: u32,
        /// Its name, for the log.
        username: Username,
        /// Where the bytes that it receives come from.
        source: Source,
    },
    /// It gets a last word, what it sends is thrown away, and it is closed.
    Leaving(Farewell),
}

/// What a login asks for beside being let in.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Its name.
    pub username: Username,
    /// The session; `None`: the present one.
    pub session: Option<SessionId>,
    /// The first message.
    pub sequence: u64,
    /// Its own timeout.
    pub heartbeat_timeout_ms: Option<u32>,
}

impl Wish {
    /// That of a request. The password is no part of it.
    pub fn of(request: &LoginRequest) -> Self {
        let LoginRequest { username, session, sequence, heartbeat_timeout_ms, .. } = *request;
        Self { username, session, sequence, heartbeat_timeout_ms }
    }
}

/// Why a client gets a last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// Its login was refused.
    Refused,
    /// Its session has ended, and it has received all of it.
    SessionEnded,
}

/// Room for a Login Accepted, a heartbeat and the end of the session.
const CONTROL_LEN_MAX: usize = LoginAccepted::PACKET_LEN + SERVER_HEARTBEAT.len() + END_OF_SESSION.len();

/// A packet or two of the session layer, which go out before anything of the stream.
struct Control {
    bytes: [u8; CONTROL_LEN_MAX],
    len: usize,
    sent: usize,
}

impl Control {
    fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..self.len]
    }

    fn put(&mut self, packet: &[u8]) {
        if self.sent == self.len {
            (self.sent, self.len) = (0, 0);
        }
        self.bytes[self.len..self.len + packet.len()].copy_from_slice(packet);
        self.len += packet.len();
    }
}

/// One client's socket.
pub struct Connection {
    /// Its number.
    pub id: ConnectionId,
    /// The client's address, for the log.
    pub peer: SocketAddr,
    /// The socket.
    pub socket: Box<dyn Socket>,
    /// What came in.
    pub inbox: Inbox,
    /// How far it is.
    pub phase: Phase,
    /// It has input that must wait, for room in the inbound ring or for the client to receive: its silence is ours.
    pub held: bool,
    /// Nothing more can be read, and why. What came before is still taken up.
    pub input_ended: Option<Ending>,
    readable: bool,
    /// The other side has closed: the next reads tell so, whatever the readiness.
    hung_up: bool,
    writable: bool,
    control: Control,
    opened: u64,
    /// When the client was last heard.
    pub heard: u64,
    spoke: u64,
    /// Since when it has been owed something without taking a byte; `None`: it is owed nothing.
    owed_since: Option<u64>,
    /// Its inbox may have a whole packet.
    pub has_more: bool,
    /// The silence that is too long, ns.
    pub silence_max: u64,
    /// While space is low: when the next order is taken, to be refused.
    pub next_order: u64,
}

impl Connection {
    /// A connection that was accepted at `now`, ns.
    pub fn new(
        id: ConnectionId,
        peer: SocketAddr,
        socket: Box<dyn Socket>,
        inbox: Inbox,
        now: u64,
        settings: &GatewaySettings,
    ) -> Self {
        Self {
            id,
            peer,
            socket,
            inbox,
            phase: Phase::AwaitingLogin,
            held: false,
            input_ended: None,
            readable: true,
            hung_up: false,
            writable: true,
            control: Control { bytes: [0; CONTROL_LEN_MAX], len: 0, sent: 0 },
            opened: now,
            heard: now,
            spoke: now,
            owed_since: None,
            has_more: false,
            silence_max: settings.client_timeout.as_nanos() as u64,
            next_order: 0,
        }
    }

    /// Its name in the log.
    pub fn username(&self) -> Option<Username> {
        match &self.phase {
            Phase::LoggedIn { username, .. } | Phase::Checking(Wish { username, .. }) => Some(*username),
            Phase::AwaitingLogin | Phase::Leaving(_) => None,
        }
    }

    /// Since when it has gone without a login, ns; `None` when it is logged in.
    pub fn stranger_since(&self) -> Option<u64> {
        match self.phase {
            Phase::AwaitingLogin | Phase::Checking(_) | Phase::Leaving(_) => Some(self.opened),
            Phase::LoggedIn { .. } => None,
        }
    }

    /// Remembers what the system reports.
    pub fn note(&mut self, now: Readiness) {
        self.hung_up |= now.hung_up;
        self.readable |= now.readable || self.hung_up;
        self.writable |= now.writable;
    }

    /// Reads at most once into the inbox; returns how many bytes came.
    #[inline]
    pub fn receive(&mut self, now: u64) -> usize {
        if !self.readable || self.input_ended.is_some() {
            return 0;
        }
        let room = self.inbox.room();
        if room.is_empty() {
            return 0;
        }
        let asked = room.len();
        match self.socket.read(room) {
            Ok(0) => self.input_ended = Some(Ending::ClosedByClient),
            Ok(count) => {
                self.inbox.filled(count);
                self.heard = now;
                self.readable = count == asked || self.hung_up;
                return count;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
            Err(error) if is_passing(&error) => {}
            Err(error) => self.input_ended = Some(Ending::Socket(error)),
        }
        0
    }

    /// Whether so much waits to be sent that nothing more should be taken in: a client that sends faster than it
    /// receives is slowed down before it falls behind.
    pub fn is_backlogged(&self, streams: &Streams, tail_bytes: usize) -> bool {
        match &self.phase {
            Phase::LoggedIn { login, source: Source::Tail { position }, .. } => {
                let end = streams.get(*login).and_then(|stream| stream.tail()).map_or(0, |tail| tail.end());
                end.saturating_sub(*position) > tail_bytes as u64 / 4
            }
            _ => false,
        }
    }

    /// Adds a packet of the session layer. The stream must be between two packets.
    pub fn put_control(&mut self, packet: &[u8]) {
        debug_assert!(
            self.control.len + packet.len() <= CONTROL_LEN_MAX || self.control.sent == self.control.len
        );
        self.control.put(packet);
    }

    /// The client has been let in: from now on it is owed a stream.
    pub fn greet(&mut self, now: u64) {
        (self.spoke, self.owed_since) = (now, None);
    }

    /// Puts the refusal in and lets the client go.
    pub fn refuse(&mut self, packet: &[u8], now: u64) {
        self.control.put(packet);
        self.leave(Farewell::Refused, now);
    }

    /// All of its session has been sent: says so and lets the client go.
    pub fn end_session(&mut self, now: u64) {
        self.control.put(&END_OF_SESSION);
        self.leave(Farewell::SessionEnded, now);
    }

    fn leave(&mut self, farewell: Farewell, now: u64) {
        self.inbox.clear();
        self.phase = Phase::Leaving(farewell);
        self.opened = now;
    }

    /// Has room for more input from now on: whoever is logged in sends more than a stranger. Gives back the smaller buffer.
    pub fn widen(&mut self, mut inbox: Inbox) -> Inbox {
        inbox.take_over(&self.inbox);
        let mut small = std::mem::replace(&mut self.inbox, inbox);
        small.clear();
        // A read that filled the smaller one may have left something.
        (self.readable, self.has_more) = (true, true);
        small
    }

    /// Writes at most once; returns how many bytes went out.
    ///
    /// # Errors
    /// Why the connection is to be closed.
    #[inline]
    pub fn send(&mut self, streams: &Streams, now: u64) -> Result<usize, Ending> {
        let (before, after) = match &self.phase {
            Phase::LoggedIn { login, session, source, .. } => source.unsent((*login, *session), streams)?,
            Phase::AwaitingLogin | Phase::Checking(_) | Phase::Leaving(_) => (&[][..], &[][..]),
        };
        let control = self.control.unsent();
        if control.len() + before.len() + after.len() == 0 {
            self.owed_since = None;
            return Ok(0);
        }
        self.owed_since.get_or_insert(now);
        if !self.writable {
            return Ok(0);
        }
        let before = &before[..before.len().min(WRITE_LEN_MAX)];
        let after = &after[..after.len().min(WRITE_LEN_MAX - before.len())];
        let asked = control.len() + before.len() + after.len();
        let written = if asked == before.len() {
            self.socket.write(before)
        } else {
            self.socket.write_vectored(&[IoSlice::new(control), IoSlice::new(before), IoSlice::new(after)])
        };
        match written {
            Ok(count) => {
                self.writable = count == asked;
                self.sent(count, now);
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(0)
            }
            Err(error) if is_passing(&error) => {
                if is_planted(Bug::LoseUnsent) {
                    self.sent(asked, now);
                }
                Ok(0)
            }
            Err(error) => Err(Ending::Socket(error)),
        }
    }

    fn sent(&mut self, count: usize, now: u64) {
        let control = count.min(self.control.unsent().len());
        self.control.sent += control;
        if let Phase::LoggedIn { source, .. } = &mut self.phase {
            source.sent(count - control);
        }
        if count > 0 {
            (self.spoke, self.owed_since) = (now, Some(now));
        }
    }

    /// Whether all that there is to send has been sent. Then the stream is between two packets.
    fn has_sent_all(&self, streams: &Streams) -> bool {
        let stream = match &self.phase {
            Phase::LoggedIn { login, session, source, .. } => {
                source.unsent((*login, *session), streams).map_or(1, |(a, b)| a.len() + b.len())
            }
            Phase::AwaitingLogin | Phase::Checking(_) | Phase::Leaving(_) => 0,
        };
        stream + self.control.unsent().len() == 0
    }

    /// Whether it may have something to receive or to take up, as far as is known.
    #[inline]
    pub fn has_input(&self) -> bool {
        let is_readable = self.readable && !self.inbox.is_full();
        is_readable || self.held || self.has_more || self.input_ended.is_some()
    }

    /// Whether it may have something to send that its socket takes. What its stream gets later is another matter.
    #[inline]
    pub fn has_output(&self) -> bool {
        match &self.phase {
            Phase::LoggedIn { source: Source::Log(_), .. } => true,
            _ => self.writable && self.owed_since.is_some(),
        }
    }

    /// Looks at the times, and puts a heartbeat in when one is due. Returns how many it put in.
    ///
    /// # Errors
    /// What is overdue: the connection is to be closed.
    pub fn sweep(
        &mut self,
        streams: &Streams,
        settings: &GatewaySettings,
        now: u64,
    ) -> Result<usize, Ending> {
        let age = now.saturating_sub(self.opened);
        let stalled = self.owed_since.map_or(0, |since| now.saturating_sub(since));
        match &self.phase {
            Phase::AwaitingLogin | Phase::Checking(_) => {
                let limit = settings.login_timeout;
                return if u128::from(age) < limit.as_nanos() {
                    Ok(0)
                } else {
                    Err(Ending::LoginTimeout(limit.as_millis() as u64))
                };
            }
            Phase::Leaving(farewell) => {
                let ending = match farewell {
                    Farewell::Refused => Ending::LoginRefused,
                    Farewell::SessionEnded => Ending::SessionEnded,
                };
                if self.control.unsent().is_empty() {
                    // The last word is followed by the end of the stream; that may fail only if the client has gone.
                    let _ = self.socket.shut_down_writing();
                }
                return if age < FAREWELL_NS { Ok(0) } else { Err(ending) };
            }
            Phase::LoggedIn { .. } => {}
        }
        if self.held {
            self.heard = now;
        }
        if now.saturating_sub(self.heard) >= self.silence_max {
            return Err(Ending::Silent(self.silence_max / 1_000_000));
        }
        if u128::from(stalled) >= settings.stall_timeout.as_nanos() {
            return Err(Ending::Stalled(settings.stall_timeout.as_millis() as u64));
        }
        let quiet = now.saturating_sub(self.spoke);
        if u128::from(quiet) >= settings.heartbeat_interval.as_nanos() && self.has_sent_all(streams) {
            self.control.put(&SERVER_HEARTBEAT);
            return Ok(1);
        }
        Ok(0)
    }

    /// Says that nothing more comes, and takes what the client still sends off the socket: closing it with bytes
    /// unread would make the system throw away what is on its way to the client.
    pub fn part(mut self) -> Inbox {
        let gone = self.socket.shut_down_writing().is_err();
        self.inbox.clear();
        for _ in 0..if gone { 0 } else { 16 } {
            let read: io::Result<usize> = self.socket.read(self.inbox.room());
            if !matches!(read, Ok(1..)) {
                break;
            }
        }
        self.inbox
    }
}
