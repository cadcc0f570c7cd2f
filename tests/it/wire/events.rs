//! What events become.

use super::*;
use dojima::domain::contracts::ContractValue;
use dojima::domain::{
    AdminEvent, FundPaid, FundingNumber, FundingPaid, IndexAnswered, IndexId, IndexOutcome, OrderEvent,
    OrderTerms, PositionCause, PositionChanged, PositionState, VenueEvent, Wallet, WalletState,
};
use dojima::wire::ouch::{Echoed, IndexPriceAnswer};

/// 01:00:00.000000007 of some day.
const TIME: Timestamp = Timestamp(20_000 * 86_400_000_000_000 + 3_600_000_000_007);
const SINCE_MIDNIGHT: u64 = 3_600_000_000_007;

pub(super) fn only(part: Part) -> Address {
    Address { login: LOGIN, part, copy_of: None }
}

pub(super) fn told(event: Event, part: Part) -> Option<Vec<u8>> {
    let original = told_to(event, only(part))?;
    // A copy is the same message, with whose it is after all other tags.
    let to = Address { copy_of: Some((LoginId(7), AccountId(0x0102_0304))), ..only(part) };
    let copy = told_to(event, to).expect("as the original");
    let named = b"\x05\x8e\0\0\0\x07\x05\x8f\x01\x02\x03\x04";
    if original[0] != b'S' {
        assert!(copy.ends_with(named), "{event:?}");
        let (before, _) = copy.split_at(copy.len() - named.len());
        let fixed = before.len().min(original.len());
        let differs = before[..fixed].iter().zip(&original).filter(|(copied, original)| copied != original);
        assert!(differs.count() <= 2, "only the appendage's length may differ: {event:?}");
    }
    Some(original)
}

pub(super) fn told_to(event: Event, recipient: Address) -> Option<Vec<u8>> {
    let record = EventRecord { number: 1, sequence: 1, time: TIME, event };
    let mut message = [0; MESSAGE_LEN_MAX];
    let len = encode_event(&record, recipient, &listings(), &mut message)?;
    let mut packet = [0; SEQUENCED_LEN_MAX];
    let packet_len = encode_sequenced(&record, recipient, &listings(), &mut packet).expect("as the message");
    let (framed, used) = frame(&packet[..packet_len], 256).expect("a good length").expect("whole");
    assert_eq!((framed.kind, framed.payload, used), (b'S', &message[..len], packet_len));
    for short in 0..packet_len {
        assert_eq!(encode_sequenced(&record, recipient, &listings(), &mut packet[..short]), None);
    }
    Some(message[..len].to_vec())
}

#[test]
fn accepted_and_replaced_say_what_the_order_is() {
    let said = Echoed { capacity: b'O', firm: *b"LIME", ..Echoed::USUAL };
    let echo = said.carried(ClOrdId::default());
    let accepted = Accepted {
        terms: OrderTerms {
            user_ref: UserRef(9),
            order: OrderId(77),
            instrument: InstrumentId(1),
            side: Side::Sell,
            price: Some(Price(4)),
            quantity: Quantity(500),
            echo,
            ..OrderTerms::default()
        },
        ..Accepted::default()
    };
    let message = OrderAccepted {
        timestamp: SINCE_MIDNIGHT,
        user_ref: UserRef(9),
        side: b'S',
        quantity: 500,
        symbol: Symbol(*b"BTC-USDT"),
        price: 100,
        time_in_force: b'0',
        display: b'Y',
        order: OrderId(77),
        capacity: b'O',
        iso: b'N',
        cross_type: b'N',
        state: b'L',
        cl_ord_id: ClOrdId::default(),
    };
    let bytes = told(Event::Order(OrderEvent::Accepted(accepted)), Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Accepted(message, Appendage(b"\x05\x02LIME"))));

    let replaced = Replaced {
        orig_user_ref: UserRef(9),
        terms: OrderTerms {
            user_ref: UserRef(10),
            order: OrderId(78),
            instrument: InstrumentId(0),
            price: None,
            quantity: Quantity(300),
            echo: Echoed { firm: [0; 4], ..said }.carried(ClOrdId::default()),
            ..OrderTerms::default()
        },
        ..Replaced::default()
    };
    let message = OrderReplaced {
        timestamp: SINCE_MIDNIGHT,
        orig_user_ref: UserRef(9),
        user_ref: UserRef(10),
        side: b'B',
        quantity: 300,
        symbol: Symbol(*b"ETH-USDT"),
        price: MARKET_PRICE,
        time_in_force: b'0',
        display: b'Y',
        order: OrderId(78),
        capacity: b'O',
        iso: b'N',
        cross_type: b'N',
        state: b'L',
        cl_ord_id: ClOrdId::default(),
    };
    let bytes = told(Event::Order(OrderEvent::Replaced(replaced)), Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Replaced(message, Appendage::default())));
}

