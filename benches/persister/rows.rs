//! The floor: the rows of a finished database, inserted again as anybody would.

use super::{Spent, measured};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// The tables that almost all rows are in.
const TABLES: [&str; 2] = ["orders", "trades"];
/// Rows of one transaction.
const BATCH: usize = 100_000;
/// Rows in memory at a time.
const READ: usize = 10_000;

/// Inserts all orders and trades of this database into one with the same tables, row by row in the order of their keys:
/// one prepared statement, large transactions, the settings of the engine. What it costs to read them does not count.
pub fn insert_again(finished: &Path) -> Spent {
    let finished =
        Connection::open_with_flags(finished, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database");
    let folder = tempfile::tempdir().expect("a folder");
    let target = Connection::open(folder.path().join("floor.sqlite")).expect("a database");
    target
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF;
             PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384;",
        )
        .expect("settings");
    let mut spent = Spent { wall: Duration::ZERO, processor: Duration::ZERO };
    let mut add = |more: Spent| {
        spent.wall += more.wall;
        spent.processor += more.processor;
    };
    for table in TABLES {
        copy_schema(&finished, &target, table);
        let mut source = finished.prepare(&format!("SELECT * FROM {table} ORDER BY 1")).expect("a statement");
        let columns = source.column_count();
        let values = vec!["?"; columns].join(", ");
        let mut insert =
            target.prepare(&format!("INSERT INTO {table} VALUES ({values})")).expect("a statement");
        let mut source = source.query([]).expect("rows");
        let (mut chunk, mut inserted) = (Vec::with_capacity(READ * columns), 0);
        loop {
            chunk.clear();
            while chunk.len() < READ * columns
                && let Some(row) = source.next().expect("a row")
            {
                chunk.extend((0..columns).map(|column| row.get::<_, Value>(column).expect("a value")));
            }
            let is_last = chunk.len() < READ * columns;
            add(measured(|| {
                if inserted % BATCH == 0 {
                    target.execute_batch("BEGIN").expect("begun");
                }
                for row in chunk.chunks_exact(columns) {
                    for (at, value) in (1..).zip(row) {
                        insert.raw_bind_parameter(at, value).expect("bound");
                    }
                    insert.raw_execute().expect("inserted");
                }
                inserted += READ;
                if is_last || inserted % BATCH == 0 {
                    target.execute_batch("COMMIT").expect("committed");
                }
            }));
            if is_last {
                break;
            }
        }
    }
    spent
}

fn copy_schema(from: &Connection, to: &Connection, table: &str) {
    let sql = "SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 AND type IN ('table', 'index') AND sql IS NOT NULL";
    let mut statement = from.prepare(sql).expect("a statement");
    let parts = statement.query_map([table], |row| row.get::<_, String>(0)).expect("a schema");
    parts.for_each(|part| to.execute_batch(&part.expect("text")).expect("made"));
}
