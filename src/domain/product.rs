//! Kinds of contract.

use super::numbered::numbered_enum;
use serde::Serialize;

numbered_enum! {
    /// What kind of contract an instrument is: what an order holds, and what a trade moves.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Product {
        /// One asset against another, settled at once.
        #[default]
        Spot = 0,
    }
}
