//! Random parts of commands: close to one another, so that orders meet; now and then one that breaks a rule or overflows.

use super::steps::{ACCOUNTS, ASSETS, FROM_NOW, INSTRUMENTS, LOGIN_ACCOUNTS, Number, SOME_ORDER};
use dojima::domain::{
    AccountId, Amount, AssetId, ClOrdId, Echo, Effect, Enter, Instructions, InstrumentId, Listing, LoginId,
    OrderPrice, Owner, PostOnly, Quantity, QuantityUnit, RejectReason, Replace, SelfTrade,
    SelfTradePrevention, ShardId, Side, TimeInForce, Timestamp, Transfer, TransferOut, Trigger, TriggerKind,
    TriggerReference, UserRef, Visibility,
};
use proptest::prelude::*;
use std::ops::Range;

/// How often, in percent, an order asks for something, and where its prices lie.
#[derive(Clone, Debug)]
pub struct Taste {
    pub ticks: Range<u64>,
    /// Only the first so many of the instruments.
    pub instruments: u32,
    pub market: u8,
    pub immediate: u8,
    pub day: u8,
    pub until: u8,
    pub min: u8,
    pub show: u8,
    pub hidden: u8,
    pub post: u8,
    pub money: u8,
    pub trigger: u8,
    pub oco: u8,
    pub self_trade: u8,
    pub rare: u8,
    /// How often what would be refused is left as it is; otherwise what excludes something else is dropped.
    pub wrong: u8,
}

impl Taste {
    /// Orders as they were before there were instructions.
    pub fn plain(ticks: Range<u64>) -> Self {
        Self {
            ticks,
            instruments: INSTRUMENTS,
            market: 10,
            immediate: 15,
            day: 0,
            until: 0,
            min: 0,
            show: 0,
            hidden: 0,
            post: 0,
            money: 0,
            trigger: 0,
            oco: 0,
            self_trade: 0,
            rare: 0,
            wrong: 5,
        }
    }
}

pub fn number() -> impl Strategy<Value = Number> {
    prop_oneof![60 => (1_u32..3).prop_map(Number::Fresh), 1 => (0_u32..6).prop_map(Number::Again)]
}

pub fn live_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        30 => any::<u8>().prop_map(Number::Live),
        2 => (0_u32..8).prop_map(Number::Again),
        1 => Just(Number::Fresh(1)),
    ]
}

pub fn login() -> impl Strategy<Value = LoginId> {
    prop_oneof![60 => (0_u32..5).prop_map(LoginId), 1 => Just(LoginId(5))]
}

pub fn account() -> impl Strategy<Value = AccountId> {
    prop_oneof![30 => (0_u32..ACCOUNTS).prop_map(AccountId), 1 => Just(AccountId(ACCOUNTS))]
}

pub fn instrument(known: u32) -> impl Strategy<Value = InstrumentId> {
    prop_oneof![
        40 => Just(InstrumentId(0)),
        40 => (0..known).prop_map(InstrumentId),
        1 => (known..known + 3).prop_map(InstrumentId),
    ]
}

/// Price units.
pub fn price(ticks: Range<u64>) -> impl Strategy<Value = u64> {
    prop_oneof![
        180 => ticks.prop_map(|ticks| ticks * 5),
        4 => (1_u64..40).prop_map(|ticks| ticks * 5),
        1 => Just(0),
        1 => Just(103),
        1 => Just(Listing::PRICE_END),
        1 => Just(Listing::PRICE_END - 2),
        1 => Just(u64::MAX),
        // Below zero as a limit.
        1 => Just(5_u64.wrapping_neg()),
    ]
}

pub fn quantity() -> impl Strategy<Value = u64> {
    prop_oneof![
        160 => 2_u64..20,
        8 => 20_u64..300,
        1 => 0_u64..2,
        1 => Just(u64::from(u32::MAX)),
        1 => Just(u64::MAX),
        1 => Just(1001_u64),
    ]
}

pub fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn echo() -> impl Strategy<Value = Echo> {
    (any::<[u8; 14]>(), any::<[u8; 2]>(), any::<[u8; 6]>()).prop_map(|(text, of_message, of_order)| Echo {
        cl_ord_id: ClOrdId(text),
        of_message,
        of_order,
    })
}

