//! Contracts as records, and back.

use super::contract_records::TakenTiers;
use super::contract_records::{
    ContractRecord, ContractsRecord, FundRecord, FundingRecord, HedgingRecord, HoldingRecord, IndexRecord,
    PositionRecord, QuoteRecord, SampleRecord, TierRecord,
};
use super::refused::{Refused, check};
use super::{Part, Sink};
use crate::domain::contracts::{Leg, Leverage, SettlementSamples, Tier, Tiers};
use crate::domain::{
    AccountId, AssetId, FundingNumber, IndexTerms, InstrumentId, Listing, MarginMode, Phase, SetContract,
    SetContractRisk, Timestamp,
};
use crate::exchange::Exchange;
use crate::exchange::contract::{Coming, Contract, Fund, Index, Quote};
use crate::exchange::positions::{At, Ordinal, Position};
use std::collections::BTreeMap;

impl Exchange {
    /// The contracts of this shard, by id.
    pub(in crate::exchange) fn contracts_by_id(
        &self,
    ) -> impl Iterator<Item = (InstrumentId, &Contract)> + Clone + '_ {
        let all = (0..).map(InstrumentId).zip(&self.instruments);
        all.filter_map(|(id, known)| Some((id, known.contract.as_deref()?)))
    }

    /// Writes indexes, contracts and funds; nothing if there never were any.
    pub(super) fn write_contracts<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        let record = ContractsRecord {
            sampled: self.contracts.sampled,
            indexes: self.contracts.indexes.len() as u32,
            contracts: self.contracts_by_id().count() as u32,
            tiers: self.tier_records().count() as u32,
            samples: self.sample_records().count() as u32,
            funds: self.shared.funds.of.len() as u32,
            holdings: self.holding_records().count() as u32,
            hedging: self.shared.positions.hedging().count() as u32,
        };
        if record == ContractsRecord::default() {
            return Ok(());
        }
        sink.put(Part::Contracts, &record)?;
        self.contracts.indexes.iter().try_for_each(|index| sink.put(Part::Indexes, &index_record(index)))?;
        for (instrument, contract) in self.contracts_by_id() {
            let record = ContractRecord {
                instrument,
                terms: contract.terms.map(Into::into),
                risk: contract.risk.map(Into::into),
                coming: contract.coming.of(),
                mark_holds: contract.mark_holds,
                opened: contract.opened,
                kept_to: contract.kept_to,
                funding: FundingRecord::of(&contract.fundings),
                clearing: contract.clearing,
                settlement_sum: contract.settlement.sum,
                settlement_samples: contract.settlement.samples,
                expired: contract.expired,
            };
            sink.put(Part::Terms, &record)?;
        }
        self.tier_records().try_for_each(|record| sink.put(Part::Tiers, &record))?;
        self.sample_records().try_for_each(|record| sink.put(Part::Samples, &record))?;
        for (&asset, &Fund { amount, last_reference }) in &self.shared.funds.of {
            sink.put(Part::Funds, &FundRecord { asset, amount, last_reference })?;
        }
        let hedging = self.shared.positions.hedging().map(|account| HedgingRecord { account });
        hedging.into_iter().try_for_each(|record| sink.put(Part::Hedging, &record))?;
        self.holding_records().try_for_each(|record| sink.put(Part::Holdings, &record))
    }

    fn tier_records(&self) -> impl Iterator<Item = TierRecord> + '_ {
        self.contracts_by_id().flat_map(|(instrument, contract)| {
            let in_force = contract.tiers.iter().flat_map(Tiers::rows).map(|row| (true, row));
            let coming = contract.coming.rows().iter().map(|row| (false, *row));
            in_force.chain(coming).map(move |(in_force, Tier { floor, initial, maintenance })| TierRecord {
                instrument,
                in_force,
                floor,
                initial,
                maintenance,
            })
        })
    }

    fn holding_records(&self) -> impl Iterator<Item = HoldingRecord> + '_ {
        self.contracts_by_id().flat_map(|(instrument, contract)| {
            let holdings = self.shared.positions.of_contract(contract.ordinal);
            holdings.filter(|holding| holding.is_state()).map(move |holding| {
                let [first, second] = holding.positions.map(|position| PositionRecord {
                    lots: position.leg.lots,
                    cost: position.leg.cost,
                    pot: position.pot,
                    owes: contract.owes(&position),
                });
                HoldingRecord {
                    instrument,
                    account: holding.at().account,
                    isolated: holding.mode == MarginMode::Isolated,
                    leverage: holding.leverage.map_or(0, Leverage::get),
                    first,
                    second,
                }
            })
        })
    }

    fn sample_records(&self) -> impl Iterator<Item = SampleRecord> + '_ {
        self.contracts_by_id().flat_map(|(instrument, contract)| {
            let samples = contract.basis.samples(contract.kept_to);
            samples.map(move |(second, sample)| SampleRecord { instrument, second, sample })
        })
    }
}

