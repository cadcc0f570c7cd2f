//! Commands: everything that can change the exchange's state.
//!
//! A command is journaled before any of its events leaves the process, and replaying the journal applies
//! the same commands in the same order. What is not a command cannot change the state.

use super::numbered::{numbered, numbered_enum};
use super::{
    AccountId, AccountSelfTrade, Amount, AssetCode, AssetId, AssetSettings, CancelFilter, ClOrdId,
    ClientName, FeeAsset, FeeRate, FeeTier, Instructions, InstrumentId, KillScope, LimitScope, LoginId,
    LoginName, OrderId, OrderLimits, OrderPrice, Phase, Price, Product, Protection, Quantity, RejectReason,
    SetFees, SetTerms, ShardId, ShardName, Side, Switch, Symbol, TimeInForce, Timestamp, UserRef,
    VenueLimits, VolumeTiers, export,
};
use bincode::{Decode, Encode};
use serde::Serialize;

/// What the sequencer puts on a command: its place in the one order of all commands, and its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Stamp {
    /// Dense from 1.
    pub sequence: u64,
    /// Never less than the previous command's.
    pub time: Timestamp,
}

/// A command in its place: what stands in the command ring.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sequenced {
    /// Its place and time.
    pub stamp: Stamp,
    /// What is asked.
    pub command: Command,
}

/// One change that is asked of the exchange. Whether it happens is said by the events.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Command {
    /// What those who trade ask, and the gateway and operators for their orders.
    Order(OrderCommand),
    /// What concerns the venue as a whole: who there is, sessions, rules, proofs.
    Venue(VenueCommand),
    /// What is traded and how, money that comes and goes, limits of accounts and instruments.
    Admin(AdminCommand),
    /// That time has passed.
    Clock(ClockCommand),
}

/// What those who trade ask, and the gateway and operators for their orders.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum OrderCommand {
    /// A new order.
    Enter(Enter),
    /// A new order that the gateway could read but that nothing here can accept. The exchange answers it, so
    /// that the answer is in the journal like any other.
    RefuseEnter(RefuseEnter),
    /// A change of an order's quantity or price, with loss of priority.
    Replace(Replace),
    /// A replace with details that nothing here can accept (PROTOCOL.md §2.8: it cancels the order).
    RefuseReplace(RefuseReplace),
    /// A cancel, whole or in part.
    Cancel(Cancel),
    /// A change of an order that keeps its number, and its place if only the quantity goes down.
    Amend(Amend),
    /// A cancel by the exchange's number, from an operator.
    CancelOrder {
        /// Which order. Not live: nothing happens.
        order: OrderId,
    },
    /// A cancel of many orders.
    MassCancel(MassCancel),
    /// OUCH Modify Order: a lower quantity, with the order's place kept.
    Modify(Modify),
    /// OUCH Account Query.
    QueryAccount(QueryAccount),
    /// OUCH Disable and Enable Order Entry.
    SetOrderEntry(SetOrderEntry),
    /// The gateway's: all orders of a login go, because of its connection.
    CancelLogin {
        /// Whose orders.
        login: LoginId,
        /// Why.
        cause: ConnectionLoss,
    },
    /// The client's name of the order that it sends next, with this number: where a protocol's names are longer than
    /// [`ClOrdId`]. It is recorded and changes nothing.
    NameOrder(NameOrder),
}

