//! Resting orders: one slab for all books, so that an order is named by one small handle everywhere.

use crate::domain::{AccountId, Amount, InstrumentId, LoginId, OrderId, Price, Quantity, Side, UserRef};

/// Where an order stands in the slab. Reused after the order is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub(super) u32);

/// No order.
pub(super) const NONE: u32 = u32::MAX;

/// One order: resting, or on its way through the match.
#[derive(Clone, Copy, Debug, Default)]
pub struct Order {
    /// The exchange's number.
    pub id: OrderId,
    /// Limit in ticks; 0 for a market order, which never rests.
    pub price: Price,
    /// Lots still open.
    pub open: Quantity,
    /// Lots of the whole chain of replaced orders, what has executed included.
    pub total: Quantity,
    /// What is reserved for the open lots: quote for a buy, base for a sell.
    pub reserved: Amount,
    /// What past fees were rounded up by, in millionths of a minor unit (see `fees`).
    pub fee_carry: u32,
    /// Whose order.
    pub login: LoginId,
    /// The account that the login belongs to.
    pub account: AccountId,
    /// The client's number.
    pub user_ref: UserRef,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// The client's capacity, returned with every replace.
    pub capacity: u8,
    /// The client's cross type, returned with every replace.
    pub cross_type: u8,
    /// The client's firm, returned with every replace; zeros when there is none.
    pub firm: [u8; 4],
    pub(in crate::exchange) level: u32,
    pub(in crate::exchange) prev: u32,
    pub(in crate::exchange) next: u32,
}

impl Order {
    /// Lots that the chain has executed so far.
    pub fn executed(&self) -> Quantity {
        Quantity(self.total.0 - self.open.0)
    }
}

/// A resting order costs no more than this, bookkeeping apart.
const _: () = assert!(size_of::<Order>() <= 96);

/// All resting orders, in memory taken at start.
#[derive(Debug)]
pub struct OrderSlab {
    slots: Vec<Order>,
    free: Vec<u32>,
    capacity: usize,
}

impl OrderSlab {
    /// Room for `capacity` orders.
    pub fn new(capacity: u32) -> Self {
        let capacity = capacity as usize;
        Self { slots: Vec::with_capacity(capacity), free: Vec::with_capacity(capacity), capacity }
    }

    /// Whether there is no room for one more.
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// How many orders there is room for.
    pub fn capacity(&self) -> u32 {
        self.capacity as u32
    }

    /// Makes room for this many orders. Those that are there stay, also when they are more.
    pub fn set_capacity(&mut self, capacity: u32) {
        self.capacity = capacity as usize;
        self.slots.reserve_exact(self.capacity.saturating_sub(self.slots.len()));
        self.free.reserve_exact(self.capacity.saturating_sub(self.free.len()));
    }

    /// How many orders rest.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Puts an order in. The caller has seen that there is room for a new one; one that takes the place of another needs
    /// none, even where the limit has since sunk below what is open.
    pub fn insert(&mut self, order: Order) -> Handle {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = order;
            return Handle(slot);
        }
        let slot = self.slots.len() as u32;
        self.slots.push(order);
        Handle(slot)
    }

    /// Frees an order's place.
    pub fn remove(&mut self, handle: Handle) {
        self.free.push(handle.0);
    }

    /// The order at this handle.
    pub fn get(&self, handle: Handle) -> &Order {
        &self.slots[handle.0 as usize]
    }

    /// The order at this handle.
    pub fn get_mut(&mut self, handle: Handle) -> &mut Order {
        &mut self.slots[handle.0 as usize]
    }

    pub(super) fn at(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot as usize]
    }
}
