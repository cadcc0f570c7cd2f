//! Converts an event to a client's message. The result depends only on the event, so a repeated stream is identical to
//! the byte.

#![deny(clippy::wildcard_enum_match_arm)]

use super::outbound::{
    AccountQueryResponse, CancelRejected, EntryDisabled, EntryEnabled, IndexPriceAnswer, MassCancelResponse,
    MoneySent, OrderAccepted, OrderCanceled, OrderExecuted, OrderModified, OrderPriorityUpdate,
    OrderRejected, OrderReplaced, OrderRestated, Outbound, PositionStated, SelfMatchCanceled, SettingMade,
    SystemEvent,
};
use super::owned;
use super::tags::{self, Appendage, TagBuffer};
use super::told::order_tags;
use super::{Echoed, MARKET_PRICE, Setting};
use crate::domain::audience::{Address, Part};
use crate::domain::{
    Accepted, AdminEvent, Amount, AssetBalance, CancelReason, Canceled, ContractEvent, Event, EventRecord,
    Executed, IndexAnswered, IndexOutcome, InstrumentId, LeverageSet, Listing, Listings, MarginModeSet,
    MarginMoved, MarketEvent, OrderEvent, OrderId, OrderTerms, Price, Quantity, RejectReason, Replaced,
    RestateReason, SelfTrade, SelfTradePrevented, SetBy, ShardId, Side, Switch, Symbol, Timestamp, TradeKind,
    TransferSent, UserRef, VenueEvent, Visibility, Wallet,
};
use crate::wire::soup;

/// The longest message sent, in bytes: a copy of Position State.
pub const MESSAGE_LEN_MAX: usize = PositionStated::LEN + 2 + TagBuffer::LEN_OF_COPY;
const _: () = assert!(OrderReplaced::LEN + 2 + TagBuffer::LEN_OF_ORDER_MAX <= MESSAGE_LEN_MAX);
const _: () = assert!(AccountQueryResponse::LEN + 2 + TagBuffer::LEN_MAX <= MESSAGE_LEN_MAX);

/// The longest Sequenced Data packet sent, in bytes.
pub const SEQUENCED_LEN_MAX: usize = soup::HEADER_LEN + MESSAGE_LEN_MAX;

/// Writes the OUCH message for this recipient about the event to the start of `out` and returns its length.
/// [`MESSAGE_LEN_MAX`] bytes always suffice. A copy is the same message with additional tags at its end, which name the
/// original login and account.
///
/// `None` if there is no such message: the event has no such recipient, its instrument is not among the listings, or
/// `out` is too short.
#[inline]
pub fn encode_event(record: &EventRecord, to: Address, listings: &Listings, out: &mut [u8]) -> Option<usize> {
    let timestamp = record.time.since_midnight_ns();
    let mut added = TagBuffer::default();
    match (&record.event, to.part) {
        (Event::Order(OrderEvent::Executed(e)), Part::Maker | Part::Taker) => {
            let listing = listings.at(e.instrument, record.number)?;
            Outbound::Executed(executed(e, to.part, timestamp, listing), added.of(to)).encode(out)
        }
        (Event::Order(OrderEvent::Accepted(Accepted { terms, .. })), Part::Only) => {
            let listing = listings.at(terms.instrument, record.number)?;
            order_tags(&mut added, terms, record.time);
            let message = replaced(terms, UserRef(0), timestamp, listing);
            Outbound::Accepted(accepted(&message), added.of(to)).encode(out)
        }
        (Event::Order(OrderEvent::Replaced(Replaced { orig_user_ref, terms, .. })), Part::Only) => {
            let listing = listings.at(terms.instrument, record.number)?;
            order_tags(&mut added, terms, record.time);
            let message = replaced(terms, *orig_user_ref, timestamp, listing);
            Outbound::Replaced(message, added.of(to)).encode(out)
        }
        (Event::Order(OrderEvent::Canceled(e)), Part::Only) => {
            if let CancelReason::SelfTradePrevented(prevented) = e.reason {
                let listing = listings.at(prevented.instrument, record.number)?;
                let message = self_match_canceled(e, &prevented, timestamp, listing);
                return Outbound::SelfMatchCanceled(message, added.of(to)).encode(out);
            }
            let message = OrderCanceled {
                timestamp,
                user_ref: e.user_ref,
                decrement: lots(e.decrement),
                reason: cancel_code(e.reason),
            };
            Outbound::Canceled(message, added.of(to)).encode(out)
        }
        (Event::Order(OrderEvent::Rejected(e)), Part::Only) => {
            let message = OrderRejected {
                timestamp,
                user_ref: e.user_ref,
                reason: reject_code(e.reason),
                cl_ord_id: e.cl_ord_id,
            };
            Outbound::Rejected(message, added.of(to)).encode(out)
        }
        (_, Part::Only) => encode_rarer(record, to, listings, out),
        (_, Part::Maker | Part::Taker) => None,
    }
}

