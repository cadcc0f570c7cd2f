//! TLS in front of a stage, on its own port and its own threads. Decrypted bytes go to the stage through a local
//! socket, and the stage's bytes come back the same way, so no hot thread encrypts or decrypts.
//!
//! Anyone can begin a handshake, and each costs the server a signature. So handshakes run on a separate thread with low
//! priority, and a flood of them does not delay connections. Anyone can also leave a handshake unfinished, so
//! handshakes and connections are limited in total and per address ([`TlsLimits`]), and handshakes have a rate per
//! address (`tls/shares.rs`). Accepting never waits for a place: if there is none, another handshake is ended or the
//! new connection is closed. Handshakes without a received byte are ended first, preferably of the address with the
//! most.

mod room;
mod shares;
#[cfg(test)]
mod tests;
mod worker;

pub use shares::TlsLimits;

use super::{HANDED_MAX, SideDoor, listen};
use crate::runtime::log::Stranger;
use crate::runtime::{Priority, descriptors};
use shares::{Begun, HandshakePlace, Shares};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use worker::Worker;

/// How long a client may take to send its first byte. A TLS client sends it as soon as it is connected.
const SILENT_MAX: Duration = Duration::from_secs(3);

/// The timeout of a handshake, and the longest wait before it begins.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// How long a client may take no bytes. The stage's own limits are shorter.
const WRITE_MAX: Duration = Duration::from_secs(120);

/// The same limit after the stage has closed its end, and the interval at which the close is checked. The stage closes
/// only after everything was sent to a client that it waits for. So a client with unsent bytes was disconnected by the
/// stage, and its place is freed soon.
const LAST_WRITE_MAX: Duration = Duration::from_secs(2);
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The pause of the listener after a failed accept.
const RETRY: Duration = Duration::from_secs(1);

/// How long connections have to send their last bytes when the engine stops.
const CLOSING_LIMIT: Duration = Duration::from_secs(1);

/// The buffer size of a copy in bytes.
const BUFFER_LEN: usize = 16 * 1024;

/// The listening address, the certificate and the limits.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The address; port 0 selects a free port.
    pub listen: SocketAddr,
    /// PEM file of the certificate, followed by its chain.
    pub certificate: PathBuf,
    /// PEM file of the private key.
    pub key: PathBuf,
    /// Limits of handshakes and connections. In addition to `connections_max`, connections may wait to be accepted by
    /// the stage, because the stage decides which connection is closed when places run out.
    pub limits: TlsLimits,
}

/// The reason why TLS cannot be served. Each names the key of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate cannot be read.
    #[error("tls.certificate = {}: {why}", path.display())]
    Certificate { path: PathBuf, why: String },
    /// The key cannot be read.
    #[error("tls.key = {}: {why}", path.display())]
    Key { path: PathBuf, why: String },
    /// The key does not belong to the certificate.
    #[error("tls.key does not fit tls.certificate: {0}")]
    Mismatch(rustls::Error),
    /// The address cannot be listened on.
    #[error("tls.listen = {address}: {source} (is another engine running?)")]
    Listen { address: SocketAddr, source: io::Error },
}

/// A port that listens but does not serve yet.
pub struct TlsPort {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    limits: TlsLimits,
}

