//! What an operator asks: set up, settings and switches.

use super::contracts::exact::{fits, fraction, whole};
use super::futures::{Contract, is_inverse};
use super::logins::Login;
use super::{AMOUNT_MAX, Account, Asset, Instrument, Naive};
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, AssetSettings,
    CancelReason, ClockCommand, Command, ContractCommand, Event, FeeAsset, FeeRate, FeeTier, InstrumentId,
    LimitScope, ListInstrument, Listing, LoginId, OrderCommand, OrderId, OrderLimits, Phase, Ppm, Price,
    Product, Protection, Quantity, RejectReason, RestateReason, SetFees, Side, Switch, VenueCommand,
    VenueEvent, VenueLimits,
};

type Done = Result<(), RejectReason>;

fn out_of_range_if(bad: bool) -> Done {
    if bad { Err(RejectReason::OutOfRange) } else { Ok(()) }
}

/// One tick on one lot in minor units of the quote asset; of an inverse contract one lot at a price of one tick in those of
/// the base asset.
pub fn tick_value(terms: &Listing, base_scale: u8, quote_scale: u8) -> Result<i128, RejectReason> {
    if is_inverse(terms.product) {
        let shift = i32::from(base_scale) + i32::from(terms.price_decimals) - i32::from(quote_scale);
        let value = fraction(terms.lot.0, terms.tick_units) * whole(10).pow(shift);
        if !value.is_integer() {
            return Err(RejectReason::TickLotNotWhole);
        }
        return fits(&value).map(i128::from).ok_or(RejectReason::OutOfRange);
    }
    let tick_on_lot = i128::from(terms.tick_units) * i128::from(terms.lot.0);
    let (added, taken) = (u32::from(quote_scale), u32::from(terms.price_decimals) + u32::from(base_scale));
    let value = if added >= taken {
        tick_on_lot.checked_mul(10_i128.pow(added - taken)).unwrap_or(i128::MAX)
    } else if tick_on_lot % 10_i128.pow(taken - added) == 0 {
        tick_on_lot / 10_i128.pow(taken - added)
    } else {
        return Err(RejectReason::TickLotNotWhole);
    };
    if value > AMOUNT_MAX { Err(RejectReason::OutOfRange) } else { Ok(value) }
}

/// The numbers of terms that have a range.
pub fn terms_in_range(terms: &Listing) -> Done {
    let good = (1..Listing::PRICE_END).contains(&u64::from(terms.tick_units))
        && terms.lot.0 >= 1
        && terms.min_quantity.0 >= 1
        && terms.min_quantity <= terms.max_quantity
        && terms.max_quantity <= Quantity(u64::from(u32::MAX))
        && terms.min_notional.0 >= 0;
    out_of_range_if(!good)
}

fn rate_in_range(rate: FeeRate) -> bool {
    (-FeeRate::ONE..=FeeRate::ONE).contains(&rate.0)
}

/// The fee account must never pay more than it got from the same trade, whoever meets whom. Where sides pay in different
/// assets one's fee cannot pay the other's rebate.
fn rebates_are_paid_for(fee_asset: FeeAsset, fees: &[(FeeRate, FeeRate); 8]) -> Done {
    let maker = fees.iter().map(|(maker, _)| maker.0).min().expect("rows");
    let taker = fees.iter().map(|(_, taker)| taker.0).min().expect("rows");
    let good = maker + taker >= 0 && (fee_asset == FeeAsset::Quote || maker.min(taker) >= 0);
    if good { Ok(()) } else { Err(RejectReason::RebateAboveFee) }
}

