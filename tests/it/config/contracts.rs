//! Indexes, contracts and insurance funds in the file: what they come to, and what is said of a value that cannot be.

use crate::support::spot::SPOT_TOML;
use dojima::config::{Config, ConfigError, Expiry};
use dojima::domain::{
    AddIndex, AdminCommand, AdminEvent, Amount, AssetId, Command, ContractCommand, DeleverageMode,
    DepositFund, Event, EventRecord, IndexId, IndexTerms, InstrumentId, Ppm, Product, Quantity, SetContract,
    SetContractRisk, SetMarginTier, ShardId, Stamp, Symbol, Timestamp,
};
use dojima::replica::State;

/// What the file says of a perpetual and of an inverse contract that ends.
pub const CONTRACTS: &str = r#"
[[indexes]]
symbol = "BTC"
price_decimals = 2
shard = "FUTURES"
stale_after_ms = 10000
grace_s = 60
jump_ppm = 100000

[[indexes]]
symbol = "ETH"
price_decimals = 2
stale_after_ms = 5000

[[instruments]]
symbol = "BTC-PERP"
base = "BTC"
quote = "USDT"
price_decimals = 2
tick = "0.50"
lot = "0.001"
min_quantity = "0.001"
max_quantity = "1000"
min_notional = "5"
maker_fee_ppm = "200"
taker_fee_ppm = "500"
phase = "closed"
shard = "FUTURES"
product = "linear-perpetual"
[instruments.contract]
index = "BTC"
funding_interval_s = 28800
price_min = "100"
price_max = "1000000"
[instruments.risk]
interest_ppb = 100000
impact_lots = 1000
mark_band_ppm = 50000
first_band_ppm = 100000
premium_band_ppm = 20000
outer_band_ppm = 50000
liquidation_fee_ppm = 2000
collar_ppm = 30000
adl_after = 60
adl_mode = "pro-rata"
position_limit_lots = 10000
open_interest_limit_lots = 100000
[[instruments.margin_tiers]]
floor = "0"
initial_ppm = 20000
maintenance_ppm = 10000
[[instruments.margin_tiers]]
floor = "250000"
initial_ppm = 40000
maintenance_ppm = 20000

[[instruments]]
symbol = "BTC-MAR"
base = "BTC"
quote = "USDT"
price_decimals = 2
tick = "0.50"
lot = "10"
min_quantity = "10"
max_quantity = "100000"
min_notional = "0.0001"
maker_fee_ppm = "200"
taker_fee_ppm = "500"
phase = "closed"
shard = "FUTURES"
product = "inverse-dated"
[instruments.contract]
index = "BTC"
expiry = "2027-03-26T08:00:00Z"
price_min = "1000"
price_max = "1000000"
[instruments.limits]
quantity_max = "50"
notional_max = "0.5"

[insurance_fund]
deposits_in = { FUTURES = { BTC = "1.5", USDT = "1000" } }

[[shards]]
name = "SPOT"
[[shards]]
name = "FUTURES"
"#;

fn text() -> String {
    with_defaults(CONTRACTS)
}

/// After the spot part of the built-in file.
pub fn with_defaults(contracts: &str) -> String {
    format!("{}\n{contracts}", *SPOT_TOML)
}

fn edited(from: &str, to: &str) -> Result<Config, ConfigError> {
    assert!(CONTRACTS.contains(from), "the file has no {from:?}");
    Config::from_toml(&with_defaults(&CONTRACTS.replacen(from, to, 1)), "test.toml")
}

fn config() -> Config {
    Config::from_toml(&text(), "contracts.toml").expect("a valid file")
}

/// Applies the opening commands to an exchange at this second; the reason of the first that is refused.
fn opens(config: &Config, second: u64) -> Result<(), String> {
    let mut state = State::empty();
    for (sequence, command) in (1..).zip(config.opening_commands().expect("is valid")) {
        let stamp = Stamp { sequence, time: Timestamp(second * Timestamp::SECOND + sequence) };
        let mut refused = |record: &EventRecord| match record.event {
            Event::Admin(AdminEvent::Refused { reason }) => Err(format!("{command:?}: {reason}")),
            _ => Ok(()),
        };
        state.apply(stamp, &command, &mut refused)?;
    }
    Ok(())
}

