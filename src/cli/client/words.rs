//! Parses the user's input lines.

use crate::client::Setting;
use crate::domain::{
    Effect, Instructions, MarginMode, PostOnly, ShardId, Side, Symbol, TriggerKind, UserRef, Visibility,
};
use rust_decimal::Decimal;

/// The text of `help`.
pub const HELP: &str = "\
buy|sell QUANTITY SYMBOL [at PRICE] [options]    without a price: market order
    ioc              what does not trade at once is cancelled
    fok              all of it at once, or nothing
    until HH:MM:SS   it ends at this time today (UTC)
    post | slide     it only rests: else refused, or its price is moved
    hidden           nobody sees it
    show QUANTITY    an iceberg that shows so much at a time
    min QUANTITY     at least so much at once, or nothing
    stop PRICE       it waits until the market trades at this price or beyond
    profit PRICE     the same, on the other side of the market
    trail DISTANCE   a stop that follows the market at this distance
    reduce           it may only make the position smaller
    link N           one cancels the other: this order and open order N
replace N QUANTITY at PRICE      another total and price, last in the queue
reduce N QUANTITY                a lower total, the place in the queue is kept
cancel N [to QUANTITY]           order N, whole or down to a total
cancel all [SYMBOL] [buy|sell]   all orders of the account
orders | fills                   what there is
balances                         what the account has
positions                        its positions in contracts, at the marks
next                             the next number that the exchange takes
transfer AMOUNT ASSET from SHARD to SHARD as REFERENCE
                                 shards by number; references rise
margin-mode SYMBOL cross|isolated
                                 whose money stands behind positions in it
leverage SYMBOL TIMES            of the account in this contract
margin AMOUNT ASSET to|from SYMBOL
                                 between the wallet and an isolated position
index SYMBOL PRICE               a price of an index, of logins with the role
                                 index
hold MILLISECONDS                cancel everything unless this is said again
                                 in time; 0 ends it
disable | enable                 whether this login may enter orders
connect                          connect at once when the connection is lost
help | quit";

/// The time in force of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stands {
    /// Until the end of the day; without an end of the day, until it is cancelled.
    #[default]
    Day,
    /// The part that does not trade at once is cancelled.
    Immediate,
    /// It trades completely at once, or is cancelled.
    AllOrNothing,
    /// Until this many seconds after midnight UTC.
    Until(u32),
}

/// A new order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Buy or sell.
    pub side: Side,
    /// Quantity of the base asset.
    pub quantity: Decimal,
    /// The instrument.
    pub symbol: Symbol,
    /// The limit price; `None`: a market order.
    pub price: Option<Decimal>,
    /// The time in force.
    pub stands: Stands,
    /// Options without a number.
    pub asks: Instructions,
    /// Displayed quantity of an iceberg.
    pub show: Option<Decimal>,
    /// Minimum quantity that must trade at once.
    pub min: Option<Decimal>,
    /// The trigger and its price or distance.
    pub trigger: Option<(TriggerKind, Decimal)>,
    /// The open order that is cancelled when this one trades, and vice versa.
    pub link: Option<UserRef>,
}

/// The request of an input line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A new order.
    Enter(Order),
    /// Changes total quantity and price of an order.
    Replace {
        /// The order's number.
        order: UserRef,
        /// The new total, in the base asset.
        quantity: Decimal,
        /// The new limit price.
        price: Decimal,
    },
    /// Reduces the total of an order.
    Reduce {
        /// The order's number.
        order: UserRef,
        /// The new total, in the base asset.
        quantity: Decimal,
    },
    /// Cancels an order.
    Cancel {
        /// The order's number.
        order: UserRef,
        /// The total that remains; `None`: the whole order is cancelled.
        to: Option<Decimal>,
    },
    /// Cancels all orders, or those of one symbol or side.
    CancelAll {
        /// Only orders of this instrument.
        symbol: Option<Symbol>,
        /// Only orders of this side.
        side: Option<Side>,
    },
    /// A table of the orders.
    Orders,
    /// A table of the trades.
    Fills,
    /// Moves money to the wallet in another shard.
    Transfer {
        /// In whole units of the asset.
        amount: Decimal,
        /// The asset's code.
        code: String,
        /// The shard whose wallet pays.
        from: ShardId,
        /// The shard whose wallet receives.
        to: ShardId,
        /// The number of the transfer.
        reference: u64,
    },
    /// Sets margin mode or leverage in a contract.
    Set {
        /// The contract.
        symbol: Symbol,
        /// What is set.
        setting: Setting,
    },
    /// Moves money between the wallet and an isolated position.
    Margin {
        /// In whole units of the asset; below 0: to the wallet.
        amount: Decimal,
        /// The code of the asset that the contract is settled in.
        code: String,
        /// The contract.
        symbol: Symbol,
    },
    /// Sends a price of an index.
    Index {
        /// The index.
        symbol: Symbol,
        /// Its price now.
        price: Decimal,
    },
    /// The account's balance of every asset.
    Balances,
    /// A table of the account's positions.
    Positions,
    /// The next order number.
    Next,
    /// Sets the dead-man's switch, ms.
    Hold(u32),
    /// Turns order entry of the login on or off.
    OrderEntry(bool),
    /// Connects, if there is no connection.
    Connect,
    /// Shows the help.
    Help,
    /// Quits.
    Quit,
    /// An empty line.
    Blank,
}

