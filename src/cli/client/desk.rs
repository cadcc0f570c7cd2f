//! A trader's desk: the client, the books kept from its stream, and what is said to the person.

#![deny(clippy::wildcard_enum_match_arm)]

use super::words::{Line, Order, Stands};
use crate::client::blotter::{Blotter, FillLine, OrderLine, Standing};
use crate::client::units::{Units, UnitsTable};
use crate::client::{CancelCode, Client, ClientError, ClientEvent, NewOrder, Replacement};
use crate::domain::{OrderPrice, PostOnly, Side, Symbol, TriggerKind, UserRef};
use anyhow::{Context, bail, ensure};
use rust_decimal::Decimal;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long one wait for old messages is.
const CATCH_UP_TURN: Duration = Duration::from_secs(1);

/// The client, the books kept from its stream, and what is said to the person.
pub struct Desk {
    client: Client,
    units: UnitsTable,
    blotter: Blotter,
    /// What has happened, oldest first, each a line, since it was last taken.
    news: Vec<String>,
    /// News is only told from this message on: what came before the login is history.
    told_from: u64,
}

/// What a line led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It was sent, or there was nothing to do.
    Done,
    /// The person wants the table of orders.
    Orders,
    /// The person wants the table of trades.
    Fills,
    /// The person wants to know what can be said.
    Help,
    /// The person wants to leave.
    Quit,
}

impl Desk {
    /// Sits down at a client whose stream begins with message 1, and takes in what came before `told_from` silently.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(client: Client, units: UnitsTable, told_from: u64) -> Result<Self, ClientError> {
        let mut desk = Self { client, units, blotter: Blotter::default(), news: Vec::new(), told_from };
        while desk.client.bookmark().sequence < told_from {
            desk.turn(CATCH_UP_TURN)?;
        }
        Ok(desk)
    }

    /// The orders and trades.
    pub fn blotter(&self) -> &Blotter {
        &self.blotter
    }

    /// The session's id and the number of the next message.
    pub fn position(&self) -> (String, u64) {
        let mark = self.client.bookmark();
        (mark.session.to_string(), mark.sequence)
    }

    /// Takes in what has come, waiting for it at most so long. Whether anything came.
    ///
    /// # Errors
    /// [`ClientError`]; the client is then over.
    pub fn turn(&mut self, timeout: Duration) -> Result<bool, ClientError> {
        let (mut any, mut patience) = (false, timeout);
        while let Some(message) = self.client.next_event(patience)? {
            self.blotter.take(&message);
            if message.sequence >= self.told_from {
                self.news.extend(told(&message.event, &self.blotter, &self.units));
            }
            (any, patience) = (true, Duration::ZERO);
        }
        Ok(any)
    }

    /// What has happened since this was last asked.
    pub fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    /// Says goodbye.
    pub fn leave(self) {
        self.client.log_out();
    }

    /// Does what the person asks for.
    ///
    /// # Errors
    /// What is wrong with it; nothing is sent then.
    pub fn say(&mut self, line: &Line) -> anyhow::Result<Said> {
        match line {
            Line::Blank => {}
            Line::Help => return Ok(Said::Help),
            Line::Orders => return Ok(Said::Orders),
            Line::Fills => return Ok(Said::Fills),
            Line::Quit => return Ok(Said::Quit),
            Line::Enter(order) => {
                let order = self.new_order(order)?;
                self.client.enter(&order)?;
            }
            Line::Replace { order, quantity, price } => {
                let (_, units) = self.known(*order)?;
                let total = u64::from(units.lots(*quantity)?);
                let by = Replacement::total(total).limit(units.price_units(*price)?);
                self.client.replace(*order, &by)?;
            }
            Line::Reduce { order, quantity } => {
                let (known, units) = self.known(*order)?;
                let total = units.lots(*quantity)?;
                self.client.modify(*order, known.side, total)?;
            }
            Line::Cancel { order, to } => {
                let (_, units) = self.known(*order)?;
                match to {
                    Some(to) => self.client.reduce(*order, units.lots(*to)?)?,
                    None => self.client.cancel(*order)?,
                }
            }
            Line::CancelAll { symbol, side } => drop(self.client.cancel_all(*symbol, *side)?),
            Line::Next => self.client.query_account()?,
            Line::Hold(ms) => self.client.cancel_all_after(*ms)?,
            Line::OrderEntry(true) => drop(self.client.enable_order_entry()?),
            Line::OrderEntry(false) => drop(self.client.disable_order_entry()?),
        }
        Ok(Said::Done)
    }

    fn units(&self, symbol: Symbol) -> anyhow::Result<Units> {
        let known = || self.units.iter().map(|units| units.symbol.text()).collect::<Vec<_>>().join(", ");
        self.units.find(symbol).cloned().with_context(|| {
            format!("no instrument {} in the configuration, which has {}", symbol.text(), known())
        })
    }

    fn known(&self, order: UserRef) -> anyhow::Result<(OrderLine, Units)> {
        let Some(found) = self.blotter.order(order) else { bail!("there is no order {order}") };
        if found.standing != Standing::Open {
            bail!("order {order} is not open: {}", standing(found.standing));
        }
        Ok((*found, self.units(found.symbol)?))
    }

    fn new_order(&self, asked: &Order) -> anyhow::Result<NewOrder> {
        let units = self.units(asked.symbol)?;
        let lots = |quantity: Decimal| units.lots(quantity);
        let quantity = u64::from(lots(asked.quantity)?);
        let mut order = match asked.side {
            Side::Buy => NewOrder::buy(asked.symbol, quantity),
            Side::Sell => NewOrder::sell(asked.symbol, quantity),
        };
        if let Some(price) = asked.price {
            order = order.limit(units.price_units(price)?);
        }
        order = match asked.stands {
            Stands::Day => order,
            Stands::Immediate => order.immediate_or_cancel(),
            Stands::AllOrNothing => order.fill_or_kill(),
            Stands::Until(second) => order.until(still_to_come(second, second_of_day())?),
        };
        order = match asked.post_only {
            PostOnly::No => order,
            PostOnly::Reject => order.post_only(),
            PostOnly::Slide => order.post_only_slide(),
        };
        if asked.hidden {
            order = order.hidden();
        }
        if let Some(show) = asked.show {
            order = order.iceberg(lots(show)?);
        }
        if let Some(min) = asked.min {
            order = order.min_quantity(lots(min)?);
        }
        if let Some((kind, price)) = asked.trigger {
            let price =
                u32::try_from(units.price_units(price)?).context("the trigger's price is too high")?;
            order = match kind {
                TriggerKind::Stop => order.stop(price),
                TriggerKind::TakeProfit => order.take_profit(price),
                TriggerKind::TrailingStop => order.trailing_stop(price),
            };
        }
        Ok(if asked.reduce_only { order.reduce_only() } else { order })
    }

    /// An order's row: number, side, symbol, price, open, traded, average price, standing.
    pub fn order_row(&self, order: &OrderLine) -> [String; 8] {
        let units = self.units.find(order.symbol);
        let average = match (order.executed, units) {
            (0, _) => String::new(),
            (lots, Some(units)) => {
                units.average(order.paid, lots).map_or("?".to_owned(), |it| it.to_string())
            }
            (_, None) => "?".to_owned(),
        };
        [
            order.user_ref.to_string(),
            side_word(order.side).to_owned(),
            order.symbol.text(),
            shown_limit(units, order.price),
            shown_quantity(units, order.open),
            shown_quantity(units, order.executed),
            average,
            standing(order.standing),
        ]
    }

    /// The rows of the last `most` trades, newest first: time, order, side, quantity, symbol, price, how.
    pub fn fill_rows(&self, most: usize) -> Vec<[String; 7]> {
        let row = |fill: &FillLine| {
            let units = self.units.find(fill.symbol);
            [
                clock(fill.since_midnight_ns),
                format!("#{}", fill.user_ref),
                side_word(fill.side).to_owned(),
                shown_quantity(units, fill.quantity.0),
                fill.symbol.text(),
                shown_price(units, fill.price),
                fill.liquidity.explain().to_owned(),
            ]
        };
        self.blotter.fills().iter().rev().take(most).map(row).collect()
    }
}

