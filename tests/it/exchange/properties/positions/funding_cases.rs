//! What runs about fundings, settlements and payments of funds must come to, beyond each event and each reason.

use super::cases::Came;
use super::ledger::settled_in;
use super::venue::CONTRACTS;
use dojima::domain::{
    AdminCommand, AdminEvent, CancelReason, ClockCommand, Command, ContractCommand, ContractEvent, Event,
    FundingPaid, InstrumentId, MarketEvent, OrderCommand, OrderEvent, RejectReason,
};

pub const FUNDING_CASES: [&str; 24] = [
    "a funding that longs pay",
    "a funding that shorts pay",
    "a funding of samples that come to nothing",
    "a funding without samples",
    "a payment of nothing",
    "a position charged by a tick",
    "a position charged before a fill",
    "a position charged before a fill that is not made",
    "a position charged in an auction",
    "a position charged before a withdrawal",
    "a position charged before a transfer",
    "a withdrawal that is refused to somebody who is not charged",
    "a position charged before a settlement",
    "a dry run in vain over positions that are not charged",
    "a funding that ends by the last touch",
    "a funding that leaves something over",
    "an expiry with a price",
    "an expiry without a price",
    "a contract that waits, settled by an operator",
    "a contract with positions that is closed out",
    "a settlement that leaves something over",
    "an order that goes because its account is below 0",
    "a withdrawal that is refused for the fund",
    "a transfer that is refused for the fund",
];

impl Came<'_> {
    /// Which of the cases it was.
    pub fn funding_cases(&self) -> Vec<&'static str> {
        let [
            longs_pay,
            shorts_pay,
            come_to_nothing,
            without_samples,
            nothing_paid,
            by_tick,
            before_fill,
            before_no_fill,
            in_auction,
            before_withdrawal,
            before_transfer,
            refused_uncharged,
            before_settlement,
            dry_run,
            last_touch,
            funding_left_over,
            priced,
            pending,
            waited,
            closed_out,
            settlement_left_over,
            orders_go,
            no_withdrawal,
            no_transfer,
        ] = FUNDING_CASES;
        let mut found = Vec::new();
        let mut add = |case, is: bool| found.extend(is.then_some(case));
        let ticks = matches!(self.command, Command::Clock(ClockCommand::Tick));
        let settles = matches!(self.command, Command::Contract(ContractCommand::SettleContract { .. }));
        for (at, event) in self.events.iter().enumerate() {
            let Event::Contract(event) = event else { continue };
            match event {
                ContractEvent::FundingSet(it) => {
                    add(longs_pay, it.rate_ppb > 0);
                    add(shorts_pay, it.rate_ppb < 0);
                    add(come_to_nothing, it.rate_ppb == 0 && it.samples > 0);
                    add(without_samples, it.samples == 0);
                }
                ContractEvent::FundingPaid(it) => {
                    let after = self.after_charge(at);
                    let is = |what: fn(&Event) -> bool| after.is_some_and(what);
                    let uncrossed = |event: &Event| matches!(event, Event::Market(MarketEvent::Uncrossed(_)));
                    let auction = self.events[..at].iter().any(uncrossed);
                    add(nothing_paid, it.amount.0 == 0);
                    add(by_tick, ticks);
                    add(in_auction, auction);
                    add(before_fill, !auction && is(is_trade));
                    add(before_no_fill, !auction && is(is_failed_fill));
                    add(before_withdrawal, is(|it| matches!(it, Event::Admin(AdminEvent::Withdrawn(_)))));
                    add(before_transfer, is(|it| matches!(it, Event::Order(OrderEvent::TransferSent(_)))));
                    add(before_settlement, settles);
                }
                ContractEvent::FundingClosed { remainder, .. } => {
                    add(last_touch, !ticks && !settles);
                    add(funding_left_over, remainder.0 > 0);
                }
                ContractEvent::SettlementPending { .. } => add(pending, true),
                ContractEvent::ContractSettled { instrument, legs, remainder, .. } => {
                    let waits = self.before.awaits_price(*instrument);
                    add(priced, !settles && *legs > 0);
                    add(waited, settles && waits && *legs > 0);
                    add(closed_out, settles && !waits && *legs > 0);
                    add(settlement_left_over, remainder.0 > 0);
                }
                _ => {}
            }
        }
        for event in self.events {
            match event {
                Event::Order(OrderEvent::Canceled(it)) => {
                    add(orders_go, it.reason == CancelReason::AccountBelowZero);
                    let in_vain = it.reason == CancelReason::MinimumQuantity;
                    add(dry_run, in_vain && self.is_uncharged());
                }
                Event::Admin(AdminEvent::Refused { reason }) => {
                    let withdraws = matches!(self.command, Command::Admin(AdminCommand::Withdraw(_)));
                    let for_fund = *reason == RejectReason::FundBelowZero;
                    add(no_withdrawal, withdraws && for_fund);
                    add(no_transfer, !withdraws && for_fund);
                    let for_funds = *reason == RejectReason::InsufficientFunds;
                    add(refused_uncharged, for_funds && self.sender_owes());
                }
                _ => {}
            }
        }
        found
    }

    /// What comes after a charge, but for other charges and what closes the funding.
    fn after_charge(&self, at: usize) -> Option<&Event> {
        let of_funding = |event: &&Event| {
            matches!(
                event,
                Event::Contract(
                    ContractEvent::FundingPaid(FundingPaid { .. })
                        | ContractEvent::FundingClosed { .. }
                        | ContractEvent::FundChanged(_)
                )
            )
        };
        self.events[at..].iter().find(|event| !of_funding(event))
    }

    /// Whether somebody has not been charged for the contract of a new order.
    fn is_uncharged(&self) -> bool {
        let Command::Order(OrderCommand::Enter(enter)) = self.command else { return false };
        !self.before.owing(enter.instrument).is_empty()
    }

    /// Whether somebody who wants to take money out has not been charged.
    fn sender_owes(&self) -> bool {
        let (account, asset) = match self.command {
            Command::Admin(AdminCommand::Withdraw(it)) => (it.account, it.asset),
            Command::Order(OrderCommand::TransferOut(it)) => (it.account, it.asset),
            _ => return false,
        };
        let owes = |id: &InstrumentId| {
            self.ledger.places(account, *id).any(|place| self.ledger.fundings.owes(place))
        };
        CONTRACTS.iter().filter(|id| settled_in(**id) == asset).any(owes)
    }
}

fn is_trade(event: &Event) -> bool {
    matches!(event, Event::Order(OrderEvent::Executed(_)))
}

fn is_failed_fill(event: &Event) -> bool {
    use CancelReason::{IndexStale, InsufficientMargin, OpenInterestLimit};
    let Event::Order(OrderEvent::Canceled(it)) = event else { return false };
    matches!(it.reason, IndexStale | InsufficientMargin | OpenInterestLimit)
}
