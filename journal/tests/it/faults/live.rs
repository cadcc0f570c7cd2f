//! Faults that strike a writer, and what it and the next start make of them.

use super::{Expected, append_batches, check};
use crate::{append, entries, open, read, scan, small};
use dojima_journal::storage::Storage;
use dojima_journal::{
    Action, AppendError, Fault, JournalError, Kept, MemoryStorage, Reader, Step, SyncError, scan_storage,
};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Strikes the first step of this action from now on, and counts how many of them there were.
fn strike(storage: &MemoryStorage, action: Action, fault: Fault) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    storage.set_faults(move |step: &Step<'_>| {
        let first = step.action == action && counted.fetch_add(1, Ordering::Relaxed) == 0;
        first.then(|| fault.clone())
    });
    count
}

const TAIL: &str = "0000000001.seg";

/// 20 records that are synced, then five whose sync goes wrong.
fn failing_sync(fault: Fault) -> (MemoryStorage, Arc<AtomicU64>, dojima_journal::Writer) {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append_batches(&mut writer, 4);
    append(&mut writer, 5);
    let syncs = strike(&storage, Action::Sync, fault);
    (storage, syncs, writer)
}

/// Whatever a failed sync did or did not write, it is never tried again, and nothing is accepted after it.
#[test]
fn failed_syncs() {
    // (fault, records on the disk after a loss of power that keeps nothing else)
    for (fault, left) in [
        (Fault::Refuse(ErrorKind::Other), Expected::Whole(20)),
        (Fault::Refuse(ErrorKind::StorageFull), Expected::Whole(20)),
        (Fault::Short(0), Expected::Whole(20)),
        (Fault::Short(50), Expected::Torn(20)),
        (Fault::Short(100), Expected::Torn(21)),
        (Fault::DoneButFails, Expected::Whole(25)),
    ] {
        let row = format!("{fault:?}");
        let (storage, syncs, mut writer) = failing_sync(fault);
        match writer.sync() {
            Err(SyncError::Failed { file, source }) => {
                assert!(file.ends_with(TAIL), "{row}");
                assert!(!source.to_string().is_empty(), "{row}");
            }
            other => panic!("{row}: {other:?}"),
        }
        // The disk would take it now, and say that all is well: the pages count as clean.
        for _ in 0..3 {
            assert!(matches!(writer.sync(), Err(SyncError::Poisoned)), "{row}");
            assert_eq!(writer.append(26, 0, b"more"), Err(AppendError::Poisoned), "{row}");
        }
        assert_eq!((writer.durable(), writer.synced()), (20, 20), "{row}");
        assert!(matches!(writer.seal(), Err(SyncError::Poisoned)), "{row}");
        assert_eq!(syncs.load(Ordering::Relaxed), 1, "{row}: no sync reaches the disk after the failed one");
        storage.clear_faults();
        // The restart after a failed sync finds what the process saw, and after a loss of power what the disk has.
        check(&row, &storage.after_crash(|_, _| false), &left);
    }
}

/// A restart after a failed sync must not trust the page cache to be written: it syncs, and the kernel may say that there
/// is nothing to write. What it then holds for durable is on no disk; only what was acknowledged before counts.
#[test]
fn what_was_acknowledged_before_a_failed_sync_is_never_lost() {
    let (storage, _, mut writer) = failing_sync(Fault::Refuse(ErrorKind::Other));
    writer.sync().expect_err("fails");
    drop(writer);
    storage.clear_faults();
    let mut writer = open(&storage);
    assert_eq!(writer.durable(), 25, "the page cache holds them");
    append(&mut writer, 5);
    assert_eq!(writer.sync().expect("syncs"), 30);
    drop(writer);
    let after = storage.after_crash(|_, _| false);
    match scan(&after) {
        // Whether the sectors of the lost pages were written again with later records decides; never silence.
        Ok(scanned) => assert!(scanned.next_sequence() > 20),
        Err(JournalError::Damaged { file, .. }) => assert!(file.ends_with(TAIL)),
        Err(error) => panic!("{error}"),
    }
}

