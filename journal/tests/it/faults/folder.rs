//! Real directories that refuse. Root may do what modes forbid, so there the immutable attribute stands in for them;
//! where that cannot be set either, the test says that it was skipped.

use super::append_batches;
use crate::{append, entries, read_dir, small};
use dojima_journal::storage::{FileStorage, Storage, remove_unfinished};
use dojima_journal::{JournalError, Reader, Verdict, scan};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes a directory or file unwritable, in one way or the other, for as long as it lives.
struct ReadOnly {
    path: PathBuf,
    mode: u32,
    immutable: bool,
}

impl ReadOnly {
    /// `None`, with a message, where this process may write everywhere.
    fn new(path: &Path) -> Option<Self> {
        let mode = path.metadata().expect("it is there").permissions().mode();
        let mut guard = Self { path: path.to_owned(), mode, immutable: false };
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o555)).expect("the mode is set");
        if !guard.is_writable() {
            return Some(guard);
        }
        let set = Command::new("chattr").arg("+i").arg(path).output();
        guard.immutable = set.is_ok_and(|output| output.status.success());
        if guard.immutable && !guard.is_writable() {
            return Some(guard);
        }
        eprintln!("SKIPPED: this process may write to whatever it likes, and chattr +i does not work here");
        None
    }

    fn is_writable(&self) -> bool {
        if self.path.is_dir() {
            let probe = self.path.join("probe");
            let made = fs::write(&probe, b"").is_ok();
            let _ = fs::remove_file(probe);
            made
        } else {
            fs::OpenOptions::new().write(true).open(&self.path).is_ok()
        }
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if self.immutable {
            let _ = Command::new("chattr").arg("-i").arg(&self.path).output();
        }
        let _ = fs::set_permissions(&self.path, fs::Permissions::from_mode(self.mode));
    }
}

/// A journal of 150 records in a folder of its own, and whether its lock file is kept.
fn written(lock_file: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    append_batches(&mut scan(folder.path()).expect("scans").into_writer(small()).expect("opens"), 30);
    if !lock_file {
        fs::remove_file(folder.path().join("lock")).expect("removed");
    }
    folder
}

fn refused(dir: &Path) -> String {
    let scanned = scan(dir).expect("a scan only reads");
    assert_eq!((scanned.verdict(), scanned.records()), (&Verdict::Unsealed, 150));
    assert_eq!(read_dir(dir, 1), entries(1..=150));
    let error = scanned.into_writer(small().with_spare_segments(1)).expect_err("refused");
    assert!(matches!(error, JournalError::Io { .. }), "{error}");
    error.to_string()
}

fn opens_again(dir: &Path) {
    let mut writer = scan(dir).expect("scans").into_writer(small()).expect("opens");
    append(&mut writer, 5);
    drop(writer);
    assert_eq!(read_dir(dir, 1), entries(1..=155));
}

#[test]
fn a_read_only_directory_is_read_and_not_written() {
    let folder = written(false);
    let Some(guard) = ReadOnly::new(folder.path()) else { return };
    let text = refused(folder.path());
    assert!(text.contains("lock") && text.contains(&folder.path().display().to_string()), "{text}");
    drop(guard);
    opens_again(folder.path());
}

#[test]
fn a_directory_in_which_nothing_can_be_made_loses_nothing() {
    let folder = written(true);
    let Some(guard) = ReadOnly::new(folder.path()) else { return };
    // The tail is there and may be written; space for more cannot be made, and the writer says so.
    let mut writer = scan(folder.path()).expect("scans").into_writer(small()).expect("opens");
    let refused = loop {
        let (sequence, time_ns, payload) = crate::entry(writer.next_sequence());
        if let Err(error) = writer.append(sequence, time_ns, &payload) {
            break error;
        }
    };
    assert_eq!(refused, dojima_journal::AppendError::NoSpace);
    assert!(writer.low_space());
    assert!(
        writer.low_space_reason().expect("a reason").contains("permitted"),
        "{:?}",
        writer.low_space_reason()
    );
    let last = writer.sync().expect("what was accepted is durable");
    drop(guard);
    append(&mut writer, 5);
    drop(writer);
    assert_eq!(read_dir(folder.path(), 1), entries(1..=last + 5));
}

#[test]
fn a_read_only_segment_is_read_and_not_written() {
    let folder = written(true);
    let Some(guard) = ReadOnly::new(&folder.path().join("0000000003.seg")) else { return };
    let text = refused(folder.path());
    assert!(text.contains("0000000003.seg") && text.contains("cannot open for writing"), "{text}");
    drop(guard);
    opens_again(folder.path());
}

#[test]
fn a_read_only_lock_file_is_named() {
    let folder = written(true);
    let Some(guard) = ReadOnly::new(&folder.path().join("lock")) else { return };
    let text = refused(folder.path());
    assert!(text.contains("cannot open the lock file"), "{text}");
    drop(guard);
    opens_again(folder.path());
}

#[test]
fn a_file_where_the_directory_should_be_is_refused_by_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("journal");
    fs::write(&dir, b"not a directory").expect("written");
    for error in [scan(&dir).expect_err("refused"), Reader::open(&dir, 1).expect_err("refused")] {
        assert!(matches!(error, JournalError::Io { action: "list", .. }), "{error}");
        assert!(error.to_string().contains(&dir.display().to_string()), "{error}");
    }
    assert_eq!(fs::read(&dir).expect("there"), b"not a directory");
}

#[test]
fn a_directory_where_a_segment_should_be_is_no_segment() {
    let folder = written(true);
    fs::create_dir(folder.path().join("0000000009.seg")).expect("made");
    assert_eq!(scan(folder.path()).expect("scans").records(), 150);
    opens_again(folder.path());
}

#[test]
fn a_whole_file_is_replaced_or_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = FileStorage::new(&folder.path().join("snapshots"));
    storage.prepare().expect("made");
    let long = vec![7; 1_000_000];
    for bytes in [&b"old"[..], &long, b""] {
        storage.write("state", &mut |out| out.write_all(bytes)).expect("written");
        assert_eq!(fs::read(storage.path("state")).expect("there"), bytes);
    }
    let refused = storage.write("state", &mut |out| {
        out.write_all(&long)?;
        Err(std::io::ErrorKind::InvalidData.into())
    });
    assert_eq!(refused.expect_err("refused").kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(storage.files().expect("files"), [("state".to_owned(), 0)]);
    fs::write(storage.path("other.tmp"), b"half").expect("written");
    remove_unfinished(&storage).expect("removed");
    assert_eq!(storage.files().expect("files"), [("state".to_owned(), 0)]);
    let Some(_guard) = ReadOnly::new(storage.dir()) else { return };
    storage.write("state", &mut |out| out.write_all(b"new")).expect_err("refused");
    assert_eq!(storage.files().expect("files"), [("state".to_owned(), 0)]);
}
