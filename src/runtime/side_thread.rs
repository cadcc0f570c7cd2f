//! A thread beside the agents' own, for work that would hold an agent up. It sleeps until it is woken, and ends when it is dropped.

use super::priority::Priority;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What such a thread does after a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next piece.
    Work,
    /// Sleeps until it is woken.
    Sleep,
    /// Sleeps for so long, or until it is woken.
    SleepFor(Duration),
}

#[derive(Debug)]
pub struct SideThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SideThread {
    /// Begins a thread of this name and standing that does one piece of work after the other.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn begin(
        name: &str,
        priority: Priority,
        mut work: impl FnMut() -> Next + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            priority.take();
            while !stopped.load(Ordering::Acquire) {
                match work() {
                    Next::Work => {}
                    Next::Sleep => thread::park(),
                    Next::SleepFor(time) => thread::park_timeout(time),
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Ends its sleep, or the next one if it is awake: what was given to it before this, it sees.
    pub fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for SideThread {
    /// Waits for the piece of work that it is at.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of it was reported when it happened.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn it_works_when_it_is_woken_and_ends_when_it_is_dropped() {
        let (done, pieces) = channel();
        let thread = SideThread::begin("side", Priority::Normal, move || {
            done.send(()).expect("somebody looks");
            Next::Sleep
        });
        let thread = thread.expect("a thread");
        for _ in 0..3 {
            pieces.recv().expect("a piece of work");
            thread.wake();
        }
        drop(thread);
        pieces.iter().for_each(drop);
        assert!(pieces.recv().is_err(), "its end of the channel is gone, and so is it");
    }
}
