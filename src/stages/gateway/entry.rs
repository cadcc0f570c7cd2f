//! The session layer's interface to order entry: which stream a login joins, what its messages mean, and what it is
//! sent.

use super::gauges::Gauges;
use super::login_policies::LoginPolicies;
use super::owed::Owed;
use super::protocol::{LoggedIn, OrderEntryProtocol};
use super::receive::{Taking, pass_over, take_packets};
use super::rounds::Rounds;
use super::settings::{GatewaySettings, Progress};
use super::source::Source;
use super::streams::Streams;
use crate::domain::{Command, LoginId};
use crate::net::ConnectionId;
use crate::net::auth::{Grant, Role};
use crate::net::session::{
    Admission, Admitted, CloseReason, LoginRejected, Packets, PendingLogin, SendStatus, Service, Stopped,
};
use crate::ring::Producer;
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::stages::resend::{ResendClient, ResendQuery};
use crate::stages::space::SpaceWatch;

/// The most order messages of one connection per duty cycle, so that connections take turns.
const MESSAGES_MAX: usize = 1024;

/// While space is low every order is refused, and each refusal takes space. So a login gets at most one refusal in this
/// time, ns: a client that keeps sending orders cannot use up the space that is left for cancels.
const REFUSAL_EVERY_NS: u64 = 100_000_000;

/// The gateway's state besides its connections.
pub(super) struct OrderEntry<P> {
    pub(super) settings: GatewaySettings,
    pub(super) inbound: Producer<Command>,
    pub(super) rounds: Rounds,
    pub(super) progress: Progress,
    /// Events released since the start.
    pub(super) released: u64,
    pub(super) space: Vec<SpaceWatch>,
    pub(super) resend: ResendClient,
    /// Logins that wait for information about ended sessions.
    pub(super) visits: Vec<Visit>,
    pub(super) streams: Streams<P>,
    pub(super) policies: LoginPolicies,
    pub(super) gauges: Gauges,
    /// Commands were published, and the doorbell was not rung yet.
    pub(super) rings_due: bool,
    /// The archiver was asked for old messages, and not rung yet.
    pub(super) asked: bool,
}

/// A logged-in client.
pub(super) struct Trader {
    /// The login of its orders and stream.
    pub(super) login: LoginId,
    pub(super) role: Role,
    /// The session whose stream it receives.
    pub(super) session: u32,
    /// The source of the bytes that it receives.
    pub(super) source: Source,
    /// Whether it reads a session that had ended when it logged in.
    pub(super) is_visitor: bool,
    /// After a logout request: the answers it must still receive; `None`: no logout was requested.
    pub(super) owed: Option<Owed>,
}

impl Trader {
    fn new(login: LoginId, role: Role, session: u32, source: Source) -> Self {
        Self { login, role, session, source, is_visitor: false, owed: None }
    }
}

