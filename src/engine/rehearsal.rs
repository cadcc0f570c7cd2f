//! A trial start for tools that check a directory: the decisions of a start without its writes.

use super::{StartError, recovery_settings};
use crate::config::Config;
use crate::pipeline;
use crate::recovery::{self, DataDir, Progress, Rehearsed};
use crate::runtime::UnixNanos;

/// Makes the same decisions about these files as a start with this configuration, including the replay and the
/// comparisons with the event log. Writes nothing and takes no lock; meant for a directory that no engine holds. It
/// does not check the machine (ports, cores, descriptors, space), and it only reports a clock that a start would
/// refuse.
///
/// # Errors
/// The errors of the start, with the same texts and exit codes.
pub fn rehearse(
    config: &Config,
    data: &DataDir,
    now: UnixNanos,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Rehearsed, StartError> {
    config.validate()?;
    config.validate_in(data.path())?;
    let settings = recovery_settings(config, data, now)?;
    let rehearsed = recovery::rehearse(data, &settings, on_progress)?;
    pipeline::rehearse(config, data, &rehearsed)?;
    Ok(rehearsed)
}
