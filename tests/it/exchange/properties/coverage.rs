//! The cases of matching that are hard to come by. A fixed run must come to each of them.

use super::steps::LOGIN_ACCOUNTS;
use crate::support::naive::{Naive, Order};
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, Amount, AssetId, CancelReason, Canceled, Command, Enter,
    Event, Executed, GroupId, Instructions, LoginId, OrderCommand, OrderEvent, OrderId, RejectReason,
    RestateReason, SelfTrade, SelfTradePrevention, ShardId, Stamp, TimeInForce, Transfer, UserRef,
};

pub const CASES: [&str; 18] = [
    "the limit of touched orders, after trades",
    "the limit of touched orders, without a trade for a minimum quantity",
    "an iceberg that is eaten in three rounds and left",
    "an iceberg that is eaten whole in several rounds",
    "two icebergs of one price that are eaten in three rounds",
    "an own iceberg that loses several slices",
    "a fill-or-kill that fills in several rounds",
    "a fill-or-kill that fails only because of own orders",
    "a fill-or-kill that fails only because of linked orders",
    "a fill-or-kill that fails only because an iceberg shows a part",
    "a fill-or-kill that fails only because of the money",
    "an amount that ends before the lots that it was turned into",
    "a new order that is refused for what its account has looked at in vain",
    "a replace that is refused for what its account has looked at in vain",
    "a released order that is cancelled for what its account has looked at in vain",
    "a mass cancel that is refused for what its account's have looked at in vain",
    "a plain order that is taken in spite of what its account has looked at in vain",
    "a plain order that is cancelled at an iceberg for those that its account made come again",
];

/// What a command has come to.
pub struct Came<'a> {
    pub before: &'a Naive,
    pub after: &'a Naive,
    pub stamp: Stamp,
    pub command: &'a Command,
    pub events: &'a [Event],
}

