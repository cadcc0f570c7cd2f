//! Descriptors for connections, where there are few: handshakes that are under way give way, and the last stay for files.

use super::shares::Shares;
use crate::runtime::descriptors::{self, are_used_up, below_the_last, none_left};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long a descriptor takes to be free after somebody gave way, and how often that is looked at.
pub const PAUSE: Duration = Duration::from_millis(2);
const PAUSES_MAX: u32 = 20;
/// One more gives way after so many.
const PAUSES_EACH: u32 = 5;

/// The connection by a descriptor that it may have.
///
/// # Errors
/// [`none_left`] when there is none although others gave way, else whatever the system says.
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

/// What `make` gives; while it finds no descriptor handshakes give way, for a while.
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
