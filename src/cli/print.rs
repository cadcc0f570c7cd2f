//! The output of commands. A reader may stop early (`| head`, `| true`). This is not a failure of the command; its exit code
//! still reports its result.

use crate::client::session::ClientError;
use crate::runtime::log;
use std::fmt::Arguments;
use std::io::{self, ErrorKind, IsTerminal, StdoutLock, Write};

/// Stdout until its reader is gone; later output is dropped.
pub struct Stdout {
    out: StdoutLock<'static>,
    is_read: bool,
}

/// Stdout, locked.
pub fn stdout() -> Stdout {
    Stdout { out: io::stdout().lock(), is_read: true }
}

/// Writes a line to stderr. A write error is ignored.
pub fn note(line: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The error and its causes on one line. A cause that a message already quotes is not repeated.
pub fn with_causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    let denied = |error: &io::Error| error.kind() == ErrorKind::PermissionDenied;
    let is_denied = error.chain().any(|cause| cause.downcast_ref().is_some_and(denied));
    // A port below 1024 is a different problem, and advice that is already in the text is not repeated.
    if is_denied && !text.contains("cannot listen") && !text.contains("run this as the user") {
        text.push_str("; run this as the user that the engine runs as, or give this user leave");
    }
    text
}

/// An error of a client that could not start, with advice.
pub fn with_advice(error: ClientError) -> anyhow::Error {
    let advice = match &error {
        ClientError::Connect { .. } => {
            "is an engine running there? `dojima serve` prints its addresses, and --address names another one"
        }
        ClientError::ClosedAtLogin(_) => {
            "is it the right port, and is it one with TLS (--tls) or without as this command is?"
        }
        ClientError::Tls(tls) if tls.to_string().contains("CaUsedAsEndEntity") => {
            "the server's certificate is one that signs others (CA:TRUE), which none can be that a server shows; \
             docs/OPERATIONS.md, \"TLS\", has how to make one"
        }
        _ => return error.into(),
    };
    anyhow::anyhow!("{error}; {advice}")
}

impl Stdout {
    /// Whether the reader is still there, as far as known; a command that runs endlessly stops when it is not.
    pub fn is_read(&self) -> bool {
        self.is_read
    }

    /// Whether it is a terminal with cursor control.
    pub fn is_screen(&self) -> bool {
        self.out.is_terminal() && !log::is_dumb()
    }

    fn unless_gone<T>(&mut self, done: io::Result<T>, otherwise: T) -> io::Result<T> {
        match done {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_read = false;
                Ok(otherwise)
            }
            done => done,
        }
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_read {
            return Ok(bytes.len());
        }
        let done = self.out.write(bytes);
        self.unless_gone(done, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.is_read {
            return Ok(());
        }
        let done = self.out.flush();
        self.unless_gone(done, ())
    }
}
