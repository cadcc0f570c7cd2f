//! The opening commands that a configuration comes to, and how it differs from those of a journal.

use super::edited;
use crate::support::spot::SPOT_TOML;
use dojima::config::Config;
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, AdminEvent, Amount, AssetId, AssetSettings, Command, Event,
    EventRecord, FeeAsset, FeeRate, FeeTier, GroupId, InstrumentId, LimitScope, LoginId, LoginName,
    OrderLimits, Owner, Phase, Ppm, Protection, Quantity, SelfTrade, SelfTradePrevention, SetFees, Stamp,
    Switch, Timestamp, VenueCommand, VenueLimits, VolumeTiers,
};
use dojima::replica::State;

#[test]
fn opening_commands_number_everything_in_the_order_of_the_file() {
    let config = Config::spot();
    let commands = config.opening_commands().expect("is valid");
    assert_eq!(commands, config.clone().opening_commands().expect("is valid"), "always the same");
    assert_eq!(commands[0], Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST }));
    assert_eq!(
        commands[1],
        Command::Venue(VenueCommand::SetLimits {
            limits: VenueLimits { orders_max: 1_000_000, ..VenueLimits::default() }
        })
    );
    assert_eq!(commands[2], Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }));
    assert!(matches!(
        commands[3],
        Command::Admin(AdminCommand::AddAsset { asset: AssetId(0), scale: 8, .. })
    ));
    assert_eq!(commands[6], Command::Venue(VenueCommand::OpenAccount { account: AccountId(1) }));
    assert_eq!(
        commands[10],
        Command::Venue(VenueCommand::OpenLogin {
            login: LoginId(0),
            account: AccountId(1),
            name: LoginName::new("ALICE").expect("a name")
        })
    );
    let Command::Admin(AdminCommand::ListInstrument(btc)) = commands[14] else {
        panic!("{:?} is no listing", commands[14])
    };
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
            Command::Admin(AdminCommand::Deposit(t)) => Some((t.account.0, t.asset.0, t.reference)),
            _ => None,
        })
        .collect();
    assert_eq!(deposits[..4], [(1, 0, 1), (1, 1, 2), (1, 2, 3), (2, 0, 1)]);
    assert_eq!(deposits.len(), 12);
    assert!(matches!(commands.last(), Some(Command::Venue(VenueCommand::Open { .. }))));
    assert_eq!(commands.len(), 16 + 12 + 1);
}

/// A change of this number means that every existing data directory is told that its configuration changed.
#[test]
fn the_digest_is_a_stable_number_of_the_venue_alone() {
    let digest = |config: &Config| match config.opening_commands().expect("is valid").last() {
        Some(Command::Venue(VenueCommand::Open { config_digest })) => *config_digest,
        other => panic!("{other:?} is not the opening"),
    };
    let built_in = digest(&Config::spot());
    assert_eq!(built_in, BUILT_IN_DIGEST, "{built_in:#018x}");
    let listens_elsewhere = edited("127.0.0.1:9010", "127.0.0.1:0").expect("is valid");
    assert_eq!(digest(&listens_elsewhere), built_in);
    let dearer = edited("taker_fee_ppm = \"1000\"", "taker_fee_ppm = \"1001\"").expect("is valid");
    assert_ne!(digest(&dearer), built_in);
}

const BUILT_IN_DIGEST: u64 = 0x3C72_8C2C_6AB6_F89C;

#[test]
fn differences_from_the_journal_are_named() {
    let journaled = Config::spot().opening_commands().expect("is valid");
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
    let text = edits.iter().fold(SPOT_TOML.clone(), edit);
    Config::from_toml(&text, "everything.toml").expect("a valid file")
}

