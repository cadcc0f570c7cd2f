//! What orders can have looked at in vain at most (docs/RULES.md, "Parts" and "Work in vain"), by the events and by how many orders
//! were open: whether an order that was cancelled for `WorkLimit` may have been.

use super::live_orders;
use dojima::domain::{
    AccountId, CancelReason, Command, Enter, Event, Instructions, InstrumentId, LoginId, OrderCommand,
    OrderEvent, OrderId, OrderState, OrderTerms, QuantityUnit, RejectReason, RestateReason, Side, Stamp,
    Timestamp,
};
use dojima::exchange::Exchange;
use std::collections::BTreeMap;

/// What an order of the other side counts at most: the incoming order, and two looks at it, its slices and the order that it is
/// linked to.
pub const TOUCHES_MOST: usize = 7;
/// What an iceberg counts that comes again.
const OF_REFRESH: usize = 10;
/// Levels over which an amount is walked.
const LEVELS_OF_AMOUNT: usize = 100;
/// What an account may look at in vain in one second, in what one order may touch.
const ORDERS_A_SECOND: usize = 10;

/// What an order looks for before it trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sought {
    Nothing,
    Minimum,
    Lots,
}

/// An order that is matched, or waits to be.
#[derive(Clone, Copy, Debug)]
struct Looker {
    order: OrderId,
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    sought: Sought,
}

/// Why an order that was cancelled for `WorkLimit` may have been.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub order: OrderId,
    /// Its account may have looked in vain at as much as it may, or the command's orders at as much as they may.
    pub without_a_look: bool,
    /// Orders that it may have met, own ones included. There are no more levels.
    pub others: usize,
    /// What one order may touch.
    pub limit: usize,
}

impl Cut {
    /// Whether there is any reason for it.
    pub fn is_possible(&self) -> bool {
        self.without_a_look || self.others * TOUCHES_MOST >= self.limit
    }
}

/// How many orders are open, by instrument and side.
pub type Open = BTreeMap<(InstrumentId, Side), usize>;

pub fn open_orders(exchange: &Exchange) -> Open {
    let mut open = Open::new();
    for order in live_orders(exchange) {
        *open.entry((order.instrument, order.side)).or_default() += 1;
    }
    open
}

/// What a command came to.
#[derive(Debug, Default)]
pub struct Read {
    /// The orders that were cancelled for `WorkLimit`.
    pub cuts: Vec<Cut>,
    /// Whether its order was refused for a rate, or for what the account has looked at; and whether the account may have looked at
    /// as much as it may.
    pub refused: bool,
    pub is_used_up: bool,
}

/// What all accounts can have looked at.
#[derive(Debug, Default)]
pub struct Looks {
    /// By account: the second, and how much in it.
    counted: BTreeMap<AccountId, (u64, usize)>,
    waiting: BTreeMap<OrderId, Looker>,
}

/// One command, as far as its events have been read.
struct Reading<'a> {
    second: u64,
    limit: usize,
    open: Open,
    exchange: &'a Exchange,
    looked: usize,
    /// The order that is matched, its lots traded, and icebergs that came again.
    present: Option<Looker>,
    traded: bool,
    refreshed: usize,
}

impl Reading<'_> {
    fn account_of(&self, login: LoginId) -> AccountId {
        self.exchange.logins()[login.0 as usize].account
    }

    fn others(&self, instrument: InstrumentId, side: Side) -> usize {
        self.open.get(&(instrument, side.opposite())).copied().unwrap_or_default()
    }
}

impl Looks {
    /// Whether orders of the account can have looked in vain at as much as they may in the present second.
    fn may_be_used_up(&self, account: AccountId, reading: &Reading) -> bool {
        let counted = self.counted.get(&account).filter(|(second, _)| *second == reading.second);
        counted.is_some_and(|(_, much)| *much >= ORDERS_A_SECOND * reading.limit)
    }

