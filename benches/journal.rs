//! What durability costs: the journal next to the floor of the same disk, measured in turns.
//!
//! `cargo bench --bench journal` measures; `cargo bench --bench journal -- --paced 600` only the latency of appends at a
//! steady pace, over so many seconds; `cargo test --bench journal` runs the same code small, to see that it works. The directory is made under `$TMPDIR`, or under `target` without it: the disk is the one that holds it.

use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use dojima_journal::storage::{FileStorage, Region, Storage, Writing};
use dojima_journal::{AppendError, Options, Reader, Writer, scan};
use hdrhistogram::Histogram;

const PAYLOAD_BYTES: usize = 64;
/// Bytes of such a record in the journal.
const RECORD_BYTES: usize = 96;
/// What the floor of one record writes: a page.
const PAGE_BYTES: usize = 4096;
/// How many records share a sync.
const BATCHES: [u64; 4] = [64, 512, 4_096, 16_384];
/// Records per second of the paced run, and what an append should never take.
const PACE: u64 = 200_000;
const APPEND_MAX: Duration = Duration::from_micros(50);

/// How much is measured.
struct Sizes {
    segment_bytes: u64,
    single_syncs: usize,
    /// Records per round of the batch table, at least one batch.
    batched_records: u64,
    rounds: usize,
    appended_records: u64,
    paced: Duration,
}

const FULL: Sizes = Sizes {
    segment_bytes: 64 << 20,
    single_syncs: 4_000,
    batched_records: 400_000,
    rounds: 7,
    appended_records: 5_000_000,
    paced: Duration::from_secs(10),
};

const SMOKE: Sizes = Sizes {
    segment_bytes: 1 << 20,
    single_syncs: 20,
    batched_records: 5_000,
    rounds: 1,
    appended_records: 20_000,
    paced: Duration::from_millis(100),
};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    // `cargo bench` passes --bench, `cargo test` does not.
    let mut sizes = if args.iter().any(|arg| arg == "--bench") { FULL } else { SMOKE };
    let paced = args.iter().position(|arg| arg == "--paced");
    let seconds = paced.map(|at| args[at + 1].parse().expect("--paced SECONDS"));
    let place = std::env::var_os("TMPDIR").map_or_else(|| Path::new("target").to_owned(), Into::into);
    fs::create_dir_all(&place).expect("the directory can be made");
    let folder = tempfile::tempdir_in(&place).expect("a folder");
    println!("journal on {}", filesystem_of(folder.path()));
    if let Some(seconds) = seconds {
        sizes.paced = Duration::from_secs(seconds);
        pace(folder.path(), &sizes);
        return;
    }
    one_record(folder.path(), &sizes);
    batches(folder.path(), &sizes);
    rates(folder.path(), &sizes);
    pace(folder.path(), &sizes);
}

