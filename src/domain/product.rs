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
        /// A contract without an end, settled in its quote asset.
        LinearPerpetual = 1,
        /// A contract that expires, settled in its quote asset.
        LinearDated = 2,
        /// A contract without an end, settled in its base asset. Lots are amounts of the quote asset.
        InversePerpetual = 3,
        /// A contract that expires, settled in its base asset. Lots are amounts of the quote asset.
        InverseDated = 4,
    }
}

impl Product {
    /// Whether it is a contract: what is traded are positions, not assets.
    pub fn is_contract(self) -> bool {
        self != Self::Spot
    }

    /// Whether it is a contract without an end.
    pub fn is_perpetual(self) -> bool {
        matches!(self, Self::LinearPerpetual | Self::InversePerpetual)
    }

    /// Whether it is a contract that is settled in its base asset.
    pub fn is_inverse(self) -> bool {
        matches!(self, Self::InversePerpetual | Self::InverseDated)
    }

    /// Of base and quote, the asset that lots are amounts of: base, of an inverse contract quote.
    pub fn lots_of<T>(self, base: T, quote: T) -> T {
        if self.is_inverse() { quote } else { base }
    }

    /// Of base and quote, the asset in which a trade is settled and notionals are counted: quote, of an inverse contract
    /// base.
    pub fn settled_in<T>(self, base: T, quote: T) -> T {
        if self.is_inverse() { base } else { quote }
    }
}
