//! A fixed flow for counting instructions: `.ci/instructions` runs this under callgrind, which collects only inside
//! [`measured`]. An example and not a bench, because examples are built as the program is, so that the build is shared.

#[path = "../mix/mod.rs"]
mod mix;
#[path = "setup.rs"]
mod setup;

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
    let count = std::env::args().nth(1).map(|count| count.parse());
    let Some(Ok(count)) = count else {
        eprintln!("usage: instructions COMMANDS");
        std::process::exit(2);
    };
    let (fill, commands, _) = Market::on(open_exchange(Features::default())).lists(count);
    let mut exchange = ready(&fill, Features::default());
    let mut events = Vec::with_capacity(1 << 14);
    measured(&mut exchange, &commands, &mut events);
    println!("{count} commands, {} trades, digest {}", exchange.last_trade(), exchange.digest());
}
