//! The same commands give the same state and the same events, whatever the threads.

use crate::support::commands::Commands;
use crate::support::engines::{logged_events, send, small_config, start, with_two_shards, without_times};
use dojima::config::{Config, Durability};
use dojima::domain::{
    CancelFilter, Command, ConnectionLoss, Event, EventRecord, LoginId, MassCancel, OrderCommand, OrderEvent,
    QueryAccount, ShardId, Side,
};
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

/// What a run came to: the last state, and every event.
type Outcome = (Digest, Vec<EventRecord>);

fn run_on_threads(config: &Config, commands: Vec<Command>) -> Outcome {
    let data = TempDir::new().expect("a temporary directory");
    let mut engine = start(config, data.path());
    send(engine.local(), commands);
    let stopped = engine.stop().expect("an orderly end");
    assert!(stopped.sql_complete);
    (audited(stopped.shards), logged_events(data.path()))
}

fn run_stepped(config: &Config, seed: u64, commands: Vec<Command>) -> Outcome {
    let data = TempDir::new().expect("a temporary directory");
    let mut engine = SteppedEngine::start(config, data.path(), seed).expect("the engine starts");
    for command in commands {
        while engine.handles.local.commands.try_push(command).is_err() {
            engine.stepper.step().expect("a duty cycle");
        }
    }
    let stopped = engine.stop().expect("an orderly end");
    (audited(stopped.shards), logged_events(data.path()))
}

fn on_threads(mode: ThreadingMode, durability: Durability) -> (Digest, Vec<Event>) {
    let (digest, events) = run_on_threads(&small_config(mode, durability), commands());
    (digest, without_times(&events))
}

fn stepped(seed: u64, durability: Durability) -> (Digest, Vec<Event>) {
    let (digest, events) = run_stepped(&small_config(ThreadingMode::Stepped, durability), seed, commands());
    (digest, without_times(&events))
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

/// Orders of either shard, and now and then something that all shards do: a question, and cancels of many orders by their login
/// and by an operator.
fn commands_for_all() -> Vec<Command> {
    let for_all = (0_u32..).map(|at| {
        let login = LoginId(at % 4);
        Command::Order(match at % 3 {
            0 => OrderCommand::QueryAccount(QueryAccount { login, ..QueryAccount::default() }),
            1 => OrderCommand::CancelLogin { login, cause: ConnectionLoss::Disconnected },
            _ => {
                let filter = CancelFilter { side: Some(Side::Sell), ..CancelFilter::default() };
                OrderCommand::MassCancel(MassCancel { filter, ..MassCancel::default() })
            }
        })
    });
    let commands = commands();
    commands.chunks(250).zip(for_all).flat_map(|(some, last)| some.iter().copied().chain([last])).collect()
}

/// The shard that an event about an order, or an answer to a client, is from.
fn shard_of(event: &Event) -> Option<ShardId> {
    match event {
        Event::Order(OrderEvent::Accepted(accepted)) => Some(accepted.terms.order.shard()),
        Event::Order(OrderEvent::Canceled(canceled)) => Some(canceled.order.shard()),
        Event::Order(OrderEvent::Executed(executed)) => Some(executed.trade.shard()),
        _ => None,
    }
}

#[test]
fn nor_do_those_of_several_shards() {
    let config = |mode, durability| with_two_shards(small_config(mode, durability));
    let step =
        |seed, durability| run_stepped(&config(ThreadingMode::Stepped, durability), seed, commands_for_all());
    let run = |mode, durability| run_on_threads(&config(mode, durability), commands_for_all());
    let (digest, records) = step(1, Durability::Sync);
    for shard in [0, 1].map(ShardId) {
        let of_it = |record: &&EventRecord| shard_of(&record.event) == Some(shard);
        let count =
            |kind: fn(&Event) -> bool| records.iter().filter(of_it).filter(|it| kind(&it.event)).count();
        assert!(count(|e| matches!(e, Event::Order(OrderEvent::Executed(_)))) > 200, "trades in {shard}");
        assert!(count(|e| matches!(e, Event::Order(OrderEvent::Canceled(_)))) > 200, "cancels in {shard}");
    }
    // By command, then by shard, without a gap.
    assert!(records.iter().map(|record| record.number).eq(1..=records.len() as u64));
    assert!(records.is_sorted_by_key(|record| record.sequence));
    let mut of_both = 0;
    for of_one_command in records.chunk_by(|one, next| one.sequence == next.sequence) {
        let shards: Vec<ShardId> =
            of_one_command.iter().filter_map(|record| shard_of(&record.event)).collect();
        assert!(shards.is_sorted(), "{of_one_command:?}");
        of_both += usize::from(shards.first() != shards.last());
    }
    assert!(of_both > 3, "{of_both} commands had events of both shards");

    let events = without_times(&records);
    let others = [
        ("stepped, another seed", step(2, Durability::Async)),
        ("shared", run(ThreadingMode::Shared, Durability::Sync)),
        ("shared, async", run(ThreadingMode::Shared, Durability::Async)),
        ("dedicated", run(ThreadingMode::Dedicated, Durability::Sync)),
    ];
    for (name, (other_digest, other_records)) in others {
        assert_eq!(other_digest, digest, "{name}");
        assert!(without_times(&other_records) == events, "{name}: other events");
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
