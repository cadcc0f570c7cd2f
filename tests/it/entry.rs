//! Order entry from the outside: whole engines, and clients that know nothing but the protocol.

mod contracts;
mod crowd;
pub mod index_prices;
mod operator;
mod positions;
mod rate;
pub mod raw;
mod resume;
pub mod secure;
