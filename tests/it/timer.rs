//! The timer: ticks and hours, by a clock that is moved by hand.

mod fixed_index;
mod refused;

use crate::cli::{Place, assert_says};
use crate::support::engines::{logged_events, small_config, without_times};
use crate::support::spot::SPOT_TOML;
use dojima::client::{ClientError, Credentials, Resume, Session};
use dojima::config::{Config, Durability};
use dojima::domain::{
    AdminCommand, AdminEvent, ClockCommand, Command, Event, InstrumentId, MarketEvent, Phase, Symbol,
    VenueCommand, codec,
};
use dojima::engine::SteppedEngine;
use dojima::recovery::DataDir;
use dojima::ring::{Consumer, CursorWriter, cursor, spsc};
use dojima::runtime::{Agent, Counters, ManualClock, ThreadingMode, UnixNanos};
use dojima::stages::timer::{Roll, Schedule, ScheduleEntry, Timer, TimerPorts, TimerSettings};
use dojima::wire::soup::{self, SessionId};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
/// Wednesday, 18 November 2026, midnight UTC.
const WEDNESDAY: u64 = 1_794_960_000 * SECOND;

/// A timer by itself.
struct Rig {
    timer: Timer,
    commands: Consumer<Command>,
    clock: ManualClock,
    session: CursorWriter,
}

impl Rig {
    fn new(slots: usize, now: u64, settings: TimerSettings) -> Self {
        let (commands, consumer) = spsc(slots);
        let clock = ManualClock::new(UnixNanos(now));
        let (session_in, session) = cursor();
        let ports = TimerPorts { commands, session, downstream: Vec::new() };
        let timer = Timer::new(ports, settings, Box::new(clock.clone()), &Counters::new());
        Self { timer, commands: consumer, clock, session: session_in }
    }

    /// What it asks for now.
    fn asked(&mut self) -> Vec<Command> {
        let work = self.timer.do_work().expect("no fatal error");
        let mut asked = Vec::new();
        self.commands.poll(usize::MAX, |command| {
            asked.push(*command);
            ControlFlow::Continue(())
        });
        assert_eq!(work, asked.len());
        asked
    }
}

fn every(interval: Duration) -> TimerSettings {
    TimerSettings { tick_interval: Some(interval), ..TimerSettings::default() }
}

fn set(instrument: u32, phase: Phase) -> Command {
    Command::Admin(AdminCommand::SetPhase { instrument: InstrumentId(instrument), phase })
}

/// Open from 8 to 16, every day.
fn office_hours(instrument: u32, found: Phase) -> Schedule {
    let entry = |hour: u32, phase| ScheduleEntry { second_of_day: hour * 3_600, days: 0x7F, phase };
    let entries =
        vec![entry(7, Phase::OpeningAuction), entry(8, Phase::Continuous), entry(16, Phase::Closed)];
    Schedule { instrument: InstrumentId(instrument), symbol: Symbol::default(), found, entries }
}

fn hours(schedules: Vec<Schedule>) -> TimerSettings {
    TimerSettings { schedules, ..TimerSettings::default() }
}

#[test]
fn time_passes_at_every_multiple_of_the_interval_and_never_twice() {
    let mut rig = Rig::new(64, WEDNESDAY + SECOND / 2, every(Duration::from_secs(1)));
    assert_eq!(rig.asked(), [], "not before the first whole second");
    rig.clock.advance(SECOND / 2);
    assert_eq!(rig.asked(), [Command::Clock(ClockCommand::Tick)]);
    assert_eq!(rig.asked(), []);
    rig.clock.advance(SECOND - 1);
    assert_eq!(rig.asked(), []);
    rig.clock.advance(1);
    assert_eq!(rig.asked(), [Command::Clock(ClockCommand::Tick)]);
    // Asleep for a minute: one tick says that time has passed, and the rhythm is the same.
    rig.clock.advance(60 * SECOND + 7);
    assert_eq!(rig.asked(), [Command::Clock(ClockCommand::Tick)]);
    rig.clock.advance(SECOND - 8);
    assert_eq!(rig.asked(), []);
    rig.clock.advance(1);
    assert_eq!(rig.asked(), [Command::Clock(ClockCommand::Tick)]);
    rig.timer.control().stop();
    rig.clock.advance(10 * SECOND);
    assert_eq!(rig.asked(), [], "stopped");
}

