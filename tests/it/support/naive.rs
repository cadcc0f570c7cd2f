//! The exchange once more, written from the rules and with no thought of speed.
//!
//! Everything is a plain vector that is sorted and searched from its start, and all arithmetic is `i128`. It shares
//! with the engine the values (commands, events, reasons) and no code that computes: prices, notionals, fees and reserves
//! are worked out here from their definitions. Where the two disagree, one of them has misread a rule.

use dojima::domain::{
    Accepted, AccountId, Amount, AssetCode, AssetId, Cancel, CancelReason, Canceled, Command, Echo, Enter,
    Event, Executed, IgnoreReason, Ignored, InstrumentId, ListInstrument, Listing, LoginId, OrderId,
    OrderPrice, Phase, Price, Quantity, RefuseEnter, RefuseReplace, RejectReason, Rejected, Replace,
    Replaced, Side, TimeInForce, TradeId, Transfer, UserRef,
};

const MILLION: i128 = 1_000_000;
const AMOUNT_MAX: i128 = i64::MAX as i128;

/// What an account holds of an asset: all of it, and how much of that open orders hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Available and reserved together, minor units.
    pub total: i128,
    /// Held for open orders, minor units.
    pub reserved: i128,
}

struct Asset {
    code: AssetCode,
    scale: u8,
    /// By account.
    held: Vec<i128>,
}

struct Login {
    account: AccountId,
    last: UserRef,
}

/// An open order, or one that is just being matched.
#[derive(Clone, Debug)]
struct Order {
    id: OrderId,
    login: LoginId,
    account: AccountId,
    user_ref: UserRef,
    instrument: InstrumentId,
    side: Side,
    /// Ticks; `None` for a market order.
    price: Option<i128>,
    total: i128,
    open: i128,
    /// Σ notional × rate of the chain's trades, in millionths of a minor unit.
    owed: i128,
    /// Fees that the chain has paid, minor units.
    paid: i128,
    /// What it holds now, minor units.
    reserved: i128,
    echo: Echo,
}

/// The naive exchange.
pub struct Naive {
    orders_max: usize,
    assets: Vec<Asset>,
    /// The last transfer of each account.
    accounts: Vec<u64>,
    logins: Vec<Login>,
    listings: Vec<Listing>,
    /// All resting orders of all instruments, in the order in which they came to rest.
    resting: Vec<Order>,
    orders: u64,
    trades: u64,
    opened: bool,
}

/// An amount that is known to fit.
fn amount(value: i128) -> Amount {
    Amount(i64::try_from(value).expect("no amount passes 2^63 - 1"))
}

fn lots(value: i128) -> Quantity {
    Quantity(u64::try_from(value).expect("no quantity is negative"))
}

fn ceil_div(value: i128, by: i128) -> i128 {
    (value + by - 1).div_euclid(by)
}

fn ticks(listing: &Listing, price: OrderPrice) -> Result<Option<i128>, RejectReason> {
    let OrderPrice::Limit(units) = price else { return Ok(None) };
    if units == 0 || units >= OrderPrice::LIMIT_END {
        return Err(RejectReason::InvalidPrice);
    }
    let tick = u64::from(listing.tick_units);
    if units % tick == 0 { Ok(Some(i128::from(units / tick))) } else { Err(RejectReason::PriceOffTick) }
}

fn notional(listing: &Listing, price: i128, open: i128) -> i128 {
    price * open * i128::from(listing.tick_value.0)
}

/// What is to pay for a further notional: an order's fees are Σ notional × rate, rounded up once.
fn next_fee(order: &Order, notional: i128, rate: i32) -> i128 {
    ceil_div(order.owed + notional * i128::from(rate), MILLION).max(order.paid) - order.paid
}

/// What an order must hold for these open lots at this price: a sell its base, a buy its notional and the higher of
/// the two fees on it.
fn needs(listing: &Listing, order: &Order, price: Option<i128>, open: i128) -> i128 {
    match (order.side, price) {
        (Side::Sell, _) => open * i128::from(listing.lot.0),
        (Side::Buy, None) => 0,
        (Side::Buy, Some(price)) => {
            let notional = notional(listing, price, open);
            notional + next_fee(order, notional, listing.maker_fee.0.max(listing.taker_fee.0))
        }
    }
}

fn paid_in(listing: &Listing, side: Side) -> AssetId {
    if side == Side::Buy { listing.quote } else { listing.base }
}

