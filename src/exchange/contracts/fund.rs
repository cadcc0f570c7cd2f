//! The insurance funds of a shard (docs/FUTURES.md, "Insurance fund").

use super::super::contract::{Below, Fund};
use super::super::market::Market;
use super::super::sink::EventSink;
use super::super::state::Exchange;
use crate::domain::{
    AccountId, Amount, AssetId, CancelReason, ContractEvent, DepositFund, Event, FundCause, FundChanged,
    FundPaid, Listing, MarginMode, Phase, RejectReason,
};

impl Exchange {
    pub(super) fn deposit_fund(&mut self, deposit: &DepositFund) -> Result<ContractEvent, RejectReason> {
        let DepositFund { asset, shard, amount, reference } = *deposit;
        self.known_asset(asset)?;
        if !self.venue.has(shard) {
            return Err(RejectReason::UnknownShard);
        }
        if amount.0 < 1 || !self.settles_in(|listing| listing.shard == shard && listing.settled_in() == asset)
        {
            return Err(RejectReason::OutOfRange);
        }
        let known = self.shared.funds.of.get(&asset).copied().unwrap_or_default();
        if reference <= known.last_reference {
            return Err(RejectReason::DuplicateReference);
        }
        let most = self.deposits_max();
        if !self.shared.ledger.supply_more(asset, amount, most) {
            return Err(RejectReason::SupplyTooLarge);
        }
        let fund = Fund { amount: Amount(known.amount.0 + amount.0), last_reference: reference };
        self.shared.funds.of.insert(asset, fund);
        Ok(ContractEvent::FundChanged(FundChanged {
            asset,
            shard,
            cause: FundCause::Deposit,
            instrument: None,
            amount,
            fund: fund.amount,
            reference,
        }))
    }

    /// Whether money of an asset may leave this shard: not while its fund is below 0.
    pub(in crate::exchange) fn check_fund(&self, asset: AssetId) -> Result<(), RejectReason> {
        if self.shared.funds.amount(asset).0 < 0 { Err(RejectReason::FundBelowZero) } else { Ok(()) }
    }

    /// Lets the funds pay what accounts without positions lack, one after another.
    #[cold]
    pub(in crate::exchange) fn pay_from_funds(&mut self, events: &mut impl EventSink) {
        let Some(below) = self.shared.funds.below.iter().min().copied() else { return };
        self.shared.funds.below.retain(|other| *other != below);
        let Some(lacks) = self.lacks(&below) else { return };
        if !below.is_swept && below.pot.is_none() {
            self.shared.funds.below.push(Below { is_swept: true, ..below });
            return self.cancel_settled_in(below.account, below.asset, CancelReason::AccountBelowZero);
        }
        let Below { account, pot, asset, .. } = below;
        match pot {
            None => self.shared.ledger.pay(account, asset, lacks),
            Some((instrument, which)) => {
                let at = self.market(instrument, events).at(account);
                self.shared
                    .positions
                    .change(at, |holding| holding.positions[usize::from(which)].pot += lacks);
            }
        }
        let had = self.shared.funds.amount(asset).0;
        let fund = self.shared.funds.change(asset, -lacks);
        let instrument = pot.map(|(instrument, _)| instrument);
        let paid = FundPaid { account, instrument, asset, shard: self.id, amount: Amount(lacks), fund };
        events.push(Event::Contract(ContractEvent::FundPaid(paid)));
        let missing = lacks - had.clamp(0, lacks);
        if missing > 0 {
            let deficit = FundPaid { amount: Amount(missing), ..paid };
            events.push(Event::Contract(ContractEvent::InsuranceDeficit(deficit)));
        }
    }

    /// What a wallet without cross positions, or a pot without lots, is below 0; `None`: it is not.
    fn lacks(&self, below: &Below) -> Option<i64> {
        let Below { account, pot, asset, .. } = *below;
        let mut holdings = self.shared.positions.holdings_of(account, asset);
        let has = match pot {
            None => {
                let stands_behind =
                    holdings.any(|holding| holding.mode == MarginMode::Cross && holding.has_lots());
                if stands_behind { 0 } else { self.shared.ledger.wallet(account, asset).0 }
            }
            Some((instrument, which)) => {
                let ordinal = self.instruments[instrument.0 as usize].contract.as_ref()?.ordinal;
                let position =
                    holdings.find(|holding| holding.contract() == ordinal)?.positions[usize::from(which)];
                if position.leg.lots == 0 { position.pot } else { 0 }
            }
        };
        (has < 0).then_some(-has)
    }

    /// Whether a contract that is not delisted has these terms.
    fn settles_in(&self, has: impl Fn(&Listing) -> bool) -> bool {
        let listings = self.instruments.iter().map(|known| &known.listing);
        let mut contracts = listings.filter(|listing| listing.product.is_contract());
        contracts.any(|listing| listing.phase != Phase::Delisted && has(listing))
    }
}

impl<S: EventSink> Market<'_, S> {
    /// Notes the wallet, or the pot, of a position that lost its last lot, if it is below 0.
    #[inline]
    pub(super) fn note_below(&mut self, account: AccountId, which: usize) {
        if self.wallet_of(account) < 0 || self.pot_of(account, which) < 0 {
            self.note_below_zero(account, which);
        }
    }

    #[cold]
    fn note_below_zero(&mut self, account: AccountId, which: usize) {
        let listing = &self.instrument.listing;
        let (instrument, asset) = (listing.instrument, listing.settled_in());
        let pot = (self.pot_of(account, which) < 0).then_some((instrument, which as u8));
        let below = Below { account, pot, asset, is_swept: false };
        if !self.shared.funds.below.contains(&below) {
            self.shared.funds.below.push(below);
        }
        // So that it is looked at when the command is done.
        self.shared.note_moved(instrument);
    }

    fn pot_of(&self, account: AccountId, which: usize) -> i64 {
        let holding = self.shared.positions.find(self.at(account));
        holding.map_or(0, |holding| holding.positions[which].pot)
    }
}
