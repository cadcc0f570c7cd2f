//! Old messages for datagrams. A request is one small datagram whose sender nobody knows, so what it costs is bounded: a
//! few places in the log are kept open, a new one is looked for only now and then, and on the way to it a bounded number of
//! messages is skipped at a time. Whoever asks for one stretch after another, as receivers do, finds its place open.

use super::log::{LogReader, OldMessages};
use crate::wire::mold::PacketBuilder;

/// Places that are open at one time.
const READERS_MAX: usize = 8;
/// A new place is looked for once in this time at most, ns.
const OPEN_NS: u64 = 10_000_000;
/// Messages that are read for one datagram, those that are skipped included.
const READ_MAX: u64 = 4096;

/// An open place.
struct FarReader {
    reader: LogReader,
    /// The message that it gives next; 0 before the first read.
    next: u64,
    /// That message, if it was read and did not fit into the last datagram; else empty.
    held: Vec<u8>,
    /// The message that it was opened for.
    wanted: u64,
    used: u64,
}

impl FarReader {
    /// Whether it is the one to go on with for this message: it is there, or near, or on the way to it.
    fn leads_to(&self, message: u64) -> bool {
        self.next <= message && (self.wanted == message || message - self.next < READ_MAX && self.next > 0)
    }

    /// Puts messages from `from` to before `end` into the datagram, as many as fit and as can be read now; how many.
    /// `None`: the message cannot be had.
    fn gather(&mut self, packet: &mut PacketBuilder, from: u64, end: u64) -> Option<u64> {
        let mut at = from;
        for _ in 0..READ_MAX {
            if at == end {
                break;
            }
            if self.next == at && !self.held.is_empty() {
                if !packet.push(&self.held) {
                    break;
                }
                self.held.clear();
            } else {
                let logged = match self.reader.next() {
                    Err(error) if error.is_passing() => break,
                    logged => logged.ok()?,
                };
                let Some(logged) = logged else { break };
                self.held.clear();
                self.next = logged.number;
                if logged.number > at {
                    return None;
                }
                if logged.number == at && !packet.push(logged.message) {
                    self.held.extend_from_slice(logged.message);
                    break;
                }
            }
            at += u64::from(self.next == at);
            self.next += 1;
        }
        Some(at - from)
    }
}

/// Open places in the log.
#[derive(Default)]
pub(super) struct FarReaders {
    readers: Vec<FarReader>,
    next_open: u64,
    uses: u64,
}

impl FarReaders {
    /// Puts messages from `from` to before `end` into the datagram, as many as fit; how many. 0 while the place is not found
    /// yet: ask again later. `None`: the message cannot be had any more.
    pub(super) fn gather(
        &mut self,
        packet: &mut PacketBuilder,
        from: u64,
        end: u64,
        log: &OldMessages,
        now: u64,
    ) -> Option<u64> {
        packet.clear();
        self.uses += 1;
        let at = match self.readers.iter().position(|reader| reader.leads_to(from)) {
            Some(at) => at,
            None if now < self.next_open => return Some(0),
            None => {
                self.next_open = now.saturating_add(OPEN_NS);
                let reader = match log.read_from(from) {
                    Err(error) if error.is_passing() => return Some(0),
                    opened => opened.ok()?,
                };
                if self.readers.len() == READERS_MAX {
                    let oldest = (0..READERS_MAX).min_by_key(|at| self.readers[*at].used).unwrap_or(0);
                    self.readers.swap_remove(oldest);
                }
                self.readers.push(FarReader { reader, next: 0, held: Vec::new(), wanted: from, used: 0 });
                self.readers.len() - 1
            }
        };
        let reader = &mut self.readers[at];
        reader.used = self.uses;
        let gathered = reader.gather(packet, from, end);
        if gathered.is_none() {
            packet.clear();
            self.readers.swap_remove(at);
        }
        gathered
    }
}
