//! A SoupBinTCP server of market data: of the stream of messages, or of snapshots. Connections take turns, each with a
//! bounded share of a duty cycle, and none costs another anything: what a slow one is not sent waits in the log.

use super::connection::{Connection, OUTBOX_LEN, Phase, Source};
use super::ending::Ending;
use super::log::LogReader;
use super::settings::FeedSettings;
use super::tail::Tail;
use crate::net::Slab;
use crate::net::{ConnectionId, Ready, Socket, Sockets};
use crate::runtime::log::Stranger;
use crate::runtime::{Counter, Counters, Doorbell, Fatal, descriptors};
use crate::stages::auth::{AuthClient, AuthRequest, Role};
use crate::wire::soup::{
    self, END_OF_SESSION, LoginAccepted, LoginRejected, LoginRequest, SessionId, Username, kind,
};
use dojima_journal::JournalError;
use dojima_journal::passing::{Told, is_passing};
use dojima_journal::storage::Storage;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::Arc;

/// Connections accepted in one duty cycle.
const ACCEPTS_MAX: usize = 16;
/// The longest packet that is taken from a client: type and payload, bytes.
const PACKET_LEN_MAX: usize = 4096;
/// Messages that are read from the log for one connection in one duty cycle, those that are skipped included.
const READ_MAX: usize = 4096;
/// How often times are looked at, and for how long accepting pauses when the system has no descriptor left, ns.
const SWEEP_NS: u64 = 10_000_000;
const ACCEPT_PAUSE_NS: u64 = 1_000_000_000;
/// How long a client may take for its snapshot, which stays in memory for as long, ns.
const SNAPSHOT_TAKE_NS: u64 = 120_000_000_000;
/// What a client is sent at an orderly stop, in outboxes.
const LAST_TURNS_MAX: usize = 64;

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Stream,
    Snapshots,
}

/// The messages, as a server needs to know them.
pub(super) struct Messages<'a> {
    pub(super) tail: &'a Tail,
    pub(super) log: &'a Arc<dyn Storage>,
    pub(super) session: SessionId,
    /// The first message of the present session.
    pub(super) session_first: u64,
    /// The present snapshot; `None` when one is wanted and cannot be had in this cycle.
    pub(super) snapshot: Option<Arc<Vec<u8>>>,
}

/// The server.
pub(super) struct Server {
    service: Service,
    sockets: Box<dyn Sockets>,
    auth: AuthClient,
    doorman: Vec<Doorbell>,
    connections: Slab<Connection>,
    accept_from: Option<u64>,
    next_sweep: u64,
    /// The session of the connections that are let in now.
    session_first: u64,
    gauge: Counter,
    logins: Counter,
    refused: Counter,
    cut: Counter,
    sent: Counter,
}

