//! The `dojima` program: what it prints, what it refuses, and with which exit code.

mod damage;
mod rights;
mod venue;

use crate::support::spot::SPOT_TOML;
use dojima::client::session::{Credentials, Resume, Session};
use dojima::config::{Config, DEFAULT_TOML};
use dojima::domain::{ClOrdId, Symbol, UserRef};
use dojima::engine::recovery_settings;
use dojima::recovery::{DataDir, recover};
use dojima::runtime::UnixNanos;
use dojima::wire::ouch::{Appendage, EnterOrder, Inbound};
use dojima::wire::soup;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// The program, with nothing on stdin.
pub fn dojima(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dojima"));
    command.args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// What a run that ends by itself came to.
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

fn run(arguments: &[&str]) -> Done {
    dojima(arguments).output().expect("the program runs").into()
}

/// A directory with a configuration of small files, and a data directory that is not there yet.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { dir: TempDir::new().expect("a temporary directory") };
        place.configure(|text| text);
        place
    }

    /// Writes the configuration anew, from the built-in one with small files.
    pub fn configure(&self, edit: impl FnOnce(String) -> String) {
        let small = SPOT_TOML
            .replace("segment_mib = 64", "segment_mib = 1")
            .replace("orders_max = 1000000", "orders_max = 1000")
            // Commands are counted.
            .replace("tick_interval_ms = 1000", "tick_interval_ms = 0");
        assert_ne!(small, *SPOT_TOML);
        fs::write(self.config(), edit(small)).expect("written");
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("test.toml")
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The arguments of a command on this place.
    fn arguments(&self, command: &str) -> Vec<String> {
        let path = |path: PathBuf| path.display().to_string();
        let mut arguments = vec![command.to_owned(), "--data".to_owned(), path(self.data())];
        if command != "replay" {
            arguments.extend(["--config".to_owned(), path(self.config())]);
        }
        arguments
    }

    /// The program with a command on this place.
    pub fn command(&self, command: &str, more: &[&str]) -> Command {
        let mut program = dojima(&[]);
        program.args(self.arguments(command)).args(more);
        program
    }

    /// Runs a command on this place to its end.
    pub fn run(&self, command: &str, more: &[&str]) -> Done {
        self.command(command, more).output().expect("the program runs").into()
    }

    /// Starts an engine on a free port and reads what it prints until clients may connect.
    pub fn serve(&self) -> Server {
        self.serve_with(&[], Stdio::piped())
    }

    /// The same, with more arguments and with this as its stderr.
    pub fn serve_with(&self, more: &[&str], stderr: Stdio) -> Server {
        let mut command = self.command("serve", more);
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(stderr);
        Server::greet(command.spawn().expect("the program starts"))
    }
}

/// An engine in a process of its own; killed when dropped.
pub struct Server {
    pub child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it printed up to the line with its address.
    said: String,
    pub address: SocketAddr,
}

/// Waits until clients may connect, then stops the engine; or until it has ended by itself.
pub fn stop_when_it_listens(mut child: Child) -> Done {
    let mut stdout = BufReader::new(child.stdout.take().expect("is piped"));
    let mut said = String::new();
    loop {
        let at = said.len();
        if stdout.read_line(&mut said).expect("UTF-8") == 0 {
            break;
        }
        if said[at..].starts_with("order entry listening on ") {
            let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            assert!(asked.expect("kill runs").success());
        }
    }
    let Done { code, stderr, .. } = child.wait_with_output().expect("it ends").into();
    Done { code, stdout: said, stderr }
}

impl Server {
    /// Takes what the engine prints until clients may connect.
    fn greet(mut child: Child) -> Self {
        let stdout = BufReader::new(child.stdout.take().expect("is piped"));
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self { child, stdout, said: String::new(), address: nowhere };
        loop {
            let at = server.said.len();
            if server.stdout.read_line(&mut server.said).expect("UTF-8") == 0 {
                let done = server.take_rest();
                panic!("the engine ended before it listened:\n{}\n{}", done.stdout, done.stderr);
            }
            if let Some(address) = server.said[at..].strip_prefix("order entry listening on ") {
                server.address = address.trim().parse().expect("an address");
                return server;
            }
        }
    }

