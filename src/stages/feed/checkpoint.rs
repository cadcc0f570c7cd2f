//! Checkpoints: the feed's state in files beside the log, so that a start need not read all events from the first.
//!
//! A checkpoint is written only when the log up to it and its commands are on disk, so it is never ahead of what a
//! power loss leaves. The newest two are kept.

use crate::market::Feed;
use crate::runtime::Fatal;
use dojima_journal::layout::{u32_at, u64_at};
use dojima_journal::storage::{Storage, UNFINISHED};
use std::io;
use std::sync::Arc;

/// The first bytes of a checkpoint.
const MAGIC: [u8; 8] = *b"DJMKTDAT";
const VERSION: u32 = 3;

const VERSION_AT: usize = 8;
const CRC_AT: usize = 12;
const MESSAGES_AT: usize = 16;
const SESSION_FIRST_AT: usize = 24;
const STATE_AT: usize = 32;

const KEPT: usize = 2;

const PREFIX: &str = "checkpoint-";
const SUFFIX: &str = ".feed";

/// The position and state from which a feed continues.
#[derive(Clone)]
pub(super) struct Checkpoint {
    pub(super) feed: Feed,
    /// The number of messages over all sessions.
    pub(super) messages: u64,
    /// The number of the present session's first message; the next number if it has none yet.
    pub(super) session_first: u64,
}

impl Default for Checkpoint {
    /// The state before the first event.
    fn default() -> Self {
        Self { feed: Feed::default(), messages: 0, session_first: 1 }
    }
}

/// The bytes of a checkpoint to be written, and its position.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) event: u64,
    pub(super) sequence: u64,
}

impl Checkpoint {
    /// Integers are little-endian; the CRC-32C covers everything after it.
    pub(super) fn encode(feed: &Feed, messages: u64, session_first: u64) -> Encoded {
        let mut bytes = vec![0; STATE_AT];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[VERSION_AT..CRC_AT].copy_from_slice(&VERSION.to_le_bytes());
        bytes[MESSAGES_AT..SESSION_FIRST_AT].copy_from_slice(&messages.to_le_bytes());
        bytes[SESSION_FIRST_AT..STATE_AT].copy_from_slice(&session_first.to_le_bytes());
        bytes.extend_from_slice(&feed.to_bytes());
        let crc = crc32c::crc32c(&bytes[MESSAGES_AT..]);
        bytes[CRC_AT..MESSAGES_AT].copy_from_slice(&crc.to_le_bytes());
        Encoded { bytes, event: feed.last_event(), sequence: feed.sequence() }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < STATE_AT {
            return Err("it is too short".to_owned());
        }
        let (messages, session_first) = (u64_at(bytes, MESSAGES_AT), u64_at(bytes, SESSION_FIRST_AT));
        if bytes[..8] != MAGIC {
            return Err("it is not a checkpoint (wrong magic)".to_owned());
        }
        let version = u32_at(bytes, VERSION_AT);
        if version != VERSION {
            return Err(format!("it is of version {version}, but this build reads version {VERSION}"));
        }
        if u32_at(bytes, CRC_AT) != crc32c::crc32c(&bytes[MESSAGES_AT..]) {
            return Err("its checksum is wrong".to_owned());
        }
        if session_first == 0 || session_first > messages + 1 {
            return Err("its session begins after its last message".to_owned());
        }
        let feed = Feed::from_bytes(&bytes[STATE_AT..]).map_err(|error| error.to_string())?;
        Ok(Self { feed, messages, session_first })
    }
}

fn name_of(event: u64) -> String {
    format!("{PREFIX}{event:020}{SUFFIX}")
}

fn event_of(name: &str) -> Option<u64> {
    let event = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()?;
    (name_of(event) == name).then_some(event)
}

/// Whether a file of this name in the market-data directory is a checkpoint, finished or not.
pub fn is_checkpoint_file(name: &str) -> bool {
    event_of(name.strip_suffix(UNFINISHED).unwrap_or(name)).is_some()
}

/// The events of the existing checkpoints, the newest first.
pub(super) fn all(files: &dyn Storage) -> io::Result<Vec<u64>> {
    let mut events: Vec<u64> = files.files()?.iter().filter_map(|(name, _)| event_of(name)).collect();
    events.sort_unstable_by(|one, other| other.cmp(one));
    Ok(events)
}

/// Reads the checkpoint of this event.
pub(super) fn read(files: &dyn Storage, event: u64) -> Result<Checkpoint, String> {
    let name = name_of(event);
    let file = files.open(&name).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        bytes.resize(start + (1 << 20), 0);
        let read = file.read_at(&mut bytes[start..], start as u64).map_err(|error| error.to_string())?;
        bytes.truncate(start + read);
        if read == 0 {
            break;
        }
    }
    let checkpoint = Checkpoint::decode(&bytes)?;
    if checkpoint.feed.last_event() == event {
        Ok(checkpoint)
    } else {
        Err("it is a checkpoint of another event".to_owned())
    }
}

