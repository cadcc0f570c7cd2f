//! After warm-up the exchange allocates nothing.

use super::properties::{ACCOUNTS, Clients, FEW_TICKS, drain, opening, plain};
use crate::support::venue::{self, FIRST, QUOTE, Venue};
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, Amend, Amount, AssetId, Cancel, CancelFilter, ClockCommand,
    Command, Enter, Event, FeeRate, FeeTier, GroupId, Instructions, KillScope, LimitScope, LoginId,
    MassCancel, OrderCommand, OrderEvent, OrderLimits, OrderPrice, Owner, PostOnly, Ppm, Price, Protection,
    Quantity, QuantityUnit, Replace, SelfTrade, SelfTradePrevention, SetFees, ShardId, Side, Stamp, Switch,
    TimeInForce, Timestamp, Transfer, Trigger, TriggerKind, TriggerReference, UserRef, VenueCommand,
    Visibility, VolumeTiers,
};
use dojima::exchange::{Exchange, Order};
use dojima::runtime::SplitMix64;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

/// Resting orders and levels to and fro: a fixed random sequence, whose first third is the warm-up.
#[test]
fn order_entry_allocates_nothing_after_warm_up() {
    let mut runner = TestRunner::deterministic();
    let mut exchange = venue::exchange(64);
    let mut events = Vec::with_capacity(1_024);
    for command in opening([100, 200, 0, 300]) {
        exchange.apply(Stamp::default(), &command, &mut events);
    }
    // Enough of everything for the whole test, so that orders trade instead of being refused.
    for (account, asset) in (0..ACCOUNTS).flat_map(|account| [(account, 0), (account, 1)]) {
        let (account, amount) = (AccountId(account), Amount(1_000_000_000_000));
        let reference = 4 + u64::from(asset);
        let transfer = Transfer { account, asset: AssetId(asset), amount, reference, shard: ShardId::FIRST };
        exchange.apply(Stamp::default(), &Command::Admin(AdminCommand::Deposit(transfer)), &mut events);
    }
    let mut clients = Clients::new();
    let (mut traded, mut allocated) = (0, 0);
    for at in 0..30_000 {
        let (stamp, command) =
            clients.command(&plain(FEW_TICKS).new_tree(&mut runner).expect("a step").current(), &exchange);
        if matches!(
            command,
            Command::Admin(
                AdminCommand::SetPhase { .. } | AdminCommand::Withdraw(_) | AdminCommand::Deposit(_)
            ) | Command::Venue(VenueCommand::SetLimits { .. })
        ) {
            continue;
        }
        if at % 200 == 0 {
            // Orders far from the price would stay for ever and fill the exchange up.
            drain(&mut exchange, stamp);
        }
        events.clear();
        let counted = allocation_counter::measure(|| exchange.apply(stamp, &command, &mut events));
        clients.note(&events);
        if at >= 10_000 {
            allocated += counted.count_total;
            traded +=
                events.iter().filter(|event| matches!(event, Event::Order(OrderEvent::Executed(_)))).count();
        }
    }
    assert!(traded > 1_000, "only {traded} trades");
    assert_eq!(allocated, 0);
}

/// Every kind of order and change, with limits, tiers, bands and a collar on: a fixed random sequence, whose first half is
/// the warm-up. (New terms make a list of an instrument's orders.)
#[test]
fn no_kind_of_order_allocates_after_warm_up() {
    const STEPS: u64 = 60_000;
    let mut crowd = Crowd::new();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for step in 0..STEPS {
        let command = crowd.command();
        crowd.stamp.time.0 += 10_000_000;
        crowd.events.clear();
        let (exchange, events) = (&mut crowd.exchange, &mut crowd.events);
        let counted = allocation_counter::measure(|| exchange.apply(crowd.stamp, &command, events));
        if step >= STEPS / 2 {
            assert_eq!(counted.count_total, 0, "step {step}, {command:?}: {:?}", crowd.events);
            crowd.events.iter().for_each(|event| *seen.entry(label(event)).or_default() += 1);
        }
    }
    assert_eq!(crowd.exchange.audit(), Ok(()));
    for wanted in [
        "Accepted",
        "Executed",
        "Replaced",
        "Amended",
        "Armed",
        "Triggered",
        "MarkSet",
        "Restated Refreshed",
        "Restated Reserve",
        "Rejected PostOnlyWouldTrade",
        "Rejected OrderRateExceeded",
        "Canceled UserRequested",
        "Canceled ImmediateOrCancel",
        "Canceled MinimumQuantity",
        "Canceled MarketCollar",
        "Canceled PriceBand",
        "Canceled SelfTradePrevented",
        "Canceled LinkedOrder",
        "Canceled Expired",
        "Canceled MassCancel",
        "Canceled Killed",
    ] {
        assert!(seen.get(wanted).is_some_and(|count| *count >= 20), "{wanted} is too rare in {seen:#?}");
    }
}

