//! Times in text form: RFC 3339, or a time of day.

use dojima::domain::Timestamp;
use std::time::{Duration, SystemTime};

const DAY_S: u64 = 86_400;

/// A time on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// An absolute time.
    Moment(Timestamp),
    /// Nanoseconds since midnight UTC, on the day of the journal's last record.
    OfDay(u64),
}

impl Given {
    /// Parses `2026-11-24T21:44:35Z`, with an optional fraction of a second, or `21:44:35`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match humantime::parse_rfc3339_weak(text) {
            Ok(time) => {
                let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                let ns = u64::try_from(since_epoch.as_nanos());
                ns.map(|ns| Self::Moment(Timestamp(ns))).map_err(|_| "is after the year 2554".to_owned())
            }
            Err(_) => of_day(text).map(Self::OfDay).ok_or_else(|| {
                "expected a time of day such as 21:44:35, or a moment such as 2026-11-24T21:44:35Z (UTC)"
                    .to_owned()
            }),
        }
    }

    /// The absolute time; a time of day is taken on the day of `last`.
    pub(super) fn moment(self, last: Timestamp) -> Timestamp {
        match self {
            Self::Moment(time) => time,
            Self::OfDay(ns) => Timestamp(last.0 - last.since_midnight_ns() + ns),
        }
    }
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction` in nanoseconds since midnight.
fn of_day(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let mut number = |max: u64| {
        let digits = parts.next()?;
        let value = digits.parse::<u64>().ok().filter(|value| digits.len() == 2 && *value <= max)?;
        Some(value)
    };
    let (hours, minutes) = (number(23)?, number(59)?);
    let rest = parts.next().unwrap_or("00");
    if parts.next().is_some() {
        return None;
    }
    let (seconds, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    let seconds = seconds.parse::<u64>().ok().filter(|value| seconds.len() == 2 && *value <= 59)?;
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse::<u64>().ok()?;
    let seconds = hours * 3_600 + minutes * 60 + seconds;
    debug_assert!(seconds < DAY_S);
    Some(seconds * Timestamp::SECOND + nanos)
}

/// `2026-11-24T21:44:35.123456789Z`
pub(super) fn rfc3339(time: Timestamp) -> String {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_nanos(time.0);
    humantime::format_rfc3339_nanos(moment).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        let moment = Timestamp(1_795_556_675_123_000_000);
        assert_eq!(rfc3339(moment), "2026-11-24T21:44:35.123000000Z");
        for text in ["2026-11-24T21:44:35.123Z", "2026-11-24 21:44:35.123"] {
            assert_eq!(Given::parse(text), Ok(Given::Moment(moment)));
        }
        for (text, ns) in
            [("00:00:01", 1_000_000_000), ("21:44", 78_240_000_000_000), ("00:00:00.5", 500_000_000)]
        {
            assert_eq!(Given::parse(text), Ok(Given::OfDay(ns)));
        }
        let midnight = Timestamp(moment.0 - moment.since_midnight_ns());
        assert_eq!(Given::OfDay(5).moment(moment), Timestamp(midnight.0 + 5));
        for text in ["", "24:00:00", "1:00", "12", "12:00:00:00", "12:60", "yesterday", "12:00:00.", "-1:00"]
        {
            assert!(Given::parse(text).is_err(), "{text:?}");
        }
    }
}
