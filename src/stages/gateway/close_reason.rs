//! Why the gateway closes a connection, beyond the reasons of the session layer.

use crate::net::session::{CloseKind, CloseReason};
use std::error::Error;

/// In words for the log.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// A login that may only read has sent an order.
    #[error("an order from a login that may only read (role drop-copy)")]
    ReadOnly,
    /// It went on sending after its messages were refused for being too many.
    #[error(
        "more messages than its login may send: {per_second} a second and {burst} at once, and as many again refused"
    )]
    RateExceeded { per_second: u32, burst: u32 },
    /// The message is none that is served, and there is no answer to it.
    #[error("not an order message: {0}")]
    Message(Box<dyn Error + Send + Sync>),
    /// Messages that the client had not received were overwritten by newer ones.
    #[error("too slow: more than {0} bytes behind")]
    FellBehind(usize),
    /// The client asked for a message that is not kept any more (retention.resend_hours).
    #[error("message {0} is not kept any more")]
    Gone(u64),
    /// It cannot be read back; the log says why.
    #[error("message {0} cannot be read back now; it can resume later")]
    Unreadable(u64),
    /// Old messages came back from the event log with other numbers than were asked for.
    #[error("resend broken: asked for message {wanted}, got {got}")]
    Resend {
        /// The first message that was asked for.
        wanted: u64,
        /// The first message that came.
        got: u64,
    },
}

impl Cause {
    /// The message is none of its protocol.
    pub fn message(why: impl Error + Send + Sync + 'static) -> Self {
        Self::Message(Box::new(why))
    }
}

impl From<Cause> for CloseReason {
    fn from(cause: Cause) -> Self {
        let kind = match cause {
            Cause::ReadOnly | Cause::RateExceeded { .. } | Cause::Message(_) => CloseKind::BadFrame,
            Cause::FellBehind(_) => CloseKind::Slow,
            Cause::Gone(_) | Cause::Unreadable(_) | Cause::Resend { .. } => CloseKind::Failure,
        };
        Self::service(kind, cause)
    }
}
