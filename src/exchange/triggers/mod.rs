//! The orders of one instrument that wait for a price (docs/RULES.md, "Triggers").
//!
//! All of them are chained by number. Each is also in one of six lists: triggered by the last trade, the mark price or
//! the index, on a rise or on a fall. A list has a heap of its orders with fixed prices, and its trailing stops in groups.
//! Insertion, removal, finding the next order, and each step of following a price take a number of steps logarithmic in
//! the number of orders. All links are in the orders' extras.

mod heap;
mod release;
#[cfg(test)]
pub(super) mod tests;
mod trailing;

use super::book::Handle;
use super::extras::{Extras, NONE, Watch};
use crate::domain::{OrderId, Price, Side, TriggerKind, TriggerReference};
use trailing::{Trailing, UNKNOWN};

/// The most orders of an instrument that wait for a trigger.
pub const TRIGGERS_MAX: usize = 100_000;

/// The orders that wait for one reference price to move in one direction. Prices in it are signed: lower is nearer.
#[derive(Clone, Debug)]
struct List {
    /// The first order with a fixed price.
    fixed: u32,
    trailing: Trailing,
}

impl Default for List {
    fn default() -> Self {
        Self { fixed: NONE, trailing: Trailing::default() }
    }
}

impl List {
    /// The nearest price and the first order triggered there; at one price, fixed ones come before trailing stops.
    fn next(&self, extras: &Extras) -> Option<(i64, u32)> {
        let fixed = extras.find(self.fixed).map(|first| (i64::from(first.links.key), self.fixed));
        match (fixed, self.trailing.next()) {
            (Some(fixed), Some(trailing)) if trailing.0 < fixed.0 => Some(trailing),
            (fixed, trailing) => fixed.or(trailing),
        }
    }
}

/// All dormant orders of an instrument.
#[derive(Clone, Debug)]
pub(super) struct Triggers {
    /// Last trade on rise and fall, mark price on rise and fall, index on rise and fall. They are processed in this
    /// order.
    lists: [List; 6],
    /// The ends of the chain.
    first: u32,
    last: u32,
    len: usize,
}

impl Default for Triggers {
    fn default() -> Self {
        Self { lists: Default::default(), first: NONE, last: NONE, len: 0 }
    }
}

/// Last trade, mark price and index, ticks.
type Prices = [Option<Price>; 3];

/// A dormant order and its present trigger price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) handle: Handle,
    /// The slot of its extra.
    pub(super) extra: u32,
    /// The present trigger price, ticks; `None`: a trailing stop without a reference price yet.
    pub(super) price: Option<i64>,
    /// The best value of the watched price so far, for a trailing stop.
    pub(super) extreme: Option<Price>,
}

fn list_of(watch: &Watch) -> usize {
    2 * watch.reference as usize + usize::from(!watch.on_rise)
}

/// Converts a price to the signed price of a list.
fn signed(on_rise: bool, price: i64) -> i64 {
    if on_rise { price } else { -price }
}

/// Whether a rise triggers an order of this side.
pub(super) fn on_rise(kind: TriggerKind, side: Side) -> bool {
    (side == Side::Buy) == matches!(kind, TriggerKind::Stop | TriggerKind::TrailingStop)
}

impl Triggers {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a new order; returns whether `watched`, the present value of the watched price, triggers it at once.
    ///
    /// # Panics
    /// If trailing stops have not followed the price, or if the order's number is not the highest.
    pub(super) fn insert(&mut self, extras: &mut Extras, extra: u32, watched: Option<Price>) -> bool {
        assert!(
            self.add(extras, extra, watched),
            "those before have lower numbers and have followed the price"
        );
        let Watch { on_rise, trails, ticks, .. } = extras.at(extra).watch;
        // A trailing stop always has a distance left.
        !trails
            && watched.is_some_and(|watched| signed(on_rise, i64::from(ticks)) <= signed(on_rise, watched.0))
    }

    /// Adds an order after all others; a trailing stop comes with the best value of its reference so far. `false`, and
    /// nothing done, if the order is not consistent with the others: numbers increase, and no order has seen a worse
    /// extreme than later ones.
    pub(super) fn add(&mut self, extras: &mut Extras, extra: u32, extreme: Option<Price>) -> bool {
        let Watch { on_rise, trails, ticks, .. } = extras.at(extra).watch;
        let order = extras.at(extra).links.order;
        if extras.find(self.last).is_some_and(|last| last.links.order >= order) {
            return false;
        }
        let list = &mut self.lists[list_of(&extras.at(extra).watch)];
        if trails {
            let extreme = extreme.map_or(UNKNOWN, |price| signed(on_rise, price.0));
            if !list.trailing.add(extras, extra, extreme) {
                return false;
            }
        } else {
            heap::single(extras, extra, if on_rise { ticks } else { -ticks });
            list.fixed = heap::meld(extras, list.fixed, extra);
        }
        let links = &mut extras.at_mut(extra).links;
        (links.prev, links.next) = (self.last, NONE);
        match self.last {
            NONE => self.first = extra,
            last => extras.at_mut(last).links.next = extra,
        }
        self.last = extra;
        self.len += 1;
        true
    }

