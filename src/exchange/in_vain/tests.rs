//! A thousand expensive messages of one second without effect, measured in steps: ten are executed, the others refused.

use crate::domain::{
    AccountId, AdminCommand, Amount, AssetCode, AssetId, CancelFilter, CancelReason, Command, Enter, Event,
    Instructions, InstrumentId, ListInstrument, LoginId, LoginName, MassCancel, OrderCommand, OrderEvent,
    OrderPrice, Phase, Quantity, RejectReason, ShardId, Side, Stamp, Symbol, TimeInForce, Timestamp,
    Transfer, Trigger, TriggerKind, TriggerReference, UserRef, VenueCommand, VenueLimits,
};
use crate::exchange::{Exchange, ExchangeLimits, steps};

/// Resting orders of each of two accounts, all at one price.
const RESTING: u64 = 2_500;
/// Lots, and orders, that an expensive order needs: fewer than there are.
const WANTED: u64 = 2 * RESTING - 100;
/// The most that one order touches by default.
const TOUCHED_MAX: u64 = 5_000;
/// Orders that a dry run meets before it has touched that many; each counts 3.
const MET: u64 = TOUCHED_MAX.div_ceil(3);
/// Steps of an order that meets that many: a level, those orders, and the one at which it stops.
const DEAR: u64 = 1 + MET + 1;
const MESSAGES: u32 = 1_000;

const BUSY: LoginId = LoginId(0);
const OTHER: LoginId = LoginId(1);

struct Venue {
    exchange: Exchange,
    last: [u32; 2],
    time: Timestamp,
    events: Vec<Event>,
}

impl Venue {
    /// Sells of both logins' accounts.
    fn new() -> Self {
        let limits = VenueLimits { orders_max: 20_000, ..VenueLimits::default() };
        assert_eq!(u64::from(limits.orders_touched_max), TOUCHED_MAX);
        let exchange = Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() });
        let mut venue = Self { exchange, last: [0; 2], time: Timestamp(0), events: Vec::new() };
        for (asset, code) in [(0, "BASE"), (1, "QUOTE")] {
            let code = AssetCode::new(code).expect("a code");
            venue.send(&Command::Admin(AdminCommand::AddAsset { asset: AssetId(asset), code, scale: 0 }));
        }
        for account in (0..3).map(AccountId) {
            venue.send(&Command::Venue(VenueCommand::OpenAccount { account }));
        }
        for (login, account) in [(BUSY, AccountId(1)), (OTHER, AccountId(2))] {
            venue.send(&Command::Venue(VenueCommand::OpenLogin {
                login,
                account,
                name: LoginName::default(),
            }));
            for (reference, asset) in [(1, AssetId(0)), (2, AssetId(1))] {
                let amount = Amount(1 << 40);
                venue.send(&Command::Admin(AdminCommand::Deposit(Transfer {
                    account,
                    asset,
                    amount,
                    reference,
                    shard: ShardId::FIRST,
                })));
            }
        }
        venue.send(&Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            symbol: Symbol::new("ONE").expect("a symbol"),
            base: AssetId(0),
            quote: AssetId(1),
            tick_units: 1,
            lot: Amount(1),
            min_quantity: Quantity(1),
            max_quantity: Quantity(1 << 20),
            phase: Phase::Continuous,
            ..ListInstrument::default()
        })));
        venue.send(&Command::Admin(AdminCommand::SetMark {
            instrument: InstrumentId(0),
            price: crate::domain::Price(10),
        }));
        for _ in 0..RESTING {
            for login in [BUSY, OTHER] {
                venue.enter(login, Side::Sell, 1, None);
            }
        }
        venue
    }

    fn send(&mut self, command: &Command) {
        self.events.clear();
        self.exchange.apply(Stamp { sequence: 0, time: self.time }, command, &mut self.events);
    }

    fn next(&mut self, login: LoginId) -> UserRef {
        let last = &mut self.last[login.0 as usize];
        *last += 1;
        UserRef(*last)
    }

    /// An order at the one price; all or nothing if it has instructions.
    fn enter(&mut self, login: LoginId, side: Side, lots: u64, instructions: Option<Instructions>) {
        let user_ref = self.next(login);
        let mut enter = Enter {
            login,
            user_ref,
            side,
            price: OrderPrice::Limit(10),
            quantity: Quantity(lots),
            instructions,
            ..Enter::default()
        };
        if let Some(asks) = &mut enter.instructions {
            (asks.min_quantity, enter.time_in_force) = (lots as u32, TimeInForce::ImmediateOrCancel);
        }
        self.send(&Command::Order(OrderCommand::Enter(enter)));
    }

    /// An order that needs more orders than it may meet.
    fn dear(&mut self, login: LoginId) {
        self.enter(login, Side::Buy, WANTED, Some(Instructions::default()));
    }

    fn is_refused(&self) -> bool {
        let refused = |event: &Event| matches!(event, Event::Order(OrderEvent::Rejected(e)) if e.reason == RejectReason::OrderRateExceeded);
        self.events.iter().any(refused)
    }

    fn is_cut(&self) -> bool {
        let cut = |event: &Event| matches!(event, Event::Order(OrderEvent::Canceled(e)) if e.reason == CancelReason::WorkLimit);
        self.events.iter().any(cut)
    }

    /// How often it is refused out of a thousand times, and the steps of all of them.
    fn thousand(&mut self, work: impl Fn(&mut Self)) -> (u32, u64) {
        let mut refused = 0;
        let steps = steps::of(|| {
            for _ in 0..MESSAGES {
                work(self);
                refused += u32::from(self.is_refused());
            }
        });
        (refused, steps)
    }
}

