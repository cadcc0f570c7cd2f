//! What must hold whatever is entered, by the engine's events alone: a minimum quantity is all or nothing, and it trades
//! whenever it could; no balance is ever below zero; no order touches more than it may, and none is cancelled for it that
//! did not have to be; the work of a command is bounded by the orders that it touches.

use super::looks::{Cut, Looks, TOUCHES_MOST, asked, open_orders};
use super::steps::{Action, Clients, Number, Step};
use super::{FEW_TICKS, FEW_TOUCHED, cases, coins, fees, opening, queues, rich, subjects, touched_at_most};
use crate::exchange::apply_at;
use dojima::domain::{
    AccountId, AssetId, CancelReason, Canceled, Command, Enter, Event, Instructions, LoginId, OrderCommand,
    OrderEvent, OrderId, OrderPrice, OrderState, Quantity, RestateReason, Side, Stamp, TimeInForce,
    TradeKind, Trigger, TriggerKind, TriggerReference, VenueLimits,
};
use dojima::exchange::{Exchange, ExchangeLimits};
use proptest::prelude::*;
use proptest::strategy::{Union, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, BTreeSet};

/// An order and so many events, and as many for each order that it touches: a trade or two cancels, and two restatements.
const EVENTS_PER_ORDER: usize = 4;

/// What an order of the other side counts at least.
const TOUCHES_LEAST: usize = 2;

/// What an order that was accepted, replaced or released has promised.
#[derive(Clone, Copy, Debug)]
struct Promise {
    least: u64,
    open: u64,
    all: bool,
}

/// The same exchange, but that an order that waits was entered without its minimum quantity.
struct Twin {
    exchange: Exchange,
    order: OrderId,
}

/// How often there was something to compare.
#[derive(Debug, Default)]
struct Compared {
    traded: u32,
    canceled: u32,
    of_work_limit: u32,
    without_a_look: u32,
    refused: u32,
    released: u32,
    touched_most: u32,
}

struct Watched {
    exchange: Exchange,
    /// Of orders that wait.
    promises: BTreeMap<OrderId, Promise>,
    twin: Option<Twin>,
    looks: Looks,
    compared: Compared,
}

