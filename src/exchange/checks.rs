//! The checks of an order, in the order of [`RejectReason::CHECKED`] (docs/RULES.md, "Checks").

use super::book::Handle;
use super::extras::Watch;
use super::instrument::Instrument;
use super::market::Market;
use super::positions::WithOrder;
use super::products::{Counted, Demand};
use super::sink::EventSink;
use super::triggers::{self, TRIGGERS_MAX};
use crate::domain::{
    AccountId, Amount, Effect, Instructions, LoginId, OrderLimits, OrderPrice, OrderState, Phase, PostOnly,
    Price, Protection, Quantity, QuantityUnit, RejectReason, Side, Switch, TimeInForce, Timestamp, Trigger,
    TriggerKind, TriggerReference, UserRef, Visibility,
};

/// An order as the checks see it.
#[derive(Clone, Copy)]
pub(super) struct Request<'c> {
    pub(super) login: LoginId,
    pub(super) account: AccountId,
    pub(super) side: Side,
    pub(super) time_in_force: TimeInForce,
    pub(super) price: OrderPrice,
    /// Lots of the whole chain, or an amount of money.
    pub(super) total: Quantity,
    pub(super) instructions: Option<&'c Instructions>,
    /// For a replace: the replaced order.
    pub(super) replaced: Option<Replaced>,
    /// The limits of its login, if any.
    pub(super) limits: Option<&'c OrderLimits>,
}

/// What a change of an order is checked against, besides its instrument and account.
#[derive(Clone, Copy)]
pub(super) struct Standing<'l> {
    pub(super) venue_killed: Switch,
    /// The limits of its login, if any.
    pub(super) limits: Option<&'l OrderLimits>,
}

/// What a replaced order releases and passes on.
#[derive(Clone, Copy)]
pub(super) struct Replaced {
    pub(super) executed: u64,
    pub(super) open: Quantity,
    pub(super) reserved: Amount,
    pub(super) fee_carry: u32,
    pub(super) is_linked: bool,
    pub(super) is_dormant: bool,
    /// Whether it may only reduce a position of a contract.
    pub(super) reduces: bool,
}

/// The results of the checks.
#[derive(Clone, Copy, Default)]
pub(super) struct Checked {
    /// Ticks; `None` for market.
    pub(super) limit: Option<Price>,
    pub(super) total: Quantity,
    pub(super) open: Quantity,
    /// The amount to reserve.
    pub(super) reserve: Amount,
    /// Its trigger.
    pub(super) watch: Option<Watch>,
    /// For a waiting market buy: the price by which its reserve is computed, price units.
    pub(super) reserve_units: u64,
    /// Its expire time, seconds since the Unix epoch; 0: none.
    pub(super) expire_s: u32,
    /// The order to link it to.
    pub(super) partner: Option<Handle>,
    /// What it would do to the positions of its account; only for contracts.
    pub(super) exposure: Option<WithOrder>,
}

impl Checked {
    /// Whether the order is live or waits.
    pub(super) fn state(&self) -> OrderState {
        if self.watch.is_some() { OrderState::Dormant } else { OrderState::Live }
    }
}

impl Request<'_> {
    fn is_market(&self) -> bool {
        self.price == OrderPrice::Market
    }

    /// How a waiting market buy is valued: its amount, or its lots at this price.
    #[cold]
    fn counted_at(&self, units: u64) -> Counted {
        match self.instructions {
            Some(Instructions { unit: QuantityUnit::QuoteAmount, .. }) => {
                Counted::Amount(self.total.0 as i64)
            }
            _ => Counted::At(units),
        }
    }

    /// What it may do to its account's position.
    pub(super) fn effect(&self) -> Effect {
        self.instructions.map_or(Effect::Any, |asked| asked.effect)
    }

    /// Whether it may only reduce a position.
    pub(super) fn reduces(&self) -> bool {
        self.effect().reduces()
    }

    fn has_trigger(&self) -> bool {
        self.instructions.is_some_and(|asked| asked.trigger.is_some())
    }

    /// Whether it may rest or wait.
    pub(super) fn may_stay(&self) -> bool {
        (!self.is_market() && self.time_in_force != TimeInForce::ImmediateOrCancel) || self.has_trigger()
    }
}

