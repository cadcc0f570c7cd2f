//! Selects the connection to close when all places are taken.
//!
//! Connections without a claim are closed first, then those that wait for the authenticator, by rising claim: an
//! existing name ranks above no login. Among those with the same claim, one of the address with the most connections
//! without a login is closed, so that a flood from one address closes its own connections; among equals, the one that
//! has been without a login for longest.
//!
//! Existing names are no secret. So an eighth of the places without a login is kept for connections without a claim: if
//! there are fewer of them, a connection waiting under an existing name is closed instead, and new connections get the
//! time to send a login.
//!
//! In a flood, every new connection needs a selection, and a scan of all connections costs more than everything else
//! about a new connection. So one scan finds several connections to close, in proportion to the number of connections,
//! and the next selections use that list.

use super::connection::Connection;
use crate::net::auth::Claim;
use crate::net::{ConnectionId, Slab};
use std::cmp::Reverse;
use std::net::IpAddr;

/// One scan finds one candidate per this many connections: 64 of 2,048, and at least one.
const CONNECTIONS_PER_FIND: usize = 32;

/// One of this many places without a login, and at least one, is kept for connections without a claim.
const PLACES_PER_UNCLAIMED: usize = 8;

/// A connection without a login, as it was during the scan.
#[derive(Clone, Copy)]
struct Stranger {
    /// The address under which its connections are counted.
    from: IpAddr,
    claim: Claim,
    /// Since when it has been without a login, in nanoseconds.
    since: u64,
    /// The number of connections of its address that are closed no earlier, itself included. So the k-th of n to be
    /// closed counts as n - k, and addresses with equally many take turns.
    of_address: usize,
    id: ConnectionId,
}

/// The candidates to close next.
#[derive(Default)]
pub(super) struct Eldest {
    /// The candidates; the last one is closed first.
    found: Vec<Stranger>,
    /// Buffer for a scan.
    all: Vec<Stranger>,
    /// The total number of connections examined by all scans.
    looked_at: u64,
}

impl Eldest {
    /// The connection to close; `None` if all are logged in or have a better claim than `most`. A candidate that has
    /// changed since the scan is skipped; a later scan finds it again. Connections accepted after the scan are younger
    /// than all candidates.
    pub(super) fn next<C>(&mut self, connections: &mut Slab<Connection<C>>, most: Claim) -> Option<usize> {
        while let Some(one) = self.found.pop() {
            if connections.get(one.id).and_then(|now| now.gives_way()) == Some((one.claim, one.since)) {
                return (one.claim <= most).then_some(one.id.place());
            }
        }
        self.look(connections);
        self.found.pop().filter(|one| one.claim <= most).map(|one| one.id.place())
    }

    /// The number of connections examined since the start.
    pub(super) fn looked_at(&self) -> u64 {
        self.looked_at
    }

