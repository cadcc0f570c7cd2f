//! A reader of market data: joins late by way of a snapshot, keeps the books, and shows the best prices when they change.
//!
//! `cargo run --example market_data -- STREAM_ADDRESS GLIMPSE_ADDRESS USER PASSWORD`

use dojima::client::market::{MarketError, MarketSession, join};
use dojima::client::{ClientError, Credentials, Resume};
use dojima::market::{Book, Books};
use dojima::wire::soup;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

/// The books, and the stream that they are kept from.
pub struct Reader {
    stream: SocketAddr,
    who: Credentials,
    session: MarketSession,
    books: Books,
}

impl Reader {
    /// Takes the books as they are, and the stream of all that follows.
    pub fn join(glimpse: SocketAddr, stream: SocketAddr, who: Credentials) -> Result<Self, MarketError> {
        let (books, session) = join(glimpse, stream, &who)?;
        Ok(Self { stream, who, session, books })
    }

    /// The books as they are now.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Takes what has come, waiting for it at most so long.
    pub fn turn(&mut self, timeout: Duration) -> Result<(), MarketError> {
        self.session.wait(timeout)?;
        let (books, mut wrong) = (&mut self.books, None);
        while self.session.receive(|_, message| wrong = wrong.or(books.apply(&message).err()))? {}
        wrong.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Goes on after a lost connection with the message after the last one that came; in a new session from the first.
    pub fn reconnect(&mut self, after: &MarketError) -> Result<(), MarketError> {
        let resume = match after {
            MarketError::Client(ClientError::SessionEnded) => Resume::START,
            _ => Resume { session: Some(self.session.id()), sequence: self.session.next_sequence() },
        };
        self.session = MarketSession::connect(self.stream, &self.who, resume)?;
        Ok(())
    }
}

/// The best prices and their lots, price units.
pub fn line(book: &Book) -> String {
    let (bid, ask) = book.top();
    let shown = |level: Option<dojima::market::Level>| {
        level.map_or_else(|| "-".to_owned(), |level| format!("{} × {}", level.price, level.shares))
    };
    format!("{}: {} / {}", book.symbol, shown(bid), shown(ask))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stream, glimpse, user, password] = &arguments[..] else {
        return Err("STREAM_ADDRESS GLIMPSE_ADDRESS USER PASSWORD".into());
    };
    let who = Credentials {
        username: soup::username(user).ok_or("a user has 1 to 6 letters and digits")?,
        password: soup::password(password).ok_or("a password has 1 to 10 letters and digits")?,
        heartbeat_timeout_ms: None,
    };
    let mut reader = Reader::join(glimpse.parse()?, stream.parse()?, who)?;
    let mut shown: Vec<String> = Vec::new();
    loop {
        if let Err(error) = reader.turn(Duration::from_secs(1)) {
            println!("{error}; connecting again");
            std::thread::sleep(Duration::from_secs(1));
            // Left to the next turn if it does not succeed.
            let _ = reader.reconnect(&error);
        }
        let lines: Vec<String> = reader.books().iter().map(|(_, book)| line(book)).collect();
        lines.iter().filter(|line| !shown.contains(line)).for_each(|line| println!("{line}"));
        shown = lines;
    }
}
