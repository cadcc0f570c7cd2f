//! MoldUDP64: messages as multicast datagrams, and a server for retransmission requests.

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

/// The most datagrams sent, requests read and requests answered per duty cycle. More are read than the system's default
/// buffer holds, so that one sender's requests do not cause the loss of another's.
const PACKETS_MAX: usize = 64;
const REQUESTS_MAX: usize = 512;
const ANSWERS_MAX: usize = 64;
/// The most messages read from the log for answers per duty cycle; further requests wait for the next.
const READS_MAX: u64 = 8192;
/// A heartbeat is sent this long after the last datagram, ns. The end of a session is sent at this interval, and the
/// next constant says how many times.
const HEARTBEAT_NS: u64 = 1_000_000_000;
const ENDINGS: u32 = 30;

/// A session and its first message, numbered over all sessions.
pub(super) type Begun = (SessionId, u64);

/// An ended session: its first message, the first of the next session, and how often its end must still be sent.
struct Ended {
    session: SessionId,
    first: u64,
    end: u64,
    left: u32,
}

/// The multicast sender and the server for requests.
pub(super) struct Mold {
    settings: MoldSettings,
    socket: UdpSocket,
    requests: Option<UdpSocket>,
    /// The next message to send, numbered over all sessions.
    next: u64,
    /// The session of that message, and those that began later. Empty before the first duty cycle.
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
    /// Whether the last send error was reported.
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
        // A socket that is bound to the interface's address sends multicast through that interface.
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

    /// Starts to send with this message of this session.
    pub(super) fn begin(&mut self, next: u64, session: Begun) {
        self.next = next;
        self.sessions = VecDeque::from([session]);
    }

    /// The oldest message that may still be requested: of an ended session whose end is still being sent, or of the
    /// present one.
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

    /// Sends new messages, or a heartbeat.
    fn send(&mut self, messages: &Messages<'_>, now: u64) -> usize {
        let mut sent = 0;
        while let Some((session, first)) = self.sessions.front().copied() {
            // The rest of an old session is sent before the next one; its end is announced for a while.
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

    /// Sends a datagram; `false` while the socket accepts none.
    fn send_some(&mut self, (session, first): Begun, end: u64, messages: &Messages<'_>, now: u64) -> bool {
        let from = self.next;
        let mut count = gather(&mut self.packet, from, end, messages);
        if count == 0 {
            count = match self.history.gather(&mut self.packet, (from, end), None, messages.log, now) {
                // Not found yet; continues in the next cycle.
                Some(0) => return false,
                Some(count) => count,
                // It cannot be read back: receivers will see a gap.
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

    /// A datagram that cannot be sent is lost, like any lost datagram; receivers request it again.
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

    /// Whether this address may send requests.
    fn may_ask(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        self.settings.requests_allow_from.iter().any(|net| net.contains(&from))
    }

    /// The messages of a session that may be requested: the number before its first one, and the end.
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
                // For example an ICMP error for an earlier answer.
                Err(_) => continue,
            };
            let Ok(request) = Header::decode_request(&bytes[..len]) else { continue };
            if !self.may_ask(from.ip()) || !self.askers.offer(Asked { from, request }, now) {
                self.refused.add(1);
            }
        }
        REQUESTS_MAX
    }

    /// Answers requests with one datagram each, one request per address in turn.
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
        // Waiting requests count as work, so that the next cycle follows soon.
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
            // No longer in memory. While it is being searched, or if it is gone, there is no answer.
            let read = self.history.read();
            self.history.gather(&mut self.packet, (first, end), Some(from.ip()), messages.log, now);
            self.askers.charge(from.ip(), self.history.read() - read, now);
        }
        if self.packet.count() > 0
            && let Some(requests) = &self.requests
        {
            // If the socket does not accept it, it is lost: the request will be repeated.
            let _ = requests.send_to(self.packet.finish(request.session, request.sequence), from);
            self.answered.add(1);
        }
    }
}

/// Adds as many messages from memory as fit into the datagram; returns how many.
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
