//! Events: everything that happened in the exchange.
//!
//! Clients, the event log and SQL learn only events. Every event results from one journaled command, so all events can
//! be reproduced bit for bit after a crash.

#![deny(clippy::wildcard_enum_match_arm)]

use super::numbered::{numbered, numbered_enum};
use super::{
    AccountId, AccountSelfTrade, Amount, AssetBalance, AssetCode, AssetId, AssetSettings, CancelReason,
    Checkpoint, ClOrdId, ContractEvent, FeeTier, IgnoreReason, IndexAnswered, InstrumentId, KillScope,
    LeverageSet, LimitScope, Listing, LoginId, MarginModeSet, MarginMoved, NameOrder, OrderId, OrderLimits,
    OrderTerms, Phase, PositionState, Price, Protection, Quantity, RejectReason, SetFees, SetOrderEntry,
    ShardId, ShardName, ShardTransfer, Side, Switch, Timestamp, TradeId, Transfer, TransferReceived,
    TransferSent, Trigger, UserRef, VenueLimits, Visibility, VolumeTiers, WalletState,
};
use bincode::{Decode, Encode};
use serde::Serialize;

/// An event with its position, as it is in the event ring and in the event log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode, Serialize)]
pub struct EventRecord {
    /// The event's number, dense from 1 over the life of the exchange. The watermarks of the event log and of SQL are
    /// event numbers.
    pub number: u64,
    /// The sequence of the command that caused it. The gateway publishes the event only once the durable cursor has
    /// reached it.
    pub sequence: u64,
    /// The time of that command.
    pub time: Timestamp,
    /// The event.
    pub event: Event,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// About an order, or an answer to a trader.
    Order(OrderEvent),
    /// Venue-wide: accounts, logins, sessions, shards, rules, limits, checkpoints.
    Venue(VenueEvent),
    /// Assets and instruments, settings, deposits and withdrawals, and refused administrative commands.
    Admin(AdminEvent),
    /// Phases and auctions of an instrument, caused by a command or by time.
    Market(MarketEvent),
    /// Indexes, contracts, and the insurance fund.
    Contract(ContractEvent),
}

/// About an order, or an answer to a trader.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum OrderEvent {
    /// An order was accepted. If it matches at once, its trades follow.
    Accepted(Accepted),
    /// An order was refused; its number is used up.
    Rejected(Rejected),
    /// An order was replaced. If it matches at once, its trades follow.
    Replaced(Replaced),
    /// An order lost some or all of its open quantity without a trade.
    Canceled(Canceled),
    /// Two orders traded.
    Executed(Executed),
    /// A message had no effect and gets no answer.
    Ignored(Ignored),
    /// A cancel or an amend of a live order was refused; the order is unchanged.
    ChangeRejected(ChangeRejected),
    /// An order's quantity decreased; it kept its priority.
    Amended(Amended),
    /// The trigger or the linked order of an accepted or replaced order. Follows directly after that event.
    Armed(Armed),
    /// An order was triggered and is live now. If it matches at once, its trades follow.
    Triggered(Triggered),
    /// A property of a resting order changed without a trade or a message of its client.
    Restated(Restated),
    /// The answer to a mass cancel. Follows the cancels.
    MassCanceled {
        /// The sender; `None`: an operator.
        login: Option<LoginId>,
        /// The client's number of the message; 0 from an operator.
        user_ref: UserRef,
        /// How many orders were cancelled.
        canceled: u32,
        /// The instrument in the request; `None`: all.
        instrument: Option<InstrumentId>,
        /// The side in the request; `None`: both.
        side: Option<Side>,
    },
    /// The answer to an account query.
    AccountState {
        /// The sender.
        login: LoginId,
        /// The smallest client number that was not used yet.
        next_user_ref: UserRef,
        /// When the dead-man's switch cancels the login's orders; 0: it is off.
        cancel_at: Timestamp,
        /// The account's balance of the asset in the query.
        balance: Option<AssetBalance>,
    },
    /// Order entry of a login was turned on or off.
    OrderEntrySet(SetOrderEntry),
    /// A triggered order takes part in trading from now on (OUCH Order Priority Update). Follows directly after
    /// [`OrderEvent::Triggered`].
    PriorityUpdated(PriorityUpdated),
    /// The client's name for the order that it sends next with this number; that order may still be refused. It is not
    /// a message in any stream.
    OrderNamed(NameOrder),
    /// Money left a wallet and is on its way to another shard. The answer to its owner.
    TransferSent(TransferSent),
    /// The answer to a login that sent a price of an index.
    IndexAnswered(IndexAnswered),
    /// The answer to a login that asked for a wallet.
    WalletState(WalletState),
    /// A position of the account, as asked for by an account query, whose answer follows.
    PositionState(PositionState),
}

