//! A connection to any of the servers: what it asks, and what of it is answered.

use crate::postgres;
use crate::script::{Request, Script};
use dojima::wire::ouch::{Appendage, Inbound, OrderCanceled, OrderRejected, Outbound};
use dojima::wire::soup::{self, LoginAccepted, LoginRequest, kind};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Bytes of a request and of its answer where there is no protocol.
pub const PLAIN_LEN: usize = 64;
pub const PASSWORD: &str = "BENCH";
/// Room for what is read at once.
const READ_LEN: usize = 1 << 16;
/// Longer than anything takes here.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What a session says next.
#[derive(Clone, Debug)]
pub enum Asking {
    /// Numbered requests of a fixed length.
    Plain(u64),
    /// OUCH in SoupBinTCP.
    Ouch(Script),
    /// A transaction of a prepared statement for each order.
    Postgres(u64),
}

/// What a session is told next.
#[derive(Clone, Debug)]
pub enum Answering {
    Plain(u64),
    /// The script again, and how many orders were refused.
    Ouch(Script, u64),
    Postgres,
}

impl Asking {
    /// Adds the next request.
    pub fn push(&mut self, output: &mut Vec<u8>) {
        match self {
            Self::Plain(number) => {
                let start = output.len();
                output.resize(start + PLAIN_LEN, 0x5A);
                output[start..start + 8].copy_from_slice(&number.to_le_bytes());
                *number += 1;
            }
            Self::Ouch(script) => {
                let inbound = match script.next() {
                    Request::Enter(order) => Inbound::Enter(order, Appendage::default()),
                    Request::Cancel(order) => Inbound::Cancel(order, Appendage::default()),
                };
                let start = output.len();
                output.resize(start + PLAIN_LEN, 0);
                let len = inbound.encode(&mut output[start + soup::HEADER_LEN..]).expect("it fits");
                let header = soup::header(kind::UNSEQUENCED, len).expect("it is short");
                output[start..start + soup::HEADER_LEN].copy_from_slice(&header);
                output.truncate(start + soup::HEADER_LEN + len);
            }
            Self::Postgres(number) => {
                postgres::push_insert(*number, output);
                *number += 1;
            }
        }
    }
}

impl Answering {
    /// Takes whole messages from the front: how many bytes they are, and how many answers.
    ///
    /// # Panics
    /// When an answer is not the next one: then one was lost, or came twice.
    pub fn take(&mut self, input: &[u8]) -> (usize, u64) {
        match self {
            Self::Plain(number) => {
                let (answers, _) = input.as_chunks::<PLAIN_LEN>();
                for answer in answers {
                    let said = u64::from_le_bytes(*answer.first_chunk().expect("it is longer"));
                    assert_eq!(said, *number, "the next answer");
                    *number += 1;
                }
                (answers.len() * PLAIN_LEN, answers.len() as u64)
            }
            Self::Ouch(script, refused) => {
                let (mut used, mut answers) = (0, 0);
                while let Some((packet, len)) =
                    soup::frame(&input[used..], soup::PAYLOAD_LEN_MAX + 1).expect("SoupBinTCP")
                {
                    match packet.kind {
                        kind::SEQUENCED => answers += u64::from(is_answer(script, refused, packet.payload)),
                        kind::SERVER_HEARTBEAT => {}
                        other => panic!("a packet of type {:?}", char::from(other)),
                    }
                    used += len;
                }
                (used, answers)
            }
            Self::Postgres => postgres::take(input),
        }
    }

    pub fn refused(&self) -> u64 {
        match self {
            Self::Ouch(_, refused) => *refused,
            Self::Plain(_) | Self::Postgres => 0,
        }
    }
}

/// Whether the message answers a request, which is then the script's next one.
fn is_answer(script: &mut Script, refused: &mut u64, payload: &[u8]) -> bool {
    let (user_ref, entered) = match Outbound::decode(payload).expect("OUCH") {
        Outbound::Accepted(message, _) => (message.user_ref, true),
        Outbound::Rejected(OrderRejected { user_ref, .. }, _) => {
            *refused += 1;
            (user_ref, true)
        }
        Outbound::Canceled(OrderCanceled { user_ref, reason: b'U', .. }, _) => (user_ref, false),
        // A trade, or the rest of an order that takes.
        Outbound::Executed(..) | Outbound::Canceled(..) => return false,
        other => panic!("an unexpected {other:?}"),
    };
    let asked = script.next();
    let expected = (asked.user_ref(), matches!(asked, Request::Enter(_)));
    assert_eq!((user_ref, entered), expected, "the next answer");
    true
}

