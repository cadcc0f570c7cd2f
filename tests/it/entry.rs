//! Order entry from the outside: whole engines, and clients that know nothing but the protocol.

mod crowd;
mod operator;
mod raw;
mod resume;
mod secure;
