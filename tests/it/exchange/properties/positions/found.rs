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
    agrees_with(5_000, steps)
}

fn agrees_with(touched: u32, steps: &[Move]) -> Result<(), TestCaseError> {
    run(true, [[0, 0], [0, 0]], touched_at_most(touched), steps, None).map(|_| ())
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

/// The mark falls between the orders and the fill. The minimum is not looked for beyond the sharing in which the other order fails.
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

/// Of 16 orders that it may touch 15 are touched when the last one is met: the first one that may only reduce is gone before a
/// trade could lower it.
#[test]
fn a_dry_run_that_cancels_what_a_later_trade_would_lower() -> Result<(), TestCaseError> {
    let plain = Instructions::default();
    let reduces = Instructions { effect: Effect::ReduceOnly, ..plain };
    let kills = Instructions { min_quantity: 4, ..plain };
    agrees_with(
        16,
        &[
            order(0, Side::Sell, 3, Some(150), plain),
            order(1, Side::Buy, 3, Some(150), plain),
            order(1, Side::Sell, 3, Some(146), reduces),
            order(3, Side::Sell, 3, Some(146), plain),
            order(4, Side::Sell, 3, Some(146), plain),
            order(5, Side::Sell, 3, Some(146), plain),
            order(1, Side::Sell, 3, Some(150), plain),
            order(3, Side::Sell, 7, Some(151), plain),
            Move { wait: 1_000_000, act: Act::Index(790, 0) },
            order(0, Side::Buy, 4, None, kills),
        ],
    )
}

/// The last lots would come from the first iceberg again, in another sharing, for the second one has only two when its turn comes.
#[test]
fn a_dry_run_with_an_iceberg_that_is_lowered() -> Result<(), TestCaseError> {
    let plain = Instructions::default();
    let shows = Instructions { display_quantity: 2, ..plain };
    let reduces = Instructions { effect: Effect::ReduceOnly, ..shows };
    let kills = Instructions { min_quantity: 14, ..plain };
    agrees(&[
        order(0, Side::Sell, 10, Some(145), plain),
        order(4, Side::Buy, 10, None, plain),
        order(4, Side::Sell, 14, Some(152), shows),
        order(4, Side::Sell, 10, Some(152), reduces),
        order(0, Side::Buy, 14, None, kills),
    ])
}
