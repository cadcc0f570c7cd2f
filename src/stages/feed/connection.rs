//! One client of the feed: what it sent, how far it is, and what it is sent next.

use super::ending::Ending;
use super::log::LogReader;
use super::settings::FeedSettings;
use crate::net::{ConnectionId, Inbox, Readiness, Socket};
use crate::wire::soup::{LoginRequest, SERVER_HEARTBEAT, Username};
use dojima_journal::passing::is_passing;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

/// Bytes that are made ready for a client at a time.
pub(super) const OUTBOX_LEN: usize = 64 * 1024;

/// How long a client has for closing its side after the last bytes.
const FAREWELL_NS: u64 = 1_000_000_000;

/// What a client gets after its login.
pub(super) enum Source {
    /// Messages, by their numbers over all sessions.
    Stream {
        /// The next one to be put into the outbox.
        next: u64,
        /// The end of its session, once that is known: the first message of the next one.
        end: Option<u64>,
        /// Where old ones are read.
        reader: Option<LogReader>,
        /// Whether it had everything that there was at some time.
        caught_up: bool,
    },
    /// A snapshot, as packets, and how much of it is in the outbox already.
    Snapshot(Arc<Vec<u8>>, usize),
}

/// How far a connection is.
pub(super) enum Phase {
    AwaitingLogin,
    /// The doorman has to be asked; `true`: he was.
    Asking(LoginRequest, bool),
    /// Let in, and waiting for a snapshot to be made.
    AwaitingSnapshot,
    LoggedIn(Source),
    /// It gets what is in its outbox and is closed.
    Leaving,
}

/// One client.
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) peer: SocketAddr,
    pub(super) socket: Box<dyn Socket>,
    pub(super) inbox: Inbox,
    pub(super) phase: Phase,
    pub(super) username: Option<Username>,
    pub(super) outbox: Vec<u8>,
    sent: usize,
    readable: bool,
    writable: bool,
    hung_up: bool,
    opened: u64,
    heard: u64,
    spoke: u64,
    progressed: u64,
    pub(super) silence_max: u64,
    /// When its snapshot was given to it, ns.
    pub(super) snapshot_since: u64,
}

impl Connection {
    pub(super) fn new(
        id: ConnectionId,
        peer: SocketAddr,
        socket: Box<dyn Socket>,
        now: u64,
        settings: &FeedSettings,
    ) -> Self {
        Self {
            id,
            peer,
            socket,
            inbox: Inbox::new(),
            phase: Phase::AwaitingLogin,
            username: None,
            outbox: Vec::new(),
            sent: 0,
            readable: true,
            writable: true,
            hung_up: false,
            opened: now,
            heard: now,
            spoke: now,
            progressed: now,
            silence_max: settings.client_timeout.as_nanos() as u64,
            snapshot_since: now,
        }
    }

    /// Since when it has gone without a login; `None` when it is logged in.
    pub(super) fn stranger_since(&self) -> Option<u64> {
        match self.phase {
            Phase::LoggedIn(_) | Phase::AwaitingSnapshot => None,
            _ => Some(self.opened),
        }
    }

    /// Since when it is open, if this user is logged in on it.
    pub(super) fn logged_in_as(&self, user: Username) -> Option<u64> {
        let logged_in = matches!(self.phase, Phase::LoggedIn(_) | Phase::AwaitingSnapshot);
        (logged_in && self.username == Some(user)).then_some(self.opened)
    }

    pub(super) fn note(&mut self, now: Readiness) {
        self.hung_up |= now.hung_up;
        self.readable |= now.readable || self.hung_up;
        self.writable |= now.writable;
    }

    /// Reads once; how many bytes came.
    pub(super) fn receive(&mut self, now: u64) -> Result<usize, Ending> {
        if !self.readable {
            return Ok(0);
        }
        if matches!(self.phase, Phase::Leaving) {
            self.inbox.clear();
        }
        let room = self.inbox.room();
        let asked = room.len();
        if asked == 0 {
            return Ok(0);
        }
        match self.socket.read(room) {
            Ok(0) => Err(Ending::ClosedByClient),
            Ok(count) => {
                self.inbox.filled(count);
                self.heard = now;
                self.readable = count == asked || self.hung_up;
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(0)
            }
            Err(error) if is_passing(&error) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether nothing waits to be written. Then more may be put into the outbox.
    pub(super) fn has_sent_all(&self) -> bool {
        self.sent == self.outbox.len()
    }

    /// Whether the socket has taken all that it was given so far.
    pub(super) fn is_writable(&self) -> bool {
        self.writable
    }

    /// Lets the client go once it has what is in the outbox.
    pub(super) fn leave(&mut self, last: &[u8], now: u64) {
        self.outbox.extend_from_slice(last);
        self.phase = Phase::Leaving;
        self.opened = now;
    }

    /// Writes once; how many bytes went out.
    pub(super) fn send(&mut self, now: u64) -> Result<usize, Ending> {
        if self.has_sent_all() {
            self.progressed = now;
            return Ok(0);
        }
        if !self.writable {
            return Ok(0);
        }
        let asked = self.outbox.len() - self.sent;
        match self.socket.write(&self.outbox[self.sent..]) {
            Ok(count) => {
                self.writable = count == asked;
                self.sent += count;
                if self.has_sent_all() {
                    self.outbox.clear();
                    self.sent = 0;
                }
                if count > 0 {
                    (self.spoke, self.progressed) = (now, now);
                }
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(0)
            }
            Err(error) if is_passing(&error) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at the times; how many heartbeats were put in.
    pub(super) fn sweep(&mut self, settings: &FeedSettings, now: u64) -> Result<usize, Ending> {
        let age = now.saturating_sub(self.opened);
        let ms = |limit: std::time::Duration| limit.as_millis() as u64;
        match self.phase {
            Phase::AwaitingLogin | Phase::Asking(..) => {
                let limit = settings.login_timeout;
                if u128::from(age) >= limit.as_nanos() {
                    return Err(Ending::LoginTimeout(ms(limit)));
                }
                return Ok(0);
            }
            Phase::Leaving => {
                if !self.has_sent_all() {
                    let stalled = u128::from(now.saturating_sub(self.progressed));
                    let limit = settings.stall_timeout;
                    return if stalled < limit.as_nanos() { Ok(0) } else { Err(Ending::Stalled(ms(limit))) };
                }
                // What follows is the end of the stream; that may fail only if the client has gone.
                let _ = self.socket.shut_down_writing();
                return if age < FAREWELL_NS { Ok(0) } else { Err(Ending::Served) };
            }
            Phase::AwaitingSnapshot | Phase::LoggedIn(_) => {}
        }
        if now.saturating_sub(self.heard) >= self.silence_max {
            return Err(Ending::Silent(self.silence_max / 1_000_000));
        }
        if u128::from(now.saturating_sub(self.progressed)) >= settings.stall_timeout.as_nanos() {
            return Err(Ending::Stalled(ms(settings.stall_timeout)));
        }
        let quiet = u128::from(now.saturating_sub(self.spoke));
        if quiet >= settings.heartbeat_interval.as_nanos() && self.has_sent_all() {
            self.outbox.extend_from_slice(&SERVER_HEARTBEAT);
            return Ok(1);
        }
        Ok(0)
    }
}
