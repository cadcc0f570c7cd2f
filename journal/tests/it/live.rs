//! Real files: a reader behind a writer, the lock, segments made ahead.

use crate::{append, entries, entry, read_dir, small};
use dojima_journal::{AppendError, JournalError, Options, Reader, Verdict, scan};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Appends the next record, however long the maker takes.
fn append_when_there_is_space(writer: &mut dojima_journal::Writer) {
    let (sequence, time_ns, payload) = entry(writer.next_sequence());
    loop {
        match writer.append(sequence, time_ns, &payload) {
            Ok(()) => return,
            Err(AppendError::NoSpace) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_reader_follows_a_writer_over_segments() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options::default().with_segment_bytes(8192).with_spare_segments(2);
    let records = 20_000;
    let durable = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let scanned = scan(folder.path()).expect("scans");
            let mut writer = scanned.into_writer(options).expect("opens");
            for sequence in 1..=records {
                append_when_there_is_space(&mut writer);
                if sequence % 1_000 == 0 {
                    durable.store(writer.sync().expect("sync"), Ordering::Release);
                }
            }
            writer.seal().expect("seal");
        });
        let mut reader = Reader::open(folder.path(), 1).expect("opens before there is a journal");
        let mut next = 1;
        while next <= records {
            // Read first: whatever was durable before the look at the file must be found in it.
            let must_be_there = durable.load(Ordering::Acquire);
            match reader.next().expect("reads") {
                Some(record) => {
                    assert_eq!((record.sequence, record.time_ns, record.payload.to_vec()), entry(next));
                    assert!(record.watermark < record.sequence);
                    next += 1;
                }
                None => {
                    assert!(must_be_there < next, "{must_be_there} is durable, but {next} does not read");
                    thread::yield_now();
                }
            }
        }
        assert!(reader.next().expect("reads").is_none());
    });
    let scanned = scan(folder.path()).expect("scans");
    assert_eq!((scanned.verdict(), scanned.records()), (&Verdict::Clean, records));
    assert_eq!(read_dir(folder.path(), 19_990), entries(19_990..=records));
}

#[test]
fn a_second_writer_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = scan(folder.path()).expect("scans").into_writer(small()).expect("opens");
    let error = scan(folder.path()).expect("a scan needs no lock").into_writer(small()).expect_err("refused");
    assert!(
        matches!(&error, JournalError::Locked { holder: Some(pid), .. } if *pid == std::process::id()),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(text.contains(&folder.path().display().to_string()), "{text}");
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    drop(writer);
    scan(folder.path()).expect("scans").into_writer(small()).expect("opens once the other is gone");
}

#[test]
fn segments_are_made_ahead_and_are_not_sparse() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options::default().with_segment_bytes(64 * 1024).with_spare_segments(2);
    let mut writer = scan(folder.path()).expect("scans").into_writer(options).expect("opens");
    let spare = folder.path().join("0000000003.seg");
    while !spare.exists() {
        thread::yield_now();
    }
    for number in 1..=3 {
        let metadata = folder.path().join(format!("{number:010}.seg")).metadata().expect("the file is there");
        assert_eq!(metadata.len(), 64 * 1024);
        assert!(metadata.blocks() * 512 >= metadata.len(), "segment {number} is sparse");
    }
    append_when_there_is_space(&mut writer);
    drop(writer);
    let scanned = scan(folder.path()).expect("spares are no data");
    assert_eq!((scanned.verdict(), scanned.records()), (&Verdict::Unsealed, 1));
    assert_eq!(scanned.segments().len(), 1);
    let mut writer = scanned.into_writer(small()).expect("opens");
    append(&mut writer, 500);
    assert_eq!(read_dir(folder.path(), 1), entries(1..=501));
}

#[test]
fn what_an_interrupted_maker_left_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let left = folder.path().join("0000000009.seg.tmp");
    std::fs::write(&left, b"half a segment").expect("written");
    assert_eq!(*scan(folder.path()).expect("scans").verdict(), Verdict::Empty);
    let _writer = scan(folder.path()).expect("scans").into_writer(small()).expect("opens");
    assert!(!left.exists());
}

#[test]
fn a_scan_creates_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("journal");
    assert_eq!(*scan(&dir).expect("scans").verdict(), Verdict::Empty);
    assert!(Reader::open(&dir, 1).expect("opens").next().expect("reads").is_none());
    assert!(!dir.exists());
}

/// Numbers of the segments that are there beyond the one in use.
fn spares(dir: &std::path::Path) -> u64 {
    let names = std::fs::read_dir(dir).expect("lists").map(|entry| entry.expect("an entry").file_name());
    let numbers = names.filter_map(|name| name.to_str()?.strip_suffix(".seg")?.parse::<u64>().ok());
    let newest = numbers.max().expect("a segment");
    newest - scan(dir).expect("scans").segments().last().expect("one in use").number
}

#[test]
fn the_maker_is_ahead_by_the_configured_number_again_after_a_burst() {
    for warm in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options::default().with_segment_bytes(8192).with_spare_segments(3);
        let mut writer = scan(folder.path()).expect("scans").into_writer(options).expect("opens");
        for burst in [1, 200, 3_000, 150] {
            (0..burst).for_each(|_| append_when_there_is_space(&mut writer));
            writer.sync().expect("sync");
            if warm {
                writer.warm();
            }
            // Nobody asks for space meanwhile: the maker comes back to three by itself, and stays there.
            while spares(folder.path()) < 3 {
                thread::yield_now();
            }
            assert_eq!(spares(folder.path()), 3, "after {burst}");
        }
        drop(writer);
        assert_eq!(read_dir(folder.path(), 1), entries(1..=3_351));
    }
}

#[test]
fn memory_made_ready_ahead_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options::default().with_segment_bytes(64 << 10).with_spare_segments(2);
    let mut written = 0;
    for life in 1..=4 {
        let scanned = scan(folder.path()).expect("scans");
        // Not a byte stands after the last record.
        assert!(matches!(scanned.verdict(), Verdict::Empty | Verdict::Unsealed), "{:?}", scanned.verdict());
        let mut writer = scanned.into_writer(options).expect("opens");
        writer.warm();
        for batch in 0..40 {
            for _ in 0..batch * life {
                append_when_there_is_space(&mut writer);
                written += 1;
            }
            if batch % 3 > 0 {
                writer.sync().expect("sync");
            }
            if batch % 2 > 0 {
                writer.warm();
            }
        }
        drop(writer);
        assert_eq!(read_dir(folder.path(), 1), entries(1..=written));
    }
    assert!(scan(folder.path()).expect("scans").segments().len() > 5);
}
