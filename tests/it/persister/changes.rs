//! Events of every kind, made by hand, and what the tables say of them.

use super::{Bench, append};
use dojima::domain::{
    Accepted, AccountId, AccountSelfTrade, AdminEvent, Amended, Amount, Armed, AssetCode, AssetId,
    AssetSettings, Auction, CancelReason, Canceled, ChangeRejected, Event, EventRecord, Executed, FeeAsset,
    FeeRate, FeeTier, GroupId, InstrumentId, KillScope, LimitScope, Listing, LoginId, MarketEvent,
    OrderEvent, OrderId, OrderLimits, OrderState, OrderTerms, Owner, Phase, PostOnly, Ppm, Price, Protection,
    Quantity, RejectReason, RestateReason, Restated, SelfTrade, SelfTradePrevented, SelfTradePrevention,
    SetFees, ShardId, Side, Switch, Symbol, TimeInForce, Timestamp, TradeId, TradeKind, Transfer, Trigger,
    TriggerKind, TriggerReference, Triggered, UserRef, VenueEvent, VenueLimits, Visibility, VolumeTiers,
};
use dojima::runtime::{Agent, Fatal};
use dojima::sql::check::CheckReport;
use rusqlite::Connection;
use std::collections::BTreeMap;

const USD: AssetId = AssetId(0);
const COIN: AssetId = AssetId(1);
const FEES: AccountId = AccountId(0);
const START: Timestamp = Timestamp(1_795_000_000_000_000_000);

/// A venue whose events are told one by one. It knows just enough of money to state reserves: none of the rules.
struct Script {
    events: Vec<EventRecord>,
    listing: Listing,
    orders: u64,
    trades: u64,
    refs: BTreeMap<LoginId, u32>,
}

/// An order of the script.
#[derive(Clone, Copy)]
struct Placed {
    order: OrderId,
    login: LoginId,
    user_ref: UserRef,
    side: Side,
}

impl Script {
    /// Dollars with two decimals, coins with three; a lot is 0.010 coins, a tick 0.1 dollars; two accounts with money.
    fn new(fee_asset: FeeAsset) -> Self {
        let listing = Listing {
            symbol: Symbol::new("COIN-USD").expect("a symbol"),
            base: COIN,
            quote: USD,
            price_decimals: 2,
            tick_units: 10,
            lot: Amount(1_000),
            tick_value: Amount(10),
            min_quantity: Quantity(1),
            max_quantity: Quantity(1_000_000),
            maker_fee: FeeRate(-1_000),
            taker_fee: FeeRate(2_000),
            fee_asset,
            phase: Phase::Continuous,
            ..Listing::default()
        };
        let (events, refs) = (Vec::new(), BTreeMap::new());
        let mut script = Self { events, listing, orders: 0, trades: 0, refs };
        let code = |text| AssetCode::new(text).expect("a code");
        script.tell(Event::Admin(AdminEvent::AssetAdded { asset: USD, code: code("USD"), scale: 2 }));
        script.tell(Event::Admin(AdminEvent::AssetAdded { asset: COIN, code: code("COIN"), scale: 3 }));
        (0..3).for_each(|id| script.tell(Event::Venue(VenueEvent::AccountOpened { account: AccountId(id) })));
        for id in 0..2 {
            script.tell(Event::Venue(VenueEvent::LoginOpened {
                login: LoginId(id),
                account: AccountId(id + 1),
            }));
            for (asset, reference) in [(USD, 1), (COIN, 2)] {
                let (account, amount) = (AccountId(id + 1), Amount(10_000_000));
                script.tell(Event::Admin(AdminEvent::Deposited(Transfer {
                    account,
                    asset,
                    amount,
                    reference,
                    shard: ShardId::FIRST,
                })));
            }
        }
        script.tell(Event::Admin(AdminEvent::InstrumentListed(listing)));
        script.tell(Event::Venue(VenueEvent::Opened { config_digest: 1 }));
        script
    }

    fn tell(&mut self, event: Event) {
        let number = self.events.len() as u64 + 1;
        let time = Timestamp(START.0 + number * 1_000_000_000);
        self.events.push(EventRecord { number, sequence: number, time, event });
    }

