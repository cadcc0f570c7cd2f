//! One session of the driver: its unanswered requests, and the state of its orders according to its messages.

#![deny(clippy::wildcard_enum_match_arm)]

use super::error::DriverError;
use super::tally::{Clock, Tally};
use crate::client::session::{ClientError, Credentials, Resume, Session};
use crate::domain::{ClOrdId, LoginName, Side, Symbol, TimeInForce, UserRef};
use crate::flow::actions::{FlowAction, OrderIndex, SessionIndex};
use crate::flow::trades::{Fill, Liquidity};
use crate::wire::ouch::{Appendage, CancelOrder, EnterOrder, Inbound, Outbound, ReplaceOrder};
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Instant;

/// The order index of the fence at the end of a session.
pub(super) const FENCE: OrderIndex = OrderIndex(u32::MAX);

/// Number of requests whose data is read together before they are sent.
pub(super) const AHEAD: usize = 32;

/// The last request for every order of the flow.
#[derive(Debug)]
pub(super) struct Orders(Vec<Asked>);

/// The state of an order that the last request asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    /// Its UserRefNum; 0 if the order was not sent.
    user_ref: UserRef,
    /// Its total including executed lots, lots.
    total: u32,
}

impl Orders {
    pub(super) fn new(len: usize) -> Self {
        Self(vec![Asked::default(); len])
    }

    fn get(&self, order: OrderIndex) -> Asked {
        self.0.get(order.0 as usize).copied().unwrap_or_default()
    }

    fn get_mut(&mut self, order: OrderIndex) -> Option<&mut Asked> {
        self.0.get_mut(order.0 as usize)
    }
}

/// The fields of an Enter Order message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) side: Side,
    pub(super) quantity: u32,
    pub(super) symbol: Symbol,
    pub(super) price: u64,
    pub(super) time_in_force: TimeInForce,
}

/// The state of a UserRefNum according to the messages received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Requested; no message yet.
    Asked,
    /// Live with this many open lots.
    Live(u32),
    /// No longer live, or never was.
    Dead,
}

#[derive(Clone, Copy, Debug)]
struct Ref {
    order: OrderIndex,
    known: Known,
}

#[derive(Clone, Copy, Debug)]
enum Request {
    Enter(EnterOrder),
    Cancel(CancelOrder),
    Replace(ReplaceOrder),
}

impl Request {
    fn inbound(&self) -> Inbound<'static> {
        let nothing = Appendage(&[]);
        match *self {
            Self::Enter(message) => Inbound::Enter(message, nothing),
            Self::Cancel(message) => Inbound::Cancel(message, nothing),
            Self::Replace(message) => Inbound::Replace(message, nothing),
        }
    }
}

/// An unanswered request.
#[derive(Clone, Copy, Debug)]
struct Pending {
    request: Request,
    /// Send time on the driver's clock, ns; 0 if the latency is not measured.
    sent_ns: u64,
}

#[derive(Debug)]
pub(super) struct Lane {
    who: Credentials,
    pub(super) session: Option<Session>,
    resume: Resume,
    /// The flow's actions for this session, if each session plays by itself.
    pub(super) queue: Vec<FlowAction>,
    /// Number of actions of `queue` that were sent.
    pub(super) cursor: usize,
    pending: VecDeque<Pending>,
    /// By UserRefNum, from 1.
    refs: Vec<Ref>,
    fence_answered: bool,
}

impl Lane {
    pub(super) fn new(who: Credentials) -> Self {
        Self {
            who,
            session: None,
            resume: Resume::START,
            queue: Vec::new(),
            cursor: 0,
            pending: VecDeque::new(),
            refs: Vec::new(),
            fence_answered: false,
        }
    }

    /// Logs in and sends the unsettled requests again. Returns their number.
    pub(super) fn connect(&mut self, address: SocketAddr) -> Result<u64, ClientError> {
        self.leave();
        let mut session = Session::connect(address, &self.who, self.resume)?;
        self.resume.session = Some(session.id());
        for pending in &mut self.pending {
            pending.sent_ns = 0;
            session.send(&pending.request.inbound());
        }
        self.session = Some(session);
        Ok(self.pending.len() as u64)
    }