impl Server {
    pub(super) fn new(
        service: Service,
        sockets: Box<dyn Sockets>,
        (auth, doorman): (AuthClient, Vec<Doorbell>),
        settings: &FeedSettings,
        session_first: u64,
        counters: &Counters,
    ) -> Self {
        let [connections, logins, refused, cut, bytes] = match service {
            Service::Stream => {
                ["feed.connections", "feed.logins", "feed.logins_refused", "feed.cut", "feed.bytes_out"]
            }
            Service::Snapshots => [
                "feed.snapshot_connections",
                "feed.snapshot_logins",
                "feed.snapshot_logins_refused",
                "feed.snapshot_cut",
                "feed.snapshot_bytes_out",
            ],
        };
        Self {
            service,
            sockets,
            auth,
            doorman,
            connections: Slab::new(settings.connections_max),
            accept_from: Some(0),
            next_sweep: 0,
            session_first,
            gauge: counters.register(connections, "connections"),
            logins: counters.register(logins, "logins"),
            refused: counters.register(refused, "logins"),
            cut: counters.register(cut, "connections"),
            sent: counters.register(bytes, "bytes"),
        }
    }

    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.sockets.descriptor()
    }

    /// Whether somebody waits for a snapshot.
    pub(super) fn wants_snapshot(&mut self) -> bool {
        (0..self.connections.places()).any(|place| {
            self.connections.at(place).is_some_and(|c| matches!(c.phase, Phase::AwaitingSnapshot))
        })
    }

    /// One duty cycle; returns the amount of work.
    pub(super) fn work(
        &mut self,
        settings: &FeedSettings,
        messages: &Messages<'_>,
        now: u64,
    ) -> Result<usize, Fatal> {
        self.end_session(messages, now);
        self.poll()?;
        let mut work = self.accept(settings, now) + self.hear(settings, messages, now);
        for place in 0..self.connections.places() {
            work += self.turn(place, messages, now);
        }
        if now >= self.next_sweep {
            self.next_sweep = now + SWEEP_NS;
            for place in 0..self.connections.places() {
                let Some(connection) = self.connections.at(place) else { continue };
                let looked = connection.sweep(settings, now).and_then(|put| {
                    check_distance(connection, settings, messages)?;
                    check_snapshot(connection, now)?;
                    Ok(put)
                });
                match looked {
                    Ok(put) => work += put,
                    Err(ending) => self.close(place, &ending),
                }
            }
        }
        Ok(work)
    }

    /// The oldest message that somebody here is still to be sent from the log.
    pub(super) fn oldest_read(&mut self) -> Option<u64> {
        let read = |connection: &mut Connection| match &connection.phase {
            Phase::LoggedIn(Source::Stream { next, .. }) => Some(*next),
            _ => None,
        };
        (0..self.connections.places()).filter_map(|place| self.connections.at(place).and_then(read)).min()
    }

    /// Those who are in a session that has ended get the rest of it and no more.
    fn end_session(&mut self, messages: &Messages<'_>, now: u64) {
        if messages.session_first == self.session_first {
            return;
        }
        self.session_first = messages.session_first;
        for place in 0..self.connections.places() {
            let Some(connection) = self.connections.at(place) else { continue };
            match &mut connection.phase {
                Phase::LoggedIn(Source::Stream { end, .. }) => {
                    end.get_or_insert(messages.session_first);
                }
                // The snapshot that it was promised is of a session that is over.
                Phase::AwaitingSnapshot => connection.leave(&END_OF_SESSION, now),
                _ => {}
            }
        }
    }

    fn poll(&mut self) -> Result<(), Fatal> {
        let (connections, accept_from) = (&mut self.connections, &mut self.accept_from);
        let polled = self.sockets.poll(&mut |ready| match ready {
            Ready::Listener => {
                accept_from.get_or_insert(0);
            }
            Ready::Connection(id, readiness) => {
                if let Some(connection) = connections.get(id) {
                    connection.note(readiness);
                }
            }
        });
        match polled {
            Err(error) if !is_passing(&error) => {
                Err(Fatal::io(format_args!("polling the feed's sockets: {error}")))
            }
            _ => Ok(()),
        }
    }

    fn accept(&mut self, settings: &FeedSettings, now: u64) -> usize {
        if self.accept_from.is_none_or(|from| now < from) {
            return 0;
        }
        for accepted in 0..ACCEPTS_MAX {
            match self.sockets.accept() {
                Ok((socket, peer)) => self.open(socket, peer, settings, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.accept_from = None;
                    return accepted;
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                // The client waits until the place of somebody without a login is free.
                Err(error) if descriptors::are_used_up(&error) && self.give_way() => {}
                Err(error) => {
                    tracing::warn!(
                        "market data: accepting failed; trying again in a second: {}",
                        Told(&error)
                    );
                    self.accept_from = Some(now + ACCEPT_PAUSE_NS);
                    return accepted;
                }
            }
        }
        ACCEPTS_MAX
    }

    /// Closes the connection that has gone without a login for longest; whether there was one.
    fn give_way(&mut self) -> bool {
        let stranger = self.connections.oldest(Connection::stranger_since);
        stranger.map(|stranger| self.close(stranger, &Ending::GaveWay)).is_some()
    }

    fn open(&mut self, mut socket: Box<dyn Socket>, peer: SocketAddr, settings: &FeedSettings, now: u64) {
        if self.connections.is_full() {
            self.give_way();
        }
        let inserted = self.connections.insert(|id| -> io::Result<Connection> {
            socket.watch(id)?;
            Ok(Connection::new(id, peer, socket, now, settings))
        });
        match inserted {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                if Stranger::NotSetUp.may_log() {
                    tracing::warn!(%peer, %error, "market data: a new connection could not be set up");
                }
            }
            None => {
                let limit = settings.connections_max;
                if Stranger::TurnedAway.may_log() {
                    tracing::warn!(%peer, limit, "market data: there are as many connections as the limit allows");
                }
            }
        }
        self.gauge.set(self.connections.len() as u64);
    }

    fn close(&mut self, place: usize, ending: &Ending) {
        let Some(mut connection) = self.connections.remove(place) else { return };
        let _ = connection.socket.shut_down_writing();
        self.gauge.set(self.connections.len() as u64);
        let (peer, username) = (connection.peer, connection.username.map(tracing::field::display));
        let is_stranger = connection.stranger_since().is_some();
        if ending.is_ordinary() {
            if !is_stranger || Stranger::Closed.may_log() {
                tracing::info!(%peer, username, "market data: connection closed: {ending}");
            }
        } else {
            self.cut.add(1);
            if !is_stranger || Stranger::Cut.may_log() {
                tracing::warn!(%peer, username, "market data: connection closed: {ending}");
            }
        }
    }

    /// Takes the doorman's answers.
    fn hear(&mut self, settings: &FeedSettings, messages: &Messages<'_>, now: u64) -> usize {
        let mut heard = 0;
        while let Ok(answer) = self.auth.answers.try_recv() {
            heard += 1;
            let Some(connection) = self.connections.get(answer.connection) else { continue };
            let Phase::Asking(request, true) = connection.phase else { continue };
            let may_see = |role| matches!(role, Role::MarketData | Role::Trade | Role::Admin);
            let verdict = match answer.verdict {
                Ok(grant) if may_see(grant.role) => Ok(()),
                Ok(_) => Err(LoginRejected::NotAuthorised),
                Err(why) => Err(why),
            };
            let session = messages.session;
            let verdict = verdict.and(match request.session {
                Some(wanted) if !wanted.as_bytes().eq_ignore_ascii_case(session.as_bytes()) => {
                    Err(LoginRejected::SessionNotAvailable)
                }
                _ => Ok(()),
            });
            let (peer, username) = (connection.peer, request.username);
            match verdict {
                Ok(()) => {
                    self.logins.add(1);
                    tracing::info!(%peer, %username, "market data: logged in");
                    self.make_room_for(request.username, settings.connections_per_user);
                    self.admit(answer.connection, &request, messages);
                }
                Err(why) => {
                    self.refused.add(1);
                    if Stranger::LoginRefused.may_log() {
                        tracing::warn!(%peer, %username, "market data: login refused: {why}");
                    }
                    connection.leave(&why.packet(), now);
                }
            }
        }
        heard
    }

    /// Ends the oldest connections of a user who is about to have one more than so many.
    fn make_room_for(&mut self, user: Username, most: usize) {
        let own = |connection: &Connection| connection.logged_in_as(user);
        let places = 0..self.connections.places();
        let count =
            places.filter(|place| self.connections.at(*place).is_some_and(|c| own(c).is_some())).count();
        for _ in most..=count {
            if let Some(oldest) = self.connections.oldest(own) {
                self.close(oldest, &Ending::LoggedInAgain(most));
            }
        }
    }

    fn admit(&mut self, id: ConnectionId, request: &LoginRequest, messages: &Messages<'_>) {
        let Some(connection) = self.connections.get(id) else { return };
        if let Some(ms @ 1..) = request.heartbeat_timeout_ms {
            connection.silence_max = u64::from(ms) * 1_000_000;
        }
        let session = messages.session;
        let first = match self.service {
            Service::Stream => {
                let next = messages.tail.next() - messages.session_first + 1;
                let first = if request.sequence == 0 { next } else { request.sequence.min(next) };
                let next = messages.session_first + first - 1;
                connection.phase =
                    Phase::LoggedIn(Source::Stream { next, end: None, reader: None, caught_up: false });
                first
            }
            Service::Snapshots => {
                connection.phase = Phase::AwaitingSnapshot;
                1
            }
        };
        connection.outbox.extend_from_slice(&LoginAccepted { session, sequence: first }.packet());
    }

    /// One connection's turn.
    fn turn(&mut self, place: usize, messages: &Messages<'_>, now: u64) -> usize {
        let Some(connection) = self.connections.at(place) else { return 0 };
        let outcome = take_in(connection, &self.auth, &self.doorman, now)
            .and_then(|work| Ok((work, connection.send(now)?)))
            .map(|(work, sent)| (work + usize::from(sent > 0), sent));
        let (mut work, mut sent) = match outcome {
            Ok(done) => done,
            Err(ending) => {
                self.close(place, &ending);
                return 1;
            }
        };
        if connection.has_sent_all() && connection.is_writable() {
            match fill(connection, messages, now).and_then(|filled| Ok((filled, connection.send(now)?))) {
                Ok((filled, bytes)) => {
                    work += usize::from(filled);
                    sent += bytes;
                }
                Err(ending) => {
                    self.close(place, &ending);
                    work += 1;
                }
            }
        }
        self.sent.add(sent as u64);
        work
    }

    /// Sends what can be sent without waiting, a bounded amount to each, then closes all. No End of Session: it goes on when
    /// the engine starts again.
    pub(super) fn shut(&mut self, messages: &Messages<'_>, now: u64) {
        for place in 0..self.connections.places() {
            for _ in 0..LAST_TURNS_MAX {
                let Some(connection) = self.connections.at(place) else { break };
                let filled = connection.has_sent_all() && fill(connection, messages, now).unwrap_or(false);
                match connection.send(now) {
                    Ok(bytes) if filled || bytes > 0 => self.sent.add(bytes as u64),
                    _ => break,
                }
            }
            self.close(place, &Ending::Served);
        }
    }
}

