//! A snapshot of the present version with something of everything. When a test of this file fails, snapshots that exist can
//! no longer be read: the answer is a new version of the format, and a golden file of that version. `tests/it/formats.rs`
//! says how it is written.

use super::contracts::{OF_CONTRACTS, OF_TRANSFERS};
use super::file::Parts;
use super::{apply, loaded, name, saved};
use crate::exchange::properties::{opening, riches};
use crate::support::sessions::in_present_session;
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, AdminEvent, Amount, AssetId, AssetSettings, CancelFilter,
    CancelReason, ClockCommand, Command, Enter, Event, FeeRate, FeeTier, GroupId, Instructions, InstrumentId,
    KillScope, LimitScope, LoginId, MarketEvent, MassCancel, OrderCommand, OrderEvent, OrderLimits,
    OrderPrice, Owner, Phase, PostOnly, Ppm, Price, Protection, Quantity, QuantityUnit, QueryAccount,
    Question, SelfTrade, SelfTradePrevention, SetFees, SetOrderEntry, SetTerms, ShardId, Side, Switch,
    TimeInForce, Timestamp, Trigger, TriggerKind, TriggerReference, UserRef, VenueCommand, Visibility,
    VolumeTiers,
};
use dojima::exchange::snapshot::Part;
use dojima::replica::State;
use dojima::replica::snapshot::layout::{END, STREAMS, section};
use std::fs;
use std::path::PathBuf;

const START: u64 = 1_700_000_000 * Timestamp::SECOND;
const COIN: InstrumentId = InstrumentId(0);
const WIDE: InstrumentId = InstrumentId(1);
const RECEIVED: InstrumentId = InstrumentId(2);

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/snapshot")
}

/// Says the position of the golden snapshot, the digest of the state in it, and that of the same after [`what_follows`].
fn about() -> PathBuf {
    folder().join("about.txt")
}

/// The golden snapshot and what is said about it.
pub struct Golden {
    pub bytes: Vec<u8>,
    pub position: u64,
    digest: String,
    digest_after: String,
}

/// Reads the golden snapshot.
pub fn golden() -> Golden {
    let said = fs::read_to_string(about()).expect("it is said what it is");
    let [position, digest, digest_after] =
        said.lines().collect::<Vec<_>>().try_into().expect("position and two digests");
    let position = position.parse().expect("a position");
    let bytes = fs::read(folder().join(name(position))).expect("the golden snapshot is there");
    Golden { bytes, position, digest: digest.to_owned(), digest_after: digest_after.to_owned() }
}

/// A state that is being made, and the last number of each login.
struct Maker {
    state: State,
    last: [u32; 5],
    now: u64,
}

impl Maker {
    /// Applies a command that nobody refuses, of a client in its present session.
    fn send(&mut self, command: Command) -> Vec<Event> {
        let command = in_present_session(command, self.state.shards.first());
        let events = apply(&mut self.state, Timestamp(self.now), &command);
        let events: Vec<Event> = events.into_iter().map(|record| record.event).collect();
        for event in &events {
            let refused = matches!(
                event,
                Event::Admin(AdminEvent::Refused { .. })
                    | Event::Order(
                        OrderEvent::Rejected(_) | OrderEvent::ChangeRejected(_) | OrderEvent::Ignored(_)
                    )
            );
            assert!(!refused, "{command:?}: {event:?}");
        }
        events
    }

    fn enter(&mut self, order: Enter, asks: Option<Instructions>) -> UserRef {
        let last = &mut self.last[order.login.0 as usize];
        *last += 1;
        let user_ref = UserRef(*last);
        self.send(Command::Order(OrderCommand::Enter(Enter { user_ref, instructions: asks, ..order })));
        user_ref
    }
}

fn order(login: u32, instrument: InstrumentId, side: Side, ticks: u64, lots: u64) -> Enter {
    let mut enter = Enter {
        login: LoginId(login),
        instrument,
        side,
        price: OrderPrice::Limit((ticks * 5) as i64),
        quantity: Quantity(lots),
        ..Enter::default()
    };
    enter.echo.of_order = *b"AXFIRM";
    enter
}

fn stop(kind: TriggerKind, reference: TriggerReference, ticks: u32) -> Instructions {
    let trigger = Some(Trigger { kind, reference, price: ticks * 5 });
    Instructions { trigger, ..Instructions::default() }
}

/// Something of everything that a state can have.
pub fn everything() -> State {
    let state = super::state_of(64, &opening([-500, 2_000, 300, 700]));
    let mut maker = Maker { state, last: [0; 5], now: START };
    riches().for_each(|command| drop(maker.send(command)));
    sessions(&mut maker);
    settings(&mut maker);
    trades(&mut maker);
    resting(&mut maker);
    waiting(&mut maker);
    endings(&mut maker);
    assert_eq!(maker.state.shards.audit(), Ok(()));
    maker.state
}

