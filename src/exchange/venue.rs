//! What concerns the venue as a whole, and is the same in all of its shards: assets, logins, sessions, copies, rules.

use super::login::Login;
use crate::domain::{AccountId, Amount, AssetCode, Command, LoginId, ShardId, Switch};

/// An asset as the exchange knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its code.
    pub code: AssetCode,
    /// Minor units are 10^-scale.
    pub scale: u8,
    /// Whether deposits are taken.
    pub deposits: Switch,
    /// Whether withdrawals are made.
    pub withdrawals: Switch,
    /// Smallest deposit.
    pub min_deposit: Amount,
    /// Smallest withdrawal.
    pub min_withdrawal: Amount,
}

/// The venue as each of its shards knows it. The commands that change it go to all shards, and each comes to the same.
#[derive(Clone, Debug)]
pub(super) struct Venue {
    /// How many shards there are, 1 to [`ShardId::COUNT`].
    pub(super) shards: u8,
    pub(super) assets: Vec<Asset>,
    pub(super) logins: Vec<Login>,
    /// On: nobody's orders are taken.
    pub(super) killed: Switch,
    /// The digest of the configuration that opened it; `None` before that.
    pub(super) config_digest: Option<u64>,
    /// The edition of the rules.
    pub(super) rules: u16,
    /// From 0.
    pub(super) session: u32,
    /// The reign of the node that leads; 0 where none ever did.
    pub(super) epoch: u64,
    /// Who gets copies of what an account's logins are sent, and since which command, by account.
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
    /// Whether there is such a shard.
    pub(super) fn has(&self, shard: ShardId) -> bool {
        shard.0 < self.shards
    }

    /// Whether two shards know the same venue. What a login has in a shard (the numbers that it used, its settings) is the
    /// shard's.
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
