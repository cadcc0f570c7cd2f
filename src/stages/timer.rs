//! The timer: creates the commands that time triggers.
//!
//! It requests a [`ClockCommand::Tick`] at every multiple of its interval, so that timed actions happen even if no
//! client sends anything. It sets the phases of instruments by their schedules, ends the session at its time of
//! day, and sends the prices of indexes that the configuration fixes. It only sends commands: the exchange decides what
//! they do, and the stamp's time counts. It runs on another agent's thread and never waits; between two due times a duty
//! cycle only reads the clock. Its commands can be late by as long as that thread sleeps.

#![deny(clippy::wildcard_enum_match_arm)]

mod asked;
mod fixed_index;
mod schedule;

pub use fixed_index::FixedIndex;
pub use schedule::{Roll, Schedule, ScheduleEntry};

use crate::domain::{AdminCommand, ClockCommand, Command, Phase, VenueCommand};
use crate::ring::{CursorReader, Producer};
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal, UnixNanos, WallClock};
use crate::stages::phases::PhaseAnswers;
use asked::{AskedPhase, LOOK_EVERY, Outcome};
use fixed_index::next_multiple;
use schedule::moves_at_start;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;
const DAY_S: u64 = 86_400;

/// A schedule that is behind by more than this continues from the present; its older entries have no use.
const CATCH_UP_S: u64 = DAY_S;

/// Everything that the timer is connected to.
pub struct TimerPorts {
    /// The ring for its commands.
    pub commands: Producer<Command>,
    /// The present session.
    pub session: CursorReader,
    /// Rung after publishing.
    pub downstream: Vec<Doorbell>,
}

/// What the timer does and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimerSettings {
    /// The time between two ticks; `None`: no ticks.
    pub tick_interval: Option<Duration>,
    /// The instruments with schedules.
    pub schedules: Vec<Schedule>,
    /// When sessions end; `None`: never.
    pub roll: Option<Roll>,
    /// The indexes with fixed prices.
    pub indexes: Vec<FixedIndex>,
}

/// Stops the timer before the rest of the engine, so that the engine can finish the commands it sent.
#[derive(Clone, Debug, Default)]
pub struct TimerControl(Arc<AtomicBool>);

impl TimerControl {
    /// From now on it sends no commands.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }
}

pub struct Timer {
    ports: TimerPorts,
    clock: Box<dyn WallClock>,
    tick_interval_ns: Option<u64>,
    schedules: Vec<Schedule>,
    control: TimerControl,
    /// The schedules whose phase at the start did not fit into the ring yet. `None` before the first duty cycle.
    opening: Option<VecDeque<(usize, Phase)>>,
    /// By schedule: the next entry.
    next: Vec<Option<(u64, Phase)>>,
    /// By schedule: the phase that was asked for and is not known to be set.
    asked: Vec<Option<AskedPhase>>,
    /// What becomes of phases; `None`: nobody tells.
    answers: Option<PhaseAnswers>,
    next_tick_ns: u64,
    /// The indexes with fixed prices, and by index when its next price is due, ns since 1970.
    indexes: Vec<FixedIndex>,
    next_prices: Vec<u64>,
    roll: Option<Roll>,
    /// When the session ends, seconds since 1970.
    next_roll_s: u64,
    /// Nothing is due before this.
    idle_until: UnixNanos,
    ticks: Counter,
    phases: Counter,
    rolls: Counter,
    prices: Counter,
}

impl Timer {
    /// Starts with the first duty cycle, at the clock's time then.
    pub fn new(
        ports: TimerPorts,
        settings: TimerSettings,
        clock: Box<dyn WallClock>,
        counters: &Counters,
    ) -> Self {
        let interval = settings.tick_interval.map(|interval| interval.as_nanos());
        Self {
            ports,
            clock,
            tick_interval_ns: interval.map(|nanos| u64::try_from(nanos).unwrap_or(u64::MAX).max(1)),
            next: vec![None; settings.schedules.len()],
            asked: vec![None; settings.schedules.len()],
            answers: None,
            schedules: settings.schedules,
            control: TimerControl::default(),
            opening: None,
            next_tick_ns: u64::MAX,
            // At the start, before the phases, because a contract cannot open before its index has a price.
            next_prices: vec![0; settings.indexes.len()],
            indexes: settings.indexes,
            roll: settings.roll,
            next_roll_s: u64::MAX,
            idle_until: UnixNanos(0),
            ticks: counters.register("timer.ticks", "commands"),
            phases: counters.register("timer.phases", "commands"),
            rolls: counters.register("timer.rolls", "commands"),
            prices: counters.register("timer.prices", "commands"),
        }
    }