/// The second session, in which an order of the first has its number still.
fn sessions(maker: &mut Maker) {
    maker.last[2] = 49;
    maker.enter(order(2, COIN, Side::Buy, 13, 2), None);
    maker.send(Command::Venue(VenueCommand::RollSession { session: 1 }));
    maker.last = [0; 5];
    maker.send(Command::Venue(VenueCommand::Lead { epoch: 0x0807_0605_0403_0201, node: 2 }));
    let limits = OrderLimits {
        quantity_max: Quantity(800),
        notional_max: Amount(1 << 41),
        open_orders_max: 39,
        ..OrderLimits::default()
    };
    maker.send(Command::Admin(AdminCommand::SetOrderLimits { scope: LimitScope::Login(LoginId(1)), limits }));
    for (login, account) in [(4, 3), (4, 1), (0, 1)] {
        maker.send(Command::Venue(VenueCommand::CopyAccount {
            login: LoginId(login),
            account: AccountId(account),
        }));
    }
}

fn settings(maker: &mut Maker) {
    let fees = |tier, maker, taker| SetFees {
        instrument: COIN,
        tier: FeeTier(tier),
        maker: FeeRate(maker),
        taker: FeeRate(taker),
    };
    maker.send(Command::Admin(AdminCommand::SetFees(fees(0, -400, 1_900))));
    maker.send(Command::Admin(AdminCommand::SetFees(fees(3, 10, 1_000))));
    let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
    (volume_min[0], volume_min[1], volume_min[2]) = (Amount(0), Amount(1_000), Amount(1_000_000_000));
    maker.send(Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset: AssetId(1), volume_min })));
    maker.send(Command::Admin(AdminCommand::AssignTier { account: AccountId(3), tier: Some(FeeTier(3)) }));
    let prevention = SelfTradePrevention { mode: SelfTrade::CancelOldest, owner: Owner::Group };
    maker.send(Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade {
        account: AccountId(2),
        prevention,
        group: GroupId(7),
    })));
    let limits = OrderLimits {
        quantity_max: Quantity(900),
        notional_max: Amount(1 << 40),
        open_orders_max: 40,
        triggers_max: 20,
        orders_per_second_max: 30,
        position_max: Quantity(1 << 40),
    };
    maker.send(Command::Admin(AdminCommand::SetOrderLimits {
        scope: LimitScope::Account(AccountId(1)),
        limits,
    }));
    let limits = OrderLimits { triggers_max: 0, orders_per_second_max: 29, ..limits };
    maker.send(Command::Admin(AdminCommand::SetOrderLimits { scope: LimitScope::Instrument(COIN), limits }));
    let protection = Protection {
        price_min: 5,
        price_max: 5_000,
        reference: 100,
        static_band: Ppm(500_000),
        dynamic_band: Ppm(400_000),
        interruption_s: 60,
        market_collar: Ppm(300_000),
    };
    maker.send(Command::Admin(AdminCommand::SetProtection { instrument: WIDE, protection }));
    maker.send(Command::Admin(AdminCommand::SetAsset(AssetSettings {
        asset: AssetId(2),
        scale: 18,
        deposits: Switch::Off,
        withdrawals: Switch::Off,
        min_deposit: Amount(3),
        min_withdrawal: Amount(4),
    })));
    maker.send(Command::Admin(AdminCommand::SetTerms(SetTerms {
        instrument: COIN,
        tick_units: 5,
        lot: Amount(100),
        min_quantity: Quantity(1),
        max_quantity: Quantity(2_000),
        min_notional: Amount(5),
    })));
}

/// Trades over two days, so that there are volumes and carried fees; enough of them for a second mark in a stream.
fn trades(maker: &mut Maker) {
    for round in 0..600 {
        maker.now += 200_000_000;
        maker.enter(order(1, COIN, Side::Sell, 20, 3), None);
        maker.enter(
            Enter { time_in_force: TimeInForce::ImmediateOrCancel, ..order(3, COIN, Side::Buy, 20, 3) },
            None,
        );
        if round == 130 {
            maker.now += 86_400 * Timestamp::SECOND;
        }
    }
    maker.enter(order(1, WIDE, Side::Sell, 21, 4), None);
    maker.enter(order(3, WIDE, Side::Buy, 21, 4), None);
}

