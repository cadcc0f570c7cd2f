//! Somebody who takes snapshots of the books (GLIMPSE), breaks off in the middle now and then, and holds each against the
//! messages that it stands for: nothing is missing, nothing is too much, and nothing of it is not durable.

use super::market::Place;
use super::network::{LinkId, Taken};
use super::random::Random;
use super::subscriber::{PASSWORD, Surroundings, USERNAME};
use dojima::market::Books;
use dojima::wire::itch::{EndOfSnapshot, Message};
use dojima::wire::soup::{self, LoginAccepted, LoginRequest, kind};

const SECOND: u64 = 1_000_000_000;

pub struct Onlooker {
    random: Random,
    line: Option<Line>,
    /// The first message that is not in the last snapshot.
    next: Place,
}

/// A connection.
struct Line {
    link: LinkId,
    input: Vec<u8>,
    /// The session, once it is let in.
    session: Option<usize>,
    books: Books,
    opened: u64,
}

impl Onlooker {
    pub fn new(random: Random) -> Self {
        Self { random, line: None, next: Place { session: 0, number: 1 } }
    }

    /// The first message that is not in the last snapshot.
    pub fn next(&self) -> Place {
        self.next
    }

    /// The server has lost what it had said after that: a loss of power in `async` mode.
    pub fn forget_from(&mut self, end: Place) {
        self.next = self.next.min(end);
    }

    /// The server is gone.
    pub fn is_cut(&mut self) {
        self.line = None;
    }

    /// A turn.
    pub fn act(&mut self, around: &mut Surroundings<'_>) -> Result<(), String> {
        let Some(line) = &mut self.line else {
            self.come(around);
            return Ok(());
        };
        around.network.deliver(line.link, usize::MAX);
        if !around.settling && self.random.once_in(200) {
            match self.random.below(2) {
                0 => around.network.reset(line.link),
                _ => around.network.break_off(line.link),
            }
            around.coverage.snapshots_broken_off += 1;
            self.line = None;
            return Ok(());
        }
        let bytes_max = match self.random.below(4) {
            _ if around.settling => usize::MAX,
            0 => 1 + self.random.below(100) as usize,
            _ => usize::MAX,
        };
        let is_over = line.receive(bytes_max, &mut self.next, around)?;
        // One that is not answered for long comes again: its login may have been lost.
        if is_over || around.now - line.opened > 20 * SECOND {
            around.network.finish(line.link);
            around.network.deliver(line.link, usize::MAX);
            self.line = None;
        }
        Ok(())
    }

    fn come(&mut self, around: &mut Surroundings<'_>) {
        if !self.random.once_in(if around.settling { 6 } else { 60 }) {
            return;
        }
        let room = if around.settling { 1 << 16 } else { self.random.pick(&[60, 4096, 1 << 16]) };
        let Some(link) = around.network.connect(room) else { return };
        let request = LoginRequest {
            username: soup::username(USERNAME).expect("a name"),
            password: soup::password(PASSWORD).expect("a password"),
            session: None,
            sequence: self.random.below(3),
            heartbeat_timeout_ms: None,
        };
        let mut bytes = Vec::new();
        request.push(&mut bytes);
        around.network.send(link, &bytes);
        let (input, books) = (Vec::new(), Books::default());
        self.line = Some(Line { link, input, session: None, books, opened: around.now });
    }
}

impl Line {
    /// Takes what has come; whether it is over.
    fn receive(
        &mut self,
        bytes_max: usize,
        next: &mut Place,
        around: &mut Surroundings<'_>,
    ) -> Result<bool, String> {
        let taken = around.network.take(self.link, bytes_max, &mut self.input);
        let mut used = 0;
        while let Some((packet, len)) = soup::frame(&self.input[used..], usize::from(u16::MAX))
            .map_err(|error| format!("a snapshot: the server sent {error}"))?
        {
            used += len;
            match (packet.kind, self.session) {
                (kind::LOGIN_ACCEPTED, None) => {
                    let accepted =
                        LoginAccepted::decode(packet.payload).map_err(|error| error.to_string())?;
                    let place = around.market.place(around.session, &accepted)?;
                    if place.number != 1 {
                        return Err(format!("a snapshot begins with message {}", place.number));
                    }
                    self.session = Some(place.session);
                }
                (kind::SEQUENCED, Some(session)) if packet.payload.first() == Some(&EndOfSnapshot::KIND) => {
                    let end = EndOfSnapshot::decode(packet.payload).map_err(|error| error.to_string())?;
                    let place = Place { session, number: end.sequence };
                    self.check(place, around)?;
                    around.coverage.snapshots_taken += 1;
                    *next = place.max(*next);
                    return Ok(true);
                }
                (kind::SEQUENCED, Some(_)) => {
                    let message = Message::decode(packet.payload).map_err(|error| error.to_string())?;
                    self.books.apply(&message).map_err(|error| format!("a snapshot: {error}"))?;
                }
                (kind::LOGIN_REJECTED, None) => return Err("a snapshot was refused".to_owned()),
                (kind::END_OF_SESSION, _) => return Ok(true),
                (kind::SERVER_HEARTBEAT, _) => {}
                (kind, session) => {
                    return Err(format!(
                        "a snapshot: a packet of type {:?} at {session:?}",
                        char::from(kind)
                    ));
                }
            }
        }
        self.input.drain(..used);
        Ok(taken == Taken::Closed)
    }

    /// Holds the books against those of the messages up to this place.
    fn check(&self, end: Place, around: &Surroundings<'_>) -> Result<(), String> {
        let mut books = Books::default();
        for number in 1..end.number {
            let place = Place { number, ..end };
            let bytes = around.market.message(place);
            let bytes = bytes.ok_or_else(|| format!("a snapshot has {place:?}, which is not durable"))?;
            let message = Message::decode(bytes).map_err(|error| error.to_string())?;
            books.apply(&message).map_err(|error| format!("{place:?}: {error}"))?;
        }
        let of = |books: &Books| {
            let all =
                books.iter().map(|(locate, book)| (locate, book.symbol, book.state, book.depth(usize::MAX)));
            (books.orders(), all.collect::<Vec<_>>())
        };
        let (told, right) = (of(&self.books), of(&books));
        if told != right {
            return Err(format!("the snapshot before {end:?} is {told:?}, but was to be {right:?}"));
        }
        Ok(())
    }
}
