//! Conversion of domain values to ITCH: phases to trading states, auctions to crosses, listings to directory entries.

use crate::domain::{Auction, InstrumentId, Listing, Phase, Price, Side, Timestamp, TradeKind};
use crate::wire::itch::{CrossTrade, Imbalance, Nanos48, StockDirectory, SystemEvent, TradingAction};

/// The instrument's stock locate number in the feed.
pub(super) fn locate(instrument: InstrumentId) -> u16 {
    // An exchange lists far fewer. A larger id would become 0, which ITCH uses for messages without an instrument.
    u16::try_from(instrument.0 + 1).unwrap_or(0)
}

pub(super) fn nanos(time: Timestamp) -> Nanos48 {
    Nanos48::new(time.since_midnight_ns())
}

pub(super) fn side(side: Side) -> u8 {
    match side {
        Side::Buy => b'B',
        Side::Sell => b'S',
    }
}

pub(super) fn lots(quantity: u64) -> u32 {
    u32::try_from(quantity).unwrap_or(u32::MAX)
}

/// A price in price units; 0 for none.
pub(super) fn units(listing: &Listing, price: Option<Price>) -> u32 {
    price.map_or(0, |price| u32::try_from(listing.price_units(price)).unwrap_or(u32::MAX))
}

pub(super) fn system(code: u8, time: Timestamp) -> SystemEvent {
    SystemEvent { locate: 0, tracking: 0, timestamp: nanos(time), code }
}

pub(super) fn directory(listing: &Listing, time: Timestamp) -> StockDirectory {
    StockDirectory {
        locate: locate(listing.instrument),
        tracking: 0,
        timestamp: nanos(time),
        stock: listing.symbol,
        market_category: b' ',
        financial_status: b' ',
        // Quantity fields count lots.
        round_lot_size: 1,
        round_lots_only: b'N',
        issue_class: b'O',
        issue_sub_type: *b"Z ",
        authenticity: b'P',
        short_sale_threshold: b' ',
        ipo_flag: b' ',
        luld_tier: b' ',
        etp_flag: b' ',
        etp_leverage: 0,
        inverse: b'N',
    }
}

pub(super) fn action(listing: &Listing, time: Timestamp) -> TradingAction {
    let (state, reason) = match listing.phase {
        Phase::Continuous => (b'T', *b"    "),
        Phase::PreOpen | Phase::OpeningAuction | Phase::ClosingAuction => (b'Q', *b"    "),
        Phase::VolatilityAuction => (b'P', *b"LUDP"),
        Phase::Closed | Phase::Halted | Phase::CancelOnly => (b'H', *b"    "),
        Phase::Delisted => (b'H', *b"D   "),
    };
    TradingAction {
        locate: locate(listing.instrument),
        tracking: 0,
        timestamp: nanos(time),
        stock: listing.symbol,
        state,
        reserved: b' ',
        reason,
    }
}

fn cross_type(kind: TradeKind) -> u8 {
    match kind {
        TradeKind::Opening | TradeKind::Continuous => b'O',
        TradeKind::Volatility => b'H',
        TradeKind::Closing => b'C',
    }
}

pub(super) fn imbalance(auction: &Auction, listing: &Listing, time: Timestamp) -> Imbalance {
    let price = units(listing, auction.price);
    let direction = match (auction.price, auction.imbalance.0, auction.imbalance_side) {
        (None, ..) => b'O',
        (_, 0, _) => b'N',
        (_, _, side_of) => side(side_of),
    };
    Imbalance {
        paired: auction.volume.0,
        imbalance: auction.imbalance.0,
        direction,
        locate: locate(listing.instrument),
        tracking: 0,
        timestamp: nanos(time),
        stock: listing.symbol,
        far_price: price,
        near_price: price,
        reference_price: price,
        cross_type: cross_type(auction.kind),
        price_variation: if auction.price.is_some() { b'L' } else { b' ' },
    }
}

/// The result of an auction in which `shares` lots traded.
pub(super) fn cross(
    auction: &Auction,
    listing: &Listing,
    shares: u64,
    match_number: u64,
    time: Timestamp,
) -> CrossTrade {
    CrossTrade {
        locate: locate(listing.instrument),
        tracking: 0,
        timestamp: nanos(time),
        shares,
        stock: listing.symbol,
        price: units(listing, auction.price),
        match_number,
        cross_type: cross_type(auction.kind),
    }
}
