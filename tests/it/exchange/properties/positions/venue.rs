//! A shard of one linear and one inverse perpetual on one index, if asked of one dated contract of each kind besides, and traders
//! with much money and with little.

use dojima::domain::{
    AccountId, AddIndex, AdminCommand, Amount, AssetCode, AssetId, Command, ContractCommand, DeleverageMode,
    FeeRate, IndexId, IndexTerms, InstrumentId, ListInstrument, LoginId, LoginName, OwnerCommand, Phase,
    PositionMode, Ppm, Product, Quantity, SetContract, SetContractRisk, SetIndex, SetMarginTier,
    SetPositionMode, Setter, ShardId, ShardName, Symbol, Timestamp, Transfer, VenueCommand,
};

pub const ACCOUNTS: u32 = 5;
/// Login 0 trades for the fee account, 1 and 2 for the same account, the others for one each.
pub const LOGIN_ACCOUNTS: [u32; 6] = [0, 1, 1, 2, 3, 4];
pub const INDEX: IndexId = IndexId(0);
pub const LINEAR: InstrumentId = InstrumentId(0);
pub const INVERSE: InstrumentId = InstrumentId(1);
pub const DATED: InstrumentId = InstrumentId(2);
pub const COIN_DATED: InstrumentId = InstrumentId(3);
pub const CONTRACTS: [InstrumentId; 4] = [LINEAR, INVERSE, DATED, COIN_DATED];
/// COIN, which the inverse one is settled in, and CASH.
pub const ASSETS: [AssetId; 2] = [AssetId(0), AssetId(1)];
/// The first index price, price units: 150 ticks.
pub const FIRST_PRICE: u32 = 750;

/// What each account has of COIN and CASH at first. An order of 20 lots needs about 15 and 750.
const RICHES: [[i64; 2]; ACCOUNTS as usize] =
    [[150, 6_000], [20_000, 1_000_000], [60, 3_000], [30, 1_500], [15, 700]];

/// What a run begins with.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Maker's and taker's rates of linear contracts and of inverse ones.
    pub fees: [[i32; 2]; 2],
    /// Whether there are dated contracts too, and a second shard with nothing in it.
    pub dated: bool,
    /// What all amounts are multiplied by.
    pub scale: i64,
    /// How many accounts that do nothing are between that of the fees and those of the traders.
    pub idle: u32,
    /// Which traders begin with a long and a short position in each contract: bits by trader.
    pub hedges: u8,
}

impl Setting {
    pub fn plain(fees: [[i32; 2]; 2]) -> Self {
        Self { fees, dated: false, scale: 1, idle: 0, hedges: 0 }
    }

    /// The account of a trader, from 0 to [`ACCOUNTS`].
    pub fn account(&self, trader: u32) -> AccountId {
        AccountId(if trader == 0 { 0 } else { trader + self.idle })
    }

    /// Whose account it is.
    pub fn trader(&self, account: AccountId) -> usize {
        account.0.saturating_sub(self.idle) as usize
    }

    pub fn accounts(self) -> impl Iterator<Item = AccountId> {
        (0..ACCOUNTS).map(move |trader| self.account(trader))
    }

    /// Logins after those of the traders are of one idle account each.
    pub fn owner(&self, login: LoginId) -> AccountId {
        let trader = LOGIN_ACCOUNTS.get(login.0 as usize);
        let idle = || AccountId(login.0 + 1 - LOGIN_ACCOUNTS.len() as u32);
        trader.map_or_else(idle, |trader| self.account(*trader))
    }

    /// The contracts that there are.
    pub fn contracts(&self) -> &'static [InstrumentId] {
        if self.dated { &CONTRACTS } else { &CONTRACTS[..2] }
    }
}

/// Whether a contract is one of the two linear ones, which are settled in CASH.
pub fn is_linear(instrument: InstrumentId) -> bool {
    instrument == LINEAR || instrument == DATED
}

/// What amounts of the asset that a contract is settled in come to, as tiers count them.
pub fn unit(instrument: InstrumentId) -> i64 {
    if is_linear(instrument) { 100 } else { 2 }
}

