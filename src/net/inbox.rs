//! A buffer for received bytes that are not processed yet.

/// Buffer size in bytes; enough for many messages per read.
pub const INBOX_LEN: usize = 64 * 1024;

/// A buffer that is filled at its end and consumed from its start.
pub struct Inbox {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Inbox {
    /// An empty buffer; all of its memory is allocated now.
    pub fn new() -> Self {
        Self::with_room(INBOX_LEN)
    }

    /// An empty buffer for this many bytes.
    pub fn with_room(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes].into_boxed_slice(), start: 0, end: 0 }
    }

    /// The size of the buffer in bytes.
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Copies the waiting bytes of another buffer, which must fit into this one.
    pub fn take_over(&mut self, other: &Self) {
        let waiting = other.waiting();
        self.room()[..waiting.len()].copy_from_slice(waiting);
        self.filled(waiting.len());
    }

    /// The received bytes that are not processed.
    #[inline]
    pub fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Whether no bytes are waiting.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether the buffer is full.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.end - self.start == self.bytes.len()
    }

    /// The free part for the next bytes. Empty if the buffer is full.
    #[inline]
    pub fn room(&mut self) -> &mut [u8] {
        // The waiting bytes are moved to the front only when little room is left behind them. Usually they are just the
        // first part of one packet.
        if self.start > 0 && self.bytes.len() - self.end < self.bytes.len() / 2 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.bytes[self.end..]
    }

    /// Records that the first `count` bytes of the free part were filled.
    #[inline]
    pub fn filled(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.bytes.len());
    }

    /// Records that the first `count` waiting bytes were processed.
    #[inline]
    pub fn took(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            self.clear();
        }
    }

    /// Discards the waiting bytes.
    pub fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_whatever_the_sizes() {
        let mut inbox = Inbox::new();
        let (mut put, mut taken, mut step) = (0_u64, 0_u64, 1_usize);
        while put < 4 * INBOX_LEN as u64 {
            step = step * 31 % 50_021;
            let room = inbox.room();
            let count = step.min(room.len());
            for slot in &mut room[..count] {
                *slot = (put % 251) as u8;
                put += 1;
            }
            inbox.filled(count);
            let take = (step * 7 % 60_013).min(inbox.waiting().len());
            for byte in &inbox.waiting()[..take] {
                assert_eq!(u64::from(*byte), taken % 251);
                taken += 1;
            }
            inbox.took(take);
            assert_eq!(inbox.waiting().len() as u64, put - taken);
        }
    }

    #[test]
    fn all_of_it_can_be_used() {
        let mut inbox = Inbox::new();
        inbox.filled(INBOX_LEN);
        assert!(inbox.room().is_empty() && inbox.is_full());
        inbox.took(1);
        assert!(!inbox.is_full());
        assert_eq!(inbox.room().len(), 1);
        inbox.filled(1);
        assert_eq!(inbox.waiting().len(), INBOX_LEN);
    }
}
