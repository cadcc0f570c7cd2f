//! Floods of connections to a server with simulated sockets, authenticator and service.

use super::connection::Closing;
use super::*;
use crate::net::Readiness;
use crate::net::auth::{Asked, AuthAnswer, AuthServer, Grant, Role, Ticket, auth_queues};
use crate::wire::soup::{self, LoginRejected, LoginRequest, SessionId};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MS: u64 = 1_000_000;

/// The duration of a duty cycle in nanoseconds.
const CYCLE_NS: u64 = MS / 2;

/// Names that exist.
const NAMES: [&str; 4] = ["ALICE", "BOB", "CAROL", "DAVE"];

/// A service that sends nothing.
struct Nothing;

impl Service for Nothing {
    type Client = ();
    type Protocol = Soup;

    fn admit(
        &mut self,
        _: ConnectionId,
        _: Grant,
        _: &PendingLogin,
        _: u64,
    ) -> Result<Admission<()>, LoginRejected> {
        let session = SessionId::new("DAY1").expect("a session");
        Ok(Admission::Now(Admitted { client: (), session, first: 1 }))
    }

    fn arrived(&mut self, _: ConnectionId, (): &mut (), _: u64) {}

    fn left(&mut self, _: ConnectionId, (): (), _: &CloseReason, _: u64) {}

    fn takes_input(&self, (): &()) -> bool {
        true
    }

    fn take(&mut self, (): &mut (), _: &mut Packets<'_>, _: u64) -> (usize, Result<Stopped, CloseReason>) {
        (0, Ok(Stopped::Dry))
    }

    fn prepare(&mut self, _: ConnectionId, (): &mut (), _: u64) -> Result<SendStatus, CloseReason> {
        Ok(SendStatus::Open)
    }

    fn unsent<'a>(&'a self, (): &'a ()) -> Result<(&'a [u8], &'a [u8]), CloseReason> {
        Ok((&[], &[]))
    }

    fn sent(&self, (): &mut (), _: usize) {}

    fn has_more(&self, (): &()) -> bool {
        false
    }

    fn look(&mut self, (): &mut (), _: u64) -> Result<(), CloseReason> {
        Ok(())
    }
}

/// One client's socket, seen from the client.
#[derive(Default)]
struct Wire {
    id: Option<ConnectionId>,
    /// Bytes that the client has sent and the server has not read.
    sent: VecDeque<u8>,
    is_closed: bool,
}

type Client = Arc<Mutex<Wire>>;

struct WireSocket(Client);

impl WireSocket {
    fn wire(&self) -> std::sync::MutexGuard<'_, Wire> {
        self.0.lock().expect("no panic")
    }
}

