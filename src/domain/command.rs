//! Commands: everything that can change the exchange's state.
//!
//! A command is journaled before any of its events leaves the process. Replaying the journal applies the same commands
//! in the same order. Nothing but a command can change the state.

use super::numbered::{numbered, numbered_enum};
use super::{
    AccountId, AccountSelfTrade, Amount, AssetCode, AssetId, AssetSettings, CancelFilter, ClOrdId,
    ClientName, ContractCommand, FeeAsset, FeeRate, FeeTier, Instructions, InstrumentId, KillScope,
    LimitScope, LoginId, LoginName, OrderId, OrderLimits, OrderPrice, OwnerCommand, Phase, Price, Product,
    Protection, Quantity, QueryWallet, RejectReason, SendIndex, SetFees, SetTerms, ShardId, ShardName,
    ShardTransfer, Side, Switch, Symbol, TimeInForce, Timestamp, TransferOut, UserRef, VenueLimits,
    VolumeTiers, export,
};
use bincode::{Decode, Encode};
use serde::Serialize;
use serde::ser::SerializeMap;

/// The sequencer's stamp on a command: its place in the total order of commands, and its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Stamp {
    /// Sequence number, dense from 1.
    pub sequence: u64,
    /// Never before the previous command's time.
    pub time: Timestamp,
}

/// A command with its stamp, as it is in the command ring.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sequenced {
    /// Sequence and time.
    pub stamp: Stamp,
    /// The command.
    pub command: Command,
}

/// A request to change the exchange's state. The resulting events say what happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Command {
    /// Requests of traders, and requests of the gateway and of operators about traders' orders.
    Order(OrderCommand),
    /// Venue-wide matters: accounts, logins, sessions, shards, rules, limits, checkpoints.
    Venue(VenueCommand),
    /// Assets and instruments, deposits and withdrawals, settings and limits of accounts and instruments.
    Admin(AdminCommand),
    /// The passage of time.
    Clock(ClockCommand),
    /// Indexes, contracts, and the insurance fund.
    Contract(ContractCommand),
    /// What owners set for their accounts in contracts.
    Owner(OwnerCommand),
}

/// Requests of traders, and requests of the gateway and of operators about traders' orders.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum OrderCommand {
    /// A new order.
    Enter(Enter),
    /// A new order that the gateway could read but has to refuse. The exchange answers it, so that the answer is
    /// journaled like any other.
    RefuseEnter(RefuseEnter),
    /// A change of an order's quantity or price, with loss of priority.
    Replace(Replace),
    /// A replace with unacceptable details (PROTOCOL.md §2.8: it cancels the order).
    RefuseReplace(RefuseReplace),
    /// A cancel, whole or in part.
    Cancel(Cancel),
    /// A change of an order that keeps its number. It also keeps its priority if only the quantity decreases.
    Amend(Amend),
    /// A cancel by the exchange's order number, from an operator.
    CancelOrder {
        /// The order. If it is not live, nothing happens.
        order: OrderId,
    },
    /// A cancel of several orders.
    MassCancel(MassCancel),
    /// OUCH Modify Order: decreases the quantity and keeps the order's priority.
    Modify(Modify),
    /// OUCH Account Query.
    QueryAccount(QueryAccount),
    /// OUCH Disable and Enable Order Entry.
    SetOrderEntry(SetOrderEntry),
    /// From the gateway: cancels all orders of a login because of its connection.
    CancelLogin {
        /// The login.
        login: LoginId,
        /// The cause.
        cause: ConnectionLoss,
    },
    /// The client's name for the order that it sends next with this number. For protocols whose names are longer than
    /// [`ClOrdId`]. The name is recorded and changes nothing.
    NameOrder(NameOrder),
    /// Money leaves a wallet for the same account's wallet in another shard.
    TransferOut(TransferOut),
    /// A price of an index, from a login that may send it.
    SendIndex(SendIndex),
    /// Asks for what the login's account has in the wallet of a shard.
    QueryWallet(QueryWallet),
}

