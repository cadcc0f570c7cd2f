//! Arguments that several commands share.

use super::folder::Folder;
use crate::config::{Config, ConfigError};
use clap::Args;
use std::path::{Path, PathBuf};

/// Where an engine's files are. Shared by the commands that read them.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// The engine's data directory
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
}

impl DataArgs {
    /// The directory, which must exist.
    ///
    /// # Errors
    /// When it does not exist or is not a data directory.
    pub fn existing_dir(&self) -> anyhow::Result<&PathBuf> {
        let folder = Folder::at(&self.data);
        match folder.no_data_dir() {
            Some(why) => Err(folder.error(why)),
            None => Ok(&self.data),
        }
    }
}

/// The configuration from the file, or the built-in one without a file.
pub(super) fn read_config(file: Option<&Path>) -> Result<Config, ConfigError> {
    file.map_or_else(|| Ok(Config::embedded_default()), Config::load)
}