    /// The next line that it prints.
    pub fn next_line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.stdout.read_line(&mut line).expect("UTF-8") > 0, "it ended");
        line
    }

    /// Asks it to stop, as Ctrl-C does, and takes what it still says.
    pub fn terminate(mut self) -> Done {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        self.take_rest()
    }

    fn take_rest(&mut self) -> Done {
        let mut stdout = std::mem::take(&mut self.said);
        self.stdout.read_to_string(&mut stdout).expect("UTF-8");
        let mut stderr = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut stderr).expect("UTF-8");
        }
        let status = self.child.wait().expect("it ends");
        Done { code: status.code(), stdout, stderr }
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a line such as `commands      29`.
fn value<'a>(output: &'a str, name: &str) -> &'a str {
    let line = output.lines().find(|line| line.starts_with(name));
    line.unwrap_or_else(|| panic!("no line {name:?} in\n{output}"))[name.len()..].trim()
}

pub fn assert_says(text: &str, words: &str) {
    // Long lines are broken between words.
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(words) || text.contains(words), "{words:?} is missing in:\n{text}");
}

#[test]
fn the_configuration_is_printed_as_it_would_be_used() {
    let built_in = run(&["serve", "--print-config"]);
    assert_eq!((built_in.code, built_in.stdout.as_str()), (Some(0), DEFAULT_TOML));
    let changed = run(&["serve", "--print-config", "--mode", "dedicated", "--durability", "async"]);
    let changed = Config::from_toml(&changed.stdout, "printed").expect("can be read back");
    let mut expected = Config::embedded_default();
    expected.engine.mode = dojima::runtime::ThreadingMode::Dedicated;
    expected.journal.durability = dojima::config::Durability::Async;
    assert_eq!(changed, expected);
}

#[test]
fn wrong_usage_and_wrong_configurations_are_refused() {
    let usage = run(&["serve", "--mode", "turbo"]);
    assert_eq!(usage.code, Some(2));
    assert_says(&usage.stderr, "expected shared, dedicated or stepped");
    assert_eq!(run(&["sell"]).code, Some(2));

    let stepped = run(&["serve", "--mode", "stepped"]);
    assert_eq!(stepped.code, Some(1));
    assert_says(&stepped.stderr, "error: engine.mode = stepped is for simulations");

    let place = Place::new();
    place.configure(|text| text.replace("orders_max = 1000", "orders_max = 0"));
    let bad = place.run("serve", &[]);
    assert_eq!(bad.code, Some(1));
    assert_says(&bad.stderr, "test.toml: exchange.orders_max = 0: must be from 1");
    assert!(!place.data().exists(), "nothing is written before the configuration is known to be good");

    let missing = run(&["verify", "--data", "/nowhere"]);
    assert_eq!(missing.code, Some(1));
    assert_says(&missing.stderr, "error: no data directory /nowhere");
}

#[test]
fn an_engine_starts_stops_and_comes_back() {
    let place = Place::new();
    let server = place.serve();
    assert_says(&server.said, "new: opened with 29 commands");
    TcpStream::connect(server.address).expect("it listens where it says");
    let stopped = server.terminate();
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    assert_says(&stopped.stdout, "stopped in good order");

    let server = place.serve();
    assert_says(&server.said, "stopped in good order: replayed 0 commands");
    assert_says(&server.said, "after the snapshot of command 29");
    server.kill();
    let server = place.serve();
    assert_says(&server.said, "after the snapshot of command 29");
    assert_eq!(server.terminate().code, Some(0));
}

/// The shell that an engine was started from ends, and the engine does not.
#[test]
fn a_terminal_that_goes_away_stops_nothing() {
    let place = Place::new();
    let mut server = place.serve();
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().expect("kill runs").success());
    let mut log = BufReader::new(server.child.stderr.take().expect("is piped"));
    let mut line = String::new();
    while !line.contains("SIGHUP: the terminal is gone, and the engine goes on") {
        line.clear();
        assert_ne!(log.read_line(&mut line).expect("UTF-8"), 0, "the engine ended");
    }
    server.child.stderr = Some(log.into_inner());
    trade(server.address, "ALICE", b'S', 2);
    let stopped = server.terminate();
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
}

