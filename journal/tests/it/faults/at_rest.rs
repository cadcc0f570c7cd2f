//! Bytes and files that are not as they were written, found by a scan.

use super::{Expected, append_batches, check};
use crate::{append, open, scan, segments};
use dojima_journal::MemoryStorage;
use dojima_journal::storage::{Storage, Writing};
use std::sync::atomic::AtomicBool;

const FIRST: &str = "0000000001.seg";
const SECOND: &str = "0000000002.seg";
const THIRD: &str = "0000000003.seg";
const SPARE: &str = "0000000004.seg";

/// Records that were acknowledged and of which a later record says so.
const ATTESTED: u64 = 150;
/// Records that were appended after the last sync.
const UNSYNCED: u64 = 4;

/// Three segments of records, a spare, and the offsets of the records in each.
struct Journal {
    storage: MemoryStorage,
    /// Per segment, where its records begin, and where they end.
    offsets: [Vec<u64>; 3],
}

/// A journal that was killed.
fn killed() -> Journal {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append_batches(&mut writer, ATTESTED / 5);
    append(&mut writer, UNSYNCED);
    drop(writer);
    finish(storage)
}

/// The same journal, stopped in good order.
fn sealed() -> Journal {
    let storage = MemoryStorage::new();
    let mut writer = open(&storage);
    append_batches(&mut writer, ATTESTED / 5);
    append(&mut writer, UNSYNCED);
    writer.seal().expect("seal");
    finish(storage)
}

fn finish(storage: MemoryStorage) -> Journal {
    assert_eq!(segments(&storage), [FIRST, SECOND, THIRD]);
    let mut spare = storage.bytes(THIRD).expect("the file is there")[..64].to_vec();
    spare[16..24].copy_from_slice(&4_u64.to_le_bytes());
    spare[24..32].fill(0);
    spare[40..48].fill(0x77);
    let crc = crc32c::crc32c(&spare[..60]);
    spare[60..64].copy_from_slice(&crc.to_le_bytes());
    storage.create(SPARE, 4096, &spare, Writing::Mapped, &AtomicBool::new(false)).expect("made");
    let scanned = scan(&storage).expect("scans");
    let offsets = [0, 1, 2].map(|index| {
        let segment = &scanned.segments()[index];
        let mut offsets = vec![64];
        for sequence in segment.base_sequence..segment.base_sequence + segment.records {
            let length = 32 + crate::entry(sequence).2.len() as u64;
            offsets.push(offsets[offsets.len() - 1] + length.next_multiple_of(8));
        }
        offsets
    });
    Journal { storage, offsets }
}

impl Journal {
    /// Where record `index` (from the end with a negative number) of a segment begins.
    fn record(&self, segment: usize, index: isize) -> u64 {
        let offsets = &self.offsets[segment];
        let records = offsets.len() as isize - 1;
        offsets[(if index < 0 { records + index } else { index }) as usize]
    }

    /// Where the records of a segment end: its end marker, or nothing.
    fn end(&self, segment: usize) -> u64 {
        *self.offsets[segment].last().expect("an end")
    }

    fn edit(&self, file: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.storage.bytes(file).expect("the file is there");
        edit(&mut bytes);
        self.storage.put(file, bytes);
    }

    fn rot(&self, file: &str, offset: u64) {
        self.storage.rot(file, offset, 0x04);
    }

    /// Only the first `bytes` of the sector of `offset` are as written; the rest is what the disk had before: zeros.
    fn tear(&self, file: &str, offset: u64, bytes: u64) {
        let sector = offset / 512 * 512;
        self.edit(file, |content| content[(sector + bytes) as usize..(sector + 512) as usize].fill(0));
    }

    /// Copies bytes over others, as a write that went astray does.
    fn stray(&self, (from, at): (&str, u64), (to, onto): (&str, u64), bytes: u64) {
        let source = self.storage.bytes(from).expect("the file is there");
        let stray = source[at as usize..(at + bytes) as usize].to_vec();
        self.edit(to, |content| {
            content[onto as usize..(onto + bytes) as usize].copy_from_slice(&stray);
        });
    }
}

