//! Converts an exchange to records and back: everything that determines its answers, and nothing about its memory
//! layout.
//!
//! [`Exchange::write_to`](super::Exchange::write_to) passes records part by part to a [`Sink`]; [`Restoring`] takes
//! them back in the same order. Data that follows from the orders (levels, names, counts of open orders, timed actions)
//! is not written but recomputed. This code has no knowledge of files and trusts no record: each is checked against the
//! exchange's own rules, so that the restored exchange passes [`Exchange::audit`](super::Exchange::audit).

mod contract_records;
mod contracts;
mod domain_records;
mod fundings;
mod instructions;
mod names;
mod numbers;
mod orders;
mod records;
mod refused;
mod restore;
mod save;

pub use contract_records::{
    ContractRecord, ContractsRecord, FundRecord, HedgingRecord, HoldingRecord, IndexRecord, PositionRecord,
    QuoteRecord, SampleRecord, TierRecord,
};
pub use domain_records::{
    ContractRiskRecord, ContractTermsRecord, IndexTermsRecord, ListingRecord, OrderLimitsRecord,
    ProtectionRecord, SelfTradeRecord, TriggerRecord, VenueLimitsRecord, VolumeTiersRecord,
};
pub use instructions::InstructionsRecord;
pub(super) use instructions::digest_instructions;
pub use names::Names;
pub use records::{
    AccountLimitsRecord, AccountRecord, AssetRecord, BalanceRecord, CopyRecord, CountRecord, ExtraRecord,
    InFlightRecord, InstrumentRecord, LeadRecord, LoginRecord, LoginSettingsRecord, MovedRecord, OrderRecord,
    PairRecord, UsageRecord, VenueRecord, VolumeRecord, VolumesRecord,
};
pub use restore::Restoring;

use bincode::Encode;

/// The parts of a snapshot. They follow each other in this order. Each may be empty except the first, which is one
/// record. Only extras and orders may alternate; an extra comes somewhere before its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The single [`VenueRecord`].
    Venue,
    /// [`AssetRecord`]s by id.
    Assets,
    /// [`AccountRecord`]s by id.
    Accounts,
    /// [`LoginRecord`]s by id.
    Logins,
    /// [`LoginSettingsRecord`]s of the logins that have settings, by id.
    LoginSettings,
    /// [`CopyRecord`]s by account; for one account in the order in which they were added.
    Copies,
    /// [`InstrumentRecord`]s by id.
    Instruments,
    /// [`PairRecord`]s of all shards by id; none if there was no transfer between this shard and another one.
    Pairs,
    /// [`InFlightRecord`]s by destination and number.
    InFlight,
    /// [`MovedRecord`]s by asset; none if there was no such transfer.
    Moved,
    /// [`BalanceRecord`]s: all accounts of the first asset, then of the next.
    Balances,
    /// [`VolumeRecord`]s by account; none if fee tiers do not depend on volume.
    Volumes,
    /// [`UsageRecord`]s in the order in which the pairs were first counted.
    Usage,
    /// One [`LeadRecord`], or none if there was no leader.
    Lead,
    /// One [`ContractsRecord`], or none if there never was an index or a contract.
    Contracts,
    /// [`IndexRecord`]s by id.
    Indexes,
    /// [`ContractRecord`]s of the shard's contracts, by instrument.
    Terms,
    /// [`TierRecord`]s by contract: the rows in force, then those under way.
    Tiers,
    /// [`SampleRecord`]s by contract, then by second.
    Samples,
    /// [`FundRecord`]s by asset.
    Funds,
    /// [`HedgingRecord`]s by account.
    Hedging,
    /// [`HoldingRecord`]s by contract, then by account.
    Holdings,
    /// [`ExtraRecord`]s in the order of the orders that have one.
    Extras,
    /// [`OrderRecord`]s by instrument: displayed bids, displayed asks, hidden bids, hidden asks, each in trading order;
    /// then the waiting orders by number.
    Orders,
}

impl Part {
    /// Every part, in order.
    pub const ALL: [Self; 24] = [
        Self::Venue,
        Self::Assets,
        Self::Accounts,
        Self::Logins,
        Self::LoginSettings,
        Self::Copies,
        Self::Instruments,
        Self::Pairs,
        Self::InFlight,
        Self::Moved,
        Self::Balances,
        Self::Volumes,
        Self::Usage,
        Self::Lead,
        Self::Contracts,
        Self::Indexes,
        Self::Terms,
        Self::Tiers,
        Self::Samples,
        Self::Funds,
        Self::Hedging,
        Self::Holdings,
        Self::Extras,
        Self::Orders,
    ];
}

/// Receives the records of an exchange.
pub trait Sink {
    type Error;

    /// Stores the next record.
    ///
    /// # Errors
    /// Why it cannot be stored.
    fn put<T: Encode>(&mut self, part: Part, record: &T) -> Result<(), Self::Error>;
}

/// A record that no exchange has written: its position, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct RestoreError {
    /// Bytes from the start of the data passed in.
    pub at: usize,
    pub why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::codec::{ENCODED_LEN_MAX, encode_record};
    use crate::domain::{Command, VenueLimits};
    use crate::exchange::{Exchange, ExchangeLimits, NameKey};

    /// The single record of an empty exchange.
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

    /// There is one edition of the rules so far; an exchange of another one is built by hand.
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