    fn accept(&mut self, login: u32, side: Side, price: Option<i64>, quantity: u64, reserved: i64) -> Placed {
        self.accept_with(login, side, price, quantity, reserved, |_| {})
    }

    fn accept_with(
        &mut self,
        login: u32,
        side: Side,
        price: Option<i64>,
        quantity: u64,
        reserved: i64,
        also: impl FnOnce(&mut Accepted),
    ) -> Placed {
        self.orders += 1;
        let login = LoginId(login);
        let last = self.refs.entry(login).or_default();
        *last += 1;
        let placed = Placed { order: OrderId(self.orders), login, user_ref: UserRef(*last), side };
        let mut accepted = Accepted {
            login,
            terms: OrderTerms {
                user_ref: placed.user_ref,
                order: placed.order,
                side,
                price: price.map(Price),
                quantity: Quantity(quantity),
                reserved: Amount(reserved),
                ..OrderTerms::default()
            },
        };
        also(&mut accepted);
        self.tell(Event::Order(OrderEvent::Accepted(accepted)));
        placed
    }

    /// `(fee, reserved)` of each.
    fn trade(
        &mut self,
        (maker, taker): (Placed, Placed),
        (price, quantity): (i64, u64),
        [(maker_fee, maker_reserved), (taker_fee, taker_reserved)]: [(i64, i64); 2],
        kind: TradeKind,
    ) {
        self.trades += 1;
        self.tell(Event::Order(OrderEvent::Executed(Executed {
            trade: TradeId(self.trades),
            instrument: InstrumentId(0),
            taker_side: taker.side,
            kind,
            maker_visibility: Visibility::Displayed,
            price: Price(price),
            quantity: Quantity(quantity),
            maker_login: maker.login,
            maker_user_ref: maker.user_ref,
            maker_order: maker.order,
            maker_fee: Amount(maker_fee),
            maker_reserved: Amount(maker_reserved),
            taker_login: taker.login,
            taker_user_ref: taker.user_ref,
            taker_order: taker.order,
            taker_fee: Amount(taker_fee),
            taker_reserved: Amount(taker_reserved),
        })));
    }

    fn cancel(&mut self, of: Placed, decrement: u64, open: u64, reason: CancelReason) {
        let Placed { order, login, user_ref, .. } = of;
        let (decrement, open, reserved) = (Quantity(decrement), Quantity(open), Amount(0));
        self.tell(Event::Order(OrderEvent::Canceled(Canceled {
            login,
            user_ref,
            order,
            decrement,
            open,
            reserved,
            reason,
        })));
    }

    /// `(displayed, open)` lots.
    fn restate(&mut self, of: Placed, lots: (u64, u64), reserved: i64, reason: RestateReason) {
        let Placed { order, login, user_ref, .. } = of;
        self.tell(Event::Order(OrderEvent::Restated(Restated {
            login,
            user_ref,
            order,
            price: Some(Price(1)),
            displayed: Quantity(lots.0),
            open: Quantity(lots.1),
            reserved: Amount(reserved),
            reason,
        })));
    }

    fn trigger(&mut self, of: Placed, reference: i64) {
        let Placed { order, login, user_ref, .. } = of;
        let (instrument, reference) = (InstrumentId(0), Price(reference));
        self.tell(Event::Order(OrderEvent::Triggered(Triggered {
            login,
            user_ref,
            order,
            instrument,
            reference,
        })));
    }

    /// The tables after all of it, however it is cut into batches, and however often the writer starts anew.
    fn written(&self) -> Written {
        let whole = Bench::with(&self.events);
        whole.fill(10_000);
        let one_by_one = Bench::with(&self.events);
        one_by_one.fill(1);
        assert_eq!(whole.dump(), one_by_one.dump(), "the size of the batches shows in the tables");
        let resumed = Bench::new();
        for events in self.events.chunks(3) {
            append(&mut resumed.log_writer(), events);
            resumed.fill(10_000);
        }
        assert_eq!(whole.dump(), resumed.dump(), "a restart shows in the tables");
        let report = whole.check();
        assert_eq!(report.first_difference(), None);
        let connection = Connection::open(whole.database()).expect("a database");
        Written { _bench: whole, connection, report }
    }
}

