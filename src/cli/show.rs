//! Formats numbers and times for people.

use crate::domain::Timestamp;
use crate::runtime::log;
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use std::io::{self, Write};
use std::time::Duration;

/// The width of tables and long values in columns, on a terminal or not.
const WIDTH: u16 = 80;

/// A table with a line below its header. Cells that do not fit a terminal of 80 columns are broken.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─')));
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH).set_header(header.to_vec());
    if log::is_plain() {
        table.force_no_tty();
    }
    table
}

/// Named values, one per line. A value longer than 80 columns continues on the next lines, in its own column.
///
/// # Errors
/// Those of `out`.
pub fn rows<N: AsRef<str>, V: AsRef<str>>(
    out: &mut impl Write,
    names_width: usize,
    rows: impl IntoIterator<Item = (N, V)>,
) -> io::Result<()> {
    for (name, value) in rows {
        let name = format!("{:<names_width$} ", name.as_ref());
        writeln!(out, "{name}{}", wrapped(value.as_ref(), names_width + 1).trim_start())?;
    }
    Ok(())
}

/// The text in lines of at most 80 columns, each indented by `indent` spaces. Words without spaces, such as paths, are not
/// broken.
pub fn wrapped(text: &str, indent: usize) -> String {
    let indented = |line: &str| format!("{}{line}", " ".repeat(indent)).trim_end().to_owned();
    let lines = broken(text, usize::from(WIDTH).saturating_sub(indent));
    lines.lines().map(indented).collect::<Vec<_>>().join("\n")
}

/// The text in lines of at most `columns` columns, as in [`wrapped`].
pub fn broken(text: &str, columns: usize) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let (mut line, mut used) = (String::new(), 0);
        for word in paragraph.split_whitespace() {
            let width = word.chars().count();
            if used > 0 && used + 1 + width > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += width;
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// The text in lines of at most 80 columns; lines after the first are indented two more spaces.
pub fn hanging(text: &str) -> String {
    let indent = text.chars().take_while(|c| *c == ' ').count();
    let lines = wrapped(text, indent + 2);
    format!("{}{}", " ".repeat(indent), lines.trim_start())
}

/// The number with commas between thousands: `1,234,567`.
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A count with its noun: `1 command`, `2,000 commands`.
pub fn count(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(value))
}

/// The time with three digits and a suitable unit: `740 µs`, `1.25 s`, `3 min 20 s`.
pub fn duration(time: Duration) -> String {
    let ns = time.as_nanos() as f64;
    match time.as_secs() {
        0 if ns < 1e3 => format!("{ns} ns"),
        0 if ns < 1e6 => format!("{} µs", three_digits(ns / 1e3)),
        0 => format!("{} ms", three_digits(ns / 1e6)),
        1..60 => format!("{} s", three_digits(ns / 1e9)),
        60..3_600 => format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// The average time of one of `count`: `97 ns`.
pub fn each(time: Duration, count: u64) -> String {
    duration(Duration::from_nanos((time.as_nanos() / u128::from(count.max(1))) as u64))
}

/// The size in binary units: `512 B`, `1.50 MiB`.
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{value} B") } else { format!("{} {}", three_digits(scaled), UNITS[unit]) }
}

/// Events per second over this time: `1,234/s`; `-` if no time has passed.
pub fn rate(events: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds == 0.0 { "-".to_owned() } else { format!("{}/s", thousands((events as f64 / seconds) as u64)) }
}

/// The time of day, UTC: `09:30:00`.
pub fn time_of_day(time: Timestamp) -> String {
    let seconds = time.since_midnight_ns() / 1_000_000_000;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit_80_columns() {
        let mut table = table(&["name", "value"]);
        table.add_row(["one", &"many words ".repeat(20)]).add_row(["two", &"x".repeat(100)]);
        let text = table.trim_fmt();
        assert!(text.lines().count() > 5 && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn long_values_go_on_below_their_beginning() {
        let long = "word ".repeat(30);
        let mut out = Vec::new();
        rows(&mut out, 8, [("name", long.trim_end()), ("path", &"x".repeat(100)), ("none", "")])
            .expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert_eq!(lines[0].len(), 78, "{text}");
        assert!(lines[0].starts_with("name     word") && lines[1].starts_with("         word"), "{text}");
        assert_eq!(lines[3], format!("path     {}", "x".repeat(100)));
        assert_eq!(wrapped("one\ntwo", 2), "  one\n  two");
        assert_eq!(hanging(&format!("  {} b", "a".repeat(78))), format!("  {}\n    b", "a".repeat(78)));
        // Exactly 80 columns still fit.
        assert_eq!(wrapped(&format!("{} {}", "x".repeat(40), "y".repeat(39)), 0).lines().count(), 1);
        assert_eq!(wrapped(&format!("{} {}", "x".repeat(40), "y".repeat(40)), 0).lines().count(), 2);
    }

    #[test]
    fn numbers_read_well() {
        let shown = [0, 999, 1_000, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([count(1, "command"), count(2_000, "command")], ["1 command", "2,000 commands"]);
        assert_eq!([0, 1_023, 1_536, 134_217_728].map(bytes), ["0 B", "1023 B", "1.50 KiB", "128 MiB"]);
        assert_eq!(each(Duration::from_millis(3), 2_000), "1.50 µs");
        let times = [999, 1_500, 740_000, 99_960_000, 1_250_000_000, 200_000_000_000, 7_260_000_000_000];
        assert_eq!(
            times.map(|ns| duration(Duration::from_nanos(ns))),
            ["999 ns", "1.50 µs", "740 µs", "100 ms", "1.25 s", "3 min 20 s", "2 h 1 min"]
        );
        assert_eq!(rate(10, Duration::from_millis(1)), "10,000/s");
        assert_eq!(rate(10, Duration::ZERO), "-");
        assert_eq!(time_of_day(Timestamp(86_400_000_000_000 + 34_201_000_000_000)), "09:30:01");
    }
}
