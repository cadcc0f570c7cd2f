//! Opening balances of accounts, and the amounts of assets that a file creates.

use super::assets::Assets;
use super::prices::positive_amount;
use super::shards::Shards;
use crate::config::error::{Problems, quoted};
use crate::config::venue::AccountConfig;
use crate::domain::{AccountId, Amount, AssetId, ShardId, ShardTransfer, Transfer, decimal};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What was deposited of each asset so far, minor units.
pub(super) type Supply = BTreeMap<AssetId, i128>;

/// The deposits in the order of accounts; within an account in the order of shards, then asset ids.
pub(super) fn deposits(
    accounts: &[AccountConfig],
    (assets, shards): (&Assets, &Shards),
    supply: &mut Supply,
    p: &mut Problems,
) -> Vec<Transfer> {
    let mut transfers = Vec::new();
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
            let amounts = amounts(wallet, &key, assets, supply, p);
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
pub(super) fn amounts(
    wallet: &BTreeMap<String, Decimal>,
    key: &str,
    assets: &Assets,
    supply: &mut Supply,
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