struct Written {
    _bench: Bench,
    connection: Connection,
    report: CheckReport,
}

impl Written {
    /// The rows of a query, a line each.
    fn rows(&self, sql: &str) -> Vec<String> {
        let mut statement = self.connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("rows");
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{sql}: {error}")) {
            let cell = |column| match row.get_ref(column).expect("a value") {
                rusqlite::types::ValueRef::Integer(value) => value.to_string(),
                rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                rusqlite::types::ValueRef::Null => "-".to_owned(),
                other => panic!("{other:?}"),
            };
            lines.push((0..columns).map(cell).collect::<Vec<_>>().join(" "));
        }
        lines
    }

    fn balance(&self, account: AccountId, asset: AssetId) -> (i64, i64) {
        let sql = "SELECT total, reserved FROM balances WHERE account = ?1 AND asset = ?2";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.connection.query_row(sql, (account.0, asset.0), read).expect("a balance")
    }
}

#[test]
fn rebates_are_paid_by_the_fee_account() {
    let mut script = Script::new(FeeAsset::Quote);
    // 10 lots at 100 ticks: 100.00 dollars against 10.000 coins; whoever rests gets 0.10 back, whoever takes pays 0.20.
    let sell = script.accept(0, Side::Sell, Some(100), 10, 10_000);
    let buy = script.accept(1, Side::Buy, Some(100), 10, 10_020);
    script.trade((sell, buy), (100, 10), [(-10, 0), (20, 0)], TradeKind::Continuous);
    let buy = script.accept(1, Side::Buy, Some(100), 10, 10_000);
    let sell = script.accept(0, Side::Sell, Some(100), 10, 10_000);
    script.trade((buy, sell), (100, 10), [(-10, 0), (20, 0)], TradeKind::Continuous);
    let written = script.written();
    assert_eq!(written.balance(AccountId(1), USD), (10_000_000 + 20_000 + 10 - 20, 0));
    assert_eq!(written.balance(AccountId(2), USD), (10_000_000 - 20_000 + 10 - 20, 0));
    assert_eq!(written.balance(AccountId(2), COIN), (10_000_000 + 20_000, 0));
    assert_eq!(written.balance(FEES, USD), (20, 0));
    let shown =
        written.rows("SELECT maker_fee, maker_fee_asset, taker_fee, taker_fee_asset FROM trades_readable");
    assert_eq!(shown, ["-0.10 USD 0.20 USD", "-0.10 USD 0.20 USD"]);
    assert!(written.rows("SELECT * FROM conservation WHERE supply <> held").is_empty());
}

#[test]
fn fees_are_paid_in_what_a_side_receives() {
    let mut script = Script::new(FeeAsset::Received);
    let sell = script.accept(0, Side::Sell, Some(100), 10, 10_000);
    let buy = script.accept(1, Side::Buy, Some(100), 10, 10_000);
    script.trade((sell, buy), (100, 10), [(10, 0), (20, 0)], TradeKind::Continuous);
    let buy = script.accept(1, Side::Buy, Some(100), 10, 10_000);
    let sell = script.accept(0, Side::Sell, Some(100), 10, 10_000);
    script.trade((buy, sell), (100, 10), [(10, 0), (20, 0)], TradeKind::Continuous);
    let written = script.written();
    assert_eq!(written.balance(AccountId(1), USD), (10_000_000 + 20_000 - 10 - 20, 0));
    assert_eq!(written.balance(AccountId(1), COIN), (10_000_000 - 20_000, 0));
    assert_eq!(written.balance(AccountId(2), USD), (10_000_000 - 20_000, 0));
    assert_eq!(written.balance(AccountId(2), COIN), (10_000_000 + 20_000 - 20 - 10, 0));
    assert_eq!((written.balance(FEES, USD), written.balance(FEES, COIN)), ((30, 0), (30, 0)));
    let shown =
        written.rows("SELECT maker_fee, maker_fee_asset, taker_fee, taker_fee_asset FROM trades_readable");
    assert_eq!(shown, ["0.10 USD 0.020 COIN", "0.010 COIN 0.20 USD"]);
    assert!(written.rows("SELECT * FROM conservation WHERE supply <> held").is_empty());
}

