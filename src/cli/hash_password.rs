//! `dojima hash-password`: prints a password's hash for the configuration.

use super::print;
use crate::stages::authenticator;
use crate::wire::soup;
use anyhow::{Context, bail};
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

/// Reads a password from stdin and prints its hash. On a terminal it reads the password twice, without echo.
///
/// # Errors
/// When a client cannot send the password, or the two inputs differ.
pub fn run() -> anyhow::Result<ExitCode> {
    let text = match io::stdin().is_terminal() {
        true => {
            let text = rpassword::prompt_password("password: ").context("cannot read the password")?;
            if text != rpassword::prompt_password("again: ").context("cannot read the password")? {
                bail!("the two passwords differ");
            }
            text
        }
        false => {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).context("cannot read the password from stdin")?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    let Some(password) = soup::password(&text) else {
        bail!(
            "a password has 1 to 10 letters and digits (SoupBinTCP); this one has other characters or another length"
        );
    };
    let hash = authenticator::hash(&password)?;
    writeln!(print::stdout(), "{hash}")?;
    Ok(ExitCode::SUCCESS)
}
