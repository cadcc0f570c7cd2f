//! The wire: captured packets byte for byte, foreign bytes, and what each request and each event becomes.

use dojima::domain::audience::{Address, Audience, Part};
use dojima::domain::{
    Accepted, AccountId, AdminEvent, Amended, Amount, AssetBalance, AssetId, CancelFilter, CancelReason,
    Canceled, ChangeRejected, ClOrdId, Command, ContractEvent, Event, EventRecord, Executed, InstrumentId,
    LeverageSet, Listing, Listings, LoginId, MarginMode, MarginModeSet, MarginMoved, MassCancel, Modify,
    MoveMargin, OrderId, OrderPrice, Owner, OwnerCommand, PositionLeg, Price, PriorityUpdated, Quantity,
    QuantityUnit, QueryAccount, Question, RefuseEnter, RejectReason, Rejected, Replaced, RestateReason,
    Restated, SelfTrade, SelfTradePrevented, SetBy, SetLeverage, SetMarginMode, SetOrderEntry, Setter,
    ShardId, ShardTransfer, Side, Switch, Symbol, TimeInForce, Timestamp, TradeId, TradeKind, TransferOut,
    TransferSent, UserRef, Visibility,
};
use dojima::wire::ouch::event::{cancel_code, reject_code};
use dojima::wire::ouch::{
    AccountQuery, AccountQueryResponse, Appendage, BrokenTrade, CancelOrder, CancelPending, CancelRejected,
    ContractSetting, DisableEntry, EnableEntry, EnterOrder, EntryDisabled, EntryEnabled, FundingCharged,
    Inbound, LackCovered, LoggedIn, MARKET_PRICE, MESSAGE_LEN_MAX, MassCancelOrders, MassCancelResponse,
    ModifyOrder, MoneySent, OrderAccepted, OrderCanceled, OrderExecuted, OrderModified, OrderPriorityUpdate,
    OrderRejected, OrderReplaced, OrderRestated, OuchError, Outbound, PositionMoved, PositionStated,
    ReplaceOrder, SEQUENCED_LEN_MAX, SelfMatchCanceled, SettingMade, SystemEvent, TransferMoney,
    encode_event, encode_sequenced, tags, to_command,
};
use dojima::wire::soup::{self, frame};
use proptest::prelude::*;

mod captured;
mod events;
mod instructions;
mod requests;
mod round_trips;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16).expect("hex");
    digits.chunks(2).map(byte).collect()
}

const LOGIN: LoginId = LoginId(3);
const SESSION: u32 = 5;
const ACCOUNT: AccountId = AccountId(7);
const FROM: LoggedIn = LoggedIn { login: LOGIN, session: SESSION, account: ACCOUNT };

fn listings() -> Listings {
    let listing = |id: u32, symbol: &str| {
        Event::Admin(AdminEvent::InstrumentListed(Listing {
            instrument: InstrumentId(id),
            symbol: Symbol::new(symbol).expect("a symbol"),
            price_decimals: 2,
            tick_units: 25,
            lot: Amount(1),
            tick_value: Amount(1),
            ..Listing::default()
        }))
    };
    let mut listings = Listings::default();
    listings.apply(&listing(0, "ETH-USDT"));
    listings.apply(&listing(1, "BTC-USDT"));
    listings
}

fn command(message: Inbound<'_>) -> Command {
    to_command(FROM, &message, &listings())
}
