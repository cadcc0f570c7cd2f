//! Old segments: removed or archived, and scans that do not look at them.

use crate::{append, drain, entries, read, scan, segments, small};
use dojima_journal::storage::{Storage, Writing};
use dojima_journal::{
    ArchivedStorage, JournalError, MemoryStorage, Reader, Retire, Retired, Verdict, Writer, retire_before,
    scan_storage, scan_storage_from,
};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Records 1,000 to 1,299 over five segments, synced, still being written.
fn written() -> (MemoryStorage, Writer) {
    let storage = MemoryStorage::new();
    let options = small().with_first_sequence(1_000);
    let mut writer = scan(&storage).expect("scans").into_writer(options).expect("opens");
    append(&mut writer, 300);
    writer.sync().expect("sync");
    assert!(segments(&storage).len() >= 5);
    (storage, writer)
}

fn retire(storage: &MemoryStorage, sequence: u64, how: Retire) -> Retired {
    retire_before(storage, sequence, how).expect("retires")
}

#[test]
fn a_journal_may_start_anywhere_and_forget_its_past() {
    let (storage, mut writer) = written();
    let before = segments(&storage).len() as u64;
    assert_eq!(retire(&storage, 1_000, Retire::Delete), Retired::default());
    let retired = retire(&storage, 1_200, Retire::Delete);
    assert!(retired.segments > 0);
    assert_eq!(retired.bytes, retired.segments * 4096);
    assert_eq!(segments(&storage).len() as u64, before - retired.segments);
    append(&mut writer, 100);
    writer.sync().expect("the writer does not ask for what is gone");
    drop(writer);
    let scanned = scan(&storage).expect("scans");
    let first = scanned.first_sequence();
    assert!(first > 1_000 && first < 1_200);
    assert_eq!(scanned.next_sequence(), 1_400);
    assert_eq!(read(&storage, first), entries(first..=1_399));
    let refused = Reader::open_storage(Arc::new(storage.clone()), first - 1).expect_err("refused");
    assert!(matches!(refused, JournalError::Gone { asked, .. } if asked == first - 1), "{refused:?}");
    let refused = scan(&storage).expect("scans").into_writer_truncated(500, small()).expect_err("refused");
    assert!(matches!(refused, JournalError::Gone { .. }), "{refused:?}");
}

#[test]
fn what_stays_is_what_holds_the_record_before() {
    for how in [Retire::Delete, Retire::Archive] {
        for sequence in 1_000..=1_301 {
            let (storage, _writer) = written();
            let bases: Vec<u64> = scan(&storage)
                .expect("scans")
                .segments()
                .iter()
                .map(|segment| segment.base_sequence)
                .collect();
            retire(&storage, sequence, how);
            let first = scan(&storage).expect("scans").first_sequence();
            let holder = bases.iter().rev().find(|&&base| base < sequence).copied();
            assert_eq!(first, holder.unwrap_or(1_000), "{how:?} before {sequence}");
        }
    }
}

/// The moment after a roll-over: all records of the full segment are synced, its end marker is not, and the writer is
/// going to sync that file again.
#[test]
fn a_segment_whose_end_marker_is_not_synced_stays() {
    let (storage, mut writer) = written();
    let mut sequence = writer.next_sequence();
    for _ in 0..200 {
        let before = segments(&storage).len();
        append(&mut writer, 1);
        // Everything up to here is synced, and the caller may say so.
        retire(&storage, sequence, Retire::Delete);
        assert!(segments(&storage).len() <= before + 1);
        sequence = writer.sync().expect("no segment is gone that the writer has to sync") + 1;
    }
}

#[test]
fn the_segment_in_use_and_spares_are_never_removed() {
    let storage = MemoryStorage::new();
    let mut writer = scan(&storage).expect("scans").into_writer(small()).expect("opens");
    append(&mut writer, 100);
    writer.seal().expect("seal");
    // A spare beside it, as the maker leaves it.
    let mut spare = storage.bytes("0000000002.seg").expect("the file is there")[..64].to_vec();
    spare[16..24].copy_from_slice(&3_u64.to_le_bytes());
    spare[24..32].fill(0);
    let crc = crc32c::crc32c(&spare[..60]);
    spare[60..64].copy_from_slice(&crc.to_le_bytes());
    storage.create("0000000003.seg", 4096, &spare, Writing::Mapped, &AtomicBool::new(false)).expect("made");
    assert_eq!(retire(&storage, u64::MAX, Retire::Delete).segments, 1);
    assert_eq!(segments(&storage), ["0000000002.seg", "0000000003.seg"]);
    assert_eq!(*scan(&storage).expect("scans").verdict(), Verdict::Clean);
}

