//! Messages from clients (OUCH 5.0 §2.1 in docs/PROTOCOL.md). Fields are not checked here; [`super::command`] checks
//! them.

use super::layout::{Tail, message, read_tail, write_message};
use super::{Appendage, OuchError};
use crate::domain::{Amount, AssetId, ClOrdId, IndexId, ShardId, Symbol, UserRef};

message! {
    /// `O`, Enter Order: a new order.
    EnterOrder b'O' 45 {
        /// The client's number of the order.
        user_ref: UserRef = 1,
        /// B, S, T or E.
        side: u8 = 5,
        /// Lots.
        quantity: u32 = 6,
        symbol: Symbol = 10,
        /// Limit in price units, or [`super::MARKET_PRICE`].
        price: u64 = 18,
        /// The time in force.
        time_in_force: u8 = 26,
        /// The display type: displayed or hidden.
        display: u8 = 27,
        /// The capacity in which the client trades.
        capacity: u8 = 28,
        /// Inter-market sweep: Y or N.
        iso: u8 = 29,
        /// The kind of trading session or auction.
        cross_type: u8 = 30,
        /// The client's free text.
        cl_ord_id: ClOrdId = 31,
    }
}

message! {
    /// `U`, Replace Order: a new total quantity or price, with loss of priority.
    ReplaceOrder b'U' 38 {
        /// The order to be replaced.
        orig_user_ref: UserRef = 1,
        /// The number of the new order.
        user_ref: UserRef = 5,
        /// The new total in lots, including everything that the chain of replaced orders has executed.
        quantity: u32 = 9,
        /// The new limit in price units, or [`super::MARKET_PRICE`].
        price: u64 = 13,
        /// The time in force.
        time_in_force: u8 = 21,
        /// The display type: displayed or hidden.
        display: u8 = 22,
        /// Inter-market sweep: Y or N.
        iso: u8 = 23,
        /// The client's free text.
        cl_ord_id: ClOrdId = 24,
    }
}

message! {
    /// `X`, Cancel Order, fully or in part.
    CancelOrder b'X' 9 {
        user_ref: UserRef = 1,
        /// The new intended total in lots, including executed lots; 0 cancels all open lots.
        quantity: u32 = 5,
    }
}

message! {
    /// `M`, Modify Order: a lower quantity without loss of priority.
    ModifyOrder b'M' 10 {
        user_ref: UserRef = 1,
        /// B or S, the side of the order.
        side: u8 = 5,
        /// The new total in lots, including executed lots.
        quantity: u32 = 6,
    }
}

message! {
    /// `C`, Mass Cancel: all orders of the account, or those of one instrument or side.
    MassCancelOrders b'C' 17 {
        /// The client's number of this message.
        user_ref: UserRef = 1,
        /// Spaces or zeros: a login has one account.
        firm: [u8; 4] = 5,
        /// The instrument; spaces for all.
        symbol: Symbol = 9,
    }
}

message! {
    /// `D`, Disable Order Entry: the login's new orders are refused until it is enabled again.
    DisableEntry b'D' 9 {
        /// The client's number of this message.
        user_ref: UserRef = 1,
        /// Returned unchanged in the answer.
        firm: [u8; 4] = 5,
    }
}

message! {
    /// `E`, Enable Order Entry.
    EnableEntry b'E' 9 {
        /// The client's number of this message.
        user_ref: UserRef = 1,
        /// Returned unchanged in the answer.
        firm: [u8; 4] = 5,
    }
}

message! {
    /// `Q`, Account Query: asks for the next unused number.
    AccountQuery b'Q' 1 {}
}

message! {
    /// `W`, Transfer Out, a private message: money of the login's account leaves a wallet for the one in another shard.
    TransferMoney b'W' 25 {
        /// The client's number of this message.
        user_ref: UserRef = 1,
        asset: AssetId = 5,
        /// Minor units.
        amount: Amount = 7,
        /// The shard whose wallet pays.
        from: ShardId = 15,
        /// The shard whose wallet receives.
        to: ShardId = 16,
        /// The client's number of the transfer, rising for each account and shard.
        reference: u64 = 17,
    }
}

message! {
    /// `L`, Contract Setting, a private message: what the login's account sets in a contract.
    ContractSetting b'L' 23 {
        /// The client's number of this message.
        user_ref: UserRef = 1,
        /// What is set; see [`super::Setting`], as for the two last fields.
        kind: u8 = 5,
        symbol: Symbol = 6,
        /// Which position.
        leg: u8 = 14,
        value: Amount = 15,
    }
}

