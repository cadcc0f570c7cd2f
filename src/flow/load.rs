//! Loads recordings; the first line selects the format.

use super::error::FlowError;
use super::recording::Flow;
use super::{aapl, bitstamp, shanghai, table};
use std::path::Path;

impl Flow {
    /// Reads a recording. Orders are assigned to `sessions` sessions in turn. With one session, the recorded order of actions
    /// can be kept at full speed.
    ///
    /// # Errors
    /// When the file cannot be read, its first line is unknown, or a row does not match the format of the first line.
    pub fn load(path: &Path, sessions: u16) -> Result<Self, FlowError> {
        let text = table::read_text(path)?;
        let header = text.lines().next().unwrap_or_default();
        let source = table::Source { path, text: &text };
        let mut flow = match header.trim_end() {
            aapl::HEADER => aapl::load(&source),
            bitstamp::HEADER => bitstamp::load(&source),
            shanghai::HEADER => shanghai::load(&source),
            _ => Err(FlowError::UnknownHeader { path: path.to_owned(), header: header.to_owned() }),
        }?;
        flow.deal(sessions.max(1));
        Ok(flow)
    }
}
