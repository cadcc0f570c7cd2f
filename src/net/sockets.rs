//! The interface between the stages and the network, with its implementation for the system's sockets.
//!
//! Nothing here waits. Readiness is reported once per change (edge-triggered epoll): after a report, the receiver reads
//! until a read returns less than it could, and writes until a write takes less than it was given.

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

/// Connections that the system queues until they are accepted. It drops the first packet of any more, and their clients
/// try again after a second.
const BACKLOG: i32 = 1024;

const LISTENER: Token = Token(usize::MAX);
const SIDE_DOOR: Token = Token(usize::MAX - 1);

/// Connections handed over and not yet accepted; further ones are refused.
pub const HANDED_MAX: usize = 64;

/// Listens with a longer queue of connections to accept than [`std::net::TcpListener::bind`], as far as the system
/// allows it (`net.core.somaxconn`).
///
/// # Errors
/// The system's error.
pub fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// The subject of a readiness report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// The listener: there may be connections to accept.
    Listener,
    /// A connection, which may be closed by now.
    Connection(ConnectionId, Readiness),
}

/// A change of a connection's readiness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// There may be something to read.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
    /// The other side has closed, or the socket has failed. Reads report it, whatever the other flags say.
    pub hung_up: bool,
}

/// A listener and the readiness of all its connections.
pub trait Sockets: Send {
    /// Reports what became ready since the last call, without waiting.
    ///
    /// # Errors
    /// The system's error.
    fn poll(&mut self, tell: &mut dyn FnMut(Ready)) -> io::Result<()>;

    /// The next connection to accept, and the client's address.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is none, otherwise the system's error.
    fn accept(&mut self) -> io::Result<(Box<dyn Socket>, SocketAddr)>;

    /// A descriptor that becomes readable when there is something to report, for a thread that waits for it. `None` if
    /// the implementation has none.
    fn descriptor(&self) -> Option<RawFd>;
}

/// One client's non-blocking socket. Dropping it closes it.
pub trait Socket: Send {
    /// From now on, readiness of this socket is reported under this number.
    ///
    /// # Errors
    /// The system's error.
    fn watch(&mut self, id: ConnectionId) -> io::Result<()>;

    /// As [`Read::read`].
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is no input, otherwise the system's error.
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize>;

    /// As [`Write::write`].
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is no room, otherwise the system's error.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// As [`Write::write_vectored`].
    ///
    /// # Errors
    /// As [`Socket::write`].
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Shuts down the sending side.
    ///
    /// # Errors
    /// The system's error.
    fn shut_down_writing(&mut self) -> io::Result<()>;
}

/// The system's sockets, through epoll.
pub struct TcpSockets {
    poll: Poll,
    registry: Arc<Registry>,
    ready: Events,
    listener: TcpListener,
    handed: Option<Taker<(UnixStream, SocketAddr)>>,
    /// An accepted connection that holds one of the last descriptors, until another connection is closed.
    held: Option<(TcpStream, SocketAddr)>,
}

/// Accepts connections that another component terminated, such as TLS: each is a local socket that carries the plain
/// text.
#[derive(Clone, Debug)]
pub struct SideDoor {
    connections: Giver<(UnixStream, SocketAddr)>,
    waker: Arc<Waker>,
}

impl SideDoor {
    /// Hands over a connection with the address of its client. Returns `false` and closes it if too many are waiting.
    ///
    /// # Errors
    /// The system's error.
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
    /// [`Fatal::Listen`] if the listener cannot be watched, [`Fatal::Io`] if the system provides no poll.
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

    /// Creates the entry through which another component can hand over connections. May be called once.
    ///
    /// # Errors
    /// [`Fatal::Io`] if the system provides no waker.
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
        // The connection may be closed already; the first read then reports it.
        let _ = stream.set_nodelay(true);
        Ok((Box::new(SystemSocket { stream, registry }), peer))
    }

    /// The poll's descriptor. It is readable when one of the sockets is ready.
    fn descriptor(&self) -> Option<RawFd> {
        Some(self.poll.as_raw_fd())
    }
}

/// A stream socket of the system.
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

/// A socket registered with the poll.
struct SystemSocket<S> {
    stream: S,
    /// Needed for [`Socket::watch`]. Closing the socket also removes its registration.
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
