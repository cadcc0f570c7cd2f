//! The records of a snapshot (docs/FORMATS.md, "Snapshots", has them as byte tables).
//!
//! They are neither the exchange's own types nor the domain's structs: those may change with each build, the records
//! only with a new version of the format. They share numbers and enums with the domain; the encoding of these is fixed.

use super::domain_records::{
    ListingRecord, OrderLimitsRecord, ProtectionRecord, SelfTradeRecord, VenueLimitsRecord, VolumeTiersRecord,
};
use super::instructions::InstructionsRecord;
use crate::domain::{
    AccountId, Amount, AssetCode, AssetId, FeeRate, FeeTier, GroupId, InstrumentId, LoginId, OrderId,
    OrderState, Price, Quantity, ShardId, Switch, Timestamp, TradeId, TriggerReference, UserRef, VenueLimits,
};
use bincode::{Decode, Encode};

/// The single values of an exchange, and the counts of the following records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct VenueRecord {
    /// The venue-wide limits, and the defaults for accounts without own limits.
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
    /// On: no orders are accepted.
    pub killed: Switch,
    /// The digest of the configuration that opened the venue.
    pub config_digest: Option<u64>,
    /// How volume determines fee tiers, if it does.
    pub volumes: Option<VolumesRecord>,
    /// Whether usage per account and instrument is counted.
    pub counts_usage: bool,
    /// The number of assets.
    pub assets: u32,
    pub accounts: u32,
    pub logins: u32,
    /// How many logins have settings.
    pub login_settings: u32,
    /// The number of copies.
    pub copies: u32,
    /// The number of instruments.
    pub instruments: u32,
    /// How many pairs of account and instrument are counted.
    pub usage: u32,
    /// The number of extras.
    pub extras: u32,
    /// The number of open orders.
    pub orders: u32,
    /// The shard of these parts.
    pub shard: ShardId,
    /// The number of shards, at least 1.
    pub shards: u8,
}

impl VenueRecord {
    /// Checks that this many orders may be open and fit into this many bytes.
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

/// The leader, if there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LeadRecord {
    /// The number of the term, at least 1.
    pub epoch: u64,
}

/// How volume determines fee tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct VolumesRecord {
    /// The volumes of the tiers.
    pub tiers: VolumeTiersRecord,
    /// Today as a UTC day, from 1970.
    pub day: u64,
}

/// An asset and its supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AssetRecord {
    pub code: AssetCode,
    /// Minor units are 10^-scale.
    pub scale: u8,
    /// Whether deposits are accepted.
    pub deposits: Switch,
    /// Whether withdrawals are accepted.
    pub withdrawals: Switch,
    /// Smallest deposit, minor units.
    pub min_deposit: Amount,
    /// Smallest withdrawal, minor units.
    pub min_withdrawal: Amount,
    /// Deposits minus withdrawals, and what came from other shards less what went to them, minor units.
    pub supply: Amount,
}

/// An account without its balances and orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AccountRecord {
    /// The reference of the last deposit, withdrawal or transfer to another shard.
    pub last_transfer: u64,
    /// Its self-trade prevention.
    pub self_trade: SelfTradeRecord,
    /// Its group; 0: none.
    pub group: GroupId,
    /// The row of the fee tables.
    pub tier: FeeTier,
    /// The row that an operator assigned, if any.
    pub assigned: Option<FeeTier>,
    /// On: new orders are refused.
    pub killed: Switch,
    /// The work in vain of its orders.
    pub looks: CountRecord,
    /// The work in vain of its mass cancels.
    pub sweeps: CountRecord,
    /// Its limits, if any.
    pub limits: Option<AccountLimitsRecord>,
}

/// A count within one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct CountRecord {
    /// The second.
    pub second: u32,
    /// The count; 0 only with second 0.
    pub count: u32,
}

/// The limits of an account, and their counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AccountLimitsRecord {
    pub limits: OrderLimitsRecord,
    /// The second of the count.
    pub second: u32,
    /// Orders in that second.
    pub count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LoginRecord {
    /// The account that owns its orders.
    pub account: AccountId,
    /// Its session, never below that of the venue.
    pub session: u32,
    /// The highest client number used in this session.
    pub last_user_ref: UserRef,
    /// The highest number that any shard may have used up; 0 if there is one shard.
    pub seen_user_ref: UserRef,
}

/// Rare settings of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LoginSettingsRecord {
    pub login: LoginId,
    /// When its dead-man's switch cancels its orders; 0: it is off.
    pub cancel_at: Timestamp,
    /// Off: new orders are refused.
    pub order_entry: Switch,
    /// Its limits, if any.
    pub limits: Option<OrderLimitsRecord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CopyRecord {
    /// The account whose messages are copied.
    pub account: AccountId,
    pub login: LoginId,
    /// The sequence of the command that added the copy.
    pub since: u64,
}

