//! The gateway with everything around it made by hand, and clients that read and write without waiting.

use dojima::domain::audience::{Address, Part};
use dojima::domain::{
    CancelReason, Canceled, ClOrdId, Command, Event, EventRecord, Listings, LoginId, LoginName, OrderCommand,
    OrderEvent, OrderId, Password, Quantity, Symbol, Timestamp, UserRef, VenueEvent,
};
use dojima::net::auth::{Role, auth_queues};
use dojima::net::session::Soup;
use dojima::net::{Ready, Socket, Sockets, TcpSockets};
use dojima::ring::{Consumer, CursorWriter, Producer, cursor, spsc};
use dojima::runtime::doorbell::Sleeper;
use dojima::runtime::{Agent, Counters, ManualClock, UnixNanos};
use dojima::stages::authenticator::{AuthPort, Authenticator, Hasher, Secret, User};
use dojima::stages::gateway::{
    Gateway, GatewayControl, GatewayPorts, GatewaySettings, GatewayStart, LoginSettings, OrderEntryProtocol,
    Progress,
};
use dojima::stages::resend::{
    Reading, ResendAnswer, ResendChunk, ResendLocator, ResendQuery, ResendReader, ResendRequest,
    resend_queues,
};
use dojima::stages::space::{SpaceLow, space_gauge};
use dojima::wire::ouch::{Appendage, CancelOrder, EnterOrder, Inbound, SEQUENCED_LEN_MAX, encode_sequenced};
use dojima::wire::soup::{self, LoginRequest, SessionId, kind};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Duty cycles after which something that should have happened is given up on.
const CYCLES_MAX: usize = 300_000;

pub const ALICE: LoginId = LoginId(1);
pub const BOB: LoginId = LoginId(2);
pub const SECOND: u64 = 1_000_000_000;

pub fn settings() -> GatewaySettings {
    let entry = |login| LoginSettings { login, cancel_on_disconnect: None, rate: None };
    GatewaySettings {
        session: SessionId::new("DAY1").expect("a session"),
        logins: vec![entry(ALICE), entry(BOB)],
        index_senders: Vec::new(),
        connections_max: 8,
        login_timeout: Duration::from_secs(30),
        heartbeat_interval: Duration::from_secs(1),
        client_timeout: Duration::from_secs(15),
        stall_timeout: Duration::from_secs(5),
        tail_bytes: 64 * 1024,
        packet_len_max: PACKET_LEN_MAX,
        unanswered_max: 1 << 20,
    }
}

pub const PACKET_LEN_MAX: usize = 4096;

/// Name and password of those who have a login.
const USERS: [(LoginId, &str, &str); 2] = [(ALICE, "ALICE", "WONDER"), (BOB, "BOB", "BUILDER")];

/// Bob once more, as only a protocol with longer fields than SoupBinTCP has room for him.
pub const LONG_NAME: &str = "BUILDER-AND-SONS";
pub const LONG_PASSWORD: &str = "Case-matters,and-so-do-all-of-32";

fn user((login, name, password): (LoginId, &str, &str), role: Role) -> User {
    let password = soup::password(password).expect("a password");
    User {
        username: soup::username(name).expect("a name"),
        secret: Secret::Plain(password),
        role,
        login: Some(login),
        allow_from: Vec::new(),
    }
}

/// Sockets that have no descriptor left as often as they are told.
struct Scarce {
    sockets: TcpSockets,
    used_up: Arc<AtomicU32>,
}

impl Sockets for Scarce {
    fn poll(&mut self, tell: &mut dyn FnMut(Ready)) -> io::Result<()> {
        self.sockets.poll(tell)
    }

