//! A trading client library.
//!
//! [`Client`] is for trading programs: it logs in, numbers requests and returns the results as [`ClientEvent`]s,
//! blocking or not. [`explain`] puts codes into words. [`NewOrder`] and [`Replacement`] cover everything that the
//! exchange can do.
//!
//! ```no_run
//! use dojima::client::{Client, ClientError, ClientEvent, Credentials, NewOrder, Start};
//! use dojima::domain::Symbol;
//! use dojima::wire::soup;
//! use std::net::SocketAddr;
//! use std::time::Duration;
//!
//! fn main() -> Result<(), ClientError> {
//!     let who = Credentials {
//!         username: soup::username("alice").expect("1 to 6 letters and digits"),
//!         password: soup::password("secret").expect("1 to 10 letters and digits"),
//!         heartbeat_timeout_ms: Some(15_000),
//!     };
//!     let address: SocketAddr = "127.0.0.1:7001".parse().expect("an address");
//!     let mut client = Client::connect(address, &who, Start::Now)?;
//!
//!     let symbol = Symbol::new("BTC-USDT").expect("1 to 8 characters");
//!     let order = client.enter(&NewOrder::buy(symbol, 500).limit(6_000_000).post_only())?;
//!     while let Some(message) = client.next_event(Duration::from_secs(1))? {
//!         match message.event {
//!             ClientEvent::Accepted(accepted) if accepted.user_ref == order => {
//!                 println!("{} lots at {:?} stand in the book", accepted.quantity, accepted.price);
//!             }
//!             ClientEvent::Executed { quantity, price, liquidity, .. } => {
//!                 println!("{quantity} lots at {price}: {}", liquidity.explain());
//!             }
//!             ClientEvent::Rejected { reason, .. } => println!("refused: {}", reason.explain()),
//!             other => println!("{other:?}"),
//!         }
//!     }
//!     // Where another client goes on, on this or another day, without losing a message.
//!     let bookmark = client.bookmark();
//!     client.log_out();
//!     let client = Client::connect(address, &who, Start::At(bookmark))?;
//!     drop(client);
//!     Ok(())
//! }
//! ```
//!
//! Whole programs are in tests/examples: a market maker, a reader of drop copies, and a reader of market data.
//!
//! The layers below are [`session`], a plain OUCH session, and [`market`], a session of market data.

pub mod blotter;
pub mod event;
pub mod explain;
pub mod market;
pub mod order;
mod position;
pub mod session;
mod stream;
pub mod trader;
pub mod units;
pub(crate) mod wait;

pub use crate::wire::ouch::{Setting, Told};
pub use event::{
    ClientEvent, ClientMessage, ClientTransfer, CopyOf, EventError, Liquidity, OrderTerms, SelfMatchStrategy,
};
pub use explain::{CancelCode, RejectCode};
pub use market::{MarketError, MarketSession, Snapshot};
pub use order::{NewOrder, Replacement};
pub use position::{FundPayment, FundingPayment, PositionReport, PositionUpdate};
pub use session::{ClientError, Credentials, Received, Resume, Session};
pub use stream::{Endpoint, TlsClient, TlsClientError};
pub use trader::{Bookmark, Client, Start, cl_ord_id};
