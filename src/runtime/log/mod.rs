//! The log of the process: lines on stderr, written by a separate thread.
//!
//! Logging never waits and never fails. A line goes into a bounded queue ([`Outlet`]); lines without room are counted.
//! Clients without a login can cause only one line per kind and second ([`Stranger`]). Only a thread that is about to
//! end the process waits, for a limited time ([`flush`]).

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

/// The most lines that wait to be written.
pub const QUEUE_LINES: usize = 2_048;

/// The interval between two lines about the same kind of strangers, and between two lines about lost lines.
pub const TICK: Duration = Duration::from_secs(1);

/// How long the end of the process may wait for an outlet that accepts nothing.
pub const PATIENCE: Duration = Duration::from_secs(1);

static LOG: OnceLock<Outlet> = OnceLock::new();

/// Sends the log of this process to stderr, filtered by `RUST_LOG`, or by `level` if it is not set. Panics are logged
/// too. Later calls do nothing.
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
    // If another subscriber is already installed, it keeps receiving the lines.
    let _ = tracing::subscriber::set_global_default(subscriber);
    std::panic::set_hook(Box::new(log_panic));
    strangers::begin();
}

/// Whether all output must be without colours: `NO_COLOR` (<https://no-color.org>) is set, or the terminal does not
/// support colours.
pub fn is_plain() -> bool {
    is_dumb() || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Whether the terminal, if there is one, can only write line by line.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Writes a line regardless of `RUST_LOG`, for the reason why the process ends. Does nothing before [`start`].
pub fn line(text: &str) {
    if let Some(outlet) = LOG.get() {
        outlet.line(text);
    }
}

/// Waits until all earlier lines are written, for at most a second, so that a log that hangs cannot stop the process
/// from ending.
pub fn flush() {
    if let Some(outlet) = LOG.get() {
        strangers::tell();
        outlet.flush(PATIENCE);
    }
}

/// The lines lost so far.
pub fn losses() -> Losses {
    LOG.get().map(Outlet::losses).unwrap_or_default()
}

/// Replaces the standard library's hook, which writes to stderr on the panicking thread and would hang with it.
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
