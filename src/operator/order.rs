//! The orders of operators: their form on the wire and on the command line, the command for each, and the event that
//! answers it. New orders are added only in this file.
//!
//! A request is one line of JSON, and so is its reply. A connection may send several requests, one after the other.
//!
//! ```text
//! {"version":1,"order":{"reset-user-ref":{"login":"ALICE"}}}
//! {"version":1,"done":{"sequence":812,"text":"login 0 is in session 3, and its next UserRefNum is 1"}}
//! {"version":1,"refused":{"reason":"no login is named ALICE"}}
//! ```

use crate::domain::session::session_id;
use crate::domain::{
    AccountId, AdminEvent, AssetCode, AssetId, Command, Event, LoginId, OrderCommand, OrderEvent, ShardId,
    TransferOut, VenueCommand, VenueEvent, decimal,
};
use rust_decimal::Decimal;
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
    /// Move money of an account from its wallet in one shard to the one in another
    ///
    /// The money leaves the one wallet with this order and arrives in the other one soon after, also if the engine is
    /// stopped or killed between. What is in open orders cannot be moved.
    #[cfg_attr(feature = "cli", command(override_usage = "dojima operator --data <DIR> transfer <OPTIONS>"))]
    Transfer(TransferOrder),
}

/// A transfer between the wallets of two shards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(deny_unknown_fields)]
pub struct TransferOrder {
    /// The account's name, or its number
    #[cfg_attr(feature = "cli", arg(long))]
    pub account: String,
    /// The asset's code
    #[cfg_attr(feature = "cli", arg(long))]
    pub asset: String,
    /// How much, in whole units of the asset
    #[cfg_attr(feature = "cli", arg(long))]
    pub amount: String,
    /// The name, or the number, of the shard whose wallet pays
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARD"))]
    pub from: String,
    /// The name, or the number, of the shard whose wallet receives
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARD"))]
    pub to: String,
    /// The number of this transfer: above those of all deposits, withdrawals and transfers that the account has made in
    /// the shard that pays. A transfer that is sent twice with one number is made once
    #[cfg_attr(feature = "cli", arg(long, value_name = "NUMBER"))]
    pub reference: u64,
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

/// The names that orders can use.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The logins that can trade, by username.
    pub logins: Vec<(String, LoginId)>,
    /// The SoupBinTCP id of session 0.
    pub session: [u8; 10],
    /// The accounts with names.
    pub accounts: Vec<(String, AccountId)>,
    /// Code and scale of every asset, by id.
    pub assets: Vec<(AssetCode, u8)>,
    /// The shards with names.
    pub shards: Vec<(String, ShardId)>,
}

impl Names {
    /// The login with this username; otherwise the text is read as the number of a login.
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

impl Names {
    fn account(&self, name: &str) -> Result<AccountId, String> {
        let named = self.accounts.iter().find(|(known, _)| known == name);
        let account = named.map(|(_, account)| *account).or_else(|| name.parse().ok().map(AccountId));
        account.ok_or_else(|| format!("no account is named {name:?}; the configuration has their names"))
    }

    fn shard(&self, name: &str) -> Result<ShardId, String> {
        let named = self.shards.iter().find(|(known, _)| known == name);
        let shard = named.map(|(_, shard)| *shard).or_else(|| name.parse().ok().map(ShardId));
        shard.ok_or_else(|| format!("no shard is named {name:?}; the configuration has their names"))
    }

    fn transfer(&self, order: &TransferOrder) -> Result<TransferOut, String> {
        let TransferOrder { account, asset, amount, from, to, reference } = order;
        let at = self.assets.iter().position(|(code, _)| code.text().eq_ignore_ascii_case(asset));
        let at = at.ok_or_else(|| format!("no asset has the code {asset:?}"))?;
        let whole = Decimal::from_str_exact(amount).map_err(|_| format!("{amount:?} is not a number"))?;
        let amount = decimal::amount(whole, self.assets[at].1).map_err(|why| format!("{amount} {why}"))?;
        Ok(TransferOut {
            account: self.account(account)?,
            asset: AssetId(at as u16),
            amount,
            from: self.shard(from)?,
            to: self.shard(to)?,
            reference: *reference,
            ..TransferOut::default()
        })
    }
}

impl Order {
    /// The command for the order; `session` is the session of the venue.
    pub(super) fn command(&self, names: &Names, session: u32) -> Result<Command, String> {
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
            Self::Transfer(order) => Ok(Command::Order(OrderCommand::TransferOut(names.transfer(order)?))),
        }
    }

    /// The result of the order, if this event of its command contains it.
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
