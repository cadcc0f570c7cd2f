//! OUCH 5.0, order entry (revision 1.04, with the tags of 1.05): all of its messages.
//!
//! [`inbound`] and [`outbound`] define the messages, with encoding and decoding, because this crate also has clients.
//! [`command`] converts a client's message to a command, [`event`] converts an event to messages for clients.

pub mod command;
mod echo;
pub mod event;
pub mod inbound;
mod instructions;
mod layout;
pub mod outbound;
mod owned;
mod setting;
pub mod tags;
mod told;

pub use command::{LoggedIn, to_command};
pub use echo::Echoed;
pub use event::{MESSAGE_LEN_MAX, SEQUENCED_LEN_MAX, encode_event, encode_sequenced};
pub use inbound::{
    AccountQuery, CancelOrder, ContractSetting, DisableEntry, EnableEntry, EnterOrder, Inbound, IndexPrice,
    MassCancelOrders, ModifyOrder, ReplaceOrder, TransferMoney,
};
pub use outbound::{
    AccountQueryResponse, BrokenTrade, CancelPending, CancelRejected, EntryDisabled, EntryEnabled,
    FundingCharged, IndexPriceAnswer, LackCovered, MassCancelResponse, MoneySent, OrderAccepted,
    OrderCanceled, OrderExecuted, OrderModified, OrderPriorityUpdate, OrderRejected, OrderReplaced,
    OrderRestated, Outbound, PositionMoved, PositionStated, SelfMatchCanceled, SettingMade, SystemEvent,
};
pub use setting::Setting;
pub use tags::{Appendage, Tag, TagError};
pub use told::Told;

/// The price of a market order.
pub const MARKET_PRICE: u64 = 0x7FFF_FFFF;

// Every price and quantity of an instrument can be expressed.
const _: () = assert!(crate::domain::Listing::PRICE_END <= MARKET_PRICE);
const _: () = assert!(crate::domain::Listing::QUANTITY_MAX <= u32::MAX as u64);

/// A message that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OuchError {
    /// There are no bytes.
    #[error("an empty message")]
    Empty,
    /// The type byte is not defined in OUCH 5.0 for this direction.
    #[error("a message of the unknown type {:?}", char::from(*.kind))]
    UnknownKind { kind: u8 },
    /// The length is wrong for the type, or the appendage length does not match the length.
    #[error("a message of type {:?} cannot have {length} bytes", char::from(*.kind))]
    Length {
        kind: u8,
        /// The length of the message in bytes.
        length: usize,
    },
}
