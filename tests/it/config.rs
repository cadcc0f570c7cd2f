//! The configuration: the built-in file, its bounds, the opening commands and the comparison with a journal.

use dojima::config::{
    Config, ConfigError, DEFAULT_TOML, EngineSection, EventLogSection, ExchangeSection, FeesSection,
    GatewaySection, JournalSection, RetentionSection, RingsSection, SnapshotsSection, SqlSection,
    TimersSection, TlsSection,
};
use dojima::domain::{
    AccountId, AccountSelfTrade, Amount, AssetId, AssetSettings, Command, Event, EventRecord, FeeAsset,
    FeeRate, FeeTier, GroupId, InstrumentId, LimitScope, LoginId, LoginName, OrderLimits, Owner, Phase, Ppm,
    Protection, Quantity, SelfTrade, SelfTradePrevention, SetFees, Stamp, Switch, Timestamp, VenueLimits,
    VolumeTiers,
};
use dojima::replica::State;

/// The built-in file with one piece of text exchanged for another.
fn edited(from: &str, to: &str) -> Result<Config, ConfigError> {
    assert!(DEFAULT_TOML.contains(from), "default.toml has no {from:?}");
    Config::from_toml(&DEFAULT_TOML.replacen(from, to, 1), "test.toml")
}

fn message(from: &str, to: &str) -> String {
    edited(from, to).expect_err("must be refused").to_string()
}

/// Each row: what is exchanged in the built-in file, and what the error must say.
fn refused(rows: &[(&str, &str, &[&str])]) {
    for (from, to, says) in rows {
        let message = message(from, to);
        for words in *says {
            assert!(
                message.contains(words),
                "{to:?} must be refused with {words:?}, but the error is:\n{message}"
            );
        }
    }
}

#[test]
fn the_sections_have_the_documented_defaults() {
    let file = Config::embedded_default();
    assert_eq!(file.engine, EngineSection::default());
    assert_eq!(file.rings, RingsSection::default());
    assert_eq!(file.journal, JournalSection::default());
    assert_eq!(file.event_log, EventLogSection::default());
    assert_eq!(file.gateway, GatewaySection::default());
    assert_eq!(file.exchange, ExchangeSection::default());
    assert_eq!(file.sql, SqlSection::default());
    assert_eq!(file.snapshots, SnapshotsSection::default());
    assert_eq!(file.retention, RetentionSection::default());
    assert_eq!(file.timers, TimersSection::default());
    assert_eq!(file.fees, FeesSection::default());
}

#[test]
fn the_built_in_file_shows_every_key() {
    let written = Config::embedded_default().to_toml().expect("can be written");
    let keys = |text: &str| -> Vec<String> {
        let table: toml::Table = text.parse().expect("is TOML");
        let mut keys: Vec<String> = table
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_table()?)))
            .flat_map(|(name, section)| section.keys().map(move |key| format!("{name}.{key}")))
            .collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys(DEFAULT_TOML), keys(&written));
}

#[test]
fn a_configuration_survives_being_written_and_read() {
    let config = Config::embedded_default();
    let text = config.to_toml().expect("can be written");
    assert_eq!(Config::from_toml(&text, "written").expect("can be read"), config);
}

#[test]
fn unknown_keys_are_named() {
    refused(&[
        (
            "mode = \"shared\"",
            "mode = \"shared\"\nthreads = 3",
            &["test.toml", "unknown field `threads`", "line"],
        ),
        ("[rings]", "[ring]", &["unknown field `ring`"]),
        ("scale = 8", "scale = 8\nname = \"Bitcoin\"", &["unknown field `name`"]),
        ("phase = \"continuous\"", "phase = \"continuous\"\nmin_size = \"1\"", &["unknown field `min_size`"]),
        (
            "phase = \"continuous\"",
            "phase = \"open\"",
            &["unknown phase \"open\"", "closed, pre-open, opening-auction, continuous"],
        ),
        ("fee_asset = \"quote\"", "fee_asset = \"base\"", &["unknown fee asset \"base\"", "quote, received"]),
        ("username = \"ALICE\"", "user = \"ALICE\"", &["unknown field `user`"]),
        ("scale = 8\n", "\n", &["missing field `scale`"]),
        (
            "durability = \"sync\"",
            "durability = \"fsync\"",
            &["unknown variant `fsync`", "`sync` or `async`"],
        ),
        (
            "inline_sync = \"auto\"",
            "inline_sync = \"always\"",
            &["unknown variant `always`", "`auto` or `never`", "line"],
        ),
        ("maker_fee_ppm = \"500\"", "", &["missing field `maker_fee_ppm`"]),
    ]);
}

#[test]
fn floats_are_not_exact_and_are_refused() {
    refused(&[
        ("tick = \"0.01\"", "tick = 0.01", &["floating point `0.01`", "an exact number in quotes"]),
        ("BTC = \"100000\"", "BTC = 1.5", &["floating point `1.5`"]),
        ("tick = \"0.01\"", "tick = \"one cent\"", &["\"one cent\" is not a number"]),
        ("tick = \"0.01\"", "tick = \"0.00000000000000000000000000000000001\"", &["at most 28 digits"]),
    ]);
    let integer = edited("maker_fee_ppm = \"500\"", "maker_fee_ppm = 500").expect("an integer is exact");
    assert_eq!(integer, Config::embedded_default());
}