/// Venue-wide: accounts, logins, sessions, shards, rules, limits, checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum VenueEvent {
    /// An account exists.
    AccountOpened {
        /// Its id.
        account: AccountId,
    },
    /// A login exists. In its stream this is the start of the day (OUCH System Event `S`).
    LoginOpened {
        /// Its id.
        login: LoginId,
        /// The account that owns the login's orders.
        account: AccountId,
    },
    /// The set-up has ended: all configured assets, accounts and instruments exist.
    Opened {
        /// Digest of the configuration.
        config_digest: u64,
    },
    /// The venue-wide limits were set.
    LimitsSet {
        /// The new limits.
        limits: VenueLimits,
    },
    /// The digest of the state after an earlier command was recorded.
    Checkpointed(Checkpoint),
    /// The edition of the rules changed.
    RulesSet {
        /// The new edition.
        edition: u16,
    },
    /// The session ended. This is the last message of the login's stream (OUCH System Event `E`).
    SessionEnded {
        /// The login of the stream.
        login: LoginId,
    },
    /// A session began. This is the first message of the login's new stream (OUCH System Event `S`).
    SessionStarted {
        /// The login of the stream.
        login: LoginId,
        /// The session; the first is 0.
        session: u32,
    },
    /// The venue is in another session. Comes after all [`VenueEvent::SessionEnded`] and before all
    /// [`VenueEvent::SessionStarted`].
    SessionRolled {
        /// The new session.
        session: u32,
    },
    /// A shard was added.
    ShardOpened {
        /// Its id.
        shard: ShardId,
        /// Its name.
        name: ShardName,
    },
    /// A login gets copies of the messages of an account's logins.
    AccountCopied {
        /// The login that gets the copies.
        login: LoginId,
        /// The account whose messages are copied.
        account: AccountId,
    },
    /// A node became the leader.
    Led {
        /// The number of its term.
        epoch: u64,
        /// The leading node.
        node: u32,
    },
}

/// Assets and instruments, settings, deposits and withdrawals, and refused administrative commands.
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
    /// A deposit was made.
    Deposited(Transfer),
    /// A withdrawal was made.
    Withdrawn(Transfer),
    /// An administrative command was refused and changed nothing.
    Refused {
        /// The reason.
        reason: RejectReason,
    },
    /// The mark price, which triggers may watch, was set.
    MarkSet {
        /// The instrument.
        instrument: InstrumentId,
        /// Ticks.
        price: Price,
    },
    /// An instrument's terms changed. The cancels of orders that no longer fit come before this event.
    TermsSet(Listing),
    /// A row of an instrument's fee table changed.
    FeesSet(SetFees),
    /// An instrument's price limits, bands or collar changed.
    ProtectionSet {
        /// The instrument.
        instrument: InstrumentId,
        /// The new settings.
        protection: Protection,
    },
    /// Limits on orders changed.
    OrderLimitsSet {
        /// The instrument, account or login that the limits apply to.
        scope: LimitScope,
        /// The new limits.
        limits: OrderLimits,
    },
    /// The settings of an asset changed. If its scale changed, all amounts of it were converted exactly.
    AssetSet(AssetSettings),
    /// An account's self-trade prevention changed.
    SelfTradeSet(AccountSelfTrade),
    /// An account is on another row of the fee tables.
    TierSet {
        /// The account.
        account: AccountId,
        /// The row.
        tier: FeeTier,
    },
    /// The volumes from which accounts reach each fee tier were set.
    VolumeTiersSet(VolumeTiers),
    /// A kill switch was set. The cancels come before this event.
    Killed {
        /// Its scope.
        scope: KillScope,
        /// The new position.
        switch: Switch,
    },
    /// A transfer arrived in its destination, which emits this.
    TransferReceived(TransferReceived),
    /// A transfer arrived: its source, which emits this, no longer has it on its way.
    TransferDone(ShardTransfer),
}

