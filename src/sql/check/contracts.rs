//! The tables of contracts, made from the events a second time.

#![deny(clippy::wildcard_enum_match_arm)]

use super::super::error::SqlError;
use super::super::reader::SqlReader;
use super::fundings::Terms;
use super::row::{Row, int, integer, some, text};
use super::told::Told;
use crate::domain::{
    AccountId, AddIndex, Amount, AssetId, ContractEvent, EventRecord, FundCause, FundChanged, IndexTerms,
    InstrumentId, Listing, MarginMoved, PositionChanged, PositionLeg, PositionModeSet, Ppm, Price,
    SetMarginTier, ShardId, Timestamp,
};
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A row of a table of contracts that the events and the table say differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractDifference {
    pub table: &'static str,
    /// Its values by the event log.
    pub in_log: Option<String>,
    /// Its values in the table.
    pub in_sql: Option<String>,
}

impl fmt::Display for ContractDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, in_log, in_sql } = self;
        let shown = |row: &Option<String>| row.clone().unwrap_or_else(|| "no such row".to_owned());
        write!(f, "{table}: {} by the event log, {} in SQL", shown(in_log), shown(in_sql))
    }
}

/// Rows by the first columns, which are their key.
type Table = BTreeMap<Vec<i64>, Row>;

/// The tables that are compared row by row: their names, and how many columns their key has.
const TABLES: [(&str, usize); 12] = [
    ("indexes", 1),
    ("contracts", 1),
    ("contract_risk", 1),
    ("margin_tiers", 2),
    ("margin_tiers_coming", 2),
    ("funds", 2),
    ("marks", 1),
    ("positions", 3),
    ("settlements", 1),
    ("clearing", 1),
    ("contract_settings", 2),
    ("position_modes", 2),
];

/// The tables by the events.
#[derive(Debug, Default)]
pub(super) struct Contracts {
    indexes: Table,
    contracts: Table,
    risk: Table,
    tiers: Table,
    coming: BTreeMap<InstrumentId, Vec<(SetMarginTier, i128, u64)>>,
    /// Amount and number of the last deposit, by asset and shard.
    funds: BTreeMap<(AssetId, u8), (i128, u64)>,
    marks: Table,
    positions: Table,
    settlements: Table,
    /// What each contract has between those who pay and those who receive.
    clearing: BTreeMap<InstrumentId, i128>,
    settings: Table,
    position_modes: Table,
}

/// The row of an index without a price.
fn new_index(add: &AddIndex) -> Row {
    let unit = 10_i64.pow(u32::from(add.price_decimals));
    let fixed = [int(add.index.0), text(add.symbol.text()), int(add.price_decimals), int(unit)];
    let mut row: Row = fixed.into_iter().chain([int(add.shard.0)]).collect();
    row.extend(terms(add.terms));
    row.resize(14, Value::Null);
    row
}

/// The values of an index's terms.
fn terms(IndexTerms { stale_after_ms, grace_s, jump }: IndexTerms) -> [Value; 3] {
    [int(stale_after_ms), int(grace_s), some(jump.0)]
}

/// The first column of an index's terms, of its price, and of the price that waits.
const TERMS: usize = 5;
const PRICE: usize = 8;
const HELD: usize = 12;
/// The columns of the mode and of the leverage that an account has chosen.
const MODE: usize = 2;
const LEVERAGE: usize = 3;