/// Encodes the less frequent events.
fn encode_rarer(record: &EventRecord, to: Address, listings: &Listings, out: &mut [u8]) -> Option<usize> {
    let timestamp = record.time.since_midnight_ns();
    let mut added = TagBuffer::default();
    match &record.event {
        Event::Venue(VenueEvent::LoginOpened { .. } | VenueEvent::SessionStarted { .. }) => {
            Outbound::System(SystemEvent { timestamp, code: b'S' }).encode(out)
        }
        Event::Venue(VenueEvent::SessionEnded { .. }) => {
            Outbound::System(SystemEvent { timestamp, code: b'E' }).encode(out)
        }
        Event::Order(OrderEvent::Amended(e)) => {
            let message =
                OrderModified { timestamp, user_ref: e.user_ref, side: side(e.side), quantity: lots(e.open) };
            Outbound::Modified(message, added.of(to)).encode(out)
        }
        Event::Order(OrderEvent::ChangeRejected(e)) => {
            let message = CancelRejected { timestamp, user_ref: e.user_ref };
            Outbound::CancelRejected(message, added.of(to)).encode(out)
        }
        Event::Order(OrderEvent::Restated(e)) if e.reason == RestateReason::Refreshed => {
            let message = OrderRestated { timestamp, user_ref: e.user_ref, reason: b'R' };
            let slice = OrderId::of_slice(record.number);
            added.push(tags::SECONDARY_ORDER, slice.0.to_be_bytes());
            added.push(tags::DISPLAY_QUANTITY, lots(e.displayed).to_be_bytes());
            Outbound::Restated(message, added.of(to)).encode(out)
        }
        Event::Order(OrderEvent::PriorityUpdated(e)) => {
            let message = OrderPriorityUpdate {
                timestamp,
                user_ref: e.user_ref,
                price: units(listings.at(e.instrument, record.number)?, e.price),
                display: match e.visibility {
                    Visibility::Displayed => b'Y',
                    Visibility::Hidden => b'N',
                },
                order: e.order,
            };
            Outbound::PriorityUpdated(message, added.of(to)).encode(out)
        }
        Event::Order(OrderEvent::MassCanceled {
            login: Some(_),
            user_ref,
            instrument,
            side: of_side,
            ..
        }) => {
            let symbol = match instrument {
                Some(instrument) => listings.at(*instrument, record.number)?.symbol,
                None => Symbol::default(),
            };
            let message = MassCancelResponse { timestamp, user_ref: *user_ref, firm: *b"    ", symbol };
            if let Some(of_side) = of_side {
                added.push(tags::SIDE, [side(*of_side)]);
            }
            Outbound::MassCanceled(message, added.of(to)).encode(out)
        }
        Event::Order(OrderEvent::OrderEntrySet(e)) => {
            let (user_ref, firm) = (e.user_ref, e.firm);
            match e.switch {
                Switch::Off => {
                    let message = EntryDisabled { timestamp, user_ref, firm };
                    Outbound::EntryDisabled(message, added.of(to)).encode(out)
                }
                Switch::On => {
                    let message = EntryEnabled { timestamp, user_ref, firm };
                    Outbound::EntryEnabled(message, added.of(to)).encode(out)
                }
            }
        }
        Event::Order(OrderEvent::AccountState { next_user_ref, cancel_at, balance, .. }) => {
            let message = AccountQueryResponse { timestamp, next_user_ref: *next_user_ref };
            if *cancel_at != Timestamp(0) {
                added.push(tags::CANCEL_AT, cancel_at.0.to_be_bytes());
            }
            if let Some(balance) = balance {
                added.push(tags::BALANCE_OF, balance_of(balance));
            }
            Outbound::AccountState(message, added.of(to)).encode(out)
        }
        Event::Order(OrderEvent::TransferSent(TransferSent {
            login: Some(_),
            user_ref,
            transfer,
            reference,
            wallet,
        })) => {
            let message = MoneySent {
                timestamp,
                user_ref: *user_ref,
                asset: transfer.asset,
                amount: transfer.amount,
                from: transfer.from,
                to: transfer.to,
                number: transfer.number,
                reference: *reference,
                wallet: *wallet,
            };
            Outbound::TransferSent(message, added.of(to)).encode(out)
        }
        Event::Contract(ContractEvent::MarginModeSet(MarginModeSet { by, instrument, mode })) => {
            let made = Made { by, instrument: *instrument, setting: Setting::MarginMode(*mode) };
            made.encode(record, to, listings, [Amount(0); 2], out)
        }
        Event::Contract(ContractEvent::LeverageSet(LeverageSet { by, instrument, leverage })) => {
            let made = Made { by, instrument: *instrument, setting: Setting::Leverage(*leverage) };
            made.encode(record, to, listings, [Amount(0); 2], out)
        }
        Event::Contract(ContractEvent::MarginMoved(moved)) => {
            let MarginMoved { by, instrument, leg, amount, pot, wallet } = *moved;
            let made = Made { by: &by, instrument, setting: Setting::Margin { leg, amount } };
            made.encode(record, to, listings, [pot, wallet], out)
        }
        Event::Order(OrderEvent::WalletState(e)) => {
            let message = AccountQueryResponse { timestamp, next_user_ref: e.next_user_ref };
            if let Some(wallet) = &e.wallet {
                added.push(tags::WALLET_OF, wallet_of(e.shard, wallet));
            }
            Outbound::AccountState(message, added.of(to)).encode(out)
        }
        Event::Order(OrderEvent::IndexAnswered(e)) => {
            let IndexAnswered { user_ref, index, price, source_time, outcome, .. } = *e;
            let message = IndexPriceAnswer {
                timestamp,
                user_ref,
                index,
                price: u64::from(price),
                source_time: source_time.0,
                state: match outcome {
                    IndexOutcome::Taken => b'T',
                    IndexOutcome::Held => b'H',
                },
            };
            Outbound::IndexAnswered(message, added.of(to)).encode(out)
        }
        Event::Order(OrderEvent::PositionState(state)) => {
            let listing = listings.at(state.instrument, record.number)?;
            Outbound::PositionState(owned::stated(state, timestamp, listing), added.of(to)).encode(out)
        }
        Event::Contract(event) => owned::encode(event, record, listings, added.of(to), out),
        // Events that `encode_event` handles itself, and events that are not sent to clients.
        Event::Admin(
            AdminEvent::AssetAdded { .. }
            | AdminEvent::InstrumentListed(_)
            | AdminEvent::Deposited(_)
            | AdminEvent::Withdrawn(_)
            | AdminEvent::Refused { .. }
            | AdminEvent::MarkSet { .. }
            | AdminEvent::TermsSet(_)
            | AdminEvent::FeesSet(_)
            | AdminEvent::ProtectionSet { .. }
            | AdminEvent::OrderLimitsSet { .. }
            | AdminEvent::AssetSet(_)
            | AdminEvent::SelfTradeSet(_)
            | AdminEvent::TierSet { .. }
            | AdminEvent::VolumeTiersSet(_)
            | AdminEvent::Killed { .. }
            | AdminEvent::TransferReceived(_)
            | AdminEvent::TransferDone(_),
        )
        | Event::Venue(
            VenueEvent::AccountOpened { .. }
            | VenueEvent::Opened { .. }
            | VenueEvent::LimitsSet { .. }
            | VenueEvent::Checkpointed(_)
            | VenueEvent::RulesSet { .. }
            | VenueEvent::Led { .. }
            | VenueEvent::SessionRolled { .. }
            | VenueEvent::ShardOpened { .. }
            | VenueEvent::AccountCopied { .. },
        )
        | Event::Market(
            MarketEvent::PhaseSet { .. } | MarketEvent::Indicative(_) | MarketEvent::Uncrossed(_),
        )
        | Event::Order(
            OrderEvent::Accepted(_)
            | OrderEvent::Rejected(_)
            | OrderEvent::Replaced(_)
            | OrderEvent::Canceled(_)
            | OrderEvent::Executed(_)
            | OrderEvent::Ignored(_)
            | OrderEvent::Armed(_)
            | OrderEvent::Triggered(_)
            | OrderEvent::Restated(_)
            | OrderEvent::MassCanceled { .. }
            | OrderEvent::TransferSent(_)
            | OrderEvent::OrderNamed(_),
        ) => None,
    }
}

