//! The gateway: order entry. The session layer ([`crate::net::session`]) owns the client sockets, both directions; OUCH in,
//! commands to the inbound ring; events from the event ring, once durable, out to the sessions that they are addressed to.
//!
//! It never blocks, and it never sends, or even numbers, a message whose command is not durable. A full inbound ring leaves
//! bytes where they are; a client that does not receive is cut when its stream's tail has gone past it.

mod close_reason;
mod entry;
mod gauges;
mod login_policies;
mod owed;
mod protocol;
mod receive;
mod rounds;
mod settings;
mod source;
mod streams;
mod tail;

pub use protocol::{Asked, LoggedIn, OrderEntryProtocol};
pub use settings::{
    GatewayControl, GatewayPorts, GatewaySettings, GatewayStart, LoginSettings, PACKET_LEN_LIMIT,
    PACKET_LEN_MIN, Progress, RateLimit, TAIL_BYTES_MIN,
};

use crate::domain::{
    Canceled, Command, ConnectionLoss, Event, EventRecord, OrderCommand, OrderEvent, Quantity, RejectReason,
};
use crate::net::session::{Server, SessionSettings, Soup};
use crate::net::{ConnectionId, INBOX_LEN, Sockets};
use crate::ring::{Consumer, CursorReader};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Agent, Clock, Counters, Doorbell, Fatal};
use crate::stages::resend::{ResendAnswer, ResendChunk};
use entry::{OrderEntry, Trader};
use gauges::Gauges;
use login_policies::LoginPolicies;
use protocol::MESSAGE_PACKET_LEN_LIMIT;
use rounds::Rounds;
use std::ops::ControlFlow;
use std::os::fd::RawFd;
use streams::Streams;

/// Events released in one duty cycle.
const EVENTS_MAX: usize = 2048;

/// Answers about old messages taken in one duty cycle.
const ANSWERS_MAX: usize = 4;

pub struct Gateway<P: OrderEntryProtocol = Soup> {
    server: Server<Trader>,
    entry: OrderEntry<P>,
    events: Consumer<EventRecord>,
    durable: CursorReader,
    downstream: Vec<Doorbell>,
    archiver: Vec<Doorbell>,
    control: GatewayControl,
    clock: Box<dyn Clock>,
    /// Before the first duty cycle.
    is_new: bool,
}

