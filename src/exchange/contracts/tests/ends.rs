//! Fundings, the ends of contracts, and what funds pay.

use super::*;

/// What positions were charged: account, amount, wallet.
fn paid(events: &[Event]) -> Vec<(u32, i64, i64)> {
    let paid = events.iter().filter_map(|event| match event {
        Event::Contract(ContractEvent::FundingPaid(paid)) => {
            Some((paid.account.0, paid.amount.0, paid.wallet))
        }
        _ => None,
    });
    paid.collect()
}

fn fund_of(world: &World, asset: AssetId) -> i64 {
    world.exchange.shared.funds.amount(asset).0
}

impl World {
    fn tick(&mut self) -> Vec<Event> {
        self.apply(Command::Clock(ClockCommand::Tick)).to_vec()
    }

    fn withdraw(&mut self, account: u32, asset: AssetId, amount: i64) -> Vec<Event> {
        let (account, reference, shard) = (AccountId(account), self.sequence, ShardId::FIRST);
        let transfer = Transfer { account, asset, amount: Amount(amount), reference, shard };
        self.apply(Command::Admin(AdminCommand::Withdraw(transfer))).to_vec()
    }

    fn phase(&mut self, instrument: InstrumentId, phase: Phase) -> Vec<Event> {
        self.apply(Command::Admin(AdminCommand::SetPhase { instrument, phase })).to_vec()
    }

    /// Accounts 1 and 2 have long and short 100 lots at 100.00, and the book is 1 % above the index.
    fn with_positions() -> Self {
        let mut world = Self::new();
        [1, 2, 3].into_iter().for_each(|account| world.deposit(account, USD, 1_000_000));
        world.order(1, Side::Sell, 10_000, 100);
        world.order(0, Side::Buy, 10_000, 100);
        world.order(2, Side::Buy, 10_100, 10);
        world.order(2, Side::Sell, 10_200, 10);
        world
    }

    /// Goes on to the next funding time with this many samples. Returns the events of the tick that sets it.
    fn until_funding(&mut self, samples: u64) -> Vec<Event> {
        let next = (self.now / SECOND / 3_600 + 1) * 3_600;
        self.now = (next - samples - 1) * SECOND;
        self.index(10_000);
        for _ in 1..samples {
            self.tick();
            self.now += SECOND;
        }
        self.tick();
        self.now = next * SECOND;
        self.tick()
    }
}

/// 11 samples of 1 %, that of the funding's own tick too, give 11 / 28,800 of .95 %: 3,628.47 parts per 10^9. 100 lots at 101.50, which is the
/// middle of the book, are worth 10.15000: 3.68 units.
#[test]
fn longs_pay_what_shorts_receive_and_the_fund_gets_the_rest() {
    let mut world = World::with_positions();
    let wallets = [world.balance(1, USD).0, world.balance(2, USD).0];
    let events = world.until_funding(10);
    let Some(Event::Contract(ContractEvent::FundingSet(set))) = events.last().copied() else {
        panic!("no funding: {events:?}")
    };
    // The inverse contract has a funding too, with the rate 0.
    assert_eq!((set.instrument, set.rate_ppb, set.samples), (INVERSE, 0, 0));
    let Event::Contract(ContractEvent::FundingSet(set)) = events[events.len() - 2] else { panic!("none") };
    assert_eq!(
        (set.number, set.rate_ppb, set.samples, set.premium_ppb),
        (FundingNumber(1), 3_628, 11, 10_000_000)
    );
    assert_eq!((set.mark, set.open_interest), (Price(10_150), Quantity(100)));
    assert_eq!(paid(&events), []);
    let events = world.tick();
    assert_eq!(paid(&events), [(1, -4, wallets[0] - 4), (2, 3, wallets[1] + 3)]);
    let closed = ContractEvent::FundingClosed {
        instrument: LINEAR,
        number: FundingNumber(1),
        legs: 2,
        remainder: Amount(1),
    };
    assert!(events.contains(&Event::Contract(closed)), "{events:?}");
    assert_eq!(fund_of(&world, USD), 1);
}

