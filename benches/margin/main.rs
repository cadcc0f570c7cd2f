//! Margin: the shared list of `mix` in a linear perpetual, beside the same list in a spot instrument, and two shards of a
//! venue on two cores.
//!
//! `cargo bench --bench margin` prints the figures of all parts, `cargo bench --bench margin -- PART...` those of some:
//! `mix` (commands a second with positions and margin, against spot, in turns), `shards` (two matchers that read one ring on two
//! cores, against one that does all the work; and what a command of another shard costs). Under `cargo test` both run small.

#[path = "../mix/listing.rs"]
mod listing;
#[path = "../mix/mod.rs"]
mod mix;
#[path = "../matching/parts.rs"]
mod parts;
mod shards;
#[allow(dead_code, reason = "the parts of `matching` use the rest")]
#[path = "../matching/timing.rs"]
mod timing;
mod venue;

use dojima::domain::{Command, Event, OrderEvent};
use dojima::exchange::Exchange;
use mix::Market;
use timing::{Rounds, floor, record, run_slices};
use venue::{Kind, open};

const PARTS: [(&str, fn()); 2] = [("mix", full), ("shards", shards::full)];
const COMMANDS_FULL: usize = 1_000_000;
const COMMANDS_SMALL: usize = 20_000;
const ROUNDS: usize = 15;

fn main() {
    parts::run(&PARTS, || {
        small();
        shards::small();
    });
}

/// The list on one kind of venue: what it is applied to, and what came of it.
struct Case {
    ready: Exchange,
    commands: Vec<Command>,
    recorded: Vec<(u32, Event)>,
    rounds: Rounds,
}

impl Case {
    fn new(kind: Kind, count: usize) -> Self {
        let (fill, commands, _) = Market::on(open(kind)).lists(count);
        let mut ready = open(kind);
        let mut events = Vec::new();
        for command in &fill {
            ready.apply(Default::default(), command, &mut events);
        }
        let recorded = record(ready.clone(), &commands);
        Self { ready, commands, recorded, rounds: Rounds::default() }
    }

    fn round(&mut self, events: &mut Vec<Event>) -> Exchange {
        let mut exchange = self.ready.clone();
        let (times, count) = run_slices(&mut exchange, &self.commands, events);
        assert_eq!(count, self.recorded.len(), "every round says the same");
        self.rounds.add(&times);
        exchange
    }
}

fn full() {
    let [mut spot, mut perpetual] = [Kind::Spot, Kind::Perpetual].map(|kind| Case::new(kind, COMMANDS_FULL));
    println!(
        "{} commands each; {} events of spot, {} of the perpetual",
        COMMANDS_FULL,
        spot.recorded.len(),
        perpetual.recorded.len()
    );
    let mut events = Vec::with_capacity(1 << 14);
    let mut floors = Rounds::default();
    for _ in 0..ROUNDS {
        spot.round(&mut events);
        perpetual.round(&mut events);
        floors.add(&floor(&perpetual.commands, &perpetual.recorded, &mut events));
    }
    let ratio = |of: fn(&mut Rounds) -> f64, case: &mut [&mut Case; 2]| {
        of(&mut case[1].rounds) / of(&mut case[0].rounds)
    };
    let mut both = [&mut spot, &mut perpetual];
    let best = ratio(|rounds| rounds.best_slices().as_secs_f64(), &mut both);
    let median = ratio(|rounds| rounds.median().as_secs_f64(), &mut both);
    spot.rounds.print("spot", COMMANDS_FULL, spot.recorded.len());
    perpetual.rounds.print("perpetual", COMMANDS_FULL, perpetual.recorded.len());
    floors.print("floor (copies)", COMMANDS_FULL, perpetual.recorded.len());
    println!("the perpetual takes {best:.2} x the time of spot by best slices, {median:.2} x by medians");
}

fn small() {
    for kind in [Kind::Spot, Kind::Perpetual] {
        let mut case = Case::new(kind, COMMANDS_SMALL);
        let ended = case.round(&mut Vec::new());
        ended.audit().expect("money and positions add up");
        let trades = case
            .recorded
            .iter()
            .filter(|(_, event)| matches!(event, Event::Order(OrderEvent::Executed(_))))
            .count();
        assert!(trades > 500, "{trades} trades");
        println!("mix, {kind:?}: {} events, digest {}", case.recorded.len(), ended.digest());
    }
}
