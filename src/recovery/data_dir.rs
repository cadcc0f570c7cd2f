//! Where an engine keeps its files.

use super::RecoveryError;
use crate::domain::versions;
use crate::runtime::Fatal;
use dojima_journal::storage::{FileStorage, LockGuard, Storage};
use dojima_journal::{Content, JournalError, Scanned};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of one engine: a folder of the disk, or in simulations anything else that holds files.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    /// The directory itself, which holds the lock.
    root: Arc<dyn Storage>,
    journal: Arc<dyn Storage>,
    event_log: Arc<dyn Storage>,
    snapshots: Arc<dyn Storage>,
    market_data: Arc<dyn Storage>,
}

impl DataDir {
    /// What the journal's segments say of their payloads: commands (`domain::codec`).
    pub const COMMANDS: Content = Content { kind: 1, version: versions::COMMANDS };
    /// What the event log's segments say: events.
    pub const EVENTS: Content = Content { kind: 2, version: versions::EVENTS };

    /// What the segments of the log of market data say: ITCH 5.0 messages (`stages::feed`).
    pub const MESSAGES: Content = Content { kind: 3, version: versions::MARKET_DATA };

    /// The folder at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let folder = |path: PathBuf| -> Arc<dyn Storage> { Arc::new(FileStorage::new(&path)) };
        Self {
            root: folder(path.clone()),
            journal: folder(path.join("journal")),
            event_log: folder(path.join("events")),
            snapshots: folder(path.join("snapshots")),
            market_data: folder(path.join("market-data")),
            path,
        }
    }

    /// Files that lie elsewhere; `path` is where the database is, for SQLite knows nothing but files.
    pub fn of(
        path: impl Into<PathBuf>,
        [root, journal, event_log, snapshots, market_data]: [Arc<dyn Storage>; 5],
    ) -> Self {
        Self { path: path.into(), root, journal, event_log, snapshots, market_data }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder as a place of files: the lock, small files of their own, and what others put there.
    pub fn root(&self) -> &Arc<dyn Storage> {
        &self.root
    }

    /// Where the journal of commands is.
    pub fn journal(&self) -> &Arc<dyn Storage> {
        &self.journal
    }

    /// Where the log of events is.
    pub fn event_log(&self) -> &Arc<dyn Storage> {
        &self.event_log
    }

    /// Where the snapshots are.
    pub fn snapshots(&self) -> &Arc<dyn Storage> {
        &self.snapshots
    }

    /// Where the log of market data and its checkpoints are.
    pub fn market_data(&self) -> &Arc<dyn Storage> {
        &self.market_data
    }

    /// Whether the commands of a journal that was scanned here are of the version that this build reads.
    ///
    /// # Errors
    /// [`RecoveryError::OtherVersion`]. What is no journal of commands at all is found when it is opened for writing.
    pub fn check_version(&self, scanned: &Scanned) -> Result<(), RecoveryError> {
        let Content { kind, version } = Self::COMMANDS;
        let read = versions::COMMANDS_OLDEST..=version;
        match scanned.content() {
            Some(found)
                if !read.contains(&found.version) && (found.kind == kind || found == Content::NOT_SAID) =>
            {
                let dir = self.journal.dir().to_owned();
                Err(RecoveryError::OtherVersion { dir, found: found.version, supported: version })
            }
            _ => Ok(()),
        }
    }

    /// What the directory is now, its journal and its event log, so that it is noticed when another one, or none, has their names.
    ///
    /// # Errors
    /// [`Fatal::Io`] for one that is not there.
    pub fn presence(&self) -> Result<Presence, Fatal> {
        let note = |path: &Path| match Identity::of(path) {
            Ok(identity) => Ok((path.to_owned(), identity)),
            Err(error) => Err(Fatal::io(format_args!("{}: {error}", path.display()))),
        };
        let folders = [self.path.as_path(), self.journal.dir(), self.event_log.dir()].map(note);
        Ok(Presence { folders: folders.into_iter().collect::<Result<_, _>>()? })
    }

    /// Whether an engine holds the directory, or another program that writes to it.
    ///
    /// # Errors
    /// When the lock file cannot be read, so that nothing is known.
    pub fn is_held(&self) -> io::Result<bool> {
        dojima_journal::is_held(&self.path)
    }

    /// Makes the directory if it is not there and keeps other engines out of it.
    ///
    /// # Errors
    /// [`JournalError::Locked`] if another engine holds it, [`JournalError::Io`].
    pub(super) fn lock(&self) -> Result<LockGuard, JournalError> {
        let unmade = |source| JournalError::Io { action: "create", path: self.path.clone(), source };
        self.root.prepare().map_err(unmade)?;
        self.root.lock()
    }
}

/// Device and inode: what a folder is whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        Ok(Self(found.dev(), found.ino()))
    }
}

/// The folders of a running engine. Files that were removed go on taking what is written, and nobody will ever read it.
#[derive(Clone, Debug)]
pub struct Presence {
    folders: Vec<(PathBuf, Identity)>,
}

impl Presence {
    /// Sees that the folders are still in place. One that cannot be asked for the moment counts as there.
    ///
    /// # Errors
    /// [`Fatal::Io`] for one that is gone, or whose name is that of another one now.
    pub fn check(&self) -> Result<(), Fatal> {
        for (path, identity) in &self.folders {
            let what = match Identity::of(path) {
                Ok(found) if found != *identity => "is another one than at the start",
                Err(error) if error.kind() == io::ErrorKind::NotFound => "is gone",
                Ok(_) | Err(_) => continue,
            };
            return Err(Fatal::io(format_args!(
                "{} {what}: nothing that is written now can be read again, so no order is taken any more; put the directory \
                 back as it was, or restore a backup, and start again",
                path.display()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn folders_that_vanish_or_are_replaced_are_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::new(folder.path().join("data"));
        let missing = data.presence().map(drop).expect_err("not made yet");
        assert!(missing.to_string().contains("data"), "{missing}");
        let paths = ["data", "data/journal", "data/events"].map(|path| folder.path().join(path));
        paths.iter().for_each(|path| fs::create_dir(path).expect("made"));
        let presence = data.presence().expect("there");
        presence.check().expect("in place");
        let aside = folder.path().join("aside");
        for path in &paths {
            fs::rename(path, &aside).expect("moved");
            let gone = presence.check().expect_err("gone").to_string();
            assert!(gone.contains(&format!("{} is gone", path.display())), "{gone}");
            fs::create_dir(path).expect("made");
            let other = presence.check().expect_err("another one").to_string();
            assert!(other.contains(&format!("{} is another one", path.display())), "{other}");
            fs::remove_dir(path).expect("removed");
            fs::rename(&aside, path).expect("moved back");
            presence.check().expect("in place again");
        }
    }
}
