//! The server of market data for clients of the session layer: the message stream, or snapshots. Messages that a slow
//! client has not received are read from the log.

use super::messages::Messages;
use super::settings::FeedSettings;
use super::subscriber::Subscriber;
use crate::net::auth::{AuthClient, Grant};
use crate::net::session::{
    self, Admission, Admitted, CloseReason, Next, Packets, PendingLogin, STRANGER_INBOX_LEN,
    STRANGER_PACKET_LEN_MAX, SendStatus, SessionSettings, Soup, Stopped,
};
use crate::net::{ConnectionId, Sockets};
use crate::runtime::{Counters, Doorbell, Fatal};
use crate::wire::soup::{LoginRejected, kind};
use std::os::fd::RawFd;

/// The kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Stream,
    Snapshots,
}

pub(super) struct Server {
    service: Service,
    server: session::Server<Subscriber>,
    /// The first message of the session that clients now join.
    session_first: u64,
    /// The next message when clients were last served.
    next: u64,
}

/// The session layer's interface to the feed in one duty cycle.
struct FeedService<'a> {
    service: Service,
    settings: &'a FeedSettings,
    messages: &'a Messages<'a>,
}

impl Server {
    pub(super) fn new(
        service: Service,
        sockets: Box<dyn Sockets>,
        (auth, authenticator): (AuthClient, Vec<Doorbell>),
        settings: &FeedSettings,
        session_first: u64,
        counters: &Counters,
    ) -> Self {
        let sessions = SessionSettings {
            label: "market data: ",
            counters: match service {
                Service::Stream => "feed.",
                Service::Snapshots => "feed.snapshot_",
            },
            connections_max: settings.connections_max,
            connections_per_user: settings.connections_per_user,
            inbox_len: STRANGER_INBOX_LEN,
            packet_len_max: STRANGER_PACKET_LEN_MAX,
            users: 0,
            login_timeout: settings.login_timeout,
            heartbeat_interval: settings.heartbeat_interval,
            client_timeout: settings.client_timeout,
            stall_timeout: settings.stall_timeout,
        };
        let server = session::Server::new(sessions, sockets, auth, authenticator, counters);
        Self { service, server, session_first, next: 0 }
    }

    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.server.descriptor()
    }

    /// Whether a client waits for a snapshot.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.server.clients().any(Subscriber::wants_snapshot)
    }

    /// The oldest message that a client must still be sent.
    pub(super) fn oldest_read(&self) -> Option<u64> {
        self.server.clients().filter_map(Subscriber::next_message).min()
    }

    /// One duty cycle; returns the amount of work.
    pub(super) fn work(
        &mut self,
        settings: &FeedSettings,
        messages: &Messages<'_>,
        now: u64,
    ) -> Result<usize, Fatal> {
        if messages.session_first != self.session_first {
            self.session_first = messages.session_first;
            self.server.each_client(|subscriber| subscriber.end_before(messages.session_first));
        }
        let is_news = match self.service {
            Service::Stream => self.next != messages.tail.next(),
            Service::Snapshots => messages.snapshot.is_some() && self.wants_snapshot(),
        };
        if is_news {
            self.next = messages.tail.next();
            self.server.wake_all();
        }
        let Self { service, server, .. } = self;
        let mut feed = FeedService { service: *service, settings, messages };
        server.poll()?;
        let mut work = server.accept(&mut feed, now) + server.hear(&mut feed, now);
        work += server.receive(&mut feed, now);
        server.ring();
        work += server.send(&mut feed, now);
        Ok(work + server.sweep(&mut feed, false, now).0)
    }

    /// Sends what the sockets accept, then closes all connections.
    pub(super) fn shut(&mut self, settings: &FeedSettings, messages: &Messages<'_>, now: u64) {
        self.server.shut(&mut FeedService { service: self.service, settings, messages }, now);
    }
}

impl session::Service for FeedService<'_> {
    type Client = Subscriber;
    type Protocol = Soup;

    fn admit(
        &mut self,
        _: ConnectionId,
        _: Grant,
        login: &PendingLogin,
        _: u64,
    ) -> Result<Admission<Subscriber>, LoginRejected> {
        let session = self.messages.session;
        if login.session.is_some_and(|wanted| !wanted.as_bytes().eq_ignore_ascii_case(session.as_bytes())) {
            return Err(LoginRejected::SessionNotAvailable);
        }
        let (client, first) = match self.service {
            Service::Stream => {
                let next = self.messages.tail.next() - self.messages.session_first + 1;
                let first = if login.sequence == 0 { next } else { login.sequence.min(next) };
                (Subscriber::of_stream(self.messages.session_first + first - 1), first)
            }
            Service::Snapshots => (Subscriber::of_snapshot(), 1),
        };
        Ok(Admission::Now(Admitted { client, session, first }))
    }

    fn arrived(&mut self, _: ConnectionId, _: &mut Subscriber, _: u64) {}

    fn left(&mut self, _: ConnectionId, _: Subscriber, _: &CloseReason, _: u64) {}

    fn takes_input(&self, _: &Subscriber) -> bool {
        true
    }

    fn take(
        &mut self,
        _: &mut Subscriber,
        packets: &mut Packets<'_>,
        _: u64,
    ) -> (usize, Result<Stopped, CloseReason>) {
        let stopped = packets.next_message().and_then(|next| match next {
            Next::Dry => Ok(Stopped::Dry),
            Next::Chatty => Ok(Stopped::More),
            // Messages from a subscriber have no answer.
            Next::Logout => Err(CloseReason::Logout),
            Next::Message(_) => Err(CloseReason::UnexpectedPacket {
                kind: kind::UNSEQUENCED,
                when: "which the market-data service does not accept",
            }),
        });
        (0, stopped)
    }

    fn prepare(
        &mut self,
        _: ConnectionId,
        subscriber: &mut Subscriber,
        now: u64,
    ) -> Result<SendStatus, CloseReason> {
        subscriber.fill(self.messages, now)
    }

    fn unsent<'a>(&'a self, subscriber: &'a Subscriber) -> Result<(&'a [u8], &'a [u8]), CloseReason> {
        Ok((subscriber.unsent(), &[]))
    }

    fn sent(&self, subscriber: &mut Subscriber, count: usize) {
        subscriber.took(count);
    }

    fn has_more(&self, subscriber: &Subscriber) -> bool {
        subscriber.has_more(self.messages)
    }

    fn look(&mut self, subscriber: &mut Subscriber, now: u64) -> Result<(), CloseReason> {
        subscriber.look(self.settings, self.messages, now)
    }
}