    /// Removes an order.
    pub(super) fn remove(&mut self, extras: &mut Extras, extra: u32) {
        let watch = extras.at(extra).watch;
        let list = &mut self.lists[list_of(&watch)];
        if watch.trails {
            list.trailing.remove(extras, extra);
        } else if let Some(first) = heap::remove(extras, extra) {
            assert_eq!(list.fixed, extra, "the first order of a heap is that of its list");
            list.fixed = first;
        }
        let (prev, next) = (extras.at(extra).links.prev, extras.at(extra).links.next);
        match prev {
            NONE => self.first = next,
            prev => extras.at_mut(prev).links.next = next,
        }
        match next {
            NONE => self.last = prev,
            next => extras.at_mut(next).links.prev = prev,
        }
        self.len -= 1;
    }

    /// The next order that these prices trigger: last trade, mark and index. All trailing stops have followed the prices.
    fn next(&self, extras: &Extras, prices: Prices) -> Option<(Handle, TriggerReference)> {
        let pairs = self.lists.chunks_exact(2).zip(prices).zip(TriggerReference::ALL);
        for ((lists, price), reference) in pairs {
            let Some(price) = price else { continue };
            for (list, on_rise) in lists.iter().zip([true, false]) {
                if let Some((at, extra)) = list.next(extras)
                    && at <= signed(on_rise, price.0)
                {
                    return Some((extras.at(extra).links.handle, *reference));
                }
            }
        }
        None
    }

    /// One step in which trailing stops follow the present prices; returns whether more steps may be needed.
    fn follow_step(&mut self, extras: &mut Extras, prices: Prices) -> bool {
        self.lists.chunks_exact_mut(2).zip(prices).any(|(lists, price)| {
            price.is_some_and(|price| {
                let mut lists = lists.iter_mut().zip([true, false]);
                lists.any(|(list, on_rise)| list.trailing.follow(extras, signed(on_rise, price.0)))
            })
        })
    }

    /// The extra of the dormant order with the lowest number.
    pub(super) fn first(&self) -> Option<u32> {
        some(self.first)
    }

    /// All dormant orders, by number.
    pub(super) fn handles<'a>(&'a self, extras: &'a Extras) -> impl Iterator<Item = Handle> + 'a {
        self.extras(extras).map(|extra| extras.at(extra).links.handle)
    }

    fn extras<'a>(&'a self, extras: &'a Extras) -> impl Iterator<Item = u32> + 'a {
        std::iter::successors(self.first(), |extra| after(extras, *extra))
    }

    /// All dormant orders, by number, with their present trigger prices.
    pub(super) fn waiting<'a>(&'a self, extras: &'a Extras) -> impl Iterator<Item = Waiting> + 'a {
        // Numbers increase from group to group.
        let mut groups = self.lists.each_ref().map(|list| list.trailing.bottom);
        self.extras(extras).map(move |extra| {
            let (links, watch) = (&extras.at(extra).links, &extras.at(extra).watch);
            let ticks = i64::from(watch.ticks);
            if !watch.trails {
                return Waiting { handle: links.handle, extra, price: Some(ticks), extreme: None };
            }
            let at = list_of(watch);
            let (group, trailing) = (&mut groups[at], &self.lists[at].trailing);
            while let above = trailing.group(*group).above
                && above != NONE
                && trailing.group(above).first <= links.order
            {
                *group = above;
            }
            let extreme = Some(trailing.group(*group).extreme).filter(|extreme| *extreme != UNKNOWN);
            let price = extreme.map(|extreme| signed(watch.on_rise, extreme + ticks));
            let extreme = extreme.map(|extreme| Price(signed(watch.on_rise, extreme)));
            Waiting { handle: links.handle, extra, price, extreme }
        })
    }

    /// Checks all structures.
    pub(super) fn audit(&self, extras: &Extras) -> Result<(), &'static str> {
        let mut listed = 0;
        for list in &self.lists {
            listed += heap::audit(extras, list.fixed)? + list.trailing.audit(extras)?;
        }
        let (mut chained, mut before, mut last) = (0, NONE, OrderId(0));
        for extra in self.extras(extras) {
            let links = &extras.at(extra).links;
            if links.prev != before || links.order <= last {
                return Err("dormant orders are chained wrongly");
            }
            (chained, before, last) = (chained + 1, extra, links.order);
        }
        if (chained, listed, before) != (self.len, self.len, self.last) {
            return Err("dormant orders are miscounted");
        }
        Ok(())
    }
}

/// The extra of the dormant order with the next higher number; the given order must be dormant too.
pub(super) fn after(extras: &Extras, extra: u32) -> Option<u32> {
    some(extras.at(extra).links.next)
}

fn some(extra: u32) -> Option<u32> {
    (extra != NONE).then_some(extra)
}
