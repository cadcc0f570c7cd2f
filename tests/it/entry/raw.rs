//! A client that reads and writes bytes.

use dojima::config::Config;
use dojima::domain::{ClOrdId, Symbol, UserRef};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::wire::ouch::{Appendage, EnterOrder, Inbound};
use dojima::wire::soup::{self, LoginAccepted, LoginRejected, LoginRequest, SessionId, kind};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// After so long something that should have come is given up.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn start(config: &Config, data: &Path) -> Engine {
    let launch = Launch {
        order_entry: OrderEntry::Listen,
        on_fatal: OnFatal::Stop,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    Engine::start(config, data, launch).expect("the engine starts")
}

pub fn address(engine: &Engine) -> SocketAddr {
    engine.order_entry.expect("it listens")
}

pub fn count(engine: &Engine, name: &str) -> u64 {
    let all = engine.counters.snapshot();
    all.iter().find(|reading| reading.name == name).expect("a counter of this name").value
}

/// Waits until `done`, for longer than anything takes.
#[track_caller]
pub fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "gave up waiting for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn login_packet(user: &str, password: &str, session: Option<&str>, sequence: u64) -> Vec<u8> {
    let request = LoginRequest {
        username: soup::username(user).expect("a name"),
        password: soup::password(password).expect("a password"),
        session: session.map(|id| SessionId::new(id).expect("a session")),
        sequence,
        heartbeat_timeout_ms: None,
    };
    let mut bytes = Vec::new();
    request.push(&mut bytes);
    bytes
}

/// An order for one lot of BTC-USDT that stays, in price units.
pub fn order(user_ref: u32, side: u8, price: u64) -> Vec<u8> {
    let order = EnterOrder {
        user_ref: UserRef(user_ref),
        side,
        quantity: 10_000,
        symbol: Symbol::new("BTC-USDT").expect("a symbol"),
        price,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        iso: b'N',
        cross_type: b'N',
        cl_ord_id: ClOrdId::new("entry").expect("a text"),
    };
    let mut payload = [0; 128];
    let len = Inbound::Enter(order, Appendage::default()).encode(&mut payload).expect("fits");
    let mut packet = Vec::new();
    soup::push_packet(kind::UNSEQUENCED, &payload[..len], &mut packet).expect("fits");
    packet
}

/// Whatever carries bytes.
pub struct Raw<S> {
    pub socket: S,
    pub received: Vec<u8>,
}

impl Raw<TcpStream> {
    pub fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_nodelay(true).expect("no delay");
        Self { socket, received: Vec::new() }
    }

    /// Logs in as one of the built-in users.
    #[track_caller]
    pub fn log_in(address: SocketAddr, user: &str, from: u64) -> Self {
        let mut client = Self::connect(address);
        let accepted = client.greet(&login_packet(user, "DEMO", None, from)).expect("let in");
        assert!(from == 0 || accepted.sequence == from, "asked for {from}, got {}", accepted.sequence);
        client
    }
}

impl<S: Read + Write> Raw<S> {
    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("sent");
    }

    /// Sends a login and takes the answer.
    #[track_caller]
    pub fn greet(&mut self, login: &[u8]) -> Result<LoginAccepted, LoginRejected> {
        self.send(login);
        match self.packet() {
            (kind::LOGIN_ACCEPTED, payload) => Ok(LoginAccepted::decode(&payload).expect("a Login Accepted")),
            (kind::LOGIN_REJECTED, payload) => {
                Err(LoginRejected::decode(&payload).expect("a Login Rejected"))
            }
            other => panic!("{other:?} is no answer to a login"),
        }
    }

    /// Reads until so many bytes are there, or the server closes; whether they are.
    pub fn fill(&mut self, count: usize) -> bool {
        let mut buffer = [0; 65_536];
        while self.received.len() < count {
            match self.socket.read(&mut buffer) {
                Ok(0) => return false,
                Ok(read) => self.received.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return false,
                Err(error) => panic!("the client's socket failed: {error}"),
            }
        }
        true
    }

    /// The next `count` bytes.
    #[track_caller]
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        assert!(self.fill(count), "the server closed after {} of {count} bytes", self.received.len());
        self.received.drain(..count).collect()
    }

    /// The next packet: type and payload.
    #[track_caller]
    pub fn packet(&mut self) -> (u8, Vec<u8>) {
        let head = self.bytes(2);
        let body = self.bytes(usize::from(u16::from_be_bytes([head[0], head[1]])));
        (body[0], body[1..].to_vec())
    }

    /// The whole packets of the stream up to the next heartbeat, which comes when there is no more.
    #[track_caller]
    pub fn up_to_heartbeat(&mut self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        loop {
            match self.packet() {
                (kind::SEQUENCED, payload) => {
                    let mut packet = Vec::new();
                    soup::push_packet(kind::SEQUENCED, &payload, &mut packet).expect("fits");
                    packets.push(packet);
                }
                (kind::SERVER_HEARTBEAT, _) => return packets,
                other => panic!("{other:?} in a stream"),
            }
        }
    }

    /// All bytes until the server closes.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.fill(self.received.len() + 1) {}
        std::mem::take(&mut self.received)
    }
}
