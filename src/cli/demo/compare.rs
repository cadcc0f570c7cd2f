//! Compares the trades in the clients' messages, in SQL, and in a replay of the journal. They must be identical; otherwise
//! the first difference is reported.

use super::place::Place;
use crate::domain::{Event, EventRecord, InstrumentId, OrderEvent, TradeId, UserRef};
use crate::flow::{Driver, Fill, Flow, Liquidity, SessionIndex};
use crate::recovery::{self, DataDir};
use crate::replica::State;
use crate::sql::reader::SqlReader;
use std::time::{Duration, Instant};

/// Number of rows per read of the database.
const PAGE: u32 = 50_000;

/// One trade, in price units and lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    trade: TradeId,
    instrument: InstrumentId,
    price: u64,
    quantity: u64,
}

/// One side of a trade according to its client's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    trade: TradeId,
    session: SessionIndex,
    user_ref: UserRef,
    liquidity: Liquidity,
    price: u64,
    quantity: u64,
}

/// The result of a comparison.
pub(super) struct Comparison {
    /// Number of trades in the replay of the journal.
    pub(super) trades: usize,
    /// Number of Executed messages that the clients received.
    pub(super) messages: usize,
    /// The first difference between the clients' messages and the journal.
    pub(super) clients: Option<String>,
    /// The first difference between SQL and the journal.
    pub(super) sql: Option<String>,
    /// Number of commands replayed for the comparison.
    pub(super) commands: u64,
    /// Duration of this replay.
    pub(super) replay: Duration,
}

impl Comparison {
    pub(super) fn of(place: &Place, flow: &Flow, driver: &Driver<'_>) -> anyhow::Result<Self> {
        let (mut lines, mut told) = (Vec::new(), Vec::new());
        let mut state = State::empty();
        let data = DataDir::new(&place.data);
        let started = Instant::now();
        let mut trades = Vec::new();
        let mut on_event = |record: &EventRecord| {
            if let Event::Order(OrderEvent::Executed(trade)) = record.event {
                trades.push((record.number, trade));
            }
            Ok(())
        };
        recovery::replay(&mut state, data.journal(), 0, None, &mut on_event, &mut |_| {})?;
        let replay = started.elapsed();
        for (event, trade) in &trades {
            let listing = state.listings.at(trade.instrument, *event);
            let price = listing.map_or(0, |listing| listing.price_units(trade.price));
            let (trade_id, quantity) = (trade.trade, trade.quantity.0);
            lines.push(Line { trade: trade_id, instrument: trade.instrument, price, quantity });
            let sides = [
                (trade.maker_login, trade.maker_user_ref, Liquidity::Added),
                (trade.taker_login, trade.taker_user_ref, Liquidity::Removed),
            ];
            told.extend(sides.map(|(login, user_ref, liquidity)| {
                let session = SessionIndex(login.0 as u16);
                Told { trade: trade_id, session, user_ref, liquidity, price, quantity }
            }));
        }
        told.sort_unstable();
        let mut received: Vec<Told> = driver.fills().iter().map(heard).collect();
        received.sort_unstable();
        debug_assert!(flow.venue.accounts.iter().all(|account| account.logins.len() == 1));
        Ok(Self {
            trades: lines.len(),
            messages: received.len(),
            clients: difference(&received, &told),
            sql: difference(&sql_lines(place)?, &lines),
            commands: state.last.sequence,
            replay,
        })
    }

    pub(super) fn all_equal(&self) -> bool {
        self.clients.is_none() && self.sql.is_none()
    }
}

fn heard(fill: &Fill) -> Told {
    let Fill { trade, session, user_ref, liquidity, price, quantity, .. } = *fill;
    Told { trade, session, user_ref, liquidity, price, quantity: u64::from(quantity) }
}

fn sql_lines(place: &Place) -> anyhow::Result<Vec<Line>> {
    let reader = SqlReader::open(&place.database())?;
    let mut lines: Vec<Line> = Vec::new();
    loop {
        let last = lines.last().map_or(TradeId(0), |line| line.trade);
        let page = reader.trades_after(last, PAGE)?;
        if page.is_empty() {
            return Ok(lines);
        }
        lines.extend(page.iter().map(|row| Line {
            trade: row.trade,
            instrument: row.instrument,
            price: row.price,
            quantity: row.quantity.0,
        }));
    }
}

fn difference<T: PartialEq + std::fmt::Debug>(these: &[T], journal: &[T]) -> Option<String> {
    if these == journal {
        return None;
    }
    let at = these.iter().zip(journal).position(|(a, b)| a != b).unwrap_or(these.len().min(journal.len()));
    let shown = |side: &[T]| side.get(at).map_or("nothing".to_owned(), |line| format!("{line:?}"));
    Some(format!("{} where the journal has {}", shown(these), shown(journal)))
}