/// # Errors
/// [`Ending::SnapshotTimeout`] for a client that holds a snapshot for too long.
fn check_snapshot(connection: &Connection, now: u64) -> Result<(), Ending> {
    let holds = matches!(connection.phase, Phase::LoggedIn(Source::Snapshot(..)));
    if holds && now.saturating_sub(connection.snapshot_since) >= SNAPSHOT_TAKE_NS {
        return Err(Ending::SnapshotTimeout(SNAPSHOT_TAKE_NS / 1_000_000_000));
    }
    Ok(())
}

/// What the client sent.
fn take_in(
    connection: &mut Connection,
    auth: &AuthClient,
    doorman: &[Doorbell],
    now: u64,
) -> Result<usize, Ending> {
    let mut work = usize::from(connection.receive(now)? > 0);
    if matches!(connection.phase, Phase::Leaving) {
        return Ok(0);
    }
    while let Some((packet, used)) = soup::frame(connection.inbox.waiting(), PACKET_LEN_MAX)? {
        match packet.kind {
            kind::DEBUG | kind::CLIENT_HEARTBEAT => {}
            kind::LOGOUT => return Err(Ending::Logout),
            kind::LOGIN_REQUEST if matches!(connection.phase, Phase::AwaitingLogin) => {
                let request = LoginRequest::decode(packet.payload)?;
                connection.username = Some(request.username);
                connection.phase = Phase::Asking(request, false);
            }
            kind => return Err(Ending::UnexpectedPacket { kind, when: "that has no place here" }),
        }
        connection.inbox.took(used);
        work += 1;
    }
    if let Phase::Asking(request, asked @ false) = &mut connection.phase {
        let (username, password) = (request.username, request.password);
        let peer = connection.peer.ip();
        let question = AuthRequest { connection: connection.id, username, password, peer };
        *asked = auth.requests.try_send(question).is_ok();
        doorman.iter().for_each(Doorbell::ring);
    }
    Ok(work)
}

