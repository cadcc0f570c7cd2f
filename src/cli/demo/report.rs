//! The text that the demo prints before and after the run.

use super::args::DemoArgs;
use super::compare::Comparison;
use super::place::Place;
use super::play::{Played, STEP_COLUMNS};
use super::show;
use crate::domain::RejectReason;
use crate::flow::expected::{self, Agreement, NamedTrade};
use crate::flow::{Driver, Flow, Pace, trades};
use crate::wire::ouch::event::reject_code;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// The result of the restart.
pub(super) struct Recovery {
    pub(super) commands: u64,
    /// Time from starting the process until clients could connect.
    pub(super) took: Duration,
    pub(super) resent: u64,
}

/// The first lines: the flow and the engine's settings.
pub(super) fn heading(flow: &Flow, args: &DemoArgs, data: &Path) -> String {
    let speed = match args.speed.0 {
        Pace::Max => "as fast as the engine answers".to_owned(),
        Pace::Speed(speed) => format!("{speed} × the recorded clock"),
    };
    let sessions = show::count(flow.venue.credentials().len() as u64, "session");
    let actions = show::count(flow.actions.len() as u64, "message");
    let mut rows = vec![
        ("flow", format!("{}: {actions}, {sessions}, {speed}", flow.name)),
        ("engine", format!("{} threads, {} durability, in {}", args.mode, args.durability, data.display())),
    ];
    for left_out in &flow.left_out {
        rows.push(("left out", format!("{} {}", show::thousands(left_out.actions), left_out.reason)));
    }
    let mut text = Vec::new();
    show::rows(&mut text, STEP_COLUMNS, rows).expect("memory takes it");
    String::from_utf8_lossy(&text).trim_end().to_owned()
}

/// The message number at which each stream resumes.
pub(super) fn sequences(sequences: &[u64]) -> String {
    let shown: Vec<String> = sequences.iter().take(4).map(|sequence| show::thousands(*sequence)).collect();
    let more = if sequences.len() > shown.len() { " …" } else { "" };
    format!("from message {}{more}", shown.join(" · "))
}

/// The summary.
pub(super) struct Report<'a> {
    pub(super) flow: &'a Flow,
    pub(super) driver: &'a Driver<'a>,
    pub(super) played: &'a Played,
    pub(super) recovery: Option<&'a Recovery>,
    pub(super) verified: bool,
    pub(super) comparison: &'a Comparison,
    pub(super) expected: Option<&'a [NamedTrade]>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = show::table(&["summary", ""]);
        let rows = self.counts().into_iter().chain(self.speed()).chain(self.checks());
        rows.for_each(|(name, value)| {
            table.add_row([name.to_owned(), value]);
        });
        write!(f, "{}", table.trim_fmt())
    }
}