/// What concerns the venue as a whole: who there is, sessions, rules, proofs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum VenueCommand {
    /// A new account, without money. Its id must be the next free one; the first is the fee account.
    OpenAccount {
        /// The next free account id.
        account: AccountId,
    },
    /// A new trading login of an account. Its id must be the next free one.
    OpenLogin {
        /// The next free login id.
        login: LoginId,
        /// The account that its orders are for.
        account: AccountId,
        /// Its name. The exchange makes no use of it; it says whose login this is whatever a later configuration says.
        name: LoginName,
    },
    /// The configured assets, accounts and instruments are all there; trading may start. Carries a digest
    /// of the configuration they came from, so that a later start can tell whether it changed.
    Open {
        /// First 8 bytes of the SHA-256 of the configuration's canonical commands.
        config_digest: u64,
    },
    /// Sets what the exchange as a whole holds at most, and takes the memory for it. It decides which orders are
    /// refused, so it is journaled and not merely configured.
    SetLimits {
        /// What is to hold from now on. Orders that are open stay.
        limits: VenueLimits,
    },
    /// Writes down what the state was. Changes nothing: it stands in the journal so that every replay can compare.
    Checkpoint(Checkpoint),
    /// Sets which edition of the rules holds (docs/RULES.md, "Editions"). An exchange that was never told has
    /// [`Command::RULES_FIRST`].
    SetRules {
        /// The edition; not below the present one, at most [`Command::RULES_LAST`].
        edition: u16,
    },
    /// The venue's day ends and the next begins: every login's stream ends, and goes on as that of the next session from
    /// message 1; client numbers start again from 1. Orders stay. A login that has come to that session already, by
    /// [`VenueCommand::ResetUserRef`], comes to the one after its own.
    RollSession {
        /// The next session; one more than the present one.
        session: u32,
    },
    /// From now on the login is also sent what the logins of this account are sent (drop copy).
    CopyAccount {
        /// Who gets the copies.
        login: LoginId,
        /// Of what.
        account: AccountId,
    },
    /// One more shard, before there is anything but shards: its id must be the next free one.
    OpenShard {
        /// The next free shard id; the first, 0, is there already.
        shard: ShardId,
        /// Its name. The exchange makes no use of it; configuration names shards by it.
        name: ShardName,
    },
    /// An operator's: the client's numbers of a login start again from 1, for one that has used up the last of them. It is
    /// the roll of this login's session alone: its stream ends and goes on as that of its next session. Orders stay.
    ResetUserRef {
        /// Whose numbers.
        login: LoginId,
    },
    /// A node leads from here on: the first command of its reign. One that does not raise the epoch is refused.
    Lead {
        /// The number of the reign; above the last one, the first is at least 1.
        epoch: u64,
        /// Who leads. The exchange makes no use of it.
        node: u32,
    },
}

/// What is traded and how, money that comes and goes, limits of accounts and instruments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum AdminCommand {
    /// A new asset. Its id must be the next free one.
    AddAsset {
        /// The next free asset id.
        asset: AssetId,
        /// Its code, unique.
        code: AssetCode,
        /// Minor units are 10^-scale; 0 to [`Amount::SCALE_MAX`].
        scale: u8,
    },
    /// A new instrument.
    ListInstrument(ListInstrument),
    /// Puts an instrument into a phase. A call auction that ends in [`Phase::Continuous`] or [`Phase::Closed`] uncrosses.
    SetPhase {
        /// Which instrument.
        instrument: InstrumentId,
        /// The new phase; not [`Phase::Delisted`].
        phase: Phase,
    },
    /// Money arrives from outside.
    Deposit(Transfer),
    /// Money leaves to outside.
    Withdraw(Transfer),
    /// The mark price that triggers watch.
    SetMark {
        /// Of which instrument.
        instrument: InstrumentId,
        /// Ticks, at least 1.
        price: Price,
    },
    /// Removes an instrument for good; its orders are cancelled.
    Delist {
        /// Which instrument.
        instrument: InstrumentId,
    },
    /// Changes an instrument's terms.
    SetTerms(SetTerms),
    /// Changes a row of an instrument's fee table.
    SetFees(SetFees),
    /// Changes what keeps an instrument's prices from running away.
    SetProtection {
        /// Which instrument.
        instrument: InstrumentId,
        /// What is to hold from now on.
        protection: Protection,
    },
    /// Sets limits on orders.
    SetOrderLimits {
        /// For whom.
        scope: LimitScope,
        /// What is to hold from now on.
        limits: OrderLimits,
    },
    /// Changes the settings of an asset.
    SetAsset(AssetSettings),
    /// Sets an account's self-trade prevention.
    SetSelfTrade(AccountSelfTrade),
    /// Puts an account on a row of the fee tables, whatever it trades.
    AssignTier {
        /// Which account.
        account: AccountId,
        /// Which row; `None`: by its volume.
        tier: Option<FeeTier>,
    },
    /// Sets by what volume accounts come to their fee tier.
    SetVolumeTiers(VolumeTiers),
    /// Turns a kill switch: on, all orders that it covers are cancelled and new ones are refused.
    Kill {
        /// Whom it stops.
        scope: KillScope,
        /// On or off.
        switch: Switch,
    },
}

