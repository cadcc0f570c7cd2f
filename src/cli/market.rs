//! `dojima market`: shows the market in the terminal, from the feed of a running engine.

use super::args::read_config;
use super::password::PasswordArgs;
use super::print;
use crate::client::market::{MarketError, join};
use crate::client::session::Credentials;
use crate::client::units::{Units, UnitsTable};
use crate::domain::Symbol;
use crate::market::{Book, Books, Level};
use crate::wire::soup;
use anyhow::{Context, bail};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use rust_decimal::Decimal;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Number of trades shown per instrument.
const PRINTS: usize = 10;

/// Arguments of `dojima market`.
#[derive(Debug, Args)]
pub struct MarketArgs {
    /// Where the engine serves market data; market_data.listen of the configuration if left out
    #[arg(long, value_name = "ADDRESS")]
    address: Option<SocketAddr>,
    /// Where it serves snapshots; market_data.glimpse_listen of the configuration if left out
    #[arg(long, value_name = "ADDRESS")]
    glimpse: Option<SocketAddr>,
    /// Depth and trades of one instrument, such as BTC-USDT; without it, all instruments
    #[arg(long, value_name = "SYMBOL")]
    symbol: Option<String>,
    /// Price levels of each side
    #[arg(long, value_name = "N", default_value_t = 10)]
    levels: usize,
    /// The user that logs in
    #[arg(long, value_name = "NAME", default_value = "ALICE")]
    user: String,
    #[command(flatten)]
    password: PasswordArgs,
    /// The engine's configuration, for its addresses, and decimals and lots of instruments; the built-in one if left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print it once and end
    #[arg(long)]
    once: bool,
    /// Seconds from one view to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
    every: f64,
}

/// Shows the market until the user interrupts it, or once.
///
/// # Errors
/// When the engine cannot be reached, refuses the login, or ends the session.
pub fn run(args: MarketArgs) -> anyhow::Result<ExitCode> {
    let config = read_config(args.config.as_deref())?;
    let address = args.address.unwrap_or(config.market_data.listen);
    let glimpse = args.glimpse.unwrap_or(config.market_data.glimpse_listen);
    let who = Credentials {
        username: soup::username(&args.user).context("a user name has 1 to 6 letters and digits")?,
        password: args.password.of(&args.user)?,
        heartbeat_timeout_ms: None,
    };
    let symbol = args
        .symbol
        .as_deref()
        .map(|text| Symbol::new(&text.to_ascii_uppercase()).context("a symbol has 1 to 8 characters"));
    let symbol = symbol.transpose()?;
    let units = super::units::units_of(&config);
    if !(0.01..=3_600.0).contains(&args.every) {
        bail!("--every must be from 0.01 to 3600 seconds");
    }
    let (mut books, mut session) = join(glimpse, address, &who).map_err(|error| match error {
        MarketError::Client(error) => print::with_advice(error),
        error => error.into(),
    })?;
    // A snapshot has the books but not the earlier trades.
    let joined = session.next_sequence();
    let mut out = print::stdout();
    loop {
        let view = view(&books, symbol, args.levels, &units)?;
        if !args.once && out.is_screen() {
            // Move the cursor home and clear the screen below.
            write!(out, "\x1b[H\x1b[J")?;
        }
        let message = session.next_sequence() - 1;
        writeln!(out, "{} message {message}; trades are counted from message {joined} on", session.id())?;
        writeln!(out, "{view}")?;
        out.flush()?;
        if args.once || !out.is_read() {
            return Ok(ExitCode::SUCCESS);
        }
        let until = Instant::now() + Duration::from_secs_f64(args.every);
        while Instant::now() < until {
            let mut wrong = None;
            let more = session.receive(|_, message| wrong = wrong.or(books.apply(&message).err()))?;
            if let Some(error) = wrong {
                return Err(error.into());
            }
            if !more {
                session.wait(until.saturating_duration_since(Instant::now()))?;
            }
        }
    }
}

