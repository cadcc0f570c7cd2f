//! Assets by code.

use crate::config::error::{Problems, quoted};
use crate::config::venue::AssetConfig;
use crate::domain::{AdminCommand, Amount, AssetCode, AssetId, Command};

const SCALE_MAX: u8 = Amount::SCALE_MAX;

/// The assets with valid codes and scales, in the order of their ids.
pub(super) struct Assets(Vec<Asset>);

#[derive(Clone, Copy)]
pub(super) struct Asset {
    pub(super) id: AssetId,
    code: AssetCode,
    pub(super) scale: u8,
}

impl Assets {
    pub(super) fn resolve(configs: &[AssetConfig], p: &mut Problems) -> Self {
        if configs.is_empty() {
            p.add("assets", "[]", "at least two are needed: something to trade and something to pay with");
        }
        if configs.len() > usize::from(u16::MAX) {
            p.add("assets", format!("{} entries", configs.len()), "at most 65,535 are possible");
        }
        let mut assets: Vec<Asset> = Vec::new();
        for (id, config) in (0..=u16::MAX).zip(configs) {
            let key = |field: &str| format!("assets[{}].{field}", config.code);
            let Some(code) = AssetCode::new(&config.code) else {
                p.add(key("code"), quoted(&config.code), "must be 1 to 8 ASCII characters without spaces");
                continue;
            };
            if assets.iter().any(|asset| asset.code == code) {
                p.add(key("code"), quoted(&config.code), "stands here twice");
                continue;
            }
            if config.scale > SCALE_MAX {
                p.add(key("scale"), config.scale, format!("must be from 0 to {SCALE_MAX}"));
                continue;
            }
            assets.push(Asset { id: AssetId(id), code, scale: config.scale });
        }
        Self(assets)
    }

    pub(super) fn commands(&self) -> impl Iterator<Item = Command> {
        self.0
            .iter()
            .map(|a| Command::Admin(AdminCommand::AddAsset { asset: a.id, code: a.code, scale: a.scale }))
    }

    /// The asset with this code.
    pub(super) fn named(&self, code: &str) -> Option<Asset> {
        self.0.iter().find(|asset| asset.code.text() == code).copied()
    }

    pub(super) fn scale(&self, asset: AssetId) -> Option<u8> {
        self.0.iter().find(|known| known.id == asset).map(|known| known.scale)
    }

    /// The code of an asset; empty for one that does not exist.
    pub(super) fn code(&self, asset: AssetId) -> String {
        let found = self.0.iter().find(|known| known.id == asset);
        found.map_or_else(String::new, |known| known.code.text())
    }

    pub(super) fn find(&self, key: String, code: &str, p: &mut Problems) -> Option<Asset> {
        let found = self.named(code);
        let known = || self.0.iter().map(|asset| asset.code.text()).collect::<Vec<_>>().join(", ");
        p.take(key, quoted(code), found.ok_or_else(|| format!("no such asset; there are {}", known())))
    }
}
