//! `dojima market`: the market in the terminal, from the feed of a running engine.

use super::print;
use crate::client::market::join;
use crate::client::session::Credentials;
use crate::config::Config;
use crate::domain::Symbol;
use crate::market::{Book, Books, Level};
use crate::wire::soup::{Password, Username};
use anyhow::{Context, bail};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Trades that are shown of one instrument.
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
    /// Its password; that of the environment variable DOJIMA_PASSWORD if left out
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,
    /// The engine's configuration, for its addresses and the decimals of prices; the built-in one if left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print it once and end
    #[arg(long)]
    once: bool,
    /// Seconds from one view to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
    every: f64,
}

/// Shows the market until it is interrupted, or once.
///
/// # Errors
/// When the engine cannot be reached, refuses the login, or ends the session.
pub fn run(args: MarketArgs) -> anyhow::Result<ExitCode> {
    let config = super::read_config(args.config.as_deref())?;
    let address = args.address.unwrap_or(config.market_data.listen);
    let glimpse = args.glimpse.unwrap_or(config.market_data.glimpse_listen);
    let password = args.password.clone().or_else(|| std::env::var("DOJIMA_PASSWORD").ok());
    let password = password.context("no password: give --password or set DOJIMA_PASSWORD")?;
    let who = Credentials {
        username: Username::new(&args.user).context("a user name has 1 to 6 letters and digits")?,
        password: Password::new(&password).context("a password has 1 to 10 letters and digits")?,
        heartbeat_timeout_ms: None,
    };
    let symbol =
        args.symbol.as_deref().map(|text| Symbol::new(text).context("a symbol has 1 to 8 characters"));
    let symbol = symbol.transpose()?;
    if !(0.01..=3_600.0).contains(&args.every) {
        bail!("--every must be from 0.01 to 3600 seconds");
    }
    let (mut books, mut session) = join(glimpse, address, &who)?;
    let mut out = print::stdout();
    loop {
        let view = view(&books, symbol, args.levels, &config)?;
        if !args.once && out.is_terminal() {
            // Home, and clear what is below.
            write!(out, "\x1b[H\x1b[J")?;
        }
        writeln!(out, "{} message {}", session.id(), session.next_sequence() - 1)?;
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

/// The decimals of an instrument's price units, as the configuration has them.
fn decimals(config: &Config, symbol: Symbol) -> u8 {
    let found = config.instruments.iter().find(|instrument| Symbol::new(&instrument.symbol) == Some(symbol));
    found.map_or(0, |instrument| instrument.price_decimals)
}

fn price(units: u32, decimals: u8) -> String {
    rust_decimal::Decimal::new(i64::from(units), u32::from(decimals)).to_string()
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

fn table(header: &[&str]) -> Table {
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

fn view(books: &Books, symbol: Option<Symbol>, levels: usize, config: &Config) -> anyhow::Result<String> {
    let Some(symbol) = symbol else { return Ok(overview(books, config)) };
    let (_, book) = books.find(symbol).with_context(|| format!("there is no instrument {symbol}"))?;
    let decimals = decimals(config, symbol);
    let depth = book.depth(levels);
    let mut text = format!("{symbol} {}, {} lots traded\n", state(book), book.volume);
    let mut all = table(&["", "bid lots", "bid", "ask", "ask lots"]);
    for at in 0..depth.bids.len().max(depth.asks.len()) {
        let side = |level: Option<&Level>| {
            level.map_or_else(Default::default, |level| {
                (level.shares.to_string(), price(level.price, decimals))
            })
        };
        let ((bid_lots, bid), (ask_lots, ask)) = (side(depth.bids.get(at)), side(depth.asks.get(at)));
        all.add_row(vec![(at + 1).to_string(), bid_lots, bid, ask, ask_lots]);
    }
    text.push_str(&all.to_string());
    if let Some(now) = book.indicative {
        let at = if now.near_price == 0 { "nothing".to_owned() } else { price(now.near_price, decimals) };
        text.push_str(&format!(
            "\nthe auction would give {at}, {} lots, {} left over",
            now.paired, now.imbalance
        ));
    }
    let mut prints = table(&["trades", "price", "lots"]);
    for print in book.prints().take(PRINTS) {
        let seconds = print.at_ns / 1_000_000_000;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let milli = print.at_ns / 1_000_000 % 1_000;
        prints.add_row(vec![
            format!(
                "{hour:02}:{minute:02}:{second:02}.{milli:03}{}",
                if print.cross { " auction" } else { "" }
            ),
            price(print.price, decimals),
            print.shares.to_string(),
        ]);
    }
    text.push_str(&format!("\n\n{prints}"));
    Ok(text)
}

fn overview(books: &Books, config: &Config) -> String {
    let mut all = table(&["instrument", "state", "bid lots", "bid", "ask", "ask lots", "last", "volume"]);
    for (_, book) in books.iter() {
        let decimals = decimals(config, book.symbol);
        let (bid, ask) = book.top();
        let lots = |level: Option<Level>| level.map_or_else(String::new, |level| level.shares.to_string());
        let at = |level: Option<Level>| level.map_or_else(String::new, |level| price(level.price, decimals));
        let last = book.prints().next().map_or_else(String::new, |print| price(print.price, decimals));
        let volume = book.volume.to_string();
        all.add_row(vec![
            book.symbol.text(),
            state(book).to_owned(),
            lots(bid),
            at(bid),
            at(ask),
            lots(ask),
            last,
            volume,
        ]);
    }
    all.to_string()
}
