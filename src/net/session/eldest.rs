//! Which connection gives way when there is no place left.
//!
//! In a flood that is asked for every newcomer, and a look at all connections takes longer than everything else that a newcomer
//! costs. So one look finds several that go next, one for every so many connections, and the next ones come from there.

use super::connection::Connection;
use crate::net::auth::Claim;
use crate::net::{ConnectionId, Slab};

/// One look finds one for so many connections: 64 of 2,048, and of few just the one.
const CONNECTIONS_PER_FIND: usize = 32;

/// Those who go next, as they were when they were found. The first to go is the last.
#[derive(Default)]
pub(super) struct Eldest(Vec<((Claim, u64), ConnectionId)>);

impl Eldest {
    /// The connection that gives way; `None` when all are logged in. One that has changed since it was found is passed over, and
    /// is found again when its turn comes; whoever came later is younger than all that were found.
    pub(super) fn next<C>(&mut self, connections: &mut Slab<Connection<C>>, now: u64) -> Option<usize> {
        while let Some((order, id)) = self.0.pop() {
            if connections.get(id).and_then(|one| one.gives_way(now)) == Some(order) {
                return Some(id.place());
            }
        }
        let all = connections.iter().filter_map(|(_, one)| Some((one.gives_way(now)?, one.id)));
        self.0.extend(all);
        let wanted = (connections.len() / CONNECTIONS_PER_FIND).max(1);
        if self.0.len() > wanted {
            self.0.select_nth_unstable_by_key(wanted, |(order, _)| *order);
            self.0.truncate(wanted);
        }
        self.0.sort_unstable_by_key(|(order, _)| std::cmp::Reverse(*order));
        self.0.pop().map(|(_, id)| id.place())
    }
}
