//! What can be wrong with a configuration, said so that it can be put right.

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
        /// Where, from 1.
        line: usize,
        /// Characters into that line, from 1.
        column: usize,
        /// Why; names the key. The line itself is not shown: there may be a password in it.
        reason: String,
    },
    /// Values are out of bounds.
    #[error("{}", list(origin.as_deref(), problems))]
    Invalid {
        /// Which file, if it is one.
        origin: Option<String>,
        /// Everything that is wrong.
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
    /// The whole path of the key, such as `instruments[BTC-USDT].tick`.
    pub key: String,
    /// The value as it was given.
    pub value: String,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}", self.key, self.value, self.reason)
    }
}

/// Problems as they are gathered, so that all are told at once.
#[derive(Debug, Default)]
pub(super) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// Notes that the value of this key cannot be used.
    pub(super) fn add(
        &mut self,
        key: impl Into<String>,
        value: impl fmt::Display,
        reason: impl fmt::Display,
    ) {
        self.0.push(Problem { key: key.into(), value: value.to_string(), reason: reason.to_string() });
    }

    /// The result's value; an error is noted against the key.
    pub(super) fn take<T, E: fmt::Display>(
        &mut self,
        key: impl Into<String>,
        value: impl fmt::Display,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|reason| self.add(key, value, reason)).ok()
    }
}

/// 1 to `len_max` ASCII letters and digits.
pub(super) fn is_alphanumeric(text: &str, len_max: usize) -> bool {
    (1..=len_max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The value as it stands in the file.
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
