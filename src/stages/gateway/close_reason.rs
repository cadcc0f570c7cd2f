//! Reasons for closing a gateway connection, besides those of the session layer.

use crate::net::session::{CloseKind, CloseReason};
use std::error::Error;

/// With texts for the log.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// A read-only login sent an order.
    #[error("an order from a login that may only read (role drop-copy)")]
    ReadOnly,
    /// A login for prices of indexes sent something else.
    #[error("no price of an index from a login that may only send those (role index)")]
    PricesOnly,
    /// It continued to send after its messages were refused for exceeding the rate.
    #[error(
        "more messages than its login may send: {per_second} a second and {burst} at once, and as many again refused"
    )]
    RateExceeded { per_second: u32, burst: u32 },
    /// The message is not one that is served, and the protocol has no answer for it.
    #[error("not an order message: {0}")]
    Message(Box<dyn Error + Send + Sync>),
    /// Messages that the client had not received were overwritten by newer ones.
    #[error("too slow: more than {0} bytes behind")]
    FellBehind(usize),
    /// The client asked for a message that is no longer kept (retention.resend_hours).
    #[error("message {0} is not kept any more")]
    Gone(u64),
    /// The message cannot be read from the log; the engine's log has the reason.
    #[error("message {0} cannot be read back now; it can resume later")]
    Unreadable(u64),
    /// The event log returned old messages with other numbers than requested.
    #[error("resend broken: asked for message {wanted}, got {got}")]
    Resend {
        /// The first message requested.
        wanted: u64,
        /// The first message returned.
        got: u64,
    },
}

impl Cause {
    /// The message does not follow its protocol.
    pub fn message(why: impl Error + Send + Sync + 'static) -> Self {
        Self::Message(Box::new(why))
    }
}

impl From<Cause> for CloseReason {
    fn from(cause: Cause) -> Self {
        let kind = match cause {
            Cause::ReadOnly | Cause::PricesOnly | Cause::RateExceeded { .. } | Cause::Message(_) => {
                CloseKind::BadFrame
            }
            Cause::FellBehind(_) => CloseKind::Slow,
            Cause::Gone(_) | Cause::Unreadable(_) | Cause::Resend { .. } => CloseKind::Failure,
        };
        Self::service(kind, cause)
    }
}
