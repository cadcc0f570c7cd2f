//! What the market is told of icebergs that lose several slices in one trade. The events are written by hand, as the rules
//! have them: one trade per counterparty and price, then a restatement of every iceberg that has lots left and shows new ones.

use dojima::domain::{
    Accepted, AdminEvent, CancelReason, Canceled, Event, EventRecord, Executed, InstrumentId, Listing,
    OrderEvent, OrderId, OrderTerms, Phase, Price, Quantity, RestateReason, Restated, SelfTrade,
    SelfTradePrevented, Side, Symbol, TradeId,
};
use dojima::market::{Books, Feed, Level, Published};
use dojima::wire::itch::Message;

const INSTRUMENT: InstrumentId = InstrumentId(0);
const PRICE: Price = Price(100);

/// A feed, and the book that a receiver makes of it.
#[derive(Default)]
struct Told {
    feed: Feed,
    books: Books,
    events: u64,
    commands: u64,
}

impl Told {
    fn new() -> Self {
        let mut told = Self::default();
        let symbol = Symbol::new("BTC-USDT").expect("a symbol");
        let phase = Phase::Continuous;
        let listing = Listing { instrument: INSTRUMENT, symbol, tick_units: 1, phase, ..Listing::default() };
        told.command(&[Event::Admin(AdminEvent::InstrumentListed(listing))]);
        told
    }

    /// The events of one command; what is said of it, in short, and the number of the first event.
    fn command(&mut self, events: &[Event]) -> (Vec<String>, u64) {
        let (first, mut said) = (self.events + 1, Vec::new());
        self.commands += 1;
        for event in events {
            self.events += 1;
            let (number, sequence) = (self.events, self.commands);
            let record = EventRecord { number, sequence, event: *event, ..EventRecord::default() };
            self.feed.apply(&record, &mut said);
        }
        self.feed.complete(&mut said);
        for Published { message, .. } in &said {
            self.books.apply(message).expect("it fits the book");
        }
        (said.iter().map(|said| short(&said.message)).collect(), first)
    }

    /// The offers, first come first: order and lots.
    fn offers(&self) -> Vec<(u64, u32)> {
        let mut offers = Vec::new();
        self.feed.snapshot(|message| {
            if let Message::AddOrder(add) = message {
                offers.push((add.order.0, add.shares));
            }
        });
        offers
    }

    fn level(&self) -> Option<(u64, u32)> {
        let (_, ask) = self.books.book(1).expect("the instrument").top();
        ask.map(|Level { shares, orders, .. }| (shares, orders))
    }

    fn volume(&self) -> u64 {
        self.books.book(1).expect("the instrument").volume
    }
}

fn short(message: &Message) -> String {
    match message {
        Message::AddOrder(m) => format!("A {} {}", name(m.order), m.shares),
        Message::OrderExecuted(m) => format!("E {} {} !{}", name(m.order), m.shares, m.match_number),
        Message::Trade(m) => {
            format!(
                "P {} {} @ {} {} !{}",
                name(m.order),
                m.shares,
                m.price,
                char::from(m.side),
                m.match_number
            )
        }
        Message::OrderCancel(m) => format!("X {} {}", name(m.order), m.shares),
        Message::OrderDelete(m) => format!("D {}", name(m.order)),
        message => format!("{}", char::from(message.kind())),
    }
}

/// Slices by the event that showed them.
fn name(order: OrderId) -> String {
    order.slice_event().map_or_else(|| format!("#{}", order.0), |event| format!("slice {event}"))
}

fn rests(order: u64, lots: u64, display_quantity: u32) -> Event {
    Event::Order(OrderEvent::Accepted(Accepted {
        terms: OrderTerms {
            order: OrderId(order),
            instrument: INSTRUMENT,
            side: Side::Sell,
            price: Some(PRICE),
            quantity: Quantity(lots),
            display_quantity,
            ..OrderTerms::default()
        },
        ..Accepted::default()
    }))
}

fn comes(order: u64, lots: u64) -> Event {
    let Event::Order(OrderEvent::Accepted(accepted)) = rests(order, lots, 0) else { unreachable!() };
    Event::Order(OrderEvent::Accepted(Accepted {
        terms: OrderTerms { side: Side::Buy, ..accepted.terms },
        ..accepted
    }))
}

fn trade(number: u64, maker: u64, taker: u64, lots: u64) -> Event {
    Event::Order(OrderEvent::Executed(Executed {
        trade: TradeId(number),
        instrument: INSTRUMENT,
        taker_side: Side::Buy,
        price: PRICE,
        quantity: Quantity(lots),
        maker_order: OrderId(maker),
        taker_order: OrderId(taker),
        ..Executed::default()
    }))
}

fn shows(order: u64, displayed: u64, open: u64) -> Event {
    Event::Order(OrderEvent::Restated(Restated {
        login: Default::default(),
        user_ref: Default::default(),
        order: OrderId(order),
        price: Some(PRICE),
        displayed: Quantity(displayed),
        open: Quantity(open),
        reserved: Default::default(),
        reason: RestateReason::Refreshed,
    }))
}

fn prevented(order: u64, lots: u64, open: u64) -> Event {
    let (instrument, price, quantity, mode) = (INSTRUMENT, PRICE, Quantity(lots), SelfTrade::DecrementBoth);
    let incoming = order != 1;
    Event::Order(OrderEvent::Canceled(Canceled {
        login: Default::default(),
        user_ref: Default::default(),
        order: OrderId(order),
        decrement: Quantity(lots),
        open: Quantity(open),
        reserved: Default::default(),
        reason: CancelReason::SelfTradePrevented(SelfTradePrevented {
            instrument,
            price,
            quantity,
            mode,
            incoming,
        }),
    }))
}

