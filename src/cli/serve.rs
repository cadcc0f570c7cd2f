//! `dojima serve`: runs the engine until Ctrl-C.

use super::args::read_config;
use super::folder::Folder;
use super::replay::verdict;
use super::replay_bar::ReplayBar;
use super::{outlook, print, show};
use crate::config::{Config, DEFAULT_TOML, Durability, OldSegments};
use crate::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use crate::recovery::{DataDir, Missing, Progress, RecoveryReport};
use crate::runtime::log::{self, Outlet};
use crate::runtime::{Fatal, Reading, SLEW_DIVISOR, StampClock, ThreadingMode};
use anyhow::{Context, bail};
use clap::Args;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use dojima_journal::Verdict;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fmt::Arguments;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Seconds between two status lines on a terminal.
const STATUS_SECONDS: u64 = 5;

/// A shell's exit code for a process that Ctrl-C ended.
const EXIT_INTERRUPTED: i32 = 130;

/// Arguments of `dojima serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration; the built-in one if left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where journal, event log and database are; made if missing
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Instead of the configuration's gateway.listen; port 0 takes a free one, and free ones for market data too
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Instead of the configuration's engine.mode: shared or dedicated
    #[arg(long, value_name = "MODE")]
    mode: Option<ThreadingMode>,
    /// Instead of the configuration's journal.durability: sync or async
    #[arg(long, value_name = "DURABILITY")]
    durability: Option<Durability>,
    /// Start although the clock is behind the last command in the journal, or 30 days ahead of it
    #[arg(long)]
    accept_clock: bool,
    /// Print the configuration that would be used, and stop
    #[arg(long)]
    print_config: bool,
    /// Seconds between two status lines, 0 for none; without it, 5 on a terminal and none elsewhere
    #[arg(long, value_name = "SECONDS")]
    status: Option<u64>,
}

impl ServeArgs {
    fn read_config(&self) -> anyhow::Result<Config> {
        let mut config = read_config(self.config.as_deref())?;
        if let Some(listen) = self.listen {
            config.gateway.listen = listen;
            if listen.port() == 0 {
                config.market_data.listen.set_port(0);
                config.market_data.glimpse_listen.set_port(0);
            }
        }
        if let Some(mode) = self.mode {
            config.engine.mode = mode;
        }
        if let Some(durability) = self.durability {
            config.journal.durability = durability;
        }
        if config.engine.mode == ThreadingMode::Stepped {
            bail!("engine.mode = stepped is for simulations; a server runs shared or dedicated");
        }
        Ok(config)
    }

    fn is_plain_default(&self) -> bool {
        self.config.is_none() && self.listen.is_none() && self.mode.is_none() && self.durability.is_none()
    }

    fn status_interval(&self) -> Option<Duration> {
        let default = if std::io::stdout().is_terminal() { STATUS_SECONDS } else { 0 };
        Some(self.status.unwrap_or(default)).filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }
}