    fn accept(&mut self) -> io::Result<(Box<dyn Socket>, SocketAddr)> {
        const EMFILE: i32 = 24;
        let left = self.used_up.load(Ordering::Relaxed);
        if left > 0 {
            self.used_up.store(left - 1, Ordering::Relaxed);
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        self.sockets.accept()
    }

    fn descriptor(&self) -> Option<RawFd> {
        self.sockets.descriptor()
    }
}

pub struct Bench<P: OrderEntryProtocol = Soup> {
    /// How often accepting fails from now on for want of descriptors.
    pub used_up: Arc<AtomicU32>,
    pub gateway: Gateway<P>,
    pub authenticator: Authenticator,
    pub control: GatewayControl,
    pub commands: Consumer<Command>,
    pub events: Producer<EventRecord>,
    pub durable: CursorWriter,
    /// How many commands were sequenced, and the last one that was applied.
    pub sequenced: CursorWriter,
    pub applied: CursorWriter,
    pub archiver: ResendLocator,
    _resender: ResendReader,
    /// Who is to be woken for commands and requests.
    pub downstream: Sleeper,
    pub wakes_archiver: Sleeper,
    pub clock: ManualClock,
    pub counters: Counters,
    pub addr: SocketAddr,
    pub space: SpaceLow,
    /// Every packet of each login's stream, by login and number less 1.
    pub streams: Vec<Vec<Vec<u8>>>,
    /// The same of the session before.
    pub ended: Vec<Vec<Vec<u8>>>,
    /// The events that these messages are of, in the same order.
    records: Vec<Vec<EventRecord>>,
    /// By session, those of sessions that have ended.
    ended_records: Vec<Vec<Vec<EventRecord>>>,
    pub session: u32,
    number: u64,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(settings(), 1024, &[0, 0, 0])
    }

    /// A gateway after `messages` of each login were released in an earlier life.
    pub fn with(settings: GatewaySettings, inbound_slots: usize, messages: &[u64]) -> Self {
        let start = GatewayStart {
            streams: messages.iter().map(|messages| (0, *messages)).collect(),
            ..GatewayStart::default()
        };
        Self::starting(settings, inbound_slots, start, Role::Trade)
    }
}

impl<P: OrderEntryProtocol> Bench<P> {
    /// A gateway that begins there, whose logins have this role.
    pub fn starting(
        settings: GatewaySettings,
        inbound_slots: usize,
        start: GatewayStart,
        role: Role,
    ) -> Self {
        let messages = start.streams.iter().map(|(_, messages)| *messages).collect::<Vec<_>>();
        let messages = &messages[..];
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let used_up = Arc::new(AtomicU32::new(0));
        let sockets = TcpSockets::new(listener).expect("a poll");
        let sockets = Scarce { sockets, used_up: Arc::clone(&used_up) };
        let (inbound, commands) = spsc(inbound_slots);
        let (events_in, events) = spsc(4096);
        let (durable_in, durable) = cursor();
        let (resend, archiver, resender) = resend_queues();
        let (auth, auth_server) = auth_queues();
        let (downstream, wakes_archiver) = (Sleeper::parking(), Sleeper::parking());
        let clock = ManualClock::new(UnixNanos(1_000 * SECOND));
        let counters = Counters::new();
        let (space, watch) = space_gauge("disk");
        let (sequenced_in, sequenced) = cursor();
        let (applied_in, applied) = cursor();
        let in_ring = events_in.cursor();
        let ports = GatewayPorts {
            inbound,
            events,
            durable,
            progress: Progress { sequenced, sequence_base: 0, applied, in_ring },
            space: vec![watch],
            resend,
            downstream: vec![downstream.doorbell()],
            archiver: vec![wakes_archiver.doorbell()],
            auth,
            authenticator: Vec::new(),
        };
        let mut users = USERS.map(|who| user(who, role)).to_vec();
        users.push(User {
            username: LoginName::new(LONG_NAME).expect("a name"),
            secret: Secret::Plain(Password::new(LONG_PASSWORD.as_bytes()).expect("a password")),
            ..users[1].clone()
        });
        let port = AuthPort {
            server: auth_server,
            roles: vec![Role::Trade, Role::DropCopy],
            service: "order entry",
            downstream: Vec::new(),
        };
        let authenticator = Authenticator::new(
            vec![port],
            users,
            None,
            (Box::new(clock.clone()), Box::new(clock.clone())),
            Hasher::here(),
            &counters,
        );
        let gateway =
            Gateway::<P>::new(settings, Box::new(sockets), ports, start, Box::new(clock.clone()), &counters)
                .expect("a gateway");
        let (mut streams, mut records) = (vec![Vec::new(); 3], vec![Vec::new(); 3]);
        for (login, count) in messages.iter().enumerate() {
            let old = (0..*count).map(|n| canceled(n, LoginId(login as u32), n as u32));
            records[login].extend(old);
            streams[login].extend(records[login].iter().map(packet));
        }
        let number = messages.iter().sum();
        Self {
            used_up,
            control: gateway.control(),
            gateway,
            authenticator,
            commands,
            events: events_in,
            durable: durable_in,
            sequenced: sequenced_in,
            applied: applied_in,
            archiver,
            _resender: resender,
            downstream,
            wakes_archiver,
            clock,
            counters,
            addr,
            space,
            streams,
            ended: Vec::new(),
            records,
            ended_records: Vec::new(),
            session: 0,
            number,
        }
    }

