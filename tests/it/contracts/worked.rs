//! The worked numbers of docs/FUTURES.md, by the reference and by the engine.

use super::{inverse, linear, of_engine};
use crate::support::naive::contracts::leg::Position;
use crate::support::naive::contracts::value::Listed;
use crate::support::naive::contracts::{funding, judged, margin, orders, prices};
use dojima::domain::contracts::{
    Exposure, Funding, FundingRate, FundingTerms, Leg, Leverage, MarkInputs, Premium, Tier, Tiers, mark,
};
use dojima::domain::{Amount, Ppm, Price, Side};

/// A leg in both.
struct Held {
    listed: Listed,
    position: Position,
    leg: Leg,
}

impl Held {
    fn flat(listed: Listed) -> Self {
        Self { listed, position: Position::default(), leg: Leg::default() }
    }

    /// What is realised.
    fn trade(&mut self, side: Side, lots: u64, price: i64) -> i64 {
        self.trade_for(side, lots, self.listed.of_trade(lots, price).expect("fits"))
    }

    fn trade_for(&mut self, side: Side, lots: u64, value: i64) -> i64 {
        let realised = self.leg.book(&of_engine(&self.listed), side, lots, Amount(value)).realised;
        assert_eq!(self.position.book(&self.listed, side, lots, value).realised, i128::from(realised));
        let leg = (i128::from(self.leg.lots), i128::from(self.leg.cost));
        assert_eq!(leg, (self.position.lots, self.position.cost));
        realised
    }

    fn lots_and_cost(&self) -> (i64, i64) {
        (self.leg.lots, self.leg.cost)
    }

    fn profit(&self, mark: i64) -> i64 {
        let Position { lots, cost } = self.position;
        let profit = self.listed.profit(lots, cost, mark).expect("fits");
        assert_eq!(self.leg.profit(&of_engine(&self.listed), Price(mark)), Some(Amount(profit)));
        profit
    }
}

fn both() -> [(Side, Side, i64); 2] {
    [(Side::Buy, Side::Sell, 1), (Side::Sell, Side::Buy, -1)]
}

#[test]
fn tier_amounts() {
    const K: i64 = 1_000;
    let floors = [
        0,
        50 * K,
        250 * K,
        K * K,
        10 * K * K,
        20 * K * K,
        50 * K * K,
        100 * K * K,
        200 * K * K,
        300 * K * K,
    ];
    let maintenance = [4_000, 5_000, 10_000, 25_000, 50_000, 100_000, 125_000, 150_000, 250_000, 500_000];
    let row = |(&floor, &rate): (&i64, &u32)| Tier {
        floor: Amount(floor),
        initial: Ppm(rate * 2),
        maintenance: Ppm(rate),
    };
    let tiers: Vec<Tier> = floors.iter().zip(&maintenance).map(row).collect();
    assert_eq!(margin::faults(&tiers, 0), []);
    let table = Tiers::new(&tiers, Ppm(0)).expect("taken");
    let amounts = [0, 50, 1_300, 16_300, 266_300, 1_266_300, 2_516_300, 5_016_300, 25_016_300, 100_016_300];
    assert_eq!(table.amounts().map(|amount| amount.0).collect::<Vec<_>>(), amounts);
    let naive: Vec<_> = margin::amounts(&tiers).iter().map(|amount| amount.to_integer()).collect();
    assert_eq!(naive, amounts.map(Into::into));
    for (notional, expected) in [(6_500 * K, 146_200), (K * K, 8_700)] {
        assert_eq!(margin::maintenance(&tiers, notional), expected);
        assert_eq!(table.maintenance(Amount(notional)), Amount(expected));
    }
    assert_eq!([2, 3].map(|row| margin::maintenance_of_row(&tiers, row, K * K)), [8_700; 2]);
}

#[test]
fn profit_of_a_path() {
    for (buy, sell, sign) in both() {
        let mut leg = Held::flat(linear(1));
        assert_eq!(leg.trade(buy, 50, 1_000), 0);
        assert_eq!((leg.trade(sell, 5, 1_005), leg.profit(1_005)), (sign * 25, sign * 225));
        assert_eq!((leg.trade(sell, 5, 995), leg.profit(995)), (sign * -25, sign * -200));
        let mut other = Held { listed: leg.listed, position: leg.position, leg: leg.leg };
        assert_eq!((leg.trade(sell, 2, 1_009), leg.profit(1_009)), (sign * 18, sign * 342));
        assert_eq!((other.trade(sell, 40, 1_009), other.lots_and_cost()), (sign * 360, (0, 0)));
        assert_eq!((other.trade(sell, 5, 1_003), other.profit(1_003)), (0, 0));
        assert_eq!(other.lots_and_cost().0, sign * -5);
    }
}

