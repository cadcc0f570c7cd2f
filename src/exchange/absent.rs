//! Cancels for absent logins that a halt delays (docs/RULES.md, "CancelLogin"): the orders are marked, and are
//! cancelled when their instrument leaves the halt.

#![deny(clippy::wildcard_enum_match_arm)]

use super::book::{Handle, Hot};
use super::market::Market;
use super::shared::Shared;
use super::sink::EventSink;
use super::state::Exchange;
use super::task::Task;
use crate::domain::{CancelReason, InstrumentId, LoginId};

/// Order flag: cancel is due because the login's connection was lost.
pub(super) const DISCONNECTED: u8 = 2;
/// Order flag: cancel is due because the login's dead-man's switch fired.
pub(super) const SWITCHED: u8 = 4;

/// Whether a cancel of the order is due.
pub(super) fn is_due(order: &Hot) -> bool {
    order.flags & (DISCONNECTED | SWITCHED) != 0
}

impl Shared {
    /// Handles an order that cannot be cancelled during the halt. If the cancel is for an absent login, it stays due,
    /// with the first reason that applied.
    pub(super) fn leave_due(&mut self, handle: Handle, reason: CancelReason) {
        let mark = match reason {
            CancelReason::Disconnected => DISCONNECTED,
            CancelReason::DeadMansSwitch => SWITCHED,
            CancelReason::UserRequested
            | CancelReason::ImmediateOrCancel
            | CancelReason::FundsExhausted
            | CancelReason::InvalidReplace(_)
            | CancelReason::MinimumQuantity
            | CancelReason::AmountSpent
            | CancelReason::MarketCollar
            | CancelReason::PriceBand
            | CancelReason::SelfTradePrevented(_)
            | CancelReason::LinkedOrder
            | CancelReason::Expired
            | CancelReason::TermsChanged
            | CancelReason::Delisted
            | CancelReason::Killed
            | CancelReason::MassCancel
            | CancelReason::Operator
            | CancelReason::TriggerRefused(_)
            | CancelReason::WorkLimit
            | CancelReason::InsufficientMargin
            | CancelReason::PriceOutsideLimits
            | CancelReason::OpenInterestLimit
            | CancelReason::ReduceOnlyResized
            | CancelReason::IndexStale
            | CancelReason::ContractExpired
            | CancelReason::AccountBelowZero => return,
        };
        let order = self.orders.get_mut(handle);
        if !is_due(order) {
            order.flags |= mark;
            let login = order.login;
            self.note_absent(login);
        }
    }

    /// Notes that the login has a marked order.
    pub(super) fn note_absent(&mut self, login: LoginId) {
        if let Err(at) = self.absent.binary_search(&login) {
            self.absent.insert(at, login);
        }
    }
}

impl Exchange {
    /// Cancels the orders that stayed due while the instrument was halted: by login, from this one on, then by order
    /// number. A part continues to the end of a login, which has no more orders than its account's limit.
    pub(super) fn cancel_due(
        &mut self,
        instrument: InstrumentId,
        first: LoginId,
        events: &mut impl EventSink,
    ) {
        let limit = self.shared.limits.orders_touched_max;
        let mut at = self.shared.absent.partition_point(|login| *login < first);
        while let Some(login) = self.shared.absent.get(at).copied() {
            if self.shared.touched >= limit {
                return self.agenda.push(Task::CancelDue(instrument, login));
            }
            if self.market(instrument, events).cancel_due_of(login) {
                at += 1;
            } else {
                self.shared.absent.remove(at);
            }
        }
    }
}

impl<S: EventSink> Market<'_, S> {
    /// Cancels a login's marked orders of the instrument. Returns whether it has marked orders of other instruments.
    fn cancel_due_of(&mut self, login: LoginId) -> bool {
        let mut elsewhere = false;
        let mut next = self.shared.first_of(login);
        while let Some(handle) = next {
            next = self.shared.after_of_login(handle);
            let flags = self.shared.orders.hot(handle).flags;
            if flags & (DISCONNECTED | SWITCHED) == 0 {
                self.shared.touch();
                continue;
            }
            if self.shared.orders.cold(handle).instrument != self.instrument.listing.instrument {
                elsewhere = true;
                self.shared.touch();
                continue;
            }
            if next.is_some() && next == self.shared.partner_of(handle) {
                // The linked order is cancelled with this one.
                next = next.and_then(|at| self.shared.after_of_login(at));
            }
            let disconnected = flags & DISCONNECTED != 0;
            let reason = if disconnected { CancelReason::Disconnected } else { CancelReason::DeadMansSwitch };
            self.cancel_whole(handle, reason);
        }
        elsewhere
    }
}
