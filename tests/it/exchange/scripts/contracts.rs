//! Lines of a script about indexes, contracts and insurance funds; and such events as lines.

use super::words::Words;
use dojima::domain::{
    AccountId, AddIndex, Amount, AssetId, Command, ContractCommand, ContractEvent, DeleverageMode,
    DepositFund, FundPaid, IndexId, IndexTerms, InstrumentId, MarginMode, MoveMargin, OwnerCommand,
    PositionLeg, PositionMode, Ppm, Price, SetBy, SetContract, SetContractRisk, SetIndex, SetLeverage,
    SetMarginMode, SetMarginTier, SetPositionMode, Setter, ShardId, Symbol, Timestamp,
};

fn index_terms(words: &mut Words, decimals: &mut u8) -> IndexTerms {
    let mut terms = IndexTerms { stale_after_ms: 10_000, grace_s: 60, jump: Ppm(0) };
    for (key, value) in words.settings() {
        match key {
            "decimals" => *decimals = words.parse(value),
            "stale" => terms.stale_after_ms = words.parse(value),
            "grace" => terms.grace_s = words.parse(value),
            "jump" => terms.jump = Ppm(words.parse(value)),
            _ => words.bad("no such term of an index"),
        }
    }
    terms
}

fn add_index(words: &mut Words) -> ContractCommand {
    let index = IndexId(words.number());
    let symbol = Symbol::new(words.next()).unwrap_or_else(|| words.bad("no symbol"));
    let mut price_decimals = 2;
    let terms = index_terms(words, &mut price_decimals);
    ContractCommand::AddIndex(AddIndex { index, symbol, price_decimals, shard: ShardId::FIRST, terms })
}

fn set_index(words: &mut Words) -> ContractCommand {
    let (index, price) = (IndexId(words.number()), words.number());
    words.expect("at");
    ContractCommand::SetIndex(SetIndex { index, price, source_time: Timestamp(words.time()) })
}

fn set_contract(words: &mut Words) -> ContractCommand {
    let mut set = SetContract {
        instrument: InstrumentId(words.number()),
        index: IndexId(0),
        expiry: 0,
        funding_interval_s: 28_800,
        price_min: 5,
        price_max: 100_000,
    };
    for (key, value) in words.settings() {
        match key {
            "index" => set.index = IndexId(words.parse(value)),
            "expiry" => set.expiry = words.parse(value),
            "interval" => set.funding_interval_s = words.parse(value),
            "min" => set.price_min = words.parse(value),
            "max" => set.price_max = words.parse(value),
            _ => words.bad("no such term of a contract"),
        }
    }
    ContractCommand::SetContract(set)
}

/// The risk parameters of a contract where a script says nothing else.
fn risk(instrument: InstrumentId) -> SetContractRisk {
    SetContractRisk {
        instrument,
        interest_ppb: 0,
        impact_lots: 10,
        mark_band: Ppm(5_000),
        first_band: Ppm(100_000),
        premium_band: Ppm(20_000),
        outer_band: Ppm(50_000),
        liquidation_fee: Ppm(0),
        collar: Ppm(10_000),
        adl_after: 10,
        adl_mode: DeleverageMode::ByRank,
        position_limit: 1_000,
        open_interest_limit: 10_000,
    }
}

fn set_risk(words: &mut Words) -> ContractCommand {
    let mut set = risk(InstrumentId(words.number()));
    for (key, value) in words.settings() {
        let share = || Ppm(words.parse(value));
        match key {
            "interest" => set.interest_ppb = words.parse(value),
            "impact" => set.impact_lots = words.parse(value),
            "mark" => set.mark_band = share(),
            "first" => set.first_band = share(),
            "premium" => set.premium_band = share(),
            "outer" => set.outer_band = share(),
            "fee" => set.liquidation_fee = share(),
            "collar" => set.collar = share(),
            "adl-after" => set.adl_after = words.parse(value),
            "adl" => {
                let mode = DeleverageMode::from_word(value);
                set.adl_mode = mode.unwrap_or_else(|| words.bad("no such mode"));
            }
            "position" => set.position_limit = words.parse(value),
            "interest-max" => set.open_interest_limit = words.parse(value),
            _ => words.bad("no such parameter"),
        }
    }
    ContractCommand::SetContractRisk(set)
}

fn set_tier(words: &mut Words) -> ContractCommand {
    let (instrument, row) = (InstrumentId(words.number()), words.number());
    words.expect("of");
    let mut tier = SetMarginTier { instrument, row, of: words.number(), ..SetMarginTier::default() };
    for (key, value) in words.settings() {
        match key {
            "floor" => tier.floor = words.amount(value),
            "initial" => tier.initial = Ppm(words.parse(value)),
            "maintenance" => tier.maintenance = Ppm(words.parse(value)),
            _ => words.bad("no such part of a tier"),
        }
    }
    ContractCommand::SetMarginTier(tier)
}

