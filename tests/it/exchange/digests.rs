//! The digest: equal for equal states, whatever way led there and wherever they lie in memory; else different.

use super::properties::{Clients, FEW_TICKS, ORDERS_MAX, drain, opening, plain};
use super::{apply, apply_at};
use dojima::domain::{
    AccountId, Amount, AssetCode, AssetId, Cancel, Command, Echo, Enter, Event, InstrumentId, LoginId,
    LoginName, OrderPrice, Phase, Quantity, RefuseEnter, RejectReason, Side, Stamp, Timestamp, Transfer,
    UserRef,
};
use dojima::exchange::{Digest, Exchange, ExchangeLimits};
use proptest::prelude::*;
use std::collections::HashMap;

const FEES: [i32; 4] = [1_000, 2_000, 0, 0];

fn opened(orders_max: u32) -> Exchange {
    let mut exchange = Exchange::new(ExchangeLimits { orders_max, ..ExchangeLimits::default() });
    opening(FEES).iter().for_each(|command| drop(apply(&mut exchange, command)));
    exchange
}

fn enter(login: u32, user_ref: u32, side: Side, ticks: u64) -> Enter {
    Enter {
        login: LoginId(login),
        user_ref: UserRef(user_ref),
        side,
        price: OrderPrice::Limit(ticks * 5),
        quantity: Quantity(4),
        ..Enter::default()
    }
}

fn cancel(login: u32, user_ref: u32) -> Command {
    Command::Cancel(Cancel { login: LoginId(login), user_ref: UserRef(user_ref), quantity: Quantity(0) })
}

fn after(commands: &[Command]) -> Digest {
    let mut exchange = opened(100);
    commands.iter().for_each(|command| drop(apply(&mut exchange, command)));
    exchange.digest()
}

/// The same orders rest in the end, but those that are gone were cancelled in different orders, so that the survivors
/// and their levels lie in different places, in tables that were once of different sizes.
#[test]
fn the_layout_in_memory_is_no_part_of_it() {
    let orders: Vec<Command> = (1..=30)
        .map(|number| {
            let side = if number % 2 == 0 { Side::Buy } else { Side::Sell };
            let ticks =
                if side == Side::Buy { 10 + u64::from(number) % 7 } else { 30 + u64::from(number) % 5 };
            Command::Enter(enter(1, number, side, ticks))
        })
        .collect();
    // Orders 1 to 20 go in this order, then ten more of the next numbers come into the freed places.
    let coins =
        Transfer { account: AccountId(1), asset: AssetId(0), amount: Amount(1_000_000), reference: 9 };
    let run = |gone: &mut dyn Iterator<Item = u32>, orders_max| {
        let mut exchange = opened(orders_max);
        apply(&mut exchange, &Command::Deposit(coins));
        orders[..20].iter().for_each(|order| drop(apply(&mut exchange, order)));
        gone.for_each(|number| drop(apply(&mut exchange, &cancel(1, number))));
        orders[20..].iter().for_each(|order| drop(apply(&mut exchange, order)));
        apply(&mut exchange, &Command::SetLimits { orders_max: 500 });
        assert_eq!(exchange.audit(), Ok(()));
        assert_eq!(exchange.open_orders(), 15);
        exchange.digest()
    };
    let upwards = run(&mut (1..=15), 1_000);
    assert_eq!(run(&mut (1..=15).rev(), 1_000), upwards);
    assert_eq!(run(&mut (1..=15).map(|number| number * 7 % 16), 20), upwards);
}

