//! What the commands of a run came to, counted by name.

use dojima::domain::{
    AdminEvent, CancelReason, Command, ContractCommand, ContractEvent, Event, IgnoreReason, Listings,
    MarketEvent, OrderEvent, OrderId, RejectReason, TriggerReference, VenueEvent,
};
use std::collections::BTreeMap;

/// What happened, counted by name.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    pub commands: u64,
    pub events: u64,
    pub trades: u64,
    pub auctions: u64,
    pub last_order: u64,
    pub interruptions: u64,
    /// Messages that are copies.
    pub copies: u64,
    pub triggered: u64,
    pub expired: u64,
    /// Orders that went with a dead-man's switch or a lost connection.
    pub let_go: u64,
    pub ticks: u64,
    pub rolls: u64,
    /// Transfers between shards, and those that arrived.
    pub transfers: u64,
    pub arrivals: u64,
    /// Sessions of a login alone.
    pub user_ref_resets: u64,
    pub of_contracts: OfContracts,
    /// What the orders that wait for a price look at.
    watched: BTreeMap<OrderId, TriggerReference>,
    pub rejects: BTreeMap<&'static str, u64>,
    pub ignored: BTreeMap<&'static str, u64>,
}

/// What happened in shards with contracts.
#[derive(Clone, Debug, Default)]
pub struct OfContracts {
    pub trades: u64,
    /// Payments that were not 0.
    pub fundings: u64,
    pub fundings_closed: u64,
    /// Settlements of contracts in which somebody had a position, and those of a price that samples gave.
    pub settlements: u64,
    pub sampled: u64,
    /// Expiries without enough samples.
    pub pending: u64,
    /// Changes of positions with money of their own.
    pub isolated: u64,
    pub prices_taken: u64,
    pub prices_held: u64,
    /// Those of logins.
    pub prices_answered: u64,
    /// Positions that somebody asked for.
    pub states: u64,
    pub leverages: u64,
    pub modes: u64,
    pub margins: u64,
    /// Orders released by the mark, and by the index.
    pub by_mark: u64,
    pub by_index: u64,
    /// Orders that only reduce, lowered.
    pub resized: u64,
    /// Orders that ended for the margin of their owner.
    pub poor: u64,
    /// Payments of funds, and those of more than they had.
    pub fund_paid: u64,
    pub deficits: u64,
}

