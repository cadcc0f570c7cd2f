//! ITCH 5.0, market data: every message of the specification, with encoding and decoding, because this crate also has
//! clients (docs/PROTOCOL.md §3).
//!
//! Numbers are big-endian. Prices are u32 price units, shares are lots. Every message starts with its type, the number
//! of its instrument (StockLocate), a tracking number, and the time in nanoseconds since midnight UTC.

mod error;
mod glimpse;
mod messages;

pub use super::layout::Nanos48;
pub use error::ItchError;
pub use glimpse::EndOfSnapshot;
pub use messages::{
    AddOrder, AddOrderAttributed, BrokenTrade, CrossTrade, DirectListing, Imbalance, IpoQuoting, LuldCollar,
    Message, MwcbLevels, MwcbStatus, OperationalHalt, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedWithPrice, OrderReplace, ParticipantPosition, RegSho, RetailInterest, StockDirectory,
    SystemEvent, Trade, TradingAction,
};

/// Length of the longest message in bytes.
pub const MESSAGE_LEN_MAX: usize = Imbalance::LEN;

/// Codes of System Events.
pub mod event_code {
    /// Start of messages: the first message of a session.
    pub const START_OF_MESSAGES: u8 = b'O';
    /// Start of system hours.
    pub const START_OF_SYSTEM: u8 = b'S';
    /// Start of market hours.
    pub const START_OF_MARKET: u8 = b'Q';
    /// End of market hours.
    pub const END_OF_MARKET: u8 = b'M';
    /// End of system hours.
    pub const END_OF_SYSTEM: u8 = b'E';
    /// End of messages: the last message of a session.
    pub const END_OF_MESSAGES: u8 = b'C';
}
