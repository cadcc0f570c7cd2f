//! Threads that give way to others.

/// How far a thread gives way, in steps of `nice`: beside a busy thread it has a tenth of a core, on a core of its own all of it.
#[cfg(target_os = "linux")]
const STEPS: i32 = 10;

/// From now on the calling thread gives way to the others. It is a wish: where the system knows no priority of a single thread,
/// or grants none, nothing changes.
pub fn give_way_to_others() {
    // Linux takes the caller's number for one thread; elsewhere it is the whole process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, STEPS);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;

    #[test]
    fn only_the_thread_that_asks_gives_way() {
        let before = getpriority_process(None).expect("a priority");
        let given = std::thread::spawn(|| {
            give_way_to_others();
            getpriority_process(None).expect("a priority")
        });
        assert_eq!(given.join().expect("no panic"), before.max(STEPS));
        assert_eq!(getpriority_process(None).expect("a priority"), before);
    }
}
