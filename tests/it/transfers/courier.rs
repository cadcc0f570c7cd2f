//! The courier, and the sequencer that takes arrivals from it alone.

use super::{ALICE, CASH, ONE, TWO};
use crate::support::engines::{logged_events, small_config, with_two_shards};
use dojima::config::{Config, Durability};
use dojima::domain::{
    AdminCommand, Amount, ClockCommand, Command, OrderCommand, Sequenced, ShardTransfer, Stamp, TransferOut,
};
use dojima::engine::SteppedEngine;
use dojima::ring::{Consumer, cursor, spsc};
use dojima::runtime::{Agent, Counters, Fatal, ManualClock, StampClock, ThreadingMode, UnixNanos};
use dojima::stages::courier::{Courier, CourierPorts};
use dojima::stages::sequencer::{Sequencer, SequencerPorts};
use dojima_journal::MemoryStorage;
use std::sync::Arc;
use tempfile::TempDir;

fn transfer(number: u64) -> ShardTransfer {
    ShardTransfer { from: ONE, to: TWO, number, account: ALICE, asset: CASH, amount: Amount(5) }
}

fn taken(from: &mut Consumer<ShardTransfer>, count: usize) -> Vec<u64> {
    let batch = from.batch(count);
    let numbers: Vec<u64> = batch.iter().map(|transfer| transfer.number).collect();
    batch.release(numbers.len());
    numbers
}

#[test]
fn a_full_ring_holds_the_courier_back_and_loses_nothing() {
    let (arrivals, mut sequencer) = spsc(4);
    let (_, archived) = cursor();
    let ports = CourierPorts { archived, arrivals, downstream: Vec::new() };
    let log = Arc::new(MemoryStorage::new());
    let outbox = (1..=10).map(transfer);
    let mut courier = Courier::new(ports, log, outbox, 0, &Counters::new()).expect("an empty log");
    assert_eq!(courier.do_work(), Ok(4), "as many as fit");
    assert_eq!(courier.do_work(), Ok(0), "and no more, without waiting");
    assert_eq!(taken(&mut sequencer, 3), [1, 2, 3]);
    assert_eq!(courier.do_work(), Ok(3));
    assert_eq!(taken(&mut sequencer, 8), [4, 5, 6, 7]);
    courier.control().stop();
    assert_eq!(courier.do_work(), Ok(0), "it was stopped");
    assert!(taken(&mut sequencer, 8).is_empty());
}

/// The destination of a transfer cannot check it, so nobody else may say that one arrives.
#[test]
fn an_arrival_that_is_not_the_couriers_ends_the_engine() {
    for of_courier in [true, false] {
        let (mut arrivals, courier) = spsc(4);
        let (mut inbound, source) = spsc(4);
        let (commands, mut out): (_, Consumer<Sequenced>) = spsc(16);
        let ports = SequencerPorts {
            sources: vec![source],
            operator: None,
            courier: Some(courier),
            commands,
            space: Vec::new(),
            lags: None,
            downstream: Vec::new(),
        };
        let counters = Counters::new();
        let stamps = StampClock::new(&ManualClock::default(), UnixNanos(0), &counters);
        let mut sequencer = Sequencer::new(ports, stamps, Stamp::default(), &counters);
        let arrival = Command::Admin(AdminCommand::TransferIn(transfer(1)));
        let tick = Command::Clock(ClockCommand::Tick);
        inbound.try_push(tick).expect("room");
        if of_courier {
            arrivals.try_push(transfer(1)).expect("room");
            assert_eq!(sequencer.do_work(), Ok(2));
        } else {
            inbound.try_push(arrival).expect("room");
            let ended = sequencer.do_work().expect_err("it ends the engine");
            assert!(matches!(ended, Fatal::Invariant { .. }), "{ended}");
        }
        let batch = out.batch(8);
        let expected = if of_courier { vec![arrival, tick] } else { vec![tick] };
        assert_eq!(batch.iter().map(|it| it.command).collect::<Vec<_>>(), expected);
    }
}

fn config(durability: Durability) -> Config {
    let mut config = with_two_shards(small_config(ThreadingMode::Stepped, durability));
    config.market_data.enabled = false;
    config
}

/// An orderly stop leaves money on its way if it comes between the two commands; the next start brings it to its end.
#[test]
fn a_stop_between_out_and_in_is_finished_by_the_next_start() {
    for durability in [Durability::Sync, Durability::Async] {
        let (config, data) = (config(durability), TempDir::new().expect("a temporary directory"));
        let mut engine = SteppedEngine::start(&config, data.path(), 3).expect("the engine starts");
        engine.handles.courier.as_ref().expect("there are two shards").stop();
        for reference in 11..14 {
            let (account, asset, amount) = (ALICE, CASH, Amount(5));
            let out = TransferOut {
                account,
                asset,
                amount,
                from: ONE,
                to: TWO,
                reference,
                ..TransferOut::default()
            };
            let command = Command::Order(OrderCommand::TransferOut(out));
            engine.handles.local.commands.try_push(command).expect("room");
        }
        engine.stepper.run_until_idle(usize::MAX).expect("it comes to rest");
        let stopped = engine.stop().expect("an orderly end").shards.expect("their state");
        assert_eq!(stopped.in_flight().map(|it| it.number).collect::<Vec<_>>(), [1, 2, 3]);
        for _ in 0..2 {
            let mut engine = SteppedEngine::start(&config, data.path(), 4).expect("the engine starts");
            assert!(engine.report.snapshot.is_some(), "from the snapshot of the stop");
            engine.stepper.run_until_idle(usize::MAX).expect("it comes to rest");
            let ended = engine.stop().expect("an orderly end").shards.expect("their state");
            assert_eq!((ended.in_flight().count(), ended.audit()), (0, Ok(())));
        }
        let events = logged_events(data.path());
        let received = events.iter().filter(|it| it.event.name() == "TransferReceived").count();
        assert_eq!(received, 3, "each once");
    }
}
