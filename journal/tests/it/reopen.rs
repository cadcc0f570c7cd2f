//! Seals, restarts, truncation.

use crate::{append, entries, open, read, scan, segments, small};
use dojima_journal::{AppendError, Durability, JournalError, MemoryStorage, Options, Reader, Verdict};
use std::sync::Arc;

#[test]
fn verdicts_of_undamaged_journals() {
    let storage = MemoryStorage::new();
    let scanned = scan(&storage).expect("scans");
    assert_eq!((scanned.verdict(), scanned.next_sequence(), scanned.sealed()), (&Verdict::Empty, 1, false));
    drop(open(&storage));
    assert_eq!(*scan(&storage).expect("scans").verdict(), Verdict::Unsealed);
    let mut writer = open(&storage);
    append(&mut writer, 3);
    drop(writer);
    assert_eq!(*scan(&storage).expect("scans").verdict(), Verdict::Unsealed);
    let mut writer = open(&storage);
    append(&mut writer, 1);
    writer.seal().expect("seal");
    let scanned = scan(&storage).expect("scans");
    assert_eq!((scanned.verdict(), scanned.next_sequence(), scanned.sealed()), (&Verdict::Clean, 5, true));
    assert_eq!((scanned.watermark(), scanned.last_time_ns()), (4, 4_000));
}

#[test]
fn writing_continues_after_a_seal() {
    let storage = MemoryStorage::new();
    for session in 1..=300 {
        let mut writer = open(&storage);
        assert_eq!(writer.durable(), session - 1);
        append(&mut writer, 1);
        writer.seal().expect("seal");
    }
    assert!(segments(&storage).len() > 1);
    assert_eq!(read(&storage, 1), entries(1..=300));
}

#[test]
fn a_seal_is_written_once_however_often_the_journal_is_opened() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 1);
    writer.seal().expect("seal");
    let bytes = storage.bytes("0000000001.seg");
    for _ in 0..200 {
        open(&storage).seal().expect("seal");
    }
    assert_eq!(storage.bytes("0000000001.seg"), bytes);
}

#[test]
fn reading_starts_anywhere() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 300);
    for from in 1..=301 {
        assert_eq!(read(&storage, from), entries(from..=300));
    }
    let mut ahead = Reader::open_storage(Arc::new(storage.clone()), 310).expect("opens");
    assert!(ahead.next().expect("reads").is_none());
    append(&mut writer, 15);
    assert_eq!(ahead.next().expect("reads").map(|record| record.sequence), Some(310));
}

#[test]
fn records_of_the_largest_size_fill_segments_exactly() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    let max = writer.payload_bytes_max();
    for sequence in 1..=3 {
        writer.append(sequence, 0, &vec![sequence as u8; max]).expect("fits");
    }
    let refused = writer.append(4, 0, &vec![0; max + 1]);
    assert_eq!(refused, Err(AppendError::TooLarge { bytes: max + 1, max }));
    assert_eq!(writer.append(6, 0, b""), Err(AppendError::OutOfOrder { expected: 4, got: 6 }));
    writer.append(4, 0, b"").expect("an empty payload is a payload");
    writer.seal().expect("seal");
    let lengths: Vec<_> = read(&storage, 1).iter().map(|(_, _, payload)| payload.len()).collect();
    assert_eq!(lengths, [max, max, max, 0]);
    assert_eq!(segments(&storage).len(), 4);
}

#[test]
fn append_with_writes_no_more_than_was_used() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    let scribble = |used: usize| {
        move |buffer: &mut [u8]| {
            buffer.fill(0xEE);
            used
        }
    };
    assert_eq!(writer.append_with(1, 5, 100, scribble(3)), Ok(3));
    assert_eq!(
        writer.append_with(2, 6, 100, scribble(101)),
        Err(AppendError::TooLarge { bytes: 101, max: 100 })
    );
    assert_eq!(
        *scan(&storage).expect("scans").verdict(),
        Verdict::Unsealed,
        "nothing stands after the record"
    );
    assert_eq!(writer.append_with(2, 6, 100, scribble(0)), Ok(0));
    assert_eq!(read(&storage, 1), [(1, 5, vec![0xEE; 3]), (2, 6, vec![])]);
    assert_eq!(writer.bytes_written(), 40 + 32);
}

#[test]
fn truncation_keeps_exactly_what_was_asked_for() {
    let whole = MemoryStorage::new();
    let mut writer = open(&whole);
    append(&mut writer, 200);
    writer.seal().expect("seal");
    assert!(segments(&whole).len() >= 3);
    for after in 0..=201 {
        let storage = whole.after_crash(|_, _| true);
        let scanned = scan(&storage).expect("scans");
        let mut writer = scanned.into_writer_truncated(after, small()).expect("opens");
        let kept = after.min(200);
        assert_eq!(writer.appended(), kept);
        assert_eq!(read(&storage, 1), entries(1..=kept));
        append(&mut writer, 60);
        writer.seal().expect("seal");
        assert_eq!(read(&storage, 1), entries(1..=kept + 60));
        assert_eq!(*scan(&storage).expect("scans").verdict(), Verdict::Clean);
    }
}

