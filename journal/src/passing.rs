//! Transient errors of the system: interrupted by a signal, or temporarily out of descriptors or memory. Nothing was
//! done, and the same call can succeed later.
//!
//! An error of a sync is never transient, whatever its code: data may be lost, and a second sync would not report it.

use rustix::io::Errno;
use std::fmt;
use std::io;
use std::thread;
use std::time::Duration;

/// The pauses before further attempts, 31 ms in total. Callers that can wait longer retry later.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(4),
    Duration::from_millis(8),
    Duration::from_millis(16),
];

/// Transient errors, each with advice for the operator; `None` if no advice is needed.
const PASSING: [(Errno, Option<&str>); 5] = [
    (Errno::INTR, None),
    (
        Errno::MFILE,
        Some(
            "the process has used up its file descriptors: raise its limit (ulimit -n, or LimitNOFILE= of the service)",
        ),
    ),
    (
        Errno::NFILE,
        Some("the system has used up its open files: raise fs.file-max (sysctl), or end who has them"),
    ),
    (
        Errno::NOMEM,
        Some("the system gives no memory: free some; if there is enough, raise vm.max_map_count (sysctl)"),
    ),
    (
        Errno::NOBUFS,
        Some("the system gives no memory for sockets: free some, or raise net.ipv4.tcp_mem (sysctl)"),
    ),
];

/// Errors that last until space is freed.
const SPACE: [Errno; 2] = [Errno::NOSPC, Errno::DQUOT];

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

/// Whether the same call can succeed later without intervention. [`io::ErrorKind::WouldBlock`] is not transient: it is
/// an answer.
#[must_use]
pub fn is_passing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted || PASSING.iter().any(|(errno, _)| is(error, *errno))
}

/// Whether the disk or a quota is full.
#[must_use]
pub fn is_out_of_space(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StorageFull || SPACE.iter().any(|errno| is(error, *errno))
}

/// Advice for the operator about an error; `None` if there is none.
#[must_use]
pub fn advice(error: &io::Error) -> Option<&'static str> {
    if is_out_of_space(error) {
        return Some("make space: docs/OPERATIONS.md, \"The disk is full\"");
    }
    PASSING.iter().find(|(errno, _)| is(error, *errno)).and_then(|(_, advice)| *advice)
}

/// Formats an error together with the advice for it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a>(pub &'a io::Error);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        write!(f, "{error}")?;
        advice(error).map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

/// Retries a call: at once after a signal, and a few times with pauses after other transient errors. Only for threads
/// that may wait for a disk, and not for a sync.
///
/// # Errors
/// The error of the last call.
pub fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut pauses = PAUSES.iter();
    loop {
        let error = match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if is_passing(&error) => error,
            done => return done,
        };
        match pauses.next() {
            Some(pause) => thread::sleep(*pause),
            None => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(errno: Errno) -> io::Error {
        io::Error::from_raw_os_error(errno.raw_os_error())
    }

    #[test]
    fn only_what_passes_is_passing_and_the_advice_fits() {
        for (errno, _) in PASSING {
            assert!(is_passing(&of(errno)), "{errno}");
        }
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::AGAIN, Errno::NOENT, Errno::ACCESS] {
            assert!(!is_passing(&of(errno)), "{errno}");
        }
        for (errno, word) in [
            (Errno::MFILE, "ulimit"),
            (Errno::NFILE, "file-max"),
            (Errno::NOMEM, "memory"),
            (Errno::NOSPC, "space"),
        ] {
            let told = Told(&of(errno)).to_string();
            assert!(told.contains(&of(errno).to_string()) && told.contains(word), "{told}");
        }
        assert_eq!(Told(&of(Errno::IO)).to_string(), of(Errno::IO).to_string());
    }

    #[test]
    fn a_call_is_made_again_while_its_error_passes_but_not_for_ever() {
        let mut calls = 0;
        let mut failing = |errno: Errno, times: usize| {
            calls = 0;
            let done = retry(|| {
                calls += 1;
                if calls > times { Ok(()) } else { Err(of(errno)) }
            });
            (done.is_ok(), calls)
        };
        assert_eq!(failing(Errno::INTR, 1_000), (true, 1_001));
        assert_eq!(failing(Errno::MFILE, PAUSES.len()), (true, PAUSES.len() + 1));
        assert_eq!(failing(Errno::MFILE, 1_000), (false, PAUSES.len() + 1));
        assert_eq!(failing(Errno::IO, 1), (false, 1));
    }
}