#[test]
fn part_of_the_cost() {
    let mut leg = Held::flat(linear(1));
    leg.trade_for(Side::Buy, 10, 10);
    assert_eq!((leg.trade_for(Side::Sell, 1, 5), leg.lots_and_cost()), (4, (9, 9)));
    let mut leg = Held::flat(linear(1));
    leg.trade_for(Side::Buy, 10, 10);
    assert_eq!((leg.trade_for(Side::Sell, 11, 22), leg.lots_and_cost()), (10, (-1, -2)));
    let mut leg = Held::flat(linear(1));
    leg.trade_for(Side::Buy, 10, 10);
    assert_eq!((leg.trade_for(Side::Sell, 11, 10), leg.lots_and_cost()), (-1, (-1, -1)));
}

#[test]
fn turn_over() {
    let mut leg = Held::flat(linear(1));
    leg.trade(Side::Buy, 50, 99_000);
    assert_eq!(leg.trade(Side::Sell, 60, 110_000), 550_000);
    assert_eq!(leg.lots_and_cost(), (-10, -1_100_000));
    assert_eq!(leg.leg.average_entry(&of_engine(&leg.listed)), Some(Price(110_000)));
    assert_eq!(leg.listed.average_entry(-10, -1_100_000), Some(110_000));
}

/// A coin has 10^8 minor units. A lot is of 100 USD and a tick of half a dollar: at one tick it is worth 200 coins.
const COIN: i64 = 100_000_000;
const HUNDRED_DOLLARS: i64 = 200 * COIN;

#[test]
fn inverse_profit_and_funding() {
    let mut leg = Held::flat(inverse(HUNDRED_DOLLARS));
    leg.trade(Side::Buy, 150, 1_500);
    assert_eq!(leg.lots_and_cost(), (150, -20 * COIN));
    assert_eq!(leg.profit(1_600), COIN * 5 / 4);
    let paid = funding::payment(&leg.listed, 150, 2_500_000, 1_500);
    assert_eq!(paid, Some(-COIN / 20));
    let moment = Funding { rate: FundingRate(2_500_000), mark: Price(1_500) };
    assert_eq!(moment.payment(&of_engine(&leg.listed), &leg.leg), paid.map(Amount));
    assert_eq!(leg.trade(Side::Sell, 150, 1_600), COIN * 5 / 4);
}

#[test]
fn inverse_average() {
    // A lot of 50 USD.
    let mut leg = Held::flat(inverse(HUNDRED_DOLLARS / 2));
    leg.trade(Side::Buy, 1, 20_000);
    leg.trade(Side::Buy, 1, 30_000);
    let (lots, cost) = leg.lots_and_cost();
    assert_eq!(leg.listed.average_entry(lots.into(), cost.into()), Some(24_000));
    assert_eq!(leg.leg.average_entry(&of_engine(&leg.listed)), Some(Price(24_000)));
}

#[test]
fn inverse_maintenance() {
    let tiers = [Tier { floor: Amount(0), initial: Ppm(10_000), maintenance: Ppm(5_000) }];
    let table = Tiers::new(&tiers, Ppm(0)).expect("taken");
    let is_below = |side: Side, mark: i64| {
        let mut leg = Held::flat(inverse(HUNDRED_DOLLARS));
        leg.trade(side, 600, 100_000);
        let equity = judged::equity(COIN * 12 / 100, &[leg.profit(mark)]);
        let notional = leg.listed.notional(600, mark).expect("fits");
        let needed = margin::maintenance(&tiers, notional);
        assert_eq!(table.maintenance(Amount(notional)), Amount(needed));
        equity < needed
    };
    assert!(is_below(Side::Buy, 91_363) && !is_below(Side::Buy, 91_364), "45,681.5 and 45,682");
    assert!(is_below(Side::Sell, 110_556) && !is_below(Side::Sell, 110_555), "55,278 and 55,277.5");
}

#[test]
fn margin_of_orders() {
    let cases = [(200, 150, 200), (200, 200, 200), (200, 220, 220)];
    for (bids, asks, expected) in cases {
        assert_eq!(orders::at_risk_one_way(0, bids, asks), expected);
        assert_eq!(i128::from(Exposure { lots: 0, bids, asks }.lots_at_risk()), expected);
    }
}

#[test]
fn one_way_requirement() {
    // Lots of a tenth.
    for (bids, expected) in [(0, 10), (15, 10), (21, 11)] {
        assert_eq!(orders::at_risk_one_way(-10, bids, 0), expected);
        assert_eq!(i128::from(Exposure { lots: -10, bids, asks: 0 }.lots_at_risk()), expected);
    }
}