/// Disks that lie: they say that a sync is done.
#[test]
fn lying_syncs() {
    for (row, fault, syncs_after, expected) in [
        // Nobody can know: there is nothing left of the records.
        ("ignored, then the power fails", Fault::Ignore, 0, Expected::Whole(20)),
        ("ignored, and later ones are done", Fault::Ignore, 2, Expected::Refused(TAIL, offset_of(21))),
        (
            "misdirected over the records before",
            Fault::Misdirect { file: TAIL.to_owned(), offset: offset_of(3) },
            2,
            Expected::Refused(TAIL, offset_of(3)),
        ),
        // Nor here: the records that went astray say that those before them were synced, and nothing of themselves.
        (
            "misdirected into the unused space, then the power fails",
            Fault::Misdirect { file: TAIL.to_owned(), offset: 3072 },
            0,
            Expected::Torn(20),
        ),
        (
            "misdirected over the segment header",
            Fault::Misdirect { file: TAIL.to_owned(), offset: 0 },
            0,
            Expected::Refused(TAIL, 0),
        ),
        (
            "misdirected to a file that nobody reads",
            Fault::Misdirect { file: "lost+found".to_owned(), offset: 0 },
            2,
            Expected::Refused(TAIL, offset_of(21)),
        ),
    ] {
        let storage = MemoryStorage::new();
        let mut writer = open(&storage);
        append_batches(&mut writer, 4);
        strike(&storage, Action::Sync, fault);
        // More than a sector, so that no later sync writes all of what was lost as well.
        append(&mut writer, 20);
        writer.sync().expect("the disk says so");
        for _ in 0..syncs_after {
            append(&mut writer, 10);
            writer.sync().expect("the disk says so");
        }
        drop(writer);
        check(row, &storage.after_crash(|_, _| false), &expected);
    }
}

/// Where record `sequence` of the first segment begins.
fn offset_of(sequence: u64) -> u64 {
    let bytes = |sequence| (32 + crate::entry(sequence).2.len() as u64).next_multiple_of(8);
    64 + (1..sequence).map(bytes).sum::<u64>()
}

/// Every subset of the sectors that were on their way, each torn too, around a roll-over.
#[test]
fn pages_persisted_out_of_order() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    while writer.next_sequence() < 50 {
        append(&mut writer, 1);
    }
    let synced = writer.sync().expect("sync");
    append(&mut writer, 44);
    let mut in_flight = Vec::new();
    drop(storage.after_crash(|name, offset| {
        in_flight.push((name.to_owned(), offset));
        false
    }));
    assert!((5..=8).contains(&in_flight.len()), "{in_flight:?}");
    assert!(in_flight.iter().any(|(_, offset)| *offset == 0), "a fresh segment's header: {in_flight:?}");
    let (mut torn, mut least, mut most) = (0, u64::MAX, 0);
    for kept in 0..3_usize.pow(in_flight.len() as u32) {
        let mut rest = kept;
        let after = storage.after_crash(|_, offset| {
            let how = rest % 3;
            rest /= 3;
            match how {
                0 => Kept::Nothing,
                // A sector with a segment header is written as a whole; that is all the format needs of a disk.
                1 if offset == 0 => Kept::All,
                1 => Kept::First(100),
                _ => Kept::All,
            }
        });
        let scanned = scan(&after).unwrap_or_else(|error| panic!("{kept}: {error}"));
        let last = scanned.next_sequence() - 1;
        assert!((synced..=93).contains(&last), "{kept}: {last} left");
        assert_eq!(read(&after, 1), entries(1..=last), "{kept}");
        torn += u64::from(matches!(scanned.verdict(), dojima_journal::Verdict::TornTail { .. }));
        (least, most) = (least.min(last), most.max(last));
        let mut writer = scanned.into_writer(small()).expect("opens");
        append(&mut writer, 2);
        assert_eq!(read(&after, 1), entries(1..=last + 2), "{kept}");
    }
    assert!(torn > 0 && least == synced && most == 93, "{torn} torn, {least} to {most} left");
}

