//! The timer: creates the commands that time triggers.
//!
//! It requests a [`ClockCommand::Tick`] at every multiple of its interval, so that timed actions happen even if no
//! client sends anything. It sets the phases of instruments by their schedules, and ends the session at its time of
//! day. It only sends commands: the exchange decides what they do, and the stamp's time counts. It runs on another
//! agent's thread and never waits; between two due times a duty cycle only reads the clock. Its commands can be late by as
//! long as that thread sleeps.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::domain::{AdminCommand, ClockCommand, Command, InstrumentId, Phase, Symbol, VenueCommand};
use crate::ring::{CursorReader, Producer};
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal, UnixNanos, WallClock};
use crate::wire::soup::SessionId;
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
}

/// When the session ends and the next begins, once a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll {
    /// Seconds since midnight UTC.
    pub second_of_day: u32,
    /// When the recovered session began. If its end was missed, the session ends at the start.
    pub began: UnixNanos,
    /// The id of the venue's first session.
    pub first: SessionId,
}

impl Roll {
    /// The last time of the roll at or before this second (since 1970).
    fn at_or_before(&self, now_s: u64) -> u64 {
        let second = u64::from(self.second_of_day);
        let today = now_s / DAY_S * DAY_S + second;
        if today <= now_s { today } else { today.saturating_sub(DAY_S) }
    }

    /// When the first session ends after the start of the engine.
    fn first(&self, now_s: u64) -> u64 {
        let last = self.at_or_before(now_s);
        if self.began.0 < last.saturating_mul(SECOND_NS) { last } else { last + DAY_S }
    }
}

/// The schedule of one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub instrument: InstrumentId,
    /// Its symbol, for the log.
    pub symbol: Symbol,
    /// Its phase after recovery.
    pub found: Phase,
    /// In no order.
    pub entries: Vec<ScheduleEntry>,
}

/// Sets a phase at this time of day, on these days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleEntry {
    /// Seconds since midnight UTC.
    pub second_of_day: u32,
    /// Bit 0 is Monday.
    pub days: u8,
    pub phase: Phase,
}

impl Schedule {
    /// The phase at this second (since 1970); `None` if no entry applied in the week before.
    fn at(&self, now_s: u64) -> Option<Phase> {
        let today = now_s / DAY_S;
        (0..=7).map_while(|back| today.checked_sub(back)).find_map(|day| {
            let begun = self.on(day).filter(|(at_s, _)| *at_s <= now_s);
            begun.max_by_key(|(at_s, _)| *at_s).map(|(_, phase)| phase)
        })
    }

    /// The next entry after this second, and its time.
    fn after(&self, now_s: u64) -> Option<(u64, Phase)> {
        let today = now_s / DAY_S;
        (today..=today + 7)
            .find_map(|day| self.on(day).filter(|(at_s, _)| *at_s > now_s).min_by_key(|(at_s, _)| *at_s))
    }

    /// The entries of this day (since 1970), each with its second.
    fn on(&self, day: u64) -> impl Iterator<Item = (u64, Phase)> + '_ {
        // The first day of 1970 was a Thursday.
        let weekday = (day + 3) % 7;
        let today = self.entries.iter().filter(move |entry| entry.days >> weekday & 1 == 1);
        today.map(move |entry| (day * DAY_S + u64::from(entry.second_of_day), entry.phase))
    }
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
    next_tick_ns: u64,
    roll: Option<Roll>,
    /// When the session ends, seconds since 1970.
    next_roll_s: u64,
    /// Nothing is due before this.
    idle_until: UnixNanos,
    ticks: Counter,
    phases: Counter,
    rolls: Counter,
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
            schedules: settings.schedules,
            control: TimerControl::default(),
            opening: None,
            next_tick_ns: u64::MAX,
            roll: settings.roll,
            next_roll_s: u64::MAX,
            idle_until: UnixNanos(0),
            ticks: counters.register("timer.ticks", "commands"),
            phases: counters.register("timer.phases", "commands"),
            rolls: counters.register("timer.rolls", "commands"),
        }
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
        let Some(interval) = self.tick_interval_ns else { return u64::MAX };
        (now.0 / interval).saturating_add(1).saturating_mul(interval)
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
        while let Some((at, phase)) = self.opening.as_ref().and_then(|opening| opening.front().copied()) {
            if !self.set_phase(at, phase) {
                return (work, false);
            }
            self.opening.as_mut().and_then(VecDeque::pop_front);
            work += 1;
        }
        while let Some((at, at_s, phase)) = self.next_phase().filter(|(_, at_s, _)| *at_s <= now_s) {
            let is_late = now_s - at_s > CATCH_UP_S;
            let phase = if is_late { self.schedules[at].at(now_s).unwrap_or(phase) } else { phase };
            if !self.set_phase(at, phase) {
                return (work, false);
            }
            self.next[at] = self.schedules[at].after(if is_late { now_s } else { at_s });
            work += 1;
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
    fn set_phase(&mut self, schedule: usize, phase: Phase) -> bool {
        let Schedule { instrument, symbol, .. } = self.schedules[schedule];
        if self.ports.commands.try_push(Command::Admin(AdminCommand::SetPhase { instrument, phase })).is_err()
        {
            return false;
        }
        tracing::info!("{symbol}: phase {} by its schedule", phase.word());
        self.phases.add(1);
        true
    }
}

