//! Administrative commands: accounts, logins, listings, deposits and withdrawals.

#![deny(clippy::wildcard_enum_match_arm)]

use super::accounts::Account;
use super::accounts::Volumes;
use super::due::day;
use super::instrument::Instrument;
use super::login::Login;
use super::products;
use super::sink::EventSink;
use super::state::{Exchange, Told};
use super::task::Task;
use super::venue::{Asset, Venue};
use crate::domain::{
    AccountId, AccountSelfTrade, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, Event, FeeTier,
    ListInstrument, Listing, LoginId, Phase, RejectReason, ShardId, ShardName, Stamp, Switch, Transfer,
    VenueCommand, VenueEvent, VenueLimits, VolumeTiers,
};

/// An id must be the next free one, so that ids are dense and a replay assigns the same ones.
fn next(id: usize, len: usize) -> Result<(), RejectReason> {
    if id == len { Ok(()) } else { Err(RejectReason::IdNotNext) }
}

impl Exchange {
    /// Executes venue-wide commands.
    pub(super) fn govern(
        &mut self,
        stamp: Stamp,
        command: &VenueCommand,
        events: &mut impl EventSink,
    ) -> Told {
        let event = match *command {
            VenueCommand::OpenAccount { account } => self.open_account(account)?,
            VenueCommand::OpenLogin { login, account, .. } => self.open_login(login, account)?,
            VenueCommand::Open { config_digest } => self.open(config_digest)?,
            VenueCommand::SetLimits { limits } => self.set_limits(limits)?,
            VenueCommand::Checkpoint(checkpoint) => Event::Venue(VenueEvent::Checkpointed(checkpoint)),
            VenueCommand::SetRules { edition } => self.set_rules(edition)?,
            VenueCommand::Lead { epoch, node } => self.lead(epoch, node)?,
            VenueCommand::RollSession { session } => return self.roll_session(session).map(|()| None),
            VenueCommand::OpenShard { shard, name } => self.open_shard(shard, name)?,
            VenueCommand::ResetUserRef { login } => {
                return self.reset_user_ref(login, events).map(|()| None);
            }
            VenueCommand::CopyAccount { login, account } => {
                self.copy_account(login, account, stamp.sequence)?
            }
        };
        Ok(Some(event))
    }

    /// Executes commands about instruments, assets, accounts and their money.
    pub(super) fn administer(&mut self, command: &AdminCommand, events: &mut impl EventSink) -> Told {
        let event = match *command {
            AdminCommand::AddAsset { asset, code, scale } => self.add_asset(asset, code, scale)?,
            AdminCommand::ListInstrument(terms) => self.list(&terms)?,
            AdminCommand::Deposit(transfer) => self.deposit(transfer)?,
            AdminCommand::Withdraw(transfer) => self.withdraw(transfer, events)?,
            AdminCommand::SetPhase { instrument, phase } => {
                return self.set_phase(instrument, phase).map(|()| None);
            }
            AdminCommand::Delist { instrument } => return self.delist(instrument).map(|()| None),
            AdminCommand::SetMark { instrument, price } => self.set_mark(instrument, price)?,
            AdminCommand::SetTerms(terms) => return self.set_terms(&terms, events).map(|()| None),
            AdminCommand::SetFees(fees) => self.set_fees(&fees, events)?,
            AdminCommand::SetProtection { instrument, protection } => {
                self.set_protection(instrument, &protection)?
            }
            AdminCommand::SetOrderLimits { scope, limits } => self.set_order_limits(scope, &limits)?,
            AdminCommand::SetAsset(settings) => return self.set_asset(&settings, events).map(|()| None),
            AdminCommand::SetSelfTrade(setting) => self.set_self_trade(setting)?,
            AdminCommand::AssignTier { account, tier } => self.assign_tier(account, tier)?,
            AdminCommand::SetVolumeTiers(tiers) => {
                return self.set_volume_tiers(&tiers, events).map(|()| None);
            }
            AdminCommand::Kill { scope, switch } => return self.kill(scope, switch),
            AdminCommand::TransferIn(transfer) => {
                self.transfer_in(&transfer, events);
                return Ok(None);
            }
        };
        Ok(Some(event))
    }

    fn add_asset(&mut self, asset: AssetId, code: AssetCode, scale: u8) -> Result<Event, RejectReason> {
        next(usize::from(asset.0), self.venue.assets.len())?;
        if self.venue.assets.iter().any(|known| known.code == code) {
            return Err(RejectReason::DuplicateName);
        }
        if scale > Amount::SCALE_MAX {
            return Err(RejectReason::OutOfRange);
        }
        let on = Switch::On;
        let (min_deposit, min_withdrawal) = (Amount(0), Amount(0));
        self.venue.assets.push(Asset {
            code,
            scale,
            deposits: on,
            withdrawals: on,
            min_deposit,
            min_withdrawal,
        });
        self.shared.ledger.add_asset();
        Ok(Event::Admin(AdminEvent::AssetAdded { asset, code, scale }))
    }

