//! Plays a recorded flow, or a made-up day, into a real engine, and writes what an independent ITCH parser is to be held
//! against: the market data as a file, and the engine's books at several points.
//!
//! `cargo run --example itch_dump -- RECORDING|day OUT_DIR`
//!
//! At every point the engine is stopped in good order, its books are written down, and it is started again. `books.csv` has a
//! line per price level: how many messages there were by then, symbol, side, price in price units, lots, orders.

mod day;

use dojima::config::Config;
use dojima::domain::{Cancel, Command, Enter, LoginId, OrderCommand, Quantity, Replace, Side, UserRef};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::flow::{ActionKind, Flow, FlowAction};
use dojima::recovery::DataDir;
use std::error::Error;
use std::io::Write;
use std::path::Path;

const POINTS: usize = 5;

/// What the client knows of an order.
#[derive(Clone, Copy, Default)]
struct Known {
    user_ref: UserRef,
    total: u64,
}

/// Turns actions of a flow into commands.
struct Client {
    orders: Vec<Known>,
    next_ref: Vec<u32>,
}

impl Client {
    fn command(&mut self, action: &FlowAction) -> Command {
        let login = LoginId(u32::from(action.session.0));
        let next = &mut self.next_ref[login.0 as usize];
        let known = &mut self.orders[action.order.0 as usize];
        match action.kind {
            ActionKind::New { side, price, quantity, time_in_force } => {
                *next += 1;
                *known = Known { user_ref: UserRef(*next), total: u64::from(quantity) };
                let quantity = Quantity(known.total);
                let (instrument, user_ref) = (action.instrument, known.user_ref);
                Command::Order(OrderCommand::Enter(Enter {
                    login,
                    user_ref,
                    instrument,
                    side,
                    time_in_force,
                    price,
                    quantity,
                    ..Enter::default()
                }))
            }
            ActionKind::Reduce { by } => {
                known.total = known.total.saturating_sub(u64::from(by));
                Command::Order(OrderCommand::Cancel(Cancel {
                    login,
                    session: 0,
                    user_ref: known.user_ref,
                    quantity: Quantity(known.total),
                }))
            }
            ActionKind::Cancel => Command::Order(OrderCommand::Cancel(Cancel {
                login,
                session: 0,
                user_ref: known.user_ref,
                quantity: Quantity(0),
            })),
            ActionKind::Replace { price, total } => {
                *next += 1;
                let orig_user_ref = std::mem::replace(&mut known.user_ref, UserRef(*next));
                known.total = u64::from(total);
                let (user_ref, quantity) = (known.user_ref, Quantity(known.total));
                Command::Order(OrderCommand::Replace(Replace {
                    login,
                    orig_user_ref,
                    user_ref,
                    price,
                    quantity,
                    ..Replace::default()
                }))
            }
        }
    }
}

fn messages(data: &Path) -> Result<u64, Box<dyn Error>> {
    let mut last = 0;
    dojima::stages::feed::read_log(DataDir::new(data).market_data(), 1, &mut |number, _, _| {
        last = number;
        Ok(())
    })?;
    Ok(last)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(recording), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: itch_dump RECORDING|day OUT_DIR".into());
    };
    let (name, mut config, commands) = if recording == "day" {
        ("day".to_owned(), Config::spot(), day::commands())
    } else {
        let flow = Flow::load(Path::new(&recording), 1)?;
        let orders = vec![Known::default(); flow.order_names.len()];
        let mut client = Client { orders, next_ref: vec![0; 64] };
        let commands = flow.actions.iter().map(|action| client.command(action)).collect();
        (flow.name.clone(), flow.venue.config(), commands)
    };
    let out = Path::new(&out);
    let data = out.join("data");
    std::fs::create_dir_all(&data)?;
    config.snapshots.enabled = false;
    config.sql.enabled = false;
    config.timers.tick_interval_ms = 0;
    config.journal.durability = dojima::config::Durability::Async;
    let mut books = std::io::BufWriter::new(std::fs::File::create(out.join("books.csv"))?);
    writeln!(books, "messages,symbol,side,price,lots,orders")?;
    for part in commands.chunks(commands.len().div_ceil(POINTS)) {
        let on_progress = &mut |_| {};
        let launch = Launch {
            order_entry: OrderEntry::None,
            on_fatal: OnFatal::Stop,
            implausible_clock: ImplausibleClock::Refuse,
            on_progress,
        };
        let mut engine = Engine::start(&config, &data, launch)?;
        for command in part {
            while engine.local().commands.try_push(*command).is_err() {
                engine.local().doorbell.ring();
                std::thread::yield_now();
            }
        }
        engine.local().doorbell.ring();
        let exchange = engine.stop()?.shards.ok_or("the engine kept its exchange")?.first().clone();
        let messages = messages(&data)?;
        for listing in exchange.listings() {
            // A point with an empty book is one too.
            writeln!(books, "{messages},{},-,0,0,0", listing.symbol)?;
            for side in [Side::Buy, Side::Sell] {
                for level in exchange.levels(listing.instrument, side) {
                    let letter = if side == Side::Buy { 'B' } else { 'S' };
                    let (price, lots) = (listing.price_units(level.price), level.quantity.0);
                    let symbol = listing.symbol;
                    writeln!(books, "{messages},{symbol},{letter},{price},{lots},{}", level.orders)?;
                }
            }
        }
    }
    books.flush()?;
    let written = dojima::cli::itch::export(&DataDir::new(&data), &out.join("market.itch"), None)?;
    println!("{name}: {written} messages");
    Ok(())
}
