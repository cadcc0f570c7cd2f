//! A command about contracts that breaks two rules is refused for the one that docs/FUTURES.md asks about first.

use super::super::apply_at;
use super::super::properties::contracts::{ALONE, completed, contracts};
use crate::support::naive::Naive;
use crate::support::venue;
use dojima::domain::{
    AccountId, AddIndex, AdminCommand, AdminEvent, Amount, AssetId, Command, ContractCommand, DepositFund,
    Event, FeeAsset, FeeRate, IndexId, IndexTerms, InstrumentId, ListInstrument, Phase, Ppm, Price, Product,
    RejectReason, SetContract, SetIndex, ShardId, Stamp, Symbol, Timestamp, Transfer,
};

const NOW: Stamp = Stamp { sequence: 1, time: Timestamp(100 * Timestamp::SECOND) };
/// Inverse and perpetual.
const INVERSE: InstrumentId = InstrumentId(2);

/// What is done before, and a command that is taken after that, as long as nothing is made wrong.
struct Case<T> {
    before: Vec<Command>,
    command: T,
}

/// A reason, and what makes a command be refused for it.
type Fault<T> = (RejectReason, fn(&mut Case<T>));

fn answer(commands: &[Command]) -> Option<RejectReason> {
    let (mut exchange, mut naive) = (venue::exchange(100), Naive::new(venue::limits(100)));
    let mut last = Vec::new();
    for command in completed(ALONE).iter().chain([&price(750)]).chain(commands) {
        last = apply_at(&mut exchange, NOW, command);
        assert_eq!(last, naive.apply(NOW, command), "{command:?}");
    }
    match last[..] {
        [Event::Admin(AdminEvent::Refused { reason })] => Some(reason),
        _ => None,
    }
}

/// Of any two of these faults, which are in the order of the checks, the first one is the answer; but for pairs of which one
/// takes the other away.
fn in_order<T: Copy>(good: T, of: fn(T) -> Command, faults: &[Fault<T>], apart: &[(usize, usize)]) {
    let refused_for = |places: &[usize]| {
        let mut case = Case { before: Vec::new(), command: good };
        places.iter().for_each(|place| faults[*place].1(&mut case));
        let commands: Vec<Command> = case.before.into_iter().chain([of(case.command)]).collect();
        answer(&commands)
    };
    assert_eq!(refused_for(&[]), None);
    for one in 0..faults.len() {
        assert_eq!(refused_for(&[one]), Some(faults[one].0), "fault {one}");
        for other in (one + 1..faults.len()).filter(|other| !apart.contains(&(one, *other))) {
            assert_eq!(refused_for(&[one, other]), Some(faults[one].0), "faults {one} and {other}");
        }
    }
}

fn price(price: u32) -> Command {
    let (index, source_time) = (IndexId(0), NOW.time);
    Command::Contract(ContractCommand::SetIndex(SetIndex { index, price, source_time }))
}

fn phase(instrument: InstrumentId, phase: Phase) -> Command {
    Command::Admin(AdminCommand::SetPhase { instrument, phase })
}

fn delist(instrument: InstrumentId) -> Command {
    Command::Admin(AdminCommand::Delist { instrument })
}

/// The terms of a further contract, of any kind.
fn listed(number: u32) -> ListInstrument {
    let found = contracts(ALONE).into_iter().find_map(|command| match command {
        Command::Admin(AdminCommand::ListInstrument(terms)) => Some(terms),
        _ => None,
    });
    let symbol = Symbol::new(&format!("N{number}")).expect("a symbol");
    ListInstrument { instrument: InstrumentId(number), symbol, ..found.expect("a contract") }
}

fn list(terms: ListInstrument) -> Command {
    Command::Admin(AdminCommand::ListInstrument(terms))
}

fn follow(instrument: u32, index: u16) -> SetContract {
    SetContract {
        instrument: InstrumentId(instrument),
        index: IndexId(index),
        expiry: 0,
        funding_interval_s: 28_800,
        price_min: 5,
        price_max: 2_000,
    }
}

#[test]
fn terms_of_a_contract() {
    let faults: &[Fault<SetContract>] = &[
        (RejectReason::UnknownInstrument, |case| case.command.instrument = InstrumentId(99)),
        (RejectReason::InstrumentDelisted, |case| case.before.push(delist(INVERSE))),
        (RejectReason::UnknownIndex, |case| case.command.index = IndexId(9)),
        (RejectReason::OutOfRange, |case| case.command.funding_interval_s = 1),
        (RejectReason::InvalidPhase, |case| case.before.push(phase(INVERSE, Phase::Halted))),
        (RejectReason::TickLotNotWhole, |case| case.command.price_max = 20_000),
        (RejectReason::TooManyContracts, |case| {
            case.before.extend((4..20).map(|number| list(listed(number))));
            let terms = (4..20).map(|number| ContractCommand::SetContract(follow(number, 1)));
            case.before.extend(terms.map(Command::Contract));
        }),
    ];
    in_order(follow(2, 1), |set| Command::Contract(ContractCommand::SetContract(set)), faults, &[]);
}

