//! Prefixes, garbage and bytes from elsewhere: refused with file and offset, or only records lost that no later record
//! says were acknowledged. A wrong record is never accepted. (Single bytes: `corruption`.)

use crate::{Entry, append, entries, entry, open, read, scan, segments, small};
use dojima_journal::{JournalError, MemoryStorage, Verdict};

/// Two segments, synced now and then, killed without a seal. The last watermark is below the last record.
fn unsealed() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    while writer.next_sequence() <= 96 {
        append(&mut writer, 1);
        if writer.next_sequence().is_multiple_of(9) {
            writer.sync().expect("sync");
        }
    }
    drop(writer);
    assert_eq!(segments(&storage).len(), 2);
    storage
}

fn one_segment(records: u64) -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, records);
    drop(writer);
    assert_eq!(segments(&storage).len(), 1);
    storage
}

fn with(storage: &MemoryStorage, file: &str, bytes: Vec<u8>) -> MemoryStorage {
    let copy = storage.after_crash(|_, _| true);
    copy.put(file, bytes);
    copy
}

/// Checks one damaged journal against what it was. Returns how many records are left if it opens.
fn check(damaged: &MemoryStorage, whole: &[Entry], attested: u64, file: &str, byte: usize) -> Option<usize> {
    match scan(damaged) {
        Ok(scanned) => {
            let last = scanned.next_sequence() - 1;
            assert!(last >= attested, "{file} byte {byte}: {last} left, but {attested} was acknowledged");
            assert_eq!(scanned.records(), last);
            assert_eq!(read(damaged, 1), whole[..last as usize], "{file} byte {byte}");
            let mut writer = scanned.into_writer(small()).expect("the journal opens");
            append(&mut writer, 2);
            drop(writer);
            let again = scan(damaged).expect("scans after the cut");
            assert_eq!(*again.verdict(), Verdict::Unsealed, "{file} byte {byte}");
            let mut expected = whole[..last as usize].to_vec();
            expected.extend(entries(last + 1..=last + 2));
            assert_eq!(read(damaged, 1), expected, "{file} byte {byte}");
            Some(last as usize)
        }
        Err(
            JournalError::Damaged { file: named, offset, .. }
            | JournalError::UnknownVersion { file: named, offset, .. },
        ) => {
            assert!(named.ends_with(file), "{file} byte {byte}: blamed {}", named.display());
            assert!(offset <= byte as u64, "{file} byte {byte}: blamed byte {offset}");
            None
        }
        Err(error) => panic!("{file} byte {byte}: {error}"),
    }
}

#[test]
fn every_prefix_of_a_journal() {
    let storage = one_segment(20);
    let whole = read(&storage, 1);
    let file = &segments(&storage)[0];
    let bytes = storage.bytes(file).expect("the file is there");
    let used = scan(&storage).expect("scans").bytes() as usize;
    let mut last = 0;
    for length in 0..=bytes.len() {
        let mut zeroed = bytes[..length].to_vec();
        let cut = check(&with(&storage, file, zeroed.clone()), &whole, 0, file, length);
        zeroed.resize(bytes.len(), 0);
        let blanked = check(&with(&storage, file, zeroed), &whole, 0, file, length);
        if length < 64 {
            // Not even the last header bytes may be missing, be they zeros anyway: the checksum follows them.
            assert_eq!((cut, blanked), (None, None), "at {length}");
            continue;
        }
        let (cut, blanked) = (cut.expect("a cut tail opens"), blanked.expect("a blank tail opens"));
        assert_eq!(cut.max(blanked), blanked, "at {length}");
        assert!(blanked >= last, "at {length}");
        last = blanked;
        if length >= used {
            assert_eq!((cut, blanked), (20, 20), "at {length}");
        }
    }
}

#[test]
fn every_prefix_of_the_first_of_two_segments_is_refused() {
    let storage = unsealed();
    let whole = read(&storage, 1);
    let file = &segments(&storage)[0];
    let bytes = storage.bytes(file).expect("the file is there");
    let used = scan(&storage).expect("scans").segments()[0].bytes as usize;
    for length in (0..used).step_by(8) {
        assert_eq!(check(&with(&storage, file, bytes[..length].to_vec()), &whole, 89, file, length), None);
    }
}

