//! Finds descriptors for connections when few are left: unfinished handshakes are ended, and the last descriptors are
//! kept for files.

use super::shares::Shares;
use crate::runtime::descriptors::{self, are_used_up, below_the_last, none_left};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The pause until the descriptor of an ended handshake is free, and the number of such pauses.
pub const PAUSE: Duration = Duration::from_millis(2);
const PAUSES_MAX: u32 = 20;
/// After this many pauses, another handshake is ended.
const PAUSES_EACH: u32 = 5;

/// Moves the connection to a descriptor that is not among the last ones, if necessary.
///
/// # Errors
/// [`none_left`] if there is none even after handshakes were ended, otherwise the system's error.
pub async fn for_client(stream: TcpStream, shares: &Shares) -> io::Result<TcpStream> {
    if !descriptors::is_among_the_last(stream.as_raw_fd()) {
        return Ok(stream);
    }
    let mut held = Some(OwnedFd::from(stream.into_std()?));
    let descriptor = with_room(shares, || {
        let Some(descriptor) = held.take() else { return Err(none_left()) };
        below_the_last(descriptor)?.map_err(|descriptor| {
            held = Some(descriptor);
            none_left()
        })
    });
    TcpStream::from_std(std::net::TcpStream::from(descriptor.await?))
}

/// A pair of local sockets.
///
/// # Errors
/// As [`for_client`].
pub async fn for_pair(shares: &Shares) -> io::Result<(UnixStream, UnixStream)> {
    with_room(shares, || {
        let (ours, theirs) = UnixStream::pair()?;
        match [&ours, &theirs].iter().any(|end| descriptors::is_among_the_last(end.as_raw_fd())) {
            true => Err(none_left()),
            false => Ok((ours, theirs)),
        }
    })
    .await
}

/// Calls `make` until it finds a descriptor, and ends handshakes in between, for a limited time.
async fn with_room<T>(shares: &Shares, mut make: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for pause in 0..PAUSES_MAX {
        match make() {
            Err(error) if are_used_up(&error) => {
                if pause % PAUSES_EACH == 0 && !shares.give_way() && pause == 0 {
                    return Err(error);
                }
            }
            made => return made,
        }
        sleep(PAUSE).await;
    }
    make()
}
