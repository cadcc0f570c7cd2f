//! The exchange's book, and the least around it that makes it a venue.

use super::flow::{Kind, Message, Report, Venue, What};
use dojima::domain::{OrderId, Price, Quantity, Side};
use dojima::exchange::{Book, Handle, Order, OrderSlab};

/// One book that matches.
pub struct Dojima {
    pub book: Book,
    pub orders: OrderSlab,
}

impl Dojima {
    pub fn new(orders_max: u32) -> Self {
        Self { book: Book::default(), orders: OrderSlab::new(orders_max) }
    }

    /// How many displayed price levels there are.
    pub fn levels(&self) -> usize {
        [Side::Buy, Side::Sell].map(|side| self.book.levels(side, &self.orders).count()).iter().sum()
    }

    fn take_back(&mut self, handle: Handle, reports: &mut Vec<Report>) -> Side {
        let order = self.orders.hot(handle);
        let (side, id, price, open) = (order.side, order.id.0 as u32, order.price().0 as i32, order.open.0);
        self.book.unlink(&mut self.orders, handle, 0);
        self.orders.remove(handle);
        let what = What::Cancelled;
        reports.push(Report { what, side, order: id, other: 0, slot: 0, price, quantity: open, open: 0 });
        side
    }

    fn reduce(&mut self, handle: Handle, by: u32, reports: &mut Vec<Report>) {
        let by = u64::from(by);
        self.book.reduce(&mut self.orders, handle, Quantity(by));
        let order = self.orders.hot(handle);
        let (side, id, price, open) = (order.side, order.id.0 as u32, order.price().0 as i32, order.open.0);
        reports.push(Report {
            what: What::Cancelled,
            side,
            order: id,
            other: 0,
            slot: 0,
            price,
            quantity: by,
            open,
        });
    }

    fn enter(&mut self, message: &Message, side: Side, reports: &mut Vec<Report>) {
        let Message { price, id, .. } = *message;
        let mut open = u64::from(message.quantity);
        let report =
            Report { what: What::Accepted, side, order: id, other: 0, slot: 0, price, quantity: open, open };
        reports.push(report);
        let limit = i64::from(price);
        while let Some((best, handle)) = self.book.best(side.opposite()) {
            let crosses = if side == Side::Buy { best.0 <= limit } else { best.0 >= limit };
            if !crosses {
                break;
            }
            let maker = self.orders.hot(handle);
            let (other, quantity) = (maker.id.0 as u32, maker.open.0.min(open));
            let left = maker.open.0 - quantity;
            open -= quantity;
            if left == 0 {
                self.book.unlink(&mut self.orders, handle, 0);
                self.orders.remove(handle);
            } else {
                self.book.reduce(&mut self.orders, handle, Quantity(quantity));
            }
            let (what, price) = (What::Executed, best.0 as i32);
            let maker = Report {
                what,
                side: side.opposite(),
                order: other,
                other: id,
                slot: 0,
                price,
                quantity,
                open: left,
            };
            reports.push(maker);
            reports.push(Report { side, order: id, other, open, ..maker });
            if open == 0 {
                return;
            }
        }
        if message.kind == Kind::ImmediateOrCancel {
            return reports.push(Report { what: What::Cancelled, quantity: open, open: 0, ..report });
        }
        let (id, limit, open) = (OrderId(u64::from(id)), Some(Price(limit)), Quantity(open));
        let handle = self.orders.insert(Order { id, limit, open, total: open, side, ..Order::default() });
        self.book.push_back(&mut self.orders, handle, 0);
        reports.push(Report { what: What::Added, slot: handle.slot(), open: open.0, ..report });
    }
}

impl Venue for Dojima {
    #[inline]
    fn apply(&mut self, message: &Message, reports: &mut Vec<Report>) {
        if matches!(message.kind, Kind::New | Kind::ImmediateOrCancel) {
            return self.enter(message, message.side, reports);
        }
        let Some(handle) = self.orders.find(message.old_slot, OrderId(u64::from(message.old))) else {
            return reports.push(not_found(message));
        };
        let open = self.orders.hot(handle).open.0;
        if message.kind == Kind::Reduce && u64::from(message.quantity) < open {
            return self.reduce(handle, message.quantity, reports);
        }
        let side = self.take_back(handle, reports);
        if message.kind == Kind::Modify {
            self.enter(message, side, reports);
        }
    }
}

pub fn not_found(message: &Message) -> Report {
    Report {
        what: What::NotFound,
        side: message.side,
        order: message.old,
        other: 0,
        slot: 0,
        price: 0,
        quantity: 0,
        open: 0,
    }
}
