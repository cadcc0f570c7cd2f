//! How large the data directory may become: a warning first, then no new orders.

use crate::stages::space::SpaceLow;
use dojima_journal::storage::Storage;
use std::path::PathBuf;
use std::sync::Arc;

/// The files that count.
#[derive(Clone, Debug)]
pub struct QuotaFiles {
    /// Journal, event log and snapshots, in this order.
    pub logs: [Arc<dyn Storage>; 4],
    /// The database, if there is one; what SQLite keeps beside it counts too.
    pub database: Option<PathBuf>,
}

impl QuotaFiles {
    /// Their size, bytes. What cannot be listed counts as nothing: that it cannot is somebody else's to report.
    fn bytes(&self) -> u64 {
        let of = |files: &Arc<dyn Storage>| {
            files.files().map_or(0, |files| files.iter().map(|(_, bytes)| *bytes).sum::<u64>())
        };
        let database = self.database.iter().flat_map(|path| {
            ["", "-wal", "-shm"].map(|suffix| {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                std::fs::metadata(name).map_or(0, |file| file.len())
            })
        });
        self.logs.iter().map(of).sum::<u64>() + database.sum::<u64>()
    }
}

/// The limit.
#[derive(Debug)]
pub struct Quota {
    /// What counts.
    pub files: QuotaFiles,
    /// From this size on new orders are refused, bytes; 0: there is no limit.
    pub stop_bytes: u64,
    /// From this size on the operator is warned, bytes.
    pub warn_bytes: u64,
    /// Tells the sequencer.
    pub space: SpaceLow,
    /// Whether the warning was given.
    pub warned: bool,
}

impl Quota {
    /// Looks at the sizes, and says what they mean.
    pub(super) fn look(&mut self) {
        if self.stop_bytes == 0 {
            return;
        }
        let bytes = self.files.bytes();
        let warn = bytes >= self.warn_bytes;
        if warn && !self.warned {
            let (bytes, limit) = (bytes >> 20, self.stop_bytes >> 20);
            tracing::warn!(
                "the data directory has {bytes} MiB; at {limit} MiB (retention.quota_mib) new orders are refused"
            );
        }
        self.warned = warn;
        self.space.set(bytes >= self.stop_bytes, || {
            Some(format!("the data directory has {} MiB, its quota", bytes >> 20))
        });
    }
}
