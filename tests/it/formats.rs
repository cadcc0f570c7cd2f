//! The formats live on: a data directory is committed under `golden/data` and must open, to the same state and the same
//! events; what is of another version is refused by name.
//!
//! All that is under `golden` is written anew, for a new version of a format, by
//!
//! ```text
//! cargo test --test it -- --ignored writes_the_golden
//! ```

mod day;
mod growth;
mod newer;

use crate::cli::Place;
use crate::codec::cases;
use crate::exchange::digests::{lists, opening_commands};
use crate::support::venue;
use dojima::domain::{Command, EventRecord, Stamp, Timestamp, VenueCommand, codec, versions};
use dojima::recovery::{DataDir, ImplausibleClock, Recovered, RecoveryError, RecoverySettings, recover};
use dojima::replica::{Snapshots, State};
use dojima_journal::layout::{CONTENT_VERSION_AT, HEADER_CRC_AT, SEGMENT_HEADER_BYTES};
use dojima_journal::{Content, JournalError, Options, Writer, scan_storage};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/data")
}

/// Says the digest of the state that the golden directory comes to.
fn about() -> PathBuf {
    golden().join("digest.txt")
}

/// A copy that may be written to.
fn copy() -> TempDir {
    copy_of(&golden())
}

/// A copy of a golden directory that may be written to.
fn copy_of(golden: &Path) -> TempDir {
    let copy = TempDir::new().expect("a temporary directory");
    for part in ["journal", "events", "snapshots"] {
        fs::create_dir(copy.path().join(part)).expect("made");
        for entry in fs::read_dir(golden.join(part)).expect("the golden directory is there") {
            let from = entry.expect("an entry").path();
            fs::copy(&from, copy.path().join(part).join(from.file_name().expect("a name"))).expect("copied");
        }
    }
    copy
}

fn options(content: Content) -> Options {
    let oldest =
        if content == DataDir::COMMANDS { versions::COMMANDS_OLDEST } else { versions::EVENTS_OLDEST };
    let options = Options::default().with_segment_bytes(32 * 1024).with_spare_segments(0);
    options.with_content(content).with_oldest_version(oldest)
}

fn recovered(dir: &Path) -> Result<Recovered, RecoveryError> {
    let settings = RecoverySettings {
        journal: options(DataDir::COMMANDS).with_oldest_version(versions::COMMANDS_OLDEST),
        event_log: options(DataDir::EVENTS).with_oldest_version(versions::EVENTS_OLDEST),
        opening: Vec::new(),
        now: Timestamp(0),
        // Its commands are as old as it is.
        implausible_clock: ImplausibleClock::Accept,
        proofs: Vec::new(),
    };
    recover(&DataDir::new(dir), &settings, &mut |_| {})
}

#[test]
fn the_golden_data_directory_opens() {
    let place = copy();
    let found = recovered(place.path()).expect("it opens");
    let from = found.report.snapshot.as_ref().map(|info| info.position).expect("a snapshot is used");
    assert!(from > 50 && found.report.commands > 20, "{from}");
    assert_eq!(found.report.skipped, []);
    assert_eq!((found.report.events_logged, found.report.events_cut), (0, 0), "the event log says the same");
    let from_snapshot = found.state.shards.digest().to_string();
    drop(found);

    // And from the first command on.
    fs::remove_dir_all(place.path().join("snapshots")).expect("removed");
    let found = recovered(place.path()).expect("it opens");
    assert!(found.report.snapshot.is_none());
    let from_the_first = found.state.shards.digest().to_string();
    let digest = fs::read_to_string(about()).expect("the digest is there");
    assert_eq!([from_snapshot.as_str(), from_the_first.as_str()], [digest.trim_end(); 2]);
    assert_eq!(found.report.events_logged, 0);
}

/// The header of a segment says its format's version in bytes 8 to 11.
#[test]
fn another_format_version_is_refused_with_both_versions() {
    for part in ["journal", "events"] {
        let place = copy();
        let file =
            fs::read_dir(place.path().join(part)).expect("listed").map(|e| e.expect("an entry").path());
        let file = file.max().expect("a segment");
        let mut bytes = fs::read(&file).expect("readable");
        bytes[8] = 2;
        fs::write(&file, bytes).expect("writable");
        let refused = recovered(place.path()).map(drop).expect_err("refused").to_string();
        for words in ["version 2", "version 1", &file.display().to_string()] {
            assert!(refused.contains(words), "{part}: {refused}");
        }
    }
}

