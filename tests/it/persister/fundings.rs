//! Fundings, settlements and payments of funds: the tables say what the exchange did, and the check computes it again.

use super::{Bench, append};
use dojima::domain::{
    AccountId, AddIndex, AdminCommand, Amount, AssetCode, AssetId, ClockCommand, Command, ContractCommand,
    ContractEvent, DepositFund, Enter, Event, EventRecord, FundCause, FundPaid, FundingNumber, FundingPaid,
    FundingSet, IndexId, IndexTerms, InstrumentId, ListInstrument, LoginId, LoginName, OrderCommand,
    OrderPrice, Phase, PositionCause, PositionChanged, PositionLeg, Ppm, Price, Product, Quantity,
    SetContract, SetContractRisk, SetIndex, SetMarginTier, ShardId, Side, Stamp, Symbol, Timestamp, TradeId,
    Transfer, UserRef, VenueCommand,
};
use dojima::exchange::{Exchange, ExchangeLimits};
use dojima::sql::check::{CheckError, Difference, check};
use dojima::sql::reader::SqlReader;
use rusqlite::Connection;
use std::collections::BTreeSet;

const START: u64 = 1_795_500_000 * Timestamp::SECOND;
const ASSETS: [AssetId; 2] = [AssetId(0), AssetId(1)];
const ACCOUNTS: u32 = 5;
/// Whose contracts lose more than it has.
const POOR: u32 = 4;

/// Perpetuals, one that expires, one that does so with too few samples, and one that an operator closes out.
const LINEAR: InstrumentId = InstrumentId(0);
const INVERSE: InstrumentId = InstrumentId(1);
const DATED: InstrumentId = InstrumentId(2);
const EARLY: InstrumentId = InstrumentId(3);
const CLOSED_OUT: InstrumentId = InstrumentId(4);
/// Each with its expiry, seconds after the start; 0: it has none.
const CONTRACTS: [(InstrumentId, Product, u64); 5] = [
    (LINEAR, Product::LinearPerpetual, 0),
    (INVERSE, Product::InversePerpetual, 0),
    (DATED, Product::InverseDated, 7_200),
    (EARLY, Product::LinearDated, 600),
    (CLOSED_OUT, Product::LinearPerpetual, 0),
];

struct Venue {
    exchange: Exchange,
    stamp: Stamp,
    refs: [u32; ACCOUNTS as usize],
    events: Vec<EventRecord>,
}

