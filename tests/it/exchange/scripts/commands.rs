//! A line of a script as a command.

use super::contracts;
use super::details::asked;
use super::words::Words;
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, Amend, Amount, AssetCode, AssetId, AssetSettings, Cancel,
    CancelFilter, Checkpoint, ClOrdId, ClientName, ClockCommand, Command, ConnectionLoss, Enter, FeeAsset,
    FeeRate, FeeTier, GroupId, IndexId, InstrumentId, KillScope, LimitScope, ListInstrument, LoginId,
    LoginName, MassCancel, Modify, NameOrder, OrderCommand, OrderId, OrderLimits, Phase, Ppm, Price, Product,
    Protection, Quantity, QueryAccount, QueryWallet, Question, RefuseEnter, RefuseReplace, Replace,
    SendIndex, SetFees, SetOrderEntry, SetTerms, ShardId, Switch, Symbol, Timestamp, Transfer, UserRef,
    VenueCommand, VenueLimits, VolumeTiers,
};

/// The terms of a listing where a script says nothing else.
fn terms() -> ListInstrument {
    ListInstrument {
        price_decimals: 2,
        tick_units: 5,
        lot: Amount(100),
        min_quantity: Quantity(2),
        max_quantity: Quantity(1000),
        min_notional: Amount(200),
        maker_fee: FeeRate(1_000),
        taker_fee: FeeRate(2_000),
        phase: Phase::Continuous,
        ..ListInstrument::default()
    }
}

fn list(words: &mut Words) -> Command {
    let mut terms = ListInstrument { instrument: InstrumentId(words.number()), ..terms() };
    terms.symbol = Symbol::new(words.next()).unwrap_or_else(|| words.bad("no symbol"));
    let assets = words.next();
    let (base, quote) = assets.split_once('/').unwrap_or_else(|| words.bad("no base/quote"));
    (terms.base, terms.quote) = (AssetId(words.parse(base)), AssetId(words.parse(quote)));
    for (key, value) in words.settings() {
        match key {
            "decimals" => terms.price_decimals = words.parse(value),
            "tick" => terms.tick_units = words.parse(value),
            "lot" => terms.lot = words.amount(value),
            "min" => terms.min_quantity = Quantity(words.parse(value)),
            "max" => terms.max_quantity = Quantity(words.parse(value)),
            "notional" => terms.min_notional = words.amount(value),
            "maker" => terms.maker_fee = FeeRate(words.parse(value)),
            "taker" => terms.taker_fee = FeeRate(words.parse(value)),
            "fees" if value == "received" => terms.fee_asset = FeeAsset::Received,
            "phase" => terms.phase = words.phase(value),
            "product" => {
                let product = Product::from_word(value);
                terms.product = product.unwrap_or_else(|| words.bad("no such product"));
            }
            _ => words.bad("no such term"),
        }
    }
    Command::Admin(AdminCommand::ListInstrument(terms))
}

fn set_terms(words: &mut Words) -> Command {
    let ListInstrument { tick_units, lot, min_quantity, max_quantity, min_notional, .. } = terms();
    let instrument = InstrumentId(words.number());
    let mut set = SetTerms { instrument, tick_units, lot, min_quantity, max_quantity, min_notional };
    for (key, value) in words.settings() {
        match key {
            "tick" => set.tick_units = words.parse(value),
            "lot" => set.lot = words.amount(value),
            "min" => set.min_quantity = Quantity(words.parse(value)),
            "max" => set.max_quantity = Quantity(words.parse(value)),
            "notional" => set.min_notional = words.amount(value),
            _ => words.bad("no such term"),
        }
    }
    Command::Admin(AdminCommand::SetTerms(set))
}

fn fees(words: &mut Words) -> Command {
    let instrument = InstrumentId(words.number());
    words.expect("tier");
    let mut fees = SetFees { instrument, tier: FeeTier(words.number()), ..SetFees::default() };
    for (key, value) in words.settings() {
        match key {
            "maker" => fees.maker = FeeRate(words.parse(value)),
            "taker" => fees.taker = FeeRate(words.parse(value)),
            _ => words.bad("no such fee"),
        }
    }
    Command::Admin(AdminCommand::SetFees(fees))
}

