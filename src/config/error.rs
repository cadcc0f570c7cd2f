//! What can be wrong with a configuration, said so that it can be put right.

use std::fmt;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "cannot read the configuration {origin} (`dojima serve --print-config` prints one to start from)"
    )]
    Read {
        /// Which file.
        origin: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or a key is unknown, missing or of the wrong kind.
    #[error("{origin}: {source}")]
    Parse {
        /// Which file.
        origin: String,
        /// Where and why; names the line and the key.
        source: Box<toml::de::Error>,
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
    /// What is wrong with it.
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