#[test]
fn phases_come_in_the_order_of_their_times_also_across_midnight() {
    let schedules = vec![office_hours(0, Phase::Closed), office_hours(1, Phase::Closed)];
    let mut rig = Rig::new(64, WEDNESDAY + 6 * HOUR, hours(schedules));
    assert_eq!(rig.asked(), []);
    rig.clock.advance(HOUR - 1);
    assert_eq!(rig.asked(), []);
    rig.clock.advance(1);
    assert_eq!(rig.asked(), [set(0, Phase::OpeningAuction), set(1, Phase::OpeningAuction)]);
    // Late by hours, but nothing is passed over.
    rig.clock.advance(10 * HOUR);
    let both = |phase| [set(0, phase), set(1, phase)];
    assert_eq!(rig.asked(), [both(Phase::Continuous), both(Phase::Closed)].concat());
    rig.clock.advance(14 * HOUR);
    assert_eq!(rig.asked(), both(Phase::OpeningAuction), "on Thursday");
    // Away for a week: what was missed is of no use any more.
    rig.clock.advance(7 * 24 * HOUR + 2 * HOUR);
    assert_eq!(rig.asked(), both(Phase::Continuous));
    rig.clock.advance(8 * HOUR);
    assert_eq!(rig.asked(), both(Phase::Closed));
}

#[test]
fn a_start_brings_instruments_to_the_phase_of_the_hour() {
    let found = [
        (Phase::Closed, true),
        (Phase::OpeningAuction, true),
        (Phase::Continuous, false),
        (Phase::VolatilityAuction, false),
        (Phase::Halted, false),
        (Phase::CancelOnly, false),
        (Phase::Delisted, false),
    ];
    for (found, moves) in found {
        let mut rig = Rig::new(64, WEDNESDAY + 9 * HOUR, hours(vec![office_hours(3, found)]));
        let expected: &[Command] = if moves { &[set(3, Phase::Continuous)] } else { &[] };
        assert_eq!(rig.asked(), expected, "{found:?}");
        assert_eq!(rig.asked(), []);
        rig.clock.advance(7 * HOUR);
        assert_eq!(rig.asked(), [set(3, Phase::Closed)], "{found:?}");
    }
    // An interruption that was under way when the day ended does not go on into the night.
    let mut rig = Rig::new(64, WEDNESDAY + 20 * HOUR, hours(vec![office_hours(3, Phase::VolatilityAuction)]));
    assert_eq!(rig.asked(), [set(3, Phase::Closed)]);
    // Yesterday's last word holds before today's first.
    let mut rig = Rig::new(64, WEDNESDAY + HOUR, hours(vec![office_hours(3, Phase::Continuous)]));
    assert_eq!(rig.asked(), [set(3, Phase::Closed)]);
}

#[test]
fn a_full_ring_delays_and_drops_nothing() {
    let schedules = (0..5).map(|instrument| office_hours(instrument, Phase::Closed)).collect();
    let settings =
        TimerSettings { tick_interval: Some(Duration::from_secs(1)), schedules, ..TimerSettings::default() };
    let mut rig = Rig::new(2, WEDNESDAY + 9 * HOUR, settings);
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.extend(rig.asked());
    }
    assert_eq!(asked, (0..5).map(|instrument| set(instrument, Phase::Continuous)).collect::<Vec<_>>());
    rig.clock.advance(7 * HOUR);
    let asked: Vec<Command> = (0..4).flat_map(|_| rig.asked()).collect();
    let mut expected: Vec<Command> = (0..5).map(|instrument| set(instrument, Phase::Closed)).collect();
    expected.push(Command::Clock(ClockCommand::Tick));
    assert_eq!(asked, expected);
}

// In an engine.

fn config_with_hours() -> Config {
    let hours = "phase = \"closed\"\n\
        [[instruments.schedule]]\ntime = \"08:00:00\"\nphase = \"continuous\"\n\
        [[instruments.schedule]]\ntime = \"16:30:00\"\nphase = \"closed\"\n";
    let text = SPOT_TOML.replacen("phase = \"continuous\"\n", hours, 1);
    let with_hours = Config::from_toml(&text, "hours.toml").expect("a valid file");
    let mut config = small_config(ThreadingMode::Stepped, Durability::Sync);
    config.instruments = with_hours.instruments;
    config.timers.tick_interval_ms = 60_000;
    config
}