fn protect(words: &mut Words) -> Command {
    let instrument = InstrumentId(words.number());
    let mut protection = Protection::default();
    for (key, value) in words.settings() {
        match key {
            "min" => protection.price_min = words.parse(value),
            "max" => protection.price_max = words.parse(value),
            "reference" => protection.reference = words.parse(value),
            "static" => protection.static_band = Ppm(words.parse(value)),
            "dynamic" => protection.dynamic_band = Ppm(words.parse(value)),
            "interruption" => protection.interruption_s = words.parse(value),
            "collar" => protection.market_collar = Ppm(words.parse(value)),
            _ => words.bad("no such protection"),
        }
    }
    Command::Admin(AdminCommand::SetProtection { instrument, protection })
}

fn venue_limits(words: &mut Words) -> Command {
    let mut limits = VenueLimits { orders_max: words.number(), ..VenueLimits::default() };
    for (key, value) in words.settings() {
        match key {
            "touched" => limits.orders_touched_max = words.parse(value),
            "account-orders" => limits.account_orders_max = words.parse(value),
            "account-triggers" => limits.account_triggers_max = words.parse(value),
            _ => words.bad("no such limit"),
        }
    }
    Command::Venue(VenueCommand::SetLimits { limits })
}

fn limit(words: &mut Words) -> Command {
    let scope = match words.next() {
        "account" => LimitScope::Account(AccountId(words.number())),
        "instrument" => LimitScope::Instrument(InstrumentId(words.number())),
        "login" => LimitScope::Login(LoginId(words.number())),
        _ => words.bad("neither account, instrument nor login"),
    };
    let mut limits = OrderLimits::default();
    for (key, value) in words.settings() {
        match key {
            "quantity" => limits.quantity_max = Quantity(words.parse(value)),
            "notional" => limits.notional_max = words.amount(value),
            "orders" => limits.open_orders_max = words.parse(value),
            "triggers" => limits.triggers_max = words.parse(value),
            "rate" => limits.orders_per_second_max = words.parse(value),
            "position" => limits.position_max = Quantity(words.parse(value)),
            _ => words.bad("no such limit"),
        }
    }
    Command::Admin(AdminCommand::SetOrderLimits { scope, limits })
}

fn set_asset(words: &mut Words) -> Command {
    let mut settings = AssetSettings {
        asset: AssetId(words.number()),
        scale: 2,
        deposits: Switch::On,
        withdrawals: Switch::On,
        min_deposit: Amount(0),
        min_withdrawal: Amount(0),
    };
    for (key, value) in words.settings() {
        match key {
            "scale" => settings.scale = words.parse(value),
            "deposits" => settings.deposits = words.on_or_off(value),
            "withdrawals" => settings.withdrawals = words.on_or_off(value),
            "min-deposit" => settings.min_deposit = words.amount(value),
            "min-withdrawal" => settings.min_withdrawal = words.amount(value),
            _ => words.bad("no such setting"),
        }
    }
    Command::Admin(AdminCommand::SetAsset(settings))
}

fn self_trade(words: &mut Words) -> Command {
    let (account, prevention) = (AccountId(words.number()), words.prevention());
    let group = if words.takes("in") { GroupId(words.number()) } else { GroupId(0) };
    Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade { account, prevention, group }))
}

fn volume_tiers(words: &mut Words) -> Command {
    let mut tiers = VolumeTiers { asset: AssetId(words.number()), ..VolumeTiers::default() };
    for least in &mut tiers.volume_min {
        let Some(word) = words.maybe() else { break };
        *least = words.amount(word);
    }
    Command::Admin(AdminCommand::SetVolumeTiers(tiers))
}

fn kill(words: &mut Words) -> Command {
    let scope = match words.next() {
        "venue" => KillScope::Venue,
        "account" => KillScope::Account(AccountId(words.number())),
        _ => words.bad("neither venue nor account"),
    };
    Command::Admin(AdminCommand::Kill { scope, switch: words.switch() })
}

fn enter(words: &mut Words) -> Command {
    let (login, user_ref) = words.order();
    let instrument = InstrumentId(words.number());
    let (side, quantity, price) = (words.side(), Quantity(words.number()), words.price());
    let (time_in_force, instructions) = asked(words);
    let echo = Default::default();
    Command::Order(OrderCommand::Enter(Enter {
        login,
        session: 0,
        user_ref,
        instrument,
        side,
        time_in_force,
        price,
        quantity,
        echo,
        instructions,
    }))
}

