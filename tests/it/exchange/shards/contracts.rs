//! A venue with spot in one shard and contracts in another.

use super::{Pair, open_shard};
use crate::exchange::properties::contracts::{Place, completing, contracts, steps};
use crate::exchange::properties::{Clients, Step, everything, opening};
use dojima::domain::{
    AdminCommand, AdminEvent, Amount, ClockCommand, Command, ContractCommand, ContractEvent, DepositFund,
    Event, InstrumentId, RejectReason, ShardId, Stamp, Transfer, VenueCommand,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const SECOND_SHARD: ShardId = ShardId(1);
/// Behind the three instruments of spot.
const PLACE: Place = Place { first: 3, contracts: 4, shard: SECOND_SHARD };

/// What came of it all.
#[derive(Default)]
struct Came {
    prices: u64,
    deposits: u64,
    /// By a tick, and by a price.
    marks: [u64; 2],
    rejects: Vec<(RejectReason, bool)>,
}

/// Transfers are of one shard or the other, by their numbers.
fn spread(mut command: Command) -> Command {
    if let Command::Admin(
        AdminCommand::Deposit(Transfer { reference, shard, .. })
        | AdminCommand::Withdraw(Transfer { reference, shard, .. }),
    ) = &mut command
    {
        *shard = ShardId((*reference % 2) as u8);
    }
    command
}

/// Edition 2 of the rules begins before the first asset, and with it a bound of the deposits of a shard.
fn opening_of_both(rates: [i32; 4]) -> impl Iterator<Item = Command> {
    let rules = Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST });
    let spot = opening(rates).into_iter().map(|command| match command {
        Command::Admin(AdminCommand::Deposit(transfer)) => {
            let amount = transfer.amount.min(Amount(1 << 57));
            Command::Admin(AdminCommand::Deposit(Transfer { amount, ..transfer }))
        }
        command => command,
    });
    [rules, open_shard(1)].into_iter().chain(spot).chain(contracts(PLACE))
}

fn compare(steps: &[Step]) -> Result<Came, TestCaseError> {
    let mut pair = Pair::new();
    for command in opening_of_both([100, 200, -3_000, 4_000]).chain(completing(PLACE)) {
        let events = pair.apply(Stamp::default(), &command)?;
        let refused = matches!(events[..], [Event::Admin(AdminEvent::Refused { .. })]);
        prop_assert!(!refused, "{command:?}: {events:?}");
    }
    let (mut clients, mut came) = (Clients::new(), Came::default());
    for step in steps {
        let spot = pair.shards.first().clone();
        let (stamp, command) = clients.command(step, &spot);
        let command = spread(command);
        let events = pair.apply(stamp, &command)?;
        clients.note(&events);
        let is_of_contracts = matches!(command, Command::Contract(_));
        for event in &events {
            match event {
                Event::Contract(ContractEvent::IndexSet(_)) => came.prices += 1,
                Event::Contract(ContractEvent::FundChanged(_)) => came.deposits += 1,
                Event::Admin(AdminEvent::MarkSet { instrument, .. }) if instrument.0 >= PLACE.first => {
                    let is_tick = command == Command::Clock(ClockCommand::Tick);
                    came.marks[usize::from(!is_tick)] += 1;
                }
                Event::Admin(AdminEvent::Refused { reason }) => came.rejects.push((*reason, is_of_contracts)),
                _ => {}
            }
        }
    }
    Ok(came)
}

fn mixed() -> impl Strategy<Value = Step> {
    prop_oneof![1 => everything(), 3 => steps(PLACE)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_shard_of_spot_and_one_of_contracts_do_what_naive_ones_do(steps in prop::collection::vec(mixed(), 20..150)) {
        compare(&steps)?;
    }
}

/// A generator that exercises nothing would agree with anything.
#[test]
fn a_fixed_run_moves_marks_in_the_second_shard() {
    let mut runner = TestRunner::deterministic();
    let mut all = Came::default();
    for _ in 0..12 {
        let steps = prop::collection::vec(mixed(), 250).new_tree(&mut runner).expect("steps").current();
        let came = compare(&steps).expect("the same");
        (all.prices, all.deposits) = (all.prices + came.prices, all.deposits + came.deposits);
        all.marks.iter_mut().zip(came.marks).for_each(|(all, more)| *all += more);
        all.rejects.extend(came.rejects);
    }
    assert!(all.prices > 100 && all.deposits > 10, "{} {}", all.prices, all.deposits);
    assert!(all.marks[0] > 0 && all.marks[1] > 50, "{:?}", all.marks);
    for reason in [
        RejectReason::UnknownShard,
        RejectReason::UnknownIndex,
        RejectReason::StaleIndex,
        RejectReason::UnknownInstrument,
    ] {
        assert!(all.rejects.contains(&(reason, true)), "{reason:?}: {:?}", all.rejects);
    }
    assert!(all.rejects.contains(&(RejectReason::OtherProductsInShard, false)), "{:?}", all.rejects);
}

/// What a venue with spot in the first shard and contracts in the second answers.
fn answer(command: Command) -> Vec<Event> {
    let mut pair = Pair::new();
    opening_of_both([0; 4])
        .for_each(|command| drop(pair.apply(Stamp::default(), &command).expect("the same")));
    pair.apply(Stamp::default(), &command).expect("the same")
}

/// A fund is of the shard whose contracts settle in its asset; an index of another shard is not for a contract.
#[test]
fn a_shard_has_its_own_indexes_and_funds() {
    let refused = |reason| vec![Event::Admin(AdminEvent::Refused { reason })];
    let deposit = |shard| {
        let deposit = DepositFund { shard, amount: Amount(5), reference: 1, ..DepositFund::default() };
        Command::Contract(ContractCommand::DepositFund(deposit))
    };
    assert_eq!(answer(deposit(ShardId::FIRST)), refused(RejectReason::OutOfRange));
    assert_eq!(answer(deposit(ShardId(2))), refused(RejectReason::UnknownShard));
    let told = answer(deposit(SECOND_SHARD));
    assert!(
        matches!(told[..], [Event::Contract(ContractEvent::FundChanged(fund))] if fund.fund.0 == 5),
        "{told:?}"
    );
    let list = |id, shard| {
        let listed = contracts(PLACE).into_iter().find_map(|command| match command {
            Command::Admin(AdminCommand::ListInstrument(terms)) => Some(terms),
            _ => None,
        });
        let mut terms = listed.expect("contracts");
        (terms.instrument, terms.shard) = (InstrumentId(id), shard);
        terms.symbol = dojima::domain::Symbol::new("NEXT").expect("a symbol");
        Command::Admin(AdminCommand::ListInstrument(terms))
    };
    assert_eq!(answer(list(7, ShardId::FIRST)), refused(RejectReason::OtherProductsInShard));
    let told = answer(list(7, SECOND_SHARD));
    assert!(matches!(told[..], [Event::Admin(AdminEvent::InstrumentListed(_))]), "{told:?}");
}
