//! The venue of a run: spot in one shard or in two, or the whole built-in venue with contracts in a shard of their own, made
//! small; and what clients and operators know of it.

use super::random::Random;
use super::subscriber::{PASSWORD, USERNAME};
use dojima::config::{
    Config, Expiry, InstrumentConfig, InstrumentLimitsConfig, LoginConfig, ProtectionConfig, ShardConfig,
    UserRole, WalletConfig,
};
use dojima::domain::{InstrumentId, Product};
use rust_decimal::Decimal;

/// 08:00 on a Tuesday, seconds since 1970; a time of funding.
const EIGHT: u64 = 1_788_249_600;

/// What is traded, with the middle of its prices, the spread of the ideas that clients have of it, and the tick, in price
/// units. Spot comes first; the ids are the places.
const MARKETS: [Market; 6] = [
    Market { symbol: "BTC-USDT", middle: 6_000_000, spread: 40, tick: 1 },
    Market { symbol: "ETH-USDT", middle: 300_000, spread: 60, tick: 5 },
    Market { symbol: "BTC-PERP", middle: 6_000_000, spread: 30, tick: 10 },
    Market { symbol: "ETH-PERP", middle: 300_000, spread: 30, tick: 1 },
    Market { symbol: "BTC-Z99", middle: 6_000_000, spread: 30, tick: 10 },
    Market { symbol: "BTC-INV", middle: 6_000_000, spread: 30, tick: 10 },
];

/// The same with ticks so coarse that the naive exchange can walk over all marks of a contract.
const COARSE: [Market; 6] = {
    let mut all = MARKETS;
    let mut at = 2;
    while at < all.len() {
        all[at].tick = all[at].middle / 6_000;
        all[at].spread = 8;
        at += 1;
    }
    all
};

/// The contract that follows the second index.
pub const ETH_PERP: InstrumentId = InstrumentId(3);

/// The dated contract.
pub const DATED: InstrumentId = InstrumentId(4);

/// The middle of the prices of each index, price units.
pub const INDEXES: [u64; 2] = [6_000_000, 300_000];

#[derive(Clone, Copy)]
pub struct Market {
    pub symbol: &'static str,
    pub middle: u64,
    /// Ticks.
    pub spread: u64,
    pub tick: u64,
}

/// What kind of venue it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Two spot instruments in one shard.
    Spot,
    /// The same, each in a shard of its own.
    SpotInTwo,
    /// Spot in one shard, contracts in another one.
    Contracts,
    /// The same, over so long a time that a contract expires with enough samples of its index.
    ContractsForLong,
}

/// What clients and operators know of the venue.
#[derive(Clone, Copy, Debug)]
pub struct Venue {
    pub kind: Kind,
    /// The first command comes after this, seconds since 1970.
    pub beginning_s: u64,
    /// When the dated contract ends, seconds since 1970.
    expiry_s: u64,
    /// Contracts have coarse ticks, and clients ask for their positions.
    pub is_coarse: bool,
}

impl Venue {
    pub fn new(random: &mut Random) -> Self {
        let kind = match random.below(24) {
            0..4 => Kind::Spot,
            4..7 => Kind::SpotInTwo,
            7 | 8 => Kind::ContractsForLong,
            _ => Kind::Contracts,
        };
        let (before, after) = match kind {
            // Some 900 seconds with a sample each have to come before the end.
            Kind::ContractsForLong => (1_500, random.pick(&[0, 60])),
            _ => (random.pick(&[2, 5, 20, 300]), random.pick(&[0, 60, 600])),
        };
        Self { kind, beginning_s: EIGHT - before, expiry_s: EIGHT + after, is_coarse: random.once_in(2) }
    }

    pub fn has_contracts(&self) -> bool {
        matches!(self.kind, Kind::Contracts | Kind::ContractsForLong)
    }