fn index_record(index: &Index) -> IndexRecord {
    let record = |Quote { price, source_time }| QuoteRecord { price, source_time };
    IndexRecord {
        symbol: index.symbol,
        price_decimals: index.price_decimals,
        shard: index.shard,
        terms: index.terms.into(),
        last: index.last.map(record),
        held: index.held.map(record),
        grace_until: index.grace_until,
    }
}

/// What of contracts was read.
#[derive(Debug, Default)]
pub(super) struct ContractsFilling {
    pub(super) record: ContractsRecord,
    /// The last contract that was read.
    last_contract: Option<InstrumentId>,
    /// The rows of tiers that were read, by contract.
    tiers: BTreeMap<InstrumentId, TakenTiers>,
    /// What accounts have in contracts.
    holdings: Vec<(Ordinal, HoldingRecord)>,
    /// The last of them.
    holding: Option<(InstrumentId, AccountId)>,
    /// What all accounts hold, by asset.
    pub(super) sums: Vec<i128>,
}

impl ContractsFilling {
    pub(super) fn take_contracts(&mut self, exchange: &mut Exchange, record: ContractsRecord) -> Refused {
        self.record = record;
        check(record != ContractsRecord::default(), "contracts record that says nothing")?;
        check(record.sampled <= exchange.shared.now.seconds(), "last samples are after the snapshot's time")?;
        exchange.contracts.sampled = record.sampled;
        Ok(())
    }

    pub(super) fn take_index(&mut self, exchange: &mut Exchange, record: IndexRecord) -> Refused {
        let taken = |QuoteRecord { price, source_time }| Quote { price, source_time };
        let IndexRecord { symbol, price_decimals, shard, last, held, grace_until, .. } = record;
        let (last, held, terms) = (last.map(taken), held.map(taken), IndexTerms::from(record.terms));
        let indexes = &mut exchange.contracts.indexes;
        let is_new =
            indexes.len() < usize::from(u16::MAX) && indexes.iter().all(|known| known.symbol != symbol);
        check(is_new, "an index is one too many, or has the symbol of another")?;
        let possible = shard.0 < exchange.venue.shards
            && terms.in_range()
            && price_decimals <= crate::domain::ListInstrument::PRICE_DECIMALS_MAX;
        check(possible, "index's terms are invalid")?;
        let is_price = |of: Quote| (1..Listing::PRICE_END).contains(&u64::from(of.price));
        let is_own = shard == exchange.id;
        let right = last.into_iter().chain(held).all(is_price) && (last.is_some() || held.is_none());
        let foreign = last.is_none() && grace_until == Timestamp(0);
        check(right && (is_own || foreign), "index's price is out of range or of another shard")?;
        indexes.push(Index { symbol, price_decimals, shard, terms, last, held, grace_until });
        Ok(())
    }