fn ignored(login: LoginId, user_ref: UserRef, reason: IgnoreReason) -> Vec<Event> {
    vec![Event::Ignored(Ignored { login, user_ref, reason })]
}

fn canceled(order: &Order, decrement: i128, reason: CancelReason) -> Event {
    let (login, user_ref, id) = (order.login, order.user_ref, order.id);
    Event::Canceled(Canceled {
        login,
        user_ref,
        order: id,
        decrement: lots(decrement),
        open: lots(order.open),
        reserved: amount(order.reserved),
        reason,
    })
}

impl Naive {
    /// An empty exchange that takes this many resting orders.
    pub fn new(orders_max: usize) -> Self {
        Self {
            orders_max,
            assets: Vec::new(),
            accounts: Vec::new(),
            logins: Vec::new(),
            listings: Vec::new(),
            resting: Vec::new(),
            orders: 0,
            trades: 0,
            opened: false,
        }
    }

    /// What the command does, told in events.
    pub fn apply(&mut self, command: &Command) -> Vec<Event> {
        match command {
            Command::Enter(enter) => self.enter(enter),
            Command::RefuseEnter(refuse) => self.refuse_enter(refuse),
            Command::Replace(replace) => self.replace(replace),
            Command::RefuseReplace(refuse) => self.refuse_replace(refuse),
            Command::Cancel(cancel) => self.cancel(cancel),
            other => vec![self.administer(other).unwrap_or_else(|reason| Event::Refused { reason })],
        }
    }

    /// What an account holds of an asset.
    pub fn holding(&self, account: AccountId, asset: AssetId) -> Holding {
        let total = self.assets[asset.0 as usize].held[account.0 as usize];
        let of_it = |order: &&Order| {
            let listing = &self.listings[order.instrument.0 as usize];
            order.account == account && paid_in(listing, order.side) == asset
        };
        Holding { total, reserved: self.resting.iter().filter(of_it).map(|order| order.reserved).sum() }
    }

    /// How many accounts and assets there are.
    pub fn sizes(&self) -> (usize, usize) {
        (self.accounts.len(), self.assets.len())
    }

    /// One side of a book in the order in which it would trade: order, ticks, open lots.
    pub fn book(&self, instrument: InstrumentId, side: Side) -> Vec<(OrderId, Price, Quantity)> {
        let mut found: Vec<_> = self
            .resting
            .iter()
            .filter(|order| order.instrument == instrument && order.side == side)
            .map(|order| (order.id, order.price.expect("what rests has a limit"), lots(order.open)))
            .collect();
        // A stable sort by price: what came to rest first stays first.
        found.sort_by_key(|(_, price, _)| if side == Side::Buy { -price } else { *price });
        let as_ticks = |price| Price(i64::try_from(price).expect("a price fits"));
        found.into_iter().map(|(id, price, open)| (id, as_ticks(price), open)).collect()
    }

    fn available(&self, account: AccountId, asset: AssetId) -> i128 {
        let holding = self.holding(account, asset);
        holding.total - holding.reserved
    }

    fn held(&mut self, account: AccountId, asset: AssetId) -> &mut i128 {
        &mut self.assets[asset.0 as usize].held[account.0 as usize]
    }

    // Administration.

    fn administer(&mut self, command: &Command) -> Result<Event, RejectReason> {
        match *command {
            Command::AddAsset { asset, code, scale } => {
                self.next(usize::from(asset.0), self.assets.len())?;
                if self.assets.iter().any(|known| known.code == code) {
                    return Err(RejectReason::DuplicateName);
                }
                if scale > 18 {
                    return Err(RejectReason::OutOfRange);
                }
                self.assets.push(Asset { code, scale, held: vec![0; self.accounts.len()] });
                Ok(Event::AssetAdded { asset, code, scale })
            }
            Command::OpenAccount { account } => {
                self.next(account.0 as usize, self.accounts.len())?;
                self.accounts.push(0);
                self.assets.iter_mut().for_each(|asset| asset.held.push(0));
                Ok(Event::AccountOpened { account })
            }
            Command::OpenLogin { login, account, .. } => {
                self.next(login.0 as usize, self.logins.len())?;
                self.accounts.get(account.0 as usize).ok_or(RejectReason::UnknownAccount)?;
                self.logins.push(Login { account, last: UserRef(0) });
                Ok(Event::LoginOpened { login, account })
            }
            Command::ListInstrument(terms) => self.list(&terms),
            Command::SetPhase { instrument, phase } => {
                let found = self.listings.get_mut(instrument.0 as usize);
                found.ok_or(RejectReason::UnknownInstrument)?.phase = phase;
                Ok(Event::PhaseSet { instrument, phase })
            }
            Command::Deposit(transfer) => self.transfer(transfer, 1),
            Command::Withdraw(transfer) => self.transfer(transfer, -1),
            Command::Open { config_digest } => {
                if std::mem::replace(&mut self.opened, true) {
                    return Err(RejectReason::AlreadyOpen);
                }
                Ok(Event::Opened { config_digest })
            }
            Command::SetLimits { orders_max } => {
                if orders_max == 0 || orders_max > 100_000_000 {
                    return Err(RejectReason::OutOfRange);
                }
                self.orders_max = orders_max as usize;
                Ok(Event::LimitsSet { orders_max })
            }
            _ => unreachable!("order entry is not administration"),
        }
    }