    pub fn cycle(&mut self) -> usize {
        self.authenticator.do_work().expect("no fatal error");
        self.gateway.do_work().expect("no fatal error")
    }

    /// Runs duty cycles until `done` says so.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..CYCLES_MAX {
            if done(self) {
                return;
            }
            self.cycle();
            std::thread::yield_now();
        }
        panic!("gave up waiting for {what}");
    }

    /// Runs duty cycles until every byte that clients have sent so far is read.
    #[track_caller]
    pub fn until_read(&mut self, bytes: u64) {
        self.until("bytes to be read", |bench| bench.count("gateway.bytes_in") >= bytes);
    }

    pub fn count(&self, name: &str) -> u64 {
        let all = self.counters.snapshot();
        all.iter().find(|reading| reading.name == name).expect("a counter of this name").value
    }

    /// Makes an event that the gate holds back.
    pub fn hold(&mut self, event: Event) -> EventRecord {
        self.number += 1;
        let record =
            EventRecord { number: self.number, sequence: self.number, time: Timestamp(self.number), event };
        self.events.try_push(record).expect("room in the event ring");
        record
    }

    /// Makes an event and lets it through the gate.
    pub fn release(&mut self, event: Event) -> EventRecord {
        let record = self.hold(event);
        self.durable.set(record.sequence);
        record
    }
}

impl Bench {
    pub fn connect(&self) -> Client {
        Client::connect(self.addr)
    }

    /// Makes an event with a message to a login that the gate holds back; its sequence.
    pub fn hold_for(&mut self, login: LoginId) -> u64 {
        let user_ref = self.streams[login.0 as usize].len() as u32;
        let record = self.hold(canceled(0, login, user_ref).event);
        self.note(login, record);
        record.sequence
    }

    /// The next message of a login's stream.
    fn note(&mut self, login: LoginId, record: EventRecord) {
        self.streams[login.0 as usize].push(packet(&record));
        self.records[login.0 as usize].push(record);
    }

    /// Releases one message to a login.
    pub fn tell(&mut self, login: LoginId) {
        if self.events.free() == 0 {
            self.until("room in the event ring", |bench| bench.events.free() > 0);
        }
        let user_ref = self.streams[login.0 as usize].len() as u32;
        let record = self.release(canceled(0, login, user_ref).event);
        self.note(login, record);
    }

    /// Ends the session and begins the next: the last message of every stream, and the first of the next one.
    pub fn roll(&mut self) {
        let logins = [ALICE, BOB];
        for login in logins {
            let record = self.hold(Event::Venue(VenueEvent::SessionEnded { login }));
            self.note(login, record);
        }
        self.session += 1;
        let session = self.session;
        self.hold(Event::Venue(VenueEvent::SessionRolled { session }));
        self.ended = std::mem::replace(&mut self.streams, vec![Vec::new(); 3]);
        self.ended_records.push(std::mem::replace(&mut self.records, vec![Vec::new(); 3]));
        for login in logins {
            let record = self.hold(Event::Venue(VenueEvent::SessionStarted { login, session }));
            self.note(login, record);
            self.durable.set(record.sequence);
        }
    }