fn deposit_fund(words: &mut Words) -> ContractCommand {
    ContractCommand::DepositFund(DepositFund {
        asset: AssetId(words.number()),
        shard: ShardId::FIRST,
        amount: Amount(words.number()),
        reference: words.number(),
    })
}

/// For whom something is set and by whom: `of 2 by 3.7` is account 2 and login 3 with its number 7; else an operator.
fn setter(words: &mut Words) -> Setter {
    words.expect("of");
    let mut by = Setter { account: AccountId(words.number()), ..Setter::default() };
    if words.takes("by") {
        let (login, user_ref) = words.order();
        (by.login, by.user_ref) = (Some(login), user_ref);
    }
    by
}

/// The first words of lines that are commands of owners.
const SETTINGS: [&str; 4] = ["position-mode", "margin-mode", "leverage", "move-margin"];

/// Whether a line is a command of an owner.
pub fn is_setting(line: &str) -> bool {
    line.split(' ').next().is_some_and(|first| SETTINGS.contains(&first))
}

fn setting(first: &str, words: &mut Words) -> OwnerCommand {
    if first == "position-mode" {
        let shard = ShardId(words.number());
        let mode = PositionMode::from_word(words.next()).unwrap_or_else(|| words.bad("no such mode"));
        return OwnerCommand::SetPositionMode(SetPositionMode { by: setter(words), shard, mode });
    }
    let instrument = InstrumentId(words.number());
    match first {
        "margin-mode" => {
            let mode = MarginMode::from_word(words.next()).unwrap_or_else(|| words.bad("no such mode"));
            OwnerCommand::SetMarginMode(SetMarginMode { by: setter(words), instrument, mode })
        }
        "leverage" => {
            let leverage = words.number();
            OwnerCommand::SetLeverage(SetLeverage { by: setter(words), instrument, leverage })
        }
        _ => {
            let pair = [PositionLeg::Long, PositionLeg::Short];
            let leg = pair.into_iter().find(|leg| words.takes(leg.word())).unwrap_or_default();
            let amount = Amount(words.number());
            OwnerCommand::MoveMargin(MoveMargin { by: setter(words), instrument, leg, amount })
        }
    }
}

/// The command of a line with this first word, if it is one of these.
pub fn command(first: &str, words: &mut Words) -> Option<Command> {
    if SETTINGS.contains(&first) {
        return Some(Command::Owner(setting(first, words)));
    }
    Some(Command::Contract(match first {
        "index" => add_index(words),
        "index-terms" => {
            let index = IndexId(words.number());
            let terms = index_terms(words, &mut 0);
            ContractCommand::SetIndexTerms { index, terms }
        }
        "index-price" => set_index(words),
        "contract" => set_contract(words),
        "risk" => set_risk(words),
        "margin-tier" => set_tier(words),
        "fund" => deposit_fund(words),
        "settle" => {
            let instrument = InstrumentId(words.number());
            ContractCommand::SettleContract { instrument, price: Price(words.number()) }
        }
        _ => return None,
    }))
}

fn terms_shown(terms: &IndexTerms) -> String {
    let IndexTerms { stale_after_ms, grace_s, jump } = *terms;
    format!("stale after {stale_after_ms} ms, grace {grace_s} s, jump {jump}")
}

/// Seconds with their nanoseconds, or `never` for 0.
fn time_shown(time: Timestamp) -> String {
    let (seconds, rest) = (time.0 / Timestamp::SECOND, time.0 % Timestamp::SECOND);
    match (seconds, rest) {
        (0, 0) => "never".to_owned(),
        (_, 0) => format!("{seconds}s"),
        _ => format!("{seconds}.{}s", format!("{rest:09}").trim_end_matches('0')),
    }
}

fn contract_shown(set: &SetContract) -> String {
    let SetContract { instrument, index, expiry, funding_interval_s, price_min, price_max } = *set;
    let times = format!("expiry {expiry}, funding {funding_interval_s}");
    format!("contract {instrument} of index {index}, {times}, prices {price_min} to {price_max}")
}

fn risk_shown(set: &SetContractRisk) -> String {
    let head = format!("risk {} interest {} impact {}", set.instrument, set.interest_ppb, set.impact_lots);
    let bands = [set.mark_band, set.first_band, set.premium_band, set.outer_band];
    let bands = bands.map(|band| band.to_string()).join(" ");
    let closing = format!("fee {} collar {}", set.liquidation_fee, set.collar);
    let adl = format!("adl {} after {}", set.adl_mode.word(), set.adl_after);
    let limits = format!("limits {} and {}", set.position_limit, set.open_interest_limit);
    format!("{head}, bands {bands}, {closing}, {adl}, {limits}")
}

fn tier_shown(tier: &SetMarginTier, amount: Amount) -> String {
    let SetMarginTier { instrument, row, of, floor, initial, maintenance } = *tier;
    let head = format!("margin-tier {instrument} {row} of {of} from {floor}");
    format!("{head}, initial {initial} maintenance {maintenance}, amount {amount}")
}

