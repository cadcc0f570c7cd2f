//! Reasons to close a connection.

use std::error::Error;
use std::io;

/// The reason to close a connection, with a text for the log.
#[derive(Debug, thiserror::Error)]
pub enum CloseReason {
    /// The client sent a logout.
    #[error("logout")]
    Logout,
    /// The client closed its side.
    #[error("closed by the client")]
    ClosedByClient,
    /// The same user logged in on another connection.
    #[error("the same user has logged in on another connection")]
    TakenOver,
    /// The same user logged in on other connections, up to the limit per user.
    #[error("replaced: the user has {0} newer connections, the most that one user may have")]
    LoggedInAgain(usize),
    /// The login was refused, and the refusal was sent.
    #[error("the login was refused")]
    LoginRefused,
    /// The session has ended: the client was sent everything, including End of Session.
    #[error("the session has ended")]
    SessionEnded,
    /// The engine is stopping.
    #[error("the engine stops")]
    Stopped,
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(#[from] io::Error),
    /// No login came in time.
    #[error("no login within {0} ms")]
    LoginTimeout(u64),
    /// Too many bytes of heartbeats or debug text before a login.
    #[error("more than {0} bytes before a login")]
    Chatter(usize),
    /// All places were taken when another client connected, and this connection had no login.
    #[error("not logged in yet, and all places are taken: closed to make room for another client")]
    GaveWay,
    /// Nothing was received within the timeout, not even a heartbeat.
    #[error("nothing heard for {0} ms")]
    Silent(u64),
    /// The bytes are not valid in the protocol.
    #[error("not {protocol}: {why}")]
    Frame {
        /// The name of the expected protocol.
        protocol: &'static str,
        why: Box<dyn Error + Send + Sync>,
    },
    /// A packet that is not allowed in the current state, or that only servers send.
    #[error("a packet of type {:?} {when}", char::from(*.kind))]
    UnexpectedPacket {
        kind: u8,
        /// What is wrong with the packet.
        when: &'static str,
    },
    /// Output was pending, and the client took none of it within the timeout.
    #[error("too slow: took nothing for {0} ms; it can resume")]
    Stalled(u64),
    /// A reason defined by the service.
    #[error("{why}")]
    Service { kind: CloseKind, why: Box<dyn Error + Send + Sync> },
}

/// Classes of reasons. They select the counter and the log level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseKind {
    /// A normal close.
    Ordinary,
    /// The client sent something invalid.
    BadFrame,
    /// The client received too slowly.
    Slow,
    /// Any other reason that operators should see.
    Failure,
}

impl CloseReason {
    /// The bytes are not valid in this protocol.
    pub fn not_of(protocol: &'static str, why: impl Error + Send + Sync + 'static) -> Self {
        Self::Frame { protocol, why: Box::new(why) }
    }

    /// A reason defined by the service.
    pub fn service(kind: CloseKind, why: impl Error + Send + Sync + 'static) -> Self {
        Self::Service { kind, why: Box::new(why) }
    }

    pub fn kind(&self) -> CloseKind {
        match self {
            Self::Logout
            | Self::ClosedByClient
            | Self::TakenOver
            | Self::LoginRefused
            | Self::SessionEnded
            | Self::Stopped => CloseKind::Ordinary,
            Self::Frame { .. } | Self::UnexpectedPacket { .. } | Self::Chatter(_) => CloseKind::BadFrame,
            Self::Stalled(_) => CloseKind::Slow,
            Self::Socket(_)
            | Self::LoginTimeout(_)
            | Self::LoggedInAgain(_)
            | Self::GaveWay
            | Self::Silent(_) => CloseKind::Failure,
            Self::Service { kind, .. } => *kind,
        }
    }
}