    pub(super) fn take_contract(&mut self, exchange: &mut Exchange, record: ContractRecord) -> Refused {
        let at = record.instrument.0 as usize;
        let is_next = self.last_contract.is_none_or(|last| last < record.instrument);
        check(is_next, "contracts are out of order")?;
        self.last_contract = Some(record.instrument);
        let terms = record.terms.map(SetContract::from);
        let risk = record.risk.map(SetContractRisk::from);
        let index = terms.map(|terms| exchange.known_index(terms.index).copied());
        let index = index.transpose().map_err(|_| "contract follows an unknown index")?;
        let known = exchange.instruments.get_mut(at).filter(|known| known.contract.is_some());
        let known = known.ok_or("contract record of an instrument that is no contract of this shard")?;
        let kept = record.kept_to <= exchange.contracts.sampled;
        check(kept, "contract's samples are after the last sampling tick")?;
        record.funding.check(known.listing.product.is_perpetual())?;
        check(record.funding.open || record.clearing == 0, "money is in clearing and no funding is open")?;
        check(record.settlement_samples <= 1_800, "more samples of the settlement than seconds")?;
        check(!record.mark_holds || known.mark.is_some(), "contract's mark is held but not set")?;
        let contract = Contract {
            terms,
            risk,
            mark_holds: record.mark_holds,
            opened: record.opened,
            kept_to: record.kept_to,
            fundings: record.funding.taken(),
            clearing: record.clearing,
            settlement: SettlementSamples { sum: record.settlement_sum, samples: record.settlement_samples },
            expired: record.expired,
            coming: Coming::awaiting(record.coming),
            ..Contract::new(&known.listing, known.contract.as_ref().expect("it is a contract").ordinal)
        };
        if known.listing.phase != Phase::Delisted {
            let fits = terms.zip(index).is_none_or(|(terms, index)| {
                terms.instrument == record.instrument && index.admits(&terms, &known.listing)
            });
            let is_perpetual = known.listing.product.is_perpetual();
            let in_range =
                risk.is_none_or(|risk| risk.instrument == record.instrument && risk.in_range(is_perpetual));
            check(fits && in_range, "contract's terms are out of range")?;
            contract.check(&known.listing).map_err(|_| "contract's terms do not fit its listing")?;
        }
        known.contract = Some(Box::new(contract));
        Ok(())
    }

    pub(super) fn take_tier(&mut self, record: TierRecord) -> Refused {
        let TierRecord { instrument, in_force, floor, initial, maintenance } = record;
        let taken = self.tiers.entry(instrument).or_default();
        let rows = if in_force { &mut taken.in_force } else { &mut taken.coming };
        rows.push(Tier { floor, initial, maintenance });
        Ok(())
    }

    pub(super) fn take_sample(&mut self, exchange: &mut Exchange, record: SampleRecord) -> Refused {
        let SampleRecord { instrument, second, sample } = record;
        let known = exchange.instruments.get_mut(instrument.0 as usize);
        let contract =
            known.and_then(|known| known.contract.as_mut()).ok_or("sample of an unknown contract")?;
        let sampled = contract.kept_to;
        let is_later = contract.basis.samples(sampled).last().is_none_or(|(last, _)| last < second);
        check(is_later && second <= sampled, "samples are out of order")?;
        contract.basis.put(second, sample);
        check(contract.basis.samples(sampled).any(|(kept, _)| kept == second), "sample is too old")
    }

    pub(super) fn take_fund(&mut self, exchange: &mut Exchange, record: FundRecord) -> Refused {
        let FundRecord { asset, amount, last_reference } = record;
        let funds = &mut exchange.shared.funds.of;
        check(usize::from(asset.0) < exchange.venue.assets.len(), "fund of an unknown asset")?;
        check(funds.last_key_value().is_none_or(|(last, _)| *last < asset), "funds are out of order")?;
        funds.insert(asset, Fund { amount, last_reference });
        Ok(())
    }

    pub(super) fn take_hedging(&mut self, exchange: &mut Exchange, record: HedgingRecord) -> Refused {
        let HedgingRecord { account } = record;
        check(exchange.known_account(account).is_ok(), "position mode of an unknown account")?;
        let is_next = exchange.shared.positions.hedging().last().is_none_or(|last| last < account);
        check(is_next, "accounts in hedge mode are out of order")?;
        exchange.shared.positions.set_hedges(account, true);
        Ok(())
    }

    pub(super) fn take_holding(&mut self, exchange: &mut Exchange, record: HoldingRecord) -> Refused {
        let HoldingRecord { instrument, account, isolated, leverage, first, second } = record;
        check(exchange.known_account(account).is_ok(), "position of an unknown account")?;
        let known = exchange.instruments.get(instrument.0 as usize);
        let contract = known.and_then(|known| known.contract.as_ref());
        let ordinal = contract.ok_or("position in an unknown contract")?.ordinal;
        let right = Leverage::new(leverage).is_some() || leverage == 0;
        check(
            right && self.holding.is_none_or(|last| last < (instrument, account)),
            "positions are out of order",
        )?;
        self.holding = Some((instrument, account));
        let possible = |position: &PositionRecord| {
            position.lots.unsigned_abs() <= u64::from(u32::MAX)
                && position.cost.unsigned_abs() <= 1 << 62
                && position.pot.unsigned_abs() <= 1 << 62
                && (position.lots != 0 || position.cost == 0)
        };
        let pots = isolated || (first.pot == 0 && second.pot == 0);
        check(possible(&first) && possible(&second) && pots, "position out of range")?;
        let fits = if exchange.shared.positions.hedges(account) {
            first.lots >= 0 && second.lots <= 0
        } else {
            second == PositionRecord::default()
        };
        check(fits, "position does not fit its account's position mode")?;
        self.holdings.push((ordinal, record));
        Ok(())
    }

