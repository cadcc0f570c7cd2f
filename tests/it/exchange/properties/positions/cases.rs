//! What runs about positions must come to, beyond each event and each reason.

use super::ledger::Ledger;
use crate::support::naive::Naive;
use dojima::domain::{
    AdminEvent, CancelReason, Canceled, Command, ContractEvent, Event, Executed, MarketEvent, OrderCommand,
    OrderEvent, OrderId, OwnerCommand, PositionChanged, RejectReason, Stamp, TimeInForce,
};

pub const CASES: [&str; 25] = [
    "a position that turns over",
    "a fee that is waived in part",
    "a fee that is waived whole",
    "an order that ends for its margin after trades",
    "a resting order that goes for its margin, and what it left is shared anew",
    "an order that ends for the open interest after trades",
    "a stale index that ends an order",
    "two that reduce under a stale index",
    "an order that may only reduce, lowered when it is entered",
    "an order that may only reduce, lowered when it comes to rest",
    "an order that may only reduce, lowered when it is released",
    "an order that may only reduce, lowered by a fill of another one",
    "an order that may only reduce, gone by a fill, and its linked order with it",
    "a market order that stops at its price limit",
    "a resting order outside the price limits that is met",
    "a buy and a sell outside the price limits that take no part in an auction",
    "an auction in which one side has not the margin",
    "an auction at the limit of the open interest",
    "a fill-or-kill that fails only because somebody has not the margin",
    "an order that holds another amount when it is released",
    "an interruption that waits for a fresh index",
    "an account with less than nothing available",
    "a leverage that is lowered with lots",
    "a leverage that is refused for the margin",
    "a leverage that is refused for the tier",
];

/// What a command has come to.
pub struct Came<'a> {
    pub before: &'a Naive,
    pub ledger: &'a Ledger,
    pub after: &'a Ledger,
    pub stamp: Stamp,
    pub command: &'a Command,
    pub events: &'a [Event],
}

