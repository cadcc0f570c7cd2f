//! The queue of retransmission requests, and the order of the answers. The sender of a request is easily forged, so
//! everything is bounded: the rate of answers per address, the waiting requests, and the known addresses.

use crate::net::origin;
use crate::runtime::{Budget, Pace, Rate};
use crate::wire::mold::Header;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// A second in nanoseconds.
const SECOND_NS: u64 = 1_000_000_000;
/// The part of an address's requests per second that may come at once, and the minimum of such a burst.
const BURST_PART: u32 = 10;
const BURST_MIN: u32 = 16;
/// The rate of answers to all addresses together: 50,000 per second of at most 1,400 bytes each, 70 MB.
const ANSWERS: Rate = Rate { burst: 2_000, spacing: 20_000 };
/// The most waiting requests of all addresses, and the part of the free places that one address may use. So an address
/// that comes later finds a place, however many requests the others send.
const WAITING_MAX: usize = 512;
const WAITING_PART: usize = 4;
/// Messages read from the log that cost as much as one request.
const READS_EACH: u64 = 256;

/// A request that waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) from: SocketAddr,
    pub(super) request: Header,
}

/// The waiting requests.
pub(super) struct Askers {
    pace: Pace<IpAddr>,
    answers: Budget,
    /// By address, never empty; and the addresses in the order of their turns.
    waiting: HashMap<IpAddr, VecDeque<Asked>>,
    turns: VecDeque<IpAddr>,
    count: usize,
}

impl Askers {
    /// Without requests. Each address may send `per_second` requests per second, at least 1.
    pub(super) fn new(per_second: u32) -> Self {
        let burst = (per_second / BURST_PART).max(BURST_MIN).min(per_second);
        let rate = Rate { burst: u64::from(burst), spacing: SECOND_NS / u64::from(per_second) };
        Self {
            pace: Pace::new(rate, 0),
            answers: Budget::new(ANSWERS),
            waiting: HashMap::new(),
            turns: VecDeque::new(),
            count: 0,
        }
    }

    /// Adds a request. Returns `false` and drops it if its address sends too fast or too many requests are waiting.
    pub(super) fn offer(&mut self, asked: Asked, now: u64) -> bool {
        let from = origin(asked.from.ip());
        let free = WAITING_MAX - self.count;
        let own = self.waiting.get(&from).map_or(0, VecDeque::len);
        if free == 0 || own >= free.div_ceil(WAITING_PART) || self.pace.book(from, now).is_none() {
            return false;
        }
        if own == 0 {
            self.turns.push_back(from);
        }
        self.waiting.entry(from).or_default().push_back(asked);
        self.count += 1;
        true
    }

    /// The next request to answer, one per address in turn. `None` if there is none, or if the rate of all answers is
    /// used up.
    pub(super) fn next(&mut self, now: u64) -> Option<Asked> {
        if !self.answers.is_left(now) {
            return None;
        }
        let from = self.turns.pop_front()?;
        let own = self.waiting.get_mut(&from)?;
        let asked = own.pop_front();
        if own.is_empty() {
            self.waiting.remove(&from);
        } else {
            self.turns.push_back(from);
        }
        self.count -= usize::from(asked.is_some());
        self.answers.spend(now);
        asked
    }

