//! Orders as a client specifies them, and their encoding.

use crate::domain::{
    ClOrdId, Effect, Instructions, OrderPrice, Owner, PostOnly, Quantity, QuantityUnit, SelfTrade,
    SelfTradePrevention, Side, Symbol, TimeInForce, Timestamp, Trigger, TriggerKind, TriggerReference,
    UserRef, Visibility,
};
use crate::wire::ouch::{EnterOrder, MARKET_PRICE, ReplaceOrder, tags};

/// A new order. Start with [`NewOrder::buy`] or [`NewOrder::sell`] and add properties:
///
/// ```
/// use dojima::client::NewOrder;
/// use dojima::domain::Symbol;
///
/// let symbol = Symbol::new("BTC-USDT").expect("1 to 8 characters");
/// // 500 lots at 60,000.00, of which 50 are shown at a time, and only if the order rests.
/// let iceberg = NewOrder::buy(symbol, 500).limit(6_000_000).iceberg(50).post_only();
/// // All of it at once at 60,001.00 or better, or nothing.
/// let fill_or_kill = NewOrder::buy(symbol, 500).limit(6_000_100).fill_or_kill();
/// // Sold at whatever the book offers when the last trade is at or below 59,000.00.
/// let stop = NewOrder::sell(symbol, 500).market().stop(5_900_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct NewOrder {
    /// The instrument.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// Quantity, price, time in force, instructions and text.
    pub terms: Terms,
    /// The firm that the order is for; zeros: none.
    pub firm: [u8; 4],
    /// The linked live order of this login: when one of the two trades, the other is cancelled. 0: none.
    pub linked_to: UserRef,
}

/// The terms that new orders and replacements share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Terms {
    /// Lots; for a replacement the new total including executed lots; or an amount of money.
    pub quantity: Quantity,
    /// Market, or the limit in price units.
    pub price: OrderPrice,
    /// What happens to the remainder.
    pub time_in_force: TimeInForce,
    /// Further instructions.
    pub instructions: Instructions,
    /// Free text that is returned in the answers.
    pub cl_ord_id: ClOrdId,
}

/// New terms for a live order. Only side, symbol and firm are taken over from the old order. The order loses its
/// priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Replacement {
    /// All of its terms.
    pub terms: Terms,
}

impl NewOrder {
    /// A market order to buy this many lots; other methods change its properties.
    pub fn buy(symbol: Symbol, lots: u64) -> Self {
        Self::new(symbol, Side::Buy, lots)
    }

    /// A market order to sell this many lots; other methods change its properties.
    pub fn sell(symbol: Symbol, lots: u64) -> Self {
        Self::new(symbol, Side::Sell, lots)
    }

    fn new(symbol: Symbol, side: Side, lots: u64) -> Self {
        Self { symbol, side, terms: Terms::market(lots), firm: [0; 4], linked_to: UserRef(0) }
    }

    /// Trades for at most this amount of money, in minor units of the quote asset, instead of a number of lots.
    pub fn for_amount(mut self, amount: u64) -> Self {
        self.terms.quantity = Quantity(amount);
        self.terms.instructions.unit = QuantityUnit::QuoteAmount;
        self
    }

    /// The firm, returned unchanged.
    pub fn firm(mut self, firm: [u8; 4]) -> Self {
        self.firm = firm;
        self
    }

    /// Links this order to a live one of the same login, instrument and side: one cancels the other.
    pub fn linked_to(mut self, other: UserRef) -> Self {
        self.linked_to = other;
        self
    }

    /// The message; its tags are written into `appendage`.
    pub(super) fn message(&self, user_ref: UserRef, appendage: &mut Vec<u8>) -> EnterOrder {
        appendage.clear();
        if self.firm != [0; 4] {
            push(appendage, tags::FIRM, self.firm);
        }
        let quantity = self.terms.write_tags(appendage);
        if self.linked_to != UserRef(0) {
            push(appendage, tags::LINKED_ORDER, self.linked_to.0.to_be_bytes());
        }
        EnterOrder {
            user_ref,
            side: match self.side {
                Side::Buy => b'B',
                Side::Sell => b'S',
            },
            quantity,
            symbol: self.symbol,
            price: self.terms.price_units(),
            time_in_force: self.terms.time_in_force_code(),
            display: self.terms.display_code(),
            capacity: b'P',
            iso: b'N',
            cross_type: b'N',
            cl_ord_id: self.terms.cl_ord_id,
        }
    }
}

impl Replacement {
    /// A market order with this total in lots, including executed lots; other methods change its properties.
    pub fn total(lots: u64) -> Self {
        Self { terms: Terms::market(lots) }
    }

