//! What OUCH gives along with an order and wants back, and where it stands in the bytes that the engine carries for it.

use crate::domain::{ClOrdId, Echo};

/// Fields that an order's answers repeat as they were sent (OUCH 5.0 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echoed {
    /// TimeInForce.
    pub time_in_force: u8,
    /// Display.
    pub display: u8,
    /// Capacity; a replace says none, and the order keeps its own.
    pub capacity: u8,
    /// CrossType; likewise.
    pub cross_type: u8,
    /// Tag 2, Firm; zeros when it was not sent. Likewise.
    pub firm: [u8; 4],
}

impl Echoed {
    /// What answers repeat of an order that came another way.
    pub const USUAL: Self =
        Self { time_in_force: b'0', display: b'Y', capacity: b'P', cross_type: b'N', firm: [0; 4] };

    /// The bytes that the engine carries.
    #[inline]
    pub fn carried(self, cl_ord_id: ClOrdId) -> Echo {
        let Self { time_in_force, display, capacity, cross_type, firm: [a, b, c, d] } = self;
        Echo { cl_ord_id, of_message: [time_in_force, display], of_order: [capacity, cross_type, a, b, c, d] }
    }

    /// What the bytes say that the engine has carried.
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
