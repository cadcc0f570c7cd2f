//! A failure, a full disk or a crash at every single step that changes the disk.

use crate::{SYNCED, append, entries, entry, read, scan, small};
use dojima_journal::storage::{Storage, Writing, remove_unfinished};
use dojima_journal::{Action, AppendError, Fault, Kept, MemoryStorage, Retire, Step, retire_before};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::Mutex;

/// Two lives of a journal: what was acknowledged, and whether anything failed.
fn life(storage: &MemoryStorage, writing: Writing) -> (u64, bool) {
    let options = small().with_writing(writing);
    let mut acknowledged = 0;
    for _ in 0..2 {
        let Ok(mut writer) = scan(storage).expect("a scan never fails here").into_writer(options) else {
            return (acknowledged, true);
        };
        acknowledged = writer.durable();
        for batch in 0..12 {
            for _ in 0..10 {
                let (sequence, time_ns, payload) = entry(writer.next_sequence());
                match writer.append(sequence, time_ns, &payload) {
                    Ok(()) => {}
                    // Tried again at once: only one step fails.
                    Err(AppendError::NoSpace) => {
                        assert!(writer.low_space() && writer.low_space_reason().is_some());
                        writer.append(sequence, time_ns, &payload).expect("the next attempt finds space");
                        assert!(!writer.low_space());
                    }
                    Err(AppendError::Unwritten { .. }) => return (acknowledged, true),
                    Err(error) => panic!("{error}"),
                }
            }
            if batch % 3 == 2 {
                match writer.sync() {
                    Ok(durable) => acknowledged = durable,
                    Err(_) => return (acknowledged, true),
                }
            }
        }
        if writer.seal().is_err() {
            return (acknowledged, true);
        }
        acknowledged = scan(storage).expect("scans").next_sequence() - 1;
    }
    (acknowledged, false)
}

/// The steps of an undisturbed run that change the disk.
fn steps_of_a_life(writing: Writing) -> Vec<Action> {
    let storage = MemoryStorage::new();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    storage.set_faults(move |step: &Step<'_>| {
        if step.action.changes_disk() {
            seen.lock().expect("not poisoned").push(step.action);
        }
        None
    });
    assert_eq!(life(&storage, writing), (240, false));
    let steps = steps.lock().expect("not poisoned").clone();
    for action in [Action::Write, Action::Sync, Action::Rename, Action::SyncDir] {
        assert!(steps.contains(&action), "{action:?} is among the steps");
    }
    assert_eq!(steps.contains(&Action::Append), writing == Writing::Pwrite);
    steps
}

/// Strikes one step; all others go well.
fn strike_step(storage: &MemoryStorage, index: usize, fault: Fault) {
    let mut left = index;
    let mut fault = Some(fault);
    storage.set_faults(move |step: &Step<'_>| {
        if !step.action.changes_disk() {
            return None;
        }
        match left.checked_sub(1) {
            Some(fewer) => {
                left = fewer;
                None
            }
            None => fault.take(),
        }
    });
}

/// The file system is full, or writes less than it should, or fails, at each step in turn.
#[test]
fn any_step_may_fail() {
    SYNCED.into_iter().for_each(each_step_fails);
}

fn each_step_fails(writing: Writing) {
    let steps = steps_of_a_life(writing);
    let (mut went_on, mut stopped) = (0, 0);
    for (index, action) in steps.iter().enumerate() {
        for fault in [
            Fault::Refuse(ErrorKind::StorageFull),
            Fault::Refuse(ErrorKind::Other),
            Fault::Short(100),
            Fault::DoneButFails,
        ] {
            let row = format!("{writing:?}, step {index}, {action:?}: {fault:?}");
            let storage = MemoryStorage::new();
            strike_step(&storage, index, fault);
            let (acknowledged, failed) = life(&storage, writing);
            // A sync of a segment in use that fails ends the writer; space that cannot be made is asked for again.
            (went_on, stopped) = (went_on + u32::from(!failed), stopped + u32::from(failed));
            for kept in [false, true] {
                let after = storage.after_crash(|_, _| kept);
                let last = scan(&after).unwrap_or_else(|error| panic!("{row}: {error}")).next_sequence() - 1;
                assert!(last >= acknowledged, "{row}: {last} left of {acknowledged}");
                assert_eq!(read(&after, 1), entries(1..=last), "{row}");
                let mut writer = scan(&after)
                    .expect("scans")
                    .into_writer(small())
                    .unwrap_or_else(|error| panic!("{row}: {error}"));
                append(&mut writer, 30);
                let unfinished =
                    after.files().expect("files").into_iter().filter(|(name, _)| name.ends_with(".tmp"));
                assert_eq!(unfinished.count(), 0, "{row}");
            }
        }
    }
    assert!(went_on > 20 && stopped > 20, "{went_on} went on, {stopped} stopped");
}

/// The power fails at each step in turn, with everything, nothing, or some of what was on its way.
#[test]
fn the_power_may_fail_at_any_step() {
    SYNCED.into_iter().for_each(the_power_fails_at_each_step);
}

