//! One client session: SoupBinTCP over a TCP stream, carrying OUCH or, by [`Session::receive_payloads`], anything else.
//!
//! Requests are gathered in a buffer and leave with [`Session::flush`]; answers are taken as they come by
//! [`Session::receive`], each with its sequence number. Neither ever blocks; [`Session::wait`] does, for as long as it
//! is told. After a break, [`Session::connect`] with [`Resume`] takes up the stream where it was left.

use super::event::EventError;
use super::stream::{Endpoint, Stream};
use super::wait::Waiter;
use crate::domain::{LoginName, Password};
use crate::wire::ouch::{Inbound, OuchError, Outbound};
use crate::wire::soup::{
    self, LoginAccepted, LoginRejected, LoginRequest, Packet, SessionId, SoupError, kind,
};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};
use tokio_rustls::rustls;

/// A heartbeat is sent after this long without anything else.
pub(super) const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// A server that is silent for this long is given up. It sends a heartbeat every second.
const SERVER_SILENCE_MAX: Duration = Duration::from_secs(15);

/// How long connecting and logging in may take.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that one [`Session::receive`] reads at most, so that it ends while a server keeps sending.
const RECEIVE_MAX: usize = 1 << 20;

/// Space for one read.
const READ_LEN: usize = 1 << 16;

/// Room for a request without its tags.
const REQUEST_LEN_MAX: usize = 64;

/// What ended or prevented a session.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server cannot be reached.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The server refused the login.
    #[error("the login of {username} was rejected: {reason}")]
    Rejected {
        /// Who.
        username: LoginName,
        /// Why.
        reason: LoginRejected,
    },
    /// The server closed the connection before it answered the login.
    #[error("the server closed the connection before it answered the login of {0}")]
    ClosedAtLogin(LoginName),
    /// The connection is gone. A second login of the same user is one cause.
    #[error("the server closed the connection ({0} may have logged in elsewhere)")]
    Closed(LoginName),
    /// The server says that the session has ended for good.
    #[error("the server ended the session")]
    SessionEnded,
    /// Nothing came for too long.
    #[error("nothing received from the server for {} s", waited.as_secs())]
    Timeout {
        /// How long.
        waited: Duration,
    },
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// TLS refuses the server, such as for its certificate, or the server refuses this client.
    #[error("TLS failed: {0}")]
    Tls(rustls::Error),
    /// The server sent something that is no SoupBinTCP.
    #[error("the server sent {0}")]
    Soup(#[from] SoupError),
    /// The server sent something that is no OUCH that this client knows.
    #[error("the server sent {0}")]
    Ouch(#[from] OuchError),
    /// The server sent a packet that has no place here.
    #[error("the server sent an unexpected packet of type {:?}", char::from(*.kind))]
    UnexpectedPacket {
        /// Its type.
        kind: u8,
    },
    /// The server sent a message with a value that OUCH does not have.
    #[error("the server sent a message with {0}")]
    Event(#[from] EventError),
    /// A request of a client that only listens.
    #[error("this login only listens: it sends no requests")]
    OnlyListens,
    /// 2^32 - 1 numbers in one session.
    #[error("all client numbers of this session are used up")]
    NumbersUsedUp,
    /// The server's stream does not begin where it was asked to.
    #[error("message {requested} was asked for, but the server begins at {given}")]
    Gap {
        /// The first message asked for.
        requested: u64,
        /// The first message that comes.
        given: u64,
    },
}

impl ClientError {
    /// Whether the connection broke, so that trying again can help; else the server refused or speaks another language.
    pub fn is_disconnect(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::ClosedAtLogin(_)
                | Self::Closed(_)
                | Self::Timeout { .. }
                | Self::Io(_)
        )
    }

    /// The same before the login was answered.
    fn at_login(self) -> Self {
        match self {
            Self::Closed(username) => Self::ClosedAtLogin(username),
            other => other,
        }
    }
}

/// Who logs in.
#[derive(Clone, Copy, Debug)]
pub struct Credentials {
    /// The login's name.
    pub username: LoginName,
    /// Its password.
    pub password: Password,
    /// Asks the server to disconnect after this much silence, milliseconds: a login of protocol 4.1. `None` is one of
    /// 3.0, with the server's own limit.
    pub heartbeat_timeout_ms: Option<u32>,
}

/// Where in the stream to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The session; `None` for the current one.
    pub session: Option<SessionId>,
    /// The number of the first message wanted; 0 for only what comes from now on.
    pub sequence: u64,
}

impl Resume {
    /// The current session from its very first message.
    pub const START: Self = Self { session: None, sequence: 1 };
}

