//! MoldUDP64: the messages as multicast datagrams, and a server of requests for those that were missed.

mod askers;
#[cfg(test)]
mod tests;

use super::history_readers::HistoryReaders;
use super::messages::Messages;
use super::settings::MoldSettings;
use crate::runtime::{Counter, Counters, Fatal};
use crate::wire::mold::{END_OF_SESSION, Header, PacketBuilder};
use crate::wire::soup::{HEADER_LEN, SessionId};
use askers::{Asked, Askers};
use dojima_journal::passing::{Told, is_passing};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

/// Datagrams sent, requests looked at and requests answered in one duty cycle. More are looked at than the system holds for us
/// by default, so that nobody's are lost there because of somebody else's.
const PACKETS_MAX: usize = 64;
const REQUESTS_MAX: usize = 512;
const ANSWERS_MAX: usize = 64;
/// Messages read from the log for answers in one duty cycle; what goes beyond waits for the next.
const READS_MAX: u64 = 8192;
/// A heartbeat follows this long after the last datagram, ns; the end of a session is told this often, in as many.
const HEARTBEAT_NS: u64 = 1_000_000_000;
const ENDINGS: u32 = 30;

/// A session and its first message, counted over all sessions.
pub(super) type Begun = (SessionId, u64);

/// A session that has ended: its first message, the first of the next one, and how often its end is still to be told.
struct Ended {
    session: SessionId,
    first: u64,
    end: u64,
    left: u32,
}

/// The sender and the server of requests.
pub(super) struct Mold {
    settings: MoldSettings,
    socket: UdpSocket,
    requests: Option<UdpSocket>,
    /// The next message to send, over all sessions.
    next: u64,
    /// The session that it is of, and those that have begun since. Empty before the first duty cycle.
    sessions: VecDeque<Begun>,
    ended: Option<Ended>,
    next_heartbeat: u64,
    next_ending: u64,
    packet: PacketBuilder,
    history: HistoryReaders,
    askers: Askers,
    packets: Counter,
    answered: Counter,
    refused: Counter,
    /// Whether the last failure to send was reported.
    failing: bool,
}

impl Mold {
    pub(super) fn open(settings: &MoldSettings, counters: &Counters) -> Result<Self, Fatal> {
        let failed =
            |what: &str, error: io::Error| Fatal::listen(format_args!("market data: {what}: {error}"));
        let bind = |address: SocketAddr| -> io::Result<UdpSocket> {
            let socket = UdpSocket::bind(address)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        // A socket that is bound to the interface's address sends multicast by that interface.
        let socket = bind(SocketAddr::from((settings.interface, 0)))
            .map_err(|error| failed("the interface of market_data.mold_interface", error))?;
        socket.set_multicast_loop_v4(true).map_err(|error| failed("multicast", error))?;
        socket
            .set_multicast_ttl_v4(u32::from(settings.ttl))
            .map_err(|error| failed("market_data.mold_ttl", error))?;
        let requests = match settings.requests {
            Some(address) => Some(
                bind(address)
                    .map_err(|error| failed(&format!("market_data.mold_requests {address}"), error))?,
            ),
            None => None,
        };
        Ok(Self {
            settings: settings.clone(),
            socket,
            requests,
            next: 0,
            sessions: VecDeque::new(),
            ended: None,
            next_heartbeat: 0,
            next_ending: 0,
            packet: PacketBuilder::default(),
            history: HistoryReaders::new(),
            askers: Askers::new(settings.requests_per_second),
            packets: counters.register("feed.mold_packets", "datagrams"),
            answered: counters.register("feed.mold_requests", "requests"),
            refused: counters.register("feed.mold_requests_refused", "requests"),
            failing: false,
        })
    }

    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.requests.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Sends from this message on, which is of this session.
    pub(super) fn begin(&mut self, next: u64, session: Begun) {
        self.next = next;
        self.sessions = VecDeque::from([session]);
    }

    /// The oldest message that may still be asked for: of a session whose end is still being told, or of the present one.
    pub(super) fn oldest_wanted(&self) -> Option<u64> {
        let ended = self.ended.as_ref().map(|ended| ended.first);
        ended.or_else(|| self.sessions.front().map(|(_, first)| *first))
    }

    pub(super) fn work(&mut self, messages: &Messages<'_>, now: u64) -> usize {
        if self.sessions.back().is_some_and(|(_, first)| *first != messages.session_first) {
            self.sessions.push_back((messages.session, messages.session_first));
        }
        self.send(messages, now) + self.listen(now) + self.answer(messages, now)
    }

    /// Sends what is new, or a heartbeat.
    fn send(&mut self, messages: &Messages<'_>, now: u64) -> usize {
        let mut sent = 0;
        while let Some((session, first)) = self.sessions.front().copied() {
            // What is left of an old session goes out before anything of the next one; its end is told for a while.
            let end = self.sessions.get(1).map_or(messages.tail.next(), |(_, next)| *next);
            while self.next < end && sent < PACKETS_MAX {
                if !self.send_some((session, first), end, messages, now) {
                    return sent;
                }
                sent += 1;
            }
            if self.next < end || self.sessions.len() == 1 {
                break;
            }
            self.sessions.pop_front();
            self.ended = Some(Ended { session, first, end, left: ENDINGS });
            self.next_ending = now;
        }
        self.tell_end(now);
        if let Some((session, first)) = self.sessions.front().copied()
            && now >= self.next_heartbeat
        {
            let header = Header { session, sequence: self.next - first + 1, count: 0 };
            let outcome = self.socket.send_to(&header.encode(), self.settings.group);
            self.note(outcome.map(drop));
            self.next_heartbeat = now + HEARTBEAT_NS;
        }
        sent
    }

    fn tell_end(&mut self, now: u64) {
        let Some(ended) = self.ended.as_mut().filter(|_| now >= self.next_ending) else { return };
        let (session, sequence) = (ended.session, ended.end - ended.first + 1);
        ended.left -= 1;
        if ended.left == 0 {
            self.ended = None;
        }
        let header = Header { session, sequence, count: END_OF_SESSION };
        let outcome = self.socket.send_to(&header.encode(), self.settings.group);
        self.note(outcome.map(drop));
        self.next_ending = now + HEARTBEAT_NS;
    }

    /// Sends a datagram; `false` while the socket takes none.
    fn send_some(&mut self, (session, first): Begun, end: u64, messages: &Messages<'_>, now: u64) -> bool {
        let from = self.next;
        let mut count = gather(&mut self.packet, from, end, messages);
        if count == 0 {
            count = match self.history.gather(&mut self.packet, (from, end), None, messages.log, now) {
                // Not there yet; it goes on in the next cycle.
                Some(0) => return false,
                Some(count) => count,
                // It cannot be read back: whoever wants it sees the gap.
                None => {
                    self.next += 1;
                    return true;
                }
            };
        }
        let bytes = self.packet.finish(session, from - first + 1);
        let outcome = self.socket.send_to(bytes, self.settings.group);
        if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock || is_passing(error)) {
            return false;
        }
        self.note(outcome.map(drop));
        self.next += count;
        self.next_heartbeat = now + HEARTBEAT_NS;
        true
    }

