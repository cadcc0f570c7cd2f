//! Other order books of the registry, each behind [`Peer`].
//!
//! Looked at and left out: `limitbook` 0.1.0, whose prices and quantities are decimals.
//!
//! They get the same messages and are asked for one thing that all can say: how many lots each message traded. Each is used
//! as its documentation shows. What they do besides differs: see each type.

use dojima::domain::Side;

#[path = "../../markets/mod.rs"]
pub mod markets;

use markets::flow::{Kind, Message, Report, Tally, Venue};

/// A book that takes messages.
pub trait Peer {
    /// Its name and version.
    const NAME: &str;
    /// Whether it trades as price and time demand, so that the lots traded can be compared.
    const AGREES: bool = true;
    /// An empty book.
    fn new() -> Self;
    /// Lots that the message traded.
    fn apply(&mut self, message: &Message) -> u64;
}

/// Dojima's, with every report written and read.
pub struct Ours {
    venue: markets::venue::Dojima,
    reports: Vec<Report>,
    /// Of all reports.
    pub tally: Tally,
}

impl Peer for Ours {
    const NAME: &str = "dojima";

    fn new() -> Self {
        let (reports, tally) = (Vec::with_capacity(1 << 16), Tally::default());
        Self { venue: markets::venue::Dojima::new(1 << 20), reports, tally }
    }

    fn apply(&mut self, message: &Message) -> u64 {
        let before = self.tally.executed;
        self.reports.clear();
        self.venue.apply(message, &mut self.reports);
        self.tally.take(&self.reports);
        (self.tally.executed - before) / 2
    }
}

/// A B-tree of vectors of orders, one event a message. It knows no immediate-or-cancel: the rest is cancelled by a second
/// call. It does not say whether a cancel found its order; the modifies of these flows always do.
pub struct Lobster(lobster::OrderBook);

impl Lobster {
    fn enter(&mut self, message: &Message, side: Side) -> u64 {
        let side = match side {
            Side::Buy => lobster::Side::Bid,
            Side::Sell => lobster::Side::Ask,
        };
        let (id, qty) = (u128::from(message.id), u64::from(message.quantity));
        let order = lobster::OrderType::Limit { id, side, qty, price: message.price as u64 };
        let (filled, left) = match self.0.execute(order) {
            lobster::OrderEvent::Filled { filled_qty, .. } => (filled_qty, false),
            lobster::OrderEvent::PartiallyFilled { filled_qty, .. } => (filled_qty, true),
            _ => (0, true),
        };
        if message.kind == Kind::ImmediateOrCancel && left {
            self.0.execute(lobster::OrderType::Cancel { id });
        }
        filled
    }
}

impl Peer for Lobster {
    const NAME: &str = "lobster 0.7.0";

    fn new() -> Self {
        Self(lobster::OrderBook::new(20_000, 10, false))
    }

    fn apply(&mut self, message: &Message) -> u64 {
        if matches!(message.kind, Kind::New | Kind::ImmediateOrCancel) {
            return self.enter(message, message.side);
        }
        let cancel = lobster::OrderType::Cancel { id: u128::from(message.old) };
        self.0.execute(cancel);
        if message.kind == Kind::Cancel { 0 } else { self.enter(message, message.side) }
    }
}

/// A single-threaded state machine whose commands return reports. An order's number is that of its command, so the bench
/// keeps which is whose, as a client does.
///
/// It does not agree: a limit order that crosses is matched without its limit (`submit_crossable_order` passes none on), so
/// it trades through prices that it must not reach, and the books part.
pub struct Matchcore {
    book: matchcore::OrderBook,
    sequence: u64,
    numbers: Vec<u64>,
}

impl Matchcore {
    fn execute(&mut self, kind: matchcore::CommandKind) -> matchcore::CommandOutcome {
        let sequence_number = matchcore::SequenceNumber(self.sequence);
        let meta = matchcore::CommandMeta { sequence_number, timestamp: matchcore::Timestamp(self.sequence) };
        self.sequence += 1;
        self.book.execute(&matchcore::Command { meta, kind })
    }

