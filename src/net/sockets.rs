//! The seam between the stages and the network: what it needs of sockets, and the system's sockets behind it.
//!
//! Nothing here waits. Readiness is told once per change, as epoll does it edge-triggered: whoever is told reads until a
//! read fills less than it could, and writes until a write takes less than it was given.

use super::ConnectionId;
use crate::runtime::handoff::{Giver, Taker, handoff};
use crate::runtime::{Fatal, descriptors};
use dojima_journal::passing::is_passing;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixStream};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

/// Readiness reports taken in one duty cycle; the system keeps the rest.
const READY_MAX: usize = 256;

/// Connections that the system keeps until they are accepted; it drops the first packet of more, and their clients try again
/// after a second.
const BACKLOG: i32 = 1024;

const LISTENER: Token = Token(usize::MAX);
const SIDE_DOOR: Token = Token(usize::MAX - 1);

/// Connections that were handed over and not yet accepted; more wait with whoever hands them over.
pub const HANDED_MAX: usize = 64;

/// Listens with room for more connections that wait to be accepted than [`std::net::TcpListener::bind`] has, as far as the
/// system allows it (`net.core.somaxconn`).
///
/// # Errors
/// Whatever the system says.
pub fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// Whom a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// The listener: there may be connections to accept.
    Listener,
    /// A connection, which may be gone by now.
    Connection(ConnectionId, Readiness),
}

/// What has changed about a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// There may be something to read.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
    /// The other side has closed, or the socket has failed: reads tell so, whatever else is reported.
    pub hung_up: bool,
}

/// A listener and the readiness of all its connections.
pub trait Sockets: Send {
    /// Tells what has become ready since the last call, without waiting.
    ///
    /// # Errors
    /// Whatever the system says.
    fn poll(&mut self, tell: &mut dyn FnMut(Ready)) -> io::Result<()>;

    /// The next connection that waits, and the client's address.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when none waits, else whatever the system says.
    fn accept(&mut self) -> io::Result<(Box<dyn Socket>, SocketAddr)>;

    /// What becomes readable when there is something to tell, for whoever sleeps until then. `None` where nobody sleeps.
    fn descriptor(&self) -> Option<RawFd>;
}

/// One client's socket, which never waits. Dropping it closes it.
pub trait Socket: Send {
    /// Has the readiness of this socket told under this number from now on.
    ///
    /// # Errors
    /// Whatever the system says.
    fn watch(&mut self, id: ConnectionId) -> io::Result<()>;

    /// As [`Read::read`].
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing has come, else whatever the system says.
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize>;

    /// As [`Write::write`].
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is no room, else whatever the system says.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// As [`Write::write_vectored`].
    ///
    /// # Errors
    /// As [`Socket::write`].
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Says that nothing more will be written.
    ///
    /// # Errors
    /// Whatever the system says.
    fn shut_down_writing(&mut self) -> io::Result<()>;
}

/// The system's sockets, by way of epoll.
pub struct TcpSockets {
    poll: Poll,
    registry: Arc<Registry>,
    ready: Events,
    listener: TcpListener,
    handed: Option<Taker<(UnixStream, SocketAddr)>>,
    /// A connection that has one of the last descriptors, until somebody gives way.
    held: Option<(TcpStream, SocketAddr)>,
}

/// Where connections are handed over that somebody else has accepted, such as TLS: the plain text of each by way of a
/// local socket.
#[derive(Clone, Debug)]
pub struct SideDoor {
    connections: Giver<(UnixStream, SocketAddr)>,
    waker: Arc<Waker>,
}

impl SideDoor {
    /// Hands over a connection with the address of the client behind it. `false`, and it is closed, when too many wait.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn hand_over(&self, stream: std::os::unix::net::UnixStream, peer: SocketAddr) -> io::Result<bool> {
        stream.set_nonblocking(true)?;
        let is_taken = self.connections.give((UnixStream::from_std(stream), peer)).is_ok();
        self.waker.wake()?;
        Ok(is_taken)
    }
}

