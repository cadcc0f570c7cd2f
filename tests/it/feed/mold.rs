//! Multicast, on the loopback interface.

use super::*;
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
    asker.send_to(&Header { session, sequence: 1, count: 1 }.encode(), requests).expect("sent");
    let len = asker.recv(&mut buffer).expect("the last one is answered");
    let header = mold::decode(&buffer[..len], |_, _| {}).expect("a datagram");
    assert_eq!((header.sequence, header.count), (1, 1));
    engine.stop().expect("an orderly end");
}