/// Each of these lists leaves a state that differs from all the others in one thing.
#[test]
fn every_part_of_the_state_is_in_it() {
    let base = enter(1, 2, Side::Buy, 20);
    let transfer = Transfer { account: AccountId(3), asset: AssetId(0), amount: Amount(1), reference: 9 };
    let back = Transfer { reference: 10, ..transfer };
    let first = Command::Enter(enter(1, 1, Side::Buy, 10));
    let refused = Command::RefuseEnter(RefuseEnter {
        login: LoginId(1),
        user_ref: UserRef(2),
        reason: RejectReason::InvalidSide,
        cl_ord_id: base.echo.cl_ord_id,
    });
    let lists: Vec<(&str, Vec<Command>)> = vec![
        ("nothing", vec![]),
        ("a resting order", vec![Command::Enter(base)]),
        ("its price", vec![Command::Enter(Enter { price: OrderPrice::Limit(105), ..base })]),
        ("its quantity", vec![Command::Enter(Enter { quantity: Quantity(5), ..base })]),
        ("its side", vec![Command::Enter(Enter { side: Side::Sell, ..base })]),
        ("its instrument", vec![Command::Enter(Enter { instrument: InstrumentId(1), ..base })]),
        ("its number", vec![Command::Enter(Enter { user_ref: UserRef(3), ..base })]),
        ("its login, of the same account", vec![Command::Enter(Enter { login: LoginId(2), ..base })]),
        ("its firm", vec![Command::Enter(Enter { echo: Echo { firm: *b"ABCD", ..base.echo }, ..base })]),
        ("its capacity", vec![Command::Enter(Enter { echo: Echo { capacity: b'A', ..base.echo }, ..base })]),
        (
            "its cross type",
            vec![Command::Enter(Enter { echo: Echo { cross_type: b'X', ..base.echo }, ..base })],
        ),
        ("the last order's number", vec![first, Command::Enter(base), cancel(1, 1)]),
        (
            "the price of a sell, which holds the same at any",
            vec![Command::Enter(enter(1, 2, Side::Sell, 21))],
        ),
        ("a number used", vec![Command::Enter(base), cancel(1, 2)]),
        ("a number used by a refusal, which takes none of the exchange's", vec![refused]),
        (
            "a partial cancel",
            vec![
                Command::Enter(base),
                Command::Cancel(Cancel { login: LoginId(1), user_ref: UserRef(2), quantity: Quantity(3) }),
            ],
        ),
        ("a trade", vec![Command::Enter(base), Command::Enter(enter(3, 1, Side::Sell, 20))]),
        ("trading off", vec![Command::SetPhase { instrument: InstrumentId(0), phase: Phase::Closed }]),
        ("an asset", vec![Command::AddAsset { asset: AssetId(3), code: AssetCode(*b"MORE    "), scale: 0 }]),
        ("its scale", vec![Command::AddAsset { asset: AssetId(3), code: AssetCode(*b"MORE    "), scale: 1 }]),
        ("an account", vec![Command::OpenAccount { account: AccountId(4) }]),
        (
            "a login",
            vec![Command::OpenLogin { login: LoginId(5), account: AccountId(1), name: LoginName::default() }],
        ),
        (
            "whose login",
            vec![Command::OpenLogin { login: LoginId(5), account: AccountId(2), name: LoginName::default() }],
        ),
        ("the limits", vec![Command::SetLimits { orders_max: 99 }]),
        ("a deposit", vec![Command::Deposit(transfer)]),
        ("a transfer's number", vec![Command::Deposit(transfer), Command::Withdraw(back)]),
    ];
    let mut seen = HashMap::new();
    for (what, commands) in &lists {
        if let Some(same) = seen.insert(after(commands), what) {
            panic!("{what:?} has the digest of {same:?}");
        }
    }
    // Priority: the same two orders at the same price, the other first; only the exchange's numbers tell them apart.
    let (one, other) =
        (Command::Enter(enter(1, 1, Side::Buy, 20)), Command::Enter(enter(4, 1, Side::Buy, 20)));
    assert_ne!(after(&[one, other]), after(&[other, one]));
}

/// What was ignored or refused for want of a live order leaves no trace.
#[test]
fn retransmissions_leave_no_trace() {
    let order = Command::Enter(enter(1, 1, Side::Buy, 20));
    assert_eq!(after(&[order, order, cancel(1, 9), order]), after(&[order]));
}

proptest! {
    /// Two exchanges that were given the same commands have the same digest all along, and a state that only changed
    /// for a while has its old digest but for the numbers it used.
    #[test]
    fn the_same_commands_give_the_same_digest(steps in prop::collection::vec(plain(FEW_TICKS), 1..60)) {
        let (mut one, mut other) = (opened(ORDERS_MAX), opened(ORDERS_MAX));
        let mut clients = Clients::new();
        for step in &steps {
            let (stamp, command) = clients.command(step, &one);
            let before = one.digest();
            let events = apply_at(&mut one, stamp, &command);
            prop_assert_eq!(&events, &apply_at(&mut other, stamp, &command));
            clients.note(&events);
            prop_assert_eq!(one.digest(), other.digest());
            let changed = events.iter().any(|event| {
                !matches!(
                    event,
                    Event::Ignored(_)
                        | Event::Refused { .. }
                        | Event::ChangeRejected(_)
                        | Event::MassCanceled { login: None, .. }
                        | Event::PhaseSet { .. }
                        | Event::LimitsSet { .. }
                )
            });
            let setting =
                matches!(command, Command::SetPhase { .. } | Command::SetLimits { .. } | Command::Kill { .. });
            prop_assert!(setting || changed == (one.digest() != before), "{:?}: {:?}", command, events);
        }
        drain(&mut one, Stamp { sequence: 0, time: Timestamp(60) });
        prop_assert_eq!(one.audit(), Ok(()));
    }
}
