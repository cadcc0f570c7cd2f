//! Subscribers of the stream and of snapshots.

use super::*;
use dojima::client::market::{join, snapshot};
use dojima::domain::{Command, VenueCommand};
use dojima::wire::soup::{SessionId, kind};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

#[test]
fn a_subscriber_gets_every_message_from_any_number_on() {
    let folder = TempDir::new().expect("a directory");
    let mut engine = start(&config(), folder.path());
    let commands = &mut Commands::new(7);
    let mut live = connect(engine.market_data, 1);
    assert_eq!(live.id(), SessionId::new("DOJIMA0001").expect("an id"));
    trade(&mut engine, commands, 3_000);
    let expected: Vec<_> = expected(folder.path()).iter().map(|said| said.message).collect();
    // Far more than are in memory, so that the first come from the log.
    assert!(expected.len() > 2_000, "{} messages", expected.len());
    let numbered: Vec<_> = (1..).zip(expected.iter().copied()).collect();
    assert_eq!(receive(&mut live, numbered.len()), numbered);
    let last = numbered.len();
    for from in [1, 2, 500, last / 2, last - 1_025, last - 1_024, last - 1_023, last - 1, last] {
        let mut session = connect(engine.market_data, from as u64);
        let got = receive(&mut session, last + 1 - from);
        assert!(got == numbered[from - 1..], "from {from}");
    }
    // 0: what comes from now on. So does the next one.
    let mut next = connect(engine.market_data, 0);
    assert_eq!(next.next_sequence(), last as u64 + 1);
    let mut same = connect(engine.market_data, last as u64 + 1);
    trade(&mut engine, commands, 50);
    let [one, other] = [&mut next, &mut same].map(|session| receive(session, 1)[0]);
    assert_eq!((one, one.0), (other, last as u64 + 1));

    let mut books = Books::default();
    let exchange = engine.stop().expect("an orderly end").shards.expect("its state").first().clone();
    logged(folder.path()).iter().for_each(|(_, message)| books.apply(message).expect("it makes sense"));
    assert_books_are(&books, &exchange);
    assert_logged_as_expected(folder.path());
}

#[test]
fn who_joins_late_has_the_same_books() {
    let folder = TempDir::new().expect("a directory");
    let mut engine = start(&config(), folder.path());
    let (stream, glimpse) = (engine.market_data.expect("it listens"), engine.glimpse.expect("it listens"));
    let commands = &mut Commands::new(3);
    let mut joined = Vec::new();
    for _ in 0..6 {
        trade(&mut engine, commands, 400);
        joined.push(join(glimpse, stream, &alice()).expect("joined"));
    }
    trade(&mut engine, commands, 400);
    let end = expected(folder.path()).len() as u64;
    for (books, session) in &mut joined {
        let missing = end + 1 - session.next_sequence();
        for (_, message) in receive(session, missing as usize) {
            books.apply(&message).expect("it makes sense after the snapshot");
        }
    }
    let view = engine.market().expect("there is market data").clone();
    let exchange = engine.stop().expect("an orderly end").shards.expect("its state").first().clone();
    joined.iter().for_each(|(books, _)| assert_books_are(books, &exchange));
    // People see the same.
    let view = view.view();
    assert_eq!((view.session, view.message), (0, end));
    let (first, book) = (&view.instruments[0], joined[0].0.book(1).expect("its book"));
    assert_eq!((&first.depth, first.state), (&book.depth(20), b'T'));
    assert_eq!(first.listing.symbol, book.symbol);
}

