//! Random sequences of commands, with a snapshot now and then: what was loaded from it goes on like the original.

use super::{apply, loaded, saved};
use crate::exchange::digests;
use crate::exchange::properties::{
    Clients, FEW_TICKS, FEW_TOUCHED, ORDERS_MAX, Step, cases, contracts, contracts::ALONE, drain, fees,
    opening, queues, rich, subjects, touched_at_most,
};
use crate::exchange::shards::{numbers, spread_opening};
use dojima::domain::{
    AdminCommand, CancelReason, ClockCommand, Command, ConnectionLoss, Event, InstrumentId, LoginId,
    OrderCommand, OrderEvent, Phase, QueryAccount, Question, Side, Timestamp, VenueCommand,
};
use dojima::replica::State;
use proptest::prelude::*;

const MANY_ORDERS: u32 = 1_000;

/// Saves and loads; the loaded state has the same digest, passes the audit and gives the same bytes.
fn restored(state: &State) -> Result<State, TestCaseError> {
    let bytes = saved(state);
    let restored =
        loaded(&bytes, state.last.sequence).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(restored.shards.digest(), state.shards.digest());
    prop_assert_eq!(restored.shards.audit(), Ok(()));
    prop_assert_eq!(restored.shards.first().limits(), state.shards.first().limits());
    prop_assert!(saved(&restored) == bytes, "the loaded state gives other bytes");
    Ok(restored)
}

/// Gives the steps to a state, and from each of these places on also to what was loaded from a snapshot there: the events
/// are the same.
fn follow(
    opening: &[Command],
    orders_max: u32,
    steps: &[Step],
    places: &[usize],
) -> Result<(), TestCaseError> {
    let mut state = super::state_of(orders_max, opening);
    let mut follower = None;
    let mut clients = Clients::new();
    for (at, step) in steps.iter().enumerate() {
        if places.iter().any(|place| place % steps.len() == at) {
            follower = Some(restored(&state)?);
        }
        let (stamp, command) = clients.command(step, state.shards.first());
        let events = apply(&mut state, stamp.time, &command);
        if let Some(follower) = &mut follower {
            prop_assert_eq!(&events, &apply(follower, stamp.time, &command), "after {:?}", command);
        }
        clients.note(&events.iter().map(|record| record.event).collect::<Vec<_>>());
    }
    if let Some(mut follower) = follower {
        prop_assert!(saved(&follower) == saved(&state), "the states differ in the end");
        // All that is left is cancelled, in the same order.
        let (mut one, mut other) = (Vec::new(), Vec::new());
        let time = Timestamp(state.last.time.0 + 40 * 86_400 * Timestamp::SECOND);
        for (state, events) in [(&mut state, &mut one), (&mut follower, &mut other)] {
            events.extend(apply(state, time, &Command::Clock(ClockCommand::Tick)));
            events.extend(apply(state, time, &Command::Order(OrderCommand::MassCancel(Default::default()))));
            drain(state.shards.first_mut(), state.last);
        }
        prop_assert_eq!(one, other);
        prop_assert_eq!(state.shards.digest(), follower.shards.digest());
    }
    Ok(())
}

/// Rich accounts whose orders may touch little: they soon have looked in vain at as much as they may.
fn narrow(fees: [i32; 4]) -> Vec<Command> {
    let limits = Command::Venue(VenueCommand::SetLimits { limits: touched_at_most(FEW_TOUCHED) });
    rich(fees).into_iter().chain([limits]).collect()
}

/// Names a test of one subject: its steps, how many cases, how many steps.
macro_rules! subject {
    ($name:ident, $steps:expr, $cases:literal, $lengths:expr, $opening:expr) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: cases($cases), ..ProptestConfig::default() })]

            #[test]
            fn $name(
                fees in fees(),
                few in prop::bool::weighted(0.1),
                steps in prop::collection::vec($steps, $lengths),
                places in prop::collection::vec(any::<usize>(), 1..4),
            ) {
                let orders_max = if few { ORDERS_MAX } else { MANY_ORDERS };
                follow(&$opening(fees), orders_max, &steps, &places)?;
            }
        }
    };
}

