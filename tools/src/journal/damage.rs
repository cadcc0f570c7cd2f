//! Finds the wrong byte in data that does not verify, as far as possible, and prints the bytes around it.
//!
//! A checksum shows that a record is damaged, but not where. But of the few thousand records that differ from it in one
//! byte, only one has the right checksum. Trying them all is fast, so a single damaged byte and its original value can
//! be named. If more than one byte is damaged, only the record is known.

use dojima_journal::layout::{
    CRC_AT, END, HEADER_CRC_AT, LENGTH_AT, PAGE_BYTES, RECORD_HEADER_BYTES, SALT_AT, SEAL,
    SEGMENT_HEADER_BYTES, SEQUENCE_AT, TIME_AT, WATERMARK_AT, record_bytes,
};
use dojima_journal::storage::Storage;
use std::fmt::Write;
use std::io;

/// Payloads are shorter than this; a greater length field is itself damaged.
const PAYLOAD_BYTES_MAX: usize = 4096;
/// Lines of a dump before and after the line with the marked byte, and bytes per line.
const LINES_AROUND: usize = 4;
const LINE_BYTES: usize = 16;

/// The kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// One byte is wrong; with the value `was` everything verifies.
    Byte { offset: u64, is: u8, was: u8, part: &'static str },
    /// There are only zeros: the record was never written, or was overwritten with zeros.
    Zeros { offset: u64 },
    /// All bytes from here to the end of the record, or of a disk sector, are zero: the record was written only in part.
    CutShort { offset: u64 },
    /// The file ends here.
    EndOfFile { offset: u64 },
    /// The header verifies; it belongs to another file.
    HeaderOfAnother { offset: u64 },
    /// A valid record, but with another sequence than expected.
    AnotherRecord { offset: u64, sequence: u64 },
    /// More than one byte is wrong.
    Many { offset: u64 },
}

impl Finding {
    /// The offset of the damage.
    pub(super) fn offset(self) -> u64 {
        match self {
            Self::Byte { offset, .. }
            | Self::Zeros { offset }
            | Self::CutShort { offset }
            | Self::EndOfFile { offset }
            | Self::HeaderOfAnother { offset }
            | Self::AnotherRecord { offset, .. }
            | Self::Many { offset } => offset,
        }
    }

    /// The description for users.
    pub(super) fn text(self) -> String {
        match self {
            Self::Byte { offset, is, was, part } => format!(
                "byte {offset} is {is:#04x}; with {was:#04x} there everything verifies, so that byte alone is \
                 damaged (it is part of {part})"
            ),
            Self::Zeros { offset } => format!("from byte {offset} on there are zeros where a record is due"),
            Self::CutShort { offset } => {
                format!("from byte {offset} on there are zeros: the record was written in part only")
            }
            Self::EndOfFile { offset } => format!("the file ends at byte {offset}, inside what is due there"),
            Self::HeaderOfAnother { .. } => {
                "the header verifies, so it was written like this: it is the file of another \
                 place or another time, such as a copy under a wrong name"
                    .to_owned()
            }
            Self::AnotherRecord { offset, sequence } => format!(
                "the record at byte {offset} verifies, so it was written like this, but it is that of sequence {sequence}"
            ),
            Self::Many { offset } => format!("more than one byte is wrong in what begins at byte {offset}"),
        }
    }
}

/// Examines the file `name` at `offset`, where a record (or the segment's header) does not verify. `sequence` is the
/// expected sequence.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn find(files: &dyn Storage, name: &str, offset: u64, sequence: u64) -> io::Result<Finding> {
    let file = files.open(name)?;
    let mut header = vec![0; SEGMENT_HEADER_BYTES];
    let length = file.read_at(&mut header, 0)?;
    if length < SEGMENT_HEADER_BYTES {
        return Ok(Finding::EndOfFile { offset: length as u64 });
    }
    if offset < SEGMENT_HEADER_BYTES as u64 {
        if header_verifies(&header) {
            return Ok(Finding::HeaderOfAnother { offset });
        }
        return Ok(in_header(&header).unwrap_or(Finding::Many { offset }));
    }
    let mut bytes = vec![0; record_bytes(PAYLOAD_BYTES_MAX)];
    let length = file.read_at(&mut bytes, offset)?;
    bytes.truncate(length);
    if bytes.len() < RECORD_HEADER_BYTES {
        return Ok(Finding::EndOfFile { offset: offset + length as u64 });
    }
    let seed = crc32c::crc32c(&header[SALT_AT..SALT_AT + 8]);
    Ok(in_record(&bytes, offset, seed, sequence))
}

fn header_verifies(bytes: &[u8]) -> bool {
    crc32c::crc32c(&bytes[..HEADER_CRC_AT]) == u32_at(bytes, HEADER_CRC_AT)
}

