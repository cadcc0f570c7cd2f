//! Sessions over TCP, with the engine and all its clients in one process.
//!
//! First, 64 sessions share the load: the clock stops when every order is answered, and an answer leaves only when its order is
//! in the journal and synced. Then, one client resumes from the first of millions of messages, all of them from the event log,
//! while another one's orders are timed: by itself, and beside that resend.
//!
//! `cargo bench --bench sessions` prints the figures. Under `cargo test` a short form runs, and only what came counts.

use dojima::config::{AccountConfig, Config, LoginConfig};
use dojima::domain::{ClOrdId, Symbol, UserRef};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::wire::ouch::{Appendage, EnterOrder, Inbound};
use dojima::wire::soup::{self, LoginRequest, kind};
use hdrhistogram::Histogram;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const SESSIONS: usize = 64;
const PASSWORD: &str = "BENCH";
/// Unanswered orders of a session.
const WINDOW: u64 = 1024;
/// One order of the timed client in this time.
const PACE: Duration = Duration::from_micros(500);
/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(300);

/// How much of everything.
struct Sizes {
    orders_per_session: u64,
    rounds: usize,
    /// Orders whose messages are sent again, two of each.
    resent: u64,
    timed: usize,
}

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let sizes = match full {
        true => Sizes { orders_per_session: 40_000, rounds: 5, resent: 5_000_000, timed: 20_000 },
        false => Sizes { orders_per_session: 200, rounds: 1, resent: 2_000, timed: 50 },
    };
    shared_load(&sizes);
    resend(&sizes);
}

fn config() -> Config {
    let mut config = Config::spot();
    config.gateway.messages_per_second = 0;
    let free = "127.0.0.1:0".parse().expect("an address");
    config.gateway.listen = free;
    (config.market_data.listen, config.market_data.glimpse_listen) = (free, free);
    config.sql.enabled = false;
    config.snapshots.enabled = false;
    config.timers.tick_interval_ms = 0;
    let deposits =
        config.accounts[0].deposits.keys().map(|code| (code.clone(), 100_000_000.into())).collect();
    let account = |number: usize| AccountConfig {
        name: format!("session {number}"),
        deposits: std::collections::BTreeMap::clone(&deposits),
        logins: vec![LoginConfig::new(format!("S{number}"), PASSWORD)],
        ..AccountConfig::default()
    };
    config.accounts = (0..SESSIONS).map(account).collect();
    config
}

