//! Whether an order may be: the checks in the order of docs/RULES.md.

use super::contracts::prices::Range;
use super::money::Buyer;
use super::orders::{Order, Waiting};
use super::{AMOUNT_MAX, DAY, Naive, SECOND, TRIGGERS_MAX};
use dojima::domain::{
    AccountId, Echo, Instructions, InstrumentId, Listing, LoginId, OrderId, OrderPrice, Phase, PostOnly,
    Quantity, QuantityUnit, RejectReason, Side, TimeInForce, Trigger, TriggerKind, TriggerReference, UserRef,
    Visibility,
};
use rust_decimal::Decimal;

type Checked<T> = Result<T, RejectReason>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Enter,
    Replace,
    Amend,
}

/// What an enter, a replace, and an amend that becomes a replace have in common.
pub struct Ask {
    pub kind: Kind,
    pub login: LoginId,
    pub account: AccountId,
    pub user_ref: UserRef,
    pub instrument: InstrumentId,
    pub side: Side,
    pub time_in_force: TimeInForce,
    pub price: OrderPrice,
    pub quantity: u64,
    /// Lots that the chain has executed.
    pub executed: i128,
    /// The chain's carry.
    pub carry: Decimal,
    pub echo: Echo,
    pub instructions: Instructions,
}

impl Ask {
    fn is_market(&self) -> bool {
        self.price == OrderPrice::Market
    }

    fn is_immediate(&self) -> bool {
        self.is_market() || self.time_in_force == TimeInForce::ImmediateOrCancel
    }

    fn waits(&self) -> bool {
        self.instructions.trigger.is_some()
    }

    /// Whether it has the book looked at before it trades, as soon as it is accepted.
    fn looks_first(&self) -> bool {
        !self.waits() && (self.instructions.min_quantity > 0 || self.is_money())
    }

    fn is_money(&self) -> bool {
        self.instructions.unit == QuantityUnit::QuoteAmount
    }
}

fn refuse_if(refused: bool, reason: RejectReason) -> Checked<()> {
    if refused { Err(reason) } else { Ok(()) }
}

impl Naive {
    /// Checks 3 to 5. An order that comes through counts for its rate.
    pub(super) fn gate(&mut self, ask: &Ask) -> Checked<()> {
        let known = self.instruments.get(ask.instrument.0 as usize).ok_or(RejectReason::UnknownInstrument)?;
        let phase = known.listing.phase;
        refuse_if(phase == Phase::Delisted, RejectReason::InstrumentDelisted)?;
        refuse_if(known.contract.expired, RejectReason::ContractExpired)?;
        let book_by = ask.instructions.book_by.0;
        refuse_if(book_by > 0 && self.now > book_by, RejectReason::TooLate)?;
        self.killed(ask.account)?;
        self.open_for_orders(ask.instrument)?;
        self.gathers_for(ask)?;
        self.count_rate(ask.account, ask.instrument)
    }

    /// Whether the phase takes orders at all.
    pub(super) fn open_for_orders(&self, instrument: InstrumentId) -> Checked<()> {
        match self.phase(instrument) {
            Phase::Closed => Err(RejectReason::InstrumentClosed),
            Phase::Halted => Err(RejectReason::InstrumentHalted),
            Phase::CancelOnly => Err(RejectReason::CancelOnly),
            _ => Ok(()),
        }
    }

    /// Whether the order is one that can wait for an auction, if there is one.
    pub(super) fn gathers_for(&self, ask: &Ask) -> Checked<()> {
        let Instructions { post_only, min_quantity, .. } = ask.instructions;
        let at_once = ask.is_immediate() || post_only != PostOnly::No || min_quantity > 0;
        let gathers = self.phase(ask.instrument).gathers();
        refuse_if(gathers && at_once && !ask.waits(), RejectReason::NotInAuction)
    }

    pub(super) fn count_rate(&mut self, account: AccountId, instrument: InstrumentId) -> Checked<()> {
        let second = self.now / SECOND;
        let (who, at) = (account.0 as usize, instrument.0 as usize);
        let rates = &mut self.instruments[at].rates;
        rates.resize(rates.len().max(who + 1), super::Rate::default());
        let of_account = (self.accounts[who].limits.orders_per_second_max, self.accounts[who].rate);
        let here = (self.instruments[at].limits.orders_per_second_max, self.instruments[at].rates[who]);
        for (most, rate) in [of_account, here] {
            refuse_if(most > 0 && rate.in_second(second) >= most, RejectReason::OrderRateExceeded)?;
        }
        self.accounts[who].rate.add(second, 1);
        self.instruments[at].rates[who].add(second, 1);
        Ok(())
    }

