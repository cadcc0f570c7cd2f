//! Restores an exchange from records: the order of the parts, and all records except those of orders.

use super::contracts::ContractsFilling;
use super::orders::{Filling, Orders};
use super::records::{
    AccountLimitsRecord, AccountRecord, AssetRecord, BalanceRecord, CopyRecord, CountRecord, ExtraRecord,
    InFlightRecord, InstrumentRecord, LeadRecord, LoginRecord, LoginSettingsRecord, MovedRecord, OrderRecord,
    PairRecord, UsageRecord, VenueRecord, VolumeRecord, VolumesRecord,
};
use super::refused::{Refused, check};
use super::{Names, Part, RestoreError};
use crate::domain::codec::decode_record;
use crate::domain::{
    Amount, AssetId, Command, FeeRate, FeeTier, InstrumentId, ListInstrument, Listing, OrderLimits,
    OrderState, Phase, Ppm, Price, Protection, ShardId, ShardTransfer, Timestamp, TriggerReference,
    VenueLimits,
};
use crate::exchange::accounts::{Account, AccountLimits, Rate, Volumes};
use crate::exchange::due::day;
use crate::exchange::extras::{Extra, Links, Watch};
use crate::exchange::in_vain::InVain;
use crate::exchange::instrument::Instrument;
use crate::exchange::ledger::Ledger;
use crate::exchange::outboxes::InFlight;
use crate::exchange::products::{self, Rates};
use crate::exchange::usage::Usage;
use crate::exchange::{Asset, Balance, Exchange, ExchangeLimits, Login, NameKey};
use bincode::Decode;

/// The smallest record of each part, bytes. The bytes available divided by this limit the possible number of records.
const BYTES_MIN: [usize; Part::ALL.len()] = [
    1,
    40,
    43,
    12,
    17,
    16,
    200,
    20,
    14,
    8,
    16,
    248,
    16,
    8,
    28,
    36,
    8,
    21,
    20,
    18,
    58,
    4,
    80,
    OrderRecord::BYTES,
];

/// The reason for refusing amounts.
const NOT_CONSERVED: &str = "balances of an asset do not add up to its supply";

/// An exchange that is being restored, part by part.
#[derive(Debug)]
pub struct Restoring {
    exchange: Exchange,
    filling: Filling,
    venue: VenueRecord,
    contracts: ContractsFilling,
    /// Parts that the records do not have.
    lacks: &'static [Part],
    bytes_max: u64,
    /// The part of the last record.
    part: Option<Part>,
    /// Records taken so far, by part.
    taken: [u64; Part::ALL.len()],
}

impl Restoring {
    /// Starts before the first record. `lacks` lists the parts that the snapshot's version does not have. At most
    /// `bytes_max` bytes of records will come; counts that need more are refused, and no memory is allocated for more.
    pub fn new(lacks: &'static [Part], name_key: NameKey, bytes_max: u64) -> Self {
        Self {
            exchange: Exchange::new(ExchangeLimits {
                limits: VenueLimits { orders_max: 0, ..VenueLimits::default() },
                name_key,
            }),
            filling: Filling::default(),
            venue: VenueRecord::default(),
            contracts: ContractsFilling::default(),
            lacks,
            bytes_max,
            part: None,
            taken: [0; Part::ALL.len()],
        }
    }