    /// Is told what becomes of the phases; `answers` watch the instruments of the schedules, in their order. A phase that is
    /// refused because a contract has no price yet is asked for again.
    pub fn hearing(mut self, answers: PhaseAnswers) -> Self {
        self.answers = Some(answers);
        self
    }

    /// For an orderly stop.
    pub fn control(&self) -> TimerControl {
        self.control.clone()
    }

    /// Sets the instruments to their present scheduled phases, and finds the next entries.
    fn begin(&mut self, now: UnixNanos) {
        let now_s = now.0 / SECOND_NS;
        let mut opening = VecDeque::new();
        for (at, (schedule, next)) in self.schedules.iter().zip(&mut self.next).enumerate() {
            *next = schedule.after(now_s);
            let due = schedule.at(now_s).filter(|due| moves_at_start(schedule.found, *due));
            opening.extend(due.map(|phase| (at, phase)));
        }
        self.opening = Some(opening);
        self.next_roll_s = self.roll.map_or(u64::MAX, |roll| roll.first(now_s));
        self.next_tick_ns = self.tick_after(now);
    }

    fn tick_after(&self, now: UnixNanos) -> u64 {
        self.tick_interval_ns.map_or(u64::MAX, |interval| next_multiple(now, interval))
    }

    /// The schedule with the next entry, and its time; among equals the lowest instrument.
    fn next_phase(&self) -> Option<(usize, u64, Phase)> {
        let coming = self.next.iter().enumerate().filter_map(|(at, next)| {
            let (at_s, phase) = (*next)?;
            Some((at, at_s, phase))
        });
        coming.min_by_key(|(at, at_s, _)| (*at_s, self.schedules[*at].instrument))
    }

    /// Sends the commands that are due. Returns whether all of them fitted.
    fn ask(&mut self, now: UnixNanos) -> (usize, bool) {
        let now_s = now.0 / SECOND_NS;
        let mut work = 0;
        // Before the phases and the tick of the same moment, which need fresh indexes.
        for (index, next) in
            self.indexes.iter().zip(&mut self.next_prices).filter(|(_, next)| **next <= now.0)
        {
            if self.ports.commands.try_push(index.command(now)).is_err() {
                return (work, false);
            }
            *next = index.after(now);
            self.prices.add(1);
            work += 1;
        }
        while let Some((at, phase)) = self.opening.as_ref().and_then(|opening| opening.front().copied()) {
            if !self.set_phase(at, phase, now) {
                return (work, false);
            }
            self.opening.as_mut().and_then(VecDeque::pop_front);
            work += 1;
        }
        while let Some((at, at_s, phase)) = self.next_phase().filter(|(_, at_s, _)| *at_s <= now_s) {
            let is_late = now_s - at_s > CATCH_UP_S;
            let phase = if is_late { self.schedules[at].at(now_s).unwrap_or(phase) } else { phase };
            if !self.set_phase(at, phase, now) {
                return (work, false);
            }
            self.next[at] = self.schedules[at].after(if is_late { now_s } else { at_s });
            work += 1;
        }
        let (again, is_done) = self.look(now);
        work += again;
        if !is_done {
            return (work, false);
        }
        // After the phases of the same moment, which belong to the session that ends.
        if let Some(roll) = self.roll.filter(|_| self.next_roll_s <= now_s) {
            let session = u32::try_from(self.ports.session.get() + 1).unwrap_or(u32::MAX);
            if self.ports.commands.try_push(Command::Venue(VenueCommand::RollSession { session })).is_err() {
                return (work, false);
            }
            let name = roll
                .first
                .after(session)
                .map_or_else(|| format!("number {session}"), |name| name.to_string());
            tracing::info!("the session ends, and session {name} begins (gateway.roll_at)");
            self.next_roll_s = roll.at_or_before(now_s) + DAY_S;
            self.rolls.add(1);
            work += 1;
        }
        if self.next_tick_ns <= now.0 {
            if self.ports.commands.try_push(Command::Clock(ClockCommand::Tick)).is_err() {
                return (work, false);
            }
            self.next_tick_ns = self.tick_after(now);
            self.ticks.add(1);
            work += 1;
        }
        (work, true)
    }

