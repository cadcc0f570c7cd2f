//! Whole engines whose surroundings fail: a disk that fills up, a database that others lock, delete, or put where nothing
//! can be written. The table of all faults is in docs/RECOVERY.md, "Fault matrix".

mod descriptors;
mod space;
mod sql;
