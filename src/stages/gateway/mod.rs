//! The gateway: owns the client sockets, both directions. SoupBinTCP and OUCH in, commands to the inbound ring; events
//! from the event ring, once durable, out to the sessions that they are addressed to.
//!
//! It never blocks, and it never sends, or even numbers, a message whose command is not durable. A client can cost
//! itself its connection, never anybody else theirs: connections take turns, each with a bounded share of a duty cycle;
//! a full inbound ring leaves bytes where they are; a client that does not receive is cut when its stream's tail has
//! gone past it.
//!
//! One duty cycle: ask the system which sockets are ready; accept; one read per readable connection, its packets to
//! commands; released events to the tails of their streams; one write per connection that has something to receive;
//! every few milliseconds a look at the times.

mod connection;
mod desks;
mod ending;
mod gauges;
mod login;
mod receive;
mod settings;
mod source;
mod streams;
mod tail;
mod turns;

pub use settings::{
    GatewayControl, GatewayPorts, GatewaySettings, GatewayStart, LoginSettings, PACKET_LEN_LIMIT,
    PACKET_LEN_MIN, RateLimit, TAIL_BYTES_MIN,
};

use crate::domain::{Canceled, Command, ConnectionLoss, Event, EventRecord, Quantity, RejectReason};
use crate::net::{ConnectionId, Inbox, Ready, Slab, Socket, Sockets};
use crate::runtime::log::Stranger;
use crate::runtime::planted::{Bug, is_planted};
use crate::runtime::{Agent, Clock, Counters, Doorbell, Fatal, descriptors};
use crate::stages::resend::QUEUE_LEN;
use crate::wire::ouch::SEQUENCED_LEN_MAX;
use connection::{Connection, Phase};
use desks::Desks;
use dojima_journal::passing::{Told, is_passing};
use ending::{Ending, EndingKind};
use gauges::Gauges;
use login::STRANGER_INBOX_LEN;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::os::fd::RawFd;
use streams::Streams;
use turns::Turns;

/// Connections accepted, and events released, in one duty cycle.
const ACCEPTS_MAX: usize = 16;
const EVENTS_MAX: usize = 2048;

/// Connections whose times are looked at in one duty cycle.
const SWEEP_MAX: usize = 64;

/// How often the times of the connections are looked at, and for how long accepting pauses when the system has no
/// descriptor left, ns.
const SWEEP_NS: u64 = 10_000_000;
const ACCEPT_PAUSE_NS: u64 = 1_000_000_000;

/// The agent.
pub struct Gateway {
    settings: GatewaySettings,
    ports: GatewayPorts,
    control: GatewayControl,
    clock: Box<dyn Clock>,
    gauges: Gauges,
    sockets: Box<dyn Sockets>,
    /// When the listener may be asked for connections; `None` until the system reports some.
    accept_from: Option<u64>,
    connections: Slab<Connection>,
    /// Buffers of closed connections, for the next ones.
    spare_inboxes: Vec<Inbox>,
    streams: Streams,
    desks: Desks,
    /// The places of connections that may have something to be read or taken up, and to be sent.
    inputs: Turns,
    outputs: Turns,
    /// The place whose turn is first in the next cycle.
    first: usize,
    /// The first place in this cycle whose connection had a message but found the inbound ring full.
    starved: Option<usize>,
    /// Whether commands were published or old messages asked for since the doorbells were last rung.
    rings_due: bool,
    /// Whether the doorman was asked something since it was last woken.
    doorman_due: bool,
    /// Before the first duty cycle.
    is_new: bool,
    /// When the times of all connections are looked at again, and the place that is next.
    next_sweep: u64,
    sweep_at: usize,
}

