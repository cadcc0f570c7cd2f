//! A record in the form for other programs.

use super::entry::Value;
use super::selection::{Selected, Selection};
use super::time::rfc3339;
use dojima::domain::{AccountId, Command, Event};
use serde::Serialize;

/// A record for other programs. The keys never change.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    /// The record's sequence; for an event its number.
    pub(super) sequence: u64,
    pub(super) time_ns: u64,
    pub(super) time: String,
    /// The command that caused the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<u64>,
    /// The accounts of the record, as far as it or earlier records name them; for a trade the resting side first.
    pub(super) accounts: Vec<AccountId>,
    pub(super) symbol: Option<String>,
    /// `kind` and `fields`.
    #[serde(flatten)]
    content: Flattened,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Flattened {
    Command(Command),
    Event(Event),
}

impl Line {
    pub(super) fn of(selected: &Selected, selection: &Selection<'_>) -> Self {
        let Selected { entry, concerns } = selected;
        let symbol = concerns.instrument.and_then(|id| selection.names().terms(id));
        let (command, content) = match entry.value {
            Value::Command(command) => (None, Flattened::Command(command)),
            Value::Event(record) => (Some(record.sequence), Flattened::Event(record.event)),
        };
        Self {
            sequence: entry.sequence,
            time_ns: entry.time.0,
            time: rfc3339(entry.time),
            command,
            accounts: concerns.accounts.iter().flatten().copied().collect(),
            symbol: symbol.map(|terms| terms.symbol.text()),
            content,
        }
    }
}
