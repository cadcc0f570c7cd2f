//! `dojima client`: a trading terminal. On a terminal a screen with orders, trades and what happens; elsewhere, or with
//! `--plain`, lines in and lines out, for scripts.

mod desk;
mod plain;
mod screen;
mod words;

use crate::client::units::UnitsTable;
use crate::client::{Bookmark, Client, Credentials, Start};
use crate::wire::soup::{Password, Username};
use anyhow::{Context, bail};
use clap::Args;
use desk::Desk;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// The environment variable that the password is taken from.
const PASSWORD_VARIABLE: &str = "DOJIMA_PASSWORD";

/// Arguments of `dojima client`.
#[derive(Debug, Args)]
pub struct ClientArgs {
    /// The login's name
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Where the engine takes orders; the configuration's gateway.listen if left out
    #[arg(long, value_name = "ADDRESS")]
    address: Option<SocketAddr>,
    /// The engine's configuration, for symbols, ticks and lots; the built-in one if left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The first line of this file is the password. Without it: the variable DOJIMA_PASSWORD, else it is asked for
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Lines in and lines out instead of a screen
    #[arg(long)]
    plain: bool,
}

impl ClientArgs {
    fn password(&self) -> anyhow::Result<Password> {
        let text = match &self.password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                text.lines().next().unwrap_or_default().trim().to_owned()
            }
            None => match std::env::var(PASSWORD_VARIABLE) {
                Ok(text) => text,
                Err(_) if std::io::stdin().is_terminal() => {
                    rpassword::prompt_password(format!("password of {}: ", self.user))?
                }
                Err(_) => bail!("no password: set {PASSWORD_VARIABLE} or give --password-file"),
            },
        };
        Password::new(&text).context("a password has 1 to 10 letters and digits")
    }
}

/// Logs in and trades until the person leaves.
///
/// # Errors
/// When the login is refused, or the session ends other than by leaving.
pub fn run(args: ClientArgs) -> anyhow::Result<ExitCode> {
    let config = super::read_config(args.config.as_deref())?;
    let address = args.address.unwrap_or(config.gateway.listen);
    let username = Username::new(&args.user).context("--user: a name has 1 to 6 letters and digits")?;
    let who = Credentials { username, password: args.password()?, heartbeat_timeout_ms: None };
    // From the first message: the books are made of all of them. What is news begins where the stream ends now.
    let now = Client::connect(address, &who, Start::Now)?;
    let mark = now.bookmark();
    now.log_out();
    let client = Client::connect(address, &who, Start::At(Bookmark { sequence: 1, ..mark }))?;
    let desk = Desk::new(client, UnitsTable::of(&config), mark.sequence)?;
    if args.plain || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        plain::run(desk)?;
    } else {
        screen::run(desk, &format!("{username} at {address}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
