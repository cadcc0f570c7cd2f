//! The password of a user who logs in from a command: from a file, the environment, or a prompt.

use crate::domain::Password;
use crate::wire::soup;
use anyhow::{Context, bail};
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;

/// The environment variable with the password.
const VARIABLE: &str = "DOJIMA_PASSWORD";

/// Where the password comes from.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// The first line of this file is the password. Without it: the variable DOJIMA_PASSWORD, else it is asked for
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The password of this user.
    ///
    /// # Errors
    /// When there is no password, or the password is not valid for a login.
    pub fn of(&self, user: &str) -> anyhow::Result<Password> {
        let text = match &self.password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                text.lines().next().unwrap_or_default().trim().to_owned()
            }
            None => match std::env::var(VARIABLE) {
                Ok(text) => text,
                Err(_) if std::io::stdin().is_terminal() => {
                    rpassword::prompt_password(format!("password of {user}: "))?
                }
                Err(_) => bail!("no password: set {VARIABLE} or give --password-file"),
            },
        };
        soup::password(&text).context("a password has 1 to 10 letters and digits")
    }
}
