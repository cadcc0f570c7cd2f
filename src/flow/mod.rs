//! A flow: a list of traders' actions, recorded at a real exchange or generated from a seed, with the venue that it needs;
//! and the [`Driver`] that sends it.
//!
//! The first line of a file selects its format; files may be compressed with xz. Orders are numbered densely in the order
//! of their first appearance; [`Flow::order_names`] has their numbers in the recording.

mod aapl;
mod actions;
mod bitstamp;
mod driver;
mod error;
pub mod expected;
pub mod generator;
mod keep;
mod load;
mod recording;
mod shanghai;
mod table;
mod trades;
mod venue;

pub use actions::{ActionKind, FlowAction, OrderIndex, SessionIndex};
pub use driver::{Driver, DriverError, DriverOptions, Ordering, Pace, Progress, Turn};
pub use error::FlowError;
pub use generator::GeneratorOptions;
pub use keep::{Kept, keep_to_recording};
pub use recording::{Flow, LeftOut};
pub use trades::{Fill, Liquidity, Trade, trades};
pub use venue::Venue;