#[test]
fn orders_that_wait_are_rows_with_a_status_of_their_own() {
    let mut script = Script::new(FeeAsset::Quote);
    let dormant = |accepted: &mut Accepted| accepted.terms.state = OrderState::Dormant;
    let trigger = Trigger { kind: TriggerKind::Stop, reference: TriggerReference::MarkPrice, price: 1_100 };
    let armed = |of: Placed, trigger, oco| {
        let Placed { order, login, user_ref, .. } = of;
        Event::Order(OrderEvent::Armed(Armed { login, user_ref, order, trigger, oco }))
    };
    let stays = script.accept_with(0, Side::Buy, Some(120), 5, 6_012, dormant);
    script.tell(armed(stays, Some(trigger), None));
    let take_profit = script.accept_with(0, Side::Sell, Some(150), 5, 5_000, dormant);
    script.tell(armed(take_profit, Some(Trigger { kind: TriggerKind::TakeProfit, ..trigger }), None));
    let linked = script.accept(0, Side::Sell, Some(140), 5, 0);
    script.tell(armed(linked, None, Some(take_profit.order)));
    let goes = script.accept_with(1, Side::Buy, Some(120), 5, 6_012, dormant);
    script.tell(armed(goes, Some(trigger), None));
    script.tell(Event::Admin(AdminEvent::MarkSet { instrument: InstrumentId(0), price: Price(115) }));
    script.trigger(goes, 115);
    script.cancel(goes, 2, 3, CancelReason::UserRequested);
    script.trigger(take_profit, 150);
    script.cancel(linked, 5, 0, CancelReason::LinkedOrder);
    script.restate(take_profit, (5, 5), 5_000, RestateReason::Reserve);
    script.cancel(take_profit, 5, 0, CancelReason::TriggerRefused(RejectReason::NothingToTradeWith));
    let written = script.written();
    assert_eq!(
        written.rows("SELECT order_id, s.name, open, reserved, refusal FROM orders JOIN order_statuses s USING (status)"),
        [
            "1 waiting for its trigger 5 6012 -",
            "2 refused at its trigger 0 0 NothingToTradeWith",
            "3 linked order 0 0 -",
            "4 open 3 0 -",
        ]
    );
    assert_eq!(
        written.rows(
            "SELECT order_id, trigger_kind, trigger_reference, trigger_price, linked_order, triggered_at FROM armed_orders"
        ),
        [
            "1 stop mark-price 1100 - -",
            "2 take-profit mark-price 1100 - 1500",
            "3 - - - 2 -",
            "4 stop mark-price 1100 - 1150",
        ]
    );
    assert_eq!(written.rows("SELECT instrument, price FROM marks"), ["0 1150"]);
}

/// It counts as one lot while it waits, and learns its lots when its trigger comes.
#[test]
fn a_quantity_in_money_becomes_lots_at_the_trigger() {
    let mut script = Script::new(FeeAsset::Quote);
    let rest = script.accept(0, Side::Sell, Some(100), 10, 10_000);
    let dormant = |accepted: &mut Accepted| accepted.terms.state = OrderState::Dormant;
    let market = script.accept_with(1, Side::Buy, None, 1, 0, dormant);
    script.trigger(market, 100);
    script.restate(market, (7, 7), 0, RestateReason::Reserve);
    script.trade((rest, market), (100, 4), [(-4, 6_000), (8, 0)], TradeKind::Continuous);
    script.cancel(market, 3, 0, CancelReason::FundsExhausted);
    // An iceberg that shows its next slice is no market order, and keeps what is open.
    script.restate(rest, (2, 6), 6_000, RestateReason::Refreshed);
    script.restate(rest, (2, 6), 5_000, RestateReason::Reserve);
    let written = script.written();
    assert_eq!(
        written.rows("SELECT quantity, executed, open, reserved, status FROM orders ORDER BY order_id"),
        ["10 4 6 5000 0", "7 4 0 0 5"]
    );
    assert_eq!(written.balance(AccountId(1), COIN), (10_000_000 - 4_000, 5_000));
}

