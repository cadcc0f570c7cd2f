//! File descriptors: the limit of the process, and the handling when none are left.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// The system allows fewer descriptors than are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{needed} file descriptors may be needed at a time and the system allows {allowed}: raise the limit (ulimit -n, or \
     LimitNOFILE= of the service), or lower gateway.connections_max and market_data.connections_max"
)]
pub struct TooFewDescriptors {
    /// The most descriptors needed at one time.
    pub needed: u64,
    /// The hard limit.
    pub allowed: u64,
}

/// Ensures that this many descriptors can be open at a time. Raises the soft limit if necessary, as far as the hard
/// limit allows.
///
/// # Errors
/// [`TooFewDescriptors`] if the hard limit is too low.
pub fn provide(needed: u64) -> Result<(), TooFewDescriptors> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` means that there is no limit.
    if current.is_none_or(|soft| soft >= needed) {
        return Ok(());
    }
    let allowed = maximum.unwrap_or(u64::MAX);
    let raised = Rlimit { current: Some(needed), maximum };
    if needed > allowed || setrlimit(Resource::Nofile, raised).is_err() {
        return Err(TooFewDescriptors { needed, allowed });
    }
    Ok(())
}

/// Descriptors that connections may not use: the threads that handle files briefly open a few in addition to those that
/// they keep open.
const KEPT: u64 = 64;

/// Whether a connection with this descriptor would use one of the last, which are kept for files. The system assigns
/// the lowest free number, so all below it are in use.
pub fn is_among_the_last(descriptor: RawFd) -> bool {
    let allowed = getrlimit(Resource::Nofile).current;
    allowed.is_some_and(|allowed| is_kept(u64::try_from(descriptor).unwrap_or(0), allowed))
}

fn is_kept(descriptor: u64, allowed: u64) -> bool {
    descriptor + KEPT.min(allowed / 4) >= allowed
}

/// Moves a connection to the lowest free descriptor, if its own is among the last. Returns it unchanged as the inner
/// error if there is no lower one; the caller may try again later.
///
/// # Errors
/// Other errors of the system.
pub fn below_the_last(descriptor: OwnedFd) -> io::Result<Result<OwnedFd, OwnedFd>> {
    if !is_among_the_last(descriptor.as_raw_fd()) {
        return Ok(Ok(descriptor));
    }
    match descriptor.try_clone() {
        Ok(lowest) if !is_among_the_last(lowest.as_raw_fd()) => Ok(Ok(lowest)),
        Ok(_) => Ok(Err(descriptor)),
        Err(error) if are_used_up(&error) => Ok(Err(descriptor)),
        Err(error) => Err(error),
    }
}

/// The error of a process that has used up its descriptors.
pub fn none_left() -> io::Error {
    io::Error::from_raw_os_error(Errno::MFILE.raw_os_error())
}

/// Whether the error says that the process or the system has no descriptor left.
pub fn are_used_up(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].iter().any(|one| error.raw_os_error() == Some(one.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_system_allows_is_refused_and_what_it_allows_is_had() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if let Some(hard) = maximum {
            assert_eq!(provide(hard + 1), Err(TooFewDescriptors { needed: hard + 1, allowed: hard }));
        }
        assert_eq!(getrlimit(Resource::Nofile).current, current, "a refusal changes nothing");
        let needed = current.unwrap_or(64).min(maximum.unwrap_or(64));
        assert_eq!(provide(needed), Ok(()));
        assert!(getrlimit(Resource::Nofile).current.is_none_or(|soft| soft >= needed));
    }

    #[test]
    fn the_last_are_kept() {
        let kept = |allowed: u64| (0..allowed).filter(|descriptor| is_kept(*descriptor, allowed)).count();
        assert_eq!((kept(1024), kept(100), kept(4)), (64, 25, 1));
        assert!(is_kept(1023, 1024) && !is_kept(959, 1024) && is_kept(2_000, 1024));
        assert!(are_used_up(&none_left()));
    }

    #[test]
    fn only_a_want_of_descriptors_is_one() {
        let told = |errno: Errno| are_used_up(&io::Error::from_raw_os_error(errno.raw_os_error()));
        assert!(told(Errno::MFILE) && told(Errno::NFILE) && !told(Errno::NOMEM) && !told(Errno::AGAIN));
    }
}
