//! Sleeping until a socket has something to say.

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Waits for any of the sockets given to it. Wake-ups may be spurious: the caller tries its sockets before and after.
#[derive(Debug)]
pub(crate) struct Waiter {
    poll: Poll,
    events: Events,
}

impl Waiter {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, events: Events::with_capacity(64) })
    }

    /// Adds a socket, until it is closed. Edge-triggered: a socket is to be read until it has nothing more.
    pub(crate) fn add(&self, socket: &impl AsRawFd) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(0), interest)
    }

    /// Returns when a socket can be read or written again, or after `timeout`.
    pub(crate) fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            other => other,
        }
    }
}