    fn next(&self, id: usize, len: usize) -> Result<(), RejectReason> {
        if id == len { Ok(()) } else { Err(RejectReason::IdNotNext) }
    }

    fn list(&mut self, terms: &ListInstrument) -> Result<Event, RejectReason> {
        self.next(terms.instrument.0 as usize, self.listings.len())?;
        if self.listings.iter().any(|known| known.symbol == terms.symbol) {
            return Err(RejectReason::DuplicateName);
        }
        if self.accounts.is_empty() {
            return Err(RejectReason::UnknownAccount);
        }
        let scale = |asset: AssetId| {
            let found = self.assets.get(usize::from(asset.0)).ok_or(RejectReason::UnknownAsset)?;
            Ok(u32::from(found.scale))
        };
        let (base_scale, quote_scale) = (scale(terms.base)?, scale(terms.quote)?);
        let good = terms.base != terms.quote
            && terms.price_decimals <= 9
            && (1..0x7FFF_FFFF).contains(&terms.tick_units)
            && terms.lot.0 >= 1
            && terms.min_quantity.0 >= 1
            && terms.min_quantity <= terms.max_quantity
            && terms.max_quantity.0 <= u64::from(u32::MAX)
            && terms.min_notional.0 >= 0
            && terms.maker_fee.0.max(terms.taker_fee.0) <= 1_000_000;
        if !good {
            return Err(RejectReason::OutOfRange);
        }
        let tick_on_lot = i128::from(terms.tick_units) * i128::from(terms.lot.0);
        let (added, taken) = (quote_scale, u32::from(terms.price_decimals) + base_scale);
        let value = if added >= taken {
            tick_on_lot.checked_mul(10_i128.pow(added - taken)).unwrap_or(i128::MAX)
        } else if tick_on_lot % 10_i128.pow(taken - added) == 0 {
            tick_on_lot / 10_i128.pow(taken - added)
        } else {
            return Err(RejectReason::TickLotNotWhole);
        };
        if value > AMOUNT_MAX {
            return Err(RejectReason::OutOfRange);
        }
        let ListInstrument { instrument, symbol, base, quote, price_decimals, tick_units, lot, .. } = *terms;
        let ListInstrument { min_quantity, max_quantity, min_notional, .. } = *terms;
        let ListInstrument { maker_fee, taker_fee, fee_asset, phase, .. } = *terms;
        self.listings.push(Listing {
            instrument,
            symbol,
            base,
            quote,
            price_decimals,
            tick_units,
            lot,
            tick_value: amount(value),
            min_quantity,
            max_quantity,
            min_notional,
            maker_fee,
            taker_fee,
            fee_asset,
            phase,
        });
        Ok(Event::InstrumentListed(*self.listings.last().expect("just listed")))
    }

    fn transfer(&mut self, transfer: Transfer, sign: i128) -> Result<Event, RejectReason> {
        let Transfer { account, asset, amount, reference } = transfer;
        let last = *self.accounts.get(account.0 as usize).ok_or(RejectReason::UnknownAccount)?;
        let supply: i128 =
            self.assets.get(asset.0 as usize).ok_or(RejectReason::UnknownAsset)?.held.iter().sum();
        if amount.0 < 1 {
            return Err(RejectReason::OutOfRange);
        }
        if reference <= last {
            return Err(RejectReason::DuplicateReference);
        }
        let change = sign * i128::from(amount.0);
        if supply + change > AMOUNT_MAX {
            return Err(RejectReason::SupplyTooLarge);
        }
        if self.available(account, asset) + change < 0 {
            return Err(RejectReason::InsufficientFunds);
        }
        *self.held(account, asset) += change;
        self.accounts[account.0 as usize] = reference;
        Ok(if sign > 0 { Event::Deposited(transfer) } else { Event::Withdrawn(transfer) })
    }

