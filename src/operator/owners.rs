//! What owners set in contracts, as an operator sets it for them.

use super::contracts::contract;
use super::names::{Names, amount};
use crate::domain::{
    Amount, ContractEvent, Event, MarginMode, MoveMargin, OwnerCommand, PositionLeg, PositionMode,
    SetLeverage, SetMarginMode, SetPositionMode, Setter,
};
use serde::{Deserialize, Serialize};

/// What an operator can set for accounts in contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Subcommand))]
#[serde(rename_all = "kebab-case")]
pub enum OwnerOrder {
    /// Set whether an account has one position in each contract of a shard, or a long and a short one
    ///
    /// Only while the account has neither positions nor open orders in any contract there.
    #[cfg_attr(
        feature = "cli",
        command(override_usage = "dojima operator --data <DIR> set-position-mode <SHARD> <OPTIONS>")
    )]
    SetPositionMode(NewPositionMode),
    /// Set whether an account's positions in a contract share its wallet or have money of their own
    ///
    /// Only while the account has neither positions nor open orders in the contract.
    #[cfg_attr(
        feature = "cli",
        command(override_usage = "dojima operator --data <DIR> set-margin-mode <CONTRACT> <OPTIONS>")
    )]
    SetMarginMode(NewMarginMode),
    /// Move money between the wallet of an account and a position with money of its own
    #[cfg_attr(
        feature = "cli",
        command(override_usage = "dojima operator --data <DIR> move-margin <CONTRACT> <OPTIONS>")
    )]
    MoveMargin(MarginMove),
    /// Set the leverage of an account in a contract, for its orders and its positions
    #[cfg_attr(
        feature = "cli",
        command(override_usage = "dojima operator --data <DIR> set-leverage <CONTRACT> <OPTIONS>")
    )]
    SetLeverage(NewLeverage),
}

/// The leverage of an account in a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct NewLeverage {
    /// The contract's symbol, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "CONTRACT"))]
    pub instrument: String,
    /// The account's name, or its number
    #[cfg_attr(feature = "cli", arg(long))]
    pub account: String,
    /// How many times the margin positions may be worth, 1 to 125; at most what the tier of the account's position and
    /// orders allows. A lower one than before needs the margin for what is there
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIMES"))]
    pub leverage: u8,
}

/// How many positions an account has in each contract of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct NewPositionMode {
    /// The shard's name, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "SHARD"))]
    pub shard: String,
    /// The account's name, or its number
    #[cfg_attr(feature = "cli", arg(long))]
    pub account: String,
    /// one-way: one position, long or short; hedge: a long and a short one
    #[cfg_attr(feature = "cli", arg(long))]
    pub mode: String,
}

/// Whose money stands behind positions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct NewMarginMode {
    /// The contract's symbol, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "CONTRACT"))]
    pub instrument: String,
    /// The account's name, or its number
    #[cfg_attr(feature = "cli", arg(long))]
    pub account: String,
    /// cross: the wallet's; isolated: each position has its own
    #[cfg_attr(feature = "cli", arg(long))]
    pub mode: String,
}

/// Money between a wallet and a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
pub struct MarginMove {
    /// The contract's symbol, or its number
    #[cfg_attr(feature = "cli", arg(value_name = "CONTRACT"))]
    pub instrument: String,
    /// The account's name, or its number
    #[cfg_attr(feature = "cli", arg(long))]
    pub account: String,
    /// How much, in the asset that the contract is settled in; above 0: to the position, below 0: to the wallet
    #[cfg_attr(feature = "cli", arg(long, allow_negative_numbers = true))]
    pub amount: String,
    /// Which position: net, the only one of one-way mode; long or short of hedge mode
    #[cfg_attr(feature = "cli", arg(long, default_value = "net"))]
    pub leg: String,
}

impl OwnerOrder {
    /// The command for the order.
    pub(super) fn command(&self, names: &Names) -> Result<OwnerCommand, String> {
        match self {
            Self::SetPositionMode(order) => {
                let (by, shard) = (setter(names, &order.account)?, names.shard(&order.shard)?);
                let mode = named("mode", &order.mode, PositionMode::ALL, PositionMode::word)?;
                Ok(OwnerCommand::SetPositionMode(SetPositionMode { by, shard, mode }))
            }
            Self::SetMarginMode(order) => {
                let (by, contract) = (setter(names, &order.account)?, contract(names, &order.instrument)?);
                let mode = named("mode", &order.mode, MarginMode::ALL, MarginMode::word)?;
                let instrument = contract.instrument;
                Ok(OwnerCommand::SetMarginMode(SetMarginMode { by, instrument, mode }))
            }
            Self::MoveMargin(order) => {
                let (by, contract) = (setter(names, &order.account)?, contract(names, &order.instrument)?);
                let scale = names.scale(contract.settled_in())?;
                let (text, sign) = match order.amount.strip_prefix('-') {
                    Some(text) => (text, -1),
                    None => (order.amount.as_str(), 1),
                };
                let amount = Amount(sign * amount("the amount", text, scale)?.0);
                if amount.0 == 0 {
                    return Err("the amount must not be 0".to_owned());
                }
                let leg = named("leg", &order.leg, PositionLeg::ALL, PositionLeg::word)?;
                let instrument = contract.instrument;
                Ok(OwnerCommand::MoveMargin(MoveMargin { by, instrument, leg, amount }))
            }
            Self::SetLeverage(order) => {
                let (by, instrument) = (setter(names, &order.account)?, contract(names, &order.instrument)?);
                let (instrument, leverage) = (instrument.instrument, order.leverage);
                Ok(OwnerCommand::SetLeverage(SetLeverage { by, instrument, leverage }))
            }
        }
    }

    /// The new state, if this event contains it.
    pub(super) fn came_to(&self, event: &Event, names: &Names) -> Option<String> {
        let Event::Contract(event) = event else { return None };
        match (self, event) {
            (Self::SetPositionMode(_), ContractEvent::PositionModeSet(set)) => {
                let (account, mode) = (set.by.account, set.mode.word());
                Some(format!("account {account} has {mode} mode in shard {}", set.shard))
            }
            (Self::SetLeverage(_), ContractEvent::LeverageSet(set)) => Some(format!(
                "account {} has a leverage of {} in {}",
                set.by.account,
                set.leverage,
                names.symbol(set.instrument)
            )),
            (Self::SetMarginMode(_), ContractEvent::MarginModeSet(set)) => Some(format!(
                "account {} has {} margin in {}",
                set.by.account,
                set.mode.word(),
                names.symbol(set.instrument)
            )),
            (Self::MoveMargin(_), ContractEvent::MarginMoved(moved)) => {
                let asset = names.settled_in(moved.instrument)?;
                let [pot, wallet] = [moved.pot, moved.wallet].map(|amount| names.shown(amount, asset));
                let (account, symbol) = (moved.by.account, names.symbol(moved.instrument));
                Some(format!(
                    "account {account} has {pot} behind its position in {symbol}, and {wallet} in its wallet"
                ))
            }
            _ => None,
        }
    }
}

/// The value with this word.
fn named<T: Copy>(what: &str, text: &str, all: &[T], word: impl Fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().copied().find(|value| word(*value) == text);
    found.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|value| word(*value)).collect();
        format!("the {what} {text:?} is unknown: expected one of {}", known.join(", "))
    })
}

/// An operator, for this account.
fn setter(names: &Names, account: &str) -> Result<Setter, String> {
    Ok(Setter { account: names.account(account)?, ..Setter::default() })
}
