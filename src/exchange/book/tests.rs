//! Compares the book with a plain list of orders that is sorted by the rules.

use super::{Book, Handle, LevelView, NONE, Order, OrderSlab};
use crate::domain::{OrderId, Price, Quantity, Side};
use std::collections::BTreeMap;
use std::ops::{Bound, Range};

/// A deterministic sequence of numbers (PCG's multiplier), random enough to choose test cases.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Price key, hidden, time: the sort key of a side's orders.
type Rank = (i64, bool, u64);

struct Both {
    book: Book,
    slab: OrderSlab,
    sides: [BTreeMap<Rank, Handle>; 2],
    ranks: Vec<(Rank, Handle)>,
    /// Lots of an order that count beyond its open ones.
    unseen: BTreeMap<Handle, i64>,
    time: u64,
}

impl Both {
    fn new() -> Self {
        let (book, slab) = (Book::default(), OrderSlab::new(1 << 14));
        let sides = [BTreeMap::new(), BTreeMap::new()];
        Self { book, slab, sides, ranks: Vec::new(), unseen: BTreeMap::new(), time: 0 }
    }

    fn key(side: Side, price: Price) -> i64 {
        if side == Side::Buy { -price.0 } else { price.0 }
    }

    fn add(&mut self, side: Side, price: i64, hidden: bool, open: u64, unseen: i64) {
        self.time += 1;
        let (price, open) = (Price(price), Quantity(open));
        let limit = Some(price);
        let order =
            Order { id: OrderId(self.time), side, limit, hidden, open, total: open, ..Order::default() };
        let handle = self.slab.insert(order);
        self.book.push_back(&mut self.slab, handle, unseen);
        self.unseen.insert(handle, unseen);
        let rank = (Self::key(side, price), hidden, self.time);
        self.sides[side as usize].insert(rank, handle);
        self.ranks.push((rank, handle));
    }

    fn remove(&mut self, at: usize) {
        let (rank, handle) = self.ranks.swap_remove(at);
        let side = self.slab.hot(handle).side;
        assert_eq!(self.sides[side as usize].remove(&rank), Some(handle));
        let unseen = self.unseen.remove(&handle).expect("every order has some");
        self.book.unlink(&mut self.slab, handle, unseen);
        self.slab.remove(handle);
    }

    fn requeue(&mut self, at: usize, open: u64, unseen: i64) {
        self.time += 1;
        let (rank, handle) = self.ranks[at];
        let side = &mut self.sides[self.slab.hot(handle).side as usize];
        side.remove(&rank);
        let rank = (rank.0, rank.1, self.time);
        side.insert(rank, handle);
        self.ranks[at].0 = rank;
        let before = self.unseen.insert(handle, unseen).expect("every order has some");
        self.book.requeue(&mut self.slab, handle, Quantity(open), unseen - before);
    }

    fn reduce(&mut self, at: usize, by: u64) {
        let handle = self.ranks[at].1;
        self.book.reduce(&mut self.slab, handle, Quantity(by));
        // No more is left out than there is.
        let unseen = self.unseen.get_mut(&handle).expect("every order has some");
        let left_out = -(self.slab.hot(handle).open.0 as i64);
        if *unseen < left_out {
            self.book.count_unseen(&mut self.slab, handle, left_out - *unseen);
            *unseen = left_out;
        }
    }

    fn extend(&mut self, at: usize, by: u64, unseen_by: i64) {
        let handle = self.ranks[at].1;
        self.book.extend(&mut self.slab, handle, Quantity(by));
        self.book.count_unseen(&mut self.slab, handle, unseen_by);
        *self.unseen.get_mut(&handle).expect("every order has some") += unseen_by;
    }

    fn check_best(&self) {
        for side in [Side::Buy, Side::Sell] {
            let expected = self.sides[side as usize].values().next();
            let expected = expected.map(|handle| (self.slab.hot(*handle).price(), *handle));
            assert_eq!(self.book.best(side), expected);
        }
    }

    fn check(&self) {
        self.check_best();
        assert_eq!(self.slab.len(), self.ranks.len());
        for side in [Side::Buy, Side::Sell] {
            let expected: Vec<Handle> = self.sides[side as usize].values().copied().collect();
            let orders: Vec<Handle> = self.book.orders(side, &self.slab).map(|(at, _)| at).collect();
            assert!(orders == expected, "the orders of a side are out of order");
            let mut next = self.book.first(side);
            for handle in &expected {
                assert_eq!(next, Some(*handle), "the way through the orders of a side");
                next = self.book.after(&self.slab, *handle);
            }
            assert_eq!(next, None, "there is nothing after the last order");
            self.check_counted(side, &expected);
            let mut levels: [Vec<LevelView>; 2] = [Vec::new(), Vec::new()];
            for handle in expected {
                let order = self.slab.get(handle);
                let levels = &mut levels[usize::from(order.hidden)];
                match levels.last_mut().filter(|level| level.price == order.price()) {
                    Some(level) => {
                        (level.quantity.0, level.orders) = (level.quantity.0 + order.open.0, level.orders + 1)
                    }
                    None => levels.push(LevelView { price: order.price(), quantity: order.open, orders: 1 }),
                }
            }
            assert_eq!(self.book.levels(side, &self.slab).collect::<Vec<_>>(), levels[0]);
            assert_eq!(self.book.hidden_levels(side, &self.slab).collect::<Vec<_>>(), levels[1]);
        }
    }