#[test]
fn a_position_is_charged_before_its_lots_change_and_one_that_is_opened_then_is_not() {
    let mut world = World::with_positions();
    world.until_funding(10);
    // Account 2 sells to the bid of account 3, which had no position.
    let events = world.order(1, Side::Sell, 10_100, 10);
    assert_eq!(
        paid(&events).iter().map(|(account, amount, _)| (*account, *amount)).collect::<Vec<_>>(),
        [(2, 3)]
    );
    assert!(matches!(events[0], Event::Order(OrderEvent::Accepted(_))));
    let events = world.tick();
    assert_eq!(
        paid(&events).iter().map(|(account, amount, _)| (*account, *amount)).collect::<Vec<_>>(),
        [(1, -4)]
    );
}

#[test]
fn a_withdrawal_is_asked_and_carried_out_as_if_all_positions_were_charged() {
    let mut world = World::with_positions();
    // Account 1 has 10.00000 less the fee, and a margin of 100 lots at 101.50 times 20.
    world.until_funding(10);
    let asset = USD;
    let most = world.exchange.withdrawable(AccountId(1), asset);
    let refused = world.withdraw(1, asset, most as i64 + 1);
    assert_eq!(paid(&refused), []);
    assert!(matches!(
        refused[..],
        [Event::Admin(AdminEvent::Refused { reason: RejectReason::InsufficientFunds })]
    ));
    let events = world.withdraw(1, asset, most as i64);
    assert_eq!(paid(&events).len(), 1);
    assert!(matches!(events.last(), Some(Event::Admin(AdminEvent::Withdrawn(_)))));
    assert_eq!(world.exchange.withdrawable(AccountId(1), asset), 0);
}

/// A long position loses more than its owner has. Its owner closes it at the mark, which makes nothing worse.
fn with_a_deficit(fund: i64) -> (World, Vec<Event>) {
    let mut world = World::new();
    world.deposit(1, USD, 60_000);
    world.deposit(2, USD, 10_000_000);
    world.order(1, Side::Sell, 10_000, 100);
    world.order(0, Side::Buy, 10_000, 100);
    if fund > 0 {
        let (asset, shard) = (USD, ShardId::FIRST);
        let deposit = DepositFund { asset, shard, amount: Amount(fund), reference: 1 };
        world.done(contract(ContractCommand::DepositFund(deposit)));
    }
    world.index(9_000);
    world.index(9_000);
    // An order that is not filled is cancelled before the fund pays.
    assert_eq!(rejected(&world.order(0, Side::Sell, 9_200, 20)), None);
    world.order(1, Side::Buy, 9_000, 100);
    let mut enter = world.enter(0, LINEAR, Side::Sell, OrderPrice::Limit(9_000), 100);
    enter.instructions = Some(Instructions { effect: Effect::ReduceOnly, ..Instructions::NOTHING });
    let events = world.apply(Command::Order(OrderCommand::Enter(enter))).to_vec();
    (world, events)
}

/// Pitfall 11: the fund pays for a wallet below 0 that has no positions.
#[test]
fn a_fund_pays_what_an_account_without_positions_lacks() {
    let (mut world, events) = with_a_deficit(1_000_000);
    assert_eq!(canceled(&events), [CancelReason::AccountBelowZero]);
    let Some(Event::Contract(ContractEvent::FundPaid(paid))) = events.last().copied() else {
        panic!("{events:?}")
    };
    assert_eq!((paid.account, paid.asset, paid.instrument), (AccountId(1), USD, None));
    assert_eq!(world.balance(1, USD), (0, 0));
    assert_eq!(paid.fund.0, 1_000_000 - paid.amount.0);
    assert!(matches!(world.withdraw(2, USD, 1)[..], [Event::Admin(AdminEvent::Withdrawn(_))]));
}

/// Pitfall 6: while the fund is below 0 nothing leaves.
#[test]
fn a_fund_without_money_goes_below_zero_and_nothing_leaves() {
    let (mut world, events) = with_a_deficit(1_000);
    let [
        ..,
        Event::Contract(ContractEvent::FundPaid(paid)),
        Event::Contract(ContractEvent::InsuranceDeficit(lacks)),
    ] = events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((lacks.amount.0, paid.fund.0), (paid.amount.0 - 1_000, 1_000 - paid.amount.0));
    assert_eq!(lacks.fund, paid.fund);
    let refused = world.withdraw(2, USD, 1);
    assert!(matches!(
        refused[..],
        [Event::Admin(AdminEvent::Refused { reason: RejectReason::FundBelowZero })]
    ));
    let (asset, shard) = (USD, ShardId::FIRST);
    let deposit = DepositFund { asset, shard, amount: lacks.amount, reference: 2 };
    world.done(contract(ContractCommand::DepositFund(deposit)));
    assert!(matches!(world.withdraw(2, USD, 1)[..], [Event::Admin(AdminEvent::Withdrawn(_))]));
}