/// Finds a single wrong byte in a segment's header.
fn in_header(header: &[u8]) -> Option<Finding> {
    let mut bytes = header.to_vec();
    let (at, was) = (0..SEGMENT_HEADER_BYTES).find_map(|at| {
        let is = bytes[at];
        let was = (0..=u8::MAX).filter(|was| *was != is).find(|was| {
            bytes[at] = *was;
            header_verifies(&bytes)
        });
        bytes[at] = is;
        Some((at, was?))
    })?;
    Some(Finding::Byte { offset: at as u64, is: header[at], was, part: "the header of the segment" })
}

fn in_record(bytes: &[u8], offset: u64, seed: u32, sequence: u64) -> Finding {
    if bytes.iter().take(RECORD_HEADER_BYTES).all(|byte| *byte == 0) {
        return Finding::Zeros { offset };
    }
    if verifies(bytes, seed, 0) {
        return Finding::AnotherRecord { offset, sequence: u64_at(bytes, SEQUENCE_AT) };
    }
    if let Some((at, was)) = repair(bytes, seed, sequence) {
        return Finding::Byte { offset: offset + at as u64, is: bytes[at], was, part: part(at, bytes) };
    }
    let Some(whole) = record_length(bytes) else { return Finding::Many { offset } };
    if whole > bytes.len() {
        return Finding::EndOfFile { offset: offset + bytes.len() as u64 };
    }
    // A torn write leaves zeros from the start of a disk sector.
    let used = bytes[..whole].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let sector = 512 - (offset as usize + used.saturating_sub(1)) % 512 + used.saturating_sub(1);
    if sector < whole && used <= sector {
        return Finding::CutShort { offset: offset + used as u64 };
    }
    Finding::Many { offset }
}

/// The index and value of the byte with which the record verifies and has the expected sequence.
fn repair(bytes: &[u8], seed: u32, sequence: u64) -> Option<(usize, u8)> {
    let mut bytes = bytes.to_vec();
    // If the length is damaged, the end of the record is unknown, so the bytes of the length are tried first.
    let tried = record_length(&bytes).unwrap_or(RECORD_HEADER_BYTES).min(bytes.len());
    for at in 0..tried.max(RECORD_HEADER_BYTES) {
        let is = bytes[at];
        for was in (0..=u8::MAX).filter(|was| *was != is) {
            bytes[at] = was;
            if verifies(&bytes, seed, sequence) {
                return Some((at, was));
            }
        }
        bytes[at] = is;
    }
    None
}

fn verifies(bytes: &[u8], seed: u32, sequence: u64) -> bool {
    // The fast test first: only a record with the expected sequence is a candidate.
    if sequence != 0 && u64_at(bytes, SEQUENCE_AT) != sequence {
        return false;
    }
    let Some(payload) = payload_length(bytes) else { return false };
    let (end, whole) = (RECORD_HEADER_BYTES + payload, record_bytes(payload));
    if whole > bytes.len() || bytes[end..whole].iter().any(|byte| *byte != 0) {
        return false;
    }
    let crc = crc32c::crc32c_append(seed, &bytes[LENGTH_AT..CRC_AT]);
    crc32c::crc32c_append(crc, &bytes[SEQUENCE_AT..end]) == u32_at(bytes, CRC_AT)
}

/// The payload's length from the length field; `None` if it is larger than any payload.
fn payload_length(bytes: &[u8]) -> Option<usize> {
    match u32_at(bytes, LENGTH_AT) {
        SEAL | END => Some(0),
        length => Some(length as usize).filter(|length| *length <= PAYLOAD_BYTES_MAX),
    }
}

fn record_length(bytes: &[u8]) -> Option<usize> {
    payload_length(bytes).map(record_bytes)
}

/// The name of the field at this byte of a record.
fn part(at: usize, bytes: &[u8]) -> &'static str {
    let payload = payload_length(bytes).unwrap_or(PAYLOAD_BYTES_MAX);
    match at {
        ..CRC_AT => "the length of the record",
        CRC_AT..SEQUENCE_AT => "the checksum of the record",
        SEQUENCE_AT..WATERMARK_AT => "the sequence of the record",
        WATERMARK_AT..TIME_AT => "the watermark of the record",
        TIME_AT..RECORD_HEADER_BYTES => "the time of the record",
        _ if at < RECORD_HEADER_BYTES + payload => "the content of the record",
        _ => "the padding after the record",
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().copied().map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().copied().map_or(0, u64::from_le_bytes)
}

