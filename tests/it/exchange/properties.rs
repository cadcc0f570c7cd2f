//! Random sequences of commands, through the engine and through the naive exchange.

mod all_or_nothing;
pub mod contracts;
mod coverage;
mod late;
mod looks;
pub mod positions;
pub mod queues;
mod settings;
mod steps;
pub mod subjects;
mod values;

pub use steps::{ACCOUNTS, Clients, Step, live_orders, opening, riches};
pub use subjects::{FEW_TICKS, between_shards, everything, plain};

use super::apply_at;
use super::scripts::shown::{CANCEL_KINDS, EVENT_KINDS, Seen};
use crate::support::compare::same_state;
use crate::support::naive::Naive;
use crate::support::posted::Posted;
use crate::support::venue;
use contracts::cases::CONTRACT_CASES;
use contracts::{ALONE, CROWD};
use coverage::{CASES, Came};
use dojima::domain::{
    AdminCommand, AdminEvent, AssetId, Command, Event, IgnoreReason, OrderCommand, RejectReason, Stamp,
    VenueLimits,
};
use dojima::exchange::{Exchange, ExchangeLimits};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use steps::ASSETS;

/// The open orders that some exchanges of these tests take: few, so that they run out.
pub const ORDERS_MAX: u32 = 8;
const MANY_ORDERS: u32 = 1_000;
/// As few orders as one order can be made to touch at most.
pub const FEW_TOUCHED: u32 = 16;

/// Both exchanges, side by side.
struct Pair {
    exchange: Exchange,
    naive: Naive,
    posted: Posted,
    seen: Seen,
    /// Whether it is noted which of the [`CASES`] there were.
    notes_cases: bool,
}

impl Pair {
    fn opened(opening: &[Command], limits: VenueLimits, notes_cases: bool) -> Result<Self, TestCaseError> {
        let exchange = Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() });
        let mut pair = Self {
            exchange,
            naive: Naive::new(limits),
            posted: Posted::default(),
            seen: Seen::default(),
            notes_cases,
        };
        for command in opening {
            let events = pair.apply(Stamp::default(), command)?;
            prop_assert!(
                !matches!(events[0], Event::Admin(AdminEvent::Refused { .. })),
                "{command:?}: {events:?}"
            );
        }
        Ok(pair)
    }

    /// Every event, the audit, and then every balance and every book.
    fn apply(&mut self, stamp: Stamp, command: &Command) -> Result<Vec<Event>, TestCaseError> {
        let before = self.notes_cases.then(|| self.naive.clone());
        let events = apply_at(&mut self.exchange, stamp, command);
        prop_assert_eq!(&events, &self.naive.apply(stamp, command), "after {:?} at {}", command, stamp.time);
        prop_assert_eq!(self.exchange.audit(), Ok(()), "after {:?}", command);
        same_state(&self.exchange, &self.naive)
            .map_err(|error| TestCaseError::fail(format!("{error} after {command:?}")))?;
        events.iter().for_each(|event| self.seen.note(event));
        self.same_postings(&events)?;
        if let Some(before) = before {
            let came = Came { before: &before, after: &self.naive, stamp, command, events: &events };
            let of_contracts = contracts::cases::cases(&before, stamp, command, &events);
            came.cases().into_iter().chain(of_contracts).for_each(|case| self.seen.count(case));
        }
        Ok(events)
    }

    /// The ledger is the sum of the postings that the events say.
    fn same_postings(&mut self, events: &[Event]) -> Result<(), TestCaseError> {
        events.iter().for_each(|event| self.posted.apply(event));
        for ((account, asset), posted) in &self.posted.balances {
            let balance = self.exchange.balance(*account, *asset).expect("known");
            let held = (balance.available.0, balance.reserved.0);
            prop_assert_eq!(&held, posted, "account {}, asset {}", account, asset);
        }
        Ok(())
    }

    /// When all orders are cancelled nothing is reserved.
    fn end(&mut self, stamp: Stamp) -> Result<(), TestCaseError> {
        for order in live_orders(&self.exchange) {
            self.apply(stamp, &Command::Order(OrderCommand::CancelOrder { order: order.id }))?;
        }
        prop_assert_eq!(self.exchange.open_orders(), 0);
        for (account, asset) in
            (0..ACCOUNTS).flat_map(|account| (0..ASSETS).map(move |asset| (account, asset)))
        {
            let (account, asset) = (dojima::domain::AccountId(account), dojima::domain::AssetId(asset));
            let balance = self.exchange.balance(account, asset).expect("known");
            prop_assert_eq!(balance.reserved.0, 0);
        }
        Ok(())
    }
}

