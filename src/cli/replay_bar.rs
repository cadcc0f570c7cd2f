//! How far a replay is.

use crate::recovery::Progress;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// A bar on stderr that counts the commands of a replay; hidden where stderr is no terminal. It is there only while commands
/// are left, so that nothing of it stays when a start has nothing to replay, is refused or goes on.
pub(super) struct ReplayBar(ProgressBar);

impl ReplayBar {
    pub(super) fn new() -> Self {
        let style = ProgressStyle::with_template(
            "replaying {bar:30} {human_pos} of {human_len} commands, {per_sec}, {eta} left",
        );
        let bar = ProgressBar::new(0).with_finish(ProgressFinish::AndClear);
        Self(bar.with_style(style.expect("the template is fixed")))
    }

    pub(super) fn show(&self, progress: Progress) {
        if progress.commands >= progress.commands_total {
            self.0.finish_and_clear();
            return;
        }
        self.0.set_length(progress.commands_total);
        self.0.set_position(progress.commands);
    }
}