/// The checks of the phase.
fn check_phase(phase: Phase, request: &Request<'_>) -> Result<(), RejectReason> {
    match phase {
        Phase::Continuous => Ok(()),
        Phase::Closed => Err(RejectReason::InstrumentClosed),
        Phase::Halted => Err(RejectReason::InstrumentHalted),
        Phase::CancelOnly => Err(RejectReason::CancelOnly),
        Phase::Delisted => Err(RejectReason::InstrumentDelisted),
        Phase::PreOpen | Phase::OpeningAuction | Phase::VolatilityAuction | Phase::ClosingAuction => {
            let asks_more = request
                .instructions
                .is_some_and(|asked| asked.post_only != PostOnly::No || asked.min_quantity > 0);
            let gathers = request.has_trigger() || (request.may_stay() && !asks_more);
            if gathers { Ok(()) } else { Err(RejectReason::NotInAuction) }
        }
    }
}

/// Checks whether instructions exclude one another.
fn check_instructions(request: &Request<'_>, asked: &Instructions) -> Result<(), RejectReason> {
    let market = request.is_market();
    let immediate = request.time_in_force == TimeInForce::ImmediateOrCancel;
    let hidden = asked.visibility == Visibility::Hidden;
    let (shows, least) = (asked.display_quantity > 0, asked.min_quantity > 0);
    let trigger = asked.trigger.is_some();
    let posts = asked.post_only != PostOnly::No;
    let by_amount = asked.unit == QuantityUnit::QuoteAmount;
    let linked = asked.oco != UserRef(0);
    let excluded = (hidden && shows)
        || (posts && (market || immediate || least || trigger))
        || (by_amount && (!market || least || shows || request.replaced.is_some()))
        || ((shows || hidden) && (market || immediate))
        || (linked && (((market || immediate) && !trigger) || request.replaced.is_some()));
    if excluded { Err(RejectReason::InvalidInstructions) } else { Ok(()) }
}

/// Whether the order searches the book before it is matched in the same command, for a minimum quantity or an amount.
fn looks_first(asked: &Instructions) -> bool {
    asked.trigger.is_none() && (asked.min_quantity > 0 || asked.unit == QuantityUnit::QuoteAmount)
}

/// Converts a trigger to ticks.
fn check_trigger(instrument: &Instrument, side: Side, trigger: &Trigger) -> Result<Watch, RejectReason> {
    let price = instrument.listing.price_from_units(i64::from(trigger.price));
    let price = price.map_err(|_| RejectReason::InvalidTrigger)?;
    if trigger.reference == TriggerReference::IndexPrice && instrument.contract.is_none() {
        return Err(RejectReason::InvalidTrigger);
    }
    let trails = trigger.kind == TriggerKind::TrailingStop;
    let ticks = i32::try_from(price.0).map_err(|_| RejectReason::InvalidTrigger)?;
    let on_rise = triggers::on_rise(trigger.kind, side);
    Ok(Watch { reference: trigger.reference, on_rise, trails, ticks })
}

/// The expire time of a good-till-time order.
fn check_expiry(time_in_force: TimeInForce, expire_s: u32, now: Timestamp) -> Result<u32, RejectReason> {
    const DAY_S: u64 = 86_400;
    if time_in_force != TimeInForce::GoodTillTime {
        return Ok(0);
    }
    let at = match u64::from(expire_s) {
        of_day if of_day < DAY_S => now.seconds() / DAY_S * DAY_S + of_day,
        at => at,
    };
    let at = u32::try_from(at).map_err(|_| RejectReason::InvalidExpireTime)?;
    if expire_s == 0 || u64::from(at) * Timestamp::SECOND <= now.0 {
        return Err(RejectReason::InvalidExpireTime);
    }
    Ok(at)
}

