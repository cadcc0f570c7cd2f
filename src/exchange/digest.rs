//! The digest of the whole state.
//!
//! It covers what the exchange knows, in an order that the state itself defines (ids, prices, priority), and nothing of
//! where it lies in memory. Two exchanges with equal digests answer every further command alike. Times and command
//! sequences are no part of it, so a run in which a client sent something twice has the digest of one where it did not.

use super::Exchange;
use crate::domain::{AssetId, InstrumentId, Side};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// SHA-256 of the canonical form of an exchange's state.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    /// The first 16 bytes in hexadecimal: enough to compare by eye and by test.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..16].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Feeds numbers to the hash, each as 8 little-endian bytes, so that nothing depends on the width of a type.
struct Canonical(Sha256);

impl Canonical {
    fn count(&mut self, len: usize) {
        self.unsigned(len as u64);
    }

    fn unsigned(&mut self, value: impl Into<u64>) {
        self.0.update(value.into().to_le_bytes());
    }

    fn signed(&mut self, value: i64) {
        self.0.update(value.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }
}

impl Exchange {
    /// The digest of the state. Walks over everything: seconds for millions of orders.
    pub fn digest(&self) -> Digest {
        let mut hash = Canonical(Sha256::new());
        hash.unsigned(self.orders_max());
        hash.unsigned(self.last_order.0);
        hash.unsigned(self.last_trade.0);
        hash.unsigned(u8::from(self.config_digest.is_some()));
        hash.unsigned(self.config_digest.unwrap_or_default());
        self.digest_reference_data(&mut hash);
        for instrument in 0..self.instruments.len() {
            for side in [Side::Buy, Side::Sell] {
                self.digest_side(InstrumentId(instrument as u32), side, &mut hash);
            }
        }
        Digest(hash.0.finalize().into())
    }

    fn digest_reference_data(&self, hash: &mut Canonical) {
        hash.count(self.accounts.len());
        for account in &self.accounts {
            hash.unsigned(account.last_transfer);
        }
        hash.count(self.assets.len());
        for (id, asset) in self.assets.iter().enumerate() {
            let id = AssetId(id as u16);
            hash.bytes(&asset.code.0);
            hash.unsigned(asset.scale);
            hash.signed(self.ledger.supply(id).0);
            for balance in self.ledger.balances(id) {
                hash.signed(balance.available.0);
                hash.signed(balance.reserved.0);
            }
        }
        hash.count(self.logins.len());
        for login in &self.logins {
            hash.unsigned(login.account.0);
            hash.unsigned(login.last_user_ref.0);
        }
        hash.count(self.instruments.len());
        for listing in self.listings() {
            hash.bytes(&listing.symbol.0);
            hash.unsigned(listing.base.0);
            hash.unsigned(listing.quote.0);
            hash.unsigned(listing.price_decimals);
            hash.unsigned(listing.tick_units);
            hash.signed(listing.lot.0);
            hash.unsigned(listing.min_quantity.0);
            hash.unsigned(listing.max_quantity.0);
            hash.signed(listing.min_notional.0);
            hash.signed(listing.maker_fee.0.into());
            hash.signed(listing.taker_fee.0.into());
            hash.unsigned(listing.phase as u8);
        }
    }

    fn digest_side(&self, instrument: InstrumentId, side: Side, hash: &mut Canonical) {
        hash.count(self.orders(instrument, side).count());
        for order in self.orders(instrument, side) {
            hash.unsigned(order.id.0);
            hash.signed(order.price.0);
            hash.unsigned(order.open.0);
            hash.unsigned(order.total.0);
            hash.signed(order.reserved.0);
            hash.unsigned(order.fee_carry);
            hash.unsigned(order.login.0);
            hash.unsigned(order.user_ref.0);
            hash.unsigned(order.capacity);
            hash.unsigned(order.cross_type);
            hash.bytes(&order.firm);
        }
    }
}
