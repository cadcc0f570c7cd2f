//! The digest: equal for equal states, whatever way led there and wherever they lie in memory; else different.

pub mod contracts;

use super::properties::{Clients, FEW_TICKS, ORDERS_MAX, drain, everything, opening, plain};
use super::{apply, apply_at};
use crate::support::venue;
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, AssetSettings, Cancel,
    CancelFilter, Command, ConnectionLoss, Echo, Enter, Event, FeeRate, FeeTier, GroupId, Instructions,
    InstrumentId, KillScope, LimitScope, LoginId, LoginName, MarketEvent, MassCancel, OrderCommand,
    OrderEvent, OrderLimits, OrderPrice, Owner, Phase, PostOnly, Ppm, Price, Protection, Quantity,
    QuantityUnit, QueryAccount, Question, RefuseEnter, RejectReason, SelfTrade, SelfTradePrevention, SetFees,
    SetOrderEntry, SetTerms, ShardId, Side, Stamp, Switch, TimeInForce, Timestamp, Transfer, Trigger,
    TriggerKind, TriggerReference, UserRef, VenueCommand, VenueEvent, VenueLimits, Visibility, VolumeTiers,
};
use dojima::exchange::{Digest, Exchange};
use proptest::prelude::*;
use std::collections::HashMap;

const FEES: [i32; 4] = [1_000, 2_000, 0, 0];

fn opened(orders_max: u32) -> Exchange {
    let mut exchange = venue::exchange(orders_max);
    opening(FEES).iter().for_each(|command| drop(apply(&mut exchange, command)));
    exchange
}

pub fn enter(login: u32, user_ref: u32, side: Side, ticks: u64) -> Enter {
    Enter {
        login: LoginId(login),
        user_ref: UserRef(user_ref),
        side,
        price: OrderPrice::Limit((ticks * 5) as i64),
        quantity: Quantity(4),
        ..Enter::default()
    }
}

fn cancel(login: u32, user_ref: u32) -> Command {
    Command::Order(OrderCommand::Cancel(Cancel {
        login: LoginId(login),
        session: 0,
        user_ref: UserRef(user_ref),
        quantity: Quantity(0),
    }))
}

/// More than is there, of the account of login 4.
fn all_or_nothing(ticks: u64) -> Command {
    let asks = Instructions { min_quantity: 5, ..Instructions::default() };
    Command::Order(OrderCommand::Enter(Enter {
        quantity: Quantity(5),
        time_in_force: TimeInForce::ImmediateOrCancel,
        instructions: Some(asks),
        ..enter(4, 1, Side::Sell, ticks)
    }))
}

/// Of sells, where login 1 has none.
fn sweep(account: Option<AccountId>) -> Command {
    let filter = CancelFilter { account, side: Some(Side::Sell), ..CancelFilter::default() };
    Command::Order(OrderCommand::MassCancel(MassCancel {
        login: Some(LoginId(1)),
        session: 0,
        user_ref: UserRef(9),
        filter,
    }))
}

fn after(commands: &[Command]) -> Digest {
    let mut exchange = opened(100);
    commands.iter().for_each(|command| drop(apply(&mut exchange, command)));
    exchange.digest()
}

/// The same orders rest in the end, but those that are gone were cancelled in different orders, so that the survivors
/// and their levels lie in different places, in tables that were once of different sizes.
#[test]
fn the_layout_in_memory_is_no_part_of_it() {
    let orders: Vec<Command> = (1..=30)
        .map(|number| {
            let side = if number % 2 == 0 { Side::Buy } else { Side::Sell };
            let ticks =
                if side == Side::Buy { 10 + u64::from(number) % 7 } else { 30 + u64::from(number) % 5 };
            Command::Order(OrderCommand::Enter(enter(1, number, side, ticks)))
        })
        .collect();
    // Orders 1 to 20 go in this order, then ten more of the next numbers come into the freed places.
    let coins = Transfer {
        account: AccountId(1),
        asset: AssetId(0),
        amount: Amount(1_000_000),
        reference: 9,
        shard: ShardId::FIRST,
    };
    let run = |gone: &mut dyn Iterator<Item = u32>, orders_max| {
        let mut exchange = opened(orders_max);
        apply(&mut exchange, &Command::Admin(AdminCommand::Deposit(coins)));
        orders[..20].iter().for_each(|order| drop(apply(&mut exchange, order)));
        gone.for_each(|number| drop(apply(&mut exchange, &cancel(1, number))));
        orders[20..].iter().for_each(|order| drop(apply(&mut exchange, order)));
        apply(&mut exchange, &Command::Venue(VenueCommand::SetLimits { limits: venue::limits(500) }));
        assert_eq!(exchange.audit(), Ok(()));
        assert_eq!(exchange.open_orders(), 15);
        exchange.digest()
    };
    let upwards = run(&mut (1..=15), 1_000);
    assert_eq!(run(&mut (1..=15).rev(), 1_000), upwards);
    assert_eq!(run(&mut (1..=15).map(|number| number * 7 % 16), 20), upwards);
}

