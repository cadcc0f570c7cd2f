//! Lost power and failing disks: what was synced is there, whatever else was or was not written.

use crate::{SYNCED, append, entries, open, read, scan, small};
use dojima_journal::{AppendError, JournalError, Kept, MemoryStorage, SyncError, Verdict};

/// A small generator of decisions, so that a failure names its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn synced_records_survive_any_loss_of_power() {
    let (mut torn, mut whole) = (0, 0);
    for seed in 0..400 {
        let options = small().with_writing(SYNCED[seed as usize % 2]);
        let mut dice = Dice(seed);
        let mut storage = MemoryStorage::new();
        let mut synced = 0;
        for life in 0..6 {
            let scanned = scan(&storage).unwrap_or_else(|error| panic!("seed {seed} life {life}: {error}"));
            match scanned.verdict() {
                Verdict::TornTail { .. } => torn += 1,
                Verdict::Empty | Verdict::Clean | Verdict::Unsealed => whole += 1,
            }
            let left = scanned.next_sequence() - 1;
            assert!(left >= synced, "seed {seed} life {life}: {left} left of {synced} synced");
            assert_eq!(read(&storage, 1), entries(1..=left), "seed {seed} life {life}");
            let mut writer = scanned.into_writer(options).expect("opens");
            synced = writer.durable();
            assert_eq!(synced, left);
            for _ in 0..dice.roll(8) {
                append(&mut writer, dice.roll(60));
                match dice.roll(4) {
                    0 | 1 => synced = writer.sync().expect("sync"),
                    // Written, and perhaps on the disk.
                    2 => drop(writer.write_out().expect("written")),
                    _ => {}
                }
            }
            // From nothing kept to everything kept.
            let luck = dice.roll(5);
            storage = storage.after_crash(|_, _| dice.roll(4) < luck);
        }
    }
    assert!(torn > 100 && whole > 100, "{torn} torn, {whole} whole");
}

#[test]
fn power_lost_while_the_journal_is_opened() {
    let mut interrupted = 0;
    for seed in 0..200 {
        let options = small().with_writing(SYNCED[seed as usize % 2]);
        let mut dice = Dice(seed);
        let storage = MemoryStorage::new();
        let mut writer = scan(&storage).expect("scans").into_writer(options).expect("opens");
        append(&mut writer, 80);
        let synced = writer.sync().expect("sync");
        append(&mut writer, 150);
        writer.write_out().expect("written");
        let mut storage = storage.after_crash(|_, _| dice.roll(3) > 0);
        for _ in 0..4 {
            let left = scan(&storage).expect("scans").next_sequence() - 1;
            assert!(left >= synced);
            storage.fail_after(dice.roll(8));
            let outcome = scan(&storage).expect("scans").into_writer(options);
            interrupted += u32::from(outcome.is_err());
            drop(outcome);
            storage = storage.after_crash(|_, _| dice.roll(2) > 0);
        }
        let left = scan(&storage).unwrap_or_else(|error| panic!("seed {seed}: {error}")).next_sequence() - 1;
        assert!(left >= synced);
        assert_eq!(read(&storage, 1), entries(1..=left));
    }
    assert!(interrupted > 100, "{interrupted}");
}

/// The header of a segment that is used for the first time is not synced before its records are: a loss of power may tear
/// it, and then nothing in the segment was acknowledged.
#[test]
fn a_torn_first_use_of_a_segment_loses_nothing_that_was_synced() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 60);
    let synced = writer.sync().expect("sync");
    let before = scan(&storage).expect("scans").segments().len();
    while scan(&storage).expect("scans").segments().len() < before + 2 {
        append(&mut writer, 1);
    }
    let newest = scan(&storage).expect("scans").segments().last().expect("a segment").number;
    let newest = format!("{newest:010}.seg");
    assert!(storage.bytes(&newest).is_some(), "{newest}");
    let mut shorter = 0;
    for word in 0..=8 {
        let torn = |name: &str, offset| match (name == newest, offset) {
            (true, 0) => Kept::First(8 * word),
            _ => Kept::All,
        };
        let storage = storage.after_crash(torn);
        let scanned = scan(&storage).unwrap_or_else(|error| panic!("torn after {word} words: {error}"));
        let left = scanned.next_sequence() - 1;
        assert!(left >= synced, "torn after {word} words: {left} left of {synced} synced");
        shorter += u32::from(left < writer.appended());
        let mut again = scanned.into_writer(small()).expect("opens");
        append(&mut again, 60);
        drop(again);
        assert_eq!(read(&storage, 1), entries(1..=left + 60), "torn after {word} words");
    }
    assert_eq!(shorter, 9, "the segment's first record is in the torn sector too");
}

#[test]
fn after_a_failed_sync_nothing_is_accepted() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 3);
    writer.sync().expect("sync");
    append(&mut writer, 3);
    storage.fail_after(0);
    let error = writer.sync().expect_err("fails");
    assert!(
        matches!(&error, SyncError::Failed { file, .. } if file.ends_with("0000000001.seg")),
        "{error:?}"
    );
    assert!(matches!(writer.sync(), Err(SyncError::Poisoned)));
    assert_eq!(writer.append(7, 0, b"more"), Err(AppendError::Poisoned));
    assert_eq!(writer.durable(), 3);
    assert!(matches!(writer.seal(), Err(SyncError::Poisoned)));
    let after = storage.after_crash(|_, _| false);
    assert_eq!(read(&after, 1), entries(1..=3));
}

#[test]
fn a_failed_sync_of_a_full_segment_names_it() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 150);
    storage.fail_after(1);
    let error = writer.sync().expect_err("fails");
    assert!(
        matches!(&error, SyncError::Failed { file, .. } if file.ends_with("0000000002.seg")),
        "{error:?}"
    );
}

#[test]
fn in_memory_the_lock_holds_too() {
    let storage = MemoryStorage::new();
    let writer = open(&storage);
    let refused = scan(&storage).expect("scans").into_writer(small());
    assert!(matches!(refused, Err(JournalError::Locked { .. })));
    drop(writer);
    drop(open(&storage));
}