    /// A client that is logged in, having asked for message `from`; and the number it was answered with.
    #[track_caller]
    pub fn log_in(&mut self, login: LoginId, from: u64) -> (Client, u64) {
        let mut client = self.connect();
        client.send(&login_packet(login, from));
        let answer = self.next_packet(&mut client);
        assert_eq!(answer.0, kind::LOGIN_ACCEPTED, "{answer:?}");
        let accepted = soup::LoginAccepted::decode(&answer.1).expect("a Login Accepted");
        let expected = SessionId::new(&format!("DAY{}", self.session + 1)).expect("a session");
        assert_eq!(accepted.session, expected);
        (client, accepted.sequence)
    }

    /// The client's next packet: type and payload.
    #[track_caller]
    pub fn next_packet(&mut self, client: &mut Client) -> (u8, Vec<u8>) {
        let mut found = None;
        self.until("a packet", |_| {
            client.receive();
            found = client.take_packet();
            found.is_some()
        });
        found.expect("a packet")
    }

    /// The next `count` bytes that the client receives.
    #[track_caller]
    pub fn bytes(&mut self, client: &mut Client, count: usize) -> Vec<u8> {
        self.until("bytes to arrive", |_| {
            client.receive();
            client.received.len() >= count
        });
        client.received.drain(..count).collect()
    }

    /// Checks that the client receives its stream's messages from number `from` to the last.
    #[track_caller]
    pub fn expect_stream(&mut self, client: &mut Client, login: LoginId, from: u64) {
        let expected = self.streams[login.0 as usize][from as usize - 1..].concat();
        let got = self.bytes(client, expected.len());
        assert!(got == expected, "the stream of login {login} from message {from} differs");
    }

    /// Runs duty cycles until the client sees its connection closed; returns what it had received until then.
    #[track_caller]
    pub fn until_closed(&mut self, client: &mut Client) -> Vec<u8> {
        self.until("the connection to be closed", |_| {
            client.receive();
            client.closed
        });
        std::mem::take(&mut client.received)
    }

    /// Takes the commands that have come so far.
    pub fn taken(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        self.commands.poll(usize::MAX, |command| {
            commands.push(*command);
            ControlFlow::Continue(())
        });
        commands
    }

    /// The next request for old messages.
    pub fn request(&mut self) -> Option<ResendRequest> {
        match self.archiver.queries.try_recv().ok()? {
            ResendQuery::Chunk(request) => Some(request),
            ResendQuery::Find { .. } => panic!("nobody asked for a session that has ended"),
        }
    }

    /// Answers queries as archiver and resender would, at most `messages_max` messages at a time, when they have
    /// `archived` messages of each login so far.
    pub fn archive(&mut self, messages_max: u64, archived: u64) {
        while let Ok(query) = self.archiver.queries.try_recv() {
            let answer = match query {
                ResendQuery::Find { login, session, connection } => {
                    let of = self.ended_records.get(session as usize);
                    let messages = of.map(|all| all[login.0 as usize].len() as u64);
                    ResendAnswer::Found { connection, login, session, messages }
                }
                ResendQuery::Chunk(request) => {
                    assert!(request.from < request.until, "{request:?} asks for something");
                    let ended = self.ended_records.get(request.session as usize);
                    let of = ended.unwrap_or(&self.records);
                    let all = &of[request.login.0 as usize];
                    let until = request.until.min(archived + 1).min(request.from + messages_max);
                    let range =
                        request.from as usize - 1..(until as usize - 1).max(request.from as usize - 1);
                    let only = |login| Address { login, part: Part::Only, copy_of: None };
                    let messages = all[range].iter().map(|record| (*record, only(request.login))).collect();
                    ResendAnswer::Chunk(ResendChunk {
                        login: request.login,
                        connection: request.connection,
                        first: request.from,
                        messages,
                        reading: Reading::Good,
                    })
                }
            };
            self.archiver.answers.try_give(answer).expect("room for an answer");
        }
    }
}

