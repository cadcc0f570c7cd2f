//! Matching of an incoming order with the queue of one price, with icebergs in whole rounds. Pure arithmetic without
//! book or money (docs/RULES.md, "Matching"). The work grows with the orders of the queue, not with their slices.
//!
//! In the first round every order of the queue gives its displayed lots. Orders with more lots go to the end of the
//! queue with the next slice, so the later rounds consist of icebergs only, always in the same order. Whole rounds are
//! computed at once; the last round, which ends the match, is done order by order.

use super::book::Handle;
use super::match_end::MatchEnd;
use crate::domain::VenueLimits;

/// What happens to an order of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Trades,
    /// It belongs to the same owner and is decremented without a trade.
    Loses,
    /// It belongs to the same owner and is cancelled completely.
    Goes,
}

/// An order of the queue that is reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    pub(super) handle: Handle,
    pub(super) deed: Deed,
    /// Displayed lots, hidden lots, and how many it displays at a time.
    pub(super) shown: u64,
    pub(super) rest: u64,
    pub(super) slice: u64,
    /// Lots taken from it.
    pub(super) taken: u64,
}

impl Reached {
    /// The number of rounds after the first until it is used up.
    pub(super) fn rounds(&self) -> u64 {
        self.rest.div_ceil(self.slice)
    }

    pub(super) fn in_rounds(&self, rounds: u64) -> u64 {
        self.rest.min(rounds.saturating_mul(self.slice))
    }

    pub(super) fn left(&self) -> u64 {
        self.shown + self.rest - self.taken
    }

    /// Its displayed lots after all that was taken, if it displays another slice than at first.
    pub(super) fn next_slice(&self) -> Option<u64> {
        let past = self.taken.checked_sub(self.shown)?;
        let left = self.left();
        if left == 0 {
            return None;
        }
        let of_this_slice = past % self.slice;
        Some(self.slice.min(left + of_this_slice) - of_this_slice)
    }
}

/// What an incoming order may still take at a price.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appetite {
    /// Its open lots, for trades and decrements.
    pub(super) open: u64,
    /// The lots that it can pay for.
    pub(super) payable: u64,
    /// The reason for that limit.
    pub(super) why: MatchEnd,
}

impl Appetite {
    /// Takes the offered lots of one order, or as many as possible; returns the reason if the match ends with that.
    pub(super) fn take(&mut self, reached: &mut Reached, offered: u64) -> Option<MatchEnd> {
        let wanted = offered.min(self.open);
        let taken = match reached.deed {
            Deed::Trades => wanted.min(self.payable),
            Deed::Loses => wanted,
            Deed::Goes => return None,
        };
        reached.taken += taken;
        self.open -= taken;
        if reached.deed == Deed::Trades {
            self.payable -= taken;
        }
        (taken < wanted).then_some(self.why)
    }

    /// How many more whole rounds it can take of these orders. `sorted` is a buffer for them, sorted by the rounds that
    /// they last.
    pub(super) fn whole_rounds(&self, reached: &[Reached], sorted: &mut Vec<(u64, u32)>) -> u64 {
        let all = |at: u32| reached[at as usize];
        sorted.clear();
        sorted.extend((0..).zip(reached).filter(|(_, one)| one.rest > 0).map(|(at, one)| (one.rounds(), at)));
        sorted.sort_unstable();
        // For orders that last: lots per round. For the others: all their lots. Each for both limits.
        let (mut slices, mut traded_slices, mut gone, mut traded_gone) = (0_u64, 0_u64, 0_u64, 0_u64);
        for (_, at) in &*sorted {
            slices += all(*at).slice;
            traded_slices += if all(*at).deed == Deed::Trades { all(*at).slice } else { 0 };
        }
        let most = |limit: u64, gone: u64, slices: u64| match limit.checked_sub(gone) {
            None => 0,
            Some(left) => left.checked_div(slices).unwrap_or(u64::MAX),
        };
        let mut rounds = 0;
        for (lasts, at) in &*sorted {
            // For the `lasts` - 1 rounds of this order, each of the others gives a whole slice.
            let can = most(self.open, gone, slices).min(most(self.payable, traded_gone, traded_slices));
            if can < *lasts - 1 {
                return can.max(rounds);
            }
            rounds = rounds.max(*lasts - 1);
            let one = all(*at);
            (slices, gone) = (slices - one.slice, gone + one.rest);
            if one.deed == Deed::Trades {
                (traded_slices, traded_gone) = (traded_slices - one.slice, traded_gone + one.rest);
            }
            let fits = |limit: u64, gone: u64, slices: u64| {
                u128::from(gone) + u128::from(*lasts) * u128::from(slices) <= u128::from(limit)
            };
            // Others that end in the same round are still in `slices`: they count at most one whole slice too much
            // here, and are handled next.
            if fits(self.open, gone, slices) && fits(self.payable, traded_gone, traded_slices) {
                rounds = *lasts;
            }
        }
        rounds
    }
}

/// The queue of one price during a match. Kept to reuse its memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    pub(super) reached: Vec<Reached>,
    pub(super) sorted: Vec<(u64, u32)>,
    /// The first reached order in the queue afterwards, if any is left.
    pub(super) head: usize,
    /// How much the reached orders count towards the touched orders.
    pub(super) touches: u32,
    /// Where a dry run continues.
    pub(super) next: Option<Handle>,
    pub(super) end: Option<MatchEnd>,
}

impl Queue {
    /// A queue with room for as many orders as an order may meet at the default limits. With higher limits it grows to
    /// the most orders ever met at one price.
    pub(super) fn with_room() -> Self {
        let most = VenueLimits::default().orders_touched_max as usize / 2 + 1;
        Self { reached: Vec::with_capacity(most), sorted: Vec::with_capacity(most), ..Self::default() }
    }
}

