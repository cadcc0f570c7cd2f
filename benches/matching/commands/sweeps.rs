//! One order that trades with as many others as it may.

use super::{Bench, GTC, IOC, MID, MOST, Prices, TOUCHED_MAX, enter, enter_in, order};
use crate::venue::{BASE, FIRST, QUOTE, Venue};
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, Amount, AssetId, CancelReason, Command, Event, FeeAsset,
    FeeRate, FeeTier, GroupId, Instructions, InstrumentId, LimitScope, ListInstrument, LoginId, LoginName,
    MarketEvent, OrderEvent, OrderLimits, Owner, Phase, Ppm, Protection, Quantity, QuantityUnit, SelfTrade,
    SelfTradePrevention, SetFees, ShardId, Side, Symbol, TimeInForce, Transfer, Trigger, TriggerKind,
    TriggerReference, VenueCommand, Visibility, VolumeTiers,
};

/// One more order than an order may meet.
pub(super) fn crowd(bench: &Bench) -> u64 {
    crowd_of(bench, 2)
}

/// The same where each counts so many touches.
pub(super) fn crowd_of(bench: &Bench, touches: u64) -> u64 {
    bench.sized(TOUCHED_MAX).div_ceil(touches) + 1
}

/// A crowd of accounts with one order each, as `asked`; the login after them has none.
pub(super) fn makers(
    bench: &Bench,
    side: Side,
    prices: Prices,
    lots: u64,
    asked: Option<Instructions>,
) -> Venue {
    let count = crowd(bench);
    let mut venue = bench.venue(2 * count as u32 + 16, count as u32 + 1);
    for at in 0..count {
        venue.enter_with(order(at, side, prices.ticks(side, at), lots), FIRST, GTC, asked);
    }
    venue
}

/// The price that reaches all of a side.
pub(super) fn through(side: Side) -> u64 {
    match side {
        Side::Buy => 2 * MID,
        Side::Sell => 1,
    }
}

pub fn all(bench: &mut Bench) {
    plain(bench);
    with_everything_on(bench);
    up_to_a_band(bench);
    hidden(bench);
    icebergs(bench);
    linked(bench);
    by_money(bench);
    self_trades(bench);
}

fn plain(bench: &mut Bench) {
    for (prices, side) in
        Prices::BOTH.into_iter().flat_map(|prices| [(prices, Side::Buy), (prices, Side::Sell)])
    {
        let count = crowd(bench);
        let mut venue = makers(bench, side.opposite(), prices, 1, None);
        let taker =
            enter(&mut venue, order(count, side, through(side), count - 1), GTC, Instructions::NOTHING);
        let name = format!("{side:?} limit order through {} orders {}", count - 1, prices.name());
        assert_eq!(bench.measure(name, &mut venue, &taker).trades(), count - 1);
    }
    let count = crowd(bench);
    let mut venue = makers(bench, Side::Sell, Prices::Many, 1, None);
    let taker = enter(&mut venue, order(count, Side::Buy, 2 * MID, 2 * count), GTC, Instructions::NOTHING);
    let seen = bench.measure("buy that would go through more orders than it may", &mut venue, &taker);
    assert!((count - 1..=count).contains(&seen.trades()));
}

