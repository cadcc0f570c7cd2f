//! As `cases`, of the commands and events about contracts.

use dojima::domain::*;

fn terms() -> IndexTerms {
    IndexTerms { stale_after_ms: 0x0102_0304, grace_s: 0x1112_1314, jump: Ppm(0x2122_2324) }
}

fn index() -> AddIndex {
    AddIndex {
        index: IndexId(0x5152),
        symbol: Symbol(*b"BTC-USD "),
        price_decimals: 2,
        shard: ShardId(6),
        terms: terms(),
    }
}

fn contract() -> SetContract {
    SetContract {
        instrument: InstrumentId(0x1112_1314),
        index: IndexId(0x5152),
        expiry: 0x6162_6364,
        funding_interval_s: 0x7172_7374,
        price_min: 0x0102_0304,
        price_max: 0x2122_2324,
    }
}

fn risk() -> SetContractRisk {
    SetContractRisk {
        instrument: InstrumentId(0x1112_1314),
        interest_ppb: -0x0102_0304,
        impact_lots: 0x2122_2324,
        mark_band: Ppm(0x3132_3334),
        first_band: Ppm(0x4142_4344),
        premium_band: Ppm(0x5152_5354),
        outer_band: Ppm(0x6162_6364),
        liquidation_fee: Ppm(0x7172_7374),
        collar: Ppm(0x0203_0405),
        adl_after: 0x1415,
        adl_mode: DeleverageMode::ProRata,
        position_limit: 0x1617_1819,
        open_interest_limit: 0x2627_2829,
    }
}

fn tier() -> SetMarginTier {
    SetMarginTier {
        instrument: InstrumentId(0x1112_1314),
        row: 3,
        of: 7,
        floor: Amount(0x0102_0304_0506_0708),
        initial: Ppm(0x2122_2324),
        maintenance: Ppm(0x3132_3334),
    }
}

fn change() -> FundChanged {
    FundChanged {
        asset: AssetId(0x5566),
        shard: ShardId(6),
        cause: FundCause::Deposit,
        instrument: None,
        amount: Amount(0x0102_0304_0506_0708),
        fund: Amount(0x1112_1314_1516_1718),
        reference: 0xA1A2_A3A4_A5A6_A7A8,
    }
}

/// Every command about contracts.
pub fn commands() -> Vec<(&'static str, ContractCommand)> {
    let set = SetIndex {
        index: IndexId(0x5152),
        price: 0x0102_0304,
        source_time: Timestamp(0x2122_2324_2526_2728),
    };
    let deposit = DepositFund {
        asset: AssetId(0x5566),
        shard: ShardId(6),
        amount: Amount(0x0102_0304_0506_0708),
        reference: 0xA1A2_A3A4_A5A6_A7A8,
    };
    vec![
        ("AddIndex", ContractCommand::AddIndex(index())),
        ("SetIndexTerms", ContractCommand::SetIndexTerms { index: IndexId(0x5152), terms: terms() }),
        ("SetIndex", ContractCommand::SetIndex(set)),
        ("SetContract", ContractCommand::SetContract(contract())),
        ("SetContractRisk", ContractCommand::SetContractRisk(risk())),
        ("SetMarginTier", ContractCommand::SetMarginTier(tier())),
        ("DepositFund", ContractCommand::DepositFund(deposit)),
        (
            "SettleContract",
            ContractCommand::SettleContract {
                instrument: InstrumentId(0x1112_1314),
                price: Price(0x0102_0304_0506_0708),
            },
        ),
    ]
}

fn setter() -> Setter {
    Setter {
        login: Some(LoginId(0x0A0B_0C0D)),
        session: 0x8182_8384,
        user_ref: UserRef(0x2122_2324),
        account: AccountId(0x1122_3344),
    }
}

fn set_by() -> SetBy {
    SetBy {
        login: Some(LoginId(0x0A0B_0C0D)),
        user_ref: UserRef(0x2122_2324),
        account: AccountId(0x1122_3344),
    }
}

/// Every command of what owners set.
pub fn of_owners() -> Vec<(&'static str, OwnerCommand)> {
    let leverage = SetLeverage { by: setter(), instrument: InstrumentId(0x1112_1314), leverage: 0x65 };
    let mode = MarginMode::Isolated;
    let mode = SetMarginMode { by: setter(), instrument: InstrumentId(0x1112_1314), mode };
    let moved = MoveMargin {
        by: setter(),
        instrument: InstrumentId(0x1112_1314),
        leg: PositionLeg::Short,
        amount: Amount(-0x3132_3334_3536),
    };
    vec![
        ("SetMarginMode", OwnerCommand::SetMarginMode(mode)),
        ("SetLeverage", OwnerCommand::SetLeverage(leverage)),
        ("SetLeverage, operator", OwnerCommand::SetLeverage(SetLeverage::default())),
        ("MoveMargin", OwnerCommand::MoveMargin(moved)),
    ]
}

fn position() -> PositionChanged {
    PositionChanged {
        account: AccountId(0x0102_0304),
        instrument: InstrumentId(0x1112_1314),
        leg: PositionLeg::Short,
        cause: PositionCause::Deleveraged,
        trade: TradeId(0x2122_2324_2526_2728),
        lots: -0x3132_3334_3536,
        cost: -0x4142_4344_4546,
        realised: 0x5152_5354_5556_5758,
        pot: 0x6162_6364_6566_6768,
        wallet: -0x7172_7374_7576_7778,
    }
}

