//! Old files go when nothing needs them any more, and not before.

use super::Place;
use dojima::config::OldSegments;
use dojima_journal::storage::Storage;
use dojima_journal::{ArchivedStorage, Reader, scan};
use std::sync::Arc;

/// Lives until journal and event log have lost their first segment.
fn until_retired(place: &mut Place) {
    let first = |files: &Arc<dyn Storage>| scan(files.dir()).expect("scanned").first_sequence();
    for _ in 0..30 {
        place.run_and_kill(5_000);
        let data = place.data();
        if first(data.journal()) > 1 && first(data.event_log()) > 1 {
            return;
        }
    }
    panic!("nothing was retired");
}

#[test]
fn segments_that_no_snapshot_needs_go_and_starts_go_on() {
    let mut place = Place::new();
    place.config.retention.segments = OldSegments::Delete;
    place.config.retention.resend_hours = 0;
    until_retired(&mut place);
    let oldest = *place.positions().last().expect("snapshots");
    let info = place.snapshots().info(oldest).expect("readable");
    let data = place.data();
    // What the oldest snapshot needs is there: the command and the event after it, and more.
    assert!(scan(data.journal().dir()).expect("scanned").first_sequence() <= oldest + 1);
    assert!(scan(data.event_log().dir()).expect("scanned").first_sequence() <= info.last_event + 1);
    let engine = place.start().expect("the engine starts");
    let digest = engine.recovered;
    drop(engine);
    // From the older of the two it comes to the same.
    place.snapshots().remove(place.positions()[0]).expect("removed");
    place.assert_starts(Some(oldest), digest);
}

#[test]
fn archived_segments_can_be_read_again_from_the_first_record() {
    let mut place = Place::new();
    place.config.retention.segments = OldSegments::Archive;
    place.config.retention.resend_hours = 0;
    until_retired(&mut place);
    let data = place.data();
    for files in [data.journal(), data.event_log()] {
        let archived: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::clone(files)));
        let mut reader = Reader::open_storage(archived, 1).expect("opened");
        let mut next = 1;
        while let Some(record) = reader.next().expect("read") {
            assert_eq!(record.sequence, next);
            next += 1;
        }
        assert_eq!(next, scan(files.dir()).expect("scanned").next_sequence());
    }
}

#[test]
fn events_that_sql_has_not_taken_stay() {
    let mut place = Place::new();
    place.config.retention.segments = OldSegments::Delete;
    place.config.retention.resend_hours = 0;
    // A database that cannot be opened: its place is taken by a folder.
    place.config.sql.enabled = true;
    std::fs::create_dir_all(place.path().join(&place.config.sql.path)).expect("made");
    for _ in 0..6 {
        place.run_and_kill(5_000);
    }
    let data = place.data();
    assert!(scan(data.journal().dir()).expect("scanned").first_sequence() > 1, "the journal is not needed");
    assert_eq!(scan(data.event_log().dir()).expect("scanned").first_sequence(), 1);
}

#[test]
fn events_stay_for_clients_that_may_resume() {
    let mut place = Place::new();
    place.config.retention.segments = OldSegments::Delete;
    place.config.retention.resend_hours = 1;
    for _ in 0..6 {
        place.run_and_kill(5_000);
    }
    let data = place.data();
    assert!(scan(data.journal().dir()).expect("scanned").first_sequence() > 1, "the journal is not needed");
    let log = scan(data.event_log().dir()).expect("scanned");
    assert_eq!(log.first_sequence(), 1);
    assert!(log.segments().len() > 2);
}
