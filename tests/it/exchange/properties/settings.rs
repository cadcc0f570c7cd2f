//! Random commands of an operator.

use super::steps::{ACCOUNTS, ASSETS, Action, INSTRUMENTS, LOGIN_ACCOUNTS};
use super::values::{account, instrument, login, number, prevention, side};
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, Amount, AssetCode, AssetId, AssetSettings, CancelFilter,
    Checkpoint, ClockCommand, Command, ConnectionLoss, FeeAsset, FeeRate, FeeTier, GroupId, InstrumentId,
    KillScope, LimitScope, ListInstrument, LoginId, LoginName, OrderCommand, OrderLimits, Phase, Ppm, Price,
    Product, Protection, Quantity, QueryAccount, QueryWallet, Question, SetFees, SetTerms, ShardId, Switch,
    Symbol, VenueCommand, VenueLimits, VolumeTiers,
};
use proptest::prelude::*;
use std::ops::Range;

fn other(command: impl Strategy<Value = Command> + 'static) -> BoxedStrategy<Action> {
    command.prop_map(Action::Other).boxed()
}

fn switch() -> impl Strategy<Value = Switch> {
    prop_oneof![Just(Switch::On), Just(Switch::Off)]
}

/// Time passes; now and then the state is written down instead.
pub fn tick() -> BoxedStrategy<Action> {
    let checkpoint = any::<(u64, [u8; 32])>().prop_map(|(of, digest)| Checkpoint { of, digest });
    prop_oneof![9 => other(Just(Command::Clock(ClockCommand::Tick))), 1 => other(checkpoint.prop_map(|it| Command::Venue(VenueCommand::Checkpoint(it))))].boxed()
}

/// Mostly into `Continuous`, so that trading goes on.
pub fn phase(instruments: u32) -> BoxedStrategy<Action> {
    let phase = prop_oneof![
        8 => Just(Phase::Continuous),
        2 => Just(Phase::PreOpen),
        4 => Just(Phase::OpeningAuction),
        2 => Just(Phase::VolatilityAuction),
        4 => Just(Phase::ClosingAuction),
        1 => Just(Phase::Closed),
        1 => Just(Phase::Halted),
        1 => Just(Phase::CancelOnly),
        1 => Just(Phase::Delisted),
    ];
    other(
        (instrument(instruments), phase)
            .prop_map(|(instrument, phase)| Command::Admin(AdminCommand::SetPhase { instrument, phase })),
    )
}

/// Back to trading, whatever the instrument does.
pub fn resume(instruments: u32) -> BoxedStrategy<Action> {
    let phase = Phase::Continuous;
    other(
        (0..instruments).prop_map(move |id| {
            Command::Admin(AdminCommand::SetPhase { instrument: InstrumentId(id), phase })
        }),
    )
}

pub fn mark(ticks: Range<u64>) -> BoxedStrategy<Action> {
    let price = prop_oneof![40 => ticks.prop_map(|ticks| ticks as i64), 1 => Just(0), 1 => Just(1 << 31), 1 => Just(i64::MIN)];
    other((instrument(2), price).prop_map(|(instrument, price)| {
        Command::Admin(AdminCommand::SetMark { instrument, price: Price(price) })
    }))
}

pub fn protection() -> BoxedStrategy<Action> {
    let share = || {
        prop_oneof![3 => Just(0), 4 => 20_000_u32..200_000, 1 => Just(1_000_000), 1 => Just(u32::MAX)]
            .prop_map(Ppm)
    };
    let limit = || prop_oneof![6 => Just(0), 2 => 90_u32..110, 1 => any::<u32>()];
    let reference = prop_oneof![4 => Just(0), 4 => (18_u32..25).prop_map(|ticks| ticks * 5), 1 => Just(u32::MAX), 1 => Just(103)];
    let pause = prop_oneof![2 => Just(0), 4 => 1_u32..8, 1 => Just(u32::MAX)];
    let parts = (limit(), limit(), reference, share(), share(), pause, share());
    other((instrument(2), parts).prop_map(|(instrument, parts)| {
        let (price_min, price_max, reference, static_band, dynamic_band, interruption_s, market_collar) =
            parts;
        Command::Admin(AdminCommand::SetProtection {
            instrument,
            protection: Protection {
                price_min,
                price_max,
                reference,
                static_band,
                dynamic_band,
                interruption_s,
                market_collar,
            },
        })
    }))
}

