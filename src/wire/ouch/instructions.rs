//! Reads an order's tags (docs/PROTOCOL.md §2.4). Every tag is applied, or has a value that requests nothing, or is
//! refused with the most specific reason.

use super::tags::{self, Appendage, Tag};
use crate::domain::{
    Effect, Instructions, Owner, PostOnly, Quantity, QuantityUnit, RejectReason, SelfTrade,
    SelfTradePrevention, Timestamp, Trigger, TriggerKind, TriggerReference, UserRef, Visibility,
};

/// The message that contains the tags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageKind {
    Enter,
    Replace,
}

/// The requests of an order beyond its fixed fields.
pub(super) struct Asked {
    pub(super) firm: [u8; 4],
    pub(super) quantity: Quantity,
    instructions: Instructions,
}

impl Asked {
    /// `None` for a plain order, which keeps its command short.
    #[inline]
    pub(super) fn instructions(&self) -> Option<Instructions> {
        (self.instructions != Instructions::NOTHING).then_some(self.instructions)
    }
}

/// Reads the tags of an order whose Quantity field is `lots`.
///
/// # Errors
/// The reason of the first tag that is refused. If there is none, tags that cannot be decoded are reported
/// ([`RejectReason::MalformedTag`]), and then tags that contradict one another ([`RejectReason::InvalidInstructions`]).
#[inline]
pub(super) fn read_tags(
    tail: Appendage<'_>,
    kind: MessageKind,
    visibility: Visibility,
    lots: u32,
) -> Result<Asked, RejectReason> {
    let plain = Asked {
        firm: [0; 4],
        quantity: Quantity(u64::from(lots)),
        instructions: Instructions { visibility, ..Instructions::NOTHING },
    };
    if tail.0.is_empty() { Ok(plain) } else { Reading::of(plain, kind).read(tail, lots) }
}

/// The tags read so far. Some are only meaningful together, so they are combined at the end.
struct Reading {
    asked: Asked,
    kind: MessageKind,
    /// The tags seen so far, one bit each.
    seen: [u64; 4],
    trigger: Option<Trigger>,
    post_only: Option<PostOnly>,
    slide: bool,
    self_trade: Option<SelfTrade>,
    owner: Option<Owner>,
    /// Tag 29, which contains both mode and owner.
    strategy: Option<SelfTradePrevention>,
    amount: Option<u64>,
    lots: Option<u64>,
}

/// The result of checking a tag.
enum Judgement {
    Fine,
    Malformed,
    Refused(RejectReason),
}

impl Reading {
    fn of(asked: Asked, kind: MessageKind) -> Self {
        Self {
            asked,
            kind,
            seen: [0; 4],
            trigger: None,
            post_only: None,
            slide: false,
            self_trade: None,
            owner: None,
            strategy: None,
            amount: None,
            lots: None,
        }
    }

    fn read(mut self, tail: Appendage<'_>, quantity_field: u32) -> Result<Asked, RejectReason> {
        let mut malformed = false;
        for tag in tail.tags() {
            let Ok(Tag { tag, value }) = tag else {
                malformed = true;
                break;
            };
            let (word, bit) = (usize::from(tag / 64), 1_u64 << (tag % 64));
            malformed |= self.seen[word] & bit != 0;
            self.seen[word] |= bit;
            let judgement = match tag {
                tags::STOP_PRICE.. => self.take_private(tag, value),
                _ => self.take_standard(tag, value),
            };
            match judgement {
                Judgement::Fine => {}
                Judgement::Malformed => malformed = true,
                Judgement::Refused(reason) => return Err(reason),
            }
        }
        if malformed { Err(RejectReason::MalformedTag) } else { self.put_together(quantity_field) }
    }

