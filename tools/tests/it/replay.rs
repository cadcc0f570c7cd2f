//! `replay`.

use crate::commands::Commands;
use crate::engines::{send, small_config, start};
use crate::recorded::*;
use dojima::config::Durability;
use dojima::domain::{
    Command, Enter, Event, Instructions, OrderCommand, OrderPrice, Quantity, TimeInForce, UserRef,
    VenueCommand, VenueEvent,
};
use dojima::engine::SteppedEngine;
use dojima::runtime::{ManualClock, ThreadingMode, UnixNanos};
use std::path::Path;

/// A configuration with small files.
fn config(dir: &Path) -> String {
    let path = dir.join("engine.toml");
    let config = small_config(ThreadingMode::Shared, Durability::Async);
    std::fs::write(&path, config.to_toml().expect("a configuration")).expect("written");
    arg(&path)
}

#[test]
fn the_same_commands_give_the_same_events() {
    let folder = tempfile::tempdir().expect("a directory");
    let (config, again) = (config(folder.path()), arg(&folder.path().join("again")));
    let out = good(["replay", &arg(&DATA), "--config", &config, "--data", &again]);
    assert!(out.contains("all as recorded") && out.contains("the same"), "{out}");
    assert!(out.contains("with all of it"), "SQL too: {out}");
    // Journal and event log of the new engine are those of the old one, times apart.
    good(["diff", &arg(&DATA), &again, "--times", "ignore"]);
    good(["diff", &arg(&DATA), &again, "--events", "--times", "ignore"]);
    let twice = tool(["replay", &arg(&DATA), "--config", &config, "--data", &again]);
    assert!(twice.code == 2 && twice.err.contains("is not empty"), "{twice:?}");
}

#[test]
fn checkpoints_are_the_new_engine_s_own() {
    let folder = tempfile::tempdir().expect("a directory");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("made");
    let mut config = small_config(ThreadingMode::Shared, Durability::Async);
    config.snapshots.checkpoint_every_commands = 500;
    let mut engine = start(&config, &data);
    send(engine.local(), Commands::new(11).take(4_000));
    let checkpoints = || {
        let events = events_in(&data.join("events"));
        events
            .iter()
            .filter(|record| matches!(record.event, Event::Venue(VenueEvent::Checkpointed(_))))
            .count()
    };
    // They come a moment later than the commands, from another thread.
    let started = std::time::Instant::now();
    while checkpoints() == 0 {
        assert!(started.elapsed() < std::time::Duration::from_secs(120), "no checkpoint comes");
        std::thread::yield_now();
    }
    engine.stop().expect("it stops");
    let recorded = checkpoints();
    let file = folder.path().join("engine.toml");
    std::fs::write(&file, config.to_toml().expect("a configuration")).expect("written");
    let out = good(["replay", &arg(&data), "--config", &arg(&file)]);
    assert!(out.contains(&format!("left out    {recorded} checkpoint")), "{out}");
    assert!(out.contains("all as recorded"), "{out}");
}

#[test]
fn a_multiple_of_the_recorded_speed_takes_its_time() {
    let folder = tempfile::tempdir().expect("a directory");
    // 128 commands after the opening, one a second.
    let journal = small_journal(160);
    let config = config(folder.path());
    let started = std::time::Instant::now();
    let out = good(["replay", &arg(journal.path()), "--speed", "200", "--config", &config]);
    let opening = commands_in(journal.path())
        .iter()
        .position(|recorded| matches!(recorded.command, Command::Venue(VenueCommand::Open { .. })))
        .expect("an opening") as u64
        + 1;
    let spanned = std::time::Duration::from_secs(160 - opening - 1);
    assert!(started.elapsed() >= spanned / 200, "not faster than it was told");
    assert!(out.contains("all as recorded") && out.contains("late "), "{out}");
}

#[test]
fn a_part_can_be_replayed_but_not_before_the_venue_is_open() {
    let folder = tempfile::tempdir().expect("a directory");
    let config = config(folder.path());
    let out = good(["replay", &arg(&DATA), "--to", "500", "--config", &config]);
    assert!(out.contains("all as recorded"), "{out}");
    let early = tool(["replay", &arg(&DATA), "--to", "5", "--config", &config]);
    assert!(early.code == 2 && early.err.contains("is not open after"), "{early:?}");
    let events = tool(["replay", &arg(&DATA), "--events", "--config", &config]);
    assert!(events.code == 2 && events.err.contains("only the commands"), "{events:?}");
}

#[test]
fn what_depends_on_the_time_is_said_to() {
    let folder = tempfile::tempdir().expect("a directory");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("made");
    // Recorded in 2020: an order that was good until 2021.
    let clock = ManualClock::new(UnixNanos(1_577_836_800_000_000_000));
    let config_then = small_config(ThreadingMode::Stepped, Durability::Async);
    let mut engine = SteppedEngine::start_at(&config_then, &data, 1, &clock).expect("it starts");
    let enter = Enter {
        user_ref: UserRef(1),
        time_in_force: TimeInForce::GoodTillTime,
        price: OrderPrice::Limit(6_000_000),
        quantity: Quantity(1_000),
        instructions: Some(Instructions { expire_s: 1_609_459_200, ..Instructions::NOTHING }),
        ..Enter::default()
    };
    assert!(engine.handles.local.commands.try_push(Command::Order(OrderCommand::Enter(enter))).is_ok());
    engine.stop().expect("it stops");
    let events = events_in(&data.join("events"));
    assert!(matches!(
        events.last().expect("events").event,
        dojima::domain::Event::Order(dojima::domain::OrderEvent::Accepted(_))
    ));
    let said = tool(["replay", &arg(&data), "--config", &config(folder.path())]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("1 recorded command asks for something that depends on the time"), "{said:?}");
    let of = |who: &str| said.out.lines().find(|line| line.starts_with(who)).expect("a line");
    assert!(of("  recorded  ").contains("accepted") && of("  replayed  ").contains("rejected"), "{said:?}");
}