pub fn order_limits() -> BoxedStrategy<Action> {
    let scope = prop_oneof![
        instrument(2).prop_map(LimitScope::Instrument),
        account().prop_map(LimitScope::Account),
        login().prop_map(LimitScope::Login),
    ];
    let most = |range: Range<u64>| prop_oneof![3 => Just(0), 2 => range];
    let parts = (most(5..20), most(500..3_000), most(1..5), most(1..5), most(1..5), most(10..60), 0_u8..20);
    other((scope, parts).prop_map(|(scope, (quantity, notional, orders, triggers, rate, position, odd))| {
        let limits = OrderLimits {
            quantity_max: Quantity(quantity),
            notional_max: Amount(if odd == 0 { -1 } else { notional as i64 }),
            open_orders_max: orders as u32,
            triggers_max: triggers as u32,
            orders_per_second_max: rate as u32,
            position_max: Quantity(position),
        };
        let limits = match scope {
            // These are no login's, and the first no instrument's.
            LimitScope::Login(_) if odd != 1 => {
                OrderLimits { triggers_max: 0, orders_per_second_max: 0, position_max: Quantity(0), ..limits }
            }
            LimitScope::Instrument(_) if odd != 1 => OrderLimits { triggers_max: 0, ..limits },
            _ => limits,
        };
        Command::Admin(AdminCommand::SetOrderLimits { scope, limits })
    }))
}

pub fn kill() -> BoxedStrategy<Action> {
    let scope = prop_oneof![1 => Just(KillScope::Venue), 3 => account().prop_map(KillScope::Account)];
    // Off more often than on.
    let switch = prop_oneof![1 => Just(Switch::On), 2 => Just(Switch::Off)];
    other((scope, switch).prop_map(|(scope, switch)| Command::Admin(AdminCommand::Kill { scope, switch })))
}

/// Questions for the next number, now and then with a dead-man's switch, and for wallets.
pub fn query() -> BoxedStrategy<Action> {
    let after = prop_oneof![2 => Just(None), 1 => Just(Some(0)), 3 => (1_u32..3_000).prop_map(Some), 1 => Just(Some(u32::MAX))];
    let wallet = other((login(), 0_u8..4, 0_u16..4).prop_map(|(login, shard, asset)| {
        let (shard, asset) = (ShardId(shard), AssetId(asset));
        Command::Order(OrderCommand::QueryWallet(QueryWallet { login, session: 0, shard, asset }))
    }));
    let account = other((login(), after).prop_map(|(login, cancel_after_ms)| {
        Command::Order(OrderCommand::QueryAccount(QueryAccount {
            login,
            session: 0,
            cancel_after_ms,
            asks: Question::Nothing,
        }))
    }));
    prop_oneof![3 => account, 1 => wallet].boxed()
}

/// On more often than off.
pub fn order_entry() -> BoxedStrategy<Action> {
    let switch = prop_oneof![1 => Just(Switch::Off), 2 => Just(Switch::On)];
    (login(), number(), switch)
        .prop_map(|(login, number, switch)| Action::OrderEntry(login, number, switch))
        .boxed()
}

/// Names for orders that are to come.
pub fn name() -> BoxedStrategy<Action> {
    (login(), number()).prop_map(|(login, number)| Action::Name(login, number)).boxed()
}

/// Connections that are lost.
pub fn lost() -> BoxedStrategy<Action> {
    let cause = ConnectionLoss::Disconnected;
    other(login().prop_map(move |login| Command::Order(OrderCommand::CancelLogin { login, cause })))
}

/// The next session; now and then one that it is not.
pub fn session() -> BoxedStrategy<Action> {
    let wrong = prop_oneof![Just(0_u32), 1_u32..4, Just(u32::MAX)];
    prop_oneof![
        8 => Just(Action::RollSession),
        4 => other(login().prop_map(|login| Command::Venue(VenueCommand::ResetUserRef { login }))),
        1 => other(wrong.prop_map(|session| Command::Venue(VenueCommand::RollSession { session }))),
    ]
    .boxed()
}

