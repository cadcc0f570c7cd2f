//! Every single-byte corruption of small journals, all of them: what a byte belongs to decides what must happen.
//!
//! The rule: acknowledged records read back as they were written, or the journal is refused, naming file and offset. The
//! one exception is that of the README: records after the highest watermark in the journal. Nothing that was written
//! later says that they had been synced, so damage to them looks like a torn tail, and is reported as one.

use crate::{Entry, drain, scan, segments, small};
use dojima_journal::storage::{Storage, Writing};
use dojima_journal::{JournalError, MemoryStorage, Reader, Scanned, Verdict, Writer};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a byte is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The header of a segment, in use or spare.
    SegmentHeader,
    /// The base sequence and the epoch of a spare: whatever stands there, the checksum says that they were zero, and a first use that was
    /// torn looks the same.
    SpareBase,
    /// A record or an end marker at or before the highest watermark, by where it begins.
    Attested(u64),
    /// A record after it, by where it begins and its sequence: perhaps acknowledged, and the exception.
    Unattested(u64, u64),
    /// The seal at the end.
    Seal,
    /// Space that no record was written to and a scan looks at.
    Unused,
    /// Space after an end marker, which nothing ever reads.
    BehindEnd,
}

/// A journal, what it holds, and what each of its bytes is part of.
struct Subject {
    storage: MemoryStorage,
    entries: Vec<Entry>,
    attested: u64,
    verdict: Verdict,
    /// By file: ranges in order, each with whether it is a header (of a segment or a record).
    map: BTreeMap<String, Vec<(Range<usize>, Part, bool)>>,
}

/// Payloads so long that two segments hold few records.
fn entry(sequence: u64) -> Entry {
    let length = 150 + (sequence * 67 % 311) as usize;
    (sequence, sequence, (0..length).map(|index| (sequence as usize * 7 + index) as u8).collect())
}

fn append(writer: &mut Writer, count: u64) {
    for _ in 0..count {
        let (sequence, time_ns, payload) = entry(writer.next_sequence());
        writer.append(sequence, time_ns, &payload).expect("there is room");
    }
}

/// Two segments in use and a spare. Every third record is followed by a sync; the last of them, at 18, is attested by
/// the record after it. The last sync covers record 21, and nothing that follows says so.
fn killed() -> Subject {
    let storage = MemoryStorage::new();
    let mut writer = scan(&storage).expect("scans").into_writer(small()).expect("opens");
    for _ in 0..7 {
        append(&mut writer, 3);
        writer.sync().expect("sync");
    }
    assert_eq!(writer.durable(), 21);
    drop(writer);
    subject(storage, 18)
}

fn killed_with_records_after_the_last_sync() -> Subject {
    let storage = MemoryStorage::new();
    let mut writer = scan(&storage).expect("scans").into_writer(small()).expect("opens");
    for _ in 0..6 {
        append(&mut writer, 3);
        writer.sync().expect("sync");
    }
    append(&mut writer, 4);
    drop(writer);
    subject(storage, 18)
}

fn sealed() -> Subject {
    let storage = MemoryStorage::new();
    let mut writer = scan(&storage).expect("scans").into_writer(small()).expect("opens");
    append(&mut writer, 21);
    writer.seal().expect("seal");
    subject(storage, 21)
}

fn subject(storage: MemoryStorage, attested: u64) -> Subject {
    assert_eq!(segments(&storage).len(), 2);
    let scanned = scan(&storage).expect("scans");
    assert_eq!(scanned.watermark(), attested);
    let mut map = BTreeMap::new();
    for (index, segment) in scanned.segments().iter().enumerate() {
        let name = segment.file.file_name().expect("a name").to_string_lossy().into_owned();
        let parts = parts(&scanned, index, attested);
        map.insert(name, parts);
    }
    let mut spare = storage.bytes("0000000002.seg").expect("the file is there")[..64].to_vec();
    spare[16..24].copy_from_slice(&3_u64.to_le_bytes());
    spare[24..32].fill(0);
    spare[40..48].fill(0x77);
    let crc = crc32c::crc32c(&spare[..60]);
    spare[60..64].copy_from_slice(&crc.to_le_bytes());
    storage.create("0000000003.seg", 4096, &spare, Writing::Mapped, &AtomicBool::new(false)).expect("made");
    let spare = [
        (0..24, Part::SegmentHeader, true),
        (24..32, Part::SpareBase, true),
        (32..52, Part::SegmentHeader, true),
        (52..60, Part::SpareBase, true),
        (60..64, Part::SegmentHeader, true),
        (64..4096, Part::Unused, false),
    ];
    map.insert("0000000003.seg".to_owned(), spare.to_vec());
    let entries = (1..scanned.next_sequence()).map(entry).collect();
    Subject { storage, entries, attested, verdict: scanned.verdict().clone(), map }
}

