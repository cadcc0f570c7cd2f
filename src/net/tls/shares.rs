//! Limits of handshakes and connections per address, and the rate of handshakes.

use crate::net::origin;
use crate::runtime::{Pace, Rate};
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// Limits of handshakes and connections. Each is at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsLimits {
    /// Unfinished handshakes of all addresses.
    pub handshakes_max: usize,
    /// Unfinished handshakes of one address.
    pub handshakes_per_address: usize,
    /// Connections after their handshake, of all addresses.
    pub connections_max: usize,
    /// Connections after their handshake, of one address.
    pub connections_per_address: usize,
}

/// The rate at which handshakes of one address begin. A handshake needs a signature, which costs the server more than
/// the client.
const PACE: Rate = Rate { burst: 32, spacing: 50_000_000 };

/// The reason why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    /// Its address has reached its limit of connections.
    #[error("its address has as many connections as tls.connections_per_address = {0} allows")]
    Address(usize),
    /// Its address exceeds the rate of handshakes and has no place to wait.
    #[error("its address begins more than {at} handshakes at once and {a} a second", at = PACE.burst, a = 1_000_000_000 / PACE.spacing)]
    Pace,
    /// The limit of all connections is reached.
    #[error("there are {0} connections already, see gateway.connections_max")]
    Full(usize),
}

/// The limit for which a handshake was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaveWay {
    Address(usize),
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

/// One of this many handshakes, and at least one, may belong to a client that has sent nothing. If there are fewer of
/// these, other handshakes are ended instead.
const HANDSHAKES_PER_SILENT: usize = 8;

/// An unfinished handshake.
struct Handshake {
    number: u64,
    /// A byte of it was received.
    has_spoken: bool,
    /// Aborts it; `None` until its task exists.
    task: Option<AbortHandle>,
}

/// The handshakes and connections of one address.
#[derive(Default)]
struct Share {
    /// Oldest first.
    handshakes: VecDeque<Handshake>,
    connections: usize,
}

impl Share {
    fn oldest(&self, has_spoken: bool) -> Option<u64> {
        self.handshakes.iter().find(|one| one.has_spoken == has_spoken).map(|one| one.number)
    }

    fn spoken(&self) -> usize {
        self.handshakes.iter().filter(|one| one.has_spoken).count()
    }
}

struct Table {
    shares: HashMap<IpAddr, Share>,
    pace: Pace<IpAddr>,
    handshakes: usize,
    connections: usize,
    last_number: u64,
}

/// The handshakes and connections of all addresses.
#[derive(Clone)]
pub struct Shares {
    limits: TlsLimits,
    table: Arc<Mutex<Table>>,
}

/// A handshake that may begin.
pub struct Begun {
    pub place: HandshakePlace,
    /// The delay before it begins, in nanoseconds.
    pub wait: u64,
    pub gave_way: Option<GaveWay>,
}

impl Shares {
    /// An empty table. A handshake that would have to wait longer than `wait_max` nanoseconds is refused.
    pub fn new(limits: TlsLimits, wait_max: u64) -> Self {
        let table = Table {
            shares: HashMap::new(),
            pace: Pace::new(PACE, wait_max),
            handshakes: 0,
            connections: 0,
            last_number: 0,
        };
        Self { limits, table: Arc::new(Mutex::new(table)) }
    }