impl TlsPort {
    /// Reads the files and listens.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(settings: &TlsSettings) -> Result<Self, TlsError> {
        let config = server_config(&settings.certificate, &settings.key)?;
        let address = settings.listen;
        let listener = listen(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = listener.map_err(|source| TlsError::Listen { address, source })?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { listener, acceptor, limits: settings.limits })
    }

    /// The listening address.
    ///
    /// # Errors
    /// The system's error.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves on its own threads until the result is dropped.
    ///
    /// # Errors
    /// If the system provides no thread or no poll.
    pub fn serve(self, door: SideDoor) -> io::Result<TlsServer> {
        let handshakes = Worker::begin("tls-handshakes", Duration::ZERO, || Priority::Low.take())?;
        let connections = Worker::begin("tls", CLOSING_LIMIT, || {})?;
        let Self { listener, acceptor, limits } = self;
        let limits =
            TlsLimits { connections_max: limits.connections_max.saturating_add(HANDED_MAX), ..limits };
        let shares = Shares::new(limits, HANDSHAKE_MAX.as_nanos() as u64);
        let entrance = Entrance {
            acceptor,
            door,
            shares: shares.clone(),
            handshakes: handshakes.handle().clone(),
            connections: connections.handle().clone(),
        };
        let accepting = connections.handle().spawn(accept(listener, entrance)).abort_handle();
        Ok(TlsServer { accepting, shares, _handshakes: handshakes, _connections: connections })
    }
}

/// A port that serves. Dropping it ends handshakes immediately, and connections after their last bytes.
pub struct TlsServer {
    accepting: AbortHandle,
    shares: Shares,
    // Dropped in this order.
    _handshakes: Worker,
    _connections: Worker,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.accepting.abort();
        while self.shares.give_way() {}
    }
}

fn server_config(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let wrong = |why: String| TlsError::Certificate { path: certificate.to_owned(), why };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong("there is no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| TlsError::Key { path: key.to_owned(), why: error.to_string() })?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    builder
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(TlsError::Mismatch)
}

/// What is needed to set up a connection.
#[derive(Clone)]
struct Entrance {
    acceptor: TlsAcceptor,
    door: SideDoor,
    shares: Shares,
    /// The runtime of the handshakes, and the runtime of everything else. The second also watches the sockets of both,
    /// and acquires and frees the places, so that no thread waits for a lock that the low-priority thread holds.
    handshakes: Handle,
    connections: Handle,
}

async fn accept(listener: TcpListener, entrance: Entrance) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "TLS cannot be served");
            return;
        }
    };
    let started = Instant::now();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match room::for_client(stream, &entrance.shares).await {
                Ok(stream) => entrance.take(stream, peer, started.elapsed().as_nanos() as u64),
                Err(error) => {
                    if Stranger::NotSetUp.may_log() {
                        tracing::warn!(%peer, %error, "TLS connection closed");
                    }
                }
            },
            Err(error) if descriptors::are_used_up(&error) && entrance.shares.give_way() => {
                sleep(room::PAUSE).await;
            }
            Err(error) => {
                tracing::warn!(%error, "accepting TLS connections failed; trying again in a second");
                sleep(RETRY).await;
            }
        }
    }
}

impl Entrance {
    /// Starts a task for the handshake of a connection, or closes the connection.
    fn take(&self, stream: TcpStream, peer: SocketAddr, now: u64) {
        let begun = match self.shares.begin(peer.ip(), now) {
            Ok(begun) => begun,
            Err(why) => {
                if Stranger::NoTls.may_log() {
                    tracing::info!(%peer, "TLS connection closed: {why}");
                }
                return;
            }
        };
        if let Some(gave_way) = begun.gave_way
            && Stranger::NoTls.may_log()
        {
            tracing::info!(%peer, "TLS: {gave_way}");
        }
        let number = begun.place.number();
        let entrance = self.clone();
        let task = self.connections.spawn(async move {
            if let Err(error) = entrance.serve(stream, peer, begun).await
                && Stranger::NoTls.may_log()
            {
                tracing::info!(%peer, "TLS connection not set up: {error}");
            }
        });
        self.shares.attach((peer.ip(), number), task.abort_handle());
    }

