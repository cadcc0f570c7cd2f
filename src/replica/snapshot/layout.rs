//! Every offset, size and number of a snapshot file. The same tables are in docs/FORMATS.md,
//! "Snapshots", and a test compares the two. All integers are little-endian.

use crate::domain::{LoginId, ShardId, versions};
use crate::exchange::snapshot::Part;
use bincode::{Decode, Encode};

/// First eight bytes of every snapshot.
pub const MAGIC: [u8; 8] = *b"DOJISNAP";
/// The format version that this build writes.
pub const VERSION: u32 = versions::SNAPSHOTS;
/// A format version that this build reads.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    pub number: u32,
    /// The parts that later versions added. In a file without them, they have the values of a new exchange.
    pub lacks: &'static [Part],
}

/// The format versions that this build reads, the newest first.
pub const VERSIONS: [Version; 2] =
    [Version { number: VERSION, lacks: &[] }, Version { number: 6, lacks: LACKED_BY_6 }];

/// The parts that version 7 added.
const LACKED_BY_6: &[Part] = &[
    Part::Pairs,
    Part::InFlight,
    Part::Moved,
    Part::Contracts,
    Part::Indexes,
    Part::Terms,
    Part::Tiers,
    Part::Samples,
    Part::Funds,
    Part::Hedging,
    Part::Holdings,
];

/// Bytes of the header at the start of the file.
pub const HEADER_BYTES: usize = 96;
/// Offset of the magic.
pub const MAGIC_AT: usize = 0;
/// Offset of the format version (u32).
pub const VERSION_AT: usize = 8;
/// Offset of the header length (u32), [`HEADER_BYTES`].
pub const HEADER_LENGTH_AT: usize = 12;
/// Offset of the position (u64): the sequence of the last command that is in the state; also the file's name.
pub const POSITION_AT: usize = 16;
/// Offset of that command's time in nanoseconds (u64).
pub const TIME_AT: usize = 24;
/// Offset of the number of the last event (u64).
pub const LAST_EVENT_AT: usize = 32;
/// Offset of the digest of the configuration that opened the venue (u64); 0 before that.
pub const CONFIG_DIGEST_AT: usize = 40;
/// Offset of the digest of the exchange (32 bytes).
pub const STATE_DIGEST_AT: usize = 48;
/// Offset of the number of shards (u32). The file has the parts of each shard.
pub const SHARDS_AT: usize = 80;
/// Offset of the reserved bytes, zero.
pub const RESERVED_AT: usize = 84;
/// Offset of the CRC-32C (u32) over the 92 bytes before it.
pub const HEADER_CRC_AT: usize = 92;

/// Bytes of the header of a chunk. Chunks follow each other without gaps, the first directly after the file's header.
pub const CHUNK_HEADER_BYTES: usize = 16;
/// Offset of the payload's length (u32) in a chunk's header, 1 to [`PAYLOAD_BYTES_MAX`].
pub const LENGTH_AT: usize = 0;
/// Offset of the section (u32) of the payload's records.
pub const SECTION_AT: usize = 4;
/// Offset of the chunk's number (u32), from 0.
pub const NUMBER_AT: usize = 8;
/// Offset of the CRC-32C (u32) over the 12 bytes before it and the payload, seeded with the CRC of the file's header,
/// so that a chunk of another snapshot never verifies.
pub const CHUNK_CRC_AT: usize = 12;
/// The most bytes of a payload. This limits how much is in memory before its checksum is verified.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 18;

/// Section: the stream of each login ([`StreamRecord`]), in the order of ids.
pub const STREAMS: u32 = 13;
/// Section: marks of the present streams by login, then marks of the ended streams in the order of their section.
pub const MARKS: u32 = 14;
/// Section: listings as built from the events, by id.
pub const LISTINGS: u32 = 15;
/// Section: earlier terms of listings, each after the number of the event that changed them.
pub const PAST_TERMS: u32 = 16;
/// Section: streams of ended sessions ([`EndedRecord`]), by login, the oldest first.
pub const ENDED: u32 = 17;
/// Section: the opening commands.
pub const OPENING: u32 = 18;
/// Section: the end. One record, the length of the whole file in bytes (u64).
pub const END: u32 = 19;

/// A login's present stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StreamRecord {
    /// The number of its messages.
    pub messages: u64,
    /// How many of the marks belong to it.
    pub marks: u64,
}

/// A login's stream of an ended session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EndedRecord {
    pub login: LoginId,
    pub session: u32,
    /// The event of its last message.
    pub last_event: u64,
    /// The number of its messages.
    pub messages: u64,
    /// How many of the marks belong to it.
    pub marks: u64,
}

/// The difference between the section numbers of consecutive shards.
pub const SHARD_SECTIONS: u32 = 64;

/// The section of a part of a shard. Those of the first shard are below [`SHARD_SECTIONS`].
pub const fn section_of(shard: ShardId, part: Part) -> u32 {
    SHARD_SECTIONS * shard.0 as u32 + section(part)
}

/// The section of a part of the first shard. Parts come first, in the order of [`Part`]; other sections follow by
/// number. A new part gets the next free number.
pub const fn section(part: Part) -> u32 {
    match part {
        Part::Venue => 1,
        Part::Assets => 2,
        Part::Accounts => 3,
        Part::Logins => 4,
        Part::LoginSettings => 5,
        Part::Copies => 6,
        Part::Instruments => 7,
        Part::Balances => 8,
        Part::Volumes => 9,
        Part::Usage => 10,
        Part::Extras => 11,
        Part::Orders => 12,
        Part::Lead => 20,
        Part::Pairs => 21,
        Part::InFlight => 22,
        Part::Moved => 23,
        Part::Contracts => 24,
        Part::Indexes => 25,
        Part::Terms => 26,
        Part::Tiers => 27,
        Part::Samples => 28,
        Part::Funds => 29,
        Part::Holdings => 30,
        Part::Hedging => 31,
    }
}

const _: () = assert!(MAGIC_AT + MAGIC.len() == VERSION_AT);
const _: () = assert!(VERSION_AT + 4 == HEADER_LENGTH_AT && HEADER_LENGTH_AT + 4 == POSITION_AT);
const _: () = assert!(POSITION_AT + 8 == TIME_AT && TIME_AT + 8 == LAST_EVENT_AT);
const _: () = assert!(LAST_EVENT_AT + 8 == CONFIG_DIGEST_AT && CONFIG_DIGEST_AT + 8 == STATE_DIGEST_AT);
const _: () = assert!(STATE_DIGEST_AT + 32 == SHARDS_AT && SHARDS_AT + 4 == RESERVED_AT);
const _: () = assert!(RESERVED_AT < HEADER_CRC_AT);
const _: () = assert!(HEADER_CRC_AT + 4 == HEADER_BYTES);
const _: () = assert!(LENGTH_AT + 4 == SECTION_AT && SECTION_AT + 4 == NUMBER_AT);
const _: () = assert!(NUMBER_AT + 4 == CHUNK_CRC_AT && CHUNK_CRC_AT + 4 == CHUNK_HEADER_BYTES);
const _: () = assert!(section(Part::Orders) + 1 == STREAMS);