/// Venue-wide matters: accounts, logins, sessions, shards, rules, limits, checkpoints.
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
        /// The account that owns the login's orders.
        account: AccountId,
        /// Its name. The exchange does not use it. It identifies the login even if a later configuration differs.
        name: LoginName,
    },
    /// Ends the set-up: all configured assets, accounts and instruments exist, and trading may start. Carries a digest
    /// of the configuration, so that a later start can detect a change.
    Open {
        /// First 8 bytes of the SHA-256 of the configuration's canonical commands.
        config_digest: u64,
    },
    /// Sets the venue-wide limits and allocates the memory for them. They decide which orders are refused, so they are
    /// journaled and not only configured.
    SetLimits {
        /// The new limits. Orders that are already open stay.
        limits: VenueLimits,
    },
    /// Records a digest of the state. Changes nothing; every replay compares its own state with it.
    Checkpoint(Checkpoint),
    /// Sets the edition of the rules (docs/RULES.md, "Editions"). Without this command [`Command::RULES_FIRST`]
    /// applies.
    SetRules {
        /// The edition: not below the present one, at most [`Command::RULES_LAST`].
        edition: u16,
    },
    /// Ends the venue's day and begins the next: every login's stream ends, and the stream of the next session starts
    /// at message 1. Client numbers restart from 1. Orders stay. A login that already reached that session, by
    /// [`VenueCommand::ResetUserRef`], moves to the session after its own.
    RollSession {
        /// The next session; one more than the present one.
        session: u32,
    },
    /// From now on the login also receives the messages of this account's logins (drop copy).
    CopyAccount {
        /// The login that gets the copies.
        login: LoginId,
        /// The account whose messages are copied.
        account: AccountId,
    },
    /// Opens another shard. Allowed only before anything but shards exists. The id must be the next free one.
    OpenShard {
        /// The next free shard id; shard 0 always exists.
        shard: ShardId,
        /// Its name. The exchange does not use it; the configuration refers to shards by name.
        name: ShardName,
    },
    /// From an operator: restarts the client numbers of a login from 1, after the client has used up its numbers. It
    /// rolls the session of this login only: its stream ends, and the stream of its next session starts. Orders stay.
    ResetUserRef {
        /// The login.
        login: LoginId,
    },
    /// A node becomes the leader. This is the first command of its term. Refused if it does not raise the epoch.
    Lead {
        /// The number of the term, above the previous one; the first is at least 1.
        epoch: u64,
        /// The leading node. The exchange does not use it.
        node: u32,
    },
}

/// Assets and instruments, deposits and withdrawals, settings and limits of accounts and instruments.
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
    /// Sets an instrument's phase. An auction that ends in [`Phase::Continuous`] or [`Phase::Closed`] uncrosses.
    SetPhase {
        /// The instrument.
        instrument: InstrumentId,
        /// The new phase; not [`Phase::Delisted`].
        phase: Phase,
    },
    /// A deposit from outside.
    Deposit(Transfer),
    /// A withdrawal to outside.
    Withdraw(Transfer),
    /// Sets the mark price, which triggers may watch.
    SetMark {
        /// The instrument.
        instrument: InstrumentId,
        /// Ticks, at least 1.
        price: Price,
    },
    /// Removes an instrument for good; its orders are cancelled.
    Delist {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// Changes an instrument's terms.
    SetTerms(SetTerms),
    /// Changes a row of an instrument's fee table.
    SetFees(SetFees),
    /// Sets an instrument's price limits, bands and collar.
    SetProtection {
        /// The instrument.
        instrument: InstrumentId,
        /// The new settings.
        protection: Protection,
    },
    /// Sets limits on orders.
    SetOrderLimits {
        /// The instrument, account or login that the limits apply to.
        scope: LimitScope,
        /// The new limits.
        limits: OrderLimits,
    },
    /// Changes the settings of an asset.
    SetAsset(AssetSettings),
    /// Sets an account's self-trade prevention.
    SetSelfTrade(AccountSelfTrade),
    /// Assigns an account to a row of the fee tables, whatever its volume.
    AssignTier {
        /// The account.
        account: AccountId,
        /// The row; `None`: by its volume.
        tier: Option<FeeTier>,
    },
    /// Sets the volumes from which accounts reach each fee tier.
    SetVolumeTiers(VolumeTiers),
    /// Sets a kill switch. On: all orders in its scope are cancelled and new ones are refused.
    Kill {
        /// Its scope.
        scope: KillScope,
        /// The new position.
        switch: Switch,
    },
    /// From the courier alone: a transfer arrives. Executed by both shards, at once or, if it is not the next one of the
    /// two, by neither. Never refused.
    TransferIn(ShardTransfer),
}

