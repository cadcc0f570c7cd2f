//! Why a connection is closed.

use crate::wire::ouch::OuchError;
use crate::wire::soup::SoupError;
use std::io;

/// Why a connection is closed, in words for the log.
#[derive(Debug, thiserror::Error)]
pub enum Ending {
    /// The client asked for it.
    #[error("logout")]
    Logout,
    /// The client closed its side.
    #[error("closed by the client")]
    ClosedByClient,
    /// The same user logged in on another connection.
    #[error("the same user has logged in on another connection")]
    TakenOver,
    /// The login was refused, and the client has been told.
    #[error("the login was refused")]
    LoginRefused,
    /// The session ended, and the client has been told all of it.
    #[error("the session has ended")]
    SessionEnded,
    /// A login that may only read has sent an order.
    #[error("an order from a login that may only read (role drop-copy)")]
    ReadOnly,
    /// It went on sending after its messages were refused for being too many.
    #[error(
        "more messages than its login may send: {per_second} a second and {burst} at once, and as many again refused"
    )]
    RateExceeded {
        /// Its rate.
        per_second: u32,
        /// Its burst.
        burst: u32,
    },
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(#[from] io::Error),
    /// No login came in time.
    #[error("no login within {0} ms")]
    LoginTimeout(u64),
    /// There were as many connections as the limit allows, another came, and this one had gone without a login for longest.
    #[error("no login yet, and another client needs the place")]
    GaveWay,
    /// Nothing came in time, not even a heartbeat.
    #[error("nothing heard for {0} ms")]
    Silent(u64),
    /// The bytes are no SoupBinTCP.
    #[error("not SoupBinTCP: {0}")]
    Frame(#[from] SoupError),
    /// A packet that clients send, but at a wrong time, or that only servers send.
    #[error("a packet of type {:?} {when}", char::from(*.kind))]
    UnexpectedPacket {
        /// The packet's type.
        kind: u8,
        /// What is wrong about it.
        when: &'static str,
    },
    /// The message is none that is served. OUCH has no answer to one.
    #[error("not an order message: {0}")]
    Message(#[from] OuchError),
    /// Messages that the client had not received were overwritten by newer ones.
    #[error("too slow: more than {0} bytes behind")]
    FellBehind(usize),
    /// The client had something to receive and took none of it in time.
    #[error("too slow: took nothing for {0} ms")]
    Stalled(u64),
    /// The client asked for a message that is not kept any more (retention.resend_hours).
    #[error("message {0} is not kept any more")]
    Gone(u64),
    /// Old messages came back from the event log with other numbers than were asked for.
    #[error("resend broken: asked for message {wanted}, got {got}")]
    Resend {
        /// The first message that was asked for.
        wanted: u64,
        /// The first message that came.
        got: u64,
    },
}

/// Kinds of endings: what is counted, and how loud the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndingKind {
    /// All is well.
    Ordinary,
    /// The client sent what it may not.
    BadFrame,
    /// The client did not receive fast enough.
    Slow,
    /// Anything else that an operator wants to see.
    Failure,
}

impl Ending {
    /// Which kind this is.
    pub fn kind(&self) -> EndingKind {
        match self {
            Self::Logout
            | Self::ClosedByClient
            | Self::TakenOver
            | Self::LoginRefused
            | Self::SessionEnded => EndingKind::Ordinary,
            Self::Frame(_)
            | Self::UnexpectedPacket { .. }
            | Self::Message(_)
            | Self::ReadOnly
            | Self::RateExceeded { .. } => EndingKind::BadFrame,
            Self::FellBehind(_) | Self::Stalled(_) => EndingKind::Slow,
            Self::Socket(_)
            | Self::LoginTimeout(_)
            | Self::GaveWay
            | Self::Silent(_)
            | Self::Gone(_)
            | Self::Resend { .. } => EndingKind::Failure,
        }
    }
}