    /// The message; its tags are written into `appendage`.
    pub(super) fn message(
        &self,
        orig_user_ref: UserRef,
        user_ref: UserRef,
        appendage: &mut Vec<u8>,
    ) -> ReplaceOrder {
        appendage.clear();
        let quantity = self.terms.write_tags(appendage);
        ReplaceOrder {
            orig_user_ref,
            user_ref,
            quantity,
            price: self.terms.price_units(),
            time_in_force: self.terms.time_in_force_code(),
            display: self.terms.display_code(),
            iso: b'N',
            cl_ord_id: self.terms.cl_ord_id,
        }
    }
}

macro_rules! ways {
    ($($order:ident),*) => {$(
        impl $order {
            /// Limits the price, in price units. The order rests until it is cancelled or its day ends.
            pub fn limit(mut self, price: u64) -> Self {
                self.terms.price = OrderPrice::Limit(i64::try_from(price).unwrap_or(i64::MAX));
                self
            }

            /// Accepts any price that the book offers; nothing rests.
            pub fn market(mut self) -> Self {
                self.terms.price = OrderPrice::Market;
                self
            }

            /// Cancels the part that does not trade at once.
            pub fn immediate_or_cancel(mut self) -> Self {
                self.terms.time_in_force = TimeInForce::ImmediateOrCancel;
                self
            }

            /// Trades all lots at once or none.
            pub fn fill_or_kill(self) -> Self {
                let all = u32::try_from(self.terms.quantity.0).unwrap_or(u32::MAX);
                self.immediate_or_cancel().min_quantity(all)
            }

            /// The expire time of a resting order: seconds since midnight UTC below 86,400, otherwise seconds since
            /// 1970.
            pub fn until(mut self, expire_s: u32) -> Self {
                self.terms.time_in_force = TimeInForce::GoodTillTime;
                self.terms.instructions.expire_s = expire_s;
                self
            }

            /// Cancels all of the order unless this many lots trade at once.
            pub fn min_quantity(mut self, lots: u32) -> Self {
                self.terms.instructions.min_quantity = lots;
                self
            }

            /// Displays this many lots at a time.
            pub fn iceberg(mut self, lots: u32) -> Self {
                self.terms.instructions.display_quantity = lots;
                self
            }

            /// Hides the order from market data.
            pub fn hidden(mut self) -> Self {
                self.terms.instructions.visibility = Visibility::Hidden;
                self
            }

            /// Refused if it would trade on entry.
            pub fn post_only(mut self) -> Self {
                self.terms.instructions.post_only = PostOnly::Reject;
                self
            }

            /// Its price is moved if it would trade on entry.
            pub fn post_only_slide(mut self) -> Self {
                self.terms.instructions.post_only = PostOnly::Slide;
                self
            }

            /// Waits until the price has moved against the owner to this price, in price units: a buy until the price
            /// is at or above it, a sell until it is at or below.
            pub fn stop(self, price: u32) -> Self {
                self.trigger(TriggerKind::Stop, price)
            }

            /// Waits until the price has moved in the owner's favour to this price, in price units.
            pub fn take_profit(self, price: u32) -> Self {
                self.trigger(TriggerKind::TakeProfit, price)
            }

            /// A stop that follows the price at this distance, in price units, while the price moves in the owner's
            /// favour.
            pub fn trailing_stop(self, distance: u32) -> Self {
                self.trigger(TriggerKind::TrailingStop, distance)
            }

            fn trigger(mut self, kind: TriggerKind, price: u32) -> Self {
                let trigger = self.terms.instructions.trigger.get_or_insert_default();
                (trigger.kind, trigger.price) = (kind, price);
                self
            }

            /// The trigger watches the mark price, not the last trade.
            pub fn on_mark_price(mut self) -> Self {
                let trigger = self.terms.instructions.trigger.get_or_insert_default();
                trigger.reference = TriggerReference::MarkPrice;
                self
            }

            /// The trigger watches the index of the contract, not the last trade.
            pub fn on_index(mut self) -> Self {
                let trigger = self.terms.instructions.trigger.get_or_insert_default();
                trigger.reference = TriggerReference::IndexPrice;
                self
            }

            /// The order may only decrease the position.
            pub fn reduce_only(mut self) -> Self {
                self.terms.instructions.effect = Effect::ReduceOnly;
                self
            }

            /// The order opens or increases a position in hedge mode: a buy the long one, a sell the short one.
            pub fn opens(mut self) -> Self {
                self.terms.instructions.effect = Effect::Open;
                self
            }

            /// The order closes the position with all the lots that it has then. For market orders, and for orders with
            /// a trigger.
            pub fn closes_position(mut self) -> Self {
                self.terms.instructions.effect = Effect::ClosePosition;
                self.terms.quantity = Quantity(0);
                self
            }

            /// Self-trade prevention: what happens, and which accounts count as one owner.
            pub fn self_trade(mut self, mode: SelfTrade, owner: Owner) -> Self {
                self.terms.instructions.self_trade = Some(SelfTradePrevention { mode, owner });
                self
            }

            /// Refused if the exchange sequences it after this time.
            pub fn book_by(mut self, time: Timestamp) -> Self {
                self.terms.instructions.book_by = time;
                self
            }

            /// Free text that is returned in the answers.
            pub fn cl_ord_id(mut self, text: ClOrdId) -> Self {
                self.terms.cl_ord_id = text;
                self
            }
        }
    )*};
}
ways!(NewOrder, Replacement);