/// What a message tells a person; nothing for those that only the books are for.
fn told(event: &ClientEvent, blotter: &Blotter, table: &UnitsTable) -> Option<String> {
    let units_of = |user_ref: UserRef| blotter.order(user_ref).and_then(|order| table.find(order.symbol));
    Some(match event {
        ClientEvent::SessionStarted => "the session has begun".to_owned(),
        ClientEvent::SessionEnded => "the session has ended".to_owned(),
        ClientEvent::Accepted(order) => {
            let units = table.find(order.symbol);
            let (side, lots) = (side_word(order.side), shown_quantity(units, order.quantity.0));
            let (symbol, price) = (order.symbol.text(), shown_limit(units, order.price));
            format!("#{} accepted: {side} {lots} {symbol} at {price}", order.user_ref)
        }
        ClientEvent::Replaced { orig_user_ref, order } => {
            let units = table.find(order.symbol);
            let (lots, price) = (shown_quantity(units, order.quantity.0), shown_limit(units, order.price));
            format!("#{} stands in place of #{orig_user_ref}: {lots} open at {price}", order.user_ref)
        }
        ClientEvent::Executed { user_ref, quantity, price, liquidity, .. } => {
            let units = units_of(*user_ref);
            let (lots, price) = (shown_quantity(units, quantity.0), shown_price(units, *price));
            let done = match blotter.order(*user_ref).map(|order| order.side) {
                Some(Side::Buy) => "bought",
                Some(Side::Sell) => "sold",
                None => "traded",
            };
            format!("#{user_ref} {done} {lots} at {price} ({})", liquidity.explain())
        }
        ClientEvent::Canceled { user_ref, decrement, reason } => {
            let lots = shown_quantity(units_of(*user_ref), decrement.0);
            format!("#{user_ref}: {}{lots} cancelled ({})", which_part(blotter, *user_ref), reason.brief())
        }
        ClientEvent::SelfTradePrevented { user_ref, decrement, price, .. } => {
            let units = units_of(*user_ref);
            let (lots, price) = (shown_quantity(units, decrement.0), shown_price(units, *price));
            let part = which_part(blotter, *user_ref);
            format!("#{user_ref}: {part}{lots} cancelled (your own order was on the other side at {price})")
        }
        ClientEvent::Rejected { user_ref, reason, .. } => {
            format!("#{user_ref} refused: {}", reason.explain())
        }
        ClientEvent::Modified { user_ref, open, .. } => {
            format!("#{user_ref} now has {} open", shown_quantity(units_of(*user_ref), open.0))
        }
        ClientEvent::CancelRejected { user_ref } => {
            format!("#{user_ref} cannot be changed or cancelled now; it stands as it was")
        }
        ClientEvent::PriorityUpdated { user_ref, .. } => format!("#{user_ref} was triggered and is live"),
        ClientEvent::Refreshed { user_ref, displayed: Some(lots), .. } => {
            format!("#{user_ref} shows its next {}", shown_quantity(units_of(*user_ref), lots.0))
        }
        ClientEvent::MassCanceled { user_ref, .. } => format!("#{user_ref}: all those orders are cancelled"),
        ClientEvent::OrderEntryEnabled { user_ref } => format!("#{user_ref}: order entry is on"),
        ClientEvent::OrderEntryDisabled { user_ref } => format!("#{user_ref}: order entry is off"),
        ClientEvent::AccountState { next_user_ref, cancel_at: None } => {
            format!("the next number is {next_user_ref}")
        }
        ClientEvent::AccountState { next_user_ref, cancel_at: Some(at) } => {
            let at = clock(at.since_midnight_ns());
            format!("the next number is {next_user_ref}; all orders are cancelled at {at} unless held again")
        }
        ClientEvent::Refreshed { .. } | ClientEvent::CancelPending { .. } | ClientEvent::Broken { .. } => {
            return None;
        }
    })
}