#[test]
fn limits_are_checked_with_their_key_and_value() {
    refused(&[
        (
            "inbound_slots = 16384",
            "inbound_slots = 16000",
            &["test.toml: rings.inbound_slots = 16000", "8192 and 16384"],
        ),
        ("command_slots = 65536", "command_slots = 0", &["rings.command_slots = 0", "power of two"]),
        ("event_slots = 131072", "event_slots = 32", &["rings.event_slots = 32", "from 64 to"]),
        ("segment_mib = 64", "segment_mib = 0", &["journal.segment_mib = 0", "from 1 to 1024"]),
        ("spare_segments = 1", "spare_segments = 0", &["event_log.spare_segments = 0"]),
        (
            "async_sync_interval_ms = 10",
            "async_sync_interval_ms = 0",
            &["journal.async_sync_interval_ms = 0"],
        ),
        (
            "session = \"DOJIMA0001\"",
            "session = \"DOJIMA-0001\"",
            &["gateway.session = \"DOJIMA-0001\"", "1 to 10"],
        ),
        (
            "connections_max = 2048",
            "connections_max = 4",
            &["gateway.connections_max = 4", "there are 4 logins"],
        ),
        (
            "client_timeout_ms = 15000",
            "client_timeout_ms = 1000",
            &["gateway.client_timeout_ms = 1000", "heartbeat"],
        ),
        ("unanswered_max = 1024", "unanswered_max = 1", &["gateway.unanswered_max = 1", "from 2"]),
        ("tail_kib = 4096", "tail_kib = 1000", &["gateway.tail_kib = 1000", "power of two"]),
        ("\norders_max = 1000000", "\norders_max = 0", &["exchange.orders_max = 0"]),
        ("orders_touched_max = 5000", "orders_touched_max = 15", &["exchange.orders_touched_max = 15", "16"]),
        (
            "orders_touched_max = 5000",
            "orders_touched_max = 1000001",
            &["exchange.orders_touched_max = 1000001", "1000000"],
        ),
        ("account_orders_max = 5000", "account_orders_max = 0", &["exchange.account_orders_max = 0"]),
        ("account_triggers_max = 1000", "account_triggers_max = 0", &["exchange.account_triggers_max = 0"]),
        ("batch_events_max = 300000", "batch_events_max = 0", &["sql.batch_events_max = 0"]),
        ("tick_interval_ms = 1000", "tick_interval_ms = 10", &["timers.tick_interval_ms = 10", "from 50 to"]),
        ("path = \"dojima.sqlite\"", "path = \"..\"", &["sql.path = ..", "must name a file"]),
        (
            "path = \"dojima.sqlite\"",
            "path = \"known-addresses\"",
            &["sql.path = \"known-addresses\"", "the engine's own"],
        ),
    ]);
}

#[test]
fn limits_of_tls_are_checked_with_their_key_and_value() {
    let tls = |limits: &str| {
        format!("[tls]\nlisten = \"127.0.0.1:0\"\ncertificate = \"c\"\nkey = \"k\"\n{limits}\n[market_data]")
    };
    let config = edited("[market_data]", &tls("")).expect("all of them may be left out");
    let defaults = TlsSection::new("127.0.0.1:0".parse().expect("an address"), "c".into(), "k".into());
    assert_eq!(config.tls, Some(defaults));
    for (key, value) in [
        ("handshakes_max", "0"),
        ("handshakes_per_address", "0"),
        ("connections_per_address", "65537"),
        ("handshakes_per_address", "257"),
    ] {
        let told = message("[market_data]", &tls(&format!("{key} = {value}")));
        assert!(told.contains(&format!("tls.{key} = {value}")), "{told}");
    }
}

#[test]
fn no_two_listeners_have_one_port() {
    refused(&[
        (
            "127.0.0.1:9012",
            "127.0.0.1:9010",
            &["market_data.glimpse_listen", "the address of gateway.listen too"],
        ),
        (
            "127.0.0.1:9012",
            "0.0.0.0:9010",
            &["market_data.glimpse_listen", "the address of gateway.listen too"],
        ),
        (
            "[market_data]",
            "[tls]\nlisten = \"[::]:9011\"\ncertificate = \"c\"\nkey = \"k\"\n[market_data]",
            &["tls.listen = \"[::]:9011\"", "the address of market_data.listen too"],
        ),
    ]);
    edited("127.0.0.1:9012", "127.0.0.2:9010").expect("another address of the machine");
}

