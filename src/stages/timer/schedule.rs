//! When the phases of instruments and the session change, by the time of day.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::domain::{InstrumentId, Phase, Symbol};
use crate::runtime::UnixNanos;
use crate::wire::soup::SessionId;

const SECOND_NS: u64 = 1_000_000_000;
const DAY_S: u64 = 86_400;

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
    pub(super) fn at_or_before(&self, now_s: u64) -> u64 {
        let second = u64::from(self.second_of_day);
        let today = now_s / DAY_S * DAY_S + second;
        if today <= now_s { today } else { today.saturating_sub(DAY_S) }
    }

    /// When the first session ends after the start of the engine.
    pub(super) fn first(&self, now_s: u64) -> u64 {
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
    pub(super) fn at(&self, now_s: u64) -> Option<Phase> {
        let today = now_s / DAY_S;
        (0..=7).map_while(|back| today.checked_sub(back)).find_map(|day| {
            let begun = self.on(day).filter(|(at_s, _)| *at_s <= now_s);
            begun.max_by_key(|(at_s, _)| *at_s).map(|(_, phase)| phase)
        })
    }

    /// The next entry after this second, and its time.
    pub(super) fn after(&self, now_s: u64) -> Option<(u64, Phase)> {
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

/// Whether the schedule changes an instrument's phase when the engine starts. Only an operator ends a halt; an
/// interruption ends by itself; a delisted instrument stays delisted.
pub(super) fn moves_at_start(found: Phase, due: Phase) -> bool {
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
