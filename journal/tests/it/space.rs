//! Full disks: appends are refused without harm, and go on when space returns.

use crate::{append, entries, entry, open, read, scan, segments, small};
use dojima_journal::{Action, AppendError, Fault, MemoryStorage, Step, Writer};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Appends until the journal refuses for want of space.
fn fill(writer: &mut Writer) {
    loop {
        let (sequence, time_ns, payload) = entry(writer.next_sequence());
        match writer.append(sequence, time_ns, &payload) {
            Ok(()) => {}
            Err(AppendError::NoSpace) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn without_space_appends_are_refused_until_it_returns() {
    let storage = MemoryStorage::new();
    storage.set_capacity_bytes(2 * 4096);
    let mut writer = open(&storage);
    assert!(!writer.low_space());
    fill(&mut writer);
    assert!(writer.low_space());
    assert!(writer.low_space_reason().is_some());
    let full = writer.appended();
    assert!(full > 60);
    assert_eq!(writer.sync().expect("what was accepted still syncs"), full);
    storage.set_capacity_bytes(4 * 4096);
    append(&mut writer, 50);
    assert!(!writer.low_space() && writer.low_space_reason().is_none());
    writer.seal().expect("seal");
    assert_eq!(read(&storage, 1), entries(1..=full + 50));
}

#[test]
fn a_full_journal_can_be_sealed_and_opened() {
    let storage = MemoryStorage::new();
    storage.set_capacity_bytes(2 * 4096);
    let mut writer = open(&storage);
    fill(&mut writer);
    let full = writer.appended();
    writer.seal().expect("a seal always fits");
    let mut writer = open(&storage);
    fill(&mut writer);
    writer.seal().expect("a seal always fits");
    storage.set_capacity_bytes(3 * 4096);
    let mut writer = open(&storage);
    append(&mut writer, 20);
    assert!(writer.appended() >= full + 20);
    assert_eq!(read(&storage, 1), entries(1..=writer.appended()));
}

#[test]
fn the_maker_thread_reports_a_full_disk_and_recovers() {
    let storage = MemoryStorage::new();
    storage.set_capacity_bytes(3 * 4096);
    let options = small().with_spare_segments(2);
    let mut writer = scan(&storage).expect("scans").into_writer(options).expect("opens");
    while segments(&storage).len() < 3 {
        thread::yield_now();
    }
    assert!(!writer.low_space(), "both spares fit");
    while !writer.low_space() {
        fill(&mut writer);
        thread::yield_now();
    }
    storage.set_capacity_bytes(100 * 4096);
    // No more than there is space for, however fast segments are made.
    let target = writer.appended() + 500;
    while writer.appended() < target {
        let (sequence, time_ns, payload) = entry(writer.next_sequence());
        match writer.append(sequence, time_ns, &payload) {
            Ok(()) => {}
            Err(AppendError::NoSpace) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    while writer.low_space() {
        thread::yield_now();
    }
    assert_eq!(read(&storage, 1), entries(1..=writer.appended()));
}

#[test]
fn a_new_journal_on_a_full_disk_is_an_error_not_a_crash() {
    let storage = MemoryStorage::new();
    storage.set_capacity_bytes(4095);
    let error = scan(&storage).expect("scans").into_writer(small()).expect_err("refused");
    assert!(error.to_string().contains("create the first segment"), "{error}");
    storage.set_capacity_bytes(4096);
    drop(open(&storage));
}

/// Nothing but time passes between the failures and the recovery.
#[test]
fn the_maker_thread_tries_again_by_itself() {
    for kind in [ErrorKind::StorageFull, ErrorKind::PermissionDenied, ErrorKind::Other] {
        let storage = MemoryStorage::new();
        drop(open(&storage));
        let refuses = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&refuses);
        storage.set_faults(move |step: &Step<'_>| {
            let refused = step.action == Action::Write && asked.load(Ordering::Relaxed);
            refused.then_some(Fault::Refuse(kind))
        });
        let options = small().with_spare_segments(2);
        let mut writer = scan(&storage).expect("scans").into_writer(options).expect("opens");
        while !writer.low_space() {
            thread::yield_now();
        }
        fill(&mut writer);
        assert!(writer.low_space_reason().is_some_and(|reason| reason.contains("injected")));
        let full = writer.appended();
        assert_eq!(writer.sync().expect("what was accepted still syncs"), full);
        refuses.store(false, Ordering::Relaxed);
        while segments(&storage).len() < 3 {
            thread::yield_now();
        }
        while writer.low_space() {
            thread::yield_now();
        }
        assert!(writer.low_space_reason().is_none());
        append(&mut writer, 50);
        assert_eq!(read(&storage, 1), entries(1..=full + 50));
    }
}
