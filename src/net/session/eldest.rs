//! Which connection gives way when there is no place left.
//!
//! Those that wait for the authenticator with a claim give way after all others: a real name is worth more than silence. Of those with the
//! same claim one gives way whose address has most without a login, so that whoever floods from one address throws out its own;
//! of equal ones the one that has gone without a login for longest.
//!
//! Real names are no secret. So an eighth of the places without a login is for those that have no claim: where they are fewer,
//! one gives way that waits under a real name, and newcomers have the time to say theirs.
//!
//! In a flood that is asked for every newcomer, and a look at all connections takes longer than everything else that a newcomer
//! costs. So one look finds several that go next, one for every so many connections, and the next ones come from there.

use super::connection::Connection;
use crate::net::auth::Claim;
use crate::net::{ConnectionId, Slab};
use std::cmp::Reverse;
use std::net::IpAddr;

/// One look finds one for so many connections: 64 of 2,048, and of few just the one.
const CONNECTIONS_PER_FIND: usize = 32;

/// Of so many places without a login one is for connections without a claim, and at least one is.
const PLACES_PER_UNCLAIMED: usize = 8;

/// A connection without a login, as it was when it was looked at.
#[derive(Clone, Copy)]
struct Stranger {
    /// Its address, as addresses are counted.
    from: IpAddr,
    claim: Claim,
    /// Since when it has gone without a login, ns.
    since: u64,
    /// How many of its address go no earlier, itself among them: so the k-th to go of n counts as n - k, and addresses that have
    /// as many take turns.
    of_address: usize,
    id: ConnectionId,
}

/// Those who go next.
#[derive(Default)]
pub(super) struct Eldest {
    /// The first to go is the last.
    found: Vec<Stranger>,
    /// Room for a look.
    all: Vec<Stranger>,
    /// How many connections all looks have looked at.
    looked_at: u64,
}

impl Eldest {
    /// The connection that gives way; `None` when all others are logged in, or have a better claim than `most`. One that has
    /// changed since it was found is passed over, and is found again when its turn comes; whoever came later is younger than all
    /// that were found.
    pub(super) fn next<C>(&mut self, connections: &mut Slab<Connection<C>>, most: Claim) -> Option<usize> {
        while let Some(one) = self.found.pop() {
            if connections.get(one.id).and_then(|now| now.gives_way()) == Some((one.claim, one.since)) {
                return (one.claim <= most).then_some(one.id.place());
            }
        }
        self.look(connections);
        self.found.pop().filter(|one| one.claim <= most).map(|one| one.id.place())
    }

    /// How many connections were looked at since the start, to find those who go.
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
        // Each address by itself, the last to go first.
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
        // Of those with a better claim no more than is needed: newcomers, who have none, go before them. So a look may find but
        // one, for which `Server::accept` has a limit.
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

    /// Connections without a login, one after another, from 10.0.0.0 and this number.
    struct House {
        connections: Slab<Connection<()>>,
        eldest: Eldest,
        now: u64,
    }

    impl House {
        fn new(places: usize) -> Self {
            Self { connections: Slab::new(places), eldest: Eldest::default(), now: 0 }
        }

        /// A newcomer with this claim, and who gave way to it: address and claim.
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
        // One place is for those without a claim; when there is none with this claim left either, the next ones go.
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

    /// What a newcomer costs, counted in connections that are looked at.
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
