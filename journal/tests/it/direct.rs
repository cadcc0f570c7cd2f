//! What a sync says is on the disk is there: read back around the page cache.

use super::{SYNCED, entry};
use dojima_journal::storage::Writing;
use dojima_journal::{Options, scan};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, pread};
use std::path::Path;

const PAGE_BYTES: usize = 4096;

/// The bytes of a file as the disk has them; `None` on a file system that cannot read around its cache.
fn on_disk(path: &Path, bytes: usize) -> Option<Vec<u8>> {
    let file = match open(path, OFlags::RDONLY | OFlags::DIRECT, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::INVAL) => return None,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let mut buffer = vec![0; bytes + PAGE_BYTES];
    // Such a read wants whole pages at the start of a page.
    let from = buffer.as_ptr().align_offset(PAGE_BYTES);
    let mut done = 0;
    while done < bytes {
        match pread(&file, &mut buffer[from + done..from + bytes], done as u64).expect("it reads") {
            0 => break,
            read => done += read,
        }
    }
    Some(buffer[from..from + done].to_vec())
}

/// Batches of less than a page, of two pages, of dozens, and such that end a segment: after each sync the disk and the page cache
/// say the same.
#[test]
fn what_was_synced_is_on_the_disk() {
    SYNCED.into_iter().for_each(synced_bytes_are_on_the_disk);
}

fn synced_bytes_are_on_the_disk(writing: Writing) {
    // Not in a folder of memory, which has no disk.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let options = Options::default().with_segment_bytes(1 << 20).with_spare_segments(0).with_writing(writing);
    let mut writer = scan(folder.path()).expect("scans").into_writer(options).expect("opens");
    let mut random = 7_u64;
    let mut compared = 0;
    for _ in 0..60 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let records = [1, 40, 150, 3_000][(random >> 60) as usize % 4] + (random >> 33) % 50;
        for _ in 0..records {
            let (sequence, time_ns, payload) = entry(writer.next_sequence());
            writer.append(sequence, time_ns, &payload).expect("appended");
        }
        writer.sync().expect("synced");
        for segment in scan(folder.path()).expect("scans").segments() {
            let path = folder.path().join(&segment.file);
            let cached = std::fs::read(&path).expect("it reads");
            let Some(durable) = on_disk(&path, cached.len()) else {
                eprintln!("skipped: this file system cannot read around its page cache");
                return;
            };
            assert!(durable == cached, "{}: the disk has something else", path.display());
            compared += 1;
        }
        writer.warm();
    }
    assert!(compared > 100);
    let last = writer.appended();
    drop(writer);
    assert_eq!(super::read_dir(folder.path(), 1), super::entries(1..=last));
}