#[test]
fn a_thousand_dear_orders_that_are_killed_take_the_steps_of_ten() {
    let mut venue = Venue::new();
    let (refused, steps) = venue.thousand(|venue| venue.dear(BUSY));
    assert_eq!((refused, steps), (MESSAGES - 10, 10 * DEAR));

    // Meanwhile others search and trade, and so do the account's plain orders.
    venue.dear(OTHER);
    assert!(venue.is_cut());
    venue.enter(OTHER, Side::Buy, 3, Some(Instructions::default()));
    let trades = |venue: &Venue| {
        venue.events.iter().filter(|event| matches!(event, Event::Order(OrderEvent::Executed(_)))).count()
    };
    assert_eq!(trades(&venue), 3);
    venue.enter(BUSY, Side::Buy, 3, None);
    assert_eq!(trades(&venue), 3);

    // In the next second it may search again.
    venue.time = Timestamp(Timestamp::SECOND - 1);
    venue.dear(BUSY);
    assert!(venue.is_refused());
    venue.time = Timestamp(Timestamp::SECOND);
    let (refused, steps) = venue.thousand(|venue| venue.dear(BUSY));
    assert_eq!((refused, steps), (MESSAGES - 10, 10 * DEAR));
    assert_eq!(venue.exchange.audit(), Ok(()));
}

/// An order whose trigger was already reached is released in the command that enters it.
#[test]
fn a_thousand_dear_orders_that_are_released_take_the_steps_of_ten() {
    let trigger = Trigger { kind: TriggerKind::Stop, reference: TriggerReference::MarkPrice, price: 10 };
    let asks = Instructions { trigger: Some(trigger), ..Instructions::default() };
    let mut venue = Venue::new();
    let mut cut = 0;
    let steps = steps::of(|| {
        for _ in 0..MESSAGES {
            venue.enter(BUSY, Side::Buy, WANTED, Some(asks));
            cut += u32::from(venue.is_cut());
        }
    });
    assert_eq!(cut, MESSAGES);
    // Waiting orders also go through the list of triggers.
    let of_triggers = u64::from(MESSAGES) * 20;
    assert!(steps <= 10 * DEAR + of_triggers, "{steps}");
    venue.dear(BUSY);
    assert!(venue.is_refused());
}

#[test]
fn a_thousand_mass_cancels_that_find_nothing_take_the_steps_of_few() {
    let buys = CancelFilter { side: Some(Side::Buy), ..CancelFilter::default() };
    let sweep = |venue: &mut Venue, login: LoginId, filter| {
        let user_ref = venue.next(login);
        venue.send(&Command::Order(OrderCommand::MassCancel(MassCancel {
            login: Some(login),
            session: 0,
            user_ref,
            filter,
        })));
    };
    let mut venue = Venue::new();
    let (refused, steps) = venue.thousand(|venue| sweep(venue, BUSY, buys));
    let taken = 10 * TOUCHED_MAX / RESTING;
    assert_eq!((u64::from(refused), steps), (u64::from(MESSAGES) - taken, taken * RESTING));

    // Meanwhile the account's orders may search, and others cancel.
    venue.dear(BUSY);
    assert!(venue.is_cut());
    sweep(&mut venue, OTHER, CancelFilter::default());
    assert!(!venue.is_refused());
    assert_eq!(venue.exchange.open_orders() as u64, RESTING);
    venue.time = Timestamp(Timestamp::SECOND);
    sweep(&mut venue, BUSY, CancelFilter::default());
    assert_eq!(venue.exchange.open_orders(), 0);
}