/// Phases and auctions of an instrument, caused by a command or by time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum MarketEvent {
    /// An instrument changed its phase: by a command, because a price band was crossed, or because an interruption
    /// ended.
    PhaseSet {
        /// The instrument.
        instrument: InstrumentId,
        /// The new phase.
        phase: Phase,
    },
    /// The result that an auction would have if it ended now. Published with every [`super::ClockCommand::Tick`] during
    /// an auction.
    Indicative(Auction),
    /// The result of an auction that ended. Its trades follow.
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
        46 => TransferSent(it),
        70 => IndexAnswered(it),
        71 => WalletState(it),
        72 => PositionState(it),
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
        47 => TransferReceived(it),
        48 => TransferDone(it),
    }
    Market(MarketEvent) {
        4 => PhaseSet { instrument, phase },
        22 => Indicative(it),
        23 => Uncrossed(it),
    }
    Contract(ContractEvent) {
        49 => IndexAdded(it),
        50 => IndexTermsSet { index, terms },
        51 => IndexSet(it),
        52 => IndexHeld { index, price, source_time },
        53 => ContractSet(it),
        54 => ContractRiskSet(it),
        55 => MarginTierSet { tier, amount },
        56 => MarginTiersSet { instrument, rows },
        57 => FundChanged(it),
        58 => PositionChanged(it),
        59 => FundingSet(it),
        60 => FundingPaid(it),
        61 => FundingClosed { instrument, number, legs, remainder },
        62 => SettlementPending { instrument, samples },
        63 => ContractSettled { instrument, price, legs, remainder },
        64 => FundPaid(it),
        65 => InsuranceDeficit(it),
        67 => MarginModeSet(it),
        68 => LeverageSet(it),
        69 => MarginMoved(it),
    }
});

impl Default for Event {
    fn default() -> Self {
        Self::Venue(VenueEvent::Opened { config_digest: 0 })
    }
}

impl Event {
    /// The logins that this event names and whose streams carry it, in the order of their messages; the resting side of
    /// a trade comes first. A trade of a login with itself gives two messages. An event of an account names no login
    /// ([`Event::account_told`]).
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
            Event::Order(OrderEvent::TransferSent(e)) => [e.login, None],
            Event::Order(OrderEvent::PositionState(e)) => [Some(e.login), None],
            Event::Contract(
                ContractEvent::MarginModeSet(MarginModeSet { by, .. })
                | ContractEvent::LeverageSet(LeverageSet { by, .. })
                | ContractEvent::MarginMoved(MarginMoved { by, .. }),
            ) => [by.login, None],
            Event::Order(OrderEvent::IndexAnswered(e)) => [Some(e.login), None],
            Event::Order(OrderEvent::WalletState(e)) => [Some(e.login), None],
            Event::Order(OrderEvent::AccountState { login, .. })
            | Event::Venue(VenueEvent::SessionEnded { login } | VenueEvent::SessionStarted { login, .. }) => {
                [Some(*login), None]
            }
            Event::Order(OrderEvent::OrderEntrySet(e)) => [Some(e.login), None],
            // Each client knows its own names.
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
            | Event::Contract(_)
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
                | AdminEvent::Refused { .. }
                | AdminEvent::TransferReceived(_)
                | AdminEvent::TransferDone(_),
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

impl Event {
    /// The account whose logins all get this event as a message; `None`: it is not addressed to an account.
    pub fn account_told(&self) -> Option<AccountId> {
        if let Event::Contract(event) = self { event.account_told() } else { None }
    }

    /// The transfer between shards that the event is about, if it is.
    pub fn shard_transfer(&self) -> Option<&ShardTransfer> {
        if let Event::Order(OrderEvent::TransferSent(sent)) = self {
            Some(&sent.transfer)
        } else if let Event::Admin(AdminEvent::TransferReceived(received)) = self {
            Some(&received.transfer)
        } else if let Event::Admin(AdminEvent::TransferDone(transfer)) = self {
            Some(transfer)
        } else {
            None
        }
    }
}

/// An order was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Accepted {
    /// The login of the order.
    pub login: LoginId,
    /// The order.
    #[serde(flatten)]
    pub terms: OrderTerms,
}

/// An order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Rejected {
    /// The login of the order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The reason.
    pub reason: RejectReason,
    /// Returned from the client's message.
    pub cl_ord_id: ClOrdId,
}

/// An order was replaced: the old order is gone, and the new one has new priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Replaced {
    /// The login of the order.
    pub login: LoginId,
    /// The client's number of the old order.
    pub orig_user_ref: UserRef,
    /// The exchange's number of the old order.
    pub orig_order: OrderId,
    /// The new order.
    #[serde(flatten)]
    pub terms: OrderTerms,
}

/// An order lost open quantity without a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Canceled {
    /// The login of the order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// By how many lots its quantity decreased.
    pub decrement: Quantity,
    /// The lots still open; 0 if the order is gone.
    pub open: Quantity,
    /// The amount still reserved for it.
    pub reserved: Amount,
    /// The reason.
    pub reason: CancelReason,
}

