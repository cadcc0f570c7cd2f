//! Events: everything that the exchange says has happened.
//!
//! Clients, the event log and SQL are told nothing that is not an event, and every event comes from one
//! journaled command, so all of it can be told again, bit for bit, after a crash.

#![deny(clippy::wildcard_enum_match_arm)]

use super::numbered::{numbered, numbered_enum};
use super::{
    AccountId, AccountSelfTrade, Amount, AssetCode, AssetId, AssetSettings, CancelReason, Checkpoint,
    ClOrdId, FeeTier, IgnoreReason, InstrumentId, KillScope, LimitScope, Listing, LoginId, NameOrder,
    OrderId, OrderLimits, OrderTerms, Phase, Price, Protection, Quantity, RejectReason, SetFees,
    SetOrderEntry, ShardId, ShardName, Side, Switch, Timestamp, TradeId, Transfer, Trigger, UserRef,
    VenueLimits, Visibility, VolumeTiers,
};
use bincode::{Decode, Encode};
use serde::Serialize;

/// What an account has of an asset, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct AssetBalance {
    /// Which asset.
    pub asset: AssetId,
    /// What new orders can hold.
    pub available: Amount,
    /// What open orders hold.
    pub reserved: Amount,
}

/// An event with its place: what stands in the event ring and in the event log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode, Serialize)]
pub struct EventRecord {
    /// The event's own number, dense from 1 over the life of the exchange. The watermarks of the event log
    /// and of SQL are such numbers.
    pub number: u64,
    /// The sequence of the command that caused it: the gate holds this against the durable cursor.
    pub sequence: u64,
    /// That command's time.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// What happened to an order, or answers one who trades.
    Order(OrderEvent),
    /// What happened to the venue as a whole: who there is, sessions, rules, proofs.
    Venue(VenueEvent),
    /// What was set, listed or refused, and money that came or went.
    Admin(AdminEvent),
    /// What an instrument's trading came to, by command or by time.
    Market(MarketEvent),
}

/// What happened to an order, or answers one who trades.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum OrderEvent {
    /// An order was accepted. Its trades, if it matches at once, follow.
    Accepted(Accepted),
    /// An order was refused; its number is consumed.
    Rejected(Rejected),
    /// An order was replaced. Its trades, if it matches at once, follow.
    Replaced(Replaced),
    /// An order lost some or all of its open quantity without a trade.
    Canceled(Canceled),
    /// Two orders traded.
    Executed(Executed),
    /// A message had no effect and has no answer.
    Ignored(Ignored),
    /// A cancel or an amend of a live order was refused; the order is as it was.
    ChangeRejected(ChangeRejected),
    /// An order's quantity was lowered; it kept its place.
    Amended(Amended),
    /// What an accepted or replaced order waits for, or is linked to. Comes right after that event.
    Armed(Armed),
    /// An order's trigger has come: it is live now. Its trades, if it matches at once, follow.
    Triggered(Triggered),
    /// Something about a resting order changed without a trade or a message of its client.
    Restated(Restated),
    /// The answer to a mass cancel, after the cancels.
    MassCanceled {
        /// Who asked; `None`: an operator.
        login: Option<LoginId>,
        /// The client's number of the message; 0 from an operator.
        user_ref: UserRef,
        /// How many orders were cancelled.
        canceled: u32,
        /// Of which instrument it was asked; `None`: of all.
        instrument: Option<InstrumentId>,
        /// Of which side it was asked; `None`: of both.
        side: Option<Side>,
    },
    /// The answer to a question for the next number.
    AccountState {
        /// Who asked.
        login: LoginId,
        /// The smallest number that it has not used.
        next_user_ref: UserRef,
        /// When its dead-man's switch cancels its orders; 0: it has none.
        cancel_at: Timestamp,
        /// What its account has of the asset that was asked for.
        balance: Option<AssetBalance>,
    },
    /// A login's own order entry was turned on or off.
    OrderEntrySet(SetOrderEntry),
    /// An order whose trigger came takes part in trading from now on (OUCH Order Priority Update). Comes right after
    /// [`OrderEvent::Triggered`].
    PriorityUpdated(PriorityUpdated),
    /// A client has a name for the order that it sends next, with this number; that one may still be refused. It is no
    /// message of anybody's stream.
    OrderNamed(NameOrder),
}

