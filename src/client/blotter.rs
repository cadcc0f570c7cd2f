//! A trader's own books: the orders and trades of one login, kept from the messages of its stream alone.
//!
//! Whoever begins with message 1 has all of the session; whoever begins later has what came since, and passes over what
//! is told of orders that were entered before.

use crate::domain::{Symbol, TradeId};
use crate::wire::ouch::{OrderAccepted, OrderExecuted, OrderReplaced, Outbound};
use std::collections::BTreeMap;

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is open.
    Open,
    /// All of it traded.
    Filled,
    /// What was left of it was cancelled; the OUCH reason.
    Canceled(u8),
    /// The order of this number stands in its place.
    Replaced(u32),
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// The client's number.
    pub user_ref: u32,
    /// What is traded.
    pub symbol: Symbol,
    /// B or S.
    pub side: u8,
    /// Limit in price units, or the market price.
    pub price: u64,
    /// Lots that are open.
    pub open: u32,
    /// Lots that have traded, those of the orders that it replaced included.
    pub executed: u64,
    /// Price units × lots of what has traded.
    pub paid: u128,
    /// What became of it.
    pub standing: Standing,
}

impl OrderLine {
    /// The total that a replace or a partial cancel would count from: what is open and what has traded.
    pub fn total(&self) -> u64 {
        u64::from(self.open) + self.executed
    }
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillLine {
    /// Nanoseconds since midnight UTC.
    pub timestamp: u64,
    /// The order.
    pub user_ref: u32,
    /// What was traded.
    pub symbol: Symbol,
    /// B or S.
    pub side: u8,
    /// In price units.
    pub price: u64,
    /// Lots.
    pub quantity: u32,
    /// The trade's number.
    pub trade: TradeId,
    /// Whether it added liquidity, and how (OUCH liquidity flag).
    pub liquidity: u8,
}

/// The orders and trades of one login.
#[derive(Clone, Debug, Default)]
pub struct Blotter {
    orders: BTreeMap<u32, OrderLine>,
    fills: Vec<FillLine>,
    last_user_ref: u32,
}

impl Blotter {
    /// Takes up the next message of the stream.
    pub fn take(&mut self, message: &Outbound<'_>) {
        match message {
            Outbound::Accepted(accepted, _) => self.accepted(accepted),
            Outbound::Replaced(replaced, _) => self.replaced(replaced),
            Outbound::Executed(executed, _) => self.executed(executed),
            Outbound::Canceled(canceled, _) => {
                self.shrink(canceled.user_ref.0, canceled.decrement, canceled.reason);
            }
            Outbound::Modified(modified, _) => {
                if let Some(order) = self.orders.get_mut(&modified.user_ref.0) {
                    order.open = modified.quantity;
                }
            }
            Outbound::Rejected(rejected, _) => self.used(rejected.user_ref.0),
            Outbound::SelfMatchCanceled(canceled, _) => {
                self.shrink(canceled.user_ref.0, canceled.decrement, canceled.reason);
            }
            Outbound::MassCanceled(canceled, _) => self.used(canceled.user_ref.0),
            Outbound::EntryDisabled(answer, _) => self.used(answer.user_ref.0),
            Outbound::EntryEnabled(answer, _) => self.used(answer.user_ref.0),
            _ => {}
        }
    }

    fn used(&mut self, user_ref: u32) {
        self.last_user_ref = self.last_user_ref.max(user_ref);
    }

    fn accepted(&mut self, accepted: &OrderAccepted) {
        self.used(accepted.user_ref.0);
        let line = OrderLine {
            user_ref: accepted.user_ref.0,
            symbol: accepted.symbol,
            side: accepted.side,
            price: accepted.price,
            open: accepted.quantity,
            executed: 0,
            paid: 0,
            standing: Standing::Open,
        };
        self.orders.insert(line.user_ref, line);
    }

    fn replaced(&mut self, replaced: &OrderReplaced) {
        self.used(replaced.user_ref.0);
        let before = self.orders.get_mut(&replaced.orig_user_ref.0);
        let (executed, paid) = before.map_or((0, 0), |before| {
            (before.open, before.standing) = (0, Standing::Replaced(replaced.user_ref.0));
            (before.executed, before.paid)
        });
        let line = OrderLine {
            user_ref: replaced.user_ref.0,
            symbol: replaced.symbol,
            side: replaced.side,
            price: replaced.price,
            open: replaced.quantity,
            executed,
            paid,
            standing: Standing::Open,
        };
        self.orders.insert(line.user_ref, line);
    }

    fn executed(&mut self, executed: &OrderExecuted) {
        let Some(order) = self.orders.get_mut(&executed.user_ref.0) else { return };
        order.open = order.open.saturating_sub(executed.quantity);
        order.executed += u64::from(executed.quantity);
        order.paid += u128::from(executed.price) * u128::from(executed.quantity);
        if order.open == 0 {
            order.standing = Standing::Filled;
        }
        self.fills.push(FillLine {
            timestamp: executed.timestamp,
            user_ref: executed.user_ref.0,
            symbol: order.symbol,
            side: order.side,
            price: executed.price,
            quantity: executed.quantity,
            trade: executed.trade,
            liquidity: executed.liquidity,
        });
    }

