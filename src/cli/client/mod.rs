//! `dojima client`: a trading terminal. On a terminal it is a screen with orders, trades and events. Otherwise, or with
//! `--plain`, it reads lines and writes lines, for scripts.

mod assets;
mod connection;
mod desk;
mod indexes;
mod line;
mod plain;
mod positions;
mod remark;
mod screen;
mod words;

use super::password::PasswordArgs;
use super::print;
use crate::cli::args::read_config;
use crate::client::{Credentials, Endpoint, TlsClient};
use crate::config::Config;
use crate::wire::soup::{self, SessionId};
use anyhow::{Context, ensure};
use assets::Assets;
use clap::Args;
use desk::{Desk, Earlier};
use indexes::Indexes;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `dojima client`.
#[derive(Debug, Args)]
pub struct ClientArgs {
    /// The login's name
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Where the engine takes orders; gateway.listen of the configuration, or with --tls tls.listen, if left out
    #[arg(long, value_name = "ADDRESS")]
    address: Option<SocketAddr>,
    /// Connect with TLS
    #[arg(long, requires = "ca")]
    tls: bool,
    /// Certificates that are trusted, and those that they have signed (PEM)
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
    /// The name that the server's certificate must have; its IP address if left out
    #[arg(long, value_name = "NAME", requires = "tls")]
    server_name: Option<String>,
    /// The engine's configuration, for symbols, ticks and lots; the built-in one if left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordArgs,
    /// Ended sessions that are read at the start for orders that are still open
    #[arg(long, value_name = "N", default_value_t = 7)]
    sessions: u32,
    /// Lines in and lines out instead of a screen; so too without a terminal, and where TERM is dumb
    #[arg(long)]
    plain: bool,
}

impl ClientArgs {
    fn endpoint(&self, config: &Config) -> anyhow::Result<Endpoint> {
        let Some(ca) = self.ca.as_ref().filter(|_| self.tls) else {
            return Ok(reachable(self.address.unwrap_or(config.gateway.listen)).into());
        };
        let configured = config.tls.as_ref().map(|tls| tls.listen);
        let address = self.address.or(configured).map(reachable);
        let address = address.context("--tls: give --address, or a configuration with [tls]")?;
        let name = self.server_name.clone().unwrap_or_else(|| address.ip().to_string());
        Ok(Endpoint { address, tls: Some(TlsClient::new(ca, &name).context("--tls")?) })
    }
}

/// The address of a local server. A server that listens on all addresses is reached at the loopback address.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        listen.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    listen
}

/// Logs in and runs the terminal until the user quits.
///
/// # Errors
/// When the login is refused, or there is no connection when the input ends.
pub fn run(args: ClientArgs) -> anyhow::Result<ExitCode> {
    let config = read_config(args.config.as_deref())?;
    let to = args.endpoint(&config)?;
    let username = soup::username(&args.user).context("--user: a name has 1 to 6 letters and digits")?;
    let password = args.password.of(&args.user)?;
    let who = Credentials { username, password, heartbeat_timeout_ms: None };
    let earlier = Earlier { first: SessionId::new(&config.gateway.session), sessions_max: args.sessions };
    let title = format!("{username} at {to}");
    let (assets, indexes) = (Assets::of(&config), Indexes::of(&config));
    let desk = Desk::open(to, who, super::units::units_of(&config), (assets, indexes), earlier);
    let desk = desk.map_err(print::with_advice)?;
    if args.plain || !std::io::stdin().is_terminal() || !print::stdout().is_screen() {
        let is_connected = plain::run(desk)?;
        ensure!(is_connected, "there was no connection at the end");
    } else {
        screen::run(desk, &title)?;
    }
    Ok(ExitCode::SUCCESS)
}
