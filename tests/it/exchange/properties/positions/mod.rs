//! Random runs of a shard with contracts: traders with much money and with little, marks that follow an index, and all kinds
//! of orders. The engine against the naive exchange, and both against what must hold whatever the rules are (`ledger`).

mod cases;
mod found;
mod fund_ledger;
mod funding_cases;
mod funding_scenes;
mod fundings;
mod hedge_cases;
mod hedging;
mod ledger;
mod many;
mod many_pairs;
mod moves;
mod owner_moves;
mod pairs;
mod scenes;
mod venue;
mod wishes;

use super::super::scripts::shown::Seen;
use super::values::Taste;
use super::{cases as case_count, touched_at_most};
use crate::support::compare::same_state_of;
use crate::support::naive::{Naive, NaiveVenue};
use cases::{CASES, Came};
use dojima::domain::{
    AdminEvent, Command, Event, EventRecord, RejectReason, Stamp, VenueCommand, VenueLimits,
};
use dojima::exchange::{Exchange, ExchangeLimits, Shards};
use ledger::{Has, Ledger};
use moves::{Act, Move, Traders, moves_of};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::ops::Range;
use venue::{ASSETS, Setting};

/// Prices so near to one another that most orders trade; some are outside the price limits.
const TICKS: Range<u64> = 147..154;
const FAR_TICKS: Range<u64> = 139..162;

/// The engine, if it is asked at all, the naive exchange, and what must hold.
struct Run {
    engine: Option<Shards>,
    naive: NaiveVenue,
    ledger: Ledger,
    seen: Option<Seen>,
}

fn engine(limits: VenueLimits) -> Shards {
    Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() }).into()
}

impl Run {
    fn opened(with_engine: bool, setting: Setting, limits: VenueLimits) -> Result<Self, TestCaseError> {
        let engine = with_engine.then(|| engine(limits));
        let naive = NaiveVenue::new(limits);
        let mut run = Self { engine, naive, ledger: Ledger::new(setting), seen: None };
        for command in venue::opening(&setting) {
            // Nothing can be wrong with accounts that have nothing.
            let looks = !matches!(command, Command::Venue(VenueCommand::OpenAccount { .. }));
            let events = run.apply(Stamp::default(), &command, looks)?;
            let refused = matches!(events[0], Event::Admin(AdminEvent::Refused { .. }));
            prop_assert!(!refused, "{command:?}: {events:?}");
        }
        Ok(run)
    }

    /// The shard with the contracts.
    fn shard(&self) -> &Naive {
        &self.naive.shards()[0]
    }

    /// Every event, and what must hold after it; then, if it is to be looked at, the audit and every balance.
    fn apply(&mut self, stamp: Stamp, command: &Command, looks: bool) -> Result<Vec<Event>, TestCaseError> {
        let before = (looks && self.seen.is_some()).then(|| (self.shard().clone(), self.ledger.clone()));
        let events = self.naive.apply(stamp, command);
        if let Some(engine) = &mut self.engine {
            let mut ours = Vec::new();
            engine.apply(stamp, command, &mut ours);
            ours.iter_mut()
                .zip(&events)
                .for_each(|(our, their)| hedging::same_liquidation(&self.naive.shards()[0], our, their));
            prop_assert_eq!(&ours, &events, "after {:?} at {}", command, stamp.time);
        }
        self.ledger
            .take(command, &events)
            .map_err(|error| TestCaseError::fail(format!("{error} after {command:?}: {events:?}")))?;
        if looks {
            self.same_as_engine(command)?;
            self.same_as_ledger()?;
        }
        if let Some(seen) = &mut self.seen {
            events.iter().for_each(|event| seen.note(event));
        }
        if let (Some(seen), Some((naive, ledger))) = (&mut self.seen, before) {
            let after = &self.ledger;
            let came = Came { before: &naive, ledger: &ledger, after, stamp, command, events: &events };
            let found = [came.cases(), came.funding_cases(), came.hedge_cases()];
            found.into_iter().flatten().for_each(|case| seen.count(case));
        }
        Ok(events)
    }

    fn same_as_engine(&self, command: &Command) -> Result<(), TestCaseError> {
        let Some(engine) = &self.engine else { return Ok(()) };
        prop_assert_eq!(engine.audit(), Ok(()), "after {:?}", command);
        for (shard, naive) in engine.iter().zip(self.naive.shards()) {
            let (accounts, _) = naive.sizes();
            let theirs = self.ledger.setting.accounts().filter(|account| (account.0 as usize) < accounts);
            same_state_of(shard, naive, theirs)
                .map_err(|error| TestCaseError::fail(format!("{error} after {command:?}")))?;
        }
        Ok(())
    }

