//! Compares waiting orders with a plain list of them, and bounds their steps of work.

use super::super::book::Handle;
use super::super::extras::{Extra, Extras, Links, Watch};
use super::super::steps;
use super::{Triggers, after};
use crate::domain::{OrderId, OrderState, Price, TriggerReference};
use std::collections::BTreeMap;

/// A random number generator; tests give it a seed.
pub(in crate::exchange) struct Random(pub u64);

impl Random {
    pub(in crate::exchange) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A dormant order of the plain model.
#[derive(Clone, Copy, Debug)]
struct Plain {
    watch: Watch,
    extra: u32,
    extreme: Option<i64>,
}

impl Plain {
    fn price(&self) -> Option<i64> {
        let ticks = i64::from(self.watch.ticks);
        match (self.watch.trails, self.watch.on_rise) {
            (false, _) => Some(ticks),
            (true, true) => self.extreme.map(|extreme| extreme + ticks),
            (true, false) => self.extreme.map(|extreme| extreme - ticks),
        }
    }
}

/// The real structures and a plain list of all orders.
#[derive(Default)]
struct Both {
    extras: Extras,
    triggers: Triggers,
    plain: BTreeMap<OrderId, Plain>,
    /// Last trade and mark price.
    prices: [Option<Price>; 3],
    last_order: u64,
    /// The most steps of one operation, with the number of orders at that time.
    steps: Vec<(usize, u64)>,
}

impl Both {
    fn counted<T>(&mut self, work: impl FnOnce(&mut Triggers, &mut Extras) -> T) -> T {
        let mut result = None;
        let Self { triggers, extras, .. } = self;
        let steps = steps::of(|| result = Some(work(triggers, extras)));
        self.steps.push((self.plain.len(), steps));
        result.expect("the work was done")
    }

    fn insert(&mut self, watch: Watch) {
        self.last_order += 1;
        let order = OrderId(self.last_order);
        let links = Links::of(order, Handle(self.last_order as u32));
        let extra =
            self.extras.insert(Extra { watch, state: OrderState::Dormant, links, ..Extra::default() });
        let watched = self.prices[watch.reference as usize];
        let plain = Plain { watch, extra, extreme: watched.map(|price| price.0).filter(|_| watch.trails) };
        let holds = plain.price().zip(watched).is_some_and(|(price, watched)| {
            if watch.on_rise { watched.0 >= price } else { watched.0 <= price }
        });
        let found = self.counted(|triggers, extras| triggers.insert(extras, extra, watched));
        assert_eq!(found, holds, "{watch:?}");
        self.plain.insert(order, plain);
    }

    fn remove(&mut self, order: OrderId) {
        let plain = self.plain.remove(&order).expect("it waits");
        self.counted(|triggers, extras| triggers.remove(extras, plain.extra));
        self.extras.remove(plain.extra);
    }

    /// Moves the price; returns how many steps the trailing stops take to follow.
    fn set(&mut self, reference: TriggerReference, price: i64) -> usize {
        self.prices[reference as usize] = Some(Price(price));
        for plain in self.plain.values_mut() {
            if plain.watch.trails && plain.watch.reference == reference {
                let so_far = plain.extreme.unwrap_or(price);
                plain.extreme = Some(if plain.watch.on_rise { so_far.min(price) } else { so_far.max(price) });
            }
        }
        let prices = self.prices;
        let mut parts = 1;
        while self.counted(|triggers, extras| triggers.follow_step(extras, prices)) {
            parts += 1;
        }
        parts
    }

    /// The next order that is triggered, if any.
    fn next(&mut self) -> Option<OrderId> {
        let prices = self.prices;
        let found = self.counted(|triggers, extras| triggers.next(extras, prices));
        found.map(|(handle, _)| OrderId(handle.slot().into()))
    }

    /// The next order according to the rules.
    fn right_next(&self) -> Option<OrderId> {
        let due = |(order, plain): (&OrderId, &Plain)| {
            let Watch { reference, on_rise, trails, .. } = plain.watch;
            let (price, now) = plain.price().zip(self.prices[reference as usize])?;
            let nearest = if on_rise { price } else { -price };
            let comes = if on_rise { now.0 >= price } else { now.0 <= price };
            comes.then_some((reference as usize, !on_rise, nearest, trails, *order))
        };
        self.plain.iter().filter_map(due).min().map(|found| found.4)
    }