fn replace(words: &mut Words) -> Command {
    let (login, orig_user_ref) = words.order();
    words.expect("to");
    let (user_ref, quantity, price) = (UserRef(words.number()), Quantity(words.number()), words.price());
    let (time_in_force, instructions) = asked(words);
    let echo = Default::default();
    Command::Order(OrderCommand::Replace(Replace {
        login,
        session: 0,
        orig_user_ref,
        user_ref,
        time_in_force,
        price,
        quantity,
        echo,
        instructions,
    }))
}

fn amend(words: &mut Words) -> Command {
    let (login, user_ref) = words.order();
    words.expect("to");
    let quantity = Quantity(words.number());
    let price = words.takes("@").then(|| words.number());
    Command::Order(OrderCommand::Amend(Amend { login, session: 0, user_ref, price, quantity }))
}

fn cancel(words: &mut Words) -> Command {
    let (login, user_ref) = words.order();
    let quantity = if words.takes("to") { Quantity(words.number()) } else { Quantity(0) };
    Command::Order(OrderCommand::Cancel(Cancel { login, session: 0, user_ref, quantity }))
}

fn mass_cancel(words: &mut Words) -> Command {
    let (mut login, mut user_ref) = (None, UserRef(0));
    if !words.takes("operator") {
        let named = words.order();
        (login, user_ref) = (Some(named.0), named.1);
    }
    let mut filter = CancelFilter::default();
    while let Some(word) = words.maybe() {
        match word {
            "login" => filter.login = Some(LoginId(words.number())),
            "account" => filter.account = Some(AccountId(words.number())),
            "instrument" => filter.instrument = Some(InstrumentId(words.number())),
            "side" => filter.side = Some(words.side()),
            _ => words.bad("no such filter"),
        }
    }
    Command::Order(OrderCommand::MassCancel(MassCancel { login, session: 0, user_ref, filter }))
}

fn transfer(words: &mut Words) -> Transfer {
    let (account, asset) = (AccountId(words.number()), AssetId(words.number()));
    Transfer {
        account,
        asset,
        amount: Amount(words.number()),
        reference: words.number(),
        shard: ShardId::FIRST,
    }
}

fn refuse_enter(words: &mut Words) -> Command {
    let (login, user_ref) = words.order();
    Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
        login,
        session: 0,
        user_ref,
        reason: words.reason(),
        cl_ord_id: ClOrdId::default(),
    }))
}

fn refuse_replace(words: &mut Words) -> Command {
    let (login, orig_user_ref) = words.order();
    words.expect("to");
    let user_ref = UserRef(words.number());
    let (reason, cl_ord_id) = (words.reason(), ClOrdId::default());
    Command::Order(OrderCommand::RefuseReplace(RefuseReplace {
        login,
        session: 0,
        orig_user_ref,
        user_ref,
        reason,
        cl_ord_id,
    }))
}

fn modify(words: &mut Words) -> Command {
    let (login, user_ref) = words.order();
    let side = words.side();
    words.expect("to");
    Command::Order(OrderCommand::Modify(Modify {
        login,
        session: 0,
        user_ref,
        side,
        quantity: Quantity(words.number()),
    }))
}

fn query(words: &mut Words) -> Command {
    let login = LoginId(words.number());
    if words.takes("wallet") {
        let (shard, asset) = (ShardId(words.number()), AssetId(words.number()));
        return Command::Order(OrderCommand::QueryWallet(QueryWallet { login, session: 0, shard, asset }));
    }
    let cancel_after_ms = words.takes("after").then(|| words.number());
    let asks = if words.takes("balance") {
        Question::Balance(AssetId(words.number()))
    } else if words.takes("position") {
        Question::Position(InstrumentId(words.number()))
    } else {
        Question::Nothing
    };
    Command::Order(OrderCommand::QueryAccount(QueryAccount { login, session: 0, cancel_after_ms, asks }))
}

fn name(words: &mut Words) -> Command {
    let (login, user_ref) = words.order();
    let name = ClientName::new(words.next()).unwrap_or_else(|| words.bad("no name"));
    Command::Order(OrderCommand::NameOrder(NameOrder { login, session: 0, user_ref, name }))
}