fn the_power_fails_at_each_step(writing: Writing) {
    for changes in 0..steps_of_a_life(writing).len() as u64 {
        let storage = MemoryStorage::new();
        storage.fail_after(changes);
        let (acknowledged, failed) = life_until_it_ends(&storage, writing);
        assert!(failed, "at step {changes}");
        for pattern in 0..16_u32 {
            let mut asked = 0;
            let after = storage.after_crash(|_, _| {
                asked += 1;
                pattern.rotate_right(asked) & 1 == 1
            });
            let row = format!("{writing:?}, step {changes}, pattern {pattern:b}");
            let last = scan(&after).unwrap_or_else(|error| panic!("{row}: {error}")).next_sequence() - 1;
            assert!(last >= acknowledged, "{row}: {last} left of {acknowledged}");
            assert_eq!(read(&after, 1), entries(1..=last), "{row}");
            append(&mut scan(&after).expect("scans").into_writer(small()).expect("opens"), 30);
        }
    }
}

/// As [`life`], for a disk on which everything fails from some step on.
fn life_until_it_ends(storage: &MemoryStorage, writing: Writing) -> (u64, bool) {
    let options = small().with_writing(writing);
    let mut acknowledged = 0;
    for _ in 0..2 {
        let Ok(mut writer) = scan(storage).expect("scans").into_writer(options) else {
            return (acknowledged, true);
        };
        acknowledged = writer.durable();
        for _ in 0..12 {
            for _ in 0..10 {
                let (sequence, time_ns, payload) = entry(writer.next_sequence());
                if writer.append(sequence, time_ns, &payload).is_err() {
                    return (acknowledged, true);
                }
            }
            match writer.sync() {
                Ok(durable) => acknowledged = durable,
                Err(_) => return (acknowledged, true),
            }
        }
        if writer.seal().is_err() {
            return (acknowledged, true);
        }
    }
    (acknowledged, false)
}

/// A whole file that is replaced: the old one or the new one, at every moment.
#[test]
fn a_replaced_file_is_the_old_one_or_the_new_one() {
    let (old, new) = (vec![1; 3_000], vec![2; 5_000]);
    let write =
        |storage: &MemoryStorage, bytes: &[u8]| storage.write("state", &mut |out| out.write_all(bytes));
    let mut left_behind = 0;
    for changes in 0..=4 {
        for kept in [Kept::Nothing, Kept::First(7), Kept::All] {
            for names_kept in [false, true] {
                let storage = MemoryStorage::new();
                write(&storage, &old).expect("written");
                storage.fail_after(changes);
                let outcome = write(&storage, &new);
                assert_eq!(outcome.is_ok(), changes == 4, "write, sync, rename, sync of the folder");
                let after = storage.after_crash(|_, offset| match offset {
                    u64::MAX if names_kept => Kept::All,
                    u64::MAX => Kept::Nothing,
                    _ => kept,
                });
                let row = format!("after {changes} changes, {kept:?} of the bytes, names: {names_kept}");
                let found = after.bytes("state").unwrap_or_else(|| panic!("{row}: nothing"));
                assert!(found == old || found == new, "{row}");
                // What was reported done is done; what never got its name is not there.
                if outcome.is_ok() {
                    assert!(found == new, "{row}");
                }
                if changes < 3 {
                    assert!(found == old, "{row}");
                }
                left_behind += after.files().expect("files").len() - 1;
                remove_unfinished(&after).expect("removed");
                assert_eq!(
                    after.files().expect("files"),
                    [("state".to_owned(), found.len() as u64)],
                    "{row}"
                );
            }
        }
    }
    assert!(left_behind > 0, "some of these crashes leave an unfinished file");
}

/// What the caller's own stream refuses is refused, and leaves no trace.
#[test]
fn a_stream_that_fails_leaves_the_old_file() {
    let storage = MemoryStorage::new();
    storage.write("state", &mut |out| out.write_all(b"old")).expect("written");
    let error = storage
        .write("state", &mut |out| {
            out.write_all(b"new")?;
            Err(ErrorKind::InvalidData.into())
        })
        .expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(storage.bytes("state"), Some(b"old".to_vec()));
    assert_eq!(storage.files().expect("files").len(), 1);
}

/// Full, failing and half-written archives: the segments are there until their archive is.
#[test]
fn any_step_of_an_archive_may_fail() {
    let whole = MemoryStorage::new();
    assert_eq!(life(&whole, Writing::Pwrite), (240, false));
    for index in 0..40 {
        for fault in
            [Fault::Refuse(ErrorKind::StorageFull), Fault::Short(10), Fault::DoneButFails, Fault::Ignore]
        {
            let storage = whole.after_crash(|_, _| true);
            strike_step(&storage, index, fault.clone());
            // An archive that a disk pretended to write is read back, so it does not pass for one.
            let outcome = retire_before(&storage, 200, Retire::Archive);
            storage.clear_faults();
            let row = format!("step {index}, {fault:?}: {outcome:?}");
            retire_before(&storage, 200, Retire::Archive).unwrap_or_else(|error| panic!("{row}: {error}"));
            let archive = Arc::new(dojima_journal::ArchivedStorage::new(Arc::new(storage.clone())));
            let scanned =
                dojima_journal::scan_storage(archive).unwrap_or_else(|error| panic!("{row}: {error}"));
            assert_eq!((scanned.first_sequence(), scanned.records()), (1, 240), "{row}");
        }
    }
}
