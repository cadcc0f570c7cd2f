//! The trailing stops of one list. Prices here are signed so that lower is better for them; for stops triggered by a
//! fall they are negative.
//!
//! Trailing stops with the same extreme, the best price seen so far, form a group. They keep their relative order for
//! ever, by distance and number, so a group is a heap. A price better than the extremes of some groups merges these
//! groups. A new order has seen only the present price, and no extreme is worse than that. So groups are stacked by
//! extreme, the best at the bottom, and the numbers of their orders increase upwards.

use super::super::chunks::Chunks;
use super::super::extras::{Extras, NONE};
use super::super::tournament::Tournament;
use super::heap;
use crate::domain::OrderId;

/// The extreme of orders without a reference price yet: worse than any price.
pub(super) const UNKNOWN: i64 = i64::MAX;

/// Trailing stops with the same extreme.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) extreme: i64,
    /// No order of the group has a lower number; all orders of the groups below do.
    pub(super) first: OrderId,
    /// The first order of its heap.
    root: u32,
    /// The neighbouring groups. In a free group, `above` is the next free one.
    below: u32,
    pub(super) above: u32,
}

/// The groups of a list.
#[derive(Clone, Debug)]
pub(super) struct Trailing {
    groups: Chunks<Group, 64>,
    free: u32,
    pub(super) bottom: u32,
    top: u32,
    /// By group: the stop price and number of its first order.
    next: Tournament<(i64, OrderId)>,
}

impl Default for Trailing {
    fn default() -> Self {
        let next = Tournament::new((i64::MAX, OrderId(u64::MAX)));
        Self { groups: Chunks::default(), free: NONE, bottom: NONE, top: NONE, next }
    }
}

impl Trailing {
    pub(super) fn group(&self, group: u32) -> &Group {
        self.groups.at(group)
    }

    /// Adds an order with a higher number than all others. `false`, and nothing done, if some orders have a worse
    /// extreme: they have not followed the price.
    pub(super) fn add(&mut self, extras: &mut Extras, slot: u32, extreme: i64) -> bool {
        let first = extras.at(slot).links.order;
        let mut group = self.top;
        if group == NONE || self.group(group).extreme < extreme {
            group = self.push(Group { extreme, first, root: NONE, below: self.top, above: NONE });
        } else if self.group(group).extreme > extreme {
            return false;
        }
        let distance = extras.at(slot).watch.ticks;
        heap::single(extras, slot, distance);
        let root = heap::meld(extras, self.group(group).root, slot);
        self.set_root(extras, group, root);
        true
    }

    fn push(&mut self, group: Group) -> u32 {
        let mut at = self.free;
        if at == NONE {
            at = self.groups.push(group);
        } else {
            self.free = std::mem::replace(self.groups.at_mut(at), group).above;
        }
        match group.below {
            NONE => self.bottom = at,
            below => self.groups.at_mut(below).above = at,
        }
        self.top = at;
        at
    }

    /// Frees an empty group.
    fn drop_group(&mut self, group: u32) {
        self.next.clear(group);
        let Group { below, above, .. } = *self.group(group);
        match below {
            NONE => self.bottom = above,
            below => self.groups.at_mut(below).above = above,
        }
        match above {
            NONE => self.top = below,
            above => self.groups.at_mut(above).below = below,
        }
        self.groups.at_mut(group).above = std::mem::replace(&mut self.free, group);
    }

    /// Updates a group after its first order or its extreme changed.
    fn set_root(&mut self, extras: &mut Extras, group: u32, root: u32) {
        self.groups.at_mut(group).root = root;
        let extreme = self.group(group).extreme;
        let links = &mut extras.at_mut(root).links;
        links.group = group;
        if extreme != UNKNOWN {
            self.next.set(group, (extreme + i64::from(links.key), links.order));
        }
    }

    /// Removes an order.
    pub(super) fn remove(&mut self, extras: &mut Extras, slot: u32) {
        let group = extras.at(slot).links.group;
        match heap::remove(extras, slot) {
            None => {}
            Some(NONE) => self.drop_group(group),
            Some(root) => self.set_root(extras, group, root),
        }
    }

    /// Orders follow the price, group by group: melds two groups that the price has reached, if there are two;
    /// otherwise sets the extreme of the last one. Returns whether more steps may be needed.
    pub(super) fn follow(&mut self, extras: &mut Extras, price: i64) -> bool {
        let top = self.top;
        if top == NONE || self.group(top).extreme <= price {
            return false;
        }
        let below = self.group(top).below;
        if below == NONE || self.group(below).extreme < price {
            self.groups.at_mut(top).extreme = price;
            let root = self.group(top).root;
            self.set_root(extras, top, root);
            return false;
        }
        let root = heap::meld(extras, self.group(below).root, self.group(top).root);
        self.drop_group(top);
        self.set_root(extras, below, root);
        true
    }

    /// The stop price that is reached first, and the first order there.
    pub(super) fn next(&self) -> Option<(i64, u32)> {
        let (price, order) = self.next.least()?;
        let group = self.next.first_within((price, order)).expect("the least is there");
        Some((price, self.group(group).root))
    }

    /// Checks all structures; returns the number of orders.
    pub(super) fn audit(&self, extras: &Extras) -> Result<usize, &'static str> {
        let (mut count, mut last) = (0, None);
        let (mut below, mut at) = (NONE, self.bottom);
        while at != NONE {
            let group = self.group(at);
            if group.below != below
                || last.is_some_and(|(extreme, first)| extreme >= group.extreme || first >= group.first)
            {
                return Err("groups of trailing stops are out of order");
            }
            if group.root == NONE || extras.at(group.root).links.group != at {
                return Err("a group of trailing stops is not that of its orders");
            }
            count += heap::audit(extras, group.root)?;
            last = Some((group.extreme, group.first));
            (below, at) = (at, group.above);
        }
        if below == self.top { Ok(count) } else { Err("groups of trailing stops are out of order") }
    }
}
