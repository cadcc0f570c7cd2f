//! Cancels on behalf of logins that are absent, which a halt holds up (docs/RULES.md, "CancelLogin"): the orders are marked, and go
//! when their instrument leaves the halt.

use super::book::{Handle, Hot};
use super::market::Market;
use super::shared::Shared;
use super::sink::EventSink;
use crate::domain::{CancelReason, LoginId, OrderId};

/// The mark, among an order's flags, that it is to go because its login's connection was lost.
pub(super) const DISCONNECTED: u8 = 2;
/// The mark that it is to go because its login's dead-man's switch went off.
pub(super) const SWITCHED: u8 = 4;

/// Whether a cancel of the order is due.
pub(super) fn is_due(order: &Hot) -> bool {
    order.flags & (DISCONNECTED | SWITCHED) != 0
}

impl Shared {
    /// The order cannot be cancelled in the halt. If that was on behalf of an absent login, it stays due; for the reason that
    /// came first.
    pub(super) fn leave_due(&mut self, handle: Handle, reason: CancelReason) {
        let mark = match reason {
            CancelReason::Disconnected => DISCONNECTED,
            CancelReason::DeadMansSwitch => SWITCHED,
            _ => return,
        };
        let order = self.orders.get_mut(handle);
        if !is_due(order) {
            order.flags |= mark;
            let login = order.login;
            self.note_absent(login);
        }
    }

    /// An order of this login is marked.
    pub(super) fn note_absent(&mut self, login: LoginId) {
        if let Err(at) = self.absent.binary_search(&login) {
            self.absent.insert(at, login);
        }
    }
}

impl<S: EventSink> Market<'_, S> {
    /// Cancels what stayed due while the instrument was halted: by login, then by order number.
    pub(super) fn cancel_due(&mut self) {
        if self.shared.absent.is_empty() {
            return;
        }
        for (_, id, handle) in self.find_due() {
            if self.shared.is_live(handle, id) {
                let disconnected = self.shared.orders.hot(handle).flags & DISCONNECTED != 0;
                let reason =
                    if disconnected { CancelReason::Disconnected } else { CancelReason::DeadMansSwitch };
                self.cancel_whole(handle, reason);
            }
        }
    }

    /// The instrument's marked orders. Logins that have no other marked orders are forgotten.
    fn find_due(&mut self) -> Vec<(LoginId, OrderId, Handle)> {
        let here = self.instrument.listing.instrument;
        let (mut due, mut elsewhere) = (Vec::new(), Vec::new());
        for (handle, hot, cold) in self.shared.orders.iter().filter(|(_, hot, _)| is_due(hot)) {
            if cold.instrument == here {
                due.push((hot.login, hot.id, handle));
            } else {
                elsewhere.push(hot.login);
            }
        }
        due.sort_unstable();
        elsewhere.sort_unstable();
        self.shared.absent.retain(|login| elsewhere.binary_search(login).is_ok());
        due
    }
}