#[test]
fn every_reason_of_a_cancel_is_a_status() {
    let mut script = Script::new(FeeAsset::Quote);
    let reasons = [
        (CancelReason::UserRequested, "canceled"),
        (CancelReason::ImmediateOrCancel, "remainder canceled"),
        (CancelReason::FundsExhausted, "out of funds"),
        (CancelReason::InvalidReplace(RejectReason::PriceOffTick), "canceled by a refused replace"),
        (CancelReason::MinimumQuantity, "minimum not met"),
        (CancelReason::AmountSpent, "amount spent"),
        (CancelReason::MarketCollar, "market collar"),
        (CancelReason::PriceBand, "price band"),
        (CancelReason::SelfTradePrevented(SelfTradePrevented::default()), "self-trade prevented"),
        (CancelReason::LinkedOrder, "linked order"),
        (CancelReason::Expired, "expired"),
        (CancelReason::TermsChanged, "terms changed"),
        (CancelReason::Delisted, "delisted"),
        (CancelReason::Killed, "killed"),
        (CancelReason::MassCancel, "mass canceled"),
        (CancelReason::Operator, "canceled by an operator"),
        (CancelReason::TriggerRefused(RejectReason::AmountTooSmall), "refused at its trigger"),
        (CancelReason::Disconnected, "connection lost"),
        (CancelReason::DeadMansSwitch, "dead-man's switch"),
        (CancelReason::WorkLimit, "work limit"),
        (CancelReason::InsufficientMargin, "insufficient margin"),
        (CancelReason::PriceOutsideLimits, "price outside limits"),
        (CancelReason::OpenInterestLimit, "open interest limit"),
        (CancelReason::ReduceOnlyResized, "nothing to reduce"),
        (CancelReason::IndexStale, "index stale"),
        (CancelReason::ContractExpired, "contract expired"),
        (CancelReason::AccountBelowZero, "account below zero"),
    ];
    for (reason, _) in reasons {
        let order = script.accept(0, Side::Buy, Some(100), 10, 10_020);
        script.cancel(order, 10, 0, reason);
    }
    let written = script.written();
    let names = written.rows("SELECT status FROM orders_readable ORDER BY order_id");
    assert_eq!(names, reasons.map(|(_, name)| name));
    let refused = "SELECT order_id, refusal FROM orders WHERE refusal IS NOT NULL";
    assert_eq!(written.rows(refused), ["4 PriceOffTick", "17 AmountTooSmall"]);
    assert_eq!(written.rows("SELECT count(*) FROM order_statuses"), ["31"]);
}

#[test]
fn what_an_order_asked_for_is_in_its_row() {
    let mut script = Script::new(FeeAsset::Quote);
    script.accept_with(0, Side::Buy, Some(100), 10, 10_020, |accepted| {
        accepted.terms.display_quantity = 2;
        accepted.terms.post_only = PostOnly::Slide;
        accepted.terms.time_in_force = TimeInForce::GoodTillTime;
        accepted.terms.expire_s = 1_795_000_600;
    });
    let hidden = script.accept_with(0, Side::Buy, Some(100), 10, 10_020, |accepted| {
        accepted.terms.visibility = Visibility::Hidden;
        accepted.terms.time_in_force = TimeInForce::Day;
    });
    let Placed { order, login, user_ref, side } = hidden;
    let (decrement, open, reserved) = (Quantity(4), Quantity(6), Amount(6_012));
    script.tell(Event::Order(OrderEvent::Amended(Amended {
        login,
        user_ref,
        order,
        side,
        decrement,
        open,
        reserved,
    })));
    let reason = RejectReason::AmendNotPossible;
    script.tell(Event::Order(OrderEvent::ChangeRejected(ChangeRejected { login, user_ref, order, reason })));
    let written = script.written();
    let sql =
        "SELECT hidden, display_quantity, post_only, expire_s, event, quantity, open, reserved FROM orders";
    assert_eq!(written.rows(sql), ["0 2 2 1795000600 14 10 10 10020", "1 0 0 - 15 10 6 6012"]);
    let sql = "SELECT time_in_force, shown, quantity, open, expires FROM orders_readable";
    assert_eq!(
        written.rows(sql),
        ["good till time 2.000 10.000 10.000 2026-11-18 11:16:40", "day hidden 10.000 6.000 -"]
    );
    assert_eq!(
        written.rows("SELECT login, user_ref, reason, order_id FROM rejections"),
        ["0 2 AmendNotPossible 2"]
    );
    assert_eq!(written.balance(AccountId(1), USD), (10_000_000, 10_020 + 6_012));
}

