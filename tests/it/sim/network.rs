//! Simulated sockets: connections between the gateway and clients whose bytes arrive when the simulation says so.
//!
//! They keep to what the gateway may rely on, which is epoll's edge-triggered word: a read gives all that has arrived and
//! fits, a write takes all that there is room for, and after a read or a write that was cut short the next change is told.
//! All else is free: when bytes arrive and how many at a time, how much room there is, when readiness is told, and who
//! closes when.

use super::random::Random;
use dojima::net::{ConnectionId, Readiness, Ready, Socket, Sockets};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A connection's number, over the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub usize);

/// What a client finds when it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// So many bytes came; 0: none at present.
    Bytes(usize),
    /// The server has closed, and all that it sent before has been taken.
    Closed,
}

/// The network, seen by the simulation; clones are the same network.
#[derive(Clone)]
pub struct Network(Arc<Mutex<State>>);

struct State {
    random: Random,
    backlog: VecDeque<LinkId>,
    /// The listener has something to tell.
    listener_ready: bool,
    links: Vec<Link>,
    /// Connections about which there is something to tell.
    reports: VecDeque<(LinkId, Readiness)>,
    /// Whether there is a server. Connecting to none is refused.
    listening: bool,
    accept_errors: u32,
    /// Once in so many calls something is in the way that passes; 0: never.
    passing_once_in: u64,
    passed: u64,
    /// Connections with something in `unseen`.
    wrote: Vec<LinkId>,
}

#[derive(Default)]
struct Link {
    watched: Option<ConnectionId>,
    /// On the way to the server, and arrived there.
    to_server: VecDeque<u8>,
    arrived: VecDeque<u8>,
    /// The client will send nothing more; told once everything before has arrived.
    client_finished: bool,
    finish_arrived: bool,
    /// The client threw the connection away.
    reset: bool,
    /// Taken from the server and not yet by the client; never more than `room_max`.
    to_client: VecDeque<u8>,
    room_max: usize,
    /// A write of the server was cut short, so it is to be told of room.
    awaits_room: bool,
    server_finished: bool,
    server_gone: bool,
    /// What the server wrote since it was last looked at.
    unseen: Vec<u8>,
}

impl Link {
    fn has_finish_to_tell(&self) -> bool {
        self.client_finished && self.to_server.is_empty() && !self.finish_arrived
    }
}