#[test]
fn only_those_who_may_are_let_in() {
    let folder = TempDir::new().expect("a directory");
    let mut config = config();
    config.users.push(user("eye", "market-data"));
    config.users.push(user("boss", "admin"));
    config.accounts[0].logins.push(user("drop", "drop-copy"));
    let engine = start(&config, folder.path());
    let both = [engine.market_data.expect("it listens"), engine.glimpse.expect("it listens")];
    for address in both {
        let log_in = |who: &Credentials, session: Option<&str>| {
            let session = session.map(|session| SessionId::new(session).expect("an id"));
            MarketSession::connect(address, who, Resume { session, sequence: 0 })
        };
        for name in ["ALICE", "EYE", "BOSS"] {
            log_in(&who(name, "DEMO"), None).expect("may see it");
            log_in(&who(name, "DEMO"), Some("DOJIMA0001")).expect("it is this session");
        }
        for (name, password) in [("ALICE", "WRONG"), ("NOBODY", "DEMO"), ("DROP", "DEMO")] {
            assert!(is_rejected(&log_in(&who(name, password), None).expect_err("may not")), "{name}");
        }
        assert!(is_rejected(&log_in(&alice(), Some("DOJIMA0002")).expect_err("there is no such session")));
    }
    snapshot(both[1], &who("EYE", "DEMO")).expect("a snapshot");
    engine.stop().expect("an orderly end");
}

/// A user who logs in again and again ends connections of its own, and takes nobody's place.
#[test]
fn one_user_cannot_take_all_places() {
    let folder = TempDir::new().expect("a directory");
    let mut config = config();
    config.users.push(user("eye", "market-data"));
    (config.market_data.connections_max, config.market_data.connections_per_user) = (4, 2);
    let mut engine = start(&config, folder.path());
    let address = engine.market_data.expect("it listens");
    let log_in = |name: &str| {
        let resume = Resume { session: None, sequence: 1 };
        MarketSession::connect(address, &who(name, "DEMO"), resume).expect("a login")
    };
    let mut own: Vec<MarketSession> = (0..6).map(|_| log_in("ALICE")).collect();
    let mut other = log_in("EYE");
    trade(&mut engine, &mut Commands::new(3), 300);
    let count = expected(folder.path()).len();
    assert_eq!(receive(&mut other, count).len(), count);
    let stay = own.split_off(4);
    for mut session in stay {
        assert_eq!(receive(&mut session, count).len(), count);
    }
    for mut session in own {
        wait_for("the end of an older connection", || session.receive(|_, _| {}).is_err());
    }
    engine.stop().expect("an orderly end");
}

#[test]
fn foreign_bytes_cost_their_connection_and_nothing_else() {
    let folder = TempDir::new().expect("a directory");
    let mut engine = start(&config(), folder.path());
    let mut bystander = connect(engine.market_data, 1);
    for address in [engine.market_data, engine.glimpse].map(|address| address.expect("it listens")) {
        for bytes in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            &[0, 0, 0],
            &[0xFF; 200],
            &[0, 1, kind::LOGOUT],
            &[0, 2, kind::UNSEQUENCED, 1],
            &[0, 47, kind::LOGIN_REQUEST],
        ] {
            let mut stream = TcpStream::connect(address).expect("connected");
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            stream.write_all(bytes).expect("sent");
            // A part of a login may still become one; the others are closed.
            if bytes.len() != 3 || bytes[2] != kind::LOGIN_REQUEST {
                // With bytes unread the system may reset it.
                let read = stream.read(&mut [0; 64]);
                assert!(matches!(read, Ok(0) | Err(_)), "{bytes:?}: {read:?}");
            }
        }
    }
    trade(&mut engine, &mut Commands::new(3), 300);
    let count = expected(folder.path()).len();
    assert_eq!(receive(&mut bystander, count).len(), count);
    engine.stop().expect("an orderly end");
}

