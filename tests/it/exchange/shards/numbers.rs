//! Of two live orders of a login no two have one number, in whatever shards they are.

use super::{Pair, SHARDS, spread_opening};
use crate::exchange::properties::{live_orders, opening};
use dojima::domain::{
    Cancel, ClOrdId, Command, Enter, Event, InstrumentId, LoginId, OrderCommand, OrderEvent, OrderId,
    OrderPrice, Quantity, RefuseReplace, RejectReason, Rejected, Replace, Side, Stamp, UserRef, VenueEvent,
};
use dojima::exchange::Shards;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Orders that were open when a session of their login began (a shard knows of its own alone), and orders that share their number
/// with one of these.
#[derive(Default)]
pub(super) struct Old(BTreeSet<OrderId>);

impl Old {
    pub(super) fn note(&mut self, shards: &Shards, events: &[Event]) {
        for event in events {
            match event {
                Event::Venue(VenueEvent::SessionStarted { login, .. }) => {
                    let open = shards.iter().flat_map(live_orders);
                    self.0.extend(open.filter(|order| order.login == *login).map(|order| order.id));
                }
                // An amend that is like a replace: the number stays.
                Event::Order(OrderEvent::Replaced(e))
                    if e.terms.user_ref == e.orig_user_ref && self.0.contains(&e.orig_order) =>
                {
                    self.0.insert(e.terms.order);
                }
                _ => {}
            }
        }
        // A replace of a number that means an old order in one shard and a young one in another replaces both (docs/RULES.md,
        // "Shards" 4).
        let mut replaced: BTreeMap<(LoginId, UserRef), Vec<OrderId>> = BTreeMap::new();
        for event in events {
            if let Event::Order(OrderEvent::Replaced(e)) = event {
                replaced.entry((e.login, e.terms.user_ref)).or_default().push(e.terms.order);
            }
        }
        let both = replaced.into_values().filter(|orders| orders.len() > 1);
        self.0.extend(both.flatten());
    }

    /// A number of a login means one order.
    pub(super) fn numbers_differ(&self, shards: &Shards) -> Result<(), TestCaseError> {
        let mut named = BTreeMap::new();
        let young = shards.iter().flat_map(live_orders).filter(|order| !self.0.contains(&order.id));
        for order in young {
            let name = (order.login, order.user_ref);
            if let Some(other) = named.insert(name, order.id) {
                return Err(TestCaseError::fail(format!("{name:?} is {other} and {}", order.id)));
            }
        }
        Ok(())
    }
}

const LOGIN: LoginId = LoginId(1);

/// A buy that rests, in the instrument of that number, which is in the shard of that number.
pub fn enter(instrument: u32, number: u32) -> Command {
    Command::Order(OrderCommand::Enter(Enter {
        login: LOGIN,
        user_ref: UserRef(number),
        instrument: InstrumentId(instrument),
        side: Side::Buy,
        price: OrderPrice::Limit(200),
        quantity: Quantity(2),
        ..Enter::default()
    }))
}

pub fn replace(number: u32, by: u32, lots: u64) -> Command {
    Command::Order(OrderCommand::Replace(Replace {
        login: LOGIN,
        orig_user_ref: UserRef(number),
        user_ref: UserRef(by),
        price: OrderPrice::Limit(195),
        quantity: Quantity(lots),
        ..Replace::default()
    }))
}

fn refuse_replace(number: u32, by: u32) -> Command {
    Command::Order(OrderCommand::RefuseReplace(RefuseReplace {
        login: LOGIN,
        session: 0,
        orig_user_ref: UserRef(number),
        user_ref: UserRef(by),
        reason: RejectReason::TagNotSupported,
        cl_ord_id: ClOrdId::default(),
    }))
}

fn cancel(number: u32) -> Command {
    Command::Order(OrderCommand::Cancel(Cancel {
        login: LOGIN,
        session: 0,
        user_ref: UserRef(number),
        quantity: Quantity(0),
    }))
}

