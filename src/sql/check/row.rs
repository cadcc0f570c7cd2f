//! Rows of tables, as values of their columns.

use rusqlite::types::Value;

/// A row: the values of its columns in the order of the table.
pub(super) type Row = Vec<Value>;

/// A number. One that does not fit, which the writer never writes, counts as the largest.
pub(super) fn int(value: impl Into<i128>) -> Value {
    Value::Integer(i64::try_from(value.into()).unwrap_or(i64::MAX))
}

/// 0 means that there is none.
pub(super) fn some(value: impl Into<i128>) -> Value {
    match value.into() {
        0 => Value::Null,
        value => int(value),
    }
}

pub(super) fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

/// A number of a row; `None`: it has none there.
pub(super) fn integer(row: &Row, column: usize) -> Option<i64> {
    if let Some(Value::Integer(value)) = row.get(column) { Some(*value) } else { None }
}
