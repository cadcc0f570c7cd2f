//! Names found in the records read so far: the account of a login, the instrument of an order, the decimals of assets. With
//! them a record that has only the UserRefNum of an order is linked to its account and instrument.

#![deny(clippy::wildcard_enum_match_arm)]

use super::entry::{Entry, Value};
use dojima::domain::{
    AccountId, AddIndex, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, AssetSettings, ClockCommand,
    Command, ContractCommand, ContractEvent, Event, FeeAsset, IndexId, InstrumentId, ListInstrument, Listing,
    LoginId, LoginName, MarketEvent, OrderCommand, OrderEvent, Product, SetTerms, Symbol, UserRef,
    VenueCommand, VenueEvent,
};
use std::collections::BTreeMap;

/// The names found.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    logins: BTreeMap<LoginId, Login>,
    assets: BTreeMap<AssetId, Asset>,
    instruments: BTreeMap<InstrumentId, Terms>,
    indexes: BTreeMap<IndexId, Index>,
}

/// An index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) symbol: Symbol,
    pub(super) price_decimals: u8,
}

impl Index {
    fn of(add: &AddIndex) -> Self {
        Self { symbol: add.symbol, price_decimals: add.price_decimals }
    }
}

#[derive(Clone, Debug)]
struct Login {
    account: AccountId,
    name: Option<LoginName>,
    /// The UserRefNums of its orders, which only increase, each with its instrument. Eight bytes per order ever entered.
    orders: Vec<(UserRef, InstrumentId)>,
}

/// An asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asset {
    pub(super) code: AssetCode,
    pub(super) scale: u8,
}

/// The terms needed to print an instrument's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) symbol: Symbol,
    pub(super) base: AssetId,
    pub(super) quote: AssetId,
    pub(super) price_decimals: u8,
    pub(super) tick_units: u32,
    pub(super) lot: Amount,
    pub(super) fee_asset: FeeAsset,
    pub(super) product: Product,
}

impl Terms {
    /// The asset that lots are amounts of.
    pub(super) fn lots_of(&self) -> AssetId {
        self.product.lots_of(self.base, self.quote)
    }

    /// The asset in which notionals are.
    pub(super) fn settled_in(&self) -> AssetId {
        self.product.settled_in(self.base, self.quote)
    }

    fn of_command(list: &ListInstrument) -> Self {
        let ListInstrument {
            symbol, base, quote, price_decimals, tick_units, lot, fee_asset, product, ..
        } = *list;
        Self { symbol, base, quote, price_decimals, tick_units, lot, fee_asset, product }
    }

    fn of_event(listing: &Listing) -> Self {
        let Listing { symbol, base, quote, price_decimals, tick_units, lot, fee_asset, product, .. } =
            *listing;
        Self { symbol, base, quote, price_decimals, tick_units, lot, fee_asset, product }
    }
}

impl Names {
    /// Adds the names in a record. A refused command may name things that never existed, so an id or number that is already
    /// known keeps its first meaning.
    pub(super) fn note(&mut self, entry: &Entry) {
        match &entry.value {
            Value::Command(command) => self.note_command(command),
            Value::Event(record) => self.note_event(&record.event),
        }
    }