/// One record and one sync at a time, in turns with bare ways of making as much durable.
fn one_record(folder: &Path, sizes: &Sizes) {
    let file = zeroed_file(&folder.join("floor-pwrite"), sizes.segment_bytes);
    let mut map = zeroed_map(&folder.join("floor-map"), sizes.segment_bytes);
    let mut journal = open(&folder.join("single"), sizes);
    let page = [0x5A; PAGE_BYTES];
    let (mut pwrite, mut mapped, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..sizes.single_syncs {
        let at = PAGE_BYTES + turn * PAGE_BYTES % (sizes.segment_bytes as usize - 2 * PAGE_BYTES);
        pwrite.push(time(|| {
            file.write_all_at(&page, at as u64).expect("pwrite");
            file.sync_data().expect("fdatasync");
        }));
        let at = PAGE_BYTES + turn * RECORD_BYTES;
        mapped.push(time(|| {
            map.edit(at..at + RECORD_BYTES, |map| map.copy_from_slice(&page[..RECORD_BYTES]));
            map.flush(at..at + RECORD_BYTES).expect("fdatasync");
        }));
        ours.push(time(|| {
            append(&mut journal);
            journal.sync().expect("sync");
        }));
        journal.warm();
    }
    assert_eq!(journal.durable(), sizes.single_syncs as u64);
    let floor = percentile(&mut pwrite, 50);
    let mut table = table(&["one at a time", "p50 µs", "p99 µs", "ratio to the first floor"]);
    for (name, times) in [
        ("floor: pwrite + fdatasync, 4 KiB", &mut pwrite),
        ("floor: copy into a map + fdatasync, 96 B", &mut mapped),
        ("journal: append + sync, 64 B payload", &mut ours),
    ] {
        let (median, tail) = (percentile(times, 50), percentile(times, 99));
        let ratio = median.as_secs_f64() / floor.as_secs_f64();
        table.add_row([name.to_owned(), micros(median), micros(tail), format!("{ratio:.2}")]);
    }
    println!("{table}");
}

/// One way of making batches durable, and how long its rounds took per record.
struct Contender {
    name: &'static str,
    times: Vec<Duration>,
}

/// Records per second that are durable, by how many share a sync, next to bare ways of making the same bytes durable. The
/// rounds of all of them are interleaved.
fn batches(folder: &Path, sizes: &Sizes) {
    let mut table =
        table(&["records a sync", "", "M records/s", "MB/s of payload", "ratio to the first floor"]);
    for batch in BATCHES {
        // A sync costs about the same for every size, so the small batches get fewer of them.
        let turns = (sizes.batched_records.min(batch * 500) / batch).max(1);
        let records = turns * batch * sizes.rounds as u64;
        let bytes = batch as usize * RECORD_BYTES;
        let floor_bytes = sizes.segment_bytes.max(2 * bytes.next_multiple_of(PAGE_BYTES) as u64);
        let file = zeroed_file(&folder.join(format!("pwrite-{batch}")), floor_bytes);
        let mut map = zeroed_map(&folder.join(format!("map-{batch}")), floor_bytes);
        let (ready_dir, made_dir) =
            (folder.join(format!("ready-{batch}")), folder.join(format!("made-{batch}")));
        let mut ready = open_with_space(&ready_dir, sizes, records);
        let mut made = open(&made_dir, sizes);
        let source = vec![0x5A; bytes];
        let mut at = 0;
        let mut contenders = [
            "floor: pwrite + fdatasync of the same bytes",
            "floor: copy into a map + fdatasync of the same bytes",
            "journal, segments ready",
            "journal, segments being made",
        ]
        .map(|name| Contender { name, times: Vec::new() });
        for _ in 0..sizes.rounds {
            for (index, contender) in contenders.iter_mut().enumerate() {
                let elapsed = time(|| {
                    for _ in 0..turns {
                        at = if at + 2 * bytes > floor_bytes as usize { 0 } else { at + bytes };
                        match index {
                            0 => {
                                file.write_all_at(&source, at as u64).expect("pwrite");
                                file.sync_data().expect("fdatasync");
                            }
                            1 => {
                                map.edit(at..at + bytes, |map| map.copy_from_slice(&source));
                                map.flush(at..at + bytes).expect("fdatasync");
                            }
                            2 => append_batch(&mut ready, batch),
                            _ => append_batch(&mut made, batch),
                        }
                    }
                });
                contender.times.push(elapsed.mul_f64(1_000.0 / (turns * batch) as f64));
            }
        }
        for (journal, dir) in [(ready, ready_dir), (made, made_dir)] {
            assert_eq!(journal.durable(), records);
            journal.seal().expect("seal");
            digest(&dir, records);
            fs::remove_dir_all(dir).expect("removed");
        }
        let floor = percentile(&mut contenders[0].times, 50);
        for Contender { name, times } in &mut contenders {
            let per_thousand = percentile(times, 50);
            let rate = 1_000.0 / per_thousand.as_secs_f64();
            let ratio = per_thousand.as_secs_f64() / floor.as_secs_f64();
            table.add_row([
                batch.to_string(),
                (*name).to_owned(),
                format!("{:.2}", rate / 1e6),
                format!("{:.0}", rate * PAYLOAD_BYTES as f64 / 1e6),
                format!("{ratio:.2}"),
            ]);
        }
    }
    println!("{table}");
}

fn append_batch(journal: &mut Writer, records: u64) {
    (0..records).for_each(|_| {
        append(journal);
    });
    journal.sync().expect("sync");
    journal.warm();
}

/// The journal without its disk: appending, scanning and reading, beside bare copies and reads.
fn rates(folder: &Path, sizes: &Sizes) {
    let records = sizes.appended_records;
    let dir = folder.join("rates");
    let mut journal = open_with_space(&dir, sizes, records);
    let appended = time(|| {
        (0..records).for_each(|_| {
            append(&mut journal);
        })
    });
    journal.seal().expect("seal");
    // As an engine leaves it: with two spares, which a scan looks through as well.
    open_with_spares(&dir, sizes, 2).seal().expect("seal");
    let scanned = time(|| assert_eq!(scan(&dir).expect("scans").records(), records));
    let read = time(|| assert_eq!(digest(&dir, records), expected_digest(records)));
    let mut copied = vec![0; records as usize * RECORD_BYTES];
    let source = [0x5A_u8; RECORD_BYTES];
    let copying = time(|| {
        let records = copied.chunks_exact_mut(RECORD_BYTES);
        records.for_each(|record| record.copy_from_slice(black_box(&source)));
    });
    black_box(&copied);
    let from_cache = time(|| read_all(&dir, false));
    let summed = time(|| read_all(&dir, true));
    let mut table = table(&["64-byte payloads, one thread", "M records/s", "MB/s of segments"]);
    for (name, elapsed) in [
        ("floor: copy into fresh memory", copying),
        ("append", appended),
        ("floor: read the files", from_cache),
        ("floor: read the files, one CRC-32C", summed),
        ("scan", scanned),
        ("read and digest", read),
    ] {
        let seconds = elapsed.as_secs_f64();
        let megabytes = records as f64 * RECORD_BYTES as f64 / 1e6;
        table.add_row([
            name.to_owned(),
            format!("{:.1}", records as f64 / seconds / 1e6),
            format!("{:.0}", megabytes / seconds),
        ]);
    }
    println!("{table}");
    println!("digest {:016x}", expected_digest(records));
    fs::remove_dir_all(dir).expect("removed");
}

/// Reads every file of a journal once, as plainly as can be.
fn read_all(dir: &Path, sum: bool) {
    let mut buffer = vec![0; 256 << 10];
    for entry in fs::read_dir(dir).expect("lists") {
        let mut file = File::open(entry.expect("an entry").path()).expect("opens");
        loop {
            let bytes = file.read(&mut buffer).expect("reads");
            if bytes == 0 {
                break;
            }
            black_box(if sum { crc32c::crc32c(&buffer[..bytes]) } else { u32::from(buffer[0]) });
        }
    }
}

/// Appends at a steady pace over segment after segment, and times every single append; next to each of them, on the same
/// thread, a copy of as many bytes to memory that is at hand. Whatever takes the processor away strikes both.
fn pace(folder: &Path, sizes: &Sizes) {
    let dir = folder.join("paced");
    let mut journal = open(&dir, sizes);
    journal.warm();
    let nanos = || Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).expect("bounds");
    let (mut appends, mut floors, mut syncs) = (nanos(), nanos(), nanos());
    let (mut faults, mut faulting_batches, mut refused) = (0, 0, 0);
    let mut scratch = [0_u8; RECORD_BYTES];
    let started = Instant::now();
    loop {
        let elapsed = started.elapsed();
        if elapsed >= sizes.paced {
            break;
        }
        let due = (elapsed.as_secs_f64() * PACE as f64) as u64;
        let faults_before = minor_faults();
        let batch = due.saturating_sub(journal.appended()).min(BATCHES[3]);
        for _ in 0..batch {
            let (start, record) = (Instant::now(), payload(due));
            scratch[..PAYLOAD_BYTES].copy_from_slice(black_box(&record));
            black_box(&scratch);
            floors.saturating_record(start.elapsed().as_nanos() as u64);
            let start = Instant::now();
            refused += append(&mut journal);
            appends.saturating_record(start.elapsed().as_nanos() as u64);
        }
        let faulted = minor_faults() - faults_before;
        faults += faulted;
        faulting_batches += u64::from(faulted > 0);
        if batch > 0 {
            let start = Instant::now();
            journal.sync().expect("sync");
            syncs.saturating_record(start.elapsed().as_nanos() as u64);
            journal.warm();
        } else {
            thread::yield_now();
        }
    }
    let records = journal.durable();
    journal.seal().expect("seal");
    digest(&dir, records);
    let segments = scan(&dir).expect("scans").segments().len();
    fs::remove_dir_all(dir).expect("removed");
    println!(
        "{} records at {PACE} a second in {} s, {} syncs, {segments} segments; no segment was ready {refused} \
         times; page faults in appends: {faults}, in {faulting_batches} batches",
        records,
        sizes.paced.as_secs_f64(),
        syncs.len(),
    );
    let over = format!("over {} µs", APPEND_MAX.as_micros());
    let mut table = table(&["µs", "p50", "p99", "p99.9", "p99.99", "max", &over]);
    for (name, histogram) in [("floor: copy to warm memory", &floors), ("append", &appends), ("sync", &syncs)]
    {
        let at = |percent| format!("{:.2}", histogram.value_at_percentile(percent) as f64 / 1e3);
        let limit = APPEND_MAX.as_nanos() as u64;
        let over = histogram.len() - histogram.count_between(0, limit);
        table.add_row([
            name.to_owned(),
            at(50.0),
            at(99.0),
            at(99.9),
            at(99.99),
            format!("{:.2}", histogram.max() as f64 / 1e3),
            over.to_string(),
        ]);
    }
    println!("{table}");
}

