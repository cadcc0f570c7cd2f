//! MoldUDP64: the messages as multicast datagrams, and a server of requests for those that were missed.

use super::log::LogReader;
use super::server::Messages;
use super::settings::MoldSettings;
use crate::runtime::{Counter, Counters, Fatal};
use crate::wire::mold::{END_OF_SESSION, Header, PacketBuilder};
use crate::wire::soup::{HEADER_LEN, SessionId};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

/// Datagrams sent, and requests answered, in one duty cycle.
const PACKETS_MAX: usize = 64;
const REQUESTS_MAX: usize = 16;
/// Messages that are read from the log for one request.
const READ_MAX: usize = 256;
/// A heartbeat follows this long after the last datagram, ns; the end of a session is told this often, in as many.
const HEARTBEAT_NS: u64 = 1_000_000_000;
const ENDINGS: u32 = 30;

/// The sender and the server of requests.
pub(super) struct Mold {
    settings: MoldSettings,
    socket: UdpSocket,
    requests: Option<UdpSocket>,
    /// The next message to send, over all sessions.
    next: u64,
    /// The session that the last datagram was of, and its first message.
    session: Option<(SessionId, u64)>,
    /// A session that has ended: its number after the last, and how often that is still to be told.
    ended: Option<(SessionId, u64, u32)>,
    next_heartbeat: u64,
    next_ending: u64,
    packet: PacketBuilder,
    packets: Counter,
    answered: Counter,
    /// Whether the last failure to send was reported.
    failing: bool,
}

impl Mold {
    pub(super) fn open(settings: &MoldSettings, next: u64, counters: &Counters) -> Result<Self, Fatal> {
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
            next,
            session: None,
            ended: None,
            next_heartbeat: 0,
            next_ending: 0,
            packet: PacketBuilder::default(),
            packets: counters.register("feed.mold_packets", "datagrams"),
            answered: counters.register("feed.mold_requests", "requests"),
            failing: false,
        })
    }

    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.requests.as_ref().map(AsRawFd::as_raw_fd)
    }

    pub(super) fn work(&mut self, messages: &Messages<'_>, now: u64) -> Result<usize, Fatal> {
        let mut work = self.send(messages, now)?;
        work += self.answer(messages)?;
        Ok(work)
    }

    /// Sends what is new, or a heartbeat.
    fn send(&mut self, messages: &Messages<'_>, now: u64) -> Result<usize, Fatal> {
        let mut sent = 0;
        if let Some((session, first)) = self.session
            && first != messages.session_first
        {
            // What is left of the old session goes out first; its end is told for a while.
            while self.next < messages.session_first && sent < PACKETS_MAX {
                self.send_some(session, first, messages.session_first, messages, now)?;
                sent += 1;
            }
            if self.next < messages.session_first {
                return Ok(sent);
            }
            self.ended = Some((session, messages.session_first - first + 1, ENDINGS));
            self.next_ending = now;
        }
        let (session, first) = (messages.session, messages.session_first);
        self.session = Some((session, first));
        self.tell_end(now);
        let end = messages.tail.next();
        while self.next < end && sent < PACKETS_MAX {
            self.send_some(session, first, end, messages, now)?;
            sent += 1;
        }
        if now >= self.next_heartbeat {
            let header = Header { session, sequence: self.next - first + 1, count: 0 };
            self.send_out(&header.encode());
            self.next_heartbeat = now + HEARTBEAT_NS;
        }
        Ok(sent)
    }

    fn tell_end(&mut self, now: u64) {
        if let Some((session, sequence, left)) = self.ended.filter(|_| now >= self.next_ending) {
            self.send_out(&Header { session, sequence, count: END_OF_SESSION }.encode());
            self.next_ending = now + HEARTBEAT_NS;
            self.ended = (left > 1).then_some((session, sequence, left - 1));
        }
    }

    fn send_some(
        &mut self,
        session: SessionId,
        first: u64,
        end: u64,
        messages: &Messages<'_>,
        now: u64,
    ) -> Result<(), Fatal> {
        let from = self.next;
        let count = gather(&mut self.packet, from, end, messages)?;
        let bytes = self.packet.finish(session, from - first + 1);
        let outcome = self.socket.send_to(bytes, SocketAddr::V4(self.settings.group));
        self.note(outcome.map(drop));
        self.next += count.max(1);
        self.next_heartbeat = now + HEARTBEAT_NS;
        Ok(())
    }

    fn send_out(&mut self, bytes: &[u8]) {
        let outcome = self.socket.send_to(bytes, SocketAddr::V4(self.settings.group));
        self.note(outcome.map(drop));
    }

    /// A datagram that cannot be sent is lost, as others are on the way; whoever misses it asks for it.
    fn note(&mut self, outcome: io::Result<()>) {
        self.packets.add(1);
        match outcome {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::warn!(%error, group = %self.settings.group, "market data: multicast cannot be sent");
            }
            Err(_) => {}
        }
    }

    /// Answers requests with one datagram each.
    fn answer(&mut self, messages: &Messages<'_>) -> Result<usize, Fatal> {
        let Some(requests) = &self.requests else { return Ok(0) };
        for answered in 0..REQUESTS_MAX {
            let mut bytes = [0; 64];
            let (len, from) = match requests.recv_from(&mut bytes) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(answered),
                // Such as an answer that nobody wanted any more.
                Err(_) => continue,
            };
            let Ok(request) = Header::decode_request(&bytes[..len]) else { continue };
            let session = messages.session;
            let known = messages.tail.next() - messages.session_first + 1;
            if request.session != session || request.sequence == 0 || request.sequence >= known {
                continue;
            }
            let first = messages.session_first + request.sequence - 1;
            let end = first.saturating_add(u64::from(request.count)).min(messages.tail.next());
            gather(&mut self.packet, first, end, messages)?;
            if self.packet.count() > 0 {
                // Lost, if the socket does not take it: the request comes again.
                let _ = requests.send_to(self.packet.finish(session, request.sequence), from);
                self.answered.add(1);
            }
        }
        Ok(REQUESTS_MAX)
    }
}

/// Puts as many messages as fit into the datagram; how many.
fn gather(packet: &mut PacketBuilder, from: u64, end: u64, messages: &Messages<'_>) -> Result<u64, Fatal> {
    packet.clear();
    let mut next = from;
    while next < end
        && let Some(bytes) = messages.tail.packet(next)
        && packet.push(&bytes[HEADER_LEN..])
    {
        next += 1;
    }
    if next > from || from >= end {
        return Ok(next - from);
    }
    // Not in memory any more. What was retired, or lies too far from the start of its segment, is not sent.
    let Ok(mut reader) = LogReader::open_at(messages.log, from) else { return Ok(0) };
    for _ in 0..READ_MAX {
        let Some(logged) = reader.next()? else { break };
        if next == end || logged.number != next || !packet.push(logged.message) {
            break;
        }
        next += 1;
    }
    Ok(next - from)
}
