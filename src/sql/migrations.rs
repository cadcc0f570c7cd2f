//! Upgrades databases of older programs to the present schema, in place.
//!
//! Each step goes from one version to the next in one transaction that includes the version number. If the process is
//! killed, the database has one of the two versions, and the next start continues from there. A step never reads the
//! event log, so it does not depend on old events being kept.

use super::database::Database;
use super::error::SqlError;
use crate::domain::versions;

/// The newest schema that this program knows, and the one that it makes.
pub const SCHEMA_VERSION: i64 = versions::SQL_SCHEMA;

/// The steps from each version to the next, the last one to [`SCHEMA_VERSION`].
const STEPS: [&str; 1] = [include_str!("migrations/10.sql")];

/// Whether version `found` can be upgraded. Databases of other versions are rebuilt from the event log.
pub(super) fn reach(found: i64) -> bool {
    (oldest(&STEPS)..=SCHEMA_VERSION).contains(&found)
}

/// Upgrades a database of a version that [`reach`] accepts to the present one.
///
/// # Errors
/// [`SqlError`]; the database then has the last version that was completed.
pub(super) fn run(database: &Database, found: i64) -> Result<(), SqlError> {
    run_steps(database, found, &STEPS)
}

/// The version that the first of these steps starts from.
fn oldest(steps: &[&str]) -> i64 {
    SCHEMA_VERSION - steps.len() as i64
}

fn run_steps(database: &Database, found: i64, steps: &[&str]) -> Result<(), SqlError> {
    for (from, step) in (oldest(steps)..).zip(steps).skip_while(|(from, _)| *from < found) {
        let to = from + 1;
        database.transact(&format!(
            "{step}
             UPDATE meta SET value = '{to}' WHERE key = 'schema_version'; PRAGMA user_version = {to};"
        ))?;
        tracing::info!("the SQL database was brought from schema version {from} to {to}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::People;

    fn version(database: &Database) -> [i64; 2] {
        let in_meta = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'schema_version'";
        let in_meta = database.connection.query_row(in_meta, [], |row| row.get(0)).expect("a version");
        [database.pragma("user_version").expect("a version"), in_meta]
    }

    fn tables(database: &Database) -> i64 {
        let count = "SELECT count(*) FROM sqlite_schema WHERE name IN ('one', 'two', 'three')";
        database.connection.query_row(count, [], |row| row.get(0)).expect("a count")
    }

    /// Three fictitious steps, on a database that claims to be two versions old.
    #[test]
    fn steps_are_taken_whole_from_where_the_database_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let database =
            Database::open(&folder.path().join("dojima.sqlite"), &People::default()).expect("made");
        let found = SCHEMA_VERSION - 2;
        let set = format!(
            "PRAGMA user_version = {found}; UPDATE meta SET value = '{found}' WHERE key = 'schema_version'"
        );
        database.run(&set).expect("set");
        let (two, fails) =
            ("CREATE TABLE two (x);", "CREATE TABLE three (x); INSERT INTO nowhere VALUES (1);");
        let refused = run_steps(&database, found, &["CREATE TABLE one (x);", two, fails]).map(drop);
        assert!(refused.expect_err("refused").to_string().contains("nowhere"));
        assert_eq!((version(&database), tables(&database)), ([found + 1; 2], 1), "the second step alone");
        let three = "CREATE TABLE three (x);";
        run_steps(&database, found + 1, &["CREATE TABLE one (x);", two, three]).expect("it goes on");
        assert_eq!((version(&database), tables(&database)), ([SCHEMA_VERSION; 2], 2));
        run(&database, SCHEMA_VERSION).expect("nothing is left to do");
    }

    #[test]
    fn a_schema_older_than_the_first_step_is_not_reached() {
        let first = oldest(&STEPS);
        assert!((first..=SCHEMA_VERSION).all(reach) && !reach(first - 1) && !reach(SCHEMA_VERSION + 1));
    }

    /// What version 10 added is taken away, and made again by the step.
    #[test]
    fn the_step_to_version_10_makes_what_a_new_database_has() {
        let folder = tempfile::tempdir().expect("a folder");
        let database =
            Database::open(&folder.path().join("dojima.sqlite"), &People::default()).expect("made");
        let schema = || -> Vec<(String, Option<String>)> {
            let all = "SELECT name, sql FROM sqlite_schema ORDER BY name";
            let mut statement = database.connection.prepare(all).expect("a statement");
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("runs");
            rows.collect::<Result<_, _>>().expect("rows")
        };
        let new = schema();
        database.run("DROP TABLE shard_transfers; DROP VIEW conservation").expect("dropped");
        database.run("CREATE VIEW conservation AS SELECT 1 AS supply, 1 AS held").expect("made");
        assert_ne!(schema(), new);
        database.transact(STEPS[0]).expect("the step from version 9");
        assert_eq!(schema(), new);
    }
}