/// Old messages are made again from their events, so a tick that changed since must not change them.
#[test]
fn prices_are_told_in_the_ticks_of_their_time() {
    let mut listings = listings();
    let before = *listings.get(InstrumentId(1)).expect("listed");
    let event = Event::Admin(AdminEvent::TermsSet(Listing { tick_units: 50, ..before }));
    listings.note(&EventRecord { number: 10, event, ..EventRecord::default() });
    for (number, units) in [(9, 200), (10, 400), (11, 400)] {
        let accepted = Accepted {
            terms: OrderTerms { instrument: InstrumentId(1), price: Some(Price(8)), ..OrderTerms::default() },
            ..Accepted::default()
        };
        let record = EventRecord {
            number,
            event: Event::Order(OrderEvent::Accepted(accepted)),
            ..EventRecord::default()
        };
        let mut message = [0; MESSAGE_LEN_MAX];
        let len = encode_event(&record, only(Part::Only), &listings, &mut message).expect("told");
        let Ok(Outbound::Accepted(accepted, _)) = Outbound::decode(&message[..len]) else {
            panic!("{number}")
        };
        assert_eq!(accepted.price, units, "event {number}");
    }
}

#[test]
fn a_trade_is_told_to_both_sides_the_resting_one_first() {
    let trade = Event::Order(OrderEvent::Executed(Executed {
        trade: TradeId(5),
        instrument: InstrumentId(1),
        price: Price(8),
        quantity: Quantity(30),
        maker_login: LoginId(1),
        maker_user_ref: UserRef(11),
        taker_login: LoginId(2),
        taker_user_ref: UserRef(22),
        ..Executed::default()
    }));
    let mut recipients = Vec::new();
    let record = EventRecord { event: trade, ..EventRecord::default() };
    Audience::default().each(&record, |to| recipients.push((to.login, to.part)));
    assert_eq!(recipients, [(LoginId(1), Part::Maker), (LoginId(2), Part::Taker)]);
    for (recipient, user_ref, liquidity) in [(Part::Maker, 11, b'A'), (Part::Taker, 22, b'R')] {
        let message = OrderExecuted {
            timestamp: SINCE_MIDNIGHT,
            user_ref: UserRef(user_ref),
            quantity: 30,
            price: 200,
            liquidity,
            trade: TradeId(5),
        };
        let bytes = told(trade, recipient).expect("told");
        assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Executed(message, Appendage::default())));
    }
    assert_eq!(told(trade, Part::Only), None);
}

#[test]
fn liquidity_flags_say_how_the_orders_met() {
    let flags = |kind, maker_visibility| {
        let event =
            Event::Order(OrderEvent::Executed(Executed { kind, maker_visibility, ..Executed::default() }));
        [Part::Maker, Part::Taker].map(|recipient| {
            match Outbound::decode(&told(event, recipient).expect("told")) {
                Ok(Outbound::Executed(executed, _)) => executed.liquidity,
                other => panic!("{other:?}"),
            }
        })
    };
    assert_eq!(flags(TradeKind::Continuous, Visibility::Displayed), *b"AR");
    assert_eq!(flags(TradeKind::Continuous, Visibility::Hidden), *b"JR");
    for visibility in [Visibility::Displayed, Visibility::Hidden] {
        assert_eq!(flags(TradeKind::Opening, visibility), *b"OO");
        assert_eq!(flags(TradeKind::Volatility, visibility), *b"HH");
        assert_eq!(flags(TradeKind::Closing, visibility), *b"CC");
    }
}

