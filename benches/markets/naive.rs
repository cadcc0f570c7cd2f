//! The simplest book that is right: each side one array of orders, best last. What a first version of an exchange has.

use super::flow::{Kind, Message, Report, Venue, What};
use super::venue::not_found;
use dojima::domain::Side;

#[derive(Clone, Copy)]
struct Resting {
    id: u32,
    price: i32,
    open: u64,
}

/// Orders are entered by a search for their price and an insert, and found by their number from the best on.
#[derive(Default)]
pub struct Naive {
    sides: [Vec<Resting>; 2],
}

impl Naive {
    fn take_back(&mut self, message: &Message) -> Option<(Side, Resting)> {
        [Side::Buy, Side::Sell].into_iter().find_map(|side| {
            let resting = &mut self.sides[side as usize];
            let at = resting.iter().rposition(|order| order.id == message.old)?;
            Some((side, resting.remove(at)))
        })
    }

    fn enter(&mut self, message: &Message, side: Side, reports: &mut Vec<Report>) {
        let Message { price, id, .. } = *message;
        let mut open = u64::from(message.quantity);
        let what = What::Accepted;
        let report = Report { what, side, order: id, other: 0, slot: 0, price, quantity: open, open };
        reports.push(report);
        let sign = if side == Side::Buy { 1 } else { -1 };
        let others = &mut self.sides[side.opposite() as usize];
        while let Some(maker) = others.last_mut().filter(|maker| sign * maker.price <= sign * price) {
            let quantity = maker.open.min(open);
            maker.open -= quantity;
            open -= quantity;
            let (what, left) = (What::Executed, maker.open);
            let (other, price) = (maker.id, maker.price);
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
            if left == 0 {
                others.pop();
            }
            if open == 0 {
                return;
            }
        }
        if message.kind == Kind::ImmediateOrCancel {
            return reports.push(Report { what: What::Cancelled, quantity: open, open: 0, ..report });
        }
        let resting = &mut self.sides[side as usize];
        let at = resting.partition_point(|order| sign * order.price < sign * price);
        resting.insert(at, Resting { id, price, open });
        reports.push(Report { what: What::Added, open, ..report });
    }
}

impl Venue for Naive {
    fn apply(&mut self, message: &Message, reports: &mut Vec<Report>) {
        let mut side = message.side;
        if !matches!(message.kind, Kind::New | Kind::ImmediateOrCancel) {
            let Some((found, order)) = self.take_back(message) else {
                return reports.push(not_found(message));
            };
            side = found;
            let Resting { id, price, open } = order;
            let what = What::Cancelled;
            reports.push(Report { what, side, order: id, other: 0, slot: 0, price, quantity: open, open: 0 });
        }
        if message.kind != Kind::Cancel {
            self.enter(message, side, reports);
        }
    }
}
