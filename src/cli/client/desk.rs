//! A trader's desk: the connection, the order and trade lists built from its streams, and the messages for the user.

#![deny(clippy::wildcard_enum_match_arm)]

use super::assets::Assets;
use super::connection::{Connection, Happening};
use super::indexes::Indexes;
use super::positions;
use super::remark::Remark;
use super::words::{Line, Order, Stands};
use crate::client::blotter::{Blotter, FillLine, OrderLine, Standing};
use crate::client::units::{Units, UnitsTable};
use crate::client::{
    Bookmark, CancelCode, Client, ClientError, ClientEvent, ClientMessage, ClientTransfer, Credentials,
    Endpoint, NewOrder, PositionReport, Replacement, Setting, Start,
};
use crate::domain::{Amount, Effect, OrderPrice, PositionLeg, Side, Symbol, Timestamp, TriggerKind, UserRef};
use crate::wire::soup::{LoginRejected, SessionId};
use anyhow::{Context, bail, ensure};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The wait of one turn while old messages are read.
const CATCH_UP_TURN: Duration = Duration::from_secs(1);

/// The connection, the order and trade lists built from its streams, and the messages for the user.
pub struct Desk {
    connection: Connection,
    units: UnitsTable,
    assets: Assets,
    indexes: Indexes,
    blotter: Blotter,
    /// Messages for the user since the last call of [`Desk::news`], oldest first, one line each.
    news: Vec<String>,
    /// Orders of this session without an answer.
    unanswered: BTreeSet<UserRef>,
    /// Links requested in this terminal, under the numbers of both orders.
    links: BTreeMap<UserRef, UserRef>,
    /// Account queries without an answer, oldest first.
    asked: VecDeque<Asked>,
    /// The positions told so far for the last request for them.
    positions: Vec<PositionReport>,
}

/// What an account query is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// To find out which orders have not arrived. Its answer is not shown.
    Arrived,
    /// A part of the table of positions.
    Position,
    /// What its answer says is shown.
    Shown,
}

/// The earlier sessions of a login.
#[derive(Clone, Copy, Debug)]
pub struct Earlier {
    /// The venue's first session.
    pub first: Option<SessionId>,
    /// The most ended sessions that are read.
    pub sessions_max: u32,
}

/// The result of an input line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The request was sent, or there was nothing to do.
    Done,
    /// The user wants the table of orders.
    Orders,
    /// The user wants the table of trades.
    Fills,
    /// The user wants the help.
    Help,
    /// The user wants to quit.
    Quit,
}