/// What opens the exchange that [`lists`] are for.
pub fn opening_commands() -> Vec<Command> {
    opening(FEES)
}

/// Each of these lists leaves a state that differs from all the others in one thing.
pub fn lists() -> Vec<(&'static str, Vec<Command>)> {
    let base = enter(1, 2, Side::Buy, 20);
    let transfer = Transfer {
        account: AccountId(3),
        asset: AssetId(0),
        amount: Amount(1),
        reference: 9,
        shard: ShardId::FIRST,
    };
    let back = Transfer { reference: 10, ..transfer };
    let first = Command::Order(OrderCommand::Enter(enter(1, 1, Side::Buy, 10)));
    let refused = Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
        login: LoginId(1),
        session: 0,
        user_ref: UserRef(2),
        reason: RejectReason::InvalidSide,
        cl_ord_id: base.echo.cl_ord_id,
    }));
    let lists: Vec<(&str, Vec<Command>)> = vec![
        ("nothing", vec![]),
        ("a resting order", vec![Command::Order(OrderCommand::Enter(base))]),
        ("a look at nothing", vec![Command::Order(OrderCommand::Enter(base)), all_or_nothing(21)]),
        ("a look in vain", vec![Command::Order(OrderCommand::Enter(base)), all_or_nothing(20)]),
        (
            "a mass cancel of no order that could fit",
            vec![Command::Order(OrderCommand::Enter(base)), sweep(Some(AccountId(2)))],
        ),
        ("a mass cancel in vain", vec![Command::Order(OrderCommand::Enter(base)), sweep(None)]),
        (
            "its price",
            vec![Command::Order(OrderCommand::Enter(Enter { price: OrderPrice::Limit(105), ..base }))],
        ),
        ("its quantity", vec![Command::Order(OrderCommand::Enter(Enter { quantity: Quantity(5), ..base }))]),
        ("its side", vec![Command::Order(OrderCommand::Enter(Enter { side: Side::Sell, ..base }))]),
        (
            "its instrument",
            vec![Command::Order(OrderCommand::Enter(Enter { instrument: InstrumentId(1), ..base }))],
        ),
        ("its number", vec![Command::Order(OrderCommand::Enter(Enter { user_ref: UserRef(3), ..base }))]),
        (
            "its login, of the same account",
            vec![Command::Order(OrderCommand::Enter(Enter { login: LoginId(2), ..base }))],
        ),
        (
            "its firm",
            vec![Command::Order(OrderCommand::Enter(Enter {
                echo: Echo { of_order: *b"\0\0ABCD", ..base.echo },
                ..base
            }))],
        ),
        (
            "its capacity",
            vec![Command::Order(OrderCommand::Enter(Enter {
                echo: Echo { of_order: *b"A\0\0\0\0\0", ..base.echo },
                ..base
            }))],
        ),
        (
            "its cross type",
            vec![Command::Order(OrderCommand::Enter(Enter {
                echo: Echo { of_order: *b"\0X\0\0\0\0", ..base.echo },
                ..base
            }))],
        ),
        ("the last order's number", vec![first, Command::Order(OrderCommand::Enter(base)), cancel(1, 1)]),
        (
            "the price of a sell, which holds the same at any",
            vec![Command::Order(OrderCommand::Enter(enter(1, 2, Side::Sell, 21)))],
        ),
        ("a number used", vec![Command::Order(OrderCommand::Enter(base)), cancel(1, 2)]),
        ("a number used by a refusal, which takes none of the exchange's", vec![refused]),
        (
            "a partial cancel",
            vec![
                Command::Order(OrderCommand::Enter(base)),
                Command::Order(OrderCommand::Cancel(Cancel {
                    login: LoginId(1),
                    session: 0,
                    user_ref: UserRef(2),
                    quantity: Quantity(3),
                })),
            ],
        ),
        (
            "a trade",
            vec![
                Command::Order(OrderCommand::Enter(base)),
                Command::Order(OrderCommand::Enter(enter(3, 1, Side::Sell, 20))),
            ],
        ),
        (
            "trading off",
            vec![Command::Admin(AdminCommand::SetPhase {
                instrument: InstrumentId(0),
                phase: Phase::Closed,
            })],
        ),
        (
            "an asset",
            vec![Command::Admin(AdminCommand::AddAsset {
                asset: AssetId(3),
                code: AssetCode(*b"MORE    "),
                scale: 0,
            })],
        ),
        (
            "its scale",
            vec![Command::Admin(AdminCommand::AddAsset {
                asset: AssetId(3),
                code: AssetCode(*b"MORE    "),
                scale: 1,
            })],
        ),
        ("an account", vec![Command::Venue(VenueCommand::OpenAccount { account: AccountId(4) })]),
        (
            "a login",
            vec![Command::Venue(VenueCommand::OpenLogin {
                login: LoginId(5),
                account: AccountId(1),
                name: LoginName::default(),
            })],
        ),
        (
            "whose login",
            vec![Command::Venue(VenueCommand::OpenLogin {
                login: LoginId(5),
                account: AccountId(2),
                name: LoginName::default(),
            })],
        ),
        ("a deposit", vec![Command::Admin(AdminCommand::Deposit(transfer))]),
        (
            "a transfer's number",
            vec![
                Command::Admin(AdminCommand::Deposit(transfer)),
                Command::Admin(AdminCommand::Withdraw(back)),
            ],
        ),
    ];
    lists.into_iter().chain(instructed()).chain(set()).chain(of_logins()).collect()
}