impl<P: OrderEntryProtocol> Gateway<P> {
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
        const {
            assert!(P::PACKET_LEN_MIN > 0 && P::PACKET_LEN_MAX <= MESSAGE_PACKET_LEN_LIMIT);
            assert!(TAIL_BYTES_MIN / P::PACKET_LEN_MAX > 4 * tail::MARK_EVERY as usize);
        }
        settings.check()?;
        let mut streams = Streams::new(start, settings.tail_bytes);
        settings.logins.iter().for_each(|entry| streams.know(entry.login));
        let sessions = SessionSettings {
            label: "",
            counters: "gateway.",
            connections_max: settings.connections_max,
            connections_per_user: 1,
            inbox_len: INBOX_LEN,
            packet_len_max: settings.packet_len_max,
            users: settings.logins.len(),
            login_timeout: settings.login_timeout,
            heartbeat_interval: settings.heartbeat_interval,
            client_timeout: settings.client_timeout,
            stall_timeout: settings.stall_timeout,
        };
        let GatewayPorts {
            inbound,
            events,
            durable,
            progress,
            space,
            resend,
            downstream,
            archiver,
            auth,
            authenticator,
        } = ports;
        let server = Server::new(sessions, sockets, auth, authenticator, counters);
        let policies = LoginPolicies::new(&settings.logins);
        let gauges = Gauges::new(counters);
        Ok(Self {
            server,
            entry: OrderEntry {
                rounds: Rounds::new(settings.unanswered_max, &inbound),
                settings,
                inbound,
                progress,
                released: 0,
                space,
                resend,
                visits: Vec::new(),
                streams,
                policies,
                gauges,
                rings_due: false,
                asked: false,
            },
            events,
            durable,
            downstream,
            archiver,
            control: GatewayControl::default(),
            clock,
            is_new: true,
        })
    }

    /// For stopping in good order.
    pub fn control(&self) -> GatewayControl {
        self.control.clone()
    }

    /// What becomes readable when one of the sockets is ready; `None` for sockets that nobody can sleep on.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.server.descriptor()
    }

    fn ring_downstream(&mut self) {
        if std::mem::take(&mut self.entry.rings_due) {
            self.downstream.iter().for_each(Doorbell::ring);
        }
        if std::mem::take(&mut self.entry.asked) {
            self.archiver.iter().for_each(Doorbell::ring);
        }
        self.server.ring();
    }

    /// Moves released events into the tails. Bounded so that a client that is not behind before cannot be overtaken in
    /// one go.
    fn release(&mut self) -> Result<usize, Fatal> {
        let Self { server, entry: OrderEntry { settings, streams, policies, gauges, released, .. }, .. } =
            self;
        let durable = self.durable.get();
        let limit = EVENTS_MAX.min(settings.tail_bytes / (8 * P::PACKET_LEN_MAX));
        let (mut messages, mut failed) = (0, None);
        let events = self.events.poll(limit, |record| {
            if record.sequence > durable && !is_injected(InjectedFault::SkipGate) {
                return ControlFlow::Break(());
            }
            if let Event::Order(OrderEvent::Canceled(Canceled { login, open: Quantity(0), .. })) =
                record.event
            {
                policies.order_gone(login);
            }
            if is_injected(InjectedFault::HideFullTable) && is_of_a_full_table(record) {
                return ControlFlow::Continue(());
            }
            match streams.release(record, server.outputs()) {
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
        gauges.messages_out.add(messages);
        *released = self.events.position();
        failed.map_or(Ok(events), Err)
    }

    /// Takes answers about old messages, a bounded number: their messages are encoded here.
    fn take_answers(&mut self, now: u64) -> usize {
        self.entry.ask();
        for taken in 0..ANSWERS_MAX {
            let Some(answer) = self.entry.resend.answers.try_take() else { return taken };
            match answer {
                ResendAnswer::Chunk(chunk) => self.take_chunk(&chunk, now),
                ResendAnswer::Found { connection, messages, .. } => {
                    let id = ConnectionId(connection);
                    if let Some(verdict) = self.entry.found(id, messages) {
                        self.server.decide(&mut self.entry, id, verdict, now);
                    }
                }
            }
        }
        ANSWERS_MAX
    }

    fn take_chunk(&mut self, chunk: &ResendChunk, now: u64) {
        let id = ConnectionId(chunk.connection);
        let Some(trader) = self.server.client(id) else { return };
        self.entry.gauges.resend_chunks.add(u64::from(!chunk.messages.is_empty()));
        let outcome = trader.source.take::<P>(chunk, self.entry.streams.listings(), now);
        self.server.outputs().set(id.place(), true);
        if let Err(reason) = outcome {
            self.server.end(&mut self.entry, id, reason, now);
        }
    }

    /// Asks for the cancels of logins that have been without a connection for too long.
    fn cancel_absent(&mut self, now: u64) {
        let OrderEntry { policies, inbound, rings_due, gauges, .. } = &mut self.entry;
        policies.due(now, |login| {
            let command =
                Command::Order(OrderCommand::CancelLogin { login, cause: ConnectionLoss::Disconnected });
            let taken = inbound.try_push(command).is_ok();
            if taken {
                *rings_due = true;
                gauges.absent_cancels.add(1);
                tracing::warn!(%login, "without a connection for too long: its orders are cancelled");
            }
            taken
        });
    }
}

/// For a bug that is put in on purpose.
fn is_of_a_full_table(record: &EventRecord) -> bool {
    matches!(record.event, Event::Order(OrderEvent::Rejected(rejected))
        if matches!(rejected.reason, RejectReason::TooManyOrders | RejectReason::OpenOrdersAboveLimit))
}

impl<P: OrderEntryProtocol> Agent for Gateway<P> {
    fn name(&self) -> &str {
        "gateway"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let now = self.clock.now().0;
        if std::mem::take(&mut self.is_new) {
            self.entry.policies.begin(now);
        }
        // First what somebody waits for: what has become durable since.
        let mut work = self.release()?;
        if work > 0 {
            work += self.server.send(&mut self.entry, now);
        }
        self.server.poll()?;
        work += self.server.hear(&mut self.entry, now);
        let is_stopped = self.control.is_stopped();
        if !is_stopped {
            let OrderEntry { rounds, inbound, progress, released, .. } = &mut self.entry;
            rounds.turn(inbound, progress, *released);
            work += self.server.accept(&mut self.entry, now);
            work += self.server.receive(&mut self.entry, now);
            self.ring_downstream();
        }
        work += self.take_answers(now);
        work += self.server.send(&mut self.entry, now);
        let (swept, is_round_over) = self.server.sweep(&mut self.entry, is_stopped, now);
        if is_round_over && !is_stopped {
            self.cancel_absent(now);
        }
        self.ring_downstream();
        Ok(work + swept)
    }

    /// Sends what can be sent without waiting, then closes the sockets. No End of Session: the session goes on when
    /// the engine starts again.
    fn on_close(&mut self) -> Result<(), Fatal> {
        let now = self.clock.now().0;
        self.release()?;
        self.server.shut(&mut self.entry, now);
        Ok(())
    }
}
