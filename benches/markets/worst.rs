//! Books as bad as they get: very many levels, prices scattered over all ticks, very many orders at one price or in all.

use super::structures::PriceIndex;
use super::venue::Dojima;
use dojima::domain::{OrderId, Price, Quantity, Side};
use dojima::exchange::{Handle, Order};
use dojima::runtime::SplitMix64;
use hdrhistogram::Histogram;
use std::collections::HashSet;
use std::time::Instant;

/// Times of single steps, ns, the clock's own share of about 20 among them.
pub struct Times(Histogram<u64>);

impl Times {
    fn new() -> Self {
        Self(Histogram::new_with_bounds(1, 1_000_000_000, 3).expect("good bounds"))
    }

    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0.saturating_record(start.elapsed().as_nanos() as u64);
        result
    }

    /// Median, 99.9 % and maximum.
    pub fn show(&self) -> String {
        let at = |quantile| self.0.value_at_quantile(quantile);
        format!("{:>7} {:>7} {:>8}", at(0.5), at(0.999), self.0.max())
    }
}

/// A level comes and goes behind all others, which lie on every second tick.
pub fn far_end<I: PriceIndex>(levels: u32, steps: u32) -> Times {
    let mut index = I::default();
    (1..=levels).for_each(|level| assert_eq!(index.join(level as i32 * 2 + 100, level), level));
    let mut times = Times::new();
    for step in 0..steps {
        let key = (step % 100) as i32;
        times.time(|| index.join(key, 0));
        times.time(|| index.close(key));
    }
    times
}

/// Levels come and go anywhere among prices scattered over 2^31 ticks.
pub fn scattered<I: PriceIndex>(levels: u32, steps: u32) -> Times {
    let (mut random, mut index, mut known) = (SplitMix64::new(3), I::default(), HashSet::new());
    let mut keys = Vec::new();
    let mut fresh = move || {
        loop {
            let key = 1 + random.remainder((1 << 31) - 2) as i32;
            if known.insert(key) {
                return key;
            }
        }
    };
    for level in 0..levels {
        keys.push(fresh());
        index.join(keys[level as usize], level);
    }
    let (mut times, mut random) = (Times::new(), SplitMix64::new(4));
    for _ in 0..steps {
        let (key, at) = (fresh(), random.remainder(keys.len() as u64) as usize);
        let old = std::mem::replace(&mut keys[at], key);
        times.time(|| index.close(old));
        times.time(|| index.join(key, 0));
    }
    times
}

/// A book of `orders` bids over `levels` ticks, and the handles of all.
pub fn filled(orders: u32, levels: u64) -> (Dojima, Vec<Handle>) {
    let (mut venue, mut random) = (Dojima::new(orders + 1), SplitMix64::new(5));
    let handles = (1..=orders).map(|id| insert(&mut venue, id, random.remainder(levels))).collect();
    (venue, handles)
}

fn insert(venue: &mut Dojima, id: u32, level: u64) -> Handle {
    let (id, limit, open) = (OrderId(u64::from(id)), Some(Price(1_000 + level as i64)), Quantity(5));
    let order = Order { id, limit, open, total: open, side: Side::Buy, ..Order::default() };
    let handle = venue.orders.insert(order);
    venue.book.push_back(&mut venue.orders, handle, 0);
    handle
}

/// Orders go anywhere in the book and new ones come: cancel and insert are one step.
pub fn churn(orders: u32, levels: u64, steps: u32) -> Times {
    let (mut venue, mut handles) = filled(orders, levels);
    let (mut times, mut random) = (Times::new(), SplitMix64::new(6));
    for step in 0..steps {
        let (at, level) = (random.remainder(handles.len() as u64) as usize, random.remainder(levels));
        let handle = handles[at];
        handles[at] = times.time(|| {
            venue.book.unlink(&mut venue.orders, handle, 0);
            venue.orders.remove(handle);
            insert(&mut venue, step + 1, level)
        });
    }
    times
}