/// Page faults of this thread so far; 0 where the system does not say.
fn minor_faults() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    // The name in parentheses may contain spaces; minor faults are the eighth word after it.
    let words = stat.rsplit(')').next().unwrap_or_default();
    words.split_whitespace().nth(7).and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn open(dir: &Path, sizes: &Sizes) -> Writer {
    let options = Options::default().with_segment_bytes(sizes.segment_bytes);
    scan(dir).expect("scans").into_writer(options).expect("opens")
}

/// A journal for which all segments are made before the clock starts, so that no maker shares processor or disk.
fn open_with_space(dir: &Path, sizes: &Sizes, records: u64) -> Writer {
    open_with_spares(dir, sizes, (records * RECORD_BYTES as u64 / sizes.segment_bytes + 2) as u32)
}

/// Waits until so many spares are there.
fn open_with_spares(dir: &Path, sizes: &Sizes, spares: u32) -> Writer {
    let options = Options::default().with_segment_bytes(sizes.segment_bytes).with_spare_segments(spares);
    let scanned = scan(dir).expect("scans");
    let tail = scanned.segments().last().map_or(1, |segment| segment.number);
    let journal = scanned.into_writer(options).expect("opens");
    let last_spare = dir.join(format!("{:010}.seg", tail + u64::from(spares)));
    while !last_spare.exists() {
        thread::sleep(Duration::from_millis(1));
    }
    journal
}

fn payload(sequence: u64) -> [u8; PAYLOAD_BYTES] {
    let mut payload = [0x5A; PAYLOAD_BYTES];
    payload[..8].copy_from_slice(&sequence.to_le_bytes());
    payload
}

/// Appends the next record, and says how often there was no segment for it.
fn append(journal: &mut Writer) -> u64 {
    let sequence = journal.next_sequence();
    let mut refused = 0;
    loop {
        match journal.append(sequence, sequence, &payload(sequence)) {
            Ok(()) => return refused,
            Err(AppendError::NoSpace) => {
                refused += 1;
                thread::yield_now();
            }
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
    storage.create(&name_of(path), bytes, &[], Writing::Mapped, &AtomicBool::new(false)).expect("created");
    storage
}

fn zeroed_file(path: &Path, bytes: u64) -> File {
    zeroed(path, bytes);
    OpenOptions::new().write(true).open(path).expect("opens")
}

fn zeroed_map(path: &Path, bytes: u64) -> Region {
    zeroed(path, bytes).open_to_write(&name_of(path), bytes, Writing::Mapped).expect("maps")
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