impl Venue {
    fn open() -> Self {
        let mut venue = Self {
            exchange: Exchange::new(ExchangeLimits::default()),
            stamp: Stamp { sequence: 0, time: Timestamp(START) },
            refs: [0; ACCOUNTS as usize],
            events: Vec::new(),
        };
        venue.apply(Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST }));
        for (asset, name) in ASSETS.into_iter().zip(["COIN", "CASH"]) {
            let code = AssetCode::new(name).expect("a code");
            venue.apply(Command::Admin(AdminCommand::AddAsset { asset, code, scale: 2 }));
        }
        for account in (0..ACCOUNTS).map(AccountId) {
            venue.apply(Command::Venue(VenueCommand::OpenAccount { account }));
            let (login, name) = (LoginId(account.0), LoginName::default());
            venue.apply(Command::Venue(VenueCommand::OpenLogin { login, account, name }));
            for asset in ASSETS {
                let amount = Amount(if account.0 == POOR { 700 } else { 10_000_000 });
                let (reference, shard) = (1 + u64::from(asset.0), ShardId::FIRST);
                let transfer = Transfer { account, asset, amount, reference, shard };
                venue.apply(Command::Admin(AdminCommand::Deposit(transfer)));
            }
        }
        venue.contract(ContractCommand::AddIndex(AddIndex {
            index: IndexId(0),
            symbol: Symbol::new("INDEX").expect("a symbol"),
            price_decimals: 2,
            shard: ShardId::FIRST,
            terms: IndexTerms { stale_after_ms: 600_000, grace_s: 0, jump: Ppm(0) },
        }));
        for (instrument, product, expiry) in CONTRACTS {
            venue.list(instrument, product, expiry);
        }
        let deposit =
            DepositFund { asset: ASSETS[1], shard: ShardId::FIRST, amount: Amount(100), reference: 1 };
        venue.contract(ContractCommand::DepositFund(deposit));
        venue.index(750);
        for (instrument, ..) in CONTRACTS {
            venue.phase(instrument, Phase::Continuous);
        }
        venue
    }

    fn list(&mut self, instrument: InstrumentId, product: Product, expiry: u64) {
        self.apply(Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            instrument,
            symbol: Symbol::new(&format!("C{instrument}")).expect("a symbol"),
            base: ASSETS[0],
            quote: ASSETS[1],
            price_decimals: 2,
            tick_units: 5,
            lot: Amount(100),
            min_quantity: Quantity(1),
            max_quantity: Quantity(10_000),
            phase: Phase::Closed,
            product,
            ..ListInstrument::default()
        })));
        let is_perpetual = product.is_perpetual();
        self.contract(ContractCommand::SetContract(SetContract {
            instrument,
            index: IndexId(0),
            expiry: if is_perpetual { 0 } else { (START / Timestamp::SECOND + expiry) as u32 },
            funding_interval_s: if is_perpetual { 3_600 } else { 0 },
            price_min: 100,
            price_max: 1_500,
        }));
        self.contract(ContractCommand::SetContractRisk(SetContractRisk {
            instrument,
            interest_ppb: if is_perpetual { 100_000 } else { 0 },
            impact_lots: 6,
            mark_band: Ppm(100_000),
            first_band: Ppm(400_000),
            premium_band: Ppm(400_000),
            outer_band: Ppm(400_000),
            collar: Ppm(10_000),
            position_limit: 1_000,
            open_interest_limit: 2_000,
            ..SetContractRisk::default()
        }));
        self.contract(ContractCommand::SetMarginTier(SetMarginTier {
            instrument,
            row: 0,
            of: 1,
            initial: Ppm(50_000),
            maintenance: Ppm(25_000),
            ..SetMarginTier::default()
        }));
    }

    fn apply(&mut self, command: Command) {
        self.stamp.sequence += 1;
        let mut said = Vec::new();
        self.exchange.apply(self.stamp, &command, &mut said);
        let Stamp { sequence, time } = self.stamp;
        for event in said {
            self.events.push(EventRecord { number: self.events.len() as u64 + 1, sequence, time, event });
        }
    }

    fn contract(&mut self, command: ContractCommand) {
        self.apply(Command::Contract(command));
    }

    fn phase(&mut self, instrument: InstrumentId, phase: Phase) {
        self.apply(Command::Admin(AdminCommand::SetPhase { instrument, phase }));
    }

    fn index(&mut self, price: u32) {
        let source_time = self.stamp.time;
        self.contract(ContractCommand::SetIndex(SetIndex { index: IndexId(0), price, source_time }));
    }

    fn enter(&mut self, login: u32, instrument: InstrumentId, side: Side, price: i64, lots: u64) {
        self.refs[login as usize] += 1;
        self.apply(Command::Order(OrderCommand::Enter(Enter {
            login: LoginId(login),
            user_ref: UserRef(self.refs[login as usize]),
            instrument,
            side,
            price: OrderPrice::Limit(5 * price),
            quantity: Quantity(lots),
            ..Enter::default()
        })));
    }

    /// One account buys of another.
    fn trade(&mut self, instrument: InstrumentId, [buyer, seller]: [u32; 2], price: i64, lots: u64) {
        self.enter(seller, instrument, Side::Sell, price, lots);
        self.enter(buyer, instrument, Side::Buy, price, lots);
    }

    fn tick(&mut self) {
        self.stamp.time.0 += Timestamp::SECOND;
        self.apply(Command::Clock(ClockCommand::Tick));
    }

    /// Positions in all contracts, and books from which premiums are sampled.
    fn trade_all(&mut self) {
        for (instrument, ..) in CONTRACTS {
            self.trade(instrument, [2, 3], 151, 37);
            self.trade(instrument, [1, 2], 150, 11);
            self.trade(instrument, [0, 3], 149, 5);
            self.enter(1, instrument, Side::Buy, 148, 9);
            self.enter(1, instrument, Side::Sell, 153, 9);
        }
        self.trade(CLOSED_OUT, [POOR, 3], 150, 16);
    }

    /// Two hours, in which the index falls below all bids and rises above all asks.
    fn run() -> Self {
        let mut venue = Self::open();
        venue.trade_all();
        let first = venue.stamp.time.seconds();
        for second in first + 1..first + 7_300 {
            venue.tick();
            if second % 60 == 0 {
                venue.index(if second - first < 4_000 { 700 } else { 800 } + (second % 7) as u32);
            }
            // Some trade right after a funding, before the next tick charges them.
            if second % 3_600 == 0 {
                venue.trade(LINEAR, [3, 1], 150, 3);
            }
            match second - first {
                700 => {
                    venue.contract(ContractCommand::SettleContract { instrument: EARLY, price: Price(141) })
                }
                5_000 => {
                    venue.phase(CLOSED_OUT, Phase::Halted);
                    let (instrument, price) = (CLOSED_OUT, Price(120));
                    venue.contract(ContractCommand::SettleContract { instrument, price });
                }
                _ => {}
            }
        }
        venue.exchange.audit().expect("it holds");
        venue
    }
}