/// The rounds after the first, until the incoming order is done.
pub(super) fn further_rounds(queue: &mut Queue, appetite: &mut Appetite) {
    let Queue { reached, sorted, head, end, .. } = queue;
    if let [only] = &mut reached[..] {
        // It is the only one, so it gives all its slices in sequence.
        *end = appetite.take(only, only.rest);
        return;
    }
    let rounds = appetite.whole_rounds(reached, sorted);
    for one in reached.iter_mut().filter(|one| one.rest > 0) {
        let taken = one.in_rounds(rounds);
        one.taken += taken;
        appetite.open -= taken;
        if one.deed == Deed::Trades {
            appetite.payable -= taken;
        }
    }
    for (at, one) in reached.iter_mut().enumerate() {
        let left = one.left();
        if one.rest == 0 || left == 0 {
            continue;
        }
        *head = at;
        if appetite.open == 0 {
            return;
        }
        let before = one.taken;
        *end = appetite.take(one, one.slice.min(left));
        if end.is_some() || one.taken - before < one.slice.min(left) {
            return;
        }
        *head = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    /// The reference, slice by slice: who gives what, and the remaining queue as (index, displayed lots).
    fn one_by_one(
        orders: &[Reached],
        mut open: u64,
        mut payable: u64,
    ) -> (Vec<u64>, Vec<(usize, u64)>, bool) {
        let mut rest: Vec<u64> = orders.iter().map(|order| order.rest).collect();
        let mut taken = vec![0; orders.len()];
        let mut queue: VecDeque<(usize, u64)> =
            orders.iter().enumerate().map(|(at, order)| (at, order.shown)).collect();
        while open > 0 {
            let Some((at, shown)) = queue.pop_front() else { break };
            let trades = orders[at].deed == Deed::Trades;
            let wanted = shown.min(open);
            let now = if trades { wanted.min(payable) } else { wanted };
            (taken[at], open) = (taken[at] + now, open - now);
            payable -= if trades { now } else { 0 };
            if now < shown {
                queue.push_front((at, shown - now));
            } else if rest[at] > 0 {
                let next = orders[at].slice.min(rest[at]);
                rest[at] -= next;
                queue.push_back((at, next));
            }
            if now < wanted {
                return (taken, queue.into(), true);
            }
        }
        (taken, queue.into(), false)
    }

    fn orders() -> impl Strategy<Value = Vec<Reached>> {
        let order = (1_u64..6, 0_u64..40, 1_u64..6, any::<bool>()).prop_map(|(shown, rest, slice, own)| {
            let deed = if own { Deed::Loses } else { Deed::Trades };
            let shown = if rest > 0 { shown.min(slice) } else { shown };
            Reached { handle: Handle(0), deed, shown, rest, slice, taken: 0 }
        });
        prop::collection::vec(order, 1..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Whole rounds at once give the same lots, positions and end as slices one by one.
        #[test]
        fn agrees_with_slices_one_by_one(orders in orders(), open in 1_u64..250, payable in 0_u64..250) {
            let (taken, left, ended) = one_by_one(&orders, open, payable);
            let mut queue = Queue { reached: Vec::new(), ..Queue::default() };
            let mut appetite = Appetite { open, payable, why: MatchEnd::OutOfFunds };
            let mut whole = true;
            for order in &orders {
                if appetite.open == 0 {
                    whole = false;
                    break;
                }
                let mut reached = *order;
                queue.end = appetite.take(&mut reached, order.shown);
                queue.reached.push(reached);
                if queue.end.is_some() {
                    whole = false;
                    break;
                }
            }
            if whole && appetite.open > 0 {
                further_rounds(&mut queue, &mut appetite);
            }
            let reached = queue.reached.len();
            prop_assert_eq!(queue.reached.iter().map(|one| one.taken).collect::<Vec<_>>(), &taken[..reached]);
            prop_assert!(taken[reached..].iter().all(|taken| *taken == 0));
            prop_assert_eq!(queue.end.is_some(), ended);
            // Orders that display another slice go to the end, in this order; the others stay where they are.
            let (before, after) = queue.reached.split_at(queue.head.min(reached));
            let at = |one: &Reached| queue.reached.iter().position(|other| std::ptr::eq(other, one)).expect("it is there");
            let stay = queue.reached.iter().filter(|one| one.left() > 0 && one.next_slice().is_none());
            let mut places: Vec<(usize, u64)> = stay.map(|one| (at(one), one.shown - one.taken)).collect();
            places.extend(orders.iter().enumerate().skip(reached).map(|(at, one)| (at, one.shown)));
            let moved = after.iter().chain(before);
            places.extend(moved.filter_map(|one| one.next_slice().map(|shown| (at(one), shown))));
            prop_assert_eq!(places, left);
        }
    }

    /// 40 million slices of one lot are computed at once.
    #[test]
    fn the_work_does_not_grow_with_the_slices() {
        let big =
            |rest| Reached { handle: Handle(0), deed: Deed::Trades, shown: 1, rest, slice: 1, taken: 1 };
        let mut queue = Queue { reached: vec![big(40_000_000), big(4_000_000_000)], ..Queue::default() };
        let mut appetite = Appetite { open: 3_000_000_001, payable: u64::MAX, why: MatchEnd::NothingCrosses };
        further_rounds(&mut queue, &mut appetite);
        let taken: Vec<u64> = queue.reached.iter().map(|one| one.taken).collect();
        assert_eq!((taken, appetite.open), (vec![40_000_001, 2_960_000_002], 0));
    }
}