#[test]
fn archived_segments_read_as_before() {
    let (storage, writer) = written();
    writer.seal().expect("seal");
    let whole = storage.after_crash(|_, _| true);
    let retired = retire(&storage, 1_250, Retire::Archive);
    assert!(retired.segments >= 3);
    let names: Vec<_> = storage.files().expect("files").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().filter(|name| name.ends_with(".seg.zst")).count() as u64, retired.segments);
    assert!(scan(&storage).expect("scans without them").first_sequence() > 1_000);

    let archive: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::new(storage.clone())));
    let scanned = scan_storage(Arc::clone(&archive)).expect("scans with them");
    let before = scan(&whole).expect("scans");
    assert_eq!((scanned.verdict(), scanned.segments()), (before.verdict(), before.segments()));
    for from in [1_000, 1_001, 1_150, 1_299] {
        let mut reader = Reader::open_storage(Arc::clone(&archive), from).expect("opens");
        assert_eq!(drain(&mut reader), entries(from..=1_299));
    }
    let refused = scanned.into_writer(small()).expect_err("an archive is for reading");
    assert!(refused.to_string().contains("can only be read"), "{refused}");
    assert!(archive.remove("0000000001.seg").is_err() && archive.sync_file("0000000005.seg").is_err());
}

#[test]
fn a_segment_that_is_there_counts_before_its_archive() {
    let (storage, _writer) = written();
    let segment = storage.bytes("0000000001.seg").expect("the file is there");
    retire(&storage, 1_250, Retire::Archive);
    // As after a crash between the archive and the removal: the next call finishes it.
    storage.put("0000000001.seg", segment);
    let archive = Arc::new(ArchivedStorage::new(Arc::new(storage.clone())));
    assert_eq!(scan_storage(archive).expect("scans").first_sequence(), 1_000);
    let missing = scan(&storage).expect_err("a gap, for whoever does not look into the archive");
    assert!(matches!(missing, JournalError::Damaged { .. }), "{missing}");
}

/// Whatever fails, a segment is there or its whole archive is.
#[test]
fn an_interrupted_archive_loses_nothing() {
    let (whole, _writer) = written();
    let mut failures = 0;
    for changes in 0.. {
        let storage = whole.after_crash(|_, _| true);
        storage.fail_after(changes);
        let outcome = retire_before(&storage, 1_250, Retire::Archive);
        let after = storage.after_crash(|_, _| false);
        let archive: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::new(after.clone())));
        let mut reader = Reader::open_storage(Arc::clone(&archive), 1_000).expect("opens");
        assert_eq!(drain(&mut reader), entries(1_000..=1_299));
        // The next attempt finishes.
        retire(&after, 1_250, Retire::Archive);
        assert_eq!(scan_storage(archive).expect("scans").records(), 300);
        if outcome.is_ok() {
            break;
        }
        failures += 1;
    }
    assert!(failures >= 6, "{failures}");
}

#[test]
fn a_damaged_archive_is_refused_by_name() {
    let (storage, _writer) = written();
    retire(&storage, 1_250, Retire::Archive);
    let file = "0000000002.seg.zst";
    let bytes = storage.bytes(file).expect("the file is there");
    for at in 0..bytes.len() {
        let copy = storage.after_crash(|_, _| true);
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        copy.put(file, bytes.clone());
        let archive: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::new(copy)));
        match scan_storage(archive) {
            Err(error) => assert!(error.to_string().contains("0000000002.seg"), "byte {at}: {error}"),
            // A few bits of the frame header say nothing about the content.
            Ok(scanned) => assert_eq!(scanned.records(), 300, "byte {at}"),
        }
        let copy = storage.after_crash(|_, _| true);
        bytes.truncate(at);
        copy.put(file, bytes);
        let archive: Arc<dyn Storage> = Arc::new(ArchivedStorage::new(Arc::new(copy)));
        assert!(scan_storage(archive).is_err(), "cut at {at}");
    }
}

#[test]
fn a_scan_from_a_sequence_agrees_with_a_scan_of_everything() {
    let (storage, writer) = written();
    writer.seal().expect("seal");
    let whole = scan(&storage).expect("scans");
    for from in 990..=1_310 {
        let scanned = scan_storage_from(Arc::new(storage.clone()), from).expect("scans");
        assert_eq!(scanned.verdict(), whole.verdict());
        assert_eq!(
            (scanned.first_sequence(), scanned.next_sequence(), scanned.records()),
            (1_000, 1_300, 300)
        );
        assert_eq!((scanned.watermark(), scanned.last_time_ns()), (whole.watermark(), whole.last_time_ns()));
        let bases = |scanned: &dojima_journal::Scanned| -> Vec<_> {
            scanned
                .segments()
                .iter()
                .map(|segment| (segment.number, segment.base_sequence, segment.records))
                .collect()
        };
        assert_eq!(bases(&scanned), bases(&whole));
    }
    for after in [1_005, 1_150, 1_299] {
        let copy = storage.after_crash(|_, _| true);
        let scanned = scan_storage_from(Arc::new(copy.clone()), 1_280).expect("scans");
        let writer = scanned.into_writer_truncated(after, small()).expect("opens");
        assert_eq!(writer.appended(), after);
        assert_eq!(read(&copy, 1_000), entries(1_000..=after));
    }
}