    fn same_as_ledger(&self) -> Result<(), TestCaseError> {
        let naive = self.shard();
        let (accounts, assets) = naive.sizes();
        for account in self.ledger.setting.accounts() {
            if account.0 as usize >= accounts {
                continue;
            }
            for asset in ASSETS.into_iter().filter(|asset| usize::from(asset.0) < assets) {
                let holding = naive.holding(account, asset);
                let told = (self.ledger.wallet(account, asset), self.ledger.reserved(account, asset));
                let has = (holding.total, holding.reserved);
                prop_assert_eq!(has, told, "account {}, asset {}", account, asset);
            }
            for instrument in venue::CONTRACTS {
                let told = self.ledger.places(account, instrument).map(|place| {
                    let Has { lots, cost, pot } = self.ledger.has(place);
                    (place.2, i128::from(lots), i128::from(cost), i128::from(pot))
                });
                prop_assert_eq!(naive.positions(account, instrument), told.collect::<Vec<_>>());
            }
        }
        Ok(())
    }
}

/// The transfer that arrives next, if one is on its way.
fn on_its_way(naive: &NaiveVenue) -> Option<dojima::domain::ShardTransfer> {
    naive.shards().iter().find_map(|shard| shard.in_flight().first().copied())
}

fn run(
    with_engine: bool,
    fees: [[i32; 2]; 2],
    limits: VenueLimits,
    steps: &[Move],
    seen: Option<Seen>,
) -> Result<Run, TestCaseError> {
    run_in(Setting::plain(fees), with_engine, limits, steps, seen)
}

fn run_in(
    setting: Setting,
    with_engine: bool,
    limits: VenueLimits,
    steps: &[Move],
    seen: Option<Seen>,
) -> Result<Run, TestCaseError> {
    let mut run = Run::opened(with_engine, setting, limits)?;
    run.seen = seen;
    let mut traders = Traders::new(setting);
    for step in steps {
        for (stamp, command) in traders.before(step) {
            let events = run.apply(stamp, &command, false)?;
            traders.note(&events);
        }
        let (stamp, command) = traders.command(step, run.shard(), on_its_way(&run.naive));
        let events = run.apply(stamp, &command, true)?;
        traders.note(&events);
    }
    Ok(run)
}

/// Maker's and taker's rates of both contracts; the maker of one of them may have a rebate.
fn fees() -> impl Strategy<Value = [[i32; 2]; 2]> {
    let taker = || prop_oneof![1 => Just(0_i32), 4 => 1_i32..5_000];
    let maker = prop_oneof![1 => Just(0_i32), 3 => 1_i32..3_000, 3 => -3_000_i32..0];
    (maker, taker(), 0_i32..3_000, taker())
        .prop_map(|(maker, taker, other, other_taker)| [[maker.max(-taker), taker], [other, other_taker]])
}

type Acts = Vec<(u32, BoxedStrategy<Act>)>;

/// The index goes on, so that it is fresh as a rule; so many in a hundred of its prices are far away.
fn with_index(mut acts: Acts, far: u32, more: Acts) -> BoxedStrategy<Move> {
    acts.extend([(25, moves::index(far)), (10, moves::tick()), (2, moves::transfer())]);
    acts.extend([(3, owner_moves::leverage()), (4, owner_moves::margin_mode()), (4, owner_moves::margin())]);
    acts.push((3, owner_moves::position_mode()));
    acts.extend(more);
    moves_of(acts)
}

fn plain() -> BoxedStrategy<Move> {
    with_index(moves::orders(&Taste { rare: 0, wrong: 0, ..Taste::plain(TICKS) }, 10), 10, vec![])
}

/// Marks that move so much that many have nothing left, and must close what they have.
fn poor() -> BoxedStrategy<Move> {
    let taste =
        Taste { market: 35, immediate: 10, min: 10, show: 8, oco: 5, trigger: 5, ..Taste::plain(TICKS) };
    let mut acts = moves::orders(&taste, 35);
    acts.extend([(30, moves::index(60)), (5, moves::tick()), (3, moves::transfer())]);
    acts.extend([(3, owner_moves::leverage()), (4, owner_moves::margin_mode()), (4, owner_moves::margin())]);
    acts.push((3, owner_moves::position_mode()));
    moves_of(acts)
}

/// Many orders that only reduce, and positions that others' orders make smaller.
fn reducing() -> BoxedStrategy<Move> {
    let taste =
        Taste { market: 15, show: 12, trigger: 15, oco: 15, min: 4, self_trade: 5, ..Taste::plain(TICKS) };
    with_index(moves::orders(&taste, 50), 10, vec![(1, moves::resume())])
}

