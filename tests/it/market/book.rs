//! The book that a receiver makes of the messages is the exchange's, after every command, whatever happens; order by order,
//! in the order of their queues.

use crate::exchange::properties::{Clients, ORDERS_MAX, Step, cases, opening, rich, subjects};
use crate::support::venue;
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, ClockCommand, Command, Enter, Event, EventRecord, GroupId,
    InstrumentId, LoginId, MarketEvent, OrderCommand, OrderEvent, OrderPrice, Owner, Phase, Quantity,
    SelfTrade, SelfTradePrevention, Side, Stamp, Symbol, TimeInForce, Timestamp, TradeKind, UserRef,
    VenueCommand, VenueEvent,
};
use dojima::exchange::Exchange;
use dojima::market::{Books, Feed, Published};
use dojima::wire::itch::{Message, event_code};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// An exchange, its feed, and a receiver of the feed.
pub struct Watched {
    pub exchange: Exchange,
    pub feed: Feed,
    /// A feed that is never told that a command is complete, and learns it from the next one.
    lazy: Feed,
    pub books: Books,
    pub said: Vec<Published>,
    lazily_said: Vec<Published>,
    event: u64,
    sequence: u64,
    time: Timestamp,
}

impl Watched {
    pub fn new(orders_max: u32) -> Self {
        Self {
            exchange: venue::exchange(orders_max),
            feed: Feed::default(),
            lazy: Feed::default(),
            books: Books::default(),
            said: Vec::new(),
            lazily_said: Vec::new(),
            event: 0,
            sequence: 0,
            time: Timestamp(0),
        }
    }

    pub fn opened(opening: &[Command], orders_max: u32) -> Self {
        let mut watched = Self::new(orders_max);
        for command in opening.iter().chain([&Command::Venue(VenueCommand::Open { config_digest: 1 })]) {
            watched.apply(Stamp::default(), command).expect("it opens");
        }
        watched
    }

    pub fn apply(&mut self, stamp: Stamp, command: &Command) -> Result<Vec<Event>, String> {
        let mut events = Vec::new();
        self.sequence += 1;
        self.time = stamp.time;
        self.exchange.apply(Stamp { sequence: self.sequence, ..stamp }, command, &mut events);
        self.tell(&events).map_err(|error| format!("{error}, after {command:?}: {events:?}"))?;
        Ok(events)
    }

    /// Tells the events of one command, and compares.
    pub fn tell(&mut self, events: &[Event]) -> Result<(), String> {
        let before = self.said.len();
        for event in events {
            self.event += 1;
            let record =
                EventRecord { number: self.event, sequence: self.sequence, time: self.time, event: *event };
            self.feed.apply(&record, &mut self.said);
            self.lazy.apply(&record, &mut self.lazily_said);
        }
        self.feed.complete(&mut self.said);
        for said in &self.said[before..] {
            if said.sequence != self.sequence {
                return Err(format!("{said:?} is not of command {}", self.sequence));
            }
            if let Some(number) = numbers(&said.message).into_iter().find(|number| *number >= 1 << 36) {
                return Err(format!("{number} is too large a number, in {:?}", said.message));
            }
            self.books.apply(&said.message).map_err(|error| format!("{error} by {:?}", said.message))?;
        }
        let (printed, traded) = (printed(&self.said[before..]), traded(events));
        if printed != traded {
            return Err(format!("{printed:?} were printed and {traded:?} traded"));
        }
        let (crossed, auctioned) = (crossed(&self.said[before..]), auctioned(events));
        if crossed != auctioned {
            return Err(format!("crosses of {crossed:?} were printed and {auctioned:?} traded"));
        }
        self.compare()
    }

    fn compare(&self) -> Result<(), String> {
        let mut snapshot = Books::default();
        let mut shown = Vec::new();
        self.feed.snapshot(|message| {
            snapshot.apply(&message).expect("a snapshot makes sense");
            if let Message::AddOrder(add) = message {
                let side = if add.side == b'B' { Side::Buy } else { Side::Sell };
                shown.push((InstrumentId(u32::from(add.locate) - 1), side, add.price, add.shares));
            }
        });
        let mut expected = Vec::new();
        for listing in self.exchange.listings() {
            let book = self.books.book(listing.instrument.0 as u16 + 1).ok_or("an instrument is missing")?;
            let depth = book.depth(usize::MAX);
            for (side, levels) in [(Side::Buy, &depth.bids), (Side::Sell, &depth.asks)] {
                let units = |price| listing.price_units(price) as u32;
                let ours: Vec<_> = self
                    .exchange
                    .levels(listing.instrument, side)
                    .map(|level| (units(level.price), level.quantity.0, level.orders))
                    .collect();
                let theirs: Vec<_> =
                    levels.iter().map(|level| (level.price, level.shares, level.orders)).collect();
                if ours != theirs {
                    return Err(format!("{side:?} of {}: {theirs:?} and not {ours:?}", listing.symbol));
                }
                let orders = self.exchange.orders(listing.instrument, side).filter(|order| !order.hidden);
                expected.extend(
                    orders.map(|order| (listing.instrument, side, units(order.price()), order.open.0 as u32)),
                );
            }
            let state = match listing.phase {
                Phase::Continuous => b'T',
                Phase::PreOpen | Phase::OpeningAuction | Phase::ClosingAuction => b'Q',
                Phase::VolatilityAuction => b'P',
                _ => b'H',
            };
            if book.state != state {
                return Err(format!("{} is {} and not {}", listing.symbol, book.state, state));
            }
            if self.feed.book(listing.instrument) != Some(book) {
                let own = self.feed.book(listing.instrument);
                return Err(format!("the feed says {book:?}, and has {own:?}"));
            }
            if snapshot.book(listing.instrument.0 as u16 + 1).map(|book| book.depth(usize::MAX))
                != Some(depth)
            {
                return Err(format!("the snapshot of {} is another book", listing.symbol));
            }
        }
        if shown != expected {
            return Err(format!("the snapshot has {shown:?} and not {expected:?}"));
        }
        Ok(())
    }

