//! One client session: SoupBinTCP over TCP with OUCH or, through [`Session::receive_payloads`], any other protocol.
//!
//! Requests are buffered and sent by [`Session::flush`]; [`Session::receive`] hands on answers with their sequence
//! numbers. Neither ever blocks. [`Session::wait`] blocks until its timeout. After a disconnect, [`Session::connect`]
//! with [`Resume`] continues the stream where it stopped.

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

/// A heartbeat is sent if nothing else was sent for this long.
pub(super) const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// A server that is silent for this long counts as lost. It sends a heartbeat every second.
const SERVER_SILENCE_MAX: Duration = Duration::from_secs(15);

/// Timeout of connecting and logging in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes that one [`Session::receive`] reads, so that it returns even if the server keeps sending.
const RECEIVE_MAX: usize = 1 << 20;

/// Buffer size of one read.
const READ_LEN: usize = 1 << 16;

/// An upper bound on the length of a request without its tags.
const REQUEST_LEN_MAX: usize = 64;

/// Why a session ended or could not start.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection could not be made.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The server's address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The server refused the login.
    #[error("the login of {username} was rejected: {reason}")]
    Rejected {
        /// The username.
        username: LoginName,
        /// The reason.
        reason: LoginRejected,
    },
    /// The server closed the connection before it answered the login.
    #[error("the server closed the connection before it answered the login of {0}")]
    ClosedAtLogin(LoginName),
    /// The connection was closed. One possible cause is a second login of the same user.
    #[error("the server closed the connection ({0} may have logged in elsewhere)")]
    Closed(LoginName),
    /// The server reported the end of the session.
    #[error("the server ended the session")]
    SessionEnded,
    /// Nothing was received for too long.
    #[error("nothing received from the server for {} s", waited.as_secs())]
    Timeout {
        /// How long the client waited.
        waited: Duration,
    },
    /// The socket reported an error.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// TLS failed: the client rejects the server, for example its certificate, or the server rejects the client.
    #[error("TLS failed: {0}")]
    Tls(rustls::Error),
    /// The server sent data that is not SoupBinTCP.
    #[error("the server sent {0}")]
    Soup(#[from] SoupError),
    /// The server sent a message that is not OUCH, or not known to this client.
    #[error("the server sent {0}")]
    Ouch(#[from] OuchError),
    /// The server sent a packet that is not allowed at this point.
    #[error("the server sent an unexpected packet of type {:?}", char::from(*.kind))]
    UnexpectedPacket {
        /// Its packet type.
        kind: u8,
    },
    /// The server sent a message with a value that OUCH does not define.
    #[error("the server sent a message with {0}")]
    Event(#[from] EventError),
    /// A client that only listens tried to send a request.
    #[error("this login only listens: it sends no requests")]
    OnlyListens,
    /// All 2^32 - 1 numbers of the session are used up.
    #[error("all client numbers of this session are used up")]
    NumbersUsedUp,
    /// The server's stream does not start at the requested message.
    #[error("message {requested} was asked for, but the server begins at {given}")]
    Gap {
        /// The first message requested.
        requested: u64,
        /// The first message that the server will send.
        given: u64,
    },
}

impl ClientError {
    /// Whether the connection was lost, so that reconnecting can help. Otherwise the server refused or violated the
    /// protocol.
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

    /// The same error, as reported while the login is unanswered.
    fn at_login(self) -> Self {
        match self {
            Self::Closed(username) => Self::ClosedAtLogin(username),
            other => other,
        }
    }
}

/// The credentials of a login.
#[derive(Clone, Copy, Debug)]
pub struct Credentials {
    /// The login's name.
    pub username: LoginName,
    /// Its password.
    pub password: Password,
    /// Asks the server to disconnect after this many milliseconds of silence, by a login of protocol 4.1. `None`: a
    /// login of protocol 3.0, with the server's own limit.
    pub heartbeat_timeout_ms: Option<u32>,
}

/// Where in the stream to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The session; `None` for the current one.
    pub session: Option<SessionId>,
    /// The number of the first message wanted; 0: only messages from now on.
    pub sequence: u64,
}

impl Resume {
    /// The current session from its first message.
    pub const START: Self = Self { session: None, sequence: 1 };
}

/// The result of one [`Session::receive`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Number of sequenced messages handed on.
    pub messages: usize,
    /// Whether the socket may have more data right now.
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
    /// The receive buffer. The bytes from `parsed` to `filled` were received and are not processed yet.
    input: Box<[u8]>,
    parsed: usize,
    filled: usize,
    /// Whether the last read emptied the socket.
    drained: bool,
    /// The send buffer. The bytes before `sent` were given to the socket.
    output: Vec<u8>,
    sent: usize,
    last_sent: Instant,
    last_received: Instant,
}

impl Session {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`ClientError`]: cannot connect, login rejected, connection closed, or no answer within ten seconds.
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

    /// The session id from the server.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The number of the next sequenced message, from which a later session can resume.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Bytes that wait to be sent, without those already inside TLS.
    pub fn unsent(&self) -> usize {
        self.output.len() - self.sent
    }

    /// Adds a request to the send buffer; [`Self::flush`] sends it.
    ///
    /// # Panics
    /// If the request's appendage is longer than 60,000 bytes. (The server accepts packets up to 4,096 bytes.)
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

    /// Sends as much of the buffer as the socket accepts, and a heartbeat if nothing was sent for a second. Returns
    /// `true` if the buffer is empty.
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

    /// Reads what has arrived and calls `take` with every sequenced message and its number. Messages that arrived
    /// before a disconnect are handed on before the error.
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

    /// As [`Self::receive`], but hands on the payload bytes of every sequenced message, of any protocol. An error of
    /// `take` ends the call; that message and those after it count as not received.
    ///
    /// # Errors
    /// The errors of `take`, and [`ClientError`]; the session is then over.
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
            // Another read would return nothing: new data wakes the waiter.
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

    /// One read; 0 if there is no data now.
    fn read_some(&mut self) -> Result<usize, ClientError> {
        // Less than one packet is left, which leaves room for another read.
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

    /// Sleeps until the server has sent data or accepts more bytes, at most for `timeout`.
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

    /// Sends a logout, as far as the socket accepts it, and closes the connection.
    pub fn log_out(mut self) {
        self.output.extend_from_slice(&soup::LOGOUT);
        // The connection is closed in any case.
        let _ = self.flush();
        self.stream.close();
    }
}

impl AsRawFd for Session {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}