/// Gives the steps to both exchanges. What was seen of events and reasons.
fn compare(
    opening: &[Command],
    limits: VenueLimits,
    steps: &[Step],
    notes_cases: bool,
) -> Result<Seen, TestCaseError> {
    let mut pair = Pair::opened(opening, limits, notes_cases)?;
    let mut clients = Clients::new();
    let mut last = Stamp::default();
    for step in steps {
        let (stamp, command) = clients.command(step, &pair.exchange);
        let events = pair.apply(stamp, &command)?;
        clients.note(&events);
        last = stamp;
    }
    pair.end(last)?;
    Ok(pair.seen)
}

/// Cancels whatever is open.
pub fn drain(exchange: &mut Exchange, stamp: Stamp) {
    for order in live_orders(exchange) {
        apply_at(exchange, stamp, &Command::Order(OrderCommand::CancelOrder { order: order.id }));
    }
}

/// Maker and taker of the first instrument and of the second; together not below 0.
pub fn fees() -> impl Strategy<Value = [i32; 4]> {
    let rate =
        || prop_oneof![4 => Just(0_i32), 12 => 1_i32..5_000, 1 => Just(1_000_000), 1 => 0_i32..=1_000_000];
    let rebate = || prop_oneof![2 => Just(0_i32), 1 => -5_000_i32..=0];
    (rate(), rate(), rate(), rate(), rebate(), rebate()).prop_map(|(a, b, c, d, maker, taker)| {
        // A rebate for one side, as much as the other pays at most.
        if maker < 0 { [maker.max(-b), b, c, d] } else { [a, b, c, taker.max(-c).min(d).max(-c)] }
    })
}

pub fn rich(fees: [i32; 4]) -> Vec<Command> {
    opening(fees).into_iter().chain(riches()).collect()
}

/// Everybody has coins, and cash as at the beginning: market buys run out of it.
pub fn coins(fees: [i32; 4]) -> Vec<Command> {
    let of_coins = |command: &Command| matches!(command, Command::Admin(AdminCommand::Deposit(of)) if of.asset == AssetId(0));
    opening(fees).into_iter().chain(riches().filter(of_coins)).collect()
}

/// Limits that many orders fit in, each of which touches so many others at most.
pub fn touched_at_most(orders_touched_max: u32) -> VenueLimits {
    VenueLimits { orders_touched_max, ..venue::limits(MANY_ORDERS) }
}

/// With `SOAK=50` in the environment everything runs with fifty times as many cases.
pub fn cases(usual: u32) -> u32 {
    let times = std::env::var("SOAK").ok().and_then(|times| times.parse().ok());
    usual * times.unwrap_or(1_u32)
}

/// Names a test of one subject: its steps, how many, and how many cases.
macro_rules! subject {
    ($name:ident, $steps:expr, $cases:literal, $lengths:expr, $opening:expr) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: cases($cases), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

            #[test]
            fn $name(
                fees in fees(),
                few in prop::bool::weighted(0.1),
                narrow in prop::bool::weighted(0.3),
                steps in prop::collection::vec($steps, $lengths),
            ) {
                let orders_max = if few { ORDERS_MAX } else { MANY_ORDERS };
                let limits = VenueLimits { orders_max, ..touched_at_most(if narrow { FEW_TOUCHED } else { 5_000 }) };
                compare(&$opening(fees), limits, &steps, false)?;
            }
        }
    };
}

subject!(plain_orders_agree, subjects::plain(FEW_TICKS), 600, 1..200, opening);
subject!(deep_books_agree, subjects::deep(), 150, 100..250, rich);
subject!(auctions_agree, subjects::auctions(), 500, 20..200, rich);
subject!(triggers_agree, subjects::triggers(), 500, 20..200, rich);
subject!(hidden_orders_and_self_trades_agree, subjects::book(), 500, 20..200, rich);
subject!(bands_agree, subjects::bands(), 500, 20..200, rich);
subject!(limits_agree, subjects::limits(), 500, 20..200, opening);
subject!(changing_settings_agree, subjects::changing(), 500, 20..200, opening);
subject!(icebergs_in_rounds_agree, queues::rounds(), 500, 20..200, rich);
subject!(rounds_without_money_agree, queues::rounds(), 500, 20..200, coins);
subject!(crowds_agree, queues::crowds(), 300, 100..250, rich);
subject!(work_in_vain_agrees, queues::in_vain(), 400, 50..250, rich);
subject!(everything_agrees, subjects::everything(), 500, 20..250, rich);
subject!(contracts_agree, contracts::steps(ALONE), 300, 20..250, |_| contracts::opening(ALONE));
subject!(complete_contracts_agree, contracts::steps(ALONE), 300, 20..250, |_| contracts::completed(ALONE));
subject!(crowds_of_contracts_agree, contracts::crowding(), 20, 60..160, |_| contracts::opening(CROWD));

