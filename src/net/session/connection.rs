//! One client's connection: its input, its output, and its state.
//!
//! The system reports readiness once per change (edge-triggered). The report is remembered here until a read or write
//! shows that it no longer holds: a read that returns less than it could, or a write that takes less than it was given.

use super::close_reason::CloseReason;
use super::protocol::{CONTROL_PACKET_LEN_MAX, SessionProtocol};
use super::service::{CHATTER, PendingLogin, Service, SessionSettings};
use crate::domain::LoginName;
use crate::net::auth::{Claim, Ticket};
use crate::net::{ConnectionId, Inbox, Readiness, Socket, origin};
use crate::runtime::Budget;
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use dojima_journal::passing::is_passing;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{IpAddr, SocketAddr};

/// The most bytes of one write, so that one client's backlog does not delay the others.
const WRITE_LEN_MAX: usize = 256 * 1024;

/// The time in nanoseconds that a refused client has to close its side.
const CLOSING_NS: u64 = 1_000_000_000;

/// The time in nanoseconds that a client has to take its last messages after the end of its session, provided that it
/// keeps sending heartbeats.
const LAST_TAKE_NS: u64 = 120_000_000_000;

/// The most reads of leftover input when a connection is closed.
const LAST_READS: usize = 16;

/// The state of a connection.
pub(super) enum Phase<C> {
    /// Only a login is accepted.
    AwaitingLogin,
    /// The authenticator checks its login. Its input waits in the inbox.
    Checking(PendingLogin),
    /// It is logged in.
    LoggedIn(C),
    /// It is logged in and has sent a logout: it receives the messages that are still due to it.
    LoggingOut(C),
    /// A last packet is sent, its input is discarded, and then it is closed.
    Closing(Closing),
}

/// Why a connection is closed after a last packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// Its login was refused.
    Refused,
    /// Its session has ended, and everything was sent.
    SessionEnded,
    /// It sent a logout, and the messages due to it were sent.
    LoggedOut,
}

impl Closing {
    fn reason(self) -> CloseReason {
        match self {
            Self::Refused => CloseReason::LoginRefused,
            Self::SessionEnded => CloseReason::SessionEnded,
            Self::LoggedOut => CloseReason::Logout,
        }
    }
}

/// Room for the answer to a login, a heartbeat and End of Session; the last two are short.
const CONTROL_LEN_MAX: usize = 2 * CONTROL_PACKET_LEN_MAX;

/// Up to a few packets of the session layer. They are sent before the service's bytes.
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

/// One client's connection.
pub(super) struct Connection<C> {
    pub(super) id: ConnectionId,
    /// The client's address.
    pub(super) peer: SocketAddr,
    /// The address under which its connections are counted (`net::origin`).
    pub(super) from: IpAddr,
    socket: Box<dyn Socket>,
    /// Bytes received and not yet processed.
    pub(super) inbox: Inbox,
    pub(super) phase: Phase<C>,
    /// Its side of the request to the authenticator.
    pub(super) ticket: Option<Ticket>,
    /// The name of its login, and whether the login was accepted.
    pub(super) username: Option<LoginName>,
    pub(super) was_let_in: bool,
    /// It has input that must wait for room, or for the client to receive. Its silence then does not count against it.
    pub(super) held: bool,
    /// Set when nothing more can be read, with the reason. Earlier input is still processed.
    pub(super) input_ended: Option<CloseReason>,
    readable: bool,
    /// The other side has closed. Reads will report it, whatever the readiness.
    hung_up: bool,
    writable: bool,
    control: Control,
    opened: u64,
    heard: u64,
    spoke: u64,
    /// Since when output has been pending without the client taking a byte; `None` if no output is pending.
    owed_since: Option<u64>,
    /// Bytes of heartbeats and debug text before its login.
    pub(super) chatter: usize,
    /// Its budget of heartbeats and debug text after its login.
    pub(super) chatter_left: Budget,
    /// The budget is used up; the connection is not read until a sweep.
    pub(super) rests: bool,
    /// Its inbox may contain a whole packet.
    pub(super) has_more: bool,
    /// Its silence timeout in nanoseconds.
    silence_max: u64,
}

