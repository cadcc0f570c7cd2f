//! One value of every command and event, every field with a value of its own, so that no two can be exchanged unseen.

#[path = "contract_cases.rs"]
mod contract_cases;

use dojima::domain::*;

fn echo() -> Echo {
    Echo { cl_ord_id: ClOrdId(*b"client-order-1"), of_message: *b"3A", of_order: *b"ROFIRM" }
}

fn transfer() -> Transfer {
    Transfer {
        account: AccountId(0x1122_3344),
        asset: AssetId(0x5566),
        amount: Amount(0x0102_0304_0506_0708),
        reference: 0xA1A2_A3A4_A5A6_A7A8,
        shard: ShardId(6),
    }
}

fn shard_name() -> ShardName {
    ShardName::new("futures").expect("a name")
}

fn enter() -> Enter {
    Enter {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        instrument: InstrumentId(0x1112_1314),
        side: Side::Sell,
        time_in_force: TimeInForce::ImmediateOrCancel,
        price: OrderPrice::Limit(0x7131_3233),
        quantity: Quantity(0x4142_4344_4546_4748),
        echo: echo(),
        instructions: None,
    }
}

fn replace() -> Replace {
    Replace {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        orig_user_ref: UserRef(0x2122_2324),
        user_ref: UserRef(0x0102_0304),
        time_in_force: TimeInForce::ImmediateOrCancel,
        price: OrderPrice::Limit(0x7131_3233),
        quantity: Quantity(0x4142_4344_4546_4748),
        echo: echo(),
        instructions: None,
    }
}

fn instructions() -> Instructions {
    Instructions {
        min_quantity: 0x1918_1716,
        display_quantity: 0x2928_2726,
        expire_s: 0x3938_3736,
        oco: UserRef(0x4948_4746),
        book_by: Timestamp(0x5958_5756_5554_5352),
        trigger: Some(trigger()),
        visibility: Visibility::Hidden,
        post_only: PostOnly::Slide,
        unit: QuantityUnit::QuoteAmount,
        effect: Effect::ReduceOnly,
        self_trade: Some(prevention()),
    }
}

fn trigger() -> Trigger {
    Trigger { kind: TriggerKind::TrailingStop, reference: TriggerReference::MarkPrice, price: 0x6968_6766 }
}

fn prevention() -> SelfTradePrevention {
    SelfTradePrevention { mode: SelfTrade::DecrementBoth, owner: Owner::Group }
}

fn fees() -> SetFees {
    SetFees {
        instrument: InstrumentId(0x1112_1314),
        tier: FeeTier(7),
        maker: FeeRate(-0x0102_0304),
        taker: FeeRate(0x1112_1315),
    }
}

fn protection() -> Protection {
    Protection {
        price_min: 0x0102_0304,
        price_max: 0x1112_1314,
        reference: 0x2122_2324,
        static_band: Ppm(0x3132_3334),
        dynamic_band: Ppm(0x4142_4344),
        interruption_s: 0x5152_5354,
        market_collar: Ppm(0x6162_6364),
    }
}

fn venue_limits() -> VenueLimits {
    VenueLimits {
        orders_max: 0x0102_0304,
        orders_touched_max: 0x1112_1314,
        account_orders_max: 0x2122_2324,
        account_triggers_max: 0x3132_3334,
    }
}

fn limits() -> OrderLimits {
    OrderLimits {
        quantity_max: Quantity(0x0102_0304_0506_0708),
        notional_max: Amount(0x1112_1314_1516_1718),
        open_orders_max: 0x2122_2324,
        triggers_max: 0x5152_5354,
        orders_per_second_max: 0x3132_3334,
        position_max: Quantity(0x4142_4344_4546_4748),
    }
}

fn asset_settings() -> AssetSettings {
    AssetSettings {
        asset: AssetId(0x0102),
        scale: 9,
        deposits: Switch::On,
        withdrawals: Switch::Off,
        min_deposit: Amount(0x2122_2324_2526_2728),
        min_withdrawal: Amount(0x3132_3334_3536_3738),
    }
}

fn self_trade() -> AccountSelfTrade {
    AccountSelfTrade {
        account: AccountId(0x1122_3344),
        prevention: prevention(),
        group: GroupId(0x5152_5354),
    }
}

fn order_entry() -> SetOrderEntry {
    SetOrderEntry {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        firm: *b"FIRM",
        switch: Switch::On,
    }
}

