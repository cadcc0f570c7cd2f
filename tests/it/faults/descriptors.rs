//! A process without descriptors: strangers may take them all but the last, which are for files.

use crate::cli::{Place, Server, trade};
use crate::entry::raw::login_packet;
use crate::entry::secure::{certificate, connected_from, secured};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
/// Descriptors that are kept for files (`src/runtime/descriptors.rs`), and those left to strangers.
const KEPT: u64 = 64;
const LEFT: u64 = 20;
/// Strangers who come.
const STRANGERS: usize = 200;

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// How many descriptors the engine has open.
fn open(server: &Server) -> u64 {
    names(Path::new(&format!("/proc/{}/fd", server.child.id()))).len() as u64
}

/// How many of the last descriptors are sockets.
fn last(server: &Server, current: u64) -> usize {
    let folder = format!("/proc/{}/fd", server.child.id());
    let last = names(Path::new(&folder))
        .into_iter()
        .filter(|name| name.parse().is_ok_and(|at: u64| at + KEPT >= current));
    let links = last.filter_map(|name| std::fs::read_link(Path::new(&folder).join(name)).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// Somebody lowers the limit of a running engine, to this many more than it has open. That is all that it takes: an engine that
/// starts raises it, or refuses.
fn lower_limit(server: &Server, more: u64) -> u64 {
    let current = (open(server) + more).max(4 * KEPT);
    let maximum = getrlimit(Resource::Nofile).maximum;
    let pid = i32::try_from(server.child.id()).ok().and_then(Pid::from_raw).expect("a process");
    prlimit(Some(pid), Resource::Nofile, Rlimit { current: Some(current), maximum }).expect("lowered");
    current
}

#[test]
fn files_are_opened_and_logins_get_in_although_strangers_take_all_descriptors() {
    let place = Place::new();
    let server = place.serve();
    trade(server.address, "ALICE", b'S', 2);
    let current = lower_limit(&server, KEPT + LEFT);
    let open = || open(&server);
    let strangers: Vec<TcpStream> = (0..STRANGERS.max(current as usize))
        .map(|_| TcpStream::connect(server.address).expect("connected"))
        .collect();
    wait_for("they do not come", || open() >= current - KEPT);

    let snapshots = place.data().join("snapshots");
    std::fs::create_dir_all(&snapshots).expect("made");
    std::fs::write(snapshots.join("request"), b"").expect("asked for");
    let is_made = || names(&snapshots).iter().any(|name| name.ends_with(".snap"));
    wait_for("no snapshot is made", || {
        assert!(open() <= current - KEPT + LEFT, "{} of {current} descriptors are used", open());
        is_made()
    });
    trade(server.address, "BOB", b'B', 3);
    drop(strangers);
    assert_eq!(server.terminate().code, Some(0));
    assert_eq!(place.run("verify", &[]).code, Some(0));
}

/// Strangers at the TLS port, who begin no handshake.
#[test]
fn handshakes_take_none_of_the_last_descriptors_and_give_way() {
    let place = Place::new();
    let folder = TempDir::new().expect("a directory");
    let (tls, trusted) = certificate(folder.path());
    let section = format!(
        "\n[tls]\nlisten = \"127.0.0.1:0\"\ncertificate = {:?}\nkey = {:?}\nhandshakes_max = 1000\nhandshakes_per_address = 1000\n",
        tls.certificate, tls.key
    );
    place.configure(|text| text + &section);
    let mut server = place.serve();
    let line = server.next_line();
    let secure: SocketAddr = line.rsplit(' ').next().and_then(|word| word.trim().parse().ok()).expect(&line);
    trade(server.address, "ALICE", b'S', 2);
    let current = lower_limit(&server, KEPT + LEFT);
    let strangers: Vec<TcpStream> =
        (0..STRANGERS).map(|_| TcpStream::connect(secure).expect("connected")).collect();
    wait_for("they do not come", || open(&server) >= current - KEPT - 1);
    for _ in 0..100 {
        // One may be there until another has given way.
        assert!(last(&server, current) <= 1, "{} of the last descriptors are taken", last(&server, current));
        std::thread::sleep(Duration::from_millis(2));
    }
    // From another address: theirs has begun as many as it may.
    let mut client = secured(connected_from("127.0.0.2", secure), &trusted);
    client.greet(&login_packet("BOB", "DEMO", None, 0)).expect("let in");
    assert_eq!(last(&server, current), 0, "what it has beside its socket is none of the last either");
    drop(strangers);
    drop(client);
    let mut client = secured(connected_from("127.0.0.2", secure), &trusted);
    client.greet(&login_packet("BOB", "DEMO", None, 0)).expect("the listener is still there");
    assert_eq!(server.terminate().code, Some(0));
}