    /// After a panic in another task the counts are still correct, because they change in one step.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a handshake at `now` (nanoseconds). It waits if its address exceeds the rate of handshakes. If it need not
    /// wait and its address has too many handshakes, one of that address is ended: the oldest without a received byte,
    /// otherwise the oldest. If all addresses together have too many, one is ended as in [`Shares::give_way`].
    ///
    /// # Errors
    /// [`TurnedAway::Address`]: the address has no connection left, so the handshake would be useless.
    /// [`TurnedAway::Pace`]: it would have to wait too long, or has to wait without a free place.
    pub fn begin(&self, peer: IpAddr, now: u64) -> Result<Begun, TurnedAway> {
        let (from, limits) = (origin(peer), self.limits);
        let mut table = self.table();
        let share = table.shares.get(&from);
        let (begun, connections) = share.map_or((0, 0), |share| (share.handshakes.len(), share.connections));
        if connections >= limits.connections_per_address {
            return Err(TurnedAway::Address(limits.connections_per_address));
        }
        let gives_way = if begun >= limits.handshakes_per_address {
            let own = share.and_then(|share| share.oldest(false).or_else(|| share.oldest(true)));
            own.map(|own| ((from, own), GaveWay::Address(limits.handshakes_per_address)))
        } else if table.handshakes >= limits.handshakes_max {
            table.gives_way().map(|one| (one, GaveWay::All(limits.handshakes_max)))
        } else {
            None
        };
        // No handshake is ended for one that must wait: otherwise a fast client could end handshakes that may already
        // run.
        if gives_way.is_some() && !table.pace.is_free(&from, now) {
            return Err(TurnedAway::Pace);
        }
        let at = table.pace.book(from, now).ok_or(TurnedAway::Pace)?;
        if let Some((one, _)) = gives_way {
            table.cut(one);
        }
        table.last_number += 1;
        table.handshakes += 1;
        let number = table.last_number;
        table.shares.entry(from).or_default().handshakes.push_back(Handshake {
            number,
            has_spoken: false,
            task: None,
        });
        let place = HandshakePlace { shares: self.clone(), from, number };
        Ok(Begun { place, wait: at - now, gave_way: gives_way.map(|(_, limit)| limit) })
    }

    /// Ends the next handshake in order, to free another resource; returns whether there was one.
    pub fn give_way(&self) -> bool {
        let mut table = self.table();
        table.gives_way().inspect(|one| table.cut(*one)).is_some()
    }

    /// The number of handshakes with a received byte.
    #[cfg(test)]
    pub fn spoken(&self) -> usize {
        self.table().shares.values().map(Share::spoken).sum()
    }

    /// Sets the task of a handshake, which is aborted when the handshake is ended.
    pub fn attach(&self, (peer, number): (IpAddr, u64), task: AbortHandle) {
        // If it is not in the table, it has already ended.
        if let Some(handshake) = self.table().handshake(origin(peer), number) {
            handshake.task = Some(task);
        }
    }
}

impl Table {
    /// An unfinished handshake; `None` if it has ended.
    fn handshake(&mut self, from: IpAddr, number: u64) -> Option<&mut Handshake> {
        self.shares.get_mut(&from)?.handshakes.iter_mut().find(|one| one.number == number)
    }

    /// Address and number of the handshake to end. Clients send a byte as soon as they are connected, so handshakes
    /// without a received byte are ended first. If these are few, others are ended instead, because a new connection
    /// has not sent a byte either.
    fn gives_way(&self) -> Option<(IpAddr, u64)> {
        let spoken: usize = self.shares.values().map(Share::spoken).sum();
        let kept = (self.handshakes / HANDSHAKES_PER_SILENT).max(1);
        self.greediest(spoken > 0 && self.handshakes - spoken < kept)
    }

    /// The oldest handshake, with or without a received byte, of the address that has the most of them; among addresses
    /// with equally many, the oldest. So every handshake gets some time, whatever its address.
    fn greediest(&self, has_spoken: bool) -> Option<(IpAddr, u64)> {
        let busy = self.shares.iter().filter_map(|(address, share)| {
            let count = if has_spoken { share.spoken() } else { share.handshakes.len() };
            Some((count, Reverse(share.oldest(has_spoken)?), *address))
        });
        busy.max_by_key(|(count, oldest, _)| (*count, *oldest))
            .map(|(_, Reverse(oldest), address)| (address, oldest))
    }

    /// Ends a handshake early.
    fn cut(&mut self, (from, number): (IpAddr, u64)) {
        if let Some(task) = self.handshake(from, number).and_then(|handshake| handshake.task.take()) {
            task.abort();
        }
        self.end(from, number);
    }