#[test]
fn a_database_in_the_place_of_other_files_is_refused() {
    let place = Place::new();
    for path in
        ["journal/0000000001.seg", "./events", "lock", "snapshots/a.sqlite", "market-data/x", "operator.sock"]
    {
        place.configure(|text| text.replace("path = \"dojima.sqlite\"", &format!("path = \"{path}\"")));
        let refused = place.run("serve", &["--listen", "127.0.0.1:0"]);
        assert_eq!(refused.code, Some(1), "{path}: {}", refused.stderr);
        assert_says(&refused.stderr, "sql.path = ");
        assert_says(&refused.stderr, "in the data directory is the engine's own; name another file");
        assert!(!place.data().exists(), "nothing is written");
    }
}

/// A path leads there by itself, by `..` or by a link.
#[test]
fn a_database_that_leads_into_the_engines_files_is_refused_whatever_its_path() {
    let place = Place::new();
    std::os::unix::fs::symlink(place.data().join("events"), place.data().with_file_name("link"))
        .expect("linked");
    let absolute = place.data().join("journal/db").display().to_string();
    for path in [absolute.as_str(), "sql/../snapshots/db", "../link/db"] {
        place.configure(|text| text.replace("path = \"dojima.sqlite\"", &format!("path = \"{path}\"")));
        let refused = place.run("serve", &["--listen", "127.0.0.1:0"]);
        assert_eq!(refused.code, Some(1), "{path}: {}", refused.stderr);
        assert_says(&refused.stderr, "sql.path = ");
        assert_says(&refused.stderr, "which is the engine's own; name another file");
        assert!(!place.data().exists(), "nothing is written");
    }
}

/// Opens the venue as an engine did whose clock showed this time.
fn open_at(place: &Place, time: SystemTime) {
    let config = Config::load(&place.config()).expect("a configuration");
    let since_epoch = time.duration_since(UNIX_EPOCH).expect("after 1970");
    let now = UnixNanos(u64::try_from(since_epoch.as_nanos()).expect("before 2554"));
    let settings = recovery_settings(&config, &DataDir::new(place.data()), now).expect("a valid venue");
    let opened = recover(&DataDir::new(place.data()), &settings, &mut |_| {}).expect("opened");
    opened.journal.seal().expect("sealed");
    opened.event_log.seal().expect("sealed");
}

#[test]
fn a_clock_that_contradicts_the_journal_is_refused_until_somebody_accepts_it() {
    const DAY: Duration = Duration::from_secs(86_400);
    let cases = [
        (SystemTime::now() + DAY, "23h", "behind the last command in the journal"),
        (SystemTime::now() - 31 * DAY, "1month", "ahead of the last command in the journal"),
    ];
    for (last, difference, side) in cases {
        let place = Place::new();
        open_at(&place, last);
        let refused = place.run("serve", &["--listen", "127.0.0.1:0"]);
        assert_eq!(refused.code, Some(1), "{}", refused.stderr);
        assert_says(&refused.stderr, "error: the clock says ");
        assert_says(&refused.stderr, &format!("is {difference}"));
        assert_says(&refused.stderr, side);
        assert_says(&refused.stderr, "--accept-clock");
        assert_eq!(place.run("snapshot", &[]).code, Some(0), "a snapshot stamps nothing");
        assert_eq!(place.serve_with(&["--accept-clock"], Stdio::piped()).terminate().code, Some(0));
    }
}