#[test]
fn contracts_follow_all_other_commands_of_the_opening() {
    let config = config();
    let commands = config.opening_commands().expect("is valid");
    let contracts: Vec<ContractCommand> = commands
        .iter()
        .filter_map(|command| if let Command::Contract(command) = command { Some(*command) } else { None })
        .collect();
    let last = &commands[commands.len() - 1 - contracts.len()..commands.len() - 1];
    assert!(last.iter().all(|command| matches!(command, Command::Contract(_))), "they stand together");
    let (futures, perpetual, dated) = (ShardId(1), InstrumentId(2), InstrumentId(3));
    let index = |id, symbol, shard, terms| {
        let symbol = Symbol::new(symbol).expect("a symbol");
        ContractCommand::AddIndex(AddIndex { index: IndexId(id), symbol, price_decimals: 2, shard, terms })
    };
    let terms = |stale_after_ms, grace_s, jump| IndexTerms { stale_after_ms, grace_s, jump: Ppm(jump) };
    let tier = |row, floor, initial, maintenance| {
        let (floor, initial, maintenance) = (Amount(floor), Ppm(initial), Ppm(maintenance));
        ContractCommand::SetMarginTier(SetMarginTier {
            instrument: perpetual,
            row,
            of: 2,
            floor,
            initial,
            maintenance,
        })
    };
    let fund = |asset, amount| {
        let (asset, amount) = (AssetId(asset), Amount(amount));
        ContractCommand::DepositFund(DepositFund { asset, shard: futures, amount, reference: 1 })
    };
    let expected = [
        index(0, "BTC", futures, terms(10_000, 60, 100_000)),
        index(1, "ETH", ShardId::FIRST, terms(5_000, 0, 0)),
        ContractCommand::SetContract(SetContract {
            instrument: perpetual,
            index: IndexId(0),
            expiry: 0,
            funding_interval_s: 28_800,
            price_min: 10_000,
            price_max: 100_000_000,
        }),
        ContractCommand::SetContractRisk(SetContractRisk {
            instrument: perpetual,
            interest_ppb: 100_000,
            impact_lots: 1_000,
            mark_band: Ppm(50_000),
            first_band: Ppm(100_000),
            premium_band: Ppm(20_000),
            outer_band: Ppm(50_000),
            liquidation_fee: Ppm(2_000),
            collar: Ppm(30_000),
            adl_after: 60,
            adl_mode: DeleverageMode::ProRata,
            position_limit: 10_000,
            open_interest_limit: 100_000,
        }),
        tier(0, 0, 20_000, 10_000),
        tier(1, 25_000_000_000_000, 40_000, 20_000),
        ContractCommand::SetContract(SetContract {
            instrument: dated,
            index: IndexId(0),
            expiry: 1_806_048_000,
            funding_interval_s: 0,
            price_min: 100_000,
            price_max: 100_000_000,
        }),
        fund(0, 150_000_000),
        fund(2, 100_000_000_000),
    ];
    assert_eq!(contracts, expected);

    // Lots of an inverse contract are amounts of quote, its notionals amounts of base.
    let listed = commands.iter().find_map(|command| match command {
        Command::Admin(AdminCommand::ListInstrument(terms)) if terms.instrument == dated => Some(*terms),
        _ => None,
    });
    let listed = listed.expect("it is listed");
    assert_eq!((listed.product, listed.shard), (Product::InverseDated, futures));
    assert_eq!((listed.lot, listed.min_quantity), (Amount(1_000_000_000), Quantity(1)));
    assert_eq!((listed.max_quantity, listed.min_notional), (Quantity(10_000), Amount(10_000)));
    let limits = commands.iter().find_map(|command| match command {
        Command::Admin(AdminCommand::SetOrderLimits { limits, .. }) => Some(*limits),
        _ => None,
    });
    let limits = limits.expect("there are limits");
    assert_eq!((limits.quantity_max, limits.notional_max), (Quantity(5), Amount(50_000_000)));
}

#[test]
fn a_venue_with_contracts_opens_until_one_of_them_has_ended() {
    let config = config();
    let text = config.to_toml().expect("can be written");
    assert_eq!(Config::from_toml(&text, "written").expect("can be read"), config);
    assert_eq!(opens(&config, 1_795_000_000), Ok(()));
    let late = opens(&config, 1_806_048_000).expect_err("the contract has ended");
    assert!(late.contains("SetContract"), "{late}");
    // What is left out is no error: an operator sets it later.
    assert_eq!(config.instruments[3].risk, None);
    let mut incomplete = config.clone();
    incomplete.instruments[2].margin_tiers.clear();
    incomplete.instruments[2].contract = None;
    assert_eq!(opens(&incomplete, 1_795_000_000), Ok(()));
}

