//! Shards by name.

use crate::config::error::{Problems, quoted};
use crate::config::venue::ShardConfig;
use crate::domain::{Command, ShardId, ShardName, VenueCommand};

/// The shards of a configuration, by their ids.
pub(super) struct Shards(Vec<ShardName>);

impl Shards {
    pub(super) fn resolve(configs: &[ShardConfig], p: &mut Problems) -> Self {
        if configs.len() > ShardId::COUNT {
            p.add("shards", configs.len(), format!("a venue has at most {}", ShardId::COUNT));
        }
        let mut names = Vec::new();
        for ShardConfig { name, .. } in configs.iter().take(ShardId::COUNT) {
            let key = format!("shards[{name}].name");
            let valid = ShardName::new(name).ok_or("must be 1 to 8 ASCII characters without spaces");
            let Some(valid) = p.take(key.clone(), quoted(name), valid) else { continue };
            if names.contains(&valid) {
                p.add(key, quoted(name), "stands here twice");
            }
            names.push(valid);
        }
        Self(names)
    }

    /// The commands that open all shards but the first, which always exists.
    pub(super) fn commands(&self) -> impl Iterator<Item = Command> + '_ {
        let named = (0..).map(ShardId).zip(&self.0).skip(1);
        named.map(|(shard, name)| Command::Venue(VenueCommand::OpenShard { shard, name: *name }))
    }

    /// Whether there are shards besides the first.
    pub(super) fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// The shard with this name.
    pub(super) fn find(&self, key: String, name: &str, p: &mut Problems) -> Option<ShardId> {
        let at = self.0.iter().position(|known| known.text() == name);
        let reason = || match &self.0[..] {
            [] => "no such shard; [[shards]] names shards, and there are none".to_owned(),
            all => {
                let known: Vec<String> = all.iter().map(ShardName::text).collect();
                format!("no such shard; there are {}", known.join(", "))
            }
        };
        p.take(key, quoted(name), at.map(|at| ShardId(at as u8)).ok_or_else(reason))
    }
}