#[test]
fn instruments_are_checked_against_their_grids() {
    refused(&[
        ("symbol = \"BTC-USDT\"", "symbol = \"BTC-USDTX\"", &["instruments[BTC-USDTX].symbol", "1 to 8"]),
        ("symbol = \"ETH-USDT\"", "symbol = \"BTC-USDT\"", &["instruments[BTC-USDT].symbol", "twice"]),
        (
            "base = \"BTC\"",
            "base = \"XBT\"",
            &["instruments[BTC-USDT].base = \"XBT\"", "there are BTC, ETH, USDT"],
        ),
        ("base = \"BTC\"", "base = \"USDT\"", &["instruments[BTC-USDT].quote = \"USDT\"", "another asset"]),
        (
            "tick = \"0.01\"",
            "tick = \"0.001\"",
            &["instruments[BTC-USDT].tick = 0.001", "price_decimals = 2"],
        ),
        ("tick = \"0.01\"", "tick = \"0\"", &["instruments[BTC-USDT].tick = 0", "above 0"]),
        ("tick = \"0.01\"", "tick = \"30000000\"", &["larger than any price"]),
        ("price_decimals = 2", "price_decimals = 10", &["price_decimals is 10"]),
        (
            "code = \"USDT\"\nscale = 8",
            "code = \"USDT\"\nscale = 6",
            &["instruments[BTC-USDT].tick = 0.01", "not a whole number of the quote asset's minor units"],
        ),
        ("lot = \"0.00001\"", "lot = \"0.000000001\"", &["instruments[BTC-USDT].lot", "scale of 8"]),
        (
            "min_quantity = \"0.00001\"",
            "min_quantity = \"0.000015\"",
            &["instruments[BTC-USDT].min_quantity = 0.000015", "whole number of lots of 0.00001"],
        ),
        ("min_quantity = \"0.00001\"", "min_quantity = \"0\"", &["min_quantity = 0", "at least one lot"]),
        ("max_quantity = \"1000\"", "max_quantity = \"50000\"", &["max_quantity = 50000", "2^32 - 1 lots"]),
        (
            "min_quantity = \"0.00001\"",
            "min_quantity = \"1001\"",
            &["max_quantity = 1000", "below min_quantity"],
        ),
        ("maker_fee_ppm = \"500\"", "maker_fee_ppm = \"0.5\"", &["maker_fee_ppm = 0.5", "1000000"]),
        (
            "maker_fee_ppm = \"500\"",
            "maker_fee_ppm = \"-1001\"",
            &["instruments[BTC-USDT].maker_fee_ppm = -1001", "lowest taker fee of all tiers is 1000"],
        ),
        (
            "phase = \"continuous\"",
            "phase = \"delisted\"",
            &["instruments[BTC-USDT].phase = \"delisted\"", "can start in"],
        ),
        ("taker_fee_ppm = \"1000\"", "taker_fee_ppm = \"1000001\"", &["taker_fee_ppm = 1000001"]),
        ("min_notional = \"1\"", "min_notional = \"-1\"", &["min_notional = -1", "out of range"]),
    ]);
}

