//! Logs whose bytes gather in memory until they are written out: the same files, later.

use super::{append, drain, entries, entry, read, read_dir, scan, segments, small};
use dojima_journal::storage::Writing;
use dojima_journal::{
    Action, AppendError, Fault, MemoryStorage, Options, Reader, SyncError, Trusted, Verdict, Writer,
    scan as scan_dir,
};
use proptest::prelude::*;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn gathered() -> Options {
    small().with_writing(Writing::PwriteReserved)
}

fn open(storage: &MemoryStorage) -> Writer {
    scan(storage).expect("the journal scans").into_writer(gathered()).expect("the journal opens")
}

/// Appends and writes out until it is done, however often the disk refuses.
fn append_stubbornly(writer: &mut Writer) {
    let (sequence, time_ns, payload) = entry(writer.next_sequence());
    while let Err(error) = writer.append(sequence, time_ns, &payload) {
        assert_eq!(error, AppendError::NoSpace);
    }
}

#[test]
fn readers_see_what_was_written_out_and_nothing_else() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    let mut reader = Reader::open_storage(Arc::new(storage.clone()), 1).expect("opens");
    for (count, written) in [(1, 1), (30, 31), (500, 531)] {
        append(&mut writer, count);
        assert_eq!(writer.write_out(), Ok(written));
        assert_eq!(drain(&mut reader), entries(written - count + 1..=written));
        append(&mut writer, 1);
        assert_eq!(drain(&mut reader), [], "nothing was written out since");
        writer.write_out().expect("written");
        drain(&mut reader);
        drop(writer);
        // What was not written out is gone with the process, and nothing else.
        let killed = storage.after_crash(|_, _| true);
        assert_eq!(read(&killed, 1), entries(1..=written + 1));
        writer = scan(&storage).expect("scans").into_writer_truncated(written, gathered()).expect("opens");
        reader = Reader::open_storage(Arc::new(storage.clone()), written + 1).expect("opens");
    }
}

/// A checksum says whether a record is whole. Who knows that need not compute it; but it must be known of the bytes at hand,
/// not of those that came into the file after they were read.
#[test]
fn what_is_trusted_is_read_without_its_checksum_and_only_when_it_was_whole() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 20);
    writer.write_out().expect("written");
    let second = Reader::open_storage(Arc::new(storage.clone()), 2)
        .expect("opens")
        .next()
        .expect("reads")
        .map(|record| record.position().offset + 32)
        .expect("a record");
    let trusted = |first, last| Trusted { first, last };
    let reader = || Reader::open_storage(Arc::new(storage.clone()), 1).expect("opens");
    let read = |reader: &mut Reader, trusted| {
        let record = reader.next_trusting(trusted).expect("reads");
        record.map(|record| (record.sequence, record.time_ns, record.payload.to_vec()))
    };
    let spoil = || storage.rot("0000000001.seg", second, 0xFF);
    spoil();
    for (trusted, is_believed) in
        [(Trusted::NONE, false), (trusted(1, 1), false), (trusted(3, 20), false), (trusted(1, 20), true)]
    {
        let mut reader = reader();
        assert_eq!(read(&mut reader, trusted), Some(entry(1)));
        let found = read(&mut reader, trusted);
        assert_eq!(found.is_some(), is_believed, "{trusted:?}");
        assert_ne!(found, Some(entry(2)), "its payload has changed");
    }
    // As while the record was being written: its header is there, its payload is not.
    let mut early = reader();
    assert_eq!((read(&mut early, trusted(1, 1)), read(&mut early, trusted(1, 1))), (Some(entry(1)), None));
    spoil();
    let rest: Vec<_> = (2..=20).map(|_| read(&mut early, trusted(1, 20))).collect();
    assert_eq!(rest, entries(2..=20).into_iter().map(Some).collect::<Vec<_>>());
    assert_eq!(read(&mut early, trusted(1, 99)), None, "nothing is there, whatever is said");
}