    // Order entry.

    /// The answer to a number that cannot be used, if there is one.
    fn number_used(&self, login: LoginId, user_ref: UserRef) -> Option<IgnoreReason> {
        match self.logins.get(login.0 as usize) {
            None => Some(IgnoreReason::UnknownLogin),
            Some(known) if user_ref <= known.last => Some(IgnoreReason::Retransmission),
            Some(_) => None,
        }
    }

    fn position(&self, login: LoginId, user_ref: UserRef) -> Option<usize> {
        self.resting.iter().position(|order| order.login == login && order.user_ref == user_ref)
    }

    fn enter(&mut self, enter: &Enter) -> Vec<Event> {
        let Enter { login, user_ref, instrument, side, echo, .. } = *enter;
        if let Some(reason) = self.number_used(login, user_ref) {
            return ignored(login, user_ref, reason);
        }
        let known = &mut self.logins[login.0 as usize];
        known.last = user_ref;
        let total = i128::from(enter.quantity.0);
        let mut order = Order {
            id: OrderId(0),
            login,
            account: known.account,
            user_ref,
            instrument,
            side,
            price: None,
            total,
            open: total,
            owed: 0,
            paid: 0,
            reserved: 0,
            echo,
        };
        let checked = self.check(&order, enter.price).and_then(|price| {
            let rests = price.is_some() && enter.time_in_force == TimeInForce::GoodTillCancel;
            let full = rests && self.resting.len() >= self.orders_max;
            if full { Err(RejectReason::TooManyOrders) } else { Ok(price) }
        });
        let price = match checked {
            Ok(price) => price,
            Err(reason) => {
                let cl_ord_id = echo.cl_ord_id;
                return vec![Event::Rejected(Rejected { login, user_ref, reason, cl_ord_id })];
            }
        };
        self.number(&mut order, price);
        let mut events = vec![Event::Accepted(Accepted {
            login,
            user_ref,
            order: order.id,
            instrument,
            side,
            time_in_force: enter.time_in_force,
            price: order.price.map(|ticks| Price(ticks as i64)),
            quantity: lots(order.open),
            reserved: amount(order.reserved),
            echo,
            ..Accepted::default()
        })];
        self.work(order, enter.time_in_force, &mut events);
        events
    }

    /// Holds an order against all rules, in the order in which the reasons are declared. What a replaced order holds is
    /// given back before: the caller has taken it out.
    fn check(&self, order: &Order, price: OrderPrice) -> Result<Option<i128>, RejectReason> {
        let listing =
            self.listings.get(order.instrument.0 as usize).ok_or(RejectReason::UnknownInstrument)?;
        if listing.phase == Phase::Closed {
            return Err(RejectReason::InstrumentClosed);
        }
        let price = ticks(listing, price)?;
        if order.total == 0 || order.open <= 0 {
            return Err(RejectReason::InvalidQuantity);
        }
        if order.total < i128::from(listing.min_quantity.0) {
            return Err(RejectReason::QuantityBelowMinimum);
        }
        if order.total > i128::from(listing.max_quantity.0) {
            return Err(RejectReason::QuantityAboveMaximum);
        }
        if let Some(price) = price {
            let whole = notional(listing, price, order.total);
            if whole < i128::from(listing.min_notional.0) {
                return Err(RejectReason::NotionalBelowMinimum);
            }
            if whole > AMOUNT_MAX {
                return Err(RejectReason::NotionalTooLarge);
            }
        }
        let mut needed = needs(listing, order, price, order.open);
        if let (None, Side::Buy, Some((_, best, _))) =
            (price, order.side, self.book(order.instrument, Side::Sell).first())
        {
            // A market buy must reach for one lot at the best price.
            let notional = notional(listing, i128::from(best.0), 1);
            needed = notional + next_fee(order, notional, listing.taker_fee.0);
        }
        if needed > AMOUNT_MAX {
            return Err(RejectReason::NotionalTooLarge);
        }
        if needed > self.available(order.account, paid_in(listing, order.side)) {
            return Err(RejectReason::InsufficientFunds);
        }
        Ok(price)
    }