fn triggers() -> BoxedStrategy<Move> {
    let taste = Taste { market: 25, trigger: 45, oco: 25, money: 8, min: 8, show: 5, ..Taste::plain(TICKS) };
    with_index(moves::orders(&taste, 20), 10, vec![(4, moves::mark()), (2, moves::resume())])
}

fn book() -> BoxedStrategy<Move> {
    let taste = Taste {
        market: 12,
        immediate: 12,
        min: 20,
        show: 30,
        hidden: 15,
        post: 10,
        money: 15,
        oco: 8,
        self_trade: 40,
        ..Taste::plain(TICKS)
    };
    with_index(moves::orders(&taste, 15), 20, vec![(3, moves::self_trade())])
}

/// Icebergs at few prices, of traders who lose what stands behind them.
fn queues() -> BoxedStrategy<Move> {
    let taste = Taste {
        market: 25,
        immediate: 12,
        min: 5,
        show: 55,
        hidden: 10,
        oco: 8,
        self_trade: 25,
        ..Taste::plain(149..152)
    };
    with_index(moves::orders(&taste, 30), 40, vec![(1, moves::self_trade())])
}

fn auctions() -> BoxedStrategy<Move> {
    let taste = Taste { show: 15, hidden: 10, day: 10, oco: 12, self_trade: 15, ..Taste::plain(FAR_TICKS) };
    let more = vec![
        (8, moves::phase()),
        (8, moves::resume()),
        (2, moves::changes_of_terms()),
        (2, moves::set_risk()),
    ];
    with_index(moves::orders(&taste, 10), 40, more)
}

fn limits() -> BoxedStrategy<Move> {
    let taste = Taste { market: 15, trigger: 10, oco: 8, show: 8, min: 8, ..Taste::plain(FAR_TICKS) };
    let more = vec![
        (8, moves::set_risk()),
        (6, moves::limits()),
        (5, moves::protection()),
        (2, moves::resume()),
        (4, moves::fees()),
    ];
    with_index(moves::orders(&taste, 15), 10, more)
}

fn everything() -> BoxedStrategy<Move> {
    let taste = Taste {
        market: 12,
        immediate: 10,
        day: 5,
        until: 8,
        min: 8,
        show: 10,
        hidden: 10,
        post: 8,
        money: 6,
        trigger: 15,
        oco: 12,
        self_trade: 15,
        ..Taste::plain(FAR_TICKS)
    };
    let more = vec![
        (3, moves::set_risk()),
        (2, moves::limits()),
        (2, moves::protection()),
        (3, moves::fees()),
        (3, moves::self_trade()),
        (4, moves::phase()),
        (6, moves::resume()),
        (2, moves::mark()),
        (4, moves::changes_of_terms()),
    ];
    with_index(moves::orders(&taste, 25), 20, more)
}

/// Most accounts have isolated margin in one contract or in both, and marks move much.
fn isolated() -> BoxedStrategy<Move> {
    let taste = Taste {
        market: 25,
        immediate: 10,
        min: 15,
        show: 15,
        oco: 8,
        trigger: 5,
        self_trade: 15,
        ..Taste::plain(TICKS)
    };
    let more = vec![
        (25, owner_moves::margin_mode()),
        (12, owner_moves::margin()),
        (3, moves::self_trade()),
        (2, moves::phase()),
        (4, moves::resume()),
    ];
    with_index(moves::orders(&taste, 25), 40, more)
}

/// What such runs say, for those who read events, and the exchange after it.
pub fn told(runs: usize) -> Vec<(Vec<EventRecord>, Exchange)> {
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(everything(), 400);
    let fees = [[-1_000, 4_000], [500, 3_000]];
    let one = |steps: Vec<Move>| {
        let limits = ExchangeLimits { limits: touched_at_most(5_000), ..ExchangeLimits::default() };
        let (mut exchange, mut naive) = (Exchange::new(limits), Naive::new(limits.limits));
        let setting = Setting { hedges: 0b1_0100, ..Setting::plain(fees) };
        let (mut records, mut traders, mut sequence) = (Vec::new(), Traders::new(setting), 0);
        let mut apply = |naive: &mut Naive, stamp: Stamp, command: &Command| {
            sequence += 1;
            naive.apply(stamp, command);
            let mut events = Vec::new();
            exchange.apply(stamp, command, &mut events);
            for event in &events {
                let number = records.len() as u64 + 1;
                records.push(EventRecord { number, sequence, time: stamp.time, event: *event });
            }
            events
        };
        for command in venue::opening(&setting) {
            apply(&mut naive, Stamp::default(), &command);
        }
        for step in &steps {
            let (stamp, command) = traders.command(step, &naive, None);
            let events = apply(&mut naive, stamp, &command);
            traders.note(&events);
        }
        (records, exchange)
    };
    (0..runs).map(|_| one(steps.new_tree(&mut runner).expect("steps").current())).collect()
}

