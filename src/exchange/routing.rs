//! Decides which shard a command is for. Every matcher sees every command. It skips those for another shard; a command
//! for all shards is executed by each, and only one of them emits its event.

#![deny(clippy::wildcard_enum_match_arm)]

use super::state::Exchange;
use crate::domain::{
    AdminCommand, CancelFilter, Command, ContractCommand, Enter, InstrumentId, LimitScope, MassCancel,
    OrderCommand, Question, SetContract, SetContractRisk, SetIndex, SetMarginTier, ShardId, UserRef,
};

/// The shard or shards that execute a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// Every shard executes it. The first one emits the result, of a query for a position the contract's shard; events
    /// about an order are emitted by the order's shard.
    All,
    /// One shard executes it.
    To(ShardId),
}

impl Exchange {
    /// Whether this shard, one of several, skips the command. If not, this also decides whether it emits the result.
    #[cold]
    pub(super) fn passes(&mut self, command: &Command) -> bool {
        match self.route(command) {
            Route::All => self.tells = self.id == self.told_by(command),
            Route::To(shard) if shard == self.id => self.tells = true,
            Route::To(_) => {
                self.pass(command);
                return true;
            }
        }
        self.note_number(command);
        false
    }

    fn route(&self, command: &Command) -> Route {
        match command {
            Command::Order(command) => match command {
                OrderCommand::Enter(Enter { instrument, .. })
                | OrderCommand::MassCancel(MassCancel {
                    filter: CancelFilter { instrument: Some(instrument), .. },
                    ..
                }) => self.of_instrument(*instrument),
                // It has no instrument.
                OrderCommand::RefuseEnter(_) => Route::To(ShardId::FIRST),
                OrderCommand::CancelOrder { order } => self.of_shard(order.shard()),
                OrderCommand::TransferOut(out) => self.of_shard(out.from),
                OrderCommand::SendIndex(sent) => Route::To(self.shard_of(sent.index)),
                OrderCommand::QueryWallet(query) => self.of_shard(query.shard),
                // It names an order by its client number, and the order may be in any shard.
                OrderCommand::NameOrder(_)
                | OrderCommand::Replace(_)
                | OrderCommand::RefuseReplace(_)
                | OrderCommand::Cancel(_)
                | OrderCommand::Amend(_)
                | OrderCommand::Modify(_)
                | OrderCommand::MassCancel(_)
                | OrderCommand::QueryAccount(_)
                | OrderCommand::SetOrderEntry(_)
                | OrderCommand::CancelLogin { .. } => Route::All,
            },
            Command::Admin(command) => match command {
                AdminCommand::SetPhase { instrument, .. }
                | AdminCommand::SetMark { instrument, .. }
                | AdminCommand::SetProtection { instrument, .. }
                | AdminCommand::SetOrderLimits { scope: LimitScope::Instrument(instrument), .. } => {
                    self.of_instrument(*instrument)
                }
                AdminCommand::SetTerms(terms) => self.of_instrument(terms.instrument),
                AdminCommand::SetFees(fees) => self.of_instrument(fees.instrument),
                AdminCommand::Deposit(transfer) | AdminCommand::Withdraw(transfer) => {
                    self.of_shard(transfer.shard)
                }
                AdminCommand::AddAsset { .. }
                | AdminCommand::ListInstrument(_)
                | AdminCommand::Delist { .. }
                | AdminCommand::SetOrderLimits {
                    scope: LimitScope::Account(_) | LimitScope::Login(_), ..
                }
                | AdminCommand::SetAsset(_)
                | AdminCommand::SetSelfTrade(_)
                | AdminCommand::AssignTier { .. }
                | AdminCommand::SetVolumeTiers(_)
                | AdminCommand::Kill { .. }
                // Its source and its destination execute it; the others do nothing.
                | AdminCommand::TransferIn(_) => Route::All,
            },
            Command::Contract(command) => match command {
                ContractCommand::AddIndex(_) => Route::All,
                ContractCommand::SetIndexTerms { index, .. }
                | ContractCommand::SetIndex(SetIndex { index, .. }) => Route::To(self.shard_of(*index)),
                ContractCommand::SetContract(SetContract { instrument, .. })
                | ContractCommand::SetContractRisk(SetContractRisk { instrument, .. })
                | ContractCommand::SetMarginTier(SetMarginTier { instrument, .. })
                | ContractCommand::SettleContract { instrument, .. } => self.of_instrument(*instrument),
                ContractCommand::DepositFund(deposit) => self.of_shard(deposit.shard),
            },
            Command::Owner(command) => self.of_instrument(command.instrument()),
            Command::Venue(_) | Command::Clock(_) => Route::All,
        }
    }