/// The line is not a valid request; the text says what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotUnderstood(String);

type Read<T> = Result<T, NotUnderstood>;

fn wrong<T>(text: String) -> Read<T> {
    Err(NotUnderstood(text))
}

struct Words<'a>(std::iter::Peekable<std::str::SplitWhitespace<'a>>);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<String> {
        self.0.next().map(str::to_ascii_lowercase)
    }

    fn need(&mut self, what: &str) -> Read<&'a str> {
        self.0.next().map_or_else(|| wrong(format!("{what} is missing; `help` shows how it is said")), Ok)
    }

    fn number(&mut self, what: &str) -> Read<Decimal> {
        let text = self.need(what)?;
        let number = Decimal::from_str_exact(text).ok().filter(|number| number.is_sign_positive());
        number.map_or_else(|| wrong(format!("{what} is not a number: {text}")), Ok)
    }

    fn order(&mut self) -> Read<UserRef> {
        let text = self.need("the order's number")?;
        let number = text.trim_start_matches('#').parse().ok().filter(|number| *number > 0);
        number.map_or_else(|| wrong(format!("not an order's number: {text}")), |number| Ok(UserRef(number)))
    }

    fn symbol(&mut self) -> Read<Symbol> {
        let text = self.need("the symbol")?;
        symbol(text).map_or_else(|| wrong(format!("not a symbol: {text}")), Ok)
    }

    fn end(&mut self, line: Line) -> Read<Line> {
        self.0.next().map_or(Ok(line), |more| {
            wrong(format!("what does {more:?} mean here? `help` shows what can be said"))
        })
    }

    /// Skips the next word if it is `word`.
    fn skip(&mut self, word: &str) -> bool {
        self.0.next_if(|next| next.eq_ignore_ascii_case(word)).is_some()
    }
}

fn symbol(text: &str) -> Option<Symbol> {
    Symbol::new(&text.to_ascii_uppercase())
}

/// Parses a line.
///
/// # Errors
/// [`NotUnderstood`] for a line that is not a valid request.
pub fn read(line: &str) -> Read<Line> {
    let mut words = Words(line.split_whitespace().peekable());
    let Some(first) = words.next() else { return Ok(Line::Blank) };
    let line = match first.as_str() {
        "buy" | "b" => return enter(Side::Buy, words),
        "sell" | "s" => return enter(Side::Sell, words),
        "replace" | "r" => {
            let (order, quantity) = (words.order()?, words.number("the new total")?);
            if !words.skip("at") {
                words.skip("@");
            }
            Line::Replace { order, quantity, price: words.number("the new price")? }
        }
        "reduce" => Line::Reduce { order: words.order()?, quantity: words.number("the new total")? },
        "cancel" | "c" if words.skip("all") => return cancel_all(words),
        "cancel" | "c" => {
            let order = words.order()?;
            let to = words.skip("to").then(|| words.number("the new total")).transpose()?;
            Line::Cancel { order, to }
        }
        "orders" | "o" => Line::Orders,
        "fills" | "f" => Line::Fills,
        "transfer" => transfer(&mut words)?,
        "margin-mode" => {
            let (symbol, word) = (words.symbol()?, words.need("the mode")?);
            let mode = MarginMode::from_word(word);
            let Some(mode) = mode else { return wrong(format!("neither cross nor isolated: {word}")) };
            Line::Set { symbol, setting: Setting::MarginMode(mode) }
        }
        "leverage" => {
            let (symbol, text) = (words.symbol()?, words.need("the leverage")?);
            match text.parse() {
                Ok(leverage) => Line::Set { symbol, setting: Setting::Leverage(leverage) },
                Err(_) => return wrong(format!("the leverage is not a number from 1 to 125: {text}")),
            }
        }
        "margin" => margin(&mut words)?,
        "index" => Line::Index { symbol: words.symbol()?, price: words.number("the price")? },
        "balances" => Line::Balances,
        "positions" | "p" => Line::Positions,
        "next" => Line::Next,
        "hold" => {
            let text = words.need("the time in milliseconds")?;
            match text.parse() {
                Ok(ms) => Line::Hold(ms),
                Err(_) => return wrong(format!("not a number of milliseconds: {text}")),
            }
        }
        "disable" => Line::OrderEntry(false),
        "enable" => Line::OrderEntry(true),
        "connect" => Line::Connect,
        "help" | "h" | "?" => Line::Help,
        "quit" | "q" | "exit" => Line::Quit,
        other => return wrong(format!("unknown command {other:?}; type help")),
    };
    words.end(line)
}

