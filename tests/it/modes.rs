//! The same commands give the same state and the same events, whatever the threads.

use crate::support::commands::Commands;
use crate::support::engines::{logged_events, send, small_config, start, without_times};
use dojima::config::Durability;
use dojima::domain::{Command, Event, OrderEvent};
use dojima::engine::SteppedEngine;
use dojima::exchange::{Digest, Shards};
use dojima::runtime::ThreadingMode;
use tempfile::TempDir;

const COMMANDS: usize = 5_000;

fn commands() -> Vec<Command> {
    Commands::new(7).take(COMMANDS).collect()
}

fn audited(exchange: Option<Shards>) -> Digest {
    let exchange = exchange.expect("the matcher hands back its exchange");
    exchange.audit().expect("all invariants hold");
    exchange.digest()
}

fn on_threads(mode: ThreadingMode, durability: Durability) -> (Digest, Vec<Event>) {
    let data = TempDir::new().expect("a temporary directory");
    let mut engine = start(&small_config(mode, durability), data.path());
    send(engine.local(), commands());
    let stopped = engine.stop().expect("an orderly end");
    assert!(stopped.sql_complete);
    (audited(stopped.shards), without_times(&logged_events(data.path())))
}

fn stepped(seed: u64, durability: Durability) -> (Digest, Vec<Event>) {
    let data = TempDir::new().expect("a temporary directory");
    let config = small_config(ThreadingMode::Stepped, durability);
    let mut engine = SteppedEngine::start(&config, data.path(), seed).expect("the engine starts");
    for command in commands() {
        while engine.handles.local.commands.try_push(command).is_err() {
            engine.stepper.step().expect("a duty cycle");
        }
    }
    let stopped = engine.stop().expect("an orderly end");
    (audited(stopped.shards), without_times(&logged_events(data.path())))
}

#[test]
fn state_and_events_do_not_depend_on_threads_or_durability() {
    let (digest, events) = stepped(1, Durability::Sync);
    let count = |kind: fn(&Event) -> bool| events.iter().filter(|event| kind(event)).count();
    // The flow must reach what it is compared on.
    assert!(count(|e| matches!(e, Event::Order(OrderEvent::Executed(_)))) > 500, "trades");
    assert!(count(|e| matches!(e, Event::Order(OrderEvent::Replaced(_)))) > 100, "replaces");
    assert!(count(|e| matches!(e, Event::Order(OrderEvent::Canceled(_)))) > 500, "cancels");
    assert!(count(|e| matches!(e, Event::Order(OrderEvent::Ignored(_)))) > 100, "ignored messages");

    let others = [
        ("stepped, another seed", stepped(2, Durability::Async)),
        ("shared", on_threads(ThreadingMode::Shared, Durability::Sync)),
        ("shared, async", on_threads(ThreadingMode::Shared, Durability::Async)),
        ("dedicated", on_threads(ThreadingMode::Dedicated, Durability::Sync)),
    ];
    for (name, (other_digest, other_events)) in others {
        assert_eq!(other_digest, digest, "{name}");
        assert!(other_events == events, "{name}: other events");
    }
}

#[test]
fn a_core_that_is_not_there_is_found_before_anything_is_written() {
    let data = TempDir::new().expect("a temporary directory");
    let mut config = small_config(ThreadingMode::Stepped, Durability::Sync);
    config.engine.pin_cores = vec![9_999];
    let refused = SteppedEngine::start(&config, data.path(), 1).err().expect("refused");
    assert!(refused.to_string().contains("core 9999 is not among"), "{refused}");
    assert_eq!(refused.exit_code(), 19);
    assert_eq!(std::fs::read_dir(data.path()).expect("is there").count(), 0);
}
