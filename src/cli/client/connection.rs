//! The connection to the exchange: the connected client, or the attempts to connect again.
//!
//! A lost connection is made again at the same position, and after the end of a session the next session is joined. No
//! message is missed in either case, and the terminal keeps running. Connecting runs on a separate thread, so it does not
//! block.

use crate::client::{Bookmark, Client, ClientError, ClientMessage, Credentials, Endpoint, Start};
use crate::domain::UserRef;
use crate::wire::soup::{LoginRejected, SessionId};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use std::time::{Duration, Instant};

/// The first and the longest wait before connecting again; each wait is twice the previous one.
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_LONGEST: Duration = Duration::from_secs(5);

/// If a new connection is closed within this time, another client of the same login has taken it over and also reconnects.
const TAKEN_OVER: Duration = Duration::from_secs(5);

/// The result of a turn.
#[derive(Debug)]
pub enum Happening {
    /// A message from the exchange.
    Message(ClientMessage),
    /// The connection is up again.
    Connected,
    /// The connection was lost for this reason and is being made again.
    Lost(ClientError),
    /// The connection was lost for this reason; it is made again when the user asks for it.
    GivenUp(ClientError),
    /// The session with this id has ended; the next one is being looked for.
    SessionEnded(SessionId),
}

/// The client, or its absence and what follows.
pub struct Connection {
    to: Endpoint,
    who: Credentials,
    state: State,
    /// The position at which the stream continues, while there is no client.
    mark: Bookmark,
    wait: Duration,
    /// When the client connected that replaced a lost one.
    again_at: Option<Instant>,
    /// The last session that has ended.
    ended: Option<SessionId>,
}

enum State {
    Up(Box<Client>),
    Dialing(Start, Receiver<Result<Client, ClientError>>),
    /// Connects at this time.
    Waiting(Start, Instant),
    /// Connects when the user asks for it.
    Down,
}

impl Connection {
    /// Starts with a connected client.
    pub fn new(to: Endpoint, who: Credentials, client: Client) -> Self {
        let mark = client.bookmark();
        let state = State::Up(Box::new(client));
        Self { to, who, state, mark, wait: RETRY_FIRST, again_at: None, ended: None }
    }

    /// The client, if there is a connection.
    pub fn client(&mut self) -> Option<&mut Client> {
        match &mut self.state {
            State::Up(client) => Some(client),
            State::Dialing(..) | State::Waiting(..) | State::Down => None,
        }
    }

    /// Whether there is a connection.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Whether a connection is being made.
    pub fn is_coming(&self) -> bool {
        matches!(self.state, State::Dialing(..) | State::Waiting(..))
    }

    /// The position at which the stream continues.
    pub fn mark(&self) -> Bookmark {
        match &self.state {
            State::Up(client) => client.bookmark(),
            State::Dialing(..) | State::Waiting(..) | State::Down => self.mark,
        }
    }

    /// Connects at once, if there is no connection.
    pub fn connect(&mut self) {
        let start = match self.state {
            State::Up(_) | State::Dialing(..) => return,
            State::Waiting(start, _) => start,
            State::Down => Start::At(self.mark),
        };
        (self.again_at, self.wait) = (None, RETRY_FIRST);
        self.dial(start);
    }

    fn dial(&mut self, start: Start) {
        let (to, who) = (self.to.clone(), self.who);
        let (result, dialed) = bounded(1);
        // The thread ends by itself: connecting takes some seconds at most. The receiver may be gone by then.
        std::thread::spawn(move || drop(result.send(Client::connect(to, &who, start))));
        self.state = State::Dialing(start, dialed);
    }

    /// The next event, with a wait of at most `timeout`.
    pub fn turn(&mut self, timeout: Duration) -> Option<Happening> {
        match &mut self.state {
            State::Up(client) => match client.next_event(timeout) {
                Ok(message) => message.map(Happening::Message),
                Err(error) => {
                    self.mark = client.bookmark();
                    Some(self.lose(error))
                }
            },
            State::Dialing(start, dialed) => {
                let start = *start;
                match dialed.recv_timeout(timeout) {
                    Ok(Ok(client)) => self.connected(start, client),
                    Ok(Err(error)) => self.failed(start, error),
                    Err(RecvTimeoutError::Timeout) => None,
                    // The thread could not be started, or is gone.
                    Err(RecvTimeoutError::Disconnected) => self.later(start),
                }
            }
            State::Waiting(start, at) => {
                let (start, left) = (*start, at.saturating_duration_since(Instant::now()));
                match left.is_zero() {
                    true => self.dial(start),
                    false => std::thread::sleep(left.min(timeout)),
                }
                None
            }
            State::Down => {
                std::thread::sleep(timeout);
                None
            }
        }
    }

    fn connected(&mut self, start: Start, client: Client) -> Option<Happening> {
        self.mark = client.bookmark();
        if self.ended == Some(self.mark.session) {
            // The next session has not started yet.
            client.log_out();
            return self.later(start);
        }
        self.state = State::Up(Box::new(client));
        (self.again_at, self.wait) = (Some(Instant::now()), RETRY_FIRST);
        Some(Happening::Connected)
    }

    /// Handles the end of a connection.
    fn lose(&mut self, error: ClientError) -> Happening {
        if let ClientError::SessionEnded = error {
            let ended = self.mark.session;
            self.ended = Some(ended);
            // The current session may be a later one. The next session is read first, because it has the messages before
            // that.
            let next = ended.after(1).map_or(Start::Beginning, |session| {
                Start::At(Bookmark { session, sequence: 1, next_user_ref: Some(UserRef(1)) })
            });
            self.dial(next);
            return Happening::SessionEnded(ended);
        }
        let is_again = self.again_at.take().is_some_and(|at| at.elapsed() < TAKEN_OVER);
        if !error.is_disconnect() || (is_again && matches!(error, ClientError::Closed(_))) {
            self.state = State::Down;
            return Happening::GivenUp(error);
        }
        self.later(Start::At(self.mark));
        Happening::Lost(error)
    }

    /// Handles a failed attempt to connect.
    fn failed(&mut self, start: Start, error: ClientError) -> Option<Happening> {
        match error {
            ClientError::Rejected { reason: LoginRejected::SessionNotAvailable, .. }
                if matches!(start, Start::At(_)) =>
            {
                self.later(Start::Beginning)
            }
            error if error.is_disconnect() => self.later(start),
            error => {
                self.state = State::Down;
                Some(Happening::GivenUp(error))
            }
        }
    }

    fn later(&mut self, start: Start) -> Option<Happening> {
        self.state = State::Waiting(start, Instant::now() + self.wait);
        self.wait = (self.wait * 2).min(RETRY_LONGEST);
        None
    }

    /// Logs out, if there is a connection.
    pub fn leave(self) {
        if let State::Up(client) = self.state {
            client.log_out();
        }
    }
}