fn margin(words: &mut Words<'_>) -> Read<Line> {
    let (amount, code) = (words.number("the amount")?, words.need("the asset")?.to_ascii_uppercase());
    let is_out = words.skip("from");
    if !is_out {
        words.skip("to");
    }
    let symbol = words.symbol()?;
    Ok(Line::Margin { amount: if is_out { -amount } else { amount }, code, symbol })
}

fn transfer(words: &mut Words<'_>) -> Read<Line> {
    let (amount, code) = (words.number("the amount")?, words.need("the asset")?.to_ascii_uppercase());
    let mut number = |word: &str, what: &str| {
        words.skip(word);
        let text = words.need(what)?;
        text.parse::<u64>().or_else(|_| wrong(format!("{what} is not a whole number: {text}")))
    };
    let (from, to) = (number("from", "the shard that pays")?, number("to", "the shard that receives")?);
    let reference = number("as", "the reference")?;
    let [Ok(from), Ok(to)] = [from, to].map(u8::try_from) else {
        return wrong("a shard is a number from 0 to 7".to_owned());
    };
    Ok(Line::Transfer { amount, code, from: ShardId(from), to: ShardId(to), reference })
}

fn cancel_all(mut words: Words<'_>) -> Read<Line> {
    let (mut of, mut side) = (None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "buy" | "sell" if side.is_none() => {
                side = Some(if word == "buy" { Side::Buy } else { Side::Sell });
            }
            text if of.is_none() => match symbol(text) {
                Some(symbol) => of = Some(symbol),
                None => return wrong(format!("not a symbol: {text}")),
            },
            text => return wrong(format!("what does {text:?} mean here? cancel all [SYMBOL] [buy|sell]")),
        }
    }
    Ok(Line::CancelAll { symbol: of, side })
}

fn enter(side: Side, mut words: Words<'_>) -> Read<Line> {
    let (quantity, symbol) = (words.number("the quantity")?, words.symbol()?);
    let mut order = Order {
        side,
        quantity,
        symbol,
        price: None,
        stands: Stands::Day,
        asks: Instructions::NOTHING,
        show: None,
        min: None,
        trigger: None,
        link: None,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "at" | "@" => order.price = Some(words.number("the price")?),
            "market" => order.price = None,
            "ioc" => order.stands = Stands::Immediate,
            "fok" => order.stands = Stands::AllOrNothing,
            "until" => order.stands = Stands::Until(time_of_day(words.need("the time")?)?),
            "post" => order.asks.post_only = PostOnly::Reject,
            "slide" => order.asks.post_only = PostOnly::Slide,
            "hidden" => order.asks.visibility = Visibility::Hidden,
            "show" => order.show = Some(words.number("the quantity shown")?),
            "min" => order.min = Some(words.number("the least quantity")?),
            "stop" => order.trigger = Some((TriggerKind::Stop, words.number("the stop price")?)),
            "profit" => order.trigger = Some((TriggerKind::TakeProfit, words.number("the trigger price")?)),
            "trail" => order.trigger = Some((TriggerKind::TrailingStop, words.number("the distance")?)),
            "reduce" => order.asks.effect = Effect::ReduceOnly,
            "link" => order.link = Some(words.order()?),
            other => {
                return wrong(format!(
                    "an order has nothing called {other:?}; `help` shows what it can have"
                ));
            }
        }
    }
    Ok(Line::Enter(order))
}

