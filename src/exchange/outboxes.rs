//! What a shard has on its way to other shards, and how much has arrived from them.

use crate::domain::{AccountId, Amount, AssetId, ShardId, ShardTransfer};
use std::collections::VecDeque;

/// The transfers between this shard and each other one.
#[derive(Clone, Debug, Default)]
pub(super) struct Transfers {
    /// Indexed by the other shard.
    pairs: [Between; ShardId::COUNT],
}

/// The transfers between this shard and another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Between {
    /// The number of the last transfer to the other shard; 0 before the first.
    pub(super) sent: u64,
    /// The transfers to it that have not arrived, the oldest first; the last one has the number `sent`. At most
    /// [`ShardTransfer::OF_PAIR_MAX`].
    pub(super) outbox: VecDeque<InFlight>,
    /// The number of the last transfer that arrived from the other shard; 0 before the first.
    pub(super) received: u64,
}

/// Money that has left a wallet and not arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InFlight {
    pub(super) account: AccountId,
    pub(super) asset: AssetId,
    pub(super) amount: Amount,
}

impl Between {
    /// The number of the next transfer that has to arrive at the other shard.
    pub(super) fn head(&self) -> u64 {
        self.sent - self.outbox.len() as u64 + 1
    }
}

impl Transfers {
    /// The transfers between this shard and another one.
    pub(super) fn pair(&self, other: ShardId) -> &Between {
        &self.pairs[usize::from(other.0)]
    }

    pub(super) fn pair_mut(&mut self, other: ShardId) -> &mut Between {
        &mut self.pairs[usize::from(other.0)]
    }

    /// Whether there was ever one.
    pub(super) fn are_there(&self) -> bool {
        self.pairs.iter().any(|pair| *pair != Between::default())
    }

    /// The transfers between this shard and every shard, by shard.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (ShardId, &Between)> {
        (0..).map(ShardId).zip(&self.pairs)
    }

    /// Allocates the outboxes of a shard to all others of this many, so that a transfer allocates nothing.
    pub(super) fn make_room(&mut self, own: ShardId, shards: u8) {
        for other in (0..shards).map(ShardId).filter(|other| *other != own) {
            let outbox = &mut self.pair_mut(other).outbox;
            outbox.reserve(ShardTransfer::OF_PAIR_MAX - outbox.len());
        }
    }

    /// Sets the numbers of the transfers to and from another shard, before its outbox is filled.
    pub(super) fn restore(&mut self, other: ShardId, sent: u64, received: u64) {
        let pair = self.pair_mut(other);
        (pair.sent, pair.received) = (sent, received);
    }

    /// Adds the next transfer that has not arrived at another shard.
    pub(super) fn refill(&mut self, other: ShardId, money: InFlight) {
        self.pair_mut(other).outbox.push_back(money);
    }

    /// All money on its way to other shards, by destination and number.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = &InFlight> {
        self.pairs.iter().flat_map(|pair| &pair.outbox)
    }

    /// The money of an asset on its way to other shards.
    pub(super) fn sum(&self, asset: AssetId) -> i128 {
        let of_asset = self.in_flight().filter(|money| money.asset == asset);
        of_asset.map(|money| i128::from(money.amount.0)).sum()
    }
}
