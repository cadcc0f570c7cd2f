//! A snapshot file taken apart and put together again, by the constants of its layout alone.

use dojima::replica::snapshot::layout::{
    CHUNK_CRC_AT, CHUNK_HEADER_BYTES, END, HEADER_BYTES, HEADER_CRC_AT, LENGTH_AT, NUMBER_AT, SECTION_AT,
};
use std::ops::Range;

/// A header and chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    pub header: [u8; HEADER_BYTES],
    /// Section and payload.
    pub chunks: Vec<(u32, Vec<u8>)>,
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// Where the chunks of a file lie.
pub fn chunks(file: &[u8]) -> Vec<Range<usize>> {
    let (mut at, mut found) = (HEADER_BYTES, Vec::new());
    while at < file.len() {
        let end = at + CHUNK_HEADER_BYTES + number(file, at + LENGTH_AT) as usize;
        found.push(at..end);
        at = end;
    }
    found
}

impl Parts {
    pub fn of(file: &[u8]) -> Self {
        let chunk = |range: Range<usize>| {
            let payload = file[range.start + CHUNK_HEADER_BYTES..range.end].to_vec();
            (number(file, range.start + SECTION_AT), payload)
        };
        let header = file[..HEADER_BYTES].try_into().expect("a header");
        Self { header, chunks: chunks(file).into_iter().map(chunk).collect() }
    }

    /// The payload of all chunks of a section.
    pub fn payload(&self, section: u32) -> Vec<u8> {
        let of_it = self.chunks.iter().filter(|(other, _)| *other == section);
        of_it.flat_map(|(_, payload)| payload.iter().copied()).collect()
    }

    /// The file, with checksums, numbers and the end put right.
    pub fn file(&self) -> Vec<u8> {
        let mut file = self.header.to_vec();
        let seed = crc32c::crc32c(&file[..HEADER_CRC_AT]);
        file[HEADER_CRC_AT..].copy_from_slice(&seed.to_le_bytes());
        for (at, (section, payload)) in (0_u32..).zip(&self.chunks) {
            let mut payload = payload.clone();
            if *section == END && payload.len() == 8 {
                let whole = file.len() + CHUNK_HEADER_BYTES + payload.len();
                payload = (whole as u64).to_le_bytes().to_vec();
            }
            let mut header = [0; CHUNK_HEADER_BYTES];
            for (field_at, field) in
                [(LENGTH_AT, payload.len() as u32), (SECTION_AT, *section), (NUMBER_AT, at)]
            {
                header[field_at..field_at + 4].copy_from_slice(&field.to_le_bytes());
            }
            let crc = crc32c::crc32c_append(seed, &header[..CHUNK_CRC_AT]);
            let crc = crc32c::crc32c_append(crc, &payload);
            header[CHUNK_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
            file.extend(header);
            file.extend(payload);
        }
        file
    }
}