/// An instrument with fees in what is received, bands and a collar; volume tiers, limits and rates.
pub(super) fn switch_everything_on(venue: &mut Venue, logins: u64) -> InstrumentId {
    let instrument = InstrumentId(1);
    venue.send(&Command::Admin(AdminCommand::ListInstrument(ListInstrument {
        instrument,
        symbol: Symbol::new("ALL").expect("a symbol"),
        base: BASE,
        quote: QUOTE,
        price_decimals: 0,
        tick_units: 1,
        lot: Amount(1),
        min_quantity: Quantity(1),
        max_quantity: Quantity(MOST),
        maker_fee: FeeRate(200),
        taker_fee: FeeRate(500),
        fee_asset: FeeAsset::Received,
        phase: Phase::Continuous,
        ..ListInstrument::default()
    })));
    for row in 0..4 {
        let (maker, taker) = (FeeRate(200 - 50 * row), FeeRate(500 - 50 * row));
        venue.send(&Command::Admin(AdminCommand::SetFees(SetFees {
            instrument,
            tier: FeeTier(row as u8),
            maker,
            taker,
        })));
    }
    let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
    volume_min[..3].copy_from_slice(&[Amount(0), Amount(1_000_000), Amount(1_000_000_000)]);
    venue.send(&Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset: QUOTE, volume_min })));
    let wide = Ppm(900_000);
    let protection = Protection {
        price_min: 1,
        price_max: 4 * MID as u32,
        reference: MID as u32,
        static_band: wide,
        dynamic_band: wide,
        interruption_s: 60,
        market_collar: wide,
    };
    venue.send(&Command::Admin(AdminCommand::SetProtection { instrument, protection }));
    let limits = OrderLimits {
        quantity_max: Quantity(MOST),
        notional_max: Amount(i64::MAX / 2),
        open_orders_max: u32::MAX,
        orders_per_second_max: u32::MAX,
        position_max: Quantity(u64::MAX / 2),
        ..OrderLimits::default()
    };
    venue.send(&Command::Admin(AdminCommand::SetOrderLimits {
        scope: LimitScope::Instrument(instrument),
        limits,
    }));
    for account in 1..=logins as u32 {
        let account = AccountId(account);
        venue.send(&Command::Admin(AdminCommand::SetOrderLimits {
            scope: LimitScope::Account(account),
            limits,
        }));
        let prevention = SelfTradePrevention { mode: SelfTrade::CancelOldest, owner: Owner::Group };
        let group = GroupId(account.0);
        venue.send(&Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade {
            account,
            prevention,
            group,
        })));
    }
    instrument
}

fn with_everything_on(bench: &mut Bench) {
    for (prices, side) in
        Prices::BOTH.into_iter().flat_map(|prices| [(prices, Side::Buy), (prices, Side::Sell)])
    {
        let count = crowd(bench);
        let mut venue = bench.venue(2 * count as u32, count as u32 + 1);
        let instrument = switch_everything_on(&mut venue, count + 1);
        let maker = side.opposite();
        for at in 0..count {
            venue.enter_with(order(at, maker, prices.ticks(maker, at), 1_000), instrument, GTC, None);
        }
        let lots = 1_000 * (count - 1);
        // A market order: of a buy the money is looked at with every trade.
        let taker = order(count, side, 0, lots);
        let taker = enter_in(&mut venue, instrument, taker, IOC, Instructions::NOTHING);
        let name =
            format!("{side:?} market order {}, with fees, tiers, limits, bands and groups", prices.name());
        assert_eq!(bench.measure(name, &mut venue, &taker).trades(), count - 1);
    }
}

/// The last price is outside the band, and orders gather from then on.
fn up_to_a_band(bench: &mut Bench) {
    let count = crowd(bench);
    let mut venue = bench.venue(2 * count as u32, count as u32 + 1);
    let instrument = switch_everything_on(&mut venue, count + 1);
    for at in 0..count {
        let ticks = if at < count - 2 { MID + at } else { 3 * MID };
        venue.enter_with(order(at, Side::Sell, ticks, 1_000), instrument, GTC, None);
    }
    let taker = order(count, Side::Buy, 3 * MID, 1_000 * (count - 1));
    let taker = enter_in(&mut venue, instrument, taker, GTC, Instructions::NOTHING);
    let seen = bench.measure("buy that ends at a band and interrupts", &mut venue, &taker);
    seen.has(|event| {
        matches!(event, Event::Market(MarketEvent::PhaseSet { phase: Phase::VolatilityAuction, .. }))
    });
    assert_eq!(seen.trades(), count - 2);
}

fn hidden(bench: &mut Bench) {
    let asked = Instructions { visibility: Visibility::Hidden, ..Instructions::NOTHING };
    let count = crowd(bench);
    let mut venue = makers(bench, Side::Sell, Prices::Many, 1, Some(asked));
    let taker = enter(&mut venue, order(count, Side::Buy, 2 * MID, count - 1), IOC, Instructions::NOTHING);
    let seen = bench.measure("buy through hidden orders at prices of their own", &mut venue, &taker);
    assert_eq!(seen.trades(), count - 1);
}