#[test]
fn changes_and_mass_cancels_are_answered() {
    let amended = Amended {
        user_ref: UserRef(4),
        side: Side::Sell,
        decrement: Quantity(5),
        open: Quantity(7),
        ..Amended::default()
    };
    let message = OrderModified { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4), side: b'S', quantity: 7 };
    let bytes = told(Event::Order(OrderEvent::Amended(amended)), Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Modified(message, Appendage::default())));

    let refused = ChangeRejected {
        login: LOGIN,
        user_ref: UserRef(4),
        order: OrderId(1),
        reason: RejectReason::InstrumentHalted,
    };
    let message = CancelRejected { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4) };
    let bytes = told(Event::Order(OrderEvent::ChangeRejected(refused)), Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::CancelRejected(message, Appendage::default())));

    let restated = |reason| {
        Event::Order(OrderEvent::Restated(Restated {
            login: LOGIN,
            user_ref: UserRef(4),
            order: OrderId(1),
            price: Some(Price(3)),
            open: Quantity(9),
            displayed: Quantity(9),
            reserved: Amount(0),
            reason,
        }))
    };
    let message = OrderRestated { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4), reason: b'R' };
    let bytes = told(restated(RestateReason::Refreshed), Part::Only).expect("told");
    assert_eq!(
        Outbound::decode(&bytes),
        Ok(Outbound::Restated(message, Appendage(b"\x09\x01\0\0\0\x08\0\0\0\x02\x05\x16\0\0\0\x09")))
    );
    assert_eq!(told(restated(RestateReason::Tick), Part::Only), None);

    let by_operator = Event::Order(OrderEvent::MassCanceled {
        login: None,
        user_ref: UserRef(0),
        canceled: 3,
        instrument: None,
        side: None,
    });
    assert_eq!(told(by_operator, Part::Only), None);
}

#[test]
fn a_transfer_is_told_to_the_login_that_asked() {
    let transfer = ShardTransfer {
        from: ShardId(1),
        to: ShardId::FIRST,
        number: 3,
        account: AccountId(2),
        asset: AssetId(1),
        amount: Amount(500),
    };
    let (user_ref, reference, wallet) = (UserRef(4), 7, Amount(900));
    let sent = |login| {
        Event::Order(OrderEvent::TransferSent(TransferSent { login, user_ref, transfer, reference, wallet }))
    };
    let message = MoneySent {
        timestamp: SINCE_MIDNIGHT,
        user_ref,
        asset: transfer.asset,
        amount: transfer.amount,
        from: transfer.from,
        to: transfer.to,
        number: transfer.number,
        reference,
        wallet,
    };
    let bytes = told(sent(Some(LOGIN)), Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::TransferSent(message, Appendage::default())));
    assert_eq!(told(sent(None), Part::Only), None, "an operator's");
}

#[test]
fn a_setting_is_told_to_the_login_that_asked() {
    let (instrument, amount, pot, wallet) = (InstrumentId(0), Amount(-5), Amount(20), Amount(900));
    let moved = |login| {
        let by = SetBy { login, user_ref: UserRef(4), account: AccountId(2) };
        let leg = PositionLeg::Short;
        let moved = MarginMoved { by, instrument, leg, amount, pot, wallet };
        Event::Contract(ContractEvent::MarginMoved(moved))
    };
    let message = SettingMade {
        timestamp: SINCE_MIDNIGHT,
        user_ref: UserRef(4),
        kind: b'A',
        symbol: Symbol::new("ETH-USDT").expect("a symbol"),
        leg: b'S',
        value: amount,
        pot,
        wallet,
    };
    let bytes = told(moved(Some(LOGIN)), Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::SettingMade(message, Appendage::default())));
    assert_eq!(moved(None).recipients(), [None, None], "an operator's");
}