/// Rows that were written under other terms keep their meaning.
#[test]
fn terms_and_scales_change_and_old_rows_do_not() {
    let mut script = Script::new(FeeAsset::Quote);
    let trade = |script: &mut Script, price, reserved: [i64; 2]| {
        let sell = script.accept(0, Side::Sell, Some(price), 10, reserved[0]);
        let buy = script.accept(1, Side::Buy, Some(price), 10, reserved[1]);
        script.trade((sell, buy), (price, 10), [(0, 0), (0, 0)], TradeKind::Continuous);
    };
    trade(&mut script, 100, [10_000, 10_000]);
    let rests = script.accept(0, Side::Sell, Some(200), 3, 3_000);
    // A tick of 20 price units: the order's 200 ticks become 100.
    script.restate(rests, (3, 3), 3_000, RestateReason::Tick);
    let listing = Listing { tick_units: 20, tick_value: Amount(20), ..script.listing };
    script.tell(Event::Admin(AdminEvent::TermsSet(listing)));
    trade(&mut script, 100, [10_000, 20_000]);
    // A lot of 0.002 coins: everything that rests goes.
    script.cancel(rests, 3, 0, CancelReason::TermsChanged);
    let listing = Listing { lot: Amount(2), tick_value: Amount(40), tick_units: 20_000, ..listing };
    script.tell(Event::Admin(AdminEvent::TermsSet(listing)));
    trade(&mut script, 2, [20, 800]);
    // Coins with five decimals.
    let settings = AssetSettings {
        asset: COIN,
        scale: 5,
        deposits: Switch::On,
        withdrawals: Switch::Off,
        min_deposit: Amount(100),
        min_withdrawal: Amount(0),
    };
    script.tell(Event::Admin(AdminEvent::AssetSet(settings)));
    script.tell(Event::Admin(AdminEvent::TermsSet(Listing { lot: Amount(200), ..listing })));
    trade(&mut script, 2, [2_000, 800]);
    let (account, amount) = (AccountId(1), Amount(50));
    script.tell(Event::Admin(AdminEvent::Deposited(Transfer {
        account,
        asset: COIN,
        amount,
        reference: 3,
        shard: ShardId::FIRST,
    })));
    let written = script.written();
    assert_eq!(
        written.rows("SELECT price, quantity, notional FROM trades_readable"),
        ["10.00 10.000 100.00", "20.00 10.000 200.00", "400.00 0.020 8.00", "400.00 0.02000 8.00"]
    );
    assert_eq!(
        written.rows("SELECT order_id, price, quantity FROM orders_readable WHERE order_id IN (1, 3, 8)"),
        ["1 10.00 10.000", "3 20.00 3.000", "8 400.00 0.02000"]
    );
    assert_eq!(
        written.rows("SELECT amount FROM transfers_readable WHERE asset = 'COIN'"),
        ["10000.000", "10000.000", "0.00050"]
    );
    assert_eq!(written.balance(AccountId(1), COIN), ((10_000_000 - 20_020) * 100 - 2_000 + 50, 0));
    assert_eq!(
        written.rows("SELECT asset, supply, held FROM conservation"),
        ["USD 20000000 20000000", "COIN 2000000050 2000000050"]
    );
    assert_eq!(
        written.rows("SELECT scale, unit, deposits, withdrawals, min_deposit, min_withdrawal FROM assets"),
        ["2 100 1 1 0 0", "5 100000 1 0 100 0"]
    );
    assert_eq!(
        written.rows("SELECT asset, scale, supply FROM asset_scales"),
        ["0 2 0", "1 3 0", "1 5 2000000000"]
    );
    assert_eq!(written.rows("SELECT tick, lot FROM instruments_readable"), ["200.00 0.00200"]);
    assert_eq!(written.rows("SELECT count(*) FROM instrument_terms"), ["4"]);
    assert_eq!(written.report.events, script.events.len() as u64);
}

