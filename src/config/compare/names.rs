//! Names of assets and shards in the opening.

use crate::domain::{AssetCode, AssetId, ShardId};

/// The code of an asset, and its scale.
pub(super) fn asset(assets: &[(AssetCode, u8)], id: AssetId) -> (String, u8) {
    assets.get(usize::from(id.0)).map_or_else(|| (format!("#{id}"), 0), |(code, scale)| (code.text(), *scale))
}

/// The name of a shard. The first shard has no opening command, so it has no name in the journal.
pub(super) fn shard_name(shards: &[(ShardId, String)], shard: ShardId) -> String {
    match (shard, shards.iter().find(|(known, _)| *known == shard)) {
        (ShardId::FIRST, _) => "the first".to_owned(),
        (_, Some((_, name))) => name.clone(),
        (_, None) => format!("#{shard}"),
    }
}
