//! What the session layer asks of order entry: which stream a login joins, what its messages mean, and what it is sent.

use super::desks::Desks;
use super::gauges::Gauges;
use super::owed::Owed;
use super::settings::{GatewaySettings, Progress};
use super::source::Source;
use super::streams::{Stream, Streams};
use crate::domain::session::session_id;
use crate::domain::{Command, LoginId};
use crate::net::auth::{Grant, Role};
use crate::net::session::{Admission, Admitted, Ending, Outlook, Service, Stopped, Wish};
use crate::net::{ConnectionId, Inbox};
use crate::ring::Producer;
use crate::runtime::planted::{Bug, is_planted};
use crate::stages::resend::ResendClient;
use crate::stages::space::SpaceWatch;
use crate::wire::soup::{LoginRejected, SessionId};

/// What the gateway has beside its connections.
pub(super) struct OrderEntry {
    pub(super) settings: GatewaySettings,
    pub(super) inbound: Producer<Command>,
    pub(super) progress: Progress,
    /// Events released since the start.
    pub(super) released: u64,
    pub(super) space: Vec<SpaceWatch>,
    pub(super) resend: ResendClient,
    pub(super) streams: Streams,
    pub(super) desks: Desks,
    pub(super) gauges: Gauges,
    /// Whether commands were published or old messages asked for since the doorbells were last rung.
    pub(super) rings_due: bool,
}

/// A client that is logged in.
pub(super) struct Trader {
    /// Whose orders and stream.
    pub(super) login: LoginId,
    /// What it may do.
    pub(super) role: Role,
    /// The session whose stream it receives.
    pub(super) session: u32,
    /// Where the bytes that it receives come from.
    pub(super) source: Source,
    /// While space is low: when the next order is taken, to be refused, ns.
    pub(super) next_order: u64,
    /// What is to happen before it can go; `None`: it has not asked for that.
    pub(super) owed: Option<Owed>,
}

impl OrderEntry {
    /// The name of a session.
    fn name_of(&self, session: u32) -> Option<SessionId> {
        let id = session_id(*self.settings.session.as_bytes(), session)?;
        SessionId::new(std::str::from_utf8(id.trim_ascii()).ok()?)
    }

    /// The name of the login's present session, if that is the one that is asked for.
    fn session_for(&self, login: LoginId, wanted: Option<SessionId>) -> Result<SessionId, LoginRejected> {
        let present = self.streams.get(login).map_or(0, |stream| stream.session());
        let id = self.name_of(present).ok_or(LoginRejected::SessionNotAvailable)?;
        match wanted {
            Some(wanted) if !wanted.as_bytes().eq_ignore_ascii_case(id.as_bytes()) => {
                Err(LoginRejected::SessionNotAvailable)
            }
            _ => Ok(id),
        }
    }
}

impl Service for OrderEntry {
    type Client = Trader;

    fn admit(
        &mut self,
        _: ConnectionId,
        grant: Grant,
        wish: &Wish,
        _: u64,
    ) -> Result<Admission<Trader>, LoginRejected> {
        let login = grant.login.ok_or(LoginRejected::NotAuthorised)?;
        let session = self.session_for(login, wish.session)?;
        let stream = self.streams.join(login);
        let first = first_message(wish.sequence, stream.next());
        let from = if is_planted(Bug::ResumeOffByOne) { stream.next().min(first + 1) } else { first };
        let source = Source::of(stream, from);
        let client =
            Trader { login, role: grant.role, session: stream.session(), source, next_order: 0, owed: None };
        Ok(Admission::Now(Admitted { client, session, first }))
    }

    fn arrived(&mut self, id: ConnectionId, trader: &mut Trader, _: u64) {
        self.streams.join(trader.login).listener = Some(id);
        self.desks.arrive(trader.login);
    }

    fn left(&mut self, id: ConnectionId, trader: Trader, ending: &Ending, now: u64) {
        self.streams.leave(trader.login, id);
        if !matches!(ending, Ending::TakenOver) {
            self.desks.leave(trader.login, now);
        }
    }

    /// Not while so much waits to be sent that nothing more should be taken in: a client that sends faster than it receives
    /// is slowed down before it falls behind.
    fn takes_input(&self, trader: &Trader) -> bool {
        let Source::Tail { position } = trader.source else { return true };
        let tail = self.streams.get(trader.login).and_then(Stream::tail);
        let end = tail.map_or(0, |tail| tail.end());
        end.saturating_sub(position) <= self.settings.tail_bytes as u64 / 4
    }

    fn take(&mut self, trader: &mut Trader, inbox: &mut Inbox, now: u64) -> (usize, Result<Stopped, Ending>) {
        let (messages, stopped) = self.take_orders(trader, inbox, now);
        if matches!(stopped, Ok(Stopped::Logout)) {
            trader.owed = Some(Owed::since(&self.inbound));
        }
        (messages, stopped)
    }

    fn prepare(&mut self, id: ConnectionId, trader: &mut Trader, now: u64) -> Result<Outlook, Ending> {
        let Trader { login, session, source, owed, .. } = trader;
        let Some(stream) = self.streams.get(*login) else { return Ok(Outlook::Open) };
        if let Some(request) = source.advance((*login, *session), id, stream, now)
            && self.resend.requests.try_send(request).is_ok()
        {
            source.asked();
            self.rings_due = true;
        }
        if source.is_at_end(*session, stream) {
            return Ok(Outlook::Ended);
        }
        let is_answered = match owed {
            Some(owed) => owed.is_released(&mut self.inbound, &self.progress, self.released),
            None => false,
        };
        Ok(if is_answered && source.is_tail() { Outlook::Answered } else { Outlook::Open })
    }

    #[inline]
    fn unsent<'a>(&'a self, trader: &'a Trader) -> Result<(&'a [u8], &'a [u8]), Ending> {
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

    fn look(&mut self, _: &mut Trader, _: u64) -> Result<(), Ending> {
        Ok(())
    }
}

/// The number of the first message for a client that asks for `requested`, in a stream whose next message is `next`. A
/// request for 0 is one for the next; one beyond the end is answered with the next too.
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