impl Gateway {
    /// Takes over a listener and goes on where recovery left off.
    ///
    /// # Errors
    /// [`Fatal::Invariant`] for settings out of their ranges.
    pub fn new(
        settings: GatewaySettings,
        sockets: Box<dyn Sockets>,
        ports: GatewayPorts,
        start: GatewayStart,
        clock: Box<dyn Clock>,
        counters: &Counters,
    ) -> Result<Self, Fatal> {
        settings.check()?;
        let mut streams = Streams::new(start, settings.tail_bytes);
        settings.logins.iter().for_each(|entry| streams.know(entry.login));
        // Each login has one connection; one more is there while a second takes over from a first.
        let logins = settings.logins.len().min(settings.connections_max) + 1;
        Ok(Self {
            connections: Slab::new(settings.connections_max),
            desks: Desks::new(&settings.logins),
            inputs: Turns::new(settings.connections_max),
            outputs: Turns::new(settings.connections_max),
            settings,
            ports,
            control: GatewayControl::default(),
            clock,
            gauges: Gauges::new(counters),
            sockets,
            accept_from: Some(0),
            spare_inboxes: (0..logins).map(|_| Inbox::new()).collect(),
            streams,
            first: 0,
            starved: None,
            rings_due: false,
            doorman_due: false,
            is_new: true,
            next_sweep: 0,
            sweep_at: 0,
        })
    }

    /// For stopping in good order.
    pub fn control(&self) -> GatewayControl {
        self.control.clone()
    }

