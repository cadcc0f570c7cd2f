//! The session layer of every service with clients, for any protocol ([`SessionProtocol`]). It handles connections,
//! logins, heartbeats, timeouts, turns and limits. The content of messages belongs to the [`Service`]; the session
//! layer only moves its bytes.
//!
//! It never waits, and its memory is bounded. A client's behaviour can end its own connection but not those of others:
//! connections take turns with a bounded share of each duty cycle, idle connections take no turn, and connections
//! without a login are closed first when places run out.
//!
//! One duty cycle: [`Server::poll`] asks the system which sockets are ready; [`Server::hear`] takes the authenticator's
//! answers; [`Server::accept`] accepts connections; [`Server::receive`] makes one read per readable connection and
//! processes its packets; [`Server::send`] makes one write per connection with output; [`Server::sweep`] checks
//! timeouts every few milliseconds; [`Server::ring`] wakes the authenticator.

mod admission;
mod close_reason;
mod connection;
mod eldest;
mod gauges;
mod lines;
mod login;
mod packets;
mod protocol;
mod service;
#[cfg(test)]
mod tests;

pub use close_reason::{CloseKind, CloseReason};
use packets::chatter_of;
pub use packets::{Next, Packets};
pub use protocol::{
    CONTROL_PACKET_LEN_MAX, Frame, LoginAccepted, LoginRejected, LoginRequest, Says, SessionId,
    SessionProtocol, Soup,
};
pub use service::{
    Admission, Admitted, PendingLogin, STRANGER_INBOX_LEN, STRANGER_PACKET_LEN_MAX, SendStatus, Service,
    SessionSettings, Stopped,
};

use super::auth::{AuthClient, Claim};
use super::{ConnectionId, Inbox, Ready, ReadySet, Slab, Socket, Sockets};
use crate::runtime::log::Stranger;
use crate::runtime::{Counters, Doorbell, Fatal, descriptors};
use connection::{Connection, Phase};
use dojima_journal::passing::{Told, is_passing};
use eldest::Eldest;
use gauges::Gauges;
use lines::{Line, Lines};
use login::take_login;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::RawFd;

/// Connections accepted in one duty cycle, normally and when all places are taken. In the second case each one closes
/// another connection. The second limit is below the turns of connections without a login, so that a login that has
/// arrived is read before its connection could be closed for a new one.
const ACCEPTS_MAX: usize = 16;
const ACCEPTS_MAX_FULL: usize = 8;
const _: () = assert!(ACCEPTS_MAX_FULL < STRANGER_TURNS_MAX);

/// After this many connections were examined in one duty cycle to find the one to close, the next new connection waits
/// for the next cycle.
const LOOKED_AT_MAX: u64 = 512;

/// Connections whose timeouts are checked in one duty cycle.
const SWEEP_MAX: usize = 64;

/// Turns of connections without a login in one duty cycle. The limit protects logged-in clients, however many such
/// connections there are.
const STRANGER_TURNS_MAX: usize = 16;

/// The interval between sweeps over all connections, and the pause of accepting when the system has no descriptor left,
/// in nanoseconds.
const SWEEP_NS: u64 = 10_000_000;
const ACCEPT_PAUSE_NS: u64 = 1_000_000_000;

/// The most writes to one client when the engine stops.
const LAST_WRITES_MAX: usize = 64;

/// The connections of one service. `C` is the service's state of a logged-in client.
pub struct Server<C> {
    settings: SessionSettings,
    sockets: Box<dyn Sockets>,
    auth: AuthClient,
    authenticator: Vec<Doorbell>,
    /// Whether a request was sent to the authenticator since it was last woken.
    authenticator_due: bool,
    /// The time from which the listener may be asked for connections; `None` until the system reports some.
    accept_from: Option<u64>,
    connections: Slab<Connection<C>>,
    eldest: Eldest,
    /// Buffers of closed connections, for reuse.
    spare_inboxes: Vec<Inbox>,
    /// The places of connections that may have input, and of those that may have output.
    inputs: ReadySet,
    /// The places of connections without a login that may have input.
    strangers: ReadySet,
    outputs: ReadySet,
    /// The first place of the next cycle.
    first: usize,
    /// The first place of the next cycle among connections without a login.
    first_stranger: usize,
    /// The first place in this cycle whose connection had a message but found no room downstream.
    starved: Option<usize>,
    /// The budget of log lines per user.
    lines: Lines,
    /// The time of the next sweep over all connections, and its next place.
    next_sweep: u64,
    sweep_at: usize,
    gauges: Gauges,
}

