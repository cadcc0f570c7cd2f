//! An exchange whose numbers are easy to follow, for tests and benches that need very much of something.
#![allow(dead_code, reason = "each that includes this uses a part of it")]

use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, Cancel, Command, Enter, Event,
    Instructions, InstrumentId, ListInstrument, LoginId, LoginName, OrderCommand, OrderEvent, OrderPrice,
    Phase, Quantity, ShardId, Side, Stamp, Symbol, TimeInForce, Timestamp, Transfer, UserRef, VenueCommand,
    VenueLimits,
};
use dojima::exchange::{Exchange, ExchangeLimits};

pub const BASE: AssetId = AssetId(0);
pub const QUOTE: AssetId = AssetId(1);
pub const FIRST: InstrumentId = InstrumentId(0);

/// An order as these tests need it.
#[derive(Clone, Copy)]
pub struct Order {
    pub login: u32,
    pub side: Side,
    /// 0: a market order.
    pub ticks: u64,
    pub lots: u64,
}

/// The default limits but for the number of open orders, also of each account.
pub fn limits(orders_max: u32) -> VenueLimits {
    VenueLimits::of_few_accounts(orders_max)
}

/// An empty exchange that takes this many open orders.
pub fn exchange(orders_max: u32) -> Exchange {
    Exchange::new(ExchangeLimits { limits: limits(orders_max), ..ExchangeLimits::default() })
}

/// An exchange where one tick on one lot is one minor unit of the quote asset, and what came of the last command. Login
/// n trades for account n + 1, and all have plenty of money.
pub struct Venue {
    pub exchange: Exchange,
    pub events: Vec<Event>,
    pub stamp: Stamp,
    pub last_user_ref: Vec<u32>,
}