#[test]
fn the_lots_behind_the_slice_are_a_trade_that_no_order_shows() {
    let mut told = Told::new();
    told.command(&[rests(1, 25, 10)]);
    // Two rounds and a half: the slice of 10, the next one of 10, 2 of the last 5.
    let (said, first) = told.command(&[comes(2, 22), trade(1, 1, 2, 22), shows(1, 3, 3)]);
    let slice = format!("slice {}", first + 2);
    assert_eq!(said, ["E #1 10 !1", "P #0 12 @ 100 S !1", &format!("A {slice} 3")]);
    assert_eq!((told.level(), told.volume()), (Some((3, 1)), 22));
    // The last lots of it go without a word more.
    let (said, _) = told.command(&[comes(3, 3), trade(2, 1, 3, 3)]);
    assert_eq!(said, [format!("E {slice} 3 !2")]);
    assert_eq!((told.level(), told.volume(), told.feed.orders()), (None, 25, 0));
}

#[test]
fn an_iceberg_that_goes_whole_shows_nothing_new() {
    let mut told = Told::new();
    told.command(&[rests(1, 25, 10)]);
    let (said, _) = told.command(&[comes(2, 30), trade(1, 1, 2, 25)]);
    assert_eq!(said, ["E #1 10 !1", "P #0 15 @ 100 S !1", "A #2 5"]);
    assert_eq!((told.level(), told.volume()), (None, 25));
    assert_eq!(told.feed.orders(), 1, "the buy that rests");
}

#[test]
fn a_slice_that_is_not_used_up_stays_the_same_order() {
    let mut told = Told::new();
    told.command(&[rests(1, 25, 10)]);
    assert_eq!(told.command(&[comes(2, 4), trade(1, 1, 2, 4)]).0, ["E #1 4 !1"]);
    assert_eq!(told.offers(), [(1, 6)]);
    // The rest of the slice and not a lot more: one round.
    let (said, first) = told.command(&[comes(3, 6), trade(2, 1, 3, 6), shows(1, 10, 15)]);
    assert_eq!(said, ["E #1 6 !2".to_owned(), format!("A slice {} 10", first + 2)]);
    // The rest of a slice, a whole one, and part of the last.
    told.command(&[comes(4, 7), trade(3, 1, 4, 7)]);
    let (said, last) = told.command(&[comes(5, 6), trade(4, 1, 5, 6), shows(1, 2, 2)]);
    let (old, new) = (format!("slice {}", first + 2), format!("slice {}", last + 2));
    assert_eq!(said, [format!("E {old} 3 !4"), "P #0 3 @ 100 S !4".to_owned(), format!("A {new} 2")]);
    assert_eq!((told.level(), told.volume()), (Some((2, 1)), 23));
}

#[test]
fn new_slices_queue_up_in_the_order_of_their_restatements() {
    let mut told = Told::new();
    told.command(&[rests(1, 10, 2)]);
    told.command(&[rests(2, 5, 0)]);
    told.command(&[rests(3, 10, 3)]);
    // Round 1: 2, 5 and 3 lots. Round 2: 2 of the first, 3 of the third. Round 3: 1 of the first.
    let (said, first) = told.command(&[
        comes(4, 16),
        trade(1, 1, 4, 5),
        trade(2, 2, 4, 5),
        trade(3, 3, 4, 6),
        shows(1, 1, 5),
        shows(3, 3, 4),
    ]);
    let (one, three) = (first + 4, first + 5);
    let expected = [
        "E #1 2 !1",
        "P #0 3 @ 100 S !1",
        "E #2 5 !2",
        "E #3 3 !3",
        "P #0 3 @ 100 S !3",
        &format!("A slice {one} 1"),
        &format!("A slice {three} 3"),
    ];
    assert_eq!(said, expected);
    let slices = [one, three].map(|event| OrderId::of_slice(event).0);
    assert_eq!(told.offers(), [(slices[0], 1), (slices[1], 3)]);
    assert_eq!((told.level(), told.volume()), (Some((4, 2)), 16));
    let prints = told.books.book(1).expect("the instrument").prints();
    let prints: Vec<_> = prints.map(|print| (print.match_number, print.shares)).collect();
    assert_eq!(prints, [(3, 6), (2, 5), (1, 5)], "a trade is one print");
    // The other order of places.
    let (_, first) = told.command(&[comes(5, 1), trade(4, 1, 5, 1), shows(1, 2, 4)]);
    assert_eq!(told.offers(), [(slices[1], 3), (OrderId::of_slice(first + 2).0, 2)]);
}

#[test]
fn an_own_iceberg_loses_all_rounds_at_once() {
    let mut told = Told::new();
    told.command(&[rests(1, 25, 10)]);
    let (said, first) =
        told.command(&[comes(2, 22), prevented(1, 22, 3), prevented(2, 22, 0), shows(1, 3, 3)]);
    assert_eq!(said, ["D #1".to_owned(), format!("A slice {} 3", first + 3)]);
    assert_eq!((told.level(), told.volume()), (Some((3, 1)), 0));
}

/// What is written down between two commands goes on in the same way.
#[test]
fn slices_survive_a_start() {
    let mut told = Told::new();
    told.command(&[rests(1, 25, 10)]);
    let (_, first) = told.command(&[comes(2, 22), trade(1, 1, 2, 22), shows(1, 3, 3)]);
    let mut again = Told { feed: Feed::from_bytes(&told.feed.to_bytes()).expect("it reads"), ..told };
    assert_eq!(again.offers(), [(OrderId::of_slice(first + 2).0, 3)]);
    assert_eq!(again.command(&[comes(3, 2), trade(2, 1, 3, 2)]).0, [format!("E slice {} 2 !2", first + 2)]);
    assert_eq!(again.level(), Some((1, 1)));
}