/// The journaled commands after the opening, each with its time in seconds since Wednesday's midnight.
fn journaled(data: &Path) -> Vec<(u64, Command)> {
    let mut reader = dojima_journal::Reader::open(DataDir::new(data).journal().dir(), 1).expect("a journal");
    let mut commands = Vec::new();
    while let Some(record) = reader.next().expect("a record") {
        let time = (record.time_ns - WEDNESDAY) / SECOND;
        commands.push((time, codec::decode_command(record.payload).expect("a command")));
    }
    let opened =
        commands.iter().position(|(_, command)| matches!(command, Command::Venue(VenueCommand::Open { .. })));
    commands.split_off(opened.expect("is open") + 1)
}

fn phases(commands: &[(u64, Command)]) -> Vec<(u64, Command)> {
    commands
        .iter()
        .filter(|(_, command)| matches!(command, Command::Admin(AdminCommand::SetPhase { .. })))
        .copied()
        .collect()
}

/// Runs an engine from one time to another, in steps of a minute.
fn live(config: &Config, data: &Path, from: u64, until: u64) {
    let clock = ManualClock::new(UnixNanos(from));
    let mut engine = SteppedEngine::start_at(config, data, 5, &clock).expect("the engine starts");
    let mut now = from;
    while now < until {
        engine.stepper.run_until_idle(100_000).expect("no fatal error");
        now += 60 * SECOND;
        clock.set(UnixNanos(now));
    }
    engine.stepper.run_until_idle(100_000).expect("no fatal error");
    engine.stop().expect("an orderly end");
}

#[test]
fn an_engine_with_hours_opens_and_closes_also_after_a_restart() {
    let data = TempDir::new().expect("a temporary directory");
    let config = config_with_hours();
    live(&config, data.path(), WEDNESDAY + 7 * HOUR, WEDNESDAY + 17 * HOUR);
    let day = journaled(data.path());
    let (opens, closes) = (8 * 3_600, 16 * 3_600 + 1_800);
    let first_day = [(opens, set(0, Phase::Continuous)), (closes, set(0, Phase::Closed))];
    assert_eq!(phases(&day), first_day);
    let ticks = day.iter().filter(|(_, command)| *command == Command::Clock(ClockCommand::Tick)).count();
    assert_eq!(ticks, 10 * 60, "one a minute, after 07:00");

    // Stopped in the evening, started in the middle of the next day, stopped in the middle of trading.
    live(&config, data.path(), WEDNESDAY + 36 * HOUR, WEDNESDAY + 37 * HOUR);
    let restarted = [(36 * 3_600, set(0, Phase::Continuous))];
    assert_eq!(phases(&journaled(data.path())), [&first_day[..], &restarted].concat());

    // Started in time: there is nothing to catch up with.
    live(&config, data.path(), WEDNESDAY + 38 * HOUR, WEDNESDAY + 41 * HOUR);
    let closed = [(86_400 + closes, set(0, Phase::Closed))];
    assert_eq!(phases(&journaled(data.path())), [&first_day[..], &restarted, &closed].concat());
    let told: Vec<Event> = without_times(&logged_events(data.path()));
    let refused =
        told.iter().filter(|event| matches!(event, Event::Admin(AdminEvent::Refused { .. }))).count();
    let set =
        told.iter().filter(|event| matches!(event, Event::Market(MarketEvent::PhaseSet { .. }))).count();
    assert_eq!((refused, set), (0, 4), "the exchange did as it was asked, and ticks say nothing");
}

#[test]
fn without_timers_nothing_happens_by_itself() {
    let data = TempDir::new().expect("a temporary directory");
    let config = small_config(ThreadingMode::Stepped, Durability::Sync);
    live(&config, data.path(), WEDNESDAY, WEDNESDAY + HOUR);
    assert_eq!(journaled(data.path()), []);
}

