//! The commands that open a venue, and the problems of a configuration's venue.

mod assets;
mod instruments;
mod prices;
mod settings;
mod shards;
mod users;

use super::error::{Problem, Problems, quoted};
use super::file::Config;
use super::venue::{self, AccountConfig};
use crate::domain::codec::{ENCODED_LEN_MAX, encode_command};
use crate::domain::{
    AccountId, AdminCommand, Amount, AssetId, Command, ShardId, ShardTransfer, Transfer, VenueCommand,
    decimal,
};
use assets::Assets;
use instruments::instruments;
use prices::positive_amount;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use shards::Shards;
use std::collections::{BTreeMap, BTreeSet};

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
    users::check(&config.accounts, &config.users, p);
    commands.extend(venue::logins(&config.accounts).iter().filter_map(|l| {
        Some(Command::Venue(VenueCommand::OpenLogin { login: l.login, account: l.account, name: l.name()? }))
    }));
    let listed = instruments(&config.instruments, (&assets, &shards), p);
    commands.extend(listed.iter().copied().map(|it| Command::Admin(AdminCommand::ListInstrument(it))));
    commands.extend(
        deposits(&config.accounts, (&assets, &shards), p)
            .into_iter()
            .map(|it| Command::Admin(AdminCommand::Deposit(it))),
    );
    commands.extend(settings::commands(config, &assets, &listed, p));
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

/// The deposits in the order of accounts; within an account in the order of shards, then asset ids.
fn deposits(
    accounts: &[AccountConfig],
    (assets, shards): (&Assets, &Shards),
    p: &mut Problems,
) -> Vec<Transfer> {
    let mut transfers = Vec::new();
    let mut supply = BTreeMap::<AssetId, i128>::new();
    let mut in_shard = BTreeMap::<(ShardId, AssetId), i128>::new();
    let several = shards.are_several();
    for (id, account) in (1..).map(AccountId).zip(accounts) {
        let key = format!("accounts[{}].deposits", account.name);
        let mut wallets = vec![(ShardId::FIRST, key, &account.deposits)];
        for (name, wallet) in &account.deposits_in {
            let key = format!("accounts[{}].deposits_in.{name}", account.name);
            let Some(shard) = shards.find(key.clone(), name, p) else { continue };
            if shard == ShardId::FIRST {
                p.add(key.clone(), quoted(name), "is the first shard, whose deposits stand in deposits");
            }
            wallets.push((shard, key, &wallet.0));
        }
        wallets.sort_by_key(|(shard, ..)| *shard);
        for (shard, key, wallet) in wallets {
            let amounts = amounts(wallet, &key, assets, &mut supply, p);
            for (asset, amount) in amounts.iter().filter(|_| several) {
                let sum = in_shard.entry((shard, *asset)).or_default();
                *sum += i128::from(amount.0);
                if *sum > i128::from(ShardTransfer::DEPOSITS_MAX) {
                    let most = "2^59 minor units, the most that can be deposited in one of several shards";
                    p.add(&key, amount, format!("brings the deposits of an asset above {most}"));
                }
            }
            transfers.extend((1..).zip(amounts).map(|(reference, (asset, amount))| Transfer {
                account: id,
                asset,
                amount,
                reference,
                shard,
            }));
        }
    }
    transfers
}

/// The deposits into one wallet, in the order of asset ids.
fn amounts(
    wallet: &BTreeMap<String, Decimal>,
    key: &str,
    assets: &Assets,
    supply: &mut BTreeMap<AssetId, i128>,
    p: &mut Problems,
) -> Vec<(AssetId, Amount)> {
    let mut amounts = Vec::new();
    for (code, value) in wallet {
        let key = format!("{key}.{code}");
        let Some(asset) = assets.find(key.clone(), code, p) else { continue };
        let Some(amount) = p.take(&key, value, positive_amount(*value, asset.scale)) else { continue };
        let total = supply.entry(asset.id).or_default();
        *total += i128::from(amount.0);
        if *total > i128::from(i64::MAX) {
            let max = decimal::show_amount(Amount(i64::MAX), asset.scale);
            p.add(key, value, format!("brings the deposits of {code} above {max}, the most that can exist"));
        }
        amounts.push((asset.id, amount));
    }
    amounts.sort_unstable();
    amounts
}