    /// Logs in to a session that was not used before, and skips its start of the day. Returns the number of existing
    /// messages.
    pub(super) fn connect_first(&mut self, address: SocketAddr) -> Result<u64, ClientError> {
        self.resume = Resume { session: None, sequence: 0 };
        self.connect(address)?;
        Ok(self.next_sequence() - 1)
    }

    pub(super) fn username(&self) -> LoginName {
        self.who.username
    }

    pub(super) fn leave(&mut self) {
        drop(self.take_session());
    }

    pub(super) fn take_session(&mut self) -> Option<Session> {
        let session = self.session.take()?;
        self.resume = Resume { session: Some(session.id()), sequence: session.next_sequence() };
        Some(session)
    }

    pub(super) fn next_sequence(&self) -> u64 {
        self.session.as_ref().map_or(self.resume.sequence, Session::next_sequence)
    }

    pub(super) fn next_action(&self) -> Option<&FlowAction> {
        self.queue.get(self.cursor)
    }

    /// Loads the data of the next requests into the processor's caches. The orders are spread over memory; this way the
    /// processor waits for all cache misses at once and not for one after another. The answers find the data there, too.
    pub(super) fn look_ahead(&self, next: &[FlowAction], orders: &Orders) {
        let mut named = [UserRef(0); AHEAD];
        for (user_ref, action) in named.iter_mut().zip(next) {
            *user_ref = orders.get(action.order).user_ref;
        }
        let seen = named.iter().filter_map(|user_ref| self.refs.get((user_ref.0 as usize).wrapping_sub(1)));
        black_box(seen.fold(0, |seen, known| seen ^ known.order.0));
    }

    pub(super) fn unsettled(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn is_fence_answered(&self) -> bool {
        self.fence_answered
    }

    pub(super) fn enter(&mut self, orders: &mut Orders, order: OrderIndex, terms: &Terms, sent_ns: u64) {
        let user_ref = self.name(order);
        if let Some(asked) = orders.get_mut(order) {
            *asked = Asked { user_ref, total: terms.quantity };
        }
        let message = EnterOrder {
            user_ref,
            side: match terms.side {
                Side::Buy => b'B',
                Side::Sell => b'S',
            },
            quantity: terms.quantity,
            symbol: terms.symbol,
            price: terms.price,
            time_in_force: match terms.time_in_force {
                TimeInForce::GoodTillCancel | TimeInForce::Day => b'0',
                TimeInForce::ImmediateOrCancel => b'3',
                TimeInForce::GoodTillTime => b'6',
            },
            display: b'Y',
            capacity: b'P',
            iso: b'N',
            cross_type: b'N',
            cl_ord_id: ClOrdId::default(),
        };
        self.send(Request::Enter(message), sent_ns);
    }

    /// Reduces an order by this many lots; cancels it if nothing would remain.
    pub(super) fn reduce(&mut self, orders: &mut Orders, order: OrderIndex, by: u32, sent_ns: u64) {
        let Some(asked) = orders.get_mut(order) else { return };
        asked.total = asked.total.saturating_sub(by);
        let message = CancelOrder { user_ref: asked.user_ref, quantity: asked.total };
        self.send(Request::Cancel(message), sent_ns);
    }

    pub(super) fn replace(
        &mut self,
        orders: &mut Orders,
        order: OrderIndex,
        price: u64,
        total: u32,
        sent_ns: u64,
    ) {
        let user_ref = self.name(order);
        let Some(asked) = orders.get_mut(order) else { return };
        let message = ReplaceOrder {
            orig_user_ref: asked.user_ref,
            user_ref,
            quantity: total,
            price,
            time_in_force: b'0',
            display: b'Y',
            iso: b'N',
            cl_ord_id: ClOrdId::default(),
        };
        *asked = Asked { user_ref, total };
        self.send(Request::Replace(message), sent_ns);
    }

    /// Assigns the next UserRefNum to this order.
    fn name(&mut self, order: OrderIndex) -> UserRef {
        self.refs.push(Ref { order, known: Known::Asked });
        UserRef(self.refs.len() as u32)
    }

    fn send(&mut self, request: Request, sent_ns: u64) {
        self.pending.push_back(Pending { request, sent_ns });
        if let Some(session) = &mut self.session {
            session.send(&request.inbound());
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), ClientError> {
        self.session.as_mut().ok_or(ClientError::Closed(self.who.username))?.flush()?;
        Ok(())
    }

    pub(super) fn receive(
        &mut self,
        orders: &mut Orders,
        tally: &mut Tally,
        clock: Clock,
        at: usize,
    ) -> Result<usize, DriverError> {
        let Some(mut session) = self.session.take() else { return Ok(0) };
        let mut foreign = None;
        let mut now_ns = 0;
        let session_index = SessionIndex(at as u16);
        let mut news =
            News { lane: self, orders, tally, session: session_index, now_ns: 0, waited: Run::default() };
        let received = session.receive(|_, message| {
            if now_ns == 0 {
                // The clock is read once for all messages of one read.
                now_ns = clock.nanos(Instant::now());
                news.now_ns = now_ns;
            }
            if let Err(user_ref) = news.take(message) {
                foreign.get_or_insert(user_ref);
            }
        });
        news.settle_what_cannot_matter();
        news.waited.end(&mut news.tally.recent);
        self.session = Some(session);
        if let Some(user_ref) = foreign {
            return Err(DriverError::ForeignOrder { session: at, user_ref });
        }
        let received = received.map_err(|source| DriverError::Session { session: at, source })?;
        Ok(received.messages + usize::from(received.more))
    }

    fn known(&mut self, user_ref: UserRef) -> Option<&mut Ref> {
        self.refs.get_mut((user_ref.0 as usize).wrapping_sub(1))
    }

    fn is_dead(&self, user_ref: UserRef) -> bool {
        let known = self.refs.get((user_ref.0 as usize).wrapping_sub(1));
        known.is_none_or(|known| known.known == Known::Dead)
    }

    fn bury(&mut self, user_ref: UserRef) {
        if let Some(known) = self.known(user_ref) {
            known.known = Known::Dead;
        }
    }
}

/// Applies messages of one session.
struct News<'a> {
    lane: &'a mut Lane,
    orders: &'a mut Orders,
    tally: &'a mut Tally,
    session: SessionIndex,
    now_ns: u64,
    waited: Run,
}

/// A run of answers with the same latency. Requests leave together and are answered together, and the clock is read once
/// for all of them, so equal latencies are recorded together.
#[derive(Default)]
struct Run {
    nanos: u64,
    count: u64,
}

impl Run {
    fn add(&mut self, nanos: u64, into: &mut Histogram<u64>) {
        if nanos != self.nanos {
            self.end(into);
            self.nanos = nanos;
        }
        self.count += 1;
    }

