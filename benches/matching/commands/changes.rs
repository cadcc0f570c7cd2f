//! Replaces, amends and cancels of one order.

use super::sweeps::{Partner, crowd, linked_makers};
use super::{ACCOUNT_ORDERS, Bench, GTC, MID, Prices, cancel, order};
use crate::venue::{FIRST, Venue};
use dojima::domain::{
    Amend, Cancel, ClOrdId, Command, Event, Instructions, LoginId, Modify, OrderCommand, OrderEvent,
    OrderPrice, Quantity, RefuseReplace, RejectReason, Replace, Side, UserRef,
};

pub fn all(bench: &mut Bench) {
    deep(bench);
    crossing(bench);
    linked(bench);
    icebergs(bench);
}

fn replace(
    venue: &mut Venue,
    of: UserRef,
    ticks: u64,
    quantity: u64,
    asked: Option<Instructions>,
) -> Command {
    Command::Order(OrderCommand::Replace(Replace {
        login: LoginId(0),
        orig_user_ref: of,
        user_ref: venue.next_user_ref(0),
        time_in_force: GTC,
        price: OrderPrice::Limit(ticks as i64),
        quantity: Quantity(quantity),
        instructions: asked,
        ..Replace::default()
    }))
}

/// One of as many orders as an account may have, at one price and at prices of their own.
fn deep(bench: &mut Bench) {
    for prices in Prices::BOTH {
        let count = bench.sized(ACCOUNT_ORDERS);
        let mut venue = bench.venue(count as u32 + 16, 1);
        let refs: Vec<UserRef> =
            (0..count).map(|at| venue.enter(order(0, Side::Sell, prices.ticks(Side::Sell, at), 9))).collect();
        let at = |share: u64| refs[(count * share / 8) as usize];
        let whereabouts = format!("among {count} {}", prices.name());
        let login = LoginId(0);
        let commands = [
            ("replace to another price", replace(&mut venue, at(1), MID + 7, 9, None)),
            (
                "amend to another price",
                Command::Order(OrderCommand::Amend(Amend {
                    login,
                    session: 0,
                    user_ref: at(2),
                    price: Some(MID as u32 + 7),
                    quantity: Quantity(9),
                })),
            ),
            (
                "amend down",
                Command::Order(OrderCommand::Amend(Amend {
                    login,
                    session: 0,
                    user_ref: at(3),
                    price: None,
                    quantity: Quantity(5),
                })),
            ),
            (
                "modify",
                Command::Order(OrderCommand::Modify(Modify {
                    login,
                    session: 0,
                    user_ref: at(4),
                    side: Side::Sell,
                    quantity: Quantity(5),
                })),
            ),
            (
                "cancel in part",
                Command::Order(OrderCommand::Cancel(Cancel {
                    login,
                    session: 0,
                    user_ref: at(5),
                    quantity: Quantity(5),
                })),
            ),
            ("cancel", cancel(0, at(6))),
            (
                "replace that the gateway refuses",
                Command::Order(OrderCommand::RefuseReplace(RefuseReplace {
                    login,
                    session: 0,
                    orig_user_ref: at(7),
                    user_ref: venue.next_user_ref(0),
                    reason: RejectReason::InvalidPrice,
                    cl_ord_id: ClOrdId::default(),
                })),
            ),
        ];
        for (name, command) in commands {
            let seen = bench.measure(format!("{name} {whereabouts}"), &mut venue, &command);
            seen.has(|event| {
                matches!(
                    event,
                    Event::Order(OrderEvent::Replaced(_) | OrderEvent::Amended(_) | OrderEvent::Canceled(_))
                )
            });
        }
    }
}

/// A change that lets an order trade with as many others as it may.
fn crossing(bench: &mut Bench) {
    for amend in [false, true] {
        let count = crowd(bench);
        let mut venue = bench.venue(2 * count as u32, count as u32 + 1);
        for at in 1..=count {
            venue.enter(order(at, Side::Sell, MID + at, 1));
        }
        let user_ref = venue.enter(order(0, Side::Buy, 1, count - 1));
        let (login, price) = (LoginId(0), Some(2 * MID as u32));
        let command = if amend {
            Command::Order(OrderCommand::Amend(Amend {
                login,
                session: 0,
                user_ref,
                price,
                quantity: Quantity(count - 1),
            }))
        } else {
            replace(&mut venue, user_ref, 2 * MID, count - 1, None)
        };
        let what = if amend { "amend" } else { "replace" };
        let name = format!("{what} that goes through {} orders", count - 1);
        assert_eq!(bench.measure(name, &mut venue, &command).trades(), count - 1);
    }
}

fn linked(bench: &mut Bench) {
    for partner in [Partner::Rests, Partner::Waits] {
        let mut venue = linked_makers(bench, Prices::Many, partner);
        let what = if partner == Partner::Rests { "resting" } else { "waiting" };
        let seen = bench.measure(
            format!("cancel of an order linked to a {what} one"),
            &mut venue,
            &cancel(3, UserRef(1)),
        );
        assert_eq!(seen.canceled(), 2);
        let name = format!("cancel of the {what} one of two linked orders");
        assert_eq!(bench.measure(name, &mut venue, &cancel(4, UserRef(2))).canceled(), 2);
    }
}

fn icebergs(bench: &mut Bench) {
    let count = bench.sized(ACCOUNT_ORDERS);
    let asked = Instructions { display_quantity: 1, ..Instructions::NOTHING };
    let mut venue = bench.venue(count as u32 + 16, 1);
    let refs: Vec<UserRef> = (0..count)
        .map(|_| venue.enter_with(order(0, Side::Sell, MID, 1_000_000), FIRST, GTC, Some(asked)))
        .collect();
    let at = |share: u64| refs[(count * share / 4) as usize];
    let login = LoginId(0);
    let commands = [
        ("cancel of an iceberg", cancel(0, at(1))),
        (
            "amend of an iceberg down to what it shows",
            Command::Order(OrderCommand::Amend(Amend {
                login,
                session: 0,
                user_ref: at(2),
                price: None,
                quantity: Quantity(1),
            })),
        ),
        ("replace of an iceberg", replace(&mut venue, at(3), MID + 1, 2_000_000, Some(asked))),
    ];
    for (name, command) in commands {
        let seen = bench.measure(name, &mut venue, &command);
        seen.has(|event| {
            matches!(
                event,
                Event::Order(OrderEvent::Replaced(_) | OrderEvent::Amended(_) | OrderEvent::Canceled(_))
            )
        });
    }
}
