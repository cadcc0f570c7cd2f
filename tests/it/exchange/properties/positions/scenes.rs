//! Cases that random runs come to by luck only, each once by design.

use super::moves::{Act, Move};
use super::venue::{LINEAR, risk};
use super::{Seen, TestCaseError, run, touched_at_most};
use dojima::domain::{
    AdminCommand, Command, ContractCommand, Effect, Instructions, LoginId, OrderPrice, Phase, Quantity,
    RejectReason, SetContractRisk, Side, TimeInForce, Trigger, TriggerKind, TriggerReference, UserRef,
};
use proptest::prelude::*;

const PLAIN: Instructions = Instructions::NOTHING;
const REDUCES: Instructions = Instructions { effect: Effect::ReduceOnly, ..PLAIN };
/// The owner of 700 in cash.
const POOR: u32 = 5;
const RICH: u32 = 1;

/// An order of the linear contract, for so many lots at so many ticks, or at any price. Prices move with the mark: 150 is the
/// mark, whatever it is by then.
fn order(login: u32, side: Side, lots: u64, ticks: Option<i64>, asks: Instructions) -> Move {
    let (price, time) = match ticks {
        Some(ticks) => (OrderPrice::Limit(ticks * 5), TimeInForce::GoodTillCancel),
        None => (OrderPrice::Market, TimeInForce::ImmediateOrCancel),
    };
    let wish = (side, price, time, Quantity(lots), Some(asks));
    Move { wait: 1, act: Act::Enter(LoginId(login), LINEAR, wish) }
}

fn buys(login: u32, lots: u64, ticks: i64) -> Move {
    order(login, Side::Buy, lots, Some(ticks), PLAIN)
}

fn sells(login: u32, lots: u64, ticks: i64) -> Move {
    order(login, Side::Sell, lots, Some(ticks), PLAIN)
}

fn index(ticks: u32) -> Move {
    Move { wait: 1, act: Act::Index(ticks * 5, 0) }
}

fn other(command: Command) -> Move {
    Move { wait: 1, act: Act::Other(command) }
}

fn phase(phase: Phase) -> Move {
    other(Command::Admin(AdminCommand::SetPhase { instrument: LINEAR, phase }))
}

fn open_interest_limit(lots: u32) -> Move {
    let set = SetContractRisk { position_limit: lots, open_interest_limit: lots, ..risk(LINEAR) };
    other(Command::Contract(ContractCommand::SetContractRisk(set)))
}

/// Both exchanges agree on every step, and one of them was this case.
fn shows(case: &str, rates: [i32; 2], steps: &[Move]) -> Result<(), TestCaseError> {
    let run = run(true, [rates, [0, 0]], touched_at_most(5_000), steps, Some(Seen::default()))?;
    let count = run.seen.and_then(|seen| seen.counts.get(case).copied()).unwrap_or(0);
    prop_assert!(count > 0, "it did not come");
    Ok(())
}

/// The poor account is long 13 lots at 150, and has 651 left of its 700.
fn poor_and_long() -> Vec<Move> {
    vec![sells(RICH, 13, 150), buys(POOR, 13, 150)]
}

#[test]
fn a_fee_that_is_waived_in_part() -> Result<(), TestCaseError> {
    let mut steps = poor_and_long();
    // At 140 it has 1 left, and pays that.
    steps.extend([index(140), buys(RICH, 13, 150), order(POOR, Side::Sell, 13, None, REDUCES)]);
    shows("a fee that is waived in part", [0, 4_999], &steps)?;
    // What the maker gets is cut to it.
    shows("a fee that is waived in part", [-3_000, 4_999], &steps)
}

#[test]
fn a_fee_that_is_waived_whole() -> Result<(), TestCaseError> {
    let mut steps = poor_and_long();
    steps.extend([index(139), buys(RICH, 13, 150), order(POOR, Side::Sell, 13, None, REDUCES)]);
    shows("a fee that is waived whole", [0, 4_999], &steps)?;
    shows("a fee that is waived whole", [-3_000, 4_999], &steps)
}

/// It may sell twice what it has, for that does not increase what it has at risk; but it must be able to have what it turns to.
#[test]
fn an_order_that_ends_for_its_margin() -> Result<(), TestCaseError> {
    let mut steps = poor_and_long();
    steps.extend([index(146), buys(RICH, 20, 150), buys(RICH, 6, 149)]);
    let mut killed = steps.clone();
    steps.push(order(POOR, Side::Sell, 26, None, PLAIN));
    shows("an order that ends for its margin after trades", [0, 4_999], &steps)?;
    let all = Instructions { min_quantity: 26, ..PLAIN };
    killed.push(order(POOR, Side::Sell, 26, None, all));
    shows("a fill-or-kill that fails only because somebody has not the margin", [0, 4_999], &killed)
}