#[test]
fn a_wallet_is_told_with_its_shard() {
    let (asset, available, reserved) = (AssetId(0x0102), Amount(7), Amount(8));
    let balance = AssetBalance { asset, available, reserved };
    let wallet = Some(Wallet { balance, withdrawable: Amount(6) });
    let (login, next_user_ref, shard) = (LOGIN, UserRef(4), ShardId(3));
    let state =
        |wallet| Event::Order(OrderEvent::WalletState(WalletState { login, next_user_ref, shard, wallet }));
    let message = AccountQueryResponse { timestamp: SINCE_MIDNIGHT, next_user_ref };
    let tags =
        [&[28, 147, 3, 1, 2][..], &7_i64.to_be_bytes(), &8_i64.to_be_bytes(), &6_i64.to_be_bytes()].concat();
    let bytes = told(state(wallet), Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::AccountState(message, Appendage(&tags))));
    let bytes = told(state(None), Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::AccountState(message, Appendage::default())));
}

#[test]
fn a_price_of_an_index_is_answered() {
    let (login, user_ref, index, source_time) = (LOGIN, UserRef(4), IndexId(2), Timestamp(99));
    for (outcome, state) in [(IndexOutcome::Taken, b'T'), (IndexOutcome::Held, b'H')] {
        let answer = IndexAnswered { login, user_ref, index, price: 5_000_050, source_time, outcome };
        let bytes = told(Event::Order(OrderEvent::IndexAnswered(answer)), Part::Only).expect("told");
        let timestamp = SINCE_MIDNIGHT;
        let message =
            IndexPriceAnswer { timestamp, user_ref, index, price: 5_000_050, source_time: 99, state };
        assert_eq!(Outbound::decode(&bytes), Ok(Outbound::IndexAnswered(message, Appendage::default())));
    }
}

/// The numbers of a stream are counted by recipients, so there must be a message for every one, and for nobody else.
#[test]
fn every_recipient_of_every_event_is_told_one_message() {
    let mut listings = listings();
    for (name, record) in crate::codec::cases::events() {
        if let Event::Admin(AdminEvent::InstrumentListed(_)) = record.event {
            continue;
        }
        let event = with_a_listing_and_small_numbers(record.event);
        let record = EventRecord { event, ..record };
        listings.note(&record);
        let mut packet = [0; SEQUENCED_LEN_MAX];
        let mut told = Vec::new();
        let account = record.event.account_told();
        audience_of(account).each(&record, |to| {
            let len = encode_sequenced(&record, to, &listings, &mut packet);
            let len = len.unwrap_or_else(|| panic!("{name} has no message for login {}", to.login));
            let (framed, used) = frame(&packet[..len], 256).expect("a good length").expect("whole");
            assert_eq!(used, len);
            Outbound::decode(framed.payload).unwrap_or_else(|error| panic!("{name}: {error}"));
            told.push(to.part);
        });
        for part in [Part::Only, Part::Maker, Part::Taker] {
            let is_told = encode_sequenced(&record, only(part), &listings, &mut packet).is_some();
            assert_eq!(is_told, told.contains(&part), "{name} {part:?}");
        }
        let named = record.event.recipients().iter().flatten().count();
        assert_eq!(told.len(), named + usize::from(account.is_some()));
    }
}

/// One login, of this account.
fn audience_of(account: Option<AccountId>) -> Audience {
    let mut audience = Audience::default();
    let opened = account.map(|account| Event::Venue(VenueEvent::LoginOpened { login: LoginId(0), account }));
    opened.into_iter().for_each(|event| audience.note(&EventRecord { event, ..EventRecord::default() }));
    audience
}

