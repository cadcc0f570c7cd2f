//! Phases of contracts that cannot be set yet.

use super::fixed_index::config;
use super::{Rig, SECOND, WEDNESDAY, hours, journaled, live, office_hours, phases, set};
use crate::support::engines::{logged_events, without_times};
use dojima::domain::{
    AdminEvent, ContractEvent, Event, IndexSet, InstrumentId, MarketEvent, Phase, RejectReason,
};
use dojima::engine::SteppedEngine;
use dojima::runtime::{ManualClock, UnixNanos};
use dojima::stages::phases::phase_answers;
use tempfile::TempDir;

fn price() -> Event {
    Event::Contract(ContractEvent::IndexSet(IndexSet::default()))
}

fn refused(reason: RejectReason) -> Event {
    Event::Admin(AdminEvent::Refused { reason })
}

fn is_set(instrument: u32, phase: Phase) -> Event {
    Event::Market(MarketEvent::PhaseSet { instrument: InstrumentId(instrument), phase })
}

#[test]
fn a_phase_that_was_refused_is_asked_for_again_when_an_index_has_a_price() {
    let now = WEDNESDAY + 9 * super::HOUR;
    let (notes, answers) = phase_answers(vec![InstrumentId(3)]);
    let mut rig = Rig::new(64, now, hours(vec![office_hours(3, Phase::Closed)]));
    rig.timer = rig.timer.hearing(answers);
    let opens = [set(3, Phase::Continuous)];
    let after = |rig: &mut Rig, seconds: u64| {
        rig.clock.advance(seconds * SECOND);
        rig.asked()
    };
    assert_eq!(rig.asked(), opens);
    assert_eq!(after(&mut rig, 5), [], "no answer");
    notes.note(&refused(RejectReason::UnknownInstrument));
    assert_eq!(after(&mut rig, 5), [], "that was the answer to something else");
    notes.note(&refused(RejectReason::ContractIncomplete));
    assert_eq!(after(&mut rig, 5), [], "there is no price");
    notes.note(&price());
    assert_eq!(after(&mut rig, 1), opens);
    assert_eq!(after(&mut rig, 1), []);
    // Refused again: it rests for 2 s, then for 4 s, and so on, and each time waits for a price.
    for rest in [2, 4, 8, 16, 32, 60, 60] {
        notes.note(&refused(RejectReason::IndexStale));
        notes.note(&price());
        assert_eq!(after(&mut rig, rest - 2), [], "{rest} s");
        assert_eq!(after(&mut rig, 2), opens, "{rest} s");
    }
    // The phase of another instrument is nothing; its own, whoever set it, ends the matter.
    notes.note(&is_set(4, Phase::Continuous));
    notes.note(&is_set(3, Phase::Halted));
    notes.note(&refused(RejectReason::IndexStale));
    notes.note(&price());
    assert_eq!(after(&mut rig, 600), []);
    // The next entry asks anew, and takes the place of one that was refused.
    assert_eq!(after(&mut rig, 7 * 3_600), [set(3, Phase::Closed)]);
}

#[test]
fn a_contract_whose_index_has_its_first_price_later_opens_then() {
    let data = TempDir::new().expect("a temporary directory");
    let mut without = config();
    without.indexes[0].fixed_price = None;
    without.timers.tick_interval_ms = 1_000;
    let clock = ManualClock::new(UnixNanos(WEDNESDAY + SECOND));
    let mut engine = SteppedEngine::start_at(&without, data.path(), 5, &clock).expect("the engine starts");
    let run = |engine: &mut SteppedEngine, seconds: u64| {
        for _ in 0..seconds {
            clock.advance(SECOND);
            engine.stepper.run_until_idle(100_000).expect("no fatal error");
        }
    };
    run(&mut engine, 5);
    let opens = set(2, Phase::Continuous);
    let asked =
        |data: &std::path::Path| phases(&journaled(data)).iter().filter(|(_, it)| *it == opens).count();
    let price = |after| super::fixed_index::price(0, 5_000_000, WEDNESDAY + SECOND + after * SECOND);
    engine.handles.local.commands.try_push(price(5)).expect("room");
    run(&mut engine, 5);
    engine.stop().expect("an orderly end");
    assert_eq!(asked(data.path()), 2, "once at the start, in vain, and once when there was a price");
    let events = without_times(&logged_events(data.path()));
    let position = |event: &Event| events.iter().position(|it| it == event).expect("it happened");
    let refusal = position(&refused(RejectReason::ContractIncomplete));
    let opened = position(&is_set(2, Phase::Continuous));
    let taken = events.iter().position(|event| matches!(event, Event::Contract(ContractEvent::IndexSet(_))));
    assert!(refusal < taken.expect("a price") && taken < Some(opened));
    // A start that finds it open asks for nothing.
    live(&without, data.path(), WEDNESDAY + 60 * SECOND, WEDNESDAY + 60 * SECOND);
    assert_eq!(asked(data.path()), 2);
}
