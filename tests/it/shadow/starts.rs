//! Starts from snapshots, good and bad.

use super::{EVERY, Place, damage};
use crate::support::commands::Commands;
use dojima::config::Durability;
use dojima::domain::{Checkpoint, Command, VenueCommand, codec};
use dojima::recovery::RecoveryError;
use dojima_journal::{Options, scan};
use std::fs;
use std::path::Path;

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// What a loss of power can leave in `async` mode: a snapshot of the journal's last command, and later events.
#[test]
fn an_event_log_that_is_ahead_of_a_journal_with_nothing_to_replay_is_cut() {
    let mut place = Place::new();
    place.config.journal.durability = Durability::Async;
    let stopped = place.run_and_stop(100);
    let digest = stopped.shards.expect("the matcher hands back its exchange").digest();
    let position = place.positions()[0];
    let kept = place.path().join("kept");
    copy(place.data().journal().dir(), &kept);
    let events = place.logged();
    place.run_and_kill(50);
    assert!(place.logged().len() > events.len() && place.positions() == [position]);
    copy(&kept, place.data().journal().dir());
    let report = place.assert_starts(Some(position), digest);
    assert_eq!(report.commands, 0);
    assert!(report.events_cut > 0);
    assert!(place.logged() == events);

    // One whose last command ended elsewhere is of another history.
    let mut other = Place::new();
    other.commands = Commands::new(77);
    other.run_and_kill(150);
    copy(&kept, place.data().journal().dir());
    copy(other.data().event_log().dir(), place.data().event_log().dir());
    let (why, code) = place.refused();
    assert!(why.contains("a replay of the journal gives nothing") && code == 16, "{code}: {why}");
}

#[test]
fn a_start_goes_on_from_the_newest_snapshot() {
    let mut place = Place::new();
    place.run_and_kill(3 * EVERY as usize);
    let newest = place.positions()[0];
    assert!(newest > 2 * EVERY && newest.is_multiple_of(EVERY), "{newest}");
    let whole = place.replayed();
    let report = place.assert_starts(Some(newest), whole.shards.digest());
    assert_eq!(report.commands, whole.last.sequence - newest);
    assert_eq!((report.events, report.events_logged), (whole.last_event, 0));
    assert!(report.skipped.is_empty());
}

/// What surrounds the exchange comes back too: streams, listings, the opening.
#[test]
fn everything_that_was_recovered_is_what_a_replay_gives() {
    let mut place = Place::new();
    place.run_and_kill(3 * EVERY as usize);
    let whole = place.replayed();
    let (state, _) = place.snapshots().load(place.positions()[0]).expect("loaded");
    let mut state = state;
    let journal = place.data();
    dojima::recovery::replay(&mut state, journal.journal(), 0, None, &mut |_| Ok(()), &mut |_| {})
        .expect("replayed");
    assert_eq!(format!("{:?}", state.streams), format!("{:?}", whole.streams));
    assert_eq!(format!("{:?}", state.listings), format!("{:?}", whole.listings));
    assert_eq!(state.opening, whole.opening);
    assert_eq!((state.last, state.last_event), (whole.last, whole.last_event));
}

#[test]
fn a_clean_stop_leaves_a_snapshot_and_the_next_start_has_nothing_to_replay() {
    let mut place = Place::new();
    let stopped = place.run_and_stop(EVERY as usize / 2);
    let digest = stopped.shards.expect("the exchange").digest();
    let end = place.replayed().last.sequence;
    assert_eq!(place.positions(), [end]);
    let report = place.assert_starts(Some(end), digest);
    assert_eq!(report.commands, 0);
    // Nothing has happened since: no second one.
    assert_eq!(place.positions(), [end]);
}

#[test]
fn a_damaged_snapshot_gives_way_to_the_one_before_and_then_to_the_whole_journal() {
    let mut place = Place::new();
    place.run_and_kill(4 * EVERY as usize);
    let digest = place.replayed().shards.digest();
    let positions = place.positions();
    assert_eq!(positions.len(), 2, "two are kept");

    damage(&place.file(positions[0]), 200);
    let engine = place.start().expect("the engine starts");
    assert_eq!(engine.report.snapshot.as_ref().map(|info| info.position), Some(positions[1]));
    let [skipped] = &engine.report.skipped[..] else { panic!("{:?}", engine.report.skipped) };
    assert_eq!(skipped.position, positions[0]);
    let name = place.file(positions[0]).display().to_string();
    assert!(skipped.why.contains(&name), "{}", skipped.why);
    drop(engine);

    damage(&place.file(positions[1]), 20);
    let report = place.assert_starts(None, digest);
    assert_eq!(report.skipped.len(), 2);
}

#[test]
fn a_snapshot_that_was_not_finished_is_none() {
    let mut place = Place::new();
    place.run_and_kill(2 * EVERY as usize);
    let digest = place.replayed().shards.digest();
    let newest = place.positions()[0];
    let whole = fs::read(place.file(newest)).expect("readable");
    fs::write(place.file(newest).with_extension("snap.tmp"), &whole[..whole.len() / 2]).expect("written");
    place.assert_starts(Some(newest), digest);
}

