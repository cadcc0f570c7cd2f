//! How much a thread counts beside the others, by Linux's scheduling classes. On other systems all count the same.
#![allow(unsafe_code, reason = "the system's calls have no safe form: the proof is at each call")]

/// A thread's standing, from the most to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Between a client and its answer: it has a core as soon as it wants one, for 0.1 ms at a time.
    Prompt,
    /// As the thread was started.
    Normal,
    /// It gathers work: it has its share, and interrupts nobody when it wakes.
    Gathering,
    /// Beside a busy thread it has a tenth of a core.
    Low,
    /// It has the cores that nobody else wants, and gives them back at once. There is no way back from here without privilege.
    /// Its reads and writes wait while the disk has any of others, where the disk's scheduler knows of that (`mq-deadline`,
    /// `bfq`).
    Idle,
}

impl Priority {
    /// From now on the calling thread, and those that it starts, have this standing. It is a wish: where the system knows
    /// no such standing of a single thread, or grants none, nothing changes.
    pub fn take(self) {
        #[cfg(target_os = "linux")]
        linux::take(self);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::Priority;

    /// How long a thread has a core before another that counts as much, ns; 0: as the system has it. Linux has a thread's
    /// own slice since 6.12, and runs whoever is to be done sooner first.
    const PROMPT_SLICE_NS: u64 = 100_000;

    /// The calling thread, and the lowest class of its reads and writes (`linux/ioprio.h`).
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
        // A process that was started with less than the usual standing keeps it.
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

    /// The calling thread's policy, nice value, and class of reads and writes, as the system has them.
    fn of_this_thread() -> (String, i32, i64) {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("there is one");
        // The name may have spaces; after it come fields 3 and so on (proc(5)), 41 of them is the policy.
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
            // Without a wish of its own a thread's class goes by its nice value.
            assert_eq!(taken.2 == i64::from(linux::IO_IDLE), priority == Priority::Idle, "{priority:?}");
        }
        assert_eq!(of_this_thread(), before);
    }
}