/// What an owner has set.
struct Made<'a> {
    by: &'a SetBy,
    instrument: InstrumentId,
    setting: Setting,
}

impl Made<'_> {
    /// Encodes the answer, with what pot and wallet have; nothing to an operator.
    fn encode(
        self,
        record: &EventRecord,
        to: Address,
        listings: &Listings,
        [pot, wallet]: [Amount; 2],
        out: &mut [u8],
    ) -> Option<usize> {
        self.by.login?;
        let (kind, leg, value) = self.setting.fields();
        let message = SettingMade {
            timestamp: record.time.since_midnight_ns(),
            user_ref: self.by.user_ref,
            kind,
            symbol: listings.at(self.instrument, record.number)?.symbol,
            leg,
            value,
            pot,
            wallet,
        };
        Outbound::SettingMade(message, TagBuffer::default().of(to)).encode(out)
    }
}

/// The value of the tag BalanceOf.
fn balance_of(balance: &AssetBalance) -> [u8; 18] {
    let mut value = [0; 18];
    value[..2].copy_from_slice(&balance.asset.0.to_be_bytes());
    value[2..10].copy_from_slice(&balance.available.0.to_be_bytes());
    value[10..].copy_from_slice(&balance.reserved.0.to_be_bytes());
    value
}

/// The value of the tag WalletOf.
fn wallet_of(shard: ShardId, wallet: &Wallet) -> [u8; 27] {
    let mut value = [0; 27];
    value[0] = shard.0;
    value[1..19].copy_from_slice(&balance_of(&wallet.balance));
    value[19..].copy_from_slice(&wallet.withdrawable.0.to_be_bytes());
    value
}