    /// Compares everything that is visible of the state.
    fn check(&self) {
        self.triggers.audit(&self.extras).expect("all links are right");
        let ours: Vec<_> = self.triggers.waiting(&self.extras).collect();
        let theirs = self.plain.iter().map(|(order, plain)| super::Waiting {
            handle: Handle(order.0 as u32),
            extra: plain.extra,
            price: plain.price(),
            extreme: plain.extreme.map(Price),
        });
        assert_eq!(ours, theirs.collect::<Vec<_>>());
        assert!(self.triggers.handles(&self.extras).eq(ours.iter().map(|waiting| waiting.handle)));
        assert_eq!((self.triggers.len(), self.extras.len()), (self.plain.len(), self.plain.len()));
    }

    /// The same orders added again, as from a snapshot, look the same to every observer.
    fn check_restored(&self) {
        let (mut extras, mut again) = (self.extras.clone(), Triggers::default());
        for waiting in self.triggers.waiting(&self.extras) {
            let links = &mut extras.at_mut(waiting.extra).links;
            *links = Links::of(links.order, links.handle);
            assert!(again.add(&mut extras, waiting.extra, waiting.extreme));
            assert!(!again.add(&mut extras, waiting.extra, waiting.extreme), "a number comes once");
        }
        again.audit(&extras).expect("all links are right");
        assert!(again.waiting(&extras).eq(self.triggers.waiting(&self.extras)));
        assert_eq!(again.next(&extras, self.prices), self.triggers.next(&self.extras, self.prices));
    }

    /// No operation took more than `factor` steps per doubling of the number of orders.
    fn check_steps(&self, factor: u64) {
        let worst = self.steps.iter().max_by_key(|(orders, steps)| steps / bound(*orders, 1));
        let (orders, steps) = worst.copied().unwrap_or_default();
        assert!(steps <= bound(orders, factor), "{steps} steps with {orders} orders");
    }
}

fn bound(orders: usize, factor: u64) -> u64 {
    factor * (u64::from((orders + 2).ilog2()) + 1)
}

/// The cost of a step: melding follows two right sides down and one path up; a removal does the same and goes up once
/// more; the list of groups is a tree of blocks of eight.
const FACTOR: u64 = 5;

/// `lowest` is the lowest fixed price.
fn watch(random: &mut Random, spread: u64, lowest: i64) -> Watch {
    let reference = TriggerReference::ALL[random.below(3) as usize];
    let trails = random.below(2) == 0;
    let ticks = match trails {
        true => 1 + random.below(spread) as i64,
        false => lowest + random.below(2 * spread) as i64,
    };
    Watch { reference, on_rise: random.below(2) == 0, trails, ticks: ticks as i32 }
}

#[test]
fn random_walks_agree_with_a_plain_list() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let mut both = Both::default();
        let spread = [4, 30, 1_000][seed as usize % 3];
        // Half of the walks include prices of 0 and below.
        let lowest = if seed % 2 == 0 { 1 } else { -(spread as i64) };
        let mut prices = [spread as i64; 3];
        for _ in 0..1_500 {
            match random.below(10) {
                0..=4 => {
                    let watch = watch(&mut random, spread, lowest);
                    both.insert(watch);
                }
                5 | 6 if !both.plain.is_empty() => {
                    let at = random.below(both.plain.len() as u64) as usize;
                    let order = *both.plain.keys().nth(at).expect("it is one of them");
                    both.remove(order);
                }
                _ => {
                    let at = random.below(3) as usize;
                    let reach = 1 + random.below(spread) as i64;
                    prices[at] = (prices[at] + random.below(2 * reach as u64 + 1) as i64 - reach).max(lowest);
                    both.set(TriggerReference::ALL[at], prices[at]);
                }
            }
            // Releases are sometimes postponed, as while orders gather.
            let releases = random.below(4);
            for _ in 0..releases {
                assert_eq!(both.next(), both.right_next());
                if let Some(order) = both.next() {
                    both.remove(order);
                }
            }
            both.check();
        }
        both.check_restored();
        both.check_steps(FACTOR);
    }
}

#[test]
fn at_one_price_fixed_triggers_go_before_trailing_stops() {
    for on_rise in [true, false] {
        let mut both = Both::default();
        both.set(TriggerReference::LastTrade, 100);
        let stop = if on_rise { 110 } else { 90 };
        for (trails, ticks) in [(true, 10), (true, 10), (false, stop), (false, stop)] {
            both.insert(Watch { reference: TriggerReference::LastTrade, on_rise, trails, ticks });
        }
        both.set(TriggerReference::LastTrade, stop.into());
        for order in [3, 4, 1, 2] {
            assert_eq!(both.next(), Some(OrderId(order)));
            both.remove(OrderId(order));
        }
        assert_eq!(both.next(), None);
    }
}

