//! A trader's desk: the session, the books kept from it, and what is said to the person.

use super::words::{Line, NewOrder, Stands};
use crate::client::blotter::{Blotter, OrderLine, Standing};
use crate::client::explain;
use crate::client::terms::{Terms, TermsTable};
use crate::client::{ClientError, Session};
use crate::domain::{ClOrdId, PostOnly, Side, Symbol, TriggerKind, UserRef};
use crate::wire::ouch::{
    AccountQuery, Appendage, CancelOrder, DisableEntry, EnableEntry, EnterOrder, Inbound, MARKET_PRICE,
    MassCancelOrders, ModifyOrder, Outbound, ReplaceOrder, tags,
};
use anyhow::{Context, bail};
use rust_decimal::Decimal;
use std::time::Duration;

/// The session, the books kept from it, and what is said to the person.
pub struct Desk {
    session: Session,
    terms: TermsTable,
    blotter: Blotter,
    /// The next number for an order.
    next_user_ref: u32,
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
    /// Sits down at a session that was just logged in; messages before `told_from` are taken up silently.
    pub fn new(session: Session, terms: TermsTable, told_from: u64) -> Self {
        Self { session, terms, blotter: Blotter::default(), next_user_ref: 1, news: Vec::new(), told_from }
    }

    /// The orders and trades.
    pub fn blotter(&self) -> &Blotter {
        &self.blotter
    }

    /// The session's id and the number of the next message.
    pub fn position(&self) -> (String, u64) {
        (self.session.id().to_string(), self.session.next_sequence())
    }