/// What the gateway and the sequencer find.
pub fn reason() -> impl Strategy<Value = RejectReason> {
    let outside =
        RejectReason::CHECKED.iter().take_while(|reason| **reason != RejectReason::OrderEntryDisabled);
    prop::sample::select(outside.copied().collect::<Vec<_>>())
}

pub fn transfer() -> impl Strategy<Value = Transfer> {
    let amount = prop_oneof![
        10 => 1_i64..2_000,
        1 => Just(0_i64),
        1 => Just(-5_i64),
        1 => Just(i64::MAX - 30_000),
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
    ];
    let asset = prop_oneof![20 => 0_u16..ASSETS, 1 => Just(ASSETS)];
    (account(), asset, amount).prop_map(|(account, asset, amount)| Transfer {
        account,
        asset: AssetId(asset),
        amount: Amount(amount),
        reference: 0,
        shard: ShardId::FIRST,
    })
}

/// A transfer to another shard, now and then an impossible one; its numbers are made out later.
pub fn transfer_out() -> impl Strategy<Value = TransferOut> {
    let shard = || prop_oneof![12 => 0_u8..3, 1 => Just(3_u8), 1 => Just(u8::MAX)].prop_map(ShardId);
    let own = prop_oneof![6 => Just(true), 1 => Just(false)];
    let login = prop_oneof![3 => login().prop_map(Some), 4 => Just(None)];
    (transfer(), login, shard(), shard(), own).prop_map(|(transfer, login, from, to, own)| {
        let Transfer { account, asset, amount, .. } = transfer;
        let owner = login.and_then(|login| LOGIN_ACCOUNTS.get(login.0 as usize)).copied();
        let account = owner.filter(|_| own).map_or(account, AccountId);
        TransferOut { login, account, asset, amount, from, to, ..TransferOut::default() }
    })
}

pub fn prevention() -> impl Strategy<Value = SelfTradePrevention> {
    let mode = prop::sample::select(vec![
        SelfTrade::Allow,
        SelfTrade::CancelNewest,
        SelfTrade::CancelOldest,
        SelfTrade::CancelBoth,
        SelfTrade::DecrementBoth,
        SelfTrade::DecrementBoth,
    ]);
    (mode, prop::bool::ANY).prop_map(|(mode, group)| {
        let owner = if group { Owner::Group } else { Owner::Account };
        SelfTradePrevention { mode, owner }
    })
}

fn trigger(ticks: Range<u64>) -> impl Strategy<Value = Trigger> {
    let kind =
        prop::sample::select(vec![TriggerKind::Stop, TriggerKind::TakeProfit, TriggerKind::TrailingStop]);
    let units = prop_oneof![40 => price(ticks), 1 => Just(7)];
    (kind, prop::bool::ANY, units, 1_u32..4).prop_map(|(kind, mark, units, distance)| {
        let reference = if mark { TriggerReference::MarkPrice } else { TriggerReference::LastTrade };
        let trails = kind == TriggerKind::TrailingStop && units % 15 != 0;
        Trigger { kind, reference, price: if trails { distance * 5 } else { units as u32 } }
    })
}

/// Side, price, time in force, quantity and instructions.
pub type Wish = (Side, OrderPrice, TimeInForce, Quantity, Option<Instructions>);

/// What an order of this taste asks for.
pub fn wish(taste: &Taste) -> BoxedStrategy<Wish> {
    let taste = taste.clone();
    let rolls = prop::collection::vec(0_u8..100, 14);
    let small = (1_u32..16, 1_u32..8, 0_u32..40, 0_u32..12, prop::bool::ANY);
    let parts =
        (side(), price(taste.ticks.clone()), quantity(), trigger(taste.ticks.clone()), prevention(), small);
    (rolls, parts).prop_map(move |(rolls, parts)| wished(&taste, &rolls, parts)).boxed()
}

type Parts = (Side, u64, u64, Trigger, SelfTradePrevention, (u32, u32, u32, u32, bool));

