//! The records of a snapshot (docs/FORMATS.md, "Snapshots", has them as byte tables).
//!
//! They are not the exchange's own types, nor the domain's structs: those may change from one build to the next, these only
//! with a new version of the format. What they share with the domain is numbers and enums, whose encoding is fixed.

use super::domain_records::{
    ListingRecord, OrderLimitsRecord, ProtectionRecord, SelfTradeRecord, VenueLimitsRecord, VolumeTiersRecord,
};
use super::instructions::InstructionsRecord;
use crate::domain::{
    AccountId, Amount, AssetCode, FeeRate, FeeTier, GroupId, InstrumentId, LoginId, OrderId, OrderState,
    Price, Quantity, ShardId, Switch, Timestamp, TradeId, TriggerReference, UserRef, VenueLimits,
};
use bincode::{Decode, Encode};

/// What an exchange has one of, and how many records follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct VenueRecord {
    /// What is held at most, and what holds for accounts that have no limits of their own.
    pub limits: VenueLimitsRecord,
    /// The edition of the rules.
    pub edition: u16,
    /// The session of the venue.
    pub session: u32,
    /// The last order's number.
    pub last_order: OrderId,
    /// The last trade's number.
    pub last_trade: TradeId,
    /// The time of the last command.
    pub now: Timestamp,
    /// On: nobody's orders are taken.
    pub killed: Switch,
    /// What opened the venue.
    pub config_digest: Option<u64>,
    /// How accounts come to their tiers, if by volume.
    pub volumes: Option<VolumesRecord>,
    /// Whether what accounts do in instruments is counted.
    pub counts_usage: bool,
    /// How many assets there are.
    pub assets: u32,
    pub accounts: u32,
    pub logins: u32,
    /// How many of them have settings of their own.
    pub login_settings: u32,
    /// How many pairs of account and login there are copies for.
    pub copies: u32,
    /// How many instruments.
    pub instruments: u32,
    /// How many pairs of account and instrument are counted.
    pub usage: u32,
    /// How many orders have an extra.
    pub extras: u32,
    /// How many orders are open.
    pub orders: u32,
    /// Which shard the parts are of.
    pub shard: ShardId,
    /// How many there are, at least 1.
    pub shards: u8,
}

impl VenueRecord {
    /// Whether so many orders may be open, and fit into so many bytes.
    pub(super) fn check_orders(&self, bytes_max: u64) -> Result<(), &'static str> {
        if !VenueLimits::from(self.limits).in_range() {
            return Err("the venue's limits are out of range");
        }
        if u64::from(self.orders) * OrderRecord::BYTES as u64 > bytes_max {
            return Err("more orders declared than the file has bytes for");
        }
        Ok(())
    }
}

/// Who leads, where anybody ever did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LeadRecord {
    /// The number of the reign, at least 1.
    pub epoch: u64,
}

/// How accounts come to their tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct VolumesRecord {
    /// By what.
    pub tiers: VolumeTiersRecord,
    /// The UTC day that counts as today, from 1970.
    pub day: u64,
}

/// An asset, and its deposits less its withdrawals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AssetRecord {
    pub code: AssetCode,
    /// Minor units are 10^-scale.
    pub scale: u8,
    /// Whether deposits are taken.
    pub deposits: Switch,
    /// Whether withdrawals are made.
    pub withdrawals: Switch,
    /// Smallest deposit.
    pub min_deposit: Amount,
    /// Smallest withdrawal.
    pub min_withdrawal: Amount,
    /// Deposits less withdrawals.
    pub supply: Amount,
}

/// An account but for its money and its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AccountRecord {
    /// The reference of the last deposit or withdrawal.
    pub last_transfer: u64,
    /// What is done about trades with itself.
    pub self_trade: SelfTradeRecord,
    /// Its group; 0: none.
    pub group: GroupId,
    /// The row of the fee tables.
    pub tier: FeeTier,
    /// The row that it was put on, if it was.
    pub assigned: Option<FeeTier>,
    /// On: no new orders.
    pub killed: Switch,
    /// What its orders have looked at in vain.
    pub looks: CountRecord,
    /// What its mass cancels have looked at in vain.
    pub sweeps: CountRecord,
    /// Its limits, if it has any.
    pub limits: Option<AccountLimitsRecord>,
}

/// What is counted of one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct CountRecord {
    /// The second that is counted.
    pub second: u32,
    /// How many there were in it; 0 only of second 0.
    pub count: u32,
}

/// Limits of an account, and what is counted for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AccountLimitsRecord {
    pub limits: OrderLimitsRecord,
    /// The second that is counted.
    pub second: u32,
    /// Orders that came in it.
    pub count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LoginRecord {
    /// The account that its orders are for.
    pub account: AccountId,
    /// Its session, never below that of the venue.
    pub session: u32,
    /// The highest client number that it has used in this session.
    pub last_user_ref: UserRef,
    /// The highest that any shard may have consumed; 0 where there is one shard.
    pub seen_user_ref: UserRef,
}

/// What few logins have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LoginSettingsRecord {
    pub login: LoginId,
    /// When its dead-man's switch cancels its orders; 0: it has none.
    pub cancel_at: Timestamp,
    /// Off: its new orders are refused.
    pub order_entry: Switch,
    /// Its limits, if it has any.
    pub limits: Option<OrderLimitsRecord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CopyRecord {
    /// Of what the logins of this account are sent.
    pub account: AccountId,
    pub login: LoginId,
    /// The sequence of the command that made it so.
    pub since: u64,
}

