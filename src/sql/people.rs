//! The names of accounts and logins. Events contain only their numbers.

use crate::domain::{AccountId, LoginId};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Names by number. Accounts and logins that are absent have no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    pub accounts: BTreeMap<AccountId, String>,
    /// Usernames of logins.
    pub logins: BTreeMap<LoginId, String>,
}

impl People {
    /// Sets these names for the accounts and logins in the tables. Takes no lock if the tables already have them.
    pub(super) fn rename(&self, connection: &Connection) -> rusqlite::Result<()> {
        let accounts = self.accounts.iter().map(|(account, name)| (account.0, name));
        set_names(connection, "accounts", "account", "name", accounts)?;
        let logins = self.logins.iter().map(|(login, name)| (login.0, name));
        set_names(connection, "logins", "login", "username", logins)
    }
}

fn set_names<'a>(
    connection: &Connection,
    table: &str,
    key: &str,
    column: &str,
    names: impl Iterator<Item = (u32, &'a String)>,
) -> rusqlite::Result<()> {
    let differs = format!("{key} = ?1 AND {column} IS NOT ?2");
    let mut asked = connection.prepare(&format!("SELECT 1 FROM {table} WHERE {differs}"))?;
    for (number, name) in names {
        if asked.exists(params![number, name])? {
            let set = format!("UPDATE {table} SET {column} = ?2 WHERE {differs}");
            connection.execute(&set, params![number, name])?;
        }
    }
    Ok(())
}