fn wished(taste: &Taste, rolls: &[u8], parts: Parts) -> Wish {
    let (side, units, lots, trigger, prevention, (min, show, until, which, coin)) = parts;
    let does = |at: usize, percent: u8| rolls[at] < percent;
    let market = does(0, taste.market);
    let mut time_in_force = TimeInForce::GoodTillCancel;
    for (at, percent, kind) in [
        (1, taste.immediate, TimeInForce::ImmediateOrCancel),
        (2, taste.day, TimeInForce::Day),
        (3, taste.until, TimeInForce::GoodTillTime),
    ] {
        if does(at, percent) {
            time_in_force = kind;
        }
    }
    let mut asks = Instructions::default();
    let mut quantity = lots;
    if time_in_force == TimeInForce::GoodTillTime {
        asks.expire_s = if coin { until } else { FROM_NOW + until % 12 };
    }
    if does(4, taste.min) {
        asks.min_quantity = if coin { min } else { u32::try_from(lots).unwrap_or(u32::MAX) };
    }
    if does(5, taste.show) {
        asks.display_quantity = show;
    }
    if does(6, taste.hidden) {
        asks.visibility = Visibility::Hidden;
    }
    if does(7, taste.post) {
        asks.post_only = if coin { PostOnly::Reject } else { PostOnly::Slide };
    }
    if does(8, taste.trigger) {
        asks.trigger = Some(trigger);
    }
    if does(9, taste.oco) {
        asks.oco = UserRef(SOME_ORDER + which);
    }
    if does(10, taste.self_trade) {
        asks.self_trade = Some(prevention);
    }
    if does(11, taste.rare) {
        match which % 4 {
            0 => asks.effect = Effect::ReduceOnly,
            1 => asks.book_by = Timestamp(u64::from(until) % 6 + 1),
            2 => asks.oco = UserRef(until),
            _ => asks.expire_s = until,
        }
    }
    let mut price = if market { OrderPrice::Market } else { OrderPrice::Limit(units as i64) };
    if does(12, taste.money) {
        asks.unit = QuantityUnit::QuoteAmount;
        price = OrderPrice::Market;
        if coin && taste.self_trade > 0 {
            // What was found with one's own orders costs more without them.
            asks.self_trade = Some(SelfTradePrevention { mode: SelfTrade::CancelOldest, ..prevention });
        }
        quantity = if lots < 300 && lots % 5 != 0 { lots * 97 } else { lots };
    }
    if !does(13, taste.wrong) {
        asks = fitting(asks, price, time_in_force);
    }
    let asks = (asks != Instructions::default()).then_some(asks);
    (side, price, time_in_force, Quantity(quantity), asks)
}

/// Without what excludes something that stays.
fn fitting(mut asks: Instructions, price: OrderPrice, time_in_force: TimeInForce) -> Instructions {
    let at_once = price == OrderPrice::Market || time_in_force == TimeInForce::ImmediateOrCancel;
    if asks.unit == QuantityUnit::QuoteAmount {
        asks.min_quantity = 0;
    }
    if asks.display_quantity > 0 {
        asks.display_quantity = asks.display_quantity.max(2);
        asks.visibility = Visibility::Displayed;
    }
    if at_once {
        (asks.display_quantity, asks.visibility) = (0, Visibility::Displayed);
    }
    if at_once || asks.min_quantity > 0 || asks.trigger.is_some() {
        asks.post_only = PostOnly::No;
    }
    if at_once && asks.trigger.is_none() {
        asks.oco = UserRef(0);
    }
    asks
}

pub fn enter(taste: &Taste) -> impl Strategy<Value = Enter> + use<> {
    (login(), instrument(taste.instruments), wish(taste), echo()).prop_map(
        |(login, instrument, (side, price, time_in_force, quantity, instructions), echo)| Enter {
            login,
            session: 0,
            user_ref: UserRef(0),
            instrument,
            side,
            time_in_force,
            price,
            quantity,
            echo,
            instructions,
        },
    )
}

/// A replace; only rarely does it ask for a link or an amount, which no replace can.
pub fn replace(taste: &Taste) -> impl Strategy<Value = Replace> + use<> {
    let taste = Taste { oco: taste.oco.min(2), money: taste.money.min(2), ..taste.clone() };
    (login(), wish(&taste), echo()).prop_map(
        |(login, (_, price, time_in_force, quantity, instructions), echo)| Replace {
            login,
            session: 0,
            orig_user_ref: UserRef(0),
            user_ref: UserRef(0),
            time_in_force,
            price,
            quantity,
            echo,
            instructions,
        },
    )
}