    fn number(&mut self, order: &mut Order, price: Option<i128>) {
        self.orders += 1;
        order.id = OrderId(self.orders);
        order.price = price;
        order.reserved = needs(&self.listings[order.instrument.0 as usize], order, price, order.open);
    }

    /// The resting order that the other one would trade with first, if their prices cross.
    fn counterpart(&self, order: &Order) -> Option<usize> {
        let (best, price, _) = *self.book(order.instrument, order.side.opposite()).first()?;
        let price = i128::from(price.0);
        let crosses = match (order.side, order.price) {
            (_, None) => true,
            (Side::Buy, Some(limit)) => price <= limit,
            (Side::Sell, Some(limit)) => price >= limit,
        };
        crosses.then(|| self.resting.iter().position(|other| other.id == best).expect("it is in the book"))
    }

    /// How many lots the money of a market buy reaches for.
    fn affordable(&self, order: &Order, listing: &Listing, price: i128, wanted: i128) -> i128 {
        let money = self.available(order.account, listing.quote);
        let costs = |open: i128| {
            let notional = notional(listing, price, open);
            notional + next_fee(order, notional, listing.taker_fee.0)
        };
        // The search halves a range; the cost of more is never less.
        let (mut fits, mut too_many) = (0, wanted + 1);
        while too_many - fits > 1 {
            let middle = (fits + too_many) / 2;
            if costs(middle) <= money { fits = middle } else { too_many = middle }
        }
        fits
    }

    fn work(&mut self, mut order: Order, time_in_force: TimeInForce, events: &mut Vec<Event>) {
        let listing = self.listings[order.instrument.0 as usize];
        let mut reason = CancelReason::ImmediateOrCancel;
        while order.open > 0 {
            let Some(at) = self.counterpart(&order) else { break };
            let mut maker = self.resting.remove(at);
            let price = maker.price.expect("what rests has a limit");
            let wanted = order.open.min(maker.open);
            let mut open = wanted;
            if order.price.is_none() && order.side == Side::Buy {
                // The order put aside still holds its own, which is base; only quote is asked about.
                open = self.affordable(&order, &listing, price, wanted);
            }
            if open > 0 {
                events.push(self.trade(&listing, &mut maker, &mut order, price, open));
            }
            if maker.open > 0 {
                self.resting.insert(at, maker);
            }
            if open < wanted {
                reason = CancelReason::FundsExhausted;
                break;
            }
        }
        if order.open == 0 {
            return;
        }
        if order.price.is_some() && time_in_force == TimeInForce::GoodTillCancel {
            self.resting.push(order);
            return;
        }
        let left = std::mem::take(&mut order.open);
        order.reserved = 0;
        events.push(canceled(&order, left, reason));
    }

    fn trade(
        &mut self,
        listing: &Listing,
        maker: &mut Order,
        taker: &mut Order,
        price: i128,
        open: i128,
    ) -> Event {
        let value = notional(listing, price, open);
        let base = open * i128::from(listing.lot.0);
        let mut fees = Vec::new();
        for (order, rate) in [(&mut *maker, listing.maker_fee.0), (&mut *taker, listing.taker_fee.0)] {
            let fee = next_fee(order, value, rate);
            order.owed += value * i128::from(rate);
            order.paid += fee;
            order.open -= open;
            order.reserved = needs(listing, order, order.price, order.open);
            if order.open == 0 {
                order.reserved = 0;
            }
            let sign = if order.side == Side::Buy { 1 } else { -1 };
            *self.held(order.account, listing.base) += sign * base;
            *self.held(order.account, listing.quote) -= sign * value + fee;
            *self.held(AccountId::FEES, listing.quote) += fee;
            fees.push(amount(fee));
        }
        self.trades += 1;
        Event::Executed(Executed {
            trade: TradeId(self.trades),
            instrument: listing.instrument,
            taker_side: taker.side,
            price: Price(price as i64),
            quantity: lots(open),
            maker_login: maker.login,
            maker_user_ref: maker.user_ref,
            maker_order: maker.id,
            maker_fee: fees[0],
            maker_reserved: amount(maker.reserved),
            taker_login: taker.login,
            taker_user_ref: taker.user_ref,
            taker_order: taker.id,
            taker_fee: fees[1],
            taker_reserved: amount(taker.reserved),
            ..Executed::default()
        })
    }

