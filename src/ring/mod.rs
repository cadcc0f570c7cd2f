//! A lock-free ring with one producer and any number of consumers. A consumer may follow other consumers.
//!
//! The ring never waits, never drops a value, never overwrites a value that is still needed, and allocates only when it
//! is built. When a ring is full or empty, the caller decides whether to spin, sleep or push back.
//!
//! # Glossary
//!
//! - **slot**: memory for one value. The number of slots, the *capacity*, is a power of two.
//! - **position**: counts values from 0 and never wraps; the value at position *p* is in slot *p* mod capacity. Ranges
//!   of positions are half-open.
//! - **cursor**: a position on its own cache line, moved forward by one party and read by the others. The producer's
//!   cursor says "published up to here", a consumer's cursor "consumed up to here".
//! - **barrier**: the cursors that a party must not overtake, read as their minimum. A consumer's barrier is the
//!   producer's cursor or the cursors of the consumers it follows. The producer's barrier is the consumers that no
//!   other consumer follows.
//! - **limit**: the value of a barrier when it was last read. Barriers only advance, so a stale limit is safe; it only
//!   offers less. A party reads its barrier again only when its limit does not allow enough.
//! - **claim**: free slots lent to the user of the producer; **batch**: readable slots lent to the user of a consumer.
//!
//! # Memory orderings
//!
//! Every cursor is written by one party with a Release store and read by others with an Acquire load. There are no
//! fences, no read-modify-write operations and no other shared variables. That is enough for these pairs:
//!
//! 1. *Value before position.* The producer writes slots, then stores its cursor (Release). A consumer loads the cursor
//!    (Acquire) and reads only below it. It sees whole values, and all values of a batch become visible together.
//! 2. *Reading before reuse.* A consumer reads slots, then stores its cursor (Release). The producer loads the cursor
//!    (Acquire) and overwrites only below cursor plus capacity, so no value changes while a consumer reads it.
//! 3. *Along a chain.* A follower loads the cursor of its predecessor. The predecessor stored that cursor after it had
//!    loaded the producer's cursor. Happens-before is transitive: the follower sees the values and everything that the
//!    predecessor did with them. In the same way the producer checks only the last consumer of a chain, and knows that
//!    all consumers before it have finished reading.
//! 4. *A cursor as a gate.* A reader of a standalone [`cursor()`] sees everything that its writer did before moving it.
//!    The durable cursor tells readers in this way that bytes are on disk.
//!
//! A party keeps a copy of its own position and never reads its own cursor back. `tests/loom.rs` checks these claims
//! against this code.

mod barrier;
mod builder;
mod consumer;
mod cursor;
mod producer;
mod slots;
mod sync;
#[cfg(all(test, not(dojima_loom)))]
mod tests;

pub use builder::{ConsumerKey, RingBuilder, spsc};
pub use consumer::{Batch, Consumer};
pub use cursor::{CursorReader, CursorWriter, cursor};
pub use producer::{Claim, Full, Producer};
