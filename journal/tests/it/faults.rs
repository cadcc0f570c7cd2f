//! The fault matrix of the storage: one row per fault, with the verdict that it must get.
//!
//! `at_rest`: damage found by the next start. `live`: what a writer meets. `steps`: a failure or a crash at every single
//! step that changes the disk. `folder`: what real directories refuse.

mod at_rest;
mod folder;
mod live;
mod steps;

use crate::{append, entries, open, read, scan};
use dojima_journal::{JournalError, MemoryStorage, Verdict, Writer};

/// How a journal must be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    /// It opens with so many records, all as written, and ends between two of them.
    Whole(u64),
    /// It opens with so many records, all as written; what follows is cut.
    Torn(u64),
    /// It opens with so many records and a seal.
    Sealed(u64),
    /// It is refused, naming this file and this offset.
    Refused(&'static str, u64),
}

/// What it is judged to be. Records that open must be those that were written.
fn judge(row: &str, storage: &MemoryStorage) -> (Expected, Option<String>) {
    match scan(storage) {
        Ok(scanned) => {
            let (first, last) = (scanned.first_sequence(), scanned.next_sequence() - 1);
            assert_eq!(read(storage, first), entries(first..=last), "{row}");
            let expected = match scanned.verdict() {
                Verdict::Clean => Expected::Sealed(last),
                Verdict::TornTail { .. } => Expected::Torn(last),
                Verdict::Unsealed | Verdict::Empty => Expected::Whole(last),
            };
            (expected, None)
        }
        Err(JournalError::Damaged { file, offset, .. }) => {
            let name = file.file_name().expect("a file").to_string_lossy().into_owned();
            (Expected::Refused("", offset), Some(name))
        }
        Err(error) => panic!("{row}: {error}"),
    }
}

fn check(row: &str, storage: &MemoryStorage, expected: &Expected) {
    let (judged, blamed) = judge(row, storage);
    match (expected, judged, blamed) {
        (Expected::Refused(file, offset), Expected::Refused(_, at), Some(blamed)) => {
            assert_eq!((blamed.as_str(), at), (*file, *offset), "{row}");
        }
        (expected, judged, blamed) => {
            assert_eq!(*expected, judged, "{row}: {blamed:?} is blamed");
            // And it goes on from there.
            let mut writer = open(storage);
            append(&mut writer, 60);
            writer.seal().unwrap_or_else(|error| panic!("{row}: {error}"));
            assert!(matches!(judge(row, storage).0, Expected::Sealed(_)), "{row}");
        }
    }
}

/// Appends `batches` times five records, each batch synced.
fn append_batches(writer: &mut Writer, batches: u64) {
    for _ in 0..batches {
        append(writer, 5);
        writer.sync().expect("sync");
    }
}
