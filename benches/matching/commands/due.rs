//! What is due before a command, whoever sends it.

use super::{ACCOUNT_ORDERS, Bench, GTC, IOC, MID, cancel, enter, order};
use crate::venue::{FIRST, QUOTE, Venue};
use dojima::domain::{
    AccountId, AdminCommand, Amount, CancelReason, Command, Event, FeeTier, Instructions, InstrumentId,
    LoginId, OrderCommand, OrderEvent, Owner, Phase, Ppm, Protection, QueryAccount, Question, SelfTrade,
    SelfTradePrevention, Side, TimeInForce, Timestamp, UserRef, VenueCommand, VolumeTiers,
};

const DAY: u64 = 86_400 * Timestamp::SECOND;
/// A midnight.
const BEGIN: u64 = 20_000 * DAY;

/// The command that comes when something is due.
fn query() -> Command {
    Command::Order(OrderCommand::QueryAccount(QueryAccount {
        login: LoginId(0),
        session: 0,
        cancel_after_ms: None,
        asks: Question::Nothing,
    }))
}

pub fn all(bench: &mut Bench) {
    midnight(bench);
    expiries(bench);
    among_expiries(bench);
    switches(bench);
    interruption(bench);
    own_interruption(bench);
    everything(bench);
}

fn tiers(venue: &mut Venue) {
    let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
    volume_min[..3].copy_from_slice(&[Amount(0), Amount(1), Amount(1_000_000_000)]);
    venue.send(&Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset: QUOTE, volume_min })));
}

/// The first command of a day, with very many accounts whose row follows from their volume.
fn midnight(bench: &mut Bench) {
    let (accounts, traders) = (bench.sized(100_000), bench.sized(5_000));
    let mut venue = bench.venue(traders as u32 + 16, traders as u32 + 1);
    venue.at(Timestamp(BEGIN + DAY - Timestamp::SECOND));
    for account in traders + 2..accounts {
        venue.send(&Command::Venue(VenueCommand::OpenAccount { account: AccountId(account as u32) }));
    }
    tiers(&mut venue);
    // Those who traded come to another row.
    for at in 0..traders {
        venue.enter(order(at, Side::Sell, MID, 1));
    }
    venue.enter(order(traders, Side::Buy, MID, traders));
    venue.at(Timestamp(BEGIN + DAY));
    let seen = bench.measure(format!("first of a day, {accounts} accounts with tiers"), &mut venue, &query());
    seen.has(|event| matches!(event, Event::Order(OrderEvent::AccountState { .. })));
}

fn good_till(expire_s: u64) -> Instructions {
    Instructions { expire_s: expire_s as u32, ..Instructions::NOTHING }
}

/// Accounts that share so many orders, and the login after them.
fn owners(count: u64) -> u64 {
    count.div_ceil(ACCOUNT_ORDERS)
}

/// Sells that end at a second, each at a price of its own.
fn enter_expiring(venue: &mut Venue, count: u64, expire_s: u64) {
    for at in 0..count {
        let sell = order(at / ACCOUNT_ORDERS, Side::Sell, MID + at * 7_919 % count, 1);
        venue.enter_with(sell, FIRST, TimeInForce::GoodTillTime, Some(good_till(expire_s)));
    }
}

fn expiries(bench: &mut Bench) {
    let count = bench.sized(10_000);
    let mut venue = bench.venue(count as u32 + 16, owners(count) as u32);
    venue.at(Timestamp(BEGIN));
    let ends = BEGIN / Timestamp::SECOND + 10;
    enter_expiring(&mut venue, count, ends);
    venue.at(Timestamp(ends * Timestamp::SECOND));
    let seen = bench.measure(format!("first when {count} good-till-time orders end"), &mut venue, &query());
    assert_eq!(seen.canceled_as(CancelReason::Expired), count);
}

/// One that comes and goes among many.
fn among_expiries(bench: &mut Bench) {
    let count = bench.sized(100_000);
    let mut venue = bench.venue(count as u32 + 16, owners(count) as u32 + 1);
    venue.at(Timestamp(BEGIN));
    let ends = BEGIN / Timestamp::SECOND + 10;
    enter_expiring(&mut venue, count, ends);
    let login = owners(count);
    let sell = order(login, Side::Sell, 4 * MID, 1);
    let command = enter(&mut venue, sell, TimeInForce::GoodTillTime, good_till(ends - 1));
    let seen = bench.measure(format!("good-till-time order among {count}"), &mut venue, &command);
    seen.has(|event| matches!(event, Event::Order(OrderEvent::Accepted(_))));
    let name = format!("cancel of a good-till-time order among {count}");
    assert_eq!(bench.measure(name, &mut venue, &cancel(login, UserRef(1))).canceled(), 1);
}

/// Logins with a dead-man's switch, each with one order.
fn set_switches(venue: &mut Venue, logins: u64, after_ms: u32) {
    for login in 0..logins {
        venue.enter(order(login, Side::Sell, MID + login * 7_919 % logins, 1));
        let query = QueryAccount {
            login: LoginId(login as u32),
            session: 0,
            cancel_after_ms: Some(after_ms),
            asks: Question::Nothing,
        };
        venue.send(&Command::Order(OrderCommand::QueryAccount(query)));
    }
}