    /// Waits until something has come, or for `timeout`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn wait(&mut self, timeout: Duration) -> Result<(), ClientError> {
        self.session.wait(timeout)
    }

    /// Sends what waits and takes in what has come; how many messages that was.
    ///
    /// # Errors
    /// [`ClientError`]; the session is then over.
    pub fn turn(&mut self) -> Result<usize, ClientError> {
        self.session.flush()?;
        let Self { session, terms, blotter, next_user_ref, news, told_from } = self;
        let received = session.receive(|number, message| {
            blotter.take(&message);
            *next_user_ref = (*next_user_ref).max(blotter.last_user_ref() + 1);
            if let Outbound::AccountState(state, _) = &message {
                *next_user_ref = state.next_user_ref.0;
            }
            if number >= *told_from {
                news.extend(told(&message, blotter, terms));
            }
        })?;
        Ok(received.messages)
    }

    /// What has happened since this was last asked.
    pub fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    /// Says goodbye.
    pub fn leave(self) {
        self.session.log_out();
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
            Line::Enter(order) => self.enter(order)?,
            Line::Replace { order, quantity, price } => self.replace(*order, *quantity, *price)?,
            Line::Reduce { order, quantity } => {
                let (known, terms) = self.known(*order)?;
                let quantity = terms.lots(*quantity)?;
                let side = known.side;
                self.session
                    .send(&Inbound::Modify(ModifyOrder { user_ref: *order, side, quantity }, NO_TAGS));
            }
            Line::Cancel { order, to } => {
                let (_, terms) = self.known(*order)?;
                let quantity = to.map_or(Ok(0), |to| terms.lots(to))?;
                self.session.send(&Inbound::Cancel(CancelOrder { user_ref: *order, quantity }, NO_TAGS));
            }
            Line::CancelAll { symbol, side } => self.cancel_all(*symbol, *side),
            Line::Next => self.session.send(&Inbound::AccountQuery(AccountQuery {}, NO_TAGS)),
            Line::Hold(ms) => {
                let mut tail = Vec::new();
                push(&mut tail, tags::CANCEL_AFTER, &ms.to_be_bytes());
                self.session.send(&Inbound::AccountQuery(AccountQuery {}, Appendage(&tail)));
            }
            Line::OrderEntry(on) => {
                let (user_ref, firm) = (self.number(), *b"    ");
                self.session.send(&match on {
                    true => Inbound::EnableEntry(EnableEntry { user_ref, firm }, NO_TAGS),
                    false => Inbound::DisableEntry(DisableEntry { user_ref, firm }, NO_TAGS),
                });
            }
        }
        self.session.flush()?;
        Ok(Said::Done)
    }

    fn number(&mut self) -> UserRef {
        let number = self.next_user_ref;
        self.next_user_ref = number.saturating_add(1);
        UserRef(number)
    }

    fn terms(&self, symbol: Symbol) -> anyhow::Result<Terms> {
        let known = || self.terms.iter().map(|terms| terms.symbol.text()).collect::<Vec<_>>().join(", ");
        self.terms.find(symbol).cloned().with_context(|| {
            format!("no instrument {} in the configuration, which has {}", symbol.text(), known())
        })
    }

    fn known(&self, order: UserRef) -> anyhow::Result<(OrderLine, Terms)> {
        let Some(found) = self.blotter.order(order.0) else { bail!("there is no order {order}") };
        if found.standing != Standing::Open {
            bail!("order {order} is not open: {}", standing(found.standing));
        }
        Ok((*found, self.terms(found.symbol)?))
    }

    fn enter(&mut self, order: &NewOrder) -> anyhow::Result<()> {
        let terms = self.terms(order.symbol)?;
        let quantity = terms.lots(order.quantity)?;
        let price = order.price.map_or(Ok(MARKET_PRICE), |price| terms.price_units(price))?;
        let tail = order_tags(order, quantity, &terms)?;
        let immediate =
            matches!(order.stands, Stands::Immediate | Stands::AllOrNothing) || order.price.is_none();
        let message = EnterOrder {
            user_ref: self.number(),
            side: if order.side == Side::Buy { b'B' } else { b'S' },
            quantity,
            symbol: order.symbol,
            price,
            time_in_force: match order.stands {
                Stands::Until(_) => b'6',
                _ if immediate => b'3',
                _ => b'0',
            },
            display: if order.hidden { b'N' } else { b'Y' },
            capacity: b'P',
            iso: b'N',
            cross_type: b'N',
            cl_ord_id: ClOrdId::default(),
        };
        self.session.send(&Inbound::Enter(message, Appendage(&tail)));
        Ok(())
    }

    fn replace(&mut self, order: UserRef, quantity: Decimal, price: Decimal) -> anyhow::Result<()> {
        let (_, terms) = self.known(order)?;
        let (quantity, price) = (terms.lots(quantity)?, terms.price_units(price)?);
        let message = ReplaceOrder {
            orig_user_ref: order,
            user_ref: self.number(),
            quantity,
            price,
            time_in_force: b'0',
            display: b'Y',
            iso: b'N',
            cl_ord_id: ClOrdId::default(),
        };
        self.session.send(&Inbound::Replace(message, NO_TAGS));
        Ok(())
    }

    fn cancel_all(&mut self, symbol: Option<Symbol>, side: Option<Side>) {
        let mut tail = Vec::new();
        if let Some(side) = side {
            push(&mut tail, tags::SIDE, if side == Side::Buy { b"B" } else { b"S" });
        }
        let message =
            MassCancelOrders { user_ref: self.number(), firm: *b"    ", symbol: symbol.unwrap_or_default() };
        self.session.send(&Inbound::MassCancel(message, Appendage(&tail)));
    }

    /// An order's row: number, side, symbol, price, open, traded, average price, standing.
    pub fn order_row(&self, order: &OrderLine) -> [String; 8] {
        let terms = self.terms.find(order.symbol);
        let quantity = |lots: u64| shown_quantity(terms, lots);
        let average = match (order.executed, terms) {
            (0, _) => String::new(),
            (lots, Some(terms)) => {
                let paid = Decimal::from(order.paid) / Decimal::from(lots);
                let units = Decimal::from(10_u64.pow(u32::from(terms.price_decimals)));
                (paid / units).round_dp(u32::from(terms.price_decimals) + 2).normalize().to_string()
            }
            (_, None) => "?".to_owned(),
        };
        [
            order.user_ref.to_string(),
            side_word(order.side).to_owned(),
            order.symbol.text(),
            shown_price(terms, order.price),
            quantity(u64::from(order.open)),
            quantity(order.executed),
            average,
            standing(order.standing),
        ]
    }

    /// The rows of the last `most` trades, newest first: time, order, side, quantity, symbol, price, how.
    pub fn fill_rows(&self, most: usize) -> Vec<[String; 7]> {
        let row = |fill: &crate::client::blotter::FillLine| {
            let terms = self.terms.find(fill.symbol);
            [
                clock(fill.timestamp),
                format!("#{}", fill.user_ref),
                side_word(fill.side).to_owned(),
                shown_quantity(terms, u64::from(fill.quantity)),
                fill.symbol.text(),
                shown_price(terms, fill.price),
                explain::liquidity(fill.liquidity).to_owned(),
            ]
        };
        self.blotter.fills().iter().rev().take(most).map(row).collect()
    }
}

const NO_TAGS: Appendage<'static> = Appendage(&[]);

fn push(tail: &mut Vec<u8>, tag: u8, value: &[u8]) {
    tail.extend([value.len() as u8 + 1, tag]);
    tail.extend_from_slice(value);
}