/// A trade. Base moves from seller to buyer, price × quantity of quote from buyer to seller, and a fee from each side
/// to the fee account, in quote or in the asset that the side receives ([`super::FeeAsset`]). The fee account pays
/// negative fees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Executed {
    /// The trade's number.
    pub trade: TradeId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The side of the incoming order; in an auction always buy.
    pub taker_side: Side,
    /// The kind of trading in which the orders met.
    pub kind: TradeKind,
    /// Whether the resting order was displayed.
    pub maker_visibility: Visibility,
    /// The resting order's price in ticks; in an auction the auction price.
    pub price: Price,
    /// The traded lots.
    pub quantity: Quantity,
    /// The resting order's login.
    pub maker_login: LoginId,
    /// The resting order's number with its client.
    pub maker_user_ref: UserRef,
    /// The resting order.
    pub maker_order: OrderId,
    /// The fee of the resting side, minor units.
    pub maker_fee: Amount,
    /// The amount still reserved for the resting order.
    pub maker_reserved: Amount,
    /// The incoming order's login.
    pub taker_login: LoginId,
    /// The incoming order's number with its client.
    pub taker_user_ref: UserRef,
    /// The incoming order.
    pub taker_order: OrderId,
    /// The fee of the incoming side, minor units.
    pub taker_fee: Amount,
    /// The amount still reserved for the incoming order.
    pub taker_reserved: Amount,
}

/// A message that had no effect and gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Ignored {
    /// The sender.
    pub login: LoginId,
    /// The session in which it was sent.
    pub session: u32,
    /// The client's number in the message. For a replace: that of the original order if it is not live, otherwise the
    /// new one. 0 for a message without a number.
    pub user_ref: UserRef,
    /// The reason.
    pub reason: IgnoreReason,
}

numbered_enum! {
    /// The kind of trading in which the orders of a trade met.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum TradeKind {
        /// Continuous trading: an incoming order met a resting one.
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
    /// The login of the order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// The reason.
    pub reason: RejectReason,
}

/// An order's quantity decreased; it kept its priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Amended {
    /// The login of the order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// Buy or sell.
    pub side: Side,
    /// By how many lots its quantity decreased.
    pub decrement: Quantity,
    /// The lots still open.
    pub open: Quantity,
    /// The amount still reserved for it.
    pub reserved: Amount,
}

/// The trigger or the linked order of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Armed {
    /// The login of the order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// The trigger it waits for.
    pub trigger: Option<Trigger>,
    /// The linked order (one cancels the other).
    pub oco: Option<OrderId>,
}

/// An order was triggered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Triggered {
    /// The login of the order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The watched price at that moment, ticks.
    pub reference: Price,
}

/// A triggered order takes part in trading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct PriorityUpdated {
    /// The login of the order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// The limit in ticks; `None` for a market order.
    pub price: Option<Price>,
    /// Open lots before it matches.
    pub quantity: Quantity,
    /// Whether it is displayed.
    pub visibility: Visibility,
    /// Lots displayed at a time; 0: all.
    pub display_quantity: u32,
}

/// A property of a resting order changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Restated {
    /// The login of the order.
    pub login: LoginId,
    /// The client's number of it.
    pub user_ref: UserRef,
    /// The exchange's number of it.
    pub order: OrderId,
    /// Its limit in the instrument's present ticks; `None` for a market order that waits for its trigger.
    pub price: Option<Price>,
    /// Lots displayed now; 0 for a hidden or a dormant order.
    pub displayed: Quantity,
    /// Lots open now, including those that are not displayed.
    pub open: Quantity,
    /// The amount reserved for it now.
    pub reserved: Amount,
    /// The property that changed.
    pub reason: RestateReason,
}

numbered_enum! {
    /// The property of a resting order that changed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    pub enum RestateReason {
        /// An iceberg displays its next slice, last in the queue of its price.
        Refreshed = 0,
        /// The reserved amount: fees changed, or the linked order is gone.
        Reserve = 1,
        /// The price in ticks, because the tick changed; in price units it is the same.
        Tick = 2,
    }
}

/// The result of an auction, final or indicative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Auction {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The kind of auction.
    pub kind: TradeKind,
    /// The price of maximum volume, ticks; `None` if no orders cross.
    pub price: Option<Price>,
    /// The lots that trade at this price.
    pub volume: Quantity,
    /// Lots that would trade at this price but have no counterpart.
    pub imbalance: Quantity,
    /// The side of the imbalance.
    pub imbalance_side: Side,
}

/// Ring slots and the event log depend on this size: an event must fit two cache lines.
const _: () = assert!(size_of::<EventRecord>() <= 128);
/// A command with its stamp must fit two cache lines.
const _: () = assert!(size_of::<super::Sequenced>() <= 128);