/// Whether the schedule changes an instrument's phase when the engine starts. Only an operator ends a halt; an
/// interruption ends by itself; a delisted instrument stays delisted.
fn moves_at_start(found: Phase, due: Phase) -> bool {
    match found {
        Phase::Halted | Phase::CancelOnly | Phase::Delisted => false,
        Phase::VolatilityAuction => due != Phase::Continuous,
        Phase::Closed
        | Phase::PreOpen
        | Phase::OpeningAuction
        | Phase::Continuous
        | Phase::ClosingAuction => found != due,
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
            self.idle_until = UnixNanos(self.next_tick_ns.min(phase_ns).min(roll_ns));
        }
        if work > 0 {
            self.ports.downstream.iter().for_each(Doorbell::ring);
        }
        Ok(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEKDAYS: u8 = 0b1_1111;

    fn entry(hour: u32, days: u8, phase: Phase) -> ScheduleEntry {
        ScheduleEntry { second_of_day: hour * 3_600, days, phase }
    }

    fn schedule(entries: Vec<ScheduleEntry>) -> Schedule {
        Schedule { instrument: InstrumentId(0), symbol: Symbol::default(), found: Phase::Closed, entries }
    }

    /// An hour of a day counted from Monday, 5 January 1970.
    fn hour(day: u64, hour: u64) -> u64 {
        (4 + day) * DAY_S + hour * 3_600
    }

    #[test]
    fn a_schedule_knows_its_week() {
        let of = schedule(vec![
            entry(16, WEEKDAYS, Phase::Closed),
            entry(8, WEEKDAYS, Phase::Continuous),
            entry(12, 1 << 5, Phase::PreOpen),
        ]);
        for (now, phase) in [
            ((0, 7), Phase::PreOpen),
            ((0, 8), Phase::Continuous),
            ((0, 15), Phase::Continuous),
            ((0, 16), Phase::Closed),
            ((1, 3), Phase::Closed),
            ((4, 20), Phase::Closed),
            ((5, 12), Phase::PreOpen),
            ((6, 12), Phase::PreOpen),
            ((7, 9), Phase::Continuous),
        ] {
            assert_eq!(of.at(hour(now.0, now.1)), Some(phase), "day {} at {}", now.0, now.1);
        }
        assert_eq!(of.after(hour(0, 7)), Some((hour(0, 8), Phase::Continuous)));
        assert_eq!(of.after(hour(0, 8)), Some((hour(0, 16), Phase::Closed)), "after, not at");
        assert_eq!(of.after(hour(0, 16)), Some((hour(1, 8), Phase::Continuous)), "across midnight");
        assert_eq!(of.after(hour(4, 16)), Some((hour(5, 12), Phase::PreOpen)));
        assert_eq!(of.after(hour(5, 12)), Some((hour(7, 8), Phase::Continuous)), "across the week");
        let weekly = schedule(vec![entry(8, 1, Phase::Continuous)]);
        assert_eq!(weekly.at(hour(7, 7)), Some(Phase::Continuous), "a week ago");
        assert_eq!(weekly.after(hour(0, 8)), Some((hour(7, 8), Phase::Continuous)));
        assert_eq!(schedule(Vec::new()).at(hour(0, 0)), None);
        assert_eq!(schedule(Vec::new()).after(hour(0, 0)), None);
    }
}
