//! OUCH 5.0, order entry (revision 1.04, with the tags of 1.05): all of its messages, byte for byte.
//!
//! [`inbound`] and [`outbound`] are the messages, readable and writable in both directions, since this crate also has
//! clients. [`command`] is what a client's message asks of the exchange, [`event`] what an event tells a client.

pub mod command;
mod echo;
pub mod event;
pub mod inbound;
mod instructions;
mod layout;
pub mod outbound;
pub mod tags;
mod told;

pub use command::{LoggedIn, to_command};
pub use echo::Echoed;
pub use event::{MESSAGE_LEN_MAX, SEQUENCED_LEN_MAX, encode_event, encode_sequenced};
pub use inbound::{
    AccountQuery, CancelOrder, DisableEntry, EnableEntry, EnterOrder, Inbound, MassCancelOrders, ModifyOrder,
    ReplaceOrder,
};
pub use outbound::{
    AccountQueryResponse, BrokenTrade, CancelPending, CancelRejected, EntryDisabled, EntryEnabled,
    MassCancelResponse, OrderAccepted, OrderCanceled, OrderExecuted, OrderModified, OrderPriorityUpdate,
    OrderRejected, OrderReplaced, OrderRestated, Outbound, SelfMatchCanceled, SystemEvent,
};
pub use tags::{Appendage, Tag, TagError};
pub use told::Told;

/// The price that means "whatever the book offers".
pub const MARKET_PRICE: u64 = 0x7FFF_FFFF;

// Every price and quantity that an instrument can have can be said.
const _: () = assert!(crate::domain::Listing::PRICE_END <= MARKET_PRICE);
const _: () = assert!(crate::domain::Listing::QUANTITY_MAX <= u32::MAX as u64);

/// A message that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OuchError {
    /// No bytes at all.
    #[error("an empty message")]
    Empty,
    /// The type byte is none of OUCH 5.0 in this direction.
    #[error("a message of the unknown type {:?}", char::from(*.kind))]
    UnknownKind { kind: u8 },
    /// The length does not fit the type, or the appendage length does not fit the length.
    #[error("a message of type {:?} cannot have {length} bytes", char::from(*.kind))]
    Length {
        kind: u8,
        /// The message's length, bytes.
        length: usize,
    },
}
