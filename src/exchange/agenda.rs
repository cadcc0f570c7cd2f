//! The remaining work of a command: it is done in parts that touch a bounded number of orders (docs/RULES.md, "Parts").
//!
//! A command that touches many orders stores the rest of its work here as tasks with a cursor, the next task last, and
//! continues in the next part. All parts of a command are done before the next command begins, so no other command sees
//! an intermediate state.

#![deny(clippy::wildcard_enum_match_arm)]

use super::sink::EventSink;
use super::state::Exchange;
use super::task::Task;
use crate::domain::{AccountId, Command, Stamp};

/// Whether a command is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// It is done; the next command may begin.
    Done,
    /// It has another part: [`Exchange::proceed`].
    More,
}

impl Exchange {
    /// Begins a command: does what is due at the stamp's time, then executes or refuses the command, and passes the
    /// resulting events to `events` (docs/RULES.md, "What a command does"). The previous command must be done.
    ///
    /// # Panics
    /// If the previous command is not done.
    pub fn begin(&mut self, stamp: Stamp, command: &Command, events: &mut impl EventSink) -> Progress {
        assert!(self.agenda.is_empty(), "the command before this one is not done");
        self.shared.touched = 0;
        self.shared.looks_left = self.shared.limits.orders_touched_max;
        self.shared.now = stamp.time;
        if stamp.time.0 >= self.shared.due.next {
            return self.begin_with_due(stamp, command, events);
        }
        self.perform(stamp, command, events);
        if self.agenda.is_empty() && self.shared.moved.is_empty() {
            return Progress::Done;
        }
        self.agenda.push_last(Task::Release);
        self.work_off(events)
    }

    /// Does the next part of a command.
    pub fn proceed(&mut self, events: &mut impl EventSink) -> Progress {
        self.shared.touched = 0;
        self.work_off(events)
    }

    /// Does a whole command: all its parts in sequence.
    pub fn apply(&mut self, stamp: Stamp, command: &Command, events: &mut impl EventSink) {
        let mut progress = self.begin(stamp, command, events);
        while progress == Progress::More {
            progress = self.proceed(events);
        }
    }

    /// The number of orders that the last part touched.
    pub fn touched(&self) -> u32 {
        self.shared.touched
    }

    #[cold]
    fn begin_with_due(&mut self, stamp: Stamp, command: &Command, events: &mut impl EventSink) -> Progress {
        // Trades from here on belong to the new day.
        let is_new_day = self.begin_day();
        self.agenda.push(Task::Perform(stamp, *command));
        self.agenda.push(Task::NextDue);
        if is_new_day {
            self.agenda.push(Task::FindTiers(AccountId(0)));
        }
        self.agenda.push(Task::Release);
        self.agenda.push(Task::EndInterruptions);
        self.agenda.push(Task::Switches);
        self.agenda.push(Task::Expire);
        self.agenda.push(Task::ExpireContracts);
        self.work_off(events)
    }

    /// Does tasks until none is left or the part has touched the most orders allowed.
    fn work_off(&mut self, events: &mut impl EventSink) -> Progress {
        while let Some(task) = self.agenda.tasks.pop() {
            if !self.may_begin(&task) {
                self.agenda.push(task);
                return Progress::More;
            }
            match task {
                Task::Expire => self.expire(events),
                Task::Switches => self.switches_due(),
                Task::EndInterruptions => self.end_interruptions(),
                Task::FindTiers(next) => self.find_tiers(next, events),
                Task::NextDue => self.next_due(),
                Task::Perform(stamp, command) => {
                    // Work that was due earlier does not count for this command.
                    self.shared.looks_left = self.shared.limits.orders_touched_max;
                    self.perform(stamp, &command, events);
                    self.agenda.push_last(Task::Release);
                }
                Task::Release => self.release_moved(events),
                Task::Indicate(from) => self.indicate(from),
                Task::FindPrice(search) => self.find_price(search, events),
                Task::TradeAt(round) => self.trade_at(round, events),
                Task::BeginPhase(instrument, phase) => self.begin_phase(instrument, phase, events),
                Task::CancelDue(instrument, login) => self.cancel_due(instrument, login, events),
                Task::Sweep(sweep) => self.sweep(sweep, events),
                Task::Roll(roll) => self.roll(roll, events),
                Task::Sample => self.sample(events),
                Task::CancelOutside(instrument) => self.cancel_outside(instrument, events),
                Task::Fund => self.fund(events),
                Task::ExpireContracts => self.expire_contracts(),
                Task::FindSettlement(instrument) => self.find_settlement(instrument, events),
                Task::ChargeAll(instrument) => self.charge_all(instrument, events),
                Task::Settle(settling) => self.settle(settling, events),
            }
        }
        Progress::Done
    }

    /// Whether the present part may continue with a task. A task that may touch as many orders as a whole part does not
    /// start in a part that has already touched many, so that no part exceeds the limit by much.
    fn may_begin(&self, task: &Task) -> bool {
        let limit = self.shared.limits.orders_touched_max;
        match task {
            Task::Perform(..) | Task::Release | Task::Fund => self.shared.touched <= limit / 16,
            Task::Expire
            | Task::Switches
            | Task::EndInterruptions
            | Task::FindTiers(_)
            | Task::NextDue
            | Task::Indicate(_)
            | Task::FindPrice(_)
            | Task::TradeAt(_)
            | Task::BeginPhase(..)
            | Task::CancelDue(..)
            | Task::Sweep(_)
            | Task::Roll(_)
            | Task::CancelOutside(_)
            | Task::ExpireContracts
            | Task::FindSettlement(_)
            | Task::ChargeAll(_)
            | Task::Settle(_)
            | Task::Sample => self.shared.touched < limit,
        }
    }
}
