//! PostgreSQL, where it is installed: one transaction for each order, by a prepared statement over the same kind of socket.

use crate::child::until_input_ends;
use crate::servers::{INDEX, TABLE, row};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const USER: &str = "bench";
const STATEMENT: &str = "order";
const INSERT: &str = "INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
/// Types of its parameters: int8 is 20, int4 is 23, text is 25.
const TYPES: [i32; 8] = [20, 23, 25, 23, 20, 20, 23, 20];
/// How long a server may take to start.
const START_MAX: Duration = Duration::from_secs(60);

/// What the role says instead of an address, and then why.
pub const SKIPPED: &str = "skipped: ";

/// Plays the role: a server in a folder of its own, which ends with this process's input.
pub fn serve(folder: &Path) {
    match Postgres::start(folder) {
        Ok(server) => {
            println!("{}", server.address);
            until_input_ends();
        }
        Err(why) => println!("{SKIPPED}{}", why.replace('\n', " ")),
    }
}

struct Postgres {
    process: Child,
    address: SocketAddr,
}

impl Postgres {
    /// Starts one with its built-in settings, which sync every commit.
    ///
    /// # Errors
    /// Why there is none.
    fn start(place: &Path) -> Result<Self, String> {
        let programs = programs().ok_or("postgres and initdb are not found")?;
        let folder = place.join("postgres");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        // It refuses to run as root, so root lends it another name.
        let user = if rustix::process::geteuid().is_root() {
            let user =
                other_user().ok_or("it does not run as root, and there is no user postgres or nobody")?;
            chown(&folder, Some(user.0), Some(user.1)).map_err(|error| error.to_string())?;
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(place, open).map_err(|error| error.to_string())?;
            Some(user)
        } else {
            None
        };
        let data = folder.join("data");
        let made = command(&programs.join("initdb"), user, &folder)
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username", USER, "-D"])
            .arg(&data)
            .output()
            .map_err(|error| format!("initdb: {error}"))?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr);
            return Err(format!("initdb: {}", why.lines().last().unwrap_or("failed")));
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let address = free.map_err(|error| error.to_string())?;
        let port = address.port().to_string();
        let process = command(&programs.join("postgres"), user, &folder)
            .args(["-h", "127.0.0.1", "-p", &port, "-c", "unix_socket_directories=", "-D"])
            .arg(&data)
            .spawn()
            .map_err(|error| format!("postgres: {error}"))?;
        let mut server = Self { process, address };
        server.prepare()?;
        Ok(server)
    }

    /// Waits until it answers, and makes the table.
    fn prepare(&mut self) -> Result<(), String> {
        let started = Instant::now();
        loop {
            if let Ok(mut socket) = TcpStream::connect(self.address)
                && log_in(&mut socket).is_ok()
            {
                for query in [TABLE, INDEX] {
                    let mut output = Vec::new();
                    push(b'Q', &mut output, |body| push_text(query, body));
                    socket.write_all(&output).map_err(|error| error.to_string())?;
                    until_ready(&mut socket)?;
                }
                return Ok(());
            }
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("postgres ended at once: {status}"));
            }
            if started.elapsed() > START_MAX {
                return Err("postgres does not answer".to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT: it ends at once, in good order, with all of its processes.
        if let Ok(pid) = i32::try_from(self.process.id())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        }
        let _ = self.process.wait();
    }
}

fn command(program: &Path, user: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

/// The folder of postgres and initdb: on the path, or where Debian has the newest of them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().find(|folder| folder.join("postgres").exists() && folder.join("initdb").exists())
}

/// User and group of somebody who is not root.
fn other_user() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let find = |name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut words = line.split(':').skip(2);
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody"))
}

/// A message of the protocol (PostgreSQL, "Message Formats"): its type, its length with the length itself, its body.
fn push(kind: u8, output: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    output.push(kind);
    push_counted(output, body);
}

fn push_counted(output: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = output.len();
    output.extend_from_slice(&[0; 4]);
    body(output);
    let len = (output.len() - start) as i32;
    output[start..start + 4].copy_from_slice(&len.to_be_bytes());
}

