//! A checksummed, group-committed journal of byte records, memory-mapped or written with `pwrite`.
//!
//! The crate handles bytes and sequences; it does not know what they mean. One [`Writer`] appends records with dense
//! sequences to segment files and makes them durable in batches. Any number of [`Reader`]s follow it with positioned
//! reads. [`scan`] checks a directory after a stop and never writes to it. The crate's `README.md` has the file format,
//! the guarantees of each durability mode, and the table of verdicts.
//!
//! ```
//! use dojima_journal::{Options, Reader, scan};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let mut writer = scan(folder.path())?.into_writer(Options::default().with_segment_bytes(64 * 1024))?;
//! writer.append(1, 1_000, b"first")?;
//! writer.append(2, 1_001, b"second")?;
//! assert_eq!(writer.sync()?, 2);
//!
//! let mut reader = Reader::open(folder.path(), 2)?;
//! assert_eq!(reader.next()?.map(|record| record.payload), Some(&b"second"[..]));
//! assert!(reader.next()?.is_none());
//! writer.seal()?;
//! # Ok(())
//! # }
//! ```
//!
//! In reading order: [`layout`] (every offset of the format), `record` and `segment` (bytes to values), [`storage`]
//! (where the files are: a directory or memory), `map` (the only unsafe code), `maker` (creates segments ahead of
//! need), [`Writer`], [`Reader`], recovery ([`scan`] and the steps after it), and the retention of old segments
//! ([`retire_before`], [`ArchivedStorage`]).

#![warn(missing_docs)]

mod archive;
mod beside;
mod content;
mod error;
mod files;
mod folder;
mod gathered;
mod index;
pub mod layout;
mod lock;
mod maker;
mod map;
mod memory;
mod own_files;
pub mod passing;
mod reader;
mod record;
mod recovery;
mod reopen;
mod retention;
mod segment;
pub mod storage;
mod tail;
mod window;
mod writer;

pub use archive::ArchivedStorage;
pub use beside::{FoundBeside, scan_beside, scan_beside_from};
pub use content::Content;
pub use error::{AppendError, JournalError, NotSynced, SyncError};
pub use index::SegmentIndex;
pub use lock::is_held;
pub use memory::{Action, Fault, Kept, MemoryStorage, Step};
pub use own_files::is_journal_file;
pub use reader::{Beginning, Position, Reader, Record, Trusted, beginning};
pub use recovery::{Scanned, SegmentSummary, Verdict, scan, scan_storage, scan_storage_from};
pub use retention::{Retire, Retired, retire_before, sync_segments};
pub use writer::{Durability, Options, Writer};