/// The bytes around `marked`, in hexadecimal and as text, with the marked byte in brackets.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn dump(files: &dyn Storage, name: &str, marked: u64) -> io::Result<String> {
    let line_of = |offset: u64| offset - offset % LINE_BYTES as u64;
    let around = (LINES_AROUND * LINE_BYTES) as u64;
    let start = line_of(marked.saturating_sub(around));
    let mut bytes = vec![0; (line_of(marked) + around - start) as usize + LINE_BYTES];
    debug_assert!(bytes.len() < PAGE_BYTES);
    let length = files.open(name)?.read_at(&mut bytes, start)?;
    let mut text = String::new();
    for (line, chunk) in bytes[..length].chunks(LINE_BYTES).enumerate() {
        let offset = start + (line * LINE_BYTES) as u64;
        let _ = write!(text, " {offset:>10} ");
        for at in 0..LINE_BYTES {
            let here = offset + at as u64;
            // One column between two bytes; it has a bracket if one of the two is marked.
            let gap = if here == marked {
                '['
            } else if at > 0 && here == marked + 1 {
                ']'
            } else {
                ' '
            };
            let _ = match chunk.get(at) {
                Some(byte) => write!(text, "{gap}{byte:02x}"),
                None => write!(text, "{gap}  "),
            };
        }
        text.push(if offset + LINE_BYTES as u64 == marked + 1 { ']' } else { ' ' });
        let shown =
            |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        text.extend([' ', '|'].into_iter().chain(chunk.iter().map(shown)).chain(['|', '\n']));
    }
    if (start + length as u64) <= marked {
        let _ = writeln!(text, " {:>10}  (the file ends here)", start + length as u64);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dojima_journal::Options;
    use dojima_journal::storage::FileStorage;

    const NAME: &str = "0000000001.seg";

    /// A journal of three records and a seal in one segment, and the offset of its second record.
    fn journal() -> (tempfile::TempDir, Vec<u8>, usize) {
        let folder = tempfile::tempdir().expect("a directory");
        let options = Options::default().with_segment_bytes(4096);
        let scanned = dojima_journal::scan(folder.path()).expect("empty");
        let mut writer = scanned.into_writer(options).expect("a writer");
        for sequence in 1..=3 {
            writer.append(sequence, 1_000 + sequence, b"twelve bytes").expect("appended");
        }
        writer.sync().expect("synced");
        writer.seal().expect("sealed");
        let bytes = std::fs::read(folder.path().join(NAME)).expect("the segment");
        (folder, bytes, SEGMENT_HEADER_BYTES + record_bytes(12))
    }

    #[test]
    fn a_single_damaged_byte_is_named_wherever_it_is() {
        let (folder, whole, second) = journal();
        let files = FileStorage::new(folder.path());
        let places = (0..SEGMENT_HEADER_BYTES).map(|at| (at, 0, 0));
        let places = places.chain((second..second + record_bytes(12)).map(|at| (at, second, 2)));
        for (at, start, sequence) in places {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x41;
            std::fs::write(folder.path().join(NAME), &bytes).expect("written");
            let found = find(&files, NAME, start as u64, sequence).expect("read");
            let Finding::Byte { offset, is, was, .. } = found else { panic!("byte {at}: {found:?}") };
            // A damaged sequence is found, too: by the byte that changes it to the expected one.
            assert_eq!((offset, is, was), (at as u64, bytes[at], whole[at]), "byte {at}");
        }
    }

    #[test]
    fn more_than_a_byte_is_told_apart() {
        let (folder, whole, second) = journal();
        let files = FileStorage::new(folder.path());
        let found = |bytes: &[u8]| {
            std::fs::write(folder.path().join(NAME), bytes).expect("written");
            find(&files, NAME, second as u64, 2).expect("read")
        };
        let mut bytes = whole.clone();
        bytes[second + 33] ^= 1;
        bytes[second + 35] ^= 1;
        assert_eq!(found(&bytes), Finding::Many { offset: second as u64 });
        let mut bytes = whole.clone();
        bytes[second..].fill(0);
        assert_eq!(found(&bytes), Finding::Zeros { offset: second as u64 });
        assert_eq!(found(&whole[..second + 36]), Finding::EndOfFile { offset: second as u64 + 36 });
        assert_eq!(found(&whole[..20]), Finding::EndOfFile { offset: 20 });
        std::fs::write(folder.path().join(NAME), &whole).expect("written");
        let other = find(&files, NAME, second as u64, 7).expect("read");
        assert_eq!(other, Finding::AnotherRecord { offset: second as u64, sequence: 2 });
        assert_eq!(find(&files, NAME, 16, 0).expect("read"), Finding::HeaderOfAnother { offset: 16 });
    }

    #[test]
    fn a_dump_marks_the_byte() {
        let folder = tempfile::tempdir().expect("a directory");
        // All byte values: the text beside the marked byte then contains brackets, too.
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        std::fs::write(folder.path().join(NAME), bytes).expect("written");
        let text = dump(&FileStorage::new(folder.path()), NAME, 0x57).expect("read");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2 * LINES_AROUND + 1);
        let marked = "         80  50 51 52 53 54 55 56[57]58 59 5a 5b 5c 5d 5e 5f  |PQRSTUVWXYZ[\\]^_|";
        assert_eq!(lines[LINES_AROUND], marked);
        let hexadecimal = |line: &str| line.split('|').next().map(str::to_owned).expect("a line");
        assert!(lines.iter().all(|line| *line == marked || !hexadecimal(line).contains('[')), "{text}");
    }
}