#[test]
fn an_order_that_ends_for_the_open_interest() -> Result<(), TestCaseError> {
    let steps = [
        open_interest_limit(20),
        buys(3, 5, 150),
        sells(4, 5, 150),
        buys(RICH, 15, 149),
        buys(3, 15, 149),
        order(0, Side::Sell, 20, None, PLAIN),
    ];
    shows("an order that ends for the open interest after trades", [0, 100], &steps)
}

#[test]
fn an_auction_in_which_one_side_has_not_the_margin() -> Result<(), TestCaseError> {
    let gather = phase(Phase::OpeningAuction);
    let uncross = phase(Phase::Continuous);
    // From the new marks on that is 152 and 142, and 158 and 148.
    let poor_buys = [gather.clone(), buys(POOR, 13, 152), index(144), buys(RICH, 13, 158), sells(0, 20, 148)];
    let poor_sells = [gather, sells(POOR, 13, 148), index(156), buys(RICH, 13, 152), sells(0, 20, 142)];
    for mut steps in [poor_buys.to_vec(), poor_sells.to_vec()] {
        steps.push(uncross.clone());
        shows("an auction in which one side has not the margin", [0, 100], &steps)?;
    }
    Ok(())
}

#[test]
fn an_auction_at_the_limit_of_the_open_interest() -> Result<(), TestCaseError> {
    let steps = [
        open_interest_limit(20),
        phase(Phase::OpeningAuction),
        buys(RICH, 15, 151),
        sells(0, 15, 149),
        buys(3, 15, 151),
        sells(4, 10, 149),
        phase(Phase::Continuous),
    ];
    shows("an auction at the limit of the open interest", [0, 100], &steps)
}

/// The stop goes with the target when nothing is left to close.
#[test]
fn an_order_that_may_only_reduce_goes_with_its_linked_one() -> Result<(), TestCaseError> {
    let kind = TriggerKind::Stop;
    let trigger = Some(Trigger { kind, reference: TriggerReference::MarkPrice, price: 700 });
    let mut steps = poor_and_long();
    steps.extend([
        order(POOR, Side::Sell, 13, Some(153), REDUCES),
        // The number says which of the orders that it could be linked to; there is one.
        order(POOR, Side::Sell, 13, Some(139), Instructions { trigger, oco: UserRef(1), ..REDUCES }),
        buys(RICH, 13, 150),
        order(POOR, Side::Sell, 13, None, PLAIN),
    ]);
    shows("an order that may only reduce, gone by a fill, and its linked order with it", [0, 100], &steps)
}

/// The 65th that may rest is refused, new or released; one that is replaced is not counted.
#[test]
fn orders_that_reduce_a_position_have_a_limit() -> Result<(), TestCaseError> {
    let kind = TriggerKind::Stop;
    let trigger = Some(Trigger { kind, reference: TriggerReference::MarkPrice, price: 745 });
    let reduces = |ticks| order(RICH, Side::Sell, 1, Some(ticks), REDUCES);
    let mut steps = vec![sells(0, 70, 150), buys(RICH, 70, 150)];
    steps.extend((0..64).map(|_| reduces(155)));
    let stop = order(RICH, Side::Sell, 1, Some(148), Instructions { trigger, ..REDUCES });
    let (side, price, time, lots) = (Side::Sell, OrderPrice::Limit(780), TimeInForce::Day, Quantity(2));
    let wish = (side, price, time, lots, Some(REDUCES));
    let replaced = Move { wait: 1, act: Act::Replace(7, wish) };
    let at_once = order(RICH, Side::Sell, 1, None, REDUCES);
    steps.extend([reduces(155), replaced, stop, at_once, index(149)]);
    let run = run(true, [[0, 100], [0, 0]], touched_at_most(5_000), &steps, Some(Seen::default()))?;
    let open = run.shard().open_orders().len();
    let seen = run.seen.expect("it was there before");
    prop_assert!(seen.order_rejects.contains(&RejectReason::TooManyOrders));
    prop_assert!(seen.cancels.contains("TriggerRefused"));
    prop_assert_eq!(open, 64);
    Ok(())
}