#[test]
fn what_is_set_follows_the_listings_and_deposits() {
    let config = with_everything();
    let commands = config.opening_commands().expect("is valid");
    let deposit =
        commands.iter().rposition(|command| matches!(command, Command::Admin(AdminCommand::Deposit(_))));
    let after = &commands[deposit.expect("deposits") + 1..commands.len() - 1];
    let instrument = InstrumentId(0);
    let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
    (volume_min[0], volume_min[1]) = (Amount(0), Amount(100_000_000_000_000));
    let expected = [
        Command::Admin(AdminCommand::SetAsset(AssetSettings {
            asset: AssetId(1),
            scale: 8,
            deposits: Switch::On,
            withdrawals: Switch::Off,
            min_deposit: Amount(50_000_000),
            min_withdrawal: Amount(0),
        })),
        Command::Admin(AdminCommand::SetFees(SetFees {
            instrument,
            tier: FeeTier(2),
            maker: FeeRate(50),
            taker: FeeRate(800),
        })),
        Command::Admin(AdminCommand::SetProtection {
            instrument,
            protection: Protection {
                price_min: 100_050,
                static_band: Ppm(100_000),
                interruption_s: 120,
                ..Protection::default()
            },
        }),
        Command::Admin(AdminCommand::SetOrderLimits {
            scope: LimitScope::Instrument(instrument),
            limits: OrderLimits {
                quantity_max: Quantity(10_000_000),
                notional_max: Amount(500_000_000_000_000),
                orders_per_second_max: 50,
                ..OrderLimits::default()
            },
        }),
        Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset: AssetId(2), volume_min })),
        Command::Admin(AdminCommand::SetOrderLimits {
            scope: LimitScope::Account(AccountId(1)),
            limits: OrderLimits {
                open_orders_max: 500,
                triggers_max: 50,
                position_max: Quantity(10_000),
                ..OrderLimits::default()
            },
        }),
        Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade {
            account: AccountId(1),
            prevention: SelfTradePrevention { mode: SelfTrade::CancelOldest, owner: Owner::Group },
            group: GroupId(7),
        })),
        Command::Admin(AdminCommand::AssignTier { account: AccountId(1), tier: Some(FeeTier(2)) }),
    ];
    assert_eq!(after, expected);
    let Command::Admin(AdminCommand::ListInstrument(btc)) = commands[14] else {
        panic!("{:?} is no listing", commands[14])
    };
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
            Event::Admin(AdminEvent::Refused { reason }) => Err(reason),
            _ => Ok(()),
        };
        state.apply(stamp, &command, &mut refused).unwrap_or_else(|reason| panic!("{command:?}: {reason}"));
    }
}

#[test]
fn what_is_set_is_compared_by_the_names_of_the_file() {
    let everything = with_everything();
    let built_in = Config::spot();
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
        let text = SPOT_TOML.replacen(
            "username = \"CAROL\", password = \"DEMO\" }",
            &format!("username = \"CAROL\", password = \"DEMO\", {own}"),
            1,
        );
        assert!(text != *SPOT_TOML, "the built-in file has no such login");
        Config::from_toml(&text, "test.toml")
    };
    let config = with(own).expect("can be used");
    let commands = config.opening_commands().expect("is valid");
    let limits = OrderLimits { quantity_max: Quantity(5), open_orders_max: 7, ..OrderLimits::default() };
    let login = LoginId(2);
    let last = [
        Command::Admin(AdminCommand::SetOrderLimits { scope: LimitScope::Login(login), limits }),
        Command::Venue(VenueCommand::CopyAccount { login, account: AccountId(2) }),
        Command::Venue(VenueCommand::CopyAccount { login, account: AccountId(1) }),
    ];
    assert_eq!(commands[commands.len() - 4..commands.len() - 1], last);
    assert_eq!(config.compare(&commands), []);
    let text = config.to_toml().expect("can be written");
    assert_eq!(Config::from_toml(&text, "written").expect("can be read"), config);

    // Told by their names when the venue was opened without.
    let built_in = Config::spot().opening_commands().expect("is valid");
    let told: Vec<String> = config.compare(&built_in).iter().map(|told| told.key.clone()).collect();
    for key in ["logins[CAROL].limits.quantity_max_lots", "logins[CAROL].copies[bob]"] {
        assert!(told.iter().any(|told| told == key), "{key} is not among {told:?}");
    }
    // The edition of the rules is nothing that a file sets.
    assert_eq!(Config::spot().compare(&built_in[1..]), []);

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
fn logins_keep_their_money_whatever_their_places_in_the_file() {
    let journaled = Config::spot().opening_commands().expect("is valid");
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
