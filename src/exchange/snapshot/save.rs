//! Converts an exchange to records.

use super::records::{
    AccountLimitsRecord, AccountRecord, AssetRecord, BalanceRecord, CopyRecord, CountRecord, ExtraRecord,
    InFlightRecord, InstrumentRecord, LeadRecord, LoginRecord, LoginSettingsRecord, MovedRecord, OrderRecord,
    PairRecord, UsageRecord, VenueRecord, VolumeRecord, VolumesRecord,
};
use super::{Part, Sink};
use crate::domain::{AssetId, LoginId, Quantity, ShardId, Side};
use crate::exchange::accounts::{Account, Rate, Traded};
use crate::exchange::book::Handle;
use crate::exchange::extras::Extra;
use crate::exchange::in_vain::InVain;
use crate::exchange::instrument::Instrument;
use crate::exchange::outboxes::{Between, InFlight};
use crate::exchange::triggers::Waiting;
use crate::exchange::usage::{Pair, Use};
use crate::exchange::{Exchange, Login, absent};

impl Exchange {
    /// Writes everything that determines the exchange's answers to `sink`, part by part. Two exchanges that were given
    /// the same commands write the same records. Allocates no memory.
    ///
    /// # Errors
    /// The error of the sink.
    pub fn write_to<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.put(Part::Venue, &self.venue_record())?;
        for (id, asset) in (0..).map(AssetId).zip(&self.venue.assets) {
            let record = AssetRecord {
                code: asset.code,
                scale: asset.scale,
                deposits: asset.deposits,
                withdrawals: asset.withdrawals,
                min_deposit: asset.min_deposit,
                min_withdrawal: asset.min_withdrawal,
                supply: self.shared.ledger.supply(id),
            };
            sink.put(Part::Assets, &record)?;
        }
        for (account, in_vain) in self.shared.accounts.iter().zip(self.shared.in_vain.iter()) {
            sink.put(Part::Accounts, &account_record(account, in_vain))?;
        }
        for Login { account, session, last_user_ref, seen_user_ref, .. } in &self.venue.logins {
            let (account, session) = (*account, *session);
            let (last_user_ref, seen_user_ref) = (*last_user_ref, *seen_user_ref);
            sink.put(Part::Logins, &LoginRecord { account, session, last_user_ref, seen_user_ref })?;
        }
        for record in self.login_settings() {
            sink.put(Part::LoginSettings, &record)?;
        }
        for (account, login, since) in self.copies() {
            sink.put(Part::Copies, &CopyRecord { account, login, since })?;
        }
        for instrument in &self.instruments {
            sink.put(Part::Instruments, &instrument_record(instrument))?;
        }
        if self.transfers.are_there() {
            self.write_transfers(sink)?;
        }
        for asset in (0..self.venue.assets.len()).map(|id| AssetId(id as u16)) {
            for balance in self.shared.ledger.balances(asset) {
                let record = BalanceRecord { available: balance.available, reserved: balance.reserved };
                sink.put(Part::Balances, &record)?;
            }
        }
        for traded in self.shared.volumes.iter().flat_map(|volumes| volumes.traded()) {
            sink.put(Part::Volumes, &volume_record(&traded))?;
        }
        for (pair, used) in self.shared.usage.iter().flat_map(|usage| usage.iter()) {
            sink.put(Part::Usage, &usage_record(*pair, *used))?;
        }
        if self.venue.epoch > 0 {
            sink.put(Part::Lead, &LeadRecord { epoch: self.venue.epoch })?;
        }
        self.write_contracts(sink)?;
        // One pass through the orders, because moving from one to the next takes most of the time.
        self.each_order(|handle, waiting| {
            if let Some(extra) = self.shared.extras.find(self.shared.orders.cold(handle).extra) {
                sink.put(Part::Extras, &self.extra_record(extra, waiting))?;
            }
            sink.put(Part::Orders, &self.order_record(handle, waiting.is_some()))
        })
    }

    /// Writes the transfers between this shard and the others.
    fn write_transfers<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        for other in (0..self.venue.shards).map(ShardId) {
            let Between { sent, received, outbox } = self.transfers.pair(other);
            let (sent, received, in_flight) = (*sent, *received, outbox.len() as u32);
            sink.put(Part::Pairs, &PairRecord { sent, received, in_flight })?;
        }
        for InFlight { account, asset, amount } in self.transfers.in_flight().copied() {
            sink.put(Part::InFlight, &InFlightRecord { account, asset, amount })?;
        }
        for asset in (0..self.venue.assets.len()).map(|id| AssetId(id as u16)) {
            sink.put(Part::Moved, &MovedRecord { moved: self.shared.ledger.moved(asset) })?;
        }
        Ok(())
    }

    /// Visits all orders in the order of [`Part::Orders`]; waiting orders come with their trigger.
    fn each_order<E>(
        &self,
        mut visit: impl FnMut(Handle, Option<Waiting>) -> Result<(), E>,
    ) -> Result<(), E> {
        for instrument in &self.instruments {
            for (side, hidden) in
                [(Side::Buy, false), (Side::Sell, false), (Side::Buy, true), (Side::Sell, true)]
            {
                instrument.book.part(side, hidden, &self.shared.orders).try_for_each(|at| visit(at, None))?;
            }
            for waiting in instrument.triggers.iter().flat_map(|waiting| waiting.waiting(&self.shared.extras))
            {
                visit(waiting.handle, Some(waiting))?;
            }
        }
        Ok(())
    }

    fn venue_record(&self) -> VenueRecord {
        let volumes = self.shared.volumes.as_ref();
        let usage = self.shared.usage.as_ref();
        VenueRecord {
            shard: self.id,
            shards: self.venue.shards,
            limits: (*self.limits()).into(),
            edition: self.rules_edition(),
            session: self.session(),
            last_order: self.shared.last_order,
            last_trade: self.shared.last_trade,
            now: self.shared.now,
            killed: self.venue.killed,
            config_digest: self.venue.config_digest,
            volumes: volumes.map(|volumes| VolumesRecord { tiers: volumes.tiers.into(), day: volumes.day }),
            counts_usage: usage.is_some(),
            assets: self.venue.assets.len() as u32,
            accounts: self.shared.accounts.len() as u32,
            logins: self.venue.logins.len() as u32,
            login_settings: self.login_settings().count() as u32,
            copies: self.venue.copies.len() as u32,
            instruments: self.instruments.len() as u32,
            usage: usage.map_or(0, |usage| usage.len() as u32),
            extras: self.shared.extras.len() as u32,
            orders: self.shared.orders.len() as u32,
        }
    }

    /// The settings of the logins that have any.
    fn login_settings(&self) -> impl Iterator<Item = LoginSettingsRecord> + '_ {
        let all = (0..).map(LoginId).zip(&self.venue.logins).filter(|(_, login)| login.has_settings());
        all.map(|(id, login)| LoginSettingsRecord {
            login: id,
            cancel_at: login.cancel_at,
            order_entry: login.order_entry,
            limits: login.limits().map(|limits| (*limits).into()),
        })
    }

    fn extra_record(&self, extra: &Extra, waiting: Option<Waiting>) -> ExtraRecord {
        let Extra { instructions, amount, rest, expire_s, state, watch, partner, is_second, .. } = *extra;
        ExtraRecord {
            instructions: instructions.into(),
            amount,
            rest,
            expire_s,
            state,
            reference: watch.reference,
            price: waiting.and_then(|waiting| waiting.price),
            on_rise: watch.on_rise,
            distance: watch.distance(),
            extreme: waiting.and_then(|waiting| waiting.extreme),
            reserve_units: extra.reserve_units,
            partner: partner.map(|partner| self.shared.orders.hot(partner).id),
            is_second,
        }
    }

    fn order_record(&self, handle: Handle, waits: bool) -> OrderRecord {
        let (hot, cold) = (self.shared.orders.hot(handle), self.shared.orders.cold(handle));
        let mark = |mark, is_set| if is_set { mark } else { 0 };
        OrderRecord {
            id: hot.id,
            open: hot.open,
            total: Quantity(cold.total.into()),
            reserved: hot.reserved,
            ticks: hot.limit().unwrap_or_default().0 as i32,
            login: hot.login,
            account: hot.account,
            user_ref: hot.user_ref,
            instrument: cold.instrument,
            fee_carry: hot.fee_carry,
            echo: cold.echo,
            marks: mark(OrderRecord::SELL, hot.side == Side::Sell)
                | mark(OrderRecord::HIDDEN, hot.hidden)
                | mark(OrderRecord::HAS_EXTRA, self.shared.extras.find(cold.extra).is_some())
                | mark(OrderRecord::WAITS, waits)
                | mark(OrderRecord::DISCONNECTED, hot.flags & absent::DISCONNECTED != 0)
                | mark(OrderRecord::SWITCHED, hot.flags & absent::SWITCHED != 0)
                | mark(OrderRecord::MARKET, hot.limit().is_none()),
            time_in_force: cold.time_in_force as u8,
        }
    }
}