/// Like [`encode_event`], as a whole Sequenced Data packet. [`SEQUENCED_LEN_MAX`] bytes always suffice.
#[inline]
pub fn encode_sequenced(
    record: &EventRecord,
    to: Address,
    listings: &Listings,
    out: &mut [u8],
) -> Option<usize> {
    let (head, rest) = out.split_first_chunk_mut()?;
    let len = encode_event(record, to, listings, rest)?;
    *head = soup::header(soup::kind::SEQUENCED, len)?;
    Some(soup::HEADER_LEN + len)
}

impl TagBuffer {
    /// The added tags; for a copy, followed by the tags that name the original login and account.
    #[inline]
    fn of(&mut self, to: Address) -> Appendage<'_> {
        if let Some((login, account)) = to.copy_of {
            self.push(tags::COPY_OF_LOGIN, login.0.to_be_bytes());
            self.push(tags::COPY_OF_ACCOUNT, account.0.to_be_bytes());
        }
        self.appendage()
    }
}

#[inline]
fn executed(e: &Executed, part: Part, timestamp: u64, listing: &Listing) -> OrderExecuted {
    let (user_ref, continuous) = match (part, e.maker_visibility) {
        (Part::Taker, _) => (e.taker_user_ref, b'R'),
        (Part::Maker | Part::Only, Visibility::Displayed) => (e.maker_user_ref, b'A'),
        (Part::Maker | Part::Only, Visibility::Hidden) => (e.maker_user_ref, b'J'),
    };
    let liquidity = match e.kind {
        TradeKind::Continuous => continuous,
        TradeKind::Opening => b'O',
        TradeKind::Closing => b'C',
        TradeKind::Volatility => b'H',
    };
    OrderExecuted {
        timestamp,
        user_ref,
        quantity: lots(e.quantity),
        price: listing.price_units(e.price),
        liquidity,
        trade: e.trade,
    }
}

