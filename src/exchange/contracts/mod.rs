//! Contracts of this shard: indexes, terms, tiers of margin, marks, the insurance fund (docs/FUTURES.md).
//!
//! Every shard knows all indexes by id, so that it knows for which shard a command is. Only the shard of an index has its
//! price, and only the shard of a contract has its terms.

mod audit;
mod digest;
mod fills;
mod fund;
mod funding;
mod index;
mod marks;
mod meeting;
mod money;
mod orders;
mod owners;
mod reducing;
mod settlement;
mod shown;
mod terms;
#[cfg(test)]
mod tests;
mod tiers;

use super::contract::Contract;
use super::instrument::Instrument;
use super::positions::Ordinal;
use super::sink::EventSink;
use super::state::{Exchange, Told};
use crate::domain::{ContractCommand, ContractEvent, Event, InstrumentId, Listing, Phase, RejectReason};

/// The edition of the rules from which on there are contracts.
const EDITION: u16 = 2;
/// The most contracts of a shard that are not delisted.
const CONTRACTS_MAX: usize = 64;

impl Exchange {
    /// Executes commands about contracts.
    pub(super) fn contract(&mut self, command: &ContractCommand, events: &mut impl EventSink) -> Told {
        match command {
            ContractCommand::AddIndex(index) => self.add_index(index).map(told),
            ContractCommand::SetIndexTerms { index, terms } => self.set_index_terms(*index, *terms).map(told),
            ContractCommand::SetIndex(set) => self.set_index(set, events).map(|_| None),
            ContractCommand::SetContract(set) => self.set_contract(set, events).map(|()| None),
            ContractCommand::SetContractRisk(set) => self.set_contract_risk(set, events).map(|()| None),
            ContractCommand::SetMarginTier(set) => self.set_margin_tier(set, events).map(|()| None),
            ContractCommand::DepositFund(deposit) => self.deposit_fund(deposit).map(told),
            ContractCommand::SettleContract { instrument, price } => {
                self.settle_contract(*instrument, *price).map(|()| None)
            }
        }
    }

    /// Whether an instrument with this listing may be added to its shard.
    pub(super) fn may_list(&self, listing: &Listing) -> Result<(), RejectReason> {
        if listing.product.is_contract() && (self.rules_edition() < EDITION || listing.phase != Phase::Closed)
        {
            return Err(RejectReason::OutOfRange);
        }
        let of_shard = self.instruments.iter().map(|known| &known.listing);
        let mut of_shard = of_shard.filter(|known| known.shard == listing.shard);
        let is_contract = listing.product.is_contract();
        if of_shard.clone().any(|known| known.product.is_contract() != is_contract) {
            return Err(RejectReason::OtherProductsInShard);
        }
        let open = of_shard.by_ref().filter(|known| known.phase != Phase::Delisted).count();
        if is_contract && open >= CONTRACTS_MAX {
            return Err(RejectReason::TooManyContracts);
        }
        Ok(())
    }

    /// A new contract of this shard.
    pub(super) fn new_contract(&mut self, listing: &Listing) -> Box<Contract> {
        let ordinal = Ordinal(self.contracts.by_ordinal.len() as u16);
        self.contracts.by_ordinal.push(listing.instrument);
        Box::new(Contract::new(listing, ordinal))
    }

    /// The contract with this id. It belongs to this shard.
    fn known_contract(&mut self, instrument: InstrumentId) -> Result<&mut Instrument, RejectReason> {
        let found = self.instruments.get_mut(instrument.0 as usize).ok_or(RejectReason::UnknownInstrument)?;
        if found.listing.phase == Phase::Delisted {
            return Err(RejectReason::InstrumentDelisted);
        }
        if found.contract.is_some() { Ok(found) } else { Err(RejectReason::OutOfRange) }
    }
}

fn told(event: ContractEvent) -> Option<Event> {
    Some(Event::Contract(event))
}
