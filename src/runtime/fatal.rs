//! Errors that end the process.

use dojima_journal::passing::Told;
use std::fmt::Display;
use std::io;

use super::affinity::AffinityError;

/// An error after which continuing could corrupt or lose data, or is not possible.
///
/// There is no recovery within the process: it ends with the exit code of the error, which operators' scripts can use.
///
/// | exit code | reason | what it means for the data |
/// |---|---|---|
/// | 10 | [`Fatal::Invariant`] | nothing past the last durable command was released; keep the journal and report |
/// | 11 | [`Fatal::JournalAppend`] | unacknowledged commands may be lost, acknowledged ones are not |
/// | 12 | [`Fatal::JournalSync`] | the same; the disk failed a sync, which is never retried |
/// | 13 | [`Fatal::JournalFull`] | no space for commands that were already taken in; make space and restart |
/// | 14 | [`Fatal::JournalDamaged`] | refused to start: acknowledged data does not verify |
/// | 15 | [`Fatal::JournalLocked`] | refused to start: another engine writes this journal |
/// | 16 | [`Fatal::EventLog`] | the journal is intact; the event log is rebuilt from it |
/// | 17 | [`Fatal::Sql`] | the journal and the event log are intact; SQL resumes from its watermark |
/// | 18 | [`Fatal::Io`] | no data was being written |
/// | 19 | [`Fatal::Affinity`] | a thread could not be pinned as configured |
/// | 20 | [`Fatal::Listen`] | an address could not be listened on |
/// | 21 | [`Fatal::ThreadPanic`] | an agent panicked: as for a broken invariant (builds that abort on panic end by signal instead) |
/// | 22 | [`Fatal::Snapshot`] | no usable snapshot where one is needed |
/// | 23 | [`Fatal::Diverged`] | two replicas of the state differ: a defect of the program or of the memory; the journal is intact, and nothing past its last durable command was released |
/// | 24 | [`Fatal::MarketData`] | journal and event log are intact; the market data is made again from the events |
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// An invariant does not hold.
    #[error("broken invariant: {what}")]
    Invariant {
        /// The violated invariant, with the values.
        what: String,
    },
    /// A record could not be appended to the journal.
    #[error("journal append failed: {cause}")]
    JournalAppend { cause: String },
    /// The journal could not be synced.
    #[error("journal sync failed: {cause}")]
    JournalSync { cause: String },
    /// The journal has no room for a command that was already accepted.
    #[error("journal is out of space: {cause}")]
    JournalFull { cause: String },
    /// Recovery found damage before the last acknowledged record.
    #[error("journal is damaged: {cause}")]
    JournalDamaged {
        /// The byte and file, and the damage.
        cause: String,
    },
    /// Another process holds the journal.
    #[error("journal is in use: {cause}")]
    JournalLocked {
        /// The directory and, where known, the holder.
        cause: String,
    },
    /// The event log could not be written or read.
    #[error("event log failed: {cause}")]
    EventLog { cause: String },
    /// The SQL database reported an error that cannot be retried.
    #[error("SQL writer failed: {cause}")]
    Sql { cause: String },
    /// Any other I/O error.
    #[error("I/O failed: {cause}")]
    Io {
        /// The failed operation and its error.
        cause: String,
    },
    /// A thread could not be pinned to its core.
    #[error("pinning failed: {cause}")]
    Affinity { cause: String },
    /// An address could not be bound.
    #[error("cannot listen: {cause}")]
    Listen {
        /// The address and the error.
        cause: String,
    },
    /// An agent's thread panicked.
    #[error("{agent} panicked: {message}")]
    ThreadPanic {
        agent: String,
        /// The panic message.
        message: String,
    },
    /// A snapshot is missing, damaged or contradicts the journal.
    #[error("snapshot failed: {cause}")]
    Snapshot { cause: String },
    /// Two replicas that applied the same commands have different states.
    #[error("diverged: {cause}")]
    Diverged {
        /// The command, and the value of each replica.
        cause: String,
    },
    /// The log of market data could not be written, read or derived from the events.
    #[error("market data failed: {cause}")]
    MarketData { cause: String },
}

macro_rules! constructors {
    ($($name:ident => $variant:ident),+ $(,)?) => {
        $(
            #[doc = concat!("[`Fatal::", stringify!($variant), "`] from the error below it.")]
            pub fn $name(cause: impl Display) -> Self {
                Self::$variant { cause: cause.to_string() }
            }
        )+
    };
}

impl Fatal {
    /// [`Fatal::Invariant`]. `what` should name the violated invariant and the values.
    pub fn invariant(what: impl Display) -> Self {
        Self::Invariant { what: what.to_string() }
    }

    constructors! {
        journal_append => JournalAppend,
        journal_sync => JournalSync,
        journal_full => JournalFull,
        journal_damaged => JournalDamaged,
        journal_locked => JournalLocked,
        event_log => EventLog,
        sql => Sql,
        io => Io,
        listen => Listen,
        snapshot => Snapshot,
        diverged => Diverged,
        market_data => MarketData,
    }

    /// The process's exit code for this error; see the table above. The codes start at 10, so that they differ from 1
    /// and 2 of ordinary command-line errors.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Invariant { .. } => 10,
            Self::JournalAppend { .. } => 11,
            Self::JournalSync { .. } => 12,
            Self::JournalFull { .. } => 13,
            Self::JournalDamaged { .. } => 14,
            Self::JournalLocked { .. } => 15,
            Self::EventLog { .. } => 16,
            Self::Sql { .. } => 17,
            Self::Io { .. } => 18,
            Self::Affinity { .. } => 19,
            Self::Listen { .. } => 20,
            Self::ThreadPanic { .. } => 21,
            Self::Snapshot { .. } => 22,
            Self::Diverged { .. } => 23,
            Self::MarketData { .. } => 24,
        }
    }
}

impl From<AffinityError> for Fatal {
    fn from(error: AffinityError) -> Self {
        Self::Affinity { cause: error.to_string() }
    }
}

impl From<io::Error> for Fatal {
    fn from(error: io::Error) -> Self {
        Self::io(Told(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_code_in_the_documented_order() {
        let all = [
            Fatal::invariant("x"),
            Fatal::journal_append("x"),
            Fatal::journal_sync("x"),
            Fatal::journal_full("x"),
            Fatal::journal_damaged("x"),
            Fatal::journal_locked("x"),
            Fatal::event_log("x"),
            Fatal::sql("x"),
            Fatal::io("x"),
            AffinityError::NoCoreList.into(),
            Fatal::listen("x"),
            Fatal::ThreadPanic { agent: "x".into(), message: "y".into() },
            Fatal::snapshot("x"),
            Fatal::diverged("x"),
            Fatal::market_data("x"),
        ];
        let codes: Vec<u8> = all.iter().map(Fatal::exit_code).collect();
        assert_eq!(codes, (10..=24).collect::<Vec<u8>>());
    }

    #[test]
    fn the_message_keeps_the_cause() {
        let fatal = Fatal::from(io::Error::other("cable pulled"));
        assert_eq!(fatal.to_string(), "I/O failed: cable pulled");
    }
}