/// The edition of the rules; now and then one that is not known.
pub fn rules() -> BoxedStrategy<Action> {
    other(
        prop_oneof![3 => Just(Command::RULES_LAST), 1 => 0_u16..4]
            .prop_map(|edition| Command::Venue(VenueCommand::SetRules { edition })),
    )
}

/// The next epoch; now and then one that has passed.
pub fn lead() -> BoxedStrategy<Action> {
    other((0_u64..12, 0_u32..3).prop_map(|(epoch, node)| Command::Venue(VenueCommand::Lead { epoch, node })))
}

pub fn copy() -> BoxedStrategy<Action> {
    other(
        (login(), account())
            .prop_map(|(login, account)| Command::Venue(VenueCommand::CopyAccount { login, account })),
    )
}

pub fn mass_cancel() -> BoxedStrategy<Action> {
    let maybe = |ids: Range<u32>| prop::option::weighted(0.6, ids);
    let filter =
        (maybe(0..6), maybe(0..ACCOUNTS + 1), maybe(0..INSTRUMENTS + 1), prop::option::weighted(0.6, side()));
    let filter = filter.prop_map(|(login, account, instrument, side)| CancelFilter {
        login: login.map(LoginId),
        account: account.map(AccountId),
        instrument: instrument.map(InstrumentId),
        side,
    });
    (prop::option::of(login()), number(), filter)
        .prop_map(|(login, number, filter)| Action::MassCancel(login, number, filter))
        .boxed()
}

pub fn self_trade() -> BoxedStrategy<Action> {
    other((account(), prevention(), 0_u32..3).prop_map(|(account, prevention, group)| {
        Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade {
            account,
            prevention,
            group: GroupId(group),
        }))
    }))
}

pub fn terms() -> BoxedStrategy<Action> {
    let tick = prop::sample::select(vec![5_u32, 5, 5, 10, 15, 1, 20, 7, 0]);
    let lot = prop::sample::select(vec![100_i64, 100, 100, 100, 200, 50, 0, 2 * 10_i64.pow(17)]);
    let rest = (1_u64..4, prop_oneof![Just(1_000_u64), Just(50), Just(u64::MAX)], 0_i64..100);
    other((instrument(3), tick, lot, rest).prop_map(|(instrument, tick_units, lot, (min, max, notional))| {
        Command::Admin(AdminCommand::SetTerms(SetTerms {
            instrument,
            tick_units,
            lot: Amount(lot),
            min_quantity: Quantity(min),
            max_quantity: Quantity(max),
            min_notional: Amount(notional),
        }))
    }))
}

pub fn fees() -> BoxedStrategy<Action> {
    let rate = || prop_oneof![2 => -3_000_i32..0, 6 => 0_i32..5_000, 1 => Just(FeeRate::ONE), 1 => Just(-FeeRate::ONE - 1)];
    let tier = prop_oneof![20 => 0_u8..8, 1 => Just(8_u8)];
    other((instrument(3), tier, rate(), rate()).prop_map(|(instrument, tier, maker, taker)| {
        let (maker, taker) = (FeeRate(maker), FeeRate(taker));
        Command::Admin(AdminCommand::SetFees(SetFees { instrument, tier: FeeTier(tier), maker, taker }))
    }))
}

pub fn asset() -> BoxedStrategy<Action> {
    let asset = prop_oneof![20 => 0_u16..ASSETS, 1 => Just(ASSETS)];
    let scale = prop::sample::select(vec![2_u8, 2, 3, 4, 1, 18, 19]);
    let least = || prop_oneof![6 => Just(0_i64), 2 => 1_i64..2_000, 1 => Just(-1)];
    let switch = || prop_oneof![3 => Just(Switch::On), 1 => Just(Switch::Off)];
    other((asset, scale, switch(), switch(), least(), least()).prop_map(
        |(asset, scale, deposits, withdrawals, min_deposit, min_withdrawal)| {
            Command::Admin(AdminCommand::SetAsset(AssetSettings {
                asset: AssetId(asset),
                scale: if asset == 2 { 18 } else { scale },
                deposits,
                withdrawals,
                min_deposit: Amount(min_deposit),
                min_withdrawal: Amount(min_withdrawal),
            }))
        },
    ))
}