impl Naive {
    pub(super) fn set(&mut self, command: &Command) -> Done {
        match *command {
            Command::Admin(AdminCommand::AddAsset { asset, code, scale }) => {
                self.add_asset(asset, code, scale)
            }
            Command::Venue(VenueCommand::OpenAccount { account }) => self.open_account(account),
            Command::Venue(VenueCommand::OpenLogin { login, account, .. }) => self.open_login(login, account),
            Command::Admin(AdminCommand::ListInstrument(terms)) => self.list(&terms),
            Command::Admin(AdminCommand::SetPhase { instrument, phase }) => {
                self.command_phase(instrument, phase)
            }
            Command::Admin(AdminCommand::Deposit(transfer)) => {
                self.transfer(transfer, true).map(|event| self.events.push(event))
            }
            Command::Admin(AdminCommand::Withdraw(transfer)) => {
                self.transfer(transfer, false).map(|event| self.events.push(event))
            }
            Command::Venue(VenueCommand::Open { config_digest }) => self.open(config_digest),
            Command::Venue(VenueCommand::SetLimits { limits }) => self.set_limits(limits),
            Command::Order(OrderCommand::CancelOrder { order }) => self.cancel_by_operator(order),
            Command::Admin(AdminCommand::SetMark { instrument, price }) => self.set_mark(instrument, price),
            Command::Admin(AdminCommand::Delist { instrument }) => self.delist(instrument),
            Command::Admin(AdminCommand::SetTerms(terms)) => self.set_terms(&terms),
            Command::Admin(AdminCommand::SetFees(fees)) => self.set_fees(fees),
            Command::Admin(AdminCommand::SetProtection { instrument, protection }) => {
                self.protect(instrument, protection)
            }
            Command::Admin(AdminCommand::SetOrderLimits { scope, limits }) => {
                self.set_order_limits(scope, limits)
            }
            Command::Admin(AdminCommand::SetAsset(settings)) => self.set_asset(settings),
            Command::Admin(AdminCommand::SetSelfTrade(prevention)) => self.set_self_trade(prevention),
            Command::Admin(AdminCommand::AssignTier { account, tier }) => self.assign_tier(account, tier),
            Command::Admin(AdminCommand::SetVolumeTiers(tiers)) => self.set_volume_tiers(tiers),
            Command::Admin(AdminCommand::Kill { scope, switch }) => self.kill(scope, switch),
            Command::Venue(VenueCommand::Checkpoint(checkpoint)) => {
                self.events.push(Event::Venue(VenueEvent::Checkpointed(checkpoint)));
                Ok(())
            }
            Command::Venue(VenueCommand::SetRules { edition }) => self.set_rules(edition),
            Command::Venue(VenueCommand::Lead { epoch, node }) => self.lead(epoch, node),
            Command::Order(OrderCommand::CancelLogin { login, .. }) => self.cancel_login(login),
            Command::Venue(VenueCommand::RollSession { session }) => self.roll_session(session),
            Command::Venue(VenueCommand::ResetUserRef { login }) => self.reset_user_ref(login),
            Command::Venue(VenueCommand::CopyAccount { login, account }) => self.copy_account(login, account),
            Command::Venue(VenueCommand::OpenShard { shard, name }) => self.open_shard(shard, name),
            Command::Contract(ContractCommand::AddIndex(added)) => self.add_index(added),
            Command::Contract(ContractCommand::SetIndexTerms { index, terms }) => {
                self.set_index_terms(index, terms)
            }
            Command::Contract(ContractCommand::SetIndex(set)) => self.set_index(set),
            Command::Contract(ContractCommand::SetContract(set)) => self.set_contract(set),
            Command::Contract(ContractCommand::SetContractRisk(set)) => self.set_contract_risk(set),
            Command::Contract(ContractCommand::SetMarginTier(set)) => self.set_margin_tier(set),
            Command::Contract(ContractCommand::DepositFund(deposit)) => self.deposit_fund(deposit),
            Command::Contract(ContractCommand::SettleContract { instrument, price }) => {
                self.command_settlement(instrument, price)
            }
            Command::Order(
                OrderCommand::Modify(_)
                | OrderCommand::QueryAccount(_)
                | OrderCommand::SetOrderEntry(_)
                | OrderCommand::NameOrder(_)
                | OrderCommand::Enter(_)
                | OrderCommand::RefuseEnter(_)
                | OrderCommand::Replace(_)
                | OrderCommand::RefuseReplace(_)
                | OrderCommand::Cancel(_)
                | OrderCommand::Amend(_)
                | OrderCommand::MassCancel(_)
                | OrderCommand::TransferOut(_)
                | OrderCommand::SendIndex(_)
                | OrderCommand::QueryWallet(_),
            )
            | Command::Admin(AdminCommand::TransferIn(_))
            | Command::Owner(_)
            | Command::Clock(ClockCommand::Tick) => {
                unreachable!("order entry, transfers and time are no settings")
            }
        }
    }