impl TcpSockets {
    /// Takes over a bound listener.
    ///
    /// # Errors
    /// [`Fatal::Listen`] when the listener cannot be watched, [`Fatal::Io`] when the system gives no poll.
    pub fn new(listener: std::net::TcpListener) -> Result<Self, Fatal> {
        let poll = Poll::new().map_err(Fatal::io)?;
        let registry = Arc::new(poll.registry().try_clone().map_err(Fatal::io)?);
        let mut listener = listener
            .set_nonblocking(true)
            .map(|()| TcpListener::from_std(listener))
            .map_err(Fatal::listen)?;
        registry.register(&mut listener, LISTENER, Interest::READABLE).map_err(Fatal::listen)?;
        Ok(Self {
            poll,
            registry,
            ready: Events::with_capacity(READY_MAX),
            listener,
            handed: None,
            held: None,
        })
    }

    /// Lets somebody else hand over connections too. Once.
    ///
    /// # Errors
    /// [`Fatal::Io`] when the system gives no waker.
    pub fn side_door(&mut self) -> Result<SideDoor, Fatal> {
        let waker = Arc::new(Waker::new(&self.registry, SIDE_DOOR).map_err(Fatal::io)?);
        let (connections, handed) = handoff(HANDED_MAX);
        self.handed = Some(handed);
        Ok(SideDoor { connections, waker })
    }
}

impl Sockets for TcpSockets {
    fn poll(&mut self, tell: &mut dyn FnMut(Ready)) -> io::Result<()> {
        match self.poll.poll(&mut self.ready, Some(Duration::ZERO)) {
            Ok(()) => {}
            Err(error) if is_passing(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
        for event in &self.ready {
            tell(match event.token() {
                LISTENER | SIDE_DOOR => Ready::Listener,
                Token(id) => Ready::Connection(
                    ConnectionId(id as u64),
                    Readiness {
                        readable: event.is_readable(),
                        writable: event.is_writable() || event.is_error(),
                        hung_up: event.is_read_closed() || event.is_error(),
                    },
                ),
            });
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<(Box<dyn Socket>, SocketAddr)> {
        let registry = Arc::clone(&self.registry);
        if let Some((stream, peer)) = self.handed.as_ref().and_then(Taker::try_take) {
            return Ok((Box::new(SystemSocket { stream, registry }), peer));
        }
        let (stream, peer) = match self.held.take() {
            Some(held) => held,
            None => self.listener.accept()?,
        };
        let of = |descriptor: OwnedFd| TcpStream::from_std(std::net::TcpStream::from(descriptor));
        let stream = match descriptors::below_the_last(OwnedFd::from(stream))? {
            Ok(descriptor) => of(descriptor),
            Err(descriptor) => {
                self.held = Some((of(descriptor), peer));
                return Err(descriptors::none_left());
            }
        };
        // It may be gone already; then the first read tells.
        let _ = stream.set_nodelay(true);
        Ok((Box::new(SystemSocket { stream, registry }), peer))
    }

    /// The poll's own descriptor, which is readable when one of the sockets is ready.
    fn descriptor(&self) -> Option<RawFd> {
        Some(self.poll.as_raw_fd())
    }
}

/// A stream of the system's.
trait Stream: Read + Write + Source + Send {
    fn shut_down_writing(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn shut_down_writing(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Stream for UnixStream {
    fn shut_down_writing(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// One of them.
struct SystemSocket<S> {
    stream: S,
    /// Closing the socket ends its registration too.
    registry: Arc<Registry>,
}

impl<S: Stream> Socket for SystemSocket<S> {
    fn watch(&mut self, id: ConnectionId) -> io::Result<()> {
        let token = Token(id.0 as usize);
        self.registry.register(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    #[inline]
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.stream.read(room)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    #[inline]
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.write_vectored(parts)
    }

    fn shut_down_writing(&mut self) -> io::Result<()> {
        self.stream.shut_down_writing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn more_connections_wait_than_with_the_backlog_of_the_standard_library() {
        const STD_BACKLOG: usize = 128;
        let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("Linux");
        let allowed: usize = allowed.trim().parse().expect("a number");
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
        let address = listener.local_addr().expect("an address");
        let wanted = (3 * STD_BACKLOG).min(allowed);
        let _waiting: Vec<std::net::TcpStream> = (0..wanted)
            .map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(500)))
            .map(|connected| connected.expect("nobody accepts, and there is room"))
            .collect();
    }
}