/// That time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum ClockCommand {
    /// Time has passed: what is due happens. It is journaled, so that a replay does it at the same place.
    Tick,
}

numbered!(Command {
    Order(OrderCommand) {
        8 => Enter(it),
        9 => RefuseEnter(it),
        10 => Replace(it),
        11 => RefuseReplace(it),
        12 => Cancel(it),
        14 => Amend(it),
        15 => CancelOrder { order },
        16 => MassCancel(it),
        31 => Modify(it),
        32 => QueryAccount(it),
        33 => SetOrderEntry(it),
        34 => CancelLogin { login, cause },
        40 => NameOrder(it),
    }
    Venue(VenueCommand) {
        1 => OpenAccount { account },
        2 => OpenLogin { login, account, name },
        7 => Open { config_digest },
        13 => SetLimits { limits },
        29 => Checkpoint(it),
        30 => SetRules { edition },
        35 => RollSession { session },
        36 => CopyAccount { login, account },
        37 => ResetUserRef { login },
        38 => Lead { epoch, node },
        39 => OpenShard { shard, name },
    }
    Admin(AdminCommand) {
        0 => AddAsset { asset, code, scale },
        3 => ListInstrument(it),
        4 => SetPhase { instrument, phase },
        5 => Deposit(it),
        6 => Withdraw(it),
        18 => SetMark { instrument, price },
        19 => Delist { instrument },
        20 => SetTerms(it),
        21 => SetFees(it),
        22 => SetProtection { instrument, protection },
        23 => SetOrderLimits { scope, limits },
        24 => SetAsset(it),
        25 => SetSelfTrade(it),
        26 => AssignTier { account, tier },
        27 => SetVolumeTiers(it),
        28 => Kill { scope, switch },
    }
    Clock(ClockCommand) {
        17 => Tick,
    }
});

impl Command {
    /// The edition of the rules of an exchange that was never told of another.
    pub const RULES_FIRST: u16 = 1;

    /// The newest edition of the rules: that of every venue that is opened now.
    pub const RULES_LAST: u16 = 1;
}

impl Default for Command {
    fn default() -> Self {
        Self::Venue(VenueCommand::Open { config_digest: 0 })
    }
}

/// The terms of a new instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ListInstrument {
    /// The next free instrument id.
    pub instrument: InstrumentId,
    /// Its symbol, unique.
    pub symbol: Symbol,
    /// What is bought and sold.
    pub base: AssetId,
    /// What it is paid in.
    pub quote: AssetId,
    /// p: price units are 10^-p of one whole quote asset per one whole base asset; 0 to
    /// [`ListInstrument::PRICE_DECIMALS_MAX`].
    pub price_decimals: u8,
    /// One tick in price units, at least 1.
    pub tick_units: u32,
    /// One lot in minor units of the base asset, at least 1.
    pub lot: Amount,
    /// Smallest order, lots, at least 1.
    pub min_quantity: Quantity,
    /// Largest order, lots, at most `Listing::QUANTITY_MAX`.
    pub max_quantity: Quantity,
    /// Smallest limit order, price × quantity, in minor units of the quote asset.
    pub min_notional: Amount,
    /// Fee of the resting side, in every row of the fee table until [`AdminCommand::SetFees`] says otherwise. Together with the
    /// taker's it must not be below zero.
    pub maker_fee: FeeRate,
    /// Fee of the incoming side, and of both sides of an auction.
    pub taker_fee: FeeRate,
    /// Out of what fees are taken.
    pub fee_asset: FeeAsset,
    /// The phase it starts in; not [`Phase::Delisted`].
    pub phase: Phase,
    /// The shard that it trades in.
    pub shard: ShardId,
    /// What kind of contract it is.
    pub product: Product,
}

impl ListInstrument {
    /// The most decimals of a price unit: with more, not even a price of 1 could be named on the wire.
    pub const PRICE_DECIMALS_MAX: u8 = 9;

