//! The exchange alone on one core: matching, reserves and fees, fed from memory.
//!
//! Everything that is measured is a list of commands made before the clock starts, from fixed seeds, so that every run does
//! the same work; what it ends in is held against the digest of another round, or against the one written down here.
//!
//! `cargo bench --bench matching` prints the figures of all parts, `cargo bench --bench matching -- PART...` those of
//! some: `mix` (throughput), `features` (what limits, tiers and self-trade prevention add to it), `paced` (latency at a fixed
//! rate), `worst` (sizes far beyond a usual day), `special` (order types one by one),
//! `worst-commands` (every command of a client in the worst states that the limits allow, part by part). Under `cargo test` all parts run
//! small.

mod commands;
#[path = "../mix/mod.rs"]
mod mix;
mod paced;
mod setup;
mod special;
mod throughput;
mod timing;
#[path = "../../tests/it/support/venue.rs"]
mod venue;
mod worst;

const PARTS: [(&str, fn()); 6] = [
    ("mix", throughput::full),
    ("features", throughput::features),
    ("paced", paced::full),
    ("worst", worst::full),
    ("special", special::full),
    ("worst-commands", commands::full),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        throughput::small();
        paced::small();
        worst::small();
        special::small();
        commands::small();
        return;
    }
    let asked = || arguments.iter().filter(|argument| !argument.starts_with('-'));
    if let Some(unknown) = asked().find(|argument| PARTS.iter().all(|(name, _)| name != argument)) {
        eprintln!("there is no part {unknown}");
        std::process::exit(2);
    }
    for (name, part) in PARTS {
        if asked().next().is_none() || asked().any(|argument| argument == name) {
            println!("--- {name}");
            part();
        }
    }
}