/// What was settled: account, realised, wallet.
fn settled(events: &[Event]) -> Vec<(u32, i64, i64)> {
    let settled = events.iter().filter_map(|event| match event {
        Event::Contract(ContractEvent::PositionChanged(change)) if change.cause == PositionCause::Settled => {
            Some((change.account.0, change.realised, change.wallet))
        }
        _ => None,
    });
    settled.collect()
}

#[test]
fn a_contract_is_closed_out_at_an_operators_price() {
    let mut world = World::with_positions();
    world.until_funding(10);
    let settle =
        |price| contract(ContractCommand::SettleContract { instrument: LINEAR, price: Price(price) });
    let refused = |events: &[Event]| match events {
        [Event::Admin(AdminEvent::Refused { reason })] => Some(*reason),
        _ => None,
    };
    assert_eq!(refused(world.apply(settle(9_900))), Some(RejectReason::InvalidPhase));
    world.phase(LINEAR, Phase::Halted);
    assert_eq!(refused(world.apply(settle(99))), Some(RejectReason::OutOfRange));
    let wallets = [1, 2].map(|account| world.balance(account, USD).0);
    let events = world.apply(settle(9_900)).to_vec();
    assert_eq!(canceled(&events), [CancelReason::ContractExpired; 2]);
    // Charged first, then closed.
    assert_eq!(paid(&events).len(), 2);
    let (long, short) = (wallets[0] - 4 - 10_000, wallets[1] + 3 + 10_000);
    assert_eq!(settled(&events), [(1, -10_000, long), (2, 10_000, short)]);
    let end = ContractEvent::ContractSettled {
        instrument: LINEAR,
        price: Price(9_900),
        legs: 2,
        remainder: Amount(0),
    };
    let phase = MarketEvent::PhaseSet { instrument: LINEAR, phase: Phase::Delisted };
    assert!(events.ends_with(&[Event::Contract(end), Event::Market(phase)]), "{events:?}");
    assert_eq!(rejected(&world.order(0, Side::Buy, 10_000, 1)), Some(RejectReason::InstrumentDelisted));
    let again = restored(&world.exchange);
    assert_eq!(again.digest(), world.exchange.digest());
}

/// A dated contract that expires in the next hour but one, with positions of 100 lots at 100.00.
fn dated() -> (World, InstrumentId, u64) {
    let mut world = World::new();
    let instrument = InstrumentId(2);
    let expiry = (world.now / SECOND / 3_600 + 2) * 3_600;
    world.done(Command::Admin(AdminCommand::ListInstrument(ListInstrument {
        instrument,
        symbol: Symbol::new("BTC-DEC").expect("a symbol"),
        base: BTC,
        quote: USD,
        price_decimals: 2,
        tick_units: 1,
        lot: Amount(100_000),
        min_quantity: Quantity(1),
        max_quantity: Quantity(1_000_000),
        product: Product::LinearDated,
        ..ListInstrument::default()
    })));
    world.done(contract(ContractCommand::SetContract(SetContract {
        instrument,
        index: IndexId(0),
        expiry: expiry as u32,
        funding_interval_s: 0,
        price_min: 100,
        price_max: 1_000_000,
    })));
    let contract_of = |of: InstrumentId| world.exchange.instruments[of.0 as usize].contract.as_ref();
    let risk = contract_of(LINEAR).and_then(|contract| contract.risk).expect("it has them");
    world.done(contract(ContractCommand::SetContractRisk(SetContractRisk { instrument, ..risk })));
    let (initial, maintenance) = (Ppm(20_000), Ppm(10_000));
    let tier = SetMarginTier { instrument, row: 0, of: 1, floor: Amount(0), initial, maintenance };
    world.done(contract(ContractCommand::SetMarginTier(tier)));
    world.phase(instrument, Phase::Continuous);
    [1, 2].into_iter().for_each(|account| world.deposit(account, USD, 1_000_000));
    for (login, side) in [(1, Side::Sell), (0, Side::Buy)] {
        let enter = world.enter(login, instrument, side, OrderPrice::Limit(10_000), 100);
        world.apply(Command::Order(OrderCommand::Enter(enter)));
    }
    let enter = world.enter(0, instrument, Side::Buy, OrderPrice::Limit(9_000), 5);
    world.apply(Command::Order(OrderCommand::Enter(enter)));
    (world, instrument, expiry)
}