/// One that never reads is cut, and comes back for the rest; who reads has everything all the while.
#[test]
fn a_subscriber_that_does_not_read_is_cut_and_can_resume() {
    let folder = TempDir::new().expect("a directory");
    let mut config = config();
    config.gateway.stall_timeout_ms = 200;
    // It says nothing either, which is not what it is to be cut for.
    config.gateway.client_timeout_ms = 600_000;
    config.market_data.behind_messages_max = 20_000;
    let mut engine = start(&config, folder.path());
    let mut reader = connect(engine.market_data, 1);
    let mut sleeper = connect(engine.market_data, 0);
    let asleep_at = sleeper.next_sequence();
    let (got, wanted) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
    let (got_in, wanted_of) = (Arc::clone(&got), Arc::clone(&wanted));
    let reading = std::thread::spawn(move || {
        while got_in.load(Ordering::Acquire) < wanted_of.load(Ordering::Acquire) {
            let told = |number, _| got_in.store(number, Ordering::Release);
            reader.receive(told).expect("who reads is never cut");
            reader.wait(Duration::from_millis(5)).expect("a socket");
        }
    });
    let counted = |engine: &Engine, name: &str| {
        let counters = engine.counters.snapshot();
        counters.iter().find(|one| one.name == name).expect("it is counted").value
    };
    let commands = &mut Commands::new(100);
    let started = Instant::now();
    while counted(&engine, "feed.slow_disconnects") == 0 {
        assert!(started.elapsed() < PATIENCE, "it is never cut");
        trade(&mut engine, commands, 5_000);
        // No more before the reader has these: on a busy machine it would be as far behind as the one that never reads.
        let published = counted(&engine, "feed.messages");
        wait_for("the reader", || reading.is_finished() || got.load(Ordering::Acquire) >= published);
    }
    let count = expected(folder.path()).len();
    wanted.store(count as u64, Ordering::Release);
    reading.join().expect("it read");
    assert_eq!(got.load(Ordering::Acquire), count as u64);
    let mut got = Vec::new();
    let broken = loop {
        match sleeper.receive(|number, message| got.push((number, message))) {
            Ok(_) => sleeper.wait(Duration::from_millis(20)).expect("a socket"),
            Err(error) => break error,
        }
    };
    assert!(matches!(broken, MarketError::Client(ref error) if error.is_disconnect()), "{broken}");
    let mut again = connect(engine.market_data, sleeper.next_sequence());
    got.extend(receive(&mut again, count - got.len() - asleep_at as usize + 1));
    let all: Vec<_> = (1..).zip(expected(folder.path()).iter().map(|said| said.message)).collect();
    assert!(got == all[asleep_at as usize - 1..]);
    engine.stop().expect("an orderly end");
}

