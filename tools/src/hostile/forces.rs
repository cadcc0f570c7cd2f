//! How many attackers there are, and how fast.

use clap::Args;

/// How many attackers there are, and how fast.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Forces {
    /// Messages of the hostile client in a second; 0: as many as it can
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    pub(crate) hostile_per_second: u32,
    /// Connections without a login: idle ones, ones that send a byte a second, ones that send half a login
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(0..=20_000))]
    pub(crate) strangers: u32,
    /// Logins under invented names in a second
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) logins_per_second: u32,
}
