//! Settings of an instrument that change while it is listed, and their effect on resting orders (docs/RULES.md,
//! "Settings").

use super::book::Handle;
use super::market::Market;
use super::products::{self, Demand, Rates};
use super::sink::EventSink;
use super::state::Exchange;
use super::triggers::{Triggers, Waiting};
use super::usage::Usage;
use crate::domain::{
    AdminEvent, Amount, CancelReason, Event, FeeTier, InstrumentId, LimitScope, ListInstrument, Listing,
    OrderLimits, Phase, Ppm, Price, Protection, RejectReason, RestateReason, SetFees, SetTerms, Side,
};

impl Exchange {
    /// The listing of an instrument that is not delisted.
    fn listed(&self, instrument: InstrumentId) -> Result<&Listing, RejectReason> {
        let found = self.instruments.get(instrument.0 as usize).ok_or(RejectReason::UnknownInstrument)?;
        let listing = &found.listing;
        if listing.phase == Phase::Delisted { Err(RejectReason::InstrumentDelisted) } else { Ok(listing) }
    }

    pub(super) fn set_phase(&mut self, instrument: InstrumentId, phase: Phase) -> Result<(), RejectReason> {
        let listing = self.listed(instrument)?;
        if self.instruments[instrument.0 as usize].has_expired() {
            return Err(RejectReason::ContractExpired);
        }
        if phase == listing.phase || phase == Phase::Delisted {
            return Err(RejectReason::InvalidPhase);
        }
        self.check_contract_phase(&self.instruments[instrument.0 as usize], phase)?;
        self.change_phase(instrument, phase);
        Ok(())
    }

    pub(super) fn delist(&mut self, instrument: InstrumentId) -> Result<(), RejectReason> {
        if self.listed(instrument)?.product.is_contract() && self.venue.shards > 1 {
            // Other shards cannot know whether there are positions.
            return Err(RejectReason::OneShardOnly);
        }
        if self.instruments[instrument.0 as usize].has_positions() {
            return Err(RejectReason::PositionsOpen);
        }
        if self.listed(instrument)?.shard == self.id {
            self.take_away(instrument);
        } else {
            self.instruments[instrument.0 as usize].listing.phase = Phase::Delisted;
        }
        Ok(())
    }

    pub(super) fn set_mark(&mut self, instrument: InstrumentId, price: Price) -> Result<Event, RejectReason> {
        let listing = *self.listed(instrument)?;
        let in_range = price.0 >= 1
            && price
                .0
                .checked_mul(i64::from(listing.tick_units))
                .is_some_and(|units| units < Listing::PRICE_END as i64);
        if !in_range {
            return Err(RejectReason::OutOfRange);
        }
        let known = &mut self.instruments[instrument.0 as usize];
        if let Some(contract) = &mut known.contract {
            contract.may_be_marked(&known.listing, price)?;
            contract.mark_holds = true;
        }
        known.mark = Some(price);
        if known.triggers.is_some() {
            self.shared.note_moved(instrument);
        }
        self.value_positions(instrument);
        Ok(Event::Admin(AdminEvent::MarkSet { instrument, price }))
    }

    pub(super) fn set_protection(
        &mut self,
        instrument: InstrumentId,
        protection: &Protection,
    ) -> Result<Event, RejectReason> {
        let listing = *self.listed(instrument)?;
        let Protection { price_min, price_max, static_band, dynamic_band, market_collar, .. } = *protection;
        let in_range = [price_min, price_max].iter().all(|price| u64::from(*price) < Listing::PRICE_END)
            && (price_max == 0 || price_min <= price_max)
            && [static_band, dynamic_band, market_collar].iter().all(|share| share.0 <= Ppm::ONE);
        if !in_range {
            return Err(RejectReason::OutOfRange);
        }
        let ticks = match protection.reference {
            0 => None,
            units => Some(listing.price_from_units(i64::from(units))?),
        };
        let known = &mut self.instruments[instrument.0 as usize];
        known.reference = ticks.or(known.reference);
        known.protection = *protection;
        Ok(Event::Admin(AdminEvent::ProtectionSet { instrument, protection: *protection }))
    }

