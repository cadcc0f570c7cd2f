//! Inserts many rows with few statements; values are bound in sequence.

use rusqlite::{Connection, Statement, ToSql};

/// Rows per statement if there are many rows. More cost more to prepare and gain little.
pub(super) const ROWS_PER_STATEMENT: usize = 16;

/// An insert of any number of rows.
///
/// `OR FAIL`: a failing statement need not undo its own rows, because the transaction is rolled back. So SQLite keeps
/// no statement journal, into which it would first copy each page (as it does if the key is given).
pub(super) struct Insert {
    pub(super) table: &'static str,
    /// The column whose number SQLite assigns, if any.
    pub(super) key: &'static str,
    pub(super) names: &'static str,
    pub(super) columns: usize,
    /// Values of further columns, the same for all rows.
    pub(super) constants: &'static str,
    pub(super) then: &'static str,
}

impl Insert {
    pub(super) fn sql(&self, rows: usize) -> String {
        let row = format!("({}{})", vec!["?"; self.columns].join(", "), self.constants);
        let (table, names, then) = (self.table, self.names, self.then);
        format!("INSERT OR FAIL INTO {table} {names} VALUES {} {then}", vec![row; rows].join(", "))
    }

    /// Inserts one row with this number.
    pub(super) fn row_at<R>(
        &self,
        connection: &Connection,
        number: u64,
        row: &R,
        bind: impl Fn(&mut Binder<'_, '_>, &R) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<usize> {
        let (table, key, names) = (self.table, self.key, self.names.trim_start_matches('('));
        let values = vec!["?"; self.columns].join(", ");
        let sql =
            format!("INSERT OR FAIL INTO {table} ({key}, {names} VALUES (?, {values}{})", self.constants);
        let mut statement = connection.prepare_cached(&sql)?;
        let mut binder = Binder::new(&mut statement);
        binder.unsigned(number)?;
        bind(&mut binder, row)?;
        statement.raw_execute()
    }

    /// Inserts all rows, with as many per statement as possible.
    pub(super) fn rows<R>(
        &self,
        connection: &Connection,
        rows: &[R],
        bind: impl Fn(&mut Binder<'_, '_>, &R) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<usize> {
        let mut count = 0;
        let (many, few) = rows.as_chunks::<ROWS_PER_STATEMENT>();
        if !many.is_empty() {
            let mut statement = connection.prepare_cached(&self.sql(ROWS_PER_STATEMENT))?;
            for rows in many {
                count += insert(&mut statement, rows, &bind)?;
            }
        }
        if !few.is_empty() {
            let mut statement = connection.prepare_cached(&self.sql(1))?;
            for row in few.chunks(1) {
                count += insert(&mut statement, row, &bind)?;
            }
        }
        Ok(count)
    }
}

/// Runs a statement for as many rows as it was prepared for.
pub(super) fn insert<R>(
    statement: &mut Statement<'_>,
    rows: &[R],
    bind: impl Fn(&mut Binder<'_, '_>, &R) -> rusqlite::Result<()>,
) -> rusqlite::Result<usize> {
    let mut binder = Binder::new(statement);
    rows.iter().try_for_each(|row| bind(&mut binder, row))?;
    statement.raw_execute()
}

/// Splits `rows` into runs whose numbers SQLite assigns correctly. Before each run comes the row to which it would
/// assign another number, because numbers were skipped before it (`domain/numbers.rs`).
pub(super) fn runs<R>(
    rows: &[R],
    begins_anew: impl Fn(&R) -> bool + Copy,
) -> impl Iterator<Item = (Option<&R>, &[R])> {
    rows.chunk_by(move |_, next| !begins_anew(next)).map(move |run| match run {
        [first, rest @ ..] if begins_anew(first) => (Some(first), rest),
        run => (None, run),
    })
}

/// Binds values to a statement's parameters in sequence.
pub(super) struct Binder<'s, 'c> {
    statement: &'s mut Statement<'c>,
    last: usize,
}

impl<'s, 'c> Binder<'s, 'c> {
    pub(super) fn new(statement: &'s mut Statement<'c>) -> Self {
        Self { statement, last: 0 }
    }

    pub(super) fn value(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.last += 1;
        self.statement.raw_bind_parameter(self.last, value)
    }

    pub(super) fn signed(&mut self, value: impl Into<i64>) -> rusqlite::Result<()> {
        self.value(value.into())
    }

    pub(super) fn unsigned(&mut self, value: u64) -> rusqlite::Result<()> {
        self.value(sql_integer(value))
    }

    pub(super) fn unsigned_or_null(&mut self, value: Option<u64>) -> rusqlite::Result<()> {
        self.value(value.map(sql_integer))
    }
}

/// Runs a statement with these values.
pub(super) fn run(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(values)
}

/// A setting for which 0 means "none".
pub(super) fn some<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

/// SQL integers are signed. The engine's numbers stay below 2^63; the largest, times in nanoseconds, would reach it in
/// 2262.
pub(super) fn sql_integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OrderId;

    #[test]
    fn rows_whose_numbers_skip_are_inserted_by_their_numbers() {
        let last = u64::from(u32::MAX);
        let parts = |rows: &[u64]| -> Vec<(Option<u64>, Vec<u64>)> {
            runs(rows, |row| OrderId(*row).begins_anew())
                .map(|(apart, run)| (apart.copied(), run.to_vec()))
                .collect()
        };
        assert_eq!(parts(&[]), []);
        assert_eq!(parts(&[1, 2, 3]), [(None, vec![1, 2, 3])]);
        let (first, second) = (1 << 36, (1 << 36) + 1);
        assert_eq!(
            parts(&[last - 1, last, first, second]),
            [(None, vec![last - 1, last]), (Some(first), vec![second])]
        );
        assert_eq!(parts(&[first]), [(Some(first), vec![])]);
    }

    /// SQLite assigns the number after the last one, also after a row with an explicit number.
    #[test]
    fn numbers_go_on_behind_a_row_that_was_inserted_by_its_number() {
        let connection = Connection::open_in_memory().expect("open");
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, a)").expect("made");
        let table = Insert { table: "t", key: "id", names: "(a)", columns: 1, constants: "", then: "" };
        let rows = [u64::from(u32::MAX), 1 << 36, (1 << 36) + 1];
        connection.execute("INSERT INTO t VALUES (?, 0)", [i64::from(u32::MAX) - 1]).expect("inserted");
        for (apart, run) in runs(&rows, |row| OrderId(*row).begins_anew()) {
            if let Some(row) = apart {
                table.row_at(&connection, *row, row, |to, row| to.unsigned(*row)).expect("inserted");
            }
            table.rows(&connection, run, |to, row| to.unsigned(*row)).expect("inserted");
        }
        let mut all = connection.prepare("SELECT id FROM t WHERE id = a ORDER BY id").expect("prepared");
        let ids = all.query_map([], |row| row.get::<_, i64>(0)).expect("read");
        assert_eq!(ids.collect::<Result<Vec<_>, _>>().expect("read"), rows.map(|row| row as i64));
    }
}
