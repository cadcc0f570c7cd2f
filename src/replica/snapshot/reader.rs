//! Reads a state from a snapshot file, chunk by chunk; each chunk is verified first.

use super::layout::{
    CHUNK_CRC_AT, CHUNK_HEADER_BYTES, END, ENDED, EndedRecord, HEADER_BYTES, LENGTH_AT, LISTINGS, MARKS,
    NUMBER_AT, OPENING, PAST_TERMS, PAYLOAD_BYTES_MAX, POSITION_AT, SECTION_AT, STREAMS, StreamRecord,
    VERSION, Version,
};
use super::{BadHeader, Header, State, header_crc, layout};
use crate::domain::audience::Audience;
use crate::domain::codec::decode_record;
use crate::domain::streams::{EndedStream, Mark, StreamIndex};
use crate::domain::{AccountId, Command, Listings, LoginId, ShardId, Stamp, VenueCommand};
use crate::exchange::snapshot::{ListingRecord, Names, Part, RestoreError, Restoring};
use crate::exchange::{NameKey, Shards};
use crate::replica::SnapshotError;
use bincode::Decode;
use dojima_journal::layout::u32_at;
use dojima_journal::storage::ReadAt;
use std::iter::repeat;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

/// The error for a file that is longer than its end section says.
const BEYOND_END: &str = "bytes after the end section";

/// An open snapshot file.
pub struct Source {
    pub file: Box<dyn ReadAt>,
    pub path: PathBuf,
    pub bytes: u64,
}

impl Source {
    fn damaged(&self, offset: u64, why: impl Into<String>) -> SnapshotError {
        SnapshotError::Damaged { file: self.path.clone(), offset, why: why.into() }
    }

    fn fill(&self, buffer: &mut [u8], offset: u64) -> Result<(), SnapshotError> {
        let read = self.file.read_at(buffer, offset).map_err(|source| SnapshotError::Io {
            action: "read",
            path: self.path.clone(),
            source,
        })?;
        if read < buffer.len() {
            return Err(self.damaged(offset + read as u64, "unexpected end of file"));
        }
        Ok(())
    }

    /// Reads and verifies the chunk with this number at offset `at`, into reused memory, and advances `at`. Returns its
    /// section.
    fn chunk(
        &self,
        at: &mut u64,
        number: u32,
        seed: u32,
        payload: &mut Vec<u8>,
    ) -> Result<u32, SnapshotError> {
        let mut header = [0; CHUNK_HEADER_BYTES];
        self.fill(&mut header, *at)?;
        let length = u32_at(&header, LENGTH_AT) as usize;
        let left = self.bytes.saturating_sub(*at + CHUNK_HEADER_BYTES as u64);
        if length == 0 || length > PAYLOAD_BYTES_MAX || length as u64 > left {
            return Err(self.damaged(*at, "chunk length out of range"));
        }
        payload.resize(length, 0);
        self.fill(payload, *at + CHUNK_HEADER_BYTES as u64)?;
        let crc = crc32c::crc32c_append(seed, &header[..CHUNK_CRC_AT]);
        if crc32c::crc32c_append(crc, payload) != u32_at(&header, CHUNK_CRC_AT) {
            return Err(self.damaged(*at, "chunk checksum mismatch"));
        }
        if u32_at(&header, NUMBER_AT) != number {
            return Err(self.damaged(*at, "chunk number out of sequence"));
        }
        *at += (CHUNK_HEADER_BYTES + length) as u64;
        Ok(u32_at(&header, SECTION_AT))
    }
}

/// Reads the header, which must have this position and one of these versions. Also returns its version, and the
/// checksum that seeds those of the chunks.
pub fn read_header(
    source: &Source,
    position: u64,
    versions: &[Version],
) -> Result<(Header, Version, u32), SnapshotError> {
    let mut bytes = [0; HEADER_BYTES];
    source.fill(&mut bytes, 0)?;
    let (header, version) = Header::decode(&bytes, versions).map_err(|bad| match bad {
        BadHeader::Version(found) => {
            SnapshotError::UnknownVersion { file: source.path.clone(), found, supported: VERSION }
        }
        BadHeader::Damaged { at, why } => source.damaged(at as u64, why),
    })?;
    if header.position != position {
        let why = format!("this is the snapshot of position {}", header.position);
        return Err(source.damaged(POSITION_AT as u64, why));
    }
    Ok((header, version, header_crc(&bytes)))
}

