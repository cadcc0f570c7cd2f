//! A resting order: the part that matching uses, in one cache line, and the rest.

use super::handle::NONE;
use crate::domain::{
    AccountId, Amount, InstrumentId, LoginId, OrderId, Price, Quantity, Side, TimeInForce, UserRef,
};

/// A complete order: before it is put into the slab, or as read from it.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// The exchange's number.
    pub id: OrderId,
    /// Limit in ticks, between -2^31 and 2^31 exclusive; `None` for a market order, which never rests.
    pub limit: Option<Price>,
    /// Lots still open.
    pub open: Quantity,
    /// Lots of the whole chain of replaced orders, including executed lots.
    pub total: Quantity,
    /// Reserved for the open lots: quote for a buy, base for a sell.
    pub reserved: Amount,
    /// The amount by which past fees were rounded up, in millionths of a minor unit (see `fees`).
    pub fee_carry: u32,
    pub login: LoginId,
    /// The login's account.
    pub account: AccountId,
    pub user_ref: UserRef,
    pub instrument: InstrumentId,
    /// The slot of its rare attributes; [`Order::NO_EXTRA`] if it has none.
    pub extra: u32,
    /// Data of the client's protocol that is returned with every replace ([`crate::domain::Echo::of_order`]).
    pub echo: [u8; 6],
    pub side: Side,
    /// Not displayed: at its price it trades after all displayed orders.
    pub hidden: bool,
    /// Flags of the exchange.
    pub flags: u8,
    /// How long the order rests.
    pub time_in_force: TimeInForce,
}

/// The part of an order that trades, cancels and queue neighbours use: one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Hot {
    /// The exchange's number; 0 in a free slot.
    pub id: OrderId,
    /// Lots still open. While the order is in a book, only the book may change them, because its level keeps the sum.
    pub open: Quantity,
    /// Reserved for the open lots: quote for a buy, base for a sell.
    pub reserved: Amount,
    /// Its limit; [`NO_LIMIT`] for a market order.
    pub(super) ticks: i32,
    pub login: LoginId,
    /// The login's account.
    pub account: AccountId,
    pub user_ref: UserRef,
    /// The amount by which past fees were rounded up, in millionths of a minor unit.
    pub fee_carry: u32,
    /// The neighbours in the queue of its price. In a free slot, `next` is the next free slot.
    pub(super) prev: u32,
    pub(super) next: u32,
    pub(super) level: u32,
    /// The next order in the same bucket of client names.
    pub(in crate::exchange) next_name: u32,
    pub side: Side,
    /// Not displayed: at its price it trades after all displayed orders.
    pub hidden: bool,
    /// Flags of the exchange.
    pub flags: u8,
}

/// The part of an order that only entry, replace, cancel and reports use.
#[derive(Clone, Copy, Debug)]
pub struct Cold {
    /// Lots of the whole chain of replaced orders, including executed lots. Listings limit it to 32 bits.
    pub total: u32,
    pub instrument: InstrumentId,
    /// The slot of its rare attributes; [`Order::NO_EXTRA`] if it has none.
    pub extra: u32,
    /// Data of the client's protocol that is returned to it.
    pub echo: [u8; 6],
    /// How long the order rests.
    pub time_in_force: TimeInForce,
}

const _: () = assert!(size_of::<Hot>() == 64);
const _: () = assert!(size_of::<Cold>() <= 20);

impl Hot {
    /// The trading order of two resting orders of a side that arrived in the order of their numbers: the lower rank
    /// trades first.
    pub(in crate::exchange) fn rank(&self) -> (i32, bool, OrderId) {
        let price = if self.side == Side::Buy { -self.ticks } else { self.ticks };
        (price, self.hidden, self.id)
    }
}

impl Order {
    /// The order has no rare attributes.
    pub const NO_EXTRA: u32 = NONE;

    /// The limit of an order that has one. Every order in a book has.
    ///
    /// # Panics
    /// If it is a market order.
    pub fn price(&self) -> Price {
        self.limit.expect("a market order has no limit and is in no book")
    }

    /// Lots that the chain has executed so far.
    pub fn executed(&self) -> Quantity {
        Quantity(self.total.0 - self.open.0)
    }

    /// Splits the order into the two parts that the slab stores.
    ///
    /// # Panics
    /// If the price is 2^31 ticks or more from 0, or the chain has 2^32 lots or more; listings allow neither.
    #[inline]
    pub fn split(&self) -> (Hot, Cold) {
        let ticks = ticks_of(self.limit);
        let Self { id, open, reserved, login, account, user_ref, fee_carry, side, hidden, flags, .. } = *self;
        let (prev, next, level, next_name) = (NONE, NONE, NONE, NONE);
        let hot = Hot {
            id,
            open,
            reserved,
            ticks,
            login,
            account,
            user_ref,
            fee_carry,
            prev,
            next,
            level,
            next_name,
            side,
            hidden,
            flags,
        };
        let Self { instrument, extra, echo, time_in_force, .. } = *self;
        let total = u32::try_from(self.total.0).expect("a chain has fewer than 2^32 lots");
        (hot, Cold { total, instrument, extra, echo, time_in_force })
    }

    /// Combines the two parts.
    #[inline]
    pub fn join(hot: &Hot, cold: &Cold) -> Self {
        let limit = hot.limit();
        let Hot { id, open, reserved, login, account, user_ref, fee_carry, side, hidden, flags, .. } = *hot;
        let Cold { total, instrument, extra, echo, time_in_force } = *cold;
        Self {
            id,
            limit,
            open,
            total: Quantity(total.into()),
            reserved,
            fee_carry,
            login,
            account,
            user_ref,
            instrument,
            extra,
            echo,
            side,
            hidden,
            flags,
            time_in_force,
        }
    }
}

impl Default for Order {
    fn default() -> Self {
        Self {
            id: OrderId(0),
            limit: None,
            open: Quantity(0),
            total: Quantity(0),
            reserved: Amount(0),
            fee_carry: 0,
            login: LoginId(0),
            account: AccountId(0),
            user_ref: UserRef(0),
            instrument: InstrumentId(0),
            extra: Self::NO_EXTRA,
            echo: [0; 6],
            side: Side::Buy,
            hidden: false,
            flags: 0,
            time_in_force: TimeInForce::GoodTillCancel,
        }
    }
}

impl Hot {
    /// Limit in ticks; `None` for a market order, which never rests.
    #[inline]
    pub fn limit(&self) -> Option<Price> {
        (self.ticks != NO_LIMIT).then_some(self.price())
    }

    /// The limit of an order that has one. Every order in a book has.
    #[inline]
    pub fn price(&self) -> Price {
        Price(i64::from(self.ticks))
    }

    /// Changes the limit of an order that is not in a book.
    ///
    /// # Panics
    /// If the price is 2^31 ticks or more from 0.
    pub fn set_limit(&mut self, limit: Option<Price>) {
        self.ticks = ticks_of(limit);
    }
}

/// The limit in ticks that stands for a market order; no price has this value.
const NO_LIMIT: i32 = i32::MIN;

#[inline]
fn ticks_of(limit: Option<Price>) -> i32 {
    let Some(price) = limit else { return NO_LIMIT };
    let ticks = i32::try_from(price.0).ok().filter(|ticks| *ticks != NO_LIMIT);
    ticks.expect("a limit is less than 2^31 ticks from 0")
}
