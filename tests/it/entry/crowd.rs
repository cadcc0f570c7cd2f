//! A thousand sessions that do nothing, two hundred that trade, and some that mean ill: a well-behaved client among them gets
//! all its answers. How long they took is printed, with and without the others; only what came is asserted.

use super::raw::{PATIENCE, Raw, address, count, login_packet, order, start};
use crate::support::engines::small_config;
use dojima::config::{AccountConfig, Config, Durability, LoginConfig};
use dojima::runtime::ThreadingMode;
use dojima::wire::soup::{self, kind};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const IDLE: usize = 1_000;
const ACTIVE: usize = 200;
const ROUND_TRIPS: usize = 1_000;
/// Connections of a flood that are open at a time.
const FLOOD: usize = 100;

fn config() -> Config {
    let mut config = small_config(ThreadingMode::Shared, Durability::Async);
    config.journal.segment_mib = 16;
    config.event_log.segment_mib = 16;
    (config.rings.inbound_slots, config.rings.command_slots, config.rings.event_slots) =
        (4_096, 8_192, 16_384);
    config.exchange.orders_max = 500_000;
    config.sql.enabled = false;
    config.snapshots.enabled = false;
    // Those that do nothing do not even send heartbeats here.
    config.gateway.client_timeout_ms = 3_600_000;
    let deposits = config.accounts[0].deposits.clone();
    let account = |name: &str, logins: Vec<String>| AccountConfig {
        name: name.to_owned(),
        deposits: deposits.clone(),
        logins: logins.into_iter().map(|login| LoginConfig::new(login, "DEMO")).collect(),
        ..AccountConfig::default()
    };
    let numbered =
        |letter: &str, count: usize| (0..count).map(|number| format!("{letter}{number}")).collect();
    config.accounts = vec![
        account("idle", numbered("I", IDLE)),
        account("active", numbered("A", ACTIVE)),
        account("others", ["GOOD", "MUTE", "DRIP"].map(str::to_owned).to_vec()),
    ];
    config
}

/// A client that never waits.
struct Quick {
    socket: TcpStream,
    received: Vec<u8>,
    next_ref: u32,
    answered: usize,
    closed: bool,
}

impl Quick {
    fn log_in(address: SocketAddr, user: &str) -> Self {
        let Raw { socket, received } = Raw::log_in(address, user, 0);
        socket.set_nonblocking(true).expect("non-blocking");
        Self { socket, received, next_ref: 1, answered: 0, closed: false }
    }

    /// Sends one more order, as far as there is room; whether all of it went.
    fn order(&mut self) -> bool {
        let packet = order(self.next_ref, b'B', 1_000_000);
        match self.socket.write(&packet) {
            Ok(count) if count == packet.len() => {
                self.next_ref += 1;
                true
            }
            _ => false,
        }
    }

    /// Takes what has come, and counts the answers to orders.
    fn receive(&mut self) {
        let mut buffer = [0; 8_192];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(count) => {
                    self.received.extend_from_slice(&buffer[..count]);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.closed = true,
            }
            break;
        }
        let mut used = 0;
        while let Some((packet, len)) = soup::frame(&self.received[used..], 65_535).expect("SoupBinTCP") {
            let is_answer =
                packet.kind == kind::SEQUENCED && matches!(packet.payload.first(), Some(b'A' | b'J'));
            self.answered += usize::from(is_answer);
            used += len;
        }
        self.received.drain(..used);
    }
}

/// Sends one order after another, each when the one before is answered; what happens meanwhile is `others`.
fn round_trips(good: &mut Quick, mut others: impl FnMut()) -> Vec<Duration> {
    let mut took = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let (sent, before) = (Instant::now(), good.answered);
        assert!(good.order(), "there is room for one order");
        while good.answered == before {
            others();
            good.receive();
            assert!(!good.closed && sent.elapsed() < PATIENCE, "the well-behaved client has no answer");
        }
        took.push(sent.elapsed());
    }
    took.sort_unstable();
    took
}

fn report(name: &str, took: &[Duration]) {
    let at = |share: usize| took[(took.len() - 1) * share / 1_000];
    println!("{name}: p50 {:?}, p99 {:?}, worst {:?}", at(500), at(990), at(1_000));
}

#[test]
fn a_crowd_costs_a_well_behaved_client_nothing_but_time() {
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config(), data.path());
    let address = address(&engine);
    let mut good = Quick::log_in(address, "GOOD");
    report("alone", &round_trips(&mut good, || {}));

    let mut idle: Vec<Quick> =
        (0..IDLE).map(|number| Quick::log_in(address, &format!("I{number}"))).collect();
    report("beside idle sessions", &round_trips(&mut good, || {}));

    let mut active: Vec<Quick> =
        (0..ACTIVE).map(|number| Quick::log_in(address, &format!("A{number}"))).collect();
    // Open connections that say nothing, and some that stop in the middle of their login.
    let half_open: Vec<TcpStream> = (0..50)
        .map(|number| {
            let mut socket = TcpStream::connect(address).expect("a connection");
            let login = login_packet("GOOD", "DEMO", None, 0);
            socket.write_all(&login[..number % login.len()]).expect("sent");
            socket
        })
        .collect();
    let mut mute = Quick::log_in(address, "MUTE");
    let mut drip = Quick::log_in(address, "DRIP");
    let dripped: Vec<u8> = (1..=10_000).flat_map(|user_ref| order(user_ref, b'B', 1_000_000)).collect();
    let mut drops = dripped.iter();
    let mut flood = VecDeque::new();
    active.iter_mut().for_each(|client| assert!(client.order()));
    let mut turn = 0;
    let took = round_trips(&mut good, || {
        // Each of them has an order on its way all the time.
        for _ in 0..8 {
            turn = (turn + 1) % ACTIVE;
            let client = &mut active[turn];
            let before = client.answered;
            client.receive();
            if client.answered > before {
                client.order();
            }
        }
        // One sends as much as it can and reads nothing; one sends a byte at a time; and one wrong password follows another.
        let _ = (0..16).all(|_| mute.order());
        if let Some(byte) = drops.next() {
            drip.socket.write_all(std::slice::from_ref(byte)).expect("room for a byte");
        }
        drip.receive();
        if turn < 8 {
            let mut guess = TcpStream::connect(address).expect("a connection");
            guess.write_all(&login_packet("GOOD", "GUESS", None, 0)).expect("sent");
            flood.push_back(guess);
            flood.drain(..flood.len().saturating_sub(FLOOD));
        }
    });
    report("among active and hostile sessions", &took);

    assert_eq!(good.answered, 3 * ROUND_TRIPS, "every order was answered, once");
    for (what, clients) in [("an idle", &mut idle), ("an active", &mut active)] {
        for client in clients {
            client.receive();
            assert!(!client.closed, "{what} session was disconnected");
        }
    }
    assert!(active.iter().all(|client| client.answered > 0), "every active session was served");
    drip.receive();
    assert!(!drip.closed && drip.answered > 0, "one byte at a time is slow, and no fault");
    assert!(count(&engine, "gateway.connections") >= (IDLE + ACTIVE + 2) as u64);
    drop(half_open);
    engine.stop().expect("an orderly end");
}
