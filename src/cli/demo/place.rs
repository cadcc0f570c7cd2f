//! The files of a demo's engine.

use super::args::DemoArgs;
use crate::config::Config;
use crate::flow::Flow;
use anyhow::{Context, bail};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// The paths of the engine's files.
pub(super) struct Place {
    pub(super) data: PathBuf,
    pub(super) config_file: PathBuf,
    pub(super) config: Config,
    /// Removes all files at the end.
    _temporary: Option<TempDir>,
}

impl Place {
    pub(super) fn make(args: &DemoArgs, flow: &Flow) -> anyhow::Result<Self> {
        let temporary = match args.data {
            Some(_) => None,
            None => Some(TempDir::with_prefix("dojima-demo-").context("no temporary directory")?),
        };
        let dir = match (&args.data, &temporary) {
            (Some(dir), _) => dir.as_path(),
            (None, Some(dir)) => dir.path(),
            (None, None) => bail!("no directory"),
        };
        if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
            bail!("{} is not empty; the demo begins with a new exchange", dir.display());
        }
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let mut config = flow.venue.config();
        config.engine.mode = args.mode;
        config.journal.durability = args.durability;
        config.gateway.listen = "127.0.0.1:0".parse()?;
        config.market_data.listen = config.gateway.listen;
        config.market_data.glimpse_listen = config.gateway.listen;
        config.validate()?;
        let config_file = dir.join("demo.toml");
        fs::write(&config_file, config.to_toml()?)
            .with_context(|| format!("cannot write {}", config_file.display()))?;
        Ok(Self { data: dir.join("data"), config_file, config, _temporary: temporary })
    }

    pub(super) fn engine_log(&self) -> PathBuf {
        self.config_file.with_file_name("engine.log")
    }

    /// The last lines of the engine's log, for an error message.
    pub(super) fn engine_log_tail(&self) -> String {
        let text = fs::read_to_string(self.engine_log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(5)..].join("\n  ");
        if tail.is_empty() {
            "the demo failed".to_owned()
        } else {
            format!("the engine said:\n  {tail}\nthe demo failed")
        }
    }

    /// The path of the database; a relative path is inside the data directory.
    pub(super) fn database(&self) -> PathBuf {
        self.data.join(&self.config.sql.path)
    }
}
