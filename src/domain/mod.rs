//! Values only: what the stages, the exchange and the wire talk about.
//!
//! Nothing here does I/O, reads a clock or holds state of the market. Commands go in, events come out;
//! both are `Copy`, so that they can live in ring slots, and both have one documented byte encoding
//! ([`codec`]), so that they can live in the journal and in the event log.

pub mod amounts;
pub mod codec;
pub mod command;
pub mod decimal;
pub mod event;
pub mod ids;
pub mod listing;
pub mod reject;
pub mod streams;

pub use amounts::{Amount, OrderPrice, Ppm, Price, Quantity};
pub use command::{
    Cancel, Command, Echo, Enter, ListInstrument, RefuseEnter, RefuseReplace, Replace, Sequenced, Side,
    Stamp, TimeInForce, Trading, Transfer,
};
pub use event::{
    Accepted, CancelReason, Canceled, Event, EventRecord, Executed, Ignored, Rejected, Replaced,
};
pub use ids::{
    AccountId, AssetCode, AssetId, ClOrdId, InstrumentId, LoginId, LoginName, OrderId, Symbol, Timestamp,
    TradeId, UserRef,
};
pub use listing::{Listing, Listings};
pub use reject::{IgnoreReason, RejectReason};
