//! Passwords that are hashed, networks that may come in, and TLS.

use super::raw::{PATIENCE, Raw, address, login_packet, order, start};
use crate::support::engines::small_config;
use dojima::config::{Config, DEFAULT_TOML, Durability, LoginConfig, Network, TlsSection, UserRole};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::runtime::ThreadingMode;
use dojima::stages::authenticator;
use dojima::wire::soup::{self, LoginRejected};
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn config() -> Config {
    small_config(ThreadingMode::Shared, Durability::Async)
}

#[test]
fn hashed_passwords_and_networks_decide_who_comes_in() {
    let mut config = config();
    let hash = authenticator::hash(&soup::password("Secret").expect("a password")).expect("a hash");
    let alice = &mut config.accounts[0].logins[0];
    (alice.password, alice.password_hash) = (None, Some(hash));
    config.accounts[1].logins[0].allow_from = vec![Network("10.0.0.0/8".parse().expect("a network"))];
    config.accounts[2].logins[0].allow_from = vec![Network("127.0.0.0/8".parse().expect("a network"))];
    config.users = vec![LoginConfig { role: UserRole::MarketData, ..LoginConfig::new("WATCH", "TV") }];
    let data = TempDir::new().expect("a temporary directory");
    let engine = start(&config, data.path());
    let refused = Some(LoginRejected::NotAuthorised);
    for (user, password, expected) in [
        ("ALICE", "secret", None),
        ("BOB", "demo", refused),
        ("CAROL", "demo", None),
        ("ALICE", "demo", refused),
        ("WATCH", "tv", refused),
        ("NOBODY", "demo", refused),
        ("DAVE", "demo", None),
    ] {
        let mut client = Raw::connect(address(&engine));
        let answer = client.greet(&login_packet(user, password, None, 0)).err();
        assert_eq!(answer, expected, "{user} {password}");
    }
    engine.stop().expect("an orderly end");
}

/// A certificate for `localhost` and its key, in files; the certificate itself.
pub fn certificate(dir: &Path) -> (TlsSection, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (dir.join("tls.pem"), dir.join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let listen = "127.0.0.1:0".parse().expect("an address");
    (TlsSection::new(listen, certificate, key), made.cert.der().clone())
}

fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> Raw<StreamOwned<ClientConnection, TcpStream>> {
    secured(TcpStream::connect(address).expect("a connection"), trusted)
}

/// A client over a connection that is there.
pub fn secured(
    socket: TcpStream,
    trusted: &CertificateDer<'static>,
) -> Raw<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(client), name).expect("a client");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    Raw { socket: StreamOwned::new(connection, socket), received: Vec::new() }
}

/// The built-in configuration with the marks before its `[tls]` example removed.
fn with_tls_example() -> String {
    let (before, example) = DEFAULT_TOML.split_once("# [tls]\n").expect("there is an example");
    let (example, after) = example.split_once("\n\n").expect("it ends");
    let keys: Vec<&str> = example.lines().map(|line| line.strip_prefix("# ").expect("a mark")).collect();
    format!("{before}[tls]\n{}\n\n{after}", keys.join("\n"))
}

#[test]
fn the_example_in_the_built_in_configuration_works() {
    let data = TempDir::new().expect("a temporary directory");
    let (mut text, made) = (with_tls_example(), data.path().join("made"));
    std::fs::create_dir(&made).expect("made");
    Config::from_toml(&text, "test.toml").expect("the example is valid as it stands");
    let (_, trusted) = certificate(&made);
    // The files are those of this test, and the ports are free ones.
    for file in ["tls.pem", "tls.key"] {
        text = text.replace(&format!("/etc/dojima/{file}"), &made.join(file).display().to_string());
    }
    for port in ["9010", "9011", "9012", "9013"] {
        text = text.replace(&format!(":{port}\""), ":0\"");
    }
    text = text.replace("segment_mib = 64", "segment_mib = 1");
    let config = Config::from_toml(&text, "test.toml").expect("valid");
    let engine = start(&config, &data.path().join("data"));
    let secure = SocketAddr::from(([127, 0, 0, 1], engine.order_entry_tls.expect("it listens").port()));
    let mut alice = connect(secure, &trusted);
    alice.greet(&login_packet("ALICE", "DEMO", None, 1)).expect("let in");
    drop(alice);
    engine.stop().expect("an orderly end");
}