fn count_record(Rate { second, count }: Rate) -> CountRecord {
    CountRecord { second, count }
}

fn account_record(account: &Account, in_vain: &InVain) -> AccountRecord {
    AccountRecord {
        last_transfer: account.last_transfer,
        self_trade: account.self_trade.into(),
        group: account.group,
        tier: account.tier,
        assigned: account.assigned,
        killed: account.killed,
        looks: count_record(in_vain.looks),
        sweeps: count_record(in_vain.sweeps),
        limits: account.limits.as_ref().map(|own| AccountLimitsRecord {
            limits: own.limits.into(),
            second: own.rate.second,
            count: own.rate.count,
        }),
    }
}

fn instrument_record(instrument: &Instrument) -> InstrumentRecord {
    InstrumentRecord {
        listing: instrument.listing.into(),
        makers: instrument.fees.map(|row| row.maker),
        takers: instrument.fees.map(|row| row.taker),
        protection: instrument.protection.into(),
        limits: instrument.limits.into(),
        last: instrument.last,
        mark: instrument.mark,
        reference: instrument.reference,
        resume_at: instrument.resume_at,
    }
}

fn volume_record(traded: &Traded) -> VolumeRecord {
    let mut days = [0; 30];
    days.copy_from_slice(traded.days());
    VolumeRecord { today: traded.today, days }
}

fn usage_record((instrument, account): Pair, used: Use) -> UsageRecord {
    UsageRecord { instrument, account, second: used.rate.second, count: used.rate.count }
}
