//! What orders of contracts are held against and what they hold (docs/FUTURES.md, "Orders and their margin").

use super::super::book::{Handle, Order};
use super::super::checks::{Checked, Request};
use super::super::extras::REDUCES;
use super::super::market::Market;
use super::super::positions::WithOrder;
use super::super::sink::EventSink;

use crate::domain::{
    AccountId, Amount, Effect, MarginMode, OrderPrice, Price, Quantity, QuantityUnit, RejectReason, Side,
    UserRef,
};

impl<S: EventSink> Market<'_, S> {
    /// Checks instructions that contracts do not have, or not together.
    pub(in crate::exchange) fn check_contract_terms(
        &self,
        request: &Request<'_>,
    ) -> Result<(), RejectReason> {
        let by_amount = request.instructions.is_some_and(|asked| asked.unit == QuantityUnit::QuoteAmount);
        if by_amount && (self.instrument.listing.product.is_inverse() || request.reduces()) {
            return Err(RejectReason::InvalidInstructions);
        }
        if request.effect() == Effect::ClosePosition
            && let Some(asked) = request.instructions
        {
            let limited = request.price != OrderPrice::Market && asked.trigger.is_none();
            if limited || asked.min_quantity > 0 || asked.display_quantity > 0 {
                return Err(RejectReason::InvalidInstructions);
            }
        }
        Ok(())
    }

    /// Checks that an order says which position it is for if there may be two, and not otherwise.
    pub(in crate::exchange) fn check_effect(&self, request: &Request<'_>) -> Result<(), RejectReason> {
        let fits = match request.effect() {
            Effect::Any => !self.shared.positions.hedges(request.account),
            Effect::Open => self.shared.positions.hedges(request.account),
            Effect::ReduceOnly | Effect::ClosePosition => true,
        };
        if fits { Ok(()) } else { Err(RejectReason::WrongPositionSide) }
    }

    /// Checks a limit against the contract's price range.
    pub(in crate::exchange) fn check_range(&self, limit: Price) -> Result<(), RejectReason> {
        let Some(contract) = &self.instrument.contract else { return Ok(()) };
        let range = contract.range(&self.instrument.listing);
        let is_inside = range.is_some_and(|range| range.contains(limit));
        if is_inside { Ok(()) } else { Err(RejectReason::PriceOutOfLimits) }
    }

    /// Lowers a reduce-only order to what there is to reduce, unless it waits for its trigger.
    pub(in crate::exchange) fn check_reduces(
        &self,
        request: &Request<'_>,
        checked: &mut Checked,
    ) -> Result<(), RejectReason> {
        if !request.reduces() || checked.watch.is_some() {
            return Ok(());
        }
        let closable = self.closable(request.account, request.side);
        if closable == 0 {
            return Err(RejectReason::NotReducing);
        }
        let gone = checked.open.0.saturating_sub(closable);
        checked.open.0 -= gone;
        checked.total.0 -= gone;
        Ok(())
    }

    /// Lots that an order of this side can close.
    pub(in crate::exchange) fn closable(&self, account: AccountId, side: Side) -> u64 {
        self.shared.positions.closable(self.at(account), side)
    }

    /// Lots of an order of this side that closes a position.
    pub(in crate::exchange) fn lots_to_close(&self, account: AccountId, side: Side) -> Quantity {
        Quantity(self.closable(account, side)).min(self.instrument.listing.max_quantity)
    }

    /// Whether two orders of a contract may be linked: both or none are reduce-only, and of two reduce-only ones at most
    /// one does not wait for a trigger.
    pub(in crate::exchange) fn may_link(&self, request: &Request<'_>, other: Handle) -> bool {
        let other_reduces = self.shared.orders.hot(other).flags & REDUCES != 0;
        let waits = request.instructions.is_some_and(|asked| asked.trigger.is_some());
        request.reduces() == other_reduces && (!other_reduces || waits || self.shared.is_dormant(other))
    }

    /// What the order would do to its account; `None` if it only reduces.
    fn exposure(&mut self, request: &Request<'_>, open: Quantity) -> Option<WithOrder> {
        if request.reduces() {
            return None;
        }
        let replaced = request.replaced.filter(|replaced| !replaced.reduces);
        let replaced = replaced.map_or(0, |replaced| replaced.open.0);
        let oco = request.instructions.map_or(UserRef(0), |asked| asked.oco);
        let of_first = match oco {
            UserRef(0) => 0,
            oco => self.check_link(request, oco).map_or(0, |first| {
                let first = self.shared.orders.get(first);
                self.open_of(&first).0
            }),
        };
        let lots = open.0.saturating_sub(of_first);
        let at = self.at(request.account);
        Some(self.shared.positions.with_order(at, request.side, lots, replaced))
    }

    /// Checks limits on positions: of the account, the instrument, the contract and its tiers.
    pub(in crate::exchange) fn check_exposure(
        &mut self,
        request: &Request<'_>,
        checked: &mut Checked,
    ) -> Result<(), RejectReason> {
        checked.exposure = self.exposure(request, checked.open);
        let Some(with) = checked.exposure.filter(|with| with.increases) else { return Ok(()) };
        if with.is_new && self.shared.positions.is_full(request.account) {
            return Err(RejectReason::TooManyPositions);
        }
        if with.above_tier {
            return Err(RejectReason::LeverageAboveTier);
        }
        let own = self.account_limits(request.account).map_or(0, |own| own.position_max.0);
        let risk = self.contract().risk.as_ref();
        let limits = [self.instrument.limits.position_max.0, own];
        let is_above = |limit: u64| limit > 0 && with.lots_at_risk > limit;
        let of_contract = risk.map_or(0, |risk| u64::from(risk.position_limit));
        if limits.into_iter().any(is_above) || with.lots_at_risk > of_contract {
            return Err(RejectReason::PositionAboveLimit);
        }
        let open_limit = risk.map_or(0, |risk| u64::from(risk.open_interest_limit));
        if self.contract().open_interest >= open_limit {
            return Err(RejectReason::OpenInterestLimit);
        }
        Ok(())
    }

    /// Checks the price limits and the margin of an order, and determines what it holds.
    pub(in crate::exchange) fn check_margin(
        &mut self,
        request: &Request<'_>,
        checked: &mut Checked,
    ) -> Result<(), RejectReason> {
        let is_dormant = checked.watch.is_some();
        if let Some(limit) = checked.limit.filter(|_| !is_dormant)
            && !self.price_limits().allow(request.side, limit)
        {
            return Err(RejectReason::PriceOutsideLimits);
        }
        let Some(with) = checked.exposure.filter(|with| with.increases) else { return Ok(()) };
        self.check_fresh(request.account, with.mode)?;
        let demand = self.demand(request.account, request.side, checked.open, checked.limit, is_dormant);
        let whole = demand.held(&self.contract().value).ok_or(RejectReason::InsufficientMargin)?;
        let of_first = checked.partner.map_or(0, |first| self.shared.orders.get(first).reserved.0);
        checked.reserve = Amount((whole.0 - of_first).max(0));
        let released = request.replaced.map_or(0, |replaced| replaced.reserved.0);
        let available = self.available(request.account, &with) + i128::from(released);
        if available - i128::from(with.required) - i128::from(checked.reserve.0) < 0 {
            return Err(RejectReason::InsufficientMargin);
        }
        Ok(())
    }

    /// What is available to an account for orders, minor units. To pots profits that are not realised are not.
    fn available(&mut self, account: AccountId, with: &WithOrder) -> i128 {
        let free = self.shared.ledger.balance(account, self.instrument.listing.settled_in()).available;
        self.shared.positions.available(with, free)
    }

    /// Checks that the index is fresh; for an isolated position also those of the account's cross positions, whose
    /// losses nobody knows else.
    fn check_fresh(&self, account: AccountId, mode: MarginMode) -> Result<(), RejectReason> {
        let (positions, now) = (&self.shared.positions, self.shared.now);
        let asset = self.instrument.listing.settled_in();
        let is_isolated = mode == MarginMode::Isolated;
        if self.contract().is_stale(now) || (is_isolated && positions.has_stale(account, asset, now)) {
            return Err(RejectReason::IndexStale);
        }
        Ok(())
    }

    /// Checks a triggered order once more: its price limits and its margin. Returns what it holds from now on.
    ///
    /// # Errors
    /// Why it is cancelled instead.
    pub(in crate::exchange) fn measure_triggered(&mut self, order: &Order) -> Result<Amount, RejectReason> {
        let reduces = order.flags & REDUCES != 0;
        let open = self.open_of(order);
        let at = self.at(order.account);
        let with = (!reduces).then(|| self.shared.positions.with_order(at, order.side, open.0, 0));
        let with = with.filter(|with| with.increases);
        let risk = self.contract().risk.as_ref();
        let open_limit = risk.map_or(0, |risk| u64::from(risk.open_interest_limit));
        if with.is_some() && self.contract().open_interest >= open_limit {
            return Err(RejectReason::OpenInterestLimit);
        }
        if order.limit.is_some_and(|limit| !self.price_limits().allow(order.side, limit)) {
            return Err(RejectReason::PriceOutsideLimits);
        }
        let Some(with) = with else { return Ok(Amount(0)) };
        self.check_fresh(order.account, with.mode)?;
        let demand = self.demand(order.account, order.side, open, order.limit, false);
        let held = demand.held(&self.contract().value).ok_or(RejectReason::InsufficientMargin)?;
        let available = self.available(order.account, &with) + i128::from(order.reserved.0);
        if available - i128::from(with.required) - i128::from(held.0) < 0 {
            return Err(RejectReason::InsufficientMargin);
        }
        Ok(held)
    }
}
