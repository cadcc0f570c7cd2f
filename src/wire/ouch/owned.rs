//! What an account's logins are told of its positions.

#![deny(clippy::wildcard_enum_match_arm)]

use super::outbound::{FundingCharged, LackCovered, Outbound, PositionMoved, PositionStated};
use super::tags::Appendage;
use crate::domain::contracts::{ContractValue, Leg};
use crate::domain::{
    ContractEvent, EventRecord, FundPaid, FundingPaid, Listing, Listings, PositionCause, PositionChanged,
    PositionLeg, PositionState, Price, Symbol,
};

/// Writes the message about an event of an account, as [`super::encode_event`] does.
pub(super) fn encode(
    event: &ContractEvent,
    record: &EventRecord,
    listings: &Listings,
    added: Appendage<'_>,
    out: &mut [u8],
) -> Option<usize> {
    let timestamp = record.time.since_midnight_ns();
    match event {
        ContractEvent::PositionChanged(changed) => {
            let listing = listings.at(changed.instrument, record.number)?;
            Outbound::PositionChanged(moved(changed, timestamp, listing), added).encode(out)
        }
        ContractEvent::FundingPaid(FundingPaid { instrument, leg, number, amount, pot, wallet, .. }) => {
            let symbol = listings.at(*instrument, record.number)?.symbol;
            let (leg, number, amount) = (leg_letter(*leg), number.0, amount.0);
            let (pot, wallet) = (*pot, *wallet);
            let message = FundingCharged { timestamp, symbol, leg, number, amount, pot, wallet };
            Outbound::FundingPaid(message, added).encode(out)
        }
        ContractEvent::FundPaid(FundPaid { instrument, asset, shard, amount, .. }) => {
            let symbol = match instrument {
                Some(instrument) => listings.at(*instrument, record.number)?.symbol,
                None => Symbol::default(),
            };
            let (asset, shard, amount) = (*asset, *shard, *amount);
            let message = LackCovered { timestamp, symbol, asset, shard, amount };
            Outbound::FundPaid(message, added).encode(out)
        }
        ContractEvent::IndexAdded(_)
        | ContractEvent::IndexTermsSet { .. }
        | ContractEvent::IndexSet(_)
        | ContractEvent::IndexHeld { .. }
        | ContractEvent::ContractSet(_)
        | ContractEvent::ContractRiskSet(_)
        | ContractEvent::MarginTierSet { .. }
        | ContractEvent::MarginTiersSet { .. }
        | ContractEvent::FundChanged(_)
        | ContractEvent::FundingSet(_)
        | ContractEvent::FundingClosed { .. }
        | ContractEvent::SettlementPending { .. }
        | ContractEvent::ContractSettled { .. }
        | ContractEvent::InsuranceDeficit(_)
        // Answers to a login, which are messages of another kind.
        | ContractEvent::MarginModeSet(_)
        | ContractEvent::LeverageSet(_)
        | ContractEvent::MarginMoved(_) => None,
    }
}

fn moved(changed: &PositionChanged, timestamp: u64, listing: &Listing) -> PositionMoved {
    PositionMoved {
        timestamp,
        symbol: listing.symbol,
        leg: leg_letter(changed.leg),
        cause: match changed.cause {
            PositionCause::Trade => b'T',
            PositionCause::Settled => b'S',
            PositionCause::Offset => b'O',
            PositionCause::CloseOut => b'C',
            PositionCause::Deleveraged => b'D',
        },
        trade: changed.trade,
        lots: changed.lots,
        cost: changed.cost,
        entry: entry(listing, changed.lots, changed.cost),
        realised: changed.realised,
        pot: changed.pot,
        wallet: changed.wallet,
    }
}

/// The message about a position that was asked for.
pub(super) fn stated(state: &PositionState, timestamp: u64, listing: &Listing) -> PositionStated {
    PositionStated {
        timestamp,
        symbol: listing.symbol,
        leg: leg_letter(state.leg),
        leverage: state.leverage,
        lots: state.lots,
        cost: state.cost,
        entry: entry(listing, state.lots, state.cost),
        pot: state.pot,
        mark: listing.price_units(state.mark),
        profit: state.profit,
        equity: state.equity,
        maintenance: state.maintenance.0,
        liquidation: listing.price_units(state.liquidation),
    }
}

/// The average entry price in price units; 0 if there is none.
fn entry(listing: &Listing, lots: i64, cost: i64) -> u64 {
    let value = ContractValue::of(listing);
    let price = value.and_then(|value| Leg { lots, cost }.average_entry(&value));
    price.map_or(0, |Price(ticks)| ticks.unsigned_abs().saturating_mul(u64::from(listing.tick_units)))
}

fn leg_letter(leg: PositionLeg) -> u8 {
    match leg {
        PositionLeg::Net => b'N',
        PositionLeg::Long => b'L',
        PositionLeg::Short => b'S',
    }
}