fn checkpoint() -> Checkpoint {
    Checkpoint { of: 0x0102_0304_0506_0708, digest: std::array::from_fn(|at| 0x11 + at as u8) }
}

fn volume_tiers() -> VolumeTiers {
    let volume_min = [0, 1, -2, 3, 0x0102_0304_0506_0708, 5, 6, i64::MAX].map(Amount);
    VolumeTiers { asset: AssetId(0x0304), volume_min }
}

/// Every command, by the name that it has in the golden file.
pub fn commands() -> Vec<(&'static str, Command)> {
    let list = ListInstrument {
        instrument: InstrumentId(0x1112_1314),
        symbol: Symbol(*b"BTC-USDT"),
        base: AssetId(0x0102),
        quote: AssetId(0x0304),
        price_decimals: 2,
        tick_units: 0x2122_2324,
        lot: Amount(0x3132_3334_3536_3738),
        min_quantity: Quantity(0x4142_4344_4546_4748),
        max_quantity: Quantity(0x5152_5354_5556_5758),
        min_notional: Amount(0x6162_6364_6566_6768),
        maker_fee: FeeRate(0x7172_7374),
        taker_fee: FeeRate(-0x7E7D_7C7C),
        fee_asset: FeeAsset::Received,
        phase: Phase::Continuous,
        shard: ShardId(6),
        product: Product::Spot,
    };
    let refuse_enter = RefuseEnter {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        reason: RejectReason::UnknownSymbol,
        cl_ord_id: ClOrdId(*b"client-order-2"),
    };
    let refuse_replace = RefuseReplace {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        orig_user_ref: UserRef(0x2122_2324),
        user_ref: UserRef(0x0102_0304),
        reason: RejectReason::JournalSpaceLow,
        cl_ord_id: ClOrdId(*b"client-order-4"),
    };
    let cancel = Cancel {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        quantity: Quantity(0x4142_4344_4546_4748),
    };
    let amend = Amend {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        price: None,
        quantity: Quantity(0x4142_4344_4546_4748),
    };
    let mass_cancel = MassCancel {
        login: Some(LoginId(0x0A0B_0C0D)),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        filter: CancelFilter {
            login: Some(LoginId(0x1A1B_1C1D)),
            account: Some(AccountId(0x1122_3344)),
            instrument: Some(InstrumentId(0x1112_1314)),
            side: Some(Side::Sell),
        },
    };
    let modify = Modify {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        side: Side::Sell,
        quantity: Quantity(0x4142_4344_4546_4748),
    };
    let query = QueryAccount {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        cancel_after_ms: None,
        asks: Question::Nothing,
    };
    let terms = SetTerms {
        instrument: InstrumentId(0x1112_1314),
        tick_units: 0x2122_2324,
        lot: Amount(0x3132_3334_3536_3738),
        min_quantity: Quantity(0x4142_4344_4546_4748),
        max_quantity: Quantity(0x5152_5354_5556_5758),
        min_notional: Amount(0x6162_6364_6566_6768),
    };
    let mut commands = vec![
        (
            "AddAsset",
            Command::Admin(AdminCommand::AddAsset {
                asset: AssetId(0x0102),
                code: AssetCode(*b"USDT    "),
                scale: 6,
            }),
        ),
        ("OpenAccount", Command::Venue(VenueCommand::OpenAccount { account: AccountId(0x1122_3344) })),
        (
            "OpenLogin",
            Command::Venue(VenueCommand::OpenLogin {
                login: LoginId(0x0A0B_0C0D),
                account: AccountId(0x1122_3344),
                name: LoginName(*b"ALICE-THE-TRADER"),
            }),
        ),
        ("ListInstrument", Command::Admin(AdminCommand::ListInstrument(list))),
        (
            "SetPhase",
            Command::Admin(AdminCommand::SetPhase {
                instrument: InstrumentId(0x1112_1314),
                phase: Phase::Continuous,
            }),
        ),
        ("Deposit", Command::Admin(AdminCommand::Deposit(transfer()))),
        ("Withdraw", Command::Admin(AdminCommand::Withdraw(transfer()))),
        ("Open", Command::Venue(VenueCommand::Open { config_digest: 0xB1B2_B3B4_B5B6_B7B8 })),
        ("Enter", Command::Order(OrderCommand::Enter(enter()))),
        (
            "Enter, market",
            Command::Order(OrderCommand::Enter(Enter {
                price: OrderPrice::Market,
                side: Side::Buy,
                ..enter()
            })),
        ),
        (
            "Enter, instructions",
            Command::Order(OrderCommand::Enter(Enter { instructions: Some(instructions()), ..enter() })),
        ),
        (
            "Enter, plain instructions",
            Command::Order(OrderCommand::Enter(Enter {
                instructions: Some(Instructions::default()),
                ..enter()
            })),
        ),
        ("RefuseEnter", Command::Order(OrderCommand::RefuseEnter(refuse_enter))),
        ("Replace", Command::Order(OrderCommand::Replace(replace()))),
        (
            "Replace, market",
            Command::Order(OrderCommand::Replace(Replace { price: OrderPrice::Market, ..replace() })),
        ),
        (
            "Replace, instructions",
            Command::Order(OrderCommand::Replace(Replace {
                instructions: Some(instructions()),
                ..replace()
            })),
        ),
        ("RefuseReplace", Command::Order(OrderCommand::RefuseReplace(refuse_replace))),
        ("Cancel", Command::Order(OrderCommand::Cancel(cancel))),
        ("SetLimits", Command::Venue(VenueCommand::SetLimits { limits: venue_limits() })),
        ("Amend", Command::Order(OrderCommand::Amend(Amend { price: Some(0x7172_7374), ..amend }))),
        ("Amend, same price", Command::Order(OrderCommand::Amend(amend))),
        ("CancelOrder", Command::Order(OrderCommand::CancelOrder { order: OrderId(0xC1C2_C3C4_C5C6_C7C8) })),
        ("MassCancel", Command::Order(OrderCommand::MassCancel(mass_cancel))),
        ("MassCancel, operator", Command::Order(OrderCommand::MassCancel(MassCancel::default()))),
        ("Tick", Command::Clock(ClockCommand::Tick)),
        (
            "SetMark",
            Command::Admin(AdminCommand::SetMark {
                instrument: InstrumentId(0x1112_1314),
                price: Price(0x7132_3334),
            }),
        ),
        ("Delist", Command::Admin(AdminCommand::Delist { instrument: InstrumentId(0x1112_1314) })),
        ("SetTerms", Command::Admin(AdminCommand::SetTerms(terms))),
        ("SetFees", Command::Admin(AdminCommand::SetFees(fees()))),
        (
            "SetProtection",
            Command::Admin(AdminCommand::SetProtection {
                instrument: InstrumentId(0x7172_7374),
                protection: protection(),
            }),
        ),
        (
            "SetOrderLimits",
            Command::Admin(AdminCommand::SetOrderLimits {
                scope: LimitScope::Instrument(InstrumentId(0x5152_5354)),
                limits: limits(),
            }),
        ),
        (
            "SetOrderLimits, account",
            Command::Admin(AdminCommand::SetOrderLimits {
                scope: LimitScope::Account(AccountId(0x5152_5354)),
                limits: limits(),
            }),
        ),
        (
            "SetOrderLimits, login",
            Command::Admin(AdminCommand::SetOrderLimits {
                scope: LimitScope::Login(LoginId(0x5152_5354)),
                limits: limits(),
            }),
        ),
        ("SetAsset", Command::Admin(AdminCommand::SetAsset(asset_settings()))),
        ("SetSelfTrade", Command::Admin(AdminCommand::SetSelfTrade(self_trade()))),
        (
            "AssignTier",
            Command::Admin(AdminCommand::AssignTier {
                account: AccountId(0x1122_3344),
                tier: Some(FeeTier(7)),
            }),
        ),
        (
            "AssignTier, by volume",
            Command::Admin(AdminCommand::AssignTier { account: AccountId(0x1122_3344), tier: None }),
        ),
        ("SetVolumeTiers", Command::Admin(AdminCommand::SetVolumeTiers(volume_tiers()))),
        (
            "Kill",
            Command::Admin(AdminCommand::Kill {
                scope: KillScope::Account(AccountId(0x1122_3344)),
                switch: Switch::On,
            }),
        ),
        ("Kill, venue", Command::Admin(AdminCommand::Kill { scope: KillScope::Venue, switch: Switch::Off })),
        ("Checkpoint", Command::Venue(VenueCommand::Checkpoint(checkpoint()))),
        ("SetRules", Command::Venue(VenueCommand::SetRules { edition: 0x0102 })),
        ("Modify", Command::Order(OrderCommand::Modify(modify))),
        ("QueryAccount", Command::Order(OrderCommand::QueryAccount(query))),
        (
            "QueryAccount, switch",
            Command::Order(OrderCommand::QueryAccount(QueryAccount {
                cancel_after_ms: Some(0x3132_3334),
                ..query
            })),
        ),
        (
            "QueryAccount, balance",
            Command::Order(OrderCommand::QueryAccount(QueryAccount {
                asks: Question::Balance(AssetId(0x4142)),
                ..query
            })),
        ),
        (
            "QueryAccount, position",
            Command::Order(OrderCommand::QueryAccount(QueryAccount {
                asks: Question::Position(InstrumentId(0x4142_4344)),
                ..query
            })),
        ),
        ("SetOrderEntry", Command::Order(OrderCommand::SetOrderEntry(order_entry()))),
        (
            "CancelLogin",
            Command::Order(OrderCommand::CancelLogin {
                login: LoginId(0x0A0B_0C0D),
                cause: ConnectionLoss::Disconnected,
            }),
        ),
        ("RollSession", Command::Venue(VenueCommand::RollSession { session: 0x0102_0304 })),
        (
            "CopyAccount",
            Command::Venue(VenueCommand::CopyAccount {
                login: LoginId(0x0A0B_0C0D),
                account: AccountId(0x1122_3344),
            }),
        ),
        ("ResetUserRef", Command::Venue(VenueCommand::ResetUserRef { login: LoginId(0x0A0B_0C0D) })),
        ("Lead", Command::Venue(VenueCommand::Lead { epoch: 0x0102_0304_0506_0708, node: 0x1112_1314 })),
        ("OpenShard", Command::Venue(VenueCommand::OpenShard { shard: ShardId(6), name: shard_name() })),
        ("NameOrder", Command::Order(OrderCommand::NameOrder(name_order()))),
        ("TransferOut", Command::Order(OrderCommand::TransferOut(transfer_out()))),
        ("TransferOut, operator", Command::Order(OrderCommand::TransferOut(TransferOut::default()))),
        ("TransferIn", Command::Admin(AdminCommand::TransferIn(shard_transfer()))),
    ];
    let of_contracts = contract_cases::commands().into_iter();
    commands.extend(of_contracts.map(|(name, command)| (name, Command::Contract(command))));
    let of_owners = contract_cases::of_owners().into_iter();
    commands.extend(of_owners.map(|(name, command)| (name, Command::Owner(command))));
    commands.extend([
        ("SendIndex", Command::Order(OrderCommand::SendIndex(send_index()))),
        ("QueryWallet", Command::Order(OrderCommand::QueryWallet(query_wallet()))),
    ]);
    commands
}