#[test]
fn replay_and_verify_agree_with_the_engine() {
    let place = Place::new();
    assert_eq!(place.serve().terminate().code, Some(0));

    let replay = place.run("replay", &[]);
    assert_eq!(replay.code, Some(0), "{}", replay.stderr);
    assert_eq!(value(&replay.stdout, "commands"), "29");
    assert_eq!(value(&replay.stdout, "events"), "29");
    assert_eq!(value(&replay.stdout, "invariants"), "all hold");
    let part = place.run("replay", &["--until", "20"]);
    assert_eq!(value(&part.stdout, "commands"), "20");
    assert_ne!(value(&part.stdout, "digest"), value(&replay.stdout, "digest"));

    let verify = place.run("verify", &[]);
    assert_eq!(verify.code, Some(0), "{}\n{}", verify.stdout, verify.stderr);
    assert_says(&verify.stdout, "verified: all checks hold");
    assert_says(&verify.stdout, value(&replay.stdout, "digest"));
    assert_says(&verify.stdout, "29 events the same, byte for byte");
}

/// One lot of BTC-USDT at 1,000.00, as this login's next order.
pub fn order(login: &str, side: u8) -> (Credentials, EnterOrder) {
    let credentials = Credentials {
        username: soup::username(login).expect("a name"),
        password: soup::password("DEMO").expect("a password"),
        heartbeat_timeout_ms: None,
    };
    let order = EnterOrder {
        user_ref: UserRef(1),
        side,
        quantity: 100,
        symbol: Symbol::new("BTC-USDT").expect("a symbol"),
        price: 100_000,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        iso: b'N',
        cross_type: b'N',
        cl_ord_id: ClOrdId::default(),
    };
    (credentials, order)
}

/// Sends one order and waits until the last of so many messages of the login's stream is there.
pub fn trade(address: SocketAddr, login: &str, side: u8, messages: u64) {
    let (credentials, order) = order(login, side);
    let mut session = Session::connect(address, &credentials, Resume::START).expect("logs in");
    session.send(&Inbound::Enter(order, Appendage::default()));
    let mut last = 0;
    while last < messages {
        session.flush().expect("connected");
        session.wait(Duration::from_secs(10)).expect("connected");
        session.receive(|number, _| last = number).expect("connected");
    }
}

#[test]
fn a_killed_engine_has_every_acknowledged_trade() {
    let place = Place::new();
    let server = place.serve();
    // The start of the day, then: accepted; accepted and executed.
    trade(server.address, "ALICE", b'S', 2);
    trade(server.address, "BOB", b'B', 3);
    server.kill();
    let replay = place.run("replay", &[]);
    assert_says(&replay.stdout, "killed");
    assert_eq!(value(&replay.stdout, "commands"), "31");
    assert_eq!(value(&replay.stdout, "trades"), "1");
    assert_eq!(value(&replay.stdout, "open orders"), "0");
    let killed = place.run("verify", &[]);
    assert_eq!(killed.code, Some(0), "{}", killed.stdout);

    let server = place.serve();
    assert_says(&server.said, "was killed: replayed 31 commands");
    assert_eq!(server.terminate().code, Some(0));
    let again = place.run("replay", &[]);
    assert_eq!(value(&again.stdout, "digest"), value(&replay.stdout, "digest"));
    let verify = place.run("verify", &[]);
    assert_eq!(verify.code, Some(0), "{}", verify.stdout);
    assert_says(&verify.stdout, "32 events the same, byte for byte");
    assert_says(
        &verify.stdout,
        "every event is there; 15 balances as replayed, 2 of them 0 and without a row",
    );
}

/// Runs an engine in which two orders trade, and stops it.
fn traded() -> Place {
    let place = Place::new();
    let server = place.serve();
    trade(server.address, "ALICE", b'S', 2);
    trade(server.address, "BOB", b'B', 3);
    assert_eq!(server.terminate().code, Some(0));
    place
}

/// The first segment's file of a log in this data directory.
pub fn first_segment(data: &Path, log: &str) -> PathBuf {
    let files = fs::read_dir(data.join(log)).expect("is there").map(|entry| entry.expect("readable").path());
    files.filter(|path| path.extension().is_some_and(|e| e == "seg")).min().expect("a segment")
}

