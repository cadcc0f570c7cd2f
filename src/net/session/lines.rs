//! Limits the log lines per user. Otherwise a user could fill the log by logging in and out.

use crate::domain::LoginName;
use crate::runtime::{Budget, Rate};
use std::collections::HashMap;

/// The rate of lines about one user.
const LINES: Rate = Rate { burst: 20, spacing: 1_000_000_000 };

/// Permission to write a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The number of lines about the same user that were left out since the last one; `None` if there were none.
    pub(super) left_out: Option<u64>,
}

/// The log lines of one user.
struct Written {
    budget: Budget,
    left_out: u64,
}

/// All users with log lines. They are users of the configuration, so their number is bounded.
#[derive(Default)]
pub(super) struct Lines(HashMap<LoginName, Written>);

impl Lines {
    /// The next line about a known user; `None` if it must be left out.
    pub(super) fn next_of(&mut self, user: LoginName, now: u64) -> Option<Line> {
        let none = || Written { budget: Budget::new(LINES), left_out: 0 };
        let written = self.0.entry(user).or_insert_with(none);
        if !written.budget.is_left(now) {
            written.left_out += 1;
            return None;
        }
        written.budget.spend(now);
        let left_out = std::mem::take(&mut written.left_out);
        Some(Line { left_out: (left_out > 0).then_some(left_out) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::soup;

    const EVERY_NS: u64 = LINES.spacing;

    #[test]
    fn a_user_has_some_lines_at_once_and_then_one_a_second() {
        let [alice, bob] = ["ALICE", "BOB"].map(|name| soup::username(name).expect("a name"));
        let mut lines = Lines::default();
        let now = 7 * EVERY_NS;
        let written =
            |lines: &mut Lines, user, now| (0..100).filter_map(|_| lines.next_of(user, now)).count();
        assert_eq!(written(&mut lines, alice, now) as u64, LINES.burst);
        assert_eq!(written(&mut lines, bob, now) as u64, LINES.burst, "each has its own");
        assert_eq!(lines.next_of(alice, now + EVERY_NS - 1), None);
        assert_eq!(lines.next_of(alice, now + EVERY_NS), Some(Line { left_out: Some(81) }));
        assert_eq!(lines.next_of(alice, now + EVERY_NS), None);
        let later = now + 1_000 * EVERY_NS;
        assert_eq!(lines.next_of(alice, later), Some(Line { left_out: Some(1) }));
        assert_eq!(lines.next_of(alice, later), Some(Line { left_out: None }));
    }
}
