//! What durability costs: the journal next to the floor of the same disk, measured in turns.
//!
//! `cargo bench --bench journal` measures; `cargo test --bench journal` runs the same code small, to see that it
//! works. The directory is made under `$TMPDIR`, or under `target` without it: the disk is the one that holds it.

use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use dojima_journal::storage::{FileStorage, Region, Storage};
use dojima_journal::{AppendError, Options, Reader, Writer, scan};

const PAYLOAD_BYTES: usize = 64;
/// What the floors write at a time: a record of 64 bytes with its header, rounded up.
const FLOOR_BYTES: usize = 128;

/// How much is measured.
struct Sizes {
    segment_bytes: u64,
    single_syncs: usize,
    /// Records per round of the batch table, at least one batch.
    batched_records: u64,
    rounds: usize,
    appended_records: u64,
}

const FULL: Sizes = Sizes {
    segment_bytes: 64 << 20,
    single_syncs: 4_000,
    batched_records: 500_000,
    rounds: 7,
    appended_records: 5_000_000,
};

const SMOKE: Sizes = Sizes {
    segment_bytes: 1 << 20,
    single_syncs: 20,
    batched_records: 5_000,
    rounds: 1,
    appended_records: 20_000,
};

fn main() {
    // `cargo bench` passes --bench, `cargo test` does not.
    let sizes = if std::env::args().any(|arg| arg == "--bench") { FULL } else { SMOKE };
    let place = std::env::var_os("TMPDIR").map_or_else(|| Path::new("target").to_owned(), Into::into);
    fs::create_dir_all(&place).expect("the directory can be made");
    let folder = tempfile::tempdir_in(&place).expect("a folder");
    println!("journal on {}", filesystem_of(folder.path()));
    one_record(folder.path(), &sizes);
    batches(folder.path(), &sizes);
    rates(folder.path(), &sizes);
}

