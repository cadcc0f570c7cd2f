//! Messages of clients that arrive in another session than the one that they were sent in.

use super::settings::session;
use super::{Clients, Pair, Step, cases, everything, rich, subjects, touched_at_most};
use dojima::domain::{
    Command, Event, IgnoreReason, Ignored, LoginId, OrderCommand, OrderEvent, Sender, Stamp, UserRef,
    VenueCommand,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happens {
    /// Something new is done.
    Step(Step),
    /// A message that was sent before comes once more, as it was, its session with it.
    Again(prop::sample::Index),
}

fn happens(steps: BoxedStrategy<Step>) -> impl Strategy<Value = Happens> {
    let roll = session().prop_map(|action| Happens::Step(Step { wait: 0, action }));
    prop_oneof![
        8 => steps.prop_map(Happens::Step),
        4 => any::<prop::sample::Index>().prop_map(Happens::Again),
        1 => roll,
    ]
}

/// The numbers of the login's messages that the event says were taken up.
fn taken_up(event: &Event) -> Option<(LoginId, UserRef)> {
    match event {
        Event::Order(OrderEvent::Accepted(e)) => Some((e.login, e.terms.user_ref)),
        Event::Order(OrderEvent::Rejected(e)) => Some((e.login, e.user_ref)),
        Event::Order(OrderEvent::Replaced(e)) => Some((e.login, e.terms.user_ref)),
        Event::Order(OrderEvent::MassCanceled { login: Some(login), user_ref, .. }) => {
            Some((*login, *user_ref))
        }
        Event::Order(OrderEvent::OrderEntrySet(e)) => Some((e.login, e.user_ref)),
        _ => None,
    }
}

/// Applies a client's message of another session than the login's present one: it says that it was ignored, and nothing is
/// another than before.
fn changes_nothing(pair: &mut Pair, stamp: Stamp, command: &Command) -> Result<(), TestCaseError> {
    let Sender { login, session, user_ref } = command.sender().expect("a client's");
    let reason = IgnoreReason::OtherSession;
    let before = pair.exchange.digest();
    let events = pair.apply(stamp, command)?;
    prop_assert_eq!(
        &events,
        &[Event::Order(OrderEvent::Ignored(Ignored { login, session, user_ref, reason }))]
    );
    prop_assert_eq!(pair.exchange.digest(), before, "after {:?}", command);
    Ok(())
}

/// The login's present session, if there is such a login.
fn present(pair: &Pair, login: LoginId) -> Option<u32> {
    pair.exchange.logins().get(login.0 as usize).map(|known| known.session)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(150), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// Whatever a client's message asks, in another session nothing comes of it, and in its own what always did.
    #[test]
    fn a_message_of_another_session_changes_nothing(
        steps in prop::collection::vec(everything(), 20..120),
        off in 1_u32..=u32::MAX,
    ) {
        let mut pair = Pair::opened(&rich([10, 20, 30, 40]), touched_at_most(5_000), false)?;
        let mut clients = Clients::new();
        for step in &steps {
            let (stamp, command) = clients.command(step, &pair.exchange);
            // What is due at this time is done before, so that it is not the message that does it.
            pair.apply(stamp, &Command::Venue(VenueCommand::Checkpoint(Default::default())))?;
            if let Some(session) = command.sender().and_then(|sender| present(&pair, sender.login)) {
                for other in [session.wrapping_add(off), session.wrapping_sub(1), session.wrapping_add(1)] {
                    changes_nothing(&mut pair, stamp, &command.in_session(other))?;
                }
            }
            let events = pair.apply(stamp, &command)?;
            clients.note(&events);
        }
    }

    /// However often and however late a message comes again: its number is taken up once at most in its session, and in
    /// no other.
    #[test]
    fn a_retransmission_is_executed_at_most_once_over_rolls(
        all in prop::collection::vec(happens(subjects::limits()), 40..200),
    ) {
        let mut pair = Pair::opened(&rich([10, 20, 30, 40]), touched_at_most(5_000), false)?;
        let mut clients = Clients::new();
        let (mut stamp, mut sent, mut taken) = (Stamp::default(), Vec::new(), BTreeSet::new());
        for one in &all {
            let command = match one {
                Happens::Step(step) => {
                    let (now, command) = clients.command(step, &pair.exchange);
                    stamp = now;
                    pair.apply(stamp, &Command::Venue(VenueCommand::Checkpoint(Default::default())))?;
                    command
                }
                Happens::Again(_) if sent.is_empty() => continue,
                Happens::Again(which) => sent[which.index(sent.len())],
            };
            let sender = command.sender();
            let session = sender.and_then(|sender| present(&pair, sender.login));
            if sender.is_some_and(|sender| session.is_some_and(|session| session != sender.session)) {
                changes_nothing(&mut pair, stamp, &command)?;
                continue;
            }
            sent.extend(sender.map(|_| command));
            let events = pair.apply(stamp, &command)?;
            clients.note(&events);
            // An amend takes up no number, and may replace an order under the one that it has.
            let taken_up = events.iter().filter_map(taken_up).filter(|_| !matches!(command, Command::Order(OrderCommand::Amend(_))));
            for (login, user_ref) in taken_up {
                let session = present(&pair, login).expect("a login that is told something");
                prop_assert!(
                    taken.insert((login, session, user_ref)),
                    "message {} of login {} in session {} was taken up twice", user_ref, login, session
                );
            }
        }
    }
}