impl<P: OrderEntryProtocol> OrderEntry<P> {
    /// Converts packets to commands. Returns how many, and why it stopped.
    pub(super) fn take_orders(
        &mut self,
        trader: &mut Trader,
        packets: &mut Packets<'_, P>,
        now: u64,
    ) -> (usize, Result<Stopped, CloseReason>) {
        let Trader { login, role, session, .. } = *trader;
        if self.streams.get(login).is_some_and(|stream| stream.session() != session) {
            // Its order numbers belong to an ended session; it is about to be told that the session ended.
            return (0, pass_over(packets));
        }
        let left = self.rounds.left(self.policies.share(login).copied().unwrap_or_default());
        if left == 0 {
            return (0, Ok(Stopped::Held));
        }
        let most = MESSAGES_MAX.min(left);
        let mut claim = self.inbound.claim_up_to(most);
        let granted = claim.remaining();
        let space_low = self.space.iter().any(SpaceWatch::is_low);
        let mut orders = match space_low {
            true => u32::from(self.policies.next_order(login).is_none_or(|next| now >= *next)),
            false => u32::MAX,
        };
        let may_order = orders > 0;
        let (bucket, cancels) = self.policies.allowances(login, space_low, now);
        let taking = Taking {
            from: LoggedIn { login, session, account: self.streams.account(login) },
            role,
            index_senders: &self.settings.index_senders,
            listings: self.streams.listings(),
            orders_left: &mut orders,
            cancels,
            bucket,
        };
        let stopped = take_packets(packets, &mut claim, taking);
        if space_low
            && may_order
            && orders == 0
            && let Some(next) = self.policies.next_order(login)
        {
            *next = now + REFUSAL_EVERY_NS;
        }
        let messages = claim.len();
        claim.publish();
        if let Some(share) = self.policies.share(login) {
            self.rounds.took(share, messages);
        }
        self.gauges.messages_in.add(messages as u64);
        self.rings_due |= messages > 0;
        let stopped = stopped.map(|stopped| match stopped {
            // It has used its share of this turn.
            Stopped::Full { .. } if granted == most => Stopped::More,
            Stopped::Full { .. } => {
                self.gauges.inbound_full.add(1);
                stopped
            }
            Stopped::Dry | Stopped::More | Stopped::Held | Stopped::Logout => stopped,
        });
        (messages, stopped)
    }

    /// Asks for the number of messages of ended sessions that clients want to read.
    pub(super) fn ask(&mut self) {
        for visit in self.visits.iter_mut().filter(|visit| !visit.is_asked) {
            let Visit { id, login, session, .. } = *visit;
            let query = ResendQuery::Find { login, session, connection: id.0 };
            visit.is_asked = self.resend.queries.try_send(query).is_ok();
            if !visit.is_asked {
                return;
            }
            self.asked = true;
        }
    }

    /// Handles the answer for a connection: completes the login that waits for it.
    pub(super) fn found(
        &mut self,
        id: ConnectionId,
        messages: Option<u64>,
    ) -> Option<Result<Admitted<Trader>, LoginRejected>> {
        let at = self.visits.iter().position(|visit| visit.id == id)?;
        let Visit { login, role, session, sequence, .. } = self.visits.swap_remove(at);
        let admitted = messages.zip(self.settings.session.after(session)).map(|(messages, name)| {
            let first = first_message(sequence, messages + 1);
            let source = Source::ended(first, messages + 1);
            let client = Trader { is_visitor: true, ..Trader::new(login, role, session, source) };
            Admitted { client, session: name, first }
        });
        Some(admitted.ok_or(LoginRejected::SessionNotAvailable))
    }
}

/// A login that wants to read an ended session.
pub(super) struct Visit {
    id: ConnectionId,
    login: LoginId,
    role: Role,
    session: u32,
    /// The first message that it requests.
    sequence: u64,
    is_asked: bool,
}

impl<P: OrderEntryProtocol> Service for OrderEntry<P> {
    type Client = Trader;
    type Protocol = P;

    fn admit(
        &mut self,
        id: ConnectionId,
        grant: Grant,
        pending: &PendingLogin,
        _: u64,
    ) -> Result<Admission<Trader>, LoginRejected> {
        let login = grant.login.ok_or(LoginRejected::NotAuthorised)?;
        let present = self.streams.get(login).map_or(0, |stream| stream.session());
        let of = |id| self.settings.session.number_of(id);
        let session = match pending.session {
            None => present,
            Some(id) => {
                of(id).filter(|session| *session <= present).ok_or(LoginRejected::SessionNotAvailable)?
            }
        };
        if session < present {
            let (role, sequence) = (grant.role, pending.sequence);
            self.visits.push(Visit { id, login, role, session, sequence, is_asked: false });
            self.ask();
            return Ok(Admission::Later);
        }
        let session = self.settings.session.after(session).ok_or(LoginRejected::SessionNotAvailable)?;
        let stream = self.streams.join(login);
        let first = first_message(pending.sequence, stream.next());
        let from =
            if is_injected(InjectedFault::ResumeOffByOne) { stream.next().min(first + 1) } else { first };
        let source = Source::of(stream, from);
        let client = Trader::new(login, grant.role, stream.session(), source);
        Ok(Admission::Now(Admitted { client, session, first }))
    }