/// A price, with the price decimals of the instrument.
fn price(units: Option<&Units>, price: u32) -> String {
    match units {
        Some(units) => Decimal::new(i64::from(price), u32::from(units.price_decimals)).to_string(),
        None => format!("{price} price units"),
    }
}

/// A quantity, with the decimals of the instrument's lot.
fn quantity(units: Option<&Units>, lots: u64) -> String {
    match units {
        Some(units) => {
            let mut quantity = units.quantity(lots);
            quantity.rescale(units.quantity(1).scale());
            quantity.to_string()
        }
        None => format!("{lots} lots"),
    }
}

fn state(book: &Book) -> &'static str {
    match book.state {
        b'T' => "trading",
        b'P' => "paused",
        b'Q' => "quoting",
        b'H' => "halted",
        _ => "",
    }
}

fn table(header: &[String]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.to_vec());
    for column in 1..header.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn view(
    books: &Books,
    symbol: Option<Symbol>,
    levels: usize,
    table_of: &UnitsTable,
) -> anyhow::Result<String> {
    let Some(symbol) = symbol else { return Ok(overview(books, table_of)) };
    let (_, book) = books.find(symbol).with_context(|| format!("there is no instrument {symbol}"))?;
    let units = table_of.find(symbol);
    let (lots_of, quote) = units.map_or(("", ""), |units| (units.lots_of(), units.quote.as_str()));
    let depth = book.depth(levels);
    let mut text = format!("{symbol} {}, {} {lots_of} traded\n", state(book), quantity(units, book.volume));
    let header = [
        "".to_owned(),
        lots_of.to_owned(),
        format!("bid {quote}"),
        format!("ask {quote}"),
        lots_of.to_owned(),
    ];
    let mut all = table(&header);
    for at in 0..depth.bids.len().max(depth.asks.len()) {
        let side = |level: Option<&Level>| {
            level.map_or_else(Default::default, |level| {
                (quantity(units, level.shares), price(units, level.price))
            })
        };
        let ((bid_size, bid), (ask_size, ask)) = (side(depth.bids.get(at)), side(depth.asks.get(at)));
        all.add_row(vec![(at + 1).to_string(), bid_size, bid, ask, ask_size]);
    }
    text.push_str(&all.to_string());
    if let Some(now) = book.indicative {
        let (paired, left) = (quantity(units, now.paired), quantity(units, now.imbalance));
        text.push_str(&match now.near_price {
            0 => format!("\nthe auction would trade nothing; {left} {lots_of} left over"),
            at => {
                format!(
                    "\nthe auction would trade {paired} {lots_of} at {}; {left} left over",
                    price(units, at)
                )
            }
        });
    }
    let mut prints = table(&["trades".to_owned(), format!("price {quote}"), lots_of.to_owned()]);
    for print in book.prints().take(PRINTS) {
        let seconds = print.at_ns / 1_000_000_000;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let milli = print.at_ns / 1_000_000 % 1_000;
        prints.add_row(vec![
            format!(
                "{hour:02}:{minute:02}:{second:02}.{milli:03}{}",
                if print.cross { " auction" } else { "" }
            ),
            price(units, print.price),
            quantity(units, print.shares),
        ]);
    }
    text.push_str(&format!("\n\n{prints}"));
    Ok(text)
}

fn overview(books: &Books, table_of: &UnitsTable) -> String {
    let header = ["instrument", "state", "bid size", "bid", "ask", "ask size", "last", "volume"];
    let mut all = table(&header.map(str::to_owned));
    for (_, book) in books.iter() {
        let units = table_of.find(book.symbol);
        let (bid, ask) = book.top();
        let size =
            |level: Option<Level>| level.map_or_else(String::new, |level| quantity(units, level.shares));
        let at = |level: Option<Level>| level.map_or_else(String::new, |level| price(units, level.price));
        let last = book.prints().next().map_or_else(String::new, |print| price(units, print.price));
        all.add_row(vec![
            book.symbol.text(),
            state(book).to_owned(),
            size(bid),
            at(bid),
            at(ask),
            size(ask),
            last,
            quantity(units, book.volume),
        ]);
    }
    all.to_string()
}