    fn end(&mut self, into: &mut Histogram<u64>) {
        if self.count > 0 {
            into.saturating_record_n(self.nanos, self.count);
            self.count = 0;
        }
    }
}

impl News<'_> {
    /// Applies one message. The error is the UserRefNum in it if this driver has not assigned it.
    fn take(&mut self, message: Outbound<'_>) -> Result<(), UserRef> {
        let progress = &mut self.tally.progress;
        match message {
            // Answers to requests that flows never send.
            Outbound::System(_)
            | Outbound::Modified(..)
            | Outbound::CancelRejected(..)
            | Outbound::CancelPending(..)
            | Outbound::PriorityUpdated(..)
            | Outbound::Restated(..)
            | Outbound::Broken(..)
            | Outbound::MassCanceled(..)
            | Outbound::EntryDisabled(..)
            | Outbound::EntryEnabled(..)
            | Outbound::AccountState(..)
            | Outbound::TransferSent(..)
            | Outbound::PositionState(..)
            | Outbound::PositionChanged(..)
            | Outbound::FundingPaid(..)
            | Outbound::FundPaid(..)
            | Outbound::SettingMade(..)
            | Outbound::IndexAnswered(..) => {}
            Outbound::Accepted(m, _) => {
                progress.accepted += 1;
                self.set(m.user_ref, live(m.quantity))?;
                self.answer(|r| matches!(r, Request::Enter(sent) if sent.user_ref == m.user_ref));
            }
            Outbound::Rejected(m, _) => self.rejected(m.user_ref, m.reason)?,
            Outbound::Replaced(m, _) => {
                progress.replaced += 1;
                self.set(m.orig_user_ref, Known::Dead)?;
                self.set(m.user_ref, live(m.quantity))?;
                self.answer(|r| matches!(r, Request::Replace(sent) if sent.user_ref == m.user_ref));
            }
            Outbound::Canceled(m, _) => {
                progress.canceled += 1;
                self.shrink(m.user_ref, m.decrement)?;
                match m.reason {
                    b'U' => {
                        self.answer(|r| matches!(r, Request::Cancel(sent) if sent.user_ref == m.user_ref))
                    }
                    b'Z' => {
                        self.answer(
                            |r| matches!(r, Request::Replace(sent) if sent.orig_user_ref == m.user_ref),
                        );
                    }
                    _ => {}
                }
            }
            Outbound::SelfMatchCanceled(m, _) => {
                progress.canceled += 1;
                self.shrink(m.user_ref, m.decrement)?;
            }
            Outbound::Executed(m, _) => {
                progress.executed += 1;
                let order = self.shrink(m.user_ref, m.quantity)?;
                let liquidity = match m.liquidity {
                    b'A' | b'J' => Liquidity::Added,
                    _ => Liquidity::Removed,
                };
                let (trade, user_ref, price, quantity) = (m.trade, m.user_ref, m.price, m.quantity);
                let session = self.session;
                self.tally.fills.push(Fill { trade, order, user_ref, session, price, quantity, liquidity });
            }
        }
        Ok(())
    }

