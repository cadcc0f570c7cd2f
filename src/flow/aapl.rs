//! One hour of a Nasdaq stock, order by order, rebuilt from a LOBSTER sample.

use super::actions::ActionKind;
use super::error::FlowError;
use super::recording::{Flow, Recorder};
use super::table::Source;
use super::venue;
use crate::domain::{OrderPrice, Symbol, TimeInForce};

pub(super) const HEADER: &str = "ts_ns,action,order_id,side,price_1e-4,qty";

/// Row types: N new, R reduce by a quantity, C cancel, I immediate-or-cancel with its limit.
pub(super) fn load(source: &Source<'_>) -> Result<Flow, FlowError> {
    let mut recorder = Recorder::default();
    for row in source.rows::<6>() {
        let row = row?;
        recorder.rows += 1;
        let (at_ns, name) = (row.number(0)?, row.number(2)?);
        let quantity = row.number(5)?;
        let enter = |time_in_force| {
            let price = OrderPrice::Limit(row.number(4)?);
            Ok(ActionKind::New { side: row.side(3)?, price, quantity, time_in_force })
        };
        let kind = match row.cells[1] {
            "N" => enter(TimeInForce::GoodTillCancel)?,
            "I" => enter(TimeInForce::ImmediateOrCancel)?,
            "R" => ActionKind::Reduce { by: quantity },
            "C" => ActionKind::Cancel,
            other => return Err(row.error(format!("the action {other:?} is none of N, R, C, I"))),
        };
        if matches!(kind, ActionKind::New { .. }) {
            recorder.enter(at_ns, name, kind);
        } else if !recorder.change(at_ns, name, kind) {
            recorder.leave_out("changes of orders that the recording does not have");
        }
    }
    let subject = source.subject();
    let symbol = if Symbol::new(subject).is_some() { subject } else { "STOCK" };
    Ok(recorder
        .flow(format_args!("{symbol} at Nasdaq, recorded order by order"), venue::stock(symbol, "USD", 4)))
}
