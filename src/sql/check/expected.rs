//! Events that must follow the one before at once.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::domain::{Amount, AssetId, ContractEvent, Event, FundCause, FundPaid, InstrumentId, ShardId};

/// What the next event must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// The last position was charged: the funding is closed.
    FundingClosed(InstrumentId),
    /// What is left over goes to the fund.
    Remainder { instrument: InstrumentId, asset: AssetId, shard: ShardId, cause: FundCause, amount: Amount },
    /// The fund paid more than it had.
    Deficit(FundPaid),
}

impl Expected {
    /// What is left over goes to the fund, if it is above 0.
    pub(super) fn remainder(
        (instrument, asset, shard): (InstrumentId, AssetId, ShardId),
        cause: FundCause,
        amount: Amount,
    ) -> Option<Self> {
        (amount.0 > 0).then_some(Self::Remainder { instrument, asset, shard, cause, amount })
    }
}

/// Holds an event against what the one before it lets expect.
pub(super) fn meet(expected: Option<Expected>, event: &Event) -> Result<(), String> {
    match (expected, event) {
        (
            Some(Expected::FundingClosed(of)),
            Event::Contract(ContractEvent::FundingClosed { instrument, .. }),
        ) if of == *instrument => Ok(()),
        (
            Some(Expected::Remainder { instrument, asset, shard, cause, amount }),
            Event::Contract(ContractEvent::FundChanged(it)),
        ) if (Some(instrument), asset, shard, cause, amount)
            == (it.instrument, it.asset, it.shard, it.cause, it.amount) =>
        {
            Ok(())
        }
        (Some(Expected::Deficit(of)), Event::Contract(ContractEvent::InsuranceDeficit(it))) if of == *it => {
            Ok(())
        }
        (Some(expected), _) => Err(format!("{expected:?} should come next")),
        (None, Event::Contract(ContractEvent::FundChanged(it)))
            if matches!(it.cause, FundCause::Funding | FundCause::Settlement) =>
        {
            Err("a fund gets what nothing has left over".to_owned())
        }
        (None, Event::Contract(ContractEvent::InsuranceDeficit(_))) => {
            Err("a fund lacks what it did not pay".to_owned())
        }
        (None, _) => Ok(()),
    }
}