    /// Charges an address for messages that had to be read from the log: they cost it requests.
    pub(super) fn charge(&mut self, from: IpAddr, read: u64, now: u64) {
        self.pace.charge(origin(from), read / READS_EACH, now);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::bounded::ENTRIES_MAX;
    use crate::wire::soup::SessionId;

    const MS: u64 = 1_000_000;
    const NOW: u64 = 1_000 * SECOND_NS;

    /// A request of address 10.x.x.x.
    fn asked(address: u32, sequence: u64) -> Asked {
        let ip = std::net::Ipv4Addr::from_bits(0x0a00_0000 + address);
        let session = SessionId::new("DOJIMA0001").expect("an id");
        Asked { from: SocketAddr::from((ip, 5_000)), request: Header { session, sequence, count: 1 } }
    }

    /// Offers these requests in a duty cycle and takes `answers`; returns how many were of each address.
    fn cycle<const N: usize>(
        askers: &mut Askers,
        offered: impl Iterator<Item = Asked>,
        answers: usize,
        now: u64,
        of: [u32; N],
    ) -> [usize; N] {
        offered.for_each(|one| {
            askers.offer(one, now);
        });
        let answered: Vec<SocketAddr> =
            (0..answers).map_while(|_| askers.next(now)).map(|one| one.from).collect();
        of.map(|address| answered.iter().filter(|from| **from == asked(address, 0).from).count())
    }

    #[test]
    fn an_address_that_floods_neither_delays_nor_takes_what_another_is_answered() {
        let mut askers = Askers::new(10_000);
        let (mut flooded, mut served) = (0, 0);
        for at in 0..1_000 {
            let offered = (0..20).chain(100..700).map(|number| asked(1, number));
            let other = (0..3).map(|number| asked(2, number));
            let [one, two] = cycle(&mut askers, offered.chain(other), 64, NOW + at * MS, [1, 2]);
            assert_eq!(two, 3, "cycle {at}: in the same cycle, all of them");
            (flooded, served) = (flooded + one, served + two);
        }
        assert_eq!(served, 3_000);
        assert!((10_000..=11_000).contains(&flooded), "{flooded}: its rate and its burst");
    }

    #[test]
    fn addresses_that_all_ask_too_much_share_in_turns() {
        let mut askers = Askers::new(10_000_000);
        for at in 0..100 {
            let offered = (0..512).map(|number| asked(1, number));
            let later = (0..512).map(|number| asked(2, number));
            let answered = cycle(&mut askers, offered.chain(later), 48, NOW + at * MS, [1, 2]);
            assert_eq!(answered, [24, 24], "cycle {at}");
        }
    }

    #[test]
    fn an_address_is_answered_its_requests_a_second_and_all_together_theirs() {
        let per_second = |rate: u32, addresses: u32| {
            let mut askers = Askers::new(rate);
            (0..5_000)
                .map(|at| {
                    let offered = (0..200).map(|number| asked(number % addresses, u64::from(number)));
                    offered.for_each(|one| {
                        askers.offer(one, NOW + at * MS);
                    });
                    std::iter::from_fn(|| askers.next(NOW + at * MS)).count()
                })
                .sum::<usize>()
                / 5
        };
        assert!((10_000..10_300).contains(&per_second(10_000, 1)));
        assert!((3..5).contains(&per_second(3, 1)));
        assert!((50_000..50_500).contains(&per_second(10_000, 50)), "{}", per_second(10_000, 50));
    }

    #[test]
    fn forged_addresses_fill_no_memory_and_keep_nobody_out_for_long() {
        let mut askers = Askers::new(10_000);
        let mut served = 0;
        for at in 0..1_000_u32 {
            let now = NOW + u64::from(at) * MS;
            let forged = (0..200).map(|number| asked(1_000 + at * 200 + number, 1));
            let own = (0..2).map(|number| asked(7, number));
            let before = (at % 2 == 0).then_some(own.clone()).into_iter().flatten();
            let [answered] = cycle(&mut askers, before.chain(forged).chain(own), 64, now, [7]);
            served += answered;
            assert!(askers.count <= WAITING_MAX && askers.waiting.len() <= askers.count);
            assert!(askers.turns.len() == askers.waiting.len() && askers.pace.len() <= ENTRIES_MAX);
        }
        assert!(served > 80, "{served}: one in each round");
        let end = NOW + 2 * SECOND_NS;
        while askers.next(end).is_some() {}
        assert!(askers.is_empty() && askers.turns.is_empty() && askers.waiting.is_empty());
        assert_eq!(cycle(&mut askers, (0..2).map(|number| asked(7, number)), 64, end + SECOND_NS, [7]), [2]);
    }

    #[test]
    fn what_is_read_from_the_log_costs_requests() {
        let mut askers = Askers::new(1_000);
        let mut answered = 0;
        for at in 0..1_000 {
            askers.offer(asked(1, at), NOW + at * MS);
            while let Some(one) = askers.next(NOW + at * MS) {
                askers.charge(one.from.ip(), 4_096, NOW + at * MS);
                answered += 1;
            }
        }
        assert!((58..70).contains(&answered), "{answered}: a seventeenth");
    }
}
