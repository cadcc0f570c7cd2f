//! What runs in hedge mode must come to, beyond each event and each reason.

use super::cases::Came;
use super::ledger::{Ledger, Place};
use dojima::domain::{
    AdminEvent, CancelReason, Command, ContractEvent, Effect, Event, FundingPaid, OrderCommand, OrderEvent,
    OrderId, OrderState, OwnerCommand, PositionCause, PositionChanged, PositionLeg, PositionMode,
    RejectReason, RestateReason,
};

pub const HEDGE_CASES: [&str; 26] = [
    "a long and a short position of one account",
    "a pair of isolated positions",
    "an own trade that opens both positions",
    "an own trade that reduces both positions",
    "an own trade of one position of a pair",
    "an own trade that opens both isolated positions",
    "an own trade that reduces both isolated positions",
    "an own trade of one isolated position of a pair",
    "orders that reduce both positions of a pair",
    "a position that is closed by a market order",
    "a position that is closed by a released order",
    "a position that is closed by an order that the mark releases",
    "a position that is closed by an order that the index releases",
    "a position that is closed by an order that the last trade releases",
    "a released order that finds nothing to close",
    "a released order that closes, and rests",
    "an order that closes in place of another one",
    "an order that closed, amended to a new one",
    "an order that closes, linked",
    "an order without a side in hedge mode",
    "an order that opens in one-way mode",
    "a mode of positions that is changed",
    "a mode of positions that positions stand in the way of",
    "a mode of positions that orders stand in the way of",
    "a funding of both positions of a pair",
    "a settlement of both positions of a pair",
];