fn resting(maker: &mut Maker) {
    let plain = Instructions::default();
    maker.now += Timestamp::SECOND;
    for (login, side, ticks, lots) in [
        (1, Side::Buy, 18, 5),
        (3, Side::Buy, 18, 7),
        (2, Side::Buy, 17, 9),
        (4, Side::Sell, 23, 5),
        (1, Side::Sell, 23, 6),
    ] {
        maker.enter(order(login, COIN, side, ticks, lots), None);
    }
    // Partly filled, so that its fee carries.
    maker.enter(order(4, COIN, Side::Sell, 18, 3), None);
    maker.enter(order(1, COIN, Side::Buy, 16, 40), Some(Instructions { display_quantity: 7, ..plain }));
    for side in [Side::Buy, Side::Sell] {
        let ticks = if side == Side::Buy { 18 } else { 23 };
        let hidden = Instructions { visibility: Visibility::Hidden, ..plain };
        maker.enter(order(3, COIN, side, ticks, 4), Some(hidden));
    }
    maker.enter(Enter { time_in_force: TimeInForce::Day, ..order(3, COIN, Side::Buy, 15, 4) }, None);
    for ends_in in [500, 100, 300] {
        let expire_s = (maker.now / Timestamp::SECOND) as u32 + ends_in;
        let asks = Instructions { expire_s, post_only: PostOnly::Slide, ..plain };
        maker.enter(
            Enter { time_in_force: TimeInForce::GoodTillTime, ..order(1, COIN, Side::Sell, 30, 2) },
            Some(asks),
        );
    }
    let self_trade = Some(SelfTradePrevention { mode: SelfTrade::DecrementBoth, owner: Owner::Account });
    maker.enter(order(2, COIN, Side::Buy, 14, 2), Some(Instructions { self_trade, ..plain }));
    // More than is there, and a cancel of what is not there.
    let asks = Instructions { min_quantity: 50, ..plain };
    maker.enter(
        Enter { time_in_force: TimeInForce::ImmediateOrCancel, ..order(4, COIN, Side::Sell, 17, 50) },
        Some(asks),
    );
    maker.last[4] += 1;
    let filter = CancelFilter { instrument: Some(WIDE), ..CancelFilter::default() };
    maker.send(Command::Order(OrderCommand::MassCancel(MassCancel {
        login: Some(LoginId(4)),
        session: 0,
        user_ref: UserRef(maker.last[4]),
        filter,
    })));
    // One cancels the other; the second holds what it needs beyond the first.
    let first = maker.enter(order(4, COIN, Side::Sell, 26, 3), None);
    maker.enter(order(4, COIN, Side::Sell, 27, 5), Some(Instructions { oco: first, ..plain }));
}

fn waiting(maker: &mut Maker) {
    use TriggerKind::{Stop, TakeProfit, TrailingStop};
    use TriggerReference::{LastTrade, MarkPrice};
    maker.send(Command::Admin(AdminCommand::SetMark { instrument: COIN, price: Price(20) }));
    maker.enter(order(3, COIN, Side::Buy, 29, 2), Some(stop(Stop, LastTrade, 28)));
    maker.enter(order(3, COIN, Side::Buy, 28, 2), Some(stop(Stop, LastTrade, 28)));
    maker.enter(order(3, COIN, Side::Buy, 12, 2), Some(stop(TakeProfit, MarkPrice, 12)));
    maker.enter(order(1, COIN, Side::Sell, 10, 2), Some(stop(TrailingStop, LastTrade, 4)));
    maker.enter(order(1, COIN, Side::Sell, 10, 2), Some(stop(TrailingStop, MarkPrice, 3)));
    // Nobody has said what this one follows.
    for side in [Side::Buy, Side::Sell] {
        let ticks = if side == Side::Buy { 30 } else { 10 };
        maker.enter(order(3, RECEIVED, side, ticks, 4), Some(stop(TrailingStop, MarkPrice, 2)));
        maker.enter(order(1, RECEIVED, side, ticks, 2), Some(stop(TrailingStop, MarkPrice, 2)));
    }
    let by_money = Instructions { unit: QuantityUnit::QuoteAmount, ..stop(Stop, MarkPrice, 40) };
    maker.enter(Enter { price: OrderPrice::Market, ..order(3, COIN, Side::Buy, 1, 700) }, Some(by_money));
}

