//! Commands about contracts in numbers that stay meaningful when a sequence is made shorter: times from now on, the next row,
//! the next reference.

use super::super::steps::Number;
use super::super::values::number;
use super::{Place, index};
use dojima::domain::{
    Amount, AssetId, Command, ContractCommand, ContractEvent, DeleverageMode, DepositFund, Event, IndexId,
    IndexTerms, InstrumentId, Ppm, SetContract, SetContractRisk, SetIndex, SetMarginTier, ShardId, Timestamp,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What an operator or the source of an index asks for.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
    /// A price, made so many nanoseconds after now.
    Price(IndexId, u32, i64),
    /// An expiry from 1 to 999 is so many minutes after the one before the last full one.
    Contract(SetContract),
    /// The row of a table of that number; the next one that is missing, or this one.
    Tier(InstrumentId, Option<u8>, u8),
    /// An amount for the fund of an asset.
    Fund(AssetId, ShardId, i64, Number),
    Other(ContractCommand),
}

/// What the answers have told of rows and references.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// By contract: the row that is missing, and of which table.
    rows: BTreeMap<InstrumentId, (u8, u8)>,
    reference: u64,
}

/// The rows of a table of that number.
fn rows(table: u8) -> u8 {
    1 + table % 4
}

fn row(instrument: InstrumentId, row: u8, table: u8) -> SetMarginTier {
    // The rates of the fourth table make amounts that are not whole, those of the last ones do not rise or are too low.
    let rate = [10_000, 20_000, 8_000, 10_001, 100_000, 300][usize::from(table) % 6];
    let step = if table == 7 { 0 } else { i64::from(table) * 1_000 + 1_000 };
    let maintenance = rate * (u32::from(row) + 1);
    SetMarginTier {
        instrument,
        row,
        of: rows(table),
        floor: Amount(step * i64::from(row)),
        initial: Ppm(maintenance * 2),
        maintenance: Ppm(maintenance),
    }
}

impl Told {
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Contract(ContractEvent::MarginTierSet { tier, .. }) => {
                let entry = self.rows.entry(tier.instrument).or_default();
                entry.0 = (tier.row + 1) % tier.of;
            }
            Event::Contract(ContractEvent::FundChanged(fund)) => self.reference = fund.reference,
            _ => {}
        }
    }

    pub fn command(&mut self, wish: Wish, now: u64) -> Command {
        Command::Contract(match wish {
            Wish::Price(index, price, after) => {
                let source_time = Timestamp(now.saturating_add_signed(after));
                ContractCommand::SetIndex(SetIndex { index, price, source_time })
            }
            Wish::Contract(mut set) => {
                if (1..1_000).contains(&set.expiry) {
                    set.expiry = ((now / Timestamp::SECOND) as u32 / 60 + set.expiry - 1) * 60;
                }
                ContractCommand::SetContract(set)
            }
            Wish::Tier(instrument, asked, table) => {
                let (next, under_way) = self.rows.get(&instrument).copied().unwrap_or_default();
                // A table that has begun goes on.
                let table = if next == 0 || asked.is_some() { table } else { under_way };
                let at = asked.unwrap_or(next);
                if at == 0 {
                    self.rows.insert(instrument, (0, table));
                }
                ContractCommand::SetMarginTier(row(instrument, at, table))
            }
            Wish::Fund(asset, shard, amount, number) => {
                let reference = match number {
                    Number::Fresh(ahead) => self.reference + u64::from(ahead),
                    Number::Again(back) => self.reference.saturating_sub(u64::from(back)),
                    Number::Live(_) => self.reference,
                };
                let amount = Amount(amount);
                ContractCommand::DepositFund(DepositFund { asset, shard, amount, reference })
            }
            Wish::Other(command) => command,
        })
    }
}

fn index_id() -> impl Strategy<Value = IndexId> {
    prop_oneof![12 => Just(IndexId(0)), 6 => Just(IndexId(1)), 2 => Just(IndexId(2)), 1 => (3_u16..6).prop_map(IndexId)]
}

