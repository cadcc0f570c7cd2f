//! What the market is to be told: every message of every session, made of the reference's events and of nothing that a node
//! wrote; and what passes to subscribers, held against it.

use dojima::domain::EventRecord;
use dojima::domain::session::session_id;
use dojima::market::{Books, Feed, Published};
use dojima::wire::itch::{MESSAGE_LEN_MAX, Message, event_code};
use dojima::wire::soup::{self, LoginAccepted, LoginRejected, SessionId, kind};

/// All messages.
#[derive(Default)]
pub struct Market {
    feed: Feed,
    made: Vec<Published>,
    /// A receiver's.
    books: Books,
    /// By session: its messages.
    sessions: Vec<Vec<Vec<u8>>>,
}

/// A message's place: the session (from 0) and the number in it (from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub session: usize,
    pub number: u64,
}

impl Market {
    /// Takes up the events of a command, all of them.
    ///
    /// # Errors
    /// When a message has no bytes or makes no sense after those before, or when they give other books than the feed has.
    pub fn note(&mut self, events: &[EventRecord]) -> Result<(), String> {
        for record in events {
            self.feed.apply(record, &mut self.made);
        }
        self.feed.complete(&mut self.made);
        for Published { message, .. } in self.made.drain(..) {
            self.books.apply(&message).map_err(|error| format!("market data: {error}, by {message:?}"))?;
            let begins =
                matches!(message, Message::SystemEvent(event) if event.code == event_code::START_OF_MESSAGES);
            if begins {
                self.sessions.push(Vec::new());
            }
            let mut bytes = [0; MESSAGE_LEN_MAX];
            let len = message.encode(&mut bytes).ok_or("a message does not fit")?;
            self.sessions.last_mut().ok_or("a message before the first session")?.push(bytes[..len].to_vec());
        }
        for listing in self.feed.listings() {
            let told = self.books.book(listing.instrument.0 as u16 + 1);
            let own = self.feed.book(listing.instrument);
            if own != told {
                return Err(format!("the messages give {told:?}, and the feed has {own:?}"));
            }
        }
        Ok(())
    }

    /// The place after the last message.
    pub fn end(&self) -> Place {
        let last = self.sessions.last().map_or(0, Vec::len) as u64;
        Place { session: self.sessions.len().saturating_sub(1), number: last + 1 }
    }

    /// The message there.
    pub fn message(&self, place: Place) -> Option<&[u8]> {
        let at = usize::try_from(place.number.checked_sub(1)?).ok()?;
        Some(self.sessions.get(place.session)?.get(at)?)
    }

    /// Which session has this name; the first one is `first`.
    fn session(&self, first: &str, id: SessionId) -> Option<usize> {
        let first = *SessionId::new(first)?.as_bytes();
        (0..self.sessions.len().max(1))
            .find(|session| session_id(first, *session as u32) == Some(*id.as_bytes()))
    }

    /// Where a Login Accepted says that it goes on.
    ///
    /// # Errors
    /// When there is no such session.
    pub fn place(&self, first: &str, accepted: &LoginAccepted) -> Result<Place, String> {
        let session =
            self.session(first, accepted.session).ok_or_else(|| format!("{accepted:?}: no such session"))?;
        Ok(Place { session, number: accepted.sequence })
    }
}

/// What a subscriber asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The first message of the present session; 0: the next one.
    pub from: u64,
    /// Whether it has the wrong password.
    pub wrong: bool,
}

/// Looks at one connection.
pub struct MarketSpy {
    wanted: Wanted,
    /// The place after the last message that anybody had been sent when it came: what was sent since may have been before or after
    /// its login was taken up.
    before: Place,
    bytes: Vec<u8>,
    position: Option<Place>,
}

/// What passed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    pub messages: u64,
    /// Of those, messages that somebody was sent before.
    pub again: u64,
}

impl MarketSpy {
    pub fn new(wanted: Wanted, before: Place) -> Self {
        Self { wanted, before, bytes: Vec::new(), position: None }
    }

    /// Takes what the server has written. `sent` is the place after the last message that anybody was sent.
    ///
    /// # Errors
    /// What is wrong about it.
    pub fn see(
        &mut self,
        bytes: &[u8],
        first: &str,
        sent: &mut Place,
        market: &Market,
    ) -> Result<Told, String> {
        self.bytes.extend_from_slice(bytes);
        let (mut told, mut used) = (Told::default(), 0);
        while let Some((packet, len)) = soup::frame(&self.bytes[used..], usize::from(u16::MAX))
            .map_err(|error| format!("market data: the server sent {error}"))?
        {
            used += len;
            match (packet.kind, self.position) {
                (kind::LOGIN_ACCEPTED, None) => {
                    let accepted =
                        LoginAccepted::decode(packet.payload).map_err(|error| error.to_string())?;
                    let place = market.place(first, &accepted)?;
                    let known = if self.before.session == place.session { self.before.number } else { 1 };
                    let right = match self.wanted.from {
                        0 => place.number >= known,
                        from if from <= known => place.number == from,
                        from => (known..=from).contains(&place.number),
                    };
                    if self.wanted.wrong || !right || place > market.end() {
                        return Err(format!(
                            "{:?} was answered with {place:?}; {:?} were sent before",
                            self.wanted, self.before
                        ));
                    }
                    self.position = Some(place);
                }
                (kind::LOGIN_REJECTED, None) => {
                    let reason = LoginRejected::decode(packet.payload).map_err(|error| error.to_string())?;
                    if !self.wanted.wrong {
                        return Err(format!("{:?} was refused: {reason}", self.wanted));
                    }
                }
                (kind::SERVER_HEARTBEAT | kind::END_OF_SESSION, Some(_)) => {}
                (kind::SEQUENCED, Some(place)) => {
                    let expected = market
                        .message(place)
                        .ok_or_else(|| format!("market data: {place:?} was sent before it was durable"))?;
                    if packet.payload != expected {
                        return Err(format!(
                            "market data: {place:?} is {}, but was to be {}",
                            packet.payload.escape_ascii(),
                            expected.escape_ascii()
                        ));
                    }
                    let next = Place { number: place.number + 1, ..place };
                    told.messages += 1;
                    told.again += u64::from(next <= *sent);
                    *sent = next.max(*sent);
                    self.position = Some(next);
                }
                (kind, position) => {
                    return Err(format!(
                        "market data: a packet of type {:?} at {position:?}",
                        char::from(kind)
                    ));
                }
            }
        }
        self.bytes.drain(..used);
        Ok(told)
    }
}
