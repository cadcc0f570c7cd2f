//! The records of contracts as docs/FORMATS.md lays them out, of a venue of contracts alone.

use super::file::Parts;
use super::{apply, saved, state_of};
use crate::codec::page::Page;
use bincode::Decode;
use dojima::domain::codec::{ENCODED_LEN_MAX, decode_record, encode_record};
use dojima::domain::{
    AccountId, AddIndex, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, ClockCommand, Command,
    ContractCommand, DepositFund, Event, FeeRate, IndexId, IndexTerms, InstrumentId, ListInstrument,
    OwnerCommand, Phase, PositionMode, Ppm, Product, Quantity, SetContract, SetContractRisk, SetIndex,
    SetLeverage, SetMarginTier, SetPositionMode, Setter, ShardId, Symbol, Timestamp, VenueCommand,
};
use dojima::exchange::snapshot::{
    ContractRecord, ContractsRecord, FundRecord, HedgingRecord, HoldingRecord, IndexRecord, Part,
    SampleRecord, TierRecord,
};
use dojima::replica::State;
use dojima::replica::snapshot::layout::section;
use std::fmt::Debug;

/// Parts that one shard has not; `transfers.rs` has a snapshot with them.
pub const OF_TRANSFERS: [Part; 3] = [Part::Pairs, Part::InFlight, Part::Moved];

/// Parts that a venue of spot has not.
pub const OF_CONTRACTS: [Part; 8] = [
    Part::Contracts,
    Part::Indexes,
    Part::Terms,
    Part::Tiers,
    Part::Samples,
    Part::Funds,
    Part::Hedging,
    Part::Holdings,
];

const START: u64 = 1_700_000_000 * Timestamp::SECOND;

fn index(id: u16, symbol: &str) -> ContractCommand {
    ContractCommand::AddIndex(AddIndex {
        index: IndexId(id),
        symbol: Symbol::new(symbol).expect("a symbol"),
        price_decimals: 2,
        shard: ShardId::FIRST,
        terms: IndexTerms { stale_after_ms: 5_000, grace_s: 60, jump: Ppm(100_000) },
    })
}

fn listed(id: u32, symbol: &str, product: Product) -> Command {
    Command::Admin(AdminCommand::ListInstrument(ListInstrument {
        instrument: InstrumentId(id),
        symbol: Symbol::new(symbol).expect("a symbol"),
        base: AssetId(1),
        quote: AssetId(0),
        price_decimals: 2,
        tick_units: 10,
        lot: Amount(if product.is_inverse() { 1_000_000 } else { 100_000 }),
        min_quantity: Quantity(1),
        max_quantity: Quantity(1_000_000),
        taker_fee: FeeRate(500),
        phase: Phase::Closed,
        product,
        ..ListInstrument::default()
    }))
}

fn tier(row: u8, of: u8, floor: i64, initial: u32) -> ContractCommand {
    ContractCommand::SetMarginTier(SetMarginTier {
        instrument: InstrumentId(0),
        row,
        of,
        floor: Amount(floor),
        initial: Ppm(initial),
        maintenance: Ppm(initial / 2),
    })
}