    /// Handles a tag of OUCH. A supported tag is applied; any other is accepted if its value requests nothing.
    fn take_standard(&mut self, tag: u8, value: &[u8]) -> Judgement {
        let instructions = &mut self.asked.instructions;
        match (tag, value) {
            (tags::FIRM, _) if self.kind == MessageKind::Replace => refused(RejectReason::TagNotSupported),
            (tags::FIRM, value) => match value.try_into() {
                Ok(firm) => set(&mut self.asked.firm, firm),
                Err(_) => Judgement::Malformed,
            },
            (tags::MIN_QTY, value) => number(value, |n| instructions.min_quantity = n),
            (tags::MAX_FLOOR, value) => number(value, |n| instructions.display_quantity = n),
            (tags::EXPIRE_TIME, value) => number(value, |n| instructions.expire_s = n),
            (tags::POST_ONLY, b"P") => set(&mut self.post_only, Some(PostOnly::Reject)),
            (tags::POST_ONLY, b"N") => set(&mut self.post_only, Some(PostOnly::No)),
            (tags::AIQ_STRATEGY, [letter]) => match strategy(*letter) {
                Some(strategy) => set(&mut self.strategy, strategy),
                None => refused(RejectReason::TagNotSupported),
            },
            (tags::CUSTOMER_TYPE, b"R") => refused(RejectReason::RetailNotAllowed),
            (tags::PEG_OFFSET | tags::DISCRETION_PEG_OFFSET, [_, _, _, _]) => {
                only(value == [0; 4], RejectReason::PeggingNotAllowed)
            }
            (tags::DISCRETION_PRICE, value) if value.len() == 8 => {
                only(value == [0; 8], RejectReason::PeggingNotAllowed)
            }
            (tags::PRICE_TYPE | tags::DISCRETION_PRICE_TYPE, [letter]) => {
                only(*letter == b'L', RejectReason::PeggingNotAllowed)
            }
            (tags::ROUTE, [_, _, _, _]) => only(value == b"    ", RejectReason::RoutingNotAllowed),
            (tags::RANDOM_RESERVES, [_, _, _, _]) => only(value == [0; 4], RejectReason::TagNotSupported),
            (tags::CUSTOMER_TYPE | tags::TRADE_NOW, [letter]) => {
                only(matches!(letter, b'N' | b' '), RejectReason::TagNotSupported)
            }
            (tags::HANDLE_INST, [letter]) => only(*letter == b' ', RejectReason::TagNotSupported),
            (tags::POST_ONLY, [_]) => refused(RejectReason::TagNotSupported),
            (tags::GROUP_ID, [_, _]) => only(value == [0; 2], RejectReason::TagNotSupported),
            (tags::AIQ_GROUP, [_, _]) => only(value == b"  ", RejectReason::TagNotSupported),
            (tags::USER_REF_IDX, [channel]) => only(*channel == 0, RejectReason::TagNotSupported),
            // These tags declare a fact about a short sale and request nothing.
            (tags::SHARES_LOCATED, [letter]) => {
                only(matches!(letter, b'Y' | b'N' | b' '), RejectReason::TagNotSupported)
            }
            (tags::LOCATE_BROKER, [_, _, _, _]) => Judgement::Fine,
            // In a replace, this tag can only change one kind of sale into another, and there is only one kind here. A
            // new order has a field for the side.
            (tags::SIDE, [letter]) if self.kind == MessageKind::Replace => match letter {
                b'B' | b'S' => Judgement::Fine,
                _ => refused(RejectReason::ShortSaleNotAllowed),
            },
            (
                tags::MIN_QTY..=tags::PEG_OFFSET
                | tags::DISCRETION_PRICE..=tags::HANDLE_INST
                | tags::GROUP_ID..=tags::LOCATE_BROKER
                | tags::USER_REF_IDX..=tags::AIQ_GROUP,
                _,
            ) => Judgement::Malformed,
            (tags::SIDE, _) if self.kind == MessageKind::Replace => Judgement::Malformed,
            _ => refused(RejectReason::TagNotSupported),
        }
    }

