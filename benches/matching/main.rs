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
#[path = "../mix/listing.rs"]
mod listing;
#[path = "../mix/mod.rs"]
mod mix;
mod paced;
mod parts;
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
    parts::run(&PARTS, || {
        throughput::small();
        paced::small();
        worst::small();
        special::small();
        commands::small();
    });
}