#[test]
fn contracts_are_compared_by_the_names_of_the_file() {
    let journaled = config().opening_commands().expect("is valid");
    assert_eq!(config().compare(&journaled), []);
    let told = |from: &str, to: &str| -> Vec<String> {
        let config = edited(from, to).expect("is valid");
        config.compare(&journaled).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        told("jump_ppm = 100000", "jump_ppm = 200000"),
        ["indexes[BTC].jump_ppm: config says 200000, the journal says 100000; kept 100000"]
    );
    assert_eq!(
        told("2027-03-26T08:00:00Z", "2027-06-25T08:00:00Z"),
        ["instruments[BTC-MAR].contract.expiry: config says 2027-06-25T08:00:00Z, the journal says \
             2027-03-26T08:00:00Z; kept 2027-03-26T08:00:00Z"]
    );
    assert_eq!(
        told("price_max = \"1000000\"\n[instruments.risk]", "price_max = \"500000.5\"\n[instruments.risk]"),
        ["instruments[BTC-PERP].contract.price_max: config says 500000.5, the journal says 1000000; kept \
             1000000"]
    );
    assert_eq!(
        told("adl_mode = \"pro-rata\"", "adl_mode = \"by-rank\""),
        [
            "instruments[BTC-PERP].risk.adl_mode: config says by-rank, the journal says pro-rata; kept pro-rata"
        ]
    );
    assert_eq!(
        told("floor = \"250000\"", "floor = \"300000\""),
        [
            "instruments[BTC-PERP].margin_tiers[1].floor: config says 300000, the journal says 250000; kept 250000"
        ]
    );
    assert_eq!(
        told("BTC = \"1.5\", ", ""),
        ["insurance_fund.deposits_in.FUTURES.BTC: the journal says 1.5, config does not have it; kept 1.5"]
    );
    let built_in = Config::spot();
    let told: Vec<String> = built_in.compare(&journaled).iter().map(ToString::to_string).collect();
    let says = "instruments[BTC-MAR].lot: the journal says 10, config does not have it; kept 10";
    assert!(told.iter().any(|told| told == says), "{told:?}");
}

/// Each row: what is exchanged, and what the error must say.
fn refused(rows: &[(&str, &str, &str)]) {
    for (from, to, says) in rows {
        let error = match edited(from, to) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{to:?} must be refused with {says:?}"),
        };
        assert!(error.contains(says), "{to:?} must be refused with {says:?}, but the error is:\n{error}");
    }
}

#[test]
fn a_fixed_price_is_not_journaled() {
    let fixed = edited("grace_s = 60", "grace_s = 60\nfixed_price = \"50000.5\"").expect("is valid");
    assert_eq!(fixed.indexes[0].fixed_price, Some("50000.5".parse().expect("a number")));
    assert_eq!(config().indexes[0].fixed_price, None);
    let journaled = config().opening_commands().expect("is valid");
    assert_eq!(fixed.opening_commands().expect("is valid"), journaled);
    let text = fixed.to_toml().expect("can be written");
    assert_eq!(Config::from_toml(&text, "written").expect("can be read"), fixed);
}