/// Runs the engine until it is stopped.
///
/// # Errors
/// When the configuration is invalid, the data directory cannot be recovered, or the address is not available.
pub fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let config = args.read_config()?;
    if args.print_config {
        // The built-in file is printed with its comments; a changed configuration is printed with its resulting values.
        let text = if args.is_plain_default() { DEFAULT_TOML.to_owned() } else { config.to_toml()? };
        print::stdout().write_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(why) = Folder::at(&args.data).of_a_data_dir() {
        bail!(why);
    }
    let console = Console::open();
    // Installed before the engine starts, so that Ctrl-C works during a long recovery.
    let interrupted = on_interrupt()?;
    let bar = ReplayBar::new();
    let mut on_progress = |progress: Progress| bar.show(progress);
    let launch = Launch {
        order_entry: OrderEntry::Listen,
        on_fatal: OnFatal::ExitProcess,
        implausible_clock: match args.accept_clock {
            true => ImplausibleClock::Accept,
            false => ImplausibleClock::Refuse,
        },
        on_progress: &mut on_progress,
    };
    let engine = Engine::start(&config, &args.data, launch)?;
    console.say_start(&config, &args.data, &engine);
    if let Err(fatal) = watch(&engine, args.status_interval(), &interrupted, &console) {
        // As for an agent with a fatal error: nothing more is written, and there is no clean stop.
        tracing::error!(exit_code = fatal.exit_code(), "{fatal}");
        log::flush();
        std::process::exit(i32::from(fatal.exit_code()));
    }

    console.say(format_args!("stopping: what was taken in is being finished (Ctrl-C again to abort)"));
    let stopping = Instant::now();
    let stopped = engine.stop()?;
    if config.sql.enabled && !stopped.sql_complete {
        console.say(format_args!(
            "SQL has not caught up with the event log; the next start goes on where it is"
        ));
    }
    console.say(format_args!("stopped in good order after {}", show::duration(stopping.elapsed())));
    Ok(ExitCode::SUCCESS)
}

/// Lines on stdout, for people and for programs that start an engine. A separate thread writes them, like those of the log,
/// so a slow or missing reader never blocks the engine. On a terminal a long line is broken between words.
struct Console {
    outlet: Outlet,
    is_terminal: bool,
}

impl Console {
    fn open() -> Self {
        let stdout = std::io::stdout();
        let is_terminal = stdout.is_terminal();
        let outlet = Outlet::start("stdout", log::QUEUE_LINES, Box::new(stdout), log::TICK, || {});
        Self { outlet, is_terminal }
    }

    fn say(&self, line: Arguments<'_>) {
        let line = line.to_string();
        match self.is_terminal {
            true => show::hanging(&line).lines().for_each(|line| self.outlet.line(line)),
            false => self.outlet.line(&line),
        }
    }

    fn say_start(&self, config: &Config, data: &Path, engine: &Engine) {
        let (mode, durability) = (config.engine.mode, config.journal.durability);
        self.say(format_args!(
            "dojima {}, {mode} threads, {durability} durability",
            env!("CARGO_PKG_VERSION")
        ));
        self.say(format_args!("journal: {}, {}", data.join("journal").display(), recovery(&engine.report)));
        for skipped in &engine.report.skipped {
            let position = show::thousands(skipped.position);
            self.say(format_args!("the snapshot of command {position} could not be used: {}", skipped.why));
        }
        self.say_missing(config, &DataDir::new(data), &engine.report);
        if config.sql.enabled {
            self.say(format_args!("SQL: {}", data.join(&config.sql.path).display()));
        }
        if !engine.differences.is_empty() {
            let differences = show::count(engine.differences.len() as u64, "value");
            self.say(format_args!(
                "the configuration differs from the journal in {differences}; the journal's are in force"
            ));
            engine.differences.iter().for_each(|difference| self.say(format_args!("  {difference}")));
        }
        if let Some(address) = engine.order_entry {
            // Programs read this line to learn the port.
            self.say(format_args!("order entry listening on {address}"));
        }
        if let Some(address) = engine.order_entry_tls {
            self.say(format_args!("order entry with TLS listening on {address}"));
        }
        if let (Some(address), Some(glimpse)) = (engine.market_data, engine.glimpse) {
            self.say(format_args!("market data listening on {address}, snapshots of it on {glimpse}"));
        }
        self.say(format_args!("Ctrl-C stops"));
    }
}

