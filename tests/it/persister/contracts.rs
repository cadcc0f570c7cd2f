//! Random commands about contracts through the real exchange: the tables say what the events say, and what a table says
//! wrongly is found.

use super::{Bench, append};
use crate::exchange::properties::positions;
use crate::support::venue;
use dojima::domain::{
    AccountId, AddIndex, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, AssetSettings, ClockCommand,
    Command, ContractCommand, ContractEvent, DeleverageMode, DepositFund, Event, EventRecord, FeeRate,
    FeeTier, FundCause, FundChanged, IndexId, IndexTerms, InstrumentId, ListInstrument, MarginMode,
    OwnerCommand, Phase, PositionMode, Ppm, Price, Product, Quantity, SetContract, SetContractRisk, SetFees,
    SetIndex, SetLeverage, SetMarginMode, SetMarginTier, SetPositionMode, SetTerms, Setter, ShardId, Stamp,
    Switch, Symbol, Timestamp, Transfer, VenueCommand,
};
use dojima::exchange::Exchange;
use dojima::runtime::SplitMix64;
use dojima::sql::check::Difference;
use rusqlite::Connection;
use std::collections::BTreeSet;

const START: u64 = 1_795_000_000 * Timestamp::SECOND;
const CONTRACTS: u32 = 5;

struct Venue {
    exchange: Exchange,
    stamp: Stamp,
    random: SplitMix64,
    events: Vec<EventRecord>,
    /// Of each contract, the next row of its table, and how many there will be.
    rows: [(u8, u8); CONTRACTS as usize],
    deposits: u64,
}

fn asset(id: u16, code: &str) -> Command {
    let code = AssetCode::new(code).expect("a code");
    Command::Admin(AdminCommand::AddAsset { asset: AssetId(id), code, scale: 6 })
}