fn admin(command: AdminCommand) -> Command {
    Command::Admin(command)
}

fn contract(command: ContractCommand) -> Command {
    Command::Contract(command)
}

/// One tick on a lot of a linear one is 5 cents, a lot of an inverse one at one tick 20 coins; times the scale.
fn list(instrument: InstrumentId, setting: &Setting) -> Command {
    let [maker, taker] = setting.fees[usize::from(!is_linear(instrument))];
    let product = match instrument {
        LINEAR => Product::LinearPerpetual,
        INVERSE => Product::InversePerpetual,
        DATED => Product::LinearDated,
        _ => Product::InverseDated,
    };
    admin(AdminCommand::ListInstrument(ListInstrument {
        instrument,
        symbol: Symbol::new(&format!("C{instrument}")).expect("a symbol"),
        base: ASSETS[0],
        quote: ASSETS[1],
        price_decimals: 2,
        tick_units: 5,
        lot: Amount(100 * setting.scale),
        min_quantity: Quantity(2),
        max_quantity: Quantity(1_000),
        min_notional: Amount(30 * setting.scale),
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
pub fn tiers(instrument: InstrumentId, scale: i64) -> Vec<Command> {
    let unit = unit(instrument) * scale;
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
    let (expiry, funding_interval_s) = match instrument {
        LINEAR => (0, 3_600),
        INVERSE => (0, 7_200),
        DATED => (9_000, 0),
        _ => (5_400, 0),
    };
    SetContract { instrument, index: INDEX, expiry, funding_interval_s, price_min: 400, price_max: 1_500 }
}

pub fn opening(setting: &Setting) -> Vec<Command> {
    let code = |text| AssetCode::new(text).expect("a code");
    let mut commands = vec![Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST })];
    if setting.dated {
        let name = ShardName::new("empty").expect("a name");
        commands.push(Command::Venue(VenueCommand::OpenShard { shard: ShardId(1), name }));
    }
    let accounts = (0..ACCOUNTS + setting.idle).map(AccountId);
    commands.extend(accounts.map(|account| Command::Venue(VenueCommand::OpenAccount { account })));
    for (asset, name) in ASSETS.into_iter().zip(["COIN", "CASH"]) {
        commands.push(admin(AdminCommand::AddAsset { asset, code: code(name), scale: 2 }));
    }
    for (id, trader) in LOGIN_ACCOUNTS.into_iter().enumerate() {
        let (login, account) = (LoginId(id as u32), setting.account(trader));
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
    for instrument in setting.contracts().iter().copied() {
        commands.push(list(instrument, setting));
        commands.push(contract(ContractCommand::SetContract(terms(instrument))));
        commands.push(contract(ContractCommand::SetContractRisk(risk(instrument))));
        commands.extend(tiers(instrument, setting.scale));
    }
    commands.push(Command::Venue(VenueCommand::Open { config_digest: 1 }));
    for (account, has) in setting.accounts().zip(RICHES) {
        for (asset, amount) in ASSETS.into_iter().zip(has) {
            commands.push(admin(AdminCommand::Deposit(Transfer {
                account,
                asset,
                amount: Amount(amount * setting.scale),
                reference: u64::from(asset.0) + 1,
                shard: ShardId::FIRST,
            })));
        }
    }
    let first = SetIndex { index: INDEX, price: FIRST_PRICE, source_time: Timestamp(1) };
    commands.push(contract(ContractCommand::SetIndex(first)));
    for trader in (0..ACCOUNTS).filter(|trader| setting.hedges & (1 << trader) != 0) {
        let by = Setter { account: setting.account(trader), ..Setter::default() };
        let (shard, mode) = (ShardId::FIRST, PositionMode::Hedge);
        commands.push(Command::Owner(OwnerCommand::SetPositionMode(SetPositionMode { by, shard, mode })));
    }
    for instrument in setting.contracts().iter().copied() {
        commands.push(admin(AdminCommand::SetPhase { instrument, phase: Phase::Continuous }));
    }
    commands
}
