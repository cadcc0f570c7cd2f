//! The commands that open a venue, and the problems of a configuration's venue.

mod assets;
mod contracts;
mod instruments;
mod prices;
mod risk;
mod settings;
mod shards;
mod users;
mod wallets;

use super::error::{Problem, Problems, quoted};
use super::file::Config;
use super::venue::{self, AccountConfig};
use crate::domain::codec::{ENCODED_LEN_MAX, encode_command};
use crate::domain::{AccountId, AdminCommand, Command, VenueCommand};
use assets::Assets;
use instruments::instruments;
use sha2::{Digest, Sha256};
use shards::Shards;
use std::collections::BTreeSet;
use wallets::{Supply, deposits};

/// The opening commands and all problems. With problems the commands are incomplete.
pub(super) fn resolve(config: &Config) -> (Vec<Command>, Vec<Problem>) {
    let mut problems = Problems::default();
    let p = &mut problems;
    let assets = Assets::resolve(&config.assets, p);
    let limits = Command::Venue(VenueCommand::SetLimits { limits: config.exchange.limits() });
    let rules = Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST });
    let shards = Shards::resolve(&config.shards, p);
    let mut commands = vec![rules, limits];
    commands.extend(shards.commands());
    commands.push(Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }));
    commands.extend(assets.commands());
    commands.extend(
        (1..)
            .zip(&config.accounts)
            .map(|(id, _)| Command::Venue(VenueCommand::OpenAccount { account: AccountId(id) })),
    );
    check_accounts(&config.accounts, p);
    users::check(config, p);
    commands.extend(venue::logins(&config.accounts).iter().filter_map(|l| {
        Some(Command::Venue(VenueCommand::OpenLogin { login: l.login, account: l.account, name: l.name()? }))
    }));
    let listed = instruments(&config.instruments, (&assets, &shards), p);
    commands.extend(listed.iter().copied().map(|it| Command::Admin(AdminCommand::ListInstrument(it))));
    let mut supply = Supply::new();
    commands.extend(
        deposits(&config.accounts, (&assets, &shards), &mut supply, p)
            .into_iter()
            .map(|it| Command::Admin(AdminCommand::Deposit(it))),
    );
    commands.extend(settings::commands(config, &assets, &listed, p));
    commands.extend(contracts::commands(config, (&assets, &shards), &listed, p));
    commands.extend(risk::funds(&config.insurance_fund, (&assets, &shards), &listed, &mut supply, p));
    // The digest leaves out the edition of the rules, which no file sets.
    commands.push(Command::Venue(VenueCommand::Open { config_digest: digest(&commands[1..]) }));
    (commands, problems.0)
}

/// The first 8 bytes, little-endian, of the SHA-256 over the encoded commands in order.
fn digest(commands: &[Command]) -> u64 {
    let mut hash = Sha256::new();
    let mut bytes = [0; ENCODED_LEN_MAX];
    for command in commands {
        let len = encode_command(command, &mut bytes).expect("ENCODED_LEN_MAX holds any command");
        hash.update(&bytes[..len]);
    }
    let hash: [u8; 32] = hash.finalize().into();
    u64::from_le_bytes(hash.first_chunk().copied().expect("32 bytes have a first 8"))
}

fn check_accounts(accounts: &[AccountConfig], p: &mut Problems) {
    if accounts.is_empty() {
        p.add("accounts", "[]", "at least one is needed");
    }
    let mut names = BTreeSet::new();
    for account in accounts {
        let key = |field: &str| format!("accounts[{}].{field}", account.name);
        if account.name.trim().is_empty() {
            p.add(key("name"), quoted(&account.name), "must not be empty");
        }
        if !names.insert(&account.name) {
            p.add(key("name"), quoted(&account.name), "stands here twice");
        }
    }
}
