//! Administrative commands: assets, accounts, logins, listings, deposits and withdrawals.

use super::{Account, Asset, Book, Exchange, Instrument, Login};
use crate::domain::{
    AccountId, Amount, AssetCode, AssetId, Command, Event, FeeRate, InstrumentId, ListInstrument, Listing,
    LoginId, OrderPrice, Phase, RejectReason, Transfer, UserRef,
};

/// An id is the next free one, so that ids are dense and a replay gives the same ones.
fn next(id: usize, len: usize) -> Result<(), RejectReason> {
    if id == len { Ok(()) } else { Err(RejectReason::IdNotNext) }
}

impl Exchange {
    /// Does an administrative command; order entry never comes here.
    pub(super) fn administer(&mut self, command: &Command) -> Result<Event, RejectReason> {
        match *command {
            Command::AddAsset { asset, code, scale } => self.add_asset(asset, code, scale),
            Command::OpenAccount { account } => self.open_account(account),
            Command::OpenLogin { login, account, .. } => self.open_login(login, account),
            Command::ListInstrument(terms) => self.list(&terms),
            Command::SetPhase { instrument, phase } => self.set_phase(instrument, phase),
            Command::Deposit(transfer) => self.deposit(transfer),
            Command::Withdraw(transfer) => self.withdraw(transfer),
            Command::Open { config_digest } => self.open(config_digest),
            Command::SetLimits { orders_max } => self.set_limits(orders_max),
            Command::Enter(_)
            | Command::RefuseEnter(_)
            | Command::Replace(_)
            | Command::RefuseReplace(_)
            | Command::Cancel(_) => unreachable!("apply hands order entry to orders.rs"),
            _ => Err(RejectReason::OutOfRange),
        }
    }

    fn add_asset(&mut self, asset: AssetId, code: AssetCode, scale: u8) -> Result<Event, RejectReason> {
        next(usize::from(asset.0), self.assets.len())?;
        if self.assets.iter().any(|known| known.code == code) {
            return Err(RejectReason::DuplicateName);
        }
        if scale > Amount::SCALE_MAX {
            return Err(RejectReason::OutOfRange);
        }
        self.assets.push(Asset { code, scale });
        self.ledger.add_asset();
        Ok(Event::AssetAdded { asset, code, scale })
    }

    fn open_account(&mut self, account: AccountId) -> Result<Event, RejectReason> {
        next(account.0 as usize, self.accounts.len())?;
        self.accounts.push(Account::default());
        self.ledger.add_account();
        Ok(Event::AccountOpened { account })
    }

    fn open_login(&mut self, login: LoginId, account: AccountId) -> Result<Event, RejectReason> {
        next(login.0 as usize, self.logins.len())?;
        self.known_account(account)?;
        self.logins.push(Login { account, last_user_ref: UserRef(0) });
        Ok(Event::LoginOpened { login, account })
    }

    fn list(&mut self, terms: &ListInstrument) -> Result<Event, RejectReason> {
        next(terms.instrument.0 as usize, self.instruments.len())?;
        if self.instruments.iter().any(|known| known.listing.symbol == terms.symbol) {
            return Err(RejectReason::DuplicateName);
        }
        let listing = self.listing(terms)?;
        self.instruments.push(Instrument { listing, book: Book::default() });
        Ok(Event::InstrumentListed(listing))
    }

    /// The terms held against their rules, with the value of a tick worked out.
    fn listing(&self, terms: &ListInstrument) -> Result<Listing, RejectReason> {
        self.known_account(AccountId::FEES)?;
        let (base, quote) = (self.known_asset(terms.base)?, self.known_asset(terms.quote)?);
        let quantities = 1..=u64::from(u32::MAX);
        let in_range = terms.base != terms.quote
            && terms.price_decimals <= ListInstrument::PRICE_DECIMALS_MAX
            && (1..OrderPrice::LIMIT_END).contains(&u64::from(terms.tick_units))
            && terms.lot.0 > 0
            && quantities.contains(&terms.min_quantity.0)
            && quantities.contains(&terms.max_quantity.0)
            && terms.min_quantity <= terms.max_quantity
            && terms.min_notional.0 >= 0
            && terms.maker_fee.0 <= FeeRate::ONE
            && terms.taker_fee.0 <= FeeRate::ONE;
        if !in_range {
            return Err(RejectReason::OutOfRange);
        }
        let tick_value = terms.tick_value(base.scale, quote.scale)?;
        Ok(Listing {
            instrument: terms.instrument,
            symbol: terms.symbol,
            base: terms.base,
            quote: terms.quote,
            price_decimals: terms.price_decimals,
            tick_units: terms.tick_units,
            lot: terms.lot,
            tick_value,
            min_quantity: terms.min_quantity,
            max_quantity: terms.max_quantity,
            min_notional: terms.min_notional,
            maker_fee: terms.maker_fee,
            taker_fee: terms.taker_fee,
            fee_asset: terms.fee_asset,
            phase: terms.phase,
        })
    }

    fn set_phase(&mut self, instrument: InstrumentId, phase: Phase) -> Result<Event, RejectReason> {
        let known = self.instruments.get_mut(instrument.0 as usize).ok_or(RejectReason::UnknownInstrument)?;
        known.listing.phase = phase;
        Ok(Event::PhaseSet { instrument, phase })
    }

    fn deposit(&mut self, transfer: Transfer) -> Result<Event, RejectReason> {
        self.check_transfer(&transfer)?;
        if !self.ledger.deposit(transfer.account, transfer.asset, transfer.amount) {
            return Err(RejectReason::SupplyTooLarge);
        }
        self.accounts[transfer.account.0 as usize].last_transfer = transfer.reference;
        Ok(Event::Deposited(transfer))
    }

    fn withdraw(&mut self, transfer: Transfer) -> Result<Event, RejectReason> {
        self.check_transfer(&transfer)?;
        if !self.ledger.withdraw(transfer.account, transfer.asset, transfer.amount) {
            return Err(RejectReason::InsufficientFunds);
        }
        self.accounts[transfer.account.0 as usize].last_transfer = transfer.reference;
        Ok(Event::Withdrawn(transfer))
    }

    fn check_transfer(&self, transfer: &Transfer) -> Result<(), RejectReason> {
        self.known_account(transfer.account)?;
        self.known_asset(transfer.asset)?;
        if transfer.amount <= Amount(0) {
            return Err(RejectReason::OutOfRange);
        }
        if transfer.reference <= self.accounts[transfer.account.0 as usize].last_transfer {
            return Err(RejectReason::DuplicateReference);
        }
        Ok(())
    }

    fn set_limits(&mut self, orders_max: u32) -> Result<Event, RejectReason> {
        if !(1..=Command::ORDERS_MAX).contains(&orders_max) {
            return Err(RejectReason::OutOfRange);
        }
        self.make_room(orders_max);
        Ok(Event::LimitsSet { orders_max })
    }

    fn open(&mut self, config_digest: u64) -> Result<Event, RejectReason> {
        if self.config_digest.is_some() {
            return Err(RejectReason::AlreadyOpen);
        }
        self.config_digest = Some(config_digest);
        Ok(Event::Opened { config_digest })
    }

    fn known_account(&self, account: AccountId) -> Result<(), RejectReason> {
        if (account.0 as usize) < self.accounts.len() { Ok(()) } else { Err(RejectReason::UnknownAccount) }
    }

    fn known_asset(&self, asset: AssetId) -> Result<&Asset, RejectReason> {
        self.assets.get(usize::from(asset.0)).ok_or(RejectReason::UnknownAsset)
    }
}
