//! The snapshots of an engine: one file each, named by its position.
//!
//! A snapshot is written completely or not at all, and never changed. This module does not decide which ones to keep.

use super::error::SnapshotError;
use super::snapshot::layout::VERSIONS;
use super::snapshot::{Header, check, read, read_header, reader, write};
use super::{State, name_key};
use crate::domain::Timestamp;
use crate::exchange::Digest;
use dojima_journal::storage::{Storage, UNFINISHED, remove_unfinished};
use std::io;
use std::sync::Arc;

/// Digits of a position in a file name, so that names sort like positions.
const DIGITS: usize = 20;
const SUFFIX: &str = ".snap";

/// The header data of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The sequence of the last command in it.
    pub position: u64,
    /// That command's time.
    pub time: Timestamp,
    /// The number of the last event.
    pub last_event: u64,
    /// The digest of the configuration that opened the venue; 0 before that.
    pub config_digest: u64,
    /// The digest of the exchange when it was saved.
    pub digest: Digest,
    /// Length of the file.
    pub bytes: u64,
}

impl SnapshotInfo {
    fn of(header: Header, bytes: u64) -> Self {
        let Header { position, time, last_event, config_digest, digest, .. } = header;
        Self { position, time, last_event, config_digest, digest, bytes }
    }
}

/// The directory of snapshots.
#[derive(Clone, Debug)]
pub struct Snapshots {
    files: Arc<dyn Storage>,
}

impl Snapshots {
    /// The snapshots in `files`, which need not exist yet.
    pub fn new(files: Arc<dyn Storage>) -> Self {
        Self { files }
    }

    /// The file name of a snapshot.
    pub fn file_name(position: u64) -> String {
        name_of(position)
    }

    /// The positions of all snapshots, newest first. Reads only file names.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn positions(&self) -> Result<Vec<u64>, SnapshotError> {
        let files = self.files.files().map_err(self.failed("list", None))?;
        let mut positions: Vec<u64> = files.iter().filter_map(|(name, _)| position_of(name)).collect();
        positions.sort_unstable_by(|one, other| other.cmp(one));
        Ok(positions)
    }

    /// Writes a snapshot of the state, whose digest is given, and reads it back. When this returns, the snapshot is
    /// durable and every byte was verified; until then the file of its name does not exist or is the old one. Needs a
    /// few hundred KiB of memory, whatever the size of the state. The caller must be the only writer in the directory.
    /// # Errors
    /// [`SnapshotError::Io`]; a file of that name is then the old or the new one, never a part of one.
    /// [`SnapshotError::Damaged`] if the bytes read back differ; then no file of that name exists.
    pub fn save(&self, state: &State, digest: Digest) -> Result<SnapshotInfo, SnapshotError> {
        let name = name_of(state.last.sequence);
        let failed = || self.failed("write", Some(&name));
        self.files.prepare().map_err(self.failed("create", None))?;
        remove_unfinished(self.files.as_ref()).map_err(self.failed("tidy up", None))?;
        let (header, mut bytes) = (Header::of(state, digest), 0);
        let written = self.files.write(&name, &mut |out| {
            bytes = write(&header, state, out)?;
            Ok(())
        });
        written.map_err(failed())?;
        if let Err(error) = self.check(state.last.sequence) {
            // A start would skip it too, so it does no harm if it cannot be removed.
            let _ = self.files.remove(&name);
            return Err(error);
        }
        Ok(SnapshotInfo::of(header, bytes))
    }

    /// The header data of a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError::Io`] if it does not exist, [`SnapshotError::Damaged`], [`SnapshotError::UnknownVersion`].
    pub fn info(&self, position: u64) -> Result<SnapshotInfo, SnapshotError> {
        let source = self.open(position)?;
        let (header, ..) = read_header(&source, position, &VERSIONS)?;
        Ok(SnapshotInfo::of(header, source.bytes))
    }

    /// Reads a whole snapshot and verifies every checksum and its length, without building a state. Needs a few hundred
    /// KiB of memory, whatever its size.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn check(&self, position: u64) -> Result<SnapshotInfo, SnapshotError> {
        let source = self.open(position)?;
        let bytes = source.bytes;
        let header = check(source, position, &VERSIONS)?;
        Ok(SnapshotInfo::of(header, bytes))
    }

    /// Loads a snapshot. Verifies every checksum and everything that [`crate::exchange::Exchange::audit`] checks. The
    /// caller must compare the state's digest with the one in the header, which takes far longer.
    ///
    /// # Errors
    /// [`SnapshotError::Io`] if it does not exist, [`SnapshotError::Damaged`], [`SnapshotError::UnknownVersion`].
    pub fn load(&self, position: u64) -> Result<(State, SnapshotInfo), SnapshotError> {
        let source = self.open(position)?;
        let bytes = source.bytes;
        let (state, header) = read(source, position, name_key(), &VERSIONS)?;
        Ok((state, SnapshotInfo::of(header, bytes)))
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError::Io`], also if it does not exist.
    pub fn remove(&self, position: u64) -> Result<(), SnapshotError> {
        let name = name_of(position);
        self.files.remove(&name).map_err(self.failed("remove", Some(&name)))
    }

    fn open(&self, position: u64) -> Result<reader::Source, SnapshotError> {
        let name = name_of(position);
        let files = self.files.files().map_err(self.failed("list", None))?;
        let found = files.iter().find(|(other, _)| *other == name);
        let bytes = found.map(|(_, bytes)| *bytes).ok_or_else(|| io::ErrorKind::NotFound.into());
        let bytes = bytes.map_err(self.failed("open", Some(&name)))?;
        let file = self.files.open(&name).map_err(self.failed("open", Some(&name)))?;
        Ok(reader::Source { file, path: self.files.path(&name), bytes })
    }

    fn failed(&self, action: &'static str, name: Option<&str>) -> impl FnOnce(io::Error) -> SnapshotError {
        let path = name.map_or_else(|| self.files.dir().to_owned(), |name| self.files.path(name));
        move |source| SnapshotError::Io { action, path, source }
    }
}

/// Whether a file of this name is a snapshot, finished or not.
pub fn is_snapshot_file(name: &str) -> bool {
    position_of(name.strip_suffix(UNFINISHED).unwrap_or(name)).is_some()
}

fn name_of(position: u64) -> String {
    format!("{position:0width$}{SUFFIX}", width = DIGITS)
}

fn position_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let all_digits = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten()
}