/// The passage of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "kebab-case")]
pub enum ClockCommand {
    /// Time has passed: expiries and other timed actions are carried out. Journaled, so that a replay does them at the
    /// same place.
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
        41 => TransferOut(it),
        55 => SendIndex(it),
        56 => QueryWallet(it),
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
        42 => TransferIn(it),
    }
    Clock(ClockCommand) {
        17 => Tick,
    }
    Contract(ContractCommand) {
        43 => AddIndex(it),
        44 => SetIndexTerms { index, terms },
        45 => SetIndex(it),
        46 => SetContract(it),
        47 => SetContractRisk(it),
        48 => SetMarginTier(it),
        49 => DepositFund(it),
        50 => SettleContract { instrument, price },
    }
    Owner(OwnerCommand) {
        52 => SetMarginMode(it),
        53 => SetLeverage(it),
        54 => MoveMargin(it),
    }
});

impl Command {
    /// The edition of the rules that applies until [`VenueCommand::SetRules`] sets another.
    pub const RULES_FIRST: u16 = 1;

    /// The edition from which on there are transfers between shards.
    pub const RULES_OF_TRANSFERS: u16 = 2;

    /// The newest edition of the rules. Newly opened venues use it.
    pub const RULES_LAST: u16 = 2;
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
    /// The asset that is bought and sold.
    pub base: AssetId,
    /// The asset that it is paid in.
    pub quote: AssetId,
    /// p: price units are 10^-p of one whole quote asset per one whole base asset; 0 to
    /// [`ListInstrument::PRICE_DECIMALS_MAX`].
    pub price_decimals: u8,
    /// One tick in price units, at least 1.
    pub tick_units: u32,
    /// One lot in minor units of the base asset, of an inverse contract of the quote asset; at least 1.
    pub lot: Amount,
    /// Smallest order, lots, at least 1.
    pub min_quantity: Quantity,
    /// Largest order, lots, at most `Listing::QUANTITY_MAX`.
    pub max_quantity: Quantity,
    /// Smallest limit order, price × quantity, in minor units of the quote asset.
    pub min_notional: Amount,
    /// Fee rate of the resting side, in every row of the fee table until [`AdminCommand::SetFees`] changes it. The sum
    /// of maker and taker fee must not be negative.
    pub maker_fee: FeeRate,
    /// Fee rate of the incoming side, and of both sides of an auction trade.
    pub taker_fee: FeeRate,
    /// The asset in which fees are taken.
    pub fee_asset: FeeAsset,
    /// The phase it starts in; not [`Phase::Delisted`].
    pub phase: Phase,
    /// The shard in which it trades.
    pub shard: ShardId,
    /// The kind of contract.
    pub product: Product,
}

impl ListInstrument {
    /// The most decimals of a price unit. With more, a price of 1 would not fit the wire format.
    pub const PRICE_DECIMALS_MAX: u8 = 9;

    /// What one tick is worth on one lot, or a lot at a price of one tick, in minor units.
    ///
    /// Spot and linear contracts: the notional of one tick on one lot, in quote: tick × 10^-p × lot × 10^-(base scale) ×
    /// 10^(quote scale). Inverse contracts: the value of one lot at a price of one tick, in base: lot × 10^-(quote scale)
    /// × 10^p × 10^(base scale) / tick.
    ///
    /// # Errors
    /// [`RejectReason::TickLotNotWhole`] if that is not a whole number, [`RejectReason::OutOfRange`] if it does not fit
    /// an amount.
    pub fn tick_value(&self, base_scale: u8, quote_scale: u8) -> Result<Amount, RejectReason> {
        let (tick, lot) = (i128::from(self.tick_units), i128::from(self.lot.0));
        let of_price = u32::from(self.price_decimals) + u32::from(base_scale);
        let (added, taken, value, parts) = if self.product.is_inverse() {
            (of_price, u32::from(quote_scale), lot, tick)
        } else {
            (u32::from(quote_scale), of_price, tick * lot, 1)
        };
        // The exponents are combined first, so that no intermediate value overflows if the result fits.
        let power = 10_i128.checked_pow(added.abs_diff(taken)).ok_or(RejectReason::OutOfRange)?;
        let (value, parts) = if added >= taken {
            (value.checked_mul(power).ok_or(RejectReason::OutOfRange)?, parts)
        } else {
            (value, parts.checked_mul(power).ok_or(RejectReason::OutOfRange)?)
        };
        if value % parts != 0 {
            return Err(RejectReason::TickLotNotWhole);
        }
        i64::try_from(value / parts).map(Amount).map_err(|_| RejectReason::OutOfRange)
    }
}