#[test]
fn accounts_and_assets_are_checked() {
    refused(&[
        ("code = \"ETH\"", "code = \"BTC\"", &["assets[BTC].code = \"BTC\": stands here twice"]),
        ("code = \"ETH\"", "code = \"E TH\"", &["assets[E TH].code"]),
        ("scale = 8", "scale = 19", &["assets[BTC].scale = 19", "0 to 18"]),
        ("BTC = \"100000\"", "XBT = \"100000\"", &["accounts[alice].deposits.XBT", "no such asset"]),
        ("BTC = \"100000\"", "BTC = \"0.000000001\"", &["accounts[alice].deposits.BTC", "scale of 8"]),
        ("BTC = \"100000\"", "BTC = \"0\"", &["accounts[alice].deposits.BTC = 0", "above 0"]),
        (
            "USDT = \"10000000000\"",
            "USDT = \"70000000000\"",
            &["accounts[dave].deposits.USDT", "92233720368.54775807"],
        ),
        (
            "username = \"BOB\"",
            "username = \"alice\"",
            &["accounts[bob].logins.username = \"alice\"", "login of alice"],
        ),
        ("username = \"BOB\"", "username = \"BOBBYBO\"", &["\"BOBBYBO\"", "1 to 6"]),
        (
            "password = \"DEMO\"",
            "password = \"DEMO DEMO\"",
            &["accounts[alice].logins[ALICE].password", "1 to 10"],
        ),
        ("name = \"bob\"", "name = \"alice\"", &["accounts[alice].name = \"alice\": stands here twice"]),
    ]);
    assert!(
        !message("password = \"DEMO\"", "password = \"SECRET!\"").contains("SECRET"),
        "a password in an error"
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let text =
        DEFAULT_TOML.replace("orders_max = 1000000", "orders_max = 0").replace("0.00001", "0.000001111");
    let message = Config::from_toml(&text, "test.toml").expect_err("must be refused").to_string();
    assert!(message.contains("test.toml: 2 values cannot be used"), "{message}");
    assert!(
        message.contains("exchange.orders_max") && message.contains("instruments[BTC-USDT].lot"),
        "{message}"
    );
}

#[test]
fn opening_commands_number_everything_in_the_order_of_the_file() {
    let config = Config::embedded_default();
    let commands = config.opening_commands().expect("is valid");
    assert_eq!(commands, config.clone().opening_commands().expect("is valid"), "always the same");
    assert_eq!(commands[0], Command::SetRules { edition: Command::RULES_LAST });
    assert_eq!(
        commands[1],
        Command::SetLimits { limits: VenueLimits { orders_max: 1_000_000, ..VenueLimits::default() } }
    );
    assert_eq!(commands[2], Command::OpenAccount { account: AccountId::FEES });
    assert!(matches!(commands[3], Command::AddAsset { asset: AssetId(0), scale: 8, .. }));
    assert_eq!(commands[6], Command::OpenAccount { account: AccountId(1) });
    assert_eq!(
        commands[10],
        Command::OpenLogin { login: LoginId(0), account: AccountId(1), name: LoginName(*b"ALICE ") }
    );
    let Command::ListInstrument(btc) = commands[14] else { panic!("{:?} is no listing", commands[14]) };
    assert_eq!((btc.base, btc.quote, btc.tick_units, btc.lot), (AssetId(0), AssetId(2), 1, Amount(1_000)));
    assert_eq!((btc.min_quantity, btc.max_quantity), (Quantity(1), Quantity(100_000_000)));
    assert_eq!(
        (btc.min_notional, btc.maker_fee, btc.taker_fee),
        (Amount(100_000_000), FeeRate(500), FeeRate(1_000))
    );
    assert_eq!((btc.phase, btc.fee_asset), (Phase::Continuous, FeeAsset::Quote));
    let deposits: Vec<_> = commands[16..]
        .iter()
        .filter_map(|command| match command {
            Command::Deposit(t) => Some((t.account.0, t.asset.0, t.reference)),
            _ => None,
        })
        .collect();
    assert_eq!(deposits[..4], [(1, 0, 1), (1, 1, 2), (1, 2, 3), (2, 0, 1)]);
    assert_eq!(deposits.len(), 12);
    assert!(matches!(commands.last(), Some(Command::Open { .. })));
    assert_eq!(commands.len(), 16 + 12 + 1);
}

/// A change of this number means that every existing data directory is told that its configuration changed.
#[test]
fn the_digest_is_a_stable_number_of_the_venue_alone() {
    let digest = |config: &Config| match config.opening_commands().expect("is valid").last() {
        Some(Command::Open { config_digest }) => *config_digest,
        other => panic!("{other:?} is not the opening"),
    };
    let built_in = digest(&Config::embedded_default());
    assert_eq!(built_in, BUILT_IN_DIGEST, "{built_in:#018x}");
    let listens_elsewhere = edited("127.0.0.1:9010", "127.0.0.1:0").expect("is valid");
    assert_eq!(digest(&listens_elsewhere), built_in);
    let dearer = edited("taker_fee_ppm = \"1000\"", "taker_fee_ppm = \"1001\"").expect("is valid");
    assert_ne!(digest(&dearer), built_in);
}

const BUILT_IN_DIGEST: u64 = 0x5C35_4285_38B5_6E99;

#[test]
fn differences_from_the_journal_are_named() {
    let journaled = Config::embedded_default().opening_commands().expect("is valid");
    let told = |from: &str, to: &str| -> Vec<String> {
        let config = edited(from, to).expect("is valid");
        config.compare(&journaled).iter().map(ToString::to_string).collect()
    };
    assert_eq!(told("tail_kib = 4096", "tail_kib = 64"), [""; 0], "what is not journaled may change");
    assert_eq!(
        told("orders_max = 1000000", "orders_max = 5"),
        ["exchange.orders_max: config says 5, the journal says 1000000; kept 1000000"]
    );
    assert_eq!(
        told("account_triggers_max = 1000", "account_triggers_max = 2"),
        ["exchange.account_triggers_max: config says 2, the journal says 1000; kept 1000"]
    );
    assert_eq!(
        told("maker_fee_ppm = \"500\"", "maker_fee_ppm = \"250\""),
        ["instruments[BTC-USDT].maker_fee_ppm: config says 250, the journal says 500; kept 500"]
    );
    assert_eq!(
        told("BTC = \"100000\", ", ""),
        ["accounts[alice].deposits.BTC: the journal says 100000, config does not have it; kept 100000"]
    );
    assert_eq!(
        told(
            "[[assets]]\ncode = \"BTC\"",
            "[[assets]]\ncode = \"SOL\"\nscale = 4\n\n[[assets]]\ncode = \"BTC\""
        ),
        [
            "assets[BTC].position: config says 1, the journal says 0; kept 0",
            "assets[ETH].position: config says 2, the journal says 1; kept 1",
            "assets[SOL].position: config says 0, the journal does not have it; not added",
            "assets[SOL].scale: config says 4, the journal does not have it; not added",
            "assets[USDT].position: config says 3, the journal says 2; kept 2",
        ]
    );
    assert_eq!(
        told("phase = \"continuous\"", "phase = \"closed\""),
        ["instruments[BTC-USDT].phase: config says closed, the journal says continuous; kept continuous"]
    );
}

/// The built-in file with everything set that can be.
fn with_everything() -> Config {
    let instrument = "phase = \"pre-open\"\n\
        [instruments.protection]\nprice_min = \"1000.5\"\nstatic_band_ppm = 100000\ninterruption_s = 120\n\
        [instruments.limits]\nquantity_max = \"100\"\nnotional_max = \"5000000\"\norders_per_second_max = 50\n\
        [[instruments.fee_tiers]]\ntier = 2\nmaker_fee_ppm = \"50\"\ntaker_fee_ppm = 800\n\
        [[instruments.schedule]]\ntime = \"07:50:00\"\nphase = \"opening-auction\"\ndays = [\"mon\", \"fri\"]\n\
        [[instruments.schedule]]\ntime = \"23:59:59\"\nphase = \"closed\"\n";
    let account = "name = \"alice\"\nfee_tier = 2\n\
        self_trade = { mode = \"cancel-oldest\", owner = \"group\", group = 7 }\n\
        limits = { open_orders_max = 500, triggers_max = 50, position_max_lots = 10000 }\n";
    let edits = [
        ("phase = \"continuous\"\n", instrument),
        ("fee_asset = \"quote\"", "fee_asset = \"received\""),
        ("name = \"alice\"\n", account),
        ("volume_asset = \"\"\nvolume_min = []", "volume_asset = \"USDT\"\nvolume_min = [0, \"1000000\"]"),
        (
            "code = \"ETH\"\nscale = 8",
            "code = \"ETH\"\nscale = 8\nwithdrawals = false\nmin_deposit = \"0.5\"",
        ),
    ];
    let edit = |text: String, (from, to): &(&str, &str)| text.replacen(from, to, 1);
    let text = edits.iter().fold(DEFAULT_TOML.to_owned(), edit);
    Config::from_toml(&text, "everything.toml").expect("a valid file")
}

#[test]
fn what_is_set_follows_the_listings_and_deposits() {
    let config = with_everything();
    let commands = config.opening_commands().expect("is valid");
    let deposit = commands.iter().rposition(|command| matches!(command, Command::Deposit(_)));
    let after = &commands[deposit.expect("deposits") + 1..commands.len() - 1];
    let instrument = InstrumentId(0);
    let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
    (volume_min[0], volume_min[1]) = (Amount(0), Amount(100_000_000_000_000));
    let expected = [
        Command::SetAsset(AssetSettings {
            asset: AssetId(1),
            scale: 8,
            deposits: Switch::On,
            withdrawals: Switch::Off,
            min_deposit: Amount(50_000_000),
            min_withdrawal: Amount(0),
        }),
        Command::SetFees(SetFees { instrument, tier: FeeTier(2), maker: FeeRate(50), taker: FeeRate(800) }),
        Command::SetProtection {
            instrument,
            protection: Protection {
                price_min: 100_050,
                static_band: Ppm(100_000),
                interruption_s: 120,
                ..Protection::default()
            },
        },
        Command::SetOrderLimits {
            scope: LimitScope::Instrument(instrument),
            limits: OrderLimits {
                quantity_max: Quantity(10_000_000),
                notional_max: Amount(500_000_000_000_000),
                orders_per_second_max: 50,
                ..OrderLimits::default()
            },
        },
        Command::SetVolumeTiers(VolumeTiers { asset: AssetId(2), volume_min }),
        Command::SetOrderLimits {
            scope: LimitScope::Account(AccountId(1)),
            limits: OrderLimits {
                open_orders_max: 500,
                triggers_max: 50,
                position_max: Quantity(10_000),
                ..OrderLimits::default()
            },
        },
        Command::SetSelfTrade(AccountSelfTrade {
            account: AccountId(1),
            prevention: SelfTradePrevention { mode: SelfTrade::CancelOldest, owner: Owner::Group },
            group: GroupId(7),
        }),
        Command::AssignTier { account: AccountId(1), tier: Some(FeeTier(2)) },
    ];
    assert_eq!(after, expected);
    let Command::ListInstrument(btc) = commands[14] else { panic!("{:?} is no listing", commands[14]) };
    assert_eq!((btc.phase, btc.fee_asset), (Phase::PreOpen, FeeAsset::Received));

    let text = config.to_toml().expect("can be written");
    assert_eq!(Config::from_toml(&text, "written").expect("can be read"), config);
    assert_eq!(config.compare(&commands), []);
}

#[test]
fn the_exchange_opens_with_everything_set() {
    let mut state = State::empty();
    for (sequence, command) in (1..).zip(with_everything().opening_commands().expect("is valid")) {
        let stamp = Stamp { sequence, time: Timestamp(sequence) };
        let mut refused = |record: &EventRecord| match record.event {
            Event::Refused { reason } => Err(reason),
            _ => Ok(()),
        };
        state.apply(stamp, &command, &mut refused).unwrap_or_else(|reason| panic!("{command:?}: {reason}"));
    }
}

#[test]
fn what_is_set_is_compared_by_the_names_of_the_file() {
    let everything = with_everything();
    let built_in = Config::embedded_default();
    let told: Vec<String> = everything
        .compare(&built_in.opening_commands().expect("is valid"))
        .iter()
        .map(|difference| difference.key.clone())
        .collect();
    for key in [
        "accounts[alice].fee_tier",
        "accounts[alice].limits.open_orders_max",
        "accounts[alice].self_trade.mode",
        "assets[ETH].withdrawals",
        "fees.volume_asset",
        "fees.volume_min[1]",
        "instruments[BTC-USDT].fee_asset",
        "instruments[BTC-USDT].fee_tiers[2].maker_fee_ppm",
        "instruments[BTC-USDT].limits.notional_max",
        "instruments[BTC-USDT].phase",
        "instruments[BTC-USDT].protection.price_min",
    ] {
        assert!(told.iter().any(|told| told == key), "{key} is not among {told:?}");
    }
    // A schedule is no part of the venue: the present file's is in force.
    assert!(!told.iter().any(|key| key.contains("schedule")), "{told:?}");
    let mut other = everything.clone();
    other.instruments[0].fee_tiers[0].taker_fee_ppm = 900.into();
    other.instruments[0].protection.as_mut().expect("is set").price_min = 0.into();
    let told: Vec<String> = other
        .compare(&everything.opening_commands().expect("is valid"))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "instruments[BTC-USDT].fee_tiers[2].taker_fee_ppm: config says 900, the journal says 800; kept 800",
            "instruments[BTC-USDT].protection.price_min: config says 0, the journal says 1000.5; kept 1000.5",
        ]
    );
}