type Row = (&'static str, String);

impl Report<'_> {
    fn counts(&self) -> Vec<Row> {
        let progress = self.driver.progress();
        let sent =
            format!("{} ({} new orders)", show::thousands(progress.sent), show::thousands(progress.orders));
        let answers = format!(
            "{} accepted, {} replaced, {} canceled, {} without an answer (their order was gone)",
            show::thousands(progress.accepted),
            show::thousands(progress.replaced),
            show::thousands(progress.canceled),
            show::thousands(progress.unanswered),
        );
        let mut rows = vec![("messages sent", sent), ("answers", answers)];
        if !progress.rejected.is_empty() {
            let by_code =
                |(code, count): (&u16, &u64)| format!("{} {}", show::thousands(*count), words(*code));
            rows.push(("refused", progress.rejected.iter().map(by_code).collect::<Vec<_>>().join("; ")));
        }
        rows.push(("trades", show::thousands(self.comparison.trades as u64)));
        rows
    }

    fn speed(&self) -> Vec<Row> {
        let Played { sent, time, client, .. } = *self.played;
        let rate = format!("{} messages, over {}", show::rate(sent, time), show::duration(time));
        let mut rows = vec![("throughput", rate)];
        if !client.is_zero() {
            rows.push((
                "",
                format!("{} of processor time a message in the client", show::each(client, sent)),
            ));
        }
        let latency = self.driver.latency();
        let at = |quantile| match latency.len() {
            0 => "-".to_owned(),
            _ => show::duration(Duration::from_nanos(latency.value_at_quantile(quantile))),
        };
        let quantiles = format!(
            "p50 {} · p90 {} · p99 {} · p99.9 {} · max {}",
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(1.0)
        );
        rows.push(("order → ack", quantiles));
        rows.push(("", format!("durable before it is sent; {} measured", show::thousands(latency.len()))));
        if let Some(Recovery { commands, took, resent }) = self.recovery {
            rows.push((
                "recovery",
                format!(
                    "{} replayed; from starting the process to listening {} ({})",
                    show::count(*commands, "command"),
                    show::duration(*took),
                    show::rate(*commands, *took),
                ),
            ));
            let settled = show::thousands(self.played.settled_before_kill);
            rows.push((
                "",
                format!(
                    "{settled} messages were settled before the kill, {} sent again",
                    show::thousands(*resent)
                ),
            ));
        }
        let Comparison { commands, replay, .. } = self.comparison;
        let replay = format!(
            "{} in {}, {}",
            show::count(*commands, "command"),
            show::duration(*replay),
            show::rate(*commands, *replay)
        );
        rows.push(("journal replay", replay));
        rows
    }

    fn checks(&self) -> Vec<Row> {
        let Comparison { trades: count, messages, clients, sql, .. } = self.comparison;
        let count = show::count(*count as u64, "trade");
        let outcome = |difference: &Option<String>, good: String| match difference {
            None => good,
            Some(difference) => format!("DIFFERENT: {difference}"),
        };
        let verified = if self.verified { "all checks hold" } else { "FAILED, see above" };
        let told = format!("{} = journal, exactly", show::count(*messages as u64, "Executed message"));
        let mut rows = vec![
            ("verify", verified.to_owned()),
            ("SQL trades", outcome(sql, format!("{count} = journal, exactly"))),
            ("clients' trades", outcome(clients, told)),
        ];
        if let Some(expected) = self.expected {
            let (made, _) = trades(self.driver.fills());
            let agreement = Agreement::of(expected, &expected::named(&made, self.flow));
            rows.push(("recorded trades", agreement.to_string()));
            rows.push((
                "",
                "after those that met hidden orders the book was set back to the recording".to_owned(),
            ));
        }
        rows
    }
}

/// The meaning of a Rejected code.
fn words(code: u16) -> String {
    let reason = RejectReason::ALL.iter().find(|reason| reject_code(**reason) == code);
    reason.map_or_else(|| format!("with code {code:#04x}"), |reason| reason.text().to_owned())
}

/// Commands to inspect the kept files.
pub(super) fn further(place: &Place) -> String {
    let (data, config) = (place.data.display(), place.config_file.display());
    let database = place.database();
    let sqlite = |sql: &str| format!("  sqlite3 -header -column {} \\\n    \"{sql}\"", database.display());
    [
        "\nlook further:".to_owned(),
        sqlite("SELECT * FROM trades_readable ORDER BY trade_id DESC LIMIT 10"),
        sqlite("SELECT * FROM balances_readable"),
        sqlite(
            "SELECT s.name AS status, count(*) AS orders FROM orders\n     JOIN order_statuses s USING (status) GROUP BY status",
        ),
        sqlite("SELECT * FROM conservation"),
        format!("  dojima replay --data {data}"),
        format!("  dojima serve --data {data} --config {config}"),
    ]
    .join("\n")
}

/// How to keep the files for inspection.
pub(super) fn further_if_kept() -> String {
    "\nAll of it is removed now. `dojima demo --data DIR` keeps journal, event log and SQL,\n\
     and prints queries to look further."
        .to_owned()
}