    pub(super) fn set_order_limits(
        &mut self,
        scope: LimitScope,
        limits: &OrderLimits,
    ) -> Result<Event, RejectReason> {
        match scope {
            LimitScope::Instrument(instrument) => drop(self.listed(instrument)?),
            LimitScope::Account(account) => self.known_account(account)?,
            LimitScope::Login(login) => self.known_login(login)?,
        }
        if limits.notional_max.0 < 0 {
            return Err(RejectReason::OutOfRange);
        }
        let counted = match scope {
            LimitScope::Instrument(instrument) => {
                if limits.triggers_max > 0 {
                    return Err(RejectReason::OutOfRange);
                }
                self.instruments[instrument.0 as usize].limits = *limits;
                limits.open_orders_max > 0 || limits.orders_per_second_max > 0 || limits.position_max.0 > 0
            }
            LimitScope::Account(account) => {
                let own = &mut self.shared.account_mut(account).limits;
                *own = (*limits != OrderLimits::default()).then(|| {
                    Box::new(super::accounts::AccountLimits { limits: *limits, ..Default::default() })
                });
                limits.position_max.0 > 0
            }
            LimitScope::Login(login) => {
                self.limit_login(login, limits)?;
                false
            }
        };
        if counted && self.shared.usage.is_none() {
            self.shared.usage = Some(Box::new(self.count_usage()));
        }
        if let (LimitScope::Instrument(instrument), Some(usage)) = (scope, &mut self.shared.usage) {
            // Rates count from here on.
            usage.reset_rates(instrument);
        }
        Ok(Event::Admin(AdminEvent::OrderLimitsSet { scope, limits: *limits }))
    }

    fn count_usage(&self) -> Usage {
        let mut usage = Usage::default();
        for (_, hot, cold) in self.shared.orders.iter() {
            let used = usage.of((cold.instrument, hot.account));
            used.open_orders += 1;
            if hot.side == Side::Buy {
                let rest = self.shared.extras.find(cold.extra).map_or(0, |extra| extra.rest);
                used.open_buys += hot.open.0 + rest;
            }
        }
        // They were found in memory order, which is not part of the state.
        usage.sort();
        usage
    }

    pub(super) fn set_fees(
        &mut self,
        fees: &SetFees,
        events: &mut impl EventSink,
    ) -> Result<Event, RejectReason> {
        let listing = *self.listed(fees.instrument)?;
        let row = usize::from(fees.tier.0);
        if row >= FeeTier::COUNT {
            return Err(RejectReason::OutOfRange);
        }
        let mut table = self.instruments[fees.instrument.0 as usize].fees;
        table[row] = Rates { maker: fees.maker, taker: fees.taker };
        products::check_rates(&listing, &table)?;
        self.check_contract_fees(fees)?;
        let mut market = self.market(fees.instrument, events);
        let before = market.instrument.highest_fee;
        market.instrument.fees = table;
        market.instrument.fees_changed();
        if market.instrument.highest_fee != before && market.instrument.product().reserves_fees() {
            market.reserve_again();
        }
        Ok(Event::Admin(AdminEvent::FeesSet(*fees)))
    }

    pub(super) fn set_terms(
        &mut self,
        terms: &SetTerms,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        let old = *self.listed(terms.instrument)?;
        let new = self.checked_terms(&ListInstrument {
            tick_units: terms.tick_units,
            lot: terms.lot,
            min_quantity: terms.min_quantity,
            max_quantity: terms.max_quantity,
            min_notional: terms.min_notional,
            ..old.terms()
        })?;
        let contract = self.contract_of_terms(&new)?;
        let mut market = self.market(terms.instrument, events);
        if new.lot != old.lot {
            market.cancel_each(CancelReason::TermsChanged, |_| true);
        }
        if new.tick_units != old.tick_units {
            market.change_tick(new);
        }
        market.instrument.listing = new;
        events.push(Event::Admin(AdminEvent::TermsSet(new)));
        if let Some(contract) = contract {
            self.instruments[terms.instrument.0 as usize].contract = Some(contract);
            self.set_first_mark(terms.instrument, events);
        }
        Ok(())
    }
}