    /// Takes the next records of a part, which fill `bytes`, with the results of [`Names::prepare`].
    ///
    /// # Errors
    /// The first record that cannot be right.
    pub fn take(&mut self, part: Part, bytes: &[u8], chained: &[u32]) -> Result<(), RestoreError> {
        let at_start = |why| RestoreError { at: 0, why };
        check(self.part.is_some() || part == Part::Venue, "the first part is not the venue's")
            .map_err(at_start)?;
        // Extras and orders alternate.
        let place = part.min(Part::Extras);
        check(self.part.is_none_or(|last| last <= place), "parts are out of order").map_err(at_start)?;
        if self.part != Some(place) {
            self.begin(place).map_err(at_start)?;
        }
        self.part = Some(place);
        match part {
            Part::Orders => {
                self.counted(part, (bytes.len() / OrderRecord::BYTES) as u64).map_err(at_start)?;
                self.orders().take(bytes, chained)
            }
            Part::Venue => self.each(part, bytes, Self::take_venue),
            Part::Assets => self.each(part, bytes, Self::take_asset),
            Part::Accounts => self.each(part, bytes, Self::take_account),
            Part::Logins => self.each(part, bytes, Self::take_login),
            Part::LoginSettings => self.each(part, bytes, Self::take_login_settings),
            Part::Copies => self.each(part, bytes, Self::take_copy),
            Part::Instruments => self.each(part, bytes, Self::take_instrument),
            Part::Pairs => self.each(part, bytes, Self::take_pair),
            Part::InFlight => self.each(part, bytes, Self::take_in_flight),
            Part::Moved => self.each(part, bytes, Self::take_moved),
            Part::Balances => self.each(part, bytes, Self::take_balance),
            Part::Volumes => self.each(part, bytes, Self::take_volume),
            Part::Usage => self.each(part, bytes, Self::take_usage),
            Part::Lead => self.each(part, bytes, Self::take_lead),
            Part::Contracts => self.each(part, bytes, |it, record| {
                it.contracts.take_contracts(&mut it.exchange, record)?;
                it.check_counts()
            }),
            Part::Indexes => {
                self.each(part, bytes, |it, record| it.contracts.take_index(&mut it.exchange, record))
            }
            Part::Terms => {
                self.each(part, bytes, |it, record| it.contracts.take_contract(&mut it.exchange, record))
            }
            Part::Tiers => self.each(part, bytes, |it, record| it.contracts.take_tier(record)),
            Part::Samples => {
                self.each(part, bytes, |it, record| it.contracts.take_sample(&mut it.exchange, record))
            }
            Part::Funds => {
                self.each(part, bytes, |it, record| it.contracts.take_fund(&mut it.exchange, record))
            }
            Part::Hedging => {
                self.each(part, bytes, |it, record| it.contracts.take_hedging(&mut it.exchange, record))
            }
            Part::Holdings => {
                self.each(part, bytes, |it, record| it.contracts.take_holding(&mut it.exchange, record))
            }
            Part::Extras => self.each(part, bytes, Self::take_extra),
        }
    }

    pub fn shard(&self) -> ShardId {
        self.exchange.id
    }

    /// The time of the last command.
    pub fn now(&self) -> Timestamp {
        self.venue.now
    }

    /// Finishes after the last record, with the work that needs all parts.
    ///
    /// # Errors
    /// If records are missing or contradict each other.
    pub fn finish(mut self, names: Names) -> Result<Exchange, RestoreError> {
        let end = |why| RestoreError { at: 0, why };
        for part in Part::ALL {
            check(self.taken[part as usize] == self.count(part), "records are missing").map_err(end)?;
        }
        if self.part != Some(Part::Extras) {
            self.begin(Part::Extras).map_err(end)?;
        }
        self.orders().finish().map_err(end)?;
        self.exchange.shared.client_refs = names.finish().ok_or(end("records are missing"))?;
        self.exchange.next_due();
        Ok(self.exchange)
    }

    /// The number of records that a part must have.
    fn count(&self, part: Part) -> u64 {
        let venue = &self.venue;
        match part {
            _ if self.lacks.contains(&part) => 0,
            Part::Venue => 1,
            Part::LoginSettings => venue.login_settings.into(),
            Part::Copies => venue.copies.into(),
            Part::Assets => venue.assets.into(),
            Part::Accounts => venue.accounts.into(),
            Part::Logins => venue.logins.into(),
            Part::Instruments => venue.instruments.into(),
            // They exist or not; no count says so.
            Part::Pairs if self.has_transfers() => venue.shards.into(),
            Part::Moved if self.has_transfers() => venue.assets.into(),
            Part::Pairs | Part::Moved => 0,
            Part::InFlight => self.filling.in_flight,
            Part::Balances => u64::from(venue.assets) * u64::from(venue.accounts),
            Part::Volumes => {
                if venue.volumes.is_some() {
                    venue.accounts.into()
                } else {
                    0
                }
            }
            Part::Usage => venue.usage.into(),
            // It exists or not; no count says so.
            Part::Lead | Part::Contracts => self.taken[part as usize].min(1),
            Part::Indexes => self.contracts.record.indexes.into(),
            Part::Terms => self.contracts.record.contracts.into(),
            Part::Tiers => self.contracts.record.tiers.into(),
            Part::Samples => self.contracts.record.samples.into(),
            Part::Funds => self.contracts.record.funds.into(),
            Part::Hedging => self.contracts.record.hedging.into(),
            Part::Holdings => self.contracts.record.holdings.into(),
            Part::Extras => venue.extras.into(),
            Part::Orders => venue.orders.into(),
        }
    }