#[test]
fn a_torn_tail_says_what_is_lost_and_where() {
    let storage = one_segment(6);
    let file = "0000000001.seg";
    let bytes = storage.bytes(file).expect("the file is there");
    // The fourth record: after the header and three records of 7, 14 and 21 bytes.
    let offset = 64 + 40 + 48 + 56;
    let mut torn = bytes.clone();
    torn[offset + 40] ^= 4;
    let torn = with(&storage, file, torn);
    let scanned = scan(&torn).expect("scans");
    let Verdict::TornTail { file: named, offset: at, bytes, records_lost_at_least } = scanned.verdict()
    else {
        panic!("{:?}", scanned.verdict());
    };
    assert!(named.ends_with(file));
    assert_eq!((*at, *records_lost_at_least), (offset as u64, 3));
    // Up to the last byte of record 6, whose payload is a single byte.
    assert_eq!(*bytes, (64 + 72 + 32 + 1) as u64);
}

#[test]
fn acknowledged_damage_names_file_byte_and_sequence() {
    let storage = one_segment(3);
    let mut writer = open(&storage);
    append(&mut writer, 1);
    drop(writer);
    let file = "0000000001.seg";
    let mut bytes = storage.bytes(file).expect("the file is there");
    bytes[64 + 40 + 35] ^= 1;
    match scan(&with(&storage, file, bytes)) {
        Err(JournalError::Damaged { file: named, offset, sequence, .. }) => {
            assert!(named.ends_with(file));
            assert_eq!((offset, sequence), (64 + 40, 2));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn bytes_of_an_older_use_never_verify() {
    let (old, new) = (one_segment(12), MemoryStorage::new());
    // One salt further than `old`.
    let throwaway = open(&new);
    drop(throwaway);
    let file = "0000000001.seg";
    let mut bytes = new.bytes(file).expect("the file is there");
    bytes[40] ^= 1;
    // A header with another salt, made valid again, over the records of the older use.
    let crc = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    bytes[64..].copy_from_slice(&old.bytes(file).expect("the file is there")[64..]);
    new.put(file, bytes);
    let scanned = scan(&new).expect("scans");
    assert_eq!(scanned.records(), 0);
    assert_eq!(read(&new, 1), Vec::<Entry>::new());
}

#[test]
fn a_cut_tail_leaves_no_bytes_behind() {
    let storage = one_segment(20);
    let file = "0000000001.seg";
    let mut bytes = storage.bytes(file).expect("the file is there");
    bytes[64 + 4] ^= 1;
    let torn = with(&storage, file, bytes);
    drop(open(&torn));
    assert!(torn.bytes(file).expect("the file is there")[64..].iter().all(|&byte| byte == 0));
}

#[test]
fn a_missing_segment_is_refused() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append(&mut writer, 250);
    drop(writer);
    let names = segments(&storage);
    assert!(names.len() >= 4);
    // Any but the first, which may have been removed as no longer needed; the last one is the tail.
    for missing in &names[1..] {
        let copy = MemoryStorage::new();
        for name in names.iter().filter(|&name| name != missing) {
            copy.put(name, storage.bytes(name).expect("the file is there"));
        }
        match scan(&copy) {
            Err(JournalError::Damaged { file, why, .. }) => {
                assert!(file.ends_with(missing), "{}", file.display());
                assert!(why.contains("missing"), "{why}");
            }
            other => panic!("without {missing}: {other:?}"),
        }
    }
}

#[test]
fn another_version_is_refused_with_both_versions() {
    let storage = one_segment(2);
    let file = "0000000001.seg";
    let mut bytes = storage.bytes(file).expect("the file is there");
    bytes[8] = 7;
    let crc = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    let error = scan(&with(&storage, file, bytes)).expect_err("refused");
    assert!(matches!(error, JournalError::UnknownVersion { found: 7, supported: 1, .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("version 7") && text.contains("version 1") && text.contains(file), "{text}");
}

#[test]
fn garbage_of_any_kind_never_panics() {
    for (seed, length) in (0..2_000u64).zip((0..9_000).cycle().step_by(37)) {
        let storage = one_segment(3);
        let mut bytes = storage.bytes("0000000001.seg").expect("the file is there");
        let mut state = seed + 1;
        bytes.resize(64 + length, 0);
        for byte in &mut bytes[64 + (seed as usize % 300).min(length)..] {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        storage.put("0000000001.seg", bytes);
        let left = scan(&storage).expect("garbage after the header is a torn tail").next_sequence();
        assert_eq!(read(&storage, 1), (1..left).map(entry).collect::<Vec<_>>());
    }
}

#[test]
fn whole_records_in_the_wrong_place_are_not_accepted() {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    for sequence in 1..=4 {
        writer.append(sequence, 0, &[sequence as u8; 32]).expect("there is room");
    }
    drop(writer);
    let file = "0000000001.seg";
    let bytes = storage.bytes(file).expect("the file is there");
    let record = |index: usize| 64 + 64 * index..64 + 64 * (index + 1);
    // (where the record is put, which one it is, how many records are left)
    for (at, which, left) in [(1, 2, 1), (2, 1, 2), (0, 3, 0), (3, 0, 3)] {
        let mut moved = bytes.clone();
        moved[record(at)].copy_from_slice(&bytes[record(which)]);
        let moved = with(&storage, file, moved);
        let scanned = scan(&moved).expect("nothing was acknowledged");
        assert_eq!(scanned.records(), left, "record {which} at {at}");
        assert!(matches!(scanned.verdict(), Verdict::TornTail { .. }), "record {which} at {at}");
        assert_eq!(read(&moved, 1).len() as u64, left, "record {which} at {at}");
    }
}

#[test]
fn a_segment_under_another_name_is_refused() {
    let storage = one_segment(2);
    let renamed = MemoryStorage::new();
    renamed.put("0000000002.seg", storage.bytes("0000000001.seg").expect("the file is there"));
    match scan(&renamed) {
        Err(JournalError::Damaged { file, offset: 16, why, .. }) => {
            assert!(file.ends_with("0000000002.seg"), "{}", file.display());
            assert!(why.contains("segment 1"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

/// Records that lie across the pieces in which a scan reads, and some that are longer than one.
#[test]
fn damage_is_found_wherever_a_scan_cuts_its_pieces() {
    let storage = MemoryStorage::new();
    let options = crate::small().with_segment_bytes(1 << 20);
    let mut writer = scan(&storage).expect("scans").into_writer(options).expect("opens");
    let lengths = [9, 100_000, 262_000, 300_001, 0, 262_144 - 64, 31, 500_000, 77_777, 262_144, 5];
    for (sequence, length) in (1..=33).zip(lengths.iter().cycle()) {
        writer.append(sequence, sequence, &vec![sequence as u8; *length]).expect("there is room");
    }
    writer.seal().expect("seal");
    let whole = scan(&storage).expect("scans");
    assert_eq!((whole.verdict(), whole.records(), whole.segments().len() > 5), (&Verdict::Clean, 33, true));
    for segment in whole.segments() {
        let file = segment.file.file_name().expect("a name").to_string_lossy().into_owned();
        let mut offset = 64;
        for sequence in segment.base_sequence..segment.base_sequence + segment.records {
            let length = lengths[(sequence as usize - 1) % lengths.len()];
            // In the header, in the middle, and the last byte with something in it.
            for at in [offset + 9, offset + 31 + length / 2, offset + 31 + length] {
                storage.rot(&file, at as u64, 0x20);
                match scan(&storage) {
                    Err(JournalError::Damaged { file: named, offset: blamed, sequence: lost, .. }) => {
                        assert!(named.ends_with(&file), "record {sequence}: {}", named.display());
                        assert_eq!((blamed, lost), (offset as u64, sequence));
                    }
                    other => panic!("record {sequence}, byte {at}: {other:?}"),
                }
                storage.rot(&file, at as u64, 0x20);
            }
            offset += (32 + length).next_multiple_of(8);
        }
    }
    let tail = whole.segments().last().expect("a tail");
    let file = tail.file.file_name().expect("a name").to_string_lossy().into_owned();
    let end = 1 << 20;
    assert!(tail.bytes + 1000 < end, "there is unused space");
    for at in [tail.bytes, tail.bytes.midpoint(end), end - 1] {
        storage.rot(&file, at, 1);
        assert!(matches!(scan(&storage).expect("scans").verdict(), Verdict::TornTail { .. }), "byte {at}");
        storage.rot(&file, at, 1);
    }
    assert_eq!(*scan(&storage).expect("scans").verdict(), Verdict::Clean);
}