/// What the sequences of a fixed run come to by luck, or not: a script shows it, and those of shards `shards.rs`.
const BY_LUCK: &[RejectReason] = &[
    RejectReason::TooManyTriggers,
    RejectReason::UnknownShard,
    RejectReason::ShardsComeFirst,
    RejectReason::OneShardOnly,
    // Random runs of positions have these.
    RejectReason::OrdersOpen,
    RejectReason::PositionsOpen,
    RejectReason::InsufficientMargin,
    RejectReason::PriceOutsideLimits,
    RejectReason::OpenInterestLimit,
    RejectReason::LeverageAboveTier,
    RejectReason::ContractExpired,
    RejectReason::FundBelowZero,
    RejectReason::NoPosition,
    RejectReason::WrongPositionSide,
    // In one-way mode an account has no more positions than there are contracts.
    RejectReason::TooManyPositions,
    RejectReason::NotInThisEdition,
    // The gateway and the sequencer refuse for these.
    RejectReason::IndexNotAllowed,
    RejectReason::ShardBusy,
    RejectReason::TooManyTransfers,
];

/// A generator that exercises nothing would agree with anything.
#[test]
fn a_fixed_run_exercises_everything() {
    let mut runner = TestRunner::deterministic();
    let mut seen = Seen::default();
    let subjects = [
        subjects::plain(FEW_TICKS),
        subjects::auctions(),
        subjects::triggers(),
        subjects::book(),
        subjects::bands(),
        subjects::limits(),
        subjects::changing(),
        subjects::everything(),
        queues::rounds(),
        queues::crowds(),
    ];
    // It takes many orders to look at much in vain.
    let subjects = subjects.map(|subject| (subject, 200)).into_iter().chain([(queues::in_vain(), 500)]);
    for (at, (subject, length)) in subjects.enumerate() {
        let steps = prop::collection::vec(subject, length);
        for round in 0..40 {
            let steps = steps.new_tree(&mut runner).expect("steps").current();
            let opening = if round % 3 == 0 {
                opening([100, 200, -3_000, 4_000])
            } else {
                rich([-4_000, 5_000, 50, 300])
            };
            let orders_max = if round % 4 == 0 { ORDERS_MAX } else { MANY_ORDERS };
            let touched = if round % 2 == 0 { 5_000 } else { FEW_TOUCHED };
            let limits = VenueLimits { orders_max, ..touched_at_most(touched) };
            let one = compare(&opening, limits, &steps, true)
                .unwrap_or_else(|error| panic!("{at}, {round}: {error}"));
            seen.add(one);
        }
    }
    for (steps, opening) in [
        (contracts::steps(ALONE), contracts::opening(ALONE)),
        (contracts::steps(ALONE), contracts::completed(ALONE)),
        (contracts::crowding(), contracts::opening(CROWD)),
    ] {
        let steps = prop::collection::vec(steps, 250);
        for round in 0..20 {
            let steps = steps.new_tree(&mut runner).expect("steps").current();
            let one = compare(&opening, touched_at_most(5_000), &steps, true);
            seen.add(one.unwrap_or_else(|error| panic!("contracts, {round}: {error}")));
        }
    }
    let is_seen = |reason: &&RejectReason| BY_LUCK.contains(reason) || seen.rejects.contains(reason);
    let unseen: Vec<_> = RejectReason::ALL.iter().filter(|reason| !is_seen(reason)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    let unseen: Vec<_> = IgnoreReason::ALL.iter().filter(|reason| !seen.ignores.contains(reason)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    let unseen: Vec<_> = CANCEL_KINDS.iter().filter(|kind| !seen.cancels.contains(**kind)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    let unseen: Vec<_> = EVENT_KINDS.iter().filter(|kind| !seen.events.contains(**kind)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    let counted = |what: &str| seen.counts.get(what).copied().unwrap_or_default();
    for what in
        ["Continuous", "Opening", "Volatility", "Closing", "hidden", "rebate", "Refreshed", "Reserve", "Tick"]
    {
        assert!(counted(what) > 20, "only {} of {what}: {:?}", counted(what), seen.counts);
    }
    for case in CASES.into_iter().chain(CONTRACT_CASES) {
        assert!(counted(case) > 2, "{} times {case}: {:?}", counted(case), seen.counts);
    }
}
