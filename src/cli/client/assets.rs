//! The assets of a venue, its shards, and what is said of money in them.

use crate::client::{ClientTransfer, FundPayment};
use crate::config::Config;
use crate::domain::{Amount, AssetBalance, AssetId, ShardId, UserRef, Wallet, decimal};
use anyhow::Context;
use rust_decimal::Decimal;

/// Code and scale of every asset, and the names of the shards, each in the order of the venue's configuration, which
/// determines the ids.
pub struct Assets {
    known: Vec<(String, u8)>,
    shards: Vec<String>,
}

impl Assets {
    /// The assets of a configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            known: config.assets.iter().map(|asset| (asset.code.clone(), asset.scale)).collect(),
            shards: config.shards.iter().map(|shard| shard.name.clone()).collect(),
        }
    }

    pub fn ids(&self) -> impl Iterator<Item = AssetId> + use<> {
        (0..self.known.len() as u16).map(AssetId)
    }

    /// Every wallet of every asset, of a venue with several shards; else none.
    pub fn wallets(&self) -> Vec<(ShardId, AssetId)> {
        let shards = (0..self.shards.len() as u8).map(ShardId).filter(|_| self.shards.len() > 1);
        shards.flat_map(|shard| self.ids().map(move |asset| (shard, asset))).collect()
    }

    /// The asset with this code, and the amount in its minor units.
    pub fn amount(&self, code: &str, amount: Decimal) -> anyhow::Result<(AssetId, Amount)> {
        let known = self.known.iter().position(|(known, _)| known.eq_ignore_ascii_case(code));
        let at = known.with_context(|| format!("no asset {code} in the configuration"))?;
        let (code, scale) = &self.known[at];
        let exact = decimal::amount(amount, *scale);
        let exact = exact.map_err(|why| anyhow::anyhow!("{amount} is no amount of {code}: {why}"))?;
        Ok((AssetId(at as u16), exact))
    }

    pub fn transferred(&self, user_ref: UserRef, transfer: &ClientTransfer, wallet: Amount) -> String {
        let ClientTransfer { asset, amount, from, to, .. } = *transfer;
        let (code, scale) = match self.known.get(usize::from(asset.0)) {
            Some((code, scale)) => (code.clone(), *scale),
            None => (format!("minor units of asset {asset}"), 0),
        };
        let shown = |amount| decimal::show_amount(amount, scale);
        let (amount, left) = (shown(amount), shown(wallet));
        format!("#{user_ref}: {amount} {code} on the way from shard {from} to {to}; {left} left in {from}")
    }

    /// What the insurance fund paid.
    pub fn covered(&self, payment: &FundPayment) -> String {
        let FundPayment { symbol, asset, shard, amount } = *payment;
        let amount = match self.known.get(usize::from(asset.0)) {
            Some((code, scale)) => format!("{} {code}", decimal::show_amount(amount, *scale)),
            None => format!("{amount} minor units of asset {asset}"),
        };
        let whose = match symbol {
            Some(symbol) => format!("the position in {}", symbol.text()),
            None => match self.shards.get(usize::from(shard.0)) {
                Some(name) => format!("the wallet in {name}"),
                None => format!("the wallet in shard {shard}"),
            },
        };
        format!("insurance fund: paid {amount} that {whose} lacked")
    }

    pub fn line(&self, balance: &AssetBalance) -> String {
        let AssetBalance { asset, available, reserved } = *balance;
        let Some((code, scale)) = self.known.get(usize::from(asset.0)) else {
            return format!("asset {asset}: {available} minor units available, {reserved} in open orders");
        };
        let shown = |amount| decimal::show_amount(amount, *scale);
        format!("{code}: {} available, {} in open orders", shown(available), shown(reserved))
    }

    /// The line about a wallet. What can be withdrawn is told where it is not what is available.
    pub fn wallet_line(&self, shard: ShardId, wallet: &Wallet) -> String {
        let Wallet { balance, withdrawable } = *wallet;
        let mut line = match self.shards.get(usize::from(shard.0)) {
            Some(name) => format!("{name} ({shard}), {}", self.line(&balance)),
            None => format!("shard {shard}, {}", self.line(&balance)),
        };
        if withdrawable != balance.available {
            let scale = self.known.get(usize::from(balance.asset.0)).map_or(0, |(_, scale)| *scale);
            line.push_str(&format!("; {} can be withdrawn", decimal::show_amount(withdrawable, scale)));
        }
        line
    }
}