    /// What is traded, by id.
    pub fn markets(&self) -> &'static [Market] {
        match self.has_contracts() {
            true if self.is_coarse => &COARSE,
            true => &MARKETS,
            false => &MARKETS[..2],
        }
    }

    /// Whether the end of the dated contract has come; `time` is that of the exchange, ns since 1970.
    pub fn is_after_expiry(&self, time: u64) -> bool {
        time / 1_000_000_000 >= self.expiry_s
    }

    /// Whether it is the dated contract, and its end has come.
    pub fn has_ended(&self, market: Market, time: u64) -> bool {
        market.symbol == MARKETS[DATED.0 as usize].symbol && self.is_after_expiry(time)
    }

    /// The configuration of the venue: what is listed, who is there, and with how much money.
    pub fn config(&self, random: &mut Random) -> Config {
        let mut config = match self.has_contracts() {
            true => Config::embedded_default(),
            false => Config::spot(),
        };
        spot(&mut config.instruments[..2], random);
        people(&mut config);
        match self.kind {
            Kind::Spot => {}
            Kind::SpotInTwo => two_shards(&mut config),
            Kind::Contracts | Kind::ContractsForLong => self.contracts(&mut config, random),
        }
        config
    }

    fn contracts(&self, config: &mut Config, random: &mut Random) {
        let is_long = self.kind == Kind::ContractsForLong;
        for index in &mut config.indexes {
            index.stale_after_ms =
                if is_long { 60_000 } else { random.pick(&[1_000, 10_000, 60_000, 60_000]) as u32 };
            index.grace_s = random.pick(&[0, 1, 60]) as u32;
            index.jump_ppm = random.pick(&[0, 2_000, 20_000]) as u32;
            let middle = if index.symbol == "BTC" { "60000" } else { "3000" };
            // An index that is stale too long has too few samples.
            index.fixed_price = (is_long || random.once_in(2)).then(|| decimal(middle));
        }
        for instrument in config.instruments.iter_mut().filter(|it| it.product != Product::Spot) {
            contract(instrument, random);
            if self.is_coarse {
                coarsen(instrument);
            }
        }
        let dated = &mut config.instruments[DATED.0 as usize];
        assert_eq!(dated.symbol, MARKETS[DATED.0 as usize].symbol, "the built-in venue has this order");
        dated.contract.as_mut().expect("it is built in").expiry = Expiry(self.expiry_s as u32);
        let how_poor = random.below(2) as usize;
        let futures = |poor: bool| {
            let amounts =
                if poor { [["1", "30000"], ["0.1", "3000"]][how_poor] } else { ["200", "20000000"] };
            let assets = ["BTC", "USDT"].into_iter().zip(amounts);
            WalletConfig(assets.map(|(asset, amount)| (asset.to_owned(), decimal(amount))).collect())
        };
        for (account, poor) in config.accounts.iter_mut().zip(POOR) {
            account.deposits_in.insert("futures".to_owned(), futures(poor));
        }
        // A small fund: a loss that nobody bears is soon more than it has.
        let fund =
            [("BTC", "0.0001"), ("USDT", "5")].map(|(asset, amount)| (asset.to_owned(), decimal(amount)));
        config.insurance_fund.deposits_in.insert("futures".to_owned(), WalletConfig(fund.into()));
        let source = LoginConfig {
            role: UserRole::Index,
            // Now and then it may send the prices of one of them only.
            indexes: if random.once_in(4) {
                vec!["BTC".to_owned()]
            } else {
                vec!["BTC".to_owned(), "ETH".to_owned()]
            },
            ..LoginConfig::new("SOURCE", "DEMO")
        };
        config.accounts[3].logins.push(source);
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a number")
}

/// Some thousand ticks on either side of the middle.
fn coarsen(instrument: &mut InstrumentConfig) {
    let [tick, lowest, highest] = match &*instrument.base {
        "BTC" => ["10", "30000", "90000"],
        _ => ["0.5", "1500", "4500"],
    };
    instrument.tick = decimal(tick);
    let contract = instrument.contract.as_mut().expect("it is built in");
    (contract.price_min, contract.price_max) = (decimal(lowest), decimal(highest));
}

