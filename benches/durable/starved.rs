//! SQL without processor time: two threads of another process want both cores, while orders come at a fixed rate.

use crate::child::Child;
use crate::crowd::{RATE, needed_mib};
use crate::engine::{EngineProcess, Lag, Setup};
use crate::paced::{self, Pace, Progress, ouch_lines};
use crate::report::{Disk, quantiles};
use dojima::config::Durability;
use std::time::Duration;

const SESSIONS: usize = 16;
/// How often a line is printed, in looks.
const LOOKS_A_LINE: u32 = 50;

/// How long it runs, and what SQL may be behind.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub seconds: f64,
    pub lag_mib: u64,
    /// From one look at the engine to the next.
    pub look: Duration,
}

/// What SQL works on when it is handed over is finished first, with next to no processor time: this long at most.
const HAND_OVER_MAX: Duration = Duration::from_secs(60);
/// An event in its log, bytes, more or less.
const EVENT_BYTES: f64 = 136.0;

/// Whether trading went on, nothing was refused, and SQL was not further behind than its limit and a hand-over.
pub fn run(disk: &Disk, size: Size) -> bool {
    let pace = Pace { rate: RATE, orders: (RATE as f64 * size.seconds) as u64 };
    let keeps = disk.has(needed_mib(pace.orders));
    if !keeps && !disk.has_room("starved", 4 * size.lag_mib + needed_mib(10_000_000)) {
        return true;
    }
    let setup =
        Setup { background_lag_mib: size.lag_mib, deletes: !keeps, ..Setup::new(Durability::Sync, SESSIONS) };
    let mut engine = EngineProcess::start(disk, "engine", setup);
    engine.catch_up();
    println!(
        "{} orders at {RATE}/s from {SESSIONS} sessions; SQL may be {} MiB behind; two threads of another process take what \
         they can{}",
        pace.orders,
        size.lag_mib,
        if keeps { "" } else { "; the disk is small: segments that nobody needs are deleted" }
    );
    let hogs = Child::serve(&["spin"]);
    let mut seen = Seen::default();
    let lines = ouch_lines(engine.address, SESSIONS);
    let outcome = paced::play(lines, pace, size.look, |progress| {
        seen.look(progress, engine.look());
        let room = disk.has(0);
        if !room {
            println!("ended early: the disk is nearly full");
        }
        room && progress.refused == 0
    });
    drop(hogs);
    let Progress { elapsed, answered, refused } = outcome.progress;
    println!("{answered} acknowledged in {:.0} s; {}", elapsed.as_secs_f64(), quantiles(&outcome.latency));
    println!("SQL had all {:.1} s after the two threads were gone", engine.catch_up().as_secs_f64());
    engine.stop();
    disk.remove("engine");

    let growth = answered as f64 / elapsed.as_secs_f64() * seen.events_per_order(answered) * EVENT_BYTES;
    let bound = ((size.lag_mib << 20) as f64 + growth * HAND_OVER_MAX.as_secs_f64()) as u64;
    let verdicts = [
        (refused == 0, format!("refused: {refused}")),
        (answered == pace.orders, format!("acknowledged: {answered} of {}", pace.orders)),
        (
            seen.standstill_max < Duration::from_secs(1).max(2 * size.look),
            format!("longest time without an acknowledgement: {:?}", seen.standstill_max),
        ),
        (
            seen.bytes_max <= bound,
            format!(
                "SQL was {} MiB behind at most, the limit and {} s of orders are {} MiB; it was urgent {} times, longest \
                 hand-over {:?}",
                seen.bytes_max >> 20,
                HAND_OVER_MAX.as_secs(),
                bound >> 20,
                seen.urgent_times,
                seen.hand_over_max,
            ),
        ),
    ];
    for (holds, what) in &verdicts {
        println!("{}: {what}", if *holds { "holds" } else { "FAILS" });
    }
    verdicts.iter().all(|(holds, _)| *holds)
}

/// What the looks have shown.
#[derive(Default)]
struct Seen {
    looks: u32,
    bytes_max: u64,
    answered: u64,
    answered_at: Duration,
    standstill_max: Duration,
    urgent: bool,
    urgent_times: u32,
    urgent_since: Duration,
    /// SQL has got further since it became urgent.
    handed_over: bool,
    hand_over_max: Duration,
    bytes: u64,
    events: u64,
}

impl Seen {
    fn look(&mut self, progress: Progress, lag: Lag) {
        let Progress { elapsed, answered, refused } = progress;
        if answered > self.answered {
            (self.answered, self.answered_at) = (answered, elapsed);
        }
        self.standstill_max = self.standstill_max.max(elapsed - self.answered_at);
        self.bytes_max = self.bytes_max.max(lag.sql_bytes);
        self.events = lag.events;
        if lag.urgent && !self.urgent {
            self.urgent_times += 1;
            (self.urgent_since, self.handed_over) = (elapsed, false);
        }
        self.urgent = lag.urgent;
        if lag.urgent && !self.handed_over {
            self.hand_over_max = self.hand_over_max.max(elapsed - self.urgent_since);
            self.handed_over = lag.sql_bytes < self.bytes;
        }
        self.bytes = lag.sql_bytes;
        if self.looks.is_multiple_of(LOOKS_A_LINE) {
            println!(
                "{:>6.1} s: SQL {:>6} MiB behind ({} bytes, {} ms){}, {answered} acknowledged, {refused} refused",
                elapsed.as_secs_f64(),
                lag.sql_bytes >> 20,
                lag.sql_bytes,
                lag.sql_ms,
                if lag.urgent { ", urgent" } else { "" },
            );
        }
        self.looks += 1;
    }

    fn events_per_order(&self, orders: u64) -> f64 {
        self.events as f64 / orders.max(1) as f64
    }
}
