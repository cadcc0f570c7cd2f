//! Exposure of orders, what they hold, and what parts of them hold.

use super::arbitrary::{amount, any_sign, listed, of_bits, price, rate, side, some_lots};
use super::{config, of_engine};
use crate::support::naive::contracts::exact::{fraction, up, whole};
use crate::support::naive::contracts::orders::{self, Entered};
use dojima::domain::contracts::{Exposure, OrderDemand};
use dojima::domain::{Amount, Ppm, Price, Side};
use proptest::prelude::*;

fn entered() -> impl Strategy<Value = Entered> {
    let prices = prop_oneof![
        3 => (price(), price()),
        1 => price().prop_map(|price| (price, price)),
        2 => (1..1_000_i64, 1..1_000_i64),
    ];
    (side(), super::arbitrary::lots(), prices, rate(1_000_000))
        .prop_map(|(side, lots, (limit, mark), fee)| Entered { side, lots, limit, mark, fee })
}

fn of_engine_order(order: &Entered) -> OrderDemand {
    let Entered { side, lots, limit, mark, fee } = *order;
    OrderDemand { side, lots, limit: Price(limit), mark: Price(mark), fee: Ppm(fee) }
}

proptest! {
    #![proptest_config(config(8_000))]

    #[test]
    fn exposures_agree(lots in any_sign(60), bids in of_bits(60), asks in of_bits(60), none in 0..4_u8) {
        let (bids, asks) = (if none & 1 == 0 { bids } else { 0 }, if none & 2 == 0 { asks } else { 0 });
        let one_way = Exposure { lots, bids, asks };
        prop_assert_eq!(i128::from(one_way.lots_at_risk()), orders::at_risk_one_way(i128::from(lots), bids, asks));
        // In hedge mode each leg has the orders that open it.
        let long = Exposure { lots: lots.abs(), bids, asks: 0 };
        let short = Exposure { lots: -lots.abs(), bids: 0, asks };
        prop_assert_eq!(i128::from(long.lots_at_risk()), orders::at_risk_hedge(lots.unsigned_abs(), bids));
        prop_assert_eq!(i128::from(short.lots_at_risk()), orders::at_risk_hedge(lots.unsigned_abs(), asks));
        // The position is inside, and orders never make it less.
        prop_assert!(one_way.lots_at_risk() >= lots.unsigned_abs());
    }

    #[test]
    fn further_orders_add_to_their_side(lots in any_sign(60), bids in of_bits(60), asks in of_bits(60), side in side(), more in of_bits(60)) {
        let exposure = Exposure { lots, bids, asks };
        let with = match side {
            Side::Buy => Exposure { bids: bids + more, ..exposure },
            Side::Sell => Exposure { asks: asks + more, ..exposure },
        };
        prop_assert_eq!(exposure.with(side, more), with);
        let (before, after) = (exposure.lots_at_risk(), with.lots_at_risk());
        prop_assert!(before <= after && after <= before + more);
    }

    /// Without other orders, one that only closes needs nothing.
    #[test]
    fn closing_never_increases_what_is_at_risk(lots in any_sign(60), closed in 0..=u64::MAX) {
        let side = if lots > 0 { Side::Sell } else { Side::Buy };
        let flat = Exposure { lots, bids: 0, asks: 0 };
        let closing = flat.with(side, closed % (lots.unsigned_abs() + 1));
        prop_assert_eq!(closing.lots_at_risk(), lots.unsigned_abs());
    }

    #[test]
    fn holds_agree(listed in listed(), order in entered()) {
        let (engine, asked) = (of_engine(&listed), of_engine_order(&order));
        prop_assert_eq!(asked.open_loss(&engine), order.open_loss(&listed).map(Amount));
        prop_assert_eq!(asked.highest_fee(&engine), order.highest_fee(&listed).map(Amount));
        prop_assert_eq!(asked.held(&engine), order.held(&listed).map(Amount));
    }

    /// An order that would not trade at a loss at the mark holds its fee only; one at a loss holds what it would lose.
    #[test]
    fn the_open_loss_is_the_loss_at_the_mark(listed in listed(), order in entered()) {
        let Some(loss) = of_engine_order(&order).open_loss(&of_engine(&listed)) else { return Ok(()) };
        let at_a_loss = match order.side {
            Side::Buy => order.limit > order.mark,
            Side::Sell => order.limit < order.mark,
        };
        prop_assert_eq!(loss.0 > 0, at_a_loss && order.lots > 0);
        if at_a_loss {
            let apart = listed.size(order.lots, order.limit) - listed.size(order.lots, order.mark);
            prop_assert_eq!(whole(loss.0), up(&apart.clone().max(-apart)));
        }
    }

    #[test]
    fn parts_agree(held in amount(), left in some_lots(), of in some_lots()) {
        let (left, of) = (left.min(of), left.max(of));
        let part = OrderDemand::part(Amount(held), left, of).0;
        prop_assert_eq!(part, orders::part(held, left, of));
        let share = whole(held) * fraction(left, of);
        prop_assert!(whole(part) >= share && whole(part) < share + whole(1) && part <= held);
        prop_assert_eq!(OrderDemand::part(Amount(held), 0, of), Amount(0));
        prop_assert_eq!(OrderDemand::part(Amount(held), of, of), Amount(held));
    }

    /// What is left of an order holds what an order of that size would, and perhaps more.
    #[test]
    fn a_part_holds_what_an_order_of_its_size_would(listed in listed(), order in entered(), left in any::<prop::sample::Index>()) {
        prop_assume!(order.lots > 0);
        let engine = of_engine(&listed);
        let less = Entered { lots: left.index(usize::try_from(order.lots).expect("64 bits")) as u64, ..order };
        let (Some(all), Some(own)) = (of_engine_order(&order).held(&engine), of_engine_order(&less).held(&engine)) else {
            return Ok(());
        };
        // Open loss and fee are each rounded up when an order is entered, their sum once when a part is left.
        prop_assert!(OrderDemand::part(all, less.lots, order.lots).0 >= own.0 - 1);
    }
}
