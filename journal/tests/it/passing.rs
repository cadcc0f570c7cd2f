//! Errors that pass: nothing is lost by them, and nothing is poisoned; but the error of a sync is never one of them.

use crate::{append, entries, open, read, small};
use dojima_journal::passing::is_passing;
use dojima_journal::{
    Action, AppendError, ArchivedStorage, Fault, JournalError, MemoryStorage, Reader, Retire, SyncError,
    retire_before,
};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A signal, no descriptor, no file of the system's, no memory: as Linux numbers them.
const ERRNOS: [i32; 4] = [4, 24, 23, 12];

/// This action fails with that error until the switch is off.
fn failing(storage: &MemoryStorage, action: Action, errno: i32) -> Arc<AtomicBool> {
    let on = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&on);
    storage.set_faults(move |step| {
        (step.action == action && seen.load(Ordering::Relaxed)).then_some(Fault::System(errno))
    });
    on
}

#[test]
fn a_file_that_cannot_be_opened_for_a_sync_is_synced_later() {
    for errno in ERRNOS {
        assert!(is_passing(&io::Error::from_raw_os_error(errno)));
        let storage = MemoryStorage::new();
        let mut writer = open(&storage);
        append(&mut writer, 10);
        let durable = writer.sync().expect("synced");
        // More than a segment, so that one is to be synced that is not mapped any more.
        append(&mut writer, 200);
        let on = failing(&storage, Action::Open, errno);
        for _ in 0..3 {
            assert!(matches!(writer.sync(), Err(SyncError::Later { .. })));
            assert!(writer.durable() == durable && !writer.is_synced(), "nothing is acknowledged");
        }
        append(&mut writer, 1);
        on.store(false, Ordering::Relaxed);
        assert_eq!(writer.sync().expect("not poisoned"), 211);
        drop(writer);
        assert_eq!(read(&storage.after_crash(|_, _| false), 1), entries(1..=211), "all is on the disk");
    }
}

#[test]
fn a_sync_that_fails_is_not_tried_again_whatever_its_error() {
    for errno in ERRNOS {
        let storage = MemoryStorage::new();
        let mut writer = open(&storage);
        append(&mut writer, 10);
        let on = failing(&storage, Action::Sync, errno);
        assert!(matches!(writer.sync(), Err(SyncError::Failed { .. })));
        on.store(false, Ordering::Relaxed);
        assert!(matches!(writer.sync(), Err(SyncError::Poisoned)));
    }
}

#[test]
fn a_reader_goes_on_where_it_was() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 300);
    for action in [Action::Open, Action::Read, Action::List] {
        let reader = || Reader::open_storage(Arc::new(storage.clone()), 1);
        let mut reading = reader().expect("a journal");
        for errno in ERRNOS {
            let mut turn = 0_u64;
            storage.set_faults(move |step| {
                turn += u64::from(step.action == action);
                (step.action == action && turn % 3 != 0).then_some(Fault::System(errno))
            });
            let (mut found, mut passed) = (0, 0);
            while found < 75 {
                match reading.next() {
                    Ok(record) => {
                        assert!(record.is_some(), "it is all there");
                        found += 1;
                    }
                    Err(error) => {
                        assert!(error.is_passing(), "{error}");
                        passed += 1;
                        assert!(passed < 1_000);
                    }
                }
            }
            if action == Action::List {
                assert!(reader().is_err_and(|error| error.is_passing()));
            }
            storage.clear_faults();
        }
        assert!(reading.next().expect("readable").is_none());
    }
}

#[test]
fn an_archive_that_could_not_be_read_for_a_moment_is_not_damaged() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 300);
    writer.seal().expect("sealed");
    retire_before(&storage, 250, Retire::Archive).expect("archived");
    let archived = Arc::new(ArchivedStorage::new(Arc::new(storage.clone())));
    let mut turn = 0_u64;
    storage.set_faults(move |step| {
        // Some stretches without errors are long enough for a whole segment, and most are not.
        turn += 1;
        let struck = matches!(step.action, Action::Open | Action::Read) && turn * turn % 101 % 9 == 0;
        struck.then_some(Fault::System(ERRNOS[turn as usize % 4]))
    });
    let patiently = |attempt: &mut dyn FnMut() -> Result<u64, JournalError>| {
        for _ in 0..1_000 {
            match attempt() {
                Err(error) => assert!(error.is_passing(), "{error}"),
                Ok(sequence) => return sequence,
            }
        }
        panic!("it never passed");
    };
    let mut reader = None;
    patiently(&mut || {
        reader = Some(Reader::open_storage(archived.clone(), 1)?);
        Ok(0)
    });
    let mut reader = reader.expect("opened");
    for sequence in 1..=300 {
        assert_eq!(patiently(&mut || Ok(reader.next()?.expect("it is there").sequence)), sequence);
    }
}

/// There are spares, so nobody is told before it has lasted.
#[test]
fn the_maker_of_segments_waits_for_what_passes() {
    let storage = MemoryStorage::new();
    let mut writer = crate::scan(&storage)
        .expect("scanned")
        .into_writer(small().with_spare_segments(1))
        .expect("a writer");
    let on = failing(&storage, Action::Map, ERRNOS[1]);
    // Uses up what was made before.
    let patience = std::time::Instant::now();
    while !writer.low_space() {
        let (sequence, time_ns, payload) = crate::entry(writer.next_sequence());
        if writer.append(sequence, time_ns, &payload).is_err() {
            thread::yield_now();
        }
        assert!(patience.elapsed().as_secs() < 60, "nobody is told");
    }
    let reason = writer.low_space_reason().expect("a reason");
    assert!(reason.contains("ulimit"), "{reason}");
    on.store(false, Ordering::Relaxed);
    while writer.low_space() {
        assert!(patience.elapsed().as_secs() < 60, "it never goes on");
        thread::yield_now();
    }
    let (sequence, time_ns, payload) = crate::entry(writer.next_sequence());
    while writer.append(sequence, time_ns, &payload) == Err(AppendError::NoSpace) {
        assert!(patience.elapsed().as_secs() < 60, "it never goes on");
        thread::yield_now();
    }
}
