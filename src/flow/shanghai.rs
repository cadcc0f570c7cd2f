//! One day of a Shanghai stock, order by order. Only the continuous session is played. The call auctions and their orders
//! are left out, because an operator, not a client, sets the phases of an instrument.
//! (`tests/it/exchange/golden.rs` plays the whole day directly on the exchange.)

use super::actions::ActionKind;
use super::error::FlowError;
use super::recording::{Flow, Recorder};
use super::table::{Row, Source};
use super::venue;
use crate::domain::{OrderPrice, TimeInForce};

pub(super) const HEADER: &str = "n,time,symbol,src_seq,action,order_id,side,price_milli,qty";

const HOUR_NS: u64 = 3_600_000_000_000;
const MINUTE_NS: u64 = 60_000_000_000;
/// Orders collect for the opening auction until 09:25; continuous trading begins at 09:30.
const CONTINUOUS_START_NS: u64 = 9 * HOUR_NS + 30 * MINUTE_NS;
/// From 14:57 on orders collect for the closing auction.
const CONTINUOUS_END_NS: u64 = 14 * HOUR_NS + 57 * MINUTE_NS;

/// Row types: N new, C cancel, U uncross the call auction.
pub(super) fn load(source: &Source<'_>) -> Result<Flow, FlowError> {
    let mut recorder = Recorder::default();
    let mut symbol = String::new();
    for row in source.rows::<9>() {
        let row = row?;
        recorder.rows += 1;
        if symbol.is_empty() {
            symbol = row.cells[2].to_owned();
        }
        let at_ns = time_of_day(&row)?;
        let name = row.number(5)?;
        let continuous = (CONTINUOUS_START_NS..CONTINUOUS_END_NS).contains(&at_ns);
        match row.cells[4] {
            "U" => recorder.leave_out("call auctions"),
            "N" if !continuous => recorder.leave_out("orders for the call auctions"),
            "N" => {
                let kind = ActionKind::New {
                    side: row.side(6)?,
                    price: OrderPrice::Limit(row.number(7)?),
                    quantity: row.number(8)?,
                    time_in_force: TimeInForce::GoodTillCancel,
                };
                recorder.enter(at_ns, name, kind);
            }
            "C" if !recorder.change(at_ns, name, ActionKind::Cancel) => {
                recorder.leave_out("cancels of orders for the call auctions");
            }
            "C" => {}
            other => return Err(row.error(format!("the action {other:?} is none of N, C, U"))),
        }
    }
    let name = format!("{symbol} at the Shanghai Stock Exchange, continuous session");
    Ok(recorder.flow(name, venue::stock(&symbol, "CNY", 3)))
}

/// `HH:MM:SS.mmm` as nanoseconds since midnight.
fn time_of_day<const N: usize>(row: &Row<'_, N>) -> Result<u64, FlowError> {
    let text = row.cells[1];
    let field = |at: usize, len: usize| text.get(at..at + len).and_then(|digits| digits.parse::<u64>().ok());
    let parts = || Some((field(0, 2)?, field(3, 2)?, field(6, 2)?, field(9, 3)?));
    let (hour, minute, second, millis) =
        parts().ok_or_else(|| row.error(format!("{text:?} is no time of day HH:MM:SS.mmm")))?;
    Ok(hour * HOUR_NS + minute * MINUTE_NS + second * 1_000_000_000 + millis * 1_000_000)
}
