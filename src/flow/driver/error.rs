//! Errors while playing a flow.

use crate::client::ClientError;
use crate::domain::{LoginName, UserRef};
use std::time::Duration;

/// An error while playing a flow.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// A session broke or was refused.
    #[error("session {session}: {source}")]
    Session {
        /// Index of the session, from 0.
        session: usize,
        source: ClientError,
    },
    /// A message about an order that this driver has not sent: the login was used before.
    #[error("session {session} was told of order {user_ref}, which it has not sent: the login has a history")]
    ForeignOrder {
        /// Index of the session, from 0.
        session: usize,
        /// The order's UserRefNum.
        user_ref: UserRef,
    },
    /// The login was used before, so its order numbers are taken.
    #[error(
        "session {session}: the login {username} was used before, for its stream has {messages} messages, so its order \
         numbers are taken; nothing was sent: start an engine on a new data directory"
    )]
    Used {
        /// Index of the session, from 0.
        session: usize,
        username: LoginName,
        /// Number of messages in its stream.
        messages: u64,
    },
    /// The engine is connected but does not answer.
    #[error("{unsettled} requests without an answer for {} s", waited.as_secs())]
    Stalled {
        unsettled: usize,
        /// How long no answer has arrived.
        waited: Duration,
    },
    /// Waiting for the sockets failed.
    #[error("cannot wait for the sessions: {0}")]
    Wait(#[from] std::io::Error),
}

impl DriverError {
    /// Whether a connection broke, so that [`super::Driver::connect`] can resume.
    pub fn is_disconnect(&self) -> bool {
        matches!(self, Self::Session { source, .. } if source.is_disconnect())
    }
}