    fn shrink(&mut self, user_ref: u32, decrement: u32, reason: u8) {
        let Some(order) = self.orders.get_mut(&user_ref) else { return };
        order.open = order.open.saturating_sub(decrement);
        if order.open == 0 {
            order.standing = Standing::Canceled(reason);
        }
    }

    /// An order by its client's number.
    pub fn order(&self, user_ref: u32) -> Option<&OrderLine> {
        self.orders.get(&user_ref)
    }

    /// All orders by their numbers.
    pub fn orders(&self) -> impl DoubleEndedIterator<Item = &OrderLine> {
        self.orders.values()
    }

    /// All trades, in the order in which they came.
    pub fn fills(&self) -> &[FillLine] {
        &self.fills
    }

    /// The highest number that the exchange is known to have used up.
    pub fn last_user_ref(&self) -> u32 {
        self.last_user_ref
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ClOrdId, OrderId, UserRef};
    use crate::wire::ouch::{Appendage, OrderCanceled, OrderModified, OrderRejected};

    const NO_TAGS: Appendage<'static> = Appendage(&[]);

    fn accepted(user_ref: u32, quantity: u32) -> Outbound<'static> {
        let message = OrderAccepted {
            timestamp: 1,
            user_ref: UserRef(user_ref),
            side: b'B',
            quantity,
            symbol: Symbol::new("X").expect("a symbol"),
            price: 100,
            time_in_force: b'0',
            display: b'Y',
            order: OrderId(9),
            capacity: b'P',
            iso: b'N',
            cross_type: b'N',
            state: b'L',
            cl_ord_id: ClOrdId::default(),
        };
        Outbound::Accepted(message, NO_TAGS)
    }

    fn replaced(orig: u32, user_ref: u32, quantity: u32) -> Outbound<'static> {
        let message = OrderReplaced {
            timestamp: 1,
            orig_user_ref: UserRef(orig),
            user_ref: UserRef(user_ref),
            side: b'B',
            quantity,
            symbol: Symbol::new("X").expect("a symbol"),
            price: 101,
            time_in_force: b'0',
            display: b'Y',
            order: OrderId(10),
            capacity: b'P',
            iso: b'N',
            cross_type: b'N',
            state: b'L',
            cl_ord_id: ClOrdId::default(),
        };
        Outbound::Replaced(message, NO_TAGS)
    }

    fn executed(user_ref: u32, quantity: u32, price: u64) -> Outbound<'static> {
        let (user_ref, trade) = (UserRef(user_ref), TradeId(7));
        let message = OrderExecuted { timestamp: 5, user_ref, quantity, price, liquidity: b'R', trade };
        Outbound::Executed(message, NO_TAGS)
    }

    fn canceled(user_ref: u32, decrement: u32) -> Outbound<'static> {
        let message = OrderCanceled { timestamp: 1, user_ref: UserRef(user_ref), decrement, reason: b'U' };
        Outbound::Canceled(message, NO_TAGS)
    }

    fn blotter(messages: &[Outbound<'_>]) -> Blotter {
        let mut blotter = Blotter::default();
        messages.iter().for_each(|message| blotter.take(message));
        blotter
    }

    #[test]
    fn an_order_is_followed_to_its_end() {
        let kept = blotter(&[accepted(1, 10), executed(1, 3, 100), executed(1, 1, 99), canceled(1, 2)]);
        let order = kept.order(1).expect("known");
        assert_eq!((order.open, order.executed, order.paid, order.total()), (4, 4, 399, 8));
        assert_eq!(order.standing, Standing::Open);
        assert_eq!(kept.fills().len(), 2);
        let gone = blotter(&[accepted(1, 10), executed(1, 3, 100), canceled(1, 7)]);
        assert_eq!(gone.order(1).expect("known").standing, Standing::Canceled(b'U'));
        let filled = blotter(&[accepted(1, 10), executed(1, 10, 100)]);
        assert_eq!(filled.order(1).expect("known").standing, Standing::Filled);
    }

    #[test]
    fn a_replaced_order_hands_on_what_it_has_traded() {
        let kept = blotter(&[accepted(1, 10), executed(1, 4, 100), replaced(1, 2, 5), executed(2, 5, 101)]);
        assert_eq!(kept.order(1).expect("known").standing, Standing::Replaced(2));
        let order = kept.order(2).expect("known");
        assert_eq!((order.open, order.executed, order.paid), (0, 9, 905));
        assert_eq!((order.standing, kept.last_user_ref()), (Standing::Filled, 2));
    }

    #[test]
    fn refusals_use_up_numbers_and_strangers_are_passed_over() {
        let message =
            OrderRejected { timestamp: 1, user_ref: UserRef(8), reason: 0x17, cl_ord_id: ClOrdId::default() };
        let modified = OrderModified { timestamp: 1, user_ref: UserRef(1), side: b'B', quantity: 6 };
        let kept = blotter(&[
            Outbound::Rejected(message, NO_TAGS),
            executed(3, 1, 1),
            canceled(3, 1),
            accepted(1, 10),
            Outbound::Modified(modified, NO_TAGS),
        ]);
        assert_eq!((kept.last_user_ref(), kept.fills().len(), kept.orders().count()), (8, 0, 1));
        assert_eq!(kept.order(1).expect("known").open, 6);
    }
}
