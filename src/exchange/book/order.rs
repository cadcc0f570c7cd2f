//! A resting order: what matching touches in one cache line, the rest beside it.

use super::handle::NONE;
use crate::domain::{
    AccountId, Amount, InstrumentId, LoginId, OrderId, Price, Quantity, Side, TimeInForce, UserRef,
};

/// One order, whole: on its way into the slab, or read out of it.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// The exchange's number.
    pub id: OrderId,
    /// Limit in ticks, less than 2^31 from 0; `None` for a market order, which never rests.
    pub limit: Option<Price>,
    /// Lots still open.
    pub open: Quantity,
    /// Lots of the whole chain of replaced orders, what has executed included.
    pub total: Quantity,
    /// What is reserved for the open lots: quote for a buy, base for a sell.
    pub reserved: Amount,
    /// What past fees were rounded up by, in millionths of a minor unit (see `fees`).
    pub fee_carry: u32,
    pub login: LoginId,
    /// The account that the login belongs to.
    pub account: AccountId,
    pub user_ref: UserRef,
    pub instrument: InstrumentId,
    /// Where the exchange keeps rare attributes of this order; [`Order::NO_EXTRA`] when it has none.
    pub extra: u32,
    /// What the client's protocol wants back with every replace ([`crate::domain::Echo::of_order`]).
    pub echo: [u8; 6],
    pub side: Side,
    /// Not shown: at its price it trades after all displayed orders.
    pub hidden: bool,
    /// The exchange's own marks.
    pub flags: u8,
    /// How long the order stays.
    pub time_in_force: TimeInForce,
}

/// The part of an order that a trade, a cancel and the order's neighbours in its queue touch: one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Hot {
    /// The exchange's number; 0 in a free slot.
    pub id: OrderId,
    /// Lots still open. While the order is in a book only the book changes it, for its level keeps the sum.
    pub open: Quantity,
    /// What is reserved for the open lots: quote for a buy, base for a sell.
    pub reserved: Amount,
    /// Its limit; [`NO_LIMIT`] of a market order.
    pub(super) ticks: i32,
    pub login: LoginId,
    /// The account that the login belongs to.
    pub account: AccountId,
    pub user_ref: UserRef,
    /// What past fees were rounded up by, in millionths of a minor unit.
    pub fee_carry: u32,
    /// The neighbours in the queue of the order's price; `next` of a free slot is the next free one.
    pub(super) prev: u32,
    pub(super) next: u32,
    pub(super) level: u32,
    /// The next order in the same bucket of the client names.
    pub(in crate::exchange) next_name: u32,
    pub side: Side,
    /// Not shown: at its price it trades after all displayed orders.
    pub hidden: bool,
    /// The exchange's own marks.
    pub flags: u8,
}

/// The part of an order that only entry, replace, cancel and reports need.
#[derive(Clone, Copy, Debug)]
pub struct Cold {
    /// Lots of the whole chain of replaced orders, what has executed included. No listing takes more than fit here.
    pub total: u32,
    pub instrument: InstrumentId,
    /// Where the exchange keeps rare attributes of this order; [`Order::NO_EXTRA`] when it has none.
    pub extra: u32,
    /// What the client's protocol wants back.
    pub echo: [u8; 6],
    /// How long the order stays.
    pub time_in_force: TimeInForce,
}

const _: () = assert!(size_of::<Hot>() == 64);
const _: () = assert!(size_of::<Cold>() <= 20);

impl Hot {
    /// Of two resting orders of a side that came in the order of their numbers, the one with the lower rank trades first.
    pub(in crate::exchange) fn rank(&self) -> (i32, bool, OrderId) {
        let price = if self.side == Side::Buy { -self.ticks } else { self.ticks };
        (price, self.hidden, self.id)
    }
}

impl Order {
    /// The order has nothing in the exchange's table of rare attributes.
    pub const NO_EXTRA: u32 = NONE;

    /// The limit of an order that has one, as every order of a book.
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

    /// In the two parts that the slab keeps.
    ///
    /// # Panics
    /// If the price is 2^31 ticks or more from 0 or the chain has 2^32 lots; listings let neither in.
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

    /// From its two parts.
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

    /// The limit of an order that has one, as every order of a book.
    #[inline]
    pub fn price(&self) -> Price {
        Price(i64::from(self.ticks))
    }

    /// Changes the limit of an order that is in no book.
    ///
    /// # Panics
    /// If the price is 2^31 ticks or more from 0.
    pub fn set_limit(&mut self, limit: Option<Price>) {
        self.ticks = ticks_of(limit);
    }
}

/// The ticks of a market order: no price has them.
const NO_LIMIT: i32 = i32::MIN;

#[inline]
fn ticks_of(limit: Option<Price>) -> i32 {
    let Some(price) = limit else { return NO_LIMIT };
    let ticks = i32::try_from(price.0).ok().filter(|ticks| *ticks != NO_LIMIT);
    ticks.expect("a limit is less than 2^31 ticks from 0")
}