impl Console {
    /// Reports missing parts of the logs, unless the configuration deletes old segments.
    fn say_missing(&self, config: &Config, data: &DataDir, report: &RecoveryReport) {
        if config.retention.segments == OldSegments::Delete {
            return;
        }
        let missing = |log, noun| {
            let found = Missing::before(log).ok().flatten();
            found.map(|found| outlook::missing(&found, noun))
        };
        if let (Some(commands), Some(snapshot)) = (missing(data.journal(), "command"), &report.snapshot) {
            self.say(format_args!(
                "journal: {commands} are missing; this start does not need them, for the snapshot of command {} stands for them, \
                 but without them no backup of this directory is complete",
                show::thousands(snapshot.position)
            ));
        }
        if let Some(events) = missing(data.event_log(), "event") {
            self.say(format_args!(
                "event log: {events} are missing; this start does not need them, but clients cannot resume from them, and \
                 neither the database nor market data can be built again without them"
            ));
        }
        if config.market_data.enabled
            && let Some(messages) = missing(data.market_data(), "message")
        {
            self.say(format_args!(
                "market data: {messages} are missing; this start does not need them, but subscribers cannot resume from them"
            ));
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.outlet.flush(log::PATIENCE);
    }
}

/// The result of recovery in words.
fn recovery(report: &RecoveryReport) -> String {
    if report.commands == 0 && report.snapshot.is_none() {
        return format!("new: opened with {}", show::count(report.opening_commands, "command"));
    }
    // This process holds the lock, so a journal without a seal comes from an engine that was killed.
    let ended = match &report.verdict {
        Verdict::Unsealed => "was killed".to_owned(),
        other => verdict(other),
    };
    let mut words = format!(
        "{ended}: replayed {} in {}",
        show::count(report.commands, "command"),
        show::duration(report.elapsed),
    );
    if let Some(snapshot) = &report.snapshot {
        words += &format!(", after the snapshot of command {}", show::thousands(snapshot.position));
    }
    for (events, did) in [(report.events_logged, "added to"), (report.events_cut, "cut from")] {
        if events > 0 {
            words += &format!(", {} {did} the event log", show::count(events, "event"));
        }
    }
    words
}

/// Returns when the engine is to be stopped, or has stopped by itself.
///
/// # Errors
/// [`Fatal::Io`] when the engine's files are gone.
fn watch(
    engine: &Engine,
    status: Option<Duration>,
    interrupted: &Receiver<()>,
    console: &Console,
) -> Result<(), Fatal> {
    const FAILURE_CHECK: Duration = Duration::from_millis(200);
    let mut last = Status::read(engine);
    let mut clock = ClockAlarm::default();
    loop {
        match interrupted.recv_timeout(FAILURE_CHECK) {
            Err(RecvTimeoutError::Timeout) if !engine.has_failed() => engine.check_files()?,
            _ => return Ok(()),
        }
        if let Some(warning) = clock.look(&engine.counters.snapshot(), Instant::now()) {
            tracing::warn!("{warning}");
        }
        if status.is_some_and(|interval| last.at.elapsed() >= interval) {
            let now = Status::read(engine);
            console.say(format_args!("{}", now.since(&last)));
            last = now;
        }
    }
}

/// Warns if the system clock and the journal's time stamps differ, and repeats the warning while they do.
#[derive(Default)]
struct ClockAlarm {
    warned: Option<Instant>,
}

impl ClockAlarm {
    /// The least difference for a warning.
    const APART_MIN: Duration = Duration::from_secs(1);
    const AGAIN_AFTER: Duration = Duration::from_secs(600);

