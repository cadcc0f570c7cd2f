//! What the node keeps: files in memory, which forget at a loss of power what was not synced, and the database, which is a
//! real file and is put back as it was some time before.

use super::random::Random;
use super::unsteady::{Dice, Unsteady};
use dojima::recovery::DataDir;
use dojima_journal::storage::Storage;
use dojima_journal::{Kept, MemoryStorage};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

pub const DATABASE: &str = "dojima.sqlite";

/// The files of one node.
pub struct Disk {
    folder: TempDir,
    pub journal: MemoryStorage,
    pub event_log: MemoryStorage,
    root: MemoryStorage,
    pub snapshots: MemoryStorage,
    market_data: MemoryStorage,
    /// The database as it was some time ago.
    earlier: Copied,
    /// When the engine is refused what passes.
    pub dice: Dice,
}

/// The database and its write-ahead log, if they are there.
#[derive(Clone, Default)]
struct Copied([Option<Vec<u8>>; 2]);

impl Disk {
    pub fn new(random: Random) -> Self {
        // In memory too where the system has a place for that: what is simulated here needs no real disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        Self {
            folder: folder.expect("a temporary directory"),
            journal: MemoryStorage::new(),
            event_log: MemoryStorage::new(),
            root: MemoryStorage::new(),
            snapshots: MemoryStorage::new(),
            market_data: MemoryStorage::new(),
            earlier: Copied::default(),
            dice: Dice::new(random),
        }
    }

    pub fn data(&self) -> DataDir {
        let of = |storage: &MemoryStorage| Arc::new(storage.clone()) as Arc<dyn Storage>;
        let storages =
            [&self.root, &self.journal, &self.event_log, &self.snapshots, &self.market_data].map(of);
        DataDir::of(self.folder.path(), storages)
    }

    /// The same, as an engine sees it.
    pub fn unsteady_data(&self) -> DataDir {
        let of = |storage: &MemoryStorage| {
            let files = Arc::new(storage.clone());
            Arc::new(Unsteady { files, dice: self.dice.clone() }) as Arc<dyn Storage>
        };
        let storages =
            [&self.root, &self.journal, &self.event_log, &self.snapshots, &self.market_data].map(of);
        DataDir::of(self.folder.path(), storages)
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join(DATABASE)
    }

    fn database_files(&self) -> [PathBuf; 2] {
        [DATABASE.to_owned(), format!("{DATABASE}-wal")].map(|name| self.folder.path().join(name))
    }

    fn copy(&self) -> Copied {
        Copied(self.database_files().map(|path| fs::read(path).ok()))
    }

    /// Remembers the database as it is now, for a loss of power to come. No transaction is open between two duty cycles.
    pub fn remember_database(&mut self) {
        self.earlier = self.copy();
    }

    /// What stays when the process is killed: all that it wrote. `end` ends the process, which closes the database, and that
    /// must not be what is found.
    pub fn survive_kill(&mut self, end: impl FnOnce()) {
        let database = self.copy();
        end();
        self.put_back(&database);
        self.after(|_, _| Kept::All);
    }

    /// What stays when the power is lost: what was synced, and of the rest each sector with a chance of `kept` in 1,000.
    pub fn survive_power_loss(&mut self, end: impl FnOnce(), random: &mut Random, kept: u64) {
        end();
        let earlier = self.earlier.clone();
        self.put_back(&earlier);
        self.after(|_, offset| match random.below(1_000) {
            drawn if drawn >= kept => Kept::Nothing,
            // Words of eight bytes are written whole.
            drawn if drawn % 16 == 0 && offset != u64::MAX => Kept::First(8 * random.below(64) as usize),
            _ => Kept::All,
        });
    }

    fn after(&mut self, mut keeps: impl FnMut(&str, u64) -> Kept) {
        let all = [
            &mut self.journal,
            &mut self.event_log,
            &mut self.root,
            &mut self.snapshots,
            &mut self.market_data,
        ];
        for storage in all {
            *storage = storage.after_crash(&mut keeps);
        }
    }

    fn put_back(&self, Copied(files): &Copied) {
        // The index of the write-ahead log is made from it.
        let index = self.folder.path().join(format!("{DATABASE}-shm"));
        for path in self.database_files().iter().chain([&index]) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{path:?}: {error}"),
                _ => {}
            }
        }
        for (path, bytes) in self.database_files().iter().zip(files) {
            if let Some(bytes) = bytes {
                fs::write(path, bytes).expect("a writable directory");
            }
        }
    }

    /// The databases that were moved aside, by the end of their names; they are removed.
    pub fn take_set_aside(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.folder.path()).expect("a readable directory") {
            let entry = entry.expect("a readable entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(label) = name.strip_prefix(DATABASE).and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            if !label.contains("-wal") && !label.contains("-shm") {
                found.push(label.to_owned());
            }
            fs::remove_file(entry.path()).expect("a writable directory");
        }
        found.sort();
        found
    }
}

/// Bytes that all files of a storage take.
pub fn used_bytes(storage: &MemoryStorage) -> u64 {
    let files = storage.files().expect("memory can be listed");
    files.iter().map(|(_, bytes)| bytes).sum()
}
