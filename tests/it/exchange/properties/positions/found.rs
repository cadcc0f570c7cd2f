//! What random runs have found, once each.

use super::moves::{Act, Move};
use super::venue::LINEAR;
use super::{TestCaseError, run, touched_at_most};
use dojima::domain::{Effect, Instructions, LoginId, OrderPrice, Quantity, Side, TimeInForce};

/// An order of the linear contract, for so many lots at so many ticks, or at any price.
fn order(login: u32, side: Side, lots: u64, ticks: Option<i64>, asks: Instructions) -> Move {
    let (price, time) = match ticks {
        Some(ticks) => (OrderPrice::Limit(ticks * 5), TimeInForce::GoodTillCancel),
        None => (OrderPrice::Market, TimeInForce::ImmediateOrCancel),
    };
    let wish = (side, price, time, Quantity(lots), Some(asks));
    Move { wait: 0, act: Act::Enter(LoginId(login), LINEAR, wish) }
}

fn agrees(steps: &[Move]) -> Result<(), TestCaseError> {
    run(true, [[0, 0], [0, 0]], touched_at_most(5_000), steps, None).map(|_| ())
}

#[test]
fn an_iceberg_that_was_lowered_while_it_is_eaten() -> Result<(), TestCaseError> {
    let plain = Instructions::default();
    let shows = Instructions { display_quantity: 2, ..plain };
    let reduces = Instructions { effect: Effect::ReduceOnly, ..shows };
    agrees(&[
        order(0, Side::Sell, 8, Some(145), plain),
        order(4, Side::Buy, 8, None, plain),
        order(4, Side::Sell, 5, Some(152), shows),
        order(4, Side::Sell, 4, Some(152), reduces),
        order(0, Side::Buy, 9, None, plain),
    ])
}

/// The mark falls between the orders and the fill. The dry run goes on with the iceberg when the other order fails.
#[test]
fn a_dry_run_with_an_iceberg_and_an_order_that_fails() -> Result<(), TestCaseError> {
    let plain = Instructions::default();
    let shows = Instructions { display_quantity: 2, ..plain };
    let kills = Instructions { min_quantity: 33, ..plain };
    let falls = Move { wait: 0, act: Act::Index(735, 0) };
    agrees(&[
        order(1, Side::Buy, 30, Some(150), shows),
        order(5, Side::Buy, 14, Some(150), plain),
        order(1, Side::Buy, 5, Some(140), plain),
        Move { wait: 1_000_000, ..falls },
        order(3, Side::Sell, 33, None, kills),
    ])
}