/// A deposit or withdrawal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Transfer {
    /// The account.
    pub account: AccountId,
    /// The asset.
    pub asset: AssetId,
    /// The amount, minor units, at least 1.
    pub amount: Amount,
    /// The sender's number of this transfer, strictly increasing per account and shard, from 1. A number that is not
    /// above the last one marks a retransmission, which is ignored.
    pub reference: u64,
    /// The shard whose wallet changes.
    pub shard: ShardId,
}

/// A client's name for an order that it sends next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct NameOrder {
    /// The login of the order.
    pub login: LoginId,
    /// The session in which the message was sent.
    pub session: u32,
    /// The client's number of the order. It must not be used yet.
    pub user_ref: UserRef,
    /// The client's name for it.
    pub name: ClientName,
}

/// Data that a client's protocol sends with an order and expects back. The engine carries it and never interprets it.
/// All zeros if the protocol has no such data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Echo {
    /// The client's free text.
    pub cl_ord_id: ClOrdId,
    /// Per message: data of the message that entered or replaced the order, returned in the answer to it.
    #[serde(serialize_with = "export::ascii")]
    pub of_message: [u8; 2],
    /// Per order: set when the order is entered, and kept through every replace.
    #[serde(serialize_with = "export::ascii")]
    pub of_order: [u8; 6],
}

/// A new order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Enter {
    /// The sender.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The client's number of the order. If it is not above the login's last, the message is a retransmission and is
    /// ignored.
    pub user_ref: UserRef,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What happens to the remainder. A market order never rests, whatever this field says.
    pub time_in_force: TimeInForce,
    /// Market, or the limit in price units.
    pub price: OrderPrice,
    /// Lots, or an amount of money ([`Instructions::unit`]).
    pub quantity: Quantity,
    /// Returned to the client unchanged.
    pub echo: Echo,
    /// Further instructions, if any.
    pub instructions: Option<Instructions>,
}

/// A new order that is refused before it reaches the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct RefuseEnter {
    /// The sender.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The client's number of the order; the refusal uses it up.
    pub user_ref: UserRef,
    /// The reason.
    pub reason: RejectReason,
    /// Returned to the client unchanged.
    pub cl_ord_id: ClOrdId,
}

/// A change of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Replace {
    /// The sender.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The order to replace. If it is not live, the message is ignored.
    pub orig_user_ref: UserRef,
    /// The number of the new order. If it is not above the login's last, the message is ignored.
    pub user_ref: UserRef,
    /// What happens to the remainder.
    pub time_in_force: TimeInForce,
    /// Market, or the new limit in price units.
    pub price: OrderPrice,
    /// The new total in lots, including what the whole chain of replaced orders has executed.
    pub quantity: Quantity,
    /// Returned to the client unchanged. Capacity, CrossType and Firm are taken from the original order.
    pub echo: Echo,
    /// Further instructions; none are taken over from the original order. A link to another order or a quantity in
    /// money is not allowed.
    pub instructions: Option<Instructions>,
}

/// A replace that is refused before the exchange checks its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct RefuseReplace {
    /// The sender.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The order, which is cancelled if it is live.
    pub orig_user_ref: UserRef,
    /// The number that the new order would have had; it is not used up.
    pub user_ref: UserRef,
    /// The reason.
    pub reason: RejectReason,
    /// Returned to the client unchanged.
    pub cl_ord_id: ClOrdId,
}

/// A cancel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Cancel {
    /// The sender.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The order. If it is not live, the message is ignored.
    pub user_ref: UserRef,
    /// The new intended total in lots, including what has executed. 0 cancels all open lots. A total that is not below
    /// the present one changes nothing.
    pub quantity: Quantity,
}

/// A change of an order that keeps its client number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Amend {
    /// The sender.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The order. If it is not live, the message is ignored.
    pub user_ref: UserRef,
    /// The new limit in price units; `None`: unchanged.
    pub price: Option<u32>,
    /// The new total in lots, including what has executed. If it decreases and the price stays, the order keeps its
    /// priority.
    pub quantity: Quantity,
}