    fn next(id: usize, len: usize) -> Done {
        if id == len { Ok(()) } else { Err(RejectReason::IdNotNext) }
    }

    /// An instrument that is still listed.
    pub(super) fn listed(&self, instrument: InstrumentId) -> Result<&Instrument, RejectReason> {
        let known = self.instruments.get(instrument.0 as usize).ok_or(RejectReason::UnknownInstrument)?;
        if known.listing.phase == Phase::Delisted { Err(RejectReason::InstrumentDelisted) } else { Ok(known) }
    }

    fn add_asset(&mut self, asset: AssetId, code: AssetCode, scale: u8) -> Done {
        Self::next(usize::from(asset.0), self.assets.len())?;
        if self.assets.iter().any(|known| known.code == code) {
            return Err(RejectReason::DuplicateName);
        }
        out_of_range_if(scale > Amount::SCALE_MAX)?;
        let settings = AssetSettings {
            asset,
            scale,
            deposits: Switch::On,
            withdrawals: Switch::On,
            min_deposit: Amount(0),
            min_withdrawal: Amount(0),
        };
        self.assets.push(Asset {
            code,
            settings,
            held: vec![0; self.accounts.len()],
            fund: 0,
            last_fund_reference: 0,
        });
        self.events.push(Event::Admin(AdminEvent::AssetAdded { asset, code, scale }));
        Ok(())
    }

    fn open_account(&mut self, account: AccountId) -> Done {
        Self::next(account.0 as usize, self.accounts.len())?;
        self.accounts.push(Account::default());
        self.assets.iter_mut().for_each(|asset| asset.held.push(0));
        self.events.push(Event::Venue(VenueEvent::AccountOpened { account }));
        Ok(())
    }

    pub(super) fn known_account(&mut self, account: AccountId) -> Result<&mut Account, RejectReason> {
        self.accounts.get_mut(account.0 as usize).ok_or(RejectReason::UnknownAccount)
    }

    fn open_login(&mut self, login: LoginId, account: AccountId) -> Done {
        Self::next(login.0 as usize, self.logins.len())?;
        self.known_account(account)?;
        self.logins.push(Login::new(account, self.session));
        self.events.push(Event::Venue(VenueEvent::LoginOpened { login, account }));
        Ok(())
    }

    fn open(&mut self, config_digest: u64) -> Done {
        if std::mem::replace(&mut self.opened, true) {
            return Err(RejectReason::AlreadyOpen);
        }
        self.events.push(Event::Venue(VenueEvent::Opened { config_digest }));
        Ok(())
    }

    fn set_limits(&mut self, limits: VenueLimits) -> Done {
        out_of_range_if(limits.orders_max == 0 || limits.orders_max > 100_000_000)?;
        out_of_range_if(limits.orders_touched_max < 16 || limits.orders_touched_max > 1_000_000)?;
        out_of_range_if(limits.account_orders_max == 0 || limits.account_triggers_max == 0)?;
        self.limits = limits;
        self.events.push(Event::Venue(VenueEvent::LimitsSet { limits }));
        Ok(())
    }

