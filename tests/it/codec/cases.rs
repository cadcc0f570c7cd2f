//! One value of every command and event, every field with a value of its own, so that no two can be exchanged unseen.

use dojima::domain::{
    Accepted, AccountId, Amount, AssetCode, AssetId, Cancel, CancelReason, Canceled, ClOrdId, Command, Echo,
    Enter, Event, EventRecord, Executed, FeeRate, IgnoreReason, Ignored, InstrumentId, ListInstrument,
    Listing, LoginId, LoginName, OrderId, OrderPrice, Phase, Price, Quantity, RefuseEnter, RefuseReplace,
    RejectReason, Rejected, Replace, Replaced, Side, Symbol, TimeInForce, Timestamp, TradeId, Transfer,
    UserRef,
};

fn echo() -> Echo {
    Echo {
        cl_ord_id: ClOrdId(*b"client-order-1"),
        time_in_force: b'3',
        display: b'A',
        capacity: b'R',
        iso: b'N',
        cross_type: b'O',
        firm: *b"FIRM",
    }
}

fn transfer() -> Transfer {
    Transfer {
        account: AccountId(0x1122_3344),
        asset: AssetId(0x5566),
        amount: Amount(0x0102_0304_0506_0708),
        reference: 0xA1A2_A3A4_A5A6_A7A8,
    }
}

fn enter() -> Enter {
    Enter {
        login: LoginId(0x0A0B_0C0D),
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
        orig_user_ref: UserRef(0x2122_2324),
        user_ref: UserRef(0x0102_0304),
        time_in_force: TimeInForce::ImmediateOrCancel,
        price: OrderPrice::Limit(0x7131_3233),
        quantity: Quantity(0x4142_4344_4546_4748),
        echo: echo(),
        instructions: None,
    }
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
        phase: Phase::Continuous,
        ..ListInstrument::default()
    };
    let refuse_enter = RefuseEnter {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        reason: RejectReason::UnknownSymbol,
        cl_ord_id: ClOrdId(*b"client-order-2"),
    };
    let refuse_replace = RefuseReplace {
        login: LoginId(0x0A0B_0C0D),
        orig_user_ref: UserRef(0x2122_2324),
        user_ref: UserRef(0x0102_0304),
        reason: RejectReason::JournalSpaceLow,
        cl_ord_id: ClOrdId(*b"client-order-4"),
    };
    let cancel = Cancel {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        quantity: Quantity(0x4142_4344_4546_4748),
    };
    vec![
        ("AddAsset", Command::AddAsset { asset: AssetId(0x0102), code: AssetCode(*b"USDT    "), scale: 6 }),
        ("OpenAccount", Command::OpenAccount { account: AccountId(0x1122_3344) }),
        (
            "OpenLogin",
            Command::OpenLogin {
                login: LoginId(0x0A0B_0C0D),
                account: AccountId(0x1122_3344),
                name: LoginName(*b"ALICE "),
            },
        ),
        ("ListInstrument", Command::ListInstrument(list)),
        ("SetPhase", Command::SetPhase { instrument: InstrumentId(0x1112_1314), phase: Phase::Continuous }),
        ("Deposit", Command::Deposit(transfer())),
        ("Withdraw", Command::Withdraw(transfer())),
        ("Open", Command::Open { config_digest: 0xB1B2_B3B4_B5B6_B7B8 }),
        ("Enter", Command::Enter(enter())),
        ("Enter, market", Command::Enter(Enter { price: OrderPrice::Market, side: Side::Buy, ..enter() })),
        ("RefuseEnter", Command::RefuseEnter(refuse_enter)),
        ("Replace", Command::Replace(replace())),
        ("Replace, market", Command::Replace(Replace { price: OrderPrice::Market, ..replace() })),
        ("RefuseReplace", Command::RefuseReplace(refuse_replace)),
        ("Cancel", Command::Cancel(cancel)),
        ("SetLimits", Command::SetLimits { orders_max: 0x0102_0304 }),
    ]
}

fn accepted() -> Accepted {
    Accepted {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        instrument: InstrumentId(0x1112_1314),
        side: Side::Sell,
        time_in_force: TimeInForce::ImmediateOrCancel,
        price: Some(Price(-2)),
        quantity: Quantity(0x4142_4344_4546_4748),
        reserved: Amount(0x6162_6364_6566_6768),
        echo: echo(),
        ..Accepted::default()
    }
}

fn replaced() -> Replaced {
    Replaced {
        login: LoginId(0x0A0B_0C0D),
        orig_user_ref: UserRef(0x2122_2324),
        orig_order: OrderId(0xD1D2_D3D4_D5D6_D7D8),
        user_ref: UserRef(0x0102_0304),
        order: OrderId(0xC1C2_C3C4_C5C6_C7C8),
        instrument: InstrumentId(0x1112_1314),
        side: Side::Sell,
        time_in_force: TimeInForce::ImmediateOrCancel,
        price: Some(Price(0x7132_3334)),
        quantity: Quantity(0x4142_4344_4546_4748),
        reserved: Amount(0x6162_6364_6566_6768),
        echo: echo(),
        ..Replaced::default()
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
        phase: Phase::Continuous,
        ..Listing::default()
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
        ..Executed::default()
    };
    let ignored = Ignored {
        login: LoginId(0x0A0B_0C0D),
        user_ref: UserRef(0x0102_0304),
        reason: IgnoreReason::NothingToCancel,
    };
    let invalid = CancelReason::InvalidReplace(RejectReason::PriceOffTick);
    let events = vec![
        ("AssetAdded", Event::AssetAdded { asset: AssetId(0x0102), code: AssetCode(*b"USDT    "), scale: 6 }),
        ("AccountOpened", Event::AccountOpened { account: AccountId(0x1122_3344) }),
        ("LoginOpened", Event::LoginOpened { login: LoginId(0x0A0B_0C0D), account: AccountId(0x1122_3344) }),
        ("InstrumentListed", Event::InstrumentListed(listing)),
        ("PhaseSet", Event::PhaseSet { instrument: InstrumentId(0x1112_1314), phase: Phase::Continuous }),
        ("Deposited", Event::Deposited(transfer())),
        ("Withdrawn", Event::Withdrawn(transfer())),
        ("Opened", Event::Opened { config_digest: 0xB1B2_B3B4_B5B6_B7B8 }),
        ("Refused", Event::Refused { reason: RejectReason::AlreadyOpen }),
        ("Accepted", Event::Accepted(accepted())),
        ("Accepted, market", Event::Accepted(Accepted { price: None, side: Side::Buy, ..accepted() })),
        ("Rejected", Event::Rejected(rejected)),
        ("Replaced", Event::Replaced(replaced())),
        ("Replaced, market", Event::Replaced(Replaced { price: None, ..replaced() })),
        ("Canceled", Event::Canceled(canceled())),
        ("Canceled, invalid replace", Event::Canceled(Canceled { reason: invalid, ..canceled() })),
        ("Executed", Event::Executed(executed)),
        ("Ignored", Event::Ignored(ignored)),
        ("LimitsSet", Event::LimitsSet { orders_max: 0x0102_0304 }),
    ];
    let record = |event| EventRecord {
        number: 0x0102_0304_0506_0708,
        sequence: 0x1112_1314_1516_1718,
        time: Timestamp(0x2122_2324_2526_2728),
        event,
    };
    events.into_iter().map(|(name, event)| (name, record(event))).collect()
}
