//! What an account looks at without anything coming of it, by what the engine says that a command has touched.

use super::properties::{Clients, FEW_TOUCHED, cases, queues, rich, touched_at_most};
use dojima::domain::{Command, Event, OrderCommand, OrderEvent, RejectReason, Timestamp};
use dojima::exchange::{Exchange, ExchangeLimits, Progress};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

/// What one account may look at in vain in one second, and what its last order may go beyond it: its levels, and its dry run.
const MOST: u32 = 10 * FEW_TOUCHED;
const BEYOND: u32 = 2 * FEW_TOUCHED;

/// How often orders looked in vain, and were refused for it.
#[derive(Debug, Default)]
struct Seen {
    looked: u32,
    refused: u32,
    most: u32,
}

/// What the cancel of an order with instructions touches.
const OF_CANCEL: u32 = 2;

/// Whether a new order looks for its minimum at once.
fn looks_first(command: &Command) -> bool {
    let Command::Order(OrderCommand::Enter(enter)) = command else { return false };
    let asks = enter.instructions.unwrap_or_default();
    asks.trigger.is_none() && asks.min_quantity > 0
}

fn watch(steps: &[super::properties::Step]) -> Result<Seen, TestCaseError> {
    let limits = touched_at_most(FEW_TOUCHED);
    let mut exchange = Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() });
    rich([0; 4]).iter().for_each(|command| drop(super::apply(&mut exchange, command)));
    let (mut clients, mut seen) = (Clients::new(), Seen::default());
    // By account and second.
    let mut looked: BTreeMap<(u32, u64), u32> = BTreeMap::new();
    for step in steps {
        let (stamp, command) = clients.command(step, &exchange);
        let mut events = Vec::new();
        let (mut progress, mut touched) = (exchange.begin(stamp, &command, &mut events), 0);
        loop {
            touched += exchange.touched();
            if progress == Progress::Done {
                break;
            }
            progress = exchange.proceed(&mut events);
        }
        clients.note(&events);
        let happened = |what: fn(&Event) -> bool| events.iter().any(what);
        let released = happened(|event| matches!(event, Event::Order(OrderEvent::Triggered(_))));
        let traded = happened(|event| matches!(event, Event::Order(OrderEvent::Executed(_))));
        let others = happened(|event| {
            matches!(event, Event::Order(OrderEvent::Canceled(gone))
                if matches!(gone.reason, dojima::domain::CancelReason::SelfTradePrevented(why) if !why.incoming))
        });
        if !looks_first(&command) || released || traded || others {
            continue;
        }
        let sender = command.sender().expect("a client");
        let Some(known) = exchange.logins().get(sender.login.0 as usize) else { continue };
        let refused = happened(
            |event| matches!(event, Event::Order(OrderEvent::Rejected(e)) if e.reason == RejectReason::OrderRateExceeded),
        );
        prop_assert!(!refused || touched == 0, "{command:?} is refused after {touched} touches");
        let of_second = looked.entry((known.account.0, stamp.time.0 / Timestamp::SECOND)).or_default();
        let killed = happened(|event| matches!(event, Event::Order(OrderEvent::Canceled(_))));
        *of_second += touched - if killed { OF_CANCEL } else { 0 };
        prop_assert!(*of_second < MOST + BEYOND, "{of_second} of account {}", known.account.0);
        seen.looked += u32::from(killed);
        seen.refused += u32::from(refused);
        seen.most = seen.most.max(*of_second);
    }
    Ok(seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300), ..ProptestConfig::default() })]

    #[test]
    fn an_account_looks_in_vain_at_no_more_than_it_may(steps in prop::collection::vec(queues::in_vain(), 50..300)) {
        watch(&steps)?;
    }
}

/// Nothing would be bounded where nobody came to the bound.
#[test]
fn a_fixed_run_comes_to_the_bound() {
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(queues::in_vain(), 600);
    let (mut looked, mut refused, mut most) = (0, 0, 0);
    for _ in 0..20 {
        let steps = steps.new_tree(&mut runner).expect("steps").current();
        let seen = watch(&steps).expect("it holds");
        (looked, refused, most) = (looked + seen.looked, refused + seen.refused, most.max(seen.most));
    }
    assert!(looked > 200 && refused > 200 && most > MOST, "{looked} {refused} {most}");
}