#[test]
fn hedge() {
    let tiers = [Tier { floor: Amount(0), initial: Ppm(10_000), maintenance: Ppm(5_000) }];
    let table = Tiers::new(&tiers, Ppm(0)).expect("taken");
    let available = |legs: &[Held], mark: i64| {
        let needed = |leg: &Held| {
            let notional = leg.listed.notional(leg.leg.lots.unsigned_abs(), mark).expect("fits");
            let needed = margin::initial(&tiers, notional, 100);
            assert_eq!(
                table.initial(Amount(notional), Leverage::new(100).expect("in range")),
                Amount(needed)
            );
            needed
        };
        let profits: Vec<i64> = legs.iter().map(|leg| leg.profit(mark)).collect();
        let initial: Vec<i64> = legs.iter().map(needed).collect();
        judged::available(3_000, &profits, &initial, &[])
    };
    let mut legs = [Held::flat(linear(1)), Held::flat(linear(1))];
    legs[0].trade(Side::Buy, 2, 10_000);
    assert_eq!(available(&legs, 10_000), 2_800);
    legs[1].trade(Side::Sell, 4, 9_000);
    assert_eq!(available(&legs, 9_000), 460);
    assert_eq!(available(&legs, 8_000), 2_520);
}

/// A rate of eight hours, every second sampled.
fn of_eight_hours(premium: i128, interest: i32, samples: u32) -> i64 {
    let terms = FundingTerms { interval_s: 28_800, interest_ppb: interest, maintenance: Ppm(999_999) };
    let sum = premium * i128::from(samples);
    let rate = Premium { sum, samples }.rate(&terms).0;
    assert_eq!(rate, funding::rate(sum, samples, 28_800, interest, 999_999));
    rate
}

#[test]
fn funding_clamp() {
    let premiums = [(600_000, 100_000), (2_000_000, 1_500_000), (-2_000_000, -1_500_000)];
    for (premium, expected) in premiums {
        assert_eq!(of_eight_hours(premium, 100_000, 28_800), expected);
    }
}

#[test]
fn funding_scaled() {
    assert_eq!(of_eight_hours(2_000_000, 100_000, 14_400), 750_000);
    // 200 seconds are 200 of 28,800: of 1,440,000 for eight hours 10,000; with half of the samples, 5,000.
    let rate = |samples: u32, maintenance: u32| {
        let sum = 1_940_000 * i128::from(samples);
        let terms = FundingTerms { interval_s: 200, interest_ppb: 100_000, maintenance: Ppm(maintenance) };
        let rate = Premium { sum, samples }.rate(&terms).0;
        assert_eq!(rate, funding::rate(sum, samples, 200, 100_000, maintenance));
        rate
    };
    assert_eq!((rate(200, 4_000), rate(100, 4_000)), (10_000, 5_000));
    // A cap of 7,500: half of the samples come to less than it. Clamped first they would come to 3,750.
    assert_eq!((rate(200, 10), rate(100, 10)), (7_500, 5_000));
}

#[test]
fn median() {
    // Ticks of a tenth. With the impact mid at 120 for so long that the basis has followed it.
    for basis in [None, Some(200)] {
        let inputs = prices::Inputs {
            index: 1_000,
            funding: Some((0, 0, 28_800)),
            basis,
            mid: Some(1_200),
            band: 5_000,
        };
        let engine = MarkInputs {
            index: Price(1_000),
            funding_left: (0, 28_800),
            basis,
            mid: Some(Price(1_200)),
            band: Ppm(5_000),
        };
        let expected = if basis.is_some() { 1_005 } else { 1_000 };
        assert_eq!((inputs.mark(), mark(&engine)), (expected, Price(expected)));
    }
}

/// A unit is a hundredth, as far as the numbers of the page have fractions.
#[test]
fn liquidation_in_parts() {
    let mut leg = Held::flat(linear(100));
    leg.trade(Side::Buy, 10, 2_000);
    let equity = judged::equity(218_000, &[leg.profit(1_800)]);
    let tiers = [Tier { floor: Amount(0), initial: Ppm(100_000), maintenance: Ppm(50_000) }];
    let needed = margin::maintenance(&tiers, leg.listed.notional(10, 1_800).expect("fits"));
    assert_eq!((equity, needed), (18_000, 90_000));
    assert_eq!(judged::bankruptcy(1_800_000, equity, needed, needed), 1_782_000);
    let of_one_lot = leg.listed.notional(1, 1_800).expect("fits");
    assert_eq!(judged::lots_to_close(equity, needed, of_one_lot, 50_000, 1_000), 9);
    assert_eq!(judged::lots_to_close(equity, needed, of_one_lot, 50_000, 0), 8);
}

#[test]
fn bankruptcy_of_a_whole_leg() {
    let mut leg = Held::flat(linear(1));
    leg.trade(Side::Buy, 10, 2_000);
    let equity = judged::equity(2_000, &[leg.profit(1_875)]);
    assert_eq!(judged::bankruptcy(18_750, equity, 1, 1), 10 * 1_800);
}

#[test]
fn absurd_asks() {
    let mut leg = Held::flat(linear(1));
    leg.trade(Side::Sell, 5, 2_000);
    let equity = judged::equity(1_040, &[leg.profit(2_300)]);
    assert_eq!(judged::bankruptcy(-5 * 2_300, equity, 1, 1), -5 * 2_208);
}

#[test]
fn shares_that_add_up() {
    assert_eq!(judged::shares(3_000, &[7_200, 800, 800]), [2_454, 272, 274]);
}
