//! Scans beside a writer that is at work at every moment of them; and segments of zeros, which are spares where nothing was
//! written yet and damage everywhere else.

use crate::{append, entries, open, read, scan, segments, small};
use dojima_journal::NotSynced;
use dojima_journal::storage::{LockGuard, ReadAt, Region, Storage, Writing};
use dojima_journal::{
    JournalError, MemoryStorage, Options, Retire, Verdict, retire_before, scan_beside, scan_storage,
};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

type Busy = Box<dyn FnMut() + Send>;

/// Files that change before one step of whoever reads them.
#[derive(Clone)]
struct Racing {
    files: MemoryStorage,
    /// How many steps are left until then, and what happens then.
    due: Arc<Mutex<(usize, Busy)>>,
}

impl std::fmt::Debug for Racing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.fmt(f)
    }
}

impl Racing {
    fn new(files: &MemoryStorage, steps: usize, busy: impl FnMut() + Send + 'static) -> Self {
        Self { files: files.clone(), due: Arc::new(Mutex::new((steps, Box::new(busy)))) }
    }

    fn step(&self) {
        let (left, busy) = &mut *self.due.lock().expect("one reader");
        match left {
            0 => {}
            1 => {
                *left = 0;
                busy();
            }
            _ => *left -= 1,
        }
    }

    fn was_busy(&self) -> bool {
        self.due.lock().expect("one reader").0 == 0
    }
}

#[derive(Debug)]
struct RacingFile {
    file: Box<dyn ReadAt>,
    racing: Racing,
}

impl ReadAt for RacingFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.racing.step();
        self.file.read_at(buffer, offset)
    }
}

impl Storage for Racing {
    fn prepare(&self) -> io::Result<()> {
        self.files.prepare()
    }

    fn lock(&self) -> Result<LockGuard, JournalError> {
        self.files.lock()
    }

    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        self.step();
        self.files.files()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>> {
        self.step();
        Ok(Box::new(RacingFile { file: self.files.open(name)?, racing: self.clone() }))
    }

    fn create(
        &self,
        name: &str,
        bytes: u64,
        start: &[u8],
        writing: Writing,
        cancel: &AtomicBool,
    ) -> io::Result<()> {
        self.files.create(name, bytes, start, writing, cancel)
    }

    fn write(
        &self,
        name: &str,
        fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.files.write(name, fill)
    }

    fn open_to_write(&self, name: &str, bytes: u64, writing: Writing) -> io::Result<Region> {
        self.files.open_to_write(name, bytes, writing)
    }

    fn sync_file(&self, name: &str) -> Result<(), NotSynced> {
        self.files.sync_file(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)
    }

    fn new_salt(&self) -> u64 {
        self.files.new_salt()
    }

    fn dir(&self) -> &Path {
        self.files.dir()
    }
}

/// Runs scans beside a writer that appends, syncs and appends once more, so that what it wrote last says that what it wrote
/// first is durable, before the first step of the scan, the second, and so on. How many scans alone would have called the
/// journal damaged.
fn false_alarms(
    options: Options,
    before: u64,
    busy: impl Fn(&MemoryStorage, &mut dojima_journal::Writer) + Send + Copy + 'static,
) -> u64 {
    let mut alarms = 0;
    for steps in 1.. {
        let prepare = || {
            let files = MemoryStorage::new();
            let mut writer = scan(&files).expect("scans").into_writer(options).expect("opens");
            append(&mut writer, before);
            writer.sync().expect("synced");
            let inner = files.clone();
            let racing = Racing::new(&files, steps, move || busy(&inner, &mut writer));
            (files, racing)
        };
        let (_, alone) = prepare();
        alarms += u64::from(scan_storage(Arc::new(alone)).is_err());
        let (files, racing) = prepare();
        let storage: Arc<dyn Storage> = Arc::new(racing.clone());
        let found = scan_beside(&storage).unwrap_or_else(|error| panic!("before step {steps}: {error}"));
        if !racing.was_busy() {
            return alarms;
        }
        let (first, next) = (found.scanned.first_sequence(), found.scanned.next_sequence());
        assert!(next > before, "before step {steps}: {next}");
        assert!(matches!(found.scanned.verdict(), Verdict::Unsealed) || found.is_live, "before step {steps}");
        assert_eq!(read(&files, first.max(before))[0], entries(first.max(before)..=first.max(before))[0]);
    }
    unreachable!("a scan ends")
}

