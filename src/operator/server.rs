//! The Unix socket for operators, on its own thread, with one more thread per connection.

use super::desk::Desk;
use super::order::{Answer, LINE_BYTES_MAX, Reply, Request, VERSION};
use mio::net::UnixListener;
use mio::{Events, Interest, Poll, Token, Waker};
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The socket's name in the data directory.
pub const SOCKET_FILE: &str = "operator.sock";

/// The directory in which the socket is created before it is moved to its final name.
const MAKING: &str = "operator.tmp";

/// The most connections at one time; further ones get a refusal.
const CLIENTS_MAX: usize = 8;

/// The timeout for receiving a line and for sending its answer.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// The pause after a failed accept.
const REST: Duration = Duration::from_millis(100);

const LISTENER: Token = Token(0);
const STOP: Token = Token(1);

/// The running server. Dropping it stops it, removes the socket, and waits for its threads.
pub struct OperatorServer {
    stop: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

/// The connection of an operator.
struct Client {
    stream: UnixStream,
    thread: JoinHandle<()>,
}

impl OperatorServer {
    /// Listens in the data directory, in which no other engine may run. Replaces a socket that a killed engine has left
    /// behind.
    ///
    /// # Errors
    /// If the socket cannot be created.
    pub fn start(data: &Path, desk: Desk) -> io::Result<Self> {
        let (mut listener, path) = listen(data)?;
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), STOP)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopping, desk) = (Arc::clone(&stop), Arc::new(Mutex::new(desk)));
        let serve = move || serve(poll, &listener, &desk, &stopping);
        let thread = thread::Builder::new().name("operator".to_owned()).spawn(serve)?;
        Ok(Self { stop, waker, thread: Some(thread), path })
    }
}

impl Drop for OperatorServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// Creates the listener in a private directory, so that other users cannot connect before its mode is set, and then
/// renames it to its final name atomically.
fn listen(data: &Path) -> io::Result<(UnixListener, PathBuf)> {
    let (path, making) = (data.join(SOCKET_FILE), data.join(MAKING));
    match fs::remove_dir_all(&making) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    DirBuilder::new().mode(0o700).create(&making)?;
    let made = making.join(SOCKET_FILE);
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    fs::rename(&made, &path)?;
    fs::remove_dir(&making)?;
    Ok((listener, path))
}

fn serve(mut poll: Poll, listener: &UnixListener, desk: &Arc<Mutex<Desk>>, stop: &Arc<AtomicBool>) {
    let mut clients: Vec<Client> = Vec::new();
    let mut events = Events::with_capacity(4);
    while !stop.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((stream, _)) => {
                clients.retain(|client| !client.thread.is_finished());
                // An operator that cannot be served is disconnected; a later attempt may succeed.
                if let Err(error) = welcome(stream, &mut clients, desk, stop) {
                    tracing::warn!("an operator could not be served: {error}");
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if let Err(error) = poll.poll(&mut events, None)
                    && error.kind() != ErrorKind::Interrupted
                {
                    thread::sleep(REST);
                }
            }
            // For example, there is no descriptor left. The waiting connection is accepted later.
            Err(_) => thread::sleep(REST),
        }
    }
    for Client { stream, thread } in clients {
        let _ = stream.shutdown(Shutdown::Both);
        let _ = thread.join();
    }
}

fn welcome(
    stream: mio::net::UnixStream,
    clients: &mut Vec<Client>,
    desk: &Arc<Mutex<Desk>>,
    stop: &Arc<AtomicBool>,
) -> io::Result<()> {
    let stream = UnixStream::from(OwnedFd::from(stream));
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(SILENCE_MAX))?;
    if clients.len() >= CLIENTS_MAX {
        return answer(&stream, Reply::refused("too many operators are connected; try again"));
    }
    let (ours, desk, stop) = (stream.try_clone()?, Arc::clone(desk), Arc::clone(stop));
    let thread = thread::Builder::new().name("operator-client".to_owned()).spawn(move || {
        // A lost connection needs no handling. The shutdown is needed because `Client` holds another handle, which
        // would keep the socket open.
        let _ = talk(&stream, &desk, &stop);
        let _ = stream.shutdown(Shutdown::Both);
    })?;
    clients.push(Client { stream: ours, thread });
    Ok(())
}

/// The input of an operator, with a deadline.
struct Until<'a> {
    stream: &'a UnixStream,
    time: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(bytes)
    }
}

/// Answers the requests of one operator until it closes, exceeds the timeout for a line, or sends an invalid line.
fn talk(stream: &UnixStream, desk: &Mutex<Desk>, stop: &AtomicBool) -> io::Result<()> {
    let mut lines = BufReader::new(Until { stream, time: Instant::now() });
    loop {
        lines.get_mut().time = Instant::now() + SILENCE_MAX;
        let mut line = Vec::new();
        (&mut lines).take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line)?;
        if line.is_empty() || stop.load(Ordering::SeqCst) {
            return Ok(());
        }
        let request = match understood(&line) {
            Ok(request) => request,
            Err(reason) => return answer(stream, Reply::Refused { reason }),
        };
        let is_stopping = || stop.load(Ordering::SeqCst);
        let reply =
            desk.lock().unwrap_or_else(PoisonError::into_inner).carry_out(&request.order, is_stopping);
        answer(stream, reply)?;
    }
}

/// Parses a request from a line.
fn understood(line: &[u8]) -> Result<Request, String> {
    /// The part of a request that is the same in every version.
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    if line.last() != Some(&b'\n') {
        return Err(format!("a request is one line of at most {LINE_BYTES_MAX} bytes"));
    }
    let Versioned { version } =
        serde_json::from_slice(line).map_err(|error| format!("this is no request: {error}"))?;
    if version != VERSION {
        return Err(format!(
            "the request is of version {version} of the protocol; this engine speaks {VERSION}"
        ));
    }
    serde_json::from_slice(line).map_err(|error| format!("this is no order that is known here: {error}"))
}

fn answer(mut stream: &UnixStream, reply: Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Answer { version: VERSION, reply })?;
    line.push(b'\n');
    stream.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::understood;

    #[test]
    fn what_is_no_request_is_refused_with_the_reason() {
        let good = br#"{"version":1,"order":{"reset-user-ref":{"login":"ALICE"}}}"#;
        assert!(understood(&[&good[..], b"\n"].concat()).is_ok());
        for (line, why) in [
            (&good[..], "one line"),
            (b"\n", "no request"),
            (b"hello\n", "no request"),
            (b"{}\n", "no request"),
            (b"{\"version\":2,\"order\":{}}\n", "version 2"),
            (b"{\"version\":1}\n", "no order"),
            (b"{\"version\":1,\"order\":{\"halt\":{}}}\n", "no order"),
            (
                b"{\"version\":1,\"order\":{\"reset-user-ref\":{\"login\":\"A\",\"force\":true}}}\n",
                "no order",
            ),
            (b"\xff\xfe\n", "no request"),
        ] {
            let refused = understood(line).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
    }
}