#[test]
fn every_part_of_the_state_is_in_it() {
    let mut seen = HashMap::new();
    for (what, commands) in &lists() {
        if let Some(same) = seen.insert(after(commands), what) {
            panic!("{what:?} has the digest of {same:?}");
        }
    }
    // Priority: the same two orders at the same price, the other first; only the exchange's numbers tell them apart.
    let (one, other) = (
        Command::Order(OrderCommand::Enter(enter(1, 1, Side::Buy, 20))),
        Command::Order(OrderCommand::Enter(enter(4, 1, Side::Buy, 20))),
    );
    assert_ne!(after(&[one, other]), after(&[other, one]));
}

/// The same sell with other instructions each time, resting or waiting.
fn instructed() -> Vec<(&'static str, Vec<Command>)> {
    let plain = Instructions::default();
    let with = |instructions| {
        let base = Enter { quantity: Quantity(20), ..enter(4, 1, Side::Sell, 20) };
        Command::Order(OrderCommand::Enter(Enter { instructions: Some(instructions), ..base }))
    };
    let stop = Trigger { price: 50, ..Trigger::default() };
    let waits = |trigger| with(Instructions { trigger: Some(trigger), ..plain });
    let last = |to_ticks| {
        let buy = Command::Order(OrderCommand::Enter(Enter {
            quantity: Quantity(2),
            ..enter(1, 1, Side::Buy, to_ticks)
        }));
        [
            buy,
            Command::Order(OrderCommand::Enter(Enter {
                quantity: Quantity(2),
                ..enter(3, 1, Side::Sell, to_ticks)
            })),
        ]
    };
    let trails = Trigger { kind: TriggerKind::TrailingStop, price: 25, ..stop };
    let ends = |expire_s| {
        let Command::Order(OrderCommand::Enter(base)) = with(Instructions { expire_s, ..plain }) else {
            unreachable!("an enter")
        };
        Command::Order(OrderCommand::Enter(Enter { time_in_force: TimeInForce::GoodTillTime, ..base }))
    };
    let other =
        Command::Order(OrderCommand::Enter(Enter { quantity: Quantity(20), ..enter(4, 2, Side::Sell, 22) }));
    let linked = Instructions { oco: UserRef(1), ..plain };
    let second = Command::Order(OrderCommand::Enter(Enter {
        instructions: Some(linked),
        ..enter(4, 2, Side::Sell, 22)
    }));
    let alone = Command::Order(OrderCommand::Enter(enter(4, 2, Side::Sell, 22)));
    let lots = |lots| {
        Command::Order(OrderCommand::Enter(Enter { quantity: Quantity(lots), ..enter(1, 1, Side::Buy, 20) }))
    };
    let market = |quantity| {
        let asks = Instructions { trigger: Some(stop), unit: QuantityUnit::QuoteAmount, ..plain };
        let Command::Order(OrderCommand::Enter(base)) = with(asks) else { unreachable!("an enter") };
        Command::Order(OrderCommand::Enter(Enter {
            price: OrderPrice::Market,
            quantity: Quantity(quantity),
            ..base
        }))
    };
    let prevents = |mode, owner| {
        let self_trade = Some(SelfTradePrevention { mode, owner });
        vec![with(Instructions { self_trade, ..plain })]
    };
    vec![
        ("a plain sell", vec![with(plain)]),
        ("hidden", vec![with(Instructions { visibility: Visibility::Hidden, ..plain })]),
        ("an iceberg", vec![with(Instructions { display_quantity: 5, ..plain })]),
        ("how much it shows", vec![with(Instructions { display_quantity: 6, ..plain })]),
        ("what is left of its slice", vec![with(Instructions { display_quantity: 5, ..plain }), lots(2)]),
        ("the same of a larger one", vec![with(Instructions { display_quantity: 6, ..plain }), lots(2)]),
        ("post-only", vec![with(Instructions { post_only: PostOnly::Reject, ..plain })]),
        ("sliding", vec![with(Instructions { post_only: PostOnly::Slide, ..plain })]),
        ("its end", vec![ends(5)]),
        ("another end", vec![ends(6)]),
        ("self-trade prevention", prevents(SelfTrade::CancelOldest, Owner::Account)),
        ("its mode", prevents(SelfTrade::CancelNewest, Owner::Account)),
        ("its owner", prevents(SelfTrade::CancelOldest, Owner::Group)),
        ("a stop", vec![waits(stop)]),
        ("its trigger's price", vec![waits(Trigger { price: 55, ..stop })]),
        ("its reference", vec![waits(Trigger { reference: TriggerReference::MarkPrice, ..stop })]),
        ("its kind", vec![waits(Trigger { kind: TriggerKind::TakeProfit, price: 50, ..stop })]),
        ("a trailing stop", vec![waits(trails)]),
        ("its distance", vec![waits(Trigger { price: 30, ..trails })]),
        ("a stop's minimum", vec![with(Instructions { min_quantity: 4, trigger: Some(stop), ..plain })]),
        ("how much it is", vec![with(Instructions { min_quantity: 5, trigger: Some(stop), ..plain })]),
        ("a stop by money", vec![market(500)]),
        ("how much money", vec![market(600)]),
        ("two orders", vec![with(plain), alone]),
        ("two orders of a size", vec![with(plain), other]),
        ("two linked orders", vec![with(plain), second]),
        ("the last trade", last(20).to_vec()),
        ("its price", last(21).to_vec()),
        ("how high it was for a trailing stop", {
            let [a, b] = last(24);
            let [c, d] = [enter(1, 2, Side::Buy, 21), enter(3, 2, Side::Sell, 21)];
            let [c, d] = [c, d]
                .map(|order| Command::Order(OrderCommand::Enter(Enter { quantity: Quantity(2), ..order })));
            vec![a, b, waits(trails), c, d]
        }),
        ("the same without the height", {
            let [a, b] = last(24);
            let [c, d] = [enter(1, 2, Side::Buy, 21), enter(3, 2, Side::Sell, 21)];
            let [c, d] = [c, d]
                .map(|order| Command::Order(OrderCommand::Enter(Enter { quantity: Quantity(2), ..order })));
            vec![a, b, c, d, waits(trails)]
        }),
    ]
}