/// One that cancels one order of many may be meant for that one: a tenth of the others counts.
#[test]
fn mass_cancels_that_cancel_little_of_much_are_fewer_than_those_that_cancel_much() {
    let buys = CancelFilter { side: Some(Side::Buy), ..CancelFilter::default() };
    let mut venue = Venue::new();
    let (refused, steps) = venue.thousand(|venue| {
        let user_ref = venue.next(BUSY);
        let (price, quantity) = (OrderPrice::Limit(5), Quantity(1));
        let enter = Enter { login: BUSY, user_ref, side: Side::Buy, price, quantity, ..Enter::default() };
        venue.send(&Command::Order(OrderCommand::Enter(enter)));
        let user_ref = venue.next(BUSY);
        let mass = MassCancel { login: Some(BUSY), session: 0, user_ref, filter: buys };
        venue.send(&Command::Order(OrderCommand::MassCancel(mass)));
    });
    let taken = 10 * TOUCHED_MAX / (RESTING / 10);
    assert_eq!(u64::from(refused), u64::from(MESSAGES) - taken);
    assert!((taken * RESTING..taken * (RESTING + 10)).contains(&steps), "{steps}");
    assert_eq!(venue.exchange.open_orders() as u64, 2 * RESTING + u64::from(refused), "the others stay");
}

/// An iceberg is sent once, and could be met any number of times.
#[test]
fn icebergs_that_come_again_are_met_so_often_in_a_second() {
    const ICEBERGS: u64 = 100;
    let mut venue = Venue::new();
    for login in [BUSY, OTHER] {
        let user_ref = venue.next(login);
        let filter = CancelFilter::default();
        venue.send(&Command::Order(OrderCommand::MassCancel(MassCancel {
            login: Some(login),
            session: 0,
            user_ref,
            filter,
        })));
    }
    let sell = |venue: &mut Venue| {
        let user_ref = venue.next(OTHER);
        let (price, quantity) = (OrderPrice::Limit(10), Quantity(1 << 19));
        let instructions = Some(Instructions { display_quantity: 1, ..Instructions::default() });
        let side = Side::Sell;
        let enter = Enter { login: OTHER, user_ref, side, price, quantity, instructions, ..Enter::default() };
        venue.send(&Command::Order(OrderCommand::Enter(enter)));
    };
    (0..ICEBERGS).for_each(|_| sell(&mut venue));
    let trades = |venue: &Venue| {
        venue.events.iter().filter(|event| matches!(event, Event::Order(OrderEvent::Executed(_)))).count()
            as u64
    };
    let buy = |venue: &mut Venue, login: LoginId, lots: u64| {
        venue.enter(login, Side::Buy, lots, None);
        trades(venue)
    };
    // Each but one of an order's refreshes counts 10.
    let taken = (10 * TOUCHED_MAX).div_ceil(10 * (ICEBERGS - 1));
    let all: Vec<u64> = (0..MESSAGES).map(|_| buy(&mut venue, BUSY, ICEBERGS)).collect();
    assert!(venue.is_cut(), "and does not rest");
    assert_eq!(all.iter().filter(|trades| **trades == ICEBERGS).count() as u64, taken);
    assert_eq!(all.iter().sum::<u64>(), taken * ICEBERGS, "the others trade nothing");

    // An iceberg's displayed lots can still be bought, one after another; others trade as usual; in the next second all
    // do.
    assert_eq!((buy(&mut venue, BUSY, 1), buy(&mut venue, BUSY, 1)), (1, 1));
    assert_eq!(buy(&mut venue, OTHER, ICEBERGS), ICEBERGS);
    venue.time = Timestamp(Timestamp::SECOND);
    assert_eq!(buy(&mut venue, BUSY, ICEBERGS), ICEBERGS);
}