impl<C> Server<C> {
    /// Takes over a listener. `authenticator` is woken after a request to it.
    pub fn new(
        settings: SessionSettings,
        sockets: Box<dyn Sockets>,
        auth: AuthClient,
        authenticator: Vec<Doorbell>,
        counters: &Counters,
    ) -> Self {
        // A user briefly has one connection more while a second one takes over from the first.
        let wide = settings.users.min(settings.connections_max) + 1;
        Self {
            sockets,
            auth,
            authenticator,
            authenticator_due: false,
            accept_from: Some(0),
            connections: Slab::new(settings.connections_max),
            eldest: Eldest::default(),
            spare_inboxes: (0..wide).map(|_| Inbox::with_room(settings.inbox_len)).collect(),
            inputs: ReadySet::new(settings.connections_max),
            strangers: ReadySet::new(settings.connections_max),
            outputs: ReadySet::new(settings.connections_max),
            first: 0,
            first_stranger: 0,
            lines: Lines::default(),
            starved: None,
            next_sweep: 0,
            sweep_at: 0,
            gauges: Gauges::new(settings.counters, counters),
            settings,
        }
    }

    /// A descriptor that becomes readable when one of the sockets is ready; `None` if the sockets have none to wait on.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.sockets.descriptor()
    }

    /// The logged-in clients.
    pub fn clients(&self) -> impl Iterator<Item = &C> {
        self.connections.iter().filter_map(|(_, connection)| match &connection.phase {
            Phase::LoggedIn(client) | Phase::LoggingOut(client) => Some(client),
            Phase::AwaitingLogin | Phase::Checking(_) | Phase::Closing(_) => None,
        })
    }

    /// Calls `change` with each logged-in client.
    pub fn each_client(&mut self, mut change: impl FnMut(&mut C)) {
        for place in 0..self.connections.places() {
            if let Some(client) = self.connections.at(place).and_then(Connection::client) {
                change(client);
            }
        }
    }

    /// The client logged in on this connection.
    pub fn client(&mut self, id: ConnectionId) -> Option<&mut C> {
        self.connections.get(id).and_then(Connection::client)
    }

    /// The connections that may have output. Set the place of a connection that has something new to send.
    pub fn outputs(&mut self) -> &mut ReadySet {
        &mut self.outputs
    }

    /// Marks all logged-in clients as having something new to send.
    pub fn wake_all(&mut self) {
        for place in 0..self.connections.places() {
            if self.connections.at(place).is_some_and(|connection| connection.client().is_some()) {
                self.outputs.set(place, true);
            }
        }
    }

    fn wake(&mut self, id: ConnectionId) {
        self.note_input(id.place());
        self.outputs.set(id.place(), true);
    }

    /// Asks the system what has become ready.
    ///
    /// # Errors
    /// [`Fatal::Io`] if the poll fails.
    pub fn poll(&mut self) -> Result<(), Fatal> {
        let Self { connections, accept_from, inputs, strangers, outputs, .. } = self;
        let polled = self.sockets.poll(&mut |ready| match ready {
            Ready::Listener => {
                accept_from.get_or_insert(0);
            }
            Ready::Connection(id, readiness) => {
                if let Some(connection) = connections.get(id) {
                    connection.note(readiness);
                    let ready = if connection.is_stranger() { &mut *strangers } else { &mut *inputs };
                    ready.set(id.place(), true);
                    outputs.set(id.place(), true);
                }
            }
        });
        match polled {
            Err(error) if !is_passing(&error) => {
                let label = self.settings.label;
                Err(Fatal::io(format_args!("{label}polling the sockets: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Accepts a bounded number of connections; returns how many.
    pub fn accept(&mut self, service: &mut impl Service<Client = C>, now: u64) -> usize {
        if self.accept_from.is_none_or(|from| now < from) {
            return 0;
        }
        let most = if self.connections.is_full() { ACCEPTS_MAX_FULL } else { ACCEPTS_MAX };
        let looked_at = self.eldest.looked_at();
        for accepted in 0..most {
            if self.eldest.looked_at() - looked_at >= LOOKED_AT_MAX {
                return accepted;
            }
            match self.sockets.accept() {
                Ok((socket, peer)) => self.open(service, socket, peer, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.accept_from = None;
                    return accepted;
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                // The client waits in the listener until a connection without a login gives up its descriptor. Only
                // connections with at most a valid name are closed: one whose name is known at its address may be the
                // only connection here, and it did not cause the shortage.
                Err(error)
                    if descriptors::are_used_up(&error) && self.give_way(service, Claim::Named, now) => {}
                Err(error) => {
                    let label = self.settings.label;
                    tracing::warn!("{label}accepting failed; trying again in a second: {}", Told(&error));
                    self.accept_from = Some(now + ACCEPT_PAUSE_NS);
                    return accepted;
                }
            }
        }
        most
    }

    /// Closes a connection without a login whose claim is at most `most`; returns whether there was one.
    fn give_way(&mut self, service: &mut impl Service<Client = C>, most: Claim, now: u64) -> bool {
        let stranger = self.eldest.next(&mut self.connections, most);
        stranger.map(|stranger| self.close(service, stranger, CloseReason::GaveWay, now)).is_some()
    }

    fn open(
        &mut self,
        service: &mut impl Service<Client = C>,
        mut socket: Box<dyn Socket>,
        peer: SocketAddr,
        now: u64,
    ) {
        // Connections that send nothing must not keep out clients with a login.
        if self.connections.is_full() {
            self.give_way(service, Claim::Known, now);
        }
        let Self { strangers, spare_inboxes: spares, settings, .. } = self;
        let label = settings.label;
        let inserted = self.connections.insert(|id| -> io::Result<Connection<C>> {
            socket.watch(id)?;
            strangers.set(id.place(), true);
            let inbox = inbox_of(spares, STRANGER_INBOX_LEN);
            Ok(Connection::new(id, peer, socket, inbox, now, settings))
        });
        match inserted {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                if Stranger::NotSetUp.may_log() {
                    tracing::warn!(%peer, %error, "{label}a new connection could not be set up");
                }
            }
            None => {
                self.gauges.turned_away.add(1);
                let limit = self.settings.connections_max;
                if Stranger::TurnedAway.may_log() {
                    tracing::warn!(%peer, limit, "{label}connection closed: there are as many as the limit allows");
                }
            }
        }
        self.gauges.connections.set(self.connections.len() as u64);
    }

    /// Gives a turn to every connection that may have input, and to a bounded number of those without a login. Returns
    /// the amount of work.
    pub fn receive(&mut self, service: &mut impl Service<Client = C>, now: u64) -> usize {
        let places = self.connections.places();
        let start = self.first.min(places);
        let (mut work, mut turns) = (0, 0);
        for (from, until) in [(start, places), (0, start)] {
            let mut next = from;
            while let Some(place) = self.inputs.next_from(next).filter(|place| *place < until) {
                work += self.receive_from(service, place, now);
                turns += 1;
                self.note_input(place);
                next = place + 1;
            }
        }
        // Continuing with the connection that found no room, instead of with the next place, keeps the turns fair
        // whatever the rhythm in which room becomes free.
        let after = if self.first + 1 < places { self.first + 1 } else { 0 };
        self.first = self.starved.take().unwrap_or(after);
        let (more_work, more_turns) = self.receive_from_strangers(service, now);
        self.gauges.input_turns.add(turns + more_turns);
        work + more_work
    }

    /// Gives a turn to a bounded number of connections without a login. Returns the amount of work and the number of
    /// turns.
    fn receive_from_strangers(&mut self, service: &mut impl Service<Client = C>, now: u64) -> (usize, u64) {
        let places = self.connections.places();
        let (mut work, mut turns) = (0, 0);
        let start = if self.first_stranger < places { self.first_stranger } else { 0 };
        for (from, until) in [(start, places), (0, start)] {
            let mut next = from;
            while turns < STRANGER_TURNS_MAX as u64
                && let Some(place) = self.strangers.next_from(next).filter(|place| *place < until)
            {
                work += self.receive_from(service, place, now);
                turns += 1;
                self.note_input(place);
                next = place + 1;
                self.first_stranger = next;
            }
        }
        // The rest is left for the next cycle.
        (work + usize::from(turns == STRANGER_TURNS_MAX as u64), turns)
    }

    /// Records whether the connection in a place may have more input, for its next turn.
    fn note_input(&mut self, place: usize) {
        let has_input = |one: &mut Connection<C>| (one.has_input(), one.is_stranger());
        let (has_input, is_stranger) = self.connections.at(place).map_or((false, true), has_input);
        self.inputs.set(place, has_input && !is_stranger);
        self.strangers.set(place, has_input && is_stranger);
    }

    /// One connection's turn: one read, then its packets.
    fn receive_from(&mut self, service: &mut impl Service<Client = C>, place: usize, now: u64) -> usize {
        let Some(connection) = self.connections.at(place) else { return 0 };
        if let Phase::LoggedIn(client) = &connection.phase
            && !service.takes_input(client)
        {
            connection.held = true;
            return 0;
        }
        if connection.is_thrown_away() && !connection.chatter_left.is_left(now) {
            // A sweep lets it continue.
            connection.rests = true;
            return 0;
        }
        let bytes = connection.receive(now);
        if connection.is_thrown_away() {
            connection.chatter_left.spend_many(chatter_of(bytes), now);
        }
        self.gauges.bytes_in.add(bytes as u64);
        if connection.inbox.is_empty() && connection.input_ended.is_none() {
            (connection.held, connection.has_more) = (false, false);
            return 0;
        }
        match self.take_up(service, place, now) {
            Ok(work) => work + usize::from(bytes > 0),
            Err(reason) => {
                self.close(service, place, reason, now);
                1
            }
        }
    }

    /// Processes the packets in the inbox, and then the end of the input if it was seen.
    fn take_up<S: Service<Client = C>>(
        &mut self,
        service: &mut S,
        place: usize,
        now: u64,
    ) -> Result<usize, CloseReason> {
        let mut work = 0;
        if let Some(connection) = self.connections.at(place)
            && matches!(connection.phase, Phase::AwaitingLogin)
        {
            work += take_login::<S::Protocol, C>(connection, &mut self.auth, &mut self.authenticator_due)?;
        }
        let Some(connection) = self.connections.at(place) else { return Ok(work) };
        connection.held = false;
        match &mut connection.phase {
            Phase::AwaitingLogin => {}
            // A client that closes before it is logged in ends the connection, whatever it sent: nothing may be sent
            // before the login is accepted.
            Phase::Checking(_) => return connection.input_ended.take().map_or(Ok(work), Err),
            Phase::Closing(_) => connection.inbox.clear(),
            // A client that has sent a logout may close its side, and still receives its remaining messages.
            Phase::LoggingOut(_) => {
                connection.inbox.clear();
                if matches!(connection.input_ended, Some(CloseReason::ClosedByClient)) {
                    connection.input_ended = None;
                    connection.stop_reading();
                    return Ok(work);
                }
            }
            Phase::LoggedIn(client) => {
                let allowed = connection.chatter_left.left(now);
                let mut packets =
                    Packets::new(connection.inbox.waiting(), self.settings.packet_len_max, allowed);
                let (messages, stopped) = service.take(client, &mut packets, now);
                let (used, chatter) = (packets.used(), packets.chatter());
                connection.inbox.took(used);
                work += messages;
                let stopped = match stopped? {
                    Stopped::More if chatter >= allowed => Stopped::Held,
                    stopped => stopped,
                };
                if chatter > 0 {
                    connection.chatter_left.spend_many(chatter, now);
                }
                connection.has_more = !matches!(stopped, Stopped::Dry | Stopped::Logout);
                connection.held = matches!(stopped, Stopped::Held | Stopped::Full { .. });
                match stopped {
                    Stopped::Dry => {}
                    Stopped::Held => return Ok(work),
                    // Waiting input counts as work even if it could not be processed, because this agent is not woken
                    // when room becomes free.
                    Stopped::More => return Ok(work + 1),
                    Stopped::Full { starved } => {
                        if starved {
                            self.starved.get_or_insert(place);
                        }
                        return Ok(work + 1);
                    }
                    Stopped::Logout => {
                        connection.log_out();
                        self.outputs.set(place, true);
                        return Ok(work + 1);
                    }
                }
            }
        }
        connection.input_ended.take().map_or(Ok(work), Err)
    }

    /// Sends to every connection that may have output. Returns the amount of work.
    pub fn send(&mut self, service: &mut impl Service<Client = C>, now: u64) -> usize {
        let (mut work, mut next) = (0, 0);
        while let Some(place) = self.outputs.next_from(next) {
            work += self.send_to(service, place, now);
            let more = self.connections.at(place).is_some_and(|connection| connection.has_output(service));
            self.outputs.set(place, more);
            next = place + 1;
        }
        work
    }

    /// One connection's turn to send.
    fn send_to<S: Service<Client = C>>(&mut self, service: &mut S, place: usize, now: u64) -> usize {
        let Some(connection) = self.connections.at(place) else { return 0 };
        let id = connection.id;
        let is_logging_out = matches!(connection.phase, Phase::LoggingOut(_));
        let mut busy = 0;
        if let Some(client) = connection.client() {
            match service.prepare(id, client, now) {
                Ok(SendStatus::Ended) => {
                    if let Some(client) = connection.end_session::<S::Protocol>(now) {
                        service.left(id, client, &CloseReason::SessionEnded, now);
                    }
                    self.strangers.set(place, true);
                }
                Ok(SendStatus::Answered) if is_logging_out && connection.has_sent_all(service) => {
                    if let Some(client) = connection.let_go(now) {
                        service.left(id, client, &CloseReason::Logout, now);
                    }
                    self.strangers.set(place, true);
                }
                Ok(SendStatus::Busy) => busy = 1,
                Ok(SendStatus::Open | SendStatus::Answered) => {}
                Err(reason) => {
                    self.close(service, place, reason, now);
                    return 1;
                }
            }
        }
        let Some(connection) = self.connections.at(place) else { return 0 };
        match connection.send(service, now) {
            Ok(bytes) => {
                self.gauges.bytes_out.add(bytes as u64);
                usize::from(bytes > 0).max(busy)
            }
            Err(reason) => {
                self.close(service, place, reason, now);
                1
            }
        }
    }

    /// Checks the timeouts of some connections, so that all are checked every few milliseconds. While input
    /// `is_stopped`, silent clients do not time out. Returns the amount of work, and whether this ended a round over
    /// all connections.
    pub fn sweep(
        &mut self,
        service: &mut impl Service<Client = C>,
        is_stopped: bool,
        now: u64,
    ) -> (usize, bool) {
        if self.sweep_at == 0 && now < self.next_sweep {
            return (0, false);
        }
        let mut heartbeats = 0;
        let until = (self.sweep_at + SWEEP_MAX).min(self.connections.places());
        for place in self.sweep_at..until {
            let Some(connection) = self.connections.at(place) else { continue };
            connection.held |= is_stopped;
            match connection.sweep(service, &self.settings, now) {
                Ok(0) => {}
                Ok(put) => {
                    heartbeats += put;
                    self.outputs.set(place, true);
                }
                Err(reason) => {
                    self.close(service, place, reason, now);
                    continue;
                }
            }
            if self.connections.at(place).is_some_and(|connection| connection.goes_on(now)) {
                self.note_input(place);
            }
        }
        if until < self.connections.places() {
            self.sweep_at = until;
            return (heartbeats + 1, false);
        }
        (self.sweep_at, self.next_sweep) = (0, now + SWEEP_NS);
        (heartbeats, true)
    }

    /// Wakes the authenticator if there is a request for it.
    pub fn ring(&mut self) {
        if std::mem::take(&mut self.authenticator_due) {
            self.authenticator.iter().for_each(Doorbell::ring);
        }
    }

    /// Closes a connection if it is still open.
    pub fn end(
        &mut self,
        service: &mut impl Service<Client = C>,
        id: ConnectionId,
        reason: CloseReason,
        now: u64,
    ) {
        if self.connections.get(id).is_some() {
            self.close(service, id.place(), reason, now);
        }
    }

    fn close(&mut self, service: &mut impl Service<Client = C>, place: usize, reason: CloseReason, now: u64) {
        let Some(mut connection) = self.connections.remove(place) else { return };
        let kind = reason.kind();
        self.gauges.count_close(kind);
        self.gauges.connections.set(self.connections.len() as u64);
        let (peer, username) = (connection.peer, connection.username.map(tracing::field::display));
        let (is_stranger, label) = (!connection.was_let_in, self.settings.label);
        let is_ordinary = kind == CloseKind::Ordinary;
        let line = match connection.username {
            Some(user) if !is_stranger => self.lines.next_of(user, now),
            _ => {
                let kind = if is_ordinary { Stranger::Closed } else { Stranger::Cut };
                kind.may_log().then_some(Line::default())
            }
        };
        if let Some(Line { left_out }) = line {
            match is_ordinary {
                true => tracing::info!(%peer, username, left_out, "{label}connection closed: {reason}"),
                false => tracing::warn!(%peer, username, left_out, "{label}connection closed: {reason}"),
            }
        }
        if let Some(client) = connection.take_client() {
            service.left(connection.id, client, &reason, now);
        }
        self.spare_inboxes.push(connection.part());
    }

    /// Sends a bounded amount to each client without waiting, then closes all connections. It sends no End of Session,
    /// because the session continues when the engine starts again.
    pub fn shut(&mut self, service: &mut impl Service<Client = C>, now: u64) {
        for place in 0..self.connections.places() {
            for _ in 0..LAST_WRITES_MAX {
                if self.send_to(service, place, now) == 0 {
                    break;
                }
            }
            self.close(service, place, CloseReason::Stopped, now);
        }
    }
}

/// A spare buffer of this size, or a new one.
fn inbox_of(spares: &mut Vec<Inbox>, len: usize) -> Inbox {
    let at = spares.iter().rposition(|inbox| inbox.capacity() == len);
    at.map_or_else(|| Inbox::with_room(len), |at| spares.swap_remove(at))
}