    /// Handles a private tag.
    fn take_private(&mut self, tag: u8, value: &[u8]) -> Judgement {
        match (tag, value) {
            (tags::STOP_PRICE, value) => {
                // A price that does not fit is refused by the exchange, like any other price above the protocol's
                // limit.
                long(value, |n| self.trigger().price = u32::try_from(n).unwrap_or(u32::MAX))
            }
            (tags::TRIGGER_KIND, b"S") => set(&mut self.trigger().kind, TriggerKind::Stop),
            (tags::TRIGGER_KIND, b"P") => set(&mut self.trigger().kind, TriggerKind::TakeProfit),
            (tags::TRIGGER_KIND, b"T") => set(&mut self.trigger().kind, TriggerKind::TrailingStop),
            (tags::TRIGGER_REFERENCE, b"L") => {
                set(&mut self.trigger().reference, TriggerReference::LastTrade)
            }
            (tags::TRIGGER_REFERENCE, b"M") => {
                set(&mut self.trigger().reference, TriggerReference::MarkPrice)
            }
            (tags::TRIGGER_REFERENCE, b"I") => {
                set(&mut self.trigger().reference, TriggerReference::IndexPrice)
            }
            (tags::POST_ONLY_SLIDE, b"Y") => set(&mut self.slide, true),
            (tags::POSITION_EFFECT, b"Y") => set(&mut self.asked.instructions.effect, Effect::ReduceOnly),
            (tags::POSITION_EFFECT, b"O") => set(&mut self.asked.instructions.effect, Effect::Open),
            (tags::POSITION_EFFECT, b"C") => set(&mut self.asked.instructions.effect, Effect::ClosePosition),
            (tags::POST_ONLY_SLIDE | tags::POSITION_EFFECT, b"N") => Judgement::Fine,
            (tags::SELF_TRADE, b"A") => set(&mut self.self_trade, Some(SelfTrade::Allow)),
            (tags::SELF_TRADE, b"N") => set(&mut self.self_trade, Some(SelfTrade::CancelNewest)),
            (tags::SELF_TRADE, b"O") => set(&mut self.self_trade, Some(SelfTrade::CancelOldest)),
            (tags::SELF_TRADE, b"B") => set(&mut self.self_trade, Some(SelfTrade::CancelBoth)),
            (tags::SELF_TRADE, b"D") => set(&mut self.self_trade, Some(SelfTrade::DecrementBoth)),
            (tags::SELF_TRADE_OWNER, b"A") => set(&mut self.owner, Some(Owner::Account)),
            (tags::SELF_TRADE_OWNER, b"G") => set(&mut self.owner, Some(Owner::Group)),
            (tags::QUOTE_AMOUNT, value) => long(value, |n| self.amount = Some(n)),
            (tags::QUANTITY_64, value) => long(value, |n| self.lots = Some(n)),
            (tags::BOOK_BY, value) => long(value, |n| self.asked.instructions.book_by = Timestamp(n)),
            (tags::LINKED_ORDER, value) if self.kind == MessageKind::Enter => {
                number(value, |n| self.asked.instructions.oco = UserRef(n))
            }
            (tags::TRIGGER_KIND..=tags::SELF_TRADE_OWNER, value) if value.len() != 1 => Judgement::Malformed,
            _ => refused(RejectReason::TagNotSupported),
        }
    }

    fn trigger(&mut self) -> &mut Trigger {
        self.trigger.get_or_insert_default()
    }

    fn put_together(self, quantity_field: u32) -> Result<Asked, RejectReason> {
        let Self { mut asked, trigger, post_only, slide, self_trade, owner, strategy, amount, lots, .. } =
            self;
        let contradiction = (slide && post_only == Some(PostOnly::No))
            || (strategy.is_some() && (self_trade.is_some() || owner.is_some()))
            || (owner.is_some() && self_trade.is_none())
            || (amount.is_some() && lots.is_some())
            || (amount.or(lots).is_some() && quantity_field != 0);
        if contradiction {
            return Err(RejectReason::InvalidInstructions);
        }
        asked.instructions.trigger = trigger;
        asked.instructions.post_only =
            if slide { PostOnly::Slide } else { post_only.unwrap_or(PostOnly::No) };
        asked.instructions.self_trade = match self_trade {
            Some(mode) => Some(SelfTradePrevention { mode, owner: owner.unwrap_or_default() }),
            None => strategy,
        };
        if let Some(amount) = amount {
            asked.instructions.unit = QuantityUnit::QuoteAmount;
            asked.quantity = Quantity(amount);
        }
        if let Some(lots) = lots {
            asked.quantity = Quantity(lots);
        }
        Ok(asked)
    }
}

/// The request of a letter of tag 29: nothing for a space; `None` if the letter is not defined.
fn strategy(letter: u8) -> Option<Option<SelfTradePrevention>> {
    let owner = if letter.is_ascii_uppercase() { Owner::Account } else { Owner::Group };
    let mode = match letter.to_ascii_uppercase() {
        b' ' => return Some(None),
        b'O' => SelfTrade::CancelOldest,
        b'W' => SelfTrade::CancelNewest,
        b'D' | b'Y' => SelfTrade::DecrementBoth,
        _ => return None,
    };
    Some(Some(SelfTradePrevention { mode, owner }))
}

fn number(value: &[u8], take: impl FnOnce(u32)) -> Judgement {
    let Ok(bytes) = value.try_into() else { return Judgement::Malformed };
    take(u32::from_be_bytes(bytes));
    Judgement::Fine
}

fn long(value: &[u8], take: impl FnOnce(u64)) -> Judgement {
    let Ok(bytes) = value.try_into() else { return Judgement::Malformed };
    take(u64::from_be_bytes(bytes));
    Judgement::Fine
}

/// Stores a value.
fn set<T>(place: &mut T, value: T) -> Judgement {
    *place = value;
    Judgement::Fine
}

fn refused(reason: RejectReason) -> Judgement {
    Judgement::Refused(reason)
}

/// Accepts the tag if it requests nothing.
fn only(asks_nothing: bool, reason: RejectReason) -> Judgement {
    if asks_nothing { Judgement::Fine } else { Judgement::Refused(reason) }
}
