//! The agents, in flow order. They are connected only by rings, cursors and the interfaces declared here ([`resend`],
//! [`space`], [`phases`]); no stage imports another one.

pub mod archiver;
pub mod authenticator;
pub mod courier;
pub mod feed;
pub mod gateway;
pub mod journaler;
pub mod matcher;
pub mod merge;
pub mod phases;
pub mod resend;
pub mod resender;
pub mod sequencer;
pub mod shadow;
pub mod space;
pub mod sql_writer;
pub mod timer;
