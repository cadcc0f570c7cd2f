//! Who asks for a name with how good a reason: from where its owner may come, and from where it has come.

use super::User;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};

/// Addresses that are remembered of a user; of more, the one that it has not come from for longest is forgotten.
pub const REGULARS_MAX: usize = 8;

/// The prefix of an IPv6 address that one party has to itself, bits.
const SITE_BITS: u32 = 64;

/// A user, and where it has come in from since the start.
pub struct Member {
    /// The user.
    pub user: User,
    /// The last of them first.
    regulars: VecDeque<IpAddr>,
}

impl Member {
    /// Nobody has come in yet.
    pub fn new(user: User) -> Self {
        Self { user, regulars: VecDeque::with_capacity(REGULARS_MAX) }
    }

    /// Whether the user may come in from this address at all.
    pub fn may_come_from(&self, peer: IpAddr) -> bool {
        let (allowed, peer) = (&self.user.allow_from, peer.to_canonical());
        allowed.is_empty() || allowed.iter().any(|net| net.contains(&peer))
    }

    /// Whether the address is one of the last that the user has come in from.
    pub fn has_come_from(&self, peer: IpAddr) -> bool {
        self.regulars.contains(&origin(peer))
    }

    /// The user has come in from this address.
    pub fn came_from(&mut self, peer: IpAddr) {
        let from = origin(peer);
        self.regulars.retain(|known| *known != from);
        self.regulars.truncate(REGULARS_MAX - 1);
        self.regulars.push_front(from);
    }
}

/// What counts as one address: an IPv4 address, or the first 64 bits of an IPv6 address, since the other half is for its owner
/// to choose, and to change.
pub fn origin(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let site = address.to_bits() >> (128 - SITE_BITS) << (128 - SITE_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(site))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_is_as_good_as_its_neighbours() {
        for (one, other, same) in [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
        ] {
            let [one, other] = [one, other].map(|text| text.parse().expect("an address"));
            assert_eq!(origin(one) == origin(other), same, "{one} {other}");
        }
    }
}
