//! A seeded market: commands into a real exchange, its events out. The tests and the bench of the persister share it.

use dojima::domain::{
    AccountId, AdminCommand, Amount, AssetCode, AssetId, Cancel, ClOrdId, Command, Echo, Enter, Event,
    EventRecord, FeeRate, InstrumentId, ListInstrument, LoginId, LoginName, OrderCommand, OrderEvent,
    OrderPrice, Phase, Quantity, RefuseEnter, RefuseReplace, RejectReason, Replace, ShardId, Side, Stamp,
    Symbol, TimeInForce, Timestamp, Transfer, UserRef, VenueCommand, VenueLimits,
};
use dojima::exchange::{Exchange, ExchangeLimits};
use dojima::runtime::SplitMix64;
use std::collections::BTreeMap;

/// How often each thing happens, in parts of 1,000. What is left over are limit orders.
#[derive(Clone, Copy)]
pub struct Mix {
    pub replace: u64,
    pub cancel: u64,
    /// Orders that do not rest, or cross.
    pub take: u64,
    /// Refusals, retransmissions, deposits, withdrawals, partial cancels.
    pub odd: u64,
}

/// An open order.
#[derive(Clone, Copy)]
struct Open {
    side: Side,
    open: u64,
    /// With what the orders before it in its chain have executed.
    total: u64,
}

/// A market under way.
pub struct Market {
    pub exchange: Exchange,
    stamp: Stamp,
    last_event: u64,
    random: SplitMix64,
    mix: Mix,
    accounts: u32,
    last_refs: Vec<u32>,
    open: BTreeMap<(LoginId, UserRef), Open>,
    /// The same orders in no order, for a quick choice.
    names: Vec<(LoginId, UserRef)>,
    scratch: Vec<Event>,
}

const INSTRUMENTS: u32 = 2;
const MIDDLE: u64 = 500_000;

impl Market {
    /// An open market with this many accounts beside the fee account, one login each.
    pub fn new(seed: u64, accounts: u32, mix: Mix, events: &mut Vec<EventRecord>) -> Self {
        let mut market = Self {
            exchange: Exchange::new(ExchangeLimits {
                limits: VenueLimits::of_few_accounts(1 << 16),
                ..ExchangeLimits::default()
            }),
            stamp: Stamp { sequence: 0, time: Timestamp(1_795_000_000_000_000_000 + seed) },
            last_event: 0,
            random: SplitMix64::new(seed),
            mix,
            accounts,
            last_refs: vec![0; accounts as usize],
            open: BTreeMap::new(),
            names: Vec::new(),
            scratch: Vec::new(),
        };
        market.list(events);
        for id in 0..accounts {
            let (login, account) = (LoginId(id), AccountId(id + 1));
            market.apply(Command::Venue(VenueCommand::OpenAccount { account }), events);
            market.apply(
                Command::Venue(VenueCommand::OpenLogin { login, account, name: LoginName::default() }),
                events,
            );
            for (reference, asset) in [(1, AssetId(0)), (2, AssetId(1)), (3, AssetId(2))] {
                // The first accounts are poor, so that money runs out.
                let amount = Amount(if id < 3 { 30_000_000 } else { 1_000_000_000_000 });
                market.apply(
                    Command::Admin(AdminCommand::Deposit(Transfer {
                        account,
                        asset,
                        amount,
                        reference,
                        shard: ShardId::FIRST,
                    })),
                    events,
                );
            }
        }
        market.apply(Command::Venue(VenueCommand::Open { config_digest: 1 }), events);
        market
    }