    /// The warning that is due now, if any.
    fn look(&mut self, readings: &[Reading], now: Instant) -> Option<String> {
        let gauge =
            |name| readings.iter().find(|reading| reading.name == name).map_or(0, |reading| reading.value);
        let [ahead, behind] =
            [StampClock::AHEAD_MS, StampClock::BEHIND_MS].map(|name| Duration::from_millis(gauge(name)));
        let (apart, side) = if behind > ahead { (behind, "behind") } else { (ahead, "ahead of") };
        if apart < Self::APART_MIN {
            let was_apart = self.warned.take().is_some();
            return was_apart.then(|| "stamps agree with the system's clock again".to_owned());
        }
        if self.warned.is_some_and(|at| now.duration_since(at) < Self::AGAIN_AFTER) {
            return None;
        }
        self.warned = Some(now);
        Some(format!(
            "the system's clock is {} {side} the stamps of commands, which go on by the monotonic clock and follow it by 1/{SLEW_DIVISOR} \
             of the time that passes; was it set?",
            show::duration(apart)
        ))
    }
}

/// The counters of a status line.
struct Status {
    at: Instant,
    connections: u64,
    messages_in: u64,
    trades: u64,
    journal_bytes: u64,
    sql_lag_events: u64,
    log_lines_lost: u64,
}

/// Whether a counter is a matcher's number of trades.
fn is_trades(name: &str) -> bool {
    name.starts_with("matcher.") && name.ends_with(".trades")
}

impl Status {
    fn read(engine: &Engine) -> Self {
        let readings = engine.counters.snapshot();
        let value = |name: &str| readings.iter().find(|r| r.name == name).map_or(0, |r| r.value);
        Self {
            at: Instant::now(),
            connections: value("gateway.connections"),
            messages_in: value("gateway.messages_in"),
            trades: readings.iter().filter(|r| is_trades(&r.name)).map(|r| r.value).sum(),
            journal_bytes: value("journaler.bytes"),
            sql_lag_events: engine.watch().sql_lag_events(),
            log_lines_lost: log::losses().lines,
        }
    }

    /// The status line: rates since `last`, and current levels.
    fn since(&self, last: &Self) -> String {
        let time = self.at - last.at;
        let lost = match self.log_lines_lost {
            0 => String::new(),
            lines => format!(", {} of the log lost", show::count(lines, "line")),
        };
        format!(
            "{}, {} messages, {} trades, {} journaled, SQL {} behind{lost}",
            show::count(self.connections, "connection"),
            show::rate(self.messages_in - last.messages_in, time),
            show::rate(self.trades - last.trades, time),
            show::bytes(self.journal_bytes),
            show::count(self.sql_lag_events, "event"),
        )
    }
}

/// Sends one message for the first Ctrl-C or SIGTERM; the second one ends the process at once, as a crash would. The loss
/// of the terminal (SIGHUP) is ignored: an exchange does not stop with the shell that started it.
fn on_interrupt() -> anyhow::Result<Receiver<()>> {
    let (sender, receiver) = bounded(1);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot handle signals")?;
    let handle = move || {
        let mut is_stopping = false;
        for signal in signals.forever() {
            if signal == SIGHUP {
                tracing::warn!("SIGHUP: the terminal is gone, and the engine goes on; SIGTERM stops it");
                continue;
            }
            if is_stopping {
                std::process::exit(EXIT_INTERRUPTED);
            }
            is_stopping = true;
            let _ = sender.try_send(());
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(handle).context("cannot handle signals")?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_warned_of_once_in_ten_minutes_until_stamps_have_followed() {
        let (mut alarm, start) = (ClockAlarm::default(), Instant::now());
        let gauge = |name: &'static str, value| Reading { name: name.into(), unit: "ms", value };
        let mut look = |ahead, behind, seconds| {
            let readings = [gauge(StampClock::AHEAD_MS, ahead), gauge(StampClock::BEHIND_MS, behind)];
            alarm.look(&readings, start + Duration::from_secs(seconds)).unwrap_or_default()
        };
        assert_eq!(look(999, 0, 0), "");
        assert!(look(7_200_000, 0, 1).starts_with("the system's clock is 2 h 0 min ahead of the stamps"));
        assert_eq!(look(7_100_000, 0, 600), "");
        assert!(look(7_100_000, 0, 601).contains("1 h 58 min ahead of"));
        assert_eq!(look(0, 0, 602), "stamps agree with the system's clock again");
        assert_eq!(look(0, 0, 603), "");
        assert!(look(0, 1_000, 604).contains("1.00 s behind the stamps"));
    }
}