/// Rules, sessions, and what logins have of their own.
fn of_logins() -> Vec<(&'static str, Vec<Command>)> {
    let (login, other) = (LoginId(1), LoginId(2));
    let off = |login| {
        let (user_ref, firm, switch) = (UserRef(7), [0; 4], Switch::Off);
        Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
            login,
            session: 0,
            user_ref,
            firm,
            switch,
        }))
    };
    let query = |login, after| {
        Command::Order(OrderCommand::QueryAccount(QueryAccount {
            login,
            session: 0,
            cancel_after_ms: Some(after),
            asks: Question::Nothing,
        }))
    };
    let limit = |login, quantity, notional, orders| {
        Command::Admin(AdminCommand::SetOrderLimits {
            scope: LimitScope::Login(login),
            limits: OrderLimits {
                quantity_max: Quantity(quantity),
                notional_max: Amount(notional),
                open_orders_max: orders,
                ..OrderLimits::default()
            },
        })
    };
    let copy =
        |login, account| Command::Venue(VenueCommand::CopyAccount { login, account: AccountId(account) });
    let session = |session| Command::Venue(VenueCommand::RollSession { session });
    let lead = |epoch| Command::Venue(VenueCommand::Lead { epoch, node: 3 });
    let order = Command::Order(OrderCommand::Enter(enter(1, 2, Side::Buy, 20)));
    let halted = Command::Admin(AdminCommand::SetPhase { instrument: InstrumentId(0), phase: Phase::Halted });
    let lost = Command::Order(OrderCommand::CancelLogin { login, cause: ConnectionLoss::Disconnected });
    vec![
        ("somebody leads", vec![lead(1)]),
        ("in which epoch", vec![lead(2)]),
        ("a session", vec![session(1)]),
        ("the next session", vec![session(1), session(2)]),
        ("order entry that is off", vec![off(login)]),
        ("whose it is", vec![off(other)]),
        ("a dead-man's switch", vec![query(login, 5)]),
        ("when it goes off", vec![query(login, 6)]),
        ("whose it is then", vec![query(other, 5)]),
        ("a login's limit of quantity", vec![limit(login, 5, 0, 0)]),
        ("how much that is", vec![limit(login, 6, 0, 0)]),
        ("a login's limit of notional", vec![limit(login, 0, 5, 0)]),
        ("a login's limit of open orders", vec![limit(login, 0, 0, 5)]),
        ("whose limit", vec![limit(other, 5, 0, 0)]),
        ("a halted order", vec![order, halted]),
        ("a cancel of it that the halt holds up", vec![order, halted, lost]),
        ("copies", vec![copy(login, 2)]),
        ("of what", vec![copy(login, 3)]),
        ("for whom", vec![copy(other, 2)]),
        ("for two", vec![copy(login, 2), copy(other, 2)]),
        ("for the other one first", vec![copy(other, 2), copy(login, 2)]),
    ]
}

