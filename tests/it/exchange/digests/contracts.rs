//! Indexes, contracts and funds in the digest.

use super::super::properties::contracts::{ALONE, completed, opening, steps};
use super::super::properties::{Clients, cases};
use super::super::{apply, apply_at};
use crate::support::venue;
use dojima::domain::{
    AccountId, AddIndex, AdminCommand, AdminEvent, Amount, AssetId, ClockCommand, Command, ContractCommand,
    DeleverageMode, DepositFund, Event, IndexId, IndexTerms, InstrumentId, MarginMode, OwnerCommand, Phase,
    PositionMode, Ppm, Price, SetContract, SetContractRisk, SetIndex, SetLeverage, SetMarginMode,
    SetMarginTier, SetPositionMode, Setter, ShardId, Stamp, Symbol, Timestamp, VenueCommand,
};
use dojima::exchange::Digest;
use proptest::prelude::*;
use std::collections::HashMap;

const FIRST: InstrumentId = InstrumentId(0);
const TERMS: IndexTerms = IndexTerms { stale_after_ms: 10_000, grace_s: 5, jump: Ppm(100_000) };

const CONTRACT: SetContract = SetContract {
    instrument: FIRST,
    index: IndexId(0),
    expiry: 0,
    funding_interval_s: 28_800,
    price_min: 5,
    price_max: 2_000,
};

const RISK: SetContractRisk = SetContractRisk {
    instrument: FIRST,
    interest_ppb: 0,
    impact_lots: 10,
    mark_band: Ppm(5_000),
    first_band: Ppm(100_000),
    premium_band: Ppm(20_000),
    outer_band: Ppm(50_000),
    liquidation_fee: Ppm(1_000),
    collar: Ppm(10_000),
    adl_after: 10,
    adl_mode: DeleverageMode::ByRank,
    position_limit: 1_000,
    open_interest_limit: 10_000,
};

const ROW: SetMarginTier = SetMarginTier {
    instrument: FIRST,
    row: 0,
    of: 1,
    floor: Amount(0),
    initial: Ppm(20_000),
    maintenance: Ppm(10_000),
};

fn of(command: ContractCommand) -> Command {
    Command::Contract(command)
}

fn price(price: u32, source_time: u64) -> Command {
    let source_time = Timestamp(source_time);
    of(ContractCommand::SetIndex(SetIndex { index: IndexId(0), price, source_time }))
}

fn terms(terms: IndexTerms) -> Command {
    of(ContractCommand::SetIndexTerms { index: IndexId(0), terms })
}

fn contract(set: SetContract) -> Command {
    of(ContractCommand::SetContract(set))
}

fn risk(set: SetContractRisk) -> Command {
    of(ContractCommand::SetContractRisk(set))
}

fn row(row: SetMarginTier) -> Command {
    of(ContractCommand::SetMarginTier(row))
}

fn fund(asset: u16, amount: i64, reference: u64) -> Command {
    let (asset, shard, amount) = (AssetId(asset), ShardId::FIRST, Amount(amount));
    of(ContractCommand::DepositFund(DepositFund { asset, shard, amount, reference }))
}

fn phase(phase: Phase) -> Command {
    Command::Admin(AdminCommand::SetPhase { instrument: FIRST, phase })
}

/// A contract that has all that it needs.
fn complete() -> Vec<Command> {
    vec![contract(CONTRACT), risk(RISK), row(ROW), price(750, 1)]
}

fn with(more: &[Command]) -> Vec<Command> {
    [&complete(), more].concat()
}

