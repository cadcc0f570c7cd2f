//! Trading in contracts by hand: numbers that can be checked with a pencil, and random runs that are audited after every
//! command.

mod ends;

use super::super::snapshot::{Names, Part, Restoring, Sink};
use super::super::{Exchange, ExchangeLimits, NameKey};
use crate::domain::codec::encode_record;
use crate::domain::*;
use bincode::Encode;

const USD: AssetId = AssetId(1);
const BTC: AssetId = AssetId(0);
const LINEAR: InstrumentId = InstrumentId(0);
const INVERSE: InstrumentId = InstrumentId(1);
const SECOND: u64 = Timestamp::SECOND;
const ACCOUNTS: u32 = 5;

/// An exchange with one linear and one inverse perpetual; login n is account n + 1's.
struct World {
    exchange: Exchange,
    sequence: u64,
    now: u64,
    refs: Vec<u32>,
    events: Vec<Event>,
    /// How many fundings were closed, and how many positions were charged by another command than a tick.
    fundings: u32,
    touched: u32,
}

fn contract(command: ContractCommand) -> Command {
    Command::Contract(command)
}

impl World {
    fn new() -> Self {
        let limits = VenueLimits { orders_max: 4_096, ..VenueLimits::default() };
        let exchange = Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() });
        let mut world = Self {
            exchange,
            sequence: 0,
            now: 1_000_000 * SECOND,
            refs: vec![0; ACCOUNTS as usize],
            events: Vec::new(),
            fundings: 0,
            touched: 0,
        };
        world.done(Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST }));
        for (asset, code, scale) in [(BTC, "BTC", 8), (USD, "USD", 5)] {
            let code = AssetCode::new(code).expect("a code");
            world.done(Command::Admin(AdminCommand::AddAsset { asset, code, scale }));
        }
        for account in (0..=ACCOUNTS).map(AccountId) {
            world.done(Command::Venue(VenueCommand::OpenAccount { account }));
        }
        for login in 0..ACCOUNTS {
            let account = AccountId(login + 1);
            let login = LoginId(login);
            world.done(Command::Venue(VenueCommand::OpenLogin {
                login,
                account,
                name: LoginName::default(),
            }));
        }
        world.list();
        let terms = IndexTerms { stale_after_ms: 60_000, grace_s: 0, jump: Ppm(0) };
        let symbol = Symbol::new("BTC").expect("a symbol");
        let index = AddIndex { index: IndexId(0), symbol, price_decimals: 2, shard: ShardId::FIRST, terms };
        world.done(contract(ContractCommand::AddIndex(index)));
        world.complete();
        world.index(10_000);
        for instrument in [LINEAR, INVERSE] {
            world.done(Command::Admin(AdminCommand::SetPhase { instrument, phase: Phase::Continuous }));
        }
        world
    }

    fn list(&mut self) {
        for (instrument, symbol, product, lot) in [
            // A tick of .01 on a lot of .001 is worth .00001.
            (LINEAR, "BTC-PERP", Product::LinearPerpetual, 100_000),
            // A lot is 1 dollar.
            (INVERSE, "BTC-INV", Product::InversePerpetual, 100_000),
        ] {
            self.done(Command::Admin(AdminCommand::ListInstrument(ListInstrument {
                instrument,
                symbol: Symbol::new(symbol).expect("a symbol"),
                base: BTC,
                quote: USD,
                price_decimals: 2,
                tick_units: 1,
                lot: Amount(lot),
                min_quantity: Quantity(1),
                max_quantity: Quantity(1_000_000),
                maker_fee: FeeRate(100),
                taker_fee: FeeRate(500),
                product,
                ..ListInstrument::default()
            })));
        }
    }

    fn complete(&mut self) {
        for instrument in [LINEAR, INVERSE] {
            self.done(contract(ContractCommand::SetContract(SetContract {
                instrument,
                index: IndexId(0),
                expiry: 0,
                funding_interval_s: 3_600,
                price_min: 100,
                price_max: 1_000_000,
            })));
            self.done(contract(ContractCommand::SetContractRisk(SetContractRisk {
                instrument,
                impact_lots: 10,
                mark_band: Ppm(50_000),
                first_band: Ppm(200_000),
                premium_band: Ppm(100_000),
                outer_band: Ppm(200_000),
                collar: Ppm(50_000),
                position_limit: 100_000,
                open_interest_limit: 200_000,
                ..SetContractRisk::default()
            })));
            for (row, floor, initial, maintenance) in
                [(0, 0, 20_000, 10_000), (1, 10_000_000, 100_000, 50_000)]
            {
                self.done(contract(ContractCommand::SetMarginTier(SetMarginTier {
                    instrument,
                    row,
                    of: 2,
                    floor: Amount(floor),
                    initial: Ppm(initial),
                    maintenance: Ppm(maintenance),
                })));
            }
        }
    }

    fn apply(&mut self, command: Command) -> &[Event] {
        self.sequence += 1;
        self.events.clear();
        let stamp = Stamp { sequence: self.sequence, time: Timestamp(self.now) };
        self.exchange.apply(stamp, &command, &mut self.events);
        if let Err(error) = self.exchange.audit() {
            panic!("{error}\nafter {command:?}\n{:#?}", self.events);
        }
        for event in &self.events {
            let Event::Contract(event) = event else { continue };
            let by_tick = command == Command::Clock(ClockCommand::Tick);
            self.fundings += u32::from(matches!(event, ContractEvent::FundingClosed { .. }));
            self.touched += u32::from(!by_tick && matches!(event, ContractEvent::FundingPaid(_)));
        }
        &self.events
    }

    /// A command that is not refused.
    fn done(&mut self, command: Command) {
        let events = self.apply(command);
        let refused = |event: &Event| matches!(event, Event::Admin(AdminEvent::Refused { .. }));
        assert!(!events.iter().any(refused), "{command:?}: {events:?}");
    }

    fn index(&mut self, price: u32) {
        self.now += SECOND;
        let source_time = Timestamp(self.now);
        self.apply(contract(ContractCommand::SetIndex(SetIndex { index: IndexId(0), price, source_time })));
    }

    fn deposit(&mut self, account: u32, asset: AssetId, amount: i64) {
        let (account, reference, shard) = (AccountId(account), self.sequence, ShardId::FIRST);
        let transfer = Transfer { account, asset, amount: Amount(amount), reference, shard };
        self.done(Command::Admin(AdminCommand::Deposit(transfer)));
    }

    fn enter(
        &mut self,
        login: u32,
        instrument: InstrumentId,
        side: Side,
        price: OrderPrice,
        lots: u64,
    ) -> Enter {
        self.refs[login as usize] += 1;
        Enter {
            login: LoginId(login),
            user_ref: UserRef(self.refs[login as usize]),
            instrument,
            side,
            price,
            quantity: Quantity(lots),
            ..Enter::default()
        }
    }

    fn order(&mut self, login: u32, side: Side, price: i64, lots: u64) -> Vec<Event> {
        let enter = self.enter(login, LINEAR, side, OrderPrice::Limit(price), lots);
        self.apply(Command::Order(OrderCommand::Enter(enter))).to_vec()
    }

    fn position(&self, account: u32, instrument: InstrumentId) -> (i64, i64) {
        let contract =
            self.exchange.instruments[instrument.0 as usize].contract.as_ref().expect("a contract");
        let at = super::super::positions::At { account: AccountId(account), contract: contract.ordinal };
        let found = self.exchange.shared.positions.find(at);
        found.map_or((0, 0), |holding| (holding.positions[0].leg.lots, holding.positions[0].leg.cost))
    }

    fn balance(&self, account: u32, asset: AssetId) -> (i64, i64) {
        let held = self.exchange.balance(AccountId(account), asset).expect("an account");
        (held.available.0, held.reserved.0)
    }
}