impl Happened {
    #[deny(clippy::wildcard_enum_match_arm)]
    pub fn note(&mut self, event: &Event, command: &Command, listings: &Listings) {
        self.events += 1;
        self.of_contracts.note(event, command);
        match event {
            Event::Order(OrderEvent::Executed(trade)) => {
                let listing = listings.get(trade.instrument);
                let is_contract = listing.is_some_and(|listing| listing.product.is_contract());
                self.of_contracts.trades += u64::from(is_contract);
                self.trades += 1;
            }
            Event::Order(OrderEvent::Accepted(accepted)) => self.last_order = accepted.terms.order.0,
            Event::Market(MarketEvent::Uncrossed(_)) => self.auctions += 1,
            Event::Order(OrderEvent::Armed(armed)) => {
                self.watched.extend(armed.trigger.map(|trigger| (armed.order, trigger.reference)));
            }
            Event::Order(OrderEvent::Triggered(triggered)) => {
                self.triggered += 1;
                match self.watched.remove(&triggered.order) {
                    Some(TriggerReference::MarkPrice) => self.of_contracts.by_mark += 1,
                    Some(TriggerReference::IndexPrice) => self.of_contracts.by_index += 1,
                    Some(TriggerReference::LastTrade) | None => {}
                }
            }
            Event::Market(MarketEvent::PhaseSet {
                phase: dojima::domain::Phase::VolatilityAuction, ..
            }) => self.interruptions += 1,
            Event::Order(OrderEvent::Canceled(canceled)) => match canceled.reason {
                CancelReason::Expired => self.expired += 1,
                CancelReason::DeadMansSwitch | CancelReason::Disconnected => self.let_go += 1,
                CancelReason::InvalidReplace(reason) => self.reject(reason),
                CancelReason::InsufficientMargin => self.of_contracts.poor += 1,
                CancelReason::ReduceOnlyResized => self.of_contracts.resized += 1,
                CancelReason::UserRequested
                | CancelReason::WorkLimit
                | CancelReason::ImmediateOrCancel
                | CancelReason::FundsExhausted
                | CancelReason::MinimumQuantity
                | CancelReason::AmountSpent
                | CancelReason::MarketCollar
                | CancelReason::PriceBand
                | CancelReason::LinkedOrder
                | CancelReason::TermsChanged
                | CancelReason::Delisted
                | CancelReason::Killed
                | CancelReason::MassCancel
                | CancelReason::Operator
                | CancelReason::TriggerRefused(_)
                | CancelReason::PriceOutsideLimits
                | CancelReason::OpenInterestLimit
                | CancelReason::IndexStale
                | CancelReason::ContractExpired
                | CancelReason::AccountBelowZero
                | CancelReason::SelfTradePrevented(_) => {}
            },
            Event::Order(OrderEvent::Rejected(rejected)) => self.reject(rejected.reason),
            Event::Order(OrderEvent::ChangeRejected(rejected)) => self.reject(rejected.reason),
            Event::Admin(AdminEvent::Refused { reason }) => self.reject(*reason),
            Event::Order(OrderEvent::Ignored(ignored)) => {
                *self.ignored.entry(IgnoreReason::name(ignored.reason)).or_default() += 1
            }
            Event::Venue(VenueEvent::SessionRolled { .. }) => self.rolls += 1,
            Event::Order(OrderEvent::TransferSent(_)) => self.transfers += 1,
            Event::Order(OrderEvent::PositionState(_)) => self.of_contracts.states += 1,
            Event::Admin(AdminEvent::TransferReceived(_)) => self.arrivals += 1,
            Event::Contract(_)
            | Event::Admin(
                AdminEvent::AssetAdded { .. }
                | AdminEvent::InstrumentListed(_)
                | AdminEvent::Deposited(_)
                | AdminEvent::Withdrawn(_)
                | AdminEvent::MarkSet { .. }
                | AdminEvent::TermsSet(_)
                | AdminEvent::FeesSet(_)
                | AdminEvent::ProtectionSet { .. }
                | AdminEvent::OrderLimitsSet { .. }
                | AdminEvent::AssetSet(_)
                | AdminEvent::SelfTradeSet(_)
                | AdminEvent::TierSet { .. }
                | AdminEvent::VolumeTiersSet(_)
                | AdminEvent::Killed { .. }
                | AdminEvent::TransferDone(_),
            )
            | Event::Venue(
                VenueEvent::AccountOpened { .. }
                | VenueEvent::LoginOpened { .. }
                | VenueEvent::Opened { .. }
                | VenueEvent::LimitsSet { .. }
                | VenueEvent::Checkpointed(_)
                | VenueEvent::RulesSet { .. }
                | VenueEvent::Led { .. }
                | VenueEvent::SessionEnded { .. }
                | VenueEvent::SessionStarted { .. }
                | VenueEvent::ShardOpened { .. }
                | VenueEvent::AccountCopied { .. },
            )
            | Event::Market(MarketEvent::PhaseSet { .. } | MarketEvent::Indicative(_))
            | Event::Order(
                OrderEvent::Replaced(_)
                | OrderEvent::Amended(_)
                | OrderEvent::Restated(_)
                | OrderEvent::MassCanceled { .. }
                | OrderEvent::AccountState { .. }
                | OrderEvent::WalletState(_)
                | OrderEvent::IndexAnswered(_)
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::OrderNamed(_)
                | OrderEvent::PriorityUpdated(_),
            ) => {}
        }
    }

    fn reject(&mut self, reason: RejectReason) {
        *self.rejects.entry(reason.name()).or_default() += 1;
    }
}

impl OfContracts {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn note(&mut self, event: &Event, command: &Command) {
        let Event::Contract(event) = event else {
            if let Event::Order(OrderEvent::IndexAnswered(_)) = event {
                self.prices_answered += 1;
            }
            return;
        };
        match event {
            ContractEvent::IndexSet(_) => self.prices_taken += 1,
            ContractEvent::FundingPaid(paid) => self.fundings += u64::from(paid.amount.0 != 0),
            ContractEvent::FundingClosed { .. } => self.fundings_closed += 1,
            ContractEvent::SettlementPending { .. } => self.pending += 1,
            ContractEvent::ContractSettled { legs, .. } => {
                let is_ordered = matches!(command, Command::Contract(ContractCommand::SettleContract { .. }));
                self.sampled += u64::from(!is_ordered);
                self.settlements += u64::from(*legs > 0);
            }
            ContractEvent::PositionChanged(change) => self.isolated += u64::from(change.pot > 0),
            ContractEvent::LeverageSet(_) => self.leverages += 1,
            ContractEvent::MarginModeSet(_) => self.modes += 1,
            ContractEvent::MarginMoved(_) => self.margins += 1,
            ContractEvent::FundPaid(_) => self.fund_paid += 1,
            ContractEvent::InsuranceDeficit(_) => self.deficits += 1,
            ContractEvent::IndexHeld { .. } => self.prices_held += 1,
            ContractEvent::IndexAdded(_)
            | ContractEvent::IndexTermsSet { .. }
            | ContractEvent::ContractSet(_)
            | ContractEvent::ContractRiskSet(_)
            | ContractEvent::MarginTierSet { .. }
            | ContractEvent::MarginTiersSet { .. }
            | ContractEvent::FundChanged(_)
            | ContractEvent::FundingSet(_)
            | ContractEvent::PositionModeSet(_) => {}
        }
    }
}