fn asked(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).expect(sql)
}

fn kinds(events: &[EventRecord]) -> BTreeSet<&'static str> {
    events.iter().map(|record| record.event.name()).collect()
}

/// The log of these events against the tables of a bench.
fn nonsense(bench: &Bench, events: &[EventRecord]) -> String {
    let other = Bench::with(events);
    let sql = SqlReader::open(&bench.database()).expect("a database");
    match check(&sql, &other.log()) {
        Err(CheckError::Nonsense { what, .. }) => what,
        found => panic!("{found:?}"),
    }
}

const SEVEN: [&str; 7] = [
    "FundingSet",
    "FundingPaid",
    "FundingClosed",
    "SettlementPending",
    "ContractSettled",
    "FundPaid",
    "InsuranceDeficit",
];

#[test]
fn tables_of_fundings_and_settlements_agree_with_the_exchange() {
    let venue = Venue::run();
    let told = kinds(&venue.events);
    assert!(SEVEN.iter().all(|kind| told.contains(kind)), "{told:?}");
    let half = venue.events.len() / 2;
    for batch in [1_000, 7] {
        let bench = Bench::with(&venue.events[..half]);
        bench.fill(batch);
        append(&mut bench.log_writer(), &venue.events[half..]);
        bench.fill(batch);
        assert_eq!(bench.check().first_difference(), None);
        let sql = Connection::open(bench.database()).expect("a database");
        assert_eq!(asked(&sql, "SELECT count(*) FROM conservation WHERE supply <> held"), 0);
        assert_eq!(asked(&sql, "SELECT count(*) FROM clearing WHERE amount <> 0"), 0);
        for account in 0..ACCOUNTS {
            for asset in ASSETS {
                let of = format!("FROM balances WHERE account = {account} AND asset = {asset}");
                let known = venue.exchange.balance(AccountId(account), asset).expect("an account");
                let known = known.available.0 + known.reserved.0;
                assert_eq!(asked(&sql, &format!("SELECT total {of}")), known, "account {account}");
            }
        }
        for (sql_text, least) in [
            ("SELECT count(*) FROM fundings WHERE rate_ppb > 0 AND legs > 0", 1),
            ("SELECT count(*) FROM fundings WHERE rate_ppb < 0 AND legs > 0", 1),
            ("SELECT sum(remainder) FROM fundings", 1),
            ("SELECT count(*) FROM fundings_readable WHERE legs IS NOT NULL", 5),
            ("SELECT count(*) FROM funding_payments_readable", 20),
            ("SELECT count(*) FROM settlements WHERE price IS NOT NULL AND legs > 1", 3),
            ("SELECT samples FROM settlements WHERE pending_event IS NOT NULL", 1),
            ("SELECT count(*) FROM fund_payments WHERE deficit > 0 AND deficit < amount AND fund < 0", 1),
        ] {
            let found = asked(&sql, sql_text);
            assert!(found >= least, "{sql_text}: {found}");
        }
        assert_eq!(asked(&sql, "SELECT count(*) FROM fundings WHERE legs IS NULL"), 0);
        let shown: (String, String, String, String) = sql
            .query_row(
                "SELECT symbol, rate_percent, mark, open_interest FROM fundings_readable \
                 WHERE symbol = 'C0' AND number = 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .expect("a row");
        let first = venue.events.iter().find_map(|record| match record.event {
            Event::Contract(ContractEvent::FundingSet(set)) if set.instrument == LINEAR => Some(set),
            _ => None,
        });
        let first = first.expect("a funding");
        let percent = f64::from(first.rate_ppb) / 1e7;
        assert_eq!(shown.1, format!("{percent:.7}"));
        assert_eq!(shown.2, format!("{:.2}", first.mark.0 as f64 * 0.05));
        assert_eq!(shown.3, format!("{:.2}", first.open_interest.0 as f64));
    }
}

#[test]
fn a_row_of_a_funding_that_the_events_do_not_have_is_found() {
    let venue = Venue::run();
    let bench = Bench::with(&venue.events);
    for (table, change) in [
        ("fundings", "UPDATE fundings SET rate_ppb = rate_ppb + 1 WHERE number = 1"),
        ("fundings", "UPDATE fundings SET closed_event = NULL WHERE number = 2"),
        ("fundings", "UPDATE fundings SET remainder = remainder + 1 WHERE instrument = 1"),
        ("funding_payments", "UPDATE funding_payments SET amount = amount + 1 WHERE account = 2"),
        ("settlements", "UPDATE settlements SET price = price + 5 WHERE samples IS NULL"),
        ("settlements", "UPDATE settlements SET samples = 7"),
        ("clearing", "UPDATE clearing SET amount = 1 WHERE instrument = 1"),
        ("fund_payments", "UPDATE fund_payments SET deficit = 0"),
        ("positions", "UPDATE positions SET pot = 1 WHERE account = 3 AND instrument = 0"),
        ("funds", "UPDATE funds SET amount = amount + 1"),
    ] {
        let _ = std::fs::remove_file(bench.database());
        bench.fill(1_000);
        let rows = Connection::open(bench.database()).expect("a database").execute(change, []).expect(change);
        assert!(rows > 0, "{change}: it changes something");
        let report = bench.check();
        let Some(Difference::Contracts(found)) = report.first_difference() else {
            panic!("{change}: {:?}", report.first_difference())
        };
        assert_eq!(found.table, table, "{change}");
    }
    for rows in ["fundings", "funding_payments", "fund_payments"] {
        let _ = std::fs::remove_file(bench.database());
        bench.fill(1_000);
        let sql = Connection::open(bench.database()).expect("a database");
        sql.execute(&format!("DELETE FROM {rows}"), []).expect("deleted");
        assert!(bench.check().first_difference().is_some(), "{rows}");
    }
}

/// Each number of a funding, a settlement or a payment that the events say wrongly has its error.
#[test]
fn a_wrong_number_of_a_funding_is_found_in_the_events() {
    let venue = Venue::run();
    let bench = Bench::with(&venue.events);
    bench.fill(1_000);
    let changed = |what: &str, change: &dyn Fn(&mut ContractEvent) -> bool| {
        let mut events = venue.events.clone();
        let found = events.iter_mut().any(|record| match &mut record.event {
            Event::Contract(event) => change(event),
            _ => false,
        });
        assert!(found, "{what}: no such event");
        let said = nonsense(&bench, &events);
        assert!(said.contains(what), "{what}: {said}");
    };
    macro_rules! wrong {
        ($what:literal, $pattern:pat $(if $guard:expr)? => $change:expr) => {
            changed($what, &|event| match event {
                $pattern $(if $guard)? => {
                    $change;
                    true
                }
                _ => false,
            });
        };
    }
    use ContractEvent as E;
    wrong!("its rate is", E::FundingSet(set) if set.samples > 0 => set.rate_ppb += 1);
    wrong!("its rate is", E::FundingSet(set) if set.samples > 0 => set.premium_ppb += 1_000_000);
    wrong!("its rate is", E::FundingSet(set) if set.samples > 0 => set.samples -= 900);
    wrong!("comes after number", E::FundingSet(set) => set.number.0 += 1);
    wrong!("its mark is", E::FundingSet(set) => set.mark.0 += 1);
    wrong!("lots are open", E::FundingSet(set) => set.open_interest.0 += 1);
    wrong!("are due", E::FundingPaid(paid) => paid.amount.0 += 1);
    wrong!("it is not open", E::FundingPaid(paid) => paid.number.0 += 1);
    wrong!("its own money is", E::FundingPaid(paid) => paid.pot += 1);
    wrong!("has no position", E::FundingPaid(paid) => paid.leg = PositionLeg::Long);
    wrong!("after event", E::FundingPaid(paid) => paid.wallet += 1);
    wrong!("positions leave", E::FundingClosed { legs, .. } => *legs += 1);
    wrong!("positions leave", E::FundingClosed { remainder, .. } => remainder.0 += 1);
    wrong!("needs no other price", E::SettlementPending { samples, .. } => *samples = 900);
    wrong!("are worth", E::ContractSettled { price, .. } => price.0 += 1);
    wrong!("outside its prices", E::ContractSettled { price, .. } => price.0 = 301);
    wrong!("positions leave", E::ContractSettled { legs, .. } => *legs += 1);
    wrong!("positions leave", E::ContractSettled { remainder, .. } => remainder.0 += 1);
    wrong!("are worth", E::PositionChanged(change) if change.cause == PositionCause::Settled => {
        change.realised += 1;
        change.wallet += 1;
    });
    wrong!("a settlement closes", E::PositionChanged(change) if change.cause == PositionCause::Settled => {
        change.lots = 1;
    });
    wrong!("should come next", E::FundChanged(change) if change.cause == FundCause::Funding => {
        change.amount.0 += 1;
    });
    wrong!("what nothing has left over", E::FundChanged(change) if change.cause == FundCause::Deposit => {
        change.cause = FundCause::Settlement;
    });
    wrong!("the fund of asset", E::FundPaid(paid) => paid.fund.0 += 1);
    wrong!("after event", E::FundPaid(paid) => {
        paid.amount.0 += 1;
        paid.fund.0 -= 1;
    });
    wrong!("should come next", E::InsuranceDeficit(paid) => paid.amount.0 -= 1);

    // Events that are missing.
    let without = |what: &str, is_it: &dyn Fn(&ContractEvent) -> bool| {
        let at = venue.events.iter().position(|record| match &record.event {
            Event::Contract(event) => is_it(event),
            _ => false,
        });
        let mut events = venue.events.clone();
        events.remove(at.expect("such an event"));
        (1..).zip(&mut events).for_each(|(number, record)| record.number = number);
        let said = nonsense(&bench, &events);
        assert!(said.contains(what), "{what}: {said}");
    };
    let pays = |event: &ContractEvent, of: InstrumentId| matches!(event, E::FundingPaid(paid) if (paid.account.0, paid.instrument) == (3, of));
    without("changed before it was charged", &|event| pays(event, LINEAR));
    without("positions are not charged", &|event| pays(event, INVERSE));
    without("should come next", &|event| matches!(event, E::FundingClosed { .. }));
    without("should come next", &|event| matches!(event, E::InsuranceDeficit(_)));
    let settled = |event: &ContractEvent| matches!(event, E::PositionChanged(change) if change.cause == PositionCause::Settled);
    without("are not closed", &settled);
}

/// Money of a position's own, by hand: a position in isolated margin without any is charged, settled below 0 and paid for.
#[test]
fn money_of_a_positions_own_is_followed() {
    let mut venue = Venue::open();
    venue.tick();
    venue.trade(LINEAR, [2, 3], 151, 37);
    let mark = Price(150);
    let wallet = |account: u32| {
        let found = venue.exchange.balance(AccountId(account), ASSETS[1]).expect("an account");
        found.available.0 + found.reserved.0
    };
    let (instrument, leg) = (LINEAR, PositionLeg::Net);
    let number = FundingNumber(1);
    // 37 lots are worth 37 × 150 × 5 = 27,750; a rate of .05 % of that is 13.875.
    let set = FundingSet {
        instrument,
        number,
        rate_ppb: 500_000,
        samples: 28_800,
        premium_ppb: 1_000_000,
        mark,
        open_interest: Quantity(37),
    };
    let paid = |account, amount, pot, wallet| FundingPaid {
        account: AccountId(account),
        instrument,
        leg,
        number,
        amount: Amount(amount),
        pot,
        wallet,
    };
    let settled = |account, realised, pot, wallet| PositionChanged {
        account: AccountId(account),
        instrument,
        leg,
        cause: PositionCause::Settled,
        trade: TradeId(0),
        lots: 0,
        cost: 0,
        realised,
        pot,
        wallet,
    };
    // At 140 ticks 37 lots that cost 37 × 151 × 5 = 27,935 are worth 25,900.
    let (remainder, price) = (Amount(1), Price(140));
    let of_fund = |cause, amount: Amount, fund| {
        ContractEvent::FundChanged(dojima::domain::FundChanged {
            asset: ASSETS[1],
            shard: ShardId::FIRST,
            cause,
            instrument: Some(instrument),
            amount,
            fund: Amount(fund),
            reference: 0,
        })
    };
    let payment = FundPaid {
        account: AccountId(2),
        instrument: Some(instrument),
        asset: ASSETS[1],
        shard: ShardId::FIRST,
        amount: Amount(2_049),
        fund: Amount(101 - 2_049),
    };
    let script = [
        ContractEvent::FundingSet(set),
        ContractEvent::FundingPaid(paid(2, -14, -14, wallet(2))),
        ContractEvent::FundingPaid(paid(3, 13, 0, wallet(3) + 13)),
        ContractEvent::FundingClosed { instrument, number, legs: 2, remainder },
        of_fund(FundCause::Funding, remainder, 101),
        ContractEvent::PositionChanged(settled(2, -2_035, -2_049, wallet(2))),
        ContractEvent::PositionChanged(settled(3, 2_035, 0, wallet(3) + 13 + 2_035)),
        ContractEvent::ContractSettled { instrument, price, legs: 2, remainder: Amount(0) },
        ContractEvent::FundPaid(payment),
        ContractEvent::InsuranceDeficit(FundPaid { amount: Amount(2_049 - 101), ..payment }),
    ];
    let mut events = venue.events.clone();
    let before = events.len();
    let (sequence, time) = (venue.stamp.sequence + 1, Timestamp(START + 4_000 * Timestamp::SECOND));
    for event in script {
        let number = events.len() as u64 + 1;
        events.push(EventRecord { number, sequence, time, event: Event::Contract(event) });
    }
    // Also where the tables are taken up between any two of them.
    for taken_up in before..events.len() {
        let bench = Bench::with(&events[..taken_up]);
        bench.fill(1_000);
        append(&mut bench.log_writer(), &events[taken_up..]);
        bench.fill(1_000);
        assert_eq!(bench.check().first_difference(), None, "taken up after {taken_up}");
        let sql = Connection::open(bench.database()).expect("a database");
        assert_eq!(asked(&sql, "SELECT pot FROM positions WHERE account = 2 AND instrument = 0"), 0);
        assert_eq!(asked(&sql, "SELECT deficit FROM fund_payments"), 1_948);
        assert_eq!(asked(&sql, "SELECT count(*) FROM conservation WHERE supply <> held"), 0);
    }
    let bench = Bench::with(&events);
    bench.fill(1_000);
    let of_pot = events.iter().position(|record| record.event.name() == "FundPaid").expect("a payment");
    if let Event::Contract(ContractEvent::FundPaid(paid)) = &mut events[of_pot].event {
        paid.amount.0 += 1;
        paid.fund.0 -= 1;
    }
    assert!(nonsense(&bench, &events).contains("no position lacks 2050"));
    // The writer finds it too.
    assert_ne!(Bench::with(&events).fill_in_spite_of_errors(1_000), 0);
}
