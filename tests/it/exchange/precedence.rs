//! An order that breaks two rules is refused for the one that [`RejectReason::CHECKED`] lists first.

mod contracts;

use super::apply_at;
use super::properties::{opening, rich};
use crate::support::naive::Naive;
use crate::support::venue;
use dojima::domain::{
    AccountId, AdminCommand, Amount, AssetId, Command, Effect, Enter, Event, Instructions, InstrumentId,
    KillScope, LimitScope, LoginId, OrderCommand, OrderEvent, OrderLimits, OrderPrice, Phase, PostOnly,
    Protection, Quantity, RejectReason, SetOrderEntry, SetTerms, ShardId, Side, Stamp, Switch, TimeInForce,
    Timestamp, Transfer, Trigger, UserRef, VenueCommand, VenueLimits, Visibility,
};
use dojima::exchange::{Exchange, ExchangeLimits};

const FIRST: InstrumentId = InstrumentId(0);
const BUYER: (LoginId, AccountId) = (LoginId(1), AccountId(1));
const SELLER: LoginId = LoginId(3);
const NOW: Stamp = Stamp { sequence: 1, time: Timestamp(10 * Timestamp::SECOND) };

/// An order that is taken, and what is around it, before anything is made wrong about them.
struct Case {
    enter: Enter,
    asked: Instructions,
    limits: OrderLimits,
    terms: SetTerms,
    phase: Phase,
    /// What the order breaks beyond its terms, its account's limits and its instrument's phase.
    around: Vec<Command>,
    is_over_rate: bool,
    is_poor: bool,
}

type Fault = (RejectReason, fn(&mut Case));

/// The faults that one order can have beside others.
const FAULTS: &[Fault] = &[
    (RejectReason::OrderEntryDisabled, |case| {
        case.around.push(Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
            login: BUYER.0,
            session: 0,
            user_ref: UserRef(8),
            firm: [0; 4],
            switch: Switch::Off,
        })));
    }),
    (RejectReason::UnknownInstrument, |case| case.enter.instrument = InstrumentId(77)),
    (RejectReason::InstrumentDelisted, |case| {
        case.around.push(Command::Admin(AdminCommand::Delist { instrument: FIRST }));
    }),
    (RejectReason::TooLate, |case| case.asked.book_by = Timestamp(1)),
    (RejectReason::VenueKilled, |case| case.around.push(kill(KillScope::Venue))),
    (RejectReason::AccountKilled, |case| case.around.push(kill(KillScope::Account(BUYER.1)))),
    (RejectReason::InstrumentClosed, |case| case.phase = Phase::Closed),
    (RejectReason::InstrumentHalted, |case| case.phase = Phase::Halted),
    (RejectReason::CancelOnly, |case| case.phase = Phase::CancelOnly),
    (RejectReason::NotInAuction, |case| {
        (case.phase, case.asked.post_only) = (Phase::PreOpen, PostOnly::Reject);
    }),
    (RejectReason::OrderRateExceeded, |case| case.is_over_rate = true),
    (RejectReason::InvalidInstructions, |case| {
        (case.asked.visibility, case.asked.display_quantity) = (Visibility::Hidden, 2);
    }),
    (RejectReason::InvalidTrigger, |case| case.asked.trigger = Some(Trigger::default())),
    (RejectReason::InvalidExpireTime, |case| case.enter.time_in_force = TimeInForce::GoodTillTime),
    (RejectReason::InvalidPrice, |case| case.enter.price = OrderPrice::Limit(0)),
    (RejectReason::PriceOffTick, |case| case.enter.price = OrderPrice::Limit(101)),
    (RejectReason::PriceOutOfLimits, |case| {
        let protection = Protection { price_max: 20, ..Protection::default() };
        case.around.push(Command::Admin(AdminCommand::SetProtection { instrument: FIRST, protection }));
    }),
    (RejectReason::InvalidQuantity, |case| case.enter.quantity = Quantity(0)),
    (RejectReason::QuantityBelowMinimum, |case| case.terms.min_quantity = Quantity(500)),
    (RejectReason::QuantityAboveMaximum, |case| case.limits.quantity_max = Quantity(3)),
    (RejectReason::InvalidMinQuantity, |case| case.asked.min_quantity = u32::MAX),
    (RejectReason::InvalidDisplayQuantity, |case| case.asked.display_quantity = 1),
    (RejectReason::NotionalBelowMinimum, |case| case.terms.min_notional = Amount(1 << 40)),
    (RejectReason::NotionalAboveMaximum, |case| case.limits.notional_max = Amount(1)),
    (RejectReason::NotReducing, |case| case.asked.effect = Effect::ReduceOnly),
    (RejectReason::OpenOrdersAboveLimit, |case| case.limits.open_orders_max = 1),
    (RejectReason::PositionAboveLimit, |case| case.limits.position_max = Quantity(1)),
    (RejectReason::LinkNotPossible, |case| case.asked.oco = UserRef(99)),
    (RejectReason::PostOnlyWouldTrade, |case| case.asked.post_only = PostOnly::Reject),
    (RejectReason::InsufficientFunds, |case| case.is_poor = true),
    (RejectReason::TooManyOrders, |case| {
        let limits = VenueLimits { orders_max: 2, ..venue::limits(100) };
        case.around.push(Command::Venue(VenueCommand::SetLimits { limits }));
    }),
];

