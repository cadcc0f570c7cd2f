//! Checks whether the clock is plausible, by comparing the time of a start with the last stamp in the journal.

use super::error::RecoveryError;
use crate::domain::Timestamp;
use std::time::Duration;

/// How far the clock may be behind the last stamp: more than an NTP correction at a restart explains.
pub const BEHIND_MAX: Duration = Duration::from_secs(1);
/// How far the clock may be ahead of the last stamp: the longest plausible time without any command.
pub const AHEAD_MAX: Duration = Duration::from_secs(30 * 86_400);

/// What happens to a start whose clock contradicts the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImplausibleClock {
    /// It is refused.
    Refuse,
    /// It continues: an operator has checked the clock.
    Accept,
}

/// Compares the time with the last stamp; 0: there is no stamp yet, and any time is accepted.
pub(super) fn check(now: Timestamp, last: Timestamp, policy: ImplausibleClock) -> Result<(), RecoveryError> {
    let behind = Duration::from_nanos(last.0.saturating_sub(now.0));
    let ahead = Duration::from_nanos(now.0.saturating_sub(last.0));
    if last.0 == 0 || policy == ImplausibleClock::Accept || (behind <= BEHIND_MAX && ahead <= AHEAD_MAX) {
        return Ok(());
    }
    Err(RecoveryError::ImplausibleClock { now, last })
}

#[cfg(test)]
mod tests {
    use super::super::error::contradiction;
    use super::*;

    const LAST: Timestamp = Timestamp(1_800_000_000 * Timestamp::SECOND);

    #[test]
    fn the_limits_themselves_are_plausible() {
        let (behind, ahead) = (BEHIND_MAX.as_nanos() as u64, AHEAD_MAX.as_nanos() as u64);
        let cases = [
            (LAST.0 - behind - 1, false),
            (LAST.0 - behind, true),
            (LAST.0, true),
            (LAST.0 + ahead, true),
            (LAST.0 + ahead + 1, false),
            (0, false),
        ];
        for (now, is_plausible) in cases {
            let held = |policy| check(Timestamp(now), LAST, policy).is_ok();
            assert_eq!(held(ImplausibleClock::Refuse), is_plausible, "{now}");
            assert!(held(ImplausibleClock::Accept), "{now}");
            assert!(check(Timestamp(now), Timestamp(0), ImplausibleClock::Refuse).is_ok(), "a first start");
        }
    }

    #[test]
    fn both_times_and_the_difference_are_said() {
        let behind = contradiction(Timestamp(LAST.0 - 90 * Timestamp::SECOND), LAST);
        assert_eq!(
            behind,
            "the clock says 2027-01-15T07:58:30.000Z and is 1m 30s behind the last command in the journal, which was \
             stamped at 2027-01-15T08:00:00.000Z"
        );
        let ahead = contradiction(Timestamp(LAST.0 + 1_250_000_000), LAST);
        assert!(ahead.contains("and is 1s 250ms ahead of the last command"), "{ahead}");
    }
}