/// Puts the next bytes into an empty outbox; whether there were any.
///
/// # Errors
/// Why the connection is to be closed.
fn fill(connection: &mut Connection, messages: &Messages<'_>, now: u64) -> Result<bool, Ending> {
    match &mut connection.phase {
        Phase::AwaitingSnapshot => {
            let Some(snapshot) = &messages.snapshot else { return Ok(false) };
            connection.phase = Phase::LoggedIn(Source::Snapshot(Arc::clone(snapshot), 0));
            connection.snapshot_since = now;
            Ok(true)
        }
        Phase::LoggedIn(Source::Snapshot(snapshot, put)) => {
            let end = snapshot.len().min(*put + OUTBOX_LEN);
            connection.outbox.extend_from_slice(&snapshot[*put..end]);
            *put = end;
            if end == snapshot.len() {
                connection.leave(&END_OF_SESSION, now);
            }
            Ok(true)
        }
        Phase::LoggedIn(Source::Stream { next, end, reader, caught_up }) => {
            let last = end.unwrap_or(u64::MAX).min(messages.tail.next());
            let mut any = false;
            if *next < last && messages.tail.packet(*next).is_none() {
                let asked = *next;
                match read_log(reader, next, last, &mut connection.outbox, messages.log) {
                    Ok(read) => any = read,
                    // Retired, be it while it was read.
                    Err(JournalError::Gone { .. }) => return Err(Ending::Gone(asked)),
                    // It goes on in a later duty cycle.
                    Err(error) if error.is_passing() => {}
                    // Whoever asks for old messages can always be told to ask again; nobody else is concerned.
                    Err(error) => return Err(Ending::Unreadable { message: asked, error }),
                }
            } else {
                *reader = None;
                while *next < last
                    && connection.outbox.len() < OUTBOX_LEN
                    && let Some(packet) = messages.tail.packet(*next)
                {
                    connection.outbox.extend_from_slice(packet);
                    *next += 1;
                    any = true;
                }
            }
            *caught_up |= *next == messages.tail.next();
            if *end == Some(*next) {
                connection.leave(&END_OF_SESSION, now);
                any = true;
            }
            Ok(any)
        }
        Phase::AwaitingLogin | Phase::Asking(..) | Phase::Leaving => Ok(false),
    }
}