pub fn delist() -> BoxedStrategy<Action> {
    other(instrument(3).prop_map(|instrument| Command::Admin(AdminCommand::Delist { instrument })))
}

pub fn list() -> BoxedStrategy<Action> {
    let symbol = prop::sample::select(vec!["COIN", "WIDE", "MORE"]);
    let rate = || prop_oneof![6 => 0_i32..3_000, 1 => -3_000_i32..0];
    (symbol, 0_u16..2, 1_u16..3, rate(), rate(), prop::bool::ANY)
        .prop_map(|(symbol, base, quote, maker, taker, received)| {
            Action::List(ListInstrument {
                instrument: InstrumentId(0),
                symbol: Symbol::new(symbol).expect("a symbol"),
                base: AssetId(base),
                quote: AssetId(quote),
                price_decimals: 2,
                tick_units: 5,
                lot: Amount(100),
                min_quantity: Quantity(1),
                max_quantity: Quantity(1_000),
                min_notional: Amount(0),
                maker_fee: FeeRate(maker),
                taker_fee: FeeRate(taker),
                fee_asset: if received { FeeAsset::Received } else { FeeAsset::Quote },
                phase: if maker % 8 == 1 { Phase::Delisted } else { Phase::Continuous },
                shard: ShardId::FIRST,
                product: Product::Spot,
            })
        })
        .boxed()
}

pub fn tiers() -> BoxedStrategy<Action> {
    let tier = prop_oneof![4 => (0_u8..8).prop_map(Some), 3 => Just(None), 1 => Just(Some(8))];
    let assign = (account(), tier).prop_map(|(account, tier)| {
        Command::Admin(AdminCommand::AssignTier { account, tier: tier.map(FeeTier) })
    });
    let steps = prop::collection::vec(prop_oneof![8 => 0_i64..3_000, 1 => Just(i64::MAX)], 8);
    let by_volume = (0_u16..ASSETS + 1, steps, 0_u8..12).prop_map(|(asset, mut steps, odd)| {
        // CASH, as a rule; ascending from 0, as a rule.
        let asset = AssetId(if asset < ASSETS { 1 } else { asset - u16::from(odd % 2) });
        steps[0] = i64::from(odd == 0);
        if odd != 1 {
            steps.sort();
        }
        let mut volume_min = [Amount(0); FeeTier::COUNT];
        volume_min.iter_mut().zip(steps).for_each(|(least, step)| *least = Amount(step));
        Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset, volume_min }))
    });
    prop_oneof![2 => other(assign), 1 => other(by_volume)].boxed()
}

/// Few orders, and the other limits at their edges and as they are by default.
fn venue_limits() -> impl Strategy<Value = VenueLimits> {
    let touched = prop::sample::select(vec![15, 16, 5_000, 1_000_000, 1_000_001]);
    (0_u32..12, touched, 0_u32..5_001, 0_u32..1_001).prop_map(
        |(orders_max, orders_touched_max, account_orders_max, account_triggers_max)| VenueLimits {
            orders_max,
            orders_touched_max,
            account_orders_max,
            account_triggers_max,
        },
    )
}

/// What hardly changes anything.
pub fn odds_and_ends() -> BoxedStrategy<Action> {
    let login = LoginId(LOGIN_ACCOUNTS.len() as u32 + 4);
    prop_oneof![
        other(venue_limits().prop_map(|limits| Command::Venue(VenueCommand::SetLimits { limits }))),
        other(Just(Command::Venue(VenueCommand::Open { config_digest: 7 }))),
        other(Just(Command::Admin(AdminCommand::AddAsset {
            asset: AssetId(9),
            code: AssetCode::default(),
            scale: 2
        }))),
        other(Just(Command::Venue(VenueCommand::OpenAccount { account: AccountId(0) }))),
        other(Just(Command::Venue(VenueCommand::OpenLogin {
            login,
            account: AccountId(0),
            name: LoginName::default()
        }))),
        other((switch(), Just(AccountId(0))).prop_map(|(switch, account)| Command::Admin(
            AdminCommand::Kill { scope: KillScope::Account(account), switch }
        ))),
    ]
    .boxed()
}
