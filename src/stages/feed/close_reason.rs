//! Reasons for closing a subscriber's connection, besides those of the session layer.

use crate::net::session::{CloseKind, CloseReason};
use dojima_journal::JournalError;

/// With texts for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("too slow: {0} messages behind; it can resume")]
    FellBehind(u64),
    #[error("message {0} is not kept any more")]
    Gone(u64),
    #[error("message {message} cannot be read back: {error}")]
    Unreadable { message: u64, error: JournalError },
    #[error("did not take its snapshot within {0} s")]
    SnapshotTimeout(u64),
}

impl From<Cause> for CloseReason {
    fn from(cause: Cause) -> Self {
        let kind = match cause {
            Cause::FellBehind(_) | Cause::SnapshotTimeout(_) => CloseKind::Slow,
            Cause::Gone(_) | Cause::Unreadable { .. } => CloseKind::Failure,
        };
        Self::service(kind, cause)
    }
}