    /// The looks of check 5, and checks 6 to 14. The order that is replaced was taken out before. What comes back lacks only its number.
    pub(super) fn check(&self, ask: &Ask) -> Checked<Order> {
        let may_look = !ask.looks_first() || self.looks_are_left(ask.account);
        refuse_if(!may_look, RejectReason::OrderRateExceeded)?;
        let bad = excluded(ask) || self.not_for_product(ask);
        refuse_if(bad, RejectReason::InvalidInstructions)?;
        let waiting = ask.instructions.trigger.map(|trigger| self.trigger(ask, trigger)).transpose()?;
        let expire_s = self.expire_time(ask)?;
        let price = self.limit_price(ask)?;
        let total = self.quantity(ask)?;
        self.notionals(ask, price, total)?;
        self.right_side(ask)?;
        let open = self.open_lots(ask, total - ask.executed)?;
        let total = ask.executed + open;
        let mut order = Order {
            id: OrderId(0),
            login: ask.login,
            account: ask.account,
            user_ref: ask.user_ref,
            instrument: ask.instrument,
            side: ask.side,
            price,
            time_in_force: ask.time_in_force,
            total,
            open,
            slice: 0,
            money: ask.is_money().then_some(i128::from(ask.quantity)),
            expire_s,
            waiting,
            oco: None,
            asked: ask.instructions,
            carry: ask.carry,
            reserved: 0,
            echo: ask.echo,
            due: None,
        };
        order.show_slice();
        // The lots that it has beyond the first of two linked orders: whether it can be linked is asked later.
        let first = self.linked_to(ask);
        order.oco = first.ok().flatten().map(|first| first.id);
        self.holds_limits(ask, &order)?;
        let first = first?;
        order.price = self.price_to_rest_at(ask, price)?;
        order.reserved = if self.is_contract(ask.instrument) {
            self.within_price_limits(&order)?;
            self.margin_for(&order, first)?
        } else {
            self.funds(&order, first)?
        };
        let takes_room = order.may_rest() || order.waiting.is_some();
        let room =
            ask.kind != Kind::Enter || !takes_room || self.orders.len() < self.limits.orders_max as usize;
        refuse_if(!room, RejectReason::TooManyOrders)?;
        self.room_to_reduce(&order)?;
        let dormant = self.dormant(ask.instrument).len();
        let own = self.orders.iter().filter(|order| order.account == ask.account && order.waiting.is_some());
        let share =
            self.share(self.account(ask.account).limits.triggers_max, self.limits.account_triggers_max);
        let full = own.count() >= share || dormant >= TRIGGERS_MAX;
        refuse_if(order.waiting.is_some() && full, RejectReason::TooManyTriggers)?;
        Ok(order)
    }

    fn trigger(&self, ask: &Ask, trigger: Trigger) -> Checked<Waiting> {
        let Trigger { kind, reference, price: units } = trigger;
        let tick = self.listing(ask.instrument).tick_units;
        let good = units > 0 && u64::from(units) < Listing::PRICE_END && units.is_multiple_of(tick);
        let of_spot = reference == TriggerReference::IndexPrice && !self.is_contract(ask.instrument);
        refuse_if(!good || of_spot, RejectReason::InvalidTrigger)?;
        let price = i128::from(units / tick);
        let now = self.reference(ask.instrument, reference);
        let extreme = if kind == TriggerKind::TrailingStop { now } else { None };
        let waiting = Waiting { said: trigger, kind, reference, price, extreme, held_units: 0 };
        let stop = waiting.at(ask.side).unwrap_or(price).max(price);
        let stop = if kind == TriggerKind::TrailingStop { stop } else { price };
        Ok(Waiting { held_units: stop * i128::from(tick), ..waiting })
    }

    /// The second at which it ends; 0 for an order that has none.
    fn expire_time(&self, ask: &Ask) -> Checked<u32> {
        if ask.time_in_force != TimeInForce::GoodTillTime {
            return Ok(0);
        }
        let said = u64::from(ask.instructions.expire_s);
        let second = if said < 86_400 { self.now / DAY * 86_400 + said } else { said };
        refuse_if(second.saturating_mul(SECOND) <= self.now, RejectReason::InvalidExpireTime)?;
        u32::try_from(second).map_err(|_| RejectReason::InvalidExpireTime)
    }