/// Whether `value` exceeds `limit`; a limit of 0 means unlimited.
fn exceeds<T: PartialOrd + Default>(value: T, limit: T) -> bool {
    limit > T::default() && value > limit
}

impl<S: EventSink> Market<'_, S> {
    pub(super) fn account_limits(&self, account: AccountId) -> Option<&OrderLimits> {
        self.shared.account(account).limits.as_ref().map(|own| &own.limits)
    }

    /// The checks that depend neither on the order's details nor on the account's money. Counts the order for the
    /// rates.
    pub(super) fn check_admission(
        &mut self,
        request: &Request<'_>,
        venue_killed: Switch,
    ) -> Result<(), RejectReason> {
        match self.instrument.listing.phase {
            Phase::Delisted => return Err(RejectReason::InstrumentDelisted),
            Phase::Closed if self.instrument.has_expired() => return Err(RejectReason::ContractExpired),
            _ => {}
        }
        if let Some(asked) = request.instructions
            && asked.book_by != Timestamp(0)
            && self.shared.now > asked.book_by
        {
            return Err(RejectReason::TooLate);
        }
        if venue_killed == Switch::On {
            return Err(RejectReason::VenueKilled);
        }
        if self.shared.account(request.account).killed == Switch::On {
            return Err(RejectReason::AccountKilled);
        }
        check_phase(self.instrument.listing.phase, request)?;
        let account_max = self.account_limits(request.account).map_or(0, |own| own.orders_per_second_max);
        if account_max > 0 || self.shared.usage.is_some() {
            self.check_rates(request.account, account_max)?;
        }
        if request.replaced.is_some_and(|replaced| replaced.is_linked) {
            return Err(RejectReason::OrderIsLinked);
        }
        Ok(())
    }

    #[cold]
    fn check_rates(&mut self, account: AccountId, account_max: u32) -> Result<(), RejectReason> {
        let now = self.shared.now;
        let id = self.instrument.listing.instrument;
        let own = self.shared.account(account).limits.as_ref();
        let instrument_max = self.instrument.limits.orders_per_second_max;
        let full = own.is_some_and(|own| own.rate.is_full(now, account_max))
            || self.shared.used(id, account).rate.is_full(now, instrument_max);
        if full {
            return Err(RejectReason::OrderRateExceeded);
        }
        if let Some(own) = &mut self.shared.account_mut(account).limits
            && account_max > 0
        {
            own.rate.count(now);
        }
        if let Some(usage) = &mut self.shared.usage
            && instrument_max > 0
        {
            usage.of((id, account)).rate.count(now);
        }
        Ok(())
    }

    /// Checks terms, limits and funds; reserves nothing.
    pub(super) fn check(&mut self, request: &Request<'_>) -> Result<Checked, RejectReason> {
        let listing = &self.instrument.listing;
        let mut checked = Checked { total: request.total, ..Checked::default() };
        if let Some(asked) = request.instructions {
            if looks_first(asked) && !self.shared.may_look(request.account) {
                return Err(RejectReason::OrderRateExceeded);
            }
            check_instructions(request, asked)?;
            if self.is_contract() {
                self.check_contract_terms(request)?;
            } else if matches!(asked.effect, Effect::Open | Effect::ClosePosition) {
                return Err(RejectReason::InvalidInstructions);
            }
            if let Some(trigger) = &asked.trigger {
                let watch = check_trigger(self.instrument, request.side, trigger)?;
                if request.is_market() && request.side == Side::Buy {
                    checked.reserve_units = listing.price_units(self.price_when_triggered(&watch));
                }
                checked.watch = Some(watch);
            }
        }
        if request.time_in_force == TimeInForce::GoodTillTime {
            let expire_s = request.instructions.map_or(0, |asked| asked.expire_s);
            checked.expire_s = check_expiry(request.time_in_force, expire_s, self.shared.now)?;
        }
        if let OrderPrice::Limit(units) = request.price {
            checked.limit = Some(listing.price_from_units(units)?);
            let protection = &self.instrument.protection;
            if (protection.price_min > 0 && units < i64::from(protection.price_min))
                || (protection.price_max > 0 && units > i64::from(protection.price_max))
            {
                return Err(RejectReason::PriceOutOfLimits);
            }
        }
        if let Some(limit) = checked.limit {
            self.check_range(limit)?;
        }
        self.check_quantity(request, &mut checked)?;
        if let Some(price) = checked.limit {
            self.check_notional(request, price, checked.total)?;
        }
        self.check_position(request, &mut checked)?;
        if let Some(asked) = request.instructions {
            if asked.oco != UserRef(0) {
                checked.partner = Some(self.check_link(request, asked.oco)?);
            }
            if let Some(price) = checked.limit.filter(|_| asked.post_only != PostOnly::No) {
                checked.limit = Some(self.check_post_only(request.side, price, asked.post_only)?);
            }
        }
        if self.is_contract() {
            self.check_margin(request, &mut checked)?;
        } else {
            self.check_funds(request, &mut checked)?;
        }
        self.check_capacity(request, &checked)?;
        Ok(checked)
    }

    /// Checks whether the exchange, the instrument and the account have room for the order.
    fn check_capacity(&self, request: &Request<'_>, checked: &Checked) -> Result<(), RejectReason> {
        if request.may_stay() && request.replaced.is_none() && self.shared.orders.is_full() {
            return Err(RejectReason::TooManyOrders);
        }
        if self.is_contract() && request.may_stay() && checked.watch.is_none() && request.reduces() {
            let replaces = request.replaced.is_some_and(|replaced| replaced.reduces && !replaced.is_dormant);
            self.check_reducing(request.account, request.side, replaces)?;
        }
        if checked.watch.is_some() {
            // An order that replaces a waiting one counts once.
            let replaced = u32::from(request.replaced.is_some_and(|replaced| replaced.is_dormant));
            let account = self.shared.account(request.account);
            let share = account.share(|own| own.triggers_max, self.shared.limits.account_triggers_max);
            let in_instrument = self.instrument.dormant() - replaced as usize;
            if account.waiting_orders - replaced >= share || in_instrument >= TRIGGERS_MAX {
                return Err(RejectReason::TooManyTriggers);
            }
        }
        Ok(())
    }

    fn check_quantity(&mut self, request: &Request<'_>, checked: &mut Checked) -> Result<(), RejectReason> {
        if let Some(asked) = request.instructions
            && asked.unit == QuantityUnit::QuoteAmount
        {
            let amount = i64::try_from(request.total.0).unwrap_or(0);
            if amount == 0 {
                return Err(RejectReason::InvalidQuantity);
            }
            let lots = match asked.trigger {
                Some(_) => Quantity(1),
                None => self.lots_for(request.side, amount, (request.account, 0), Amount(0))?,
            };
            (checked.total, checked.open) = (lots, lots);
            return Ok(());
        }
        let listing = &self.instrument.listing;
        let executed = request.replaced.map_or(0, |replaced| replaced.executed);
        if request.effect() == Effect::ClosePosition {
            if request.total.0 != 0 {
                return Err(RejectReason::InvalidQuantity);
            }
            let waits = request.has_trigger();
            checked.open =
                if waits { Quantity(1) } else { self.lots_to_close(request.account, request.side) };
            checked.total = Quantity(executed + checked.open.0);
            return Ok(());
        }
        checked.open = Quantity(request.total.0.saturating_sub(executed));
        if request.total.0 == 0 || checked.open.0 == 0 {
            return Err(RejectReason::InvalidQuantity);
        }
        // What only reduces a position may be as small as the position.
        let reduces = self.is_contract() && request.reduces();
        if request.total < listing.min_quantity && !reduces {
            return Err(RejectReason::QuantityBelowMinimum);
        }
        if request.total > listing.max_quantity
            || exceeds(request.total, self.instrument.limits.quantity_max)
            || self
                .account_limits(request.account)
                .is_some_and(|own| exceeds(request.total, own.quantity_max))
            || request.limits.is_some_and(|own| exceeds(request.total, own.quantity_max))
        {
            return Err(RejectReason::QuantityAboveMaximum);
        }
        if let Some(asked) = request.instructions {
            if u64::from(asked.min_quantity) > request.total.0 {
                return Err(RejectReason::InvalidMinQuantity);
            }
            let shown = u64::from(asked.display_quantity);
            if shown > 0 && (shown > request.total.0 || shown < listing.min_quantity.0) {
                return Err(RejectReason::InvalidDisplayQuantity);
            }
        }
        Ok(())
    }

    fn check_notional(
        &self,
        request: &Request<'_>,
        price: Price,
        total: Quantity,
    ) -> Result<(), RejectReason> {
        let product = self.instrument.product();
        let whole = product.value(price, total).ok_or(RejectReason::NotionalTooLarge)?;
        let reduces = self.is_contract() && request.reduces();
        if whole < product.value_min() && !reduces {
            return Err(RejectReason::NotionalBelowMinimum);
        }
        if exceeds(whole, self.instrument.limits.notional_max)
            || self.account_limits(request.account).is_some_and(|own| exceeds(whole, own.notional_max))
            || request.limits.is_some_and(|own| exceeds(whole, own.notional_max))
        {
            return Err(RejectReason::NotionalAboveMaximum);
        }
        Ok(())
    }

    fn check_position(&mut self, request: &Request<'_>, checked: &mut Checked) -> Result<(), RejectReason> {
        if let Some(asked) = request.instructions
            && asked.effect.reduces()
            && !self.instrument.product().may_reduce(request.side)
        {
            return Err(RejectReason::NotReducing);
        }
        if self.is_contract() {
            self.check_effect(request)?;
            self.check_reduces(request, checked)?;
        }
        let replaced = u32::from(request.replaced.is_some());
        if request.may_stay() {
            let account = self.shared.account(request.account);
            let share = account.share(|own| own.open_orders_max, self.shared.limits.account_orders_max);
            if account.open_orders - replaced >= share {
                return Err(RejectReason::OpenOrdersAboveLimit);
            }
        }
        if self.is_contract() {
            self.check_exposure(request, checked)?;
        }
        let own = self.account_limits(request.account);
        if own.is_none() && self.shared.usage.is_none() && request.limits.is_none() {
            return Ok(());
        }
        let (own, limits) = (own.copied().unwrap_or_default(), &self.instrument.limits);
        let used = self.shared.used(self.instrument.listing.instrument, request.account);
        if request.side == Side::Buy && !self.is_contract() {
            let balance = |asset| self.shared.ledger.balance(request.account, asset);
            let held = self.instrument.product().position(balance);
            let replaced = request.replaced.map_or(0, |replaced| replaced.open.0);
            let position = held + (used.open_buys - replaced.min(used.open_buys));
            let position = position.saturating_add(checked.open.0);
            if exceeds(position, limits.position_max.0) || exceeds(position, own.position_max.0) {
                return Err(RejectReason::PositionAboveLimit);
            }
        }
        if request.may_stay() {
            let in_instrument = used.open_orders + 1 - replaced.min(used.open_orders);
            let of_login = self.shared.chains.of(request.login).len() + 1 - replaced;
            let login_max = request.limits.map_or(0, |own| own.open_orders_max);
            if exceeds(in_instrument, limits.open_orders_max) || exceeds(of_login, login_max) {
                return Err(RejectReason::OpenOrdersAboveLimit);
            }
        }
        Ok(())
    }

    /// The order to link this one to.
    pub(super) fn check_link(&self, request: &Request<'_>, oco: UserRef) -> Result<Handle, RejectReason> {
        let handle = self.shared.named(request.login, oco).ok_or(RejectReason::LinkNotPossible)?;
        let other = self.shared.orders.get(handle);
        let is_linked = self.extra(&other).is_some_and(|extra| extra.partner.is_some());
        let alike = other.instrument == self.instrument.listing.instrument && other.side == request.side;
        let fits = !self.is_contract() || self.may_link(request, handle);
        if alike && !is_linked && fits { Ok(handle) } else { Err(RejectReason::LinkNotPossible) }
    }

    /// The price at which a post-only order may rest. Hidden orders are ignored: a price or a refusal that depended on
    /// them would reveal them.
    fn check_post_only(&self, side: Side, price: Price, post_only: PostOnly) -> Result<Price, RejectReason> {
        let Some(best) = self.instrument.book.best_shown(side.opposite()) else { return Ok(price) };
        let (crosses, slid) = match side {
            Side::Buy => (price >= best, Price(best.0 - 1)),
            Side::Sell => (price <= best, Price(best.0 + 1)),
        };
        if !crosses {
            return Ok(price);
        }
        let units = self.instrument.listing.price_units(slid);
        let Protection { price_min, price_max, .. } = self.instrument.protection;
        let in_range = self.instrument.listing.price_from_units(units as i64) == Ok(slid)
            && units >= u64::from(price_min)
            && (price_max == 0 || units <= u64::from(price_max));
        if post_only == PostOnly::Slide && in_range {
            Ok(slid)
        } else {
            Err(RejectReason::PostOnlyWouldTrade)
        }
    }

    /// The price by which a waiting market buy is valued: its trigger price. For a trailing stop: its present stop
    /// price, which only improves, or its distance while it has none.
    fn price_when_triggered(&self, watch: &Watch) -> Price {
        let ticks = i64::from(watch.ticks);
        let present = self.instrument.watched(watch.reference).filter(|_| watch.trails && watch.on_rise);
        Price(present.map_or(ticks, |present| present.0 + ticks))
    }

    /// Whether the account can reserve the amount.
    fn check_funds(&self, request: &Request<'_>, checked: &mut Checked) -> Result<(), RejectReason> {
        let (released, carry) =
            request.replaced.map_or((Amount(0), 0), |replaced| (replaced.reserved, replaced.fee_carry));
        let counted = match checked.reserve_units {
            0 => None,
            units => Some(request.counted_at(units)),
        };
        let (side, limit, open) = (request.side, checked.limit, checked.open);
        let demand = Demand { side, limit, open, fee_carry: carry, counted };
        let whole = self.instrument.product().required_reserve(&demand);
        let whole = whole.ok_or(RejectReason::NotionalTooLarge)?;
        let partner = checked.partner.map_or(0, |partner| self.shared.orders.get(partner).reserved.0);
        checked.reserve = Amount((whole.0 - partner).max(0));
        let available = self.available_to(request.account, side).0 + released.0;
        if available < checked.reserve.0 {
            return Err(RejectReason::InsufficientFunds);
        }
        if checked.limit.is_none() && request.side == Side::Buy && checked.watch.is_none() {
            return self.reaches_for_one_lot((request.account, carry), released);
        }
        Ok(())
    }
}

/// Whether a replace that is refused for this reason leaves the original order unchanged.
pub(super) fn keeps_original(reason: RejectReason) -> bool {
    matches!(
        reason,
        RejectReason::MessageRateExceeded
            | RejectReason::TooLate
            | RejectReason::InstrumentDelisted
            | RejectReason::ContractExpired
            | RejectReason::VenueKilled
            | RejectReason::AccountKilled
            | RejectReason::InstrumentClosed
            | RejectReason::InstrumentHalted
            | RejectReason::CancelOnly
            | RejectReason::NotInAuction
            | RejectReason::OrderRateExceeded
            | RejectReason::OrderIsLinked
            | RejectReason::TooManyTriggers
            | RejectReason::JournalSpaceLow
            | RejectReason::ShardBusy
    )
}
