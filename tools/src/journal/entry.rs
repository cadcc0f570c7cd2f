//! A record as what it means: a command or an event.

use bincode::error::DecodeError;
use clap::ValueEnum;
use dojima::domain::{Command, EventRecord, Timestamp, codec};
use dojima::recovery::DataDir;
use dojima_journal::{Position, Record};
use std::fmt;
use std::path::PathBuf;

/// What the records of a journal are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Content {
    /// Commands: the journal proper.
    Commands,
    /// Events: an event log.
    Events,
}

/// The kinds of commands, in the order of their encoding. They are the words of `domain::Command` for serde; a test holds
/// the two together.
const COMMAND_KINDS: [&str; 38] = [
    "add-asset",
    "open-account",
    "open-login",
    "list-instrument",
    "set-phase",
    "deposit",
    "withdraw",
    "open",
    "enter",
    "refuse-enter",
    "replace",
    "refuse-replace",
    "cancel",
    "set-limits",
    "amend",
    "cancel-order",
    "mass-cancel",
    "tick",
    "set-mark",
    "delist",
    "set-terms",
    "set-fees",
    "set-protection",
    "set-order-limits",
    "set-asset",
    "set-self-trade",
    "assign-tier",
    "set-volume-tiers",
    "kill",
    "checkpoint",
    "set-rules",
    "modify",
    "query-account",
    "set-order-entry",
    "cancel-login",
    "roll-session",
    "copy-account",
    "reset-user-ref",
];

/// The kinds of events, in the order of their encoding.
const EVENT_KINDS: [&str; 43] = [
    "asset-added",
    "account-opened",
    "login-opened",
    "instrument-listed",
    "phase-set",
    "deposited",
    "withdrawn",
    "opened",
    "refused",
    "accepted",
    "rejected",
    "replaced",
    "canceled",
    "executed",
    "ignored",
    "limits-set",
    "change-rejected",
    "amended",
    "armed",
    "triggered",
    "restated",
    "mass-canceled",
    "indicative",
    "uncrossed",
    "mark-set",
    "terms-set",
    "fees-set",
    "protection-set",
    "order-limits-set",
    "asset-set",
    "self-trade-set",
    "tier-set",
    "volume-tiers-set",
    "killed",
    "checkpointed",
    "rules-set",
    "account-state",
    "order-entry-set",
    "session-ended",
    "session-started",
    "session-rolled",
    "priority-updated",
    "account-copied",
];

/// Where the number of the kind stands in an encoded command, and in an encoded event after its three numbers.
const COMMAND_KIND_AT: usize = 0;
const EVENT_KIND_AT: usize = 24;

impl Content {
    /// Its kinds, in the order of their encoding.
    pub(super) fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Commands => &COMMAND_KINDS,
            Self::Events => &EVENT_KINDS,
        }
    }

    /// Many of its records.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Events => "events",
        }
    }

    /// One of its records.
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Commands => "command",
            Self::Events => "event",
        }
    }

    /// What a journal says of itself; `None` if it is older than that field, or not the engine's.
    pub(super) fn of_tag(tag: dojima_journal::Content) -> Option<Self> {
        // Of another version nothing may decode, and that is then said; what it is, it says itself.
        [(DataDir::COMMANDS, Self::Commands), (DataDir::EVENTS, Self::Events)]
            .into_iter()
            .find_map(|(known, content)| (known.kind == tag.kind).then_some(content))
    }

    /// What a record must be: an event's number is the sequence of its record, which no command looks like.
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
        // What decodes is at least that long, and its kind is one of those that there are.
        let number = payload.get(at).copied().map_or(usize::MAX, usize::from);
        self.kinds().get(number).copied().unwrap_or("unknown")
    }

    /// The meaning of a record; `path` is that of its file, for the error.
    ///
    /// # Errors
    /// When it has none.
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

/// A record that could be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    /// The record's sequence; of an event its number.
    pub(super) sequence: u64,
    pub(super) time: Timestamp,
    pub(super) position: Position,
    /// One of [`Content::kinds`].
    pub(super) kind: &'static str,
    pub(super) value: Value,
}

impl Entry {
    /// An event that stands in no journal.
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

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Command(Command),
    Event(EventRecord),
}

/// A record whose checksum is right and which still means nothing.
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
    /// What is wrong with it.
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
