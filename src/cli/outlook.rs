//! Reports what a data directory lacks and what a start would do, in the same words for every command.

use super::replay_bar::ReplayBar;
use super::show::{count, thousands};
use crate::config::Config;
use crate::engine::{StartError, rehearse};
use crate::recovery::{DataDir, Missing, RecoveryError, Rehearsed};
use crate::runtime::{SystemClocks, WallClock};
use dojima_journal::Verdict;
use std::ops::RangeInclusive;

/// The expected result of a start, as far as it can be tried without writing.
pub enum Outlook {
    /// The start would succeed.
    Starts(Box<Rehearsed>),
    /// The start would fail with this error.
    Refused(Box<StartError>),
    /// The start was not tried, for this reason.
    NotTried(String),
}

impl Outlook {
    /// Tries a start with this configuration, unless an engine holds the directory.
    pub fn of(config: &Config, data: &DataDir) -> Self {
        match data.is_held() {
            Ok(false) => {}
            Ok(true) => return Self::NotTried("an engine runs on the directory".to_owned()),
            Err(error) => {
                let why = format!(
                    "cannot tell whether an engine runs on the directory, because its lock cannot be checked: {error}"
                );
                return Self::NotTried(why);
            }
        }
        let bar = ReplayBar::new();
        let now = SystemClocks::new().time();
        match rehearse(config, data, now, &mut |progress| bar.show(progress)) {
            Ok(rehearsed) => Self::Starts(Box::new(rehearsed)),
            Err(error) => Self::Refused(Box::new(error)),
        }
    }

    /// If other files prove that the journal once had later commands, so the journal is incomplete: the description.
    pub fn cut_short(&self) -> Option<String> {
        let Self::Refused(error) = self else { return None };
        match error.as_ref() {
            StartError::Recovery(
                RecoveryError::JournalBehindSnapshot { last, .. } | RecoveryError::JournalCut { last, .. },
            ) => Some(format!(
                "not complete: it ends at command {}, and acknowledged commands after that are missing",
                thousands(*last)
            )),
            _ => None,
        }
    }

    /// The description for users.
    pub fn words(&self) -> String {
        match self {
            Self::Starts(rehearsed) => starts(rehearsed),
            Self::Refused(error) => refused(error),
            Self::NotTried(why) => format!("not tried: {why}"),
        }
    }

    /// The position of the snapshot from which a start would begin; `None` if it would begin at the first command, or fail.
    pub fn snapshot(&self) -> Option<u64> {
        match self {
            Self::Starts(rehearsed) => rehearsed.report.snapshot.as_ref().map(|info| info.position),
            Self::Refused(_) | Self::NotTried(_) => None,
        }
    }
}

fn starts(rehearsed: &Rehearsed) -> String {
    let report = &rehearsed.report;
    let mut words = match &rehearsed.clock {
        Some(clock) => {
            format!("refuses to start (exit code 1) unless the clock is accepted: {clock}. Then it ")
        }
        None => String::new(),
    };
    if let Verdict::TornTail { file, offset, .. } = &report.verdict {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        words += &format!("cuts the journal at byte {offset} of {name} and goes on from there: it ");
    }
    words += &match (&report.snapshot, report.opening_commands) {
        (Some(snapshot), _) => format!(
            "starts from the snapshot of command {} and replays {}",
            thousands(snapshot.position),
            count(report.commands, "command")
        ),
        (None, 0) => {
            format!("starts from the first command and replays {}", count(report.commands, "command"))
        }
        (None, opening) => format!("opens the venue with {}", count(opening, "command")),
    };
    for skipped in &report.skipped {
        words += &format!(
            "; passes over the snapshot of command {}: {}",
            thousands(skipped.position),
            skipped.why
        );
    }
    if report.opening_commands == 0 && report.events_logged > 0 {
        words += &format!("; adds {} to the event log", count(report.events_logged, "event"));
    }
    if report.events_cut > 0 {
        words += &format!("; cuts {} from the event log", count(report.events_cut, "event"));
    }
    words
}

fn refused(error: &StartError) -> String {
    let unchanged = match error {
        StartError::Recovery(_) => " and changes nothing",
        _ => "",
    };
    format!("refuses to start (exit code {}){unchanged}: {error}", error.exit_code())
}

/// The missing records, such as `commands 1 to 15,020 (0000000001.seg)`; `noun` names one record.
pub fn missing(missing: &Missing, noun: &str) -> String {
    let records = match (missing.records.start(), missing.records.end()) {
        (first, last) if first == last => format!("{noun} {first}"),
        (first, last) => format!("{noun}s {} to {}", thousands(*first), thousands(*last)),
    };
    match segments(&missing.segments) {
        Some(files) => format!("{records} ({files})"),
        None => records,
    }
}

fn segments(numbers: &RangeInclusive<u64>) -> Option<String> {
    let name = |number: &u64| format!("{number:010}.seg");
    match (numbers.start(), numbers.end()) {
        _ if numbers.is_empty() => None,
        (first, last) if first == last => Some(name(first)),
        (first, last) => Some(format!("{} to {}", name(first), name(last))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_files() {
        let words = |segments, records| missing(&Missing { segments, records }, "command");
        assert_eq!(words(1..=1, 1..=15_020), "commands 1 to 15,020 (0000000001.seg)");
        assert_eq!(words(1..=3, 1..=20_000), "commands 1 to 20,000 (0000000001.seg to 0000000003.seg)");
        assert_eq!(words(1..=1, 1..=1), "command 1 (0000000001.seg)");
        assert_eq!(words(RangeInclusive::new(1, 0), 1..=9), "commands 1 to 9");
    }
}