fn rejected(events: &[Event]) -> Option<RejectReason> {
    events.iter().find_map(|event| match event {
        Event::Order(OrderEvent::Rejected(rejected)) => Some(rejected.reason),
        _ => None,
    })
}

fn canceled(events: &[Event]) -> Vec<CancelReason> {
    let reason = |event: &Event| match event {
        Event::Order(OrderEvent::Canceled(canceled)) => Some(canceled.reason),
        _ => None,
    };
    events.iter().filter_map(reason).collect()
}

/// 100 lots at 100.00 are worth 10.00000; 20 times: .50000 of initial margin.
/// Pitfall 2: one value for both sides, and whole fees.
#[test]
fn a_trade_makes_two_positions_and_pays_two_fees() {
    let mut world = World::new();
    world.deposit(1, USD, 100_000);
    world.deposit(2, USD, 100_000);
    world.order(0, Side::Sell, 10_000, 100);
    // It holds its fee of .05 %: 500 of 1,000,000.
    assert_eq!(world.balance(1, USD), (99_500, 500));
    let events = world.order(1, Side::Buy, 10_000, 100);
    let changed: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Contract(ContractEvent::PositionChanged(changed)) => {
                Some((changed.account.0, changed.lots, changed.cost, changed.realised, changed.wallet))
            }
            _ => None,
        })
        .collect();
    assert_eq!(changed, [(2, 100, 1_000_000, 0, 99_500), (1, -100, -1_000_000, 0, 99_900)]);
    assert_eq!(world.balance(0, USD), (600, 0));
    assert_eq!((world.balance(1, USD), world.balance(2, USD)), ((99_900, 0), (99_500, 0)));
    assert_eq!(
        (world.position(1, LINEAR), world.position(2, LINEAR)),
        ((-100, -1_000_000), (100, 1_000_000))
    );
}

