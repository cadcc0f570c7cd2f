//! Why a subscriber's connection is closed.

use crate::wire::soup::SoupError;
use dojima_journal::JournalError;
use std::io;

/// In words for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ending {
    #[error("logout")]
    Logout,
    #[error("closed by the client")]
    ClosedByClient,
    #[error("all has been sent")]
    Served,
    #[error("the socket failed: {0}")]
    Socket(#[from] io::Error),
    #[error("no login within {0} ms")]
    LoginTimeout(u64),
    #[error("no login yet, and another client needs the place")]
    GaveWay,
    #[error("the user has logged in {0} times since: that is as often as one user may be connected")]
    LoggedInAgain(usize),
    #[error("nothing heard for {0} ms")]
    Silent(u64),
    #[error("not SoupBinTCP: {0}")]
    Frame(#[from] SoupError),
    #[error("a packet of type {:?} {when}", char::from(*.kind))]
    UnexpectedPacket { kind: u8, when: &'static str },
    #[error("too slow: {0} messages behind; it can resume")]
    FellBehind(u64),
    #[error("too slow: took nothing for {0} ms; it can resume")]
    Stalled(u64),
    #[error("message {0} is not kept any more")]
    Gone(u64),
    #[error("message {message} cannot be read back: {error}")]
    Unreadable { message: u64, error: JournalError },
    #[error("did not take its snapshot within {0} s")]
    SnapshotTimeout(u64),
}

impl Ending {
    /// Whether this happens without anything being wrong.
    pub(super) fn is_ordinary(&self) -> bool {
        matches!(self, Self::Logout | Self::ClosedByClient | Self::Served | Self::Socket(_))
    }
}
