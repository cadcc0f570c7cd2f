//! The other side of the wire: a trading client, for the demo, for tests and for load.
//!
//! [`session`] is one OUCH session, [`flow`] is what is to be sent (recorded or generated), and [`driver`] plays a flow
//! through one or more sessions, keeps the books of a client on it, and resumes after either side has crashed.

pub mod blotter;
pub mod driver;
pub mod flow;
pub mod session;
pub mod terms;
mod wait;

pub use driver::{Driver, DriverOptions, Fill, Ordering, Pace, Progress, Turn};
pub use flow::{ActionKind, Flow, FlowAction, OrderIndex, SessionIndex};
pub use session::{ClientError, Credentials, Received, Resume, Session};