    fn arrived(&mut self, id: ConnectionId, trader: &mut Trader, _: u64) {
        // A client that reads an ended session cannot send orders, so it does not count as connected for its orders.
        if !trader.is_visitor {
            self.streams.join(trader.login).listener = Some(id);
            self.policies.arrive(trader.login);
        }
    }

    fn left(&mut self, id: ConnectionId, trader: Trader, _: &CloseReason, now: u64) {
        if !trader.is_visitor {
            self.streams.leave(trader.login, id);
            self.policies.leave(trader.login, now);
        }
    }

    /// Whether input is read from the client. Not while too much output is waiting: a client that sends faster than it
    /// receives is slowed down before it falls behind.
    fn takes_input(&self, trader: &Trader) -> bool {
        let Some(stream) = self.streams.get(trader.login) else { return true };
        trader.source.keeps_up(stream, self.settings.tail_bytes as u64 / 4)
    }

    fn take(
        &mut self,
        trader: &mut Trader,
        packets: &mut Packets<'_, P>,
        now: u64,
    ) -> (usize, Result<Stopped, CloseReason>) {
        let (messages, stopped) = self.take_orders(trader, packets, now);
        if matches!(stopped, Ok(Stopped::Logout)) {
            trader.owed = Some(Owed::since(&self.inbound));
        }
        (messages, stopped)
    }

    fn prepare(
        &mut self,
        id: ConnectionId,
        trader: &mut Trader,
        now: u64,
    ) -> Result<SendStatus, CloseReason> {
        let Trader { login, session, source, owed, .. } = trader;
        let Some(stream) = self.streams.get(*login) else { return Ok(SendStatus::Open) };
        if let Some(request) = source.advance((*login, *session), id, stream, now)?
            && self.resend.queries.try_send(ResendQuery::Chunk(request)).is_ok()
        {
            source.asked();
            self.asked = true;
        }
        if source.is_at_end(*session, stream) {
            return Ok(SendStatus::Ended);
        }
        let is_answered = match owed {
            Some(owed) => owed.is_released(&mut self.inbound, &self.progress, self.released),
            None => false,
        };
        Ok(if is_answered && source.is_tail() { SendStatus::Answered } else { SendStatus::Open })
    }

    #[inline]
    fn unsent<'a>(&'a self, trader: &'a Trader) -> Result<(&'a [u8], &'a [u8]), CloseReason> {
        trader.source.unsent((trader.login, trader.session), &self.streams)
    }

    #[inline]
    fn sent(&self, trader: &mut Trader, count: usize) {
        trader.source.sent(count);
    }

    #[inline]
    fn has_more(&self, trader: &Trader) -> bool {
        !trader.source.is_tail()
    }

    fn look(&mut self, _: &mut Trader, _: u64) -> Result<(), CloseReason> {
        Ok(())
    }
}

/// The number of the first message for a client that requests `requested` from a stream whose next message is `next`.
/// Requests for 0 or beyond the end get the next message.
fn first_message(requested: u64, next: u64) -> u64 {
    if requested == 0 { next } else { requested.min(next) }
}

#[cfg(test)]
mod tests {
    use super::first_message;

    #[test]
    fn a_client_goes_on_where_it_asks_or_at_the_next_message() {
        let cases = [(0, 1, 1), (0, 8, 8), (1, 8, 1), (7, 8, 7), (8, 8, 8), (9, 8, 8), (u64::MAX, 8, 8)];
        for (requested, next, first) in cases {
            assert_eq!(first_message(requested, next), first, "{requested} of a stream at {next}");
        }
    }
}