/// What was set and is not any more leaves the digest as it was before.
#[test]
fn what_is_off_again_is_no_part_of_it() {
    let limits = OrderLimits { quantity_max: Quantity(5), ..OrderLimits::default() };
    let scope = LimitScope::Login(LoginId(1));
    let query = |after| {
        Command::Order(OrderCommand::QueryAccount(QueryAccount {
            login: LoginId(1),
            session: 0,
            cancel_after_ms: Some(after),
            asks: Question::Nothing,
        }))
    };
    let twice = [
        Command::Venue(VenueCommand::SetRules { edition: 1 }),
        Command::Admin(AdminCommand::SetOrderLimits { scope, limits }),
        Command::Admin(AdminCommand::SetOrderLimits { scope, limits: OrderLimits::default() }),
        query(5),
        query(0),
    ];
    assert_eq!(after(&twice), after(&[]));
}

/// Each setting, and each number in it.
fn set() -> Vec<(&'static str, Vec<Command>)> {
    let instrument = InstrumentId(0);
    let account = AccountId(1);
    let mut lists: Vec<(&'static str, Vec<Command>)> = Vec::new();
    for phase in [
        Phase::PreOpen,
        Phase::OpeningAuction,
        Phase::VolatilityAuction,
        Phase::ClosingAuction,
        Phase::Halted,
        Phase::CancelOnly,
    ] {
        lists.push(("a phase", vec![Command::Admin(AdminCommand::SetPhase { instrument, phase })]));
    }
    lists.push(("delisted", vec![Command::Admin(AdminCommand::Delist { instrument })]));
    lists.push(("a mark", vec![Command::Admin(AdminCommand::SetMark { instrument, price: Price(20) })]));
    lists
        .push(("another mark", vec![Command::Admin(AdminCommand::SetMark { instrument, price: Price(21) })]));
    let none = Protection::default();
    for protection in [
        Protection { price_min: 5, ..none },
        Protection { price_max: 5, ..none },
        Protection { reference: 5, ..none },
        Protection { static_band: Ppm(5), ..none },
        Protection { dynamic_band: Ppm(5), ..none },
        Protection { interruption_s: 5, ..none },
        Protection { market_collar: Ppm(5), ..none },
    ] {
        lists.push((
            "protection",
            vec![Command::Admin(AdminCommand::SetProtection { instrument, protection })],
        ));
    }
    let none = OrderLimits::default();
    for limits in [
        OrderLimits { quantity_max: Quantity(5), ..none },
        OrderLimits { notional_max: Amount(5), ..none },
        OrderLimits { open_orders_max: 5, ..none },
        OrderLimits { orders_per_second_max: 5, ..none },
        OrderLimits { position_max: Quantity(5), ..none },
    ] {
        for scope in [LimitScope::Account(account), LimitScope::Instrument(instrument)] {
            lists.push(("limits", vec![Command::Admin(AdminCommand::SetOrderLimits { scope, limits })]));
        }
    }
    let limits = OrderLimits { triggers_max: 5, ..none };
    lists.push((
        "limits",
        vec![Command::Admin(AdminCommand::SetOrderLimits { scope: LimitScope::Account(account), limits })],
    ));
    let none = venue::limits(ORDERS_MAX);
    for limits in [
        VenueLimits { orders_max: 99, ..none },
        VenueLimits { orders_touched_max: 99, ..none },
        VenueLimits { account_orders_max: 99, ..none },
        VenueLimits { account_triggers_max: 99, ..none },
    ] {
        lists.push(("the venue's limits", vec![Command::Venue(VenueCommand::SetLimits { limits })]));
    }
    let none = OrderLimits::default();
    let refused = Command::Order(OrderCommand::Enter(enter(1, 2, Side::Buy, 0)));
    for scope in [LimitScope::Account(account), LimitScope::Instrument(instrument)] {
        let limits = OrderLimits { orders_per_second_max: 5, ..none };
        lists.push((
            "a count for a rate",
            vec![Command::Admin(AdminCommand::SetOrderLimits { scope, limits }), refused],
        ));
    }
    let terms = SetTerms {
        instrument,
        tick_units: 5,
        lot: Amount(100),
        min_quantity: Quantity(2),
        max_quantity: Quantity(1000),
        min_notional: Amount(60),
    };
    for terms in [
        SetTerms { tick_units: 10, ..terms },
        SetTerms { lot: Amount(200), ..terms },
        SetTerms { min_quantity: Quantity(3), ..terms },
        SetTerms { max_quantity: Quantity(999), ..terms },
        SetTerms { min_notional: Amount(61), ..terms },
    ] {
        lists.push(("terms", vec![Command::Admin(AdminCommand::SetTerms(terms))]));
    }
    for (tier, maker, taker) in [(0, 1, 2_000), (0, 1_000, 1), (1, 1, 2_000), (7, 1, 2_000)] {
        let (maker, taker) = (FeeRate(maker), FeeRate(taker));
        let fees = SetFees { instrument, tier: FeeTier(tier), maker, taker };
        lists.push(("fees", vec![Command::Admin(AdminCommand::SetFees(fees))]));
    }
    let asset = AssetSettings {
        asset: AssetId(1),
        scale: 2,
        deposits: Switch::On,
        withdrawals: Switch::On,
        min_deposit: Amount(0),
        min_withdrawal: Amount(0),
    };
    for settings in [
        AssetSettings { scale: 3, ..asset },
        AssetSettings { deposits: Switch::Off, ..asset },
        AssetSettings { withdrawals: Switch::Off, ..asset },
        AssetSettings { min_deposit: Amount(1), ..asset },
        AssetSettings { min_withdrawal: Amount(1), ..asset },
    ] {
        lists.push(("an asset's settings", vec![Command::Admin(AdminCommand::SetAsset(settings))]));
    }
    let prevention = |mode, owner, group| {
        let prevention = SelfTradePrevention { mode, owner };
        Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade {
            account,
            prevention,
            group: GroupId(group),
        }))
    };
    lists.push(("its prevention", vec![prevention(SelfTrade::CancelBoth, Owner::Account, 0)]));
    lists.push(("between whom", vec![prevention(SelfTrade::CancelBoth, Owner::Group, 0)]));
    lists.push(("its group", vec![prevention(SelfTrade::CancelBoth, Owner::Group, 1)]));
    lists.push((
        "its tier",
        vec![Command::Admin(AdminCommand::AssignTier { account, tier: Some(FeeTier(1)) })],
    ));
    lists.push((
        "that it was said",
        vec![Command::Admin(AdminCommand::AssignTier { account, tier: Some(FeeTier(0)) })],
    ));
    let tiers = |asset, step| {
        let mut tiers = VolumeTiers { asset: AssetId(asset), ..VolumeTiers::default() };
        tiers.volume_min[1] = Amount(step);
        Command::Admin(AdminCommand::SetVolumeTiers(tiers))
    };
    let trade = [enter(1, 1, Side::Buy, 20), enter(3, 1, Side::Sell, 20)]
        .map(|it| Command::Order(OrderCommand::Enter(it)));
    lists.push(("tiers by volume", vec![tiers(1, 5_000)]));
    lists.push(("their asset", vec![tiers(0, 5_000)]));
    lists.push(("their steps", vec![tiers(1, 6_000)]));
    lists.push(("a volume", vec![tiers(1, 5_000), trade[0], trade[1]]));
    lists.push(("no volume", vec![trade[0], trade[1], tiers(1, 5_000)]));
    let kill = |scope| vec![Command::Admin(AdminCommand::Kill { scope, switch: Switch::On })];
    lists.push(("a dead account", kill(KillScope::Account(account))));
    lists.push(("another", kill(KillScope::Account(AccountId(2)))));
    lists.push(("a dead venue", kill(KillScope::Venue)));
    lists
}