fn time_of_day(text: &str) -> Read<u32> {
    let parts: Option<Vec<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some(&[h @ 0..24, m @ 0..60]) => Ok((h * 60 + m) * 60),
        Some(&[h @ 0..24, m @ 0..60, s @ 0..60]) => Ok((h * 60 + m) * 60 + s),
        _ => wrong(format!("not a time of day such as 17:30:00: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::from_str_exact(text).expect("a number")
    }

    fn order(line: &str) -> Order {
        match read(line) {
            Ok(Line::Enter(order)) => order,
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn orders_are_read_with_all_that_they_can_have() {
        let plain = order("buy 0.5 btc-usdt at 65000.01");
        assert_eq!(
            (plain.side, plain.quantity, plain.price),
            (Side::Buy, number("0.5"), Some(number("65000.01")))
        );
        assert_eq!(plain.symbol, Symbol::new("BTC-USDT").expect("a symbol"));
        assert_eq!(order("SELL 1 ETH-USDT").price, None, "a market order");
        let much = order("sell 3 X @ 10 until 17:30 post hidden show 1 min 2 stop 9.5 reduce");
        assert_eq!(much.stands, Stands::Until(63_000));
        let asks = Instructions {
            post_only: PostOnly::Reject,
            visibility: Visibility::Hidden,
            effect: Effect::ReduceOnly,
            ..Instructions::NOTHING
        };
        assert_eq!(much.asks, asks);
        assert_eq!((much.show, much.min), (Some(number("1")), Some(number("2"))));
        assert_eq!(much.trigger, Some((TriggerKind::Stop, number("9.5"))));
        assert_eq!(order("b 1 X @ 1 link #7").link, Some(UserRef(7)));
        assert_eq!(order("b 1 X @ 1 fok").stands, Stands::AllOrNothing);
        assert_eq!(
            order("b 1 X @ 1 ioc slide trail 5").trigger,
            Some((TriggerKind::TrailingStop, number("5")))
        );
    }

    #[test]
    fn the_help_fits_a_terminal_of_80_columns() {
        for line in HELP.lines() {
            assert!(line.chars().count() <= 78, "{line}");
        }
    }

    #[test]
    fn everything_else_is_read() {
        let (one, two, x) = (UserRef(1), number("2"), Symbol::new("X").expect("a symbol"));
        let expected = [
            ("", Line::Blank),
            ("replace 1 2 at 3.5", Line::Replace { order: one, quantity: two, price: number("3.5") }),
            ("r #1 2 3.5", Line::Replace { order: one, quantity: two, price: number("3.5") }),
            ("reduce 1 2", Line::Reduce { order: one, quantity: two }),
            ("cancel 1", Line::Cancel { order: one, to: None }),
            ("cancel 1 to 2", Line::Cancel { order: one, to: Some(two) }),
            ("cancel all", Line::CancelAll { symbol: None, side: None }),
            ("cancel all x buy", Line::CancelAll { symbol: Some(x), side: Some(Side::Buy) }),
            (
                "leverage btc-perp 30",
                Line::Set {
                    symbol: Symbol::new("BTC-PERP").expect("a symbol"),
                    setting: Setting::Leverage(30),
                },
            ),
            (
                "margin-mode x isolated",
                Line::Set { symbol: x, setting: Setting::MarginMode(MarginMode::Isolated) },
            ),
            ("margin 2 usdt from x", Line::Margin { amount: -two, code: "USDT".to_owned(), symbol: x }),
            ("margin 2 USDT to X", Line::Margin { amount: two, code: "USDT".to_owned(), symbol: x }),
            ("orders", Line::Orders),
            ("fills", Line::Fills),
            (
                "transfer 2 usdt from 0 to 1 as 7",
                Line::Transfer {
                    amount: two,
                    code: "USDT".to_owned(),
                    from: ShardId(0),
                    to: ShardId(1),
                    reference: 7,
                },
            ),
            (
                "index btc 50000.5",
                Line::Index { symbol: Symbol::new("BTC").expect("a symbol"), price: number("50000.5") },
            ),
            ("balances", Line::Balances),
            ("positions", Line::Positions),
            ("next", Line::Next),
            ("hold 5000", Line::Hold(5000)),
            ("disable", Line::OrderEntry(false)),
            ("enable", Line::OrderEntry(true)),
            ("connect", Line::Connect),
            ("?", Line::Help),
            ("QUIT", Line::Quit),
        ];
        for (line, meaning) in expected {
            assert_eq!(read(line), Ok(meaning), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, part) in [
            ("buy", "the quantity is missing"),
            ("buy x BTC-USDT", "not a number: x"),
            ("buy -1 BTC-USDT", "not a number: -1"),
            ("buy 1 BTC/USDT-LONG", "not a symbol"),
            ("buy 1 X at", "the price is missing"),
            ("buy 1 X until 25:00", "not a time of day"),
            ("buy 1 X soon", "nothing called \"soon\""),
            ("cancel", "number is missing"),
            ("cancel 0", "not an order's number"),
            ("cancel 1 now", "what does \"now\" mean"),
            ("hold on", "milliseconds"),
            ("transfer 1 USDT 0 x 1", "not a whole number: x"),
            ("leverage X much", "not a number from 1 to 125: much"),
            ("margin-mode X apart", "neither cross nor isolated: apart"),
            ("transfer 1 USDT 0 300 1", "from 0 to 7"),
            ("index BTC", "the price is missing"),
            ("foo", "unknown command \"foo\"; type help"),
        ] {
            let error = read(line).expect_err(line).to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
