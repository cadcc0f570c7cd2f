//! Arithmetic of contracts: what a position is worth, what it must have behind it, and what mark, funding and settlement come to.
//!
//! docs/FUTURES.md is the source of every formula here. All of it is exact integers: products are computed in 128 bits, and what
//! does not fit an [`Amount`](super::Amount) is `None`. Nothing here knows accounts, orders or the book.

mod exposure;
mod funding;
mod leg;
mod mark;
mod price_limits;
mod price_range;
mod rounding;
mod settlement;
mod tiers;
mod value;

pub use exposure::{Exposure, OrderDemand};
pub use funding::{Funding, FundingRate, FundingTerms, Premium};
pub use leg::{Booked, Leg};
pub use mark::{Basis, ImpactPrices, Level, MarkInputs, impact_price, mark};
pub use price_limits::{PriceBands, PriceLimits};
pub use price_range::PriceRange;
pub use settlement::{SETTLEMENT_SAMPLES_MIN, SettlementSamples};
pub use tiers::{Leverage, TIERS_MAX, Tier, TierFault, Tiers};
pub use value::{ContractValue, Settlement};