/// An instrument without its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct InstrumentRecord {
    pub listing: ListingRecord,
    /// The maker rate of each row of the fee table.
    pub makers: [FeeRate; FeeTier::COUNT],
    /// The taker rate of each row.
    pub takers: [FeeRate; FeeTier::COUNT],
    /// Its price limits, bands and collar.
    pub protection: ProtectionRecord,
    /// Limits on the orders of every account.
    pub limits: OrderLimitsRecord,
    /// The price of the last trade.
    pub last: Option<Price>,
    pub mark: Option<Price>,
    /// The reference price of the static band and of auctions.
    pub reference: Option<Price>,
    /// When a volatility interruption ends, ns; `u64::MAX`: there is none.
    pub resume_at: u64,
}

/// The transfers between the shard of these parts and another one; all 0 for the shard itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PairRecord {
    /// The number of the last transfer to the other shard.
    pub sent: u64,
    /// The number of the last transfer that arrived from it.
    pub received: u64,
    /// How many transfers to it have not arrived.
    pub in_flight: u32,
}

/// A transfer to another shard that has not arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct InFlightRecord {
    pub account: AccountId,
    pub asset: AssetId,
    /// Minor units.
    pub amount: Amount,
}

/// Where the supply of an asset came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct MovedRecord {
    /// The part of the supply that came from other shards, minor units; negative if more went to them.
    pub moved: i64,
}

/// An account's balance of one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BalanceRecord {
    /// Available for orders and withdrawals.
    pub available: Amount,
    /// Reserved for open orders.
    pub reserved: Amount,
}

/// An account's traded volume, minor units of the volume asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct VolumeRecord {
    /// Volume so far today.
    pub today: u64,
    /// Volumes of the earlier days, by UTC day modulo 30.
    pub days: [u64; 30],
}

/// An account's order rate in an instrument. Its other counts follow from the orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct UsageRecord {
    pub instrument: InstrumentId,
    pub account: AccountId,
    /// The second of the count.
    pub second: u32,
    /// Orders in that second.
    pub count: u32,
}

/// The rare attributes of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ExtraRecord {
    /// Its instructions.
    pub instructions: InstructionsRecord,
    /// Order size in minor units of the quote asset; only for orders with a quantity in money.
    pub amount: i64,
    /// An iceberg's lots that are not displayed.
    pub rest: u64,
    /// Its expire time, seconds since the Unix epoch; 0: none.
    pub expire_s: u32,
    /// Whether it waits for its trigger.
    pub state: OrderState,
    /// The price that its trigger watches.
    pub reference: TriggerReference,
    /// The trigger price, ticks.
    pub price: Option<i64>,
    /// Whether a rise of the price triggers it.
    pub on_rise: bool,
    /// The distance of a trailing stop, ticks; 0: it does not trail.
    pub distance: i64,
    /// The best value of the watched price so far, for a trailing stop.
    pub extreme: Option<Price>,
    /// For a waiting market buy: the price by which its reserve is computed, price units; 0 for all others.
    pub reserve_units: u64,
    /// The linked order.
    pub partner: Option<OrderId>,
    /// Of two linked orders, the one that reserves only what it needs beyond the other.
    pub is_second: bool,
}

/// An open order: [`OrderRecord::BYTES`] bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct OrderRecord {
    /// The exchange's number.
    pub id: OrderId,
    /// Lots still open; for an iceberg the displayed ones.
    pub open: Quantity,
    /// Lots of the whole chain of replaced orders.
    pub total: Quantity,
    pub reserved: Amount,
    /// Limit in ticks; 0 with [`OrderRecord::MARKET`].
    pub ticks: i32,
    pub login: LoginId,
    /// The login's account.
    pub account: AccountId,
    pub user_ref: UserRef,
    pub instrument: InstrumentId,
    /// The amount by which past fees were rounded up, in millionths of a minor unit.
    pub fee_carry: u32,
    /// Data of the client's protocol that is returned to it.
    pub echo: [u8; 6],
    /// [`OrderRecord::SELL`], [`OrderRecord::HIDDEN`], [`OrderRecord::HAS_EXTRA`], [`OrderRecord::WAITS`],
    /// [`OrderRecord::DISCONNECTED`], [`OrderRecord::SWITCHED`], [`OrderRecord::MARKET`].
    pub marks: u8,
    /// Its time in force: the discriminant of `TimeInForce`.
    pub time_in_force: u8,
}

impl OrderRecord {
    /// Bytes of a record.
    pub const BYTES: usize = 64;

    /// Decodes a record like [`decode_record`](crate::domain::codec::decode_record), but in one piece, because there
    /// are very many of them.
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

    /// Decodes only the login and client number of a record.
    #[inline]
    pub fn read_name(bytes: &[u8; Self::BYTES]) -> (LoginId, UserRef) {
        (LoginId(u32_at(bytes, 36)), UserRef(u32_at(bytes, 44)))
    }

    /// Flag: a sell.
    pub const SELL: u8 = 1;
    /// Flag: not displayed.
    pub const HIDDEN: u8 = 2;
    /// Flag: the next extra belongs to it.
    pub const HAS_EXTRA: u8 = 4;
    /// Flag: it waits for its trigger.
    pub const WAITS: u8 = 8;
    /// Flag: its login's connection was lost during a halt; it is cancelled when the halt ends.
    pub const DISCONNECTED: u8 = 16;
    /// Flag: its login's dead-man's switch fired during a halt; it is cancelled when the halt ends.
    pub const SWITCHED: u8 = 32;
    /// Flag: a market order that waits.
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
