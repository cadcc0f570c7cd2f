//! How a demo is played.

use crate::config::Durability;
use crate::flow::Pace;
use crate::runtime::ThreadingMode;
use clap::Args;
use std::path::PathBuf;
use std::str::FromStr;

/// How fast the flow is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Speed(pub(super) Pace);

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self(Pace::Max));
        }
        match text.parse::<f64>() {
            Ok(speed) if (1e-3..=1e9).contains(&speed) => Ok(Self(Pace::Speed(speed))),
            _ => {
                Err("must be `max`, or how many times faster than the recorded clock, such as 1 or 60"
                    .to_owned())
            }
        }
    }
}

/// Arguments of `dojima demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// A recorded flow to play (csv or csv.xz); generated from --seed if left out
    #[arg(long, value_name = "FILE")]
    pub(super) flow: Option<PathBuf>,
    /// The recorded clock's speed, such as 1 or 60, or max: as fast as the engine answers
    #[arg(long, value_name = "SPEED", default_value = "max")]
    pub(super) speed: Speed,
    /// Play so many messages only; generated flows have 1,000,000 if left out
    #[arg(long, value_name = "COUNT")]
    pub(super) orders: Option<usize>,
    /// Names the generated flow: the same seed is the same flow
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(super) seed: u64,
    /// Client sessions; 4 for a generated flow and 1 for a recorded one if left out
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=32))]
    pub(super) sessions: Option<u16>,
    /// Messages that each session keeps in flight at most
    #[arg(long, value_name = "COUNT", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(super) window: u32,
    /// Keep journal, event log and database in this directory, which must not have any yet
    #[arg(long, visible_alias = "keep", value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Do not kill the engine in the middle
    #[arg(long)]
    pub(super) no_kill: bool,
    /// What an acknowledged message survives: sync (a power loss) or async (a crash of the process)
    #[arg(long, value_name = "DURABILITY", default_value = "sync")]
    pub(super) durability: Durability,
    /// How the engine's agents are spread over threads: shared or dedicated
    #[arg(long, value_name = "MODE", default_value = "shared")]
    pub(super) mode: ThreadingMode,
}