#[test]
fn what_an_account_is_told_of_its_positions() {
    let instrument = InstrumentId(1);
    let listing = *listings().at(instrument, u64::MAX).expect("it is listed");
    let symbol = listing.symbol;
    let price = |ticks: i64| listing.price_units(Price(ticks));
    let value = ContractValue::of(&listing).expect("a tick has a value");
    let cost = value.of_trade(3, Price(70)).expect("it fits").0;
    let changed = PositionChanged {
        account: AccountId(2),
        instrument,
        leg: PositionLeg::Short,
        cause: PositionCause::Settled,
        trade: TradeId(9),
        lots: -3,
        cost: -cost,
        realised: -4,
        pot: 5,
        wallet: 6,
    };
    let message = PositionMoved {
        timestamp: SINCE_MIDNIGHT,
        symbol,
        leg: b'S',
        cause: b'S',
        trade: TradeId(9),
        lots: -3,
        cost: -cost,
        entry: price(70),
        realised: -4,
        pot: 5,
        wallet: 6,
    };
    let told_of = |event| told(Event::Contract(event), Part::Only).expect("told");
    let bytes = told_of(ContractEvent::PositionChanged(changed));
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::PositionChanged(message, Appendage::default())));
    let flat = PositionChanged { lots: 0, cost: 0, ..changed };
    let message = PositionMoved { lots: 0, cost: 0, entry: 0, ..message };
    let bytes = told_of(ContractEvent::PositionChanged(flat));
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::PositionChanged(message, Appendage::default())));

    let (number, amount) = (FundingNumber(7), Amount(-8));
    let leg = PositionLeg::Net;
    let paid = FundingPaid { account: AccountId(2), instrument, leg, number, amount, pot: 1, wallet: 2 };
    let message = FundingCharged {
        timestamp: SINCE_MIDNIGHT,
        symbol,
        leg: b'N',
        number: 7,
        amount: -8,
        pot: 1,
        wallet: 2,
    };
    let bytes = told_of(ContractEvent::FundingPaid(paid));
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::FundingPaid(message, Appendage::default())));

    for (instrument, symbol) in [(Some(instrument), symbol), (None, Symbol::default())] {
        let (asset, shard, amount) = (AssetId(1), ShardId(2), Amount(3));
        let account = AccountId(2);
        let paid = FundPaid { account, instrument, asset, shard, amount, fund: Amount(4) };
        let message = LackCovered { timestamp: SINCE_MIDNIGHT, symbol, asset, shard, amount };
        let bytes = told_of(ContractEvent::FundPaid(paid));
        assert_eq!(Outbound::decode(&bytes), Ok(Outbound::FundPaid(message, Appendage::default())));
        let deficit = Event::Contract(ContractEvent::InsuranceDeficit(paid));
        assert_eq!(told(deficit, Part::Only), None, "the fund's, not the account's");
    }

    let state = PositionState {
        login: LOGIN,
        instrument,
        leg: PositionLeg::Long,
        leverage: 20,
        lots: 3,
        cost,
        pot: 1,
        mark: Price(71),
        profit: 2,
        equity: -3,
        maintenance: Amount(4),
        liquidation: Price(60),
    };
    let message = PositionStated {
        timestamp: SINCE_MIDNIGHT,
        symbol,
        leg: b'L',
        leverage: 20,
        lots: 3,
        cost,
        entry: price(70),
        pot: 1,
        mark: price(71),
        profit: 2,
        equity: -3,
        maintenance: 4,
        liquidation: price(60),
    };
    let bytes = told(Event::Order(OrderEvent::PositionState(state)), Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::PositionState(message, Appendage::default())));
}

