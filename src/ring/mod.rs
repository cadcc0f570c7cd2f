//! A lock-free ring: one producer, any number of consumers, consumers that may follow other consumers.
//!
//! It must never wait, allocate after it is built, drop a value or overwrite one that is still needed. Whether
//! to spin, to sleep or to push back when a ring is full or empty is for the caller to say.
//!
//! # Glossary
//!
//! - **slot**: memory for one value. Their number, the *capacity*, is a power of two.
//! - **position**: counts values from 0, for ever; the value at position *p* is in slot *p* mod capacity. Ranges
//!   of positions are half-open.
//! - **cursor**: a position on a cache line of its own, moved forward by one party and read by the others.
//!   The producer's says "published up to here", a consumer's "consumed up to here".
//! - **barrier**: the cursors a party must not overtake, read as their minimum. A consumer's are the producer's
//!   cursor or those of the consumers it follows; the producer's are the consumers that nobody follows.
//! - **limit**: what a barrier gave when it was last read. Barriers only advance, so a stale limit is safe and
//!   merely small; each party reads its barrier again only when its limit does not give it enough.
//! - **claim**: free slots on loan to the producer's caller; **batch**: readable slots on loan to a consumer's.
//!
//! # Memory orderings
//!
//! Every cursor is written by one party with a Release store and read by others with an Acquire load. There are no
//! fences, no read-modify-write operations and no other shared variables. That is enough for these pairs:
//!
//! 1. *Value before position.* The producer writes slots, then stores its cursor (Release). A consumer loads it
//!    (Acquire) and reads only below it, so it sees whole values, and a batch appears at once.
//! 2. *Reading before reuse.* A consumer reads slots, then stores its cursor (Release). The producer loads it
//!    (Acquire) and overwrites only below it plus the capacity, so no value changes under a reader.
//! 3. *Along a chain.* A follower loads the cursor of the consumer before it, which that one stored after it had
//!    loaded the producer's. Happens-before is transitive: the follower sees the values, and whatever its
//!    predecessor did with them. In the same way the producer, which looks at the last of a chain only, knows
//!    that everybody before it has finished reading.
//! 4. *A cursor as a gate.* Whoever reads a free-standing [`cursor()`] sees everything that its writer did before
//!    moving it; the durable cursor says in this way that the bytes are on disk.
//!
//! A party keeps a copy of its own position and never reads its cursor back. `tests/loom.rs` checks these claims on
//! this code.

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
