//! What Accepted and Replaced say of an order beyond their fixed fields (docs/PROTOCOL.md §2.2), as it is written for a client and
//! as a client reads it.

use super::Echoed;
use super::tags::{self, Appendage, TagBuffer, TagError};
use crate::domain::{OrderTerms, PostOnly, TimeInForce, Timestamp};

/// Only what the order asked for, in the order of the tags' numbers.
#[inline]
pub(super) fn order_tags(added: &mut TagBuffer, terms: &OrderTerms, time: Timestamp) {
    let OrderTerms { echo, display_quantity, post_only, time_in_force, expire_s, .. } = *terms;
    let firm = Echoed::of(&echo).firm;
    if firm != [0; 4] {
        added.push(tags::FIRM, firm);
    }
    if display_quantity != 0 {
        added.push(tags::MAX_FLOOR, display_quantity.to_be_bytes());
    }
    if post_only != PostOnly::No {
        added.push(tags::POST_ONLY, *b"P");
    }
    if time_in_force == TimeInForce::GoodTillTime {
        added.push(tags::EXPIRE_TIME, expire_time(expire_s, time).to_be_bytes());
    }
    if post_only == PostOnly::Slide {
        added.push(tags::POST_ONLY_SLIDE, *b"Y");
    }
}

/// Seconds since midnight when that is today's, else since 1970: as an order may state it.
fn expire_time(expire_s: u32, now: Timestamp) -> u32 {
    const DAY_S: u64 = 86_400;
    let same_day = u64::from(expire_s) / DAY_S == now.seconds() / DAY_S;
    if same_day { expire_s % DAY_S as u32 } else { expire_s }
}

/// The same as a client reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Lots shown at a time, of an iceberg.
    pub display_quantity: Option<u32>,
    /// Whether it had to rest.
    pub post_only: bool,
    /// Whether its price may have been moved so that it would rest.
    pub slid: bool,
    /// When it ends: seconds since midnight, or since 1970 from 86,400 on.
    pub expire_s: Option<u32>,
}

impl Told {
    /// Reads it from the tags of Accepted or Replaced.
    ///
    /// # Errors
    /// Tags that cannot be read.
    pub fn read(tail: Appendage<'_>) -> Result<Self, TagError> {
        let number = |tag| tail.find(tag).map(|found| found.map(u32::from_be_bytes));
        Ok(Self {
            display_quantity: number(tags::MAX_FLOOR)?,
            post_only: tail.find(tags::POST_ONLY)? == Some(*b"P"),
            slid: tail.find(tags::POST_ONLY_SLIDE)? == Some(*b"Y"),
            expire_s: number(tags::EXPIRE_TIME)?,
        })
    }
}
