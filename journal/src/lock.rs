//! The exclusive lock of a journal directory: a lock on the open file `lock`, which the kernel releases whichever way
//! the process ends. The file holds the process id, only so that the refusal can name it.

use crate::error::JournalError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Name of the lock file in the journal's directory.
pub(crate) const FILE_NAME: &str = "lock";

/// Takes the lock of `dir`; it is held until the file that is returned is closed.
///
/// # Errors
/// [`JournalError::Locked`] if another writer holds it.
pub(crate) fn acquire(dir: &Path) -> Result<File, JournalError> {
    let path = dir.join(FILE_NAME);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(JournalError::io("open the lock file", &path))?;
    match file.try_lock() {
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
    // A full disk must not keep the engine from starting; the lock holds without the note.
    let _ = note(&mut file);
    Ok(file)
}
