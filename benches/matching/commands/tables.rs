//! Commands that make a table grow.

use super::{Bench, GTC, MID, enter_in, order};
use dojima::domain::{
    AdminCommand, Amount, Command, Instructions, InstrumentId, LimitScope, OrderLimits, Phase, Side, Trigger,
    TriggerKind, TriggerReference,
};

pub fn all(bench: &mut Bench) {
    usage(bench);
    extras(bench);
}

/// The first order of an account in an instrument, where what accounts do in instruments is counted.
fn usage(bench: &mut Bench) {
    // The table has grown at powers of two; the next comes with this pair.
    let (logins, instruments) = (1 << 10, 1 << 7);
    let logins = if bench.scale > 1 { 1 << 5 } else { logins };
    let mut venue = bench.venue(16, logins + 1);
    for at in 1..=instruments {
        venue.list(InstrumentId(at), Phase::Continuous);
    }
    let limits = OrderLimits { notional_max: Amount(i64::MAX / 2), ..OrderLimits::default() };
    venue.send(&Command::Admin(AdminCommand::SetOrderLimits {
        scope: LimitScope::Instrument(InstrumentId(1)),
        limits,
    }));
    for at in 0..logins * instruments {
        let (login, instrument) = (at % logins, InstrumentId(1 + at / logins));
        let new = order(u64::from(login), Side::Sell, MID, 1);
        let user_ref = venue.enter_with(new, instrument, GTC, None);
        venue.cancel(login, user_ref);
    }
    for at in 0..2 {
        let new = order(u64::from(logins), Side::Sell, MID, 1);
        let command = enter_in(&mut venue, InstrumentId(1 + at), new, GTC, Instructions::NOTHING);
        let name = format!(
            "first order in an instrument, after {} of accounts and instruments",
            logins * instruments + at
        );
        bench.measure(name, &mut venue, &command);
    }
}

/// Orders that ask for something, one more than at any time before.
fn extras(bench: &mut Bench) {
    let count = if bench.scale > 1 { 1 << 10 } else { 1 << 16 };
    let mut venue = bench.venue(count as u32 + 16, 100);
    let trigger = |at: u64| Trigger {
        kind: TriggerKind::Stop,
        reference: TriggerReference::LastTrade,
        price: 1 + at as u32,
    };
    for at in 0..count + 4 {
        let asked = Instructions { trigger: Some(trigger(at)), ..Instructions::NOTHING };
        let new = order(at % 100, Side::Sell, MID, 1);
        let command = enter_in(&mut venue, InstrumentId(0), new, GTC, asked);
        if at + 2 < count {
            venue.send(&command);
        } else {
            bench.measure(format!("stop number {}, one more than ever", at + 1), &mut venue, &command);
        }
    }
}