    /// One tick on one lot in minor units of the quote asset: tick × 10^-p × lot × 10^-(base scale) × 10^(quote scale).
    ///
    /// # Errors
    /// [`RejectReason::TickLotNotWhole`] when that is not a whole number, [`RejectReason::OutOfRange`] when it does not
    /// fit an amount.
    pub fn tick_value(&self, base_scale: u8, quote_scale: u8) -> Result<Amount, RejectReason> {
        let tick_on_lot = i128::from(self.tick_units) * i128::from(self.lot.0);
        let (added, taken) = (u32::from(quote_scale), u32::from(self.price_decimals) + u32::from(base_scale));
        // The decimals are set off against each other first, so that nothing overflows whose result would fit.
        let power = 10_i128.checked_pow(added.abs_diff(taken)).ok_or(RejectReason::OutOfRange)?;
        let value = if added >= taken {
            tick_on_lot.checked_mul(power).ok_or(RejectReason::OutOfRange)?
        } else if tick_on_lot % power == 0 {
            tick_on_lot / power
        } else {
            return Err(RejectReason::TickLotNotWhole);
        };
        i64::try_from(value).map(Amount).map_err(|_| RejectReason::OutOfRange)
    }
}

/// A deposit or withdrawal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Transfer {
    /// Whose balance changes.
    pub account: AccountId,
    /// Of which asset.
    pub asset: AssetId,
    /// By how much, minor units, at least 1.
    pub amount: Amount,
    /// The sender's number of this transfer, strictly increasing per account and shard, from 1. One that is not above
    /// the last is a retransmission and is ignored.
    pub reference: u64,
    /// In which shard's wallet.
    pub shard: ShardId,
}

/// A client's name of an order that follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct NameOrder {
    /// Whose order.
    pub login: LoginId,
    /// The session that it was sent in.
    pub session: u32,
    /// The client's number of the order: one that it has not used yet.
    pub user_ref: UserRef,
    /// What the client calls it.
    pub name: ClientName,
}

/// What a client's protocol gives along with an order and wants back. The engine carries it and never reads it: what the bytes
/// say is the protocol's business. Zeros: no protocol said anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Echo {
    /// The client's free text.
    pub cl_ord_id: ClOrdId,
    /// Of the message that entered or replaced the order: returned in the answer to it.
    #[serde(serialize_with = "export::ascii")]
    pub of_message: [u8; 2],
    /// Of the order: given when it is entered, and the same after every replace.
    #[serde(serialize_with = "export::ascii")]
    pub of_order: [u8; 6],
}

/// A new order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Enter {
    /// Who sends it.
    pub login: LoginId,
    /// The session that it was sent in. Not the login's present one: the message is ignored.
    pub session: u32,
    /// The client's number of it. Not above the login's last: a retransmission, ignored.
    pub user_ref: UserRef,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What happens to the remainder. A market order never rests, whatever is said here.
    pub time_in_force: TimeInForce,
    /// Market, or the limit in price units.
    pub price: OrderPrice,
    /// How many lots, or how much money ([`Instructions::unit`]).
    pub quantity: Quantity,
    /// What goes back to the client as it came.
    pub echo: Echo,
    /// What it asks for beyond that, if anything.
    pub instructions: Option<Instructions>,
}

/// A new order that is refused before the exchange looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct RefuseEnter {
    /// Who sent it.
    pub login: LoginId,
    /// The session that it was sent in. Not the login's present one: the message is ignored.
    pub session: u32,
    /// The client's number of it; consumed by the refusal.
    pub user_ref: UserRef,
    /// Why.
    pub reason: RejectReason,
    /// What goes back to the client as it came.
    pub cl_ord_id: ClOrdId,
}

/// A change of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Replace {
    /// Who sends it.
    pub login: LoginId,
    /// The session that it was sent in. Not the login's present one: the message is ignored.
    pub session: u32,
    /// The order to be replaced. Not live: the message is ignored.
    pub orig_user_ref: UserRef,
    /// The number of the order as replaced. Not above the login's last: the message is ignored.
    pub user_ref: UserRef,
    /// What happens to the remainder.
    pub time_in_force: TimeInForce,
    /// Market, or the new limit in price units.
    pub price: OrderPrice,
    /// The new total, lots, including all that the chain of replaced orders has executed.
    pub quantity: Quantity,
    /// What goes back to the client as it came. Capacity, CrossType and Firm are the original order's.
    pub echo: Echo,
    /// What it asks for beyond that; nothing is taken over from the original order. Neither a link to another order nor a
    /// quantity in money.
    pub instructions: Option<Instructions>,
}

