//! `dojima-tools journal follow`: prints records as they are written.

use super::lines::{self, Show};
use super::selection::{FilterArgs, Selection};
use super::source::SourceArgs;
use anyhow::Context;
use clap::Args;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The wait between two reads at the end.
const PAUSE: Duration = Duration::from_millis(50);
/// Number of full segments before the one in use that are searched for the last records.
const SEGMENTS_BEFORE: usize = 1;

/// Arguments of `dojima-tools journal follow`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dojima-tools journal follow data\n  \
    dojima-tools journal follow data --events --kind executed --instrument BTC-USDT\n  \
    dojima-tools journal follow data --last 0 --for 10\n\n\
    It begins at the end: the last records that are meant are looked for in the newest two segments, unless the filters name a range. \
    An order that was entered before those is not known, so a cancel of it has no instrument.\n\n\
    What is shown may not be on the disk yet: the journal is read as it is written. Ctrl-C ends it.")]
pub(super) struct FollowArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Begin with the last so many of the records that are there already and meant
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    last: usize,
    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Say in which segment and at which byte each record stands
    #[arg(long)]
    position: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

pub(super) fn run(args: &FollowArgs) -> anyhow::Result<ExitCode> {
    let (interrupt, interrupted) = bounded(1);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot handle signals")?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // One message is enough: a second signal finds the first message still waiting.
            let _ = interrupt.try_send(());
        }
    });
    follow(args, &interrupted, &mut io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints records until the time is over or an interrupt arrives.
fn follow(args: &FollowArgs, interrupted: &Receiver<()>, out: &mut impl Write) -> anyhow::Result<()> {
    let started = Instant::now();
    let deadline = args.seconds.and_then(|seconds| started.checked_add(Duration::from_secs(seconds)));
    let source = args.source.open()?;
    // A given range may be anywhere; without a range only the end is read.
    let (mut selection, (mut reader, first)) = match args.filter.has_range() {
        true => (Selection::new(&source, &args.filter)?, (source.reader(1)?, 1)),
        false => (Selection::at_end(&source, &args.filter)?, source.newest(SEGMENTS_BEFORE)?),
    };
    let show = if args.position { Show::Position } else { Show::Content };
    // The last of the existing records are printed when all existing records were read.
    let mut waiting = VecDeque::new();
    let mut caught_up = false;
    loop {
        while let Some(record) = reader.next()? {
            // An interrupt must work even if the journal grows as fast as it is read.
            if !interrupted.is_empty() {
                return Ok(());
            }
            if selection.is_past(&record) {
                waiting.drain(..).try_for_each(|line: String| writeln!(out, "{line}"))?;
                return Ok(());
            }
            if let Some(selected) = selection.take(&record)? {
                let line = lines::line(&selected.entry, &selected.concerns, selection.names(), show);
                match caught_up {
                    true => writeln!(out, "{line}")?,
                    false => waiting.push_back(line),
                }
            }
            if waiting.len() > args.last {
                waiting.pop_front();
            }
        }
        caught_up = true;
        waiting.drain(..).try_for_each(|line| writeln!(out, "{line}"))?;
        out.flush()?;
        let left =
            deadline.map_or(PAUSE, |deadline| deadline.saturating_duration_since(Instant::now()).min(PAUSE));
        match interrupted.recv_timeout(left) {
            Err(RecvTimeoutError::Timeout) if deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
            _ => break,
        }
    }
    // If no more records came, check that this is not because of damage.
    source.check_end(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use dojima::domain::{ClockCommand, Command, codec};
    use dojima::recovery::DataDir;
    use dojima_journal::{Options, scan};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        follow: FollowArgs,
    }

    #[test]
    fn who_interrupts_it_before_it_has_caught_up_is_shown_nothing_old() {
        let folder = tempfile::tempdir().expect("a directory");
        let options = Options::default().with_segment_bytes(64 * 1024).with_content(DataDir::COMMANDS);
        let mut writer = scan(folder.path()).expect("scanned").into_writer(options).expect("a writer");
        let mut payload = [0; codec::ENCODED_LEN_MAX];
        let length =
            codec::encode_command(&Command::Clock(ClockCommand::Tick), &mut payload).expect("encoded");
        for sequence in 1..=50 {
            writer.append(sequence, sequence, &payload[..length]).expect("appended");
        }
        let dir = folder.path().to_str().expect("UTF-8");
        let shown = |line: &[&str], interrupts: usize| {
            let (interrupt, interrupted) = bounded(1);
            (0..interrupts).for_each(|_| interrupt.send(()).expect("there is room"));
            let line = Line::parse_from([&["follow", dir], line].concat());
            let mut out = Vec::new();
            follow(&line.follow, &interrupted, &mut out).expect("it ends");
            String::from_utf8(out).expect("UTF-8").lines().count()
        };
        assert_eq!(shown(&["--for", "0"], 0), 10);
        assert_eq!(shown(&[], 1), 0);
        assert_eq!(shown(&["--from", "1", "--last", "50", "--for", "0"], 0), 50);
        assert_eq!(shown(&["--from", "1", "--last", "50"], 1), 0);
    }
}