/// The same event about an instrument that is listed here, with quantities that fit the wire.
fn with_a_listing_and_small_numbers(event: Event) -> Event {
    let (instrument, quantity) = (InstrumentId(1), Quantity(100));
    match event {
        Event::Order(OrderEvent::Accepted(e)) => Event::Order(OrderEvent::Accepted(Accepted {
            terms: OrderTerms { instrument, quantity, ..e.terms },
            ..e
        })),
        Event::Order(OrderEvent::Replaced(e)) => Event::Order(OrderEvent::Replaced(Replaced {
            terms: OrderTerms { instrument, quantity, ..e.terms },
            ..e
        })),
        Event::Order(OrderEvent::Executed(e)) => {
            Event::Order(OrderEvent::Executed(Executed { instrument, quantity, ..e }))
        }
        Event::Order(OrderEvent::Canceled(mut e)) => {
            if let CancelReason::SelfTradePrevented(prevented) = &mut e.reason {
                (prevented.instrument, prevented.quantity) = (instrument, quantity);
            }
            Event::Order(OrderEvent::Canceled(Canceled { decrement: quantity, ..e }))
        }
        Event::Order(OrderEvent::PriorityUpdated(e)) => {
            Event::Order(OrderEvent::PriorityUpdated(PriorityUpdated { instrument, ..e }))
        }
        Event::Order(OrderEvent::MassCanceled { login, user_ref, canceled, side, .. }) => {
            Event::Order(OrderEvent::MassCanceled {
                login,
                user_ref,
                canceled,
                side,
                instrument: Some(instrument),
            })
        }
        Event::Order(OrderEvent::Amended(e)) => {
            Event::Order(OrderEvent::Amended(Amended { open: quantity, ..e }))
        }
        Event::Order(OrderEvent::Restated(e)) => {
            let reason = RestateReason::Refreshed;
            Event::Order(OrderEvent::Restated(Restated { displayed: quantity, reason, ..e }))
        }
        Event::Order(OrderEvent::PositionState(e)) => {
            Event::Order(OrderEvent::PositionState(PositionState {
                instrument,
                mark: Price(70),
                liquidation: Price(60),
                ..e
            }))
        }
        Event::Contract(ContractEvent::PositionChanged(e)) => {
            Event::Contract(ContractEvent::PositionChanged(PositionChanged { instrument, ..e }))
        }
        Event::Contract(ContractEvent::FundingPaid(e)) => {
            Event::Contract(ContractEvent::FundingPaid(FundingPaid { instrument, ..e }))
        }
        Event::Contract(ContractEvent::FundPaid(e)) => {
            let instrument = e.instrument.map(|_| instrument);
            Event::Contract(ContractEvent::FundPaid(FundPaid { instrument, ..e }))
        }
        Event::Contract(ContractEvent::MarginModeSet(e)) => {
            Event::Contract(ContractEvent::MarginModeSet(MarginModeSet { instrument, ..e }))
        }
        Event::Contract(ContractEvent::LeverageSet(e)) => {
            Event::Contract(ContractEvent::LeverageSet(LeverageSet { instrument, ..e }))
        }
        Event::Contract(ContractEvent::MarginMoved(e)) => {
            Event::Contract(ContractEvent::MarginMoved(MarginMoved { instrument, ..e }))
        }
        other => other,
    }
}

#[test]
fn cancels_refusals_and_the_start_of_the_day_are_told() {
    assert_eq!(cancel_code(CancelReason::UserRequested), b'U');
    for reason in CANCEL_REASONS {
        let code = cancel_code(reason);
        assert!(b"DEFGHIKQSTUXZ".contains(&code), "{reason:?} has the code {code}");
        let canceled = Canceled {
            login: LOGIN,
            user_ref: UserRef(4),
            order: OrderId(1),
            decrement: Quantity(12),
            open: Quantity(3),
            reserved: Amount(0),
            reason,
        };
        let message =
            OrderCanceled { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4), decrement: 12, reason: code };
        let bytes = told(Event::Order(OrderEvent::Canceled(canceled)), Part::Only).expect("told");
        assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Canceled(message, Appendage::default())));
    }
    for reason in RejectReason::ALL {
        let cl_ord_id = ClOrdId(*b"text          ");
        let rejected = Rejected { login: LOGIN, user_ref: UserRef(4), reason: *reason, cl_ord_id };
        let code = reject_code(*reason);
        assert!((0x01..=0x33).contains(&code), "{reason:?} has the code {code:#x}");
        let message =
            OrderRejected { timestamp: SINCE_MIDNIGHT, user_ref: UserRef(4), reason: code, cl_ord_id };
        let bytes = told(Event::Order(OrderEvent::Rejected(rejected)), Part::Only).expect("told");
        assert_eq!(Outbound::decode(&bytes), Ok(Outbound::Rejected(message, Appendage::default())));
    }
    let opened = Event::Venue(VenueEvent::LoginOpened { login: LOGIN, account: AccountId(1) });
    let message = SystemEvent { timestamp: SINCE_MIDNIGHT, code: b'S' };
    let bytes = told(opened, Part::Only).expect("told");
    assert_eq!(Outbound::decode(&bytes), Ok(Outbound::System(message)));
    assert_eq!(told(Event::default(), Part::Only), None);
}