    /// Reads what a command came to: so many orders were open before it, and an order might touch so many.
    pub fn read(
        &mut self,
        (stamp, command): (Stamp, &Command),
        (open, limit): (Open, usize),
        exchange: &Exchange,
        events: &[Event],
    ) -> Read {
        let second = stamp.time.0 / Timestamp::SECOND;
        let (present, traded, refreshed) = (None, false, 0);
        let mut reading = Reading { second, limit, open, exchange, looked: 0, present, traded, refreshed };
        let mut read = Read::default();
        for event in events {
            let Event::Order(event) = event else { continue };
            match event {
                OrderEvent::Accepted(e) => self.begun(&mut reading, command, e.login, &e.terms),
                OrderEvent::Replaced(e) => {
                    self.waiting.remove(&e.orig_order);
                    self.begun(&mut reading, command, e.login, &e.terms);
                }
                OrderEvent::Triggered(e) => {
                    self.end(&mut reading);
                    reading.present = self.waiting.remove(&e.order);
                }
                OrderEvent::Executed(e) => {
                    reading.traded |= reading.present.is_some_and(|present| present.order == e.taker_order);
                }
                OrderEvent::Restated(e) if e.reason == RestateReason::Refreshed => reading.refreshed += 1,
                OrderEvent::Canceled(e) if e.open.0 == 0 => {
                    self.waiting.remove(&e.order);
                    if e.reason == CancelReason::WorkLimit {
                        read.cuts.push(self.cut(&reading, e.order));
                    }
                }
                OrderEvent::Rejected(e) => {
                    self.end(&mut reading);
                    read.refused = e.reason == RejectReason::OrderRateExceeded;
                    read.is_used_up = self.may_be_used_up(reading.account_of(e.login), &reading);
                    self.refused(&mut reading, command);
                }
                _ => {}
            }
        }
        self.end(&mut reading);
        read
    }

    /// An order is matched, or waits.
    fn begun(&mut self, reading: &mut Reading, command: &Command, login: LoginId, terms: &OrderTerms) {
        self.end(reading);
        let &OrderTerms { order, instrument, side, .. } = terms;
        *reading.open.entry((instrument, side)).or_default() += 1;
        let sought = asked(command).map_or(Sought::Nothing, sought_by);
        let looker = Looker { order, account: reading.account_of(login), instrument, side, sought };
        match terms.state {
            OrderState::Live => reading.present = Some(looker),
            OrderState::Dormant => drop(self.waiting.insert(order, looker)),
        }
    }

    /// The present order has been matched: what it looked at in vain at most.
    fn end(&mut self, reading: &mut Reading) {
        let again = std::mem::take(&mut reading.refreshed).saturating_sub(1);
        let traded = std::mem::take(&mut reading.traded);
        let Some(present) = reading.present.take() else { return };
        let others = reading.others(present.instrument, present.side);
        let in_vain = match present.sought {
            _ if traded => 0,
            Sought::Nothing => 0,
            Sought::Minimum => others.min(reading.limit) + (TOUCHES_MOST * others).min(reading.limit),
            Sought::Lots => others.min(LEVELS_OF_AMOUNT),
        };
        if present.sought == Sought::Minimum {
            reading.looked += in_vain;
        }
        self.count(present.account, reading.second, in_vain + OF_REFRESH * again);
    }

    /// An amount was walked over levels, maybe, before the order was refused.
    fn refused(&mut self, reading: &mut Reading, command: &Command) {
        let Command::Order(OrderCommand::Enter(Enter { login, instrument, side, .. })) = command else {
            return;
        };
        if asked(command).is_some_and(|asks| sought_by(asks) == Sought::Lots) {
            let levels = reading.others(*instrument, *side).min(LEVELS_OF_AMOUNT);
            self.count(reading.account_of(*login), reading.second, levels);
        }
    }

    fn count(&mut self, account: AccountId, second: u64, more: usize) {
        let (of, much) = self.counted.entry(account).or_default();
        if *of != second {
            (*of, *much) = (second, 0);
        }
        *much += more;
    }

    fn cut(&self, reading: &Reading, order: OrderId) -> Cut {
        let present = reading.present.filter(|present| present.order == order);
        let present = present.expect("only the order that is matched has touched too much");
        let of_account = self.may_be_used_up(present.account, reading);
        let of_command = present.sought == Sought::Minimum && reading.looked >= reading.limit;
        let others = reading.others(present.instrument, present.side);
        Cut { order, without_a_look: of_account || of_command, others, limit: reading.limit }
    }
}

fn sought_by(asks: &Instructions) -> Sought {
    match asks.unit {
        QuantityUnit::QuoteAmount => Sought::Lots,
        _ if asks.min_quantity > 0 => Sought::Minimum,
        QuantityUnit::Lots => Sought::Nothing,
    }
}

/// What a new order or a replace asks for.
pub fn asked(command: &Command) -> Option<&Instructions> {
    match command {
        Command::Order(OrderCommand::Enter(enter)) => enter.instructions.as_ref(),
        Command::Order(OrderCommand::Replace(replace)) => replace.instructions.as_ref(),
        _ => None,
    }
}
