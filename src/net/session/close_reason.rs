//! Why a connection is closed.

use std::error::Error;
use std::io;

/// Why a connection is closed, in words for the log.
#[derive(Debug, thiserror::Error)]
pub enum CloseReason {
    /// The client asked for it.
    #[error("logout")]
    Logout,
    /// The client closed its side.
    #[error("closed by the client")]
    ClosedByClient,
    /// The same user logged in on another connection.
    #[error("the same user has logged in on another connection")]
    TakenOver,
    /// The same user logged in on other connections, as often as one user may.
    #[error("replaced: the user has {0} newer connections, the most that one user may have")]
    LoggedInAgain(usize),
    /// The login was refused, and the client has been told.
    #[error("the login was refused")]
    LoginRefused,
    /// The client has been sent all that there is for it, and told so.
    #[error("the session has ended")]
    SessionEnded,
    /// The engine stops.
    #[error("the engine stops")]
    Stopped,
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(#[from] io::Error),
    /// No login came in time.
    #[error("no login within {0} ms")]
    LoginTimeout(u64),
    /// More than so many bytes came that said nothing.
    #[error("more than {0} bytes before a login")]
    Chatter(usize),
    /// There were as many connections as the limit allows, another came, and this one had no login.
    #[error("not logged in yet, and all places are taken: closed to make room for another client")]
    GaveWay,
    /// Nothing came in time, not even a heartbeat.
    #[error("nothing heard for {0} ms")]
    Silent(u64),
    /// The bytes are not of the protocol.
    #[error("not {protocol}: {why}")]
    Frame {
        /// Which protocol is served.
        protocol: &'static str,
        why: Box<dyn Error + Send + Sync>,
    },
    /// A packet that clients send, but at a wrong time, or that only servers send.
    #[error("a packet of type {:?} {when}", char::from(*.kind))]
    UnexpectedPacket {
        kind: u8,
        /// What is wrong about it.
        when: &'static str,
    },
    /// The client had something to receive and took none of it in time.
    #[error("too slow: took nothing for {0} ms; it can resume")]
    Stalled(u64),
    /// A reason of the service.
    #[error("{why}")]
    Service { kind: CloseKind, why: Box<dyn Error + Send + Sync> },
}

/// Kinds of reasons: what is counted, and how loud the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseKind {
    /// All is well.
    Ordinary,
    /// The client sent what it may not.
    BadFrame,
    /// The client did not receive fast enough.
    Slow,
    /// Anything else that an operator wants to see.
    Failure,
}

impl CloseReason {
    /// The bytes are not of this protocol.
    pub fn not_of(protocol: &'static str, why: impl Error + Send + Sync + 'static) -> Self {
        Self::Frame { protocol, why: Box::new(why) }
    }

    /// A reason of the service.
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
