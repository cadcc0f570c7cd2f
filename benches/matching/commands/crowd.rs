//! Commands of one account among a million orders of others: no cost may grow with them.

use super::{ACCOUNT_ORDERS, Bench, GTC, IOC, MID, cancel, enter, order};
use crate::venue::FIRST;
use dojima::domain::{
    CancelFilter, Command, ConnectionLoss, Event, Instructions, LoginId, MassCancel, OrderCommand,
    OrderEvent, OrderPrice, PostOnly, Quantity, Replace, Side, UserRef,
};
use dojima::runtime::SplitMix64;

/// Open orders of all, as many as the exchange holds.
const ORDERS: u64 = 1 << 20;
/// Prices of a side.
const LEVELS: u64 = 50_000;

pub fn all(bench: &mut Bench) {
    let own = bench.sized(ACCOUNT_ORDERS);
    // One place is left for the order that comes.
    let others = bench.sized(ORDERS) - 2 * own - 1;
    let (logins, mut random) = (others.div_ceil(ACCOUNT_ORDERS), SplitMix64::new(11));
    let mut venue = bench.venue((others + 2 * own + 1) as u32, logins as u32 + 2);
    for at in 0..others {
        let side = [Side::Buy, Side::Sell][(at % 2) as usize];
        let away = 1 + random.remainder(LEVELS);
        let ticks = if side == Side::Buy { MID - away } else { MID + away };
        venue.enter(order(at / ACCOUNT_ORDERS, side, ticks, 1));
    }
    for login in [logins, logins + 1] {
        for _ in 0..own {
            venue.enter(order(login, Side::Sell, MID + 1 + random.remainder(LEVELS), 1));
        }
    }
    let (login, id) = (logins, LoginId(logins as u32));
    let old = UserRef(own as u32 / 2);
    let replaced = Command::Order(OrderCommand::Replace(Replace {
        login: id,
        orig_user_ref: old,
        user_ref: venue.next_user_ref(login as u32),
        time_in_force: GTC,
        price: OrderPrice::Limit((MID + LEVELS / 3) as i64),
        quantity: Quantity(1),
        ..Replace::default()
    }));
    let slides = Instructions { post_only: PostOnly::Slide, ..Instructions::NOTHING };
    let among = format!("among {} orders", others + 2 * own);
    let commands = [
        ("replace", replaced),
        ("cancel", cancel(login, UserRef(own as u32 / 3))),
        // The account has its share of orders but for the one just cancelled.
        (
            "entry of the last that there is room for",
            enter(&mut venue, order(login, Side::Sell, MID + 7, 1), GTC, Instructions::NOTHING),
        ),
        ("cancel", cancel(login, UserRef(own as u32 / 4))),
        ("post-only entry that slides", enter(&mut venue, order(login, Side::Sell, MID - 9, 1), GTC, slides)),
        ("trade", enter(&mut venue, order(login, Side::Sell, MID - LEVELS, 1), IOC, Instructions::NOTHING)),
        (
            "sweep",
            enter(
                &mut venue,
                order(login, Side::Sell, MID - LEVELS, bench.sized(5_000)),
                IOC,
                Instructions::NOTHING,
            ),
        ),
    ];
    for (name, command) in commands {
        let seen = bench.measure(format!("{name} {among}"), &mut venue, &command);
        seen.has(|event| {
            matches!(
                event,
                Event::Order(
                    OrderEvent::Accepted(_)
                        | OrderEvent::Replaced(_)
                        | OrderEvent::Canceled(_)
                        | OrderEvent::Executed(_)
                )
            )
        });
    }
    let mass = MassCancel {
        login: Some(id),
        session: 0,
        user_ref: venue.next_user_ref(login as u32),
        filter: CancelFilter { instrument: Some(FIRST), ..CancelFilter::default() },
    };
    let seen = bench.measure(
        format!("mass cancel {among}"),
        &mut venue,
        &Command::Order(OrderCommand::MassCancel(mass)),
    );
    assert_eq!(seen.canceled(), own);
    let mass = MassCancel { user_ref: venue.next_user_ref(login as u32), ..mass };
    let seen = bench.measure(
        format!("mass cancel of none {among}"),
        &mut venue,
        &Command::Order(OrderCommand::MassCancel(mass)),
    );
    assert_eq!(seen.canceled(), 0);
    let gone = Command::Order(OrderCommand::CancelLogin {
        login: LoginId(login as u32 + 1),
        cause: ConnectionLoss::Disconnected,
    });
    let seen = bench.measure(format!("disconnect {among}"), &mut venue, &gone);
    assert!(seen.canceled() >= own * 9 / 10);
}
