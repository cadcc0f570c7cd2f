//! From a state to bytes, one chunk in memory at a time.

use super::layout::{
    CHUNK_CRC_AT, CHUNK_HEADER_BYTES, END, HEADER_BYTES, LENGTH_AT, LISTINGS, MARKS, NUMBER_AT, OPENING,
    PAST_TERMS, PAYLOAD_BYTES_MAX, SECTION_AT, STREAMS, section,
};
use super::{Header, State, header_crc};
use crate::domain::codec;
use crate::exchange::Digest;
use crate::exchange::snapshot::{Part, Sink};
use bincode::Encode;
use std::io::{self, Write};

/// More than any record takes.
const RECORD_BYTES_MAX: usize = 512;

/// Writes the whole file; how many bytes that was. Equal states give equal bytes.
pub fn write(state: &State, digest: Digest, out: &mut dyn Write) -> io::Result<u64> {
    let header = Header::of(state, digest).encode();
    out.write_all(&header)?;
    let mut chunks = Chunks {
        out,
        chunk: vec![0; CHUNK_HEADER_BYTES + PAYLOAD_BYTES_MAX],
        used: CHUNK_HEADER_BYTES,
        section: 0,
        number: 0,
        seed: header_crc(&header),
        bytes: HEADER_BYTES as u64,
    };
    state.exchange.write_to(&mut chunks)?;
    for (messages, _) in state.streams.all() {
        chunks.record(STREAMS, &messages)?;
    }
    for mark in state.streams.all().flat_map(|(_, marks)| marks) {
        chunks.record(MARKS, mark)?;
    }
    for listing in state.listings.iter() {
        chunks.record(LISTINGS, listing)?;
    }
    for past in state.listings.past() {
        chunks.record(PAST_TERMS, past)?;
    }
    for command in &state.opening {
        chunks.record(OPENING, command)?;
    }
    chunks.end()
}

/// The chunks of a file, of which one is being filled.
struct Chunks<'a> {
    out: &'a mut dyn Write,
    chunk: Vec<u8>,
    used: usize,
    section: u32,
    number: u32,
    seed: u32,
    /// What has been written.
    bytes: u64,
}

impl Sink for Chunks<'_> {
    type Error = io::Error;

    #[inline]
    fn put<T: Encode>(&mut self, part: Part, record: &T) -> io::Result<()> {
        self.record(section(part), record)
    }
}

impl Chunks<'_> {
    #[inline]
    fn record<T: Encode>(&mut self, section: u32, record: &T) -> io::Result<()> {
        if self.section != section || self.used + RECORD_BYTES_MAX > self.chunk.len() {
            self.flush()?;
            self.section = section;
        }
        let written = codec::encode_record(record, &mut self.chunk[self.used..]);
        self.used += written.map_err(io::Error::other)?;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let payload = self.used - CHUNK_HEADER_BYTES;
        if payload == 0 {
            return Ok(());
        }
        let chunk = &mut self.chunk[..self.used];
        let mut put = |at: usize, field: u32| chunk[at..at + 4].copy_from_slice(&field.to_le_bytes());
        put(LENGTH_AT, payload as u32);
        put(SECTION_AT, self.section);
        put(NUMBER_AT, self.number);
        let crc = crc32c::crc32c_append(self.seed, &chunk[..CHUNK_CRC_AT]);
        let crc = crc32c::crc32c_append(crc, &chunk[CHUNK_HEADER_BYTES..]);
        chunk[CHUNK_CRC_AT..CHUNK_HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
        self.out.write_all(chunk)?;
        self.bytes += chunk.len() as u64;
        self.number += 1;
        self.used = CHUNK_HEADER_BYTES;
        Ok(())
    }

    fn end(mut self) -> io::Result<u64> {
        self.flush()?;
        let whole = self.bytes + (CHUNK_HEADER_BYTES + size_of::<u64>()) as u64;
        self.record(END, &whole)?;
        self.flush()?;
        Ok(self.bytes)
    }
}
