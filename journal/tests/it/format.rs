//! The format as it is written down: the README's tables, and files of version 1 that must open for ever.

use crate::{append, entries, read_dir, scan, segments, small};
use dojima_journal::layout::{
    BASE_SEQUENCE_AT, CONTENT_KIND_AT, CONTENT_VERSION_AT, CRC_AT, END, EPOCH_AT, HEADER_CRC_AT,
    HEADER_LENGTH_AT, LENGTH_AT, MAGIC, MAGIC_AT, RECORD_HEADER_BYTES, SALT_AT, SEAL, SEGMENT_BYTES_AT,
    SEGMENT_HEADER_BYTES, SEGMENT_NUMBER_AT, SEQUENCE_AT, TAIL_RESERVE_BYTES, TIME_AT, VERSION, VERSION_AT,
    WATERMARK_AT,
};
use dojima_journal::{Content, MemoryStorage, Verdict};
use std::fs;
use std::path::{Path, PathBuf};

const README: &str = include_str!("../../README.md");

/// Rows of the table that follows `heading`, as (offset, bytes, field).
fn table(heading: &str) -> Vec<(usize, usize, String)> {
    let (_, after) = README.split_once(heading).expect("the heading is there");
    let rows = after.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        (cells[1].parse().expect("an offset"), cells[2].parse().expect("a size"), cells[3].to_owned())
    })
    .collect()
}

/// The rows that the offsets give: each field reaches to the next.
fn fields(offsets: &[(usize, &str)], end: usize) -> Vec<(usize, usize, String)> {
    let ends = offsets.iter().skip(1).map(|&(at, _)| at).chain([end]);
    offsets.iter().zip(ends).map(|(&(at, name), end)| (at, end - at, name.to_owned())).collect()
}

#[test]
fn the_readme_and_the_constants_agree() {
    let segment = [
        (MAGIC_AT, "magic"),
        (VERSION_AT, "version"),
        (HEADER_LENGTH_AT, "header length"),
        (SEGMENT_NUMBER_AT, "segment number"),
        (BASE_SEQUENCE_AT, "base sequence"),
        (SEGMENT_BYTES_AT, "segment bytes"),
        (SALT_AT, "salt"),
        (CONTENT_KIND_AT, "content kind"),
        (CONTENT_VERSION_AT, "content version"),
        (EPOCH_AT, "epoch"),
        (HEADER_CRC_AT, "header crc"),
    ];
    let record = [
        (LENGTH_AT, "length"),
        (CRC_AT, "crc"),
        (SEQUENCE_AT, "sequence"),
        (WATERMARK_AT, "watermark"),
        (TIME_AT, "time"),
    ];
    assert_eq!(table("### Segment header"), fields(&segment, SEGMENT_HEADER_BYTES));
    assert_eq!(table("### Record"), fields(&record, RECORD_HEADER_BYTES));
    let magic = String::from_utf8(MAGIC.to_vec()).expect("ASCII");
    for text in [
        format!("## Format, version {VERSION}\n"),
        format!("| `{magic}` |"),
        format!("| `0x{SEAL:08X}` | seal |"),
        format!("| `0x{END:08X}` | end marker |"),
        format!("They leave the last {TAIL_RESERVE_BYTES} bytes of a segment free"),
    ] {
        assert!(README.contains(&text), "{text}");
    }
}

const NAMED: Content = Content { kind: 258, version: 772 };
const EPOCH: u64 = 0x0102_0304_0506_0708;

/// The golden journals of version 1: a folder, what its segments say they hold, and in which epoch each of the two was begun.
/// The first is from before there was a content, the second from before there was an epoch.
const GOLDEN: [(&str, Content, [u64; 2]); 3] =
    [("v1", Content::NOT_SAID, [0, 0]), ("v1-content", NAMED, [0, 0]), ("v1-epoch", NAMED, [7, EPOCH])];

fn golden_dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// What the golden files hold: some records, a clean stop and more records of the next writer, so that the second segment is
/// the one that it begins; a clean stop, 5 more records, a clean stop.
fn golden(content: Content, epochs: [u64; 2]) -> MemoryStorage {
    let storage = MemoryStorage::new();
    let [first, second] = epochs;
    // Where there is no epoch, one writer begins both segments.
    let writers: &[(u64, u64)] =
        if first == second { &[(90, first), (5, first)] } else { &[(30, first), (60, second), (5, second)] };
    for &(records, epoch) in writers {
        let options = small().with_content(content).with_epoch(epoch);
        let mut writer = scan(&storage).expect("scans").into_writer(options).expect("opens");
        append(&mut writer, records / 2);
        writer.sync().expect("sync");
        append(&mut writer, records - records / 2);
        writer.seal().expect("seal");
    }
    storage
}

#[test]
fn golden_files_open() {
    for (name, content, epochs) in GOLDEN {
        let folder = tempfile::tempdir().expect("a folder");
        for file in fs::read_dir(golden_dir(name)).expect("golden files") {
            let file = file.expect("a file");
            fs::copy(file.path(), folder.path().join(file.file_name())).expect("copied");
        }
        let scanned = dojima_journal::scan(folder.path()).expect("scans");
        assert_eq!((scanned.verdict(), scanned.records()), (&Verdict::Clean, 95), "{name}");
        assert_eq!(scanned.content(), Some(content), "{name}");
        let found: Vec<_> = scanned.segments().iter().map(|segment| segment.epoch).collect();
        assert_eq!((found.as_slice(), scanned.epoch()), (epochs.as_slice(), Some(epochs[1])), "{name}");
        assert_eq!(read_dir(folder.path(), 1), entries(1..=95), "{name}");
        let mut writer =
            scanned.into_writer(small().with_content(content).with_epoch(epochs[1])).expect("opens");
        append(&mut writer, 100);
        writer.seal().expect("seal");
        assert_eq!(read_dir(folder.path(), 1), entries(1..=195), "{name}");
    }
}

#[test]
fn the_same_records_give_the_golden_bytes() {
    for (folder, content, epochs) in GOLDEN {
        let storage = golden(content, epochs);
        assert_eq!(scan(&storage).expect("scans").records(), 95);
        let names = segments(&storage);
        assert_eq!(names.len(), 2);
        for name in names {
            let golden = fs::read(golden_dir(folder).join(&name)).expect("a golden file");
            assert!(storage.bytes(&name).expect("the file is there") == golden, "{folder}/{name}");
        }
    }
}

/// Run by hand when a new version gets golden files of its own. Never over files that are there.
#[test]
#[ignore = "writes the golden files that are missing"]
fn write_golden_files() {
    for (folder, content, epochs) in GOLDEN.iter().filter(|(folder, ..)| !golden_dir(folder).exists()) {
        let storage = golden(*content, *epochs);
        fs::create_dir_all(golden_dir(folder)).expect("a folder");
        for name in segments(&storage) {
            let bytes = storage.bytes(&name).expect("the file is there");
            fs::write(golden_dir(folder).join(&name), bytes).expect("written");
        }
    }
}