/// The message about a prevented self-trade for one of its orders. The protocol has no letter for cancelling both
/// orders: the resting order's message says that the oldest was cancelled, the incoming order's message says that the
/// newest was.
fn self_match_canceled(
    e: &Canceled,
    prevented: &SelfTradePrevented,
    timestamp: u64,
    listing: &Listing,
) -> SelfMatchCanceled {
    let strategy = match (prevented.mode, prevented.incoming) {
        (SelfTrade::DecrementBoth, _) => b'D',
        (SelfTrade::CancelNewest, _) | (SelfTrade::CancelBoth | SelfTrade::Allow, true) => b'W',
        (SelfTrade::CancelOldest, _) | (SelfTrade::CancelBoth | SelfTrade::Allow, false) => b'O',
    };
    SelfMatchCanceled {
        timestamp,
        user_ref: e.user_ref,
        decrement: lots(e.decrement),
        reason: cancel_code(e.reason),
        prevented: lots(prevented.quantity),
        price: listing.price_units(prevented.price),
        liquidity: if prevented.incoming { b'R' } else { b'A' },
        strategy,
    }
}

/// The order as an Order Replaced.
#[inline]
fn replaced(terms: &OrderTerms, orig_user_ref: UserRef, timestamp: u64, listing: &Listing) -> OrderReplaced {
    let echo = Echoed::of(&terms.echo);
    OrderReplaced {
        timestamp,
        orig_user_ref,
        user_ref: terms.user_ref,
        side: side(terms.side),
        quantity: lots(terms.quantity),
        symbol: listing.symbol,
        price: units(listing, terms.price),
        time_in_force: echo.time_in_force,
        display: echo.display,
        order: terms.order,
        capacity: echo.capacity,
        iso: b'N',
        cross_type: echo.cross_type,
        state: b'L',
        cl_ord_id: terms.echo.cl_ord_id,
    }
}

/// The same fields as an Order Accepted.
#[inline]
fn accepted(m: &OrderReplaced) -> OrderAccepted {
    OrderAccepted {
        timestamp: m.timestamp,
        user_ref: m.user_ref,
        side: m.side,
        quantity: m.quantity,
        symbol: m.symbol,
        price: m.price,
        time_in_force: m.time_in_force,
        display: m.display,
        order: m.order,
        capacity: m.capacity,
        iso: m.iso,
        cross_type: m.cross_type,
        state: m.state,
        cl_ord_id: m.cl_ord_id,
    }
}

#[inline]
fn side(side: Side) -> u8 {
    match side {
        Side::Buy => b'B',
        Side::Sell => b'S',
    }
}

/// Every quantity fits the field: a listing's largest quantity is at most `u32::MAX`.
#[inline]
fn lots(quantity: Quantity) -> u32 {
    debug_assert!(u32::try_from(quantity.0).is_ok(), "{quantity} lots do not fit the wire");
    quantity.0 as u32
}

#[inline]
fn units(listing: &Listing, price: Option<Price>) -> u64 {
    price.map_or(MARKET_PRICE, |price| listing.price_units(price))
}

/// The closest Order Canceled reason (OUCH 5.0 §2.5 in docs/PROTOCOL.md).
#[inline]
pub fn cancel_code(reason: CancelReason) -> u8 {
    match reason {
        CancelReason::UserRequested | CancelReason::MassCancel => b'U',
        CancelReason::ImmediateOrCancel | CancelReason::MinimumQuantity | CancelReason::AmountSpent => b'I',
        CancelReason::MarketCollar | CancelReason::PriceBand | CancelReason::PriceOutsideLimits => b'K',
        CancelReason::SelfTradePrevented(_) => b'Q',
        CancelReason::Expired | CancelReason::DeadMansSwitch => b'T',
        CancelReason::Delisted => b'E',
        CancelReason::TermsChanged
        | CancelReason::Killed
        | CancelReason::Operator
        | CancelReason::Disconnected => b'S',
        CancelReason::FundsExhausted
        | CancelReason::InvalidReplace(_)
        | CancelReason::LinkedOrder
        | CancelReason::TriggerRefused(_)
        | CancelReason::WorkLimit
        | CancelReason::InsufficientMargin
        | CancelReason::OpenInterestLimit
        | CancelReason::ReduceOnlyResized
        | CancelReason::IndexStale
        | CancelReason::ContractExpired
        | CancelReason::AccountBelowZero => b'Z',
    }
}

