//! Checks of logins and users.

use crate::config::error::{Problems, is_alphanumeric, quoted, within};
use crate::config::file::Config;
use crate::config::users::{LoginConfig, UserRole};
use crate::domain::password_hash;
use std::collections::BTreeMap;

/// Adds all problems of the accounts' logins and of `[[users]]`.
pub(super) fn check(config: &Config, p: &mut Problems) {
    let mut names = BTreeMap::new();
    for account in &config.accounts {
        for login in &account.logins {
            let key = format!("accounts[{}].logins", account.name);
            check_one(&key, login, p);
            let name = login.username.to_ascii_uppercase();
            if let Some(other) = names.insert(name, account.name.clone()) {
                let reason = format!("is already a login of {other}; case does not matter");
                p.add(format!("{key}.username"), quoted(&login.username), reason);
            }
            if matches!(login.role, UserRole::MarketData | UserRole::Admin) {
                let reason =
                    "belongs to no account: put it under [[users]]; a login has trade, drop-copy or index";
                p.add(format!("{key}[{}].role", login.username), login.role.word(), reason);
            }
            check_indexes(&format!("{key}[{}]", login.username), login, config, p);
        }
    }
    for user in &config.users {
        check_one("users", user, p);
        if let Some(other) = names.insert(user.username.to_ascii_uppercase(), "[[users]]".to_owned()) {
            let reason = format!("is already a login of {other}; case does not matter");
            p.add("users.username", quoted(&user.username), reason);
        }
        let key = |field: &str| format!("users[{}].{field}", user.username);
        if !user.indexes.is_empty() {
            let reason = "only a login of an account can send prices of indexes, with the role index";
            p.add(key("indexes"), quoted(&user.indexes.join(", ")), reason);
        }
        if !matches!(user.role, UserRole::MarketData | UserRole::Admin) {
            let reason = "needs an account: put it under its logins; a user has market-data or admin";
            p.add(key("role"), user.role.word(), reason);
        }
        let limited = user.messages_per_second > 0 || user.message_burst > 0 || user.limits.is_some();
        if user.cancel_on_disconnect_ms.is_some() || limited {
            p.add(key("role"), user.role.word(), "sends no orders, so it can have no limits on them");
        }
        if !user.copies.is_empty() {
            let reason = "has no stream that copies could be in: a login with the role drop-copy has";
            p.add(key("copies"), quoted(&user.copies.join(", ")), reason);
        }
    }
}

/// Checks the indexes whose prices a login may send. `of` is its key.
fn check_indexes(of: &str, login: &LoginConfig, config: &Config, p: &mut Problems) {
    let key = format!("{of}.indexes");
    match (login.role == UserRole::Index, login.indexes.is_empty()) {
        (true, true) => p.add(key, "missing", "the role index needs the symbols of its indexes"),
        (false, false) => {
            let reason = "only the role index sends prices of indexes: remove it, or say role = \"index\"";
            p.add(key, quoted(&login.indexes.join(", ")), reason);
        }
        (true, false) => {
            for symbol in &login.indexes {
                if !config.indexes.iter().any(|known| known.symbol == *symbol) {
                    p.add(key.clone(), quoted(symbol), "no such index; [[indexes]] has those that there are");
                }
            }
            if login.cancel_on_disconnect_ms.is_some() || login.limits.is_some() {
                let reason = "sends no orders, so it can have no limits on them";
                p.add(format!("{of}.role"), login.role.word(), reason);
            }
        }
        (false, true) => {}
    }
}

fn check_one(list: &str, login: &LoginConfig, p: &mut Problems) {
    let key = |field: &str| format!("{list}[{}].{field}", login.username);
    if !is_alphanumeric(&login.username, 6) {
        let reason = "must be 1 to 6 letters and digits (SoupBinTCP)";
        p.add(format!("{list}.username"), quoted(&login.username), reason);
    }
    match (&login.password, &login.password_hash) {
        (Some(password), None) if !is_alphanumeric(password, 10) => {
            let reason = "must be 1 to 10 letters and digits (SoupBinTCP)";
            p.add(key("password"), "(not shown)", reason);
        }
        (None, Some(hash)) => {
            if let Err(error) = password_hash::read(hash) {
                p.add(key("password_hash"), "(not shown)", error);
            }
        }
        (Some(_), None) => {}
        (Some(_), Some(_)) => {
            p.add(key("password_hash"), "(not shown)", "there is a password too; keep one of them")
        }
        (None, None) => p.add(
            key("password_hash"),
            "missing",
            "a login needs one (`dojima hash-password` makes it), or a password in plain text",
        ),
    }
    if let Some(grace) = login.cancel_on_disconnect_ms {
        within(p, &key("cancel_on_disconnect_ms"), grace, 0..=86_400_000);
    }
    if login.messages_per_second == 0 && login.message_burst > 0 {
        let reason = "needs messages_per_second beside it";
        p.add(key("message_burst"), login.message_burst, reason);
    }
    within(p, &key("messages_per_second"), login.messages_per_second, 0..=10_000_000);
    within(p, &key("message_burst"), login.message_burst, 0..=10_000_000);
}