impl<C> Connection<C> {
    /// A connection accepted at `now` (nanoseconds).
    pub(super) fn new(
        id: ConnectionId,
        peer: SocketAddr,
        socket: Box<dyn Socket>,
        inbox: Inbox,
        now: u64,
        settings: &SessionSettings,
    ) -> Self {
        Self {
            id,
            peer,
            from: origin(peer.ip()),
            socket,
            inbox,
            phase: Phase::AwaitingLogin,
            ticket: None,
            username: None,
            was_let_in: false,
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
            chatter: 0,
            chatter_left: Budget::new(CHATTER),
            rests: false,
            has_more: false,
            silence_max: settings.client_timeout.as_nanos() as u64,
        }
    }

    /// The client logged in on it.
    pub(super) fn client(&mut self) -> Option<&mut C> {
        match &mut self.phase {
            Phase::LoggedIn(client) | Phase::LoggingOut(client) => Some(client),
            Phase::AwaitingLogin | Phase::Checking(_) | Phase::Closing(_) => None,
        }
    }

    /// The reason to report if the client closes its side now.
    pub(super) fn reason_by_client(&self) -> CloseReason {
        match self.phase {
            Phase::Closing(closing) => closing.reason(),
            _ => CloseReason::ClosedByClient,
        }
    }

    /// Removes the client logged in on it.
    pub(super) fn take_client(&mut self) -> Option<C> {
        match std::mem::replace(&mut self.phase, Phase::AwaitingLogin) {
            Phase::LoggedIn(client) | Phase::LoggingOut(client) => Some(client),
            Phase::AwaitingLogin | Phase::Checking(_) | Phase::Closing(_) => None,
        }
    }

    fn is_logged_in(&self) -> bool {
        matches!(self.phase, Phase::LoggedIn(_) | Phase::LoggingOut(_))
    }

    /// Whether its input is discarded.
    pub(super) fn is_thrown_away(&self) -> bool {
        matches!(self.phase, Phase::LoggingOut(_) | Phase::Closing(_))
    }

    /// Whether it was paused by its budget and may now be read again; ends the pause.
    pub(super) fn goes_on(&mut self, now: u64) -> bool {
        let goes_on = self.rests && self.chatter_left.is_left(now);
        self.rests &= !goes_on;
        goes_on
    }

    /// Whether no client is logged in on it.
    pub(super) fn is_stranger(&self) -> bool {
        !self.is_logged_in()
    }

    /// Since when it has been without a login, in nanoseconds; `None` if it is logged in.
    pub(super) fn stranger_since(&self) -> Option<u64> {
        (!self.is_logged_in()).then_some(self.opened)
    }

    /// When it was opened, in nanoseconds, if this user is logged in on it.
    pub(super) fn logged_in_as(&self, user: LoginName) -> Option<u64> {
        (self.is_logged_in() && self.username == Some(user)).then_some(self.opened)
    }

    /// Its claim to its place when places run out, and since when it has been without a login, in nanoseconds. `None`
    /// if it is logged in: then it is not closed for another. If it was logged in before, its last messages may still
    /// be on their way, so its claim is high.
    pub(super) fn gives_way(&self) -> Option<(Claim, u64)> {
        let claim = match self.phase {
            Phase::Closing(Closing::SessionEnded | Closing::LoggedOut) => Claim::Known,
            Phase::Checking(_) => self.ticket.as_ref().map_or(Claim::None, Ticket::claim),
            Phase::AwaitingLogin
            | Phase::LoggedIn(_)
            | Phase::LoggingOut(_)
            | Phase::Closing(Closing::Refused) => Claim::None,
        };
        self.stranger_since().map(|since| (claim, since))
    }

    /// Stores a readiness report.
    pub(super) fn note(&mut self, now: Readiness) {
        self.hung_up |= now.hung_up;
        self.readable |= now.readable || self.hung_up;
        self.writable |= now.writable;
    }