/// Pitfall 13: closing is never refused for money.
#[test]
fn an_order_that_the_margin_does_not_reach_for_is_refused_and_closing_never_is() {
    let mut world = World::new();
    world.deposit(1, USD, 50_600);
    world.deposit(2, USD, 10_000_000);
    // .50000 of margin and a fee of 500 for 100 lots: 101 are too many.
    assert_eq!(rejected(&world.order(0, Side::Buy, 10_000, 101)), Some(RejectReason::InsufficientMargin));
    assert_eq!(rejected(&world.order(0, Side::Buy, 10_000, 100)), None);
    world.order(1, Side::Sell, 10_000, 100);
    assert_eq!(world.position(1, LINEAR).0, 100);
    // Now it has lost nearly all, and may still close.
    world.index(95_50);
    assert_eq!(rejected(&world.order(0, Side::Buy, 9500, 1)), Some(RejectReason::InsufficientMargin));
    world.order(1, Side::Buy, 95_50, 60);
    assert_eq!(rejected(&world.order(0, Side::Sell, 95_50, 60)), None);
    assert_eq!(world.position(1, LINEAR).0, 40);
}

/// Pitfall 18.
#[test]
fn a_reduce_only_order_is_never_more_than_there_is_to_reduce() {
    let mut world = World::new();
    (1..=3).for_each(|account| world.deposit(account, USD, 100_000_000));
    world.order(0, Side::Buy, 10_000, 100);
    world.order(1, Side::Sell, 10_000, 100);
    let mut target = world.enter(0, LINEAR, Side::Sell, OrderPrice::Limit(10_500), 80);
    target.instructions = Some(Instructions { effect: Effect::ReduceOnly, ..Instructions::NOTHING });
    world.apply(Command::Order(OrderCommand::Enter(target)));
    // A second one may trade all, and rests with what the first one leaves.
    let mut second = world.enter(0, LINEAR, Side::Sell, OrderPrice::Limit(10_400), 500);
    second.instructions = target.instructions;
    let events = world.apply(Command::Order(OrderCommand::Enter(second))).to_vec();
    assert_eq!(canceled(&events), [CancelReason::ReduceOnlyResized]);
    assert_eq!(world.exchange.levels(LINEAR, Side::Sell).map(|level| level.quantity.0).sum::<u64>(), 100);
    // Half of the position goes otherwise: the newer one goes, then a part of the older one.
    world.order(1, Side::Buy, 10_000, 50);
    let events = world.order(0, Side::Sell, 10_000, 50);
    assert_eq!(canceled(&events), [CancelReason::ReduceOnlyResized; 2]);
    assert_eq!(world.exchange.levels(LINEAR, Side::Sell).map(|level| level.quantity.0).sum::<u64>(), 50);
    let mut wrong = world.enter(0, LINEAR, Side::Buy, OrderPrice::Limit(10_000), 1);
    wrong.instructions = target.instructions;
    let events = world.apply(Command::Order(OrderCommand::Enter(wrong))).to_vec();
    assert_eq!(rejected(&events), Some(RejectReason::NotReducing));
}