#[test]
fn an_impossible_index_is_named() {
    refused(&[
        (
            "symbol = \"ETH\"\nprice",
            "symbol = \"BTC\"\nprice",
            "indexes[BTC].symbol = \"BTC\": stands here twice",
        ),
        ("symbol = \"ETH\"\nprice", "symbol = \"ETHEREUM1\"\nprice", "must be 1 to 8 ASCII characters"),
        (
            "symbol = \"ETH\"\nprice_decimals = 2",
            "symbol = \"ETH\"\nprice_decimals = 10",
            "indexes[ETH].price_decimals = 10: must be from 0 to 9",
        ),
        (
            "stale_after_ms = 5000",
            "stale_after_ms = 999",
            "indexes[ETH].stale_after_ms = 999: must be from 1000 to",
        ),
        ("grace_s = 60", "grace_s = 3601", "indexes[BTC].grace_s = 3601: must be from 0 to 3600"),
        (
            "jump_ppm = 100000",
            "jump_ppm = 999",
            "indexes[BTC].jump_ppm = 999: must be 0, which turns it off, or",
        ),
        ("jump_ppm = 100000", "jump_ppm = 1000001", "or from 1000 to 1000000"),
        (
            "shard = \"FUTURES\"\nstale",
            "shard = \"OPTIONS\"\nstale",
            "indexes[BTC].shard = \"OPTIONS\": no such shard; there are SPOT, FUTURES",
        ),
        ("grace_s = 60", "grace = 60", "unknown field `grace`"),
        ("grace_s = 60", "fixed_price = \"0\"", "indexes[BTC].fixed_price = 0: must be above 0"),
        ("grace_s = 60", "fixed_price = \"-1\"", "indexes[BTC].fixed_price = -1:"),
        (
            "grace_s = 60",
            "fixed_price = \"50000.001\"",
            "indexes[BTC].fixed_price = 50000.001: has more decimals than price_decimals = 2",
        ),
        (
            "grace_s = 60",
            "fixed_price = \"21474836.47\"",
            "indexes[BTC].fixed_price = 21474836.47: is larger than any price that the protocol can",
        ),
        ("grace_s = 60", "fixed_price = 50000.5", "an exact number in quotes"),
    ]);
}

#[test]
fn impossible_terms_of_a_contract_are_named() {
    refused(&[
        (
            "index = \"BTC\"\nfunding",
            "index = \"DOGE\"\nfunding",
            "instruments[BTC-PERP].contract.index = \"DOGE\": no such index; there are BTC, ETH",
        ),
        ("index = \"BTC\"\nfunding", "index = \"ETH\"\nfunding", "is of another shard than the contract"),
        (
            "symbol = \"BTC\"\nprice_decimals = 2",
            "symbol = \"BTC\"\nprice_decimals = 1",
            "its prices have 1 decimals, but price_decimals is 2; both are alike",
        ),
        (
            "index = \"BTC\"\nfunding",
            "index = \"BTC\"\nexpiry = \"2027-03-26T08:00:00Z\"\nfunding",
            "instruments[BTC-PERP].contract.expiry = 2027-03-26T08:00:00Z: linear-perpetual has no end: 0",
        ),
        (
            "funding_interval_s = 28800",
            "funding_interval_s = 50000",
            "instruments[BTC-PERP].contract.funding_interval_s = 50000: must be from 3600 to 86400 and divide a day",
        ),
        ("funding_interval_s = 28800", "funding_interval_s = 0", "such as 28800"),
        ("funding_interval_s = 28800\n", "", "funding_interval_s = 0: must be from 3600"),
        (
            "expiry = \"2027-03-26T08:00:00Z\"",
            "expiry = \"2027-03-26T08:00:01Z\"",
            "instruments[BTC-MAR].contract.expiry = 2027-03-26T08:00:01Z: inverse-dated ends at a whole minute",
        ),
        ("expiry = \"2027-03-26T08:00:00Z\"\n", "", "instruments[BTC-MAR].contract.expiry = 0:"),
        (
            "expiry = \"2027-03-26T08:00:00Z\"",
            "expiry = \"26 March\"",
            "expected 0, or UTC to the second such as",
        ),
        (
            "expiry = \"2027-03-26T08:00:00Z\"",
            "expiry = \"2027-03-26T08:00:00Z\"\nfunding_interval_s = 3600",
            "has no funding: 0, or left out",
        ),
        (
            "price_min = \"100\"",
            "price_min = \"0\"",
            "instruments[BTC-PERP].contract.price_min = 0: must be above 0",
        ),
        ("price_min = \"100\"", "price_min = \"100.005\"", "has more decimals than price_decimals = 2"),
        (
            "price_min = \"100\"",
            "price_min = \"999999.6\"",
            "instruments[BTC-PERP].contract.price_max = 1000000: at least two multiples of tick = 0.50 must be from \
             price_min = 999999.6 to this",
        ),
        (
            "price_max = \"1000000\"",
            "price_max = \"21474836.47\"",
            "larger than any price that the protocol can",
        ),
        // One lot is 10 dollars: worth a unit of 10^-8 coins up to a price of 10^9.
        (
            "lot = \"10\"\nmin_quantity = \"10\"",
            "lot = \"0.005\"\nmin_quantity = \"10\"",
            "instruments[BTC-MAR].contract.price_max = 1000000: above 500000",
        ),
    ]);
}

