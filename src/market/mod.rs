//! Market data: what the events say to everybody ([`Feed`]), and books made from it ([`Books`]). Pure: no I/O, no clock, and
//! the same events always give the same messages.

mod book;
mod books;
mod dense;
mod feed;
mod levels;
mod shown;
mod state;
mod table;
mod watch;

pub use book::{Book, Depth, Print};
pub use books::{BookError, Books};
pub use feed::{Feed, Published};
pub use levels::Level;
pub use state::StateError;
pub use watch::{InstrumentView, MarketView, MarketWatch};
