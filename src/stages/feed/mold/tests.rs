//! Requests on the loopback interface, where every address of 127.0.0.0/8 counts as a different one, in virtual time.

use super::*;
use crate::stages::feed::log::OldMessages;
use crate::stages::feed::tail::Tail;
use dojima_journal::MemoryStorage;
use dojima_journal::storage::Storage;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

const NOW: u64 = 1_000_000_000_000;
const MS: u64 = 1_000_000;

/// The server, with some messages in memory.
struct Place {
    mold: Mold,
    tail: Tail,
    log: OldMessages,
    session: SessionId,
    address: SocketAddr,
}

impl Place {
    fn new(requests_per_second: u32) -> Self {
        let settings = MoldSettings {
            group: SocketAddrV4::new(Ipv4Addr::new(239, 255, 77, 9), 40_009),
            interface: Ipv4Addr::LOCALHOST,
            ttl: 1,
            requests: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            requests_allow_from: vec!["127.0.0.0/8".parse().expect("a network")],
            requests_per_second,
        };
        let mut mold = Mold::open(&settings, &Counters::new()).expect("sockets");
        let address = mold.requests.as_ref().and_then(|socket| socket.local_addr().ok()).expect("an address");
        let session = SessionId::new("DOJIMA0001").expect("an id");
        let mut tail = Tail::new(1024, 1);
        (0..500_u64).for_each(|number| tail.push(&number.to_be_bytes()));
        mold.begin(tail.next(), (session, 1));
        let files: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let log = OldMessages::of(&files);
        Self { mold, tail, log, session, address }
    }

    /// A duty cycle at this time, ns.
    fn work(&mut self, now: u64) -> usize {
        let (session, tail, log) = (self.session, &self.tail, &self.log);
        self.mold.work(&Messages { tail, log, session, session_first: 1, snapshot: None }, now)
    }

    /// Requests a message this many times.
    fn ask(&self, asker: &UdpSocket, times: u64) {
        for sequence in 1..=times {
            let request = Header { session: self.session, sequence, count: 1 };
            asker.send_to(&request.encode(), self.address).expect("sent");
        }
    }
}

/// A receiver with this address.
fn receiver(last: u8) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, last), 0)).expect("a socket");
    socket.set_nonblocking(true).expect("a mode");
    socket
}

/// The number of answers received.
fn answers(socket: &UdpSocket) -> usize {
    std::iter::from_fn(|| socket.recv(&mut [0; 2048]).ok()).count()
}

#[test]
fn requests_behind_a_flood_are_answered_in_the_same_duty_cycle() {
    let mut place = Place::new(10_000);
    let (flood, other) = (receiver(2), receiver(3));
    for at in 0..20 {
        // As many as the system's buffer holds, and a few more.
        place.ask(&flood, 200);
        place.ask(&other, 5);
        place.work(NOW + at * 10 * MS);
        assert_eq!(answers(&other), 5, "cycle {at}");
        let flooded = answers(&flood);
        assert!(flooded <= ANSWERS_MAX - 5, "{flooded} in cycle {at}");
    }
    assert_eq!(place.mold.answered.get(), 20 * ANSWERS_MAX as u64);
}

#[test]
fn an_address_gets_no_more_than_its_share_of_a_second_and_another_all_of_its_own() {
    let mut place = Place::new(100);
    let (flood, other) = (receiver(4), receiver(5));
    let (mut flooded, mut served) = (0, 0);
    for at in 0..1_000 {
        place.ask(&flood, 20);
        if at % 20 == 0 {
            place.ask(&other, 1);
        }
        place.work(NOW + at * MS);
        (flooded, served) = (flooded + answers(&flood), served + answers(&other));
    }
    assert_eq!(served, 50);
    assert!((100..=117).contains(&flooded), "{flooded}");
    assert!(place.mold.refused.get() >= 19_000);
}

#[test]
fn what_waits_is_answered_in_later_cycles_without_another_request() {
    let mut place = Place::new(10_000);
    let asker = receiver(6);
    place.ask(&asker, 100);
    let mut answered = Vec::new();
    for at in 0..3 {
        place.work(NOW + at * MS);
        answered.push(answers(&asker));
    }
    assert_eq!(answered, [ANSWERS_MAX, 100 - ANSWERS_MAX, 0]);
    assert_eq!(place.work(NOW + 3 * MS), 0, "nothing waits");
}
