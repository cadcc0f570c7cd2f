//! A client-side record of the orders and trades of one login, built only from the messages of its stream.
//!
//! A blotter that starts with message 1 has the whole session. One that starts later has everything from then on and
//! ignores messages about orders that were entered before. Open orders stay when a new session begins and keep their
//! numbers; while they are open, the new session gives their numbers to no other order. Everything else of the earlier
//! session is dropped.

#![deny(clippy::wildcard_enum_match_arm)]

use super::event::{ClientEvent, ClientMessage, Liquidity, OrderTerms};
use super::explain::CancelCode;
use crate::domain::{ClOrdId, OrderPrice, Quantity, Side, Symbol, TradeId, UserRef};
use std::collections::BTreeMap;

/// The state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is open.
    Open,
    /// All of it traded.
    Filled,
    /// The remainder was cancelled.
    Canceled(CancelCode),
    /// The remainder was cancelled because it would have traded with the same owner.
    SelfTradePrevented,
    /// The order with this number replaced it.
    Replaced(UserRef),
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// The client's number.
    pub user_ref: UserRef,
    /// The instrument.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// Market, or the limit in price units.
    pub price: OrderPrice,
    /// Open lots.
    pub open: u64,
    /// Traded lots, including those of the orders that it replaced.
    pub executed: u64,
    /// Sum of price units × lots over the traded lots.
    pub paid: u128,
    /// Its state.
    pub standing: Standing,
    /// The client's text.
    pub cl_ord_id: ClOrdId,
    /// Whether it is an order with a trigger that was triggered.
    pub was_triggered: bool,
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillLine {
    /// Nanoseconds since midnight UTC.
    pub since_midnight_ns: u64,
    /// The order.
    pub user_ref: UserRef,
    /// The instrument.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// In price units.
    pub price: u64,
    /// Lots.
    pub quantity: Quantity,
    /// The trade's number.
    pub trade: TradeId,
    /// The role of the order in the trade.
    pub liquidity: Liquidity,
}

/// The orders and trades of one login.
#[derive(Clone, Debug, Default)]
pub struct Blotter {
    orders: BTreeMap<UserRef, OrderLine>,
    fills: Vec<FillLine>,
}

impl Blotter {
    /// Applies the next message of the stream.
    pub fn take(&mut self, message: &ClientMessage) {
        match &message.event {
            ClientEvent::Accepted(order) => self.insert(order, 0, 0),
            ClientEvent::Replaced { orig_user_ref, order } => {
                let before = self.orders.get_mut(orig_user_ref);
                let (executed, paid) = before.map_or((0, 0), |before| {
                    (before.open, before.standing) = (0, Standing::Replaced(order.user_ref));
                    (before.executed, before.paid)
                });
                self.insert(order, executed, paid);
            }
            ClientEvent::Executed { user_ref, quantity, price, liquidity, trade } => {
                let Some(order) = self.orders.get_mut(user_ref) else { return };
                order.open = order.open.saturating_sub(quantity.0);
                order.executed += quantity.0;
                order.paid += u128::from(*price) * u128::from(quantity.0);
                if order.open == 0 {
                    order.standing = Standing::Filled;
                }
                self.fills.push(FillLine {
                    since_midnight_ns: message.since_midnight_ns,
                    user_ref: *user_ref,
                    symbol: order.symbol,
                    side: order.side,
                    price: *price,
                    quantity: *quantity,
                    trade: *trade,
                    liquidity: *liquidity,
                });
            }
            ClientEvent::Canceled { user_ref, decrement, reason } => {
                self.shrink(*user_ref, *decrement, Standing::Canceled(*reason));
            }
            ClientEvent::SelfTradePrevented { user_ref, decrement, .. } => {
                self.shrink(*user_ref, *decrement, Standing::SelfTradePrevented);
            }
            ClientEvent::Modified { user_ref, open, .. } => {
                if let Some(order) = self.orders.get_mut(user_ref) {
                    order.open = open.0;
                }
            }
            ClientEvent::SessionStarted => {
                self.orders.retain(|_, order| order.standing == Standing::Open);
                self.fills.clear();
            }
            ClientEvent::PriorityUpdated { user_ref, .. } => {
                if let Some(order) = self.orders.get_mut(user_ref) {
                    order.was_triggered = true;
                }
            }
            ClientEvent::SessionEnded
            | ClientEvent::Rejected { .. }
            | ClientEvent::CancelRejected { .. }
            | ClientEvent::CancelPending { .. }
            | ClientEvent::Refreshed { .. }
            | ClientEvent::MassCanceled { .. }
            | ClientEvent::OrderEntryDisabled { .. }
            | ClientEvent::OrderEntryEnabled { .. }
            | ClientEvent::AccountState { .. }
            | ClientEvent::TransferSent { .. }
            | ClientEvent::PositionState(_)
            | ClientEvent::PositionChanged(_)
            | ClientEvent::FundingPaid(_)
            | ClientEvent::FundPaid(_)
            | ClientEvent::SettingMade { .. }
            | ClientEvent::IndexAnswered { .. }
            | ClientEvent::Broken { .. } => {}
        }
    }

