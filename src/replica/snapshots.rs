//! STUB
use super::State;
use crate::domain::Timestamp;
use crate::exchange::Digest;
use dojima_journal::storage::Storage;
use std::sync::Arc;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct SnapshotError;
#[derive(Clone, Debug)]
pub struct SnapshotInfo {
    pub position: u64,
    pub time: Timestamp,
    pub last_event: u64,
    pub config_digest: u64,
    pub digest: Digest,
    pub bytes: u64,
}
pub struct Snapshots;
impl Snapshots {
    pub fn new(_: Arc<dyn Storage>) -> Self {
        Self
    }
    pub fn file_name(position: u64) -> String {
        format!("{position:020}.snap")
    }
    pub fn positions(&self) -> Result<Vec<u64>, SnapshotError> {
        Ok(vec![])
    }
    pub fn save(&self, _: &State, _: Digest) -> Result<SnapshotInfo, SnapshotError> {
        Err(SnapshotError)
    }
    pub fn info(&self, _: u64) -> Result<SnapshotInfo, SnapshotError> {
        Err(SnapshotError)
    }
    pub fn load(&self, _: u64) -> Result<(State, SnapshotInfo), SnapshotError> {
        Err(SnapshotError)
    }
    pub fn remove(&self, _: u64) -> Result<(), SnapshotError> {
        Err(SnapshotError)
    }
}