impl Socket for WireSocket {
    fn watch(&mut self, id: ConnectionId) -> io::Result<()> {
        self.wire().id = Some(id);
        Ok(())
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.wire();
        match wire.sent.len().min(room.len()) {
            0 => Err(ErrorKind::WouldBlock.into()),
            count => {
                room.iter_mut().zip(wire.sent.drain(..count)).for_each(|(to, from)| *to = from);
                Ok(count)
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(parts.iter().map(|part| part.len()).sum())
    }

    fn shut_down_writing(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for WireSocket {
    fn drop(&mut self) {
        self.wire().is_closed = true;
    }
}

#[derive(Default)]
struct Net {
    /// Whether the process has no descriptor left for a new connection.
    is_used_up: bool,
    arriving: VecDeque<(Client, SocketAddr)>,
    there: Vec<Client>,
}

struct NetSockets(Arc<Mutex<Net>>);

impl Sockets for NetSockets {
    fn poll(&mut self, tell: &mut dyn FnMut(Ready)) -> io::Result<()> {
        let mut net = self.0.lock().expect("no panic");
        net.there.retain(|client| !client.lock().expect("no panic").is_closed);
        if !net.arriving.is_empty() {
            tell(Ready::Listener);
        }
        let readable = Readiness { readable: true, ..Readiness::default() };
        for client in &net.there {
            let wire = client.lock().expect("no panic");
            if let Some(id) = wire.id.filter(|_| !wire.sent.is_empty()) {
                tell(Ready::Connection(id, readable));
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<(Box<dyn Socket>, SocketAddr)> {
        let mut net = self.0.lock().expect("no panic");
        if net.is_used_up {
            return Err(crate::runtime::descriptors::none_left());
        }
        let (client, peer) = net.arriving.pop_front().ok_or(ErrorKind::WouldBlock)?;
        net.there.push(Arc::clone(&client));
        Ok((Box::new(WireSocket(client)), peer))
    }

    fn descriptor(&self) -> Option<RawFd> {
        None
    }
}

fn settings(connections_max: usize) -> SessionSettings {
    SessionSettings {
        label: "",
        counters: "test.",
        connections_max,
        connections_per_user: connections_max,
        inbox_len: STRANGER_INBOX_LEN,
        packet_len_max: 4096,
        users: 1,
        login_timeout: Duration::from_secs(30),
        heartbeat_interval: Duration::from_secs(1),
        client_timeout: Duration::from_secs(15),
        stall_timeout: Duration::from_secs(5),
    }
}

fn peer(from: u32) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::from_bits((10 << 24) + from), 1))
}

/// A connection from the address 10.0.0.0 plus `from`. It waits for the authenticator unless it has no claim.
pub(super) fn waiting(
    id: ConnectionId,
    from: u32,
    claim: Claim,
    now: u64,
) -> Result<Connection<()>, std::convert::Infallible> {
    let socket = Box::new(WireSocket(Client::default()));
    let mut one = Connection::new(id, peer(from), socket, Inbox::with_room(0), now, &settings(1));
    if claim != Claim::None {
        let username = soup::username(NAMES[0]).expect("a name");
        let login = PendingLogin { username, session: None, sequence: 0, heartbeat_timeout_ms: None };
        one.phase = Phase::Checking(login);
        one.ticket = Some(Ticket::with(claim));
    }
    Ok(one)
}

/// A server in a flood.
struct Port {
    server: Server<()>,
    auth_server: AuthServer,
    /// Requests that the authenticator has received and not answered.
    asked: Vec<Asked>,
    net: Arc<Mutex<Net>>,
    now: u64,
}

impl Port {
    fn new(connections_max: usize) -> Self {
        let net = Arc::new(Mutex::new(Net::default()));
        let (auth, auth_server) = auth_queues();
        auth_server.introduce(NAMES.map(|name| soup::username(name).expect("a name")));
        let sockets = Box::new(NetSockets(Arc::clone(&net)));
        let server = Server::new(settings(connections_max), sockets, auth, Vec::new(), &Counters::new());
        Self { server, auth_server, asked: Vec::new(), net, now: 0 }
    }

    fn connect(&self, from: u32) -> Client {
        let client = Client::default();
        self.net.lock().expect("no panic").arriving.push_back((Arc::clone(&client), peer(from)));
        client
    }

    /// Runs a duty cycle; returns the number of accepted connections.
    fn cycle(&mut self) -> usize {
        self.now += CYCLE_NS;
        let (server, now) = (&mut self.server, self.now);
        server.poll().expect("no fatal error");
        server.hear(&mut Nothing, now);
        let accepted = server.accept(&mut Nothing, now);
        server.receive(&mut Nothing, now);
        server.send(&mut Nothing, now);
        server.sweep(&mut Nothing, false, now);
        self.asked.extend(std::iter::from_fn(|| self.auth_server.next()));
        self.asked.retain(|asked| !asked.inquiry.is_withdrawn());
        accepted
    }

    fn waiting_to_be_accepted(&self) -> usize {
        self.net.lock().expect("no panic").arriving.len()
    }

    /// Lets the authenticator grant all requests from this address.
    fn let_in(&mut self, from: u32) {
        let grant = Grant { role: Role::MarketData, login: None };
        for asked in self.asked.extract_if(.., |asked| asked.request.peer == peer(from).ip()) {
            let answer = AuthAnswer { connection: asked.request.connection, verdict: Ok(grant) };
            self.auth_server.answers.try_give(answer).expect("room for an answer");
        }
    }

    /// Fills all places except `left` with logged-in clients.
    fn fill(&mut self, left: usize) -> Vec<Client> {
        let count = self.server.settings.connections_max - left;
        let clients: Vec<Client> = (0..count).map(|_| self.connect(0)).collect();
        clients.iter().for_each(|client| log_in(client, NAMES[0]));
        while self.server.clients().count() < count {
            self.cycle();
            self.let_in(0);
        }
        clients
    }
}

fn log_in(client: &Client, name: &str) {
    let request = LoginRequest {
        username: soup::username(name).expect("a name"),
        password: soup::password("X").expect("a password"),
        session: None,
        sequence: 0,
        heartbeat_timeout_ms: None,
    };
    let mut bytes = Vec::new();
    request.push(&mut bytes);
    client.lock().expect("no panic").sent.extend(bytes);
}

fn is_closed(client: &Client) -> bool {
    client.lock().expect("no panic").is_closed
}

/// The behaviour of the clients in a flood.
#[derive(Clone, Copy, Debug)]
enum Flood {
    Silent,
    Invented,
    /// Existing names with wrong passwords.
    Real,
}

impl Flood {
    fn connect(self, port: &Port, from: u32, number: u32) {
        let client = port.connect(from);
        match self {
            Self::Silent => {}
            Self::Invented => log_in(&client, "NOBODY"),
            Self::Real => log_in(&client, NAMES[number as usize % NAMES.len()]),
        }
    }
}

/// Runs a flood from `addresses` addresses with `rate` new connections per cycle. One client waits 200 ms for the
/// authenticator; another sends its login `late` cycles after its connection was accepted. Both must be logged in at
/// the end.
fn logins_beside(flood: Flood, addresses: u32, rate: usize, late: usize) {
    let mut port = Port::new(64);
    let mut number = 0;
    let mut cycles = |port: &mut Port, count: usize| {
        for _ in 0..count {
            while port.waiting_to_be_accepted() < rate {
                flood.connect(port, 1_000 + number % addresses, number);
                number += 1;
            }
            port.cycle();
        }
    };
    let what = format!("{flood:?} from {addresses}");
    cycles(&mut port, 100);
    let waits = port.connect(1);
    log_in(&waits, NAMES[0]);
    cycles(&mut port, 10);
    let silent = port.connect(2);
    cycles(&mut port, 2 + late);
    assert!(!is_closed(&silent), "{what}: it has not said its name yet");
    log_in(&silent, NAMES[1]);
    cycles(&mut port, 400 - late);
    assert!(!is_closed(&waits) && !is_closed(&silent), "{what}: the authenticator has a real name of theirs");
    port.let_in(1);
    port.let_in(2);
    cycles(&mut port, 2);
    assert_eq!(port.server.clients().count(), 2, "{what}");
    assert!(!is_closed(&waits) && !is_closed(&silent), "{what}");
}

#[test]
fn silence_from_one_address_throws_out_its_own() {
    logins_beside(Flood::Silent, 1, 8, 300);
}

#[test]
fn invented_names_from_one_address_throw_out_their_own() {
    logins_beside(Flood::Invented, 1, 8, 300);
}

#[test]
fn real_names_from_one_address_throw_out_their_own() {
    logins_beside(Flood::Real, 1, 8, 300);
}

#[test]
fn silence_and_invented_names_from_many_addresses_leave_a_newcomer_its_time() {
    for flood in [Flood::Silent, Flood::Invented] {
        for addresses in [3, 40, 1_000_000] {
            // 64 places at eight new connections per cycle.
            logins_beside(flood, addresses, 8, 4);
        }
    }
}

#[test]
fn real_names_from_many_addresses_leave_a_newcomer_its_time() {
    let mut port = Port::new(64);
    let silent = port.connect(1);
    port.cycle();
    for number in 0..4_000 {
        Flood::Real.connect(&port, 1_000 + number, number);
        if number % 4 == 0 {
            port.cycle();
        }
    }
    assert!(!is_closed(&silent), "it has half a second for its name");
    log_in(&silent, NAMES[0]);
    port.cycle();
    port.let_in(1);
    port.cycle();
    assert_eq!(port.server.clients().count(), 1);
}

/// The cost of new connections in a duty cycle, in connections examined.
#[test]
fn a_full_house_takes_several_newcomers_a_cycle_and_looks_at_few_connections() {
    for (places, strangers, each, looked_at) in [
        // One scan of 64 connections finds two.
        (64, 64, 8.0, 4 * 64),
        // One scan of 2,048 connections finds 64.
        (2_048, 2_048, 8.0, 2_048 / 8),
        // Each scan of all connections finds only one.
        (2_048, 1, 1.0, 2_048),
        (64, 1, 8.0, 8 * 64),
        // All are logged in: new connections are closed immediately.
        (64, 0, 8.0, 8 * 64),
    ] {
        let what = format!("{strangers} of {places}");
        let mut port = Port::new(places);
        let _clients = port.fill(strangers);
        for number in 0..strangers as u32 + 1_000 {
            port.connect(1 + number);
        }
        while !port.server.connections.is_full() {
            port.cycle();
        }
        let before = port.server.eldest.looked_at();
        let accepted: Vec<usize> = (0..100).map(|_| port.cycle()).collect();
        let mean = accepted.iter().sum::<usize>() as f64 / 100.0;
        assert!((mean - each).abs() < 0.1, "{what}: {mean} in a cycle");
        let looked = (port.server.eldest.looked_at() - before) / 100;
        assert!(looked <= looked_at + 32, "{what}: {looked} were looked at in a cycle");
    }
}

#[test]
fn for_want_of_descriptors_a_login_that_is_known_does_not_give_way() {
    for (claim, stays) in
        [(Claim::None, false), (Claim::Named, false), (Claim::Listed, true), (Claim::Known, true)]
    {
        let mut port = Port::new(64);
        let alice = port.connect(1);
        log_in(&alice, NAMES[0]);
        port.cycle();
        port.asked[0].inquiry.set_claim(claim);
        port.net.lock().expect("no panic").is_used_up = true;
        let newcomer = port.connect(2);
        port.cycle();
        assert_eq!((is_closed(&alice), is_closed(&newcomer)), (!stays, false), "{claim:?}");
        port.net.lock().expect("no panic").is_used_up = false;
        port.now += ACCEPT_PAUSE_NS;
        assert_eq!(port.cycle(), 1, "it was left to wait");
    }
}

/// The last messages may still be on their way, and closing the connection would discard them.
#[test]
fn who_was_logged_in_keeps_its_place_until_it_has_taken_its_last_messages() {
    for (end, stays) in [
        (None, true),
        (Some(Closing::LoggedOut), true),
        (Some(Closing::SessionEnded), true),
        (Some(Closing::Refused), false),
    ] {
        let mut port = Port::new(64);
        let alice = port.connect(1);
        log_in(&alice, NAMES[0]);
        port.cycle();
        port.let_in(1);
        port.cycle();
        let id = alice.lock().expect("no panic").id.expect("it was accepted");
        let connection = port.server.connections.get(id).expect("it is there");
        match end {
            None => {}
            Some(Closing::LoggedOut) => _ = connection.let_go(port.now),
            Some(Closing::SessionEnded) => _ = connection.end_session::<Soup>(port.now),
            Some(Closing::Refused) => connection.refuse(&LoginRejected::NotAuthorised.packet(), port.now),
        }
        for number in 0..4_000 {
            Flood::Silent.connect(&port, 1_000 + number, number);
            if number % 8 == 0 {
                port.cycle();
            }
        }
        assert_eq!(is_closed(&alice), !stays, "{end:?}");
    }
}