    /// A datagram that cannot be sent is lost, as others are on the way; whoever misses it asks for it.
    fn note(&mut self, outcome: io::Result<()>) {
        self.packets.add(1);
        match outcome {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                let (error, group) = (Told(&error), self.settings.group);
                tracing::warn!(%group, "market data: multicast cannot be sent: {error}");
            }
            Err(_) => {}
        }
    }

    /// Whether this address may ask.
    fn may_ask(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        self.settings.requests_allow_from.iter().any(|net| net.contains(&from))
    }

    /// The messages of a session that may be asked for: the number before its first one, and the end.
    fn known(&self, session: SessionId, messages: &Messages<'_>) -> Option<(u64, u64)> {
        if session == messages.session {
            return Some((messages.session_first, messages.tail.next()));
        }
        let ended = self.ended.as_ref().filter(|ended| ended.session == session)?;
        Some((ended.first, ended.end))
    }

    fn listen(&mut self, now: u64) -> usize {
        let Some(requests) = &self.requests else { return 0 };
        for looked_at in 0..REQUESTS_MAX {
            let mut bytes = [0; 64];
            let (len, from) = match requests.recv_from(&mut bytes) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return looked_at,
                // Such as an answer that nobody wanted any more.
                Err(_) => continue,
            };
            let Ok(request) = Header::decode_request(&bytes[..len]) else { continue };
            if !self.may_ask(from.ip()) || !self.askers.offer(Asked { from, request }, now) {
                self.refused.add(1);
            }
        }
        REQUESTS_MAX
    }

    /// Answers requests, of each address one in turn, with one datagram each.
    fn answer(&mut self, messages: &Messages<'_>, now: u64) -> usize {
        let mut answered = 0;
        let read_until = self.history.read() + READS_MAX;
        while answered < ANSWERS_MAX
            && self.history.read() < read_until
            && let Some(asked) = self.askers.next(now)
        {
            answered += 1;
            self.answer_one(asked, messages, now);
        }
        // What waits is work, too: it is looked at again soon.
        answered.max(usize::from(!self.askers.is_empty()))
    }

    fn answer_one(&mut self, Asked { from, request }: Asked, messages: &Messages<'_>, now: u64) {
        let Some((session_first, known_end)) = self.known(request.session, messages) else { return };
        let Some(first) = request.sequence.checked_sub(1).and_then(|skip| session_first.checked_add(skip))
        else {
            return;
        };
        let end = first.saturating_add(u64::from(request.count)).min(known_end);
        if first >= end {
            return;
        }
        if gather(&mut self.packet, first, end, messages) == 0 {
            // Not in memory any more. While its place is being looked for, and if it is gone, there is no answer.
            let read = self.history.read();
            self.history.gather(&mut self.packet, (first, end), Some(from.ip()), messages.log, now);
            self.askers.charge(from.ip(), self.history.read() - read, now);
        }
        if self.packet.count() > 0
            && let Some(requests) = &self.requests
        {
            // Lost, if the socket does not take it: the request comes again.
            let _ = requests.send_to(self.packet.finish(request.session, request.sequence), from);
            self.answered.add(1);
        }
    }
}

/// Puts as many messages of those in memory as fit into the datagram; how many.
fn gather(packet: &mut PacketBuilder, from: u64, end: u64, messages: &Messages<'_>) -> u64 {
    packet.clear();
    let mut next = from;
    while next < end
        && let Some(bytes) = messages.tail.packet(next)
        && packet.push(&bytes[HEADER_LEN..])
    {
        next += 1;
    }
    next - from
}