/// An amount that is not exact at the new scale cannot be: the log makes no sense then.
#[test]
fn a_scale_that_loses_money_is_a_contradiction() {
    let mut script = Script::new(FeeAsset::Quote);
    let (account, amount) = (AccountId(1), Amount(7));
    script.tell(Event::Admin(AdminEvent::Deposited(Transfer {
        account,
        asset: COIN,
        amount,
        reference: 3,
        shard: ShardId::FIRST,
    })));
    let settings = AssetSettings {
        asset: COIN,
        scale: 2,
        deposits: Switch::On,
        withdrawals: Switch::On,
        min_deposit: Amount(0),
        min_withdrawal: Amount(0),
    };
    script.tell(Event::Admin(AdminEvent::AssetSet(settings)));
    let bench = Bench::with(&script.events);
    let mut driven = bench.writer(10_000);
    assert_eq!(driven.step(), 0, "the database is moved aside, and built again");
    let failed = driven.writer.do_work().expect_err("7 minor units are lost");
    assert!(matches!(failed, Fatal::EventLog { .. }), "{failed}");
}

#[test]
fn auctions_and_phases() {
    let mut script = Script::new(FeeAsset::Quote);
    let instrument = InstrumentId(0);
    script.tell(Event::Market(MarketEvent::PhaseSet { instrument, phase: Phase::ClosingAuction }));
    let sell = script.accept(0, Side::Sell, Some(100), 10, 10_000);
    let buy = script.accept(1, Side::Buy, Some(110), 12, 13_226);
    let auction = Auction {
        instrument,
        kind: TradeKind::Closing,
        price: Some(Price(105)),
        volume: Quantity(10),
        imbalance: Quantity(2),
        imbalance_side: Side::Buy,
    };
    script.tell(Event::Market(MarketEvent::Indicative(auction)));
    script.tell(Event::Market(MarketEvent::Uncrossed(auction)));
    script.trade((sell, buy), (105, 10), [(21, 0), (21, 2_205)], TradeKind::Closing);
    script.tell(Event::Market(MarketEvent::PhaseSet { instrument, phase: Phase::Closed }));
    let nothing = Auction { price: None, volume: Quantity(0), kind: TradeKind::Opening, ..auction };
    script.tell(Event::Market(MarketEvent::Uncrossed(nothing)));
    script.tell(Event::Market(MarketEvent::PhaseSet { instrument, phase: Phase::Halted }));
    let written = script.written();
    assert_eq!(
        written.rows("SELECT instrument, kind, price, volume, imbalance, imbalance_side FROM auctions"),
        ["0 3 1050 10 2 0", "0 1 - 0 2 0"]
    );
    assert_eq!(written.rows("SELECT kind, price FROM trades_readable"), ["closing 10.50"]);
    assert_eq!(
        written.rows("SELECT phase, fee_asset, product FROM instruments_readable"),
        ["halted quote spot"]
    );
}