/// What each of a crowd shows is a lot. The order goes on until nearly all that it can have is used up.
fn icebergs(bench: &mut Bench) {
    let count = crowd_of(bench, 3);
    for (prices, lots) in [(Prices::One, MOST), (Prices::Many, MOST / count)] {
        let asked = Instructions { display_quantity: 1, ..Instructions::NOTHING };
        let mut venue = bench.venue(count as u32 + 16, count as u32 + 1);
        for at in 0..count - 1 {
            let maker = order(at, Side::Sell, 1 + prices.ticks(Side::Sell, at) - MID, lots);
            venue.enter_with(maker, FIRST, GTC, Some(asked));
        }
        // A limit that the account can pay.
        let taker = order(count, Side::Buy, 2 * count, MOST - 5);
        let taker = enter(&mut venue, taker, IOC, Instructions::NOTHING);
        let name = format!("buy of 4 billion lots from icebergs that show one, {}", prices.name());
        assert!(bench.measure(name, &mut venue, &taker).trades() >= count - 2);
    }
}

/// The second of two linked orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Partner {
    /// Rests at another price.
    Rests,
    /// Waits for its trigger.
    Waits,
}

/// A crowd of accounts with two linked sells each, the second far away.
pub(super) fn linked_makers(bench: &Bench, prices: Prices, partner: Partner) -> Venue {
    let count = crowd(bench);
    let mut venue = bench.venue(2 * count as u32 + 16, count as u32 + 1);
    for at in 0..count {
        let oco = venue.enter(order(at, Side::Sell, prices.ticks(Side::Sell, at), 1));
        let trigger = Trigger {
            kind: TriggerKind::Stop,
            reference: TriggerReference::LastTrade,
            price: (1 + at * 7_919 % count) as u32,
        };
        let trigger = (partner == Partner::Waits).then_some(trigger);
        let asked = Instructions { oco, trigger, ..Instructions::NOTHING };
        // Scattered, so that no two that follow one another are neighbours.
        let far = order(at, Side::Sell, 4 * MID + at * 7_919 % count, 1);
        venue.enter_with(far, FIRST, GTC, Some(asked));
    }
    venue
}

fn linked(bench: &mut Bench) {
    for (prices, partner) in
        [(Prices::One, Partner::Rests), (Prices::Many, Partner::Rests), (Prices::Many, Partner::Waits)]
    {
        let count = crowd(bench);
        let mut venue = linked_makers(bench, prices, partner);
        let taker = order(count, Side::Buy, 2 * MID, count - 1);
        let taker = enter(&mut venue, taker, IOC, Instructions::NOTHING);
        let what = if partner == Partner::Rests { "resting" } else { "waiting" };
        let name = format!("buy through orders {}, each linked to a {what} one", prices.name());
        let seen = bench.measure(name, &mut venue, &taker);
        assert!(seen.trades() > 0 && seen.canceled() >= seen.trades());
    }
}

/// Orders whose lots are found by their money.
fn by_money(bench: &mut Bench) {
    let asked = Instructions { unit: QuantityUnit::QuoteAmount, ..Instructions::NOTHING };
    for side in [Side::Buy, Side::Sell] {
        let count = crowd(bench);
        let mut venue = makers(bench, side.opposite(), Prices::Many, 3, None);
        let amount = 3 * (count - 1) * MID * 3 / 4;
        let taker = enter(&mut venue, order(count, side, 0, amount), IOC, asked);
        let name = format!("{side:?} by amount through prices of their own");
        assert!(bench.measure(name, &mut venue, &taker).trades() >= count / 2);
    }
    for (side, asked, lots) in [
        (Side::Buy, Instructions::NOTHING, 3 * crowd(bench)),
        (Side::Buy, asked, i64::MAX as u64),
        (Side::Sell, asked, i64::MAX as u64),
    ] {
        let count = crowd(bench);
        let mut venue = makers(bench, side.opposite(), Prices::Many, 3, None);
        let poor =
            poor(&mut venue, Amount(if side == Side::Buy { MID as i64 * count as i64 } else { 1 }), side);
        let taker = enter(&mut venue, order(u64::from(poor), side, 0, lots), IOC, asked);
        let what = if asked == Instructions::NOTHING { "market order" } else { "by amount" };
        let name = format!("{side:?} {what} with less money than that takes");
        let seen = bench.measure(name, &mut venue, &taker);
        seen.has(|event| matches!(event, Event::Order(OrderEvent::Canceled(_) | OrderEvent::Rejected(_))));
    }
}