/// The event's kind, with its reason where it has one.
fn label(event: &Event) -> String {
    match event {
        Event::Order(OrderEvent::Canceled(gone)) => {
            let reason = format!("{:?}", gone.reason);
            format!("Canceled {}", reason.split('(').next().unwrap_or_default())
        }
        Event::Order(OrderEvent::Rejected(refused)) => format!("Rejected {:?}", refused.reason),
        Event::Order(OrderEvent::Restated(restated)) => format!("Restated {:?}", restated.reason),
        other => other.name().to_owned(),
    }
}

/// Six accounts that ask for everything that can be asked for, around a price that wanders.
struct Crowd {
    exchange: Exchange,
    events: Vec<Event>,
    stamp: Stamp,
    random: SplitMix64,
    commands: u64,
    mid: u64,
    last_user_ref: [u32; CROWD as usize],
}

const CROWD: u32 = 6;
/// So many orders rest or wait at most, for long.
const CROWD_ORDERS: usize = 150;

/// As many orders as there can be of each kind that is kept in a list, so that every list has its full size; when it ended.
fn warm_up(venue: &mut Venue, start: Timestamp) -> Timestamp {
    let mut now = start;
    let mut fill = |side, time_in_force, asked: &dyn Fn(u32) -> Instructions| {
        now.0 += 10 * Timestamp::SECOND;
        venue.at(now);
        for at in 0..venue.exchange.limits().orders_max {
            let order = venue::Order { login: at % CROWD, side, ticks: 500 + u64::from(at), lots: 1 };
            venue.enter_with(order, FIRST, time_in_force, Some(asked(now.seconds() as u32)));
        }
        venue.send(&Command::Order(OrderCommand::MassCancel(MassCancel::default())));
    };
    fill(Side::Buy, TimeInForce::GoodTillTime, &|now| Instructions {
        expire_s: now + 60,
        ..Instructions::default()
    });
    for side in [Side::Buy, Side::Sell] {
        for kind in [TriggerKind::Stop, TriggerKind::TrailingStop] {
            for reference in [TriggerReference::LastTrade, TriggerReference::MarkPrice] {
                let trigger = Some(Trigger { kind, reference, price: 700 });
                fill(side, TimeInForce::GoodTillCancel, &|_| Instructions {
                    trigger,
                    ..Instructions::default()
                });
            }
        }
    }
    now
}

