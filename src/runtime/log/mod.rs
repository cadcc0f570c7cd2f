//! The log of the process: lines on stderr, written by a thread of their own.
//!
//! Whoever logs never waits and never fails. A line goes into a bounded queue ([`Outlet`]); one for which there is no room
//! is counted. What strangers can cause is one line per kind and second ([`Stranger`]). Only whoever is about to
//! end the process waits, and never for long ([`flush`]).

mod outlet;
mod strangers;
#[cfg(all(test, not(dojima_loom)))]
mod tests;

pub use outlet::{Losses, Outlet};
pub use strangers::Stranger;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Lines that wait to be written, at most.
pub const QUEUE_LINES: usize = 2_048;

/// How often a line about one kind of strangers is written, and one about lost lines.
pub const TICK: Duration = Duration::from_secs(1);

/// How long the end of the process may wait for an outlet that takes nothing more.
pub const PATIENCE: Duration = Duration::from_secs(1);

static LOG: OnceLock<Outlet> = OnceLock::new();

/// Sends the log of this process to stderr: what `RUST_LOG` asks for, without it lines of `level` and more severe ones.
/// Panics are logged too. Later calls do nothing.
pub fn start(level: &str) {
    let mut is_new = false;
    let outlet = LOG.get_or_init(|| {
        is_new = true;
        Outlet::start("log", QUEUE_LINES, Box::new(io::stderr()), TICK, strangers::tell)
    });
    if !is_new {
        return;
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || outlet)
        .with_ansi(io::stderr().is_terminal() && !is_plain())
        .finish();
    // Where somebody else takes the lines already, they are theirs.
    let _ = tracing::subscriber::set_global_default(subscriber);
    std::panic::set_hook(Box::new(log_panic));
    strangers::begin();
}

/// Whether nothing is to be coloured, wherever it is written to: `NO_COLOR` (<https://no-color.org>) is set, or the terminal knows no
/// colours.
pub fn is_plain() -> bool {
    is_dumb() || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Whether the terminal, if there is one, can only write line after line.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// A line as it is, whatever `RUST_LOG` says: why the process ends. Nothing before [`start`].
pub fn line(text: &str) {
    if let Some(outlet) = LOG.get() {
        outlet.line(text);
    }
}

/// Waits until everything logged before is written, for a second at most: a log that hangs must not keep a process that
/// has to end.
pub fn flush() {
    if let Some(outlet) = LOG.get() {
        strangers::tell();
        outlet.flush(PATIENCE);
    }
}

/// What was not written so far.
pub fn losses() -> Losses {
    LOG.get().map(Outlet::losses).unwrap_or_default()
}

/// Instead of the standard library's, which writes to stderr on the thread that panics and would hang with it.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let mut text = format!("thread '{}' {panic}", thread.name().unwrap_or("<unnamed>"));
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        text += &format!("\n{backtrace}");
    }
    line(&text);
    flush();
}
