//! Very many instruments and accounts.

use super::{FIRST, Order, Venue};
use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amount, AssetId, ClockCommand, Command, Event, InstrumentId,
    LoginId, MarketEvent, OrderEvent, Phase, Side, TimeInForce, Timestamp, VolumeTiers,
};

/// Bytes that an instrument without orders may take.
const INSTRUMENT_BYTES_MAX: u64 = 4 * 1024;

#[test]
fn ten_thousand_instruments_trade_each_its_own() {
    const INSTRUMENTS: u32 = 10_000;
    let mut venue = Venue::new(INSTRUMENTS, 2);
    let counted = allocation_counter::measure(|| {
        (1..INSTRUMENTS).for_each(|id| venue.list(InstrumentId(id), Phase::OpeningAuction));
    });
    let bytes = counted.bytes_current.unsigned_abs() / u64::from(INSTRUMENTS - 1);
    println!("{bytes} bytes an empty instrument");
    assert!(bytes <= INSTRUMENT_BYTES_MAX, "{bytes} bytes");
    // One order that rests in each; the indicative prices of all that gather, in the order of ids.
    for id in 0..INSTRUMENTS {
        let order = Order { login: 0, side: Side::Sell, ticks: 1_000 + u64::from(id), lots: 5 };
        venue.enter_with(order, InstrumentId(id), TimeInForce::GoodTillCancel, None);
    }
    let gathering = (1..INSTRUMENTS).map(InstrumentId);
    let told = venue.send(&Command::Clock(ClockCommand::Tick)).iter().map(|event| match event {
        Event::Market(MarketEvent::Indicative(auction)) => auction.instrument,
        other => panic!("{other:?}"),
    });
    assert!(told.eq(gathering.clone()));
    for instrument in gathering {
        let opened =
            venue.send(&Command::Admin(AdminCommand::SetPhase { instrument, phase: Phase::Continuous }));
        assert!(matches!(
            opened,
            [Event::Market(MarketEvent::Uncrossed(_)), Event::Market(MarketEvent::PhaseSet { .. })]
        ));
    }
    assert_eq!(venue.send(&Command::Clock(ClockCommand::Tick)), []);
    for id in (0..INSTRUMENTS).rev() {
        let order = Order { login: 1, side: Side::Buy, ticks: 0, lots: 2 };
        venue.enter_with(order, InstrumentId(id), TimeInForce::ImmediateOrCancel, None);
        assert!(venue.trades().eq([(1_000 + u64::from(id), 2)]));
        let left = venue.exchange.levels(InstrumentId(id), Side::Sell).map(|level| level.quantity.0);
        assert!(left.eq([3]));
    }
    assert_eq!(venue.exchange.open_orders() as u32, INSTRUMENTS);
    venue.check_and_clear();
}

#[test]
fn a_million_accounts_hold_and_trade() {
    const ACCOUNTS: u32 = 1_000_000;
    /// Bytes that an account with a login and two assets may take, with the room that growing tables leave.
    const ACCOUNT_BYTES_MAX: u64 = 256;
    let mut venue = None;
    let counted = allocation_counter::measure(|| venue = Some(Venue::new(1_000, ACCOUNTS)));
    let mut venue = venue.expect("measured");
    // The client numbers that the test itself keeps, and the slab of a thousand orders.
    let bytes = (counted.bytes_current.unsigned_abs() - 4 * u64::from(ACCOUNTS)) / u64::from(ACCOUNTS);
    println!("{bytes} bytes an account");
    assert!(bytes <= ACCOUNT_BYTES_MAX, "{bytes} bytes");
    assert_eq!(venue.exchange.accounts_count() as u32, ACCOUNTS + 1);
    // Every tenth account sells a lot to the next but one, at a price that says who it was.
    let share = i64::MAX / i64::from(ACCOUNTS + 1);
    for login in (0..ACCOUNTS - 2).step_by(10) {
        let ticks = 1 + u64::from(login);
        venue.enter(Order { login, side: Side::Sell, ticks, lots: 1 });
        venue.enter(Order { login: login + 2, side: Side::Buy, ticks, lots: 1 });
        assert!(venue.trades().eq([(ticks, 1)]));
    }
    let holds = |login: u32, asset: AssetId| {
        let balance = venue.exchange.balance(AccountId(login + 1), asset).expect("known");
        balance.available.0 - share
    };
    for login in (0..ACCOUNTS - 2).step_by(10) {
        let price = i64::from(login) + 1;
        assert_eq!((holds(login, super::BASE), holds(login, super::QUOTE)), (-1, price));
        assert_eq!((holds(login + 2, super::BASE), holds(login + 2, super::QUOTE)), (1, -price));
        assert_eq!((holds(login + 1, super::BASE), holds(login + 1, super::QUOTE)), (0, 0));
    }
    // Tiers look at every account when a day begins, and only those that traded enough the day before change row.
    let mut volume_min = [Amount(i64::MAX); 8];
    (volume_min[0], volume_min[1]) = (Amount(0), Amount(500_000));
    venue
        .send(&Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset: super::QUOTE, volume_min })));
    for (login, other) in [(ACCOUNTS - 1, 7), (8, 7)] {
        venue.enter(Order { login, side: Side::Sell, ticks: 250_000, lots: 1 });
        venue.enter(Order { login: other, side: Side::Buy, ticks: 250_000, lots: 1 });
    }
    venue.at(Timestamp(86_400 * Timestamp::SECOND));
    let changed = venue.send(&Command::Clock(ClockCommand::Tick));
    assert!(
        matches!(changed, [Event::Admin(AdminEvent::TierSet { account: AccountId(8), tier })] if tier.0 == 1),
        "{changed:?}"
    );
    // The last of a million kills its own orders only.
    venue.enter(Order { login: ACCOUNTS - 1, side: Side::Buy, ticks: 1, lots: 1 });
    venue.enter(Order { login: 0, side: Side::Buy, ticks: 1, lots: 1 });
    let scope = dojima::domain::KillScope::Account(AccountId(ACCOUNTS));
    let killed =
        venue.send(&Command::Admin(AdminCommand::Kill { scope, switch: dojima::domain::Switch::On }));
    assert!(
        matches!(killed, [Event::Order(OrderEvent::Canceled(gone)), Event::Admin(AdminEvent::Killed { .. })] if gone.login == LoginId(ACCOUNTS - 1))
    );
    assert_eq!(venue.exchange.orders(FIRST, Side::Buy).count(), 1);
    venue.check_and_clear();
}
