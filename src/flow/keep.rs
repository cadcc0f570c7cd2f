//! Keeps the book of a replay equal to the recorded book.
//!
//! A recorded exchange has orders that its feed does not show. An aggressive order that met such an order trades
//! differently than price-time priority predicts. In a plain replay every such case also affects later orders, because the
//! books differ from then on. This module restores the book after each such order: it cancels and re-enters the orders of
//! the price levels that differ. So each aggressive order is tested against the book that it really met.

use super::actions::{ActionKind, FlowAction, OrderIndex, SessionIndex};
use super::expected::NamedTrade;
use super::recording::Flow;
use crate::domain::{InstrumentId, OrderPrice, Side, TimeInForce};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// The result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Aggressive orders after which the book had to be restored.
    pub mismatches: usize,
    /// Actions that were added for this.
    pub added: usize,
}

/// Adds actions to a flow of one instrument and one session that restore its book to the recorded one. `expected` are the
/// trades of the recording.
///
/// The flow's immediate-or-cancel orders are the aggressive orders; all others rest unchanged.
pub fn keep_to_recording(flow: &mut Flow, expected: &[NamedTrade]) -> Kept {
    let mut by_aggressor = HashMap::<u64, Vec<NamedTrade>>::new();
    for trade in expected {
        by_aggressor.entry(trade.aggressor).or_default().push(*trade);
    }
    let recorded = std::mem::take(&mut flow.actions);
    let mut keeper = Keeper { names: std::mem::take(&mut flow.order_names), ..Keeper::default() };
    keeper.now = keeper.names.iter().enumerate().map(|(at, name)| (*name, OrderIndex(at as u32))).collect();
    let rows = recorded.len();
    let mut mismatches = 0;
    for action in recorded {
        let name = keeper.names[action.order.0 as usize];
        match action.kind {
            ActionKind::New { side, price: OrderPrice::Limit(price), quantity, time_in_force } => {
                keeper.actions.push(action);
                let price = price.unsigned_abs();
                if time_in_force == TimeInForce::GoodTillCancel {
                    keeper.book.rest(name, side, price, quantity);
                    continue;
                }
                let predicted = keeper.book.predict(name, side, price, quantity);
                let really = by_aggressor.remove(&name).unwrap_or_default();
                let differs = predicted != really;
                let touched = if differs { keeper.levels_of(&predicted, &really) } else { BTreeSet::new() };
                let before: Vec<_> =
                    touched.iter().map(|level| (*level, keeper.book.level(*level))).collect();
                really.iter().for_each(|trade| keeper.book.take(trade.resting, trade.quantity));
                mismatches += usize::from(differs);
                for (level, engine) in before {
                    keeper.set_back(action.at_ns, level, after(engine, &predicted));
                }
            }
            ActionKind::Reduce { by } => {
                keeper.change(action, name);
                keeper.book.take(name, by);
            }
            ActionKind::Cancel => {
                keeper.change(action, name);
                keeper.book.take(name, u32::MAX);
            }
            ActionKind::New { .. } | ActionKind::Replace { .. } => keeper.actions.push(action),
        }
    }
    let added = keeper.actions.len() - rows;
    (flow.actions, flow.order_names) = (keeper.actions, keeper.names);
    Kept { mismatches, added }
}

/// A side and a price.
type Level = (Side, u64);
/// The orders at one price in time priority: recorded number and open lots.
type Queue = VecDeque<(u64, u32)>;

#[derive(Default)]
struct Keeper {
    actions: Vec<FlowAction>,
    names: Vec<u64>,
    /// The order that currently represents each recorded order.
    now: HashMap<u64, OrderIndex>,
    book: Book,
}

impl Keeper {
    /// Applies a change of a recorded order to the order that currently represents it.
    fn change(&mut self, action: FlowAction, name: u64) {
        self.actions.push(FlowAction { order: self.now[&name], ..action });
    }

    fn levels_of(&self, predicted: &[NamedTrade], really: &[NamedTrade]) -> BTreeSet<Level> {
        predicted
            .iter()
            .chain(really)
            .filter_map(|trade| self.book.whereabouts.get(&trade.resting).copied())
            .collect()
    }

    /// Unless a level is equal in both books, cancels the engine's orders there and enters those of the recording.
    fn set_back(&mut self, at_ns: u64, (side, price): Level, engine: Queue) {
        let recorded = self.book.level((side, price));
        if engine == recorded {
            return;
        }
        for (name, _) in engine {
            self.push(at_ns, self.now[&name], ActionKind::Cancel);
        }
        for (name, quantity) in recorded {
            let order = OrderIndex(self.names.len() as u32);
            self.names.push(name);
            self.now.insert(name, order);
            let time_in_force = TimeInForce::GoodTillCancel;
            let price = OrderPrice::Limit(price as i64);
            self.push(at_ns, order, ActionKind::New { side, price, quantity, time_in_force });
        }
    }

    fn push(&mut self, at_ns: u64, order: OrderIndex, kind: ActionKind) {
        let (session, instrument) = (SessionIndex(0), InstrumentId(0));
        self.actions.push(FlowAction { at_ns, order, session, instrument, kind });
    }
}

/// The engine's orders at a level after the trades that it made.
fn after(mut queue: Queue, made: &[NamedTrade]) -> Queue {
    for (name, open) in &mut queue {
        let traded = made.iter().filter(|trade| trade.resting == *name).map(|trade| trade.quantity);
        *open -= traded.sum::<u64>() as u32;
    }
    queue.retain(|(_, open)| *open > 0);
    queue
}

/// The recorded book.
#[derive(Default)]
struct Book {
    levels: BTreeMap<Level, Queue>,
    whereabouts: HashMap<u64, Level>,
}

impl Book {
    fn rest(&mut self, name: u64, side: Side, price: u64, quantity: u32) {
        self.levels.entry((side, price)).or_default().push_back((name, quantity));
        self.whereabouts.insert(name, (side, price));
    }

    /// Removes lots from an order, if it is in the book.
    fn take(&mut self, name: u64, lots: impl Into<u64>) {
        let Some(level) = self.whereabouts.get(&name).copied() else { return };
        let Some(queue) = self.levels.get_mut(&level) else { return };
        let Some(at) = queue.iter().position(|(resting, _)| *resting == name) else { return };
        let open = u64::from(queue[at].1).saturating_sub(lots.into());
        queue[at].1 = open as u32;
        if open == 0 {
            queue.remove(at);
            self.whereabouts.remove(&name);
        }
        if queue.is_empty() {
            self.levels.remove(&level);
        }
    }

    fn level(&self, level: Level) -> Queue {
        self.levels.get(&level).cloned().unwrap_or_default()
    }

    /// The trades of an aggressive order under price-time priority.
    fn predict(&self, aggressor: u64, side: Side, limit: u64, quantity: u32) -> Vec<NamedTrade> {
        let mut left = quantity;
        let mut trades = Vec::new();
        let mut work = |price: u64, queue: &Queue| {
            for (resting, open) in queue {
                let lots = left.min(*open);
                if lots == 0 {
                    break;
                }
                left -= lots;
                trades.push(NamedTrade { aggressor, resting: *resting, price, quantity: u64::from(lots) });
            }
        };
        match side {
            Side::Buy => {
                let reach = (Side::Sell, 0)..=(Side::Sell, limit);
                self.levels.range(reach).for_each(|((_, price), queue)| work(*price, queue));
            }
            Side::Sell => {
                let reach = (Side::Buy, limit)..=(Side::Buy, u64::MAX);
                self.levels.range(reach).rev().for_each(|((_, price), queue)| work(*price, queue));
            }
        }
        trades
    }
}