/// Verifies the whole file, which must have one of these versions, without building a state.
pub fn check(source: Source, position: u64, versions: &[Version]) -> Result<Header, SnapshotError> {
    let (header, _, seed) = read_header(&source, position, versions)?;
    let (mut at, mut payload) = (HEADER_BYTES as u64, Vec::new());
    for number in 0.. {
        let start = at;
        let section = source.chunk(&mut at, number, seed, &mut payload)?;
        if section == END {
            check_end(&payload, at).map_err(|error| source.damaged(start, error.why))?;
            break;
        }
    }
    if at != source.bytes {
        return Err(source.damaged(at, BEYOND_END));
    }
    Ok(header)
}

/// The last record contains the length of the file.
fn check_end(payload: &[u8], end: u64) -> Result<(), RestoreError> {
    let mut whole: Vec<u64> = Vec::new();
    records(payload, &mut whole)?;
    let why = "file length differs from the length written at its end";
    if whole == [end] { Ok(()) } else { Err(RestoreError { at: 0, why }) }
}

/// Reads the whole file, which must have one of these versions.
pub fn read(
    source: Source,
    position: u64,
    name_key: NameKey,
    versions: &[Version],
) -> Result<(State, Header), SnapshotError> {
    let (header, version, seed) = read_header(&source, position, versions)?;
    let (bytes, path) = (source.bytes, source.path.clone());
    let damaged =
        |offset: u64, why: &str| SnapshotError::Damaged { file: path.clone(), offset, why: why.to_owned() };
    let mut parts = Parts::new(version, name_key, bytes, header.shards);
    let mut end = HEADER_BYTES as u64;
    let names = (0..header.shards).map(|_| Names::new(name_key, bytes)).collect();
    let chunks = Chunks { source, seed, at: end, number: 0, names };
    let names = each_chunk(chunks, |chunk| {
        let payload_at = end + CHUNK_HEADER_BYTES as u64;
        end = chunk.end;
        let taken = parts.take(chunk, end);
        taken.map_err(|error| damaged(payload_at + error.at as u64, error.why))
    })?;
    if end != bytes {
        return Err(damaged(end, BEYOND_END));
    }
    let state = parts.finish(&header, names).map_err(|error| damaged(end, error.why))?;
    Ok((state, header))
}

