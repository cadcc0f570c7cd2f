//! Settings of an asset, and its conversion to another scale.

use super::instrument::Instrument;
use super::products;
use super::sink::EventSink;
use super::state::Exchange;
use super::venue::Asset;
use crate::domain::{AdminEvent, Amount, AssetId, AssetSettings, Event, InstrumentId, Phase, RejectReason};

/// A conversion between two scales.
#[derive(Clone, Copy)]
enum Conversion {
    /// Amounts are multiplied by this.
    Times(i64),
    /// Amounts are divided by this.
    Parts(i64),
}

impl Conversion {
    fn between(old: u8, new: u8) -> Option<Self> {
        let power = 10_i64.checked_pow(u32::from(old.abs_diff(new)))?;
        Some(if new >= old { Self::Times(power) } else { Self::Parts(power) })
    }

    /// The amount at the new scale; `None` if it is not exact or does not fit.
    fn exact(self, amount: Amount) -> Option<Amount> {
        match self {
            Self::Times(power) => amount.0.checked_mul(power).map(Amount),
            Self::Parts(power) => (amount.0 % power == 0).then(|| Amount(amount.0 / power)),
        }
    }

    /// The amount at the new scale, rounded down and limited to the largest value.
    fn about(self, amount: u64) -> u64 {
        match self {
            Self::Times(power) => amount.saturating_mul(power.unsigned_abs()),
            Self::Parts(power) => amount / power.unsigned_abs(),
        }
    }
}

impl Exchange {
    pub(super) fn set_asset(
        &mut self,
        settings: &AssetSettings,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        let AssetSettings { asset, scale, deposits, withdrawals, min_deposit, min_withdrawal } = *settings;
        let known = *self.known_asset(asset)?;
        if scale > Amount::SCALE_MAX || min_deposit.0 < 0 || min_withdrawal.0 < 0 {
            return Err(RejectReason::OutOfRange);
        }
        let trading = self.trading(asset);
        if scale != known.scale {
            if self.venue.shards > 1 {
                return Err(RejectReason::OneShardOnly);
            }
            if self.has_contracts_of(&trading) {
                return Err(RejectReason::ScaleNotPossible);
            }
            let conversion = Conversion::between(known.scale, scale).ok_or(RejectReason::ScaleNotPossible)?;
            self.check_conversion(asset, conversion, &trading)?;
            self.cancel_orders_of(&trading, events);
            self.convert(asset, conversion, &trading);
        }
        self.venue.assets[usize::from(asset.0)] =
            Asset { code: known.code, scale, deposits, withdrawals, min_deposit, min_withdrawal };
        self.tell(Event::Admin(AdminEvent::AssetSet(*settings)), events);
        if scale != known.scale {
            let listings = trading.iter().map(|at| self.instruments[*at].listing);
            listings.map(|it| Event::Admin(AdminEvent::TermsSet(it))).for_each(|event| events.push(event));
        }
        Ok(())
    }

    /// The indexes of the instruments that trade an asset.
    fn trading(&self, asset: AssetId) -> Vec<usize> {
        let trades = |at: &usize| {
            let listing = &self.instruments[*at].listing;
            listing.phase != Phase::Delisted && products::trades(listing, asset)
        };
        (0..self.instruments.len()).filter(trades).collect()
    }

    /// Whether any of these instruments is a contract: its positions and samples are not converted.
    fn has_contracts_of(&self, trading: &[usize]) -> bool {
        trading.iter().any(|at| self.instruments[*at].listing.product.is_contract())
    }

    fn check_conversion(
        &self,
        asset: AssetId,
        conversion: Conversion,
        trading: &[usize],
    ) -> Result<(), RejectReason> {
        let balances = self.shared.ledger.balances(asset).iter();
        let mut amounts: Vec<Amount> =
            balances.map(|held| Amount(held.available.0 + held.reserved.0)).collect();
        amounts.push(self.shared.ledger.supply(asset));
        amounts.extend(self.shared.funds.of.get(&asset).map(|fund| fund.amount));
        for at in trading {
            let instrument = &self.instruments[*at];
            amounts.extend(products::amounts_in(asset, &instrument.listing, &instrument.limits));
        }
        if let Some(volumes) = &self.shared.volumes
            && volumes.tiers.asset == asset
        {
            amounts.extend(volumes.tiers.volume_min.iter().filter(|min| **min != Amount(i64::MAX)));
        }
        let exact = amounts.into_iter().all(|amount| conversion.exact(amount).is_some());
        if exact { Ok(()) } else { Err(RejectReason::ScaleNotPossible) }
    }

    fn cancel_orders_of(&mut self, trading: &[usize], events: &mut impl EventSink) {
        for at in trading {
            let mut market = self.market(InstrumentId(*at as u32), events);
            market.cancel_each(crate::domain::CancelReason::TermsChanged, |_| true);
        }
    }

    /// Converts every amount of the asset. The caller has checked that all are exact.
    fn convert(&mut self, asset: AssetId, conversion: Conversion, trading: &[usize]) {
        let exact = |amount: Amount| conversion.exact(amount).expect("checked before");
        self.shared.ledger.convert(asset, exact);
        if let Some(fund) = self.shared.funds.of.get_mut(&asset) {
            fund.amount = exact(fund.amount);
        }
        for at in trading {
            let Instrument { listing, limits, .. } = &mut self.instruments[*at];
            products::convert(asset, listing, limits, exact);
        }
        if let Some(volumes) = &mut self.shared.volumes
            && volumes.tiers.asset == asset
        {
            volumes.convert(|amount| conversion.about(amount));
        }
    }
}
