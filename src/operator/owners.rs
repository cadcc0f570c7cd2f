//! What owners set in contracts, as an operator sets it for them.

use super::contracts::contract;
use super::names::Names;
use crate::domain::{ContractEvent, Event, OwnerCommand, SetLeverage, Setter};
use serde::{Deserialize, Serialize};

/// What an operator can set for accounts in contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Subcommand))]
#[serde(rename_all = "kebab-case")]
pub enum OwnerOrder {
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

impl OwnerOrder {
    /// The command for the order.
    pub(super) fn command(&self, names: &Names) -> Result<OwnerCommand, String> {
        match self {
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
            (Self::SetLeverage(_), ContractEvent::LeverageSet(set)) => Some(format!(
                "account {} has a leverage of {} in {}",
                set.by.account,
                set.leverage,
                names.symbol(set.instrument)
            )),
            (Self::SetLeverage(_), _) => None,
        }
    }
}

/// An operator, for this account.
fn setter(names: &Names, account: &str) -> Result<Setter, String> {
    Ok(Setter { account: names.account(account)?, ..Setter::default() })
}