/// Pitfall 14.
#[test]
fn a_stale_index_stops_what_increases_risk_and_nothing_else() {
    let mut world = World::new();
    (1..=3).for_each(|account| world.deposit(account, USD, 100_000_000));
    world.order(0, Side::Buy, 10_000, 100);
    world.order(1, Side::Sell, 10_000, 100);
    world.order(2, Side::Sell, 10_000, 10);
    world.now += 61 * SECOND;
    assert_eq!(rejected(&world.order(0, Side::Buy, 10_000, 1)), Some(RejectReason::IndexStale));
    // Who closes meets an order that would open: the trade is not made, and the order ends.
    let buy = world.enter(1, LINEAR, Side::Buy, OrderPrice::Market, 10);
    let events = world.apply(Command::Order(OrderCommand::Enter(buy))).to_vec();
    assert_eq!(canceled(&events), [CancelReason::IndexStale]);
    let withdraw = Transfer {
        account: AccountId(1),
        asset: USD,
        amount: Amount(1),
        reference: 1_000_000,
        shard: ShardId::FIRST,
    };
    let events = world.apply(Command::Admin(AdminCommand::Withdraw(withdraw))).to_vec();
    assert!(matches!(
        events[..],
        [Event::Admin(AdminEvent::Refused { reason: RejectReason::InsufficientFunds })]
    ));
}

/// Records of a snapshot, part by part.
#[derive(Default)]
struct Kept(Vec<(Part, Vec<u8>)>);

impl Sink for Kept {
    type Error = ();

    fn put<T: Encode>(&mut self, part: Part, record: &T) -> Result<(), ()> {
        let mut bytes = vec![0; 1_024];
        let len = encode_record(record, &mut bytes).map_err(drop)?;
        bytes.truncate(len);
        self.0.push((part, bytes));
        Ok(())
    }
}