fn endings(maker: &mut Maker) {
    // Prices run away, and trading in WIDE is interrupted with the book crossed.
    maker.enter(order(1, WIDE, Side::Sell, 40, 3), None);
    let events = {
        maker.enter(order(3, WIDE, Side::Buy, 40, 2), None);
        maker.state.shards.listings().nth(1).expect("listed").phase
    };
    assert_eq!(events, Phase::VolatilityAuction);
    let terms = *maker.state.shards.listings().nth(2).expect("listed");
    let again = dojima::domain::ListInstrument {
        instrument: InstrumentId(3),
        symbol: dojima::domain::Symbol::new("GONE").expect("a symbol"),
        base: terms.base,
        quote: terms.quote,
        price_decimals: terms.price_decimals,
        tick_units: terms.tick_units,
        lot: terms.lot,
        min_quantity: terms.min_quantity,
        max_quantity: terms.max_quantity,
        min_notional: terms.min_notional,
        maker_fee: terms.maker_fee,
        taker_fee: terms.taker_fee,
        fee_asset: terms.fee_asset,
        phase: Phase::Closed,
        shard: ShardId::FIRST,
        product: terms.product,
    };
    maker.send(Command::Admin(AdminCommand::ListInstrument(again)));
    maker.send(Command::Admin(AdminCommand::Delist { instrument: InstrumentId(3) }));
    maker.send(Command::Admin(AdminCommand::Kill {
        scope: KillScope::Account(AccountId(0)),
        switch: Switch::On,
    }));
    let (login, firm) = (LoginId(2), *b"FIRM");
    maker.last[2] += 1;
    let user_ref = UserRef(maker.last[2]);
    maker.send(Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
        login,
        session: 0,
        user_ref,
        firm,
        switch: Switch::Off,
    })));
    maker.send(Command::Order(OrderCommand::QueryAccount(QueryAccount {
        login,
        session: 0,
        cancel_after_ms: Some(450_000),
        asks: Question::Nothing,
    })));
}

/// What is still to come of it: everything expires, triggers or trades.
pub fn what_follows(state: &mut State) -> Vec<Event> {
    let (now, mut events) = (state.last.time.0, Vec::new());
    let mut send = |state: &mut State, after: u64, command: Command| {
        let told = apply(state, Timestamp(now + after * Timestamp::SECOND), &command);
        events.extend(told.into_iter().map(|record| record.event));
    };
    send(state, 61, Command::Clock(ClockCommand::Tick));
    send(state, 400, Command::Admin(AdminCommand::SetMark { instrument: COIN, price: Price(13) }));
    send(state, 400, Command::Admin(AdminCommand::SetMark { instrument: RECEIVED, price: Price(20) }));
    send(state, 400, Command::Admin(AdminCommand::SetMark { instrument: RECEIVED, price: Price(30) }));
    send(state, 86_400, Command::Admin(AdminCommand::SetPhase { instrument: COIN, phase: Phase::Closed }));
    send(state, 86_400, Command::Order(OrderCommand::MassCancel(Default::default())));
    events
}

#[test]
#[ignore = "writes the golden snapshot"]
fn writes_the_golden_snapshot() {
    let state = everything();
    let (position, written) = (state.last.sequence, saved(&state));
    let _ = fs::remove_dir_all(folder());
    fs::create_dir_all(folder()).expect("a folder");
    fs::write(folder().join(name(position)), &written).expect("written");
    let mut after = loaded(&written, position).expect("it loads");
    what_follows(&mut after);
    let (digest, digest_after) = (state.shards.digest(), after.shards.digest());
    fs::write(about(), format!("{position}\n{digest}\n{digest_after}\n")).expect("written");
}

#[test]
fn the_golden_snapshot_loads_and_goes_on() {
    let golden = golden();
    let mut state = loaded(&golden.bytes, golden.position).expect("it loads");
    assert_eq!(state.shards.digest().to_string(), golden.digest);
    assert_eq!(state.shards.audit(), Ok(()));
    assert!(saved(&state) == golden.bytes, "it is written otherwise than it was");
    let events = what_follows(&mut state);
    assert_eq!(state.shards.digest().to_string(), golden.digest_after);
    assert_eq!(state.shards.audit(), Ok(()));
    // What had to come back for that.
    let canceled = |reason| {
        events
            .iter()
            .any(|event| matches!(event, Event::Order(OrderEvent::Canceled(gone)) if gone.reason == reason))
    };
    for reason in [CancelReason::Expired, CancelReason::MassCancel, CancelReason::DeadMansSwitch] {
        assert!(canceled(reason), "{reason:?}");
    }
    let happened = |what: fn(&Event) -> bool| events.iter().any(what);
    assert!(happened(|event| matches!(event, Event::Order(OrderEvent::Triggered(_)))), "{events:?}");
    assert!(happened(|event| matches!(event, Event::Order(OrderEvent::Executed(_)))), "{events:?}");
    assert!(happened(|event| matches!(event, Event::Market(MarketEvent::Uncrossed(_)))), "{events:?}");
}

/// A state that has nothing of something would let it be forgotten.
#[test]
fn the_golden_snapshot_has_every_section() {
    let parts = Parts::of(&golden().bytes);
    let sections: Vec<u32> = parts.chunks.iter().map(|(section, _)| *section).collect();
    let others = STREAMS..=END;
    // One shard of spot has no transfers and no contracts: see transfers.rs and contracts.rs.
    let absent = |part: &Part| OF_CONTRACTS.contains(part) || OF_TRANSFERS.contains(part);
    let of_exchange = Part::ALL.into_iter().filter(|part| !absent(part)).map(section);
    assert_eq!(sections, of_exchange.chain(others).collect::<Vec<_>>());
}