/// Writes a checkpoint, reads it back, and deletes surplus ones. A checkpoint that does not verify does not count,
/// because no start could use it.
///
/// # Errors
/// Any error of the operating system; [`io::ErrorKind::InvalidData`] if the bytes read back differ.
pub(super) fn write(files: &dyn Storage, checkpoint: &Encoded) -> io::Result<()> {
    let name = name_of(checkpoint.event);
    files.write(&name, &mut |out| out.write_all(&checkpoint.bytes))?;
    read(files, checkpoint.event).map_err(|why| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} was read back, and {why}", files.path(&name).display()),
        )
    })?;
    let there = all(files)?;
    let sound = there.iter().copied().filter(|event| read(files, *event).is_ok());
    let Some(oldest) = sound.take(KEPT).nth(KEPT - 1) else { return Ok(()) };
    for old in there.into_iter().filter(|event| *event < oldest) {
        files.remove(&name_of(old))?;
    }
    Ok(())
}

/// Creates the directory and removes unfinished files.
pub(super) fn prepare(files: &dyn Storage) -> Result<(), Fatal> {
    let failed = |error: io::Error| Fatal::market_data(format_args!("{}: {error}", files.dir().display()));
    files.prepare().map_err(failed)
}

/// The number of messages up to the newest checkpoint that verifies, and its session; `None` if there is none.
pub fn newest_checkpoint(market_data: &Arc<dyn Storage>) -> Option<(u64, u32)> {
    let found = newest(market_data.as_ref())?;
    Some((found.messages, found.feed.session()))
}

/// The command of the newest checkpoint that verifies; it was on disk when the checkpoint was made. `None` if there is
/// none.
pub fn newest_checkpoint_sequence(market_data: &Arc<dyn Storage>) -> Option<u64> {
    Some(newest(market_data.as_ref())?.feed.sequence())
}

fn newest(files: &dyn Storage) -> Option<Checkpoint> {
    all(files).ok()?.into_iter().find_map(|event| read(files, event).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AdminEvent, Event, EventRecord};
    use dojima_journal::MemoryStorage;

    /// A checkpoint of this event.
    fn encoded(number: u64) -> Encoded {
        let mut feed = Feed::default();
        let event = Event::Admin(AdminEvent::InstrumentListed(crate::domain::Listing::default()));
        feed.apply(&EventRecord { number, sequence: 3, event, ..EventRecord::default() }, &mut Vec::new());
        Checkpoint::encode(&feed, 3, 1)
    }

    #[test]
    fn damaged_checkpoints_do_not_count_among_those_that_are_kept() {
        let files = MemoryStorage::new();
        let write = |event| write(&files, &encoded(event)).expect("written");
        (1..=3).for_each(write);
        assert_eq!(all(&files).expect("listed"), [3, 2]);
        files.rot(&name_of(3), 40, 1);
        write(4);
        assert_eq!(
            all(&files).expect("listed"),
            [4, 3, 2],
            "3 is damaged: with 4 and it alone, one would be left"
        );
        write(5);
        assert_eq!(all(&files).expect("listed"), [5, 4]);
    }

    #[test]
    fn a_checkpoint_that_the_disk_does_not_give_back_is_an_error() {
        let files = MemoryStorage::new();
        write(&files, &encoded(1)).expect("written");
        let late = Encoded { event: 9, ..encoded(8) };
        let refused =
            write(&files, &late).expect_err("it is a checkpoint of another event than its name says");
        assert!(
            refused.to_string().contains("was read back, and it is a checkpoint of another event"),
            "{refused}"
        );
    }

    #[test]
    fn every_damaged_byte_is_seen() {
        let mut feed = Feed::default();
        let event = Event::Admin(AdminEvent::InstrumentListed(crate::domain::Listing::default()));
        feed.apply(&EventRecord { number: 7, sequence: 3, event, ..EventRecord::default() }, &mut Vec::new());
        let encoded = Checkpoint::encode(&feed, 3, 1);
        assert_eq!((encoded.event, encoded.sequence), (7, 3));
        let whole = Checkpoint::decode(&encoded.bytes).expect("it is whole");
        assert_eq!((whole.messages, whole.session_first, whole.feed.last_event()), (3, 1, 7));
        for at in 0..encoded.bytes.len() {
            let mut bytes = encoded.bytes.clone();
            bytes[at] ^= 1;
            assert!(Checkpoint::decode(&bytes).is_err(), "byte {at}");
            assert!(Checkpoint::decode(&encoded.bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
