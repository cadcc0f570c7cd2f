//! Clients that trade for as long as they are let, over any number of lives of an engine, and remember all that they were
//! told. What an engine says after a crash is held against that.
//!
//! Every order is answered exactly once, in the order in which it was sent; every message keeps its number and its bytes.
//! A difference is a panic that names the session and the message.

use super::venue::Random;
use dojima::client::session::{ClientError, Resume};
use dojima::client::{Credentials, Session};
use dojima::domain::{ClOrdId, Symbol, UserRef};
use dojima::flow::Venue;
use dojima::wire::ouch::{Appendage, CancelOrder, EnterOrder, Inbound, OrderRejected, Outbound};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long an engine that was just started may take to tell what it has told before.
const CATCH_UP_PATIENCE: Duration = Duration::from_secs(60);

/// What a new order is refused with while space is low (docs/PROTOCOL.md).
const SPACE_LOW: u16 = 0x02;

/// Far from all numbers of real orders.
const FENCE: UserRef = UserRef(1 << 30);

/// Accepted orders of a session that are left alone; older ones are canceled, so that books stay small.
const OPEN_MAX: usize = 100;
/// Cancels that are sent again after a break, since nothing says which of them arrived.
const CANCELS_REPEATED: usize = 256;

/// All sessions of a venue.
pub struct Trader {
    lanes: Vec<Lane>,
    symbols: Vec<Symbol>,
    random: Random,
    window: usize,
}

/// One session.
struct Lane {
    who: Credentials,
    session: Option<Session>,
    told: Told,
}

/// What a session has said and heard.
#[derive(Default)]
struct Told {
    /// Every message, the first one first.
    messages: Vec<Message>,
    last_ref: u32,
    /// Orders without an answer, the oldest first.
    pending: VecDeque<EnterOrder>,
    /// The last orders that were accepted, and of those before them the last ones that were canceled.
    accepted: VecDeque<UserRef>,
    canceled: VecDeque<UserRef>,
    counts: Answers,
}

/// What is kept of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Message {
    hash: u64,
    /// Of the command that it came of. Commands that were taken in together have the same time.
    time: u64,
}

/// How orders were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    pub accepted: u64,
    /// For lack of space in the journal or the event log.
    pub refused_for_space: u64,
    /// For anything else, and the last reason.
    pub refused: u64,
    pub refusal: u16,
    pub canceled: u64,
    pub traded: u64,
}

impl Trader {
    /// Clients for all logins of `venue`, with this many unanswered orders each at most.
    pub fn new(venue: &Venue, seed: u64, window: usize) -> Self {
        let lane = |who| Lane { who, session: None, told: Told::default() };
        let lanes = venue.credentials().into_iter().map(lane).collect();
        Self { lanes, symbols: venue.symbols(), random: Random(seed), window }
    }