impl World {
    /// Takes samples of this index in the seconds before the expiry.
    fn sampled(&mut self, expiry: u64, samples: u64, index: u32) {
        for second in expiry - samples..expiry {
            self.now = (second - 1) * SECOND;
            self.index(index);
            self.tick();
        }
    }
}

#[test]
fn a_contract_expires_at_the_mean_of_its_index() {
    let (mut world, instrument, expiry) = dated();
    world.sampled(expiry, 900, 10_500);
    world.now = expiry * SECOND;
    // The first command of whomever.
    let events = world.order(3, Side::Buy, 9_900, 1);
    let told = events.iter().position(|event| matches!(event, Event::Market(MarketEvent::PhaseSet { .. })));
    assert_eq!((canceled(&events), told), (vec![CancelReason::ContractExpired], Some(1)));
    assert_eq!(settled(&events), [(1, 50_000, 1_050_000), (2, -50_000, 950_000)]);
    let end =
        ContractEvent::ContractSettled { instrument, price: Price(10_500), legs: 2, remainder: Amount(0) };
    assert!(events.contains(&Event::Contract(end)));
    let last = MarketEvent::PhaseSet { instrument, phase: Phase::Delisted };
    assert!(events.contains(&Event::Market(last)));
}

#[test]
fn without_enough_samples_an_operator_states_the_price() {
    let (mut world, instrument, expiry) = dated();
    world.sampled(expiry, 899, 10_500);
    let again = restored(&world.exchange);
    assert_eq!(again.digest(), world.exchange.digest());
    world.exchange = again;
    world.now = expiry * SECOND;
    let events = world.tick();
    let pending = ContractEvent::SettlementPending { instrument, samples: 899 };
    assert!(events.contains(&Event::Contract(pending)), "{events:?}");
    assert_eq!(settled(&events), []);
    let enter = world.enter(0, instrument, Side::Buy, OrderPrice::Limit(10_000), 1);
    let events = world.apply(Command::Order(OrderCommand::Enter(enter))).to_vec();
    assert_eq!(rejected(&events), Some(RejectReason::ContractExpired));
    let refused = [Event::Admin(AdminEvent::Refused { reason: RejectReason::ContractExpired })];
    assert_eq!(world.phase(instrument, Phase::Continuous), refused);
    let again = restored(&world.exchange);
    assert_eq!(again.digest(), world.exchange.digest());
    world.exchange = again;
    let settle = contract(ContractCommand::SettleContract { instrument, price: Price(9_000) });
    let events = world.apply(settle).to_vec();
    assert_eq!(settled(&events), [(1, -100_000, 900_000), (2, 100_000, 1_100_000)]);
}

/// Nine dollars at 7.00 are 1.28571428.57 coins: who is long owes them, so pays one more than the other side gets.
/// Pitfall 1.
#[test]
fn the_fractions_of_an_inverse_settlement_are_the_funds() {
    let mut world = World::new();
    [1, 2].into_iter().for_each(|account| world.deposit(account, BTC, 10_000_000_000));
    for (login, side) in [(1, Side::Sell), (0, Side::Buy)] {
        let enter = world.enter(login, INVERSE, side, OrderPrice::Limit(10_000), 9);
        world.apply(Command::Order(OrderCommand::Enter(enter)));
    }
    world.phase(INVERSE, Phase::Closed);
    let settle = contract(ContractCommand::SettleContract { instrument: INVERSE, price: Price(700) });
    let events = world.apply(settle).to_vec();
    // Cost: .09 coins each.
    assert_eq!(
        settled(&events).iter().map(|(account, realised, _)| (*account, *realised)).collect::<Vec<_>>(),
        [(1, 9_000_000 - 128_571_429), (2, 128_571_428 - 9_000_000)]
    );
    assert_eq!(fund_of(&world, BTC), 1);
}
