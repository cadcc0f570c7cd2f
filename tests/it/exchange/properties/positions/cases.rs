//! What runs about positions must come to, beyond each event and each reason.

use super::ledger::Ledger;
use super::venue::LOGIN_ACCOUNTS;
use crate::support::naive::Naive;
use dojima::domain::{
    AccountId, AdminEvent, CancelReason, Canceled, Command, ContractEvent, Event, Executed, MarketEvent,
    OrderCommand, OrderEvent, OrderId, OwnerCommand, PositionChanged, RejectReason, Stamp, TimeInForce,
};

pub const CASES: [&str; 37] = [
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
    "a pot that is topped up",
    "a pot of which a part goes back",
    "a pot that goes back whole",
    "an isolated position that turns over",
    "an isolated position that trades with itself",
    "a pot below nothing",
    "an order for an isolated position that is refused for its margin",
    "a change of mode that positions stand in the way of",
    "a change of mode that orders stand in the way of",
    "money into a pot that is not there",
    "money out of a pot that is needed",
    "an isolated position that fails at its fill",
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
            topped_up,
            part_back,
            all_back,
            isolated_turned,
            isolated_own,
            pot_below,
            isolated_poor,
            mode_positions,
            mode_orders,
            move_poor,
            move_needed,
            isolated_fails,
        ] = CASES;
        let mut found = Vec::new();
        let mut add = |case, is: bool| found.extend(is.then_some(case));
        let trades: Vec<&Executed> = self.trades().collect();
        let uncrossed = self.events.iter().any(|it| matches!(it, Event::Market(MarketEvent::Uncrossed(_))));
        let took = |order| trades.iter().any(|trade| trade.taker_order == order);
        let made = |order| trades.iter().any(|trade| trade.maker_order == order);
        let is_isolated = |account, instrument| self.ledger.isolated.contains(&(account, instrument));
        for change in self.changes() {
            let place = (change.account, change.instrument, change.leg);
            let before = self.ledger.positions.get(&place);
            let turns = before.is_some_and(|has| has.lots.signum() * change.lots.signum() < 0);
            add(turned, turns);
            let has = before.copied().unwrap_or_default();
            if is_isolated(change.account, change.instrument) {
                add(topped_up, has.lots != 0 && change.pot > has.pot && !turns);
                add(part_back, change.lots != 0 && change.pot > 0 && change.pot < has.pot && !turns);
                add(all_back, change.lots == 0 && has.pot > 0 && change.pot == 0);
                add(isolated_turned, turns);
                let same = |it: &&PositionChanged| {
                    (it.trade, it.account, it.leg) == (change.trade, change.account, change.leg)
                };
                let own = self.changes().filter(same);
                add(isolated_own, own.count() == 2);
                add(pot_below, change.pot < 0);
            }
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
        let order = match self.command {
            Command::Order(OrderCommand::Enter(enter)) => Some((enter.login, enter.instrument)),
            _ => None,
        };
        if let Some((login, instrument)) = order {
            let account = AccountId(LOGIN_ACCOUNTS[login.0 as usize]);
            let isolated = is_isolated(account, instrument);
            add(isolated_poor, isolated && refused == Some(RejectReason::InsufficientMargin));
            let fails = |event: &Event| matches!(event, Event::Order(OrderEvent::Canceled(it)) if it.login == login && it.reason == CancelReason::InsufficientMargin);
            add(isolated_fails, isolated && self.events.iter().any(fails));
        }
        if let Command::Owner(OwnerCommand::SetMarginMode(_)) = self.command {
            add(mode_positions, refused == Some(RejectReason::PositionsOpen));
            add(mode_orders, refused == Some(RejectReason::OrdersOpen));
        }
        if let Command::Owner(OwnerCommand::MoveMargin(_)) = self.command {
            add(move_poor, refused == Some(RejectReason::InsufficientFunds));
            add(move_needed, refused == Some(RejectReason::InsufficientMargin));
        }
        if let Command::Owner(OwnerCommand::SetLeverage(set)) = self.command {
            let mut places = self.ledger.places(set.by.account, set.instrument);
            let lots = places.any(|place| self.ledger.has(place).lots != 0);
            add(leverage_lowered, refused.is_none() && lots && set.leverage < 20);
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

    pub fn changes(&self) -> impl Iterator<Item = &PositionChanged> {
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
