//! Insurance funds: money of the venue, by asset.

use super::futures::is_inverse;
use super::{AMOUNT_MAX, Naive, amount as told};
use dojima::domain::{
    AccountId, AssetId, CancelReason, ContractEvent, DepositFund, Event, FundCause, FundChanged, FundPaid,
    InstrumentId, Listing, RejectReason,
};

impl Naive {
    /// What all accounts, the fund and contracts have of an asset, with what positions cost: deposits less withdrawals.
    pub(super) fn supply(&self, asset: AssetId) -> i128 {
        let known = &self.assets[usize::from(asset.0)];
        let settled = self.instruments.iter().filter(|known| {
            let instrument = known.listing.instrument;
            self.is_contract(instrument) && self.settled_in(instrument) == asset
        });
        let clearing: i128 = settled.map(|known| known.contract.clearing).sum();
        known.held.iter().sum::<i128>() + known.fund + clearing - self.costs(asset)
    }

    /// What a contract has over from a funding or a settlement goes to the fund.
    pub(super) fn clear_to_fund(&mut self, instrument: InstrumentId, cause: FundCause) {
        let over = std::mem::take(&mut self.instrument_mut(instrument).contract.clearing);
        if over == 0 {
            return;
        }
        let asset = self.settled_in(instrument);
        let fund = &mut self.assets[usize::from(asset.0)].fund;
        *fund += over;
        let fund = told(*fund);
        self.events.push(Event::Contract(ContractEvent::FundChanged(FundChanged {
            asset,
            shard: self.own,
            cause,
            instrument: Some(instrument),
            amount: told(over),
            fund,
            reference: 0,
        })));
    }

    /// Whether the fund of an asset has a deficit: nothing leaves then.
    pub(super) fn fund_is_sound(&self, asset: AssetId) -> Result<(), RejectReason> {
        let sound = self.assets[usize::from(asset.0)].fund >= 0;
        if sound { Ok(()) } else { Err(RejectReason::FundBelowZero) }
    }

    /// Nobody who has no lots is left with less than nothing: open orders go, and the fund pays.
    pub(super) fn pay_deficits(&mut self) {
        let (accounts, assets) = self.sizes();
        for account in (0..accounts).map(|who| AccountId(who as u32)) {
            (0..assets).for_each(|of| self.pay_for_wallet(account, AssetId(of as u16)));
            self.pay_for_pots(account);
        }
    }

    /// Pots without lots, by contract, long before short.
    fn pay_for_pots(&mut self, account: AccountId) {
        for instrument in (0..self.instruments.len()).map(|id| InstrumentId(id as u32)) {
            for place in self.places(account, instrument) {
                let pot = self.pot(place);
                if pot < 0 && self.leg(place).lots == 0 {
                    self.pots.insert(place, 0);
                    self.pay_deficit(account, (self.settled_in(instrument), Some(instrument)), -pot);
                }
            }
        }
    }

    fn pay_for_wallet(&mut self, account: AccountId, asset: AssetId) {
        if self.wallet(account, asset) >= 0 || self.with_lots(&self.legs, account, asset).next().is_some() {
            return;
        }
        let goes = self.by_login(|order| {
            let instrument = order.instrument;
            order.account == account && self.is_contract(instrument) && self.settled_in(instrument) == asset
        });
        self.cancel_all(&goes, CancelReason::AccountBelowZero);
        let missing = -self.wallet(account, asset);
        *self.held(account, asset) = 0;
        self.pay_deficit(account, (asset, None), missing);
    }

    fn pay_deficit(
        &mut self,
        account: AccountId,
        (asset, instrument): (AssetId, Option<InstrumentId>),
        missing: i128,
    ) {
        let fund = &mut self.assets[usize::from(asset.0)].fund;
        let had = (*fund).max(0);
        *fund -= missing;
        let fund = told(*fund);
        let shard = self.own;
        let paid = FundPaid { account, instrument, asset, shard, amount: told(missing), fund };
        self.events.push(Event::Contract(ContractEvent::FundPaid(paid)));
        if missing > had {
            let lacking = FundPaid { amount: told(missing - had), ..paid };
            self.events.push(Event::Contract(ContractEvent::InsuranceDeficit(lacking)));
        }
    }

    pub(super) fn deposit_fund(&mut self, deposit: DepositFund) -> Result<(), RejectReason> {
        let DepositFund { asset, shard, amount, reference } = deposit;
        let known = self.assets.get(usize::from(asset.0)).ok_or(RejectReason::UnknownAsset)?;
        if shard.0 >= self.shards {
            return Err(RejectReason::UnknownShard);
        }
        let settles = |listing: &Listing| {
            let settled_in = if is_inverse(listing.product) { listing.base } else { listing.quote };
            listing.shard == shard && settled_in == asset
        };
        let settled = self.contracts().iter().any(|id| settles(self.listing(*id)));
        if amount.0 < 1 || !settled {
            return Err(RejectReason::OutOfRange);
        }
        if reference <= known.last_fund_reference {
            return Err(RejectReason::DuplicateReference);
        }
        let change = i128::from(amount.0);
        let supply = self.supply(asset) + self.in_flight_of(asset);
        if supply + change > AMOUNT_MAX || !self.may_deposit(asset, change) {
            return Err(RejectReason::SupplyTooLarge);
        }
        self.note_deposit(asset, change);
        let known = &mut self.assets[usize::from(asset.0)];
        known.fund += change;
        known.last_fund_reference = reference;
        let fund = told(known.fund);
        self.events.push(Event::Contract(ContractEvent::FundChanged(FundChanged {
            asset,
            shard,
            cause: FundCause::Deposit,
            instrument: None,
            amount,
            fund,
            reference,
        })));
        Ok(())
    }
}
