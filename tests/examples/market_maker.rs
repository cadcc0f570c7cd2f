//! A market maker: a bid and an offer around a price, both moved after every trade.
//!
//! `cargo run --example market_maker -- ADDRESS USER PASSWORD SYMBOL PRICE_UNITS`
//!
//! It quotes post-only, holds the dead-man's switch, so that its quotes do not outlive it, and goes on after a lost connection
//! where it was.

use dojima::client::{Client, ClientError, ClientEvent, Credentials, NewOrder, Start};
use dojima::domain::{Side, Symbol, UserRef};
use dojima::wire::soup;
use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// All orders are cancelled when the market maker has been silent for this long.
const SWITCH_MS: u32 = 5_000;

/// How often it says that it is there.
const HOLD: Duration = Duration::from_secs(1);

/// What it quotes. Prices are price units, quantities lots.
#[derive(Clone, Copy, Debug)]
pub struct Quotes {
    /// What it trades.
    pub symbol: Symbol,
    /// The middle between bid and offer.
    pub middle: u64,
    /// How far each is from it, and how far both move after a trade.
    pub half_spread: u64,
    /// How much each offers to trade.
    pub lots: u64,
}

/// A quote that is in the book, or on its way there.
#[derive(Clone, Copy, Debug)]
struct Quote {
    number: UserRef,
    side: Side,
    open: u64,
}

/// A market maker that is connected.
pub struct MarketMaker {
    client: Client,
    quotes: Quotes,
    live: Vec<Quote>,
    held: Instant,
}

impl MarketMaker {
    /// Takes everything out of the book that an earlier run may have left there, and quotes.
    pub fn begin(mut client: Client, quotes: Quotes) -> Result<Self, ClientError> {
        client.cancel_all(Some(quotes.symbol), None)?;
        client.cancel_all_after(SWITCH_MS)?;
        let mut maker = Self { client, quotes, live: Vec::new(), held: Instant::now() };
        maker.quote()?;
        Ok(maker)
    }

    fn quote(&mut self) -> Result<(), ClientError> {
        let Quotes { symbol, middle, half_spread, lots } = self.quotes;
        let bid = NewOrder::buy(symbol, lots).limit(middle - half_spread).post_only();
        let offer = NewOrder::sell(symbol, lots).limit(middle + half_spread).post_only();
        for order in [bid, offer] {
            let number = self.client.enter(&order)?;
            self.live.push(Quote { number, side: order.side, open: lots });
        }
        Ok(())
    }

    /// Takes what has come, for at most so long. How many trades there were.
    pub fn turn(&mut self, timeout: Duration) -> Result<usize, ClientError> {
        if self.held.elapsed() >= HOLD {
            self.client.cancel_all_after(SWITCH_MS)?;
            self.held = Instant::now();
        }
        let mut trades = 0;
        let mut patience = timeout;
        while let Some(message) = self.client.next_event(patience)? {
            patience = Duration::ZERO;
            match message.event {
                ClientEvent::Executed { user_ref, quantity, price, .. } => {
                    trades += 1;
                    println!("#{user_ref}: {quantity} lots at {price}");
                    self.traded(user_ref, quantity.0)?;
                }
                ClientEvent::Rejected { user_ref, reason, .. } => {
                    println!("#{user_ref} refused: {}", reason.explain());
                    self.live.retain(|quote| quote.number != user_ref);
                }
                ClientEvent::Canceled { user_ref, .. } => self.live.retain(|quote| quote.number != user_ref),
                _ => {}
            }
        }
        Ok(trades)
    }

    /// A quote that is taken whole moves the middle: up if it was the offer.
    fn traded(&mut self, number: UserRef, lots: u64) -> Result<(), ClientError> {
        let Some(quote) = self.live.iter_mut().find(|quote| quote.number == number) else { return Ok(()) };
        quote.open -= lots;
        if quote.open > 0 {
            return Ok(());
        }
        match quote.side {
            Side::Sell => self.quotes.middle += self.quotes.half_spread,
            Side::Buy => self.quotes.middle -= self.quotes.half_spread,
        }
        for other in self.live.drain(..).filter(|other| other.number != number) {
            self.client.cancel(other.number)?;
        }
        self.quote()
    }

    /// Goes on with another connection after this one was lost: nothing that happened meanwhile is missed.
    pub fn reconnect(
        &mut self,
        connect: impl Fn(Start) -> Result<Client, ClientError>,
    ) -> Result<(), ClientError> {
        self.client = connect(Start::At(self.client.bookmark()))?;
        Ok(())
    }

    /// Takes the quotes out of the book and leaves.
    pub fn end(mut self) -> Result<(), ClientError> {
        self.client.cancel_all(Some(self.quotes.symbol), None)?;
        while let Some(message) = self.client.next_event(HOLD)? {
            if let ClientEvent::MassCanceled { .. } = message.event {
                break;
            }
        }
        self.client.log_out();
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, password, symbol, middle] = &arguments[..] else {
        return Err("ADDRESS USER PASSWORD SYMBOL PRICE_UNITS".into());
    };
    let address: SocketAddr = address.parse()?;
    let who = Credentials {
        username: soup::username(user).ok_or("a user has 1 to 6 letters and digits")?,
        password: soup::password(password).ok_or("a password has 1 to 10 letters and digits")?,
        heartbeat_timeout_ms: Some(SWITCH_MS),
    };
    let symbol = Symbol::new(&symbol.to_ascii_uppercase()).ok_or("a symbol has 1 to 8 characters")?;
    let quotes = Quotes { symbol, middle: middle.parse()?, half_spread: 100, lots: 1_000 };
    let mut maker = MarketMaker::begin(Client::connect(address, &who, Start::Now)?, quotes)?;
    loop {
        match maker.turn(HOLD) {
            Ok(_) => {}
            Err(error) if error.is_disconnect() => {
                println!("{error}; connecting again");
                std::thread::sleep(HOLD);
                // Left to the next turn if it does not succeed.
                let _ = maker.reconnect(|start| Client::connect(address, &who, start));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
