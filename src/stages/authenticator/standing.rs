//! Classifies login requests: whether the user may log in from the address, and whether it has done so before.

use super::password::Secret;
use crate::domain::{LoginId, LoginName};
use crate::net::auth::Role;
use crate::net::origin;
use crate::runtime::{Budget, Rate, UnixNanos};
use ipnet::IpNet;
use std::collections::VecDeque;
use std::net::IpAddr;

/// A user who may log in.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name on the wire.
    pub username: LoginName,
    /// The secret that its password is checked against.
    pub secret: Secret,
    pub role: Role,
    /// The login of its stream; `None` for market data and administration.
    pub login: Option<LoginId>,
    /// The networks from which it may log in; empty: any.
    pub allow_from: Vec<IpNet>,
}

/// How many addresses are remembered per user. Beyond that the least recently used one is dropped.
pub const REGULARS_MAX: usize = 8;

/// How often the right password of a user is hashed. A user that logs in more often has to wait, and so does every
/// other request for its name. Wrong passwords do not count, so only the user itself can cause this.
pub const LOGINS: Rate = Rate { burst: 16, spacing: 1_000_000_000 };

/// How long an address is remembered after the user's last login from there, ns: 30 days.
pub const MEMORY_NS: u64 = 30 * 24 * 3_600 * 1_000_000_000;

/// The age from which a remembered login time is worth saving again, ns.
const REFRESH_NS: u64 = 3_600 * 1_000_000_000;

/// The class of a login request. Each class waits in its own line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The name has logged in from this address, or its configuration names this address.
    Known,
    /// The address is in a larger network that the name's configuration allows, and the name has not logged in from it.
    Listed,
    /// The name may log in from everywhere, and has not logged in from this address.
    Elsewhere,
    /// No password can succeed: the name does not exist, or may not log in from this address.
    Hopeless,
}

impl Class {
    /// The number of classes.
    pub const COUNT: usize = Self::Hopeless as usize + 1;
}

/// An address from which a user has logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regular {
    /// The address, or the network that counts as one address.
    pub from: IpAddr,
    /// The time of the last login from there, by the wall clock.
    pub last: UnixNanos,
}

/// A user and the addresses from which it has logged in.
pub struct Member {
    pub user: User,
    /// The most recent first.
    regulars: VecDeque<Regular>,
    /// The budget of right passwords that are hashed, over all addresses.
    logins: Budget,
}

impl Member {
    /// A user that has not logged in yet.
    pub fn new(user: User) -> Self {
        Self { user, regulars: VecDeque::with_capacity(REGULARS_MAX), logins: Budget::new(LOGINS) }
    }

    /// Whether the user may log in from this address at all.
    pub fn may_come_from(&self, peer: IpAddr) -> bool {
        let (allowed, peer) = (&self.user.allow_from, peer.to_canonical());
        allowed.is_empty() || allowed.iter().any(|net| net.contains(&peer))
    }

    /// The class of a request for this user from this address.
    pub fn class(&self, peer: IpAddr, time: UnixNanos) -> Class {
        if !self.may_come_from(peer) {
            Class::Hopeless
        } else if self.is_address_of(peer) || self.has_come_from(peer, time) {
            Class::Known
        } else if self.user.allow_from.is_empty() {
            Class::Elsewhere
        } else {
            Class::Listed
        }
    }

    /// Whether a password of this user may be hashed now.
    pub fn may_log_in(&self, now: u64) -> bool {
        self.logins.is_left(now)
    }

    /// Counts a right password. One that is compared without hashing costs nothing.
    pub fn logged_in(&mut self, now: u64) {
        if self.user.secret.as_hash().is_some() {
            self.logins.spend(now);
        }
    }

    /// Whether the configuration allows exactly this address, not only a larger network.
    fn is_address_of(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        let is_one = |net: &IpNet| origin(net.network()) == origin(net.broadcast());
        self.user.allow_from.iter().any(|net| is_one(net) && net.contains(&peer))
    }

    /// Whether the address is among the remembered ones, and not too old.
    fn has_come_from(&self, peer: IpAddr, time: UnixNanos) -> bool {
        let from = origin(peer);
        let is_recent = |regular: &Regular| time.0.saturating_sub(regular.last.0) <= MEMORY_NS;
        self.regulars.iter().any(|regular| regular.from == from && is_recent(regular))
    }

    /// Records a login from this address. Returns whether the change is worth saving.
    pub fn came_from(&mut self, peer: IpAddr, time: UnixNanos) -> bool {
        let from = origin(peer);
        let before = self.regulars.iter().find(|known| known.from == from).map(|known| known.last);
        self.regulars.retain(|known| known.from != from);
        self.regulars.truncate(REGULARS_MAX - 1);
        self.regulars.push_front(Regular { from, last: time });
        before.is_none_or(|before| time.0.abs_diff(before.0) >= REFRESH_NS)
    }

    /// The remembered addresses that are not too old, the most recent first.
    pub fn regulars(&self, time: UnixNanos) -> impl DoubleEndedIterator<Item = &Regular> {
        self.regulars.iter().filter(move |regular| time.0.saturating_sub(regular.last.0) <= MEMORY_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::auth::Role;
    use crate::stages::authenticator::Secret;
    use crate::wire::soup;

    #[test]
    fn an_address_of_the_configuration_is_known_and_a_network_is_not_until_the_name_came_in() {
        let allowed = ["10.0.0.0/8", "10.1.2.3/32", "192.0.2.8/31", "2001:db8:1::/48", "2001:db8:2:3::/64"];
        for (peer, before, after) in [
            ("10.1.2.3", Class::Known, Class::Known),
            ("::ffff:10.1.2.3", Class::Known, Class::Known),
            ("10.1.2.4", Class::Listed, Class::Known),
            ("192.0.2.8", Class::Listed, Class::Known),
            ("2001:db8:1:2::9", Class::Listed, Class::Known),
            ("2001:db8:2:3::9", Class::Known, Class::Known),
            ("192.0.2.10", Class::Hopeless, Class::Hopeless),
        ] {
            let mut member = Member::new(User {
                username: soup::username("ALICE").expect("a name"),
                secret: Secret::Plain(soup::password("X").expect("a password")),
                role: Role::Admin,
                login: None,
                allow_from: allowed.map(|net| net.parse().expect("a network")).to_vec(),
            });
            let (peer, time) = (peer.parse().expect("an address"), UnixNanos(MEMORY_NS));
            assert_eq!(member.class(peer, time), before, "{peer}");
            member.came_from(peer, time);
            assert_eq!(member.class(peer, time), after, "{peer}");
            member.user.allow_from.clear();
            assert_eq!(member.class("10.9.9.9".parse().expect("an address"), time), Class::Elsewhere);
        }
    }
}