fn start(config: &Config, data: &Path) -> (Engine, SocketAddr) {
    let launch = Launch {
        order_entry: OrderEntry::Listen,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    let engine = Engine::start(config, data, launch).expect("the engine starts");
    let address = engine.order_entry.expect("it listens");
    (engine, address)
}

/// A client that never waits.
struct Client {
    socket: TcpStream,
    side: u8,
    time_in_force: u8,
    output: Vec<u8>,
    input: Vec<u8>,
    sent: u64,
    accepted: u64,
    /// Sequenced messages of every kind.
    messages: u64,
}

impl Client {
    fn log_in(address: SocketAddr, number: usize, sequence: u64) -> Self {
        let mut socket = TcpStream::connect(address).expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        let request = LoginRequest {
            username: soup::username(&format!("S{number}")).expect("a name"),
            password: soup::password(PASSWORD).expect("a password"),
            session: None,
            sequence,
            heartbeat_timeout_ms: None,
        };
        let mut output = Vec::new();
        request.push(&mut output);
        socket.write_all(&output).expect("sent");
        output.clear();
        let mut accepted = [0; 33];
        socket.read_exact(&mut accepted).expect("an answer");
        assert_eq!(accepted[2], kind::LOGIN_ACCEPTED);
        socket.set_nonblocking(true).expect("non-blocking");
        let side = if number.is_multiple_of(2) { b'B' } else { b'S' };
        Self {
            socket,
            side,
            time_in_force: b'0',
            output,
            input: Vec::new(),
            sent: 0,
            accepted: 0,
            messages: 0,
        }
    }

    /// Adds orders for one price, which the other side meets.
    fn enter(&mut self, count: u64) {
        for _ in 0..count {
            self.sent += 1;
            let order = EnterOrder {
                user_ref: UserRef(self.sent as u32),
                side: self.side,
                quantity: 10,
                symbol: Symbol::new("BTC-USDT").expect("a symbol"),
                price: 6_000_000,
                time_in_force: self.time_in_force,
                display: b'Y',
                capacity: b'P',
                iso: b'N',
                cross_type: b'N',
                cl_ord_id: ClOrdId::default(),
            };
            let start = self.output.len();
            self.output.resize(start + 128, 0);
            let room = &mut self.output[start + soup::HEADER_LEN..];
            let len = Inbound::Enter(order, Appendage::default()).encode(room).expect("fits");
            let header = soup::header(kind::UNSEQUENCED, len).expect("short");
            self.output[start..start + soup::HEADER_LEN].copy_from_slice(&header);
            self.output.truncate(start + soup::HEADER_LEN + len);
        }
    }

    /// Sends and receives what there is; whether that was anything.
    fn work(&mut self) -> bool {
        let mut any = false;
        if !self.output.is_empty() {
            match self.socket.write(&self.output) {
                Ok(count) => {
                    self.output.drain(..count);
                    any = true;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
        }
        let mut buffer = [0; 65_536];
        match self.socket.read(&mut buffer) {
            Ok(count) => {
                assert!(count > 0, "the server closed");
                self.input.extend_from_slice(&buffer[..count]);
                self.take();
                any = true;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        any
    }

    fn take(&mut self) {
        let mut used = 0;
        while let Some((packet, len)) = soup::frame(&self.input[used..], 65_535).expect("SoupBinTCP") {
            if packet.kind == kind::SEQUENCED {
                self.messages += 1;
                match packet.payload.first() {
                    Some(b'A') => self.accepted += 1,
                    Some(b'J') => panic!("an order was refused"),
                    _ => {}
                }
            }
            used += len;
        }
        self.input.drain(..used);
    }
}

/// All sessions send their orders; how long until the last answer.
fn play(clients: &mut [Client], orders: u64) -> Duration {
    let goal: Vec<u64> = clients.iter().map(|client| client.accepted + orders).collect();
    let started = Instant::now();
    loop {
        let (mut done, mut any) = (true, false);
        for (client, goal) in clients.iter_mut().zip(&goal) {
            let open = client.sent - client.accepted;
            if open < WINDOW / 2 {
                client.enter((WINDOW - open).min(goal - client.sent));
            }
            any |= client.work();
            done &= client.accepted == *goal;
        }
        if done {
            return started.elapsed();
        }
        assert!(started.elapsed() < PATIENCE, "gave up waiting for answers");
        if !any {
            thread::sleep(Duration::from_micros(20));
        }
    }
}

fn shared_load(sizes: &Sizes) {
    let data = tempfile::tempdir().expect("a temporary directory");
    let (engine, address) = start(&config(), data.path());
    let mut clients: Vec<Client> = (0..SESSIONS).map(|number| Client::log_in(address, number, 0)).collect();
    let orders = sizes.orders_per_session * SESSIONS as u64;
    let rounds = (0..sizes.rounds).map(|_| play(&mut clients, sizes.orders_per_session));
    let best = rounds.min().expect("there are rounds");
    println!(
        "{SESSIONS} sessions: {orders} orders, synced and answered, in {best:?}: {:.0} k orders/s (best of {})",
        orders as f64 / best.as_secs_f64() / 1e3,
        sizes.rounds,
    );
    engine.stop().expect("an orderly end");
}

/// Orders one by one, at a steady pace; the time from sending to the answer.
fn timed(client: &mut Client, count: usize) -> Histogram<u64> {
    let mut times = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("bounds in order");
    let mut due = Instant::now();
    for _ in 0..count {
        while Instant::now() < due {
            thread::sleep(Duration::from_micros(50));
        }
        // From when it was due: a late answer makes the next ones late too, and that counts.
        let goal = client.accepted + 1;
        client.enter(1);
        while client.accepted < goal {
            if !client.work() {
                thread::yield_now();
            }
            assert!(due.elapsed() < PATIENCE, "gave up waiting for an answer");
        }
        times.saturating_record(due.elapsed().as_nanos() as u64);
        due += PACE;
    }
    times
}

fn resend(sizes: &Sizes) {
    let data = tempfile::tempdir().expect("a temporary directory");
    let (engine, address) = start(&config(), data.path());
    // Orders that find nothing: each is accepted and cancelled at once.
    let mut writer = Client::log_in(address, 0, 0);
    writer.time_in_force = b'3';
    play(std::slice::from_mut(&mut writer), sizes.resent);
    drop(writer);
    engine.stop().expect("an orderly end");

    // Nothing of it is in memory any more.
    let (engine, address) = start(&config(), data.path());
    let mut live = Client::log_in(address, 1, 0);
    live.time_in_force = b'3';
    timed(&mut live, sizes.timed / 10);
    let alone = timed(&mut live, sizes.timed);
    let wanted = 1 + 2 * sizes.resent;
    let reader = thread::spawn(move || {
        let mut reader = Client::log_in(address, 0, 1);
        let started = Instant::now();
        while reader.messages < wanted {
            if !reader.work() {
                thread::sleep(Duration::from_micros(20));
            }
            assert!(started.elapsed() < PATIENCE, "gave up waiting for old messages");
        }
        (reader.messages, started.elapsed())
    });
    let mut beside = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).expect("bounds in order");
    while !reader.is_finished() {
        beside.add(timed(&mut live, 50)).expect("the same bounds");
    }
    let (messages, elapsed) = reader.join().expect("the reader ends");
    assert_eq!(messages, wanted, "every message, once");
    println!(
        "a resend of {messages} messages in {elapsed:?}: {:.2} M messages/s",
        messages as f64 / elapsed.as_secs_f64() / 1e6
    );
    for (name, times) in [("alone", &alone), ("beside the resend", &beside)] {
        let at = |percentile| times.value_at_percentile(percentile) / 1_000;
        let (p50, p99, max) = (at(50.0), at(99.0), times.max() / 1_000);
        println!("live orders {name}: {} of them, p50 {p50} µs, p99 {p99} µs, max {max} µs", times.len());
    }
    engine.stop().expect("an orderly end");
}