    fn limit_price(&self, ask: &Ask) -> Checked<Option<i128>> {
        let OrderPrice::Limit(units) = ask.price else { return Ok(None) };
        let known = self.instrument(ask.instrument);
        refuse_if(units <= 0 || units >= Listing::PRICE_END as i64, RejectReason::InvalidPrice)?;
        let tick = i64::from(known.listing.tick_units);
        refuse_if(units % tick != 0, RejectReason::PriceOffTick)?;
        let price = i128::from(units / tick);
        refuse_if(!self.within_limits(ask.instrument, price), RejectReason::PriceOutOfLimits)?;
        Ok(Some(price))
    }

    fn within_limits(&self, instrument: InstrumentId, price: i128) -> bool {
        let known = self.instrument(instrument);
        let units = price * i128::from(known.listing.tick_units);
        let (min, max) = (known.protection.price_min, known.protection.price_max);
        let range = self.price_range(instrument);
        let in_range = |range: Range| (range.lowest..=range.highest).contains(&(price as i64));
        units >= i128::from(min) && (max == 0 || units <= i128::from(max)) && range.is_none_or(in_range)
    }

    /// The chain's lots.
    fn quantity(&self, ask: &Ask) -> Checked<i128> {
        if ask.is_money() {
            return self.quantity_in_money(ask);
        }
        if ask.closes() {
            refuse_if(ask.quantity != 0, RejectReason::InvalidQuantity)?;
            return Ok(ask.executed + if ask.waits() { 1 } else { self.lots_to_close(ask).max(1) });
        }
        let known = self.instrument(ask.instrument);
        let terms = &known.listing;
        let total = i128::from(ask.quantity);
        refuse_if(total <= ask.executed, RejectReason::InvalidQuantity)?;
        let too_few = ask.quantity < terms.min_quantity.0 && !self.closes_any(ask);
        refuse_if(too_few, RejectReason::QuantityBelowMinimum)?;
        let limits = [known.limits, self.account(ask.account).limits, self.login(ask.login).limits];
        let limits = limits.map(|limits| limits.quantity_max);
        let above = |most: Quantity| most.0 > 0 && ask.quantity > most.0;
        refuse_if(
            ask.quantity > terms.max_quantity.0 || limits.into_iter().any(above),
            RejectReason::QuantityAboveMaximum,
        )?;
        let min = u64::from(ask.instructions.min_quantity);
        refuse_if(min > ask.quantity, RejectReason::InvalidMinQuantity)?;
        let display = u64::from(ask.instructions.display_quantity);
        let good = display == 0 || (terms.min_quantity.0..=ask.quantity).contains(&display);
        refuse_if(!good, RejectReason::InvalidDisplayQuantity)?;
        Ok(total)
    }

    fn quantity_in_money(&self, ask: &Ask) -> Checked<i128> {
        let money = i128::from(ask.quantity);
        refuse_if(money == 0 || money > AMOUNT_MAX, RejectReason::InvalidQuantity)?;
        if ask.waits() {
            return Ok(1);
        }
        let buyer = Buyer { account: ask.account, instrument: ask.instrument, carry: ask.carry };
        self.lots_for(&buyer, ask.side, money)
    }

    fn notionals(&self, ask: &Ask, price: Option<i128>, total: i128) -> Checked<()> {
        let Some(price) = price else { return Ok(()) };
        let known = self.instrument(ask.instrument);
        let whole = self.value(ask.instrument, price, total).ok_or(RejectReason::NotionalTooLarge)?;
        let too_small = whole < i128::from(known.listing.min_notional.0) && !self.closes_any(ask);
        refuse_if(too_small, RejectReason::NotionalBelowMinimum)?;
        for limits in [known.limits, self.account(ask.account).limits, self.login(ask.login).limits] {
            let most = i128::from(limits.notional_max.0);
            refuse_if(most > 0 && whole > most, RejectReason::NotionalAboveMaximum)?;
        }
        Ok(())
    }

    /// Whether an order has no smallest size, for it must be possible to close every position.
    fn closes_any(&self, ask: &Ask) -> bool {
        self.is_contract(ask.instrument) && ask.only_reduces()
    }