    /// Serves one connection until its end. Until its handshake is done it may be aborted at any await.
    async fn serve(&self, stream: TcpStream, peer: SocketAddr, begun: Begun) -> io::Result<()> {
        let begins = Instant::now() + Duration::from_nanos(begun.wait);
        first_byte(&stream).await?;
        begun.place.note_spoken();
        // Bytes received in the meantime stay in the socket.
        sleep_until(begins).await;
        let acceptor = self.acceptor.clone();
        let mut shaking = Shaking(self.handshakes.spawn(async move { shake_hands(stream, &acceptor).await }));
        let tls = (&mut shaking.0).await.map_err(io::Error::other)??;
        self.carry(tls, peer, begun.place).await
    }

    /// Forwards a connection whose handshake is done until the stage closes its end.
    async fn carry(
        &self,
        tls: TlsStream<TcpStream>,
        peer: SocketAddr,
        handshake: HandshakePlace,
    ) -> io::Result<()> {
        let _place = handshake.finish().map_err(io::Error::other)?;
        let (ours, theirs) = room::for_pair(&self.shares).await?;
        ours.set_nonblocking(true)?;
        if !self.door.hand_over(theirs, peer)? {
            return Err(io::Error::other("too many wait to be taken in"));
        }
        let (mut from_client, mut to_client) = tokio::io::split(tls);
        let (from_stage, mut to_stage) = UnixStream::from_std(ours)?.into_split();
        let inbound = tokio::spawn(async move {
            pump(&mut from_client, &mut to_stage).await;
        });
        // The stage sees the client's end of stream and closes; the client does not need to see the stage's.
        pump_to_client(&from_stage, &mut to_client).await;
        inbound.abort();
        Ok(())
    }
}

/// A running handshake. Dropping it aborts the handshake.
struct Shaking(JoinHandle<io::Result<TlsStream<TcpStream>>>);

impl Drop for Shaking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits until there is something to read, without reading it.
async fn first_byte(stream: &TcpStream) -> io::Result<()> {
    let mut byte = [0];
    let silent = |_| io::Error::other(format!("it says nothing for {SILENT_MAX:?}"));
    match timeout(SILENT_MAX, stream.peek(&mut byte)).await.map_err(silent)?? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// Performs a handshake.
async fn shake_hands(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await?
}

/// Copies bytes until either side ends, then shuts down the other side.
async fn pump(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) {
    let mut buffer = vec![0; BUFFER_LEN];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let written = timeout(WRITE_MAX, async {
            to.write_all(&buffer[..count]).await?;
            to.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            break;
        }
    }
    // If the other side is already closed, the shutdown may fail.
    let _ = timeout(CLOSING_LIMIT, to.shutdown()).await;
}

/// Like [`pump`], from the stage to the client. Gives up on a client that takes nothing soon after the stage has
/// closed.
async fn pump_to_client(from: &OwnedReadHalf, to: &mut (impl AsyncWrite + Unpin)) {
    let mut buffer = vec![0; BUFFER_LEN];
    let mut closed = None;
    while let Ok(count @ 1..) = read(from, &mut buffer).await {
        let mut write = pin!(async {
            to.write_all(&buffer[..count]).await?;
            to.flush().await
        });
        let begun = Instant::now();
        let written = loop {
            if let Ok(written) = timeout(LOOK_INTERVAL, write.as_mut()).await {
                break written.is_ok();
            }
            if closed.is_none() && is_closed(from).await {
                closed = Some(Instant::now());
            }
            if begun.elapsed() >= WRITE_MAX || closed.is_some_and(|at| at.elapsed() >= LAST_WRITE_MAX) {
                break false;
            }
        };
        if !written {
            break;
        }
    }
    let _ = timeout(CLOSING_LIMIT, to.shutdown()).await;
}

/// Reads the available bytes, or waits for some.
async fn read(from: &OwnedReadHalf, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        from.readable().await?;
        match from.try_read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

/// Whether the other end is closed, even if there are bytes left to read.
async fn is_closed(from: &OwnedReadHalf) -> bool {
    let ready = timeout(Duration::ZERO, from.ready(Interest::READABLE)).await;
    matches!(ready, Ok(Ok(ready)) if ready.is_read_closed())
}