    fn insert(&mut self, order: &OrderTerms, executed: u64, paid: u128) {
        let line = OrderLine {
            user_ref: order.user_ref,
            symbol: order.symbol,
            side: order.side,
            price: order.price,
            open: order.quantity.0,
            executed,
            paid,
            standing: Standing::Open,
            cl_ord_id: order.cl_ord_id,
            was_triggered: false,
        };
        self.orders.insert(line.user_ref, line);
    }

    fn shrink(&mut self, user_ref: UserRef, decrement: Quantity, standing: Standing) {
        let Some(order) = self.orders.get_mut(&user_ref) else { return };
        order.open = order.open.saturating_sub(decrement.0);
        if order.open == 0 {
            order.standing = standing;
        }
    }

    /// The order with this client number.
    pub fn order(&self, user_ref: UserRef) -> Option<&OrderLine> {
        self.orders.get(&user_ref)
    }

    /// All orders, by client number.
    pub fn orders(&self) -> impl DoubleEndedIterator<Item = &OrderLine> {
        self.orders.values()
    }

    /// All trades, in the order of their messages.
    pub fn fills(&self) -> &[FillLine] {
        &self.fills
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OrderId, TimeInForce, Visibility};
    use crate::wire::ouch::Told;

    fn order(user_ref: u32, lots: u64) -> OrderTerms {
        OrderTerms {
            user_ref: UserRef(user_ref),
            order: OrderId(9),
            side: Side::Buy,
            quantity: Quantity(lots),
            symbol: Symbol::new("X").expect("a symbol"),
            price: OrderPrice::Limit(100),
            time_in_force: TimeInForce::Day,
            visibility: Visibility::Displayed,
            live: true,
            cl_ord_id: ClOrdId::default(),
            told: Told::default(),
        }
    }

    fn executed(user_ref: u32, lots: u64, price: u64) -> ClientEvent {
        ClientEvent::Executed {
            user_ref: UserRef(user_ref),
            quantity: Quantity(lots),
            price,
            liquidity: Liquidity::Removed,
            trade: TradeId(7),
        }
    }

    fn canceled(user_ref: u32, lots: u64) -> ClientEvent {
        let (user_ref, decrement) = (UserRef(user_ref), Quantity(lots));
        ClientEvent::Canceled { user_ref, decrement, reason: CancelCode(b'U') }
    }

    fn blotter(events: &[ClientEvent]) -> Blotter {
        let mut blotter = Blotter::default();
        for (sequence, event) in (1..).zip(events) {
            blotter.take(&ClientMessage { sequence, since_midnight_ns: 5, copy_of: None, event: *event });
        }
        blotter
    }

    #[test]
    fn an_order_is_followed_to_its_end() {
        let accepted = ClientEvent::Accepted(order(1, 10));
        let kept = blotter(&[accepted, executed(1, 3, 100), executed(1, 1, 99), canceled(1, 2)]);
        let line = kept.order(UserRef(1)).expect("known");
        assert_eq!((line.open, line.executed, line.paid), (4, 4, 399));
        assert_eq!((line.standing, kept.fills().len()), (Standing::Open, 2));
        let gone = blotter(&[accepted, executed(1, 3, 100), canceled(1, 7)]);
        assert_eq!(gone.order(UserRef(1)).expect("known").standing, Standing::Canceled(CancelCode(b'U')));
        let filled = blotter(&[accepted, executed(1, 10, 100)]);
        assert_eq!(filled.order(UserRef(1)).expect("known").standing, Standing::Filled);
    }

    #[test]
    fn a_replaced_order_hands_on_what_it_has_traded() {
        let replaced = ClientEvent::Replaced { orig_user_ref: UserRef(1), order: order(2, 5) };
        let accepted = ClientEvent::Accepted(order(1, 10));
        let kept = blotter(&[accepted, executed(1, 4, 100), replaced, executed(2, 5, 101)]);
        assert_eq!(kept.order(UserRef(1)).expect("known").standing, Standing::Replaced(UserRef(2)));
        let line = kept.order(UserRef(2)).expect("known");
        assert_eq!((line.open, line.executed, line.paid, line.standing), (0, 9, 905, Standing::Filled));
    }

    #[test]
    fn open_orders_outlive_their_session() {
        let accepted = [1, 2].map(|number| ClientEvent::Accepted(order(number, 10)));
        let before =
            [accepted[0], accepted[1], executed(1, 10, 100), executed(2, 4, 100), ClientEvent::SessionEnded];
        let after = [ClientEvent::SessionStarted, ClientEvent::Accepted(order(1, 7)), canceled(2, 1)];
        let kept = blotter(&[&before[..], &after[..]].concat());
        let open =
            |number| kept.order(UserRef(number)).map(|order| (order.open, order.executed, order.standing));
        assert_eq!(open(1), Some((7, 0, Standing::Open)), "a number is given again when its order is gone");
        assert_eq!(open(2), Some((5, 4, Standing::Open)));
        assert!(kept.fills().is_empty());
    }

    #[test]
    fn orders_that_were_entered_before_are_passed_over() {
        let modified = ClientEvent::Modified { user_ref: UserRef(1), side: Side::Buy, open: Quantity(6) };
        let kept =
            blotter(&[executed(3, 1, 1), canceled(3, 1), ClientEvent::Accepted(order(1, 10)), modified]);
        assert_eq!((kept.fills().len(), kept.orders().count()), (0, 1));
        assert_eq!(kept.order(UserRef(1)).expect("known").open, 6);
    }
}
