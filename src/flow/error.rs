//! Errors of reading a recording.

use std::io;
use std::path::PathBuf;

/// The reason why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The first line does not belong to a known format.
    #[error("{}: no known order flow begins with {header:?}", path.display())]
    UnknownHeader { path: PathBuf, header: String },
    /// A row does not match the format of the first line.
    #[error("{}, line {line}: {problem}", path.display())]
    Row { path: PathBuf, line: usize, problem: String },
}