/// Passes every chunk up to the end to `take`; returns the names of all orders. For a long file, a second thread reads
/// and verifies the next chunks meanwhile and adds their names.
fn each_chunk(
    mut chunks: Chunks,
    mut take: impl FnMut(&Chunk) -> Result<(), SnapshotError>,
) -> Result<Vec<Names>, SnapshotError> {
    /// Below this many bytes a second thread costs more than it saves.
    const ALONE_BYTES_MAX: u64 = 1 << 20;
    /// How many chunks are read ahead.
    const AHEAD: usize = 4;
    if chunks.source.bytes <= ALONE_BYTES_MAX {
        let mut chunk = Chunk::default();
        loop {
            chunk = chunks.next(chunk)?;
            take(&chunk)?;
            if chunk.section == END {
                return Ok(chunks.names);
            }
        }
    }
    thread::scope(|scope| {
        let (give, chunks_read) = mpsc::sync_channel(AHEAD);
        let (give_back, emptied) = mpsc::channel();
        let ahead = scope.spawn(move || {
            loop {
                let chunk = chunks.next(emptied.try_recv().unwrap_or_default());
                let is_last = chunk.as_ref().map_or(true, |chunk| chunk.section == END);
                // The other side may have found an error and ended.
                if give.send(chunk).is_err() || is_last {
                    break chunks.names;
                }
            }
        });
        for chunk in chunks_read {
            let chunk = chunk?;
            take(&chunk)?;
            // At the end it is no longer received.
            let _ = give_back.send(chunk);
        }
        Ok(ahead.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// A chunk that verifies.
#[derive(Default)]
struct Chunk {
    section: u32,
    payload: Vec<u8>,
    /// For each order the next one in its chain of client names, from [`Names::prepare`].
    chained: Vec<u32>,
    /// The offset of its end in the file.
    end: u64,
}

/// The chunks of a file, one after another.
struct Chunks {
    source: Source,
    seed: u32,
    /// The offset of the next chunk.
    at: u64,
    number: u32,
    /// Indexed by shard.
    names: Vec<Names>,
}

impl Chunks {
    /// Reads and verifies the next chunk, into reused memory.
    fn next(&mut self, mut chunk: Chunk) -> Result<Chunk, SnapshotError> {
        let payload_at = self.at + CHUNK_HEADER_BYTES as u64;
        chunk.section = self.source.chunk(&mut self.at, self.number, self.seed, &mut chunk.payload)?;
        if let Some((shard, part)) = part_of(chunk.section)
            && let Some(names) = self.names.get_mut(usize::from(shard.0))
        {
            let prepared = names.prepare(part, &chunk.payload, &mut chunk.chained);
            prepared.map_err(|error| self.source.damaged(payload_at + error.at as u64, error.why))?;
        }
        self.number += 1;
        chunk.end = self.at;
        Ok(chunk)
    }
}

/// The parts read so far.
struct Parts {
    /// Indexed by shard.
    exchanges: Vec<Restoring>,
    /// The shard whose parts are being read.
    shard: ShardId,
    /// The last section; 0 while it belongs to an exchange.
    section: u32,
    present: Vec<StreamRecord>,
    marks: Vec<Mark>,
    listings: Vec<ListingRecord>,
    past: Vec<(u64, ListingRecord)>,
    ended: Vec<EndedRecord>,
    opening: Vec<Command>,
}

impl Parts {
    fn new(version: Version, name_key: NameKey, bytes: u64, shards: u32) -> Self {
        let exchanges = (0..shards).map(|_| Restoring::new(version.lacks, name_key, bytes));
        Self {
            exchanges: exchanges.collect(),
            shard: ShardId::FIRST,
            section: 0,
            present: Vec::new(),
            marks: Vec::new(),
            listings: Vec::new(),
            past: Vec::new(),
            ended: Vec::new(),
            opening: Vec::new(),
        }
    }

    /// Takes a chunk's records. `end` is the offset of the chunk's end in the file.
    fn take(&mut self, chunk: &Chunk, end: u64) -> Result<(), RestoreError> {
        let (section, payload) = (chunk.section, &chunk.payload[..]);
        let wrong = |why| Err(RestoreError { at: 0, why });
        let part = part_of(section);
        // The parts of the exchanges come first; each exchange checks their order.
        let place = if part.is_some() { 0 } else { section };
        if place < self.section {
            return wrong("sections are out of order");
        }
        self.section = place;
        match (part, section) {
            (Some((shard, part)), _) => {
                // Each exchange checks the order of its own parts.
                let found = self.exchanges.get_mut(usize::from(shard.0)).filter(|_| shard >= self.shard);
                self.shard = shard;
                let Some(exchange) = found else { return wrong("parts of a shard are out of order") };
                exchange.take(part, payload, &chunk.chained)
            }
            (_, STREAMS) => records(payload, &mut self.present),
            (_, MARKS) => records(payload, &mut self.marks),
            (_, LISTINGS) => records(payload, &mut self.listings),
            (_, PAST_TERMS) => records(payload, &mut self.past),
            (_, ENDED) => records(payload, &mut self.ended),
            (_, OPENING) => records(payload, &mut self.opening),
            (_, END) => check_end(payload, end),
            _ => wrong("unknown section"),
        }
    }

    fn finish(self, header: &Header, names: Vec<Names>) -> Result<State, RestoreError> {
        let check = |holds: bool, why| if holds { Ok(()) } else { Err(RestoreError { at: 0, why }) };
        let same_time = self.exchanges.iter().all(|exchange| exchange.now() == header.time);
        check(same_time, "header and state have different times")?;
        let restored = self.exchanges.into_iter().zip(names).map(|(exchange, names)| exchange.finish(names));
        let restored = restored.collect::<Result<Vec<_>, _>>()?;
        let in_place = (0..).map(ShardId).zip(&restored).all(|(shard, exchange)| exchange.shard() == shard);
        check(in_place, "a shard in the sections of another one")?;
        let shards = Shards::of(restored);
        let shards = shards.ok_or(RestoreError { at: 0, why: "shards disagree about the venue" })?;
        check(shards.audit_transfers().is_ok(), "shards disagree about the transfers between them")?;
        let exchange = shards.first();
        let config_digest = exchange.config_digest();
        check(
            config_digest.unwrap_or_default() == header.config_digest,
            "header and state have different configuration digests",
        )?;
        let opened = config_digest.map(|config_digest| Command::Venue(VenueCommand::Open { config_digest }));
        check(
            opened.is_none_or(|open| self.opening.last() == Some(&open)),
            "opening commands do not end with the venue's open command",
        )?;
        let told = |mark: &Mark| mark.event <= header.last_event;
        check(self.marks.iter().all(told), "stream refers to an event after the snapshot")?;
        let is_past = |(_, _, since): (AccountId, LoginId, u64)| since <= header.position;
        check(exchange.copies().all(is_past), "drop copy starts after the snapshot")?;
        let accounts = exchange.logins().iter().map(|login| login.account);
        let audience = Audience::restored(accounts, exchange.copies());
        let mut streams = StreamIndex::restored(audience, exchange.session());
        let mut marks = self.marks.into_iter();
        let mut take = |count: u64| -> Vec<Mark> {
            marks.by_ref().take(usize::try_from(count).unwrap_or(usize::MAX)).collect()
        };
        let sessions = exchange.logins().iter().map(|login| login.session);
        for (present, session) in self.present.into_iter().zip(sessions.chain(repeat(exchange.session()))) {
            let own = take(present.marks);
            check(
                streams.restore(session, present.messages, own),
                "stream marks contradict the stream's message count",
            )?;
        }
        for EndedRecord { login, session, last_event, messages, marks } in self.ended {
            check(last_event <= header.last_event, "stream refers to an event after the snapshot")?;
            let is_known = (login.0 as usize) < exchange.logins().len();
            let ended = EndedStream { login, session, last_event, messages, marks: take(marks) };
            check(
                is_known && streams.restore_ended(ended),
                "ended stream names an unknown login or contradicts its marks",
            )?;
        }
        check(marks.next().is_none(), "more stream marks than streams")?;
        let past = self.past.into_iter().map(|(event, listing)| (event, listing.into()));
        let listings = self.listings.into_iter().map(Into::into).collect();
        let listings = Listings::restored(listings, past.collect());
        let listings =
            listings.ok_or(RestoreError { at: 0, why: "listings contradict their history of terms" })?;
        Ok(State {
            shards,
            last: Stamp { sequence: header.position, time: header.time },
            last_event: header.last_event,
            streams,
            listings,
            opening: self.opening,
        })
    }
}

/// The shard and the part of it that a section is of.
fn part_of(section: u32) -> Option<(ShardId, Part)> {
    let (shard, section) = (section / layout::SHARD_SECTIONS, section % layout::SHARD_SECTIONS);
    let shard = u8::try_from(shard).ok().map(ShardId)?;
    Part::ALL.into_iter().find(|part| layout::section(*part) == section).map(|part| (shard, part))
}

/// Decodes records that fill the payload exactly.
fn records<T: Decode<()>>(payload: &[u8], into: &mut Vec<T>) -> Result<(), RestoreError> {
    let mut at = 0;
    while at < payload.len() {
        let (record, len) = decode_record(&payload[at..])
            .map_err(|_| RestoreError { at, why: "record cannot be decoded" })?;
        into.push(record);
        at += len;
    }
    Ok(())
}
