//! Plays a flow through one or more sessions, in the role of the engine's clients.
//!
//! **Pipelining.** Each session keeps up to a window of unanswered requests in flight. An answer settles its request and
//! all earlier requests of the session, because the engine processes a session's requests in order. Two kinds of request
//! may get no answer: a cancel and a replace of an order that is no longer live. So the driver tracks each order's state
//! from the messages. Messages arrive in the order in which the exchange made them, and the driver only sends decreasing
//! totals. So for every cancel it receives exactly one of two things: the Canceled message, or earlier the end of the
//! order. A dead order stays dead, so the request then has no effect, whenever the exchange processes it: it is settled
//! too. No request stays unsettled forever, and no request is settled while it may still have an effect.
//!
//! **Order across sessions.** With [`Ordering::Recorded`], a request for another session than the previous one waits until
//! all requests in flight are settled. Requests of one session never wait. With [`Ordering::PerSession`] each session runs
//! independently.
//!
//! **Resuming.** After a disconnect, [`Driver::connect`] logs in at the position that each stream had reached, and sends
//! every unsettled request again, in order. The protocol makes this harmless: used numbers are ignored, and a cancel
//! names a total.
//!
//! **The end.** Trades of the last order follow its acceptance. So each session ends with a fence: an order for zero lots,
//! sent when all other requests of all sessions are settled. When its rejection has arrived, all earlier messages have
//! arrived too.

mod error;
mod lane;
mod tally;

pub use error::DriverError;
pub use tally::Progress;

use crate::client::Session;
use crate::client::wait::Waiter;
use crate::domain::{OrderPrice, Side, Symbol, TimeInForce};
use crate::flow::actions::{ActionKind, FlowAction};
use crate::flow::recording::Flow;
use crate::flow::trades::Fill;
use crate::wire::ouch;
use hdrhistogram::Histogram;
use lane::{AHEAD, FENCE, Lane, Orders, Terms};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tally::{Clock, Tally};

/// Bytes that may wait for a socket; above this no further requests are made for it.
const UNSENT_MAX: usize = 256 * 1024;

/// With unsettled requests and no message for this long, the driver reports an error.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// Number of messages in the stream of a login that has sent nothing: the start of the day.
const MESSAGES_UNUSED: u64 = 1;

/// The order of requests of different sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// As in the flow: a change of session waits until all requests in flight are settled.
    Recorded,
    /// Each session independently.
    PerSession,
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As fast as the window allows.
    Max,
    /// By the flow's clock, multiplied by this speed; above 0.
    Speed(f64),
}

#[derive(Clone, Copy, Debug)]
pub struct DriverOptions {
    /// The most unsettled requests of one session; at least 1.
    pub window: usize,
    /// Order across sessions.
    pub ordering: Ordering,
    pub pace: Pace,
}

impl Default for DriverOptions {
    fn default() -> Self {
        Self { window: 512, ordering: Ordering::Recorded, pace: Pace::Max }
    }
}

/// The result of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// More turns are needed.
    Working,
    /// The flow has been played completely, and all its messages have been received.
    Finished,
}

/// The client side of a whole flow.
#[derive(Debug)]
pub struct Driver<'a> {
    actions: &'a [FlowAction],
    symbols: Vec<Symbol>,
    options: DriverOptions,
    lanes: Vec<Lane>,
    orders: Orders,
    /// Number of actions sent, in recorded order.
    cursor: usize,
    /// The session of the last request, in recorded order.
    current: usize,
    tally: Tally,
    waiter: Waiter,
    clock: Clock,
    last_news: Instant,
    fenced: bool,
}

impl<'a> Driver<'a> {
    /// A driver for the flow, not connected yet.
    ///
    /// # Errors
    /// When the operating system provides no means to wait for sockets.
    ///
    /// # Panics
    /// When an action names a session for which the venue has no login.
    pub fn new(flow: &'a Flow, options: DriverOptions) -> Result<Self, DriverError> {
        let mut lanes: Vec<Lane> = flow.venue.credentials().into_iter().map(Lane::new).collect();
        for action in &flow.actions {
            let lane = &mut lanes[usize::from(action.session.0)];
            // A copy, so that the actions of a lane are adjacent in memory.
            if options.ordering == Ordering::PerSession {
                lane.queue.push(*action);
            }
        }
        let histogram = || Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("valid bounds");
        let tally = Tally {
            progress: Progress::default(),
            fills: Vec::new(),
            latency: histogram(),
            recent: histogram(),
        };
        let now = Instant::now();
        Ok(Self {
            actions: &flow.actions,
            symbols: flow.venue.symbols(),
            options,
            lanes,
            orders: Orders::new(flow.order_names.len()),
            cursor: 0,
            current: 0,
            tally,
            waiter: Waiter::new()?,
            clock: Clock { started: now, base: None },
            last_news: now,
            fenced: false,
        })
    }

