//! Handshakes together with connections, over the system's sockets.
#![allow(clippy::disallowed_methods, reason = "real threads and real time, as on the port")]

use super::*;
use crate::net::{Socket, Sockets, TcpSockets};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream as Client};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio_rustls::rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const PATIENCE: Duration = Duration::from_secs(20);
const LIMITS: TlsLimits = TlsLimits {
    handshakes_max: 256,
    handshakes_per_address: 32,
    connections_max: 256,
    connections_per_address: 256,
};
/// The usual server name, and the server name whose handshake takes [`SLOW`].
const QUICK_NAME: &str = "quick.test";
const SLOW_NAME: &str = "slow.test";
const SLOW: Duration = Duration::from_millis(1_500);

/// A certificate resolver that delays the handshake.
#[derive(Debug)]
struct Slow(Arc<CertifiedKey>);

impl ResolvesServerCert for Slow {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.server_name() == Some(SLOW_NAME) {
            std::thread::sleep(SLOW);
        }
        Some(Arc::clone(&self.0))
    }
}

/// A TLS port in front of a stage that echoes its input.
struct Served {
    address: SocketAddr,
    trusted: CertificateDer<'static>,
    ends: Arc<AtomicBool>,
    stage: Option<JoinHandle<()>>,
    server: Option<TlsServer>,
}

impl Served {
    fn new(limits: TlsLimits) -> Self {
        let names = [QUICK_NAME, SLOW_NAME].map(str::to_owned).to_vec();
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let trusted = made.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let key = ring::sign::any_supported_type(&key).expect("a key");
        let key = Slow(Arc::new(CertifiedKey::new(vec![trusted.clone()], key)));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(key));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        listener.set_nonblocking(true).expect("a mode");
        let address = listener.local_addr().expect("an address");
        let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let mut sockets = TcpSockets::new(plain).expect("sockets");
        let door = sockets.side_door().expect("a door");
        let port = TlsPort { listener, acceptor: TlsAcceptor::from(Arc::new(config)), limits };
        let server = Some(port.serve(door).expect("it serves"));
        let ends = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ends);
        let stage = Some(std::thread::spawn(move || send_back(sockets, &until)));
        Self { address, trusted, ends, stage, server }
    }

    /// A client that connects from this address and requests this server name; it has sent nothing yet.
    fn client(&self, from: Ipv4Addr, name: &'static str) -> StreamOwned<ClientConnection, Client> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.clone()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name).expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        StreamOwned::new(client, connected_from(from, self.address))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.server.take());
        self.ends.store(true, Ordering::Relaxed);
        self.stage.take().map(JoinHandle::join);
    }
}

fn send_back(mut sockets: TcpSockets, until: &AtomicBool) {
    let mut clients: Vec<Box<dyn Socket>> = Vec::new();
    let mut room = [0; 1024];
    while !until.load(Ordering::Relaxed) {
        while let Ok((socket, _)) = sockets.accept() {
            clients.push(socket);
        }
        clients.retain_mut(|client| match client.read(&mut room) {
            Ok(0) => false,
            Ok(count) => client.write(&room[..count]).is_ok(),
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        });
        std::thread::sleep(Duration::from_micros(100));
    }
}

fn connected_from(from: Ipv4Addr, to: SocketAddr) -> Client {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((from, 0))).expect("free");
        socket.connect(to).await.expect("a connection")
    });
    let stream = stream.into_std().expect("a socket");
    stream.set_nonblocking(false).expect("blocking");
    stream.set_nodelay(true).expect("a mode");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Sends a byte and waits for its echo; returns the time it took.
fn round_trip(client: &mut (impl Read + Write)) -> io::Result<Duration> {
    let started = Instant::now();
    client.write_all(b"x")?;
    client.flush()?;
    client.read_exact(&mut [0])?;
    Ok(started.elapsed())
}