fn contract(instrument: &mut InstrumentConfig, random: &mut Random) {
    let contract = instrument.contract.as_mut().expect("it is built in");
    if instrument.product.is_perpetual() {
        contract.funding_interval_s = 3_600;
    }
    let risk = instrument.risk.as_mut().expect("it is built in");
    if instrument.product.is_perpetual() {
        risk.interest_ppb = random.pick(&[0, 100_000, 1_000_000]);
    }
    risk.impact_lots = random.pick(&[1, 20, 300]) as u32;
    risk.position_limit_lots = random.pick(&[1_500, 100_000, 100_000]) as u32;
    risk.open_interest_limit_lots =
        random.pick(&[1_500, 900_000]).max(u64::from(risk.position_limit_lots)) as u32;
    if random.once_in(3) {
        instrument.protection = Some(ProtectionConfig {
            price_min: decimal("1000"),
            price_max: decimal("90000"),
            reference: decimal(if instrument.base == "BTC" { "60000" } else { "3000" }),
            static_band_ppm: 20_000,
            dynamic_band_ppm: random.pick(&[300, 3_000]) as u32,
            interruption_s: random.pick(&[0, 1, 3]) as u32,
            market_collar_ppm: 2_000,
        });
    }
}

fn spot(instruments: &mut [InstrumentConfig], random: &mut Random) {
    let [btc, eth] = instruments else { unreachable!("two are built in") };
    btc.max_quantity = decimal("40");
    btc.min_quantity = decimal("0.00005");
    eth.tick = decimal("0.05");
    eth.protection = Some(ProtectionConfig {
        price_min: decimal("1000"),
        price_max: decimal("9000"),
        reference: decimal("3000"),
        static_band_ppm: 5_000,
        dynamic_band_ppm: random.pick(&[200, 1_500]) as u32,
        interruption_s: random.pick(&[0, 1, 3]) as u32,
        market_collar_ppm: 1_000,
    });
    eth.limits = Some(InstrumentLimitsConfig {
        open_orders_max: random.pick(&[8, 30]) as u32,
        orders_per_second_max: random.pick(&[20, 100, 400]) as u32,
        position_max: decimal("1200"),
        ..InstrumentLimitsConfig::default()
    });
}

/// Which accounts have little money.
const POOR: [bool; 4] = [false, false, true, true];

fn people(config: &mut Config) {
    // Somebody who only listens, and somebody who trades and is told what others do.
    let names: Vec<String> = config.accounts.iter().map(|account| account.name.clone()).collect();
    let listener = LoginConfig {
        role: UserRole::DropCopy,
        copies: vec![names[0].clone(), names[3].clone()],
        ..LoginConfig::new("COPY", "DEMO")
    };
    config.accounts[3].logins.push(listener);
    config.accounts[1].logins[0].copies = vec![names[2].clone()];
    for (account, poor) in config.accounts.iter_mut().zip(POOR) {
        let deposits = if poor { ["2", "30", "200000"] } else { ["100", "1000", "10000000"] };
        for (asset, amount) in ["BTC", "ETH", "USDT"].into_iter().zip(deposits) {
            account.deposits.insert(asset.to_owned(), decimal(amount));
        }
    }
    let watcher = LoginConfig { role: UserRole::MarketData, ..LoginConfig::new(USERNAME, PASSWORD) };
    config.users.push(watcher);
}

/// The second instrument in a shard of its own, where everybody has as much as in the first.
fn two_shards(config: &mut Config) {
    config.shards = ["FIRST", "SECOND"].map(|name| ShardConfig { name: name.to_owned(), core: None }).into();
    config.instruments[1].shard = Some("SECOND".to_owned());
    for account in &mut config.accounts {
        account.deposits_in.insert("SECOND".to_owned(), WalletConfig(account.deposits.clone()));
    }
}