/// A terminal: what a program writes to, and all that it has written once nobody has that open any more.
fn terminal() -> (File, JoinHandle<String>) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("it is ours");
    let name = ptsname(&ours, Vec::new()).expect("it has a name").into_string().expect("UTF-8");
    let theirs = OpenOptions::new().read(true).write(true).open(name).expect("opened");
    let reader = std::thread::spawn(move || {
        let (mut ours, mut text) = (File::from(ours), Vec::new());
        let mut piece = [0; 4096];
        // The last one to close its end is told to the other end as an error.
        while let Ok(bytes @ 1..) = ours.read(&mut piece) {
            text.extend_from_slice(&piece[..bytes]);
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    (theirs, reader)
}

#[test]
fn a_start_leaves_no_bar_of_a_replay_on_the_terminal() {
    let place = Place::new();
    assert_eq!(place.serve().terminate().code, Some(0));
    let (theirs, text) = terminal();
    assert_eq!(place.serve_with(&[], Stdio::from(theirs)).terminate().code, Some(0));
    let started = text.join().expect("read");
    assert_says(&started, "passwords in plain text");
    assert!(!started.contains("replaying"), "{started:?}");

    fs::remove_dir_all(place.data().join("journal")).expect("removed");
    let (theirs, text) = terminal();
    let mut command = place.command("serve", &["--listen", "127.0.0.1:0"]);
    let status = command.stdout(Stdio::null()).stderr(theirs).status().expect("it ends");
    assert_eq!(status.code(), Some(22));
    drop(command);
    let refused = text.join().expect("read");
    assert_says(&refused, "acknowledged commands are missing");
    assert!(!refused.contains("replaying"), "{refused:?}");
}

#[test]
fn two_engines_never_share_a_directory_or_a_port() {
    let place = Place::new();
    let server = place.serve();
    let second = place.run("serve", &["--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, Some(15), "{}", second.stderr);
    assert_says(&second.stderr, &format!("(process {})", server.child.id()));
    assert_eq!(place.run("verify", &[]).code, Some(0), "verify reads while the engine runs");
    drop(server);

    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let refused = place.run("serve", &["--listen", &address]);
    assert_eq!(refused.code, Some(20), "{}", refused.stderr);
    assert_says(&refused.stderr, &address);
}

#[test]
fn a_changed_venue_is_told_and_not_applied() {
    let place = Place::new();
    assert_eq!(place.serve().terminate().code, Some(0));
    place.configure(|text| text.replace("taker_fee_ppm = \"1000\"", "taker_fee_ppm = \"900\""));
    let server = place.serve();
    assert_says(
        &server.said,
        "instruments[BTC-USDT].taker_fee_ppm: config says 900, the journal says 1000; kept 1000",
    );
    assert_eq!(server.terminate().code, Some(0));
    let replay = place.run("replay", &[]);
    assert_eq!(value(&replay.stdout, "commands"), "29", "nothing was journaled");
}

#[test]
fn passwords_are_hashed_for_the_configuration() {
    let hash = |input: &str| {
        let mut child = dojima(&["hash-password"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stdin = child.stdin.take().expect("is piped");
        std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("written");
        drop(stdin);
        Done::from(child.wait_with_output().expect("it ends"))
    };
    let done = hash("s3cret\n");
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let printed = done.stdout.trim_end();
    assert!(printed.starts_with("$argon2id$v=19$"), "{printed}");
    assert!(!printed.to_uppercase().contains("S3CRET"));

    let place = Place::new();
    place.configure(|text| {
        let plain = "{ username = \"ALICE\", password = \"DEMO\" }";
        let hashed = format!("{{ username = \"ALICE\", password_hash = \"{printed}\" }}");
        assert!(text.contains(plain));
        text.replacen(plain, &hashed, 1)
    });
    for wrong in ["", "with space\n", "elevenchars\n"] {
        let done = hash(wrong);
        assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{wrong:?}");
        assert!(done.stderr.contains("1 to 10 letters and digits"), "{}", done.stderr);
        assert!(wrong.is_empty() || !done.stderr.contains(wrong.trim()), "it is not shown");
    }
    let config = Config::load(&place.config()).expect("is valid");
    assert_eq!(config.accounts[0].logins[0].password_hash.as_deref(), Some(printed));
}