/// How a server is spoken to. Numbers go on from one connection to the next.
#[derive(Clone, Debug)]
pub struct Dialogue {
    pub asking: Asking,
    pub answering: Answering,
    username: Option<String>,
}

impl Dialogue {
    pub fn plain() -> Self {
        Self { asking: Asking::Plain(0), answering: Answering::Plain(0), username: None }
    }

    pub fn postgres() -> Self {
        Self { asking: Asking::Postgres(0), answering: Answering::Postgres, username: None }
    }

    /// One of so many sessions of an engine; the first one is 0.
    pub fn ouch(session: usize, sessions: usize) -> Self {
        let script = Script::new(session, sessions);
        Self {
            asking: Asking::Ouch(script.clone()),
            answering: Answering::Ouch(script, 0),
            username: Some(username(session)),
        }
    }
}

/// The login of a session.
pub fn username(session: usize) -> String {
    format!("S{session}")
}

/// A dialogue over a socket.
pub struct Line {
    pub socket: TcpStream,
    pub dialogue: Dialogue,
    pub output: Vec<u8>,
    input: Input,
}

impl Line {
    /// Connects, and logs in where that is due. Reads wait.
    pub fn open(address: SocketAddr, dialogue: Dialogue) -> Self {
        let mut socket = TcpStream::connect(address).expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        if let Some(name) = &dialogue.username {
            log_in(&mut socket, name);
        }
        if matches!(dialogue.asking, Asking::Postgres(_)) {
            postgres::open(&mut socket);
        }
        Self { socket, dialogue, output: Vec::new(), input: Input::default() }
    }

    /// One request, and waits for its answer.
    pub fn ask_one(&mut self) {
        self.output.clear();
        self.dialogue.asking.push(&mut self.output);
        self.socket.write_all(&self.output).expect("sent");
        while self.receive().expect("an answer in time") == 0 {}
    }

    /// One read; the answers in it. `None` when nothing is there.
    pub fn receive(&mut self) -> Option<u64> {
        self.input.read(&mut self.socket, &mut self.dialogue.answering)
    }

    /// Writes what the socket takes; `true` when nothing is left.
    pub fn flush(&mut self) -> bool {
        while !self.output.is_empty() {
            match self.socket.write(&self.output) {
                Ok(len) if len == self.output.len() => self.output.clear(),
                Ok(len) => drop(self.output.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("cannot send: {error}"),
            }
        }
        true
    }

    /// The same line for another thread: one asks, the other one is answered.
    pub fn other_side(&self) -> Self {
        let socket = self.socket.try_clone().expect("a descriptor");
        Self { socket, dialogue: self.dialogue.clone(), output: Vec::new(), input: Input::default() }
    }

    /// Reads and writes wait no more.
    pub fn never_wait(&self) {
        self.socket.set_nonblocking(true).expect("non-blocking");
    }
}

/// Bytes that have come and are not a whole message yet.
struct Input {
    room: Box<[u8]>,
    filled: usize,
}

impl Default for Input {
    fn default() -> Self {
        Self { room: vec![0; 2 * READ_LEN].into(), filled: 0 }
    }
}

impl Input {
    fn read(&mut self, socket: &mut TcpStream, answering: &mut Answering) -> Option<u64> {
        match socket.read(&mut self.room[self.filled..]) {
            Ok(0) => panic!("the server closed the connection"),
            Ok(len) => {
                self.filled += len;
                let (used, answers) = answering.take(&self.room[..self.filled]);
                self.room.copy_within(used..self.filled, 0);
                self.filled -= used;
                Some(answers)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("cannot receive: {error}"),
        }
    }
}

fn log_in(socket: &mut TcpStream, name: &str) {
    let request = LoginRequest {
        username: soup::username(name).expect("a name"),
        password: soup::password(PASSWORD).expect("a password"),
        session: None,
        // Only what comes from now on.
        sequence: 0,
        heartbeat_timeout_ms: None,
    };
    let mut output = Vec::new();
    request.push(&mut output);
    socket.write_all(&output).expect("sent");
    let mut accepted = [0; LoginAccepted::PACKET_LEN];
    socket.read_exact(&mut accepted).expect("an answer");
    assert_eq!(accepted[2], kind::LOGIN_ACCEPTED, "the login is accepted");
}