    fn open_account(&mut self, account: AccountId) -> Result<Event, RejectReason> {
        next(account.0 as usize, self.shared.accounts.len())?;
        self.shared.accounts.push(Account::default());
        self.shared.in_vain.push(Default::default());
        self.shared.ledger.add_account();
        if let Some(volumes) = &mut self.shared.volumes {
            volumes.add_account();
        }
        Ok(Event::Venue(VenueEvent::AccountOpened { account }))
    }

    fn open_login(&mut self, login: LoginId, account: AccountId) -> Result<Event, RejectReason> {
        next(login.0 as usize, self.venue.logins.len())?;
        self.known_account(account)?;
        self.add_login(Login::new(account, self.venue.session));
        Ok(Event::Venue(VenueEvent::LoginOpened { login, account }))
    }

    fn open_shard(&mut self, shard: ShardId, name: ShardName) -> Result<Event, RejectReason> {
        next(usize::from(shard.0), self.shards())?;
        if usize::from(shard.0) >= ShardId::COUNT {
            return Err(RejectReason::OutOfRange);
        }
        let Venue { assets, logins, config_digest, .. } = &self.venue;
        let is_empty = assets.is_empty() && logins.is_empty() && config_digest.is_none();
        if !is_empty || !self.shared.accounts.is_empty() {
            return Err(RejectReason::ShardsComeFirst);
        }
        self.venue.shards += 1;
        self.transfers.make_room(self.id, self.venue.shards);
        Ok(Event::Venue(VenueEvent::ShardOpened { shard, name }))
    }

    fn list(&mut self, terms: &ListInstrument) -> Result<Event, RejectReason> {
        next(terms.instrument.0 as usize, self.instruments.len())?;
        let listed = |known: &Instrument| known.listing.phase != Phase::Delisted;
        if self.instruments.iter().any(|known| known.listing.symbol == terms.symbol && listed(known)) {
            return Err(RejectReason::DuplicateName);
        }
        let listing = self.checked_terms(terms)?;
        self.may_list(&listing)?;
        // In this shard an instrument of another shard is closed.
        let is_own = listing.shard == self.id;
        let phase = if is_own { listing.phase } else { Phase::Closed };
        let mut instrument = Instrument::new(Listing { phase, ..listing });
        if is_own && listing.product.is_contract() {
            instrument.contract = Some(self.new_contract(&listing));
        }
        self.instruments.push(instrument);
        Ok(Event::Admin(AdminEvent::InstrumentListed(listing)))
    }

    /// Checks the terms and computes the tick value.
    pub(super) fn checked_terms(&self, terms: &ListInstrument) -> Result<Listing, RejectReason> {
        self.known_account(AccountId::FEES)?;
        if !self.venue.has(terms.shard) {
            return Err(RejectReason::UnknownShard);
        }
        products::listing(terms, |asset| self.known_asset(asset).map(|known| known.scale))
    }

    fn deposit(&mut self, transfer: Transfer) -> Result<Event, RejectReason> {
        let asset = *self.check_transfer(&transfer)?;
        if asset.deposits == Switch::Off {
            return Err(RejectReason::DepositsOff);
        }
        if transfer.amount < asset.min_deposit {
            return Err(RejectReason::TransferBelowMinimum);
        }
        let most = self.deposits_max();
        if !self.shared.ledger.deposit(transfer.account, transfer.asset, transfer.amount, most) {
            return Err(RejectReason::SupplyTooLarge);
        }
        self.shared.accounts[transfer.account.0 as usize].last_transfer = transfer.reference;
        Ok(Event::Admin(AdminEvent::Deposited(transfer)))
    }

    fn withdraw(&mut self, transfer: Transfer, events: &mut impl EventSink) -> Result<Event, RejectReason> {
        let asset = *self.check_transfer(&transfer)?;
        if asset.withdrawals == Switch::Off {
            return Err(RejectReason::WithdrawalsOff);
        }
        if transfer.amount < asset.min_withdrawal {
            return Err(RejectReason::TransferBelowMinimum);
        }
        self.check_fund(transfer.asset)?;
        if i128::from(transfer.amount.0) > self.withdrawable(transfer.account, transfer.asset) {
            return Err(RejectReason::InsufficientFunds);
        }
        self.charge_account(transfer.account, transfer.asset, events);
        if !self.shared.ledger.withdraw(transfer.account, transfer.asset, transfer.amount) {
            return Err(RejectReason::InsufficientFunds);
        }
        self.shared.accounts[transfer.account.0 as usize].last_transfer = transfer.reference;
        Ok(Event::Admin(AdminEvent::Withdrawn(transfer)))
    }