/// Makes the segments of a part say that their payloads are of this version.
fn relabel(data: &Path, part: &str, version: u16) {
    for entry in fs::read_dir(data.join(part)).expect("listed") {
        let file = entry.expect("an entry").path();
        let mut bytes = fs::read(&file).expect("readable");
        bytes[CONTENT_VERSION_AT..CONTENT_VERSION_AT + 2].copy_from_slice(&version.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        bytes[HEADER_CRC_AT..SEGMENT_HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
        fs::write(&file, bytes).expect("writable");
    }
}

/// Every file of a data directory and what is in it.
fn files(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let folders = ["journal", "events", "snapshots"].map(|part| data.join(part));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("listed"));
    let paths = entries.map(|entry| entry.expect("an entry").path()).filter(|path| !path.ends_with("lock"));
    paths.map(|path| (path.clone(), fs::read(&path).expect("readable"))).collect()
}

#[test]
fn a_directory_of_another_version_is_refused_with_exit_code_14_and_both_versions() {
    let supported = DataDir::COMMANDS.version;
    for found in [0, versions::COMMANDS_OLDEST - 1, supported + 1] {
        let place = Place::new();
        fs::rename(copy().keep(), place.data()).expect("moved");
        for part in ["journal", "events"] {
            relabel(&place.data(), part, found);
        }
        let before = files(&place.data());
        for command in ["replay", "verify", "serve"] {
            let more: &[&str] = if command == "serve" { &["--listen", "127.0.0.1:0"] } else { &[] };
            let done = place.run(command, more);
            assert_eq!(done.code, Some(14), "{command}: {}", done.stderr);
            let journal = place.data().join("journal").display().to_string();
            let both = format!("commands of version {found}, but this build reads version {supported}");
            for words in [&journal, &both, "start the dojima that wrote them"] {
                assert!(done.stderr.contains(words), "{command}: {}", done.stderr);
            }
        }
        assert!(files(&place.data()) == before, "something was changed");
    }
}

/// It can be made again from the journal.
#[test]
fn an_event_log_of_another_version_is_refused_with_both() {
    let place = copy();
    let older = versions::EVENTS_OLDEST - 1;
    relabel(place.path(), "events", older);
    let refused = recovered(place.path()).map(drop).expect_err("refused");
    assert!(matches!(refused, RecoveryError::EventLog(JournalError::OtherContent { .. })), "{refused}");
    let refused = refused.to_string();
    for version in [older, DataDir::EVENTS.version] {
        assert!(refused.contains(&format!("version {version}")), "{refused}");
    }
}

/// A journal where the event log should be, and the other way round.
#[test]
fn journal_and_event_log_are_not_taken_for_each_other() {
    let place = copy();
    let [journal, events, away] = ["journal", "events", "away"].map(|name| place.path().join(name));
    fs::rename(&journal, &away).expect("moved");
    fs::rename(&events, &journal).expect("moved");
    fs::rename(&away, &events).expect("moved");
    fs::remove_dir_all(place.path().join("snapshots")).expect("removed");
    let refused = recovered(place.path()).map(drop).expect_err("refused");
    assert!(matches!(refused, RecoveryError::Journal(JournalError::OtherContent { .. })), "{refused}");
}

fn writer(data: &DataDir, part: &str, content: Content) -> Writer {
    let files = if part == "journal" { data.journal() } else { data.event_log() };
    scan_storage(Arc::clone(files)).expect("scanned").into_writer(options(content)).expect("a writer")
}

/// Writes a data directory that these commands made, `step` ns apart from `begin` on, with a snapshot after that of index `snapshot_at`.
fn write_data_directory(folder: &Path, commands: &[Command], begin: u64, step: u64, snapshot_at: usize) {
    let _ = fs::remove_dir_all(folder);
    let data = DataDir::new(folder);
    let mut journal = writer(&data, "journal", DataDir::COMMANDS);
    let mut log = writer(&data, "events", DataDir::EVENTS);
    let mut state = State::empty();
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    for (at, command) in commands.iter().enumerate() {
        let stamp = Stamp { sequence: at as u64 + 1, time: Timestamp(begin + step * at as u64) };
        let len = codec::encode_command(command, &mut payload).expect("fits");
        journal.append(stamp.sequence, stamp.time.0, &payload[..len]).expect("appended");
        let mut events: Vec<EventRecord> = Vec::new();
        let applied: Result<(), ()> = state.apply(stamp, command, &mut |event| {
            events.push(*event);
            Ok(())
        });
        applied.expect("events are taken");
        for event in events {
            let len = codec::encode_event(&event, &mut payload).expect("fits");
            log.append(event.number, event.time.0, &payload[..len]).expect("appended");
        }
        if at == snapshot_at {
            let snapshots = Snapshots::new(Arc::clone(data.snapshots()));
            snapshots.save(&state, state.shards.digest()).expect("saved");
        }
    }
    journal.seal().expect("sealed");
    log.seal().expect("sealed");
    for part in ["journal", "events"] {
        fs::remove_file(folder.join(part).join("lock")).expect("removed");
    }
    fs::write(folder.join("digest.txt"), format!("{}\n", state.shards.digest())).expect("written");
}

#[test]
#[ignore = "writes the golden directory"]
fn writes_the_golden_data_directory() {
    let several = lists().into_iter().step_by(5).flat_map(|(_, list)| list);
    let commands: Vec<Command> = [Command::Venue(VenueCommand::SetLimits { limits: venue::limits(500) })]
        .into_iter()
        .chain(opening_commands())
        .chain([Command::Venue(VenueCommand::Open { config_digest: 7 })])
        .chain(several)
        .chain(cases::commands().into_iter().map(|(_, command)| command))
        .collect();
    write_data_directory(&golden(), &commands, 0, 1_000, commands.len() * 2 / 3);
}