    fn list(&mut self, terms: &ListInstrument) -> Done {
        Self::next(terms.instrument.0 as usize, self.instruments.len())?;
        let live = |known: &&Instrument| self.counts_as_listed(known.listing.instrument);
        if self.instruments.iter().filter(live).any(|known| known.listing.symbol == terms.symbol) {
            return Err(RejectReason::DuplicateName);
        }
        if self.accounts.is_empty() {
            return Err(RejectReason::UnknownAccount);
        }
        if terms.shard.0 >= self.shards {
            return Err(RejectReason::UnknownShard);
        }
        let scale = |asset: AssetId| {
            let found = self.assets.get(usize::from(asset.0)).ok_or(RejectReason::UnknownAsset)?;
            Ok(found.settings.scale)
        };
        let (base_scale, quote_scale) = (scale(terms.base)?, scale(terms.quote)?);
        let mut listing = Listing {
            instrument: terms.instrument,
            symbol: terms.symbol,
            base: terms.base,
            quote: terms.quote,
            price_decimals: terms.price_decimals,
            tick_units: terms.tick_units,
            lot: terms.lot,
            tick_value: Amount(0),
            min_quantity: terms.min_quantity,
            max_quantity: terms.max_quantity,
            min_notional: terms.min_notional,
            maker_fee: terms.maker_fee,
            taker_fee: terms.taker_fee,
            fee_asset: terms.fee_asset,
            phase: terms.phase,
            shard: terms.shard,
            product: terms.product,
        };
        terms_in_range(&listing)?;
        out_of_range_if(
            terms.base == terms.quote
                || terms.price_decimals > ListInstrument::PRICE_DECIMALS_MAX
                || !rate_in_range(terms.maker_fee)
                || !rate_in_range(terms.taker_fee),
        )?;
        listing.tick_value = super::amount(tick_value(&listing, base_scale, quote_scale)?);
        if terms.phase == Phase::Delisted {
            return Err(RejectReason::InvalidPhase);
        }
        let fees = [(terms.maker_fee, terms.taker_fee); 8];
        rebates_are_paid_for(terms.fee_asset, &fees)?;
        self.may_list(&listing)?;
        self.instruments.push(Instrument {
            listing,
            fees,
            protection: Protection::default(),
            limits: OrderLimits::default(),
            rates: Vec::new(),
            last: None,
            mark: None,
            reference: None,
            interrupted_until: None,
            contract: Contract::default(),
        });
        self.events.push(Event::Admin(AdminEvent::InstrumentListed(listing)));
        Ok(())
    }

    fn set_mark(&mut self, instrument: InstrumentId, price: Price) -> Done {
        let tick = i128::from(self.listed(instrument)?.listing.tick_units);
        let units = i128::from(price.0) * tick;
        out_of_range_if(!(1..i128::from(Listing::PRICE_END)).contains(&units))?;
        if self.listing(instrument).product != Product::Spot {
            self.may_set_mark(instrument, price)?;
            self.instrument_mut(instrument).contract.mark_stands = true;
        }
        self.instrument_mut(instrument).mark = Some(i128::from(price.0));
        self.events.push(Event::Admin(AdminEvent::MarkSet { instrument, price }));
        self.follow(instrument);
        Ok(())
    }

    fn delist(&mut self, instrument: InstrumentId) -> Done {
        self.listed(instrument)?;
        self.no_legs(instrument)?;
        self.clear(instrument, CancelReason::Delisted);
        self.set_phase(instrument, Phase::Delisted);
        Ok(())
    }

    fn protect(&mut self, instrument: InstrumentId, protection: Protection) -> Done {
        let tick = self.listed(instrument)?.listing.tick_units;
        let Protection { price_min, price_max, reference, static_band, dynamic_band, market_collar, .. } =
            protection;
        let too_high = |units: u32| u64::from(units) >= Listing::PRICE_END;
        out_of_range_if(too_high(price_min) || too_high(price_max))?;
        out_of_range_if(price_max > 0 && price_min > price_max)?;
        out_of_range_if([static_band, dynamic_band, market_collar].iter().any(|share| share.0 > Ppm::ONE))?;
        if u64::from(reference) >= Listing::PRICE_END {
            return Err(RejectReason::InvalidPrice);
        }
        if !reference.is_multiple_of(tick) {
            return Err(RejectReason::PriceOffTick);
        }
        let known = self.instrument_mut(instrument);
        known.protection = protection;
        if reference > 0 {
            known.reference = Some(i128::from(reference / tick));
        }
        self.events.push(Event::Admin(AdminEvent::ProtectionSet { instrument, protection }));
        Ok(())
    }

