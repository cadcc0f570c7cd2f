//! What is missing, cut short, damaged or of another engine is found, and refused where it proves a loss.

use super::{Done, Place, assert_says, first_segment, trade, traded};
use crate::lost::TOOLS;
use dojima_journal::scan;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Flips a bit in the first segment of a log, and returns the file.
fn damaged(data: &Path, log: &str) -> PathBuf {
    let file = first_segment(data, log);
    let mut bytes = fs::read(&file).expect("readable");
    bytes[300] ^= 1;
    fs::write(&file, bytes).expect("written");
    file
}

/// What is written into removed files, nobody will ever read: an engine that went on would acknowledge what is lost.
#[test]
fn a_data_directory_that_vanishes_ends_the_engine_loudly() {
    let place = Place::new();
    let aside = place.dir.path().join("aside");
    let mut server = place.serve();
    fs::rename(place.data(), &aside).expect("moved");
    let moved = server.take_rest();
    assert_eq!(moved.code, Some(18), "{}", moved.stderr);
    assert_says(&moved.stderr, "nothing that is written now can be read again");
    // Whatever had its name for a moment (a database that was made again), put back it goes on.
    let _ = fs::remove_dir_all(place.data());
    fs::rename(&aside, place.data()).expect("moved back");
    let mut server = place.serve();
    fs::remove_dir_all(place.data().join("journal")).expect("removed");
    let removed = server.take_rest();
    assert_eq!(removed.code, Some(18), "{}", removed.stderr);
    assert_says(&removed.stderr, "journal is gone");
}

/// Event log, database and market data each prove that an order was acknowledged, and the journal that was cut short lacks it.
#[test]
fn a_journal_that_was_cut_short_is_refused_as_long_as_anything_knows_more() {
    let place = Place::new();
    let server = place.serve();
    trade(server.address, "ALICE", b'S', 2);
    assert_eq!(server.terminate().code, Some(0));
    fs::remove_dir_all(place.data().join("snapshots")).expect("removed");
    let file = first_segment(&place.data(), "journal");
    let used = scan(&place.data().join("journal")).expect("scanned").segments()[0].bytes;
    // The seal goes, and the last record with it.
    OpenOptions::new().write(true).open(&file).and_then(|file| file.set_len(used - 100)).expect("cut");
    let cut = fs::read(&file).expect("readable");
    for (durability, proof) in [("sync", "dojima.sqlite"), ("sync", "market-data"), ("sync", "events")] {
        let refused = place.run("serve", &["--listen", "127.0.0.1:0", "--durability", durability]);
        assert_eq!(refused.code, Some(14), "{}", refused.stderr);
        assert_says(&refused.stderr, "it ends at command 29, but ");
        assert_says(&refused.stderr, &format!("{proof} has what came of command 30"));
        let backup = "not complete: it ends at command 29, and acknowledged commands after that are missing";
        let seen = place.run("verify", &[]);
        assert_says(&seen.stdout, backup);
        let mut tool = Command::new(&*TOOLS);
        tool.args(["journal", "verify"]).arg(place.data()).arg("--config").arg(place.config());
        assert_says(&Done::from(tool.output().expect("the tool runs")).stdout, backup);
        assert!(fs::read(&file).expect("readable") == cut, "nothing was changed");
        let proof = place.data().join(proof);
        match (proof.is_dir(), proof.ends_with("events")) {
            (_, true) => {}
            (true, _) => fs::remove_dir_all(proof).expect("removed"),
            (false, _) => fs::remove_file(proof).expect("removed"),
        }
    }
    // In async mode a loss of power may leave more of the event log than of the journal.
    let cut = place.run("verify", &[]);
    assert_eq!(cut.code, Some(1), "{}", cut.stdout);
    place.configure(|text| text.replace("durability = \"sync\"", "durability = \"async\""));
    let server = place.serve();
    assert_says(&server.said, "1 event cut from the event log");
    assert_eq!(server.terminate().code, Some(0));
}

