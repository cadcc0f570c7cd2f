//! A client of market data: ITCH over SoupBinTCP, from any message of the session, or joining late by way of a snapshot.
//!
//! [`MarketSession::receive`] never blocks and hands on every message with its number; [`MarketSession::wait`] blocks for as
//! long as it is told. After a break, [`MarketSession::connect`] with [`Resume`] takes up the stream where it was left.
//! [`join`] asks the snapshot channel for the books as they are and the stream for all that follows.

use super::session::{ClientError, Credentials, Resume};
use super::wait::Waiter;
use crate::market::{BookError, Books};
use crate::wire::itch::{EndOfSnapshot, ItchError, Message};
use crate::wire::soup::{self, LoginAccepted, LoginRejected, LoginRequest, SessionId, kind};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A heartbeat is sent after this long.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// A server that is silent for this long is given up. It sends a heartbeat every second.
const SERVER_SILENCE_MAX: Duration = Duration::from_secs(15);
/// How long connecting and logging in may take, and waiting for the next piece of a snapshot.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Space for one read, and bytes that one receive reads at most.
const READ_LEN: usize = 1 << 16;
const RECEIVE_MAX: usize = 1 << 20;

/// What ended or prevented a session of market data.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// As for any session.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server sent something that is no ITCH 5.0.
    #[error("the server sent {0}")]
    Itch(#[from] ItchError),
    /// The server sent something that makes no sense after what it sent before.
    #[error("the server sent {0}")]
    Book(#[from] BookError),
}

impl From<io::Error> for MarketError {
    fn from(error: io::Error) -> Self {
        Self::Client(ClientError::Io(error))
    }
}

impl From<soup::SoupError> for MarketError {
    fn from(error: soup::SoupError) -> Self {
        Self::Client(ClientError::Soup(error))
    }
}

/// The books as they were.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The session.
    pub session: SessionId,
    /// All books.
    pub books: Books,
    /// The number of the first message that is not in them.
    pub next: u64,
}

/// A logged-in session.
#[derive(Debug)]
pub struct MarketSession {
    stream: TcpStream,
    waiter: Waiter,
    id: SessionId,
    next_sequence: u64,
    /// Bytes received; those before `parsed` are done with.
    input: Vec<u8>,
    parsed: usize,
    last_sent: Instant,
    last_received: Instant,
}