    /// As [`Self::note`].
    pub(super) fn note_command(&mut self, command: &Command) {
        match command {
            Command::Admin(AdminCommand::AddAsset { asset, code, scale }) => {
                self.asset_added(*asset, *code, *scale)
            }
            Command::Venue(VenueCommand::OpenLogin { login, account, name }) => {
                self.login(*login, *account, Some(*name))
            }
            Command::Admin(AdminCommand::ListInstrument(list)) => {
                self.instruments.entry(list.instrument).or_insert_with(|| Terms::of_command(list));
            }
            Command::Admin(AdminCommand::SetTerms(set)) => self.terms_set(set),
            Command::Admin(AdminCommand::SetAsset(settings)) => self.asset_set(settings),
            Command::Contract(command) => self.note_contract_command(command),
            Command::Order(OrderCommand::Enter(enter)) => {
                self.order(enter.login, enter.user_ref, enter.instrument)
            }
            Command::Order(OrderCommand::Replace(replace)) => {
                if let Some(instrument) = self.instrument_of(replace.login, replace.orig_user_ref) {
                    self.order(replace.login, replace.user_ref, instrument);
                }
            }
            Command::Venue(
                VenueCommand::OpenAccount { .. }
                | VenueCommand::Open { .. }
                | VenueCommand::SetLimits { .. }
                | VenueCommand::Checkpoint(_)
                | VenueCommand::SetRules { .. }
                | VenueCommand::RollSession { .. }
                | VenueCommand::CopyAccount { .. }
                | VenueCommand::OpenShard { .. }
                | VenueCommand::ResetUserRef { .. }
                | VenueCommand::Lead { .. },
            )
            | Command::Admin(
                AdminCommand::SetPhase { .. }
                | AdminCommand::Deposit(_)
                | AdminCommand::Withdraw(_)
                | AdminCommand::SetMark { .. }
                | AdminCommand::Delist { .. }
                | AdminCommand::SetFees(_)
                | AdminCommand::SetProtection { .. }
                | AdminCommand::SetOrderLimits { .. }
                | AdminCommand::SetSelfTrade(_)
                | AdminCommand::AssignTier { .. }
                | AdminCommand::SetVolumeTiers(_)
                | AdminCommand::Kill { .. }
                | AdminCommand::TransferIn(_),
            )
            | Command::Order(
                OrderCommand::RefuseEnter(_)
                | OrderCommand::RefuseReplace(_)
                | OrderCommand::Cancel(_)
                | OrderCommand::Amend(_)
                | OrderCommand::CancelOrder { .. }
                | OrderCommand::MassCancel(_)
                | OrderCommand::Modify(_)
                | OrderCommand::QueryAccount(_)
                | OrderCommand::SetOrderEntry(_)
                | OrderCommand::NameOrder(_)
                | OrderCommand::CancelLogin { .. }
                | OrderCommand::TransferOut(_)
                | OrderCommand::SendIndex(_)
                | OrderCommand::QueryWallet(_),
            )
            | Command::Owner(_)
            | Command::Clock(ClockCommand::Tick) => {}
        }
    }

    fn note_event(&mut self, event: &Event) {
        match event {
            Event::Admin(AdminEvent::AssetAdded { asset, code, scale }) => {
                self.asset_added(*asset, *code, *scale)
            }
            Event::Venue(VenueEvent::LoginOpened { login, account }) => self.login(*login, *account, None),
            Event::Admin(AdminEvent::InstrumentListed(listing) | AdminEvent::TermsSet(listing)) => {
                self.instruments.insert(listing.instrument, Terms::of_event(listing));
            }
            Event::Admin(AdminEvent::AssetSet(settings)) => self.asset_set(settings),
            Event::Contract(event) => self.note_contract_event(event),
            Event::Order(OrderEvent::Accepted(e)) => {
                self.order(e.login, e.terms.user_ref, e.terms.instrument)
            }
            Event::Order(OrderEvent::Replaced(e)) => {
                self.order(e.login, e.terms.user_ref, e.terms.instrument)
            }
            Event::Venue(
                VenueEvent::AccountOpened { .. }
                | VenueEvent::Opened { .. }
                | VenueEvent::LimitsSet { .. }
                | VenueEvent::Checkpointed(_)
                | VenueEvent::RulesSet { .. }
                | VenueEvent::Led { .. }
                | VenueEvent::SessionEnded { .. }
                | VenueEvent::SessionStarted { .. }
                | VenueEvent::SessionRolled { .. }
                | VenueEvent::ShardOpened { .. }
                | VenueEvent::AccountCopied { .. },
            )
            | Event::Market(
                MarketEvent::PhaseSet { .. } | MarketEvent::Indicative(_) | MarketEvent::Uncrossed(_),
            )
            | Event::Admin(
                AdminEvent::Deposited(_)
                | AdminEvent::Withdrawn(_)
                | AdminEvent::Refused { .. }
                | AdminEvent::MarkSet { .. }
                | AdminEvent::FeesSet(_)
                | AdminEvent::ProtectionSet { .. }
                | AdminEvent::OrderLimitsSet { .. }
                | AdminEvent::SelfTradeSet(_)
                | AdminEvent::TierSet { .. }
                | AdminEvent::VolumeTiersSet(_)
                | AdminEvent::Killed { .. }
                | AdminEvent::TransferReceived(_)
                | AdminEvent::TransferDone(_),
            )
            | Event::Order(
                OrderEvent::Rejected(_)
                | OrderEvent::Canceled(_)
                | OrderEvent::Executed(_)
                | OrderEvent::Ignored(_)
                | OrderEvent::ChangeRejected(_)
                | OrderEvent::Amended(_)
                | OrderEvent::Armed(_)
                | OrderEvent::Triggered(_)
                | OrderEvent::Restated(_)
                | OrderEvent::MassCanceled { .. }
                | OrderEvent::AccountState { .. }
                | OrderEvent::PositionState(_)
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::OrderNamed(_)
                | OrderEvent::PriorityUpdated(_)
                | OrderEvent::TransferSent(_)
                | OrderEvent::IndexAnswered(_)
                | OrderEvent::WalletState(_),
            ) => {}
        }
    }