/// For whom something is set, and by which message.
fn by(set: &SetBy) -> String {
    let of = set.login.map_or_else(String::new, |login| format!(" by {login}.{}", set.user_ref));
    format!(" for account {}{of}", set.account)
}

/// One event on one line.
pub fn shown(event: &ContractEvent) -> String {
    match event {
        ContractEvent::IndexAdded(added) => {
            let AddIndex { index, symbol, price_decimals, shard, terms } = added;
            let head =
                format!("index {index} {} of {price_decimals} decimals in shard {shard}", symbol.text());
            format!("{head}, {}", terms_shown(terms))
        }
        ContractEvent::IndexTermsSet { index, terms } => {
            format!("index-terms {index} {}", terms_shown(terms))
        }
        ContractEvent::IndexSet(set) => {
            let (of, until) = (time_shown(set.source_time), time_shown(set.grace_until));
            format!("index-price {} {} of {of}, grace until {until}", set.index, set.price)
        }
        ContractEvent::IndexHeld { index, price, source_time } => {
            format!("index-held {index} {price} of {}", time_shown(*source_time))
        }
        ContractEvent::ContractSet(set) => contract_shown(set),
        ContractEvent::ContractRiskSet(set) => risk_shown(set),
        ContractEvent::MarginTierSet { tier, amount } => tier_shown(tier, *amount),
        ContractEvent::MarginTiersSet { instrument, rows } => {
            format!("margin-tiers {instrument} {rows} rows")
        }
        ContractEvent::FundChanged(fund) => {
            let cause = fund.cause.word();
            let of = fund.instrument.map_or_else(String::new, |instrument| format!(" of i{instrument}"));
            let head = format!("fund {} of shard {} {cause}{of}", fund.asset, fund.shard);
            format!("{head} {} is {} #{}", fund.amount, fund.fund, fund.reference)
        }
        ContractEvent::PositionModeSet(set) => {
            format!("position-mode {} of shard {}{}", set.mode.word(), set.shard, by(&set.by))
        }
        ContractEvent::MarginModeSet(set) => {
            format!("margin-mode {} of i{}{}", set.mode.word(), set.instrument, by(&set.by))
        }
        ContractEvent::MarginMoved(it) => {
            let head = format!("margin-moved {} of i{} {}", it.amount, it.instrument, it.leg.word());
            format!("{head}{} pot {} wallet {}", by(&it.by), it.pot, it.wallet)
        }
        ContractEvent::LeverageSet(set) => {
            format!("leverage {} of i{}{}", set.leverage, set.instrument, by(&set.by))
        }
        ContractEvent::PositionChanged(it) => {
            let (leg, cause) = (it.leg.word(), it.cause.word());
            let head = format!("position {} of i{} {leg}", it.account, it.instrument);
            let pot = if it.pot == 0 { String::new() } else { format!(" pot {}", it.pot) };
            let of = if it.trade.0 == 0 { String::new() } else { format!(" !{}", it.trade) };
            let has = format!("{} lots cost {}, realised {}", it.lots, it.cost, it.realised);
            format!("{head} {has}{pot} wallet {} {cause}{of}", it.wallet)
        }
        ContractEvent::FundingSet(it) => {
            let head = format!("funding {} of i{} {} ppb", it.number.0, it.instrument, it.rate_ppb);
            let of = format!("{} samples, premium {} ppb", it.samples, it.premium_ppb);
            format!("{head} of {of} mark {} interest {}", it.mark, it.open_interest)
        }
        ContractEvent::FundingPaid(it) => {
            let head = format!("funding-paid {} of i{} {}", it.account, it.instrument, it.leg.word());
            let pot = if it.pot == 0 { String::new() } else { format!(" pot {}", it.pot) };
            format!("{head} {} {}{pot} wallet {}", it.number.0, it.amount, it.wallet)
        }
        ContractEvent::FundingClosed { instrument, number, legs, remainder } => {
            format!("funding-closed {} of i{instrument} {legs} legs left {remainder}", number.0)
        }
        ContractEvent::SettlementPending { instrument, samples } => {
            format!("settlement-pending i{instrument} {samples} samples")
        }
        ContractEvent::ContractSettled { instrument, price, legs, remainder } => {
            format!("settled i{instrument} at {price} {legs} legs left {remainder}")
        }
        ContractEvent::FundPaid(it) => fund_paid_shown("fund-paid", it),
        ContractEvent::InsuranceDeficit(it) => fund_paid_shown("deficit", it),
    }
}

fn fund_paid_shown(word: &str, it: &FundPaid) -> String {
    let of = it.instrument.map_or_else(String::new, |instrument| format!(" of i{instrument}"));
    let head = format!("{word} {} of shard {} for {}{of}", it.asset, it.shard, it.account);
    format!("{head} {} is {}", it.amount, it.fund)
}
