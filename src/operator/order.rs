//! The orders of operators: what each is on the wire and on the command line, which command it becomes, and which event
//! answers it. A new one is added here and nowhere else.
//!
//! A request is one line of JSON, and so is its reply; a connection may have several, one after the other.
//!
//! ```text
//! {"version":1,"order":{"reset-user-ref":{"login":"ALICE"}}}
//! {"version":1,"done":{"sequence":812,"text":"login 0 is in session 3, and its next UserRefNum is 1"}}
//! {"version":1,"refused":{"reason":"no login is named ALICE"}}
//! ```

use crate::domain::session::session_id;
use crate::domain::{AdminEvent, Command, Event, LoginId, VenueCommand, VenueEvent};
use serde::{Deserialize, Serialize};

/// The version of the protocol. A request of another one is refused.
pub const VERSION: u32 = 1;

/// The longest line of either side, bytes, its end included.
pub(super) const LINE_BYTES_MAX: usize = 4096;

/// Sessions that must still have names for a login to be given a new one.
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

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It was done, and is durable.
    Done {
        /// The sequence of its command.
        sequence: u64,
        /// What is so now, in words.
        text: String,
    },
    /// Nothing came of it.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
    /// It was taken, and nothing was heard of it in time: it may still be done.
    Unknown {
        /// The sequence of its command, if it has one yet.
        sequence: Option<u64>,
        /// What is known.
        reason: String,
    },
}

impl Reply {
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}

/// What orders name things by.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The logins that can trade, by username.
    pub logins: Vec<(String, LoginId)>,
    /// The SoupBinTCP id of session 0.
    pub session: [u8; 10],
}

impl Names {
    /// The login of this name; a number is one that no username is.
    fn login(&self, name: &str) -> Result<LoginId, String> {
        let named = self.logins.iter().find(|(username, _)| username.eq_ignore_ascii_case(name));
        match (named, name.parse()) {
            (Some((_, login)), _) => Ok(*login),
            (None, Ok(number)) => Ok(LoginId(number)),
            (None, Err(_)) => Err(format!(
                "no login is named {name:?}; the configuration of the engine has their usernames"
            )),
        }
    }
}

impl Order {
    /// The command that the order becomes; `session` is that of the venue.
    pub(super) fn command(&self, names: &Names, session: u32) -> Result<Command, String> {
        match self {
            Self::ResetUserRef { login } => {
                let login = names.login(login)?;
                // A session without a name cannot be logged in to.
                match session_id(names.session, session.saturating_add(SESSIONS_LEFT_MIN)) {
                    Some(_) => Ok(Command::Venue(VenueCommand::ResetUserRef { login })),
                    None => Err(format!(
                        "gateway.session = {:?} has no number at its end that could count {SESSIONS_LEFT_MIN} more \
                         sessions, so the login could not log in to its next one",
                        String::from_utf8_lossy(names.session.trim_ascii())
                    )),
                }
            }
        }
    }

    /// What the order came to, if this event of its command says so.
    pub(super) fn came_to(&self, event: &Event, sequence: u64) -> Option<Reply> {
        if let Event::Admin(AdminEvent::Refused { reason }) = event {
            return Some(Reply::refused(format!("the exchange says: {reason}")));
        }
        match self {
            Self::ResetUserRef { .. } => {
                let Event::Venue(VenueEvent::SessionStarted { login, session }) = event else { return None };
                let text = format!("login {login} is in session {session}, and its next UserRefNum is 1");
                Some(Reply::Done { sequence, text })
            }
        }
    }
}
