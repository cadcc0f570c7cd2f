//! Who asks for a name with how good a reason: from where its owner may come, and from where it has come.

use super::password::Secret;
use crate::domain::{LoginId, LoginName};
use crate::net::auth::Role;
use crate::net::origin;
use crate::runtime::{Budget, Rate, UnixNanos};
use ipnet::IpNet;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Somebody who may come in.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name on the wire.
    pub username: LoginName,
    /// What its password is checked against.
    pub secret: Secret,
    pub role: Role,
    /// The login whose stream it is; `None` for market data and administration.
    pub login: Option<LoginId>,
    /// Where it may come from; empty: from everywhere.
    pub allow_from: Vec<IpNet>,
}

/// Addresses that are remembered of a user; of more, the one that it has not come from for longest is forgotten.
pub const REGULARS_MAX: usize = 8;

/// How often the right password of a user is hashed. Whoever logs in more often waits until it is time, and so does everybody
/// else who asks for the name. No wrong password counts, so that nobody but the user makes the user wait.
pub const LOGINS: Rate = Rate { burst: 16, spacing: 1_000_000_000 };

/// For how long an address is remembered after the user has last come in from there, ns: 30 days.
pub const MEMORY_NS: u64 = 30 * 24 * 3_600 * 1_000_000_000;

/// How old what is remembered may be before it is worth being written again, ns.
const REFRESH_NS: u64 = 3_600 * 1_000_000_000;

/// With how good a reason somebody asks. Each class waits for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A name from where it has come in, or from an address that its configuration has for it.
    Known,
    /// A name from a network that its configuration has for it, which holds other addresses too, and from where in it the
    /// name has not come in.
    Listed,
    /// A name that may come from everywhere, from where it has not come in.
    Elsewhere,
    /// No password lets it in: nobody has the name, or its owner may not come from there.
    Hopeless,
}

impl Class {
    /// How many classes there are.
    pub const COUNT: usize = Self::Hopeless as usize + 1;
}

/// An address that a user has come in from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regular {
    /// The address, or the network that counts as one.
    pub from: IpAddr,
    /// When it last came in from there, by the wall clock.
    pub last: UnixNanos,
}

/// A user, and where it has come in from.
pub struct Member {
    pub user: User,
    /// The last of them first.
    regulars: VecDeque<Regular>,
    /// Its right passwords that are hashed, from wherever they come.
    logins: Budget,
}

impl Member {
    /// Nobody has come in yet.
    pub fn new(user: User) -> Self {
        Self { user, regulars: VecDeque::with_capacity(REGULARS_MAX), logins: Budget::new(LOGINS) }
    }

    /// Whether the user may come in from this address at all.
    pub fn may_come_from(&self, peer: IpAddr) -> bool {
        let (allowed, peer) = (&self.user.allow_from, peer.to_canonical());
        allowed.is_empty() || allowed.iter().any(|net| net.contains(&peer))
    }

    /// With how good a reason somebody asks from there for its name.
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

    /// Whether it is time to look at a password of this user.
    pub fn may_log_in(&self, now: u64) -> bool {
        self.logins.is_left(now)
    }

    /// The right password was looked at. One that is compared, and not hashed, costs nothing.
    pub fn logged_in(&mut self, now: u64) {
        if self.user.secret.as_hash().is_some() {
            self.logins.spend(now);
        }
    }

    /// Whether the configuration allows this address by itself, not with a network that holds others.
    fn is_address_of(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        let is_one = |net: &IpNet| origin(net.network()) == origin(net.broadcast());
        self.user.allow_from.iter().any(|net| is_one(net) && net.contains(&peer))
    }

    /// Whether the address is one of the last that the user has come in from, within the time for which they are remembered.
    fn has_come_from(&self, peer: IpAddr, time: UnixNanos) -> bool {
        let from = origin(peer);
        let is_recent = |regular: &Regular| time.0.saturating_sub(regular.last.0) <= MEMORY_NS;
        self.regulars.iter().any(|regular| regular.from == from && is_recent(regular))
    }

    /// The user has come in from this address. Whether that is worth being written down.
    pub fn came_from(&mut self, peer: IpAddr, time: UnixNanos) -> bool {
        let from = origin(peer);
        let before = self.regulars.iter().find(|known| known.from == from).map(|known| known.last);
        self.regulars.retain(|known| known.from != from);
        self.regulars.truncate(REGULARS_MAX - 1);
        self.regulars.push_front(Regular { from, last: time });
        before.is_none_or(|before| time.0.abs_diff(before.0) >= REFRESH_NS)
    }

    /// Where it has come in from within the time for which that is remembered, the last first.
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