/// A row: what happened to which journal, and the verdict.
type Row = (&'static str, fn() -> Journal, fn(&Journal) -> Expected);

fn check_all(rows: &[Row]) {
    for (row, journal, damage) in rows {
        let journal = journal();
        let expected = damage(&journal);
        check(row, &journal.storage, &expected);
    }
}

const ALL: u64 = ATTESTED + UNSYNCED;

#[test]
fn undamaged() {
    check_all(&[
        ("killed", killed, |_| Expected::Whole(ALL)),
        ("stopped", sealed, |_| Expected::Sealed(ALL)),
    ]);
}

#[test]
fn bit_rot() {
    check_all(&[
        ("in the first segment header", killed, |journal| {
            journal.rot(FIRST, 24);
            Expected::Refused(FIRST, 0)
        }),
        ("in the last segment header", killed, |journal| {
            journal.rot(THIRD, 40);
            Expected::Refused(THIRD, 0)
        }),
        ("in a spare's header", killed, |journal| {
            journal.rot(SPARE, 16);
            Expected::Refused(SPARE, 0)
        }),
        ("in the magic", killed, |journal| {
            journal.rot(SECOND, 3);
            Expected::Refused(SECOND, 0)
        }),
        ("in the length of an acknowledged record", killed, |journal| {
            journal.rot(SECOND, journal.record(1, 7));
            Expected::Refused(SECOND, journal.record(1, 7))
        }),
        ("in the watermark of an acknowledged record", killed, |journal| {
            journal.rot(SECOND, journal.record(1, 7) + 16);
            Expected::Refused(SECOND, journal.record(1, 7))
        }),
        ("in the payload of an acknowledged record", killed, |journal| {
            journal.rot(FIRST, journal.record(0, 3) + 33);
            Expected::Refused(FIRST, journal.record(0, 3))
        }),
        ("in an end marker", killed, |journal| {
            journal.rot(FIRST, journal.end(0) + 8);
            Expected::Refused(FIRST, journal.end(0))
        }),
        ("in the header of a record after the last sync", killed, |journal| {
            journal.rot(THIRD, journal.record(2, -2) + 8);
            Expected::Torn(ALL - 2)
        }),
        ("in the payload of a record after the last sync", killed, |journal| {
            journal.rot(THIRD, journal.record(2, -1) + 33);
            Expected::Torn(ALL - 1)
        }),
        ("in the payload of the last record before a seal", sealed, |journal| {
            journal.rot(THIRD, journal.record(2, -1) + 33);
            Expected::Refused(THIRD, journal.record(2, -1))
        }),
        // The seal itself says nothing that the records do not say, and nothing after it says that it was there.
        ("in the seal", sealed, |journal| {
            journal.rot(THIRD, journal.end(2) + 4);
            Expected::Torn(ALL)
        }),
        ("in unused space", killed, |journal| {
            journal.rot(THIRD, 4000);
            Expected::Torn(ALL)
        }),
    ]);
}

#[test]
fn torn_sectors() {
    check_all(&[
        ("of acknowledged records", killed, |journal| {
            journal.tear(SECOND, 1024, 200);
            let torn = journal.offsets[1].iter().rfind(|&&offset| offset <= 1024 + 200);
            Expected::Refused(SECOND, *torn.expect("a record begins before"))
        }),
        ("after the last sync", killed, |journal| {
            // From the middle of the last record but one: a sector that was on its way when the power failed.
            let last_but_one = journal.record(2, -2);
            journal.edit(THIRD, |bytes| bytes[last_but_one as usize + 20..].fill(0));
            Expected::Torn(ALL - 2)
        }),
        // Not the disk tore it, but the moment: a page that went to the disk between two stores.
        ("of a spare's header, at its first use", killed, |journal| {
            journal.edit(SPARE, |bytes| bytes[24..32].copy_from_slice(&(ALL + 1).to_le_bytes()));
            Expected::Whole(ALL)
        }),
        ("of a spare's header, with half of the base sequence", killed, |journal| {
            journal.edit(SPARE, |bytes| bytes[24] = 7);
            Expected::Whole(ALL)
        }),
        // A disk that tears a sector of 512 bytes breaks the one promise that the format needs; it is refused, not read.
        ("of a segment header", killed, |journal| {
            journal.tear(THIRD, 0, 28);
            Expected::Refused(THIRD, 0)
        }),
    ]);
}

#[test]
fn misdirected_writes() {
    check_all(&[
        ("of a record over an acknowledged one of the same file", killed, |journal| {
            journal.stray((SECOND, journal.record(1, 9)), (SECOND, journal.record(1, 4)), 32);
            Expected::Refused(SECOND, journal.record(1, 4))
        }),
        ("of a sector into another segment", killed, |journal| {
            journal.stray((THIRD, 512), (FIRST, 1024), 512);
            let hit = journal.offsets[0].iter().rfind(|&&offset| offset <= 1024);
            Expected::Refused(FIRST, *hit.expect("a record begins before"))
        }),
        ("of a segment's first page over another's", killed, |journal| {
            journal.stray((FIRST, 0), (THIRD, 0), 512);
            Expected::Refused(THIRD, 16)
        }),
        ("of records into the unused space", killed, |journal| {
            journal.stray((THIRD, 64), (THIRD, 3072), 512);
            Expected::Torn(ALL)
        }),
        ("of records into a spare", killed, |journal| {
            journal.stray((THIRD, 64), (SPARE, 64), 512);
            Expected::Torn(ALL)
        }),
    ]);
}

#[test]
fn stale_bytes() {
    check_all(&[
        ("of an older segment in a spare", killed, |journal| {
            journal.stray((FIRST, 64), (SPARE, 64), 4096 - 64);
            Expected::Torn(ALL)
        }),
        ("of an older segment after the last record", killed, |journal| {
            let end = journal.end(2);
            journal.stray((FIRST, end), (THIRD, end), 4096 - end);
            Expected::Torn(ALL)
        }),
        // The same file in an earlier state: a disk that lost its last writes, all of them.
        ("of the same segment, before its last records were written", killed, |journal| {
            let from = journal.record(2, -6);
            journal.edit(THIRD, |bytes| bytes[from as usize..].fill(0));
            Expected::Whole(ALL - 6)
        }),
    ]);
}

#[test]
fn segments_gone_or_doubled() {
    check_all(&[
        ("the middle one is gone", killed, |journal| {
            journal.storage.remove(SECOND).expect("removed");
            Expected::Refused(SECOND, 0)
        }),
        ("the last one is gone", killed, |journal| {
            journal.storage.remove(THIRD).expect("removed");
            Expected::Refused(THIRD, 0)
        }),
        ("the last one and the spare are gone", killed, |journal| {
            journal.storage.remove(SPARE).expect("removed");
            journal.storage.remove(THIRD).expect("removed");
            Expected::Refused(THIRD, 0)
        }),
        ("all but the spare are gone", killed, |journal| {
            for file in [FIRST, SECOND, THIRD] {
                journal.storage.remove(file).expect("removed");
            }
            Expected::Refused(THIRD, 0)
        }),
        ("the spare is gone", killed, |journal| {
            journal.storage.remove(SPARE).expect("removed");
            Expected::Whole(ALL)
        }),
        // As after retirement: the caller compares `first_sequence` with its snapshot.
        ("the first one is gone", killed, |journal| {
            journal.storage.remove(FIRST).expect("removed");
            Expected::Whole(ALL)
        }),
        ("the second one is there again as the third", killed, |journal| {
            journal.edit(SECOND, |_| ());
            journal.storage.put(THIRD, journal.storage.bytes(SECOND).expect("the file is there"));
            Expected::Refused(THIRD, 16)
        }),
        ("the second one is there again as the fourth", killed, |journal| {
            journal.storage.put(SPARE, journal.storage.bytes(SECOND).expect("the file is there"));
            Expected::Refused(SPARE, 16)
        }),
        ("the second one is there again, renumbered with a valid header", killed, |journal| {
            let mut bytes = journal.storage.bytes(SECOND).expect("the file is there");
            bytes[16..24].copy_from_slice(&3_u64.to_le_bytes());
            let crc = crc32c::crc32c(&bytes[..60]);
            bytes[60..64].copy_from_slice(&crc.to_le_bytes());
            journal.storage.put(THIRD, bytes);
            Expected::Refused(THIRD, 24)
        }),
    ]);
}

#[test]
fn truncated_segments() {
    check_all(&[
        ("the first, inside its records", killed, |journal| {
            let at = journal.record(0, 12) + 8;
            journal.edit(FIRST, |bytes| bytes.truncate(at as usize));
            Expected::Refused(FIRST, journal.record(0, 12))
        }),
        ("the last, inside its header", killed, |journal| {
            journal.edit(THIRD, |bytes| bytes.truncate(40));
            Expected::Refused(THIRD, 40)
        }),
        ("the last, to nothing", killed, |journal| {
            journal.edit(THIRD, |bytes| bytes.truncate(0));
            Expected::Refused(THIRD, 0)
        }),
        ("the last, after the last sync", killed, |journal| {
            let at = journal.record(2, -2) + 8;
            journal.edit(THIRD, |bytes| bytes.truncate(at as usize));
            Expected::Torn(ALL - 2)
        }),
        // The exception of the README: with the records goes what says that they were synced.
        ("the last, inside acknowledged records", killed, |journal| {
            let at = journal.record(2, -9) + 8;
            journal.edit(THIRD, |bytes| bytes.truncate(at as usize));
            Expected::Torn(ALL - 9)
        }),
        ("the last, after its records", killed, |journal| {
            journal.edit(THIRD, |bytes| bytes.truncate(3800));
            Expected::Torn(ALL)
        }),
        ("a spare", killed, |journal| {
            journal.edit(SPARE, |bytes| bytes.truncate(1000));
            Expected::Whole(ALL)
        }),
    ]);
}
