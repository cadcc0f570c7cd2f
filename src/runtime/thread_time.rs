//! The processor time of a thread.

use std::fs;
use std::time::Duration;

/// Processor time of the calling thread so far, accurate to a tick of the system's clock (some milliseconds); `None` if
/// the system does not report it.
pub fn thread_time() -> Option<Duration> {
    let times = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    times.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_thread_that_works_takes_time_and_another_one_does_not() {
        let Some(before) = thread_time() else { return };
        let started = Instant::now();
        let busy = || thread_time().map_or(Duration::ZERO, |now| now - before);
        while busy() < Duration::from_millis(20) {
            assert!(started.elapsed() < Duration::from_secs(60), "it does not count");
        }
        let other = std::thread::spawn(thread_time).join();
        assert!(other.is_ok_and(|other| other < thread_time()), "it is a thread's own time");
    }
}