/// "remaining " where a cancel took all that was left of an order.
fn which_part(blotter: &Blotter, user_ref: UserRef) -> &'static str {
    match blotter.order(user_ref) {
        Some(order) if order.open > 0 => "",
        _ => "remaining ",
    }
}

/// What became of an order, in words.
pub fn standing(standing: Standing) -> String {
    match standing {
        Standing::Open => "open".to_owned(),
        Standing::Filled => "filled".to_owned(),
        Standing::Canceled(code) => format!("cancelled ({})", code.brief()),
        Standing::SelfTradePrevented => format!("cancelled ({})", CancelCode(b'Q').brief()),
        Standing::Replaced(by) => format!("replaced by #{by}"),
    }
}

/// Seconds since midnight UTC.
fn second_of_day() -> u32 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since_1970.as_secs() % 86_400) as u32
}

/// A time of today that an order may end at: one that is past would be refused.
fn still_to_come(second: u32, now: u32) -> anyhow::Result<u32> {
    let shown = |second| clock_of_seconds(u64::from(second));
    ensure!(second > now, "until {} is in the past: it is {} UTC", shown(second), shown(now));
    Ok(second)
}

fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

fn shown_limit(units: Option<&Units>, price: OrderPrice) -> String {
    match price {
        OrderPrice::Market => "market".to_owned(),
        OrderPrice::Limit(limit) => shown_price(units, limit),
    }
}

fn shown_price(units: Option<&Units>, price: u64) -> String {
    let shown = units.and_then(|units| units.price(price));
    shown.map_or_else(|| format!("{price} units"), |price| price.to_string())
}

fn shown_quantity(units: Option<&Units>, lots: u64) -> String {
    units.map_or_else(|| format!("{lots} lots"), |units| units.quantity(lots).to_string())
}

/// Nanoseconds since midnight as a time of day.
fn clock(since_midnight_ns: u64) -> String {
    let ms = since_midnight_ns / 1_000_000;
    format!("{}.{:03}", clock_of_seconds(ms / 1_000), ms % 1_000)
}

fn clock_of_seconds(second: u64) -> String {
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_would_end_in_the_past_is_not_sent() {
        assert_eq!(still_to_come(36_001, 36_000).ok(), Some(36_001));
        let refused = still_to_come(36_000, 45_296).expect_err("past").to_string();
        assert_eq!(refused, "until 10:00:00 is in the past: it is 12:34:56 UTC");
        assert!(still_to_come(36_000, 36_000).is_err(), "it would end at once");
    }
}
