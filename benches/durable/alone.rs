//! One order in flight: each contender in turn, in every round.

use crate::child::Child;
use crate::engine::{EngineProcess, Setup};
use crate::line::{Dialogue, Line};
use crate::postgres::SKIPPED;
use crate::report::{Disk, Rounds, histogram, nanos, print_rounds};
use crate::servers::folder;
use dojima::config::Durability;
use dojima::runtime::ThreadingMode;
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::num::NonZero;
use std::time::Instant;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub rounds: usize,
    /// Orders of a contender in a round, a multiple of [`TURN`].
    pub orders: u64,
    /// Whether PostgreSQL is asked as well.
    pub postgres: bool,
}

/// Orders of a contender in a turn, and those before them that do not count.
pub const TURN: u64 = 50;
const WARM_UP: u64 = 5;

/// Needs little: what it writes, and what the engine sets aside.
const NEEDED_MIB: u64 = 1_536;

struct Contender {
    name: &'static str,
    address: SocketAddr,
    dialogue: Dialogue,
}

/// Beside a plain server, SQLite and PostgreSQL, all of which have each order on the disk before they answer.
pub fn durable(disk: &Disk, size: Size) {
    if !disk.has_room("one-in-flight", NEEDED_MIB) {
        return;
    }
    let (_plain, plain) = Child::serve_in("plain", &folder(disk, "plain"));
    let (_sqlite, sqlite) = Child::serve_in("sqlite", &folder(disk, "sqlite"));
    let engine = EngineProcess::start(disk, "engine", Setup::new(Durability::Sync, 1));
    let mut contenders = vec![
        Contender { name: "plain server: pwrite, fdatasync", address: plain, dialogue: Dialogue::plain() },
        Contender { name: "SQLite, a transaction an order", address: sqlite, dialogue: Dialogue::plain() },
        Contender { name: "Dojima", address: engine.address, dialogue: Dialogue::ouch(0, 1) },
    ];
    let mut server = size.postgres.then(|| Child::start(&["postgres", &disk.folder().display().to_string()]));
    if let Some(server) = &mut server {
        let said = server.hear();
        match said.strip_prefix(SKIPPED) {
            None => contenders.push(Contender {
                name: "PostgreSQL, a transaction an order",
                address: said.parse().expect("an address"),
                dialogue: Dialogue::postgres(),
            }),
            Some(why) => println!("PostgreSQL: skipped, {why}"),
        }
    }
    let rounds = in_turns(&mut contenders, size);
    print_rounds("one order in flight", &rounds, &[("the plain server", 0), ("SQLite", 1)]);
    engine.stop();
    drop(server);
    for name in ["plain", "sqlite", "engine"] {
        disk.remove(name);
    }
}

/// As [`durable`], with the engine's threads arranged in each way, beside the plain server.
pub fn modes(disk: &Disk, size: Size) {
    if !disk.has_room("modes", 4 * NEEDED_MIB) {
        return;
    }
    const PLAIN: &str = "plain server: pwrite, fdatasync";
    let (_plain, plain) = Child::serve_in("plain", &folder(disk, "plain"));
    let mut contenders = vec![Contender { name: PLAIN, address: plain, dialogue: Dialogue::plain() }];
    let mut engines = Vec::new();
    for (name, mode, pinned) in [
        ("shared", ThreadingMode::Shared, false),
        ("shared, pinned", ThreadingMode::Shared, true),
        ("dedicated", ThreadingMode::Dedicated, false),
        ("dedicated, pinned", ThreadingMode::Dedicated, true),
    ] {
        if pinned && std::thread::available_parallelism().map_or(1, NonZero::get) < 2 {
            println!("{name}: skipped, there is one core");
            continue;
        }
        let setup = Setup { mode, pinned, ..Setup::new(Durability::Sync, 1) };
        let engine = EngineProcess::start(disk, name, setup);
        contenders.push(Contender { name, address: engine.address, dialogue: Dialogue::ouch(0, 1) });
        engines.push((name, engine));
    }
    let rounds = in_turns(&mut contenders, size);
    print_rounds("one order in flight", &rounds, &[("the plain server", 0)]);
    for (name, engine) in engines {
        engine.stop();
        disk.remove(name);
    }
    disk.remove("plain");
}

/// With async durability, beside servers that only echo: one that waits for its one client, and one that waits for all that it
/// may have, as the engine does.
pub fn asynchronous(disk: &Disk, size: Size) {
    if !disk.has_room("async", NEEDED_MIB) {
        return;
    }
    let (_echo, echo) = Child::serve(&["echo"]);
    let (_of_many, of_many) = Child::serve(&["echo-of-many"]);
    let engine = EngineProcess::start(disk, "engine", Setup::new(Durability::Async, 1));
    let mut contenders = [
        Contender { name: "echo: blocking read", address: echo, dialogue: Dialogue::plain() },
        Contender { name: "echo: epoll, read", address: of_many, dialogue: Dialogue::plain() },
        Contender { name: "Dojima, async", address: engine.address, dialogue: Dialogue::ouch(0, 1) },
    ];
    let rounds = in_turns(&mut contenders, size);
    print_rounds("one order in flight, async", &rounds, &[("the blocking echo", 0), ("the other echo", 1)]);
    engine.stop();
    disk.remove("engine");
}

/// Turns are short, so that what else the machine does falls on all.
fn in_turns(contenders: &mut [Contender], size: Size) -> Vec<Rounds> {
    let named = |contender: &Contender| Rounds { name: contender.name.to_owned(), rounds: Vec::new() };
    let mut all: Vec<Rounds> = contenders.iter().map(named).collect();
    for _ in 0..size.rounds {
        // Numbers go on from one connection to the next.
        let open = |contender: &Contender| Line::open(contender.address, contender.dialogue.clone());
        let mut lines: Vec<Line> = contenders.iter().map(open).collect();
        all.iter_mut().for_each(|rounds| rounds.rounds.push(histogram()));
        for _ in 0..size.orders / TURN {
            for (line, rounds) in lines.iter_mut().zip(&mut all) {
                one_turn(line, rounds.rounds.last_mut().expect("it was begun"));
            }
        }
        for (contender, line) in contenders.iter_mut().zip(lines) {
            assert_eq!(line.dialogue.answering.refused(), 0, "no order is refused");
            contender.dialogue = line.dialogue;
        }
    }
    all
}

fn one_turn(line: &mut Line, times: &mut Histogram<u64>) {
    // Others had the processor meanwhile.
    (0..WARM_UP).for_each(|_| line.ask_one());
    for _ in 0..TURN {
        let started = Instant::now();
        line.ask_one();
        times.saturating_record(nanos(started.elapsed()));
    }
}
