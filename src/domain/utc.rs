//! Conversion between times as people write them and seconds since the Unix epoch.
//!
//! Used only at the edges, as [`decimal`](super::decimal).

use std::time::{Duration, UNIX_EPOCH};

/// Reads RFC 3339 in UTC to the second, such as `2027-03-26T08:00:00Z`. `None` for anything else, and for a time that is
/// not from 1970-01-01T00:00:00Z to 2106-02-07T06:28:15Z.
pub fn parse(text: &str) -> Option<u32> {
    let since = humantime::parse_rfc3339(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    u32::try_from(since.as_secs()).ok().filter(|_| since.subsec_nanos() == 0)
}

/// RFC 3339 in UTC, to the second.
pub fn show(seconds: u32) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(u64::from(seconds))).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_second_in_utc() {
        assert_eq!(parse("2027-03-26T08:00:00Z"), Some(1_806_048_000));
        assert_eq!(show(1_806_048_000), "2027-03-26T08:00:00Z");
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2106-02-07T06:28:15Z"), Some(u32::MAX));
        for text in [
            "1806048000",
            "2027-03-26",
            "2027-03-26T08:00:00",
            "2027-03-26T08:00:00.5Z",
            "1969-12-31T23:59:59Z",
            "2106-02-07T06:28:16Z",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