    /// Sends a phase change for the instrument of this schedule. `false`: the ring is full.
    fn set_phase(&mut self, at: usize, phase: Phase, now: UnixNanos) -> bool {
        // What is counted before the command is sent cannot be its answer.
        let asked = self.answers.as_ref().map(|answers| AskedPhase::new(phase, at, answers, now));
        if !self.send_phase(at, phase) {
            return false;
        }
        if asked.is_none() {
            self.tell_set(at, phase);
        }
        self.asked[at] = asked;
        true
    }

    fn send_phase(&mut self, at: usize, phase: Phase) -> bool {
        let instrument = self.schedules[at].instrument;
        let set = Command::Admin(AdminCommand::SetPhase { instrument, phase });
        let fits = self.ports.commands.try_push(set).is_ok();
        self.phases.add(u64::from(fits));
        fits
    }

    fn tell_set(&self, at: usize, phase: Phase) {
        tracing::info!("{}: phase {} by its schedule", self.schedules[at].symbol, phase.word());
    }

    /// Looks what became of the phases that were asked for. Sends those again that can be set now; returns how many, and
    /// whether all of them fitted.
    fn look(&mut self, now: UnixNanos) -> (usize, bool) {
        let mut sent = 0;
        for at in 0..self.asked.len() {
            let (Some(answers), Some(asked)) = (&self.answers, &mut self.asked[at]) else { continue };
            let phase = asked.phase;
            match asked.outcome(at, answers, now) {
                Outcome::Unknown => {}
                Outcome::Set => {
                    self.asked[at] = None;
                    self.tell_set(at, phase);
                }
                Outcome::Refused => tracing::warn!(
                    "{}: phase {} by its schedule was refused, as the contract is not complete or its index has no \
                     fresh price; it is asked for again when an index has one",
                    self.schedules[at].symbol,
                    phase.word()
                ),
                Outcome::Again => {
                    let again = asked.again(at, answers, now);
                    if !self.send_phase(at, phase) {
                        return (sent, false);
                    }
                    self.asked[at] = Some(again);
                    sent += 1;
                }
            }
        }
        (sent, true)
    }
}

impl Agent for Timer {
    fn name(&self) -> &str {
        "timer"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let now = self.clock.time();
        if now < self.idle_until || self.control.0.load(Ordering::Acquire) {
            return Ok(0);
        }
        if self.opening.is_none() {
            self.begin(now);
        }
        let (work, is_done) = self.ask(now);
        if is_done {
            let phase_ns = self.next_phase().map_or(u64::MAX, |(_, at_s, _)| at_s.saturating_mul(SECOND_NS));
            let roll_ns = self.next_roll_s.saturating_mul(SECOND_NS);
            let price_ns = self.next_prices.iter().copied().min().unwrap_or(u64::MAX);
            let is_asking = self.asked.iter().any(Option::is_some);
            let look_ns = if is_asking { now.0.saturating_add(LOOK_EVERY) } else { u64::MAX };
            let due = [self.next_tick_ns, phase_ns, roll_ns, price_ns, look_ns];
            self.idle_until = UnixNanos(due.into_iter().min().unwrap_or(u64::MAX));
        }
        if work > 0 {
            self.ports.downstream.iter().for_each(Doorbell::ring);
        }
        Ok(work)
    }
}