    fn enter(&mut self, message: &Message) -> u64 {
        let side = match message.side {
            Side::Buy => matchcore::Side::Buy,
            Side::Sell => matchcore::Side::Sell,
        };
        let time_in_force = match message.kind {
            Kind::ImmediateOrCancel => matchcore::TimeInForce::Ioc,
            _ => matchcore::TimeInForce::Gtc,
        };
        let quantity = matchcore::Quantity(u64::from(message.quantity));
        let order = matchcore::LimitOrder::new(
            matchcore::Price(message.price as u64),
            matchcore::QuantityPolicy::Standard { quantity },
            matchcore::OrderFlags::new(side, false, time_in_force),
        );
        let order = matchcore::NewOrder::Limit(order);
        let outcome = self.execute(matchcore::CommandKind::Submit(matchcore::SubmitCmd { order }));
        let matchcore::CommandOutcome::Applied(matchcore::CommandReport::Submit(effects)) = outcome else {
            unreachable!("good orders are taken")
        };
        let target = effects.target_order();
        if self.numbers.len() <= message.id as usize {
            self.numbers.resize(message.id as usize + 1, 0);
        }
        self.numbers[message.id as usize] = target.order_id().0;
        target.match_result().map_or(0, |result| result.executed_quantity().0)
    }
}

impl Peer for Matchcore {
    const NAME: &str = "matchcore 0.4.0";
    const AGREES: bool = false;

    fn new() -> Self {
        Self { book: matchcore::OrderBook::new("BOOK"), sequence: 0, numbers: Vec::with_capacity(1 << 20) }
    }

    fn apply(&mut self, message: &Message) -> u64 {
        if matches!(message.kind, Kind::New | Kind::ImmediateOrCancel) {
            return self.enter(message);
        }
        // Where the books have parted, an order that rests in the flow may never have been entered here.
        let number = self.numbers.get(message.old as usize).copied().unwrap_or(u64::MAX);
        let order_id = matchcore::OrderId(number);
        let cancel = matchcore::CancelCmd { order_id, order_kind: matchcore::OrderKind::Limit };
        let outcome = self.execute(matchcore::CommandKind::Cancel(cancel));
        let gone = matches!(outcome, matchcore::CommandOutcome::Rejected(_));
        if gone || message.kind == Kind::Cancel { 0 } else { self.enter(message) }
    }
}

/// A book for many threads at once, here used by one. Trades come through its listener.
pub struct OrderbookRs {
    book: orderbook_rs::OrderBook<()>,
    executed: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl OrderbookRs {
    fn enter(&mut self, message: &Message) {
        let side = match message.side {
            Side::Buy => pricelevel::Side::Buy,
            Side::Sell => pricelevel::Side::Sell,
        };
        let time_in_force = match message.kind {
            Kind::ImmediateOrCancel => pricelevel::TimeInForce::Ioc,
            _ => pricelevel::TimeInForce::Gtc,
        };
        let id = pricelevel::Id::from_u64(u64::from(message.id));
        let (price, quantity) = (message.price as u128, u64::from(message.quantity));
        // An immediate order that finds nothing is an error there; nothing has happened then.
        let _ = self.book.add_limit_order(id, price, quantity, side, time_in_force, None);
    }
}

impl Peer for OrderbookRs {
    const NAME: &str = "orderbook-rs 0.15.3";

    fn new() -> Self {
        let executed = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let seen = std::sync::Arc::clone(&executed);
        let listener = std::sync::Arc::new(move |trade: &orderbook_rs::TradeResult| {
            let lots = trade.match_result.executed_quantity().map_or(0, |quantity| quantity.as_u64());
            seen.fetch_add(lots, std::sync::atomic::Ordering::Relaxed);
        });
        Self { book: orderbook_rs::OrderBook::with_trade_listener("BOOK", listener), executed }
    }

    fn apply(&mut self, message: &Message) -> u64 {
        let before = self.executed.load(std::sync::atomic::Ordering::Relaxed);
        let mut enters = matches!(message.kind, Kind::New | Kind::ImmediateOrCancel);
        if !enters {
            let id = pricelevel::Id::from_u64(u64::from(message.old));
            let found = matches!(self.book.cancel_order(id), Ok(Some(_)));
            enters = found && message.kind == Kind::Modify;
        }
        if enters {
            self.enter(message);
        }
        self.executed.load(std::sync::atomic::Ordering::Relaxed) - before
    }
}