#[test]
fn impossible_risk_is_named() {
    let ranges = [
        ("interest_ppb = 100000", "interest_ppb", "-1000001", "-1000000 to 1000000"),
        ("impact_lots = 1000", "impact_lots", "0", "1 to 4294967295"),
        ("mark_band_ppm = 50000", "mark_band_ppm", "999", "1000 to 200000"),
        ("mark_band_ppm = 50000", "mark_band_ppm", "200001", "1000 to 200000"),
        ("first_band_ppm = 100000", "first_band_ppm", "500001", "1000 to 500000"),
        ("premium_band_ppm = 20000", "premium_band_ppm", "999", "1000 to 500000"),
        ("outer_band_ppm = 50000", "outer_band_ppm", "500001", "1000 to 500000"),
        ("liquidation_fee_ppm = 2000", "liquidation_fee_ppm", "50001", "0 to 50000"),
        ("collar_ppm = 30000", "collar_ppm", "100001", "1000 to 100000"),
        ("adl_after = 60", "adl_after", "3601", "0 to 3600"),
    ];
    for (from, field, value, range) in ranges {
        let says = format!("instruments[BTC-PERP].risk.{field} = {value}: must be from {range}");
        refused(&[(from, &format!("{field} = {value}"), &says)]);
    }
    refused(&[
        (
            "premium_band_ppm = 20000",
            "premium_band_ppm = 50001",
            "instruments[BTC-PERP].risk.premium_band_ppm = 50001: must be at most outer_band_ppm = 50000",
        ),
        (
            "position_limit_lots = 10000",
            "position_limit_lots = 100001",
            "must be at most open_interest_limit_lots = 100000",
        ),
        // A lot of .001 at a price of 1,000,000 is 10^11 units of 10^-8 dollars.
        (
            "open_interest_limit_lots = 100000",
            "open_interest_limit_lots = 180144",
            "instruments[BTC-PERP].risk.open_interest_limit_lots = 180144: with this price range at most 180143 lots",
        ),
        ("adl_mode = \"pro-rata\"", "adl_mode = \"by-luck\"", "expected one of by-rank, pro-rata"),
        (
            "price_max = \"1000000\"\n[instruments.limits]",
            "price_max = \"1000000\"\n[instruments.risk]\ninterest_ppb = 1\nimpact_lots = 1\nmark_band_ppm = 1000\n\
             first_band_ppm = 1000\npremium_band_ppm = 1000\nouter_band_ppm = 1000\nliquidation_fee_ppm = 0\n\
             collar_ppm = 1000\nadl_after = 0\nposition_limit_lots = 1\nopen_interest_limit_lots = 1\n\
             [instruments.limits]",
            "instruments[BTC-MAR].risk.interest_ppb = 1: inverse-dated has no funding, so no interest",
        ),
    ]);
    assert!(edited("open_interest_limit_lots = 100000", "open_interest_limit_lots = 180143").is_ok());
}

#[test]
fn impossible_tiers_are_named() {
    refused(&[
        (
            "floor = \"0\"",
            "floor = \"5\"",
            "instruments[BTC-PERP].margin_tiers[0].floor = 5: the floor of tier 0 is 0",
        ),
        (
            "floor = \"250000\"",
            "floor = \"0\"",
            "margin_tiers[1].floor = 0: the floor of tier 1 is not above that",
        ),
        (
            "floor = \"250000\"",
            "floor = \"0.00000001\"",
            "margin_tiers[1].floor = 0.00000001: tier 1: floor × (its maintenance rate less that of the tier before)",
        ),
        ("floor = \"250000\"", "floor = \"0.000000001\"", "has more decimals than the asset's scale of 8"),
        (
            "initial_ppm = 40000",
            "initial_ppm = 20000",
            "tier 1: the maintenance rate is above 0 and below the initial rate",
        ),
        (
            "maintenance_ppm = 20000",
            "maintenance_ppm = 10000",
            "margin_tiers[1] = 40000 and 10000: a rate of tier 1 is not above that of the tier before",
        ),
        (
            "maintenance_ppm = 10000",
            "maintenance_ppm = 2500",
            "margin_tiers[0].maintenance_ppm = 2500: liquidation fee and taker fee together are not below",
        ),
    ]);
    let row =
        "[[instruments.margin_tiers]]\nfloor = \"250000\"\ninitial_ppm = 40000\nmaintenance_ppm = 20000\n";
    refused(&[(
        row,
        &row.repeat(10),
        "instruments[BTC-PERP].margin_tiers = 11 rows: 11 tiers; give 1 to 10",
    )]);
}

