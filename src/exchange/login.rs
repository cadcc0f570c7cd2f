//! A trading login.

use crate::domain::{AccountId, OrderLimits, Switch, Timestamp, UserRef};

/// A trading login as the exchange knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account that its orders are for.
    pub account: AccountId,
    /// Its session, never below that of the venue; the first is 0.
    pub session: u32,
    /// The highest client number it has used in this session.
    pub last_user_ref: UserRef,
    /// The highest number that any shard may have used up; 0 if there is one shard.
    pub(super) seen_user_ref: UserRef,
    /// When its dead-man's switch cancels its orders; 0: it is off.
    pub cancel_at: Timestamp,
    /// Off: its new orders and replaces are refused.
    pub order_entry: Switch,
    /// Whether a new order of it may need a check: order entry that is off, limits, numbers of an earlier session,
    /// or a number that came before. Conservative: false only if no check applies. A stale true costs one lookup.
    pub(super) is_restricted: bool,
    /// Whether an order of an earlier session may still have one of its numbers.
    pub(super) has_old_numbers: bool,
    /// Its limits, if it has any.
    pub(super) limits: Option<Box<OrderLimits>>,
}

impl Login {
    pub(super) fn new(account: AccountId, session: u32) -> Self {
        Self {
            account,
            session,
            last_user_ref: UserRef(0),
            seen_user_ref: UserRef(0),
            cancel_at: Timestamp(0),
            order_entry: Switch::On,
            is_restricted: false,
            has_old_numbers: false,
            limits: None,
        }
    }

    /// The limits of its orders, over all instruments, if any.
    pub fn limits(&self) -> Option<&OrderLimits> {
        self.limits.as_deref()
    }

    /// Whether any setting differs from that of a new login.
    pub(super) fn has_settings(&self) -> bool {
        self.cancel_at != Timestamp(0) || self.order_entry == Switch::Off || self.limits.is_some()
    }

    /// Notes that an order of an earlier session has one of its numbers.
    #[cold]
    pub(super) fn note_old_number(&mut self) {
        self.has_old_numbers = true;
        self.restrict();
    }

    /// Determines again whether new orders need any checks.
    pub(super) fn restrict(&mut self) {
        self.is_restricted = self.order_entry == Switch::Off || self.has_old_numbers || self.limits.is_some();
    }
}