#[test]
fn what_has_not_followed_is_not_taken_up() {
    let mut both = Both::default();
    both.set(TriggerReference::LastTrade, 100);
    let watch = Watch { reference: TriggerReference::LastTrade, on_rise: false, trails: true, ticks: 7 };
    both.insert(watch);
    let links = Links::of(OrderId(9), Handle(9));
    let extra = both.extras.insert(Extra { watch, links, ..Extra::default() });
    assert!(!both.triggers.add(&mut both.extras, extra, Some(Price(101))), "the first has seen less");
    assert!(both.triggers.add(&mut both.extras, extra, Some(Price(100))));
    both.triggers.audit(&both.extras).expect("the refused one left nothing");
}

/// A hundred thousand orders of all kinds, added and removed in every order.
#[test]
fn no_operation_takes_more_steps_than_the_logarithm() {
    const MANY: u64 = 100_000;
    let keys: [fn(u64, &mut Random) -> u64; 4] =
        [|at, _| 1 + at, |at, _| MANY - at, |_, random| 1 + random.below(MANY), |_, _| 5];
    for (case, key) in keys.into_iter().enumerate() {
        for trails in [false, true] {
            let mut random = Random(case as u64);
            let mut both = Both::default();
            for at in 0..MANY {
                let ticks = key(at, &mut random) as i32;
                both.insert(Watch { reference: TriggerReference::LastTrade, on_rise: true, trails, ticks });
            }
            // Half of them are removed anywhere, the other half by release.
            let mut waiting: Vec<OrderId> = both.plain.keys().copied().collect();
            for left in (MANY as usize / 2..MANY as usize).rev() {
                let order = waiting.swap_remove(random.below(left as u64 + 1) as usize);
                both.remove(order);
            }
            both.set(TriggerReference::LastTrade, 1);
            both.set(TriggerReference::LastTrade, 1 << 30);
            both.triggers.audit(&both.extras).expect("all links are right");
            while let Some(order) = both.next() {
                both.remove(order);
            }
            assert!(both.plain.is_empty());
            both.check_steps(FACTOR);
        }
    }
}

/// Each order has seen another price, so that a new best price melds them all: one after another, and the steps of each
/// are bounded.
#[test]
fn a_price_that_all_follow_is_worked_off_in_bounded_steps() {
    const MANY: i64 = 100_000;
    for on_rise in [true, false] {
        let mut both = Both::default();
        let mut random = Random(3);
        for at in 0..MANY {
            // Ever worse for them.
            let price = if on_rise { MANY + at } else { 3 * MANY - at };
            both.prices[0] = Some(Price(price));
            let ticks = 1 + random.below(MANY as u64) as i32;
            both.insert(Watch { reference: TriggerReference::LastTrade, on_rise, trails: true, ticks });
        }
        let parts = both.set(TriggerReference::LastTrade, if on_rise { MANY / 2 } else { 4 * MANY });
        assert_eq!(parts as i64, MANY, "a step melds two groups, or gives the last its price");
        both.check_steps(FACTOR);
        both.check();
        // Now they are one group and follow at once.
        assert_eq!(both.set(TriggerReference::LastTrade, if on_rise { MANY / 4 } else { 5 * MANY }), 1);
        both.check();
    }
}

/// A group ends with its last order, whatever its position, and nothing of it is left.
#[test]
fn groups_end_with_their_last_orders() {
    let mut both = Both::default();
    let mut random = Random(5);
    for round in 0..50 {
        for at in 0..200 {
            both.prices[1] = Some(Price(10_000 - at));
            let ticks = 1 + random.below(50) as i32;
            both.insert(Watch {
                reference: TriggerReference::MarkPrice,
                on_rise: false,
                trails: true,
                ticks,
            });
        }
        while both.plain.len() > 3 {
            let at = random.below(both.plain.len() as u64) as usize;
            let order = *both.plain.keys().nth(at).expect("it is one of them");
            both.remove(order);
        }
        both.check();
        assert_eq!(both.set(TriggerReference::MarkPrice, 10_000 + round), 3);
        let rest: Vec<OrderId> = both.plain.keys().copied().collect();
        rest.into_iter().for_each(|order| both.remove(order));
        both.check();
        assert_eq!(both.set(TriggerReference::MarkPrice, 20_000), 1);
    }
}

#[test]
fn the_chain_goes_from_order_to_order() {
    let mut both = Both::default();
    assert_eq!(both.triggers.first(), None);
    let mut random = Random(1);
    for _ in 0..10 {
        let watch = watch(&mut random, 10, 1);
        both.insert(watch);
    }
    let mut next = both.triggers.first();
    for (order, plain) in &both.plain {
        assert_eq!(next, Some(plain.extra), "order {order}");
        next = after(&both.extras, plain.extra);
    }
    assert_eq!(next, None);
}
