//! A shard of one linear and one inverse perpetual on one index, and traders with much money and with little.

use dojima::domain::{
    AccountId, AddIndex, AdminCommand, Amount, AssetCode, AssetId, Command, ContractCommand, DeleverageMode,
    FeeRate, IndexId, IndexTerms, InstrumentId, ListInstrument, LoginId, LoginName, Phase, Ppm, Product,
    Quantity, SetContract, SetContractRisk, SetIndex, SetMarginTier, ShardId, Symbol, Timestamp, Transfer,
    VenueCommand,
};

pub const ACCOUNTS: u32 = 5;
/// Login 0 trades for the fee account, 1 and 2 for the same account, the others for one each.
pub const LOGIN_ACCOUNTS: [u32; 6] = [0, 1, 1, 2, 3, 4];
pub const INDEX: IndexId = IndexId(0);
pub const LINEAR: InstrumentId = InstrumentId(0);
pub const INVERSE: InstrumentId = InstrumentId(1);
/// COIN, which the inverse one is settled in, and CASH.
pub const ASSETS: [AssetId; 2] = [AssetId(0), AssetId(1)];
/// The first index price, price units: 150 ticks.
pub const FIRST_PRICE: u32 = 750;

/// What each account has of COIN and CASH at first. An order of 20 lots needs about 15 and 750.
const RICHES: [[i64; 2]; ACCOUNTS as usize] =
    [[150, 6_000], [20_000, 1_000_000], [60, 3_000], [30, 1_500], [15, 700]];

fn admin(command: AdminCommand) -> Command {
    Command::Admin(command)
}

fn contract(command: ContractCommand) -> Command {
    Command::Contract(command)
}

/// One tick on a lot of the linear one is 5 cents, a lot of the inverse one at one tick 20 coins.
fn list(instrument: InstrumentId, product: Product, [maker, taker]: [i32; 2]) -> Command {
    admin(AdminCommand::ListInstrument(ListInstrument {
        instrument,
        symbol: Symbol::new(&format!("C{instrument}")).expect("a symbol"),
        base: ASSETS[0],
        quote: ASSETS[1],
        price_decimals: 2,
        tick_units: 5,
        lot: Amount(100),
        min_quantity: Quantity(2),
        max_quantity: Quantity(1_000),
        min_notional: Amount(30),
        maker_fee: FeeRate(maker),
        taker_fee: FeeRate(taker),
        phase: Phase::Closed,
        product,
        ..ListInstrument::default()
    }))
}

pub fn risk(instrument: InstrumentId) -> SetContractRisk {
    SetContractRisk {
        instrument,
        interest_ppb: 0,
        impact_lots: 6,
        mark_band: Ppm(60_000),
        first_band: Ppm(70_000),
        premium_band: Ppm(40_000),
        outer_band: Ppm(80_000),
        liquidation_fee: Ppm(0),
        collar: Ppm(10_000),
        adl_after: 10,
        adl_mode: DeleverageMode::ByRank,
        position_limit: 100,
        open_interest_limit: 200,
    }
}

/// The third row's leverage is the highest that nobody has to set; the fourth one's is lower.
pub fn tiers(instrument: InstrumentId) -> Vec<Command> {
    let unit = if instrument == LINEAR { 100 } else { 2 };
    let rows = [(0, 10_000, 5_000), (100, 20_000, 10_000), (300, 50_000, 25_000), (600, 100_000, 50_000)];
    let row = |(at, (floor, initial, maintenance)): (usize, (i64, u32, u32))| {
        contract(ContractCommand::SetMarginTier(SetMarginTier {
            instrument,
            row: at as u8,
            of: rows.len() as u8,
            floor: Amount(floor * unit),
            initial: Ppm(initial),
            maintenance: Ppm(maintenance),
        }))
    };
    rows.into_iter().enumerate().map(row).collect()
}

pub fn terms(instrument: InstrumentId) -> SetContract {
    SetContract {
        instrument,
        index: INDEX,
        expiry: 0,
        funding_interval_s: 28_800,
        price_min: 400,
        price_max: 1_500,
    }
}

/// Maker's and taker's rates of the two.
pub fn opening(fees: [[i32; 2]; 2]) -> Vec<Command> {
    let code = |text| AssetCode::new(text).expect("a code");
    let mut commands = vec![Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST })];
    for (asset, name) in ASSETS.into_iter().zip(["COIN", "CASH"]) {
        commands.push(admin(AdminCommand::AddAsset { asset, code: code(name), scale: 2 }));
    }
    commands
        .extend((0..ACCOUNTS).map(|id| Command::Venue(VenueCommand::OpenAccount { account: AccountId(id) })));
    for (id, account) in LOGIN_ACCOUNTS.into_iter().enumerate() {
        let (login, account) = (LoginId(id as u32), AccountId(account));
        commands.push(Command::Venue(VenueCommand::OpenLogin { login, account, name: LoginName::default() }));
    }
    let index_terms = IndexTerms { stale_after_ms: 10_000, grace_s: 5, jump: Ppm(0) };
    commands.push(contract(ContractCommand::AddIndex(AddIndex {
        index: INDEX,
        symbol: Symbol::new("INDEX").expect("a symbol"),
        price_decimals: 2,
        shard: ShardId::FIRST,
        terms: index_terms,
    })));
    let products = [(LINEAR, Product::LinearPerpetual), (INVERSE, Product::InversePerpetual)];
    for ((instrument, product), rates) in products.into_iter().zip(fees) {
        commands.push(list(instrument, product, rates));
        commands.push(contract(ContractCommand::SetContract(terms(instrument))));
        commands.push(contract(ContractCommand::SetContractRisk(risk(instrument))));
        commands.extend(tiers(instrument));
    }
    commands.push(Command::Venue(VenueCommand::Open { config_digest: 1 }));
    for (account, has) in RICHES.into_iter().enumerate() {
        for (asset, amount) in ASSETS.into_iter().zip(has) {
            commands.push(admin(AdminCommand::Deposit(Transfer {
                account: AccountId(account as u32),
                asset,
                amount: Amount(amount),
                reference: u64::from(asset.0) + 1,
                shard: ShardId::FIRST,
            })));
        }
    }
    let first = SetIndex { index: INDEX, price: FIRST_PRICE, source_time: Timestamp(1) };
    commands.push(contract(ContractCommand::SetIndex(first)));
    for instrument in [LINEAR, INVERSE] {
        commands.push(admin(AdminCommand::SetPhase { instrument, phase: Phase::Continuous }));
    }
    commands
}
