//! Who may begin a handshake, and who may have one more connection: each address has its share.

use crate::net::origin;
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// How many of what there may be at one time. Each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsLimits {
    /// Handshakes that are under way, of all addresses.
    pub handshakes_max: usize,
    /// Those of one address.
    pub handshakes_per_address: usize,
    /// Connections after their handshake, of all addresses.
    pub connections_max: usize,
    /// Those of one address.
    pub connections_per_address: usize,
}

/// Why a connection is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    /// Its address has as many as it may have.
    #[error("its address has as many connections as tls.connections_per_address = {0} allows")]
    Address(usize),
    /// There are as many as there may be.
    #[error("there are {0} connections already, see gateway.connections_max")]
    Full(usize),
}

/// Which limit a handshake gave way to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaveWay {
    /// That of its address.
    Address(usize),
    /// That of all.
    All(usize),
}

impl fmt::Display for GaveWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, limit) = match self {
            Self::Address(limit) => ("tls.handshakes_per_address", limit),
            Self::All(limit) => ("tls.handshakes_max", limit),
        };
        write!(f, "an unfinished handshake gave way to a newer one ({key} = {limit})")
    }
}

/// One handshake that is under way.
struct Handshake {
    number: u64,
    /// What ends it; none until its task is there.
    task: Option<AbortHandle>,
}

/// What one address has.
#[derive(Default)]
struct Share {
    /// The oldest first.
    handshakes: VecDeque<Handshake>,
    connections: usize,
}

#[derive(Default)]
struct Table {
    shares: HashMap<IpAddr, Share>,
    handshakes: usize,
    connections: usize,
    last_number: u64,
}

/// The shares of all addresses.
#[derive(Clone)]
pub struct Shares {
    limits: TlsLimits,
    table: Arc<Mutex<Table>>,
}

impl Shares {
    /// Nobody has anything.
    pub fn new(limits: TlsLimits) -> Self {
        Self { limits, table: Arc::default() }
    }

    /// A panic of another task leaves counts that are right: they change in one go.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more handshake. Where there are too many, the oldest of its address ends; else, where all together are too many, the
    /// oldest of the address that has most, which is told beside it.
    ///
    /// # Errors
    /// [`TurnedAway::Address`]: a handshake would be in vain.
    pub fn begin(&self, peer: IpAddr) -> Result<(HandshakePlace, Option<GaveWay>), TurnedAway> {
        let (from, limits) = (origin(peer), self.limits);
        let mut table = self.table();
        let share = table.shares.get(&from);
        let (begun, connections) = share.map_or((0, 0), |share| (share.handshakes.len(), share.connections));
        if connections >= limits.connections_per_address {
            return Err(TurnedAway::Address(limits.connections_per_address));
        }
        let gave_way = if begun >= limits.handshakes_per_address {
            table.end_oldest(from);
            Some(GaveWay::Address(limits.handshakes_per_address))
        } else if table.handshakes >= limits.handshakes_max {
            // Of those that have as many, the oldest: so every handshake has its time, whatever the address.
            let order = |share: &Share| {
                (share.handshakes.len(), Reverse(share.handshakes.front().map(|oldest| oldest.number)))
            };
            let most = table.shares.iter().max_by_key(|(_, share)| order(share));
            if let Some(most) = most.map(|(address, _)| *address) {
                table.end_oldest(most);
            }
            Some(GaveWay::All(limits.handshakes_max))
        } else {
            None
        };
        table.last_number += 1;
        table.handshakes += 1;
        let number = table.last_number;
        table.shares.entry(from).or_default().handshakes.push_back(Handshake { number, task: None });
        Ok((HandshakePlace { shares: self.clone(), from, number }, gave_way))
    }

    /// What ends a handshake that gives way.
    pub fn attach(&self, (peer, number): (IpAddr, u64), task: AbortHandle) {
        let mut table = self.table();
        let share = table.shares.get_mut(&origin(peer));
        let own = share.and_then(|share| share.handshakes.iter_mut().find(|one| one.number == number));
        // One that is not there has given way, or has ended, already.
        if let Some(handshake) = own {
            handshake.task = Some(task);
        }
    }
}

impl Table {
    fn end_oldest(&mut self, from: IpAddr) {
        let oldest = self.shares.get_mut(&from).and_then(|share| share.handshakes.pop_front());
        if let Some(handshake) = oldest {
            self.handshakes -= 1;
            if let Some(task) = handshake.task {
                task.abort();
            }
        }
        self.tidy(from);
    }

    /// Whether the handshake was under way until now.
    fn end(&mut self, from: IpAddr, number: u64) -> bool {
        let Some(share) = self.shares.get_mut(&from) else { return false };
        let before = share.handshakes.len();
        share.handshakes.retain(|handshake| handshake.number != number);
        let was_there = share.handshakes.len() < before;
        self.handshakes -= usize::from(was_there);
        self.tidy(from);
        was_there
    }