fn switches(bench: &mut Bench) {
    let logins = bench.sized(2_000);
    let mut venue = bench.venue(logins as u32 + 16, logins as u32);
    venue.at(Timestamp(BEGIN));
    set_switches(&mut venue, logins, 1_000);
    let again = Command::Order(OrderCommand::QueryAccount(QueryAccount {
        login: LoginId(1),
        session: 0,
        cancel_after_ms: Some(1_000),
        asks: Question::Nothing,
    }));
    let seen = bench.measure(format!("account query that sets a switch among {logins}"), &mut venue, &again);
    seen.has(|event| matches!(event, Event::Order(OrderEvent::AccountState { .. })));
    venue.at(Timestamp(BEGIN + Timestamp::SECOND));
    let seen = bench.measure(format!("first when {logins} dead-man's switches go off"), &mut venue, &query());
    assert_eq!(seen.canceled_as(CancelReason::DeadMansSwitch), logins);
}

fn bands(venue: &mut Venue) {
    let protection = Protection {
        reference: MID as u32,
        static_band: Ppm(100_000),
        interruption_s: 60,
        ..Protection::default()
    };
    venue.send(&Command::Admin(AdminCommand::SetProtection { instrument: FIRST, protection }));
}

/// Interrupts the first instrument and lets orders gather on both sides that all cross.
fn interrupt(venue: &mut Venue, login: u64, count: u64) {
    bands(venue);
    venue.enter(order(login, Side::Sell, 2 * MID, 1));
    venue.enter(order(login, Side::Buy, 2 * MID, 1));
    for at in 0..count {
        venue.enter(order(login + 1 + at / ACCOUNT_ORDERS, Side::Sell, MID - at, 1));
        venue.enter(order(login + 1 + owners(count) + at / ACCOUNT_ORDERS, Side::Buy, MID + at, 1));
    }
}

fn interruption(bench: &mut Bench) {
    let count = bench.sized(10_000);
    let mut venue = bench.venue(4 * count as u32 + 16, 2 * owners(count) as u32 + 2);
    venue.at(Timestamp(BEGIN));
    interrupt(&mut venue, 0, count);
    venue.at(Timestamp(BEGIN + 60 * Timestamp::SECOND));
    let name = format!("first when an interruption ends with {count} orders a side");
    assert_eq!(bench.measure(name, &mut venue, &query()).trades(), count);
}

/// Own orders that are kept from trading with one another, each in another round if the price were looked for so often.
fn own_interruption(bench: &mut Bench) {
    let count = bench.sized(ACCOUNT_ORDERS) / 2;
    let mut venue = bench.venue(4 * count as u32 + 16, 3);
    venue.at(Timestamp(BEGIN));
    bands(&mut venue);
    venue.enter(order(1, Side::Sell, 2 * MID, 1));
    venue.enter(order(1, Side::Buy, 2 * MID, 1));
    for at in 0..count - 1 {
        venue.enter(order(0, Side::Buy, MID + 2 * count - at, count));
    }
    let self_trade = Some(SelfTradePrevention { mode: SelfTrade::CancelOldest, owner: Owner::Account });
    let asked = Instructions { self_trade, ..Instructions::NOTHING };
    for at in 0..count - 1 {
        venue.enter_with(order(0, Side::Sell, MID - at, 1), FIRST, GTC, Some(asked));
    }
    venue.at(Timestamp(BEGIN + 60 * Timestamp::SECOND));
    let name = format!("first when an interruption ends with {} own orders a side", count - 1);
    let seen = bench.measure(name, &mut venue, &query());
    assert_eq!((seen.canceled(), seen.trades()), (count - 1, 1));
}

/// All at once, and then an order that trades.
fn everything(bench: &mut Bench) {
    let (expiring, logins) = (bench.sized(10_000), bench.sized(2_000));
    let gathered = bench.sized(10_000);
    let first = logins + owners(expiring);
    let mut venue = bench
        .venue((expiring + logins + 3 * gathered) as u32 + 64, (first + 2 * owners(gathered)) as u32 + 3);
    let ends = BEGIN / Timestamp::SECOND + 86_400;
    venue.at(Timestamp(ends * Timestamp::SECOND - 60 * Timestamp::SECOND));
    tiers(&mut venue);
    venue.list(InstrumentId(1), Phase::Continuous);
    for at in 0..expiring {
        let sell = order(logins + at / ACCOUNT_ORDERS, Side::Sell, MID + at, 1);
        let second = InstrumentId(1);
        venue.enter_with(sell, second, TimeInForce::GoodTillTime, Some(good_till(ends)));
    }
    set_switches_in_second(&mut venue, logins);
    interrupt(&mut venue, first, gathered);
    venue.at(Timestamp(ends * Timestamp::SECOND));
    let login = first + 2 * owners(gathered) + 2;
    let command = enter(&mut venue, order(login, Side::Buy, MID, 1), IOC, Instructions::NOTHING);
    let name = "first when all of this is due at midnight";
    let seen = bench.measure(name, &mut venue, &command);
    assert_eq!(seen.trades(), gathered);
}

fn set_switches_in_second(venue: &mut Venue, logins: u64) {
    for login in 0..logins {
        let buy = order(login, Side::Buy, 1 + login, 1);
        venue.enter_with(buy, InstrumentId(1), GTC, None);
        let query = QueryAccount {
            login: LoginId(login as u32),
            session: 0,
            cancel_after_ms: Some(60_000),
            asks: Question::Nothing,
        };
        venue.send(&Command::Order(OrderCommand::QueryAccount(query)));
    }
}
