//! Terms and scales that change while orders rest.

use super::settings::{terms_in_range, tick_value};
use super::{AMOUNT_MAX, Naive};
use dojima::domain::{
    AdminEvent, Amount, AssetId, AssetSettings, CancelReason, Event, InstrumentId, Listing, Phase,
    RejectReason, RestateReason, SetTerms,
};

type Done = Result<(), RejectReason>;

impl Naive {
    fn scale(&self, asset: AssetId) -> u8 {
        self.assets[usize::from(asset.0)].settings.scale
    }

    pub(super) fn set_terms(&mut self, terms: &SetTerms) -> Done {
        let SetTerms { instrument, tick_units, lot, min_quantity, max_quantity, min_notional } = *terms;
        let before = self.listed(instrument)?.listing;
        let mut after = Listing { tick_units, lot, min_quantity, max_quantity, min_notional, ..before };
        terms_in_range(&after)?;
        let moves = tick_units != before.tick_units || lot != before.lot;
        if moves {
            self.no_legs(instrument)?;
        }
        let value = tick_value(&after, self.scale(after.base), self.scale(after.quote))?;
        after.tick_value = super::amount(value);
        if moves {
            self.fits_terms(&after)?;
        }
        if lot != before.lot {
            self.clear(instrument, CancelReason::TermsChanged);
        }
        self.instrument_mut(instrument).listing = after;
        if tick_units != before.tick_units {
            self.change_tick(instrument, i128::from(before.tick_units), i128::from(tick_units));
        }
        self.events.push(Event::Admin(AdminEvent::TermsSet(after)));
        if moves {
            self.instrument_mut(instrument).contract.drop_samples();
            self.move_mark(instrument);
        }
        Ok(())
    }

    fn change_tick(&mut self, instrument: InstrumentId, before: i128, after: i128) {
        let is_off = |price: i128| price * before % after != 0;
        let off = self.by_book(instrument, |order| order.price.is_some_and(is_off));
        self.cancel_all(&off, CancelReason::TermsChanged);
        let convert = |price: &mut i128| *price = (*price * before / after).max(1);
        let known = self.instrument_mut(instrument);
        for price in [&mut known.last, &mut known.mark, &mut known.reference].into_iter().flatten() {
            convert(price);
        }
        for order in self.orders.iter_mut().filter(|order| order.instrument == instrument) {
            order.price.iter_mut().for_each(convert);
            if let Some(waiting) = &mut order.waiting {
                convert(&mut waiting.price);
                waiting.extreme.iter_mut().for_each(convert);
            }
        }
        for id in self.by_book(instrument, |order| order.price.is_some()) {
            let at = self.find(id).expect("it is open");
            self.events.push(self.orders[at].restated(RestateReason::Tick));
        }
    }

    pub(super) fn set_asset(&mut self, settings: AssetSettings) -> Done {
        let AssetSettings { asset, scale, min_deposit, min_withdrawal, .. } = settings;
        let known = self.assets.get(usize::from(asset.0)).ok_or(RejectReason::UnknownAsset)?;
        let before = known.settings.scale;
        if scale > Amount::SCALE_MAX || min_deposit.0 < 0 || min_withdrawal.0 < 0 {
            return Err(RejectReason::OutOfRange);
        }
        let mut changed = Vec::new();
        if scale != before {
            changed = self.convert(asset, before, scale)?;
        }
        self.assets[usize::from(asset.0)].settings = settings;
        self.events.push(Event::Admin(AdminEvent::AssetSet(settings)));
        self.events.extend(changed.into_iter().map(|it| Event::Admin(AdminEvent::TermsSet(it))));
        Ok(())
    }

    /// All amounts of the asset are converted, exactly; the listings that trade it as they are then.
    fn convert(&mut self, asset: AssetId, before: u8, after: u8) -> Result<Vec<Listing>, RejectReason> {
        let of_contract = |id: &InstrumentId| {
            let listing = self.listing(*id);
            listing.base == asset || listing.quote == asset
        };
        if self.contracts().iter().any(of_contract) {
            return Err(RejectReason::ScaleNotPossible);
        }
        let power = 10_i128.pow(u32::from(before.abs_diff(after)));
        // Rounded down where that is possible; what must be exact was asked about before.
        let down = |value: i128| if after >= before { value * power } else { value / power };
        let exact = |value: i128| {
            let fits = (after >= before || value % power == 0) && down(value) <= AMOUNT_MAX;
            if fits { Ok(down(value)) } else { Err(RejectReason::ScaleNotPossible) }
        };
        let held = self.assets[usize::from(asset.0)].held.clone();
        let held = held.into_iter().map(exact).collect::<Result<Vec<_>, _>>()?;
        let fund = exact(self.assets[usize::from(asset.0)].fund)?;
        if held.iter().sum::<i128>() + fund > AMOUNT_MAX {
            return Err(RejectReason::ScaleNotPossible);
        }
        if let Some(tiers) = self.volume_tiers.filter(|tiers| tiers.asset == asset) {
            for least in tiers.volume_min.into_iter().filter(|least| least.0 < i64::MAX) {
                exact(i128::from(least.0))?;
            }
        }
        let trades = |listing: &Listing| {
            listing.phase != Phase::Delisted && (listing.base == asset || listing.quote == asset)
        };
        let mut changed = Vec::new();
        for known in self.instruments.iter().filter(|known| trades(&known.listing)) {
            let (mut listing, mut limits) = (known.listing, known.limits);
            let converted = |value: &mut Amount| {
                *value = super::amount(exact(i128::from(value.0))?);
                Ok(())
            };
            if listing.base == asset {
                converted(&mut listing.lot)?;
            } else {
                converted(&mut listing.tick_value)?;
                converted(&mut listing.min_notional)?;
                converted(&mut limits.notional_max)?;
            }
            changed.push((listing, limits));
        }
        for (listing, _) in &changed {
            self.clear(listing.instrument, CancelReason::TermsChanged);
        }
        let known = &mut self.assets[usize::from(asset.0)];
        (known.held, known.fund) = (held, fund);
        self.convert_volumes(asset, down);
        for (listing, limits) in &changed {
            let known = self.instrument_mut(listing.instrument);
            (known.listing, known.limits) = (*listing, *limits);
        }
        Ok(changed.into_iter().map(|(listing, _)| listing).collect())
    }
}