#[test]
fn settings_are_rows() {
    let mut script = Script::new(FeeAsset::Received);
    let instrument = InstrumentId(0);
    let (maker, taker) = (FeeRate(-250), FeeRate(500));
    script.tell(Event::Admin(AdminEvent::FeesSet(SetFees { instrument, tier: FeeTier(3), maker, taker })));
    script.tell(Event::Admin(AdminEvent::FeesSet(SetFees {
        instrument,
        tier: FeeTier(0),
        maker: FeeRate(100),
        taker,
    })));
    let protection =
        Protection { price_min: 100, static_band: Ppm(50_000), interruption_s: 120, ..Protection::default() };
    script.tell(Event::Admin(AdminEvent::ProtectionSet { instrument, protection }));
    let limits = OrderLimits {
        quantity_max: Quantity(1_000),
        notional_max: Amount(5_000_000),
        open_orders_max: 20,
        ..OrderLimits::default()
    };
    script
        .tell(Event::Admin(AdminEvent::OrderLimitsSet { scope: LimitScope::Instrument(instrument), limits }));
    let limits = OrderLimits {
        triggers_max: 6,
        orders_per_second_max: 9,
        position_max: Quantity(77),
        ..OrderLimits::default()
    };
    script
        .tell(Event::Admin(AdminEvent::OrderLimitsSet { scope: LimitScope::Account(AccountId(2)), limits }));
    let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
    (volume_min[0], volume_min[1]) = (Amount(0), Amount(1_000_000));
    script.tell(Event::Admin(AdminEvent::VolumeTiersSet(VolumeTiers { asset: USD, volume_min })));
    script.tell(Event::Admin(AdminEvent::TierSet { account: AccountId(2), tier: FeeTier(3) }));
    let prevention = SelfTradePrevention { mode: SelfTrade::CancelOldest, owner: Owner::Group };
    let (account, group) = (AccountId(1), GroupId(5));
    script.tell(Event::Admin(AdminEvent::SelfTradeSet(AccountSelfTrade { account, prevention, group })));
    script.tell(Event::Admin(AdminEvent::Killed {
        scope: KillScope::Account(AccountId(2)),
        switch: Switch::On,
    }));
    script.tell(Event::Admin(AdminEvent::Killed { scope: KillScope::Venue, switch: Switch::On }));
    script.tell(Event::Admin(AdminEvent::Killed { scope: KillScope::Venue, switch: Switch::Off }));
    script.tell(Event::Venue(VenueEvent::LimitsSet {
        limits: VenueLimits {
            orders_max: 500,
            orders_touched_max: 60,
            account_orders_max: 70,
            account_triggers_max: 8,
        },
    }));
    script.tell(Event::Order(OrderEvent::MassCanceled {
        login: Some(LoginId(1)),
        user_ref: UserRef(9),
        canceled: 4,
        instrument: Some(instrument),
        side: Some(Side::Sell),
    }));
    script.tell(Event::Order(OrderEvent::MassCanceled {
        login: None,
        user_ref: UserRef(0),
        canceled: 0,
        instrument: None,
        side: None,
    }));
    // Dollars with four decimals: what is set in them follows.
    let settings = AssetSettings {
        asset: USD,
        scale: 4,
        deposits: Switch::On,
        withdrawals: Switch::On,
        min_deposit: Amount(0),
        min_withdrawal: Amount(0),
    };
    script.tell(Event::Admin(AdminEvent::AssetSet(settings)));
    script.tell(Event::Admin(AdminEvent::TermsSet(Listing { tick_value: Amount(1_000), ..script.listing })));
    let written = script.written();
    assert_eq!(
        written.rows("SELECT tier, maker_ppm, taker_ppm FROM fees WHERE tier < 5"),
        ["0 100 500", "1 -1000 2000", "2 -1000 2000", "3 -250 500", "4 -1000 2000"]
    );
    assert_eq!(written.rows("SELECT maker_fee_percent FROM instruments_readable"), ["0.0100"]);
    assert_eq!(written.rows("SELECT * FROM protections"), ["0 100 - - 50000 - 120 -"]);
    assert_eq!(
        written.rows("SELECT * FROM order_limits"),
        ["account 2 - - - 6 9 77", "instrument 0 1000 500000000 20 - - -"]
    );
    assert_eq!(written.rows("SELECT * FROM volume_tiers WHERE tier < 3"), ["0 0", "1 100000000", "2 -"]);
    assert_eq!(
        written.rows("SELECT account, tier, self_trade, self_trade_owner, group_id, killed FROM accounts"),
        ["0 0 allow account - 0", "1 0 cancel-oldest group 5 0", "2 3 allow account - 1"]
    );
    assert_eq!(written.rows("SELECT * FROM venue"), ["1 500 60 70 8 0 0"]);
    assert_eq!(
        written.rows("SELECT login, user_ref, canceled, instrument, side FROM mass_cancels"),
        ["1 9 4 0 1", "- 0 0 - -"]
    );
}
