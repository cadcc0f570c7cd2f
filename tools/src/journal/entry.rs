//! A decoded record: a command or an event.

use bincode::error::DecodeError;
use clap::ValueEnum;
use dojima::domain::{Command, Event, EventRecord, Timestamp, codec};
use dojima::recovery::DataDir;
use dojima_journal::{Position, Record};
use std::fmt;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What the records of a journal are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Content {
    /// Commands: the journal proper.
    Commands,
    /// Events: an event log.
    Events,
}

/// A kind: its number in the encoding and its name in serde; a test compares them.
type Kinds = Vec<(u32, String)>;

static COMMAND_KINDS: LazyLock<Kinds> = LazyLock::new(|| kinds_of(Command::KINDS));
static EVENT_KINDS: LazyLock<Kinds> = LazyLock::new(|| kinds_of(Event::KINDS));

fn kinds_of(named: &[(u32, &str)]) -> Kinds {
    let mut kinds: Kinds = named.iter().map(|(number, name)| (*number, kebab_case(name))).collect();
    kinds.sort_unstable();
    kinds
}

fn kebab_case(name: &str) -> String {
    let mut word = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// The offset of the kind's number in an encoded command, and in an encoded event after its three numbers.
const COMMAND_KIND_AT: usize = 0;
const EVENT_KIND_AT: usize = 24;

impl Content {
    /// Its kinds with their names, in the order of their numbers.
    pub(super) fn kinds(self) -> impl Iterator<Item = (u32, &'static str)> {
        let kinds: &'static Kinds = match self {
            Self::Commands => &COMMAND_KINDS,
            Self::Events => &EVENT_KINDS,
        };
        kinds.iter().map(|(number, word)| (*number, word.as_str()))
    }

    /// The plural noun for its records.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Events => "events",
        }
    }

    /// The singular noun for its records.
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Commands => "command",
            Self::Events => "event",
        }
    }

    /// The content according to the segment header; `None` if the journal is older than this field, or not the engine's.
    pub(super) fn of_tag(tag: dojima_journal::Content) -> Option<Self> {
        // Records of another version may not decode, which is reported later; the kind is known in any case.
        [(DataDir::COMMANDS, Self::Commands), (DataDir::EVENTS, Self::Events)]
            .into_iter()
            .find_map(|(known, content)| (known.kind == tag.kind).then_some(content))
    }

    /// The content according to a record. An event's number equals the sequence of its record; no command looks like this.
    pub(super) fn of(record: &Record<'_>) -> Option<Self> {
        let event = codec::decode_event(record.payload).ok();
        if event.is_some_and(|event| event.number == record.sequence) {
            return Some(Self::Events);
        }
        codec::decode_command(record.payload).ok().map(|_| Self::Commands)
    }

    /// The kind of an encoded command or event.
    fn kind_of(self, payload: &[u8]) -> &'static str {
        let at = match self {
            Self::Commands => COMMAND_KIND_AT,
            Self::Events => EVENT_KIND_AT,
        };
        // A payload that decodes is long enough and has a known kind.
        let number = payload.get(at).copied().map(u32::from);
        self.kinds().find(|(known, _)| Some(*known) == number).map_or("unknown", |(_, word)| word)
    }

    /// Decodes a record; `path` is that of its file, for the error.
    ///
    /// # Errors
    /// When the record cannot be decoded.
    pub(super) fn decode(
        self,
        record: &Record<'_>,
        path: impl FnOnce() -> PathBuf,
    ) -> Result<Entry, Undecodable> {
        let value = match self {
            Self::Commands => codec::decode_command(record.payload).map(Value::Command),
            Self::Events => codec::decode_event(record.payload).map(Value::Event),
        };
        let value = value.map_err(|cause| Undecodable {
            file: path(),
            position: record.position(),
            sequence: record.sequence,
            content: self,
            cause,
        })?;
        let kind = self.kind_of(record.payload);
        Ok(Entry {
            sequence: record.sequence,
            time: Timestamp(record.time_ns),
            position: record.position(),
            kind,
            value,
        })
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.plural())
    }
}

/// A record that was decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    /// The record's sequence; for an event its number.
    pub(super) sequence: u64,
    pub(super) time: Timestamp,
    pub(super) position: Position,
    /// One of [`Content::kinds`].
    pub(super) kind: &'static str,
    pub(super) value: Value,
}

impl Entry {
    /// An entry for an event that is not in a journal.
    pub(super) fn of_event(record: EventRecord) -> Self {
        let mut bytes = [0; codec::ENCODED_LEN_MAX];
        codec::encode_event(&record, &mut bytes).expect("ENCODED_LEN_MAX bytes hold any event");
        Self {
            sequence: record.number,
            time: record.time,
            position: Position { segment: 0, offset: 0 },
            kind: Content::Events.kind_of(&bytes),
            value: Value::Event(record),
        }
    }
}

/// The decoded payload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Command(Command),
    Event(EventRecord),
}

/// A record whose checksum is right but whose payload cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: the record at byte {} (sequence {sequence}) {}", file.display(), position.offset, self.why()
)]
pub(super) struct Undecodable {
    pub(super) file: PathBuf,
    pub(super) position: Position,
    pub(super) sequence: u64,
    content: Content,
    cause: DecodeError,
}

impl Undecodable {
    /// The reason.
    pub(super) fn why(&self) -> String {
        let content = self.content.singular();
        let reason = match &self.cause {
            DecodeError::UnexpectedVariant { type_name, found, .. } => {
                format!("{found} is no {type_name}")
            }
            DecodeError::UnexpectedEnd { .. } => "it ends too early".to_owned(),
            DecodeError::Other(reason) => (*reason).to_owned(),
            other => other.to_string(),
        };
        format!("verifies, but is no {content} of this version of the program: {reason}")
    }
}
