//! Checks of a configuration against a data directory: the database must not replace the engine's own files.

use super::error::{ConfigError, Problem, Problems};
use super::file::Config;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Names in the data directory that the engine uses itself.
pub(super) const TAKEN: [&str; 8] = [
    "journal",
    "events",
    "snapshots",
    "market-data",
    "known-addresses",
    "lock",
    "operator.sock",
    "operator.tmp",
];

/// The most links that are followed in one path; the same limit as the operating system's.
const LINKS_MAX: u32 = 40;

impl Config {
    /// Checks that need the data directory: the path of the database must not lead, directly or through links, to a file of
    /// the engine or to a file that the configuration names.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn validate_in(&self, data: &Path) -> Result<(), ConfigError> {
        let problems = database(self, data);
        if problems.is_empty() { Ok(()) } else { Err(ConfigError::invalid(problems)) }
    }
}

fn database(config: &Config, data: &Path) -> Vec<Problem> {
    let mut problems = Problems::default();
    if !config.sql.enabled {
        return problems.0;
    }
    let database = real(&data.join(&config.sql.path));
    let value = format!("{:?}", config.sql.path);
    for name in TAKEN {
        let taken = data.join(name);
        if lies_in(&database, &taken) {
            let reason =
                format!("leads into {}, which is the engine's own; name another file", taken.display());
            problems.add("sql.path", &value, reason);
        }
    }
    if let Some(tls) = &config.tls {
        for (key, file) in [("tls.certificate", &tls.certificate), ("tls.key", &tls.key)] {
            if lies_in(&database, file) {
                problems.add("sql.path", &value, format!("leads to the file of {key}"));
            }
        }
    }
    problems.0
}

/// Whether a path without links is the file or folder `place`, or is inside it.
fn lies_in(path: &Path, place: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    // Compares identity, too: one folder can be mounted at two places.
    let taken = identity(place);
    path.starts_with(real(place))
        || taken.is_some() && path.ancestors().any(|folder| identity(folder) == taken)
}

/// The absolute path without links, `.` and `..`; also for paths that do not exist. A folder that cannot be read is treated
/// as not existing.
fn real(path: &Path) -> PathBuf {
    let mut real = std::env::current_dir().unwrap_or_default();
    let mut links_left = LINKS_MAX;
    follow(path, &mut real, &mut links_left);
    real
}

fn follow(path: &Path, real: &mut PathBuf, links_left: &mut u32) {
    for part in path.components() {
        match part {
            Component::Prefix(_) | Component::RootDir => *real = PathBuf::from("/"),
            Component::CurDir => {}
            Component::ParentDir => {
                real.pop();
            }
            Component::Normal(name) => match fs::read_link(real.join(name)) {
                Ok(target) if *links_left > 0 => {
                    *links_left -= 1;
                    follow(&target, real, links_left);
                }
                _ => real.push(name),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn refused(data: &Path, path: &Path) -> bool {
        let mut config = Config::embedded_default();
        config.sql.path = path.to_owned();
        match config.validate_in(data) {
            Ok(()) => false,
            Err(error) => {
                assert!(error.to_string().contains("sql.path = "), "{error}");
                true
            }
        }
    }

    #[test]
    fn a_database_among_the_engines_files_is_refused_by_whatever_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        // None of the files exists yet.
        for name in TAKEN {
            assert!(refused(&data, &data.join(name)), "{name} itself");
            assert!(refused(&data, &data.join(name).join("deep/db")), "in {name}");
            assert!(refused(&data, &Path::new("../data").join(name)), "round about to {name}");
            assert!(refused(&data, &Path::new("sql/..").join(name).join("db")), "back to {name}");
        }
        for fine in ["db", "sql/journal", "../journal", "../journal/../data/db", "journal.sqlite"] {
            assert!(!refused(&data, Path::new(fine)), "{fine}");
        }
        // Now with links: to the data directory, to a folder in it, to a missing file, out of the directory, in a cycle.
        fs::create_dir_all(data.join("events")).expect("made");
        let link = |target: &Path, name: &str| {
            let link = folder.path().join(name);
            symlink(target, &link).expect("linked");
            link
        };
        assert!(refused(&data, &link(&data, "same").join("events/db")));
        assert!(refused(&data, &link(&data.join("events"), "log").join("db")));
        assert!(refused(&data, &link(&data.join("journal/new"), "file")));
        assert!(refused(&data, &link(Path::new("data"), "relative").join("lock")));
        assert!(!refused(&data, &link(folder.path(), "above").join("journal")));
        assert!(!refused(&data, &link(&folder.path().join("circle"), "circle")));
        // The engine's own folder is a link: the link's target is refused, too.
        fs::create_dir(folder.path().join("elsewhere")).expect("made");
        symlink(folder.path().join("elsewhere"), data.join("journal")).expect("linked");
        assert!(refused(&data, &folder.path().join("elsewhere/db")));
        assert!(refused(&data, Path::new("journal/db")));
    }

    #[test]
    fn without_sql_its_path_does_not_matter() {
        let mut config = Config::embedded_default();
        config.sql.path = "journal/db".into();
        config.sql.enabled = false;
        config.validate_in(Path::new("data")).expect("nobody writes there");
    }
}