fn name_order() -> NameOrder {
    NameOrder {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        name: ClientName(*b"abcdefghijklmnopqrstuvwxyz0123456789"),
    }
}

fn accepted() -> Accepted {
    Accepted {
        login: LoginId(0x0A0B_0C0D),
        terms: OrderTerms {
            user_ref: UserRef(0x0102_0304),
            order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
            instrument: InstrumentId(0x1112_1314),
            side: Side::Sell,
            time_in_force: TimeInForce::ImmediateOrCancel,
            price: Some(Price(-2)),
            quantity: Quantity(0x4142_4344_4546_4748),
            reserved: Amount(0x6162_6364_6566_6768),
            echo: echo(),
            visibility: Visibility::Hidden,
            display_quantity: 0x8182_8384,
            post_only: PostOnly::Slide,
            expire_s: 0x9192_9394,
            state: OrderState::Dormant,
        },
    }
}

fn replaced() -> Replaced {
    Replaced {
        login: LoginId(0x0A0B_0C0D),
        orig_user_ref: UserRef(0x2122_2324),
        orig_order: OrderId(0xD1D2_D3D4_D5D6_D7D8),
        terms: OrderTerms {
            user_ref: UserRef(0x0102_0304),
            order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
            instrument: InstrumentId(0x1112_1314),
            side: Side::Sell,
            time_in_force: TimeInForce::ImmediateOrCancel,
            price: Some(Price(0x7132_3334)),
            quantity: Quantity(0x4142_4344_4546_4748),
            reserved: Amount(0x6162_6364_6566_6768),
            echo: echo(),
            visibility: Visibility::Hidden,
            display_quantity: 0x8182_8384,
            post_only: PostOnly::Slide,
            expire_s: 0x9192_9394,
            state: OrderState::Dormant,
        },
    }
}

