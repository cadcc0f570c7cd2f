//! Nothing that is looked at is changed.

use crate::engines::small_config;
use crate::recorded::*;
use dojima::config::Durability;
use dojima::runtime::ThreadingMode;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Names, contents, sizes and times of change of everything below a directory.
fn fingerprint(dir: &Path) -> Vec<(String, String, u64, i64, i64)> {
    let mut found = Vec::new();
    let mut entries: Vec<_> =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let meta = fs::metadata(&path).expect("there");
        let content = match path.is_dir() {
            true => {
                found.extend(fingerprint(&path));
                String::new()
            }
            false => Sha256::digest(fs::read(&path).expect("readable"))
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
        };
        found.push((arg(&path), content, meta.size(), meta.mtime(), meta.mtime_nsec()));
    }
    found
}

fn set_modes(dir: &Path, folder: u32, file: u32) {
    for path in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        match path.is_dir() {
            true => set_modes(&path, folder, file),
            false => fs::set_permissions(&path, fs::Permissions::from_mode(file)).expect("set"),
        }
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(folder)).expect("set");
}

#[test]
fn no_command_changes_what_it_reads() {
    let folder = copy(&DATA);
    let (data, elsewhere) = (arg(folder.path()), tempfile::tempdir().expect("a directory"));
    // What may not be written to can still be read (as root everything may be written to, so there is the fingerprint).
    set_modes(folder.path(), 0o555, 0o444);
    let file = elsewhere.path().join("engine.toml");
    let config = small_config(ThreadingMode::Shared, Durability::Async);
    fs::write(&file, config.to_toml().expect("a configuration")).expect("written");
    let (config, csv) = (arg(&file), arg(&elsewhere.path().join("all.csv")));
    let before = fingerprint(folder.path());
    let runs: [&[&str]; 10] = [
        &["summary", &data],
        &["summary", &data, "--events"],
        &["records", &data, "--position"],
        &["verify", &data],
        &["verify", &data, "--events"],
        &["diff", &data, &data],
        &["follow", &data, "--for", "0"],
        &["export", &data, "--format", "jsonl"],
        &["export", &data, "--events", "--format", "csv", "-o", &csv],
        &["replay", &data, "--config", &config],
    ];
    for run in runs {
        let said = tool(run);
        assert_eq!(said.code, 0, "{run:?}: {said:?}");
        assert_eq!(fingerprint(folder.path()), before, "{run:?} changed something");
    }
    set_modes(folder.path(), 0o755, 0o644);
}