fn push_text(text: &str, body: &mut Vec<u8>) {
    body.extend_from_slice(text.as_bytes());
    body.push(0);
}

/// Binds the prepared statement to the order of this number, runs it and commits.
pub fn push_insert(number: u64, output: &mut Vec<u8>) {
    let [id, account, side, price, quantity, state, entered] = row(number);
    push(b'B', output, |body| {
        push_text("", body);
        push_text(STATEMENT, body);
        // One format for all parameters: binary.
        [1_i16, 1, TYPES.len() as i16].iter().for_each(|word| body.extend_from_slice(&word.to_be_bytes()));
        let mut values = [id, account, side, price, quantity, state, entered].into_iter();
        for kind in TYPES {
            push_counted_value(body, |body| match kind {
                25 => body.extend_from_slice(b"BTC-USDT"),
                23 => body.extend_from_slice(&(values.next().unwrap_or(0) as i32).to_be_bytes()),
                _ => body.extend_from_slice(&values.next().unwrap_or(0).to_be_bytes()),
            });
        }
        body.extend_from_slice(&0_i16.to_be_bytes());
    });
    push(b'E', output, |body| {
        push_text("", body);
        body.extend_from_slice(&0_i32.to_be_bytes());
    });
    push(b'S', output, |_| {});
}

/// A value with its length, the length not counted.
fn push_counted_value(body: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    let start = body.len();
    body.extend_from_slice(&[0; 4]);
    value(body);
    let len = (body.len() - start - 4) as i32;
    body[start..start + 4].copy_from_slice(&len.to_be_bytes());
}

/// Logs in on a new connection and prepares the statement.
pub fn open(socket: &mut TcpStream) {
    log_in(socket).expect("PostgreSQL lets us in");
    let mut output = Vec::new();
    push(b'P', &mut output, |body| {
        push_text(STATEMENT, body);
        push_text(INSERT, body);
        body.extend_from_slice(&(TYPES.len() as i16).to_be_bytes());
        TYPES.iter().for_each(|kind| body.extend_from_slice(&kind.to_be_bytes()));
    });
    push(b'S', &mut output, |_| {});
    socket.write_all(&output).expect("sent");
    until_ready(socket).expect("PostgreSQL prepares the statement");
}

fn log_in(socket: &mut TcpStream) -> Result<(), String> {
    let mut output = Vec::new();
    push_counted(&mut output, |body| {
        // Version 3.0.
        body.extend_from_slice(&196_608_i32.to_be_bytes());
        ["user", USER, "database", "postgres"].iter().for_each(|word| push_text(word, body));
        body.push(0);
    });
    socket.write_all(&output).map_err(|error| error.to_string())?;
    until_ready(socket)
}

/// Reads up to ReadyForQuery.
fn until_ready(socket: &mut TcpStream) -> Result<(), String> {
    let mut head = [0; 5];
    loop {
        socket.read_exact(&mut head).map_err(|error| error.to_string())?;
        let [kind, len @ ..] = head;
        let mut body = vec![0; (i32::from_be_bytes(len) as usize).saturating_sub(4)];
        socket.read_exact(&mut body).map_err(|error| error.to_string())?;
        match kind {
            b'Z' => return Ok(()),
            b'E' => return Err(String::from_utf8_lossy(&body).replace('\0', " ")),
            _ => {}
        }
    }
}

/// Takes whole messages: how many bytes they are, and how many transactions are over.
///
/// # Panics
/// When one has failed.
pub fn take(input: &[u8]) -> (usize, u64) {
    let (mut used, mut done) = (0, 0);
    while let Some([kind, len @ ..]) = input[used..].first_chunk::<5>() {
        let len = 1 + i32::from_be_bytes(*len) as usize;
        let Some(message) = input.get(used..used + len) else { break };
        assert_ne!(*kind, b'E', "PostgreSQL: {}", String::from_utf8_lossy(message));
        done += u64::from(*kind == b'Z');
        used += len;
    }
    (used, done)
}
