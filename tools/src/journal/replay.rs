//! `dojima-tools journal replay`: runs the recorded commands through a new engine.
//!
//! The engine is complete, with all its threads: sequencer, journal, matcher, event log, SQL. It assigns sequences and time
//! stamps itself, as for clients. So results that depend on time may differ. The report compares every event with the
//! events that the recorded commands produce with their recorded stamps.

mod report;

use super::entry::{Content, Value};
use super::exit::FOUND;
use super::source::{Source, SourceArgs, count};
use anyhow::{Context, bail};
use clap::Args;
use dojima::config::{Config, OldSegments};
use dojima::domain::{Command, VenueCommand};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry, Stopped, open_venue};
use dojima::recovery::DataDir;
use dojima::runtime::ThreadingMode;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use report::{Outcome, Played, Report};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// The most commands pushed at once.
const BATCH_MAX: usize = 256;
/// The replay fails if the engine accepts no command for this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Arguments of `dojima-tools journal replay`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dojima-tools journal replay data\n  \
    dojima-tools journal replay data --speed recorded --data /tmp/again\n  \
    dojima-tools journal replay data --speed 10 --config engine.toml --to 1000000\n\n\
    The venue is opened by the recorded commands; of --config only sizes, threads and durability matter. Exit codes: 0 the \
    events are those recorded, times apart; 1 they differ, and the report says why that may be; 2 it could not be done.")]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// How fast: full, recorded, or so many times as fast as recorded, such as 10 or 0.5
    #[arg(long, value_name = "SPEED", default_value = "full")]
    speed: Speed,
    /// A new directory for the engine's files; without it they are thrown away at the end
    #[arg(long, value_name = "NEW_DIR")]
    data: Option<PathBuf>,
    /// The engine's configuration; the built-in one if left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Instead of the configuration's engine.mode: shared or dedicated
    #[arg(long, value_name = "MODE")]
    mode: Option<ThreadingMode>,
    /// Stop after this command
    #[arg(long, value_name = "SEQUENCE")]
    to: Option<u64>,
}

/// The speed of the replay.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Speed {
    /// As fast as the engine accepts commands.
    Full,
    /// The recorded speed times this factor.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "full" => Ok(Self::Full),
            "recorded" => Ok(Self::Times(1.0)),
            number => match number.trim_end_matches('x').parse::<f64>() {
                Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
                _ => Err("expected full, recorded, or a number above 0".to_owned()),
            },
        }
    }
}

impl Speed {
    /// The time at which a command is due, if it was recorded `since_first` after the first one.
    fn due(self, since_first: Duration) -> Duration {
        match self {
            Self::Full => Duration::ZERO,
            Self::Times(times) => since_first.div_f64(times),
        }
    }
}

/// The commands of a journal, from the first one on.
struct Recorded {
    /// The commands up to the one that opens the venue.
    opening: Vec<Command>,
    /// The last command that is replayed.
    last: u64,
}

pub(super) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let source = args.source.open()?;
    if source.content == Content::Events {
        bail!("{} holds events; only the commands of a journal can be replayed", source.dir().display());
    }
    let recorded = read_opening(&source, args.to)?;
    let config = config(args)?;
    let (data, _kept) = match &args.data {
        Some(dir) => (new_dir(dir)?, None),
        None => {
            let folder = tempfile::tempdir().context("no temporary directory")?;
            (folder.path().to_owned(), Some(folder))
        }
    };
    let data_dir = DataDir::new(&data);
    open_venue(&config, &data_dir, recorded.opening.clone())
        .context("the recorded venue cannot be opened")?;
    let launch = Launch {
        order_entry: OrderEntry::None,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    let mut engine = Engine::start(&config, &data, launch)?;
    let played = play(&source, &recorded, &mut engine, args.speed);
    let stopping = Instant::now();
    // The engine's own error comes first: it explains why the engine accepted no commands.
    let Stopped { shards, sql_complete } = engine.stop()?;
    let played = played?;
    let settled_in = stopping.elapsed();
    let digest = shards.context("the engine left no state behind")?.digest();
    let outcome = Outcome::compare(&source, recorded.last, &data_dir)?;
    let report = Report { played, settled_in, sql_complete, digest, outcome };
    report.print(&source, args.data.as_deref())?;
    Ok(if report.is_same() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// Reads the commands that opened the venue, and scans the journal.
fn read_opening(source: &Source, to: Option<u64>) -> anyhow::Result<Recorded> {
    let scanned = source.judge().into_result()?;
    if scanned.first_sequence() > 1 {
        bail!(
            "{} begins with command {}: the ones before it were removed, and a replay needs all of them",
            source.dir().display(),
            scanned.first_sequence()
        );
    }
    let last = (scanned.next_sequence() - 1).min(to.unwrap_or(u64::MAX));
    let mut opening = Vec::new();
    let mut reader = source.reader(1)?;
    while let Some(record) = reader.next()?.filter(|record| record.sequence <= last) {
        let Value::Command(command) = source.decode(&record)?.value else { continue };
        opening.push(command);
        if let Command::Venue(VenueCommand::Open { .. }) = command {
            return Ok(Recorded { opening, last });
        }
    }
    bail!("the venue is not open after {} of {}", count(last, source.content), source.dir().display());
}

/// Sizes and threads from the file. Timers are off, because their commands are already in the recording.
fn config(args: &ReplayArgs) -> anyhow::Result<Config> {
    let mut config = match &args.config {
        Some(file) => Config::load(file)?,
        None => Config::embedded_default(),
    };
    config.timers.tick_interval_ms = 0;
    // The new event log must be complete, and no additional order may be refused.
    config.retention.segments = OldSegments::Keep;
    config.retention.quota_mib = 0;
    config.instruments.iter_mut().for_each(|instrument| instrument.schedule.clear());
    config.indexes.iter_mut().for_each(|index| index.fixed_price = None);
    if let Some(mode) = args.mode {
        config.engine.mode = mode;
    }
    if config.engine.mode == ThreadingMode::Stepped {
        bail!("engine.mode = stepped is for simulations; a replay runs shared or dedicated");
    }
    Ok(config)
}

fn new_dir(dir: &Path) -> anyhow::Result<PathBuf> {
    let is_empty = match std::fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| format!("cannot list {}", dir.display())),
    };
    if !is_empty {
        bail!("{} is not empty; a replay needs a directory of its own", dir.display());
    }
    Ok(dir.to_owned())
}

