//! Matching: an incoming order against the other side of the book (docs/RULES.md, "Matching").
//!
//! One algorithm, [`Market::match_orders`], which can also run dry. A dry run changes only the incoming order's copy,
//! emits no events, and returns what the match would trade.

use super::book::{Handle, Hot, Order};
use super::contract::Pair;
use super::extras;
use super::market::Market;
use super::match_end::MatchEnd;
use super::products::FeeTerms;
use super::settlement::Liquidity;
use super::sink::EventSink;
use super::standing::Lots;
use super::taker::{DryRun, Taker};
use crate::domain::{
    Amount, CancelReason, Canceled, Event, OrderEvent, Price, Quantity, SelfTrade, SelfTradePrevented,
    TradeKind,
};

impl<S: EventSink> Market<'_, S> {
    /// Trades the order against the best orders of the other side while it may.
    pub(super) fn match_against_book(&mut self, taker: &mut Taker) -> MatchEnd {
        let before = taker.touches_left;
        self.shared.in_vain.refreshes = 0;
        let end = self.match_orders::<false>(taker, &mut DryRun::default());
        if self.shared.in_vain.refreshes > 1 {
            self.shared.in_vain.refreshed(taker.hot.account, self.shared.now);
        }
        self.shared.touched += before - taker.touches_left;
        if let Some(last) = taker.last {
            self.traded_at(last);
        }
        end
    }

    /// Whether a match of the order would trade at least `least` lots. The work of unsuccessful searches is limited for
    /// all orders of one command together; otherwise a single trade that releases many such orders would make each of
    /// them search the book. It is also limited for all orders of an account within one second.
    ///
    /// # Errors
    /// The reason for which the order is cancelled.
    pub(super) fn would_trade(&mut self, taker: &Taker, least: u64) -> Result<(), CancelReason> {
        if self.shared.looks_left == 0 || !self.shared.may_look(taker.hot.account) {
            return Err(CancelReason::WorkLimit);
        }
        let (mut copy, mut walked) = (*taker, 0);
        let found = match self.are_there(taker, least, &mut walked) {
            Ok(()) => self.trades_enough(&mut copy, least),
            missing => missing,
        };
        let touched = walked + taker.touches_left - copy.touches_left;
        self.shared.touched += touched;
        if found.is_err() {
            self.shared.looks_left = self.shared.looks_left.saturating_sub(touched);
            self.shared.looked_in_vain(taker.hot.account, touched);
        }
        found
    }

    fn trades_enough(&mut self, copy: &mut Taker, least: u64) -> Result<(), CancelReason> {
        let mut dry = DryRun {
            next: self.instrument.book.first(copy.hot.side.opposite()),
            number: self.shared.next_dry_run(),
            enough: least,
        };
        let end = self.match_orders::<true>(copy, &mut dry);
        self.undo_dry();
        match end {
            _ if copy.traded >= least => Ok(()),
            MatchEnd::WorkLimit => Err(CancelReason::WorkLimit),
            _ => Err(CancelReason::MinimumQuantity),
        }
    }

    /// Whether the price levels within the order's reach have that many lots. Some of these lots may not trade with it.
    fn are_there(&self, taker: &Taker, least: u64, walked: &mut u32) -> Result<(), CancelReason> {
        let may_walk = self.shared.limits.orders_touched_max;
        let mut lots = 0_u64;
        let levels = self.instrument.book.counted_levels(taker.hot.side.opposite(), &self.shared.orders);
        for (_, counted) in levels.take_while(|(price, _)| taker.reach.holds(*price)) {
            if *walked == may_walk {
                return Err(CancelReason::WorkLimit);
            }
            #[cfg(test)]
            super::steps::count();
            *walked += 1;
            lots = lots.saturating_add(counted);
            if lots >= least {
                return Ok(());
            }
        }
        Err(CancelReason::MinimumQuantity)
    }

    /// How much an order of the other side counts towards the touched orders (docs/RULES.md, "Parts").
    #[inline]
    pub(super) fn touches(&self, taker: &Taker, handle: Handle, flags: u8) -> u32 {
        let more = if flags & extras::HAS_EXTRA == 0 { 0 } else { self.touches_beside(handle) };
        1 + taker.looks * (1 + more)
    }

    #[cold]
    fn touches_beside(&self, handle: Handle) -> u32 {
        let extra = self.shared.extra_of(handle);
        extra.map_or(0, |extra| u32::from(extra.rest > 0) + u32::from(extra.partner.is_some()))
    }

    /// The price of the last trade changed.
    pub(super) fn traded_at(&mut self, last: Price) {
        self.instrument.last = Some(last);
        if self.instrument.triggers.is_some() {
            self.shared.note_moved(self.instrument.listing.instrument);
        }
    }

    /// The match itself. With `DRY`, only `taker` and `dry` change.
    fn match_orders<const DRY: bool>(&mut self, taker: &mut Taker, dry: &mut DryRun) -> MatchEnd {
        let opposite = taker.hot.side.opposite();
        let careful = taker.purse.is_limited();
        let measures = self.is_contract();
        while taker.hot.open.0 > 0 {
            #[cfg(test)]
            super::steps::count();
            if DRY && taker.traded >= dry.enough {
                break;
            }
            let next = if DRY { self.next_of(dry) } else { self.instrument.book.best(opposite) };
            let Some((price, handle)) = next else { break };
            if !taker.reach.holds(price) {
                return taker.reach.end(price);
            }
            if taker.touches_left == 0 {
                return MatchEnd::WorkLimit;
            }
            let Hot { account, mut open, flags, .. } = *self.shared.orders.hot(handle);
            if DRY && measures {
                open = self.shown_in_dry(handle, open);
            }
            if measures && self.is_outside_limits(handle) {
                self.pass_outside::<DRY>(taker, dry, handle);
                continue;
            }
            let is_own = taker.self_trade.mode != SelfTrade::Allow
                && self.shared.same_owner(taker.hot.account, account, taker.self_trade.owner);
            if is_own && taker.self_trade.mode != SelfTrade::DecrementBoth {
                match self.prevent::<DRY>(taker, dry, handle) {
                    Some(end) => return end,
                    None => continue,
                }
            }
            if flags & extras::HAS_EXTRA != 0 && open < taker.hot.open && self.has_rest::<DRY>(handle) {
                if !self.shared.may_refresh(taker.hot.account, taker.purse.budget.is_some()) {
                    return MatchEnd::WorkLimit;
                }
                match self.take_queue::<DRY>(taker, dry, price, handle) {
                    Some(end) => return end,
                    None => continue,
                }
            }
            taker.touches_left = taker.touches_left.saturating_sub(self.touches(taker, handle, flags));
            let wanted = taker.hot.open.min(open);
            if is_own {
                self.decrement::<DRY>(taker, dry, handle, wanted);
                continue;
            }
            let (mut quantity, mut end) = (wanted, MatchEnd::NothingCrosses);
            if careful {
                (quantity, end) = self.affordable(taker, price, wanted);
            }
            if measures && quantity.0 > 0 {
                if let Some(ended) = self.meet::<DRY>(taker, dry, handle, price, quantity) {
                    return ended;
                }
            } else if quantity.0 > 0 {
                self.trade::<DRY>(taker, dry, handle, price, quantity, None);
                if !DRY && quantity == open {
                    self.refresh_if_used_up(handle, flags);
                }
            }
            if quantity < wanted {
                return end;
            }
        }
        MatchEnd::NothingCrosses
    }

    /// Whether an iceberg has lots that are not displayed, as far as a dry run has left any.
    fn has_rest<const DRY: bool>(&self, handle: Handle) -> bool {
        let rest = self.rest_of(handle);
        rest > 0 && (!DRY || self.left_in_dry(handle, self.shared.orders.hot(handle).open, rest).1 > 0)
    }

    /// The next order in a dry run.
    fn next_of(&self, dry: &mut DryRun) -> Option<(Price, Handle)> {
        while let Some(handle) = dry.next {
            if !self.is_left_out(dry, handle) {
                return Some((self.shared.orders.hot(handle).price(), handle));
            }
            dry.next = self.instrument.book.after(&self.shared.orders, handle);
        }
        None
    }

    /// Whether the order would be gone at this point of the dry run.
    pub(super) fn is_left_out(&self, dry: &DryRun, handle: Handle) -> bool {
        if self.shared.orders.hot(handle).flags & extras::HAS_EXTRA == 0 {
            return false;
        }
        let extra = self.shared.extras.find(self.shared.orders.cold(handle).extra);
        extra.is_some_and(|extra| extra.left_out == dry.number) || self.is_gone_in_dry(handle)
    }

    /// The dry run has finished with an order: its linked order would be gone.
    pub(super) fn leave_out_partner(&mut self, dry: &DryRun, handle: Handle) {
        if self.shared.orders.hot(handle).flags & extras::HAS_EXTRA == 0 {
            return;
        }
        let extra = self.shared.orders.cold(handle).extra;
        let Some(partner) = self.shared.extras.find(extra).and_then(|extra| extra.partner) else { return };
        let extra = self.shared.orders.cold(partner).extra;
        let extra = self.shared.extras.find_mut(extra).expect("a linked order has an extra");
        extra.left_out = dry.number;
    }

    pub(super) fn step_over(&mut self, dry: &mut DryRun, handle: Handle) {
        self.leave_out_partner(dry, handle);
        dry.next = self.instrument.book.after(&self.shared.orders, handle);
    }

    /// A dry run passes over an order that the match cancels.
    #[cold]
    pub(super) fn leave_out(&mut self, dry: &mut DryRun, handle: Handle) {
        if self.is_contract() {
            self.drop_dry(handle);
        }
        self.step_over(dry, handle);
    }

    #[cold]
    pub(super) fn cancel_partners(&mut self, taker: &mut Taker, handle: Handle) {
        let own = self.shared.extras.find(taker.cold.extra);
        if own.is_some_and(|extra| extra.partner.is_some()) {
            let mut order = taker.order();
            self.cancel_partner(&mut order, None);
            taker.hot.reserved = order.reserved;
        }
        if self.shared.partner_of(handle).is_some() {
            let mut maker = self.shared.orders.get(handle);
            self.cancel_partner(&mut maker, Some(handle));
        }
    }

    /// The incoming order meets an order of the same owner, in a mode other than decrement. Returns whether the match
    /// ends.
    #[cold]
    fn prevent<const DRY: bool>(
        &mut self,
        taker: &mut Taker,
        dry: &mut DryRun,
        handle: Handle,
    ) -> Option<MatchEnd> {
        let Hot { open, flags, .. } = *self.shared.orders.hot(handle);
        taker.touches_left = taker.touches_left.saturating_sub(self.touches(taker, handle, flags));
        let not_made = self.not_made(taker, handle, taker.hot.open.min(open));
        let mode = taker.self_trade.mode;
        if DRY {
            self.leave_out(dry, handle);
        } else if mode != SelfTrade::CancelNewest {
            self.cancel_whole(handle, CancelReason::SelfTradePrevented(not_made));
        }
        let ends = mode != SelfTrade::CancelOldest;
        ends.then_some(MatchEnd::SelfTrade(SelfTradePrevented { incoming: true, ..not_made }))
    }

    /// The prevented trade with an order of the same owner, as reported for the resting order.
    pub(super) fn not_made(&self, taker: &Taker, handle: Handle, quantity: Quantity) -> SelfTradePrevented {
        SelfTradePrevented {
            instrument: taker.cold.instrument,
            price: self.shared.orders.hot(handle).price(),
            quantity,
            mode: taker.self_trade.mode,
            incoming: false,
        }
    }

    /// Decrements both orders by these lots without a trade: at most the open lots of the incoming order and the
    /// displayed lots of the resting one.
    #[cold]
    fn decrement<const DRY: bool>(
        &mut self,
        taker: &mut Taker,
        dry: &mut DryRun,
        handle: Handle,
        by: Quantity,
    ) {
        if DRY {
            taker.hot.open.0 -= by.0;
            return self.step_over(dry, handle);
        }
        let flags = self.shared.orders.hot(handle).flags;
        if self.decrement_both(taker, handle, by) {
            self.refresh_if_used_up(handle, flags);
        }
    }

    /// Decrements both orders and emits the events; returns whether the resting order is still open. An iceberg loses
    /// its displayed lots first and is not refreshed.
    pub(super) fn decrement_both(&mut self, taker: &mut Taker, handle: Handle, by: Quantity) -> bool {
        let not_made = self.not_made(taker, handle, by);
        let reason = CancelReason::SelfTradePrevented(not_made);
        self.cancel_partners(taker, handle);
        let maker = self.shared.orders.get(handle);
        let stays = by < self.open_of(&maker);
        if stays {
            let maker = self.shrink(handle, by, Lots::ShownFirst);
            let open = self.open_of(&maker);
            self.events.push(shrunk(&maker, by, open, reason));
        } else {
            self.cancel_whole(handle, reason);
        }
        taker.hot.open.0 -= by.0;
        taker.cold.total -= by.0 as u32;
        let before = taker.hot.reserved;
        let needs = self.reserve_left(&taker.order(), by);
        taker.hot.reserved = if taker.hot.open.0 == 0 { Amount(0) } else { needs };
        let order = taker.order();
        self.reserve(&order, before);
        let not_made = SelfTradePrevented { incoming: true, ..not_made };
        self.events.push(shrunk(&order, by, order.open, CancelReason::SelfTradePrevented(not_made)));
        stays
    }

    /// Trades these lots at this price: at most the open lots of the incoming order and the displayed lots of the
    /// resting one. Only an iceberg whose rounds were computed in advance may trade more than it displays.
    pub(super) fn trade<const DRY: bool>(
        &mut self,
        taker: &mut Taker,
        dry: &mut DryRun,
        handle: Handle,
        price: Price,
        quantity: Quantity,
        pair: Option<&Pair>,
    ) {
        let linked = (self.shared.orders.hot(handle).flags | taker.hot.flags) & extras::HAS_EXTRA != 0;
        if linked && !DRY {
            self.cancel_partners(taker, handle);
        }
        let product = self.instrument.product();
        let fill = product.fill(price, quantity);
        let rate = self.rate(taker.hot.account, Liquidity::Taker);
        let fee = FeeTerms { rate, carry: taker.hot.fee_carry };
        if taker.purse.is_limited() {
            product.pay(&mut taker.purse, &fill, fee);
        }
        if taker.purse.budget.is_some() {
            self.shared.in_vain.walked_for_a_trade(taker.hot.account);
        }
        taker.hot.open.0 -= quantity.0;
        taker.traded += quantity.0;
        taker.last = Some(price);
        if DRY {
            taker.hot.fee_carry = self.instrument.product().fee(&fill, taker.hot.side, fee).1;
            if let Some(pair) = pair {
                let lowered = self.book_dry(&fill, pair, handle, dry);
                taker.touches_left = taker.touches_left.saturating_sub(lowered);
            }
            return self.step_over(dry, handle);
        }
        self.standing().take(handle, quantity);
        let maker_rate = self.rate(self.shared.orders.hot(handle).account, Liquidity::Maker);
        let lowered =
            self.execute(&mut taker.hot, handle, &fill, [maker_rate, rate], TradeKind::Continuous, pair);
        taker.touches_left = taker.touches_left.saturating_sub(lowered);
    }

    /// Displays an iceberg's next slice if its displayed lots are used up and lots remain.
    #[inline]
    pub(super) fn refresh_if_used_up(&mut self, handle: Handle, flags: u8) {
        if flags & extras::HAS_EXTRA != 0 {
            let Hot { id, open, .. } = *self.shared.orders.hot(handle);
            if id.0 != 0 && open.0 == 0 {
                self.refresh(handle);
            }
        }
    }
}

pub(super) fn shrunk(order: &Order, by: Quantity, open: Quantity, reason: CancelReason) -> Event {
    Event::Order(OrderEvent::Canceled(Canceled {
        login: order.login,
        user_ref: order.user_ref,
        order: order.id,
        decrement: by,
        open,
        reserved: order.reserved,
        reason,
    }))
}