fn canceled() -> Canceled {
    Canceled {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        decrement: Quantity(0x4142_4344_4546_4748),
        open: Quantity(0x5152_5354_5556_5758),
        reserved: Amount(0x6162_6364_6566_6768),
        reason: CancelReason::FundsExhausted,
    }
}

/// Every event, by the name that it has in the golden file.
pub fn events() -> Vec<(&'static str, EventRecord)> {
    let listing = Listing {
        instrument: InstrumentId(0x1112_1314),
        symbol: Symbol(*b"BTC-USDT"),
        base: AssetId(0x0102),
        quote: AssetId(0x0304),
        price_decimals: 2,
        tick_units: 0x2122_2324,
        lot: Amount(0x3132_3334_3536_3738),
        tick_value: Amount(0x393A_3B3C_3D3E_3F40),
        min_quantity: Quantity(0x4142_4344_4546_4748),
        max_quantity: Quantity(0x5152_5354_5556_5758),
        min_notional: Amount(0x6162_6364_6566_6768),
        maker_fee: FeeRate(0x7172_7374),
        taker_fee: FeeRate(-0x7E7D_7C7C),
        fee_asset: FeeAsset::Received,
        phase: Phase::Continuous,
        shard: ShardId(6),
        product: Product::Spot,
    };
    let rejected = Rejected {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        reason: RejectReason::InsufficientFunds,
        cl_ord_id: ClOrdId(*b"client-order-3"),
    };
    let executed = Executed {
        trade: TradeId(0xE1E2_E3E4_E5E6_E7E8),
        instrument: InstrumentId(0x1112_1314),
        taker_side: Side::Sell,
        price: Price(0x7132_3334),
        quantity: Quantity(0x4142_4344_4546_4748),
        maker_login: LoginId(0x0A0B_0C0D),
        maker_user_ref: UserRef(0x0102_0304),
        maker_order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        maker_fee: Amount(0x0910_1112_1314_1516),
        maker_reserved: Amount(0x6162_6364_6566_6768),
        taker_login: LoginId(0x1A1B_1C1D),
        taker_user_ref: UserRef(0x2122_2324),
        taker_order: OrderId(0xD1D2_D3D4_D5D6_D7D8),
        taker_fee: Amount(0x1718_191A_1B1C_1D1E),
        taker_reserved: Amount(0x696A_6B6C_6D6E_6F70),
        kind: TradeKind::Volatility,
        maker_visibility: Visibility::Hidden,
    };
    let ignored = Ignored {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        reason: IgnoreReason::NothingToCancel,
    };
    let invalid = CancelReason::InvalidReplace(RejectReason::PriceOffTick);
    let refused = CancelReason::TriggerRefused(RejectReason::NothingToTradeWith);
    let prevented = CancelReason::SelfTradePrevented(SelfTradePrevented {
        instrument: InstrumentId(0x1112_1314),
        price: Price(0x7132_3334),
        quantity: Quantity(0x0910_1112_1314_1516),
        mode: SelfTrade::CancelBoth,
        incoming: true,
    });
    let change_rejected = ChangeRejected {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        reason: RejectReason::InstrumentHalted,
    };
    let amended = Amended {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        side: Side::Sell,
        decrement: Quantity(0x4142_4344_4546_4748),
        open: Quantity(0x5152_5354_5556_5758),
        reserved: Amount(0x6162_6364_6566_6768),
    };
    let armed = Armed {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        trigger: Some(trigger()),
        oco: Some(OrderId(0xD1D2_D3D4_D5D6_D7D8)),
    };
    let triggered = Triggered {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        instrument: InstrumentId(0x1112_1314),
        reference: Price(0x7132_3334),
    };
    let priority = PriorityUpdated {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        instrument: InstrumentId(0x1112_1314),
        side: Side::Sell,
        price: Some(Price(0x7132_3334)),
        quantity: Quantity(0x4142_4344_4546_4748),
        visibility: Visibility::Hidden,
        display_quantity: 0x8182_8384,
    };
    let restated = Restated {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        price: Some(Price(0x7132_3334)),
        open: Quantity(0x0101_0202_0303_0404),
        displayed: Quantity(0x4142_4344_4546_4748),
        reserved: Amount(0x6162_6364_6566_6768),
        reason: RestateReason::Tick,
    };
    let auction = Auction {
        instrument: InstrumentId(0x1112_1314),
        kind: TradeKind::Closing,
        price: Some(Price(0x7132_3334)),
        volume: Quantity(0x4142_4344_4546_4748),
        imbalance: Quantity(0x5152_5354_5556_5758),
        imbalance_side: Side::Sell,
    };
    let mut events = vec![
        (
            "AssetAdded",
            Event::Admin(AdminEvent::AssetAdded {
                asset: AssetId(0x0102),
                code: AssetCode(*b"USDT    "),
                scale: 6,
            }),
        ),
        ("AccountOpened", Event::Venue(VenueEvent::AccountOpened { account: AccountId(0x1122_3344) })),
        (
            "LoginOpened",
            Event::Venue(VenueEvent::LoginOpened {
                login: LoginId(0x0A0B_0C0D),
                account: AccountId(0x1122_3344),
            }),
        ),
        ("InstrumentListed", Event::Admin(AdminEvent::InstrumentListed(listing))),
        (
            "PhaseSet",
            Event::Market(MarketEvent::PhaseSet {
                instrument: InstrumentId(0x1112_1314),
                phase: Phase::Continuous,
            }),
        ),
        ("Deposited", Event::Admin(AdminEvent::Deposited(transfer()))),
        ("Withdrawn", Event::Admin(AdminEvent::Withdrawn(transfer()))),
        ("Opened", Event::Venue(VenueEvent::Opened { config_digest: 0xB1B2_B3B4_B5B6_B7B8 })),
        ("Refused", Event::Admin(AdminEvent::Refused { reason: RejectReason::AlreadyOpen })),
        ("Accepted", Event::Order(OrderEvent::Accepted(accepted()))),
        (
            "Accepted, market",
            Event::Order(OrderEvent::Accepted(Accepted {
                terms: OrderTerms { price: None, side: Side::Buy, ..accepted().terms },
                ..accepted()
            })),
        ),
        ("Rejected", Event::Order(OrderEvent::Rejected(rejected))),
        ("Replaced", Event::Order(OrderEvent::Replaced(replaced()))),
        (
            "Replaced, market",
            Event::Order(OrderEvent::Replaced(Replaced {
                terms: OrderTerms { price: None, ..replaced().terms },
                ..replaced()
            })),
        ),
        ("Canceled", Event::Order(OrderEvent::Canceled(canceled()))),
        (
            "Canceled, invalid replace",
            Event::Order(OrderEvent::Canceled(Canceled { reason: invalid, ..canceled() })),
        ),
        (
            "Canceled, refused at its trigger",
            Event::Order(OrderEvent::Canceled(Canceled { reason: refused, ..canceled() })),
        ),
        (
            "Canceled, self-trade prevented",
            Event::Order(OrderEvent::Canceled(Canceled { reason: prevented, ..canceled() })),
        ),
        ("Executed", Event::Order(OrderEvent::Executed(executed))),
        ("Ignored", Event::Order(OrderEvent::Ignored(ignored))),
        ("LimitsSet", Event::Venue(VenueEvent::LimitsSet { limits: venue_limits() })),
        ("ChangeRejected", Event::Order(OrderEvent::ChangeRejected(change_rejected))),
        ("Amended", Event::Order(OrderEvent::Amended(amended))),
        ("Armed", Event::Order(OrderEvent::Armed(armed))),
        ("Armed, oco alone", Event::Order(OrderEvent::Armed(Armed { trigger: None, ..armed }))),
        ("Armed, trigger alone", Event::Order(OrderEvent::Armed(Armed { oco: None, ..armed }))),
        ("Triggered", Event::Order(OrderEvent::Triggered(triggered))),
        ("Restated", Event::Order(OrderEvent::Restated(restated))),
        (
            "MassCanceled",
            Event::Order(OrderEvent::MassCanceled {
                login: Some(LoginId(0x0A0B_0C0D)),
                user_ref: UserRef(0x0102_0304),
                canceled: 0x2122_2324,
                instrument: Some(InstrumentId(0x1112_1314)),
                side: Some(Side::Sell),
            }),
        ),
        (
            "MassCanceled, operator, all",
            Event::Order(OrderEvent::MassCanceled {
                login: None,
                user_ref: UserRef(0),
                canceled: 0x2122_2324,
                instrument: None,
                side: None,
            }),
        ),
        ("Indicative", Event::Market(MarketEvent::Indicative(auction))),
        (
            "Indicative, nothing crosses",
            Event::Market(MarketEvent::Indicative(Auction { price: None, ..auction })),
        ),
        ("Uncrossed", Event::Market(MarketEvent::Uncrossed(auction))),
        (
            "MarkSet",
            Event::Admin(AdminEvent::MarkSet {
                instrument: InstrumentId(0x1112_1314),
                price: Price(0x7132_3334),
            }),
        ),
        ("TermsSet", Event::Admin(AdminEvent::TermsSet(listing))),
        ("FeesSet", Event::Admin(AdminEvent::FeesSet(fees()))),
        (
            "ProtectionSet",
            Event::Admin(AdminEvent::ProtectionSet {
                instrument: InstrumentId(0x7172_7374),
                protection: protection(),
            }),
        ),
        (
            "OrderLimitsSet",
            Event::Admin(AdminEvent::OrderLimitsSet {
                scope: LimitScope::Instrument(InstrumentId(0x5152_5354)),
                limits: limits(),
            }),
        ),
        (
            "OrderLimitsSet, account",
            Event::Admin(AdminEvent::OrderLimitsSet {
                scope: LimitScope::Account(AccountId(0x5152_5354)),
                limits: limits(),
            }),
        ),
        (
            "OrderLimitsSet, login",
            Event::Admin(AdminEvent::OrderLimitsSet {
                scope: LimitScope::Login(LoginId(0x5152_5354)),
                limits: limits(),
            }),
        ),
        ("AssetSet", Event::Admin(AdminEvent::AssetSet(asset_settings()))),
        ("SelfTradeSet", Event::Admin(AdminEvent::SelfTradeSet(self_trade()))),
        ("TierSet", Event::Admin(AdminEvent::TierSet { account: AccountId(0x1122_3344), tier: FeeTier(7) })),
        ("VolumeTiersSet", Event::Admin(AdminEvent::VolumeTiersSet(volume_tiers()))),
        (
            "Killed",
            Event::Admin(AdminEvent::Killed {
                scope: KillScope::Account(AccountId(0x1122_3344)),
                switch: Switch::On,
            }),
        ),
        ("Killed, venue", Event::Admin(AdminEvent::Killed { scope: KillScope::Venue, switch: Switch::On })),
        ("Checkpointed", Event::Venue(VenueEvent::Checkpointed(checkpoint()))),
        ("RulesSet", Event::Venue(VenueEvent::RulesSet { edition: 0x0102 })),
        (
            "AccountState",
            Event::Order(OrderEvent::AccountState {
                login: LoginId(0x0A0B_0C0D),
                next_user_ref: UserRef(0x0102_0304),
                cancel_at: Timestamp(0x3132_3334_3536_3738),
                balance: None,
            }),
        ),
        (
            "AccountState, balance",
            Event::Order(OrderEvent::AccountState {
                login: LoginId(0x0A0B_0C0D),
                next_user_ref: UserRef(0x0102_0304),
                cancel_at: Timestamp(0x3132_3334_3536_3738),
                balance: Some(AssetBalance {
                    asset: AssetId(0x4142),
                    available: Amount(0x5152_5354_5556_5758),
                    reserved: Amount(0x6162_6364_6566_6768),
                }),
            }),
        ),
        ("OrderEntrySet", Event::Order(OrderEvent::OrderEntrySet(order_entry()))),
        ("SessionEnded", Event::Venue(VenueEvent::SessionEnded { login: LoginId(0x0A0B_0C0D) })),
        (
            "SessionStarted",
            Event::Venue(VenueEvent::SessionStarted { login: LoginId(0x0A0B_0C0D), session: 0x0102_0304 }),
        ),
        ("SessionRolled", Event::Venue(VenueEvent::SessionRolled { session: 0x0102_0304 })),
        ("PriorityUpdated", Event::Order(OrderEvent::PriorityUpdated(priority))),
        (
            "PriorityUpdated, market",
            Event::Order(OrderEvent::PriorityUpdated(PriorityUpdated { price: None, ..priority })),
        ),
        (
            "AccountCopied",
            Event::Venue(VenueEvent::AccountCopied {
                login: LoginId(0x0A0B_0C0D),
                account: AccountId(0x1122_3344),
            }),
        ),
        ("Led", Event::Venue(VenueEvent::Led { epoch: 0x0102_0304_0506_0708, node: 0x1112_1314 })),
        ("ShardOpened", Event::Venue(VenueEvent::ShardOpened { shard: ShardId(6), name: shard_name() })),
        ("OrderNamed", Event::Order(OrderEvent::OrderNamed(name_order()))),
        ("TransferSent", Event::Order(OrderEvent::TransferSent(transfer_sent()))),
        (
            "TransferSent, operator",
            Event::Order(OrderEvent::TransferSent(TransferSent {
                login: None,
                user_ref: UserRef(0),
                ..transfer_sent()
            })),
        ),
        (
            "TransferReceived",
            Event::Admin(AdminEvent::TransferReceived(TransferReceived {
                transfer: shard_transfer(),
                wallet: Amount(0x6162_6364_6566_6768),
            })),
        ),
        ("TransferDone", Event::Admin(AdminEvent::TransferDone(shard_transfer()))),
    ];
    let of_contracts = contract_cases::events().into_iter();
    events.extend(of_contracts.map(|(name, event)| (name, Event::Contract(event))));
    let no_wallet = WalletState { wallet: None, ..wallet_state() };
    events.extend(
        [
            ("IndexAnswered, taken", OrderEvent::IndexAnswered(index_answered(IndexOutcome::Taken))),
            ("IndexAnswered, held", OrderEvent::IndexAnswered(index_answered(IndexOutcome::Held))),
            ("WalletState", OrderEvent::WalletState(wallet_state())),
            ("WalletState, none", OrderEvent::WalletState(no_wallet)),
        ]
        .map(|(name, event)| (name, Event::Order(event))),
    );
    events.push(("PositionState", Event::Order(OrderEvent::PositionState(contract_cases::position_state()))));
    let record = |event| EventRecord {
        number: 0x0102_0304_0506_0708,
        sequence: 0x1112_1314_1516_1718,
        time: Timestamp(0x2122_2324_2526_2728),
        event,
    };
    events.into_iter().map(|(name, event)| (name, record(event))).collect()
}

