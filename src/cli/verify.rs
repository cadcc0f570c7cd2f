//! `dojima verify`: checks that journal, event log, market data and SQL agree.

use super::args::{DataArgs, read_config};
use super::outlook::{self, Outlook};
use super::replay::{Replayed, end, replay, scan};
use super::{print, show};
use crate::config::{Config, OldSegments};
use crate::domain::{AccountId, AssetId, EventRecord, codec};
use crate::exchange::Exchange;
use crate::recovery::{DataDir, Missing};
use crate::replica::State;
use crate::sql::SqlError;
use crate::sql::check::{CheckError, check};
use crate::sql::reader::SqlReader;
use crate::stages::feed::{LogCheck, LogOutcome};
use anyhow::bail;
use clap::Args;
use comfy_table::{Cell, Color, ContentArrangement};
use dojima_journal::storage::Storage;
use dojima_journal::{ArchivedStorage, FoundBeside, JournalError, Reader, scan_beside};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Arguments of `dojima verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    source: DataArgs,
    /// The configuration, which says where the database is; the built-in one if left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Checks that the journal is valid, and that event log, market data and SQL agree with its replay. Writes nothing. An
/// engine may be running at the same time; then event log, market data and SQL are compared as far as they had come when
/// the check began.
///
/// # Errors
/// When something cannot be read at all. A failed check is not an error but a line of the table and exit code 1.
pub fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let config = read_config(args.config.as_deref())?;
    let data = DataDir::new(args.source.existing_dir()?);
    // Opened in reverse order of writing: if they grow meanwhile, each has at least the data that the one before it had.
    let sql = open_sql(&config, &data);
    let market = LogCheck::open(data.market_data());
    let log = LogComparison::open(&data);
    let journal = match scan(&data) {
        Ok(journal) if journal.scanned.records() == 0 => {
            bail!("nothing to verify: no commands in {}", data.journal().dir().display());
        }
        Ok(journal) => journal,
        Err(error) => {
            let Some(JournalError::Damaged { .. }) = error.downcast_ref() else { return Err(error) };
            let outlook = Outlook::of(&config, &data);
            let backup = Check::bad(BACKUP, "not complete: not all of the journal can be read");
            return print_table(&[Check::bad("journal", error), backup, start_check(&outlook)]);
        }
    };
    let mut checks = vec![Check::good("journal", journal_line(&journal))];
    let compared = Compared { sql, market, log };
    match compared.with_replay(&config, &data, &journal) {
        Ok(found) => checks.extend(found),
        Err(error) => checks.push(Check::bad("replay", format!("{error:#}"))),
    }
    let outlook = Outlook::of(&config, &data);
    checks.push(backup_check(&config, &data, &outlook));
    checks.push(start_check(&outlook));
    print_table(&checks)
}

/// The data that a replay is compared with.
struct Compared {
    sql: Result<Option<SqlReader>, SqlError>,
    market: Result<Option<LogCheck>, JournalError>,
    log: Result<LogComparison, JournalError>,
}

impl Compared {
    /// # Errors
    /// When the replay fails.
    fn with_replay(
        mut self,
        config: &Config,
        data: &DataDir,
        journal: &FoundBeside,
    ) -> anyhow::Result<Vec<Check>> {
        let replayed = replay(data, &journal.scanned, None, &mut |record| {
            if let Ok(log) = &mut self.log {
                log.compare(record);
            }
            if let Ok(Some(market)) = &mut self.market {
                market.take(record);
            }
            Ok(())
        })?;
        let mut checks = vec![replay_check(&replayed), checkpoints_check(&replayed)];
        let state = replayed.state;
        checks.push(audit_check(&state));
        let log_check = match self.log {
            Ok(log) => log.check(state.last_event),
            Err(error) => Check::bad(EVENT_LOG, error),
        };
        checks.push(log_check.lacking(config, data.event_log(), "event"));
        let market_check = match self.market {
            Ok(Some(market)) => Some(market_check(market, state.last_event)),
            Ok(None) if !config.market_data.enabled => None,
            Ok(None) => {
                let detail = "there is no log yet; the next start makes it from the event log";
                Some(Check::nothing(MARKET_DATA, detail))
            }
            Err(error) => Some(Check::bad(MARKET_DATA, error)),
        };
        checks.extend(market_check.map(|check| check.lacking(config, data.market_data(), "message")));
        match self.sql {
            Ok(Some(sql)) => checks.extend(sql_checks(&sql, data, &state)),
            Ok(None) if !config.sql.enabled => {}
            Ok(None) => {
                let detail = "there is no database yet; the next start builds it from the event log";
                checks.push(Check::nothing("SQL", detail));
            }
            Err(error) => checks.push(Check::bad("SQL", error)),
        }
        Ok(checks)
    }
}

/// Whether a copy of the directory would have every command.
fn backup_check(config: &Config, data: &DataDir, outlook: &Outlook) -> Check {
    if let Some(words) = outlook.cut_short() {
        return Check::bad(BACKUP, words);
    }
    let missing = match Missing::before(data.journal()) {
        Ok(None) => {
            return Check::good(BACKUP, "complete: every command from the first one on is in the journal");
        }
        Ok(Some(missing)) => outlook::missing(&missing, "command"),
        Err(error) => return Check::bad(BACKUP, error),
    };
    let stands = match outlook.snapshot() {
        Some(position) => format!("the snapshot of command {} stands for them", show::thousands(position)),
        None => "nothing stands for them".to_owned(),
    };
    match (config.retention.segments, outlook) {
        (OldSegments::Keep, Outlook::Starts(_)) => Check::bad(
            BACKUP,
            format!("not complete: {missing} are missing; the start does not need them, for {stands}"),
        ),
        (OldSegments::Keep, _) => Check::bad(BACKUP, format!("not complete: {missing} are missing")),
        (OldSegments::Archive, _) => {
            let detail =
                format!("not complete without the archives of {missing}, which are not here; {stands}");
            Check::nothing(BACKUP, detail)
        }
        (OldSegments::Delete, Outlook::Refused(_)) => {
            Check::bad(BACKUP, format!("not complete: {missing} were deleted, and {stands}"))
        }
        (OldSegments::Delete, _) => Check::good(
            BACKUP,
            format!("complete with snapshots and event log: {missing} were deleted, and {stands}"),
        ),
    }
}

fn start_check(outlook: &Outlook) -> Check {
    match outlook {
        Outlook::Starts(_) => Check::good(START, outlook.words()),
        Outlook::Refused(_) => Check::bad(START, outlook.words()),
        Outlook::NotTried(_) => Check::nothing(START, outlook.words()),
    }
}

/// The database in its current state; `None` if there is none.
fn open_sql(config: &Config, data: &DataDir) -> Result<Option<SqlReader>, SqlError> {
    let path = data.path().join(&config.sql.path);
    if !config.sql.enabled {
        return Ok(None);
    }
    // With a running engine the database changes. Without one it may be in a place that cannot be written.
    let opened = match data.is_held() {
        Ok(false) => SqlReader::open_at_rest(&path),
        Ok(true) | Err(_) => SqlReader::open(&path),
    };
    match opened {
        // This includes an empty file, left by an engine that was killed while it created the database.
        Err(SqlError::Missing { .. }) => Ok(None),
        opened => opened.map(Some),
    }
}

fn journal_line(journal: &FoundBeside) -> String {
    let scanned = &journal.scanned;
    let commands = show::count(scanned.records(), "command");
    format!("{commands}, {}, {}", show::bytes(scanned.bytes()), end(journal))
}

fn replay_check(replayed: &Replayed) -> Check {
    let state = &replayed.state;
    let events = show::count(state.last_event, "event");
    let trades = show::count(state.shards.trades(), "trade");
    let rate = show::rate(replayed.commands, replayed.elapsed);
    let digest = state.shards.digest();
    let from = match replayed.from {
        0 => String::new(),
        from => format!("after the snapshot of command {}: ", show::thousands(from)),
    };
    Check::good("replay", format!("{from}{events}, {trades}, {rate} commands, digest {digest}"))
}

fn checkpoints_check(replayed: &Replayed) -> Check {
    match replayed.checkpoints {
        0 => Check::nothing("checkpoints", "no checkpoints to compare"),
        held => Check::good("checkpoints", format!("{} the same", show::count(held, "digest"))),
    }
}

fn audit_check(state: &State) -> Check {
    match state.shards.audit() {
        Ok(()) => {
            let accounts = show::count(state.shards.accounts_count() as u64, "account");
            Check::good("money", format!("conserved over {accounts}, reserves match the open orders"))
        }
        Err(error) => Check::bad("money", error),
    }
}

const BACKUP: &str = "backup";
const EVENT_LOG: &str = "event log";
const MARKET_DATA: &str = "market data";
const START: &str = "start";

fn market_check(market: LogCheck, last_event: u64) -> Check {
    match market.finish(last_event) {
        LogOutcome::Same { compared: 0, beyond: 0 } => Check::nothing(MARKET_DATA, "no messages to compare"),
        LogOutcome::Same { compared, beyond: 0 } => {
            Check::good(MARKET_DATA, format!("{} the same, byte for byte", show::count(compared, "message")))
        }
        LogOutcome::Same { beyond, .. } => {
            let beyond = show::count(beyond, "message");
            Check::bad(MARKET_DATA, format!("{beyond} beyond the journal's; the next start cuts them"))
        }
        LogOutcome::NotCompared { from } => {
            let detail =
                format!("not compared: no checkpoint of it reaches event {from}, where the replay begins");
            Check::nothing(MARKET_DATA, detail)
        }
        LogOutcome::Different(why) => Check::bad(MARKET_DATA, why),
    }
}

/// Compares SQL with the event log up to SQL's watermark. If SQL has every event, also with the replayed exchange.
fn sql_checks(sql: &SqlReader, data: &DataDir, state: &State) -> Vec<Check> {
    let report = match check(sql, data.event_log()) {
        Ok(report) => report,
        Err(CheckError::Log(JournalError::Gone { first, .. })) => {
            let detail = format!("not compared: the event log starts at event {first}");
            return vec![Check::nothing("SQL", detail)];
        }
        Err(error) => return vec![Check::bad("SQL", error)],
    };
    let compared = report.checks.iter().map(|of| {
        let name = format!("SQL: {}", of.name);
        let same = || format!("{} compared with the event log", show::thousands(of.compared));
        match &of.difference {
            Some(found) => Check::bad(&name, found),
            None if of.compared == 0 => {
                Check::nothing(&name, "none in the event log, and none in the tables")
            }
            None => Check::good(&name, same()),
        }
    });
    let behind = state.last_event.saturating_sub(report.watermark.event);
    let complete = match behind {
        0 => exchange_balances(sql, state).unwrap_or_else(|error| Check::bad("SQL: complete", error)),
        _ => {
            let missing = show::count(behind, "event");
            Check::nothing("SQL: complete", format!("{missing} behind; the writer goes on where it is"))
        }
    };
    compared.chain([complete]).collect()
}

/// All pairs of account and asset in a shard.
fn wallets(exchange: &Exchange) -> impl Iterator<Item = (&Exchange, AccountId, AssetId)> {
    let assets = exchange.assets().len() as u16;
    let accounts = (0..).take(exchange.accounts_count()).map(AccountId);
    accounts.flat_map(move |account| (0..assets).map(move |asset| (exchange, account, AssetId(asset))))
}

/// Compares the balances of the replayed exchange with the tables, account by account.
fn exchange_balances(sql: &SqlReader, state: &State) -> Result<Check, SqlError> {
    let name = "SQL: complete";
    let rows = sql.balances()?.into_iter();
    let in_sql: BTreeMap<_, _> =
        rows.map(|row| ((row.shard, row.account, row.asset), (row.total.0, row.reserved.0))).collect();
    let (mut compared, mut without_row) = (0, 0);
    for (exchange, account, asset) in state.shards.iter().flat_map(wallets) {
        let held = exchange.balance(account, asset).unwrap_or_default();
        let (held, reserved) = (held.available.0 + held.reserved.0, held.reserved.0);
        // A balance that was never used has no row.
        let row = in_sql.get(&(exchange.shard(), account, asset));
        without_row += usize::from(row.is_none());
        let (total, reserved_in_sql) = row.copied().unwrap_or_default();
        if (held, reserved) != (total, reserved_in_sql) {
            let difference = format!(
                "account {account}, asset {asset}: {held} with {reserved} reserved by the replay, {total} with \
                 {reserved_in_sql} in SQL (minor units)"
            );
            return Ok(Check::bad(name, difference));
        }
        compared += 1;
    }
    let balances = show::count(compared, "balance");
    let untouched = match without_row {
        0 => String::new(),
        some => format!(", {some} of them 0 and without a row"),
    };
    Ok(Check::good(name, format!("every event is there; {balances} as replayed{untouched}")))
}

/// Compares the event log with the events of a replay, byte for byte.
struct LogComparison {
    reader: Reader,
    /// The first event in the log.
    first: u64,
    /// Events in the log when it was scanned.
    events: u64,
    compared: u64,
    difference: Option<String>,
}

impl LogComparison {
    fn open(data: &DataDir) -> Result<Self, JournalError> {
        let log: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::clone(data.event_log())));
        let scanned = scan_beside(&log)?.scanned;
        let first = scanned.first_sequence();
        let reader = Reader::open_storage(log, first)?;
        Ok(Self { reader, first, events: scanned.next_sequence() - 1, compared: 0, difference: None })
    }

    fn compare(&mut self, record: &EventRecord) {
        if self.difference.is_some() || record.number > self.events || record.number < self.first {
            return;
        }
        let mut expected = [0; codec::ENCODED_LEN_MAX];
        let len = codec::encode_event(record, &mut expected).expect("ENCODED_LEN_MAX bytes hold any event");
        // The replay does not regenerate events from before its snapshot.
        let logged = loop {
            match self.reader.next() {
                Ok(Some(logged)) if logged.sequence < record.number => {}
                // An engine may retire events during the comparison; they are skipped.
                Err(JournalError::Gone { first, .. }) if first > record.number => {
                    self.first = first;
                    return;
                }
                other => break other,
            }
        };
        self.difference = match logged {
            Ok(Some(logged)) if logged.sequence != record.number => {
                Some(format!("event {} stands where event {} is due", logged.sequence, record.number))
            }
            Ok(Some(logged)) if logged.payload != &expected[..len] => {
                Some(format!("event {} differs; the journal says {:?}", record.number, record.event))
            }
            Ok(Some(_)) => {
                self.compared += 1;
                None
            }
            Ok(None) => Some(format!("event {} cannot be read", record.number)),
            Err(error) => Some(error.to_string()),
        };
    }

    fn check(self, last_event: u64) -> Check {
        let name = EVENT_LOG;
        let compared = show::count(self.compared, "event");
        match self.difference {
            Some(difference) => Check::bad(name, difference),
            None if self.compared == 0 && self.events <= last_event => {
                let missing = show::count(last_event - self.events, "event");
                let detail = match self.events < last_event {
                    true => {
                        format!("no events to compare; {missing} not there yet, the next start adds them")
                    }
                    false => "no events to compare: the replay began after the last one".to_owned(),
                };
                Check::nothing(name, detail)
            }
            None if self.events > last_event => {
                let beyond = show::count(self.events - last_event, "event");
                Check::bad(name, format!("{beyond} beyond the journal's; the next start cuts them"))
            }
            None if self.events < last_event => {
                let missing = show::count(last_event - self.events, "event");
                Check::good(
                    name,
                    format!("{compared} the same; {missing} not there yet, the next start adds them"),
                )
            }
            None => Check::good(name, format!("{compared} the same, byte for byte")),
        }
    }
}

/// One line of the table.
struct Check {
    name: String,
    outcome: Outcome,
    detail: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    /// Nothing was compared, so the result is unknown.
    Nothing,
    Bad,
}

impl Check {
    fn good(name: impl Into<String>, detail: impl ToString) -> Self {
        Self { name: name.into(), outcome: Outcome::Good, detail: detail.to_string() }
    }

    fn nothing(name: impl Into<String>, detail: impl ToString) -> Self {
        Self { name: name.into(), outcome: Outcome::Nothing, detail: detail.to_string() }
    }

    fn bad(name: impl Into<String>, detail: impl ToString) -> Self {
        Self { name: name.into(), outcome: Outcome::Bad, detail: detail.to_string() }
    }

    /// The check of a log, with the missing beginning of the log added. It is a fault unless the configuration removes old
    /// segments.
    fn lacking(self, config: &Config, log: &Arc<dyn Storage>, noun: &str) -> Self {
        let missing = match Missing::before(log) {
            Ok(None) => return self,
            Ok(Some(missing)) => outlook::missing(&missing, noun),
            // The check itself reports what cannot be read.
            Err(_) => return self,
        };
        let Self { name, outcome, detail } = self;
        match (outcome, config.retention.segments) {
            (Outcome::Bad, _) => Self::bad(name, format!("{detail}; {missing} are missing")),
            (_, OldSegments::Keep) => Self::bad(name, format!("{missing} are missing; {detail}")),
            (_, OldSegments::Archive | OldSegments::Delete) => {
                Self { name, outcome, detail: format!("{detail}; {missing} are not here") }
            }
        }
    }
}

fn print_table(checks: &[Check]) -> anyhow::Result<ExitCode> {
    let mut table = show::table(&["check", "result", "detail"]);
    // Lines are broken here, because the table would break paths.
    table.set_content_arrangement(ContentArrangement::Disabled);
    let name_columns = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
    // Columns that remain for the details: 80 less the first two columns and the spaces between.
    let detail_columns = 80_usize.saturating_sub(name_columns + "nothing".len() + 10);
    for check in checks {
        let result = match check.outcome {
            Outcome::Good => Cell::new("ok").fg(Color::Green),
            Outcome::Nothing => Cell::new("nothing").fg(Color::Yellow),
            Outcome::Bad => Cell::new("FAILED").fg(Color::Red),
        };
        table.add_row([
            Cell::new(&check.name),
            result,
            Cell::new(show::broken(&check.detail, detail_columns)),
        ]);
    }
    let count_of = |outcome| checks.iter().filter(|check| check.outcome == outcome).count() as u64;
    let (failed, empty) = (count_of(Outcome::Bad), count_of(Outcome::Nothing));
    let mut out = print::stdout();
    writeln!(out, "{}", table.trim_fmt())?;
    if failed == 0 {
        match empty {
            0 => writeln!(out, "verified: all checks hold")?,
            empty => writeln!(
                out,
                "verified: all checks hold; {} had nothing to compare",
                show::count(empty, "other")
            )?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "NOT verified: {} failed", show::count(failed, "check"))?;
    Ok(ExitCode::FAILURE)
}
