//! `dojima snapshot`: writes the state to a file, so that the next start does not have to replay the journal.

use super::args::{DataArgs, read_config};
use super::replay_bar::ReplayBar;
use super::{print, show};
use crate::engine::recovery_settings;
use crate::recovery::{
    self, DataDir, ImplausibleClock, Progress, Recovered, RecoveryError, RecoverySettings,
};
use crate::replica::{SnapshotInfo, Snapshots};
use crate::runtime::{Fatal, SystemClocks, WallClock};
use crate::stages::shadow::REQUEST_FILE;
use anyhow::{Context, bail};
use clap::Args;
use dojima_journal::JournalError;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Arguments of `dojima snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    #[command(flatten)]
    source: DataArgs,
    /// The configuration of the engine whose directory it is; the built-in one if left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Seconds to wait for the engine, where one is running
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// Requests a snapshot from the engine that runs on the directory, or writes one if no engine runs.
///
/// # Errors
/// When the directory cannot be recovered, the snapshot cannot be written, or the engine does not answer in time.
pub fn run(args: SnapshotArgs) -> anyhow::Result<ExitCode> {
    let config = read_config(args.config.as_deref())?;
    let data = DataDir::new(args.source.existing_dir()?);
    if dojima_journal::scan_beside(data.journal())?.scanned.next_sequence() == 1 {
        bail!("no commands in {}", data.journal().dir().display());
    }
    let snapshots = Snapshots::new(Arc::clone(data.snapshots()));
    let bar = ReplayBar::new();
    let on_progress = &mut |progress: Progress| bar.show(progress);
    // A snapshot assigns no time stamps.
    let settings = RecoverySettings {
        implausible_clock: ImplausibleClock::Accept,
        ..recovery_settings(&config, &data, SystemClocks::new().time())?
    };
    let recovered = recovery::recover(&data, &settings, on_progress);
    let (info, how) = match recovered {
        Ok(recovered) => (write(&snapshots, recovered)?, "written"),
        Err(RecoveryError::Journal(JournalError::Locked { .. })) => {
            (ask(&data, &snapshots, Duration::from_secs(args.timeout))?, "written by the running engine")
        }
        Err(error) => return Err(error.into()),
    };
    print(&data, &info, how)?;
    Ok(ExitCode::SUCCESS)
}

/// Seals the logs and writes the snapshot of their end. A start from the snapshot continues after its last event, so the
/// logs must be on the disk first.
///
/// # Errors
/// [`Fatal::JournalSync`], [`Fatal::EventLog`] or [`Fatal::Snapshot`], for the file that cannot be written.
pub fn write(snapshots: &Snapshots, recovered: Recovered) -> Result<SnapshotInfo, Fatal> {
    let Recovered { state, journal, event_log, lock, .. } = recovered;
    journal.seal().map_err(Fatal::journal_sync)?;
    event_log.seal().map_err(Fatal::event_log)?;
    let saved = snapshots.save(&state, state.shards.digest()).map_err(Fatal::snapshot);
    drop(lock);
    saved
}

/// Leaves a request for the engine, and waits until the engine has handled it.
fn ask(data: &DataDir, snapshots: &Snapshots, patience: Duration) -> anyhow::Result<SnapshotInfo> {
    const PAUSE: Duration = Duration::from_millis(20);
    let files = data.snapshots();
    files.prepare().with_context(|| format!("cannot create {}", files.dir().display()))?;
    files
        .write(REQUEST_FILE, &mut |_| Ok(()))
        .with_context(|| format!("cannot write {}", files.path(REQUEST_FILE).display()))?;
    let started = Instant::now();
    while files.open(REQUEST_FILE).is_ok() {
        if started.elapsed() > patience {
            let _ = files.remove(REQUEST_FILE);
            bail!(
                "the engine has written no snapshot within {}; see its log, and whether snapshots.enabled is true",
                show::duration(patience)
            );
        }
        std::thread::sleep(PAUSE);
    }
    let newest =
        *snapshots.positions()?.first().context("the engine took the request and left no snapshot")?;
    Ok(snapshots.info(newest)?)
}

fn print(data: &DataDir, info: &SnapshotInfo, how: &str) -> anyhow::Result<()> {
    let file = data.snapshots().path(&Snapshots::file_name(info.position));
    let rows = [
        ("snapshot", format!("{}, {how}", file.display())),
        ("command", show::thousands(info.position)),
        ("events", show::thousands(info.last_event)),
        ("size", show::bytes(info.bytes)),
        ("digest", info.digest.to_string()),
    ];
    Ok(show::rows(&mut print::stdout(), 13, rows)?)
}