/// # Errors
/// [`Ending::FellBehind`] for a subscriber that had caught up and is now too far from the end of what it gets.
fn check_distance(
    connection: &Connection,
    settings: &FeedSettings,
    messages: &Messages<'_>,
) -> Result<(), Ending> {
    if let Phase::LoggedIn(Source::Stream { next, end, caught_up: true, .. }) = &connection.phase {
        // What is of the session after its own is not for it.
        let behind = end.unwrap_or(u64::MAX).min(messages.tail.next()).saturating_sub(*next);
        if behind > settings.behind_messages_max {
            return Err(Ending::FellBehind(behind));
        }
    }
    Ok(())
}

/// Old messages from the log. Whether anything was read, be it only to be skipped.
fn read_log(
    reader: &mut Option<LogReader>,
    next: &mut u64,
    last: u64,
    outbox: &mut Vec<u8>,
    log: &Arc<dyn Storage>,
) -> Result<bool, JournalError> {
    let reader = match reader {
        Some(reader) => reader,
        none => none.insert(LogReader::open(log, *next)?),
    };
    for read in 0..READ_MAX {
        if *next == last || outbox.len() >= OUTBOX_LEN {
            return Ok(true);
        }
        let Some(logged) = reader.next()? else { return Ok(read > 0) };
        if logged.number < *next {
            continue;
        }
        if logged.number > *next || soup::push_packet(kind::SEQUENCED, logged.message, outbox).is_none() {
            let (dir, first) = (log.dir().to_owned(), logged.number);
            return Err(JournalError::Gone { dir, first, asked: *next });
        }
        *next += 1;
    }
    Ok(true)
}
