//! TLS in front of a stage: a port of its own, on a thread of its own. What it decrypts goes to the stage by way of a local
//! socket, and the other way round, so that no hot thread ever ciphers.
//!
//! Anybody can begin a handshake and leave it there, so handshakes and connections have a limit, and each address a share of both
//! ([`TlsLimits`]). Accepting never waits for a place: where there is none, the oldest handshake of whoever has too many gives
//! way.

mod shares;

pub use shares::TlsLimits;

use super::{HANDED_MAX, SideDoor};
use crate::runtime::log::Stranger;
use shares::{HandshakePlace, Shares};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// How long a client may take to make room for what is sent to it. The stage's own limits are shorter.
const WRITE_MAX: Duration = Duration::from_secs(120);

/// How long connections have for their last bytes when the engine stops.
const FAREWELL: Duration = Duration::from_secs(1);

/// Bytes that are moved at a time.
const BUFFER_LEN: usize = 16 * 1024;

/// Where clients connect, and what the server proves itself with.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// PEM file of the certificate, followed by those that it is signed with.
    pub certificate: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
    /// How many of what there may be at one time. Beside its connections that are in use there may be as many as may wait to be
    /// taken in, for the stage decides who gives way.
    pub limits: TlsLimits,
}

/// Why there is no TLS. Each names the key of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate cannot be read.
    #[error("tls.certificate = {}: {why}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The key cannot be read.
    #[error("tls.key = {}: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The two do not go together.
    #[error("tls.key does not fit tls.certificate: {0}")]
    Mismatch(rustls::Error),
    /// The address cannot be listened on.
    #[error("tls.listen = {address}: {source} (is another engine running?)")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A port that listens and does not yet serve.
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
        let listener = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = listener.map_err(|source| TlsError::Listen { address, source })?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { listener, acceptor, limits: settings.limits })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves on a thread of its own until the result is dropped.
    ///
    /// # Errors
    /// When the system gives no thread or no poll.
    pub fn serve(self, door: SideDoor) -> io::Result<TlsServer> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("tls".to_owned()).spawn(move || {
            runtime.block_on(async {
                let accepting = tokio::spawn(accept(self, door));
                // Both a word and the end of whoever could give it mean the same.
                let _ = stopped.await;
                accepting.abort();
                tokio::time::sleep(FAREWELL).await;
            });
        })?;
        Ok(TlsServer { stop: Some(stop), thread: Some(thread) })
    }
}

/// A port that serves.
#[derive(Debug)]
pub struct TlsServer {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it was reported when it happened.
            let _ = thread.join();
        }
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

async fn accept(port: TlsPort, door: SideDoor) {
    let TlsPort { listener, acceptor, limits } = port;
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "TLS cannot be served");
            return;
        }
    };
    let shares = Shares::new(TlsLimits {
        connections_max: limits.connections_max.saturating_add(HANDED_MAX),
        ..limits
    });
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => take(stream, peer, &shares, &acceptor, &door),
            Err(error) => {
                tracing::warn!(%error, "accepting TLS connections failed; trying again in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Begins a task for a connection, or closes it.
fn take(stream: TcpStream, peer: SocketAddr, shares: &Shares, acceptor: &TlsAcceptor, door: &SideDoor) {
    let place = match shares.begin(peer.ip()) {
        Ok((place, gave_way)) => {
            if let Some(gave_way) = gave_way
                && Stranger::NoTls.may_log()
            {
                tracing::info!(%peer, "TLS: {gave_way}");
            }
            place
        }
        Err(why) => {
            if Stranger::NoTls.may_log() {
                tracing::info!(%peer, "TLS connection closed: {why}");
            }
            return;
        }
    };
    let (acceptor, door) = (acceptor.clone(), door.clone());
    let number = place.number();
    let task = tokio::spawn(async move {
        if let Err(error) = carry(stream, peer, place, &acceptor, &door).await
            && Stranger::NoTls.may_log()
        {
            tracing::info!(%peer, "TLS connection not set up: {error}");
        }
    });
    shares.attach((peer.ip(), number), task.abort_handle());
}

/// Carries one connection until the stage closes its end.
async fn carry(
    stream: TcpStream,
    peer: SocketAddr,
    handshake: HandshakePlace,
    acceptor: &TlsAcceptor,
    door: &SideDoor,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let tls = timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await??;
    let _place = handshake.finish().map_err(io::Error::other)?;
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    if !door.hand_over(theirs, peer)? {
        return Err(io::Error::other("too many wait to be taken in"));
    }
    let (mut from_client, to_client) = tokio::io::split(tls);
    let (from_stage, mut to_stage) = UnixStream::from_std(ours)?.into_split();
    let inbound = tokio::spawn(async move {
        pump(&mut from_client, &mut to_stage).await;
    });
    // The stage sees the end of the client and closes; a client need not see the end of the stage.
    let (mut from_stage, mut to_client) = (from_stage, to_client);
    pump(&mut from_stage, &mut to_client).await;
    inbound.abort();
    Ok(())
}

/// Moves bytes until either side ends, and then says so to the other.
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
    // Whoever is gone need not be told.
    let _ = timeout(FAREWELL, to.shutdown()).await;
}
