//! Identifiers. Each is its own type, so that an account cannot be passed as an asset.

use super::export;
use bincode::{Decode, Encode};
use serde::{Serialize, Serializer};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// An asset that accounts hold, such as BTC. Dense from 0 in the order of [`super::AdminCommand::AddAsset`].
    AssetId(u16)
);
id!(
    /// A traded instrument, such as BTC-USDT. Dense from 0 in the order of listing.
    InstrumentId(u32)
);
id!(
    /// An account: the owner of balances. Dense from 0; account 0 is the fee account.
    AccountId(u32)
);
id!(
    /// A trading login: an order-entry port that belongs to one account. Dense from 0. Client references
    /// ([`UserRef`]) and the sequenced message stream are per login.
    LoginId(u32)
);
id!(
    /// An order's number, assigned by the exchange, unique for ever, from 1 ([`OrderId::next`]). OUCH:
    /// OrderReferenceNumber. A replace assigns a new one.
    OrderId(u64)
);
id!(
    /// A trade's number, assigned by the exchange, unique for ever, from 1 ([`TradeId::next`]). OUCH: MatchNumber.
    TradeId(u64)
);
id!(
    /// A client's own number of an order, strictly increasing per login, from 1. OUCH: UserRefNum.
    UserRef(u32)
);
id!(
    /// Nanoseconds since the Unix epoch, UTC. Only the sequencer assigns times.
    Timestamp(u64)
);

id!(
    /// A group of accounts whose orders do not trade with one another if self-trade prevention asks for it. 0: no
    /// group.
    GroupId(u32)
);
id!(
    /// A row of an instrument's fee table: 0 to [`FeeTier::COUNT`] - 1. Every account starts with row 0.
    FeeTier(u8)
);

id!(
    /// An index: a price from outside that contracts refer to. Dense from 0 in the order of
    /// [`super::ContractCommand::AddIndex`].
    IndexId(u16)
);

id!(
    /// A shard: a set of instruments with its own matcher and wallets. Dense from 0 in the order of
    /// [`super::VenueCommand::OpenShard`], up to [`ShardId::COUNT`] - 1. A venue that opens no shard has only shard 0.
    ShardId(u8)
);

impl ShardId {
    /// The shard that every venue has. It answers for venue-wide commands.
    pub const FIRST: Self = Self(0);

    /// The most shards of a venue, limited by the bits in order and trade numbers.
    pub const COUNT: usize = 8;
}

impl FeeTier {
    /// The number of rows of a fee table.
    pub const COUNT: usize = 8;
}

impl AccountId {
    /// The account that fees are paid to. The first [`super::VenueCommand::OpenAccount`] opens it.
    pub const FEES: Self = Self(0);
}

impl Timestamp {
    /// Nanoseconds in a second.
    pub const SECOND: u64 = 1_000_000_000;

    /// Whole seconds since the Unix epoch.
    pub fn seconds(self) -> u64 {
        self.0 / Self::SECOND
    }

    /// Nanoseconds since the last midnight UTC, the time format of OUCH messages.
    pub fn since_midnight_ns(self) -> u64 {
        self.0 % 86_400_000_000_000
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// The text, if it has 1 to the field's length printable ASCII characters without spaces; otherwise `None`.
            pub fn new(text: &str) -> Option<Self> {
                let fits = (1..=$len).contains(&text.len());
                if !fits || !text.bytes().all(|b| b.is_ascii_graphic()) {
                    return None;
                }
                let mut bytes = [b' '; $len];
                bytes[..text.len()].copy_from_slice(text.as_bytes());
                Some(Self(bytes))
            }

            /// The text without its padding; bytes that are not ASCII are shown as `?`.
            pub fn text(&self) -> String {
                let shown = |b: &u8| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '?' };
                self.0.iter().map(shown).collect::<String>().trim_end().to_owned()
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self([b' '; $len])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.text())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                export::ascii(&self.0, serializer)
            }
        }
    };
}

text!(
    /// An instrument's symbol: 8 ASCII characters, left-justified, padded with spaces, as on the wire.
    Symbol, 8
);
text!(
    /// An asset's code, such as `BTC`: up to 8 ASCII characters, padded with spaces.
    AssetCode, 8
);
text!(
    /// A login's name, upper case: up to 16 ASCII characters, padded with spaces. A protocol may have room for fewer.
    LoginName, 16
);
text!(
    /// A shard's name, such as `spot`: up to 8 ASCII characters, padded with spaces.
    ShardName, 8
);
text!(
    /// A client's free text on an order. OUCH: ClOrdID. Carried and returned, never interpreted.
    ClOrdId, 14
);
text!(
    /// A client's own name for an order, too long for [`ClOrdId`]. Recorded, never interpreted.
    ClientName, 36
);