    /// The one that waits for the next command says the same.
    pub fn end(mut self) -> Result<Vec<Published>, String> {
        self.lazy.complete(&mut self.lazily_said);
        if self.said != self.lazily_said {
            return Err("when a command is known to be complete makes a difference".to_owned());
        }
        Ok(self.said)
    }
}

/// The numbers of orders and trades in it.
fn numbers(message: &Message) -> [u64; 2] {
    match message {
        Message::AddOrder(m) => [m.order.0, 0],
        Message::OrderExecuted(m) => [m.order.0, m.match_number],
        Message::OrderExecutedWithPrice(m) => [m.order.0, m.match_number],
        Message::OrderCancel(m) => [m.order.0, 0],
        Message::OrderDelete(m) => [m.order.0, 0],
        Message::OrderReplace(m) => [m.old_order.0, m.order.0],
        Message::Trade(m) => [m.order.0, m.match_number],
        Message::CrossTrade(m) => [m.match_number, 0],
        _ => [0; 2],
    }
}

/// Lots by trade, but for auctions: as the messages say it.
fn printed(said: &[Published]) -> BTreeMap<u64, u64> {
    let mut lots = BTreeMap::new();
    for said in said {
        let (trade, shares) = match said.message {
            Message::OrderExecuted(m) => (m.match_number, m.shares),
            Message::OrderExecutedWithPrice(m) if m.printable == b'Y' => (m.match_number, m.shares),
            Message::Trade(m) => (m.match_number, m.shares),
            _ => continue,
        };
        *lots.entry(trade).or_default() += u64::from(shares);
    }
    lots
}

/// The same as the events say it.
fn traded(events: &[Event]) -> BTreeMap<u64, u64> {
    let mut lots = BTreeMap::new();
    for event in events {
        if let Event::Order(OrderEvent::Executed(trade)) = event
            && trade.kind == TradeKind::Continuous
        {
            lots.insert(trade.trade.0, trade.quantity.0);
        }
    }
    lots
}

/// Lots of auctions, by instrument and then by price, from the lowest on: as the messages say it.
fn crossed(said: &[Published]) -> Vec<u64> {
    let mut lots = BTreeMap::new();
    for said in said {
        if let Message::CrossTrade(m) = said.message
            && m.shares > 0
        {
            *lots.entry((m.locate, m.price)).or_default() += m.shares;
        }
    }
    lots.into_values().collect()
}

/// The same as the events say it.
fn auctioned(events: &[Event]) -> Vec<u64> {
    let mut lots = BTreeMap::new();
    for event in events {
        if let Event::Order(OrderEvent::Executed(trade)) = event
            && trade.kind != TradeKind::Continuous
        {
            *lots.entry((trade.instrument, trade.price)).or_default() += trade.quantity.0;
        }
    }
    lots.into_values().collect()
}

/// Own orders of which each is kept from trading in a round of its own, until the price of the last round moves.
#[test]
fn every_price_of_an_auction_has_a_cross() {
    let mut watched = Watched::opened(&rich([0; 4]), 1_000);
    let mut user_ref = 0;
    let set = Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade {
        account: AccountId(1),
        prevention: SelfTradePrevention { mode: SelfTrade::CancelOldest, owner: Owner::Account },
        group: GroupId(0),
    }));
    let gather =
        Command::Admin(AdminCommand::SetPhase { instrument: InstrumentId(0), phase: Phase::OpeningAuction });
    for command in [set, gather] {
        watched.apply(Stamp::default(), &command).expect("it is taken");
    }
    let own = (0..12).map(|at| (1, Side::Buy, 80 - at, 20));
    let others = [(3, Side::Buy, 60, 4), (3, Side::Buy, 55, 4)];
    let sells = (0..3).map(|at| (1, Side::Sell, 50 + at, 2));
    for (login, side, ticks, lots) in own.chain(others).chain(sells) {
        user_ref += 1;
        let enter = Enter {
            login: LoginId(login),
            user_ref: UserRef(user_ref),
            side,
            time_in_force: TimeInForce::GoodTillCancel,
            price: OrderPrice::Limit(5 * ticks),
            quantity: Quantity(lots),
            ..Enter::default()
        };
        let events = watched
            .apply(Stamp::default(), &Command::Order(OrderCommand::Enter(enter)))
            .expect("it is taken");
        assert!(matches!(events[..], [Event::Order(OrderEvent::Accepted(_))]), "{events:?}");
    }
    let go = Command::Admin(AdminCommand::SetPhase { instrument: InstrumentId(0), phase: Phase::Continuous });
    let events = watched.apply(Stamp::default(), &go).expect("the messages say what the events say");
    assert_eq!(auctioned(&events), [2, 4], "{events:?}");
    let rounds =
        events.iter().filter(|event| matches!(event, Event::Market(MarketEvent::Uncrossed(_)))).count();
    assert_eq!(rounds, 8);
}