fn play(source: &Source, recorded: &Recorded, engine: &mut Engine, speed: Speed) -> anyhow::Result<Played> {
    let opening = recorded.opening.len() as u64;
    let bar = progress_bar(recorded.last - opening);
    let mut reader = source.reader(opening + 1)?;
    let mut played = Played {
        opening,
        commands: 0,
        checkpoints: 0,
        elapsed: Duration::ZERO,
        recorded: Duration::ZERO,
        late_max: Duration::ZERO,
    };
    let mut first = None;
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let started = Instant::now();
    while let Some(record) = reader.next()?.filter(|record| record.sequence <= recorded.last) {
        let first = *first.get_or_insert(record.time_ns);
        played.recorded = Duration::from_nanos(record.time_ns.saturating_sub(first));
        let due = speed.due(played.recorded);
        if started.elapsed() < due {
            push(engine, &mut batch)?;
            bar.set_position(played.commands);
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        } else if let Speed::Times(_) = speed {
            played.late_max = played.late_max.max(started.elapsed() - due);
        }
        match source.decode(&record)?.value {
            Value::Command(Command::Venue(VenueCommand::Checkpoint(_))) => played.checkpoints += 1,
            Value::Command(command) => {
                batch.push(command);
                played.commands += 1;
            }
            Value::Event(_) => {}
        }
        if batch.len() == BATCH_MAX {
            push(engine, &mut batch)?;
            bar.set_position(played.commands);
        }
    }
    push(engine, &mut batch)?;
    let waiting = Instant::now();
    while !engine.watch().is_drained() && !engine.has_failed() && waiting.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_micros(200));
    }
    played.elapsed = started.elapsed();
    bar.finish_and_clear();
    Ok(played)
}

/// Pushes the batch, and waits while the engine has no room.
fn push(engine: &mut Engine, batch: &mut Vec<Command>) -> anyhow::Result<()> {
    let mut commands = batch.drain(..).peekable();
    let mut taken = Instant::now();
    while commands.peek().is_some() {
        let local = engine.local();
        let mut claim = local.commands.claim_up_to(BATCH_MAX);
        let room = claim.remaining();
        commands.by_ref().take(room).for_each(|command| claim.push(command));
        claim.publish();
        local.doorbell.ring();
        if room > 0 {
            taken = Instant::now();
        } else if engine.has_failed() || taken.elapsed() > PATIENCE {
            bail!("the engine takes nothing more in");
        } else {
            std::thread::yield_now();
        }
    }
    Ok(())
}

fn progress_bar(commands: u64) -> ProgressBar {
    let template = "playing {bar:30} {human_pos} of {human_len} commands, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template).expect("the template is fixed");
    ProgressBar::new(commands).with_finish(ProgressFinish::AndClear).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_words_or_multiples() {
        assert_eq!(Speed::from_str("full"), Ok(Speed::Full));
        assert_eq!(Speed::from_str("recorded"), Ok(Speed::Times(1.0)));
        assert_eq!(Speed::from_str("2.5"), Ok(Speed::Times(2.5)));
        assert_eq!(Speed::from_str("10x"), Ok(Speed::Times(10.0)));
        for wrong in ["", "fast", "0", "-1", "NaN", "inf"] {
            assert!(Speed::from_str(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(Speed::Times(4.0).due(Duration::from_secs(2)), Duration::from_millis(500));
        assert_eq!(Speed::Full.due(Duration::from_secs(2)), Duration::ZERO);
    }
}