/// Whatever was done to the disk before the process died, the next start finds a journal.
#[test]
fn an_interrupted_truncation_leaves_a_journal() {
    let whole = MemoryStorage::new();
    let mut writer = open(&whole);
    append(&mut writer, 250);
    writer.seal().expect("seal");
    let mut failures = 0;
    for after in [0, 3, 120, 249] {
        for changes in 0.. {
            let storage = whole.after_crash(|_, _| true);
            storage.fail_after(changes);
            let outcome = scan(&storage).expect("scans").into_writer_truncated(after, small());
            let failed = outcome.is_err();
            drop(outcome);
            let storage = storage.after_crash(|_, _| false);
            let scanned = scan(&storage).expect("scans after the interruption");
            let left = scanned.next_sequence() - 1;
            assert!((after..=250).contains(&left));
            assert_eq!(read(&storage, 1), entries(1..=left));
            let writer = scanned.into_writer_truncated(after, small()).expect("opens");
            assert_eq!(writer.appended(), after);
            if !failed {
                break;
            }
            failures += 1;
        }
    }
    assert!(failures > 8, "{failures}");
}

#[test]
fn a_stale_scan_gives_no_writer() {
    let storage = MemoryStorage::new();
    let empty = scan(&storage).expect("scans");
    drop(open(&storage));
    assert!(matches!(empty.into_writer(small()), Err(JournalError::Changed { .. })));
    let stale = scan(&storage).expect("scans");
    let mut writer = open(&storage);
    append(&mut writer, 1);
    drop(writer);
    assert!(matches!(stale.into_writer(small()), Err(JournalError::Changed { .. })));
    let stale = scan(&storage).expect("scans");
    open(&storage).seal().expect("seal");
    assert!(matches!(stale.into_writer(small()), Err(JournalError::Changed { .. })));
}

#[test]
fn durability_modes_differ_in_what_is_acknowledged_not_in_what_is_claimed_on_disk() {
    for (durability, acknowledged) in [(Durability::Sync, 0), (Durability::Async, 2)] {
        let storage = MemoryStorage::new();
        let options = small().with_durability(durability);
        let mut writer = scan(&storage).expect("scans").into_writer(options).expect("opens");
        append(&mut writer, 2);
        assert_eq!((writer.durable(), writer.synced()), (0, 0));
        writer.write_out().expect("written");
        assert_eq!((writer.durable(), writer.synced()), (acknowledged, 0));
        append(&mut writer, 1);
        assert_eq!(scan(&storage).expect("scans").watermark(), 0);
        assert_eq!(writer.sync().expect("sync"), 3);
        assert_eq!((writer.durable(), writer.synced()), (3, 3));
        append(&mut writer, 1);
        let mut reader = Reader::open_storage(Arc::new(storage.clone()), 4).expect("opens");
        assert_eq!(reader.next().expect("reads").map(|record| record.watermark), Some(3));
    }
}

#[test]
fn options_outside_the_limits_are_refused() {
    for options in [
        Options::default().with_segment_bytes(0),
        Options::default().with_segment_bytes(4097),
        Options::default().with_segment_bytes(1 << 31),
        Options::default().with_spare_segments(1025),
        Options::default().with_first_sequence(0),
    ] {
        let refused = scan(&MemoryStorage::new()).expect("scans").into_writer(options);
        assert!(matches!(refused, Err(JournalError::Options(_))), "{options:?}");
    }
}

#[test]
fn records_larger_than_what_a_reader_reads_at_once() {
    let storage = MemoryStorage::new();
    let options = small().with_segment_bytes(8 << 20);
    let mut writer = scan(&storage).expect("scans").into_writer(options).expect("opens");
    let mut reader = Reader::open_storage(Arc::new(storage.clone()), 1).expect("opens");
    for (sequence, bytes) in (1..).zip([10, 5_000, 3 << 20, 0, 100_000, 2 << 20, 4_064, 4_065, 3 << 20]) {
        assert!(reader.next().expect("reads").is_none());
        writer.append(sequence, 0, &vec![sequence as u8; bytes]).expect("there is room");
        let record = reader.next().expect("reads").unwrap_or_else(|| panic!("{bytes} bytes do not read"));
        assert_eq!((record.sequence, record.payload.len()), (sequence, bytes));
        assert!(record.payload.iter().all(|&byte| byte == sequence as u8), "{bytes} bytes");
    }
    assert_eq!(read(&storage, 1).len(), 9);
}
