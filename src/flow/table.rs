//! Comma-separated files, plain or compressed with xz.

use super::error::FlowError;
use crate::domain::Side;
use liblzma::read::XzDecoder;
use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

/// The whole text of a file.
pub(super) fn read_text(path: &Path) -> Result<String, FlowError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| {
        if path.extension().is_some_and(|extension| extension == "xz") {
            XzDecoder::new_multi_decoder(file).read_to_string(&mut text)
        } else {
            file.read_to_string(&mut text)
        }
    });
    read.map(|_| text).map_err(|source| FlowError::Read { path: path.to_owned(), source })
}

/// A file's text and path; the path is for errors.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl<'a> Source<'a> {
    /// The rows after the first line, which have `N` columns each.
    pub(super) fn rows<const N: usize>(&self) -> impl Iterator<Item = Result<Row<'a, N>, FlowError>> {
        let path = self.path;
        self.text.lines().enumerate().skip(1).filter(|(_, text)| !text.is_empty()).map(move |(at, text)| {
            let mut columns = text.split(',');
            let mut cells = [""; N];
            let filled = cells.iter_mut().all(|cell| columns.next().map(|text| *cell = text).is_some());
            let row = Row { path, line: at + 1, cells };
            if filled && columns.next().is_none() {
                Ok(row)
            } else {
                Err(row.error(format!("expected {N} columns: {text:?}")))
            }
        })
    }

    /// The file's name up to the first underscore or dot; by convention the recorded instrument or market.
    pub(super) fn subject(&self) -> &'a str {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.split(['_', '.']).next().unwrap_or_default()
    }
}

pub(super) struct Row<'a, const N: usize> {
    path: &'a Path,
    line: usize,
    pub(super) cells: [&'a str; N],
}

impl<const N: usize> Row<'_, N> {
    pub(super) fn number<T: FromStr<Err: Display>>(&self, column: usize) -> Result<T, FlowError> {
        let text = self.cells[column];
        text.parse().map_err(|error| self.error(format!("column {}, {text:?}: {error}", column + 1)))
    }

    pub(super) fn side(&self, column: usize) -> Result<Side, FlowError> {
        match self.cells[column] {
            "B" => Ok(Side::Buy),
            "S" => Ok(Side::Sell),
            other => Err(self.error(format!("the side is {other:?}, neither B nor S"))),
        }
    }

    pub(super) fn error(&self, problem: impl Display) -> FlowError {
        FlowError::Row { path: self.path.to_owned(), line: self.line, problem: problem.to_string() }
    }
}