impl MarketSession {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`MarketError`]: cannot connect, rejected, closed, or no answer within ten seconds.
    pub fn connect(address: SocketAddr, who: &Credentials, resume: Resume) -> Result<Self, MarketError> {
        let stream = TcpStream::connect_timeout(&address, LOGIN_TIMEOUT)
            .map_err(|source| ClientError::Connect { address, source })?;
        stream.set_nodelay(true)?;
        let mut request = Vec::new();
        LoginRequest {
            username: who.username,
            password: who.password,
            session: resume.session,
            sequence: resume.sequence,
            heartbeat_timeout_ms: who.heartbeat_timeout_ms,
        }
        .push(&mut request);
        (&stream).write_all(&request)?;
        stream.set_nonblocking(true)?;
        let waiter = Waiter::new()?;
        waiter.add(&stream)?;
        let now = Instant::now();
        let mut session = Self {
            stream,
            waiter,
            id: SessionId::new("0").expect("a letter or digit"),
            next_sequence: 0,
            input: Vec::new(),
            parsed: 0,
            last_sent: now,
            last_received: now,
        };
        session.log_in(who, now + LOGIN_TIMEOUT)?;
        let (requested, given) = (resume.sequence, session.next_sequence);
        if requested != 0 && requested != given {
            return Err(ClientError::Gap { requested, given }.into());
        }
        Ok(session)
    }

    fn log_in(&mut self, who: &Credentials, deadline: Instant) -> Result<(), MarketError> {
        loop {
            let read = self.read_some();
            while let Some((packet, used)) =
                soup::frame(&self.input[self.parsed..], soup::PAYLOAD_LEN_MAX + 1)?
            {
                match packet.kind {
                    kind::LOGIN_ACCEPTED => {
                        let accepted = LoginAccepted::decode(packet.payload)?;
                        (self.id, self.next_sequence) = (accepted.session, accepted.sequence);
                        self.parsed += used;
                        return Ok(());
                    }
                    kind::LOGIN_REJECTED => {
                        let reason = LoginRejected::decode(packet.payload)?;
                        return Err(ClientError::Rejected { username: who.username, reason }.into());
                    }
                    kind::DEBUG | kind::SERVER_HEARTBEAT => self.parsed += used,
                    kind => return Err(ClientError::UnexpectedPacket { kind }.into()),
                }
            }
            read?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ClientError::Timeout { waited: LOGIN_TIMEOUT }.into());
            }
            self.waiter.wait(left)?;
        }
    }

    /// The session's name, as the server gave it.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The number of the next message: where to resume.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Takes what has come and hands every message to `take`, with its number, and sends a heartbeat when one is due. `true`
    /// while the socket may have more. What came before a break is handed on before the break is reported.
    ///
    /// # Errors
    /// [`MarketError`]; the session is then over. [`ClientError::SessionEnded`] at the end of the venue's day.
    pub fn receive(&mut self, mut take: impl FnMut(u64, Message)) -> Result<bool, MarketError> {
        self.receive_bytes(|number, bytes| {
            take(number, Message::decode(bytes)?);
            Ok(())
        })
    }

    fn receive_bytes(
        &mut self,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), MarketError>,
    ) -> Result<bool, MarketError> {
        if self.last_sent.elapsed() >= HEARTBEAT_INTERVAL {
            // A heartbeat that does not fit is not missed: the server has not read those before it.
            let _ = self.stream.write(&soup::CLIENT_HEARTBEAT);
            self.last_sent = Instant::now();
        }
        let mut bytes = 0;
        loop {
            let read = self.read_some();
            while let Some((packet, used)) =
                soup::frame(&self.input[self.parsed..], soup::PAYLOAD_LEN_MAX + 1)?
            {
                match packet.kind {
                    kind::SEQUENCED => {
                        take(self.next_sequence, packet.payload)?;
                        self.next_sequence += 1;
                    }
                    kind::SERVER_HEARTBEAT | kind::DEBUG | kind::UNSEQUENCED => {}
                    kind::END_OF_SESSION => return Err(ClientError::SessionEnded.into()),
                    kind => return Err(ClientError::UnexpectedPacket { kind }.into()),
                }
                self.parsed += used;
            }
            match read? {
                0 => break,
                read => bytes += read,
            }
            if bytes >= RECEIVE_MAX {
                return Ok(true);
            }
        }
        let waited = self.last_received.elapsed();
        if waited > SERVER_SILENCE_MAX {
            return Err(ClientError::Timeout { waited }.into());
        }
        Ok(false)
    }

    /// One read; 0 when nothing is there now.
    fn read_some(&mut self) -> Result<usize, MarketError> {
        self.input.drain(..self.parsed);
        self.parsed = 0;
        let start = self.input.len();
        self.input.resize(start + READ_LEN, 0);
        let read = self.stream.read(&mut self.input[start..]);
        self.input.truncate(start + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(ClientError::Closed.into()),
            Ok(len) => {
                self.last_received = Instant::now();
                Ok(len)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Ok(0)
            }
            Err(error)
                if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) =>
            {
                Err(ClientError::Closed.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sleeps until the server has something to say, or for `timeout`.
    ///
    /// # Errors
    /// [`ClientError::Io`].
    pub fn wait(&mut self, timeout: Duration) -> Result<(), MarketError> {
        Ok(self.waiter.wait(timeout)?)
    }
}

/// The books as they are, from the snapshot channel at `address`.
///
/// # Errors
/// [`MarketError`]; [`ClientError::Closed`] when the server ended before the snapshot did.
pub fn snapshot(address: SocketAddr, who: &Credentials) -> Result<Snapshot, MarketError> {
    let mut channel = MarketSession::connect(address, who, Resume { session: None, sequence: 0 })?;
    let mut books = Books::default();
    let mut next = None;
    loop {
        let read = channel.receive_bytes(|_, bytes| {
            if bytes.first() == Some(&EndOfSnapshot::KIND) {
                next = Some(EndOfSnapshot::decode(bytes)?.sequence);
            } else {
                books.apply(&Message::decode(bytes)?)?;
            }
            Ok(())
        });
        if let Some(next) = next {
            return Ok(Snapshot { session: channel.id, books, next });
        }
        match read {
            Ok(true) => {}
            Ok(false) => channel.wait(HEARTBEAT_INTERVAL)?,
            Err(MarketError::Client(ClientError::SessionEnded)) => return Err(ClientError::Closed.into()),
            Err(error) => return Err(error),
        }
    }
}

/// Joins late: the books as they are, and the stream of all that follows.
///
/// # Errors
/// [`MarketError`].
pub fn join(
    glimpse: SocketAddr,
    stream: SocketAddr,
    who: &Credentials,
) -> Result<(Books, MarketSession), MarketError> {
    let Snapshot { session, books, next } = snapshot(glimpse, who)?;
    let session = MarketSession::connect(stream, who, Resume { session: Some(session), sequence: next })?;
    Ok((books, session))
}
