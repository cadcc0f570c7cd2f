//! OUCH fields that the answers repeat, and their encoding in the bytes that the engine keeps with an order.

use crate::domain::{ClOrdId, Echo};

/// Fields of an order that its answers repeat as sent (OUCH 5.0 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echoed {
    /// TimeInForce.
    pub time_in_force: u8,
    /// Display.
    pub display: u8,
    /// Capacity. A replace does not contain it; the order keeps its own.
    pub capacity: u8,
    /// CrossType. A replace does not contain it; the order keeps its own.
    pub cross_type: u8,
    /// Tag 2, Firm; zeros if it was not sent. A replace does not contain it; the order keeps its own.
    pub firm: [u8; 4],
}

impl Echoed {
    /// The values for an order that did not come from OUCH.
    pub const USUAL: Self =
        Self { time_in_force: b'0', display: b'Y', capacity: b'P', cross_type: b'N', firm: [0; 4] };

    /// Encodes the fields to the bytes that the engine keeps with the order.
    #[inline]
    pub fn carried(self, cl_ord_id: ClOrdId) -> Echo {
        let Self { time_in_force, display, capacity, cross_type, firm: [a, b, c, d] } = self;
        Echo { cl_ord_id, of_message: [time_in_force, display], of_order: [capacity, cross_type, a, b, c, d] }
    }

    /// Decodes the bytes that the engine keeps with the order.
    #[inline]
    pub fn of(echo: &Echo) -> Self {
        let said = |byte: u8, usual: u8| if byte == 0 { usual } else { byte };
        let ([time_in_force, display], [capacity, cross_type, a, b, c, d]) = (echo.of_message, echo.of_order);
        Self {
            time_in_force: said(time_in_force, Self::USUAL.time_in_force),
            display: said(display, Self::USUAL.display),
            capacity: said(capacity, Self::USUAL.capacity),
            cross_type: said(cross_type, Self::USUAL.cross_type),
            firm: [a, b, c, d],
        }
    }
}
