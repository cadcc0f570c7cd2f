//! Tests of the journal through its public interface, one module per subject.

mod beside;
mod content;
mod corruption;
mod damage;
mod direct;
mod epoch;
mod faults;
mod format;
mod gathered;
mod live;
mod model;
mod passing;
mod power;
mod reopen;
mod retention;
mod space;

use dojima_journal::storage::Writing;
use dojima_journal::{JournalError, MemoryStorage, Options, Reader, Scanned, Writer, scan_storage};
use std::path::Path;
use std::sync::Arc;

/// A record as tests compare it.
type Entry = (u64, u64, Vec<u8>);

/// The smallest segments, made when needed: no threads.
fn small() -> Options {
    Options::default().with_segment_bytes(4096).with_spare_segments(0)
}

/// The ways of writing of a journal that is synced on the way.
const SYNCED: [Writing; 2] = [Writing::Mapped, Writing::Pwrite];

fn scan(storage: &MemoryStorage) -> Result<Scanned, JournalError> {
    scan_storage(Arc::new(storage.clone()))
}

fn open(storage: &MemoryStorage) -> Writer {
    scan(storage).expect("the journal scans").into_writer(small()).expect("the journal opens")
}

/// The record that every test writes at `sequence`: its length and bytes follow from the sequence.
fn entry(sequence: u64) -> Entry {
    let length = (sequence * 7 % 41) as usize;
    (sequence, sequence * 1_000, (0..length).map(|index| (sequence as usize * 31 + index) as u8).collect())
}

fn append(writer: &mut Writer, count: u64) {
    for _ in 0..count {
        let (sequence, time_ns, payload) = entry(writer.next_sequence());
        writer.append(sequence, time_ns, &payload).expect("there is room");
    }
}

/// Everything readable from `from` on.
fn read(storage: &MemoryStorage, from: u64) -> Vec<Entry> {
    drain(&mut Reader::open_storage(Arc::new(storage.clone()), from).expect("the reader opens"))
}

fn read_dir(dir: &Path, from: u64) -> Vec<Entry> {
    drain(&mut Reader::open(dir, from).expect("the reader opens"))
}

fn drain(reader: &mut Reader) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some(record) = reader.next().expect("the reader reads") {
        entries.push((record.sequence, record.time_ns, record.payload.to_vec()));
    }
    entries
}

fn entries(sequences: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    sequences.map(entry).collect()
}

/// Names of the segment files, in order.
fn segments(storage: &MemoryStorage) -> Vec<String> {
    use dojima_journal::storage::Storage;
    let mut names: Vec<_> = storage.files().expect("files list").into_iter().map(|(name, _)| name).collect();
    names.sort();
    names
}
