//! Heaps of dormant orders: finding the first one is immediate; melding two heaps, or removing any order, takes a
//! number of steps logarithmic in their size.
//!
//! Leftist heaps, whose links are in the orders' extras. From each order the nearest free place is at most as far by
//! the right as by the left, so a path that only goes right is short; melding follows two such paths. A removed order
//! is replaced by the heap of the orders below it. Above it, ranks are corrected as long as they change; each changed
//! rank is one higher than the one before, so there are few.

use super::super::extras::{Extras, NONE};

fn comes_before(extras: &Extras, one: u32, other: u32) -> bool {
    let key = |slot| {
        let links = &extras.at(slot).links;
        (links.key, links.order)
    };
    key(one) < key(other)
}

fn rank(extras: &Extras, slot: u32) -> u8 {
    extras.find(slot).map_or(0, |extra| extra.links.rank)
}

/// Makes a heap of one order.
pub(super) fn single(extras: &mut Extras, slot: u32, key: i32) {
    let links = &mut extras.at_mut(slot).links;
    (links.left, links.right, links.parent) = (NONE, NONE, NONE);
    (links.key, links.rank) = (key, 1);
}

/// Melds two heaps, given by their first orders; returns the first order of the result.
pub(super) fn meld(extras: &mut Extras, one: u32, other: u32) -> u32 {
    if one == NONE || other == NONE {
        return if one == NONE { other } else { one };
    }
    let (first, mut rest) = if comes_before(extras, other, one) { (other, one) } else { (one, other) };
    // Down the right side: the rest of the other heap is inserted where it comes first.
    let mut at = first;
    loop {
        #[cfg(test)]
        super::super::steps::count();
        let right = extras.at(at).links.right;
        if right != NONE && !comes_before(extras, rest, right) {
            at = right;
            continue;
        }
        extras.at_mut(at).links.right = rest;
        extras.at_mut(rest).links.parent = at;
        (at, rest) = (rest, right);
        if rest == NONE {
            break;
        }
    }
    while at != NONE {
        balance(extras, at);
        at = extras.at(at).links.parent;
    }
    first
}

/// Puts the child with the nearer free place on the right; returns whether the rank changed.
fn balance(extras: &mut Extras, at: u32) -> bool {
    #[cfg(test)]
    super::super::steps::count();
    let links = extras.at(at).links;
    let (left, right) = (rank(extras, links.left), rank(extras, links.right));
    let now = &mut extras.at_mut(at).links;
    if left < right {
        (now.left, now.right) = (links.right, links.left);
    }
    now.rank = left.min(right) + 1;
    now.rank != links.rank
}

/// Removes an order from its heap. If it was the first, returns the new first, or [`NONE`].
pub(super) fn remove(extras: &mut Extras, slot: u32) -> Option<u32> {
    let links = extras.at(slot).links;
    for child in [links.left, links.right] {
        if let Some(child) = extras.find_mut(child) {
            child.links.parent = NONE;
        }
    }
    let rest = meld(extras, links.left, links.right);
    if links.parent == NONE {
        return Some(rest);
    }
    if let Some(rest) = extras.find_mut(rest) {
        rest.links.parent = links.parent;
    }
    let parent = &mut extras.at_mut(links.parent).links;
    if parent.left == slot {
        parent.left = rest;
    } else {
        assert_eq!(parent.right, slot, "an order is in the heap of the one above it");
        parent.right = rest;
    }
    let mut at = links.parent;
    while at != NONE && balance(extras, at) {
        at = extras.at(at).links.parent;
    }
    None
}

/// Checks all links and ranks of a heap; returns its number of orders.
pub(super) fn audit(extras: &Extras, first: u32) -> Result<usize, &'static str> {
    if first != NONE && extras.at(first).links.parent != NONE {
        return Err("a heap's first order is below another");
    }
    let (mut count, mut open) = (0, vec![first]);
    while let Some(slot) = open.pop() {
        let Some(extra) = extras.find(slot) else { continue };
        count += 1;
        let links = &extra.links;
        let (left, right) = (rank(extras, links.left), rank(extras, links.right));
        if left < right || links.rank != right + 1 {
            return Err("a heap's ranks are wrong");
        }
        for child in [links.left, links.right].into_iter().filter(|child| *child != NONE) {
            if extras.at(child).links.parent != slot || comes_before(extras, child, slot) {
                return Err("a heap is out of order");
            }
            open.push(child);
        }
    }
    Ok(count)
}