#[test]
fn a_journal_that_ends_before_a_snapshot_is_refused() {
    let mut place = Place::new();
    place.run_and_kill(3 * EVERY as usize);
    let newest = place.positions()[0];
    // Somebody puts an older copy of the journal back.
    let journal = place.data();
    let journal = journal.journal().dir().to_owned();
    let writer = scan(&journal).expect("scanned").into_writer_truncated(
        newest - 10,
        Options::default().with_content(dojima::recovery::DataDir::COMMANDS).with_spare_segments(0),
    );
    drop(writer.expect("cut"));
    let (why, code) = place.refused();
    assert_eq!(code, 22);
    for words in ["acknowledged commands are missing", &(newest - 10).to_string(), &newest.to_string()] {
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn a_journal_without_its_beginning_needs_a_snapshot() {
    let mut place = Place::new();
    place.config.retention.segments = dojima::config::OldSegments::Delete;
    place.config.retention.resend_hours = 0;
    let segments = |place: &Place| scan(place.data().journal().dir()).expect("scanned").segments().len();
    while segments(&place) < 2 || scan(place.data().journal().dir()).expect("scanned").first_sequence() == 1 {
        place.run_and_kill(5_000);
    }
    let positions = place.positions();
    positions.iter().for_each(|position| damage(&place.file(*position), 100));
    let (why, code) = place.refused();
    assert_eq!(code, 22);
    assert!(why.contains("no snapshot reaches it"), "{why}");
    for position in positions {
        assert!(why.contains(&place.file(position).display().to_string()), "{why}");
    }
}

#[test]
fn a_lost_event_log_is_built_again_from_the_journal() {
    let mut place = Place::new();
    place.run_and_kill(3 * EVERY as usize);
    let (events, whole) = (place.logged(), place.replayed());
    fs::remove_dir_all(place.data().event_log().dir()).expect("removed");
    let report = place.assert_starts(None, whole.shards.digest());
    assert_eq!(report.events_logged, whole.last_event);
    assert_eq!(report.skipped.len(), place.positions().len().min(2), "no snapshot is old enough");
    assert!(place.logged() == events);
}

/// The events cannot be made again where the commands are gone; a log that was moved away begins anew.
#[test]
fn an_event_log_that_cannot_be_built_again_is_begun_anew_only_if_it_was_moved_away() {
    let mut place = Place::new();
    place.config.retention.segments = dojima::config::OldSegments::Delete;
    // Market data would have to be made of the events that are gone, and says so.
    place.config.market_data.enabled = false;
    while scan(place.data().journal().dir()).expect("scanned").first_sequence() == 1 {
        place.run_and_kill(5_000);
    }
    // Moved away.
    let log = place.data().event_log().dir().to_owned();
    let away = log.with_extension("away");
    fs::rename(&log, &away).expect("moved");
    let newest = place.positions()[0];
    let (state, info) = place.snapshots().load(newest).expect("loaded");
    assert!(state.last_event == info.last_event);
    let engine = place.start().expect("the engine starts");
    assert_eq!(engine.report.snapshot.as_ref().map(|info| info.position), Some(newest));
    drop(engine);
    assert_eq!(scan(&log).expect("scanned").first_sequence(), info.last_event + 1);
    // Cut short, in its first segment.
    fs::remove_dir_all(&log).expect("removed");
    fs::create_dir(&log).expect("made");
    let first = fs::read_dir(&away).expect("listed").map(|entry| entry.expect("an entry").path()).min();
    let first = first.filter(|path| path.extension().is_some_and(|e| e == "seg")).expect("a segment");
    fs::copy(&first, log.join(first.file_name().expect("a name"))).expect("copied");
    let (why, code) = place.refused();
    assert_eq!(code, 16, "{why}");
}

#[test]
fn a_state_that_is_not_the_recorded_one_stops_the_replay_with_both_digests() {
    let mut place = Place::new();
    place.config.snapshots.enabled = false;
    place.run_and_kill(50);
    let state = place.replayed();
    let (of, digest) = (state.last.sequence, state.shards.digest());
    let append = |checkpoint: Checkpoint| {
        let data = place.data();
        let options =
            Options::default().with_content(dojima::recovery::DataDir::COMMANDS).with_spare_segments(0);
        let mut journal =
            scan(data.journal().dir()).expect("scanned").into_writer(options).expect("a writer");
        let mut payload = [0; codec::ENCODED_LEN_MAX];
        let len = codec::encode_command(&Command::Venue(VenueCommand::Checkpoint(checkpoint)), &mut payload)
            .expect("fits");
        let next = journal.next_sequence();
        journal.append(next, state.last.time.0, &payload[..len]).expect("appended");
        journal.sync().expect("synced");
    };
    append(Checkpoint { of, digest: digest.0 });
    let engine = place.start().expect("the engine starts");
    assert_eq!(engine.report.checkpoints, 1);
    drop(engine);

    let mut other = digest;
    other.0[0] ^= 1;
    append(Checkpoint { of, digest: other.0 });
    let refused = place.start().map(|_| ()).expect_err("refused");
    assert_eq!(refused.exit_code(), 23);
    let dojima::engine::StartError::Recovery(RecoveryError::StateDiverged { of: at, recorded, replayed }) =
        refused
    else {
        panic!("{refused}")
    };
    assert_eq!((at, recorded, replayed), (of, other, digest));
}

/// A snapshot whose checksums hold and whose state is not the one that it says it is of.
#[test]
fn a_snapshot_that_restores_to_another_state_is_not_taken() {
    let mut place = Place::new();
    place.run_and_kill(2 * EVERY as usize);
    let digest = place.replayed().shards.digest();
    let positions = place.positions();
    let (state, mut info) = place.snapshots().load(positions[0]).expect("loaded");
    info.digest.0[3] ^= 1;
    place.snapshots().save(&state, info.digest).expect("saved");
    let report = place.assert_starts(positions.get(1).copied(), digest);
    let [skipped] = &report.skipped[..] else { panic!("{:?}", report.skipped) };
    assert!(skipped.why.contains(&info.digest.to_string()), "{}", skipped.why);
}
