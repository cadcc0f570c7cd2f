//! Transfers between shards: what has been sent and has not arrived.

use super::Naive;
use dojima::domain::{
    AdminEvent, AssetId, Echo, Event, OrderEvent, RejectReason, ShardId, ShardTransfer, TransferOut,
    TransferReceived, TransferSent, UserRef,
};

/// The most that deposits less withdrawals come to in one of several shards.
const DEPOSITS_MAX: i128 = 1 << 59;

/// What one shard knows of its transfers.
#[derive(Clone, Default)]
pub struct Transfers {
    /// Everything that was ever sent, in its order, and whether it has arrived.
    sent: Vec<(ShardTransfer, bool)>,
    /// From which shard each arrival came.
    arrived: Vec<ShardId>,
    /// What deposits less withdrawals come to, by asset.
    deposited: Vec<(AssetId, i128)>,
}

impl Transfers {
    fn to(&self, to: ShardId) -> impl Iterator<Item = &(ShardTransfer, bool)> {
        self.sent.iter().filter(move |(transfer, _)| transfer.to == to)
    }
}

impl Naive {
    pub(super) fn transfer_out(&mut self, out: &TransferOut) {
        let TransferOut { login, user_ref, .. } = *out;
        if let Some(login) = login {
            if !self.number_is_new(login, user_ref) {
                return;
            }
            self.logins[login.0 as usize].last = user_ref;
        }
        match (self.send(out), login) {
            (Ok(sent), _) => self.events.push(Event::Order(OrderEvent::TransferSent(sent))),
            (Err(reason), Some(login)) => self.reject(login, user_ref, reason, Echo::default()),
            (Err(reason), None) => self.events.push(Event::Admin(AdminEvent::Refused { reason })),
        }
    }

    fn send(&mut self, out: &TransferOut) -> Result<TransferSent, RejectReason> {
        let TransferOut { login, user_ref, account, asset, amount, from, to, reference, .. } = *out;
        if login.is_some_and(|login| self.account_of(login) != account) {
            return Err(RejectReason::UnknownAccount);
        }
        let last = self.known_account(account)?.last_transfer;
        if usize::from(asset.0) >= self.assets.len() {
            return Err(RejectReason::UnknownAsset);
        }
        if from == to || from.0 >= self.shards || to.0 >= self.shards {
            return Err(RejectReason::UnknownShard);
        }
        if self.edition < 2 {
            return Err(RejectReason::NotInThisEdition);
        }
        if amount.0 <= 0 {
            return Err(RejectReason::OutOfRange);
        }
        if last >= reference {
            return Err(RejectReason::DuplicateReference);
        }
        let on_the_way = |transfers: &Transfers, fits: &dyn Fn(&ShardTransfer) -> bool| {
            transfers.sent.iter().filter(|(transfer, arrived)| !arrived && fits(transfer)).count()
        };
        let of_account = on_the_way(&self.transfers, &|transfer| transfer.account == account);
        let of_pair = on_the_way(&self.transfers, &|transfer| transfer.to == to);
        if of_account == 8 || of_pair == 4_096 {
            return Err(RejectReason::TooManyTransfers);
        }
        self.may_leave(account, asset, amount)?;
        self.charge_all(account, asset);
        *self.held(account, asset) -= i128::from(amount.0);
        self.known_account(account)?.last_transfer = reference;
        let number = self.transfers.to(to).count() as u64 + 1;
        let transfer = ShardTransfer { from, to, number, account, asset, amount };
        self.transfers.sent.push((transfer, false));
        let user_ref = if login.is_some() { user_ref } else { UserRef(0) };
        let wallet = super::amount(self.wallet(account, asset));
        Ok(TransferSent { login, user_ref, transfer, reference, wallet })
    }

    /// What the courier brings; `own` is this shard.
    pub(super) fn transfer_in(&mut self, transfer: ShardTransfer, own: ShardId) {
        let ShardTransfer { from, to, number, account, asset, amount } = transfer;
        if from == to || from.0 >= self.shards || to.0 >= self.shards {
            return;
        }
        if own == to {
            let before = self.transfers.arrived.iter().filter(|shard| **shard == from).count() as u64;
            if number == before + 1 {
                self.transfers.arrived.push(from);
                *self.held(account, asset) += i128::from(amount.0);
                let wallet = super::amount(self.wallet(account, asset));
                let received = TransferReceived { transfer, wallet };
                self.events.push(Event::Admin(AdminEvent::TransferReceived(received)));
            }
        }
        if own == from {
            let next = self.transfers.sent.iter_mut().find(|(sent, arrived)| sent.to == to && !arrived);
            if let Some((_, arrived)) = next.filter(|(sent, _)| sent.number == number) {
                *arrived = true;
                self.events.push(Event::Admin(AdminEvent::TransferDone(transfer)));
            }
        }
    }

    /// Whether so much more may be deposited, or withdrawn if it is below 0.
    pub(super) fn may_deposit(&self, asset: AssetId, change: i128) -> bool {
        let is_bounded = self.shards > 1 && self.edition >= 2 && change > 0;
        let of_asset = self.transfers.deposited.iter().filter(|(of, _)| *of == asset);
        !is_bounded || of_asset.map(|(_, amount)| amount).sum::<i128>() + change <= DEPOSITS_MAX
    }

    pub(super) fn note_deposit(&mut self, asset: AssetId, change: i128) {
        self.transfers.deposited.push((asset, change));
    }

    /// What is on its way, by destination and number.
    pub fn in_flight(&self) -> Vec<ShardTransfer> {
        let on_the_way = |to| self.transfers.to(to).filter(|(_, arrived)| !arrived);
        (0..8).map(ShardId).flat_map(on_the_way).map(|(transfer, _)| *transfer).collect()
    }

    /// What is on its way of an asset.
    pub(super) fn in_flight_of(&self, asset: AssetId) -> i128 {
        let of_asset = self.in_flight().into_iter().filter(|transfer| transfer.asset == asset);
        of_asset.map(|transfer| i128::from(transfer.amount.0)).sum()
    }
}