    fn holds_limits(&self, ask: &Ask, order: &Order) -> Checked<()> {
        let open = order.open;
        let known = self.instrument(ask.instrument);
        let (here, of_account) = (known.limits, self.account(ask.account).limits);
        let theirs: Vec<_> = self.orders.iter().filter(|order| order.account == ask.account).collect();
        let may_stay = !ask.is_immediate() || ask.waits();
        let share = self.share(of_account.open_orders_max, self.limits.account_orders_max);
        refuse_if(may_stay && theirs.len() >= share, RejectReason::OpenOrdersAboveLimit)?;
        let theirs_here = || theirs.iter().filter(|order| order.instrument == ask.instrument);
        if self.is_contract(ask.instrument) {
            self.position_limits(ask, order)?;
        } else if ask.side == Side::Buy {
            let held = self.holding(ask.account, known.listing.base).total / i128::from(known.listing.lot.0);
            let on_order: i128 =
                theirs_here().filter(|order| order.side == Side::Buy).map(|order| order.open).sum();
            for most in [here.position_max, of_account.position_max] {
                let above = most.0 > 0 && held + on_order + open > i128::from(most.0);
                refuse_if(above, RejectReason::PositionAboveLimit)?;
            }
        }
        if may_stay {
            let of_login = self.orders.iter().filter(|order| order.login == ask.login).count();
            let counts = [
                (here.open_orders_max, theirs_here().count()),
                (self.login(ask.login).limits.open_orders_max, of_login),
            ];
            for (most, open) in counts {
                refuse_if(most > 0 && open >= most as usize, RejectReason::OpenOrdersAboveLimit)?;
            }
        }
        Ok(())
    }

    /// An account's own number, or where it has none the one that holds for all.
    fn share(&self, own: u32, of_all: u32) -> usize {
        if own > 0 { own as usize } else { of_all as usize }
    }

    /// The order that it is to be linked to.
    fn linked_to(&self, ask: &Ask) -> Checked<Option<&Order>> {
        if ask.instructions.oco == UserRef(0) {
            return Ok(None);
        }
        let first = self.find_named(ask.login, ask.instructions.oco).map(|at| &self.orders[at]);
        let alike = |order: &&Order| {
            let same = order.instrument == ask.instrument && order.side == ask.side;
            same && order.oco.is_none() && self.reduce_alike(ask, order)
        };
        first.filter(alike).map(Some).ok_or(RejectReason::LinkNotPossible)
    }

    /// The price of an order that must not trade with anything that is shown.
    fn price_to_rest_at(&self, ask: &Ask, price: Option<i128>) -> Checked<Option<i128>> {
        let others = self.in_trading_order(ask.instrument, ask.side.opposite());
        let shown = others.into_iter().find(|order| order.is_displayed());
        let (Some(limit), Some(best)) = (price, shown.map(Order::limit)) else { return Ok(price) };
        let (crosses, slid) = match ask.side {
            Side::Buy => (limit >= best, best - 1),
            Side::Sell => (limit <= best, best + 1),
        };
        if !crosses || ask.instructions.post_only == PostOnly::No {
            return Ok(price);
        }
        let units = slid * i128::from(self.listing(ask.instrument).tick_units);
        let there_is = (1..i128::from(Listing::PRICE_END)).contains(&units);
        let slides = ask.instructions.post_only == PostOnly::Slide
            && there_is
            && self.within_limits(ask.instrument, slid);
        if slides { Ok(Some(slid)) } else { Err(RejectReason::PostOnlyWouldTrade) }
    }

    /// What it has to hold. (What a market buy must reach for is not held.)
    fn funds(&self, order: &Order, first: Option<&Order>) -> Checked<i128> {
        let whole = self.needs(order).ok_or(RejectReason::NotionalTooLarge)?;
        let reserved = (whole - first.map_or(0, |first| first.reserved)).max(0);
        let mut needed = reserved;
        if order.waiting.is_none() && order.price.is_none() && order.side == Side::Buy {
            needed = self.cost_of_first_lot(&order.buyer());
            refuse_if(needed > AMOUNT_MAX, RejectReason::NotionalTooLarge)?;
        }
        let available = self.available(order.account, self.given_in(order));
        refuse_if(needed > available, RejectReason::InsufficientFunds)?;
        Ok(reserved)
    }
}

/// Instructions that exclude one another.
fn excluded(ask: &Ask) -> bool {
    let Instructions { min_quantity, display_quantity, oco, visibility, post_only, .. } = ask.instructions;
    let hidden = visibility == Visibility::Hidden;
    let posts = post_only != PostOnly::No;
    let linked = oco != UserRef(0);
    let shows_part = display_quantity > 0;
    (hidden && shows_part)
        || (posts && (ask.is_immediate() || min_quantity > 0 || ask.waits()))
        || (ask.is_money() && (!ask.is_market() || min_quantity > 0 || shows_part))
        || ((shows_part || hidden) && ask.is_immediate())
        || (linked && ask.is_immediate() && !ask.waits())
        || (ask.kind == Kind::Replace && (linked || ask.is_money()))
}