fn append_durably(writer: &mut dojima_journal::Writer, records: u64) {
    append(writer, records);
    writer.sync().expect("synced");
    append(writer, 1);
}

#[test]
fn a_scan_beside_a_writer_calls_nothing_damaged() {
    // Without a second look there are false alarms, or this would be no test.
    assert!(false_alarms(small(), 40, |_, writer| append_durably(writer, 200)) > 0, "over segments");
    // A scan reads a large segment in several pieces.
    let large = small().with_segment_bytes(1 << 20);
    assert!(false_alarms(large, 6_000, |_, writer| append_durably(writer, 6_000)) > 0, "in a segment");
}

#[test]
fn a_scan_beside_one_who_retires_segments_calls_nothing_missing() {
    let alarms = false_alarms(small(), 300, |files, writer| {
        append_durably(writer, 5);
        retire_before(files, 250, Retire::Delete).expect("retired");
    });
    assert!(alarms > 0);
}

#[test]
fn damage_is_found_beside_a_writer_too() {
    let files = MemoryStorage::new();
    let mut writer = open(&files);
    append_durably(&mut writer, 30);
    files.rot("0000000001.seg", 200, 1);
    let storage: Arc<dyn Storage> = Arc::new(files);
    let damaged = scan_beside(&storage).expect_err("damaged");
    assert!(matches!(damaged, JournalError::Damaged { .. }), "{damaged}");
}

/// A journal of some records in its first segment, and so many spares.
fn with_spares(spares: u32) -> MemoryStorage {
    let files = MemoryStorage::new();
    let options = small().with_spare_segments(spares);
    let mut writer = scan(&files).expect("scans").into_writer(options).expect("opens");
    append(&mut writer, 5);
    writer.sync().expect("synced");
    while segments(&files).len() <= spares as usize {
        std::thread::yield_now();
    }
    drop(writer);
    files
}

#[test]
fn spares_of_zeros_are_spares() {
    for zeros in [&[2, 3][..], &[2], &[3]] {
        let files = with_spares(2);
        let whole = scan(&files).expect("scans").records();
        for number in zeros {
            files.put(&format!("{number:010}.seg"), vec![0; 4096]);
        }
        let scanned = scan(&files).unwrap_or_else(|error| panic!("{zeros:?}: {error}"));
        assert_eq!((scanned.records(), scanned.verdict()), (whole, &Verdict::Unsealed), "{zeros:?}");
        assert_eq!(read(&files, 1), entries(1..=5), "{zeros:?}");
        assert_eq!(retire_before(&files, 5, Retire::Delete).expect("nothing to do").segments, 0);
        // It goes on over them, into segments that were made anew.
        let mut writer = scanned.into_writer(small()).expect("opens");
        append(&mut writer, 200);
        writer.seal().expect("sealed");
        assert_eq!(read(&files, 1), entries(1..=205), "{zeros:?}");
    }
}

#[test]
fn zeros_where_something_was_written_are_damage() {
    let files = MemoryStorage::new();
    let mut writer = open(&files);
    append_durably(&mut writer, 300);
    drop(writer);
    let count = segments(&files).len();
    assert!(count >= 4);
    for name in segments(&files) {
        let files = files.after_crash(|_, _| true);
        files.put(&name, vec![0; 4096]);
        let damaged = scan(&files).expect_err("the segments before say that the journal goes on there");
        assert!(damaged.to_string().contains(&name), "{damaged}");
    }
    // One byte that is not zero was written by somebody.
    let files = with_spares(2);
    let mut bytes = vec![0; 4096];
    bytes[3000] = 1;
    files.put("0000000003.seg", bytes);
    scan(&files).expect_err("a header is due");
}
