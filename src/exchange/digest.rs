//! The digest of the whole state.
//!
//! It covers the whole state, in an order that the state itself defines (ids, prices, priority), and does not depend on
//! the layout in memory. Two exchanges with equal digests answer every further command alike. Times and command
//! sequences are not included, so a repeated client message does not change the digest.

use super::absent;
use super::accounts::Rate;
use super::book::Order;
use super::canonical::Canonical;
use super::extras::Extra;
use super::instrument::Instrument;
use super::snapshot::digest_instructions;
use super::state::Exchange;
use super::triggers::Waiting;
use crate::domain::{AssetId, InstrumentId, OrderLimits, Product, Protection, Side, VenueLimits};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// SHA-256 of the canonical form of an exchange's state.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    /// The first 16 bytes in hexadecimal: enough to compare by eye and in tests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..16].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Exchange {
    /// The digest of the state. It reads the whole state, which takes seconds for millions of orders.
    pub fn digest(&self) -> Digest {
        let mut hash = Canonical(Sha256::new());
        let VenueLimits { orders_max, orders_touched_max, account_orders_max, account_triggers_max } =
            *self.limits();
        for limit in [orders_max, orders_touched_max, account_orders_max, account_triggers_max] {
            hash.unsigned(limit);
        }
        hash.unsigned(self.venue.rules);
        hash.unsigned(self.venue.session);
        hash.unsigned(self.shared.last_order.0);
        hash.unsigned(self.shared.last_trade.0);
        hash.unsigned(self.venue.killed as u8);
        hash.unsigned(u8::from(self.venue.config_digest.is_some()));
        hash.unsigned(self.venue.config_digest.unwrap_or_default());
        self.digest_reference_data(&mut hash);
        for (id, instrument) in (0..).map(InstrumentId).zip(&self.instruments) {
            digest_instrument(instrument, &mut hash);
            for side in [Side::Buy, Side::Sell] {
                hash.count(self.orders(id, side).count());
                self.orders(id, side).for_each(|order| self.digest_order(&order, None, &mut hash));
            }
            hash.count(instrument.dormant());
            let waiting = instrument.triggers.iter().flat_map(|waiting| waiting.waiting(&self.shared.extras));
            for waiting in waiting {
                self.digest_order(&self.shared.orders.get(waiting.handle), Some(waiting), &mut hash);
            }
        }
        for ((instrument, account), used) in self.shared.usage.iter().flat_map(|usage| usage.sorted()) {
            // The other counts follow from the orders.
            if used.rate != Default::default() {
                hash.unsigned(instrument.0);
                hash.unsigned(account.0);
                digest_rate(used.rate, &mut hash);
            }
        }
        self.digest_in_vain(&mut hash);
        self.digest_epoch(&mut hash);
        self.digest_shard(&mut hash);
        self.digest_contracts(&mut hash);
        Digest(hash.0.finalize().into())
    }

    /// The number of the shard, and the state that only one of several shards has.
    fn digest_shard(&self, hash: &mut Canonical) {
        if self.venue.shards > 1 {
            hash.unsigned(self.venue.shards);
            hash.unsigned(self.id.0);
            self.instruments.iter().for_each(|instrument| hash.unsigned(instrument.listing.shard.0));
            self.venue.logins.iter().for_each(|login| hash.unsigned(login.seen_user_ref.0));
            self.digest_transfers(hash);
        }
    }

    /// The accounts' work in vain, for those that have any.
    fn digest_in_vain(&self, hash: &mut Canonical) {
        for (account, in_vain) in self.shared.in_vain.iter().enumerate() {
            if *in_vain != Default::default() {
                // No pair of account and instrument starts with this value.
                hash.unsigned(u64::MAX);
                hash.count(account);
                digest_rate(in_vain.looks, hash);
                digest_rate(in_vain.sweeps, hash);
            }
        }
    }

    /// The epoch, if there was a leader.
    fn digest_epoch(&self, hash: &mut Canonical) {
        if self.venue.epoch > 0 {
            // No account has this number, so no earlier part starts with it.
            hash.unsigned(u64::MAX);
            hash.unsigned(u64::MAX);
            hash.unsigned(self.venue.epoch);
        }
    }

    fn digest_reference_data(&self, hash: &mut Canonical) {
        hash.count(self.shared.accounts.len());
        for account in &self.shared.accounts {
            hash.unsigned(account.last_transfer);
            hash.unsigned(account.self_trade.mode as u8);
            hash.unsigned(account.self_trade.owner as u8);
            hash.unsigned(account.group.0);
            hash.unsigned(account.tier.0);
            hash.unsigned(account.assigned.map_or(0, |tier| u64::from(tier.0) + 1));
            hash.unsigned(account.killed as u8);
            if let Some(own) = &account.limits {
                digest_limits(&own.limits, hash);
                digest_rate(own.rate, hash);
            }
        }
        if let Some(volumes) = &self.shared.volumes {
            hash.unsigned(volumes.tiers.asset.0);
            volumes.tiers.volume_min.iter().for_each(|min| hash.signed(min.0));
            hash.unsigned(volumes.day);
            for traded in volumes.traded() {
                hash.unsigned(traded.today);
                traded.days().iter().for_each(|day| hash.unsigned(*day));
            }
        }
        hash.count(self.venue.assets.len());
        for (id, asset) in self.venue.assets.iter().enumerate() {
            let id = AssetId(id as u16);
            hash.bytes(&asset.code.0);
            hash.unsigned(asset.scale);
            hash.unsigned(asset.deposits as u8);
            hash.unsigned(asset.withdrawals as u8);
            hash.signed(asset.min_deposit.0);
            hash.signed(asset.min_withdrawal.0);
            hash.signed(self.shared.ledger.supply(id).0);
            for balance in self.shared.ledger.balances(id) {
                hash.signed(balance.available.0);
                hash.signed(balance.reserved.0);
            }
        }
        hash.count(self.venue.logins.len());
        for login in &self.venue.logins {
            hash.unsigned(login.account.0);
            hash.unsigned(login.session);
            hash.unsigned(login.last_user_ref.0);
            hash.unsigned(login.cancel_at.0);
            hash.unsigned(login.order_entry as u8);
            digest_limits(&login.limits().copied().unwrap_or_default(), hash);
        }
        hash.count(self.venue.copies.len());
        for (account, login, _) in self.copies() {
            hash.unsigned(account.0);
            hash.unsigned(login.0);
        }
        hash.count(self.instruments.len());
    }

    fn digest_order(&self, order: &Order, waiting: Option<Waiting>, hash: &mut Canonical) {
        hash.unsigned(order.id.0);
        // A market order has 0.
        hash.signed(order.limit.unwrap_or_default().0);
        hash.unsigned(order.open.0);
        hash.unsigned(order.total.0);
        hash.signed(order.reserved.0);
        hash.unsigned(order.fee_carry);
        hash.unsigned(order.login.0);
        hash.unsigned(order.user_ref.0);
        hash.unsigned(order.side as u8);
        hash.unsigned(u8::from(order.hidden));
        hash.unsigned(order.time_in_force as u8);
        // In the same pieces as in earlier versions.
        let [first, second, rest @ ..] = order.echo;
        hash.unsigned(first);
        hash.unsigned(second);
        hash.bytes(&rest);
        if let Some(extra) = self.shared.extras.find(order.extra) {
            self.digest_extra(extra, waiting, hash);
        }
        hash.unsigned(order.flags & (absent::DISCONNECTED | absent::SWITCHED));
    }

    fn digest_extra(&self, extra: &Extra, waiting: Option<Waiting>, hash: &mut Canonical) {
        digest_instructions(&extra.instructions, hash);
        hash.signed(extra.amount);
        hash.unsigned(extra.rest);
        hash.unsigned(extra.expire_s);
        hash.unsigned(extra.state as u8);
        hash.unsigned(extra.reserve_units);
        hash.unsigned(extra.watch.reference as u8);
        let price = waiting.and_then(|waiting| waiting.price);
        let extreme = waiting.and_then(|waiting| waiting.extreme);
        hash.unsigned(u8::from(price.is_some()));
        hash.signed(price.unwrap_or_default());
        hash.signed(extra.watch.distance());
        hash.signed(extreme.map_or(0, |price| price.0));
        hash.unsigned(u8::from(extra.is_second));
        hash.unsigned(extra.partner.map_or(0, |partner| self.shared.orders.hot(partner).id.0));
    }
}

