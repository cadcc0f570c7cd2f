//! How an agent handles transient errors (`dojima_journal::passing`): the duty cycle ends without work, and a later one
//! tries again. There is no extra sleep for it, and the agent does not end.

use super::{Counter, Counters, Fatal};
use dojima_journal::JournalError;
use std::fmt::Display;

/// The reason why a duty cycle stopped early.
#[derive(Debug)]
pub enum Halt {
    /// A transient error, with its text: the same operation is tried again later.
    Later(String),
    /// Any other error.
    Fatal(Fatal),
}

impl From<Fatal> for Halt {
    fn from(fatal: Fatal) -> Self {
        Self::Fatal(fatal)
    }
}

impl Halt {
    /// For `map_err`: an error that is not transient is converted with `fatal`.
    pub fn of(fatal: impl FnOnce(JournalError) -> Fatal) -> impl FnOnce(JournalError) -> Self {
        move |error| match error.is_passing() {
            true => Self::Later(error.to_string()),
            false => Self::Fatal(fatal(error)),
        }
    }
}

/// Counts the transient errors of one agent, and logs the first and then every thousandth in a row.
#[derive(Debug)]
pub struct Passing {
    who: &'static str,
    in_a_row: u64,
    errors: Counter,
}

/// The number of errors in a row from one log line to the next.
const TOLD_EVERY: u64 = 1_000;

impl Passing {
    /// Without errors so far. Registers the counter `WHO.passing_errors`.
    pub fn new(who: &'static str, counters: &Counters) -> Self {
        Self { who, in_a_row: 0, errors: counters.register(format!("{who}.passing_errors"), "errors") }
    }

    /// The result of a duty cycle: no work if it stopped at a transient error.
    ///
    /// # Errors
    /// An error that is not transient.
    pub fn settle(&mut self, cycle: Result<usize, Halt>) -> Result<usize, Fatal> {
        match cycle {
            Ok(work) => {
                self.over();
                Ok(work)
            }
            Err(Halt::Later(what)) => {
                self.note(&what);
                Ok(0)
            }
            Err(Halt::Fatal(fatal)) => Err(fatal),
        }
    }

    /// Counts one error.
    #[cold]
    pub fn note(&mut self, what: &dyn Display) {
        if self.in_a_row.is_multiple_of(TOLD_EVERY) {
            let (who, times) = (self.who, self.in_a_row + 1);
            tracing::warn!("{who} has to wait, and tries again; time {times} in a row: {what}");
        }
        self.in_a_row += 1;
        self.errors.add(1);
    }

    /// Ends a row of errors, because the operation succeeded.
    #[inline]
    pub fn over(&mut self) {
        if self.in_a_row > 0 {
            let (who, times) = (self.who, self.in_a_row);
            tracing::info!("{who} goes on, after {times} errors that passed");
            self.in_a_row = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_no_work_and_what_does_not_is_fatal() {
        let counters = Counters::new();
        let mut passing = Passing::new("tester", &counters);
        let of = |source: std::io::Error| JournalError::Io { action: "read", path: "file".into(), source };
        let later = || of(std::io::ErrorKind::Interrupted.into());
        for _ in 0..3 {
            assert_eq!(passing.settle(Err(Halt::of(Fatal::event_log)(later()))), Ok(0));
        }
        assert_eq!(counters.snapshot()[0].value, 3);
        assert_eq!(passing.in_a_row, 3);
        assert_eq!(passing.settle(Ok(7)), Ok(7));
        assert_eq!(passing.in_a_row, 0);
        let stays = Halt::of(Fatal::event_log)(of(std::io::ErrorKind::NotFound.into()));
        assert!(matches!(passing.settle(Err(stays)), Err(Fatal::EventLog { .. })));
    }
}