message! {
    /// `N`, Index Price, a private message: a price of an index.
    IndexPrice b'N' 23 {
        /// The client's number of this message.
        user_ref: UserRef = 1,
        index: IndexId = 5,
        /// Price units.
        price: u64 = 7,
        /// When the price was made, ns since 1970.
        source_time: u64 = 15,
    }
}

/// A message from a client, with its optional tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// A new order.
    Enter(EnterOrder, Appendage<'a>),
    /// A new quantity or price for an order.
    Replace(ReplaceOrder, Appendage<'a>),
    /// A cancel. Its appendage is optional, and so is its length field.
    Cancel(CancelOrder, Appendage<'a>),
    /// A lower quantity. Its appendage is optional, and so is its length field.
    Modify(ModifyOrder, Appendage<'a>),
    /// A cancel of many orders.
    MassCancel(MassCancelOrders, Appendage<'a>),
    /// Disables order entry.
    DisableEntry(DisableEntry, Appendage<'a>),
    /// Enables order entry.
    EnableEntry(EnableEntry, Appendage<'a>),
    /// A query for the next unused number. Its appendage is optional, and so is its length field.
    AccountQuery(AccountQuery, Appendage<'a>),
    /// A transfer to another shard.
    Transfer(TransferMoney, Appendage<'a>),
    /// What its account sets in a contract.
    Setting(ContractSetting, Appendage<'a>),
    /// A price of an index.
    IndexPrice(IndexPrice, Appendage<'a>),
}

impl<'a> Inbound<'a> {
    /// Decodes a whole message: the payload of an Unsequenced Data packet from a client.
    ///
    /// # Errors
    /// [`OuchError`]. Tags are not checked: an appendage of the right length that cannot be decoded is answered by the
    /// exchange.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, OuchError> {
        let kind = *bytes.first().ok_or(OuchError::Empty)?;
        let length = OuchError::Length { kind, length: bytes.len() };
        macro_rules! with_tail {
            ($variant:ident, $message:ident, $tail:ident) => {{
                let (fixed, rest) = bytes.split_first_chunk().ok_or(length)?;
                let tail = read_tail(rest, Tail::$tail).ok_or(length)?;
                Ok(Self::$variant($message::read(fixed), Appendage(tail)))
            }};
        }
        match kind {
            EnterOrder::KIND => with_tail!(Enter, EnterOrder, Mandatory),
            ReplaceOrder::KIND => with_tail!(Replace, ReplaceOrder, Mandatory),
            CancelOrder::KIND => with_tail!(Cancel, CancelOrder, Optional),
            ModifyOrder::KIND => with_tail!(Modify, ModifyOrder, Optional),
            MassCancelOrders::KIND => with_tail!(MassCancel, MassCancelOrders, Mandatory),
            DisableEntry::KIND => with_tail!(DisableEntry, DisableEntry, Mandatory),
            EnableEntry::KIND => with_tail!(EnableEntry, EnableEntry, Mandatory),
            AccountQuery::KIND => with_tail!(AccountQuery, AccountQuery, Optional),
            TransferMoney::KIND => with_tail!(Transfer, TransferMoney, Mandatory),
            ContractSetting::KIND => with_tail!(Setting, ContractSetting, Mandatory),
            IndexPrice::KIND => with_tail!(IndexPrice, IndexPrice, Mandatory),
            _ => Err(OuchError::UnknownKind { kind }),
        }
    }

    /// The tags of the message.
    #[inline]
    pub fn appendage(&self) -> Appendage<'a> {
        match self {
            Self::Enter(_, tail)
            | Self::Replace(_, tail)
            | Self::Cancel(_, tail)
            | Self::Modify(_, tail)
            | Self::MassCancel(_, tail)
            | Self::DisableEntry(_, tail)
            | Self::EnableEntry(_, tail)
            | Self::AccountQuery(_, tail)
            | Self::Transfer(_, tail)
            | Self::Setting(_, tail)
            | Self::IndexPrice(_, tail) => *tail,
        }
    }

    /// Writes the message to the start of `out` and returns its length; `None` if it does not fit.
    #[inline]
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        match self {
            Self::Enter(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::Replace(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::Cancel(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::Modify(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::MassCancel(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::DisableEntry(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::EnableEntry(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::AccountQuery(m, tail) => write_message(out, tail.0, Tail::Optional, |b| m.write(b)),
            Self::Transfer(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::Setting(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
            Self::IndexPrice(m, tail) => write_message(out, tail.0, Tail::Mandatory, |b| m.write(b)),
        }
    }
}
