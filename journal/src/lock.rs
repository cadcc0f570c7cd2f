//! The exclusive lock of a journal directory: a lock on the open file `lock`. The kernel releases it however the
//! process ends. The file contains the process id, which is used only in the error message of another process.

use crate::error::JournalError;
use crate::folder::private_file;
use crate::passing::retry;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Name of the lock file in the journal's directory.
pub(crate) const FILE_NAME: &str = "lock";

/// How long to retry while the lock is held. A process that was just killed releases it soon; so does a child between
/// fork and exec that has inherited the file.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// Takes the lock of `dir`, retrying for up to a second. The lock is held until the returned file is closed.
///
/// # Errors
/// [`JournalError::Locked`] if another writer holds it.
pub(crate) fn acquire(dir: &Path) -> Result<File, JournalError> {
    let path = dir.join(FILE_NAME);
    let mut file = retry(|| private_file().truncate(false).read(true).open(&path))
        .map_err(JournalError::io("open the lock file", &path))?;
    match try_patiently(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let holder = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(JournalError::Locked { dir: dir.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(JournalError::Io { action: "lock", path, source }),
    }
    let note = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    // A full disk must not prevent the start; the lock works without the process id in the file.
    let _ = note(&mut file);
    Ok(file)
}

/// Whether a process holds the lock of `dir`. The check takes the lock for reading and releases it at once; a writer
/// that asks at the same moment retries.
///
/// # Errors
/// If the lock file cannot be read; the answer is then unknown.
pub fn is_held(dir: &Path) -> io::Result<bool> {
    let file = match retry(|| File::open(dir.join(FILE_NAME))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn try_patiently(file: &File) -> Result<(), TryLockError> {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_at_a_lock_does_not_hold_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert!(!is_held(dir.path()).expect("readable"), "there is no lock file");
        let held = acquire(dir.path()).expect("free");
        assert!(is_held(dir.path()).expect("readable"));
        drop(held);
        assert!(!is_held(dir.path()).expect("readable"));
        acquire(dir.path()).expect("nobody holds it");
    }

    #[test]
    fn a_lock_that_is_given_back_in_a_moment_is_waited_for() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let held = acquire(dir.path()).expect("free");
        let refused = acquire(dir.path()).expect_err("held for longer than anybody waits");
        assert!(
            matches!(refused, JournalError::Locked { holder: Some(pid), .. } if pid == std::process::id())
        );
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(PAUSE * 3);
                drop(held);
            });
            acquire(dir.path()).expect("waited for");
        });
    }
}