impl Came<'_> {
    /// Which of the cases it was.
    pub fn cases(&self) -> Vec<&'static str> {
        let [
            after_trades,
            for_minimum,
            left,
            whole,
            two,
            own,
            filled,
            by_own,
            by_linked,
            by_iceberg,
            by_money,
            spent,
            new_refused,
            replace_refused,
            release_cut,
            sweep_refused,
            plain_taken,
            refresh_cut,
        ] = CASES;
        let mut found = Vec::new();
        let mut add = |case, is: bool| found.extend(is.then_some(case));
        let canceled = |why: CancelReason| self.canceled().find(move |canceled| canceled.reason == why);
        if let Some(order) = canceled(CancelReason::WorkLimit).map(|canceled| canceled.order) {
            let traded = self.executed().any(|trade| trade.taker_order == order);
            add(after_trades, traded);
            add(for_minimum, !traded && self.entered().is_some_and(|enter| minimum(enter) > 0));
        }
        add(spent, canceled(CancelReason::AmountSpent).is_some());
        let rejected = self
            .events
            .iter()
            .any(|event| matches!(event, Event::Order(OrderEvent::Rejected(e)) if e.reason == RejectReason::OrderRateExceeded));
        let accepted = self.events.iter().any(|event| matches!(event, Event::Order(OrderEvent::Accepted(_))));
        let sender = self.command.sender().filter(|sender| (sender.login.0 as usize) < LOGIN_ACCOUNTS.len());
        if let Some(sender) = sender {
            let account = account_of(sender.login);
            let [looked, swept] = self.before.is_at_its_limit(account, self.stamp.time.0);
            add(
                new_refused,
                looked && rejected && matches!(self.command, Command::Order(OrderCommand::Enter(_))),
            );
            add(
                replace_refused,
                looked && rejected && matches!(self.command, Command::Order(OrderCommand::Replace(_))),
            );
            add(
                sweep_refused,
                swept && rejected && matches!(self.command, Command::Order(OrderCommand::MassCancel(_))),
            );
            let is_plain = |enter: &Enter| {
                minimum(enter) == 0 && enter.instructions.is_none_or(|asks| asks.trigger.is_none())
            };
            let is_cut = canceled(CancelReason::WorkLimit).is_some();
            add(refresh_cut, looked && is_cut && self.entered().is_some_and(is_plain));
            add(plain_taken, looked && accepted && self.entered().is_some_and(|enter| minimum(enter) == 0));
        }
        let released = |id| {
            self.events
                .iter()
                .any(|event| matches!(event, Event::Order(OrderEvent::Triggered(e)) if e.order == id))
        };
        let at_limit = |login| self.after.is_at_its_limit(account_of(login), self.stamp.time.0)[0];
        let mut cut = self.canceled().filter(|gone| gone.reason == CancelReason::WorkLimit);
        let is_cut = cut.any(|gone| released(gone.order) && at_limit(gone.login));
        add(release_cut, is_cut);
        let eaten: Vec<OrderId> =
            self.executed().filter(|trade| self.rounds(trade) >= 3).map(|t| t.maker_order).collect();
        let stands = |id: &OrderId| self.after.open_orders().iter().any(|order| order.id == *id);
        add(left, eaten.iter().any(stands));
        let goes = |id: OrderId| !stands(&id) && self.canceled().all(|canceled| canceled.order != id);
        add(whole, self.executed().any(|trade| self.rounds(trade) >= 2 && goes(trade.maker_order)));
        let refreshed = |id: &OrderId| {
            self.events.iter().any(|event| matches!(event, Event::Order(OrderEvent::Restated(e)) if e.order == *id && e.reason == RestateReason::Refreshed))
        };
        add(two, eaten.iter().filter(|id| refreshed(id)).count() >= 2);
        add(own, self.canceled().any(|canceled| self.loses_slices(canceled)));
        if let Some(enter) = self.entered().filter(|enter| is_fill_or_kill(enter)) {
            let several = self
                .executed()
                .any(|trade| self.rounds(trade) >= 2 && trade.taker_user_ref == enter.user_ref);
            add(filled, several && filled_by(self.events, enter) == enter.quantity.0);
            if canceled(CancelReason::MinimumQuantity).is_some() {
                let asks = Instructions { self_trade: None, ..enter.instructions.unwrap_or_default() };
                let freed = Enter { instructions: Some(asks), ..*enter };
                add(by_own, self.would_fill(|naive| self.allow_all(naive, enter.login), freed));
                let unlinked = |naive: &mut Naive| naive.change_orders(|order| order.oco = None);
                add(by_linked, self.would_fill(unlinked, *enter));
                let shown = |naive: &mut Naive| naive.change_orders(|order| order.asked.display_quantity = 0);
                add(by_iceberg, self.would_fill(shown, *enter));
                add(by_money, self.would_fill(|naive| self.make_rich(naive, enter.login), *enter));
            }
        }
        found
    }

    fn entered(&self) -> Option<&Enter> {
        if let Command::Order(OrderCommand::Enter(enter)) = self.command { Some(enter) } else { None }
    }

    fn executed(&self) -> impl Iterator<Item = &Executed> {
        self.events.iter().filter_map(|event| {
            if let Event::Order(OrderEvent::Executed(trade)) = event { Some(trade) } else { None }
        })
    }

    fn canceled(&self) -> impl Iterator<Item = &Canceled> {
        self.events.iter().filter_map(|event| {
            if let Event::Order(OrderEvent::Canceled(canceled)) = event { Some(canceled) } else { None }
        })
    }

    fn iceberg(&self, id: OrderId) -> Option<&Order> {
        self.before.open_orders().into_iter().find(|order| order.id == id && order.display_quantity() > 0)
    }

    /// How many slices of an iceberg a trade has used; 0 for other orders.
    fn rounds(&self, trade: &Executed) -> i128 {
        let Some(order) = self.iceberg(trade.maker_order) else { return 0 };
        let beyond = i128::from(trade.quantity.0) - order.slice;
        if beyond <= 0 { 1 } else { 1 + (beyond + order.display_quantity() - 1) / order.display_quantity() }
    }

    fn loses_slices(&self, canceled: &Canceled) -> bool {
        let decremented = matches!(canceled.reason, CancelReason::SelfTradePrevented(not_made)
            if not_made.mode == SelfTrade::DecrementBoth && !not_made.incoming);
        let order = self.iceberg(canceled.order);
        decremented
            && order.is_some_and(|order| {
                i128::from(canceled.decrement.0) > order.slice + order.display_quantity()
            })
    }

    /// Whether the order would fill if something else had been before it.
    fn would_fill(&self, change: impl FnOnce(&mut Naive), enter: Enter) -> bool {
        let mut naive = self.before.clone();
        change(&mut naive);
        filled_by(&naive.apply(self.stamp, &Command::Order(OrderCommand::Enter(enter))), &enter)
            == enter.quantity.0
    }

    fn allow_all(&self, naive: &mut Naive, login: LoginId) {
        let (account, prevention) = (account_of(login), SelfTradePrevention::default());
        let set = AccountSelfTrade { account, prevention, group: GroupId(0) };
        naive.apply(self.stamp, &Command::Admin(AdminCommand::SetSelfTrade(set)));
    }

    fn make_rich(&self, naive: &mut Naive, login: LoginId) {
        let (account, asset, reference) = (account_of(login), AssetId(1), u64::MAX);
        let cash = Transfer { account, asset, amount: Amount(1 << 40), reference, shard: ShardId::FIRST };
        naive.apply(self.stamp, &Command::Admin(AdminCommand::Deposit(cash)));
    }
}

/// Of a login that was heeded.
fn account_of(login: LoginId) -> AccountId {
    AccountId(LOGIN_ACCOUNTS[login.0 as usize])
}

fn minimum(enter: &Enter) -> u32 {
    enter.instructions.map_or(0, |asks| asks.min_quantity)
}

fn is_fill_or_kill(enter: &Enter) -> bool {
    enter.time_in_force == TimeInForce::ImmediateOrCancel && u64::from(minimum(enter)) == enter.quantity.0
}

/// What an order that was just entered has taken.
fn filled_by(events: &[Event], enter: &Enter) -> u64 {
    let taker = |login: LoginId, user_ref: UserRef| (login, user_ref) == (enter.login, enter.user_ref);
    let taken = |event: &Event| match event {
        Event::Order(OrderEvent::Executed(trade)) if taker(trade.taker_login, trade.taker_user_ref) => {
            trade.quantity.0
        }
        _ => 0,
    };
    events.iter().map(taken).sum()
}