    /// Whether there are records of transfers. One shard has none.
    fn has_transfers(&self) -> bool {
        self.taken[Part::Pairs as usize] > 0 && self.venue.shards > 1
    }

    /// Starts a part; the parts before it must be complete.
    fn begin(&mut self, part: Part) -> Refused {
        for before in Part::ALL.into_iter().filter(|before| *before < part) {
            check(
                self.taken[before as usize] == self.count(before),
                "an earlier part has fewer records than declared",
            )?;
        }
        let (accounts, assets) = (self.exchange.shared.accounts.len(), self.exchange.venue.assets.len());
        if part > Part::Accounts && self.filling.held.is_empty() {
            // The file has a balance for each account, so its length limits their number.
            self.exchange.shared.ledger = Ledger::with_accounts(accounts);
            self.filling.held = vec![vec![0; accounts]; assets];
        }
        if part > Part::Balances && accounts == 0 {
            check(self.filling.moved.iter().all(|moved| *moved == 0), NOT_CONSERVED)?;
            for supply in self.filling.supplies.drain(..) {
                check(supply == Amount(0), NOT_CONSERVED)?;
                self.exchange.shared.ledger.restore_asset(supply, 0, Vec::new());
            }
        }
        if part == Part::Extras {
            self.contracts.finish(&mut self.exchange)?;
            let venue = self.venue;
            self.orders().begin(&venue)?;
        }
        Ok(())
    }