    fn rejected(&mut self, user_ref: UserRef, reason: u16) -> Result<(), UserRef> {
        let order = self.set(user_ref, Known::Dead)?;
        if order == FENCE {
            self.lane.fence_answered = true;
        } else {
            *self.tally.progress.rejected.entry(reason).or_insert(0) += 1;
        }
        let mut stands = None;
        self.answer(|r| match r {
            Request::Enter(sent) => sent.user_ref == user_ref,
            Request::Replace(sent) if sent.user_ref == user_ref => {
                stands = Some(sent.orig_user_ref);
                true
            }
            Request::Cancel(_) | Request::Replace(_) => false,
        });
        // A rejected replace leaves the order unchanged under its old UserRefNum.
        if let (Some(stands), Some(asked)) = (stands, self.orders.get_mut(order))
            && asked.user_ref == user_ref
        {
            asked.user_ref = stands;
        }
        Ok(())
    }

    fn set(&mut self, user_ref: UserRef, known: Known) -> Result<OrderIndex, UserRef> {
        let entry = self.lane.known(user_ref).ok_or(user_ref)?;
        entry.known = known;
        Ok(entry.order)
    }

    /// Reduces an order's open lots.
    fn shrink(&mut self, user_ref: UserRef, lots: u32) -> Result<OrderIndex, UserRef> {
        let entry = self.lane.known(user_ref).ok_or(user_ref)?;
        if let Known::Live(open) = entry.known {
            entry.known = live(open.saturating_sub(lots));
        }
        Ok(entry.order)
    }

    /// Settles the first request that matches, and all requests before it: the engine processes them in order.
    fn answer(&mut self, mut is_it: impl FnMut(&Request) -> bool) {
        let Some(at) = self.lane.pending.iter().position(|pending| is_it(&pending.request)) else { return };
        for _ in 0..at {
            self.settle_unanswered();
        }
        if let Some(answered) = self.lane.pending.pop_front() {
            self.count_settled();
            if answered.sent_ns > 0 {
                let waited = self.now_ns.saturating_sub(answered.sent_ns);
                self.waited.add(waited, &mut self.tally.recent);
            }
        }
    }

    fn settle_unanswered(&mut self) {
        if let Some(passed) = self.lane.pending.pop_front() {
            self.count_settled();
            self.tally.progress.unanswered += 1;
            if let Request::Replace(sent) = passed.request {
                self.lane.bury(sent.user_ref);
            }
        }
    }

    fn count_settled(&mut self) {
        // A fence is not an action of the flow.
        if self.tally.progress.settled < self.tally.progress.sent {
            self.tally.progress.settled += 1;
        }
    }

    /// Settles requests at the front whose orders are dead: they have no effect, whenever the engine processes them.
    fn settle_what_cannot_matter(&mut self) {
        while let Some(front) = self.lane.pending.front() {
            let dead = match &front.request {
                Request::Enter(_) => false,
                Request::Cancel(sent) => self.lane.is_dead(sent.user_ref),
                Request::Replace(sent) => self.lane.is_dead(sent.orig_user_ref),
            };
            if !dead {
                break;
            }
            self.settle_unanswered();
        }
    }
}

fn live(open: u32) -> Known {
    if open == 0 { Known::Dead } else { Known::Live(open) }
}