    /// Makes at most one read into the inbox; returns the number of bytes.
    #[inline]
    pub(super) fn receive(&mut self, now: u64) -> usize {
        if !self.readable || self.input_ended.is_some() {
            return 0;
        }
        let room = self.inbox.room();
        if room.is_empty() {
            return 0;
        }
        let asked = room.len();
        match self.socket.read(room) {
            Ok(0) => self.input_ended = Some(self.reason_by_client()),
            Ok(count) => {
                self.inbox.filled(count);
                self.heard = now;
                self.readable = count == asked || self.hung_up;
                return count;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
            Err(error) if is_passing(&error) => {}
            Err(error) => self.input_ended = Some(CloseReason::Socket(error)),
        }
        0
    }

    /// Marks the input as ended.
    pub(super) fn stop_reading(&mut self) {
        (self.readable, self.hung_up, self.has_more) = (false, false, false);
    }

    /// Adds a packet of the session layer. The service's bytes sent so far must end at a packet boundary.
    fn put_control(&mut self, packet: &[u8]) {
        debug_assert!(
            self.control.len + packet.len() <= CONTROL_LEN_MAX || self.control.sent == self.control.len
        );
        self.control.put(packet);
    }

    pub(super) fn let_in(&mut self, client: C, login: &PendingLogin, accepted: &[u8], now: u64) {
        self.put_control(accepted);
        if let Some(ms @ 1..) = login.heartbeat_timeout_ms {
            self.silence_max = u64::from(ms) * 1_000_000;
        }
        (self.phase, self.was_let_in) = (Phase::LoggedIn(client), true);
        (self.spoke, self.owed_since) = (now, None);
    }

    /// Refuses the login with this packet and begins to close the connection.
    pub(super) fn refuse(&mut self, packet: &[u8], now: u64) {
        self.put_control(packet);
        self.leave(Closing::Refused, now);
    }

    /// Everything was sent: sends End of Session and begins to close the connection. Returns the client.
    pub(super) fn end_session<P: SessionProtocol>(&mut self, now: u64) -> Option<C> {
        self.put_control(P::END_OF_SESSION);
        self.part_from(Closing::SessionEnded, now)
    }

    /// The client has sent a logout and received its messages: begins to close the connection. Returns the client.
    pub(super) fn let_go(&mut self, now: u64) -> Option<C> {
        // This fails only if the client has disconnected.
        let _ = self.socket.shut_down_writing();
        self.part_from(Closing::LoggedOut, now)
    }

    fn part_from(&mut self, closing: Closing, now: u64) -> Option<C> {
        let client = self.take_client();
        self.leave(closing, now);
        client
    }

    fn leave(&mut self, closing: Closing, now: u64) {
        self.inbox.clear();
        self.opened = now;
        self.phase = Phase::Closing(closing);
    }

    /// Handles a logout. Messages due to the client are sent first; further input is discarded.
    pub(super) fn log_out(&mut self) {
        let phase = std::mem::replace(&mut self.phase, Phase::AwaitingLogin);
        self.phase = match phase {
            Phase::LoggedIn(client) => Phase::LoggingOut(client),
            other => other,
        };
    }

    /// Replaces the inbox with a larger one, because logged-in clients send more. Returns the smaller buffer.
    pub(super) fn widen(&mut self, mut inbox: Inbox) -> Inbox {
        inbox.take_over(&self.inbox);
        let mut small = std::mem::replace(&mut self.inbox, inbox);
        small.clear();
        // A read that filled the smaller buffer may have left bytes in the socket.
        (self.readable, self.has_more) = (true, true);
        small
    }

    /// Makes at most one write; returns the number of bytes written.
    ///
    /// # Errors
    /// The reason to close the connection.
    #[inline]
    pub(super) fn send(
        &mut self,
        service: &impl Service<Client = C>,
        now: u64,
    ) -> Result<usize, CloseReason> {
        let (before, after) = match &self.phase {
            Phase::LoggedIn(client) | Phase::LoggingOut(client) => service.unsent(client)?,
            Phase::AwaitingLogin | Phase::Checking(_) | Phase::Closing(_) => (&[][..], &[][..]),
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
                self.sent(count, service, now);
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(0)
            }
            Err(error) if is_passing(&error) => {
                if is_injected(InjectedFault::LoseUnsent) {
                    self.sent(asked, service, now);
                }
                Ok(0)
            }
            // A client that has sent a logout may have closed already.
            Err(_) if matches!(self.phase, Phase::LoggingOut(_)) => Err(CloseReason::Logout),
            Err(error) => Err(CloseReason::Socket(error)),
        }
    }

    fn sent(&mut self, count: usize, service: &impl Service<Client = C>, now: u64) {
        let control = count.min(self.control.unsent().len());
        self.control.sent += control;
        if let Some(client) = self.client() {
            service.sent(client, count - control);
        }
        if count > 0 {
            (self.spoke, self.owed_since) = (now, Some(now));
        }
    }

