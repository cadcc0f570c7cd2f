//! A database of release 0.1.0 is brought to the present schema where it is.

use super::{Bench, append, small_market};
use dojima::sql::SCHEMA_VERSION;
use rusqlite::Connection;
use std::fs;
use std::path::Path;

/// The schema of the release: version 9.
const SCHEMA_9: &str = include_str!("../golden/0.1.0-schema.sql");

/// Names of tables, views and indexes with their text, without comments and line breaks.
fn schema(connection: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let mut statement = connection.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).expect("rows");
    let plain = |text: String| {
        let lines = text.lines().map(|line| line.split("--").next().unwrap_or_default());
        lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    };
    rows.map(|row| row.map(|(name, text): (String, String)| (name, plain(text))).expect("a row")).collect()
}

/// Makes the database as the program of the release would have it from the same events.
fn make_old(database: &Path, present: &Path) {
    let old = Connection::open(database).expect("made");
    // The schema names tables before it makes them.
    old.execute_batch("PRAGMA foreign_keys = OFF").expect("set");
    old.execute_batch(SCHEMA_9).expect("the schema");
    old.execute_batch(
        "INSERT INTO meta VALUES ('schema_version', '9'), ('program', 'dojima 0.1.0');
         PRAGMA application_id = 0x446F6A69; PRAGMA user_version = 9;",
    )
    .expect("set");
    old.execute("ATTACH ?1 AS present", [present.to_str().expect("UTF-8")]).expect("attached");
    // Names of statuses are those of the release.
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('meta', 'order_statuses')";
    let mut statement = old.prepare(tables).expect("a statement");
    let tables: Vec<String> =
        statement.query_map([], |row| row.get(0)).expect("rows").map(|name| name.expect("a name")).collect();
    for table in tables {
        let columns = format!("SELECT group_concat(name) FROM pragma_table_info('{table}')");
        let columns: String = old.query_row(&columns, [], |row| row.get(0)).expect("columns");
        let copy = format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} ({columns}) SELECT {columns} FROM present.{table}"
        );
        old.execute_batch(&copy).unwrap_or_else(|error| panic!("{table}: {error}"));
    }
}

#[test]
fn a_database_of_the_first_release_goes_on_where_it_is() {
    let (_, events) = small_market(23);
    let half = events.len() / 2;
    let bench = Bench::with(&events[..half]);
    bench.fill(500);
    let present = bench.folder.path().join("present.sqlite");
    let sql = Connection::open(bench.database()).expect("a database");
    sql.execute("VACUUM INTO ?1", [present.to_str().expect("UTF-8")]).expect("copied");
    drop(sql);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", bench.database().display()));
    }
    make_old(&bench.database(), &present);

    append(&mut bench.log_writer(), &events[half..]);
    bench.fill(500);
    let names = fs::read_dir(bench.folder.path()).expect("a folder");
    let outdated = names
        .filter(|entry| entry.as_ref().expect("an entry").file_name().to_string_lossy().contains("outdated"));
    assert_eq!(outdated.count(), 0, "it was not set aside");
    assert_eq!(bench.check().first_difference(), None);

    let anew = Bench::with(&events);
    anew.fill(500);
    let of = |bench: &Bench| schema(&Connection::open(bench.database()).expect("a database"));
    assert_eq!(of(&bench), of(&anew));
    let without_program = |text: String| -> Vec<String> {
        text.lines().filter(|line| !line.contains("program")).map(str::to_owned).collect()
    };
    assert_eq!(without_program(bench.dump()), without_program(anew.dump()));
    let sql = Connection::open(bench.database()).expect("a database");
    let version: i64 = sql.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    assert_eq!(version, SCHEMA_VERSION);
}
