//! A thread for work that would delay an agent. It sleeps until it is woken, and ends when the handle is dropped.

use super::priority::Priority;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What the thread does after a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do the next piece.
    Work,
    /// Sleep until it is woken.
    Sleep,
    /// Sleep for this time, or until it is woken.
    SleepFor(Duration),
}

#[derive(Debug)]
pub struct SideThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SideThread {
    /// Starts a thread with this name and priority. It does one piece of work after the other.
    ///
    /// # Errors
    /// If the system provides no thread.
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

    /// Wakes the thread, or skips its next sleep if it is awake. So it sees everything published before this call.
    pub fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for SideThread {
    /// Waits for the current piece of work to end.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
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
