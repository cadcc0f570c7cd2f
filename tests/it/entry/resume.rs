//! Streams that are cut anywhere and taken up again: across connections, starts, sessions, and for copies.

use super::raw::{Raw, address, count, login_packet, order, start, wait};
use crate::support::engines::{send, small_config};
use dojima::config::{Config, Durability, UserRole};
use dojima::domain::{AccountId, Command, LoginId, VenueCommand};
use dojima::engine::Engine;
use dojima::runtime::ThreadingMode;
use dojima::wire::ouch::{Outbound, tags};
use dojima::wire::soup::{END_OF_SESSION, HEADER_LEN, LoginRejected};
use std::net::SocketAddr;
use tempfile::TempDir;

fn config() -> Config {
    small_config(ThreadingMode::Shared, Durability::Async)
}

/// The whole stream of a login, by message.
fn stream(address: SocketAddr, user: &str) -> Vec<Vec<u8>> {
    Raw::log_in(address, user, 1).up_to_heartbeat()
}

/// Orders of two logins that trade with one another.
fn trade(engine: &Engine, first_ref: u32) {
    let mut alice = Raw::log_in(address(engine), "ALICE", 0);
    let mut bob = Raw::log_in(address(engine), "BOB", 0);
    let accepted = count(engine, "matcher.commands");
    for user_ref in first_ref..first_ref + 4 {
        alice.send(&order(user_ref, b'B', 6_000_000 + u64::from(user_ref)));
        bob.send(&order(user_ref, b'S', 6_000_000));
    }
    alice.send(&order(first_ref + 4, b'B', 5_000_000));
    wait("the orders", || count(engine, "matcher.commands") >= accepted + 9);
}

/// Cuts the connection after every `step`th byte of the stream, and resumes from the first message that did not arrive whole.
fn cut_everywhere(address: SocketAddr, user: &str, whole: &[Vec<u8>], step: usize) {
    let bytes = whole.concat();
    for cut in (0..=bytes.len()).step_by(step) {
        let mut before = Raw::log_in(address, user, 1);
        let got = before.bytes(cut);
        assert_eq!(got, bytes[..cut], "before a cut after {cut} bytes");
        drop(before);
        let mut arrived = (0, 0);
        for packet in whole {
            if arrived.1 + packet.len() > cut {
                break;
            }
            arrived = (arrived.0 + 1, arrived.1 + packet.len());
        }
        let mut after = Raw::log_in(address, user, arrived.0 + 1);
        assert_eq!(after.bytes(bytes.len() - arrived.1), bytes[arrived.1..], "after a cut after {cut} bytes");
    }
}

#[test]
fn a_stream_that_is_cut_after_any_byte_goes_on_without_a_gap() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    trade(&engine, 1);
    let whole = stream(address(&engine), "ALICE");
    assert!(whole.len() >= 10, "{} messages", whole.len());
    cut_everywhere(address(&engine), "ALICE", &whole, 1);
    engine.stop().expect("an orderly end");
    // After a start all of it comes from the event log.
    let engine = start(&config(), data.path());
    assert_eq!(stream(address(&engine), "ALICE"), whole);
    cut_everywhere(address(&engine), "ALICE", &whole, 3);
    assert!(count(&engine, "gateway.resend_chunks") > 0);
    engine.stop().expect("an orderly end");
}

