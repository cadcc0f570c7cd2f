//! Market data: conversion of events to public messages ([`Feed`]), and books built from these messages ([`Books`]).
//! Pure: no I/O and no clock; the same events always give the same messages.

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