fn run(opening: &[Command], orders_max: u32, steps: &[Step]) -> Result<Vec<Published>, String> {
    let mut watched = Watched::opened(opening, orders_max);
    let mut clients = Clients::new();
    for (at, step) in steps.iter().enumerate() {
        let (stamp, command) = clients.command(step, &watched.exchange);
        let events = watched.apply(stamp, &command)?;
        clients.note(&events);
        if at % 16 == 3 {
            // What is written down goes on in the same way.
            watched.feed = Feed::from_bytes(&watched.feed.to_bytes()).map_err(|error| error.to_string())?;
        }
        if at % 64 == 40 {
            let session = watched.feed.session() + 1;
            watched.sequence += 1;
            let login = LoginId(0);
            watched.tell(&[
                Event::Venue(VenueEvent::SessionEnded { login }),
                Event::Venue(VenueEvent::SessionRolled { session }),
                Event::Venue(VenueEvent::SessionStarted { login, session }),
            ])?;
        }
    }
    watched.end()
}

macro_rules! subject {
    ($name:ident, $steps:expr, $cases:literal, $opening:expr) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: cases($cases), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

            #[test]
            fn $name(few in prop::bool::weighted(0.1), steps in prop::collection::vec($steps, 20..200)) {
                let orders_max = if few { ORDERS_MAX } else { 1_000 };
                run(&$opening([100, 200, -3_000, 4_000]), orders_max, &steps).map_err(TestCaseError::fail)?;
            }
        }
    };
}

subject!(plain_orders, subjects::plain(subjects::FEW_TICKS), 60, rich);
subject!(deep_books, subjects::deep(), 40, rich);
subject!(auctions, subjects::auctions(), 200, rich);
subject!(triggers, subjects::triggers(), 100, rich);
subject!(icebergs_hidden_orders_and_self_trades, subjects::book(), 200, rich);
subject!(bands, subjects::bands(), 100, rich);
subject!(changing_settings, subjects::changing(), 100, opening);
subject!(everything, subjects::everything(), 200, rich);

/// A run that said nothing would agree with anything.
#[test]
fn a_fixed_run_says_everything() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeMap::<char, usize>::new();
    for subject in [subjects::auctions(), subjects::book(), subjects::triggers(), subjects::everything()] {
        let steps = prop::collection::vec(subject, 200);
        for _ in 0..20 {
            let steps = steps.new_tree(&mut runner).expect("steps").current();
            let said = run(&rich([100, 200, -3_000, 4_000]), 1_000, &steps).expect("it agrees");
            for said in said {
                *kinds.entry(char::from(said.message.kind())).or_default() += 1;
            }
        }
    }
    for kind in "SRHAECXDUPQI".chars() {
        assert!(kinds.get(&kind).copied().unwrap_or_default() > 20, "{kind} is rare: {kinds:?}");
    }
}

#[test]
fn a_session_begins_and_ends_as_the_standard_says() {
    let said = run(&opening([0; 4]), 1_000, &[]).expect("it opens");
    let codes = |said: &[Published]| -> Vec<u8> {
        said.iter()
            .filter_map(|said| match said.message {
                Message::SystemEvent(event) => Some(event.code),
                _ => None,
            })
            .collect()
    };
    assert_eq!(codes(&said), *b"OSQ");
    let first = said.first().expect("something").message;
    assert!(matches!(first, Message::SystemEvent(event) if event.code == event_code::START_OF_MESSAGES));
    let listed = said.iter().filter(|said| matches!(said.message, Message::StockDirectory(_))).count();
    assert_eq!(listed, 3);

    let mut watched = Watched::opened(&opening([0; 4]), 1_000);
    let before = watched.said.len();
    watched.tell(&[Event::Venue(VenueEvent::SessionRolled { session: 1 })]).expect("it rolls");
    assert_eq!(codes(&watched.said[before..]), *b"MECOSQ");
    let symbol = Symbol::default();
    assert!(watched.books.find(symbol).is_none());
}

#[test]
fn damaged_states_are_refused() {
    let mut watched = Watched::opened(&rich([0; 4]), 1_000);
    let _ = watched.apply(Stamp::default(), &Command::Clock(ClockCommand::Tick));
    let bytes = watched.feed.to_bytes();
    assert!(Feed::from_bytes(&bytes).is_ok());
    for cut in 0..bytes.len() {
        assert!(Feed::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    assert!(Feed::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}