#[test]
fn what_only_contracts_or_only_spot_can_have_is_named() {
    refused(&[
        (
            "phase = \"closed\"\nshard = \"FUTURES\"\nproduct = \"linear",
            "phase = \"continuous\"\nshard = \"FUTURES\"\nproduct = \"linear",
            "instruments[BTC-PERP].phase = \"continuous\": a contract starts as \"closed\"",
        ),
        (
            "product = \"linear-perpetual\"",
            "product = \"linear-perpetual\"\nfee_asset = \"received\"",
            "instruments[BTC-PERP].fee_asset = \"received\": both sides of a contract pay in the asset that it is",
        ),
        (
            "product = \"linear-perpetual\"",
            "product = \"spot\"",
            "instruments[BTC-PERP].margin_tiers = given: only contracts have it",
        ),
        (
            "shard = \"FUTURES\"\nproduct = \"linear",
            "shard = \"SPOT\"\nproduct = \"linear",
            "instruments[BTC-PERP].shard = \"SPOT\": a shard has contracts or spot instruments, not both: this is a \
             contract, and BTC-USDT of the same shard is spot",
        ),
        ("product = \"linear-perpetual\"", "product = \"linear\"", "expected one of spot, linear-perpetual"),
        (
            "BTC = \"1.5\"",
            "ETH = \"1.5\"",
            "insurance_fund.deposits_in.FUTURES.ETH = 1.5: no contract of this shard is settled in it",
        ),
        (
            "deposits_in = { FUTURES =",
            "deposits_in = { FUTURE =",
            "deposits_in.FUTURE = \"FUTURE\": no such shard",
        ),
        (
            "BTC = \"1.5\"",
            "BTC = \"92233720368\"",
            "insurance_fund.deposits_in.FUTURES.BTC = 92233720368: brings the deposits of BTC above",
        ),
        ("BTC = \"1.5\"", "BTC = \"0\"", "insurance_fund.deposits_in.FUTURES.BTC = 0: must be above 0"),
    ]);
}

/// What an exchange takes, and no more: each parameter at both ends of its range and one beyond.
#[test]
fn the_ranges_of_the_file_are_those_of_the_exchange() {
    let with = |set: &dyn Fn(&mut Config)| {
        let mut config = config();
        set(&mut config);
        config
    };
    type Set = (&'static str, fn(&mut Config, i64), [i64; 2]);
    fn risk(config: &mut Config) -> &mut dojima::config::ContractRiskConfig {
        config.instruments[2].risk.as_mut().expect("it has risk")
    }
    let fields: [Set; 10] = [
        ("interest_ppb", |config, value| risk(config).interest_ppb = value as i32, [-1_000_000, 1_000_000]),
        ("impact_lots", |config, value| risk(config).impact_lots = value as u32, [1, u32::MAX as i64]),
        ("mark_band", |config, value| risk(config).mark_band_ppm = value as u32, [1_000, 200_000]),
        ("first_band", |config, value| risk(config).first_band_ppm = value as u32, [1_000, 500_000]),
        ("premium_band", |config, value| risk(config).premium_band_ppm = value as u32, [1_000, 50_000]),
        ("outer_band", |config, value| risk(config).outer_band_ppm = value as u32, [20_000, 500_000]),
        ("liquidation_fee", |config, value| risk(config).liquidation_fee_ppm = value as u32, [0, 9_499]),
        ("collar", |config, value| risk(config).collar_ppm = value as u32, [1_000, 100_000]),
        ("adl_after", |config, value| risk(config).adl_after = value as u16, [0, 3_600]),
        ("position_limit", |config, value| risk(config).position_limit_lots = value as u32, [0, 100_000]),
    ];
    for (name, set, [least, most]) in fields {
        for value in [least, most] {
            assert_eq!(opens(&with(&|config| set(config, value)), 1_795_000_000), Ok(()), "{name} {value}");
        }
        for beyond in [least - 1, most + 1] {
            let unsigned = name != "interest_ppb";
            if (beyond < 0 && unsigned) || beyond > i64::from(u32::MAX) {
                continue;
            }
            assert!(with(&|config| set(config, beyond)).validate().is_err(), "{name} {beyond}");
        }
    }
    assert_eq!(Expiry(1_806_048_000).to_string(), "2027-03-26T08:00:00Z");
}