    fn set_order_limits(&mut self, scope: LimitScope, limits: OrderLimits) -> Done {
        match scope {
            LimitScope::Instrument(instrument) => {
                self.listed(instrument)?;
                out_of_range_if(limits.triggers_max > 0)?;
            }
            LimitScope::Account(account) => drop(self.known_account(account)?),
            LimitScope::Login(login) => {
                self.known_login(login)?;
                out_of_range_if(limits.orders_per_second_max > 0 || limits.position_max.0 > 0)?;
                out_of_range_if(limits.triggers_max > 0)?;
            }
        }
        out_of_range_if(limits.notional_max.0 < 0)?;
        match scope {
            LimitScope::Instrument(instrument) => {
                let known = self.instrument_mut(instrument);
                (known.limits, known.rates) = (limits, Vec::new());
            }
            LimitScope::Account(account) => {
                let known = self.known_account(account)?;
                (known.limits, known.rate) = (limits, super::Rate::default());
            }
            LimitScope::Login(login) => self.known_login(login)?.limits = limits,
        }
        self.events.push(Event::Admin(AdminEvent::OrderLimitsSet { scope, limits }));
        Ok(())
    }

    fn set_self_trade(&mut self, setting: AccountSelfTrade) -> Done {
        let known = self.known_account(setting.account)?;
        (known.prevention, known.group) = (setting.prevention, setting.group);
        self.events.push(Event::Admin(AdminEvent::SelfTradeSet(setting)));
        Ok(())
    }

    fn set_fees(&mut self, set: SetFees) -> Done {
        let SetFees { instrument, tier, maker, taker } = set;
        let known = self.listed(instrument)?;
        let row = usize::from(tier.0);
        out_of_range_if(row >= FeeTier::COUNT || !rate_in_range(maker) || !rate_in_range(taker))?;
        let mut fees = known.fees;
        fees[row] = (maker, taker);
        rebates_are_paid_for(known.listing.fee_asset, &fees)?;
        let of_liquidation = known.contract.risk.map_or(0, |risk| risk.liquidation_fee.0);
        out_of_range_if(!Self::costs_fit(&known.contract, Self::highest_taker(&fees) + of_liquidation))?;
        let known = self.instrument_mut(instrument);
        known.fees = fees;
        (known.listing.maker_fee, known.listing.taker_fee) = fees[0];
        if !self.is_contract(instrument) {
            self.reserve_anew(instrument);
        }
        self.events.push(Event::Admin(AdminEvent::FeesSet(set)));
        Ok(())
    }

    /// Every buy of the instrument holds what it needs now, or goes, one after another; the second of a linked pair comes
    /// right after its first.
    fn reserve_anew(&mut self, instrument: InstrumentId) {
        for id in self.by_book(instrument, |order| order.side == Side::Buy) {
            let Some(order) = self.find(id).map(|at| &self.orders[at]) else { continue };
            let (id, other) = (order.id, order.oco);
            if other.is_some_and(|other| other < id) {
                continue;
            }
            self.reserve_or_cancel(id, 0);
            if let (Some(at), Some(other)) = (self.find(id), other) {
                self.reserve_or_cancel(other, self.orders[at].reserved);
            }
        }
    }

    /// `shared`: what the first of a linked pair holds, beyond which the second holds what it needs.
    fn reserve_or_cancel(&mut self, id: OrderId, shared: i128) {
        let at = self.find(id).expect("it is open");
        let order = &self.orders[at];
        let quote = self.listing(order.instrument).quote;
        let most = self.available(order.account, quote) + order.reserved;
        match self.needs(order).map(|whole| (whole - shared).max(0)) {
            Some(needed) if needed == order.reserved => {}
            Some(needed) if needed < order.reserved || needed <= most => {
                self.orders[at].reserved = needed;
                self.events.push(self.orders[at].restated(RestateReason::Reserve));
            }
            _ => drop(self.cancel_whole(id, CancelReason::TermsChanged)),
        }
    }
}