impl Desk {
    /// Connects, and reads earlier messages without showing them: those of the current session, and those that are kept of
    /// earlier sessions, whose orders may still be open.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn open(
        to: Endpoint,
        who: Credentials,
        units: UnitsTable,
        (assets, indexes): (Assets, Indexes),
        earlier: Earlier,
    ) -> Result<Self, ClientError> {
        let now = Client::connect(to.clone(), &who, Start::Now)?;
        let mark = now.bookmark();
        now.log_out();
        let mut blotter = Blotter::default();
        for message in earlier.read(&to, &who, mark.session)?.iter().rev().flatten() {
            blotter.take(message);
        }
        let mut client = Client::connect(to.clone(), &who, Start::At(Bookmark { sequence: 1, ..mark }))?;
        while client.bookmark().sequence < mark.sequence {
            if let Some(message) = client.next_event(CATCH_UP_TURN)? {
                blotter.take(&message);
            }
        }
        Ok(Self {
            connection: Connection::new(to, who, client),
            units,
            assets,
            indexes,
            blotter,
            news: Vec::new(),
            unanswered: BTreeSet::new(),
            links: BTreeMap::new(),
            asked: VecDeque::new(),
            positions: Vec::new(),
        })
    }

    /// The orders and trades.
    pub fn blotter(&self) -> &Blotter {
        &self.blotter
    }

    /// The session's id and the number of the next message.
    pub fn position(&self) -> (String, u64) {
        let mark = self.connection.mark();
        (mark.session.to_string(), mark.sequence)
    }

    /// Whether there is a connection.
    pub fn is_connected(&self) -> bool {
        self.connection.is_up()
    }

    /// Whether a connection is being made.
    pub fn is_connecting(&self) -> bool {
        self.connection.is_coming()
    }

    /// Processes the events that have arrived, with a wait of at most `timeout`. Returns whether there was any.
    pub fn turn(&mut self, timeout: Duration) -> bool {
        let (mut any, mut patience) = (false, timeout);
        while let Some(happening) = self.connection.turn(patience) {
            self.take(happening);
            (any, patience) = (true, Duration::ZERO);
        }
        any
    }

    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Message(message) => self.take_message(&message),
            Happening::Connected => {
                self.say_news("connected");
                // Its answer shows which orders have not arrived. If it cannot be sent, the connection is lost again.
                let asked = self.connection.client().map(Client::query_account);
                self.positions.clear();
                self.asked.clear();
                self.asked.extend(asked.is_some_and(|asked| asked.is_ok()).then_some(Asked::Arrived));
            }
            Happening::Lost(error) => self.say_news(&format!("connection lost: {error}; connecting again")),
            Happening::GivenUp(error) => {
                self.say_news(&format!("connection lost: {error}; `connect` connects again"));
            }
            Happening::SessionEnded(session) => {
                let open = self.blotter.orders().filter(|order| order.standing == Standing::Open).count();
                let orders = if open == 1 {
                    "1 order stays open".to_owned()
                } else {
                    format!("{open} orders stay open")
                };
                self.say_news(&format!("session {session} has ended; {orders}"));
                // Requests that the session had not answered by its end were not executed.
                self.forget_unanswered(UserRef(0));
            }
        }
    }

    fn take_message(&mut self, message: &ClientMessage) {
        self.blotter.take(message);
        match &message.event {
            ClientEvent::Accepted(order) => {
                self.unanswered.remove(&order.user_ref);
            }
            ClientEvent::Rejected { user_ref, .. } => {
                self.unanswered.remove(user_ref);
            }
            ClientEvent::AccountState { next_user_ref, balance, wallet, .. } => {
                match if message.copy_of.is_none() { self.asked.pop_front() } else { None } {
                    Some(Asked::Arrived) => return self.forget_unanswered(*next_user_ref),
                    Some(Asked::Position) => return self.say_positions(),
                    Some(Asked::Shown) | None => {}
                }
                self.news.extend(balance.iter().map(|balance| self.assets.line(balance)));
                let wallet = wallet.as_ref();
                self.news.extend(wallet.map(|(shard, wallet)| self.assets.wallet_line(*shard, wallet)));
            }
            ClientEvent::PositionState(report) if message.copy_of.is_none() => self.positions.push(*report),
            ClientEvent::PositionChanged(update) => {
                self.say_news(&positions::changed(update, self.units.find(update.symbol)));
            }
            ClientEvent::FundingPaid(payment) => {
                self.say_news(&positions::funded(payment, self.units.find(payment.symbol)));
            }
            ClientEvent::FundPaid(payment) => self.say_news(&self.assets.covered(payment)),
            ClientEvent::SessionStarted => {
                let blotter = &self.blotter;
                self.links
                    .retain(|one, other| blotter.order(*one).is_some() && blotter.order(*other).is_some());
                let (session, _) = self.position();
                self.say_news(&format!("session {session} has begun"));
            }
            ClientEvent::SessionEnded
            | ClientEvent::PositionState(_)
            | ClientEvent::Replaced { .. }
            | ClientEvent::Executed { .. }
            | ClientEvent::Canceled { .. }
            | ClientEvent::SelfTradePrevented { .. }
            | ClientEvent::Modified { .. }
            | ClientEvent::CancelRejected { .. }
            | ClientEvent::CancelPending { .. }
            | ClientEvent::PriorityUpdated { .. }
            | ClientEvent::Refreshed { .. }
            | ClientEvent::MassCanceled { .. }
            | ClientEvent::OrderEntryDisabled { .. }
            | ClientEvent::OrderEntryEnabled { .. }
            | ClientEvent::Broken { .. } => {}
            ClientEvent::SettingMade { user_ref, symbol, setting, pot, wallet } => {
                self.news.push(made((*user_ref, *symbol), setting, [*pot, *wallet]));
            }
            ClientEvent::TransferSent { user_ref, transfer, wallet, .. } => {
                let line = self.assets.transferred(*user_ref, transfer, *wallet);
                self.say_news(&line);
            }
            ClientEvent::IndexAnswered { user_ref, index, price, outcome, .. } => {
                let line = self.indexes.answered(*user_ref, *index, *price, *outcome);
                self.say_news(&line);
            }
        }
        self.news.extend(told(&message.event, &self.blotter, &self.units));
    }

    /// Says the positions, once all of them were told.
    fn say_positions(&mut self) {
        if !self.asked.contains(&Asked::Position) {
            let told = std::mem::take(&mut self.positions);
            self.news.extend(positions::lines(&told, |position| self.units.find(position.symbol)));
        }
    }

    /// Reports that orders from this number on have not arrived and will not arrive.
    fn forget_unanswered(&mut self, from: UserRef) {
        for lost in self.unanswered.split_off(&from) {
            self.say_news(&format!("#{lost} did not reach the exchange; it is not sent again"));
        }
    }

    /// Moves money between the wallet and a position; below 0: to the wallet.
    fn move_margin(
        &mut self,
        amount: Decimal,
        code: &str,
        (symbol, leg): (Symbol, PositionLeg),
    ) -> anyhow::Result<()> {
        let (_, exact) = self.assets.amount(code, amount.abs())?;
        let amount = if amount.is_sign_negative() { Amount(-exact.0) } else { exact };
        let setting = Setting::Margin { leg, amount };
        self.numbering()?.set_in_contract(symbol, setting)?;
        Ok(())
    }

    fn say_news(&mut self, line: &str) {
        self.news.push(line.to_owned());
    }

    /// The messages for the user since the last call.
    pub fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    /// Logs out.
    pub fn leave(self) {
        self.connection.leave();
    }

    fn client(&mut self) -> anyhow::Result<&mut Client> {
        connected(&mut self.connection)
    }

    /// The client. Its next number is moved past numbers that open orders of earlier sessions use.
    fn numbering(&mut self) -> anyhow::Result<&mut Client> {
        let client = connected(&mut self.connection)?;
        while let Some(next) = client.next_user_ref()
            && self.blotter.order(next).is_some_and(|order| order.standing == Standing::Open)
        {
            client.pass_over(next);
        }
        Ok(client)
    }

    /// Executes an input line.
    ///
    /// # Errors
    /// The problem with the line; nothing is sent then.
    pub fn say(&mut self, line: &Line) -> anyhow::Result<Said> {
        match line {
            Line::Blank => {}
            Line::Help => return Ok(Said::Help),
            Line::Orders => return Ok(Said::Orders),
            Line::Fills => return Ok(Said::Fills),
            Line::Quit => return Ok(Said::Quit),
            Line::Connect => match self.connection.is_up() {
                true => bail!("there is a connection"),
                false => self.connection.connect(),
            },
            Line::Enter(asked) => {
                let order = self.new_order(asked)?;
                let number = self.numbering()?.enter(&order)?;
                self.unanswered.insert(number);
                if let Some(other) = asked.link {
                    self.links.extend([(number, other), (other, number)]);
                }
            }
            Line::Replace { order, quantity, price } => self.replace(*order, *quantity, *price)?,
            Line::Reduce { order, quantity } => {
                let (known, units) = self.known(*order)?;
                let total = units.lots(*quantity)?;
                self.client()?.modify(*order, known.side, total)?;
            }
            Line::Cancel { order, to: None } if self.blotter.order(*order).is_none() => {
                self.client()?.cancel(*order)?;
                self.say_news(&format!("order {order} is not known here; its cancel was sent"));
            }
            Line::Cancel { order, to } => {
                let (_, units) = self.known(*order)?;
                match to {
                    Some(to) => self.client()?.reduce(*order, units.lots(*to)?)?,
                    None => self.client()?.cancel(*order)?,
                }
            }
            Line::CancelAll { symbol, side } => drop(self.numbering()?.cancel_all(*symbol, *side)?),
            Line::Transfer { amount, code, from, to, reference } => {
                let (asset, amount) = self.assets.amount(code, *amount)?;
                let (from, to, reference) = (*from, *to, *reference);
                self.numbering()?.transfer(&ClientTransfer { asset, amount, from, to, reference })?;
            }
            Line::Set { symbol, setting } => drop(self.numbering()?.set_in_contract(*symbol, *setting)?),
            Line::PositionMode { shard, mode } => {
                self.numbering()?.set_position_mode(*shard, *mode)?;
            }
            Line::Margin { amount, code, symbol, leg } => self.move_margin(*amount, code, (*symbol, *leg))?,
            Line::Index { symbol, price } => {
                let (index, price) = self.indexes.price(*symbol, *price)?;
                self.numbering()?.send_index(index, price, now())?;
            }
            Line::Balances => self.ask_balances()?,
            Line::Positions => self.ask_positions()?,
            Line::Next => {
                self.client()?.query_account()?;
                self.asked.push_back(Asked::Shown);
            }
            Line::Hold(ms) => {
                self.client()?.cancel_all_after(*ms)?;
                self.asked.push_back(Asked::Shown);
            }
            Line::OrderEntry(true) => drop(self.numbering()?.enable_order_entry()?),
            Line::OrderEntry(false) => drop(self.numbering()?.disable_order_entry()?),
        }
        Ok(Said::Done)
    }

    fn replace(&mut self, order: UserRef, quantity: Decimal, price: Decimal) -> anyhow::Result<()> {
        let (known, units) = self.known(order)?;
        if let Some(Remark::Trigger(..)) = waiting(&known) {
            bail!(
                "order {order} waits for its trigger, which a replacement would not: cancel it and enter another"
            );
        }
        let total = u64::from(units.lots(quantity)?);
        let by = Replacement::total(total).limit(units.price_units(price)?);
        self.numbering()?.replace(order, &by)?;
        Ok(())
    }

    /// Asks for the positions in all contracts.
    fn ask_positions(&mut self) -> anyhow::Result<()> {
        let contracts = self.units.iter().filter(|units| units.product.is_contract());
        let contracts: Vec<Symbol> = contracts.map(|units| units.symbol).collect();
        ensure!(!contracts.is_empty(), "the configuration has no contracts");
        for symbol in contracts {
            self.client()?.query_position(symbol)?;
            self.asked.push_back(Asked::Position);
        }
        Ok(())
    }

    /// Asks for the wallets of all shards, or for the one that there is.
    fn ask_balances(&mut self) -> anyhow::Result<()> {
        let wallets = self.assets.wallets();
        if wallets.is_empty() {
            for asset in self.assets.ids() {
                self.client()?.query_balance(asset)?;
                self.asked.push_back(Asked::Shown);
            }
        }
        for (shard, asset) in wallets {
            self.client()?.query_wallet(shard, asset)?;
            self.asked.push_back(Asked::Shown);
        }
        Ok(())
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
        let closes = asked.asks.effect == Effect::ClosePosition;
        let quantity = if closes { 0 } else { u64::from(lots(asked.quantity)?) };
        let mut order = match asked.side {
            Side::Buy => NewOrder::buy(asked.symbol, quantity),
            Side::Sell => NewOrder::sell(asked.symbol, quantity),
        };
        order.terms.instructions = asked.asks;
        if let Some(price) = asked.price {
            order = order.limit(units.price_units(price)?);
        }
        order = match asked.stands {
            Stands::Day => order,
            Stands::Immediate => order.immediate_or_cancel(),
            Stands::AllOrNothing => order.fill_or_kill(),
            Stands::Until(second) => order.until(still_to_come(second, second_of_day())?),
        };
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
            order = order.cl_ord_id(Remark::Trigger(kind, price).text());
        } else if let Some(other) = asked.link {
            order = order.cl_ord_id(Remark::Link(other).text());
        }
        if let Some(other) = asked.link {
            let (linked, _) = self.known(other)?;
            ensure!(
                (linked.symbol, linked.side) == (asked.symbol, asked.side),
                "order {other} is not of the same instrument and side, and cannot be linked"
            );
            order = order.linked_to(other);
        }
        Ok(order)
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
            self.standing_of(order),
        ]
    }

    /// The state of an order, or the trigger that it waits for and the order that it is linked to.
    fn standing_of(&self, order: &OrderLine) -> String {
        let mut text = match waiting(order) {
            Some(Remark::Trigger(kind, price)) => waits_for(self.units.find(order.symbol), kind, price),
            Some(Remark::Link(_)) | None => standing(order.standing),
        };
        let link = self.links.get(&order.user_ref).copied().or(match Remark::read(&order.cl_ord_id) {
            Some(Remark::Link(other)) => Some(other),
            Some(Remark::Trigger(..)) | None => None,
        });
        let is_open = |order: &OrderLine| order.standing == Standing::Open;
        let is_linked = |other: &UserRef| is_open(order) && self.blotter.order(*other).is_some_and(is_open);
        if let Some(other) = link.filter(is_linked) {
            text.push_str(&format!(", link #{other}"));
        }
        text
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
                fill.liquidity.brief().to_owned(),
            ]
        };
        self.blotter.fills().iter().rev().take(most).map(row).collect()
    }
}

