//! Files that a program cannot print to.

use std::fs::OpenOptions;
use std::io::{ErrorKind, PipeReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Long enough for any machine: running out of it is a failure, never a verdict.
const PATIENCE: Duration = Duration::from_secs(60);

/// Linux's `O_NONBLOCK`.
const NON_BLOCKING: i32 = 0o4000;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlet {
    /// A pipe that nobody reads any more.
    Gone,
    /// A full disk.
    Full,
    /// A pipe that is full and that nobody reads.
    Stuck,
}

impl Outlet {
    pub const ALL: [Self; 3] = [Self::Gone, Self::Full, Self::Stuck];

    /// For a child. A pipe that is stuck is stuck for as long as its reader is kept.
    pub fn open(self) -> (Stdio, Option<PipeReader>) {
        if self == Self::Full {
            let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
            return (full.into(), None);
        }
        let (reader, writer) = std::io::pipe().expect("a pipe");
        if self == Self::Gone {
            return (writer.into(), None);
        }
        // Opened once more, so that only this end does not wait.
        let mut filler = OpenOptions::new()
            .write(true)
            .custom_flags(NON_BLOCKING)
            .open(format!("/proc/self/fd/{}", writer.as_raw_fd()))
            .expect("the same pipe");
        for len in [4096, 1] {
            let error = loop {
                if let Err(error) = filler.write_all(&vec![b'.'; len]) {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
        }
        (writer.into(), Some(reader))
    }
}

/// The exit code of a child that must end by itself; `None` for a signal's.
pub fn code_of(mut child: Child) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        if started.elapsed() > PATIENCE {
            child.kill().expect("killed");
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