    /// What becomes readable when one of the sockets is ready; `None` for sockets that nobody can sleep on.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.sockets.descriptor()
    }

    fn poll_sockets(&mut self) -> Result<(), Fatal> {
        let Self { connections, accept_from, inputs, outputs, .. } = self;
        let polled = self.sockets.poll(&mut |ready| match ready {
            Ready::Listener => {
                accept_from.get_or_insert(0);
            }
            Ready::Connection(id, readiness) => {
                if let Some(connection) = connections.get(id) {
                    connection.note(readiness);
                    inputs.set(id.place(), true);
                    outputs.set(id.place(), true);
                }
            }
        });
        match polled {
            Err(error) if !is_passing(&error) => {
                Err(Fatal::io(format_args!("polling the gateway's sockets: {error}")))
            }
            _ => Ok(()),
        }
    }

    fn accept(&mut self, now: u64) -> usize {
        if self.accept_from.is_none_or(|from| now < from) {
            return 0;
        }
        // With a full house every newcomer costs a search for who is to give way.
        let most = if self.connections.is_full() { 1 } else { ACCEPTS_MAX };
        for accepted in 0..most {
            match self.sockets.accept() {
                Ok((socket, peer)) => self.open(socket, peer, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.accept_from = None;
                    return accepted;
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                // The client waits until the place of somebody without a login is free.
                Err(error) if descriptors::are_used_up(&error) && self.give_way(now) => {}
                Err(error) => {
                    tracing::warn!("accepting failed; trying again in a second: {}", Told(&error));
                    self.accept_from = Some(now + ACCEPT_PAUSE_NS);
                    return accepted;
                }
            }
        }
        most
    }

    /// Closes the connection that has gone without a login for longest; whether there was one.
    fn give_way(&mut self, now: u64) -> bool {
        let stranger = self.connections.oldest(Connection::stranger_since);
        stranger.map(|stranger| self.close(stranger, Ending::GaveWay, now)).is_some()
    }

    fn open(&mut self, mut socket: Box<dyn Socket>, peer: SocketAddr, now: u64) {
        // Whoever connects and says nothing must not keep out those who have a login.
        if self.connections.is_full() {
            self.give_way(now);
        }
        let inputs = &mut self.inputs;
        let inserted = self.connections.insert(|id| -> io::Result<Connection> {
            socket.watch(id)?;
            inputs.set(id.place(), true);
            let spares = &mut self.spare_inboxes;
            let at = spares.iter().rposition(|inbox| inbox.capacity() == STRANGER_INBOX_LEN);
            let inbox = at.map_or_else(|| Inbox::with_room(STRANGER_INBOX_LEN), |at| spares.swap_remove(at));
            Ok(Connection::new(id, peer, socket, inbox, now, &self.settings))
        });
        match inserted {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                if Stranger::NotSetUp.may_log() {
                    tracing::warn!(%peer, %error, "a new connection could not be set up");
                }
            }
            None => {
                self.gauges.turned_away.add(1);
                let limit = self.settings.connections_max;
                if Stranger::TurnedAway.may_log() {
                    tracing::warn!(%peer, limit, "connection closed: there are as many as the limit allows");
                }
            }
        }
        self.gauges.connections.set(self.connections.len() as u64);
    }

    fn receive_all(&mut self, now: u64) -> usize {
        let places = self.connections.places();
        let start = self.first.min(places);
        let (mut work, mut turns) = (0, 0);
        for (from, until) in [(start, places), (0, start)] {
            let mut next = from;
            while let Some(place) = self.inputs.next_from(next).filter(|place| *place < until) {
                work += self.receive(place, now);
                turns += 1;
                let more = self.connections.at(place).is_some_and(|connection| connection.has_input());
                self.inputs.set(place, more);
                next = place + 1;
            }
        }
        self.gauges.input_turns.add(turns);
        // Going on with whoever got nothing, and not simply with the next, keeps the turns fair whatever the rhythm in
        // which the ring is emptied.
        let after = if self.first + 1 < places { self.first + 1 } else { 0 };
        self.first = self.starved.take().unwrap_or(after);
        work
    }

    fn ring_downstream(&mut self) {
        if std::mem::take(&mut self.rings_due) {
            self.ports.downstream.iter().for_each(Doorbell::ring);
        }
        if std::mem::take(&mut self.doorman_due) {
            self.ports.doorman.iter().for_each(Doorbell::ring);
        }
    }

    /// Moves released events into the tails. Bounded so that a client that is not behind before cannot be overtaken in
    /// one go.
    fn release(&mut self) -> Result<usize, Fatal> {
        let durable = self.ports.durable.get();
        let limit = EVENTS_MAX.min(self.settings.tail_bytes / (8 * SEQUENCED_LEN_MAX));
        let (mut messages, mut failed) = (0, None);
        let events = self.ports.events.poll(limit, |record| {
            if record.sequence > durable && !is_planted(Bug::SkipGate) {
                return ControlFlow::Break(());
            }
            if let Event::Canceled(Canceled { login, open: Quantity(0), .. }) = record.event {
                self.desks.order_gone(login);
            }
            if is_planted(Bug::HideFullTable) && is_of_a_full_table(record) {
                return ControlFlow::Continue(());
            }
            match self.streams.release(record, &mut self.outputs) {
                Ok(count) => {
                    messages += count;
                    ControlFlow::Continue(())
                }
                Err(fatal) => {
                    failed = Some(fatal);
                    ControlFlow::Break(())
                }
            }
        });
        self.gauges.messages_out.add(messages);
        failed.map_or(Ok(events), Err)
    }

    fn take_chunks(&mut self, now: u64) -> usize {
        for taken in 0..QUEUE_LEN {
            let Ok(chunk) = self.ports.resend.chunks.try_recv() else { return taken };
            let id = ConnectionId(chunk.connection);
            let Some(connection) = self.connections.get(id) else { continue };
            let Phase::LoggedIn { source, .. } = &mut connection.phase else { continue };
            self.gauges.resend_chunks.add(u64::from(chunk.messages > 0));
            self.outputs.set(id.place(), true);
            if let Err(ending) = source.take(chunk, now) {
                self.close(id.place(), ending, now);
            }
        }
        QUEUE_LEN
    }

    /// One connection's turn to be sent something. Returns the amount of work.
    fn send(&mut self, place: usize, now: u64) -> usize {
        let Some(connection) = self.connections.at(place) else { return 0 };
        if let Phase::LoggedIn { login, session, source, .. } = &mut connection.phase
            && let Some(stream) = self.streams.get(*login)
        {
            if let Some(request) = source.advance((*login, *session), connection.id, stream, now)
                && self.ports.resend.requests.try_send(request).is_ok()
            {
                source.asked();
                self.rings_due = true;
            }
            if source.is_at_end(*session, stream) {
                self.end_session(place, now);
            }
        }
        let Some(connection) = self.connections.at(place) else { return 0 };
        match connection.send(&self.streams, now) {
            Ok(bytes) => {
                self.gauges.bytes_out.add(bytes as u64);
                usize::from(bytes > 0)
            }
            Err(ending) => {
                self.close(place, ending, now);
                1
            }
        }
    }

    /// The client has received all of a session that has ended.
    fn end_session(&mut self, place: usize, now: u64) {
        let Some(connection) = self.connections.at(place) else { return };
        if let Phase::LoggedIn { login, .. } = connection.phase {
            self.streams.leave(login, connection.id);
            self.desks.leave(login, now);
        }
        connection.end_session(now);
    }

    /// Asks for the cancels of logins that have been without a connection for too long.
    fn cancel_absent(&mut self, now: u64) {
        let Self { desks, ports, rings_due, gauges, .. } = self;
        desks.due(now, |login| {
            let command = Command::CancelLogin { login, cause: ConnectionLoss::Disconnected };
            let taken = ports.inbound.try_push(command).is_ok();
            if taken {
                *rings_due = true;
                gauges.absent_cancels.add(1);
                tracing::warn!(%login, "without a connection for too long: its orders are cancelled");
            }
            taken
        });
    }

    fn send_all(&mut self, now: u64) -> usize {
        let (mut work, mut next) = (0, 0);
        while let Some(place) = self.outputs.next_from(next) {
            work += self.send(place, now);
            let more = self.connections.at(place).is_some_and(|connection| connection.has_output());
            self.outputs.set(place, more);
            next = place + 1;
        }
        work
    }

    /// Looks at the times of some connections: at those of all of them every few milliseconds.
    fn sweep(&mut self, now: u64) -> usize {
        if self.sweep_at == 0 && now < self.next_sweep {
            return 0;
        }
        let mut heartbeats = 0;
        let stopped = self.control.is_stopped();
        let until = (self.sweep_at + SWEEP_MAX).min(self.connections.places());
        for place in self.sweep_at..until {
            let Some(connection) = self.connections.at(place) else { continue };
            connection.held |= stopped;
            match connection.sweep(&self.streams, &self.settings, now) {
                Ok(0) => {}
                Ok(put) => {
                    heartbeats += put;
                    self.outputs.set(place, true);
                }
                Err(ending) => self.close(place, ending, now),
            }
        }
        if until < self.connections.places() {
            self.sweep_at = until;
            return heartbeats + 1;
        }
        if !stopped {
            self.cancel_absent(now);
        }
        (self.sweep_at, self.next_sweep) = (0, now + SWEEP_NS);
        heartbeats
    }

    fn close(&mut self, place: usize, ending: Ending, now: u64) {
        let Some(connection) = self.connections.remove(place) else { return };
        if let Phase::LoggedIn { login, .. } = connection.phase {
            self.streams.leave(login, connection.id);
            if !matches!(ending, Ending::TakenOver) {
                self.desks.leave(login, now);
            }
        }
        let kind = ending.kind();
        self.gauges.count_ending(kind);
        self.gauges.connections.set(self.connections.len() as u64);
        let (peer, username) = (connection.peer, connection.username().map(tracing::field::display));
        let is_stranger = connection.stranger_since().is_some();
        match kind {
            EndingKind::Ordinary => {
                if !is_stranger || Stranger::Closed.may_log() {
                    tracing::info!(%peer, username, "connection closed: {ending}");
                }
            }
            EndingKind::BadFrame | EndingKind::Slow | EndingKind::Failure => {
                if !is_stranger || Stranger::Cut.may_log() {
                    tracing::warn!(%peer, username, "connection closed: {ending}");
                }
            }
        }
        self.spare_inboxes.push(connection.part());
    }
}