/// Mostly near 150 ticks, so that most are near one another; now and then far away or no price.
pub fn price() -> impl Strategy<Value = Wish> {
    let price = prop_oneof![
        20 => 700_u32..800,
        4 => 400_u32..1_300,
        1 => 1_u32..20_000,
        1 => prop::sample::select(vec![0, 1, (1 << 31) - 2, (1 << 31) - 1, u32::MAX]),
    ];
    const SECOND: i64 = Timestamp::SECOND as i64;
    let after = prop_oneof![
        20 => -(SECOND / 2)..=0,
        4 => 0..=SECOND,
        1 => prop::sample::select(vec![SECOND, SECOND + 1, 1 - 10 * SECOND, -10 * SECOND, i64::MIN, i64::MAX]),
    ];
    (index_id(), price, after).prop_map(|(index, price, after)| Wish::Price(index, price, after))
}

/// What fits all contracts but the dated ones.
fn usual(instrument: InstrumentId, index: IndexId) -> SetContract {
    SetContract { instrument, index, expiry: 0, funding_interval_s: 28_800, price_min: 5, price_max: 2_000 }
}

fn dated(set: SetContract, minutes: u32) -> SetContract {
    SetContract { expiry: minutes, funding_interval_s: 0, ..set }
}

/// Those with an odd number are dated, in the opening.
fn by_kind(set: SetContract, minutes: u32, place: Place) -> SetContract {
    let is_dated = set.instrument.0 >= place.first && (set.instrument.0 - place.first) % 2 == 1;
    if is_dated { dated(set, minutes) } else { set }
}

/// What a contract of the opening lacks but for a price of the first index.
pub fn completing(instrument: InstrumentId, place: Place) -> Vec<Command> {
    let wishes = [
        Wish::Contract(by_kind(usual(instrument, IndexId(0)), 900, place)),
        Wish::Other(ContractCommand::SetContractRisk(SetContractRisk { instrument, ..USUAL })),
        Wish::Tier(instrument, Some(0), 0),
    ];
    wishes.map(|wish| Told::default().command(wish, 0)).to_vec()
}

pub fn plain_contract(place: Place) -> impl Strategy<Value = Wish> {
    let instrument = (place.first..place.first + place.contracts).prop_map(InstrumentId);
    (instrument, 0_u16..2).prop_map(move |(instrument, index)| {
        Wish::Contract(by_kind(usual(instrument, IndexId(index)), 9, place))
    })
}

pub fn contract(place: Place) -> impl Strategy<Value = Wish> {
    let prices = prop_oneof![
        8 => Just((5_u32, 2_000_u32)),
        // Where the index may lie outside.
        4 => (600_u32..760, 740_u32..900),
        2 => (1_u32..2_000, 1_u32..20_000),
        1 => prop::sample::select(vec![(0, 100), (1, (1 << 31) - 2), (1, (1 << 31) - 1), (700, 704), (u32::MAX, 0)]),
    ];
    let interval = prop_oneof![20 => Just(28_800_u32), 1 => prop::sample::select(vec![0, 3_599, 3_600, 7_000, 86_400, 86_401])];
    let minutes =
        prop_oneof![10 => 2_u32..40, 1 => Just(1_u32), 1 => prop::sample::select(vec![0, 1_001, u32::MAX])];
    let other_kind = prop::bool::weighted(0.05);
    (place.instrument(), index_id(), prices, interval, minutes, other_kind).prop_map(
        move |(instrument, index, (price_min, price_max), interval, minutes, other_kind)| {
            let set = SetContract {
                price_min,
                price_max,
                funding_interval_s: interval,
                ..usual(instrument, index)
            };
            let set = by_kind(set, minutes, place);
            Wish::Contract(if other_kind { dated(set, minutes) } else { set })
        },
    )
}

const USUAL: SetContractRisk = SetContractRisk {
    instrument: InstrumentId(0),
    interest_ppb: 0,
    impact_lots: 10,
    mark_band: Ppm(5_000),
    first_band: Ppm(100_000),
    premium_band: Ppm(20_000),
    outer_band: Ppm(50_000),
    liquidation_fee: Ppm(1_000),
    collar: Ppm(10_000),
    adl_after: 10,
    adl_mode: DeleverageMode::ByRank,
    position_limit: 1_000,
    open_interest_limit: 10_000,
};

