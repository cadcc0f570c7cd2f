//! A flow, and its construction from the rows of a recording.

use super::actions::{ActionKind, FlowAction, OrderIndex, SessionIndex};
use super::venue::Venue;
use crate::domain::InstrumentId;
use std::collections::HashMap;
use std::fmt;

/// Actions of a recording that are not played, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub reason: &'static str,
    pub actions: u64,
}

/// A flow with the venue that it needs.
#[derive(Clone, Debug)]
pub struct Flow {
    /// A description for display.
    pub name: String,
    /// Assets, instruments and accounts.
    pub venue: Venue,
    /// The actions in order.
    pub actions: Vec<FlowAction>,
    /// The number of each order in the recording.
    pub order_names: Vec<u64>,
    /// Rows of the recording, including those left out.
    pub rows: u64,
    /// Rows that build up the book before the first event or clear it after the last one.
    pub rows_around: u64,
    /// The actions that are not played.
    pub left_out: Vec<LeftOut>,
}

impl Flow {
    /// Keeps only the first `actions` actions.
    pub fn truncate(&mut self, actions: usize) {
        self.actions.truncate(actions);
    }

    pub(super) fn deal(&mut self, sessions: u16) {
        self.venue.open_accounts(sessions);
        for action in &mut self.actions {
            action.session = SessionIndex((action.order.0 % u32::from(sessions)) as u16);
        }
    }
}

/// Collects actions while a recording is read.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    actions: Vec<FlowAction>,
    order_names: Vec<u64>,
    /// Orders that may still change, by their numbers in the recording.
    known: HashMap<u64, OrderIndex>,
    left_out: Vec<LeftOut>,
    pub(super) rows: u64,
    pub(super) rows_around: u64,
    last_ns: u64,
}

impl Recorder {
    pub(super) fn enter(&mut self, at_ns: u64, name: u64, kind: ActionKind) {
        let order = OrderIndex(self.order_names.len() as u32);
        self.order_names.push(name);
        self.known.insert(name, order);
        self.push(at_ns, order, kind);
    }

    /// Adds an action of an order that was entered before; returns `false` if it was not.
    pub(super) fn change(&mut self, at_ns: u64, name: u64, kind: ActionKind) -> bool {
        let Some(order) = self.known.get(&name).copied() else { return false };
        self.push(at_ns, order, kind);
        true
    }

    fn push(&mut self, at_ns: u64, order: OrderIndex, kind: ActionKind) {
        // A recording's clock may step back slightly where two of its sources meet.
        self.last_ns = self.last_ns.max(at_ns);
        let (session, instrument) = (SessionIndex(0), InstrumentId(0));
        self.actions.push(FlowAction { at_ns: self.last_ns, order, session, instrument, kind });
    }

    pub(super) fn leave_out(&mut self, reason: &'static str) {
        match self.left_out.iter_mut().find(|entry| entry.reason == reason) {
            Some(entry) => entry.actions += 1,
            None => self.left_out.push(LeftOut { reason, actions: 1 }),
        }
    }

    pub(super) fn flow(self, name: impl fmt::Display, venue: Venue) -> Flow {
        Flow {
            name: name.to_string(),
            venue,
            actions: self.actions,
            order_names: self.order_names,
            rows: self.rows,
            rows_around: self.rows_around,
            left_out: self.left_out,
        }
    }
}
