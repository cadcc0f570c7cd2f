//! Prices of an index that a login sends (docs/FUTURES.md, "Index"), and their answers.

use super::numbered::numbered_enum;
use super::{IndexId, LoginId, SetIndex, Timestamp, UserRef};
use bincode::{Decode, Encode};
use serde::Serialize;

/// A price of an index from a login that may send it, as the gateway has checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SendIndex {
    /// The sender, who gets the answer.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The client's number of the message. If it is not above the login's last, the message is a retransmission and is
    /// ignored.
    pub user_ref: UserRef,
    /// The index.
    pub index: IndexId,
    /// Price units, as in [`SetIndex`].
    pub price: u32,
    /// When the price was made, as in [`SetIndex`].
    pub source_time: Timestamp,
}

impl SendIndex {
    /// The price without its sender.
    pub fn price(&self) -> SetIndex {
        let Self { index, price, source_time, .. } = *self;
        SetIndex { index, price, source_time }
    }
}

numbered_enum! {
    /// What became of a price of an index that was not refused.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum IndexOutcome {
        /// It is the price of the index.
        #[default]
        Taken = 0,
        /// It is too far from the last one and waits for a second one near it.
        Held = 1,
    }
}

/// The answer to the sender of a price. Follows everything that the price has changed at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct IndexAnswered {
    /// The sender.
    pub login: LoginId,
    /// The client's number of the message.
    pub user_ref: UserRef,
    /// The index.
    pub index: IndexId,
    /// Price units.
    pub price: u32,
    /// When the price was made.
    pub source_time: Timestamp,
    /// What became of it.
    pub outcome: IndexOutcome,
}