    /// The shard that tells the result of a command for all shards.
    fn told_by(&self, command: &Command) -> ShardId {
        if let Command::Order(OrderCommand::QueryAccount(query)) = command
            && let Question::Position(instrument) = query.asks
            && let Some(found) = self.instruments.get(instrument.0 as usize)
        {
            return found.listing.shard;
        }
        ShardId::FIRST
    }

    /// The first shard refuses commands for unknown instruments.
    fn of_instrument(&self, instrument: InstrumentId) -> Route {
        let found = self.instruments.get(instrument.0 as usize);
        Route::To(found.map_or(ShardId::FIRST, |found| found.listing.shard))
    }

    fn of_shard(&self, shard: ShardId) -> Route {
        Route::To(if self.venue.has(shard) { shard } else { ShardId::FIRST })
    }

    /// Processes a command of another shard: its client number is used up here too, so that no number is used in two
    /// shards.
    fn pass(&mut self, command: &Command) {
        if let Some(sender) = command.sender()
            && self.is_of_session(&sender)
        {
            let used = &mut self.venue.logins[sender.login.0 as usize].last_user_ref;
            *used = (*used).max(sender.user_ref);
        }
    }

    /// Notes the number of a command for all shards. Another shard's order may decide whether the number is used up, so
    /// this shard cannot know. A number that may be used up is never reported as the next free one, and no new order
    /// can have it.
    fn note_number(&mut self, command: &Command) {
        self.number_came_before = false;
        if brings_number(command)
            && let Some(sender) = command.sender()
            && self.is_of_session(&sender)
        {
            let known = &mut self.venue.logins[sender.login.0 as usize];
            if sender.user_ref > known.seen_user_ref {
                known.seen_user_ref = sender.user_ref;
            } else {
                self.number_came_before = true;
                known.is_restricted = true;
            }
        }
    }
}

/// Whether a client's command has a number of its own. A cancel has the number of its order, and may name any order.
fn brings_number(command: &Command) -> bool {
    match command {
        Command::Order(command) => match command {
            OrderCommand::Enter(_)
            | OrderCommand::RefuseEnter(_)
            | OrderCommand::Replace(_)
            | OrderCommand::RefuseReplace(_)
            | OrderCommand::MassCancel(_)
            | OrderCommand::SetOrderEntry(_)
            | OrderCommand::TransferOut(_)
            | OrderCommand::SendIndex(_) => true,
            OrderCommand::NameOrder(_)
            | OrderCommand::Cancel(_)
            | OrderCommand::Amend(_)
            | OrderCommand::Modify(_)
            | OrderCommand::QueryAccount(_)
            | OrderCommand::QueryWallet(_)
            | OrderCommand::CancelOrder { .. }
            | OrderCommand::CancelLogin { .. } => false,
        },
        Command::Owner(_) => true,
        Command::Admin(_) | Command::Venue(_) | Command::Contract(_) | Command::Clock(_) => false,
    }
}

/// The number after all used ones.
pub(super) fn next_number(last: UserRef, seen: UserRef) -> UserRef {
    UserRef(last.max(seen).0.saturating_add(1))
}