/// The state after an earlier command, as computed by a replica that applies the journal beside the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Checkpoint {
    /// The sequence of that command.
    pub of: u64,
    /// SHA-256 of the canonical form of the state after it (`exchange::Digest`).
    #[serde(serialize_with = "export::hex")]
    pub digest: [u8; 32],
}

/// A cancel of several orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct MassCancel {
    /// The sender, who gets the answer; only orders of its account are cancelled. `None`: an operator, who may cancel
    /// any orders.
    pub login: Option<LoginId>,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored. 0 from an
    /// operator.
    pub session: u32,
    /// The client's number of the message. If it is not above the login's last, the message is a retransmission and is
    /// ignored. 0 from an operator.
    pub user_ref: UserRef,
    /// Selects the orders.
    pub filter: CancelFilter,
}

/// Decreases an order's quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Modify {
    /// The sender.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The order. If it is not live, the message is ignored.
    pub user_ref: UserRef,
    /// The order's side. If it differs, the message is ignored.
    pub side: Side,
    /// The new total in lots, including what has executed. If it is not below the present one, the message is ignored.
    pub quantity: Quantity,
}

/// Asks for the login's next free number. It can also ask for a balance or a position, and set the login's dead-man's
/// switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct QueryAccount {
    /// The sender.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The delay of the dead-man's switch in milliseconds: all orders of the login are cancelled when it has passed,
    /// unless the client sends the switch again before. 0 turns the switch off. `None`: unchanged.
    pub cancel_after_ms: Option<u32>,
    /// What else of the account it asks for.
    #[serde(flatten)]
    pub asks: Question,
}

/// What a query asks for of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Question {
    /// Nothing.
    #[default]
    Nothing,
    /// The balance of an asset, which the answer includes. If the asset does not exist, the answer has no balance.
    Balance(AssetId),
    /// The positions in a contract, which are told before the answer. If there is no such contract, none are.
    Position(InstrumentId),
}

// The field `balance` or `position` of the query, or none.
impl Serialize for Question {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        match self {
            Self::Nothing => {}
            Self::Balance(asset) => fields.serialize_entry("balance", asset)?,
            Self::Position(instrument) => fields.serialize_entry("position", instrument)?,
        }
        fields.end()
    }
}

// One byte and the id. The bytes of the first two are those of an `Option<AssetId>`, which format 0.1.0 has here.
impl Encode for Question {
    fn encode<E: bincode::enc::Encoder>(&self, encoder: &mut E) -> Result<(), bincode::error::EncodeError> {
        match self {
            Self::Nothing => 0_u8.encode(encoder),
            Self::Balance(asset) => (1_u8, asset).encode(encoder),
            Self::Position(instrument) => (2_u8, instrument).encode(encoder),
        }
    }
}

impl<Context> Decode<Context> for Question {
    fn decode<D: bincode::de::Decoder<Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        Ok(match u8::decode(decoder)? {
            0 => Self::Nothing,
            1 => Self::Balance(Decode::decode(decoder)?),
            2 => Self::Position(Decode::decode(decoder)?),
            found => {
                return Err(bincode::error::DecodeError::UnexpectedVariant {
                    type_name: "Question",
                    allowed: &bincode::error::AllowedEnumVariants::Range { min: 0, max: 2 },
                    found: u32::from(found),
                });
            }
        })
    }
}

bincode::impl_borrow_decode!(Question);

/// Turns order entry of a login on or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SetOrderEntry {
    /// The login, which also gets the answer.
    pub login: LoginId,
    /// The session in which it was sent. If it is not the login's present session, the message is ignored.
    pub session: u32,
    /// The client's number of the message. If it is not above the login's last, the message is a retransmission and is
    /// ignored.
    pub user_ref: UserRef,
    /// The Firm field as sent; returned unchanged.
    #[serde(serialize_with = "export::ascii")]
    pub firm: [u8; 4],
    /// Off: new orders and replaces of the login are refused.
    pub switch: Switch,
}

numbered_enum! {
    /// The cause for which a connection's orders are cancelled.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum ConnectionLoss {
        /// The connection broke or its client logged out, and did not return within the login's grace period.
        Disconnected = 0,
    }
}