    fn look<C>(&mut self, connections: &Slab<Connection<C>>) {
        let Self { found, all, looked_at } = self;
        *looked_at += connections.len() as u64;
        all.clear();
        all.extend(connections.iter().filter_map(|(_, one)| {
            let (claim, since) = one.gives_way()?;
            Some(Stranger { from: one.from, claim, since, of_address: 1, id: one.id })
        }));
        // Grouped by address; within an address, the last one to be closed comes first.
        all.sort_unstable_by_key(|one| (one.from, Reverse((one.claim, one.since))));
        for at in 1..all.len() {
            if all[at].from == all[at - 1].from {
                all[at].of_address = all[at - 1].of_address + 1;
            }
        }
        all.sort_unstable_by_key(|one| (one.claim, Reverse(one.of_address), one.since));
        let unclaimed = all.partition_point(|one| one.claim == Claim::None);
        let named = all.partition_point(|one| one.claim <= Claim::Named);
        let wanted = (connections.len() / CONNECTIONS_PER_FIND).max(1);
        let kept = (all.len() / PLACES_PER_UNCLAIMED).max(1);
        let missing = kept.saturating_sub(unclaimed).min(wanted).min(named - unclaimed);
        // Of those with a better claim, only as many as needed are taken, because new connections, which have no claim,
        // are closed before them. So a scan may find only one, and `Server::accept` limits the number of scans.
        let others = match unclaimed.min(wanted - missing) {
            0 if missing == 0 => usize::from(!all.is_empty()),
            others => others,
        };
        found.extend(all[..others].iter().rev());
        found.extend(all[unclaimed..unclaimed + missing].iter().rev());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::waiting;
    use super::*;

    /// Connections without a login with numbered addresses from 10.0.0.0 on.
    struct House {
        connections: Slab<Connection<()>>,
        eldest: Eldest,
        now: u64,
    }

    impl House {
        fn new(places: usize) -> Self {
            Self { connections: Slab::new(places), eldest: Eldest::default(), now: 0 }
        }

        /// Adds a connection with this claim; returns address and claim of the connection closed for it.
        fn come(&mut self, from: u32, claim: Claim) -> Option<(u32, Claim)> {
            let gone = self.connections.is_full().then(|| {
                let place = self.eldest.next(&mut self.connections, Claim::Known).expect("somebody goes");
                let gone = self.connections.remove(place).expect("it is there");
                let IpAddr::V4(address) = gone.from else { panic!("{}", gone.from) };
                (address.to_bits() - (10 << 24), gone.gives_way().expect("nobody is logged in").0)
            });
            self.now += 1;
            let made = self.connections.insert(|id| waiting(id, from, claim, self.now));
            made.expect("there is room").expect("it is made");
            gone
        }

        fn count(&self, from: u32) -> usize {
            let from = IpAddr::from(std::net::Ipv4Addr::from_bits((10 << 24) + from));
            self.connections.iter().filter(|(_, one)| one.from == from).count()
        }
    }

    #[test]
    fn a_better_claim_gives_way_later_and_of_the_same_whose_address_has_most() {
        let mut house = House::new(7);
        for (from, claim) in [
            (1, Claim::Known),
            (2, Claim::Listed),
            (3, Claim::Named),
            (4, Claim::None),
            (5, Claim::None),
            (6, Claim::None),
            (5, Claim::None),
        ] {
            assert_eq!(house.come(from, claim), None);
        }
        let gone: Vec<u32> = (0..7).map(|_| house.come(9, Claim::Known).expect("somebody goes").0).collect();
        // One place is kept for those without a claim. When there is none with this claim left either, the next claim
        // is used.
        assert_eq!(gone[..4], [5, 4, 6, 5], "the second of 5 counts as one, and is the youngest");
        assert_eq!(gone[4..], [3, 2, 9], "of those that are known one goes whose address has most");
    }

    #[test]
    fn a_flood_from_one_address_throws_out_its_own() {
        for (places, claim) in
            [(64, Claim::None), (64, Claim::Named), (2_048, Claim::None), (2_048, Claim::Named)]
        {
            let mut house = House::new(places);
            for (from, claim) in [(2, Claim::None), (3, Claim::Named), (4, Claim::Known)] {
                house.come(from, claim);
            }
            for number in 0..20_000 {
                let gone = house.come(1, claim);
                assert!(gone.is_none_or(|(from, _)| from == 1), "{places} {claim:?} {number}: {gone:?}");
            }
            assert_eq!([2, 3, 4].map(|from| house.count(from)), [1; 3]);
        }
    }

    #[test]
    fn silence_from_many_addresses_throws_out_nobody_who_waits_for_the_authenticator() {
        let mut house = House::new(64);
        for from in 0..40 {
            house.come(from, Claim::Named);
        }
        for number in 0..20_000 {
            let gone = house.come(100 + number, Claim::None);
            assert!(gone.is_none_or(|(_, claim)| claim == Claim::None), "{number}: {gone:?}");
        }
    }

    #[test]
    fn real_names_from_many_addresses_leave_newcomers_the_time_to_say_theirs() {
        for (places, kept) in [(64, 8), (2_048, 256)] {
            let mut house = House::new(places);
            for number in 0..3 * places as u32 {
                house.come(100 + number, Claim::Named);
            }
            for from in 0..kept {
                let gone = house.come(from, Claim::None);
                assert_eq!(gone.map(|(_, claim)| claim), Some(Claim::Named), "{from} of {places}");
            }
            for number in 0..100 {
                house.come(100_000 + number, Claim::None);
            }
            let without = house
                .connections
                .iter()
                .filter(|(_, one)| one.gives_way().map(|(claim, _)| claim) == Some(Claim::None));
            let without = without.count() as u32;
            assert!((kept..=kept + places as u32 / 32).contains(&without), "{without} of {places}");
        }
    }

    /// The cost of a new connection, in connections examined.
    #[test]
    fn one_look_is_for_many_newcomers() {
        for (addresses, claims) in [
            (1, [Claim::None; 2]),
            (1_000_000, [Claim::None; 2]),
            (1, [Claim::Named; 2]),
            (1_000_000, [Claim::Named; 2]),
            (7, [Claim::None, Claim::Named]),
        ] {
            for places in [64, 2_048] {
                let mut house = House::new(places);
                for number in 0..10_000 + places as u32 {
                    house.come(number % addresses, claims[number as usize % 2]);
                }
                let each = house.eldest.looked_at() / 10_000;
                assert!(
                    each <= 40,
                    "{addresses} addresses, {places} places, {claims:?}: {each} for each newcomer"
                );
            }
        }
    }
}