    /// Removes a handshake. Does nothing if it has already ended.
    fn end(&mut self, from: IpAddr, number: u64) {
        let Some(share) = self.shares.get_mut(&from) else { return };
        let before = share.handshakes.len();
        share.handshakes.retain(|handshake| handshake.number != number);
        self.handshakes -= before - share.handshakes.len();
        self.tidy(from);
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

    /// Records that a byte was received.
    pub fn note_spoken(&self) {
        if let Some(handshake) = self.shares.table().handshake(self.from, self.number) {
            handshake.has_spoken = true;
        }
    }

    /// Replaces the place of a finished handshake by the place of a connection.
    ///
    /// # Errors
    /// [`TurnedAway`]: there is no free place.
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

    /// A start time, and the longest wait of a handshake, in nanoseconds.
    const NOW: u64 = 1_000_000_000_000;
    const WAIT_MAX: u64 = 10_000_000_000;
    const MS: u64 = 1_000_000;

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    fn under_way(shares: &Shares, number: u8) -> Vec<u64> {
        let table = shares.table();
        let share = table.shares.get(&peer(number));
        share.map_or(Vec::new(), |share| share.handshakes.iter().map(|one| one.number).collect())
    }

    fn shares(limits: TlsLimits) -> Shares {
        Shares::new(limits, WAIT_MAX)
    }

    fn begin(shares: &Shares, number: u8) -> (HandshakePlace, Option<GaveWay>) {
        let begun = shares.begin(peer(number), NOW).unwrap_or_else(|why| panic!("{number}: {why}"));
        assert_eq!(begun.wait, 0);
        (begun.place, begun.gave_way)
    }

    #[test]
    fn a_flood_of_handshakes_from_one_address_takes_its_own_places() {
        let shares = shares(LIMITS);
        let other = begin(&shares, 2);
        let flood: Vec<_> = (0..PACE.burst).map(|_| begin(&shares, 1)).collect();
        assert_eq!(under_way(&shares, 1), [31, 32, 33], "its newest");
        assert!(flood[3..].iter().all(|(_, gave_way)| *gave_way == Some(GaveWay::Address(3))));
        assert_eq!(under_way(&shares, 2), [1]);
        let third = begin(&shares, 3);
        assert_eq!(third.1, None, "there is room");
        let fourth = begin(&shares, 4);
        assert_eq!(fourth.1, Some(GaveWay::All(5)));
        assert_eq!(under_way(&shares, 1), [32, 33], "whoever has most gives way");
        assert!(other.0.finish().is_ok() && third.0.finish().is_ok() && fourth.0.finish().is_ok());
        drop(flood);
        let table = shares.table();
        assert_eq!((table.handshakes, table.connections, table.shares.len()), (0, 0, 0), "all is given back");
    }

    #[test]
    fn of_addresses_that_have_as_many_the_oldest_handshake_gives_way() {
        let shares = shares(LIMITS);
        let _all: Vec<_> = (1..=200).map(|number| begin(&shares, number)).collect();
        let left: Vec<u8> = (1..=200).filter(|number| !under_way(&shares, *number).is_empty()).collect();
        assert_eq!(left, [196, 197, 198, 199, 200]);
    }

    #[test]
    fn connections_have_a_limit_and_a_share_for_each_address() {
        let shares = shares(LIMITS);
        let begun: Vec<HandshakePlace> = (0..3).map(|_| begin(&shares, 1).0).collect();
        let mut finished: Vec<Result<ConnectionPlace, TurnedAway>> =
            begun.into_iter().map(HandshakePlace::finish).collect();
        let third = finished.pop().expect("three");
        assert_eq!(third.err(), Some(TurnedAway::Address(2)));
        assert_eq!(
            shares.begin(peer(1), NOW).err(),
            Some(TurnedAway::Address(2)),
            "a handshake would be in vain"
        );
        finished.extend([2, 2].map(|number| begin(&shares, number).0.finish()));
        assert!(finished.iter().all(Result::is_ok));
        assert_eq!(begin(&shares, 3).0.finish().err(), Some(TurnedAway::Full(4)));
        drop(finished.remove(0));
        assert!(begin(&shares, 3).0.finish().is_ok());
        assert!(shares.begin(peer(1), NOW).is_ok());
    }
    const PLACES: TlsLimits = TlsLimits {
        handshakes_max: 256,
        handshakes_per_address: 32,
        connections_max: 1_000,
        connections_per_address: 1_000,
    };

    /// A flood that replays the beginning of a handshake 2,500 times a second for 10 seconds. Each handshake stays
    /// until it is ended.
    #[test]
    fn a_flood_begins_few_handshakes_and_others_begin_theirs_at_once() {
        let shares = shares(PLACES);
        let (mut flood, mut begun) = (Vec::new(), Vec::new());
        for at in 0..25_000 {
            let now = NOW + at * 400_000;
            if let Ok(one) = shares.begin(peer(1), now) {
                begun.push(now + one.wait);
                flood.push(one.place);
            }
            if at % 1_000 == 0 {
                let other = shares.begin(peer(2), now).map(|other| (other.wait, other.gave_way));
                assert_eq!(other, Ok((0, None)));
            }
        }
        begun.sort_unstable();
        assert!((220..=240).contains(&begun.len()), "{}", begun.len());
        assert!(begun[32..].windows(2).all(|two| two[1] - two[0] >= 49 * MS));
        assert_eq!(under_way(&shares, 1).len(), 32);
    }

    /// After a restart 200 clients behind one address reconnect together. A handshake takes 20 ms; a refused client
    /// retries after 100 ms.
    #[test]
    fn clients_behind_one_address_all_get_in_if_later() {
        let shares = shares(PLACES);
        // The arrival times, and the running handshakes with their end times.
        let mut outside: Vec<u64> = (0..200).map(|at| NOW + at * MS / 4).collect();
        let mut under_way: Vec<(u64, HandshakePlace)> = Vec::new();
        let mut inside = Vec::new();
        let mut now = NOW;
        while inside.len() < 200 {
            assert!(now < NOW + 12_000 * MS, "{} of 200 are in", inside.len());
            let (done, rest): (Vec<_>, Vec<_>) = under_way.into_iter().partition(|(end, _)| *end <= now);
            under_way = rest;
            for (_, place) in done {
                assert!(
                    shares.table().shares[&peer(1)].handshakes.iter().any(|one| one.number == place.number())
                );
                inside.push(place.finish().expect("there is room"));
            }
            for comes in outside.extract_if(.., |comes| *comes <= now).collect::<Vec<_>>() {
                match shares.begin(peer(1), now) {
                    Ok(begun) => under_way.push((now + begun.wait + 20 * MS, begun.place)),
                    Err(why) => {
                        assert_eq!(why, TurnedAway::Pace);
                        outside.push(comes + 100 * MS);
                    }
                }
            }
            now += MS;
        }
        assert!(now > NOW + (200 - 32 - 1) * 50 * MS, "they came in too fast");
    }

    #[test]
    fn who_would_wait_for_longer_than_a_handshake_may_take_is_turned_away() {
        let shares = shares(TlsLimits { handshakes_max: 1_000, handshakes_per_address: 1_000, ..PLACES });
        let begun: Vec<_> = (0..500).map(|_| shares.begin(peer(1), NOW)).collect();
        let waits: Vec<u64> = begun.iter().flatten().map(|begun| begun.wait).collect();
        assert_eq!((waits.len(), waits[31], waits[32], waits[231]), (232, 0, 50 * MS, WAIT_MAX));
        assert!(begun[232..].iter().all(|one| one.as_ref().err() == Some(&TurnedAway::Pace)));
    }

    #[test]
    fn for_want_of_descriptors_the_oldest_of_whoever_has_most_gives_way() {
        let shares = shares(LIMITS);
        let _all: Vec<_> = [1, 2, 2, 3].map(|number| begin(&shares, number)).into_iter().collect();
        let left = || [1, 2, 3].map(|number| under_way(&shares, number));
        assert!(shares.give_way());
        assert_eq!(left(), [vec![1], vec![3], vec![4]]);
        assert!(shares.give_way());
        assert_eq!(left(), [vec![], vec![3], vec![4]]);
        assert!(shares.give_way() && shares.give_way() && !shares.give_way());
    }
    /// Fills all places, each with an address of its own, with or without a received byte.
    fn full(shares: &Shares, has_spoken: bool) -> Vec<HandshakePlace> {
        let all: Vec<HandshakePlace> = (0..=255).map(|number| begin(shares, number).0).collect();
        all.iter().filter(|_| has_spoken).for_each(HandshakePlace::note_spoken);
        all
    }

    /// Begins a handshake from an address of this network; also returns which limit ended another one.
    fn another(shares: &Shares, net: u8, number: u32) -> (HandshakePlace, Option<GaveWay>) {
        let [_, _, high, low] = number.to_be_bytes();
        let begun = shares.begin(IpAddr::from([net, 0, high, low]), NOW).expect("it begins");
        (begun.place, begun.gave_way)
    }

    fn is_under_way(place: &HandshakePlace) -> bool {
        let table = place.shares.table();
        table
            .shares
            .get(&place.from)
            .is_some_and(|share| share.handshakes.iter().any(|one| one.number == place.number))
    }

    #[test]
    fn silence_from_many_addresses_ends_no_handshake_that_has_begun() {
        let shares = shares(PLACES);
        let slow: Vec<HandshakePlace> = (0..200).map(|number| begin(&shares, number).0).collect();
        slow.iter().for_each(HandshakePlace::note_spoken);
        let flood: Vec<_> = (0..10_000).map(|number| another(&shares, 11, number).0).collect();
        assert!(slow.iter().all(is_under_way));
        let left = flood.iter().filter(|place| is_under_way(place)).count();
        assert_eq!(left, 56);
        assert!(flood[10_000 - 56..].iter().all(is_under_way), "of those that are silent the oldest go");
    }

    #[test]
    fn of_the_silent_ones_those_go_first_whose_address_has_most() {
        let shares = shares(PLACES);
        let others: Vec<HandshakePlace> = (0..200).map(|number| begin(&shares, number).0).collect();
        let _flood: Vec<_> = (0..120).map(|number| another(&shares, 11, number % 4)).collect();
        let _more: Vec<_> = (0..200).map(|number| another(&shares, 12, number).0).take(40).collect();
        assert!(others.iter().all(is_under_way));
    }

    #[test]
    fn beside_many_that_have_spoken_a_newcomer_has_the_time_to_speak() {
        let shares = shares(PLACES);
        let spoken = full(&shares, true);
        let newcomers: Vec<HandshakePlace> = (0..32).map(|number| another(&shares, 11, number).0).collect();
        for number in 0..1_000 {
            let (place, gave_way) = another(&shares, 12, number);
            assert_eq!(gave_way, Some(GaveWay::All(256)));
            place.note_spoken();
            std::mem::forget(place);
            if number == 0 {
                // An eighth was silent; the last one exceeded that.
                assert_eq!(newcomers.iter().filter(|place| is_under_way(place)).count(), 31);
            }
        }
        assert_eq!(newcomers.iter().filter(|place| is_under_way(place)).count(), 31);
        assert!(!spoken.iter().any(is_under_way), "of those that have spoken the oldest go");
    }

    #[test]
    fn of_one_address_the_silent_ones_give_way_first() {
        let shares = shares(LIMITS);
        let all: Vec<HandshakePlace> = (0..3).map(|_| begin(&shares, 1).0).collect();
        all[0].note_spoken();
        let fourth = begin(&shares, 1);
        assert_eq!((under_way(&shares, 1), fourth.1), (vec![1, 3, 4], Some(GaveWay::Address(3))));
        all[2].note_spoken();
        fourth.0.note_spoken();
        let _fifth = begin(&shares, 1);
        assert_eq!(under_way(&shares, 1), [3, 4, 5], "all of them have spoken");
    }
}
