//! Many orders at once: at a fixed rate, and as many as are taken.

use crate::child::Child;
use crate::engine::{EngineProcess, Lag, Setup};
use crate::paced::{self, Pace, ouch_lines, plain_lines};
use crate::report::{Disk, Rounds, histogram, print_rounds, quantiles, spread, table};
use crate::servers::folder;
use crate::window;
use dojima::config::Durability;
use std::time::{Duration, Instant};

/// Sessions of the open loop, and orders a second of all together.
const SESSIONS: usize = 16;
pub const RATE: u64 = 100_000;
/// Sessions of the closed loop.
const CONNECTIONS: usize = 4;

/// What a million orders take on the disk: journal, event log, market data, database, and segments made ahead.
const MILLION_MIB: u64 = 500;
const AHEAD_MIB: u64 = 1_024;

pub fn needed_mib(orders: u64) -> u64 {
    AHEAD_MIB + orders * MILLION_MIB / 1_000_000
}

/// At a fixed rate, beside a server that syncs once for all that has come.
pub fn open_loop(disk: &Disk, rounds: usize, seconds: f64) {
    let pace = Pace { rate: RATE, orders: (RATE as f64 * seconds) as u64 };
    if !disk.has_room("open-loop", needed_mib(pace.orders)) {
        return;
    }
    let named = |name: &str| Rounds { name: name.to_owned(), rounds: Vec::new() };
    let mut all = [named("group commit: one thread, a sync for what came"), named("Dojima")];
    let (mut late, mut lags) = (histogram(), Vec::new());
    for _ in 0..rounds {
        let path = folder(disk, "group").display().to_string();
        let (server, address) = Child::serve(&["group", &path, &SESSIONS.to_string()]);
        let outcome = paced::play(plain_lines(address, SESSIONS), pace, Duration::MAX, |_| true);
        drop(server);
        disk.remove("group");
        late.add(&outcome.late).expect("the same bounds");
        all[0].rounds.push(outcome.latency);

        let mut engine = EngineProcess::start(disk, "engine", Setup::new(Durability::Sync, SESSIONS));
        engine.catch_up();
        let outcome = paced::play(ouch_lines(engine.address, SESSIONS), pace, Duration::MAX, |_| true);
        assert_eq!(outcome.progress.refused, 0, "no order is refused");
        late.add(&outcome.late).expect("the same bounds");
        all[1].rounds.push(outcome.latency);
        lags.push(engine.look());
        engine.catch_up();
        engine.stop();
        disk.remove("engine");
    }
    println!(
        "{} orders a round at {RATE}/s from {SESSIONS} sessions, from when they were to be sent; the sender was late by: {}",
        pace.orders,
        quantiles(&late)
    );
    print_rounds("open loop", &all, &[("group commit", 0)]);
    let ms = |of: fn(&Lag) -> u64| spread(&lags.iter().map(|lag| of(lag) as f64).collect::<Vec<_>>(), 0);
    println!(
        "SQL was {} ms behind in the mean of a round, {} ms at most; market data {} ms at most",
        ms(|lag| lag.sql_ms_mean),
        ms(|lag| lag.sql_ms_max),
        ms(|lag| lag.feed_ms_max)
    );
}

/// As many as are taken, until so many are acknowledged.
pub fn acknowledged(disk: &Disk, rounds: usize, orders: u64) {
    if !disk.has_room("acknowledged", needed_mib(orders)) {
        return;
    }
    let mut all = Rounds { name: "Dojima".to_owned(), rounds: Vec::new() };
    let (mut rates, mut caught_up, mut client) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut engine = EngineProcess::start(disk, "engine", Setup::new(Durability::Sync, CONNECTIONS));
        engine.catch_up();
        let lines = ouch_lines(engine.address, CONNECTIONS);
        let before = processor_time();
        let outcome = window::play(lines, orders / CONNECTIONS as u64, Duration::MAX, |_| true);
        client.push((processor_time() - before).as_nanos() as f64 / outcome.answered as f64);
        rates.push(outcome.answered as f64 / outcome.elapsed.as_secs_f64() / 1e3);
        all.rounds.push(outcome.latency);
        caught_up.push(engine.catch_up().as_secs_f64());
        engine.stop();
        disk.remove("engine");
    }
    println!(
        "{CONNECTIONS} connections, {} orders in flight each, until {orders} are acknowledged: {} thousand orders/s; SQL \
         and market data had all {} s later; the client took {} ns of processor time an order",
        window::WINDOW,
        spread(&rates, 0),
        spread(&caught_up, 1),
        spread(&client, 0)
    );
    print_rounds("closed loop", &[all], &[]);
}

/// As many as are taken, for so many seconds, while SQL and the shadow may be so many MiB behind (0: as is built in); a line for
/// each second.
pub fn sustained(disk: &Disk, seconds: f64, background_lag_mib: u64) {
    // More than any machine of this size takes; what does not fit is deleted on the way.
    let keeps = disk.has(needed_mib((seconds * 1.5e6) as u64));
    if !keeps && !disk.has_room("sustained", needed_mib(8_000_000)) {
        return;
    }
    let setup = Setup { deletes: !keeps, background_lag_mib, ..Setup::new(Durability::Sync, CONNECTIONS) };
    let mut engine = EngineProcess::start(disk, "engine", setup);
    engine.catch_up();
    println!(
        "{CONNECTIONS} connections, {} orders in flight each, {seconds} s, SQL and the shadow {} behind at most{}",
        window::WINDOW,
        match background_lag_mib {
            0 => "what is built in".to_owned(),
            mib => format!("{mib} MiB"),
        },
        if keeps { "" } else { "; the disk is small: segments that nobody needs are deleted" }
    );
    let header = [
        "second",
        "k orders/s",
        "SQL behind: k events",
        "ms",
        "market data behind: k events",
        "ms",
        "MiB free",
    ];
    let mut lines_of_table = table(&header);
    let every = Duration::from_secs_f64((seconds / 10.0).clamp(0.01, 1.0));
    let (started, mut before) = (Instant::now(), (0, Duration::ZERO));
    let outcome = window::play(ouch_lines(engine.address, CONNECTIONS), u64::MAX, every, |answered| {
        let (lag, elapsed) = (engine.look(), started.elapsed());
        let rate = (answered - before.0) as f64 / (elapsed - before.1).as_secs_f64();
        before = (answered, elapsed);
        lines_of_table.add_row([
            format!("{:.1}", elapsed.as_secs_f64()),
            format!("{:.0}", rate / 1e3),
            format!("{:.0}", lag.sql_events as f64 / 1e3),
            lag.sql_ms.to_string(),
            format!("{:.0}", lag.feed_events as f64 / 1e3),
            lag.feed_ms.to_string(),
            disk.free_mib().to_string(),
        ]);
        if !disk.has(0) {
            println!("ended early: the disk is nearly full");
        }
        elapsed.as_secs_f64() < seconds && disk.has(0)
    });
    println!("{lines_of_table}");
    println!(
        "{:.0} thousand orders/s in all; {}",
        outcome.answered as f64 / outcome.elapsed.as_secs_f64() / 1e3,
        quantiles(&outcome.latency)
    );
    println!("SQL and market data had all {:.1} s later", engine.catch_up().as_secs_f64());
    engine.stop();
    disk.remove("engine");
}

/// Processor time of this process.
fn processor_time() -> Duration {
    let usage = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(usage.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0))
}