impl Terms {
    fn market(lots: u64) -> Self {
        Self {
            quantity: Quantity(lots),
            price: OrderPrice::Market,
            time_in_force: TimeInForce::Day,
            instructions: Instructions::NOTHING,
            cl_ord_id: ClOrdId::default(),
        }
    }

    fn price_units(&self) -> u64 {
        match self.price {
            OrderPrice::Market => MARKET_PRICE,
            // OUCH cannot encode a negative price. 0 is sent, which is refused like a negative price.
            OrderPrice::Limit(units) => units.try_into().unwrap_or(0),
        }
    }

    fn time_in_force_code(&self) -> u8 {
        match self.time_in_force {
            TimeInForce::GoodTillCancel | TimeInForce::Day => b'0',
            TimeInForce::ImmediateOrCancel => b'3',
            TimeInForce::GoodTillTime => b'6',
        }
    }

    fn display_code(&self) -> u8 {
        match self.instructions.visibility {
            Visibility::Displayed => b'Y',
            Visibility::Hidden => b'N',
        }
    }

    /// Writes the tags and returns the Quantity field. Uses private tags only if no standard field fits.
    fn write_tags(&self, out: &mut Vec<u8>) -> u32 {
        let asked = &self.instructions;
        for (tag, number) in [
            (tags::MIN_QTY, asked.min_quantity),
            (tags::MAX_FLOOR, asked.display_quantity),
            (tags::EXPIRE_TIME, asked.expire_s),
        ] {
            if number != 0 {
                push(out, tag, number.to_be_bytes());
            }
        }
        match asked.post_only {
            PostOnly::No => {}
            PostOnly::Reject => push(out, tags::POST_ONLY, *b"P"),
            PostOnly::Slide => push(out, tags::POST_ONLY_SLIDE, *b"Y"),
        }
        if let Some(trigger) = asked.trigger {
            write_trigger(trigger, out);
        }
        let effect = match asked.effect {
            Effect::Any => None,
            Effect::ReduceOnly => Some(b"Y"),
            Effect::Open => Some(b"O"),
            Effect::ClosePosition => Some(b"C"),
        };
        if let Some(letter) = effect {
            push(out, tags::POSITION_EFFECT, *letter);
        }
        if let Some(prevention) = asked.self_trade {
            write_self_trade(prevention, out);
        }
        if asked.book_by != Timestamp(0) {
            push(out, tags::BOOK_BY, asked.book_by.0.to_be_bytes());
        }
        match (asked.unit, u32::try_from(self.quantity.0)) {
            (QuantityUnit::QuoteAmount, _) => push(out, tags::QUOTE_AMOUNT, self.quantity.0.to_be_bytes()),
            (QuantityUnit::Lots, Ok(lots)) => return lots,
            (QuantityUnit::Lots, Err(_)) => push(out, tags::QUANTITY_64, self.quantity.0.to_be_bytes()),
        }
        0
    }
}

fn write_trigger(trigger: Trigger, out: &mut Vec<u8>) {
    push(out, tags::STOP_PRICE, u64::from(trigger.price).to_be_bytes());
    match trigger.kind {
        TriggerKind::Stop => {}
        TriggerKind::TakeProfit => push(out, tags::TRIGGER_KIND, *b"P"),
        TriggerKind::TrailingStop => push(out, tags::TRIGGER_KIND, *b"T"),
    }
    match trigger.reference {
        TriggerReference::LastTrade => {}
        TriggerReference::MarkPrice => push(out, tags::TRIGGER_REFERENCE, *b"M"),
        TriggerReference::IndexPrice => push(out, tags::TRIGGER_REFERENCE, *b"I"),
    }
}

fn write_self_trade(prevention: SelfTradePrevention, out: &mut Vec<u8>) {
    let mode = match prevention.mode {
        SelfTrade::Allow => b'A',
        SelfTrade::CancelNewest => b'N',
        SelfTrade::CancelOldest => b'O',
        SelfTrade::CancelBoth => b'B',
        SelfTrade::DecrementBoth => b'D',
    };
    push(out, tags::SELF_TRADE, [mode]);
    if prevention.owner == Owner::Group {
        push(out, tags::SELF_TRADE_OWNER, *b"G");
    }
}