/// An event with one message of 21 bytes for a login.
pub fn canceled(number: u64, login: LoginId, user_ref: u32) -> EventRecord {
    let event = Canceled {
        login,
        user_ref: UserRef(user_ref),
        order: OrderId(1),
        decrement: Quantity(1),
        open: Quantity(0),
        reserved: Default::default(),
        reason: CancelReason::UserRequested,
    };
    EventRecord {
        number,
        sequence: number,
        time: Timestamp(number),
        event: Event::Order(OrderEvent::Canceled(event)),
    }
}

pub fn packet(record: &EventRecord) -> Vec<u8> {
    let mut packet = vec![0; SEQUENCED_LEN_MAX];
    let to = Address { login: ALICE, part: Part::Only, copy_of: None };
    let len = encode_sequenced(record, to, &Listings::default(), &mut packet).expect("a message");
    packet.truncate(len);
    packet
}

pub fn login_packet(login: LoginId, from: u64) -> Vec<u8> {
    let (_, name, password) = USERS.into_iter().find(|(known, ..)| *known == login).expect("a known login");
    let request = LoginRequest {
        username: soup::username(name).expect("a name"),
        password: soup::password(password).expect("a password"),
        session: None,
        sequence: from,
        heartbeat_timeout_ms: None,
    };
    let mut bytes = Vec::new();
    request.push(&mut bytes);
    bytes
}

fn unsequenced(message: &Inbound<'_>) -> Vec<u8> {
    let mut payload = [0; 128];
    let len = message.encode(&mut payload).expect("fits");
    let mut packet = Vec::new();
    soup::push_packet(kind::UNSEQUENCED, &payload[..len], &mut packet).expect("fits");
    packet
}

pub fn enter(user_ref: u32) -> Vec<u8> {
    let order = EnterOrder {
        user_ref: UserRef(user_ref),
        side: b'B',
        quantity: 5,
        symbol: Symbol::new("BTC-USDT").expect("a symbol"),
        price: 100,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        iso: b'N',
        cross_type: b'N',
        cl_ord_id: ClOrdId::new("first").expect("a text"),
    };
    unsequenced(&Inbound::Enter(order, Appendage::default()))
}

pub fn cancel(user_ref: u32) -> Vec<u8> {
    unsequenced(&Inbound::Cancel(
        CancelOrder { user_ref: UserRef(user_ref), quantity: 0 },
        Appendage::default(),
    ))
}

/// Whose command it is and which number it has.
pub fn who_and_which(command: &Command) -> (LoginId, u32) {
    match command {
        Command::Order(OrderCommand::Enter(c)) => (c.login, c.user_ref.0),
        Command::Order(OrderCommand::RefuseEnter(c)) => (c.login, c.user_ref.0),
        Command::Order(OrderCommand::Cancel(c)) => (c.login, c.user_ref.0),
        other => panic!("not a client's command: {other:?}"),
    }
}

pub struct Client {
    socket: TcpStream,
    pub received: Vec<u8>,
    pub closed: bool,
}

impl Client {
    fn connect(addr: SocketAddr) -> Self {
        let socket = TcpStream::connect(addr).expect("a connection");
        socket.set_nonblocking(true).expect("non-blocking");
        socket.set_nodelay(true).expect("no delay");
        Self { socket, received: Vec::new(), closed: false }
    }

    /// Sends few bytes: what the system has room for however it is set up.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("room in the system's buffers");
    }

    /// Sends what the system has room for now, and takes it off the front.
    #[track_caller]
    pub fn send_some(&mut self, bytes: &mut &[u8]) {
        match self.socket.write(bytes) {
            Ok(count) => *bytes = &bytes[count..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
    }

    pub fn finish(&mut self) {
        self.socket.shutdown(std::net::Shutdown::Write).expect("still connected");
    }

    pub fn receive(&mut self) {
        let mut buffer = [0; 65_536];
        match self.socket.read(&mut buffer) {
            Ok(0) => self.closed = true,
            Ok(count) => self.received.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.closed = true,
            Err(error) => panic!("the client's socket failed: {error}"),
        }
    }

    pub fn take_packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let (packet, used) = soup::frame(&self.received, 65_535).expect("SoupBinTCP")?;
        let taken = (packet.kind, packet.payload.to_vec());
        self.received.drain(..used);
        Some(taken)
    }
}
