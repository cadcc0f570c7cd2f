//! Heaps of dormant orders: the one that is released first is at hand, two are melded, and any order leaves, in as many
//! steps as the logarithm of their number.
//!
//! Leftist heaps, whose links lie in the orders' extras. From each order it is at most as far to a free place by the
//! right as by the left, so a way that only goes right is short; melding goes along two such ways. An order that leaves is
//! replaced by the heap of those below it, and above it ranks are put right for as long as they change: each that does
//! is one higher than the one before, so there are few.

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

/// Melds two heaps, named by their first orders; the first order of both.
pub(super) fn meld(extras: &mut Extras, one: u32, other: u32) -> u32 {
    if one == NONE || other == NONE {
        return if one == NONE { other } else { one };
    }
    let (first, mut rest) = if comes_before(extras, other, one) { (other, one) } else { (one, other) };
    // Down the right side: what is left of the other heap comes in where it comes first.
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

/// Puts the nearer free place to the right; whether the rank was another.
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

/// Takes an order out of its heap. If it was the first: the one that is first then, or [`NONE`].
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

/// Whether all links and ranks of a heap are right; how many orders it has.
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
