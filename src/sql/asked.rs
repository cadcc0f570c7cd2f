//! Columns of the table `orders` for rarely used instructions. All of them are in this file and in `schema.sql`.

use super::insert::Binder;
use crate::domain::{OrderTerms, PostOnly, Visibility};

/// The values of these columns. The default is an order without such instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    visibility: Visibility,
    display_quantity: u32,
    post_only: PostOnly,
    /// Seconds since the epoch; 0: never.
    expire_s: u32,
}

/// Their names, in the order of [`Asked::bind`].
macro_rules! asked_columns {
    () => {
        "hidden, display_quantity, post_only, expire_s"
    };
}
pub(super) use asked_columns;

/// The number of these columns.
pub(super) const COLUMNS: usize = 4;
/// Their values for an order without such instructions.
pub(super) const NOTHING: &str = ", 0, 0, 0, NULL";

impl Asked {
    pub(super) fn of(terms: &OrderTerms) -> Self {
        let OrderTerms { visibility, display_quantity, post_only, expire_s, .. } = *terms;
        Self { visibility, display_quantity, post_only, expire_s }
    }

    pub(super) fn bind(&self, to: &mut Binder<'_, '_>) -> rusqlite::Result<()> {
        to.signed(self.visibility == Visibility::Hidden)?;
        to.signed(self.display_quantity)?;
        to.signed(self.post_only as u8)?;
        to.value((self.expire_s != 0).then_some(self.expire_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::insert::Insert;
    use rusqlite::Connection;

    const INSERT: Insert = Insert {
        table: "orders",
        key: "",
        names: concat!("(", asked_columns!(), ")"),
        columns: COLUMNS,
        constants: "",
        then: "",
    };

    fn cells(asked: Asked) -> String {
        let connection = Connection::open_in_memory().expect("open");
        let table = format!("CREATE TABLE orders ({})", asked_columns!());
        connection.execute_batch(&table).expect("made");
        INSERT.rows(&connection, &[asked], |to, row| row.bind(to)).expect("inserted");
        let plain = format!("INSERT INTO orders VALUES ({})", NOTHING.trim_start_matches(", "));
        connection.execute_batch(&plain).expect("a value for each column");
        let all = format!("SELECT concat_ws(' ', {}) FROM orders LIMIT 1", asked_columns!());
        connection.query_row(&all, [], |row| row.get(0)).expect("read")
    }

    #[test]
    fn what_was_asked_for_is_in_its_column() {
        let nothing = OrderTerms::default();
        assert_eq!(cells(Asked::of(&nothing)), "0 0 0");
        let hidden = OrderTerms { visibility: Visibility::Hidden, ..nothing };
        assert_eq!(cells(Asked::of(&hidden)), "1 0 0");
        let iceberg = OrderTerms { display_quantity: 7, ..nothing };
        assert_eq!(cells(Asked::of(&iceberg)), "0 7 0");
        let slides = OrderTerms { post_only: PostOnly::Slide, expire_s: 1_795_000_600, ..nothing };
        assert_eq!(cells(Asked::of(&slides)), "0 0 2 1795000600");
    }
}
