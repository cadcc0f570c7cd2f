//! Cancels of all that an account may have.

use super::{ACCOUNT_ORDERS, ACCOUNT_TRIGGERS, Bench, GTC, MID, Prices, order};
use crate::venue::{FIRST, Venue};
use dojima::domain::{
    AccountId, CancelFilter, Command, ConnectionLoss, Instructions, InstrumentId, LoginId, LoginName,
    MassCancel, OrderCommand, Phase, Side, Trigger, TriggerKind, TriggerReference, VenueCommand,
};

/// Instruments over which the orders of an account are spread.
const INSTRUMENTS: u64 = 8;

/// What an account's orders are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain(Prices),
    Linked,
    LinkedToWaiting,
    Waiting,
    Iceberg,
    OverInstruments,
}

const KINDS: [(&str, Kind); 7] = [
    ("at one price", Kind::Plain(Prices::One)),
    ("at prices of their own", Kind::Plain(Prices::Many)),
    ("linked in pairs", Kind::Linked),
    ("linked to waiting ones", Kind::LinkedToWaiting),
    ("waiting", Kind::Waiting),
    ("icebergs", Kind::Iceberg),
    ("in several instruments", Kind::OverInstruments),
];

pub fn all(bench: &mut Bench) {
    for (what, kind) in KINDS {
        let (mut venue, count) = account(bench, kind);
        let mass = mass_cancel(&mut venue, CancelFilter::default());
        let name = format!("mass cancel of {count} orders {what}");
        assert_eq!(bench.measure(name, &mut venue, &mass).canceled(), count);
        let (mut venue, count) = account(bench, kind);
        let cause = ConnectionLoss::Disconnected;
        let gone = Command::Order(OrderCommand::CancelLogin { login: LoginId(0), cause });
        let name = format!("disconnect, cancel of {count} orders {what}");
        assert_eq!(bench.measure(name, &mut venue, &gone).canceled(), count);
    }
    filters(bench);
    many_logins(bench);
}

/// An account with as many orders as it may have, scattered over its prices; how many.
fn account(bench: &Bench, kind: Kind) -> (Venue, u64) {
    let count = match kind {
        Kind::Waiting => bench.sized(ACCOUNT_TRIGGERS),
        Kind::LinkedToWaiting => 2 * bench.sized(ACCOUNT_TRIGGERS),
        _ => bench.sized(ACCOUNT_ORDERS),
    };
    let mut venue = bench.venue(count as u32 + 16, 2);
    for at in 1..INSTRUMENTS as u32 {
        venue.list(InstrumentId(at), Phase::Continuous);
    }
    let scattered = |at: u64| at * 7_919 % count;
    let trigger = |at: u64| Trigger {
        kind: TriggerKind::Stop,
        reference: TriggerReference::LastTrade,
        price: 1 + scattered(at) as u32,
    };
    let mut asked = Instructions::NOTHING;
    for at in 0..count {
        let (mut ticks, mut instrument) = (MID + scattered(at), FIRST);
        match kind {
            Kind::Plain(Prices::One) => ticks = MID,
            Kind::Plain(Prices::Many) => {}
            Kind::Waiting => asked.trigger = Some(trigger(at)),
            Kind::Iceberg => asked.display_quantity = 1,
            Kind::OverInstruments => instrument = InstrumentId((at % INSTRUMENTS) as u32),
            Kind::Linked => {}
            Kind::LinkedToWaiting => asked.trigger = (at % 2 == 1).then(|| trigger(at)),
        }
        let sell = order(0, Side::Sell, ticks, 10);
        let user_ref =
            venue.enter_with(sell, instrument, GTC, (asked != Instructions::NOTHING).then_some(asked));
        if matches!(kind, Kind::Linked | Kind::LinkedToWaiting) {
            asked = Instructions::NOTHING;
            if at % 2 == 0 {
                asked.oco = user_ref;
            }
        }
    }
    (venue, count)
}

fn mass_cancel(venue: &mut Venue, filter: CancelFilter) -> Command {
    Command::Order(OrderCommand::MassCancel(MassCancel {
        login: Some(LoginId(0)),
        session: 0,
        user_ref: venue.next_user_ref(0),
        filter,
    }))
}

/// Everything that a client can say in a mass cancel, among orders that fit and orders that do not.
fn filters(bench: &mut Bench) {
    let all = CancelFilter::default();
    let filters = [
        ("of an instrument", CancelFilter { instrument: Some(InstrumentId(3)), ..all }),
        ("of an instrument where there are none", CancelFilter { instrument: Some(InstrumentId(99)), ..all }),
        ("of a side", CancelFilter { side: Some(Side::Sell), ..all }),
        ("of a side where there are none", CancelFilter { side: Some(Side::Buy), ..all }),
        ("of the login", CancelFilter { login: Some(LoginId(0)), ..all }),
        ("of a login that is another's", CancelFilter { login: Some(LoginId(1)), ..all }),
        ("of the account", CancelFilter { account: Some(AccountId(1)), ..all }),
        ("of an account that is another's", CancelFilter { account: Some(AccountId(2)), ..all }),
    ];
    for (what, filter) in filters {
        let (mut venue, count) = account(bench, Kind::OverInstruments);
        let mass = mass_cancel(&mut venue, filter);
        let canceled = bench.measure(format!("mass cancel {what}, of {count}"), &mut venue, &mass).canceled();
        assert!([0, count / INSTRUMENTS, count.div_ceil(INSTRUMENTS), count].contains(&canceled), "{what}");
    }
}

/// An account whose orders are those of very many logins.
fn many_logins(bench: &mut Bench) {
    let (count, logins) = (bench.sized(ACCOUNT_ORDERS), bench.sized(1_000));
    let mut venue = bench.venue(count as u32 + 16, 1);
    for login in 1..logins as u32 {
        let (login, account) = (LoginId(login), AccountId(1));
        venue.send(&Command::Venue(VenueCommand::OpenLogin { login, account, name: LoginName::default() }));
        venue.last_user_ref.push(0);
    }
    for at in 0..count {
        venue.enter(order(at % logins, Side::Sell, MID + at, 1));
    }
    let mass = mass_cancel(&mut venue, CancelFilter::default());
    let name = format!("mass cancel of {count} orders of {logins} logins");
    assert_eq!(bench.measure(name, &mut venue, &mass).canceled(), count);
}