/// Faults of which one takes the other away: the same field, or a rule of which one is no case.
const APART: &[&[RejectReason]] = &[
    &[
        RejectReason::InstrumentDelisted,
        RejectReason::InstrumentClosed,
        RejectReason::InstrumentHalted,
        RejectReason::CancelOnly,
        RejectReason::NotInAuction,
    ],
    &[RejectReason::InvalidPrice, RejectReason::PriceOffTick],
    &[RejectReason::NotInAuction, RejectReason::InvalidTrigger],
    // A post-only order with a trigger or a minimum is refused for just that.
    &[RejectReason::PostOnlyWouldTrade, RejectReason::InvalidTrigger],
    &[RejectReason::PostOnlyWouldTrade, RejectReason::InvalidMinQuantity],
    &[RejectReason::NotInAuction, RejectReason::InvalidMinQuantity],
    &[RejectReason::InvalidInstructions, RejectReason::InvalidDisplayQuantity],
];

fn kill(scope: KillScope) -> Command {
    Command::Admin(AdminCommand::Kill { scope, switch: Switch::On })
}

fn enter(login: LoginId, user_ref: u32, side: Side, lots: u64, units: u64) -> Enter {
    Enter {
        login,
        user_ref: UserRef(user_ref),
        instrument: FIRST,
        side,
        quantity: Quantity(lots),
        price: OrderPrice::Limit(units as i64),
        ..Enter::default()
    }
}

/// What an order with these faults is refused for, by the exchange and by the naive one.
fn refused_for(faults: &[&Fault]) -> Option<RejectReason> {
    let mut case = Case {
        enter: enter(BUYER.0, 9, Side::Buy, 10, 100),
        asked: Instructions::NOTHING,
        limits: OrderLimits::default(),
        terms: SetTerms {
            instrument: FIRST,
            tick_units: 5,
            lot: Amount(100),
            min_quantity: Quantity(2),
            max_quantity: Quantity(1_000),
            min_notional: Amount(60),
        },
        phase: Phase::Continuous,
        around: Vec::new(),
        is_over_rate: false,
        is_poor: false,
    };
    faults.iter().for_each(|(_, make)| make(&mut case));
    let limits = venue::limits(100);
    let mut exchange = Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() });
    let mut naive = Naive::new(limits);
    let mut send = |exchange: &mut Exchange, command: Command| {
        let events = apply_at(exchange, NOW, &command);
        assert_eq!(events, naive.apply(NOW, &command), "{command:?}");
        events
    };
    let scope = LimitScope::Account(BUYER.1);
    let mut commands = if case.is_poor { opening([0; 4]) } else { rich([0; 4]) };
    let resting = [enter(SELLER, 1, Side::Sell, 10, 100), enter(BUYER.0, 1, Side::Buy, 10, 50)];
    commands.extend(resting.map(|enter| Command::Order(OrderCommand::Enter(enter))));
    commands.into_iter().for_each(|command| drop(send(&mut exchange, command)));
    if case.is_poor {
        let amount = exchange.balance(BUYER.1, AssetId(1)).expect("it is known").available;
        let all =
            Transfer { account: BUYER.1, asset: AssetId(1), amount, reference: 100, shard: ShardId::FIRST };
        send(&mut exchange, Command::Admin(AdminCommand::Withdraw(all)));
    }
    if case.is_over_rate {
        case.limits.orders_per_second_max = 1;
    }
    let limits = case.limits;
    send(&mut exchange, Command::Admin(AdminCommand::SetOrderLimits { scope, limits }));
    if case.is_over_rate {
        // The only one of this second, taken or not.
        send(&mut exchange, Command::Order(OrderCommand::Enter(enter(BUYER.0, 2, Side::Buy, 2, 50))));
    }
    send(&mut exchange, Command::Admin(AdminCommand::SetTerms(case.terms)));
    if case.phase != Phase::Continuous {
        let phase = case.phase;
        send(&mut exchange, Command::Admin(AdminCommand::SetPhase { instrument: FIRST, phase }));
    }
    case.around.into_iter().for_each(|command| drop(send(&mut exchange, command)));
    let order = Enter { instructions: Some(case.asked), ..case.enter };
    match send(&mut exchange, Command::Order(OrderCommand::Enter(order)))[..] {
        [Event::Order(OrderEvent::Rejected(rejected))] => Some(rejected.reason),
        _ => None,
    }
}

#[test]
fn of_two_faults_the_one_that_is_checked_first_is_the_answer() {
    assert_eq!(refused_for(&[]), None);
    for fault in FAULTS {
        assert_eq!(refused_for(&[fault]), Some(fault.0));
    }
    let place = |reason| RejectReason::CHECKED.iter().position(|checked| *checked == reason);
    for (at, one) in FAULTS.iter().enumerate() {
        for other in &FAULTS[at + 1..] {
            if APART.iter().any(|apart| apart.contains(&one.0) && apart.contains(&other.0)) {
                continue;
            }
            let first = [one.0, other.0].into_iter().min_by_key(|reason| place(*reason));
            assert_eq!(refused_for(&[one, other]), first, "{:?} and {:?}", one.0, other.0);
        }
    }
}