#[test]
fn listing() {
    let faults: &[Fault<ListInstrument>] = &[
        (RejectReason::IdNotNext, |case| case.command.instrument = InstrumentId(99)),
        (RejectReason::DuplicateName, |case| case.command.symbol = Symbol::new("C0").expect("a symbol")),
        (RejectReason::UnknownShard, |case| case.command.shard = ShardId(1)),
        (RejectReason::UnknownAsset, |case| case.command.base = AssetId(9)),
        (RejectReason::OutOfRange, |case| case.command.tick_units = 0),
        (RejectReason::TickLotNotWhole, |case| case.command.lot = Amount(7)),
        (RejectReason::InvalidPhase, |case| case.command.phase = Phase::Delisted),
        (RejectReason::RebateAboveFee, |case| case.command.maker_fee = FeeRate(-501)),
        (RejectReason::OutOfRange, |case| case.command.fee_asset = FeeAsset::Received),
        (RejectReason::OutOfRange, |case| case.command.phase = Phase::Halted),
        (RejectReason::OtherProductsInShard, |case| case.command.product = Product::Spot),
        (RejectReason::TooManyContracts, |case| {
            case.before.extend((4..64).map(|number| list(listed(number))));
            case.command.instrument.0 += 60;
        }),
    ];
    // One field twice; and spot may be in any phase and pay in what it gets.
    let good = ListInstrument { symbol: Symbol::new("LAST").expect("a symbol"), ..listed(4) };
    in_order(good, list, faults, &[(6, 9), (8, 10), (9, 10)]);
}

#[test]
fn an_index_and_its_price() {
    let added = AddIndex {
        index: IndexId(3),
        symbol: Symbol::new("NEW").expect("a symbol"),
        price_decimals: 2,
        shard: ShardId::FIRST,
        terms: IndexTerms { stale_after_ms: 1_000, grace_s: 0, jump: Ppm(0) },
    };
    let faults: &[Fault<AddIndex>] = &[
        (RejectReason::IdNotNext, |case| case.command.index = IndexId(2)),
        (RejectReason::DuplicateName, |case| case.command.symbol = Symbol::new("I0").expect("a symbol")),
        (RejectReason::UnknownShard, |case| case.command.shard = ShardId(1)),
        (RejectReason::OutOfRange, |case| case.command.terms.grace_s = 3_601),
    ];
    in_order(added, |added| Command::Contract(ContractCommand::AddIndex(added)), faults, &[]);
    let set = SetIndex { index: IndexId(0), price: 750, source_time: Timestamp(NOW.time.0 + 1) };
    let faults: &[Fault<SetIndex>] = &[
        (RejectReason::UnknownIndex, |case| case.command.index = IndexId(9)),
        (RejectReason::InvalidPrice, |case| case.command.price = 0),
        (RejectReason::StaleIndex, |case| case.command.source_time = NOW.time),
    ];
    in_order(set, |set| Command::Contract(ContractCommand::SetIndex(set)), faults, &[]);
}

#[test]
fn a_deposit_into_a_fund() {
    let deposit = |reference| DepositFund {
        asset: AssetId(1),
        shard: ShardId::FIRST,
        amount: Amount(1_000),
        reference,
    };
    let faults: &[Fault<DepositFund>] = &[
        (RejectReason::UnknownAsset, |case| case.command.asset = AssetId(9)),
        (RejectReason::UnknownShard, |case| case.command.shard = ShardId(1)),
        // Contracts that settle in it are gone.
        (RejectReason::OutOfRange, |case| case.before.extend([0, 1].map(|id| delist(InstrumentId(id))))),
        (RejectReason::DuplicateReference, |case| case.command.reference = 0),
        (RejectReason::SupplyTooLarge, |case| {
            let all = Transfer {
                account: AccountId(1),
                asset: AssetId(1),
                amount: Amount(i64::MAX - 999),
                reference: 1,
                shard: ShardId::FIRST,
            };
            case.before.push(Command::Admin(AdminCommand::Deposit(all)));
        }),
    ];
    in_order(deposit(1), |deposit| Command::Contract(ContractCommand::DepositFund(deposit)), faults, &[]);
}

#[test]
fn a_mark() {
    let mark = |(instrument, price): (InstrumentId, i64)| {
        Command::Admin(AdminCommand::SetMark { instrument, price: Price(price) })
    };
    let faults: &[Fault<(InstrumentId, i64)>] = &[
        (RejectReason::UnknownInstrument, |case| case.command.0 = InstrumentId(99)),
        (RejectReason::InstrumentDelisted, |case| case.before.push(delist(INVERSE))),
        (RejectReason::OutOfRange, |case| case.command.1 = 0),
        (RejectReason::InvalidPhase, |case| case.before.push(phase(INVERSE, Phase::CancelOnly))),
        (RejectReason::OutOfRange, |case| case.command.1 = 401),
    ];
    // A mark is set in a halt; the last two are prices.
    let refused_for = |places: &[usize]| {
        let mut case = Case { before: vec![phase(INVERSE, Phase::Halted)], command: (INVERSE, 400) };
        places.iter().for_each(|place| faults[*place].1(&mut case));
        case.before.push(mark(case.command));
        answer(&case.before)
    };
    assert_eq!(refused_for(&[]), None);
    for one in 0..faults.len() {
        for other in (one..faults.len()).filter(|other| (one, *other) != (2, 4)) {
            assert_eq!(refused_for(&[one, other]), Some(faults[one].0), "faults {one} and {other}");
        }
    }
}