impl Came<'_> {
    /// Which of the cases it was.
    pub fn hedge_cases(&self) -> Vec<&'static str> {
        let mut found = self.pairs();
        found.extend(self.own_trades());
        found.extend(self.closing());
        found.extend(self.modes());
        found
    }

    fn pairs(&self) -> Vec<&'static str> {
        let [pair, isolated, .., funded, settled] = HEDGE_CASES;
        let mut found = Vec::new();
        let has_lots = |ledger: &Ledger, place: Place| ledger.has(place).lots != 0;
        for place in self.after.positions.keys().filter(|place| place.2 == PositionLeg::Long) {
            let other = (place.0, place.1, PositionLeg::Short);
            if has_lots(self.after, *place) && has_lots(self.after, other) {
                found.push(pair);
                found.extend(self.after.isolated.contains(&(place.0, place.1)).then_some(isolated));
            }
        }
        let paid = |leg: PositionLeg| {
            self.events.iter().filter_map(move |event| match event {
                Event::Contract(ContractEvent::FundingPaid(FundingPaid {
                    account,
                    instrument,
                    leg: of,
                    ..
                })) => (*of == leg).then_some((*account, *instrument)),
                _ => None,
            })
        };
        let shorts: Vec<_> = paid(PositionLeg::Short).collect();
        found.extend(paid(PositionLeg::Long).any(|who| shorts.contains(&who)).then_some(funded));
        let closed = |leg: PositionLeg| {
            let of_leg = move |it: &&PositionChanged| it.cause == PositionCause::Settled && it.leg == leg;
            self.changes().filter(of_leg).map(|it| (it.account, it.instrument))
        };
        let shorts: Vec<_> = closed(PositionLeg::Short).collect();
        found.extend(closed(PositionLeg::Long).any(|who| shorts.contains(&who)).then_some(settled));
        found
    }

    fn own_trades(&self) -> Vec<&'static str> {
        let [_, _, open, reduce, one_leg, isolated_open, isolated_reduce, isolated_one, both, ..] =
            HEDGE_CASES;
        let mut found = Vec::new();
        let changes: Vec<&PositionChanged> = self.changes().collect();
        for pair in changes.windows(2) {
            let [buyer, seller] = [pair[0], pair[1]];
            if buyer.trade != seller.trade
                || buyer.cause != PositionCause::Trade
                || buyer.account != seller.account
                || buyer.leg == PositionLeg::Net
            {
                continue;
            }
            let isolated = self.ledger.isolated.contains(&(buyer.account, buyer.instrument));
            let [cross_case, isolated_case] = match (buyer.leg, seller.leg) {
                (one, other) if one == other => [one_leg, isolated_one],
                (PositionLeg::Long, _) => [open, isolated_open],
                _ => [reduce, isolated_reduce],
            };
            let case = if isolated { isolated_case } else { cross_case };
            found.push(case);
        }
        let rests = |place: Place| {
            let its = self.after.orders.values();
            let of_it = its.filter(|order| order.reduces() && !order.waits);
            of_it.filter(|order| self.after.place_of(order) == place).count() > 0
        };
        for place in self.after.positions.keys().filter(|place| place.2 == PositionLeg::Long) {
            let other = (place.0, place.1, PositionLeg::Short);
            found.extend((rests(*place) && rests(other)).then_some(both));
        }
        found
    }

    /// Orders that close a position.
    fn closing(&self) -> Vec<&'static str> {
        let at = |name: &str| *HEDGE_CASES.iter().find(|case| case.ends_with(name)).expect("a case");
        let mut found = Vec::new();
        let closes = |order: OrderId| {
            let known = self.ledger.orders.get(&order).or(self.after.orders.get(&order));
            known.is_some_and(|order| order.effect == Effect::ClosePosition)
        };
        let asks = match self.command {
            Command::Order(OrderCommand::Enter(enter)) => enter.instructions,
            Command::Order(OrderCommand::Replace(replace)) => replace.instructions,
            _ => None,
        };
        let asks = asks.filter(|asks| asks.effect == Effect::ClosePosition);
        for (place, event) in self.events.iter().enumerate() {
            match event {
                Event::Order(OrderEvent::Accepted(e)) if asks.is_some() => {
                    let market = e.terms.state == OrderState::Live;
                    found.extend(market.then_some(at("closed by a market order")));
                    let linked = asks.is_some_and(|asks| asks.oco.0 != 0);
                    found.extend(linked.then_some(at("an order that closes, linked")));
                }
                Event::Order(OrderEvent::Replaced(e)) => match self.command {
                    Command::Order(OrderCommand::Amend(_)) if closes(e.orig_order) => {
                        found.push(at("amended to a new one"));
                    }
                    Command::Order(OrderCommand::Replace(_)) if asks.is_some() => {
                        found.push(at("in place of another one"));
                    }
                    _ => {}
                },
                Event::Order(OrderEvent::Triggered(e)) if closes(e.order) => {
                    let is_told = |event: &&Event| match event {
                        Event::Order(OrderEvent::Restated(it)) => {
                            it.order == e.order && it.reason == RestateReason::Reserve
                        }
                        _ => false,
                    };
                    let lots = self.events[place..].iter().any(|event| is_told(&event));
                    found.extend(lots.then_some(at("closed by a released order")));
                    let by = self.before.waits_on(e.order).filter(|_| lots);
                    found.extend(by.map(|by| match by {
                        dojima::domain::TriggerReference::LastTrade => at("the last trade releases"),
                        dojima::domain::TriggerReference::MarkPrice => at("the mark releases"),
                        dojima::domain::TriggerReference::IndexPrice => at("the index releases"),
                    }));
                    let rests = self.after.orders.contains_key(&e.order);
                    found.extend(rests.then_some(at("closes, and rests")));
                }
                Event::Order(OrderEvent::Canceled(e)) if closes(e.order) => {
                    let nothing = e.reason == CancelReason::TriggerRefused(RejectReason::NotReducing);
                    found.extend(nothing.then_some(at("finds nothing to close")));
                }
                _ => {}
            }
        }
        found
    }

    fn modes(&self) -> Vec<&'static str> {
        let [.., without_side, opens, changed, positions, orders, _, _] = HEDGE_CASES;
        let mut found = Vec::new();
        let refused = self.events.iter().find_map(|event| match event {
            Event::Order(OrderEvent::Rejected(it)) => Some(it.reason),
            Event::Admin(AdminEvent::Refused { reason }) => Some(*reason),
            _ => None,
        });
        match (self.command, refused) {
            (Command::Order(OrderCommand::Enter(enter)), Some(RejectReason::WrongPositionSide)) => {
                let effect = enter.instructions.map_or(Effect::Any, |asks| asks.effect);
                found.push(if effect == Effect::Open { opens } else { without_side });
            }
            (Command::Owner(OwnerCommand::SetPositionMode(set)), _) => {
                let differs =
                    (set.mode == PositionMode::Hedge) != self.ledger.hedges.contains(&set.by.account);
                found.extend((refused.is_none() && differs).then_some(changed));
                found.extend((refused == Some(RejectReason::PositionsOpen)).then_some(positions));
                found.extend((refused == Some(RejectReason::OrdersOpen)).then_some(orders));
            }
            _ => {}
        }
        found
    }
}