#[test]
fn a_client_with_tls_gets_the_same_as_one_without() {
    let data = TempDir::new().expect("a temporary directory");
    let mut config = config();
    let (tls, trusted) = certificate(data.path());
    config.tls = Some(tls);
    config.accounts[1].logins[0].allow_from = vec![Network("10.0.0.0/8".parse().expect("a network"))];
    let engine = start(&config, data.path());
    let secure = engine.order_entry_tls.expect("it listens");
    // Strangers to TLS come and go.
    for hello in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &login_packet("ALICE", "DEMO", None, 1)] {
        let mut stranger = Raw::connect(secure);
        stranger.send(hello);
        drop(stranger);
    }
    let idle = Raw::connect(secure);
    let mut alice = connect(secure, &trusted);
    alice.greet(&login_packet("ALICE", "DEMO", None, 1)).expect("let in");
    for user_ref in 1..=200 {
        alice.send(&order(user_ref, b'B', 5_000_000));
    }
    let bytes: usize = (0..201)
        .map(|_| {
            let (kind, payload) = alice.packet();
            assert_eq!(kind, b'S');
            payload.len() + 3
        })
        .sum();
    let mut plain = Raw::log_in(address(&engine), "ALICE", 1);
    assert!(plain.fill(bytes), "the same stream without TLS");
    assert_eq!(alice.rest(), b"", "it was taken over");
    let mut bob = connect(secure, &trusted);
    let answer = bob.greet(&login_packet("BOB", "DEMO", None, 0));
    assert_eq!(answer.err(), Some(LoginRejected::NotAuthorised), "he is seen where he comes from");
    drop(idle);
    engine.stop().expect("an orderly end");
}

/// A connection that comes from `from`.
pub fn connected_from(from: &str, to: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(from.parse().expect("an address"), 0)).expect("free");
        socket.connect(to).await.expect("a connection")
    });
    let stream = stream.into_std().expect("a socket");
    stream.set_nonblocking(false).expect("blocking");
    stream
}

#[test]
fn handshakes_that_are_left_there_keep_nobody_out() {
    let data = TempDir::new().expect("a temporary directory");
    let mut config = config();
    let (tls, trusted) = certificate(data.path());
    config.tls =
        Some(TlsSection { handshakes_max: 6, handshakes_per_address: 4, connections_per_address: 2, ..tls });
    let engine = start(&config, data.path());
    let secure = engine.order_entry_tls.expect("it listens");
    // Fewer than one address may begin at once.
    let mut flood: Vec<TcpStream> = (0..30).map(|_| connected_from("127.0.0.1", secure)).collect();
    let mut others: Vec<_> = ["ALICE", "BOB"]
        .into_iter()
        .map(|name| {
            let mut client = secured(connected_from("127.0.0.2", secure), &trusted);
            client.greet(&login_packet(name, "DEMO", None, 0)).expect("let in");
            client
        })
        .collect();
    let mut third = connected_from("127.0.0.2", secure);
    assert!(matches!(third.read(&mut [0; 16]), Ok(0) | Err(_)), "an address has its share of connections");
    let mut own = connect(secure, &trusted);
    own.greet(&login_packet("CAROL", "DEMO", None, 0)).expect("let in, beside the flood of its own address");
    // The newest of the flood is still waited for, and all but the newest few have given way.
    flood[29].set_nonblocking(true).expect("a socket");
    assert_eq!(flood[29].read(&mut [0; 16]).map_err(|e| e.kind()), Err(ErrorKind::WouldBlock));
    for gone in &mut flood[..26] {
        assert!(matches!(gone.read(&mut [0; 16]), Ok(0) | Err(_)));
    }
    others.clear();
    engine.stop().expect("an orderly end");
}

#[test]
fn certificates_that_cannot_be_used_are_named() {
    let data = TempDir::new().expect("a temporary directory");
    let (good, _) = certificate(data.path());
    let other = TempDir::new().expect("a temporary directory");
    let (foreign, _) = certificate(other.path());
    let nowhere = data.path().join("nowhere.pem");
    for (tls, says) in [
        (TlsSection { certificate: nowhere.clone(), ..good.clone() }, "tls.certificate = "),
        (TlsSection { key: nowhere, ..good.clone() }, "tls.key = "),
        (TlsSection { certificate: good.key.clone(), ..good.clone() }, "tls.certificate = "),
        (TlsSection { key: foreign.key, ..good }, "tls.key does not fit tls.certificate"),
    ] {
        let mut config = config();
        config.tls = Some(tls);
        let launch = Launch {
            order_entry: OrderEntry::Listen,
            on_fatal: OnFatal::Stop,
            implausible_clock: ImplausibleClock::Refuse,
            on_progress: &mut |_| {},
        };
        let error = Engine::start(&config, &data.path().join("data"), launch).err().expect("refused");
        assert!(error.to_string().starts_with(says), "{error}");
        assert_eq!(error.exit_code(), 1);
        assert!(!data.path().join("data").exists(), "nothing was written");
    }
}