    /// Connects every session and sends unsettled requests again. The first time a stream starts at its beginning, later at
    /// the position that it had reached.
    ///
    /// # Errors
    /// [`DriverError::Session`]; sessions that were already connected stay connected until the next call.
    pub fn connect(&mut self, address: SocketAddr) -> Result<(), DriverError> {
        self.waiter = Waiter::new()?;
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let resent =
                lane.connect(address).map_err(|source| DriverError::Session { session: at, source })?;
            self.tally.progress.resent += resent;
            if let Some(session) = &lane.session {
                self.waiter.add(session)?;
            }
        }
        self.clock.base = None;
        self.last_news = Instant::now();
        Ok(())
    }

    /// Connects every session for the first time, to logins that have sent nothing yet. A login's order numbers only increase,
    /// so a flow cannot be played through a login that was used before.
    ///
    /// # Errors
    /// [`DriverError::Used`]: nothing was sent and all sessions are closed. [`DriverError::Session`].
    pub fn connect_first(&mut self, address: SocketAddr) -> Result<(), DriverError> {
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let messages = lane.connect_first(address);
            let messages = messages.map_err(|source| DriverError::Session { session: at, source })?;
            if messages > MESSAGES_UNUSED {
                let username = lane.username();
                self.log_out();
                return Err(DriverError::Used { session: at, username, messages });
            }
            if let Some(session) = &lane.session {
                self.waiter.add(session)?;
            }
        }
        self.last_news = Instant::now();
        Ok(())
    }

    /// Closes every session without a logout, like a client that crashes.
    pub fn disconnect(&mut self) {
        self.lanes.iter_mut().for_each(Lane::leave);
    }

    /// Logs out of every session.
    pub fn log_out(&mut self) {
        for lane in &mut self.lanes {
            lane.take_session().into_iter().for_each(Session::log_out);
        }
    }

    /// One bounded round: sends the requests that may be sent and reads the received messages. If there was neither, it sleeps
    /// until an event arrives or `patience` has passed.
    ///
    /// # Errors
    /// [`DriverError`]. After a disconnect, [`Self::connect`] resumes.
    pub fn turn(&mut self, patience: Duration) -> Result<Turn, DriverError> {
        let now = Instant::now();
        let sent = self.fill(now) + usize::from(self.fence());
        self.flush()?;
        let received = self.receive()?;
        if self.is_finished() {
            return Ok(Turn::Finished);
        }
        let unsettled = self.unsettled();
        if received > 0 || sent > 0 || unsettled == 0 {
            self.last_news = now;
        } else if now - self.last_news > STALLED_AFTER {
            return Err(DriverError::Stalled { unsettled, waited: now - self.last_news });
        }
        if sent == 0 && received == 0 {
            self.waiter.wait(self.until_due(now, patience))?;
        }
        Ok(Turn::Working)
    }

    /// Whether the flow has been played completely and all its messages have been received.
    pub fn is_finished(&self) -> bool {
        self.fenced && self.lanes.iter().all(|lane| lane.is_fence_answered())
    }

    /// The counters so far.
    pub fn progress(&self) -> &Progress {
        &self.tally.progress
    }

    /// The number of unsettled requests.
    pub fn unsettled(&self) -> usize {
        self.lanes.iter().map(|lane| lane.unsettled()).sum()
    }

    /// Every Order Executed message received; those of one session are in the order of its stream.
    pub fn fills(&self) -> &[Fill] {
        &self.tally.fills
    }

    /// Time from sending a request to its first answer, ns. The engine answers when the request is durable. The clock is read
    /// once for all requests of a turn, before they are made, and once for all answers that a session has, when the first of
    /// them is read. Requests that were in flight when a connection broke are not included.
    pub fn latency(&self) -> Histogram<u64> {
        let mut all = self.tally.latency.clone();
        all.add(&self.tally.recent).expect("they have the same bounds");
        all
    }

    /// The latency since the last call.
    pub fn take_recent_latency(&mut self) -> Histogram<u64> {
        let recent = self.tally.recent.clone();
        self.tally.latency.add(&recent).expect("they have the same bounds");
        self.tally.recent.reset();
        recent
    }

    /// The number of the next message of each session's stream.
    pub fn next_sequences(&self) -> Vec<u64> {
        self.lanes.iter().map(Lane::next_sequence).collect()
    }

    /// Makes requests for all actions that may be sent now.
    fn fill(&mut self, now: Instant) -> usize {
        match self.options.ordering {
            Ordering::Recorded => self.fill_in_order(now),
            Ordering::PerSession => (0..self.lanes.len()).map(|lane| self.fill_lane(lane, now)).sum(),
        }
    }

    fn fill_in_order(&mut self, now: Instant) -> usize {
        let (start, sent_ns) = (self.cursor, self.clock.nanos(now));
        while let Some(action) = self.actions.get(self.cursor).copied() {
            let lane = usize::from(action.session.0);
            let barrier = lane != self.current && !self.lanes[self.current].is_settled();
            if barrier || !self.has_room(lane) || !self.is_due(action.at_ns, now) {
                break;
            }
            if (self.cursor - start).is_multiple_of(AHEAD) {
                self.lanes[lane].look_ahead(&self.actions[self.cursor..], &self.orders);
            }
            self.current = lane;
            self.send(lane, &action, sent_ns);
            self.cursor += 1;
        }
        self.cursor - start
    }

    fn fill_lane(&mut self, lane: usize, now: Instant) -> usize {
        let (mut sent, sent_ns) = (0, self.clock.nanos(now));
        while let Some(action) = self.lanes[lane].next_action().copied() {
            if !self.has_room(lane) || !self.is_due(action.at_ns, now) {
                break;
            }
            if sent % AHEAD == 0 {
                let queued = &self.lanes[lane];
                queued.look_ahead(&queued.queue[queued.cursor..], &self.orders);
            }
            self.lanes[lane].cursor += 1;
            self.cursor += 1;
            self.send(lane, &action, sent_ns);
            sent += 1;
        }
        sent
    }

    fn has_room(&self, lane: usize) -> bool {
        let lane = &self.lanes[lane];
        let unsent = lane.session.as_ref().map_or(usize::MAX, Session::unsent);
        lane.unsettled() < self.options.window && unsent < UNSENT_MAX
    }

    fn is_due(&mut self, at_ns: u64, now: Instant) -> bool {
        let Pace::Speed(speed) = self.options.pace else { return true };
        let (started, start_ns) = *self.clock.base.get_or_insert((now, at_ns));
        started + scaled(at_ns.saturating_sub(start_ns), speed) <= now
    }

    /// The longest time to sleep: until the next action is due.
    fn until_due(&self, now: Instant, patience: Duration) -> Duration {
        let (Pace::Speed(speed), Some((started, start_ns))) = (self.options.pace, self.clock.base) else {
            return patience;
        };
        let next = match self.options.ordering {
            Ordering::Recorded => self.actions.get(self.cursor),
            Ordering::PerSession => {
                self.lanes.iter().filter_map(Lane::next_action).min_by_key(|action| action.at_ns)
            }
        };
        next.map_or(patience, |action| {
            let due = started + scaled(action.at_ns.saturating_sub(start_ns), speed);
            let left = due.saturating_duration_since(now);
            // An action that is already due waits for answers, not for the clock.
            if left.is_zero() { patience } else { left.min(patience) }
        })
    }

    fn send(&mut self, lane: usize, action: &FlowAction, sent_ns: u64) {
        let lane = &mut self.lanes[lane];
        let order = action.order;
        match action.kind {
            ActionKind::New { side, price, quantity, time_in_force } => {
                self.tally.progress.orders += 1;
                let symbol = self.symbols[action.instrument.0 as usize];
                let terms = Terms { side, quantity, symbol, price: units(price), time_in_force };
                lane.enter(&mut self.orders, order, &terms, sent_ns);
            }
            ActionKind::Reduce { by } => lane.reduce(&mut self.orders, order, by, sent_ns),
            ActionKind::Cancel => lane.reduce(&mut self.orders, order, u32::MAX, sent_ns),
            ActionKind::Replace { price, total } => {
                lane.replace(&mut self.orders, order, units(price), total, sent_ns);
            }
        }
        self.tally.progress.sent += 1;
    }

    /// Sends the fences when all requests are settled; `true` if it sent them.
    fn fence(&mut self) -> bool {
        let played = self.cursor == self.actions.len() && self.lanes.iter().all(|lane| lane.is_settled());
        if self.fenced || !played {
            return false;
        }
        let symbol = self.symbols[0];
        let terms =
            Terms { side: Side::Buy, quantity: 0, symbol, price: 1, time_in_force: TimeInForce::default() };
        for lane in &mut self.lanes {
            lane.enter(&mut self.orders, FENCE, &terms, 0);
        }
        self.fenced = true;
        true
    }

    fn flush(&mut self) -> Result<(), DriverError> {
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            lane.flush().map_err(|source| DriverError::Session { session: at, source })?;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<usize, DriverError> {
        let mut received = 0;
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            received += lane.receive(&mut self.orders, &mut self.tally, self.clock, at)?;
        }
        Ok(received)
    }
}

fn scaled(flow_ns: u64, speed: f64) -> Duration {
    Duration::from_secs_f64(flow_ns as f64 / 1e9 / speed)
}

fn units(price: OrderPrice) -> u64 {
    match price {
        OrderPrice::Market => ouch::MARKET_PRICE,
        OrderPrice::Limit(units) => units.unsigned_abs(),
    }
}