/// Each leaves a state of the opening's that differs from all the others in one thing.
pub fn lists() -> Vec<(&'static str, Vec<Command>)> {
    let mut lists: Vec<(&'static str, Vec<Command>)> = vec![
        ("nothing", vec![]),
        ("a price of an index", vec![price(750, 1)]),
        ("which price", vec![price(751, 1)]),
        ("of when", vec![price(750, 2)]),
        ("a price that waits", vec![price(750, 1), price(900, 2)]),
        ("which one waits", vec![price(750, 1), price(901, 2)]),
        ("of when it is", vec![price(750, 1), price(900, 3)]),
        ("an end of the grace", vec![terms(IndexTerms { grace_s: 6, ..TERMS }), price(750, 1), terms(TERMS)]),
        ("a fund", vec![fund(1, 5, 1)]),
        ("how much it has", vec![fund(1, 6, 1)]),
        ("the last number of a deposit", vec![fund(1, 5, 2)]),
        ("the fund of another asset", vec![fund(0, 5, 1)]),
        ("a complete contract", complete()),
        ("halted", with(&[phase(Phase::Halted)])),
        ("a mark that stands", with(&[phase(Phase::Halted), mark(150)])),
        ("which mark stands", with(&[phase(Phase::Halted), mark(151)])),
        ("a leverage", with(&[leverage(0, 10)])),
        ("which leverage", with(&[leverage(0, 11)])),
        ("whose leverage", with(&[leverage(1, 10)])),
        ("isolated margin", with(&[isolated(0)])),
        ("whose margin is isolated", with(&[isolated(1)])),
        ("hedge mode", with(&[hedge(0)])),
        ("whose mode it is", with(&[hedge(1)])),
    ];
    let added = AddIndex {
        index: IndexId(3),
        symbol: Symbol::new("MORE").expect("a symbol"),
        price_decimals: 2,
        shard: ShardId::FIRST,
        terms: TERMS,
    };
    let other = Symbol::new("OTHER").expect("a symbol");
    for added in [added, AddIndex { symbol: other, ..added }, AddIndex { price_decimals: 3, ..added }] {
        lists.push(("an index", vec![of(ContractCommand::AddIndex(added))]));
    }
    for changed in [
        IndexTerms { stale_after_ms: 10_001, ..TERMS },
        IndexTerms { grace_s: 6, ..TERMS },
        IndexTerms { jump: Ppm(100_001), ..TERMS },
    ] {
        lists.push(("terms of an index", vec![terms(changed)]));
    }
    for set in [
        CONTRACT,
        SetContract { instrument: InstrumentId(2), ..CONTRACT },
        SetContract { index: IndexId(1), ..CONTRACT },
        SetContract { funding_interval_s: 3_600, ..CONTRACT },
        SetContract { price_min: 6, ..CONTRACT },
        SetContract { price_max: 2_001, ..CONTRACT },
    ] {
        lists.push(("terms of a contract", vec![contract(set)]));
    }
    for expiry in [60, 120] {
        let dated = SetContract { instrument: InstrumentId(1), expiry, funding_interval_s: 0, ..CONTRACT };
        lists.push(("an expiry", vec![contract(dated)]));
    }
    lists.extend(of_risk().into_iter().map(|set| ("risk", vec![risk(set)])));
    lists.extend(of_tiers());
    lists
}

fn mark(ticks: i64) -> Command {
    Command::Admin(AdminCommand::SetMark { instrument: FIRST, price: Price(ticks) })
}

fn hedge(account: u32) -> Command {
    let by = Setter { account: AccountId(account), ..Setter::default() };
    let (shard, mode) = (ShardId::FIRST, PositionMode::Hedge);
    Command::Owner(OwnerCommand::SetPositionMode(SetPositionMode { by, shard, mode }))
}

fn isolated(account: u32) -> Command {
    let by = Setter { account: AccountId(account), ..Setter::default() };
    let mode = MarginMode::Isolated;
    Command::Owner(OwnerCommand::SetMarginMode(SetMarginMode { by, instrument: FIRST, mode }))
}

fn leverage(account: u32, leverage: u8) -> Command {
    let by = Setter { account: AccountId(account), ..Setter::default() };
    Command::Owner(OwnerCommand::SetLeverage(SetLeverage { by, instrument: FIRST, leverage }))
}

fn of_risk() -> Vec<SetContractRisk> {
    vec![
        RISK,
        SetContractRisk { instrument: InstrumentId(1), ..RISK },
        SetContractRisk { interest_ppb: -1, ..RISK },
        SetContractRisk { impact_lots: 11, ..RISK },
        SetContractRisk { mark_band: Ppm(5_001), ..RISK },
        SetContractRisk { first_band: Ppm(5_001), ..RISK },
        SetContractRisk { premium_band: Ppm(5_001), ..RISK },
        SetContractRisk { outer_band: Ppm(50_001), ..RISK },
        SetContractRisk { liquidation_fee: Ppm(1_001), ..RISK },
        SetContractRisk { collar: Ppm(10_001), ..RISK },
        SetContractRisk { adl_after: 11, ..RISK },
        SetContractRisk { adl_mode: DeleverageMode::ProRata, ..RISK },
        SetContractRisk { position_limit: 1_001, ..RISK },
        SetContractRisk { open_interest_limit: 10_001, ..RISK },
    ]
}