pub fn position_state() -> PositionState {
    PositionState {
        login: LoginId(0x0A0B_0C0D),
        instrument: InstrumentId(0x1112_1314),
        leg: PositionLeg::Long,
        leverage: 0x21,
        lots: -0x3132_3334_3536,
        cost: 0x4142_4344_4546_4748,
        pot: -0x5152_5354_5556,
        mark: Price(0x6162_6364_6566_6768),
        profit: -0x7172_7374_7576,
        equity: -0x0182_8384_8586,
        maintenance: Amount(0x1192_9394_9596_9798),
        liquidation: Price(0x21A2_A3A4_A5A6_A7A8),
    }
}

fn funding() -> FundingSet {
    FundingSet {
        instrument: InstrumentId(0x1112_1314),
        number: FundingNumber(0x2122_2324),
        rate_ppb: -0x3132_3334,
        samples: 0x4142_4344,
        premium_ppb: -0x5152_5354_5556_5758,
        mark: Price(0x6162_6364_6566_6768),
        open_interest: Quantity(0x7172_7374_7576_7778),
    }
}

fn funding_paid() -> FundingPaid {
    FundingPaid {
        account: AccountId(0x0102_0304),
        instrument: InstrumentId(0x1112_1314),
        leg: PositionLeg::Long,
        number: FundingNumber(0x2122_2324),
        amount: Amount(-0x3132_3334_3536_3738),
        pot: 0x4142_4344_4546_4748,
        wallet: -0x5152_5354_5556_5758,
    }
}

fn fund_paid() -> FundPaid {
    FundPaid {
        account: AccountId(0x0102_0304),
        instrument: None,
        asset: AssetId(0x5566),
        shard: ShardId(6),
        amount: Amount(0x1112_1314_1516_1718),
        fund: Amount(-0x2122_2324_2526_2728),
    }
}

/// Every event about contracts.
pub fn events() -> Vec<(&'static str, ContractEvent)> {
    let set = IndexSet {
        index: IndexId(0x5152),
        price: 0x0102_0304,
        source_time: Timestamp(0x2122_2324_2526_2728),
        grace_until: Timestamp(0x3132_3334_3536_3738),
    };
    let held = ContractEvent::IndexHeld {
        index: IndexId(0x5152),
        price: 0x0102_0304,
        source_time: Timestamp(0x2122_2324_2526_2728),
    };
    let mode = MarginMode::Isolated;
    let mode = MarginModeSet { by: set_by(), instrument: InstrumentId(0x1112_1314), mode };
    let moved = MarginMoved {
        by: set_by(),
        instrument: InstrumentId(0x1112_1314),
        leg: PositionLeg::Short,
        amount: Amount(-0x3132_3334_3536),
        pot: Amount(0x4142_4344_4546_4748),
        wallet: Amount(0x5152_5354_5556_5758),
    };
    let leverage = LeverageSet { by: set_by(), instrument: InstrumentId(0x1112_1314), leverage: 0x65 };
    let of_funding = FundChanged {
        cause: FundCause::Funding,
        instrument: Some(InstrumentId(0x1112_1314)),
        reference: 0,
        ..change()
    };
    vec![
        ("IndexAdded", ContractEvent::IndexAdded(index())),
        ("IndexTermsSet", ContractEvent::IndexTermsSet { index: IndexId(0x5152), terms: terms() }),
        ("IndexSet", ContractEvent::IndexSet(set)),
        ("IndexHeld", held),
        ("ContractSet", ContractEvent::ContractSet(contract())),
        ("ContractRiskSet", ContractEvent::ContractRiskSet(risk())),
        (
            "MarginTierSet",
            ContractEvent::MarginTierSet { tier: tier(), amount: Amount(0x4142_4344_4546_4748) },
        ),
        ("MarginTiersSet", ContractEvent::MarginTiersSet { instrument: InstrumentId(0x1112_1314), rows: 7 }),
        ("FundChanged", ContractEvent::FundChanged(change())),
        ("FundChanged, funding", ContractEvent::FundChanged(of_funding)),
        ("PositionChanged", ContractEvent::PositionChanged(position())),
        ("FundingSet", ContractEvent::FundingSet(funding())),
        ("FundingPaid", ContractEvent::FundingPaid(funding_paid())),
        (
            "FundingClosed",
            ContractEvent::FundingClosed {
                instrument: InstrumentId(0x1112_1314),
                number: FundingNumber(0x2122_2324),
                legs: 0x3132_3334,
                remainder: Amount(0x4142_4344_4546_4748),
            },
        ),
        (
            "SettlementPending",
            ContractEvent::SettlementPending { instrument: InstrumentId(0x1112_1314), samples: 0x2122_2324 },
        ),
        (
            "ContractSettled",
            ContractEvent::ContractSettled {
                instrument: InstrumentId(0x1112_1314),
                price: Price(0x2122_2324_2526_2728),
                legs: 0x3132_3334,
                remainder: Amount(0x4142_4344_4546_4748),
            },
        ),
        ("FundPaid", ContractEvent::FundPaid(fund_paid())),
        (
            "FundPaid, of a pot",
            ContractEvent::FundPaid(FundPaid { instrument: Some(InstrumentId(0x1112_1314)), ..fund_paid() }),
        ),
        ("InsuranceDeficit", ContractEvent::InsuranceDeficit(fund_paid())),
        ("MarginModeSet", ContractEvent::MarginModeSet(mode)),
        ("LeverageSet", ContractEvent::LeverageSet(leverage)),
        ("LeverageSet, operator", ContractEvent::LeverageSet(LeverageSet::default())),
        ("MarginMoved", ContractEvent::MarginMoved(moved)),
    ]
}
