//! `kill -9` in the middle of a flow, at seeded points: after the resume everything is as if nothing had happened.
//! `under_load` kills at many more moments, without a flow to compare with.
//!
//! One driver plays the flow in its order over three sessions and, after each kill, resumes the streams where they
//! were and sends again what was never settled. At the end the digest of the replayed journal, every trade, and each
//! session's whole stream, message for message, are those of a run that nobody killed. Times differ and are left out.
//! Every acknowledgement that the driver ever received is in those streams, so a lost one would show.

mod under_load;

use crate::support::crash_site::examine;
use crate::support::process::EngineProcess;
use dojima::client::Session;
use dojima::client::session::Resume;
use dojima::config::{Config, Durability};
use dojima::exchange::Digest;
use dojima::flow::generator::{GeneratorOptions, generate};
use dojima::flow::{Driver, DriverOptions, Fill, Flow, Turn};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ACTIONS: usize = 4_000;
const SESSIONS: u16 = 3;
const PATIENCE: Duration = Duration::from_millis(20);

/// What a run leaves behind, with nothing in it that depends on when.
#[derive(PartialEq)]
struct Outcome {
    digest: Digest,
    fills: Vec<Fill>,
    /// Of each session: its messages without their timestamps.
    streams: Vec<Vec<String>>,
}

fn flow() -> Flow {
    generate(&GeneratorOptions { seed: 2_026, actions: ACTIONS, sessions: SESSIONS })
}

fn config(flow: &Flow, durability: Durability) -> Config {
    let mut config = flow.venue.config();
    config.journal.durability = durability;
    config.journal.segment_mib = 1;
    config.event_log.segment_mib = 1;
    config.market_data.segment_mib = 1;
    config.exchange.orders_max = 10_000;
    // Small rings: most of a start is the memory that it takes.
    config.rings.inbound_slots = 1 << 10;
    config.rings.command_slots = 1 << 12;
    config.rings.event_slots = 1 << 13;
    // Runs of different lengths are compared.
    config.timers.tick_interval_ms = 0;
    config
}

/// Plays the flow; whenever the number of settled actions passes a point of `kills`, the engine dies and is started
/// again.
fn play(flow: &Flow, durability: Durability, kills: &[u64]) -> Outcome {
    let data = TempDir::new().expect("a temporary directory");
    let config = config(flow, durability);
    let mut engine = EngineProcess::start(&config, data.path());
    let options = DriverOptions { window: 64, ..DriverOptions::default() };
    let mut driver = Driver::new(flow, options).expect("a driver");
    driver.connect(engine.address).expect("connected");
    let mut kills = kills.iter().copied().peekable();
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < Duration::from_secs(120), "the flow does not end");
        match driver.turn(PATIENCE).expect("the engine is up") {
            Turn::Finished => break,
            Turn::Working => {}
        }
        if kills.next_if(|point| driver.progress().settled >= *point).is_some() {
            engine.kill();
            // What was on its way to the clients before the end still arrives, then the streams break.
            while driver.turn(PATIENCE).is_ok() {}
            engine = EngineProcess::start(&config, data.path());
            driver.connect(engine.address).expect("resumed");
        }
    }
    assert!(kills.peek().is_none(), "the flow ended before all kills");
    driver.log_out();
    let streams = flow.venue.credentials().iter().map(|who| whole_stream(&engine, who)).collect();
    engine.terminate();
    let mut fills = driver.fills().to_vec();
    fills.sort_unstable();
    Outcome { digest: examine(&config, data.path()).digest, fills, streams }
}

/// A session's messages from the first on, read anew from the engine.
fn whole_stream(engine: &EngineProcess, who: &dojima::client::Credentials) -> Vec<String> {
    let connect = |sequence| {
        let resume = Resume { session: None, sequence };
        Session::connect(engine.address, who, resume).expect("logged in")
    };
    // The driver's last message, the fence, was answered; so the stream is at its end.
    let end = connect(0).next_sequence();
    let mut session = connect(1);
    let mut messages = Vec::new();
    let started = Instant::now();
    while session.next_sequence() < end {
        assert!(started.elapsed() < Duration::from_secs(60), "{} of {end} came", messages.len());
        session
            .receive(|number, message| messages.push(format!("{number} {}", without_timestamp(&message))))
            .expect("the stream reads");
        session.wait(PATIENCE).expect("the socket waits");
    }
    messages
}

/// The message in words, its time of day left out.
fn without_timestamp(message: &impl std::fmt::Debug) -> String {
    let text = format!("{message:?}");
    let Some(at) = text.find("timestamp") else { panic!("no timestamp in {text}") };
    let rest = &text[at..];
    let end = rest.find(',').or_else(|| rest.find('}')).expect("a field ends");
    format!("{}{}", &text[..at], &rest[end..])
}

/// Two points in the flow for each seed.
fn kill_points(seed: u64) -> [u64; 2] {
    let mixed = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let half = ACTIONS as u64 / 2;
    [(mixed >> 32) % (half - 10) + 5, (mixed >> 12) % (half - 10) + half]
}

fn killed_runs_end_alike(durability: Durability, seeds: std::ops::Range<u64>) {
    let flow = flow();
    let whole = play(&flow, durability, &[]);
    assert!(whole.fills.len() > 50, "only {} fills: the flow exercises nothing", whole.fills.len());
    for seed in seeds {
        let killed = play(&flow, durability, &kill_points(seed));
        for (session, (killed, whole)) in killed.streams.iter().zip(&whole.streams).enumerate() {
            let differs = killed.iter().zip(whole).find(|(a, b)| a != b);
            assert_eq!(differs, None, "session {session}, seed {seed}");
            assert_eq!(killed.len(), whole.len(), "messages of session {session}, seed {seed}");
        }
        assert!(killed.fills == whole.fills, "the driver saw other fills, seed {seed}");
        assert_eq!(killed.digest, whole.digest, "seed {seed}");
    }
}

#[test]
fn a_killed_engine_goes_on_as_if_nothing_had_happened_in_sync_mode() {
    killed_runs_end_alike(Durability::Sync, 0..6);
}

#[test]
fn a_killed_engine_goes_on_as_if_nothing_had_happened_in_async_mode() {
    killed_runs_end_alike(Durability::Async, 6..12);
}
