//! What the terminal writes into an order's text, so that it can read it back.
//!
//! The exchange does not tell the trigger of an order back, nor what it is linked to; the client's own text comes back with the
//! order, whoever reads the stream, and whenever.

use crate::client::cl_ord_id;
use crate::domain::{ClOrdId, TriggerKind, UserRef};

/// What an order's text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// It waits for its trigger: the price or distance, price units.
    Trigger(TriggerKind, u32),
    /// It is linked to another one.
    Link(UserRef),
}

impl Remark {
    /// The text, of 14 characters at most.
    pub fn text(self) -> ClOrdId {
        cl_ord_id(&match self {
            Self::Trigger(TriggerKind::Stop, price) => format!("stp:{price}"),
            Self::Trigger(TriggerKind::TakeProfit, price) => format!("tkp:{price}"),
            Self::Trigger(TriggerKind::TrailingStop, price) => format!("trl:{price}"),
            Self::Link(order) => format!("oco:{order}"),
        })
    }

    /// What a text says; `None` for any other text.
    pub fn read(text: &ClOrdId) -> Option<Self> {
        let text = text.text();
        let (kind, number) = text.trim_end().split_once(':')?;
        let number: u32 = number.parse().ok()?;
        Some(match kind {
            "stp" => Self::Trigger(TriggerKind::Stop, number),
            "tkp" => Self::Trigger(TriggerKind::TakeProfit, number),
            "trl" => Self::Trigger(TriggerKind::TrailingStop, number),
            "oco" => Self::Link(UserRef(number)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_read_back_and_other_texts_are_none() {
        for remark in [
            Remark::Trigger(TriggerKind::Stop, 5_900_000),
            Remark::Trigger(TriggerKind::TakeProfit, 1),
            Remark::Trigger(TriggerKind::TrailingStop, i32::MAX as u32),
            Remark::Link(UserRef(u32::MAX)),
        ] {
            assert_eq!(Remark::read(&remark.text()), Some(remark));
        }
        for other in ["", "stp:", "stp:1x", "stop:1", "oco:-1", "oco:4294967296", "oco"] {
            assert_eq!(Remark::read(&cl_ord_id(other)), None, "{other}");
        }
    }
}