/// The venue's day ends: everybody gets the rest of it, and then the next one begins with message 1 and all that is there.
#[test]
fn a_session_ends_for_everybody_and_the_next_begins_with_the_book() {
    let folder = TempDir::new().expect("a directory");
    let config = config();
    let mut engine = start(&config, folder.path());
    let commands = &mut Commands::new(17);
    let (mut live, mut late) = (connect(engine.market_data, 1), connect(engine.market_data, 1));
    trade(&mut engine, commands, 1_500);
    let first_day = expected(folder.path()).len();
    assert_eq!(receive(&mut live, first_day).len(), first_day);
    send(engine.local(), [Command::Venue(VenueCommand::RollSession { session: 1 })]);
    wait_for("the roll", || engine.market().is_some_and(|watch| watch.view().session == 1));
    let all: Vec<_> = expected(folder.path()).iter().map(|said| said.message).collect();
    let is_start = |message: &Message| matches!(message, Message::SystemEvent(event) if event.code == b'O');
    let second = 1 + all[1..].iter().position(is_start).expect("a second session");
    let to_the_end = |session: &mut MarketSession| {
        let mut got = Vec::new();
        loop {
            match session.receive(|number, message| got.push((number, message))) {
                Ok(_) => session.wait(Duration::from_millis(20)).expect("a socket"),
                Err(MarketError::Client(ClientError::SessionEnded)) => return got,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let numbered: Vec<_> = (1..).zip(all[..second].iter().copied()).collect();
    assert!(to_the_end(&mut live) == numbered[first_day..]);
    // Far behind, from the log.
    assert!(to_the_end(&mut late) == numbered);

    trade(&mut engine, commands, 100);
    let (stream, glimpse) = (engine.market_data.expect("it listens"), engine.glimpse.expect("it listens"));
    let old = Resume { session: SessionId::new("DOJIMA0001"), sequence: 1 };
    assert!(is_rejected(&MarketSession::connect(stream, &alice(), old).expect_err("it is over")));
    let all: Vec<_> = expected(folder.path()).iter().map(|said| said.message).collect();
    let numbered: Vec<_> = (1..).zip(all[second..].iter().copied()).collect();
    let mut next = connect(engine.market_data, 1);
    assert_eq!(next.id(), SessionId::new("DOJIMA0002").expect("an id"));
    assert!(receive(&mut next, numbered.len()) == numbered);
    let (joined, session) = join(glimpse, stream, &alice()).expect("joined");
    assert_eq!((session.id(), session.next_sequence()), (next.id(), numbered.len() as u64 + 1));
    let mut books = Books::default();
    numbered.iter().for_each(|(_, message)| books.apply(message).expect("it makes sense"));
    let exchange = engine.stop().expect("an orderly end").shards.expect("its state").first().clone();
    assert_books_are(&books, &exchange);
    assert_books_are(&joined, &exchange);

    // Another start is in the second session still.
    let engine = start(&config, folder.path());
    let mut again = connect(engine.market_data, 1);
    assert_eq!(again.id(), next.id());
    assert!(receive(&mut again, numbered.len()) == numbered);
    engine.stop().expect("an orderly end");
    let file = folder.path().join("day.itch");
    for (session, messages) in [(Some(0), second), (Some(1), all.len() - second), (None, all.len() - second)]
    {
        let written =
            dojima::cli::itch::export(&DataDir::new(folder.path()), &file, session).expect("written");
        assert_eq!(written as usize, messages);
        let bytes = std::fs::read(&file).expect("a file");
        let mut rest = &bytes[..];
        let mut read = 0;
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (message, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            let at = if session == Some(0) { read } else { second + read };
            assert_eq!(Message::decode(message), Ok(all[at]));
            (rest, read) = (after, read + 1);
        }
        assert_eq!(read, messages);
    }
    assert!(dojima::cli::itch::export(&DataDir::new(folder.path()), &file, Some(2)).is_err());
}

/// Nothing that a subscriber sends has an answer, so a logout is the end.
#[test]
fn a_subscriber_that_logs_out_is_let_go() {
    use dojima::wire::soup::{self, LOGOUT, LoginRequest};

    let folder = TempDir::new().expect("a directory");
    let mut config = config();
    // Silence is not what ends it.
    config.gateway.client_timeout_ms = 600_000;
    let engine = start(&config, folder.path());
    let mut bytes = Vec::new();
    let (username, password) = ("ALICE", "DEMO");
    let request = LoginRequest {
        username: soup::username(username).expect("a name"),
        password: soup::password(password).expect("a password"),
        session: None,
        sequence: 0,
        heartbeat_timeout_ms: None,
    };
    request.push(&mut bytes);
    bytes.extend(LOGOUT);
    for address in [engine.market_data, engine.glimpse] {
        let mut socket = TcpStream::connect(address.expect("it listens")).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.write_all(&bytes).expect("sent");
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).expect("it closes");
    }
    engine.stop().expect("an orderly end");
}

/// The snapshot channel makes a new one when the last is a second old, however long ago the first client came.
#[test]
fn a_snapshot_is_of_the_present() {
    let folder = TempDir::new().expect("a directory");
    let mut engine = start(&config(), folder.path());
    let glimpse = engine.glimpse.expect("it listens");
    let commands = &mut Commands::new(3);
    trade(&mut engine, commands, 300);
    let first = snapshot(glimpse, &alice()).expect("a snapshot").next;
    trade(&mut engine, commands, 300);
    let now = expected(folder.path()).len() as u64 + 1;
    assert!(now > first);
    wait_for("a snapshot of the present", || snapshot(glimpse, &alice()).expect("a snapshot").next == now);
    engine.stop().expect("an orderly end");
}

/// What retention takes away is never what a subscriber is reading, and a reader never costs the exchange anything.
#[test]
fn a_session_that_is_over_is_kept_while_somebody_reads_it() {
    let folder = TempDir::new().expect("a directory");
    let mut config = config();
    config.retention.segments = dojima::config::OldSegments::Delete;
    // However long the rest takes: the subscriber says nothing meanwhile, and takes nothing.
    (config.gateway.client_timeout_ms, config.gateway.stall_timeout_ms) = (600_000, 600_000);
    let mut engine = start(&config, folder.path());
    let commands = &mut Commands::new(23);
    // Several files of the log.
    let address = engine.market_data.expect("it listens");
    let mut slow =
        MarketSession::connect(address, &alice(), Resume { session: None, sequence: 1 }).expect("a login");
    // Far more than fits into the sockets on the way to it.
    while logged_len(&folder) < 120_000 {
        trade(&mut engine, commands, 25_000);
    }
    send(engine.local(), [Command::Venue(VenueCommand::RollSession { session: 1 })]);
    wait_for("the roll", || engine.market().is_some_and(|watch| watch.view().session == 1));
    trade(&mut engine, commands, 2_000);
    let mut got = 0;
    let ended = loop {
        match slow.receive(|number, _| {
            got += 1;
            assert_eq!(number, got);
        }) {
            Ok(_) => slow.wait(Duration::from_millis(20)).expect("a socket"),
            Err(error) => break error,
        }
    };
    assert!(matches!(ended, MarketError::Client(ClientError::SessionEnded)), "{ended}");
    assert!(got >= 120_000);
    // With nobody to read it, it goes.
    let first = || dojima_journal::Reader::open(&folder.path().join("market-data"), 1);
    wait_for("retention", || {
        trade(&mut engine, commands, 400);
        matches!(first(), Err(dojima_journal::JournalError::Gone { .. }))
    });
    engine.stop().expect("an orderly end");
    let export = |session| {
        let file = folder.path().join("day.itch");
        dojima::cli::itch::export(&DataDir::new(folder.path()), &file, session)
    };
    // What is left keeps its number.
    let whole = export(None).expect("the present session");
    assert_eq!(export(Some(1)).expect("the present session"), whole);
    let gone = export(Some(0)).expect_err("it is gone").to_string();
    assert!(gone.contains("sessions 1 to 1"), "{gone}");
}

fn logged_len(folder: &TempDir) -> usize {
    expected(folder.path()).len()
}

/// Who comes back while an engine that was killed makes its market data again waits for that: old messages are never told as new.
#[test]
fn nobody_is_served_before_the_past_is_made_again() {
    for lost in [false, true] {
        let folder = TempDir::new().expect("a directory");
        let mut config = config();
        config.market_data.checkpoint_every_messages = 1 << 40;
        let mut engine = start(&config, folder.path());
        trade(&mut engine, &mut Commands::new(29), 12_000);
        let next = expected(folder.path()).len() as u64 + 1;
        engine.stop().expect("an orderly end");
        // As a kill leaves it: without a checkpoint, be it with the log or without.
        for file in std::fs::read_dir(folder.path().join("market-data")).expect("a directory") {
            let path = file.expect("a file").path();
            if lost || path.extension().is_some_and(|extension| extension == "feed") {
                std::fs::remove_file(path).expect("removed");
            }
        }
        let engine = start(&config, folder.path());
        assert_eq!(connect(engine.market_data, 0).next_sequence(), next);
        assert_eq!(connect(engine.market_data, next).next_sequence(), next);
        assert_eq!(snapshot(engine.glimpse.expect("it listens"), &alice()).expect("a snapshot").next, next);
        engine.stop().expect("an orderly end");
    }
}
