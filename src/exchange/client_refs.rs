//! Finds live orders by client number: a map from (login, client number) to handle.
//!
//! Linear hashing: a bucket is the start of a chain of orders, linked through the slab itself. Each new order splits
//! one bucket as long as there are fewer buckets than orders. So the table grows without a pause and without a second
//! copy, and it stays in the cache while few orders are live. Clients number their orders upward, so sixteen
//! neighbouring numbers of a login share one cache line of buckets, in an order that differs from line to line.
//!
//! The chain of a name depends on a key. A client that knows the key could choose numbers that share one chain; this is
//! not possible if the exchange is opened with a secret key. Nothing iterates over the table, so neither its layout nor
//! its key affects results.

use super::book::{Handle, Hot, NONE, OrderSlab};
use crate::domain::{LoginId, UserRef};
use std::hint::black_box;

/// How many neighbouring numbers have their buckets in one cache line.
const LINE: u32 = 16;
/// The initial number of buckets, 32 KiB: with few live orders, chains rarely have two.
const LEN_FIRST: usize = 1 << 13;

/// The hash key for client names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameKey {
    /// Any number; it is made odd.
    pub factor: u128,
    /// Any number.
    pub offset: u128,
}

impl Default for NameKey {
    /// A publicly known key: digits of π and e.
    fn default() -> Self {
        Self {
            factor: 0x243F_6A88_85A3_08D3_1319_8A2E_0370_7345,
            offset: 0xB7E1_5162_8AED_2A6A_BF71_5880_9CF4_F3C7,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct ClientRefs {
    key: NameKey,
    /// The first order of each chain.
    buckets: Vec<u32>,
    /// A power of two minus one. The power is at most the number of buckets and at least half of it.
    mask: u64,
    live: usize,
}

impl ClientRefs {
    /// A table for `orders_max` orders with one order per bucket.
    pub(super) fn new(orders_max: u32, key: NameKey) -> Self {
        let mut buckets = Vec::with_capacity((orders_max as usize).max(LEN_FIRST));
        buckets.resize(LEN_FIRST, NONE);
        let key = NameKey { factor: key.factor | 1, offset: key.offset };
        Self { key, buckets, mask: LEN_FIRST as u64 - 1, live: 0 }
    }

    /// Allocates the buckets for this many orders.
    pub(super) fn set_capacity(&mut self, orders_max: u32) {
        self.buckets.reserve_exact((orders_max as usize).saturating_sub(self.buckets.len()));
    }

    /// Multiply-shift in 128 bits, of which any 64 bits in the upper half are universal (Dietzfelbinger 1996): two
    /// lines of numbers collide no more often than by chance, whatever names the clients choose. Within its line a
    /// number is moved by bits of the same hash, so using only every sixteenth number gives no advantage.
    fn hash(&self, login: LoginId, user_ref: UserRef) -> u64 {
        let line = (u64::from(login.0) << 32) | u64::from(user_ref.0 / LINE);
        let mixed = u128::from(line).wrapping_mul(self.key.factor).wrapping_add(self.key.offset);
        (mixed >> 64) as u64 ^ u64::from(user_ref.0 % LINE)
    }

    /// The bucket of a name.
    fn bucket(&self, login: LoginId, user_ref: UserRef) -> usize {
        let hash = self.hash(login, user_ref);
        // Buckets below this one were split; the others were not, and also stand for those above them.
        let split = (hash & (self.mask * 2 + 1)) as usize;
        if split < self.buckets.len() { split } else { (hash & self.mask) as usize }
    }

    /// The first order of the chain of a name, whatever its own name; [`NONE`] if there is none.
    #[inline]
    pub(super) fn first(&self, login: LoginId, user_ref: UserRef) -> u32 {
        self.buckets[self.bucket(login, user_ref)]
    }

    /// The live order with this name.
    pub(super) fn get(&self, orders: &OrderSlab, login: LoginId, user_ref: UserRef) -> Option<Handle> {
        let mut at = self.buckets[self.bucket(login, user_ref)];
        while at != NONE {
            let order = &orders.hot[at as usize];
            if is(order, login, user_ref) {
                return Some(Handle(at));
            }
            at = order.next_name;
        }
        None
    }

    /// Adds an order by its name, which must not be in use.
    pub(super) fn insert(&mut self, orders: &mut OrderSlab, handle: Handle) {
        self.live += 1;
        if self.live > self.buckets.len() {
            self.split(orders);
        }
        let order = &mut orders.hot[handle.0 as usize];
        let bucket = self.bucket(order.login, order.user_ref);
        order.next_name = std::mem::replace(&mut self.buckets[bucket], handle.0);
    }

    /// Adds a bucket, which takes its part of the chain that stood for both.
    #[cold]
    fn split(&mut self, orders: &mut OrderSlab) {
        let new = self.buckets.len();
        if new as u64 > self.mask * 2 + 1 {
            self.mask = self.mask * 2 + 1;
        }
        self.buckets.push(NONE);
        let old = new & self.mask as usize;
        let (mut stay, mut go) = (NONE, NONE);
        let mut at = self.buckets[old];
        while at != NONE {
            let Hot { login, user_ref, next_name, .. } = orders.hot[at as usize];
            let chain = if self.bucket(login, user_ref) == new { &mut go } else { &mut stay };
            orders.hot[at as usize].next_name = std::mem::replace(chain, at);
            at = next_name;
        }
        (self.buckets[old], self.buckets[new]) = (stay, go);
    }

    /// Removes an order's name. The order is still in the slab.
    pub(super) fn remove(&mut self, orders: &mut OrderSlab, handle: Handle) {
        let Hot { login, user_ref, next_name, .. } = *orders.hot(handle);
        let bucket = self.bucket(login, user_ref);
        self.live -= 1;
        let mut at = self.buckets[bucket];
        if at == handle.0 {
            self.buckets[bucket] = next_name;
            return;
        }
        loop {
            let order = &mut orders.hot[at as usize];
            if order.next_name == handle.0 {
                order.next_name = next_name;
                return;
            }
            at = order.next_name;
        }
    }
}

/// Bucket flag: the chain has more than its first order.
const GOES_ON: u64 = 1 << 32;

/// A table that is being filled with the orders of a slab, in slot order, with one order per bucket.
#[derive(Debug)]
pub(super) struct Filling {
    table: ClientRefs,
    /// By bucket: the first order of the chain, whether it has more, and the tag of that order's name. The tag usually
    /// distinguishes names without another memory access.
    firsts: Vec<u64>,
    /// By slot: the name and the next order of its chain.
    chains: Vec<(LoginId, UserRef, u32)>,
}

impl Filling {
    /// An empty table for `orders` orders. `None` if there is not enough memory.
    pub(super) fn try_new(orders_max: u32, key: NameKey, orders: u32) -> Option<Self> {
        let len = (orders as usize).max(LEN_FIRST);
        let mut table = ClientRefs::new(0, key);
        table.buckets.try_reserve_exact(len.max(orders_max as usize) - table.buckets.len()).ok()?;
        table.buckets.resize(len, NONE);
        table.mask = (1 << len.ilog2()) - 1;
        let (mut firsts, mut chains) = (Vec::new(), Vec::new());
        firsts.try_reserve_exact(len).ok()?;
        firsts.resize(len, u64::from(NONE));
        chains.try_reserve_exact(orders as usize).ok()?;
        Some(Self { table, firsts, chains })
    }

    /// The bucket of a name, and a value from the memory that will be read there. The value is meaningless, but reading
    /// it brings the memory into the cache.
    #[inline]
    pub(super) fn bucket(&self, login: LoginId, user_ref: UserRef) -> (usize, u32) {
        let bucket = self.table.bucket(login, user_ref);
        let first = self.firsts[bucket];
        // The first order if the chain has more, otherwise 0. Computed with a multiplication that the compiler cannot
        // see through: a branch would be mispredicted half of the time, and would then wait for the memory.
        let goes_on = black_box((first >> GOES_ON.trailing_zeros()) as u32 & 1);
        let at = (first as u32).wrapping_mul(goes_on);
        (bucket, self.chains.get(at as usize).map_or(0, |chain| chain.2))
    }

    /// Adds the next order by its name and bucket; returns the next order of its chain, for the order's `next_name`.
    /// `None` if the name already exists.
    #[inline]
    pub(super) fn enter(&mut self, bucket: usize, login: LoginId, user_ref: UserRef) -> Option<u32> {
        let tag = u64::from(login.0.wrapping_mul(0x9E37_79B1) ^ user_ref.0) << 33;
        let before = self.firsts[bucket];
        let first = before as u32;
        let mut entry = tag | self.chains.len() as u64;
        if first != NONE {
            entry |= GOES_ON;
            let alike = before & !(GOES_ON - 1) & !GOES_ON == tag;
            if (alike || before & GOES_ON != 0) && self.has(first, login, user_ref) {
                return None;
            }
        }
        self.firsts[bucket] = entry;
        self.chains.push((login, user_ref, first));
        Some(first)
    }

    /// Whether the chain from here on has an order with this name.
    fn has(&self, first: u32, login: LoginId, user_ref: UserRef) -> bool {
        let mut at = first;
        while at != NONE {
            let (other, other_ref, next) = self.chains[at as usize];
            if (other, other_ref) == (login, user_ref) {
                return true;
            }
            at = next;
        }
        false
    }

    /// The finished table.
    pub(super) fn finish(mut self) -> ClientRefs {
        for (bucket, first) in self.table.buckets.iter_mut().zip(&self.firsts) {
            *bucket = *first as u32;
        }
        self.table.live = self.chains.len();
        self.table
    }
}

fn is(order: &Hot, login: LoginId, user_ref: UserRef) -> bool {
    (order.login, order.user_ref) == (login, user_ref)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Price;
    use crate::exchange::book::{Book, Order};
    use std::collections::BTreeMap;

    fn named(login: LoginId, user_ref: UserRef) -> Order {
        Order { login, user_ref, ..Order::default() }
    }

    /// Compared with a sorted map, with names from few logins so that chains get long.
    #[test]
    fn agrees_with_a_sorted_map() {
        let mut slab = OrderSlab::new(32);
        let mut table = ClientRefs::new(32, NameKey::default());
        let mut model = BTreeMap::new();
        let mut random = 7_u64;
        for step in 0..200_000_u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let login = LoginId((random >> 60) as u32 & 3);
            let user_ref = UserRef((random >> 33) as u32 % 50 + 1);
            let name = (login, user_ref);
            assert_eq!(table.get(&slab, login, user_ref), model.get(&name).copied(), "step {step}");
            if let Some(handle) = model.remove(&name) {
                table.remove(&mut slab, handle);
                slab.remove(handle);
            } else if model.len() < 32 {
                let handle = slab.insert(named(login, user_ref));
                table.insert(&mut slab, handle);
                model.insert(name, handle);
            }
        }
        for name in (0..4).flat_map(|login| (1..=50).map(move |at| (LoginId(login), UserRef(at)))) {
            assert_eq!(table.get(&slab, name.0, name.1), model.get(&name).copied());
        }
    }

    /// Grows and shrinks, with consecutive names of one login and scattered names of many.
    #[test]
    fn keeps_every_name_as_it_grows() {
        let orders = 40_000;
        let mut slab = OrderSlab::new(orders);
        let mut table = ClientRefs::new(orders, NameKey::default());
        let name = |at: u32| (LoginId(if at.is_multiple_of(2) { 0 } else { at }), UserRef(at + 1));
        let mut handles = Vec::new();
        for at in 0..orders {
            let handle = slab.insert(named(name(at).0, name(at).1));
            table.insert(&mut slab, handle);
            handles.push(handle);
            let early = at / 2;
            assert_eq!(table.get(&slab, name(early).0, name(early).1), Some(handles[early as usize]));
        }
        assert_eq!(table.buckets.len(), orders as usize, "one bucket an order");
        for at in (0..orders).step_by(3) {
            table.remove(&mut slab, handles[at as usize]);
        }
        for (at, handle) in (0..orders).zip(&handles) {
            let expected = (!at.is_multiple_of(3)).then_some(*handle);
            assert_eq!(table.get(&slab, name(at).0, name(at).1), expected, "name {at}");
        }
    }

    /// Every sixteenth number of one login is distributed like any other set of names.
    #[test]
    fn numbers_with_gaps_do_not_share_chains() {
        let orders = 1 << 14;
        let mut slab = OrderSlab::new(orders);
        let mut table = ClientRefs::new(orders, NameKey::default());
        for at in 1..=orders {
            let handle = slab.insert(named(LoginId(0), UserRef(at * 16)));
            table.insert(&mut slab, handle);
        }
        let length = |first: &u32| {
            let follow = |at: u32| (at != NONE).then_some(at);
            std::iter::successors(follow(*first), |at| follow(slab.hot[*at as usize].next_name)).count()
        };
        assert!(table.buckets.iter().map(length).max() <= Some(12));
    }

    /// An open order takes at most 128 bytes, including its name and its share of the levels, whether a hundred orders
    /// share a level or each has its own.
    #[test]
    fn an_order_takes_at_most_128_bytes() {
        const ORDERS: u32 = 1_000_000;
        for levels in [ORDERS / 100, ORDERS] {
            let mut kept = None;
            let counted = allocation_counter::measure(|| {
                let mut slab = OrderSlab::new(ORDERS);
                let mut table = ClientRefs::new(ORDERS, NameKey::default());
                let mut book = Book::default();
                for at in 0..ORDERS {
                    let limit = Some(Price(1 + i64::from(at % levels)));
                    let order = Order { limit, ..named(LoginId(at % 1_000), UserRef(at / 1_000 + 1)) };
                    let handle = slab.insert(order);
                    table.insert(&mut slab, handle);
                    book.push_back(&mut slab, handle, 0);
                }
                kept = Some((slab, table, book));
            });
            assert_eq!(kept.expect("it is still there").0.len(), ORDERS as usize);
            let each = counted.bytes_current / i64::from(ORDERS);
            assert!(each <= 128, "{each} bytes an order at {levels} levels");
        }
    }

    #[test]
    fn an_empty_book_takes_at_most_1024_bytes() {
        assert!(size_of::<Book>() <= 1_024, "{}", size_of::<Book>());
    }
}