    fn orders(&mut self) -> Orders<'_> {
        Orders { exchange: &mut self.exchange, filling: &mut self.filling }
    }

    /// Counts records of a part.
    fn counted(&mut self, part: Part, records: u64) -> Refused {
        let taken = &mut self.taken[part as usize];
        *taken += records;
        let taken = *taken;
        // The count of the very first record is not known before it is read.
        check(taken <= self.count(part), "more records than declared")
    }

    fn each<T: Decode<()>>(
        &mut self,
        part: Part,
        bytes: &[u8],
        take: impl Fn(&mut Self, T) -> Refused,
    ) -> Result<(), RestoreError> {
        let mut at = 0;
        while at < bytes.len() {
            let (record, len) = decode_record(&bytes[at..])
                .map_err(|_| RestoreError { at, why: "record cannot be decoded" })?;
            let taken = self.counted(part, 1).and_then(|()| take(self, record));
            taken.map_err(|why| RestoreError { at, why })?;
            at += len;
        }
        Ok(())
    }

    fn take_venue(&mut self, venue: VenueRecord) -> Refused {
        venue.check_orders(self.bytes_max)?;
        let known = (Command::RULES_FIRST..=Command::RULES_LAST).contains(&venue.edition);
        check(known, "unknown edition of the rules")?;
        check(venue.assets <= 1 << 16, "more assets than asset ids")?;
        // No exchange reaches such numbers, and one that did could not continue counting.
        let counted = venue.last_order.0 < u64::MAX / 4 && venue.last_trade.0 < u64::MAX / 4;
        check(counted, "order or trade counter out of range")?;
        let there = venue.shard.0 < venue.shards && usize::from(venue.shards) <= ShardId::COUNT;
        check(there, "shard id or number of shards out of range")?;
        let numbered = venue.last_order.is_counted() && venue.last_trade.is_counted();
        let own = (venue.last_order.shard(), venue.last_trade.shard()) == (venue.shard, venue.shard);
        check(numbered && own, "last order or trade id is not an id of this shard")?;
        check(venue.counts_usage || venue.usage == 0, "usage records present although usage is not counted")?;
        if let Some(VolumesRecord { tiers, day: today }) = &venue.volumes {
            let ascending = tiers.volume_min.is_sorted() && tiers.volume_min[0] == Amount(0);
            check(ascending, "volume tiers do not ascend from 0")?;
            check(u32::from(tiers.asset.0) < venue.assets, "unknown asset of the volume tiers")?;
            check(*today <= day(venue.now), "day of the volumes is after the snapshot's time")?;
            self.exchange.shared.volumes = Some(Box::new(Volumes::new((*tiers).into(), *today, 0)));
        }
        self.venue = venue;
        self.check_counts()?;
        self.exchange.id = venue.shard;
        self.exchange.venue.shards = venue.shards;
        self.exchange.transfers.make_room(venue.shard, venue.shards);
        self.exchange.venue.killed = venue.killed;
        self.exchange.venue.config_digest = venue.config_digest;
        self.exchange.venue.session = venue.session;
        self.exchange.venue.rules = venue.edition;
        let shared = &mut self.exchange.shared;
        (shared.last_order, shared.last_trade, shared.now) = (venue.last_order, venue.last_trade, venue.now);
        shared.limits = venue.limits.into();
        shared.usage = venue.counts_usage.then(|| Box::new(Usage::default()));
        Ok(())
    }

    /// Checks that no part declares more records than the bytes allow.
    fn check_counts(&self) -> Refused {
        let fits = |part: Part| {
            self.count(part)
                .checked_mul(BYTES_MIN[part as usize] as u64)
                .is_some_and(|bytes| bytes <= self.bytes_max)
        };
        check(Part::ALL.into_iter().all(fits), "more records declared than the file has bytes for")
    }

    fn take_asset(&mut self, record: AssetRecord) -> Refused {
        let AssetRecord { code, scale, deposits, withdrawals, min_deposit, min_withdrawal, supply } = record;
        check(scale <= Amount::SCALE_MAX, "an asset's scale is out of range")?;
        check(
            min_deposit.0 >= 0 && min_withdrawal.0 >= 0 && supply.0 >= 0,
            "an asset's amounts are below 0",
        )?;
        self.exchange.venue.assets.push(Asset {
            code,
            scale,
            deposits,
            withdrawals,
            min_deposit,
            min_withdrawal,
        });
        self.filling.supplies.push(supply);
        Ok(())
    }

    fn take_account(&mut self, record: AccountRecord) -> Refused {
        let is_row = |tier: FeeTier| usize::from(tier.0) < FeeTier::COUNT;
        check(
            is_row(record.tier) && record.assigned.is_none_or(is_row),
            "an account's fee tier is out of range",
        )?;
        let limits = record.limits.map(|AccountLimitsRecord { limits, second, count }| {
            Box::new(AccountLimits { limits: limits.into(), rate: Rate { second, count } })
        });
        check(
            limits.as_ref().is_none_or(|own| own.limits.notional_max.0 >= 0),
            "an account's limit is below 0",
        )?;
        let [looks, sweeps] = [record.looks, record.sweeps].map(|CountRecord { second, count }| {
            check(count > 0 || second == 0, "rate counter has a second but a count of 0")?;
            Ok::<_, &'static str>(Rate { second, count })
        });
        self.exchange.shared.in_vain.push(InVain { looks: looks?, sweeps: sweeps? });
        self.exchange.shared.accounts.push(Account {
            last_transfer: record.last_transfer,
            in_flight: 0,
            self_trade: record.self_trade.into(),
            group: record.group,
            open_orders: 0,
            waiting_orders: 0,
            logins: Vec::new(),
            tier: record.tier,
            assigned: record.assigned,
            killed: record.killed,
            limits,
        });
        Ok(())
    }

    fn take_login(&mut self, record: LoginRecord) -> Refused {
        let LoginRecord { account, session, last_user_ref, seen_user_ref } = record;
        self.exchange.known_account(account).map_err(|_| "a login's account does not exist")?;
        check(session >= self.exchange.venue.session, "login's session is before the venue's session")?;
        let alone = self.exchange.venue.shards == 1;
        check(
            !alone || seen_user_ref.0 == 0,
            "login has a UserRefNum of another shard, but the venue has one shard",
        )?;
        self.exchange.add_login(Login { last_user_ref, seen_user_ref, ..Login::new(account, session) });
        Ok(())
    }

    fn take_login_settings(&mut self, record: LoginSettingsRecord) -> Refused {
        let LoginSettingsRecord { login: id, cancel_at, order_entry, limits } = record;
        self.exchange.known_login(id).map_err(|_| "settings of an unknown login")?;
        check(
            self.filling.login_with_settings.is_none_or(|last| last < id),
            "settings of logins are out of order",
        )?;
        self.filling.login_with_settings = Some(id);
        if let Some(limits) = limits.map(OrderLimits::from) {
            let possible = limits != OrderLimits::default() && limits.notional_max.0 >= 0;
            let set = possible && self.exchange.limit_login(id, &limits).is_ok();
            check(set, "login's limits are invalid")?;
        }
        let login = &mut self.exchange.venue.logins[id.0 as usize];
        (login.cancel_at, login.order_entry) = (cancel_at, order_entry);
        check(login.has_settings(), "settings record of a login that only has defaults")?;
        login.restrict();
        self.exchange.shared.due.set_switch(id, cancel_at);
        Ok(())
    }

    fn take_copy(&mut self, record: CopyRecord) -> Refused {
        let CopyRecord { account, login, since } = record;
        let known = self.exchange.known_account(account).and_then(|()| self.exchange.known_login(login));
        known.map_err(|_| "drop copy names an unknown account or login")?;
        let copies = &mut self.exchange.venue.copies;
        check(since > 0, "drop copy starts before the first command")?;
        check(copies.last().is_none_or(|(last, ..)| *last <= account), "drop copies are out of order")?;
        check(self.filling.copied.insert((account, login)), "drop copy listed twice")?;
        copies.push((account, login, since));
        Ok(())
    }

    fn take_instrument(&mut self, record: InstrumentRecord) -> Refused {
        let InstrumentRecord { last, mark, reference, resume_at, .. } = record;
        let (listing, protection) = (Listing::from(record.listing), Protection::from(record.protection));
        let limits = OrderLimits::from(record.limits);
        let id = InstrumentId(self.exchange.instruments.len() as u32);
        check(listing.instrument == id, "an instrument's id is not the next one")?;
        self.check_terms(&listing)?;
        check_protection(&protection)?;
        let possible = limits.notional_max.0 >= 0 && limits.triggers_max == 0;
        check(possible, "instrument's limits are invalid")?;
        let first_row = (listing.maker_fee, listing.taker_fee) == (record.makers[0], record.takers[0]);
        check(first_row, "instrument's fees differ from tier 0 of its fee table")?;
        let fees = std::array::from_fn(|row| Rates { maker: record.makers[row], taker: record.takers[row] });
        products::check_rates(&listing, &fees).map_err(|_| "fee table pays out more than it takes")?;
        let is_price = |price: &Price| {
            let units = price.0.checked_mul(i64::from(listing.tick_units));
            price.0 >= 1 && units.is_some_and(|units| units < Listing::PRICE_END as i64)
        };
        check(
            [last, mark, reference].iter().flatten().all(is_price),
            "an instrument's price is out of range",
        )?;
        let mut instrument = Instrument::new(listing);
        if listing.product.is_contract() && listing.shard == self.exchange.id {
            instrument.contract = Some(self.exchange.new_contract(&listing));
        }
        (instrument.fees, instrument.protection, instrument.limits) = (fees, protection, limits);
        (instrument.last, instrument.mark, instrument.reference) = (last, mark, reference);
        instrument.resume_at = resume_at;
        self.exchange.shared.due.set_interruption(id, resume_at);
        instrument.fees_changed();
        self.exchange.instruments.push(instrument);
        Ok(())
    }

    /// Checks the rules of listing. A delisted instrument keeps its terms, even if its assets have other scales now.
    fn check_terms(&self, listing: &Listing) -> Refused {
        let holds = if listing.phase == Phase::Delisted {
            products::was_possible(listing, |asset| self.exchange.known_asset(asset).is_ok())
        } else {
            // Fees are checked with the fee table as a whole.
            let terms = ListInstrument { maker_fee: FeeRate(0), taker_fee: FeeRate(0), ..listing.terms() };
            let (maker_fee, taker_fee) = (listing.maker_fee, listing.taker_fee);
            self.exchange
                .checked_terms(&terms)
                .is_ok_and(|right| Listing { maker_fee, taker_fee, ..right } == *listing)
        };
        check(holds, "instrument's terms are invalid")
    }

    fn take_pair(&mut self, record: PairRecord) -> Refused {
        let PairRecord { sent, received, in_flight } = record;
        let other = ShardId(self.filling.pairs);
        self.filling.pairs += 1;
        check(
            other != self.exchange.id || record == PairRecord::default(),
            "transfers of a shard with itself",
        )?;
        let is_counted = u64::from(in_flight) <= sent && sent.max(received) < u64::MAX / 4;
        check(
            is_counted && in_flight as usize <= ShardTransfer::OF_PAIR_MAX,
            "counts of transfers out of range",
        )?;
        let has_transfers = self.exchange.venue.rules >= Command::RULES_OF_TRANSFERS;
        check(has_transfers || record == PairRecord::default(), "transfers in an edition that has none")?;
        self.exchange.transfers.restore(other, sent, received);
        self.filling.in_flight += u64::from(in_flight);
        if in_flight > 0 {
            self.filling.outboxes.push((other, in_flight));
        }
        Ok(())
    }

    fn take_in_flight(&mut self, record: InFlightRecord) -> Refused {
        let InFlightRecord { account, asset, amount } = record;
        let known = self.exchange.known_account(account).is_ok() && self.exchange.known_asset(asset).is_ok();
        check(known && amount > Amount(0), "transfer of an unknown account or asset, or of nothing")?;
        let count = &mut self.exchange.shared.accounts[account.0 as usize].in_flight;
        check(*count < ShardTransfer::OF_ACCOUNT_MAX, "an account has too many transfers on their way")?;
        *count += 1;
        // There are as many records as the outboxes have.
        if let Some((to, left)) = self.filling.outboxes.first_mut() {
            self.exchange.transfers.refill(*to, InFlight { account, asset, amount });
            *left -= 1;
            if *left == 0 {
                self.filling.outboxes.remove(0);
            }
        }
        Ok(())
    }

    fn take_moved(&mut self, record: MovedRecord) -> Refused {
        let supply = self.filling.supplies[self.filling.moved.len()];
        let deposits = i128::from(supply.0) - i128::from(record.moved);
        check(record.moved == 0 || deposits <= i128::from(self.exchange.deposits_max()), NOT_CONSERVED)?;
        self.filling.moved.push(record.moved);
        Ok(())
    }

    fn take_balance(&mut self, record: BalanceRecord) -> Refused {
        let BalanceRecord { available, reserved } = record;
        let may_owe = !self.exchange.contracts.by_ordinal.is_empty();
        check((may_owe || available.0 >= 0) && reserved.0 >= 0, "a balance is below 0")?;
        check(available.0.checked_add(reserved.0).is_some(), "balance out of range")?;
        self.filling.column.push(Balance { available, reserved });
        if self.filling.column.len() == self.exchange.shared.accounts.len() {
            let balances = std::mem::take(&mut self.filling.column);
            let held = balances.iter().map(|held| i128::from(held.available.0) + i128::from(held.reserved.0));
            let asset = AssetId(self.filling.assets_done as u16);
            let supply = self.filling.supplies[self.filling.assets_done];
            let moved = self.filling.moved.get(self.filling.assets_done).copied().unwrap_or_default();
            let in_flight = self.exchange.transfers.sum(asset);
            self.contracts.sums.push(held.sum::<i128>() + in_flight);
            self.exchange.shared.ledger.restore_asset(supply, moved, balances);
            self.filling.assets_done += 1;
        }
        Ok(())
    }

    fn take_volume(&mut self, record: VolumeRecord) -> Refused {
        if let Some(volumes) = &mut self.exchange.shared.volumes {
            volumes.restore_account(record.today, record.days);
        }
        Ok(())
    }

    fn take_usage(&mut self, record: UsageRecord) -> Refused {
        let UsageRecord { instrument, account, second, count } = record;
        let known = (instrument.0 as usize) < self.exchange.instruments.len();
        check(
            known && self.exchange.known_account(account).is_ok(),
            "usage counter names an unknown account or instrument",
        )?;
        if let Some(usage) = &mut self.exchange.shared.usage {
            let before = usage.len();
            usage.of((instrument, account)).rate = Rate { second, count };
            check(usage.len() > before, "usage counter listed twice")?;
        }
        Ok(())
    }

    fn take_lead(&mut self, record: LeadRecord) -> Refused {
        check(record.epoch > 0, "leader epoch is 0")?;
        self.exchange.venue.epoch = record.epoch;
        Ok(())
    }

    fn take_extra(&mut self, record: ExtraRecord) -> Refused {
        let ExtraRecord { instructions, amount, rest, expire_s, state, is_second, .. } = record;
        let ExtraRecord { reserve_units, partner, .. } = record;
        check(partner.is_some() || !is_second, "linked order marked secondary but has no partner")?;
        let extras = &mut self.exchange.shared.extras;
        if let Some(partner) = partner {
            self.filling.links.push((extras.len() as u32, partner));
        }
        let watch = watch_of(&record)?;
        if state == OrderState::Dormant {
            self.filling.extremes.push_back(record.extreme);
        }
        let (partner, links, sits_out) = (None, Links::default(), false);
        extras.insert(Extra {
            instructions: instructions.into(),
            amount,
            rest,
            expire_s,
            state,
            watch,
            reserve_units,
            partner,
            is_second,
            sits_out,
            left_out: 0,
            uncounted: 0,
            links,
        });
        Ok(())
    }
}