impl Contracts {
    /// Adds an event about contracts.
    pub(super) fn add(&mut self, record: &EventRecord, event: &ContractEvent) -> Result<(), String> {
        match event {
            ContractEvent::IndexAdded(add) => {
                self.indexes.insert(vec![add.index.0.into()], new_index(add));
            }
            ContractEvent::IndexTermsSet { index, terms: new } => {
                self.index(index.0)?[TERMS..PRICE].clone_from_slice(&terms(*new));
            }
            ContractEvent::IndexSet(set) => {
                let times = [int(set.source_time.0), int(record.time.0), some(set.grace_until.0)];
                let row = self.index(set.index.0)?;
                row[PRICE] = int(set.price);
                row[PRICE + 1..HELD].clone_from_slice(&times);
                row[HELD..].fill(Value::Null);
            }
            ContractEvent::IndexHeld { index, price, source_time } => {
                let held = [int(*price), int(source_time.0)];
                self.index(index.0)?[HELD..].clone_from_slice(&held);
            }
            ContractEvent::ContractSet(set) => {
                let row = [
                    int(set.instrument.0),
                    int(set.index.0),
                    some(set.expiry),
                    some(set.funding_interval_s),
                    int(set.price_min),
                    int(set.price_max),
                    int(record.number),
                ];
                self.contracts.insert(vec![set.instrument.0.into()], row.into());
            }
            ContractEvent::ContractRiskSet(set) => {
                let rates = [set.mark_band, set.first_band, set.premium_band, set.outer_band];
                let fees = [set.liquidation_fee, set.collar];
                let mut row = vec![int(set.instrument.0), int(set.interest_ppb), int(set.impact_lots)];
                row.extend(rates.into_iter().chain(fees).map(|Ppm(rate)| int(rate)));
                row.extend([int(set.adl_after), text(set.adl_mode.word())]);
                row.extend([set.position_limit, set.open_interest_limit].map(int));
                row.push(int(record.number));
                self.risk.insert(vec![set.instrument.0.into()], row);
            }
            ContractEvent::MarginTierSet { tier, amount } => self.tier(record, tier, amount.0.into())?,
            ContractEvent::MarginTiersSet { instrument, rows } => self.tiers(*instrument, *rows)?,
            ContractEvent::FundChanged(change) => self.fund(change)?,
            // Their amounts are held against what they come from elsewhere.
            ContractEvent::PositionChanged(_)
            | ContractEvent::FundingSet(_)
            | ContractEvent::FundingPaid(_)
            | ContractEvent::FundingClosed { .. }
            | ContractEvent::SettlementPending { .. }
            | ContractEvent::ContractSettled { .. }
            | ContractEvent::FundPaid(_)
            | ContractEvent::InsuranceDeficit(_)
            | ContractEvent::MarginMoved(_) => {}
            ContractEvent::PositionModeSet(set) => {
                let PositionModeSet { by, shard, mode } = *set;
                let row = [int(by.account.0), int(shard.0), text(mode.word()), int(record.number)];
                self.position_modes.insert(vec![by.account.0.into(), shard.0.into()], row.into());
            }
            ContractEvent::MarginModeSet(set) => {
                let row = self.settings(set.by.account, set.instrument, record.number);
                row[MODE] = text(set.mode.word());
            }
            ContractEvent::LeverageSet(set) => {
                let row = self.settings(set.by.account, set.instrument, record.number);
                row[LEVERAGE] = int(set.leverage);
            }
        }
        Ok(())
    }

    /// Adds a mark price in price units.
    pub(super) fn mark(&mut self, instrument: InstrumentId, price_units: i128, time: Timestamp) {
        let row = vec![int(instrument.0), int(price_units), int(time.0)];
        self.marks.insert(vec![instrument.0.into()], row);
    }

    /// Sets the pot of a position after a move that was found right.
    pub(super) fn pot(&mut self, moved: &MarginMoved, event: u64) -> Result<(), String> {
        let MarginMoved { by, instrument, leg, pot, .. } = *moved;
        let key = vec![by.account.0.into(), instrument.0.into(), (leg as u8).into()];
        let row = self.positions.get_mut(&key).ok_or("money for a position that never was")?;
        (row[5], row[7]) = (int(pot.0), int(event));
        Ok(())
    }

    /// Sets a position after a change that was found right.
    pub(super) fn position(&mut self, change: &PositionChanged, event: u64) {
        let leg = change.leg as u8;
        let key = vec![change.account.0.into(), change.instrument.0.into(), leg.into()];
        let before = self.positions.get(&key).map_or(0, |row| match row[6] {
            Value::Integer(realised) => realised,
            Value::Null | Value::Real(_) | Value::Text(_) | Value::Blob(_) => 0,
        });
        let row = vec![
            int(change.account.0),
            int(change.instrument.0),
            int(leg),
            int(change.lots),
            int(change.cost),
            int(change.pot),
            int(before + change.realised),
            int(event),
        ];
        self.positions.insert(key, row);
    }

    /// The row of what an account has chosen in a contract, with the number of the last event.
    fn settings(&mut self, account: AccountId, instrument: InstrumentId, event: u64) -> &mut Row {
        let key = vec![account.0.into(), instrument.0.into()];
        let new = || vec![int(account.0), int(instrument.0), Value::Null, Value::Null, Value::Null];
        let row = self.settings.entry(key).or_insert_with(new);
        *row.last_mut().expect("a row has columns") = int(event);
        row
    }

    fn index(&mut self, index: u16) -> Result<&mut Row, String> {
        self.indexes.get_mut(&vec![index.into()]).ok_or_else(|| format!("index {index} does not exist"))
    }