    /// Checks the counted lots at each price, and the step from each price, and from beside it, to the next.
    fn check_counted(&self, side: Side, orders: &[Handle]) {
        let mut counted: Vec<(Price, u64)> = Vec::new();
        for handle in orders {
            let (price, open) = (self.slab.hot(*handle).price(), self.slab.hot(*handle).open.0);
            let lots = open.checked_add_signed(self.unseen[handle]).expect("not below 0");
            match counted.last_mut().filter(|level| level.0 == price) {
                Some(level) => level.1 += lots,
                None => counted.push((price, lots)),
            }
        }
        assert!(self.book.counted_levels(side, &self.slab).eq(counted.iter().copied()), "totals of levels");
        assert_eq!(self.book.best_level(side, &self.slab), counted.first().copied());
        let worse = if side == Side::Buy { -1 } else { 1 };
        for (at, (price, _)) in counted.iter().enumerate() {
            let below = |price| self.book.level_below(side, Price(price), &self.slab);
            assert_eq!(below(price.0), counted.get(at + 1).copied());
            assert_eq!(below(price.0 - worse), counted.get(at).copied(), "from a price that is better");
        }
    }

    /// A part of the checks after each operation: only around the order that it touched.
    fn check_near(&self, at: usize) {
        let Some((rank, handle)) = self.ranks.get(at).copied() else { return };
        let side = self.slab.hot(handle).side;
        let mut after = self.sides[side as usize].range((Bound::Excluded(rank), Bound::Unbounded));
        assert_eq!(self.book.after(&self.slab, handle), after.next().map(|(_, handle)| *handle));
        let of_price = self.sides[side as usize].range((rank.0, false, 0)..(rank.0 + 1, false, 0));
        let lots = of_price.map(|(_, other)| {
            let open = self.slab.hot(*other).open.0;
            open.checked_add_signed(self.unseen[other]).expect("not below 0")
        });
        let price = self.slab.hot(handle).price();
        let better = Price(if side == Side::Buy { price.0 + 1 } else { price.0 - 1 });
        let found = self.book.level_below(side, better, &self.slab);
        assert_eq!(found, Some((price, lots.sum())));
    }

    /// Grows to about `orders` and shrinks to nothing, several times, with prices in a range.
    fn run(&mut self, random: &mut Random, prices: Range<i64>, orders: usize, hidden_in: u64) {
        for wave in 0..6 {
            for step in 0..orders * 3 {
                let grow = if step < orders * 2 { 70 } else { 30 };
                if self.ranks.is_empty() || random.below(100) < grow {
                    let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
                    let price = prices.start + random.below((prices.end - prices.start) as u64) as i64;
                    let hidden = hidden_in > 0 && random.below(hidden_in) == 0;
                    let open = 1 + random.below(100);
                    self.add(side, price, hidden, open, unseen(random, open));
                } else {
                    let at = random.below(self.ranks.len() as u64) as usize;
                    match random.below(6) {
                        0 => {
                            let open = 1 + random.below(100);
                            self.requeue(at, open, unseen(random, open));
                        }
                        1 => {
                            let handle = self.ranks[at].1;
                            self.reduce(at, random.below(self.slab.hot(handle).open.0));
                        }
                        2 => self.extend(at, random.below(10), random.below(10) as i64),
                        _ => self.remove(at),
                    }
                    self.check_near(at);
                }
                self.check_near(self.ranks.len().wrapping_sub(1));
                self.check_best();
                if step % (orders / 4) == 0 {
                    self.check();
                }
            }
            while !self.ranks.is_empty() {
                let at = if wave % 2 == 0 { self.ranks.len() - 1 } else { 0 };
                self.remove(at);
            }
            self.check();
        }
    }
}

/// Most orders count as they are; some have hidden lots, and some do not count in part or at all.
fn unseen(random: &mut Random, open: u64) -> i64 {
    match random.below(4) {
        0 => random.below(1_000) as i64,
        1 => -(random.below(open + 1) as i64),
        _ => 0,
    }
}

#[test]
fn agrees_with_a_sorted_list_where_prices_are_few() {
    Both::new().run(&mut Random(1), 1..21, 400, 0);
}

#[test]
fn agrees_with_a_sorted_list_where_some_are_hidden() {
    Both::new().run(&mut Random(2), 1..31, 400, 3);
}

/// Every price has its own page, and the tree of pages grows and shrinks.
#[test]
fn agrees_with_a_sorted_list_where_prices_are_many() {
    Both::new().run(&mut Random(3), 1..(1 << 31) - 1, 6_000, 10);
}

/// Spreads and some futures have prices of 0 and below.
#[test]
fn agrees_with_a_sorted_list_where_prices_are_negative() {
    Both::new().run(&mut Random(4), -20..20, 400, 3);
    Both::new().run(&mut Random(5), -500..-400, 400, 3);
    Both::new().run(&mut Random(6), -(1 << 31) + 1..(1 << 31) - 1, 6_000, 10);
}

#[test]
fn a_gone_order_is_not_found_by_its_slot() {
    let mut slab = OrderSlab::new(4);
    let order = |id| Order { id: OrderId(id), ..Order::default() };
    let first = slab.insert(order(1));
    assert_eq!(slab.find(first.slot(), OrderId(1)), Some(first));
    slab.remove(first);
    assert_eq!(slab.find(first.slot(), OrderId(1)), None);
    let second = slab.insert(order(2));
    assert_eq!(second, first, "the slot is used again");
    assert_eq!(slab.find(first.slot(), OrderId(1)), None);
    assert_eq!(slab.find(second.slot(), OrderId(2)), Some(second));
    assert_eq!(slab.find(NONE, OrderId(2)), None);
}