fn of_tiers() -> Vec<(&'static str, Vec<Command>)> {
    let first = SetMarginTier { of: 2, ..ROW };
    let second = SetMarginTier {
        row: 1,
        floor: Amount(1_000),
        initial: Ppm(40_000),
        maintenance: Ppm(20_000),
        ..first
    };
    let table = |second| vec![row(first), row(second)];
    vec![
        ("a table", vec![row(ROW)]),
        ("its initial rate", vec![row(SetMarginTier { initial: Ppm(20_001), ..ROW })]),
        ("its maintenance rate", vec![row(SetMarginTier { maintenance: Ppm(10_001), ..ROW })]),
        ("whose table", vec![row(SetMarginTier { instrument: InstrumentId(1), ..ROW })]),
        ("a row of a table under way", vec![row(first)]),
        ("of how many", vec![row(SetMarginTier { of: 3, ..first })]),
        ("its initial rate", vec![row(SetMarginTier { initial: Ppm(20_001), ..first })]),
        ("its maintenance rate", vec![row(SetMarginTier { maintenance: Ppm(10_001), ..first })]),
        (
            "two rows under way",
            vec![row(SetMarginTier { of: 3, ..first }), row(SetMarginTier { of: 3, ..second })],
        ),
        ("a row beside a table", vec![row(ROW), row(first)]),
        ("two rows", table(second)),
        ("the floor of the second", table(SetMarginTier { floor: Amount(2_000), ..second })),
        ("its initial rate", table(SetMarginTier { initial: Ppm(40_001), ..second })),
        ("its maintenance rate", table(SetMarginTier { maintenance: Ppm(21_000), ..second })),
    ]
}

/// What opens the exchange that [`lists`] are for.
pub fn opening_commands() -> Vec<Command> {
    opening(ALONE)
}

fn after(commands: &[Command]) -> Digest {
    let mut exchange = venue::exchange(100);
    for command in opening_commands().iter().chain(commands) {
        let events = apply(&mut exchange, command);
        let is_refused = |event| matches!(event, &Event::Admin(AdminEvent::Refused { .. }));
        assert!(!events.iter().any(is_refused), "{command:?}: {events:?}");
    }
    exchange.digest()
}

#[test]
fn every_part_of_a_contract_is_in_it() {
    let mut seen = HashMap::new();
    for (what, commands) in &lists() {
        if let Some(same) = seen.insert(after(commands), what) {
            panic!("{what:?} has the digest of {same:?}");
        }
    }
}

/// The second of the last sampling tick, which moves no mark here.
#[test]
fn when_marks_were_sampled_is_in_it() {
    let ticks = |seconds: &[u64]| {
        let mut exchange = venue::exchange(100);
        opening_commands().iter().for_each(|command| drop(apply(&mut exchange, command)));
        for second in seconds {
            let stamp = Stamp { sequence: 1, time: Timestamp(second * Timestamp::SECOND) };
            apply_at(&mut exchange, stamp, &Command::Clock(ClockCommand::Tick));
        }
        exchange.digest()
    };
    assert_ne!(ticks(&[]), ticks(&[1]));
    assert_ne!(ticks(&[1]), ticks(&[2]));
    assert_eq!(ticks(&[1, 2]), ticks(&[2]));
}

/// What led to a state is no part of it: rows that were begun in vain, a price that waited, a mark that stood.
#[test]
fn what_was_in_between_is_no_part_of_it() {
    let begun = SetMarginTier { of: 2, ..ROW };
    assert_eq!(after(&[row(begun), row(ROW)]), after(&[row(ROW)]));
    assert_eq!(after(&[price(750, 1), price(900, 2), price(750, 3)]), after(&[price(749, 1), price(750, 3)]));
    assert_eq!(after(&[risk(SetContractRisk { adl_after: 3, ..RISK }), risk(RISK)]), after(&[risk(RISK)]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(100), ..ProptestConfig::default() })]

    /// What is refused changes nothing; a price of an index and a deposit into a fund always change something.
    #[test]
    fn what_is_refused_about_contracts_leaves_no_trace(steps in prop::collection::vec(steps(ALONE), 20..120)) {
        let (mut one, mut other) = (venue::exchange(100), venue::exchange(1_000));
        for exchange in [&mut one, &mut other] {
            let limits = Command::Venue(VenueCommand::SetLimits { limits: venue::limits(500) });
            completed(ALONE).iter().chain([&limits]).for_each(|command| drop(apply(exchange, command)));
        }
        let mut clients = Clients::new();
        for step in &steps {
            let (stamp, command) = clients.command(step, &one);
            // What is due at this time is done before.
            let passes = Command::Venue(VenueCommand::Checkpoint(Default::default()));
            [&mut one, &mut other].into_iter().for_each(|exchange| drop(apply_at(exchange, stamp, &passes)));
            let before = one.digest();
            let events = apply_at(&mut one, stamp, &command);
            prop_assert_eq!(&events, &apply_at(&mut other, stamp, &command));
            clients.note(&events);
            prop_assert_eq!(one.digest(), other.digest(), "after {:?}", command);
            let refused = matches!(events[..], [Event::Admin(AdminEvent::Refused { .. })]);
            prop_assert!(!refused || one.digest() == before, "after {:?}", command);
            let changes =
                matches!(command, Command::Contract(ContractCommand::SetIndex(_) | ContractCommand::DepositFund(_)));
            prop_assert!(refused || !changes || one.digest() != before, "after {:?}", command);
        }
    }
}
