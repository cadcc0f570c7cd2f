//! The contracts of a shard in the digest of its state.

use super::super::canonical::Canonical;
use super::super::contract::{Charging, Contract, Fundings, Index, Quote};
use super::super::state::Exchange;
use crate::domain::contracts::{Funding, FundingRate, Leverage, Tier, Tiers};
use crate::domain::{IndexTerms, Price, SetContract, SetContractRisk};

impl Exchange {
    /// Indexes, contracts and funds. A shard that never had any adds nothing, so that earlier digests stay valid.
    pub(in crate::exchange) fn digest_contracts(&self, hash: &mut Canonical) {
        if self.contracts.indexes.is_empty() && self.contracts_by_id().next().is_none() {
            return;
        }
        hash.unsigned(self.contracts.sampled);
        hash.count(self.contracts.indexes.len());
        self.contracts.indexes.iter().for_each(|index| digest_index(index, hash));
        hash.count(self.contracts_by_id().count());
        for (_, contract) in self.contracts_by_id() {
            digest_terms(contract.terms.as_ref(), hash);
            digest_risk(contract.risk.as_ref(), hash);
            let in_force: Vec<Tier> = contract.tiers.iter().flat_map(Tiers::rows).collect();
            digest_tiers(&in_force, hash);
            digest_tiers(contract.coming.rows(), hash);
            hash.unsigned(contract.coming.of());
            hash.unsigned(u8::from(contract.mark_holds));
            hash.unsigned(contract.opened.map_or(0, |opened| opened + 1));
            Self::digest_samples(contract, hash);
            digest_fundings(&contract.fundings, hash);
            hash.signed(contract.clearing);
            hash.unsigned(contract.settlement.sum);
            hash.unsigned(contract.settlement.samples);
            hash.unsigned(u8::from(contract.expired));
            self.digest_holdings(contract, hash);
        }
        hash.count(self.shared.positions.hedging().count());
        self.shared.positions.hedging().for_each(|account| hash.unsigned(account.0));
        hash.count(self.shared.funds.of.len());
        for (asset, fund) in &self.shared.funds.of {
            hash.unsigned(asset.0);
            hash.signed(fund.amount.0);
            hash.unsigned(fund.last_reference);
        }
    }

    /// What accounts have and chose, by account. Their orders follow from the orders.
    fn digest_holdings(&self, contract: &Contract, hash: &mut Canonical) {
        for holding in
            self.shared.positions.of_contract(contract.ordinal).filter(|holding| holding.is_state())
        {
            // Every account is below this.
            hash.unsigned(u64::MAX);
            hash.unsigned(holding.at().account.0);
            hash.unsigned(holding.mode as u8);
            hash.unsigned(holding.leverage.map_or(0, Leverage::get));
            for position in &holding.positions {
                hash.signed(position.leg.lots);
                hash.signed(position.leg.cost);
                hash.signed(position.pot);
                hash.unsigned(u8::from(contract.owes(position)));
            }
        }
    }

    fn digest_samples(contract: &Contract, hash: &mut Canonical) {
        hash.unsigned(contract.kept_to);
        let samples = || contract.basis.samples(contract.kept_to);
        hash.count(samples().count());
        for (second, sample) in samples() {
            hash.unsigned(second);
            hash.signed(sample);
        }
    }
}

fn digest_fundings(fundings: &Fundings, hash: &mut Canonical) {
    let Fundings { number, last, next, premium, charging } = fundings;
    hash.unsigned(number.0);
    let last = last.unwrap_or(Funding { rate: FundingRate(0), mark: Price(0) });
    hash.signed(last.rate.0);
    hash.signed(last.mark.0);
    hash.unsigned(*next);
    hash.bytes(&premium.sum.to_le_bytes());
    hash.unsigned(premium.samples);
    hash.unsigned(u8::from(charging.is_some()));
    // What is left follows from the positions.
    let Charging { charged, next, .. } = charging.unwrap_or_default();
    hash.unsigned(charged);
    hash.unsigned(next.0);
}

fn digest_index(index: &Index, hash: &mut Canonical) {
    let Index { symbol, price_decimals, shard, terms, last, held, grace_until } = index;
    let IndexTerms { stale_after_ms, grace_s, jump } = *terms;
    hash.bytes(&symbol.0);
    hash.unsigned(*price_decimals);
    hash.unsigned(shard.0);
    [stale_after_ms, grace_s, jump.0].into_iter().for_each(|term| hash.unsigned(term));
    for quote in [last, held] {
        let Quote { price, source_time } =
            quote.unwrap_or(Quote { price: 0, source_time: Default::default() });
        hash.unsigned(price);
        hash.unsigned(source_time.0);
    }
    hash.unsigned(grace_until.0);
}

fn digest_terms(terms: Option<&SetContract>, hash: &mut Canonical) {
    hash.unsigned(u8::from(terms.is_some()));
    if let Some(SetContract { instrument, index, expiry, funding_interval_s, price_min, price_max }) = terms {
        hash.unsigned(index.0);
        for term in [instrument.0, *expiry, *funding_interval_s, *price_min, *price_max] {
            hash.unsigned(term);
        }
    }
}

fn digest_risk(risk: Option<&SetContractRisk>, hash: &mut Canonical) {
    hash.unsigned(u8::from(risk.is_some()));
    let Some(SetContractRisk {
        instrument,
        interest_ppb,
        impact_lots,
        mark_band,
        first_band,
        premium_band,
        outer_band,
        liquidation_fee,
        collar,
        adl_after,
        adl_mode,
        position_limit,
        open_interest_limit,
    }) = risk
    else {
        return;
    };
    hash.signed((*interest_ppb).into());
    for share in [mark_band, first_band, premium_band, outer_band, liquidation_fee, collar] {
        hash.unsigned(share.0);
    }
    hash.unsigned(*adl_after);
    hash.unsigned(*adl_mode as u8);
    for term in [instrument.0, *impact_lots, *position_limit, *open_interest_limit] {
        hash.unsigned(term);
    }
}

fn digest_tiers(rows: &[Tier], hash: &mut Canonical) {
    hash.count(rows.len());
    for Tier { floor, initial, maintenance } in rows {
        hash.signed(floor.0);
        hash.unsigned(initial.0);
        hash.unsigned(maintenance.0);
    }
}
