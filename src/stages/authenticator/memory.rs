//! The addresses from which users have logged in, kept in a file across restarts.
//!
//! The file is text, replaced as a whole, readable by its owner only:
//!
//! ```text
//! dojima known addresses 1
//! crc32c 9f3c01ab
//! ALICE 192.0.2.7 1790000000
//! ```
//!
//! The checksum covers everything after its own line. Each further line is a name, an address, and the time of the last
//! login from there in seconds since 1970-01-01 UTC; the lines of one name are in the order of these times. An
//! unreadable file is ignored and does not prevent a start: users then only wait in another line.

use super::standing::{Member, Regular};
use crate::domain::LoginName;
use crate::runtime::{UnixNanos, WallClock};
use crate::wire::soup;
use dojima_journal::storage::Storage;
use std::collections::HashMap;
use std::fmt::Write;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;

/// The file's name in the data directory.
pub const FILE: &str = "known-addresses";

const TITLE: &str = "dojima known addresses 1";
const CHECKSUM: &str = "crc32c ";

/// The longest file that is read, bytes: room for more than 10,000 users.
const FILE_LEN_MAX: usize = 8 << 20;

/// The file is written when no known user waits, at the latest this long after a change, and not sooner than this long
/// after the last write, ns. A failed write is retried after the same time.
const PATIENCE_NS: u64 = 10_000_000_000;
const REST_NS: u64 = 1_000_000_000;
const RETRY_NS: u64 = 60_000_000_000;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("it is longer than {FILE_LEN_MAX} bytes")]
    TooLong,
    #[error("it is damaged")]
    Damaged,
}

/// The remembered addresses and their file.
pub struct Memory {
    files: Option<Arc<dyn Storage>>,
    wall: Box<dyn WallClock>,
    /// Since when there are unsaved changes, by the monotonic clock.
    new_since: Option<u64>,
    write_from: u64,
}

impl Memory {
    /// Remembers in a file of this storage; without one, only in memory.
    pub fn new(files: Option<Arc<dyn Storage>>, wall: Box<dyn WallClock>) -> Self {
        Self { files, wall, new_since: None, write_from: 0 }
    }

    /// The wall-clock time. It only decides which entries are too old.
    pub fn time(&mut self) -> UnixNanos {
        self.wall.time()
    }

    /// Reads the file, if there is one. Names that no longer exist are skipped.
    pub fn recall(&mut self, members: &mut HashMap<LoginName, Member>) {
        let Some(files) = &self.files else { return };
        let time = self.wall.time();
        match read(files.as_ref()) {
            Ok(lines) => {
                for (name, from, last) in lines {
                    if let Some(member) = members.get_mut(&name) {
                        // A clock that was ahead must not make an address known for ever.
                        member.came_from(from, last.min(time));
                    }
                }
            }
            Err(why) => {
                let path = files.path(FILE);
                let path = path.display();
                tracing::warn!(%path, "where logins have come from is not known: {why}; it begins anew");
            }
        }
    }

    /// Records that there are unsaved changes.
    pub fn note(&mut self, now: u64) {
        self.new_since.get_or_insert(now);
    }

    /// Writes the file if it is due. Waits for the disk.
    pub fn write_if_due(&mut self, members: &HashMap<LoginName, Member>, is_busy: bool, now: u64) -> usize {
        match self.new_since {
            Some(since) if now >= self.write_from && (!is_busy || now - since >= PATIENCE_NS) => {
                self.write(members, now);
                1
            }
            _ => 0,
        }
    }

    /// Writes the file if there are unsaved changes.
    pub fn finish(&mut self, members: &HashMap<LoginName, Member>, now: u64) {
        if self.new_since.is_some() {
            self.write(members, now);
        }
    }

    fn write(&mut self, members: &HashMap<LoginName, Member>, now: u64) {
        self.new_since = None;
        self.write_from = now + REST_NS;
        let Some(files) = &self.files else { return };
        let text = text(members, self.wall.time());
        if let Err(error) = files.write(FILE, &mut |file| file.write_all(text.as_bytes())) {
            let path = files.path(FILE);
            let path = path.display();
            tracing::warn!(%path, "where logins have come from cannot be written: {error}; trying again in a minute");
            (self.new_since, self.write_from) = (Some(now), now + RETRY_NS);
        }
    }
}

fn text(members: &HashMap<LoginName, Member>, time: UnixNanos) -> String {
    let mut names: Vec<&LoginName> = members.keys().collect();
    names.sort_unstable();
    let mut lines = String::new();
    for name in names {
        for Regular { from, last } in members[name].regulars(time).rev() {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{name} {from} {}", last.0 / 1_000_000_000);
        }
    }
    format!("{TITLE}\n{CHECKSUM}{:08x}\n{lines}", crc32c::crc32c(lines.as_bytes()))
}

fn read(files: &dyn Storage) -> Result<Vec<(LoginName, IpAddr, UnixNanos)>, Unreadable> {
    let file = match files.open(FILE) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = file.read_at(&mut piece, bytes.len() as u64)?;
        bytes.extend_from_slice(&piece[..count]);
        if bytes.len() > FILE_LEN_MAX {
            return Err(Unreadable::TooLong);
        }
        if count == 0 {
            return parse(&bytes).ok_or(Unreadable::Damaged);
        }
    }
}

/// Parses a file; `None` if it is damaged.
fn parse(bytes: &[u8]) -> Option<Vec<(LoginName, IpAddr, UnixNanos)>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let rest = text.strip_prefix(TITLE)?.strip_prefix('\n')?.strip_prefix(CHECKSUM)?;
    let (checksum, lines) = rest.split_once('\n')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32c::crc32c(lines.as_bytes()) {
        return None;
    }
    lines.lines().map(line).collect()
}

fn line(line: &str) -> Option<(LoginName, IpAddr, UnixNanos)> {
    let mut words = line.split(' ');
    let (name, from, seconds) = (words.next()?, words.next()?, words.next()?);
    let last = seconds.parse::<u64>().ok()?.checked_mul(1_000_000_000)?;
    let entry = (soup::username(name)?, from.parse().ok()?, UnixNanos(last));
    words.next().is_none().then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_read_or_refused() {
        let lines = "ALICE 192.0.2.7 1790000000\nBOB 2001:db8:: 5\n";
        let whole = format!("{TITLE}\n{CHECKSUM}{:08x}\n{lines}", crc32c::crc32c(lines.as_bytes()));
        assert_eq!(parse(whole.as_bytes()).map(|lines| lines.len()), Some(2));
        for at in 0..whole.len() {
            assert_eq!(parse(&whole.as_bytes()[..at]), None, "cut at {at}");
            let mut damaged = whole.clone().into_bytes();
            damaged[at] ^= 0x15;
            assert_eq!(parse(&damaged), None, "a bit at {at}");
        }
        for odd in
            ["ALICE", "ALICE 1.2.3.4 x", "ALICE 1.2.3.4 1 2", "ALICETOOLONG 1.2.3.4 1", "A 1.2.3 1", ""]
        {
            let odd = format!("{odd}\n");
            let text = format!("{TITLE}\n{CHECKSUM}{:08x}\n{odd}", crc32c::crc32c(odd.as_bytes()));
            assert_eq!(parse(text.as_bytes()), None, "{odd:?}");
        }
    }
}
