//! What an order asked for that few orders ask for: its columns in the table `orders`, all in this file and in `schema.sql`.

use super::insert::Binder;
use crate::domain::{OrderTerms, PostOnly, Visibility};

/// The values of these columns. The default is an order that asked for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    visibility: Visibility,
    display_quantity: u32,
    post_only: PostOnly,
    /// Seconds since the epoch; 0: never.
    expire_s: u32,
}

/// Their names, in the order in which [`Asked::bind`] binds them.
macro_rules! asked_columns {
    () => {
        "hidden, display_quantity, post_only, expire_s"
    };
}
pub(super) use asked_columns;

/// How many they are.
pub(super) const COLUMNS: usize = 4;
/// What stands in them for an order that asked for nothing.
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