fn transfer_out() -> TransferOut {
    TransferOut {
        login: Some(LoginId(0x0A0B_0C0D)),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        account: AccountId(0x1122_3344),
        asset: AssetId(0x4142),
        amount: Amount(0x5152_5354_5556_5758),
        from: ShardId(6),
        to: ShardId(5),
        reference: 0x7172_7374_7576_7778,
    }
}

fn send_index() -> SendIndex {
    SendIndex {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        user_ref: UserRef(0x0102_0304),
        index: IndexId(0x4142),
        price: 0x5152_5354,
        source_time: Timestamp(0x6162_6364_6566_6768),
    }
}

fn query_wallet() -> QueryWallet {
    QueryWallet {
        login: LoginId(0x0A0B_0C0D),
        session: 0x8182_8384,
        shard: ShardId(6),
        asset: AssetId(0x4142),
    }
}

fn wallet_state() -> WalletState {
    let balance = AssetBalance {
        asset: AssetId(0x4142),
        available: Amount(0x5152_5354_5556_5758),
        reserved: Amount(0x6162_6364_6566_6768),
    };
    WalletState {
        login: LoginId(0x0A0B_0C0D),
        next_user_ref: UserRef(0x0102_0304),
        shard: ShardId(6),
        wallet: Some(Wallet { balance, withdrawable: Amount(0x7172_7374_7576_7778) }),
    }
}

fn index_answered(outcome: IndexOutcome) -> IndexAnswered {
    let SendIndex { login, user_ref, index, price, source_time, .. } = send_index();
    IndexAnswered { login, user_ref, index, price, source_time, outcome }
}

fn shard_transfer() -> ShardTransfer {
    ShardTransfer {
        from: ShardId(6),
        to: ShardId(5),
        number: 0x3132_3334_3536_3738,
        account: AccountId(0x1122_3344),
        asset: AssetId(0x4142),
        amount: Amount(0x5152_5354_5556_5758),
    }
}

fn transfer_sent() -> TransferSent {
    TransferSent {
        login: Some(LoginId(0x0A0B_0C0D)),
        user_ref: UserRef(0x0102_0304),
        transfer: shard_transfer(),
        reference: 0x7172_7374_7576_7778,
        wallet: Amount(0x6162_6364_6566_6768),
    }
}