#[test]
fn limits_and_copies_of_logins_are_opening_commands() {
    let own = r#"limits = { quantity_max_lots = 5, open_orders_max = 7 }, copies = ["bob", "alice"] }"#;
    let with = |own: &str| {
        let text = DEFAULT_TOML.replacen(
            "username = \"CAROL\", password = \"DEMO\" }",
            &format!("username = \"CAROL\", password = \"DEMO\", {own}"),
            1,
        );
        assert!(text != DEFAULT_TOML, "the built-in file has no such login");
        Config::from_toml(&text, "test.toml")
    };
    let config = with(own).expect("can be used");
    let commands = config.opening_commands().expect("is valid");
    let limits = OrderLimits { quantity_max: Quantity(5), open_orders_max: 7, ..OrderLimits::default() };
    let login = LoginId(2);
    let last = [
        Command::SetOrderLimits { scope: LimitScope::Login(login), limits },
        Command::CopyAccount { login, account: AccountId(2) },
        Command::CopyAccount { login, account: AccountId(1) },
    ];
    assert_eq!(commands[commands.len() - 4..commands.len() - 1], last);
    assert_eq!(config.compare(&commands), []);
    let text = config.to_toml().expect("can be written");
    assert_eq!(Config::from_toml(&text, "written").expect("can be read"), config);

    // Told by their names when the venue was opened without.
    let built_in = Config::embedded_default().opening_commands().expect("is valid");
    let told: Vec<String> = config.compare(&built_in).iter().map(|told| told.key.clone()).collect();
    for key in ["logins[CAROL].limits.quantity_max_lots", "logins[CAROL].copies[bob]"] {
        assert!(told.iter().any(|told| told == key), "{key} is not among {told:?}");
    }
    // The edition of the rules is nothing that a file sets.
    assert_eq!(Config::embedded_default().compare(&built_in[1..]), []);

    for (own, says) in [
        (r#"copies = ["nobody"] }"#, "accounts[carol].logins[CAROL].copies = \"nobody\": no account"),
        (r#"copies = ["bob", "bob"] }"#, "accounts[carol].logins[CAROL].copies = \"bob\": stands here twice"),
        (
            "limits = { notional_max_minor_units = -1 } }",
            "limits.notional_max_minor_units = -1: must not be below 0",
        ),
        ("limits = { orders_per_second_max = 5 } }", "orders_per_second_max"),
    ] {
        let refused = with(own).expect_err("refused").to_string();
        assert!(refused.contains(says), "{own}: {refused}");
    }
}

#[test]
fn settings_are_checked_with_their_key_and_value() {
    let phase = "phase = \"continuous\"\n";
    let in_instrument = |text: &str, says: &[&str]| {
        let message = message(phase, &format!("{phase}{text}\n"));
        says.iter().for_each(|words| assert!(message.contains(words), "{text:?}: {message}"));
    };
    let tier = |tier: u8, maker: &str| {
        format!(
            "[[instruments.fee_tiers]]\ntier = {tier}\nmaker_fee_ppm = \"{maker}\"\ntaker_fee_ppm = \"900\""
        )
    };
    in_instrument(&tier(0, "1"), &["instruments[BTC-USDT].fee_tiers[0].tier = 0", "from 1 to 7"]);
    in_instrument(&tier(8, "1"), &["fee_tiers[8].tier = 8"]);
    in_instrument(
        &format!("{}\n{}", tier(3, "1"), tier(3, "2")),
        &["fee_tiers[3].tier = 3: stands here twice"],
    );
    in_instrument(
        &tier(3, "-901"),
        &["instruments[BTC-USDT].maker_fee_ppm = -901", "taker fee of all tiers is 900"],
    );
    let received = [("fee_asset = \"quote\"", "fee_asset = \"received\""), ("\"500\"", "\"-500\"")];
    let text = received.iter().fold(DEFAULT_TOML.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
    let message_of_both = Config::from_toml(&text, "test.toml").expect_err("must be refused").to_string();
    assert!(
        message_of_both.contains("fee_asset = \"received\": a fee of -500 is a rebate"),
        "{message_of_both}"
    );
    in_instrument(
        "[instruments.protection]\nprice_min = \"5\"\nprice_max = \"4\"",
        &["instruments[BTC-USDT].protection.price_max = 4", "below price_min = 5"],
    );
    in_instrument(
        "[instruments.protection]\nreference = \"0.001\"",
        &["protection.reference = 0.001", "price_decimals = 2"],
    );
    in_instrument(
        "[instruments.protection]\nstatic_band_ppm = 1000001",
        &["protection.static_band_ppm = 1000001"],
    );
    in_instrument("[instruments.protection]\nband = 1", &["unknown field `band`"]);
    in_instrument(
        "[instruments.limits]\nquantity_max = \"0.000001\"",
        &["limits.quantity_max = 0.000001", "lots"],
    );
    in_instrument("[instruments.limits]\nnotional_max = \"-1\"", &["limits.notional_max = -1"]);
    let entry = |time: &str, phase: &str, days: &str| {
        format!("[[instruments.schedule]]\ntime = \"{time}\"\nphase = \"{phase}\"\ndays = [{days}]")
    };
    in_instrument(&entry("24:00:00", "closed", ""), &["\"24:00:00\" is no time of day", "HH:MM:SS"]);
    in_instrument(&entry("8:00:00", "closed", ""), &["\"8:00:00\" is no time of day"]);
    in_instrument(&entry("08:00", "closed", ""), &["\"08:00\" is no time of day"]);
    in_instrument(&entry("08:00:00", "delisted", ""), &["schedule[0].phase = \"delisted\""]);
    in_instrument(&entry("08:00:00", "closed", "\"someday\""), &["unknown variant `someday`"]);
    let twice = [entry("08:00:00", "closed", "\"mon\""), entry("08:00:00", "continuous", "")].join("\n");
    in_instrument(
        &twice,
        &["instruments[BTC-USDT].schedule[1].time = \"08:00:00\"", "twice on the same day"],
    );

    let volume = "volume_asset = \"\"\nvolume_min = []";
    let name = "name = \"bob\"\n";
    refused(&[
        (
            volume,
            "volume_asset = \"\"\nvolume_min = [0]",
            &["fees.volume_min = [0]", "needs fees.volume_asset"],
        ),
        (
            volume,
            "volume_asset = \"GOLD\"\nvolume_min = [0]",
            &["fees.volume_asset = \"GOLD\"", "no such asset"],
        ),
        (volume, "volume_asset = \"USDT\"\nvolume_min = []", &["fees.volume_min = []", "from 1 to 8"]),
        (volume, "volume_asset = \"USDT\"\nvolume_min = [1]", &["fees.volume_min = [1]", "begin with 0"]),
        (
            volume,
            "volume_asset = \"USDT\"\nvolume_min = [0, 5, 5]",
            &["fees.volume_min = [0, 5, 5]", "ascend"],
        ),
        (name, "name = \"bob\"\nfee_tier = 8\n", &["accounts[bob].fee_tier = 8", "from 0 to 7"]),
        (
            name,
            "name = \"bob\"\nself_trade = { mode = \"none\" }\n",
            &["unknown self-trade mode \"none\"", "allow, cancel-newest"],
        ),
        (
            name,
            "name = \"bob\"\nself_trade = { mode = \"cancel-both\", owner = \"group\" }\n",
            &["accounts[bob].self_trade.owner = \"group\"", "needs a group"],
        ),
        (
            name,
            "name = \"bob\"\nlimits = { notional_max_minor_units = -1 }\n",
            &["accounts[bob].limits.notional_max_minor_units = -1"],
        ),
        ("scale = 8", "scale = 8\nmin_deposit = \"0.000000001\"", &["assets[BTC].min_deposit", "scale of 8"]),
    ]);
}

#[test]
fn logins_keep_their_money_whatever_their_places_in_the_file() {
    let journaled = Config::embedded_default().opening_commands().expect("is valid");
    let two =
        "[{ username = \"ALICE\", password = \"DEMO\" }, { username = \"ALICE2\", password = \"DEMO\" }]";
    let config = edited("[{ username = \"ALICE\", password = \"DEMO\" }]", two).expect("is valid");
    assert_eq!(config.logins().len(), 5);
    let known = |config: &Config| -> Vec<(String, u32, u32)> {
        let known = config.logins_known_to(&journaled).into_iter();
        known.map(|l| (l.config.username, l.login.0, l.account.0)).collect()
    };
    let as_journaled = ["ALICE", "BOB", "CAROL", "DAVE"].into_iter().zip([(0, 1), (1, 2), (2, 3), (3, 4)]);
    let as_journaled: Vec<_> =
        as_journaled.map(|(n, (login, account))| (n.to_owned(), login, account)).collect();
    assert_eq!(known(&config), as_journaled, "the new one is left out, the others are who they were");
    let told: Vec<_> = config.compare(&journaled).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["logins[ALICE2].account: config says 1, the journal does not have it; not added"]);

    let zed = "[[accounts]]\nname = \"zed\"\nlogins = [{ username = \"ZED\", password = \"DEMO\" }]\n\n";
    let first = edited("[[accounts]]\nname = \"alice\"", &format!("{zed}[[accounts]]\nname = \"alice\""))
        .expect("is valid");
    assert_eq!(known(&first), as_journaled, "an account put first takes over nobody's login");
}

#[test]
fn passwords_stay_out_of_debug_output() {
    let config = edited("password = \"DEMO\"", "password = \"S3CR3T\"").expect("is valid");
    assert!(!format!("{config:?} {:?}", config.logins()).contains("S3CR3T"));
}

#[test]
fn passwords_stay_out_of_the_errors_of_their_line() {
    let from = "username = \"BOB\", password = \"DEMO\"";
    let cases = [
        ("user = \"BOB\", password = \"S3CR3T\"", "unknown field `user`"),
        ("username = \"BOB\", pasword = \"S3CR3T\"", "unknown field `pasword`"),
        ("username = \"BOB\", password = 53063", "a password is text in quotes"),
        ("username = \"BOB\" password = \"S3CR3T\"", "expected `,`"),
    ];
    let line = DEFAULT_TOML.lines().position(|line| line.contains(from)).expect("is there") + 1;
    for (to, says) in cases {
        let message = message(from, to);
        let at = format!("test.toml: line {line}, column ");
        assert!(message.starts_with(&at) && message.contains(says), "{message}");
        assert!(!message.contains("S3CR3T") && !message.contains("53063"), "{message}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error =
        Config::load(std::path::Path::new("/nowhere/dojima.toml")).expect_err("is not there").to_string();
    assert!(error.contains("/nowhere/dojima.toml") && error.contains("--print-config"), "{error}");
}

#[test]
fn logins_and_users_are_checked() {
    let login = "{ username = \"BOB\", password = \"DEMO\" }";
    let with = |more: &str| format!("{{ username = \"BOB\", password = \"DEMO\", {more} }}");
    let hashed = "{ username = \"BOB\", password_hash = \"S3CR3T\" }";
    let user = |more: &str| format!("{login}]\n[[users]]\nusername = \"WATCH\"\n{more}\n#");
    let rows: Vec<(String, &[&str])> = vec![
        ("{ username = \"BOB\" }".to_owned(), &["accounts[bob].logins[BOB].password_hash", "hash-password"]),
        (hashed.to_owned(), &["accounts[bob].logins[BOB].password_hash = (not shown)", "argon2id"]),
        (
            hashed.replace("S3CR3T", "$argon2id$v=19$m=19456,t=2,p=1$S3CR3T"),
            &["accounts[bob].logins[BOB].password_hash = (not shown)", "argon2id"],
        ),
        (
            hashed.replace(
                "S3CR3T",
                "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzYWx0$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
            ),
            &["accounts[bob].logins[BOB].password_hash = (not shown)", "costs too much to check (m = 4194304"],
        ),
        (with("password_hash = \"$argon2id$\""), &["password_hash = (not shown)", "keep one of them"]),
        (with("role = \"admin\""), &["accounts[bob].logins[BOB].role = admin", "[[users]]"]),
        (with("role = \"boss\""), &["unknown variant `boss`", "drop-copy"]),
        (with("allow_from = [\"10.0.0.0/33\"]"), &["\"10.0.0.0/33\" is no network", "192.0.2.7"]),
        (
            with("cancel_on_disconnect_ms = 86400001"),
            &["cancel_on_disconnect_ms = 86400001", "0 to 86400000"],
        ),
        (with("message_burst = 5"), &["message_burst = 5", "needs messages_per_second"]),
        (user("password = \"TV\""), &["users[WATCH].role = trade", "needs an account"]),
        (
            user("password = \"TV\"\nrole = \"admin\"\nmessages_per_second = 5"),
            &["users[WATCH].role = admin", "sends no orders"],
        ),
        (
            user("password = \"TV\"\nrole = \"market-data\"").replace("WATCH", "alice"),
            &["users.username = \"alice\"", "login of alice"],
        ),
    ];
    for (to, says) in &rows {
        refused(&[(login, to, says)]);
        assert!(!message(login, to).contains("S3CR3T"));
    }
    let all = "allow_from = [\"10.0.0.0/8\", \"192.0.2.7\"], role = \"drop-copy\", cancel_on_disconnect_ms = 0, \
               messages_per_second = 10, message_burst = 20";
    let config = edited(login, &with(all)).expect("is valid");
    let again = Config::from_toml(&config.to_toml().expect("can be written"), "again").expect("is valid");
    assert_eq!(config, again, "it is read back as it was written");
    let opening = |config: &Config| config.opening_commands().expect("is valid");
    assert_eq!(opening(&config), opening(&Config::embedded_default()), "none of this is journaled");
}

#[test]
fn sessions_that_roll_need_a_number_to_count() {
    let session = "session = \"DOJIMA0001\"";
    let rolling = |id: &str| format!("session = \"{id}\"\nroll_at = \"22:00:00\"");
    assert!(edited(session, &rolling("DAY0001")).is_ok());
    for id in ["DAY", "DAY1", "DOJIMA9999"] {
        refused(&[(session, &rolling(id), &["gateway.session", "roll_at"])]);
        assert!(edited(session, &format!("session = \"{id}\"")).is_ok(), "without a roll it is a name");
    }
    refused(&[(session, "roll_at = \"24:00:00\"", &["no time of day"])]);
}