/// What happened to the venue as a whole: who there is, sessions, rules, proofs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum VenueEvent {
    /// An account exists.
    AccountOpened {
        /// Its id.
        account: AccountId,
    },
    /// A login exists. To its stream this is the start of the day (OUCH System Event `S`).
    LoginOpened {
        /// Its id.
        login: LoginId,
        /// The account that its orders are for.
        account: AccountId,
    },
    /// The configured assets, accounts and instruments are all there.
    Opened {
        /// Digest of the configuration they came from.
        config_digest: u64,
    },
    /// What the exchange as a whole holds at most was set.
    LimitsSet {
        /// What holds now.
        limits: VenueLimits,
    },
    /// What the state was after an earlier command.
    Checkpointed(Checkpoint),
    /// Another edition of the rules holds.
    RulesSet {
        /// Which.
        edition: u16,
    },
    /// The session ended: the last message of this login's stream (OUCH System Event `E`).
    SessionEnded {
        /// Whose stream.
        login: LoginId,
    },
    /// A session began: the first message of this login's new stream (OUCH System Event `S`).
    SessionStarted {
        /// Whose stream.
        login: LoginId,
        /// Which session; the first one is 0.
        session: u32,
    },
    /// The venue is in another session. Comes after all [`VenueEvent::SessionEnded`] and before all [`VenueEvent::SessionStarted`].
    SessionRolled {
        /// Which.
        session: u32,
    },
    /// There is one more shard.
    ShardOpened {
        /// Its id.
        shard: ShardId,
        /// Its name.
        name: ShardName,
    },
    /// A login is sent copies of what the logins of an account are sent.
    AccountCopied {
        /// Who gets the copies.
        login: LoginId,
        /// Of what.
        account: AccountId,
    },
    /// A node leads.
    Led {
        /// The number of its reign.
        epoch: u64,
        /// Who leads.
        node: u32,
    },
}

/// What was set, listed or refused, and money that came or went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum AdminEvent {
    /// An asset exists.
    AssetAdded {
        /// Its id.
        asset: AssetId,
        /// Its code.
        code: AssetCode,
        /// Minor units are 10^-scale.
        scale: u8,
    },
    /// An instrument is listed.
    InstrumentListed(Listing),
    /// Money arrived.
    Deposited(Transfer),
    /// Money left.
    Withdrawn(Transfer),
    /// An administrative command was refused and changed nothing.
    Refused {
        /// Why.
        reason: RejectReason,
    },
    /// The mark price that triggers watch.
    MarkSet {
        /// Of which instrument.
        instrument: InstrumentId,
        /// Ticks.
        price: Price,
    },
    /// An instrument's terms changed. The cancels of orders that no longer fit came before.
    TermsSet(Listing),
    /// A row of an instrument's fee table changed.
    FeesSet(SetFees),
    /// What keeps an instrument's prices from running away changed.
    ProtectionSet {
        /// Which instrument.
        instrument: InstrumentId,
        /// What holds now.
        protection: Protection,
    },
    /// Limits on orders changed.
    OrderLimitsSet {
        /// For whom.
        scope: LimitScope,
        /// What holds now.
        limits: OrderLimits,
    },
    /// The settings of an asset changed. If its scale did, all amounts of it were converted, exactly.
    AssetSet(AssetSettings),
    /// An account's self-trade prevention changed.
    SelfTradeSet(AccountSelfTrade),
    /// An account is on another row of the fee tables.
    TierSet {
        /// Which account.
        account: AccountId,
        /// Which row.
        tier: FeeTier,
    },
    /// By what volume accounts come to their fee tier.
    VolumeTiersSet(VolumeTiers),
    /// A kill switch was turned. The cancels came before.
    Killed {
        /// Whom it stops.
        scope: KillScope,
        /// On or off.
        switch: Switch,
    },
}