#[test]
fn a_stream_begins_anew_with_the_session_and_is_resumed_in_it() {
    let data = TempDir::new().expect("a temporary directory");
    let mut engine = start(&config(), data.path());
    trade(&engine, 1);
    let before = stream(address(&engine), "ALICE");
    let mut alice = Raw::log_in(address(&engine), "ALICE", 1);
    let mut far_behind = Raw::log_in(address(&engine), "BOB", 1);
    send(engine.local(), [Command::Venue(VenueCommand::RollSession { session: 1 })]);
    let got = alice.rest();
    let all = before.concat();
    assert_eq!(got[..all.len()], all, "all of the session");
    let (last, end) = got[all.len()..].split_at(got.len() - all.len() - END_OF_SESSION.len());
    assert!(
        matches!(Outbound::decode(&last[HEADER_LEN..]), Ok(Outbound::System(event)) if event.code == b'E')
    );
    assert_eq!(end, END_OF_SESSION);
    assert!(far_behind.rest().ends_with(&END_OF_SESSION));

    // Client numbers begin anew, and orders stay.
    trade(&engine, 1);
    let after = stream(address(&engine), "ALICE");
    assert!(
        matches!(Outbound::decode(&after[0][HEADER_LEN..]), Ok(Outbound::System(event)) if event.code == b'S')
    );
    cut_everywhere(address(&engine), "ALICE", &after, 11);
    engine.stop().expect("an orderly end");

    // A start goes on in the second session, and so does one that replays everything.
    for from_snapshot in [true, false] {
        if !from_snapshot {
            std::fs::remove_dir_all(data.path().join("snapshots")).expect("there were some");
        }
        let engine = start(&config(), data.path());
        assert_eq!(stream(address(&engine), "ALICE"), after, "from a snapshot: {from_snapshot}");
        cut_everywhere(address(&engine), "ALICE", &after, 101);
        let login = |session| {
            let mut client = Raw::connect(address(&engine));
            client
                .greet(&login_packet("ALICE", "DEMO", session, 1))
                .map(|accepted| accepted.session.to_string())
        };
        assert_eq!(login(None), Ok("DOJIMA0002".to_owned()));
        assert_eq!(login(Some("DOJIMA0002")), Ok("DOJIMA0002".to_owned()));
        assert_eq!(login(Some("DOJIMA0003")), Err(LoginRejected::SessionNotAvailable));
        // The first session can be read to its end, from any message on.
        for (from, left) in [(1, &got[..]), (2, &got[before[0].len()..]), (0, &END_OF_SESSION[..])] {
            let mut late = Raw::connect(address(&engine));
            let accepted = late.greet(&login_packet("ALICE", "DEMO", Some("DOJIMA0001"), from));
            let first = if from == 0 { before.len() as u64 + 2 } else { from };
            assert_eq!(accepted.map(|accepted| accepted.sequence), Ok(first));
            assert!(late.rest() == left, "from {from}, from a snapshot: {from_snapshot}");
        }
        engine.stop().expect("an orderly end");
    }
}

#[test]
fn copies_are_a_stream_like_any_other() {
    let mut config = config();
    config.accounts[2].logins[0].role = UserRole::DropCopy;
    let data = TempDir::new().expect("a temporary directory");
    let mut engine = start(&config, data.path());
    // What was told before there were copies is not copied, also when it is read again.
    trade(&engine, 1);
    let copy = Command::Venue(VenueCommand::CopyAccount { login: LoginId(2), account: AccountId(1) });
    let applied = count(&engine, "matcher.commands");
    send(engine.local(), [copy]);
    wait("the copies", || count(&engine, "matcher.commands") > applied);
    trade(&engine, 11);
    let alice = stream(address(&engine), "ALICE");
    let copies = stream(address(&engine), "CAROL");
    // Her own System Event, and five orders and four trades of Alice's.
    assert_eq!(copies.len(), 1 + 5 + 4);
    let later = &alice[alice.len() - 9..];
    for (copy, original) in copies[1..].iter().zip(later) {
        let (copy, original) = (&copy[HEADER_LEN..], &original[HEADER_LEN..]);
        assert_eq!(copy[0], original[0], "the same messages in the same order");
        let said =
            [tags::COPY_OF_LOGIN, tags::COPY_OF_ACCOUNT].map(|tag| copy.windows(2).any(|w| w == [5, tag]));
        assert_eq!(said, [true, true], "whose they are");
    }
    cut_everywhere(address(&engine), "CAROL", &copies, 7);
    let mut reader = Raw::log_in(address(&engine), "CAROL", 0);
    reader.send(&order(1, b'B', 5_000_000));
    assert_eq!(reader.rest(), b"", "she may send nothing");
    engine.stop().expect("an orderly end");
    for from_snapshot in [true, false] {
        if !from_snapshot {
            std::fs::remove_dir_all(data.path().join("snapshots")).expect("there were some");
        }
        let engine = start(&config, data.path());
        assert_eq!(stream(address(&engine), "CAROL"), copies, "from a snapshot: {from_snapshot}");
        cut_everywhere(address(&engine), "CAROL", &copies, 61);
        engine.stop().expect("an orderly end");
    }
}

#[test]
fn orders_of_a_login_that_stays_away_are_cancelled() {
    let mut config = config();
    config.accounts[0].logins[0].cancel_on_disconnect_ms = Some(20);
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config, data.path());
    wait("the grace of the start", || count(&engine, "gateway.absent_cancels") == 1);
    let mut alice = Raw::log_in(address(&engine), "ALICE", 2);
    alice.send(&order(1, b'B', 5_000_000));
    let (_, accepted) = alice.packet();
    assert_eq!(accepted[0], b'A');
    drop(alice);
    wait("the cancel", || count(&engine, "gateway.absent_cancels") == 2);
    let mut alice = Raw::log_in(address(&engine), "ALICE", 3);
    let (_, canceled) = alice.packet();
    assert_eq!((canceled[0], canceled[17]), (b'C', b'S'), "cancelled, by supervision");
    engine.stop().expect("an orderly end");
}