    /// Logs all sessions in, has the last `overlap` messages of each told again, and waits until all that was ever told is
    /// there. Then it sends again what was never answered.
    pub fn connect(&mut self, address: SocketAddr, overlap: usize) {
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            lane.connect(address, overlap).unwrap_or_else(|error| panic!("session {at}: {error}"));
        }
    }

    /// Sends new orders, and cancels of old ones, and takes what has come.
    ///
    /// # Errors
    /// When the engine is gone.
    pub fn trade(&mut self) -> Result<(), ClientError> {
        for lane in &mut self.lanes {
            while lane.told.pending.len() < self.window {
                let order = next_order(&mut self.random, &self.symbols, lane.told.last_ref + 1);
                lane.enter(order);
            }
            while lane.told.accepted.len() > OPEN_MAX {
                lane.cancel_oldest();
            }
        }
        self.listen()
    }

    /// Cancels this many orders in each session, if it has so many, and takes what has come.
    ///
    /// # Errors
    /// When the engine is gone.
    pub fn cancel(&mut self, count: usize) -> Result<(), ClientError> {
        for lane in &mut self.lanes {
            (0..count).for_each(|_| lane.cancel_oldest());
        }
        self.listen()
    }

    /// Takes what has come, and waits a moment where nothing has.
    pub fn listen(&mut self) -> Result<(), ClientError> {
        let mut quiet = true;
        for lane in &mut self.lanes {
            quiet &= lane.turn()? == 0;
        }
        match self.lanes.iter_mut().find_map(|lane| lane.session.as_mut()).filter(|_| quiet) {
            Some(session) => session.wait(Duration::from_millis(1)),
            None => Ok(()),
        }
    }

    /// Trades until every session was told something, and from then on for this long.
    pub fn trade_for(&mut self, time: Duration) {
        let before = self.told();
        let patience = Instant::now() + CATCH_UP_PATIENCE;
        while self.told().iter().zip(&before).any(|(now, before)| now == before) {
            assert!(Instant::now() < patience, "no order is answered");
            self.trade().expect("the engine is up");
        }
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.trade().expect("the engine is up");
        }
    }

    /// Listens until every order that was sent has its answer.
    pub fn settle(&mut self) {
        let end = Instant::now() + CATCH_UP_PATIENCE;
        while self.lanes.iter().any(|lane| !lane.told.pending.is_empty()) {
            assert!(Instant::now() < end, "orders are not answered");
            self.listen().expect("the engine is up");
        }
    }

    /// After the end of an engine: takes what was on its way.
    pub fn hear_the_end(&mut self) {
        for lane in &mut self.lanes {
            let end = Instant::now() + CATCH_UP_PATIENCE;
            while lane.turn().is_ok() {
                assert!(Instant::now() < end, "the engine is not gone");
            }
            lane.session = None;
        }
    }

    /// How many messages each session was told.
    pub fn told(&self) -> Vec<usize> {
        self.lanes.iter().map(|lane| lane.told.messages.len()).collect()
    }

    /// How the orders of all sessions were answered.
    pub fn answers(&self) -> Answers {
        self.lanes.iter().map(|lane| lane.told.counts).fold(Answers::default(), |sum, of| Answers {
            accepted: sum.accepted + of.accepted,
            refused_for_space: sum.refused_for_space + of.refused_for_space,
            refused: sum.refused + of.refused,
            refusal: sum.refusal.max(of.refusal),
            canceled: sum.canceled + of.canceled,
            traded: sum.traded + of.traded,
        })
    }

    /// Reads the streams of another engine from their beginning to their end, as new clients. As far as both go, they must
    /// be what these sessions were told; returns how long they are.
    pub fn compare(&self, address: SocketAddr) -> Vec<usize> {
        let compare = |(at, lane): (usize, &Lane)| {
            let heard = lane.hear_all(address, self.symbols[0]);
            let differs = heard.iter().zip(&lane.told.messages).position(|(heard, told)| heard != told);
            assert_eq!(differs, None, "session {at}: message (from 0) that is another one");
            heard.len()
        };
        self.lanes.iter().enumerate().map(compare).collect()
    }

    /// Panics unless streams of these lengths are what these sessions were told up to one moment: what one of them lacks
    /// came of commands that are not before any whose message another one has.
    pub fn assert_one_moment(&self, lengths: &[usize]) {
        let streams = || self.lanes.iter().map(|lane| &lane.told.messages).zip(lengths);
        let last =
            streams().filter_map(|(told, len)| told.get(..*len)?.last()).map(|message| message.time).max();
        let first_missing =
            streams().filter_map(|(told, len)| told.get(*len)).map(|message| message.time).min();
        if let (Some(last), Some(missing)) = (last, first_missing) {
            assert!(
                missing >= last,
                "{lengths:?}: a message of {missing} is missing, one of {last} is there"
            );
        }
    }
}

impl Lane {
    fn connect(&mut self, address: SocketAddr, overlap: usize) -> Result<(), String> {
        let known = self.told.messages.len();
        let first = known.saturating_sub(overlap) as u64 + 1;
        let resume = Resume { session: None, sequence: first };
        let mut session = Session::connect(address, &self.who, resume).map_err(|error| error.to_string())?;
        let end = Instant::now() + CATCH_UP_PATIENCE;
        while session.next_sequence() <= known as u64 {
            if Instant::now() > end {
                return Err(format!("message {} was told and is gone", session.next_sequence()));
            }
            session.wait(Duration::from_millis(5)).map_err(|error| error.to_string())?;
            session
                .receive(|number, message| self.told.take(number, &message))
                .map_err(|error| error.to_string())?;
        }
        for order in &self.told.pending {
            session.send(&Inbound::Enter(*order, Appendage::default()));
        }
        for user_ref in &self.told.canceled {
            session.send(&cancel(*user_ref));
        }
        self.session = Some(session);
        Ok(())
    }