    fn list(&mut self, events: &mut Vec<EventRecord>) {
        for (id, code, scale) in [(0, "USDT", 6), (1, "BTC", 8), (2, "YEN", 0)] {
            let code = AssetCode::new(code).expect("a code");
            self.apply(Command::Admin(AdminCommand::AddAsset { asset: AssetId(id), code, scale }), events);
        }
        self.apply(Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }), events);
        for (id, symbol, base) in [(0, "BTC-USDT", 1), (1, "YEN-USDT", 2)] {
            let lot = Amount(if base == 1 { 1_000 } else { 1 });
            let terms = ListInstrument {
                instrument: InstrumentId(id),
                symbol: Symbol::new(symbol).expect("a symbol"),
                base: AssetId(base),
                quote: AssetId(0),
                price_decimals: 2,
                tick_units: 10,
                lot,
                min_quantity: Quantity(1),
                max_quantity: Quantity(1_000_000),
                min_notional: Amount(0),
                maker_fee: FeeRate(200),
                taker_fee: FeeRate(500),
                phase: Phase::Continuous,
                ..ListInstrument::default()
            };
            self.apply(Command::Admin(AdminCommand::ListInstrument(terms)), events);
        }
    }

    /// Lets this many commands happen.
    pub fn run(&mut self, commands: usize, events: &mut Vec<EventRecord>) {
        for _ in 0..commands {
            let command = self.next_command();
            self.apply(command, events);
        }
    }

    fn apply(&mut self, command: Command, events: &mut Vec<EventRecord>) {
        self.stamp.sequence += 1;
        self.stamp.time.0 += 1_000 + self.stamp.sequence % 7;
        let mut said = std::mem::take(&mut self.scratch);
        self.exchange.apply(self.stamp, &command, &mut said);
        for event in said.drain(..) {
            self.last_event += 1;
            let Stamp { sequence, time } = self.stamp;
            self.follow(&event);
            events.push(EventRecord { number: self.last_event, sequence, time, event });
        }
        self.scratch = said;
    }

    fn follow(&mut self, event: &Event) {
        match event {
            Event::Order(OrderEvent::Accepted(e)) => {
                self.enter((e.login, e.terms.user_ref), e.terms.side, e.terms.quantity.0, e.terms.quantity.0)
            }
            Event::Order(OrderEvent::Replaced(e)) => {
                let Open { open, total, .. } = self.leave((e.login, e.orig_user_ref));
                self.enter(
                    (e.login, e.terms.user_ref),
                    e.terms.side,
                    e.terms.quantity.0,
                    total - open + e.terms.quantity.0,
                );
            }
            Event::Order(OrderEvent::Canceled(e)) => self.reduce((e.login, e.user_ref), e.decrement.0),
            Event::Order(OrderEvent::Executed(e)) => {
                self.reduce((e.maker_login, e.maker_user_ref), e.quantity.0);
                self.reduce((e.taker_login, e.taker_user_ref), e.quantity.0);
            }
            _ => {}
        }
    }

    fn enter(&mut self, name: (LoginId, UserRef), side: Side, open: u64, total: u64) {
        self.open.insert(name, Open { side, open, total });
        self.names.push(name);
    }

    fn leave(&mut self, name: (LoginId, UserRef)) -> Open {
        self.open.remove(&name).expect("the order is open")
    }

    fn reduce(&mut self, name: (LoginId, UserRef), by: u64) {
        let order = self.open.get_mut(&name).expect("the order is open");
        order.open -= by;
        if order.open == 0 {
            self.open.remove(&name);
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random.remainder(below)
    }

    /// Some open order. Names of orders that are gone are dropped on the way.
    fn some_open(&mut self) -> Option<((LoginId, UserRef), Open)> {
        while !self.names.is_empty() {
            let at = self.random(self.names.len() as u64) as usize;
            let name = self.names[at];
            if let Some(order) = self.open.get(&name) {
                return Some((name, *order));
            }
            self.names.swap_remove(at);
        }
        None
    }

    fn next_ref(&mut self, login: LoginId) -> UserRef {
        let last = &mut self.last_refs[login.0 as usize];
        *last += 1;
        UserRef(*last)
    }

    fn next_command(&mut self) -> Command {
        let Mix { replace, cancel, take, odd } = self.mix;
        let dice = self.random(1_000);
        if dice < replace {
            return self.replace().unwrap_or_else(|| self.limit());
        }
        if dice < replace + cancel || self.open.len() > 2_000 {
            let Some(((login, user_ref), _)) = self.some_open() else { return self.limit() };
            return Command::Order(OrderCommand::Cancel(Cancel {
                login,
                session: 0,
                user_ref,
                quantity: Quantity(0),
            }));
        }
        if dice < replace + cancel + take {
            return self.take();
        }
        if dice < replace + cancel + take + odd { self.odd() } else { self.limit() }
    }

    fn order(&mut self, side: Side, price: OrderPrice, time_in_force: TimeInForce) -> Command {
        let login = LoginId(self.random(u64::from(self.accounts)) as u32);
        let text = format!("C{}", self.random(1_000));
        let cl_ord_id = if self.random(4) == 0 { ClOrdId::new(&text) } else { None };
        Command::Order(OrderCommand::Enter(Enter {
            login,
            session: 0,
            user_ref: self.next_ref(login),
            instrument: InstrumentId(self.random(u64::from(INSTRUMENTS)) as u32),
            side,
            time_in_force,
            price,
            quantity: Quantity(1 + self.random(100)),
            echo: Echo { cl_ord_id: cl_ord_id.unwrap_or_default(), ..Echo::default() },
            instructions: None,
        }))
    }

    /// A price on this side of the middle: worse for it by up to 200 ticks.
    fn resting_price(&mut self, side: Side) -> OrderPrice {
        let away = 1 + self.random(200);
        let tick = if side == Side::Buy { MIDDLE - away } else { MIDDLE + away };
        OrderPrice::Limit((tick * 10) as i64)
    }

    fn side(&mut self) -> Side {
        if self.random(2) == 0 { Side::Buy } else { Side::Sell }
    }

    fn limit(&mut self) -> Command {
        let side = self.side();
        let price = self.resting_price(side);
        self.order(side, price, TimeInForce::GoodTillCancel)
    }

    fn take(&mut self) -> Command {
        let side = self.side();
        let price = match self.random(4) {
            0 => OrderPrice::Market,
            _ => self.resting_price(side.opposite()),
        };
        let time_in_force = match self.random(2) {
            0 => TimeInForce::ImmediateOrCancel,
            _ => TimeInForce::GoodTillCancel,
        };
        self.order(side, price, time_in_force)
    }

    fn replace(&mut self) -> Option<Command> {
        let ((login, orig_user_ref), Open { side, open, total }) = self.some_open()?;
        let executed = total - open;
        Some(Command::Order(OrderCommand::Replace(Replace {
            login,
            session: 0,
            orig_user_ref,
            user_ref: self.next_ref(login),
            time_in_force: TimeInForce::GoodTillCancel,
            price: self.resting_price(side),
            quantity: Quantity(executed + 1 + self.random(100)),
            echo: Echo::default(),
            instructions: None,
        })))
    }

    fn odd(&mut self) -> Command {
        let kind = self.random(8);
        let login = LoginId(self.random(u64::from(self.accounts)) as u32);
        let open = self.some_open();
        match (kind, open) {
            (0, Some(((login, user_ref), Open { total, .. }))) => {
                Command::Order(OrderCommand::Cancel(Cancel {
                    login,
                    session: 0,
                    user_ref,
                    quantity: Quantity(total - self.random(total)),
                }))
            }
            (1, Some(((login, orig_user_ref), _))) => {
                let (user_ref, reason) = (self.next_ref(login), RejectReason::TagNotSupported);
                Command::Order(OrderCommand::RefuseReplace(RefuseReplace {
                    login,
                    session: 0,
                    orig_user_ref,
                    user_ref,
                    reason,
                    cl_ord_id: ClOrdId::default(),
                }))
            }
            (2, _) => {
                let (user_ref, reason) = (self.next_ref(login), RejectReason::InvalidSide);
                let cl_ord_id = ClOrdId::new("REFUSED").expect("a text");
                Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
                    login,
                    session: 0,
                    user_ref,
                    reason,
                    cl_ord_id,
                }))
            }
            (3, _) => Command::Order(OrderCommand::Cancel(Cancel {
                login: LoginId(9_999),
                session: 0,
                user_ref: UserRef(1),
                quantity: Quantity(0),
            })),
            (4, _) => {
                let trading = if self.random(3) == 0 { Phase::Closed } else { Phase::Continuous };
                Command::Admin(AdminCommand::SetPhase { instrument: InstrumentId(1), phase: trading })
            }
            (5, _) => self.transfer(|it| Command::Admin(AdminCommand::Withdraw(it))),
            (6, _) => Command::Venue(VenueCommand::OpenAccount { account: AccountId(0) }),
            _ => self.transfer(|it| Command::Admin(AdminCommand::Deposit(it))),
        }
    }

    fn transfer(&mut self, kind: fn(Transfer) -> Command) -> Command {
        let account = AccountId(1 + self.random(u64::from(self.accounts)) as u32);
        let (asset, amount) = (AssetId(self.random(3) as u16), Amount(1 + self.random(5_000_000) as i64));
        kind(Transfer { account, asset, amount, reference: 10 + self.stamp.sequence, shard: ShardId::FIRST })
    }
}
