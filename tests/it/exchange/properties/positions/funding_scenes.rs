//! Fundings and ends of contracts, each once by design.

use super::fundings::setting;
use super::moves::{Act, Move, Traders};
use super::venue::{ASSETS, DATED, INVERSE, LINEAR};
use super::{Run, TestCaseError, on_its_way, touched_at_most};
use dojima::domain::{
    AccountId, ClockCommand, Command, ContractCommand, ContractEvent, Event, Instructions, InstrumentId,
    LoginId, OrderPrice, Price, Quantity, Side, TimeInForce,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SECOND: u64 = 1_000_000_000;
const FEES: [[i32; 2]; 2] = [[0, 100], [0, 100]];
/// Who is long and who is short in both perpetuals.
const LONG: u32 = 3;
const SHORT: u32 = 4;
const RICH: u32 = 1;

fn order(login: u32, of: InstrumentId, side: Side, lots: u64, ticks: i64) -> Move {
    let (price, time) = (OrderPrice::Limit(ticks * 5), TimeInForce::GoodTillCancel);
    let wish = (side, price, time, Quantity(lots), Some(Instructions::NOTHING));
    Move { wait: 1, act: Act::Enter(LoginId(login), of, wish) }
}

fn other(wait: u64, command: Command) -> Move {
    Move { wait, act: Act::Other(command) }
}

fn tick(wait: u64) -> Move {
    other(wait, Command::Clock(ClockCommand::Tick))
}

fn index(ticks: u32) -> Move {
    Move { wait: 1, act: Act::Index(ticks * 5, 0) }
}

/// Positions in both perpetuals, books two ticks above the index, and a funding of both after some samples.
fn funded() -> Vec<Move> {
    let mut steps = Vec::new();
    for of in [LINEAR, INVERSE] {
        steps.extend([
            order(LONG, of, Side::Buy, 8, 150),
            order(SHORT, of, Side::Sell, 8, 150),
            order(RICH, of, Side::Buy, 30, 152),
            order(RICH, of, Side::Sell, 30, 154),
        ]);
    }
    for _ in 0..12 {
        steps.extend([index(150), tick(SECOND)]);
    }
    steps.extend([tick(7_200 * SECOND), index(150)]);
    steps
}

/// Both exchanges agree on every step. Its events, and what is there then.
fn played(steps: &[Move]) -> Result<(Run, Vec<Event>), TestCaseError> {
    let setting = setting(FEES);
    let mut run = Run::opened(true, setting, touched_at_most(5_000))?;
    let (mut traders, mut all) = (Traders::new(setting), Vec::new());
    for step in steps {
        for (stamp, command) in traders.before(step) {
            all.extend(run.apply(stamp, &command, false)?);
        }
        let (stamp, command) = traders.command(step, run.shard(), on_its_way(&run.naive));
        let events = run.apply(stamp, &command, true)?;
        traders.note(&events);
        all.extend(events);
    }
    Ok((run, all))
}

type Paid = BTreeMap<(AccountId, InstrumentId, u32), i64>;

fn paid(events: &[Event]) -> Paid {
    let paid = events.iter().filter_map(|event| match event {
        Event::Contract(ContractEvent::FundingPaid(it)) => {
            Some(((it.account, it.instrument, it.number.0), it.amount.0))
        }
        _ => None,
    });
    paid.collect()
}

/// What a position is charged does not depend on who charges it: the sweep, a fill, a withdrawal, a transfer or a settlement.
#[test]
fn all_ways_to_be_charged_come_to_the_same_amounts() -> Result<(), TestCaseError> {
    let out = |trader: u32| ASSETS.map(|asset| Move { wait: 1, act: Act::Transfer(trader, asset, -1) });
    let sends = |trader: u32| ASSETS.map(|asset| Move { wait: 1, act: Act::Send(trader, asset, 1, [0, 1]) });
    let settles = |of: InstrumentId| {
        let phase = dojima::domain::Phase::Halted;
        let halt = dojima::domain::AdminCommand::SetPhase { instrument: of, phase };
        let settle = ContractCommand::SettleContract { instrument: of, price: Price(150) };
        [other(1, Command::Admin(halt)), other(1, Command::Contract(settle))]
    };
    // Logins 3 and 4 are of the accounts 2 and 3; login 1 is of account 1, which has no lots.
    let sells = |of| [order(LONG, of, Side::Sell, 3, 152), order(SHORT, of, Side::Buy, 3, 154)];
    let ways: [Vec<Move>; 6] = [
        vec![tick(1)],
        vec![tick(3_600 * SECOND)],
        [sells(LINEAR), sells(INVERSE)].concat(),
        [out(2), out(3)].concat(),
        [sends(3), sends(2)].concat(),
        [settles(LINEAR), settles(INVERSE)].concat(),
    ];
    let mut first: Option<Paid> = None;
    for (at, way) in ways.into_iter().enumerate() {
        let (run, events) = played(&[funded(), way].concat())?;
        let paid = paid(&events);
        prop_assert_eq!(paid.len(), 4, "way {}: {:?}", at, paid);
        for of in [LINEAR, INVERSE] {
            prop_assert!(run.shard().owing(of).is_empty(), "way {}", at);
        }
        prop_assert!(paid.values().any(|amount| *amount < -30), "{:?}", paid);
        let first = first.get_or_insert_with(|| paid.clone());
        prop_assert_eq!(&paid, &*first, "way {}", at);
    }
    Ok(())
}

/// 899 samples are too few, 900 are enough; they may come twice as slowly, or in the middle of the half hour.
#[test]
fn nine_hundred_samples_make_a_settlement_price() -> Result<(), TestCaseError> {
    for (ticks, has_price) in [(0, false), (12, false), (899, false), (900, true), (1_800, true)] {
        let steps = [
            order(LONG, DATED, Side::Buy, 8, 150),
            order(SHORT, DATED, Side::Sell, 8, 150),
            order(RICH, DATED, Side::Sell, 8, 153),
            Move { wait: 0, act: Act::LastHalfHour(DATED, ticks) },
            tick(9_000 * SECOND),
        ];
        let (_, events) = played(&steps)?;
        let settled = events
            .iter()
            .any(|event| matches!(event, Event::Contract(ContractEvent::ContractSettled { legs: 2, .. })));
        let pending = events.iter().find_map(|event| match event {
            Event::Contract(ContractEvent::SettlementPending { instrument: DATED, samples }) => {
                Some(*samples)
            }
            _ => None,
        });
        prop_assert_eq!(settled, has_price, "{} ticks", ticks);
        prop_assert_eq!(pending, (!has_price).then_some(u32::from(ticks)));
    }
    Ok(())
}