impl Came<'_> {
    /// Which of the cases it was.
    pub fn cases(&self) -> Vec<&'static str> {
        let [
            turned,
            waived_in_part,
            waived,
            poor_after_trades,
            shared_anew,
            full_after_trades,
            stale_end,
            stale_trade,
            lowered_at_entry,
            lowered_at_rest,
            lowered_at_release,
            lowered_by_fill,
            gone_with_linked,
            market_outside,
            met_outside,
            outside_auction,
            poor_in_auction,
            full_in_auction,
            killed_for_margin,
            holds_another,
            waits_for_index,
            below_zero,
            leverage_lowered,
            leverage_poor,
            leverage_high,
        ] = CASES;
        let mut found = Vec::new();
        let mut add = |case, is: bool| found.extend(is.then_some(case));
        let trades: Vec<&Executed> = self.trades().collect();
        let uncrossed = self.events.iter().any(|it| matches!(it, Event::Market(MarketEvent::Uncrossed(_))));
        let took = |order| trades.iter().any(|trade| trade.taker_order == order);
        let made = |order| trades.iter().any(|trade| trade.maker_order == order);
        for change in self.changes() {
            let before = self.ledger.positions.get(&(change.account, change.instrument));
            add(turned, before.is_some_and(|has| has.lots.signum() * change.lots.signum() < 0));
        }
        let is_stale = |order| {
            self.ledger
                .orders
                .get(&order)
                .is_some_and(|it| self.before.stale_at(it.instrument, self.stamp.time.0))
        };
        for trade in &trades {
            let paid = [trade.maker_fee.0, trade.taker_fee.0].map(i128::from);
            let due = self.before.least_fees(trade);
            add(waived, (0..2).any(|side| paid[side] == 0 && due[side] > 0));
            add(waived_in_part, (0..2).any(|side| paid[side] > 0 && paid[side] < due[side]));
            add(stale_trade, !uncrossed && is_stale(trade.maker_order));
        }
        let mut new = None;
        for (at, event) in self.events.iter().enumerate() {
            match event {
                Event::Order(OrderEvent::Accepted(e)) => {
                    new = Some(e.terms.order);
                    if let Command::Order(OrderCommand::Enter(enter)) = self.command {
                        let lots = e.terms.quantity.0;
                        let by_lots = enter.instructions.is_none_or(|it| it.unit == Default::default());
                        add(lowered_at_entry, by_lots && lots < enter.quantity.0);
                    }
                }
                Event::Order(OrderEvent::Triggered(e)) => new = Some(e.order),
                Event::Order(OrderEvent::Canceled(e)) => {
                    let is_new = new == Some(e.order);
                    let next = self.events.get(at + 1);
                    match e.reason {
                        CancelReason::InsufficientMargin => {
                            add(poor_in_auction, uncrossed);
                            add(poor_after_trades, !uncrossed && took(e.order));
                            add(shared_anew, !uncrossed && !is_new && self.taken_after(at));
                        }
                        CancelReason::OpenInterestLimit => {
                            add(full_in_auction, uncrossed);
                            add(full_after_trades, !uncrossed && took(e.order));
                        }
                        CancelReason::IndexStale => add(stale_end, true),
                        CancelReason::ReduceOnlyResized => {
                            let released = matches!(self.events.get(at.wrapping_sub(1)), Some(Event::Order(OrderEvent::Triggered(it))) if it.order == e.order);
                            add(lowered_at_release, released);
                            add(lowered_at_rest, is_new && !released);
                            add(lowered_by_fill, !is_new && !made(e.order) && e.open.0 > 0);
                            let linked = matches!(
                                next,
                                Some(Event::Order(OrderEvent::Canceled(Canceled {
                                    reason: CancelReason::LinkedOrder,
                                    ..
                                })))
                            );
                            add(gone_with_linked, !is_new && e.open.0 == 0 && linked);
                        }
                        CancelReason::PriceOutsideLimits => {
                            add(market_outside, is_new);
                            add(outside_auction, !is_new && new.is_none());
                            add(met_outside, !is_new && new.is_some());
                        }
                        CancelReason::MinimumQuantity => {
                            add(killed_for_margin, self.dry_run_was_poor(e.order))
                        }
                        _ => {}
                    }
                }
                Event::Order(OrderEvent::Restated(e)) => {
                    let of_release =
                        new == Some(e.order) && e.reason == dojima::domain::RestateReason::Reserve;
                    let priority = matches!(self.events.get(at.wrapping_sub(1)), Some(Event::Order(OrderEvent::PriorityUpdated(it))) if it.order == e.order);
                    add(holds_another, of_release && priority);
                }
                _ => {}
            }
        }
        let refused = self.events.iter().find_map(|event| match event {
            Event::Order(OrderEvent::Rejected(it)) => Some(it.reason),
            Event::Admin(AdminEvent::Refused { reason }) => Some(*reason),
            _ => None,
        });
        if let Command::Owner(OwnerCommand::SetLeverage(set)) = self.command {
            let lots = self.before.position(set.by.account, set.instrument).0;
            add(leverage_lowered, refused.is_none() && lots != 0 && set.leverage < 20);
            add(leverage_poor, refused == Some(RejectReason::InsufficientMargin));
            add(leverage_high, refused == Some(RejectReason::LeverageAboveTier));
        }
        add(waits_for_index, self.before.waits_for_index(self.stamp.time.0));
        add(
            below_zero,
            self.after
                .wallets
                .iter()
                .any(|((account, asset), wallet)| *wallet < self.after.reserved(*account, *asset)),
        );
        found
    }

    fn trades(&self) -> impl Iterator<Item = &Executed> {
        self.events.iter().filter_map(|event| match event {
            Event::Order(OrderEvent::Executed(trade)) => Some(trade),
            _ => None,
        })
    }

    fn changes(&self) -> impl Iterator<Item = &PositionChanged> {
        self.events.iter().filter_map(|event| match event {
            Event::Contract(ContractEvent::PositionChanged(change)) => Some(change),
            _ => None,
        })
    }

    /// Whether there are trades after an event.
    fn taken_after(&self, at: usize) -> bool {
        self.events[at..].iter().any(|event| matches!(event, Event::Order(OrderEvent::Executed(_))))
    }

    /// Whether an order that found too little would have found enough if everybody had money.
    fn dry_run_was_poor(&self, order: OrderId) -> bool {
        let Command::Order(OrderCommand::Enter(enter)) = self.command else { return false };
        if enter.time_in_force != TimeInForce::ImmediateOrCancel {
            return false;
        }
        let mut rich = self.before.clone();
        rich.make_rich();
        let events = rich.apply(self.stamp, self.command);
        events
            .iter()
            .any(|event| matches!(event, Event::Order(OrderEvent::Executed(it)) if it.taker_order == order))
    }
}