/// For a bug that is put in on purpose.
fn is_of_a_full_table(record: &EventRecord) -> bool {
    matches!(record.event, Event::Rejected(rejected)
        if matches!(rejected.reason, RejectReason::TooManyOrders | RejectReason::OpenOrdersAboveLimit))
}

impl Agent for Gateway {
    fn name(&self) -> &str {
        "gateway"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let now = self.clock.now().0;
        if std::mem::take(&mut self.is_new) {
            self.desks.begin(now);
        }
        self.poll_sockets()?;
        let mut work = self.take_answers(now);
        if !self.control.is_stopped() {
            work += self.accept(now);
            work += self.receive_all(now);
            self.ring_downstream();
        }
        work += self.release()?;
        work += self.take_chunks(now);
        work += self.send_all(now);
        work += self.sweep(now);
        self.ring_downstream();
        Ok(work)
    }

    /// Sends what can be sent without waiting, then closes the sockets. No End of Session: the session goes on when
    /// the engine starts again.
    fn on_close(&mut self) -> Result<(), Fatal> {
        let now = self.clock.now().0;
        self.release()?;
        for place in 0..self.connections.places() {
            let Some(mut connection) = self.connections.remove(place) else { continue };
            while let Ok(1..) = connection.send(&self.streams, now) {}
            connection.part();
        }
        self.gauges.connections.set(0);
        Ok(())
    }
}