/// A disk that can be read and not written.
#[test]
fn read_only_storage() {
    for kind in [ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied] {
        let storage = MemoryStorage::new();
        append_batches(&mut open(&storage), 30);
        let before = storage.bytes(TAIL);
        storage.set_faults(move |step: &Step<'_>| {
            let writes = step.action.changes_disk() || matches!(step.action, Action::Lock | Action::Map);
            writes.then_some(Fault::Refuse(kind))
        });
        assert_eq!(read(&storage, 1), entries(1..=150), "readers need no more");
        let scanned = scan(&storage).expect("a scan needs no more");
        let error = scanned.into_writer(small()).expect_err("refused");
        assert!(
            matches!(&error, JournalError::Io { action: "lock", source, .. } if source.kind() == kind),
            "{error}"
        );
        assert_eq!(storage.bytes(TAIL), before);
        storage.clear_faults();
        append_batches(&mut open(&storage), 2);
    }
}

/// One thing refused at a time: the error names what was tried and on which file, and nothing is damaged.
#[test]
fn permissions() {
    for (action, on, tried) in [
        (Action::Prepare, "(memory)", "create"),
        (Action::Lock, "(memory)", "lock"),
        (Action::List, "(memory)", "list"),
        (Action::Open, "seg", ""),
        (Action::Read, "seg", "read"),
        (Action::Map, "seg", "open for writing"),
        (Action::Sync, "seg", "sync"),
    ] {
        let storage = MemoryStorage::new();
        append_batches(&mut open(&storage), 30);
        strike(&storage, action, Fault::Refuse(ErrorKind::PermissionDenied));
        let error = scan(&storage).and_then(|scanned| scanned.into_writer(small())).expect_err("refused");
        match &error {
            JournalError::Io { action: what, path, source } => {
                assert!(what.contains(tried), "{action:?}: {error}");
                assert!(path.display().to_string().ends_with(on), "{action:?}: {error}");
                assert_eq!(source.kind(), ErrorKind::PermissionDenied, "{action:?}");
            }
            error => panic!("{action:?}: {error}"),
        }
        storage.clear_faults();
        let mut writer = open(&storage);
        append(&mut writer, 5);
        assert_eq!(read(&storage, 1), entries(1..=155), "{action:?}");
    }
}

/// A reader passes a read that fails to its caller, and goes on when the disk does.
#[test]
fn failing_reads() {
    let storage = MemoryStorage::new();
    append_batches(&mut open(&storage), 30);
    let mut reader = Reader::open_storage(Arc::new(storage.clone()), 1).expect("opens");
    let mut next = 1;
    let mut failures = 0;
    while next <= 150 {
        strike(&storage, Action::Read, Fault::Refuse(ErrorKind::Other));
        match reader.next() {
            Ok(record) => {
                assert_eq!(record.expect("a record").sequence, next);
                next += 1;
            }
            Err(JournalError::Io { action: "read", .. }) => {
                failures += 1;
                storage.clear_faults();
                assert_eq!(reader.next().expect("reads").expect("a record").sequence, next);
                next += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(failures > 0);
}

/// A file that is there in the list and gone when it is opened.
#[test]
fn a_segment_that_vanishes_is_an_error() {
    let storage = MemoryStorage::new();
    append_batches(&mut open(&storage), 30);
    strike(&storage, Action::Open, Fault::Refuse(ErrorKind::NotFound));
    let error = scan_storage(Arc::new(storage.clone())).expect_err("refused");
    assert!(error.to_string().contains(TAIL), "{error}");
    assert!(storage.files().expect("files").len() >= 3);
}