/// The closest Rejected reason (OUCH 5.0 §2.6 in docs/PROTOCOL.md).
pub fn reject_code(reason: RejectReason) -> u16 {
    match reason {
        RejectReason::NothingToTradeWith => 0x01,
        RejectReason::JournalSpaceLow
        | RejectReason::ShardBusy
        | RejectReason::VenueKilled
        | RejectReason::InstrumentClosed => 0x02,
        RejectReason::DisplayNotSupported => 0x03,
        RejectReason::InvalidDisplayQuantity => 0x04,
        RejectReason::PriceOutOfLimits | RejectReason::PriceOutsideLimits => 0x06,
        RejectReason::InstrumentHalted | RejectReason::CancelOnly | RejectReason::IndexStale => 0x07,
        RejectReason::IsoNotAllowed => 0x08,
        RejectReason::InvalidSide => 0x09,
        RejectReason::MalformedTag => 0x0A,
        RejectReason::AccountKilled | RejectReason::OrderEntryDisabled | RejectReason::IndexNotAllowed => {
            0x0C
        }
        RejectReason::InvalidMinQuantity => 0x0D,
        RejectReason::PeggingNotAllowed => 0x11,
        RejectReason::PostOnlyWouldTrade => 0x12,
        RejectReason::InvalidQuantity
        | RejectReason::QuantityBelowMinimum
        | RejectReason::NotionalBelowMinimum
        | RejectReason::AmountTooSmall => 0x13,
        RejectReason::CrossTypeNotSupported | RejectReason::NotInAuction => 0x14,
        RejectReason::OrderIsLinked | RejectReason::AmendNotPossible => 0x15,
        RejectReason::RoutingNotAllowed => 0x16,
        RejectReason::UnknownSymbol
        | RejectReason::UnknownInstrument
        | RejectReason::InstrumentDelisted
        | RejectReason::UnknownIndex
        | RejectReason::ContractExpired => 0x17,
        RejectReason::RetailNotAllowed => 0x1A,
        RejectReason::InvalidPrice | RejectReason::PriceOffTick | RejectReason::InvalidTrigger => 0x1D,
        RejectReason::InsufficientFunds
        | RejectReason::PositionAboveLimit
        | RejectReason::InsufficientMargin
        | RejectReason::OpenInterestLimit
        | RejectReason::TooManyPositions
        | RejectReason::LeverageAboveTier => 0x20,
        RejectReason::OrderRateExceeded | RejectReason::MessageRateExceeded => 0x29,
        RejectReason::ShortSaleNotAllowed => 0x2B,
        RejectReason::NotionalTooLarge | RejectReason::NotionalAboveMaximum => 0x30,
        RejectReason::QuantityAboveMaximum => 0x31,
        // The protocol has nothing closer than "other" for these; the last ones never answer an order.
        RejectReason::TimeInForceNotSupported
        | RejectReason::InvalidCapacity
        | RejectReason::TagNotSupported
        | RejectReason::TooLate
        | RejectReason::InvalidInstructions
        | RejectReason::InvalidExpireTime
        | RejectReason::NotReducing
        | RejectReason::OpenOrdersAboveLimit
        | RejectReason::LinkNotPossible
        | RejectReason::TooManyOrders
        | RejectReason::TooManyTriggers
        | RejectReason::UnknownOrder
        | RejectReason::IdNotNext
        | RejectReason::DuplicateName
        | RejectReason::UnknownAsset
        | RejectReason::UnknownAccount
        | RejectReason::OutOfRange
        | RejectReason::TickLotNotWhole
        | RejectReason::SupplyTooLarge
        | RejectReason::DuplicateReference
        | RejectReason::DepositsOff
        | RejectReason::WithdrawalsOff
        | RejectReason::TransferBelowMinimum
        | RejectReason::ScaleNotPossible
        | RejectReason::InvalidPhase
        | RejectReason::RebateAboveFee
        | RejectReason::UserRefInUse
        | RejectReason::AlreadyCopied
        | RejectReason::UnknownShard
        | RejectReason::ShardsComeFirst
        | RejectReason::OneShardOnly
        | RejectReason::NotInThisEdition
        | RejectReason::TooManyTransfers
        | RejectReason::EpochNotAbove
        | RejectReason::UnknownLogin
        | RejectReason::AlreadyOpen
        | RejectReason::StaleIndex
        | RejectReason::TooManyContracts
        | RejectReason::OtherProductsInShard
        | RejectReason::ContractIncomplete
        | RejectReason::OrdersOpen
        | RejectReason::PositionsOpen
        | RejectReason::FundBelowZero
        | RejectReason::NoPosition => 0x0F,
    }
}