fn digest_rate(rate: Rate, hash: &mut Canonical) {
    hash.unsigned(rate.second);
    hash.unsigned(rate.count);
}

fn digest_limits(limits: &OrderLimits, hash: &mut Canonical) {
    hash.unsigned(limits.quantity_max.0);
    hash.signed(limits.notional_max.0);
    hash.unsigned(limits.open_orders_max);
    hash.unsigned(limits.triggers_max);
    hash.unsigned(limits.orders_per_second_max);
    hash.unsigned(limits.position_max.0);
}

fn digest_instrument(instrument: &Instrument, hash: &mut Canonical) {
    let listing = &instrument.listing;
    hash.bytes(&listing.symbol.0);
    hash.unsigned(listing.base.0);
    hash.unsigned(listing.quote.0);
    hash.unsigned(listing.price_decimals);
    hash.unsigned(listing.tick_units);
    hash.signed(listing.lot.0);
    hash.unsigned(listing.min_quantity.0);
    hash.unsigned(listing.max_quantity.0);
    hash.signed(listing.min_notional.0);
    hash.unsigned(listing.fee_asset as u8);
    hash.unsigned(listing.phase as u8);
    // Instruments of the first product add nothing, so that earlier digests stay valid.
    match listing.product {
        Product::Spot => {}
        Product::LinearPerpetual
        | Product::LinearDated
        | Product::InversePerpetual
        | Product::InverseDated => hash.unsigned(listing.product as u8),
    }
    for row in &instrument.fees {
        hash.signed(row.maker.0.into());
        hash.signed(row.taker.0.into());
    }
    let Protection { price_min, price_max, interruption_s, .. } = instrument.protection;
    let Protection { static_band, dynamic_band, market_collar, .. } = instrument.protection;
    for value in [price_min, price_max, interruption_s, static_band.0, dynamic_band.0, market_collar.0] {
        hash.unsigned(value);
    }
    digest_limits(&instrument.limits, hash);
    for price in [instrument.last, instrument.mark, instrument.reference] {
        hash.signed(price.map_or(0, |price| price.0));
    }
    hash.unsigned(instrument.resume_at);
}
