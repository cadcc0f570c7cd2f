//! Text that the terminal stores in an order's ClOrdID, so that it can read it back later.
//!
//! The exchange does not report an order's trigger or link back. But it returns the client's own text with the order, to
//! every reader of the stream and at any time.

use crate::client::cl_ord_id;
use crate::domain::{ClOrdId, TriggerKind, UserRef};

/// The content of an order's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The order waits for a trigger: kind, and price or distance in price units.
    Trigger(TriggerKind, u32),
    /// The order is linked to this order.
    Link(UserRef),
}

impl Remark {
    /// The text, at most 14 characters.
    pub fn text(self) -> ClOrdId {
        cl_ord_id(&match self {
            Self::Trigger(TriggerKind::Stop, price) => format!("stp:{price}"),
            Self::Trigger(TriggerKind::TakeProfit, price) => format!("tkp:{price}"),
            Self::Trigger(TriggerKind::TrailingStop, price) => format!("trl:{price}"),
            Self::Link(order) => format!("oco:{order}"),
        })
    }

    /// Parses a text; `None` for any other text.
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
