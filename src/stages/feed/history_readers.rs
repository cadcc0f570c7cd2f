//! Reads old messages for datagrams. A request is one small datagram from an unauthenticated sender, so its cost is
//! bounded: a few readers of the log are kept open, each for one address; a new reader is opened only at a limited
//! rate; and a reader skips a bounded number of messages at a time on its way to a message. A receiver that asks for
//! consecutive ranges finds its reader open.

use super::log::{LogReader, OldMessages};
use crate::net::origin;
use crate::runtime::{Pace, Rate};
use crate::wire::mold::PacketBuilder;
use std::net::IpAddr;

/// The most open readers, in total and per address.
const READERS_MAX: usize = 16;
const READERS_PER_ADDRESS: usize = 2;
/// The shortest time between two new readers, ns.
const OPEN_NS: u64 = 10_000_000;
/// The rate of new readers per address.
const OPENS: Rate = Rate { burst: 4, spacing: 50_000_000 };
/// The most messages read per datagram, including those that are skipped.
const READ_MAX: u64 = 4096;

/// One open reader of the log.
struct HistoryReader {
    reader: LogReader,
    /// The number of the next message it will return; 0 before the first read.
    next: u64,
    /// That message, if it was read and did not fit into the last datagram; otherwise empty.
    held: Vec<u8>,
    /// The message for which it was opened.
    wanted: u64,
    /// The address for which it was opened; only requests from there advance it. `None`: for multicast.
    whose: Option<IpAddr>,
    used: u64,
}

impl HistoryReader {
    /// Whether this reader should be used for this message: it is at it, near it, or on its way to it.
    fn leads_to(&self, message: u64, whose: Option<IpAddr>) -> bool {
        self.whose == whose
            && self.next <= message
            && (self.wanted == message || message - self.next < READ_MAX && self.next > 0)
    }

    /// Adds messages from `from` to before `end` to the datagram, as many as fit and can be read now; returns how many.
    /// `None`: the message is not available. Counts the messages read in `read`.
    fn gather(&mut self, packet: &mut PacketBuilder, from: u64, end: u64, read: &mut u64) -> Option<u64> {
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
                *read += 1;
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

/// The open readers of the log.
pub(super) struct HistoryReaders {
    readers: Vec<HistoryReader>,
    next_open: u64,
    opens: Pace<IpAddr>,
    uses: u64,
    read: u64,
}

impl HistoryReaders {
    /// Without open readers.
    pub(super) fn new() -> Self {
        Self { readers: Vec::new(), next_open: 0, opens: Pace::new(OPENS, 0), uses: 0, read: 0 }
    }

    /// The number of messages read from the log, including those that were skipped.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Whether a reader may be opened now for this address.
    fn may_open(&mut self, whose: Option<IpAddr>, now: u64) -> bool {
        now >= self.next_open && whose.is_none_or(|whose| self.opens.book(whose, now).is_some())
    }

    /// Closes a reader if there are too many: of the same address if that has too many.
    fn make_room(&mut self, whose: Option<IpAddr>) {
        let own = |reader: &HistoryReader| whose.is_some() && reader.whose == whose;
        let has_its_share = self.readers.iter().filter(|reader| own(reader)).count() >= READERS_PER_ADDRESS;
        if has_its_share || self.readers.len() == READERS_MAX {
            let of_those = (0..self.readers.len()).filter(|at| !has_its_share || own(&self.readers[*at]));
            if let Some(oldest) = of_those.min_by_key(|at| self.readers[*at].used) {
                self.readers.swap_remove(oldest);
            }
        }
    }

    /// Adds messages from `from` to before `end` to the datagram, as many as fit, for this address (`None`: for
    /// multicast); returns how many. 0 while the message is still being searched: ask again later. `None`: the message
    /// is no longer available.
    pub(super) fn gather(
        &mut self,
        packet: &mut PacketBuilder,
        (from, end): (u64, u64),
        whose: Option<IpAddr>,
        log: &OldMessages,
        now: u64,
    ) -> Option<u64> {
        let whose = whose.map(origin);
        packet.clear();
        self.uses += 1;
        let at = match self.readers.iter().position(|reader| reader.leads_to(from, whose)) {
            Some(at) => at,
            None if !self.may_open(whose, now) => return Some(0),
            None => {
                self.next_open = now.saturating_add(OPEN_NS);
                let reader = match log.read_from(from) {
                    Err(error) if error.is_passing() => return Some(0),
                    opened => opened.ok()?,
                };
                self.make_room(whose);
                self.readers.push(HistoryReader {
                    reader,
                    next: 0,
                    held: Vec::new(),
                    wanted: from,
                    whose,
                    used: 0,
                });
                self.readers.len() - 1
            }
        };
        let reader = &mut self.readers[at];
        reader.used = self.uses;
        let gathered = reader.gather(packet, from, end, &mut self.read);
        if gathered.is_none() {
            packet.clear();
            self.readers.swap_remove(at);
        }
        gathered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dojima_journal::storage::Storage;
    use dojima_journal::{Durability, MemoryStorage, Options, scan_storage_from};
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    const MS: u64 = 1_000_000;
    const MESSAGES: u64 = 40_000;

    fn log() -> OldMessages {
        let files: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let options = Options {
            segment_bytes: 1 << 17,
            spare_segments: 0,
            durability: Durability::Async,
            ..Options::default()
        };
        let scanned = scan_storage_from(Arc::clone(&files), 1).expect("a log");
        let mut writer = scanned.into_writer(options).expect("a writer");
        for number in 1..=MESSAGES {
            // The command's sequence, and the message.
            let payload: Vec<u8> = number.to_le_bytes().into_iter().chain([b'x'; 40]).collect();
            writer.append(number, 0, &payload).expect("room");
        }
        writer.seal().expect("sealed");
        OldMessages::of(&files)
    }

    /// One receiver asks for messages all over the log, another for consecutive ranges, with retries.
    #[test]
    fn who_asks_for_one_place_after_another_keeps_nobody_from_his() {
        let (old, mut history, mut packet) = (log(), HistoryReaders::new(), PacketBuilder::default());
        let [stranger, receiver] = [1, 2].map(|last| Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))));
        let (mut wanted, mut place) = (1, 1);
        for at in 0..400 {
            let now = (1_000 + at) * MS;
            for _ in 0..5 {
                place = (place + 17_389) % MESSAGES;
                history.gather(&mut packet, (place.max(1), MESSAGES), stranger, &old, now);
            }
            let own = history.readers.iter().filter(|reader| reader.whose == stranger).count();
            assert!(own <= READERS_PER_ADDRESS, "{own} places");
            wanted +=
                history.gather(&mut packet, (wanted, MESSAGES), receiver, &old, now).expect("it is there");
        }
        assert!(wanted > 300 * 30, "only {wanted} messages in 400 cycles");
    }
}
