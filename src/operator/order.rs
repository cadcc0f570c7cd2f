//! The orders of operators: their form on the wire and on the command line, the command for each, and the event that
//! answers it. New orders are added in this file; those about contracts are in `contracts`.
//!
//! A request is one line of JSON, and so is its reply. A connection may send several requests, one after the other.
//!
//! ```text
//! {"version":1,"order":{"reset-user-ref":{"login":"ALICE"}}}
//! {"version":1,"order":{"contract":{"set-index":{"index":"BTC","price":"50000.5"}}}}
//! {"version":1,"done":{"sequence":812,"text":"login 0 is in session 3, and its next UserRefNum is 1"}}
//! {"version":1,"refused":{"reason":"no login is named ALICE"}}
//! ```

use super::contracts::ContractOrder;
use super::names::Names;
use super::owners::OwnerOrder;
use super::transfer::TransferOrder;
use crate::domain::session::session_id;
use crate::domain::{
    AdminEvent, Command, Event, OrderCommand, OrderEvent, Timestamp, VenueCommand, VenueEvent,
};
use serde::{Deserialize, Serialize};

/// The version of the protocol. Requests of other versions are refused.
pub const VERSION: u32 = 1;

/// The longest line in either direction in bytes, including the line end.
pub(super) const LINE_BYTES_MAX: usize = 4096;

/// A login gets a new session only if at least this many further sessions can have names.
const SESSIONS_LEFT_MIN: u32 = 1_000;

/// What an operator can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Subcommand))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Order {
    /// Let a login's client numbers (UserRefNum) start again from 1, for one that has used up the last of them
    ///
    /// The login's session ends as at the end of a day, for this login alone: its client gets the last messages and the
    /// end of the session, is disconnected, and logs in to its next session. What it sent before is not executed any
    /// more; its open orders stay, with the numbers that they have.
    ResetUserRef {
        /// The login's username, or its number
        #[cfg_attr(feature = "cli", arg(value_name = "LOGIN"))]
        login: String,
    },
    /// An order about contracts.
    #[cfg_attr(feature = "cli", command(flatten))]
    Contract(ContractOrder),
    /// An order about what owners set.
    #[cfg_attr(feature = "cli", command(flatten))]
    Owner(OwnerOrder),
    /// Move money of an account from its wallet in one shard to the one in another
    ///
    /// The money leaves the one wallet with this order and arrives in the other one soon after, also if the engine is
    /// stopped or killed between. What is in open orders cannot be moved.
    #[cfg_attr(feature = "cli", command(override_usage = "dojima operator --data <DIR> transfer <OPTIONS>"))]
    Transfer(TransferOrder),
}

/// A line from an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) version: u32,
    pub(super) order: Order,
}

/// A line to an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) reply: Reply,
}

/// The result of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It was executed, and is durable.
    Done {
        /// The sequence of its command.
        sequence: u64,
        /// A description of the new state.
        text: String,
    },
    /// It was refused and had no effect.
    Refused {
        /// The reason, and how to correct it.
        reason: String,
    },
    /// It was sent, and no result was seen in time: it may still be executed.
    Unknown {
        /// The sequence of its command, if it is known.
        sequence: Option<u64>,
        /// What is known about it.
        reason: String,
    },
}

impl Reply {
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}

impl Order {
    /// The command for the order; `session` is the session of the venue, `now` the time of the request.
    pub(super) fn command(&self, names: &Names, session: u32, now: Timestamp) -> Result<Command, String> {
        match self {
            Self::ResetUserRef { login } => {
                let login = names.login(login)?;
                // A session without a name does not accept logins.
                match session_id(names.session, session.saturating_add(SESSIONS_LEFT_MIN)) {
                    Some(_) => Ok(Command::Venue(VenueCommand::ResetUserRef { login })),
                    None => Err(format!(
                        "gateway.session = {:?} has no number at its end that could count {SESSIONS_LEFT_MIN} more \
                         sessions, so the login could not log in to its next one",
                        String::from_utf8_lossy(names.session.trim_ascii())
                    )),
                }
            }
            Self::Contract(order) => order.command(names, now).map(Command::Contract),
            Self::Owner(order) => order.command(names).map(Command::Owner),
            Self::Transfer(order) => Ok(Command::Order(OrderCommand::TransferOut(names.transfer(order)?))),
        }
    }

    /// The result of the order, if this event of its command contains it.
    pub(super) fn came_to(&self, event: &Event, sequence: u64, names: &Names) -> Option<Reply> {
        if let Event::Admin(AdminEvent::Refused { reason }) = event {
            return Some(Reply::refused(format!("the exchange says: {reason}")));
        }
        match self {
            Self::ResetUserRef { .. } => {
                let Event::Venue(VenueEvent::SessionStarted { login, session }) = event else { return None };
                let text = format!("login {login} is in session {session}, and its next UserRefNum is 1");
                Some(Reply::Done { sequence, text })
            }
            Self::Contract(order) => {
                let text = order.came_to(event, names)?;
                Some(Reply::Done { sequence, text })
            }
            Self::Owner(order) => {
                let text = order.came_to(event, names)?;
                Some(Reply::Done { sequence, text })
            }
            Self::Transfer(order) => {
                let Event::Order(OrderEvent::TransferSent(sent)) = event else { return None };
                let TransferOrder { asset, amount, from, to, .. } = order;
                let number = sent.transfer.number;
                let text = format!(
                    "{amount} {asset} are on the way from shard {from} to {to}, as transfer {number}"
                );
                Some(Reply::Done { sequence, text })
            }
        }
    }
}