impl Venue {
    pub fn new(orders_max: u32, logins: u32) -> Self {
        let mut venue = Self {
            exchange: Exchange::new(ExchangeLimits {
                // One order may meet all that rests.
                limits: VenueLimits { orders_touched_max: 1_000_000, ..limits(orders_max) },
                ..ExchangeLimits::default()
            }),
            events: Vec::new(),
            stamp: Stamp::default(),
            last_user_ref: vec![0; logins as usize],
        };
        let code = |text| AssetCode::new(text).expect("a code");
        venue.send(&Command::Admin(AdminCommand::AddAsset { asset: BASE, code: code("BASE"), scale: 0 }));
        venue.send(&Command::Admin(AdminCommand::AddAsset { asset: QUOTE, code: code("QUOTE"), scale: 0 }));
        venue.send(&Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }));
        for id in 0..logins {
            let account = AccountId(id + 1);
            venue.send(&Command::Venue(VenueCommand::OpenAccount { account }));
            venue.send(&Command::Venue(VenueCommand::OpenLogin {
                login: LoginId(id),
                account,
                name: LoginName::default(),
            }));
            let amount = Amount(i64::MAX / i64::from(logins + 1));
            for (reference, asset) in [(1, BASE), (2, QUOTE)] {
                venue.send(&Command::Admin(AdminCommand::Deposit(Transfer {
                    account,
                    asset,
                    amount,
                    reference,
                    shard: ShardId::FIRST,
                })));
            }
        }
        venue.list(FIRST, Phase::Continuous);
        venue
    }

    pub fn list(&mut self, instrument: InstrumentId, phase: Phase) {
        self.send(&Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            instrument,
            symbol: Symbol::new(&format!("I{}", instrument.0)).expect("a symbol"),
            base: BASE,
            quote: QUOTE,
            price_decimals: 0,
            tick_units: 1,
            lot: Amount(1),
            min_quantity: Quantity(1),
            max_quantity: Quantity(u64::from(u32::MAX)),
            phase,
            ..ListInstrument::default()
        })));
    }

    /// Applies a command that is taken.
    pub fn send(&mut self, command: &Command) -> &[Event] {
        self.stamp.sequence += 1;
        self.events.clear();
        self.exchange.apply(self.stamp, command, &mut self.events);
        for event in &self.events {
            assert!(
                !matches!(
                    event,
                    Event::Admin(AdminEvent::Refused { .. })
                        | Event::Order(
                            OrderEvent::Rejected(_) | OrderEvent::ChangeRejected(_) | OrderEvent::Ignored(_)
                        )
                ),
                "{command:?}: {event:?}"
            );
        }
        &self.events
    }

    pub fn next_user_ref(&mut self, login: u32) -> UserRef {
        let last = &mut self.last_user_ref[login as usize];
        *last += 1;
        UserRef(*last)
    }

    /// A new order of the first instrument that stays until it is cancelled; its client's number.
    pub fn enter(&mut self, order: Order) -> UserRef {
        self.enter_with(order, FIRST, TimeInForce::GoodTillCancel, None)
    }

    pub fn enter_with(
        &mut self,
        order: Order,
        instrument: InstrumentId,
        time_in_force: TimeInForce,
        instructions: Option<Instructions>,
    ) -> UserRef {
        let enter = self.next_enter(order, instrument, time_in_force, instructions);
        self.send(&Command::Order(OrderCommand::Enter(enter)));
        enter.user_ref
    }

    /// The command for a new order, which takes its client's number and sends nothing.
    pub fn next_enter(
        &mut self,
        order: Order,
        instrument: InstrumentId,
        time_in_force: TimeInForce,
        instructions: Option<Instructions>,
    ) -> Enter {
        Enter {
            login: LoginId(order.login),
            user_ref: self.next_user_ref(order.login),
            instrument,
            side: order.side,
            time_in_force,
            price: if order.ticks == 0 { OrderPrice::Market } else { OrderPrice::Limit(order.ticks as i64) },
            quantity: Quantity(order.lots),
            instructions,
            ..Enter::default()
        }
    }

    pub fn cancel(&mut self, login: u32, user_ref: UserRef) {
        let (login, quantity) = (LoginId(login), Quantity(0));
        self.send(&Command::Order(OrderCommand::Cancel(Cancel { login, session: 0, user_ref, quantity })));
    }

    pub fn set_phase(&mut self, phase: Phase) -> &[Event] {
        self.send(&Command::Admin(AdminCommand::SetPhase { instrument: FIRST, phase }))
    }

    /// Price and lots of the trades of the last command.
    pub fn trades(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.executed().map(|trade| (trade.price.0.unsigned_abs(), trade.quantity.0))
    }

    pub fn executed(&self) -> impl Iterator<Item = &dojima::domain::Executed> + '_ {
        self.events.iter().filter_map(|event| match event {
            Event::Order(OrderEvent::Executed(trade)) => Some(trade),
            _ => None,
        })
    }

    pub fn levels(&self, side: Side) -> Vec<(u64, u64, u32)> {
        let levels = self.exchange.levels(FIRST, side);
        levels.map(|level| (level.price.0.unsigned_abs(), level.quantity.0, level.orders)).collect()
    }

    pub fn at(&mut self, time: Timestamp) {
        self.stamp.time = time;
    }

    /// The books and the money are sound; then everything is cancelled, and nothing may be reserved any more.
    pub fn check_and_clear(&mut self) {
        assert_eq!(self.exchange.audit(), Ok(()));
        let open = self.exchange.open_orders();
        self.send(&Command::Order(OrderCommand::MassCancel(dojima::domain::MassCancel::default())));
        let canceled =
            self.events.iter().filter(|event| matches!(event, Event::Order(OrderEvent::Canceled(_)))).count();
        assert_eq!((canceled, self.exchange.open_orders()), (open, 0));
        for (account, asset) in (0..=self.last_user_ref.len()).flat_map(|at| [(at, BASE), (at, QUOTE)]) {
            let balance = self.exchange.balance(AccountId(account as u32), asset).expect("known");
            assert_eq!(balance.reserved, Amount(0), "of account {account}");
        }
        assert_eq!(self.exchange.audit(), Ok(()));
    }
}
