//! Operators at the Unix socket of a running engine.

use super::raw::{Raw, address, login_packet, order, start, wait};
use crate::cli::{Done, assert_says, dojima};
use crate::support::engines::{logged_events, small_config};
use dojima::config::{Config, Durability};
use dojima::domain::{Event, LoginId, UserRef, VenueEvent};
use dojima::engine::Engine;
use dojima::operator::{Order, Reply, SOCKET_FILE, ask};
use dojima::runtime::ThreadingMode;
use dojima::wire::ouch::Outbound;
use dojima::wire::soup::{END_OF_SESSION, LoginRejected, kind};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn config() -> Config {
    let mut config = small_config(ThreadingMode::Shared, Durability::Sync);
    config.market_data.enabled = false;
    config
}

fn reset(login: &str) -> Order {
    Order::ResetUserRef { login: login.to_owned() }
}

fn socket(data: &Path) -> PathBuf {
    data.join(SOCKET_FILE)
}

/// The command line, on this directory.
fn operator(data: &Path, more: &[&str]) -> Done {
    let data = data.display().to_string();
    let arguments: Vec<&str> =
        ["operator", "--data", &data].into_iter().chain(more.iter().copied()).collect();
    dojima(&arguments).output().expect("the program runs").into()
}

/// What the client is told of its order of this number: the type of the message, skipping those of other numbers.
fn answer(client: &mut Raw<std::net::TcpStream>, user_ref: u32) -> u8 {
    loop {
        let (kind::SEQUENCED, payload) = client.packet() else { continue };
        let told = match Outbound::decode(&payload).expect("a message") {
            Outbound::Accepted(told, _) => (told.user_ref, b'A'),
            Outbound::Rejected(told, _) => (told.user_ref, b'J'),
            _ => continue,
        };
        if told.0 == UserRef(user_ref) {
            return told.1;
        }
    }
}

/// Sends orders and says with what they were answered.
fn answers(engine: &Engine, user: &str, user_refs: &[u32]) -> Vec<u8> {
    let mut client = Raw::log_in(address(engine), user, 0);
    user_refs
        .iter()
        .map(|user_ref| {
            client.send(&order(*user_ref, b'B', 5_000_000));
            answer(&mut client, *user_ref)
        })
        .collect()
}

#[test]
fn a_login_without_numbers_gets_new_ones_and_keeps_its_orders() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    assert_eq!(answers(&engine, "ALICE", &[1, u32::MAX]), b"AA", "and that was the last number");
    let mut alice = Raw::log_in(address(&engine), "ALICE", 0);
    alice.send(&order(u32::MAX, b'B', 5_000_000));

    let done = operator(data.path(), &["reset-user-ref", "alice"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
    assert_says(&done.stdout, "login 0 is in session 1, and its next UserRefNum is 1");
    // What is said to be done is durable, under the sequence that was told.
    let events = logged_events(data.path());
    let started = Event::Venue(VenueEvent::SessionStarted { login: LoginId(0), session: 1 });
    let told = events.iter().find(|record| record.event == started).expect("its event is in the log");
    assert_says(&done.stdout, &format!("done by command {}:", told.sequence));

    // Its session has ended, for it alone.
    assert!(alice.rest().ends_with(&END_OF_SESSION));
    let mut bob = Raw::log_in(address(&engine), "BOB", 0);
    bob.send(&order(1, b'B', 5_000_000));
    assert_eq!(answer(&mut bob, 1), b'A');
    assert_eq!(operator(data.path(), &["reset-user-ref", "0"]).code, Some(0), "by its number");
    assert_eq!(answers(&engine, "ALICE", &[1, 2, u32::MAX]), b"JAJ", "1 and the last are live orders' still");
    let digest = engine.stop().expect("an orderly end").shards.expect("the exchange").digest();

    // A start goes on there, also one that replays everything, and the operator's command is replayed as it was.
    for from_snapshot in [true, false] {
        if !from_snapshot {
            fs::remove_dir_all(data.path().join("snapshots")).expect("there were some");
        }
        let before = logged_events(data.path());
        let engine = start(&config(), data.path());
        let log_in = |session| {
            let mut client = Raw::connect(address(&engine));
            let greeting = client.greet(&login_packet("ALICE", "DEMO", Some(session), 1));
            greeting.map(|accepted| accepted.session.to_string())
        };
        assert_eq!(log_in("DOJIMA0003"), Ok("DOJIMA0003".to_owned()));
        assert_eq!(log_in("DOJIMA0001"), Ok("DOJIMA0001".to_owned()), "it can be read to its end");
        assert_eq!(log_in("DOJIMA0004"), Err(LoginRejected::SessionNotAvailable));
        let exchange = engine.stop().expect("an orderly end").shards.expect("the exchange");
        assert_eq!(exchange.digest(), digest, "from a snapshot: {from_snapshot}");
        assert_eq!(exchange.logins()[0].session, 2);
        assert_eq!(logged_events(data.path())[..before.len()], before);
    }
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_engine() {
    let data = TempDir::new().expect("a temporary directory");
    // An engine that was killed leaves one behind, and one that was killed as it made one leaves more.
    drop(UnixListener::bind(socket(data.path())).expect("a stale socket"));
    fs::create_dir(data.path().join("operator.tmp")).expect("made");
    drop(UnixListener::bind(data.path().join("operator.tmp/operator.sock")).expect("a stale socket"));
    let engine = start(&config(), data.path());
    let about = fs::metadata(socket(data.path())).expect("it is there");
    assert!(about.file_type().is_socket());
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    assert!(!data.path().join("operator.tmp").exists());
    assert!(matches!(ask(data.path(), reset("BOB")), Ok(Reply::Done { .. })));
    engine.stop().expect("an orderly end");
    assert!(!socket(data.path()).exists());
    let done = operator(data.path(), &["reset-user-ref", "BOB"]);
    assert_eq!(done.code, Some(1));
    assert_says(&done.stderr, "no engine runs on");
    assert_says(&done.stderr, "dojima serve");
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    for (login, why) in [("NOBODY", "no login is named \"NOBODY\""), ("4711", "the login does not exist")] {
        let done = operator(data.path(), &["reset-user-ref", login]);
        assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""));
        assert_says(&done.stderr, "refused, and nothing was done");
        assert_says(&done.stderr, why);
    }
    assert_eq!(operator(data.path(), &["reset-user-ref"]).code, Some(2));
    assert_eq!(operator(data.path(), &[]).code, Some(2));
    assert_says(&operator(data.path(), &["reset-user-ref", "--help"]).stdout, "open orders stay");
    let exchange = engine.stop().expect("an orderly end").shards.expect("the exchange");
    assert!(exchange.logins().iter().all(|login| login.session == 0));

    // A session that no name can be made for would lock the login out.
    let mut config = config();
    config.gateway.session = "DAY".to_owned();
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config, data.path());
    let refused = ask(data.path(), reset("ALICE")).expect("an answer");
    assert!(
        matches!(&refused, Reply::Refused { reason } if reason.contains("gateway.session")),
        "{refused:?}"
    );
    engine.stop().expect("an orderly end");
}