/// The trigger of an extra's order.
fn watch_of(record: &ExtraRecord) -> Result<Watch, &'static str> {
    let ExtraRecord { state, reference, price, on_rise, distance, extreme, .. } = *record;
    if state == OrderState::Live {
        let nothing = reference == TriggerReference::default() && price.is_none() && !on_rise;
        check(nothing && distance == 0 && extreme.is_none(), "live order has a trigger to wait for")?;
        return Ok(Watch::default());
    }
    let is_price = |price: i64| (1..Listing::PRICE_END as i64).contains(&price);
    let trails = distance != 0;
    let stop = |extreme: Price| if on_rise { extreme.0 + distance } else { extreme.0 - distance };
    let ticks = if trails { distance } else { price.unwrap_or_default() };
    let right = is_price(ticks)
        && extreme.is_none_or(|extreme| trails && is_price(extreme.0))
        && (!trails || price == extreme.map(stop));
    check(right, "trigger price of a dormant order is out of range")?;
    let ticks = i32::try_from(ticks).map_err(|_| "trigger price of a dormant order is out of range")?;
    Ok(Watch { reference, on_rise, trails, ticks })
}

fn check_protection(protection: &Protection) -> Refused {
    let Protection { price_min, price_max, static_band, dynamic_band, market_collar, .. } = *protection;
    let prices = [price_min, price_max].iter().all(|price| u64::from(*price) < Listing::PRICE_END);
    let shares = [static_band, dynamic_band, market_collar].iter().all(|share| share.0 <= Ppm::ONE);
    check(
        prices && (price_max == 0 || price_min <= price_max) && shares,
        "an instrument's protection is out of range",
    )
}