fn connected(connection: &mut Connection) -> anyhow::Result<&mut Client> {
    connection.client().context("there is no connection; `connect` connects at once")
}

/// What the account has set.
fn made((user_ref, symbol): (UserRef, Symbol), setting: &Setting, [pot, wallet]: [Amount; 2]) -> String {
    let has = |what: String| format!("#{user_ref}: {symbol} has {what}");
    match setting {
        Setting::PositionMode { shard, mode } => {
            format!("#{user_ref}: {} mode in shard {shard}", mode.word())
        }
        Setting::MarginMode(mode) => has(format!("{} margin", mode.word())),
        Setting::Leverage(leverage) => has(format!("a leverage of {leverage}")),
        Setting::Margin { .. } => has(format!("{pot} minor units behind it, {wallet} in the wallet")),
    }
}

/// The text for the user about a message; `None` if the message only changes the lists.
fn told(event: &ClientEvent, blotter: &Blotter, table: &UnitsTable) -> Option<String> {
    let units_of = |user_ref: UserRef| blotter.order(user_ref).and_then(|order| table.find(order.symbol));
    Some(match event {
        ClientEvent::Accepted(order) => {
            let units = table.find(order.symbol);
            let (side, lots) = (side_word(order.side), shown_quantity(units, order.quantity.0));
            let (symbol, price) = (order.symbol.text(), shown_limit(units, order.price));
            let waits = match Remark::read(&order.cl_ord_id) {
                Some(Remark::Trigger(kind, price)) => format!(", {}", waits_for(units, kind, price)),
                Some(Remark::Link(_)) | None => String::new(),
            };
            format!("#{} accepted: {side} {lots} {symbol} at {price}{waits}", order.user_ref)
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
        // The desk reports balances, transfers, settings, prices of indexes and sessions.
        ClientEvent::AccountState { balance: Some(_), .. }
        | ClientEvent::AccountState { wallet: Some(_), .. }
        | ClientEvent::TransferSent { .. }
        | ClientEvent::IndexAnswered { .. }
        | ClientEvent::FundPaid(_) => return None,
        // As sentences and a table of their own.
        ClientEvent::PositionState(_) | ClientEvent::PositionChanged(_) | ClientEvent::FundingPaid(_) => {
            return None;
        }
        ClientEvent::AccountState { next_user_ref, cancel_at: None, .. } => {
            format!("the next number is {next_user_ref}")
        }
        ClientEvent::AccountState { next_user_ref, cancel_at: Some(at), .. } => {
            let at = clock(at.since_midnight_ns());
            format!("the next number is {next_user_ref}; all orders are cancelled at {at} unless held again")
        }
        ClientEvent::SessionStarted | ClientEvent::SessionEnded => return None,
        ClientEvent::Refreshed { .. }
        | ClientEvent::CancelPending { .. }
        | ClientEvent::SettingMade { .. }
        | ClientEvent::Broken { .. } => return None,
    })
}

/// The trigger that an order waits for, or its link, while that applies.
fn waiting(order: &OrderLine) -> Option<Remark> {
    let waits = order.standing == Standing::Open && !order.was_triggered;
    waits.then(|| Remark::read(&order.cl_ord_id)).flatten()
}

fn waits_for(units: Option<&Units>, kind: TriggerKind, price: u32) -> String {
    let kind = match kind {
        TriggerKind::Stop => "stop",
        TriggerKind::TakeProfit => "profit",
        TriggerKind::TrailingStop => "trail",
    };
    format!("waits: {kind} {}", shown_price(units, u64::from(price)))
}

impl Earlier {
    /// The messages of earlier sessions, the latest session first, as far as they are kept.
    fn read(
        &self,
        to: &Endpoint,
        who: &Credentials,
        present: SessionId,
    ) -> Result<Vec<Vec<ClientMessage>>, ClientError> {
        let mut read = Vec::new();
        let Some(first) = self.first else { return Ok(read) };
        let number = first.number_of(present).unwrap_or(0);
        let sessions =
            (0..number).rev().take(self.sessions_max as usize).map_while(|number| first.after(number));
        for session in sessions {
            match read_session(to, who, session) {
                Ok(messages) => read.push(messages),
                Err(
                    ClientError::Rejected { reason: LoginRejected::SessionNotAvailable, .. }
                    | ClientError::Closed(_),
                ) => {
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

/// All messages of an ended session.
fn read_session(
    to: &Endpoint,
    who: &Credentials,
    session: SessionId,
) -> Result<Vec<ClientMessage>, ClientError> {
    let start = Start::At(Bookmark { session, sequence: 1, next_user_ref: None });
    let mut client = Client::listen(to.clone(), who, start)?;
    let mut messages = Vec::new();
    loop {
        match client.next_event(CATCH_UP_TURN) {
            Ok(message) => messages.extend(message),
            Err(ClientError::SessionEnded) => return Ok(messages),
            Err(error) => return Err(error),
        }
    }
}

/// "remaining " if a cancel removed the rest of an order.
fn which_part(blotter: &Blotter, user_ref: UserRef) -> &'static str {
    match blotter.order(user_ref) {
        Some(order) if order.open > 0 => "",
        _ => "remaining ",
    }
}

/// The state of an order, in words.
pub fn standing(standing: Standing) -> String {
    match standing {
        Standing::Open => "open".to_owned(),
        Standing::Filled => "filled".to_owned(),
        Standing::Canceled(code) => format!("cancelled ({})", code.brief()),
        Standing::SelfTradePrevented => format!("cancelled ({})", CancelCode(b'Q').brief()),
        Standing::Replaced(by) => format!("replaced by #{by}"),
    }
}

/// The present time, of this machine's clock.
fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX))
}

/// Seconds since midnight UTC.
fn second_of_day() -> u32 {
    (now().0 / Timestamp::SECOND % 86_400) as u32
}

/// Checks that an order's end time is still to come today; the exchange would refuse a past time.
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
        OrderPrice::Limit(limit) => shown_price(units, limit.unsigned_abs()),
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