#[test]
fn whoever_says_nothing_or_nonsense_keeps_nobody() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    let connect = || UnixStream::connect(socket(data.path())).expect("a connection");
    let line = |stream: UnixStream| {
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("UTF-8");
        line
    };
    // Half a line, and silence.
    let mut slow = connect();
    slow.write_all(b"{\"version\":1,").expect("sent");
    let mut nonsense = connect();
    nonsense.write_all(b"\xff\xfe\x00\n").expect("sent");
    assert!(line(nonsense).contains("refused"));
    // The engine reads no more of it than a line may have, so it may have closed before all was sent.
    let mut endless = connect();
    let _ = endless.write_all(&[b'x'; 100_000]);
    drop(endless);
    let mut later = connect();
    later.write_all(b"{\"version\":2,\"order\":{}}\n").expect("sent");
    assert!(line(later).contains("version 2"));
    assert!(matches!(ask(data.path(), reset("BOB")), Ok(Reply::Done { .. })));
    // As many as may be there; the next is told so, and when they are gone there is room again.
    let mut crowd: Vec<UnixStream> = (0..7).map(|_| connect()).collect();
    wait("the crowd to be let in", || matches!(ask(data.path(), reset("BOB")), Ok(Reply::Refused { .. })));
    crowd.clear();
    wait("room", || matches!(ask(data.path(), reset("BOB")), Ok(Reply::Done { .. })));
    engine.stop().expect("an orderly end, whoever is there");
    let mut rest = Vec::new();
    assert_eq!(slow.read_to_end(&mut rest).expect("it is closed"), 0);
}

/// Whoever says half a line, or a line a byte at a time, is disconnected, and keeps no place.
#[test]
fn whoever_takes_too_long_for_a_line_is_disconnected() {
    let data = TempDir::new().expect("a directory");
    let engine = start(&config(), data.path());
    let connect = || UnixStream::connect(socket(data.path())).expect("it listens");
    let mut silent = connect();
    silent.write_all(b"{\"ver").expect("sent");
    let mut slow: Vec<UnixStream> = (0..7).map(|_| connect()).collect();
    let started = std::time::Instant::now();
    while !slow.is_empty() {
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "they are there still");
        slow.retain_mut(|stream| stream.write_all(b" ").is_ok());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(silent.read(&mut [0; 1]).expect("the end"), 0);
    assert!(matches!(ask(data.path(), reset("ALICE")), Ok(Reply::Done { .. })));
    engine.stop().expect("an orderly end");
}
