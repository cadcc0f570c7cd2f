//! Rows that a single event makes, or completes, as the events say them: they are compared one by one.

#![deny(clippy::wildcard_enum_match_arm)]

use super::row::{Row, int, integer, text};
use crate::domain::{
    ContractEvent, EventRecord, FundCause, FundChanged, FundPaid, FundingPaid, FundingSet, InstrumentId,
};
use rusqlite::types::Value;
use std::collections::BTreeMap;

/// A row by the events.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) table: &'static str,
    /// Columns that are the key, and their values.
    pub(super) key: (&'static str, Vec<i64>),
    pub(super) row: Row,
}

impl Told {
    fn of_event(table: &'static str, row: Row) -> Self {
        Self::by(table, "event = ?1", row, 1)
    }

    fn of_funding(row: Row) -> Self {
        Self::by("fundings", "instrument = ?1 AND number = ?2", row, 2)
    }

    fn by(table: &'static str, columns: &'static str, row: Row, key: usize) -> Self {
        let values = (0..key).filter_map(|column| integer(&row, column)).collect();
        Self { table, key: (columns, values), row }
    }
}

/// Rows whose events have come.
#[derive(Debug, Default)]
pub(super) struct ToldRows {
    whole: Vec<Told>,
    /// Fundings that are not closed.
    fundings: BTreeMap<(InstrumentId, u32), Row>,
    /// A payment of a fund whose deficit comes next.
    payment: Option<Row>,
}

/// The column from which on a funding is empty until it is closed.
const CLOSED: usize = 9;

impl ToldRows {
    /// Adds an event. `units` is its price in price units, if it has one.
    pub(super) fn add(&mut self, record: &EventRecord, event: &ContractEvent, units: Option<i128>) {
        match event {
            ContractEvent::FundChanged(change) => {
                self.whole.push(Told::of_event("fund_changes", fund_change(record, change)));
            }
            ContractEvent::FundingSet(set) => self.fund(record, set, units.unwrap_or_default()),
            ContractEvent::FundingPaid(paid) => {
                self.whole.push(Told::of_event("funding_payments", funding_payment(record, paid)));
            }
            ContractEvent::FundingClosed { instrument, number, legs, remainder } => {
                if let Some(mut row) = self.fundings.remove(&(*instrument, number.0)) {
                    let closed = [int(*legs), int(remainder.0), int(record.number)];
                    row[CLOSED..].clone_from_slice(&closed);
                    self.whole.push(Told::of_funding(row));
                }
            }
            ContractEvent::FundPaid(paid) => {
                let row = fund_payment(record, paid);
                if paid.fund.0 < 0 {
                    self.payment = Some(row);
                } else {
                    self.whole.push(Told::of_event("fund_payments", row));
                }
            }
            ContractEvent::InsuranceDeficit(missing) => {
                if let Some(mut row) = self.payment.take() {
                    row.pop();
                    row.push(int(missing.amount.0));
                    self.whole.push(Told::of_event("fund_payments", row));
                }
            }
            ContractEvent::IndexAdded(_)
            | ContractEvent::IndexTermsSet { .. }
            | ContractEvent::IndexSet(_)
            | ContractEvent::IndexHeld { .. }
            | ContractEvent::ContractSet(_)
            | ContractEvent::ContractRiskSet(_)
            | ContractEvent::MarginTierSet { .. }
            | ContractEvent::MarginTiersSet { .. }
            | ContractEvent::PositionModeSet(_)
            | ContractEvent::MarginModeSet(_)
            | ContractEvent::LeverageSet(_)
            | ContractEvent::MarginMoved(_)
            | ContractEvent::PositionChanged(_)
            | ContractEvent::SettlementPending { .. }
            | ContractEvent::ContractSettled { .. } => {}
        }
    }

    fn fund(&mut self, record: &EventRecord, set: &FundingSet, mark: i128) {
        let FundingSet { instrument, number, rate_ppb, samples, premium_ppb, open_interest, .. } = *set;
        let mut row = vec![int(instrument.0), int(number.0), int(record.number), int(record.time.0)];
        row.extend([int(rate_ppb), int(premium_ppb), int(samples), int(mark), int(open_interest.0)]);
        // With no rate, or without positions, nobody is charged.
        if rate_ppb == 0 || open_interest.0 == 0 {
            row.extend([int(0), int(0), int(record.number)]);
            self.whole.push(Told::of_funding(row));
        } else {
            row.extend([Value::Null, Value::Null, Value::Null]);
            self.fundings.insert((instrument, number.0), row);
        }
    }

    /// The rows that are whole.
    pub(super) fn whole(&mut self) -> impl Iterator<Item = Told> + '_ {
        self.whole.drain(..)
    }

    /// The rows that later events would complete.
    pub(super) fn rest(&self) -> impl Iterator<Item = Told> + '_ {
        let payment = self.payment.iter().map(|row| Told::of_event("fund_payments", row.clone()));
        self.fundings.values().map(|row| Told::of_funding(row.clone())).chain(payment)
    }
}

fn contract(instrument: Option<InstrumentId>) -> Value {
    instrument.map_or(Value::Null, |instrument| int(instrument.0))
}

fn fund_change(record: &EventRecord, change: &FundChanged) -> Row {
    let FundChanged { asset, shard, cause, instrument, amount, fund, reference } = *change;
    vec![
        int(record.number),
        int(record.time.0),
        int(asset.0),
        int(shard.0),
        text(cause.word()),
        contract(instrument),
        int(amount.0),
        int(fund.0),
        if cause == FundCause::Deposit { int(reference) } else { Value::Null },
    ]
}

fn funding_payment(record: &EventRecord, paid: &FundingPaid) -> Row {
    let FundingPaid { account, instrument, leg, number, amount, pot, wallet } = *paid;
    vec![
        int(record.number),
        int(record.time.0),
        int(account.0),
        int(instrument.0),
        int(leg as u8),
        int(number.0),
        int(amount.0),
        int(pot),
        int(wallet),
    ]
}

/// A payment without a deficit.
fn fund_payment(record: &EventRecord, paid: &FundPaid) -> Row {
    let FundPaid { account, instrument, asset, shard, amount, fund } = *paid;
    vec![
        int(record.number),
        int(record.time.0),
        int(account.0),
        int(asset.0),
        int(shard.0),
        contract(instrument),
        int(amount.0),
        int(fund.0),
        int(0),
    ]
}
