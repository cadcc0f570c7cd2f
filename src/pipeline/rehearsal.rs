//! Checks, without writing, whether the stages that continue from files could start.

use crate::config::Config;
use crate::recovery::{DataDir, Rehearsed};
use crate::runtime::Fatal;
use crate::sql;
use crate::stages::feed::{self, FeedFiles, FeedStart};
use std::sync::Arc;

/// Checks that the database was not written by a newer build, before a start writes anything.
///
/// # Errors
/// The [`Fatal`] that ends the start.
pub fn check_database(config: &Config, data: &DataDir) -> Result<(), Fatal> {
    match config.sql.enabled {
        true => sql::check_not_newer(&data.path().join(&config.sql.path)).map_err(Fatal::sql),
        false => Ok(()),
    }
}

/// Checks that SQL and market data could continue where this recovery ends, in the order in which
/// [`build`](super::build) creates them.
///
/// # Errors
/// The [`Fatal`] that would end the start.
pub fn rehearse(config: &Config, data: &DataDir, rehearsed: &Rehearsed) -> Result<(), Fatal> {
    let Rehearsed { report, last, first_event, .. } = rehearsed;
    if config.sql.enabled {
        let path = data.path().join(&config.sql.path);
        sql::rehearse(&path, data.event_log().dir(), *first_event, report.events).map_err(Fatal::sql)?;
    }
    if config.market_data.enabled {
        let (event_log, market_data) = (Arc::clone(data.event_log()), Arc::clone(data.market_data()));
        let start = FeedStart {
            event: report.events,
            sequence: last.sequence,
            is_first: last.sequence == report.opening_commands,
        };
        feed::rehearse(&FeedFiles { event_log, market_data }, start, *first_event)?;
    }
    Ok(())
}
