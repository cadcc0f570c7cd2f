//! The gateway: order entry. The session layer ([`crate::net::session`]) owns the client sockets. The gateway converts
//! OUCH messages to commands for the inbound ring, and sends events from the event ring, once durable, to the addressed
//! sessions.
//!
//! It never blocks, and it neither sends nor numbers a message whose command is not durable. If the inbound ring is
//! full, bytes stay in the sockets. A client that does not receive is disconnected when its stream's tail has
//! overwritten its position.

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

/// The most events released per duty cycle.
const EVENTS_MAX: usize = 2048;

/// The most answers about old messages taken per duty cycle.
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
    /// Whether the first duty cycle is still to come.
    is_new: bool,
}

impl<P: OrderEntryProtocol> Gateway<P> {
    /// Takes over a listener and continues where recovery ended.
    ///
    /// # Errors
    /// [`Fatal::Invariant`] if a setting is out of its range.
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

    /// For an orderly stop.
    pub fn control(&self) -> GatewayControl {
        self.control.clone()
    }

    /// A descriptor that becomes readable when a socket is ready; `None` for sockets that cannot be waited on.
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

    /// Moves released events into the tails. Bounded, so that a client that was not behind cannot be overtaken in one
    /// call.
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

    /// Takes a bounded number of answers about old messages, whose messages are encoded here.
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

    /// Requests cancels for logins that had no connection for too long.
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

/// For a bug injected by tests.
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
        // First the output that clients wait for: events that have become durable.
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

    /// Sends what the sockets accept, then closes them. Sends no End of Session: the session continues when the engine
    /// starts again.
    fn on_close(&mut self) -> Result<(), Fatal> {
        let now = self.clock.now().0;
        self.release()?;
        self.server.shut(&mut self.entry, now);
        Ok(())
    }
}