    fn tidy(&mut self, from: IpAddr) {
        if self.shares.get(&from).is_some_and(|share| share.handshakes.is_empty() && share.connections == 0) {
            self.shares.remove(&from);
        }
    }
}

/// The place of a handshake. Dropping it frees the place.
pub struct HandshakePlace {
    shares: Shares,
    from: IpAddr,
    number: u64,
}

impl HandshakePlace {
    /// Its number, for [`Shares::attach`].
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The handshake is done: takes the place of a connection.
    ///
    /// # Errors
    /// [`TurnedAway`]: there is none.
    pub fn finish(self) -> Result<ConnectionPlace, TurnedAway> {
        let (shares, from, limits) = (self.shares.clone(), self.from, self.shares.limits);
        let mut table = shares.table();
        if table.connections >= limits.connections_max {
            drop(table);
            return Err(TurnedAway::Full(limits.connections_max));
        }
        let share = table.shares.entry(from).or_default();
        if share.connections >= limits.connections_per_address {
            drop(table);
            return Err(TurnedAway::Address(limits.connections_per_address));
        }
        share.connections += 1;
        table.connections += 1;
        drop(table);
        Ok(ConnectionPlace { shares, from })
    }
}

impl Drop for HandshakePlace {
    fn drop(&mut self) {
        self.shares.table().end(self.from, self.number);
    }
}

/// The place of a connection. Dropping it frees the place.
pub struct ConnectionPlace {
    shares: Shares,
    from: IpAddr,
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let mut table = self.shares.table();
        table.connections -= 1;
        if let Some(share) = table.shares.get_mut(&self.from) {
            share.connections -= 1;
        }
        table.tidy(self.from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TlsLimits = TlsLimits {
        handshakes_max: 5,
        handshakes_per_address: 3,
        connections_max: 4,
        connections_per_address: 2,
    };

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    fn under_way(shares: &Shares, number: u8) -> Vec<u64> {
        let table = shares.table();
        let share = table.shares.get(&peer(number));
        share.map_or(Vec::new(), |share| share.handshakes.iter().map(|one| one.number).collect())
    }

    fn begin(shares: &Shares, number: u8) -> (HandshakePlace, Option<GaveWay>) {
        shares.begin(peer(number)).unwrap_or_else(|why| panic!("{number}: {why}"))
    }

    #[test]
    fn a_flood_of_handshakes_from_one_address_takes_its_own_places() {
        let shares = Shares::new(LIMITS);
        let other = begin(&shares, 2);
        let flood: Vec<_> = (0..100).map(|_| begin(&shares, 1)).collect();
        assert_eq!(under_way(&shares, 1), [99, 100, 101], "its newest");
        assert!(flood[3..].iter().all(|(_, gave_way)| *gave_way == Some(GaveWay::Address(3))));
        assert_eq!(under_way(&shares, 2), [1]);
        let third = begin(&shares, 3);
        assert_eq!(third.1, None, "there is room");
        let fourth = begin(&shares, 4);
        assert_eq!(fourth.1, Some(GaveWay::All(5)));
        assert_eq!(under_way(&shares, 1), [100, 101], "whoever has most gives way");
        assert!(other.0.finish().is_ok() && third.0.finish().is_ok() && fourth.0.finish().is_ok());
        drop(flood);
        let table = shares.table();
        assert_eq!((table.handshakes, table.connections, table.shares.len()), (0, 0, 0), "all is given back");
    }

    #[test]
    fn of_addresses_that_have_as_many_the_oldest_handshake_gives_way() {
        let shares = Shares::new(LIMITS);
        let _all: Vec<_> = (1..=200).map(|number| begin(&shares, number)).collect();
        let left: Vec<u8> = (1..=200).filter(|number| !under_way(&shares, *number).is_empty()).collect();
        assert_eq!(left, [196, 197, 198, 199, 200]);
    }

    #[test]
    fn connections_have_a_limit_and_a_share_for_each_address() {
        let shares = Shares::new(LIMITS);
        let begun: Vec<HandshakePlace> = (0..3).map(|_| begin(&shares, 1).0).collect();
        let mut finished: Vec<Result<ConnectionPlace, TurnedAway>> =
            begun.into_iter().map(HandshakePlace::finish).collect();
        let third = finished.pop().expect("three");
        assert_eq!(third.err(), Some(TurnedAway::Address(2)));
        assert_eq!(shares.begin(peer(1)).err(), Some(TurnedAway::Address(2)), "a handshake would be in vain");
        finished.extend([2, 2].map(|number| begin(&shares, number).0.finish()));
        assert!(finished.iter().all(Result::is_ok));
        assert_eq!(begin(&shares, 3).0.finish().err(), Some(TurnedAway::Full(4)));
        drop(finished.remove(0));
        assert!(begin(&shares, 3).0.finish().is_ok());
        assert!(shares.begin(peer(1)).is_ok());
    }
}
