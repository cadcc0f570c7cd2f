//! Errors of a configuration, with the information needed to correct them.

use std::fmt;
use std::ops::RangeInclusive;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "cannot read the configuration {origin} (`dojima serve --print-config` prints one to start from)"
    )]
    Read { origin: String, source: std::io::Error },
    /// The file is not TOML, or a key is unknown, missing or of the wrong kind.
    #[error("{origin}: line {line}, column {column}: {reason}")]
    Parse {
        origin: String,
        /// Line number, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The cause, with the key. The line itself is not shown: it may contain a password.
        reason: String,
    },
    /// Values are out of bounds.
    #[error("{}", list(origin.as_deref(), problems))]
    Invalid {
        /// The name of the file, if the configuration came from one.
        origin: Option<String>,
        /// All problems.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    pub(super) fn invalid(problems: Vec<Problem>) -> Self {
        Self::Invalid { origin: None, problems }
    }

    pub(super) fn parse(origin: &str, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::Parse {
            origin: origin.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            reason: error.message().trim_end().to_owned(),
        }
    }

    pub(super) fn in_file(self, name: &str) -> Self {
        match self {
            Self::Invalid { problems, .. } => Self::Invalid { origin: Some(name.to_owned()), problems },
            other => other,
        }
    }
}

fn list(origin: Option<&str>, problems: &[Problem]) -> String {
    let origin = origin.unwrap_or("the configuration");
    match problems {
        [only] => format!("{origin}: {only}"),
        many => {
            let lines: Vec<String> = many.iter().map(|problem| format!("  {problem}")).collect();
            format!("{origin}: {} values cannot be used\n{}", many.len(), lines.join("\n"))
        }
    }
}

/// One value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The full path of the key, such as `instruments[BTC-USDT].tick`.
    pub key: String,
    /// The value in the file.
    pub value: String,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}", self.key, self.value, self.reason)
    }
}

/// A list of problems, so that all are reported together.
#[derive(Debug, Default)]
pub(super) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// Adds a problem: the value of this key cannot be used.
    pub(super) fn add(
        &mut self,
        key: impl Into<String>,
        value: impl fmt::Display,
        reason: impl fmt::Display,
    ) {
        self.0.push(Problem { key: key.into(), value: value.to_string(), reason: reason.to_string() });
    }

    /// Returns the result's value, or adds its error as a problem of the key.
    pub(super) fn take<T, E: fmt::Display>(
        &mut self,
        key: impl Into<String>,
        value: impl fmt::Display,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|reason| self.add(key, value, reason)).ok()
    }
}

/// Whether the text has 1 to `len_max` characters, all ASCII letters or digits.
pub(super) fn is_alphanumeric(text: &str, len_max: usize) -> bool {
    (1..=len_max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The value in quotes, as in the file.
pub(super) fn quoted(text: &str) -> String {
    format!("{text:?}")
}

pub(super) fn within<T: PartialOrd + fmt::Display + Copy>(
    p: &mut Problems,
    key: &str,
    value: T,
    range: RangeInclusive<T>,
) {
    if !range.contains(&value) {
        p.add(key, value, format!("must be from {} to {}", range.start(), range.end()));
    }
}