/// Names a test of one subject: its steps, and how many cases.
macro_rules! subject {
    ($name:ident, $engine:literal, $steps:expr, $cases:literal, $lengths:expr) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: case_count($cases), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

            #[test]
            fn $name(
                fees in fees(),
                narrow in prop::bool::weighted(0.2),
                hedges in owner_moves::hedges(),
                steps in prop::collection::vec($steps, $lengths),
            ) {
                let touched = if narrow { super::FEW_TOUCHED } else { 5_000 };
                let setting = Setting { hedges, ..Setting::plain(fees) };
                run_in(setting, $engine, touched_at_most(touched), &steps, None)?;
            }
        }
    };
}

subject!(the_rules_keep_what_must_hold, false, everything(), 200, 20..250);
subject!(rules_of_reducing_keep_what_must_hold, false, reducing(), 200, 20..250);
subject!(plain_orders_of_contracts_agree, true, plain(), 300, 20..200);
subject!(orders_without_money_agree, true, poor(), 400, 20..250);
subject!(orders_that_reduce_agree, true, reducing(), 400, 20..250);
subject!(triggers_of_contracts_agree, true, triggers(), 300, 20..250);
subject!(icebergs_and_self_trades_of_contracts_agree, true, book(), 300, 20..250);
subject!(queues_of_icebergs_agree, true, queues(), 300, 20..250);
subject!(auctions_of_contracts_agree, true, auctions(), 300, 20..250);
subject!(limits_of_contracts_agree, true, limits(), 300, 20..250);
subject!(isolated_margin_agrees, true, isolated(), 400, 20..250);
subject!(everything_of_positions_agrees, true, everything(), 400, 20..250);

/// The reasons that only positions can bring about. That of too many positions takes more contracts (`many_pairs`).
const REASONS: &[RejectReason] = &[
    RejectReason::WrongPositionSide,
    RejectReason::PositionsOpen,
    RejectReason::IndexStale,
    RejectReason::InsufficientMargin,
    RejectReason::PriceOutsideLimits,
    RejectReason::OpenInterestLimit,
    RejectReason::LeverageAboveTier,
    RejectReason::PositionAboveLimit,
    RejectReason::NotReducing,
];

const CANCELS: [&str; 4] = ["InsufficientMargin", "PriceOutsideLimits", "ReduceOnlyResized", "IndexStale"];

/// The cases that `scenes` brings about.
const BY_LUCK: [&str; 8] = [
    "a fee that is waived in part",
    "a fee that is waived whole",
    "an order that ends for its margin after trades",
    "a fill-or-kill that fails only because somebody has not the margin",
    "an order that ends for the open interest after trades",
    "an auction at the limit of the open interest",
    "an auction in which one side has not the margin",
    "an order that may only reduce, gone by a fill, and its linked order with it",
];

/// A generator that exercises nothing would agree with anything. Pitfalls 19 and 23: new orders, replaces, amends, releases
/// and auctions are all held against the naive exchange, after the earlier fills of the same command.
#[test]
fn a_fixed_run_exercises_the_rules_of_positions() {
    let mut runner = TestRunner::deterministic();
    let mut seen = Seen::default();
    for (at, subject) in [
        plain(),
        poor(),
        reducing(),
        triggers(),
        book(),
        queues(),
        auctions(),
        limits(),
        isolated(),
        everything(),
    ]
    .into_iter()
    .enumerate()
    {
        let steps = prop::collection::vec(subject, 250);
        for round in 0..40 {
            let steps = steps.new_tree(&mut runner).expect("steps").current();
            let fees = [[-1_000, 4_000], [500, 3_000]];
            let one = run(false, fees, touched_at_most(5_000), &steps, Some(Seen::default()));
            let one = one.unwrap_or_else(|error| panic!("{at}, {round}: {error}"));
            seen.add(one.seen.expect("it was there before"));
        }
    }
    let unseen: Vec<_> = REASONS.iter().filter(|reason| !seen.rejects.contains(reason)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    let unseen: Vec<_> = CANCELS.iter().filter(|kind| !seen.cancels.contains(**kind)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    let counted = |what: &str| seen.counts.get(what).copied().unwrap_or_default();
    let rare: Vec<_> = CASES.iter().filter(|case| !BY_LUCK.contains(case) && counted(case) == 0).collect();
    assert!(rare.is_empty(), "{rare:?}");
}
