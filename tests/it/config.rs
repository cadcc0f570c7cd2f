//! The configuration: the built-in file and its bounds; in `opening`, the opening commands and the comparison with a journal.

pub mod contracts;
mod opening;

use crate::support::spot::SPOT_TOML;
use dojima::config::{
    Config, ConfigError, DEFAULT_TOML, EngineSection, EventLogSection, ExchangeSection, FeesSection,
    GatewaySection, JournalSection, RetentionSection, RingsSection, SnapshotsSection, SqlSection,
    TimersSection, TlsSection,
};

/// The spot part of the built-in file with one piece of text exchanged for another.
fn edited(from: &str, to: &str) -> Result<Config, ConfigError> {
    assert!(SPOT_TOML.contains(from), "default.toml has no {from:?}");
    Config::from_toml(&SPOT_TOML.replacen(from, to, 1), "test.toml")
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
fn the_text_of_the_spot_part_is_that_of_its_configuration() {
    assert_eq!(Config::from_toml(&SPOT_TOML, "spot.toml").expect("a valid file"), Config::spot());
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
        (
            "product = \"spot\"",
            "product = \"future\"",
            &["unknown product \"future\"", "expected one of spot"],
        ),
        ("username = \"ALICE\"", "user = \"ALICE\"", &["unknown field `user`"]),
        ("scale = 8\n", "\n", &["missing field `scale`"]),
        (
            "durability = \"sync\"",
            "durability = \"fsync\"",
            &["unknown variant `fsync`", "`sync` or `async`"],
        ),
        (
            "\nwrite = \"auto\"",
            "\nwrite = \"direct\"",
            &["unknown variant `direct`", "`auto`, `mapped`, `pwrite`"],
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
    assert_eq!(integer, Config::spot());
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
            "USDT = \"1000000000\"",
            "USDT = \"89500000000\"",
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
    // An arrival must fit, whichever shard the money of a venue comes to.
    let shards = "[[shards]]\nname = \"ONE\"\n[[shards]]\nname = \"TWO\"\n[[instruments]]";
    let text = SPOT_TOML.replacen("[[instruments]]", shards, 1).replacen("1000000000\"", "9000000000\"", 1);
    let told = Config::from_toml(&text, "test.toml").expect_err("must be refused").to_string();
    for part in ["accounts[alice].deposits", "above 2^59 minor units"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(
        !message("password = \"DEMO\"", "password = \"SECRET!\"").contains("SECRET"),
        "a password in an error"
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let text = SPOT_TOML.replace("orders_max = 1000000", "orders_max = 0").replace("0.00001", "0.000001111");
    let message = Config::from_toml(&text, "test.toml").expect_err("must be refused").to_string();
    assert!(message.contains("test.toml: 2 values cannot be used"), "{message}");
    assert!(
        message.contains("exchange.orders_max") && message.contains("instruments[BTC-USDT].lot"),
        "{message}"
    );
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
    let text = received.iter().fold(SPOT_TOML.clone(), |text, (from, to)| text.replacen(from, to, 1));
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
    let line = SPOT_TOML.lines().position(|line| line.contains(from)).expect("is there") + 1;
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
        (with("role = \"index\""), &["accounts[bob].logins[BOB].indexes = missing", "needs the symbols"]),
        (
            with("role = \"index\", indexes = [\"DOGE\"]"),
            &["accounts[bob].logins[BOB].indexes = \"DOGE\"", "no such index"],
        ),
        (
            with("indexes = [\"DOGE\"]"),
            &["accounts[bob].logins[BOB].indexes = \"DOGE\"", "or say role = \"index\""],
        ),
        (
            with("role = \"index\", indexes = [\"DOGE\"], cancel_on_disconnect_ms = 5"),
            &["accounts[bob].logins[BOB].role = index", "sends no orders"],
        ),
        (user("password = \"TV\"\nrole = \"index\""), &["users[WATCH].role = index", "needs an account"]),
        (
            user("password = \"TV\"\nrole = \"market-data\"\nindexes = [\"DOGE\"]"),
            &["users[WATCH].indexes = \"DOGE\"", "a login of an account"],
        ),
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
    assert_eq!(opening(&config), opening(&Config::spot()), "none of this is journaled");
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