/// A replace that is refused before the exchange looks at its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct RefuseReplace {
    /// Who sent it.
    pub login: LoginId,
    /// The session that it was sent in. Not the login's present one: the message is ignored.
    pub session: u32,
    /// The order that is cancelled by it, if it is live.
    pub orig_user_ref: UserRef,
    /// The number that the replaced order would have had; not consumed.
    pub user_ref: UserRef,
    /// Why.
    pub reason: RejectReason,
    /// What goes back to the client as it came.
    pub cl_ord_id: ClOrdId,
}

/// A cancel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Cancel {
    /// Who sends it.
    pub login: LoginId,
    /// The session that it was sent in. Not the login's present one: the message is ignored.
    pub session: u32,
    /// Which order. Not live: the message is ignored.
    pub user_ref: UserRef,
    /// The new intended total, lots, including what has executed. 0 cancels all that is open; a total that is
    /// not below the present one changes nothing.
    pub quantity: Quantity,
}

/// A change of an order that keeps its client's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Amend {
    /// Who sends it.
    pub login: LoginId,
    /// The session that it was sent in. Not the login's present one: the message is ignored.
    pub session: u32,
    /// Which order. Not live: the message is ignored.
    pub user_ref: UserRef,
    /// The new limit, price units; `None`: as it is.
    pub price: Option<u32>,
    /// The new total, lots, including what has executed. If the price stays and this is lower, the order keeps its place.
    pub quantity: Quantity,
}

/// The state after an earlier command, as a replica found it that applied the journal beside the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Checkpoint {
    /// The sequence of that command.
    pub of: u64,
    /// SHA-256 of the canonical form of the state after it (`exchange::Digest`).
    #[serde(serialize_with = "export::hex")]
    pub digest: [u8; 32],
}

/// A cancel of many orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MassCancel {
    /// Who sends it and gets the answer; its account's orders only. `None`: an operator, any orders.
    pub login: Option<LoginId>,
    /// The session that it was sent in. Not the login's present one: the message is ignored. 0 from an operator.
    pub session: u32,
    /// The client's number of the message. Not above the login's last: a retransmission, ignored. 0 from an operator.
    pub user_ref: UserRef,
    /// Which orders.
    pub filter: CancelFilter,
}

/// A lower quantity for an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Modify {
    /// Who sends it.
    pub login: LoginId,
    /// The session that it was sent in. Not the login's present one: the message is ignored.
    pub session: u32,
    /// Which order. Not live: the message is ignored.
    pub user_ref: UserRef,
    /// The order's side. Another one: the message is ignored.
    pub side: Side,
    /// The new total, lots, including what has executed. Not below the present one: the message is ignored.
    pub quantity: Quantity,
}

/// A question for the next number, which can also ask for a balance, and set the login's dead-man's switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct QueryAccount {
    /// Who asks.
    pub login: LoginId,
    /// The session that it was sent in. Not the login's present one: the message is ignored.
    pub session: u32,
    /// All the login's orders are cancelled when so many milliseconds have passed, unless it says so again before; 0: not
    /// any more. `None`: the switch stays as it is.
    pub cancel_after_ms: Option<u32>,
    /// The asset of which the answer tells what the login's account has. One that does not exist: it tells nothing.
    pub balance: Option<AssetId>,
}

/// A login's own order entry, on or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetOrderEntry {
    /// Whose, and who gets the answer.
    pub login: LoginId,
    /// The session that it was sent in. Not the login's present one: the message is ignored.
    pub session: u32,
    /// The client's number of the message. Not above the login's last: a retransmission, ignored.
    pub user_ref: UserRef,
    /// Firm as it was sent; carried and returned.
    #[serde(serialize_with = "export::ascii")]
    pub firm: [u8; 4],
    /// Off: new orders and replaces of the login are refused.
    pub switch: Switch,
}

numbered_enum! {
    /// What became of a connection whose orders are to go.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum ConnectionLoss {
        /// It broke, or its client logged out, and did not come back within the login's time of grace.
        Disconnected = 0,
    }
}
