//! Sums that are kept are those that are computed anew, and trades neither make nor lose money.

use super::*;
use crate::domain::contracts::{ContractValue, Settlement, Tier, Tiers};
use crate::domain::{Amount, MarginMode, Ppm, Price, Timestamp};
use proptest::prelude::*;

const ACCOUNTS: u32 = 3;
const DOLLARS: AssetId = AssetId(0);
const COINS: AssetId = AssetId(1);

fn tiers() -> Tiers {
    let rows = [(0, 20_000, 10_000), (1_000_000, 50_000, 25_000), (20_000_000, 200_000, 100_000)];
    let rows = rows.map(|(floor, initial, maintenance)| Tier {
        floor: Amount(floor),
        initial: Ppm(initial),
        maintenance: Ppm(maintenance),
    });
    Tiers::new(&rows, Ppm(600)).expect("a table")
}

fn quoted(contract: u16, mark: i64) -> Quoted {
    let (settlement, unit, asset) = match contract {
        0 => (Settlement::Linear, 7, DOLLARS),
        1 => (Settlement::Linear, 1, DOLLARS),
        _ => (Settlement::Inverse, 20_000_000_000, COINS),
    };
    let value = ContractValue::new(settlement, Amount(unit)).expect("a value");
    let stale_from = u64::MAX;
    Quoted::new((value, asset), Price(mark), tiers(), stale_from)
}

fn positions() -> Positions {
    let mut positions = Positions::default();
    (0..3).for_each(|contract| positions.quote(Ordinal(contract), quoted(contract, 1_000)));
    positions
}

#[derive(Clone, Debug)]
enum Step {
    Mark(u16, i64),
    Orders(At, Side, u64),
    Gone(At, Side),
    Isolate(At),
    Leverage(At, u8),
    Trade(u16, u32, u32, u64, i64),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn at() -> impl Strategy<Value = At> {
    (0..ACCOUNTS, 0_u16..3)
        .prop_map(|(account, contract)| At { account: AccountId(account), contract: Ordinal(contract) })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u16..3, 500_i64..2_000).prop_map(|(contract, mark)| Step::Mark(contract, mark)),
        4 => (at(), side(), 1_u64..500).prop_map(|(at, side, lots)| Step::Orders(at, side, lots)),
        2 => (at(), side()).prop_map(|(at, side)| Step::Gone(at, side)),
        1 => at().prop_map(Step::Isolate),
        1 => (at(), 1_u8..60).prop_map(|(at, leverage)| Step::Leverage(at, leverage)),
        8 => (0_u16..3, 0..ACCOUNTS, 0..ACCOUNTS, 1_u64..400, 500_i64..2_000)
            .prop_map(|(contract, buyer, seller, lots, price)| Step::Trade(contract, buyer, seller, lots, price)),
    ]
}

/// What a test keeps beside: wallets by asset and account.
struct World {
    positions: Positions,
    wallets: [[i64; ACCOUNTS as usize]; 2],
}

impl World {
    fn side(&self, contract: u16, account: u32, side: Side, lots: u64, price: i64) -> Traded {
        let quoted = quoted(contract, price);
        let value = quoted.value.of_trade(lots, Price(price)).expect("it fits");
        let at = At { account: AccountId(account), contract: Ordinal(contract) };
        let wallet = self.wallets[usize::from(quoted.asset.0)][account as usize];
        let hedges = self.positions.hedges(at.account);
        let closes = hedges && lots.is_multiple_of(2) && self.positions.closable(at, side) >= lots;
        Traded { at, side, lots, value, fee: 3, closes, wallet, now: Timestamp(0) }
    }

    fn book(&mut self, traded: &Traded, measured: &Measured) {
        let asset = usize::from(self.positions.quoted(traded.at.contract).asset.0);
        self.wallets[asset][traded.at.account.0 as usize] += measured.wallet;
        self.positions.change(traded.at, |holding| holding.positions[measured.which] = measured.position);
    }

    /// Wallets and pots less the cost of all positions, by asset.
    fn money(&self) -> [i64; 2] {
        let mut money = self.wallets.map(|wallets| wallets.iter().sum::<i64>());
        for holding in &self.positions.holdings {
            let asset = usize::from(self.positions.quoted(holding.at.contract).asset.0);
            money[asset] += holding.positions.iter().map(|one| one.pot - one.leg.cost).sum::<i64>();
        }
        money
    }

    /// Both sides of a trade, if both have the margin: returns the fees.
    fn trade(&mut self, contract: u16, buyer: u32, seller: u32, lots: u64, price: i64) -> Option<i64> {
        let buy = self.side(contract, buyer, Side::Buy, lots, price);
        let sell = self.side(contract, seller, Side::Sell, lots, price);
        let bought = self.positions.measure(&buy).ok()?;
        let sold = self.positions.measure(&sell).ok()?;
        self.check_side(&buy, &bought);
        self.check_side(&sell, &sold);
        self.book(&buy, &bought);
        self.book(&sell, &sold);
        Some(bought.fee + sold.fee)
    }

