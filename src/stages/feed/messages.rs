//! The messages, as the servers see them.

use super::log::OldMessages;
use super::snapshots::Snapshot;
use super::tail::Tail;
use crate::wire::soup::SessionId;
use std::sync::Arc;

/// The messages, as a server sees them.
pub(super) struct Messages<'a> {
    pub(super) tail: &'a Tail,
    pub(super) log: &'a OldMessages,
    pub(super) session: SessionId,
    /// The first message of the present session.
    pub(super) session_first: u64,
    /// The present snapshot; `None` if one is wanted but not available in this cycle.
    pub(super) snapshot: Option<Arc<Snapshot>>,
}