/// What an instrument's trading came to, by command or by time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum MarketEvent {
    /// An instrument is in another phase, by command or because a price band was crossed or an interruption ended.
    PhaseSet {
        /// Which instrument.
        instrument: InstrumentId,
        /// The phase it is in now.
        phase: Phase,
    },
    /// What an auction would give if it ended now. Published with every [`super::ClockCommand::Tick`] during an auction.
    Indicative(Auction),
    /// An auction ended: its result. Its trades follow.
    Uncrossed(Auction),
}

numbered!(Event {
    Order(OrderEvent) {
        9 => Accepted(it),
        10 => Rejected(it),
        11 => Replaced(it),
        12 => Canceled(it),
        13 => Executed(it),
        14 => Ignored(it),
        16 => ChangeRejected(it),
        17 => Amended(it),
        18 => Armed(it),
        19 => Triggered(it),
        20 => Restated(it),
        21 => MassCanceled { login, user_ref, canceled, instrument, side },
        36 => AccountState { login, next_user_ref, cancel_at, balance },
        37 => OrderEntrySet(it),
        41 => PriorityUpdated(it),
        45 => OrderNamed(it),
    }
    Venue(VenueEvent) {
        1 => AccountOpened { account },
        2 => LoginOpened { login, account },
        7 => Opened { config_digest },
        15 => LimitsSet { limits },
        34 => Checkpointed(it),
        35 => RulesSet { edition },
        38 => SessionEnded { login },
        39 => SessionStarted { login, session },
        40 => SessionRolled { session },
        42 => AccountCopied { login, account },
        43 => Led { epoch, node },
        44 => ShardOpened { shard, name },
    }
    Admin(AdminEvent) {
        0 => AssetAdded { asset, code, scale },
        3 => InstrumentListed(it),
        5 => Deposited(it),
        6 => Withdrawn(it),
        8 => Refused { reason },
        24 => MarkSet { instrument, price },
        25 => TermsSet(it),
        26 => FeesSet(it),
        27 => ProtectionSet { instrument, protection },
        28 => OrderLimitsSet { scope, limits },
        29 => AssetSet(it),
        30 => SelfTradeSet(it),
        31 => TierSet { account, tier },
        32 => VolumeTiersSet(it),
        33 => Killed { scope, switch },
    }
    Market(MarketEvent) {
        4 => PhaseSet { instrument, phase },
        22 => Indicative(it),
        23 => Uncrossed(it),
    }
});

impl Default for Event {
    fn default() -> Self {
        Self::Venue(VenueEvent::Opened { config_digest: 0 })
    }
}