impl Venue {
    fn open(seed: u64) -> Self {
        let mut venue = Self {
            exchange: venue::exchange(100),
            stamp: Stamp { sequence: 0, time: Timestamp(START) },
            random: SplitMix64::new(seed),
            events: Vec::new(),
            rows: [(0, 1); CONTRACTS as usize],
            deposits: 0,
        };
        let account = |account| Command::Venue(VenueCommand::OpenAccount { account: AccountId(account) });
        let rules = Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST });
        for command in [rules, asset(0, "USD"), asset(1, "COIN"), account(0), account(1)] {
            venue.apply(command);
        }
        for (id, product) in (0..).zip(Product::ALL.iter().filter(|product| product.is_contract()).cycle()) {
            if id == CONTRACTS {
                break;
            }
            venue.apply(Command::Admin(AdminCommand::ListInstrument(ListInstrument {
                instrument: InstrumentId(id),
                symbol: Symbol::new(&format!("C{id}")).expect("a symbol"),
                base: AssetId(1),
                quote: AssetId(0),
                price_decimals: 2,
                tick_units: 10,
                lot: Amount(if product.is_inverse() { 100_000_000 } else { 100_000 }),
                min_quantity: Quantity(1),
                max_quantity: Quantity(100_000),
                phase: Phase::Closed,
                product: *product,
                ..ListInstrument::default()
            })));
        }
        venue
    }

    fn apply(&mut self, command: Command) {
        self.stamp.sequence += 1;
        self.stamp.time.0 += self.below(2_000_000_000);
        let mut said = Vec::new();
        self.exchange.apply(self.stamp, &command, &mut said);
        for event in said {
            let Stamp { sequence, time } = self.stamp;
            self.events.push(EventRecord { number: self.events.len() as u64 + 1, sequence, time, event });
        }
    }

    fn below(&mut self, below: u64) -> u64 {
        self.random.remainder(below)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    fn contract(&mut self) -> InstrumentId {
        InstrumentId(self.below(u64::from(CONTRACTS)) as u32)
    }

    fn index(&mut self) -> IndexId {
        IndexId(self.below(4) as u16)
    }

    fn terms(&mut self) -> IndexTerms {
        IndexTerms {
            stale_after_ms: self.of(&[1_000, 5_000, 600_000, 5]),
            grace_s: self.of(&[0, 60]),
            jump: Ppm(self.of(&[0, 50_000])),
        }
    }

    fn command(&mut self) -> Command {
        let (instrument, index) = (self.contract(), self.index());
        let perpetual =
            self.exchange.listing(instrument).is_some_and(|listing| listing.product.is_perpetual());
        match self.below(27) {
            0 => {
                let index = IndexId(self.exchange.indexes().count().min(3) as u16);
                let symbol = self.of(&["ONE", "TWO", "THREE", "FOUR"]);
                Command::Contract(ContractCommand::AddIndex(AddIndex {
                    index,
                    symbol: Symbol::new(symbol).expect("a symbol"),
                    price_decimals: 2,
                    shard: ShardId::FIRST,
                    terms: self.terms(),
                }))
            }
            1 => Command::Contract(ContractCommand::SetIndexTerms { index, terms: self.terms() }),
            2..9 => Command::Contract(ContractCommand::SetIndex(SetIndex {
                index,
                price: 10_000 + self.of(&[0, 0, 5_000]) + self.below(400) as u32,
                source_time: Timestamp(self.stamp.time.0 + self.below(900_000_000)),
            })),
            9 | 10 => {
                let expiry = (self.stamp.time.seconds() / 60 * 60 + 6_000) as u32;
                Command::Contract(ContractCommand::SetContract(SetContract {
                    instrument,
                    index,
                    expiry: if perpetual { 0 } else { expiry },
                    funding_interval_s: if perpetual { 28_800 } else { 0 },
                    price_min: self.of(&[1, 1_000]),
                    price_max: self.of(&[20_000, 1_000_000]),
                }))
            }
            11 => Command::Contract(ContractCommand::SetContractRisk(SetContractRisk {
                instrument,
                interest_ppb: if perpetual { self.of(&[-100_000, 0, 100_000]) } else { 0 },
                impact_lots: 1 + self.below(1_000) as u32,
                mark_band: Ppm(self.of(&[999, 50_000])),
                first_band: Ppm(100_000),
                premium_band: Ppm(20_000),
                outer_band: Ppm(50_000),
                liquidation_fee: Ppm(self.of(&[0, 2_000])),
                collar: Ppm(30_000),
                adl_after: self.below(100) as u16,
                adl_mode: self.of(DeleverageMode::ALL),
                position_limit: 1_000,
                open_interest_limit: 1_000 + self.below(1_000) as u32,
            })),
            12..17 => self.tier(instrument),
            17 => {
                self.deposits += 1;
                Command::Contract(ContractCommand::DepositFund(DepositFund {
                    asset: AssetId(self.below(3) as u16),
                    shard: ShardId::FIRST,
                    amount: Amount(1 + self.below(1_000_000) as i64),
                    reference: self.deposits,
                }))
            }
            18 => Command::Admin(AdminCommand::SetPhase {
                instrument,
                phase: self.of(&[Phase::Halted, Phase::Closed]),
            }),
            19 => Command::Admin(AdminCommand::SetMark {
                instrument,
                price: Price(900 + self.below(200) as i64),
            }),
            20 => Command::Admin(AdminCommand::SetTerms(SetTerms {
                instrument,
                tick_units: self.of(&[5, 10, 20]),
                lot: Amount(self.of(&[100_000, 100_000_000])),
                min_quantity: Quantity(1),
                max_quantity: Quantity(100_000),
                min_notional: Amount(0),
            })),
            21 => Command::Admin(AdminCommand::SetFees(SetFees {
                instrument,
                tier: FeeTier(0),
                maker: FeeRate(0),
                taker: FeeRate(self.below(500) as i32),
            })),
            22 => Command::Admin(AdminCommand::Deposit(Transfer {
                account: AccountId(1),
                asset: AssetId(self.below(2) as u16),
                amount: Amount(1 + self.below(1_000) as i64),
                reference: self.stamp.sequence,
                shard: ShardId::FIRST,
            })),
            23 => {
                let by = Setter { account: AccountId(self.below(2) as u32), ..Setter::default() };
                let mode = self.of(MarginMode::ALL);
                Command::Owner(OwnerCommand::SetMarginMode(SetMarginMode { by, instrument, mode }))
            }
            24 => {
                let by = Setter { account: AccountId(self.below(2) as u32), ..Setter::default() };
                let leverage = 1 + self.below(20) as u8;
                Command::Owner(OwnerCommand::SetLeverage(SetLeverage { by, instrument, leverage }))
            }
            25 => {
                let by = Setter { account: AccountId(self.below(2) as u32), ..Setter::default() };
                let (shard, mode) = (ShardId::FIRST, self.of(PositionMode::ALL));
                Command::Owner(OwnerCommand::SetPositionMode(SetPositionMode { by, shard, mode }))
            }
            _ => Command::Clock(ClockCommand::Tick),
        }
    }

    /// Mostly the next row of a table; now and then one that cannot come, or the first of another one.
    fn tier(&mut self, instrument: InstrumentId) -> Command {
        let (mut row, mut of) = self.rows[instrument.0 as usize];
        if row == of || self.below(8) == 0 {
            (row, of) = (0, 1 + self.below(4) as u8);
        }
        self.rows[instrument.0 as usize] = (row + 1, of);
        let initial = 20_000 * (1 + u32::from(row));
        Command::Contract(ContractCommand::SetMarginTier(SetMarginTier {
            instrument,
            row: if self.below(12) == 0 { row + 1 } else { row },
            of,
            floor: Amount(i64::from(row) * 1_000_000),
            initial: Ppm(initial),
            maintenance: Ppm(initial / 2),
        }))
    }
}