/// Every reason why an order can lose open quantity, but for trades with its own owner, which have a message of their own.
const CANCEL_REASONS: [CancelReason; 19] = [
    CancelReason::UserRequested,
    CancelReason::ImmediateOrCancel,
    CancelReason::FundsExhausted,
    CancelReason::InvalidReplace(RejectReason::InvalidPrice),
    CancelReason::MinimumQuantity,
    CancelReason::AmountSpent,
    CancelReason::MarketCollar,
    CancelReason::PriceBand,
    CancelReason::LinkedOrder,
    CancelReason::Expired,
    CancelReason::TermsChanged,
    CancelReason::Delisted,
    CancelReason::Killed,
    CancelReason::MassCancel,
    CancelReason::Operator,
    CancelReason::TriggerRefused(RejectReason::NothingToTradeWith),
    CancelReason::Disconnected,
    CancelReason::DeadMansSwitch,
    CancelReason::WorkLimit,
];

/// Rows of the page that begin like this one: | `Name` | code |.
fn documented() -> Vec<(&'static str, &'static str)> {
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        Some((cells.next()?.strip_suffix('`')?, cells.next()?))
    };
    include_str!("../../../docs/PROTOCOL.md").lines().filter_map(row).collect()
}

#[test]
fn the_page_names_every_code_and_in_the_order_of_the_checks() {
    let documented = documented();
    let in_order: Vec<&str> = documented.iter().map(|(name, _)| *name).collect();
    let mut names = Vec::new();
    for reason in RejectReason::CHECKED {
        let code = format!("{:#04X}", reject_code(*reason)).replace("0X", "0x");
        assert!(documented.contains(&(reason.name(), &code)), "{} {code}", reason.name());
        names.push(reason.name());
    }
    assert!(in_order.windows(names.len()).any(|window| window == names), "{in_order:?}");
    let prevented = CancelReason::SelfTradePrevented(SelfTradePrevented::default());
    for reason in CANCEL_REASONS.into_iter().chain([prevented]) {
        let debug = format!("{reason:?}");
        let name = debug.split('(').next().expect("a name");
        let code = format!("`{}`", char::from(cancel_code(reason)));
        assert!(documented.contains(&(name, &code)), "{name} {code}");
    }
}

#[test]
fn a_trade_that_was_prevented_is_told_with_what_it_would_have_been() {
    let strategies = [
        (SelfTrade::CancelOldest, false, b'O'),
        (SelfTrade::CancelNewest, true, b'W'),
        (SelfTrade::DecrementBoth, false, b'D'),
        (SelfTrade::DecrementBoth, true, b'D'),
        (SelfTrade::CancelBoth, false, b'O'),
        (SelfTrade::CancelBoth, true, b'W'),
    ];
    for (mode, incoming, strategy) in strategies {
        let prevented = SelfTradePrevented {
            instrument: InstrumentId(1),
            price: Price(8),
            quantity: Quantity(30),
            mode,
            incoming,
        };
        let canceled = Canceled {
            login: LOGIN,
            user_ref: UserRef(4),
            order: OrderId(1),
            decrement: Quantity(12),
            open: Quantity(0),
            reserved: Amount(0),
            reason: CancelReason::SelfTradePrevented(prevented),
        };
        let message = SelfMatchCanceled {
            timestamp: SINCE_MIDNIGHT,
            user_ref: UserRef(4),
            decrement: 12,
            reason: b'Q',
            prevented: 30,
            price: 200,
            liquidity: if incoming { b'R' } else { b'A' },
            strategy,
        };
        let bytes = told(Event::Order(OrderEvent::Canceled(canceled)), Part::Only).expect("told");
        assert_eq!(Outbound::decode(&bytes), Ok(Outbound::SelfMatchCanceled(message, Appendage::default())));
    }
}