impl Event {
    /// The logins whose streams carry this event, in the order of their messages; a trade of a login with itself
    /// gives two messages. The resting side of a trade is told first.
    pub fn recipients(&self) -> [Option<LoginId>; 2] {
        match self {
            Event::Venue(VenueEvent::LoginOpened { login, .. }) => [Some(*login), None],
            Event::Order(OrderEvent::Accepted(e)) => [Some(e.login), None],
            Event::Order(OrderEvent::Rejected(e)) => [Some(e.login), None],
            Event::Order(OrderEvent::Replaced(e)) => [Some(e.login), None],
            Event::Order(OrderEvent::Canceled(e)) => [Some(e.login), None],
            Event::Order(OrderEvent::Executed(e)) => [Some(e.maker_login), Some(e.taker_login)],
            Event::Order(OrderEvent::ChangeRejected(e)) => [Some(e.login), None],
            Event::Order(OrderEvent::Amended(e)) => [Some(e.login), None],
            Event::Order(OrderEvent::MassCanceled { login, .. }) => [*login, None],
            Event::Order(OrderEvent::AccountState { login, .. })
            | Event::Venue(VenueEvent::SessionEnded { login } | VenueEvent::SessionStarted { login, .. }) => {
                [Some(*login), None]
            }
            Event::Order(OrderEvent::OrderEntrySet(e)) => [Some(e.login), None],
            // Every client knows its own names.
            Event::Order(OrderEvent::OrderNamed(_)) => [None, None],
            Event::Order(OrderEvent::PriorityUpdated(e)) => [Some(e.login), None],
            Event::Order(OrderEvent::Restated(e)) if e.reason == RestateReason::Refreshed => {
                [Some(e.login), None]
            }
            Event::Order(
                OrderEvent::Armed(_)
                | OrderEvent::Triggered(_)
                | OrderEvent::Restated(_)
                | OrderEvent::Ignored(_),
            )
            | Event::Market(
                MarketEvent::Indicative(_) | MarketEvent::Uncrossed(_) | MarketEvent::PhaseSet { .. },
            )
            | Event::Admin(
                AdminEvent::MarkSet { .. }
                | AdminEvent::TermsSet(_)
                | AdminEvent::FeesSet(_)
                | AdminEvent::ProtectionSet { .. }
                | AdminEvent::OrderLimitsSet { .. }
                | AdminEvent::AssetSet(_)
                | AdminEvent::SelfTradeSet(_)
                | AdminEvent::TierSet { .. }
                | AdminEvent::VolumeTiersSet(_)
                | AdminEvent::Killed { .. }
                | AdminEvent::AssetAdded { .. }
                | AdminEvent::InstrumentListed(_)
                | AdminEvent::Deposited(_)
                | AdminEvent::Withdrawn(_)
                | AdminEvent::Refused { .. },
            )
            | Event::Venue(
                VenueEvent::Checkpointed(_)
                | VenueEvent::RulesSet { .. }
                | VenueEvent::Led { .. }
                | VenueEvent::SessionRolled { .. }
                | VenueEvent::AccountCopied { .. }
                | VenueEvent::AccountOpened { .. }
                | VenueEvent::ShardOpened { .. }
                | VenueEvent::Opened { .. }
                | VenueEvent::LimitsSet { .. },
            ) => [None, None],
        }
    }
}

/// An order was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Accepted {
    /// Whose order.
    pub login: LoginId,
    /// What it is.
    #[serde(flatten)]
    pub terms: OrderTerms,
}

/// An order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Rejected {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// Why.
    pub reason: RejectReason,
    /// What the client sent along.
    pub cl_ord_id: ClOrdId,
}

/// An order was replaced: the old one is gone, the new one stands, with new priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Replaced {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of the old order.
    pub orig_user_ref: UserRef,
    /// The exchange's number of the old order.
    pub orig_order: OrderId,
    /// What the new order is.
    #[serde(flatten)]
    pub terms: OrderTerms,
}

/// An order lost open quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Canceled {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// By how many lots it became smaller.
    pub decrement: Quantity,
    /// How many lots are still open; 0 when the order is gone.
    pub open: Quantity,
    /// What is still reserved for it.
    pub reserved: Amount,
    /// Why.
    pub reason: CancelReason,
}

/// A trade. Money moved: base from seller to buyer, price × quantity of quote from buyer to seller, and a fee
/// from each side to the fee account, in quote or in what the side receives ([`super::FeeAsset`]); a negative one is paid by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Executed {
    /// The trade's number.
    pub trade: TradeId,
    /// What was traded.
    pub instrument: InstrumentId,
    /// The side of the incoming order; in an auction the buy.
    pub taker_side: Side,
    /// How the orders met.
    pub kind: TradeKind,
    /// Whether the book showed the resting order.
    pub maker_visibility: Visibility,
    /// The resting order's price, ticks; in an auction that of the auction.
    pub price: Price,
    /// How many lots.
    pub quantity: Quantity,
    /// The resting order's login.
    pub maker_login: LoginId,
    /// The resting order's number with its client.
    pub maker_user_ref: UserRef,
    /// The resting order.
    pub maker_order: OrderId,
    /// What the resting side paid, minor units.
    pub maker_fee: Amount,
    /// What is still reserved for the resting order.
    pub maker_reserved: Amount,
    /// The incoming order's login.
    pub taker_login: LoginId,
    /// The incoming order's number with its client.
    pub taker_user_ref: UserRef,
    /// The incoming order.
    pub taker_order: OrderId,
    /// What the incoming side paid, minor units.
    pub taker_fee: Amount,
    /// What is still reserved for the incoming order.
    pub taker_reserved: Amount,
}