subject!(plain_orders_go_on, subjects::plain(FEW_TICKS), 150, 1..200, opening);
subject!(deep_books_go_on, subjects::deep(), 60, 100..250, rich);
subject!(auctions_go_on, subjects::auctions(), 150, 20..200, rich);
subject!(triggers_go_on, subjects::triggers(), 200, 20..200, rich);
subject!(hidden_orders_and_self_trades_go_on, subjects::book(), 150, 20..200, rich);
subject!(bands_go_on, subjects::bands(), 150, 20..200, rich);
subject!(limits_go_on, subjects::limits(), 200, 20..200, opening);
subject!(changing_settings_go_on, subjects::changing(), 200, 20..200, opening);
subject!(work_in_vain_goes_on, queues::in_vain(), 200, 50..250, narrow);
subject!(everything_goes_on, subjects::everything(), 200, 20..250, rich);
subject!(contracts_go_on, contracts::steps(ALONE), 200, 20..250, |_| contracts::completed(ALONE));

/// States that differ in one thing each: the thing comes back.
#[test]
fn every_part_of_the_state_comes_back() {
    let of_spot = (digests::opening_commands(), digests::lists());
    let of_contracts = (digests::contracts::opening_commands(), digests::contracts::lists());
    let all = [of_spot, of_contracts];
    let all = all.into_iter().flat_map(|(opening, lists)| {
        lists.into_iter().map(move |(what, commands)| (what, [opening.clone(), commands].concat()))
    });
    for (what, commands) in all {
        let state = super::state_of(100, &commands);
        restored(&state).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

/// A number that one shard has used is no new order's in another one after a start, too.
#[test]
fn numbers_of_other_shards_stay_used() {
    let commands = [numbers::enter(0, 1), numbers::enter(2, 2), numbers::replace(1, 3, 3)];
    let commands: Vec<_> = spread_opening().into_iter().chain(commands).collect();
    let state = super::state_of(100, &commands);
    let mut restored = restored(&state).expect("the same");
    let told = apply(&mut restored, Timestamp(0), &numbers::enter(2, 3));
    let told: Vec<_> = told.into_iter().map(|record| record.event).collect();
    assert_eq!(told, [numbers::in_use(3)]);
}

/// A halt holds cancels of absent logins up over a crash, too: each is carried out afterwards, for its reason.
#[test]
fn what_a_halt_holds_up_comes_back() {
    let phase = |phase| Command::Admin(AdminCommand::SetPhase { instrument: InstrumentId(0), phase });
    let orders = [(3, 1), (2, 1), (1, 1), (1, 2), (4, 1)];
    let orders = orders.map(|(login, number)| {
        Command::Order(OrderCommand::Enter(digests::enter(login, number, Side::Buy, 20)))
    });
    let absent = [
        Command::Order(OrderCommand::QueryAccount(QueryAccount {
            login: LoginId(3),
            session: 0,
            cancel_after_ms: Some(5),
            asks: Question::Nothing,
        })),
        phase(Phase::Halted),
        Command::Order(OrderCommand::CancelLogin { login: LoginId(1), cause: ConnectionLoss::Disconnected }),
    ];
    let commands = digests::opening_commands().into_iter().chain(orders).chain(absent);
    let mut state = super::state_of(100, &commands.collect::<Vec<_>>());
    let later = Timestamp(Timestamp::SECOND);
    assert!(
        apply(&mut state, later, &Command::Clock(ClockCommand::Tick)).is_empty(),
        "nothing is cancelled in a halt"
    );
    let mut back = restored(&state).expect("it is loaded");
    let events = apply(&mut back, later, &phase(Phase::Continuous));
    assert_eq!(events, apply(&mut state, later, &phase(Phase::Continuous)));
    let told: Vec<_> = events
        .iter()
        .map(|record| match record.event {
            Event::Order(OrderEvent::Canceled(canceled)) => {
                Some((canceled.login.0, canceled.user_ref.0, canceled.reason))
            }
            _ => None,
        })
        .collect();
    let (lost, switch) = (CancelReason::Disconnected, CancelReason::DeadMansSwitch);
    assert_eq!(told, [Some((1, 1, lost)), Some((1, 2, lost)), Some((3, 1, switch)), None]);
    let left: Vec<_> =
        back.shards.first().orders(InstrumentId(0), Side::Buy).map(|order| order.login.0).collect();
    assert_eq!(left, [2, 4]);
}

#[test]
fn a_state_before_the_first_command_comes_back() {
    restored(&State::empty()).expect("it is loaded");
}