pub fn risk(place: Place) -> impl Strategy<Value = Wish> {
    let most = prop_oneof![8 => Just(10_000_u32), 1 => Just(u32::MAX), 1 => any::<u32>()];
    let edge = prop_oneof![
        6 => Just(None),
        1 => prop::sample::select(vec![0_u32, 1, 999, 1_000, 50_000, 100_001, 200_001, 500_001, u32::MAX]).prop_map(Some),
    ];
    (place.instrument(), most, 0_u8..12, edge).prop_map(
        move |(instrument, open_interest_limit, which, edge)| {
            let mut set = SetContractRisk { instrument, open_interest_limit, ..USUAL };
            if let Some(edge) = edge {
                match which {
                    0 => set.interest_ppb = edge as i32,
                    1 => set.impact_lots = edge,
                    2 => set.mark_band = Ppm(edge),
                    3 => set.first_band = Ppm(edge),
                    4 => set.premium_band = Ppm(edge),
                    5 => set.outer_band = Ppm(edge),
                    6 => set.liquidation_fee = Ppm(edge),
                    7 => set.collar = Ppm(edge),
                    8 => set.adl_after = edge as u16,
                    9 => set.adl_mode = DeleverageMode::ProRata,
                    10 => set.position_limit = edge,
                    _ => set.interest_ppb = -(edge as i32 / 2),
                }
            }
            Wish::Other(ContractCommand::SetContractRisk(set))
        },
    )
}

pub fn tier(place: Place) -> impl Strategy<Value = Wish> {
    let asked = prop_oneof![12 => Just(None), 1 => (0_u8..5).prop_map(Some), 1 => prop::sample::select(vec![0, 9, 10, u8::MAX]).prop_map(Some)];
    (place.instrument(), asked, 0_u8..8)
        .prop_map(|(instrument, asked, table)| Wish::Tier(instrument, asked, table))
}

fn terms() -> impl Strategy<Value = IndexTerms> {
    let stale = prop_oneof![8 => Just(10_000_u32), 2 => 1_000_u32..20_000, 1 => prop::sample::select(vec![0, 999, 600_000, 600_001])];
    let grace = prop_oneof![8 => 0_u32..20, 1 => prop::sample::select(vec![3_600, 3_601])];
    let jump = prop_oneof![4 => Just(0_u32), 6 => Just(100_000), 2 => 1_000_u32..300_000, 1 => prop::sample::select(vec![1, 999, 1_000_000, 1_000_001])];
    (stale, grace, jump).prop_map(|(stale_after_ms, grace_s, jump)| IndexTerms {
        stale_after_ms,
        grace_s,
        jump: Ppm(jump),
    })
}

pub fn index_terms() -> impl Strategy<Value = Wish> {
    (index_id(), terms())
        .prop_map(|(index, terms)| Wish::Other(ContractCommand::SetIndexTerms { index, terms }))
}

/// The next one or another, with a new symbol or an old one.
pub fn add_index(place: Place) -> impl Strategy<Value = Wish> {
    (0_u16..9, 0_u16..9, place.shard(), terms(), prop_oneof![9 => 1_u8..4, 1 => Just(10)]).prop_map(
        |(id, name, shard, terms, decimals)| {
            let Command::Contract(ContractCommand::AddIndex(mut add)) = index(name, decimals, shard, 0)
            else {
                unreachable!("it adds an index")
            };
            (add.index, add.terms) = (IndexId(id), terms);
            Wish::Other(ContractCommand::AddIndex(add))
        },
    )
}

pub fn fund(place: Place) -> impl Strategy<Value = Wish> {
    let asset = prop_oneof![8 => (0_u16..2).prop_map(AssetId), 1 => (2_u16..4).prop_map(AssetId)];
    let amount = prop_oneof![
        8 => 1_i64..5_000,
        1 => prop::sample::select(vec![0, -1, i64::MAX, i64::MAX - 20_000, i64::MIN]),
    ];
    (asset, place.shard(), amount, number())
        .prop_map(|(asset, shard, amount, number)| Wish::Fund(asset, shard, amount, number))
}