fn order_tags(order: &NewOrder, quantity: u32, terms: &Terms) -> anyhow::Result<Vec<u8>> {
    let mut tail = Vec::new();
    let min = match order.stands {
        Stands::AllOrNothing => Some(quantity),
        _ => order.min.map(|min| terms.lots(min)).transpose()?,
    };
    if let Some(min) = min {
        push(&mut tail, tags::MIN_QTY, &min.to_be_bytes());
    }
    if let Some(show) = order.show {
        push(&mut tail, tags::MAX_FLOOR, &terms.lots(show)?.to_be_bytes());
    }
    match order.post_only {
        PostOnly::No => {}
        PostOnly::Reject => push(&mut tail, tags::POST_ONLY, b"P"),
        PostOnly::Slide => push(&mut tail, tags::POST_ONLY_SLIDE, b"Y"),
    }
    if let Stands::Until(second) = order.stands {
        push(&mut tail, tags::EXPIRE_TIME, &second.to_be_bytes());
    }
    if let Some((kind, price)) = order.trigger {
        push(&mut tail, tags::STOP_PRICE, &terms.price_units(price)?.to_be_bytes());
        let kind = match kind {
            TriggerKind::Stop => b"S",
            TriggerKind::TakeProfit => b"P",
            TriggerKind::TrailingStop => b"T",
        };
        push(&mut tail, tags::TRIGGER_KIND, kind);
    }
    if order.reduce_only {
        push(&mut tail, tags::REDUCE_ONLY, b"Y");
    }
    Ok(tail)
}

/// What a message tells a person; nothing for those that only the books are for.
fn told(message: &Outbound<'_>, blotter: &Blotter, terms: &TermsTable) -> Option<String> {
    let of = |user_ref: UserRef| blotter.order(user_ref.0);
    let terms_of = |user_ref: UserRef| of(user_ref).and_then(|order| terms.find(order.symbol));
    let quantity = |user_ref: UserRef, lots: u32| shown_quantity(terms_of(user_ref), u64::from(lots));
    Some(match message {
        Outbound::System(event) if event.code == b'E' => "the session has ended".to_owned(),
        Outbound::System(_) => "the session has begun".to_owned(),
        Outbound::Accepted(m, _) => {
            let known = terms.find(m.symbol);
            let (side, lots) = (side_word(m.side), shown_quantity(known, u64::from(m.quantity)));
            let (symbol, price) = (m.symbol.text(), shown_price(known, m.price));
            format!("#{} accepted: {side} {lots} {symbol} at {price}", m.user_ref)
        }
        Outbound::Replaced(m, _) => {
            let known = terms.find(m.symbol);
            let (lots, price) = (shown_quantity(known, u64::from(m.quantity)), shown_price(known, m.price));
            format!("#{} stands in place of #{}: {lots} open at {price}", m.user_ref, m.orig_user_ref)
        }
        Outbound::Executed(m, _) => {
            let (lots, price) =
                (quantity(m.user_ref, m.quantity), shown_price(terms_of(m.user_ref), m.price));
            let side =
                of(m.user_ref).map_or("traded", |order| if order.side == b'B' { "bought" } else { "sold" });
            format!("#{} {side} {lots} at {price} ({})", m.user_ref, explain::liquidity(m.liquidity))
        }
        Outbound::Canceled(m, _) => {
            let lots = quantity(m.user_ref, m.decrement);
            format!("#{} lost {lots}: {}", m.user_ref, explain::canceled(m.reason))
        }
        Outbound::SelfMatchCanceled(m, _) => {
            let lots = quantity(m.user_ref, m.decrement);
            format!("#{} lost {lots}: {}", m.user_ref, explain::canceled(m.reason))
        }
        Outbound::Rejected(m, _) => format!("#{} refused: {}", m.user_ref, explain::rejected(m.reason)),
        Outbound::Modified(m, _) => {
            format!("#{} now has {} open", m.user_ref, quantity(m.user_ref, m.quantity))
        }
        Outbound::CancelRejected(m, _) => {
            format!("#{} cannot be changed or cancelled now; it stands as it was", m.user_ref)
        }
        Outbound::PriorityUpdated(m, _) => format!("#{} was triggered and is live", m.user_ref),
        Outbound::MassCanceled(m, _) => format!("#{}: all those orders are cancelled", m.user_ref),
        Outbound::EntryEnabled(m, _) => format!("#{}: order entry is on", m.user_ref),
        Outbound::EntryDisabled(m, _) => format!("#{}: order entry is off", m.user_ref),
        Outbound::AccountState(m, _) => format!("the next number is {}", m.next_user_ref),
        _ => return None,
    })
}

/// What became of an order, in words.
pub fn standing(standing: Standing) -> String {
    match standing {
        Standing::Open => "open".to_owned(),
        Standing::Filled => "filled".to_owned(),
        Standing::Canceled(reason) => explain::canceled(reason).to_owned(),
        Standing::Replaced(by) => format!("replaced by #{by}"),
    }
}

fn side_word(side: u8) -> &'static str {
    if side == b'B' { "buy" } else { "sell" }
}

fn shown_price(terms: Option<&Terms>, units: u64) -> String {
    match terms {
        Some(terms) => terms.price(units).map_or("market".to_owned(), |price| price.to_string()),
        None => format!("{units} units"),
    }
}

fn shown_quantity(terms: Option<&Terms>, lots: u64) -> String {
    match (terms, u32::try_from(lots)) {
        (Some(terms), Ok(lots)) => terms.quantity(lots).to_string(),
        _ => format!("{lots} lots"),
    }
}

/// Nanoseconds since midnight as a time of day.
fn clock(timestamp: u64) -> String {
    let ms = timestamp / 1_000_000;
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
}