/// A session that began then, at a venue whose day ends at 17:00.
fn roll(began: u64) -> TimerSettings {
    let first = SessionId::new("DAY1").expect("a name");
    let roll = Roll { second_of_day: 17 * 3_600, began: UnixNanos(began), first };
    TimerSettings { roll: Some(roll), ..TimerSettings::default() }
}

#[test]
fn the_session_ends_once_a_day() {
    let mut rig = Rig::new(16, WEDNESDAY + 9 * HOUR, roll(WEDNESDAY + 8 * HOUR));
    rig.session.set(41);
    assert_eq!(rig.asked(), []);
    rig.clock.advance(8 * HOUR - 1);
    assert_eq!(rig.asked(), [], "not yet");
    rig.clock.advance(1);
    assert_eq!(rig.asked(), [Command::Venue(VenueCommand::RollSession { session: 42 })]);
    rig.clock.advance(23 * HOUR);
    assert_eq!(rig.asked(), []);
    // An operator has ended one by hand: it is the present one that ends.
    rig.session.set(43);
    rig.clock.advance(HOUR);
    assert_eq!(rig.asked(), [Command::Venue(VenueCommand::RollSession { session: 44 })]);
    rig.session.set(44);
    rig.clock.advance(5 * 24 * HOUR + HOUR);
    assert_eq!(
        rig.asked(),
        [Command::Venue(VenueCommand::RollSession { session: 45 })],
        "of several days that were missed, one end"
    );
    rig.session.set(45);
    rig.clock.advance(22 * HOUR);
    assert_eq!(rig.asked(), []);
    rig.clock.advance(HOUR);
    assert_eq!(rig.asked(), [Command::Venue(VenueCommand::RollSession { session: 46 })]);
}

#[test]
fn an_end_that_was_missed_comes_at_the_start() {
    for (began, now, missed) in [
        (WEDNESDAY + 8 * HOUR, WEDNESDAY + 16 * HOUR, false),
        (WEDNESDAY + 8 * HOUR, WEDNESDAY + 17 * HOUR, true),
        (WEDNESDAY + 8 * HOUR, WEDNESDAY + 30 * HOUR, true),
        (WEDNESDAY + 17 * HOUR, WEDNESDAY + 17 * HOUR, false),
        (WEDNESDAY + 17 * HOUR, WEDNESDAY + 40 * HOUR, false),
        (WEDNESDAY + 17 * HOUR, WEDNESDAY + 41 * HOUR, true),
        (0, WEDNESDAY, true),
        (u64::MAX, WEDNESDAY, false),
    ] {
        let mut rig = Rig::new(16, now, roll(began));
        let expected =
            if missed { vec![Command::Venue(VenueCommand::RollSession { session: 1 })] } else { Vec::new() };
        assert_eq!(rig.asked(), expected, "began {began}, now {now}");
        rig.session.set(1);
        assert_eq!(rig.asked(), [], "once");
    }
}

#[test]
fn the_log_tells_of_rolls_and_scheduled_phases() {
    let place = Place::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let at = (now + 3) % 86_400;
    let roll_at = format!("roll_at = \"{:02}:{:02}:{:02}\"", at / 3_600, at / 60 % 60, at % 60);
    let schedule = "[[instruments.schedule]]\ntime = \"00:00:00\"\nphase = \"pre-open\"\n\n[[instruments]]\nsymbol = \"ETH";
    place.configure(|text| {
        text.replace("# roll_at = \"22:00:00\"", &roll_at)
            .replace("[[instruments]]\nsymbol = \"ETH", schedule)
    });
    let server = place.serve();
    let who = Credentials {
        username: soup::username("ALICE").expect("a name"),
        password: soup::password("DEMO").expect("a password"),
        heartbeat_timeout_ms: None,
    };
    let mut session = Session::connect(server.address, &who, Resume::START).expect("logs in");
    let ended = loop {
        match session.receive(|_, _| {}) {
            Ok(_) => session.wait(Duration::from_millis(100)).expect("waits"),
            Err(error) => break error,
        }
    };
    assert!(matches!(ended, ClientError::SessionEnded), "{ended}");
    let log = server.terminate().stderr;
    assert_says(&log, "BTC-USDT: phase pre-open by its schedule");
    assert_says(&log, "the session ends, and session DOJIMA0002 begins (gateway.roll_at)");
}
