//! An instrument's terms.

use super::{
    Amount, AssetId, FeeAsset, FeeRate, InstrumentId, ListInstrument, Phase, Price, Product, Quantity,
    RejectReason, ShardId, Side, Symbol,
};
use bincode::{Decode, Encode};
use serde::Serialize;

/// An instrument's present terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Listing {
    /// Its id.
    pub instrument: InstrumentId,
    /// Its symbol.
    pub symbol: Symbol,
    /// The asset that is bought and sold.
    pub base: AssetId,
    /// The asset that it is paid in.
    pub quote: AssetId,
    /// p: price units are 10^-p of one whole quote asset per one whole base asset.
    pub price_decimals: u8,
    /// One tick in price units.
    pub tick_units: u32,
    /// One lot in minor units of the base asset, of an inverse contract of the quote asset.
    pub lot: Amount,
    /// The notional of one tick on one lot, in minor units of the quote asset; of an inverse contract the value of one lot
    /// at a price of one tick, in minor units of the base asset. Listing requires a whole number, so that notionals are
    /// exact.
    pub tick_value: Amount,
    /// Smallest order, lots.
    pub min_quantity: Quantity,
    /// Largest order, lots.
    pub max_quantity: Quantity,
    /// Smallest limit order, price × quantity, in minor units of the asset that it is settled in.
    pub min_notional: Amount,
    /// Fee rate of the resting side, row 0 of the fee table.
    pub maker_fee: FeeRate,
    /// Fee rate of the incoming side, row 0 of the fee table.
    pub taker_fee: FeeRate,
    /// The asset in which fees are taken.
    pub fee_asset: FeeAsset,
    /// Its present phase.
    pub phase: Phase,
    /// The shard in which it trades.
    pub shard: ShardId,
    /// The kind of contract.
    pub product: Product,
}

impl Listing {
    /// Prices must be below this many price units, so that a price in ticks fits the 31 bits in an order.
    pub const PRICE_END: u64 = 0x7FFF_FFFF;

    /// The most lots of an order: it must fit 32 bits.
    pub const QUANTITY_MAX: u64 = u32::MAX as u64;
    /// The listing for the terms of a new instrument, with the given tick value.
    pub fn of(terms: &ListInstrument, tick_value: Amount) -> Self {
        Self {
            instrument: terms.instrument,
            symbol: terms.symbol,
            base: terms.base,
            quote: terms.quote,
            price_decimals: terms.price_decimals,
            tick_units: terms.tick_units,
            lot: terms.lot,
            tick_value,
            min_quantity: terms.min_quantity,
            max_quantity: terms.max_quantity,
            min_notional: terms.min_notional,
            maker_fee: terms.maker_fee,
            taker_fee: terms.taker_fee,
            fee_asset: terms.fee_asset,
            phase: terms.phase,
            shard: terms.shard,
            product: terms.product,
        }
    }

    /// The command that would create this listing.
    pub fn terms(&self) -> ListInstrument {
        ListInstrument {
            instrument: self.instrument,
            symbol: self.symbol,
            base: self.base,
            quote: self.quote,
            price_decimals: self.price_decimals,
            tick_units: self.tick_units,
            lot: self.lot,
            min_quantity: self.min_quantity,
            max_quantity: self.max_quantity,
            min_notional: self.min_notional,
            maker_fee: self.maker_fee,
            taker_fee: self.taker_fee,
            fee_asset: self.fee_asset,
            phase: self.phase,
            shard: self.shard,
            product: self.product,
        }
    }

    /// Converts a limit in price units to a price in ticks.
    ///
    /// # Errors
    /// [`RejectReason::InvalidPrice`] if it is zero, negative or out of range, [`RejectReason::PriceOffTick`] if it is
    /// not a multiple of the tick.
    pub fn price_from_units(&self, units: i64) -> Result<Price, RejectReason> {
        if !(1..Self::PRICE_END as i64).contains(&units) {
            return Err(RejectReason::InvalidPrice);
        }
        // Both fit 32 bits, and a 32-bit division is much cheaper than a 64-bit one on older cores.
        let (units, tick) = (units as u32, self.tick_units);
        if !units.is_multiple_of(tick) {
            return Err(RejectReason::PriceOffTick);
        }
        Ok(Price(i64::from(units / tick)))
    }

    /// Converts the price of an accepted order to price units. It is above zero, like all prices of spot.
    pub fn price_units(&self, price: Price) -> u64 {
        price.0.unsigned_abs() * u64::from(self.tick_units)
    }

    /// The asset in which a trade is settled: the notional of spot, the profits of a contract.
    pub fn settled_in(&self) -> AssetId {
        self.product.settled_in(self.base, self.quote)
    }

    /// The asset that lots are amounts of.
    pub fn lots_of(&self) -> AssetId {
        self.product.lots_of(self.base, self.quote)
    }

    /// The asset that an order of this side reserves: in spot what it gives, for both sides of a contract what it is settled
    /// in.
    pub fn held_in(&self, side: Side) -> AssetId {
        if self.product.is_contract() { self.settled_in() } else { self.given_in(side) }
    }

    /// The asset that an order of spot gives: quote for a buy, base for a sell.
    #[inline]
    pub fn given_in(&self, side: Side) -> AssetId {
        match side {
            Side::Buy => self.quote,
            Side::Sell => self.base,
        }
    }

    /// Price × quantity in minor units of the quote asset; `None` if it does not fit an amount.
    pub fn notional(&self, price: Price, quantity: Quantity) -> Option<Amount> {
        let per_lot = price.0.checked_mul(self.tick_value.0)?;
        let lots = i64::try_from(quantity.0).ok()?;
        per_lot.checked_mul(lots).map(Amount)
    }

    /// The notional at a price in price units that need not be on the tick; rounded up if it is not whole. `None` if it
    /// does not fit an amount.
    pub fn notional_at_units(&self, units: u64, quantity: Quantity) -> Option<Amount> {
        let per_lot = i128::from(units) * i128::from(self.tick_value.0);
        let whole = per_lot.checked_mul(i128::from(quantity.0))?;
        let ticks = i128::from(self.tick_units);
        i64::try_from((whole + ticks - 1) / ticks).ok().map(Amount)
    }

    /// The asset in which a side pays its fee.
    pub fn fee_paid_in(&self, side: Side) -> AssetId {
        match (self.fee_asset, side) {
            (FeeAsset::Received, Side::Buy) => self.base,
            (FeeAsset::Received | FeeAsset::Quote, _) => self.quote,
        }
    }

    /// Converts a quantity to minor units of the base asset; `None` if it does not fit an amount.
    pub fn base_amount(&self, quantity: Quantity) -> Option<Amount> {
        i64::try_from(quantity.0).ok()?.checked_mul(self.lot.0).map(Amount)
    }
}