    /// All messages of a stream of another engine. An order that is refused marks its end.
    fn hear_all(&self, address: SocketAddr, symbol: Symbol) -> Vec<Message> {
        let mut session = Session::connect(address, &self.who, Resume::START).expect("logged in");
        let fence = EnterOrder { quantity: 0, user_ref: FENCE, ..next_order(&mut Random(0), &[symbol], 0) };
        session.send(&Inbound::Enter(fence, Appendage::default()));
        let (mut heard, mut fenced) = (Vec::new(), false);
        let end = Instant::now() + CATCH_UP_PATIENCE;
        while !fenced {
            assert!(Instant::now() < end, "the stream does not end");
            session.flush().expect("it sends");
            let take = |_, message: Outbound<'_>| match message {
                Outbound::Rejected(refused, _) if refused.user_ref == FENCE => fenced = true,
                message => heard.push(kept(&message)),
            };
            session.receive(take).expect("it reads");
            session.wait(Duration::from_millis(5)).expect("it waits");
        }
        heard
    }

    fn enter(&mut self, order: EnterOrder) {
        self.told.last_ref = order.user_ref.0;
        self.told.pending.push_back(order);
        if let Some(session) = &mut self.session {
            session.send(&Inbound::Enter(order, Appendage::default()));
        }
    }

    fn cancel_oldest(&mut self) {
        let Some(user_ref) = self.told.accepted.pop_front() else { return };
        self.told.canceled.push_back(user_ref);
        if self.told.canceled.len() > CANCELS_REPEATED {
            self.told.canceled.pop_front();
        }
        if let Some(session) = &mut self.session {
            session.send(&cancel(user_ref));
        }
    }

    /// Sends and receives; how many messages came.
    fn turn(&mut self) -> Result<usize, ClientError> {
        let session = self.session.as_mut().ok_or(ClientError::Closed(self.who.username))?;
        // A broken connection may still have something to say.
        let sent = session.flush();
        let received = session.receive(|number, message| self.told.take(number, &message))?;
        sent?;
        Ok(received.messages)
    }
}

impl Told {
    fn take(&mut self, number: u64, message: &Outbound<'_>) {
        let at = usize::try_from(number).expect("a number") - 1;
        let kept = kept(message);
        match self.messages.get(at) {
            Some(known) => {
                assert!(*known == kept, "message {number} was another one before: now {message:?}")
            }
            None => {
                assert_eq!(at, self.messages.len(), "message {number} comes too early: {message:?}");
                self.messages.push(kept);
                self.count(message);
            }
        }
    }

    fn count(&mut self, message: &Outbound<'_>) {
        let answers = &mut self.counts;
        let answered = match message {
            Outbound::Accepted(accepted, _) => {
                answers.accepted += 1;
                self.accepted.push_back(accepted.user_ref);
                accepted.user_ref
            }
            Outbound::Rejected(OrderRejected { user_ref, reason, .. }, _) => {
                if *reason == SPACE_LOW {
                    answers.refused_for_space += 1;
                } else {
                    answers.refused += 1;
                    answers.refusal = *reason;
                }
                *user_ref
            }
            Outbound::Canceled(..) => {
                answers.canceled += 1;
                return;
            }
            Outbound::Executed(..) => {
                answers.traded += 1;
                return;
            }
            _ => return,
        };
        let sent = self.pending.pop_front().map(|order| order.user_ref);
        assert_eq!(sent, Some(answered), "an answer out of order, or a second one: {message:?}");
    }
}

/// A cancel of all that is open of an order; of one that is not open any more it does nothing.
fn cancel(user_ref: UserRef) -> Inbound<'static> {
    Inbound::Cancel(CancelOrder { user_ref, quantity: 0 }, Appendage::default())
}

fn kept(message: &Outbound<'_>) -> Message {
    let text = format!("{message:?}");
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let digits = text.split("timestamp: ").nth(1).expect("every message has a timestamp");
    let len = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    Message { hash: hasher.finish(), time: digits[..len].parse().expect("a number") }
}

/// Orders on both sides of a middle, so that most of them trade and books stay small.
fn next_order(random: &mut Random, symbols: &[Symbol], user_ref: u32) -> EnterOrder {
    EnterOrder {
        user_ref: UserRef(user_ref),
        side: if random.below(2) == 0 { b'B' } else { b'S' },
        quantity: 1_000 + random.below(9_000) as u32,
        symbol: symbols[random.below(symbols.len() as u64) as usize],
        price: 6_000_000 + 100 * random.below(20),
        time_in_force: if random.below(8) == 0 { b'3' } else { b'0' },
        display: b'Y',
        capacity: b'P',
        iso: b'N',
        cross_type: b'N',
        cl_ord_id: ClOrdId::default(),
    }
}
