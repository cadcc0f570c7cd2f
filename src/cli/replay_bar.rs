//! The progress bar of a replay.

use crate::recovery::Progress;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// A bar on stderr that counts the commands of a replay; hidden if stderr is not a terminal. It is drawn only while commands
/// are left, so it disappears when there is nothing to replay, the start is refused, or the start continues.
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
