//! The effect of trades on shown orders.

use super::super::shown::{locate, lots, nanos, side};
use super::{Cross, Feed, Published, Tracked};
use crate::domain::{Auction, Executed, OrderId, Price, Quantity, TradeId, TradeKind};
use crate::wire::itch::{OrderCancel, OrderExecuted, OrderExecutedWithPrice, OrderReplace, Trade};

impl Feed {
    /// Handles a trade between two orders; `number` is the event's number.
    pub(super) fn executed(&mut self, e: &Executed, number: u64, out: &mut Vec<Published>) {
        if e.kind != TradeKind::Continuous {
            if self.cross.as_ref().is_some_and(|cross| cross.auction.price != Some(e.price)) {
                self.cross_at_another_price(e.price, number, out);
            }
            if let Some(cross) = &mut self.cross
                && cross.auction.instrument == e.instrument
            {
                cross.shares += e.quantity.0;
            }
            self.crossed(e.maker_order, e, OrderId::of_slice(number), out);
            return self.crossed(e.taker_order, e, OrderId::of_second_slice(number), out);
        }
        match &mut self.incoming {
            Some(incoming) if incoming.id == e.taker_order => {
                incoming.order.open = incoming.order.open.saturating_sub(e.quantity.0);
                if let Some(old) = incoming.replaces.take() {
                    self.delete(e.instrument, old, out);
                }
            }
            Some(_) => self.complete(out),
            None => {}
        }
        let price = self.price_of(e.instrument, e.price);
        self.print(e, price);
        let Some(maker) = self.orders.get_mut(e.maker_order.0) else {
            return self.unseen(e, e.quantity.0, out);
        };
        let shown = e.quantity.0.min(maker.shown);
        maker.open = maker.open.saturating_sub(e.quantity.0);
        maker.shown -= shown;
        let now = *maker;
        if now.open == 0 {
            self.orders.remove(e.maker_order.0);
        }
        if shown > 0 {
            self.change(&now, now.shown + shown);
            let order = now.public;
            let (locate, tracking, timestamp) = (locate(e.instrument), 0, nanos(self.time));
            let (shares, match_number) = (lots(shown), e.trade.0);
            if price == now.price {
                self.say(OrderExecuted { locate, tracking, timestamp, order, shares, match_number }, out);
            } else {
                let printable = b'Y';
                self.say(
                    OrderExecutedWithPrice {
                        locate,
                        tracking,
                        timestamp,
                        order,
                        shares,
                        match_number,
                        printable,
                        price,
                    },
                    out,
                );
            }
        }
        if shown < e.quantity.0 {
            self.unseen(e, e.quantity.0 - shown, out);
        }
    }

    /// Emits a `P` for traded lots that the book did not show.
    fn unseen(&self, e: &Executed, shares: u64, out: &mut Vec<Published>) {
        let message = Trade {
            locate: locate(e.instrument),
            tracking: 0,
            timestamp: nanos(self.time),
            order: OrderId(0),
            side: side(e.taker_side.opposite()),
            shares: lots(shares),
            stock: self.symbol(e.instrument),
            price: self.price_of(e.instrument, e.price),
            match_number: e.trade.0,
        };
        self.say(message, out);
    }

    /// The price changed during the last round of an auction: the trades from here on form a separate cross.
    #[cold]
    fn cross_at_another_price(&mut self, price: Price, number: u64, out: &mut Vec<Published>) {
        let auction = self.cross.as_ref().map(|cross| cross.auction).unwrap_or_default();
        self.complete(out);
        let match_number = TradeId::of_cross(number).0;
        self.cross =
            Some(Cross { auction: Auction { price: Some(price), ..auction }, shares: 0, match_number });
    }

    /// Handles one side of an auction trade. `new` is the public number of the next slice, if the order shows one.
    fn crossed(&mut self, id: OrderId, e: &Executed, new: OrderId, out: &mut Vec<Published>) {
        let price = self.price_of(e.instrument, e.price);
        let Some(order) = self.orders.get_mut(id.0) else { return };
        order.open = order.open.saturating_sub(e.quantity.0);
        let shown = order.would_show();
        let before = std::mem::replace(&mut order.shown, shown);
        let now = *order;
        self.change(&now, before);
        if now.open == 0 {
            self.orders.remove(id.0);
        }
        let (locate, tracking, timestamp) = (locate(e.instrument), 0, nanos(self.time));
        if now.shown < before {
            self.say(
                OrderExecutedWithPrice {
                    locate,
                    tracking,
                    timestamp,
                    order: now.public,
                    shares: lots(before - now.shown),
                    match_number: e.trade.0,
                    printable: b'N',
                    price,
                },
                out,
            );
        } else if now.shown > before {
            self.whole_again(id, &now, new, out);
        }
    }

    /// Handles an order that lost lots in an auction without a trade. An iceberg continues to display as much as it can.
    pub(super) fn lost_in_auction(
        &mut self,
        id: OrderId,
        open: Quantity,
        number: u64,
        out: &mut Vec<Published>,
    ) {
        let Some(order) = self.orders.get_mut(id.0) else { return };
        let before = order.shown;
        order.open = open.0;
        if before > 0 {
            order.shown = order.would_show();
        }
        let now = *order;
        self.change(&now, before);
        if now.open == 0 {
            self.orders.remove(id.0);
            if before > 0 {
                self.delete(now.instrument, now.public, out);
            }
        } else if now.shown < before {
            let (locate, timestamp) = (locate(now.instrument), nanos(self.time));
            let (order, shares) = (now.public, lots(before - now.shown));
            self.say(OrderCancel { locate, tracking: 0, timestamp, order, shares }, out);
        } else if now.shown > before {
            self.whole_again(id, &now, OrderId::of_slice(number), out);
        }
    }

    /// Restores the full size of a slice that self-trade prevention had reduced. The slice keeps its queue position, which
    /// ITCH cannot express; `order` is its new number.
    fn whole_again(&mut self, id: OrderId, now: &Tracked, order: OrderId, out: &mut Vec<Published>) {
        if let Some(tracked) = self.orders.get_mut(id.0) {
            tracked.public = order;
        }
        let (locate, tracking, timestamp) = (locate(now.instrument), 0, nanos(self.time));
        let (old_order, shares, price) = (now.public, lots(now.shown), now.price);
        self.say(OrderReplace { locate, tracking, timestamp, old_order, order, shares, price }, out);
    }
}