    /// Whether all pending output has been sent. The bytes sent then end at a packet boundary.
    pub(super) fn has_sent_all(&self, service: &impl Service<Client = C>) -> bool {
        let unsent = match &self.phase {
            Phase::LoggedIn(client) | Phase::LoggingOut(client) => {
                service.unsent(client).map_or(1, |(a, b)| a.len() + b.len())
            }
            Phase::AwaitingLogin | Phase::Checking(_) | Phase::Closing(_) => 0,
        };
        unsent + self.control.unsent().len() == 0
    }

    /// Whether it may have input to read or process, as far as is known.
    #[inline]
    pub(super) fn has_input(&self) -> bool {
        if self.rests {
            return false;
        }
        let is_readable = self.readable && !self.inbox.is_full();
        is_readable || self.held || self.has_more || self.input_ended.is_some()
    }

    /// Whether it may have output that its socket accepts, as far as is known. Output that arises later is reported
    /// separately.
    #[inline]
    pub(super) fn has_output(&self, service: &impl Service<Client = C>) -> bool {
        let has_more = match &self.phase {
            Phase::LoggedIn(client) => service.has_more(client),
            Phase::LoggingOut(_) => true,
            Phase::AwaitingLogin | Phase::Checking(_) | Phase::Closing(_) => false,
        };
        has_more || (self.writable && self.owed_since.is_some())
    }

    /// Checks the timeouts, and adds a heartbeat if one is due. Returns how many were added.
    ///
    /// # Errors
    /// The timeout that has passed: the connection must be closed.
    pub(super) fn sweep<S: Service<Client = C>>(
        &mut self,
        service: &mut S,
        settings: &SessionSettings,
        now: u64,
    ) -> Result<usize, CloseReason> {
        let age = now.saturating_sub(self.opened);
        let stalled = self.owed_since.map_or(0, |since| now.saturating_sub(since));
        let stalled = (u128::from(stalled) >= settings.stall_timeout.as_nanos())
            .then(|| CloseReason::Stalled(settings.stall_timeout.as_millis() as u64));
        match &mut self.phase {
            Phase::AwaitingLogin | Phase::Checking(_) => {
                let limit = settings.login_timeout;
                return if u128::from(age) < limit.as_nanos() {
                    Ok(0)
                } else {
                    Err(CloseReason::LoginTimeout(limit.as_millis() as u64))
                };
            }
            Phase::Closing(closing) => {
                let reason = closing.reason();
                if self.control.unsent().is_empty() {
                    // The end of the stream follows the last packet. Shutting down fails only if the client has
                    // disconnected.
                    let _ = self.socket.shut_down_writing();
                }
                // Bytes sent may still be on their way, and closing the socket early discards them. A client that was
                // logged in confirms receipt by closing its side, and its heartbeats show that it is still reading.
                let quiet = now.saturating_sub(self.heard.max(self.opened));
                let has_time = match closing {
                    Closing::Refused => age < CLOSING_NS,
                    Closing::SessionEnded | Closing::LoggedOut => {
                        u128::from(quiet) < settings.client_timeout.as_nanos() && age < LAST_TAKE_NS
                    }
                };
                return if has_time { Ok(0) } else { Err(reason) };
            }
            Phase::LoggedIn(client) | Phase::LoggingOut(client) => service.look(client, now)?,
        }
        if self.held {
            self.heard = now;
        }
        // A client that has sent a logout sends nothing more; it only has to receive.
        let is_logging_out = matches!(self.phase, Phase::LoggingOut(_));
        if !is_logging_out && now.saturating_sub(self.heard) >= self.silence_max {
            return Err(CloseReason::Silent(self.silence_max / 1_000_000));
        }
        if let Some(stalled) = stalled {
            return Err(stalled);
        }
        let quiet = now.saturating_sub(self.spoke);
        if u128::from(quiet) >= settings.heartbeat_interval.as_nanos() && self.has_sent_all(service) {
            self.put_control(S::Protocol::HEARTBEAT);
            return Ok(1);
        }
        Ok(0)
    }

    /// Shuts down the sending side and reads the rest of the input from the socket: if it were closed with unread
    /// bytes, the system would discard bytes on their way to the client.
    pub(super) fn part(mut self) -> Inbox {
        let gone = self.socket.shut_down_writing().is_err();
        self.inbox.clear();
        for _ in 0..if gone { 0 } else { LAST_READS } {
            let read: io::Result<usize> = self.socket.read(self.inbox.room());
            if !matches!(read, Ok(1..)) {
                break;
            }
        }
        self.inbox
    }
}