proptest! {
    /// The property is that of the mapped writer, which the other tests hold to the format: after the same appends, syncs
    /// and restarts, the same bytes.
    #[test]
    fn the_files_are_those_of_a_mapped_writer(steps in prop::collection::vec((0_u64..60, 0_u8..6), 1..40)) {
        let (mapped, gathered_files) = (MemoryStorage::new(), MemoryStorage::new());
        let (mut one, mut other) = (super::open(&mapped), open(&gathered_files));
        for (count, then) in steps {
            append(&mut one, count);
            append(&mut other, count);
            match then {
                0 => prop_assert_eq!(one.sync().expect("synced"), other.sync().expect("synced")),
                1 => {
                    one.seal().expect("sealed");
                    other.seal().expect("sealed");
                    (one, other) = (super::open(&mapped), open(&gathered_files));
                }
                2 => {
                    other.write_out().expect("written");
                    drop((one, other));
                    (one, other) = (super::open(&mapped), open(&gathered_files));
                }
                _ => prop_assert_eq!(other.write_out().expect("written"), one.appended()),
            }
            if then < 4 {
                other.write_out().expect("written");
                prop_assert_eq!(segments(&mapped), segments(&gathered_files));
                for name in segments(&mapped) {
                    prop_assert!(mapped.bytes(&name) == gathered_files.bytes(&name), "{}", name);
                }
            }
        }
    }
}

/// Of every 13th write a disk that is full takes a part, or nothing, until somebody tries again.
#[test]
fn a_full_disk_makes_it_wait_and_loses_nothing() {
    for short in [0, 1, 20, 40] {
        let storage = MemoryStorage::new();
        let mut writer = open(&storage);
        let writes = AtomicU64::new(0);
        storage.set_faults(move |step| {
            let nth = (step.action == Action::Append).then(|| writes.fetch_add(1, Ordering::Relaxed))?;
            match nth % 13 {
                5 if short > 0 => Some(Fault::Short(short)),
                5 | 6 => Some(Fault::Refuse(io::ErrorKind::StorageFull)),
                7 => Some(Fault::System(rustix::io::Errno::NOMEM.raw_os_error())),
                _ => None,
            }
        });
        let mut refusals = 0;
        for last in 1..=600 {
            append_stubbornly(&mut writer);
            if last % 3 == 0 {
                while writer.write_out() != Ok(last) {
                    refusals += 1;
                    assert!(writer.low_space(), "and it says so");
                    assert!(writer.low_space_reason().is_some());
                    // Whatever was left of it, what was written out before is there.
                    let there = read(&storage.after_crash(|_, _| true), 1);
                    assert!(there.len() as u64 + 3 >= last, "{} of {last}", there.len());
                    assert_eq!(there, entries(1..=there.len() as u64));
                }
                assert!(!writer.low_space());
            }
        }
        assert!(refusals > 20, "{refusals}");
        storage.clear_faults();
        writer.seal().expect("sealed");
        assert_eq!(*scan(&storage).expect("scans").verdict(), Verdict::Clean);
        assert_eq!(read(&storage, 1), entries(1..=600));
    }
}

#[test]
fn a_disk_that_cannot_be_written_ends_it() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 10);
    storage.set_faults(|step| {
        (step.action == Action::Append).then_some(Fault::System(rustix::io::Errno::IO.raw_os_error()))
    });
    let Err(AppendError::Unwritten { file, why }) = writer.write_out() else { panic!("it was not written") };
    assert!(file.ends_with("0000000001.seg") && why.contains("error"), "{why}");
    storage.clear_faults();
    assert_eq!(writer.write_out(), Err(AppendError::Poisoned));
    assert_eq!(writer.append(11, 0, b""), Err(AppendError::Poisoned));
    assert!(matches!(writer.sync(), Err(SyncError::Poisoned)));
}

/// Space that was set aside is the file's, and reads as zeros.
#[test]
fn a_folder_goes_on_from_one_way_of_writing_to_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options::default().with_segment_bytes(64 * 1024).with_spare_segments(2);
    let mut last = 0;
    use Writing::{Mapped, Pwrite, PwriteReserved};
    for (life, writing) in [PwriteReserved, Mapped, Pwrite, Mapped, PwriteReserved].into_iter().enumerate() {
        let scanned = scan_dir(folder.path()).expect("scans");
        let mut writer = scanned.into_writer(options.with_writing(writing)).expect("opens");
        for _ in 0..5_000 {
            append_stubbornly(&mut writer);
            last += 1;
            if last % 50 == 0 {
                writer.write_out().expect("written");
            }
        }
        if life == 1 {
            writer.seal().expect("sealed");
        }
        assert_eq!(read_dir(folder.path(), 1), entries(1..=last));
    }
    let files = std::fs::read_dir(folder.path()).expect("lists").map(|entry| entry.expect("an entry"));
    let segments: Vec<_> =
        files.filter(|file| file.file_name().to_string_lossy().ends_with(".seg")).collect();
    assert!(segments.len() > 10);
    for file in segments {
        let metadata = file.metadata().expect("it is there");
        assert!(metadata.blocks() * 512 >= metadata.len(), "{:?} is sparse", file.file_name());
    }
}