impl Crowd {
    fn new() -> Self {
        let mut venue = Venue::new(400, CROWD);
        let start = Timestamp(1_700_000_000 * Timestamp::SECOND);
        venue.at(start);
        let start = warm_up(&mut venue, start);
        for tier in 0..3 {
            let (tier, maker, taker) = (FeeTier(tier), FeeRate(100), FeeRate(300 - 50 * i32::from(tier)));
            venue.send(&Command::Admin(AdminCommand::SetFees(SetFees {
                instrument: FIRST,
                tier,
                maker,
                taker,
            })));
        }
        let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
        (volume_min[0], volume_min[1]) = (Amount(0), Amount(1_000_000));
        venue.send(&Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset: QUOTE, volume_min })));
        for account in (1..=CROWD).map(AccountId) {
            let modes = [SelfTrade::CancelNewest, SelfTrade::CancelOldest, SelfTrade::DecrementBoth];
            let (mode, owner) = (modes[account.0 as usize % 3], Owner::Group);
            let (prevention, group) = (SelfTradePrevention { mode, owner }, GroupId(account.0 % 2));
            venue.send(&Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade {
                account,
                prevention,
                group,
            })));
            let limits =
                OrderLimits { open_orders_max: 300, orders_per_second_max: 40, ..OrderLimits::default() };
            venue.send(&Command::Admin(AdminCommand::SetOrderLimits {
                scope: LimitScope::Account(account),
                limits,
            }));
        }
        let limits =
            OrderLimits { open_orders_max: 200, quantity_max: Quantity(1_000), ..OrderLimits::default() };
        venue.send(&Command::Admin(AdminCommand::SetOrderLimits {
            scope: LimitScope::Instrument(FIRST),
            limits,
        }));
        let last = venue.exchange.logins().iter().map(|login| login.last_user_ref.0).max();
        Self {
            exchange: venue.exchange,
            events: Vec::with_capacity(4_096),
            stamp: Stamp { sequence: 0, time: start },
            random: SplitMix64::new(11),
            commands: 0,
            mid: 1_000,
            last_user_ref: [last.unwrap_or_default(); CROWD as usize],
        }
    }

    fn live(&self) -> Vec<Order> {
        let sides = [Side::Buy, Side::Sell].into_iter();
        let resting = sides.flat_map(|side| self.exchange.orders(FIRST, side));
        resting.chain(self.exchange.dormant(FIRST)).collect()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.remainder(from.len() as u64) as usize]
    }

    fn command(&mut self) -> Command {
        self.commands += 1;
        // With an order beyond the band at the head of the book nothing trades any more, so the band comes and goes.
        if self.commands.is_multiple_of(100) {
            let dynamic_band = Ppm(if self.commands.is_multiple_of(400) { 5_000 } else { 0 });
            let protection = Protection { dynamic_band, market_collar: Ppm(4_000), ..Protection::default() };
            return Command::Admin(AdminCommand::SetProtection { instrument: FIRST, protection });
        }
        if let Some(many) = self.cancel_many() {
            return many;
        }
        // The price wanders, but not away.
        if self.commands.is_multiple_of(10) {
            self.mid = (self.mid + self.random.remainder(3) - 1).clamp(900, 1_100);
        }
        let live = self.live();
        let roll = if live.len() > CROWD_ORDERS { 99 } else { self.random.remainder(100) };
        if live.is_empty() || roll < 70 {
            return self.enter(&live);
        }
        let order = self.pick(&live);
        let (login, user_ref) = (order.login, order.user_ref);
        let total = order.total.0;
        match roll {
            70..78 => {
                let next = self.next_user_ref(login);
                let price = OrderPrice::Limit((self.price(order.side, 12)) as i64);
                let quantity = Quantity(order.executed().0 + 1 + self.random.remainder(40));
                Command::Order(OrderCommand::Replace(Replace {
                    login,
                    orig_user_ref: user_ref,
                    user_ref: next,
                    price,
                    quantity,
                    ..Replace::default()
                }))
            }
            78..86 => {
                let price = (self.random.remainder(2) == 0).then(|| self.price(order.side, 12) as u32);
                let quantity = Quantity(total.saturating_sub(1 + self.random.remainder(3)));
                Command::Order(OrderCommand::Amend(Amend { login, session: 0, user_ref, price, quantity }))
            }
            86..88 => {
                let price = Price(self.price(order.side, 5) as i64);
                Command::Admin(AdminCommand::SetMark { instrument: FIRST, price })
            }
            88 => Command::Clock(ClockCommand::Tick),
            89..92 => Command::Order(OrderCommand::Cancel(Cancel {
                login,
                session: 0,
                user_ref,
                quantity: Quantity(total / 2),
            })),
            _ => Command::Order(OrderCommand::Cancel(Cancel {
                login,
                session: 0,
                user_ref,
                quantity: Quantity(0),
            })),
        }
    }

    /// Now and then a client's or an operator's mass cancel, or a kill switch that is turned on and off again.
    fn cancel_many(&mut self) -> Option<Command> {
        let account = AccountId(1 + (self.commands / 400) as u32 % CROWD);
        let kill =
            |switch| Some(Command::Admin(AdminCommand::Kill { scope: KillScope::Account(account), switch }));
        let login = LoginId(self.random.remainder(u64::from(CROWD)) as u32);
        match self.commands % 400 {
            50 => kill(Switch::On),
            51 => kill(Switch::Off),
            150 => {
                let (login, user_ref) = (Some(login), self.next_user_ref(login));
                Some(Command::Order(OrderCommand::MassCancel(MassCancel {
                    login,
                    user_ref,
                    ..MassCancel::default()
                })))
            }
            250 => {
                let (instrument, side) = (Some(FIRST), Some(self.pick(&[Side::Buy, Side::Sell])));
                let filter = CancelFilter { instrument, side, ..CancelFilter::default() };
                Some(Command::Order(OrderCommand::MassCancel(MassCancel { filter, ..MassCancel::default() })))
            }
            350 => Some(Command::Order(OrderCommand::MassCancel(MassCancel::default()))),
            _ => None,
        }
    }

    fn next_user_ref(&mut self, login: LoginId) -> UserRef {
        let last = &mut self.last_user_ref[login.0 as usize];
        *last += 1;
        UserRef(*last)
    }

    /// Mostly on its own side of the mid.
    fn price(&mut self, side: Side, away: u64) -> u64 {
        let away = self.random.remainder(away);
        if side == Side::Buy { self.mid + 2 - away } else { self.mid + away - 2 }
    }

    fn enter(&mut self, live: &[Order]) -> Command {
        let login = LoginId(self.random.remainder(u64::from(CROWD)) as u32);
        let side = self.pick(&[Side::Buy, Side::Sell]);
        let mut order = Enter {
            login,
            instrument: FIRST,
            side,
            price: OrderPrice::Limit((self.price(side, 12)) as i64),
            quantity: Quantity(1 + self.random.remainder(40)),
            ..Enter::default()
        };
        let mut asked = Instructions::default();
        let through = OrderPrice::Limit((self.price(side.opposite(), 30)) as i64);
        match self.random.remainder(16) {
            0 => order.time_in_force = TimeInForce::ImmediateOrCancel,
            1 => {
                (order.price, order.quantity) = (OrderPrice::Market, Quantity(1 + self.random.remainder(300)))
            }
            2 => {
                order.price = OrderPrice::Market;
                order.quantity = Quantity(1_500 + self.random.remainder(90_000));
                asked.unit = QuantityUnit::QuoteAmount;
            }
            3 | 4 => (order.quantity, asked.display_quantity) = (Quantity(30), 4),
            5 => asked.visibility = Visibility::Hidden,
            6 => {
                order.price = through;
                asked.post_only = self.pick(&[PostOnly::Reject, PostOnly::Slide]);
            }
            7 => {
                (order.price, order.time_in_force) = (through, TimeInForce::ImmediateOrCancel);
                // All of it, or half.
                asked.min_quantity = (order.quantity.0 as u32).div_ceil(self.pick(&[1, 2]));
            }
            8 => {
                order.time_in_force = TimeInForce::GoodTillTime;
                asked.expire_s = (self.stamp.time.seconds() + 1 + self.random.remainder(4)) as u32;
            }
            9..12 => {
                let kind =
                    self.pick(&[TriggerKind::Stop, TriggerKind::TakeProfit, TriggerKind::TrailingStop]);
                let reference = self.pick(&[TriggerReference::LastTrade, TriggerReference::MarkPrice]);
                let price = match kind {
                    TriggerKind::TrailingStop => 1 + self.random.remainder(8) as u32,
                    _ => (self.mid + self.random.remainder(13) - 6) as u32,
                };
                asked.trigger = Some(Trigger { kind, reference, price });
                order.price = self.pick(&[OrderPrice::Market, order.price, through]);
            }
            12 | 13 => {
                let own: Vec<&Order> =
                    live.iter().filter(|other| (other.login, other.side) == (login, side)).collect();
                if !own.is_empty() {
                    asked.oco = self.pick(&own).user_ref;
                }
            }
            14 => {
                order.price = through;
                let mode = self.pick(&[
                    SelfTrade::Allow,
                    SelfTrade::CancelNewest,
                    SelfTrade::CancelOldest,
                    SelfTrade::CancelBoth,
                    SelfTrade::DecrementBoth,
                ]);
                let owner = self.pick(&[Owner::Account, Owner::Group]);
                asked.self_trade = Some(SelfTradePrevention { mode, owner });
            }
            _ => {}
        }
        // A client that does not know that it is limited: now and then one sends a burst.
        let login = if self.stamp.time.seconds().is_multiple_of(5) { LoginId(0) } else { login };
        if asked.oco == UserRef(0) {
            order.login = login;
        }
        order.user_ref = self.next_user_ref(order.login);
        Command::Order(OrderCommand::Enter(Enter {
            instructions: (asked != Instructions::default()).then_some(asked),
            ..order
        }))
    }
}