#[test]
fn what_can_be_built_again_may_be_missing() {
    let place = Place::new();
    assert_eq!(place.serve().terminate().code, Some(0));
    let database = place.data().join("dojima.sqlite");
    fs::remove_file(&database).expect("removed");
    let missing = place.run("verify", &[]);
    assert_eq!(missing.code, Some(0), "{}", missing.stdout);
    assert_says(&missing.stdout, "there is no database yet");
    fs::write(&database, "").expect("written");
    assert_says(&place.run("verify", &[]).stdout, "there is no database yet");
    fs::write(&database, "not a database, but longer than the header of one would be".repeat(4))
        .expect("written");
    let foreign = place.run("verify", &[]);
    assert_eq!(foreign.code, Some(1), "{}", foreign.stdout);
    assert_says(&foreign.stdout, "refuses to start (exit code 17)");
    assert_says(&foreign.stdout, "NOT verified: 2 checks failed");
    fs::remove_file(&database).expect("removed");
    fs::remove_dir_all(place.data().join("events")).expect("removed");
    let verify = place.run("verify", &[]);
    assert_says(&verify.stdout, "29 events not there yet");
    assert_eq!(place.serve().terminate().code, Some(0));
    assert_says(&place.run("verify", &[]).stdout, "every event is there; 15 balances as replayed");

    fs::remove_dir_all(place.data().join("journal")).expect("removed");
    let nothing = place.run("verify", &[]);
    assert_eq!(nothing.code, Some(1), "{}", nothing.stdout);
    assert_says(&nothing.stderr, "error: nothing to verify");
}

#[test]
fn damage_is_found_and_refused() {
    let place = Place::new();
    assert_eq!(place.serve().terminate().code, Some(0));
    let file = damaged(&place.data(), "journal");
    let serve = place.run("serve", &["--listen", "127.0.0.1:0"]);
    assert_eq!(serve.code, Some(14), "{}", serve.stderr);
    assert_says(&serve.stderr, &file.display().to_string());
    assert_eq!(serve.stderr.matches("damaged at byte").count(), 1, "said once: {}", serve.stderr);
    let verify = place.run("verify", &[]);
    assert_eq!(verify.code, Some(1));
    assert_says(&verify.stdout, "damaged at byte");
    assert_says(&verify.stdout, "NOT verified");
}

#[test]
fn verify_sees_a_message_of_market_data_that_the_events_do_not_give() {
    let place = traded();
    let good = place.run("verify", &[]);
    assert_eq!(good.code, Some(0), "{}", good.stdout);
    assert_says(&good.stdout, "market data");
    assert_says(&good.stdout, "messages the same, byte for byte");

    let log = place.data().join("market-data");
    let kept = place.dir.path().join("kept");
    fs::rename(&log, &kept).expect("moved");
    assert_says(&place.run("verify", &[]).stdout, "there is no log yet");
    // The market data of another day, in order in itself.
    let other = Place::new();
    let server = other.serve();
    trade(server.address, "ALICE", b'B', 2);
    assert_eq!(server.terminate().code, Some(0));
    fs::rename(other.data().join("market-data"), &log).expect("moved");
    let differs = place.run("verify", &[]);
    assert_eq!(differs.code, Some(1), "{}", differs.stdout);
    assert_says(&differs.stdout, "by the events, and the log has");
    // A byte of it.
    fs::remove_dir_all(&log).expect("removed");
    fs::rename(&kept, &log).expect("moved");
    damaged(&place.data(), "market-data");
    let damaged = place.run("verify", &[]);
    assert_eq!(damaged.code, Some(1), "{}", damaged.stdout);
    assert_says(&damaged.stdout, "acknowledged data damaged at byte");
}

#[test]
fn verify_finds_an_event_log_that_tells_another_story() {
    let (place, other) = (Place::new(), Place::new());
    other.configure(|text| text.replace("taker_fee_ppm = \"1000\"", "taker_fee_ppm = \"900\""));
    assert_eq!(place.serve().terminate().code, Some(0));
    assert_eq!(other.serve().terminate().code, Some(0));
    fs::remove_dir_all(place.data().join("events")).expect("removed");
    fs::rename(other.data().join("events"), place.data().join("events")).expect("moved");
    let verify = place.run("verify", &[]);
    assert_eq!(verify.code, Some(1), "{}", verify.stdout);
    assert_says(&verify.stdout, "event 1 differs");
    assert_says(&verify.stdout, "NOT verified");
}