impl Watched {
    fn opened(opening: &[Command], limits: VenueLimits) -> Self {
        let mut exchange = Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() });
        opening.iter().for_each(|command| drop(apply_at(&mut exchange, Stamp::default(), command)));
        let (promises, looks, compared) = (BTreeMap::new(), Looks::default(), Compared::default());
        Self { exchange, promises, twin: None, looks, compared }
    }

    fn apply(&mut self, stamp: Stamp, command: &Command) -> Result<Vec<Event>, TestCaseError> {
        let free = without_minimum(command).map(|free| (self.exchange.clone(), free));
        let limit = self.exchange.limits().orders_touched_max as usize;
        let open = open_orders(&self.exchange);
        let events = apply_at(&mut self.exchange, stamp, command);
        let read = self.looks.read((stamp, command), (open, limit), &self.exchange, &events);
        for cut in &read.cuts {
            prop_assert!(cut.is_possible(), "{cut:?}: {events:?}");
        }
        self.balances_are_not_negative(command)?;
        self.work_is_bounded(&events, limit)?;
        let mut told = None;
        if let Some(twin) = &mut self.twin {
            let theirs = apply_at(&mut twin.exchange, stamp, command);
            told = Some((twin.order, theirs));
        }
        if read.refused
            && let Some((mut exchange, free)) = free.clone()
            && begun(&apply_at(&mut exchange, stamp, &free)).is_some()
        {
            prop_assert!(read.is_used_up, "{command:?} is refused for what its account has looked at");
            self.compared.refused += 1;
        }
        if let (Some(promise), Some(order)) = (promised(command, &events), begun(&events)) {
            self.promises.insert(order, promise);
            let (mut exchange, free) = free.expect("it has a minimum");
            let theirs = apply_at(&mut exchange, stamp, &free);
            if matched(&events, order) {
                self.compare(order, promise, &events, &theirs, &read.cuts)?;
            } else if self.twin.is_none() {
                self.twin = Some(Twin { exchange, order });
            }
        }
        if let Some((order, theirs)) = told {
            match self.promises.get(&order).copied() {
                Some(promise) if matched(&events, order) => {
                    self.compared.released += 1;
                    self.compare(order, promise, &events, &theirs, &read.cuts)?;
                    self.twin = None;
                }
                _ => prop_assert_eq!(
                    &events,
                    &theirs,
                    "a minimum quantity did something while its order waited"
                ),
            }
        }
        self.promises_are_kept(&events)?;
        if self.twin.as_ref().is_some_and(|twin| !self.promises.contains_key(&twin.order)) {
            self.twin = None;
        }
        Ok(events)
    }

    /// What was matched is held against its promise; it, and what is gone, has none any more.
    fn promises_are_kept(&mut self, events: &[Event]) -> Result<(), TestCaseError> {
        let matched: Vec<_> = self
            .promises
            .iter()
            .filter(|(order, _)| matched(events, **order))
            .map(|(o, p)| (*o, *p))
            .collect();
        for (order, promise) in matched {
            let lots = taken(events, order);
            prop_assert!(lots <= promise.open, "{lots} of {promise:?}");
            let good = lots == 0 || if promise.all { lots == promise.open } else { lots >= promise.least };
            prop_assert!(good, "{lots} lots of order {order}, {promise:?}: {events:?}");
            self.promises.remove(&order);
        }
        for event in events {
            match event {
                Event::Order(OrderEvent::Canceled(e)) if e.open.0 == 0 => {
                    self.promises.remove(&e.order);
                }
                Event::Order(OrderEvent::Replaced(e)) => drop(self.promises.remove(&e.orig_order)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The same command without the minimum says what could have traded.
    fn compare(
        &mut self,
        order: OrderId,
        promise: Promise,
        events: &[Event],
        free: &[Event],
        cuts: &[Cut],
    ) -> Result<(), TestCaseError> {
        if let Some(cut) = cuts.iter().find(|cut| cut.order == order) {
            return self.compare_limited(cut, promise.least, events, free);
        }
        if taken(free, order) >= promise.least {
            prop_assert_eq!(events, free, "{:?} could trade", promise);
            self.compared.traded += 1;
            return Ok(());
        }
        prop_assert_eq!(taken(events, order), 0, "{:?}, but {:?} could trade", promise, free);
        let refused = |e: &Canceled| matches!(e.reason, CancelReason::TriggerRefused(_));
        let why = canceled_rest(events, order);
        if !why.is_some_and(refused) {
            let why = why.map(|e| e.reason);
            prop_assert_eq!(why, Some(CancelReason::MinimumQuantity), "{:?}: {:?}", promise, events);
        }
        self.compared.canceled += 1;
        Ok(())
    }

    /// An order with a minimum may meet fewer orders, for each counts more: it trades with those that the other one trades
    /// with first, no more than that one does (of icebergs it may miss later slices). It is cancelled before it trades where
    /// so much was looked at in vain before it, or where there are more levels than it may look at; else only where the other
    /// one has met as many orders as it may touch.
    fn compare_limited(
        &mut self,
        cut: &Cut,
        least: u64,
        events: &[Event],
        free: &[Event],
    ) -> Result<(), TestCaseError> {
        let order = cut.order;
        let trades = |event: &Event| match event {
            Event::Order(OrderEvent::Executed(e)) if e.taker_order == order => {
                Some((e.price, e.maker_order, e.quantity))
            }
            _ => None,
        };
        let (traded, mut could) = (events.iter().filter_map(trades), free.iter().filter_map(trades));
        for (price, maker, lots) in traded {
            let first = could.next();
            let good = first.is_some_and(|(at, with, most)| (at, with) == (price, maker) && lots <= most);
            prop_assert!(good, "{lots:?} of {maker:?} at {price:?}, but {first:?}: {events:?}, {free:?}");
        }
        self.compared.of_work_limit += 1;
        let reached = others_of(free, order).len();
        if reached >= cut.limit.div_ceil(TOUCHES_MOST) {
            return Ok(());
        }
        let too_many_levels = taken(free, order) < least && cut.others > cut.limit;
        let good = taken(events, order) == 0 && (cut.without_a_look || too_many_levels);
        prop_assert!(good, "WorkLimit after {reached} orders, {cut:?}: {events:?}");
        self.compared.without_a_look += u32::from(cut.without_a_look);
        Ok(())
    }

    fn balances_are_not_negative(&self, command: &Command) -> Result<(), TestCaseError> {
        let accounts = (0..self.exchange.accounts_count() as u32).map(AccountId);
        let assets = 0..self.exchange.assets().len() as u16;
        for (account, asset) in
            accounts.flat_map(|account| assets.clone().map(move |id| (account, AssetId(id))))
        {
            let balance = self.exchange.balance(account, asset).expect("both are known");
            let good = balance.available.0 >= 0 && balance.reserved.0 >= 0;
            prop_assert!(good, "{balance:?} of account {account}, asset {asset}, after {command:?}");
        }
        Ok(())
    }

    fn work_is_bounded(&mut self, events: &[Event], limit: usize) -> Result<(), TestCaseError> {
        let mut pairs = BTreeSet::new();
        let mut named = BTreeSet::new();
        let mut incoming = OrderId(0);
        let mut told = 0;
        for event in events {
            told += 1;
            match event {
                Event::Order(OrderEvent::Accepted(e)) => incoming = e.terms.order,
                Event::Order(OrderEvent::Replaced(e)) => incoming = e.terms.order,
                Event::Order(OrderEvent::Triggered(e)) => incoming = e.order,
                Event::Order(OrderEvent::Executed(e)) => {
                    pairs.insert((e.taker_order, e.maker_order));
                }
                Event::Order(OrderEvent::Canceled(e)) => {
                    let own = matches!(e.reason, CancelReason::SelfTradePrevented(why) if !why.incoming);
                    if own {
                        pairs.insert((incoming, e.order));
                    }
                    named.insert(e.order);
                }
                Event::Order(OrderEvent::Restated(e)) if e.reason != RestateReason::Refreshed => {
                    named.insert(e.order);
                }
                Event::Order(
                    OrderEvent::Restated(_)
                    | OrderEvent::Armed(_)
                    | OrderEvent::PriorityUpdated(_)
                    | OrderEvent::Amended(_),
                ) => {}
                _ => told -= 1,
            }
            named.insert(incoming);
        }
        let bound = EVENTS_PER_ORDER * (1 + pairs.len() + named.len());
        prop_assert!(told <= bound, "{told} events, {} trades, {} orders", pairs.len(), named.len());
        let incoming: BTreeSet<_> = pairs.iter().map(|(incoming, _)| *incoming).collect();
        let most = incoming.into_iter().map(|order| others_of(events, order).len()).max().unwrap_or_default();
        prop_assert!(most <= limit.div_ceil(TOUCHES_LEAST), "an order met {most} others: {events:?}");
        self.compared.touched_most = self.compared.touched_most.max(most as u32);
        Ok(())
    }
}

/// The same without its minimum quantity, if it has one.
fn without_minimum(command: &Command) -> Option<Command> {
    let asks = asked(command).filter(|asks| asks.min_quantity > 0)?;
    let instructions = Some(Instructions { min_quantity: 0, ..*asks });
    match command {
        Command::Order(OrderCommand::Enter(enter)) => {
            Some(Command::Order(OrderCommand::Enter(Enter { instructions, ..*enter })))
        }
        Command::Order(OrderCommand::Replace(replace)) => {
            Some(Command::Order(OrderCommand::Replace(dojima::domain::Replace { instructions, ..*replace })))
        }
        _ => None,
    }
}

/// What a command that was heeded has promised.
fn promised(command: &Command, events: &[Event]) -> Option<Promise> {
    let least = u64::from(asked(command)?.min_quantity);
    let (open, immediate) = events.iter().find_map(|event| match event {
        Event::Order(OrderEvent::Accepted(e)) => Some((e.terms.quantity.0, e.terms.time_in_force)),
        Event::Order(OrderEvent::Replaced(e)) => Some((e.terms.quantity.0, e.terms.time_in_force)),
        _ => None,
    })?;
    let all = immediate == TimeInForce::ImmediateOrCancel && least >= open;
    (least > 0).then_some(Promise { least, open, all })
}

/// The order that the command brought.
fn begun(events: &[Event]) -> Option<OrderId> {
    events.iter().find_map(|event| match event {
        Event::Order(OrderEvent::Accepted(e)) => Some(e.terms.order),
        Event::Order(OrderEvent::Replaced(e)) => Some(e.terms.order),
        _ => None,
    })
}

/// Whether it was matched, or refused when it was to be.
fn matched(events: &[Event], order: OrderId) -> bool {
    events.iter().any(|event| match event {
        Event::Order(OrderEvent::Accepted(e)) => e.terms.order == order && e.terms.state == OrderState::Live,
        Event::Order(OrderEvent::Replaced(e)) => e.terms.order == order && e.terms.state == OrderState::Live,
        Event::Order(OrderEvent::Triggered(e)) => e.order == order,
        _ => false,
    })
}

/// The lots that it took from orders that rested.
fn taken(events: &[Event], order: OrderId) -> u64 {
    let lots = |event: &Event| match event {
        Event::Order(OrderEvent::Executed(e))
            if e.taker_order == order && e.kind == TradeKind::Continuous =>
        {
            e.quantity.0
        }
        _ => 0,
    };
    events.iter().map(lots).sum()
}

/// The orders of the other side that it met when it came: it traded with them, or they lost lots or went for being its owner's.
fn others_of(events: &[Event], order: OrderId) -> BTreeSet<OrderId> {
    let mut incoming = OrderId(0);
    let mut others = BTreeSet::new();
    for event in events {
        match event {
            Event::Order(OrderEvent::Accepted(e)) => incoming = e.terms.order,
            Event::Order(OrderEvent::Replaced(e)) => incoming = e.terms.order,
            Event::Order(OrderEvent::Triggered(e)) => incoming = e.order,
            Event::Order(OrderEvent::Executed(e))
                if e.taker_order == order && e.kind == TradeKind::Continuous =>
            {
                others.insert(e.maker_order);
            }
            Event::Order(OrderEvent::Canceled(e)) if incoming == order => {
                if matches!(e.reason, CancelReason::SelfTradePrevented(why) if !why.incoming) {
                    others.insert(e.order);
                }
            }
            _ => {}
        }
    }
    others
}

/// The cancel of the order, or of what was left of it.
fn canceled_rest(events: &[Event], order: OrderId) -> Option<&Canceled> {
    events.iter().find_map(|event| match event {
        Event::Order(OrderEvent::Canceled(e)) if e.order == order && e.open.0 == 0 => Some(e),
        _ => None,
    })
}

fn watch(opening: &[Command], limits: VenueLimits, steps: &[Step]) -> Result<Compared, TestCaseError> {
    let mut watched = Watched::opened(opening, limits);
    let mut clients = Clients::new();
    for step in steps {
        let (stamp, command) = clients.command(step, &watched.exchange);
        clients.note(&watched.apply(stamp, &command)?);
    }
    Ok(watched.compared)
}

type Opening = fn([i32; 4]) -> Vec<Command>;

/// Every generator, with the money that it is meant for.
fn generators() -> Vec<(Opening, BoxedStrategy<Step>)> {
    vec![
        (opening, subjects::plain(FEW_TICKS)),
        (rich, subjects::deep()),
        (rich, subjects::auctions()),
        (rich, subjects::triggers()),
        (rich, subjects::book()),
        (rich, subjects::bands()),
        (opening, subjects::limits()),
        (opening, subjects::changing()),
        (rich, subjects::everything()),
        (coins, queues::rounds()),
        (rich, queues::rounds()),
        (coins, queues::crowds()),
        (rich, queues::crowds()),
        (rich, queues::in_vain()),
    ]
}

fn any_generator() -> impl Strategy<Value = (Opening, Vec<Step>)> {
    let one = |(opening, step): (Opening, BoxedStrategy<Step>)| {
        (Just(opening), prop::collection::vec(step, 20..200)).boxed()
    };
    Union::new(generators().into_iter().map(one))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(1_500), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn promises_are_kept(
        fees in fees(),
        (opening, steps) in any_generator(),
        narrow in prop::bool::weighted(0.5),
    ) {
        watch(&opening(fees), touched_at_most(if narrow { FEW_TOUCHED } else { 5_000 }), &steps)?;
    }
}

/// Nothing would be compared where no order had a minimum.
#[test]
fn a_fixed_run_compares_enough() {
    let mut runner = TestRunner::deterministic();
    let mut sum = Compared::default();
    for (at, (opening, step)) in generators().into_iter().enumerate() {
        let steps = prop::collection::vec(step, 200);
        for round in 0..80 {
            let steps = steps.new_tree(&mut runner).expect("steps").current();
            let limits = touched_at_most(if round % 2 == 0 { FEW_TOUCHED } else { 5_000 });
            let one = watch(&opening([-4_000, 5_000, 50, 300]), limits, &steps)
                .unwrap_or_else(|error| panic!("{at}, {round}: {error}"));
            sum.traded += one.traded;
            sum.canceled += one.canceled;
            sum.of_work_limit += one.of_work_limit;
            sum.without_a_look += one.without_a_look;
            sum.refused += one.refused;
            sum.released += one.released;
            sum.touched_most = sum.touched_most.max(one.touched_most);
        }
    }
    let Compared { traded, canceled, of_work_limit, without_a_look, refused, released, touched_most } = sum;
    assert!(traded > 100 && canceled > 100 && of_work_limit > 4 && released > 10, "{sum:?}");
    assert!(without_a_look > 0 && refused > 10, "{sum:?}");
    assert!(touched_most as usize >= FEW_TOUCHED as usize / TOUCHES_LEAST, "{sum:?}");
}

/// Its trigger has come when it is accepted, and its account has looked in vain at as much as it may: it is cancelled without a
/// look, though it could trade.
#[test]
fn an_order_that_may_not_look_may_be_cancelled() {
    let order = |login, side, price, lots, asks: Instructions| {
        let (login, quantity, instructions) = (LoginId(login), Quantity(lots), Some(asks));
        let time_in_force = match side {
            Side::Buy => TimeInForce::ImmediateOrCancel,
            Side::Sell => TimeInForce::GoodTillCancel,
        };
        let enter = Enter { login, side, price, quantity, time_in_force, instructions, ..Enter::default() };
        Step { wait: 0, action: Action::Enter(enter, Number::Fresh(1)) }
    };
    let nothing = Instructions::default();
    let of_all = |lots| Instructions { min_quantity: lots, ..nothing };
    let levels = u64::from(FEW_TOUCHED) + 2;
    let mut steps: Vec<_> = (0..levels)
        .map(|at| order(3, Side::Sell, OrderPrice::Limit(200 + 5 * at as i64), 2, nothing))
        .collect();
    steps.push(order(1, Side::Buy, OrderPrice::Market, 2, nothing));
    // Each looks at as many levels as it may.
    let looks = order(1, Side::Buy, OrderPrice::Limit(500), 4 * levels, of_all(4 * levels as u32));
    steps.extend(vec![looks.clone(); 10]);
    let trigger = Trigger { kind: TriggerKind::Stop, reference: TriggerReference::LastTrade, price: 195 };
    let waits = Instructions { trigger: Some(trigger), ..of_all(2) };
    steps.push(order(1, Side::Buy, OrderPrice::Market, 2, waits));
    steps.push(looks);
    let compared = watch(&rich([0; 4]), touched_at_most(FEW_TOUCHED), &steps).expect("it is as it may be");
    let Compared { traded, canceled, of_work_limit, without_a_look, refused, .. } = compared;
    assert_eq!((traded, canceled, of_work_limit, without_a_look, refused), (0, 0, 11, 1, 1));
}
