//! Writes a state to bytes, with one chunk in memory at a time.

use super::layout::{
    CHUNK_CRC_AT, CHUNK_HEADER_BYTES, END, ENDED, EndedRecord, HEADER_BYTES, LENGTH_AT, LISTINGS, MARKS,
    NUMBER_AT, OPENING, PAST_TERMS, PAYLOAD_BYTES_MAX, SECTION_AT, STREAMS, StreamRecord, section,
    section_of,
};
use super::{Header, State, header_crc};
use crate::domain::ShardId;
use crate::domain::codec;
use crate::domain::streams::EndedStream;
use crate::exchange::snapshot::{ListingRecord, Part, Sink};
use bincode::Encode;
use std::io::{self, Write};

/// An upper bound on the length of a record, bytes.
const RECORD_BYTES_MAX: usize = 512;

/// Writes the whole file with this header; returns its length in bytes. Equal states give equal bytes.
pub fn write(header: &Header, state: &State, out: &mut dyn Write) -> io::Result<u64> {
    let header = header.encode();
    out.write_all(&header)?;
    let mut chunks = Chunks {
        file: File { out, number: 0, seed: header_crc(&header), bytes: HEADER_BYTES as u64 },
        shard: ShardId::FIRST,
        extras: Chunk::new(section(Part::Extras)),
        present: Chunk::new(section(Part::Venue)),
    };
    for shard in state.shards.iter() {
        chunks.begin_shard(shard.shard())?;
        shard.write_to(&mut chunks)?;
    }
    for (messages, marks) in state.streams.all() {
        chunks.record(STREAMS, &StreamRecord { messages, marks: marks.len() as u64 })?;
    }
    let ended = || state.streams.all_ended();
    for mark in state.streams.all().flat_map(|(_, marks)| marks).chain(ended().flat_map(|ended| &ended.marks))
    {
        chunks.record(MARKS, mark)?;
    }
    for listing in state.listings.iter() {
        chunks.record(LISTINGS, &ListingRecord::from(*listing))?;
    }
    for (event, listing) in state.listings.past() {
        chunks.record(PAST_TERMS, &(*event, ListingRecord::from(*listing)))?;
    }
    for EndedStream { login, session, last_event, messages, marks } in ended() {
        let (login, session, last_event, messages) = (*login, *session, *last_event, *messages);
        let record = EndedRecord { login, session, last_event, messages, marks: marks.len() as u64 };
        chunks.record(ENDED, &record)?;
    }
    for command in &state.opening {
        chunks.record(OPENING, command)?;
    }
    chunks.end()
}

/// Writes chunks. One is being filled, and a second one for extras.
struct Chunks<'a> {
    file: File<'a>,
    shard: ShardId,
    /// Extras are written before the orders that they belong to.
    extras: Chunk,
    present: Chunk,
}

/// A chunk that is being filled.
struct Chunk {
    section: u32,
    bytes: Vec<u8>,
    used: usize,
}

/// The output and its state.
struct File<'a> {
    out: &'a mut dyn Write,
    number: u32,
    seed: u32,
    bytes: u64,
}

impl Sink for Chunks<'_> {
    type Error = io::Error;

    #[inline]
    fn put<T: Encode>(&mut self, part: Part, record: &T) -> io::Result<()> {
        if part != Part::Extras {
            return self.record(section_of(self.shard, part), record);
        }
        self.turn_to(section_of(self.shard, Part::Orders))?;
        if self.extras.is_full() {
            self.file.write(&mut self.extras)?;
        }
        self.extras.add(record)
    }
}

impl Chunks<'_> {
    /// Starts the parts of this shard.
    fn begin_shard(&mut self, shard: ShardId) -> io::Result<()> {
        self.flush()?;
        self.shard = shard;
        self.extras.section = section_of(shard, Part::Extras);
        self.present.section = section_of(shard, Part::Venue);
        Ok(())
    }

    #[inline]
    fn record<T: Encode>(&mut self, section: u32, record: &T) -> io::Result<()> {
        self.turn_to(section)?;
        if self.present.is_full() {
            self.flush()?;
        }
        self.present.add(record)
    }

    /// Writes the present chunk first if it belongs to another section.
    #[inline]
    fn turn_to(&mut self, section: u32) -> io::Result<()> {
        if self.present.section != section {
            self.flush()?;
            self.present.section = section;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write(&mut self.extras)?;
        self.file.write(&mut self.present)
    }

    fn end(mut self) -> io::Result<u64> {
        self.flush()?;
        let whole = self.file.bytes + (CHUNK_HEADER_BYTES + size_of::<u64>()) as u64;
        self.record(END, &whole)?;
        self.flush()?;
        Ok(self.file.bytes)
    }
}

impl Chunk {
    fn new(section: u32) -> Self {
        Self { section, bytes: vec![0; CHUNK_HEADER_BYTES + PAYLOAD_BYTES_MAX], used: CHUNK_HEADER_BYTES }
    }

    fn is_full(&self) -> bool {
        self.used + RECORD_BYTES_MAX > self.bytes.len()
    }

    #[inline]
    fn add<T: Encode>(&mut self, record: &T) -> io::Result<()> {
        let written = codec::encode_record(record, &mut self.bytes[self.used..]);
        self.used += written.map_err(io::Error::other)?;
        Ok(())
    }
}

impl File<'_> {
    /// Writes a chunk unless it is empty, and empties it.
    fn write(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let payload = chunk.used - CHUNK_HEADER_BYTES;
        if payload == 0 {
            return Ok(());
        }
        let bytes = &mut chunk.bytes[..chunk.used];
        let mut put = |at: usize, field: u32| bytes[at..at + 4].copy_from_slice(&field.to_le_bytes());
        put(LENGTH_AT, payload as u32);
        put(SECTION_AT, chunk.section);
        put(NUMBER_AT, self.number);
        let crc = crc32c::crc32c_append(self.seed, &bytes[..CHUNK_CRC_AT]);
        let crc = crc32c::crc32c_append(crc, &bytes[CHUNK_HEADER_BYTES..]);
        bytes[CHUNK_CRC_AT..CHUNK_HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
        self.out.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        self.number += 1;
        chunk.used = CHUNK_HEADER_BYTES;
        Ok(())
    }
}