#[test]
fn sessions_triggers_mass_cancels_and_queries_are_told() {
    let (timestamp, user_ref) = (SINCE_MIDNIGHT, UserRef(4));
    let check = |event: Event, expected: Outbound<'_>| {
        let bytes = told(event, Part::Only).expect("told");
        assert_eq!(Outbound::decode(&bytes), Ok(expected), "{event:?}");
    };
    let nothing = Appendage::default();
    check(
        Event::Venue(VenueEvent::SessionStarted { login: LOGIN, session: 3 }),
        Outbound::System(SystemEvent { timestamp, code: b'S' }),
    );
    check(
        Event::Venue(VenueEvent::SessionEnded { login: LOGIN }),
        Outbound::System(SystemEvent { timestamp, code: b'E' }),
    );

    let updated = PriorityUpdated {
        user_ref,
        order: OrderId(77),
        instrument: InstrumentId(1),
        price: Some(Price(8)),
        ..PriorityUpdated::default()
    };
    let message = OrderPriorityUpdate { timestamp, user_ref, price: 200, display: b'Y', order: OrderId(77) };
    check(Event::Order(OrderEvent::PriorityUpdated(updated)), Outbound::PriorityUpdated(message, nothing));
    let market = PriorityUpdated { price: None, visibility: Visibility::Hidden, ..updated };
    let message = OrderPriorityUpdate { price: MARKET_PRICE, display: b'N', ..message };
    check(Event::Order(OrderEvent::PriorityUpdated(market)), Outbound::PriorityUpdated(message, nothing));

    let answered = |instrument, side| {
        Event::Order(OrderEvent::MassCanceled { login: Some(LOGIN), user_ref, canceled: 3, instrument, side })
    };
    let all = MassCancelResponse { timestamp, user_ref, firm: *b"    ", symbol: Symbol::default() };
    check(answered(None, None), Outbound::MassCanceled(all, nothing));
    let one = MassCancelResponse { symbol: Symbol(*b"BTC-USDT"), ..all };
    let sells = answered(Some(InstrumentId(1)), Some(Side::Sell));
    check(sells, Outbound::MassCanceled(one, Appendage(b"\x02\x1bS")));

    let set = |switch| {
        Event::Order(OrderEvent::OrderEntrySet(SetOrderEntry {
            login: LOGIN,
            session: 0,
            user_ref,
            firm: *b"LIME",
            switch,
        }))
    };
    let firm = *b"LIME";
    check(set(Switch::Off), Outbound::EntryDisabled(EntryDisabled { timestamp, user_ref, firm }, nothing));
    check(set(Switch::On), Outbound::EntryEnabled(EntryEnabled { timestamp, user_ref, firm }, nothing));

    let state = |cancel_at| {
        Event::Order(OrderEvent::AccountState {
            login: LOGIN,
            next_user_ref: user_ref,
            cancel_at,
            balance: None,
        })
    };
    let message = AccountQueryResponse { timestamp, next_user_ref: user_ref };
    check(state(Timestamp(0)), Outbound::AccountState(message, nothing));
    let at = Appendage(b"\x09\x8d\0\0\0\0\0\0\x01\0");
    check(state(Timestamp(256)), Outbound::AccountState(message, at));
    let balance = AssetBalance { asset: AssetId(258), available: Amount(3), reserved: Amount(-1) };
    let state = Event::Order(OrderEvent::AccountState {
        login: LOGIN,
        next_user_ref: user_ref,
        cancel_at: Timestamp(256),
        balance: Some(balance),
    });
    let tags = [at.0, b"\x13\x91\x01\x02\0\0\0\0\0\0\0\x03", &[0xFF; 8]].concat();
    check(state, Outbound::AccountState(message, Appendage(&tags)));
}