/// A venue with two indexes, one with a price that waits, a contract with everything and the beginning of its next table,
/// one with nothing, and a fund.
fn contracts() -> State {
    let mut state = state_of(64, &[]);
    let mut send = |command| {
        for record in apply(&mut state, Timestamp(START), &command) {
            let refused = matches!(record.event, Event::Admin(AdminEvent::Refused { .. }));
            assert!(!refused, "{command:?}: {:?}", record.event);
        }
    };
    send(Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST }));
    for (id, code) in [(0, "USD"), (1, "BTC")] {
        let code = AssetCode::new(code).expect("a code");
        send(Command::Admin(AdminCommand::AddAsset { asset: AssetId(id), code, scale: 8 }));
    }
    send(Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }));
    send(listed(0, "BTC-PERP", Product::LinearPerpetual));
    send(listed(1, "BTC-DEC", Product::InverseDated));
    let contract = SetContract {
        instrument: InstrumentId(0),
        index: IndexId(0),
        expiry: 0,
        funding_interval_s: 28_800,
        price_min: 100,
        price_max: 10_000_000,
    };
    let risk = SetContractRisk {
        instrument: InstrumentId(0),
        interest_ppb: -100_000,
        impact_lots: 100,
        mark_band: Ppm(50_000),
        first_band: Ppm(100_000),
        premium_band: Ppm(20_000),
        outer_band: Ppm(50_000),
        liquidation_fee: Ppm(2_000),
        collar: Ppm(20_000),
        adl_after: 60,
        adl_mode: Default::default(),
        position_limit: 1_000,
        open_interest_limit: 2_000,
    };
    let price = |price, source_time| {
        let source_time = Timestamp(START + source_time);
        ContractCommand::SetIndex(SetIndex { index: IndexId(0), price, source_time })
    };
    let deposit = DepositFund { asset: AssetId(0), shard: ShardId::FIRST, amount: Amount(7), reference: 3 };
    for command in [
        index(0, "BTC"),
        index(1, "ETH"),
        ContractCommand::SetContract(contract),
        ContractCommand::SetContractRisk(risk),
        tier(0, 2, 0, 20_000),
        tier(1, 2, 1_000_000, 40_000),
        price(5_000_000, 0),
        price(9_000_000, 1),
        tier(0, 2, 0, 30_000),
        ContractCommand::DepositFund(deposit),
    ] {
        send(Command::Contract(command));
    }
    let by = Setter { account: AccountId::FEES, ..Setter::default() };
    let set = SetLeverage { by, instrument: InstrumentId(0), leverage: 7 };
    send(Command::Owner(OwnerCommand::SetLeverage(set)));
    let (shard, mode) = (ShardId::FIRST, PositionMode::Hedge);
    send(Command::Owner(OwnerCommand::SetPositionMode(SetPositionMode { by, shard, mode })));
    send(Command::Clock(ClockCommand::Tick));
    state
}

/// Every record of these bytes is what the page says of them, and is as long; how many there are.
fn agrees<T: Debug + Decode<()>>(page: &Page, payload: &[u8], table: &str) -> usize {
    let (mut at, mut records) = (0, 0);
    while at < payload.len() {
        let (record, len): (T, usize) = decode_record(&payload[at..]).expect("a record");
        let (fields, told) = page.record(table, &payload[at..]);
        assert_eq!(told, len, "{table}");
        assert_eq!(fields, page.fields_of_struct(&format!("{record:?}")), "{table}");
        at += len;
        records += 1;
    }
    records
}

#[test]
fn the_page_decodes_the_records_of_contracts() {
    let (page, parts) = (Page::read(), Parts::of(&saved(&contracts())));
    let of = |part| parts.payload(section(part));
    assert_eq!(agrees::<ContractsRecord>(&page, &of(Part::Contracts), "record Contracts"), 1);
    assert_eq!(agrees::<IndexRecord>(&page, &of(Part::Indexes), "record Index"), 2);
    assert_eq!(agrees::<ContractRecord>(&page, &of(Part::Terms), "record Contract"), 2);
    assert_eq!(agrees::<TierRecord>(&page, &of(Part::Tiers), "record Tier"), 3);
    assert_eq!(agrees::<HoldingRecord>(&page, &of(Part::Holdings), "record Holding"), 1);
    assert_eq!(agrees::<HedgingRecord>(&page, &of(Part::Hedging), "record Hedging"), 1);
    assert_eq!(agrees::<FundRecord>(&page, &of(Part::Funds), "record Fund"), 1);
    // There is no sample before contracts have orders.
    assert!(of(Part::Samples).is_empty());
    let sample = SampleRecord { instrument: InstrumentId(0x0102_0304), second: 1 << 40, sample: -7 };
    let mut bytes = [0; ENCODED_LEN_MAX];
    let len = encode_record(&sample, &mut bytes).expect("it fits");
    assert_eq!(agrees::<SampleRecord>(&page, &bytes[..len], "record Sample"), 1);
}
