//! The epoch in the header of a segment.

use crate::{append, entries, read, scan, segments, small};
use dojima_journal::layout::{EPOCH_AT, HEADER_CRC_AT};
use dojima_journal::{JournalError, MemoryStorage, Reader, scan_storage_from};
use std::sync::Arc;

fn epochs(storage: &MemoryStorage) -> Vec<u64> {
    let found = scan(storage).expect("scans");
    found.segments().iter().map(|segment| segment.epoch).collect()
}

/// Records of one writer of `epoch`, and a clean stop.
fn write(storage: &MemoryStorage, epoch: u64, records: u64) {
    let mut writer = scan(storage).expect("scans").into_writer(small().with_epoch(epoch)).expect("opens");
    append(&mut writer, records);
    writer.seal().expect("seal");
}

/// The bytes of a segment that is a spare still.
fn unused(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[24..32].fill(0);
    bytes[EPOCH_AT..HEADER_CRC_AT].fill(0);
    let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
    bytes[HEADER_CRC_AT..HEADER_CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
    bytes[64..].fill(0);
    bytes
}

/// The same bytes with another epoch in the header of one file, made valid again.
fn in_epoch(storage: &MemoryStorage, file: &str, epoch: u64) -> MemoryStorage {
    let copy = storage.after_crash(|_, _| true);
    let mut bytes = copy.bytes(file).expect("the file is there");
    bytes[EPOCH_AT..HEADER_CRC_AT].copy_from_slice(&epoch.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
    bytes[HEADER_CRC_AT..HEADER_CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
    copy.put(file, bytes);
    copy
}

#[test]
fn a_writer_puts_its_epoch_into_the_segments_that_it_begins_and_readers_see_it() {
    let storage = MemoryStorage::new();
    for epoch in [0, 3, 4] {
        write(&storage, epoch, 75);
    }
    // The segment in which a writer goes on is that of the one before.
    assert_eq!(epochs(&storage), [0, 0, 3, 4, 4][..epochs(&storage).len()]);
    assert_eq!(scan(&storage).expect("scans").epoch(), epochs(&storage).last().copied());
    assert!(epochs(&storage).contains(&3) && epochs(&storage).contains(&4));
    let mut reader = Reader::open_storage(Arc::new(storage.clone()), 1).expect("opens");
    let mut seen = Vec::new();
    while reader.next().expect("reads").is_some() {
        seen.extend(reader.epoch());
    }
    assert_eq!(seen.len(), 225);
    seen.dedup();
    assert_eq!(seen, [0, 3, 4]);
}

/// An epoch over two segments, the second just begun.
fn begun(epoch: u64) -> (MemoryStorage, String) {
    let storage = MemoryStorage::new();
    let mut writer = scan(&storage).expect("scans").into_writer(small().with_epoch(epoch)).expect("opens");
    while segments(&storage).len() < 2 {
        append(&mut writer, 1);
    }
    let second = segments(&storage)[1].clone();
    (storage, second)
}

#[test]
fn a_spare_that_comes_into_use_after_a_restart_is_of_the_new_epoch() {
    let (storage, second) = begun(1);
    let crashed = storage.after_crash(|_, _| true);
    crashed.put(&second, unused(storage.bytes(&second).expect("the file is there")));
    assert_eq!(scan(&crashed).expect("scans").epoch(), Some(1), "that of the segment before");
    write(&crashed, 2, 1);
    assert_eq!(epochs(&crashed), [1, 2]);
}

/// Base sequence and epoch are on the disk and the checksum is not, or only one of them is.
#[test]
fn a_first_use_that_is_torn_leaves_the_spare() {
    for (base_kept, epoch_kept) in [(true, true), (true, false), (false, true)] {
        let (storage, second) = begun(0x0102_0304_0506_0708);
        let used = storage.bytes(&second).expect("the file is there");
        let mut torn = unused(used.clone());
        for (range, is_kept) in [(24..32, base_kept), (EPOCH_AT..HEADER_CRC_AT, epoch_kept)] {
            if is_kept {
                torn[range.clone()].copy_from_slice(&used[range]);
            }
        }
        let crashed = storage.after_crash(|_, _| true);
        crashed.put(&second, torn);
        let scanned = scan(&crashed).expect("scans");
        assert_eq!(scanned.segments().len(), 1);
        drop(scanned.into_writer(small().with_epoch(0x0102_0304_0506_0708)).expect("opens"));
    }
}

#[test]
fn a_writer_may_learn_its_epoch_after_it_was_opened() {
    let storage = MemoryStorage::new();
    let mut writer =
        scan(&storage).expect("scans").into_writer(small().with_spare_segments(2)).expect("opens");
    append(&mut writer, 10);
    writer.set_epoch(8);
    writer.set_epoch(7);
    for _ in 0..100 {
        while writer.low_space() {}
        let sequence = writer.next_sequence();
        while writer.append(sequence, 0, &[1; 16]).is_err() {
            std::thread::yield_now();
        }
    }
    writer.seal().expect("seal");
    let found = epochs(&storage);
    assert_eq!((found[0], &found[1..]), (0, &vec![8; found.len() - 1][..]));
    assert!(found.len() > 1);
}

#[test]
fn an_epoch_that_goes_back_is_refused_by_scans_and_readers_and_both_are_named() {
    let storage = MemoryStorage::new();
    write(&storage, 5, 150);
    let files = segments(&storage);
    assert_eq!(files.len(), 3);
    for (at, from) in [(1, 0), (2, 0), (1, 140), (2, 149)] {
        let mixed = in_epoch(&storage, &files[at], 4);
        let error = scan_storage_from(Arc::new(mixed.clone()), from).expect_err("refused");
        match &error {
            JournalError::EarlierEpoch { file, found: 4, previous: 5 } => {
                assert!(file.ends_with(&files[at]), "{}", file.display());
            }
            error => panic!("{error}"),
        }
        let text = error.to_string();
        assert!(text.contains("epoch 4") && text.contains("epoch 5"), "{text}");
        let mut reader = Reader::open_storage(Arc::new(mixed), 1).expect("opens");
        let refused = loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the reader passes over it"),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, JournalError::EarlierEpoch { found: 4, previous: 5, .. }), "{refused}");
    }
    // One that rises is no trouble.
    assert_eq!(read(&in_epoch(&storage, &files[2], 6), 1), entries(1..=150));
    scan(&in_epoch(&storage, &files[2], 6)).expect("scans");
}

#[test]
fn a_writer_of_an_epoch_that_has_passed_is_refused_and_changes_nothing() {
    let storage = MemoryStorage::new();
    write(&storage, 5, 60);
    let before: Vec<_> = segments(&storage).iter().map(|file| storage.bytes(file)).collect();
    for epoch in [0, 4] {
        let error =
            scan(&storage).expect("scans").into_writer(small().with_epoch(epoch)).expect_err("refused");
        assert!(
            matches!(&error, JournalError::EarlierEpoch { found, previous: 5, .. } if *found == epoch),
            "{error}"
        );
    }
    let after: Vec<_> = segments(&storage).iter().map(|file| storage.bytes(file)).collect();
    assert!(before == after, "a refusal changes nothing");
}

#[test]
fn the_checksum_covers_it() {
    let storage = MemoryStorage::new();
    write(&storage, 5, 10);
    let file = segments(&storage)[0].clone();
    let mut bytes = storage.bytes(&file).expect("the file is there");
    bytes[EPOCH_AT] ^= 1;
    storage.put(&file, bytes);
    assert!(matches!(scan(&storage).expect_err("damaged"), JournalError::Damaged { .. }));
}