#[test]
fn a_handshake_that_takes_long_holds_no_connection_up() {
    let served = Served::new(LIMITS);
    let mut client = served.client(Ipv4Addr::LOCALHOST, QUICK_NAME);
    round_trip(&mut client).expect("it is there");
    let mut slow = served.client(Ipv4Addr::LOCALHOST, SLOW_NAME);
    slow.conn.write_tls(&mut slow.sock).expect("sent");
    let started = Instant::now();
    let mut times = 0;
    while started.elapsed() < SLOW / 2 {
        round_trip(&mut client).expect("it is still there");
        times += 1;
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(started.elapsed() < SLOW && times > 1, "{times} round trips in {:?}", started.elapsed());
    round_trip(&mut slow).expect("it comes in, later");
    assert!(started.elapsed() >= SLOW);
}

/// More than may begin at once, and fewer than there are places.
#[test]
fn clients_behind_one_address_that_come_together_get_in_one_after_another() {
    let served = Served::new(LIMITS);
    let started = Instant::now();
    let mut crowd: Vec<_> = (0..48).map(|_| served.client(Ipv4Addr::LOCALHOST, QUICK_NAME)).collect();
    std::thread::scope(|scope| {
        for client in &mut crowd {
            scope.spawn(|| {
                while round_trip(client).is_err() {
                    assert!(started.elapsed() < PATIENCE, "it never comes in");
                    *client = served.client(Ipv4Addr::LOCALHOST, QUICK_NAME);
                }
            });
        }
        // Clients of other addresses do not wait for them.
        let mut other = served.client(Ipv4Addr::new(127, 0, 0, 2), QUICK_NAME);
        round_trip(&mut other).expect("let in");
    });
    assert!(started.elapsed() >= Duration::from_millis((48 - 32 - 1) * 50), "{:?}", started.elapsed());
    for client in &mut crowd {
        round_trip(client).expect("it is still there");
    }
}

#[test]
fn a_port_that_is_dropped_ends_handshakes_and_connections() {
    let mut served = Served::new(LIMITS);
    let mut client = served.client(Ipv4Addr::LOCALHOST, QUICK_NAME);
    round_trip(&mut client).expect("it is there");
    let mut begun = connected_from(Ipv4Addr::LOCALHOST, served.address);
    begun.write_all(&[22, 3, 1]).expect("sent");
    let mut late: Vec<_> = (0..40).map(|_| connected_from(Ipv4Addr::LOCALHOST, served.address)).collect();
    let started = Instant::now();
    drop(served.server.take());
    assert!(started.elapsed() < CLOSING_LIMIT + Duration::from_secs(2), "{:?}", started.elapsed());
    for socket in late.iter_mut().chain([&mut begun, &mut client.sock]) {
        let mut rest = Vec::new();
        // First the bytes that were sent before, then the end of the stream; it never hangs.
        let ended = socket.read_to_end(&mut rest).map(drop).map_err(|error| error.kind());
        assert!(matches!(ended, Ok(()) | Err(io::ErrorKind::ConnectionReset)), "{ended:?}");
    }
}

/// Waits until a byte of this many handshakes was received.
fn until_spoken(served: &Served, count: usize) {
    let started = Instant::now();
    while served.server.as_ref().expect("it serves").shares.spoken() < count {
        assert!(started.elapsed() < PATIENCE, "not all of {count} are heard");
        std::thread::sleep(Duration::from_millis(1));
    }
}

const FEW: TlsLimits = TlsLimits { handshakes_max: 32, ..LIMITS };

/// Clients with a high latency, together with ten times as many silent connections as there are places.
#[test]
fn silence_from_many_addresses_ends_no_handshake_that_has_begun() {
    let served = Served::new(FEW);
    let mut far: Vec<_> = (2..6).map(|n| served.client(Ipv4Addr::new(127, 0, 0, n), QUICK_NAME)).collect();
    for client in &mut far {
        client.conn.write_tls(&mut client.sock).expect("sent");
    }
    until_spoken(&served, far.len());
    let mut flood: Vec<Client> = (0..320)
        .map(|n| Ipv4Addr::from_bits((127 << 24) + (1 << 16) + n))
        .map(|from| connected_from(from, served.address))
        .collect();
    // The first silent connections were closed.
    assert!(matches!(flood[0].read(&mut [0]), Ok(0) | Err(_)));
    for client in &mut far {
        round_trip(client).expect("its handshake goes on");
    }
    let mut late = served.client(Ipv4Addr::new(127, 0, 0, 9), QUICK_NAME);
    round_trip(&mut late).expect("let in");
}

#[test]
fn a_newcomer_gets_in_beside_many_that_have_spoken() {
    let served = Served::new(FEW);
    let mut spoken: Vec<Client> =
        (0..32).map(|n| connected_from(Ipv4Addr::new(127, 1, 0, n), served.address)).collect();
    spoken.iter_mut().for_each(|client| client.write_all(&[22]).expect("sent"));
    until_spoken(&served, 32);
    let mut silent = served.client(Ipv4Addr::new(127, 0, 0, 2), QUICK_NAME);
    // The oldest of those is ended for it, and one more for each of these.
    assert!(matches!(spoken[0].read(&mut [0]), Ok(0) | Err(_)));
    for gone in 1..16 {
        let mut another = connected_from(Ipv4Addr::new(127, 2, 0, gone as u8), served.address);
        another.write_all(&[22]).expect("sent");
        spoken.push(another);
        assert!(matches!(spoken[gone].read(&mut [0]), Ok(0) | Err(_)));
        until_spoken(&served, 31);
    }
    round_trip(&mut silent).expect("let in");
}

#[test]
fn whoever_says_nothing_is_closed_before_whoever_is_slow() {
    let served = Served::new(LIMITS);
    let started = Instant::now();
    let mut slow = served.client(Ipv4Addr::LOCALHOST, QUICK_NAME);
    slow.conn.write_tls(&mut slow.sock).expect("sent");
    let mut silent = connected_from(Ipv4Addr::LOCALHOST, served.address);
    assert!(matches!(silent.read(&mut [0]), Ok(0) | Err(_)));
    let elapsed = started.elapsed();
    assert!(elapsed >= SILENT_MAX && elapsed < HANDSHAKE_MAX, "{elapsed:?}");
    round_trip(&mut slow).expect("it has more time");
}

/// The stage disconnects a client that does not read. Bytes sent before need not arrive, and must not keep the place.
#[test]
fn a_place_is_free_soon_after_the_stage_has_closed_though_the_client_reads_nothing() {
    let served = Served::new(TlsLimits { connections_per_address: 1, ..LIMITS });
    let mut deaf = served.client(Ipv4Addr::LOCALHOST, QUICK_NAME);
    round_trip(&mut deaf).expect("let in");
    // Sends until all buffers in both directions are full, which makes the stage disconnect the client.
    deaf.sock.set_nonblocking(true).expect("a mode");
    let mut refused = 0;
    while refused < 100 {
        match deaf.write_all(&[b'x'; 4096]) {
            Ok(()) => refused = 0,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                refused += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(_) => break,
        }
    }
    let started = Instant::now();
    while round_trip(&mut served.client(Ipv4Addr::LOCALHOST, QUICK_NAME)).is_err() {
        assert!(started.elapsed() < PATIENCE, "it keeps its place");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(deaf);
}
