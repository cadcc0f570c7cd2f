//! What is to be sent: a list of actions of traders, recorded at a real exchange or generated from a seed, together with
//! the venue that they need.
//!
//! Files are told apart by their first line and may be compressed with xz. Orders are numbered densely in the order of
//! their appearance; [`Flow::order_names`] has their numbers in the recording.

mod aapl;
mod bitstamp;
pub mod expected;
pub mod generator;
mod keep;
mod shanghai;
mod table;
mod venue;

pub use generator::GeneratorOptions;
pub use keep::{Kept, keep_to_recording};
pub use venue::Venue;

use crate::domain::{InstrumentId, OrderPrice, Side, TimeInForce};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// An order of a flow: its place in [`Flow::order_names`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderIndex(pub u32);

/// A session of a flow: its place among all logins of the venue's accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionIndex(pub u16);

/// One thing that a trader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowAction {
    /// When, nanoseconds on the flow's own clock; never less than the action before.
    pub at_ns: u64,
    /// With which order.
    pub order: OrderIndex,
    /// Through which session: the same for all actions of an order.
    pub session: SessionIndex,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// What.
    pub kind: ActionKind,
}

/// What a trader does with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Enters it.
    New {
        /// Buy or sell.
        side: Side,
        /// The limit.
        price: OrderPrice,
        /// Lots.
        quantity: u32,
        /// What becomes of a remainder.
        time_in_force: TimeInForce,
    },
    /// Takes some of it back.
    Reduce {
        /// Lots.
        by: u32,
    },
    /// Takes all of it back that is left.
    Cancel,
    /// Gives it another price and total.
    Replace {
        /// The new limit.
        price: OrderPrice,
        /// The new total, lots, with what has executed.
        total: u32,
    },
}

/// Actions of a recording that are not played, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Why.
    pub reason: &'static str,
    /// How many.
    pub actions: u64,
}

/// A flow with the venue that it needs.
#[derive(Clone, Debug)]
pub struct Flow {
    /// What it is, for people.
    pub name: String,
    /// Assets, instruments and accounts.
    pub venue: Venue,
    /// What happens, in order.
    pub actions: Vec<FlowAction>,
    /// The number of every order in the recording.
    pub order_names: Vec<u64>,
    /// Rows of the recording, left-out ones among them.
    pub rows: u64,
    /// Of these, rows that build up the book before the first event and clear it after the last one.
    pub rows_around: u64,
    /// What is not played of it.
    pub left_out: Vec<LeftOut>,
}

impl Flow {
    /// Reads a recording. Orders are dealt to `sessions` sessions in turn; with one, the recorded order of actions can
    /// be kept at full speed.
    ///
    /// # Errors
    /// When the file cannot be read, its first line is none that is known, or a row is not what that line announces.
    pub fn load(path: &Path, sessions: u16) -> Result<Self, FlowError> {
        let text = table::read_text(path)?;
        let header = text.lines().next().unwrap_or_default();
        let source = table::Source { path, text: &text };
        let mut flow = match header.trim_end() {
            aapl::HEADER => aapl::load(&source),
            bitstamp::HEADER => bitstamp::load(&source),
            shanghai::HEADER => shanghai::load(&source),
            _ => Err(FlowError::UnknownHeader { path: path.to_owned(), header: header.to_owned() }),
        }?;
        flow.deal(sessions.max(1));
        Ok(flow)
    }

    /// Leaves only the first `actions` actions.
    pub fn truncate(&mut self, actions: usize) {
        self.actions.truncate(actions);
    }

    fn deal(&mut self, sessions: u16) {
        self.venue.open_accounts(sessions);
        for action in &mut self.actions {
            action.session = SessionIndex((action.order.0 % u32::from(sessions)) as u16);
        }
    }
}

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The first line is not that of a known format.
    #[error("{}: no known order flow begins with {header:?}", path.display())]
    UnknownHeader {
        /// Which file.
        path: PathBuf,
        /// Its first line.
        header: String,
    },
    /// A row is not what the first line announces.
    #[error("{}, line {line}: {problem}", path.display())]
    Row {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// Gathers actions while a recording is read.
#[derive(Debug, Default)]
struct Recorder {
    actions: Vec<FlowAction>,
    order_names: Vec<u64>,
    /// Orders that may still be changed, by their numbers in the recording.
    known: HashMap<u64, OrderIndex>,
    left_out: Vec<LeftOut>,
    rows: u64,
    rows_around: u64,
    last_ns: u64,
}

impl Recorder {
    fn enter(&mut self, at_ns: u64, name: u64, kind: ActionKind) {
        let order = OrderIndex(self.order_names.len() as u32);
        self.order_names.push(name);
        self.known.insert(name, order);
        self.push(at_ns, order, kind);
    }

    /// An action of an order that was entered before; `false` when it was not.
    fn change(&mut self, at_ns: u64, name: u64, kind: ActionKind) -> bool {
        let Some(order) = self.known.get(&name).copied() else { return false };
        self.push(at_ns, order, kind);
        true
    }

    fn push(&mut self, at_ns: u64, order: OrderIndex, kind: ActionKind) {
        // A recording's clock may step back by a little where two of its sources meet.
        self.last_ns = self.last_ns.max(at_ns);
        let (session, instrument) = (SessionIndex(0), InstrumentId(0));
        self.actions.push(FlowAction { at_ns: self.last_ns, order, session, instrument, kind });
    }

    fn leave_out(&mut self, reason: &'static str) {
        match self.left_out.iter_mut().find(|entry| entry.reason == reason) {
            Some(entry) => entry.actions += 1,
            None => self.left_out.push(LeftOut { reason, actions: 1 }),
        }
    }

    fn flow(self, name: impl fmt::Display, venue: Venue) -> Flow {
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
