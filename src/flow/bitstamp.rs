//! Half an hour of Bitstamp BTC/USD, order by order: an opening snapshot, the events, and at the end the removal of all
//! orders.
//!
//! The recording shows the remaining volume of an order after each change. A change is either a trade, which the engine's
//! own matching makes by itself, or a request of the trader, which must be sent. The file of trades beside the recording
//! tells the two apart. Without this file, every loss of volume counts as a trade; for resting orders it mostly is one.

use super::actions::ActionKind;
use super::error::FlowError;
use super::recording::{Flow, Recorder};
use super::table::{self, Row, Source};
use super::venue::Venue;
use crate::config::{AssetConfig, InstrumentConfig};
use crate::domain::{Amount, OrderPrice, Quantity, Side, TimeInForce, decimal};
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::path::PathBuf;

pub(super) const HEADER: &str = "id,timestamp,exchange_timestamp,price,volume,action,direction";
const TRADES_HEADER: &str =
    "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side";

/// One lot is 10^-8 BTC.
const LOT: Amount = Amount(1);
const BASE_SCALE: u8 = 8;
const PRICE_DECIMALS: u8 = 2;

const TOO_LARGE: &str =
    "orders of more than 2^32 - 1 lots (42.9 BTC), which OUCH cannot carry, and their changes";
const UNKNOWN: &str = "changes of orders that the recording does not have";
const TRADED: &str = "losses of volume by trades, which the engine's own matching makes";

/// An order in the state that the recording shows.
struct Shown {
    price: OrderPrice,
    volume: Quantity,
    /// Its total volume less the trader's reductions, as in OUCH.
    total: u64,
    sendable: bool,
}

pub(super) fn load(source: &Source<'_>) -> Result<Flow, FlowError> {
    let mut recorder = Recorder::default();
    let mut shown: HashMap<u64, Shown> = HashMap::new();
    let mut traded = traded_lots(source)?;
    let mut around = Around::default();
    for row in source.rows::<7>() {
        let row = row?;
        recorder.rows += 1;
        around.note(&row);
        let name: u64 = row.number(0)?;
        let at_ns = row.number::<u64>(1)?.checked_mul(1_000_000);
        let at_ns = at_ns.ok_or_else(|| row.error("the timestamp is later than nanoseconds can count"))?;
        let (price, volume) = (price(&row, 3)?, lots(&row, 4)?);
        match row.cells[5] {
            "created" => enter(&mut recorder, &mut shown, &row, (at_ns, name, price, volume))?,
            "changed" => match shown.get_mut(&name) {
                None => recorder.leave_out(UNKNOWN),
                Some(order) => {
                    let pool = traded.as_mut().map(|traded| traded.entry(name).or_insert(0));
                    match change(order, price, volume, pool) {
                        Some(_) if !order.sendable => recorder.leave_out(TOO_LARGE),
                        Some(kind) => assert!(recorder.change(at_ns, name, kind), "it was entered"),
                        None => recorder.leave_out(TRADED),
                    }
                }
            },
            "deleted" => match shown.remove(&name) {
                None => recorder.leave_out(UNKNOWN),
                Some(order) if !order.sendable => recorder.leave_out(TOO_LARGE),
                Some(_) => assert!(recorder.change(at_ns, name, ActionKind::Cancel), "it was entered"),
            },
            other => {
                return Err(row.error(format!("the action {other:?} is none of created, changed, deleted")));
            }
        }
    }
    recorder.rows_around = around.opening + around.closing;
    Ok(recorder.flow("BTC/USD at Bitstamp, recorded order by order", venue()))
}

/// Counts the rows that are not events: the opening snapshot, whose rows have one exchange time, and the removal of the
/// remaining orders at the end, whose rows have the time at which the recording stopped.
#[derive(Default)]
struct Around<'a> {
    opening: u64,
    opening_time: Option<&'a str>,
    closing: u64,
    closing_time: &'a str,
}

impl<'a> Around<'a> {
    fn note(&mut self, row: &Row<'a, 7>) {
        let [_, received, at, _, _, action, _] = row.cells;
        if self.closing == 0 && *self.opening_time.get_or_insert(at) == at {
            self.opening += 1;
        }
        let stopped = action == "deleted" && received == at;
        if !stopped || self.closing_time != at {
            (self.closing, self.closing_time) = (0, at);
        }
        self.closing += u64::from(stopped);
    }
}

fn enter(
    recorder: &mut Recorder,
    shown: &mut HashMap<u64, Shown>,
    row: &Row<'_, 7>,
    (at_ns, name, price, volume): (u64, u64, OrderPrice, Quantity),
) -> Result<(), FlowError> {
    let side = match row.cells[6] {
        "bid" => Side::Buy,
        "ask" => Side::Sell,
        other => return Err(row.error(format!("the direction {other:?} is neither bid nor ask"))),
    };
    let quantity = u32::try_from(volume.0);
    match quantity {
        Ok(quantity) => {
            let time_in_force = TimeInForce::GoodTillCancel;
            recorder.enter(at_ns, name, ActionKind::New { side, price, quantity, time_in_force });
        }
        Err(_) => recorder.leave_out(TOO_LARGE),
    }
    shown.insert(name, Shown { price, volume, total: volume.0, sendable: quantity.is_ok() });
    Ok(())
}