fn kinds(events: &[EventRecord]) -> BTreeSet<&'static str> {
    let of_contracts = events.iter().filter(|record| matches!(record.event, Event::Contract(_)));
    of_contracts.map(|record| record.event.name()).collect()
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).expect(sql)
}

fn run(seed: u64) -> Venue {
    let mut venue = Venue::open(seed);
    for _ in 0..2_000 {
        let command = venue.command();
        venue.apply(command);
    }
    venue.exchange.audit().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    venue
}

#[test]
fn tables_of_contracts_agree_with_the_exchange() {
    let mut seen = BTreeSet::new();
    for seed in 0..8 {
        let venue = run(seed);
        seen.extend(kinds(&venue.events));
        // In two starts, so that the second one begins from the tables.
        let half = venue.events.len() / 2;
        let bench = Bench::with(&venue.events[..half]);
        bench.fill(1 + 300 * seed as usize);
        append(&mut bench.log_writer(), &venue.events[half..]);
        bench.fill(1 + 70 * seed as usize);
        assert_eq!(bench.check().first_difference(), None, "seed {seed}");
        let sql = Connection::open(bench.database()).expect("a database");
        assert_eq!(number(&sql, "SELECT count(*) FROM conservation WHERE supply <> held"), 0, "seed {seed}");
        for index in venue.exchange.indexes() {
            let row = format!("FROM indexes WHERE index_id = {}", index.index);
            let price = number(&sql, &format!("SELECT ifnull(price, -1) {row}"));
            let known = venue.exchange.index_price(index.index).map_or(-1, |price| price.0);
            assert_eq!(price, known, "seed {seed}, index {}", index.symbol);
            assert_eq!(
                number(&sql, &format!("SELECT stale_after_ms {row}")),
                i64::from(index.terms.stale_after_ms)
            );
        }
        for (view, table) in [
            ("contracts", "contracts"),
            ("indexes", "indexes"),
            ("margin_tiers", "margin_tiers"),
            ("funds", "funds"),
        ] {
            let shown = number(&sql, &format!("SELECT count(*) FROM {view}_readable"));
            assert_eq!(shown, number(&sql, &format!("SELECT count(*) FROM {table}")), "seed {seed}, {view}");
        }
        assert_eq!(number(&sql, "SELECT count(*) FROM instruments_readable"), i64::from(CONTRACTS));
    }
    assert_eq!(seen.len(), 12, "every event about contracts: {seen:?}");
}

/// Orders, trades and positions of a linear and an inverse contract.
#[test]
fn tables_of_positions_agree_with_the_exchange() {
    let (mut trades, mut reserved, mut moves, mut pots) = (0, 0, 0, 0);
    for (run, (events, exchange)) in positions::told(36).into_iter().enumerate() {
        let half = events.len() / 2;
        let bench = Bench::with(&events[..half]);
        bench.fill(1 + 30 * run);
        append(&mut bench.log_writer(), &events[half..]);
        bench.fill(1 + 7 * run);
        assert_eq!(bench.check().first_difference(), None, "run {run}");
        let sql = Connection::open(bench.database()).expect("a database");
        assert_eq!(number(&sql, "SELECT count(*) FROM conservation WHERE supply <> held"), 0, "run {run}");
        trades += number(&sql, "SELECT count(*) FROM trades");
        moves += number(&sql, "SELECT count(*) FROM margin_moves");
        pots += number(&sql, "SELECT count(*) FROM positions WHERE pot > 0");
        let mut rows = sql.prepare("SELECT account, asset, total, reserved FROM balances").expect("a table");
        let mut rows = rows.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let [account, asset, total, held] =
                [0, 1, 2, 3].map(|at| row.get::<_, i64>(at).expect("a number"));
            let balance =
                exchange.balance(AccountId(account as u32), AssetId(asset as u16)).expect("it is known");
            assert_eq!(
                (total, held),
                (balance.available.0 + balance.reserved.0, balance.reserved.0),
                "run {run}, account {account}, asset {asset}"
            );
            reserved += held;
        }
    }
    assert!(trades > 100 && reserved > 0, "{trades} {reserved}");
    assert!(moves > 0 && pots > 0, "{moves} {pots}");
}

