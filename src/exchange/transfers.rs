//! Transfers between shards (docs/RULES.md, "Transfers between shards"): what this shard has on its way to others, and
//! what has arrived from them.
//!
//! A transfer on its way is in no wallet and still in the supply of its source. Its arrival is one command, which both
//! shards execute: the supply moves from one to the other between the same two commands.

use super::canonical::Canonical;
use super::orders::refused;
use super::outboxes::{Between, InFlight};
use super::sink::EventSink;
use super::state::Exchange;
use crate::domain::{
    AccountId, AdminEvent, Amount, AssetId, Command, Event, OrderEvent, RejectReason, Sender, ShardTransfer,
    TransferOut, TransferReceived, TransferSent, UserRef,
};

impl Exchange {
    /// The transfers on their way from this shard, by destination and number.
    pub fn in_flight(&self) -> impl Iterator<Item = ShardTransfer> + '_ {
        let from = self.id;
        self.transfers.pairs().flat_map(move |(to, pair)| {
            (pair.head()..).zip(&pair.outbox).map(move |(number, money)| {
                let InFlight { account, asset, amount } = *money;
                ShardTransfer { from, to, number, account, asset, amount }
            })
        })
    }

    pub(super) fn transfer_out(&mut self, out: &TransferOut, events: &mut impl EventSink) {
        let TransferOut { login, session, user_ref, .. } = *out;
        let mut owner = None;
        if let Some(login) = login {
            let Some(account) = self.consume_user_ref(Sender { login, session, user_ref }, events) else {
                return;
            };
            owner = Some(account);
        }
        let sent = self.send(out, owner, events);
        events.push(match sent {
            Ok(sent) => Event::Order(OrderEvent::TransferSent(sent)),
            Err(reason) => refused(login, user_ref, reason),
        });
    }

    /// Checks a transfer, takes its money out of the wallet and numbers it. `owner`: the account of the login that asks.
    fn send(
        &mut self,
        out: &TransferOut,
        owner: Option<AccountId>,
        events: &mut impl EventSink,
    ) -> Result<TransferSent, RejectReason> {
        let TransferOut { login, user_ref, account, asset, amount, from, to, reference, .. } = *out;
        if owner.is_some_and(|owner| owner != account) {
            return Err(RejectReason::UnknownAccount);
        }
        self.known_account(account)?;
        self.known_asset(asset)?;
        if !self.venue.has(from) || !self.venue.has(to) || from == to {
            return Err(RejectReason::UnknownShard);
        }
        if self.venue.rules < Command::RULES_OF_TRANSFERS {
            return Err(RejectReason::NotInThisEdition);
        }
        if amount < Amount(1) {
            return Err(RejectReason::OutOfRange);
        }
        let known = &self.shared.accounts[account.0 as usize];
        if reference <= known.last_transfer {
            return Err(RejectReason::DuplicateReference);
        }
        let is_full = self.transfers.pair_mut(to).outbox.len() >= ShardTransfer::OF_PAIR_MAX;
        if is_full || known.in_flight >= ShardTransfer::OF_ACCOUNT_MAX {
            return Err(RejectReason::TooManyTransfers);
        }
        self.check_fund(asset)?;
        if i128::from(amount.0) > self.withdrawable(account, asset) {
            return Err(RejectReason::InsufficientFunds);
        }
        self.charge_account(account, asset, events);
        if !self.shared.ledger.send(account, asset, amount) {
            return Err(RejectReason::InsufficientFunds);
        }
        let known = &mut self.shared.accounts[account.0 as usize];
        known.last_transfer = reference;
        known.in_flight += 1;
        let pair = self.transfers.pair_mut(to);
        pair.sent += 1;
        pair.outbox.push_back(InFlight { account, asset, amount });
        let transfer = ShardTransfer { from, to, number: pair.sent, account, asset, amount };
        let user_ref = if login.is_some() { user_ref } else { UserRef(0) };
        let wallet = self.shared.ledger.wallet(account, asset);
        Ok(TransferSent { login, user_ref, transfer, reference, wallet })
    }

    /// The arrival of a transfer, in its source and in its destination. One that is not the next of the two shards has
    /// no effect: the source has removed it, and the destination has counted it.
    ///
    /// # Panics
    /// If it is the next one and not what the outbox has: only the courier sends it, and only what is in the outbox.
    pub(super) fn transfer_in(&mut self, transfer: &ShardTransfer, events: &mut impl EventSink) {
        let ShardTransfer { from, to, number, account, asset, amount } = *transfer;
        if from == to || !self.venue.has(from) || !self.venue.has(to) {
            return;
        }
        if to == self.id {
            let pair = self.transfers.pair_mut(from);
            if number != pair.received + 1 {
                return;
            }
            pair.received = number;
            self.shared.ledger.arrive(account, asset, amount);
            let wallet = self.shared.ledger.wallet(account, asset);
            let received = TransferReceived { transfer: *transfer, wallet };
            events.push(Event::Admin(AdminEvent::TransferReceived(received)));
        } else if from == self.id {
            let pair = self.transfers.pair_mut(to);
            let Some(head) = pair.outbox.front().copied().filter(|_| number == pair.head()) else { return };
            assert_eq!(head, InFlight { account, asset, amount }, "what arrives is what was sent");
            pair.outbox.pop_front();
            self.shared.account_mut(account).in_flight -= 1;
            self.shared.ledger.depart(asset, amount);
            events.push(Event::Admin(AdminEvent::TransferDone(*transfer)));
        }
    }

    /// The most that deposits less withdrawals of an asset may come to in this shard, minor units.
    pub(super) fn deposits_max(&self) -> i64 {
        match self.venue.shards > 1 && self.venue.rules >= Command::RULES_OF_TRANSFERS {
            true => ShardTransfer::DEPOSITS_MAX,
            false => i64::MAX,
        }
    }

    /// Everything about transfers, if there was one. Between commands the other counts follow from it.
    pub(super) fn digest_transfers(&self, hash: &mut Canonical) {
        for (other, pair) in self.transfers.pairs().filter(|(_, pair)| **pair != Between::default()) {
            // No earlier part starts with this value three times.
            (0..3).for_each(|_| hash.unsigned(u64::MAX));
            hash.unsigned(other.0);
            hash.unsigned(pair.sent);
            hash.unsigned(pair.received);
            hash.count(pair.outbox.len());
            for InFlight { account, asset, amount } in &pair.outbox {
                hash.unsigned(account.0);
                hash.unsigned(asset.0);
                hash.signed(amount.0);
            }
        }
        for asset in (0..self.venue.assets.len()).map(|id| AssetId(id as u16)) {
            let moved = self.shared.ledger.moved(asset);
            if moved != 0 {
                (0..4).for_each(|_| hash.unsigned(u64::MAX));
                hash.unsigned(asset.0);
                hash.signed(moved);
            }
        }
    }
}
