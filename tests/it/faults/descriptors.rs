//! A process without descriptors: strangers may take them all but the last, which are for files.

use crate::cli::{Place, trade};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

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

#[test]
fn files_are_opened_and_logins_get_in_although_strangers_take_all_descriptors() {
    let place = Place::new();
    let server = place.serve();
    trade(server.address, "ALICE", b'S', 2);
    let open = || names(Path::new(&format!("/proc/{}/fd", server.child.id()))).len() as u64;
    // Somebody lowers the limit of a running engine. That is all that it takes: an engine that starts raises it, or refuses.
    let own = open();
    let current = (own + KEPT + LEFT).max(4 * KEPT);
    let maximum = getrlimit(Resource::Nofile).maximum;
    let pid = i32::try_from(server.child.id()).ok().and_then(Pid::from_raw).expect("a process");
    prlimit(Some(pid), Resource::Nofile, Rlimit { current: Some(current), maximum }).expect("lowered");
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