fn order_entry(words: &mut Words) -> Command {
    let (login, user_ref) = words.order();
    Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
        login,
        session: 0,
        user_ref,
        firm: [0; 4],
        switch: words.switch(),
    }))
}

pub fn command(mut words: Words) -> Command {
    let words = &mut words;
    let command = match words.next() {
        "asset" => {
            let asset = AssetId(words.number());
            let code = AssetCode::new(words.next()).unwrap_or_else(|| words.bad("no code"));
            Command::Admin(AdminCommand::AddAsset { asset, code, scale: words.number() })
        }
        "account" => Command::Venue(VenueCommand::OpenAccount { account: AccountId(words.number()) }),
        "login" => Command::Venue(VenueCommand::OpenLogin {
            login: LoginId(words.number()),
            account: AccountId(words.number()),
            name: LoginName::default(),
        }),
        "list" => list(words),
        "phase" => {
            let instrument = InstrumentId(words.number());
            let name = words.next();
            Command::Admin(AdminCommand::SetPhase { instrument, phase: words.phase(name) })
        }
        "deposit" => Command::Admin(AdminCommand::Deposit(transfer(words))),
        "withdraw" => Command::Admin(AdminCommand::Withdraw(transfer(words))),
        "limits" => venue_limits(words),
        "open" => Command::Venue(VenueCommand::Open { config_digest: words.number() }),
        "enter" => enter(words),
        "replace" => replace(words),
        "amend" => amend(words),
        "cancel" => cancel(words),
        "masscancel" => mass_cancel(words),
        "cancel-order" => Command::Order(OrderCommand::CancelOrder { order: OrderId(words.number()) }),
        "refuse-enter" => refuse_enter(words),
        "refuse-replace" => refuse_replace(words),
        "tick" => Command::Clock(ClockCommand::Tick),
        "mark" => Command::Admin(AdminCommand::SetMark {
            instrument: InstrumentId(words.number()),
            price: Price(words.number()),
        }),
        "delist" => Command::Admin(AdminCommand::Delist { instrument: InstrumentId(words.number()) }),
        "terms" => set_terms(words),
        "fees" => fees(words),
        "protect" => protect(words),
        "limit" => limit(words),
        "asset-set" => set_asset(words),
        "stp" => self_trade(words),
        "tier" => {
            let account = AccountId(words.number());
            let tier = if words.takes("volume") { None } else { Some(FeeTier(words.number())) };
            Command::Admin(AdminCommand::AssignTier { account, tier })
        }
        "tiers" => volume_tiers(words),
        "kill" => kill(words),
        "rules" => Command::Venue(VenueCommand::SetRules { edition: words.number() }),
        "lead" => {
            let epoch = words.number();
            words.expect("by");
            Command::Venue(VenueCommand::Lead { epoch, node: words.number() })
        }
        "modify" => modify(words),
        "query" => query(words),
        "order-entry" => order_entry(words),
        "name" => name(words),
        "index-price-of" => {
            let (login, user_ref) = words.order();
            let (index, price) = (IndexId(words.number()), words.number());
            words.expect("at");
            let source_time = Timestamp(words.time());
            Command::Order(OrderCommand::SendIndex(SendIndex {
                login,
                session: 0,
                user_ref,
                index,
                price,
                source_time,
            }))
        }
        "lost" => {
            let cause = ConnectionLoss::Disconnected;
            Command::Order(OrderCommand::CancelLogin { login: LoginId(words.number()), cause })
        }
        "reset-user-ref" => Command::Venue(VenueCommand::ResetUserRef { login: LoginId(words.number()) }),
        "session" => Command::Venue(VenueCommand::RollSession { session: words.number() }),
        "copy" => {
            let account = AccountId(words.number());
            words.expect("to");
            Command::Venue(VenueCommand::CopyAccount { login: LoginId(words.number()), account })
        }
        "checkpoint" => Command::Venue(VenueCommand::Checkpoint(Checkpoint {
            of: words.number(),
            digest: [words.number(); 32],
        })),
        other => contracts::command(other, words).unwrap_or_else(|| words.bad("no such command")),
    };
    words.end();
    command
}
