//! The tags of Accepted and Replaced, which describe an order beyond the fixed fields (docs/PROTOCOL.md §2.2): encoding
//! for clients and decoding by clients.

use super::Echoed;
use super::tags::{self, Appendage, TagBuffer, TagError};
use crate::domain::{OrderTerms, PostOnly, TimeInForce, Timestamp};

/// Adds only the tags of properties that the order requested, in the order of the tag numbers.
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

/// Seconds since midnight if the time is today, otherwise seconds since 1970, as in an order.
fn expire_time(expire_s: u32, now: Timestamp) -> u32 {
    const DAY_S: u64 = 86_400;
    let same_day = u64::from(expire_s) / DAY_S == now.seconds() / DAY_S;
    if same_day { expire_s % DAY_S as u32 } else { expire_s }
}

/// The content of the tags, as decoded by a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Displayed lots of an iceberg order.
    pub display_quantity: Option<u32>,
    /// Whether the order was post-only.
    pub post_only: bool,
    /// Whether its price could be moved so that it would rest.
    pub slid: bool,
    /// Its expiry: below 86,400 in seconds since midnight, otherwise in seconds since 1970.
    pub expire_s: Option<u32>,
}

impl Told {
    /// Decodes the tags of Accepted or Replaced.
    ///
    /// # Errors
    /// The tags cannot be decoded.
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
