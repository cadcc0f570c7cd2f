//! The state that all shards of a venue share: assets, logins, sessions, copies, rules.

use super::login::Login;
use crate::domain::{AccountId, Amount, AssetCode, Command, LoginId, ShardId, Switch};

/// An asset as the exchange knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its code.
    pub code: AssetCode,
    /// Minor units are 10^-scale.
    pub scale: u8,
    /// Whether deposits are accepted.
    pub deposits: Switch,
    /// Whether withdrawals are accepted.
    pub withdrawals: Switch,
    /// Smallest deposit, minor units.
    pub min_deposit: Amount,
    /// Smallest withdrawal, minor units.
    pub min_withdrawal: Amount,
}

/// The venue state, kept in each shard. Commands that change it go to all shards and have the same effect in each.
#[derive(Clone, Debug)]
pub(super) struct Venue {
    /// The number of shards, 1 to [`ShardId::COUNT`].
    pub(super) shards: u8,
    pub(super) assets: Vec<Asset>,
    pub(super) logins: Vec<Login>,
    /// On: no orders are accepted.
    pub(super) killed: Switch,
    /// The digest of the configuration that opened it; `None` before that.
    pub(super) config_digest: Option<u64>,
    /// The edition of the rules.
    pub(super) rules: u16,
    /// The session, from 0.
    pub(super) session: u32,
    /// The present leadership term; 0 if there was no leader.
    pub(super) epoch: u64,
    /// Every copy as account, receiving login and the sequence of the command that added it, by account.
    pub(super) copies: Vec<(AccountId, LoginId, u64)>,
}

impl Default for Venue {
    fn default() -> Self {
        Self {
            shards: 1,
            assets: Vec::new(),
            logins: Vec::new(),
            killed: Switch::Off,
            config_digest: None,
            rules: Command::RULES_FIRST,
            session: 0,
            epoch: 0,
            copies: Vec::new(),
        }
    }
}

impl Venue {
    /// Whether this shard exists.
    pub(super) fn has(&self, shard: ShardId) -> bool {
        shard.0 < self.shards
    }

    /// Whether two shards have the same venue state. A login's used numbers and settings belong to the shard.
    pub(super) fn is_that_of(&self, other: &Self) -> bool {
        let Self { shards, assets, logins, killed, config_digest, rules, session, epoch, copies } = self;
        let same_login =
            |(one, other): (&Login, &Login)| (one.account, one.session) == (other.account, other.session);
        logins.len() == other.logins.len()
            && logins.iter().zip(&other.logins).all(same_login)
            && (shards, assets, killed, config_digest)
                == (&other.shards, &other.assets, &other.killed, &other.config_digest)
            && (rules, session, epoch, copies) == (&other.rules, &other.session, &other.epoch, &other.copies)
    }
}
