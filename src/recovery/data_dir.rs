//! The location of an engine's files.

use super::RecoveryError;
use crate::domain::versions;
use crate::runtime::Fatal;
use dojima_journal::storage::{FileStorage, LockGuard, Storage};
use dojima_journal::{Content, JournalError, Scanned};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of one engine: a directory on disk or, in simulations, any other storage.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    /// The data directory itself, with the lock.
    root: Arc<dyn Storage>,
    journal: Arc<dyn Storage>,
    event_log: Arc<dyn Storage>,
    snapshots: Arc<dyn Storage>,
    market_data: Arc<dyn Storage>,
}

impl DataDir {
    /// The content in the journal's segment headers: commands (`domain::codec`).
    pub const COMMANDS: Content = Content { kind: 1, version: versions::COMMANDS };
    /// The content in the event log's segment headers: events.
    pub const EVENTS: Content = Content { kind: 2, version: versions::EVENTS };

    /// The content in the market-data log's segment headers: ITCH 5.0 messages (`stages::feed`).
    pub const MESSAGES: Content = Content { kind: 3, version: versions::MARKET_DATA };

    /// The directory at `path`, which need not exist yet.
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

    /// Files in other storage; `path` is the directory of the database, because SQLite works only with real files.
    pub fn of(
        path: impl Into<PathBuf>,
        [root, journal, event_log, snapshots, market_data]: [Arc<dyn Storage>; 5],
    ) -> Self {
        Self { path: path.into(), root, journal, event_log, snapshots, market_data }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The data directory as storage: the lock, small files, and files that others put there.
    pub fn root(&self) -> &Arc<dyn Storage> {
        &self.root
    }

    /// The journal of commands.
    pub fn journal(&self) -> &Arc<dyn Storage> {
        &self.journal
    }

    /// The event log.
    pub fn event_log(&self) -> &Arc<dyn Storage> {
        &self.event_log
    }

    /// The snapshots.
    pub fn snapshots(&self) -> &Arc<dyn Storage> {
        &self.snapshots
    }

    /// The log of market data and its checkpoints.
    pub fn market_data(&self) -> &Arc<dyn Storage> {
        &self.market_data
    }

    /// Checks that the commands of a journal scanned here have a version that this build reads.
    ///
    /// # Errors
    /// [`RecoveryError::OtherVersion`]. A journal with other content than commands is detected when it is opened for
    /// writing.
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

    /// The present identity of the directory, its journal and its event log, to detect later that one was moved or
    /// replaced.
    ///
    /// # Errors
    /// [`Fatal::Io`] for one that does not exist.
    pub fn presence(&self) -> Result<Presence, Fatal> {
        let note = |path: &Path| match Identity::of(path) {
            Ok(identity) => Ok((path.to_owned(), identity)),
            Err(error) => Err(Fatal::io(format_args!("{}: {error}", path.display()))),
        };
        let folders = [self.path.as_path(), self.journal.dir(), self.event_log.dir()].map(note);
        Ok(Presence { folders: folders.into_iter().collect::<Result<_, _>>()? })
    }

    /// Whether an engine, or another program that writes to the directory, holds its lock.
    ///
    /// # Errors
    /// If the lock file cannot be read; the answer is then unknown.
    pub fn is_held(&self) -> io::Result<bool> {
        dojima_journal::is_held(&self.path)
    }

    /// Creates the directory if it does not exist, and locks it against other engines.
    ///
    /// # Errors
    /// [`JournalError::Locked`] if another engine holds it, [`JournalError::Io`].
    pub(super) fn lock(&self) -> Result<LockGuard, JournalError> {
        let unmade = |source| JournalError::Io { action: "create", path: self.path.clone(), source };
        self.root.prepare().map_err(unmade)?;
        self.root.lock()
    }
}

/// Device and inode: the identity of a directory, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        Ok(Self(found.dev(), found.ino()))
    }
}

/// The directories of a running engine. Deleted files still accept writes, but nothing could ever read them.
#[derive(Clone, Debug)]
pub struct Presence {
    folders: Vec<(PathBuf, Identity)>,
}

impl Presence {
    /// Checks that the directories are still in place. One that temporarily cannot be queried counts as in place.
    ///
    /// # Errors
    /// [`Fatal::Io`] if one is gone, or if its name now belongs to another directory.
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