    /// A row of the next table, whose amount follows from the rates.
    fn tier(&mut self, record: &EventRecord, tier: &SetMarginTier, amount: i128) -> Result<(), String> {
        let coming = self.coming.entry(tier.instrument).or_default();
        if tier.row == 0 {
            coming.clear();
        }
        let expected = match coming.last() {
            None => 0,
            Some((before, amount, _)) => {
                let rise = i128::from(tier.maintenance.0) - i128::from(before.maintenance.0);
                let more = i128::from(tier.floor.0) * rise;
                if more % i128::from(Ppm::ONE) != 0 {
                    return Err(format!("tier {} takes off no whole amount", tier.row));
                }
                amount + more / i128::from(Ppm::ONE)
            }
        };
        if usize::from(tier.row) != coming.len() || amount != expected {
            return Err(format!(
                "tier {} with {amount}, but tier {} takes off {expected}",
                tier.row,
                coming.len()
            ));
        }
        coming.push((*tier, amount, record.number));
        Ok(())
    }

    /// The next table is in force.
    fn tiers(&mut self, instrument: InstrumentId, rows: u8) -> Result<(), String> {
        let coming = self.coming.remove(&instrument).unwrap_or_default();
        if coming.len() != usize::from(rows) {
            return Err(format!("a table of {rows} tiers, of which {} were told", coming.len()));
        }
        self.tiers.retain(|key, _| key[0] != i64::from(instrument.0));
        for (tier, amount, event) in coming {
            let mut row = values_of(&tier, amount, event);
            row.remove(2);
            self.tiers.insert(vec![tier.instrument.0.into(), tier.row.into()], row);
        }
        Ok(())
    }

    fn fund(&mut self, change: &FundChanged) -> Result<(), String> {
        let FundChanged { asset, shard, cause, amount, fund, reference, .. } = *change;
        let (known, last) = self.funds.entry((asset, shard.0)).or_default();
        *known += i128::from(amount.0);
        if *known != i128::from(fund.0) {
            return Err(format!("the fund of asset {asset} in shard {shard} is {known}, not {fund}"));
        }
        if cause == FundCause::Deposit {
            *last = reference;
        }
        Ok(())
    }

    /// Adds to what the clearing of a contract has.
    pub(super) fn clear(&mut self, instrument: InstrumentId, amount: i128) {
        *self.clearing.entry(instrument).or_default() += amount;
    }

    /// Sets the own money of a position, if it is other than before.
    pub(super) fn set_pot(&mut self, key: (AccountId, InstrumentId, PositionLeg), pot: i64, event: u64) {
        let (account, instrument, leg) = key;
        let row = self.positions.get_mut(&vec![account.0.into(), instrument.0.into(), (leg as u8).into()]);
        if let Some(row) = row.filter(|row| row[5] != int(pot)) {
            (row[5], row[7]) = (int(pot), int(event));
        }
    }

    /// A contract waits for its price.
    pub(super) fn wait(&mut self, instrument: InstrumentId, samples: u32, event: u64) {
        let mut row = vec![int(instrument.0), int(samples), int(event)];
        row.resize(8, Value::Null);
        self.settlements.insert(vec![instrument.0.into()], row);
    }

    /// A contract is settled.
    pub(super) fn settle(
        &mut self,
        listing: &Listing,
        price: Price,
        (legs, remainder): (u32, Amount),
        record: &EventRecord,
    ) {
        let instrument = int(listing.instrument.0);
        let row = self.settlements.entry(vec![listing.instrument.0.into()]);
        let row = row.or_insert_with(|| vec![instrument, Value::Null, Value::Null]);
        row.truncate(3);
        row.push(int(i128::from(price.0) * i128::from(listing.tick_units)));
        row.extend([int(legs), int(remainder.0), int(record.number), int(record.time.0)]);
    }

    /// Takes what a fund pays; returns what it had.
    pub(super) fn pay_from_fund(&mut self, (asset, shard): (AssetId, ShardId), amount: i128) -> i128 {
        let (known, _) = self.funds.entry((asset, shard.0)).or_default();
        *known -= amount;
        *known + amount
    }

    /// What fundings of a contract are computed of; `None`: it is no complete perpetual.
    pub(super) fn funding_terms(&self, instrument: InstrumentId) -> Option<Terms> {
        let key = i64::from(instrument.0);
        Some(Terms {
            interest: integer(self.risk.get(&vec![key])?, 1)?.into(),
            maintenance: integer(self.tiers.get(&vec![key, 0])?, 4)?.into(),
            interval_s: integer(self.contracts.get(&vec![key])?, 3)?.into(),
        })
    }

    /// When a contract expires, seconds; `None`: it is a perpetual.
    pub(super) fn expiry_s(&self, instrument: InstrumentId) -> Option<i128> {
        integer(self.contracts.get(&vec![instrument.0.into()])?, 2).map(i128::from)
    }

