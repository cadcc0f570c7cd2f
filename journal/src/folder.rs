//! Directories and files that only their owner can access.

use crate::passing::retry;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Only the owner may access it: a reader could see every order, including hidden ones.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Options that create a file with access for its owner only. An existing file keeps its mode.
#[must_use]
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(FILE_MODE);
    options
}

/// Creates a directory with access for its owner only, and missing parents with the usual mode. All of them are
/// durable: after this returns, a power loss removes no name on the path. An existing directory keeps its mode.
///
/// # Errors
/// Any error of the operating system.
pub fn make_folder(dir: &Path) -> io::Result<()> {
    make_folder_and(dir, FOLDER_MODE, &mut |parent| retry(|| File::open(parent))?.sync_all())
}

fn make_folder_and(dir: &Path, mode: u32, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    /// The default mode of `mkdir`; the process's umask still applies.
    const PARENT_MODE: u32 = 0o777;
    let parent = match dir.parent() {
        // A relative path with one component.
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    if dir.is_dir() {
        // The process that created it may have been killed before it synced the parent. A parent that cannot be read
        // was not created by an engine.
        return match sync(parent) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        };
    }
    make_folder_and(parent, PARENT_MODE, sync)?;
    match retry(|| DirBuilder::new().mode(mode).create(dir)) {
        // Another process created it first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
        made => made?,
    }
    sync(parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_folder_that_is_made_is_synced_into_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let [a, b, c] = ["a", "a/b", "a/b/c"].map(|path| folder.path().join(path));
        let mut synced = Vec::new();
        let mut make = |dir: &Path| {
            synced.clear();
            let made = make_folder_and(dir, FOLDER_MODE, &mut |parent| {
                synced.push(parent.to_owned());
                Ok(())
            });
            made.map(|()| synced.clone())
        };
        let outside = folder.path().parent().expect("a temporary directory lies somewhere").to_owned();
        assert_eq!(make(&c).expect("made"), [outside, folder.path().to_owned(), a.clone(), b.clone()]);
        // An existing directory may have been created by a process that was killed before it could sync.
        assert_eq!(make(&c).expect("there"), [b]);
        fs::write(a.join("file"), b"").expect("written");
        make(&a.join("file/d")).expect_err("a file is no folder");
    }

    #[test]
    fn a_folder_that_cannot_be_synced_is_not_made_for_good() {
        let folder = tempfile::tempdir().expect("a folder");
        let refuse = |kind: io::ErrorKind| move |_: &Path| -> io::Result<()> { Err(kind.into()) };
        let dir = folder.path().join("a");
        // Of a folder that was there, who may only pass through its parent is not refused.
        let make = |dir: &Path, kind| make_folder_and(dir, FOLDER_MODE, &mut refuse(kind));
        make(folder.path(), io::ErrorKind::PermissionDenied).expect("it was there");
        make(folder.path(), io::ErrorKind::StorageFull).expect_err("its name may not be durable");
        make(&dir, io::ErrorKind::StorageFull).expect_err("its name may not be durable");
    }
}
