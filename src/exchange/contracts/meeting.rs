//! Orders of contracts that meet: what each match, dry run and auction does with two orders (docs/FUTURES.md, "Fills").

use super::super::book::{Handle, Hot};
use super::super::contract::{MeasuredSide, Pair, Undo};
use super::super::extras::REDUCES;
use super::super::market::Market;
use super::super::match_end::MatchEnd;
use super::super::positions::Position;
use super::super::queue::{Deed, Queue};
use super::super::settlement::Liquidity;
use super::super::sink::EventSink;
use super::super::state::Exchange;
use super::super::taker::{DryRun, Taker};
use super::super::task::{Round, Task};
use super::fills::{Party, Verdict};
use crate::domain::{AccountId, CancelReason, Fill, InstrumentId, OrderId, Price, Quantity, Side};

impl<S: EventSink> Market<'_, S> {
    /// Whether a resting order is outside the contract's price limits.
    pub(in crate::exchange) fn is_outside_limits(&self, handle: Handle) -> bool {
        let hot = self.shared.orders.hot(handle);
        !self.price_limits().allow(hot.side, hot.price())
    }

    /// Cancels a resting order outside the price limits.
    pub(in crate::exchange) fn pass_outside<const DRY: bool>(
        &mut self,
        taker: &mut Taker,
        dry: &mut DryRun,
        handle: Handle,
    ) {
        let flags = self.shared.orders.hot(handle).flags;
        taker.touches_left = taker.touches_left.saturating_sub(self.touches(taker, handle, flags));
        if DRY {
            self.leave_out(dry, handle);
        } else {
            self.cancel_whole(handle, CancelReason::PriceOutsideLimits);
        }
    }

    /// Charges both sides of a trade for the last funding, and measures it.
    fn verdict<const DRY: bool>(&mut self, taker: &Taker, handle: Handle, fill: &Fill) -> Verdict {
        let maker = *self.shared.orders.hot(handle);
        let rates =
            [self.rate(maker.account, Liquidity::Maker), self.rate(taker.hot.account, Liquidity::Taker)];
        let parties = [Party::of(&maker, rates[0]), Party::of(&taker.hot, rates[1])];
        self.charge_pair::<DRY>(fill, &parties);
        self.measure_pair(fill, parties)
    }

    /// Trades these lots if both sides have the margin. Returns why the incoming order ends.
    pub(in crate::exchange) fn meet<const DRY: bool>(
        &mut self,
        taker: &mut Taker,
        dry: &mut DryRun,
        handle: Handle,
        price: Price,
        quantity: Quantity,
    ) -> Option<MatchEnd> {
        let fill = self.instrument.product().fill(price, quantity);
        match self.verdict::<DRY>(taker, handle, &fill) {
            Verdict::TakerEnds(end) => return Some(end),
            Verdict::MakerGoes if DRY => self.leave_out(dry, handle),
            Verdict::MakerGoes => self.cancel_whole(handle, CancelReason::InsufficientMargin),
            Verdict::Trade(pair) => {
                let Hot { open, flags, .. } = *self.shared.orders.hot(handle);
                self.trade::<DRY>(taker, dry, handle, price, quantity, Some(&pair));
                if !DRY && quantity == open {
                    self.refresh_if_used_up(handle, flags);
                }
            }
        }
        None
    }

    /// Makes the trades of one sharing, each measured right before it. What has lost lots by an earlier trade trades what
    /// it has left. A resting order that cannot trade goes, and what is left is shared anew.
    pub(in crate::exchange) fn take_measured<const DRY: bool>(
        &mut self,
        queue: &mut Queue,
        taker: &mut Taker,
        dry: &mut DryRun,
        price: Price,
    ) -> Option<MatchEnd> {
        let ids: Vec<OrderId> =
            queue.reached.iter().map(|reached| self.shared.orders.hot(reached.handle).id).collect();
        let (mut end, mut anew) = (None, false);
        for (reached, id) in queue.reached.iter_mut().zip(ids) {
            if end.is_some() || anew {
                reached.taken = 0;
                continue;
            }
            if reached.deed != Deed::Trades {
                self.take_of::<DRY>(taker, dry, price, reached);
                continue;
            }
            let has = match self.shared.orders.hot(reached.handle) {
                hot if hot.id != id => 0,
                hot => hot.open.0 + self.rest_of(reached.handle),
            };
            let has = if DRY { has - self.gone_in_dry(reached.handle) } else { has };
            let lots = reached.taken.min(has);
            if lots < reached.taken {
                // What the plan found no further lots for may be there now.
                (anew, queue.end) = (true, None);
            }
            reached.taken = lots;
            if lots == 0 {
                continue;
            }
            let fill = self.instrument.product().fill(price, Quantity(lots));
            match self.verdict::<DRY>(taker, reached.handle, &fill) {
                Verdict::TakerEnds(why) => (end, reached.taken) = (Some(why), 0),
                Verdict::MakerGoes => {
                    (anew, reached.taken, queue.end) = (true, 0, None);
                    if DRY {
                        self.leave_out_partner(dry, reached.handle);
                    } else {
                        self.cancel_whole(reached.handle, CancelReason::InsufficientMargin);
                    }
                }
                Verdict::Trade(pair) => {
                    self.trade::<DRY>(taker, dry, reached.handle, price, Quantity(lots), Some(&pair));
                }
            }
        }
        // A minimum quantity is not looked for in another sharing.
        if DRY && anew { end.or(Some(MatchEnd::NothingCrosses)) } else { end }
    }

    /// The next buy and the next sell of an auction trade at its price, if both have the margin. The buy is measured as
    /// the incoming one. One that cannot trade goes; of two that would raise the open interest too much the newer one.
    pub(in crate::exchange) fn auction_meeting(&mut self, buy: Handle, sell: Handle, round: &mut Round) {
        let lots = |handle| self.open_of(&self.shared.orders.get(handle)).0;
        let lots = lots(buy).min(lots(sell));
        let fill = self.instrument.product().fill(round.price, Quantity(lots));
        let [seller, buyer] = [sell, buy].map(|handle| {
            let hot = *self.shared.orders.hot(handle);
            Party::of(&hot, self.rate(hot.account, Liquidity::Auction))
        });
        let id = |handle| self.shared.orders.hot(handle).id;
        let newer = if id(buy) > id(sell) { buy } else { sell };
        self.charge_pair::<false>(&fill, &[seller, buyer]);
        match self.measure_pair(&fill, [seller, buyer]) {
            Verdict::Trade(pair) => {
                self.auction_trade(buy, sell, round, Some(&pair));
                round.traded_at = Some(round.price);
            }
            Verdict::TakerEnds(MatchEnd::OpenInterest) => {
                self.cancel_whole(newer, CancelReason::OpenInterestLimit);
            }
            Verdict::TakerEnds(end) => self.cancel_whole(buy, end.cancel_reason()),
            Verdict::MakerGoes => self.cancel_whole(sell, CancelReason::InsufficientMargin),
        }
    }

    /// Cancels the best order outside the price limits, buys first; returns whether there was one.
    fn cancel_next_outside(&mut self) -> bool {
        let outside = |side| {
            let first = self.instrument.book.first(side)?;
            self.is_outside_limits(first).then_some(first)
        };
        let Some(handle) = outside(Side::Buy).or_else(|| outside(Side::Sell)) else { return false };
        self.cancel_whole(handle, CancelReason::PriceOutsideLimits);
        true
    }

    /// Books a trade of a dry run, so that the next one is measured after it.
    /// Returns how many reduce-only orders the trade would have lowered.
    pub(in crate::exchange) fn book_dry(
        &mut self,
        fill: &Fill,
        pair: &Pair,
        maker: Handle,
        dry: &DryRun,
    ) -> u32 {
        if self.shared.orders.hot(maker).flags & REDUCES != 0 {
            self.lower_dry(maker, fill.quantity.0);
        }
        let buyer = usize::from(pair[1].side == Side::Buy);
        for which in [buyer, 1 - buyer] {
            let undo = self.book_side_dry(fill, &pair[which]);
            self.shared.undo.push(undo);
        }
        let accounts = [pair[buyer].at.account, pair[1 - buyer].at.account];
        accounts.into_iter().map(|account| self.resize_dry(account, dry)).sum()
    }

    /// Undoes all that a dry run did.
    pub(in crate::exchange) fn undo_dry(&mut self) {
        self.shared.lowered.clear();
        let asset = self.instrument.listing.settled_in();
        while let Some(Undo { at, which, before, wallet, fee }) = self.shared.undo.pop() {
            let after = self
                .shared
                .positions
                .change(at, |holding| std::mem::replace(&mut holding.positions[which], before));
            let contract = self.instrument.contract.as_mut().expect("it is a contract");
            contract.count_open(after.leg.lots, before.leg.lots);
            self.shared.ledger.pay(at.account, asset, -wallet);
            self.shared.ledger.pay(AccountId::FEES, asset, -fee.0);
        }
    }

    fn book_side_dry(&mut self, fill: &Fill, side: &MeasuredSide) -> Undo {
        let at = side.at;
        let which = side.which;
        let before =
            self.shared.positions.find(at).map_or_else(Position::default, |holding| holding.positions[which]);
        let wallet = self.wallet_of(at.account);
        self.book_position(fill, side);
        let fee = side.fee;
        let asset = self.instrument.listing.settled_in();
        let change = self.wallet_of(at.account) - wallet;
        self.shared.ledger.pay(AccountId::FEES, asset, fee.0);
        Undo { at, which, before, wallet: change, fee }
    }
}

impl Exchange {
    /// Cancels the orders outside the price limits before an auction ends, while the present part may.
    pub(in crate::exchange) fn cancel_outside(
        &mut self,
        instrument: InstrumentId,
        events: &mut impl EventSink,
    ) {
        let limit = self.shared.limits.orders_touched_max;
        let mut market = self.market(instrument, events);
        while market.cancel_next_outside() {
            if market.shared.touched >= limit {
                return self.agenda.push(Task::CancelOutside(instrument));
            }
        }
    }
}