    fn check_transfer(&self, transfer: &Transfer) -> Result<&Asset, RejectReason> {
        self.known_account(transfer.account)?;
        let asset = self.known_asset(transfer.asset)?;
        if !self.venue.has(transfer.shard) {
            return Err(RejectReason::UnknownShard);
        }
        if transfer.amount <= Amount(0) {
            return Err(RejectReason::OutOfRange);
        }
        if transfer.reference <= self.shared.accounts[transfer.account.0 as usize].last_transfer {
            return Err(RejectReason::DuplicateReference);
        }
        Ok(asset)
    }

    /// Also allocates the memory for that many open orders.
    fn set_limits(&mut self, limits: VenueLimits) -> Result<Event, RejectReason> {
        if !limits.in_range() {
            return Err(RejectReason::OutOfRange);
        }
        self.shared.orders.set_capacity(limits.orders_max);
        self.shared.client_refs.set_capacity(limits.orders_max);
        self.shared.limits = limits;
        Ok(Event::Venue(VenueEvent::LimitsSet { limits }))
    }

    fn open(&mut self, config_digest: u64) -> Result<Event, RejectReason> {
        if self.venue.config_digest.is_some() {
            return Err(RejectReason::AlreadyOpen);
        }
        self.venue.config_digest = Some(config_digest);
        Ok(Event::Venue(VenueEvent::Opened { config_digest }))
    }

    fn lead(&mut self, epoch: u64, node: u32) -> Result<Event, RejectReason> {
        if epoch <= self.venue.epoch {
            return Err(RejectReason::EpochNotAbove);
        }
        self.venue.epoch = epoch;
        Ok(Event::Venue(VenueEvent::Led { epoch, node }))
    }

    fn set_self_trade(&mut self, setting: AccountSelfTrade) -> Result<Event, RejectReason> {
        self.known_account(setting.account)?;
        let account = self.shared.account_mut(setting.account);
        (account.self_trade, account.group) = (setting.prevention, setting.group);
        Ok(Event::Admin(AdminEvent::SelfTradeSet(setting)))
    }

    fn assign_tier(&mut self, account: AccountId, tier: Option<FeeTier>) -> Result<Event, RejectReason> {
        self.known_account(account)?;
        if tier.is_some_and(|tier| usize::from(tier.0) >= FeeTier::COUNT) {
            return Err(RejectReason::OutOfRange);
        }
        let by_volume = self.shared.volumes.as_mut().map_or(FeeTier(0), |volumes| volumes.tier(account));
        let known = self.shared.account_mut(account);
        known.assigned = tier;
        known.tier = tier.unwrap_or(by_volume);
        Ok(Event::Admin(AdminEvent::TierSet { account, tier: known.tier }))
    }

    fn set_volume_tiers(
        &mut self,
        tiers: &VolumeTiers,
        events: &mut impl EventSink,
    ) -> Result<(), RejectReason> {
        self.known_asset(tiers.asset)?;
        if self.venue.shards > 1 {
            return Err(RejectReason::OneShardOnly);
        }
        let ascending = tiers.volume_min.is_sorted() && tiers.volume_min[0] == Amount(0);
        if !ascending {
            return Err(RejectReason::OutOfRange);
        }
        let (today, accounts) = (day(self.shared.now), self.shared.accounts.len());
        match &mut self.shared.volumes {
            Some(volumes) if volumes.tiers.asset == tiers.asset => volumes.tiers = *tiers,
            volumes => *volumes = Some(Box::new(Volumes::new(*tiers, today, accounts))),
        }
        events.push(Event::Admin(AdminEvent::VolumeTiersSet(*tiers)));
        self.agenda.push(Task::NextDue);
        self.agenda.push(Task::FindTiers(AccountId(0)));
        Ok(())
    }

    /// Sets the row of an account without an assigned row, according to its volume.
    pub(super) fn find_tier(&mut self, account: AccountId, events: &mut impl EventSink) {
        let Some(volumes) = &mut self.shared.volumes else { return };
        let tier = volumes.tier(account);
        let known = &mut self.shared.accounts[account.0 as usize];
        if known.assigned.is_none() && known.tier != tier {
            known.tier = tier;
            events.push(Event::Admin(AdminEvent::TierSet { account, tier }));
        }
    }

    pub(super) fn known_account(&self, account: AccountId) -> Result<(), RejectReason> {
        if (account.0 as usize) < self.shared.accounts.len() {
            Ok(())
        } else {
            Err(RejectReason::UnknownAccount)
        }
    }

    pub(super) fn known_asset(&self, asset: AssetId) -> Result<&Asset, RejectReason> {
        self.venue.assets.get(usize::from(asset.0)).ok_or(RejectReason::UnknownAsset)
    }
}
