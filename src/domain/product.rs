//! Kinds of contract.

use super::numbered::numbered_enum;
use serde::Serialize;

numbered_enum! {
    /// The kind of an instrument's contract. It determines what an order reserves and what a trade moves.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Product {
        /// One asset is exchanged for another and settled at once.
        #[default]
        Spot = 0,
    }
}
