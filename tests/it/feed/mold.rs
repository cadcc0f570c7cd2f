//! Multicast, on the loopback interface.

use super::*;
use dojima::domain::VenueCommand;
use dojima::wire::mold::{self, Header};
use dojima::wire::soup::SessionId;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use tempfile::TempDir;

/// A free UDP port of the loopback interface.
fn free_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.local_addr().expect("an address").port()
}

#[test]
fn datagrams_and_requests_give_every_message() {
    let folder = TempDir::new().expect("a directory");
    let group = Ipv4Addr::new(239, 255, 77, 7);
    let receiver = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
    let port = receiver.local_addr().expect("an address").port();
    receiver.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).expect("the group");
    receiver.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let mut config = config();
    let requests = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    config.market_data.mold_group = Some(std::net::SocketAddrV4::new(group, port));
    config.market_data.mold_requests = Some(requests);
    let mut engine = start(&config, folder.path());
    trade(&mut engine, &mut Commands::new(11), 2_000);
    let all: BTreeMap<u64, Message> =
        (1..).zip(expected(folder.path()).iter().map(|said| said.message)).collect();
    let session = SessionId::new("DOJIMA0001").expect("an id");

    // What came, and a heartbeat that says how many there are.
    let mut got = BTreeMap::new();
    let mut buffer = [0; 2048];
    let mut known = 0;
    let started = Instant::now();
    while known <= all.len() as u64 {
        assert!(started.elapsed() < PATIENCE, "no heartbeat: only {known} of {} are known of", all.len());
        let Ok((len, _)) = receiver.recv_from(&mut buffer) else { continue };
        assert!(len <= mold::PACKET_LEN_MAX);
        let header = mold::decode(&buffer[..len], |number, bytes| {
            got.insert(number, Message::decode(bytes).expect("a message"));
        })
        .expect("a datagram");
        assert_eq!(header.session, session);
        if header.count == 0 {
            known = header.sequence;
        }
    }
    assert!(got.iter().all(|(number, message)| all.get(number) == Some(message)));

    // Everything again, by requests: also what is not in memory any more.
    let asker = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    asker.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    let mut again = BTreeMap::new();
    let mut next = 1;
    let started = Instant::now();
    while next <= all.len() as u64 {
        assert!(started.elapsed() < PATIENCE, "message {next} is not sent again");
        let request = Header { session, sequence: next, count: 1_000 };
        asker.send_to(&request.encode(), requests).expect("sent");
        let Ok(len) = asker.recv(&mut buffer) else { continue };
        let header = mold::decode(&buffer[..len], |number, bytes| {
            again.insert(number, Message::decode(bytes).expect("a message"));
        })
        .expect("a datagram");
        assert!(header.sequence <= next && header.count > 0);
        next = next.max(header.sequence + u64::from(header.count));
    }
    assert!(again == all);

    // What makes no sense is not answered, and hurts nobody.
    let wrong = [
        Header { session: SessionId::new("OTHER").expect("an id"), sequence: 1, count: 1 },
        Header { session, sequence: 0, count: 1 },
        Header { session, sequence: u64::MAX, count: u16::MAX },
    ];
    for header in wrong {
        asker.send_to(&header.encode(), requests).expect("sent");
    }
    asker.send_to(b"no header", requests).expect("sent");
    // The last one is answered, once its place in the log has been found: until then it has to be asked again.
    let started = Instant::now();
    let len = loop {
        assert!(started.elapsed() < PATIENCE, "the last one is not answered");
        asker.send_to(&Header { session, sequence: 1, count: 1 }.encode(), requests).expect("sent");
        if let Ok(len) = asker.recv(&mut buffer) {
            break len;
        }
    };
    let header = mold::decode(&buffer[..len], |_, _| {}).expect("a datagram");
    assert_eq!((header.sequence, header.count), (1, 1));
    engine.stop().expect("an orderly end");
}

/// A group that somebody listens to, and the configuration that sends there.
fn listening() -> (UdpSocket, Config) {
    let group = Ipv4Addr::new(239, 255, 77, 8);
    let receiver = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
    let port = receiver.local_addr().expect("an address").port();
    receiver.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).expect("the group");
    receiver.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let mut config = config();
    config.market_data.mold_group = Some(std::net::SocketAddrV4::new(group, port));
    config.market_data.mold_requests = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())));
    (receiver, config)
}

