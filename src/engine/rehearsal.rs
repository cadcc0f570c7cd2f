//! What a start would come to, for those who check a directory: the decisions of a start without its writes.

use super::{StartError, recovery_settings};
use crate::config::Config;
use crate::pipeline;
use crate::recovery::{self, DataDir, Progress, Rehearsed};
use crate::runtime::UnixNanos;

/// Decides what a start of an engine of this configuration would decide of these files, replay and comparisons with the event log
/// included. Writes nothing and takes no lock; meant for a directory that no engine holds. What a start asks of the machine
/// (ports, cores, descriptors, space) is not asked, and a clock that would refuse it is only told.
///
/// # Errors
/// Those of the start, with its words and its exit code.
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
