//! A file system that is full: new orders are refused, cancels are answered, and when there is space again trading goes on
//! by itself. (`tests/it/space.rs` has the parts one by one, on a simulated disk.)

use crate::support::crash_site::examine;
use crate::support::mounts::{Image, can_mount};
use crate::support::process::EngineProcess;
use crate::support::trader::{Answers, Trader};
use dojima::config::Durability;
use dojima::flow::generator::{GeneratorOptions, generate};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// Fills the file system to the last block that it gives.
fn fill(ballast: &Path) {
    let mut file = File::options().create(true).append(true).open(ballast).expect("a file");
    for len in [1 << 20, 1 << 16, 1 << 12] {
        while file.write_all(&vec![7; len]).and_then(|()| file.sync_data()).is_ok() {}
    }
}

/// Lets the clients act until their answers are as wanted.
fn until(
    trader: &mut Trader,
    mut act: impl FnMut(&mut Trader),
    wanted: impl Fn(&Answers) -> bool,
) -> Answers {
    let started = Instant::now();
    loop {
        act(trader);
        let answers = trader.answers();
        if wanted(&answers) {
            return answers;
        }
        assert!(started.elapsed() < PATIENCE, "{answers:?}");
    }
}

/// Refusals are written down too: sends until there is no room for those either, and nothing is answered any more.
fn use_up(trader: &mut Trader) {
    let (started, mut last) = (Instant::now(), Instant::now());
    let mut told = trader.told();
    while last.elapsed() < Duration::from_millis(500) && started.elapsed() < PATIENCE / 4 {
        trader.trade().expect("the engine is up");
        if trader.told() != told {
            (told, last) = (trader.told(), Instant::now());
        }
    }
}

#[test]
fn a_full_disk_refuses_new_orders_until_there_is_space() {
    if !can_mount("faults::space::a_full_disk_refuses_new_orders_until_there_is_space") {
        return;
    }
    let venue = generate(&GeneratorOptions { seed: 5, actions: 0, sessions: 2 }).venue;
    let mut config = venue.config();
    config.journal.durability = Durability::Sync;
    config.journal.segment_mib = 1;
    config.journal.spare_segments = 2;
    config.event_log.segment_mib = 1;
    config.event_log.spare_segments = 2;
    config.market_data.segment_mib = 1;
    config.exchange.orders_max = 10_000;
    let folder = TempDir::new().expect("a temporary directory");
    let disk = Image::make(&folder.path().join("image"), 64)
        .and_then(|image| image.mount(&folder.path().join("disk")))
        .expect("mounted");
    let data = disk.path().join("data");
    std::fs::create_dir(&data).expect("made");
    let mut trader = Trader::new(&venue, 5, 16);
    let mut engine = EngineProcess::start(&config, &data);
    trader.connect(engine.address, 0);
    let trade = |trader: &mut Trader| trader.trade().expect("the engine is up");
    until(&mut trader, trade, |answers| answers.accepted > 500);

    for round in 0..2 {
        let ballast = disk.path().join("ballast");
        fill(&ballast);
        let before = trader.answers();
        let full = until(&mut trader, trade, |now| now.refused_for_space > before.refused_for_space + 100);
        trader.settle();
        assert!(engine.is_running(), "round {round}");

        // Cancels of what is still open are answered while new orders are not taken.
        let cancel = |trader: &mut Trader| {
            trader.cancel(5).expect("the engine is up");
        };
        let canceled = until(&mut trader, cancel, |now| now.canceled > full.canceled);
        assert_eq!(canceled.accepted, trader.answers().accepted, "no new order is taken");
        if round > 0 {
            use_up(&mut trader);
            assert!(engine.is_running(), "round {round}: nothing is left");
        }

        std::fs::remove_file(&ballast).expect("removed");
        let resumed = until(&mut trader, trade, |now| now.accepted > canceled.accepted + 500);
        assert!(engine.is_running(), "round {round}: {resumed:?}");
        println!("round {round}: full {full:?}, resumed {resumed:?}");
    }
    trader.trade_for(Duration::from_millis(20));
    engine.kill();
    trader.hear_the_end();
    engine = EngineProcess::start(&config, &data);
    trader.connect(engine.address, usize::MAX);
    trader.settle();
    engine.terminate();
    let found = examine(&config, &data);
    assert_eq!(found.in_sql, found.last_event, "SQL has caught up");
}