/// Crashes, with rolls between the checkpoints: a receiver is never told an old number again, and every message has one.
#[test]
fn numbers_never_go_back_whatever_ends_the_engine() {
    use dojima::domain::Command;
    use dojima::engine::SteppedEngine;

    let (receiver, mut config) = listening();
    receiver.set_nonblocking(true).expect("a mode");
    config.engine.mode = ThreadingMode::Stepped;
    config.snapshots.enabled = false;
    config.market_data.checkpoint_every_messages = 1 << 40;
    config.market_data.mold_requests = None;
    let folder = TempDir::new().expect("a directory");
    let mut buffer = [0; 2048];
    // By session: the next number, and what it was told with.
    let mut next: BTreeMap<SessionId, u64> = BTreeMap::new();
    let mut told: BTreeMap<(SessionId, u64), Message> = BTreeMap::new();
    let mut commands = Commands::new(31);
    let mut ended = 0;
    for life in 0..12_u32 {
        let mut engine =
            SteppedEngine::start(&config, folder.path(), u64::from(life)).expect("the engine starts");
        let batch: Vec<_> = commands
            .by_ref()
            .take(60)
            .map(|command| command.in_session((life + 1) / 4))
            .chain(
                (life % 4 == 2)
                    .then_some(Command::Venue(VenueCommand::RollSession { session: life / 4 + 1 })),
            )
            .collect();
        let mut batch = batch.into_iter().peekable();
        // The crash comes soon after the last of them.
        for step in 0..6_000 + 13 * life {
            if step % 4 == 0
                && let Some(command) = batch.peek()
                && engine.handles.local.commands.try_push(*command).is_ok()
            {
                batch.next();
            }
            engine.stepper.step().expect("a duty cycle");
            while let Ok((len, _)) = receiver.recv_from(&mut buffer) {
                let mut got = Vec::new();
                let header = mold::decode(&buffer[..len], |number, bytes| got.push((number, bytes.to_vec())))
                    .expect("a datagram");
                if header.count == mold::END_OF_SESSION {
                    ended += 1;
                    continue;
                }
                let due = next.entry(header.session).or_insert(1);
                assert!(header.sequence >= *due, "life {life}: {header:?} after {due}");
                *due = header.sequence + u64::from(header.count);
                told.extend(got.into_iter().map(|(number, bytes)| {
                    ((header.session, number), Message::decode(&bytes).expect("a message"))
                }));
            }
        }
        assert!(batch.peek().is_none(), "life {life} was too short");
    }
    assert!(next.len() == 4 && ended > 0, "{next:?}, {ended} ends");
    let first = SessionId::new("DOJIMA0001").expect("an id");
    assert!(told.contains_key(&(first, 1)), "the first message of all is sent, too");
    let (mut session, mut number) = (0, 0);
    for message in expected(folder.path()).iter().map(|said| said.message) {
        number += 1;
        if matches!(message, Message::SystemEvent(event) if event.code == b'O') && number > 1 {
            (session, number) = (session + 1, 1);
        }
        let id = SessionId::new(&format!("DOJIMA{:04}", session + 1)).expect("an id");
        // (What was on its way at a crash may have been told to nobody.)
        assert!(told.get(&(id, number)).is_none_or(|told| *told == message), "{id} {number}");
    }
}

#[test]
fn only_neighbours_are_answered_and_not_too_often() {
    let (_receiver, mut config) = listening();
    let requests = config.market_data.mold_requests.expect("an address");
    config.market_data.mold_requests_per_second = 3;
    let session = SessionId::new("DOJIMA0001").expect("an id");
    let asker = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    asker.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let answers = |config: &Config| {
        let folder = TempDir::new().expect("a directory");
        let mut engine = start(config, folder.path());
        trade(&mut engine, &mut Commands::new(11), 100);
        for _ in 0..40 {
            asker.send_to(&Header { session, sequence: 1, count: 1 }.encode(), requests).expect("sent");
        }
        let mut buffer = [0; 2048];
        let answers = std::iter::from_fn(|| asker.recv(&mut buffer).ok()).count();
        engine.stop().expect("an orderly end");
        answers
    };
    // The requests may fall into two seconds.
    assert!((3..=6).contains(&answers(&config)));
    config.market_data.mold_requests_allow_from = vec!["10.0.0.0/8".parse().expect("a network")];
    assert_eq!(answers(&config), 0);
}
