//! An exchange as records, and back: all that decides what it will answer, and nothing of where it lies in memory.
//!
//! [`Exchange::write_to`](super::Exchange::write_to) gives records part by part to whatever keeps them; [`Restoring`]
//! takes them back in the same order. Counts that follow from the orders (levels, names, open orders, what is due) are not
//! written but counted again. Nothing here knows of files, and nothing here trusts a record: each is held against the
//! rules that the exchange itself keeps, so that what is restored passes [`Exchange::audit`](super::Exchange::audit).

mod domain_records;
mod instructions;
mod names;
mod numbers;
mod orders;
mod records;
mod refused;
mod restore;
mod save;

pub use domain_records::{
    ListingRecord, OrderLimitsRecord, ProtectionRecord, SelfTradeRecord, TriggerRecord, VenueLimitsRecord,
    VolumeTiersRecord,
};
pub use instructions::InstructionsRecord;
pub(super) use instructions::digest_instructions;
pub use names::Names;
pub use records::{
    AccountLimitsRecord, AccountRecord, AssetRecord, BalanceRecord, CopyRecord, CountRecord, ExtraRecord,
    InstrumentRecord, LeadRecord, LoginRecord, LoginSettingsRecord, OrderRecord, UsageRecord, VenueRecord,
    VolumeRecord, VolumesRecord,
};
pub use restore::Restoring;

use bincode::Encode;

/// What a record is of. Parts follow one another in this order, each may be empty but the first, which is one record; only
/// extras and orders may take turns, an extra somewhere before its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What there is one of: [`VenueRecord`].
    Venue,
    /// [`AssetRecord`]s in the order of ids.
    Assets,
    /// [`AccountRecord`]s in the order of ids.
    Accounts,
    /// [`LoginRecord`]s in the order of ids.
    Logins,
    /// [`LoginSettingsRecord`]s of the logins that have any, in the order of ids.
    LoginSettings,
    /// [`CopyRecord`]s by account, those of one account in the order in which they were made.
    Copies,
    /// [`InstrumentRecord`]s in the order of ids.
    Instruments,
    /// [`BalanceRecord`]s: all accounts of the first asset, then of the next.
    Balances,
    /// [`VolumeRecord`]s in the order of accounts; none where tiers do not follow volume.
    Volumes,
    /// [`UsageRecord`]s in the order in which the pairs were first counted.
    Usage,
    /// One [`LeadRecord`], or none where nobody ever led.
    Lead,
    /// [`ExtraRecord`]s in the order of the orders that have one.
    Extras,
    /// [`OrderRecord`]s by instrument; of each displayed bids, displayed asks, hidden bids, hidden asks, each from best to
    /// worst and first come first, then those that wait, the next to go first.
    Orders,
}

impl Part {
    /// Every part, in order.
    pub const ALL: [Self; 13] = [
        Self::Venue,
        Self::Assets,
        Self::Accounts,
        Self::Logins,
        Self::LoginSettings,
        Self::Copies,
        Self::Instruments,
        Self::Balances,
        Self::Volumes,
        Self::Usage,
        Self::Lead,
        Self::Extras,
        Self::Orders,
    ];
}

/// What keeps the records of an exchange.
pub trait Sink {
    type Error;

    /// Keeps the next record.
    ///
    /// # Errors
    /// Why it cannot.
    fn put<T: Encode>(&mut self, part: Part, record: &T) -> Result<(), Self::Error>;
}

/// Records that no exchange has written: where the first wrong one starts, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct RestoreError {
    /// Bytes from the start of what was handed over.
    pub at: usize,
    pub why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::codec::{ENCODED_LEN_MAX, encode_record};
    use crate::domain::{Command, VenueLimits};
    use crate::exchange::{Exchange, ExchangeLimits, NameKey};

    /// The one record that an exchange has in which nothing has happened.
    #[derive(Default)]
    struct Kept(Vec<u8>);

    impl Sink for Kept {
        type Error = Part;

        fn put<T: Encode>(&mut self, part: Part, record: &T) -> Result<(), Part> {
            self.0 = vec![0; ENCODED_LEN_MAX];
            let len = encode_record(record, &mut self.0).expect("it fits");
            self.0.truncate(len);
            if part == Part::Venue { Ok(()) } else { Err(part) }
        }
    }

    fn restored(exchange: &Exchange) -> Result<Exchange, RestoreError> {
        let (mut kept, mut chained) = (Kept::default(), Vec::new());
        exchange.write_to(&mut kept).expect("there is no other part");
        let key = NameKey::default();
        let (mut names, mut restoring) = (Names::new(key, u64::MAX), Restoring::new(&[], key, u64::MAX));
        names.prepare(Part::Venue, &kept.0, &mut chained)?;
        restoring.take(Part::Venue, &kept.0, &chained)?;
        restoring.finish(names)
    }

    /// There is one edition of the rules so far; an exchange of another is made by hand.
    #[test]
    fn the_edition_of_the_rules_is_in_the_digest_and_in_snapshots() {
        let limits = VenueLimits { orders_max: 1, ..VenueLimits::default() };
        let first = Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() });
        let again = restored(&first).expect("it is restored");
        assert_eq!((again.rules_edition(), again.digest()), (Command::RULES_FIRST, first.digest()));
        for unknown in [Command::RULES_FIRST - 1, Command::RULES_LAST + 1] {
            let mut other = first.clone();
            other.venue.rules = unknown;
            assert_ne!(other.digest(), first.digest());
            let refused = restored(&other).map(drop).expect_err("refused");
            assert!(refused.why.contains("edition of the rules"), "{refused}");
        }
    }
}