    /// A side that was not refused has the margin of what it opened, and is not below 0 by its own trade.
    fn check_side(&mut self, traded: &Traded, measured: &Measured) {
        let mut after = self.positions.clone();
        after.change(traded.at, |holding| holding.positions[measured.which] = measured.position);
        let asset = after.quoted(traded.at.contract).asset;
        let mode = after.find(traded.at).expect("it is there").mode;
        if mode == MarginMode::Cross {
            let sums = *after.margin(traded.at.account, asset).sums();
            let before = *self.positions.margin(traded.at.account, asset).sums();
            let equity = i128::from(traded.wallet + measured.wallet) + sums.profit;
            let equity_before = i128::from(traded.wallet) + before.profit;
            if measured.booked.opened > 0 {
                assert!(equity >= sums.behind_lots, "it opens without margin");
            } else {
                assert!(equity >= 0 || equity >= equity_before, "it is below 0 by its own trade");
            }
        }
    }

    fn audit(&mut self) {
        for account in (0..ACCOUNTS).map(AccountId) {
            for asset in [DOLLARS, COINS] {
                let kept = *self.positions.margin(account, asset).sums();
                let mut anew = self.positions.clone();
                anew.version += 1;
                assert_eq!(kept, *anew.margin(account, asset).sums(), "{account} {asset}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn sums_are_those_that_are_computed_anew(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World { positions: positions(), wallets: [[1_000_000; 3], [900_000_000; 3]] };
        world.positions.set_hedges(AccountId(2), true);
        for step in steps {
            let before = world.money();
            let mut fees = [0; 2];
            match step {
                Step::Mark(contract, mark) => world.positions.quote(Ordinal(contract), quoted(contract, mark)),
                Step::Orders(at, side, lots) => {
                    let asset = world.positions.quoted(at.contract).asset;
                    let with = world.positions.with_order(at, side, lots, 0);
                    let required = world.positions.margin(at.account, asset).sums().required;
                    world.positions.count_orders(at, side, lots as i64);
                    let now = world.positions.margin(at.account, asset).sums().required;
                    prop_assert_eq!(now - required, i128::from(with.required));
                    // More lots at risk never need less.
                    prop_assert!(with.required >= 0 && (with.increases || with.required == 0));
                }
                Step::Gone(at, side) => {
                    let which = world.positions.opened_by(at.account, side);
                    let counted = world.positions.find(at).map_or(0, |holding| match side {
                        Side::Buy => holding.positions[which].bids,
                        Side::Sell => holding.positions[which].asks,
                    });
                    world.positions.count_orders(at, side, -(counted as i64));
                }
                Step::Isolate(at) => {
                    let is_flat = world.positions.find(at).is_none_or(|holding| {
                        holding.positions.iter().all(|one| *one == Position::default())
                    });
                    if is_flat {
                        world.positions.change(at, |holding| holding.mode = MarginMode::Isolated);
                    }
                }
                Step::Leverage(at, leverage) => {
                    world.positions.change(at, |holding| holding.leverage = Leverage::new(leverage));
                }
                Step::Trade(contract, buyer, seller, lots, price) if buyer != seller => {
                    let asset = usize::from(world.positions.quoted(Ordinal(contract)).asset.0);
                    fees[asset] = world.trade(contract, buyer, seller, lots, price).unwrap_or(0);
                }
                Step::Trade(..) => {}
            }
            world.audit();
            prop_assert!(world.positions.sums_are_right());
            for holding in world.positions.iter().filter(|holding| holding.at.account == AccountId(2)) {
                let [long, short] = holding.positions;
                prop_assert!(long.leg.lots >= 0 && short.leg.lots <= 0, "no position turns over");
            }
            let after = world.money();
            prop_assert_eq!([after[0] + fees[0], after[1] + fees[1]], before);
        }
    }
}

fn one() -> (World, At) {
    let at = At { account: AccountId(0), contract: Ordinal(1) };
    (World { positions: positions(), wallets: [[100_000; 3]; 2] }, at)
}

#[test]
fn who_only_reduces_needs_no_margin() {
    let (mut world, at) = one();
    assert!(world.trade(1, 0, 1, 100, 1_000).is_some());
    world.wallets[0][0] = -99_000;
    world.positions.quote(Ordinal(1), quoted(1, 2_000));
    // Far below the margin that a new position needs; it may close in parts, at a price that does not make it worse.
    assert!(world.trade(1, 2, 0, 10, 2_000).is_some());
    assert_eq!(world.positions.find(at).expect("there").positions[0].leg.lots, 90);
    assert!(world.trade(1, 0, 2, 1, 2_000).is_none(), "it opens nothing");
}

/// Pitfall 13: its fee is waived instead.
#[test]
fn a_fee_is_waived_where_it_would_make_an_account_negative() {
    let (mut world, _) = one();
    assert!(world.trade(1, 0, 1, 100, 1_000).is_some());
    world.wallets[0][0] = 1;
    let sell = world.side(1, 0, Side::Sell, 100, 1_000);
    let measured = world.positions.measure(&sell).expect("it closes");
    assert_eq!((measured.fee, measured.wallet), (1, -1));
}

/// docs/FUTURES.md, "Worked numbers": pot of a part.
#[test]
fn pot_of_a_part() {
    let (mut world, at) = one();
    world.positions.quote(Ordinal(1), quoted(1, 12));
    world.positions.change(at, |holding| {
        holding.mode = MarginMode::Isolated;
        holding.positions[0] = Position {
            leg: crate::domain::contracts::Leg { lots: 20, cost: 240 },
            pot: 400,
            ..Position::default()
        };
    });
    let sell = Traded { fee: 0, ..world.side(1, 0, Side::Sell, 15, 10) };
    let measured = world.positions.measure(&sell).expect("it closes");
    assert_eq!((measured.booked.realised, measured.wallet), (-30, 270));
    assert_eq!(measured.position.pot, 100);
    world.positions.change(at, |holding| {
        holding.leverage = Leverage::new(2);
        holding.positions[0].pot = 1_000;
    });
    let sell = Traded { fee: 0, ..world.side(1, 0, Side::Sell, 25, 12) };
    let measured = world.positions.measure(&sell).expect("it turns over");
    assert_eq!((measured.position.leg.lots, measured.position.pot), (-5, 30));
    assert_eq!(measured.wallet, 1_000 - 30);
}

/// An account that owns the most positions may not open another one, and may increase those it has.
#[test]
fn an_account_has_at_most_64_positions() {
    let mut positions = Positions::default();
    for contract in 0..40 {
        positions.quote(Ordinal(contract), quoted(0, 1_000));
    }
    let hedging = AccountId(1);
    positions.set_hedges(hedging, true);
    let at = |contract| At { account: hedging, contract: Ordinal(contract) };
    for contract in 0..32 {
        for side in [Side::Buy, Side::Sell] {
            assert!(!positions.is_full(hedging), "{contract} {side:?}");
            positions.count_orders(at(contract), side, 5);
        }
    }
    assert!(positions.is_full(hedging));
    assert!(positions.with_order(at(32), Side::Buy, 1, 0).is_new);
    assert!(!positions.with_order(at(31), Side::Sell, 1, 0).is_new, "it is there already");
    // Lots that trade are counted in place of the order.
    positions.change(at(31), |holding| holding.positions[1].leg.lots = -5);
    positions.count_orders(at(31), Side::Sell, -5);
    assert!(positions.is_full(hedging));
    positions.change(at(31), |holding| holding.positions[1].leg.lots = 0);
    assert!(!positions.is_full(hedging) && positions.sums_are_right());
}

/// Long and short 100 lots of 1, both opened at 1,000 by one trade: nothing is gained or lost, and both need margin.
#[test]
fn both_positions_of_an_account_trade_with_each_other() {
    let (mut world, at) = one();
    world.positions.set_hedges(at.account, true);
    let sides = |world: &World, closes| {
        [Side::Buy, Side::Sell].map(|side| Traded { closes, ..world.side(1, 0, side, 100, 1_000) })
    };
    // 20 times, so each needs 5,000 of the 100,000.
    let measured = world.positions.measure_own(sides(&world, false)).expect("it has the margin");
    assert_eq!(measured.map(|one| (one.which, one.position.leg.lots, one.fee)), [(0, 100, 3), (1, -100, 3)]);
    let poor = sides(&world, false).map(|side| Traded { wallet: 10_005, ..side });
    assert!(world.positions.measure_own(poor).is_err(), "both fees are paid, too");
    let enough = poor.map(|side| Traded { wallet: 10_006, ..side });
    assert!(world.positions.measure_own(enough).is_ok());
    measured.iter().zip(sides(&world, false)).for_each(|(one, side)| world.book(&side, one));
    assert_eq!(world.positions.margin(at.account, DOLLARS).sums().behind_lots, 10_000);
    // Both close at 900: the long loses what the short gains. Whoever has nothing pays no fee.
    let close = [Side::Buy, Side::Sell].map(|side| Traded {
        closes: true,
        wallet: 4,
        ..world.side(1, 0, side, 100, 900)
    });
    let measured = world.positions.measure_own(close).expect("closing is allowed");
    assert_eq!(
        measured.map(|one| (one.which, one.booked.realised, one.fee)),
        [(1, 10_000, 3), (0, -10_000, 1)]
    );
}
