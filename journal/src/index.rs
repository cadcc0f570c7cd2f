//! An in-memory index of the first sequence of each segment, so that a record is found without opening every segment.

use crate::error::JournalError;
use crate::reader::Reader;
use crate::recovery::list;
use crate::storage::Storage;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;

/// The segments of a journal that is being written and retired meanwhile.
#[derive(Debug)]
pub struct SegmentIndex {
    storage: Arc<dyn Storage>,
    /// Segment number to the sequence of the segment's first record.
    begins: BTreeMap<u64, u64>,
}

impl SegmentIndex {
    /// An index without segments; [`SegmentIndex::refresh`] fills it.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, begins: BTreeMap::new() }
    }

    /// Updates the index: lists the files and opens only the segments that are new.
    ///
    /// # Errors
    /// [`JournalError`] if the files cannot be listed or a new segment cannot be read.
    pub fn refresh(&mut self) -> Result<(), JournalError> {
        let numbers: Vec<u64> = list(self.storage.as_ref())?.into_iter().map(|(number, _)| number).collect();
        self.begins.retain(|number, _| numbers.binary_search(number).is_ok());
        let known = self.begins.last_key_value().map_or(0, |(number, _)| *number);
        for number in numbers.into_iter().filter(|number| *number > known) {
            match Reader::segment_begin(self.storage.as_ref(), number) {
                Ok(Some(begin)) => drop(self.begins.insert(number, begin)),
                // A spare; all segments after it are spares too.
                Ok(None) => break,
                // Retired after it was listed.
                Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The sequence of the first record at the last refresh; 1 for an empty journal.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.begins.first_key_value().map_or(1, |(_, begin)| *begin)
    }

    /// A reader at the start of the segment that holds this record, or will hold it. The reader also returns the
    /// records before it.
    ///
    /// # Errors
    /// [`JournalError::Gone`] if the record was retired; otherwise as [`Reader::open_storage`].
    pub fn reader_of(&mut self, sequence: u64) -> Result<Reader, JournalError> {
        // There may be segments by now that are newer than the newest known one.
        let is_in_an_older_one = self.begins.values().next_back().is_some_and(|newest| sequence < *newest);
        if is_in_an_older_one && let Some(reader) = self.open(sequence)? {
            return Ok(reader);
        }
        self.refresh()?;
        match self.open(sequence)? {
            Some(reader) => Ok(reader),
            None if self.begins.is_empty() => Reader::open_segment_of(Arc::clone(&self.storage), sequence),
            None => {
                let (dir, first) = (self.storage.dir().to_owned(), self.first());
                Err(JournalError::Gone { dir, first, asked: sequence })
            }
        }
    }

    /// A reader of the known segment that holds this record; `None` if no segment is known to hold it, or if that
    /// segment is gone.
    fn open(&self, sequence: u64) -> Result<Option<Reader>, JournalError> {
        let Some((number, _)) = self.begins.iter().rev().find(|(_, begin)| **begin <= sequence) else {
            return Ok(None);
        };
        match Reader::open_segment(&self.storage, *number) {
            Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStorage, Options, Retire, Writer, retire_before, scan_storage};

    fn filled(storage: &MemoryStorage, until: u64) -> Writer {
        let options = Options::default().with_segment_bytes(1 << 16).with_spare_segments(1);
        let scanned = scan_storage(Arc::new(storage.clone())).expect("a journal");
        let mut writer = scanned.into_writer(options).expect("a writer");
        for sequence in writer.next_sequence()..=until {
            // The next segment is made beside.
            while writer.append(sequence, 0, &[7; 200]).is_err() {
                std::thread::yield_now();
            }
        }
        writer.sync().expect("synced");
        writer
    }

    #[test]
    fn every_record_is_found_in_its_segment_also_in_new_ones_and_none_that_was_retired() {
        let storage = MemoryStorage::new();
        let shared: Arc<dyn Storage> = Arc::new(storage.clone());
        let mut index = SegmentIndex::new(Arc::clone(&shared));
        let found = |index: &mut SegmentIndex, sequence: u64| -> Result<u64, JournalError> {
            let mut reader = index.reader_of(sequence)?;
            let first = reader.next()?.expect("a record").sequence;
            let mut at = first;
            while at < sequence {
                at = reader.next()?.expect("a record").sequence;
            }
            assert_eq!(at, sequence);
            Ok(first)
        };
        for (begin, until) in [(1, 500), (501, 2_000)] {
            drop(filled(&storage, until));
            for sequence in (begin..=until).rev().step_by(7) {
                let first = found(&mut index, sequence).expect("found");
                assert!(first <= sequence);
            }
        }
        // What was written since it was last listed is found as near.
        drop(filled(&storage, 4_000));
        let opened = |index: &mut SegmentIndex, sequence| found(index, sequence).expect("found");
        assert!(4_000 - opened(&mut index, 4_000) < 300, "not read from far before");
        retire_before(shared.as_ref(), 1_000, Retire::Delete).expect("retired");
        assert!(matches!(found(&mut index, 3), Err(JournalError::Gone { first, asked: 3, .. }) if first > 3));
        assert!(index.first() > 3 && index.first() <= 1_000);
        assert!(found(&mut index, 1_000).is_ok());
    }
}
