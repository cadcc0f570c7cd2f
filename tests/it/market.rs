//! Market data: its bytes, and that what it shows is the exchange's book.

mod book;
mod icebergs;
mod wire;
