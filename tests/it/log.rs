//! A log, or whatever else is printed, that cannot be written ends nothing and holds nobody up.

use super::cli::{Place, assert_says, dojima, trade};
use super::support::outlets::{Outlet, code_of};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Connects, sends what is no SoupBinTCP, and waits until that is noticed.
fn pester(address: SocketAddr) {
    let mut stranger = TcpStream::connect(address).expect("it listens");
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("taken");
    match stranger.read_to_end(&mut Vec::new()) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn an_exchange_whose_log_cannot_be_written_trades_and_stops_in_good_order() {
    for outlet in Outlet::ALL {
        let place = Place::new();
        let (stderr, _reader) = outlet.open();
        let server = place.serve_with(&[], stderr);
        (0..20).for_each(|_| pester(server.address));
        trade(server.address, "BOB", b'B', 2);
        let done = server.terminate();
        assert_eq!(done.code, Some(0), "{outlet:?}: {}", done.stdout);
        assert_says(&done.stdout, "stopped in good order");
    }
}

#[test]
fn the_status_line_says_how_many_lines_of_the_log_are_lost() {
    let place = Place::new();
    let (stderr, _) = Outlet::Full.open();
    let mut server = place.serve_with(&["--status", "1"], stderr);
    pester(server.address);
    while !server.next_line().contains(" of the log lost") {}
    assert_eq!(server.terminate().code, Some(0));
}

#[test]
fn an_engine_that_cannot_start_ends_with_its_code_whatever_its_log_does() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    for outlet in Outlet::ALL {
        let (stderr, _reader) = outlet.open();
        let mut command = place.command("serve", &["--listen", &address]);
        command.stdout(Stdio::null()).stderr(stderr);
        assert_eq!(code_of(command.spawn().expect("it starts")), Some(20), "{outlet:?}");
    }
}

#[test]
fn nobody_waits_for_the_reader_of_stdout() {
    for outlet in Outlet::ALL {
        let place = Place::new();
        place.configure(|text| {
            text.replace("127.0.0.1:9011", "127.0.0.1:0").replace("127.0.0.1:9012", "127.0.0.1:0")
        });
        // It says its address to nobody.
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("bound");
        drop(free);
        let (stdout, _reader) = outlet.open();
        let mut command = place.command("serve", &["--status", "1", "--listen", &address.to_string()]);
        command.stdout(stdout).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        while TcpStream::connect(address).is_err() {
            assert!(child.try_wait().expect("a child").is_none(), "{outlet:?}: it ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        trade(address, "BOB", b'B', 2);
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(asked.expect("kill runs").success());
        assert_eq!(code_of(child), Some(0), "{outlet:?}");
    }
}

#[test]
fn strangers_are_a_line_a_second_and_a_count() {
    const STRANGERS: usize = 300;
    let place = Place::new();
    let started = Instant::now();
    let server = place.serve();
    (0..STRANGERS).for_each(|_| pester(server.address));
    let done = server.terminate();
    let seconds = started.elapsed().as_secs() as usize;
    let told = done.stderr.lines().filter(|line| line.contains("not SoupBinTCP")).count();
    let counted: usize = done.stderr.lines().filter_map(held_back).sum();
    assert_eq!(told + counted, STRANGERS, "{}", done.stderr);
    assert!(told <= seconds + 2, "{told} lines in {seconds} seconds");
}

/// The number of a line that stands for others.
fn held_back(line: &str) -> Option<usize> {
    let number = line.split_once("connections cut off before a login: ")?.1.strip_suffix(" more")?;
    Some(number.parse().expect("a number"))
}

/// What a command that ends by itself is to do, and its exit code.
fn ends_the_same_without_readers(code: i32, command: &dyn Fn() -> Command) {
    let open = command().stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("it runs");
    assert_eq!(open.status.code(), Some(code), "{:?}: {}", command(), String::from_utf8_lossy(&open.stderr));
    let gone = || Outlet::Gone.open().0;
    for (stdout, stderr) in [(gone(), Stdio::null()), (Stdio::null(), gone()), (gone(), gone())] {
        let child = command().stdout(stdout).stderr(stderr).spawn().expect("it starts");
        assert_eq!(code_of(child), Some(code), "{:?}", command());
    }
}

#[test]
fn every_command_ends_as_it_would_with_a_reader() {
    let place = Place::new();
    assert_eq!(place.serve().terminate().code, Some(0));
    let itch = place.data().join("market.itch").display().to_string();
    let data = place.data().display().to_string();
    ends_the_same_without_readers(0, &|| place.command("replay", &[]));
    ends_the_same_without_readers(0, &|| place.command("verify", &[]));
    ends_the_same_without_readers(0, &|| place.command("snapshot", &[]));
    ends_the_same_without_readers(0, &|| place.command("serve", &["--print-config"]));
    ends_the_same_without_readers(0, &|| dojima(&["itch", "--data", &data, "--out", &itch]));
    ends_the_same_without_readers(0, &|| dojima(&["--help"]));
    ends_the_same_without_readers(2, &|| dojima(&["sell"]));
    ends_the_same_without_readers(1, &|| dojima(&["hash-password"]));
    ends_the_same_without_readers(1, &|| dojima(&["verify", "--data", "/nowhere"]));
    ends_the_same_without_readers(0, &|| dojima(&["demo", "--orders", "500", "--durability", "async"]));

    std::fs::remove_dir_all(place.data().join("events")).expect("removed");
    std::fs::write(place.data().join("dojima.sqlite"), "no database".repeat(20)).expect("written");
    ends_the_same_without_readers(1, &|| place.command("verify", &[]));
}

#[test]
fn commands_of_a_running_engine_end_as_they_would_with_a_reader() {
    let place = Place::new();
    let mut server = place.serve();
    let address = server.address.to_string();
    let said = loop {
        let line = server.next_line();
        if line.starts_with("market data listening on ") {
            break line;
        }
    };
    let words: Vec<&str> = said.split([' ', ',', '\n']).filter(|word| word.contains(':')).collect();
    let [stream, glimpse] = words[..] else { panic!("{said}") };
    let market = |more: &[&str]| {
        let mut command = dojima(&["market", "--address", stream, "--glimpse", glimpse]);
        command.args(more).env("DOJIMA_PASSWORD", "DEMO");
        command
    };
    ends_the_same_without_readers(0, &|| market(&["--once"]));
    ends_the_same_without_readers(0, &|| {
        let mut command = dojima(&["client", "--plain", "--user", "ALICE", "--address", &address]);
        command.env("DOJIMA_PASSWORD", "DEMO");
        command
    });
    // This one has no end of its own.
    let child = market(&["--every", "0.01"]).stdout(Outlet::Gone.open().0).spawn().expect("it starts");
    assert_eq!(code_of(child), Some(0));
    assert_eq!(server.terminate().code, Some(0));
}