    fn note_contract_command(&mut self, command: &ContractCommand) {
        match command {
            ContractCommand::AddIndex(add) => {
                self.indexes.entry(add.index).or_insert_with(|| Index::of(add));
            }
            ContractCommand::SetIndexTerms { .. }
            | ContractCommand::SetIndex(_)
            | ContractCommand::SetContract(_)
            | ContractCommand::SetContractRisk(_)
            | ContractCommand::SetMarginTier(_)
            | ContractCommand::DepositFund(_)
            | ContractCommand::SettleContract { .. } => {}
        }
    }

    fn note_contract_event(&mut self, event: &ContractEvent) {
        match event {
            ContractEvent::IndexAdded(add) => {
                self.indexes.insert(add.index, Index::of(add));
            }
            ContractEvent::IndexTermsSet { .. }
            | ContractEvent::IndexSet(_)
            | ContractEvent::IndexHeld { .. }
            | ContractEvent::ContractSet(_)
            | ContractEvent::ContractRiskSet(_)
            | ContractEvent::MarginTierSet { .. }
            | ContractEvent::MarginTiersSet { .. }
            | ContractEvent::FundChanged(_)
            | ContractEvent::PositionChanged(_)
            | ContractEvent::FundingSet(_)
            | ContractEvent::FundingPaid(_)
            | ContractEvent::FundingClosed { .. }
            | ContractEvent::SettlementPending { .. }
            | ContractEvent::ContractSettled { .. }
            | ContractEvent::FundPaid(_)
            | ContractEvent::InsuranceDeficit(_)
            | ContractEvent::MarginModeSet(_)
            | ContractEvent::LeverageSet(_)
            | ContractEvent::MarginMoved(_) => {}
        }
    }

    fn asset_added(&mut self, asset: AssetId, code: AssetCode, scale: u8) {
        self.assets.entry(asset).or_insert(Asset { code, scale });
    }

    fn terms_set(&mut self, set: &SetTerms) {
        if let Some(terms) = self.instruments.get_mut(&set.instrument) {
            (terms.tick_units, terms.lot) = (set.tick_units, set.lot);
        }
    }

    fn asset_set(&mut self, settings: &AssetSettings) {
        if let Some(asset) = self.assets.get_mut(&settings.asset) {
            asset.scale = settings.scale;
        }
    }

    fn login(&mut self, login: LoginId, account: AccountId, name: Option<LoginName>) {
        self.logins.entry(login).or_insert(Login { account, name, orders: Vec::new() });
    }

    /// Adds an order. A number that is not above the last one is a retransmission and is ignored.
    fn order(&mut self, login: LoginId, user_ref: UserRef, instrument: InstrumentId) {
        let Some(login) = self.logins.get_mut(&login) else { return };
        if login.orders.last().is_none_or(|(last, _)| *last < user_ref) {
            login.orders.push((user_ref, instrument));
        }
    }

    /// The account of a login.
    pub(super) fn account(&self, login: LoginId) -> Option<AccountId> {
        self.logins.get(&login).map(|login| login.account)
    }

    /// The name of a login.
    pub(super) fn login_name(&self, login: LoginId) -> Option<LoginName> {
        self.logins.get(&login)?.name
    }

    /// All names of logins.
    pub(super) fn login_names(&self) -> impl Iterator<Item = LoginName> {
        self.logins.values().filter_map(|login| login.name)
    }

    /// The instrument of the order with this number.
    pub(super) fn instrument_of(&self, login: LoginId, user_ref: UserRef) -> Option<InstrumentId> {
        let orders = &self.logins.get(&login)?.orders;
        let at = orders.binary_search_by_key(&user_ref, |(number, _)| *number).ok()?;
        Some(orders[at].1)
    }

    /// An instrument's terms.
    pub(super) fn terms(&self, instrument: InstrumentId) -> Option<&Terms> {
        self.instruments.get(&instrument)
    }

    /// All symbols.
    pub(super) fn symbols(&self) -> impl Iterator<Item = Symbol> {
        self.instruments.values().map(|terms| terms.symbol)
    }

    /// An index.
    pub(super) fn index(&self, index: IndexId) -> Option<&Index> {
        self.indexes.get(&index)
    }

    /// An asset.
    pub(super) fn asset(&self, asset: AssetId) -> Option<&Asset> {
        self.assets.get(&asset)
    }
}
