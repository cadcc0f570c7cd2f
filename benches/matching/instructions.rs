//! What `.ci/instructions` counts under callgrind, which collects only inside [`measured`] and its like in `commands`: a
//! fixed flow, and the worst commands of clients. An example and not a bench, because examples are built as the program is,
//! so that the build is shared.
//!
//! `instructions COMMANDS` does the flow, `instructions COMMANDS perpetual` the same orders in a perpetual contract; `instructions states` names the states of the worst commands, and `instructions
//! state NAME` makes one of them and prints a line for every part that is counted, in that order.

#[path = "commands/mod.rs"]
#[allow(dead_code, reason = "the bench takes the time, this does not")]
mod commands;
#[path = "../margin/venue.rs"]
#[allow(dead_code, reason = "the bench has shards, this has not")]
mod contracts;
#[path = "../mix/listing.rs"]
mod listing;
#[path = "../mix/mod.rs"]
mod mix;
#[path = "setup.rs"]
mod setup;
#[path = "../../tests/it/support/venue.rs"]
mod venue;

use commands::{Bench, Measured, STATES};
use dojima::domain::{Command, Event, Stamp};
use dojima::exchange::Exchange;
use mix::Market;
use setup::{Features, open_exchange, ready};
use std::hint::black_box;

/// What is counted, and nothing else. Its name is known to `.ci/instructions`.
#[inline(never)]
fn measured(exchange: &mut Exchange, commands: &[Command], events: &mut Vec<Event>) {
    for command in commands {
        events.clear();
        exchange.apply(Stamp::default(), command, events);
        black_box(&*events);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["states"] => STATES.iter().for_each(|(name, _)| println!("{name}")),
        ["state", name] => state(name),
        [count] => flow(count.parse().unwrap_or_else(|_| usage())),
        [count, "perpetual"] => contract_flow(count.parse().unwrap_or_else(|_| usage())),
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("usage: instructions COMMANDS [perpetual] | states | state NAME");
    std::process::exit(2);
}

fn flow(count: usize) {
    let (fill, commands, _) = Market::on(open_exchange(Features::default())).lists(count);
    count_in(ready(&fill, Features::default()), &commands);
}

fn contract_flow(count: usize) {
    let perpetual = || contracts::open(contracts::Kind::Perpetual);
    let (fill, commands, _) = Market::on(perpetual()).lists(count);
    let mut exchange = perpetual();
    let mut events = Vec::new();
    fill.iter().for_each(|command| exchange.apply(Stamp::default(), command, &mut events));
    count_in(exchange, &commands);
}

fn count_in(mut exchange: Exchange, commands: &[Command]) {
    let (count, mut events) = (commands.len(), Vec::with_capacity(1 << 14));
    measured(&mut exchange, commands, &mut events);
    println!("{count} commands, {} trades, digest {}", exchange.last_trade(), exchange.digest());
}

/// Prints of every part, in the order in which they are counted: command, part from 1, orders touched, events.
fn state(name: &str) {
    let Some((_, make)) = STATES.iter().find(|(known, _)| *known == name) else { usage() };
    let mut bench = Bench::new(1);
    make(&mut bench);
    for Measured { name, parts } in &bench.measured {
        for (number, part) in (1..).zip(parts) {
            println!("{name}\t{number}\t{}\t{}", part.touched, part.events);
        }
    }
}