/// One record and one sync at a time, in turns with the two bare ways of making 128 bytes durable.
fn one_record(folder: &Path, sizes: &Sizes) {
    let file = zeroed_file(&folder.join("floor-pwrite"), sizes.segment_bytes);
    let mut map = zeroed_map(&folder.join("floor-msync"), sizes.segment_bytes);
    let mut journal = open(&folder.join("single"), sizes);
    let bytes = [0x5A; FLOOR_BYTES];
    let (mut pwrite, mut msync, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..sizes.single_syncs {
        let at = 4096 + turn * FLOOR_BYTES;
        pwrite.push(time(|| {
            file.write_all_at(&bytes, at as u64).expect("pwrite");
            file.sync_data().expect("fdatasync");
        }));
        msync.push(time(|| {
            map.edit(|map| map[at..at + FLOOR_BYTES].copy_from_slice(&bytes));
            map.flush(at..at + FLOOR_BYTES).expect("msync");
        }));
        ours.push(time(|| {
            append(&mut journal);
            journal.sync().expect("sync");
        }));
    }
    assert_eq!(journal.durable(), sizes.single_syncs as u64);
    let floor = percentile(&mut pwrite, 50).min(percentile(&mut msync, 50));
    let mut table = table(&["one at a time", "p50 µs", "p99 µs", "ratio to the lower floor"]);
    for (name, times) in [
        ("floor: pwrite + fdatasync, 128 B", &mut pwrite),
        ("floor: msync, 128 B", &mut msync),
        ("journal: append + sync, 64 B payload", &mut ours),
    ] {
        let (median, tail) = (percentile(times, 50), percentile(times, 99));
        let ratio = median.as_secs_f64() / floor.as_secs_f64();
        table.add_row([name.to_owned(), micros(median), micros(tail), format!("{ratio:.2}")]);
    }
    println!("{table}");
}

/// Records per second that are durable, by how many share a sync; the rounds of the sizes are interleaved.
fn batches(folder: &Path, sizes: &Sizes) {
    const BATCHES: [u64; 4] = [64, 512, 4_096, 16_384];
    let mut runs: Vec<_> = BATCHES.iter().map(|batch| open(&folder.join(batch.to_string()), sizes)).collect();
    let mut times = vec![Vec::new(); BATCHES.len()];
    for _ in 0..sizes.rounds {
        for ((&batch, journal), times) in BATCHES.iter().zip(&mut runs).zip(&mut times) {
            // A sync costs about the same for every size, so the small batches get fewer of them.
            let turns = (sizes.batched_records.min(batch * 2_000) / batch).max(1);
            let elapsed = time(|| {
                for _ in 0..turns {
                    (0..batch).for_each(|_| append(journal));
                    journal.sync().expect("sync");
                }
            });
            times.push(elapsed.mul_f64(1_000.0 / (turns * batch) as f64));
        }
    }
    let mut table = table(&["records a sync", "durable records/s", "MB/s of payload", "digest"]);
    for ((batch, journal), times) in BATCHES.iter().zip(runs).zip(&mut times) {
        let per_thousand = percentile(times, 50).as_secs_f64();
        let records = journal.durable();
        journal.seal().expect("seal");
        let digest = digest(&folder.join(batch.to_string()), records);
        let rate = 1_000.0 / per_thousand;
        let payload = rate * PAYLOAD_BYTES as f64 / 1e6;
        table.add_row([
            batch.to_string(),
            format!("{rate:.0}"),
            format!("{payload:.0}"),
            format!("{digest:016x}"),
        ]);
    }
    println!("{table}");
}

/// The journal without its disk: appending, scanning and reading, beside a bare copy.
fn rates(folder: &Path, sizes: &Sizes) {
    let records = sizes.appended_records;
    let dir = folder.join("rates");
    // All segments are made before the clock starts, so that no maker shares the processor or the disk.
    let segments = (records * 96 / sizes.segment_bytes + 2) as u32;
    let options = Options::default().with_segment_bytes(sizes.segment_bytes).with_spare_segments(segments);
    let mut journal = scan(&dir).expect("scans").into_writer(options).expect("opens");
    let last_spare = dir.join(format!("{:010}.seg", segments + 1));
    while !last_spare.exists() {
        thread::sleep(Duration::from_millis(1));
    }
    let appended = time(|| (0..records).for_each(|_| append(&mut journal)));
    journal.seal().expect("seal");
    let scanned = time(|| assert_eq!(scan(&dir).expect("scans").records(), records));
    let read = time(|| assert_eq!(digest(&dir, records), expected_digest(records)));
    let mut copied = vec![0; records as usize * 96];
    let source = [0x5A_u8; 96];
    let copying =
        time(|| copied.chunks_exact_mut(96).for_each(|chunk| chunk.copy_from_slice(black_box(&source))));
    black_box(&copied);
    let mut table = table(&["64-byte payloads, one thread", "M records/s"]);
    for (name, elapsed) in [
        ("floor: copy into fresh memory", copying),
        ("append", appended),
        ("scan", scanned),
        ("read and digest", read),
    ] {
        table.add_row([name.to_owned(), format!("{:.1}", records as f64 / elapsed.as_secs_f64() / 1e6)]);
    }
    println!("{table}");
    println!("digest {:016x}", expected_digest(records));
}

fn open(dir: &Path, sizes: &Sizes) -> Writer {
    let options = Options::default().with_segment_bytes(sizes.segment_bytes);
    scan(dir).expect("scans").into_writer(options).expect("opens")
}

fn payload(sequence: u64) -> [u8; PAYLOAD_BYTES] {
    let mut payload = [0x5A; PAYLOAD_BYTES];
    payload[..8].copy_from_slice(&sequence.to_le_bytes());
    payload
}

fn append(journal: &mut Writer) {
    let sequence = journal.next_sequence();
    loop {
        match journal.append(sequence, sequence, &payload(sequence)) {
            Ok(()) => return,
            Err(AppendError::NoSpace) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

fn mix(digest: u64, value: u64) -> u64 {
    (digest ^ value).wrapping_mul(0x100_0000_01B3)
}

fn expected_digest(records: u64) -> u64 {
    (1..=records).fold(0, mix)
}

/// Reads a journal back and mixes what its payloads say.
fn digest(dir: &Path, records: u64) -> u64 {
    let mut reader = Reader::open(dir, 1).expect("opens");
    let (mut digest, mut count) = (0, 0);
    while let Some(record) = reader.next().expect("reads") {
        assert_eq!(record.payload, payload(record.sequence));
        digest = mix(digest, record.sequence);
        count += 1;
    }
    assert_eq!(count, records);
    assert_eq!(digest, expected_digest(records), "what was read is not what was written");
    digest
}

/// A file of real zeros, prepared as the journal prepares its own.
fn zeroed(path: &Path, bytes: u64) -> FileStorage {
    let storage = FileStorage::new(path.parent().expect("in a folder"));
    storage.create(&name_of(path), bytes, &[], &AtomicBool::new(false)).expect("created");
    storage
}

fn zeroed_file(path: &Path, bytes: u64) -> File {
    zeroed(path, bytes);
    OpenOptions::new().write(true).open(path).expect("opens")
}

fn zeroed_map(path: &Path, bytes: u64) -> Region {
    zeroed(path, bytes).map(&name_of(path), bytes).expect("maps")
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

/// The directory and the type of the filesystem that holds it, from the mount table.
fn filesystem_of(dir: &Path) -> String {
    let dir = dir.canonicalize().expect("the folder is there");
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words.next()?))
    });
    let holding = mounts.filter(|(_, at, _)| dir.starts_with(at)).max_by_key(|(_, at, _)| at.len());
    let (device, kind) = holding.map_or(("an unknown device", "unknown"), |(device, _, kind)| (device, kind));
    format!("{} ({kind} on {device})", dir.display())
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn micros(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e6)
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