pub(super) fn push<const N: usize>(out: &mut Vec<u8>, tag: u8, value: [u8; N]) {
    const { assert!(N < 255, "the length of a tag is one byte") };
    out.extend_from_slice(&[N as u8 + 1, tag]);
    out.extend_from_slice(&value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, AdminEvent, Command, Event, Listing, Listings, LoginId, OrderCommand};
    use crate::wire::ouch::{Appendage, Echoed, Inbound, LoggedIn, to_command};
    use proptest::prelude::*;

    const SYMBOL: Symbol = Symbol(*b"BTC-USDT");

    fn asked() -> impl Strategy<Value = Instructions> {
        let number = || prop_oneof![Just(0), any::<u32>()];
        let trigger = proptest::option::of((0..3_usize, 0..3_usize, any::<u32>()).prop_map(
            |(kind, reference, price)| {
                let kind = [TriggerKind::Stop, TriggerKind::TakeProfit, TriggerKind::TrailingStop][kind];
                let reference = TriggerReference::ALL[reference];
                Trigger { kind, reference, price }
            },
        ));
        let modes = proptest::sample::select(vec![
            SelfTrade::Allow,
            SelfTrade::CancelNewest,
            SelfTrade::CancelOldest,
            SelfTrade::CancelBoth,
            SelfTrade::DecrementBoth,
        ]);
        let owners = proptest::sample::select(vec![Owner::Account, Owner::Group]);
        let prevention = (modes, owners).prop_map(|(mode, owner)| SelfTradePrevention { mode, owner });
        let post_only = proptest::sample::select(vec![PostOnly::No, PostOnly::Reject, PostOnly::Slide]);
        let numbers = (number(), number(), number(), any::<u64>());
        let effects = [Effect::Any, Effect::ReduceOnly, Effect::Open, Effect::ClosePosition];
        let flags = (any::<bool>(), any::<bool>(), proptest::sample::select(effects.to_vec()));
        (numbers, trigger, post_only, flags, proptest::option::of(prevention)).prop_map(
            |(numbers, trigger, post_only, (hidden, money, effect), self_trade)| Instructions {
                min_quantity: numbers.0,
                display_quantity: numbers.1,
                expire_s: numbers.2,
                book_by: Timestamp(numbers.3),
                oco: UserRef(0),
                trigger,
                visibility: if hidden { Visibility::Hidden } else { Visibility::Displayed },
                post_only,
                unit: if money { QuantityUnit::QuoteAmount } else { QuantityUnit::Lots },
                effect,
                self_trade,
            },
        )
    }

    proptest! {
        /// The exchange receives exactly what the client specified.
        #[test]
        fn orders_arrive_as_they_were_meant(
            instructions in asked(), quantity in any::<u64>(), linked_to in 0_u32..3, limit in any::<Option<u32>>(),
            firm in prop_oneof![Just([0; 4]), Just(*b"LIME")],
        ) {
            let mut listings = Listings::default();
            listings.apply(&Event::Admin(AdminEvent::InstrumentListed(Listing { symbol: SYMBOL, ..Listing::default() })));
            let price = limit.map_or(OrderPrice::Market, |units| OrderPrice::Limit(i64::from(units) >> 1));
            let (quantity, time_in_force) = (Quantity(quantity), TimeInForce::GoodTillTime);
            let terms = Terms { quantity, price, time_in_force, instructions, cl_ord_id: ClOrdId(*b"text          ") };
            let order = NewOrder { symbol: SYMBOL, side: Side::Sell, terms, firm, linked_to: UserRef(linked_to) };
            let mut tail = Vec::new();
            let message = order.message(UserRef(9), &mut tail);
            let from = LoggedIn { login: LoginId(3), session: 0, account: AccountId(1) };
            let command = to_command(from, &Inbound::Enter(message, Appendage(&tail)), &listings);
            let Command::Order(OrderCommand::Enter(entered)) = command else { panic!("{command:?}") };
            prop_assert_eq!((entered.user_ref, entered.side, entered.price), (UserRef(9), Side::Sell, price));
            prop_assert_eq!((entered.quantity, entered.time_in_force), (quantity, time_in_force));
            prop_assert_eq!((entered.echo.cl_ord_id, Echoed::of(&entered.echo).firm), (terms.cl_ord_id, firm));
            let expected = Instructions { oco: UserRef(linked_to), ..instructions };
            prop_assert_eq!(entered.instructions.unwrap_or_default(), expected);

            let message = Replacement { terms }.message(UserRef(9), UserRef(10), &mut tail);
            let command = to_command(from, &Inbound::Replace(message, Appendage(&tail)), &listings);
            let Command::Order(OrderCommand::Replace(replaced)) = command else { panic!("{command:?}") };
            prop_assert_eq!((replaced.quantity, replaced.price), (quantity, price));
            prop_assert_eq!(replaced.instructions.unwrap_or_default(), instructions);
        }
    }
}