/// What the venue, which has done the commands before the last one, answers to it.
fn last_answer(commands: &[Command]) -> Vec<Event> {
    let mut pair = Pair::new();
    let mut told = Vec::new();
    for command in spread_opening().iter().chain(commands) {
        told = pair.apply(Stamp::default(), command).expect("the same");
    }
    told
}

pub fn in_use(number: u32) -> Event {
    Event::Order(OrderEvent::Rejected(Rejected {
        login: LOGIN,
        user_ref: UserRef(number),
        reason: RejectReason::UserRefInUse,
        cl_ord_id: Enter::default().echo.cl_ord_id,
    }))
}

/// Without what is told nobody: that the number is a retransmission to the shard that has used it.
fn heard(mut events: Vec<Event>) -> Vec<Event> {
    events.retain(|event| !matches!(event, Event::Order(OrderEvent::Ignored(_))));
    events
}

/// An order of each of two shards.
fn two() -> Vec<Command> {
    vec![enter(0, 1), enter(2, 2)]
}

fn after_two(commands: &[Command]) -> Vec<Event> {
    last_answer(&[two(), commands.to_vec()].concat())
}

#[test]
fn a_number_that_a_replace_has_used_is_no_new_orders_in_another_shard() {
    assert_eq!(after_two(&[replace(1, 3, 3), enter(2, 3)]), [in_use(3)]);
    assert_eq!(after_two(&[replace(2, 3, 3), enter(0, 3)]), [in_use(3)]);
    // Nor one below it.
    assert_eq!(after_two(&[replace(1, 3, 3), replace(3, 4, 2), enter(2, 3)]), [in_use(3)]);
    // It is used up by that, and the next one is free.
    assert_eq!(heard(after_two(&[replace(1, 3, 3), enter(2, 3), enter(2, 3)])), []);
    let next = after_two(&[replace(1, 3, 3), enter(2, 3), enter(2, 4)]);
    assert!(matches!(next[..], [Event::Order(OrderEvent::Accepted(_))]), "{next:?}");
}

#[test]
fn a_cancel_takes_the_one_order_that_has_the_number() {
    let told = after_two(&[replace(1, 3, 3), enter(2, 3), cancel(3)]);
    assert!(matches!(told[..], [Event::Order(OrderEvent::Canceled(e))] if e.order == OrderId(2)), "{told:?}");
}

/// The order that was to be replaced stays as it was.
#[test]
fn a_number_that_a_replace_has_used_is_no_other_replaces() {
    for refused in [replace(2, 3, 3), refuse_replace(2, 3)] {
        let told = after_two(&[replace(1, 3, 3), refused]);
        assert_eq!(heard(told), [in_use(3)], "{refused:?}");
        let told = after_two(&[replace(1, 3, 3), refused, cancel(2)]);
        assert!(matches!(told[..], [Event::Order(OrderEvent::Canceled(_))]), "{told:?}");
    }
}

/// No shard knows whether another one has used it.
#[test]
fn a_number_of_a_replace_that_came_to_nothing_is_not_used_again() {
    for nothing in [replace(1, 3, 0), refuse_replace(1, 3), replace(9, 3, 3)] {
        for shard in 0..u32::from(SHARDS) {
            let told = after_two(&[nothing, enter(shard, 3)]);
            assert_eq!(told, [in_use(3)], "{nothing:?}");
        }
    }
}

/// A replace that is sent again changes nothing, and what comes after it is new.
#[test]
fn what_is_sent_again_is_no_reuse() {
    let told = after_two(&[replace(1, 3, 3), replace(1, 3, 3), enter(2, 4)]);
    assert!(matches!(told[..], [Event::Order(OrderEvent::Accepted(_))]), "{told:?}");
}

/// One shard knows what became of every number.
#[test]
fn in_one_shard_a_number_that_came_to_nothing_is_used_again() {
    let mut pair = Pair::new();
    let commands = [enter(0, 1), replace(1, 2, 0), enter(0, 2)];
    let mut told = Vec::new();
    for command in opening([0; 4]).into_iter().chain(commands) {
        told = pair.apply(Stamp::default(), &command).expect("the same");
    }
    assert!(matches!(told[..], [Event::Order(OrderEvent::Accepted(_))]), "{told:?}");
}