#[test]
fn a_scan_from_a_sequence_judges_what_follows_it_and_nothing_before() {
    let (storage, writer) = written();
    writer.seal().expect("seal");
    let segments: Vec<_> = scan(&storage).expect("scans").segments().to_vec();
    let second = segments[1].base_sequence;
    let damage = |file: &str, at: usize| {
        let copy = storage.after_crash(|_, _| true);
        let mut bytes = copy.bytes(file).expect("the file is there");
        bytes[at] ^= 1;
        copy.put(file, bytes);
        copy
    };
    let scan_from = |storage: &MemoryStorage, from| scan_storage_from(Arc::new(storage.clone()), from);
    // (file, byte, first sequence to judge, the scan succeeds)
    for (file, at, from, ends_well) in [
        ("0000000001.seg", 100, second + 1, true),
        // What follows is looked at, and so is how what is before it ends.
        ("0000000001.seg", 100, second, false),
        ("0000000001.seg", 100, second - 1, false),
        ("0000000001.seg", 100, 0, false),
        ("0000000002.seg", 100, second, false),
        ("0000000002.seg", 100, segments[2].base_sequence + 1, true),
        // Headers are looked at always.
        ("0000000001.seg", 24, second, false),
        ("0000000002.seg", 40, 1_299, false),
    ] {
        let outcome = scan_from(&damage(file, at), from);
        match outcome {
            Ok(_) => assert!(ends_well, "{file} byte {at} from {from}"),
            Err(error @ JournalError::Damaged { .. }) => {
                let JournalError::Damaged { file: named, .. } = &error else { unreachable!() };
                assert!(!ends_well && named.ends_with(file), "{file} byte {at} from {from}");
                // Wherever it began, it says the same.
                let whole = scan(&damage(file, at)).expect_err("damaged");
                assert_eq!(error.to_string(), whole.to_string(), "{file} byte {at} from {from}");
            }
            Err(error) => panic!("{file} byte {at} from {from}: {error}"),
        }
    }
    for missing in &crate::segments(&storage)[1..] {
        let copy = storage.after_crash(|_, _| true);
        copy.remove(missing).expect("removed");
        let error = scan_from(&copy, 1_299).expect_err("a gap");
        assert!(error.to_string().contains(missing), "{error}");
        // Both say the same: the first record that is missing, wherever the scan began.
        let whole = scan(&copy).expect_err("a gap");
        assert_eq!(error.to_string(), whole.to_string());
        let due = segments.iter().find(|segment| segment.file.ends_with(missing));
        if let Some(due) = due {
            assert!(error.to_string().contains(&format!("(sequence {})", due.base_sequence)), "{error}");
        }
    }
    let copy = storage.after_crash(|_, _| true);
    let bytes = copy.bytes("0000000002.seg").expect("the file is there");
    copy.put("0000000002.seg", bytes[..4000].to_vec());
    let error = scan_from(&copy, 1_299).expect_err("cut short");
    let JournalError::Damaged { sequence: cut, .. } = scan(&copy).expect_err("cut short") else {
        panic!("{error}")
    };
    assert!(cut > second, "{error}");
    assert!(
        matches!(error, JournalError::Damaged { offset: 4000, sequence, .. } if sequence == cut),
        "{error}"
    );
    // What was not looked at is not cut through either.
    let copy = damage("0000000001.seg", 100);
    let refused = scan_from(&copy, 1_299).expect("scans").into_writer_truncated(1_010, small());
    assert!(matches!(refused, Err(JournalError::Damaged { offset: 64, .. })), "{refused:?}");
}

/// A loss of power may take the end of a segment and leave what was begun after it in the next one. None of that was acknowledged,
/// and a scan from there cuts it like a scan of everything: else what is written later would stand behind a torn end.
#[test]
fn a_scan_from_the_first_record_of_a_segment_sees_that_the_one_before_is_torn() {
    let storage = MemoryStorage::new();
    let mut writer = scan(&storage).expect("scans").into_writer(small()).expect("opens");
    while segments(&storage).len() < 3 {
        writer.sync().expect("sync");
        append(&mut writer, 1);
    }
    append(&mut writer, 5);
    let first = scan(&storage).expect("scans").segments()[2].base_sequence;
    let mut torn = 0;
    for lost in (0..4096).step_by(512) {
        let copy = storage.after_crash(|file, offset| file != "0000000002.seg" || offset != lost);
        let whole = scan(&copy).expect("scans");
        let scanned = scan_storage_from(Arc::new(copy.clone()), first).expect("scans");
        assert_eq!(scanned.next_sequence(), whole.next_sequence(), "{lost}");
        assert_eq!(scanned.verdict(), whole.verdict(), "{lost}");
        torn += u32::from(whole.next_sequence() == first);
        let mut writer = scanned.into_writer(small()).expect("opens");
        append(&mut writer, 100);
        writer.sync().expect("sync");
        let last = writer.next_sequence() - 1;
        drop(writer);
        assert_eq!(
            scan(&copy).expect("scans").next_sequence() - 1,
            last,
            "all that is acknowledged is there"
        );
    }
    assert!(torn > 0, "none was torn");
}

#[test]
fn a_new_journal_scans_from_anywhere() {
    let storage = MemoryStorage::new();
    let scanned = scan_storage_from(Arc::new(storage), 77).expect("scans");
    assert_eq!((scanned.verdict(), scanned.next_sequence()), (&Verdict::Empty, 1));
}
