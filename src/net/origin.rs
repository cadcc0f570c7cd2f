//! The unit of an address for all limits and counts per address.

use std::net::{IpAddr, Ipv6Addr};

/// The prefix length of an IPv6 address that is assigned to one party, in bits.
const SITE_BITS: u32 = 64;

/// The IPv4 address, or the first 64 bits of the IPv6 address, because its owner can choose and change the rest.
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