impl Network {
    pub fn new(random: Random) -> Self {
        Self(Arc::new(Mutex::new(State {
            random,
            backlog: VecDeque::new(),
            listener_ready: false,
            links: Vec::new(),
            reports: VecDeque::new(),
            listening: false,
            accept_errors: 0,
            passing_once_in: 0,
            passed: 0,
            wrote: Vec::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A listener for the next server.
    pub fn listen(&self) -> Box<dyn Sockets> {
        let mut state = self.state();
        state.listening = true;
        state.listener_ready = false;
        state.backlog.clear();
        state.reports.clear();
        Box::new(SimulatedSockets(self.clone()))
    }

    /// The server is gone, whatever it was doing: each client gets some first part of what was on its way to it.
    pub fn cut_all(&self) {
        let mut state = self.state();
        state.listening = false;
        let State { links, random, .. } = &mut *state;
        for link in links.iter_mut() {
            let arrives = random.below(link.to_client.len() as u64 + 1) as usize;
            link.to_client.truncate(arrives);
            link.server_gone = true;
        }
    }

    /// The next accept fails as it does when the process has no descriptor left.
    pub fn fail_accept(&self) {
        let mut state = self.state();
        state.accept_errors = 1;
        state.listener_ready = true;
    }

    /// From now on one in so many of the server's calls fails with an error that passes; 0: none.
    pub fn set_passing(&self, once_in: u64) {
        self.state().passing_once_in = once_in;
    }

    /// How many calls failed so since this was last asked.
    pub fn take_passed(&self) -> u64 {
        std::mem::take(&mut self.state().passed)
    }

    /// A new connection with this much room in the server's send buffer; `None` while nobody listens.
    pub fn connect(&self, room_max: usize) -> Option<LinkId> {
        let mut state = self.state();
        if !state.listening {
            return None;
        }
        let id = LinkId(state.links.len());
        state.links.push(Link { room_max, ..Link::default() });
        state.backlog.push_back(id);
        state.listener_ready = true;
        Some(id)
    }

    /// The client sends; the bytes arrive later.
    pub fn send(&self, link: LinkId, bytes: &[u8]) {
        self.state().links[link.0].to_server.extend(bytes);
    }

    /// The client will send nothing more.
    pub fn finish(&self, link: LinkId) {
        self.state().links[link.0].client_finished = true;
    }

    /// The client goes in the middle of what it sends: some first part of what is on its way still arrives.
    pub fn break_off(&self, link: LinkId) {
        let mut state = self.state();
        let State { links, random, .. } = &mut *state;
        let link = &mut links[link.0];
        let arrives = random.below(link.to_server.len() as u64 + 1) as usize;
        link.to_server.truncate(arrives);
        link.client_finished = true;
    }

    /// The client throws the connection away, with all that is on its way in either direction.
    pub fn reset(&self, link: LinkId) {
        let mut state = self.state();
        let link_state = &mut state.links[link.0];
        link_state.reset = true;
        link_state.to_server.clear();
        link_state.arrived.clear();
        link_state.to_client.clear();
        state.tell(link, Readiness { readable: true, writable: true, hung_up: true });
    }

    /// Up to `bytes` more bytes of this client arrive at the server.
    pub fn deliver(&self, link: LinkId, bytes: usize) {
        let mut state = self.state();
        let found = &mut state.links[link.0];
        let bytes = bytes.min(found.to_server.len());
        let arriving = found.to_server.drain(..bytes);
        found.arrived.extend(arriving);
        let hung_up = found.has_finish_to_tell();
        found.finish_arrived |= hung_up;
        if bytes > 0 || hung_up {
            state.tell(link, Readiness { readable: true, writable: false, hung_up });
        }
    }

    /// The client takes up to `bytes_max` bytes.
    pub fn take(&self, link: LinkId, bytes_max: usize, into: &mut Vec<u8>) -> Taken {
        let mut state = self.state();
        let found = &mut state.links[link.0];
        let bytes = bytes_max.min(found.to_client.len());
        into.extend(found.to_client.drain(..bytes));
        if bytes == 0 && (found.server_finished || found.server_gone) && found.to_client.is_empty() {
            return Taken::Closed;
        }
        if bytes > 0 && found.awaits_room {
            found.awaits_room = false;
            state.tell(link, Readiness { readable: false, writable: true, hung_up: false });
        }
        Taken::Bytes(bytes)
    }

    /// What the server has written, connection by connection, since this was last asked.
    pub fn written(&self) -> Vec<(LinkId, Vec<u8>)> {
        let mut state = self.state();
        let State { links, wrote, .. } = &mut *state;
        wrote.drain(..).map(|link| (link, std::mem::take(&mut links[link.0].unseen))).collect()
    }

    /// Whether the server still has this connection.
    pub fn is_open(&self, link: LinkId) -> bool {
        !self.state().links[link.0].server_gone
    }
}

/// The system's numbers for: a signal, an aborted connection, no descriptor, no memory for sockets.
const EINTR: i32 = 4;
const ECONNABORTED: i32 = 103;
const EMFILE: i32 = 24;
const ENOBUFS: i32 = 105;

impl State {
    /// Whether one of these errors is in the way of a call.
    fn pass(&mut self, errnos: &[i32]) -> io::Result<()> {
        if self.passing_once_in == 0 || !self.random.once_in(self.passing_once_in) {
            return Ok(());
        }
        self.passed += 1;
        Err(io::Error::from_raw_os_error(self.random.pick(errnos)))
    }

    fn tell(&mut self, link: LinkId, readiness: Readiness) {
        let found = &self.links[link.0];
        if found.watched.is_some() && !found.server_gone {
            self.reports.push_back((link, readiness));
        }
    }
}

/// The server's listener.
struct SimulatedSockets(Network);

impl Sockets for SimulatedSockets {
    fn poll(&mut self, tell: &mut dyn FnMut(Ready)) -> io::Result<()> {
        let mut state = self.0.state();
        state.pass(&[EINTR])?;
        if state.listener_ready && !state.random.once_in(3) {
            state.listener_ready = false;
            tell(Ready::Listener);
        }
        // The system may keep some for the next time.
        let kept = if state.random.once_in(4) { state.reports.len() / 2 } else { 0 };
        while state.reports.len() > kept
            && let Some((link, readiness)) = state.reports.pop_front()
        {
            if let Some(id) = state.links[link.0].watched {
                tell(Ready::Connection(id, readiness));
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<(Box<dyn Socket>, SocketAddr)> {
        let mut state = self.0.state();
        if state.accept_errors > 0 {
            state.accept_errors -= 1;
            return Err(io::Error::other("too many open files (simulated)"));
        }
        if !state.backlog.is_empty()
            && let Err(error) = state.pass(&[EINTR, ECONNABORTED, EMFILE])
        {
            if error.raw_os_error() == Some(ECONNABORTED)
                && let Some(link) = state.backlog.pop_front()
            {
                state.links[link.0].server_gone = true;
            }
            return Err(error);
        }
        let link = state.backlog.pop_front().ok_or(ErrorKind::WouldBlock)?;
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, link.0 as u16));
        Ok((Box::new(SimulatedSocket { network: self.0.clone(), link }), peer))
    }

    fn descriptor(&self) -> Option<RawFd> {
        None
    }
}

/// The server's end of a connection.
struct SimulatedSocket {
    network: Network,
    link: LinkId,
}

impl SimulatedSocket {
    fn with<R>(&self, act: impl FnOnce(&mut Link) -> io::Result<R>) -> io::Result<R> {
        let mut state = self.network.state();
        if state.links[self.link.0].reset {
            return Err(ErrorKind::ConnectionReset.into());
        }
        state.pass(&[EINTR, ENOBUFS])?;
        act(&mut state.links[self.link.0])
    }
}

impl Socket for SimulatedSocket {
    fn watch(&mut self, id: ConnectionId) -> io::Result<()> {
        let mut state = self.network.state();
        state.links[self.link.0].watched = Some(id);
        state.tell(self.link, Readiness { readable: true, writable: true, hung_up: false });
        Ok(())
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.with(|link| {
            let bytes = room.len().min(link.arrived.len());
            for (slot, byte) in room.iter_mut().zip(link.arrived.drain(..bytes)) {
                *slot = byte;
            }
            if bytes == 0 && !link.finish_arrived { Err(ErrorKind::WouldBlock.into()) } else { Ok(bytes) }
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.network.state();
        if state.links[self.link.0].reset || state.links[self.link.0].server_finished {
            return Err(ErrorKind::BrokenPipe.into());
        }
        state.pass(&[EINTR, ENOBUFS])?;
        let State { links, wrote, .. } = &mut *state;
        let link = &mut links[self.link.0];
        let mut room = link.room_max - link.to_client.len();
        let asked: usize = parts.iter().map(|part| part.len()).sum();
        let taken = room.min(asked);
        if taken > 0 && link.unseen.is_empty() {
            wrote.push(self.link);
        }
        for part in parts {
            let now = &part[..room.min(part.len())];
            link.to_client.extend(now);
            link.unseen.extend_from_slice(now);
            room -= now.len();
        }
        link.awaits_room |= taken < asked;
        if taken == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    fn shut_down_writing(&mut self) -> io::Result<()> {
        self.network.state().links[self.link.0].server_finished = true;
        Ok(())
    }
}

impl Drop for SimulatedSocket {
    /// A socket that is closed with bytes unread takes some of what is on its way to the client with it.
    fn drop(&mut self) {
        let mut state = self.network.state();
        let State { links, random, .. } = &mut *state;
        let link = &mut links[self.link.0];
        let has_unread = !link.arrived.is_empty() || !link.to_server.is_empty();
        if has_unread && !link.server_gone {
            let arrives = random.below(link.to_client.len() as u64 + 1) as usize;
            link.to_client.truncate(arrives);
        }
        link.server_gone = true;
    }
}