/// A message that had no effect and has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Ignored {
    /// Who sent it.
    pub login: LoginId,
    /// The session that it was sent in.
    pub session: u32,
    /// The client's number in it: of a replace that of the order, if that is not live, else the new one; 0 of a message
    /// without one.
    pub user_ref: UserRef,
    /// Why.
    pub reason: IgnoreReason,
}

numbered_enum! {
    /// How the orders of a trade met.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum TradeKind {
        /// One came in and met the other.
        #[default]
        Continuous = 0,
        /// In the opening auction.
        Opening = 1,
        /// In the auction after a volatility interruption.
        Volatility = 2,
        /// In the closing auction.
        Closing = 3,
    }
}

/// A cancel or an amend was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ChangeRejected {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// Why.
    pub reason: RejectReason,
}

/// An order's quantity was lowered; it kept its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Amended {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// Buy or sell.
    pub side: Side,
    /// By how many lots it became smaller.
    pub decrement: Quantity,
    /// How many lots are still open.
    pub open: Quantity,
    /// What is still reserved for it.
    pub reserved: Amount,
}

/// What an order waits for, or is linked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Armed {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// What it waits for.
    pub trigger: Option<Trigger>,
    /// The order that is cancelled when this one trades, and the other way round.
    pub oco: Option<OrderId>,
}

/// An order's trigger has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Triggered {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// What is traded.
    pub instrument: InstrumentId,
    /// The price that was watched, as it is now, ticks.
    pub reference: Price,
}

/// An order whose trigger came takes part in trading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PriorityUpdated {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// The limit in ticks; `None` for a market order.
    pub price: Option<Price>,
    /// Open lots before it matches.
    pub quantity: Quantity,
    /// Whether it is shown.
    pub visibility: Visibility,
    /// Lots shown at a time; 0: all.
    pub display_quantity: u32,
}

/// Something about a resting order changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Restated {
    /// Whose order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// Its limit, in the instrument's present ticks; `None` for a market order that waits.
    pub price: Option<Price>,
    /// Lots shown now; 0 for a hidden or a dormant order.
    pub displayed: Quantity,
    /// Lots open now, those that are not shown included.
    pub open: Quantity,
    /// What is reserved for it now.
    pub reserved: Amount,
    /// What changed.
    pub reason: RestateReason,
}

numbered_enum! {
    /// What changed about a resting order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    pub enum RestateReason {
        /// An iceberg shows its next slice, last in the queue of its price.
        Refreshed = 0,
        /// What is reserved for it: fees changed, or the order that it was linked to is gone.
        Reserve = 1,
        /// Its price is counted in other ticks; in price units it is the same.
        Tick = 2,
    }
}

/// An auction's result, or what it would be now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Auction {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Which auction.
    pub kind: TradeKind,
    /// The price of maximum volume, ticks; `None`: nothing crosses.
    pub price: Option<Price>,
    /// Lots that trade at it.
    pub volume: Quantity,
    /// Lots that would trade at it but find no counterpart.
    pub imbalance: Quantity,
    /// Their side.
    pub imbalance_side: Side,
}

/// Ring slots and the event log are sized by this: an event must fit two cache lines.
const _: () = assert!(size_of::<EventRecord>() <= 128);
/// With its stamp a command must fit two cache lines.
const _: () = assert!(size_of::<super::Sequenced>() <= 128);