    /// Puts the positions back, after marks and tiers are known.
    fn finish_holdings(&mut self, exchange: &mut Exchange) -> Refused {
        for at in 0..exchange.instruments.len() {
            exchange.value_positions(InstrumentId(at as u32));
        }
        for (ordinal, record) in std::mem::take(&mut self.holdings) {
            let at = At { account: record.account, contract: ordinal };
            let known = &mut exchange.instruments[record.instrument.0 as usize];
            check(known.mark.is_some(), "position in a contract without a mark")?;
            let contract = known.contract.as_mut().ok_or("position in an unknown contract")?;
            check(contract.tiers.is_some(), "position in a contract without tiers")?;
            let number = contract.fundings.number;
            for position in [record.first, record.second].iter().filter(|position| position.owes) {
                let charging = contract.fundings.charging.as_mut();
                let charging = charging.filter(|_| position.lots != 0 && number.0 > 0);
                charging.ok_or("position owes for a funding that is not open")?.left += 1;
            }
            exchange.shared.positions.change(at, |holding| {
                holding.mode = if record.isolated { MarginMode::Isolated } else { MarginMode::Cross };
                holding.leverage = Leverage::new(record.leverage);
                holding.positions = [record.first, record.second].map(|position| Position {
                    leg: Leg { lots: position.lots, cost: position.cost },
                    pot: position.pot,
                    charged: if position.owes { FundingNumber(number.0 - 1) } else { number },
                    ..Position::default()
                });
            });
            contract.count_open(0, record.first.lots);
            contract.count_open(0, record.second.lots);
        }
        let is_right =
            |contract: &Contract| contract.fundings.charging.is_none_or(|charging| charging.left > 0);
        let right = exchange.contracts_by_id().all(|(_, contract)| is_right(contract));
        check(right, "a funding is open and no position owes")
    }

    /// Checks what needs all parts of contracts: the tables of tiers, and that the money adds up.
    pub(super) fn finish(&mut self, exchange: &mut Exchange) -> Refused {
        let tiers = std::mem::take(&mut self.tiers);
        for (instrument, rows) in tiers {
            let known = exchange.instruments.get_mut(instrument.0 as usize);
            let known =
                known.filter(|known| known.contract.is_some()).ok_or("tier of an unknown contract")?;
            let highest_taker_fee = known.highest_taker_fee();
            let contract = known.contract.as_mut().ok_or("tier of an unknown contract")?;
            let costs = contract.costs(highest_taker_fee);
            let table = |rows: &[Tier]| Tiers::new(rows, costs).map_err(|_| "tiers are invalid");
            if !rows.in_force.is_empty() {
                contract.tiers = Some(table(&rows.in_force)?);
            }
            if !rows.coming.is_empty() {
                table(&rows.coming)?;
                let of = contract.coming.of();
                let mut coming = Coming::default();
                for (row, tier) in (0..).zip(rows.coming) {
                    coming = coming.with(row, of, tier).ok_or("more rows under way than their table has")?;
                }
                contract.coming = coming;
            }
        }
        let right = exchange.contracts_by_id().all(|(_, contract)| {
            let coming = contract.coming;
            coming.rows().len() < usize::from(coming.of().max(1))
                && (coming.of() > 0) != coming.rows().is_empty()
        });
        check(right, "table of tiers under way has no rows, or all")?;
        self.finish_holdings(exchange)?;
        for at in 0..exchange.instruments.len() {
            exchange.refresh(InstrumentId(at as u32));
        }
        for (asset, held) in (0..).map(AssetId).zip(&self.sums) {
            let fund = i128::from(exchange.shared.funds.amount(asset).0);
            let supply = exchange.shared.ledger.supply(asset);
            let others = exchange.in_clearing(asset) - exchange.cost_of_positions(asset);
            let adds_up = *held + fund + others == i128::from(supply.0);
            check(adds_up, "balances of an asset do not add up to deposits less withdrawals")?;
        }
        Ok(())
    }
}
