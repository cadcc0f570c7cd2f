//! The price of an auction (docs/RULES.md, "Phases and auctions"), computed from the totals of the levels that trade
//! and of the next one of each side. Single orders are not read.

use crate::domain::contracts::PriceLimits;
use crate::domain::{Price, Side};
use crate::exchange::book::{Book, OrderSlab};
use std::cmp::Reverse;

/// Matches the highest buys with the lowest sells, level by level, as if they traded.
///
/// When nothing more matches, the volume is the largest that any price gives. Exactly the prices from the last matched
/// sell to the last matched buy give it: above them fewer lots are bought, below them fewer are sold.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Meeting {
    /// For each side, buys first: the next price to match, and its unmatched lots.
    next: [Option<(Price, u64)>; 2],
    /// The prices of the last matched buy and sell.
    last: Option<[Price; 2]>,
    volume: u64,
}

/// The result of an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Found {
    pub(in crate::exchange) price: Price,
    /// Lots that trade.
    pub(in crate::exchange) volume: u64,
    /// Lots that would trade but have no counterpart, and their side.
    pub(in crate::exchange) imbalance: u64,
    pub(in crate::exchange) side: Side,
}

impl Meeting {
    pub(in crate::exchange) fn new(book: &Book, orders: &OrderSlab) -> Self {
        let next = [Side::Buy, Side::Sell].map(|side| book.best_level(side, orders));
        Self { next, last: None, volume: 0 }
    }

    /// The same for a contract: without buys above its highest and sells below its lowest price limit.
    pub(in crate::exchange) fn within(limits: &PriceLimits, book: &Book, orders: &OrderSlab) -> Self {
        let next = [
            book.level_below(Side::Buy, Price(limits.highest.0 + 1), orders),
            book.level_below(Side::Sell, Price(limits.lowest.0 - 1), orders),
        ];
        Self { next, last: None, volume: 0 }
    }

    /// Matches one level further; returns whether there was one.
    pub(in crate::exchange) fn step(&mut self, book: &Book, orders: &OrderSlab) -> bool {
        for (side, next) in [Side::Buy, Side::Sell].into_iter().zip(&mut self.next) {
            if let Some((price, 0)) = *next {
                *next = book.level_below(side, price, orders);
                return true;
            }
        }
        let [Some((bid, buys)), Some((ask, sells))] = &mut self.next else { return false };
        if *bid < *ask {
            return false;
        }
        let lots = (*buys).min(*sells);
        (*buys, *sells) = (*buys - lots, *sells - lots);
        self.volume += lots;
        self.last = Some([*bid, *ask]);
        true
    }

    /// The result; `None` if nothing matches. Must only be called when no step is left. Among equally good prices it
    /// takes the one closest to the reference, or the lowest if there is no reference.
    pub(in crate::exchange) fn found(&self, reference: Option<Price>) -> Option<Found> {
        let [bid, ask] = self.last?;
        let (price, imbalance, side) = match self.next {
            // The surplus of the last level has no counterpart at any price of the interval, and the surplus grows
            // towards the other end of the interval.
            [Some((buys_at, lots)), _] if buys_at == bid => (bid, lots, Side::Buy),
            [_, Some((sells_at, lots))] if sells_at == ask => (ask, lots, Side::Sell),
            // All matched lots are used up on both sides. At `ask` there are no further sellers, and further buyers
            // join from the highest downwards; at `bid` it is the other way round.
            [buys, sells] => {
                let even = [
                    buys.is_none_or(|(buys_at, _)| buys_at < ask).then_some(ask),
                    sells.is_none_or(|(sells_at, _)| sells_at > bid).then_some(bid),
                ];
                match (nearest(even, reference), buys, sells) {
                    (Some(price), ..) => (price, 0, Side::Buy),
                    (None, Some((buys_at, buys)), Some((_, sells))) if buys < sells => {
                        (buys_at, buys, Side::Buy)
                    }
                    (None, Some((_, buys)), Some((sells_at, sells))) if sells < buys => {
                        (sells_at, sells, Side::Sell)
                    }
                    (None, Some((buys_at, buys)), Some((sells_at, _))) => {
                        let price = nearest([Some(buys_at), Some(sells_at)], reference)?;
                        (price, buys, if price == buys_at { Side::Buy } else { Side::Sell })
                    }
                    (None, None, _) | (None, _, None) => unreachable!("a side with no more lots is even"),
                }
            }
        };
        Some(Found { price, volume: self.volume, imbalance, side })
    }
}