/// What the bytes of one segment are, from the format alone.
fn parts(scanned: &Scanned, index: usize, attested: u64) -> Vec<(Range<usize>, Part, bool)> {
    let segment = &scanned.segments()[index];
    let last = index + 1 == scanned.segments().len();
    let (mut at, mut parts) = (64, vec![(0..64, Part::SegmentHeader, true)]);
    let mut put = |bytes: usize, part: Part| {
        parts.push((at..at + 32, part, true));
        parts.push((at + 32..at + bytes, part, false));
        at += bytes;
    };
    let mut offset = 64;
    for sequence in segment.base_sequence..segment.base_sequence + segment.records {
        let bytes = (32 + entry(sequence).2.len()).next_multiple_of(8);
        let part =
            if sequence <= attested { Part::Attested(offset) } else { Part::Unattested(offset, sequence) };
        put(bytes, part);
        offset += bytes as u64;
    }
    match (last, scanned.verdict()) {
        (false, _) => put(32, Part::Attested(offset)),
        (true, Verdict::Clean) => put(32, Part::Seal),
        (true, _) => {}
    }
    assert_eq!(at as u64, segment.bytes);
    parts.push((at..4096, if last { Part::Unused } else { Part::BehindEnd }, false));
    parts
}

/// What the damaged journal gives to a reader is a beginning of what was written.
fn reads_only_what_was_written(subject: &Subject, what: &dyn Fn() -> String) -> Option<Vec<Entry>> {
    let mut reader = Reader::open_storage(Arc::new(subject.storage.clone()), 1).ok()?;
    let mut read = Vec::new();
    while let Ok(Some(record)) = reader.next() {
        read.push((record.sequence, record.time_ns, record.payload.to_vec()));
    }
    assert!(read[..] == subject.entries[..read.len()], "{}: a reader got something else", what());
    Some(read)
}

/// Checks one corruption, which is in place.
fn check(subject: &Subject, file: &str, byte: usize, part: Part, reopen: bool) {
    let what = || format!("{file} byte {byte} ({part:?})");
    let all = subject.entries.len() as u64;
    let read = reads_only_what_was_written(subject, &what);
    let scanned = match scan(&subject.storage) {
        Err(
            JournalError::Damaged { file: named, offset, .. }
            | JournalError::UnknownVersion { file: named, offset, .. },
        ) => {
            assert!(named.ends_with(file), "{}: blamed {}", what(), named.display());
            match part {
                Part::SegmentHeader => assert!(offset <= byte as u64, "{}: blamed {offset}", what()),
                Part::Attested(begins) => assert_eq!(offset, begins, "{}", what()),
                part => panic!("{}: {part:?} is no reason to refuse", what()),
            }
            return;
        }
        Err(error) => panic!("{}: {error}", what()),
        Ok(scanned) => scanned,
    };
    let (last, torn_at) = match part {
        Part::SegmentHeader | Part::Attested(_) => panic!("{}: not noticed", what()),
        Part::Unattested(begins, sequence) => (sequence - 1, Some(begins)),
        Part::Seal | Part::Unused => (all, None),
        Part::SpareBase | Part::BehindEnd => (all, None),
    };
    assert_eq!(scanned.next_sequence() - 1, last, "{}", what());
    assert!(last >= subject.attested, "{}", what());
    assert_eq!(read.expect("a journal that opens reads").len() as u64, last, "{}", what());
    match scanned.verdict() {
        // Never silent: even where nothing is lost, something is there that does not belong there.
        Verdict::TornTail { file: named, offset, .. } => {
            assert!(!matches!(part, Part::SpareBase | Part::BehindEnd), "{}", what());
            if let Some(begins) = torn_at {
                assert!(named.ends_with(file) && *offset == begins, "{}", what());
            }
        }
        verdict => {
            assert!(matches!(part, Part::SpareBase | Part::BehindEnd), "{}: {verdict:?}", what());
            assert_eq!(*verdict, subject.verdict, "{}", what());
        }
    }
    if reopen {
        reopens(subject, last, &what);
    }
}