/// What was ignored or refused for want of a live order leaves no trace.
#[test]
fn retransmissions_leave_no_trace() {
    let order = Command::Order(OrderCommand::Enter(enter(1, 1, Side::Buy, 20)));
    assert_eq!(after(&[order, order, cancel(1, 9), order]), after(&[order]));
}

proptest! {
    /// Two exchanges that were given the same commands have the same digest all along, and a state that only changed
    /// for a while has its old digest but for the numbers it used.
    #[test]
    fn the_same_commands_give_the_same_digest(steps in prop::collection::vec(plain(FEW_TICKS), 1..60)) {
        let (mut one, mut other) = (opened(ORDERS_MAX), opened(ORDERS_MAX));
        let mut clients = Clients::new();
        for step in &steps {
            let (stamp, command) = clients.command(step, &one);
            let before = one.digest();
            let events = apply_at(&mut one, stamp, &command);
            prop_assert_eq!(&events, &apply_at(&mut other, stamp, &command));
            clients.note(&events);
            prop_assert_eq!(one.digest(), other.digest());
            let changed = events.iter().any(|event| {
                !matches!(
                    event,
                    Event::Order(OrderEvent::Ignored(_) | OrderEvent::ChangeRejected(_) |
OrderEvent::MassCanceled { login: None, .. }) |
Event::Admin(AdminEvent::Refused { .. }) |
Event::Market(MarketEvent::PhaseSet { .. }) |
Event::Venue(VenueEvent::LimitsSet { .. })
                )
            });
            let setting =
                matches!(command, Command::Admin(AdminCommand::SetPhase { .. } | AdminCommand::Kill { .. }) |
Command::Venue(VenueCommand::SetLimits { .. }));
            prop_assert!(setting || changed == (one.digest() != before), "{:?}: {:?}", command, events);
        }
        drain(&mut one, Stamp { sequence: 0, time: Timestamp(60) });
        prop_assert_eq!(one.audit(), Ok(()));
    }

    /// The same with all that an exchange can be asked, also where the memory that is taken at the start differs.
    #[test]
    fn memory_is_no_part_of_it(steps in prop::collection::vec(everything(), 1..150)) {
        let (mut one, mut other) = (opened(100), opened(1_000));
        for exchange in [&mut one, &mut other] {
            apply(exchange, &Command::Venue(VenueCommand::SetLimits { limits: venue::limits(500) }));
        }
        let mut clients = Clients::new();
        for step in &steps {
            let (stamp, command) = clients.command(step, &one);
            let events = apply_at(&mut one, stamp, &command);
            prop_assert_eq!(&events, &apply_at(&mut other, stamp, &command));
            clients.note(&events);
            prop_assert_eq!(one.digest(), other.digest(), "after {:?}", command);
        }
    }
}
