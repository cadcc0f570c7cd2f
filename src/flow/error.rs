//! Why a recording cannot be used.

use std::io;
use std::path::PathBuf;

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The first line is not that of a known format.
    #[error("{}: no known order flow begins with {header:?}", path.display())]
    UnknownHeader { path: PathBuf, header: String },
    /// A row is not what the first line announces.
    #[error("{}, line {line}: {problem}", path.display())]
    Row { path: PathBuf, line: usize, problem: String },
}
