//! A client of market data: ITCH over SoupBinTCP, from any message of the session, or late with a snapshot.
//!
//! [`MarketSession::receive`] never blocks and hands on every message with its number; [`MarketSession::wait`] blocks
//! until its timeout. After a disconnect, [`MarketSession::connect`] with [`Resume`] continues the stream where it
//! stopped. [`join`] gets the present books from the snapshot channel and all later messages from the stream.

use super::Endpoint;
use super::session::{ClientError, Credentials, HEARTBEAT_INTERVAL, Resume, Session};
use crate::market::{BookError, Books};
use crate::wire::itch::{EndOfSnapshot, ItchError, Message};
use crate::wire::soup::SessionId;
use std::net::SocketAddr;
use std::time::Duration;

/// Why a session of market data ended or could not start.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// An error that any session can have.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The session ended while the snapshot was being sent. The next session has its own snapshot.
    #[error("the session ended before its snapshot was complete; ask again")]
    NoSnapshot,
    /// The server sent a message that is not ITCH 5.0.
    #[error("the server sent {0}")]
    Itch(#[from] ItchError),
    /// The server sent a message that contradicts its earlier messages.
    #[error("the server sent {0}")]
    Book(#[from] BookError),
}

/// The books at one point of the stream.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The session.
    pub session: SessionId,
    /// All books.
    pub books: Books,
    /// The number of the first message that is not in the books yet.
    pub next: u64,
}

/// A logged-in session.
#[derive(Debug)]
pub struct MarketSession(Session);

impl MarketSession {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`MarketError`]: cannot connect, login rejected, connection closed, or no answer within ten seconds.
    pub fn connect(to: impl Into<Endpoint>, who: &Credentials, resume: Resume) -> Result<Self, MarketError> {
        Ok(Self(Session::connect(to, who, resume)?))
    }

    /// The session id from the server.
    pub fn id(&self) -> SessionId {
        self.0.id()
    }

    /// The number of the next message, from which a later session can resume.
    pub fn next_sequence(&self) -> u64 {
        self.0.next_sequence()
    }

    /// Reads what has arrived, calls `take` with every message and its number, and sends a heartbeat if one is due.
    /// Returns `true` if the socket may have more data. Messages that arrived before a disconnect are handed on before
    /// the error.
    /// # Errors
    /// [`MarketError`]; the session is then over. [`ClientError::SessionEnded`] at the end of the venue's day.
    #[inline]
    pub fn receive(&mut self, mut take: impl FnMut(u64, Message)) -> Result<bool, MarketError> {
        self.receive_payloads(|number, payload| {
            take(number, Message::decode(payload)?);
            Ok(())
        })
    }

    #[inline]
    fn receive_payloads(
        &mut self,
        take: impl FnMut(u64, &[u8]) -> Result<(), MarketError>,
    ) -> Result<bool, MarketError> {
        // Only heartbeats are sent. A failed send is reported after the messages that came before.
        let flushed = self.0.flush();
        let received = self.0.receive_payloads(take)?;
        flushed?;
        Ok(received.more)
    }

    /// Sleeps until data arrives, at most for `timeout`.
    ///
    /// # Errors
    /// [`ClientError::Io`].
    pub fn wait(&mut self, timeout: Duration) -> Result<(), MarketError> {
        Ok(self.0.wait(timeout)?)
    }
}

/// The present books, from the snapshot channel at `address`.
///
/// # Errors
/// [`MarketError`]; [`MarketError::NoSnapshot`] if the session ended before the snapshot was complete.
pub fn snapshot(address: SocketAddr, who: &Credentials) -> Result<Snapshot, MarketError> {
    let mut channel = MarketSession::connect(address, who, Resume { session: None, sequence: 0 })?;
    let mut books = Books::default();
    let mut next = None;
    loop {
        let read = channel.receive_payloads(|_, bytes| {
            if bytes.first() == Some(&EndOfSnapshot::KIND) {
                next = Some(EndOfSnapshot::decode(bytes)?.sequence);
            } else {
                books.apply(&Message::decode(bytes)?)?;
            }
            Ok(())
        });
        if let Some(next) = next {
            return Ok(Snapshot { session: channel.id(), books, next });
        }
        match read {
            Ok(true) => {}
            Ok(false) => channel.wait(HEARTBEAT_INTERVAL)?,
            Err(MarketError::Client(ClientError::SessionEnded)) => return Err(MarketError::NoSnapshot),
            Err(error) => return Err(error),
        }
    }
}

/// Joins late: the present books, and a session with all later messages.
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
