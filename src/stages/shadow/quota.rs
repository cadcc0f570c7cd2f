//! The size limit of the engine's own files: first a warning, then no new orders.
//!
//! Only files whose growth the engine controls may stop trading. Files whose growth others control are reported and
//! stop nothing: foreign files in the data directory, and the database's write-ahead log, which any open transaction
//! keeps growing.

use crate::runtime::{Counter, Counters};
use crate::stages::space::SpaceLow;
use dojima_journal::storage::Storage;
use std::path::PathBuf;
use std::sync::Arc;

/// One of the engine's directories.
#[derive(Clone, Debug)]
pub struct QuotaFolder {
    pub files: Arc<dyn Storage>,
    /// Whether the engine creates files of this name there.
    pub is_own: fn(&str) -> bool,
}

/// The files that are measured.
#[derive(Clone, Debug)]
pub struct QuotaFiles {
    /// Journal, event log, snapshots, market data, and the data directory itself.
    pub folders: [QuotaFolder; 5],
    /// The database, if there is one.
    pub database: Option<PathBuf>,
    /// The part of the database's write-ahead log that counts, bytes: its size when no transaction delays it.
    pub wal_kept_bytes: u64,
}

/// Sizes, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sizes {
    own: u64,
    of_others: u64,
}

impl QuotaFiles {
    /// The sizes now. A directory that cannot be listed counts as empty; another component reports the error.
    fn sizes(&self) -> Sizes {
        let mut sizes = Sizes::default();
        let database =
            self.database.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
        for QuotaFolder { files, is_own } in &self.folders {
            for (name, bytes) in files.files().unwrap_or_default() {
                match is_own(&name) {
                    true => sizes.own += bytes,
                    // The database and the files beside it have their own rules, wherever they are.
                    false if database.as_ref().is_some_and(|own| name.starts_with(own.as_ref())) => {}
                    false => sizes.of_others += bytes,
                }
            }
        }
        if let Some(path) = &self.database {
            let of = |suffix: &str| {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                std::fs::metadata(name).map_or(0, |file| file.len())
            };
            let wal = of("-wal");
            sizes.own += of("") + wal.min(self.wal_kept_bytes);
            sizes.of_others += wal.saturating_sub(self.wal_kept_bytes);
        }
        sizes
    }
}

#[derive(Debug)]
pub struct Quota {
    pub files: QuotaFiles,
    /// From this size on new orders are refused, bytes; 0: no limit.
    pub stop_bytes: u64,
    /// From this size on the operator is warned, bytes.
    pub warn_bytes: u64,
    /// Informs the sequencer.
    pub space: SpaceLow,
    pub counts: QuotaCounts,
    /// Which warnings were given: about the engine's files, and about other files.
    pub warned: [bool; 2],
}

/// The sizes, for monitoring. They stay 0 without a quota.
#[derive(Debug)]
pub struct QuotaCounts {
    own: Counter,
    of_others: Counter,
}

impl QuotaCounts {
    pub fn new(counters: &Counters) -> Self {
        Self {
            own: counters.register("quota.own_bytes", "bytes"),
            of_others: counters.register("quota.others_bytes", "bytes"),
        }
    }
}

impl Quota {
    /// Measures the sizes and acts on them.
    pub(super) fn look(&mut self) {
        if self.stop_bytes == 0 {
            return;
        }
        let Sizes { own, of_others } = self.files.sizes();
        self.counts.own.set(own);
        self.counts.of_others.set(of_others);
        let limit = self.stop_bytes >> 20;
        let warn = [own >= self.warn_bytes, of_others >= self.warn_bytes];
        if warn[0] && !self.warned[0] {
            let own = own >> 20;
            tracing::warn!(
                "the engine's files have {own} MiB; at {limit} MiB (retention.quota_mib) new orders are refused"
            );
        }
        if warn[1] && !self.warned[1] {
            let others = of_others >> 20;
            tracing::warn!(
                "the data directory has {others} MiB that others made: files that are none of the engine's, or a write-ahead log of \
                 the database that a reader holds up. They do not count towards the {limit} MiB of retention.quota_mib, but take \
                 space from the disk"
            );
        }
        self.warned = warn;
        self.space.set(own >= self.stop_bytes, || Some(self.reason(own)));
    }

    /// Why new orders are refused, for the log.
    fn reason(&self, own: u64) -> String {
        let (own, limit) = (own >> 20, self.stop_bytes >> 20);
        format!("the engine's files have {own} MiB of {limit} MiB (retention.quota_mib)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::space::space_gauge;
    use dojima_journal::storage::FileStorage;
    use std::fs;

    #[test]
    fn what_others_can_grow_counts_apart_and_stops_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("journal")).expect("made");
        let put = |name: &str, bytes: u64| fs::write(at(name), vec![7; bytes as usize]).expect("written");
        put("journal/own", 1_000);
        put("journal/strange", 10_000);
        put("stranger", 20_000);
        put("db", 100);
        put("db-wal", 5_010);
        put("db-shm", 40_000);
        put("db.ahead-1", 40_000);
        let in_folder = |name: &str| QuotaFolder {
            files: Arc::new(FileStorage::new(&at(name))),
            is_own: |name| name == "own",
        };
        let folders = ["journal", "none", "none", "none", ""].map(in_folder);
        let files = QuotaFiles { folders, database: Some(at("db")), wal_kept_bytes: 10 };
        assert_eq!(files.sizes(), Sizes { own: 1_110, of_others: 35_000 });

        let (space, watch) = space_gauge("test");
        let counts = QuotaCounts::new(&Counters::new());
        let (stop_bytes, warn_bytes) = (1_111, 1_000);
        let mut quota = Quota { files, stop_bytes, warn_bytes, space, counts, warned: [false; 2] };
        quota.look();
        assert!(!watch.is_low() && quota.warned == [true; 2]);
        put("journal/own", 1_001);
        let reason = quota.reason(1_001 << 20);
        assert_eq!(reason, "the engine's files have 1001 MiB of 0 MiB (retention.quota_mib)");
        quota.look();
        assert!(watch.is_low(), "its own files stop it");
    }
}
