//! The instructions of an order in snapshots and in the digest. A new field of [`Instructions`] does not compile here
//! until its form is decided.

use super::domain_records::{SelfTradeRecord, TriggerRecord};
use crate::domain::{Effect, Instructions, PostOnly, QuantityUnit, Timestamp, UserRef, Visibility};
use crate::exchange::canonical::Canonical;
use bincode::{Decode, Encode};

/// [`Instructions`] in a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct InstructionsRecord {
    /// [`Instructions::min_quantity`].
    pub min_quantity: u32,
    /// [`Instructions::display_quantity`].
    pub display_quantity: u32,
    /// [`Instructions::expire_s`].
    pub expire_s: u32,
    /// [`Instructions::oco`].
    pub oco: UserRef,
    /// [`Instructions::book_by`].
    pub book_by: Timestamp,
    /// [`Instructions::trigger`].
    pub trigger: Option<TriggerRecord>,
    /// [`Instructions::visibility`].
    pub visibility: Visibility,
    /// [`Instructions::post_only`].
    pub post_only: PostOnly,
    /// [`Instructions::unit`].
    pub unit: QuantityUnit,
    /// [`Instructions::effect`].
    pub effect: Effect,
    /// [`Instructions::self_trade`].
    pub self_trade: Option<SelfTradeRecord>,
}

macro_rules! converted {
    ($from:ident to $to:ident { $($field:ident),+ }) => {
        impl From<$from> for $to {
            fn from($from { trigger, self_trade, $($field),+ }: $from) -> Self {
                Self { trigger: trigger.map(Into::into), self_trade: self_trade.map(Into::into), $($field),+ }
            }
        }
    };
}
converted!(Instructions to InstructionsRecord {
    min_quantity, display_quantity, expire_s, oco, book_by, visibility, post_only, unit, effect
});
converted!(InstructionsRecord to Instructions {
    min_quantity, display_quantity, expire_s, oco, book_by, visibility, post_only, unit, effect
});

/// Instructions that no longer affect a live order, or that are stored elsewhere, are left out.
pub(in crate::exchange) fn digest_instructions(asked: &Instructions, hash: &mut Canonical) {
    let Instructions {
        min_quantity,
        display_quantity,
        expire_s: _,
        oco: _,
        book_by,
        trigger,
        visibility,
        post_only,
        unit,
        effect,
        self_trade,
    } = *asked;
    hash.unsigned(min_quantity);
    hash.unsigned(display_quantity);
    hash.unsigned(book_by.0);
    hash.unsigned(visibility as u8);
    hash.unsigned(post_only as u8);
    hash.unsigned(unit as u8);
    hash.unsigned(effect as u8);
    hash.unsigned(self_trade.map_or(0, |stp| 1 + 2 * stp.mode as u64 + 16 * stp.owner as u64));
    hash.unsigned(trigger.map_or(0, |trigger| u64::from(trigger.price)));
    hash.unsigned(trigger.map_or(0, |trigger| 1 + trigger.kind as u64));
}