/// A login of an account that has little of what it gives.
pub(super) fn poor(venue: &mut Venue, amount: Amount, side: Side) -> u32 {
    let id = venue.last_user_ref.len() as u32;
    let (login, account) = (LoginId(id), AccountId(id + 1));
    venue.send(&Command::Venue(VenueCommand::OpenAccount { account }));
    venue.send(&Command::Venue(VenueCommand::OpenLogin { login, account, name: LoginName::default() }));
    let asset: AssetId = if side == Side::Buy { QUOTE } else { BASE };
    // The others have left next to nothing of what can be deposited.
    let from = AccountId(1);
    let transfer = Transfer { account: from, asset, amount, reference: 3, shard: ShardId::FIRST };
    venue.send(&Command::Admin(AdminCommand::Withdraw(transfer)));
    venue.send(&Command::Admin(AdminCommand::Deposit(Transfer { account, reference: 1, ..transfer })));
    venue.last_user_ref.push(0);
    id
}

/// The owner's own orders stand in the way.
fn self_trades(bench: &mut Bench) {
    for mode in [
        SelfTrade::Allow,
        SelfTrade::CancelNewest,
        SelfTrade::CancelOldest,
        SelfTrade::CancelBoth,
        SelfTrade::DecrementBoth,
    ] {
        let count = crowd(bench);
        let mut venue = bench.venue(2 * count as u32, 1);
        for at in 0..count - 1 {
            venue.enter(order(0, Side::Sell, MID + at, 2));
        }
        let self_trade = Some(SelfTradePrevention { mode, owner: Owner::Account });
        let asked = Instructions { self_trade, ..Instructions::NOTHING };
        // Of the last order one lot is left.
        let taker = enter(&mut venue, order(0, Side::Buy, 2 * MID, 2 * (count - 1) - 1), IOC, asked);
        let name = format!("buy through {} orders of its own, {mode:?}", count - 1);
        let seen = bench.measure(name, &mut venue, &taker);
        let expected = match mode {
            SelfTrade::Allow => (count - 1, 0),
            SelfTrade::CancelNewest => (0, 1),
            SelfTrade::CancelBoth => (0, 2),
            SelfTrade::CancelOldest => (0, count),
            SelfTrade::DecrementBoth => (0, 2 * (count - 1)),
        };
        assert_eq!((seen.trades(), seen.canceled()), expected, "{mode:?}");
    }
    own_icebergs(bench);
    let groups = [(SelfTrade::CancelOldest, None), (SelfTrade::DecrementBoth, Some(()))];
    for (mode, linked) in groups {
        let count = crowd(bench);
        let mut venue = match linked {
            None => makers(bench, Side::Sell, Prices::Many, 1, None),
            Some(()) => linked_makers(bench, Prices::Many, Partner::Rests),
        };
        for account in 1..=count as u32 + 1 {
            let prevention = SelfTradePrevention { mode, owner: Owner::Group };
            let settings = AccountSelfTrade { account: AccountId(account), prevention, group: GroupId(7) };
            venue.send(&Command::Admin(AdminCommand::SetSelfTrade(settings)));
        }
        let taker = order(count, Side::Buy, 2 * MID, count - 1);
        let taker = enter(&mut venue, taker, TimeInForce::Day, Instructions::NOTHING);
        let what = if linked.is_some() { "linked orders" } else { "orders" };
        let name = format!("buy through {what} of its group, {mode:?}");
        let seen = bench.measure(name, &mut venue, &taker);
        assert_eq!(seen.trades() + seen.canceled_as(CancelReason::FundsExhausted), 0);
        assert!(seen.canceled() >= count - 1);
    }
}

/// What each of its own orders shows is a lot, and all slices of one are lost at once.
fn own_icebergs(bench: &mut Bench) {
    let count = crowd(bench);
    let mut venue = bench.venue(2 * count as u32, 1);
    let lots = MOST / count;
    let asked = Instructions { display_quantity: 1, ..Instructions::NOTHING };
    for _ in 0..count - 1 {
        venue.enter_with(order(0, Side::Sell, 1, lots), FIRST, GTC, Some(asked));
    }
    let self_trade = Some(SelfTradePrevention { mode: SelfTrade::DecrementBoth, owner: Owner::Account });
    let asked = Instructions { self_trade, ..Instructions::NOTHING };
    let taker = enter(&mut venue, order(0, Side::Buy, 1, lots * (count - 1) - 1), IOC, asked);
    let seen = bench.measure("buy through icebergs of its own, DecrementBoth", &mut venue, &taker);
    assert!(seen.canceled() >= count - 1 && seen.trades() == 0);
}