    /// The lowest and the highest price of a contract, price units.
    pub(super) fn prices(&self, instrument: InstrumentId) -> Option<[i128; 2]> {
        let row = self.contracts.get(&vec![instrument.0.into()])?;
        Some([integer(row, 4)?.into(), integer(row, 5)?.into()])
    }

    /// The funds of an asset, to be converted to another scale.
    pub(super) fn funds_of(&mut self, asset: AssetId) -> impl Iterator<Item = &mut i128> {
        let of_it = self.funds.iter_mut().filter(move |((of, _), _)| *of == asset);
        of_it.map(|(_, (amount, _))| amount)
    }

    fn rows(&self, table: &str) -> Table {
        match table {
            "indexes" => self.indexes.clone(),
            "contracts" => self.contracts.clone(),
            "contract_risk" => self.risk.clone(),
            "margin_tiers" => self.tiers.clone(),
            "margin_tiers_coming" => {
                let rows = self.coming.values().flatten();
                let key = |tier: &SetMarginTier| vec![tier.instrument.0.into(), tier.row.into()];
                rows.map(|(tier, amount, event)| (key(tier), values_of(tier, *amount, *event))).collect()
            }
            "funds" => {
                let row = |asset: AssetId, shard: u8, (amount, last): (i128, u64)| {
                    (
                        vec![asset.0.into(), shard.into()],
                        vec![int(asset.0), int(shard), int(amount), int(last)],
                    )
                };
                self.funds.iter().map(|((asset, shard), of)| row(*asset, *shard, *of)).collect()
            }
            "positions" => self.positions.clone(),
            "settlements" => self.settlements.clone(),
            "clearing" => {
                let row = |(instrument, amount): (&InstrumentId, &i128)| {
                    (vec![instrument.0.into()], vec![int(instrument.0), int(*amount)])
                };
                self.clearing.iter().map(row).collect()
            }
            "contract_settings" => self.settings.clone(),
            "position_modes" => self.position_modes.clone(),
            _ => self.marks.clone(),
        }
    }

    /// Compares all tables; the number of rows, and the first that differs.
    pub(super) fn compare(&self, sql: &SqlReader) -> Result<(u64, Option<ContractDifference>), SqlError> {
        let (mut compared, mut first) = (0, None);
        for (table, key) in TABLES {
            let in_log = self.rows(table);
            let in_sql: Table = sql.rows(table)?.into_iter().map(|row| (key_of(&row, key), row)).collect();
            compared += in_log.len() as u64;
            let keys = in_log.keys().chain(in_sql.keys());
            let different = keys.filter(|key| in_log.get(*key) != in_sql.get(*key)).min();
            let found = different.map(|key| difference(table, in_log.get(key), in_sql.get(key)));
            first = first.or(found);
        }
        Ok((compared, first))
    }
}

/// Compares a row that one event has made or completed.
pub(super) fn compare_told(sql: &SqlReader, told: &Told) -> Result<Option<ContractDifference>, SqlError> {
    let (columns, values) = &told.key;
    let in_sql = sql.row(told.table, columns, values)?;
    let is_other = in_sql.as_ref() != Some(&told.row);
    Ok(is_other.then(|| difference(told.table, Some(&told.row), in_sql.as_ref())))
}

/// A row of the next table.
fn values_of(tier: &SetMarginTier, amount: i128, event: u64) -> Row {
    let SetMarginTier { instrument, row, of, floor, initial, maintenance } = *tier;
    let rates = [int(initial.0), int(maintenance.0)];
    let row = [int(instrument.0), int(row), int(of), int(floor.0)].into_iter().chain(rates);
    row.chain([int(amount), int(event)]).collect()
}

/// The first columns of a row. One that is no integer, which the writer never writes, counts as the lowest.
fn key_of(row: &Row, columns: usize) -> Vec<i64> {
    let integer = |value: &Value| if let Value::Integer(value) = value { *value } else { i64::MIN };
    row.iter().take(columns).map(integer).collect()
}

fn difference(table: &'static str, in_log: Option<&Row>, in_sql: Option<&Row>) -> ContractDifference {
    let shown = |row: &Row| row.iter().map(shown).collect::<Vec<_>>().join(", ");
    ContractDifference { table, in_log: in_log.map(shown), in_sql: in_sql.map(shown) }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(value) => value.to_string(),
        Value::Real(value) => value.to_string(),
        Value::Text(value) => value.clone(),
        Value::Blob(_) => "bytes".to_owned(),
    }
}
