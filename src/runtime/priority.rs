//! The priority of a thread relative to others, by Linux's scheduling classes. Other systems make no difference.
#![allow(unsafe_code, reason = "the system's calls have no safe form: the proof is at each call")]

/// The priority of a thread, from highest to lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// For threads between a client's message and its answer: they get a core promptly, in slices of 0.1 ms.
    Prompt,
    /// The priority with which the thread was started.
    Normal,
    /// For threads that batch work: the normal share, but without preempting others on wake-up.
    Gathering,
    /// About a tenth of a core next to a busy thread.
    Low,
    /// Only idle cores, which are given up immediately when others need them. A thread cannot leave this class without
    /// privilege. Its reads and writes wait while others use the disk, if the disk's scheduler supports that
    /// (`mq-deadline`, `bfq`).
    Idle,
}

impl Priority {
    /// Gives the calling thread, and the threads it starts later, this priority. Best effort: if the system does not
    /// support or permit it for a single thread, nothing changes.
    pub fn take(self) {
        #[cfg(target_os = "linux")]
        linux::take(self);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::Priority;

    /// The time slice next to threads of the same priority, in nanoseconds; 0: the system's default. Linux supports a
    /// slice per thread since 6.12, and runs the thread with the earlier deadline first.
    const PROMPT_SLICE_NS: u64 = 100_000;

    /// The calling thread, and the lowest I/O class (`linux/ioprio.h`).
    pub(super) const WHO_PROCESS: libc::c_int = 1;
    pub(super) const IO_IDLE: libc::c_int = 3 << 13;

    pub(super) fn take(priority: Priority) {
        let (policy, nice, slice) = match priority {
            Priority::Prompt => (libc::SCHED_OTHER, 0, PROMPT_SLICE_NS),
            Priority::Normal => return,
            Priority::Gathering => (libc::SCHED_BATCH, 0, 0),
            Priority::Low => (libc::SCHED_OTHER, 10, 0),
            Priority::Idle => (libc::SCHED_IDLE, 0, 0),
        };
        // A process that was started with a lower priority than usual keeps it.
        let given = rustix::process::getpriority_process(None).unwrap_or(0);
        let attr = libc::sched_attr {
            size: size_of::<libc::sched_attr>() as u32,
            sched_policy: policy as u32,
            sched_flags: 0,
            sched_nice: given.max(nice),
            sched_priority: 0,
            sched_runtime: slice,
            sched_deadline: 0,
            sched_period: 0,
        };
        // SAFETY: the call reads `size` bytes from the pointer, which is to a value of that size that outlives it, and
        // writes nothing; 0 is the calling thread.
        let _ = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attr, 0) };
        if priority == Priority::Idle {
            // SAFETY: the call takes numbers only; 0 is the calling thread.
            let _ = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, IO_IDLE) };
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;

    /// The scheduling policy, nice value and I/O class of the calling thread, as the system reports them.
    fn of_this_thread() -> (String, i32, i64) {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("there is one");
        // The name may contain spaces. After it follow fields 3 and later (proc(5)); field 41 is the policy.
        let policy = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(41 - 3));
        // SAFETY: the call takes numbers only; 0 is the calling thread.
        let io = unsafe { libc::syscall(libc::SYS_ioprio_get, linux::WHO_PROCESS, 0) };
        (policy.expect("a policy").to_owned(), getpriority_process(None).expect("a priority"), io)
    }

    #[test]
    fn a_thread_has_the_standing_that_it_takes_and_others_keep_theirs() {
        let before = of_this_thread();
        for (priority, policy, nice) in [
            (Priority::Prompt, libc::SCHED_OTHER, 0),
            (Priority::Normal, libc::SCHED_OTHER, 0),
            (Priority::Gathering, libc::SCHED_BATCH, 0),
            (Priority::Low, libc::SCHED_OTHER, 10),
            (Priority::Idle, libc::SCHED_IDLE, 0),
        ] {
            let taken = std::thread::spawn(move || {
                priority.take();
                of_this_thread()
            });
            let taken = taken.join().expect("no panic");
            assert_eq!((&taken.0, taken.1), (&policy.to_string(), before.1.max(nice)), "{priority:?}");
            // A thread without an explicit I/O class has one derived from its nice value.
            assert_eq!(taken.2 == i64::from(linux::IO_IDLE), priority == Priority::Idle, "{priority:?}");
        }
        assert_eq!(of_this_thread(), before);
    }
}