/// What one [`Session::receive`] took in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Sequenced messages handed on.
    pub messages: usize,
    /// Whether the socket may have more right now.
    pub more: bool,
}

/// A logged-in session.
#[derive(Debug)]
pub struct Session {
    stream: Stream,
    waiter: Waiter,
    username: LoginName,
    id: SessionId,
    next_sequence: u64,
    /// Room for what comes, of which the bytes from `parsed` to `filled` have come and are not done with.
    input: Box<[u8]>,
    parsed: usize,
    filled: usize,
    /// The last read took all that there was.
    drained: bool,
    /// Bytes to send; those before `sent` are on their way.
    output: Vec<u8>,
    sent: usize,
    last_sent: Instant,
    last_received: Instant,
}

impl Session {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`ClientError`]: cannot connect, rejected, closed, or no answer within ten seconds.
    pub fn connect(to: impl Into<Endpoint>, who: &Credentials, resume: Resume) -> Result<Self, ClientError> {
        let to = to.into();
        let stream = Stream::connect(&to, LOGIN_TIMEOUT)
            .map_err(|source| ClientError::Connect { address: to.address, source })?;
        let waiter = Waiter::new()?;
        waiter.add(&stream)?;
        let now = Instant::now();
        let mut session = Self {
            stream,
            waiter,
            username: who.username,
            id: SessionId::new("0").expect("a letter or digit"),
            next_sequence: resume.sequence,
            input: vec![0; 2 * READ_LEN].into_boxed_slice(),
            parsed: 0,
            filled: 0,
            drained: false,
            output: Vec::with_capacity(READ_LEN),
            sent: 0,
            last_sent: now,
            last_received: now,
        };
        let request = LoginRequest {
            username: who.username,
            password: who.password,
            session: resume.session,
            sequence: resume.sequence,
            heartbeat_timeout_ms: who.heartbeat_timeout_ms,
        };
        request.push(&mut session.output);
        session.log_in(resume)?;
        Ok(session)
    }

    fn log_in(&mut self, resume: Resume) -> Result<(), ClientError> {
        let deadline = Instant::now() + LOGIN_TIMEOUT;
        loop {
            self.flush().map_err(ClientError::at_login)?;
            let closed = match self.read_some().map_err(ClientError::at_login) {
                Ok(_) => None,
                Err(error @ ClientError::ClosedAtLogin(_)) => Some(error),
                Err(error) => return Err(error),
            };
            while let Some((packet, used)) =
                soup::frame(&self.input[self.parsed..self.filled], soup::PAYLOAD_LEN_MAX + 1)?
            {
                let Packet { kind, payload } = packet;
                match kind {
                    kind::LOGIN_ACCEPTED => {
                        let accepted = LoginAccepted::decode(payload)?;
                        self.parsed += used;
                        self.id = accepted.session;
                        self.next_sequence = accepted.sequence;
                        let asked = resume.sequence;
                        if asked != 0 && accepted.sequence != asked {
                            return Err(ClientError::Gap { requested: asked, given: accepted.sequence });
                        }
                        return Ok(());
                    }
                    kind::LOGIN_REJECTED => {
                        let reason = LoginRejected::decode(payload)?;
                        return Err(ClientError::Rejected { username: self.username, reason });
                    }
                    kind::DEBUG | kind::SERVER_HEARTBEAT => self.parsed += used,
                    kind => return Err(ClientError::UnexpectedPacket { kind }),
                }
            }
            if let Some(closed) = closed {
                return Err(closed);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ClientError::Timeout { waited: LOGIN_TIMEOUT });
            }
            self.waiter.wait(left)?;
        }
    }

    /// The session's name, as the server gave it.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The number of the next sequenced message: where to resume.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Bytes that wait to be sent, those that TLS has taken not included.
    pub fn unsent(&self) -> usize {
        self.output.len() - self.sent
    }

    /// Adds a request to those that the next [`Self::flush`] sends.
    ///
    /// # Panics
    /// When the request's appendage is longer than 60,000 bytes. (The server takes packets of 4,096.)
    #[inline]
    pub fn send(&mut self, request: &Inbound<'_>) {
        let start = self.output.len();
        self.output.resize(start + REQUEST_LEN_MAX + request.appendage().0.len(), 0);
        let room = &mut self.output[start + soup::HEADER_LEN..];
        let len = request.encode(room).expect("there is room");
        let header = soup::header(kind::UNSEQUENCED, len).expect("the appendage is short");
        self.output[start..start + soup::HEADER_LEN].copy_from_slice(&header);
        self.output.truncate(start + soup::HEADER_LEN + len);
    }

    /// Sends what the socket takes of what waits, and a heartbeat when nothing was sent for a second. `true` when
    /// nothing waits any more.
    ///
    /// # Errors
    /// [`ClientError::Closed`], [`ClientError::Io`]; the session is then over.
    pub fn flush(&mut self) -> Result<bool, ClientError> {
        if self.unsent() == 0 && self.last_sent.elapsed() >= HEARTBEAT_INTERVAL {
            self.output.extend_from_slice(&soup::CLIENT_HEARTBEAT);
        }
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(0) => return Err(ClientError::Closed(self.username)),
                Ok(len) => {
                    self.sent += len;
                    self.last_sent = Instant::now();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(error)),
            }
        }
        self.output.clear();
        self.sent = 0;
        match self.stream.flush() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(self.broken(error)),
        }
    }

    /// Takes what has come and hands every sequenced message to `take`, with its number. What came before the
    /// connection broke is handed on before the break is reported.
    ///
    /// # Errors
    /// [`ClientError`]; the session is then over.
    #[inline]
    pub fn receive(&mut self, mut take: impl FnMut(u64, Outbound<'_>)) -> Result<Received, ClientError> {
        self.receive_payloads(|number, payload| {
            take(number, Outbound::decode(payload)?);
            Ok(())
        })
    }

    /// As [`Self::receive`], but hands on the bytes of every sequenced message, whatever protocol they are of. An error
    /// of `take` ends it: that message and those after it count as not received.
    ///
    /// # Errors
    /// Those of `take`, and [`ClientError`]; the session is then over.
    #[inline]
    pub fn receive_payloads<E: From<ClientError>>(
        &mut self,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<Received, E> {
        let mut received = Received::default();
        let mut bytes = 0;
        loop {
            let read = self.read_some();
            received.messages += self.parse(&mut take)?;
            match read? {
                0 => break,
                len => bytes += len,
            }
            // Asking once more would tell nothing: whatever comes from now on wakes whoever waits.
            if self.drained {
                break;
            }
            if bytes >= RECEIVE_MAX {
                received.more = true;
                break;
            }
        }
        let waited = self.last_received.elapsed();
        if waited > SERVER_SILENCE_MAX {
            return Err(ClientError::Timeout { waited }.into());
        }
        Ok(received)
    }

    #[inline]
    fn parse<E: From<ClientError>>(
        &mut self,
        take: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut messages = 0;
        while let Some((packet, used)) =
            soup::frame(&self.input[self.parsed..self.filled], soup::PAYLOAD_LEN_MAX + 1)
                .map_err(ClientError::Soup)?
        {
            match packet.kind {
                kind::SEQUENCED => {
                    take(self.next_sequence, packet.payload)?;
                    self.next_sequence += 1;
                    messages += 1;
                }
                kind::SERVER_HEARTBEAT | kind::DEBUG | kind::UNSEQUENCED => {}
                kind::END_OF_SESSION => return Err(ClientError::SessionEnded.into()),
                kind => return Err(ClientError::UnexpectedPacket { kind }.into()),
            }
            self.parsed += used;
        }
        Ok(messages)
    }

    /// One read; 0 when nothing is there now.
    fn read_some(&mut self) -> Result<usize, ClientError> {
        // What is left is less than a packet, which has room beside another read.
        self.input.copy_within(self.parsed..self.filled, 0);
        (self.parsed, self.filled) = (0, self.filled - self.parsed);
        let room = &mut self.input[self.filled..];
        let room_len = room.len();
        let read = loop {
            match self.stream.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.drained = !matches!(read, Ok(len) if len == room_len);
        match read {
            Ok(0) => Err(ClientError::Closed(self.username)),
            Ok(len) => {
                self.filled += len;
                self.last_received = Instant::now();
                Ok(len)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(self.broken(error)),
        }
    }

    /// Sleeps until the server has something to say or takes more bytes, or for `timeout`.
    ///
    /// # Errors
    /// [`ClientError::Io`].
    pub fn wait(&mut self, timeout: Duration) -> Result<(), ClientError> {
        Ok(self.waiter.wait(timeout)?)
    }

    fn broken(&self, error: io::Error) -> ClientError {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                ClientError::Closed(self.username)
            }
            _ => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(tls) => ClientError::Tls(tls.clone()),
                None => ClientError::Io(error),
            },
        }
    }

    /// Tells the server that this is the end, as far as the socket takes it, and closes.
    pub fn log_out(mut self) {
        self.output.extend_from_slice(&soup::LOGOUT);
        // The connection is given up in any case.
        let _ = self.flush();
        self.stream.close();
    }
}

impl AsRawFd for Session {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}
