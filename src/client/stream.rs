//! The connection of a session: TCP, or TLS over TCP. Neither ever blocks.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, ClientConnection, RootCertStore};

/// An error in the TLS settings of a client.
#[derive(Debug, thiserror::Error)]
pub enum TlsClientError {
    /// The file of trusted certificates cannot be used.
    #[error("{}: {why}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// The name is not valid for a certificate.
    #[error("{0:?} is neither a host name nor an IP address")]
    ServerName(String),
    /// The TLS library rejects the settings.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// The TLS settings of a client: the trusted certificates, and the name that the server's certificate must have.
#[derive(Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

impl TlsClient {
    /// Trusts the certificates in a PEM file, and certificates signed by them, for the server `server_name`.
    ///
    /// # Errors
    /// [`TlsClientError`].
    pub fn new(authorities: &Path, server_name: &str) -> Result<Self, TlsClientError> {
        let wrong = |why: String| TlsClientError::Authorities { path: authorities.to_owned(), why };
        let mut roots = RootCertStore::empty();
        let certificates =
            CertificateDer::pem_file_iter(authorities).map_err(|error| wrong(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(wrong("there is no certificate in it".to_owned()));
        }
        let server_name = ServerName::try_from(server_name.to_owned())
            .map_err(|_| TlsClientError::ServerName(server_name.to_owned()))?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsClientError::Setup)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), server_name })
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// A server's address, and whether to use TLS.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
    /// `None`: plain TCP.
    pub tls: Option<TlsClient>,
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = if self.tls.is_some() { " (TLS)" } else { "" };
        write!(f, "{}{with}", self.address)
    }
}

/// A connection. Reads and writes fail with [`ErrorKind::WouldBlock`] instead of blocking.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Stream {
    /// Connects. A TLS handshake continues during later reads and writes.
    pub(super) fn connect(to: &Endpoint, timeout: Duration) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(&to.address, timeout)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let Some(TlsClient { config, server_name }) = &to.tls else { return Ok(Self::Plain(socket)) };
        let connection =
            ClientConnection::new(Arc::clone(config), server_name.clone()).map_err(io::Error::other)?;
        Ok(Self::Tls(Box::new(TlsStream { socket, connection, failed: None })))
    }

    /// As [`Read::read`]. A read that fills less than `room` has emptied the socket, unless it met the end of the
    /// stream.
    #[inline]
    pub(super) fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(room),
            Self::Tls(tls) => tls.read(room),
        }
    }

    /// As [`Write::write`]. Bytes inside TLS are sent by [`Self::flush`] at the latest.
    #[inline]
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    /// Sends the bytes that are still buffered.
    #[inline]
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.send(),
        }
    }

    /// Sends the end of the stream, as far as the socket accepts it.
    pub(super) fn close(&mut self) {
        if let Self::Tls(tls) = self {
            tls.connection.send_close_notify();
            // The connection is closed in any case.
            let _ = tls.send();
        }
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Plain(socket) => socket.as_raw_fd(),
            Self::Tls(tls) => tls.socket.as_raw_fd(),
        }
    }
}

/// TLS over a socket.
#[derive(Debug)]
pub(super) struct TlsStream {
    socket: TcpStream,
    connection: ClientConnection,
    /// An error that came after bytes that were read; the next read returns it.
    failed: Option<io::Error>,
}

impl TlsStream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut filled = 0;
        while filled < room.len() {
            match self.connection.reader().read(&mut room[filled..]) {
                // The server has announced the end of its data.
                Ok(0) => break,
                Ok(len) => filled += len,
                // Closed without an announcement, as by a killed server.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
                Err(error) if error.kind() == ErrorKind::WouldBlock => match self.take_in() {
                    Ok(()) => {}
                    Err(error) if filled == 0 => return Err(error),
                    Err(error) => {
                        self.failed = Some(error).filter(|error| error.kind() != ErrorKind::WouldBlock);
                        break;
                    }
                },
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Reads from the socket, and sends what the TLS protocol requires in answer.
    fn take_in(&mut self) -> io::Result<()> {
        self.connection.read_tls(&mut self.socket)?;
        let taken = self.connection.process_new_packets();
        // Also after an error: an alert tells the server the cause.
        let sent = unless_full(self.send());
        taken.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        sent
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.connection.writer().write(bytes)?;
        unless_full(self.send())?;
        match taken {
            // The buffer of TLS is full.
            0 => Err(ErrorKind::WouldBlock.into()),
            taken => Ok(taken),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket)?;
        }
        Ok(())
    }
}

/// Turns `WouldBlock` into success: the rest is sent later.
fn unless_full(sent: io::Result<()>) -> io::Result<()> {
    sent.or_else(|error| if error.kind() == ErrorKind::WouldBlock { Ok(()) } else { Err(error) })
}