fn restored(exchange: &Exchange) -> Exchange {
    let (mut kept, mut chained, key) = (Kept::default(), Vec::new(), NameKey::default());
    exchange.write_to(&mut kept).expect("it is kept");
    let (mut names, mut restoring) = (Names::new(key, u64::MAX), Restoring::new(&[], key, u64::MAX));
    for (part, bytes) in &kept.0 {
        names.prepare(*part, bytes, &mut chained).expect("right");
        restoring.take(*part, bytes, &chained).unwrap_or_else(|error| panic!("{part:?}: {error}"));
    }
    restoring.finish(names).expect("right")
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

impl World {
    fn random(&mut self, random: &mut Random) {
        let (login, at) = (random.below(u64::from(ACCOUNTS)) as u32, random.below(100));
        let instrument = if random.below(3) > 0 { LINEAR } else { INVERSE };
        let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
        self.now += random.below(2) * SECOND / 2;
        match at {
            0..8 => self.index(9500 + random.below(1000) as u32),
            8 if random.below(3) == 0 => {
                // A funding comes soon, with some samples or without.
                self.now += (3_590 + random.below(5)) * SECOND;
                self.index(9500 + random.below(1000) as u32);
            }
            8 => self.now += random.below(90) * SECOND,
            9 => {
                let phase = Phase::Continuous;
                self.apply(Command::Admin(AdminCommand::SetPhase { instrument, phase }));
            }
            10..14 => {
                let phase =
                    [Phase::OpeningAuction, Phase::Continuous, Phase::Halted][random.below(3) as usize];
                self.apply(Command::Admin(AdminCommand::SetPhase { instrument, phase }));
            }
            14..20 => {
                self.apply(Command::Clock(ClockCommand::Tick));
            }
            20..35 => {
                let user_ref = UserRef(1 + random.below(u64::from(self.refs[login as usize]) + 1) as u32);
                let quantity = Quantity(random.below(20));
                let cancel = Cancel { login: LoginId(login), user_ref, quantity, ..Cancel::default() };
                self.apply(Command::Order(OrderCommand::Cancel(cancel)));
            }
            35..45 => {
                let orig_user_ref =
                    UserRef(1 + random.below(u64::from(self.refs[login as usize]) + 1) as u32);
                self.refs[login as usize] += 1;
                let replace = Replace {
                    login: LoginId(login),
                    orig_user_ref,
                    user_ref: UserRef(self.refs[login as usize]),
                    price: OrderPrice::Limit(9600 + random.below(8_00) as i64),
                    quantity: Quantity(1 + random.below(400)),
                    ..Replace::default()
                };
                self.apply(Command::Order(OrderCommand::Replace(replace)));
            }
            45..47 => {
                let asset = if instrument == LINEAR { USD } else { BTC };
                let amount = Amount(random.below(100_000) as i64);
                let (account, reference) = (AccountId(login + 1), self.sequence);
                let transfer = Transfer { account, asset, amount, reference, shard: ShardId::FIRST };
                self.apply(Command::Admin(AdminCommand::Withdraw(transfer)));
            }
            _ => self.random_order(random, login, instrument, side),
        }
    }

    fn random_order(&mut self, random: &mut Random, login: u32, instrument: InstrumentId, side: Side) {
        let price = match random.below(5) {
            0 => OrderPrice::Market,
            _ => OrderPrice::Limit(9600 + random.below(8_00) as i64),
        };
        let lots = 1 + random.below(400);
        let mut enter = self.enter(login, instrument, side, price, lots);
        let hedges = self.exchange.shared.positions.hedges(AccountId(login + 1));
        if hedges || random.below(2) == 0 {
            let mut asked = random_instructions(random, lots, self.refs[login as usize]);
            match random.below(6) {
                0 => {
                    asked.effect = Effect::ClosePosition;
                    enter.quantity = Quantity(0);
                    if asked.trigger.is_none() {
                        enter.price = OrderPrice::Market;
                    }
                }
                _ if hedges && asked.effect == Effect::Any => asked.effect = Effect::Open,
                _ => {}
            }
            enter.instructions = Some(asked);
        }
        self.apply(Command::Order(OrderCommand::Enter(enter)));
    }
}

fn random_instructions(random: &mut Random, lots: u64, last: u32) -> Instructions {
    let mut asked = Instructions::NOTHING;
    match random.below(8) {
        0 => asked.min_quantity = 1 + random.below(lots) as u32,
        1 => asked.display_quantity = 1 + random.below(lots) as u32,
        2..5 => asked.effect = Effect::ReduceOnly,
        5 => asked.oco = UserRef(last.saturating_sub(1 + random.below(3) as u32)),
        6 => {
            asked.trigger = Some(Trigger {
                kind: TriggerKind::Stop,
                reference: if random.below(2) == 0 {
                    TriggerReference::LastTrade
                } else {
                    TriggerReference::MarkPrice
                },
                price: 9600 + random.below(8_00) as u32,
            });
        }
        _ => {
            let mode = [SelfTrade::CancelNewest, SelfTrade::DecrementBoth, SelfTrade::CancelBoth]
                [random.below(3) as usize];
            asked.self_trade = Some(SelfTradePrevention { mode, owner: Owner::Account });
        }
    }
    asked
}

#[test]
fn random_runs_are_right_after_every_command_and_after_a_restart() {
    let (mut trades, mut fundings, mut touched) = (0, 0, 0);
    for seed in std::env::var("SEED")
        .map_or(0..20, |seed| seed.parse().map(|seed: u64| seed..seed + 300).expect("a number"))
    {
        println!("seed {seed}");
        let mut world = World::new();
        for account in 1..=ACCOUNTS {
            world.deposit(account, USD, if account < 3 { 100_000_000 } else { 200_000 });
            world.deposit(account, BTC, if account < 3 { 10_000_000_000 } else { 10_000_000 });
        }
        let mut random = Random(seed);
        // Account 3 has little money, account 2 much.
        for hedging in if seed % 2 == 0 { 2..4 } else { 3..4 } {
            let by = Setter { account: AccountId(hedging), ..Setter::default() };
            let (shard, mode) = (ShardId::FIRST, PositionMode::Hedge);
            world.done(Command::Owner(OwnerCommand::SetPositionMode(SetPositionMode { by, shard, mode })));
        }
        for step in 0..1_500 {
            world.random(&mut random);
            if step % 250 == 0 {
                let again = restored(&world.exchange);
                again.audit().expect("it is right");
                assert_eq!(again.digest(), world.exchange.digest(), "seed {seed}, step {step}");
                world.exchange = again;
            }
        }
        trades += world.exchange.last_trade().count();
        fundings += world.fundings;
        touched += world.touched;
    }
    assert!(trades > 2_000, "{trades} trades");
    assert!(fundings > 20 && touched > 20, "{fundings} fundings, {touched} charged before a fill");
}
