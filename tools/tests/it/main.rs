//! The tools as programs: what they print and how they end.

mod damaged;
mod diff;
mod export;
mod follow;
mod hostile;
mod live;
mod load;
mod read_only;
mod recorded;
mod records;
mod replay;
mod verify;

#[path = "../../../tests/it/support/commands.rs"]
mod commands;
#[path = "../../../tests/it/support/engines.rs"]
#[allow(dead_code, reason = "written for other tests too")]
mod engines;
