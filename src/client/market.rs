//! A client of market data: ITCH over SoupBinTCP, from any message of the session, or joining late by way of a snapshot.
//!
//! [`MarketSession::receive`] never blocks and hands on every message with its number; [`MarketSession::wait`] blocks for as
//! long as it is told. After a break, [`MarketSession::connect`] with [`Resume`] takes up the stream where it was left.
//! [`join`] asks the snapshot channel for the books as they are and the stream for all that follows.

use super::Endpoint;
use super::session::{ClientError, Credentials, HEARTBEAT_INTERVAL, Resume, Session};
use crate::market::{BookError, Books};
use crate::wire::itch::{EndOfSnapshot, ItchError, Message};
use crate::wire::soup::SessionId;
use std::net::SocketAddr;
use std::time::Duration;

/// What ended or prevented a session of market data.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// As for any session.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The session ended while the snapshot was on its way: there is one of the next session.
    #[error("the session ended before its snapshot was complete; ask again")]
    NoSnapshot,
    /// The server sent something that is no ITCH 5.0.
    #[error("the server sent {0}")]
    Itch(#[from] ItchError),
    /// The server sent something that makes no sense after what it sent before.
    #[error("the server sent {0}")]
    Book(#[from] BookError),
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
pub struct MarketSession(Session);

impl MarketSession {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`MarketError`]: cannot connect, rejected, closed, or no answer within ten seconds.
    pub fn connect(to: impl Into<Endpoint>, who: &Credentials, resume: Resume) -> Result<Self, MarketError> {
        Ok(Self(Session::connect(to, who, resume)?))
    }

    /// The session's name, as the server gave it.
    pub fn id(&self) -> SessionId {
        self.0.id()
    }

    /// The number of the next message: where to resume.
    pub fn next_sequence(&self) -> u64 {
        self.0.next_sequence()
    }

    /// Takes what has come and hands every message to `take`, with its number, and sends a heartbeat when one is due. `true`
    /// while the socket may have more. What came before a break is handed on before the break is reported.
    ///
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
        // There is nothing to send but heartbeats. One that cannot be sent is reported after what came before.
        let flushed = self.0.flush();
        let received = self.0.receive_payloads(take)?;
        flushed?;
        Ok(received.more)
    }

    /// Sleeps until the server has something to say, or for `timeout`.
    ///
    /// # Errors
    /// [`ClientError::Io`].
    pub fn wait(&mut self, timeout: Duration) -> Result<(), MarketError> {
        Ok(self.0.wait(timeout)?)
    }
}

/// The books as they are, from the snapshot channel at `address`.
///
/// # Errors
/// [`MarketError`]; [`MarketError::NoSnapshot`] when the session ended before the snapshot did.
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