/// From there the journal goes on as if the rest had never been.
fn reopens(subject: &Subject, last: u64, what: &dyn Fn() -> String) {
    let copy = subject.storage.after_crash(|_, _| true);
    let mut writer = scan(&copy).expect("scans").into_writer(small()).expect("opens");
    append(&mut writer, 2);
    drop(writer);
    let mut expected = subject.entries[..last as usize].to_vec();
    expected.extend((last + 1..=last + 2).map(entry));
    let mut reader = Reader::open_storage(Arc::new(copy.clone()), 1).expect("opens");
    assert!(drain(&mut reader) == expected, "{}: after reopening", what());
    assert_eq!(*scan(&copy).expect("scans").verdict(), Verdict::Unsealed, "{}", what());
}

/// Gives the byte every value it must be tried with: all others in headers, elsewhere each single flipped bit, 0 and
/// 255. Returns how many.
fn every_value(subject: &Subject, file: &str, byte: usize, part: Part, header: bool) -> usize {
    let was = subject.storage.bytes(file).expect("the file is there")[byte];
    let mut tried = 0;
    for mask in 1..=255_u8 {
        let value = was ^ mask;
        let chosen = mask.is_power_of_two() || value == 0 || value == 255;
        if !header && !chosen {
            continue;
        }
        subject.storage.rot(file, byte as u64, mask);
        check(subject, file, byte, part, chosen && byte.is_multiple_of(5));
        subject.storage.rot(file, byte as u64, mask);
        tried += 1;
    }
    tried
}

fn every_byte(subject: &Subject) {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (file, parts) in &subject.map {
        let mut next = 0;
        for (range, part, header) in parts {
            assert_eq!(range.start, next, "{file}: every byte is part of something");
            next = range.end;
            let tried: usize =
                range.clone().map(|byte| every_value(subject, file, byte, *part, *header)).sum();
            let name = match part {
                Part::SegmentHeader => "segment headers",
                Part::SpareBase => "base sequence and epoch of a spare",
                Part::Attested(_) => "attested records",
                Part::Unattested(..) => "records after the highest watermark",
                Part::Seal => "seal",
                Part::Unused => "unused space",
                Part::BehindEnd => "behind an end marker",
            };
            *counts.entry(name).or_default() += tried;
        }
        assert_eq!(next, 4096, "{file}");
    }
    println!("{counts:?}");
    assert!(counts["segment headers"] == (3 * 64 - 16) * 255, "{counts:?}");
    assert!(counts["attested records"] > 100_000, "{counts:?}");
}

/// Records 19 to 21 are the exception: synced, and nothing in the journal says so.
#[test]
fn every_byte_of_a_journal_that_was_killed_after_a_sync() {
    let subject = killed();
    assert_eq!((subject.entries.len(), subject.attested), (21, 18));
    every_byte(&subject);
}

/// Here all that may be lost was never acknowledged: the records after the last sync say how far it came.
#[test]
fn every_byte_of_a_journal_that_was_killed_before_a_sync() {
    let subject = killed_with_records_after_the_last_sync();
    assert_eq!((subject.entries.len(), subject.attested), (22, 18));
    every_byte(&subject);
}

/// No exception: a seal attests everything.
#[test]
fn every_byte_of_a_sealed_journal() {
    let subject = sealed();
    assert_eq!((subject.entries.len(), subject.attested), (21, 21));
    every_byte(&subject);
}