#[test]
fn a_row_that_the_events_do_not_have_is_found() {
    let venue = run(3);
    let bench = Bench::with(&venue.events);
    for (table, change) in [
        ("indexes", "UPDATE indexes SET held_price = 1 WHERE index_id = 0"),
        ("indexes", "UPDATE indexes SET grace_s = grace_s + 1 WHERE index_id = 1"),
        ("contracts", "DELETE FROM contracts WHERE instrument = (SELECT min(instrument) FROM contracts)"),
        ("contract_risk", "UPDATE contract_risk SET adl_mode = 'by-luck'"),
        ("margin_tiers", "UPDATE margin_tiers SET amount = amount + 1 WHERE tier = 0"),
        ("margin_tiers_coming", "INSERT INTO margin_tiers_coming VALUES (4, 9, 9, 9, 9, 9, 9, 9)"),
        ("funds", "UPDATE funds SET last_reference = last_reference + 1"),
        ("fund_changes", "UPDATE fund_changes SET fund = fund + 1"),
        ("marks", "UPDATE marks SET price = price + 1"),
        ("contract_settings", "UPDATE contract_settings SET leverage = leverage + 1"),
        ("contract_settings", "UPDATE contract_settings SET margin_mode = 'other'"),
        ("position_modes", "UPDATE position_modes SET mode = 'other'"),
    ] {
        let _ = std::fs::remove_file(bench.database());
        bench.fill(1_000);
        assert_eq!(bench.check().first_difference(), None);
        let rows = Connection::open(bench.database()).expect("a database").execute(change, []).expect(change);
        assert!(rows > 0, "{change}: it changes something");
        let report = bench.check();
        let Some(Difference::Contracts(found)) = report.first_difference() else {
            panic!("{change}: {:?}", report.first_difference())
        };
        assert_eq!(found.table, table, "{change}");
        assert!(found.to_string().contains(table));
    }
    let sql = Connection::open(bench.database()).expect("a database");
    sql.execute("DELETE FROM fund_changes", []).expect("deleted");
    assert!(bench.check().first_difference().is_some());
}

/// Amounts of funds are converted with those of accounts.
#[test]
fn a_fund_follows_the_scale_of_its_asset() {
    let event = |number, event| EventRecord { number, sequence: number, time: Timestamp(START), event };
    let changed = |cause, amount, fund, reference| {
        Event::Contract(ContractEvent::FundChanged(FundChanged {
            asset: AssetId(0),
            shard: ShardId::FIRST,
            cause,
            instrument: None,
            amount: Amount(amount),
            fund: Amount(fund),
            reference,
        }))
    };
    let set = AssetSettings {
        asset: AssetId(0),
        scale: 4,
        deposits: Switch::On,
        withdrawals: Switch::On,
        min_deposit: Amount(0),
        min_withdrawal: Amount(0),
    };
    let code = AssetCode::new("USD").expect("a code");
    let events = [
        event(1, Event::Admin(AdminEvent::AssetAdded { asset: AssetId(0), code, scale: 2 })),
        event(2, changed(FundCause::Deposit, 500, 500, 1)),
        event(3, Event::Admin(AdminEvent::AssetSet(set))),
        event(4, changed(FundCause::Deposit, 7, 50_007, 2)),
    ];
    let bench = Bench::with(&events[..3]);
    bench.fill(1);
    append(&mut bench.log_writer(), &events[3..]);
    bench.fill(10);
    assert_eq!(bench.check().first_difference(), None);
    let sql = Connection::open(bench.database()).expect("a database");
    let says: (i64, i64, String) = sql
        .query_row("SELECT supply, held, amount FROM conservation, funds_readable", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .expect("a row");
    assert_eq!(says, (50_007, 50_007, "5.0007".to_owned()));

    // An event that contradicts the fund is found by the writer.
    let wrong = [event(1, events[0].event), event(2, changed(FundCause::Deposit, 500, 501, 1))];
    let bench = Bench::with(&wrong);
    assert_ne!(bench.fill_in_spite_of_errors(10), 0);
}
