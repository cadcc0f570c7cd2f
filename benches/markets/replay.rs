//! Recorded flows as messages to one book, when the recordings lie beside the repository.

use super::flow::{Kind, Message, Venue, What};
use super::venue::Dojima;
use dojima::domain::{OrderPrice, Side, TimeInForce};
use dojima::flow::{ActionKind, Flow};
use std::path::PathBuf;

/// The recordings by short names.
pub const RECORDINGS: [(&str, &str); 3] = [
    ("600519", "20230201_600519_input_flow.csv.xz"),
    ("AAPL", "AAPL_20120621_0930_1030_input_flow.csv.xz"),
    ("Bitstamp", "bitstamp_btcusd_20260502_0236_30min_orders.csv.xz"),
];

/// The messages of a recording; `None`, and a line that says so, when it is not there.
pub fn load(file: &str) -> Option<Vec<Message>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    if !path.exists() {
        println!("skipped: no recording {file} beside the repository");
        return None;
    }
    Some(messages(&Flow::load(&path, 1).expect("a recording that can be read")))
}

/// What is known of an order of the recording: its number and slot at the venue now.
#[derive(Clone, Copy, Default)]
struct Known {
    id: u32,
    slot: u32,
    executed: u64,
    side: Side,
}

/// Prices become ticks of their greatest common divisor. A venue is asked along the way where orders lie and what of
/// them has traded.
fn messages(flow: &Flow) -> Vec<Message> {
    let tick = flow.actions.iter().fold(0, |tick, action| match action.kind {
        ActionKind::New { price: OrderPrice::Limit(units), .. }
        | ActionKind::Replace { price: OrderPrice::Limit(units), .. } => common(tick, units as u64),
        _ => tick,
    });
    let ticks = |price| match price {
        OrderPrice::Limit(units) => {
            i32::try_from(units / tick as i64).expect("a price within the protocol's range")
        }
        OrderPrice::Market => i32::MAX - 1,
    };
    let mut known = vec![Known::default(); flow.order_names.len()];
    // By the venue's number: which order of the recording.
    let mut orders = vec![0];
    let (mut venue, mut reports, mut messages) = (Dojima::new(1 << 20), Vec::new(), Vec::new());
    for action in &flow.actions {
        let at = action.order.0 as usize;
        let order = known[at];
        let mut message = Message {
            kind: Kind::Cancel,
            side: order.side,
            price: 0,
            quantity: 0,
            id: 0,
            old: order.id,
            old_slot: order.slot,
        };
        match action.kind {
            ActionKind::New { side, price, quantity, time_in_force } => {
                let kind = match time_in_force {
                    TimeInForce::ImmediateOrCancel => Kind::ImmediateOrCancel,
                    _ => Kind::New,
                };
                message =
                    Message { kind, side, price: ticks(price), quantity, old: 0, old_slot: 0, ..message };
                known[at].side = side;
            }
            ActionKind::Reduce { by } => message = Message { kind: Kind::Reduce, quantity: by, ..message },
            ActionKind::Cancel => {}
            ActionKind::Replace { price, total } => {
                let left = u64::from(total).saturating_sub(order.executed) as u32;
                if left > 0 {
                    message = Message { kind: Kind::Modify, price: ticks(price), quantity: left, ..message };
                }
            }
        }
        if !matches!(message.kind, Kind::Cancel | Kind::Reduce) {
            message.id = orders.len() as u32;
            known[at].id = message.id;
            orders.push(at);
        }
        messages.push(message);
        reports.clear();
        venue.apply(&message, &mut reports);
        for report in &reports {
            let order = &mut known[orders[report.order as usize]];
            match report.what {
                What::Added => order.slot = report.slot,
                What::Executed => order.executed += report.quantity,
                What::Accepted | What::Cancelled | What::NotFound => {}
            }
        }
    }
    messages
}

/// The greatest common divisor.
fn common(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { common(other, one % other) }
}
