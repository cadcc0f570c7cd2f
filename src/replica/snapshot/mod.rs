//! The snapshot file: a [`State`] as bytes (docs/FORMATS.md, "Snapshots").
//!
//! A header, then chunks, each with its length and checksum. Nothing is used before its checksum was verified, and
//! nothing here panics on any bytes: damage is reported with the file and the offset. The content of verified chunks is
//! also checked against the exchange's own rules.

pub mod layout;
pub(super) mod reader;
mod writer;

pub(super) use reader::{check, read, read_header};
pub(super) use writer::write;

use super::State;
use crate::domain::{ShardId, Timestamp};
use crate::exchange::Digest;
use dojima_journal::layout::{u32_at, u64_at};
use layout::{
    CONFIG_DIGEST_AT, HEADER_BYTES, HEADER_CRC_AT, HEADER_LENGTH_AT, LAST_EVENT_AT, MAGIC, MAGIC_AT,
    POSITION_AT, RESERVED_AT, SHARDS_AT, STATE_DIGEST_AT, TIME_AT, VERSION, VERSION_AT, Version,
};

/// The content of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub version: u32,
    pub position: u64,
    pub time: Timestamp,
    pub last_event: u64,
    pub config_digest: u64,
    pub digest: Digest,
    pub shards: u32,
}

/// Why a header is invalid.
pub(super) enum BadHeader {
    Version(u32),
    Damaged { at: usize, why: &'static str },
}

impl Header {
    pub fn of(state: &State, digest: Digest) -> Self {
        Self {
            version: VERSION,
            position: state.last.sequence,
            time: state.last.time,
            last_event: state.last_event,
            config_digest: state.shards.config_digest().unwrap_or_default(),
            digest,
            shards: state.shards.count() as u32,
        }
    }

    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(MAGIC_AT, &MAGIC);
        put(VERSION_AT, &self.version.to_le_bytes());
        put(HEADER_LENGTH_AT, &(HEADER_BYTES as u32).to_le_bytes());
        put(POSITION_AT, &self.position.to_le_bytes());
        put(TIME_AT, &self.time.0.to_le_bytes());
        put(LAST_EVENT_AT, &self.last_event.to_le_bytes());
        put(CONFIG_DIGEST_AT, &self.config_digest.to_le_bytes());
        put(STATE_DIGEST_AT, &self.digest.0);
        put(SHARDS_AT, &self.shards.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        bytes[HEADER_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Decodes a header, and determines which of these versions it has. The version is checked before the checksum,
    /// because a later version may have another header.
    pub fn decode(bytes: &[u8; HEADER_BYTES], versions: &[Version]) -> Result<(Self, Version), BadHeader> {
        let damaged = |at, why| Err(BadHeader::Damaged { at, why });
        if bytes[MAGIC_AT..VERSION_AT] != MAGIC {
            return damaged(MAGIC_AT, "not a snapshot: it does not start with DOJISNAP");
        }
        let number = u32_at(bytes, VERSION_AT);
        let version = versions.iter().find(|version| version.number == number);
        let version = *version.ok_or(BadHeader::Version(number))?;
        if header_crc(bytes) != crc32c::crc32c(&bytes[..HEADER_CRC_AT]) {
            return damaged(HEADER_CRC_AT, "header checksum mismatch");
        }
        if u32_at(bytes, HEADER_LENGTH_AT) != HEADER_BYTES as u32 {
            return damaged(HEADER_LENGTH_AT, "header length is not that of this version");
        }
        if bytes[RESERVED_AT..HEADER_CRC_AT].iter().any(|byte| *byte != 0) {
            return damaged(RESERVED_AT, "reserved bytes are not zero");
        }
        if u64_at(bytes, POSITION_AT).max(u64_at(bytes, LAST_EVENT_AT)) > u64::MAX / 2 {
            return damaged(POSITION_AT, "position out of range");
        }
        let shards = u32_at(bytes, SHARDS_AT);
        if shards == 0 || shards as usize > ShardId::COUNT {
            return damaged(SHARDS_AT, "number of shards out of range");
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(&bytes[STATE_DIGEST_AT..SHARDS_AT]);
        let header = Self {
            version: number,
            position: u64_at(bytes, POSITION_AT),
            time: Timestamp(u64_at(bytes, TIME_AT)),
            last_event: u64_at(bytes, LAST_EVENT_AT),
            config_digest: u64_at(bytes, CONFIG_DIGEST_AT),
            digest: Digest(digest),
            shards,
        };
        Ok((header, version))
    }
}

/// The checksum in a header, which seeds the checksums of the chunks.
fn header_crc(bytes: &[u8; HEADER_BYTES]) -> u32 {
    u32_at(bytes, HEADER_CRC_AT)
}

#[cfg(test)]
mod tests {
    use super::layout::VERSIONS;
    use super::reader::Source;
    use super::*;
    use crate::domain::{AccountId, Command, LoginId, LoginName, Stamp, VenueCommand};
    use crate::exchange::NameKey;
    use crate::exchange::snapshot::Part;
    use crate::replica::SnapshotError;
    use dojima_journal::MemoryStorage;
    use dojima_journal::storage::Storage;
    use std::convert::Infallible;

    /// A fictitious older version.
    const OLDER: Version = Version { number: 5, lacks: &[Part::Copies] };

    fn state(commands: &[Command]) -> State {
        let mut state = State::empty();
        for (sequence, command) in (1..).zip(commands) {
            let stamp = Stamp { sequence, time: Timestamp(sequence) };
            state.apply(stamp, command, &mut |_| Ok::<_, Infallible>(())).expect("nothing can fail");
        }
        state
    }

    /// The state written in the older version, and read by a build that knows these versions.
    fn read_again(state: &State, versions: &[Version]) -> Result<State, SnapshotError> {
        let header = Header { version: OLDER.number, ..Header::of(state, state.shards.digest()) };
        let mut bytes = Vec::new();
        let len = write(&header, state, &mut bytes).expect("memory takes everything");
        let files = MemoryStorage::new();
        files.put("file", bytes);
        let file = files.open("file").expect("it is there");
        let source = Source { file, path: files.path("file"), bytes: len };
        read(source, header.position, NameKey::default(), versions).map(|(state, _)| state)
    }

    #[test]
    fn a_snapshot_of_an_older_version_is_read_without_the_parts_that_it_lacks() {
        let (account, login) = (AccountId(0), LoginId(0));
        let opening = [
            Command::Venue(VenueCommand::OpenAccount { account }),
            Command::Venue(VenueCommand::OpenLogin { login, account, name: LoginName::default() }),
        ];
        let versions = [OLDER, VERSIONS[0]];
        let plain = state(&opening);
        let again = read_again(&plain, &versions).expect("it is read");
        assert_eq!(again.shards.digest(), plain.shards.digest());
        assert_eq!(again.shards.copies().count(), 0);
        // A file of the older version does not contain the part that it lacks.
        let copying =
            state(&[opening[0], opening[1], Command::Venue(VenueCommand::CopyAccount { login, account })]);
        let refused = read_again(&copying, &versions).map(drop).expect_err("refused");
        assert!(matches!(refused, SnapshotError::Damaged { .. }), "{refused}");
        let refused = read_again(&plain, &VERSIONS).map(drop).expect_err("refused");
        let both = (OLDER.number, VERSION);
        assert!(
            matches!(refused, SnapshotError::UnknownVersion { found, supported, .. } if (found, supported) == both),
            "{refused}"
        );
    }
}
