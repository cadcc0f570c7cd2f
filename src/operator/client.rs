//! The client side of the socket.

use super::order::{Answer, LINE_BYTES_MAX, Order, Reply, Request, VERSION};
use super::server::SOCKET_FILE;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A timeout that is longer than the engine's own for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The reason why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No engine listens on the socket.
    #[error("no engine runs on {}: nobody listens on its {SOCKET_FILE}; start `dojima serve`, or name its directory with --data", .0.display())]
    NoEngine(PathBuf),
    /// The socket belongs to another user.
    #[error("{} is not yours to use: run this as the user that the engine runs as", .0.display())]
    NotAllowed(PathBuf),
    /// The connection failed.
    #[error("no answer from the engine, so it is not known whether anything was done; see its log")]
    Broken(#[source] io::Error),
    /// The answer has another version or cannot be parsed.
    #[error(
        "the engine's answer is of another version of the protocol: use the dojima that it was started with"
    )]
    OtherVersion,
}

/// Sends an order to the engine that runs on this data directory.
///
/// # Errors
/// [`AskError`].
pub fn ask(data: &Path, order: Order) -> Result<Reply, AskError> {
    let path = data.join(SOCKET_FILE);
    let mut stream = UnixStream::connect(&path).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => AskError::NotAllowed(path),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => AskError::NoEngine(data.to_owned()),
        _ => AskError::Broken(error),
    })?;
    let exchange = |stream: &mut UnixStream| -> io::Result<Vec<u8>> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = serde_json::to_vec(&Request { version: VERSION, order })?;
        line.push(b'\n');
        stream.write_all(&line)?;
        let mut answer = Vec::new();
        BufReader::new(stream).take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut answer)?;
        if answer.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
    };
    let answer = exchange(&mut stream).map_err(AskError::Broken)?;
    match serde_json::from_slice(&answer) {
        Ok(Answer { version: VERSION, reply }) => Ok(reply),
        Ok(Answer { .. }) | Err(_) => Err(AskError::OtherVersion),
    }
}