/// The request that the trader must have sent for this change; `None` if trades explain it. `traded` is the traded volume
/// of the order, according to the trades file, that no change has shown yet.
fn change(
    order: &mut Shown,
    price: OrderPrice,
    volume: Quantity,
    traded: Option<&mut u64>,
) -> Option<ActionKind> {
    let lost = order.volume.0.saturating_sub(volume.0);
    let gained = volume.0.saturating_sub(order.volume.0);
    let repriced = order.price != price && lost == 0;
    (order.volume, order.price) = (volume, price);
    if gained > 0 || repriced {
        // A total too large for OUCH's field is found by the conversion.
        order.total = order.total.saturating_add(gained);
        return Some(ActionKind::Replace { price, total: u32::try_from(order.total).ok()? });
    }
    let by_trades = traded.map_or(lost, |pool| {
        let part = lost.min(*pool);
        *pool -= part;
        part
    });
    let taken_back = u32::try_from(lost - by_trades).ok().filter(|lots| *lots > 0)?;
    order.total -= u64::from(taken_back);
    Some(ActionKind::Reduce { by: taken_back })
}

/// The traded lots of each order, from `…_trades.csv` beside `…_orders.csv`; `None` if that file does not exist.
fn traded_lots(source: &Source<'_>) -> Result<Option<HashMap<u64, u64>>, FlowError> {
    let beside = source.path.file_name().and_then(|name| name.to_str());
    let Some(path) = beside
        .filter(|name| name.contains("_orders"))
        .map(|name| source.path.with_file_name(name.replace("_orders", "_trades")))
        .filter(|path| path.exists())
    else {
        return Ok(None);
    };
    read_trades(path).map(Some)
}

fn read_trades(path: PathBuf) -> Result<HashMap<u64, u64>, FlowError> {
    let text = table::read_text(&path)?;
    let header = text.lines().next().unwrap_or_default();
    if header != TRADES_HEADER {
        return Err(FlowError::UnknownHeader { header: header.to_owned(), path });
    }
    let mut traded = HashMap::new();
    for row in (Source { path: &path, text: &text }).rows::<8>() {
        let row = row?;
        let amount = lots(&row, 4)?;
        for column in [5, 6] {
            let lots: &mut u64 = traded.entry(row.number(column)?).or_default();
            let sum = lots.checked_add(amount.0);
            *lots = sum.ok_or_else(|| row.error("the order's trades are more than lots can count"))?;
        }
    }
    Ok(traded)
}

/// A decimal as the recording writes it, possibly with an exponent.
fn exact<const N: usize>(row: &Row<'_, N>, column: usize) -> Result<Decimal, FlowError> {
    let text = row.cells[column];
    let value = if text.contains('e') { Decimal::from_scientific(text) } else { text.parse() };
    value.map_err(|error| row.error(format!("{text:?}: {error}")))
}

fn lots<const N: usize>(row: &Row<'_, N>, column: usize) -> Result<Quantity, FlowError> {
    decimal::quantity(exact(row, column)?, LOT, BASE_SCALE).map_err(|error| row.error(error))
}

/// A price in cents. Prices that OUCH cannot express are sent, too: the engine has to refuse them.
fn price<const N: usize>(row: &Row<'_, N>, column: usize) -> Result<OrderPrice, FlowError> {
    decimal::price_units(exact(row, column)?, PRICE_DECIMALS).map_err(|error| row.error(error))
}

/// One dollar per BTC for one lot of 10^-8 BTC is 10^-8 dollars, so dollars have 8 decimals here.
fn venue() -> Venue {
    let decimal = |units: i64| Decimal::from(units);
    Venue {
        assets: vec![AssetConfig::new("BTC", BASE_SCALE), AssetConfig::new("USD", 8)],
        instruments: vec![InstrumentConfig {
            symbol: "BTC-USD".to_owned(),
            base: "BTC".to_owned(),
            quote: "USD".to_owned(),
            price_decimals: PRICE_DECIMALS,
            tick: decimal(1),
            lot: Decimal::new(LOT.0, u32::from(BASE_SCALE)),
            min_quantity: Decimal::new(LOT.0, u32::from(BASE_SCALE)),
            max_quantity: Decimal::new(i64::from(u32::MAX), u32::from(BASE_SCALE)),
            min_notional: decimal(0),
            maker_fee_ppm: decimal(500),
            taker_fee_ppm: decimal(1_000),
            ..InstrumentConfig::default()
        }],
        accounts: Vec::new(),
        deposits: [("BTC".to_owned(), decimal(1_000_000_000)), ("USD".to_owned(), decimal(20_000_000_000))]
            .into(),
    }
}