    fn replace(&mut self, replace: &Replace) -> Vec<Event> {
        let Replace { login, orig_user_ref, user_ref, .. } = *replace;
        if let Some(reason) = self.number_used(login, user_ref) {
            return ignored(login, user_ref, reason);
        }
        let Some(at) = self.position(login, orig_user_ref) else {
            return ignored(login, orig_user_ref, IgnoreReason::OrderNotLive);
        };
        let instrument = self.resting[at].instrument;
        if self.listings[instrument.0 as usize].phase == Phase::Closed {
            // Live but not to be changed: answered, the number consumed, the order intact.
            self.logins[login.0 as usize].last = user_ref;
            let (reason, cl_ord_id) = (RejectReason::InstrumentClosed, replace.echo.cl_ord_id);
            return vec![Event::Rejected(Rejected { login, user_ref, reason, cl_ord_id })];
        }
        let mut old = self.resting.remove(at);
        let total = i128::from(replace.quantity.0);
        let mut new = Order { user_ref, total, open: total - (old.total - old.open), ..old.clone() };
        let price = match self.check(&new, replace.price) {
            Ok(price) => price,
            Err(reason) => return vec![self.gone(&mut old, CancelReason::InvalidReplace(reason))],
        };
        self.logins[login.0 as usize].last = user_ref;
        self.number(&mut new, price);
        let Echo { capacity, cross_type, firm, .. } = old.echo;
        let mut events = vec![Event::Replaced(Replaced {
            login,
            orig_user_ref,
            orig_order: old.id,
            user_ref,
            order: new.id,
            instrument,
            side: new.side,
            time_in_force: replace.time_in_force,
            price: new.price.map(|ticks| Price(ticks as i64)),
            quantity: lots(new.open),
            reserved: amount(new.reserved),
            echo: Echo { capacity, cross_type, firm, ..replace.echo },
            ..Replaced::default()
        })];
        self.work(new, replace.time_in_force, &mut events);
        events
    }

    /// An order that was taken out of the book loses all that was open.
    fn gone(&self, order: &mut Order, reason: CancelReason) -> Event {
        let left = std::mem::take(&mut order.open);
        order.reserved = 0;
        canceled(order, left, reason)
    }

    fn cancel(&mut self, cancel: &Cancel) -> Vec<Event> {
        let Cancel { login, user_ref, quantity } = *cancel;
        let Some(at) = self.position(login, user_ref) else {
            let known = (login.0 as usize) < self.logins.len();
            let reason = if known { IgnoreReason::OrderNotLive } else { IgnoreReason::UnknownLogin };
            return ignored(login, user_ref, reason);
        };
        let (order, wanted) = (&mut self.resting[at], i128::from(quantity.0));
        if wanted >= order.total {
            return ignored(login, user_ref, IgnoreReason::NothingToCancel);
        }
        let executed = order.total - order.open;
        if wanted <= executed {
            let mut order = self.resting.remove(at);
            return vec![self.gone(&mut order, CancelReason::UserRequested)];
        }
        let decrement = order.total - wanted;
        order.total = wanted;
        order.open -= decrement;
        order.reserved = needs(&self.listings[order.instrument.0 as usize], order, order.price, order.open);
        vec![canceled(order, decrement, CancelReason::UserRequested)]
    }

    fn refuse_enter(&mut self, refuse: &RefuseEnter) -> Vec<Event> {
        let RefuseEnter { login, user_ref, reason, cl_ord_id } = *refuse;
        if let Some(reason) = self.number_used(login, user_ref) {
            return ignored(login, user_ref, reason);
        }
        self.logins[login.0 as usize].last = user_ref;
        vec![Event::Rejected(Rejected { login, user_ref, reason, cl_ord_id })]
    }

    fn refuse_replace(&mut self, refuse: &RefuseReplace) -> Vec<Event> {
        let RefuseReplace { login, orig_user_ref, user_ref, reason, cl_ord_id } = *refuse;
        if let Some(reason) = self.number_used(login, user_ref) {
            return ignored(login, user_ref, reason);
        }
        let Some(at) = self.position(login, orig_user_ref) else {
            return ignored(login, orig_user_ref, IgnoreReason::OrderNotLive);
        };
        if reason == RejectReason::JournalSpaceLow {
            self.logins[login.0 as usize].last = user_ref;
            return vec![Event::Rejected(Rejected { login, user_ref, reason, cl_ord_id })];
        }
        let mut order = self.resting.remove(at);
        vec![self.gone(&mut order, CancelReason::InvalidReplace(reason))]
    }
}
