//! How long a start takes after a crash.
//!
//! A journal of the commands of `mix` is written with its event log, as a killed engine leaves them, and then an engine is
//! started on it: scans, replay, comparison of every event with the log. The floor is the same list applied to an exchange
//! that is in memory. `cargo bench --bench recovery` does 10 million commands (about 4 GB of temporary files); under `cargo
//! test` a short list runs and only the digests count.

mod mix;
#[path = "pipeline/venue.rs"]
mod venue;

use dojima::domain::{Command, Stamp, Timestamp, codec};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::recovery::{DataDir, Progress, replay};
use dojima::replica::State;
use dojima_journal::{Options, Writer, scan_storage};
use mix::Market;
use std::sync::Arc;
use std::time::{Duration, Instant};
use venue::{config, directly};

const COMMANDS_FULL: usize = 10_000_000;
const ROUNDS_FULL: usize = 3;
const COMMANDS_SMALL: usize = 5_000;

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (count, rounds) = if full { (COMMANDS_FULL, ROUNDS_FULL) } else { (COMMANDS_SMALL, 1) };
    let config = config();
    let opening = config.opening_commands().expect("a valid venue");
    let opened = directly(&config, &[]).0;
    let (fill, commands, _) = Market::on(opened.shards.first().clone()).lists(count);
    let commands = [fill, commands].concat();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let data = DataDir::new(folder.path());
    write(&data, &[opening, commands.clone()].concat());

    let (state, floor) = directly(&config, &commands);
    let digest = state.shards.digest();
    println!("{} commands, {} events, digest {digest}", state.last.sequence, state.last_event);
    println!("{:<44} {:>9} {:>14} {:>8}", "", "best", "commands/s", "floor");
    print("exchange alone (floor)", commands.len(), floor, floor);
    best("journal: scan", rounds, commands.len(), floor, || {
        let scanned = scan_storage(Arc::clone(data.journal())).expect("scanned");
        assert_eq!(scanned.next_sequence(), state.last.sequence + 1);
    });
    best("event log: scan", rounds, commands.len(), floor, || {
        let scanned = scan_storage(Arc::clone(data.event_log())).expect("scanned");
        assert_eq!(scanned.next_sequence(), state.last_event + 1);
    });
    best("replay", rounds, commands.len(), floor, || {
        let mut replayed = State::empty();
        replay(&mut replayed, data.journal(), 0, None, &mut |_| Ok(()), &mut |_| {}).expect("replayed");
        assert_eq!(replayed.shards.digest(), digest);
    });
    let mut config = config;
    config.snapshots.enabled = false;
    best("engine: from nothing to ready", rounds, commands.len(), floor, || {
        let mut told = 0;
        let on_progress = &mut |_: Progress| told += 1;
        let launch = Launch {
            order_entry: OrderEntry::None,
            on_fatal: OnFatal::Stop,
            implausible_clock: ImplausibleClock::Refuse,
            on_progress,
        };
        let engine = Engine::start(&config, folder.path(), launch).expect("the engine starts");
        assert_eq!(engine.report.events_logged, 0);
        assert!(told > 0, "progress is told");
        // Later rounds find a seal, which makes no difference to the time.
        engine.stop().expect("an orderly end");
    });
}

/// Prints the best of some rounds.
fn best(name: &str, rounds: usize, commands: usize, floor: Duration, mut run: impl FnMut()) {
    let time = |_| {
        let started = Instant::now();
        run();
        started.elapsed()
    };
    let best = (0..rounds).map(time).min().expect("there are rounds");
    print(name, commands, best, floor);
}

fn print(name: &str, commands: usize, time: Duration, floor: Duration) {
    println!(
        "{name:<44} {:>6} ms {:>12.2} M {:>7.1}x",
        time.as_millis(),
        commands as f64 / time.as_secs_f64() / 1e6,
        time.as_secs_f64() / floor.as_secs_f64(),
    );
}

/// Journal and event log as an engine that was killed leaves them.
fn write(data: &DataDir, commands: &[Command]) {
    let open = |storage, content| -> Writer {
        let options = Options::default().with_content(content);
        scan_storage(storage).expect("scanned").into_writer(options).expect("a writer")
    };
    let mut journal = open(Arc::clone(data.journal()), DataDir::COMMANDS);
    let mut log = open(Arc::clone(data.event_log()), DataDir::EVENTS);
    let mut state = State::empty();
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    for (sequence, command) in (1..).zip(commands) {
        let len = codec::encode_command(command, &mut payload).expect("fits");
        append(&mut journal, sequence, &payload[..len]);
        let stamp = Stamp { sequence, time: Timestamp(0) };
        let applied: Result<(), ()> = state.apply(stamp, command, &mut |event| {
            let len = codec::encode_event(event, &mut payload).expect("fits");
            append(&mut log, event.number, &payload[..len]);
            Ok(())
        });
        applied.expect("events are taken");
    }
    journal.sync().expect("synced");
    log.sync().expect("synced");
}

/// Waits for the helper that prepares segments where this is faster.
fn append(writer: &mut Writer, sequence: u64, payload: &[u8]) {
    while writer.append(sequence, 0, payload).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
}
