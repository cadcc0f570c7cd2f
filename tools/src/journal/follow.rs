//! `dojima-tools journal follow`: records as they are written.

use super::lines::{self, Show};
use super::selection::{FilterArgs, Selection};
use super::source::SourceArgs;
use anyhow::Context;
use clap::Args;
use crossbeam_channel::{RecvTimeoutError, bounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long it waits before it looks for more.
const PAUSE: Duration = Duration::from_millis(50);

/// Arguments of `dojima-tools journal follow`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dojima-tools journal follow data\n  \
    dojima-tools journal follow data --events --kind executed --instrument BTC-USDT\n  \
    dojima-tools journal follow data --last 0 --for 10\n\n\
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
    let started = Instant::now();
    let deadline = args.seconds.and_then(|seconds| started.checked_add(Duration::from_secs(seconds)));
    let (interrupt, interrupted) = bounded(1);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot handle signals")?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // One is enough: a second one finds the first still waiting.
            let _ = interrupt.try_send(());
        }
    });
    let source = args.source.open()?;
    let mut selection = Selection::new(&source, &args.filter)?;
    let show = if args.position { Show::Position } else { Show::Content };
    let mut reader = source.reader(1)?;
    let mut out = io::stdout().lock();
    // The records that are there already are read for the names in them; the last ones are shown once all are read.
    let mut waiting = VecDeque::new();
    let mut caught_up = false;
    loop {
        while let Some(record) = reader.next()? {
            if selection.is_past(&record) {
                waiting.drain(..).try_for_each(|line: String| writeln!(out, "{line}"))?;
                return Ok(ExitCode::SUCCESS);
            }
            if let Some(selected) = selection.take(&record)? {
                let line = lines::line(&selected.entry, &selected.concerns, selection.names(), show);
                waiting.push_back(line);
            }
            if !caught_up && waiting.len() > args.last {
                waiting.pop_front();
            }
            // A journal that grows as fast as it is read must not keep an interrupt waiting.
            if !interrupted.is_empty() {
                break;
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
    // Where nothing more came, that may be because nothing more can be read.
    source.check_end()?;
    Ok(ExitCode::SUCCESS)
}
