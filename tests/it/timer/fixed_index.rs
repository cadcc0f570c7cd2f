//! Indexes whose price the configuration fixes.

use super::{Rig, SECOND, WEDNESDAY, every, hours, journaled, live, office_hours, set};
use crate::config::contracts::{CONTRACTS, with_defaults};
use crate::support::engines::{logged_events, small_config, without_times};
use dojima::config::{Config, Durability};
use dojima::domain::{
    AdminEvent, ClockCommand, Command, ContractCommand, ContractEvent, Event, IndexId, InstrumentId,
    MarketEvent, Phase, SetIndex, Timestamp,
};
use dojima::runtime::ThreadingMode;
use dojima::stages::timer::{FixedIndex, TimerSettings};
use std::time::Duration;
use tempfile::TempDir;

const TICK: Command = Command::Clock(ClockCommand::Tick);

fn fixed(index: u16, price: u32, stale_after_ms: u64) -> FixedIndex {
    FixedIndex::new(IndexId(index), price, Duration::from_millis(stale_after_ms))
}

pub(super) fn price(index: u16, price: u32, time_ns: u64) -> Command {
    let source_time = Timestamp(time_ns);
    Command::Contract(ContractCommand::SetIndex(SetIndex { index: IndexId(index), price, source_time }))
}

#[test]
fn a_fixed_price_comes_at_once_and_then_several_times_before_it_is_stale() {
    let indexes = vec![fixed(0, 5_000, 10_000), fixed(1, 70, 1_000)];
    let mut rig = Rig::new(64, WEDNESDAY + 7, TimerSettings { indexes, ..TimerSettings::default() });
    assert_eq!(rig.asked(), [price(0, 5_000, WEDNESDAY + 7), price(1, 70, WEDNESDAY + 7)]);
    assert_eq!(rig.asked(), []);
    for quarter in 1..=8 {
        rig.clock.advance(SECOND / 4);
        let now = WEDNESDAY + 7 + quarter * SECOND / 4;
        let both = [price(0, 5_000, now), price(1, 70, now)];
        let expected = if quarter % 4 == 0 { &both[..] } else { &both[1..] };
        assert_eq!(rig.asked(), expected, "quarter {quarter}");
    }
    // Asleep for a minute: one price is enough.
    rig.clock.advance(60 * SECOND);
    let now = WEDNESDAY + 7 + 62 * SECOND;
    assert_eq!(rig.asked(), [price(0, 5_000, now), price(1, 70, now)]);
    rig.timer.control().stop();
    rig.clock.advance(10 * SECOND);
    assert_eq!(rig.asked(), [], "stopped");
}

#[test]
fn prices_come_before_the_phases_and_the_tick_of_their_moment() {
    let settings = TimerSettings {
        indexes: vec![fixed(2, 5_000, 10_000)],
        ..TimerSettings {
            tick_interval: Some(Duration::from_secs(1)),
            ..hours(vec![office_hours(3, Phase::Closed)])
        }
    };
    let now = WEDNESDAY + 9 * super::HOUR;
    let mut rig = Rig::new(64, now, settings);
    assert_eq!(rig.asked(), [price(2, 5_000, now), set(3, Phase::Continuous)], "at the start");
    rig.clock.advance(7 * super::HOUR);
    let now = now + 7 * super::HOUR;
    assert_eq!(rig.asked(), [price(2, 5_000, now), set(3, Phase::Closed), TICK]);
}

#[test]
fn a_full_ring_delays_prices_and_drops_none() {
    let indexes = (0..5).map(|index| fixed(index, 10, 60_000)).collect();
    let mut rig = Rig::new(2, WEDNESDAY, TimerSettings { indexes, ..every(Duration::from_secs(1)) });
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.extend(rig.asked());
    }
    assert_eq!(asked, (0..5).map(|index| price(index, 10, WEDNESDAY)).collect::<Vec<_>>());
}

/// A venue whose perpetual is open all day, with a fixed index.
pub(super) fn config() -> Config {
    let contracts = CONTRACTS.replacen("grace_s = 60", "fixed_price = \"50000.5\"", 1).replacen(
        "[instruments.contract]",
        "[[instruments.schedule]]\ntime = \"00:00:00\"\nphase = \"continuous\"\n[instruments.contract]",
        1,
    );
    let venue = Config::from_toml(&with_defaults(&contracts), "contracts.toml").expect("a valid file");
    let small = small_config(ThreadingMode::Stepped, Durability::Sync);
    let Config { shards, accounts, indexes, instruments, insurance_fund, .. } = venue;
    let mut config = Config { shards, accounts, indexes, instruments, insurance_fund, ..small };
    config.timers.tick_interval_ms = 60_000;
    config
}

#[test]
fn a_contract_with_a_fixed_index_opens_at_the_start_and_stays_fresh() {
    let data = TempDir::new().expect("a temporary directory");
    let minute = 60 * SECOND;
    live(&config(), data.path(), WEDNESDAY + SECOND, WEDNESDAY + SECOND + 3 * minute);
    let commands: Vec<Command> = journaled(data.path()).into_iter().map(|(_, command)| command).collect();
    let at = |minutes: u64| price(0, 5_000_050, WEDNESDAY + SECOND + minutes * minute);
    assert_eq!(commands, [at(0), set(2, Phase::Continuous), at(1), TICK, at(2), TICK, at(3), TICK]);
    let events = without_times(&logged_events(data.path()));
    let taken = |event: &&Event| matches!(event, Event::Contract(ContractEvent::IndexSet(set)) if set.price == 5_000_050);
    assert_eq!(events.iter().filter(taken).count(), 4);
    let opened = MarketEvent::PhaseSet { instrument: InstrumentId(2), phase: Phase::Continuous };
    assert_eq!(events.iter().filter(|event| **event == Event::Market(opened)).count(), 1);
    let refused = |event: &&Event| matches!(event, Event::Admin(AdminEvent::Refused { .. }));
    assert_eq!(events.iter().filter(refused).count(), 0);

    // A later start sends the price that its file says; the replay before it sends none.
    let mut later = config();
    later.indexes[0].fixed_price = Some("50001".parse().expect("a number"));
    live(&later, data.path(), WEDNESDAY + 10 * minute, WEDNESDAY + 10 * minute);
    let after: Vec<Command> = journaled(data.path()).into_iter().map(|(_, command)| command).collect();
    assert_eq!(after[..commands.len()], commands[..]);
    assert_eq!(after[commands.len()..], [price(0, 5_000_100, WEDNESDAY + 10 * minute)]);
    // One from which the index is gone, or which fixes nothing, sends nothing.
    later.indexes[0].fixed_price = None;
    live(&later, data.path(), WEDNESDAY + 20 * minute, WEDNESDAY + 20 * minute);
    assert_eq!(journaled(data.path()).len(), after.len());
}