impl<S: EventSink> Market<'_, S> {
    /// The present reserve of the order, considering that linked orders share one.
    fn holds_now(&self, handle: Handle) -> Amount {
        let order = self.shared.orders.get(handle);
        let demand = Demand::of(&order, self.extra(&order), self.open_of(&order));
        let needs = self.instrument.product().required_reserve(&demand).unwrap_or(Amount(i64::MAX));
        match self.extra(&order) {
            Some(extra) if extra.is_second => {
                let first = extra.partner.expect("a second order has a first");
                Amount((needs.0 - self.shared.orders.get(first).reserved.0).max(0))
            }
            _ => needs,
        }
    }

    /// After a change of fees, buys reserve what they need now or are cancelled, one after another. Of two linked
    /// orders the second comes after the first, because its reserve depends on the first.
    fn reserve_again(&mut self) {
        let buys = Some(Side::Buy);
        let mut next = self.instrument.first_order(self.shared, buys);
        while let Some(handle) = next {
            next = self.instrument.order_after(self.shared, buys, handle);
            let is_second = self.shared.extra_of(handle).is_some_and(|extra| extra.is_second);
            if is_second || self.shared.orders.hot(handle).side == Side::Sell {
                continue;
            }
            let second = self.shared.partner_of(handle);
            if next.is_some() && next == second {
                next = next.and_then(|at| self.instrument.order_after(self.shared, buys, at));
            }
            if self.reserve_or_cancel(handle)
                && let Some(second) = second
            {
                self.reserve_or_cancel(second);
            }
        }
    }

    /// Sets an order's reserve to what it needs now, or cancels the order if the money is missing. Returns whether it
    /// stays.
    fn reserve_or_cancel(&mut self, handle: Handle) -> bool {
        let mut order = self.shared.orders.get(handle);
        let (before, after) = (order.reserved, self.holds_now(handle));
        if after == before {
            return true;
        }
        let available = self.available_to(order.account, order.side);
        if after.0 - before.0 > available.0 {
            self.cancel_whole(handle, CancelReason::TermsChanged);
            return false;
        }
        order.reserved = after;
        self.reserve(&order, before);
        self.shared.orders.get_mut(handle).reserved = after;
        self.restated(&order, RestateReason::Reserve);
        true
    }

    /// Converts prices to the new tick. Orders off the new tick are cancelled; the others keep their priority.
    fn change_tick(&mut self, new: Listing) {
        let old = self.instrument.listing;
        self.cancel_each(CancelReason::TermsChanged, |order| {
            let off_tick = |limit| !old.price_units(limit).is_multiple_of(u64::from(new.tick_units));
            order.limit.is_some_and(off_tick)
        });
        let convert = |price: Price| Price((old.price_units(price) / u64::from(new.tick_units)) as i64);
        let down = |price: Price| convert(price).max(Price(1));
        for side in [Side::Buy, Side::Sell] {
            let standing: Vec<Handle> =
                self.instrument.book.orders(side, &self.shared.orders).map(|(handle, _)| handle).collect();
            for handle in &standing {
                let unseen = self.unseen_of(*handle);
                self.instrument.book.unlink(&mut self.shared.orders, *handle, unseen);
            }
            for handle in standing {
                let order = self.shared.orders.get_mut(handle);
                order.set_limit(order.limit().map(&convert));
                let unseen = self.unseen_of(handle);
                self.instrument.book.push_back(&mut self.shared.orders, handle, unseen);
            }
        }
        self.instrument.last = self.instrument.last.map(down);
        self.instrument.mark = self.instrument.mark.map(down);
        self.instrument.reference = self.instrument.reference.map(down);
        self.convert_triggers(convert, down);
        self.instrument.listing = new;
        let mut next = self.instrument.first_order(self.shared, None);
        while let Some(handle) = next {
            next = self.instrument.order_after(self.shared, None, handle);
            let order = self.shared.orders.get(handle);
            if order.limit.is_some() {
                self.restated(&order, RestateReason::Tick);
            }
        }
    }

    fn convert_triggers(&mut self, convert: impl Fn(Price) -> Price, down: impl Fn(Price) -> Price) {
        let Some(triggers) = self.instrument.triggers.take() else { return };
        let waiting: Vec<Waiting> = triggers.waiting(&self.shared.extras).collect();
        let mut again = Triggers::default();
        for Waiting { handle, extra, extreme, .. } in waiting {
            let order = self.shared.orders.get_mut(handle);
            order.set_limit(order.limit().map(&convert));
            let ticks = &mut self.shared.extras.at_mut(extra).watch.ticks;
            let converted = down(Price((*ticks).into()));
            *ticks = i32::try_from(converted.0).expect("a trigger is below 2^31 ticks");
            let added = again.add(&mut self.shared.extras, extra, extreme.map(&down));
            assert!(added, "they stand as they did");
        }
        self.instrument.triggers = Some(Box::new(again));
        // A rounded price may trigger an order.
        self.shared.note_moved(self.instrument.listing.instrument);
    }
}
