//! Databases of older programs brought up to the present schema, in place.
//!
//! Each step leads from one version to the next and is one transaction, the version with it: killed at any instant, a
//! database is of the one version or of the other, and the next start goes on from there. A step never reads the event
//! log, so it does whatever the events before it may have become.

use super::error::SqlError;
use super::schema::{Database, SCHEMA_VERSION};

/// What leads to version N + 1, for N from [`OLDEST`] on.
const STEPS: [&str; 0] = [];

/// The oldest version from which there is a way. One that is older still is built again from the event log.
pub(super) const OLDEST: i64 = SCHEMA_VERSION - STEPS.len() as i64;

/// Brings a database of version `found`, at least [`OLDEST`], up to the present one.
///
/// # Errors
/// [`SqlError`]; the database is then of the last version that was completed.
pub(super) fn run(database: &Database, found: i64) -> Result<(), SqlError> {
    for (from, step) in (OLDEST..).zip(STEPS).skip_while(|(from, _)| *from < found) {
        let to = from + 1;
        database.transact(&format!(
            "{step}
             UPDATE meta SET value = '{to}' WHERE key = 'schema_version'; PRAGMA user_version = {to};"
        ))?;
        tracing::info!("the SQL database was brought from schema version {from} to {to}");
    }
    Ok(())
}