/// An instrument but for its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct InstrumentRecord {
    pub listing: ListingRecord,
    /// The maker rate of every row of the fee table.
    pub makers: [FeeRate; FeeTier::COUNT],
    /// The taker rate of every row.
    pub takers: [FeeRate; FeeTier::COUNT],
    /// What keeps its prices from running away.
    pub protection: ProtectionRecord,
    /// Limits on orders of every account.
    pub limits: OrderLimitsRecord,
    /// The price of the last trade.
    pub last: Option<Price>,
    pub mark: Option<Price>,
    /// The reference of static band and auctions.
    pub reference: Option<Price>,
    /// When a volatility interruption ends, ns; `u64::MAX`: there is none.
    pub resume_at: u64,
}

/// What an account holds of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BalanceRecord {
    /// Free for orders and withdrawals.
    pub available: Amount,
    /// Held for open orders.
    pub reserved: Amount,
}

/// What an account has traded, minor units of the volume asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct VolumeRecord {
    /// So far today.
    pub today: u64,
    /// Of the days before, by UTC day modulo 30.
    pub days: [u64; 30],
}

/// The rate of an account in an instrument. Its other counts follow from the orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct UsageRecord {
    pub instrument: InstrumentId,
    pub account: AccountId,
    /// The second that is counted.
    pub second: u32,
    /// Orders that came in it.
    pub count: u32,
}

/// What few orders have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ExtraRecord {
    /// What the order asked for.
    pub instructions: InstructionsRecord,
    /// Order size in minor units of the quote asset; only for orders with a quantity in money.
    pub amount: i64,
    /// Lots of an iceberg that are not shown.
    pub rest: u64,
    /// When it ends, seconds since the Unix epoch; 0: it has no such time.
    pub expire_s: u32,
    /// Whether it waits for its trigger.
    pub state: OrderState,
    /// What its trigger watches.
    pub reference: TriggerReference,
    /// The price at which it is released, ticks.
    pub price: Option<i64>,
    /// Whether a rise releases it.
    pub on_rise: bool,
    /// Of a trailing stop the distance, ticks; 0: it does not trail.
    pub distance: i64,
    /// Of a trailing stop the reference's best value so far.
    pub extreme: Option<Price>,
    /// Of a market buy that waits the price at which it holds what it would cost, price units; 0: of all others.
    pub reserve_units: u64,
    /// The order that it is linked to.
    pub partner: Option<OrderId>,
    /// Of two linked orders the one that reserves only what it needs beyond the other.
    pub is_second: bool,
}

/// An open order: [`OrderRecord::BYTES`] bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct OrderRecord {
    /// The exchange's number.
    pub id: OrderId,
    /// Lots still open, of an iceberg those that are shown.
    pub open: Quantity,
    /// Lots of the whole chain of replaced orders.
    pub total: Quantity,
    pub reserved: Amount,
    /// Limit in ticks; 0 with [`OrderRecord::MARKET`].
    pub ticks: i32,
    pub login: LoginId,
    /// The account of that login.
    pub account: AccountId,
    pub user_ref: UserRef,
    pub instrument: InstrumentId,
    /// What past fees were rounded up by, in millionths of a minor unit.
    pub fee_carry: u32,
    /// What the client's protocol wants back.
    pub echo: [u8; 6],
    /// [`OrderRecord::SELL`], [`OrderRecord::HIDDEN`], [`OrderRecord::HAS_EXTRA`], [`OrderRecord::WAITS`],
    /// [`OrderRecord::DISCONNECTED`], [`OrderRecord::SWITCHED`], [`OrderRecord::MARKET`].
    pub marks: u8,
    /// How long it stays: the discriminant of its `TimeInForce`.
    pub time_in_force: u8,
}

impl OrderRecord {
    /// Bytes of a record.
    pub const BYTES: usize = 64;

    /// What [`decode_record`](crate::domain::codec::decode_record) reads from these bytes, in one piece: there are very
    /// many of these.
    #[inline]
    pub fn read(bytes: &[u8; Self::BYTES]) -> Self {
        Self {
            id: OrderId(u64_at(bytes, 0)),
            open: Quantity(u64_at(bytes, 8)),
            total: Quantity(u64_at(bytes, 16)),
            reserved: Amount(u64_at(bytes, 24) as i64),
            ticks: u32_at(bytes, 32) as i32,
            login: LoginId(u32_at(bytes, 36)),
            account: AccountId(u32_at(bytes, 40)),
            user_ref: UserRef(u32_at(bytes, 44)),
            instrument: InstrumentId(u32_at(bytes, 48)),
            fee_carry: u32_at(bytes, 52),
            echo: [bytes[56], bytes[57], bytes[58], bytes[59], bytes[60], bytes[61]],
            marks: bytes[62],
            time_in_force: bytes[63],
        }
    }

    /// Login and client's number of a record alone.
    #[inline]
    pub fn read_name(bytes: &[u8; Self::BYTES]) -> (LoginId, UserRef) {
        (LoginId(u32_at(bytes, 36)), UserRef(u32_at(bytes, 44)))
    }

    /// Mark: it sells.
    pub const SELL: u8 = 1;
    /// Mark: it is not shown.
    pub const HIDDEN: u8 = 2;
    /// Mark: the next extra is its own.
    pub const HAS_EXTRA: u8 = 4;
    /// Mark: it waits for its trigger.
    pub const WAITS: u8 = 8;
    /// Mark: its login's connection was lost in the halt, at whose end it goes.
    pub const DISCONNECTED: u8 = 16;
    /// Mark: its login's dead-man's switch went off in the halt, at whose end it goes.
    pub const SWITCHED: u8 = 32;
    /// Mark: it has no limit, and waits.
    pub const MARKET: u8 = 64;
}

#[inline]
fn u32_at(bytes: &[u8; OrderRecord::BYTES], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[inline]
fn u64_at(bytes: &[u8; OrderRecord::BYTES], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