/// The price closest to the reference; the higher of two at equal distance. Without a reference the lowest.
fn nearest(prices: [Option<Price>; 2], reference: Option<Price>) -> Option<Price> {
    let prices = prices.into_iter().flatten();
    match reference {
        Some(reference) => prices.max_by_key(|price| (Reverse(price.0.abs_diff(reference.0)), *price)),
        None => prices.min(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Book, Found, Meeting, OrderSlab, Price, Side};
    use crate::domain::{OrderId, Quantity};
    use crate::exchange::book::Order;
    use std::collections::BTreeSet;

    /// A deterministic sequence of numbers (PCG's multiplier), random enough to choose test cases.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }
    }

    /// Side, price, and lots that count.
    type Lots = (Side, i64, u64);

    fn meet(all: &[Lots], random: &mut Random) -> Meeting {
        let (mut book, mut slab) = (Book::default(), OrderSlab::new(64));
        for (id, (side, price, lots)) in (1..).zip(all) {
            // Some counted lots are not displayed, or some displayed lots do not count.
            let open = 1 + random.below(3);
            let order = Order {
                id: OrderId(id),
                side: *side,
                limit: Some(Price(*price)),
                hidden: random.below(3) == 0,
                open: Quantity(open),
                ..Order::default()
            };
            let handle = slab.insert(order);
            book.push_back(&mut slab, handle, *lots as i64 - open as i64);
        }
        let mut meeting = Meeting::new(&book, &slab);
        while meeting.step(&book, &slab) {}
        meeting
    }

    /// The rule itself, evaluated at all prices of counted orders.
    fn brute(all: &[Lots], reference: i64) -> Option<Found> {
        let prices: BTreeSet<i64> =
            all.iter().filter(|(.., lots)| *lots > 0).map(|(_, price, _)| *price).collect();
        let sum = |side, within: &dyn Fn(i64) -> bool| -> i64 {
            let of_side = all.iter().filter(|(of, price, _)| *of == side && within(*price));
            of_side.map(|(.., lots)| *lots as i64).sum()
        };
        let mut left: Vec<(i64, i64, i64)> = prices
            .into_iter()
            .map(|price| {
                (price, sum(Side::Buy, &|limit| limit >= price), sum(Side::Sell, &|limit| limit <= price))
            })
            .map(|(price, bought, sold)| (price, bought.min(sold), bought - sold))
            .collect();
        let volume = left.iter().map(|(_, volume, _)| *volume).max().filter(|volume| *volume > 0)?;
        left.retain(|(_, of, _)| *of == volume);
        let imbalance = left.iter().map(|(.., surplus)| surplus.abs()).min()?;
        left.retain(|(.., surplus)| surplus.abs() == imbalance);
        let highest = left.iter().filter(|(.., surplus)| *surplus > 0).map(|(price, ..)| *price).max();
        let lowest = left.iter().filter(|(.., surplus)| *surplus < 0).map(|(price, ..)| *price).min();
        left.retain(|(price, _, surplus)| *surplus == 0 || highest == Some(*price) || lowest == Some(*price));
        let (price, _, surplus) =
            *left.iter().min_by_key(|(price, ..)| ((price - reference).abs(), -price))?;
        let side = if surplus < 0 { Side::Sell } else { Side::Buy };
        Some(Found { price: Price(price), volume: volume as u64, imbalance: imbalance as u64, side })
    }

    #[test]
    fn the_price_is_that_of_the_rule_over_all_prices() {
        let mut random = Random(1);
        let (mut none, mut even, mut buys, mut sells) = (0, 0, 0, 0);
        for run in 0..100_000 {
            // Half of the runs have prices around 0.
            let lowest = if run % 2 == 0 { 1 } else { -5 };
            let reference = lowest - 1 + random.below(12) as i64;
            let all: Vec<Lots> = (0..random.below(9))
                .map(|_| {
                    let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
                    (side, lowest + random.below(10) as i64, random.below(4))
                })
                .collect();
            let found = meet(&all, &mut random).found(Some(Price(reference)));
            assert_eq!(found, brute(&all, reference), "{all:?} by {reference}");
            match found {
                None => none += 1,
                Some(Found { imbalance: 0, .. }) => even += 1,
                Some(Found { side: Side::Buy, .. }) => buys += 1,
                Some(Found { side: Side::Sell, .. }) => sells += 1,
            }
        }
        assert!([none, even, buys, sells].iter().all(|seen| *seen > 5_000), "{none} {even} {buys} {sells}");
    }

    #[test]
    fn without_a_reference_the_lowest_of_the_prices_is_taken() {
        for lowest in [98, -3] {
            let all = [(Side::Buy, lowest + 6, 8), (Side::Sell, lowest, 8)];
            let found = meet(&all, &mut Random(1)).found(None).expect("they meet");
            assert_eq!(found.price, Price(lowest));
        }
    }

    /// Every tie: sides, prices and lots, reference, expected price and imbalance.
    #[test]
    fn ties_are_broken_by_the_surplus_before_the_reference() {
        use Side::{Buy, Sell};
        let cases: [(&[Lots], i64, i64, u64, Side); 9] = [
            // More buys at every price: the highest price, however far from the reference.
            (&[(Buy, 104, 9), (Sell, 98, 8)], 90, 104, 1, Buy),
            // More sells at every price: the lowest price.
            (&[(Buy, 104, 8), (Sell, 98, 9)], 110, 98, 1, Sell),
            // No surplus: the price closest to the reference, then the highest.
            (&[(Buy, 104, 8), (Sell, 98, 8)], 99, 98, 0, Buy),
            (&[(Buy, 104, 8), (Sell, 98, 8)], 101, 104, 0, Buy),
            // With a buyer at 100 only 104 leaves no surplus; with a seller at 102 only 98 does.
            (&[(Buy, 104, 8), (Buy, 100, 1), (Sell, 98, 8)], 98, 104, 0, Buy),
            (&[(Buy, 104, 8), (Sell, 98, 8), (Sell, 102, 1)], 104, 98, 0, Buy),
            // Both: the smaller surplus, then the closest to the reference, then the highest.
            (&[(Buy, 104, 8), (Buy, 100, 1), (Sell, 98, 8), (Sell, 102, 2)], 102, 100, 1, Buy),
            (&[(Buy, 104, 8), (Buy, 100, 2), (Sell, 98, 8), (Sell, 102, 2)], 97, 100, 2, Buy),
            (&[(Buy, 104, 8), (Buy, 100, 2), (Sell, 98, 8), (Sell, 102, 2)], 101, 102, 2, Sell),
        ];
        for (all, reference, price, imbalance, side) in cases {
            let expected = Some(Found { price: Price(price), volume: 8, imbalance, side });
            assert_eq!(meet(all, &mut Random(1)).found(Some(Price(reference))), expected, "{all:?}");
            assert_eq!(brute(all, reference), expected, "{all:?}");
        }
    }
}
