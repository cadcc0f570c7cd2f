//! The progress display while the flow is played: one changing line on a terminal, otherwise a line now and then.

use super::engine::EngineProcess;
use super::{print, show};
use crate::flow::Driver;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::RefCell;
use std::io::Write;
use std::time::{Duration, Instant};

/// Width of the column with the names of steps.
pub(super) const STEP_COLUMNS: usize = 9;

/// Intervals between updates of the numbers.
const REFRESH_TERMINAL: Duration = Duration::from_millis(250);
const REFRESH_PIPE: Duration = Duration::from_secs(2);

/// Messages sent, and the time for them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Played {
    pub(super) sent: u64,
    pub(super) time: Duration,
    /// Processor time of the clients, which all run on one thread.
    pub(super) client: Duration,
    /// Number of messages that were settled when the engine was killed.
    pub(super) settled_before_kill: u64,
}

impl Played {
    pub(super) fn add(&mut self, part: Self) {
        self.sent += part.sent;
        self.time += part.time;
        self.client += part.client;
    }

    pub(super) fn line(&self, driver: &Driver<'_>) -> String {
        format!(
            "{} in {}: {}, {} so far",
            show::count(self.sent, "message"),
            show::duration(self.time),
            show::rate(self.sent, self.time),
            show::count(driver.progress().executed / 2, "trade"),
        )
    }
}

/// The progress display.
pub(super) struct Display {
    bar: ProgressBar,
    terminal: bool,
    last: RefCell<Reading>,
}

/// The numbers that were shown last, and when.
struct Reading {
    at: Instant,
    sent: u64,
}

impl Display {
    pub(super) fn new(actions: u64) -> Self {
        let terminal = print::stdout().is_screen();
        let target =
            if terminal { ProgressDrawTarget::stdout_with_hz(8) } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(" {percent:>3} % {wide_msg}");
        let bar = ProgressBar::with_draw_target(Some(actions), target)
            .with_style(style.expect("the template is fixed"));
        Self { bar, terminal, last: RefCell::new(Reading { at: Instant::now(), sent: 0 }) }
    }

    /// Prints a permanent line for the step with this name.
    pub(super) fn line(&self, step: &str, text: &str) -> anyhow::Result<()> {
        self.bar.suspend(|| {
            let mut out = print::stdout();
            show::rows(&mut out, STEP_COLUMNS, [(step, text)])
                .and_then(|()| out.flush())
                .context("cannot print")
        })
    }

    /// Rates are measured from now on, for example after a pause.
    pub(super) fn start_counting(&self, sent: u64) {
        *self.last.borrow_mut() = Reading { at: Instant::now(), sent };
    }

    /// Updates the numbers if an update is due.
    pub(super) fn show(&self, driver: &mut Driver<'_>, engine: &EngineProcess) {
        let refresh = if self.terminal { REFRESH_TERMINAL } else { REFRESH_PIPE };
        let mut last = self.last.borrow_mut();
        let since = last.at.elapsed();
        if since < refresh {
            return;
        }
        let recent = driver.take_recent_latency();
        let progress = driver.progress();
        let quantile = |q| show::duration(Duration::from_nanos(recent.value_at_quantile(q)));
        let rate = show::rate(progress.sent.saturating_sub(last.sent), since);
        // Short enough for a terminal of 80 columns.
        let mut text = format!("{rate}, p50 {} p99 {}", quantile(0.5), quantile(0.99));
        let backlog = engine.backlog();
        if !backlog.is_empty() {
            text += &format!(", {backlog}");
        }
        *last = Reading { at: Instant::now(), sent: progress.sent };
        self.bar.set_position(progress.sent);
        self.bar.set_message(text.clone());
        if !self.terminal {
            let percent = 100 * progress.sent / self.bar.length().unwrap_or(1).max(1);
            // If stdout is closed, the next important line reports it.
            let _ = self.line(&format!("  {percent:>3} %"), &text);
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
